//! A trie of small leaves in hash order, all of it shareable: what large hashes, sets and member indexes stand on.
//!
//! A node reads six bits of the hash. Its children are in hash order, and a child that was not split so far covers
//! several of the 64 slots: an extendible directory, but one of bounded size, and below it further ones. So no step
//! is longer than a copy of one node or one leaf: there is no big rehash, and none of a big directory either.
//!
//! Nodes and leaves are shared by count. A clone of the trie is a clone of its root; a writer copies the nodes on
//! its way and one leaf, and only while they are shared.
//!
//! Every child says how many elements are below it and when the first of them expires, so that the element of a
//! rank (and with it a uniformly random one) and the next to expire are found by one way down.

use std::sync::Arc;

/// Bits of the hash that one node reads.
const NODE_BITS: u32 = 6;
const SLOTS: usize = 1 << NODE_BITS;
/// Leaves are not split beyond so many bits: there all keys of the leaf share them, by an attack or a test.
pub(crate) const DEPTH_MAX: u32 = 48;
/// The time at which something expires that never does.
pub(crate) const NEVER: i64 = i64::MAX;
/// What an `Arc` holds beside its value.
pub(crate) const ARC_BYTES: usize = 16;

/// Whether a full leaf may ask to be split.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Room {
    Split,
    /// The leaf takes what comes, whatever its size.
    Last,
}

pub(crate) trait Leaf: Clone {
    /// What a leaf needs to know of its table: how keys are hashed, for one.
    type Context;
    fn empty(context: &Self::Context) -> Self;
    fn count(&self) -> usize;
    /// The earliest time at which an element expires, or [`NEVER`].
    fn earliest(&self) -> i64;
    /// Bytes allocated behind the leaf.
    fn bytes(&self) -> usize;
    /// The elements whose hash has a zero at this bit, and those that have a one.
    fn split(&self, context: &Self::Context, bit: u32) -> [Self; 2];
    /// Both leaves as one, if they are sparse enough for it.
    fn merge(&self, other: &Self) -> Option<Self>;
}

#[derive(Clone)]
pub(crate) struct Trie<L> {
    root: Arc<Node<L>>,
    count: usize,
    bytes: usize,
}

#[derive(Clone)]
struct Node<L> {
    /// The child of each slot. Ascending, as children are in hash order.
    index: [u8; SLOTS],
    children: Vec<Child<L>>,
}

#[derive(Clone)]
struct Child<L> {
    kind: Kind<L>,
    earliest: i64,
    count: u32,
    /// It covers `SLOTS >> depth` slots.
    depth: u8,
}

#[derive(Clone)]
enum Kind<L> {
    Leaf(L),
    Node(Arc<Node<L>>),
}

/// What a change did on its way, for the nodes above.
struct Change {
    hash: u64,
    count_before: usize,
    count_after: usize,
    earliest_moved: bool,
    /// Bytes of the whole trie.
    bytes: usize,
}

#[inline]
fn slot(hash: u64, depth: u32) -> usize {
    (hash << depth >> (64 - NODE_BITS)) as usize
}

impl<L: Leaf> Trie<L> {
    pub(crate) fn new(context: &L::Context) -> Self {
        let leaf = L::empty(context);
        let bytes = leaf.bytes() + Node::<L>::BYTES + size_of::<Child<L>>();
        Self { root: Arc::new(Node::of(Child::new(leaf, 0))), count: 0, bytes }
    }

