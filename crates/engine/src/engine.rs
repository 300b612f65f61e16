//! The engine: the striped keyspace, the log, and the word that says what may run.
//!
//! Shards are chosen by the highest bits of a key's hash, so that hash order is shard order and a SCAN cursor is
//! one number over the whole keyspace. A command's shards are locked in ascending order before it runs; the
//! [`State`] word is read after that, so that whoever changes it (under all shards) knows that no write follows.

use crate::access::MeasureSetting;
use crate::functions::Functions;
use crate::log::Log;
use crate::row::{Locks, Meta};
use crate::shard::{Shard, WatchMark};
use crate::txn::{Origin, Scratch, Txn};
use crate::value::{ShapeSettings, Shapes, Value};
use base::hash::KeyHasher;
use base::position::Offset;
use ds::striped::{LockSet, Striped};
use ds::table::Table;
use resp::Args;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

pub const SHARDS: u8 = 64;
/// As many as a lock set has bits.
pub const SHARDS_MAX: u8 = 64;

pub struct Engine {
    shards: Striped<Shard>,
    /// The hash's highest bits choose the shard: `hash >> shard_shift`.
    shard_bits: u32,
    hasher: KeyHasher,
    pub log: Log,
    state: AtomicU64,
    role_epoch: AtomicU64,
    pub settings: Settings,
    pub functions: Functions,
    databases: u32,
}

/// Settings that data commands and background jobs read; changed at run time.
pub struct Settings {
    /// proto-max-bulk-len: no string grows beyond it.
    pub string_bytes_max: AtomicUsize,
    pub lazy_expire: AtomicBool,
    /// lazyfree-lazy-user-del: how GETDEL's deletion is logged.
    pub lazy_user_del: AtomicBool,
    /// lazyfree-lazy-server-del: how a deletion by RESTORE is logged.
    pub lazy_server_del: AtomicBool,
    /// rdbcompression, for DUMP.
    pub compress: AtomicBool,
    /// hll-sparse-max-bytes: a HyperLogLog that would get longer becomes dense.
    pub hll_sparse_bytes_max: AtomicUsize,
    /// When collections are one block and when they are large structures.
    pub shapes: ShapeSettings,
    /// By maxmemory-policy: what entries remember of their use.
    pub measure: MeasureSetting,
    /// locale-collate, for SORT ALPHA; none is C's own locale.
    collation: Mutex<Option<Collation>>,
}

/// Appends to `out` a text whose bytes sort as the first text does in some locale.
pub type Collation = fn(&[u8], &mut Vec<u8>);

impl Settings {
    pub fn collation(&self) -> Option<Collation> {
        *self.collation.lock().expect("nobody panics while it is held")
    }

    pub fn set_collation(&self, collation: Option<Collation>) {
        *self.collation.lock().expect("nobody panics while it is held") = collation;
    }

    pub fn lazy_expire(&self) -> bool {
        self.lazy_expire.load(Ordering::Relaxed)
    }

    pub fn lazy_user_del(&self) -> bool {
        self.lazy_user_del.load(Ordering::Relaxed)
    }

    pub fn lazy_server_del(&self) -> bool {
        self.lazy_server_del.load(Ordering::Relaxed)
    }

    pub fn hll_sparse_bytes_max(&self) -> usize {
        self.hll_sparse_bytes_max.load(Ordering::Relaxed)
    }

    pub fn string_bytes_max(&self) -> usize {
        self.string_bytes_max.load(Ordering::Relaxed)
    }
}

/// Role, pauses and refusals, with a count of their changes: one word, read under the locks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct State(u64);

impl State {
    const REPLICA: u64 = 1;
    const READ_ONLY: u64 = 2;
    const PAUSE_WRITES: u64 = 4;
    const PAUSE_ALL: u64 = 8;
    const LOADING: u64 = 16;
    const MISCONF: u64 = 32;
    const FEW_REPLICAS: u64 = 64;
    const LINK_DOWN: u64 = 128;
    const STALE_OK: u64 = 256;
    const CHANGES_SHIFT: u32 = 16;

    fn has(self, bit: u64) -> bool {
        self.0 & bit != 0
    }

    fn set(&mut self, bit: u64, on: bool) -> &mut Self {
        self.0 = if on { self.0 | bit } else { self.0 & !bit };
        self
    }

    pub fn is_replica(self) -> bool {
        self.has(Self::REPLICA)
    }

    pub fn set_replica(&mut self, on: bool) -> &mut Self {
        self.set(Self::REPLICA, on)
    }

    /// replica-read-only: clients' writes are refused while this is a replica.
    pub fn is_read_only(self) -> bool {
        self.has(Self::READ_ONLY)
    }

    pub fn set_read_only(&mut self, on: bool) -> &mut Self {
        self.set(Self::READ_ONLY, on)
    }

    pub fn writes_paused(self) -> bool {
        self.has(Self::PAUSE_WRITES) || self.has(Self::PAUSE_ALL)
    }

