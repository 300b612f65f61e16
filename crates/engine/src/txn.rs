//! A transaction: the only way to read or change the keyspace.
//!
//! lock → run → log → gate. A `Txn` holds the shards that its command's keys need, runs one or more rows inside
//! them, collects their effects as canonical commands, and at [`Txn::commit`] appends these to the log before it
//! unlocks. What a handler may do is what the methods here allow:
//!
//! * read: [`Txn::read`] (counts a hit or miss, touches the access time), [`Txn::get`] (does neither);
//! * change: [`Txn::put`], [`Txn::get_mut`], [`Txn::remove`], [`Txn::set_expiry`] … Each hands the entry's
//!   pre-image to running snapshots first, and treats a key whose time has passed as gone;
//! * say so: [`Txn::changed`] once per changed key; the request's own bytes are the effect, unless
//!   [`Txn::effect`] replaced them.
//!
//! A key whose time has passed is never seen by a client's command. On a primary it is deleted, and the deletion
//! logged, by the command that met it; on a replica it only looks gone: its primary says when to delete it.

mod fields;

use crate::access::{self, Measure, Used};
use crate::engine::{Engine, State};
use crate::error::Done;
use crate::events::Event;
use crate::log::Effects;
use crate::row::Row;
use crate::shard::{Db, Shard, WatchMark, Wholly};
use crate::value::{self, Horizon, Str, TAG_RAW, Value};
use base::position::Offset;
use base::rng::Rng;
use ds::entry::{Entry, EntryRef, NewPayload, Payload};
use ds::striped::{Held, LockSet};
use ds::table::{EntryMut, Table, Upsert};
use resp::{Args, Reply};
use std::cell::{Cell, RefCell};
use std::ops::RangeInclusive;
use std::sync::Arc;

/// Who runs the command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    Client,
    /// The primary's stream: applied as it is, by nobody's clock.
    Primary,
}

/// What a write does to the key's expiry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ttl {
    Keep,
    Clear,
    /// Unix time in ms.
    At(i64),
}

/// A worker's reusable buffers, so that a command allocates nothing.
pub struct Scratch {
    pub(crate) effects: Effects,
    /// Keys that reads met after their time, to be deleted at the end of the command.
    expired: RefCell<Vec<(u32, Box<[u8]>)>>,
    hint: Cell<Hint>,
    counts: Counts,
    /// Tables and large values to be freed outside the locks, by a thread that may take its time.
    pub trash: Vec<Trash>,
    pub rng: Rng,
    /// Chance for the counts of use, which readers raise.
    use_rng: RefCell<Rng>,
    /// The address of the entry that this command touched last, where that is counted: it counts once.
    touched: Cell<usize>,
}

/// What left the keyspace and is costly to free.
pub enum Trash {
    Db(Box<Db>),
    Entry(Entry<Value>),
    Value(Value),
}

impl Trash {
    /// How many objects go with it, as INFO counts them: keys of a table, or the one value.
    pub fn objects(&self) -> u64 {
        match self {
            Self::Db(db) => db.table.len() as u64,
            Self::Entry(_) | Self::Value(_) => 1,
        }
    }
}

/// What the transactions of one worker counted since [`Scratch::take_counts`].
#[derive(Default, Clone)]
pub struct Counts {
    pub hits: Cell<u64>,
    pub misses: Cell<u64>,
    pub expired: Cell<u64>,
    /// Fields of hashes that were deleted because their time had passed.
    pub expired_fields: Cell<u64>,
}

/// The hash of the argument that a command looks at, by the address of its bytes.
#[derive(Default, Clone, Copy)]
struct Hint {
    at: usize,
    len: usize,
    hash: u64,
}

impl Scratch {
    pub fn new(seed: u64) -> Self {
        Self {
            effects: Effects::default(),
            expired: RefCell::default(),
            hint: Cell::default(),
            counts: Counts::default(),
            trash: Vec::new(),
            rng: Rng::new(seed),
            use_rng: RefCell::new(Rng::new(!seed)),
            touched: Cell::new(0),
        }
    }

