//! The link to our primary: one thread that connects, receives, loads, and applies the stream.
//!
//! REPLICAOF steps the machine from a worker and leaves the rest of its actions in our mailbox. What such a step
//! made stale (an event of the old connection) is known by the cell's version and dropped; what was decided before
//! it and reaches the engine after it is refused there by the epoch of the role.

use super::transfer::{Loaded, Transfer};
use super::{LinkCell, add, all_shards, link_settings, link_view, log};
use crate::client::Client;
use crate::conn::{Output, Stream};
use crate::logger::{self, Level};
use crate::mailbox::{MAILBOX, Mailbox};
use crate::script::ScriptStream;
use crate::server::Server;
use crate::sys;
use base::position::Offset;
use engine::{Applier, Note, Scratch, StreamError};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use parking_lot::MutexGuard;
use replication::History;
use replication::replica::{Action, Event, Load};
use std::collections::VecDeque;
use std::io::{self, Read};
use std::net::{SocketAddr, ToSocketAddrs};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

pub(super) type Sender = Arc<Mailbox<Message>>;

pub(super) enum Message {
    /// What a step of REPLICAOF left to do.
    Do { version: u64, actions: Vec<Action<'static>> },
}

const SOCKET: Token = Token(0);
const TICK_MS: i64 = 100;
const READ_BYTES: usize = 256 * 1024;
/// Reads before the clock and the mailbox have their turn.
const READS_PER_TURN: usize = 16;
/// While a payload is loaded, the primary is told this often that we live.
const ALIVE_MS: i64 = 1000;

pub(super) struct Thread {
    server: &'static Server,
    mailbox: Sender,
    poll: Poll,
    socket: Option<Socket>,
    /// Of the primary's name: addresses that are still to be tried.
    addresses: VecDeque<SocketAddr>,
    /// Writing failed: the connection is lost as soon as what we are at is done, so that no action that belongs to it
    /// meets the next one.
    write_error: Option<io::Error>,
    /// Of the cell, at the last message.
    version: u64,
    transfer: Option<Transfer>,
    staged: Option<Loaded>,
    applier: Option<Applier>,
    /// The epoch of the role that the applier's stream belongs to.
    scratch: Scratch,
    notes: Vec<Note>,
    buffer: Vec<u8>,
    /// There may be more to read without an event.
    more: bool,
}

struct Socket {
    stream: Stream,
    output: Output,
    connecting: bool,
    /// Once it is connected: what CLIENT LIST shows of it, and CLIENT KILL marks.
    client: Option<Arc<Client>>,
}

/// The thread, to be started once the server serves.
pub(super) fn prepare(server: &'static Server) -> io::Result<(Sender, Starter)> {
    let poll = Poll::new()?;
    let mailbox = Arc::new(Mailbox::new(&poll)?);
    let thread = Thread {
        server,
        mailbox: mailbox.clone(),
        poll,
        socket: None,
        addresses: VecDeque::new(),
        write_error: None,
        version: 0,
        transfer: None,
        staged: None,
        applier: None,
        scratch: Scratch::new(server.random_seed()),
        notes: Vec::new(),
        buffer: vec![0; READ_BYTES],
        more: false,
    };
    Ok((mailbox, Starter(thread)))
}

/// A link whose thread does not run yet.
pub struct Starter(Thread);

/// Applies a primary's stream, scripts and libraries too.
fn applier(server: &'static Server, db: u32, epoch: u64) -> Applier {
    Applier::new(db, epoch).with(Box::new(ScriptStream { server }))
}

impl Starter {
    /// Begins to connect, if there is a primary to follow.
    pub fn start(self) {
        crate::start::spawn("link", move || self.0.run());
    }
}

impl Thread {
    fn run(mut self) {
        let mut events = Events::with_capacity(16);
        let mut next_tick = 0;
        loop {
            let wait = (next_tick - self.server.clock.monotonic_ms()).clamp(0, TICK_MS);
            let timeout = if self.more { Duration::ZERO } else { Duration::from_millis(wait as u64) };
            if let Err(error) = self.poll.poll(&mut events, Some(timeout))
                && error.kind() != io::ErrorKind::Interrupted
            {
                panic!("the link to the primary can't poll: {error}");
            }
            self.server.freeze_point();
            self.read_mailbox();
            let ready = events.iter().filter(|event| event.token() == SOCKET);
            let (readable, writable) = ready.fold((false, false), |(readable, writable), event| {
                (
                    readable || event.is_readable() || event.is_error(),
                    writable || event.is_writable() || event.is_error(),
                )
            });
            debug_assert!(MAILBOX != SOCKET);
            if writable {
                self.writable();
            }
            if readable || self.more {
                self.read();
            }
            if self.is_killed() {
                self.lost(None);
            }
            if let Some(error) = self.write_error.take() {
                self.lost(Some(error));
            }
            let now = self.server.clock.monotonic_ms();
            if next_tick <= now {
                next_tick = now + TICK_MS;
                self.step(Event::Tick);
            }
            self.server.wake_log_readers();
        }
    }

