//! Consumer groups: how far they have read, what is pending, and with whom.
//!
//! Every pending entry stands in the group's list and in its consumer's, and names its consumer.
//!
//! Invariant: both lists agree; a pending entry's consumer exists.

use super::{Counters, Id};
use crate::shared::make_mut;
use crate::spine::{Item, Iter, Spine};
use std::sync::Arc;

pub type Name = Arc<[u8]>;

#[derive(Clone)]
pub struct Group {
    name: Name,
    /// The last id that was delivered.
    pub last_id: Id,
    /// Entries read so far, if that is known.
    pub entries_read: Option<u64>,
    pending: Spine<Pending>,
    consumers: Spine<Arc<Consumer>>,
}

/// An entry that was delivered and not acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    pub id: Id,
    pub consumer: Name,
    pub delivered_ms: i64,
    pub deliveries: u64,
}

#[derive(Clone)]
pub struct Consumer {
    name: Name,
    /// When it last tried to do something.
    pub seen_ms: i64,
    /// When it last got or claimed something.
    pub active_ms: Option<i64>,
    pending: Spine<Id>,
}

impl Item for Pending {
    type Key = Id;

    fn key(&self) -> &Id {
        &self.id
    }

    fn weight(&self) -> usize {
        1
    }
}

impl Item for Arc<Consumer> {
    type Key = Name;

    fn key(&self) -> &Name {
        &self.name
    }

    fn weight(&self) -> usize {
        1
    }
}

impl Item for Arc<Group> {
    type Key = Name;

    fn key(&self) -> &Name {
        &self.name
    }

    fn weight(&self) -> usize {
        1
    }
}

/// Index of the item with this name, or the one where it would be.
pub(super) fn search_name<T: Item<Key = Name>>(items: &Spine<T>, name: &[u8]) -> Result<usize, usize> {
    let index = items.partition_point(|other| **other < *name);
    match items.get(index) {
        Some(item) if **item.key() == *name => Ok(index),
        _ => Err(index),
    }
}

impl Consumer {
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// Entries that are pending with it.
    pub fn pending_len(&self) -> usize {
        self.pending.len()
    }

    /// Their ids in `start..=end`.
    pub fn pending_ids(&self, start: Id, end: Id) -> Iter<'_, Id> {
        between(&self.pending, start, end)
    }
}

fn between<T: Item<Key = Id>>(items: &Spine<T>, start: Id, end: Id) -> Iter<'_, T> {
    items.range(items.partition_point(|id| *id < start), items.partition_point(|id| *id <= end))
}

impl Group {
    pub(super) fn new(name: &[u8], last_id: Id, entries_read: Option<u64>) -> Self {
        Self { name: name.into(), last_id, entries_read, pending: Spine::new(), consumers: Spine::new() }
    }

    pub fn name(&self) -> &[u8] {
        &self.name
    }

    pub fn pending_len(&self) -> usize {
        self.pending.len()
    }

    pub fn pending(&self, id: Id) -> Option<&Pending> {
        self.pending.find(&id)
    }

