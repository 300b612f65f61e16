//! Ranges: ZRANGE with its older names, and ZRANGESTORE.
//!
//! All of them read the same options; the older names have some of them fixed and refuse those words.

use super::bounds::Between;
use super::{KEY, SORTED, Scores, at, first, read, reply_element, reply_elements, store};
use crate::commands::args::{int, is};
use crate::error::{Done, Error};
use crate::events::Event;
use crate::row::{Deprecated, Doc, Flags, Meta, Row};
use crate::txn::Txn;
use crate::value::{Order, SortedSet};
use ds::listpack::Text;
use resp::{Args, Reply};
use std::ops::Range;

pub const ROWS: &[Row] = &[
    Row {
        meta: Meta {
            name: "zrange",
            arity: -4,
            flags: Flags::READONLY,
            keys: &[first(&["RO", "access"])],
            since: "1.2.0",
            summary: "Lists a range of a sorted set: of places, scores or members.",
            complexity: "O(log(N)+M) with M elements in the range",
            history: &[("6.2.0", "`REV`, `BYSCORE`, `BYLEX` and `LIMIT` came.")],
            docs: &[
                KEY,
                Doc::new("start", "string"),
                Doc::new("stop", "string"),
                Doc::one_of("sortby", &[Doc::flag("byscore", "BYSCORE"), Doc::flag("bylex", "BYLEX")])
                    .since("6.2.0")
                    .optional(),
                Doc::flag("rev", "REV").since("6.2.0").optional(),
                Doc::block("limit", &[Doc::new("offset", "integer"), Doc::new("count", "integer")])
                    .behind("LIMIT")
                    .since("6.2.0")
                    .optional(),
                Doc::flag("withscores", "WITHSCORES").optional(),
            ],
            ..SORTED
        },
        run: zrange,
    },
    Row {
        meta: Meta {
            name: "zrangebyscore",
            arity: -4,
            flags: Flags::READONLY,
            keys: &[first(&["RO", "access"])],
            since: "1.0.5",
            summary: "Lists the members of a sorted set whose scores lie in a range.",
            complexity: "O(log(N)+M) with M elements in the range",
            history: &[("2.0.0", "`WITHSCORES` came.")],
            docs: &[
                KEY,
                Doc::new("min", "double"),
                Doc::new("max", "double"),
                Doc::flag("withscores", "WITHSCORES").since("2.0.0").optional(),
                Doc::block("limit", &[Doc::new("offset", "integer"), Doc::new("count", "integer")])
                    .behind("LIMIT")
                    .optional(),
            ],
            deprecated: Some(Deprecated { since: "6.2.0", replaced_by: "`ZRANGE` with the `BYSCORE`" }),
            ..SORTED
        },
        run: zrangebyscore,
    },
    Row {
        meta: Meta {
            name: "zrangebylex",
            arity: -4,
            flags: Flags::READONLY,
            keys: &[first(&["RO", "access"])],
            since: "2.8.9",
            summary: "Lists the members of a sorted set that lie in a range of members.",
            complexity: "O(log(N)+M) with M elements in the range",
            docs: &[
                KEY,
                Doc::new("min", "string"),
                Doc::new("max", "string"),
                Doc::block("limit", &[Doc::new("offset", "integer"), Doc::new("count", "integer")])
                    .behind("LIMIT")
                    .optional(),
            ],
            deprecated: Some(Deprecated { since: "6.2.0", replaced_by: "`ZRANGE` with the `BYLEX`" }),
            ..SORTED
        },
        run: zrangebylex,
    },
    Row {
        meta: Meta {
            name: "zrevrange",
            arity: -4,
            flags: Flags::READONLY,
            keys: &[first(&["RO", "access"])],
            since: "1.2.0",
            summary: "Lists a range of places of a sorted set, by falling scores.",
            complexity: "O(log(N)+M) with M elements in the range",
            docs: &[
                KEY,
                Doc::new("start", "integer"),
                Doc::new("stop", "integer"),
                Doc::flag("withscores", "WITHSCORES").optional(),
            ],
            deprecated: Some(Deprecated { since: "6.2.0", replaced_by: "`ZRANGE` with the `REV`" }),
            ..SORTED
        },
        run: zrevrange,
    },
    Row {
        meta: Meta {
            name: "zrevrangebyscore",
            arity: -4,
            flags: Flags::READONLY,
            keys: &[first(&["RO", "access"])],
            since: "2.2.0",
            summary: "Lists the members of a sorted set whose scores lie in a range, by falling scores.",
            complexity: "O(log(N)+M) with M elements in the range",
            history: &[("2.1.6", "Ends may be left out of the range.")],
            docs: &[
                KEY,
                Doc::new("max", "double"),
                Doc::new("min", "double"),
                Doc::flag("withscores", "WITHSCORES").optional(),
                Doc::block("limit", &[Doc::new("offset", "integer"), Doc::new("count", "integer")])
                    .behind("LIMIT")
                    .optional(),
            ],
            deprecated: Some(Deprecated {
                since: "6.2.0",
                replaced_by: "`ZRANGE` with the `REV` and `BYSCORE`s",
            }),
            ..SORTED
        },
        run: zrevrangebyscore,
    },
    Row {
        meta: Meta {
            name: "zrevrangebylex",
            arity: -4,
            flags: Flags::READONLY,
            keys: &[first(&["RO", "access"])],
            since: "2.8.9",
            summary: "Lists the members of a sorted set that lie in a range of members, from its end.",
            complexity: "O(log(N)+M) with M elements in the range",
            docs: &[
                KEY,
                Doc::new("max", "string"),
                Doc::new("min", "string"),
                Doc::block("limit", &[Doc::new("offset", "integer"), Doc::new("count", "integer")])
                    .behind("LIMIT")
                    .optional(),
            ],
            deprecated: Some(Deprecated {
                since: "6.2.0",
                replaced_by: "`ZRANGE` with the `REV` and `BYLEX`s",
            }),
            ..SORTED
        },
        run: zrevrangebylex,
    },
    Row {
        meta: Meta {
            name: "zrangestore",
            arity: -5,
            flags: Flags::WRITE.with(Flags::DENYOOM),
            keys: &[first(&["OW", "update"]), at(2, &["RO", "access"])],
            since: "6.2.0",
            summary: "Makes a key hold a range of a sorted set.",
            complexity: "O(log(N)+M) with M elements in the range",
            docs: &[
                Doc::key("dst", 0),
                Doc::key("src", 1),
                Doc::new("min", "string"),
                Doc::new("max", "string"),
                Doc::one_of("sortby", &[Doc::flag("byscore", "BYSCORE"), Doc::flag("bylex", "BYLEX")])
                    .optional(),
                Doc::flag("rev", "REV").optional(),
                Doc::block("limit", &[Doc::new("offset", "integer"), Doc::new("count", "integer")])
                    .behind("LIMIT")
                    .optional(),
            ],
            ..SORTED
        },
        run: zrangestore,
    },
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Rank,
    Score,
    Member,
}

