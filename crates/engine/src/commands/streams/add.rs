//! XADD, XTRIM, XSETID: what makes a stream longer or shorter at its ends.

use super::ids::{self, NewId};
use super::trim::{self, Trim, TrimOptions};
use super::{ID, IdText, KEY, STREAM, edit, one, write};
use crate::commands::args::{int, is};
use crate::error::{Done, Error};
use crate::events::Event;
use crate::row::{Doc, Flags, KeySpec, Meta, Row};
use crate::txn::{Ttl, Txn};
use crate::value::Value;
use ds::entry::NewPayload;
use ds::stream::{AddError, Counters, Id, Stream};
use resp::{Args, Reply};

pub const ROWS: &[Row] = &[
    Row {
        meta: Meta {
            name: "xadd",
            arity: -5,
            flags: Flags::WRITE.with(Flags::DENYOOM).with(Flags::FAST),
            keys: &[KeySpec {
                notes: "It may trim too, so that it is no plain insert.",
                ..one(1, &["RW", "update"])
            }],
            summary: "Adds an entry at the end of a stream, which is made if it is not there.",
            complexity: "O(1), and O(N) in the number of entries that are trimmed",
            history: &[
                ("6.2.0", "`NOMKSTREAM`, `MINID` and `LIMIT` came."),
                ("7.0.0", "Ids of the form `<ms>-*` came."),
            ],
            docs: &[
                KEY,
                Doc::flag("nomkstream", "NOMKSTREAM").since("6.2.0").optional(),
                trim::DOC.optional(),
                Doc::one_of("id-selector", &[Doc::flag("auto-id", "*"), ID]),
                Doc::block("data", &[Doc::new("field", "string"), Doc::new("value", "string")]).multiple(),
            ],
            ..trim::OF_STREAM
        },
        run: xadd,
    },
    Row {
        meta: Meta {
            name: "xtrim",
            arity: -4,
            flags: Flags::WRITE,
            keys: &[one(1, &["RW", "delete"])],
            summary: "Removes the oldest entries of a stream.",
            complexity: "O(N) in the number of entries that are removed, most of them whole blocks at a time",
            history: &[("6.2.0", "`MINID` and `LIMIT` came.")],
            docs: &[KEY, trim::DOC],
            ..trim::OF_STREAM
        },
        run: xtrim,
    },
    Row {
        meta: Meta {
            name: "xsetid",
            arity: -3,
            flags: Flags::WRITE.with(Flags::DENYOOM).with(Flags::FAST),
            keys: &[one(1, &["RW", "update"])],
            summary: "Sets the last id of a stream and its counters: for replication.",
            complexity: "O(1)",
            history: &[("7.0.0", "`ENTRIESADDED` and `MAXDELETEDID` came.")],
            docs: &[
                KEY,
                Doc::new("last-id", "string"),
                Doc::new("entries-added", "integer").behind("ENTRIESADDED").since("7.0.0").optional(),
                Doc::new("max-deleted-id", "string").behind("MAXDELETEDID").since("7.0.0").optional(),
            ],
            ..STREAM
        },
        run: xsetid,
    },
];

/// What an XADD asks for.
struct Addition {
    id: NewId,
    /// Where the id is among the arguments; names and values follow.
    id_at: usize,
    trim: Option<Trim>,
    makes_stream: bool,
}

impl Addition {
    fn parse(txn: &Txn, args: Args) -> Result<Self, Error> {
        let mut options = TrimOptions::default();
        let mut makes_stream = true;
        let mut i = 2;
        let mut id = NewId::Auto;
        while let Some(word) = args.get(i) {
            if word == b"*" {
                break;
            }
            if let Some(next) = options.read(args, i)? {
                i = next;
            } else if is(word, "nomkstream") {
                makes_stream = false;
                i += 1;
            } else {
                id = ids::new(word)?;
                break;
            }
        }
        let trim = options.finish(txn)?;
        let pairs = args.len().saturating_sub(i + 1);
        if pairs < 2 || !pairs.is_multiple_of(2) {
            return Err(Error::Arity { command: "xadd".into() });
        }
        if id == NewId::Given(Id::MIN) {
            return Err(Error::text("ERR The ID specified in XADD must be greater than 0-0"));
        }
        Ok(Self { id, id_at: i, trim, makes_stream })
    }
}

const NOT_LAST: Error =
    Error::text("ERR The ID specified in XADD is equal or smaller than the target stream top item");
const EXHAUSTED: Error =
    Error::text("ERR The stream has exhausted the last possible ID, unable to add more items");

/// The id of the next entry behind `last`.
fn next_id(wanted: NewId, last: Id, now_ms: i64) -> Result<Id, Error> {
    if last == Id::MAX {
        return Err(EXHAUSTED);
    }
    let now = u64::try_from(now_ms).unwrap_or(0);
    match wanted {
        NewId::Given(id) if last < id => Ok(id),
        NewId::Auto if last.ms < now => Ok(Id::new(now, 0)),
        NewId::Auto => last.next().ok_or(EXHAUSTED),
        NewId::Within(ms) if last.ms < ms => Ok(Id::new(ms, 0)),
        NewId::Within(ms) if last.ms == ms && last.seq != u64::MAX => Ok(Id::new(ms, last.seq + 1)),
        NewId::Given(_) | NewId::Within(_) => Err(NOT_LAST),
    }
}

