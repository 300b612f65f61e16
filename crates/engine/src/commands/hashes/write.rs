//! Setting and removing fields: HSET, HMSET, HSETNX, HDEL.

use super::{FIELD, HASH, KEY, VALUE, drop_empty, edit, first, put_new};
use crate::error::{Done, Error};
use crate::events::Event;
use crate::row::{Deprecated, Doc, Flags, Meta, Row};
use crate::txn::{Ttl, Txn};
use crate::value::{Hash, HashSet, Horizon, Shapes};
use ds::listpack::Value;
use resp::{Args, Reply};

const PAIRS: &[Doc] = &[KEY, Doc::block("data", &[FIELD, VALUE]).multiple()];

pub const ROWS: &[Row] = &[
    Row {
        meta: Meta {
            name: "hset",
            arity: -4,
            flags: Flags::WRITE.with(Flags::DENYOOM).with(Flags::FAST),
            keys: &[first(&["RW", "update"])],
            summary: "Makes fields of a hash hold a value each.",
            complexity: "O(1) for each field",
            history: &[("4.0.0", "Takes several fields.")],
            docs: PAIRS,
            ..HASH
        },
        run: hset,
    },
    Row {
        meta: Meta {
            name: "hmset",
            arity: -4,
            flags: Flags::WRITE.with(Flags::DENYOOM).with(Flags::FAST),
            keys: &[first(&["RW", "update"])],
            summary: "Makes fields of a hash hold a value each.",
            complexity: "O(N) in the number of fields that are set",
            docs: PAIRS,
            deprecated: Some(Deprecated { since: "4.0.0", replaced_by: "`HSET` with several fields" }),
            ..HASH
        },
        run: hmset,
    },
    Row {
        meta: Meta {
            name: "hsetnx",
            arity: 4,
            flags: Flags::WRITE.with(Flags::DENYOOM).with(Flags::FAST),
            keys: &[first(&["RW", "insert"])],
            summary: "Makes a field of a hash hold a value, if it is not there yet.",
            docs: &[KEY, FIELD, VALUE],
            ..HASH
        },
        run: hsetnx,
    },
    Row {
        meta: Meta {
            name: "hdel",
            arity: -3,
            flags: Flags::WRITE.with(Flags::FAST),
            keys: &[first(&["RW", "delete"])],
            summary: "Removes fields from a hash; the key goes with the last one.",
            complexity: "O(N) in the number of fields that are removed",
            history: &[("2.4.0", "Takes several fields.")],
            docs: &[KEY, FIELD.multiple()],
            ..HASH
        },
        run: hdel,
    },
];

fn hset(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let added = set_all(txn, args, "hset")?;
    out.int(added as i64);
    Ok(())
}

fn hmset(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    set_all(txn, args, "hmset")?;
    out.ok();
    Ok(())
}

/// Sets the fields that the arguments name; how many are new.
fn set_all(txn: &mut Txn, args: Args, command: &str) -> Result<usize, Error> {
    if args.len() % 2 == 1 {
        return Err(Error::Arity { command: command.into() });
    }
    let (key, pairs) = (args.at(1), args.tail(2));
    let (shapes, horizon) = (txn.engine().shapes(), txn.horizon());
    let added = match edit(txn, key, |hash| set_pairs(hash, pairs, horizon, &shapes))? {
        Some(added) => added,
        None => {
            let hash = new_hash(pairs, horizon, &shapes);
            let added = hash.len();
            put_new(txn, key, hash);
            added
        }
    };
    txn.changed_times(key, Event::HSet, pairs.len() / 2);
    Ok(added)
}

fn new_hash(pairs: Args, horizon: Horizon, shapes: &Shapes) -> Hash {
    let fields = pairs.iter().step_by(2).zip(pairs.iter().skip(1).step_by(2));
    Hash::packed(fields, shapes).unwrap_or_else(|| {
        let mut hash = Hash::new();
        set_pairs(&mut hash, pairs, horizon, shapes);
        hash
    })
}

fn set_pairs(hash: &mut Hash, pairs: Args, horizon: Horizon, shapes: &Shapes) -> usize {
    hash.expect(pairs.len() / 2, shapes);
    let mut added = 0;
    let mut words = pairs.iter();
    while let (Some(field), Some(value)) = (words.next(), words.next()) {
        let set = hash.set(field, Value::Str(value), Ttl::Clear, horizon, shapes);
        added += usize::from(set == HashSet::Inserted);
    }
    added
}

fn hsetnx(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let (key, field, value) = (args.at(1), args.at(2), Value::Str(args.at(3)));
    let (shapes, horizon) = (txn.engine().shapes(), txn.horizon());
    let set = |hash: &mut Hash| {
        let is_free = !hash.contains(field, horizon);
        if is_free {
            hash.set(field, value, Ttl::Clear, horizon, &shapes);
        }
        is_free
    };
    let is_set = match edit(txn, key, set)? {
        Some(is_set) => is_set,
        None => {
            let mut hash = Hash::new();
            set(&mut hash);
            put_new(txn, key, hash);
            true
        }
    };
    if is_set {
        txn.changed(key, Event::HSet);
    }
    out.int(is_set.into());
    Ok(())
}

