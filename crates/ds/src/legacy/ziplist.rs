//! Ziplist: what lists, hashes and sorted sets were packed into before listpacks.
//!
//! ```text
//! bytes in all, 4 B | offset of the last element, 4 B | elements, 2 B | element … | FF
//! element: size of the one before (1 B, or FE and 4 B) | encoding | bytes
//! ```
//! The header is little endian, 65535 elements mean "count them"; the lengths of strings are big endian, integers
//! little endian.

use crate::listpack::{self, Listpack, Value};

const HEADER_BYTES: usize = 10;
const END: u8 = 0xFF;
const LONG_PREVIOUS: u8 = 0xFE;
const COUNT_UNKNOWN: u16 = u16::MAX;

/// The elements of a ziplist that has been looked at.
#[derive(Clone)]
pub struct Elements<'a> {
    rest: &'a [u8],
}

/// All elements, or `None` if the bytes are no ziplist.
pub fn elements(bytes: &[u8]) -> Option<Elements<'_>> {
    is_valid(bytes).then(|| Elements { rest: &bytes[HEADER_BYTES..] })
}

/// The listpack with the same elements; `None` if the bytes are no ziplist, or one too large for a listpack.
pub fn to_listpack(bytes: &[u8]) -> Option<Listpack> {
    let elements = elements(bytes)?;
    let room = listpack::BYTES_MAX / 2;
    let fits = bytes.len() <= room || elements.clone().map(listpack::element_bytes).sum::<usize>() < 2 * room;
    fits.then(|| Listpack::from_values(elements))
}

/// Whether header, sizes from both sides, count and terminator agree with the bytes.
pub fn is_valid(bytes: &[u8]) -> bool {
    let Some((header, body)) = bytes.split_at_checked(HEADER_BYTES) else { return false };
    let word = |at: usize| u32::from_le_bytes(header[at..at + 4].try_into().expect("four bytes")) as usize;
    let (total, tail) = (word(0), word(4));
    if total != bytes.len() || body.last() != Some(&END) || bytes.len() - 1 < tail {
        return false;
    }
    let (mut rest, mut previous, mut last, mut count) = (body, 0, None, 0usize);
    while 1 < rest.len() {
        let Some(element) = read(rest) else { return false };
        // The terminator lies behind every element.
        if element.previous != previous || rest.len() <= element.size {
            return false;
        }
        last = Some(bytes.len() - rest.len());
        previous = element.size;
        rest = &rest[element.size..];
        count += 1;
    }
    let claimed = u16::from_le_bytes([header[8], header[9]]);
    last.is_none_or(|last| last == tail) && (claimed == COUNT_UNKNOWN || usize::from(claimed) == count)
}

struct Element<'a> {
    previous: usize,
    value: Value<'a>,
    size: usize,
}

/// The element at the start of the bytes, if it is whole.
fn read(bytes: &[u8]) -> Option<Element<'_>> {
    let (previous, rest) = match bytes {
        [END, ..] => return None,
        [LONG_PREVIOUS, a, b, c, d, rest @ ..] => (u32::from_le_bytes([*a, *b, *c, *d]) as usize, rest),
        [LONG_PREVIOUS, ..] => return None,
        [previous, rest @ ..] => (usize::from(*previous), rest),
        [] => return None,
    };
    let (encoding, data) = rest.split_first()?;
    let (value, data_left) = match (encoding, data) {
        (0x00..=0x3F, _) => string(data, usize::from(*encoding))?,
        (0x40..=0x7F, [low, data @ ..]) => {
            string(data, usize::from(encoding & 0x3F) << 8 | usize::from(*low))?
        }
        (0x80..=0xBF, [a, b, c, d, data @ ..]) => {
            string(data, u32::from_be_bytes([*a, *b, *c, *d]) as usize)?
        }
        (0xC0, _) => int(data, 2)?,
        (0xD0, _) => int(data, 4)?,
        (0xE0, _) => int(data, 8)?,
        (0xF0, _) => int(data, 3)?,
        (0xFE, _) => int(data, 1)?,
        (0xF1..=0xFD, _) => (Value::Int(i64::from(encoding & 0x0F) - 1), data),
        _ => return None,
    };
    Some(Element { previous, value, size: bytes.len() - data_left.len() })
}

fn string(data: &[u8], len: usize) -> Option<(Value<'_>, &[u8])> {
    let (text, rest) = data.split_at_checked(len)?;
    Some((Value::Str(text), rest))
}

fn int(data: &[u8], len: usize) -> Option<(Value<'_>, &[u8])> {
    let (digits, rest) = data.split_at_checked(len)?;
    let mut wide = [0; 8];
    wide[8 - len..].copy_from_slice(digits);
    Some((Value::Int(i64::from_le_bytes(wide) >> (64 - 8 * len)), rest))
}

