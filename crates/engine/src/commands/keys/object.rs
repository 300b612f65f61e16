//! OBJECT: how a value is kept, and when or how often it was used.

use super::{GENERIC, KEY, one};
use crate::commands::args::{is, shown};
use crate::error::{Done, Error};
use crate::row::{Categories, Flags, Meta, Row};
use crate::txn::Txn;
use crate::value;
use ds::entry::{EntryRef, Payload};
use resp::{Args, Reply};

const ABOUT: Meta = Meta {
    arity: 3,
    flags: Flags::READONLY,
    keys: &[one(2, &["RO"])],
    since: "2.2.3",
    tips: &["nondeterministic_output"],
    docs: &[KEY],
    ..GENERIC
};

pub const ROWS: &[Row] = &[Row {
    meta: Meta {
        name: "object",
        arity: -2,
        categories: Categories::NONE,
        since: "2.2.3",
        summary: "Tells how values are kept.",
        complexity: "By the subcommand",
        subcommands: &[
            Meta { name: "encoding", summary: "Names the form in which a value is kept.", ..ABOUT },
            Meta {
                name: "freq",
                since: "4.0.0",
                summary: "Gives how often a value was used lately, on a logarithmic scale.",
                ..ABOUT
            },
            Meta {
                name: "help",
                arity: 2,
                flags: Flags::LOADING.with(Flags::STALE),
                keys: &[],
                since: "6.2.0",
                tips: &[],
                docs: &[],
                summary: "Lists the subcommands.",
                ..ABOUT
            },
            Meta { name: "idletime", summary: "Gives the seconds since a value was last used.", ..ABOUT },
            Meta { name: "refcount", summary: "Gives how many references a value has.", ..ABOUT },
        ],
        ..GENERIC
    },
    run: object,
}];

const HELP: &[&str] = &[
    "OBJECT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "ENCODING <key>",
    "    Name the form in which the value of the <key> is kept.",
    "FREQ <key>",
    "    Give how often the <key> was used lately, as a logarithmic count. Needs an",
    "    LFU maxmemory policy.",
    "IDLETIME <key>",
    "    Give the seconds since the <key> was last used.",
    "REFCOUNT <key>",
    "    Give how many references the value of the <key> has.",
    "HELP",
    "    Print these lines.",
];

fn object(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let sub = args.at(1);
    if is(sub, "help") {
        out.array(HELP.len());
        HELP.iter().for_each(|line| out.simple(line));
        return Ok(());
    }
    let answer: fn(&Txn, EntryRef<value::Value>, &mut Reply) -> Done = match sub {
        _ if is(sub, "encoding") => |_, entry, out| {
            out.bulk(value::encoding(&entry.payload(), entry.tag()).as_bytes());
            Ok(())
        },
        _ if is(sub, "idletime") => |txn, entry, out| {
            if txn.measure().is_frequency() {
                return Err(LFU);
            }
            out.int(txn.idle_seconds(entry).into());
            Ok(())
        },
        _ if is(sub, "refcount") => |_, entry, out| {
            out.int(references(entry));
            Ok(())
        },
        _ if is(sub, "freq") => |txn, entry, out| {
            if !txn.measure().is_frequency() {
                return Err(NO_LFU);
            }
            out.int(txn.measure().count(entry.access(), txn.now_ms).into());
            Ok(())
        },
        _ => {
            return Err(Error::UnknownSubcommand { sub: shown(sub), command: "OBJECT" });
        }
    };
    match args.get(2).and_then(|key| txn.peek(key)) {
        Some(entry) => answer(txn, entry, out),
        None => {
            out.nil();
            Ok(())
        }
    }
}

const NO_LFU: Error = Error::text(
    "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.",
);

const LFU: Error = Error::text(
    "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.",
);

/// Redis shares the objects of these integers, and their count of references says so.
const SHARED_INTEGERS: std::ops::Range<i64> = 0..10_000;

