//! Fields of hashes whose time has passed: what a transaction does about them.
//!
//! A client's command does not see them. They are deleted by who may delete a key of that kind: a client's write that
//! meets them deletes them first, and active expiry the others. A replica that gets the stream of a primary deletes
//! none by itself. The deletion is logged as an HDEL of all fields that went; a key goes with its last field.

use super::{Horizon, Txn};
use crate::events::Event;
use crate::value::{Hash, Value};
use ds::entry::Payload;

impl Txn<'_> {
    /// The hash at `key` of the selected database, if one is there.
    fn hash_at(&self, key: &[u8]) -> Option<&Hash> {
        match self.get(key)?.payload() {
            Payload::Boxed(Value::Hash(hash)) => Some(hash),
            _ => None,
        }
    }

    /// Deletes the fields of the hash at `key` whose time has passed, in the log too, and the key with the last one:
    /// what a client's write does first, as [`Txn::get_mut`] does it with keys.
    pub fn drop_due_fields(&mut self, key: &[u8]) {
        let horizon = self.horizon();
        if self.hash_at(key).is_some_and(|hash| hash.has_due(horizon)) {
            self.take_due_fields(key, horizon, usize::MAX);
        }
    }

    /// Deletes up to `max` fields of the hash at `key` that are due, as a unit of its own in the log: active expiry.
    /// How many there were.
    pub(crate) fn expire_fields_now(&mut self, key: &[u8], max: usize) -> usize {
        let horizon = self.horizon();
        if !self.may_expire() || !self.hash_at(key).is_some_and(|hash| hash.has_due(horizon)) {
            return 0;
        }
        let taken = self.take_due_fields(key, horizon, max);
        self.end_unit();
        self.scratch.forget_key();
        taken
    }

    #[cold]
    fn take_due_fields(&mut self, key: &[u8], horizon: Horizon, max: usize) -> usize {
        let (due, is_empty) = {
            let Some(mut entry) = self.get_mut(key) else { return 0 };
            let Some(Value::Hash(hash)) = entry.boxed_mut() else { return 0 };
            let due = hash.take_due(horizon, max);
            (due, hash.is_empty())
        };
        self.log_due_fields(key, &due);
        self.also_happened(key, Event::HExpired);
        if is_empty && let Some(entry) = self.remove(key) {
            self.discard(entry);
            self.also_happened(key, Event::Del);
        }
        self.held.get_mut(self.engine.shard_of(self.engine.hash(key))).touch_watchers(self.db, key);
        due.len()
    }

    /// Counts and logs that fields went because their time is over. For the save points this is no change.
    pub(crate) fn log_due_fields<F: AsRef<[u8]>>(&mut self, key: &[u8], fields: &[F]) {
        let count = &self.scratch.counts.expired_fields;
        count.set(count.get() + fields.len() as u64);
        if self.logging {
            let argv = [b"HDEL", key].into_iter().chain(fields.iter().map(AsRef::as_ref));
            self.scratch.effects.push_command(self.db, &argv.collect::<Vec<_>>());
        }
    }
}
