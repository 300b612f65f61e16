//! A worker: an event loop that owns its connections and runs their commands to completion.
//!
//! One pass over a ready connection reads what is there, decodes a batch of requests, prefetches the table slots
//! and entries of their keys, executes them one after the other, and writes the replies once. Nothing is handed
//! to another thread, but a connection that becomes a replica's.

use crate::client::Client;
use crate::commands::{Command, table};
use crate::config::{Config, OutputLimits};
use crate::conn::{Input, Output, ReadEnd, Stream};
use crate::dispatch::{self, Context, Outcome};
use crate::logger::{self, Level};
use crate::mailbox::{MAILBOX, Mailbox};
use crate::server::{HandedOver, Server};
use crate::session::{After, ConnState};
use crate::stats::WorkerStats;
use engine::{Scratch, Stage};
use mio::{Events, Poll, Token};
use resp::{Args, Decoded, Decoder, Limits, OwnedArgs, Span};
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// Requests that are decoded ahead, so that their memory accesses overlap.
const BATCH: usize = 32;
/// Reads of one connection before the others have their turn.
const READS_PER_TURN: usize = 16;
const EVENTS: usize = 1024;

/// What other threads tell a worker.
pub enum Message {
    Accepted { stream: Stream, client: Arc<Client>, authenticated: bool },
    /// Look at the `killed` marks of the connections.
    Kill,
    /// A pause ended: look at postponed connections.
    Unpaused,
}

/// What the server knows of a worker.
pub struct Handle {
    pub mailbox: Mailbox<Message>,
    pub stats: WorkerStats,
}

struct Conn {
    stream: Stream,
    input: Input,
    output: Output,
    decoder: Decoder,
    state: ConnState,
    /// Requests wait for the end of a pause.
    postponed: bool,
    /// The output limit's soft bound was passed at this time (monotonic ms).
    soft_limit_since: Option<i64>,
}

/// A decoded request.
struct Request {
    at: usize,
    bytes: usize,
    first_span: usize,
    spans: usize,
    inline: Option<OwnedArgs>,
    command: Option<&'static Command>,
    /// Hash of the first key, where prefetching found one.
    hash: Option<u64>,
}

pub struct Worker {
    server: &'static Server,
    handle: &'static Handle,
    index: usize,
    poll: Poll,
    conns: Vec<Option<Box<Conn>>>,
    free: Vec<usize>,
    /// Connections that have more to read or to execute without a new event.
    again: Vec<usize>,
    config: Arc<Config>,
    scratch: Scratch,
    spans: Vec<Span>,
    batch: Vec<Request>,
    last_tick_ms: i64,
}

impl Worker {
    pub fn new(server: &'static Server, index: usize, poll: Poll) -> Self {
        Self {
            server,
            handle: &server.workers[index],
            index,
            poll,
            conns: Vec::new(),
            free: Vec::new(),
            again: Vec::new(),
            config: server.config(),
            scratch: Scratch::new(server.random_seed()),
            spans: Vec::new(),
            batch: Vec::new(),
            last_tick_ms: 0,
        }
    }

    /// Runs until the process ends.
    pub fn run(mut self) {
        let mut events = Events::with_capacity(EVENTS);
        loop {
            let timeout = if self.again.is_empty() { Duration::from_secs(1) } else { Duration::ZERO };
            if let Err(error) = self.poll.poll(&mut events, Some(timeout))
                && error.kind() != io::ErrorKind::Interrupted
            {
                panic!("worker {}: poll failed: {error}", self.index);
            }
            self.server.freeze_point();
            let started = self.server.clock.nanos();
            self.config = self.server.config();
            for index in std::mem::take(&mut self.again) {
                self.turn(index, true, false);
            }
            for event in &events {
                match event.token() {
                    MAILBOX => self.read_mailbox(),
                    Token(index) => self.turn(index, event.is_readable(), event.is_writable()),
                }
            }
            self.tick();
            self.server.wake_log_readers();
            self.handle.stats.loops.add(1);
            self.handle.stats.loop_nanos.add(self.server.clock.nanos() - started);
        }
    }