    pub(crate) fn count(&self) -> usize {
        self.count
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The same by a walk over everything.
    #[cfg(test)]
    pub(crate) fn bytes_walked(&self) -> usize {
        self.root.bytes_walked()
    }

    pub(crate) fn earliest(&self) -> i64 {
        self.root.earliest()
    }

    /// The leaf that holds elements of this hash.
    #[inline]
    pub(crate) fn leaf(&self, hash: u64) -> &L {
        let (mut node, mut depth) = (&self.root, 0);
        loop {
            match &node.children[usize::from(node.index[slot(hash, depth)])].kind {
                Kind::Leaf(leaf) => return leaf,
                Kind::Node(below) => node = below,
            }
            depth += NODE_BITS;
        }
    }

    /// The same, with the first hash of the leaf and the first one behind it.
    pub(crate) fn leaf_and_range(&self, hash: u64) -> (&L, u64, Option<u64>) {
        let (mut node, mut above) = (&self.root, 0);
        loop {
            let child = &node.children[usize::from(node.index[slot(hash, above)])];
            match &child.kind {
                Kind::Leaf(leaf) => {
                    let depth = above + u32::from(child.depth);
                    let within = u64::MAX >> depth;
                    return (leaf, hash & !within, (hash | within).checked_add(1));
                }
                Kind::Node(below) => node = below,
            }
            above += NODE_BITS;
        }
    }

    /// The leaf with the element of this rank in hash order, and how many of the leaf's come before it.
    pub(crate) fn nth(&self, rank: usize) -> Option<(&L, usize)> {
        if self.count <= rank {
            return None;
        }
        let (mut node, mut rest) = (&self.root, rank);
        loop {
            let mut children = node.children.iter();
            let child = children.find(|child| {
                let here = rest < child.count as usize;
                rest -= if here { 0 } else { child.count as usize };
                here
            });
            match &child.expect("the counts of a node's children add up").kind {
                Kind::Leaf(leaf) => return Some((leaf, rest)),
                Kind::Node(below) => node = below,
            }
        }
    }

    /// The leaf that expires first.
    pub(crate) fn earliest_leaf(&self) -> Option<&L> {
        let mut node = &self.root;
        loop {
            let child = node.children.iter().min_by_key(|child| child.earliest)?;
            match &child.kind {
                _ if child.earliest == NEVER => return None,
                Kind::Leaf(leaf) => return Some(leaf),
                Kind::Node(below) => node = below,
            }
        }
    }

    pub(crate) fn leaves(&self) -> Leaves<'_, L> {
        Leaves { stack: vec![self.root.children.iter()] }
    }

    /// Changes the leaf of this hash. A leaf that has no room returns `None`, and is asked again when it is split.
    pub(crate) fn change<R>(
        &mut self,
        hash: u64,
        context: &L::Context,
        mut change: impl FnMut(&mut L, Room) -> Option<R>,
    ) -> R {
        let mut done =
            Change { hash, count_before: 0, count_after: 0, earliest_moved: false, bytes: self.bytes };
        let result = Arc::make_mut(&mut self.root).change(0, context, &mut done, &mut change);
        self.count = self.count + done.count_after - done.count_before;
        self.bytes = done.bytes;
        result
    }
}

impl<L: Leaf> Child<L> {
    fn new(leaf: L, depth: u8) -> Self {
        let count = u32::try_from(leaf.count()).expect("a leaf is small");
        Self { earliest: leaf.earliest(), count, depth, kind: Kind::Leaf(leaf) }
    }
}

impl<L: Leaf> Node<L> {
    const BYTES: usize = ARC_BYTES + size_of::<Self>();

    fn of(child: Child<L>) -> Self {
        Self { index: [0; SLOTS], children: vec![child] }
    }

    fn earliest(&self) -> i64 {
        self.children.iter().map(|child| child.earliest).min().unwrap_or(NEVER)
    }

    #[cfg(test)]
    fn bytes_walked(&self) -> usize {
        let below = self.children.iter().map(|child| match &child.kind {
            Kind::Leaf(leaf) => leaf.bytes(),
            Kind::Node(node) => node.bytes_walked(),
        });
        Self::BYTES + self.children.len() * size_of::<Child<L>>() + below.sum::<usize>()
    }

    fn change<R>(
        &mut self,
        above: u32,
        context: &L::Context,
        done: &mut Change,
        change: &mut impl FnMut(&mut L, Room) -> Option<R>,
    ) -> R {
        let slot = slot(done.hash, above);
        loop {
            let at = usize::from(self.index[slot]);
            let child = &mut self.children[at];
            let result = match &mut child.kind {
                Kind::Node(below) => {
                    let node = Arc::make_mut(below);
                    let result = node.change(above + NODE_BITS, context, done, change);
                    if done.earliest_moved {
                        child.earliest = node.earliest();
                    }
                    Some(result)
                }
                Kind::Leaf(leaf) => {
                    let room =
                        if above + u32::from(child.depth) < DEPTH_MAX { Room::Split } else { Room::Last };
                    let (bytes, count) = (leaf.bytes(), leaf.count());
                    let result = change(leaf, room);
                    done.bytes = done.bytes + leaf.bytes() - bytes;
                    (done.count_before, done.count_after) = (count, leaf.count());
                    let earliest = leaf.earliest();
                    done.earliest_moved = earliest != child.earliest;
                    child.earliest = earliest;
                    result
                }
            };
            let Some(result) = result else {
                self.split(slot, above, context, done);
                continue;
            };
            let count = child.count as usize + done.count_after - done.count_before;
            child.count = u32::try_from(count).expect("a child holds fewer than 2^32 elements");
            if done.count_after < done.count_before {
                self.shrink(slot, done);
            }
            return result;
        }
    }

