//! The primary's side of PSYNC: one machine for every replica of this node, chained ones included.
//!
//! A connection that asks `PSYNC` or `SYNC` becomes a replica here. It continues from the log, or gets a snapshot and
//! then the log from the snapshot's offset on:
//!
//! ```text
//! Sync ─► Continue? ─yes─► "+CONTINUE", Stream ──────────────────────────────────────────► online
//!            │ no
//!            ▼
//!   wait_bgsave (waits for a snapshot) ─StartSnapshot─► SnapshotCut: "+FULLRESYNC id X"
//!     disk:    ─► SnapshotReady ─SendFile─► send_bulk ─PayloadSent─► Stream from X ──────► online
//!     sockets: ─► SnapshotReady ─EndPayload─► PayloadSent ─► online ─first ACK─► Stream from X
//! ```
//!
//! One snapshot for replicas is under way at a time, as in Redis; who comes too late for it waits for the next.
//!
//! Invariants: a replica that waits for its snapshot's end is in the running snapshot's list; the log from X on is
//! pinned by the driver from the cut until it streams to the replica. Absent: the `FAILOVER` command's own states.

mod describe;
mod requests;
mod sync;
#[cfg(test)]
mod tests;
mod tick;
mod too_old;

use crate::{ConnId, Facts, History, Level};
use base::position::{Offset, ReplId};
use base::rng::Rng;
use resp::{Args, Decoder};

/// What the machine sees of its node at each step.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// Monotonic.
    pub now_ms: i64,
    /// The offset before the oldest byte that the log keeps; `None` while there is no backlog (the log is inactive).
    pub log_start: Option<Offset>,
    pub log_end: Offset,
    pub history: &'a History,
    pub role: Role,
    pub settings: &'a Settings,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    Primary,
    /// `link_up`: connected with our own primary, in the stream.
    Replica {
        link_up: bool,
    },
}

/// Directives, in milliseconds where they are seconds in the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// repl-diskless-sync.
    pub diskless: bool,
    pub diskless_delay_ms: i64,
    /// repl-diskless-sync-max-replicas; 0: no such limit.
    pub diskless_replicas_max: usize,
    pub timeout_ms: i64,
    pub ping_period_ms: i64,
    /// repl-backlog-ttl; 0: never.
    pub backlog_ttl_ms: i64,
    /// min-replicas-to-write; 0: no such rule.
    pub replicas_min: usize,
    /// min-replicas-max-lag; 0: no such rule.
    pub lag_ms_max: i64,
}

/// The values of an untouched configuration.
impl Default for Settings {
    fn default() -> Self {
        Self {
            diskless: true,
            diskless_delay_ms: 5_000,
            diskless_replicas_max: 0,
            timeout_ms: 60_000,
            ping_period_ms: 10_000,
            backlog_ttl_ms: 3_600_000,
            replicas_min: 0,
            lag_ms_max: 10_000,
        }
    }
}

/// PSYNC or SYNC, as it was sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SyncRequest {
    /// Old: no reply line, no ACKs. `redis-cli --replica` sends it.
    Sync,
    Psync {
        id: Vec<u8>,
        /// The first missing byte; `None` if that was no number.
        wanted: Option<i64>,
        /// `PSYNC id offset FAILOVER`: we are to become the primary first.
        failover: bool,
    },
}

impl SyncRequest {
    /// The request whose name is PSYNC (of at least three words) or SYNC.
    pub fn parse(args: Args) -> Self {
        if !args.name().eq_ignore_ascii_case(b"psync") {
            return Self::Sync;
        }
        Self::Psync {
            id: args.get(1).unwrap_or_default().to_vec(),
            wanted: args.get(2).and_then(base::number::parse_i64),
            failover: args.get(3).is_some_and(|word| word.eq_ignore_ascii_case(b"failover")),
        }
    }
}

/// Where a connection comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Peer {
    /// The socket's address; `None` if it has none (a unix socket).
    pub ip: Option<String>,
    /// The client's id, for log lines.
    pub client_id: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SnapshotId(pub u64);

