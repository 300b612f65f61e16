//! The feed of our replicas: one thread that owns their connections, sends them snapshots and the log, and takes
//! what they acknowledge.
//!
//! A replica's bytes go out in a fixed order: what the machine sent, then the payload of its full sync, then the log
//! from its cursor on, straight from the log's shared blocks. Each goes at its own pace; a replica that stays behind
//! by more than its limit (client-output-buffer-limit replica) is dropped. Before the thread sleeps it says so to the
//! log, and a worker that appends wakes it once.

use super::payload::{FileReader, Next, Payload, Queue};
use super::{add, all_shards, log, log_start, primary_settings};
use crate::client::Client;
use crate::config::{Config, OutputLimits};
use crate::conn::{Input, Output, ReadEnd, Stream, WriteEnd};
use crate::logger::{self, Level};
use crate::mailbox::{MAILBOX, Mailbox};
use crate::save;
use crate::server::{HandedOver, Server};
use crate::sys;
use base::position::{Offset, ReplId};
use ds::block::Cursor;
use engine::Scratch;
use engine::snapshot::Snapshot;
use mio::{Events, Poll, Token};
use replication::ConnId;
use replication::primary::{
    Action, Event, Flush, Peer as PeerFacts, Role, SnapshotId, SyncRequest, Target, View,
};
use replication::replica::By;
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

pub(super) type Sender = Arc<Mailbox<Message>>;

pub(super) enum Message {
    Attach(Box<HandedOver>),
    /// The history or the data set is another one: replicas have to ask again.
    DropReplicas,
    /// Settings or the role changed.
    Changed,
    AckWanted,
    /// A snapshot's walk is over: its file (with its length) or the bytes that went to the sockets.
    SnapshotEnded {
        id: SnapshotId,
        result: Result<Made, String>,
    },
    /// A walk pushed a chunk.
    Chunk,
}

pub(super) enum Made {
    File { file: File, bytes: u64, preimage_bytes: u64 },
    Sent { bytes: u64 },
}

const TICK_MS: i64 = 100;
/// What one replica is sent before the others have their turn.
const TURN_BYTES: usize = 1024 * 1024;

/// One replica's connection.
struct Peer {
    stream: Stream,
    client: Arc<Client>,
    input: Input,
    output: Output,
    payload: Option<Payload>,
    /// What follows the payload: the machine's mark.
    mark: Option<Vec<u8>>,
    /// The payload is read to its end; PayloadSent is due once `output` is written.
    payload_read: bool,
    /// Where the log goes on, as soon as it is to be sent.
    cursor: Option<Cursor>,
    /// The history that the replica was told: bytes of another one are not for it.
    told: ReplId,
    /// The log from the snapshot's cut on, pinned while the payload is on its way.
    pinned: Option<Cursor>,
    writable: bool,
    /// Closed once `output` is written.
    closing: bool,
    /// The soft limit was passed at this time.
    behind_since_ms: Option<i64>,
}

/// A snapshot for replicas.
struct Job {
    cursor: Cursor,
    cancel: Arc<AtomicBool>,
    queue: Option<Arc<Queue>>,
    file: Option<(Arc<File>, u64)>,
}

struct Thread {
    server: &'static Server,
    mailbox: Sender,
    poll: Poll,
    peers: BTreeMap<ConnId, Peer>,
    jobs: BTreeMap<SnapshotId, Job>,
    /// Peers that have more to send or to read without an event.
    again: Vec<ConnId>,
    scratch: Scratch,
}

/// Starts the thread.
pub(super) fn start(server: &'static Server) -> io::Result<Sender> {
    let poll = Poll::new()?;
    let mailbox = Arc::new(Mailbox::new(&poll)?);
    let mut thread = Thread {
        server,
        mailbox: mailbox.clone(),
        poll,
        peers: BTreeMap::new(),
        jobs: BTreeMap::new(),
        again: Vec::new(),
        scratch: Scratch::new(server.random_seed()),
    };
    // Whether there are too few replicas is known before the first client writes.
    thread.step(Event::Changed);
    crate::start::spawn("feed", move || thread.run());
    Ok(mailbox)
}