    fn read_mailbox(&mut self) {
        for Message::Do { version, actions } in self.mailbox.take() {
            self.version = version;
            self.perform(actions);
        }
    }

    /// The machine, unless its connection was changed behind our back: then what we came with is stale. The mailbox
    /// says what to do instead, and is read when what we are at is done: messages and actions keep their order.
    fn cell(&mut self) -> Option<MutexGuard<'static, LinkCell>> {
        let cell = self.server.replication.link.lock();
        (cell.version == self.version).then_some(cell)
    }

    fn step(&mut self, event: Event) {
        let server = self.server;
        let settings = link_settings(&server.config());
        let history = server.replication.history();
        // Keys matter to the guard, before the stream; counted before the cell is locked, as REPLICAOF locks shards first.
        let keys = if self.applier.is_some() { 0 } else { server.engine.keys() };
        let Some(mut cell) = self.cell() else { return };
        let mut actions = Vec::new();
        cell.machine.step(&link_view(server, &history, &settings, keys), event, &mut actions);
        let epoch = server.engine.role_epoch();
        drop(cell);
        self.perform_in(actions, epoch);
    }

    fn perform(&mut self, actions: Vec<Action>) {
        self.perform_in(actions, self.server.engine.role_epoch());
    }

    fn perform_in(&mut self, actions: Vec<Action>, epoch: u64) {
        for action in actions {
            self.act(action, epoch);
        }
    }

    fn act(&mut self, action: Action, epoch: u64) {
        let server = self.server;
        match action {
            Action::Connect { host, port } => self.connect(&host, port),
            Action::Disconnect => self.disconnect(),
            Action::Send(bytes) => self.send(&bytes),
            Action::PayloadBegin { load, .. } => {
                self.transfer = None;
                match load {
                    Load::Parser => self.transfer = Some(Transfer::to_memory(server)),
                    Load::Disk => match Transfer::to_disk(server) {
                        Ok(transfer) => self.transfer = Some(transfer),
                        Err(error) => self.step(Event::StageFailed { error }),
                    },
                }
            }
            Action::Payload(bytes) => {
                let written = self.transfer.as_mut().map(|transfer| transfer.write(&bytes));
                if let Some(Err(error)) = written {
                    self.transfer = None;
                    self.step(Event::StageFailed { error });
                }
            }
            Action::PayloadEnd => self.finish_transfer(),
            Action::Discard => self.discard(),
            Action::Install { history, offset, db } => self.install(history, offset, db, epoch),
            Action::Resume => {
                let db = server.engine.log.db().unwrap_or(0);
                self.applier = Some(applier(server, db, epoch));
            }
            Action::Apply(bytes) => self.apply(&bytes),
            Action::SetHistory(history) => {
                let _all = all_shards(server, &mut self.scratch);
                if server.engine.role_epoch() == epoch {
                    *server.replication.history.lock() = history;
                }
            }
            Action::LinkUp(up) => {
                let version = self.version;
                server.engine.change_state(|state| {
                    // A link that REPLICAOF has taken down meanwhile is not up.
                    let is_stale = || up && server.replication.link.lock().version != version;
                    if state.is_replica() && server.engine.role_epoch() == epoch && !is_stale() {
                        state.set_link_down(!up);
                    }
                });
            }
            Action::DropReplicas => server.replication.drop_replicas(),
            Action::Log(level, text) => log(level, &text),
            Action::BecomeReplica | Action::BecomePrimary { .. } => {
                unreachable!("the role is changed by who asks for it, under all shards")
            }
        }
    }