pub enum Event<'a> {
    /// A connection asked for synchronization; nothing that it is to be sent is pending.
    Sync { conn: ConnId, request: SyncRequest, facts: Facts, peer: Peer },
    /// Bytes from an attached replica.
    Received { conn: ConnId, bytes: &'a [u8] },
    /// The connection is gone, by the other side or by the driver.
    Closed { conn: ConnId },
    /// The snapshot was cut at this offset of the log, which is pinned from there on, in the history that held at
    /// that instant: read under the same locks, since our role may change before this event is heard.
    SnapshotCut { id: SnapshotId, offset: Offset, replid: ReplId },
    /// What is about to be cut has hashes whose fields expire: replicas before Redis 7.4 can't load it. Before
    /// `SnapshotCut`.
    SnapshotHasFieldExpiries { id: SnapshotId },
    /// As many snapshots run as can: it was not cut, and is tried again.
    SnapshotBusy { id: SnapshotId },
    /// Complete. Disk: a file of so many bytes. Sockets: so many bytes were given to every replica that is still
    /// there, to be sent behind what it was sent before. The line "Background saving terminated with success" is
    /// the machine's; what the save itself logs is the driver's.
    SnapshotReady { id: SnapshotId, bytes: u64 },
    /// It could not be started (no cut yet), or failed under way. The text says why.
    SnapshotFailed { id: SnapshotId, error: String },
    /// All of the payload of this replica is written to its socket: what [`Action::SendFile`] or
    /// [`Action::EndPayload`] asked for.
    PayloadSent { conn: ConnId },
    /// Bytes of a payload moved, or none wait to be written: the replica is alive, though slow.
    PayloadProgress { conn: ConnId },
    /// About ten times a second.
    Tick,
    /// Our history or data set is another one: replicas have to ask again. What [`crate::replica::Action`]'s
    /// `DropReplicas` passes on.
    DropReplicas,
    /// Settings or role have changed.
    Changed,
    /// WAIT: the replicas are to say at once how far they are.
    AckWanted,
}

/// Where a snapshot goes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Target {
    /// To a file that replicas are sent when it is complete.
    Disk,
    /// To the replicas' sockets as it is made. The machine frames it: the driver sends the bytes of the RDB only.
    Sockets,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    /// Behind what the connection was sent before.
    Send {
        to: ConnId,
        bytes: Vec<u8>,
    },
    /// From here on: the log's bytes after `from`, as they come, and as long as our history is the one of this step:
    /// a driver whose history may change meanwhile looks at it after it read the bytes and before it sends them.
    Stream {
        to: ConnId,
        from: Offset,
    },
    /// Cut a snapshot and make it; answer with `SnapshotCut`, `SnapshotBusy` or `SnapshotFailed`, then the rest.
    StartSnapshot {
        id: SnapshotId,
        target: Target,
        replicas: Vec<ConnId>,
        without_data: bool,
        without_functions: bool,
    },
    /// This replica came later and gets the running snapshot's file too: the log stays pinned for it as well.
    Attach {
        to: ConnId,
        id: SnapshotId,
    },
    /// Nobody waits for the snapshot any more: stop and release it.
    AbortSnapshot {
        id: SnapshotId,
    },
    /// The snapshot is over for the machine: its file may go once nobody reads it.
    ReleaseSnapshot {
        id: SnapshotId,
    },
    /// `header`, then the snapshot's file. Report [`Event::PayloadSent`].
    SendFile {
        to: ConnId,
        id: SnapshotId,
        header: Vec<u8>,
    },
    /// The mark behind the payload that went to the socket. Report [`Event::PayloadSent`].
    EndPayload {
        to: ConnId,
        bytes: Vec<u8>,
    },
    /// The connection ends: at once, or when what it was sent is written. The machine has forgotten it.
    Close {
        conn: ConnId,
        flush: Flush,
    },
    /// The connection is no replica: it gets this error line (with its `-` and line end), and is an ordinary
    /// client's again, or is closed after it where the driver can't give it back.
    Refuse {
        conn: ConnId,
        line: String,
    },
    /// `PSYNC … FAILOVER`: become a primary ([`crate::replica::Event::NoOne`]), then give the request again, as it
    /// is here (its `failover` is off).
    Promote {
        conn: ConnId,
        request: SyncRequest,
        facts: Facts,
        peer: Peer,
    },
    /// Append to the log: PING or REPLCONF GETACK. Only while we are a primary still.
    Append(&'static [u8]),
    /// Begin the backlog: activate the log where it ends, under this history.
    CreateBacklog {
        history: History,
    },
    /// Free the backlog: deactivate the log; the history is this from now on.
    FreeBacklog {
        history: History,
    },
    /// Whether too few replicas are near (min-replicas-to-write).
    FewReplicas(bool),
    Log(Level, String),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Flush {
    Now,
    AfterOutput,
}

/// A replica's state, as INFO names it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReplicaState {
    WaitBgsave,
    SendBulk,
    Online,
}

