//! The ends of lists: LPUSH, RPUSH, LPUSHX, RPUSHX, LPOP, RPOP, and LMPOP, which pops from the first of several lists
//! that has something.

use super::{
    ELEMENT, KEY, LIST, SIDES, number_from, one, pop, push, push_existing, pushed, reply_nearest,
    reply_value, write,
};
use crate::commands::args::is;
use crate::error::{Done, Error};
use crate::row::{Doc, Flags, KeySpec, Meta, Row};
use crate::txn::Txn;
use ds::list::End;
use resp::{Args, Reply};

const PUSH: Meta = Meta {
    arity: -3,
    flags: Flags::WRITE.with(Flags::DENYOOM).with(Flags::FAST),
    keys: &[one(1, &["RW", "insert"])],
    complexity: "O(N) in the number of elements that are added",
    docs: &[KEY, ELEMENT.multiple()],
    ..LIST
};

const MANY_IN_2_4: &[(&str, &str)] = &[("2.4.0", "Takes several elements.")];
const MANY_IN_4_0: &[(&str, &str)] = &[("4.0.0", "Takes several elements.")];

const POP: Meta = Meta {
    arity: -2,
    flags: Flags::WRITE.with(Flags::FAST),
    keys: &[one(1, &["RW", "access", "delete"])],
    complexity: "O(N) in the number of elements that are given",
    history: &[("6.2.0", "Added the count.")],
    docs: &[KEY, Doc::new("count", "integer").optional().since("6.2.0")],
    ..LIST
};

pub const ROWS: &[Row] = &[
    Row {
        meta: Meta {
            name: "lpush",
            summary: "Adds elements at the head of a list.",
            history: MANY_IN_2_4,
            ..PUSH
        },
        run: |txn, args, out| push_any(txn, args, out, End::Head),
    },
    Row {
        meta: Meta {
            name: "rpush",
            summary: "Adds elements at the tail of a list.",
            history: MANY_IN_2_4,
            ..PUSH
        },
        run: |txn, args, out| push_any(txn, args, out, End::Tail),
    },
    Row {
        meta: Meta {
            name: "lpushx",
            since: "2.2.0",
            summary: "Adds elements at the head of a list, if there is one.",
            history: MANY_IN_4_0,
            ..PUSH
        },
        run: |txn, args, out| push_if_there(txn, args, out, End::Head),
    },
    Row {
        meta: Meta {
            name: "rpushx",
            since: "2.2.0",
            summary: "Adds elements at the tail of a list, if there is one.",
            history: MANY_IN_4_0,
            ..PUSH
        },
        run: |txn, args, out| push_if_there(txn, args, out, End::Tail),
    },
    Row {
        meta: Meta { name: "lpop", summary: "Takes elements from the head of a list.", ..POP },
        run: |txn, args, out| pop_any(txn, args, out, End::Head),
    },
    Row {
        meta: Meta { name: "rpop", summary: "Takes elements from the tail of a list.", ..POP },
        run: |txn, args, out| pop_any(txn, args, out, End::Tail),
    },
    Row {
        meta: Meta {
            name: "lmpop",
            arity: -4,
            flags: Flags::WRITE.with(Flags::MOVABLE_KEYS),
            keys: &[KeySpec { last: KeySpec::COUNTED, ..one(1, &["RW", "access", "delete"]) }],
            since: "7.0.0",
            summary: "Takes elements from an end of the first list that has any.",
            complexity: "O(N+M) in the numbers of keys and of elements that are given",
            docs: &[
                Doc::new("numkeys", "integer"),
                KEY.multiple(),
                Doc::one_of("where", SIDES),
                Doc::new("count", "integer").behind("COUNT").optional(),
            ],
            ..LIST
        },
        run: lmpop,
    },
];

fn push_any(txn: &mut Txn, args: Args, out: &mut Reply, end: End) -> Done {
    let len = push(txn, args.at(1), end, args.tail(2).iter())?;
    reply_pushed(txn, args, out, end, len);
    Ok(())
}

fn push_if_there(txn: &mut Txn, args: Args, out: &mut Reply, end: End) -> Done {
    match push_existing(txn, args.at(1), end, args.tail(2).iter())? {
        Some(len) => reply_pushed(txn, args, out, end, len),
        None => out.int(0),
    }
    Ok(())
}

fn reply_pushed(txn: &mut Txn, args: Args, out: &mut Reply, end: End, len: usize) {
    txn.changed_times(args.at(1), pushed(end), args.len() - 2);
    out.int(len as i64);
}

fn pop_any(txn: &mut Txn, args: Args, out: &mut Reply, end: End) -> Done {
    let key = args.at(1);
    if 3 < args.len() {
        return Err(Error::Arity { command: String::from_utf8_lossy(args.name()).to_ascii_lowercase() });
    }
    let count = match args.get(2) {
        Some(count) => Some(number_from(0, count, "ERR value is out of range, must be positive")?),
        None => None,
    };
    let Some(list) = write(txn, key)? else {
        if count.is_some() {
            out.nil_array()
        } else {
            out.nil()
        }
        return Ok(());
    };
    let len = list.len();
    match count {
        Some(0) => out.array(0),
        Some(count) => {
            reply_nearest(out, list, end, count);
            pop(txn, key, end, count, len);
        }
        None => {
            let index = if end == End::Head { 0 } else { len - 1 };
            list.get(index, |value| reply_value(out, value));
            pop(txn, key, end, 1, len);
        }
    }
    Ok(())
}

fn lmpop(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let keys = number_from(1, args.at(1), "ERR numkeys should be greater than 0")?;
    let at = keys.saturating_add(2);
    let end = super::end(args.get(at).ok_or(Error::Syntax)?)?;
    let count = match args.len() - at {
        1 => 1,
        3 if is(args.at(at + 1), "count") => {
            number_from(1, args.at(at + 2), "ERR count should be greater than 0")?
        }
        // A count that is wrong is told before what comes behind it.
        n if 3 < n && is(args.at(at + 1), "count") => {
            number_from(1, args.at(at + 2), "ERR count should be greater than 0")?;
            return Err(Error::Syntax);
        }
        _ => return Err(Error::Syntax),
    };
    for key in args.iter().skip(2).take(keys) {
        let Some(list) = write(txn, key)? else { continue };
        let len = list.len();
        let count = count.min(len);
        out.array(2);
        out.bulk(key);
        reply_nearest(out, list, end, count);
        pop(txn, key, end, count, len);
        let name: &[u8] = if end == End::Head { b"LPOP" } else { b"RPOP" };
        txn.effect(&[name, key, itoa::Buffer::new().format(count).as_bytes()]);
        return Ok(());
    }
    out.nil_array();
    Ok(())
}
