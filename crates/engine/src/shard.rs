//! A shard: one stripe of the keyspace, all of it guarded by the stripe's lock.
//!
//! A shard holds its part of every database, the connections that watch its keys, and its part of every running
//! snapshot. A database's part is allocated at its first key, so that an empty server is small.

use crate::snapshot::Capture;
use crate::value::Value;
use base::hash::KeyHasher;
use ds::table::Table;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Names a table through SWAPDB and FLUSHALL: indexes move, identities don't.
pub type TableId = u64;

/// A shard's part of one database.
pub struct Db {
    pub id: TableId,
    pub table: Table<Value>,
}

/// The mark that a connection's watched keys changed; shared by the connection and the shards of its keys.
#[derive(Default)]
pub struct WatchMark(AtomicBool);

impl WatchMark {
    pub fn touch(&self) {
        self.0.store(true, Ordering::Release);
    }

    pub fn is_touched(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Somebody who watches a key.
struct Watcher {
    mark: Arc<WatchMark>,
    /// The key's time had passed when it was watched, and it is still there: to be removed is no change then.
    gone: bool,
}

/// What happens to a database's keys all at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Wholly {
    Goes,
    Came,
}

type Watchers = HashMap<Box<[u8]>, Vec<Watcher>>;

pub struct Shard {
    pub(crate) dbs: Vec<Option<Box<Db>>>,
    /// By database, then key.
    watched: Vec<Watchers>,
    watched_keys: usize,
    /// This shard's part of the running snapshots, by snapshot slot.
    pub(crate) captures: [Option<Box<Capture>>; crate::snapshot::SNAPSHOTS_MAX],
    pub(crate) captures_running: u32,
    /// Tables that left the keyspace while a snapshot still wants them.
    pub(crate) detached: Vec<Box<Db>>,
    /// Changes since the start, in Redis's sense (`rdb_changes_since_last_save`).
    pub dirty: u64,
    next_table: TableId,
    hasher: KeyHasher,
    shard_bits: u32,
}

impl Shard {
    pub(crate) fn new(databases: usize, hasher: KeyHasher, shard_bits: u32) -> Self {
        Self {
            dbs: (0..databases).map(|_| None).collect(),
            watched: Vec::new(),
            watched_keys: 0,
            captures: Default::default(),
            captures_running: 0,
            detached: Vec::new(),
            dirty: 0,
            next_table: 1,
            hasher,
            shard_bits,
        }
    }

    pub fn db(&self, db: u32) -> Option<&Db> {
        self.dbs[db as usize].as_deref()
    }

    pub(crate) fn db_mut(&mut self, db: u32) -> Option<&mut Db> {
        self.dbs[db as usize].as_deref_mut()
    }

    /// The database's part, allocated if this is its first key.
    pub(crate) fn db_or_new(&mut self, db: u32) -> &mut Db {
        let slot = &mut self.dbs[db as usize];
        slot.get_or_insert_with(|| {
            let id = self.next_table;
            self.next_table += 1;
            Box::new(Db { id, table: Table::new(self.hasher.clone(), self.shard_bits) })
        })
    }

    pub(crate) fn install(&mut self, db: u32, table: Table<Value>) {
        assert!(self.dbs[db as usize].is_none());
        self.dbs[db as usize] = Some(Box::new(Db { id: self.next_table, table }));
        self.next_table += 1;
    }

    pub(crate) fn table(&self, id: TableId) -> Option<&Db> {
        let live = self.dbs.iter().flatten().find(|db| db.id == id);
        live.or_else(|| self.detached.iter().find(|db| db.id == id)).map(|db| &**db)
    }

    /// Takes the database's table out, for the caller to free outside the locks; a table that a snapshot still
    /// wants stays here until the snapshot has passed it.
    pub(crate) fn detach(&mut self, db: u32) -> Option<Box<Db>> {
        let table = self.dbs[db as usize].take()?;
        if self.captures.iter().flatten().any(|capture| capture.wants(table.id)) {
            self.detached.push(table);
            return None;
        }
        Some(table)
    }

    /// Frees detached tables that no snapshot wants any more.
    pub(crate) fn release_detached(&mut self) -> Vec<Box<Db>> {
        let (keep, free) = std::mem::take(&mut self.detached)
            .into_iter()
            .partition(|db| self.captures.iter().flatten().any(|capture| capture.wants(db.id)));
        self.detached = keep;
        free
    }

    /// `gone`: the key is there, but its time has passed.
    pub(crate) fn watch(&mut self, db: u32, key: &[u8], mark: &Arc<WatchMark>, gone: bool) {
        if self.watched.len() <= db as usize {
            self.watched.resize_with(db as usize + 1, HashMap::new);
        }
        let marks = self.watched[db as usize].entry(key.into()).or_default();
        if !marks.iter().any(|watcher| Arc::ptr_eq(&watcher.mark, mark)) {
            marks.push(Watcher { mark: mark.clone(), gone });
            self.watched_keys += 1;
        }
    }

    pub(crate) fn unwatch(&mut self, db: u32, key: &[u8], mark: &Arc<WatchMark>) {
        let Some(watched) = self.watched.get_mut(db as usize) else { return };
        let Some(marks) = watched.get_mut(key) else { return };
        let before = marks.len();
        marks.retain(|watcher| !Arc::ptr_eq(&watcher.mark, mark));
        self.watched_keys -= before - marks.len();
        if marks.is_empty() {
            watched.remove(key);
        }
    }

    /// Marks everybody who watches `key` of `db`, after its change. For those to whom it was gone already, its removal
    /// is none.
    #[inline]
    pub(crate) fn touch_watchers(&mut self, db: u32, key: &[u8]) {
        if self.watched_keys == 0 {
            return;
        }
        let Some(watchers) = self.watched.get_mut(db as usize).and_then(|watched| watched.get_mut(key))
        else {
            return;
        };
        let hash = self.hasher.hash(key);
        let table = self.dbs.get(db as usize).and_then(Option::as_ref);
        let is_there = table.is_some_and(|db| db.table.get(hash, key).is_some());
        for watcher in watchers {
            if watcher.gone && !is_there {
                watcher.gone = false;
            } else {
                watcher.mark.touch();
            }
        }
    }

    /// Marks everybody who watches a key that `db` holds: before all of them go, and after others came. For those to
    /// whom a key was gone already, that it goes is no change; nor is it for anybody that a key comes whose time has
    /// passed.
    pub(crate) fn touch_watchers_of_all(&mut self, db: u32, change: Wholly, is_past: impl Fn(i64) -> bool) {
        if self.watched_keys == 0 {
            return;
        }
        let Some(table) = self.dbs.get(db as usize).and_then(Option::as_ref) else { return };
        for (key, watchers) in self.watched.get_mut(db as usize).into_iter().flatten() {
            let Some(entry) = table.table.get(self.hasher.hash(key), key) else { continue };
            let came_over = change == Wholly::Came && entry.expiry().is_some_and(&is_past);
            for watcher in watchers {
                if watcher.gone || came_over {
                    watcher.gone = came_over;
                } else {
                    watcher.mark.touch();
                }
            }
        }
    }
}
