//! Adding members and changing scores: ZADD, ZINCRBY.

use super::{KEY, MEMBER, SORTED, changed, edit, first, write};
use crate::commands::args::is;
use crate::error::{Done, Error};
use crate::events::Event;
use crate::row::{Doc, Flags, Meta, Row};
use crate::txn::{Ttl, Txn};
use crate::value::{Shapes, SortedSet, Value};
use base::number::parse_f64;
use ds::entry::NewPayload;
use ds::sorted::Insert;
use resp::{Args, Reply};

pub const ROWS: &[Row] = &[
    Row {
        meta: Meta {
            name: "zadd",
            arity: -4,
            flags: Flags::WRITE.with(Flags::DENYOOM).with(Flags::FAST),
            keys: &[first(&["RW", "update"])],
            since: "1.2.0",
            summary: "Adds members to a sorted set, or changes their scores.",
            complexity: "O(log(N)) for each member",
            history: &[
                ("2.4.0", "Several members at once."),
                ("3.0.2", "`XX`, `NX`, `CH` and `INCR` came."),
                ("6.2.0", "`GT` and `LT` came."),
            ],
            docs: &[
                KEY,
                Doc::one_of("condition", &[Doc::flag("nx", "NX"), Doc::flag("xx", "XX")])
                    .since("3.0.2")
                    .optional(),
                Doc::one_of("comparison", &[Doc::flag("gt", "GT"), Doc::flag("lt", "LT")])
                    .since("6.2.0")
                    .optional(),
                Doc::flag("change", "CH").since("3.0.2").optional(),
                Doc::flag("increment", "INCR").since("3.0.2").optional(),
                Doc::block("data", &[Doc::new("score", "double"), MEMBER]).multiple(),
            ],
            ..SORTED
        },
        run: zadd,
    },
    Row {
        meta: Meta {
            name: "zincrby",
            arity: 4,
            flags: Flags::WRITE.with(Flags::DENYOOM).with(Flags::FAST),
            keys: &[first(&["RW", "access", "update"])],
            since: "1.2.0",
            summary: "Adds to the score of a member of a sorted set.",
            complexity: "O(log(N)) in the size of the set",
            docs: &[KEY, Doc::new("increment", "integer"), MEMBER],
            ..SORTED
        },
        run: zincrby,
    },
];

/// Which elements may be added or changed, and how.
#[derive(Default, Clone, Copy)]
pub(in crate::commands) struct Options {
    pub nx: bool,
    pub xx: bool,
    pub gt: bool,
    pub lt: bool,
    pub ch: bool,
    pub incr: bool,
}

/// What became of the elements.
#[derive(Default)]
pub(in crate::commands) struct Outcome {
    pub added: usize,
    pub updated: usize,
    /// The score of the last element that no option kept from being set.
    pub score: Option<f64>,
}

impl Options {
    /// Reads the words before the first score; where that is.
    fn parse(args: Args) -> (Self, usize) {
        let mut options = Self::default();
        let mut i = 2;
        while let Some(word) = args.get(i) {
            let flag = match word {
                _ if is(word, "nx") => &mut options.nx,
                _ if is(word, "xx") => &mut options.xx,
                _ if is(word, "gt") => &mut options.gt,
                _ if is(word, "lt") => &mut options.lt,
                _ if is(word, "ch") => &mut options.ch,
                _ if is(word, "incr") => &mut options.incr,
                _ => break,
            };
            *flag = true;
            i += 1;
        }
        (options, i)
    }

    fn check(&self, elements: usize) -> Result<(), Error> {
        let message = if self.nx && self.xx {
            "ERR XX and NX options at the same time are not compatible"
        } else if 1 < usize::from(self.gt) + usize::from(self.lt) + usize::from(self.nx) {
            "ERR GT, LT, and/or NX options at the same time are not compatible"
        } else if self.incr && 1 < elements {
            "ERR INCR option supports a single increment-element pair"
        } else {
            return Ok(());
        };
        Err(Error::text(message))
    }

    /// Whether every element gets its score.
    fn is_plain(&self) -> bool {
        !(self.nx || self.xx || self.gt || self.lt || self.incr)
    }

    /// The score that the element gets; `None` if it stays as it is.
    fn score(&self, old: Option<f64>, score: f64) -> Result<Option<f64>, Error> {
        let Some(old) = old else { return Ok((!self.xx).then_some(score)) };
        if self.nx {
            return Ok(None);
        }
        let score = if self.incr { old + score } else { score };
        if score.is_nan() {
            return Err(Error::text("ERR resulting score is not a number (NaN)"));
        }
        let kept = (self.lt && old <= score) || (self.gt && score <= old);
        Ok((!kept).then_some(score))
    }
}

fn zadd(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let (options, from) = Options::parse(args);
    let words = args.len() - from;
    if words == 0 || !words.is_multiple_of(2) {
        return Err(Error::Syntax);
    }
    options.check(words / 2)?;
    let mut elements = Vec::with_capacity(words / 2);
    for i in (from..args.len()).step_by(2) {
        elements.push((parse_f64(args.at(i)).ok_or(Error::NotFloat)?, args.at(i + 1)));
    }
    let outcome = add(txn, args.at(1), options, &elements)?;
    match outcome.score {
        Some(score) if options.incr => out.double(score),
        None if options.incr => out.nil(),
        _ => out.int((outcome.added + if options.ch { outcome.updated } else { 0 }) as i64),
    }
    Ok(())
}

