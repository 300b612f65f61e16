//! Errors of commands: each wire text exists once, here, and is Redis's.
//!
//! `Display` prints what stands after `-` on the wire. Commands return these with `?`; the caller rewinds the
//! reply to where the command began and writes the line. Errors of one command alone use [`Error::Text`].

use std::borrow::Cow;
use std::fmt;

/// Why a command was refused or failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    WrongType,
    Syntax,
    NoSuchKey,
    NotInteger,
    NotFloat,
    Overflow,
    NanOrInfinity,
    OutOfRange,
    /// A number that C's int does not hold.
    OutOfIntRange,
    /// The one integer that has no counterpart.
    OutOfLongRange,
    BusyKey,
    InvalidExpire {
        command: Cow<'static, str>,
    },
    StringTooLong,
    OffsetOutOfRange,
    DbOutOfRange,
    InvalidDbIndex,
    SameObject,
    InvalidCursor,
    Arity {
        command: String,
    },
    UnknownSubcommand {
        sub: String,
        command: &'static str,
    },
    /// A whole error line with its code, as sent.
    Text(Cow<'static, str>),
}

pub type Done = Result<(), Error>;

impl Error {
    /// An error line that is used in one place only; `text` begins with its code.
    pub const fn text(text: &'static str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }

    pub fn owned(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }

    pub fn invalid_expire(command: &str) -> Self {
        Self::InvalidExpire { command: Cow::Owned(command.to_ascii_lowercase()) }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::WrongType => "WRONGTYPE Operation against a key holding the wrong kind of value",
            Self::Syntax => "ERR syntax error",
            Self::NoSuchKey => "ERR no such key",
            Self::NotInteger => "ERR value is not an integer or out of range",
            Self::NotFloat => "ERR value is not a valid float",
            Self::Overflow => "ERR increment or decrement would overflow",
            Self::NanOrInfinity => "ERR increment would produce NaN or Infinity",
            Self::OutOfRange => "ERR value is out of range",
            Self::OutOfIntRange => "ERR value is out of range, value must between -2147483648 and 2147483647",
            Self::OutOfLongRange => {
                "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807"
            }
            Self::BusyKey => "BUSYKEY Target key name already exists.",
            Self::StringTooLong => "ERR string exceeds maximum allowed size (proto-max-bulk-len)",
            Self::OffsetOutOfRange => "ERR offset is out of range",
            Self::DbOutOfRange => "ERR DB index is out of range",
            Self::InvalidDbIndex => "ERR invalid DB index",
            Self::SameObject => "ERR source and destination objects are the same",
            Self::InvalidCursor => "ERR invalid cursor",
            Self::InvalidExpire { command } => {
                return write!(f, "ERR invalid expire time in '{command}' command");
            }
            Self::Arity { command } => {
                return write!(f, "ERR wrong number of arguments for '{command}' command");
            }
            Self::UnknownSubcommand { sub, command } => {
                return write!(f, "ERR unknown subcommand '{sub}'. Try {command} HELP.");
            }
            Self::Text(text) => text,
        };
        f.write_str(text)
    }
}

impl std::error::Error for Error {}
