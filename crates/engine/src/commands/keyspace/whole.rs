//! Whole databases: DBSIZE, FLUSHDB, FLUSHALL, SWAPDB.
//!
//! A flush takes the tables out, and they are freed by another thread: ASYNC and SYNC differ in nothing that a
//! client could see. A flush is logged even if nothing was there, as in Redis.

use super::KEYSPACE;
use crate::commands::args::{in_range, int32, is};
use crate::error::{Done, Error};
use crate::row::{Categories, Doc, Flags, Meta, Row};
use crate::txn::Txn;
use resp::{Args, Reply};

const FLUSH: Meta = Meta {
    arity: -1,
    flags: Flags::WRITE,
    categories: KEYSPACE.categories.with(Categories::DANGEROUS),
    group: "server",
    complexity: "O(1) for clients; the memory of N keys is given back in the background",
    tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
    history: &[("4.0.0", "`ASYNC` came."), ("6.2.0", "`SYNC` came.")],
    docs: &[Doc::one_of(
        "flush-type",
        &[Doc::flag("async", "ASYNC").since("4.0.0"), Doc::flag("sync", "SYNC").since("6.2.0")],
    )
    .optional()],
    ..KEYSPACE
};

pub const ROWS: &[Row] = &[
    Row {
        meta: Meta {
            name: "dbsize",
            arity: 1,
            flags: Flags::READONLY.with(Flags::FAST),
            group: "server",
            summary: "Counts the keys of the database.",
            tips: &["request_policy:all_shards", "response_policy:agg_sum"],
            ..KEYSPACE
        },
        run: dbsize,
    },
    Row {
        meta: Meta { name: "flushdb", summary: "Deletes every key of the database.", ..FLUSH },
        run: flushdb,
    },
    Row {
        meta: Meta { name: "flushall", summary: "Deletes every key of every database.", ..FLUSH },
        run: flushall,
    },
    Row {
        meta: Meta {
            name: "swapdb",
            arity: 3,
            flags: Flags::WRITE.with(Flags::FAST),
            categories: KEYSPACE.categories.with(Categories::DANGEROUS),
            group: "server",
            since: "4.0.0",
            summary: "Exchanges two databases, for every client at once.",
            complexity: "O(N) in the number of keys that clients watch or wait for",
            docs: &[Doc::new("index1", "integer"), Doc::new("index2", "integer")],
            ..KEYSPACE
        },
        run: swapdb,
    },
];

fn dbsize(txn: &mut Txn, _args: Args, out: &mut Reply) -> Done {
    out.int(txn.db_len(txn.db) as i64);
    Ok(())
}

fn flushdb(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    check_mode(args)?;
    txn.flush(txn.db);
    txn.changed_all(0);
    out.ok();
    Ok(())
}

fn flushall(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    check_mode(args)?;
    for db in 0..txn.engine().databases() {
        txn.flush(db);
    }
    txn.changed_all(0);
    out.ok();
    Ok(())
}

fn check_mode(args: Args) -> Done {
    match args.get(1) {
        None => Ok(()),
        Some(mode) if args.len() == 2 && (is(mode, "async") || is(mode, "sync")) => Ok(()),
        Some(_) => Err(Error::Syntax),
    }
}

fn swapdb(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let a = int32(args.at(1)).map_err(|_| Error::text("ERR invalid first DB index"))?;
    let b = int32(args.at(2)).map_err(|_| Error::text("ERR invalid second DB index"))?;
    let databases = txn.engine().databases();
    let (a, b) = (in_range(a, databases)?, in_range(b, databases)?);
    if a != b {
        txn.swap(a, b);
    }
    txn.changed_all(1);
    out.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::shard::WatchMark;
    use crate::testing::{Bench, check, check_on};
    use crate::txn::Origin;
    use std::sync::Arc;

    #[test]
    fn flushing_and_swapping() {
        check(
            r#"
            MSET a 1 b 2
            DBSIZE -> 2 |
            SELECT 3
            SET c 3
            DBSIZE -> 1
            flushdb -> OK | flushdb
            DBSIZE -> 0
            FLUSHDB ASYNC -> OK | FLUSHDB ASYNC
            SWAPDB 0 3 -> OK | SWAPDB 0 3
            DBSIZE -> 2
            SWAPDB 3 3 -> OK
            FLUSHALL -> OK
            DBSIZE -> 0
            flushall sync -> OK | flushall sync
            FLUSHALL WHAT -> -ERR syntax error |
            FLUSHALL SYNC ASYNC -> -ERR syntax error |
            FLUSHDB x -> -ERR syntax error |
            SWAPDB x 1 -> -ERR invalid first DB index |
            SWAPDB 1 x -> -ERR invalid second DB index |
            SWAPDB 1 3000000000 -> -ERR invalid second DB index |
            SWAPDB 1 16 -> -ERR DB index is out of range |
            SWAPDB -1 1 -> -ERR DB index is out of range |
            "#,
        );
    }

    /// A key whose time had passed when it was watched: to be removed is no change, to come again is one.
    #[test]
    fn what_was_gone_may_go() {
        for (script, expected) in [
            ("DEL k", false),
            ("GET k", false),
            ("DEL k\nDEL k", false),
            ("SET k 2", true),
            ("DEL k\nSET k 2", true),
            ("SETNX k 2", true),
            ("FLUSHALL", false),
            ("FLUSHDB\nSET k 2", true),
            ("SWAPDB 0 1", false),
            ("SWAPDB 0 1\nSWAPDB 0 1", false),
            ("SELECT 1\nSET k 3\nSWAPDB 0 1", true),
        ] {
            let mut bench = Bench::new();
            check_on(&mut bench, "SET k 1 PX 10\nTICK 20");
            let mark = Arc::new(WatchMark::default());
            let (locks, now_ms) = (bench.engine.all_locks(), bench.now_ms);
            let mut txn = bench.engine.begin(&mut bench.scratch, locks, now_ms, 0, Origin::Client);
            txn.watch(0, b"k", &mark);
            txn.commit();
            check_on(&mut bench, script);
            assert_eq!(mark.is_touched(), expected, "{script}");
        }
    }

    #[test]
    fn watchers_notice() {
        for (script, expected) in [
            ("FLUSHALL", true),
            ("FLUSHDB", true),
            ("SELECT 1\nFLUSHDB", false),
            ("SWAPDB 0 1", true),
            ("SWAPDB 1 2", false),
            ("SWAPDB 0 0", false),
            ("DEL other", false),
            ("RENAME k l", true),
            ("MOVE k 1", true),
            ("EXPIRE k 10", true),
            ("PERSIST k", false),
            ("GETEX k", false),
            ("COPY other k REPLACE", true),
            ("SETRANGE k 0 x", true),
            ("GET k", false),
        ] {
            let mut bench = Bench::new();
            check_on(&mut bench, "MSET k 1 other 2");
            let mark = Arc::new(WatchMark::default());
            let locks = bench.engine.all_locks();
            let mut txn = bench.engine.begin(&mut bench.scratch, locks, 0, 0, Origin::Client);
            txn.watch(0, b"k", &mark);
            txn.commit();
            check_on(&mut bench, script);
            assert_eq!(mark.is_touched(), expected, "{script}");
        }
    }
}
