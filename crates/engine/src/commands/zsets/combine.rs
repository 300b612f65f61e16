//! Several sets at once: ZUNION, ZINTER, ZDIFF, their forms that store, and ZINTERCARD.
//!
//! A plain set counts as one whose scores are all 1. Scores are added up in the order of the sets' sizes, the
//! smallest first, as Redis does: for floating point the order shows.

use super::{SORTED, Scores, counted, first, reply_element, reply_elements, store};
use crate::commands::args::{int, is};
use crate::error::{Done, Error};
use crate::events::Event;
use crate::row::{Doc, Flags, Meta, Row};
use crate::txn::Txn;
use crate::value::{Set, SortedSet, Value};
use base::number::parse_f64;
use ds::entry::Payload;
use ds::listpack::{self, Text};
use ds::sorted::Sorted;
use resp::{Args, Reply};

pub const ROWS: &[Row] = &[
    Row {
        meta: Meta {
            name: "zunion",
            arity: -3,
            flags: Flags::READONLY.with(Flags::MOVABLE_KEYS),
            keys: &[counted(1, &["RO", "access"])],
            since: "6.2.0",
            summary: "Gives the union of sorted sets.",
            complexity: "O(N)+O(M*log(M)) with N elements in all sets and M in the result",
            docs: &[
                Doc::new("numkeys", "integer"),
                Doc::key("key", 0).multiple(),
                Doc::new("weight", "integer").behind("WEIGHTS").optional().multiple(),
                Doc::one_of(
                    "aggregate",
                    &[Doc::flag("sum", "SUM"), Doc::flag("min", "MIN"), Doc::flag("max", "MAX")],
                )
                .behind("AGGREGATE")
                .optional(),
                Doc::flag("withscores", "WITHSCORES").optional(),
            ],
            ..SORTED
        },
        run: zunion,
    },
    Row {
        meta: Meta {
            name: "zinter",
            arity: -3,
            flags: Flags::READONLY.with(Flags::MOVABLE_KEYS),
            keys: &[counted(1, &["RO", "access"])],
            since: "6.2.0",
            summary: "Gives the intersection of sorted sets.",
            complexity: "O(N*K)+O(M*log(M)) with N elements in the smallest of K sets and M in the result",
            docs: &[
                Doc::new("numkeys", "integer"),
                Doc::key("key", 0).multiple(),
                Doc::new("weight", "integer").behind("WEIGHTS").optional().multiple(),
                Doc::one_of(
                    "aggregate",
                    &[Doc::flag("sum", "SUM"), Doc::flag("min", "MIN"), Doc::flag("max", "MAX")],
                )
                .behind("AGGREGATE")
                .optional(),
                Doc::flag("withscores", "WITHSCORES").optional(),
            ],
            ..SORTED
        },
        run: zinter,
    },
    Row {
        meta: Meta {
            name: "zdiff",
            arity: -3,
            flags: Flags::READONLY.with(Flags::MOVABLE_KEYS),
            keys: &[counted(1, &["RO", "access"])],
            since: "6.2.0",
            summary: "Gives what the first of some sorted sets has and no other.",
            complexity: "O(N*K)+O(M*log(M)) with N elements in the first of K sets and M in the result",
            docs: &[
                Doc::new("numkeys", "integer"),
                Doc::key("key", 0).multiple(),
                Doc::flag("withscores", "WITHSCORES").optional(),
            ],
            ..SORTED
        },
        run: zdiff,
    },
    Row {
        meta: Meta {
            name: "zunionstore",
            arity: -4,
            flags: Flags::WRITE.with(Flags::DENYOOM).with(Flags::MOVABLE_KEYS),
            keys: &[first(&["OW", "update"]), counted(2, &["RO", "access"])],
            since: "2.0.0",
            summary: "Makes a key hold the union of sorted sets.",
            complexity: "O(N)+O(M*log(M)) with N elements in all sets and M in the result",
            docs: &[
                Doc::key("destination", 0),
                Doc::new("numkeys", "integer"),
                Doc::key("key", 1).multiple(),
                Doc::new("weight", "integer").behind("WEIGHTS").optional().multiple(),
                Doc::one_of(
                    "aggregate",
                    &[Doc::flag("sum", "SUM"), Doc::flag("min", "MIN"), Doc::flag("max", "MAX")],
                )
                .behind("AGGREGATE")
                .optional(),
            ],
            ..SORTED
        },
        run: zunionstore,
    },
    Row {
        meta: Meta {
            name: "zinterstore",
            arity: -4,
            flags: Flags::WRITE.with(Flags::DENYOOM).with(Flags::MOVABLE_KEYS),
            keys: &[first(&["OW", "update"]), counted(2, &["RO", "access"])],
            since: "2.0.0",
            summary: "Makes a key hold the intersection of sorted sets.",
            complexity: "O(N*K)+O(M*log(M)) with N elements in the smallest of K sets and M in the result",
            docs: &[
                Doc::key("destination", 0),
                Doc::new("numkeys", "integer"),
                Doc::key("key", 1).multiple(),
                Doc::new("weight", "integer").behind("WEIGHTS").optional().multiple(),
                Doc::one_of(
                    "aggregate",
                    &[Doc::flag("sum", "SUM"), Doc::flag("min", "MIN"), Doc::flag("max", "MAX")],
                )
                .behind("AGGREGATE")
                .optional(),
            ],
            ..SORTED
        },
        run: zinterstore,
    },
    Row {
        meta: Meta {
            name: "zdiffstore",
            arity: -4,
            flags: Flags::WRITE.with(Flags::DENYOOM).with(Flags::MOVABLE_KEYS),
            keys: &[first(&["OW", "update"]), counted(2, &["RO", "access"])],
            since: "6.2.0",
            summary: "Makes a key hold what the first of some sorted sets has and no other.",
            complexity: "O(N*K)+O(M*log(M)) with N elements in the first of K sets and M in the result",
            docs: &[
                Doc::key("destination", 0),
                Doc::new("numkeys", "integer"),
                Doc::key("key", 1).multiple(),
            ],
            ..SORTED
        },
        run: zdiffstore,
    },
    Row {
        meta: Meta {
            name: "zintercard",
            arity: -3,
            flags: Flags::READONLY.with(Flags::MOVABLE_KEYS),
            keys: &[counted(1, &["RO", "access"])],
            since: "7.0.0",
            summary: "Counts the members that all of some sorted sets have.",
            complexity: "O(N*K) with N elements in the smallest of K sets",
            docs: &[
                Doc::new("numkeys", "integer"),
                Doc::key("key", 0).multiple(),
                Doc::new("limit", "integer").behind("LIMIT").optional(),
            ],
            ..SORTED
        },
        run: zintercard,
    },
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    Union,
    Inter,
    Diff,
}

