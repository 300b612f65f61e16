//! Walking the keyspace: SCAN, KEYS, RANDOMKEY.
//!
//! A cursor is a position in hash order over all shards (they are the hash's highest bits), shifted down so that it
//! stays below 2^53. What is there during a whole iteration is given once, and nothing is given twice, whatever the
//! tables do meanwhile; keys that share a position come together.
//!
//! KEYS and RANDOMKEY lock every shard. SCAN locks the shard of its cursor and those behind it: a small keyspace is
//! spread thinly over the shards, and a call is to find COUNT keys there too.

use super::KEYSPACE;
use crate::commands::args::{int, is};
use crate::error::{Done, Error};
use crate::row::{Doc, Flags, Locks, Meta, Row};
use crate::txn::Txn;
use crate::value::{self, Value};
use base::glob::{self, Case};
use ds::entry::EntryRef;
use ds::table::POSITION_SHIFT;
use resp::{Args, Reply};

pub const ROWS: &[Row] = &[
    Row {
        meta: Meta {
            name: "scan",
            arity: -2,
            flags: Flags::READONLY,
            locks: Locks::FromCursor,
            since: "2.8.0",
            summary: "Walks over the keys of the database, some at a time.",
            complexity: "O(1) per call, O(N) for a whole iteration over N keys",
            tips: &["nondeterministic_output", "request_policy:special", "response_policy:special"],
            history: &[("6.0.0", "`TYPE` came.")],
            docs: &[
                Doc::new("cursor", "integer"),
                Doc::new("pattern", "pattern").behind("MATCH").optional(),
                Doc::new("count", "integer").behind("COUNT").optional(),
                Doc::new("type", "string").behind("TYPE").since("6.0.0").optional(),
            ],
            ..KEYSPACE
        },
        run: scan,
    },
    Row {
        meta: Meta {
            name: "keys",
            arity: 2,
            flags: Flags::READONLY,
            categories: KEYSPACE.categories.with(crate::row::Categories::DANGEROUS),
            summary: "Lists the keys that match a pattern.",
            complexity: "O(N) in the number of keys in the database",
            tips: &["request_policy:all_shards", "nondeterministic_output_order"],
            docs: &[Doc::new("pattern", "pattern")],
            ..KEYSPACE
        },
        run: keys,
    },
    Row {
        meta: Meta {
            name: "randomkey",
            arity: 1,
            flags: Flags::READONLY,
            summary: "Gives a key by chance.",
            tips: &["request_policy:all_shards", "response_policy:special", "nondeterministic_output"],
            ..KEYSPACE
        },
        run: randomkey,
    },
];

const CURSOR_BITS: u32 = 64 - POSITION_SHIFT;

/// A cursor as C's strtoul reads it: a sign is allowed, blanks are not, and nothing counts as 0.
pub fn parse_cursor(text: &[u8]) -> Option<u64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        [] => return Some(0),
        digits => (false, digits),
    };
    if digits.is_empty() {
        return None;
    }
    let mut n = 0u64;
    for c in digits {
        let digit = c.wrapping_sub(b'0');
        if 9 < digit {
            return None;
        }
        n = n.checked_mul(10)?.checked_add(u64::from(digit))?;
    }
    Some(if negative { n.wrapping_neg() } else { n })
}

/// The first hash of a cursor's position. Bits beyond a cursor's are not looked at.
pub fn cursor_hash(cursor: u64) -> u64 {
    (cursor & (!0 >> (64 - CURSOR_BITS))) << POSITION_SHIFT
}

struct Options<'a> {
    count: usize,
    pattern: Option<&'a [u8]>,
    kind: Option<&'a [u8]>,
}

const COUNT: usize = 10;

fn options(args: Args<'_>) -> Result<Options<'_>, Error> {
    let mut options = Options { count: COUNT, pattern: None, kind: None };
    for i in (2..args.len()).step_by(2) {
        let (word, next) = (args.at(i), args.get(i + 1).ok_or(Error::Syntax)?);
        if is(word, "count") {
            let count = int(next)?;
            options.count = usize::try_from(count).ok().filter(|&count| 0 < count).ok_or(Error::Syntax)?;
        } else if is(word, "match") {
            options.pattern = (next != b"*").then_some(next);
        } else if is(word, "type") {
            options.kind = Some(next);
        } else {
            return Err(Error::Syntax);
        }
    }
    Ok(options)
}

fn scan(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let cursor = parse_cursor(args.at(1)).ok_or(Error::InvalidCursor)?;
    let options = options(args)?;
    let mut found: Vec<EntryRef<Value>> = Vec::new();
    let next = walk(txn, cursor_hash(cursor), options.count, |entry| {
        if options.takes(entry) {
            found.push(entry);
        }
    });
    // A key whose time has passed is not given; looking it up leaves it to be deleted when the command ends.
    found.retain(|entry| entry.expiry().is_none_or(|at| !txn.is_past(at)) || txn.get(entry.key()).is_some());
    out.array(2);
    let mut text = itoa::Buffer::new();
    out.bulk(text.format(next.map_or(0, |hash| hash >> POSITION_SHIFT)).as_bytes());
    out.array(found.len());
    found.iter().for_each(|entry| out.bulk(entry.key()));
    Ok(())
}

impl Options<'_> {
    fn takes(&self, entry: EntryRef<Value>) -> bool {
        self.pattern.is_none_or(|pattern| glob::matches(pattern, entry.key(), Case::Sensitive))
            && self.kind.is_none_or(|kind| is(kind, value::type_name(&entry.payload())))
    }
}

