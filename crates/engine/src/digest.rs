//! DEBUG DIGEST: a digest of the data set that does not depend on the order of keys.
//!
//! The same sums as Redis computes, so that a primary and a replica of different make can be compared. Per key:
//! the key, the type, the value, and whether it expires; per database: the number, then the xor of its keys'.

use crate::shard::Shard;
use crate::value::{self, Hash, Kind, Set, SortedSet, Text, Value};
use base::number::push_f64;
use ds::entry::{EntryRef, Payload};
use ds::listpack;
use ds::stream::Id;
use sha1::{Digest as _, Sha1};
use std::fmt;

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Digest([u8; 20]);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Digest {
    /// Folds a part in, in any order.
    fn add(&mut self, part: &[u8]) {
        let sum: [u8; 20] = Sha1::digest(part).into();
        self.0.iter_mut().zip(sum).for_each(|(byte, other)| *byte ^= other);
    }

    /// Folds a part in, where the order matters.
    fn mix(&mut self, part: &[u8]) {
        self.add(part);
        self.0 = Sha1::digest(self.0).into();
    }
}

/// How scores of sorted sets go into a digest.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Scores {
    /// The shortest text that is the same number: Redis 7.2 and later.
    #[default]
    Shortest,
    /// 17 digits: Redis up to 7.0.
    Digits17,
}

/// The number that a type has in a digest.
fn number_of(kind: Kind) -> u32 {
    match kind {
        Kind::String => 0,
        Kind::List => 1,
        Kind::Set => 2,
        Kind::SortedSet => 3,
        Kind::Hash => 4,
        Kind::Stream => 6,
    }
}

/// DEBUG DIGEST-VALUE: type, value and whether it expires.
pub fn of_value(entry: EntryRef<Value>, scores: Scores) -> Digest {
    let mut digest = Digest::default();
    mix_value(&mut digest, entry, scores);
    digest
}

fn mix_value(digest: &mut Digest, entry: EntryRef<Value>, scores: Scores) {
    let payload = entry.payload();
    digest.mix(&number_of(value::kind(&payload)).to_be_bytes());
    match payload {
        Payload::Boxed(value) => mix_boxed(digest, value, scores),
        payload => {
            if let Ok(text) = value::as_str(payload) {
                digest.mix(text.bytes(&mut Text::new()));
            }
        }
    }
    if entry.expiry().is_some() {
        digest.add(b"!!expire!!");
    }
}

fn mix_boxed(digest: &mut Digest, value: &Value, scores: Scores) {
    let mut text = listpack::Text::new();
    match value {
        Value::Bytes(bytes) => digest.mix(bytes),
        Value::List(list) => list.for_each(|element| digest.mix(element.bytes(&mut text))),
        Value::Set(set) => mix_set(digest, set),
        Value::Hash(hash) => mix_hash(digest, hash),
        Value::SortedSet(set) => mix_sorted(digest, set, scores),
        Value::Stream(stream) => {
            for entry in stream.range(Id::MIN, Id::MAX) {
                digest.mix(format!("{}.{}", entry.id.ms, entry.id.seq).as_bytes());
                for (name, value) in entry.pairs() {
                    digest.mix(name.bytes(&mut text));
                    digest.mix(value.bytes(&mut text));
                }
            }
        }
    }
}

fn mix_set(digest: &mut Digest, set: &Set) {
    let mut text = listpack::Text::new();
    set.for_each(|member| digest.add(member.bytes(&mut text)));
}

fn mix_hash(digest: &mut Digest, hash: &Hash) {
    let mut text = listpack::Text::new();
    hash.for_each(|field, value, expiry| {
        let mut pair = Digest::default();
        pair.mix(field.bytes(&mut text));
        pair.mix(value.bytes(&mut text));
        if expiry.is_some() {
            pair.add(b"!!hexpire!!");
        }
        digest.add(&pair.0);
    });
}

fn mix_sorted(digest: &mut Digest, set: &SortedSet, scores: Scores) {
    let mut text = listpack::Text::new();
    let mut number = Vec::new();
    set.for_each(|member, score| {
        let mut pair = Digest::default();
        pair.mix(member.bytes(&mut text));
        number.clear();
        match scores {
            Scores::Shortest => push_f64(&mut number, score),
            Scores::Digits17 => push_digits17(&mut number, score),
        }
        pair.mix(&number);
        digest.add(&pair.0);
    });
}

/// As C's `%.17g`.
fn push_digits17(out: &mut Vec<u8>, d: f64) {
    const DIGITS: i32 = 17;
    if !d.is_finite() {
        return push_f64(out, d);
    }
    let scientific = format!("{d:.16e}");
    let (digits, exponent) = scientific.split_once('e').expect("has an exponent");
    let exponent: i32 = exponent.parse().expect("is a number");
    let bare = |text: &str| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_string(),
        false => text.to_string(),
    };
    let text = if (-4..DIGITS).contains(&exponent) {
        bare(&format!("{d:.*}", (DIGITS - 1 - exponent) as usize))
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{}e{sign}{:02}", bare(digits), exponent.abs())
    };
    out.extend_from_slice(text.as_bytes());
}

fn of_entry(entry: EntryRef<Value>, scores: Scores) -> Digest {
    let mut digest = Digest::default();
    digest.mix(entry.key());
    mix_value(&mut digest, entry, scores);
    digest
}

/// DEBUG DIGEST over every database of every shard.
pub fn of_all<'s>(shards: impl Iterator<Item = &'s Shard> + Clone, databases: u32, scores: Scores) -> Digest {
    let mut all = Digest::default();
    for db in 0..databases {
        let tables = shards.clone().filter_map(|shard| shard.db(db));
        let mut entries = tables.flat_map(|db| db.table.iter()).peekable();
        if entries.peek().is_none() {
            continue;
        }
        all.mix(&db.to_be_bytes());
        entries.for_each(|entry| all.add(&of_entry(entry, scores).0));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The texts are those of printf("%.17g").
    #[test]
    fn seventeen_digits() {
        for (d, wanted) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (-2.5, "-2.5"),
            (0.1, "0.10000000000000001"),
            (1e16, "10000000000000000"),
            (1e17, "1e+17"),
            (123456789012345680000.0, "1.2345678901234568e+20"),
            (0.0001, "0.0001"),
            (0.00001, "1.0000000000000001e-05"),
            (-1e300, "-1.0000000000000001e+300"),
            (5e-324, "4.9406564584124654e-324"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            let mut text = Vec::new();
            push_digits17(&mut text, d);
            assert_eq!(String::from_utf8_lossy(&text), wanted);
        }
    }
}
