//! XCLAIM and XAUTOCLAIM: a consumer takes over what is pending with others.
//!
//! What is logged is an XCLAIM for each entry, which says everything. A replica that carries it out takes the times
//! from it, not from its own clock.

use super::{COUNT, Claim, ID, IdText, KEY, STREAM, again, edit, ids, log_group_id, no_group, one, read};
use super::{reply_entry, reply_id};
use crate::commands::args::{is, shown};
use crate::error::{Done, Error};
use crate::events::Event;
use crate::row::{Doc, Flags, Meta, Row};
use crate::txn::{Origin, Txn};
use base::number::parse_i64;
use ds::stream::{Activity, Group, Id, Name, Pending, Stream};
use resp::{Args, Reply};

const CLAIM: Meta =
    Meta { arity: -6, flags: Flags::WRITE.with(Flags::FAST), tips: &["nondeterministic_output"], ..STREAM };

const GROUP: Doc = Doc::new("group", "string");
const CONSUMER: Doc = Doc::new("consumer", "string");
const IDLE_MIN: Doc = Doc::new("min-idle-time", "string");
const JUSTID: Doc = Doc::flag("justid", "JUSTID").optional();

pub const ROWS: &[Row] = &[
    Row {
        meta: Meta {
            name: "xclaim",
            keys: &[one(1, &["RW", "update"])],
            summary: "Gives entries that are pending in a group to another consumer of it.",
            complexity: "O(log N) for each id, with N entries pending in the group",
            docs: &[
                KEY,
                GROUP,
                CONSUMER,
                IDLE_MIN,
                ID.multiple(),
                Doc::new("ms", "integer").behind("IDLE").optional(),
                Doc::new("unix-time-milliseconds", "unix-time").behind("TIME").optional(),
                Doc::new("count", "integer").behind("RETRYCOUNT").optional(),
                Doc::flag("force", "FORCE").optional(),
                JUSTID,
                Doc::new("lastid", "string").behind("LASTID").optional(),
            ],
            ..CLAIM
        },
        run: xclaim,
    },
    Row {
        meta: Meta {
            name: "xautoclaim",
            keys: &[one(1, &["RW", "delete"])],
            since: "6.2.0",
            summary: "Gives entries that have been pending in a group for long to another consumer of it.",
            complexity: "O(1) if COUNT is small",
            history: &[("7.0.0", "The reply tells which entries were gone, and are no longer pending.")],
            docs: &[KEY, GROUP, CONSUMER, IDLE_MIN, Doc::new("start", "string"), COUNT, JUSTID],
            ..CLAIM
        },
        run: xautoclaim,
    },
];

/// What is said of the entries of an XCLAIM.
struct Options {
    ids: Vec<Id>,
    idle_ms_min: i64,
    /// When they count as delivered.
    delivered_ms: i64,
    deliveries: Option<u64>,
    force: bool,
    just_id: bool,
    last_id: Id,
}

fn number(arg: &[u8], error: &'static str) -> Result<i64, Error> {
    parse_i64(arg).ok_or(Error::text(error))
}

impl Options {
    fn parse(args: Args, now_ms: i64, origin: Origin) -> Result<Self, Error> {
        let idle_ms_min = number(args.at(4), "ERR Invalid min-idle-time argument for XCLAIM")?.max(0);
        let ids: Vec<Id> = args.iter().skip(5).map_while(|arg| ids::strict(arg).ok()).collect();
        let mut i = 5 + ids.len();
        let mut options = Self {
            ids,
            idle_ms_min,
            delivered_ms: now_ms,
            deliveries: None,
            force: false,
            just_id: false,
            last_id: Id::MIN,
        };
        let mut delivered_ms = None;
        while let Some(word) = args.get(i) {
            let value = args.get(i + 1);
            i += 1;
            match (word, value) {
                _ if is(word, "force") => options.force = true,
                _ if is(word, "justid") => options.just_id = true,
                (_, Some(value)) => {
                    options.read_value(word, value, now_ms, &mut delivered_ms)?;
                    i += 1;
                }
                _ => return Err(unrecognized(word)),
            }
        }
        // A time that can't be is taken for now: clients reckon by clocks of their own. A primary's is as it is.
        let is_right = |at: i64| origin == Origin::Primary || (0 <= at && at <= now_ms);
        options.delivered_ms = delivered_ms.filter(|at| is_right(*at)).unwrap_or(now_ms);
        Ok(options)
    }

    fn read_value(
        &mut self,
        word: &[u8],
        value: &[u8],
        now_ms: i64,
        delivered_ms: &mut Option<i64>,
    ) -> Result<(), Error> {
        match word {
            _ if is(word, "idle") => {
                let idle_ms = number(value, "ERR Invalid IDLE option argument for XCLAIM")?;
                *delivered_ms = Some(now_ms.wrapping_sub(idle_ms));
            }
            _ if is(word, "time") => {
                *delivered_ms = Some(number(value, "ERR Invalid TIME option argument for XCLAIM")?);
            }
            _ if is(word, "retrycount") => {
                let count = number(value, "ERR Invalid RETRYCOUNT option argument for XCLAIM")?;
                self.deliveries = u64::try_from(count).ok();
            }
            _ if is(word, "lastid") => self.last_id = ids::strict(value)?,
            _ => return Err(unrecognized(word)),
        }
        Ok(())
    }
}