/// How the scores of one member become one.
#[derive(Clone, Copy)]
enum Aggregate {
    Sum,
    Min,
    Max,
}

impl Aggregate {
    fn of(self, one: f64, two: f64) -> f64 {
        match self {
            // Two infinities of different signs are nothing.
            Self::Sum => Some(one + two).filter(|sum| !sum.is_nan()).unwrap_or(0.0),
            Self::Min => {
                if two < one {
                    two
                } else {
                    one
                }
            }
            Self::Max => {
                if one < two {
                    two
                } else {
                    one
                }
            }
        }
    }
}

/// What is combined: nothing, a set, a sorted set.
#[derive(Clone, Copy)]
enum Source<'t> {
    Nothing,
    Set(&'t Set),
    Sorted(&'t SortedSet),
}

impl<'t> Source<'t> {
    fn at(txn: &'t Txn, key: &[u8]) -> Result<Self, Error> {
        match txn.read(key).map(|entry| entry.payload()) {
            None => Ok(Self::Nothing),
            Some(Payload::Boxed(Value::Set(set))) => Ok(Self::Set(set)),
            Some(Payload::Boxed(Value::SortedSet(set))) => Ok(Self::Sorted(set)),
            Some(_) => Err(Error::WrongType),
        }
    }

    fn len(self) -> usize {
        match self {
            Self::Nothing => 0,
            Self::Set(set) => set.len(),
            Self::Sorted(set) => set.len(),
        }
    }

    fn score(self, member: &[u8]) -> Option<f64> {
        match self {
            Self::Nothing => None,
            Self::Set(set) => set.contains(member).then_some(1.0),
            Self::Sorted(set) => set.score(member),
        }
    }

    fn for_each(self, mut visit: impl FnMut(listpack::Value, f64)) {
        match self {
            Self::Nothing => {}
            Self::Set(set) => set.for_each(|member| visit(member, 1.0)),
            Self::Sorted(set) => set.for_each(visit),
        }
    }
}

/// The sets with their weights.
type Sources<'t> = Vec<(Source<'t>, f64)>;

/// What follows the keys.
struct Options {
    aggregate: Aggregate,
    scores: Scores,
    /// How many members are counted at most; 0: all.
    limit: usize,
}

/// What a command allows behind its keys.
#[derive(Clone, Copy)]
struct Form {
    name: &'static str,
    of: Of,
    /// The number of keys is this argument.
    at: usize,
    counts: bool,
}

/// How many keys there are.
fn key_count(args: Args, form: Form) -> Result<usize, Error> {
    let count = int(args.at(form.at))?;
    let Some(count) = usize::try_from(count).ok().filter(|&count| 0 < count) else {
        let text = format!("ERR at least 1 input key is needed for '{}' command", form.name);
        return Err(Error::owned(text));
    };
    if args.len() - form.at - 1 < count { Err(Error::Syntax) } else { Ok(count) }
}

