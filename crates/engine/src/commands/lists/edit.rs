//! Editing lists: LSET, LINSERT, LREM, LTRIM.

use super::{ELEMENT, KEY, LIST, index_of, one, range_of, settings, take_out, write};
use crate::commands::args::{int, is};
use crate::error::{Done, Error};
use crate::events::Event;
use crate::row::{Doc, Flags, Meta, Row};
use crate::txn::Txn;
use ds::list::Direction;
use ds::listpack::Side;
use resp::{Args, Reply};

pub const ROWS: &[Row] = &[
    Row {
        meta: Meta {
            name: "lset",
            arity: 4,
            flags: Flags::WRITE.with(Flags::DENYOOM),
            keys: &[one(1, &["RW", "update"])],
            summary: "Replaces the element of a list at an index.",
            complexity: "O(N) in the length of the list; O(1) for the first and the last element",
            docs: &[KEY, Doc::new("index", "integer"), ELEMENT],
            ..LIST
        },
        run: lset,
    },
    Row {
        meta: Meta {
            name: "linsert",
            arity: 5,
            flags: Flags::WRITE.with(Flags::DENYOOM),
            keys: &[one(1, &["RW", "insert"])],
            since: "2.2.0",
            summary: "Puts an element before or behind another one of a list.",
            complexity: "O(N) in the number of elements before the other one",
            docs: &[
                KEY,
                Doc::one_of("where", &[Doc::flag("before", "BEFORE"), Doc::flag("after", "AFTER")]),
                Doc::new("pivot", "string"),
                ELEMENT,
            ],
            ..LIST
        },
        run: linsert,
    },
    Row {
        meta: Meta {
            name: "lrem",
            arity: 4,
            flags: Flags::WRITE,
            keys: &[one(1, &["RW", "delete"])],
            summary: "Removes elements that are equal to a value from a list.",
            complexity: "O(N+M) in the length of the list and the number of elements removed",
            docs: &[KEY, Doc::new("count", "integer"), ELEMENT],
            ..LIST
        },
        run: lrem,
    },
    Row {
        meta: Meta {
            name: "ltrim",
            arity: 4,
            flags: Flags::WRITE,
            keys: &[one(1, &["RW", "delete"])],
            summary: "Removes all elements of a list but those from one index to another.",
            complexity: "O(N) in the number of elements removed",
            docs: &[KEY, Doc::new("start", "integer"), Doc::new("stop", "integer")],
            ..LIST
        },
        run: ltrim,
    },
];

fn lset(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let (key, value) = (args.at(1), args.at(3));
    let len = write(txn, key)?.ok_or(Error::NoSuchKey)?.len();
    let index = index_of(int(args.at(2))?, len).ok_or(Error::text("ERR index out of range"))?;
    let settings = settings(txn);
    super::edit(txn, key, |list| list.set(index, value, settings));
    txn.changed(key, Event::LSet);
    out.ok();
    Ok(())
}

fn linsert(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let (key, place, pivot, value) = (args.at(1), args.at(2), args.at(3), args.at(4));
    let side = match () {
        () if is(place, "before") => Side::Before,
        () if is(place, "after") => Side::After,
        () => return Err(Error::Syntax),
    };
    let Some(list) = write(txn, key)? else {
        out.int(0);
        return Ok(());
    };
    let Some(index) = list.position(pivot) else {
        out.int(-1);
        return Ok(());
    };
    let settings = settings(txn);
    let len = super::edit(txn, key, |list| {
        list.insert(index, side, value, settings);
        list.len()
    });
    txn.changed(key, Event::LInsert);
    out.int(len as i64);
    Ok(())
}

fn lrem(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let (key, count, value) = (args.at(1), int(args.at(2))?, args.at(3));
    let direction = if count < 0 { Direction::Backward } else { Direction::Forward };
    let limit =
        if count == 0 { usize::MAX } else { usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX) };
    // What holds none of them is not to be handed over as changed.
    if write(txn, key)?.and_then(|list| list.position(value)).is_none() {
        out.int(0);
        return Ok(());
    }
    let fill = settings(txn).fill;
    let (removed, emptied) = super::edit(txn, key, |list| {
        let removed = list.remove_value(value, limit, direction);
        list.shrink(fill);
        (removed, list.is_empty())
    });
    if emptied {
        txn.remove(key);
    }
    txn.changed_times(key, Event::LRem, removed);
    if emptied {
        txn.also_happened(key, Event::Del);
    }
    out.int(removed as i64);
    Ok(())
}

fn ltrim(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let (key, start, stop) = (args.at(1), int(args.at(2))?, int(args.at(3))?);
    out.ok();
    let Some(list) = write(txn, key)? else { return Ok(()) };
    let len = list.len();
    let kept = range_of(start, stop, len);
    if kept.len() == len {
        // Nothing is removed: those who watch the key are told nevertheless, replicas are not.
        txn.also_changed_in(txn.db, key, Event::LTrim);
        txn.no_effect();
        return Ok(());
    }
    let emptied = kept.is_empty();
    if emptied {
        take_out(txn, key, 0..len, len);
    } else {
        let fill = settings(txn).fill;
        super::edit(txn, key, |list| {
            list.remove_range(kept.end, len - kept.end);
            list.remove_range(0, kept.start);
            list.shrink(fill);
        });
    }
    txn.changed_times(key, Event::LTrim, len - kept.len());
    if emptied {
        txn.also_happened(key, Event::Del);
    }
    Ok(())
}