    fn read_mailbox(&mut self) {
        for message in self.handle.mailbox.take() {
            match message {
                Message::Accepted { stream, client, authenticated } => self.add(stream, client, authenticated),
                Message::Kill => self.close_killed(),
                Message::Unpaused => self.resume_postponed(),
            }
        }
    }

    fn add(&mut self, mut stream: Stream, client: Arc<Client>, authenticated: bool) {
        let index = self.free.pop().unwrap_or_else(|| {
            self.conns.push(None);
            self.conns.len() - 1
        });
        if let Err(error) = stream.register(self.poll.registry(), Token(index)) {
            logger::log(Level::Warning, &format!("Can't watch the socket of client {}: {error}", client.id));
            self.server.clients.remove(client.id);
            self.free.push(index);
            return;
        }
        self.conns[index] = Some(Box::new(Conn {
            stream,
            input: Input::default(),
            output: Output::default(),
            decoder: Decoder::new(),
            state: ConnState::new(client, authenticated),
            postponed: false,
            soft_limit_since: None,
        }));
        // Bytes may have come in before it was registered.
        self.again.push(index);
    }

    /// One connection's turn. `readable`: there may be input; else only output is tried.
    fn turn(&mut self, index: usize, readable: bool, writable: bool) {
        let Some(mut conn) = self.conns.get_mut(index).and_then(Option::take) else { return };
        let mut open = true;
        if writable && conn.output.pending() != 0 {
            open = self.write(&mut conn);
        }
        if open && readable && conn.state.after == After::GoOn {
            open = self.read_and_execute(index, &mut conn);
        }
        if open && conn.state.after == After::HandOver && conn.output.pending() == 0 {
            self.hand_over(index, *conn);
            return;
        }
        if open && conn.state.after == After::Close && conn.output.pending() == 0 {
            open = false;
        }
        if open {
            self.conns[index] = Some(conn);
        } else {
            self.close(index, *conn);
        }
    }

    /// False when the connection is to be closed.
    fn read_and_execute(&mut self, index: usize, conn: &mut Conn) -> bool {
        for _ in 0..READS_PER_TURN {
            if conn.postponed {
                return true;
            }
            let (bytes, end) = match conn.input.read_from(&mut conn.stream) {
                Ok(read) => read,
                Err(error) => {
                    logger::log(Level::Verbose, &format!("Error reading from client: {error}"));
                    return false;
                }
            };
            if bytes != 0 {
                self.handle.stats.input_bytes.add(bytes as u64);
                self.handle.stats.reads.add(1);
                if !self.execute(conn) {
                    return self.write(conn) && conn.output.pending() != 0;
                }
                if self.exceeds_input_limit(conn) {
                    return false;
                }
            }
            match end {
                ReadEnd::Closed => return false,
                ReadEnd::Drained => return self.write(conn),
                ReadEnd::More if conn.state.after != After::GoOn => return self.write(conn),
                ReadEnd::More => {}
            }
        }
        self.again.push(index);
        self.write(conn)
    }

    /// Executes what has come in completely. False after a protocol error: its reply is in the output.
    fn execute(&mut self, conn: &mut Conn) -> bool {
        let now_ms = self.server.clock.unix_ms();
        let mut ok = true;
        loop {
            let full = self.decode(conn, &mut ok);
            let executed = self.run_batch(conn, now_ms);
            if executed < self.batch.len() {
                // Paused, closing, or handed over: what was decoded ahead is decoded again later.
                conn.decoder = Decoder::new();
                ok = true;
                break;
            }
            if !full {
                break;
            }
        }
        self.count(conn);
        if !ok {
            conn.state.after = After::Close;
        }
        ok
    }

