//! What sets have in common: SINTER, SUNION, SDIFF, with and without STORE, and SINTERCARD.
//!
//! A missing key is an empty set. STORE replaces the destination, whatever it held, and deletes it if nothing is to be
//! stored. A source whose time has passed is deleted first, so that the log has its deletion before the result: a
//! replica would find it otherwise.

use super::{SET, all, each, one, reply_all, reply_member};
use crate::commands::args::{int, is};
use crate::error::{Done, Error};
use crate::events::Event;
use crate::row::{Doc, Flags, KeySpec, Meta, Row};
use crate::txn::{Ttl, Txn};
use crate::value::{Set, Shapes, Value};
use ds::entry::NewPayload;
use ds::intset::Intset;
use ds::listpack::{self, Listpack};
use resp::{Args, Reply};

const KEYS: Doc = Doc::key("key", 0).multiple();

const GIVES: Meta = Meta {
    arity: -2,
    flags: Flags::READONLY,
    keys: &[all(1, &["RO", "access"])],
    complexity: "O(N) in the number of members of all sets",
    tips: &["nondeterministic_output_order"],
    docs: &[KEYS],
    ..SET
};

const STORES: Meta = Meta {
    arity: -3,
    flags: Flags::WRITE.with(Flags::DENYOOM),
    keys: &[one(1, &["OW", "update"]), all(2, &["RO", "access"])],
    complexity: "O(N) in the number of members of all sets",
    docs: &[Doc::key("destination", 0), Doc::key("key", 1).multiple()],
    ..SET
};

/// As [`STORES`]: its first key specification says RW where the others say OW, in Redis too.
const STORES_INTER: Meta = Meta {
    keys: &[one(1, &["RW", "update"]), all(2, &["RO", "access"])],
    complexity: INTER_COMPLEXITY,
    ..STORES
};

const INTER_COMPLEXITY: &str = "O(N*M) at worst, for M sets of which the smallest has N members";

pub const ROWS: &[Row] = &[
    Row {
        meta: Meta {
            name: "sinter",
            summary: "Gives the members that all of the sets have.",
            complexity: INTER_COMPLEXITY,
            ..GIVES
        },
        run: sinter,
    },
    Row {
        meta: Meta {
            name: "sinterstore",
            summary: "Stores the members that all of the sets have.",
            ..STORES_INTER
        },
        run: sinterstore,
    },
    Row {
        meta: Meta {
            name: "sintercard",
            arity: -3,
            flags: Flags::READONLY.with(Flags::MOVABLE_KEYS),
            keys: &[KeySpec { last: KeySpec::COUNTED, ..one(1, &["RO", "access"]) }],
            since: "7.0.0",
            summary: "Counts the members that all of the sets have.",
            complexity: INTER_COMPLEXITY,
            docs: &[
                Doc::new("numkeys", "integer"),
                KEYS,
                Doc::new("limit", "integer").behind("LIMIT").optional(),
            ],
            ..SET
        },
        run: sintercard,
    },
    Row {
        meta: Meta { name: "sunion", summary: "Gives the members that any of the sets has.", ..GIVES },
        run: sunion,
    },
    Row {
        meta: Meta { name: "sunionstore", summary: "Stores the members that any of the sets has.", ..STORES },
        run: sunionstore,
    },
    Row {
        meta: Meta {
            name: "sdiff",
            summary: "Gives the members of the first set that no other one has.",
            ..GIVES
        },
        run: sdiff,
    },
    Row {
        meta: Meta {
            name: "sdiffstore",
            summary: "Stores the members of the first set that no other one has.",
            ..STORES
        },
        run: sdiffstore,
    },
];

/// The sets at the keys, in their order.
fn sources<'t>(txn: &'t Txn, keys: Args) -> Result<Vec<Option<&'t Set>>, Error> {
    keys.iter().map(|key| super::read(txn, key)).collect()
}

/// Deletes the sources whose time has passed.
fn drop_due(txn: &mut Txn, keys: Args) {
    let db = txn.db;
    for key in keys {
        txn.drop_if_due(db, key);
    }
}

fn sinter(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let Some(sets) = by_size(sources(txn, args.tail(1))?) else {
        out.set(0);
        return Ok(());
    };
    if let [only] = sets[..] {
        reply_all(out, Some(only));
        return Ok(());
    }
    let later = out.array_later();
    let mut count = 0;
    common(&sets, |member| {
        out.bulk(member);
        count += 1;
        true
    });
    out.finish_set(later, count);
    Ok(())
}

