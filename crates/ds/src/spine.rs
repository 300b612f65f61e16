//! Spine: a long sequence as a tree of shareable pages.
//!
//! Lists hang their chunks on it, streams their blocks, consumer groups what is pending. Items are found by index, by
//! weight (the elements in a chunk) and, where they ascend by key, by key, all in O(log n). A clone takes the root
//! only; who writes copies the pages between the root and what it changes while they are shared, and none otherwise.
//! So a snapshot holds a large value at no cost while it is written to.
//!
//! Invariants: all leaves lie at one depth; no page is empty; a page has at most `PAGE_ITEMS_MAX` items; a child's
//! sum is what its page holds. An item's key does not change in place. Absent: sorting; who inserts says where.

use crate::allocation::block_bytes;
use crate::shared::make_mut;
use std::sync::Arc;

/// Few enough that the copy of a shared page is short, many enough that trees are flat.
const PAGE_ITEMS_MAX: usize = 64;
/// A smaller page looks for a neighbour that has room for it.
const PAGE_ITEMS_MIN: usize = PAGE_ITEMS_MAX / 4;
/// A page made of two is not so full that it would be split again soon.
const PAGE_ITEMS_MERGED_MAX: usize = PAGE_ITEMS_MAX * 3 / 4;

/// Leaves that are looked at to tell how much memory all of them take.
const LEAVES_SAMPLED: usize = 8;

pub trait Item: Clone {
    /// `()` where items are found by place only.
    type Key: Clone + Ord;

    fn key(&self) -> &Self::Key;

    /// What it counts for in [`Spine::weight`].
    fn weight(&self) -> usize;
}

#[derive(Clone)]
pub struct Spine<T: Item> {
    root: Option<Arc<Page<T>>>,
    len: usize,
    weight: usize,
}

#[derive(Clone)]
enum Page<T: Item> {
    Leaf(Vec<T>),
    Inner(Vec<Child<T>>),
}

#[derive(Clone)]
struct Child<T: Item> {
    len: usize,
    weight: usize,
    /// The key of its first item.
    first: T::Key,
    page: Arc<Page<T>>,
}

impl<T: Item> Default for Spine<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Item> Spine<T> {
    pub fn new() -> Self {
        Self { root: None, len: 0, weight: 0 }
    }

    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The weights of all items.
    #[inline]
    pub fn weight(&self) -> usize {
        self.weight
    }

    #[inline]
    pub fn get(&self, index: usize) -> Option<&T> {
        if self.len <= index {
            return None;
        }
        let (items, start) = self.leaf(index);
        Some(&items[index - start])
    }

    pub fn first(&self) -> Option<&T> {
        self.get(0)
    }

    pub fn last(&self) -> Option<&T> {
        self.get(self.len.checked_sub(1)?)
    }

    /// The item in which the `at`-th unit of weight lies, and how far within.
    pub fn find_weight(&self, at: usize) -> Option<(usize, usize)> {
        if self.weight <= at {
            return None;
        }
        // The end is asked for most. What lies before it need not be summed up, which is a look at each item.
        if at + 1 == self.weight
            && let Some(last) = self.last().map(T::weight).filter(|&last| 0 < last)
        {
            return Some((self.len - 1, last - 1));
        }
        let (mut page, mut index, mut rest) = (self.root.as_ref()?, 0, at);
        loop {
            match &**page {
                Page::Leaf(items) => {
                    for item in items {
                        if rest < item.weight() {
                            return Some((index, rest));
                        }
                        rest -= item.weight();
                        index += 1;
                    }
                    unreachable!("sums are what pages hold");
                }
                Page::Inner(children) => {
                    let mut found = None;
                    for child in children {
                        if rest < child.weight {
                            found = Some(child);
                            break;
                        }
                        rest -= child.weight;
                        index += child.len;
                    }
                    page = &found.expect("sums are what pages hold").page;
                }
            }
        }
    }

