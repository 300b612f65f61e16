//! Strings as numbers: INCR, DECR, INCRBY, DECRBY, INCRBYFLOAT.
//!
//! The float is C's long double; its result is logged as `SET key result KEEPTTL`, so that nobody calculates twice.

use super::{KEY, STRING, first};
use crate::commands::args::int;
use crate::error::{Done, Error};
use crate::events::Event;
use crate::row::{Doc, Flags, Meta, Row};
use crate::txn::{Ttl, Txn};
use crate::value::{Str, new_bytes};
use base::number::LongDouble;
use ds::entry::NewPayload;
use resp::{Args, Reply};

const COUNTS: Meta = Meta {
    flags: Flags::WRITE.with(Flags::DENYOOM).with(Flags::FAST),
    keys: &[first(&["RW", "access", "update"])],
    ..STRING
};

pub const ROWS: &[Row] = &[
    Row {
        meta: Meta {
            name: "incr",
            arity: 2,
            summary: "Adds one to the integer at a key; a missing key counts as 0.",
            docs: &[KEY],
            ..COUNTS
        },
        run: incr,
    },
    Row {
        meta: Meta {
            name: "decr",
            arity: 2,
            summary: "Takes one from the integer at a key; a missing key counts as 0.",
            docs: &[KEY],
            ..COUNTS
        },
        run: decr,
    },
    Row {
        meta: Meta {
            name: "incrby",
            arity: 3,
            summary: "Adds to the integer at a key; a missing key counts as 0.",
            docs: &[KEY, Doc::new("increment", "integer")],
            ..COUNTS
        },
        run: incrby,
    },
    Row {
        meta: Meta {
            name: "decrby",
            arity: 3,
            summary: "Takes from the integer at a key; a missing key counts as 0.",
            docs: &[KEY, Doc::new("decrement", "integer")],
            ..COUNTS
        },
        run: decrby,
    },
    Row {
        meta: Meta {
            name: "incrbyfloat",
            arity: 3,
            since: "2.6.0",
            summary: "Adds to the floating point number at a key; a missing key counts as 0.",
            docs: &[KEY, Doc::new("increment", "double")],
            ..COUNTS
        },
        run: incrbyfloat,
    },
];

fn incr(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    add(txn, args.at(1), 1, out)
}

fn decr(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    add(txn, args.at(1), -1, out)
}

fn incrby(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    add(txn, args.at(1), int(args.at(2))?, out)
}

fn decrby(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    // The least integer has no counterpart.
    let minus = int(args.at(2))?.checked_neg().ok_or(Error::text("ERR decrement would overflow"))?;
    add(txn, args.at(1), minus, out)
}

fn add(txn: &mut Txn, key: &[u8], n: i64, out: &mut Reply) -> Done {
    let old = match txn.write_str(key)? {
        Some(text) => text.as_int().ok_or(Error::NotInteger)?,
        None => 0,
    };
    let sum = old.checked_add(n).ok_or(Error::Overflow)?;
    txn.put(key, NewPayload::Int(sum), Ttl::Keep);
    txn.changed(key, Event::IncrBy);
    out.int(sum);
    Ok(())
}

fn incrbyfloat(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let key = args.at(1);
    let old = match txn.write_str(key)? {
        Some(Str::Int(n)) => LongDouble::from_i64(n),
        Some(Str::Bytes(bytes)) => LongDouble::parse(bytes).ok_or(Error::NotFloat)?,
        None => LongDouble::from_i64(0),
    };
    let sum = old + LongDouble::parse(args.at(2)).ok_or(Error::NotFloat)?;
    if !sum.is_finite() {
        return Err(Error::NanOrInfinity);
    }
    let mut text = Vec::new();
    sum.push_human(&mut text);
    // Kept as text even if it spells an integer, as Redis does.
    txn.put(key, new_bytes(&text), Ttl::Keep);
    txn.changed(key, Event::IncrByFloat);
    txn.effect(&[b"SET", key, &text, b"KEEPTTL"]);
    out.bulk(&text);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn integers() {
        check(
            r#"
            INCR k -> 1 | INCR k
            OBJECT ENCODING k -> "int"
            DECR k -> 0 | DECR k
            DECR k -> -1
            INCRBY k 43 -> 42 | INCRBY k 43
            DECRBY k -8 -> 50 | DECRBY k -8
            EXPIRE k 100
            INCR k -> 51
            TTL k -> 100
            INCRBY k +1 -> -ERR value is not an integer or out of range |
            INCRBY k 01 -> -ERR value is not an integer or out of range |
            INCRBY k "1 " -> -ERR value is not an integer or out of range |
            INCRBY k 1.5 -> -ERR value is not an integer or out of range |
            DECRBY k x -> -ERR value is not an integer or out of range |
            DECRBY k -9223372036854775808 -> -ERR decrement would overflow |
            SET k 9223372036854775807
            INCR k -> -ERR increment or decrement would overflow |
            INCRBY k -9223372036854775808 -> -1
            SET k -9223372036854775808
            DECR k -> -ERR increment or decrement would overflow |
            DECRBY k 1 -> -ERR increment or decrement would overflow |
            SET k " 1"
            INCR k -> -ERR value is not an integer or out of range |
            SET k 1x
            INCR k -> -ERR value is not an integer or out of range |
            SET k ""
            INCR k -> -ERR value is not an integer or out of range |
            SET k v PX 5
            TICK 6
            INCR k -> 1 | MULTI ; DEL k ; INCR k ; EXEC
            "#,
        );
    }

    #[test]
    fn floats() {
        check(
            r#"
            INCRBYFLOAT k 0.1 -> "0.1" | SET k 0.1 KEEPTTL
            INCRBYFLOAT k 0.2 -> "0.3" | SET k 0.3 KEEPTTL
            INCRBYFLOAT k -0.3 -> "0" | SET k 0 KEEPTTL
            SET k 10
            INCRBYFLOAT k 2 -> "12" | SET k 12 KEEPTTL
            OBJECT ENCODING k -> "embstr"
            INCR k -> 13
            SET k 5.0e3
            EXPIRE k 100
            INCRBYFLOAT k 2.0e2 -> "5200"
            TTL k -> 100
            INCRBYFLOAT k x -> -ERR value is not a valid float |
            INCRBYFLOAT k nan -> -ERR value is not a valid float |
            INCRBYFLOAT k " 1" -> -ERR value is not a valid float |
            INCRBYFLOAT k inf -> -ERR increment would produce NaN or Infinity |
            SET k x
            INCRBYFLOAT k 1 -> -ERR value is not a valid float |
            SET k 1e4932
            INCRBYFLOAT k 1e4932 -> -ERR increment would produce NaN or Infinity |
            "#,
        );
    }
}
