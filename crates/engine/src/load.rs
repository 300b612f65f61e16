//! Loading: fills a fresh keyspace from the items of an RDB, beside the one that is served.
//!
//! A [`Staging`] holds tables that nobody sees; [`Staging::install`] puts them in place of the served ones under
//! all shards in one instant. What fails before that leaves the served data untouched.

use crate::access::Used;
use crate::engine::Engine;
use crate::events::Event;
use crate::functions::Sources;
use crate::rdb;
use crate::shard::Db;
use crate::txn::{Scratch, Trash, Ttl, Txn, copy_payload};
use crate::value::Value;
use ds::entry::NewPayload;
use ds::table::{Table, Upsert};

/// What becomes of a key that both data sets have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Conflict {
    Refuse,
    /// The staged one wins.
    Replace,
}

/// A data set that is being loaded.
pub struct Staging {
    /// By shard, then database.
    shards: Vec<Vec<Option<Table<Value>>>>,
    pub keys: u64,
    /// Its libraries of functions.
    pub functions: Sources,
    /// When what is added counts as used, unless something else is said.
    now_ms: i64,
}

impl Staging {
    pub fn new(engine: &Engine) -> Self {
        let databases = engine.databases() as usize;
        let shards = (0..engine.shard_count()).map(|_| (0..databases).map(|_| None).collect()).collect();
        Self { shards, keys: 0, functions: Sources::new(), now_ms: 0 }
    }

    /// What is added from now on counts as used at this time (Unix ms): OBJECT IDLETIME goes on from here.
    pub fn used_at(mut self, now_ms: i64) -> Self {
        self.now_ms = now_ms;
        self
    }

    /// Adds a value; false if the database already holds the key (a file that repeats a key is corrupt).
    pub fn add_value(
        &mut self,
        engine: &Engine,
        db: u32,
        key: &[u8],
        value: rdb::Value,
        expiry: Option<i64>,
    ) -> bool {
        self.add_used(engine, db, key, value, expiry, Used::Unsaid)
    }

    /// As [`Staging::add_value`], with what is known of its use.
    pub fn add_used(
        &mut self,
        engine: &Engine,
        db: u32,
        key: &[u8],
        value: rdb::Value,
        expiry: Option<i64>,
        used: Used,
    ) -> bool {
        value.with_payload(|payload| self.add(engine, db, key, payload, expiry, used))
    }

    pub fn add_str(
        &mut self,
        engine: &Engine,
        db: u32,
        key: &[u8],
        value: &[u8],
        expiry: Option<i64>,
    ) -> bool {
        self.add_value(engine, db, key, rdb::Value::Bytes(value.into()), expiry)
    }

    pub fn add_int(&mut self, engine: &Engine, db: u32, key: &[u8], value: i64, expiry: Option<i64>) -> bool {
        self.add(engine, db, key, NewPayload::Int(value), expiry, Used::Unsaid)
    }

    fn add(
        &mut self,
        engine: &Engine,
        db: u32,
        key: &[u8],
        payload: NewPayload<Value>,
        expiry: Option<i64>,
        used: Used,
    ) -> bool {
        let hash = engine.hash(key);
        let slot = &mut self.shards[engine.shard_of(hash) as usize][db as usize];
        let table = slot.get_or_insert_with(|| engine.new_table());
        self.keys += 1;
        let measure = engine.settings.measure.get();
        let access = measure.of_told(used, self.now_ms).unwrap_or_else(|| measure.new_entry(self.now_ms));
        matches!(table.upsert(hash, key, payload, expiry, 0, access), Upsert::Inserted)
    }

    /// Replaces the served data set. The transaction holds every shard; what was served goes to its scratch's
    /// trash. Watched keys that were or are there count as changed.
    pub fn install(self, txn: &mut Txn) {
        for db in 0..txn.engine().databases() {
            txn.flush(db);
        }
        txn.engine().functions.set(self.functions);
        for (i, dbs) in (0u8..).zip(self.shards) {
            for (db, table) in (0u32..).zip(dbs) {
                if let Some(table) = table {
                    txn.install(i, db, table);
                }
            }
        }
    }

    /// Adds what was staged to the served data set: all of it, or nothing and the key that both have, if that is
    /// refused. The transaction holds every shard; nothing is logged.
    pub fn merge(self, txn: &mut Txn, conflict: Conflict) -> Result<(), Box<[u8]>> {
        let tables = || {
            let dbs = self.shards.iter().flat_map(|dbs| (0u32..).zip(dbs));
            dbs.filter_map(|(db, table)| Some((db, table.as_ref()?)))
        };
        if conflict == Conflict::Refuse {
            for (db, table) in tables() {
                let both_have = table.iter().find(|entry| txn.get_in(db, entry.key()).is_some());
                if let Some(entry) = both_have {
                    return Err(entry.key().into());
                }
            }
        }
        let functions = &txn.engine().functions;
        let mut sources = self.functions.clone();
        let served = functions.all();
        sources.extend(
            served.iter().filter(|old| self.functions.iter().all(|new| new.name != old.name)).cloned(),
        );
        if !self.functions.is_empty() {
            functions.set(sources);
        }
        for (db, table) in tables() {
            for entry in table.iter() {
                let ttl = entry.expiry().map_or(Ttl::Clear, Ttl::At);
                txn.put_in(db, entry.key(), copy_payload(entry.payload()), ttl, entry.tag());
                txn.set_access_in(db, entry.key(), entry.access());
                txn.changed_in(db, entry.key(), Event::Set);
                txn.no_effect();
            }
        }
        Ok(())
    }

    /// Frees what was staged: as trash, so that the caller may free it where it likes.
    pub fn discard(self, scratch: &mut Scratch) {
        let tables = self.shards.into_iter().flatten().flatten();
        scratch.trash.extend(tables.map(|table| Trash::Db(Box::new(Db { id: 0, table }))));
    }
}
