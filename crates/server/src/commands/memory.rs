//! MEMORY: what a key takes, how the memory is used, and whether something looks wrong.

use super::help::{HELP, help};
use super::info::facts::Facts;
use super::{Container, HostRow};
use crate::session::Session;
use engine::row::{Doc, Flags, KeySpec, Locks};
use engine::{Done, Error, Meta, Txn};
use resp::{Args, Reply};

const BASE: Meta = Meta { arity: 2, group: "server", since: "4.0.0", locks: Locks::None, ..Meta::BASE };

pub const MEMORY: Container = Container {
    row: HostRow {
        meta: Meta {
            name: "memory",
            arity: -2,
            summary: "Subcommands about memory.",
            complexity: "Depends on subcommand.",
            ..BASE
        },
        run: help,
    },
    subcommands: &[
        HostRow {
            meta: Meta {
                name: "doctor",
                summary: "Whether memory looks healthy.",
                tips: &["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
                ..BASE
            },
            run: doctor,
        },
        HostRow { meta: Meta { group: "server", since: "4.0.0", ..HELP }, run: help },
        HostRow {
            meta: Meta {
                name: "malloc-stats",
                summary: "What the allocator counts.",
                complexity: "Depends on how much memory is allocated, could be slow",
                tips: &["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
                ..BASE
            },
            run: malloc_stats,
        },
        HostRow {
            meta: Meta {
                name: "purge",
                summary: "Asks the allocator to give free memory back.",
                complexity: "Depends on how much memory is allocated, could be slow",
                tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
                ..BASE
            },
            run: purge,
        },
        HostRow {
            meta: Meta {
                name: "stats",
                summary: "How the memory is used.",
                complexity: "O(1)",
                locks: Locks::All,
                tips: &["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
                ..BASE
            },
            run: stats,
        },
        HostRow {
            meta: Meta {
                name: "usage",
                arity: -3,
                flags: Flags::READONLY,
                keys: &[KeySpec { flags: &["RO"], first: 2, last: 0, step: 1, notes: "" }],
                locks: Locks::Keys,
                summary: "Bytes that a key and its value take.",
                complexity: "O(N) where N is the number of samples.",
                docs: &[Doc::key("key", 0), Doc::new("count", "integer").behind("SAMPLES").optional()],
                ..BASE
            },
            run: usage,
        },
    ],
};

/// Parts of a value that are looked at, unless the request says otherwise.
const SAMPLES: usize = 5;

fn usage(_session: &mut Session, txn: Option<&mut Txn>, args: Args, out: &mut Reply) -> Done {
    let (mut at, mut looked_at) = (3, SAMPLES);
    while let Some(option) = args.get(at) {
        let samples = args.get(at + 1);
        let (true, Some(samples)) = (option.eq_ignore_ascii_case(b"samples"), samples) else {
            return Err(Error::Syntax);
        };
        let samples = base::number::parse_i64(samples).ok_or(Error::NotInteger)?;
        looked_at = match usize::try_from(samples).map_err(|_| Error::Syntax)? {
            0 => usize::MAX,
            some => some,
        };
        at += 2;
    }
    let txn = txn.expect("MEMORY USAGE's row names its key");
    match txn.get(args.at(2)) {
        Some(entry) => out.int(engine::survey::entry_bytes(entry, looked_at) as i64),
        None => out.nil(),
    }
    Ok(())
}

/// Below so many bytes there is nothing to find out.
const BYTES_MIN: u64 = 5 * 1024 * 1024;

fn doctor(_session: &mut Session, _txn: Option<&mut Txn>, _args: Args, out: &mut Reply) -> Done {
    let (used, peak) = (crate::memory::used_bytes(), crate::memory::peak_bytes());
    let data = used.saturating_sub(crate::memory::startup_bytes());
    let text = if data < BYTES_MIN {
        "This server holds next to no data, so there is nothing to find out about its memory.\n".to_string()
    } else if used * 3 / 2 < peak {
        format!(
            "The peak of {peak} bytes lies far above the {used} bytes in use: what was freed may not have gone back to the system.\n"
        )
    } else {
        "Nothing looks wrong with this server's memory.\n".to_string()
    };
    out.verbatim("txt", text.as_bytes());
    Ok(())
}

/// As Redis says it of every allocator but jemalloc.
fn malloc_stats(_session: &mut Session, _txn: Option<&mut Txn>, _args: Args, out: &mut Reply) -> Done {
    out.bulk(b"Stats not supported for the current allocator");
    Ok(())
}

/// The allocator gives back by itself what has been free for a while, and takes no orders: as in Redis with every
/// allocator but jemalloc, there is nothing to do, and nothing that could fail.
fn purge(_session: &mut Session, _txn: Option<&mut Txn>, _args: Args, out: &mut Reply) -> Done {
    out.ok();
    Ok(())
}

enum Figure {
    Bytes(u64),
    Difference(i64),
    Ratio(f64),
    /// Of one database: bytes of its tables.
    Tables(u64),
}

fn stats(session: &mut Session, txn: Option<&mut Txn>, _args: Args, out: &mut Reply) -> Done {
    let facts = Facts::gather(session, txn)?;
    let figures = figures(&facts);
    out.map(figures.len());
    for (name, figure) in figures {
        out.bulk(name.as_bytes());
        match figure {
            Figure::Bytes(bytes) => out.int(bytes as i64),
            Figure::Difference(bytes) => out.int(bytes),
            Figure::Ratio(ratio) => out.double(ratio),
            Figure::Tables(bytes) => {
                out.map(3);
                for (part, bytes) in [("main", bytes), ("expires", 0), ("slot-to-keys", 0)] {
                    out.bulk(format!("overhead.hashtable.{part}").as_bytes());
                    out.int(bytes as i64);
                }
            }
        }
    }
    Ok(())
}

fn figures(facts: &Facts) -> Vec<(String, Figure)> {
    use Figure::{Bytes, Difference, Ratio, Tables};
    let memory = facts.memory();
    let keys: u64 = facts.survey.dbs.iter().map(|db| db.keys).sum();
    let data = memory.used.saturating_sub(memory.overhead);
    let net = memory.used.saturating_sub(memory.startup);
    let ratio = |part: u64, whole: u64| if whole == 0 { 0.0 } else { part as f64 / whole as f64 };
    let beyond = |part: u64, whole: u64| part as i64 - whole as i64;
    let before = [
        ("peak.allocated", Bytes(memory.peak)),
        ("total.allocated", Bytes(memory.used)),
        ("startup.allocated", Bytes(memory.startup)),
        ("replication.backlog", Bytes(facts.backlog_bytes())),
        ("clients.slaves", Bytes(memory.replicas)),
        ("clients.normal", Bytes(memory.clients)),
        ("cluster.links", Bytes(0)),
        ("aof.buffer", Bytes(0)),
        ("lua.caches", Bytes(0)),
        ("functions.caches", Bytes(0)),
    ];
    let after = [
        ("overhead.total", Bytes(memory.overhead)),
        ("keys.count", Bytes(keys)),
        ("keys.bytes-per-key", Bytes(net.checked_div(keys).unwrap_or(0))),
        ("dataset.bytes", Bytes(data)),
        ("dataset.percentage", Ratio(100.0 * ratio(data, net))),
        ("peak.percentage", Ratio(100.0 * ratio(memory.used, memory.peak))),
        ("allocator.allocated", Bytes(memory.used)),
        ("allocator.active", Bytes(memory.resident)),
        ("allocator.resident", Bytes(memory.resident)),
        ("allocator-fragmentation.ratio", Ratio(ratio(memory.resident, memory.used))),
        ("allocator-fragmentation.bytes", Difference(beyond(memory.resident, memory.used))),
        ("allocator-rss.ratio", Ratio(1.0)),
        ("allocator-rss.bytes", Difference(0)),
        ("rss-overhead.ratio", Ratio(1.0)),
        ("rss-overhead.bytes", Difference(0)),
        ("fragmentation", Ratio(ratio(memory.resident, memory.used))),
        ("fragmentation.bytes", Difference(beyond(memory.resident, memory.used))),
    ];
    let dbs = facts.survey.dbs.iter().map(|db| (format!("db.{}", db.db), Tables(db.table_bytes)));
    let named = |(name, figure): (&str, Figure)| (name.to_string(), figure);
    before.into_iter().map(named).chain(dbs).chain(after.into_iter().map(named)).collect()
}
