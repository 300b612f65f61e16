//! The inner nodes of a large sorted set's tree: who is where, and how many are below.
//!
//! A node has up to 64 branches. Each but a node's first begins at its edge: a score and as many bytes of a member
//! as tell its first element from the last one before it; where scores differ, that is none. A branch says how many
//! elements are below it. Leaves are in the slab and are named by number; whatever moves to another leaf is pointed
//! there in the member index at once.

use super::index;
use super::leaf::{Key, Leaf};
use super::slab::Slab;
use crate::trie::{ARC_BYTES, Trie};
use base::hash::KeyHasher;
use std::sync::Arc;

const BRANCHES_MAX: usize = 64;
/// Neighbours with at most so many branches together are merged.
const BRANCHES_MERGED_MAX: usize = 40;

#[derive(Clone)]
pub(super) struct Branch {
    score: f64,
    prefix: Box<[u8]>,
    count: usize,
    node: Node,
}

#[derive(Clone)]
pub(super) enum Node {
    Leaf(u32),
    Inner(Arc<Vec<Branch>>),
}

/// Names an element.
#[derive(Clone, Copy)]
pub(super) enum Where<'a> {
    Rank(usize),
    Key(Key<'a>),
}

/// What the tree's nodes work on.
#[derive(Clone)]
pub(super) struct Store {
    pub(super) leaves: Slab<Leaf>,
    pub(super) index: Trie<index::Page>,
    pub(super) hasher: KeyHasher,
    /// Bytes behind the leaves, and of the inner nodes.
    pub(super) leaf_bytes: usize,
    pub(super) inner_bytes: usize,
    /// Tests make hashes collide by it.
    #[cfg(test)]
    pub(super) mask: u64,
}

impl Store {
    #[inline]
    pub(super) fn hash(&self, member: &[u8]) -> u64 {
        #[cfg(test)]
        return self.hasher.hash(member) & self.mask;
        #[cfg(not(test))]
        self.hasher.hash(member)
    }

    /// Changes a leaf, and keeps the count of bytes.
    pub(super) fn change<R>(&mut self, id: u32, change: impl FnOnce(&mut Leaf) -> R) -> R {
        let leaf = self.leaves.get_mut(id);
        let before = leaf.bytes();
        let result = change(leaf);
        self.leaf_bytes = self.leaf_bytes + leaf.bytes() - before;
        result
    }

    pub(super) fn add_leaf(&mut self, leaf: Leaf) -> u32 {
        self.leaf_bytes += leaf.bytes();
        self.leaves.insert(leaf)
    }

    fn hashes(&self, leaf: &Leaf) -> Vec<u64> {
        (0..leaf.count()).map(|i| self.hash(leaf.member(i))).collect()
    }

    /// Points the index to where elements of these hashes are now.
    fn point(&mut self, hashes: &[u64], from: u32, to: u32) {
        for &hash in hashes {
            self.index.change(hash, &(), |page, _| {
                page.point(hash, from, to);
                Some(())
            });
        }
    }

    /// Moves all elements of a leaf into the one before it, if both are sparse.
    fn merge_leaves(&mut self, low: u32, high: u32) -> bool {
        if !self.leaves.get(low).may_merge(self.leaves.get(high)) {
            return false;
        }
        let moved = self.leaves.remove(high);
        self.leaf_bytes -= moved.bytes();
        self.change(low, |leaf| leaf.merge(&moved));
        let hashes = self.hashes(&moved);
        self.point(&hashes, high, low);
        true
    }

    /// Gives the last leaf's place back. The leaf, if there was one, has another number then: from and to.
    pub(super) fn give_back(&mut self) -> Option<(u32, u32)> {
        let (from, to) = self.leaves.give_back()?;
        let hashes = self.hashes(self.leaves.get(to));
        self.point(&hashes, from, to);
        Some((from, to))
    }

    /// Frees a node that has no elements.
    fn free(&mut self, node: &Node) {
        match node {
            Node::Leaf(id) => self.leaf_bytes -= self.leaves.remove(*id).bytes(),
            Node::Inner(branches) => {
                self.inner_bytes -= INNER_BYTES;
                self.drop_branches(branches);
                branches.iter().for_each(|branch| self.free(&branch.node));
            }
        }
    }

    fn add_branches(&mut self, branches: &[Branch]) {
        self.inner_bytes += branches.iter().map(Branch::bytes).sum::<usize>();
    }

    fn drop_branches(&mut self, branches: &[Branch]) {
        self.inner_bytes -= branches.iter().map(Branch::bytes).sum::<usize>();
    }
}

/// Bytes of an inner node beside its branches.
const INNER_BYTES: usize = ARC_BYTES + size_of::<Vec<Branch>>();

impl Branch {
    fn edge(&self) -> Key<'_> {
        Key { score: self.score, member: &self.prefix }
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + self.prefix.len()
    }

    /// A branch that begins between two neighbours.
    fn between(last: Key<'_>, first: Key<'_>, count: usize, node: Node) -> Self {
        assert!(last.is_before(&first));
        let prefix = if last.score < first.score {
            &[]
        } else {
            let same = last.member.iter().zip(first.member).take_while(|(a, b)| a == b).count();
            &first.member[..same + 1]
        };
        Self { score: first.score, prefix: prefix.into(), count, node }
    }
}

