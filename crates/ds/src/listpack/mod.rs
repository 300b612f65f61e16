//! Listpack: a row of strings and integers in one block, in Redis's byte layout.
//!
//! ```text
//! bytes in all, 4 B | elements, 2 B | element … | FF
//! ```
//! Small hashes, sets, sorted sets and lists are one, large lists and streams many of them, and an RDB holds them as
//! they are. Numbers in the header are little endian; 65535 elements mean "count them". The elements are described
//! in `entry`.
//!
//! Invariant: the bytes are a valid listpack. Foreign bytes come in through [`Listpack::from_bytes`] or [`view`],
//! which look at each of them; from there on they are trusted. The block is exactly as long as the listpack.

mod entry;
#[cfg(test)]
mod tests;
mod view;

use entry::{END, Encoded};
pub use entry::{Text, Value};
use std::iter::{empty, once};
pub use view::{Iter, Place, View};

const HEADER_BYTES: usize = 6;
const COUNT_UNKNOWN: u16 = u16::MAX;

/// A listpack does not grow beyond this (the header could say 4 GB): Redis's limit too.
pub const BYTES_MAX: usize = 1 << 30;

#[derive(Clone, PartialEq, Eq)]
pub struct Listpack {
    bytes: Box<[u8]>,
}

/// On which side of a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Before,
    After,
}

/// A view of foreign bytes; `None` if they are no listpack.
pub fn view(bytes: &[u8]) -> Option<View<'_>> {
    is_valid(bytes).then_some(View { bytes })
}

/// Whether the bytes are a listpack: header and terminator fit the length, each element is whole, its two lengths
/// agree, and the count is right where there is one. Never reads beyond, whatever the bytes are.
pub fn is_valid(bytes: &[u8]) -> bool {
    let Some(end) = bytes.len().checked_sub(1) else { return false };
    if end < HEADER_BYTES || bytes[end] != END {
        return false;
    }
    if u32::from_le_bytes(bytes[..4].try_into().expect("four bytes")) as usize != bytes.len() {
        return false;
    }
    let (mut at, mut count) = (HEADER_BYTES, 0usize);
    while at < end {
        let Some(next) = entry::checked_end(bytes, at, end) else { return false };
        at = next;
        count += 1;
    }
    let claimed = u16::from_le_bytes([bytes[4], bytes[5]]);
    claimed == COUNT_UNKNOWN || usize::from(claimed) == count
}

/// Bytes that the value takes as an element.
pub fn element_bytes<'v>(value: impl Into<Value<'v>>) -> usize {
    Encoded::new(value.into()).total()
}

impl Default for Listpack {
    fn default() -> Self {
        Self::new()
    }
}

impl Listpack {
    pub fn new() -> Self {
        Self { bytes: Box::new([HEADER_BYTES as u8 + 1, 0, 0, 0, 0, 0, END]) }
    }

    /// `None` if the bytes are no listpack.
    pub fn from_bytes(bytes: Box<[u8]>) -> Option<Self> {
        is_valid(&bytes).then_some(Self { bytes })
    }

    /// Bytes that were a listpack of ours before.
    pub(crate) fn trusted(bytes: Box<[u8]>) -> Self {
        Self { bytes }
    }

    pub fn from_values<'v, V: Into<Value<'v>>>(values: impl IntoIterator<Item = V>) -> Self {
        let mut bytes = vec![0; HEADER_BYTES];
        let mut count = 0;
        for value in values {
            let element = Encoded::new(value.into());
            let at = bytes.len();
            bytes.resize(at + element.total(), 0);
            element.write(&mut bytes[at..]);
            count += 1;
        }
        bytes.push(END);
        let mut pack = Self { bytes: bytes.into_boxed_slice() };
        pack.set_header(Some(count));
        pack
    }

    #[inline]
    pub fn view(&self) -> View<'_> {
        View { bytes: &self.bytes }
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub fn into_bytes(self) -> Box<[u8]> {
        self.bytes
    }

    #[inline]
    pub fn len(&self) -> usize {
        self.view().len()
    }

    pub fn is_empty(&self) -> bool {
        self.view().is_empty()
    }

