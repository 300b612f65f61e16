//! Fields by chance: HRANDFIELD.

use super::{HASH, KEY, first, read, reply_value};
use crate::commands::args::{REPEATS_MAX, int, is};
use crate::error::{Done, Error};
use crate::row::{Doc, Flags, Meta, Row};
use crate::txn::Txn;
use base::rng::Rng;
use ds::listpack::Value;
use resp::{Args, Proto, Reply};

pub const ROWS: &[Row] = &[Row {
    meta: Meta {
        name: "hrandfield",
        arity: -2,
        flags: Flags::READONLY,
        keys: &[first(&["RO", "access"])],
        since: "6.2.0",
        summary: "Gives fields of a hash by chance.",
        complexity: "O(N) in the number of fields given",
        tips: &["nondeterministic_output"],
        docs: &[
            KEY,
            Doc::block(
                "options",
                &[Doc::new("count", "integer"), Doc::flag("withvalues", "WITHVALUES").optional()],
            )
            .optional(),
        ],
        ..HASH
    },
    run: hrandfield,
}];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Values {
    With,
    Without,
}

fn hrandfield(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let key = args.at(1);
    // Chance is borrowed apart from the hash.
    let mut rng = Rng::new(txn.rng().next_u64());
    let horizon = txn.horizon();
    let Some(count) = args.get(2) else {
        match read(txn, key)?.and_then(|hash| hash.random(horizon, &mut rng)) {
            Some((field, _)) => reply_value(out, field),
            None => out.nil(),
        }
        return Ok(());
    };
    let (count, values) = options(count, args)?;
    let Some(hash) = read(txn, key)? else {
        out.array(0);
        return Ok(());
    };
    if count == 0 {
        out.array(0);
        return Ok(());
    }
    let (fields, size) = (hash.ranked(horizon), count.unsigned_abs());
    if 0 < count {
        let ranks = fields.sample(usize::try_from(size).unwrap_or(usize::MAX), &mut rng);
        reply_len(out, ranks.len(), values);
        ranks.into_iter().filter_map(|rank| fields.get(rank)).for_each(|pair| reply_pair(out, pair, values));
    } else if fields.is_empty() {
        out.array(0);
    } else if REPEATS_MAX < size {
        return Err(Error::OutOfRange);
    } else {
        reply_len(out, size as usize, values);
        for _ in 0..size {
            reply_pair(out, fields.random(&mut rng).expect("there are some"), values);
        }
    }
    Ok(())
}

fn options(count: &[u8], args: Args) -> Result<(i64, Values), Error> {
    let count = int(count)?;
    if count == i64::MIN {
        return Err(Error::OutOfLongRange);
    }
    let values = match args.get(3) {
        None => Values::Without,
        Some(word) if args.len() == 4 && is(word, "withvalues") => Values::With,
        Some(_) => return Err(Error::Syntax),
    };
    if values == Values::With && i64::MAX as u64 / 2 < count.unsigned_abs() {
        return Err(Error::OutOfRange);
    }
    Ok((count, values))
}

/// Begins a reply of so many fields.
fn reply_len(out: &mut Reply, count: usize, values: Values) {
    let is_flat = values == Values::With && out.proto() == Proto::Resp2;
    out.array(if is_flat { 2 * count } else { count });
}