/// The branch that a place is below, for a node's branches.
#[inline]
fn branch_at(branches: &[Branch], is_before: &impl Fn(Key<'_>) -> bool) -> usize {
    // Whatever comes before an edge is below an earlier branch. The first branch has no edge.
    branches[1..].partition_point(|branch| is_before(branch.edge()))
}

impl Node {
    /// How many elements lie before a place: as [`Leaf::partition`]. Also the leaf where it is.
    pub(super) fn partition(&self, store: &Store, is_before: impl Fn(Key<'_>) -> bool) -> usize {
        let (mut node, mut before) = (self, 0);
        loop {
            match node {
                Self::Leaf(id) => return before + store.leaves.get(*id).partition(&is_before),
                Self::Inner(branches) => {
                    let at = branch_at(branches, &is_before);
                    before += branches[..at].iter().map(|branch| branch.count).sum::<usize>();
                    node = &branches[at].node;
                }
            }
        }
    }

    /// The leaf with the element of this rank, which is there, and its place in it.
    pub(super) fn nth<'a>(&self, store: &'a Store, rank: usize) -> (&'a Leaf, usize) {
        let (mut node, mut rest) = (self, rank);
        loop {
            match node {
                Self::Leaf(id) => return (store.leaves.get(*id), rest),
                Self::Inner(branches) => {
                    let at = branch_of_rank(branches, &mut rest);
                    node = &branches[at].node;
                }
            }
        }
    }

    /// Adds an element that is not there. A node that had to be split gives its upper half.
    pub(super) fn insert(&mut self, store: &mut Store, key: Key<'_>, hash: u64) -> Option<Branch> {
        let branches = match self {
            Self::Leaf(id) => return insert_into_leaf(*id, store, key, hash),
            Self::Inner(branches) => Arc::make_mut(branches),
        };
        // An edge may be the element itself: then it is the first one of its branch.
        let at = branch_at(branches, &|edge| !key.is_before(&edge));
        let branch = &mut branches[at];
        branch.count += 1;
        let new = branch.node.insert(store, key, hash)?;
        branch.count -= new.count;
        store.add_branches(std::slice::from_ref(&new));
        branches.insert(at + 1, new);
        if branches.len() <= BRANCHES_MAX {
            return None;
        }
        // Whoever adds at the end goes on there: the lower node stays almost full.
        let middle = if at + 2 == branches.len() { branches.len() * 7 / 8 } else { branches.len() / 2 };
        let mut high = branches.split_off(middle);
        // The first edge is the new branch's; inside of the node it isn't needed.
        let (score, prefix) = (high[0].score, std::mem::take(&mut high[0].prefix));
        store.inner_bytes = store.inner_bytes + INNER_BYTES - prefix.len();
        let count = high.iter().map(|branch| branch.count).sum();
        Some(Branch { score, prefix, count, node: Self::Inner(Arc::new(high)) })
    }

    /// Puts a root above a node that was split.
    pub(super) fn grow(&mut self, store: &mut Store, len: usize, high: Branch) {
        let low = std::mem::replace(self, Self::Leaf(0));
        let count = len - high.count;
        let low = Branch { score: f64::NEG_INFINITY, prefix: Box::default(), count, node: low };
        let branches = vec![low, high];
        store.add_branches(&branches);
        store.inner_bytes += INNER_BYTES;
        *self = Self::Inner(Arc::new(branches));
    }

    /// Removes up to so many elements of one leaf, from one that is there on. How many they were.
    pub(super) fn remove(
        &mut self,
        store: &mut Store,
        from: Where<'_>,
        most: usize,
        visit: &mut dyn FnMut(&[u8], f64),
    ) -> usize {
        let branches = match self {
            Self::Leaf(id) => return remove_from_leaf(*id, store, from, most, visit),
            Self::Inner(branches) => Arc::make_mut(branches),
        };
        let (at, from) = match from {
            Where::Key(key) => (branch_at(branches, &|edge| !key.is_before(&edge)), from),
            Where::Rank(mut rest) => (branch_of_rank(branches, &mut rest), Where::Rank(rest)),
        };
        let removed = branches[at].node.remove(store, from, most, visit);
        branches[at].count -= removed;
        if 0 < at {
            merge(branches, at - 1, store);
        }
        if at + 1 < branches.len() {
            merge(branches, at, store);
        }
        removed
    }

    /// A leaf has another number; the key is one of its elements.
    pub(super) fn rename(&mut self, key: Key<'_>, from: u32, to: u32) {
        match self {
            Self::Leaf(id) => {
                assert!(*id == from, "the way down leads to the element's leaf");
                *id = to;
            }
            Self::Inner(branches) => {
                let at = branch_at(branches, &|edge| !key.is_before(&edge));
                Arc::make_mut(branches)[at].node.rename(key, from, to);
            }
        }
    }

    /// Takes the root away where it has one branch only.
    pub(super) fn shrink(&mut self, store: &mut Store) {
        while let Self::Inner(branches) = self
            && branches.len() == 1
        {
            let node = branches[0].node.clone();
            store.drop_branches(branches);
            store.inner_bytes -= INNER_BYTES;
            *self = node;
        }
    }

    /// Bytes of all inner nodes.
    #[cfg(test)]
    pub(super) fn inner_bytes(&self) -> usize {
        let Self::Inner(branches) = self else { return 0 };
        INNER_BYTES + branches.iter().map(|branch| branch.bytes() + branch.node.inner_bytes()).sum::<usize>()
    }

    /// Checks edges and counts; calls for each leaf in order.
    #[cfg(test)]
    pub(super) fn walk(
        &self,
        visit: &mut dyn FnMut(u32, Option<(f64, Vec<u8>)>),
        edge: Option<(f64, Vec<u8>)>,
    ) {
        match self {
            Self::Leaf(id) => visit(*id, edge),
            Self::Inner(branches) => {
                for (i, branch) in branches.iter().enumerate() {
                    let own = (branch.score, branch.prefix.to_vec());
                    branch.node.walk(visit, if i == 0 { edge.clone() } else { Some(own) });
                }
            }
        }
    }
}

#[inline]
fn branch_of_rank(branches: &[Branch], rest: &mut usize) -> usize {
    let at = branches.iter().position(|branch| {
        let here = *rest < branch.count;
        *rest -= if here { 0 } else { branch.count };
        here
    });
    at.expect("the counts of a node's branches add up")
}

/// Merges a node's branch with the next one, if both are sparse.
fn merge(branches: &mut Vec<Branch>, at: usize, store: &mut Store) {
    let [low, high] = &mut branches[at..at + 2] else { unreachable!("there is a next one") };
    if low.count == 0 || high.count == 0 {
        // The place of an empty one goes to the other.
        if low.count == 0 {
            std::mem::swap(&mut low.node, &mut high.node);
            std::mem::swap(&mut low.count, &mut high.count);
        }
        let gone = branches.remove(at + 1);
        store.free(&gone.node);
        store.drop_branches(&[gone]);
        return;
    }
    let is_merged = match (&mut low.node, &high.node) {
        (Node::Leaf(low), Node::Leaf(high)) => store.merge_leaves(*low, *high),
        (Node::Inner(nodes), Node::Inner(more)) if nodes.len() + more.len() <= BRANCHES_MERGED_MAX => {
            let mut more = Vec::clone(more);
            // The edge between the two nodes is inside of the merged one.
            (more[0].score, more[0].prefix) = (high.score, high.prefix.clone());
            store.inner_bytes = store.inner_bytes + high.prefix.len() - INNER_BYTES;
            Arc::make_mut(nodes).append(&mut more);
            true
        }
        (Node::Inner(_), Node::Inner(_)) => false,
        _ => unreachable!("branches of one node are of one height"),
    };
    if is_merged {
        low.count += high.count;
        let gone = branches.remove(at + 1);
        store.drop_branches(&[gone]);
    }
}

fn insert_into_leaf(id: u32, store: &mut Store, key: Key<'_>, hash: u64) -> Option<Branch> {
    let leaf = store.leaves.get(id);
    let at = leaf.partition(|element| element.is_before(&key));
    let add = |store: &mut Store, id: u32, at: usize| {
        store.change(id, |leaf| leaf.insert(at, key, hash as u8));
        store.index.change(hash, &(), |page, room| page.push(hash, id, room).then_some(()));
    };
    if !leaf.is_full_for(key.member) {
        add(store, id, at);
        return None;
    }
    // Whoever adds at the end goes on there: the leaf stays full and a new one begins.
    let middle = if at == leaf.count() { at } else { leaf.middle() };
    let high = store.change(id, |leaf| leaf.split_off(middle));
    let hashes = store.hashes(&high);
    let new = store.add_leaf(high);
    store.point(&hashes, id, new);
    if middle < at || hashes.is_empty() {
        add(store, new, at - middle);
    } else {
        add(store, id, at);
    }
    let (low, high) = (store.leaves.get(id), store.leaves.get(new));
    Some(Branch::between(low.key(low.count() - 1), high.key(0), high.count(), Node::Leaf(new)))
}

fn remove_from_leaf(
    id: u32,
    store: &mut Store,
    from: Where<'_>,
    most: usize,
    visit: &mut dyn FnMut(&[u8], f64),
) -> usize {
    let leaf = store.leaves.get(id);
    let from = match from {
        Where::Key(key) => leaf.partition(|element| element.is_before(&key)),
        Where::Rank(rank) => rank,
    };
    let range = from..leaf.count().min(from.saturating_add(most));
    let hashes: Vec<u64> = range.clone().map(|i| store.hash(leaf.member(i))).collect();
    range.clone().for_each(|i| visit(leaf.member(i), leaf.score(i)));
    for hash in hashes {
        store.index.change(hash, &(), |page, _| {
            page.remove(hash, id);
            Some(())
        });
    }
    let removed = range.len();
    store.change(id, |leaf| leaf.remove(range));
    removed
}
