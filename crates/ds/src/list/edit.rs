//! Changing a list. What a change leaves uncompressed is compressed again at its
//! end, if it lies inside.

use super::chunk::{Chunk, Content};
use super::{Direction, End, List};
use crate::listpack::{Listpack, Place, Side, Value};
use std::sync::Arc;

impl List {
    pub fn push(&mut self, end: End, value: &[u8]) {
        let index = match end {
            End::Head => 0,
            End::Tail => self.chunks.len().saturating_sub(1),
        };
        if self.chunk_takes(index, value) {
            return self.chunks.update(index, |chunk| {
                Arc::make_mut(chunk).edit(|pack| match end {
                    End::Head => pack.prepend(value),
                    End::Tail => pack.append(value),
                })
            });
        }
        let index = match end {
            End::Head => 0,
            End::Tail => self.chunks.len(),
        };
        self.insert_chunk(index, self.chunk_of(value));
        self.settle_grown(&[]);
    }

    /// Removes an element from an end and reads it.
    pub fn pop_with<R>(&mut self, end: End, look: impl FnOnce(Value) -> R) -> Option<R> {
        let index = match end {
            End::Head => 0,
            End::Tail => self.len().checked_sub(1)?,
        };
        let result = self.get(index, look)?;
        self.remove_range(index, 1);
        Some(result)
    }

    pub fn pop(&mut self, end: End) -> Option<Vec<u8>> {
        self.pop_with(end, |value| value.to_vec())
    }

    /// Appends a listpack as a chunk of its own, as files hold them. An empty one adds nothing.
    pub fn push_listpack(&mut self, pack: Listpack) {
        if !pack.is_empty() {
            self.insert_chunk(self.chunks.len(), Chunk::packed(pack));
            self.settle_grown(&[]);
        }
    }

    /// Appends an element as a chunk of its own, as files hold them.
    pub fn push_plain(&mut self, element: &[u8]) {
        self.insert_chunk(self.chunks.len(), Chunk::plain(element));
        self.settle_grown(&[]);
    }

    /// Replaces the element at `index`; false if there is none.
    pub fn set(&mut self, index: usize, value: &[u8]) -> bool {
        let Some((at, within)) = self.chunks.find_weight(index) else { return false };
        let chunk = self.chunks.get(at).expect("was found");
        let (was_plain, is_plain) = (chunk.is_plain(), self.settings.plain_from_bytes <= value.len());
        if was_plain && is_plain {
            let chunk = self.chunk_of(value);
            self.chunks.update(at, |old| *old = Arc::new(chunk));
        } else if !was_plain && !is_plain && self.keeps_below_limit(at, value) {
            self.chunks.update(at, |chunk| {
                Arc::make_mut(chunk).edit(|pack| {
                    let place = pack.view().seek(within as i64).expect("lies within");
                    pack.replace(place, value);
                })
            });
        } else {
            self.insert(index, Side::After, value);
            self.remove_range(index, 1);
            return true;
        }
        self.compress_inner(at);
        true
    }

    /// Puts the value beside the element at `index`; false if there is none.
    pub fn insert(&mut self, index: usize, side: Side, value: &[u8]) -> bool {
        let Some((at, within)) = self.chunks.find_weight(index) else { return false };
        let count = self.chunks.get(at).expect("was found").len();
        let within = match side {
            Side::Before => within,
            Side::After => within + 1,
        };
        if self.chunk_takes(at, value) {
            self.insert_into(at, within, value);
        } else if within == 0 {
            self.insert_between(at, at.checked_sub(1), value);
        } else if within == count {
            self.insert_between(at + 1, Some(at + 1), value);
        } else {
            self.insert_by_split(at, within, side, value);
        }
        true
    }

    /// Before the chunk at `at`, when the one on the near side has no room: the neighbour on the far side may.
    fn insert_between(&mut self, at: usize, neighbour: Option<usize>, value: &[u8]) {
        match neighbour {
            Some(neighbour) if self.chunk_takes(neighbour, value) => {
                let within =
                    if neighbour < at { self.chunks.get(neighbour).expect("takes it").len() } else { 0 };
                self.insert_into(neighbour, within, value);
            }
            _ => {
                self.insert_chunk(at, self.chunk_of(value));
                self.settle_grown(&[at]);
            }
        }
    }

