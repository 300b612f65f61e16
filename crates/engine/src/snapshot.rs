//! Snapshots: a consistent cut of the keyspace, serialised without fork and without stopping writers.
//!
//! [`Snapshot::cut`] runs under all shards for an instant: it pins each database's table in each shard, at the log
//! offset of that moment. After it, [`Snapshot::step`] walks the shards in hash order, one bounded slice under one
//! shard's lock at a time. A write to an entry that the walk has not reached first hands over the entry as it is
//! (its pre-image); a key that is born after the cut is remembered, so that the walk passes it over.
//! Of all but short values only a copy (of large ones, of their root) is taken under the lock; it is encoded when the
//! shard is unlocked, and goes to the sink in pieces.
//!
//! Invariants: every key that existed at the cut is written once, with its value of that moment; SWAPDB moves
//! tables and FLUSHALL detaches them, so the walk goes by table identity, not by index.
//! Absent here: sinks. The bytes of each step belong to the caller.

use crate::access::{Measure, Used};
use crate::engine::Engine;
use crate::rdb::{self, Encoder};
use crate::shard::{Shard, TableId};
use crate::txn::{Trash, Txn};
use crate::value::{Hash, List, Set, SortedSet, Value};
use base::position::Offset;
use ds::entry::{EntryRef, Payload};
use std::collections::HashSet;

/// Snapshots that can run at once.
pub const SNAPSHOTS_MAX: usize = 4;

/// A shard's part of a running snapshot.
pub(crate) struct Capture {
    /// The shard's tables at the cut, by ascending database.
    pinned: Vec<(u32, TableId)>,
    /// `pinned[..at]` are walked, and the entries of `pinned[at]` whose hash is below `position`.
    at: usize,
    position: u64,
    /// Keys ahead of the walk that were handed over or born after the cut.
    handed: HashSet<(TableId, Box<[u8]>)>,
    /// Entries as they were, with their database.
    preimages: Vec<(u32, Image)>,
    form: Form,
}

/// How entries are written.
#[derive(Clone, Copy)]
struct Form {
    compress: bool,
    measure: Measure,
    /// When it was cut: what is told of an entry's use is as of then.
    cut_ms: i64,
}

impl Form {
    fn used(self, entry: EntryRef<Value>) -> Used {
        self.measure.tell(entry.access(), self.cut_ms)
    }
}

/// An entry for the file.
enum Image {
    /// Encoded, perhaps several of them.
    Bytes(Vec<u8>),
    /// A value that is encoded later: a copy, of a large one shared with the keyspace or with nobody any more.
    Shared { key: Box<[u8]>, value: Value, expiry: Option<i64>, used: Used },
}

impl Image {
    fn of(entry: EntryRef<Value>, form: Form) -> Self {
        match entry.payload() {
            Payload::Boxed(value) if !is_short(value) => Self::Shared {
                key: entry.key().into(),
                value: value.clone(),
                expiry: entry.expiry(),
                used: form.used(entry),
            },
            _ => {
                let mut bytes = Vec::new();
                encode(&mut bytes, entry, form);
                Self::Bytes(bytes)
            }
        }
    }
}

/// What takes no longer to encode than to copy.
const SHORT_BYTES_MAX: usize = 1024;

/// Whether a value is encoded under its shard's lock: one small block.
fn is_short(value: &Value) -> bool {
    let bytes = match value {
        Value::Bytes(bytes) => bytes.len(),
        Value::List(List::Pack(pack))
        | Value::Set(Set::Pack(pack))
        | Value::Hash(Hash::Pack(pack) | Hash::PackEx(pack))
        | Value::SortedSet(SortedSet::Pack(pack)) => pack.bytes().len(),
        Value::Set(Set::Ints(ints)) => ints.bytes().len(),
        _ => return false,
    };
    bytes <= SHORT_BYTES_MAX
}

impl Capture {
    pub(crate) fn wants(&self, id: TableId) -> bool {
        self.pinned[self.at..].iter().any(|&(_, pinned)| pinned == id)
    }

    fn is_ahead(&self, index: usize, hash: u64) -> bool {
        self.at < index || (self.at == index && self.position <= hash)
    }
}

