//! XLEN, XRANGE, XREVRANGE, XDEL.

use super::{COUNT, ID, KEY, STREAM, count_max, edit, ids, one, read, reply_entries, write};
use crate::commands::args::{int, is};
use crate::error::{Done, Error};
use crate::events::Event;
use crate::row::{Doc, Flags, Meta, Row};
use crate::txn::Txn;
use resp::{Args, Reply};

const RANGE: Meta = Meta {
    arity: -4,
    flags: Flags::READONLY,
    keys: &[one(1, &["RO", "access"])],
    complexity: "O(N) in the number of entries that are given",
    history: &[("6.2.0", "Exclusive bounds came.")],
    ..STREAM
};

const START: Doc = Doc::new("start", "string");
const END: Doc = Doc::new("end", "string");

pub const ROWS: &[Row] = &[
    Row {
        meta: Meta {
            name: "xlen",
            arity: 2,
            flags: Flags::READONLY.with(Flags::FAST),
            keys: &[one(1, &["RO"])],
            summary: "Gives the number of entries of a stream.",
            complexity: "O(1)",
            docs: &[KEY],
            ..STREAM
        },
        run: xlen,
    },
    Row {
        meta: Meta {
            name: "xrange",
            summary: "Gives the entries of a stream between two ids.",
            docs: &[KEY, START, END, COUNT],
            ..RANGE
        },
        run: xrange,
    },
    Row {
        meta: Meta {
            name: "xrevrange",
            summary: "Gives the entries of a stream between two ids, the newest first.",
            docs: &[KEY, END, START, COUNT],
            ..RANGE
        },
        run: xrevrange,
    },
    Row {
        meta: Meta {
            name: "xdel",
            arity: -3,
            flags: Flags::WRITE.with(Flags::FAST),
            keys: &[one(1, &["RW", "delete"])],
            summary: "Deletes entries of a stream by their ids.",
            complexity: "O(1) for each entry, whatever the size of the stream",
            docs: &[KEY, ID.multiple()],
            ..STREAM
        },
        run: xdel,
    },
];

fn xlen(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let len = read(txn, args.at(1))?.map_or(0, |stream| stream.len());
    out.int(len as i64);
    Ok(())
}

fn xrange(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    range(txn, args, out, Direction::Forward)
}

fn xrevrange(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    range(txn, args, out, Direction::Backward)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Forward,
    Backward,
}

fn range(txn: &mut Txn, args: Args, out: &mut Reply, direction: Direction) -> Done {
    let (from, to) = match direction {
        Direction::Forward => (2, 3),
        Direction::Backward => (3, 2),
    };
    let start = ids::start(args.at(from))?;
    let end = ids::end(args.at(to))?;
    let mut count = None;
    let mut i = 4;
    while i < args.len() {
        if !is(args.at(i), "count") || i + 1 == args.len() {
            return Err(Error::Syntax);
        }
        count = Some(int(args.at(i + 1))?.max(0));
        i += 2;
    }
    let Some(stream) = read(txn, args.at(1))? else {
        out.array(0);
        return Ok(());
    };
    if count == Some(0) {
        out.nil_array();
        return Ok(());
    }
    let count_max = count_max(count.unwrap_or(0));
    match direction {
        Direction::Forward => reply_entries(out, stream.range(start, end), count_max, |_| ()),
        Direction::Backward => reply_entries(out, stream.range_back(start, end), count_max, |_| ()),
    };
    Ok(())
}

fn xdel(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let key = args.at(1);
    if write(txn, key)?.is_none() {
        out.int(0);
        return Ok(());
    }
    let ids = ids::all_strict(args.iter().skip(2))?;
    let deleted = edit(txn, key, |stream| ids.into_iter().filter(|id| stream.delete(*id)).count());
    out.int(deleted as i64);
    if deleted != 0 {
        txn.changed_times(key, Event::XDel, deleted);
    }
    Ok(())
}