    /// How many items come first whose keys are `before`; they stand together at the start.
    pub fn partition_point(&self, mut before: impl FnMut(&T::Key) -> bool) -> usize {
        let Some(mut page) = self.root.as_ref() else { return 0 };
        let mut index = 0;
        loop {
            match &**page {
                Page::Leaf(items) => return index + items.partition_point(|item| before(item.key())),
                Page::Inner(children) => {
                    let child = children.partition_point(|child| before(&child.first)).saturating_sub(1);
                    index += children[..child].iter().map(|child| child.len).sum::<usize>();
                    page = &children[child].page;
                }
            }
        }
    }

    /// The index of the item with this key, or the one where it would be.
    pub fn search(&self, key: &T::Key) -> Result<usize, usize> {
        let index = self.partition_point(|other| other < key);
        match self.get(index) {
            Some(item) if item.key() == key => Ok(index),
            _ => Err(index),
        }
    }

    pub fn find(&self, key: &T::Key) -> Option<&T> {
        let mut page = self.root.as_ref()?;
        loop {
            match &**page {
                Page::Leaf(items) => return item_of(items, key).ok().map(|index| &items[index]),
                Page::Inner(children) => page = &children[child_of(children, key)].page,
            }
        }
    }

    pub fn push(&mut self, item: T) {
        self.insert(self.len, item);
    }

    pub fn insert(&mut self, index: usize, item: T) {
        assert!(index <= self.len, "{index} lies beyond the {} items", self.len);
        self.len += 1;
        self.weight += item.weight();
        let Some(root) = &mut self.root else {
            self.root = Some(Arc::new(Page::Leaf(vec![item])));
            return;
        };
        if let Some(right) = insert(root, index, item) {
            let left = Child::of(root.clone());
            self.root = Some(Arc::new(Page::Inner(vec![left, right])));
        }
    }

    pub fn remove(&mut self, index: usize) -> T {
        assert!(index < self.len, "{index} lies beyond the {} items", self.len);
        self.remove_from(Spot::Index(index)).expect("the item is there")
    }

    /// Removes the item with this key, if there is one.
    pub fn take(&mut self, key: &T::Key) -> Option<T> {
        self.remove_from(Spot::Key(key))
    }

    fn remove_from(&mut self, spot: Spot<T::Key>) -> Option<T> {
        let root = self.root.as_mut()?;
        let item = remove(root, spot)?;
        self.len -= 1;
        self.weight -= item.weight();
        while let Page::Inner(children) = &**root
            && let [only] = &children[..]
        {
            *root = only.page.clone();
        }
        if self.len == 0 {
            self.root = None;
        }
        Some(item)
    }

    /// Changes an item in place, but not its key.
    pub fn update<R>(&mut self, index: usize, change: impl FnOnce(&mut T) -> R) -> R {
        assert!(index < self.len, "{index} lies beyond the {} items", self.len);
        let root = self.root.as_mut().expect("is not empty");
        let mut result = None;
        let (before, after) = update(root, index, |item| result = Some(change(item)));
        self.weight = self.weight - before + after;
        result.expect("the item is there")
    }

