//! A leaf of a large sorted set: up to 64 elements in order, as plain bytes in one shared block.
//!
//! ```text
//! header │ scores │ a tag for each │ a word for each │ members, one behind the other │ free
//! ```
//! Scores, tags and words are in order; a word says where the member begins, and in its highest bit whether it lies
//! outside. A tag is the lowest byte of the member's hash: the way from the member index finds its element by it.

use crate::outside::{Outside, allocation_bytes, zeroed};
use crate::trie::ARC_BYTES;
use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;

pub(super) const SLOTS_MAX: usize = 64;
/// Members' bytes that a leaf may have before it is split.
const MEMBERS_BYTES_MAX: usize = 4096;
/// Longer members lie outside of the leaf: copying a leaf must stay cheap.
const INLINE_BYTES_MAX: usize = 255;
/// Neighbours with at most so many elements and bytes together are merged.
const MERGE_COUNT_MAX: usize = 32;
const MERGE_BYTES_MAX: usize = MEMBERS_BYTES_MAX / 2;
/// At least so many slots, so that eight tags can be read from any multiple of eight.
const SLOTS_MIN: usize = 4;

const HEADER_BYTES: usize = 8;
const COUNT_AT: usize = 0;
const SLOTS_AT: usize = 2;
const USED_AT: usize = 4;
/// Of an element beside its member: score, tag, word.
const SLOT_BYTES: usize = 8 + 1 + 2;
const OUTSIDE: u16 = 1 << 15;

#[derive(Clone)]
pub(super) struct Leaf {
    bytes: Arc<[u8]>,
    outside: Outside,
}

/// An element, or a place between elements.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Key<'a> {
    pub(super) score: f64,
    pub(super) member: &'a [u8],
}

impl Key<'_> {
    /// Scores first (where -0 is 0), then bytes.
    #[inline]
    pub(super) fn order(&self, other: &Key<'_>) -> Ordering {
        let scores = self.score.partial_cmp(&other.score).expect("a score is a number");
        scores.then_with(|| self.member.cmp(other.member))
    }

    #[inline]
    pub(super) fn is_before(&self, other: &Key<'_>) -> bool {
        self.order(other) == Ordering::Less
    }
}

impl Leaf {
    pub(super) fn new() -> Self {
        let mut leaf = Self { bytes: zeroed(0), outside: Outside::default() };
        leaf.bytes = zeroed(HEADER_BYTES + SLOTS_MIN * SLOT_BYTES);
        leaf.set_u16(SLOTS_AT, SLOTS_MIN as u16);
        leaf
    }

    #[inline]
    fn u16(&self, at: usize) -> u16 {
        u16::from_le_bytes(self.bytes[at..][..2].try_into().expect("two bytes"))
    }

    fn set_u16(&mut self, at: usize, n: u16) {
        Arc::make_mut(&mut self.bytes)[at..][..2].copy_from_slice(&n.to_le_bytes());
    }

    #[inline]
    pub(super) fn count(&self) -> usize {
        usize::from(self.u16(COUNT_AT))
    }

    #[inline]
    fn slots(&self) -> usize {
        usize::from(self.u16(SLOTS_AT))
    }

    fn used(&self) -> usize {
        usize::from(self.u16(USED_AT))
    }

    #[inline]
    fn tags_at(&self) -> usize {
        HEADER_BYTES + self.slots() * 8
    }

    #[inline]
    fn words_at(&self) -> usize {
        HEADER_BYTES + self.slots() * 9
    }

    #[inline]
    fn members_at(&self) -> usize {
        HEADER_BYTES + self.slots() * SLOT_BYTES
    }

    #[inline]
    pub(super) fn score(&self, i: usize) -> f64 {
        f64::from_le_bytes(self.bytes[HEADER_BYTES + 8 * i..][..8].try_into().expect("eight bytes"))
    }

    #[inline]
    fn word(&self, i: usize) -> u16 {
        self.u16(self.words_at() + 2 * i)
    }

    #[inline]
    pub(super) fn member(&self, i: usize) -> &[u8] {
        let word = self.word(i);
        let at = self.members_at() + usize::from(word & !OUTSIDE);
        if word & OUTSIDE != 0 {
            return self.outside.get(self.outside_index(at));
        }
        &self.bytes[at + 1..][..usize::from(self.bytes[at])]
    }

    fn outside_index(&self, at: usize) -> usize {
        u32::from_le_bytes(self.bytes[at..][..4].try_into().expect("four bytes")) as usize
    }