impl ReplicaState {
    pub fn name(self) -> &'static str {
        match self {
            Self::WaitBgsave => "wait_bgsave",
            Self::SendBulk => "send_bulk",
            Self::Online => "online",
        }
    }
}

/// A line of INFO replication or ROLE.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReplicaInfo {
    pub conn: ConnId,
    /// Announced, or the socket's; empty if there is neither.
    pub ip: String,
    pub port: i64,
    /// As log lines name it.
    pub name: String,
    pub state: ReplicaState,
    /// Acknowledged.
    pub offset: Offset,
    pub aof_offset: Offset,
    pub lag_seconds: i64,
}

/// What ends a payload of unknown length has this many characters.
const MARK_BYTES: usize = 40;

/// What INFO stats counts; CONFIG RESETSTAT resets it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counters {
    pub sync_full: u64,
    pub sync_partial_ok: u64,
    pub sync_partial_err: u64,
}

pub struct Primary {
    replicas: Vec<Replica>,
    snapshot: Option<Running>,
    next_snapshot: u64,
    rng: Rng,
    pub counters: Counters,
    next_second_ms: i64,
    last_ping_ms: i64,
    /// Since when there is no replica.
    alone_since_ms: i64,
    few_replicas: bool,
    good_replicas: usize,
    suspects: Vec<too_old::Suspect>,
}

/// How far a replica's synchronization is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    /// Waits for a snapshot to begin.
    Waits,
    /// Belongs to the running snapshot.
    InSnapshot,
    /// By socket: the payload and its mark are on their way.
    EndsPayload { from: Offset },
    /// The file is on its way.
    SendBulk { from: Offset },
    /// Has its payload by socket; the log follows its first ACK.
    AwaitsAck { from: Offset },
    /// The log flows.
    Online,
}

struct Replica {
    conn: ConnId,
    facts: Facts,
    peer: Peer,
    phase: Phase,
    arrived_ms: i64,
    /// Asked with SYNC: gets no reply line and sends no ACKs.
    old: bool,
    /// The history that its bytes are of, as it was told; `None` while it waits to be told.
    told: Option<ReplId>,
    acked: Offset,
    acked_aof: Offset,
    last_ack_ms: i64,
    /// When bytes of its payload moved last.
    last_progress_ms: i64,
    has_acked: bool,
    /// Its payload has hashes whose fields expire.
    has_field_expiries: bool,
    /// An ACK came before the payload's end was known to be sent.
    early_ack: bool,
    decoder: Decoder,
    input: Vec<u8>,
}

/// The snapshot that is made for replicas.
struct Running {
    id: SnapshotId,
    target: Target,
    offset: Option<Offset>,
    /// Forty characters that end a payload by socket.
    mark: Vec<u8>,
    has_field_expiries: bool,
}

impl Primary {
    /// `rng` gives new ids and the marks behind payloads.
    pub fn new(rng: Rng, now_ms: i64) -> Self {
        Self {
            replicas: Vec::new(),
            snapshot: None,
            next_snapshot: 0,
            rng,
            counters: Counters::default(),
            next_second_ms: now_ms,
            last_ping_ms: now_ms,
            alone_since_ms: now_ms,
            few_replicas: false,
            good_replicas: 0,
            suspects: Vec::new(),
        }
    }

