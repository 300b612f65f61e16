//! Sets: their members, some of them by chance, walking over them, and what sets have in common.
//!
//! A set of few integers is kept in order (intset), another small one as a listpack, all others as a table of shared
//! pages; it grows into these forms and never shrinks back, but what a command stores is built anew. A set without
//! members is no key.

pub(super) mod chance;
pub(super) mod combine;
#[cfg(test)]
mod log_tests;
pub(super) mod members;
pub(super) mod scan;

use crate::error::Error;
use crate::events::Event;
use crate::row::{Categories, Doc, KeySpec, Meta};
use crate::txn::Txn;
use crate::value::{self, Set};
use ds::listpack::{Text, Value};
use resp::Reply;

const SET: Meta = Meta { group: "set", categories: Categories::SET, ..Meta::BASE };

const KEY: Doc = Doc::key("key", 0);
const MEMBER: Doc = Doc::new("member", "string");

/// The key is the argument `at`.
const fn one(at: u16, flags: &'static [&'static str]) -> KeySpec {
    KeySpec { flags, first: at, last: 0, step: 1, notes: "" }
}

/// The arguments from `from` on are keys.
const fn all(from: u16, flags: &'static [&'static str]) -> KeySpec {
    KeySpec { flags, first: from, last: -1, step: 1, notes: "" }
}

/// The set at `key` for a command that reads.
fn read<'t>(txn: &'t Txn, key: &[u8]) -> Result<Option<&'t Set>, Error> {
    txn.read(key).map(|entry| value::as_set(entry.payload())).transpose()
}

/// Removes a set that lost its last member; that it changed is told already.
fn drop_empty(txn: &mut Txn, key: &[u8]) {
    if let Some(entry) = txn.remove(key) {
        txn.discard(entry);
    }
    txn.also_happened(key, Event::Del);
}

fn reply_member(out: &mut Reply, member: Value) {
    match member {
        Value::Int(n) => out.bulk_int(n),
        Value::Str(bytes) => out.bulk(bytes),
    }
}

/// All members, as a set.
fn reply_all(out: &mut Reply, set: Option<&Set>) {
    out.set(set.map_or(0, Set::len));
    if let Some(set) = set {
        set.for_each(|member| reply_member(out, member));
    }
}

/// Visits the members until one is refused.
fn each<'s>(set: &'s Set, mut visit: impl FnMut(&[u8]) -> bool) {
    let mut text = Text::new();
    let mut goes_on = |member: Value<'s>| visit(member.bytes(&mut text));
    match set {
        Set::Ints(ints) => _ = ints.iter().all(|n| goes_on(Value::Int(n))),
        Set::Pack(pack) => _ = pack.iter().all(&mut goes_on),
        Set::Table(table) => _ = table.iter().all(|field| goes_on(Value::Str(field.key))),
    }
}
