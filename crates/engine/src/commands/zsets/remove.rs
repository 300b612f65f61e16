//! Removing: ZREM, ZREMRANGEBYRANK, ZREMRANGEBYSCORE, ZREMRANGEBYLEX, ZPOPMIN, ZPOPMAX, ZMPOP.

use super::bounds::Between;
use super::range::ranks;
use super::{
    KEY, MEMBER, SORTED, Scores, changed, counted, delete_if_empty, edit, first, reply_element,
    reply_elements, write,
};
use crate::commands::args::{int, is};
use crate::error::{Done, Error};
use crate::events::Event;
use crate::row::{Doc, Flags, Meta, Row};
use crate::txn::Txn;
use crate::value::{Order, SortedSet, as_sorted_set};
use resp::{Args, Reply};
use std::ops::Range;

pub const ROWS: &[Row] = &[
    Row {
        meta: Meta {
            name: "zrem",
            arity: -3,
            flags: Flags::WRITE.with(Flags::FAST),
            keys: &[first(&["RW", "delete"])],
            since: "1.2.0",
            summary: "Removes members from a sorted set.",
            complexity: "O(log(N)) for each member",
            history: &[("2.4.0", "Several members at once.")],
            docs: &[KEY, MEMBER.multiple()],
            ..SORTED
        },
        run: zrem,
    },
    Row {
        meta: Meta {
            name: "zremrangebyrank",
            arity: 4,
            flags: Flags::WRITE,
            keys: &[first(&["RW", "delete"])],
            since: "2.0.0",
            summary: "Removes a range of places from a sorted set.",
            complexity: "O(log(N)+M) with M elements in the range",
            docs: &[KEY, Doc::new("start", "integer"), Doc::new("stop", "integer")],
            ..SORTED
        },
        run: zremrangebyrank,
    },
    Row {
        meta: Meta {
            name: "zremrangebyscore",
            arity: 4,
            flags: Flags::WRITE,
            keys: &[first(&["RW", "delete"])],
            since: "1.2.0",
            summary: "Removes the members of a sorted set whose scores lie in a range.",
            complexity: "O(log(N)+M) with M elements in the range",
            docs: &[KEY, Doc::new("min", "double"), Doc::new("max", "double")],
            ..SORTED
        },
        run: zremrangebyscore,
    },
    Row {
        meta: Meta {
            name: "zremrangebylex",
            arity: 4,
            flags: Flags::WRITE,
            keys: &[first(&["RW", "delete"])],
            since: "2.8.9",
            summary: "Removes the members of a sorted set that lie in a range of members.",
            complexity: "O(log(N)+M) with M elements in the range",
            docs: &[KEY, Doc::new("min", "string"), Doc::new("max", "string")],
            ..SORTED
        },
        run: zremrangebylex,
    },
    Row {
        meta: Meta {
            name: "zpopmin",
            arity: -2,
            flags: Flags::WRITE.with(Flags::FAST),
            keys: &[first(&["RW", "access", "delete"])],
            since: "5.0.0",
            summary: "Removes the members with the lowest scores, and gives them.",
            complexity: "O(M*log(N)) with M members removed",
            docs: &[KEY, Doc::new("count", "integer").optional()],
            ..SORTED
        },
        run: zpopmin,
    },
    Row {
        meta: Meta {
            name: "zpopmax",
            arity: -2,
            flags: Flags::WRITE.with(Flags::FAST),
            keys: &[first(&["RW", "access", "delete"])],
            since: "5.0.0",
            summary: "Removes the members with the highest scores, and gives them.",
            complexity: "O(M*log(N)) with M members removed",
            docs: &[KEY, Doc::new("count", "integer").optional()],
            ..SORTED
        },
        run: zpopmax,
    },
    Row {
        meta: Meta {
            name: "zmpop",
            arity: -4,
            flags: Flags::WRITE.with(Flags::MOVABLE_KEYS),
            keys: &[counted(1, &["RW", "access", "delete"])],
            since: "7.0.0",
            summary: "Removes members from an end of the first of some sorted sets that is not empty, and gives them.",
            complexity: "O(K)+O(M*log(N)) with K keys and M members removed",
            docs: &[
                Doc::new("numkeys", "integer"),
                Doc::key("key", 0).multiple(),
                Doc::one_of("where", &[Doc::flag("min", "MIN"), Doc::flag("max", "MAX")]),
                Doc::new("count", "integer").behind("COUNT").optional(),
            ],
            ..SORTED
        },
        run: zmpop,
    },
];

fn zrem(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let key = args.at(1);
    let mut removed = 0;
    if write(txn, key)?.is_some() {
        removed =
            edit(txn, key, |set, _| args.tail(2).into_iter().filter(|member| set.remove(member)).count());
    }
    if removed != 0 {
        changed(txn, key, Event::Zrem, removed);
        delete_if_empty(txn, key);
    }
    out.int(removed as i64);
    Ok(())
}

