//! A large sorted set: members ordered by score, then by their bytes.
//!
//! A B+tree with counts: its leaves ([`leaf`]) hold the elements packed, its inner nodes ([`tree`]) say how many are
//! below each branch, so that ranks, counts and ranges of any kind take one way down. The member index ([`index`])
//! leads from a member's hash to its leaf; members are stored once. Leaves are named by numbers of the slab
//! ([`slab`]), which the index can keep.
//!
//! All of it is shared by count: a clone costs nothing, and a writer copies a leaf and the nodes on its way, only
//! while they are shared.
//!
//! A score is never NaN. Zero has two signs, which are equal: the one that came first stays.

mod index;
mod leaf;
mod slab;
#[cfg(test)]
mod tests;
mod tree;

use crate::trie::{Leaf as _, Trie};
use base::hash::KeyHasher;
use base::rng::Rng;
use leaf::{Key, Leaf};
use slab::Slab;
use std::ops::Range;
use tree::{Node, Store, Where};

/// Bits of a hash below a scan position, so that a cursor is below 2^53.
const POSITION_SHIFT: u32 = 11;

/// A place between elements, by what lies before it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Edge<'a> {
    /// Elements with a lower score lie before it.
    Score(f64),
    /// Elements with this score too.
    AfterScore(f64),
    /// Members that are less lie before it. For sets whose scores are all equal.
    Member(&'a [u8]),
    /// This member too.
    AfterMember(&'a [u8]),
}

/// What [`Sorted::insert`] did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Insert {
    Inserted,
    /// It had this score.
    Rescored(f64),
    Unchanged,
}

#[derive(Clone)]
pub struct Sorted {
    root: Node,
    len: usize,
    store: Store,
}

impl Sorted {
    pub fn new(hasher: KeyHasher) -> Self {
        let mut store = Store {
            leaves: Slab::new(),
            index: Trie::new(&()),
            hasher,
            leaf_bytes: 0,
            inner_bytes: 0,
            #[cfg(test)]
            mask: !0,
        };
        let root = Node::Leaf(store.add_leaf(Leaf::new()));
        Self { root, len: 0, store }
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes allocated for it, whether shared with clones or not.
    pub fn memory_bytes(&self) -> usize {
        let Store { leaves, index, leaf_bytes, inner_bytes, .. } = &self.store;
        size_of::<Self>() + leaves.bytes() + leaf_bytes + inner_bytes + index.bytes()
    }

    /// The leaf that holds the member, and where.
    #[inline]
    fn find(&self, hash: u64, member: &[u8]) -> Option<(u32, usize)> {
        let page = self.store.index.leaf(hash);
        page.with_hash(hash).find_map(|i| {
            let id = page.leaf(i);
            Some((id, self.store.leaves.get(id).find(hash as u8, member)?))
        })
    }

    #[inline]
    pub fn score(&self, member: &[u8]) -> Option<f64> {
        let (id, i) = self.find(self.store.hash(member), member)?;
        Some(self.store.leaves.get(id).score(i))
    }

    /// How many elements lie before the member, and its score.
    pub fn rank(&self, member: &[u8]) -> Option<(usize, f64)> {
        let score = self.score(member)?;
        Some((self.rank_of(Key { score, member }), score))
    }

    fn rank_of(&self, key: Key<'_>) -> usize {
        self.root.partition(&self.store, |element| element.is_before(&key))
    }

    /// How many elements lie before an edge.
    pub fn count_before(&self, edge: Edge<'_>) -> usize {
        match edge {
            Edge::Score(score) => self.root.partition(&self.store, |element| element.score < score),
            Edge::AfterScore(score) => self.root.partition(&self.store, |element| element.score <= score),
            Edge::Member(member) => self.root.partition(&self.store, |element| element.member < member),
            Edge::AfterMember(member) => self.root.partition(&self.store, |element| element.member <= member),
        }
    }

    /// Gives the member this score, whether it was there or not.
    pub fn insert(&mut self, member: &[u8], score: f64) -> Insert {
        assert!(!score.is_nan(), "a score is a number");
        let hash = self.store.hash(member);
        let Some((id, i)) = self.find(hash, member) else {
            self.add(Key { score, member }, hash);
            return Insert::Inserted;
        };
        let leaf = self.store.leaves.get(id);
        let old = leaf.score(i);
        if old == score {
            return Insert::Unchanged;
        }
        let key = Key { score, member };
        let before = leaf.partition(|element| element.is_before(&key));
        // Itself, where it was, is not before itself.
        let to = before - usize::from(i < before);
        // Between two others of its leaf no edge can be crossed.
        if 0 < before && before < leaf.count() {
            self.store.change(id, |leaf| leaf.rescore(i, to, score));
        } else {
            self.remove_some(Where::Key(Key { score: old, member }), 1, &mut |_, _| ());
            self.add(key, hash);
        }
        Insert::Rescored(old)
    }

    fn add(&mut self, key: Key<'_>, hash: u64) {
        self.len += 1;
        if let Some(high) = self.root.insert(&mut self.store, key, hash) {
            self.root.grow(&mut self.store, self.len, high);
        }
    }

    /// Removes the member; its score if it was there.
    pub fn remove(&mut self, member: &[u8]) -> Option<f64> {
        let score = self.score(member)?;
        self.remove_some(Where::Key(Key { score, member }), 1, &mut |_, _| ());
        Some(score)
    }

    /// Removes the elements with these ranks, in order.
    pub fn remove_ranks(&mut self, ranks: Range<usize>, mut visit: impl FnMut(&[u8], f64)) {
        let end = ranks.end.min(self.len);
        let mut left = end.saturating_sub(ranks.start);
        while 0 < left {
            left -= self.remove_some(Where::Rank(ranks.start), left, &mut visit);
        }
    }

    /// Removes some elements from one on, at least that.
    fn remove_some(&mut self, from: Where<'_>, most: usize, visit: &mut dyn FnMut(&[u8], f64)) -> usize {
        let removed = self.root.remove(&mut self.store, from, most, visit);
        self.len -= removed;
        self.root.shrink(&mut self.store);
        if self.len == 0 {
            self.clear();
        } else {
            self.give_back();
        }
        removed
    }

    /// Gives places of leaves back, if most are free, faster than a removal frees them.
    fn give_back(&mut self) {
        const PLACES: usize = 6;
        for _ in 0..PLACES {
            if !self.store.leaves.is_sparse() {
                return;
            }
            if let Some((from, to)) = self.store.give_back() {
                self.root.rename(self.store.leaves.get(to).key(0), from, to);
            }
        }
    }

    fn clear(&mut self) {
        let store = &mut self.store;
        (store.leaves, store.index) = (Slab::new(), Trie::new(&()));
        (store.leaf_bytes, store.inner_bytes) = (0, 0);
        self.root = Node::Leaf(store.add_leaf(Leaf::new()));
    }

    /// The element of this rank.
    pub fn nth(&self, rank: usize) -> Option<(&[u8], f64)> {
        if self.len <= rank {
            return None;
        }
        let (leaf, i) = self.root.nth(&self.store, rank);
        Some((leaf.member(i), leaf.score(i)))
    }

    /// An element by chance, each with the same probability.
    pub fn random(&self, rng: &mut Rng) -> Option<(&[u8], f64)> {
        if self.len == 0 {
            return None;
        }
        self.nth(rng.below(self.len as u64) as usize)
    }

    /// The elements with these ranks, from both ends.
    pub fn range(&self, ranks: Range<usize>) -> Elements<'_> {
        let end = ranks.end.min(self.len);
        Elements { set: self, ranks: ranks.start.min(end)..end, front: None, back: None }
    }