    /// Takes in one event; what is to be done is appended to `out`, in order.
    pub fn step(&mut self, view: &View, event: Event, out: &mut Vec<Action>) {
        self.drop_strangers(view, out);
        match event {
            Event::Sync { conn, request, facts, peer } => self.sync(view, conn, request, facts, peer, out),
            Event::Received { conn, bytes } => self.received(view, conn, bytes, out),
            Event::Closed { conn } => self.closed(view, conn, out),
            Event::SnapshotCut { id, offset, replid } => self.snapshot_cut(view, id, offset, replid, out),
            Event::SnapshotHasFieldExpiries { id } => self.snapshot_has_field_expiries(id),
            Event::SnapshotBusy { id } => self.snapshot_busy(view, id, out),
            Event::SnapshotReady { id, bytes } => self.snapshot_ready(view, id, bytes, out),
            Event::SnapshotFailed { id, error } => self.snapshot_failed(view, id, &error, out),
            Event::PayloadSent { conn } => self.payload_sent(view, conn, out),
            Event::PayloadProgress { conn } => {
                if let Some(replica) = self.replica(conn) {
                    replica.last_progress_ms = view.now_ms;
                }
            }
            Event::Tick => self.tick(view, out),
            Event::DropReplicas => self.drop_replicas(view, out),
            Event::Changed => self.changed(view, out),
            Event::AckWanted => self.ask_for_acks(view, out),
        }
    }

    fn replica(&mut self, conn: ConnId) -> Option<&mut Replica> {
        self.replicas.iter_mut().find(|replica| replica.conn == conn)
    }

    /// The other side ended the connection, or it broke.
    fn closed(&mut self, view: &View, conn: ConnId, out: &mut Vec<Action>) {
        let live = self.snapshot.as_ref().is_some_and(|running| running.target == Target::Sockets);
        if let Some(replica) = self.lost(view, conn, out)
            && replica.was_sent_data(live)
        {
            self.judge(view, &replica, out);
        }
    }

    /// The connection is gone.
    fn lost(&mut self, view: &View, conn: ConnId, out: &mut Vec<Action>) -> Option<Replica> {
        let at = self.replicas.iter().position(|replica| replica.conn == conn)?;
        let replica = self.replicas.remove(at);
        notice(out, format!("Connection with replica {} lost.", replica.name()));
        self.left(view, out);
        Some(replica)
    }

    /// We end the connection.
    fn drop_replica(&mut self, view: &View, conn: ConnId, flush: Flush, out: &mut Vec<Action>) {
        self.lost(view, conn, out);
        out.push(Action::Close { conn, flush });
    }

    /// Replicas that were told another history than ours now: their `DropReplicas` is still on its way.
    fn drop_strangers(&mut self, view: &View, out: &mut Vec<Action>) {
        let is_stranger = |replica: &&Replica| replica.told.is_some_and(|told| told != view.history.id);
        for conn in self.replicas.iter().filter(is_stranger).map(|replica| replica.conn).collect::<Vec<_>>() {
            self.drop_replica(view, conn, Flush::Now, out);
        }
    }

    fn drop_replicas(&mut self, view: &View, out: &mut Vec<Action>) {
        for conn in self.replicas.iter().map(|replica| replica.conn).collect::<Vec<_>>() {
            self.drop_replica(view, conn, Flush::Now, out);
        }
        self.alone_since_ms = view.now_ms;
        self.refresh_good(view, out);
    }

    /// One replica fewer.
    fn left(&mut self, view: &View, out: &mut Vec<Action>) {
        if self.replicas.is_empty() {
            self.alone_since_ms = view.now_ms;
        }
        // A file is of use to those that come later; a transfer to nobody is not.
        let nobody = !self.replicas.iter().any(|replica| replica.phase == Phase::InSnapshot);
        if let Some(running) = self.snapshot.take_if(|running| nobody && running.target == Target::Sockets) {
            notice(out, "Diskless rdb transfer, last replica dropped, killing fork child.".into());
            out.push(Action::AbortSnapshot { id: running.id });
        }
        self.refresh_good(view, out);
    }
}

fn notice(out: &mut Vec<Action>, line: String) {
    out.push(Action::Log(Level::Notice, line));
}

fn warning(out: &mut Vec<Action>, line: String) {
    out.push(Action::Log(Level::Warning, line));
}