    /// Splits the leaf at a slot, or puts a node in its place where this node has no more bits.
    fn split(&mut self, slot: usize, above: u32, context: &L::Context, done: &mut Change) {
        let at = usize::from(self.index[slot]);
        let child = &mut self.children[at];
        let Kind::Leaf(leaf) = &mut child.kind else { unreachable!("only leaves are split") };
        let depth = u32::from(child.depth);
        if depth == NODE_BITS {
            let below = Child::new(leaf.clone(), 0);
            child.kind = Kind::Node(Arc::new(Self::of(below)));
            done.bytes += Self::BYTES + size_of::<Child<L>>();
            return;
        }
        let parts = leaf.split(context, 63 - above - depth);
        done.bytes -= leaf.bytes();
        done.bytes += size_of::<Child<L>>() + parts.iter().map(L::bytes).sum::<usize>();
        let depth = child.depth + 1;
        let [low, high] = parts.map(|part| Child::new(part, depth));
        self.children[at] = low;
        self.make_room();
        self.children.insert(at + 1, high);
        let width = SLOTS >> depth;
        let first_high = slot & !(2 * width - 1) | width;
        self.index[first_high..].iter_mut().for_each(|i| *i += 1);
    }

    /// Room for one more child, in small steps: most nodes stay as they are for long.
    fn make_room(&mut self) {
        if self.children.len() == self.children.capacity() {
            self.children.reserve_exact(self.children.len() / 8 + 1);
        }
    }

    /// After a removal: a node of one leaf becomes that leaf, and sparse leaves are merged with their buddies.
    fn shrink(&mut self, slot: usize, done: &mut Change) {
        let child = &mut self.children[usize::from(self.index[slot])];
        if let Kind::Node(below) = &child.kind {
            let [Child { kind: Kind::Leaf(leaf), .. }] = &below.children[..] else { return };
            child.kind = Kind::Leaf(leaf.clone());
            done.bytes -= Self::BYTES + size_of::<Child<L>>();
        }
        while self.merge(slot, done) {}
    }

    /// Merges the leaf at a slot with its buddy, if both are sparse.
    fn merge(&mut self, slot: usize, done: &mut Change) -> bool {
        let own = self.index[slot];
        let child = &self.children[usize::from(own)];
        let depth = child.depth;
        if depth == 0 {
            return false;
        }
        let width = SLOTS >> depth;
        let other = self.index[slot ^ width];
        let buddy = &self.children[usize::from(other)];
        let (Kind::Leaf(leaf), Kind::Leaf(buddy_leaf)) = (&child.kind, &buddy.kind) else { return false };
        if buddy.depth != depth {
            return false;
        }
        let Some(merged) = leaf.merge(buddy_leaf) else { return false };
        done.bytes += merged.bytes();
        done.bytes -= leaf.bytes() + buddy_leaf.bytes() + size_of::<Child<L>>();
        let (low, high) = (own.min(other), own.max(other));
        self.children[usize::from(low)] = Child::new(merged, depth - 1);
        self.children.remove(usize::from(high));
        let first_high = slot & !(2 * width - 1) | width;
        self.index[first_high..].iter_mut().for_each(|i| *i -= 1);
        true
    }
}

/// The leaves in hash order.
pub(crate) struct Leaves<'a, L> {
    stack: Vec<std::slice::Iter<'a, Child<L>>>,
}

impl<'a, L> Iterator for Leaves<'a, L> {
    type Item = &'a L;

    fn next(&mut self) -> Option<&'a L> {
        loop {
            match self.stack.last_mut()?.next() {
                None => {
                    self.stack.pop();
                }
                Some(Child { kind: Kind::Leaf(leaf), .. }) => return Some(leaf),
                Some(Child { kind: Kind::Node(below), .. }) => self.stack.push(below.children.iter()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::fields::Fields;
    use crate::sorted::Sorted;

    /// A snapshot's thread reads what another one writes to, and a third frees it.
    #[test]
    fn values_may_go_to_other_threads() {
        fn goes<T: Send + Sync + 'static>() {}
        goes::<Fields>();
        goes::<Sorted>();
    }
}