/// What a name fixes.
struct Form {
    by: Option<By>,
    order: Option<Order>,
    /// The key to read is this argument.
    key: usize,
    scores: bool,
}

const READS: Form = Form { by: None, order: None, key: 1, scores: true };

enum Span<'a> {
    /// From one rank to another, both with themselves; negative ones count from the end.
    Ranks(i64, i64),
    Between(Between<'a>),
}

/// What is asked for.
struct Query<'a> {
    span: Span<'a>,
    order: Order,
    /// How many to leave out, and how many to give, all if negative.
    limit: (i64, i64),
    scores: Scores,
}

impl Form {
    fn query<'a>(&self, args: Args<'a>) -> Result<Query<'a>, Error> {
        let (mut by, mut order) = (self.by, self.order);
        let (mut limit, mut scores) = ((0, -1), Scores::Without);
        let mut i = self.key + 3;
        while let Some(word) = args.get(i) {
            if self.scores && is(word, "withscores") {
                scores = Scores::With;
            } else if is(word, "limit") && i + 2 < args.len() {
                limit = (int(args.at(i + 1))?, int(args.at(i + 2))?);
                i += 2;
            } else if order.is_none() && is(word, "rev") {
                order = Some(Order::Falling);
            } else if by.is_none() && is(word, "bylex") {
                by = Some(By::Member);
            } else if by.is_none() && is(word, "byscore") {
                by = Some(By::Score);
            } else {
                return Err(Error::Syntax);
            }
            i += 1;
        }
        let (by, order) = (by.unwrap_or(By::Rank), order.unwrap_or(Order::Rising));
        if by == By::Rank && limit.1 != -1 {
            return Err(Error::text(
                "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX",
            ));
        }
        if by == By::Member && scores == Scores::With {
            return Err(Error::text("ERR syntax error, WITHSCORES not supported in combination with BYLEX"));
        }
        let (start, end) = (args.at(self.key + 1), args.at(self.key + 2));
        let (min, max) = if order == Order::Rising { (start, end) } else { (end, start) };
        let span = match by {
            By::Rank => Span::Ranks(int(start)?, int(end)?),
            By::Score => Span::Between(Between::scores(min, max)?),
            By::Member => Span::Between(Between::members(min, max)?),
        };
        Ok(Query { span, order, limit, scores })
    }
}

