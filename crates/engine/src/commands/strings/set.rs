//! Setting a key to a string: SET, SETNX, SETEX, PSETEX, GETSET.
//!
//! What is logged: SET with a time is `SET key value PXAT ms`; SET with GET loses that word; GETSET is a SET.

use super::options::{self, Expiry, Of, OnlyIf, SET_EXPIRATION, Unit};
use super::{KEY, STRING, VALUE, first, reply_str};
use crate::commands::args::is;
use crate::error::Done;
use crate::events::Event;
use crate::row::{Deprecated, Doc, Flags, KeySpec, Meta, Row};
use crate::txn::{Ttl, Txn};
use resp::{Args, Reply};

const WRITES: Flags = Flags::WRITE.with(Flags::DENYOOM);

pub const ROWS: &[Row] = &[
    Row {
        meta: Meta {
            name: "set",
            arity: -3,
            flags: WRITES,
            keys: &[KeySpec {
                notes: "Read as well when GET is given",
                ..first(&["RW", "access", "update", "variable_flags"])
            }],
            summary: "Makes a key hold a string, whatever it held before.",
            history: &[
                ("2.6.12", "`EX`, `PX`, `NX` and `XX` came."),
                ("6.0.0", "`KEEPTTL` came."),
                ("6.2.0", "`GET`, `EXAT` and `PXAT` came."),
                ("7.0.0", "`NX` and `GET` may stand together."),
            ],
            docs: &[
                KEY,
                VALUE,
                Doc::one_of("condition", &[Doc::flag("nx", "NX"), Doc::flag("xx", "XX")])
                    .since("2.6.12")
                    .optional(),
                Doc::flag("get", "GET").since("6.2.0").optional(),
                SET_EXPIRATION,
            ],
            ..STRING
        },
        run: set,
    },
    Row {
        meta: Meta {
            name: "setnx",
            arity: 3,
            flags: WRITES.with(Flags::FAST),
            keys: &[first(&["OW", "insert"])],
            summary: "Makes a key hold a string, if it is not there yet.",
            docs: &[KEY, VALUE],
            deprecated: Some(Deprecated { since: "2.6.12", replaced_by: "`SET` with `NX`" }),
            ..STRING
        },
        run: setnx,
    },
    Row {
        meta: Meta {
            name: "setex",
            arity: 4,
            flags: WRITES,
            keys: &[first(&["OW", "update"])],
            since: "2.0.0",
            summary: "Makes a key hold a string for some seconds.",
            docs: &[KEY, Doc::new("seconds", "integer"), VALUE],
            deprecated: Some(Deprecated { since: "2.6.12", replaced_by: "`SET` with `EX`" }),
            ..STRING
        },
        run: setex,
    },
    Row {
        meta: Meta {
            name: "psetex",
            arity: 4,
            flags: WRITES,
            keys: &[first(&["OW", "update"])],
            since: "2.6.0",
            summary: "Makes a key hold a string for some milliseconds.",
            docs: &[KEY, Doc::new("milliseconds", "integer"), VALUE],
            deprecated: Some(Deprecated { since: "2.6.12", replaced_by: "`SET` with `PX`" }),
            ..STRING
        },
        run: psetex,
    },
    Row {
        meta: Meta {
            name: "getset",
            arity: 3,
            flags: WRITES.with(Flags::FAST),
            keys: &[first(&["RW", "access", "update"])],
            summary: "Makes a key hold a string, and gives the one before.",
            docs: &[KEY, VALUE],
            deprecated: Some(Deprecated { since: "6.2.0", replaced_by: "`SET` with `GET`" }),
            ..STRING
        },
        run: getset,
    },
];

fn set(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    if args.len() == 3 {
        put(txn, args.at(1), args.at(2), Ttl::Clear);
        out.ok();
        return Ok(());
    }
    set_with_options(txn, args, out)
}

fn set_with_options(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let options = options::parse(args, 3, Of::Set)?;
    let (key, value) = (args.at(1), args.at(2));
    let ttl = match options.expiry {
        Expiry::In(unit, time) => Ttl::At(unit.deadline(time, txn.now_ms, "set")?),
        Expiry::Keep => Ttl::Keep,
        Expiry::Unsaid | Expiry::Persist => Ttl::Clear,
    };
    if options.get {
        reply_str(out, txn.read_str(key)?);
    }
    if !may(txn, key, options.only_if) {
        if !options.get {
            out.nil();
        }
        return Ok(());
    }
    put(txn, key, value, ttl);
    if options.get && !matches!(ttl, Ttl::At(_)) {
        let argv = args.iter().enumerate().filter(|(i, arg)| *i < 3 || !is(arg, "get"));
        txn.effect(&argv.map(|(_, arg)| arg).collect::<Vec<_>>());
    }
    if !options.get {
        out.ok();
    }
    Ok(())
}

fn may(txn: &Txn, key: &[u8], only_if: Option<OnlyIf>) -> bool {
    match only_if {
        None => true,
        Some(OnlyIf::Absent) => txn.write(key).is_none(),
        Some(OnlyIf::Present) => txn.write(key).is_some(),
    }
}

#[inline]
fn put(txn: &mut Txn, key: &[u8], value: &[u8], ttl: Ttl) {
    txn.put_str(key, value, ttl);
    txn.changed(key, Event::Set);
    if let Ttl::At(at) = ttl {
        txn.also_happened(key, Event::Expire);
        txn.effect(&[b"SET", key, value, b"PXAT", itoa::Buffer::new().format(at).as_bytes()]);
    }
}

fn setnx(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let absent = txn.write(args.at(1)).is_none();
    if absent {
        put(txn, args.at(1), args.at(2), Ttl::Clear);
    }
    out.int(absent.into());
    Ok(())
}