/// Gives the entry of `key` to the snapshots that have not reached it; called before any change of it.
#[cold]
pub(crate) fn hand_over(shard: &mut Shard, db: u32, hash: u64, key: &[u8]) {
    let Some(table) = shard.dbs[db as usize].as_deref() else { return };
    for capture in shard.captures.iter_mut().flatten() {
        let Some(index) = capture.pinned.iter().position(|&(_, id)| id == table.id) else { continue };
        if !capture.is_ahead(index, hash) || !capture.handed.insert((table.id, key.into())) {
            continue;
        }
        if let Some(entry) = table.table.get(hash, key) {
            let image = Image::of(entry, capture.form);
            capture.preimages.push((capture.pinned[index].0, image));
        }
    }
}

fn encode(out: &mut Vec<u8>, entry: EntryRef<Value>, form: Form) {
    let used = form.used(entry);
    rdb::encode_entry(out, entry.key(), &entry.payload().into(), entry.expiry(), used, form.compress);
}

/// What a snapshot says of itself in the file, besides the data.
#[derive(Clone, Copy)]
pub struct Options {
    pub compress: bool,
    pub checksum: bool,
    /// Without: the file says where the log stands, and holds no key.
    pub data: bool,
}

/// A sink that keeps all of it.
pub fn keep(bytes: &mut Vec<u8>) -> impl FnMut(&[u8]) -> bool {
    |piece| {
        bytes.extend_from_slice(piece);
        true
    }
}

/// How far a snapshot is, for INFO.
#[derive(Clone, Copy, Default, Debug)]
pub struct Progress {
    pub keys_done: u64,
    pub keys_total: u64,
    /// Bytes of pre-images that were ever held for it.
    pub preimage_bytes: u64,
}

pub struct Snapshot {
    slot: usize,
    encoder: Encoder,
    /// Databases that had keys at the cut: number, keys, keys with an expiry.
    dbs: Vec<(u32, u64, u64)>,
    /// The walk: index into `dbs`, shard.
    db_index: usize,
    shard: u8,
    selected: Option<u32>,
    resized: usize,
    /// The log's offset at the cut.
    pub offset: Offset,
    /// It holds hashes whose fields expire: servers before Redis 7.4 can't load it.
    pub has_field_expiries: bool,
    pub progress: Progress,
    form: Form,
    /// Nothing of it is left in the shards; its slot may be another's by now.
    is_released: bool,
}

impl Snapshot {
    /// Cuts here. The transaction holds every shard; the log's database is forgotten, so that whoever continues
    /// from the snapshot is told it anew. `None` if as many snapshots run as can.
    pub fn cut(txn: &mut Txn, options: Options, aux: &[(&[u8], &[u8])]) -> Option<Self> {
        let engine = txn.engine();
        assert!(txn.locks() == engine.all_locks());
        txn.end_unit();
        // One that ends lets go of the shards one by one: its slot is free when it has let go of all of them.
        let slot =
            (0..SNAPSHOTS_MAX).find(|&slot| txn.each_shard().all(|shard| shard.captures[slot].is_none()))?;
        let form = Form { compress: options.compress, measure: txn.measure(), cut_ms: txn.now_ms };
        let held = txn.held_mut();
        let mut totals = vec![(0, 0); engine.databases() as usize];
        let mut has_field_expiries = false;
        for i in engine.all_locks().iter() {
            let shard = held.get_mut(i);
            let mut pinned = Vec::new();
            for (db, part) in shard.dbs.iter().enumerate() {
                // A table that is empty now has nothing for the file, and its database may not be walked at all.
                let Some(part) = part.as_ref().filter(|part| options.data && !part.table.is_empty()) else {
                    continue;
                };
                pinned.push((db as u32, part.id));
                totals[db].0 += part.table.len() as u64;
                totals[db].1 += part.table.volatile_len() as u64;
                has_field_expiries |= part.table.inner_len() != 0;
            }
            shard.captures[slot] = Some(Box::new(Capture {
                pinned,
                at: 0,
                position: 0,
                handed: HashSet::new(),
                preimages: Vec::new(),
                form,
            }));
            shard.captures_running += 1;
        }
        let dbs: Vec<_> =
            (0u32..).zip(totals).filter(|(_, t)| t.0 != 0).map(|(db, t)| (db, t.0, t.1)).collect();
        let keys_total = dbs.iter().map(|&(_, keys, _)| keys).sum();
        let mut encoder =
            Encoder::new(rdb::Options { compress: options.compress, checksum: options.checksum });
        encoder.header(if has_field_expiries { rdb::VERSION_OF_FIELD_EXPIRY } else { rdb::VERSION });
        for (key, value) in aux {
            encoder.aux(key, value);
        }
        if options.data {
            for source in engine.functions.all().iter() {
                encoder.function(&source.code);
            }
        }
        Some(Self {
            slot,
            encoder,
            dbs,
            db_index: 0,
            shard: 0,
            selected: None,
            resized: 0,
            offset: engine.log.end(),
            has_field_expiries,
            progress: Progress { keys_total, ..Progress::default() },
            form,
            is_released: false,
        })
    }

