//! Walking over a sorted set: ZSCAN.
//!
//! A small set is given whole. In a large one a cursor is a position in the order of the members' hashes: what is
//! there during a whole iteration is given once, whatever scores become meanwhile.

use super::{KEY, SORTED, first, read};
use crate::commands::args::{int, is};
use crate::commands::parse_cursor;
use crate::error::{Done, Error};
use crate::row::{Doc, Flags, Meta, Row};
use crate::txn::Txn;
use crate::value::SortedSet;
use base::glob::{self, Case};
use base::number::push_f64_17;
use ds::listpack::Text;
use resp::{Args, Reply};

pub const ROWS: &[Row] = &[Row {
    meta: Meta {
        name: "zscan",
        arity: -3,
        flags: Flags::READONLY,
        keys: &[first(&["RO", "access"])],
        since: "2.8.0",
        summary: "Walks over the members of a sorted set, some at a time.",
        complexity: "O(1) per call, O(N) for a whole iteration",
        tips: &["nondeterministic_output"],
        docs: &[
            KEY,
            Doc::new("cursor", "integer"),
            Doc::new("pattern", "pattern").behind("MATCH").optional(),
            Doc::new("count", "integer").behind("COUNT").optional(),
        ],
        ..SORTED
    },
    run: zscan,
}];

/// Elements of a call, unless COUNT says otherwise.
const COUNT: usize = 10;

fn zscan(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let cursor = parse_cursor(args.at(2)).ok_or(Error::InvalidCursor)?;
    let Some(set) = read(txn, args.at(1))? else {
        out.array(2);
        out.bulk(b"0");
        out.array(0);
        return Ok(());
    };
    let (pattern, count) = options(args)?;
    let mut found: Vec<Vec<u8>> = Vec::new();
    let mut visit = |member: &[u8], score: &dyn Fn(&mut Vec<u8>)| {
        if pattern.is_none_or(|pattern| glob::matches(pattern, member, Case::Sensitive)) {
            let mut text = Vec::new();
            score(&mut text);
            found.extend([member.to_vec(), text]);
        }
    };
    let next = match set {
        SortedSet::Pack(pack) => {
            let (mut values, mut text) = (pack.iter(), Text::new());
            while let (Some(member), Some(score)) = (values.next(), values.next()) {
                visit(member.bytes(&mut text), &|out| score.push_to(out));
            }
            0
        }
        SortedSet::Tree(tree) => {
            tree.scan(cursor, count, |member, score| visit(member, &|out| push_f64_17(out, score)))
        }
    };
    out.array(2);
    out.bulk(itoa::Buffer::new().format(next).as_bytes());
    out.array(found.len());
    found.iter().for_each(|text| out.bulk(text));
    Ok(())
}

fn options(args: Args<'_>) -> Result<(Option<&[u8]>, usize), Error> {
    let (mut pattern, mut count) = (None, COUNT);
    for i in (3..args.len()).step_by(2) {
        let (word, next) = (args.at(i), args.get(i + 1).ok_or(Error::Syntax)?);
        if is(word, "count") {
            count = usize::try_from(int(next)?).ok().filter(|&count| 0 < count).ok_or(Error::Syntax)?;
        } else if is(word, "match") {
            pattern = (next != b"*").then_some(next);
        } else {
            return Err(Error::Syntax);
        }
    }
    Ok((pattern, count))
}

#[cfg(test)]
mod tests {
    use crate::testing::{Bench, check, texts};
    use std::collections::BTreeSet;

    #[test]
    fn forms() {
        check(
            r#"
            ZADD z 1 a 0.1 b
            ZSCAN z 0 -> ["0", ["b", "0.1", "a", "1"]] |
            ZSCAN z 17 MATCH a* COUNT 1 -> ["0", ["a", "1"]]
            ZSCAN none 0 COUNT x -> ["0", []]
            ZSCAN z x -> -ERR invalid cursor
            ZSCAN z 0 COUNT 0 -> -ERR syntax error
            ZSCAN z 0 TYPE zset -> -ERR syntax error
            ZSCAN z 0 MATCH -> -ERR syntax error
            "#,
        );
        let long = "x".repeat(65);
        // The scores of a large set have 17 digits, as Redis prints them here.
        check(&format!("ZADD z 0.1 {long}\nZSCAN z 0 -> [\"0\", [\"{long}\", \"0.10000000000000001\"]]"));
    }

    #[test]
    fn a_large_set_is_given_once() {
        let mut bench = Bench::new();
        for i in 0..500 {
            bench.run(&[b"ZADD", b"z", i.to_string().as_bytes(), format!("m{i}").as_bytes()]);
        }
        let (mut cursor, mut seen, mut calls) = ("0".to_string(), BTreeSet::new(), 0);
        loop {
            let reply = texts(&bench.run(&[b"ZSCAN", b"z", cursor.as_bytes(), b"COUNT", b"20"])).join("");
            let words: Vec<&str> = reply.split('"').skip(1).step_by(2).collect();
            cursor = words[0].to_string();
            for pair in words[1..].chunks(2) {
                assert_eq!(pair[0], format!("m{}", pair[1]));
                assert!(seen.insert(pair[0].to_string()), "{} comes twice", pair[0]);
            }
            calls += 1;
            if cursor == "0" {
                break;
            }
        }
        assert_eq!(seen.len(), 500);
        assert!(10 < calls, "{calls}");
    }
}