    pub fn iter(&self) -> Iter<'_> {
        self.view().iter()
    }

    /// Whether `more` bytes of elements keep it below its limit.
    pub fn has_room(&self, more: usize) -> bool {
        self.bytes.len().saturating_add(more) <= BYTES_MAX
    }

    pub fn append<'v>(&mut self, value: impl Into<Value<'v>>) {
        let end = self.view().end();
        self.put(end, 0, 0, once(Encoded::new(value.into())));
    }

    pub fn prepend<'v>(&mut self, value: impl Into<Value<'v>>) {
        self.put(HEADER_BYTES, 0, 0, once(Encoded::new(value.into())));
    }

    /// Appends all of them with one growth of the block.
    pub fn append_all<'v, V, I>(&mut self, values: I)
    where
        V: Into<Value<'v>>,
        I: IntoIterator<Item = V, IntoIter: Clone>,
    {
        let end = self.view().end();
        self.put(end, 0, 0, values.into_iter().map(|value| Encoded::new(value.into())));
    }

    /// Puts the value beside the element at `place`; gives its own place.
    pub fn insert<'v>(&mut self, place: Place, side: Side, value: impl Into<Value<'v>>) -> Place {
        let at = match side {
            Side::Before => place.0,
            Side::After => self.view().after(place),
        };
        self.put(at, 0, 0, once(Encoded::new(value.into())));
        Place(at)
    }

    /// Puts the value in the stead of the element at `place`, which is then its place.
    pub fn replace<'v>(&mut self, place: Place, value: impl Into<Value<'v>>) {
        let value = value.into();
        // A small number in the place of another: counters of streams.
        if let (0..=entry::SMALL_MAX, Value::Int(n @ 0..=0x7F)) = (self.bytes[place.0], value) {
            self.bytes[place.0] = n as u8;
            return;
        }
        let removed = self.view().after(place) - place.0;
        self.put(place.0, removed, 1, once(Encoded::new(value)));
    }

    /// Removes the element; gives the place of the one behind it.
    pub fn remove(&mut self, place: Place) -> Option<Place> {
        self.remove_run(place, 1)
    }

    /// Removes up to `count` elements from `place` on; gives the place of the one behind them.
    pub fn remove_run(&mut self, place: Place, count: usize) -> Option<Place> {
        let (mut end, mut removed) = (place.0, 0);
        while removed < count && self.bytes[end] != END {
            end = self.view().after(Place(end));
            removed += 1;
        }
        self.put(place.0, end - place.0, removed, empty());
        (self.bytes[place.0] != END).then_some(place)
    }

    /// Removes up to `count` elements from `index` on; a negative index counts from the end.
    pub fn remove_range(&mut self, index: i64, count: usize) {
        if let Some(place) = self.view().seek(index) {
            self.remove_run(place, count);
        }
    }

    /// Removes the runs of `width` elements that begin at the places, which ascend and don't overlap, in one pass.
    pub fn remove_each(&mut self, places: &[Place], width: usize) {
        let Some(&Place(first)) = places.first() else { return };
        let mut bytes = std::mem::take(&mut self.bytes).into_vec();
        let (mut to, mut from, mut removed) = (first, first, 0);
        for &Place(place) in places {
            assert!(from <= place, "places ascend");
            bytes.copy_within(from..place, to);
            to += place - from;
            from = place;
            for _ in 0..width {
                from = View { bytes: &bytes }.after(Place(from));
            }
            removed += width;
        }
        let len = bytes.len();
        bytes.copy_within(from..len, to);
        bytes.truncate(to + len - from);
        self.bytes = bytes.into_boxed_slice();
        let count = self.view().known_len().map(|count| count - removed);
        self.set_header(count);
    }

    /// Appends all elements of the other one.
    pub fn merge(&mut self, other: View) {
        let body = &other.bytes[HEADER_BYTES..other.end()];
        let count = self.view().known_len().zip(other.known_len()).map(|(ours, theirs)| ours + theirs);
        let end = self.view().end();
        self.open(end, 0, body.len()).copy_from_slice(body);
        self.set_header(count);
    }

    /// Keeps what lies before `place`, gives the rest.
    pub fn split_off(&mut self, place: Place) -> Self {
        let mut bytes = Vec::with_capacity(HEADER_BYTES + self.bytes.len() - place.0);
        bytes.extend_from_slice(&self.bytes[..HEADER_BYTES]);
        bytes.extend_from_slice(&self.bytes[place.0..]);
        let mut rest = Self { bytes: bytes.into_boxed_slice() };
        let total = self.view().known_len();
        rest.set_header(None);
        let moved = total.map(|_| rest.iter().count());
        rest.set_header(moved);
        let end = self.view().end();
        self.open(place.0, end - place.0, 0);
        self.set_header(total.zip(moved).map(|(total, moved)| total - moved));
        rest
    }

    /// The one way in: `elements` in the stead of `gone` elements that take `removed` bytes at `at`.
    fn put<'v>(
        &mut self,
        at: usize,
        removed: usize,
        gone: usize,
        elements: impl Iterator<Item = Encoded<'v>> + Clone,
    ) {
        let added = elements.clone().map(|element| element.total()).sum();
        let (mut room, mut new) = (self.open(at, removed, added), 0);
        for element in elements {
            room = element.write(room);
            new += 1;
        }
        let count = self.view().known_len().map(|count| count + new - gone);
        self.set_header(count);
    }

    /// Makes room for `added` bytes in the stead of `removed` bytes at `at`. The header is the caller's.
    fn open(&mut self, at: usize, removed: usize, added: usize) -> &mut [u8] {
        if removed != added {
            let mut bytes = std::mem::take(&mut self.bytes).into_vec();
            let len = bytes.len();
            if removed < added {
                bytes.reserve_exact(added - removed);
                bytes.resize(len + added - removed, 0);
                bytes.copy_within(at + removed..len, at + added);
            } else {
                bytes.copy_within(at + removed..len, at + added);
                bytes.truncate(len + added - removed);
            }
            self.bytes = bytes.into_boxed_slice();
        }
        &mut self.bytes[at..at + added]
    }

    /// `None`: the elements are to be counted.
    fn set_header(&mut self, count: Option<usize>) {
        let total = u32::try_from(self.bytes.len()).expect("a listpack is shorter than 4 GiB");
        let count = count.and_then(|count| u16::try_from(count).ok()).unwrap_or(COUNT_UNKNOWN);
        self.bytes[..4].copy_from_slice(&total.to_le_bytes());
        self.bytes[4..HEADER_BYTES].copy_from_slice(&count.to_le_bytes());
    }
}

impl std::fmt::Debug for Listpack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