impl Thread {
    fn run(mut self) {
        let mut events = Events::with_capacity(256);
        let mut next_tick = 0;
        loop {
            let timeout = self.timeout(next_tick);
            if let Err(error) = self.poll.poll(&mut events, Some(timeout))
                && error.kind() != io::ErrorKind::Interrupted
            {
                panic!("the feed of the replicas can't poll: {error}");
            }
            self.server.freeze_point();
            self.read_mailbox();
            for event in &events {
                let Token(token) = event.token();
                if event.token() == MAILBOX {
                    continue;
                }
                let conn = ConnId(token as u64);
                if event.is_writable()
                    && let Some(peer) = self.peers.get_mut(&conn)
                {
                    peer.writable = true;
                }
                if event.is_readable() || event.is_error() || event.is_read_closed() {
                    self.read(conn);
                }
            }
            for conn in std::mem::take(&mut self.again) {
                self.read(conn);
            }
            let conns: Vec<ConnId> = self.peers.keys().copied().collect();
            for conn in conns {
                if self.is_killed(conn) {
                    self.lost(conn);
                } else {
                    self.write(conn);
                }
            }
            let now = self.server.clock.monotonic_ms();
            if next_tick <= now {
                next_tick = now + TICK_MS;
                self.tick(now);
            }
        }
    }

    /// How long to sleep; zero where there is more to do already.
    fn timeout(&self, next_tick: i64) -> Duration {
        self.server.engine.log.will_sleep();
        let end = self.server.engine.log.end();
        let has_news = |peer: &Peer| {
            peer.writable
                && peer.payload.is_none()
                && peer.cursor.as_ref().is_some_and(|cursor| cursor.offset() < end.0)
        };
        if !self.again.is_empty() || self.peers.values().any(has_news) {
            return Duration::ZERO;
        }
        let wait = next_tick - self.server.clock.monotonic_ms();
        Duration::from_millis(wait.clamp(0, TICK_MS) as u64)
    }

    fn read_mailbox(&mut self) {
        for message in self.mailbox.take() {
            match message {
                Message::Attach(handed) => self.attach(*handed),
                Message::DropReplicas => self.step(Event::DropReplicas),
                Message::Changed => self.step(Event::Changed),
                Message::AckWanted => self.step(Event::AckWanted),
                Message::SnapshotEnded { id, result } => self.snapshot_ended(id, result),
                Message::Chunk => {}
            }
        }
    }

    fn step(&mut self, event: Event) {
        let server = self.server;
        let settings = primary_settings(&server.config());
        let history = server.replication.history();
        let state = server.engine.state();
        let role = if state.is_replica() {
            Role::Replica { link_up: !server.replication.lacks_primary() }
        } else {
            Role::Primary
        };
        let view = View {
            now_ms: server.clock.monotonic_ms(),
            log_start: log_start(&server.engine),
            log_end: server.engine.log.end(),
            history: &history,
            role,
            settings: &settings,
        };
        let mut actions = Vec::new();
        server.replication.primary.lock().step(&view, event, &mut actions);
        for action in actions {
            self.act(action, history.id);
        }
    }

