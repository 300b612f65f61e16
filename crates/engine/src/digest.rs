//! DEBUG DIGEST: a digest of the data set that does not depend on the order of keys.
//!
//! The same sums as Redis computes, so that a primary and a replica of different make can be compared. Per key:
//! the key, the type, the value, and whether it expires; per database: the number, then the xor of its keys'.

use crate::shard::Shard;
use crate::value::{self, Text, Value};
use ds::entry::EntryRef;
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

const TYPE_STRING: u32 = 0;

/// DEBUG DIGEST-VALUE: type, value and whether it expires.
pub fn of_value(entry: EntryRef<Value>) -> Digest {
    let mut digest = Digest::default();
    mix_value(&mut digest, entry);
    digest
}

fn mix_value(digest: &mut Digest, entry: EntryRef<Value>) {
    digest.mix(&TYPE_STRING.to_be_bytes());
    if let Ok(text) = value::as_str(entry.payload()) {
        digest.mix(text.bytes(&mut Text::new()));
    }
    if entry.expiry().is_some() {
        digest.add(b"!!expire!!");
    }
}

fn of_entry(entry: EntryRef<Value>) -> Digest {
    let mut digest = Digest::default();
    digest.mix(entry.key());
    mix_value(&mut digest, entry);
    digest
}

/// DEBUG DIGEST over every database of every shard.
pub fn of_all<'s>(shards: impl Iterator<Item = &'s Shard> + Clone, databases: u32) -> Digest {
    let mut all = Digest::default();
    for db in 0..databases {
        let tables = shards.clone().filter_map(|shard| shard.db(db));
        let mut entries = tables.flat_map(|db| db.table.iter()).peekable();
        if entries.peek().is_none() {
            continue;
        }
        all.mix(&db.to_be_bytes());
        entries.for_each(|entry| all.add(&of_entry(entry).0));
    }
    all
}
