//! When a key expires, asked and forgotten: TTL, PTTL, EXPIRETIME, PEXPIRETIME, PERSIST.
//!
//! -2: no such key; -1: it does not expire. Seconds are rounded.

use super::{GENERIC, KEY, expire, one};
use crate::error::Done;
use crate::row::{Flags, Meta, Row};
use crate::txn::Txn;
use resp::{Args, Reply};

const ASKS: Meta = Meta {
    arity: 2,
    flags: Flags::READONLY.with(Flags::FAST),
    keys: &[one(1, &["RO", "access"])],
    docs: &[KEY],
    ..GENERIC
};
const ASKS_LEFT: Meta =
    Meta { tips: &["nondeterministic_output"], history: &[("2.8.0", "-2 for a missing key came.")], ..ASKS };

pub const ROWS: &[Row] = &[
    Row {
        meta: Meta { name: "ttl", summary: "Gives the seconds that a key has to live.", ..ASKS_LEFT },
        run: |txn, args, out| {
            out.int(to_seconds(left(txn, args)));
            Ok(())
        },
    },
    Row {
        meta: Meta {
            name: "pttl",
            since: "2.6.0",
            summary: "Gives the milliseconds that a key has to live.",
            ..ASKS_LEFT
        },
        run: |txn, args, out| {
            out.int(left(txn, args));
            Ok(())
        },
    },
    Row {
        meta: Meta {
            name: "expiretime",
            since: "7.0.0",
            summary: "Gives the Unix time in seconds at which a key expires.",
            ..ASKS
        },
        run: |txn, args, out| {
            out.int(to_seconds(time(txn, args)));
            Ok(())
        },
    },
    Row {
        meta: Meta {
            name: "pexpiretime",
            since: "7.0.0",
            summary: "Gives the Unix time in milliseconds at which a key expires.",
            ..ASKS
        },
        run: |txn, args, out| {
            out.int(time(txn, args));
            Ok(())
        },
    },
    Row {
        meta: Meta {
            name: "persist",
            arity: 2,
            flags: Flags::WRITE.with(Flags::FAST),
            keys: &[one(1, &["RW", "update"])],
            since: "2.2.0",
            summary: "Makes a key expire no more.",
            docs: &[KEY],
            ..GENERIC
        },
        run: persist,
    },
];

const NO_KEY: i64 = -2;
const NO_EXPIRY: i64 = -1;

/// The key's expiry, or one of the two negative answers.
fn time(txn: &Txn, args: Args) -> i64 {
    match txn.peek(args.at(1)) {
        Some(entry) => entry.expiry().map_or(NO_EXPIRY, |at| at.max(0)),
        None => NO_KEY,
    }
}

fn left(txn: &Txn, args: Args) -> i64 {
    match time(txn, args) {
        at if at < 0 => at,
        at => (at - txn.now_ms).max(0),
    }
}

fn to_seconds(ms: i64) -> i64 {
    if ms < 0 { ms } else { ms / 1000 + i64::from(500 <= ms % 1000) }
}

fn persist(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    if let Some(entry) = txn.get(args.at(1)) {
        txn.touch(entry);
    }
    out.int(expire::clear(txn, args.at(1)).into());
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn asking() {
        check(
            r#"
            TTL k -> -2 |
            PTTL k -> -2
            EXPIRETIME k -> -2
            PEXPIRETIME k -> -2
            SET k v
            TTL k -> -1
            PTTL k -> -1
            EXPIRETIME k -> -1
            PEXPIRETIME k -> -1
            PEXPIRE k 1499
            TTL k -> 1
            PTTL k -> 1499
            EXPIRETIME k -> 1001
            PEXPIRETIME k -> 1001499
            TICK 999
            TTL k -> 1
            TICK 1
            TTL k -> 0
            PTTL k -> 499
            TICK 499
            PTTL k -> 0
            TICK 1
            PTTL k -> -2 | DEL k
            SET k v PXAT 9223372036854775807
            TTL k -> 9223372036853774
            EXPIRETIME k -> 9223372036854776
            "#,
        );
    }

    #[test]
    fn persist() {
        check(
            r#"
            PERSIST k -> 0 |
            SET k v
            PERSIST k -> 0 |
            EXPIRE k 10
            persist k -> 1 | persist k
            TTL k -> -1
            PEXPIRE k 5
            TICK 6
            PERSIST k -> 0 | DEL k
            "#,
        );
    }
}