fn zremrangebyrank(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let (start, end) = (int(args.at(2))?, int(args.at(3))?);
    remove(txn, args, out, Event::ZremRangeByRank, |set| ranks(start, end, set.len()))
}

fn zremrangebyscore(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let between = Between::scores(args.at(2), args.at(3))?;
    remove(txn, args, out, Event::ZremRangeByScore, |set| between.ranks(set))
}

fn zremrangebylex(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let between = Between::members(args.at(2), args.at(3))?;
    remove(txn, args, out, Event::ZremRangeByLex, |set| between.ranks(set))
}

fn remove(
    txn: &mut Txn,
    args: Args,
    out: &mut Reply,
    event: Event,
    which: impl FnOnce(&SortedSet) -> Range<usize>,
) -> Done {
    let key = args.at(1);
    let ranks = write(txn, key)?.map_or(0..0, which);
    out.int(ranks.len() as i64);
    take(txn, key, ranks, event);
    Ok(())
}

/// Removes the elements with these ranks, and says so.
fn take(txn: &mut Txn, key: &[u8], ranks: Range<usize>, event: Event) {
    let count = ranks.len();
    if count == 0 {
        return;
    }
    let len = txn.get(key).and_then(|entry| as_sorted_set(entry.payload()).ok()).map(SortedSet::len);
    if len == Some(count) {
        // What goes wholly is not taken to pieces here, however large.
        if let Some(entry) = txn.remove(key) {
            txn.discard(entry);
        }
        changed(txn, key, event, count);
        txn.also_happened(key, Event::Del);
        return;
    }
    edit(txn, key, |set, _| set.remove_ranks(ranks));
    changed(txn, key, event, count);
}

fn zpopmin(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    pop_one_key(txn, args, out, Order::Rising)
}

fn zpopmax(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    pop_one_key(txn, args, out, Order::Falling)
}

fn pop_one_key(txn: &mut Txn, args: Args, out: &mut Reply, order: Order) -> Done {
    if 3 < args.len() {
        return Err(Error::Syntax);
    }
    let key = args.at(1);
    let count = args.get(2).map(positive).transpose()?;
    let ranks = write(txn, key)?.map_or(0..0, |set| at_end(set, order, count.unwrap_or(1)));
    match count {
        Some(_) => reply_elements(out, ranks.len(), Scores::With),
        // One element is given flat in RESP3 too.
        None => out.array(2 * ranks.len()),
    }
    if let Some(set) = write(txn, key)? {
        set.visit(ranks.clone(), order, |member, score| {
            if count.is_some() {
                return reply_element(out, member, score, Scores::With);
            }
            reply_element(out, member, score, Scores::Without);
            out.double(score);
        });
    }
    take(txn, key, ranks, pop_event(order));
    Ok(())
}

fn pop_event(order: Order) -> Event {
    if order == Order::Rising { Event::ZpopMin } else { Event::ZpopMax }
}

/// A number from 0 on.
fn positive(arg: &[u8]) -> Result<usize, Error> {
    let n = int(arg).ok().and_then(|n| usize::try_from(n).ok());
    n.ok_or(Error::text("ERR value is out of range, must be positive"))
}

/// The ranks of the elements that are popped from one end.
fn at_end(set: &SortedSet, order: Order, count: usize) -> Range<usize> {
    let count = count.min(set.len());
    if order == Order::Rising { 0..count } else { set.len() - count..set.len() }
}

fn zmpop(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let number = |arg, message| at_least_1(arg).ok_or(Error::text(message));
    let keys = number(args.at(1), "ERR numkeys should be greater than 0")?;
    let place = keys.checked_add(2).and_then(|i| Some((i, args.get(i)?)));
    let (at, word) = place.ok_or(Error::Syntax)?;
    let order = match word {
        _ if is(word, "min") => Order::Rising,
        _ if is(word, "max") => Order::Falling,
        _ => return Err(Error::Syntax),
    };
    let count = match (args.get(at + 1), args.get(at + 2)) {
        (None, _) => 1,
        (Some(word), Some(count)) if is(word, "count") => {
            number(count, "ERR count should be greater than 0")?
        }
        _ => return Err(Error::Syntax),
    };
    if at + 3 < args.len() {
        return Err(Error::Syntax);
    }
    for key in args.iter().skip(2).take(keys) {
        let Some(set) = write(txn, key)? else { continue };
        let ranks = at_end(set, order, count);
        out.array(2);
        out.bulk(key);
        out.array(ranks.len());
        set.visit(ranks.clone(), order, |member, score| {
            out.array(2);
            reply_element(out, member, score, Scores::Without);
            out.double(score);
        });
        let name: &[u8] = if order == Order::Rising { b"ZPOPMIN" } else { b"ZPOPMAX" };
        let count = ranks.len();
        take(txn, key, ranks, pop_event(order));
        txn.effect(&[name, key, itoa::Buffer::new().format(count).as_bytes()]);
        return Ok(());
    }
    out.nil_array();
    Ok(())
}

