//! Applies the stream of a primary, a whole transaction at a time.
//!
//! What stands between two points of the stream where no MULTI is open is applied in one `Txn`, and the same bytes
//! are appended to our own log in it, verbatim: our offsets equal the primary's. Nothing is decided here by a clock,
//! by chance or by memory. A command that we don't know stops the stream with an error that names it; nothing is
//! skipped.

use crate::commands;
use crate::engine::Engine;
use crate::error::Done;
use crate::row::Row;
use crate::txn::{Origin, Scratch, Txn};
use base::position::Offset;
use ds::striped::LockSet;
use resp::{Args, Decoded, Decoder, Limits, Proto, Reply, Span};
use std::fmt;

/// What the driver is told besides the bytes applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// REPLCONF GETACK: the primary wants our offset at once, the request included.
    GetAck,
    /// A command of the stream failed here: name, error line. The primary had no error.
    Failed { command: String, error: String },
}

/// Why the stream can't go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamError {
    Unknown {
        command: String,
    },
    Arity {
        command: String,
    },
    Protocol(String),
    Select(String),
    /// This is no longer the replica that asked for the stream.
    RoleChanged,
}

impl fmt::Display for StreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { command } => {
                write!(f, "the primary sent the command '{command}', which this server doesn't know")
            }
            Self::Arity { command } => {
                write!(f, "the primary sent '{command}' with a wrong number of arguments")
            }
            Self::Protocol(what) => write!(f, "Protocol error ({what}) in the primary's stream"),
            Self::Select(what) => write!(f, "the primary selected a database that is not there: {what}"),
            Self::RoleChanged => f.write_str("the role of this server changed"),
        }
    }
}

/// Commands of a stream that the engine has no rows for: scripts and function libraries. They run under every shard.
pub trait Foreign {
    fn knows(&self, args: Args) -> bool;

    /// Runs one that it knows. An error is noted, as the primary had none.
    fn run(&mut self, txn: &mut Txn, args: Args) -> Done;
}

pub struct Applier {
    foreign: Option<Box<dyn Foreign + Send>>,
    /// The role's epoch in which the stream was asked for.
    role_epoch: u64,
    /// Selected by the stream; `None` until its first SELECT, when the snapshot did not say.
    db: u32,
    decoder: Decoder,
    limits: Limits,
    spans: Vec<Span>,
    /// Requests of the transaction that is being collected: byte range in the buffer, spans.
    requests: Vec<Request>,
    /// Bytes of `buffer` that are decoded but not applied: an open MULTI.
    decoded: usize,
    in_multi: bool,
    buffer: Vec<u8>,
    replies: Vec<u8>,
}

struct Request {
    at: usize,
    bytes: usize,
    first_span: usize,
    spans: usize,
}

/// A request of the stream, ready to run.
enum Step {
    Row(&'static Row),
    Foreign,
    Select(u32),
    GetAck,
    /// PING, MULTI, EXEC and other REPLCONF: nothing to do but to keep the bytes.
    Keep,
}

impl Applier {
    /// `db` is what the stream has selected where it begins: repl-stream-db of the snapshot, else 0. The stream is
    /// applied in this epoch of the role only.
    pub fn new(db: u32, role_epoch: u64) -> Self {
        Self {
            foreign: None,
            role_epoch,
            db,
            decoder: Decoder::new(),
            limits: Limits { query_bytes_max: usize::MAX, bulk_bytes_max: usize::MAX, ..Limits::default() },
            spans: Vec::new(),
            requests: Vec::new(),
            decoded: 0,
            in_multi: false,
            buffer: Vec::new(),
            replies: Vec::new(),
        }
    }

    /// With whoever knows what the engine doesn't.
    pub fn with(mut self, foreign: Box<dyn Foreign + Send>) -> Self {
        self.foreign = Some(foreign);
        self
    }

    pub fn db(&self) -> u32 {
        self.db
    }

    /// Takes in bytes of the stream and applies every transaction that is complete. Returns the log's end.
    pub fn feed(
        &mut self,
        engine: &Engine,
        scratch: &mut Scratch,
        now_ms: i64,
        bytes: &[u8],
        notes: &mut Vec<Note>,
    ) -> Result<Offset, StreamError> {
        self.buffer.extend_from_slice(bytes);
        loop {
            let rest = &self.buffer[self.decoded..];
            let decoded = self.decoder.next(rest, &self.limits, &mut self.spans);
            match decoded.map_err(|error| StreamError::Protocol(error.to_string()))? {
                Decoded::Need(_) => break,
                Decoded::Empty { bytes } => self.push(bytes, 0, 0),
                Decoded::Inline { bytes, args } if args.is_empty() => self.push(bytes, 0, 0),
                Decoded::Inline { .. } => return Err(StreamError::Protocol("inline command".into())),
                Decoded::Request { bytes, first_span, spans, .. } => self.push(bytes, first_span, spans),
            }
            self.track_multi();
            if !self.in_multi {
                self.apply(engine, scratch, now_ms, notes)?;
            }
        }
        // What is applied goes; an open transaction and a half request stay.
        if self.requests.is_empty() {
            self.buffer.drain(..self.decoded);
            self.decoded = 0;
            self.spans.clear();
        }
        Ok(engine.log.end())
    }