    pub fn iter(&self) -> Iter<'_, T> {
        self.range(0, self.len)
    }

    /// The items `start..end` (as far as they exist), from either end.
    pub fn range(&self, start: usize, end: usize) -> Iter<'_, T> {
        Iter { spine: self, front: start, back: end.min(self.len), front_leaf: (&[], 0), back_leaf: (&[], 0) }
    }

    /// Bytes of the pages, without what items hold elsewhere; of many pages a few stand for all.
    pub fn page_bytes(&self) -> usize {
        let own = size_of::<Page<T>>() + 2 * size_of::<usize>();
        let (mut bytes, mut items, mut sampled) = (0, 0, 0);
        while sampled < LEAVES_SAMPLED && items < self.len {
            let (leaf, _) = self.leaf_page(sampled * self.len / LEAVES_SAMPLED);
            bytes += block_bytes(own) + block_bytes(leaf.capacity() * size_of::<T>());
            items += leaf.len();
            sampled += 1;
        }
        if self.len <= items {
            return bytes;
        }
        let leaves = self.len * sampled / items;
        // Pages of children are as full as leaves, more or less.
        let inner = leaves * size_of::<Child<T>>() * PAGE_ITEMS_MAX / PAGE_ITEMS_MERGED_MAX;
        (bytes as u128 * self.len as u128 / items as u128) as usize + inner
    }

    /// At most so many items, evenly spread.
    pub fn sample(&self, count: usize) -> impl Iterator<Item = &T> {
        let count = count.min(self.len);
        (0..count).filter_map(move |i| self.get((i as u128 * self.len as u128 / count as u128) as usize))
    }

    /// What `bytes` says of all items together, asked of at most `count` of them.
    pub fn sampled_bytes(&self, count: usize, bytes: impl Fn(&T) -> usize) -> usize {
        let count = count.clamp(1, self.len.max(1));
        let sum: usize = self.sample(count).map(bytes).sum();
        (sum as u128 * self.len as u128 / count as u128) as usize
    }

    /// The leaf that holds the item at `index`, and the index of its first item.
    fn leaf(&self, index: usize) -> (&[T], usize) {
        let (items, start) = self.leaf_page(index);
        (items, start)
    }

    fn leaf_page(&self, index: usize) -> (&Vec<T>, usize) {
        let mut page = self.root.as_ref().expect("is not empty");
        let mut start = 0;
        loop {
            match &**page {
                Page::Leaf(items) => return (items, start),
                Page::Inner(children) => {
                    let (child, within) = child_at(children, index - start);
                    start = index - within;
                    page = &children[child].page;
                }
            }
        }
    }
}

impl<T: Item> FromIterator<T> for Spine<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let mut spine = Self::new();
        items.into_iter().for_each(|item| spine.push(item));
        spine
    }
}

/// Items in order, from either end; a leaf at a time.
pub struct Iter<'a, T: Item> {
    spine: &'a Spine<T>,
    front: usize,
    back: usize,
    front_leaf: (&'a [T], usize),
    back_leaf: (&'a [T], usize),
}

impl<'a, T: Item> Iter<'a, T> {
    /// The same with nothing left.
    pub(crate) fn none(&self) -> Self {
        self.spine.range(0, 0)
    }
}

impl<'a, T: Item> Iterator for Iter<'a, T> {
    type Item = &'a T;

    fn next(&mut self) -> Option<&'a T> {
        if self.back <= self.front {
            return None;
        }
        let index = self.front;
        if !holds(self.front_leaf, index) {
            self.front_leaf = self.spine.leaf(index);
        }
        self.front += 1;
        Some(&self.front_leaf.0[index - self.front_leaf.1])
    }
}

impl<T: Item> DoubleEndedIterator for Iter<'_, T> {
    fn next_back(&mut self) -> Option<Self::Item> {
        if self.back <= self.front {
            return None;
        }
        let index = self.back - 1;
        if !holds(self.back_leaf, index) {
            self.back_leaf = self.spine.leaf(index);
        }
        self.back = index;
        Some(&self.back_leaf.0[index - self.back_leaf.1])
    }
}

fn holds<T>((items, start): (&[T], usize), index: usize) -> bool {
    start <= index && index < start + items.len()
}

impl<T: Item> Child<T> {
    fn of(page: Arc<Page<T>>) -> Self {
        let (len, weight, first) = match &*page {
            Page::Leaf(items) => (items.len(), items.iter().map(T::weight).sum(), items[0].key().clone()),
            Page::Inner(children) => (
                children.iter().map(|child| child.len).sum(),
                children.iter().map(|child| child.weight).sum(),
                children[0].first.clone(),
            ),
        };
        Self { len, weight, first, page }
    }
}

