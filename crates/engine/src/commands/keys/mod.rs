//! Keys of any type: whether they are there, when they expire, carrying them about, what is known of them.

pub(super) mod carry;
pub(super) mod dump;
pub(super) mod expire;
pub(super) mod object;
pub(super) mod presence;
pub(super) mod ttl;

use crate::row::{Categories, Doc, KeySpec, Meta};

const GENERIC: Meta = Meta { group: "generic", categories: Categories::KEYSPACE, ..Meta::BASE };

const KEY: Doc = Doc::key("key", 0);

/// The key is the argument `at`.
const fn one(at: u16, flags: &'static [&'static str]) -> KeySpec {
    KeySpec { flags, first: at, last: 0, step: 1, notes: "" }
}

/// All arguments are keys.
const fn all(flags: &'static [&'static str]) -> KeySpec {
    KeySpec { flags, first: 1, last: -1, step: 1, notes: "" }
}