fn at_least_1(arg: &[u8]) -> Option<usize> {
    int(arg).ok().and_then(|n| usize::try_from(n).ok()).filter(|&n| 0 < n)
}

#[cfg(test)]
mod tests {
    use crate::testing::{Bench, check, check_on};

    #[test]
    fn removing() {
        check(
            r#"
            ZADD z 1 a 2 b 3 c 4 d 5 e
            ZREM z a a none -> 1 | ZREM z a a none
            ZREM z none -> 0 |
            ZREM none a -> 0 |
            ZREMRANGEBYRANK z -1 -1 -> 1 | ZREMRANGEBYRANK z -1 -1
            ZREMRANGEBYRANK z 5 9 -> 0 |
            ZREMRANGEBYSCORE z (2 3 -> 1 | ZREMRANGEBYSCORE z (2 3
            ZRANGE z 0 -1 -> ["b", "d"]
            ZREMRANGEBYLEX z - + -> 2 | ZREMRANGEBYLEX z - +
            EXISTS z -> 0
            SET s v
            ZREM s a -> -WRONGTYPE Operation against a key holding the wrong kind of value |
            ZREMRANGEBYSCORE s x 1 -> -ERR min or max is not a float |
            "#,
        );
    }

    #[test]
    fn popping() {
        check(
            r#"
            ZADD z 1 a 2 b 3 c 4 d 5 e
            ZPOPMIN z -> ["a", "1"] | ZPOPMIN z
            ZPOPMAX z 2 -> ["e", "5", "d", "4"] | ZPOPMAX z 2
            ZPOPMIN z 0 -> [] |
            ZPOPMIN none -> [] |
            ZPOPMIN z -1 -> -ERR value is out of range, must be positive |
            ZPOPMIN z 1 2 -> -ERR syntax error |
            RESP 3
            ZPOPMAX z -> ["c", 3]
            ZPOPMAX z 9223372036854775807 -> [["b", 2]]
            EXISTS z -> 0
            ZADD z 1 a 2 b 3 c
            ZMPOP 2 none z MIN -> ["z", [["a", 1]]] | ZPOPMIN z 1
            ZMPOP 1 z MAX COUNT 9 -> ["z", [["c", 3], ["b", 2]]] | ZPOPMAX z 2
            ZMPOP 1 z MAX -> nil |
            ZMPOP 0 z MIN -> -ERR numkeys should be greater than 0 |
            ZMPOP 2 z MIN -> -ERR syntax error |
            ZMPOP 1 z MIN COUNT x -> -ERR count should be greater than 0 |
            ZMPOP 1 z MIN COUNT 1 COUNT 1 -> -ERR syntax error |
            ZMPOP 1 z MIN COUNT -> -ERR syntax error |
            SET s v
            ZMPOP 1 s MIN -> -WRONGTYPE Operation against a key holding the wrong kind of value |
            ZPOPMIN s 0 -> -WRONGTYPE Operation against a key holding the wrong kind of value |
            "#,
        );
    }

    /// A million members took more than a second, one by one.
    #[test]
    fn a_large_set_that_goes_wholly_is_freed_elsewhere() {
        let members: Vec<String> = (0..200).map(|i| format!("{i} m{i}")).collect();
        for (request, logged) in [
            ("ZREMRANGEBYRANK z 0 -1", "ZREMRANGEBYRANK z 0 -1"),
            ("ZREMRANGEBYSCORE z -inf +inf", "ZREMRANGEBYSCORE z -inf +inf"),
            ("ZREMRANGEBYLEX z - +", "ZREMRANGEBYLEX z - +"),
            ("ZPOPMIN z 1000", "ZPOPMIN z 1000"),
            ("ZPOPMAX z 200", "ZPOPMAX z 200"),
            ("ZMPOP 1 z MIN COUNT 1000", "ZPOPMIN z 200"),
        ] {
            let mut bench = Bench::new();
            check_on(&mut bench, &format!("ZADD z {}", members.join(" ")));
            bench.logged();
            let words: Vec<&[u8]> = request.split(' ').map(str::as_bytes).collect();
            bench.run(&words);
            assert_eq!(bench.logged(), logged);
            assert_eq!(bench.scratch.trash.len(), 1, "{request}");
            check_on(&mut bench, "EXISTS z -> 0");
        }
    }
}
