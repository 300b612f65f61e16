//! A worker: an event loop that owns its connections and runs their commands to completion.
//!
//! One pass over a ready connection reads what is there, runs it in batches (`batch.rs`), and writes the replies
//! once. Nothing is handed to another thread, but a connection that becomes a replica's.
//!
//! The poll reports edges, each only once. So a connection remembers what an event told and is not used up yet:
//! `readable` until a read finds the socket empty, `writable` until it takes no more, `undecoded` while requests
//! that are there have not been looked at. A pause, a full output, or the others' turn may come in between.

use crate::batch::{Batch, Behind, Ran};
use crate::client::{BESIDE_BYTES, Client, output_memory};
use crate::config::{Config, OutputLimits};
use crate::conn::{Input, Output, ReadEnd, Stream, WriteEnd};
use crate::dispatch::{Context, Others};
use crate::logger::{self, Level};
use crate::mailbox::{MAILBOX, Mailbox};
use crate::server::{HandedOver, Server};
use crate::session::{After, ConnState};
use crate::stats::WorkerStats;
use engine::Scratch;
use mio::event::Event;
use mio::{Events, Poll, Token};
use resp::{Decoder, ProtocolError};
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// Reads of one connection before the others have their turn.
const READS_PER_TURN: usize = 16;
/// Replies are sent once they are so many, though more requests are there.
const OUTPUT_CHUNK_BYTES: usize = 64 * 1024;
/// A client that has so many replies waiting gets no further ones until it reads: neither is its socket read nor
/// are its requests run. Large, because a client may well send all of a long pipeline before it reads anything;
/// such a client would wait for us as we for it. Where the configuration sets a higher limit, that one counts.
const OUTPUT_HELD_BYTES_MAX: usize = 64 * 1024 * 1024;
const EVENTS: usize = 1024;

/// What other threads tell a worker.
pub enum Message {
    Accepted {
        stream: Stream,
        client: Arc<Client>,
        authenticated: bool,
    },
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
    readable: bool,
    /// The peer has closed its side: a short read is not the last one.
    ending: bool,
    /// All was read.
    ended: bool,
    writable: bool,
    undecoded: bool,
    /// Requests wait for the end of a pause.
    postponed: bool,
    /// The output limit's soft bound was passed at this time (monotonic ms).
    soft_limit_since: Option<i64>,
}

impl Told {
    /// It asked for another turn.
    fn nothing(index: usize) -> Self {
        Self { index, readable: false, ending: false, writable: false }
    }

    fn by(index: usize, event: &Event) -> Self {
        Self {
            index,
            readable: event.is_readable() || event.is_read_closed() || event.is_error(),
            ending: event.is_read_closed(),
            writable: event.is_writable() || event.is_error(),
        }
    }
}

impl Conn {
    fn hear(&mut self, told: &Told) {
        self.readable |= told.readable;
        self.ending |= told.ending;
        self.writable |= told.writable;
    }
}

/// What becomes of a connection after its turn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Next {
    /// An event will tell.
    Wait,
    /// There is more to do, but the others have their turn first.
    Again,
    Close,
    HandOver,
}

/// The clocks as this pass of the loop sees them.
#[derive(Clone, Copy, Default)]
struct Now {
    nanos: u64,
    unix_ms: i64,
}

/// A worker's connections, and how it hears of them.
pub struct Floor {
    poll: Poll,
    conns: Vec<Option<Box<Conn>>>,
    free: Vec<usize>,
    /// Freed in this pass: events of the old connections may still follow in it.
    freed: Vec<usize>,
    /// Connections that have more to do without a new event.
    again: Vec<usize>,
    /// What was told and is not served yet.
    queue: VecDeque<Told>,
    /// The mailbox is to be looked at.
    mail: bool,
    /// Connections whose turn it is: one, or a second one inside the turn of a first that takes long.
    in_turn: Vec<usize>,
    /// What was told meanwhile of them.
    missed: Vec<Told>,
}

/// What an event tells of a connection.
struct Told {
    index: usize,
    readable: bool,
    ending: bool,
    writable: bool,
}

