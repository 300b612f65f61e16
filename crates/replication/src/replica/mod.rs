//! The replica's side of PSYNC: this node's link to its primary.
//!
//! ```text
//! none ─ReplicaOf─► connect ─► connecting ─► handshake ─► sync (payload, staging, install) ─► connected
//!                     ▲                          └─ "+CONTINUE" ──────────────────────────────────┘
//!                     └──────────── whatever fails, or falls silent; again after a second ────────┘
//! ```
//!
//! What arrives is cut into lines, payload and stream here; the driver gets the payload's bytes without their frame,
//! loads them into a staging data set beside the served one, and says when it is complete. Then the staged set is
//! installed, and the stream applied.
//!
//! Invariant: whatever happens before [`Action::Install`], the served data and their place in their history stay.
//! The guard: a primary that comes back empty under an unknown id does not empty us
//! (`replica-refuse-empty-primary`).

mod connection;
mod handshake;
mod online;
mod payload;
#[cfg(test)]
mod tests;

use crate::{History, Level};
use base::position::Offset;
use base::rng::Rng;
use std::borrow::Cow;

/// What the machine sees of its node at each step.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// Monotonic.
    pub now_ms: i64,
    /// Also the offset up to which the stream is applied.
    pub log_end: Offset,
    /// Up to where the stream is fsynced in an AOF; `None` without one.
    pub log_fsynced: Option<Offset>,
    pub history: &'a History,
    /// Keys in the served data set.
    pub keys: u64,
    pub settings: &'a Settings,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DisklessLoad {
    Disabled,
    OnEmptyDb,
    SwapDb,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// masteruser; empty: none.
    pub user: String,
    /// masterauth; empty: none.
    pub auth: String,
    /// replica-announce-port, else our port.
    pub listening_port: u16,
    /// replica-announce-ip; empty: none.
    pub announce_ip: String,
    /// Said as `REPLCONF version` if not empty. Redis says none; Valkey's primaries ask for one.
    pub version: String,
    pub timeout_ms: i64,
    pub diskless_load: DisklessLoad,
    pub refuse_empty_primary: bool,
}

/// The values of an untouched configuration.
impl Default for Settings {
    fn default() -> Self {
        Self {
            user: String::new(),
            auth: String::new(),
            listening_port: 6379,
            announce_ip: String::new(),
            version: String::new(),
            timeout_ms: 60_000,
            diskless_load: DisklessLoad::Disabled,
            refuse_empty_primary: true,
        }
    }
}

/// Who asked for a change of role: the words of its log line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum By {
    /// A client, described as CLIENT LIST does.
    User(String),
    /// `PSYNC … FAILOVER` by this client.
    Failover(String),
    /// The configuration, at start: no log line.
    Config,
}

pub enum Event<'a> {
    /// Follow this primary. Resets the guard, even if it is the same address. `REPLICAOF` to the primary that we are
    /// connected with already is the caller's to answer ([`Link::target`]).
    ReplicaOf {
        host: String,
        port: u16,
        by: By,
    },
    /// Be a primary.
    NoOne {
        by: By,
    },
    /// What [`Action::Connect`] asked for.
    Connected,
    ConnectFailed {
        error: String,
    },
    /// Bytes from the primary. Not while [`Link::wants_input`] is false.
    Received(&'a [u8]),
    /// The connection is gone; `None`: closed by the other side.
    Closed {
        error: Option<String>,
    },
    /// About ten times a second.
    Tick,
    /// The payload is read, complete and verified; it waits in staging.
    Staged {
        keys: u64,
        /// repl-stream-db of the RDB.
        db: Option<u32>,
    },
    StageFailed {
        error: String,
    },
    /// GETACK was applied: acknowledge at once.
    AckWanted,
    /// The stream can't be applied: an unknown command, a protocol error. Nothing of it was skipped.
    StreamFailed {
        error: String,
    },
}

/// Redis looks once a second whether something is due; so does the link.
const PERIOD_MS: i64 = 1000;
/// After a primary that was refused as empty, or whose stream can't be applied: trying costs a full transfer, or is
/// in vain until somebody acts.
const HOPELESS_RETRY_MS: i64 = 10_000;
/// The longest line outside the payload.
const LINE_BYTES_MAX: usize = 1024;

/// How a payload is loaded, as far as Redis's words tell it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Load {
    Disk,
    Parser,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action<'a> {
    /// Connect to the primary; answer with `Connected` or `ConnectFailed`.
    Connect {
        host: String,
        port: u16,
    },
    /// Close the connection (or give up connecting); no event of it follows. Half a transaction that waits in the
    /// applier is dropped.
    Disconnect,
    Send(Vec<u8>),
    /// A payload begins: open a staging data set.
    PayloadBegin {
        bytes: Option<u64>,
        load: Load,
    },
    /// Bytes of the RDB.
    Payload(Cow<'a, [u8]>),
    /// The RDB ends here: answer with `Staged` or `StageFailed`. Input waits until then.
    PayloadEnd,
    /// Drop what is staged.
    Discard,
    /// Put the staged data set in place of the served one, begin the log at `offset` and the history, in one
    /// instant under all shards. The stream that follows has `db` selected.
    Install {
        history: History,
        offset: Offset,
        db: u32,
    },
    /// The stream goes on where our log ends, in the database that the log has selected.
    Resume,
    /// Bytes of the stream, to be applied.
    Apply(Cow<'a, [u8]>),
    /// We are a replica from here on: no client's write follows. The log is active from here on.
    BecomeReplica,
    /// We are a primary from here on, under this history. The log forgets its database, so that the next write
    /// selects it anew.
    BecomePrimary {
        history: History,
    },
    /// The history goes on under another id.
    SetHistory(History),
    /// Our replicas have to ask again ([`crate::primary::Event::DropReplicas`]).
    DropReplicas,
    /// Whether the link is up: connected and in the stream (master_link_status, MASTERDOWN).
    LinkUp(bool),
    Log(Level, String),
}

/// Where the link is; ROLE's words.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// No primary.
    None,
    /// To be connected.
    Connect,
    Connecting,
    Handshake,
    /// Receiving or loading a payload.
    Sync,
    Connected,
}