    /// Walks on by about `entries` entries of one shard; what that gives goes to the sink, in pieces. False when the
    /// snapshot is complete and the sink has its last bytes. A sink that wants no more says false: then the snapshot
    /// is to be released.
    pub fn step(
        &mut self,
        engine: &Engine,
        entries: usize,
        sink: &mut dyn FnMut(&[u8]) -> bool,
        free: &mut Vec<Trash>,
    ) -> bool {
        let Some(&(db, _, _)) = self.dbs.get(self.db_index) else {
            let preimages = self.let_go(engine, free);
            if self.drain(preimages, sink) {
                self.encoder.eof();
                self.encoder.give(sink);
            }
            return false;
        };
        let mut held = engine.shards().lock_one(self.shard);
        let shard = held.get_mut(self.shard);
        let mut capture =
            shard.captures[self.slot].take().expect("a running snapshot has its part in each shard");
        let preimages = std::mem::take(&mut capture.preimages);
        let (images, ended) = self.walk(shard, &mut capture, db, entries);
        shard.captures[self.slot] = Some(capture);
        if ended {
            free.extend(shard.release_detached().into_iter().map(Trash::Db));
        }
        drop(held);
        let goes_on =
            self.drain(preimages, sink) && images.into_iter().all(|image| self.write(db, image, sink));
        if ended {
            self.shard += 1;
            if self.shard == engine.shard_count() {
                self.shard = 0;
                self.db_index += 1;
            }
        }
        if goes_on {
            self.encoder.give(sink);
        }
        true
    }

    /// Lets go of everything in the keyspace, to abort; nothing if it was let go before.
    pub fn release(&mut self, engine: &Engine, free: &mut Vec<Trash>) {
        self.let_go(engine, free);
    }

    /// Lets go of everything in the keyspace: at the end, or to abort. What had been handed over last.
    fn let_go(&mut self, engine: &Engine, free: &mut Vec<Trash>) -> Vec<(u32, Image)> {
        let mut preimages = Vec::new();
        if std::mem::replace(&mut self.is_released, true) {
            return preimages;
        }
        engine.all_locks().iter().for_each(|i| self.let_go_of(engine, i, &mut preimages, free));
        preimages
    }

    fn let_go_of(&self, engine: &Engine, i: u8, preimages: &mut Vec<(u32, Image)>, free: &mut Vec<Trash>) {
        let mut held = engine.shards().lock_one(i);
        let shard = held.get_mut(i);
        if let Some(mut capture) = shard.captures[self.slot].take() {
            shard.captures_running -= 1;
            preimages.append(&mut capture.preimages);
        }
        free.extend(shard.release_detached().into_iter().map(Trash::Db));
    }

    fn drain(&mut self, preimages: Vec<(u32, Image)>, sink: &mut dyn FnMut(&[u8]) -> bool) -> bool {
        preimages.into_iter().all(|(db, image)| {
            let before = self.encoder.total();
            let goes_on = self.write(db, image, sink);
            self.progress.preimage_bytes += self.encoder.total() - before;
            self.progress.keys_done += 1;
            goes_on
        })
    }

    fn write(&mut self, db: u32, image: Image, sink: &mut dyn FnMut(&[u8]) -> bool) -> bool {
        self.select(db);
        match image {
            Image::Bytes(bytes) => {
                self.encoder.raw(&bytes);
                true
            }
            Image::Shared { key, value, expiry, used } => {
                self.encoder.entry(&key, &(&value).into(), expiry, used, sink)
            }
        }
    }