fn sources<'t>(txn: &'t Txn, args: Args, form: Form) -> Result<(Sources<'t>, Options), Error> {
    let count = key_count(args, form)?;
    let keys = args.iter().skip(form.at + 1).take(count);
    let mut sources: Sources =
        keys.map(|key| Ok((Source::at(txn, key)?, 1.0))).collect::<Result<_, Error>>()?;
    let mut options = Options { aggregate: Aggregate::Sum, scores: Scores::Without, limit: 0 };
    let weighs = form.of != Of::Diff && !form.counts;
    let mut i = form.at + 1 + count;
    while let Some(word) = args.get(i) {
        let left = args.len() - i - 1;
        if weighs && count <= left && is(word, "weights") {
            for (j, (_, weight)) in sources.iter_mut().enumerate() {
                let text = args.at(i + 1 + j);
                *weight = parse_f64(text).ok_or(Error::text("ERR weight value is not a float"))?;
            }
            i += count;
        } else if weighs && 1 <= left && is(word, "aggregate") {
            options.aggregate = aggregate(args.at(i + 1))?;
            i += 1;
        } else if form.at == 1 && !form.counts && is(word, "withscores") {
            options.scores = Scores::With;
        } else if form.counts && 1 <= left && is(word, "limit") {
            let limit = int(args.at(i + 1)).ok().and_then(|n| usize::try_from(n).ok());
            options.limit = limit.ok_or(Error::text("ERR LIMIT can't be negative"))?;
            i += 1;
        } else {
            return Err(Error::Syntax);
        }
        i += 1;
    }
    if form.of != Of::Diff {
        sources.sort_by_key(|(source, _)| source.len());
    }
    Ok((sources, options))
}

fn aggregate(word: &[u8]) -> Result<Aggregate, Error> {
    let all = [("sum", Aggregate::Sum), ("min", Aggregate::Min), ("max", Aggregate::Max)];
    let found = all.into_iter().find(|(name, _)| is(word, name));
    found.map(|(_, aggregate)| aggregate).ok_or(Error::Syntax)
}

/// A weighted score; 0 times infinity is nothing.
fn weighted(score: f64, weight: f64) -> f64 {
    let score = score * weight;
    if score.is_nan() { 0.0 } else { score }
}

fn combine(of: Of, sources: &Sources, aggregate: Aggregate, result: &mut Sorted) {
    let (first, others) = sources.split_first().expect("there is a key");
    let mut text = Text::new();
    match of {
        Of::Union => {
            for (source, weight) in sources {
                source.for_each(|member, score| {
                    let (member, score) = (member.bytes(&mut text), weighted(score, *weight));
                    let sum = match result.score(member) {
                        None => score,
                        Some(old) => {
                            // Zero with another sign is the same score to the set, which would keep the first.
                            result.remove(member);
                            aggregate.of(old, score)
                        }
                    };
                    result.insert(member, sum);
                });
            }
        }
        Of::Inter => first.0.for_each(|member, score| {
            let (member, mut sum) = (member.bytes(&mut text), weighted(score, first.1));
            for (other, weight) in others {
                let Some(score) = other.score(member) else { return };
                sum = aggregate.of(sum, score * weight);
            }
            result.insert(member, sum);
        }),
        Of::Diff => first.0.for_each(|member, score| {
            let member = member.bytes(&mut text);
            if others.iter().all(|(other, _)| other.score(member).is_none()) {
                result.insert(member, score);
            }
        }),
    }
}

const fn reading(name: &'static str, of: Of) -> Form {
    Form { name, of, at: 1, counts: false }
}

const fn storing(name: &'static str, of: Of) -> Form {
    Form { name, of, at: 2, counts: false }
}

fn zunion(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    give(txn, args, out, reading("zunion", Of::Union))
}

fn zinter(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    give(txn, args, out, reading("zinter", Of::Inter))
}

fn zdiff(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    give(txn, args, out, reading("zdiff", Of::Diff))
}

fn zunionstore(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    keep(txn, args, out, storing("zunionstore", Of::Union), Event::ZunionStore)
}

fn zinterstore(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    keep(txn, args, out, storing("zinterstore", Of::Inter), Event::ZinterStore)
}

fn zdiffstore(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    keep(txn, args, out, storing("zdiffstore", Of::Diff), Event::ZdiffStore)
}

fn give(txn: &mut Txn, args: Args, out: &mut Reply, form: Form) -> Done {
    let mut result = Sorted::new(txn.engine().shapes().hasher);
    let (sources, options) = sources(txn, args, form)?;
    combine(form.of, &sources, options.aggregate, &mut result);
    reply_elements(out, result.len(), options.scores);
    for (member, score) in result.iter() {
        reply_element(out, listpack::Value::Str(member), score, options.scores);
    }
    Ok(())
}

