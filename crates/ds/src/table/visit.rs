//! Walks over a table: by hash order, by what is due, by chance.

use super::{POSITION_MASK, Parts, Table};
use crate::entry::{EntryRef, Payload};
use crate::segment::{SLOTS_MAX, Segment};
use base::rng::Rng;

impl<V> Table<V> {
    /// The segments in hash order, without their chains.
    pub(super) fn segments(&self) -> impl Iterator<Item = Segment<V>> {
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

    /// Visits entries whose expiry, or that of some part of them, is at most `now`, in at most `segments_max` segments
    /// from `position` on. The position to go on from; `None` at the end.
    pub fn due(
        &mut self,
        position: u64,
        now: i64,
        segments_max: usize,
        visit: &mut dyn FnMut(u64, EntryRef<'_, V>),
    ) -> Option<u64>
    where
        V: Parts,
    {
        let mut index = if self.directory.is_empty() { 0 } else { self.index(position) };
        for _ in 0..segments_max {
            if self.directory.len() <= index {
                return None;
            }
            let segment = self.segment(index);
            for part in segment.all() {
                let header = part.header();
                if (0 < header.volatile || 0 < header.inner) && header.min_expiry <= now {
                    self.visit_due(part, now, visit);
                }
            }
            index = self.span(index, u32::from(segment.header().depth)).end;
        }
        let position = ((index as u64) << 1 << (63 - self.depth)) >> self.used_bits;
        (index < self.directory.len()).then_some(position)
    }

    fn visit_due(&self, part: Segment<V>, now: i64, visit: &mut dyn FnMut(u64, EntryRef<'_, V>))
    where
        V: Parts,
    {
        let mut earliest = i64::MAX;
        for slot in part.occupied() {
            let Some(entry) = part.entry(slot) else { continue };
            let of_part = match entry.payload() {
                Payload::Boxed(value) if entry.has_inner_expiry() => value.first_expiry(),
                _ => None,
            };
            let Some(expiry) = entry.expiry().into_iter().chain(of_part).min() else { continue };
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
}
