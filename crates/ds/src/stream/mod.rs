//! A stream: a spine of blocks of entries in Redis's layout, ordered by id, and its consumer groups.
//!
//! Blocks go into an RDB as they are. A deleted entry stays in its block as a tombstone until the block has no other
//! entries. Pages, blocks, groups and consumers are shared with clones until they are written to.
//!
//! Invariants: ids of live entries ascend over all blocks, each at or behind its block's master id, and the next
//! master behind them; none lies behind `last_id`. The counters say what is there.
//! Absent: who waits for entries, and what is propagated.

mod block;
mod counters;
mod group;
mod id;
mod radix;
mod range;
#[cfg(test)]
mod tests;
mod trim;

use crate::allocation::block_bytes;
use crate::listpack::Value;
use crate::shared::make_mut;
use crate::spine::Spine;
pub use block::{Block, Entry};
pub use counters::Counters;
pub use group::{Activity, Consumer, Group, GroupError, GroupLoader, Name, Pending};
pub use id::{Id, parse_part};
pub use range::Range;
use std::sync::Arc;
pub use trim::{Keep, Precision};

/// A block does not grow beyond this, whatever the limits are; nor can an entry be larger.
pub const BLOCK_BYTES_MAX: usize = 1 << 30;

/// How large blocks become: `stream-node-max-bytes` and `stream-node-max-entries`; 0 is no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub block_bytes_max: usize,
    pub block_entries_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { block_bytes_max: 4096, block_entries_max: 100 }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddError {
    /// The id is not larger than all before.
    NotLast,
    TooLarge,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadError {
    /// The bytes are no block.
    Block,
    /// Blocks don't ascend.
    Order,
    /// Two groups of one name.
    DuplicateGroup,
}

#[derive(Clone, Default)]
pub struct Stream {
    blocks: Spine<Arc<Block>>,
    groups: Spine<Arc<Group>>,
    entries_added: u64,
    last_id: Id,
    first_id: Id,
    max_deleted_id: Id,
}

impl Stream {
    pub fn new() -> Self {
        Self::default()
    }

    /// Entries.
    pub fn len(&self) -> usize {
        self.blocks.weight()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn counters(&self) -> Counters {
        Counters {
            len: self.len() as u64,
            entries_added: self.entries_added,
            last_id: self.last_id,
            first_id: self.first_id,
            max_deleted_id: self.max_deleted_id,
        }
    }

    pub fn last_id(&self) -> Id {
        self.last_id
    }

    /// Adds an entry behind all others.
    pub fn add<'v>(
        &mut self,
        id: Id,
        pairs: impl Iterator<Item = (&'v [u8], &'v [u8])> + Clone,
        limits: Limits,
    ) -> Result<(), AddError> {
        if id <= self.last_id {
            return Err(AddError::NotLast);
        }
        let bytes: usize = pairs.clone().map(|(name, value)| name.len() + value.len()).sum();
        if BLOCK_BYTES_MAX < bytes {
            return Err(AddError::TooLarge);
        }
        // Behind XSETID an id may lie before a block of tombstones.
        while self.blocks.last().is_some_and(|last| last.is_empty() && id <= last.master()) {
            self.blocks.remove(self.blocks.len() - 1);
        }
        let pairs = pairs.map(|(name, value)| (Value::Str(name), Value::Str(value)));
        match self.blocks.last() {
            Some(last) if has_room(last, bytes, limits) => {
                let at = self.blocks.len() - 1;
                self.blocks.update(at, |block| make_mut(block).append(id, pairs));
            }
            _ => self.blocks.push(Arc::new(Block::new(id, pairs))),
        }
        // Foreign files may claim any number; Redis's turns over too.
        self.entries_added = self.entries_added.wrapping_add(1);
        self.last_id = id;
        if self.len() == 1 {
            self.first_id = id;
        }
        Ok(())
    }

    /// Deletes an entry; false if there is none with this id.
    pub fn delete(&mut self, id: Id) -> bool {
        let Some(at) = self.block_of(id) else { return false };
        let block = self.blocks.get(at).expect("was found");
        let Some(found) = block.find(id) else { return false };
        if block.len() == 1 {
            self.blocks.remove(at);
        } else {
            self.blocks.update(at, |block| make_mut(block).delete(found));
        }
        self.max_deleted_id = self.max_deleted_id.max(id);
        if id == self.first_id || self.is_empty() {
            self.find_first_id();
        }
        true
    }

    pub fn contains(&self, id: Id) -> bool {
        self.get(id).is_some()
    }

    pub fn get(&self, id: Id) -> Option<Entry<'_>> {
        self.range(id, id).next()
    }

    pub fn first(&self) -> Option<Entry<'_>> {
        self.range(Id::MIN, Id::MAX).next()
    }

    /// The id of the first entry, be it a tombstone: where an exact trim finds what an approximate one left.
    pub fn first_record(&self) -> Option<Id> {
        self.blocks.first().map(|block| block.first_record())
    }

    pub fn last(&self) -> Option<Entry<'_>> {
        self.range_back(Id::MIN, Id::MAX).next()
    }

    /// Entries of `start..=end`, ascending.
    pub fn range(&self, start: Id, end: Id) -> Range<'_> {
        Range::forward(self, start, end)
    }

    /// Entries of `start..=end`, descending.
    pub fn range_back(&self, start: Id, end: Id) -> Range<'_> {
        Range::backward(self, start, end)
    }

    /// What XSETID sets: the last id, which is not below any entry, and the other two where they are given.
    pub fn set_last_id(&mut self, last_id: Id, entries_added: Option<u64>, max_deleted_id: Option<Id>) {
        assert!(self.last().is_none_or(|last| last.id <= last_id), "the last id lies behind every entry");
        self.last_id = last_id;
        self.entries_added = entries_added.unwrap_or(self.entries_added);
        self.max_deleted_id = max_deleted_id.unwrap_or(self.max_deleted_id);
    }

    /// For saving.
    pub fn blocks(&self) -> impl DoubleEndedIterator<Item = &Block> {
        self.blocks.iter().map(|block| &**block)
    }

    pub fn blocks_len(&self) -> usize {
        self.blocks.len()
    }

    /// How many nodes a radix tree of the blocks' master ids would have: what Redis keeps, and tells of. Of many blocks
    /// it is told by the first ones.
    pub fn radix_nodes(&self) -> usize {
        const BLOCKS_MAX: usize = 1024;
        let masters = self.blocks().take(BLOCKS_MAX).map(|block| block.master().to_bytes());
        let counted = radix::nodes(&masters.collect::<Vec<_>>());
        if self.blocks.len() <= BLOCKS_MAX { counted } else { counted * self.blocks.len() / BLOCKS_MAX }
    }

    /// Appends a block of a file: its master id and its listpack. One of tombstones only is left away.
    pub fn push_block(&mut self, master: Id, bytes: Box<[u8]>) -> Result<(), LoadError> {
        let block = Block::from_bytes(master, bytes).ok_or(LoadError::Block)?;
        if block.is_empty() {
            return Ok(());
        }
        if self.last().is_some_and(|last| block.master() <= last.id) {
            return Err(LoadError::Order);
        }
        self.blocks.push(Arc::new(block));
        Ok(())
    }

    /// After the last block of a file: the counters that it holds. Old files have none but the last id; then the
    /// others are `None`. Ids of entries count where the file contradicts them.
    pub fn finish_load(&mut self, last_id: Id, entries_added: Option<u64>, max_deleted_id: Option<Id>) {
        let largest = self.last().map_or(Id::MIN, |entry| entry.id);
        self.last_id = last_id.max(largest);
        self.entries_added = entries_added.unwrap_or(self.len() as u64);
        self.max_deleted_id = max_deleted_id.unwrap_or(Id::MIN);
        self.find_first_id();
    }

    /// In the order of their names.
    pub fn groups(&self) -> impl DoubleEndedIterator<Item = &Group> {
        self.groups.iter().map(|group| &**group)
    }

    pub fn groups_len(&self) -> usize {
        self.groups.len()
    }

    pub fn group(&self, name: &[u8]) -> Option<&Group> {
        let index = group::search_name(&self.groups, name).ok()?;
        self.groups.get(index).map(|group| &**group)
    }

    /// Changes a group; the counters are the stream's.
    pub fn with_group<R>(
        &mut self,
        name: &[u8],
        change: impl FnOnce(&mut Group, &Counters) -> R,
    ) -> Option<R> {
        let index = group::search_name(&self.groups, name).ok()?;
        let counters = self.counters();
        Some(self.groups.update(index, |group| change(make_mut(group), &counters)))
    }

    /// False if there is one of this name.
    pub fn create_group(&mut self, name: &[u8], last_id: Id, entries_read: Option<u64>) -> bool {
        self.add_group(Group::new(name, last_id, entries_read)).is_ok()
    }

    /// Adds a group of a file.
    pub fn add_group(&mut self, group: Group) -> Result<(), LoadError> {
        let Err(index) = group::search_name(&self.groups, group.name()) else {
            return Err(LoadError::DuplicateGroup);
        };
        self.groups.insert(index, Arc::new(group));
        Ok(())
    }

    /// False if there is none of this name.
    pub fn destroy_group(&mut self, name: &[u8]) -> bool {
        let Ok(index) = group::search_name(&self.groups, name) else { return false };
        self.groups.remove(index);
        true
    }

    /// Bytes of memory, shared pages included: about, by some of the blocks, groups and consumers.
    pub fn memory_bytes(&self) -> usize {
        self.memory_bytes_sampled(usize::MAX)
    }

    /// As [`Stream::memory_bytes`], looking at so many blocks, groups and consumers of a group at most.
    pub fn memory_bytes_sampled(&self, count: usize) -> usize {
        let arc_bytes = 2 * size_of::<usize>();
        let blocks = self.blocks.sampled_bytes(count, |block| {
            block_bytes(size_of::<Block>() + arc_bytes) + block_bytes(block.bytes().len())
        });
        let groups = self.groups.sampled_bytes(count, |group| group.memory_bytes(count));
        let own = size_of::<Self>() + self.blocks.page_bytes() + self.groups.page_bytes();
        own + blocks + groups
    }

    /// The block in which an entry with this id would be.
    fn block_of(&self, id: Id) -> Option<usize> {
        self.blocks.partition_point(|master| *master <= id).checked_sub(1)
    }

    fn find_first_id(&mut self) {
        self.first_id = self.first().map_or(Id::MIN, |entry| entry.id);
    }
}

/// Whether an entry with so many bytes of names and values goes into the block.
fn has_room(block: &Block, bytes: usize, limits: Limits) -> bool {
    let bytes_max = match limits.block_bytes_max {
        0 => BLOCK_BYTES_MAX,
        some => some.min(BLOCK_BYTES_MAX),
    };
    let by_entries = limits.block_entries_max == 0 || block.records() < limits.block_entries_max;
    block.bytes().len() + bytes < bytes_max && by_entries
}