fn unrecognized(word: &[u8]) -> Error {
    Error::owned(format!("ERR Unrecognized XCLAIM option '{}'", shown(word)))
}

/// How an entry of a claim is, or was, pending.
struct Outcome {
    /// Of the ids in the request, or of those that were found.
    index: usize,
    consumer: Name,
    delivered_ms: i64,
    deliveries: u64,
}

impl Outcome {
    fn of(index: usize, pending: &Pending) -> Self {
        let Pending { consumer, delivered_ms, deliveries, .. } = pending;
        Self { index, consumer: consumer.clone(), delivered_ms: *delivered_ms, deliveries: *deliveries }
    }
}

fn group_mut<R>(stream: &mut Stream, name: &[u8], change: impl FnOnce(&mut Group) -> R) -> R {
    stream.with_group(name, |group, _| change(group)).expect("was looked at")
}

/// The consumer is there and was seen; whether it was made for it.
fn meet(group: &mut Group, consumer: &[u8], now_ms: i64) -> bool {
    let created = group.create_consumer(consumer, now_ms);
    if !created {
        group.touch_consumer(consumer, now_ms, Activity::Seen);
    }
    created
}

fn xclaim(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let (key, name, consumer) = (args.at(1), args.at(2), args.at(3));
    if read(txn, key)?.and_then(|stream| stream.group(name)).is_none() {
        return Err(no_group(key, name));
    }
    let options = Options::parse(args, txn.now_ms, txn.origin())?;
    // On a replica it happened when its primary says.
    let now_ms = if txn.origin() == Origin::Primary { options.delivered_ms } else { txn.now_ms };
    let mut outcomes = Vec::new();
    let array = out.array_later();
    let (created, moved, claimed, last_id, entries_read) = edit(txn, key, |stream| {
        let (created, moved) = group_mut(stream, name, |group| {
            let moved = group.last_id < options.last_id;
            group.last_id = group.last_id.max(options.last_id);
            (meet(group, consumer, now_ms), moved)
        });
        let mut claimed = 0;
        let claimer = Claimer { name, consumer, options: &options, now_ms };
        for index in 0..options.ids.len() {
            claimed += usize::from(claimer.claim(stream, index, out, &mut outcomes));
        }
        let group = stream.group(name).expect("was looked at");
        (created, moved, claimed, group.last_id, group.entries_read)
    });
    out.finish_array(array, claimed);
    txn.no_effect();
    note_creation(txn, key, created);
    if !outcomes.is_empty() {
        txn.changed_all(outcomes.len() as u64);
        log_all(txn, &outcomes, |index| args.at(5 + index).to_vec(), key, name, last_id);
    } else if moved {
        txn.changed_all(1);
        log_group_id(txn, key, name, last_id, entries_read);
    }
    Ok(())
}

fn note_creation(txn: &mut Txn, key: &[u8], created: bool) {
    if created {
        txn.changed_all(1);
        txn.also_happened(key, Event::XGroupCreateConsumer);
    }
}

fn log_all(
    txn: &mut Txn,
    outcomes: &[Outcome],
    id_text: impl Fn(usize) -> Vec<u8>,
    key: &[u8],
    group: &[u8],
    last_id: Id,
) {
    if !txn.is_logging() {
        return;
    }
    for outcome in outcomes {
        let Outcome { index, ref consumer, delivered_ms, deliveries } = *outcome;
        let id = id_text(index);
        Claim { key, group, consumer, id: &id, delivered_ms, deliveries, last_id }.log(txn);
    }
}

/// A consumer that claims.
struct Claimer<'a> {
    name: &'a [u8],
    consumer: &'a [u8],
    options: &'a Options,
    now_ms: i64,
}

impl Claimer<'_> {
    /// Claims the entry of one id; whether it was replied.
    fn claim(&self, stream: &mut Stream, index: usize, out: &mut Reply, outcomes: &mut Vec<Outcome>) -> bool {
        let id = self.options.ids[index];
        let before = stream.group(self.name).expect("was looked at").pending(id).cloned();
        let Some(entry) = stream.get(id) else {
            // What is gone from the stream is no longer pending either.
            if let Some(before) = before {
                outcomes.push(Outcome::of(index, &before));
                group_mut(stream, self.name, |group| group.release(id));
            }
            return false;
        };
        let deliveries = match &before {
            Some(before) if self.now_ms.wrapping_sub(before.delivered_ms) < self.options.idle_ms_min => {
                return false;
            }
            Some(before) => before.deliveries,
            // As if it had been delivered once.
            None if self.options.force => 1,
            None => return false,
        };
        let deliveries =
            self.options.deliveries.unwrap_or(deliveries.wrapping_add(u64::from(!self.options.just_id)));
        if self.options.just_id {
            reply_id(out, id);
        } else {
            reply_entry(out, entry);
        }
        group_mut(stream, self.name, |group| {
            group.assign(id, self.consumer, self.options.delivered_ms, deliveries);
            group.touch_consumer(self.consumer, self.now_ms, Activity::Active);
            outcomes.push(Outcome::of(index, group.pending(id).expect("was assigned")));
        });
        true
    }
}