    pub fn all_paused(self) -> bool {
        self.has(Self::PAUSE_ALL)
    }

    pub fn expiry_paused(self) -> bool {
        self.writes_paused()
    }

    pub fn set_paused(&mut self, writes: bool, all: bool) -> &mut Self {
        self.set(Self::PAUSE_WRITES, writes).set(Self::PAUSE_ALL, all)
    }

    pub fn is_loading(self) -> bool {
        self.has(Self::LOADING)
    }

    pub fn set_loading(&mut self, on: bool) -> &mut Self {
        self.set(Self::LOADING, on)
    }

    /// Writes are refused because the last save failed.
    pub fn is_misconf(self) -> bool {
        self.has(Self::MISCONF)
    }

    pub fn set_misconf(&mut self, on: bool) -> &mut Self {
        self.set(Self::MISCONF, on)
    }

    /// Writes are refused because too few replicas are near (min-replicas-to-write).
    pub fn has_few_replicas(self) -> bool {
        self.has(Self::FEW_REPLICAS)
    }

    pub fn set_few_replicas(&mut self, on: bool) -> &mut Self {
        self.set(Self::FEW_REPLICAS, on)
    }

    /// A replica without its primary that may not serve stale data (MASTERDOWN).
    pub fn is_stale(self) -> bool {
        self.has(Self::REPLICA) && self.has(Self::LINK_DOWN) && !self.has(Self::STALE_OK)
    }

    pub fn set_link_down(&mut self, on: bool) -> &mut Self {
        self.set(Self::LINK_DOWN, on)
    }

    pub fn set_stale_ok(&mut self, on: bool) -> &mut Self {
        self.set(Self::STALE_OK, on)
    }
}

impl Engine {
    /// An empty keyspace. `shards` is a power of two, at most 64; `seed` keys the hash.
    pub fn new(shards: u8, databases: u32, seed: u64) -> Self {
        assert!(1 <= shards && shards <= SHARDS_MAX && shards.is_power_of_two());
        assert!(1 <= databases);
        let hasher = KeyHasher::new(seed);
        let shard_bits = shards.trailing_zeros();
        let new = || Shard::new(databases as usize, hasher.clone(), shard_bits);
        Self {
            shards: Striped::new(shards, new),
            shard_bits,
            hasher: hasher.clone(),
            log: Log::new(),
            state: AtomicU64::new(0),
            role_epoch: AtomicU64::new(0),
            settings: Settings {
                string_bytes_max: AtomicUsize::new(512 * 1024 * 1024),
                lazy_expire: AtomicBool::new(false),
                lazy_user_del: AtomicBool::new(false),
                lazy_server_del: AtomicBool::new(false),
                compress: AtomicBool::new(true),
                hll_sparse_bytes_max: AtomicUsize::new(3000),
                shapes: ShapeSettings::default(),
                measure: MeasureSetting::default(),
                collation: Mutex::new(None),
            },
            functions: Functions::default(),
            databases,
        }
    }

    pub fn databases(&self) -> u32 {
        self.databases
    }

    /// The limits of compact collections as they are now, and the hash for large ones.
    pub fn shapes(&self) -> Shapes {
        self.settings.shapes.now(self.hasher.clone())
    }

    pub fn shard_count(&self) -> u8 {
        1 << self.shard_bits
    }

    pub(crate) fn shards(&self) -> &Striped<Shard> {
        &self.shards
    }

    /// A table as the shards have them.
    pub(crate) fn new_table(&self) -> Table<Value> {
        Table::new(self.hasher.clone(), self.shard_bits)
    }

    #[inline]
    pub fn hash(&self, key: &[u8]) -> u64 {
        self.hasher.hash(key)
    }

    #[inline]
    pub fn shard_of(&self, hash: u64) -> u8 {
        // Two shifts, as one by 64 would be undefined for a single shard.
        ((hash >> 1) >> (63 - self.shard_bits)) as u8
    }

    #[inline]
    pub fn state(&self) -> State {
        State(self.state.load(Ordering::Acquire))
    }

    /// Changes the state under all shards: no command that saw the old state runs on after this returns.
    pub fn change_state(&self, change: impl FnOnce(&mut State)) -> State {
        let _all = self.shards.lock(LockSet::ALL);
        self.change_state_held(change)
    }

    /// As [`Engine::change_state`], by a command that holds every shard itself.
    pub fn change_state_in(&self, txn: &Txn, change: impl FnOnce(&mut State)) -> State {
        assert!(txn.locks().0.count_ones() == u32::from(self.shard_count()));
        self.change_state_held(change)
    }

    fn change_state_held(&self, change: impl FnOnce(&mut State)) -> State {
        let mut state = self.state();
        let before = state;
        change(&mut state);
        if state != before {
            state.0 += 1 << State::CHANGES_SHIFT;
            if state.is_replica() != before.is_replica() {
                self.role_epoch.fetch_add(1, Ordering::AcqRel);
            }
            self.state.store(state.0, Ordering::Release);
        }
        state
    }