    /// Walks the shard's table of `db` on; what is there, and whether it is through.
    fn walk(&mut self, shard: &Shard, capture: &mut Capture, db: u32, entries: usize) -> (Vec<Image>, bool) {
        let Some(&(pinned, id)) = capture.pinned.get(capture.at).filter(|&&(pinned, _)| pinned <= db) else {
            return (Vec::new(), true);
        };
        assert!(pinned == db, "databases are walked in ascending order");
        let table = &shard.table(id).expect("a pinned table stays until it is walked").table;
        let mut images = vec![Image::Bytes(Vec::new())];
        let next = table.scan(capture.position, entries, &mut |_hash, entry: EntryRef<Value>| {
            if !capture.handed.is_empty() && capture.handed.contains(&(id, entry.key().into())) {
                return;
            }
            self.progress.keys_done += 1;
            match (entry.payload(), images.last_mut()) {
                (Payload::Boxed(value), _) if !is_short(value) => {
                    images.push(Image::of(entry, self.form));
                }
                (_, Some(Image::Bytes(bytes))) => encode(bytes, entry, self.form),
                _ => images.push(Image::of(entry, self.form)),
            }
        });
        match next {
            Some(position) => {
                capture.position = position;
                (images, false)
            }
            None => {
                capture.at += 1;
                capture.position = 0;
                capture.handed.retain(|(table, _)| *table != id);
                (images, true)
            }
        }
    }