/// What becomes of an entry that XAUTOCLAIM looked at.
enum Found {
    Claimed(Id),
    Gone(Id),
}

fn xautoclaim(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    /// Entries that are looked at for each that is asked for.
    const LOOKS: usize = 10;
    let (key, name, consumer) = (args.at(1), args.at(2), args.at(3));
    let idle_ms_min = number(args.at(4), "ERR Invalid min-idle-time argument for XAUTOCLAIM")?.max(0);
    let start = ids::start(args.at(5))?;
    let (count, just_id) = parse_auto(args)?;
    let found = read(txn, key)?.and_then(|stream| stream.group(name));
    if found.is_none() {
        return Err(no_group(key, name));
    }
    let now_ms = txn.now_ms;
    let stream = again(txn, key);
    let group = stream.group(name).expect("was looked at");
    let mut found = Vec::new();
    out.array(3);
    let cursor_at = out.mark();
    let array = out.array_later();
    let (mut claimed, mut left) = (0, count);
    let mut pending = group.pending_between(start, Id::MAX);
    for _ in 0..count.saturating_mul(LOOKS) {
        let next = if left == 0 { None } else { pending.next() };
        let Some(next) = next else { break };
        match stream.get(next.id) {
            None => found.push((Found::Gone(next.id), Outcome::of(found.len(), next))),
            Some(_) if now_ms.wrapping_sub(next.delivered_ms) < idle_ms_min => continue,
            Some(entry) => {
                let deliveries = next.deliveries.wrapping_add(u64::from(!just_id));
                let outcome = Outcome {
                    index: found.len(),
                    consumer: consumer.into(),
                    delivered_ms: now_ms,
                    deliveries,
                };
                found.push((Found::Claimed(next.id), outcome));
                claimed += 1;
                if just_id {
                    reply_id(out, next.id);
                } else {
                    reply_entry(out, entry);
                }
            }
        }
        left -= 1;
    }
    let cursor = pending.next().map_or(Id::MIN, |next| next.id);
    let last_id = group.last_id;
    out.finish_array(array, claimed);
    insert_id(out, cursor_at, cursor);
    let gone =
        || found.iter().filter_map(|(found, _)| if let Found::Gone(id) = found { Some(*id) } else { None });
    out.array(gone().count());
    gone().for_each(|id| reply_id(out, id));

    let created = edit(txn, key, |stream| {
        group_mut(stream, name, |group| {
            let created = meet(group, consumer, now_ms);
            for (found, outcome) in &found {
                match *found {
                    Found::Gone(id) => {
                        group.release(id);
                    }
                    Found::Claimed(id) => group.assign(id, consumer, now_ms, outcome.deliveries),
                }
            }
            if claimed != 0 {
                group.touch_consumer(consumer, now_ms, Activity::Active);
            }
            created
        })
    });
    txn.no_effect();
    note_creation(txn, key, created);
    if !found.is_empty() {
        txn.changed_all(found.len() as u64);
        let (ids, outcomes): (Vec<Found>, Vec<Outcome>) = found.into_iter().unzip();
        let text = |index: usize| match ids[index] {
            Found::Claimed(id) | Found::Gone(id) => IdText::new(id).bytes().to_vec(),
        };
        log_all(txn, &outcomes, text, key, name, last_id);
    }
    Ok(())
}

/// COUNT and JUSTID.
fn parse_auto(args: Args) -> Result<(usize, bool), Error> {
    const COUNT_DEFAULT: usize = 100;
    /// Redis's, which reserves 16 bytes for each.
    const COUNT_MAX: i64 = i64::MAX / 16;
    let (mut count, mut just_id) = (COUNT_DEFAULT, false);
    let mut i = 6;
    while let Some(word) = args.get(i) {
        match args.get(i + 1) {
            Some(value) if is(word, "count") => {
                let value = parse_i64(value).filter(|count| 1 <= *count && *count <= COUNT_MAX);
                count = value.ok_or(Error::text("ERR COUNT must be > 0"))? as usize;
                i += 1;
            }
            _ if is(word, "justid") => just_id = true,
            _ => return Err(Error::Syntax),
        }
        i += 1;
    }
    Ok((count, just_id))
}

/// Puts an id before what was written since the mark.
fn insert_id(out: &mut Reply, at: usize, id: Id) {
    let behind = out.since(at).to_vec();
    out.rewind(at);
    reply_id(out, id);
    out.raw(&behind);
}
