//! Replication's threads: the feed of our replicas, and the link to our primary.
//!
//! Both are drivers of the state machines in the crate `replication`: they own the sockets, files and clocks, hand
//! events in and carry actions out. The machines stand in mutexes that are held for one step at a time and under
//! which nothing else is locked; so INFO reads them, and REPLICAOF steps the link itself, under all shards: when it
//! replies, the role is changed and no write of the old role follows.

mod feed;
mod info;
mod link;
mod payload;
mod transfer;

use crate::config::Config;
use crate::loading::Origins;
use crate::logger;
use crate::server::{HandedOver, Server};
use base::position::{Offset, ReplId};
use base::rng::Rng;
use engine::{Engine, Txn};
use parking_lot::Mutex;
use replication::primary::{self, Primary};
use replication::replica::{self, Action, By, DisklessLoad, Event, Link, State};
use replication::{History, Level};
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Bytes that replication moved, for INFO.
#[derive(Default)]
pub struct Stats {
    pub input_bytes: AtomicU64,
    pub output_bytes: AtomicU64,
}

impl Stats {
    fn reset(&self) {
        for count in [&self.input_bytes, &self.output_bytes] {
            count.store(0, Ordering::Relaxed);
        }
    }
}

pub struct Replication {
    pub stats: Stats,
    /// Changed under all shards, so that who holds a shard sees the history that the log's bytes are of.
    history: Mutex<History>,
    primary: Mutex<Primary>,
    link: Mutex<LinkCell>,
    rng: Mutex<Rng>,
    feed: OnceLock<feed::Sender>,
    link_mailbox: OnceLock<link::Sender>,
    /// The file that a full sync is received into.
    receiving: Mutex<Option<PathBuf>>,
}

/// What REPLICAOF found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Follows {
    Anew,
    /// It followed this primary already.
    Already,
}

/// The link's machine, and how often somebody else than its thread stepped it: each time its connection changes.
pub(crate) struct LinkCell {
    machine: Link,
    version: u64,
}

impl Replication {
    pub fn new(rng: &mut Rng) -> Self {
        let history = History::new(ReplId::from_seed(rng));
        let primary = Primary::new(Rng::new(rng.next_u64()), 0);
        let machine = Link::new(Rng::new(rng.next_u64()), 0, false);
        Self {
            stats: Stats::default(),
            history: Mutex::new(history),
            primary: Mutex::new(primary),
            link: Mutex::new(LinkCell { machine, version: 0 }),
            rng: Mutex::new(Rng::new(rng.next_u64())),
            feed: OnceLock::new(),
            link_mailbox: OnceLock::new(),
            receiving: Mutex::new(None),
        }
    }

    pub fn history(&self) -> History {
        *self.history.lock()
    }

    /// Starts the feed, and takes the role that the configuration names. The link is the caller's to start, once it
    /// has said that the server is ready.
    pub fn start(&self, server: &'static Server) -> Result<link::Starter, String> {
        let failed =
            |error: std::io::Error| format!("Can't start replication: {}", crate::sys::error_text(&error));
        let feed = feed::start(server).map_err(failed)?;
        let (mailbox, link) = link::prepare(server).map_err(failed)?;
        let _ = (self.feed.set(feed), self.link_mailbox.set(mailbox));
        let config = server.config();
        if let Some((host, port)) = &config.replicaof.0 {
            let mut scratch = engine::Scratch::new(server.random_seed());
            let mut txn = all_shards(server, &mut scratch);
            self.change_role(
                server,
                &mut txn,
                Event::ReplicaOf { host: host.clone(), port: *port, by: By::Config },
            );
        }
        Ok(link)
    }

    /// What the log wakes when it grows and a reader sleeps.
    pub fn wake(&self) {
        if let Some(feed) = self.feed.get() {
            feed.wake();
        }
    }

    /// CLIENT KILL: connections of ours may be among those that are marked.
    pub fn look_at_killed(&self) {
        self.wake();
        if let Some(link) = self.link_mailbox.get() {
            link.wake();
        }
    }

    /// Takes a connection that asked for synchronization.
    pub fn hand_over(&self, handed: HandedOver) {
        if let Some(feed) = self.feed.get() {
            feed.send(feed::Message::Attach(Box::new(handed)));
        }
    }

    /// Directives have changed.
    pub fn settings_changed(&self) {
        if let Some(feed) = self.feed.get() {
            feed.send(feed::Message::Changed);
        }
    }

    // ---- role

    pub fn is_replica(&self) -> bool {
        self.link.lock().machine.target().is_some()
    }

    /// The primary that we follow.
    pub fn primary_address(&self) -> Option<(String, u16)> {
        self.link.lock().machine.target().map(|(host, port)| (host.to_string(), port))
    }