    fn select(&mut self, db: u32) {
        if self.selected == Some(db) {
            return;
        }
        self.selected = Some(db);
        self.encoder.select_db(db);
        // The sizes are said once, where the database comes first.
        if let Some(&(first, keys, expires)) = self.dbs.get(self.resized)
            && first == db
        {
            self.resized += 1;
            self.encoder.resize_db(keys, expires);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Engine;
    use crate::testing::{Bench, check_on};
    use crate::txn::{Origin, Scratch, Ttl};

    /// A database whose last key has gone keeps its tables: a walk once stumbled over them on its way to the next
    /// database.
    #[test]
    fn empty_tables_are_passed_over() {
        let engine = Engine::new(1, 4, 1);
        let mut scratch = Scratch::new(1);
        let mut txn = engine.begin(&mut scratch, engine.all_locks(), 0, 1, Origin::Client);
        txn.put_str(b"gone", b"x", Ttl::Clear);
        txn.remove(b"gone");
        txn.db = 2;
        txn.put_str(b"kept", b"x", Ttl::Clear);
        let options = Options { compress: false, checksum: false, data: true };
        let mut snapshot = Snapshot::cut(&mut txn, options, &[]).expect("none runs");
        drop(txn);
        let (mut bytes, mut free) = (Vec::new(), Vec::new());
        while snapshot.step(&engine, 10, &mut keep(&mut bytes), &mut free) {}
        assert_eq!(snapshot.progress.keys_done, 1);
        assert!(bytes.windows(4).any(|window| window == b"kept"));
    }

    /// A snapshot that ended gave its slot back: to release it after that once took the parts of the next one.
    #[test]
    fn a_snapshot_that_ended_releases_nothing_of_the_next() {
        let engine = Engine::new(2, 1, 1);
        let mut scratch = Scratch::new(1);
        let options = Options { compress: false, checksum: true, data: true };
        let mut cut = || {
            let mut txn = engine.begin(&mut scratch, engine.all_locks(), 0, 0, Origin::Client);
            txn.put_str(b"key", b"value", Ttl::Clear);
            Snapshot::cut(&mut txn, options, &[]).expect("there is a slot")
        };
        let mut free = Vec::new();
        let mut first = cut();
        while first.step(&engine, 10, &mut |_| true, &mut free) {}
        let mut second = cut();
        first.release(&engine, &mut free);
        while second.step(&engine, 10, &mut |_| true, &mut free) {}
        assert_eq!(second.progress.keys_done, 1);
    }

    /// While a snapshot lets go of one shard after the other, its slot looked free in the first of them: another that
    /// was cut just then took it, and lost its parts of the other shards.
    #[test]
    fn a_slot_is_free_when_every_shard_is() {
        let engine = Engine::new(2, 1, 1);
        let mut scratch = Scratch::new(1);
        let options = Options { compress: false, checksum: true, data: true };
        let mut cut = || {
            let mut txn = engine.begin(&mut scratch, engine.all_locks(), 0, 0, Origin::Client);
            (0..20).for_each(|i| txn.put_str(format!("key:{i}").as_bytes(), b"value", Ttl::Clear));
            Snapshot::cut(&mut txn, options, &[]).expect("there is a slot")
        };
        let mut free = Vec::new();
        let ending = cut();
        ending.let_go_of(&engine, 0, &mut Vec::new(), &mut free);
        let mut next = cut();
        ending.let_go_of(&engine, 1, &mut Vec::new(), &mut free);
        while next.step(&engine, 10, &mut |_| true, &mut free) {}
        assert_eq!(next.progress.keys_done, 20);
    }

    /// A large value goes to the sink in pieces, and no further than the sink wants it.
    #[test]
    fn a_large_value_is_written_in_pieces() {
        let engine = Engine::new(1, 1, 1);
        let mut scratch = Scratch::new(1);
        let mut txn = engine.begin(&mut scratch, engine.all_locks(), 0, 0, Origin::Client);
        let shapes = engine.shapes();
        let texts: Vec<std::borrow::Cow<[u8]>> =
            (0..50_000).map(|i| format!("an element {i}").into_bytes().into()).collect();
        let set = Set::loaded(&texts, &shapes).expect("each comes once");
        txn.put(b"set", ds::entry::NewPayload::Boxed(Value::Set(set)), Ttl::Clear);
        txn.put_str(b"string", &vec![b'x'; 3_000_000], Ttl::Clear);
        let options = Options { compress: false, checksum: true, data: true };
        for wanted in [usize::MAX, 3] {
            let mut snapshot = Snapshot::cut(&mut txn, options, &[]).expect("there is a slot");
            let locks = txn.locks();
            drop(txn);
            let (mut pieces, mut free, mut total) = (Vec::new(), Vec::new(), 0);
            let mut sink = |piece: &[u8]| {
                pieces.push(piece.len());
                total += piece.len();
                pieces.len() < wanted
            };
            let mut steps = 0;
            while snapshot.step(&engine, 10, &mut sink, &mut free) && steps < 5 {
                steps += 1;
            }
            snapshot.release(&engine, &mut free);
            let largest = pieces.iter().max().expect("there are some");
            assert!(*largest < 200_000, "{pieces:?}");
            assert_eq!(3_000_000 < total, wanted == usize::MAX, "{total} bytes");
            txn = engine.begin(&mut scratch, locks, 0, 0, Origin::Client);
        }
    }

    /// Idle seconds under an LRU policy, counts under an LFU one, nothing else: in the walk and for what is handed
    /// over, inline and large.
    #[test]
    fn the_file_tells_of_use() {
        let used = |policy: &str| {
            let mut bench = Bench::new();
            let large = "x".repeat(70_000);
            check_on(
                &mut bench,
                &format!("POLICY {policy}\nSET small v\nSET other v\nSET large {large}\nGET small"),
            );
            bench.now_ms += 180_000;
            let locks = bench.engine.all_locks();
            let mut txn = bench.engine.begin(&mut bench.scratch, locks, bench.now_ms, 0, Origin::Client);
            let options = Options { compress: false, checksum: true, data: true };
            let mut snapshot = Snapshot::cut(&mut txn, options, &[]).expect("no other runs");
            txn.commit();
            bench.now_ms += 600_000;
            check_on(&mut bench, "DEL other\nSET large w");
            let (mut bytes, mut free) = (Vec::new(), Vec::new());
            let mut sink = |piece: &[u8]| {
                bytes.extend_from_slice(piece);
                true
            };
            while snapshot.step(&bench.engine, 10, &mut sink, &mut free) {}
            let (mut decoder, mut rest, mut found) = (rdb::Decoder::new(), &bytes[..], Vec::new());
            while let Ok(rdb::Step::Item { consumed, item }) = decoder.next(rest, true) {
                rest = &rest[consumed..];
                match item {
                    rdb::Item::Entry { key, idle, freq, .. } => {
                        found.push((String::from_utf8_lossy(&key).into_owned(), idle, freq));
                    }
                    rdb::Item::Eof { .. } => break,
                    _ => {}
                }
            }
            found.sort();
            found.into_iter().map(|(_, idle, freq)| (idle, freq)).collect::<Vec<_>>()
        };
        assert_eq!(used("no"), [(None, None); 3]);
        assert_eq!(used("lru"), [(Some(180), None); 3]);
        assert_eq!(used("lfu"), [(None, Some(2)), (None, Some(2)), (None, Some(3))]);
    }
}
