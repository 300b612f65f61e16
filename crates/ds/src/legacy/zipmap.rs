//! Zipmap: what small hashes were packed into by Redis 2.4.
//!
//! ```text
//! pairs, 1 B | (length | field | length | unused bytes, 1 B | value | unused …) … | FF
//! ```
//! A length is one byte, or FE and four, little endian. 254 pairs mean "count them".

use crate::listpack::{Listpack, Value};

const END: u8 = 0xFF;
const LONG: u8 = 0xFE;

/// The pairs of a zipmap that has been looked at.
#[derive(Clone)]
pub struct Pairs<'a> {
    rest: &'a [u8],
}

/// All fields with their values, or `None` if the bytes are no zipmap.
pub fn pairs(bytes: &[u8]) -> Option<Pairs<'_>> {
    is_valid(bytes).then(|| Pairs { rest: &bytes[1..] })
}

/// The listpack of fields and values in turn; `None` if the bytes are no zipmap, or one too large for a listpack.
pub fn to_listpack(bytes: &[u8]) -> Option<Listpack> {
    let pairs = pairs(bytes)?;
    let fits = bytes.len() <= crate::listpack::BYTES_MAX / 4;
    fits.then(|| Listpack::from_values(pairs.flat_map(|(field, value)| [field, value].map(Value::Str))))
}

/// Whether lengths, count and terminator agree with the bytes.
pub fn is_valid(bytes: &[u8]) -> bool {
    let [claimed, body @ ..] = bytes else { return false };
    let (mut rest, mut count) = (body, 0usize);
    while !matches!(rest, [] | [END]) {
        let Some((_, _, after)) = read(rest) else { return false };
        rest = after;
        count += 1;
    }
    rest == [END] && (*claimed == LONG || usize::from(*claimed) == count)
}

type Pair<'a> = (&'a [u8], &'a [u8], &'a [u8]);

/// Field and value at the start of the bytes, and what lies behind, if they are whole.
fn read(bytes: &[u8]) -> Option<Pair<'_>> {
    let (field_len, rest) = length(bytes)?;
    let (field, rest) = rest.split_at_checked(field_len)?;
    let (value_len, rest) = length(rest)?;
    let (unused, rest) = rest.split_first()?;
    let (value, rest) = rest.split_at_checked(value_len)?;
    Some((field, value, rest.get(usize::from(*unused)..)?))
}

fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    match bytes {
        [LONG, a, b, c, d, rest @ ..] => Some((u32::from_le_bytes([*a, *b, *c, *d]) as usize, rest)),
        [LONG | END, ..] | [] => None,
        [len, rest @ ..] => Some((usize::from(*len), rest)),
    }
}

impl<'a> Iterator for Pairs<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (field, value, rest) = read(self.rest)?;
        self.rest = rest;
        Some((field, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{hex, mutate, random_text};
    use base::rng::Rng;

    fn build(pairs: &[(Vec<u8>, Vec<u8>)], rng: &mut Rng) -> Vec<u8> {
        let mut bytes = vec![pairs.len().min(usize::from(LONG)) as u8];
        let length = |bytes: &mut Vec<u8>, len: usize| match len {
            0..=253 => bytes.push(len as u8),
            _ => bytes.extend([&[LONG][..], &(len as u32).to_le_bytes()].concat()),
        };
        for (field, value) in pairs {
            length(&mut bytes, field.len());
            bytes.extend(field);
            length(&mut bytes, value.len());
            let unused = rng.below(4) as usize;
            bytes.push(unused as u8);
            bytes.extend(value);
            bytes.extend(vec![b'?'; unused]);
        }
        bytes.push(END);
        bytes
    }

    fn owned(bytes: &[u8]) -> Option<Vec<(Vec<u8>, Vec<u8>)>> {
        Some(pairs(bytes)?.map(|(field, value)| (field.to_vec(), value.to_vec())).collect())
    }

    #[test]
    fn known_zipmaps_are_read() {
        let bytes = b"\x02\x03foo\x03\x00bar\x05hello\x05\x00world\xff";
        let pairs = [(&b"foo"[..], &b"bar"[..]), (b"hello", b"world")];
        assert!(super::pairs(bytes).unwrap().eq(pairs));
        assert_eq!(
            to_listpack(bytes),
            Some(Listpack::from_values([&b"foo"[..], b"bar", b"hello", b"world"]))
        );
        assert_eq!(owned(b"\x00\xff"), Some(vec![]));
    }

    #[test]
    fn broken_zipmaps_are_refused() {
        for (bytes, why) in [
            ("", "nothing"),
            ("00", "no terminator"),
            ("00 00", "half a pair"),
            ("02 0161 0100 62 ff", "a pair too few"),
            ("01 0161 ff", "no value"),
            ("01 0161 0100 62", "no terminator"),
            ("01 0161 0100 62 ffff", "something behind"),
            ("01 0161 0101 62 ff", "unused bytes that take the terminator"),
            ("01 0161 0500 62 ff", "a value beyond the end"),
            ("01 0961 0100 62 ff", "a field beyond the end"),
            ("01 fe61 0100 62 ff", "half a length"),
            ("01 feffffffff 61 0100 62 ff", "a length beyond everything"),
        ] {
            assert!(!is_valid(&hex(bytes)), "{why}");
        }
    }

    #[test]
    fn any_zipmap_is_read_and_any_bytes_are_borne() {
        for seed in 0..200 {
            let mut rng = Rng::new(seed);
            let count = if rng.one_in(20) { 252 + rng.below(5) } else { rng.below(12) };
            let pairs: Vec<_> = (0..count).map(|_| (random_text(&mut rng), random_text(&mut rng))).collect();
            let bytes = build(&pairs, &mut rng);
            assert_eq!(owned(&bytes), Some(pairs), "seed {seed}");
            for _ in 0..100 {
                let mut broken = bytes.clone();
                mutate(&mut broken, &mut rng);
                assert_eq!(
                    to_listpack(&broken).map(|pack| pack.len()),
                    owned(&broken).map(|pairs| 2 * pairs.len())
                );
            }
            let noise: Vec<u8> = (0..rng.below(40)).map(|_| rng.next_u64() as u8).collect();
            owned(&noise);
        }
    }
}