    // ---- the connection

    fn connect(&mut self, host: &str, port: u16) {
        self.disconnect();
        match (host, port).to_socket_addrs() {
            Ok(addresses) => {
                self.addresses = addresses.collect();
                self.connect_next(io::Error::other("Name or service not known"));
            }
            Err(error) => self.step(Event::ConnectFailed { error: sys::error_text(&error) }),
        }
    }

    /// A name may have several addresses, and the primary may listen on one of them only (localhost). `error` is what
    /// became of the one before.
    fn connect_next(&mut self, mut error: io::Error) {
        while let Some(address) = self.addresses.pop_front() {
            match self.open(address) {
                Ok(stream) => {
                    self.socket =
                        Some(Socket { stream, output: Output::default(), connecting: true, client: None });
                    return;
                }
                Err(failed) => error = failed,
            }
        }
        self.step(Event::ConnectFailed { error: sys::error_text(&error) });
    }

    fn open(&self, address: SocketAddr) -> io::Result<Stream> {
        let stream = TcpStream::connect(address)?;
        let _ = stream.set_nodelay(true);
        let mut stream = Stream::Tcp(stream);
        self.poll.registry().register(stream.source(), SOCKET, Interest::READABLE | Interest::WRITABLE)?;
        Ok(stream)
    }

    fn disconnect(&mut self) {
        self.close();
        self.addresses.clear();
        self.applier = None;
        self.transfer = None;
        self.discard();
    }

    fn discard(&mut self) {
        self.transfer = None;
        if let Some(loaded) = self.staged.take() {
            loaded.staging.discard(&mut self.scratch);
            self.free_trash();
        }
    }

    fn free_trash(&mut self) {
        if !self.scratch.trash.is_empty() {
            self.server.lazy_free(std::mem::take(&mut self.scratch.trash));
        }
    }

    fn close(&mut self) {
        if let Some(mut socket) = self.socket.take() {
            let _ = self.poll.registry().deregister(socket.stream.source());
            if let Some(client) = socket.client {
                self.server.clients.remove(client.id);
            }
        }
        self.more = false;
        self.write_error = None;
    }

    fn is_killed(&self) -> bool {
        let client = self.socket.as_ref().and_then(|socket| socket.client.as_ref());
        client.is_some_and(|client| client.killed.load(Ordering::Relaxed))
    }

    fn lost(&mut self, error: Option<io::Error>) {
        self.close();
        self.step(Event::Closed { error: error.map(|error| sys::error_text(&error)) });
    }

    fn send(&mut self, bytes: &[u8]) {
        if let Some(socket) = &mut self.socket {
            socket.output.data.extend_from_slice(bytes);
            self.flush();
        }
    }

    fn flush(&mut self) {
        let Some(socket) = &mut self.socket else { return };
        let mut written = 0;
        if socket.connecting {
            return;
        }
        if let Err(error) = socket.output.write_to(&mut socket.stream, &mut written) {
            self.write_error = Some(error);
        }
    }

    fn writable(&mut self) {
        let Some(socket) = &mut self.socket else { return };
        if !socket.connecting {
            return self.flush();
        }
        let Stream::Tcp(stream) = &socket.stream else { return };
        // Writable and without an error: connected. Writable before it is known: another event follows.
        match stream.take_error() {
            Ok(None) => match stream.peer_addr() {
                Ok(peer) => {
                    socket.connecting = false;
                    socket.client = Some(enlist(self.server, stream, peer));
                    self.step(Event::Connected);
                    self.flush();
                }
                Err(error) if error.kind() == io::ErrorKind::NotConnected => {}
                Err(error) => self.connect_failed(error),
            },
            Ok(Some(error)) | Err(error) => self.connect_failed(error),
        }
    }

