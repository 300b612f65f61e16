//! Setting when fields expire: HEXPIRE, HPEXPIRE, HEXPIREAT, HPEXPIREAT.
//!
//! The reply says of each field what became of it: -2 it is not there, 0 the condition does not hold, 1 it expires
//! then, 2 it was deleted, as that time is over. Logged is a time, never a duration, and only of the fields that got
//! it: `HPEXPIREAT key ms … FIELDS n field …`; or an HDEL of those that were deleted.
//!
//! These commands, and the others on the time of fields (`ttl`, `getex`, `setex`), came with Redis 7.4 and 8.0. There is
//! no such server to compare with; where the facts are from:
//!
//! | what | from |
//! |---|---|
//! | replies, order of checks, texts of errors, limit of 2^46 - 1 ms, LT holds where there is no expiry | `t_hash.c` of Redis 8, and what its `hash-field-expire.tcl` asks for |
//! | what is logged of each command, which events it causes | the same two |
//! | arity, flags, key specifications, arguments | the JSON of the commands there; HGETDEL's of 8.0 |
//! | HDEL of several fields at once, where Redis logs one for each in a MULTI | Valkey 9 does so too |
//! | counts `expired_subkeys` and `subexpiry` in INFO | Redis 8 |

use super::timing::{FIELDS, Form, counted_fields};
use super::{HASH, KEY, drop_empty, edit, first};
use crate::commands::args::is;
use crate::error::Done;
use crate::events::Event;
use crate::row::{Doc, Flags, Meta, Row};
use crate::txn::Txn;
use crate::value;
use resp::{Args, Reply};

const CONDITION: Doc = Doc::one_of(
    "condition",
    &[Doc::flag("nx", "NX"), Doc::flag("xx", "XX"), Doc::flag("gt", "GT"), Doc::flag("lt", "LT")],
)
.optional();

const EXPIRE: Meta = Meta {
    arity: -6,
    flags: Flags::WRITE.with(Flags::DENYOOM).with(Flags::FAST),
    keys: &[first(&["RW", "update"])],
    since: "7.4.0",
    complexity: "O(N) in the number of fields that are named",
    ..HASH
};

pub const ROWS: &[Row] = &[
    Row {
        meta: Meta {
            name: "hexpire",
            summary: "Makes fields of a hash expire after some seconds.",
            docs: &[KEY, Doc::new("seconds", "integer"), CONDITION, FIELDS],
            ..EXPIRE
        },
        run: |txn, args, out| expire(txn, args, out, Form::EX, "hexpire"),
    },
    Row {
        meta: Meta {
            name: "hpexpire",
            summary: "Makes fields of a hash expire after some milliseconds.",
            docs: &[KEY, Doc::new("milliseconds", "integer"), CONDITION, FIELDS],
            ..EXPIRE
        },
        run: |txn, args, out| expire(txn, args, out, Form::PX, "hpexpire"),
    },
    Row {
        meta: Meta {
            name: "hexpireat",
            summary: "Makes fields of a hash expire at a Unix time in seconds.",
            docs: &[KEY, Doc::new("unix-time-seconds", "unix-time"), CONDITION, FIELDS],
            ..EXPIRE
        },
        run: |txn, args, out| expire(txn, args, out, Form::EXAT, "hexpireat"),
    },
    Row {
        meta: Meta {
            name: "hpexpireat",
            summary: "Makes fields of a hash expire at a Unix time in milliseconds.",
            docs: &[KEY, Doc::new("unix-time-milliseconds", "unix-time"), CONDITION, FIELDS],
            ..EXPIRE
        },
        run: |txn, args, out| expire(txn, args, out, Form::PXAT, "hpexpireat"),
    },
];

const NO_FIELD: i64 = -2;
const NO_CONDITION: i64 = 0;
const SET: i64 = 1;
const DELETED: i64 = 2;

/// What must hold of a field's expiry.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Condition {
    None,
    Nx,
    Xx,
    Gt,
    Lt,
}

impl Condition {
    fn of_word(word: &[u8]) -> Option<Self> {
        let words = [("nx", Self::Nx), ("xx", Self::Xx), ("gt", Self::Gt), ("lt", Self::Lt)];
        words.into_iter().find(|(name, _)| is(word, name)).map(|(_, condition)| condition)
    }

    /// Whether `at` may replace `before`; no expiry counts as an infinite one.
    fn holds(self, before: Option<i64>, at: i64) -> bool {
        match self {
            Self::None => true,
            Self::Nx => before.is_none(),
            Self::Xx => before.is_some(),
            Self::Gt => before.is_some_and(|before| before < at),
            Self::Lt => before.is_none_or(|before| at < before),
        }
    }
}

fn expire(txn: &mut Txn, args: Args, out: &mut Reply, form: Form, command: &str) -> Done {
    let key = args.at(1);
    txn.write(key).map(|entry| value::as_hash(entry.payload())).transpose()?;
    let at = form.deadline(args.at(2), txn.now_ms, command)?;
    let condition = Condition::of_word(args.at(3));
    let fields_at = 3 + usize::from(condition.is_some());
    let fields = counted_fields(args, fields_at, "ERR Parameter `numFields` should be greater than 0")?;
    let condition = condition.unwrap_or(Condition::None);
    let (is_over, horizon) = (txn.is_over(at), txn.horizon());
    let mut done: Vec<&[u8]> = Vec::new();
    out.array(fields.len());
    let is_empty = edit(txn, key, |hash| {
        for field in fields.iter() {
            let code = match hash.look(field, horizon) {
                None => NO_FIELD,
                Some((_, before)) if !condition.holds(before, at) => NO_CONDITION,
                Some(_) if is_over => {
                    hash.remove(field, horizon);
                    DELETED
                }
                Some(_) => {
                    hash.set_expiry(field, Some(at), horizon);
                    SET
                }
            };
            if NO_CONDITION < code {
                done.push(field);
            }
            out.int(code);
        }
        hash.is_empty()
    })?;
    if is_empty.is_none() {
        fields.iter().for_each(|_| out.int(NO_FIELD));
    }
    if done.is_empty() {
        return Ok(());
    }
    txn.changed_times(key, if is_over { Event::HDel } else { Event::HExpire }, done.len());
    if is_empty == Some(true) {
        drop_empty(txn, key);
    }
    if is_over {
        txn.no_effect();
        txn.log_due_fields(key, &done);
    } else if !form.is_canonical() || done.len() < fields.len() {
        let (mut time, mut count) = (itoa::Buffer::new(), itoa::Buffer::new());
        let mut argv: Vec<&[u8]> = vec![b"HPEXPIREAT", key, time.format(at).as_bytes()];
        argv.extend(args.iter().take(fields_at + 1).skip(3));
        argv.push(count.format(done.len()).as_bytes());
        argv.extend(done);
        txn.effect(&argv);
    }
    Ok(())
}
