//! Members by chance: SPOP, SRANDMEMBER.
//!
//! What is logged: SPOP is an SREM of what it took, many members in several of them; SPOP that takes all deletes the key.

use super::{KEY, SET, drop_empty, one, read, reply_all, reply_member};
use crate::commands::args::{REPEATS_MAX, int};
use crate::commands::keys::expire::{self, Deletion};
use crate::error::{Done, Error};
use crate::events::Event;
use crate::row::{Doc, Flags, Meta, Row};
use crate::txn::{Ttl, Txn};
use crate::value::{self, Set, Shapes, Value};
use base::rng::Rng;
use ds::entry::NewPayload;
use ds::listpack::{Listpack, Text};
use resp::{Args, Reply};

const COUNT: Doc = Doc::new("count", "integer").optional();

pub const ROWS: &[Row] = &[
    Row {
        meta: Meta {
            name: "spop",
            arity: -2,
            flags: Flags::WRITE.with(Flags::FAST),
            keys: &[one(1, &["RW", "access", "delete"])],
            summary: "Takes members out of a set by chance.",
            complexity: "O(N) in the number of members that are taken",
            tips: &["nondeterministic_output"],
            history: &[("3.2.0", "`count` came.")],
            docs: &[KEY, COUNT.since("3.2.0")],
            ..SET
        },
        run: spop,
    },
    Row {
        meta: Meta {
            name: "srandmember",
            arity: -2,
            flags: Flags::READONLY,
            keys: &[one(1, &["RO", "access"])],
            summary: "Gives members of a set by chance.",
            complexity: "O(N) in the number of members that are given",
            tips: &["nondeterministic_output"],
            history: &[("2.6.0", "`count` came.")],
            docs: &[KEY, COUNT.since("2.6.0")],
            ..SET
        },
        run: srandmember,
    },
];

/// Members in one logged SREM, at most.
const LOGGED_MAX: usize = 1024;
/// From so many times what stays on, the members that stay are picked, and not those that go.
const PICK_REST_FACTOR: usize = 5;

fn spop(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    match args.len() {
        2 => pop_one(txn, args.at(1), out),
        3 => pop_many(txn, args.at(1), pop_count(args.at(2))?, out),
        _ => Err(Error::Syntax),
    }
}

/// Chance for one command, to be drawn while a value is borrowed.
fn chance(txn: &mut Txn) -> Rng {
    Rng::new(txn.rng().next_u64())
}

fn pop_count(arg: &[u8]) -> Result<usize, Error> {
    let count = int(arg).ok().and_then(|count| usize::try_from(count).ok());
    count.ok_or(Error::text("ERR value is out of range, must be positive"))
}

fn pop_one(txn: &mut Txn, key: &[u8], out: &mut Reply) -> Done {
    let mut rng = chance(txn);
    let Some(mut entry) = txn.write_mut(key) else {
        out.nil();
        return Ok(());
    };
    let set = value::set_mut(&mut entry)?;
    let member = set.random(&mut rng).expect("no set is empty").to_vec();
    set.remove(&member);
    let is_empty = set.is_empty();
    drop(entry);
    txn.changed(key, Event::SPop);
    if is_empty {
        drop_empty(txn, key);
    }
    txn.effect(&[b"SREM", key, &member]);
    out.bulk(&member);
    Ok(())
}

fn pop_many(txn: &mut Txn, key: &[u8], count: usize, out: &mut Reply) -> Done {
    let len = match txn.write(key) {
        Some(entry) => value::as_set(entry.payload())?.len(),
        None => 0,
    };
    if count == 0 || len == 0 {
        out.set(0);
        return Ok(());
    }
    if len <= count {
        reply_all(out, read(txn, key)?);
        txn.changed_times(key, Event::SPop, len);
        if let Some(entry) = txn.remove(key) {
            txn.discard(entry);
        }
        expire::log_uncounted_deletion(txn, key, Deletion::ByServer);
        return Ok(());
    }
    let shapes = txn.engine().shapes();
    let mut rng = chance(txn);
    let mut popped = Vec::with_capacity(count);
    let mut rest = None;
    if let Some(mut entry) = txn.get_mut(key) {
        let set = value::set_mut(&mut entry)?;
        if (len - count).saturating_mul(PICK_REST_FACTOR) <= count {
            rest = Some(split_rest(set, len - count, &shapes, &mut rng));
            set.for_each(|member| popped.push(member.to_vec()));
        } else {
            popped.extend(set.sample(count, &mut rng).into_iter().map(|member| member.to_vec()));
            for member in &popped {
                set.remove(member);
            }
        }
    }
    if let Some(rest) = rest {
        txn.put(key, NewPayload::Boxed(Value::Set(rest)), Ttl::Keep);
    }
    txn.changed_times(key, Event::SPop, count);
    for part in popped.chunks(LOGGED_MAX) {
        let argv: Vec<&[u8]> =
            [b"SREM", key].into_iter().chain(part.iter().map(|member| &member[..])).collect();
        txn.effect(&argv);
    }
    out.set(popped.len());
    popped.iter().for_each(|member| out.bulk(member));
    Ok(())
}

