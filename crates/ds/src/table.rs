//! The table: an extendible directory of small segments in hash order.
//!
//! The directory is indexed by the hash's high bits (behind those that chose the shard); each word points to a
//! segment of at most 61 slots. A full segment splits by one more bit, or grows by a line if it is not of the whole
//! size; sparse buddies merge. There is no big rehash: the longest step is a doubling of the directory, a copy of words.
//!
//! Hash order makes a position in it a cursor that survives splits and merges: what is there during a whole
//! iteration is visited exactly once. Positions are multiples of 2^11, so that `position >> 11` is below 2^53;
//! keys that share it come together.

mod grow;
#[cfg(test)]
mod tests;
mod visit;

use crate::entry::{Entry, EntryRef, NewPayload, Payload};
use crate::segment::{Place, Segment, home_line, line_slots, pointer, tag};
use base::hash::KeyHasher;
use std::marker::PhantomData;

/// Bits of a hash below a scan position.
pub const POSITION_SHIFT: u32 = 11;
const POSITION_MASK: u64 = !0 << POSITION_SHIFT;

/// A value that may have parts which expire by themselves, as a hash's fields do. The table keeps a bound on when they
/// do, beside that of the entries' own expiries: so those that are due are found without a look at the others.
pub trait Parts {
    /// When the first of them expires.
    fn first_expiry(&self) -> Option<i64>;
}

/// What [`Table::upsert`] did.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub enum Upsert {
    Inserted,
    /// The entry that was there had this expiry.
    Replaced {
        expiry: Option<i64>,
    },
}

pub struct Table<V> {
    /// Empty until the first insert; then 2^depth words.
    directory: Vec<u64>,
    depth: u32,
    /// Segments whose own depth is the directory's.
    deepest: usize,
    /// Segments that have a chain.
    chained: usize,
    len: usize,
    volatile: usize,
    /// Entries that have parts which expire by themselves.
    inner: usize,
    segment_bytes: usize,
    used_bits: u32,
    hasher: KeyHasher,
    /// Tests make hashes collide by it.
    #[cfg(test)]
    hash_mask: u64,
    owns: PhantomData<V>,
}

// SAFETY: the table owns its segments and entries, and gives out borrows of itself only.
unsafe impl<V: Send> Send for Table<V> {}
// SAFETY: through `&Table` entries are read, or their access word is stored atomically.
unsafe impl<V: Sync> Sync for Table<V> {}

/// An entry in its slot, to be changed.
pub struct EntryMut<'a, V: Parts> {
    segment: Segment<V>,
    slot: usize,
    volatile: &'a mut usize,
    inner: &'a mut usize,
    /// The value may be another than it was.
    is_touched: bool,
}

/// When the change is over, the table is told when parts of the value expire.
impl<V: Parts> Drop for EntryMut<'_, V> {
    #[inline]
    fn drop(&mut self) {
        if self.is_touched
            && let Payload::Boxed(value) = self.borrow().payload()
        {
            let first = value.first_expiry();
            if first.is_some() || self.borrow().has_inner_expiry() {
                self.note_parts(first);
            }
        }
    }
}