    /// Removes up to `count` elements from `index` on.
    pub fn remove_range(&mut self, index: usize, count: usize) {
        let mut left = count.min(self.len().saturating_sub(index));
        if left == 0 {
            return;
        }
        // Mostly all of them lie in one chunk, of which something stays.
        let (at, within) = self.chunks.find_weight(index).expect("lies within");
        let stays = self.chunks.update(at, |chunk| {
            let stays = left < chunk.len() - within || (0 < within && left == chunk.len() - within);
            if stays {
                Arc::make_mut(chunk).remove(within, left);
            }
            stays
        });
        if stays {
            return self.compress_inner(at);
        }
        let (mut touched, mut structure) = (Vec::new(), false);
        while 0 < left {
            let (at, within) = self.chunks.find_weight(index).expect("lies within");
            let len = self.chunks.get(at).expect("was found").len();
            let here = left.min(len - within);
            left -= here;
            if here == len {
                self.chunks.remove(at);
                structure = true;
            } else {
                self.chunks.update(at, |chunk| Arc::make_mut(chunk).remove(within, here));
                touched.push(at);
            }
        }
        match structure {
            true => self.settle(&touched),
            false => touched.iter().for_each(|&at| self.compress_inner(at)),
        }
    }

    /// Removes the first `limit` elements that are `value`, from either end; gives their number.
    pub fn remove_value(&mut self, value: &[u8], limit: usize, direction: Direction) -> usize {
        let (mut removed, mut seen) = (0, 0);
        while removed < limit && seen < self.chunks.len() {
            let at = match direction {
                Direction::Forward => seen,
                Direction::Backward => self.chunks.len() - 1 - seen,
            };
            let chunk = self.chunks.get(at).expect("lies within");
            let matches = find_all(chunk, value, limit - removed, direction);
            let found = match &matches {
                Matches::None => 0,
                Matches::Whole => 1,
                Matches::Places(places) => places.len(),
            };
            removed += found;
            if found == chunk.len() {
                self.chunks.remove(at);
                continue;
            }
            if let Matches::Places(places) = &matches {
                self.chunks.update(at, |chunk| Arc::make_mut(chunk).edit(|pack| pack.remove_each(places, 1)));
                self.compress_inner(at);
            }
            seen += 1;
        }
        if 0 < removed {
            self.settle(&[]);
        }
        removed
    }

    fn chunk_of(&self, value: &[u8]) -> Chunk {
        Chunk::of_one(value, self.settings.plain_from_bytes)
    }

    fn insert_chunk(&mut self, at: usize, chunk: Chunk) {
        self.chunks.insert(at, Arc::new(chunk));
    }

    fn chunk_takes(&self, at: usize, value: &[u8]) -> bool {
        value.len() < self.settings.plain_from_bytes
            && self.chunks.get(at).is_some_and(|chunk| chunk.takes(value.len(), self.settings.fill))
    }

    /// A replacement may exceed the fill, as in Redis, but not what a listpack can be.
    fn keeps_below_limit(&self, at: usize, value: &[u8]) -> bool {
        let bytes = self.chunks.get(at).map_or(0, |chunk| chunk.bytes());
        bytes + crate::listpack::element_bytes(value) <= crate::listpack::BYTES_MAX
    }

    fn insert_into(&mut self, at: usize, within: usize, value: &[u8]) {
        self.chunks.update(at, |chunk| {
            Arc::make_mut(chunk).edit(|pack| match pack.view().seek(within as i64) {
                Some(place) => {
                    pack.insert(place, Side::Before, value);
                }
                None => pack.append(value),
            })
        });
        self.compress_inner(at);
    }

