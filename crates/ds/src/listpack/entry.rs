//! One element of a listpack: its encodings, their sizes, writing and reading.
//!
//! ```text
//! 0nnnnnnn                       integer 0..=127
//! 110nnnnn nnnnnnnn              integer of 13 bits
//! F1 / F2 / F3 / F4 and bytes    integer of 2, 3, 4 or 8 bytes, little endian
//! 10llllll bytes                 string shorter than 64
//! 1110llll llllllll bytes        string shorter than 4096
//! F0 llllllll×4 bytes            any other string, length little endian
//! ```
//! Behind it stands the length of the above, so that it can be read from the right: seven bits a byte, the lowest
//! last, all but the first byte with their high bit set.

use base::number;

pub(super) const END: u8 = 0xFF;
/// A first byte up to this is a whole number of 7 bits.
pub(super) const SMALL_MAX: u8 = 0x7F;
const INT13: u8 = 0xC0;
const STR6: u8 = 0x80;
const STR12: u8 = 0xE0;
const STR32: u8 = 0xF0;
const INT16: u8 = 0xF1;
const INT24: u8 = 0xF2;
const INT32: u8 = 0xF3;
const INT64: u8 = 0xF4;

const BACKLEN_BYTES_MAX: usize = 5;
/// No length of an element takes more than five groups of seven bits; Redis reads no more.
const BACKLEN_SHIFT_MAX: u32 = 28;

/// An element. A string that spells an integer is stored as one, and comes back as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    Int(i64),
    Str(&'a [u8]),
}

/// The text of an integer, on the stack.
pub struct Text {
    bytes: [u8; number::I64_TEXT_BYTES_MAX],
    len: usize,
}

impl Text {
    pub fn new() -> Self {
        Self { bytes: [0; number::I64_TEXT_BYTES_MAX], len: 0 }
    }

    fn format(&mut self, n: i64) -> &[u8] {
        let mut rest = n.unsigned_abs();
        let mut at = self.bytes.len();
        loop {
            at -= 1;
            self.bytes[at] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        if n < 0 {
            at -= 1;
            self.bytes[at] = b'-';
        }
        self.len = self.bytes.len() - at;
        &self.bytes[at..]
    }
}

impl<'a> Value<'a> {
    /// The value as a listpack keeps it: an integer where the text is one.
    #[inline]
    pub fn of(text: &'a [u8]) -> Self {
        match spelled_int(text) {
            Some(n) => Self::Int(n),
            None => Self::Str(text),
        }
    }

    /// The value's bytes; an integer is written into `text` first.
    pub fn bytes<'t>(self, text: &'t mut Text) -> &'t [u8]
    where
        'a: 't,
    {
        match self {
            Self::Int(n) => text.format(n),
            Self::Str(bytes) => bytes,
        }
    }

    pub fn push_to(self, out: &mut Vec<u8>) {
        match self {
            Self::Int(n) => number::push_i64(out, n),
            Self::Str(bytes) => out.extend_from_slice(bytes),
        }
    }

    pub fn to_vec(self) -> Vec<u8> {
        self.bytes(&mut Text::new()).to_vec()
    }

    /// Length of the value as text.
    pub fn len(self) -> usize {
        match self {
            Self::Int(n) => Text::new().format(n).len(),
            Self::Str(bytes) => bytes.len(),
        }
    }

    pub fn is_empty(self) -> bool {
        self == Self::Str(b"")
    }

    /// The integer that the value is or spells.
    pub fn as_int(self) -> Option<i64> {
        match self {
            Self::Int(n) => Some(n),
            Self::Str(bytes) => number::parse_i64(bytes),
        }
    }

    /// Whether both are the same text, however they are stored.
    pub fn is_same(self, other: Value) -> bool {
        match (self, other) {
            (Self::Int(a), Value::Int(b)) => a == b,
            (Self::Str(a), Value::Str(b)) => a == b,
            (Self::Int(n), Value::Str(text)) | (Self::Str(text), Value::Int(n)) => {
                spelled_int(text) == Some(n)
            }
        }
    }
}

impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(text: &'a [u8]) -> Self {
        Self::Str(text)
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for Value<'a> {
    fn from(text: &'a [u8; N]) -> Self {
        Self::Str(text)
    }
}

