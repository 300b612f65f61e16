//! The table: an extendible directory of small segments in hash order.
//!
//! The directory is indexed by the hash's high bits (behind those that chose the shard); each word points to a
//! segment of at most 61 slots. A full segment splits by one more bit, or grows by a line if it is not of the whole
//! size; sparse buddies merge. There is no big rehash: the longest step is a doubling of the directory, a copy of words.
//!
//! Hash order makes a position in it a cursor that survives splits and merges: what is there during a whole
//! iteration is visited exactly once. Positions are multiples of 2^11, so that `position >> 11` is below 2^53;
//! keys that share it come together.

use crate::entry::{Entry, EntryRef, NewPayload};
use crate::segment::{LINES_MAX, Place, SLOTS_MAX, Segment, home_line, line_slots, pointer, tag};
use base::hash::KeyHasher;
use base::rng::Rng;
use std::marker::PhantomData;

/// Bits of a hash below a scan position.
pub const POSITION_SHIFT: u32 = 11;
const POSITION_MASK: u64 = !0 << POSITION_SHIFT;
/// A segment with this many entries is full: a tenth of its slots stays free, so that a home overflows rarely, and
/// then mostly into the spare slots.
const fn full(lines: usize) -> usize {
    lines * 7 + 6
}
/// A half of a split segment with at least so many entries gets the whole size at once. Nearly all do: if each grew
/// as it fills, they would leave blocks of every size behind, as segments of random keys fill at the same time.
const WHOLE_COUNT_MIN: usize = 16;
/// Buddies with at most so many entries together merge.
const MERGE_COUNT_MAX: usize = 20;

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
pub struct EntryMut<'a, V> {
    segment: Segment<V>,
    slot: usize,
    volatile: &'a mut usize,
}