pub(crate) fn references(entry: EntryRef<value::Value>) -> i64 {
    match entry.payload() {
        Payload::Int(n) if SHARED_INTEGERS.contains(&n) => i32::MAX.into(),
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    const LFU: &str = "-ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.";

    /// The first use of a new entry always counts, and the count falls by one a minute.
    #[test]
    fn frequency() {
        let script = r#"
            POLICY lfu
            SET k v
            OBJECT FREQ k -> 5
            OBJECT IDLETIME k -> LFU
            OBJECT FREQ none -> nil
            OBJECT IDLETIME none -> nil
            GET k
            OBJECT FREQ k -> 6
            EXISTS k
            TYPE k
            TTL k
            OBJECT FREQ k -> 6
            TICK 120000
            OBJECT FREQ k -> 4
            OBJECT FREQ k -> 4
            # Below what a new one has every use counts.
            GET k
            OBJECT FREQ k -> 5
            TICK 6000000
            OBJECT FREQ k -> 0
            TOUCH k
            OBJECT FREQ k -> 1
            # What gets another value keeps its count, and is used once.
            SET k v
            OBJECT FREQ k -> 2
            SET k v XX
            OBJECT FREQ k -> 3
            SET k 1 KEEPTTL
            OBJECT FREQ k -> 4
            INCR k
            OBJECT FREQ k -> 5
            TICK 6000000
            SET k 1
            INCR k
            APPEND k x
            OBJECT FREQ k -> 3
            MSET k 1 l 2
            OBJECT FREQ k -> 4
            OBJECT FREQ l -> 5
            # It goes where the value goes, and not where a copy goes.
            TICK 60000
            RENAME k m
            OBJECT FREQ m -> 4
            SELECT 1
            OBJECT FREQ m -> nil
            SELECT 0
            MOVE m 1
            SELECT 1
            OBJECT FREQ m -> 5
            TICK 300000
            COPY m n
            OBJECT FREQ m -> 1
            OBJECT FREQ n -> 5
            SADD s 1 2 3
            TICK 300000
            SADD s 4
            SPOP s 3
            OBJECT FREQ s -> 2
            SINTERSTORE s s
            OBJECT FREQ s -> 3
            POLICY lru
            OBJECT FREQ m -> NONE
            POLICY lfu
            SELECT 0
            OBJECT FREQ l -> 0
        "#;
        let none = "-ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.";
        check(&script.replace("LFU\n", &format!("{LFU}\n")).replace("NONE", none));
    }

    #[test]
    fn restored_use() {
        let ten = r#""\x00\xc0\n\n\x00n\x9fWE\x0e\xaec\xbb""#;
        let script = r#"
            POLICY lfu
            RESTORE k 0 TEN FREQ 200
            OBJECT FREQ k -> 200
            RESTORE k 0 TEN REPLACE IDLETIME 1000
            OBJECT FREQ k -> 5
            RESTORE k 0 TEN REPLACE
            OBJECT FREQ k -> 5
            RESTORE k 0 TEN REPLACE FREQ 0
            OBJECT FREQ k -> 0
            POLICY lru
            RESTORE k 0 TEN REPLACE FREQ 200
            OBJECT IDLETIME k -> 0
            RESTORE k 0 TEN REPLACE IDLETIME 1000
            OBJECT IDLETIME k -> 1000
        "#;
        check(&script.replace("TEN", ten));
    }

    #[test]
    fn subcommands() {
        check(
            r#"
            OBJECT ENCODING k -> nil |
            OBJECT FREQ k -> nil
            SET k 5
            object encoding k -> "int"
            OBJECT REFCOUNT k -> 2147483647
            SET k 10000
            OBJECT REFCOUNT k -> 1
            OBJECT IDLETIME k -> 0
            TICK 5000
            OBJECT IDLETIME k -> 5
            OBJECT IDLETIME k -> 5
            EXISTS k
            TYPE k
            TTL k
            OBJECT IDLETIME k -> 5
            TOUCH k
            OBJECT IDLETIME k -> 0
            TICK 5000
            GET k
            OBJECT IDLETIME k -> 0
            TICK 5000
            EXPIRE k 100
            OBJECT IDLETIME k -> 0
            OBJECT FREQ k -> -ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.
            OBJECT FOO k -> -ERR unknown subcommand 'FOO'. Try OBJECT HELP.
            OBJECT -> -ERR wrong number of arguments for 'object' command
            OBJECT ENCODING -> -ERR wrong number of arguments for 'object|encoding' command
            OBJECT HELP x -> -ERR wrong number of arguments for 'object|help' command
            "#,
        );
    }
}