    pub fn iter(&self) -> Elements<'_> {
        self.range(0..self.len)
    }

    /// Visits elements from a cursor on, in the order of their members' hashes, whatever their scores become
    /// meanwhile: at least so many, and all that share the last one's position. The cursor to go on from; 0 at the
    /// end, as at the beginning.
    pub fn scan<'a>(&'a self, cursor: u64, at_least: usize, mut visit: impl FnMut(&'a [u8], f64)) -> u64 {
        if u64::MAX >> POSITION_SHIFT < cursor {
            return 0;
        }
        let mut from = cursor << POSITION_SHIFT;
        let (at_least, mut visited) = (at_least.max(1), 0);
        loop {
            let (page, _, end) = self.store.index.leaf_and_range(from);
            let pairs = (0..page.count()).map(|i| (page.hash(i), page.leaf(i)));
            let mut found: Vec<(u64, u32)> = pairs.filter(|(hash, _)| from <= *hash).collect();
            // Members of one hash in one leaf are found at once.
            found.sort_unstable();
            found.dedup();
            let mut last = None;
            for (hash, id) in found {
                let position = hash >> POSITION_SHIFT;
                if at_least <= visited && last != Some(position) {
                    return position;
                }
                last = Some(position);
                let leaf = self.store.leaves.get(id);
                let same = leaf.tagged(hash as u8).filter(|&i| self.store.hash(leaf.member(i)) == hash);
                for i in same {
                    visit(leaf.member(i), leaf.score(i));
                    visited += 1;
                }
            }
            match end {
                None => return 0,
                Some(end) if at_least <= visited => return end >> POSITION_SHIFT,
                Some(end) => from = end,
            }
        }
    }
}

/// Elements in order, from both ends.
pub struct Elements<'a> {
    set: &'a Sorted,
    ranks: Range<usize>,
    /// The leaf where it goes on, and the place in it.
    front: Option<(&'a Leaf, usize)>,
    /// The place is behind the element that is next.
    back: Option<(&'a Leaf, usize)>,
}

impl<'a> Iterator for Elements<'a> {
    type Item = (&'a [u8], f64);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let rank = self.ranks.next()?;
        let (leaf, i) = match self.front {
            Some((leaf, i)) if i < leaf.count() => (leaf, i),
            _ => self.set.root.nth(&self.set.store, rank),
        };
        self.front = Some((leaf, i + 1));
        Some((leaf.member(i), leaf.score(i)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.ranks.size_hint()
    }
}

impl DoubleEndedIterator for Elements<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        let rank = self.ranks.next_back()?;
        let (leaf, i) = match self.back {
            Some((leaf, i)) if 0 < i => (leaf, i - 1),
            _ => self.set.root.nth(&self.set.store, rank),
        };
        self.back = Some((leaf, i));
        Some((leaf.member(i), leaf.score(i)))
    }
}

impl ExactSizeIterator for Elements<'_> {}
