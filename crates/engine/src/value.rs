//! Values that do not fit into their entry's block, and views of values wherever they are.
//!
//! A short string or an integer lies inside the entry (see `ds::entry`); what is longer, and later every other
//! type, is a [`Value`] behind the entry. A value's root is shared (`Arc`): a snapshot takes the root and a writer
//! copies only while it is shared.

use crate::error::Error;
use ds::entry::{INLINE_BYTES_MAX, NewPayload, Payload};
use std::sync::Arc;

/// Strings longer than this are "raw", shorter ones "embstr" (OBJECT ENCODING).
pub const EMBSTR_BYTES_MAX: usize = 44;

/// The entry's tag bit for a string that was changed in place: "raw" whatever its length.
pub const TAG_RAW: u8 = 1;

#[derive(Clone)]
pub enum Value {
    /// A string longer than what an entry takes inline.
    Bytes(Arc<Vec<u8>>),
}

impl Value {
    /// Bytes of memory behind the entry, about.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.capacity(),
        }
    }
}

/// The integer that a string is kept as, if it spells one.
#[inline]
pub fn as_int(bytes: &[u8]) -> Option<i64> {
    if bytes.len() <= base::number::I64_TEXT_BYTES_MAX { base::number::parse_i64(bytes) } else { None }
}

/// A string that is kept as its bytes, whatever they spell.
#[inline]
pub fn new_bytes(bytes: &[u8]) -> NewPayload<'_, Value> {
    if bytes.len() <= INLINE_BYTES_MAX {
        return NewPayload::Bytes(bytes);
    }
    NewPayload::Boxed(Value::Bytes(Arc::new(bytes.to_vec())))
}

/// A string value, wherever it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Str<'a> {
    Int(i64),
    Bytes(&'a [u8]),
}

/// The text of an integer, on the stack.
pub struct Text {
    digits: itoa::Buffer,
}

impl Text {
    pub fn new() -> Self {
        Self { digits: itoa::Buffer::new() }
    }
}

impl<'a> Str<'a> {
    /// The string's bytes; an integer is written into `text` first.
    pub fn bytes<'t>(self, text: &'t mut Text) -> &'t [u8]
    where
        'a: 't,
    {
        match self {
            Self::Int(n) => text.digits.format(n).as_bytes(),
            Self::Bytes(bytes) => bytes,
        }
    }

    pub fn to_vec(self) -> Vec<u8> {
        self.bytes(&mut Text::new()).to_vec()
    }

    pub fn len(self) -> usize {
        match self {
            Self::Int(n) => itoa::Buffer::new().format(n).len(),
            Self::Bytes(bytes) => bytes.len(),
        }
    }

    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The integer that the string spells, as INCR reads it.
    pub fn as_int(self) -> Option<i64> {
        match self {
            Self::Int(n) => Some(n),
            Self::Bytes(bytes) => base::number::parse_i64(bytes),
        }
    }
}

/// Name of the value's type, as TYPE and SCAN TYPE know it.
pub fn type_name(payload: &Payload<Value>) -> &'static str {
    match payload {
        Payload::Int(_) | Payload::Bytes(_) | Payload::Boxed(Value::Bytes(_)) => "string",
    }
}

/// The payload as a string, or WRONGTYPE.
pub fn as_str<'a>(payload: Payload<'a, Value>) -> Result<Str<'a>, Error> {
    match payload {
        Payload::Int(n) => Ok(Str::Int(n)),
        Payload::Bytes(bytes) => Ok(Str::Bytes(bytes)),
        Payload::Boxed(Value::Bytes(bytes)) => Ok(Str::Bytes(bytes)),
    }
}

/// Name of the value's encoding, as OBJECT ENCODING gives it.
pub fn encoding(payload: &Payload<Value>, tag: u8) -> &'static str {
    match payload {
        Payload::Int(_) => "int",
        Payload::Bytes(bytes) if bytes.len() <= EMBSTR_BYTES_MAX && tag & TAG_RAW == 0 => "embstr",
        Payload::Bytes(_) | Payload::Boxed(Value::Bytes(_)) => "raw",
    }
}
