//! Walking over the members of a set: SSCAN. A table is walked in hash order, as SCAN does it with keys; small sets
//! are given whole.

use super::{KEY, SET, one, read, reply_member};
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
        name: "sscan",
        arity: -3,
        flags: Flags::READONLY,
        keys: &[one(1, &["RO", "access"])],
        since: "2.8.0",
        summary: "Walks over the members of a set, some at a time.",
        complexity: "O(1) per call, O(N) for a whole iteration over N members",
        tips: &["nondeterministic_output"],
        docs: &[
            KEY,
            Doc::new("cursor", "integer"),
            Doc::new("pattern", "pattern").behind("MATCH").optional(),
            Doc::new("count", "integer").behind("COUNT").optional(),
        ],
        ..SET
    },
    run: sscan,
}];

const COUNT: usize = 10;

struct Options<'a> {
    count: usize,
    pattern: Option<&'a [u8]>,
}

fn options(args: Args<'_>) -> Result<Options<'_>, Error> {
    let mut options = Options { count: COUNT, pattern: None };
    for i in (0..args.len()).step_by(2) {
        let (word, next) = (args.at(i), args.get(i + 1).ok_or(Error::Syntax)?);
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

fn sscan(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let cursor = parse_cursor(args.at(2)).ok_or(Error::InvalidCursor)?;
    let set = read(txn, args.at(1))?;
    // Without a set nobody looks at the options.
    let Some(set) = set else {
        out.array(2);
        out.bulk(b"0");
        out.array(0);
        return Ok(());
    };
    let options = options(args.tail(3))?;
    let mut text = Text::new();
    let mut found = Vec::new();
    let next = set.scan(cursor, options.count, |member| {
        let takes = |pattern| glob::matches(pattern, member.bytes(&mut text), Case::Sensitive);
        if options.pattern.is_none_or(takes) {
            found.push(member);
        }
    });
    out.array(2);
    out.bulk(itoa::Buffer::new().format(next).as_bytes());
    out.array(found.len());
    found.into_iter().for_each(|member| reply_member(out, member));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::{Bench, check, check_on, texts};
    use std::collections::BTreeSet;

    #[test]
    fn arguments_and_small_sets() {
        check(
            r#"
            SSCAN none 0 -> ["0", []] |
            SSCAN none 0 COUNT 0 -> ["0", []]
            SSCAN none x -> -ERR invalid cursor
            SADD s 1 2 x
            SSCAN s 0 COUNT 1 -> ["0", ["1", "2", "x"]] |
            SSCAN s 77 MATCH [0-9] -> ["0", ["1", "2"]]
            SSCAN s 0 MATCH * COUNT 100 -> ["0", ["1", "2", "x"]]
            SSCAN s 0 MATCH -> -ERR syntax error
            SSCAN s 0 TYPE x -> -ERR syntax error
            SSCAN s 0 COUNT 0 -> -ERR syntax error
            SSCAN s 0 COUNT x -> -ERR value is not an integer or out of range
            SET string x
            SSCAN string 0 -> -WRONGTYPE Operation against a key holding the wrong kind of value
            SSCAN string x -> -ERR invalid cursor
            SSCAN s 0 NOVALUES -> -ERR syntax error
            "#,
        );
    }

    #[test]
    fn a_table_is_walked_in_steps() {
        let mut bench = Bench::new();
        let members: Vec<String> = (0..1000).map(|i| format!("m{i}")).collect();
        check_on(&mut bench, &format!("SADD s {} -> 1000", members.join(" ")));
        let (mut cursor, mut seen, mut steps) = ("0".to_string(), BTreeSet::new(), 0);
        loop {
            let reply = bench.run(&[b"SSCAN", b"s", cursor.as_bytes(), b"COUNT", b"50"]);
            let text = texts(&reply).remove(0);
            let (next, found) = text.split_once(", ").expect("a cursor and members");
            let found = found.trim_matches(['[', ']']).split(", ");
            for member in found {
                assert!(seen.insert(member.to_string()), "{member} comes twice");
            }
            cursor = next.trim_matches(['[', '"']).to_string();
            steps += 1;
            if cursor == "0" {
                break;
            }
        }
        assert_eq!(seen.len(), 1000);
        assert!(10 < steps && steps <= 20, "{steps}");
    }
}