    /// All that is pending in `start..=end`, from either end.
    pub fn pending_between(&self, start: Id, end: Id) -> Iter<'_, Pending> {
        between(&self.pending, start, end)
    }

    /// In the order of their names.
    pub fn consumers(&self) -> impl DoubleEndedIterator<Item = &Consumer> {
        self.consumers.iter().map(|consumer| &**consumer)
    }

    pub fn consumers_len(&self) -> usize {
        self.consumers.len()
    }

    pub fn consumer(&self, name: &[u8]) -> Option<&Consumer> {
        let index = search_name(&self.consumers, name).ok()?;
        self.consumers.get(index).map(|consumer| &**consumer)
    }

    /// False if it is there already.
    pub fn create_consumer(&mut self, name: &[u8], now_ms: i64) -> bool {
        let Err(index) = search_name(&self.consumers, name) else { return false };
        let consumer =
            Consumer { name: name.into(), seen_ms: now_ms, active_ms: None, pending: Spine::new() };
        self.consumers.insert(index, Arc::new(consumer));
        true
    }

    /// Removes the consumer and forgets what was pending with it; gives the number of that.
    pub fn delete_consumer(&mut self, name: &[u8]) -> Option<usize> {
        let index = search_name(&self.consumers, name).ok()?;
        let consumer = self.consumers.remove(index);
        for id in consumer.pending.iter() {
            self.pending.take(id).expect("both lists agree");
        }
        Some(consumer.pending.len())
    }

    /// The consumer tried something; `is_active` if it got something. Does nothing if there is no such consumer.
    pub fn touch_consumer(&mut self, name: &[u8], now_ms: i64, activity: Activity) {
        self.with_consumer(name, |consumer| match activity {
            Activity::Seen => consumer.seen_ms = now_ms,
            Activity::Active => consumer.active_ms = Some(now_ms),
        });
    }

    /// Sets both times, as a file or a command has them.
    pub fn set_consumer_times(&mut self, name: &[u8], seen_ms: i64, active_ms: Option<i64>) {
        self.with_consumer(name, |consumer| (consumer.seen_ms, consumer.active_ms) = (seen_ms, active_ms));
    }

    /// The group has read the entry: the last id follows, and the count where it can. Beyond what ENTRIESREAD takes
    /// the count is unknown: a replica has to be told of it.
    pub fn read_past(&mut self, stream: &Counters, id: Id) {
        if id <= self.last_id {
            return;
        }
        let known = |read: u64| (read <= i64::MAX as u64).then_some(read);
        match self.entries_read {
            Some(read) if !stream.is_deleted_from(id) => {
                self.entries_read = read.checked_add(1).and_then(known);
            }
            _ if stream.entries_added != 0 => self.entries_read = stream.read_up_to(id).and_then(known),
            _ => {}
        }
        self.last_id = id;
    }

    /// The entries are pending with the consumer for the first time, whoever had them before. The consumer exists.
    pub fn deliver(&mut self, ids: &[Id], consumer: &[u8], now_ms: i64) {
        let owner = search_name(&self.consumers, consumer).expect("the consumer was created");
        let name = self.consumers.get(owner).expect("was found").name.clone();
        let mut gained = Vec::with_capacity(ids.len());
        for &id in ids {
            let fresh = Pending { id, consumer: name.clone(), delivered_ms: now_ms, deliveries: 1 };
            if self.put_pending(fresh) {
                gained.push(id);
            }
        }
        self.consumers.update(owner, |consumer| {
            let consumer = make_mut(consumer);
            gained.into_iter().for_each(|id| consumer.add_pending(id));
        });
    }

    /// The entry is pending with the consumer, whoever had it before. The consumer exists.
    pub fn assign(&mut self, id: Id, consumer: &[u8], delivered_ms: i64, deliveries: u64) {
        let owner = search_name(&self.consumers, consumer).expect("the consumer was created");
        let name = self.consumers.get(owner).expect("was found").name.clone();
        let fresh = Pending { id, consumer: name, delivered_ms, deliveries };
        if self.put_pending(fresh) {
            self.consumers.update(owner, |consumer| make_mut(consumer).add_pending(id));
        }
    }

    /// Puts it into the group's list, and takes it from another consumer's. Whether it is new in its own consumer's.
    fn put_pending(&mut self, fresh: Pending) -> bool {
        let id = fresh.id;
        // New entries come behind all others.
        if self.pending.last().is_none_or(|last| last.id < id) {
            self.pending.push(fresh);
            return true;
        }
        match self.pending.search(&id) {
            Ok(at) => {
                let name = fresh.consumer.clone();
                let before = self.pending.update(at, |pending| std::mem::replace(pending, fresh)).consumer;
                if before == name {
                    return false;
                }
                self.with_consumer(&before, |consumer| consumer.drop_pending(id));
            }
            Err(at) => self.pending.insert(at, fresh),
        }
        true
    }

    /// Acknowledges, or drops, what is pending; false if it was not.
    pub fn release(&mut self, id: Id) -> bool {
        let Some(Pending { consumer: owner, .. }) = self.pending.take(&id) else { return false };
        self.with_consumer(&owner, |consumer| consumer.drop_pending(id));
        true
    }

    fn with_consumer(&mut self, name: &[u8], change: impl FnOnce(&mut Consumer)) {
        if let Ok(index) = search_name(&self.consumers, name) {
            self.consumers.update(index, |consumer| change(make_mut(consumer)));
        }
    }

    pub(super) fn memory_bytes(&self, consumers: usize) -> usize {
        let own =
            size_of::<Self>() + self.name.len() + self.pending.page_bytes() + self.consumers.page_bytes();
        let consumer =
            |consumer: &Consumer| size_of::<Consumer>() + consumer.name.len() + consumer.pending.page_bytes();
        own + self.consumers.sampled_bytes(consumers, |one| consumer(one))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activity {
    Seen,
    Active,
}

impl Consumer {
    fn add_pending(&mut self, id: Id) {
        match self.pending.last() {
            Some(last) if id <= *last => {
                let at = self.pending.search(&id).expect_err("both lists agree");
                self.pending.insert(at, id);
            }
            _ => self.pending.push(id),
        }
    }

    fn drop_pending(&mut self, id: Id) {
        self.pending.take(&id).expect("both lists agree");
    }
}

/// Builds a group from a file: first all that is pending, then each consumer with its ids.
pub struct GroupLoader {
    group: Group,
    /// Pending entries whose consumer has not come yet: id, delivered, deliveries.
    unowned: std::collections::BTreeMap<Id, (i64, u64)>,
}

/// Why a file's group can't be right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupError {
    DuplicatePending,
    DuplicateConsumer,
    /// A consumer's entry is not in the group's list, or another consumer's too.
    NotPending,
    /// No consumer has the entry.
    NoConsumer,
}

impl GroupLoader {
    pub fn new(name: &[u8], last_id: Id, entries_read: Option<u64>) -> Self {
        Self { group: Group::new(name, last_id, entries_read), unowned: Default::default() }
    }

    pub fn pending(&mut self, id: Id, delivered_ms: i64, deliveries: u64) -> Result<(), GroupError> {
        match self.unowned.insert(id, (delivered_ms, deliveries)) {
            None => Ok(()),
            Some(_) => Err(GroupError::DuplicatePending),
        }
    }

    pub fn consumer(&mut self, name: &[u8], seen_ms: i64, active_ms: Option<i64>) -> Result<(), GroupError> {
        if !self.group.create_consumer(name, seen_ms) {
            return Err(GroupError::DuplicateConsumer);
        }
        self.group.set_consumer_times(name, seen_ms, active_ms);
        Ok(())
    }

    /// The entry is pending with this consumer, which has come before.
    pub fn owned(&mut self, consumer: &[u8], id: Id) -> Result<(), GroupError> {
        let (delivered_ms, deliveries) = self.unowned.remove(&id).ok_or(GroupError::NotPending)?;
        self.group.assign(id, consumer, delivered_ms, deliveries);
        Ok(())
    }

    pub fn finish(self) -> Result<Group, GroupError> {
        if self.unowned.is_empty() { Ok(self.group) } else { Err(GroupError::NoConsumer) }
    }
}
