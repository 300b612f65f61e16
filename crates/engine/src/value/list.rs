//! A list: one listpack, or a quicklist of them.
//!
//! It becomes a quicklist before it grows beyond what list-max-listpack-size allows one listpack, and a listpack
//! again when it has shrunk to half of that.

use super::Shapes;
use ds::list::{self, Direction, End, Fill, Settings, Shrink};
use ds::listpack::{Listpack, Place, Side, Value};
use std::ops::ControlFlow;

#[derive(Clone)]
pub enum List {
    Pack(Listpack),
    Chunks(Box<list::List>),
}

impl List {
    pub fn new() -> Self {
        Self::Pack(Listpack::new())
    }

    /// The list in the form that it has after loading or building: one listpack where it fits into one.
    pub fn settled(list: list::List, shapes: &Shapes) -> Self {
        match list.to_listpack(shapes.list.fill, Shrink::ToLimit) {
            Some(pack) => Self::Pack(pack),
            None => Self::Chunks(Box::new(list)),
        }
    }

    pub fn len(&self) -> usize {
        match self {
            Self::Pack(pack) => pack.len(),
            Self::Chunks(list) => list.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// From head to tail.
    pub fn for_each(&self, visit: impl FnMut(Value)) {
        match self {
            Self::Pack(pack) => pack.iter().for_each(visit),
            Self::Chunks(list) => list.for_each(visit),
        }
    }

    /// Reads the element at `index`.
    pub fn get<R>(&self, index: usize, look: impl FnOnce(Value) -> R) -> Option<R> {
        match self {
            Self::Pack(pack) => Some(look(pack.view().get(place(pack, index)?))),
            Self::Chunks(list) => list.get(index, look),
        }
    }

    /// Visits elements from `index` on until the visitor breaks.
    pub fn walk(&self, index: usize, direction: Direction, visit: impl FnMut(Value) -> ControlFlow<()>) {
        let pack = match self {
            Self::Pack(pack) => pack,
            Self::Chunks(list) => return list.walk(index, direction, visit),
        };
        let Some(place) = place(pack, index) else { return };
        // Where it stopped is the visitor's to know.
        let _ = match direction {
            Direction::Forward => pack.view().iter_from(place).try_for_each(visit),
            Direction::Backward => pack.view().iter_to(place).rev().try_for_each(visit),
        };
    }

    /// Index of the first element that is `value`.
    pub fn position(&self, value: &[u8]) -> Option<usize> {
        match self {
            Self::Pack(pack) => {
                let wanted = Value::of(value);
                pack.iter().position(|other| other.is_same(wanted))
            }
            Self::Chunks(list) => list.position(value),
        }
    }

    /// Adds the values one after the other at an end.
    pub fn push_all<'v, I>(&mut self, end: End, values: I, settings: Settings)
    where
        I: DoubleEndedIterator<Item = &'v [u8]> + ExactSizeIterator + Clone,
    {
        self.make_room(values.clone().map(<[u8]>::len).sum(), values.len(), settings);
        match (self, end) {
            (Self::Pack(pack), End::Tail) => pack.append_all(values),
            (Self::Pack(pack), End::Head) if values.len() == 1 => {
                values.for_each(|value| pack.prepend(value))
            }
            (Self::Pack(pack), End::Head) => {
                let mut head = Listpack::from_values(values.rev());
                head.merge(pack.view());
                *pack = head;
            }
            (Self::Chunks(list), _) => values.for_each(|value| list.push(end, value)),
        }
    }

    /// Replaces the element at `index`; false if there is none.
    pub fn set(&mut self, index: usize, value: &[u8], settings: Settings) -> bool {
        if self.len() <= index {
            return false;
        }
        self.make_room(value.len(), 1, settings);
        match self {
            Self::Pack(pack) => {
                let place = place(pack, index).expect("lies within");
                pack.replace(place, value);
            }
            Self::Chunks(list) => {
                list.set(index, value);
            }
        }
        self.shrink(settings.fill);
        true
    }

    /// Puts the value beside the element at `index`, which is there.
    pub fn insert(&mut self, index: usize, side: Side, value: &[u8], settings: Settings) {
        self.make_room(value.len(), 1, settings);
        match self {
            Self::Pack(pack) => {
                let place = place(pack, index).expect("lies within");
                pack.insert(place, side, value);
            }
            Self::Chunks(list) => {
                list.insert(index, side, value);
            }
        }
    }

    /// Removes up to `count` elements from `index` on. A quicklist stays one until [`List::shrink`].
    pub fn remove_range(&mut self, index: usize, count: usize) {
        match self {
            Self::Pack(pack) => pack.remove_range(index as i64, count),
            Self::Chunks(list) => list.remove_range(index, count),
        }
    }

    /// Removes the first `limit` elements that are `value`, from either end; gives their number. A quicklist stays
    /// one until [`List::shrink`].
    pub fn remove_value(&mut self, value: &[u8], limit: usize, direction: Direction) -> usize {
        let pack = match self {
            Self::Pack(pack) => pack,
            Self::Chunks(list) => return list.remove_value(value, limit, direction),
        };
        let wanted = Value::of(value);
        let is_match = |(place, other): (Place, Value)| other.is_same(wanted).then_some(place);
        let mut places: Vec<Place> = pack.view().iter().with_places().filter_map(is_match).collect();
        match direction {
            Direction::Forward => places.truncate(limit),
            Direction::Backward => {
                places.drain(..places.len().saturating_sub(limit));
            }
        }
        pack.remove_each(&places, 1);
        places.len()
    }

    /// Makes one listpack of a quicklist that has become short.
    pub fn shrink(&mut self, fill: Fill) {
        if let Self::Chunks(list) = self
            && let Some(pack) = list.to_listpack(fill, Shrink::ByHalf)
        {
            *self = Self::Pack(pack);
        }
    }

    /// Makes a quicklist of a listpack that more elements of so many bytes would fill beyond the limit.
    fn make_room(&mut self, bytes: usize, count: usize, settings: Settings) {
        if let Self::Pack(pack) = self
            && settings.fill.is_exceeded(pack.bytes().len().saturating_add(bytes), pack.len() + count)
        {
            let pack = std::mem::take(pack);
            *self = Self::Chunks(Box::new(list::List::from_listpack(pack, settings)));
        }
    }

    pub fn encoding(&self) -> &'static str {
        match self {
            Self::Pack(_) => "listpack",
            Self::Chunks(_) => "quicklist",
        }
    }
}

impl Default for List {
    fn default() -> Self {
        Self::new()
    }
}

fn place(pack: &Listpack, index: usize) -> Option<Place> {
    pack.view().seek(i64::try_from(index).ok()?)
}
