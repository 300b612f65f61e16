//! Setting when a key expires: EXPIRE, PEXPIRE, EXPIREAT, PEXPIREAT; and the ways in which a time ends a key.
//!
//! What is logged is always a time, never a duration: `PEXPIREAT key ms` with the options as given. A time that is
//! over deletes the key at once, and the deletion is logged.

use super::{GENERIC, KEY, one};
use crate::commands::args::{int, is, shown};
use crate::error::{Done, Error};
use crate::events::Event;
use crate::row::{Doc, Flags, Meta, Row};
use crate::txn::Txn;
use resp::{Args, Reply};

const CONDITION: Doc = Doc::one_of(
    "condition",
    &[Doc::flag("nx", "NX"), Doc::flag("xx", "XX"), Doc::flag("gt", "GT"), Doc::flag("lt", "LT")],
)
.since("7.0.0")
.optional();

const EXPIRE: Meta = Meta {
    arity: -3,
    flags: Flags::WRITE.with(Flags::FAST),
    keys: &[one(1, &["RW", "update"])],
    history: &[("7.0.0", "`NX`, `XX`, `GT` and `LT` came.")],
    ..GENERIC
};

pub const ROWS: &[Row] = &[
    Row {
        meta: Meta {
            name: "expire",
            summary: "Makes a key expire after some seconds.",
            docs: &[KEY, Doc::new("seconds", "integer"), CONDITION],
            ..EXPIRE
        },
        run: |txn, args, out| {
            expire(txn, args, out, &Form { scale: 1000, relative: true, command: "expire" })
        },
    },
    Row {
        meta: Meta {
            name: "pexpire",
            since: "2.6.0",
            summary: "Makes a key expire after some milliseconds.",
            docs: &[KEY, Doc::new("milliseconds", "integer"), CONDITION],
            ..EXPIRE
        },
        run: |txn, args, out| expire(txn, args, out, &Form { scale: 1, relative: true, command: "pexpire" }),
    },
    Row {
        meta: Meta {
            name: "expireat",
            since: "1.2.0",
            summary: "Makes a key expire at a Unix time in seconds.",
            docs: &[KEY, Doc::new("unix-time-seconds", "unix-time"), CONDITION],
            ..EXPIRE
        },
        run: |txn, args, out| {
            expire(txn, args, out, &Form { scale: 1000, relative: false, command: "expireat" })
        },
    },
    Row {
        meta: Meta {
            name: "pexpireat",
            since: "2.6.0",
            summary: "Makes a key expire at a Unix time in milliseconds.",
            docs: &[KEY, Doc::new("unix-time-milliseconds", "unix-time"), CONDITION],
            ..EXPIRE
        },
        run: |txn, args, out| {
            expire(txn, args, out, &Form { scale: 1, relative: false, command: "pexpireat" })
        },
    },
];

/// How one of the four commands gives its time.
struct Form {
    /// Milliseconds of its unit.
    scale: i64,
    relative: bool,
    command: &'static str,
}

/// What must hold of the key's expiry.
#[derive(Default)]
struct Condition {
    nx: bool,
    xx: bool,
    gt: bool,
    lt: bool,
}

impl Condition {
    fn parse(args: Args) -> Result<Self, Error> {
        let mut condition = Self::default();
        for word in args.tail(3) {
            let flag = match word {
                _ if is(word, "nx") => &mut condition.nx,
                _ if is(word, "xx") => &mut condition.xx,
                _ if is(word, "gt") => &mut condition.gt,
                _ if is(word, "lt") => &mut condition.lt,
                _ => {
                    return Err(Error::owned(format!("ERR Unsupported option {}", shown(word))));
                }
            };
            *flag = true;
        }
        if condition.nx && (condition.xx || condition.gt || condition.lt) {
            return Err(Error::text("ERR NX and XX, GT or LT options at the same time are not compatible"));
        }
        if condition.gt && condition.lt {
            return Err(Error::text("ERR GT and LT options at the same time are not compatible"));
        }
        Ok(condition)
    }

