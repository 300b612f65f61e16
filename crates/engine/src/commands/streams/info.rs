//! XINFO: a stream, its groups, and their consumers.

use super::{
    KEY, STREAM, count_max, no_group_of, one, read, reply_entries, reply_entry, reply_id, wrong_arguments,
};
use crate::commands::args::{int, is, shown};
use crate::error::{Done, Error};
use crate::row::{Categories, Doc, Flags, Locks, Meta, Row};
use crate::txn::Txn;
use ds::stream::{Consumer, Counters, Group, Id, Stream};
use resp::{Args, Reply};

const SUB: Meta =
    Meta { flags: Flags::READONLY, complexity: "O(1)", keys: &[one(2, &["RO", "access"])], ..STREAM };

pub const ROWS: &[Row] = &[Row {
    meta: Meta {
        name: "xinfo",
        arity: -2,
        categories: Categories::NONE,
        summary: "Tells about streams and consumer groups.",
        complexity: "By the subcommand",
        subcommands: &[
            Meta {
                name: "consumers",
                arity: 4,
                tips: &["nondeterministic_output"],
                summary: "Lists the consumers of a group.",
                history: &[("7.2.0", "`inactive` came.")],
                docs: &[KEY, Doc::new("group", "string")],
                ..SUB
            },
            Meta {
                name: "groups",
                arity: 3,
                summary: "Lists the groups of a stream.",
                history: &[("7.0.0", "`entries-read` and `lag` came.")],
                docs: &[KEY],
                ..SUB
            },
            Meta {
                name: "help",
                arity: 2,
                flags: Flags::LOADING.with(Flags::STALE),
                locks: Locks::None,
                keys: &[],
                summary: "Lists the subcommands.",
                ..SUB
            },
            Meta {
                name: "stream",
                arity: -3,
                summary: "Tells about a stream.",
                history: &[
                    ("6.0.0", "`FULL` came."),
                    (
                        "7.0.0",
                        "`max-deleted-entry-id`, `entries-added`, `recorded-first-entry-id`, `entries-read` and `lag` came.",
                    ),
                    ("7.2.0", "`active-time` came, and `seen-time` became the time of the last try."),
                ],
                docs: &[
                    KEY,
                    Doc::block(
                        "full-block",
                        &[Doc::flag("full", "FULL"), Doc::new("count", "integer").behind("COUNT").optional()],
                    )
                    .optional(),
                ],
                ..SUB
            },
        ],
        ..STREAM
    },
    run: xinfo,
}];

const HELP: &[&str] = &[
    "XINFO <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "CONSUMERS <key> <group>",
    "    List the consumers of a group.",
    "GROUPS <key>",
    "    List the groups of a stream.",
    "STREAM <key> [FULL [COUNT <count>]]",
    "    Tell about a stream.",
    "HELP",
    "    Print these lines.",
];

fn xinfo(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let sub = args.at(1);
    if is(sub, "help") {
        out.array(HELP.len());
        HELP.iter().for_each(|line| out.simple(line));
        return Ok(());
    }
    let known = ["stream", "groups", "consumers"];
    if !known.iter().any(|word| is(sub, word)) {
        return Err(Error::UnknownSubcommand { sub: shown(sub), command: "XINFO" });
    }
    let stream = read(txn, args.at(2))?.ok_or(Error::NoSuchKey)?;
    match sub {
        _ if is(sub, "stream") => return reply_stream(stream, args, out),
        _ if is(sub, "groups") => reply_groups(stream, out),
        _ => {
            let (key, name) = (args.at(2), args.at(3));
            let group = stream.group(name).ok_or_else(|| no_group_of(key, name))?;
            reply_consumers(group, txn.now_ms, out);
        }
    }
    Ok(())
}

fn reply_stream(stream: &Stream, args: Args, out: &mut Reply) -> Done {
    /// Entries of a list that are shown unless another number is given.
    const COUNT_DEFAULT: i64 = 10;
    let wrong = || wrong_arguments(args.at(1), "XINFO");
    let full = match args.len() {
        3 => None,
        4 if is(args.at(3), "full") => Some(COUNT_DEFAULT),
        6 if is(args.at(3), "full") && is(args.at(4), "count") => Some(int(args.at(5))?),
        _ => return Err(wrong()),
    };
    let full = full.map(|count| if count < 0 { COUNT_DEFAULT } else { count });
    out.map(if full.is_some() { 9 } else { 10 });
    let counters = stream.counters();
    for (name, number) in [
        ("length", counters.len),
        ("radix-tree-keys", stream.blocks_len() as u64),
        ("radix-tree-nodes", stream.radix_nodes() as u64),
    ] {
        out.bulk(name.as_bytes());
        out.int(number as i64);
    }
    for (name, id) in
        [("last-generated-id", counters.last_id), ("max-deleted-entry-id", counters.max_deleted_id)]
    {
        out.bulk(name.as_bytes());
        reply_id(out, id);
    }
    out.bulk(b"entries-added");
    out.int(counters.entries_added as i64);
    out.bulk(b"recorded-first-entry-id");
    reply_id(out, counters.first_id);
    match full {
        Some(count) => reply_all(stream, &counters, count_max(count), out),
        None => reply_ends(stream, out),
    }
    Ok(())
}