impl Floor {
    pub fn new(poll: Poll) -> Self {
        Self {
            poll,
            conns: Vec::new(),
            free: Vec::new(),
            freed: Vec::new(),
            again: Vec::new(),
            queue: VecDeque::new(),
            mail: false,
            in_turn: Vec::new(),
            missed: Vec::new(),
        }
    }
}

pub struct Worker<'w> {
    server: &'static Server,
    handle: &'static Handle,
    index: usize,
    floor: &'w mut Floor,
    config: Arc<Config>,
    scratch: Scratch,
    batch: Batch,
    /// Buffers for the connection whose turn it is.
    input: Input,
    output: Output,
    marks: Marks,
    now: Now,
    last_tick_ms: i64,
}

/// Bytes of pending output, by the configuration.
#[derive(Clone, Copy)]
struct Marks {
    /// From here on the output limits are looked at.
    check: usize,
    /// From here on nothing more is run.
    hold: usize,
}

/// The other connections of a worker whose turn is taken by a script that runs for long.
struct Bystanders<'w> {
    server: &'static Server,
    index: usize,
    floor: &'w mut Floor,
}

impl Others for Bystanders<'_> {
    fn attend(&mut self) {
        Worker::new(self.server, self.index, self.floor).pass_meanwhile();
    }
}

impl<'w> Worker<'w> {
    pub fn new(server: &'static Server, index: usize, floor: &'w mut Floor) -> Self {
        let config = server.config();
        Self {
            server,
            handle: &server.workers[index],
            index,
            floor,
            marks: marks(&config),
            config,
            scratch: Scratch::new(server.random_seed()),
            batch: Batch::default(),
            input: Input::default(),
            output: Output::default(),
            now: Now::default(),
            last_tick_ms: 0,
        }
    }

    /// Runs until the process ends.
    pub fn run(mut self) {
        let mut events = Events::with_capacity(EVENTS);
        loop {
            let timeout = if self.floor.again.is_empty() { Duration::from_secs(1) } else { Duration::ZERO };
            if let Err(error) = self.floor.poll.poll(&mut events, Some(timeout)) {
                if error.kind() == io::ErrorKind::Interrupted {
                    continue;
                }
                panic!("worker {}: poll failed: {error}", self.index);
            }
            self.server.freeze_point();
            self.begin_pass();
            let started = self.now.nanos;
            for index in std::mem::take(&mut self.floor.again) {
                self.floor.queue.push_back(Told::nothing(index));
            }
            self.take_in(&events);
            self.serve_queue();
            self.floor.free.append(&mut self.floor.freed);
            self.tick();
            self.server.wake_log_readers();
            self.handle.stats.loops.add(1);
            self.handle.stats.loop_nanos.add(self.server.clock.nanos() - started);
        }
    }

    /// One pass in the midst of a turn, which takes long. What is told of the connection whose turn it is waits, and
    /// so does what belongs between two passes.
    fn pass_meanwhile(mut self) {
        let mut events = Events::with_capacity(EVENTS);
        if self.floor.poll.poll(&mut events, Some(Duration::ZERO)).is_err() {
            return; // interrupted: the next pass sees it
        }
        self.begin_pass();
        self.take_in(&events);
        self.serve_queue();
    }

    /// Queues what the poll told. The queue is the floor's: what stands in it when a turn takes long is served meanwhile.
    fn take_in(&mut self, events: &Events) {
        for event in events {
            match event.token() {
                MAILBOX => self.floor.mail = true,
                Token(index) => self.floor.queue.push_back(Told::by(index, event)),
            }
        }
    }

    fn serve_queue(&mut self) {
        loop {
            if std::mem::take(&mut self.floor.mail) {
                self.read_mailbox();
            }
            let Some(told) = self.floor.queue.pop_front() else { return };
            let index = told.index;
            if self.floor.conns.get(index).is_some_and(Option::is_some) {
                self.turn(index, Some(&told));
            } else if self.floor.in_turn.contains(&index) {
                self.floor.missed.push(told);
            }
        }
    }

    /// Looks at the clocks and the configuration once.
    fn begin_pass(&mut self) {
        self.now = Now { nanos: self.server.clock.nanos(), unix_ms: self.server.clock.unix_ms() };
        let config = self.server.config();
        if !Arc::ptr_eq(&config, &self.config) {
            self.marks = marks(&config);
            self.config = config;
        }
    }