fn sinterstore(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    drop_due(txn, args.tail(2));
    let shapes = txn.engine().shapes();
    let result = match by_size(sources(txn, args.tail(2))?) {
        None => Set::Ints(Intset::new()),
        Some(sets) => {
            let mut result = match sets[0] {
                Set::Ints(_) => Set::Ints(Intset::new()),
                _ => Set::Pack(Listpack::new()),
            };
            common(&sets, |member| result.add(member, &shapes));
            result.settle(&shapes);
            result
        }
    };
    store(txn, args.at(1), result, Event::SInterStore, out);
    Ok(())
}

fn sintercard(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let numkeys = int(args.at(1)).ok().and_then(|count| usize::try_from(count).ok()).filter(|n| 0 < *n);
    let numkeys = numkeys.ok_or(Error::text("ERR numkeys should be greater than 0"))?;
    if args.len() - 2 < numkeys {
        return Err(Error::text("ERR Number of keys can't be greater than number of args"));
    }
    let limit = limit(args.tail(2 + numkeys))?;
    let mut sets = Vec::with_capacity(numkeys);
    for key in args.tail(2).iter().take(numkeys) {
        sets.push(super::read(txn, key)?);
    }
    let mut count = 0;
    if let Some(sets) = by_size(sets) {
        common(&sets, |_| {
            count += 1;
            limit == 0 || count < limit
        });
    }
    out.int(count as i64);
    Ok(())
}

/// 0 is no limit.
fn limit(options: Args) -> Result<usize, Error> {
    let mut limit = 0;
    for i in (0..options.len()).step_by(2) {
        let count = options.get(i + 1).filter(|_| is(options.at(i), "limit")).ok_or(Error::Syntax)?;
        let count = int(count).ok().and_then(|count| usize::try_from(count).ok());
        limit = count.ok_or(Error::text("ERR LIMIT can't be negative"))?;
    }
    Ok(limit)
}

/// The smallest set first; `None` if one is missing.
fn by_size(sets: Vec<Option<&Set>>) -> Option<Vec<&Set>> {
    let mut sets: Vec<&Set> = sets.into_iter().collect::<Option<_>>()?;
    sets.sort_by_key(|set| set.len());
    Some(sets)
}

/// Visits what all of the sets have, until the visitor says that it is enough.
fn common(sets: &[&Set], mut visit: impl FnMut(&[u8]) -> bool) {
    let (smallest, others) = sets.split_first().expect("a command names one key at least");
    let others = distinct(others, smallest);
    each(smallest, |member| !others.iter().all(|set| set.contains(member)) || visit(member));
}

/// The sets without those that are the first one, which are not asked.
fn distinct<'s>(sets: &[&'s Set], first: &Set) -> Vec<&'s Set> {
    sets.iter().copied().filter(|set| !std::ptr::eq(*set, first)).collect()
}

fn sunion(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let sets: Vec<&Set> = sources(txn, args.tail(1))?.into_iter().flatten().collect();
    match sets[..] {
        [] => out.set(0),
        [only] => reply_all(out, Some(only)),
        _ => reply_all(out, Some(&union(&sets, &txn.engine().shapes()))),
    }
    Ok(())
}

fn sunionstore(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    drop_due(txn, args.tail(2));
    let sets: Vec<&Set> = sources(txn, args.tail(2))?.into_iter().flatten().collect();
    let result = union(&sets, &txn.engine().shapes());
    store(txn, args.at(1), result, Event::SUnionStore, out);
    Ok(())
}

fn union(sets: &[&Set], shapes: &Shapes) -> Set {
    let mut result = Set::Ints(Intset::new());
    for set in sets {
        each(set, |member| {
            result.add(member, shapes);
            true
        });
    }
    result
}

fn sdiff(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let sets = sources(txn, args.tail(1))?;
    let Some((first, others)) = minuend(&sets) else {
        out.set(0);
        return Ok(());
    };
    if others.is_empty() {
        reply_all(out, Some(first));
        return Ok(());
    }
    if takes_away(first, &others) {
        reply_all(out, Some(&difference(first, &others, &txn.engine().shapes())));
        return Ok(());
    }
    let later = out.array_later();
    let mut count = 0;
    first.for_each(|member| {
        let mut text = listpack::Text::new();
        let bytes = member.bytes(&mut text);
        if !others.iter().any(|set| set.contains(bytes)) {
            reply_member(out, member);
            count += 1;
        }
    });
    out.finish_set(later, count);
    Ok(())
}

