//! A stream's counters, and what they say about how far a consumer group has read.
//!
//! A group counts the entries that it has read. After deletions the count can't be kept, and what can still be told
//! follows from the first and last ids and the largest deleted one. The rules are those of Redis 7.2.

use super::{Group, Id};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Counters {
    /// Entries that are there.
    pub len: u64,
    /// All entries that were ever added.
    pub entries_added: u64,
    /// The largest id that was ever added.
    pub last_id: Id,
    /// The first entry that is there; zero without one.
    pub first_id: Id,
    /// The largest id that was deleted by XDEL; zero if none was.
    pub max_deleted_id: Id,
}

impl Counters {
    /// How many entries were ever added up to and with this id, if that can be told.
    pub fn read_up_to(&self, id: Id) -> Option<u64> {
        if self.entries_added == 0 {
            return Some(0);
        }
        if self.len == 0 && id <= self.last_id {
            return Some(self.entries_added);
        }
        if self.last_id <= id {
            return (id == self.last_id).then_some(self.entries_added);
        }
        let is_whole = self.max_deleted_id.is_zero() || self.max_deleted_id < self.first_id;
        if is_whole && id <= self.first_id {
            let before = self.entries_added.wrapping_sub(self.len);
            return Some(if id == self.first_id { before.wrapping_add(1) } else { before });
        }
        None
    }

    /// Whether an entry from `id` on was deleted, before or behind which there still are some.
    pub fn is_deleted_from(&self, id: Id) -> bool {
        self.len != 0 && !self.max_deleted_id.is_zero() && self.first_id.max(id) <= self.max_deleted_id
    }

    /// How many entries the group has not read, if that can be told. Negative where a count was set by hand.
    pub fn lag(&self, group: &Group) -> Option<i64> {
        if self.entries_added == 0 {
            return Some(0);
        }
        let read = group.entries_read.filter(|_| !self.is_deleted_from(group.last_id));
        let read = read.or_else(|| self.read_up_to(group.last_id))?;
        Some(self.entries_added.wrapping_sub(read) as i64)
    }
}
