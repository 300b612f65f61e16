//! XREAD and XREADGROUP: entries behind an id, of several streams.
//!
//! A consumer that reads new entries of its group has them pending from then on; one that reads by an id gets what
//! is pending with it again. A read is no request to be repeated: what is logged is how the delivered entries are
//! pending, and how far the group has read.

use super::{COUNT, Claim, IdText, KEY, STREAM, again, count_max, edit, ids, log_group_id, read};
use super::{reply_entries, reply_entry, reply_id};
use crate::commands::args::{int, is, shown};
use crate::error::{Done, Error};
use crate::events::Event;
use crate::row::{Doc, Flags, FoundSpec, Meta, Row, Search};
use crate::txn::Txn;
use base::number::parse_i64;
use ds::stream::{Activity, Group, Id, Stream};
use resp::{Args, Proto, Reply};
use std::ops::Range;

const BLOCK: Doc = Doc::new("milliseconds", "integer").behind("BLOCK").optional();
const STREAMS: Doc =
    Doc::block("streams", &[KEY.multiple(), Doc::new("id", "string").multiple()]).behind("STREAMS");

const READ: Meta = Meta { complexity: "O(N) in the number of entries that are given", ..STREAM };

/// COMMAND INFO says to look for the word from this argument on.
const fn behind_streams(from: i16) -> FoundSpec {
    let search = Search::Keyword { word: "STREAMS", from, last: -1, step: 1, limit: 2 };
    FoundSpec { flags: &["RO", "access"], search, notes: "" }
}

/// The options are read as the commands read them: a group, a consumer or a key may be called "streams" too.
fn keys_behind_streams(args: Args) -> Range<usize> {
    let mut i = 1;
    while let Some(word) = args.get(i) {
        i += match word {
            _ if is(word, "streams") => {
                let first = i + 1;
                return first..first + (args.len() - first) / 2;
            }
            _ if is(word, "block") || is(word, "count") => 2,
            _ if is(word, "group") => 3,
            _ if is(word, "noack") => 1,
            _ => break,
        };
    }
    0..0
}

fn find_keys(args: Args, found: &mut dyn FnMut(usize)) {
    keys_behind_streams(args).for_each(found);
}

pub const ROWS: &[Row] = &[
    Row {
        meta: Meta {
            name: "xread",
            arity: -4,
            flags: Flags::READONLY.with(Flags::BLOCKING).with(Flags::MOVABLE_KEYS),
            find_keys: Some(find_keys),
            found_keys: &[behind_streams(1)],
            summary: "Gives the entries of streams that are newer than given ids, and waits for some if asked to.",
            docs: &[COUNT, BLOCK, STREAMS],
            ..READ
        },
        run: xread,
    },
    Row {
        meta: Meta {
            name: "xreadgroup",
            arity: -7,
            flags: Flags::WRITE.with(Flags::BLOCKING).with(Flags::MOVABLE_KEYS),
            find_keys: Some(find_keys),
            found_keys: &[behind_streams(4)],
            summary: "Gives entries to a consumer of a group: new ones, or those that are pending with it.",
            docs: &[
                Doc::block("group-block", &[Doc::new("group", "string"), Doc::new("consumer", "string")])
                    .behind("GROUP"),
                COUNT,
                BLOCK,
                Doc::flag("noack", "NOACK").optional(),
                STREAMS,
            ],
            ..READ
        },
        run: xreadgroup,
    },
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Command {
    Read,
    ReadGroup,
}

impl Command {
    fn name(self) -> &'static str {
        match self {
            Self::Read => "xread",
            Self::ReadGroup => "xreadgroup",
        }
    }

    /// The id that stands for "from here on".
    fn symbol(self) -> char {
        match self {
            Self::Read => '$',
            Self::ReadGroup => '>',
        }
    }
}

#[derive(Default)]
struct Options<'a> {
    count: i64,
    group: Option<(&'a [u8], &'a [u8])>,
    noack: bool,
    /// Where the first key is, and how many there are.
    first: usize,
    streams: usize,
}

impl<'a> Options<'a> {
    fn parse(txn: &Txn, args: Args<'a>, command: Command) -> Result<Self, Error> {
        let mut options = Self::default();
        let mut i = 1;
        while i < args.len() {
            let (word, more) = (args.at(i), args.len() - 1 - i);
            match word {
                _ if is(word, "block") && 1 <= more => {
                    check_timeout(args.at(i + 1), txn.now_ms)?;
                    i += 1;
                }
                _ if is(word, "count") && 1 <= more => {
                    options.count = int(args.at(i + 1))?.max(0);
                    i += 1;
                }
                _ if is(word, "streams") && 1 <= more => {
                    options.first = i + 1;
                    if !more.is_multiple_of(2) {
                        return Err(unbalanced(command));
                    }
                    options.streams = more / 2;
                    break;
                }
                _ if is(word, "group") && 2 <= more => {
                    only_of_groups(command, "GROUP")?;
                    options.group = Some((args.at(i + 1), args.at(i + 2)));
                    i += 2;
                }
                _ if is(word, "noack") => {
                    only_of_groups(command, "NOACK")?;
                    options.noack = true;
                }
                _ => return Err(Error::Syntax),
            }
            i += 1;
        }
        if options.streams == 0 {
            return Err(Error::Syntax);
        }
        if command == Command::ReadGroup && options.group.is_none() {
            return Err(Error::text("ERR Missing GROUP option for XREADGROUP"));
        }
        Ok(options)
    }
}

