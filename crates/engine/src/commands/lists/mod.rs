//! Lists: their ends, looking into them, editing them, and carrying elements from list to list.
//!
//! A list that has lost its last element is deleted, which is no effect of its own: the request says it already.
//! Requests are logged as they came, but for LMPOP, which becomes the LPOP or RPOP of the key that it found.

pub(super) mod carry;
pub(super) mod edit;
pub(super) mod ends;
pub(super) mod look;
#[cfg(test)]
mod tests;

use super::args::is;
use crate::error::Error;
use crate::events::Event;
use crate::row::{Categories, Doc, KeySpec, Meta};
use crate::txn::{Ttl, Txn};
use crate::value::{List, Value, as_list, list_mut};
use ds::entry::NewPayload;
use ds::list::{Direction, End, Settings};
use ds::listpack;
use resp::Reply;
use std::ops::{ControlFlow, Range};

const LIST: Meta = Meta { group: "list", categories: Categories::LIST, ..Meta::BASE };

const KEY: Doc = Doc::key("key", 0);
const ELEMENT: Doc = Doc::new("element", "string");
const SIDES: &[Doc] = &[Doc::flag("left", "LEFT"), Doc::flag("right", "RIGHT")];

/// One key, the argument at `at`.
const fn one(at: u16, flags: &'static [&'static str]) -> KeySpec {
    KeySpec { flags, first: at, last: 0, step: 1, notes: "" }
}

/// The end that LEFT or RIGHT names.
fn end(arg: &[u8]) -> Result<End, Error> {
    match () {
        () if is(arg, "left") => Ok(End::Head),
        () if is(arg, "right") => Ok(End::Tail),
        () => Err(Error::Syntax),
    }
}

/// The list at `key` for a command that reads.
fn read<'t>(txn: &'t Txn, key: &[u8]) -> Result<Option<&'t List>, Error> {
    txn.read(key).map(|entry| as_list(entry.payload())).transpose()
}

/// The list at `key` for a command that writes.
fn write<'t>(txn: &'t Txn, key: &[u8]) -> Result<Option<&'t List>, Error> {
    txn.write(key).map(|entry| as_list(entry.payload())).transpose()
}

/// Changes the list at `key`, which was looked at before.
fn edit<R>(txn: &mut Txn, key: &[u8], change: impl FnOnce(&mut List) -> R) -> R {
    let mut entry = txn.get_mut(key).expect("was looked at");
    match entry.boxed_mut() {
        Some(Value::List(list)) => change(list),
        _ => unreachable!("was a list when it was looked at"),
    }
}

fn settings(txn: &Txn) -> Settings {
    txn.engine().settings.shapes.list()
}

/// Adds elements at an end of the list at `key`, which is made if there is none; its length.
fn push<'v, I>(txn: &mut Txn, key: &[u8], end: End, values: I) -> Result<usize, Error>
where
    I: DoubleEndedIterator<Item = &'v [u8]> + ExactSizeIterator + Clone,
{
    if let Some(len) = push_existing(txn, key, end, values.clone())? {
        return Ok(len);
    }
    let mut list = List::new();
    list.push_all(end, values, settings(txn));
    let len = list.len();
    txn.put(key, NewPayload::Boxed(Value::List(list)), Ttl::Clear);
    Ok(len)
}

/// Adds elements at an end of the list at `key`, which is looked up once; its length, or `None` if there is none.
fn push_existing<'v, I>(txn: &mut Txn, key: &[u8], end: End, values: I) -> Result<Option<usize>, Error>
where
    I: DoubleEndedIterator<Item = &'v [u8]> + ExactSizeIterator + Clone,
{
    let settings = settings(txn);
    let Some(mut entry) = txn.write_mut(key) else { return Ok(None) };
    let list = list_mut(&mut entry)?;
    list.push_all(end, values, settings);
    Ok(Some(list.len()))
}

/// The indexes of the `count` elements nearest to an end.
fn nearest(end: End, count: usize, len: usize) -> Range<usize> {
    let count = count.min(len);
    match end {
        End::Head => 0..count,
        End::Tail => len - count..len,
    }
}

/// Removes the elements with these indexes from a list of `len`, and the key with the last of them; whether it went.
fn take_out(txn: &mut Txn, key: &[u8], gone: Range<usize>, len: usize) -> bool {
    if gone.len() == len {
        if let Some(entry) = txn.remove(key) {
            txn.discard(entry);
        }
        return true;
    }
    let fill = settings(txn).fill;
    edit(txn, key, |list| {
        list.remove_range(gone.start, gone.len());
        list.shrink(fill);
    });
    false
}

/// Removes `count` elements from an end of a list of `len`, which was replied already.
fn pop(txn: &mut Txn, key: &[u8], end: End, count: usize, len: usize) {
    let count = count.min(len);
    let emptied = take_out(txn, key, nearest(end, count, len), len);
    txn.changed_times(key, popped(end), count);
    if emptied {
        txn.also_happened(key, Event::Del);
    }
}

fn pushed(end: End) -> Event {
    match end {
        End::Head => Event::LPush,
        End::Tail => Event::RPush,
    }
}

fn popped(end: End) -> Event {
    match end {
        End::Head => Event::LPop,
        End::Tail => Event::RPop,
    }
}

fn reply_value(out: &mut Reply, value: listpack::Value) {
    match value {
        listpack::Value::Int(n) => out.bulk_int(n),
        listpack::Value::Str(text) => out.bulk(text),
    }
}

/// An array of the elements with these indexes, in the order of the direction.
fn reply_range(out: &mut Reply, list: &List, range: Range<usize>, direction: Direction) {
    out.array(range.len());
    if range.is_empty() {
        return;
    }
    let (from, mut left) = match direction {
        Direction::Forward => (range.start, range.len()),
        Direction::Backward => (range.end - 1, range.len()),
    };
    list.walk(from, direction, |value| {
        reply_value(out, value);
        left -= 1;
        if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
}

/// An array of the `count` elements nearest to an end, the outermost first.
fn reply_nearest(out: &mut Reply, list: &List, end: End, count: usize) {
    let direction = match end {
        End::Head => Direction::Forward,
        End::Tail => Direction::Backward,
    };
    reply_range(out, list, nearest(end, count, list.len()), direction);
}

/// The index that a number means in a list of `len`; negative ones count from the tail.
fn index_of(number: i64, len: usize) -> Option<usize> {
    let index = if number < 0 { (len as i64).checked_add(number)? } else { number };
    usize::try_from(index).ok().filter(|index| *index < len)
}

/// The indexes from `start` to `stop`, cut to what is there; negative ones count from the tail.
fn range_of(start: i64, stop: i64, len: usize) -> Range<usize> {
    let len = len as i64;
    let place = |n: i64| if n < 0 { len.saturating_add(n).max(0) } else { n };
    let from = place(start);
    // Before the head there is nothing, not the head itself.
    let to = if stop < -len { 0 } else { place(stop).min(len - 1) + 1 };
    if from < to { from as usize..to as usize } else { 0..0 }
}

/// A number from `min` up, with an error of its own.
fn number_from(min: i64, arg: &[u8], error: &'static str) -> Result<usize, Error> {
    let number = base::number::parse_i64(arg).filter(|n| min <= *n);
    number.and_then(|n| usize::try_from(n).ok()).ok_or(Error::text(error))
}

/// An integer that can be negated.
fn symmetric(arg: &[u8]) -> Result<i64, Error> {
    const OUT: Error = Error::text(
        "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
    );
    let number = super::args::int(arg)?;
    if number == i64::MIN { Err(OUT) } else { Ok(number) }
}