fn sdiffstore(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    drop_due(txn, args.tail(2));
    let shapes = txn.engine().shapes();
    let sets = sources(txn, args.tail(2))?;
    let result = match minuend(&sets) {
        None => Set::Ints(Intset::new()),
        Some((first, others)) => difference(first, &others, &shapes),
    };
    store(txn, args.at(1), result, Event::SDiffStore, out);
    Ok(())
}

/// The first set and those to be taken from it, the largest first, as they are most likely to have a member; `None` if
/// nothing can be left.
fn minuend<'s>(sets: &[Option<&'s Set>]) -> Option<(&'s Set, Vec<&'s Set>)> {
    let (first, others) = sets.split_first()?;
    let first = (*first)?;
    let mut others: Vec<&Set> = others.iter().copied().flatten().collect();
    if others.iter().any(|set| std::ptr::eq(*set, first)) {
        return None;
    }
    others.sort_by_key(|set| std::cmp::Reverse(set.len()));
    Some((first, others))
}

/// Whether it is less work to take all members of the others away than to ask the others for each member.
fn takes_away(first: &Set, others: &[&Set]) -> bool {
    let asked = (first.len() as u64).saturating_mul(others.len() as u64 + 1) / 2;
    let taken = first.len() as u64 + others.iter().map(|set| set.len() as u64).sum::<u64>();
    taken < asked
}

fn difference(first: &Set, others: &[&Set], shapes: &Shapes) -> Set {
    let mut result = Set::Ints(Intset::new());
    if !takes_away(first, others) {
        each(first, |member| {
            if !others.iter().any(|set| set.contains(member)) {
                result.add(member, shapes);
            }
            true
        });
        return result;
    }
    each(first, |member| result.add(member, shapes));
    for set in others {
        each(set, |member| {
            result.remove(member);
            !result.is_empty()
        });
    }
    result
}

