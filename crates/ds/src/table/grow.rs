//! How a table grows and shrinks: segments are resized, split and merged, one at a time.

use super::{Table, prefetch};
use crate::entry::Entry;
use crate::segment::{LINES_MAX, SLOTS_MAX, Segment, pointer};

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

impl<V> Table<V> {
    pub(super) fn insert_new(&mut self, hash: u64, entry: Entry<V>) {
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

    pub(super) fn free_segment(&mut self, segment: Segment<V>) {
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
        // When parts of the entries expire is not known without a look at their values: no earlier than this.
        let earliest = parts.iter().map(|part| part.header().min_expiry).min().unwrap_or(i64::MAX);
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
        for part in halves.into_iter().flat_map(Segment::all).filter(|part| 0 < part.header().inner) {
            part.expect_expiry(earliest);
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

    /// After a removal: gives room back where a segment has become sparse.
    pub(super) fn shrink(&mut self, hash: u64) {
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
}

/// Lines for so many entries, with room for some more.
fn lines_for(count: usize) -> usize {
    (1..=LINES_MAX).find(|&lines| count < full(lines)).unwrap_or(LINES_MAX)
}
