//! The member index of a large sorted set: which leaf holds the member with a hash.
//!
//! A [`Trie`](crate::trie::Trie) of pages of (hash, leaf) pairs of 12 bytes. No member is stored twice: whether it
//! is this one, the leaf knows. Several members may share a hash.

use crate::outside::allocation_bytes;
use crate::trie::{ARC_BYTES, Leaf, NEVER, Room};
use std::sync::Arc;

const SLOTS_MAX: usize = 128;
const SLOTS_MIN: usize = 4;
const MERGE_COUNT_MAX: usize = 64;
const SLOT_WORDS: usize = 3;

/// All low halves of the hashes, then all high halves, then the leaves.
#[derive(Clone)]
pub(super) struct Page {
    words: Arc<[u32]>,
    count: u32,
}

impl Page {
    fn with_room(slots: usize) -> Self {
        let needed = slots.max(SLOTS_MIN) * SLOT_WORDS * 4;
        let bytes = allocation_bytes(ARC_BYTES + needed) - ARC_BYTES;
        let words = bytes / (4 * SLOT_WORDS) * SLOT_WORDS;
        Self { words: std::iter::repeat_n(0, words).collect(), count: 0 }
    }

    #[inline]
    fn slots(&self) -> usize {
        self.words.len() / SLOT_WORDS
    }

    #[inline]
    pub(super) fn hash(&self, i: usize) -> u64 {
        u64::from(self.words[self.slots() + i]) << 32 | u64::from(self.words[i])
    }

    #[inline]
    pub(super) fn leaf(&self, i: usize) -> u32 {
        self.words[2 * self.slots() + i]
    }

    /// The pairs with this hash.
    #[inline]
    pub(super) fn with_hash(&self, hash: u64) -> impl Iterator<Item = usize> {
        let (low, high) = (hash as u32, (hash >> 32) as u32);
        let highs = &self.words[self.slots()..];
        let lows = self.words[..self.count()].iter().enumerate();
        lows.filter(move |&(i, word)| *word == low && highs[i] == high).map(|(i, _)| i)
    }

    fn set(&mut self, i: usize, hash: u64, leaf: u32) {
        let slots = self.slots();
        let words = Arc::make_mut(&mut self.words);
        words[i] = hash as u32;
        words[slots + i] = (hash >> 32) as u32;
        words[2 * slots + i] = leaf;
    }

    /// Adds a pair; false if the page should be split first.
    pub(super) fn push(&mut self, hash: u64, leaf: u32, room: Room) -> bool {
        let count = self.count();
        if SLOTS_MAX <= count && room == Room::Split {
            return false;
        }
        if self.slots() == count {
            let mut new = Self::with_room(count + 1);
            (0..count).for_each(|i| new.set(i, self.hash(i), self.leaf(i)));
            new.count = self.count;
            *self = new;
        }
        self.set(count, hash, leaf);
        self.count += 1;
        true
    }

    pub(super) fn point(&mut self, hash: u64, from: u32, to: u32) {
        let i = self.with_hash(hash).find(|&i| self.leaf(i) == from).expect("each element is indexed");
        self.set(i, hash, to);
    }

    pub(super) fn remove(&mut self, hash: u64, leaf: u32) {
        let i = self.with_hash(hash).find(|&i| self.leaf(i) == leaf).expect("each element is indexed");
        let last = self.count() - 1;
        self.set(i, self.hash(last), self.leaf(last));
        self.count -= 1;
        if last + SLOTS_MIN < self.slots() / 2 {
            let mut new = Self::with_room(last);
            (0..last).for_each(|i| new.set(i, self.hash(i), self.leaf(i)));
            new.count = self.count;
            *self = new;
        }
    }
}

impl Leaf for Page {
    type Context = ();

    fn empty((): &()) -> Self {
        Self::with_room(0)
    }

    #[inline]
    fn count(&self) -> usize {
        self.count as usize
    }

    #[inline]
    fn earliest(&self) -> i64 {
        NEVER
    }

    fn bytes(&self) -> usize {
        allocation_bytes(ARC_BYTES + self.words.len() * 4)
    }

    fn split(&self, (): &(), bit: u32) -> [Self; 2] {
        let side = |i: usize| (self.hash(i) >> bit & 1) as usize;
        let ones = (0..self.count()).map(side).sum();
        let mut halves = [self.count() - ones, ones].map(Self::with_room);
        (0..self.count()).for_each(|i| {
            halves[side(i)].push(self.hash(i), self.leaf(i), Room::Last);
        });
        halves
    }

    fn merge(&self, other: &Self) -> Option<Self> {
        let count = self.count() + other.count();
        if MERGE_COUNT_MAX < count {
            return None;
        }
        let mut merged = Self::with_room(count);
        for page in [self, other] {
            (0..page.count()).for_each(|i| {
                merged.push(page.hash(i), page.leaf(i), Room::Last);
            });
        }
        Some(merged)
    }
}