    fn read_mailbox(&mut self) {
        for message in self.handle.mailbox.take() {
            match message {
                Message::Accepted { stream, client, authenticated } => {
                    self.add(stream, client, authenticated)
                }
                Message::Kill => self.close_killed(),
                Message::Unpaused => self.resume_postponed(),
            }
        }
    }

    /// Takes a connection in. Bytes that are there already show as its first event.
    fn add(&mut self, mut stream: Stream, client: Arc<Client>, authenticated: bool) {
        let index = self.floor.free.pop().unwrap_or_else(|| {
            self.floor.conns.push(None);
            self.floor.conns.len() - 1
        });
        if let Err(error) = stream.register(self.floor.poll.registry(), Token(index)) {
            logger::log(Level::Warning, &format!("Can't watch the socket of client {}: {error}", client.id));
            self.server.clients.remove(client.id);
            self.floor.free.push(index);
            return;
        }
        self.floor.conns[index] = Some(Box::new(Conn {
            stream,
            input: Input::default(),
            output: Output::default(),
            decoder: Decoder::new(),
            state: ConnState::new(client, authenticated),
            readable: false,
            ending: false,
            ended: false,
            writable: true,
            undecoded: false,
            postponed: false,
            soft_limit_since: None,
        }));
    }

    /// One connection's turn: after an event, or because it asked for another.
    fn turn(&mut self, index: usize, told: Option<&Told>) {
        let Some(mut conn) = self.floor.conns.get_mut(index).and_then(Option::take) else { return };
        if let Some(told) = told {
            conn.hear(told);
        }
        self.lend_buffers(&mut conn);
        self.floor.in_turn.push(index);
        let mut next = self.serve(&mut conn);
        self.floor.in_turn.pop();
        self.take_buffers(&mut conn);
        if !self.floor.missed.is_empty() {
            self.hear_missed(index, &mut conn, &mut next);
        }
        self.after_turn(index, conn, next);
    }

