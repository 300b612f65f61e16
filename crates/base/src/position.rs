//! Where something stands in a replication history: offset, database, and the history's id.
//!
//! An offset counts the bytes of the stream since the history began, as `master_repl_offset` does. The same
//! number of two histories means nothing; who compares offsets has compared the ids first.

use crate::rng::Rng;
use std::fmt;
use std::ops::{Add, AddAssign, Sub};

/// A count of stream bytes: the bytes up to and including the one numbered so.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Offset(pub u64);

impl Offset {
    pub const ZERO: Self = Self(0);

    /// What a peer or a file says. No history gets as far as 2^62 bytes, so a larger number is a wrong one; what comes
    /// behind a true one is still an offset that Redis's signed numbers hold.
    pub fn from_outside(number: i64) -> Option<Self> {
        let offset = u64::try_from(number).ok()?;
        (offset < 1 << 62).then_some(Self(offset))
    }

    /// How far `self` is ahead of `other`; 0 if it is not.
    pub fn ahead_of(self, other: Self) -> u64 {
        self.0.saturating_sub(other.0)
    }
}

impl Add<u64> for Offset {
    type Output = Self;
    fn add(self, bytes: u64) -> Self {
        Self(self.0 + bytes)
    }
}

impl AddAssign<u64> for Offset {
    fn add_assign(&mut self, bytes: u64) {
        self.0 += bytes;
    }
}

/// The bytes between two offsets of one history; `self` is not the smaller one.
impl Sub for Offset {
    type Output = u64;
    fn sub(self, earlier: Self) -> u64 {
        assert!(earlier <= self, "{earlier} is not before {self}");
        self.0 - earlier.0
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The id of a history: forty printable characters, from Redis forty hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReplId([u8; ReplId::LEN]);

impl ReplId {
    pub const LEN: usize = 40;
    /// No history: forty `0`, as INFO shows an unset `master_replid2`.
    pub const ZERO: Self = Self([b'0'; Self::LEN]);

    pub fn from_seed(rng: &mut Rng) -> Self {
        let mut id = [0; Self::LEN];
        rng.fill_hex(&mut id);
        Self(id)
    }

    /// Anything of the right length that prints: peers choose their ids, and compare them as bytes.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let id: [u8; Self::LEN] = text.try_into().ok()?;
        id.iter().all(u8::is_ascii_graphic).then_some(Self(id))
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.0).expect("an id is ASCII")
    }

    pub fn is_zero(&self) -> bool {
        *self == Self::ZERO
    }
}

impl fmt::Display for ReplId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for ReplId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A place in the stream and the database selected there; `db: None` says that the next write selects anew.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Position {
    pub offset: Offset,
    pub db: Option<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_parse_and_print() {
        let id = ReplId::from_seed(&mut Rng::new(1));
        assert_eq!(ReplId::parse(id.to_string().as_bytes()), Some(id));
        assert_ne!(id, ReplId::from_seed(&mut Rng::new(2)));
        assert!(ReplId::parse(&[b'0'; 40]).unwrap().is_zero());
        for bad in [&b""[..], b"?", &[b'a'; 39], &[b'a'; 41], &[b' '; 40], &[0; 40], &[0xff; 40]] {
            assert_eq!(ReplId::parse(bad), None);
        }
    }

    #[test]
    fn offsets_from_outside_are_possible_ones() {
        assert_eq!(Offset::from_outside(0), Some(Offset(0)));
        assert_eq!(Offset::from_outside((1 << 62) - 1), Some(Offset((1 << 62) - 1)));
        for wrong in [-1, i64::MIN, 1 << 62, i64::MAX] {
            assert_eq!(Offset::from_outside(wrong), None);
        }
    }

    #[test]
    fn offsets_count() {
        let start = Offset(10);
        assert_eq!(start + 5, Offset(15));
        assert_eq!(Offset(15) - start, 5);
        assert_eq!(start.ahead_of(Offset(15)), 0);
        assert_eq!(Offset(15).ahead_of(start), 5);
    }
}