    /// Whether `at` may replace `now`; no expiry counts as an infinite one.
    fn holds(&self, now: Option<i64>, at: i64) -> bool {
        match now {
            None => !self.xx && !self.gt,
            Some(now) => !self.nx && (!self.gt || now < at) && (!self.lt || at < now),
        }
    }
}

impl Form {
    fn deadline(&self, time: &[u8], now_ms: i64) -> Result<i64, Error> {
        let base = if self.relative { now_ms } else { 0 };
        let at = int(time)?.checked_mul(self.scale).and_then(|ms| ms.checked_add(base));
        at.ok_or_else(|| Error::invalid_expire(self.command))
    }

    /// PEXPIREAT is logged as it came.
    fn is_canonical(&self) -> bool {
        self.scale == 1 && !self.relative
    }
}

fn expire(txn: &mut Txn, args: Args, out: &mut Reply, form: &Form) -> Done {
    let key = args.at(1);
    let condition = Condition::parse(args)?;
    let at = form.deadline(args.at(2), txn.now_ms)?;
    let changes = txn.write(key).is_some_and(|entry| condition.holds(entry.expiry(), at));
    out.int(changes.into());
    if !changes {
        return Ok(());
    }
    if txn.is_over(at) {
        delete(txn, key, Deletion::Expired);
        return Ok(());
    }
    set(txn, key, at);
    if !form.is_canonical() {
        let mut text = itoa::Buffer::new();
        let mut argv: Vec<&[u8]> = vec![b"PEXPIREAT", key, text.format(at).as_bytes()];
        argv.extend(args.tail(3));
        txn.effect(&argv);
    }
    Ok(())
}

/// Makes a key that is there expire at `at`.
pub(in crate::commands) fn set(txn: &mut Txn, key: &[u8], at: i64) {
    txn.set_expiry(key, Some(at));
    txn.changed(key, Event::Expire);
}

/// Makes a key expire no more; false if it did not.
pub(in crate::commands) fn clear(txn: &mut Txn, key: &[u8]) -> bool {
    if txn.get(key).is_none_or(|entry| entry.expiry().is_none()) {
        return false;
    }
    txn.set_expiry(key, None);
    txn.changed(key, Event::Persist);
    true
}

/// Why a command other than DEL deletes a key: the settings that make it an UNLINK in the log differ.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::commands) enum Deletion {
    Expired,
    ByUser,
    ByServer,
}

impl Deletion {
    fn command(self, txn: &Txn) -> &'static [u8] {
        let settings = &txn.engine().settings;
        let lazy = match self {
            Self::Expired => settings.lazy_expire(),
            Self::ByUser => settings.lazy_user_del(),
            Self::ByServer => settings.lazy_server_del(),
        };
        if lazy { b"UNLINK" } else { b"DEL" }
    }
}

/// Deletes a key that is there; logged as a deletion, whatever command does it.
pub(in crate::commands) fn delete(txn: &mut Txn, key: &[u8], why: Deletion) {
    if let Some(entry) = txn.remove(key) {
        txn.discard(entry);
    }
    log_deletion(txn, key, why);
}

/// Says that a key is gone.
pub(in crate::commands) fn log_deletion(txn: &mut Txn, key: &[u8], why: Deletion) {
    txn.changed(key, Event::Del);
    txn.effect(&[why.command(txn), key]);
}

