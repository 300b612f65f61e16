//! The fields of a large hash, or the members of a large set.
//!
//! A [`Trie`] of [`Page`]s: fields lie packed in pages of up to 64, in the order of their hashes; no step copies
//! more than a page and the nodes above it. A clone shares everything, so that a snapshot holds a value of any size
//! while it is written to: a writer copies what it changes, once.
//!
//! A cursor is a position in hash order, which splits and merges leave as it is: what is there during a whole
//! iteration is visited exactly once, in as many steps as one likes. An element by chance is the one of a random
//! rank, so each is equally likely.
//!
//! Expiry is a time beside the field; nothing here knows what time it is.

mod page;
#[cfg(test)]
mod tests;

use crate::trie::{Leaf, NEVER, Trie};
use base::hash::KeyHasher;
use base::rng::Rng;
use page::Page;

/// Bits of a hash below a scan position, so that a cursor is below 2^53.
const POSITION_SHIFT: u32 = 11;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    pub key: &'a [u8],
    /// Empty in a set.
    pub value: &'a [u8],
    /// When it expires, in ms.
    pub expiry: Option<i64>,
}

/// What [`Fields::insert`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Insert {
    Inserted,
    Replaced,
}

/// How keys are hashed, and what pages hold.
#[derive(Clone)]
pub(crate) struct Hashing {
    hasher: KeyHasher,
    has_values: bool,
    /// Tests make hashes collide by it.
    #[cfg(test)]
    mask: u64,
}

impl Hashing {
    #[inline]
    fn hash(&self, key: &[u8]) -> u64 {
        #[cfg(test)]
        return self.hasher.hash(key) & self.mask;
        #[cfg(not(test))]
        self.hasher.hash(key)
    }
}

#[derive(Clone)]
pub struct Fields {
    trie: Trie<Page>,
    hashing: Hashing,
    volatile: usize,
}

impl Fields {
    /// Keys only.
    pub fn set(hasher: KeyHasher) -> Self {
        Self::new(hasher, false)
    }

    /// Keys with values.
    pub fn hash(hasher: KeyHasher) -> Self {
        Self::new(hasher, true)
    }

    fn new(hasher: KeyHasher, has_values: bool) -> Self {
        let hashing = Hashing {
            hasher,
            has_values,
            #[cfg(test)]
            mask: !0,
        };
        Self { trie: Trie::new(&hashing), hashing, volatile: 0 }
    }

    pub fn len(&self) -> usize {
        self.trie.count()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Fields that have an expiry.
    pub fn volatile_len(&self) -> usize {
        self.volatile
    }

    /// Bytes allocated for it, whether shared with clones or not.
    pub fn memory_bytes(&self) -> usize {
        size_of::<Self>() + self.trie.bytes()
    }

    #[inline]
    pub fn get(&self, key: &[u8]) -> Option<Field<'_>> {
        let hash = self.hashing.hash(key);
        let page = self.trie.leaf(hash);
        Some(page.field(page.find(hash as u8, key)?))
    }

    #[inline]
    pub fn contains(&self, key: &[u8]) -> bool {
        let hash = self.hashing.hash(key);
        self.trie.leaf(hash).find(hash as u8, key).is_some()
    }

    /// Makes the key hold this value and expiry, whatever was there.
    pub fn insert(&mut self, key: &[u8], value: &[u8], expiry: Option<i64>) -> Insert {
        assert!(self.hashing.has_values || value.is_empty(), "members of sets have no values");
        let hash = self.hashing.hash(key);
        let tag = hash as u8;
        let mut volatile = self.volatile;
        let inserted = self.trie.change(hash, &self.hashing, |page, room| {
            let before = page.volatile_count();
            let done = match page.find(tag, key) {
                None => page.push(tag, Field { key, value, expiry }, room).then_some(Insert::Inserted),
                Some(i) => page.replace(i, value, expiry, room).then_some(Insert::Replaced),
            };
            volatile = volatile + page.volatile_count() - before;
            done
        });
        self.volatile = volatile;
        inserted
    }