/// Makes the key hold the set; an empty one is none. Replies with its length.
fn store(txn: &mut Txn, key: &[u8], set: Set, event: Event, out: &mut Reply) {
    let len = set.len();
    out.int(len as i64);
    if 0 < len {
        txn.put(key, NewPayload::Boxed(Value::Set(set)), Ttl::Clear);
        txn.changed(key, event);
    } else if let Some(entry) = txn.remove(key) {
        txn.discard(entry);
        txn.changed(key, Event::Del);
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn giving() {
        check(
            r#"
            SADD a 1 2 3 4
            SADD b 3 4 5
            SADD c 4 x
            SINTER a b -> ["3", "4"] |
            SINTER a b c -> ["4"]
            SINTER a -> ["1", "2", "3", "4"]
            SINTER a a -> ["1", "2", "3", "4"]
            SINTER a none -> []
            SUNION a b -> ["1", "2", "3", "4", "5"] |
            SUNION b c none -> ["3", "4", "5", "x"]
            SUNION none -> []
            SDIFF a b -> ["1", "2"] |
            SDIFF a b c none -> ["1", "2"]
            SDIFF c a b -> ["x"]
            SDIFF a none -> ["1", "2", "3", "4"]
            SDIFF a a -> []
            SDIFF none a -> []
            SDIFF a b b b b b b -> ["1", "2"]
            SET string x
            SINTER none string -> -WRONGTYPE Operation against a key holding the wrong kind of value
            SUNION a string -> -WRONGTYPE Operation against a key holding the wrong kind of value
            SDIFF none string -> -WRONGTYPE Operation against a key holding the wrong kind of value
            "#,
        );
    }

    #[test]
    fn counting() {
        check(
            r#"
            SADD a 1 2 3 4
            SADD b 2 3 4 5
            SINTERCARD 2 a b -> 3 |
            SINTERCARD 2 a b LIMIT 2 -> 2
            SINTERCARD 2 a b limit 0 -> 3
            SINTERCARD 2 a b LIMIT 1 LIMIT 9 -> 3
            SINTERCARD 1 a -> 4
            SINTERCARD 2 a none -> 0
            SINTERCARD 0 a -> -ERR numkeys should be greater than 0
            SINTERCARD x a -> -ERR numkeys should be greater than 0
            SINTERCARD 3 a b -> -ERR Number of keys can't be greater than number of args
            SINTERCARD 2 a b LIMIT -1 -> -ERR LIMIT can't be negative
            SINTERCARD 2 a b LIMIT x -> -ERR LIMIT can't be negative
            SINTERCARD 2 a b LIMIT -> -ERR syntax error
            SINTERCARD 1 a b -> -ERR syntax error
            SET string x
            SINTERCARD 2 none string -> -WRONGTYPE Operation against a key holding the wrong kind of value
            "#,
        );
    }

    #[test]
    fn storing() {
        check(
            r#"
            SADD a 1 2 3 x
            SADD b 2 3 4
            SINTERSTORE to a b -> 2 | SINTERSTORE to a b
            OBJECT ENCODING to -> "intset"
            SMEMBERS to -> ["2", "3"]
            SUNIONSTORE to a b -> 5 | SUNIONSTORE to a b
            OBJECT ENCODING to -> "listpack"
            EXPIRE to 100
            SDIFFSTORE to a b -> 2 | SDIFFSTORE to a b
            TTL to -> -1
            SMEMBERS to -> ["1", "x"]
            # A destination may be a source.
            SUNIONSTORE a a b -> 5
            SINTERSTORE b b b -> 3
            SDIFFSTORE b b none -> 3
            # Nothing to store: the destination is deleted, whatever it is.
            SINTERSTORE to a none -> 0 | SINTERSTORE to a none
            EXISTS to -> 0
            SINTERSTORE to a none -> 0 |
            SET string x
            SDIFFSTORE string none a -> 0 | SDIFFSTORE string none a
            EXISTS string -> 0
            SET string x
            SUNIONSTORE string a -> 5 | SUNIONSTORE string a
            TYPE string -> set
            SET other x
            SUNIONSTORE to a other -> -WRONGTYPE Operation against a key holding the wrong kind of value |
            EXISTS to -> 0
            "#,
        );
    }

    /// The replica's clock decides nothing: it must not find members there that the primary did not see.
    #[test]
    fn sources_that_are_over() {
        check(
            r#"
            SADD a 1 2
            SADD b 2 3
            PEXPIRE b 5
            TICK 6
            SUNIONSTORE to a b -> 2 | MULTI ; DEL b ; SUNIONSTORE to a b ; EXEC
            SADD b 2 3
            PEXPIRE b 5
            TICK 6
            SINTERSTORE to a b -> 0 | MULTI ; DEL b ; SINTERSTORE to a b ; EXEC
            SADD b 2 3
            PEXPIRE b 5
            TICK 6
            SDIFFSTORE to a b -> 2 | MULTI ; DEL b ; SDIFFSTORE to a b ; EXEC
            SADD b 2
            PEXPIRE b 5
            TICK 6
            SUNION b -> [] | DEL b
            "#,
        );
    }

    #[test]
    fn forms_of_what_is_stored() {
        let numbers =
            |range: std::ops::Range<i32>| range.map(|n| n.to_string()).collect::<Vec<_>>().join(" ");
        check(&format!(
            r#"
            SADD large {} x y
            OBJECT ENCODING large -> "hashtable"
            SADD ints {}
            SINTERSTORE to large large -> 602
            OBJECT ENCODING to -> "hashtable"
            SINTERSTORE to large ints -> 300
            OBJECT ENCODING to -> "intset"
            SADD some {} x
            OBJECT ENCODING some -> "hashtable"
            SREM some x
            SINTERSTORE to some large -> 200
            OBJECT ENCODING to -> "intset"
            SUNIONSTORE to some -> 200
            OBJECT ENCODING to -> "intset"
            SUNIONSTORE to ints large -> 602
            OBJECT ENCODING to -> "hashtable"
            SDIFFSTORE to large ints -> 302
            OBJECT ENCODING to -> "hashtable"
            SADD few x y
            SINTERSTORE to large few -> 2
            OBJECT ENCODING to -> "listpack"
            # Less work by taking away: the result has been large, and stays so.
            SDIFFSTORE to large ints ints ints ints ints ints -> 302
            OBJECT ENCODING to -> "hashtable"
            SDIFF few large large large large large large -> []
            "#,
            numbers(0..600),
            numbers(0..300),
            numbers(0..200),
        ));
    }
}