    /// Decodes up to a batch ahead; true if there may be more after it.
    fn decode(&mut self, conn: &mut Conn, ok: &mut bool) -> bool {
        self.spans.clear();
        self.batch.clear();
        let limits = limits(&self.config, conn.state.authenticated);
        let most = if conn.state.authenticated { BATCH } else { 1 };
        let mut at = 0;
        while self.batch.len() < most {
            let pending = &conn.input.bytes()[at..];
            if pending.is_empty() {
                return false;
            }
            let (bytes, first_span, spans, inline) = match conn.decoder.next(pending, &limits, &mut self.spans) {
                Ok(Decoded::Need(total)) => {
                    conn.input.reserve(at + total);
                    return false;
                }
                Ok(Decoded::Empty { bytes }) => (bytes, 0, 0, None),
                Ok(Decoded::Inline { bytes, args }) => (bytes, 0, 0, Some(args)),
                Ok(Decoded::Request { bytes, first_span, spans, .. }) => (bytes, first_span, spans, None),
                Err(error) => {
                    // Requests before it are executed first, and come back here.
                    if self.batch.is_empty() {
                        let line = format!("ERR Protocol error: {error}");
                        logger::log(Level::Verbose, &format!("Protocol error ({error}) from client {}", conn.state.client.id));
                        resp::Reply::new(&mut conn.output.data, conn.state.proto).error_line(line.as_bytes());
                        self.server.errors.count(&line);
                        *ok = false;
                        return false;
                    }
                    conn.decoder = Decoder::new();
                    return true;
                }
            };
            self.batch.push(Request { at, bytes, first_span, spans, inline, command: None, hash: None });
            at += bytes;
        }
        true
    }

    /// Runs the decoded requests; returns how many.
    fn run_batch(&mut self, conn: &mut Conn, now_ms: i64) -> usize {
        let Conn { input, output, state, postponed, .. } = conn;
        let engine = &self.server.engine;
        let bytes = input.bytes();
        for request in &mut self.batch {
            let args = request.args(bytes, &self.spans);
            if args.len() == 0 {
                continue;
            }
            let command = table().find(args.name());
            let key = command.and_then(|command| args.get(usize::from(command.meta.keys.first()?.first)));
            let hash = key.map(|key| engine.hash(key));
            (request.command, request.hash) = (command, hash);
        }
        if 1 < self.batch.len() {
            for stage in [Stage::Slot, Stage::Entry] {
                for hash in self.batch.iter().filter_map(|request| request.hash) {
                    engine.prefetch(state.db, hash, stage);
                }
            }
        }
        let mut ctx = Context {
            server: self.server,
            config: &self.config,
            scratch: &mut self.scratch,
            stats: &self.handle.stats,
            now_ms,
            clock_nanos: self.server.clock.nanos(),
        };
        let mut executed = 0;
        let mut consumed = 0;
        for request in &self.batch {
            let args = request.args(bytes, &self.spans);
            if args.len() != 0 {
                if let Some(hash) = request.hash {
                    let key = args.at(usize::from(request.command.expect("has a key").meta.keys[0].first));
                    ctx.scratch.remember_key(key, hash);
                }
                if dispatch::execute(&mut ctx, state, &mut output.data, request.command, args) == Outcome::Postponed {
                    *postponed = true;
                    break;
                }
            }
            executed += 1;
            consumed = request.at + request.bytes;
            if state.after != After::GoOn {
                break;
            }
        }
        input.consume(consumed);
        executed
    }

    /// Publishes what CLIENT LIST shows, and the transactions' counts.
    fn count(&mut self, conn: &mut Conn) {
        let client = &conn.state.client;
        client.active_ms.store(self.server.clock.monotonic_ms(), Relaxed);
        client.db.store(conn.state.db, Relaxed);
        client.input_bytes.store(conn.input.pending() as u64, Relaxed);
        client.input_free_bytes.store((conn.input.capacity() - conn.input.pending()) as u64, Relaxed);
        let counts = self.scratch.take_counts();
        self.handle.stats.hits.add(counts.hits.get());
        self.handle.stats.misses.add(counts.misses.get());
        self.handle.stats.expired.add(counts.expired.get());
    }

    fn exceeds_input_limit(&self, conn: &Conn) -> bool {
        if conn.input.pending() <= self.config.client_query_buffer_limit as usize {
            return false;
        }
        let text = format!("Closing client that reached max query buffer length: id={}", conn.state.client.id);
        logger::log(Level::Warning, &text);
        true
    }

    /// Writes the output; false when the connection is to be closed.
    fn write(&mut self, conn: &mut Conn) -> bool {
        if conn.output.pending() == 0 {
            return true;
        }
        let mut written = 0;
        let result = conn.output.write_to(&mut conn.stream, &mut written);
        self.handle.stats.output_bytes.add(written as u64);
        self.handle.stats.writes.add(1);
        conn.state.client.output_bytes.store(conn.output.pending() as u64, Relaxed);
        match result {
            Ok(true) => {
                conn.soft_limit_since = None;
                true
            }
            Ok(false) => self.within_output_limit(conn),
            Err(error) => {
                logger::log(Level::Verbose, &format!("Error writing to client: {error}"));
                false
            }
        }
    }

