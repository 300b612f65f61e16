//! Reading: ZSCORE, ZMSCORE, ZCARD, ZCOUNT, ZLEXCOUNT, ZRANK, ZREVRANK.

use super::bounds::Between;
use super::{KEY, MEMBER, SORTED, first, read};
use crate::commands::args::is;
use crate::error::{Done, Error};
use crate::row::{Doc, Flags, Meta, Row};
use crate::txn::Txn;
use crate::value::Order;
use resp::{Args, Reply};

pub const ROWS: &[Row] = &[
    Row {
        meta: Meta {
            name: "zscore",
            arity: 3,
            flags: Flags::READONLY.with(Flags::FAST),
            keys: &[first(&["RO", "access"])],
            since: "1.2.0",
            summary: "Gives the score of a member of a sorted set.",
            docs: &[KEY, MEMBER],
            ..SORTED
        },
        run: zscore,
    },
    Row {
        meta: Meta {
            name: "zmscore",
            arity: -3,
            flags: Flags::READONLY.with(Flags::FAST),
            keys: &[first(&["RO", "access"])],
            since: "6.2.0",
            summary: "Gives the scores of several members of a sorted set.",
            complexity: "O(N) in the number of members asked for",
            docs: &[KEY, MEMBER.multiple()],
            ..SORTED
        },
        run: zmscore,
    },
    Row {
        meta: Meta {
            name: "zcard",
            arity: 2,
            flags: Flags::READONLY.with(Flags::FAST),
            keys: &[first(&["RO"])],
            since: "1.2.0",
            summary: "Gives the size of a sorted set.",
            docs: &[KEY],
            ..SORTED
        },
        run: zcard,
    },
    Row {
        meta: Meta {
            name: "zcount",
            arity: 4,
            flags: Flags::READONLY.with(Flags::FAST),
            keys: &[first(&["RO", "access"])],
            since: "2.0.0",
            summary: "Counts the members of a sorted set whose scores lie in a range.",
            complexity: "O(log(N)) in the size of the set",
            docs: &[KEY, Doc::new("min", "double"), Doc::new("max", "double")],
            ..SORTED
        },
        run: zcount,
    },
    Row {
        meta: Meta {
            name: "zlexcount",
            arity: 4,
            flags: Flags::READONLY.with(Flags::FAST),
            keys: &[first(&["RO", "access"])],
            since: "2.8.9",
            summary: "Counts the members of a sorted set that lie in a range of members.",
            complexity: "O(log(N)) in the size of the set",
            docs: &[KEY, Doc::new("min", "string"), Doc::new("max", "string")],
            ..SORTED
        },
        run: zlexcount,
    },
    Row {
        meta: Meta {
            name: "zrank",
            arity: -3,
            flags: Flags::READONLY.with(Flags::FAST),
            keys: &[first(&["RO", "access"])],
            since: "2.0.0",
            summary: "Gives the place of a member of a sorted set, by rising scores.",
            complexity: "O(log(N)) in the size of the set",
            history: &[("7.2.0", "`WITHSCORE` came.")],
            docs: &[KEY, MEMBER, Doc::flag("withscore", "WITHSCORE").since("7.2.0").optional()],
            ..SORTED
        },
        run: zrank,
    },
    Row {
        meta: Meta {
            name: "zrevrank",
            arity: -3,
            flags: Flags::READONLY.with(Flags::FAST),
            keys: &[first(&["RO", "access"])],
            since: "2.0.0",
            summary: "Gives the place of a member of a sorted set, by falling scores.",
            complexity: "O(log(N)) in the size of the set",
            history: &[("7.2.0", "`WITHSCORE` came.")],
            docs: &[KEY, MEMBER, Doc::flag("withscore", "WITHSCORE").since("7.2.0").optional()],
            ..SORTED
        },
        run: zrevrank,
    },
];

fn zscore(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    match read(txn, args.at(1))?.and_then(|set| set.score(args.at(2))) {
        Some(score) => out.double(score),
        None => out.nil(),
    }
    Ok(())
}

fn zmscore(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let set = read(txn, args.at(1))?;
    out.array(args.len() - 2);
    for member in args.tail(2) {
        match set.and_then(|set| set.score(member)) {
            Some(score) => out.double(score),
            None => out.nil(),
        }
    }
    Ok(())
}

fn zcard(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    out.int(read(txn, args.at(1))?.map_or(0, |set| set.len() as i64));
    Ok(())
}

fn zcount(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    count(txn, args, out, Between::scores(args.at(2), args.at(3))?)
}

fn zlexcount(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    count(txn, args, out, Between::members(args.at(2), args.at(3))?)
}

fn count(txn: &mut Txn, args: Args, out: &mut Reply, between: Between) -> Done {
    out.int(read(txn, args.at(1))?.map_or(0, |set| between.ranks(set).len() as i64));
    Ok(())
}

fn zrank(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    rank(txn, args, out, Order::Rising, "zrank")
}

fn zrevrank(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    rank(txn, args, out, Order::Falling, "zrevrank")
}

fn rank(txn: &mut Txn, args: Args, out: &mut Reply, order: Order, command: &str) -> Done {
    if 4 < args.len() {
        return Err(Error::Arity { command: command.into() });
    }
    let with_score = args.get(3).is_some();
    if args.get(3).is_some_and(|word| !is(word, "withscore")) {
        return Err(Error::Syntax);
    }
    let found = read(txn, args.at(1))?.and_then(|set| Some((set.rank(args.at(2))?, set.len())));
    let Some(((before, score), len)) = found else {
        if with_score {
            out.nil_array()
        } else {
            out.nil()
        }
        return Ok(());
    };
    let rank = if order == Order::Rising { before } else { len - 1 - before };
    if with_score {
        out.array(2);
    }
    out.int(rank as i64);
    if with_score {
        out.double(score);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn reading() {
        check(
            r#"
            ZADD z 1 a 2.5 b 2.5 c inf d
            ZSCORE z b -> "2.5" |
            ZSCORE z none -> nil
            ZSCORE none a -> nil
            ZMSCORE z a x d -> ["1", nil, "inf"]
            ZMSCORE none a b -> [nil, nil]
            ZCARD z -> 4
            ZCARD none -> 0
            ZCOUNT z 1 2.5 -> 3
            ZCOUNT z (1 (2.5 -> 0
            ZCOUNT z (1 +inf -> 3
            ZCOUNT z "" " 2" -> 1
            ZCOUNT z 5 1 -> 0
            ZCOUNT z 1 1e999 -> 4
            ZCOUNT none x 1 -> -ERR min or max is not a float
            ZRANK z c -> 2
            ZREVRANK z c -> 1
            ZRANK z c WITHSCORE -> [2, "2.5"]
            ZREVRANK z none withscore -> nil
            ZRANK z c x -> -ERR syntax error
            ZRANK z c WITHSCORE x -> -ERR wrong number of arguments for 'zrank' command
            RESP 3
            ZRANK z c WITHSCORE -> [2, 2.5]
            ZADD l 0 a 0 b 0 c
            ZLEXCOUNT l - + -> 3
            ZLEXCOUNT l [b (c -> 1
            ZLEXCOUNT l + - -> 0
            ZLEXCOUNT l + + -> 0
            ZLEXCOUNT l b + -> -ERR min or max not valid string range item
            SET s v
            ZSCORE s a -> -WRONGTYPE Operation against a key holding the wrong kind of value
            "#,
        );
    }
}
