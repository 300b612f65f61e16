//! A list: one listpack, or a quicklist of them.

use super::Shapes;
use ds::list::{self, Shrink};
use ds::listpack::{Listpack, Value};

#[derive(Clone)]
pub enum List {
    Pack(Listpack),
    Chunks(Box<list::List>),
}

impl List {
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

    pub fn encoding(&self) -> &'static str {
        match self {
            Self::Pack(_) => "listpack",
            Self::Chunks(_) => "quicklist",
        }
    }

    pub fn memory_bytes(&self) -> usize {
        match self {
            Self::Pack(pack) => pack.bytes().len(),
            Self::Chunks(list) => list.memory_bytes(),
        }
    }
}