/// The child with the item at `index`, and the item's index within. An index behind the last item is the last
/// child's.
#[inline]
fn child_at<T: Item>(children: &[Child<T>], index: usize) -> (usize, usize) {
    let mut rest = index;
    let last = children.len() - 1;
    for (i, child) in children[..last].iter().enumerate() {
        if rest < child.len {
            return (i, rest);
        }
        rest -= child.len;
    }
    (last, rest)
}

/// The child in which an item with this key is, if there is one.
#[inline]
fn child_of<T: Item>(children: &[Child<T>], key: &T::Key) -> usize {
    // What came first mostly goes first, or is looked for at the start.
    match children.get(1) {
        Some(second) if second.first <= *key => {
            children.partition_point(|child| child.first <= *key).saturating_sub(1)
        }
        _ => 0,
    }
}

/// The item with this key, or where it would be.
#[inline]
fn item_of<T: Item>(items: &[T], key: &T::Key) -> Result<usize, usize> {
    if items.first().is_some_and(|first| first.key() == key) {
        return Ok(0);
    }
    let index = items.partition_point(|item| item.key() < key);
    match items.get(index) {
        Some(item) if item.key() == key => Ok(index),
        _ => Err(index),
    }
}

/// Which item is meant.
#[derive(Clone, Copy)]
enum Spot<'k, K> {
    Index(usize),
    Key(&'k K),
}

/// The right half, if the page had to be split.
fn insert<T: Item>(page: &mut Arc<Page<T>>, index: usize, item: T) -> Option<Child<T>> {
    match make_mut(page) {
        Page::Leaf(items) => {
            let right = insert_or_split(items, index, item)?;
            Some(Child::of(Arc::new(Page::Leaf(right))))
        }
        Page::Inner(children) => {
            let (at, within) = child_at(children, index);
            let child = &mut children[at];
            child.len += 1;
            child.weight += item.weight();
            if within == 0 {
                child.first = item.key().clone();
            }
            let right = insert(&mut child.page, within, item)?;
            child.len -= right.len;
            child.weight -= right.weight;
            let right = insert_or_split(children, at + 1, right)?;
            Some(Child::of(Arc::new(Page::Inner(right))))
        }
    }
}

/// Inserts; gives the second part of what would become too long. Who adds at an end leaves full pages behind.
fn insert_or_split<E>(items: &mut Vec<E>, index: usize, item: E) -> Option<Vec<E>> {
    let len = items.len();
    if len < PAGE_ITEMS_MAX {
        items.insert(index, item);
        return None;
    }
    if index == len {
        return Some(vec![item]);
    }
    if index == 0 {
        return Some(std::mem::replace(items, vec![item]));
    }
    let half = len / 2;
    let mut right = items.split_off(half);
    match index.checked_sub(half) {
        Some(index) => right.insert(index, item),
        None => items.insert(index, item),
    }
    Some(right)
}

fn remove<T: Item>(page: &mut Arc<Page<T>>, spot: Spot<T::Key>) -> Option<T> {
    match make_mut(page) {
        Page::Leaf(items) => {
            let index = match spot {
                Spot::Index(index) => index,
                Spot::Key(key) => item_of(items, key).ok()?,
            };
            Some(items.remove(index))
        }
        Page::Inner(children) => {
            let (at, within, is_first) = match spot {
                Spot::Index(index) => {
                    let (at, within) = child_at(children, index);
                    (at, Spot::Index(within), within == 0)
                }
                Spot::Key(key) => {
                    let at = child_of(children, key);
                    (at, spot, children[at].first == *key)
                }
            };
            let child = &mut children[at];
            let item = remove(&mut child.page, within)?;
            child.len -= 1;
            child.weight -= item.weight();
            if child.len == 0 {
                children.remove(at);
                return Some(item);
            }
            if is_first {
                child.first = child.page.first_key().clone();
            }
            if child.page.items() < PAGE_ITEMS_MIN {
                join(children, at);
            }
            Some(item)
        }
    }
}

impl<T: Item> Page<T> {
    fn items(&self) -> usize {
        match self {
            Self::Leaf(items) => items.len(),
            Self::Inner(children) => children.len(),
        }
    }