    fn connect_failed(&mut self, error: io::Error) {
        self.close();
        self.connect_next(error);
    }

    fn read(&mut self) {
        self.more = false;
        for _ in 0..READS_PER_TURN {
            let Some(socket) = self.socket.as_mut().filter(|socket| !socket.connecting) else { return };
            let mut buffer = std::mem::take(&mut self.buffer);
            let read = socket.stream.read(&mut buffer);
            let result = match read {
                Ok(0) => Err(None),
                Ok(n) => {
                    add(&self.server.replication.stats.input_bytes, n);
                    self.step(Event::Received(&buffer[..n]));
                    Ok(n)
                }
                Err(error) => Err(Some(error)),
            };
            self.buffer = buffer;
            match result {
                Ok(_) => {}
                Err(Some(error)) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(Some(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return self.lost(error),
            }
        }
        self.more = true;
    }

    // ---- what came

    fn finish_transfer(&mut self) {
        let Some(transfer) = self.transfer.take() else { return };
        let server = self.server;
        let mut last = server.clock.monotonic_ms();
        let mut socket = self.socket.take();
        let result = transfer.finish(|| {
            let now = server.clock.monotonic_ms();
            if ALIVE_MS <= now - last {
                last = now;
                if let Some(socket) = &mut socket {
                    socket.output.data.push(b'\n');
                    let _ = socket.output.write_to(&mut socket.stream, &mut 0);
                }
            }
        });
        self.socket = socket;
        match result {
            Ok(loaded) => {
                let db = loaded.origins.stream_db.filter(|&db| db < server.engine.databases());
                let event = Event::Staged { keys: loaded.staging.keys, db };
                self.staged = Some(loaded);
                self.step(event);
            }
            Err(error) => self.step(Event::StageFailed { error }),
        }
    }

    fn install(&mut self, history: History, offset: Offset, db: u32, epoch: u64) {
        let Some(loaded) = self.staged.take() else { return };
        let server = self.server;
        let _reload_waits = server.reloading.lock();
        let mut txn = all_shards(server, &mut self.scratch);
        if server.engine.role_epoch() != epoch {
            drop(txn);
            loaded.staging.discard(&mut self.scratch);
            return self.free_trash();
        }
        loaded.staging.install(&mut txn);
        server.engine.log.reset(offset);
        server.engine.log.set_db(Some(db));
        *server.replication.history.lock() = history;
        txn.commit();
        self.applier = Some(applier(server, db, epoch));
        self.free_trash();
    }

    fn apply(&mut self, bytes: &[u8]) {
        let server = self.server;
        let Some(applier) = &mut self.applier else { return };
        let now = server.clock.unix_ms();
        let result = {
            let _reload_waits = server.reloading.lock();
            applier.feed(&server.engine, &mut self.scratch, now, bytes, &mut self.notes)
        };
        self.free_trash();
        for note in std::mem::take(&mut self.notes) {
            match note {
                Note::GetAck => self.step(Event::AckWanted),
                Note::Failed { command, error } => logger::log(
                    Level::Warning,
                    &format!(
                        "== CRITICAL == This replica is sending an error to its master: '{error}' after processing the command '{command}'"
                    ),
                ),
            }
        }
        match result {
            Ok(_) | Err(StreamError::RoleChanged) => {}
            Err(error) => self.step(Event::StreamFailed { error: error.to_string() }),
        }
    }
}

/// Lists the connection among the clients.
fn enlist(server: &Server, stream: &TcpStream, peer: SocketAddr) -> Arc<Client> {
    let local = stream.local_addr().map(crate::listen::address).unwrap_or_default();
    let (id, now) = (server.clients.next_id(), server.clock.monotonic_ms());
    let client = Client::new(id, stream.as_raw_fd(), crate::listen::address(peer), local, false, 0, now);
    client.primary.store(true, Ordering::Relaxed);
    let client = Arc::new(client);
    server.clients.add(client.clone());
    client
}