    #[inline]
    pub(super) fn key(&self, i: usize) -> Key<'_> {
        Key { score: self.score(i), member: self.member(i) }
    }

    #[inline]
    pub(super) fn tag(&self, i: usize) -> u8 {
        self.bytes[self.tags_at() + i]
    }

    /// How many elements lie before a place; `is_before` says it of each, and is true first and false then.
    pub(super) fn partition(&self, is_before: impl Fn(Key<'_>) -> bool) -> usize {
        let (mut low, mut high) = (0, self.count());
        while low < high {
            let middle = (low + high) / 2;
            if is_before(self.key(middle)) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// The elements with this tag.
    #[inline]
    pub(super) fn tagged(&self, tag: u8) -> impl Iterator<Item = usize> {
        let (tags, count) = (self.tags_at(), self.count());
        (0..count.div_ceil(8)).flat_map(move |eight| {
            let mut hits = hits(self.bytes[tags + 8 * eight..][..8].try_into().expect("eight bytes"), tag);
            std::iter::from_fn(move || {
                let i = 8 * eight + hits.trailing_zeros() as usize / 8;
                // What follows the last element is no tag.
                let is_tag = hits != 0 && i < count;
                hits &= hits.wrapping_sub(1);
                is_tag.then_some(i)
            })
        })
    }

    /// The element with this member.
    #[inline]
    pub(super) fn find(&self, tag: u8, member: &[u8]) -> Option<usize> {
        self.tagged(tag).find(|&i| self.member(i) == member)
    }

    fn member_bytes(&self, i: usize) -> usize {
        let word = self.word(i);
        match word & OUTSIDE {
            0 => 1 + usize::from(self.bytes[self.members_at() + usize::from(word)]),
            _ => 4,
        }
    }

    pub(super) fn is_full_for(&self, member: &[u8]) -> bool {
        SLOTS_MAX <= self.count() || MEMBERS_BYTES_MAX < self.used() + inline_bytes(member)
    }

    /// Puts an element before the one at `i`.
    pub(super) fn insert(&mut self, i: usize, key: Key<'_>, tag: u8) {
        let is_outside = INLINE_BYTES_MAX < key.member.len();
        self.insert_with(i, key, tag, is_outside.then_some(&|| key.member.into()));
    }

    /// The same for a member that lies outside if there is a block of it.
    fn insert_with(&mut self, i: usize, key: Key<'_>, tag: u8, block: Option<&dyn Fn() -> Arc<[u8]>>) {
        let (count, used, bytes) = (self.count(), self.used(), inline_bytes(key.member));
        if self.slots() == count || self.bytes.len() < self.members_at() + used + bytes {
            self.reshape(count + 1, used + bytes);
        }
        let is_outside = block.is_some();
        let index = block.map_or(0, |block| self.outside.push(block()));
        let (tags, words, members) = (self.tags_at(), self.words_at(), self.members_at());
        let page = Arc::make_mut(&mut self.bytes);
        page.copy_within(HEADER_BYTES + 8 * i..HEADER_BYTES + 8 * count, HEADER_BYTES + 8 * i + 8);
        page.copy_within(tags + i..tags + count, tags + i + 1);
        page.copy_within(words + 2 * i..words + 2 * count, words + 2 * i + 2);
        page[HEADER_BYTES + 8 * i..][..8].copy_from_slice(&key.score.to_le_bytes());
        page[tags + i] = tag;
        let word = used as u16 | if is_outside { OUTSIDE } else { 0 };
        page[words + 2 * i..][..2].copy_from_slice(&word.to_le_bytes());
        let entry = &mut page[members + used..][..bytes];
        if is_outside {
            entry.copy_from_slice(&index.to_le_bytes());
        } else {
            entry[0] = key.member.len() as u8;
            entry[1..].copy_from_slice(key.member);
        }
        self.set_u16(COUNT_AT, count as u16 + 1);
        self.set_u16(USED_AT, (used + bytes) as u16);
    }

    /// Gives the element at `i` another score and the place `to` among the others.
    pub(super) fn rescore(&mut self, i: usize, to: usize, score: f64) {
        let (tags, words) = (self.tags_at(), self.words_at());
        let page = Arc::make_mut(&mut self.bytes);
        let moved = i.min(to)..i.max(to) + 1;
        let turn = |slice: &mut [u8], by: usize| {
            if i < to { slice.rotate_left(by) } else { slice.rotate_right(by) }
        };
        page[HEADER_BYTES + 8 * i..][..8].copy_from_slice(&score.to_le_bytes());
        if i != to {
            turn(&mut page[HEADER_BYTES + 8 * moved.start..HEADER_BYTES + 8 * moved.end], 8);
            turn(&mut page[tags + moved.start..tags + moved.end], 1);
            turn(&mut page[words + 2 * moved.start..words + 2 * moved.end], 2);
        }
    }

    pub(super) fn remove(&mut self, range: Range<usize>) {
        range.rev().for_each(|i| self.take_out(i));
        let needed = HEADER_BYTES + self.count() * SLOT_BYTES + self.used();
        if ARC_BYTES + needed < (ARC_BYTES + self.bytes.len()) / 4 * 3 - 32 {
            self.reshape(self.count(), self.used());
        }
    }

    fn take_out(&mut self, i: usize) {
        let (word, bytes, count, used) = (self.word(i), self.member_bytes(i), self.count(), self.used());
        let (tags, words, members) = (self.tags_at(), self.words_at(), self.members_at());
        let at = usize::from(word & !OUTSIDE);
        if word & OUTSIDE != 0 {
            self.take_outside(self.outside_index(members + at));
        }
        let page = Arc::make_mut(&mut self.bytes);
        page.copy_within(members + at + bytes..members + used, members + at);
        page.copy_within(HEADER_BYTES + 8 * (i + 1)..HEADER_BYTES + 8 * count, HEADER_BYTES + 8 * i);
        page.copy_within(tags + i + 1..tags + count, tags + i);
        page.copy_within(words + 2 * (i + 1)..words + 2 * count, words + 2 * i);
        for other in page[words..][..2 * (count - 1)].chunks_exact_mut(2) {
            let word = u16::from_le_bytes(other.try_into().expect("two bytes"));
            if at < usize::from(word & !OUTSIDE) {
                other.copy_from_slice(&(word - bytes as u16).to_le_bytes());
            }
        }
        self.set_u16(COUNT_AT, count as u16 - 1);
        self.set_u16(USED_AT, (used - bytes) as u16);
    }

    fn take_outside(&mut self, index: usize) {
        let Some(moved) = self.outside.remove(index) else { return };
        for i in 0..self.count() {
            let word = self.word(i);
            let at = self.members_at() + usize::from(word & !OUTSIDE);
            if word & OUTSIDE != 0 && self.outside_index(at) == moved {
                Arc::make_mut(&mut self.bytes)[at..][..4].copy_from_slice(&(index as u32).to_le_bytes());
            }
        }
    }

    /// Builds the leaf anew with room for so many elements, and for what the block's size gives.
    fn reshape(&mut self, slots: usize, members_bytes: usize) {
        let (count, used) = (self.count(), self.used());
        let slots = slots.max(SLOTS_MIN);
        let needed = HEADER_BYTES + slots * SLOT_BYTES + members_bytes;
        let bytes = allocation_bytes(ARC_BYTES + needed) - ARC_BYTES;
        let each = members_bytes.div_ceil(slots) + SLOT_BYTES;
        let slots = slots + SLOTS_MAX.saturating_sub(slots).min((bytes - needed) / each);
        let mut new = Self { bytes: zeroed(bytes), outside: std::mem::take(&mut self.outside) };
        new.set_u16(SLOTS_AT, slots as u16);
        new.set_u16(COUNT_AT, count as u16);
        new.set_u16(USED_AT, used as u16);
        let to = [HEADER_BYTES, new.tags_at(), new.words_at(), new.members_at()];
        let page = Arc::make_mut(&mut new.bytes);
        let from = [HEADER_BYTES, self.tags_at(), self.words_at(), self.members_at()];
        for (part, bytes) in [8 * count, count, 2 * count, used].into_iter().enumerate() {
            page[to[part]..][..bytes].copy_from_slice(&self.bytes[from[part]..][..bytes]);
        }
        *self = new;
    }

    /// The elements of a range as a leaf of their own.
    fn part(&self, range: Range<usize>) -> Self {
        let mut part = Self::new();
        part.reshape(range.len(), range.clone().map(|i| self.member_bytes(i)).sum());
        part.append(self, range);
        part
    }

    /// Splits the elements from `at` on off.
    pub(super) fn split_off(&mut self, at: usize) -> Self {
        let high = self.part(at..self.count());
        *self = self.part(0..at);
        high
    }

    fn append(&mut self, other: &Self, range: Range<usize>) {
        for i in range {
            let word = other.word(i);
            let at = other.members_at() + usize::from(word & !OUTSIDE);
            let block = || other.outside.share(other.outside_index(at));
            self.insert_with(
                self.count(),
                other.key(i),
                other.tag(i),
                (word & OUTSIDE != 0).then_some(&block),
            );
        }
    }

    /// Where to split a leaf that is full: in the middle of its bytes.
    pub(super) fn middle(&self) -> usize {
        let (count, half) = (self.count(), (self.used() + self.count() * SLOT_BYTES) / 2);
        let mut before = 0;
        let middle = (0..count).position(|i| {
            before += self.member_bytes(i) + SLOT_BYTES;
            half < before
        });
        middle.unwrap_or(0).clamp(1, count - 1)
    }

    pub(super) fn may_merge(&self, next: &Self) -> bool {
        self.count() + next.count() <= MERGE_COUNT_MAX && self.used() + next.used() <= MERGE_BYTES_MAX
    }

    /// Takes all elements of the next leaf over.
    pub(super) fn merge(&mut self, next: &Self) {
        self.reshape(self.count() + next.count(), self.used() + next.used());
        self.append(next, 0..next.count());
    }

    pub(super) fn bytes(&self) -> usize {
        allocation_bytes(ARC_BYTES + self.bytes.len()) + self.outside.bytes()
    }
}

/// The highest bit of each of eight tags that is this one, and perhaps of some that follow one.
#[inline]
fn hits(tags: [u8; 8], tag: u8) -> u64 {
    const LOWS: u64 = 0x0101_0101_0101_0101;
    let differences = u64::from_le_bytes(tags) ^ (u64::from(tag) * LOWS);
    differences.wrapping_sub(LOWS) & !differences & (LOWS << 7)
}

fn inline_bytes(member: &[u8]) -> usize {
    if INLINE_BYTES_MAX < member.len() { 4 } else { 1 + member.len() }
}