impl<'a> Iterator for Elements<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Value<'a>> {
        let element = read(self.rest)?;
        self.rest = &self.rest[element.size..];
        Some(element.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{hex, mutate, random_text};
    use base::rng::Rng;

    /// Writes ziplists as Redis did, with longer forms now and then, as its updates left them.
    fn build(values: &[Vec<u8>], rng: &mut Rng) -> Vec<u8> {
        let mut bytes = vec![0; HEADER_BYTES];
        let (mut previous, mut tail) = (0usize, HEADER_BYTES);
        for value in values {
            tail = bytes.len();
            if previous < 254 && !rng.one_in(8) {
                bytes.push(previous as u8);
            } else {
                bytes.push(LONG_PREVIOUS);
                bytes.extend((previous as u32).to_le_bytes());
            }
            match Value::of(value) {
                Value::Int(n @ 0..=12) => bytes.push(0xF1 + n as u8),
                Value::Int(n @ -0x80..=0x7F) => bytes.extend([0xFE, n as u8]),
                Value::Int(n @ -0x8000..=0x7FFF) => {
                    bytes.extend([&[0xC0][..], &(n as i16).to_le_bytes()].concat())
                }
                Value::Int(n @ -0x80_0000..=0x7F_FFFF) => {
                    bytes.extend([&[0xF0][..], &(n as i32).to_le_bytes()[..3]].concat());
                }
                Value::Int(n @ -0x8000_0000..=0x7FFF_FFFF) => {
                    bytes.extend([&[0xD0][..], &(n as i32).to_le_bytes()].concat());
                }
                Value::Int(n) => bytes.extend([&[0xE0][..], &n.to_le_bytes()].concat()),
                Value::Str(text) => {
                    match text.len() {
                        len @ 0..=63 => bytes.push(len as u8),
                        len @ 64..=16_383 => bytes.extend([0x40 | (len >> 8) as u8, len as u8]),
                        len => bytes.extend([&[0x80][..], &(len as u32).to_be_bytes()].concat()),
                    }
                    bytes.extend(text);
                }
            }
            previous = bytes.len() - tail;
        }
        bytes.push(END);
        let total = bytes.len() as u32;
        bytes[..4].copy_from_slice(&total.to_le_bytes());
        bytes[4..8].copy_from_slice(&(tail as u32).to_le_bytes());
        bytes[8..10].copy_from_slice(&(values.len() as u16).to_le_bytes());
        bytes
    }

    fn texts(bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
        Some(elements(bytes)?.map(Value::to_vec).collect())
    }

    #[test]
    fn known_ziplists_are_read() {
        // "2" and "5"; the same with "Hello World" behind.
        let two = hex("0f000000 0c000000 0200 00f3 02f6 ff");
        assert_eq!(texts(&two).unwrap(), [b"2", b"5"]);
        let three = hex("1c000000 0e000000 0300 00f3 02f6 020b48656c6c6f20576f726c64 ff");
        assert_eq!(texts(&three).unwrap()[2], b"Hello World");
        assert_eq!(to_listpack(&two), Some(Listpack::from_values([b"2", b"5"])));
        assert_eq!(texts(&hex("0b000000 0a000000 0000 ff")), Some(vec![]));
        let every = hex(
            "31000000 2d000000 0900 00f1 02fd 02fe80 03c00080 04f0000080 05d000000080 06e00000000000000080 \
            0a0161 0300 ff",
        );
        let wanted: [&[u8]; 9] = [
            b"0",
            b"12",
            b"-128",
            b"-32768",
            b"-8388608",
            b"-2147483648",
            b"-9223372036854775808",
            b"a",
            b"",
        ];
        let mut every = every;
        every[4] = (every.len() - 3) as u8;
        every[0] = every.len() as u8;
        assert_eq!(texts(&every).unwrap(), wanted);
    }

    #[test]
    fn broken_ziplists_are_refused() {
        for (bytes, why) in [
            ("", "nothing"),
            ("0a000000 0a000000 0000", "no terminator"),
            ("0b000000 0a000000 0000 fe", "another terminator"),
            ("0c000000 0a000000 0000 ff", "shorter than its header says"),
            ("0b000000 0b000000 0000 ff", "a tail beyond the end"),
            ("0f000000 0a000000 0200 00f3 02f6 ff", "a tail that is not the last element"),
            ("0f000000 0c000000 0300 00f3 02f6 ff", "an element too few"),
            ("0f000000 0c000000 0200 00f3 03f6 ff", "another size of the element before"),
            ("0f000000 0c000000 0200 01f3 02f6 ff", "something before the first element"),
            ("0d000000 0a000000 0100 00ff ff", "no encoding"),
            ("0d000000 0a000000 0100 00c1 ff", "no encoding either"),
            ("0d000000 0a000000 0100 0001 ff", "a string that takes the terminator"),
            ("0e000000 0a000000 0100 000561 ff", "a string beyond the end"),
            ("0d000000 0a000000 0100 00c0 ff", "half an integer"),
            ("0e000000 0a000000 0100 fe0000 ff", "half a size"),
            ("11000000 0a000000 0100 0080ffffffff ff", "a length beyond everything"),
        ] {
            assert!(!is_valid(&hex(bytes)), "{why}");
        }
        assert!(is_valid(&hex("0f000000 0c000000 ffff 00f3 02f6 ff")), "an unknown count");
    }

    #[test]
    fn any_ziplist_is_read_and_any_bytes_are_borne() {
        for seed in 0..200 {
            let mut rng = Rng::new(seed);
            let values: Vec<Vec<u8>> = (0..rng.below(30)).map(|_| random_text(&mut rng)).collect();
            let bytes = build(&values, &mut rng);
            assert_eq!(texts(&bytes), Some(values.clone()), "seed {seed}");
            assert_eq!(to_listpack(&bytes), Some(Listpack::from_values(&values)), "seed {seed}");
            for _ in 0..100 {
                let mut broken = bytes.clone();
                mutate(&mut broken, &mut rng);
                if let Some(texts) = texts(&broken) {
                    assert_eq!(to_listpack(&broken), Some(Listpack::from_values(&texts)), "seed {seed}");
                }
            }
            let noise: Vec<u8> = (0..rng.below(60)).map(|_| rng.next_u64() as u8).collect();
            texts(&noise);
        }
    }
}