    pub fn take_counts(&mut self) -> Counts {
        std::mem::take(&mut self.counts)
    }

    #[inline]
    pub(crate) fn hash(&self, engine: &Engine, key: &[u8]) -> u64 {
        let hint = self.hint.get();
        if hint.at == key.as_ptr() as usize && hint.len == key.len() {
            return hint.hash;
        }
        engine.hash(key)
    }

    /// The hash of a key that is about to be looked at. The key must be an argument of a request: it is known again
    /// by its place in memory, where no other key may come to lie before [`Scratch::forget_key`].
    #[inline]
    pub fn remember_key(&self, key: &[u8], hash: u64) {
        self.hint.set(Hint { at: key.as_ptr() as usize, len: key.len(), hash });
    }

    /// Forgets the remembered key: its buffer is about to be reused.
    #[inline]
    pub fn forget_key(&self) {
        self.hint.set(Hint::default());
    }

    /// The count of use of an entry that gets another value: it is kept, and raised unless the command looked at the
    /// entry before.
    #[cold]
    fn count_overwriting(&self, entry: EntryRef<Value>, measure: Measure, now_ms: i64, touches: bool) -> u32 {
        if !touches || self.touched.get() == entry.address() {
            return entry.access();
        }
        measure.used_again(entry.access(), now_ms, &mut self.use_rng.borrow_mut())
    }
}

pub struct Txn<'e> {
    engine: &'e Engine,
    held: Held<'e, Shard>,
    scratch: &'e mut Scratch,
    pub now_ms: i64,
    /// The selected database.
    pub db: u32,
    origin: Origin,
    state: State,
    measure: Measure,
    logging: bool,
    touches: bool,
    /// Of the command that runs now.
    changed: bool,
    replaced: bool,
}

impl<'e> Txn<'e> {
    pub(crate) fn new(
        engine: &'e Engine,
        held: Held<'e, Shard>,
        scratch: &'e mut Scratch,
        now_ms: i64,
        db: u32,
        origin: Origin,
    ) -> Self {
        let state = engine.state();
        // A replica's log takes the primary's bytes alone: what else it changes is local.
        let logging = origin == Origin::Client && !state.is_replica() && engine.log.is_active();
        Self {
            engine,
            held,
            scratch,
            now_ms,
            db,
            origin,
            state,
            measure: engine.settings.measure.get(),
            logging,
            touches: true,
            changed: false,
            replaced: false,
        }
    }

