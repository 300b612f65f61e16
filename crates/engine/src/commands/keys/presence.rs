//! Whether keys are there: DEL, UNLINK, EXISTS, TOUCH, TYPE.
//!
//! DEL and UNLINK do the same: a value that is costly to free is freed by another thread in either case.

use super::{GENERIC, KEY, all, one};
use crate::error::Done;
use crate::events::Event;
use crate::row::{Flags, Meta, Row};
use crate::txn::Txn;
use crate::value;
use resp::{Args, Reply};

const SUM: &[&str] = &["request_policy:multi_shard", "response_policy:agg_sum"];

pub const ROWS: &[Row] = &[
    Row {
        meta: Meta {
            name: "del",
            arity: -2,
            flags: Flags::WRITE,
            keys: &[all(&["RM", "delete"])],
            summary: "Deletes keys.",
            complexity: "O(N) in the number of keys",
            tips: SUM,
            docs: &[KEY.multiple()],
            ..GENERIC
        },
        run: del,
    },
    Row {
        meta: Meta {
            name: "unlink",
            arity: -2,
            flags: Flags::WRITE.with(Flags::FAST),
            keys: &[all(&["RM", "delete"])],
            since: "4.0.0",
            summary: "Deletes keys; their memory is given back in the background.",
            complexity: "O(N) in the number of keys",
            tips: SUM,
            docs: &[KEY.multiple()],
            ..GENERIC
        },
        run: del,
    },
    Row {
        meta: Meta {
            name: "exists",
            arity: -2,
            flags: Flags::READONLY.with(Flags::FAST),
            keys: &[all(&["RO"])],
            summary: "Counts how many of the keys are there.",
            complexity: "O(N) in the number of keys",
            tips: SUM,
            history: &[("3.0.3", "Takes several keys.")],
            docs: &[KEY.multiple()],
            ..GENERIC
        },
        run: exists,
    },
    Row {
        meta: Meta {
            name: "touch",
            arity: -2,
            flags: Flags::READONLY.with(Flags::FAST),
            keys: &[all(&["RO"])],
            since: "3.2.1",
            summary: "Marks keys as used just now, and counts them.",
            complexity: "O(N) in the number of keys",
            tips: SUM,
            docs: &[KEY.multiple()],
            ..GENERIC
        },
        run: touch,
    },
    Row {
        meta: Meta {
            name: "type",
            arity: 2,
            flags: Flags::READONLY.with(Flags::FAST),
            keys: &[one(1, &["RO"])],
            summary: "Names the type of the value at a key.",
            docs: &[KEY],
            ..GENERIC
        },
        run: type_of,
    },
];

fn del(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let mut deleted = 0;
    for key in args.tail(1) {
        txn.turn_to(key);
        if let Some(entry) = txn.remove(key) {
            txn.discard(entry);
            txn.changed(key, Event::Del);
            deleted += 1;
        }
    }
    out.int(deleted);
    Ok(())
}

fn exists(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    out.int(args.tail(1).iter().filter(|key| txn.peek(key).is_some()).count() as i64);
    Ok(())
}

fn touch(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    out.int(args.tail(1).iter().filter(|key| txn.read(key).is_some()).count() as i64);
    Ok(())
}

fn type_of(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    out.simple(txn.peek(args.at(1)).map_or("none", |entry| value::type_name(&entry.payload())));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::{Bench, check, check_on};

    #[test]
    fn deleting_and_counting() {
        check(
            r#"
            MSET a 1 b 2 c 3
            EXISTS a a none b -> 3 |
            TOUCH a b none a -> 3 |
            TYPE a -> string |
            TYPE none -> none |
            DEL a none a -> 1 | DEL a none a
            DEL none -> 0 |
            UNLINK b c -> 2 | UNLINK b c
            DBSIZE -> 0
            MSET a 1 b 2
            PEXPIRE a 5
            TICK 6
            DEL a b -> 1 | MULTI ; DEL a ; DEL a b ; EXEC
            SET a 1 PX 5
            TICK 6
            EXISTS a -> 0 | DEL a
            SET a 1 PX 5
            TICK 6
            LAZY yes
            TYPE a -> none | UNLINK a
            EXISTS -> -ERR wrong number of arguments for 'exists' command
            "#,
        );
    }

    #[test]
    fn large_values_are_freed_elsewhere() {
        let mut bench = Bench::new();
        check_on(&mut bench, "SETRANGE large 100000 x\nSET small x\nUNLINK large small -> 2");
        assert_eq!(bench.scratch.trash.len(), 1);
    }
}
