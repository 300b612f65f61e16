//! Looking at fields: HGET, HMGET, HGETALL, HKEYS, HVALS, HLEN, HEXISTS, HSTRLEN.

use super::{FIELD, HASH, KEY, first, read, reply_value};
use crate::error::Done;
use crate::row::{Flags, Meta, Row};
use crate::txn::Txn;
use crate::value::Hash;
use resp::{Args, Reply};

const ONE: Meta = Meta {
    arity: 3,
    flags: Flags::READONLY.with(Flags::FAST),
    keys: &[first(&["RO"])],
    docs: &[KEY, FIELD],
    ..HASH
};

const ALL: Meta = Meta {
    arity: 2,
    flags: Flags::READONLY,
    keys: &[first(&["RO", "access"])],
    complexity: "O(N) in the number of fields",
    tips: &["nondeterministic_output_order"],
    docs: &[KEY],
    ..HASH
};

pub const ROWS: &[Row] = &[
    Row {
        meta: Meta {
            name: "hget",
            keys: &[first(&["RO", "access"])],
            summary: "Gives the value of a field of a hash.",
            ..ONE
        },
        run: hget,
    },
    Row {
        meta: Meta {
            name: "hmget",
            arity: -3,
            keys: &[first(&["RO", "access"])],
            summary: "Gives the values of fields of a hash.",
            complexity: "O(N) in the number of fields that are asked for",
            docs: &[KEY, FIELD.multiple()],
            ..ONE
        },
        run: hmget,
    },
    Row {
        meta: Meta { name: "hgetall", summary: "Gives all fields of a hash with their values.", ..ALL },
        run: hgetall,
    },
    Row {
        meta: Meta { name: "hkeys", summary: "Gives the names of all fields of a hash.", ..ALL },
        run: hkeys,
    },
    Row {
        meta: Meta { name: "hvals", summary: "Gives the values of all fields of a hash.", ..ALL },
        run: hvals,
    },
    Row {
        meta: Meta { name: "hlen", arity: 2, summary: "Counts the fields of a hash.", docs: &[KEY], ..ONE },
        run: hlen,
    },
    Row { meta: Meta { name: "hexists", summary: "Whether a hash has a field.", ..ONE }, run: hexists },
    Row {
        meta: Meta {
            name: "hstrlen",
            since: "3.2.0",
            summary: "Gives the length of the value of a field of a hash.",
            ..ONE
        },
        run: hstrlen,
    },
];

fn hget(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    match read(txn, args.at(1))?.and_then(|hash| hash.get(args.at(2), txn.horizon())) {
        Some(value) => reply_value(out, value),
        None => out.nil(),
    }
    Ok(())
}

fn hmget(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let (hash, horizon) = (read(txn, args.at(1))?, txn.horizon());
    out.array(args.len() - 2);
    for field in args.tail(2) {
        match hash.and_then(|hash| hash.get(field, horizon)) {
            Some(value) => reply_value(out, value),
            None => out.nil(),
        }
    }
    Ok(())
}

fn hgetall(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let (hash, horizon) = (read(txn, args.at(1))?, txn.horizon());
    out.map(hash.map_or(0, |hash| hash.live_len(horizon)));
    if let Some(hash) = hash {
        hash.for_each_live(horizon, |field, value| {
            reply_value(out, field);
            reply_value(out, value);
        });
    }
    Ok(())
}

fn hkeys(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let (hash, horizon) = (read(txn, args.at(1))?, txn.horizon());
    out.array(hash.map_or(0, |hash| hash.live_len(horizon)));
    if let Some(hash) = hash {
        hash.for_each_live(horizon, |field, _| reply_value(out, field));
    }
    Ok(())
}

fn hvals(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let (hash, horizon) = (read(txn, args.at(1))?, txn.horizon());
    out.array(hash.map_or(0, |hash| hash.live_len(horizon)));
    if let Some(hash) = hash {
        hash.for_each_live(horizon, |_, value| reply_value(out, value));
    }
    Ok(())
}

/// Fields whose time has passed count until they are removed: nobody looks through all of them.
fn hlen(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    out.int(read(txn, args.at(1))?.map_or(0, Hash::len) as i64);
    Ok(())
}

fn hexists(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let hash = read(txn, args.at(1))?;
    out.int(hash.is_some_and(|hash| hash.contains(args.at(2), txn.horizon())).into());
    Ok(())
}

fn hstrlen(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let value = read(txn, args.at(1))?.and_then(|hash| hash.get(args.at(2), txn.horizon()));
    out.int(value.map_or(0, |value| value.len()) as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn small_hashes() {
        check(
            r#"
            HSET h a 1 b text c -007
            HGET h a -> "1" |
            HGET h c -> "-007"
            HGET h x -> nil
            HGET none a -> nil
            HMGET h b x a -> ["text", nil, "1"] |
            HMGET none a b -> [nil, nil]
            HKEYS h -> ["a", "b", "c"]
            HVALS h -> ["1", "text", "-007"]
            HGETALL h -> ["a", "1", "b", "text", "c", "-007"]
            HKEYS none -> []
            HVALS none -> []
            HGETALL none -> []
            HLEN h -> 3 |
            HLEN none -> 0
            HEXISTS h b -> 1 |
            HEXISTS h x -> 0
            # A value is no field.
            HEXISTS h text -> 0
            HEXISTS none b -> 0
            HSTRLEN h c -> 4
            HSTRLEN h a -> 1
            HSTRLEN h x -> 0
            HSTRLEN none x -> 0
            RESP 3
            HGETALL h -> {"a": "1", "b": "text", "c": "-007"}
            HGETALL none -> {}
            HKEYS none -> []
            HVALS h -> ["1", "text", "-007"]
            HMGET h x -> [nil]
            HGET h x -> nil
            SET string x
            HGET string a -> -WRONGTYPE Operation against a key holding the wrong kind of value
            HMGET string a -> -WRONGTYPE Operation against a key holding the wrong kind of value
            HGETALL string -> -WRONGTYPE Operation against a key holding the wrong kind of value
            HKEYS string -> -WRONGTYPE Operation against a key holding the wrong kind of value
            HVALS string -> -WRONGTYPE Operation against a key holding the wrong kind of value
            HLEN string -> -WRONGTYPE Operation against a key holding the wrong kind of value
            HEXISTS string a -> -WRONGTYPE Operation against a key holding the wrong kind of value
            HSTRLEN string a -> -WRONGTYPE Operation against a key holding the wrong kind of value
            HGET h -> -ERR wrong number of arguments for 'hget' command
            HMGET h -> -ERR wrong number of arguments for 'hmget' command
            HGETALL h a -> -ERR wrong number of arguments for 'hgetall' command
            "#,
        );
    }

    #[test]
    fn tables() {
        let long = "x".repeat(65);
        check(&format!(
            r#"
            HSET h {long} 1
            OBJECT ENCODING h -> "hashtable"
            HGET h {long} -> "1"
            HGETALL h -> ["{long}", "1"]
            HKEYS h -> ["{long}"]
            HVALS h -> ["1"]
            HSET h a {long}
            HSTRLEN h a -> 65
            HMGET h {long} a b -> ["1", "{long}", nil]
            HEXISTS h {long} -> 1
            HLEN h -> 2
            "#,
        ));
    }
}
