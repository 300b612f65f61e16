//! Strings.

use crate::error::Done;
use crate::events::Event;
use crate::row::{Categories, Flags, KeySpec, Meta, Row};
use crate::txn::{Ttl, Txn};
use crate::value::Text;
use resp::{Args, Reply};

const STRING: Meta = Meta { group: "string", categories: Categories::STRING, ..Meta::BASE };

pub const ROWS: &[Row] = &[
    Row {
        meta: Meta {
            name: "get",
            arity: 2,
            flags: Flags::READONLY.with(Flags::FAST),
            keys: &[KeySpec { flags: &["RO", "access"], first: 1, last: 0, step: 1, notes: "" }],
            summary: "The string at a key.",
            ..STRING
        },
        run: get,
    },
    Row {
        meta: Meta {
            name: "set",
            arity: -3,
            flags: Flags::WRITE.with(Flags::DENYOOM),
            keys: &[KeySpec { flags: &["OW", "update"], first: 1, last: 0, step: 1, notes: "" }],
            summary: "Makes a key hold a string.",
            ..STRING
        },
        run: set,
    },
];

fn get(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    match txn.read_str(args.at(1))? {
        Some(text) => out.bulk(text.bytes(&mut Text::new())),
        None => out.nil(),
    }
    Ok(())
}

fn set(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    txn.put_str(args.at(1), args.at(2), Ttl::Clear);
    txn.changed(args.at(1), Event::Set);
    out.ok();
    Ok(())
}
