//! Ids of stream entries: milliseconds and a number within them.

use crate::spine::Item;
use std::cmp::Ordering;
use std::fmt;

#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Id {
    pub ms: u64,
    pub seq: u64,
}

/// As one number: searches compare ids all the time, and this takes no branch.
impl Ord for Id {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        self.wide().cmp(&other.wide())
    }
}

impl PartialOrd for Id {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }

    #[inline]
    fn lt(&self, other: &Self) -> bool {
        self.wide() < other.wide()
    }

    #[inline]
    fn le(&self, other: &Self) -> bool {
        self.wide() <= other.wide()
    }
}

impl Id {
    pub const BYTES: usize = 16;
    pub const MIN: Self = Self { ms: 0, seq: 0 };
    pub const MAX: Self = Self { ms: u64::MAX, seq: u64::MAX };

    pub const fn new(ms: u64, seq: u64) -> Self {
        Self { ms, seq }
    }

    #[inline]
    fn wide(self) -> u128 {
        u128::from(self.ms) << 64 | u128::from(self.seq)
    }

    /// As an RDB holds it: big endian, so that bytes compare as ids do.
    pub fn to_bytes(self) -> [u8; Self::BYTES] {
        self.wide().to_be_bytes()
    }

    pub fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        let wide = u128::from_be_bytes(bytes);
        Self { ms: (wide >> 64) as u64, seq: wide as u64 }
    }

    pub fn is_zero(self) -> bool {
        self == Self::MIN
    }

    /// The id behind this one; none behind the last.
    pub fn next(self) -> Option<Self> {
        match self.seq.checked_add(1) {
            Some(seq) => Some(Self { seq, ..self }),
            None => Some(Self { ms: self.ms.checked_add(1)?, seq: 0 }),
        }
    }

    /// The id before this one; none before the first.
    pub fn prev(self) -> Option<Self> {
        match self.seq.checked_sub(1) {
            Some(seq) => Some(Self { seq, ..self }),
            None => Some(Self { ms: self.ms.checked_sub(1)?, seq: u64::MAX }),
        }
    }

    /// `ms-seq`, or `ms` alone with `missing_seq`. Numbers are read as Redis reads them: what is not in its only
    /// spelling goes by the rules of C's `strtoull`.
    pub fn parse(text: &[u8], missing_seq: u64) -> Option<Self> {
        const TEXT_BYTES_MAX: usize = 127;
        if TEXT_BYTES_MAX < text.len() {
            return None;
        }
        match text.iter().position(|&c| c == b'-') {
            Some(dash) => Some(Self { ms: parse_part(&text[..dash])?, seq: parse_part(&text[dash + 1..])? }),
            None => Some(Self { ms: parse_part(text)?, seq: missing_seq }),
        }
    }
}

/// A number of an id.
pub fn parse_part(text: &[u8]) -> Option<u64> {
    if let Some(n) = base::number::parse_u64(text) {
        return Some(n);
    }
    if base::number::parse_i64(text).is_some() {
        return None; // A negative number in its only spelling.
    }
    // C strings end at a zero byte.
    let text = &text[..text.iter().position(|&c| c == 0).unwrap_or(text.len())];
    let blanks = text.iter().take_while(|c| matches!(c, b' ' | 9..=13)).count();
    let (is_negative, digits) = match &text[blanks..] {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] | digits => (false, digits),
    };
    // Without digits nothing is consumed, and only the empty string has nothing left then; it is refused too.
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let significant = &digits[digits.iter().take_while(|&&c| c == b'0').count()..];
    let n = if significant.is_empty() { 0 } else { base::number::parse_u64(significant)? };
    Some(if is_negative { n.wrapping_neg() } else { n })
}

impl Item for Id {
    type Key = Id;

    fn key(&self) -> &Id {
        self
    }

    fn weight(&self) -> usize {
        1
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.ms, self.seq)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
