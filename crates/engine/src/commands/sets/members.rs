//! The members of one set: SADD, SREM, SMOVE, SISMEMBER, SMISMEMBER, SMEMBERS, SCARD.

use super::{KEY, MEMBER, SET, drop_empty, one, read, reply_all};
use crate::error::{Done, Error};
use crate::events::Event;
use crate::row::{Doc, Flags, Meta, Row};
use crate::txn::{Ttl, Txn};
use crate::value::{self, Set, Value};
use ds::entry::NewPayload;
use resp::{Args, Reply};

pub const ROWS: &[Row] = &[
    Row {
        meta: Meta {
            name: "sadd",
            arity: -3,
            flags: Flags::WRITE.with(Flags::DENYOOM).with(Flags::FAST),
            keys: &[one(1, &["RW", "insert"])],
            summary: "Adds members to a set.",
            complexity: "O(1) for each member",
            history: &[("2.4.0", "Takes several members.")],
            docs: &[KEY, MEMBER.multiple()],
            ..SET
        },
        run: sadd,
    },
    Row {
        meta: Meta {
            name: "srem",
            arity: -3,
            flags: Flags::WRITE.with(Flags::FAST),
            keys: &[one(1, &["RW", "delete"])],
            summary: "Removes members from a set; the key goes with the last one.",
            complexity: "O(1) for each member",
            history: &[("2.4.0", "Takes several members.")],
            docs: &[KEY, MEMBER.multiple()],
            ..SET
        },
        run: srem,
    },
    Row {
        meta: Meta {
            name: "smove",
            arity: 4,
            flags: Flags::WRITE.with(Flags::FAST),
            keys: &[one(1, &["RW", "access", "delete"]), one(2, &["RW", "insert"])],
            summary: "Moves a member from one set to another one.",
            docs: &[Doc::key("source", 0), Doc::key("destination", 1), MEMBER],
            ..SET
        },
        run: smove,
    },
    Row {
        meta: Meta {
            name: "sismember",
            arity: 3,
            flags: Flags::READONLY.with(Flags::FAST),
            keys: &[one(1, &["RO"])],
            summary: "Whether something is a member of a set.",
            docs: &[KEY, MEMBER],
            ..SET
        },
        run: sismember,
    },
    Row {
        meta: Meta {
            name: "smismember",
            arity: -3,
            flags: Flags::READONLY.with(Flags::FAST),
            keys: &[one(1, &["RO", "access"])],
            since: "6.2.0",
            summary: "Which of several things are members of a set.",
            complexity: "O(1) for each of them",
            docs: &[KEY, MEMBER.multiple()],
            ..SET
        },
        run: smismember,
    },
    Row {
        meta: Meta {
            name: "smembers",
            arity: 2,
            flags: Flags::READONLY,
            keys: &[one(1, &["RO", "access"])],
            summary: "Gives all members of a set.",
            complexity: "O(N) in the number of members",
            tips: &["nondeterministic_output_order"],
            docs: &[KEY],
            ..SET
        },
        run: smembers,
    },
    Row {
        meta: Meta {
            name: "scard",
            arity: 2,
            flags: Flags::READONLY.with(Flags::FAST),
            keys: &[one(1, &["RO"])],
            summary: "Counts the members of a set.",
            docs: &[KEY],
            ..SET
        },
        run: scard,
    },
];

fn sadd(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let added = add(txn, args.at(1), args.tail(2))?;
    if 0 < added {
        txn.changed_times(args.at(1), Event::SAdd, added);
    }
    out.int(added as i64);
    Ok(())
}

/// Adds members to the set at `key`, which need not be there; how many are new.
fn add(txn: &mut Txn, key: &[u8], members: Args) -> Result<usize, Error> {
    let shapes = txn.engine().shapes();
    if let Some(mut entry) = txn.write_mut(key) {
        let set = value::set_mut(&mut entry)?;
        set.expect(members.len(), &shapes);
        return Ok(members.iter().filter(|member| set.add(member, &shapes)).count());
    }
    let mut set = Set::for_members(members.at(0), members.len(), &shapes);
    let added = members.iter().filter(|member| set.add(member, &shapes)).count();
    txn.put(key, NewPayload::Boxed(Value::Set(set)), Ttl::Clear);
    Ok(added)
}

fn srem(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let key = args.at(1);
    let Some(mut entry) = txn.write_mut(key) else {
        out.int(0);
        return Ok(());
    };
    let set = value::set_mut(&mut entry)?;
    let removed = args.tail(2).iter().filter(|member| set.remove(member)).count();
    let is_empty = set.is_empty();
    drop(entry);
    if 0 < removed {
        txn.changed_times(key, Event::SRem, removed);
    }
    if is_empty {
        drop_empty(txn, key);
    }
    out.int(removed as i64);
    Ok(())
}

fn smove(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let (from, to, member) = (args.at(1), args.at(2), args.tail(3));
    let is_there = match txn.write(from) {
        Some(entry) => value::as_set(entry.payload())?.contains(member.at(0)),
        None => {
            out.int(0);
            return Ok(());
        }
    };
    txn.write(to).map(|entry| value::as_set(entry.payload()).map(|_| ())).transpose()?;
    out.int(is_there.into());
    if !is_there || from == to {
        return Ok(());
    }
    let mut is_empty = false;
    if let Some(mut entry) = txn.get_mut(from) {
        let set = value::set_mut(&mut entry)?;
        set.remove(member.at(0));
        is_empty = set.is_empty();
    }
    txn.changed(from, Event::SRem);
    if is_empty {
        drop_empty(txn, from);
    }
    if 0 < add(txn, to, member)? {
        txn.changed(to, Event::SAdd);
    }
    Ok(())
}