fn setex(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    set_for(txn, args, out, Unit::Seconds, "setex")
}

fn psetex(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    set_for(txn, args, out, Unit::Millis, "psetex")
}

fn set_for(txn: &mut Txn, args: Args, out: &mut Reply, unit: Unit, command: &'static str) -> Done {
    let at = unit.deadline(args.at(2), txn.now_ms, command)?;
    put(txn, args.at(1), args.at(3), Ttl::At(at));
    out.ok();
    Ok(())
}

fn getset(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let (key, value) = (args.at(1), args.at(2));
    reply_str(out, txn.read_str(key)?);
    put(txn, key, value, Ttl::Clear);
    txn.effect(&[b"SET", key, value]);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn set_options() {
        check(
            r#"
            set k v -> OK | set k v
            GET k -> "v" |
            SET k w XX -> OK | SET k w XX
            SET k x NX -> nil |
            SET other x XX -> nil |
            SET k x get NX -> "w" |
            SET new x NX GET -> nil | SET new x NX
            SET k x GET xx get -> "w" | SET k x xx
            SET k get KEEPTTL GET -> "x" | SET k get KEEPTTL
            SET k v EX 10 -> OK | SET k v PXAT 1010000
            SET k v PX 10 GET -> "v" | SET k v PXAT 1000010
            SET k v EXAT 2000 NX -> nil |
            SET k v exat 2000 XX -> OK | SET k v PXAT 2000000
            SET k v PXAT 3000000 -> OK | SET k v PXAT 3000000
            SET k w KEEPTTL -> OK | SET k w KEEPTTL
            PTTL k -> 2000000
            SET k w -> OK
            PTTL k -> -1
            SET k v EX 1 EX 2 -> OK | SET k v PXAT 1002000
            SET k v NX XX -> -ERR syntax error |
            SET k v XX NX -> -ERR syntax error |
            SET k v EX 1 PX 1 -> -ERR syntax error |
            SET k v KEEPTTL EX 1 -> -ERR syntax error |
            SET k v EX 1 KEEPTTL -> -ERR syntax error |
            SET k v PERSIST -> -ERR syntax error |
            SET k v EX -> -ERR syntax error |
            SET k v WHAT -> -ERR syntax error |
            SET k v EX x -> -ERR value is not an integer or out of range |
            SET k v EX 0 -> -ERR invalid expire time in 'set' command |
            SET k v PX -1 -> -ERR invalid expire time in 'set' command |
            SET k v EX 9223372036854775807 -> -ERR invalid expire time in 'set' command |
            SET k v PX 9223372036854775807 -> -ERR invalid expire time in 'set' command |
            SET k v PXAT 9223372036854775807 -> OK | SET k v PXAT 9223372036854775807
            SET k -> -ERR wrong number of arguments for 'set' command
            "#,
        );
    }

    /// Unlike EXPIREAT, SET keeps a key whose time is over: the next command that meets it deletes it.
    #[test]
    fn a_past_time_is_set_and_then_met() {
        check(
            "
            SET k v EXAT 1 -> OK | SET k v PXAT 1000
            GET k -> nil | DEL k
            SET k v PXAT 1 -> OK
            SET k w KEEPTTL -> OK | MULTI ; DEL k ; SET k w KEEPTTL ; EXEC
            TTL k -> -1
            SET k v PXAT 1 -> OK
            SET k v XX -> nil | DEL k
            SET k v PXAT 1 -> OK
            SET k v GET -> nil | MULTI ; DEL k ; SET k v ; EXEC
            SET k v PXAT 1 -> OK
            EXEC GET k / SET k w -> nil / OK | MULTI ; DEL k ; SET k w ; EXEC
            ",
        );
    }

    #[test]
    fn older_forms() {
        check(
            r#"
            SETNX k 1 -> 1 | SETNX k 1
            SETNX k 2 -> 0 |
            SETEX k 10 v -> OK | SET k v PXAT 1010000
            PSETEX k 10 v -> OK | SET k v PXAT 1000010
            SETEX k 0 v -> -ERR invalid expire time in 'setex' command |
            PSETEX k -5 v -> -ERR invalid expire time in 'psetex' command |
            SETEX k x v -> -ERR value is not an integer or out of range |
            GETSET k w -> "v" | SET k w
            TTL k -> -1
            GETSET none w -> nil | SET none w
            PSETEX k 10 v
            TICK 11
            SETNX k 3 -> 1 | MULTI ; DEL k ; SETNX k 3 ; EXEC
            "#,
        );
    }

    #[test]
    fn encodings_of_what_is_set() {
        check(&format!(
            r#"
            SET k 12
            OBJECT ENCODING k -> "int"
            SET k -9223372036854775808
            OBJECT ENCODING k -> "int"
            SET k 9223372036854775808
            OBJECT ENCODING k -> "embstr"
            SET k 007
            OBJECT ENCODING k -> "embstr"
            SET k {}
            OBJECT ENCODING k -> "embstr"
            SET k {}
            OBJECT ENCODING k -> "raw"
            SET k {}
            STRLEN k -> 1025
            OBJECT ENCODING k -> "raw"
            "#,
            "x".repeat(44),
            "x".repeat(45),
            "x".repeat(1025),
        ));
    }

    #[test]
    fn the_primary_decides_what_has_expired() {
        check(
            r#"
            REPLICA yes
            PRIMARY SET k v PXAT 1 -> OK |
            GET k -> nil |
            DBSIZE -> 1
            PRIMARY SET k w KEEPTTL -> OK |
            PEXPIRETIME k -> -2
            PRIMARY PEXPIRETIME k -> 1
            PRIMARY DEL k -> 1 |
            DBSIZE -> 0
            "#,
        );
    }
}