    /// Carries out what the machine decided, looking at the history `told`.
    fn act(&mut self, action: Action, told: ReplId) {
        let server = self.server;
        match action {
            Action::Send { to, bytes } => self.send(to, &bytes),
            Action::Stream { to, from } => self.stream(to, from, told),
            Action::StartSnapshot { id, target, replicas, without_data, .. } => {
                self.start_snapshot(id, target, &replicas, without_data);
            }
            Action::Attach { to, id } => {
                if let (Some(peer), Some(job)) = (self.peers.get_mut(&to), self.jobs.get(&id)) {
                    peer.pinned = Some(job.cursor.clone());
                }
            }
            Action::AbortSnapshot { id } => {
                if let Some(job) = self.jobs.remove(&id) {
                    job.cancel.store(true, Ordering::Relaxed);
                }
            }
            Action::ReleaseSnapshot { id } => {
                self.jobs.remove(&id);
            }
            Action::SendFile { to, id, header } => {
                self.send(to, &header);
                let file = self.jobs.get(&id).and_then(|job| job.file.clone());
                if let (Some(peer), Some((file, bytes))) = (self.peers.get_mut(&to), file) {
                    peer.payload = Some(Payload::File(FileReader::new(file, bytes)));
                    peer.mark = Some(Vec::new());
                }
            }
            Action::EndPayload { to, bytes } => {
                if let Some(peer) = self.peers.get_mut(&to) {
                    peer.mark = Some(bytes);
                }
            }
            Action::Close { conn, flush } => match self.peers.get_mut(&conn) {
                Some(peer) if flush == Flush::AfterOutput && peer.output.pending() != 0 => {
                    peer.closing = true
                }
                Some(_) => self.remove(conn),
                None => {}
            },
            Action::Refuse { conn, line } => {
                self.send(conn, line.as_bytes());
                if let Some(peer) = self.peers.get_mut(&conn) {
                    peer.closing = true;
                }
            }
            Action::Promote { conn, request, facts, peer } => {
                let mut txn = all_shards(server, &mut self.scratch);
                let by = By::Failover(format!("id={}", peer.client_id));
                server.replication.promote(server, &mut txn, by);
                drop(txn);
                self.step(Event::Sync { conn, request, facts, peer });
            }
            Action::Append(bytes) => {
                server.engine.append_own(bytes);
            }
            Action::CreateBacklog { history } => {
                let _all = all_shards(server, &mut self.scratch);
                if !server.engine.log.is_active() {
                    server.engine.log.activate();
                    *server.replication.history.lock() = history;
                }
            }
            Action::FreeBacklog { history } => {
                let _all = all_shards(server, &mut self.scratch);
                if !server.engine.state().is_replica() {
                    server.engine.log.deactivate();
                    *server.replication.history.lock() = history;
                }
            }
            Action::FewReplicas(few) => {
                server.engine.change_state(|state| {
                    state.set_few_replicas(few);
                });
            }
            Action::Log(level, text) => log(level, &text),
        }
    }

    // ---- connections

    fn attach(&mut self, handed: HandedOver) {
        let HandedOver { mut stream, input, request, facts, client } = handed;
        let conn = ConnId(client.id);
        if let Err(error) = stream.register(self.poll.registry(), Token(client.id as usize)) {
            logger::log(
                Level::Warning,
                &format!("Can't watch the socket of a replica: {}", sys::error_text(&error)),
            );
            self.server.clients.remove(client.id);
            return;
        }
        if self.server.config().repl_disable_tcp_nodelay
            && let Stream::Tcp(stream) = &stream
        {
            let _ = stream.set_nodelay(false);
        }
        client.replica.store(true, Ordering::Relaxed);
        let ip = (!client.unix_socket).then(|| host_of(&client.addr).to_string());
        let peer = PeerFacts { ip, client_id: client.id };
        let new = Peer {
            stream,
            client,
            input: Input::default(),
            output: Output::default(),
            payload: None,
            mark: None,
            payload_read: false,
            cursor: None,
            told: ReplId::ZERO,
            pinned: None,
            writable: true,
            closing: false,
            behind_since_ms: None,
        };
        self.peers.insert(conn, new);
        self.step(Event::Sync { conn, request: SyncRequest::parse(request.as_args()), facts, peer });
        if !input.is_empty() {
            self.step(Event::Received { conn, bytes: &input });
        }
        self.again.push(conn); // bytes may have come before the socket was registered
    }

    fn remove(&mut self, conn: ConnId) {
        let Some(mut peer) = self.peers.remove(&conn) else { return };
        let _ = self.poll.registry().deregister(peer.stream.source());
        self.server.clients.remove(peer.client.id);
    }

    /// The connection is gone, or is to go, by our side of the socket.
    fn lost(&mut self, conn: ConnId) {
        if self.peers.contains_key(&conn) {
            self.remove(conn);
            self.step(Event::Closed { conn });
        }
    }

    fn is_killed(&self, conn: ConnId) -> bool {
        self.peers.get(&conn).is_some_and(|peer| peer.client.killed.load(Ordering::Relaxed))
    }