    pub fn engine(&self) -> &'e Engine {
        self.engine
    }

    /// Role, pauses and refusals as they are while the locks are held.
    pub fn state(&self) -> State {
        self.state
    }

    pub fn origin(&self) -> Origin {
        self.origin
    }

    pub fn locks(&self) -> LockSet {
        self.held.set()
    }

    pub fn rng(&mut self) -> &mut Rng {
        &mut self.scratch.rng
    }

    /// Whether the command's effects go to the log.
    pub fn is_logging(&self) -> bool {
        self.logging
    }

    /// Whether what commands change from here on goes to the log, if there is one that takes it: a script may say no.
    pub fn set_logs(&mut self, on: bool) {
        self.logging = on && self.may_log();
    }

    fn may_log(&self) -> bool {
        self.origin == Origin::Client && !self.state.is_replica() && self.engine.log.is_active()
    }

    // ---- reading

    /// The key's entry for a command that reads: counts a hit or a miss and touches the access time.
    #[inline]
    pub fn read(&self, key: &[u8]) -> Option<EntryRef<'_, Value>> {
        let entry = self.get(key);
        let counts = &self.scratch.counts;
        match entry {
            Some(entry) => {
                counts.hits.set(counts.hits.get() + 1);
                self.touch(entry);
            }
            None => counts.misses.set(counts.misses.get() + 1),
        }
        entry
    }

    /// As [`Txn::read`], without touching: for commands that look at a key, not at its value.
    pub fn peek(&self, key: &[u8]) -> Option<EntryRef<'_, Value>> {
        let entry = self.get(key);
        let counts = &self.scratch.counts;
        let count = if entry.is_some() { &counts.hits } else { &counts.misses };
        count.set(count.get() + 1);
        entry
    }

    /// Leaves access times alone from here on, or no longer: CLIENT NO-TOUCH.
    #[inline]
    pub fn set_touches(&mut self, on: bool) {
        self.touches = on;
    }

    /// Remembers that the entry is used now.
    #[inline]
    pub fn touch(&self, entry: EntryRef<Value>) {
        if !self.touches {
            return;
        }
        if self.measure.is_frequency() {
            return self.count_use(entry);
        }
        let clock = access::seconds(self.now_ms);
        if entry.access() != clock {
            entry.set_access(clock);
        }
    }

    #[cold]
    fn count_use(&self, entry: EntryRef<Value>) {
        if self.scratch.touched.get() == entry.address() {
            return;
        }
        let mut rng = self.scratch.use_rng.borrow_mut();
        entry.set_access(self.measure.used_again(entry.access(), self.now_ms, &mut rng));
        self.scratch.touched.set(entry.address());
    }

    /// How entries' use is measured.
    pub fn measure(&self) -> Measure {
        self.measure
    }

    /// Seconds since the entry was used; its clock has 24 bits and turns over.
    pub fn idle_seconds(&self, entry: EntryRef<Value>) -> u32 {
        access::idle_seconds(entry.access(), self.now_ms)
    }

    /// Makes a key that is there look as used as is said, if that is said in the present measure: RESTORE.
    pub fn set_used(&mut self, key: &[u8], used: Used) {
        if let Some(access) = self.measure.of_told(used, self.now_ms)
            && let Some(entry) = self.get(key)
        {
            entry.set_access(access);
        }
    }

    /// Gives a key that is there the memory of its use that its value had elsewhere: RENAME, MOVE.
    pub(crate) fn set_access_in(&mut self, db: u32, key: &[u8], access: u32) {
        if let Some(entry) = self.get_in(db, key) {
            entry.set_access(access);
        }
    }

    /// As [`Txn::read`], without counting or touching.
    #[inline]
    pub fn get(&self, key: &[u8]) -> Option<EntryRef<'_, Value>> {
        self.get_in(self.db, key)
    }

    #[inline]
    pub fn get_in(&self, db: u32, key: &[u8]) -> Option<EntryRef<'_, Value>> {
        let hash = self.scratch.hash(self.engine, key);
        let entry = self.held.get(self.engine.shard_of(hash)).db(db)?.table.get(hash, key)?;
        if let Some(at) = entry.expiry()
            && self.is_past(at)
        {
            if self.may_expire() {
                self.scratch.expired.borrow_mut().push((db, key.into()));
            }
            return None;
        }
        Some(entry)
    }

    /// The string at `key` for a command that reads.
    #[inline]
    pub fn read_str(&self, key: &[u8]) -> Result<Option<Str<'_>>, crate::Error> {
        self.read(key).map(|entry| value::as_str(entry.payload())).transpose()
    }

    /// The key's entry for a command that writes: touches, and counts nothing.
    #[inline]
    pub fn write(&self, key: &[u8]) -> Option<EntryRef<'_, Value>> {
        let entry = self.get(key)?;
        self.touch(entry);
        Some(entry)
    }

    /// The string at `key` for a command that writes.
    #[inline]
    pub fn write_str(&self, key: &[u8]) -> Result<Option<Str<'_>>, crate::Error> {
        self.write(key).map(|entry| value::as_str(entry.payload())).transpose()
    }

    pub fn exists(&self, key: &[u8]) -> bool {
        self.get(key).is_some()
    }

    /// Keys in `db`, due ones included; needs every shard.
    pub fn db_len(&self, db: u32) -> usize {
        self.each_shard().filter_map(|shard| shard.db(db)).map(|db| db.table.len()).sum()
    }

    /// The shards that the transaction holds, in ascending order.
    pub fn each_shard(&self) -> impl Iterator<Item = &Shard> {
        self.held.set().iter().map(|i| self.held.get(i))
    }

    /// The shard with number `i`, which must be held.
    pub fn shard(&self, i: u8) -> &Shard {
        self.held.get(i)
    }

    /// Whether `expiry` (Unix ms) counts as passed for this transaction.
    #[inline]
    pub fn is_past(&self, expiry: i64) -> bool {
        expiry < self.now_ms && self.origin == Origin::Client
    }

    /// Whether a command that sets `expiry` deletes the key at once, as its time is over; a replica waits for its
    /// primary's word.
    pub fn is_over(&self, expiry: i64) -> bool {
        expiry <= self.now_ms && self.origin == Origin::Client && !self.state.is_replica()
    }

    /// An entry of `db` by chance, each with the same probability, due ones included; needs every shard.
    pub fn random(&mut self, db: u32) -> Option<EntryRef<'_, Value>> {
        let len = self.db_len(db) as u64;
        if len == 0 {
            return None;
        }
        let mut nth = self.scratch.rng.below(len) as usize;
        let tables = self.held.set().iter().filter_map(|i| self.held.get(i).db(db));
        for part in tables {
            if nth < part.table.len() {
                return part.table.random(&mut self.scratch.rng);
            }
            nth -= part.table.len();
        }
        unreachable!("the shards hold as many keys as were counted")
    }

    /// Which fields of hashes count as gone for this transaction.
    #[inline]
    pub fn horizon(&self) -> Horizon {
        match self.origin {
            Origin::Client => Horizon::at(self.now_ms),
            Origin::Primary => Horizon::NONE,
        }
    }

    /// [`Txn::is_past`], for while the shards are changed.
    fn past(&self) -> impl Fn(i64) -> bool + Copy + use<> {
        let (now_ms, of_client) = (self.now_ms, self.origin == Origin::Client);
        move |expiry| expiry < now_ms && of_client
    }

    /// Whether this transaction may delete a key because its time has passed.
    fn may_expire(&self) -> bool {
        self.origin == Origin::Client && !self.state.is_replica() && !self.state.expiry_paused()
    }

    // ---- changing

    /// Makes the key hold `payload`, whatever was there.
    pub fn put(&mut self, key: &[u8], payload: NewPayload<Value>, ttl: Ttl) {
        self.put_in(self.db, key, payload, ttl, 0);
    }

    pub fn put_in(&mut self, db: u32, key: &[u8], payload: NewPayload<Value>, ttl: Ttl, tag: u8) {
        let hash = self.scratch.hash(self.engine, key);
        let access = self.measure.new_entry(self.now_ms);
        self.hand_over(db, hash, key);
        let (now, by_clock) = (self.now_ms, self.origin == Origin::Client);
        let shard = self.held.get_mut(self.engine.shard_of(hash));
        let table = &mut shard.db_or_new(db).table;
        let old_expiry = if let Some(mut entry) = table.get_mut(hash, key) {
            let access = match self.measure.is_frequency() {
                true => self.scratch.count_overwriting(entry.borrow(), self.measure, now, self.touches),
                false => access,
            };
            let old = entry.borrow().expiry();
            let expiry = match ttl {
                Ttl::At(at) => Some(at),
                Ttl::Clear => None,
                // A key whose time has passed is gone, and its expiry with it.
                Ttl::Keep => old.filter(|at| !(by_clock && *at < now)),
            };
            if let Some(value) = entry.boxed_mut()
                && value.is_large()
            {
                let nothing = Value::Bytes(Arc::default());
                self.scratch.trash.push(Trash::Value(std::mem::replace(value, nothing)));
            }
            entry.replace(payload, expiry, tag, access);
            old
        } else {
            let expiry = if let Ttl::At(at) = ttl { Some(at) } else { None };
            let upsert = table.upsert(hash, key, payload, expiry, tag, access);
            debug_assert!(upsert == Upsert::Inserted);
            None
        };
        if let Some(at) = old_expiry
            && self.is_past(at)
        {
            self.log_expired(db, key);
        }
    }

    /// Makes the key hold a string: short ones and integers inside the entry, longer ones behind it.
    #[inline]
    pub fn put_str(&mut self, key: &[u8], bytes: &[u8], ttl: Ttl) {
        if let Some(n) = value::as_int(bytes) {
            self.put(key, NewPayload::Int(n), ttl);
        } else {
            self.put(key, value::new_bytes(bytes), ttl);
        }
    }

    /// Changes the string at `key` (empty if there is none) as bytes, in place where it can be; the encoding
    /// becomes "raw" and the expiry stays. The caller has checked the type.
    pub fn edit_str<R>(&mut self, key: &[u8], edit: impl FnOnce(&mut Vec<u8>) -> R) -> R {
        self.expire_if_due(self.db, key);
        let hash = self.scratch.hash(self.engine, key);
        self.hand_over(self.db, hash, key);
        let db = self.db;
        let shard = self.held.get_mut(self.engine.shard_of(hash));
        let table = &mut shard.db_or_new(db).table;
        if let Some(mut entry) = table.get_mut(hash, key)
            && let Some(Value::Bytes(bytes)) = entry.boxed_mut()
        {
            return edit(Arc::make_mut(bytes));
        }
        let mut bytes = match table.get(hash, key).map(|entry| value::as_str(entry.payload())) {
            Some(Ok(text)) => text.to_vec(),
            _ => Vec::new(),
        };
        let result = edit(&mut bytes);
        self.put_edited(key, bytes);
        result
    }

    /// Makes the key hold what its string became; the encoding is "raw" and the expiry stays.
    pub fn put_edited(&mut self, key: &[u8], mut bytes: Vec<u8>) {
        let payload = if bytes.len() <= ds::entry::INLINE_BYTES_MAX {
            NewPayload::Bytes(&bytes)
        } else {
            bytes.reserve_exact(bytes.len().min(1024 * 1024)); // room to grow, as it was just edited
            NewPayload::Boxed(Value::Bytes(Arc::new(std::mem::take(&mut bytes))))
        };
        self.put_in(self.db, key, payload, Ttl::Keep, TAG_RAW);
    }

    /// Takes the bytes out of a string that is about to be overwritten, if they lie behind the entry, are no
    /// snapshot's, and have such a capacity. The string is empty until the caller puts another one there.
    pub fn take_bytes(&mut self, key: &[u8], capacity: RangeInclusive<usize>) -> Option<Vec<u8>> {
        let mut entry = self.get_mut(key)?;
        match entry.boxed_mut() {
            Some(Value::Bytes(bytes)) if capacity.contains(&bytes.capacity()) => {
                Some(std::mem::take(Arc::get_mut(bytes)?))
            }
            _ => None,
        }
    }

    /// The entry, to be changed; `None` if there is none.
    pub fn get_mut(&mut self, key: &[u8]) -> Option<EntryMut<'_, Value>> {
        self.expire_if_due(self.db, key);
        let hash = self.scratch.hash(self.engine, key);
        self.hand_over(self.db, hash, key);
        let db = self.db;
        self.held.get_mut(self.engine.shard_of(hash)).db_mut(db)?.table.get_mut(hash, key)
    }

    /// As [`Txn::get_mut`] for a command that writes: touches the access time.
    pub fn write_mut(&mut self, key: &[u8]) -> Option<EntryMut<'_, Value>> {
        if self.measure.is_frequency() {
            if let Some(entry) = self.get(key) {
                self.touch(entry);
            }
            return self.get_mut(key);
        }
        let clock = self.touches.then(|| access::seconds(self.now_ms));
        let entry = self.get_mut(key)?;
        if let Some(clock) = clock {
            entry.borrow().set_access(clock);
        }
        Some(entry)
    }

    /// Takes the key out of the keyspace.
    pub fn remove(&mut self, key: &[u8]) -> Option<Entry<Value>> {
        self.remove_in(self.db, key)
    }

    pub fn remove_in(&mut self, db: u32, key: &[u8]) -> Option<Entry<Value>> {
        if self.expire_if_due(db, key) {
            return None;
        }
        let hash = self.scratch.hash(self.engine, key);
        self.hand_over(db, hash, key);
        self.held.get_mut(self.engine.shard_of(hash)).db_mut(db)?.table.remove(hash, key)
    }

    /// Frees an entry that left the keyspace: at once, or as trash if that may take time.
    pub fn discard(&mut self, entry: Entry<Value>) {
        if let Payload::Boxed(value) = entry.payload()
            && value.is_large()
        {
            self.scratch.trash.push(Trash::Entry(entry));
        }
    }

    /// Sets or clears the key's expiry; false if there is no such key.
    pub fn set_expiry(&mut self, key: &[u8], expiry: Option<i64>) -> bool {
        match self.get_mut(key) {
            Some(mut entry) => {
                entry.set_expiry(expiry);
                true
            }
            None => false,
        }
    }

    /// Empties `db`; needs every shard. The number of keys that were there.
    pub fn flush(&mut self, db: u32) -> usize {
        let is_past = self.past();
        let mut removed = 0;
        for i in self.held.set().iter() {
            let shard = self.held.get_mut(i);
            shard.touch_watchers_of_all(db, Wholly::Goes, is_past);
            if let Some(table) = &shard.dbs[db as usize] {
                removed += table.table.len();
                shard.dirty += table.table.len() as u64;
            }
            self.scratch.trash.extend(shard.detach(db).map(Trash::Db));
        }
        removed
    }

    /// Exchanges two databases; needs every shard.
    pub fn swap(&mut self, a: u32, b: u32) {
        let is_past = self.past();
        for i in self.held.set().iter() {
            let shard = self.held.get_mut(i);
            shard.touch_watchers_of_all(a, Wholly::Goes, is_past);
            shard.touch_watchers_of_all(b, Wholly::Goes, is_past);
            shard.dbs.swap(a as usize, b as usize);
            // Keys that exist only now count as changed too.
            shard.touch_watchers_of_all(a, Wholly::Came, is_past);
            shard.touch_watchers_of_all(b, Wholly::Came, is_past);
        }
    }

    /// Puts a loaded table in place; the shard has none for that database.
    pub(crate) fn install(&mut self, shard: u8, db: u32, table: Table<Value>) {
        let is_past = self.past();
        let shard = self.held.get_mut(shard);
        shard.install(db, table);
        shard.touch_watchers_of_all(db, Wholly::Came, is_past);
    }

    // ---- saying what happened

    /// The one exit of a change to `key`: watchers, counters, notifications; the request itself becomes the
    /// effect unless [`Txn::effect`] says otherwise.
    #[inline]
    pub fn changed(&mut self, key: &[u8], event: Event) {
        self.changed_in(self.db, key, event);
    }

    /// As [`Txn::changed`] for a change that counts as `count` changes, one at least.
    pub fn changed_times(&mut self, key: &[u8], event: Event, count: usize) {
        self.changed(key, event);
        let hash = self.scratch.hash(self.engine, key);
        self.held.get_mut(self.engine.shard_of(hash)).dirty += count.saturating_sub(1) as u64;
    }

    #[inline]
    pub fn changed_in(&mut self, db: u32, key: &[u8], _event: Event) {
        let hash = self.scratch.hash(self.engine, key);
        let shard = self.held.get_mut(self.engine.shard_of(hash));
        shard.touch_watchers(db, key);
        shard.dirty += 1;
        self.changed = true;
    }

    /// As [`Txn::changed`] for a change that is no event: only watchers and the log hear of it.
    pub fn changed_quietly(&mut self, key: &[u8]) {
        let hash = self.scratch.hash(self.engine, key);
        let shard = self.held.get_mut(self.engine.shard_of(hash));
        shard.touch_watchers(self.db, key);
        shard.dirty += 1;
        self.changed = true;
    }

    /// As [`Txn::changed_in`] for a further key of a change that is counted already: RENAME, MOVE.
    pub fn also_changed_in(&mut self, db: u32, key: &[u8], _event: Event) {
        let hash = self.scratch.hash(self.engine, key);
        self.held.get_mut(self.engine.shard_of(hash)).touch_watchers(db, key);
        self.changed = true;
    }

    /// A further event of a change that was told with [`Txn::changed`]: "expire" after "set".
    #[inline]
    pub fn also_happened(&mut self, _key: &[u8], _event: Event) {}

    /// A change that is no key's: FLUSHALL, SWAPDB. It counts as `count` changes.
    pub fn changed_all(&mut self, count: u64) {
        if let Some(first) = self.held.set().iter().next() {
            self.held.get_mut(first).dirty += count;
        }
        self.changed = true;
    }

    /// What is logged instead of the request's own bytes; several calls log several commands.
    pub fn effect(&mut self, argv: &[&[u8]]) {
        self.replaced = true;
        if self.logging {
            self.scratch.effects.push_command(self.db, argv);
        }
    }

    /// As [`Txn::effect`]: nothing is logged for this command.
    pub fn no_effect(&mut self) {
        self.replaced = true;
    }

    // ---- running

    /// Runs a row inside the locks that are held: what EXEC, scripts and the stream of a primary do too. On an
    /// error the reply is rewound to where the command began; the caller writes the error line.
    #[inline]
    pub fn call(&mut self, row: &Row, args: Args, reply: &mut Reply) -> Done {
        self.changed = false;
        self.replaced = false;
        let mark = reply.mark();
        if let Some(key) = row.meta.keys.first().and_then(|spec| args.get(spec.first_key())) {
            self.turn_to(key);
        }
        let result = (row.run)(self, args, reply);
        if result.is_err() {
            reply.rewind(mark);
        }
        self.end_command(args);
        result
    }

    /// Closes the effects of the command that ran.
    #[inline]
    pub fn end_command(&mut self, args: Args) {
        let is_verbatim = self.logging && self.changed && !self.replaced;
        (self.changed, self.replaced) = (false, false);
        self.scratch.touched.set(0);
        // Keys that it met after their time go first: a replica that runs the request must not find them either.
        if !self.scratch.expired.get_mut().is_empty() {
            self.delete_expired();
        }
        if is_verbatim {
            match args.request() {
                Some(bytes) => self.scratch.effects.push_bytes(self.db, bytes),
                None => self.scratch.effects.push_args(self.db, args),
            }
        }
        self.scratch.forget_key();
    }

    /// Appends what has happened so far to the log as one unit, and goes on under the same locks.
    pub fn end_unit(&mut self) -> Option<Offset> {
        let effects = &mut self.scratch.effects;
        if effects.is_empty() {
            return None;
        }
        let end = self.engine.log.append(effects);
        effects.clear();
        Some(end)
    }

    /// Appends the primary's bytes as they are: the transaction's place in the stream.
    pub fn append_verbatim(&mut self, bytes: &[u8], db: Option<u32>) -> Offset {
        assert!(self.origin == Origin::Primary);
        self.engine.log.append_verbatim(bytes, db)
    }

    /// Appends to the log, unlocks. The log's end after the effects, if there were any.
    #[inline]
    pub fn commit(mut self) -> Option<Offset> {
        self.end_unit()
    }

    // ---- watching

    pub fn watch(&mut self, db: u32, key: &[u8], mark: &Arc<WatchMark>) {
        let shard = self.engine.shard_of(self.engine.hash(key));
        let gone = self.is_expired(db, key);
        self.held.get_mut(shard).watch(db, key, mark, gone);
    }

    pub fn unwatch(&mut self, db: u32, key: &[u8], mark: &Arc<WatchMark>) {
        let shard = self.engine.shard_of(self.engine.hash(key));
        self.held.get_mut(shard).unwatch(db, key, mark);
    }

    /// Whether the key's entry is there and its time has passed.
    pub fn is_expired(&self, db: u32, key: &[u8]) -> bool {
        let hash = self.engine.hash(key);
        let entry = self.held.get(self.engine.shard_of(hash)).db(db).and_then(|db| db.table.get(hash, key));
        entry.and_then(|entry| entry.expiry()).is_some_and(|at| self.is_past(at))
    }

    // ---- inside

    /// Gives the entry as it is to the snapshots that have not reached it.
    #[inline]
    fn hand_over(&mut self, db: u32, hash: u64, key: &[u8]) {
        let shard = self.held.get_mut(self.engine.shard_of(hash));
        if shard.captures_running != 0 {
            crate::snapshot::hand_over(shard, db, hash, key);
        }
    }

    /// Deletes the key if its time has passed and this transaction may: on a writable replica too, where a
    /// client's write meets it. Whether it did.
    fn expire_if_due(&mut self, db: u32, key: &[u8]) -> bool {
        let hash = self.scratch.hash(self.engine, key);
        let shard = self.held.get_mut(self.engine.shard_of(hash));
        // Where nothing expires, nothing is looked up.
        let table = shard.db(db).map(|db| &db.table).filter(|table| 0 < table.volatile_len());
        let entry = table.and_then(|table| table.get(hash, key));
        match entry.and_then(|entry| entry.expiry()) {
            Some(at) if self.is_past(at) => {}
            _ => return false,
        }
        self.hand_over(db, hash, key);
        let shard = self.held.get_mut(self.engine.shard_of(hash));
        if let Some(entry) = shard.db_mut(db).and_then(|db| db.table.remove(hash, key)) {
            self.discard(entry);
        }
        self.log_expired(db, key);
        true
    }

    /// Says which of the command's arguments is the key of the calls that follow, so that it is hashed once.
    #[inline]
    pub(crate) fn turn_to(&self, key: &[u8]) {
        self.scratch.remember_key(key, self.scratch.hash(self.engine, key));
    }

    /// Deletes the key of a random pick if it is due and this transaction may; whether it did.
    pub(crate) fn drop_if_due(&mut self, db: u32, key: &[u8]) -> bool {
        self.may_expire() && self.expire_if_due(db, key)
    }

    /// Counts and logs that `key` went because its time had passed. For the save points this is no change.
    fn log_expired(&mut self, db: u32, key: &[u8]) {
        let counts = &self.scratch.counts;
        counts.expired.set(counts.expired.get() + 1);
        let hash = self.scratch.hash(self.engine, key);
        let shard = self.held.get_mut(self.engine.shard_of(hash));
        shard.touch_watchers(db, key);
        if self.logging {
            let name: &[u8] = if self.engine.settings.lazy_expire() { b"UNLINK" } else { b"DEL" };
            self.scratch.effects.push_command(db, &[name, key]);
        }
    }

    #[cold]
    fn delete_expired(&mut self) {
        let expired = std::mem::take(self.scratch.expired.get_mut());
        for (db, key) in &expired {
            self.expire_if_due(*db, key);
        }
        self.scratch.forget_key();
    }

    /// Deletes `key` of `db` if it is due, as a unit of its own in the log: active expiry. Whether it did.
    pub(crate) fn expire_now(&mut self, db: u32, key: &[u8]) -> bool {
        if !self.may_expire() {
            return false;
        }
        let done = self.expire_if_due(db, key);
        self.end_unit();
        self.scratch.forget_key();
        done
    }

    pub(crate) fn held_mut(&mut self) -> &mut Held<'e, Shard> {
        &mut self.held
    }
}

/// A payload that can be put elsewhere: what RENAME, MOVE and COPY carry.
pub fn copy_payload<'a>(payload: Payload<'a, Value>) -> NewPayload<'a, Value> {
    match payload {
        Payload::Int(n) => NewPayload::Int(n),
        Payload::Bytes(bytes) => NewPayload::Bytes(bytes),
        Payload::Boxed(value) => NewPayload::Boxed(value.clone()),
    }
}