impl Query<'_> {
    /// The ranks of what is asked for, counted from the lowest.
    fn ranks(&self, set: &SortedSet) -> Range<usize> {
        match &self.span {
            Span::Ranks(start, end) => {
                let ranks = ranks(*start, *end, set.len());
                match self.order {
                    Order::Rising => ranks,
                    Order::Falling => set.len() - ranks.end..set.len() - ranks.start,
                }
            }
            Span::Between(between) => self.limited(between.ranks(set)),
        }
    }

    fn limited(&self, ranks: Range<usize>) -> Range<usize> {
        let (offset, count) = self.limit;
        // A negative offset leaves everything out.
        let left_out = usize::try_from(offset).unwrap_or(usize::MAX).min(ranks.len());
        let given = usize::try_from(count).unwrap_or(usize::MAX).min(ranks.len() - left_out);
        match self.order {
            Order::Rising => ranks.start + left_out..ranks.start + left_out + given,
            Order::Falling => ranks.end - left_out - given..ranks.end - left_out,
        }
    }
}

/// `start..=end`, where negative numbers count from the end; cut to what is there.
pub(super) fn ranks(start: i64, end: i64, len: usize) -> Range<usize> {
    let len = len as i64;
    let place = |n: i64| if n < 0 { len.saturating_add(n) } else { n };
    let (start, end) = (place(start).max(0), place(end).min(len - 1));
    if end < start { 0..0 } else { start as usize..end as usize + 1 }
}

fn zrange(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    range(txn, args, out, &READS)
}

fn zrangebyscore(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    range(txn, args, out, &Form { by: Some(By::Score), order: Some(Order::Rising), ..READS })
}

fn zrangebylex(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    range(txn, args, out, &Form { by: Some(By::Member), order: Some(Order::Rising), ..READS })
}

fn zrevrange(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    range(txn, args, out, &Form { by: Some(By::Rank), order: Some(Order::Falling), ..READS })
}

fn zrevrangebyscore(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    range(txn, args, out, &Form { by: Some(By::Score), order: Some(Order::Falling), ..READS })
}

fn zrevrangebylex(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    range(txn, args, out, &Form { by: Some(By::Member), order: Some(Order::Falling), ..READS })
}

fn range(txn: &mut Txn, args: Args, out: &mut Reply, form: &Form) -> Done {
    let query = form.query(args)?;
    let Some(set) = read(txn, args.at(form.key))? else {
        out.array(0);
        return Ok(());
    };
    let ranks = query.ranks(set);
    reply_elements(out, ranks.len(), query.scores);
    set.visit(ranks, query.order, |member, score| reply_element(out, member, score, query.scores));
    Ok(())
}

