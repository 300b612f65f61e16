//! Walking over the fields of a hash: HSCAN. A table is walked in hash order, as SCAN does it with keys; small hashes
//! are given whole. NOVALUES is Redis 7.4's.

use super::{HASH, KEY, first, read, reply_value};
use crate::commands::args::{int, is};
use crate::commands::keyspace::parse_cursor;
use crate::error::{Done, Error};
use crate::row::{Doc, Flags, Meta, Row};
use crate::txn::Txn;
use base::glob::{self, Case};
use ds::listpack::Text;
use resp::{Args, Reply};

pub const ROWS: &[Row] = &[Row {
    meta: Meta {
        name: "hscan",
        arity: -3,
        flags: Flags::READONLY,
        keys: &[first(&["RO", "access"])],
        since: "2.8.0",
        summary: "Walks over the fields of a hash, some at a time.",
        complexity: "O(1) per call, O(N) for a whole iteration over N fields",
        tips: &["nondeterministic_output"],
        docs: &[
            KEY,
            Doc::new("cursor", "integer"),
            Doc::new("pattern", "pattern").behind("MATCH").optional(),
            Doc::new("count", "integer").behind("COUNT").optional(),
            Doc::flag("novalues", "NOVALUES").since("7.4.0").optional(),
        ],
        ..HASH
    },
    run: hscan,
}];

/// Fields of a call, unless COUNT says otherwise.
const COUNT: usize = 10;

struct Options<'a> {
    count: usize,
    pattern: Option<&'a [u8]>,
    has_values: bool,
}

fn options(args: Args<'_>) -> Result<Options<'_>, Error> {
    let mut options = Options { count: COUNT, pattern: None, has_values: true };
    let mut words = args.iter();
    while let Some(word) = words.next() {
        if is(word, "novalues") {
            options.has_values = false;
            continue;
        }
        let next = words.next().ok_or(Error::Syntax)?;
        if is(word, "count") {
            options.count =
                usize::try_from(int(next)?).ok().filter(|&count| 0 < count).ok_or(Error::Syntax)?;
        } else if is(word, "match") {
            options.pattern = (next != b"*").then_some(next);
        } else {
            return Err(Error::Syntax);
        }
    }
    Ok(options)
}

fn hscan(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let cursor = parse_cursor(args.at(2)).ok_or(Error::InvalidCursor)?;
    // Without a hash nobody looks at the options.
    let Some(hash) = read(txn, args.at(1))? else {
        out.array(2);
        out.bulk(b"0");
        out.array(0);
        return Ok(());
    };
    let options = options(args.tail(3))?;
    let mut text = Text::new();
    let mut found = Vec::new();
    let next = hash.scan(cursor, options.count, txn.horizon(), |field, value| {
        let takes = |pattern| glob::matches(pattern, field.bytes(&mut text), Case::Sensitive);
        if options.pattern.is_none_or(takes) {
            found.push((field, value));
        }
    });
    out.array(2);
    out.bulk(itoa::Buffer::new().format(next).as_bytes());
    out.array(if options.has_values { 2 * found.len() } else { found.len() });
    for (field, value) in found {
        reply_value(out, field);
        if options.has_values {
            reply_value(out, value);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::{Bench, check, check_on, texts};
    use std::collections::BTreeSet;

    #[test]
    fn arguments_and_small_hashes() {
        check(
            r#"
            HSCAN none 0 -> ["0", []] |
            HSCAN none 0 COUNT 0 -> ["0", []]
            HSCAN none x -> -ERR invalid cursor
            HSET h a 1 b 2 1 c
            HSCAN h 0 COUNT 1 -> ["0", ["a", "1", "b", "2", "1", "c"]] |
            HSCAN h 77 MATCH [0-9] -> ["0", ["1", "c"]]
            HSCAN h 0 MATCH * COUNT 100 -> ["0", ["a", "1", "b", "2", "1", "c"]]
            HSCAN h 0 NOVALUES -> ["0", ["a", "b", "1"]]
            HSCAN h 0 match b novalues count 5 -> ["0", ["b"]]
            HSCAN h 0 MATCH x MATCH b -> ["0", ["b", "2"]]
            HSCAN h 0 MATCH -> -ERR syntax error
            HSCAN h 0 NOVALUES x -> -ERR syntax error
            HSCAN h 0 TYPE x -> -ERR syntax error
            HSCAN h 0 COUNT 0 -> -ERR syntax error
            HSCAN h 0 COUNT x -> -ERR value is not an integer or out of range
            SET string x
            HSCAN string 0 -> -WRONGTYPE Operation against a key holding the wrong kind of value
            HSCAN string x -> -ERR invalid cursor
            RESP 3
            HSCAN h 0 MATCH b -> ["0", ["b", "2"]]
            "#,
        );
    }

    #[test]
    fn a_table_is_walked_in_steps() {
        let mut bench = Bench::new();
        let pairs: Vec<String> = (0..1000).map(|i| format!("f{i} v{i}")).collect();
        check_on(&mut bench, &format!("HSET h {} -> 1000", pairs.join(" ")));
        let (mut cursor, mut seen, mut steps) = ("0".to_string(), BTreeSet::new(), 0);
        loop {
            let reply = texts(&bench.run(&[b"HSCAN", b"h", cursor.as_bytes(), b"COUNT", b"50"])).remove(0);
            let words: Vec<&str> = reply.split('"').skip(1).step_by(2).collect();
            cursor = words[0].to_string();
            for pair in words[1..].chunks(2) {
                assert_eq!(pair[0][1..], pair[1][1..]);
                assert!(seen.insert(pair[0].to_string()), "{} comes twice", pair[0]);
            }
            steps += 1;
            if cursor == "0" {
                break;
            }
        }
        assert_eq!(seen.len(), 1000);
        assert!(10 < steps && steps <= 20, "{steps}");
    }
}