    /// A replica that is not connected with its primary can't feed others.
    pub fn lacks_primary(&self) -> bool {
        let link = self.link.lock();
        link.machine.target().is_some() && link.machine.state() != State::Connected
    }

    /// REPLICAOF; the transaction holds every shard.
    pub fn follow(
        &self,
        server: &'static Server,
        txn: &mut Txn,
        host: String,
        port: u16,
        who: &str,
    ) -> Follows {
        let is_primary = |(at, old): (String, u16)| at.eq_ignore_ascii_case(&host) && old == port;
        // Between two tries to connect the same address is a new request: it lifts the guard against empty primaries.
        if self.link.lock().machine.state() != State::Connect
            && self.primary_address().is_some_and(is_primary)
        {
            return Follows::Already;
        }
        self.change_role(server, txn, Event::ReplicaOf { host, port, by: By::User(who.into()) });
        remember(server, &self.primary_address());
        Follows::Anew
    }

    /// REPLICAOF NO ONE; the transaction holds every shard.
    pub fn promote(&self, server: &'static Server, txn: &mut Txn, by: By) {
        if self.is_replica() {
            self.change_role(server, txn, Event::NoOne { by });
            remember(server, &None);
        }
    }

    fn change_role(&self, server: &'static Server, txn: &mut Txn, event: Event<'static>) {
        let config = server.config();
        let settings = link_settings(&config);
        let keys = (0..server.engine.databases()).map(|db| txn.db_len(db) as u64).sum();
        let history = self.history();
        let mut actions = Vec::new();
        let mut link = self.link.lock();
        link.machine.step(&link_view(server, &history, &settings, keys), event, &mut actions);
        link.version += 1;
        let rest = actions.into_iter().filter_map(|action| self.role_action(server, txn, action)).collect();
        if let Some(mailbox) = self.link_mailbox.get() {
            mailbox.send(link::Message::Do { version: link.version, actions: rest });
        }
        drop(link);
        logger::set_role(self.is_replica());
        self.settings_changed();
    }

    /// Carries out what belongs to the change of role; gives back what is the link thread's.
    fn role_action(
        &self,
        server: &'static Server,
        txn: &mut Txn,
        action: Action<'static>,
    ) -> Option<Action<'static>> {
        let engine = &server.engine;
        match action {
            Action::BecomeReplica => {
                if !engine.log.is_active() {
                    engine.log.activate();
                }
                engine.change_state_in(txn, |state| {
                    state.set_replica(true).set_link_down(true);
                });
                logger::set_role(true);
            }
            Action::BecomePrimary { history } => {
                *self.history.lock() = history;
                engine.log.forget_db();
                engine.change_state_in(txn, |state| {
                    state.set_replica(false).set_link_down(false);
                });
                logger::set_role(false);
            }
            Action::SetHistory(history) => *self.history.lock() = history,
            Action::LinkUp(up) => {
                engine.change_state_in(txn, |state| {
                    state.set_link_down(!up);
                });
            }
            Action::DropReplicas => self.drop_replicas(),
            Action::Log(level, text) => log(level, &text),
            other => return Some(other),
        }
        None
    }

    fn drop_replicas(&self) {
        if let Some(feed) = self.feed.get() {
            feed.send(feed::Message::DropReplicas);
        }
    }

    // ---- snapshots and files

    /// The process ends: half a file is of no use to anybody.
    pub fn remove_half_received(&self) {
        if let Some(path) = self.receiving.lock().take() {
            let _ = std::fs::remove_file(path);
        }
    }

    /// What an RDB says of its place in the history, at its cut: the transaction holds every shard.
    pub fn rdb_aux(&self, engine: &Engine) -> Vec<(&'static str, String)> {
        if !engine.log.is_active() {
            return Vec::new();
        }
        vec![
            ("repl-stream-db", engine.log.db().unwrap_or(0).to_string()),
            ("repl-id", self.history().id.to_string()),
            ("repl-offset", engine.log.end().to_string()),
        ]
    }

    /// Goes on where a loaded file says that its server was, as Redis 7 does: a replica asks its primary for what
    /// follows; a primary begins a new history that continues the old one up to here.
    pub fn restore(&self, server: &'static Server, origins: &Origins) {
        let (Some(id), Some(offset)) = (origins.repl_id, origins.repl_offset) else { return };
        let engine = &server.engine;
        let new = ReplId::from_seed(&mut self.rng.lock());
        let follows = server.config().replicaof.0.is_some();
        *self.history.lock() =
            if follows { History::adopted(id) } else { History::restarted(new, id, offset) };
        engine.log.set_end(offset);
        engine.log.activate();
        let db = origins.stream_db.filter(|&db| follows && db < engine.databases());
        engine.log.set_db(db);
        let rng = Rng::new(self.rng.lock().next_u64());
        self.link.lock().machine = Link::new(rng, server.clock.monotonic_ms(), true);
    }

    /// DEBUG CHANGE-REPL-ID.
    pub fn change_repl_id(&self, _server: &'static Server) {
        *self.history.lock() = History::new(ReplId::from_seed(&mut self.rng.lock()));
    }

    /// Before a shutdown, writes being paused: waits until the replicas have everything, at most so long.
    pub fn wait_for_replicas(&self, server: &'static Server, seconds: u64) {
        // PINGs may follow; what counts is what clients wrote.
        let end = server.engine.log.end();
        let online = |replica: &primary::ReplicaInfo| replica.state == primary::ReplicaState::Online;
        let lagging = || -> Vec<primary::ReplicaInfo> {
            let all = self.primary.lock().replicas(server.clock.monotonic_ms());
            all.into_iter().filter(|replica| online(replica) && replica.offset < end).collect()
        };
        if seconds == 0 || self.is_replica() || lagging().is_empty() {
            return;
        }
        let deadline = server.clock.monotonic_ms() + seconds as i64 * 1000;
        if let Some(feed) = self.feed.get() {
            feed.send(feed::Message::AckWanted);
        }
        while !lagging().is_empty() && server.clock.monotonic_ms() < deadline && server.shutdown.is_asked() {
            std::thread::sleep(WAIT_STEP);
        }
        for replica in lagging() {
            let text = format!(
                "Lagging replica {} reported offset {} behind master, lag={}, state=online.",
                replica.name,
                end.ahead_of(replica.offset),
                replica.lag_seconds
            );
            logger::log(logger::Level::Notice, &text);
        }
    }
}