fn reply_ends(stream: &Stream, out: &mut Reply) {
    out.bulk(b"groups");
    out.int(stream.groups_len() as i64);
    for (name, entry) in [("first-entry", stream.first()), ("last-entry", stream.last())] {
        out.bulk(name.as_bytes());
        match entry {
            Some(entry) => reply_entry(out, entry),
            None => out.nil(),
        }
    }
}

/// Entries, groups, and what is in them, of each so many at most.
fn reply_all(stream: &Stream, counters: &Counters, count_max: usize, out: &mut Reply) {
    out.bulk(b"entries");
    reply_entries(out, stream.range(Id::MIN, Id::MAX), count_max, |_| ());
    out.bulk(b"groups");
    out.array(stream.groups_len());
    for group in stream.groups() {
        out.map(7);
        out.bulk(b"name");
        out.bulk(group.name());
        reply_progress(group, counters, out);
        out.bulk(b"pel-count");
        out.int(group.pending_len() as i64);
        out.bulk(b"pending");
        out.array(group.pending_len().min(count_max));
        for pending in group.pending_between(Id::MIN, Id::MAX).take(count_max) {
            out.array(4);
            reply_id(out, pending.id);
            out.bulk(&pending.consumer);
            out.int(pending.delivered_ms);
            out.int(pending.deliveries as i64);
        }
        out.bulk(b"consumers");
        out.array(group.consumers_len());
        group.consumers().for_each(|consumer| reply_consumer_in_full(group, consumer, count_max, out));
    }
}

/// How far the group has read.
fn reply_progress(group: &Group, counters: &Counters, out: &mut Reply) {
    out.bulk(b"last-delivered-id");
    reply_id(out, group.last_id);
    let read = group.entries_read.map(|read| read as i64);
    for (name, number) in [("entries-read", read), ("lag", counters.lag(group))] {
        out.bulk(name.as_bytes());
        match number {
            Some(number) => out.int(number),
            None => out.nil(),
        }
    }
}

fn reply_consumer_in_full(group: &Group, consumer: &Consumer, count_max: usize, out: &mut Reply) {
    out.map(5);
    out.bulk(b"name");
    out.bulk(consumer.name());
    out.bulk(b"seen-time");
    out.int(consumer.seen_ms);
    out.bulk(b"active-time");
    out.int(consumer.active_ms.unwrap_or(NEVER));
    out.bulk(b"pel-count");
    out.int(consumer.pending_len() as i64);
    out.bulk(b"pending");
    out.array(consumer.pending_len().min(count_max));
    for id in consumer.pending_ids(Id::MIN, Id::MAX).take(count_max) {
        let pending = group.pending(*id).expect("both lists agree");
        out.array(3);
        reply_id(out, *id);
        out.int(pending.delivered_ms);
        out.int(pending.deliveries as i64);
    }
}

/// A consumer that never got anything.
const NEVER: i64 = -1;

fn reply_groups(stream: &Stream, out: &mut Reply) {
    let counters = stream.counters();
    out.array(stream.groups_len());
    for group in stream.groups() {
        out.map(6);
        out.bulk(b"name");
        out.bulk(group.name());
        out.bulk(b"consumers");
        out.int(group.consumers_len() as i64);
        out.bulk(b"pending");
        out.int(group.pending_len() as i64);
        reply_progress(group, &counters, out);
    }
}

fn reply_consumers(group: &Group, now_ms: i64, out: &mut Reply) {
    out.array(group.consumers_len());
    for consumer in group.consumers() {
        out.map(4);
        out.bulk(b"name");
        out.bulk(consumer.name());
        out.bulk(b"pending");
        out.int(consumer.pending_len() as i64);
        out.bulk(b"idle");
        out.int(now_ms.saturating_sub(consumer.seen_ms).max(0));
        out.bulk(b"inactive");
        out.int(consumer.active_ms.map_or(NEVER, |at| now_ms.saturating_sub(at).max(0)));
    }
}