/// Moves `count` members by chance into a set of their own, which may take a smaller form.
fn split_rest(set: &mut Set, count: usize, shapes: &Shapes, rng: &mut Rng) -> Set {
    let mut rest = match set {
        Set::Ints(_) => Set::Ints(ds::intset::Intset::new()),
        Set::Pack(_) | Set::Table(_) => Set::Pack(Listpack::new()),
    };
    let members: Vec<Vec<u8>> = set.sample(count, rng).into_iter().map(|member| member.to_vec()).collect();
    for member in members {
        set.remove(&member);
        rest.add(&member, shapes);
    }
    rest
}

fn srandmember(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let key = args.at(1);
    let count = match args.len() {
        2 => None,
        3 => Some(int(args.at(2))?),
        _ => return Err(Error::Syntax),
    };
    if count == Some(i64::MIN) {
        return Err(Error::OutOfLongRange);
    }
    let mut rng = chance(txn);
    let set = read(txn, key)?;
    match (set, count) {
        (None, None) => out.nil(),
        (None, Some(_)) => out.array(0),
        (Some(set), None) => reply_member(out, set.random(&mut rng).expect("no set is empty")),
        (Some(set), Some(count)) if count < 0 => {
            let repeats = count.unsigned_abs();
            if REPEATS_MAX < repeats {
                return Err(Error::OutOfRange);
            }
            reply_repeats(out, set, repeats as usize, &mut rng);
        }
        (Some(set), Some(count)) => {
            let members = set.sample(count as usize, &mut rng);
            out.array(members.len());
            members.into_iter().for_each(|member| reply_member(out, member));
        }
    }
    Ok(())
}