    fn first_key(&self) -> &T::Key {
        match self {
            Self::Leaf(items) => items[0].key(),
            Self::Inner(children) => &children[0].first,
        }
    }
}

/// Puts the small page of the child at `at` and a neighbour's together, if they fit.
fn join<T: Item>(children: &mut Vec<Child<T>>, at: usize) {
    let fits = |left: usize| {
        let (left, right) = (children.get(left), children.get(left + 1));
        left.zip(right)
            .is_some_and(|(left, right)| left.page.items() + right.page.items() <= PAGE_ITEMS_MERGED_MAX)
    };
    let left = match at.checked_sub(1) {
        Some(left) if fits(left) => left,
        _ if fits(at) => at,
        _ => return,
    };
    let right = children.remove(left + 1);
    let child = &mut children[left];
    child.len += right.len;
    child.weight += right.weight;
    match (make_mut(&mut child.page), Arc::unwrap_or_clone(right.page)) {
        (Page::Leaf(items), Page::Leaf(more)) => items.extend(more),
        (Page::Inner(below), Page::Inner(more)) => below.extend(more),
        _ => unreachable!("all leaves lie at one depth"),
    }
}

/// The item's weight before and after.
fn update<T: Item>(page: &mut Arc<Page<T>>, index: usize, change: impl FnOnce(&mut T)) -> (usize, usize) {
    match make_mut(page) {
        Page::Leaf(items) => {
            let item = &mut items[index];
            let before = item.weight();
            change(item);
            (before, item.weight())
        }
        Page::Inner(children) => {
            let (at, within) = child_at(children, index);
            let child = &mut children[at];
            let (before, after) = update(&mut child.page, within, change);
            child.weight = child.weight - before + after;
            (before, after)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::rng::Rng;

    #[derive(Clone, Debug, PartialEq)]
    struct Numbered(u64, usize);

    impl Item for Numbered {
        type Key = u64;
        fn key(&self) -> &u64 {
            &self.0
        }
        fn weight(&self) -> usize {
            self.1
        }
    }

    /// All that the invariants say.
    fn check_page(page: &Page<Numbered>, depth: usize) -> usize {
        match page {
            Page::Leaf(items) => {
                assert!(!items.is_empty() && items.len() <= PAGE_ITEMS_MAX);
                depth
            }
            Page::Inner(children) => {
                assert!(!children.is_empty() && children.len() <= PAGE_ITEMS_MAX);
                let depths: Vec<usize> = children
                    .iter()
                    .map(|child| {
                        let sum = Child::of(child.page.clone());
                        assert_eq!((sum.len, sum.weight, sum.first), (child.len, child.weight, child.first));
                        check_page(&child.page, depth + 1)
                    })
                    .collect();
                assert!(depths.iter().all(|&below| below == depths[0]));
                depths[0]
            }
        }
    }

    fn check(spine: &Spine<Numbered>, model: &[Numbered]) {
        if let Some(root) = &spine.root {
            check_page(root, 0);
        }
        assert_eq!(spine.len(), model.len());
        assert_eq!(spine.weight(), model.iter().map(|item| item.1).sum::<usize>());
        assert!(spine.iter().eq(model));
        assert!(spine.iter().rev().eq(model.iter().rev()));
        assert_eq!((spine.first(), spine.last()), (model.first(), model.last()));
        let mut at = 0;
        for (index, item) in model.iter().enumerate() {
            assert_eq!(spine.get(index), Some(item));
            if 0 < item.1 {
                assert_eq!(spine.find_weight(at), Some((index, 0)));
                assert_eq!(spine.find_weight(at + item.1 - 1), Some((index, item.1 - 1)));
            }
            at += item.1;
        }
        assert_eq!(spine.find_weight(at), None);
        assert_eq!(spine.get(model.len()), None);
    }

    #[test]
    fn behaves_as_a_vector() {
        for seed in 0..20 {
            let mut rng = Rng::new(seed);
            let (mut spine, mut model) = (Spine::new(), Vec::new());
            let mut snapshots = Vec::new();
            for round in 0..6000u64 {
                let growing = round / 1500 % 2 == 0;
                let at = rng.below(model.len() as u64 + 1) as usize;
                let at = [0, at, model.len(), at][seed as usize % 4];
                match rng.below(10) {
                    0..=6 if growing || model.is_empty() => {
                        let item = Numbered(round, rng.below(4) as usize);
                        spine.insert(at, item.clone());
                        model.insert(at, item);
                    }
                    0..=7 if at < model.len() => assert_eq!(spine.remove(at), model.remove(at)),
                    8 if at < model.len() => {
                        let weight = rng.below(9) as usize;
                        assert_eq!(
                            spine.update(at, |item| std::mem::replace(&mut item.1, weight)),
                            model[at].1
                        );
                        model[at].1 = weight;
                    }
                    _ if rng.one_in(60) => snapshots.push((spine.clone(), model.clone())),
                    _ => {}
                }
                if round % 500 == 0 {
                    check(&spine, &model);
                    let (a, b) = (rng.below(50) as usize, rng.below(3000) as usize);
                    assert!(spine.range(a, b).eq(model.iter().take(b).skip(a)), "seed {seed}");
                }
            }
            check(&spine, &model);
            // Clones are what they were when they were made.
            snapshots.iter().for_each(|(spine, model)| check(spine, model));
        }
    }

    #[test]
    fn finds_by_key() {
        for seed in 0..10 {
            let mut rng = Rng::new(seed);
            let mut spine = Spine::new();
            let mut model = std::collections::BTreeMap::new();
            for _ in 0..5000 {
                let key = rng.below(3000);
                match (spine.search(&key), rng.below(3)) {
                    (Ok(index), 0) => {
                        let item = if rng.one_in(2) { spine.take(&key) } else { Some(spine.remove(index)) };
                        assert!(item.is_some() && item == model.remove(&key), "seed {seed}");
                    }
                    (Ok(index), _) => {
                        assert_eq!(spine.get(index), model.get(&key));
                        assert_eq!(spine.find(&key), model.get(&key));
                    }
                    (Err(index), _) => {
                        assert!(!model.contains_key(&key), "seed {seed}");
                        assert_eq!((spine.take(&key), spine.find(&key)), (None, None));
                        assert_eq!(index, model.range(..key).count());
                        spine.insert(index, Numbered(key, 1));
                        model.insert(key, Numbered(key, 1));
                    }
                }
            }
            check(&spine, &model.into_values().collect::<Vec<_>>());
        }
    }

    #[test]
    fn who_appends_fills_pages_and_who_empties_frees_them() {
        let mut spine: Spine<Numbered> = (0..10_000).map(|i| Numbered(i, 1)).collect();
        assert!(spine.page_bytes() < 10_000 * 18, "{} bytes", spine.page_bytes());
        while !spine.is_empty() {
            spine.remove(spine.len() / 2);
        }
        assert_eq!(spine.page_bytes(), 0);
    }

    /// A write copies the path to what it changes, and nothing else.
    #[test]
    fn only_shared_pages_are_copied() {
        let mut spine: Spine<Numbered> = (0..10_000).map(|i| Numbered(i, 1)).collect();
        let addresses = |spine: &Spine<Numbered>| -> Vec<*const Numbered> {
            (0..10_000).step_by(PAGE_ITEMS_MAX).map(|index| &raw const spine.leaf(index).0[0]).collect()
        };
        let before = addresses(&spine);
        let snapshot = spine.clone();
        spine.update(5000, |item| item.1 = 2);
        let after = addresses(&spine);
        assert_eq!(before.iter().zip(&after).filter(|(before, after)| before != after).count(), 1);
        drop(snapshot);
        spine.update(100, |item| item.1 = 2);
        assert_eq!(addresses(&spine), after);
    }
}
