//! A segment: up to 61 slots; a header and some spare slots on one cache line, then lines of eight slots each.
//!
//! A slot is a u64: a 16-bit tag of the hash above a 48-bit pointer to the entry; 0 is empty. An entry's home line
//! follows from its tag. Where that is full the entry lies in a spare slot, or where those are taken in the next line
//! that has room, and the home is marked as overflowed: so a lookup that misses touches the home line and the header.
//! Segments grow and shrink by being built anew, from the words alone: no entry is looked at.
//!
//! A segment that can't be split (its keys share their hashes, or the directory would grow out of proportion) has
//! a chain of further segments behind it.

use crate::entry::{Entry, EntryRef};
use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::marker::PhantomData;
use std::ops::Range;
use std::ptr::NonNull;

pub(crate) const LINE_SLOTS: usize = 8;
/// With its header a whole segment is 512 bytes; and each size on the way is one that allocators have.
pub(crate) const LINES_MAX: usize = 7;
const LINE_BYTES: usize = LINE_SLOTS * 8;
/// Slots count in words from the header's beginning; these follow the header on its line.
const SPARE: Range<usize> = HEADER_WORDS..LINE_SLOTS;
const HEADER_WORDS: usize = size_of::<Header>() / 8;
pub(crate) const SLOTS_MAX: usize = LINE_SLOTS - HEADER_WORDS + LINES_MAX * LINE_SLOTS;
const POINTER_MASK: u64 = (1 << 48) - 1;

#[repr(C)]
pub(crate) struct Header {
    pub(crate) depth: u8,
    lines: u8,
    /// Bit per line: an entry whose home it is lies elsewhere.
    overflowed: u8,
    pub(crate) count: u8,
    pub(crate) volatile: u8,
    /// Entries that have parts which expire by themselves.
    pub(crate) inner: u8,
    /// No entry, nor a part of one, expires before; exact after a walk.
    pub(crate) min_expiry: i64,
    pub(crate) chain: Option<NonNull<Header>>,
}

/// A handle on a segment, as the directory holds it. Copying it copies the pointer.
pub(crate) struct Segment<V> {
    pub(crate) raw: NonNull<Header>,
    of: PhantomData<*const V>,
}

impl<V> Clone for Segment<V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<V> Copy for Segment<V> {}

/// Where an entry lies.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) segment: NonNull<Header>,
    pub(crate) slot: usize,
}

#[inline]
pub(crate) fn tag(hash: u64) -> u64 {
    hash & 0xFFFF
}

/// The home line of a tag. It is the tag's, so that a segment is resized without a look at its keys; the bits that
/// the line takes from the comparison of tags are few.
#[inline]
pub(crate) fn home_line(tag: u64, lines: usize) -> usize {
    (tag as usize * lines) >> 16
}

fn layout(lines: usize) -> Layout {
    Layout::from_size_align((1 + lines) * LINE_BYTES, LINE_BYTES).expect("at most 512 bytes")
}

/// The slots of a line.
#[inline]
pub(crate) fn line_slots(line: usize) -> Range<usize> {
    (1 + line) * LINE_SLOTS..(2 + line) * LINE_SLOTS
}

#[inline]
pub(crate) fn pointer(slot: u64) -> Option<NonNull<u8>> {
    NonNull::new((slot & POINTER_MASK) as *mut u8)
}

impl<V> Segment<V> {
    pub(crate) fn new(depth: u8, lines: usize) -> Self {
        assert!(1 <= lines && lines <= LINES_MAX);
        // SAFETY: the layout is not empty; all zero is a valid header and empty slots.
        let raw = unsafe { alloc_zeroed(layout(lines)) }.cast::<Header>();
        let Some(raw) = NonNull::new(raw) else { handle_alloc_error(layout(lines)) };
        let segment = Self { raw, of: PhantomData };
        let header = segment.header_mut();
        header.depth = depth;
        header.lines = lines as u8;
        header.min_expiry = i64::MAX;
        segment
    }

    pub(crate) fn from_raw(raw: NonNull<Header>) -> Self {
        Self { raw, of: PhantomData }
    }

    #[inline]
    pub(crate) fn header(&self) -> &Header {
        // SAFETY: handles are used while the table that owns the segment lets them, and it is alive then.
        unsafe { self.raw.as_ref() }
    }

    #[inline]
    #[allow(clippy::mut_from_ref)]
    pub(crate) fn header_mut(&self) -> &mut Header {
        // SAFETY: called by the table's `&mut` methods only, one short borrow at a time.
        unsafe { &mut *self.raw.as_ptr() }
    }

