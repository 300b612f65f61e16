//! Sorted sets: adding, reading, ranges of ranks, scores or members, removing.
//!
//! A command that changes one looks at its type first, then changes it in place ([`edit`]); a set that became empty
//! is deleted ([`delete_if_empty`]). What is logged is the request as it came, but for ZMPOP.

pub(super) mod add;
mod bounds;
pub(super) mod combine;
pub(super) mod random;
pub(super) mod range;
pub(super) mod read;
pub(super) mod remove;
pub(super) mod scan;

use crate::error::Error;
use crate::events::Event;
use crate::row::{Categories, Doc, KeySpec, Meta};
use crate::txn::{Ttl, Txn};
use crate::value::{self, Shapes, SortedSet, Value};
use ds::entry::NewPayload;
use ds::listpack::{self, Text};
use resp::{Proto, Reply};

const SORTED: Meta = Meta { group: "sorted-set", categories: Categories::SORTED_SET, ..Meta::BASE };

const KEY: Doc = Doc::key("key", 0);
const MEMBER: Doc = Doc::new("member", "string");

/// The key is the first argument.
const fn first(flags: &'static [&'static str]) -> KeySpec {
    at(1, flags)
}

const fn at(first: u16, flags: &'static [&'static str]) -> KeySpec {
    KeySpec { flags, first, last: 0, step: 1, notes: "" }
}

/// The keys stand behind their number, the argument `number`.
const fn counted(number: u16, flags: &'static [&'static str]) -> KeySpec {
    KeySpec { flags, first: number, last: KeySpec::COUNTED, step: 1, notes: "" }
}

/// The sorted set at `key` for a command that reads.
pub(super) fn read<'t>(txn: &'t Txn, key: &[u8]) -> Result<Option<&'t SortedSet>, Error> {
    txn.read(key).map(|entry| value::as_sorted_set(entry.payload())).transpose()
}

/// The same for a command that writes.
fn write<'t>(txn: &'t Txn, key: &[u8]) -> Result<Option<&'t SortedSet>, Error> {
    txn.write(key).map(|entry| value::as_sorted_set(entry.payload())).transpose()
}

/// Changes the sorted set at `key`, which was looked at before.
fn edit<R>(txn: &mut Txn, key: &[u8], change: impl FnOnce(&mut SortedSet, &Shapes) -> R) -> R {
    let shapes = txn.engine().shapes();
    let mut entry = txn.get_mut(key).expect("the key was looked at");
    match entry.boxed_mut() {
        Some(Value::SortedSet(set)) => change(set, &shapes),
        _ => unreachable!("the type was looked at"),
    }
}

/// Makes the key hold the set, whatever it held before; an empty one deletes it.
pub(super) fn store(txn: &mut Txn, key: &[u8], set: SortedSet, event: Event) {
    if !set.is_empty() {
        txn.put(key, NewPayload::Boxed(Value::SortedSet(set)), Ttl::Clear);
        txn.changed(key, event);
    } else if let Some(entry) = txn.remove(key) {
        txn.discard(entry);
        txn.changed(key, Event::Del);
    }
}

/// Says that so many elements of the set changed.
fn changed(txn: &mut Txn, key: &[u8], event: Event, count: usize) {
    txn.changed(key, event);
    txn.changed_all(count as u64 - 1);
}

/// Deletes the key if the set that a command took elements from has none left.
fn delete_if_empty(txn: &mut Txn, key: &[u8]) {
    let is_empty = |set: &SortedSet| set.is_empty();
    let empty = txn.get(key).is_some_and(|entry| value::as_sorted_set(entry.payload()).is_ok_and(is_empty));
    if empty && let Some(entry) = txn.remove(key) {
        txn.discard(entry);
        txn.also_happened(key, Event::Del);
    }
}

/// Whether elements are given with their scores.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scores {
    With,
    Without,
}

/// Begins a reply of so many elements, each of which is then written by [`reply_element`].
fn reply_elements(out: &mut Reply, count: usize, scores: Scores) {
    let flat = scores == Scores::With && out.proto() == Proto::Resp2;
    out.array(if flat { 2 * count } else { count });
}

/// An element of an array: for RESP3 with its score in an array of its own.
fn reply_element(out: &mut Reply, member: listpack::Value, score: f64, scores: Scores) {
    if scores == Scores::With && out.proto() == Proto::Resp3 {
        out.array(2);
    }
    out.bulk(member.bytes(&mut Text::new()));
    if scores == Scores::With {
        out.double(score);
    }
}