    fn send(&mut self, to: ConnId, bytes: &[u8]) {
        if let Some(peer) = self.peers.get_mut(&to) {
            peer.output.data.extend_from_slice(bytes);
        }
    }

    fn stream(&mut self, to: ConnId, from: Offset, told: ReplId) {
        let Some(peer) = self.peers.get_mut(&to) else { return };
        let pinned = peer.pinned.take().filter(|cursor| cursor.offset() == from.0);
        peer.cursor = pinned.or_else(|| self.server.engine.log.cursor(from));
        peer.told = told;
        if peer.cursor.is_none() {
            // It fell off the log between the machine's look and ours.
            self.lost(to);
        }
    }

    fn read(&mut self, conn: ConnId) {
        let Some(peer) = self.peers.get_mut(&conn) else { return };
        let mut input = std::mem::take(&mut peer.input);
        let read = input.read_from(&mut peer.stream);
        let bytes = input.bytes().len();
        if bytes != 0 {
            peer.client.active_ms.store(self.server.clock.monotonic_ms(), Ordering::Relaxed);
            self.step(Event::Received { conn, bytes: input.bytes() });
            input.consume(bytes);
        }
        if let Some(peer) = self.peers.get_mut(&conn) {
            peer.input = input;
        }
        match read {
            Ok((_, ReadEnd::Drained)) => {}
            // The socket's end may have come behind a short read.
            Ok((_, ReadEnd::Short | ReadEnd::More)) => self.again.push(conn),
            Ok((_, ReadEnd::Closed)) | Err(_) => self.lost(conn),
        }
    }

    /// Sends what there is, as far as the socket takes it.
    fn write(&mut self, conn: ConnId) {
        let Some(peer) = self.peers.get_mut(&conn) else { return };
        if !peer.writable {
            return;
        }
        let (mut moved, mut payload_bytes) = (0, 0);
        let server = self.server;
        let result = peer.write(&mut moved, &mut payload_bytes, || server.replication.history().id);
        add(&self.server.replication.stats.output_bytes, moved);
        if payload_bytes != 0 {
            self.step(Event::PayloadProgress { conn });
        }
        match result {
            Ok(Sent::Everything) => {}
            Ok(Sent::Turn) => self.again.push(conn),
            Ok(Sent::Payload) => {
                self.step(Event::PayloadSent { conn });
                self.again.push(conn);
            }
            Ok(Sent::Last) => self.lost(conn),
            Err(error) => {
                logger::log(Level::Verbose, &format!("Error writing to client: {}", sys::error_text(&error)));
                self.lost(conn);
            }
        }
    }

    fn tick(&mut self, now: i64) {
        let config = self.server.config();
        let conns: Vec<ConnId> = self.peers.keys().copied().collect();
        for conn in conns {
            let Some(peer) = self.peers.get_mut(&conn) else { continue };
            if peer.is_too_far_behind(&config, self.server.engine.log.end(), now) {
                let text = format!(
                    "Client {} scheduled to be closed ASAP for overcoming of output buffer limits.",
                    super::info::describe(self.server, &peer.client)
                );
                logger::log(Level::Warning, &text);
                self.lost(conn);
            }
        }
        self.report_idle();
        self.step(Event::Tick);
    }

    /// A replica that has taken all that a walk gave so far is alive: another one may hold the walk up.
    fn report_idle(&mut self) {
        let idle = |peer: &Peer| peer.writable && matches!(peer.payload, Some(Payload::Live(_)));
        let idle: Vec<ConnId> =
            self.peers.iter().filter(|(_, peer)| idle(peer)).map(|(conn, _)| *conn).collect();
        for conn in idle {
            self.step(Event::PayloadProgress { conn });
        }
    }

    // ---- snapshots