    /// What was told of the connection while its turn went on. Of one that is gone nothing is to be told.
    #[cold]
    fn hear_missed(&mut self, index: usize, conn: &mut Conn, next: &mut Next) {
        let (missed, others): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.floor.missed).into_iter().partition(|told| told.index == index);
        self.floor.missed = others;
        for told in missed {
            conn.hear(&told);
            if *next == Next::Wait {
                *next = Next::Again;
            }
        }
    }

    fn after_turn(&mut self, index: usize, conn: Box<Conn>, next: Next) {
        match next {
            Next::Wait => self.floor.conns[index] = Some(conn),
            Next::Again => {
                self.floor.conns[index] = Some(conn);
                self.floor.again.push(index);
            }
            Next::Close => self.close(index, *conn),
            Next::HandOver => self.hand_over(index, *conn),
        }
    }

    /// A connection with nothing pending works in the worker's buffers, which are warm in the cache.
    fn lend_buffers(&mut self, conn: &mut Conn) {
        if conn.input.capacity() == 0 {
            std::mem::swap(&mut conn.input, &mut self.input);
        }
        if conn.output.data.capacity() == 0 {
            std::mem::swap(&mut conn.output, &mut self.output);
        }
    }

    fn take_buffers(&mut self, conn: &mut Conn) {
        if conn.input.is_empty() {
            self.input = std::mem::take(&mut conn.input);
        }
        if conn.output.is_empty() {
            self.output = std::mem::take(&mut conn.output);
        }
    }

    /// Runs what is there and may run, reads more, and sends the replies.
    fn serve(&mut self, conn: &mut Conn) -> Next {
        let mut reads = 0;
        let mut again = false;
        loop {
            let held = self.marks.hold <= conn.output.pending();
            let may_run = conn.state.after == After::GoOn && !conn.postponed && !held;
            if may_run && (conn.undecoded || (conn.readable && reads < READS_PER_TURN)) {
                if !conn.undecoded {
                    reads += 1;
                    if !self.read(conn) {
                        return Next::Close;
                    }
                }
                if conn.undecoded && !self.execute(conn) {
                    return Next::Close;
                }
                if conn.output.pending() < OUTPUT_CHUNK_BYTES || !conn.writable {
                    continue;
                }
            } else {
                again |= may_run && conn.readable;
                if conn.output.is_empty() || !conn.writable {
                    break;
                }
            }
            match self.write(conn) {
                Some(WriteEnd::Sent) => {}
                Some(WriteEnd::Full) if conn.output.pending() < self.marks.hold => {}
                Some(WriteEnd::Full) => break,
                Some(WriteEnd::More) => {
                    again = true;
                    break;
                }
                None => return Next::Close,
            }
        }
        self.publish(conn);
        if conn.postponed && (conn.ending || conn.ended) {
            return Next::Close; // nobody waits for the reply any longer
        }
        match conn.state.after {
            After::Close if conn.output.is_empty() => Next::Close,
            After::HandOver if conn.output.is_empty() => Next::HandOver,
            // As long as there are replies that the client may still read, it gets them.
            After::GoOn if conn.ended && !conn.undecoded && conn.output.is_empty() => Next::Close,
            _ if again => Next::Again,
            _ => Next::Wait,
        }
    }

    /// Reads once; false when the connection is to be closed.
    fn read(&mut self, conn: &mut Conn) -> bool {
        let (bytes, end) = match conn.input.read_from(&mut conn.stream) {
            Ok(read) => read,
            Err(error) => {
                let text = format!("Reading from client: {}", crate::sys::error_text(&error));
                logger::log(Level::Verbose, &text);
                return false;
            }
        };
        self.handle.stats.input_bytes.add(bytes as u64);
        self.handle.stats.reads.add(1);
        conn.undecoded |= bytes != 0;
        conn.readable = match end {
            ReadEnd::More => true,
            ReadEnd::Short => conn.ending,
            ReadEnd::Drained => false,
            ReadEnd::Closed => {
                if logger::is_logged(Level::Verbose) {
                    logger::log(Level::Verbose, &format!("Client closed connection {}", self.describe(conn)));
                }
                conn.ended = true;
                false
            }
        };
        true
    }

    /// Runs the requests that are there. False when the connection is to be closed at once.
    fn execute(&mut self, conn: &mut Conn) -> bool {
        let started = self.server.clock.nanos();
        let passed_ms = (started - self.now.nanos) / 1_000_000;
        let mut clock_nanos = started;
        loop {
            let authenticated = conn.state.authenticated;
            let behind =
                match self.batch.decode(&mut conn.input, &mut conn.decoder, &self.config, authenticated) {
                    Ok(behind) => behind,
                    Err(error) => return self.refuse(conn, error),
                };
            conn.undecoded = behind == Behind::More;
            if self.batch.is_empty() {
                break;
            }
            let mut ctx = Context {
                server: self.server,
                config: &self.config,
                scratch: &mut self.scratch,
                stats: &self.handle.stats,
                now_ms: self.now.unix_ms + passed_ms as i64,
                clock_nanos,
                others: &mut Bystanders { server: self.server, index: self.index, floor: self.floor },
            };
            let mark = self.marks.check.min(self.marks.hold);
            let ran = self.batch.run(&mut ctx, &mut conn.input, &mut conn.state, &mut conn.output, mark);
            clock_nanos = ctx.clock_nanos;
            if ran != Ran::All {
                conn.decoder = Decoder::new();
                conn.undecoded = true;
            }
            conn.postponed = ran == Ran::Postponed;
            if self.marks.check <= conn.output.pending()
                && !self.within_output_limit(conn, Closing::Scheduled)
            {
                return false;
            }
            let full = OUTPUT_CHUNK_BYTES <= conn.output.pending();
            if conn.postponed || full || !conn.undecoded || conn.state.after != After::GoOn {
                break;
            }
        }
        let client = &conn.state.client;
        client.active_ms.store((clock_nanos / 1_000_000) as i64, Relaxed);
        client.db.store(conn.state.db, Relaxed);
        let counts = self.scratch.take_counts();
        self.handle.stats.hits.add(counts.hits.get());
        self.handle.stats.misses.add(counts.misses.get());
        self.handle.stats.expired.add(counts.expired.get());
        self.handle.stats.expired_fields.add(counts.expired_fields.get());
        self.within_input_limit(conn)
    }

    /// What follows in the input is no request: the client is told and the connection closes. False: at once.
    fn refuse(&mut self, conn: &mut Conn, error: ProtocolError) -> bool {
        if error == ProtocolError::QueryTooLong {
            self.log_input_limit(conn);
            return false;
        }
        let line = format!("ERR Protocol error: {error}");
        // A byte of the request may be in it: it stays one byte.
        let bytes: Vec<u8> = line.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect();
        logger::log(Level::Verbose, &self.protocol_error_text(conn, &error));
        resp::Reply::new(&mut conn.output.data, conn.state.proto).error_line(&bytes);
        self.server.errors.count(&line);
        conn.undecoded = false;
        conn.state.after = After::Close;
        true
    }

    /// What the log says of a broken request: the reason in the log's words, and the bytes around it.
    fn protocol_error_text(&self, conn: &Conn, error: &ProtocolError) -> String {
        let input = conn.input.bytes();
        let shown = match input.len() {
            0..=PROTOCOL_DUMP_BYTES => format!("'{}'", printable(input)),
            len => {
                let (start, end) =
                    (&input[..PROTOCOL_DUMP_BYTES / 2], &input[len - PROTOCOL_DUMP_BYTES / 2..]);
                let more = len - PROTOCOL_DUMP_BYTES;
                format!("'{}' (... more {more} bytes ...) '{}'", printable(start), printable(end))
            }
        };
        let reason = match error {
            ProtocolError::MultibulkLength => "invalid mbulk count".into(),
            ProtocolError::UnauthenticatedMultibulk => "unauth mbulk count".into(),
            ProtocolError::UnauthenticatedBulk => "unauth bulk length".into(),
            ProtocolError::ExpectedDollar { .. } => "expected $ but got something else".into(),
            ProtocolError::UnbalancedQuotes => "unbalanced quotes in inline request".into(),
            same => same.to_string(),
        };
        let client = self.describe(conn);
        format!(
            "Protocol error ({reason}) from client: {client}. Query buffer during protocol error: {shown}"
        )
    }

    /// A connection as the log names it, with its buffers as they are now.
    fn describe(&self, conn: &Conn) -> String {
        self.publish(conn);
        crate::client::describe(self.server, &conn.state.client)
    }

    /// Publishes what CLIENT LIST shows of the buffers.
    fn publish(&self, conn: &Conn) {
        let client = &conn.state.client;
        let (pending, capacity) = match conn.input.is_empty() {
            true => (0, 0), // the buffer goes back to the worker
            false => (conn.input.pending(), conn.input.capacity()),
        };
        client.input_bytes.store(pending as u64, Relaxed);
        client.input_free_bytes.store((capacity - pending) as u64, Relaxed);
        client.output_bytes.store(conn.output.pending() as u64, Relaxed);
    }

    fn within_input_limit(&self, conn: &Conn) -> bool {
        if conn.input.pending() <= self.config.client_query_buffer_limit as usize {
            return true;
        }
        self.log_input_limit(conn);
        false
    }

    fn log_input_limit(&self, conn: &Conn) {
        let start = &conn.input.bytes()[..conn.input.pending().min(LOGGED_BYTES)];
        let text = format!(
            "Closing client that reached max query buffer length: {} (qbuf initial bytes: \"{}\")",
            self.describe(conn),
            start.escape_ascii()
        );
        logger::log(Level::Warning, &text);
    }

    /// Writes the output once; `None` when the connection is to be closed.
    fn write(&mut self, conn: &mut Conn) -> Option<WriteEnd> {
        let mut written = 0;
        let result = conn.output.write_to(&mut conn.stream, &mut written);
        self.handle.stats.output_bytes.add(written as u64);
        self.handle.stats.writes.add(1);
        match result {
            Ok(end) => {
                conn.writable = end != WriteEnd::Full;
                if conn.output.pending() < self.marks.check {
                    conn.soft_limit_since = None;
                }
                Some(end)
            }
            Err(error) => {
                let text = format!("Error writing to client: {}", crate::sys::error_text(&error));
                logger::log(Level::Verbose, &text);
                None
            }
        }
    }

    /// Whether the client may have so much output pending; else it is logged, and the connection must close.
    fn within_output_limit(&self, conn: &mut Conn, closing: Closing) -> bool {
        let limit = &self.config.client_output_buffer_limit.0[OutputLimits::NORMAL];
        let memory = output_memory(conn.output.pending() as u64);
        let hard = limit.hard_bytes != 0 && limit.hard_bytes <= memory;
        let soft = limit.soft_bytes != 0 && limit.soft_bytes <= memory;
        if !hard && !soft {
            conn.soft_limit_since = None;
            return true;
        }
        let now = self.server.clock.monotonic_ms();
        let since = *conn.soft_limit_since.get_or_insert(now);
        if !hard && now - since <= limit.soft_seconds as i64 * 1000 {
            return true;
        }
        let how = match closing {
            Closing::Scheduled => "scheduled to be closed ASAP",
            Closing::Now => "closed",
        };
        let client = self.describe(conn);
        logger::log(
            Level::Warning,
            &format!("Client {client} {how} for overcoming of output buffer limits."),
        );
        false
    }

    fn close(&mut self, index: usize, mut conn: Conn) {
        let _ = self.floor.poll.registry().deregister(conn.stream.source());
        crate::commands::discard(self.server, &mut conn.state);
        self.server.clients.remove(conn.state.client.id);
        self.floor.freed.push(index);
    }

    /// Gives the connection to the replication thread: its request was PSYNC or SYNC.
    fn hand_over(&mut self, index: usize, mut conn: Conn) {
        let _ = self.floor.poll.registry().deregister(conn.stream.source());
        crate::commands::discard(self.server, &mut conn.state);
        self.floor.freed.push(index);
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
        for index in 0..self.floor.conns.len() {
            if let Some(conn) = self.floor.conns[index].take_if(|conn| conn.state.client.killed.load(Relaxed))
            {
                self.close(index, *conn);
            }
        }
    }

    fn resume_postponed(&mut self) {
        for index in 0..self.floor.conns.len() {
            if let Some(conn) = &mut self.floor.conns[index]
                && conn.postponed
            {
                conn.postponed = false;
                self.turn(index, None);
            }
        }
    }

    /// Once a second: idle connections and output limits.
    fn tick(&mut self) {
        let now = (self.now.nanos / 1_000_000) as i64;
        if now - self.last_tick_ms < 1000 {
            return;
        }
        self.last_tick_ms = now;
        let timeout_ms = self.config.timeout * 1000;
        for index in 0..self.floor.conns.len() {
            let Some(mut conn) = self.floor.conns[index].take() else { continue };
            let client = &conn.state.client;
            // Who waits for a pause to end, or became a replica, is not idle.
            let may_idle = !conn.postponed && !client.replica.load(Relaxed);
            let idle = may_idle && timeout_ms != 0 && timeout_ms < now - client.active_ms.load(Relaxed);
            if idle {
                logger::log(Level::Verbose, "Closing idle client");
            }
            if idle || !self.within_output_limit(&mut conn, Closing::Now) {
                self.close(index, *conn);
            } else {
                self.floor.conns[index] = Some(conn);
            }
        }
        self.floor.free.append(&mut self.floor.freed);
    }
}

/// How a connection over its output limit closes: Redis words it differently.
#[derive(Clone, Copy)]
enum Closing {
    Scheduled,
    Now,
}

/// Bytes of a request that a log line shows.
const LOGGED_BYTES: usize = 64;

fn marks(config: &Config) -> Marks {
    let limit = &config.client_output_buffer_limit.0[OutputLimits::NORMAL];
    let bytes = |n: u64| usize::try_from(n).unwrap_or(usize::MAX).saturating_add(BESIDE_BYTES as usize);
    let limits = [limit.hard_bytes, limit.soft_bytes];
    let limits = limits.into_iter().filter(|limit| *limit != 0).map(bytes);
    let check = limits.clone().min().unwrap_or(usize::MAX);
    // A limit that the user set must be reached, so that it does what it says.
    Marks { check, hold: limits.fold(OUTPUT_HELD_BYTES_MAX, usize::max) }
}

fn printable(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| if (b' '..=b'~').contains(&byte) { byte as char } else { '.' }).collect()
}

const PROTOCOL_DUMP_BYTES: usize = 128;
