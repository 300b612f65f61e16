//! XACK and XPENDING: what was delivered to the consumers of a group, and not acknowledged.

use super::{ID, IdText, KEY, STREAM, count_max, edit, ids, no_group, one, read, reply_id};
use crate::commands::args::{int, is};
use crate::error::{Done, Error};
use crate::row::{Doc, Flags, Meta, Row};
use crate::txn::Txn;
use ds::stream::{Group, Id, Pending, Stream};
use resp::{Args, Reply};

const GROUP: Doc = Doc::new("group", "string");

pub const ROWS: &[Row] = &[
    Row {
        meta: Meta {
            name: "xack",
            arity: -4,
            flags: Flags::WRITE.with(Flags::FAST),
            keys: &[one(1, &["RW", "update"])],
            summary: "Acknowledges entries that are pending in a group: they are no longer.",
            complexity: "O(1) for each id",
            docs: &[KEY, GROUP, ID.multiple()],
            ..STREAM
        },
        run: xack,
    },
    Row {
        meta: Meta {
            name: "xpending",
            arity: -3,
            flags: Flags::READONLY,
            keys: &[one(1, &["RO", "access"])],
            tips: &["nondeterministic_output"],
            summary: "Tells what is pending in a group: all in all, or entry by entry.",
            complexity: "O(N) in the number of entries that are looked at; O(N) in the number of consumers without a range",
            history: &[("6.2.0", "`IDLE` and exclusive bounds came.")],
            docs: &[
                KEY,
                GROUP,
                Doc::block(
                    "filters",
                    &[
                        Doc::new("min-idle-time", "integer").behind("IDLE").since("6.2.0").optional(),
                        Doc::new("start", "string"),
                        Doc::new("end", "string"),
                        Doc::new("count", "integer"),
                        Doc::new("consumer", "string").optional(),
                    ],
                )
                .optional(),
            ],
            ..STREAM
        },
        run: xpending,
    },
];

fn xack(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let (key, name) = (args.at(1), args.at(2));
    if read(txn, key)?.and_then(|stream| stream.group(name)).is_none() {
        out.int(0);
        return Ok(());
    }
    // All or nothing: the ids are read first.
    let ids = ids::all_strict(args.iter().skip(3))?;
    let release = |group: &mut Group| ids.iter().filter(|id| group.release(**id)).count();
    let acknowledged = edit(txn, key, |stream| stream.with_group(name, |group, _| release(group)));
    let acknowledged = acknowledged.expect("was looked at");
    out.int(acknowledged as i64);
    if acknowledged != 0 {
        txn.changed_all(acknowledged as u64);
    }
    Ok(())
}

/// Which pending entries are asked for.
struct Filter<'a> {
    idle_ms_min: i64,
    start: Id,
    end: Id,
    count: i64,
    consumer: Option<&'a [u8]>,
}

impl<'a> Filter<'a> {
    fn parse(args: Args<'a>) -> Result<Self, Error> {
        let mut from = 3;
        let mut idle_ms_min = 0;
        if is(args.at(3), "idle") {
            idle_ms_min = int(args.at(4))?;
            if args.len() < 8 {
                return Err(Error::Syntax);
            }
            from += 2;
        }
        let count = int(args.at(from + 2))?;
        let start = ids::start(args.at(from))?;
        let end = ids::end(args.at(from + 1))?;
        Ok(Self { idle_ms_min, start, end, count, consumer: args.get(from + 3) })
    }
}

fn xpending(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let (key, name) = (args.at(1), args.at(2));
    let filter = match args.len() {
        3 => None,
        6..=9 => Some(Filter::parse(args)?),
        _ => return Err(Error::Syntax),
    };
    let stream = read(txn, key)?;
    let group = stream.and_then(|stream: &Stream| stream.group(name)).ok_or_else(|| no_group(key, name))?;
    match filter {
        Some(filter) => reply_pending(group, &filter, txn.now_ms, out),
        None => reply_summary(group, out),
    }
    Ok(())
}

fn reply_summary(group: &Group, out: &mut Reply) {
    let mut pending = group.pending_between(Id::MIN, Id::MAX);
    out.array(4);
    out.int(group.pending_len() as i64);
    let Some(first) = pending.next() else {
        out.nil();
        out.nil();
        out.nil_array();
        return;
    };
    reply_id(out, first.id);
    reply_id(out, pending.next_back().unwrap_or(first).id);
    let array = out.array_later();
    let mut count = 0;
    for consumer in group.consumers().filter(|consumer| consumer.pending_len() != 0) {
        out.array(2);
        out.bulk(consumer.name());
        out.bulk_int(consumer.pending_len() as i64);
        count += 1;
    }
    out.finish_array(array, count);
}

fn reply_pending(group: &Group, filter: &Filter, now_ms: i64, out: &mut Reply) {
    if filter.count <= 0 && filter.consumer.is_none_or(|name| group.consumer(name).is_some()) {
        return out.array(0);
    }
    let is_idle = |pending: &&Pending| {
        filter.idle_ms_min == 0 || filter.idle_ms_min <= now_ms.wrapping_sub(pending.delivered_ms)
    };
    let array = out.array_later();
    let mut count = 0;
    let mut reply = |pending: &Pending| {
        out.array(4);
        out.bulk(IdText::new(pending.id).bytes());
        out.bulk(&pending.consumer);
        out.int(now_ms.saturating_sub(pending.delivered_ms).max(0));
        out.int(pending.deliveries as i64);
        count += 1;
    };
    let count_max = count_max(filter.count);
    match filter.consumer {
        None => {
            let all = group.pending_between(filter.start, filter.end);
            all.filter(is_idle).take(count_max).for_each(&mut reply);
        }
        Some(name) => {
            let ids = group.consumer(name).map(|consumer| consumer.pending_ids(filter.start, filter.end));
            let all = ids.into_iter().flatten().filter_map(|id| group.pending(*id));
            all.filter(is_idle).take(count_max).for_each(&mut reply);
        }
    }
    out.finish_array(array, count);
}