/// Visits at least `count` entries of the selected database from a hash on, if there are so many; the hash to go on
/// from, `None` at the end.
fn walk<'t>(
    txn: &'t Txn,
    from: u64,
    count: usize,
    mut visit: impl FnMut(EntryRef<'t, Value>),
) -> Option<u64> {
    let engine = txn.engine();
    let shift = 64 - engine.shard_count().trailing_zeros();
    let (mut from, mut visited) = (from, 0);
    for shard in engine.shard_of(from)..engine.shard_count() {
        let Some(part) = txn.shard(shard).db(txn.db).filter(|part| !part.table.is_empty()) else { continue };
        // The first shard is entered where the cursor is, the others at their beginning.
        let first = u64::from(shard).checked_shl(shift).unwrap_or(0);
        from = from.max(first);
        if count <= visited {
            return Some(from);
        }
        let next = part.table.scan(from, count - visited, &mut |_, entry| {
            visited += 1;
            visit(entry);
        });
        if next.is_some() {
            return next;
        }
    }
    None
}

fn keys(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let pattern = (args.at(1) != b"*").then_some(args.at(1));
    let later = out.array_later();
    let mut count = 0;
    for part in txn.each_shard().filter_map(|shard| shard.db(txn.db)) {
        for entry in part.table.iter() {
            let takes = pattern.is_none_or(|pattern| glob::matches(pattern, entry.key(), Case::Sensitive));
            if takes && entry.expiry().is_none_or(|at| !txn.is_past(at)) {
                out.bulk(entry.key());
                count += 1;
            }
        }
    }
    out.finish_array(later, count);
    Ok(())
}

/// How often chance may meet a key that is over and can't be deleted here, before a key that is alive is searched.
const TRIES_MAX: usize = 100;

fn randomkey(txn: &mut Txn, _args: Args, out: &mut Reply) -> Done {
    let db = txn.db;
    let mut tries = 0;
    while let Some(entry) = txn.random(db) {
        let (key, expiry) = (entry.key().to_vec(), entry.expiry());
        if expiry.is_none_or(|at| !txn.is_past(at)) {
            out.bulk(&key);
            return Ok(());
        }
        if txn.drop_if_due(db, &key) {
            continue;
        }
        tries += 1;
        if tries == TRIES_MAX {
            // A replica whose keys are all over gives one of those, as in Redis.
            let alive = first_alive(txn);
            out.bulk(alive.unwrap_or(&key));
            return Ok(());
        }
    }
    out.nil();
    Ok(())
}

