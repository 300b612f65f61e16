//! Setting several keys at once: MSET, MSETNX.

use super::{KEY, STRING, VALUE, first};
use crate::error::{Done, Error};
use crate::events::Event;
use crate::row::{Doc, Flags, KeySpec, Meta, Row};
use crate::txn::{Ttl, Txn};
use resp::{Args, Reply};

const PAIRS: &[Doc] = &[Doc::block("data", &[KEY, VALUE]).multiple()];

pub const ROWS: &[Row] = &[
    Row {
        meta: Meta {
            name: "mset",
            arity: -3,
            flags: Flags::WRITE.with(Flags::DENYOOM),
            keys: &[KeySpec { last: -1, step: 2, ..first(&["OW", "update"]) }],
            since: "1.0.1",
            summary: "Makes several keys hold a string each, at once.",
            complexity: "O(N) in the number of keys",
            tips: &["request_policy:multi_shard", "response_policy:all_succeeded"],
            docs: PAIRS,
            ..STRING
        },
        run: mset,
    },
    Row {
        meta: Meta {
            name: "msetnx",
            arity: -3,
            flags: Flags::WRITE.with(Flags::DENYOOM),
            keys: &[KeySpec { last: -1, step: 2, ..first(&["OW", "insert"]) }],
            since: "1.0.1",
            summary: "Makes several keys hold a string each, if none of them is there yet.",
            complexity: "O(N) in the number of keys",
            tips: &["request_policy:multi_shard", "response_policy:agg_min"],
            docs: PAIRS,
            ..STRING
        },
        run: msetnx,
    },
];

fn mset(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    check_pairs(args, "mset")?;
    put_all(txn, args);
    out.ok();
    Ok(())
}

fn msetnx(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    check_pairs(args, "msetnx")?;
    let free = args.tail(1).iter().step_by(2).all(|key| txn.write(key).is_none());
    if free {
        put_all(txn, args);
    }
    out.int(free.into());
    Ok(())
}

fn check_pairs(args: Args, command: &str) -> Done {
    if args.len().is_multiple_of(2) { Err(Error::Arity { command: command.into() }) } else { Ok(()) }
}

fn put_all(txn: &mut Txn, args: Args) {
    for i in (1..args.len()).step_by(2) {
        txn.turn_to(args.at(i));
        txn.put_str(args.at(i), args.at(i + 1), Ttl::Clear);
        txn.changed(args.at(i), Event::Set);
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn all_or_none() {
        check(
            r#"
            MSET a 1 b 2 a 3 -> OK | MSET a 1 b 2 a 3
            MGET a b -> ["3", "2"]
            MSET a 1 b -> -ERR wrong number of arguments for 'mset' command |
            MSET a -> -ERR wrong number of arguments for 'mset' command |
            MSETNX c 1 b 2 -> 0 |
            EXISTS c -> 0
            MSETNX c 1 c 2 d 3 -> 1 | MSETNX c 1 c 2 d 3
            GET c -> "2"
            MSETNX c 1 b -> -ERR wrong number of arguments for 'msetnx' command |
            PEXPIRE a 5
            TICK 6
            MSETNX a 1 b 2 -> 0 | DEL a
            PEXPIRE b 5
            TICK 6
            MSET b 1 -> OK | MULTI ; DEL b ; MSET b 1 ; EXEC
            TTL b -> -1
            "#,
        );
    }
}