/// Between two looks at the replicas' acknowledgements before a shutdown.
const WAIT_STEP: Duration = Duration::from_millis(5);

/// A transaction over every shard, of the server's own.
fn all_shards<'s>(server: &'static Server, scratch: &'s mut engine::Scratch) -> Txn<'s> {
    let engine = &server.engine;
    engine.begin(scratch, engine.all_locks(), server.clock.unix_ms(), 0, engine::Origin::Client)
}

/// Keeps `replicaof` of the configuration up to the role, for CONFIG GET and REWRITE.
fn remember(server: &Server, primary: &Option<(String, u16)>) {
    server.update_config(|config| config.replicaof.0 = primary.clone());
}

fn link_view<'a>(
    server: &Server,
    history: &'a History,
    settings: &'a replica::Settings,
    keys: u64,
) -> replica::View<'a> {
    replica::View {
        now_ms: server.clock.monotonic_ms(),
        log_end: server.engine.log.end(),
        log_fsynced: None,
        history,
        keys,
        settings,
    }
}

fn link_settings(config: &Config) -> replica::Settings {
    let announced = config.replica_announce_port;
    replica::Settings {
        user: config.masteruser.clone(),
        auth: config.masterauth.clone(),
        listening_port: if announced != 0 { announced as u16 } else { config.port as u16 },
        announce_ip: config.replica_announce_ip.clone(),
        version: String::new(), // Redis 7 says none, and logs a line where it is told one
        timeout_ms: config.repl_timeout * 1000,
        diskless_load: match config.repl_diskless_load.0 {
            "on-empty-db" => DisklessLoad::OnEmptyDb,
            "swapdb" => DisklessLoad::SwapDb,
            _ => DisklessLoad::Disabled,
        },
        refuse_empty_primary: config.replica_refuse_empty_primary,
    }
}

fn primary_settings(config: &Config) -> primary::Settings {
    primary::Settings {
        diskless: config.repl_diskless_sync,
        diskless_delay_ms: config.repl_diskless_sync_delay * 1000,
        diskless_replicas_max: config.repl_diskless_sync_max_replicas as usize,
        timeout_ms: config.repl_timeout * 1000,
        ping_period_ms: config.repl_ping_replica_period * 1000,
        backlog_ttl_ms: config.repl_backlog_ttl.saturating_mul(1000),
        replicas_min: config.min_replicas_to_write as usize,
        lag_ms_max: config.min_replicas_max_lag * 1000,
    }
}

fn log(level: Level, text: &str) {
    let level = match level {
        Level::Debug => logger::Level::Debug,
        Level::Verbose => logger::Level::Verbose,
        Level::Notice => logger::Level::Notice,
        Level::Warning => logger::Level::Warning,
    };
    logger::log(level, text);
}

/// Where the log ends, as the second offset of INFO counts.
fn add(counter: &AtomicU64, bytes: usize) {
    counter.fetch_add(bytes as u64, Ordering::Relaxed);
}

/// The offset before the oldest byte that is kept; `None` without a backlog.
fn log_start(engine: &Engine) -> Option<Offset> {
    engine.log.is_active().then(|| engine.log.start())
}