    fn within_output_limit(&self, conn: &mut Conn) -> bool {
        let limit = &self.config.client_output_buffer_limit.0[OutputLimits::NORMAL];
        let pending = conn.output.pending() as u64;
        let now = self.server.clock.monotonic_ms();
        let hard = limit.hard_bytes != 0 && limit.hard_bytes <= pending;
        let soft = limit.soft_bytes != 0 && limit.soft_bytes <= pending;
        if !soft {
            conn.soft_limit_since = None;
        }
        let since = *conn.soft_limit_since.get_or_insert(now);
        if hard || (soft && (limit.soft_seconds as i64) * 1000 < now - since) {
            let text = format!(
                "Client id={} addr={} scheduled to be closed ASAP for overcoming of output buffer limits.",
                conn.state.client.id, conn.state.client.addr
            );
            logger::log(Level::Warning, &text);
            return false;
        }
        true
    }

    fn close(&mut self, index: usize, mut conn: Conn) {
        let _ = self.poll.registry().deregister(conn.stream.source());
        crate::commands::discard(self.server, &mut conn.state);
        self.server.clients.remove(conn.state.client.id);
        self.free.push(index);
    }

    /// Gives the connection to the replication thread: its request was PSYNC or SYNC.
    fn hand_over(&mut self, index: usize, mut conn: Conn) {
        let _ = self.poll.registry().deregister(conn.stream.source());
        crate::commands::discard(self.server, &mut conn.state);
        self.free.push(index);
        let request = conn.state.sync_request.take().expect("set with HandOver");
        let Conn { stream, input, state, .. } = conn;
        self.server.replication.hand_over(HandedOver {
            stream,
            input: input.bytes().to_vec(),
            request,
            facts: state.replconf,
            client: state.client,
        });
    }

    fn close_killed(&mut self) {
        for index in 0..self.conns.len() {
            if self.conns[index].as_ref().is_some_and(|conn| conn.state.client.killed.load(Relaxed)) {
                let conn = self.conns[index].take().expect("just looked at");
                self.close(index, *conn);
            }
        }
    }

    fn resume_postponed(&mut self) {
        for index in 0..self.conns.len() {
            let Some(mut conn) = self.conns[index].take_if(|conn| conn.postponed) else { continue };
            conn.postponed = false;
            self.execute(&mut conn);
            let open = self.write(&mut conn);
            self.conns[index] = Some(conn);
            if open {
                self.again.push(index);
            } else if let Some(conn) = self.conns[index].take() {
                self.close(index, *conn);
            }
        }
    }

    /// Once a second: idle connections and output limits.
    fn tick(&mut self) {
        let now = self.server.clock.monotonic_ms();
        if now - self.last_tick_ms < 1000 {
            return;
        }
        self.last_tick_ms = now;
        let timeout_ms = self.config.timeout as i64 * 1000;
        for index in 0..self.conns.len() {
            let Some(mut conn) = self.conns[index].take() else { continue };
            let idle = timeout_ms != 0 && timeout_ms < now - conn.state.client.active_ms.load(Relaxed);
            if idle {
                logger::log(Level::Verbose, "Closing idle client");
            }
            if idle || (conn.output.pending() != 0 && !self.within_output_limit(&mut conn)) {
                self.close(index, *conn);
            } else {
                self.conns[index] = Some(conn);
            }
        }
    }
}

impl Request {
    fn args<'a>(&'a self, input: &'a [u8], spans: &'a [Span]) -> Args<'a> {
        match &self.inline {
            Some(args) => args.as_args(),
            None => Args::new(
                &input[self.at..self.at + self.bytes],
                &spans[self.first_span..self.first_span + self.spans],
            ),
        }
    }
}

fn limits(config: &Config, authenticated: bool) -> Limits {
    Limits { bulk_bytes_max: config.proto_max_bulk_len as usize, authenticated, ..Limits::default() }
}
