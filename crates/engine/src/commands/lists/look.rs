//! Looking into lists: LLEN, LRANGE, LINDEX, LPOS.

use super::{
    ELEMENT, KEY, LIST, index_of, number_from, one, range_of, read, reply_range, reply_value, symmetric,
};
use crate::commands::args::{int, is};
use crate::error::{Done, Error};
use crate::row::{Doc, Flags, Meta, Row};
use crate::txn::Txn;
use crate::value::List;
use ds::list::Direction;
use ds::listpack::Value;
use resp::{Args, Reply};
use std::ops::ControlFlow;

const LOOK: Meta = Meta { flags: Flags::READONLY, keys: &[one(1, &["RO", "access"])], ..LIST };

pub const ROWS: &[Row] = &[
    Row {
        meta: Meta {
            name: "llen",
            arity: 2,
            flags: Flags::READONLY.with(Flags::FAST),
            keys: &[one(1, &["RO"])],
            summary: "Gives the number of elements of a list.",
            docs: &[KEY],
            ..LOOK
        },
        run: llen,
    },
    Row {
        meta: Meta {
            name: "lrange",
            arity: 4,
            summary: "Gives the elements of a list from one index to another.",
            complexity: "O(S+N) in the distance of the start from the nearer end, and in what is given",
            docs: &[KEY, Doc::new("start", "integer"), Doc::new("stop", "integer")],
            ..LOOK
        },
        run: lrange,
    },
    Row {
        meta: Meta {
            name: "lindex",
            arity: 3,
            summary: "Gives the element of a list at an index.",
            complexity: "O(N) in the distance from the nearer end; O(1) for the first and the last",
            docs: &[KEY, Doc::new("index", "integer")],
            ..LOOK
        },
        run: lindex,
    },
    Row {
        meta: Meta {
            name: "lpos",
            arity: -3,
            since: "6.0.6",
            summary: "Finds where an element stands in a list.",
            complexity: "O(N) in the number of elements that are looked at",
            docs: &[
                KEY,
                ELEMENT,
                Doc::new("rank", "integer").behind("RANK").optional(),
                Doc::new("num-matches", "integer").behind("COUNT").optional(),
                Doc::new("len", "integer").behind("MAXLEN").optional(),
            ],
            ..LOOK
        },
        run: lpos,
    },
];

fn llen(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    out.int(read(txn, args.at(1))?.map_or(0, |list| list.len() as i64));
    Ok(())
}

fn lrange(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let (start, stop) = (int(args.at(2))?, int(args.at(3))?);
    match read(txn, args.at(1))? {
        Some(list) => reply_range(out, list, range_of(start, stop, list.len()), Direction::Forward),
        None => out.array(0),
    }
    Ok(())
}

fn lindex(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let Some(list) = read(txn, args.at(1))? else {
        out.nil();
        return Ok(());
    };
    let index = index_of(int(args.at(2))?, list.len());
    if index.and_then(|index| list.get(index, |value| reply_value(out, value))).is_none() {
        out.nil();
    }
    Ok(())
}

struct Search {
    direction: Direction,
    /// Matches up to the first one that counts, itself included.
    rank: u64,
    /// How many are asked for, 0 for all; `None` for one, and not as an array.
    count: Option<usize>,
    /// How many elements to look at, 0 for all.
    len_max: usize,
}

fn search(args: Args) -> Result<Search, Error> {
    let mut search = Search { direction: Direction::Forward, rank: 1, count: None, len_max: 0 };
    let mut i = 3;
    while i < args.len() {
        let (word, Some(number)) = (args.at(i), args.get(i + 1)) else { return Err(Error::Syntax) };
        if is(word, "rank") {
            let rank = symmetric(number)?;
            if rank == 0 {
                return Err(Error::text(
                    "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... \
                     or use negative to start from the end of the list",
                ));
            }
            search.rank = rank.unsigned_abs();
            search.direction = if rank < 0 { Direction::Backward } else { Direction::Forward };
        } else if is(word, "count") {
            search.count = Some(number_from(0, number, "ERR COUNT can't be negative")?);
        } else if is(word, "maxlen") {
            search.len_max = number_from(0, number, "ERR MAXLEN can't be negative")?;
        } else {
            return Err(Error::Syntax);
        }
        i += 2;
    }
    Ok(search)
}

fn lpos(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let search = search(args)?;
    let list = read(txn, args.at(1))?;
    let Some(count) = search.count else {
        let mut first = None;
        if let Some(list) = list {
            each_match(list, args.at(2), &search, |index| {
                first = Some(index);
                ControlFlow::Break(())
            });
        }
        match first {
            Some(index) => out.int(index as i64),
            None => out.nil(),
        }
        return Ok(());
    };
    let Some(list) = list else {
        out.array(0);
        return Ok(());
    };
    let (later, mut found) = (out.array_later(), 0);
    each_match(list, args.at(2), &search, |index| {
        out.int(index as i64);
        found += 1;
        if found == count { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    out.finish_array(later, found);
    Ok(())
}

/// Visits the indexes of the matches that count, in the direction of the search.
fn each_match(list: &List, wanted: &[u8], search: &Search, mut visit: impl FnMut(usize) -> ControlFlow<()>) {
    let (wanted, len) = (Value::of(wanted), list.len());
    let (mut seen, mut matches) = (0, 0);
    let from = match search.direction {
        Direction::Forward => 0,
        Direction::Backward => len - 1,
    };
    list.walk(from, search.direction, |value| {
        if value.is_same(wanted) {
            matches += 1;
            if search.rank <= matches {
                visit(match search.direction {
                    Direction::Forward => seen,
                    Direction::Backward => len - 1 - seen,
                })?;
            }
        }
        seen += 1;
        if seen == search.len_max { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
}