    #[inline]
    pub(crate) fn lines(&self) -> usize {
        usize::from(self.header().lines)
    }

    /// The numbers of the slots.
    #[inline]
    pub(crate) fn slots(&self) -> Range<usize> {
        SPARE.start..(1 + self.lines()) * LINE_SLOTS
    }

    #[inline]
    pub(crate) fn read(&self, slot: usize) -> u64 {
        debug_assert!(self.slots().contains(&slot));
        // SAFETY: the slot is one of the segment's.
        unsafe { *self.raw.as_ptr().cast::<u64>().add(slot) }
    }

    #[inline]
    fn write(&self, slot: usize, value: u64) {
        debug_assert!(self.slots().contains(&slot));
        // SAFETY: as in `read`; the table is held by `&mut`.
        unsafe { *self.raw.as_ptr().cast::<u64>().add(slot) = value }
    }

    pub(crate) fn chain(&self) -> Option<Self> {
        self.header().chain.map(Self::from_raw)
    }

    /// This segment and those behind it.
    pub(crate) fn all(self) -> impl Iterator<Item = Self> {
        std::iter::successors(Some(self), Self::chain)
    }

    pub(crate) fn entry<'a>(&self, slot: usize) -> Option<EntryRef<'a, V>> {
        // SAFETY: a slot's pointer is an entry that the table owns; the table's methods choose 'a as its borrow.
        pointer(self.read(slot)).map(|block| unsafe { EntryRef::from_raw(block) })
    }

    /// The occupied slots of this segment alone.
    pub(crate) fn occupied(self) -> impl Iterator<Item = usize> {
        self.slots().filter(move |&slot| self.read(slot) != 0)
    }

    /// Finds the key in this segment and its chain. `lines` is what the directory knows of the segment: so the home
    /// line is read at once, and the header only if the key is not there.
    #[inline]
    pub(crate) fn find(self, lines: usize, hash: u64, key: &[u8]) -> Option<Place> {
        debug_assert!(lines == self.lines());
        let home = home_line(tag(hash), lines);
        if let Some(slot) = self.find_in_line(home, hash, key) {
            return Some(Place { segment: self.raw, slot });
        }
        let header = self.header();
        if header.overflowed >> home & 1 == 0 && header.chain.is_none() {
            return None;
        }
        self.find_further(home, hash, key)
    }

    /// The slots of a line that hold the tag, as bits.
    #[inline]
    pub(crate) fn matches(&self, line: usize, tag: u64) -> u32 {
        // All eight are compared, with no branch between: where in its line a key lies can't be predicted.
        let first = line_slots(line).start;
        (0..LINE_SLOTS).fold(0, |bits, i| bits | u32::from(self.read(first + i) >> 48 == tag) << i)
    }

    #[inline]
    fn find_in_line(&self, line: usize, hash: u64, key: &[u8]) -> Option<usize> {
        let mut bits = self.matches(line, tag(hash));
        while bits != 0 {
            let slot = line_slots(line).start + bits.trailing_zeros() as usize;
            if self.holds(slot, key) {
                return Some(slot);
            }
            bits &= bits - 1;
        }
        None
    }

    /// Whether the key lies in the slot; its tag is equal.
    #[inline]
    fn holds(&self, slot: usize, key: &[u8]) -> bool {
        // An empty slot has the tag 0, too.
        self.entry(slot).is_some_and(|entry| entry.key() == key)
    }

    #[inline(never)]
    fn find_further(self, home: usize, hash: u64, key: &[u8]) -> Option<Place> {
        for segment in self.all() {
            let is_it = |slot: &usize| segment.read(*slot) >> 48 == tag(hash) && segment.holds(*slot, key);
            if let Some(slot) = SPARE.into_iter().find(is_it) {
                return Some(Place { segment: segment.raw, slot });
            }
            let lines = segment.lines();
            let (first, steps) = if segment.raw == self.raw { (home, 1..lines) } else { (0, 0..lines) };
            for line in steps.map(|step| (first + step) % lines) {
                if let Some(slot) = segment.find_in_line(line, hash, key) {
                    return Some(Place { segment: segment.raw, slot });
                }
            }
        }
        None
    }