fn keep(txn: &mut Txn, args: Args, out: &mut Reply, form: Form, event: Event) -> Done {
    let shapes = txn.engine().shapes();
    let mut result = Sorted::new(shapes.hasher.clone());
    let (sources, options) = sources(txn, args, form)?;
    combine(form.of, &sources, options.aggregate, &mut result);
    out.int(result.len() as i64);
    store(txn, args.at(1), SortedSet::settled(result, &shapes), event);
    Ok(())
}

fn zintercard(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let form = Form { name: "zintercard", of: Of::Inter, at: 1, counts: true };
    let (sources, options) = sources(txn, args, form)?;
    let (first, others) = sources.split_first().expect("there is a key");
    let limit = if options.limit == 0 { usize::MAX } else { options.limit };
    let (mut count, mut text) = (0, Text::new());
    first.0.for_each(|member, _| {
        let member = member.bytes(&mut text);
        if count < limit && others.iter().all(|(other, _)| other.score(member).is_some()) {
            count += 1;
        }
    });
    out.int(count as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn combining() {
        check(
            r#"
            ZADD a 1 x 2 y 3 z
            ZADD b 10 y 20 z
            ZUNION 2 a b -> ["x", "y", "z"] |
            ZUNION 2 a b WITHSCORES -> ["x", "1", "y", "12", "z", "23"]
            ZUNION 2 a b WEIGHTS 2 1 AGGREGATE MAX WITHSCORES -> ["x", "2", "y", "10", "z", "20"]
            ZINTER 2 a b WITHSCORES -> ["y", "12", "z", "23"]
            ZINTER 2 a b AGGREGATE MIN WITHSCORES -> ["y", "2", "z", "3"]
            ZINTER 2 a none -> []
            ZDIFF 2 a b WITHSCORES -> ["x", "1"]
            ZINTERCARD 2 a b -> 2
            ZINTERCARD 2 a b LIMIT 1 -> 1
            ZINTERCARD 2 a b LIMIT 0 -> 2
            ZUNIONSTORE d 2 a b -> 3 | ZUNIONSTORE d 2 a b
            ZINTERSTORE d 2 a b WEIGHTS 1 -1 -> 2
            ZRANGE d 0 -1 WITHSCORES -> ["z", "-17", "y", "-8"]
            ZDIFFSTORE d 2 a a -> 0 | ZDIFFSTORE d 2 a a
            EXISTS d -> 0
            ZDIFFSTORE d 1 none -> 0 |
            ZADD i inf x
            ZADD j -inf x
            ZUNION 2 i j WITHSCORES -> ["x", "0"]
            ZUNION 1 i WEIGHTS 0 WITHSCORES -> ["x", "0"]
            ZADD n 0 x
            ZADD m 0 x 5 y
            ZUNION 2 m n WEIGHTS 1 -1 WITHSCORES -> ["x", "0", "y", "5"]
            RESP 3
            ZDIFF 2 a b WITHSCORES -> [["x", 1]]
            SET s v
            ZUNION 1 s foo -> -WRONGTYPE Operation against a key holding the wrong kind of value |
            ZUNION 0 a -> -ERR at least 1 input key is needed for 'zunion' command |
            ZUNIONSTORE d 0 a -> -ERR at least 1 input key is needed for 'zunionstore' command |
            ZUNION x a -> -ERR value is not an integer or out of range |
            ZUNION 3 a -> -ERR syntax error |
            ZUNION 1 a WEIGHTS x -> -ERR weight value is not a float |
            ZUNION 1 a WEIGHTS -> -ERR syntax error |
            ZUNION 1 a AGGREGATE foo -> -ERR syntax error |
            ZUNIONSTORE d 1 a WITHSCORES -> -ERR syntax error |
            ZDIFF 1 a WEIGHTS 1 -> -ERR syntax error |
            ZINTERCARD 1 a LIMIT -1 -> -ERR LIMIT can't be negative |
            "#,
        );
    }

    /// A source that is over goes before the request in the log: a replica would still find it.
    #[test]
    fn a_source_that_is_over_goes_first() {
        check(
            r#"
            ZADD s 1 a
            PEXPIRE s 10
            ZADD t 2 b
            TICK 20
            ZUNIONSTORE d 2 s t -> 1 | MULTI ; DEL s ; ZUNIONSTORE d 2 s t ; EXEC
            ZADD s 1 a
            PEXPIRE s 10
            TICK 20
            ZRANGESTORE d s 0 -1 -> 0 | MULTI ; DEL s ; ZRANGESTORE d s 0 -1 ; EXEC
            "#,
        );
    }
}
