//! Ids and intervals of ids, read from arguments.

use crate::error::Error;
use ds::stream::{Id, parse_part};

const INVALID: Error = Error::text("ERR Invalid stream ID specified as stream command argument");
const INVALID_START: Error = Error::text("ERR invalid start ID for the interval");
const INVALID_END: Error = Error::text("ERR invalid end ID for the interval");

/// The id that an entry is to get.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum NewId {
    /// `*`
    Auto,
    /// `ms-*`
    Within(u64),
    Given(Id),
}

/// Longer texts are no ids.
const TEXT_BYTES_MAX: usize = 127;

/// What C's functions see of an argument.
fn c_text(arg: &[u8]) -> Option<&[u8]> {
    if TEXT_BYTES_MAX < arg.len() {
        return None;
    }
    arg.split(|&byte| byte == 0).next()
}

/// An id where `-` and `+` stand for the smallest and the largest.
pub(super) fn any(arg: &[u8], missing_seq: u64) -> Result<Id, Error> {
    match arg {
        [b'-'] => Ok(Id::MIN),
        [b'+'] => Ok(Id::MAX),
        arg => c_text(arg).and_then(|text| Id::parse(text, missing_seq)).ok_or(INVALID),
    }
}

/// An id in numbers; a missing second one is 0.
pub(super) fn strict(arg: &[u8]) -> Result<Id, Error> {
    strict_with(arg, 0)
}

fn strict_with(arg: &[u8], missing_seq: u64) -> Result<Id, Error> {
    match arg {
        [b'-' | b'+'] => Err(INVALID),
        arg => any(arg, missing_seq),
    }
}

pub(super) fn all_strict<'a>(args: impl Iterator<Item = &'a [u8]>) -> Result<Vec<Id>, Error> {
    args.map(strict).collect()
}

/// The id of an entry to be added, but for `*`.
pub(super) fn new(arg: &[u8]) -> Result<NewId, Error> {
    let text = c_text(arg).ok_or(INVALID)?;
    // The first dash ends the first number: nothing but the star may follow.
    match text.strip_suffix(b"-*") {
        Some(ms) if !ms.contains(&b'-') => parse_part(ms).map(NewId::Within).ok_or(INVALID),
        _ => strict(arg).map(NewId::Given),
    }
}

/// The start of an interval: inclusive, or exclusive with a parenthesis before it.
pub(super) fn start(arg: &[u8]) -> Result<Id, Error> {
    match exclusive(arg) {
        Some(arg) => strict_with(arg, 0)?.next().ok_or(INVALID_START),
        None => any(arg, 0),
    }
}

/// The same for the end.
pub(super) fn end(arg: &[u8]) -> Result<Id, Error> {
    match exclusive(arg) {
        Some(arg) => strict_with(arg, u64::MAX)?.prev().ok_or(INVALID_END),
        None => any(arg, u64::MAX),
    }
}

fn exclusive(arg: &[u8]) -> Option<&[u8]> {
    match arg {
        [b'(', rest @ ..] if !rest.is_empty() => Some(rest),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_as_redis_reads_them() {
        let id = |ms, seq| Ok(Id::new(ms, seq));
        assert_eq!(any(b"5", 7), id(5, 7));
        assert_eq!(any(b"-", 7), Ok(Id::MIN));
        assert_eq!(any(b"+", 7), Ok(Id::MAX));
        assert_eq!(strict(b"-"), Err(INVALID));
        assert_eq!(strict(b"5-6"), id(5, 6));
        // A C string ends at a zero byte, wherever the dash is.
        assert_eq!(strict(b"5\0-6"), id(5, 0));
        assert_eq!(strict(b"5-6\0x"), id(5, 6));
        assert_eq!(strict(&[b'1'; 128]), Err(INVALID));
        assert_eq!(strict(b"5-*"), Err(INVALID));
        assert_eq!(new(b"5-*"), Ok(NewId::Within(5)));
        assert_eq!(new(b"-*"), Err(INVALID));
        assert_eq!(new(b"1-2-*"), Err(INVALID));
        assert_eq!(new(b"5-6"), Ok(NewId::Given(Id::new(5, 6))));
        assert_eq!(new(b"+"), Err(INVALID));
    }

    #[test]
    fn intervals() {
        assert_eq!(start(b"(5"), Ok(Id::new(5, 1)));
        assert_eq!(start(b"(5-18446744073709551615"), Ok(Id::new(6, 0)));
        assert_eq!(end(b"5"), Ok(Id::new(5, u64::MAX)));
        assert_eq!(end(b"(5"), Ok(Id::new(5, u64::MAX - 1)));
        assert_eq!(end(b"(5-0"), Ok(Id::new(4, u64::MAX)));
        assert_eq!(end(b"(0-0"), Err(INVALID_END));
        assert_eq!(start(b"(18446744073709551615-18446744073709551615"), Err(INVALID_START));
        assert_eq!(start(b"("), Err(INVALID));
        assert_eq!(start(b"(-"), Err(INVALID));
    }
}
