//! What the commands on the time of fields have in common: how they give it, and how they name their fields.
//!
//! None of them is in Redis 7.2. Syntax, replies, errors and limits are those of Redis 8; where they come from is
//! written in `expire`.

use super::FIELD;
use crate::commands::args::{int, is};
use crate::error::Error;
use crate::row::Doc;
use resp::Args;

/// No field expires later (Unix ms): Redis keeps 48 bits of a time, and two of them for later use.
pub(super) const EXPIRY_MS_MAX: i64 = (1 << 46) - 1;

/// `FIELDS n field …`
pub(super) const FIELDS: Doc =
    Doc::block("fields", &[Doc::new("numfields", "integer"), FIELD.multiple()]).behind("FIELDS");

const SECONDS: Doc = Doc::new("seconds", "integer").behind("EX");
const MILLISECONDS: Doc = Doc::new("milliseconds", "integer").behind("PX");
const AT_SECONDS: Doc = Doc::new("unix-time-seconds", "unix-time").behind("EXAT");
const AT_MILLISECONDS: Doc = Doc::new("unix-time-milliseconds", "unix-time").behind("PXAT");

pub(super) const EXPIRATION_OR_PERSIST: Doc = Doc::one_of(
    "expiration",
    &[SECONDS, MILLISECONDS, AT_SECONDS, AT_MILLISECONDS, Doc::flag("persist", "PERSIST")],
)
.optional();

pub(super) const EXPIRATION_OR_KEEP: Doc = Doc::one_of(
    "expiration",
    &[SECONDS, MILLISECONDS, AT_SECONDS, AT_MILLISECONDS, Doc::flag("keepttl", "KEEPTTL")],
)
.optional();

/// A unit of time, and whether times count from now on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Form {
    /// Milliseconds of the unit.
    scale: i64,
    is_relative: bool,
}

impl Form {
    pub const EX: Self = Self { scale: 1000, is_relative: true };
    pub const PX: Self = Self { scale: 1, is_relative: true };
    pub const EXAT: Self = Self { scale: 1000, is_relative: false };
    pub const PXAT: Self = Self { scale: 1, is_relative: false };

    /// The form that an option's word says.
    pub fn of_word(word: &[u8]) -> Option<Self> {
        let words = [("ex", Self::EX), ("px", Self::PX), ("exat", Self::EXAT), ("pxat", Self::PXAT)];
        words.into_iter().find(|(name, _)| is(word, name)).map(|(_, form)| form)
    }

    /// The time as it is logged: in Unix ms.
    pub fn is_canonical(self) -> bool {
        self == Self::PXAT
    }

    /// The Unix time in ms.
    pub fn deadline(self, time: &[u8], now_ms: i64, command: &str) -> Result<i64, Error> {
        let time = int(time)?;
        if time < 0 {
            return Err(Error::text("ERR invalid expire time, must be >= 0"));
        }
        let base = if self.is_relative { now_ms } else { 0 };
        let at = time.checked_mul(self.scale).and_then(|ms| ms.checked_add(base));
        at.filter(|at| *at <= EXPIRY_MS_MAX).ok_or_else(|| Error::invalid_expire(command))
    }
}

/// What is said of a number of fields that is none.
pub(super) const NO_COUNT: &str = "ERR Number of fields must be a positive integer";

/// The fields of `FIELDS n field …`, which begins at `at` and ends the request. `no_count` is the error for an `n`
/// that is no count.
pub(super) fn counted_fields<'a>(
    args: Args<'a>,
    at: usize,
    no_count: &'static str,
) -> Result<Args<'a>, Error> {
    if !args.get(at).is_some_and(|word| is(word, "fields")) {
        return Err(Error::text("ERR Mandatory argument FIELDS is missing or not at the right position"));
    }
    let count = args.get(at + 1).and_then(|count| int(count).ok()).filter(|count| 1 <= *count);
    let count = count.ok_or(Error::text(no_count))?;
    if usize::try_from(count).ok() != (args.len() - at).checked_sub(2) {
        return Err(Error::text("ERR The `numfields` parameter must match the number of arguments"));
    }
    Ok(args.tail(at + 2))
}
