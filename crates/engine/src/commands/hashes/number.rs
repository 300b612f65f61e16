//! Values as numbers: HINCRBY, HINCRBYFLOAT. The field keeps its expiry.
//!
//! The float is C's long double; its result is logged as an HSET, so that nobody calculates twice; as an HSETEX that keeps the
//! expiry, where the field has one.

use super::{FIELD, HASH, KEY, edit, first, put_new};
use crate::commands::args::int;
use crate::error::{Done, Error};
use crate::events::Event;
use crate::row::{Doc, Flags, Meta, Row};
use crate::txn::{Ttl, Txn};
use crate::value::Hash;
use base::number::LongDouble;
use ds::listpack::Value;
use resp::{Args, Reply};

const COUNTS: Meta = Meta {
    arity: 4,
    flags: Flags::WRITE.with(Flags::DENYOOM).with(Flags::FAST),
    keys: &[first(&["RW", "access", "update"])],
    ..HASH
};

pub const ROWS: &[Row] = &[
    Row {
        meta: Meta {
            name: "hincrby",
            summary: "Adds to the integer in a field of a hash; a missing field counts as 0.",
            docs: &[KEY, FIELD, Doc::new("increment", "integer")],
            ..COUNTS
        },
        run: hincrby,
    },
    Row {
        meta: Meta {
            name: "hincrbyfloat",
            since: "2.6.0",
            summary: "Adds to the floating point number in a field of a hash; a missing field counts as 0.",
            docs: &[KEY, FIELD, Doc::new("increment", "double")],
            ..COUNTS
        },
        run: hincrbyfloat,
    },
];

fn hincrby(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let (key, field, increment) = (args.at(1), args.at(2), int(args.at(3))?);
    let (shapes, horizon) = (txn.engine().shapes(), txn.horizon());
    let add = |hash: &mut Hash| {
        let old = match hash.get(field, horizon) {
            Some(value) => value.as_int().ok_or(Error::text("ERR hash value is not an integer"))?,
            None => 0,
        };
        let sum = old.checked_add(increment).ok_or(Error::Overflow)?;
        hash.set(field, Value::Int(sum), Ttl::Keep, horizon, &shapes);
        Ok::<_, Error>(sum)
    };
    let sum = match edit(txn, key, add)? {
        Some(sum) => sum?,
        None => {
            let mut hash = Hash::new();
            let sum = add(&mut hash)?;
            put_new(txn, key, hash);
            sum
        }
    };
    txn.changed(key, Event::HIncrBy);
    out.int(sum);
    Ok(())
}

fn hincrbyfloat(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let (key, field) = (args.at(1), args.at(2));
    let increment = LongDouble::parse(args.at(3)).ok_or(Error::NotFloat)?;
    if !increment.is_finite() {
        return Err(Error::text("ERR value is NaN or Infinity"));
    }
    let (shapes, horizon) = (txn.engine().shapes(), txn.horizon());
    let add = |hash: &mut Hash| {
        let (old, expiry) = match hash.look(field, horizon) {
            Some((Value::Int(n), expiry)) => (Some(LongDouble::from_i64(n)), expiry),
            Some((Value::Str(text), expiry)) => (LongDouble::parse(text), expiry),
            None => (Some(LongDouble::from_i64(0)), None),
        };
        let sum = old.ok_or(Error::text("ERR hash value is not a float"))? + increment;
        if !sum.is_finite() {
            return Err(Error::NanOrInfinity);
        }
        let mut text = Vec::new();
        sum.push_human(&mut text);
        hash.set(field, Value::Str(&text), Ttl::Keep, horizon, &shapes);
        Ok((text, expiry))
    };
    let (text, expiry) = match edit(txn, key, add)? {
        Some(done) => done?,
        None => {
            let mut hash = Hash::new();
            let done = add(&mut hash)?;
            put_new(txn, key, hash);
            done
        }
    };
    txn.changed(key, Event::HIncrByFloat);
    match expiry {
        None => txn.effect(&[b"HSET", key, field, &text]),
        // HSET takes the expiry away.
        Some(_) => txn.effect(&[b"HSETEX", key, b"KEEPTTL", b"FIELDS", b"1", field, &text]),
    }
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
            HINCRBY h n 5 -> 5 | HINCRBY h n 5
            HINCRBY h n -7 -> -2 | HINCRBY h n -7
            HGET h n -> "-2"
            HINCRBY h m 1 -> 1
            HSET h text x float 1.5 pad " 1" zero 01 max 9223372036854775807
            HINCRBY h text 1 -> -ERR hash value is not an integer |
            HINCRBY h float 1 -> -ERR hash value is not an integer |
            HINCRBY h pad 1 -> -ERR hash value is not an integer
            HINCRBY h zero 1 -> -ERR hash value is not an integer
            HINCRBY h max 1 -> -ERR increment or decrement would overflow |
            HINCRBY h max -1 -> 9223372036854775806
            HINCRBY h n x -> -ERR value is not an integer or out of range |
            HINCRBY none n x -> -ERR value is not an integer or out of range |
            HINCRBY none n -9223372036854775808 -> -9223372036854775808
            HINCRBY none n -1 -> -ERR increment or decrement would overflow
            SET string x
            HINCRBY string n x -> -ERR value is not an integer or out of range
            HINCRBY string n 1 -> -WRONGTYPE Operation against a key holding the wrong kind of value |
            EXPIRE h 100
            HINCRBY h n 1
            TTL h -> 100
            PEXPIRE h 5
            TICK 6
            HINCRBY h n 1 -> 1 | MULTI ; DEL h ; HINCRBY h n 1 ; EXEC
            "#,
        );
    }

    #[test]
    fn floats() {
        check(
            r#"
            HINCRBYFLOAT h f 0.1 -> "0.1" | HSET h f 0.1
            HINCRBYFLOAT h f 0.2 -> "0.3" | HSET h f 0.3
            HINCRBYFLOAT h f 5.0e3 -> "5000.29999999999999982" | HSET h f 5000.29999999999999982
            HSET h n 10 text x max 1e4932 empty "" infinite inf
            HINCRBYFLOAT h n 2 -> "12" | HSET h n 12
            HINCRBY h n 1 -> 13
            HINCRBYFLOAT h text 1 -> -ERR hash value is not a float |
            HINCRBYFLOAT h empty 1 -> -ERR hash value is not a float |
            HINCRBYFLOAT h max 1e4932 -> -ERR increment would produce NaN or Infinity |
            HINCRBYFLOAT h infinite 1 -> -ERR increment would produce NaN or Infinity |
            HINCRBYFLOAT h f x -> -ERR value is not a valid float |
            HINCRBYFLOAT h f " 1" -> -ERR value is not a valid float |
            HINCRBYFLOAT h f nan -> -ERR value is not a valid float |
            HINCRBYFLOAT none f inf -> -ERR value is NaN or Infinity |
            EXISTS none -> 0
            SET string x
            HINCRBYFLOAT string f inf -> -ERR value is NaN or Infinity |
            HINCRBYFLOAT string f 1 -> -WRONGTYPE Operation against a key holding the wrong kind of value |
            OBJECT ENCODING h -> "listpack"
            # The result is too long for a listpack.
            HINCRBYFLOAT h f 1e100
            OBJECT ENCODING h -> "hashtable"
            "#,
        );
    }
}
