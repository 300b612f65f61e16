//! A node: an engine, both machines of replication, and what a driver keeps between them.
//!
//! What survives a crash is `disk` (the last snapshot that was completed) and `target` (the configuration).

use super::loader::{Loader, Origins};
use super::net::Side;
use super::work::DATABASES;
use base::position::{Offset, ReplId};
use base::rng::Rng;
use ds::block::Cursor;
use engine::snapshot::{Options, Snapshot};
use engine::{Applier, Engine, Origin, Scratch, expire};
use replication::primary::{self, Primary, Role, SnapshotId, Target};
use replication::replica::{self, Link};
use replication::{ConnId, Facts, History};
use resp::Decoder;
use std::collections::BTreeMap;
use std::rc::Rc;

const SHARDS: u8 = 4;
/// Unix time at the start of the world.
const EPOCH_MS: i64 = 1_700_000_000_000;

/// A connection that somebody opened to us.
pub struct Peer {
    pub facts: Facts,
    pub decoder: Decoder,
    pub input: Vec<u8>,
    /// It asked for synchronization.
    pub is_replica: bool,
    pub closing: bool,
    pub out: Vec<u8>,
    pub payload: Option<Payload>,
    pub pinned: Option<Cursor>,
    /// The log on its way out, and the history that the replica was told.
    pub cursor: Option<Cursor>,
    pub told: Option<ReplId>,
}

/// A payload on its way: it may still grow.
#[derive(Default)]
pub struct Payload {
    pub bytes: Vec<u8>,
    pub at: usize,
    pub ended: bool,
}

/// A snapshot for replicas.
pub struct Job {
    pub snapshot: Snapshot,
    pub target: Target,
    pub replid: ReplId,
    pub cursor: Cursor,
    pub bytes: Vec<u8>,
    pub sent: u64,
    pub replicas: Vec<ConnId>,
}

pub struct Node {
    pub id: usize,
    pub up: bool,
    pub incarnation: u64,
    pub rng: Rng,
    pub skew_ms: i64,
    pub engine: Engine,
    pub scratch: Scratch,
    pub history: History,
    /// Up to where the checks have read our log.
    pub seen: Option<(ReplId, Offset)>,
    pub expiry: expire::Cursor,

    pub primary: Primary,
    pub primary_settings: Rc<primary::Settings>,
    pub peers: BTreeMap<u64, Peer>,
    pub jobs: BTreeMap<SnapshotId, Job>,
    pub files: BTreeMap<SnapshotId, Vec<u8>>,
    pub save: Option<(Snapshot, Vec<u8>)>,

    pub link: Link,
    pub link_settings: Rc<replica::Settings>,
    pub side: Option<Side>,
    /// Counts connections that were tried, so that an old one's news is known as such.
    pub attempt: u64,
    pub link_up: bool,
    pub applier: Option<Applier>,
    pub loader: Option<Loader>,

    pub target: Option<usize>,
    pub disk: Option<Vec<u8>>,
}

pub struct Made {
    pub primary_settings: primary::Settings,
    pub link_settings: replica::Settings,
    pub kept_bytes: u64,
}

impl Node {
    pub fn new(id: usize, mut rng: Rng, now_ms: i64, made: &Made) -> Self {
        let history = History::new(ReplId::from_seed(&mut rng));
        let mut seed = || Rng::new(rng.next_u64());
        let (primary, link, own) = (seed(), seed(), seed());
        let node = Self {
            id,
            up: true,
            incarnation: 0,
            skew_ms: rng.below(8000) as i64 - 4000,
            engine: Engine::new(SHARDS, DATABASES, rng.next_u64()),
            scratch: Scratch::new(rng.next_u64()),
            rng: own,
            history,
            seen: None,
            expiry: expire::Cursor::default(),
            primary: Primary::new(primary, now_ms),
            primary_settings: Rc::new(made.primary_settings.clone()),
            peers: BTreeMap::new(),
            jobs: BTreeMap::new(),
            files: BTreeMap::new(),
            save: None,
            link: Link::new(link, now_ms, false),
            link_settings: Rc::new(made.link_settings.clone()),
            side: None,
            attempt: 0,
            link_up: false,
            applier: None,
            loader: None,
            target: None,
            disk: None,
        };
        node.engine.log.set_kept_bytes(made.kept_bytes);
        node
    }