fn sismember(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    out.int(read(txn, args.at(1))?.is_some_and(|set| set.contains(args.at(2))).into());
    Ok(())
}

fn smismember(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let set = read(txn, args.at(1))?;
    out.array(args.len() - 2);
    for member in args.tail(2) {
        out.int(set.is_some_and(|set| set.contains(member)).into());
    }
    Ok(())
}

fn smembers(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    reply_all(out, read(txn, args.at(1))?);
    Ok(())
}

fn scard(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    out.int(read(txn, args.at(1))?.map_or(0, Set::len) as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn adding_and_removing() {
        check(
            r#"
            SADD s 3 1 2 3 -> 3 | SADD s 3 1 2 3
            SADD s 1 2 -> 0 |
            OBJECT ENCODING s -> "intset"
            SMEMBERS s -> ["1", "2", "3"] |
            SADD s 007 -> 1
            OBJECT ENCODING s -> "listpack"
            SADD s "" -> 1
            SMEMBERS s -> ["1", "2", "3", "007", ""]
            SCARD s -> 5 |
            SCARD none -> 0
            SMEMBERS none -> []
            SISMEMBER s 2 -> 1 |
            SISMEMBER s +2 -> 0
            SISMEMBER s "" -> 1
            SISMEMBER none 2 -> 0
            SMISMEMBER s 1 x 007 -> [1, 0, 1] |
            SMISMEMBER none 1 x -> [0, 0]
            SREM s x 1 007 1 -> 2 | SREM s x 1 007 1
            SREM s x -> 0 |
            SREM none x -> 0 |
            SREM s 2 3 "" -> 3 | SREM s 2 3 ""
            EXISTS s -> 0
            SADD s a
            PEXPIRE s 5
            TICK 6
            SREM s a -> 0 | DEL s
            SADD s a
            PEXPIRE s 5
            TICK 6
            SADD s b -> 1 | MULTI ; DEL s ; SADD s b ; EXEC
            TTL s -> -1
            EXPIRE s 100
            SADD s c -> 1
            TTL s -> 100
            SET string x
            SADD string a -> -WRONGTYPE Operation against a key holding the wrong kind of value |
            SREM string a -> -WRONGTYPE Operation against a key holding the wrong kind of value |
            SCARD string -> -WRONGTYPE Operation against a key holding the wrong kind of value
            SMEMBERS string -> -WRONGTYPE Operation against a key holding the wrong kind of value
            SISMEMBER string a -> -WRONGTYPE Operation against a key holding the wrong kind of value
            SMISMEMBER string a -> -WRONGTYPE Operation against a key holding the wrong kind of value
            SADD s -> -ERR wrong number of arguments for 'sadd' command
            "#,
        );
    }

    fn numbers(range: std::ops::Range<i32>) -> String {
        range.map(|n| n.to_string()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn forms() {
        check(&format!(
            r#"
            SADD ints {} -> 512
            OBJECT ENCODING ints -> "intset"
            SADD ints 512 -> 1
            OBJECT ENCODING ints -> "hashtable"
            SREM ints 512 511 510 -> 3
            OBJECT ENCODING ints -> "hashtable"
            # A request with more members than a form takes makes a table at once.
            SADD many {} -> 513
            OBJECT ENCODING many -> "hashtable"
            SADD pack a {} -> 128
            OBJECT ENCODING pack -> "listpack"
            SADD pack b -> 1
            OBJECT ENCODING pack -> "hashtable"
            SADD more {} -> 128
            SADD more a -> 1
            OBJECT ENCODING more -> "hashtable"
            SADD less {} -> 127
            SADD less a -> 1
            OBJECT ENCODING less -> "listpack"
            SADD long {}
            OBJECT ENCODING long -> "listpack"
            SADD long {}
            OBJECT ENCODING long -> "hashtable"
            SADD one {}
            OBJECT ENCODING one -> "hashtable"
            SADD one 1 2
            SISMEMBER one 2 -> 1
            "#,
            numbers(0..512),
            numbers(0..513),
            numbers(0..127),
            numbers(0..128),
            numbers(0..127),
            "x".repeat(64),
            "x".repeat(65),
            "x".repeat(65),
        ));
    }

    #[test]
    fn moving() {
        check(
            r#"
            SADD a 1 2 x
            SMOVE a b 1 -> 1 | SMOVE a b 1
            SMEMBERS b -> ["1"]
            OBJECT ENCODING b -> "intset"
            SMOVE a b 1 -> 0 |
            SMOVE none b 1 -> 0 |
            SMOVE a a x -> 1 |
            SMOVE a a y -> 0 |
            SADD b 2
            SMOVE a b 2 -> 1 | SMOVE a b 2
            SMOVE a b x -> 1 | SMOVE a b x
            EXISTS a -> 0
            SCARD b -> 3
            SET string x
            SMOVE none string 1 -> 0
            SMOVE string b 1 -> -WRONGTYPE Operation against a key holding the wrong kind of value |
            SMOVE b string 1 -> -WRONGTYPE Operation against a key holding the wrong kind of value |
            SMOVE b string none -> -WRONGTYPE Operation against a key holding the wrong kind of value |
            SADD gone 9
            PEXPIRE gone 5
            TICK 6
            SMOVE b gone x -> 1 | MULTI ; DEL gone ; SMOVE b gone x ; EXEC
            SMEMBERS gone -> ["x"]
            "#,
        );
    }
}