fn zrangestore(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let query = Form { key: 2, scores: false, ..READS }.query(args)?;
    let shapes = txn.engine().shapes();
    let mut stored = SortedSet::for_members(0, 0, &shapes);
    if let Some(set) = read(txn, args.at(2))? {
        let ranks = query.ranks(set);
        if let Span::Ranks(..) = query.span {
            stored = SortedSet::for_members(ranks.len(), 0, &shapes);
        }
        let mut text = Text::new();
        // In the order that it would be given, and becoming large on the way: a listpack has no -0.
        set.visit(ranks, query.order, |member, score| {
            stored.insert(member.bytes(&mut text), score, &shapes);
        });
    }
    out.int(stored.len() as i64);
    store(txn, args.at(1), stored, Event::ZrangeStore);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    /// The order in which they come decides which zero keeps its sign; 7.0 and 7.2 do the same with few elements.
    #[test]
    fn zeros_that_are_stored() {
        let long = "m".repeat(65);
        check(
            &r#"
            ZADD z 1 LONG
            ZADD z -0 a -0 LONG -0 n
            ZRANGESTORE to z 0 -1 -> 3
            ZRANGE to 0 -1 WITHSCORES -> ["a", "0", "LONG", "-0", "n", "-0"]
            ZRANGESTORE to z 0 -1 REV -> 3
            ZRANGE to 0 -1 WITHSCORES -> ["a", "-0", "LONG", "-0", "n", "0"]
            OBJECT ENCODING to -> "skiplist"
            ZRANGESTORE to z 0 0 -> 1
            OBJECT ENCODING to -> "listpack"
            ZRANGE to 0 -1 WITHSCORES -> ["a", "0"]
            "#
            .replace("LONG", &long),
        );
    }

    #[test]
    fn ranges() {
        check(
            r#"
            ZADD z 1 a 2 b 3 c 4 d
            ZRANGE z 1 -2 -> ["b", "c"] |
            ZRANGE z 0 1 REV WITHSCORES -> ["d", "4", "c", "3"]
            ZREVRANGE z 1 1 -> ["c"]
            ZREVRANGE z -1 100 -> ["a"]
            ZRANGE z 3 1 -> []
            ZRANGE z 4 9 -> []
            ZRANGE z -9223372036854775808 9223372036854775807 -> ["a", "b", "c", "d"]
            ZRANGE z 0 -1 LIMIT 5 -1 -> ["a", "b", "c", "d"]
            ZRANGEBYSCORE z (1 3 WITHSCORES -> ["b", "2", "c", "3"]
            ZRANGEBYSCORE z -inf +inf LIMIT 1 2 -> ["b", "c"]
            ZRANGEBYSCORE z -inf +inf LIMIT 3 -1 -> ["d"]
            ZRANGEBYSCORE z -inf +inf LIMIT -1 2 -> []
            ZREVRANGEBYSCORE z +inf (1 LIMIT 1 1 -> ["c"]
            ZRANGE z 3 2 BYSCORE REV LIMIT 1 5 -> ["b"]
            ZRANGE z 0 1 LIMIT 0 1 -> -ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX
            ZRANGE z 0 1 BYLEX WITHSCORES -> -ERR syntax error, WITHSCORES not supported in combination with BYLEX
            ZRANGE z 0 1 BYLEX BYSCORE -> -ERR syntax error
            ZRANGEBYSCORE z 0 1 REV -> -ERR syntax error
            ZRANGE z 0 1 REV REV -> -ERR syntax error
            ZRANGE z x 1 -> -ERR value is not an integer or out of range
            ZRANGE none 0 -1 -> []
            RESP 3
            ZRANGE z 0 1 WITHSCORES -> [["a", 1], ["b", 2]]
            ZADD l 0 a 0 b 0 c
            ZRANGEBYLEX l [b + -> ["b", "c"]
            ZREVRANGEBYLEX l (c - LIMIT 0 1 -> ["b"]
            ZRANGE l + - BYLEX REV -> ["c", "b", "a"]
            "#,
        );
    }

    #[test]
    fn storing() {
        check(
            r#"
            ZADD z 1 a 2 b 3 c
            SET d v EX 10
            ZRANGESTORE d z 0 1 REV -> 2 | ZRANGESTORE d z 0 1 REV
            TTL d -> -1
            ZRANGE d 0 -1 WITHSCORES -> ["b", "2", "c", "3"]
            ZRANGESTORE d z 7 8 BYSCORE -> 0 | ZRANGESTORE d z 7 8 BYSCORE
            EXISTS d -> 0
            ZRANGESTORE d none 0 -1 -> 0 |
            ZRANGESTORE z z 1 1 -> 1
            ZCARD z -> 1
            ZRANGESTORE d z 0 -1 WITHSCORES -> -ERR syntax error |
            SET s v
            ZRANGESTORE d s 0 -1 -> -WRONGTYPE Operation against a key holding the wrong kind of value |
            "#,
        );
    }

    /// What is put in while the new set is a listpack loses the sign of its zero there, as everywhere.
    #[test]
    fn stored_zeros() {
        let long = "m".repeat(65);
        check(&format!(
            r#"
            ZADD z 0 {long} -0 a 1 b
            ZRANGE z 0 1 WITHSCORES -> ["a", "-0", "{long}", "0"]
            ZRANGESTORE d z 0 -1
            ZRANGE d 0 1 WITHSCORES -> ["a", "0", "{long}", "0"]
            OBJECT ENCODING d -> "skiplist"
            ZADD z -1 {long}
            ZRANGESTORE d z 0 -1
            ZRANGE d 0 1 WITHSCORES -> ["{long}", "-1", "a", "-0"]
            ZRANGESTORE d z 0 -1 REV
            ZRANGE d 0 1 WITHSCORES -> ["{long}", "-1", "a", "0"]
            "#
        ));
    }
}
