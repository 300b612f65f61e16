//! Streams: adding, reading, trimming; consumer groups, what is pending in them, and who claims it.
//!
//! A stream stays when its last entry goes. Times that consumers were seen at and how often an entry was delivered
//! belong to groups; only what came to be pending, was acknowledged or claimed is logged, as Redis does it: a read of
//! a group becomes the XCLAIMs of what it delivered.
//!
//! Absent: waiting. BLOCK is read and checked; the command then answers as inside MULTI.

pub(super) mod add;
pub(super) mod claim;
pub(super) mod groups;
mod ids;
pub(super) mod info;
#[cfg(test)]
mod log_tests;
pub(super) mod pending;
pub(super) mod range;
pub(super) mod read;
#[cfg(test)]
mod tests;
mod trim;

use super::args::shown;
use crate::error::Error;
use crate::row::{Categories, Doc, KeySpec, Meta};
use crate::txn::Txn;
use crate::value::{Value, as_stream};
use ds::listpack;
use ds::stream::{Entry, Id, Stream};
use resp::Reply;

const STREAM: Meta = Meta { group: "stream", since: "5.0.0", categories: Categories::STREAM, ..Meta::BASE };

const KEY: Doc = Doc::key("key", 0);
const ID: Doc = Doc::new("id", "string");
const COUNT: Doc = Doc::new("count", "integer").behind("COUNT").optional();

/// One key, the argument at `at`.
const fn one(at: u16, flags: &'static [&'static str]) -> KeySpec {
    KeySpec { flags, first: at, last: 0, step: 1, notes: "" }
}

/// The stream at `key` for a command that reads.
fn read<'t>(txn: &'t Txn, key: &[u8]) -> Result<Option<&'t Stream>, Error> {
    txn.read(key).map(|entry| as_stream(entry.payload())).transpose()
}

/// The stream at `key` for a command that writes.
fn write<'t>(txn: &'t Txn, key: &[u8]) -> Result<Option<&'t Stream>, Error> {
    txn.write(key).map(|entry| as_stream(entry.payload())).transpose()
}

/// The stream at `key`, which was looked at before.
fn again<'t>(txn: &'t Txn, key: &[u8]) -> &'t Stream {
    let entry = txn.get(key).expect("was looked at");
    as_stream(entry.payload()).expect("was a stream when it was looked at")
}

/// Changes the stream at `key`, which was looked at before.
fn edit<R>(txn: &mut Txn, key: &[u8], change: impl FnOnce(&mut Stream) -> R) -> R {
    let mut entry = txn.get_mut(key).expect("was looked at");
    match entry.boxed_mut() {
        Some(Value::Stream(stream)) => change(stream),
        _ => unreachable!("was a stream when it was looked at"),
    }
}

/// No such group, as most commands say it.
fn no_group(key: &[u8], group: &[u8]) -> Error {
    Error::owned(format!("NOGROUP No such key '{}' or consumer group '{}'", shown(key), shown(group)))
}

/// No such group, as the commands about groups say it.
fn no_group_of(key: &[u8], group: &[u8]) -> Error {
    Error::owned(format!("NOGROUP No such consumer group '{}' for key name '{}'", shown(group), shown(key)))
}

/// What a container says to arguments that none of its subcommands takes.
fn wrong_arguments(sub: &[u8], container: &str) -> Error {
    /// A longer word is cut.
    const SHOWN_BYTES_MAX: usize = 128;
    let sub: String = shown(sub).chars().take(SHOWN_BYTES_MAX).collect();
    Error::owned(format!(
        "ERR unknown subcommand or wrong number of arguments for '{sub}'. Try {container} HELP."
    ))
}

/// The text of an id, on the stack.
struct IdText {
    bytes: [u8; IdText::BYTES_MAX],
    len: usize,
}

impl IdText {
    /// Two numbers of 20 digits.
    const BYTES_MAX: usize = 41;

    fn new(id: Id) -> Self {
        let mut text = Self { bytes: [0; Self::BYTES_MAX], len: 0 };
        let mut digits = itoa::Buffer::new();
        text.push(digits.format(id.ms).as_bytes());
        text.push(b"-");
        text.push(digits.format(id.seq).as_bytes());
        text
    }

    fn push(&mut self, part: &[u8]) {
        self.bytes[self.len..][..part.len()].copy_from_slice(part);
        self.len += part.len();
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

fn reply_id(out: &mut Reply, id: Id) {
    out.bulk(IdText::new(id).bytes());
}

fn reply_value(out: &mut Reply, value: listpack::Value) {
    match value {
        listpack::Value::Int(n) => out.bulk_int(n),
        listpack::Value::Str(text) => out.bulk(text),
    }
}

/// The id, and an array of names and values.
fn reply_entry(out: &mut Reply, entry: Entry) {
    out.array(2);
    reply_id(out, entry.id);
    out.array(2 * entry.len());
    for (name, value) in entry.pairs() {
        reply_value(out, name);
        reply_value(out, value);
    }
}

/// An array of so many of the entries at most; the number of them.
fn reply_entries<'e>(
    out: &mut Reply,
    entries: impl Iterator<Item = Entry<'e>>,
    count_max: usize,
    mut each: impl FnMut(Id),
) -> usize {
    let array = out.array_later();
    let mut count = 0;
    for entry in entries.take(count_max) {
        each(entry.id);
        reply_entry(out, entry);
        count += 1;
    }
    out.finish_array(array, count);
    count
}

/// A count of which 0, or less, says that there is no limit.
fn count_max(count: i64) -> usize {
    if count <= 0 { usize::MAX } else { usize::try_from(count).unwrap_or(usize::MAX) }
}

/// Logs how an entry is pending, in a form that can be repeated.
struct Claim<'a> {
    key: &'a [u8],
    group: &'a [u8],
    consumer: &'a [u8],
    /// The id as it is to be written.
    id: &'a [u8],
    delivered_ms: i64,
    deliveries: u64,
    /// The group's last id.
    last_id: Id,
}

impl Claim<'_> {
    fn log(&self, txn: &mut Txn) {
        let (mut at, mut count) = (itoa::Buffer::new(), itoa::Buffer::new());
        txn.effect(&[
            b"XCLAIM",
            self.key,
            self.group,
            self.consumer,
            b"0",
            self.id,
            b"TIME",
            at.format(self.delivered_ms).as_bytes(),
            b"RETRYCOUNT",
            count.format(self.deliveries).as_bytes(),
            b"FORCE",
            b"JUSTID",
            b"LASTID",
            IdText::new(self.last_id).bytes(),
        ]);
    }
}

/// Logs how far a group has read.
fn log_group_id(txn: &mut Txn, key: &[u8], group: &[u8], last_id: Id, entries_read: Option<u64>) {
    let mut text = itoa::Buffer::new();
    // An unknown count is -1.
    let read = entries_read.map_or(-1, |read| read as i64);
    txn.effect(&[
        b"XGROUP",
        b"SETID",
        key,
        group,
        IdText::new(last_id).bytes(),
        b"ENTRIESREAD",
        text.format(read).as_bytes(),
    ]);
}
