//! When fields expire, and that they no longer do: HTTL, HPTTL, HEXPIRETIME, HPEXPIRETIME; HPERSIST.
//!
//! The reply says -2 of a field that is not there, -1 of one that does not expire. HPERSIST says 1 where an expiry was
//! taken away, and is logged as it came.

use super::timing::{FIELDS, NO_COUNT, counted_fields};
use super::{HASH, KEY, edit, first, read};
use crate::error::Done;
use crate::events::Event;
use crate::row::{Flags, Meta, Row};
use crate::txn::Txn;
use crate::value;
use resp::{Args, Reply};

const ASKS: Meta = Meta {
    arity: -5,
    flags: Flags::READONLY.with(Flags::FAST),
    keys: &[first(&["RO", "access"])],
    since: "7.4.0",
    complexity: "O(N) in the number of fields that are named",
    docs: &[KEY, FIELDS],
    ..HASH
};

pub const ROWS: &[Row] = &[
    Row {
        meta: Meta { name: "httl", summary: "In how many seconds fields of a hash expire.", ..ASKS },
        run: |txn, args, out| ask(txn, args, out, |at, now_ms| seconds(at - now_ms)),
    },
    Row {
        meta: Meta { name: "hpttl", summary: "In how many milliseconds fields of a hash expire.", ..ASKS },
        run: |txn, args, out| ask(txn, args, out, |at, now_ms| at - now_ms),
    },
    Row {
        meta: Meta {
            name: "hexpiretime",
            summary: "The Unix time in seconds at which fields of a hash expire.",
            ..ASKS
        },
        run: |txn, args, out| ask(txn, args, out, |at, _| seconds(at)),
    },
    Row {
        meta: Meta {
            name: "hpexpiretime",
            summary: "The Unix time in milliseconds at which fields of a hash expire.",
            ..ASKS
        },
        run: |txn, args, out| ask(txn, args, out, |at, _| at),
    },
    Row {
        meta: Meta {
            name: "hpersist",
            flags: Flags::WRITE.with(Flags::FAST),
            keys: &[first(&["RW", "update"])],
            summary: "Makes fields of a hash expire no more.",
            ..ASKS
        },
        run: persist,
    },
];

const NO_FIELD: i64 = -2;
const NO_EXPIRY: i64 = -1;
const PERSISTS: i64 = 1;

/// Seconds that have begun.
fn seconds(ms: i64) -> i64 {
    ms.saturating_add(999) / 1000
}

fn ask(txn: &mut Txn, args: Args, out: &mut Reply, time: impl Fn(i64, i64) -> i64) -> Done {
    let hash = read(txn, args.at(1))?;
    let fields = counted_fields(args, 2, NO_COUNT)?;
    out.array(fields.len());
    for field in fields.iter() {
        out.int(match hash.and_then(|hash| hash.look(field, txn.horizon())) {
            None => NO_FIELD,
            Some((_, None)) => NO_EXPIRY,
            Some((_, Some(at))) => time(at, txn.now_ms),
        });
    }
    Ok(())
}

fn persist(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let (key, horizon) = (args.at(1), txn.horizon());
    txn.write(key).map(|entry| value::as_hash(entry.payload())).transpose()?;
    let fields = counted_fields(args, 2, NO_COUNT)?;
    out.array(fields.len());
    let changed = edit(txn, key, |hash| {
        let mut changed = false;
        for field in fields.iter() {
            out.int(match hash.look(field, horizon) {
                None => NO_FIELD,
                Some((_, None)) => NO_EXPIRY,
                Some((_, Some(_))) => {
                    hash.set_expiry(field, None, horizon);
                    changed = true;
                    PERSISTS
                }
            });
        }
        changed
    })?;
    match changed {
        None => fields.iter().for_each(|_| out.int(NO_FIELD)),
        Some(true) => txn.changed(key, Event::HPersist),
        Some(false) => {}
    }
    Ok(())
}