    fn push(&mut self, bytes: usize, first_span: usize, spans: usize) {
        self.requests.push(Request { at: self.decoded, bytes, first_span, spans });
        self.decoded += bytes;
    }

    fn args<'a>(buffer: &'a [u8], spans: &'a [Span], request: &Request) -> Args<'a> {
        let bytes = &buffer[request.at..request.at + request.bytes];
        Args::new(bytes, &spans[request.first_span..request.first_span + request.spans])
    }

    fn track_multi(&mut self) {
        let request = self.requests.last().expect("just pushed");
        if request.spans == 0 {
            return;
        }
        let name = Self::args(&self.buffer, &self.spans, request).name();
        if name.eq_ignore_ascii_case(b"multi") {
            self.in_multi = true;
        } else if name.eq_ignore_ascii_case(b"exec") {
            self.in_multi = false;
        }
    }

    /// Runs the collected requests in one transaction and appends their bytes to the log.
    fn apply(
        &mut self,
        engine: &Engine,
        scratch: &mut Scratch,
        now_ms: i64,
        notes: &mut Vec<Note>,
    ) -> Result<(), StreamError> {
        let requests = std::mem::take(&mut self.requests);
        let (from, to) = (requests[0].at, self.decoded);
        let mut steps = Vec::with_capacity(requests.len());
        let mut locks = LockSet::EMPTY;
        for request in requests.iter().filter(|request| request.spans != 0) {
            let args = Self::args(&self.buffer, &self.spans, request);
            let step = match &self.foreign {
                Some(foreign) if foreign.knows(args) => Step::Foreign,
                _ => read_step(engine, args)?,
            };
            match step {
                Step::Row(row) => locks = locks.union(engine.locks_of(&row.meta, args, scratch)),
                Step::Foreign => locks = engine.all_locks(),
                _ => {}
            }
            steps.push((step, args));
        }
        if locks.is_empty() {
            // A PING changes no key, but it too must not slip in behind a change of the role.
            locks = LockSet::one(0);
        }
        scratch.forget_key();
        let mut db = self.db;
        let mut txn = engine.begin(scratch, locks, now_ms, db, Origin::Primary);
        if engine.role_epoch() != self.role_epoch {
            return Err(StreamError::RoleChanged);
        }
        for (step, args) in steps {
            match step {
                Step::Row(row) => run(&mut txn, row, args, &mut self.replies, notes),
                Step::Foreign => {
                    let foreign = self.foreign.as_mut().expect("it said that it knows the command");
                    let result = foreign.run(&mut txn, args);
                    txn.end_command(args);
                    // What a script selects is its own.
                    txn.db = db;
                    note(result, &String::from_utf8_lossy(args.name()).to_lowercase(), notes);
                }
                Step::Select(to) => {
                    db = to;
                    txn.db = db;
                }
                Step::GetAck => notes.push(Note::GetAck),
                Step::Keep => {}
            }
        }
        txn.append_verbatim(&self.buffer[from..to], Some(db));
        txn.commit();
        self.db = db;
        Ok(())
    }
}

fn read_step(engine: &Engine, args: Args) -> Result<Step, StreamError> {
    let name = args.name();
    let command = || String::from_utf8_lossy(name).to_lowercase();
    if let Some(row) = commands::find(name) {
        if !row.meta.accepts(args.len()) {
            return Err(StreamError::Arity { command: command() });
        }
        return Ok(Step::Row(row));
    }
    match command().as_str() {
        "select" => {
            let db = args.get(1).and_then(base::number::parse_i64).unwrap_or(-1);
            if db < 0 || i64::from(engine.databases()) <= db {
                return Err(StreamError::Select(format!("{db}")));
            }
            Ok(Step::Select(db as u32))
        }
        "replconf" if args.get(1).is_some_and(|sub| sub.eq_ignore_ascii_case(b"getack")) => Ok(Step::GetAck),
        "ping" | "multi" | "exec" | "replconf" => Ok(Step::Keep),
        _ => Err(StreamError::Unknown { command: String::from_utf8_lossy(name).into_owned() }),
    }
}

fn run(txn: &mut Txn, row: &Row, args: Args, replies: &mut Vec<u8>, notes: &mut Vec<Note>) {
    replies.clear();
    let mut reply = Reply::new(replies, Proto::Resp2);
    note(txn.call(row, args, &mut reply), row.meta.name, notes);
}

fn note(result: Done, command: &str, notes: &mut Vec<Note>) {
    if let Err(error) = result {
        notes.push(Note::Failed { command: command.to_string(), error: error.to_string() });
    }
}