impl<'a> From<&'a Vec<u8>> for Value<'a> {
    fn from(text: &'a Vec<u8>) -> Self {
        Self::Str(text)
    }
}

impl From<i64> for Value<'_> {
    fn from(n: i64) -> Self {
        Self::Int(n)
    }
}

#[inline]
fn spelled_int(text: &[u8]) -> Option<i64> {
    match text.first() {
        Some(b'-' | b'0'..=b'9') if text.len() <= number::I64_TEXT_BYTES_MAX => number::parse_i64(text),
        _ => None,
    }
}

/// An element made ready to be written: head, then the string's bytes, then the length from the right.
#[derive(Clone)]
pub(super) struct Encoded<'a> {
    head: [u8; 9],
    head_len: usize,
    data: &'a [u8],
}

impl<'a> Encoded<'a> {
    #[inline]
    pub(super) fn new(value: Value<'a>) -> Self {
        match value {
            Value::Int(n) => Self::int(n),
            Value::Str(text) => match spelled_int(text) {
                Some(n) => Self::int(n),
                None => Self::str(text),
            },
        }
    }

    fn int(n: i64) -> Self {
        let mut head = [0; 9];
        let (mark, len) = match n {
            0..=127 => (n as u8, 0),
            -4096..=4095 => {
                head[1] = n as u8;
                return Self {
                    head: {
                        head[0] = INT13 | (n >> 8) as u8 & 0x1F;
                        head
                    },
                    head_len: 2,
                    data: &[],
                };
            }
            -0x8000..=0x7FFF => (INT16, 2),
            -0x80_0000..=0x7F_FFFF => (INT24, 3),
            -0x8000_0000..=0x7FFF_FFFF => (INT32, 4),
            _ => (INT64, 8),
        };
        head[0] = mark;
        head[1..=len].copy_from_slice(&n.to_le_bytes()[..len]);
        Self { head, head_len: len + 1, data: &[] }
    }

    fn str(data: &'a [u8]) -> Self {
        let mut head = [0; 9];
        let head_len = match data.len() {
            len @ 0..=63 => {
                head[0] = STR6 | len as u8;
                1
            }
            len @ 64..=4095 => {
                head[0] = STR12 | (len >> 8) as u8;
                head[1] = len as u8;
                2
            }
            len => {
                let len = u32::try_from(len).expect("no element is longer than a listpack can be");
                head[0] = STR32;
                head[1..5].copy_from_slice(&len.to_le_bytes());
                5
            }
        };
        Self { head, head_len, data }
    }

    /// Bytes that it takes in a listpack.
    #[inline]
    pub(super) fn total(&self) -> usize {
        let size = self.head_len + self.data.len();
        size + backlen_size(size)
    }

    /// Writes it to the start of `out`, and gives what lies behind it.
    pub(super) fn write<'o>(&self, out: &'o mut [u8]) -> &'o mut [u8] {
        let size = self.head_len + self.data.len();
        let (head, out) = out.split_at_mut(self.head_len);
        head.copy_from_slice(&self.head[..self.head_len]);
        let (data, out) = out.split_at_mut(self.data.len());
        data.copy_from_slice(self.data);
        let (back, out) = out.split_at_mut(backlen_size(size));
        let mut rest = size;
        for (i, byte) in back.iter_mut().enumerate().rev() {
            *byte = (rest & 127) as u8 | if i == 0 { 0 } else { 128 };
            rest >>= 7;
        }
        out
    }
}

/// Bytes of the length behind an element of `size` bytes. A power of two less one takes a byte more than it needs,
/// but for 127: so it is written everywhere.
#[inline]
pub(super) fn backlen_size(size: usize) -> usize {
    match size {
        0..=127 => 1,
        128..=16_382 => 2,
        16_383..=2_097_150 => 3,
        2_097_151..=268_435_454 => 4,
        _ => BACKLEN_BYTES_MAX,
    }
}

/// The length whose last byte lies before `end`.
#[inline]
pub(super) fn read_backlen(bytes: &[u8], end: usize) -> usize {
    checked_backlen(bytes, end).expect("lengths from the right are whole")
}