    /// Adds a member to a set; false if it is there. A member that is there costs no copy of a shared page.
    pub fn add(&mut self, key: &[u8]) -> bool {
        !self.contains(key) && self.insert(key, b"", None) == Insert::Inserted
    }

    /// Gives the field another expiry; false if there is no such field.
    pub fn set_expiry(&mut self, key: &[u8], expiry: Option<i64>) -> bool {
        let Some(field) = self.get(key) else { return false };
        if field.expiry != expiry {
            let value = field.value.to_vec();
            self.insert(key, &value, expiry);
        }
        true
    }

    /// Removes the field; false if there is none.
    pub fn remove(&mut self, key: &[u8]) -> bool {
        let hash = self.hashing.hash(key);
        let Some(slot) = self.trie.leaf(hash).find(hash as u8, key) else { return false };
        let volatile = self.trie.change(hash, &self.hashing, |page, _| {
            let before = page.volatile_count();
            page.remove(slot);
            Some(before - page.volatile_count())
        });
        self.volatile -= volatile;
        true
    }

    /// The field of this rank, in an order that stays the same while nothing changes.
    pub fn nth(&self, rank: usize) -> Option<Field<'_>> {
        let (page, i) = self.trie.nth(rank)?;
        Some(page.field(i))
    }

    /// A field by chance, each with the same probability.
    pub fn random(&self, rng: &mut Rng) -> Option<Field<'_>> {
        if self.is_empty() {
            return None;
        }
        self.nth(rng.below(self.len() as u64) as usize)
    }

    /// The time at which the first of the fields expires.
    pub fn earliest(&self) -> Option<i64> {
        let earliest = self.trie.earliest();
        (earliest != NEVER).then_some(earliest)
    }

    /// The field that expires first.
    pub fn first_to_expire(&self) -> Option<Field<'_>> {
        let page = self.trie.earliest_leaf()?;
        let earliest = page.earliest();
        page.fields().find(|field| field.expiry == Some(earliest))
    }

    pub fn iter(&self) -> impl Iterator<Item = Field<'_>> {
        self.trie.leaves().flat_map(Page::fields)
    }

    /// Visits fields from a cursor on, in hash order: at least so many, and all that share the last one's position.
    /// The cursor to go on from; 0 at the end, as at the beginning.
    pub fn scan<'a>(&'a self, cursor: u64, at_least: usize, mut visit: impl FnMut(Field<'a>)) -> u64 {
        if u64::MAX >> POSITION_SHIFT < cursor {
            return 0;
        }
        let mut from = cursor << POSITION_SHIFT;
        let (at_least, mut visited) = (at_least.max(1), 0);
        loop {
            let (page, first, end) = self.trie.leaf_and_range(from);
            if first < from || at_least < visited + page.count() {
                match self.scan_part(page, from, at_least - visited, &mut visit) {
                    Ok(count) => visited += count,
                    Err(position) => return position,
                }
            } else {
                page.fields().for_each(&mut visit);
                visited += page.count();
            }
            match end {
                None => return 0,
                Some(end) if at_least <= visited => return end >> POSITION_SHIFT,
                Some(end) => from = end,
            }
        }
    }

    /// Visits a page's fields from a hash on; `Err` with the next position if there are more than wanted.
    fn scan_part<'a>(
        &self,
        page: &'a Page,
        from: u64,
        at_least: usize,
        visit: &mut impl FnMut(Field<'a>),
    ) -> Result<usize, u64> {
        let hashes = (0..page.count()).map(|i| (self.hashing.hash(page.key(i)), i as u32));
        let mut found: Vec<(u64, u32)> = hashes.filter(|(hash, _)| from <= *hash).collect();
        found.sort_unstable();
        let mut last = None;
        for (visited, &(hash, i)) in found.iter().enumerate() {
            let position = hash >> POSITION_SHIFT;
            if at_least <= visited && last != Some(position) {
                return Err(position);
            }
            visit(page.field(i as usize));
            last = Some(position);
        }
        Ok(found.len())
    }
}