    fn start_snapshot(&mut self, id: SnapshotId, target: Target, replicas: &[ConnId], without_data: bool) {
        let server = self.server;
        // If the history is the same before and after, the cut is of it.
        let replid = server.replication.history().id;
        let Some((snapshot, cursor)) = save::cut_for_replicas(server, &mut self.scratch, without_data) else {
            return self.step(Event::SnapshotBusy { id });
        };
        let offset = snapshot.offset;
        let Some(cursor) = cursor else {
            save::drop_snapshot(server, snapshot);
            return self.step(Event::SnapshotFailed { id, error: "the log was freed".into() });
        };
        let cancel = Arc::new(AtomicBool::new(false));
        let queue = (target == Target::Sockets).then(|| Arc::new(Queue::default()));
        for conn in replicas {
            let Some(peer) = self.peers.get_mut(conn) else { continue };
            peer.pinned = Some(cursor.clone());
            peer.payload_read = false;
            if let Some(queue) = &queue {
                peer.payload = Some(Payload::Live(queue.reader(conn.0)));
            }
        }
        self.jobs.insert(id, Job { cursor, cancel: cancel.clone(), queue: queue.clone(), file: None });
        if snapshot.has_field_expiries {
            self.step(Event::SnapshotHasFieldExpiries { id });
        }
        self.step(Event::SnapshotCut { id, offset, replid });
        let mailbox = self.mailbox.clone();
        crate::start::spawn("sync", move || {
            let result = match queue {
                None => make_file(server, snapshot, id, &cancel),
                Some(queue) => make_live(server, snapshot, &queue, &cancel, &mailbox),
            };
            mailbox.send(Message::SnapshotEnded { id, result });
        });
        if target == Target::Disk {
            let text = format!("Background saving started by pid {}", std::process::id());
            logger::log(Level::Notice, &text);
        } else {
            let text = format!("Background RDB transfer started by pid {}", std::process::id());
            logger::log(Level::Notice, &text);
        }
    }

    fn snapshot_ended(&mut self, id: SnapshotId, result: Result<Made, String>) {
        let Some(job) = self.jobs.get_mut(&id) else { return };
        match result {
            Ok(Made::File { file, bytes, preimage_bytes }) => {
                job.file = Some((Arc::new(file), bytes));
                log_made(preimage_bytes);
                self.step(Event::SnapshotReady { id, bytes });
            }
            Ok(Made::Sent { bytes }) => {
                if let Some(queue) = &job.queue {
                    queue.end(true);
                }
                self.step(Event::SnapshotReady { id, bytes });
            }
            Err(error) => {
                if let Some(queue) = &job.queue {
                    queue.end(false);
                }
                self.jobs.remove(&id);
                self.step(Event::SnapshotFailed { id, error });
            }
        }
    }
}

/// What Redis's child says at the end of its work.
fn log_made(preimage_bytes: u64) {
    logger::log_as('C', Level::Notice, "DB saved on disk");
    let megabytes = preimage_bytes / (1024 * 1024);
    logger::log_as('C', Level::Notice, &format!("RDB: {megabytes} MB of memory used by copy-on-write"));
}

/// Writes the snapshot to a file that has no name: it lives as long as it is sent, and an end of the process leaves
/// nothing behind.
fn make_file(
    server: &'static Server,
    snapshot: Snapshot,
    id: SnapshotId,
    cancel: &AtomicBool,
) -> Result<Made, String> {
    let path = PathBuf::from(format!("temp-{}.sync-{}.rdb", std::process::id(), id.0));
    let created = save::create(&path).inspect(|_| {
        let _ = std::fs::remove_file(&path);
    });
    let made = save::write_to(server, snapshot, created, cancel);
    let (file, progress) = made.map_err(|error| sys::error_text(&error))?;
    let bytes = file.metadata().map_err(|error| sys::error_text(&error))?.len();
    Ok(Made::File { file, bytes, preimage_bytes: progress.preimage_bytes })
}

/// Pushes the snapshot's chunks to the replicas that read them.
fn make_live(
    server: &'static Server,
    snapshot: Snapshot,
    queue: &Arc<Queue>,
    cancel: &AtomicBool,
    mailbox: &Sender,
) -> Result<Made, String> {
    let mut sent = 0;
    let result = save::walk(server, snapshot, cancel, |bytes, _| {
        if !queue.push(bytes.to_vec()) {
            return Err(io::Error::other("no replica reads any more"));
        }
        sent += bytes.len() as u64;
        mailbox.send(Message::Chunk);
        Ok(())
    });
    result.map(|_| Made::Sent { bytes: sent }).map_err(|error| sys::error_text(&error))
}

