//! Reading a listpack: a view of its bytes, wherever they lie.
//!
//! The bytes have been validated, or were written here: a view trusts them.

use super::entry::{self, END, Value};
use super::{COUNT_UNKNOWN, HEADER_BYTES};
use base::rng::Rng;

/// Where an element begins. Any change before it makes a place void.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place(pub(super) usize);

#[derive(Clone, Copy)]
pub struct View<'a> {
    pub(super) bytes: &'a [u8],
}

impl<'a> View<'a> {
    /// All of the listpack, as it goes into an RDB.
    pub fn bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// The count in the header, if it is known there.
    #[inline]
    pub(super) fn known_len(self) -> Option<usize> {
        let count = u16::from_le_bytes([self.bytes[4], self.bytes[5]]);
        (count != COUNT_UNKNOWN).then_some(usize::from(count))
    }

    /// Elements; counted one by one where the header can't hold the number.
    pub fn len(self) -> usize {
        self.known_len().unwrap_or_else(|| self.iter().count())
    }

    pub fn is_empty(self) -> bool {
        self.bytes.len() == HEADER_BYTES + 1
    }

    /// Where the terminator stands.
    #[inline]
    pub(super) fn end(self) -> usize {
        self.bytes.len() - 1
    }

    #[inline]
    pub fn first(self) -> Option<Place> {
        self.place(HEADER_BYTES)
    }

    #[inline]
    pub fn last(self) -> Option<Place> {
        self.before(self.end())
    }

    #[inline]
    pub fn next(self, place: Place) -> Option<Place> {
        self.place(self.after(place))
    }

    #[inline]
    pub fn prev(self, place: Place) -> Option<Place> {
        self.before(place.0)
    }

    #[inline]
    pub fn get(self, place: Place) -> Value<'a> {
        entry::read(self.bytes, place.0).0
    }

    /// The offset behind the element.
    #[inline]
    pub(super) fn after(self, place: Place) -> usize {
        place.0 + entry::total_at(self.bytes, place.0)
    }

    fn place(self, at: usize) -> Option<Place> {
        (self.bytes[at] != END).then_some(Place(at))
    }

    fn before(self, at: usize) -> Option<Place> {
        if at == HEADER_BYTES {
            return None;
        }
        let size = entry::read_backlen(self.bytes, at);
        Some(Place(at - size - entry::backlen_size(size)))
    }

    /// The element at `index`; -1 is the last one. Walks from the nearer end.
    pub fn seek(self, index: i64) -> Option<Place> {
        let steps = index.unsigned_abs();
        if index < 0 {
            return match self.known_len() {
                Some(len) if (len as u64) < steps => None,
                Some(len) if len as u64 / 2 < steps => self.forward(len as u64 - steps),
                _ => self.backward(steps - 1),
            };
        }
        match self.known_len() {
            Some(len) if len as u64 <= steps => None,
            Some(len) if len as u64 / 2 < steps => self.backward(len as u64 - 1 - steps),
            _ => self.forward(steps),
        }
    }

    fn forward(self, steps: u64) -> Option<Place> {
        let mut place = self.first()?;
        for _ in 0..steps {
            place = self.next(place)?;
        }
        Some(place)
    }

    fn backward(self, steps: u64) -> Option<Place> {
        let mut place = self.last()?;
        for _ in 0..steps {
            place = self.prev(place)?;
        }
        Some(place)
    }

    /// All elements, from either end.
    pub fn iter(self) -> Iter<'a> {
        Iter { view: self, front: HEADER_BYTES, back: self.end() }
    }

    /// The element at `place` and all behind it.
    pub fn iter_from(self, place: Place) -> Iter<'a> {
        Iter { view: self, front: place.0, back: self.end() }
    }

    /// All up to and with the element at `place`, to be read from the back.
    pub fn iter_to(self, place: Place) -> Iter<'a> {
        Iter { view: self, front: HEADER_BYTES, back: self.after(place) }
    }

    /// The first element from `from` on that is `needle`, comparing it and then one of every `skip + 1`: with 1
    /// the keys of a hash and not its values.
    pub fn find(self, from: Place, needle: &[u8], skip: usize) -> Option<Place> {
        let matches = Needle::new(needle);
        let mut at = from.0;
        while self.bytes[at] != END {
            if matches.stands_at(self.bytes, at) {
                return Some(Place(at));
            }
            at += entry::total_at(self.bytes, at);
            for _ in 0..skip {
                if self.bytes[at] == END {
                    return None;
                }
                at += entry::total_at(self.bytes, at);
            }
        }
        None
    }

    /// One of the places 0, `stride`, 2 × `stride` …, each equally likely.
    pub fn random(self, rng: &mut Rng, stride: usize) -> Option<Place> {
        let units = self.len() / stride;
        if units == 0 {
            return None;
        }
        self.seek((rng.below(units as u64) as usize * stride) as i64)
    }

    /// `count` of these places in random order, each drawn anew.
    pub fn sample_with_repeats(self, rng: &mut Rng, count: usize, stride: usize) -> Vec<Place> {
        let units = self.len() / stride;
        if units == 0 {
            return Vec::new();
        }
        let mut draws: Vec<(usize, usize)> =
            (0..count).map(|turn| (rng.below(units as u64) as usize, turn)).collect();
        // In the order of the pack, so that one walk finds them all.
        draws.sort_unstable();
        let mut found = vec![Place(0); count];
        let (mut at, mut place) = (0, self.first().expect("is not empty"));
        for (unit, turn) in draws {
            while at < unit * stride {
                place = self.next(place).expect("lies within");
                at += 1;
            }
            found[turn] = place;
        }
        found
    }

    /// `count` of these places, each set of them equally likely, in the order of the pack; all of them if there
    /// are no more.
    pub fn sample_distinct(self, rng: &mut Rng, count: usize, stride: usize) -> Vec<Place> {
        let units = self.len() / stride;
        let mut wanted = count.min(units);
        let mut found = Vec::with_capacity(wanted);
        let mut place = self.first();
        for left in (1..=units).rev() {
            if wanted == 0 {
                break;
            }
            let here = place.expect("lies within");
            if rng.below(left as u64) < wanted as u64 {
                found.push(here);
                wanted -= 1;
            }
            place = Some(here);
            for _ in 0..stride {
                place = place.and_then(|place| self.next(place));
            }
        }
        found
    }
}