fn hdel(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let (key, horizon) = (args.at(1), txn.horizon());
    let removed = edit(txn, key, |hash| {
        let removed = args.tail(2).iter().filter(|field| hash.remove(field, horizon)).count();
        (removed, hash.is_empty())
    })?;
    let (removed, is_empty) = removed.unwrap_or((0, false));
    if 0 < removed {
        txn.changed_times(key, Event::HDel, removed);
    }
    if is_empty {
        drop_empty(txn, key);
    }
    out.int(removed as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn setting_and_removing() {
        check(
            r#"
            HSET h a 1 b 2 a 3 -> 2 | HSET h a 1 b 2 a 3
            HGETALL h -> ["a", "3", "b", "2"] |
            OBJECT ENCODING h -> "listpack"
            HSET h a 4 c "" -> 1 | HSET h a 4 c ""
            HSET h a 4 -> 0 | HSET h a 4
            HSET h "" x -> 1
            HGETALL h -> ["a", "4", "b", "2", "c", "", "", "x"]
            HMSET h a 5 d 6 -> OK | HMSET h a 5 d 6
            HSETNX h a 7 -> 0 |
            HSETNX h e 7 -> 1 | HSETNX h e 7
            HSETNX new f v -> 1 | HSETNX new f v
            HMSET other f v -> OK
            HLEN h -> 6 |
            HDEL h x -> 0 |
            HDEL none x -> 0 |
            HDEL h a x a c -> 2 | HDEL h a x a c
            HDEL h b d e "" -> 4 | HDEL h b d e ""
            EXISTS h -> 0
            HSET h a -> -ERR wrong number of arguments for 'hset' command |
            HSET h a 1 b -> -ERR wrong number of arguments for 'hset' command |
            HmSeT h a 1 b -> -ERR wrong number of arguments for 'hmset' command |
            HDEL h -> -ERR wrong number of arguments for 'hdel' command
            EXISTS h -> 0
            SET string x
            HSET string a 1 b -> -ERR wrong number of arguments for 'hset' command
            HSET string a 1 -> -WRONGTYPE Operation against a key holding the wrong kind of value |
            HMSET string a 1 -> -WRONGTYPE Operation against a key holding the wrong kind of value |
            HSETNX string a 1 -> -WRONGTYPE Operation against a key holding the wrong kind of value |
            HDEL string a -> -WRONGTYPE Operation against a key holding the wrong kind of value |
            "#,
        );
    }

    #[test]
    fn keys_and_their_time() {
        check(
            r#"
            HSET h a 1
            EXPIRE h 100
            HSET h a 2 b 3
            HDEL h a
            TTL h -> 100
            PEXPIRE h 5
            TICK 6
            HDEL h b -> 0 | DEL h
            HSET h a 1
            PEXPIRE h 5
            TICK 6
            HSET h b 1 -> 1 | MULTI ; DEL h ; HSET h b 1 ; EXEC
            TTL h -> -1
            HGETALL h -> ["b", "1"]
            PEXPIRE h 5
            TICK 6
            HSETNX h b 2 -> 1 | MULTI ; DEL h ; HSETNX h b 2 ; EXEC
            "#,
        );
    }

    fn pairs(count: usize) -> String {
        (0..count).map(|i| format!("f{i} v")).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn forms() {
        let (fits, long) = ("x".repeat(64), "x".repeat(65));
        check(&format!(
            r#"
            HSET full {} -> 512
            OBJECT ENCODING full -> "listpack"
            HSET full f0 w -> 0
            OBJECT ENCODING full -> "listpack"
            HSET full g v -> 1
            OBJECT ENCODING full -> "hashtable"
            HGET full f511 -> "v"
            HLEN full -> 513
            HDEL full g f1 f2 -> 3
            OBJECT ENCODING full -> "hashtable"
            # A request with more fields than a listpack takes makes a table at once.
            HSET many {} {} -> 400
            OBJECT ENCODING many -> "hashtable"
            HSET long {fits} {fits}
            OBJECT ENCODING long -> "listpack"
            HSETNX long {fits} {long} -> 0
            OBJECT ENCODING long -> "listpack"
            HSET long a {long}
            OBJECT ENCODING long -> "hashtable"
            HSET field {long} a
            OBJECT ENCODING field -> "hashtable"
            HINCRBY number {long} 1
            OBJECT ENCODING number -> "hashtable"
            "#,
            pairs(512),
            pairs(400),
            pairs(200),
        ));
    }
}