    /// The node after a crash: what it had in memory is gone.
    pub fn restarted(&mut self, now_ms: i64, made: &Made) -> Result<(), String> {
        let rng = Rng::new(self.rng.next_u64());
        let mut fresh = Self::new(self.id, rng, now_ms, made);
        fresh.incarnation = self.incarnation + 1;
        fresh.target = self.target;
        fresh.disk = self.disk.take();
        fresh.attempt = self.attempt + 1;
        *self = fresh;
        if let Some(rdb) = self.disk.take() {
            let mut loader = Loader::new(&self.engine);
            loader.feed(&self.engine, &rdb)?;
            loader.finish(&self.engine)?;
            self.disk = Some(rdb);
            self.restore(loader, now_ms);
        }
        Ok(())
    }

    /// Goes on where the file stands: a replica asks for what follows, a primary begins a history that continues it.
    fn restore(&mut self, loader: Loader, now_ms: i64) {
        let Loader { staging, origins, .. } = loader;
        let engine = &self.engine;
        let mut txn = engine.begin(&mut self.scratch, engine.all_locks(), 0, 0, Origin::Primary);
        staging.install(&mut txn);
        txn.commit();
        let Origins { id: Some(id), offset: Some(offset), db } = origins else { return };
        let new = ReplId::from_seed(&mut self.rng);
        let follows = self.target.is_some();
        self.history = if follows { History::adopted(id) } else { History::restarted(new, id, offset) };
        engine.log.set_end(offset);
        engine.log.activate();
        engine.log.set_db(db.filter(|_| follows));
        self.link = Link::new(Rng::new(self.rng.next_u64()), now_ms, true);
    }

    pub fn unix_ms(&self, now_ms: i64) -> i64 {
        EPOCH_MS + now_ms + self.skew_ms
    }

    pub fn is_primary(&self) -> bool {
        self.up && !self.engine.state().is_replica()
    }

    pub fn role(&self) -> Role {
        if self.is_primary() { Role::Primary } else { Role::Replica { link_up: self.link_up } }
    }

    /// Cuts a snapshot here. For replicas, a primary forgets the selected database, and the file needs not name it.
    pub fn cut(&mut self, reader: For) -> Option<Snapshot> {
        let engine = &self.engine;
        let is_replica = engine.state().is_replica();
        let aux = if engine.log.is_active() {
            vec![
                ("repl-stream-db", engine.log.db().unwrap_or(0).to_string()),
                ("repl-id", self.history.id.to_string()),
                ("repl-offset", engine.log.end().to_string()),
            ]
        } else {
            Vec::new()
        };
        let silent = reader == For::Replicas && !is_replica && self.rng.one_in(2);
        let aux: Vec<(&[u8], &[u8])> = aux
            .iter()
            .skip(usize::from(silent))
            .map(|(key, value)| (key.as_bytes(), value.as_bytes()))
            .collect();
        let mut txn = engine.begin(&mut self.scratch, engine.all_locks(), 0, 0, Origin::Client);
        let options = Options { compress: self.rng.one_in(2), checksum: self.rng.one_in(2), data: true };
        let snapshot = Snapshot::cut(&mut txn, options, &aux);
        if reader == For::Replicas && !is_replica {
            engine.log.forget_db();
        }
        txn.commit();
        snapshot
    }

    pub fn send(&mut self, conn: ConnId, bytes: &[u8]) {
        if let Some(peer) = self.peers.get_mut(&conn.0) {
            peer.out.extend_from_slice(bytes);
        }
    }
}

/// For whom a snapshot is cut.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum For {
    File,
    Replicas,
}

impl Peer {
    pub fn new() -> Self {
        Self {
            facts: Facts::default(),
            decoder: Decoder::new(),
            input: Vec::new(),
            is_replica: false,
            closing: false,
            out: Vec::new(),
            payload: None,
            pinned: None,
            cursor: None,
            told: None,
        }
    }
}