/// Says that a key is gone by a change that is told and counted already.
pub(in crate::commands) fn log_uncounted_deletion(txn: &mut Txn, key: &[u8], why: Deletion) {
    txn.also_happened(key, Event::Del);
    txn.effect(&[why.command(txn), key]);
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn forms_and_log() {
        check(
            r#"
            SET k v
            EXPIRE k 100 -> 1 | PEXPIREAT k 1100000
            pexpire k 50 -> 1 | PEXPIREAT k 1000050
            PEXPIRE k 50 xx lt -> 0 |
            EXPIREAT k 2000 XX GT -> 1 | PEXPIREAT k 2000000 XX GT
            pexpireat k 3000000 gt -> 1 | pexpireat k 3000000 gt
            EXPIRE none 10 -> 0 |
            EXPIRE k -1 -> 1 | DEL k
            SET k v
            PEXPIREAT k 1 -> 1 | DEL k
            SET k v
            PEXPIREAT k 1000000 -> 1 | DEL k
            LAZY yes
            SET k v
            EXPIRE k 0 -> 1 | UNLINK k
            EXISTS k -> 0
            SET k v PX 5
            TICK 6
            EXPIRE k 10 -> 0 | UNLINK k
            "#,
        );
    }

    #[test]
    fn conditions() {
        check(
            r#"
            SET k v
            EXPIRE k 100 XX -> 0 |
            EXPIRE k 100 GT -> 0 |
            EXPIRE k 100 LT -> 1 | PEXPIREAT k 1100000 LT
            EXPIRE k 100 LT -> 0 |
            EXPIRE k 100 GT -> 0 |
            EXPIRE k 101 gt xx -> 1 | PEXPIREAT k 1101000 gt xx
            EXPIRE k 99 XX LT -> 1
            EXPIRE k 99 NX -> 0 |
            PERSIST k
            EXPIRE k 99 NX NX -> 1 | PEXPIREAT k 1099000 NX NX
            EXPIRE k -1 LT -> 1 | DEL k
            EXPIRE k 10 FOO -> -ERR Unsupported option FOO |
            EXPIRE k x FOO -> -ERR Unsupported option FOO |
            EXPIRE k 10 NX XX -> -ERR NX and XX, GT or LT options at the same time are not compatible |
            EXPIRE k 10 GT NX -> -ERR NX and XX, GT or LT options at the same time are not compatible |
            EXPIRE k 10 NX LT -> -ERR NX and XX, GT or LT options at the same time are not compatible |
            EXPIRE k 10 GT LT -> -ERR GT and LT options at the same time are not compatible |
            "#,
        );
    }

    #[test]
    fn times_that_do_not_fit() {
        check(
            r#"
            EXPIRE none x -> -ERR value is not an integer or out of range |
            EXPIRE none 9223372036854775807 -> -ERR invalid expire time in 'expire' command |
            EXPIRE none -9223372036854775807 -> -ERR invalid expire time in 'expire' command |
            EXPIRE none 9223372036854775 -> -ERR invalid expire time in 'expire' command |
            PEXPIRE none 9223372036854775807 -> -ERR invalid expire time in 'pexpire' command |
            PEXPIRE none -9223372036854775808 -> 0 |
            EXPIREAT none 9223372036854776 -> -ERR invalid expire time in 'expireat' command |
            PEXPIREAT none 9223372036854775807 -> 0 |
            SET k v
            PEXPIREAT k 9223372036854775807 -> 1 | PEXPIREAT k 9223372036854775807
            PEXPIRETIME k -> 9223372036854775807
            "#,
        );
    }

    /// A replica keeps a key whose time is over until its primary deletes it.
    #[test]
    fn a_replica_deletes_nothing_by_its_clock() {
        check(
            r#"
            REPLICA yes
            PRIMARY SET k v -> OK |
            PRIMARY PEXPIREAT k 1 -> 1 |
            GET k -> nil |
            EXISTS k -> 0 |
            PRIMARY EXISTS k -> 1 |
            PRIMARY APPEND k w -> 2 |
            PRIMARY PERSIST k -> 1 |
            GET k -> "vw"
            # A writable replica's own write: its times are kept too, and nothing is logged.
            EXPIRE k -1 -> 1 |
            DBSIZE -> 1
            GET k -> nil
            SET k new NX -> OK |
            GET k -> "new"
            "#,
        );
    }
}