impl State {
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Connect => "connect",
            Self::Connecting => "connecting",
            Self::Handshake => "handshake",
            Self::Sync => "sync",
            Self::Connected => "connected",
        }
    }
}

/// How far a payload is, for INFO.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Transfer {
    /// 0 while unknown (`$EOF:`).
    pub total_bytes: u64,
    pub read_bytes: u64,
}

pub struct Link {
    target: Option<(String, u16)>,
    phase: Phase,
    /// Our bytes up to the log's end are of our history: a partial resync may be asked for.
    positioned: bool,
    /// The data that we hold came from this primary, since the last REPLICAOF.
    synced_here: bool,
    rng: Rng,
    /// A line that is not complete yet.
    line: Vec<u8>,
    last_io_ms: i64,
    /// No connection is tried before.
    retry_at_ms: i64,
    last_connect_ms: i64,
    next_second_ms: i64,
    down_since_ms: Option<i64>,
    /// Bytes of the stream that were received, applied or not.
    read_offset: Offset,
    /// The primary speaks SYNC only: no acknowledgements.
    old_primary: bool,
    refused_empty: u64,
}

/// A phase of the conversation, with what belongs to it.
enum Phase {
    None,
    Connect,
    Connecting,
    Handshake(handshake::Handshake),
    Payload(payload::Payload),
    Online,
}

impl Link {
    /// A node without a primary. `positioned`: our data has a place in our history that a primary may know, as after
    /// loading an RDB that says so.
    pub fn new(rng: Rng, now_ms: i64, positioned: bool) -> Self {
        Self {
            target: None,
            phase: Phase::None,
            positioned,
            synced_here: positioned,
            rng,
            line: Vec::new(),
            last_io_ms: now_ms,
            retry_at_ms: now_ms,
            last_connect_ms: now_ms,
            next_second_ms: now_ms,
            down_since_ms: None,
            read_offset: Offset::ZERO,
            old_primary: false,
            refused_empty: 0,
        }
    }

    /// The primary's host and port.
    pub fn target(&self) -> Option<(&str, u16)> {
        self.target.as_ref().map(|(host, port)| (host.as_str(), *port))
    }

    pub fn state(&self) -> State {
        match &self.phase {
            Phase::None => State::None,
            Phase::Connect => State::Connect,
            Phase::Connecting => State::Connecting,
            Phase::Handshake(_) => State::Handshake,
            Phase::Payload(_) => State::Sync,
            Phase::Online => State::Connected,
        }
    }

    /// False between a payload's end and its answer: the driver leaves the socket alone.
    pub fn wants_input(&self) -> bool {
        !matches!(&self.phase, Phase::Payload(payload) if payload.is_ended())
    }

    /// The payload under way.
    pub fn transfer(&self) -> Option<Transfer> {
        match &self.phase {
            Phase::Payload(payload) => Some(payload.transfer()),
            _ => None,
        }
    }

    /// When the primary was heard last; also while a payload runs.
    pub fn last_io_ms(&self) -> i64 {
        self.last_io_ms
    }

    /// Since when the link is down; `None` if it is up or never was.
    pub fn down_since_ms(&self) -> Option<i64> {
        self.down_since_ms
    }

    /// `slave_read_repl_offset`.
    pub fn read_offset(&self) -> Offset {
        self.read_offset
    }

    /// How often the guard refused an empty primary.
    pub fn refused_empty(&self) -> u64 {
        self.refused_empty
    }

    /// Takes in one event; what is to be done is appended to `out`, in order.
    pub fn step<'a>(&mut self, view: &View, event: Event<'a>, out: &mut Vec<Action<'a>>) {
        match event {
            Event::ReplicaOf { host, port, by } => self.replica_of(view, host, port, by, out),
            Event::NoOne { by } => self.no_one(view, by, out),
            Event::Connected => self.connected(view, out),
            Event::ConnectFailed { error } => self.connect_failed(view, &error, out),
            Event::Received(bytes) => self.received(view, bytes, out),
            Event::Closed { error } => self.closed(view, error, out),
            Event::Tick => self.tick(view, out),
            Event::Staged { keys, db } => self.staged(view, keys, db, out),
            Event::StageFailed { error } => self.stage_failed(view, &error, out),
            Event::AckWanted => self.acknowledge(view, out),
            Event::StreamFailed { error } => self.stream_failed(view, &error, out),
        }
    }
}

fn notice(out: &mut Vec<Action>, line: impl Into<String>) {
    out.push(Action::Log(Level::Notice, line.into()));
}

fn warning(out: &mut Vec<Action>, line: impl Into<String>) {
    out.push(Action::Log(Level::Warning, line.into()));
}
