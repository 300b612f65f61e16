//! From list to list: LMOVE, and its older form RPOPLPUSH.

use super::{LIST, SIDES, end, one, popped, push, pushed, reply_value, take_out, write};
use crate::error::Done;
use crate::events::Event;
use crate::row::{Deprecated, Doc, Flags, Meta, Row};
use crate::txn::Txn;
use ds::list::End;
use resp::{Args, Reply};

const CARRY: Meta = Meta {
    flags: Flags::WRITE.with(Flags::DENYOOM),
    keys: &[one(1, &["RW", "access", "delete"]), one(2, &["RW", "insert"])],
    ..LIST
};

const SOURCE: Doc = Doc::key("source", 0);
const DESTINATION: Doc = Doc::key("destination", 1);

pub const ROWS: &[Row] = &[
    Row {
        meta: Meta {
            name: "lmove",
            arity: 5,
            since: "6.2.0",
            summary: "Takes an element from an end of a list, and adds it at an end of another.",
            docs: &[SOURCE, DESTINATION, Doc::one_of("wherefrom", SIDES), Doc::one_of("whereto", SIDES)],
            ..CARRY
        },
        run: lmove,
    },
    Row {
        meta: Meta {
            name: "rpoplpush",
            arity: 3,
            since: "1.2.0",
            summary: "Takes the last element of a list, and adds it at the head of another.",
            docs: &[SOURCE, DESTINATION],
            deprecated: Some(Deprecated {
                since: "6.2.0",
                replaced_by: "`LMOVE` with the `RIGHT` and `LEFT` arguments",
            }),
            ..CARRY
        },
        run: |txn, args, out| carry(txn, args, out, End::Tail, End::Head),
    },
];

fn lmove(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let (from, to) = (end(args.at(3))?, end(args.at(4))?);
    carry(txn, args, out, from, to)
}

fn carry(txn: &mut Txn, args: Args, out: &mut Reply, from: End, to: End) -> Done {
    let (source, destination) = (args.at(1), args.at(2));
    let Some(list) = write(txn, source)? else {
        out.nil();
        return Ok(());
    };
    let len = list.len();
    write(txn, destination)?;
    let index = if from == End::Head { 0 } else { len - 1 };
    let value = list.get(index, |value| {
        reply_value(out, value);
        value.to_vec()
    });
    let value = value.expect("a list has an end");
    // A list that turns round on itself is not emptied meanwhile: its key stays, and when it expires.
    let emptied = if source == destination {
        super::edit(txn, source, |list| list.remove_range(index, 1));
        false
    } else {
        take_out(txn, source, index..index + 1, len)
    };
    push(txn, destination, to, std::iter::once(&value[..]))?;
    txn.changed(source, popped(from));
    txn.also_changed_in(txn.db, destination, pushed(to));
    if emptied {
        txn.also_happened(source, Event::Del);
    }
    if source == destination {
        let fill = super::settings(txn).fill;
        super::edit(txn, source, |list| list.shrink(fill));
    }
    Ok(())
}
