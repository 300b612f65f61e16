//! Hashes: setting fields, reading them, counting with them, some of them by chance, walking over them, and when they
//! expire.
//!
//! A command that changes a hash does so in place ([`edit`]); a hash without fields is no key ([`drop_empty`]).
//! Fields whose time has passed are absent for readers. On a primary a write takes them out first, in the log too, so
//! that a replica runs it on the same fields; only what HLEN counts includes them, as in Redis.

pub(super) mod expire;
pub(super) mod getex;
pub(super) mod number;
pub(super) mod random;
pub(super) mod read;
pub(super) mod scan;
pub(super) mod setex;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod time_model;
#[cfg(test)]
mod time_tests;
mod timing;
pub(super) mod ttl;
pub(super) mod write;

use crate::error::Error;
use crate::events::Event;
use crate::row::{Categories, Doc, KeySpec, Meta};
use crate::txn::{Ttl, Txn};
use crate::value::{self, Hash, Value};
use ds::entry::NewPayload;
use ds::listpack;
use resp::Reply;

const HASH: Meta = Meta { group: "hash", categories: Categories::HASH, since: "2.0.0", ..Meta::BASE };

const KEY: Doc = Doc::key("key", 0);
const FIELD: Doc = Doc::new("field", "string");
const VALUE: Doc = Doc::new("value", "string");

/// The key is the first argument.
const fn first(flags: &'static [&'static str]) -> KeySpec {
    KeySpec { flags, first: 1, last: 0, step: 1, notes: "" }
}

/// The hash at `key` for a command that reads.
#[inline]
fn read<'t>(txn: &'t Txn, key: &[u8]) -> Result<Option<&'t Hash>, Error> {
    txn.read(key).map(|entry| value::as_hash(entry.payload())).transpose()
}

/// Changes the hash at `key`, without the fields whose time has passed; `None` if there is none.
fn edit<R>(txn: &mut Txn, key: &[u8], change: impl FnOnce(&mut Hash) -> R) -> Result<Option<R>, Error> {
    let horizon = txn.horizon();
    match txn.write_mut(key) {
        None => return Ok(None),
        Some(mut entry) => {
            let hash = value::hash_mut(&mut entry)?;
            if !hash.has_due(horizon) {
                return Ok(Some(change(hash)));
            }
        }
    }
    txn.drop_due_fields(key);
    let Some(mut entry) = txn.get_mut(key) else { return Ok(None) };
    Ok(Some(change(value::hash_mut(&mut entry)?)))
}

/// Makes the key, which is free, hold the hash.
fn put_new(txn: &mut Txn, key: &[u8], hash: Hash) {
    txn.put(key, NewPayload::Boxed(Value::Hash(hash)), Ttl::Clear);
}

/// Removes a hash that lost its last field; that it changed is told already.
fn drop_empty(txn: &mut Txn, key: &[u8]) {
    if let Some(entry) = txn.remove(key) {
        txn.discard(entry);
    }
    txn.also_happened(key, Event::Del);
}

#[inline]
fn reply_value(out: &mut Reply, value: listpack::Value) {
    match value {
        listpack::Value::Int(n) => out.bulk_int(n),
        listpack::Value::Str(bytes) => out.bulk(bytes),
    }
}