/// A field: for RESP3 with its value in an array of its own.
fn reply_pair(out: &mut Reply, (field, value): (Value, Value), values: Values) {
    if values == Values::With && out.proto() == Proto::Resp3 {
        out.array(2);
    }
    reply_value(out, field);
    if values == Values::With {
        reply_value(out, value);
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{Bench, check, check_on, texts};
    use std::collections::BTreeMap;

    #[test]
    fn forms() {
        check(
            r#"
            HSET h a 1
            HRANDFIELD h -> "a" |
            HRANDFIELD none -> nil
            HRANDFIELD none 3 -> []
            HRANDFIELD none -3 WITHVALUES -> []
            HRANDFIELD h 0 -> []
            HRANDFIELD h 5 -> ["a"]
            HRANDFIELD h 5 withvalues -> ["a", "1"]
            HRANDFIELD h -2 -> ["a", "a"]
            HRANDFIELD h -2 WITHVALUES -> ["a", "1", "a", "1"]
            HRANDFIELD h 9223372036854775807 -> ["a"]
            RESP 3
            HRANDFIELD h 5 WITHVALUES -> [["a", "1"]]
            HRANDFIELD h -2 WITHVALUES -> [["a", "1"], ["a", "1"]]
            HRANDFIELD h 5 -> ["a"]
            HRANDFIELD h 0 WITHVALUES -> []
            HRANDFIELD none 1 WITHVALUES -> []
            HRANDFIELD h x -> -ERR value is not an integer or out of range
            HRANDFIELD h 1 x -> -ERR syntax error
            HRANDFIELD h 1 WITHVALUES x -> -ERR syntax error
            HRANDFIELD none 1 x -> -ERR syntax error
            HRANDFIELD h 9223372036854775807 WITHVALUES -> -ERR value is out of range
            HRANDFIELD h -4611686018427387904 WITHVALUES -> -ERR value is out of range
            HRANDFIELD h 4611686018427387903 WITHVALUES -> [["a", "1"]]
            HRANDFIELD h -9223372036854775808 -> -ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807
            HRANDFIELD h -9223372036854775807 -> -ERR value is out of range
            SET string x
            HRANDFIELD string -> -WRONGTYPE Operation against a key holding the wrong kind of value
            HRANDFIELD string 0 -> -WRONGTYPE Operation against a key holding the wrong kind of value
            HRANDFIELD string x -> -ERR value is not an integer or out of range
            "#,
        );
    }

    /// Fields and values belong together, and no field comes twice where it must not.
    #[test]
    fn some_of_many() {
        for fields in [20_usize, 600] {
            let mut bench = Bench::new();
            let pairs: Vec<String> = (0..fields).map(|i| format!("f{i} v{i}")).collect();
            check_on(&mut bench, &format!("HSET h {}", pairs.join(" ")));
            for (count, wanted) in [("15", 15), ("-15", 15), ("-700", 700), ("19", 19), ("9999", fields)] {
                let reply =
                    texts(&bench.run(&[b"HRANDFIELD", b"h", count.as_bytes(), b"WITHVALUES"])).remove(0);
                let words: Vec<&str> = reply.split('"').skip(1).step_by(2).collect();
                assert_eq!(words.len(), 2 * wanted);
                assert!(words.chunks(2).all(|pair| pair[0][1..] == pair[1][1..]), "{reply}");
                let different: std::collections::BTreeSet<&str> = words.iter().step_by(2).copied().collect();
                assert!(count.starts_with('-') || different.len() == wanted, "{reply}");
            }
        }
    }

    /// Chi-square over the fields that come: 99.99 % of fair draws stay below the bound.
    #[test]
    fn each_field_is_as_likely() {
        let long = "x".repeat(65);
        for (fields, value) in [(50_usize, "v"), (50, &long[..]), (600, "v")] {
            for request in ["HRANDFIELD h", "HRANDFIELD h 5", "HRANDFIELD h 40", "HRANDFIELD h -20"] {
                let mut bench = Bench::new();
                let pairs: Vec<String> = (0..fields).map(|i| format!("f{i} {value}")).collect();
                check_on(&mut bench, &format!("HSET h {}", pairs.join(" ")));
                let mut counts: BTreeMap<String, f64> = BTreeMap::new();
                let words: Vec<&[u8]> = request.split(' ').map(str::as_bytes).collect();
                for _ in 0..4000 {
                    let reply = texts(&bench.run(&words)).remove(0);
                    for field in reply.trim_matches(['[', ']']).split(", ") {
                        *counts.entry(field.to_string()).or_default() += 1.0;
                    }
                }
                let expected = counts.values().sum::<f64>() / fields as f64;
                let missing = (fields - counts.len()) as f64 * expected;
                let chi: f64 =
                    counts.values().map(|n| (n - expected).powi(2) / expected).sum::<f64>() + missing;
                let freedom = (fields - 1) as f64;
                assert!(chi < freedom + 4.5 * (2.0 * freedom).sqrt(), "{request} of {fields}: {chi}");
            }
        }
    }
}