fn unbalanced(command: Command) -> Error {
    Error::owned(format!(
        "ERR Unbalanced '{}' list of streams: for each stream key an ID or '{}' must be specified.",
        command.name(),
        command.symbol()
    ))
}

fn only_of_groups(command: Command, option: &str) -> Result<(), Error> {
    if command == Command::ReadGroup {
        return Ok(());
    }
    Err(Error::owned(format!(
        "ERR The {option} option is only supported by XREADGROUP. You called XREAD instead."
    )))
}

/// Milliseconds to wait, 0 for ever: what can be waited for.
fn check_timeout(arg: &[u8], now_ms: i64) -> Result<(), Error> {
    let ms = parse_i64(arg).ok_or(Error::text("ERR timeout is not an integer or out of range"))?;
    if ms < 0 {
        return Err(Error::text("ERR timeout is negative"));
    }
    now_ms.checked_add(ms).map(|_| ()).ok_or(Error::text("ERR timeout is out of range"))
}

/// From where a stream is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum From {
    /// What was not delivered so far.
    New,
    /// Behind this id.
    Behind(Id),
}

fn xread(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    run(txn, args, out, Command::Read)
}

fn xreadgroup(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    txn.no_effect();
    run(txn, args, out, Command::ReadGroup)
}

fn run(txn: &mut Txn, args: Args, out: &mut Reply, command: Command) -> Done {
    let options = Options::parse(txn, args, command)?;
    let keys = || args.iter().skip(options.first).take(options.streams);
    // Everything is checked before anything is delivered.
    let mut froms = Vec::with_capacity(options.streams);
    for (i, key) in keys().enumerate() {
        let id = args.at(options.first + options.streams + i);
        froms.push(from(txn, key, id, options.group.map(|(group, _)| group))?);
    }
    let mark = out.mark();
    let array = out.array_later();
    let mut served = 0;
    for (key, from) in keys().zip(froms) {
        let before = out.mark();
        if out.proto() == Proto::Resp2 {
            out.array(2);
        }
        out.bulk(key);
        let is_served = match options.group {
            Some((group, consumer)) => {
                let reader = Reader { key, group, consumer, count_max: count_max(options.count) };
                reader.read(txn, from, options.noack, out)
            }
            None => read_plainly(txn, key, from, count_max(options.count), out),
        };
        if is_served {
            served += 1;
        } else {
            out.rewind(before);
        }
    }
    if served == 0 {
        out.rewind(mark);
        out.nil_array();
    } else {
        match out.proto() {
            Proto::Resp2 => out.finish_array(array, served),
            Proto::Resp3 => out.finish_map(array, served),
        }
    }
    Ok(())
}

/// What the id of a stream means.
fn from(txn: &Txn, key: &[u8], id: &[u8], group: Option<&[u8]>) -> Result<From, Error> {
    let stream = read(txn, key)?;
    if let Some(group) = group
        && stream.and_then(|stream| stream.group(group)).is_none()
    {
        return Err(Error::owned(format!(
            "NOGROUP No such key '{}' or consumer group '{}' in XREADGROUP with GROUP option",
            shown(key),
            shown(group)
        )));
    }
    let id = match id {
        b"$" if group.is_some() => return Err(MEANINGLESS),
        b"$" => stream.map_or(Id::MIN, Stream::last_id),
        b">" if group.is_none() => return Err(ONLY_FOR_GROUPS),
        b">" => return Ok(From::New),
        id => ids::strict(id)?,
    };
    // The largest id is what Redis keeps for `>`.
    if group.is_some() && id == Id::MAX { Ok(From::New) } else { Ok(From::Behind(id)) }
}

const MEANINGLESS: Error = Error::text(
    "ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by specifying a proper ID, or use the > ID to get new messages. The $ ID would just return an empty result set.",
);
const ONLY_FOR_GROUPS: Error = Error::text(
    "ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.",
);

/// Entries for nobody in particular; false if there are none.
fn read_plainly(txn: &Txn, key: &[u8], from: From, count_max: usize, out: &mut Reply) -> bool {
    let Ok(Some(stream)) = read(txn, key) else { return false };
    let From::Behind(id) = from else { return false };
    let Some(start) = id.next() else { return false };
    let served = reply_entries(out, stream.range(start, Id::MAX), count_max, |_| ());
    served != 0
}