fn reply_repeats(out: &mut Reply, set: &Set, count: usize, rng: &mut Rng) {
    out.array(count);
    if let Set::Pack(pack) = set {
        // A listpack has no index: its members are laid out once.
        let members: Vec<_> = pack.iter().collect();
        (0..count).for_each(|_| reply_member(out, members[rng.below(members.len() as u64) as usize]));
        return;
    }
    let mut text = Text::new();
    for _ in 0..count {
        out.bulk(set.random(rng).expect("no set is empty").bytes(&mut text));
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{Bench, check, check_on, texts};
    use std::collections::BTreeMap;

    #[test]
    fn popping() {
        check(
            r#"
            SPOP none -> nil |
            SPOP none 3 -> [] |
            SADD s x
            SPOP s 0 -> [] |
            SPOP s -> "x" | SREM s x
            EXISTS s -> 0
            SADD s 1 2 3
            SPOP s 3 -> ["1", "2", "3"] | DEL s
            EXISTS s -> 0
            LAZY yes
            SADD s 1
            SPOP s 9223372036854775807 -> ["1"] | UNLINK s
            SADD s 1
            SPOP s -> "1" | SREM s 1
            SPOP s -1 -> -ERR value is out of range, must be positive
            SPOP s x -> -ERR value is out of range, must be positive
            SPOP s 1 2 -> -ERR syntax error
            SET string x
            SPOP string -> -WRONGTYPE Operation against a key holding the wrong kind of value
            SPOP string 0 -> -WRONGTYPE Operation against a key holding the wrong kind of value
            SPOP string 2 -> -WRONGTYPE Operation against a key holding the wrong kind of value
            "#,
        );
    }

    /// Members, how many to pop, and the form of the set before and after it.
    const POPS: &[(&str, usize, usize, &str, &str)] = &[
        ("", 100, 10, "intset", "intset"),
        ("", 100, 95, "intset", "intset"),
        ("m", 100, 10, "listpack", "listpack"),
        ("m", 100, 95, "listpack", "listpack"),
        ("m", 3000, 10, "hashtable", "hashtable"),
        ("m", 3000, 2000, "hashtable", "hashtable"),
        ("m", 3000, 2950, "hashtable", "listpack"),
    ];

    #[test]
    fn many_are_gone_and_logged() {
        for &(prefix, members, count, before, after) in POPS {
            let mut bench = Bench::new();
            let names: Vec<String> = (0..members).map(|i| format!("{prefix}{i}")).collect();
            check_on(&mut bench, &format!("SADD s {} -> {members}\nEXPIRE s 100 -> 1", names.join(" ")));
            check_on(&mut bench, &format!("OBJECT ENCODING s -> \"{before}\""));
            bench.logged();
            let popped = texts(&bench.run(&[b"SPOP", b"s", count.to_string().as_bytes()])).remove(0);
            let popped: Vec<&str> = popped.trim_matches(['[', ']']).split(", ").collect();
            let popped: Vec<&str> = popped.iter().map(|member| member.trim_matches('"')).collect();
            assert_eq!(popped.len(), count);
            let parts: Vec<String> =
                popped.chunks(super::LOGGED_MAX).map(|part| format!("SREM s {}", part.join(" "))).collect();
            let logged = parts.join(" ; ");
            let wanted = if parts.len() == 1 { logged } else { format!("MULTI ; {logged} ; EXEC") };
            assert_eq!(bench.logged(), wanted);
            check_on(&mut bench, &format!("SCARD s -> {}\nTTL s -> 100", members - count));
            check_on(&mut bench, &format!("OBJECT ENCODING s -> \"{after}\""));
            check_on(&mut bench, &format!("SREM s {} -> 0", popped.join(" ")));
            check_on(&mut bench, &format!("SREM s {} -> {}", names.join(" "), members - count));
        }
    }

    #[test]
    fn giving_some() {
        check(
            r#"
            SRANDMEMBER none -> nil |
            SRANDMEMBER none 3 -> [] |
            SRANDMEMBER none -3 -> []
            SADD s x
            SRANDMEMBER s -> "x" |
            SRANDMEMBER s 0 -> []
            SRANDMEMBER s 5 -> ["x"]
            SRANDMEMBER s -3 -> ["x", "x", "x"] |
            SRANDMEMBER s 9223372036854775807 -> ["x"]
            SRANDMEMBER s -9223372036854775808 -> -ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807
            SRANDMEMBER s -9223372036854775807 -> -ERR value is out of range
            SRANDMEMBER s x -> -ERR value is not an integer or out of range
            SRANDMEMBER s 1 2 -> -ERR syntax error
            SET string x
            SRANDMEMBER string -> -WRONGTYPE Operation against a key holding the wrong kind of value
            SRANDMEMBER string 0 -> -WRONGTYPE Operation against a key holding the wrong kind of value
            "#,
        );
    }

    /// Chi-square over the members that come: 99.99 % of fair draws stay below the bound.
    #[test]
    fn each_member_is_as_likely() {
        for (prefix, members) in [("", 50_usize), ("m", 50), ("m", 200)] {
            for request in ["SRANDMEMBER s", "SRANDMEMBER s 5", "SRANDMEMBER s 40", "SRANDMEMBER s -20"] {
                let mut bench = Bench::new();
                let names: Vec<String> = (0..members).map(|i| format!("{prefix}{i}")).collect();
                check_on(&mut bench, &format!("SADD s {}", names.join(" ")));
                let mut counts: BTreeMap<String, f64> = BTreeMap::new();
                let words: Vec<&[u8]> = request.split(' ').map(str::as_bytes).collect();
                for _ in 0..4000 {
                    let reply = texts(&bench.run(&words)).remove(0);
                    for member in reply.trim_matches(['[', ']']).split(", ") {
                        *counts.entry(member.to_string()).or_default() += 1.0;
                    }
                }
                let expected = counts.values().sum::<f64>() / members as f64;
                let missing = (members - counts.len()) as f64 * expected;
                let chi: f64 =
                    counts.values().map(|n| (n - expected).powi(2) / expected).sum::<f64>() + missing;
                let freedom = (members - 1) as f64;
                assert!(chi < freedom + 4.5 * (2.0 * freedom).sqrt(), "{request} of {members}: {chi}");
            }
        }
    }
}