/// What is searched for.
struct Needle<'n> {
    text: &'n [u8],
    value: Value<'n>,
}

impl<'n> Needle<'n> {
    fn new(text: &'n [u8]) -> Self {
        Self { text, value: Value::of(text) }
    }

    #[inline]
    fn stands_at(&self, bytes: &[u8], at: usize) -> bool {
        // Most elements are short strings, and most of those differ in length already.
        if let Some(len) = entry::short_len(bytes[at]) {
            return len == self.text.len() && bytes[at + 1..at + 1 + len] == *self.text;
        }
        match entry::read(bytes, at).0 {
            Value::Str(text) => text == self.text,
            int => int == self.value,
        }
    }
}

#[derive(Clone)]
pub struct Iter<'a> {
    view: View<'a>,
    front: usize,
    back: usize,
}

impl<'a> Iter<'a> {
    /// The place of what `next` gives.
    pub fn place(&self) -> Option<Place> {
        (self.front < self.back).then_some(Place(self.front))
    }

    /// With the place of each.
    pub fn with_places(mut self) -> impl Iterator<Item = (Place, Value<'a>)> {
        std::iter::from_fn(move || {
            let place = self.place()?;
            Some((place, self.next()?))
        })
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = Value<'a>;

    #[inline]
    fn next(&mut self) -> Option<Value<'a>> {
        if self.back <= self.front {
            return None;
        }
        let at = self.front;
        self.front += entry::total_at(self.view.bytes, at);
        Some(entry::read(self.view.bytes, at).0)
    }
}

impl DoubleEndedIterator for Iter<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        if self.back <= self.front {
            return None;
        }
        let place = self.view.before(self.back)?;
        self.back = place.0;
        Some(self.view.get(place))
    }
}