/// A consumer at a stream.
struct Reader<'a> {
    key: &'a [u8],
    group: &'a [u8],
    consumer: &'a [u8],
    count_max: usize,
}

/// What came of a look at a group.
struct Delivery {
    created: bool,
    last_id: Id,
    entries_read: Option<u64>,
}

impl Reader<'_> {
    /// Whether something was replied.
    fn read(&self, txn: &mut Txn, from: From, noack: bool, out: &mut Reply) -> bool {
        // The second look counts as one, too.
        let _ = read(txn, self.key);
        match from {
            From::New => self.read_new(txn, noack, out),
            From::Behind(id) => {
                self.read_history(txn, id, noack, out);
                true
            }
        }
    }

    fn read_new(&self, txn: &mut Txn, noack: bool, out: &mut Reply) -> bool {
        let stream = again(txn, self.key);
        let group = stream.group(self.group).expect("was looked at");
        let mut ids = Vec::new();
        if let Some(start) = group.last_id.next() {
            reply_entries(out, stream.range(start, Id::MAX), self.count_max, |id| ids.push(id));
        }
        let now_ms = txn.now_ms;
        let delivery = self.edit(txn, |group, counters| {
            ids.iter().for_each(|id| group.read_past(counters, *id));
            if !noack && !ids.is_empty() {
                group.deliver(&ids, self.consumer, now_ms);
                group.touch_consumer(self.consumer, now_ms, Activity::Active);
            }
        });
        self.log_creation(txn, &delivery, noack);
        if ids.is_empty() {
            return false;
        }
        txn.changed_all(1);
        if !txn.is_logging() {
            return true;
        }
        if !noack {
            ids.iter().for_each(|id| self.log_claim(txn, *id));
        }
        log_group_id(txn, self.key, self.group, delivery.last_id, delivery.entries_read);
        true
    }

    /// What is pending with the consumer behind an id. Of an entry that is gone the id is left.
    fn read_history(&self, txn: &mut Txn, id: Id, noack: bool, out: &mut Reply) {
        let stream = again(txn, self.key);
        let group = stream.group(self.group).expect("was looked at");
        let array = out.array_later();
        let (mut count, mut again) = (0, Vec::new());
        if let (Some(consumer), Some(start)) = (group.consumer(self.consumer), id.next()) {
            for id in consumer.pending_ids(start, Id::MAX).take(self.count_max) {
                count += 1;
                match stream.get(*id) {
                    Some(entry) => {
                        reply_entry(out, entry);
                        again.push(*id);
                    }
                    None => {
                        out.array(2);
                        reply_id(out, *id);
                        out.nil_array();
                    }
                }
            }
        }
        out.finish_array(array, count);
        let now_ms = txn.now_ms;
        let delivery = self.edit(txn, |group, _| {
            for id in again {
                let deliveries = group.pending(id).map_or(0, |pending| pending.deliveries);
                group.assign(id, self.consumer, now_ms, deliveries.wrapping_add(1));
            }
        });
        self.log_creation(txn, &delivery, noack);
        txn.changed_all(1);
    }

    /// Changes the group; the consumer is there then, and was seen.
    fn edit(&self, txn: &mut Txn, change: impl FnOnce(&mut Group, &ds::stream::Counters)) -> Delivery {
        let now_ms = txn.now_ms;
        edit(txn, self.key, |stream| {
            let with = |group: &mut Group, counters: &ds::stream::Counters| {
                let created = group.create_consumer(self.consumer, now_ms);
                if !created {
                    group.touch_consumer(self.consumer, now_ms, Activity::Seen);
                }
                change(group, counters);
                Delivery { created, last_id: group.last_id, entries_read: group.entries_read }
            };
            stream.with_group(self.group, with).expect("was looked at")
        })
    }

    /// The claims of what was delivered say it too, unless there are none.
    fn log_creation(&self, txn: &mut Txn, delivery: &Delivery, noack: bool) {
        if !delivery.created {
            return;
        }
        txn.changed_all(1);
        txn.also_happened(self.key, Event::XGroupCreateConsumer);
        if noack {
            txn.effect(&[b"XGROUP", b"CREATECONSUMER", self.key, self.group, self.consumer]);
        }
    }

    /// A new entry is its group's last one when it is delivered.
    fn log_claim(&self, txn: &mut Txn, id: Id) {
        let text = IdText::new(id);
        let claim = Claim {
            key: self.key,
            group: self.group,
            consumer: self.consumer,
            id: text.bytes(),
            delivered_ms: txn.now_ms,
            deliveries: 1,
            last_id: id,
        };
        claim.log(txn);
    }
}
