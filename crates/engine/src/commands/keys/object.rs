//! OBJECT: how a value is kept, and when it was last used.
//!
//! Absent: FREQ, which needs an LFU policy; none can be chosen yet.

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
            out.int(txn.idle_seconds(entry).into());
            Ok(())
        },
        _ if is(sub, "refcount") => |_, entry, out| {
            out.int(references(entry));
            Ok(())
        },
        _ if is(sub, "freq") => |_, _, _| Err(NO_LFU),
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