impl<V: Parts> EntryMut<'_, V> {
    pub fn borrow(&self) -> EntryRef<'_, V> {
        self.segment.entry(self.slot).expect("the slot is occupied")
    }

    pub fn boxed_mut(&mut self) -> Option<&mut V> {
        self.is_touched = true;
        let block = pointer(self.segment.read(self.slot)).expect("the slot is occupied");
        // SAFETY: the slot owns the entry; this handle borrows the table mutably, and gives the entry up again
        // without freeing it.
        let mut entry = std::mem::ManuallyDrop::new(unsafe { Entry::<V>::from_raw(block) });
        let value: *mut V = entry.boxed_mut()?;
        // SAFETY: the box stays where it is until the entry is changed, which needs this borrow to end.
        Some(unsafe { &mut *value })
    }

    pub fn set_expiry(&mut self, expiry: Option<i64>) {
        self.change(|entry| entry.set_expiry(expiry));
    }

    pub fn replace(&mut self, payload: NewPayload<V>, expiry: Option<i64>, tag: u8, access: u32) {
        self.is_touched = true;
        self.change(|entry| entry.replace(payload, expiry, tag, access));
    }

    #[cold]
    fn note_parts(&mut self, first_expiry: Option<i64>) {
        if self.borrow().has_inner_expiry() != first_expiry.is_some() {
            self.change(|entry| entry.set_inner_expiry(first_expiry.is_some()));
        }
        if let Some(at) = first_expiry {
            self.segment.expect_expiry(at);
        }
    }

    fn change(&mut self, change: impl FnOnce(&mut Entry<V>)) {
        let counts = |entry: EntryRef<V>| {
            (usize::from(entry.expiry().is_some()), usize::from(entry.has_inner_expiry()))
        };
        let before = counts(self.borrow());
        self.segment.change(self.slot, change);
        let after = counts(self.borrow());
        *self.volatile = *self.volatile + after.0 - before.0;
        *self.inner = *self.inner + after.1 - before.1;
    }
}

impl<V> Table<V> {
    /// An empty table for keys whose hashes share their `used_bits` highest bits.
    pub fn new(hasher: KeyHasher, used_bits: u32) -> Self {
        Self {
            directory: Vec::new(),
            depth: 0,
            deepest: 0,
            chained: 0,
            len: 0,
            volatile: 0,
            inner: 0,
            segment_bytes: 0,
            used_bits,
            hasher,
            #[cfg(test)]
            hash_mask: !0,
            owns: PhantomData,
        }
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Entries that have an expiry.
    pub fn volatile_len(&self) -> usize {
        self.volatile
    }

    /// Entries that have [`Parts`] which expire.
    pub fn inner_len(&self) -> usize {
        self.inner
    }

    /// Bytes of directory and segments; entries are not counted.
    pub fn memory_bytes(&self) -> usize {
        self.directory.capacity() * 8 + self.segment_bytes
    }

    #[inline]
    fn rehash(&self, key: &[u8]) -> u64 {
        #[cfg(test)]
        return self.hasher.hash(key) & self.hash_mask;
        #[cfg(not(test))]
        self.hasher.hash(key)
    }

    #[inline]
    fn index(&self, hash: u64) -> usize {
        // Two shifts, as one by 64 would be undefined at depth 0.
        ((hash << self.used_bits) >> 1 >> (63 - self.depth)) as usize
    }

    #[inline]
    fn segment(&self, index: usize) -> Segment<V> {
        let word = self.directory[index];
        Segment::from_raw(pointer(word).expect("a directory word points to a segment").cast())
    }

    fn word(segment: Segment<V>) -> u64 {
        (segment.lines() as u64) << 48 | segment.raw.as_ptr() as u64
    }

    /// Directory words of the segment at `index`.
    fn span(&self, index: usize, depth: u32) -> std::ops::Range<usize> {
        let width = 1 << (self.depth - depth);
        let first = index & !(width - 1);
        first..first + width
    }

    fn point(&mut self, index: usize, segment: Segment<V>) {
        let span = self.span(index, u32::from(segment.header().depth));
        self.directory[span].fill(Self::word(segment));
    }

    #[inline]
    pub fn get(&self, hash: u64, key: &[u8]) -> Option<EntryRef<'_, V>> {
        let place = self.find(hash, key)?;
        Segment::<V>::from_raw(place.segment).entry(place.slot)
    }

    #[inline]
    pub fn get_mut(&mut self, hash: u64, key: &[u8]) -> Option<EntryMut<'_, V>>
    where
        V: Parts,
    {
        let Place { segment, slot } = self.find(hash, key)?;
        let (volatile, inner) = (&mut self.volatile, &mut self.inner);
        Some(EntryMut { segment: Segment::from_raw(segment), slot, volatile, inner, is_touched: false })
    }