/// How a turn of writing ended.
enum Sent {
    /// All that there is, or all that the socket takes.
    Everything,
    /// A turn's worth: there may be more.
    Turn,
    /// The payload and its mark are written.
    Payload,
    /// The connection was to be closed behind this.
    Last,
}

impl Peer {
    /// `history` is asked behind each look at the log: where it is another one than the replica was told, the bytes
    /// may be of the new one, and the replica is about to be dropped.
    fn write(
        &mut self,
        moved: &mut usize,
        payload_bytes: &mut usize,
        history: impl Fn() -> ReplId,
    ) -> io::Result<Sent> {
        while *moved < TURN_BYTES {
            if self.output.pending() != 0 {
                match self.output.write_to(&mut self.stream, moved)? {
                    WriteEnd::Sent => {}
                    WriteEnd::More => return Ok(Sent::Turn),
                    WriteEnd::Full => {
                        self.writable = false;
                        return Ok(Sent::Everything);
                    }
                }
            }
            if self.closing {
                return Ok(Sent::Last);
            }
            if self.payload_read {
                let Some(mark) = self.mark.take() else { return Ok(Sent::Everything) };
                if !mark.is_empty() {
                    self.output.data.extend_from_slice(&mark);
                    self.mark = Some(Vec::new());
                    continue;
                }
                self.payload_read = false;
                return Ok(Sent::Payload);
            }
            if let Some(payload) = &mut self.payload {
                let written = match payload.next() {
                    Next::Bytes(bytes) => match write_some(&mut self.stream, bytes)? {
                        Some(written) => written,
                        None => {
                            self.writable = false;
                            return Ok(Sent::Everything);
                        }
                    },
                    Next::Wait => return Ok(Sent::Everything),
                    Next::End => {
                        self.payload = None;
                        self.payload_read = true;
                        continue;
                    }
                    Next::Failed => return Err(io::Error::other("the snapshot failed")),
                };
                payload.advance(written);
                *moved += written;
                *payload_bytes += written;
                continue;
            }
            let Some(cursor) = &mut self.cursor else { return Ok(Sent::Everything) };
            let chunk = cursor.chunk();
            if chunk.is_empty() || history() != self.told {
                return Ok(Sent::Everything);
            }
            match write_some(&mut self.stream, chunk)? {
                Some(written) => {
                    cursor.advance(written);
                    *moved += written;
                }
                None => {
                    self.writable = false;
                    return Ok(Sent::Everything);
                }
            }
        }
        Ok(Sent::Turn)
    }

    /// Bytes of the log that wait for this replica, against client-output-buffer-limit. What the backlog keeps
    /// anyway does not count, as in Redis.
    fn is_too_far_behind(&mut self, config: &Config, end: Offset, now: i64) -> bool {
        let at = [&self.cursor, &self.pinned].into_iter().flatten().map(Cursor::offset).min();
        let behind = at.map_or(0, |at| end.0.saturating_sub(at)) + self.output.pending() as u64;
        self.client.output_bytes.store(behind, Ordering::Relaxed);
        let limit = &config.client_output_buffer_limit.0[OutputLimits::REPLICA];
        let backlog = config.repl_backlog_size as u64;
        let hard = limit.hard_bytes != 0 && limit.hard_bytes.max(backlog) < behind;
        let soft = limit.soft_bytes != 0 && limit.soft_bytes.max(backlog) < behind;
        if !soft {
            self.behind_since_ms = None;
            return hard;
        }
        let since = *self.behind_since_ms.get_or_insert(now);
        hard || limit.soft_seconds as i64 * 1000 < now - since
    }
}

/// Writes once; `None` if the socket takes nothing now.
fn write_some(stream: &mut Stream, bytes: &[u8]) -> io::Result<Option<usize>> {
    use io::Write;
    loop {
        match stream.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => return Ok(Some(written)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// The host of "host:port".
fn host_of(addr: &str) -> &str {
    addr.rsplit_once(':').map_or(addr, |(host, _)| host.trim_matches(['[', ']']))
}