    /// Into the middle of a chunk that has no room: it is cut there, and the part without the element that the
    /// value is put beside takes it, whatever the fill says.
    fn insert_by_split(&mut self, at: usize, within: usize, side: Side, value: &[u8]) {
        let is_plain = self.settings.plain_from_bytes <= value.len();
        let mut right = self.chunks.update(at, |chunk| Arc::make_mut(chunk).split_off(within));
        match side {
            _ if is_plain => {}
            Side::Before => {
                self.chunks.update(at, |left| Arc::make_mut(left).edit(|pack| pack.append(value)))
            }
            Side::After => right.edit(|pack| pack.prepend(value)),
        }
        self.insert_chunk(at + 1, right);
        if is_plain {
            self.insert_chunk(at + 1, Chunk::plain(value));
            return self.settle_grown(&[at, at + 1, at + 2]);
        }
        // Both parts may be small: what lies around the cut is joined where it fits, in this order.
        let mut center = match side {
            Side::Before => at + 1,
            Side::After => at,
        };
        if 2 <= center && self.join(center - 2) {
            center -= 1;
        }
        self.join(center + 1);
        if 1 <= center && self.join(center - 1) {
            center -= 1;
        }
        self.join(center);
        let touched: Vec<usize> = (center.saturating_sub(3)..center + 4).collect();
        self.settle(&touched);
    }

    /// Makes one chunk of the one at `at` and the next, if the fill allows it.
    fn join(&mut self, at: usize) -> bool {
        let (Some(left), Some(right)) = (self.chunks.get(at), self.chunks.get(at + 1)) else { return false };
        if !left.takes_all_of(right, self.settings.fill) {
            return false;
        }
        let right = self.chunks.remove(at + 1);
        self.chunks.update(at, |left| {
            right.read(|content| match content {
                Content::Pack(view) => Arc::make_mut(left).edit(|pack| pack.merge(view)),
                Content::Element(_) => unreachable!("plain chunks are not joined"),
            })
        });
        true
    }

    /// Keeps the invariant of the compress depth after chunks went, and others were `touched`.
    fn settle(&mut self, touched: &[usize]) {
        let (depth, len) = (self.settings.compress_depth, self.chunks.len());
        let outer = depth.min(len);
        for at in (0..outer).chain(len - outer..len) {
            if self.chunks.get(at).is_some_and(|chunk| chunk.is_compressed()) {
                self.chunks.update(at, |chunk| Arc::make_mut(chunk).decompress());
            }
        }
        self.settle_grown(touched);
    }

    /// The same where chunks only came, at most two: so many have just become inner ones beside the outer ones.
    fn settle_grown(&mut self, touched: &[usize]) {
        let (depth, len) = (self.settings.compress_depth, self.chunks.len());
        let beside =
            [1, 2].map(|more| [depth.saturating_add(more - 1), len.wrapping_sub(depth.saturating_add(more))]);
        for &at in touched.iter().chain(beside.as_flattened()) {
            self.compress_inner(at);
        }
    }

    fn compress_inner(&mut self, at: usize) {
        let depth = self.settings.compress_depth;
        if depth == 0 || at < depth || self.chunks.len() <= at.saturating_add(depth) {
            return;
        }
        if self.chunks.get(at).is_some_and(|chunk| chunk.can_be_compressed()) {
            self.chunks.update(at, |chunk| Arc::make_mut(chunk).compress());
        }
    }
}

enum Matches {
    None,
    /// The one element of a plain chunk.
    Whole,
    /// Ascending.
    Places(Vec<Place>),
}

fn find_all(chunk: &Chunk, value: &[u8], limit: usize, direction: Direction) -> Matches {
    let wanted = Value::of(value);
    chunk.read(|content| {
        let view = match content {
            Content::Element(element) if element == value => return Matches::Whole,
            Content::Element(_) => return Matches::None,
            Content::Pack(view) => view,
        };
        let is_match = |(place, other): (Place, Value)| other.is_same(wanted).then_some(place);
        let mut places: Vec<Place> = view.iter().with_places().filter_map(is_match).collect();
        match direction {
            Direction::Forward => places.truncate(limit),
            Direction::Backward => {
                places.drain(..places.len().saturating_sub(limit));
            }
        }
        if places.is_empty() { Matches::None } else { Matches::Places(places) }
    })
}