fn zincrby(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let by = parse_f64(args.at(2)).ok_or(Error::NotFloat)?;
    let options = Options { incr: true, ..Options::default() };
    let outcome = add(txn, args.at(1), options, &[(by, args.at(3))])?;
    out.double(outcome.score.expect("no option keeps the score from being set"));
    Ok(())
}

/// Adds the elements to the set at `key`, or changes their scores.
pub(in crate::commands) fn add(
    txn: &mut Txn,
    key: &[u8],
    options: Options,
    elements: &[(f64, &[u8])],
) -> Result<Outcome, Error> {
    let outcome = if write(txn, key)?.is_some() {
        edit(txn, key, |set, shapes| {
            if shapes.sorted_entries_max < elements.len() {
                set.unpack(shapes);
            }
            insert_all(set, options, elements, shapes)
        })?
    } else if options.xx {
        return Ok(Outcome::default());
    } else {
        let shapes = txn.engine().shapes();
        let mut set = SortedSet::for_members(elements.len(), elements[0].1.len(), &shapes);
        let outcome = insert_all(&mut set, options, elements, &shapes)?;
        txn.put(key, NewPayload::Boxed(Value::SortedSet(set)), Ttl::Clear);
        outcome
    };
    let count = outcome.added + outcome.updated;
    if count != 0 {
        changed(txn, key, if options.incr { Event::Zincr } else { Event::Zadd }, count);
    }
    Ok(outcome)
}

/// Fails only where there is one element, and changes nothing then.
fn insert_all(
    set: &mut SortedSet,
    options: Options,
    elements: &[(f64, &[u8])],
    shapes: &Shapes,
) -> Result<Outcome, Error> {
    let mut outcome = Outcome::default();
    for &(score, member) in elements {
        let score = if options.is_plain() { Some(score) } else { options.score(set.score(member), score)? };
        let Some(score) = score else { continue };
        outcome.score = Some(score);
        match set.insert(member, score, shapes) {
            Insert::Inserted => outcome.added += 1,
            Insert::Rescored(_) => outcome.updated += 1,
            Insert::Unchanged => {}
        }
    }
    Ok(outcome)
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn adding() {
        check(
            r#"
            ZADD z 1 a 2 b 1 a -> 2 | ZADD z 1 a 2 b 1 a
            ZADD z 1 a -> 0 |
            ZADD z 3 a -> 0 | ZADD z 3 a
            ZADD z CH 4 a 5 c -> 2 | ZADD z CH 4 a 5 c
            ZADD z NX 9 a 6 d -> 1
            ZADD z XX 9 a 6 e -> 0 | ZADD z XX 9 a 6 e
            ZADD z XX 1 none -> 0 |
            ZADD none XX 1 a -> 0 |
            EXISTS none -> 0
            ZADD z GT CH 8 a -> 0 |
            ZADD z LT CH 8 a -> 1
            ZADD z GT CH 7 new -> 1
            ZADD z INCR 1.5 a -> "9.5" | ZADD z INCR 1.5 a
            ZADD z NX INCR 1 a -> nil |
            ZADD z GT INCR -1 a -> nil |
            ZADD z XX INCR 1 none -> nil |
            ZADD z INCR 0 a -> "9.5" |
            ZINCRBY z 0.5 a -> "10" | ZINCRBY z 0.5 a
            ZINCRBY z inf i -> "inf" | ZINCRBY z inf i
            ZINCRBY z -inf i -> -ERR resulting score is not a number (NaN) |
            RESP 3
            ZSCORE z i -> inf
            ZADD z INCR 1 a -> 11
            ZADD z NX XX 1 a -> -ERR XX and NX options at the same time are not compatible |
            ZADD z NX GT 1 a -> -ERR GT, LT, and/or NX options at the same time are not compatible |
            ZADD z GT LT 1 a -> -ERR GT, LT, and/or NX options at the same time are not compatible |
            ZADD z INCR 1 a 2 b -> -ERR INCR option supports a single increment-element pair |
            ZADD z NX 1 -> -ERR syntax error |
            ZADD z 1 a x b -> -ERR value is not a valid float |
            ZADD z nan b -> -ERR value is not a valid float |
            SET s v
            ZADD s 1 a -> -WRONGTYPE Operation against a key holding the wrong kind of value |
            ZINCRBY s 1 a -> -WRONGTYPE Operation against a key holding the wrong kind of value |
            "#,
        );
    }

    #[test]
    fn encodings() {
        let many: String = (0..128).map(|i| format!(" {i} m{i}")).collect();
        let long = "x".repeat(65);
        check(&format!(
            r#"
            ZADD z{many} -> 128
            OBJECT ENCODING z -> "listpack"
            ZADD z 7.5 m0
            OBJECT ENCODING z -> "listpack"
            ZADD z 1 more -> 1
            OBJECT ENCODING z -> "skiplist"
            ZREM z more m1 m2 -> 3
            OBJECT ENCODING z -> "skiplist"
            ZRANGESTORE copy z 0 9 -> 10
            OBJECT ENCODING copy -> "listpack"
            ZADD copy 0 {long}
            OBJECT ENCODING copy -> "skiplist"
            ZRANGESTORE copy copy 0 0 -> 1
            OBJECT ENCODING copy -> "skiplist"
            ZADD new 1 {long}
            OBJECT ENCODING new -> "skiplist"
            ZADD zero -0 a
            ZSCORE zero a -> "0"
            "#,
        ));
    }
}