    #[inline]
    fn find(&self, hash: u64, key: &[u8]) -> Option<Place> {
        if self.directory.is_empty() {
            return None;
        }
        let word = self.directory[self.index(hash)];
        Segment::<V>::from_raw(pointer(word)?.cast()).find(lines(word), hash, key)
    }

    /// Makes the key hold this, whatever was there.
    #[inline]
    pub fn upsert(
        &mut self,
        hash: u64,
        key: &[u8],
        payload: NewPayload<V>,
        expiry: Option<i64>,
        tag: u8,
        access: u32,
    ) -> Upsert
    where
        V: Parts,
    {
        if let Some(mut entry) = self.get_mut(hash, key) {
            let before = entry.borrow().expiry();
            entry.replace(payload, expiry, tag, access);
            return Upsert::Replaced { expiry: before };
        }
        let has_parts = matches!(&payload, NewPayload::Boxed(value) if value.first_expiry().is_some());
        self.insert_new(hash, Entry::new(key, payload, expiry, tag, access));
        if has_parts && let Some(mut entry) = self.get_mut(hash, key) {
            entry.is_touched = true;
        }
        Upsert::Inserted
    }

    /// Takes the key's entry out.
    pub fn remove(&mut self, hash: u64, key: &[u8]) -> Option<Entry<V>> {
        let Place { segment, slot } = self.find(hash, key)?;
        let entry = Segment::<V>::from_raw(segment).take(slot)?;
        self.len -= 1;
        self.volatile -= usize::from(entry.expiry().is_some());
        self.inner -= usize::from(entry.borrow().has_inner_expiry());
        self.shrink(hash);
        Some(entry)
    }

    /// Frees everything.
    pub fn clear(&mut self) {
        for segment in self.segments().collect::<Vec<_>>() {
            for part in segment.all().collect::<Vec<_>>() {
                for slot in part.slots() {
                    drop(part.take(slot));
                }
                self.free_segment(part);
            }
        }
        assert!(self.segment_bytes == 0);
        self.directory = Vec::new();
        self.depth = 0;
        self.deepest = 0;
        self.chained = 0;
        self.len = 0;
        self.volatile = 0;
        self.inner = 0;
    }

    /// Asks for the memory of the home line of `hash`.
    #[inline]
    pub fn prefetch_slot(&self, hash: u64) {
        if self.directory.is_empty() {
            return;
        }
        let word = self.directory[self.index(hash)];
        let Some(segment) = pointer(word) else { return };
        let slot = line_slots(home_line(tag(hash), lines(word))).start;
        prefetch(segment.as_ptr().wrapping_add(slot * 8));
    }

    /// Asks for the memory of the entries that the home line of `hash` has for it.
    #[inline]
    pub fn prefetch_entry(&self, hash: u64) {
        if self.directory.is_empty() {
            return;
        }
        let word = self.directory[self.index(hash)];
        let Some(segment) = pointer(word).map(|raw| Segment::<V>::from_raw(raw.cast())) else { return };
        let line = home_line(tag(hash), lines(word));
        let mut bits = segment.matches(line, tag(hash));
        while bits != 0 {
            if let Some(block) =
                pointer(segment.read(line_slots(line).start + bits.trailing_zeros() as usize))
            {
                prefetch(block.as_ptr());
                prefetch(block.as_ptr().wrapping_add(64));
            }
            bits &= bits - 1;
        }
    }
}
#[inline]
fn prefetch(at: *const u8) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a hint: it reads nothing and can't fault, whatever the address.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(at.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = at;
}

/// The lines of the segment that a directory word points to.
#[inline]
fn lines(word: u64) -> usize {
    (word >> 48) as usize
}

impl<V> Drop for Table<V> {
    fn drop(&mut self) {
        self.clear();
    }
}
