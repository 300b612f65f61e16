//! The options of SET and GETEX: when the key expires, and whether it must be there.

use crate::commands::args::{int, is};
use crate::error::Error;
use crate::row::Doc;
use resp::Args;

/// Which of the two commands is read: each refuses what only the other knows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    Set,
    GetEx,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum OnlyIf {
    Absent,
    Present,
}

/// How a time is given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Unit {
    Seconds,
    Millis,
    UnixSeconds,
    UnixMillis,
}

#[derive(Clone, Copy)]
pub(super) enum Expiry<'a> {
    Unsaid,
    Keep,
    Persist,
    In(Unit, &'a [u8]),
}

pub(super) struct Options<'a> {
    pub only_if: Option<OnlyIf>,
    pub get: bool,
    pub expiry: Expiry<'a>,
}

const UNITS: &[(&str, Unit)] =
    &[("ex", Unit::Seconds), ("px", Unit::Millis), ("exat", Unit::UnixSeconds), ("pxat", Unit::UnixMillis)];

/// Reads the options from the argument `from` on. An option may be repeated, the last one counts; but two that
/// contradict each other are a syntax error.
pub(super) fn parse(args: Args<'_>, from: usize, of: Of) -> Result<Options<'_>, Error> {
    let mut options = Options { only_if: None, get: false, expiry: Expiry::Unsaid };
    let mut i = from;
    while i < args.len() {
        let word = args.at(i);
        if let Some(&(_, unit)) = UNITS.iter().find(|(name, _)| is(word, name)) {
            i += 1;
            let time = args.get(i).ok_or(Error::Syntax)?;
            match options.expiry {
                Expiry::Unsaid => {}
                Expiry::In(before, _) if before == unit => {}
                _ => return Err(Error::Syntax),
            }
            options.expiry = Expiry::In(unit, time);
        } else if of == Of::Set {
            options.take_of_set(word)?;
        } else if is(word, "persist") && matches!(options.expiry, Expiry::Unsaid | Expiry::Persist) {
            options.expiry = Expiry::Persist;
        } else {
            return Err(Error::Syntax);
        }
        i += 1;
    }
    Ok(options)
}

impl Options<'_> {
    fn take_of_set(&mut self, word: &[u8]) -> Result<(), Error> {
        if is(word, "nx") && self.only_if != Some(OnlyIf::Present) {
            self.only_if = Some(OnlyIf::Absent);
        } else if is(word, "xx") && self.only_if != Some(OnlyIf::Absent) {
            self.only_if = Some(OnlyIf::Present);
        } else if is(word, "get") {
            self.get = true;
        } else if is(word, "keepttl") && matches!(self.expiry, Expiry::Unsaid | Expiry::Keep) {
            self.expiry = Expiry::Keep;
        } else {
            return Err(Error::Syntax);
        }
        Ok(())
    }
}

impl Unit {
    pub(super) fn is_absolute(self) -> bool {
        matches!(self, Self::UnixSeconds | Self::UnixMillis)
    }

    /// The Unix time in ms that `time` names for `command`; it must be positive and fit.
    pub(super) fn deadline(self, time: &[u8], now_ms: i64, command: &'static str) -> Result<i64, Error> {
        let n = int(time)?;
        let ms = match self {
            Self::Seconds | Self::UnixSeconds => n.checked_mul(1000),
            Self::Millis | Self::UnixMillis => Some(n),
        };
        let base = if self.is_absolute() { 0 } else { now_ms };
        let at = ms.filter(|_| 0 < n).and_then(|ms| ms.checked_add(base));
        at.filter(|&at| 0 < at).ok_or_else(|| Error::invalid_expire(command))
    }
}

const KEEP_TTL: Doc = Doc::flag("keepttl", "KEEPTTL").since("6.0.0");
const PERSIST: Doc = Doc::flag("persist", "PERSIST");
const SECONDS: Doc = Doc::new("seconds", "integer").behind("EX");
const MILLIS: Doc = Doc::new("milliseconds", "integer").behind("PX");
const UNIX_SECONDS: Doc = Doc::new("unix-time-seconds", "unix-time").behind("EXAT");
const UNIX_MILLIS: Doc = Doc::new("unix-time-milliseconds", "unix-time").behind("PXAT");

pub(super) const SET_EXPIRATION: Doc = Doc::one_of(
    "expiration",
    &[
        SECONDS.since("2.6.12"),
        MILLIS.since("2.6.12"),
        UNIX_SECONDS.since("6.2.0"),
        UNIX_MILLIS.since("6.2.0"),
        KEEP_TTL,
    ],
)
.optional();

pub(super) const GETEX_EXPIRATION: Doc =
    Doc::one_of("expiration", &[SECONDS, MILLIS, UNIX_SECONDS, UNIX_MILLIS, PERSIST]).optional();