impl<V> EntryMut<'_, V> {
    pub fn borrow(&self) -> EntryRef<'_, V> {
        self.segment.entry(self.slot).expect("the slot is occupied")
    }

    pub fn boxed_mut(&mut self) -> Option<&mut V> {
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
        self.change(|entry| entry.replace(payload, expiry, tag, access));
    }

    fn change(&mut self, change: impl FnOnce(&mut Entry<V>)) {
        let before = self.borrow().expiry().is_some();
        self.segment.change(self.slot, change);
        let after = self.borrow().expiry().is_some();
        *self.volatile = *self.volatile + usize::from(after) - usize::from(before);
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
    pub fn get_mut(&mut self, hash: u64, key: &[u8]) -> Option<EntryMut<'_, V>> {
        let Place { segment, slot } = self.find(hash, key)?;
        Some(EntryMut { segment: Segment::from_raw(segment), slot, volatile: &mut self.volatile })
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
    ) -> Upsert {
        if let Some(mut entry) = self.get_mut(hash, key) {
            let before = entry.borrow().expiry();
            entry.replace(payload, expiry, tag, access);
            return Upsert::Replaced { expiry: before };
        }
        self.insert_new(hash, Entry::new(key, payload, expiry, tag, access));
        Upsert::Inserted
    }

    fn insert_new(&mut self, hash: u64, entry: Entry<V>) {
        if self.directory.is_empty() {
            let segment = self.new_segment(0, 1);
            self.deepest = 1;
            self.directory.push(Self::word(segment));
        }
        let is_volatile = entry.expiry().is_some();
        let mut entry = entry;
        loop {
            let segment = self.segment(self.index(hash));
            if segment.chain().is_none() && usize::from(segment.header().count) < full(segment.lines()) {
                match segment.place(hash, entry) {
                    Ok(_) => break,
                    Err(back) => entry = back,
                }
            }
            if segment.chain().is_none() && segment.lines() < LINES_MAX {
                self.resize(hash, segment.lines() + 1);
            } else if !self.split(hash) {
                self.chain(segment, hash, entry);
                break;
            }
        }
        self.len += 1;
        self.volatile += usize::from(is_volatile);
    }

    fn new_segment(&mut self, depth: u8, lines: usize) -> Segment<V> {
        let segment = Segment::new(depth, lines);
        self.segment_bytes += segment.bytes();
        segment
    }

    fn free_segment(&mut self, segment: Segment<V>) {
        self.segment_bytes -= segment.bytes();
        segment.free();
    }

    /// Builds the segment of `hash` anew with so many lines.
    fn resize(&mut self, hash: u64, lines: usize) {
        let index = self.index(hash);
        let old = self.segment(index);
        let new = self.new_segment(old.header().depth, lines);
        new.adopt(old);
        self.point(index, new);
        self.free_segment(old);
    }

    /// Splits the segment of `hash` by its next bit; false if the directory may not grow for it.
    fn split(&mut self, hash: u64) -> bool {
        let index = self.index(hash);
        let old = self.segment(index);
        let depth = u32::from(old.header().depth);
        if depth == self.depth && !self.double() {
            return false;
        }
        let index = self.index(hash);
        let parts: Vec<Segment<V>> = old.all().collect();
        self.chained -= usize::from(1 < parts.len());
        // Their keys are hashed anew: the misses overlap.
        for part in &parts {
            part.occupied()
                .filter_map(|slot| pointer(part.read(slot)))
                .for_each(|block| prefetch(block.as_ptr()));
        }
        let mut entries = Vec::with_capacity(SLOTS_MAX);
        for part in parts {
            for slot in part.slots() {
                if let Some(entry) = part.take(slot) {
                    entries.push((self.rehash(entry.key()), entry));
                }
            }
            self.free_segment(part);
        }
        self.deepest -= usize::from(depth == self.depth);
        let bit = 63 - self.used_bits - depth;
        let ones = entries.iter().filter(|(hash, _)| hash >> bit & 1 == 1).count();
        let counts = [entries.len() - ones, ones];
        let span = self.span(index, depth);
        let half = span.len() / 2;
        let depth = depth + 1;
        let mut halves = counts.map(|count| {
            let lines = if WHOLE_COUNT_MIN <= count { LINES_MAX } else { lines_for(count) };
            self.new_segment(depth as u8, lines)
        });
        self.deepest += if depth == self.depth { 2 } else { 0 };
        self.directory[span.start..span.start + half].fill(Self::word(halves[0]));
        self.directory[span.start + half..span.end].fill(Self::word(halves[1]));
        for (hash, entry) in entries {
            let side = (hash >> bit & 1) as usize;
            if let Err(entry) = halves[side].place(hash, entry) {
                let first = halves[side];
                self.chain(first, hash, entry);
                halves[side] = first;
            }
        }
        true
    }

    /// Doubles the directory, unless that is out of proportion to the entries: then keys share their hashes.
    fn double(&mut self) -> bool {
        let words = self.directory.len() * 2;
        if 63 - self.used_bits <= self.depth || (64 < words && self.len / 2 < words) {
            return false;
        }
        let mut directory = Vec::with_capacity(words);
        for &word in &self.directory {
            directory.extend([word, word]);
        }
        self.directory = directory;
        self.depth += 1;
        self.deepest = 0;
        true
    }

    /// Adds an entry to the chain behind a segment.
    #[cold]
    fn chain(&mut self, first: Segment<V>, hash: u64, entry: Entry<V>) {
        let mut entry = entry;
        let mut last = first;
        for segment in first.all() {
            match segment.place(hash, entry) {
                Ok(_) => return,
                Err(back) => entry = back,
            }
            last = segment;
        }
        let depth = first.header().depth;
        let new = self.new_segment(depth, LINES_MAX);
        self.chained += usize::from(first.header().chain.is_none());
        last.header_mut().chain = Some(new.raw);
        let placed = new.place(hash, entry);
        assert!(placed.is_ok(), "a new segment has room");
    }

    /// Takes the key's entry out.
    pub fn remove(&mut self, hash: u64, key: &[u8]) -> Option<Entry<V>> {
        let Place { segment, slot } = self.find(hash, key)?;
        let entry = Segment::<V>::from_raw(segment).take(slot)?;
        self.len -= 1;
        self.volatile -= usize::from(entry.expiry().is_some());
        self.shrink(hash);
        Some(entry)
    }

    /// After a removal: gives room back where a segment has become sparse.
    fn shrink(&mut self, hash: u64) {
        let index = self.index(hash);
        let segment = self.segment(index);
        if segment.chain().is_some() {
            self.shorten_chain(segment);
            return;
        }
        if self.len == 0 {
            self.clear();
            return;
        }
        let count = usize::from(segment.header().count);
        if full(segment.lines()) / 4 < count {
            return;
        }
        if !self.merge(index) && lines_for(count) + 1 < segment.lines() {
            self.resize(hash, lines_for(count));
        }
    }

    /// Frees chained segments that are empty.
    #[cold]
    fn shorten_chain(&mut self, first: Segment<V>) {
        let mut last = first;
        while let Some(next) = last.chain() {
            if next.header().count == 0 {
                last.header_mut().chain = next.header().chain;
                self.free_segment(next);
            } else {
                last = next;
            }
        }
        self.chained -= usize::from(first.chain().is_none());
    }

    /// Merges the segment with its buddy if both are sparse.
    fn merge(&mut self, index: usize) -> bool {
        let segment = self.segment(index);
        let depth = u32::from(segment.header().depth);
        if depth == 0 {
            return false;
        }
        let span = self.span(index, depth);
        let buddy = self.segment(span.start ^ span.len());
        let (a, b) = (segment.header(), buddy.header());
        let count = usize::from(a.count) + usize::from(b.count);
        if b.depth != a.depth || b.chain.is_some() || MERGE_COUNT_MAX < count {
            return false;
        }
        let merged = self.new_segment(depth as u8 - 1, lines_for(count));
        merged.adopt(segment);
        merged.adopt(buddy);
        self.point(index, merged);
        self.free_segment(segment);
        self.free_segment(buddy);
        if depth == self.depth {
            self.deepest -= 2;
            while self.deepest == 0 && 0 < self.depth {
                self.halve();
            }
        }
        true
    }

    fn halve(&mut self) {
        self.directory = self.directory.iter().step_by(2).copied().collect();
        self.depth -= 1;
        let depth = self.depth;
        self.deepest = self.segments().filter(|segment| u32::from(segment.header().depth) == depth).count();
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
    }

    /// The segments in hash order, without their chains.
    fn segments(&self) -> impl Iterator<Item = Segment<V>> {
        let mut index = 0;
        std::iter::from_fn(move || {
            let segment = (index < self.directory.len()).then(|| self.segment(index))?;
            index = self.span(index, u32::from(segment.header().depth)).end;
            Some(segment)
        })
    }

    /// Every entry, in hash order of the segments.
    pub fn iter(&self) -> impl Iterator<Item = EntryRef<'_, V>> {
        let parts = self.segments().flat_map(Segment::all);
        parts.flat_map(|part| part.occupied().filter_map(move |slot| part.entry(slot)))
    }

    /// Visits entries with a hash of at least `from` in hash order: at least so many, and all that share the last
    /// one's position. The position to go on from; `None` at the end.
    pub fn scan<'a>(
        &'a self,
        from: u64,
        at_least: usize,
        visit: &mut dyn FnMut(u64, EntryRef<'a, V>),
    ) -> Option<u64> {
        let mut visited = 0;
        let mut index = if self.directory.is_empty() { 0 } else { self.index(from) };
        let mut found: Vec<(u64, EntryRef<'a, V>)> = Vec::new();
        while index < self.directory.len() {
            let segment = self.segment(index);
            found.clear();
            for part in segment.all() {
                let entries = part.occupied().filter_map(|slot| part.entry(slot));
                found.extend(entries.map(|entry| (self.rehash(entry.key()), entry)));
            }
            found.retain(|(hash, _)| from <= *hash);
            found.sort_unstable_by_key(|(hash, _)| *hash);
            for (i, &(hash, entry)) in found.iter().enumerate() {
                let begins = i == 0 || found[i - 1].0 & POSITION_MASK != hash & POSITION_MASK;
                if begins && at_least <= visited {
                    return Some(hash & POSITION_MASK);
                }
                visit(hash, entry);
                visited += 1;
            }
            index = self.span(index, u32::from(segment.header().depth)).end;
        }
        None
    }

    /// Visits entries whose expiry is at most `now`, in at most `segments_max` segments from `position` on. The
    /// position to go on from; `None` at the end.
    pub fn due(
        &mut self,
        position: u64,
        now: i64,
        segments_max: usize,
        visit: &mut dyn FnMut(u64, EntryRef<'_, V>),
    ) -> Option<u64> {
        let mut index = if self.directory.is_empty() { 0 } else { self.index(position) };
        for _ in 0..segments_max {
            if self.directory.len() <= index {
                return None;
            }
            let segment = self.segment(index);
            for part in segment.all() {
                if 0 < part.header().volatile && part.header().min_expiry <= now {
                    self.visit_due(part, now, visit);
                }
            }
            index = self.span(index, u32::from(segment.header().depth)).end;
        }
        let position = ((index as u64) << 1 << (63 - self.depth)) >> self.used_bits;
        (index < self.directory.len()).then_some(position)
    }

    fn visit_due(&self, part: Segment<V>, now: i64, visit: &mut dyn FnMut(u64, EntryRef<'_, V>)) {
        let mut earliest = i64::MAX;
        for slot in part.occupied() {
            let Some(entry) = part.entry(slot) else { continue };
            let Some(expiry) = entry.expiry() else { continue };
            earliest = earliest.min(expiry);
            if expiry <= now {
                visit(self.rehash(entry.key()), entry);
            }
        }
        part.header_mut().min_expiry = earliest;
    }

    /// An entry by chance, each with the same probability.
    pub fn random(&self, rng: &mut Rng) -> Option<EntryRef<'_, V>> {
        if self.len == 0 {
            return None;
        }
        if 0 < self.chained {
            let nth = rng.below(self.len as u64) as usize;
            return self.iter().nth(nth);
        }
        // A segment is hit in proportion to its words; accepting by its slots that are occupied and by how many
        // words it has makes every entry equally likely.
        loop {
            let segment = self.segment(rng.below(self.directory.len() as u64) as usize);
            let words = 1u64 << (self.depth - u32::from(segment.header().depth));
            let slot = segment.slots().start + rng.below(SLOTS_MAX as u64) as usize;
            if segment.slots().end <= slot || 0 < rng.below(words) {
                continue;
            }
            if let Some(entry) = segment.entry(slot) {
                return Some(entry);
            }
        }
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

/// Lines for so many entries, with room for some more.
fn lines_for(count: usize) -> usize {
    (1..=LINES_MAX).find(|&lines| count < full(lines)).unwrap_or(LINES_MAX)
}

impl<V> Drop for Table<V> {
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::Payload;
    use std::collections::BTreeMap;

    fn table(mask: u64) -> Table<String> {
        let mut table = Table::new(KeyHasher::new(7), 0);
        table.hash_mask = mask;
        table
    }

    fn number(entry: EntryRef<String>) -> i64 {
        match entry.payload() {
            Payload::Int(n) => n,
            Payload::Boxed(text) => text.parse().expect("is a number"),
            Payload::Bytes(_) => unreachable!(),
        }
    }

    /// Random operations against a BTreeMap; whole iterations along the way.
    fn check_model(mask: u64, seed: u64, keys: u64, operations: u32) {
        let mut rng = Rng::new(seed);
        let mut table = table(mask);
        let mut model: BTreeMap<Vec<u8>, (i64, Option<i64>)> = BTreeMap::new();
        for round in 0..operations {
            let key = format!("key:{}", rng.below(keys)).into_bytes();
            let hash = table.rehash(&key);
            // Phases of growth and of shrinking, so that segments split and merge.
            let grow = (round / (operations / 4).max(1)).is_multiple_of(2);
            let choice = rng.below(10) + if grow { 0 } else { 4 };
            let value = rng.next_u64() as i64;
            let expiry = rng.one_in(3).then(|| rng.below(100) as i64);
            match choice {
                0..=4 => {
                    let payload = if rng.one_in(4) {
                        NewPayload::Boxed(value.to_string())
                    } else {
                        NewPayload::Int(value)
                    };
                    let before = model.insert(key.clone(), (value, expiry));
                    let expected = before.map_or(Upsert::Inserted, |(_, expiry)| Upsert::Replaced { expiry });
                    assert_eq!(table.upsert(hash, &key, payload, expiry, 0, 0), expected, "seed {seed}");
                }
                5 => {
                    let entry = table.get_mut(hash, &key);
                    assert_eq!(entry.is_some(), model.contains_key(&key));
                    if let (Some(mut entry), Some(known)) = (entry, model.get_mut(&key)) {
                        entry.set_expiry(expiry);
                        known.1 = expiry;
                    }
                }
                _ => {
                    let removed =
                        table.remove(hash, &key).map(|entry| (number(entry.borrow()), entry.expiry()));
                    assert_eq!(removed, model.remove(&key), "seed {seed}");
                }
            }
            assert_eq!(table.len(), model.len());
            let found = table.get(hash, &key).map(|entry| (number(entry), entry.expiry()));
            assert_eq!(found, model.get(&key).copied(), "seed {seed}");
            if round % 997 == 0 {
                check_whole(&mut table, &model);
            }
        }
        check_whole(&mut table, &model);
    }

    fn check_whole(table: &mut Table<String>, model: &BTreeMap<Vec<u8>, (i64, Option<i64>)>) {
        assert_eq!(table.volatile_len(), model.values().filter(|(_, expiry)| expiry.is_some()).count());
        let mut seen = BTreeMap::new();
        let (mut from, mut last) = (Some(0), 0);
        while let Some(position) = from {
            from = table.scan(position, 10, &mut |hash, entry| {
                assert!(last <= hash && position <= hash);
                last = hash;
                assert!(seen.insert(entry.key().to_vec(), (number(entry), entry.expiry())).is_none());
            });
            assert!(from.is_none_or(|next| next & !POSITION_MASK == 0 && position < next));
        }
        assert_eq!(&seen, model);
        assert_eq!(table.iter().count(), model.len());
        let mut due = Vec::new();
        let mut from = Some(0);
        while let Some(position) = from {
            from = table.due(position, 50, 3, &mut |_, entry| due.push(entry.key().to_vec()));
        }
        due.sort();
        let expected = model.iter().filter(|(_, (_, expiry))| expiry.is_some_and(|at| at <= 50));
        assert_eq!(due, expected.map(|(key, _)| key.clone()).collect::<Vec<_>>());
    }

    #[test]
    fn behaves_as_a_map_while_it_grows_and_shrinks() {
        for seed in 0..6 {
            check_model(!0, seed, 4000, 30_000);
        }
    }

    #[test]
    fn equal_and_nearly_equal_hashes_are_borne() {
        check_model(0, 1, 300, 4000); // one hash for all
        check_model(0x7, 2, 600, 8000); // eight hashes, equal in all but their lowest bits
        check_model(0xF000_0000_0000_0000, 3, 600, 8000); // sixteen, different in their highest
        check_model(0xFFFF, 4, 1000, 8000); // different homes and tags, one directory path
    }

    #[test]
    fn chance_is_fair() {
        let mut table = table(!0);
        let keys = 500u64;
        for i in 0..keys {
            let key = i.to_le_bytes();
            table.upsert(table.rehash(&key), &key, NewPayload::Int(i as i64), None, 0, 0);
        }
        let mut rng = Rng::new(11);
        let mut hits = vec![0f64; keys as usize];
        let draws = 200_000;
        for _ in 0..draws {
            hits[number(table.random(&mut rng).expect("is not empty")) as usize] += 1.0;
        }
        let mean = f64::from(draws) / keys as f64;
        let chi: f64 = hits.iter().map(|n| (n - mean) * (n - mean) / mean).sum();
        // 499 degrees of freedom: mean 499, deviation 31.6; five deviations.
        assert!(chi < 660.0, "chi-square {chi}");
    }

    #[test]
    fn an_empty_table_is_small_and_a_full_one_is_lean() {
        let mut table: Table<String> = Table::new(KeyHasher::new(3), 0);
        assert_eq!(table.memory_bytes(), 0);
        let (mut bytes, mut keys) = (0, 0);
        for i in 0..28_000u64 {
            let key = i.to_le_bytes();
            table.upsert(table.rehash(&key), &key, NewPayload::Int(0), None, 0, 0);
            if 14_000 <= i && i % 1000 == 0 {
                bytes += table.memory_bytes();
                keys += table.len();
            }
        }
        assert!(bytes <= 15 * keys, "{} bytes for {keys} keys", bytes);
        table.clear();
        assert_eq!((table.len(), table.memory_bytes()), (0, 0));
    }
}