impl From<AddError> for Error {
    fn from(error: AddError) -> Self {
        match error {
            AddError::NotLast => NOT_LAST,
            AddError::TooLarge => Error::text("ERR Elements are too large to be stored"),
        }
    }
}

/// What an addition trimmed.
#[derive(Default)]
struct Trimmed {
    removed: u64,
    /// What is to be logged for it, if that differs from what was asked.
    outcome: Option<Vec<u8>>,
}

impl Trimmed {
    fn run(trim: &Trim, stream: &mut Stream, is_logging: bool) -> Self {
        let removed = trim.run(stream);
        let outcome = (is_logging && trim.is_approximate()).then(|| trim.outcome(stream));
        Self { removed, outcome }
    }
}

fn xadd(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let addition = Addition::parse(txn, args)?;
    let key = args.at(1);
    let (now_ms, limits) = (txn.now_ms, txn.engine().settings.shapes.stream());
    let is_logging = txn.is_logging();
    let rest = args.tail(addition.id_at + 1);
    let pairs = (0..rest.len() / 2).map(|i| (rest.at(2 * i), rest.at(2 * i + 1)));
    let add = |stream: &mut Stream| -> Result<(Id, Trimmed), Error> {
        let id = next_id(addition.id, stream.last_id(), now_ms)?;
        stream.add(id, pairs.clone(), limits)?;
        Ok((id, addition.trim.map_or_else(Trimmed::default, |trim| Trimmed::run(&trim, stream, is_logging))))
    };
    let found = match txn.write_mut(key) {
        Some(mut entry) => match entry.boxed_mut() {
            Some(Value::Stream(stream)) => Some(add(stream)?),
            _ => return Err(Error::WrongType),
        },
        None => None,
    };
    let (id, Trimmed { removed, outcome }) = match found {
        Some(added) => added,
        None if !addition.makes_stream => {
            out.nil();
            return Ok(());
        }
        None => {
            let mut stream = Stream::new();
            let added = add(&mut stream)?;
            txn.put(key, NewPayload::Boxed(Value::Stream(Box::new(stream))), Ttl::Clear);
            added
        }
    };
    let text = IdText::new(id);
    out.bulk(text.bytes());
    txn.changed(key, Event::XAdd);
    if removed != 0 {
        txn.also_happened(key, Event::XTrim);
    }
    let is_given = matches!(addition.id, NewId::Given(_));
    if is_logging && (outcome.is_some() || !is_given) {
        let mut argv: Vec<&[u8]> = args.iter().collect();
        if !is_given {
            argv[addition.id_at] = text.bytes();
        }
        if let (Some(trim), Some(outcome)) = (&addition.trim, &outcome) {
            trim.rewrite(&mut argv, outcome);
        }
        txn.effect(&argv);
    }
    Ok(())
}

fn xtrim(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let mut options = TrimOptions::default();
    let mut i = 2;
    while i < args.len() {
        i = options.read(args, i)?.ok_or(Error::Syntax)?;
    }
    let trim = options.finish_required(txn)?;
    let key = args.at(1);
    if write(txn, key)?.is_none() {
        out.int(0);
        return Ok(());
    }
    let (removed, outcome) = edit(txn, key, |stream| (trim.run(stream), trim.outcome(stream)));
    out.int(removed as i64);
    if removed == 0 {
        return Ok(());
    }
    txn.changed_times(key, Event::XTrim, removed as usize);
    if trim.is_approximate() {
        let mut argv: Vec<&[u8]> = args.iter().collect();
        trim.rewrite(&mut argv, &outcome);
        txn.effect(&argv);
    }
    Ok(())
}

fn xsetid(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let id = ids::strict(args.at(2))?;
    let (mut entries_added, mut max_deleted_id) = (None, None);
    let mut i = 3;
    while i < args.len() {
        let (word, value) = (args.at(i), args.get(i + 1).ok_or(Error::Syntax)?);
        if is(word, "entriesadded") {
            let count = u64::try_from(int(value)?);
            entries_added = Some(count.map_err(|_| Error::text("ERR entries_added must be positive"))?);
        } else if is(word, "maxdeletedid") {
            let max_deleted = ids::strict(value)?;
            if id < max_deleted {
                return Err(Error::text(
                    "ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id",
                ));
            }
            // Zero is none.
            max_deleted_id = Some(max_deleted).filter(|id| !id.is_zero());
        } else {
            return Err(Error::Syntax);
        }
        i += 2;
    }
    let key = args.at(1);
    let stream = write(txn, key)?.ok_or(Error::NoSuchKey)?;
    check_last_id(stream, &stream.counters(), id, entries_added)?;
    edit(txn, key, |stream| stream.set_last_id(id, entries_added, max_deleted_id));
    out.ok();
    txn.changed_all(1);
    txn.also_happened(key, Event::XSetId);
    Ok(())
}

fn check_last_id(
    stream: &Stream,
    counters: &Counters,
    id: Id,
    entries_added: Option<u64>,
) -> Result<(), Error> {
    if id < counters.max_deleted_id {
        return Err(Error::text(
            "ERR The ID specified in XSETID is smaller than current max_deleted_entry_id",
        ));
    }
    let Some(last) = stream.last() else { return Ok(()) };
    if id < last.id {
        return Err(Error::text("ERR The ID specified in XSETID is smaller than the target stream top item"));
    }
    if entries_added.is_some_and(|added| added < counters.len) {
        return Err(Error::text(
            "ERR The entries_added specified in XSETID is smaller than the target stream length",
        ));
    }
    Ok(())
}