    /// The best free slot for a tag; marks its home line if that is elsewhere.
    fn free_slot(&self, tag: u64) -> Option<usize> {
        let lines = self.lines();
        let home = home_line(tag, lines);
        let is_free = |slot: &usize| self.read(*slot) == 0;
        if let Some(slot) = line_slots(home).find(is_free) {
            return Some(slot);
        }
        let mut others = (1..lines).flat_map(|step| line_slots((home + step) % lines));
        let slot = SPARE.into_iter().find(is_free).or_else(|| others.find(is_free))?;
        self.header_mut().overflowed |= 1 << home;
        Some(slot)
    }

    /// Takes over every entry of another segment, which is empty then; the caller knows that there is room.
    pub(crate) fn adopt(&self, from: Self) {
        for slot in from.slots() {
            let word = from.read(slot);
            if word != 0 {
                let to = self.free_slot(word >> 48).expect("the new segment has room");
                self.write(to, word);
                from.write(slot, 0);
            }
        }
        let (to, from) = (self.header_mut(), from.header_mut());
        to.count += std::mem::take(&mut from.count);
        to.volatile += std::mem::take(&mut from.volatile);
        to.inner += std::mem::take(&mut from.inner);
        to.min_expiry = to.min_expiry.min(from.min_expiry);
    }

    /// Puts an entry into a free slot of this segment alone; gives it back if there is none.
    pub(crate) fn place(&self, hash: u64, entry: Entry<V>) -> Result<usize, Entry<V>> {
        let Some(slot) = self.free_slot(tag(hash)) else { return Err(entry) };
        let header = self.header_mut();
        header.count += 1;
        if let Some(expiry) = entry.expiry() {
            header.volatile += 1;
            header.min_expiry = header.min_expiry.min(expiry);
        }
        // When its parts expire, who puts it here says.
        header.inner += u8::from(entry.borrow().has_inner_expiry());
        let block = entry.into_raw().as_ptr() as u64;
        assert!(block & !POINTER_MASK == 0, "user addresses have 48 bits");
        self.write(slot, tag(hash) << 48 | block);
        Ok(slot)
    }

    /// Takes the entry out of its slot.
    pub(crate) fn take(&self, slot: usize) -> Option<Entry<V>> {
        let block = pointer(self.read(slot))?;
        self.write(slot, 0);
        // SAFETY: the slot owned the entry, and is empty now.
        let entry = unsafe { Entry::from_raw(block) };
        let header = self.header_mut();
        header.count -= 1;
        if entry.expiry().is_some() {
            header.volatile -= 1;
        }
        header.inner -= u8::from(entry.borrow().has_inner_expiry());
        Some(entry)
    }

    /// Changes the entry in its slot, where it may move to another block.
    pub(crate) fn change<R>(&self, slot: usize, change: impl FnOnce(&mut Entry<V>) -> R) -> R {
        let word = self.read(slot);
        let block = pointer(word).expect("the slot is occupied");
        // Emptied meanwhile, so that a panic in `change` frees the entry once.
        self.write(slot, 0);
        // SAFETY: the slot owned the entry, and is empty now.
        let mut entry = unsafe { Entry::from_raw(block) };
        let before = entry.expiry();
        let had_inner = entry.borrow().has_inner_expiry();
        let result = change(&mut entry);
        let after = entry.expiry();
        let has_inner = entry.borrow().has_inner_expiry();
        if had_inner != has_inner {
            let header = self.header_mut();
            header.inner = header.inner + u8::from(has_inner) - u8::from(had_inner);
        }
        // The header is on another line than the slot: it is left alone where nothing changes in it.
        if before != after {
            let header = self.header_mut();
            header.volatile = header.volatile + u8::from(after.is_some()) - u8::from(before.is_some());
            header.min_expiry = header.min_expiry.min(after.unwrap_or(i64::MAX));
        }
        self.write(slot, word & !POINTER_MASK | entry.into_raw().as_ptr() as u64);
        result
    }

    /// From now on a part of some entry may expire at `at`.
    pub(crate) fn expect_expiry(&self, at: i64) {
        let header = self.header_mut();
        header.min_expiry = header.min_expiry.min(at);
    }

    /// Frees the segment, which must be empty; its chain is the caller's.
    pub(crate) fn free(self) {
        assert!(self.header().count == 0);
        let lines = self.lines();
        // SAFETY: allocated with this layout; no handle on it is used after this.
        unsafe { dealloc(self.raw.as_ptr().cast(), layout(lines)) };
    }

    pub(crate) fn bytes(&self) -> usize {
        layout(self.lines()).size()
    }
}
