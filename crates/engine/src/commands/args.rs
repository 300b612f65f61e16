//! Arguments, read at the edge: numbers and option words, with the errors that Redis gives.

use crate::error::Error;
use base::number;

/// An integer of 64 bits.
#[inline]
pub(super) fn int(arg: &[u8]) -> Result<i64, Error> {
    number::parse_i64(arg).ok_or(Error::NotInteger)
}

/// An integer that C's int holds.
pub(super) fn int32(arg: &[u8]) -> Result<i32, Error> {
    i32::try_from(int(arg)?).map_err(|_| Error::OutOfIntRange)
}

/// The index of a database that is there.
pub(super) fn db(arg: &[u8], databases: u32) -> Result<u32, Error> {
    in_range(int32(arg)?, databases)
}

pub(super) fn in_range(db: i32, databases: u32) -> Result<u32, Error> {
    u32::try_from(db).ok().filter(|&db| db < databases).ok_or(Error::DbOutOfRange)
}

/// The most elements that one reply repeats: what is asked for beyond would only exhaust the memory.
pub(super) const REPEATS_MAX: u64 = 1 << 28;

/// Whether the argument is this option word, in any case of letters.
#[inline]
pub(super) fn is(arg: &[u8], word: &str) -> bool {
    arg.eq_ignore_ascii_case(word.as_bytes())
}

/// An argument as an error shows it: up to its first zero byte, as C does; each byte is one character, which the
/// writer of the error line turns back.
pub(super) fn shown(arg: &[u8]) -> String {
    arg.iter().take_while(|&&byte| byte != 0).map(|&byte| byte as char).collect()
}