fn checked_backlen(bytes: &[u8], end: usize) -> Option<usize> {
    let (mut size, mut shift, mut at) = (0, 0, end);
    loop {
        at = at.checked_sub(1)?;
        let byte = *bytes.get(at)?;
        size |= usize::from(byte & 127) << shift;
        if byte & 128 == 0 {
            return Some(size);
        }
        shift += 7;
        if BACKLEN_SHIFT_MAX < shift {
            return None;
        }
    }
}

/// Size of the element at `at`, without the length behind it.
#[inline]
pub(super) fn size_at(bytes: &[u8], at: usize) -> usize {
    match bytes[at] {
        0..=0x7F => 1,
        head @ STR6..=0xBF => 1 + usize::from(head & 0x3F),
        INT13..=0xDF => 2,
        head @ STR12..=0xEF => 2 + (usize::from(head & 0x0F) << 8 | usize::from(bytes[at + 1])),
        STR32 => 5 + long_len(&bytes[at + 1..]),
        INT16 => 3,
        INT24 => 4,
        INT32 => 5,
        INT64 => 9,
        other => unreachable!("{other:#x} begins no element"),
    }
}

/// Length of the string that this byte begins, if it is a short one.
#[inline]
pub(super) fn short_len(head: u8) -> Option<usize> {
    (head & 0xC0 == STR6).then_some(usize::from(head & 0x3F))
}

/// Bytes that the element at `at` takes, the length behind it included.
#[inline]
pub(super) fn total_at(bytes: &[u8], at: usize) -> usize {
    match bytes[at] {
        0..=0x7F => 2,
        head @ STR6..=0xBF => 2 + usize::from(head & 0x3F),
        INT13..=0xDF => 3,
        _ => {
            let size = size_at(bytes, at);
            size + backlen_size(size)
        }
    }
}

#[inline]
fn long_len(bytes: &[u8]) -> usize {
    u32::from_le_bytes(bytes[..4].try_into().expect("four bytes")) as usize
}

/// The element at `at`, and its size without the length behind it.
#[inline]
pub(super) fn read(bytes: &[u8], at: usize) -> (Value<'_>, usize) {
    let int = |len: usize| {
        let mut wide = [0; 8];
        wide[..len].copy_from_slice(&bytes[at + 1..=at + len]);
        let unused = 64 - 8 * len as u32;
        (Value::Int(i64::from_le_bytes(wide) << unused >> unused), len + 1)
    };
    let str = |head: usize, len: usize| (Value::Str(&bytes[at + head..at + head + len]), head + len);
    match bytes[at] {
        n @ 0..=0x7F => (Value::Int(i64::from(n)), 1),
        head @ STR6..=0xBF => str(1, usize::from(head & 0x3F)),
        head @ INT13..=0xDF => {
            let n = i64::from(head & 0x1F) << 8 | i64::from(bytes[at + 1]);
            (Value::Int(n << 51 >> 51), 2)
        }
        head @ STR12..=0xEF => str(2, usize::from(head & 0x0F) << 8 | usize::from(bytes[at + 1])),
        STR32 => str(5, long_len(&bytes[at + 1..])),
        INT16 => int(2),
        INT24 => int(3),
        INT32 => int(4),
        INT64 => int(8),
        other => unreachable!("{other:#x} begins no element"),
    }
}

/// Where the element that begins at `at` ends, its length from the right included, if it is whole, ends before
/// `end` and both lengths agree.
pub(super) fn checked_end(bytes: &[u8], at: usize, end: usize) -> Option<usize> {
    let left = end.checked_sub(at)?;
    let head = *bytes.get(at)?;
    let head_len = match head {
        STR12..=0xEF => 2,
        STR32 => 5,
        INT64.. if head != INT64 => return None,
        _ => 1,
    };
    if left < head_len {
        return None;
    }
    let size = size_at(bytes, at);
    let total = size + backlen_size(size);
    let agrees = total <= left
        && checked_backlen(bytes, at + total) == Some(size)
        && bytes[at + size] & 128 == 0
        && bytes[at + size + 1..at + total].iter().all(|byte| byte & 128 != 0);
    agrees.then_some(at + total)
}
