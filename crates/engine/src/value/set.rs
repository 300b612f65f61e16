//! A set: integers in order, one listpack, or a table.

use super::Shapes;
use super::shapes::has_repeats;
use ds::fields::Fields;
use ds::intset::Intset;
use ds::listpack::{Listpack, Value};
use std::borrow::Cow;

#[derive(Clone)]
pub enum Set {
    Ints(Intset),
    Pack(Listpack),
    Table(Box<Fields>),
}

impl Set {
    /// The set as a table; `None` if a member comes twice.
    pub fn table<'v>(members: impl Iterator<Item = Value<'v>>, shapes: &Shapes) -> Option<Self> {
        let mut table = Fields::set(shapes.hasher.clone());
        let mut text = ds::listpack::Text::new();
        for member in members {
            if !table.add(member.bytes(&mut text)) {
                return None;
            }
        }
        Some(Self::Table(Box::new(table)))
    }

    /// A set of few members in the form that it has after loading; `None` if a member comes twice.
    pub fn loaded(members: &[Cow<[u8]>], shapes: &Shapes) -> Option<Self> {
        let values = members.iter().map(|member| Value::Str(member));
        let int = |member: &Cow<[u8]>| base::number::parse_i64(member);
        if members.len() <= shapes.set_intset_entries_max
            && members.iter().all(|member| int(member).is_some())
        {
            let ints: Intset = members.iter().filter_map(int).collect();
            return (ints.len() == members.len()).then_some(Self::Ints(ints));
        }
        let fits = members.iter().all(|member| member.len() <= shapes.set_value_bytes_max);
        if fits && members.len() <= shapes.set_entries_max.min(shapes.set_intset_entries_max) {
            let unique = !has_repeats(values.clone(), &shapes.hasher);
            return unique.then(|| Self::Pack(Listpack::from_values(values)));
        }
        Self::table(values, shapes)
    }

    pub fn len(&self) -> usize {
        match self {
            Self::Ints(ints) => ints.len(),
            Self::Pack(pack) => pack.len(),
            Self::Table(table) => table.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn for_each(&self, mut visit: impl FnMut(Value)) {
        match self {
            Self::Ints(ints) => ints.iter().for_each(|n| visit(Value::Int(n))),
            Self::Pack(pack) => pack.iter().for_each(visit),
            Self::Table(table) => table.iter().for_each(|field| visit(Value::Str(field.key))),
        }
    }

    pub fn encoding(&self) -> &'static str {
        match self {
            Self::Ints(_) => "intset",
            Self::Pack(_) => "listpack",
            Self::Table(_) => "hashtable",
        }
    }

    pub fn memory_bytes(&self) -> usize {
        match self {
            Self::Ints(ints) => ints.bytes().len(),
            Self::Pack(pack) => pack.bytes().len(),
            Self::Table(table) => table.memory_bytes(),
        }
    }
}