fn first_alive<'t>(txn: &'t Txn) -> Option<&'t [u8]> {
    let parts = txn.each_shard().filter_map(|shard| shard.db(txn.db));
    let mut entries = parts.flat_map(|part| part.table.iter());
    entries.find(|entry| entry.expiry().is_none_or(|at| !txn.is_past(at))).map(|entry| entry.key())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Bench, check, check_on, texts};
    use base::rng::Rng;
    use std::collections::BTreeMap;

    #[test]
    fn arguments() {
        check(
            r#"
            SCAN 0 -> ["0", []] |
            SET key:1 1
            SCAN 0 -> ["0", ["key:1"]] |
            SCAN +0 COUNT 1000 -> ["0", ["key:1"]]
            SCAN "" -> ["0", ["key:1"]]
            SCAN 0 MATCH k* TYPE STRING count 1 -> ["0", ["key:1"]]
            SCAN 0 MATCH x* -> ["0", []]
            SCAN 0 TYPE list -> ["0", []]
            SCAN 0 TYPE foo -> ["0", []]
            SCAN 0 TYPE foo TYPE string MATCH x MATCH * -> ["0", ["key:1"]]
            SCAN 18446744073709551615 -> ["0", []]
            SCAN -1 -> ["0", []]
            SCAN 18446744073709551616 -> -ERR invalid cursor
            SCAN x -> -ERR invalid cursor
            SCAN x COUNT x -> -ERR invalid cursor
            SCAN " 0" -> -ERR invalid cursor
            SCAN 0x -> -ERR invalid cursor
            SCAN - -> -ERR invalid cursor
            SCAN 0 COUNT 0 -> -ERR syntax error
            SCAN 0 COUNT -1 -> -ERR syntax error
            SCAN 0 COUNT x -> -ERR value is not an integer or out of range
            SCAN 0 MATCH -> -ERR syntax error
            SCAN 0 WHAT x -> -ERR syntax error
            KEYS * -> ["key:1"] |
            KEYS k[a-f]y:? -> ["key:1"]
            KEYS x* -> []
            RANDOMKEY -> "key:1" |
            SELECT 1
            KEYS * -> []
            RANDOMKEY -> nil
            "#,
        );
    }

    #[test]
    fn keys_that_are_over() {
        check(
            r#"
            SET k 1 PX 5
            TICK 6
            KEYS * -> [] |
            DBSIZE -> 1
            SCAN 0 MATCH x* -> ["0", []] |
            SCAN 0 -> ["0", []] | DEL k
            DBSIZE -> 0
            SET a 1 PX 5
            SET b 1 PX 5
            TICK 6
            RANDOMKEY -> nil
            DBSIZE -> 0
            REPLICA yes
            PRIMARY SET k 1 PXAT 1
            SCAN 0 -> ["0", []] |
            RANDOMKEY -> "k" |
            PRIMARY SET l 1
            RANDOMKEY -> "l" |
            DBSIZE -> 2
            "#,
        );
    }

    /// Keys that are there from the beginning of an iteration to its end are given once, whatever comes and goes.
    #[test]
    fn an_iteration_gives_each_key_once() {
        for (seed, shards) in [(1, 64), (2, 1), (3, 8)] {
            let mut rng = Rng::new(seed);
            let mut bench = Bench::with_shards(shards);
            for i in 0..2000 {
                bench.run(&[b"SET", format!("stay:{i}").as_bytes(), b"v"]);
            }
            let mut seen: BTreeMap<Vec<u8>, u32> = BTreeMap::new();
            let mut cursor = b"0".to_vec();
            loop {
                let mut locks_all_needed = 1 + rng.below(40);
                let reply = bench.run(&[b"SCAN", &cursor, b"COUNT", locks_all_needed.to_string().as_bytes()]);
                let words = bulks(&reply);
                for key in &words[1..] {
                    *seen.entry(key.clone()).or_default() += 1;
                }
                cursor = words[0].clone();
                assert!(parse_cursor(&cursor).is_some_and(|cursor| cursor < 1 << CURSOR_BITS));
                if cursor == b"0" {
                    break;
                }
                while 0 < locks_all_needed {
                    let key = format!("go:{}", rng.below(3000));
                    let command: &[&[u8]] = if rng.one_in(2) {
                        &[b"SET", key.as_bytes(), b"v"]
                    } else {
                        &[b"DEL", key.as_bytes()]
                    };
                    bench.run(command);
                    locks_all_needed -= 1;
                }
            }
            assert!(seen.values().all(|&times| times == 1), "seed {seed}: a key came twice");
            let stayed = seen.keys().filter(|key| key.starts_with(b"stay:")).count();
            assert_eq!(stayed, 2000, "seed {seed}");
        }
    }

    /// The bulk strings in a reply, in order.
    fn bulks(reply: &[u8]) -> Vec<Vec<u8>> {
        let mut found = Vec::new();
        let mut rest = reply;
        while let Some(end) = rest.iter().position(|&c| c == b'\n') {
            let (line, after) = rest.split_at(end + 1);
            rest = after;
            if line[0] == b'$' {
                let len: usize =
                    std::str::from_utf8(&line[1..end - 1]).expect("digits").parse().expect("a length");
                found.push(rest[..len].to_vec());
                rest = &rest[len + 2..];
            }
        }
        found
    }

    /// In a small database one call gives everything, though its keys are spread over the shards.
    #[test]
    fn a_small_database_in_one_call() {
        let mut bench = Bench::new();
        for i in 0..50 {
            bench.run(&[b"SET", format!("k{i}").as_bytes(), b"v"]);
        }
        let reply = bench.run(&[b"SCAN", b"0", b"COUNT", b"50"]);
        let words = bulks(&reply);
        assert_eq!((&words[0][..], words.len()), (&b"0"[..], 51));
        let reply = bench.run(&[b"SCAN", b"0"]);
        assert!(11 <= bulks(&reply).len());
    }

    #[test]
    fn chance_reaches_every_key() {
        let mut bench = Bench::new();
        check_on(&mut bench, "MSET a 1 b 2 c 3 d 4");
        let mut times: BTreeMap<String, u32> = BTreeMap::new();
        for _ in 0..4000 {
            *times.entry(texts(&bench.run(&[b"RANDOMKEY"])).concat()).or_default() += 1;
        }
        assert_eq!(times.len(), 4);
        assert!(times.values().all(|n| (850..1150).contains(n)), "{times:?}");
    }
}