    /// How often this became a replica or a primary. Read under a shard's lock it can't change: what a primary
    /// sent is applied only in the epoch that it was asked for in.
    pub fn role_epoch(&self) -> u64 {
        self.role_epoch.load(Ordering::Acquire)
    }

    /// Appends a command that has no database, as a primary does: PING, REPLCONF GETACK. `None` if this is a
    /// replica, whose log takes its primary's bytes alone, or if nobody reads the log.
    pub fn append_own(&self, command: &[u8]) -> Option<Offset> {
        let _held = self.shards.lock_one(0);
        let appends = !self.state().is_replica() && self.log.is_active();
        appends.then(|| self.log.append_bytes(command))
    }

    /// The shards that a command needs. Remembers the first key's hash for the lookups that follow.
    #[inline]
    pub fn locks_of(&self, meta: &Meta, args: Args, scratch: &Scratch) -> LockSet {
        match meta.locks {
            Locks::None => LockSet::EMPTY,
            Locks::All => self.all_locks(),
            Locks::KeysOrAll(needs_all) if needs_all(args) => self.all_locks(),
            Locks::FromCursor => match args.get(1).and_then(crate::commands::parse_cursor) {
                Some(cursor) => {
                    LockSet(self.all_locks().0 & (!0 << self.shard_of(crate::commands::cursor_hash(cursor))))
                }
                None => LockSet::EMPTY,
            },
            Locks::Keys | Locks::KeysOrAll(_) => {
                if let Some(at) = meta.only_key() {
                    let Some(key) = args.get(at) else { return LockSet::EMPTY };
                    let hash = scratch.hash(self, key);
                    scratch.remember_key(key, hash);
                    return LockSet::one(self.shard_of(hash));
                }
                let meta = meta.of_request(args);
                let mut set = LockSet::EMPTY;
                meta.each_key(args, |i| {
                    let hash = scratch.hash(self, args.at(i));
                    if set.is_empty() {
                        scratch.remember_key(args.at(i), hash);
                    }
                    set = set.with(self.shard_of(hash));
                });
                set
            }
        }
    }

    pub fn all_locks(&self) -> LockSet {
        LockSet(!0 >> (64 - u32::from(self.shard_count())))
    }

    /// Keys in all databases, due ones included; shard by shard, so writes may slip in between.
    pub fn keys(&self) -> u64 {
        let keys_of = |shard: &Shard| shard.dbs.iter().flatten().map(|db| db.table.len() as u64).sum::<u64>();
        (0..self.shard_count()).map(|i| keys_of(self.shards.lock_one(i).get(i))).sum()
    }

    /// Changes since the start, in Redis's sense.
    pub fn dirty(&self) -> u64 {
        (0..self.shard_count()).map(|i| self.shards.lock_one(i).get(i).dirty).sum()
    }

    /// The shard of one key, as a lock set.
    pub fn lock_of(&self, key: &[u8]) -> LockSet {
        LockSet::one(self.shard_of(self.hash(key)))
    }

    /// Locks `locks` in ascending order and opens a transaction.
    #[inline]
    pub fn begin<'e>(
        &'e self,
        scratch: &'e mut Scratch,
        locks: LockSet,
        now_ms: i64,
        db: u32,
        origin: Origin,
    ) -> Txn<'e> {
        let held = self.shards.lock(locks);
        Txn::new(self, held, scratch, now_ms, db, origin)
    }

    /// As [`Engine::begin`], but gives up where it would wait and `give_up` says so: a script holds every shard and
    /// takes its time.
    #[inline]
    pub fn begin_unless<'e>(
        &'e self,
        scratch: &'e mut Scratch,
        locks: LockSet,
        now_ms: i64,
        db: u32,
        give_up: &AtomicBool,
    ) -> Option<Txn<'e>> {
        let held = self.shards.lock_unless(locks, give_up)?;
        Some(Txn::new(self, held, scratch, now_ms, db, Origin::Client))
    }

    /// Forgets that `mark` watches the key. False if it gave up waiting, see [`Engine::begin_unless`].
    pub fn unwatch_unless(&self, db: u32, key: &[u8], mark: &Arc<WatchMark>, give_up: &AtomicBool) -> bool {
        let shard = self.shard_of(self.hash(key));
        let held = self.shards.lock_unless(LockSet::one(shard), give_up);
        held.map(|mut held| held.get_mut(shard).unwatch(db, key, mark)).is_some()
    }

    /// Brings the key's table slot near before its command runs.
    #[inline]
    pub fn prefetch(&self, db: u32, hash: u64, stage: Stage) {
        // It only saves time: who would have to wait for it does without.
        let Some(held) = self.shards.try_lock_one(self.shard_of(hash)) else { return };
        if let Some(db) = held.get(self.shard_of(hash)).db(db) {
            match stage {
                Stage::Slot => db.table.prefetch_slot(hash),
                Stage::Entry => db.table.prefetch_entry(hash),
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    Slot,
    Entry,
}
