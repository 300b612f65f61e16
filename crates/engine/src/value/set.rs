//! A set: integers in order, one listpack, or a table.

use super::Shapes;
use super::shapes::has_repeats;
use base::number::parse_i64;
use base::rng::Rng;
use ds::fields::Fields;
use ds::intset::Intset;
use ds::listpack::{Listpack, Place, Text, Value};
use std::borrow::Cow;
use std::collections::HashSet;

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
        let mut text = Text::new();
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
        let int = |member: &Cow<[u8]>| parse_i64(member);
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

    /// An empty set in the form that suits `first` and about `count` members.
    pub fn for_members(first: &[u8], count: usize, shapes: &Shapes) -> Self {
        if parse_i64(first).is_some() && count <= shapes.set_intset_entries_max {
            return Self::Ints(Intset::new());
        }
        if count <= shapes.set_entries_max {
            return Self::Pack(Listpack::new());
        }
        Self::Table(Box::new(Fields::set(shapes.hasher.clone())))
    }

    /// Becomes a table at once if `count` members to come would make it one.
    pub fn expect(&mut self, count: usize, shapes: &Shapes) {
        let max = match self {
            Self::Ints(_) => shapes.set_intset_entries_max,
            Self::Pack(_) => shapes.set_entries_max,
            Self::Table(_) => return,
        };
        if max < count {
            self.become_table(shapes);
        }
    }

    pub fn contains(&self, member: &[u8]) -> bool {
        match self {
            Self::Ints(ints) => parse_i64(member).is_some_and(|n| ints.contains(n)),
            Self::Pack(pack) => place_in(pack, member).is_some(),
            Self::Table(table) => table.contains(member),
        }
    }

    /// False if it is there.
    pub fn add(&mut self, member: &[u8], shapes: &Shapes) -> bool {
        match self {
            Self::Ints(ints) => match parse_i64(member) {
                Some(n) => {
                    let added = ints.insert(n);
                    if added && shapes.set_intset_entries_max < ints.len() {
                        self.become_table(shapes);
                    }
                    return added;
                }
                None if ints_fit_pack(ints, member, shapes) => {
                    let mut pack = Listpack::from_values(ints.iter().map(Value::Int));
                    pack.append(member);
                    *self = Self::Pack(pack);
                    return true;
                }
                None => {}
            },
            Self::Pack(pack) => {
                if place_in(pack, member).is_some() {
                    return false;
                }
                let fits = pack.len() < shapes.set_entries_max && member.len() <= shapes.set_value_bytes_max;
                if fits && pack.has_room(ds::listpack::element_bytes(member)) {
                    pack.append(member);
                    return true;
                }
            }
            Self::Table(table) => return table.add(member),
        }
        self.become_table(shapes).add(member)
    }

    /// False if it is not there.
    pub fn remove(&mut self, member: &[u8]) -> bool {
        match self {
            Self::Ints(ints) => parse_i64(member).is_some_and(|n| ints.remove(n)),
            Self::Pack(pack) => match place_in(pack, member) {
                Some(place) => {
                    pack.remove(place);
                    true
                }
                None => false,
            },
            Self::Table(table) => table.remove(member),
        }
    }

    fn become_table(&mut self, shapes: &Shapes) -> &mut Fields {
        if !matches!(self, Self::Table(_)) {
            let mut table = Fields::set(shapes.hasher.clone());
            let mut text = Text::new();
            self.for_each(|member| {
                table.add(member.bytes(&mut text));
            });
            *self = Self::Table(Box::new(table));
        }
        let Self::Table(table) = self else { unreachable!("it has just become one") };
        table
    }

    /// Becomes integers in order again, if all members are integers and few enough: what a command stores.
    pub fn settle(&mut self, shapes: &Shapes) {
        if matches!(self, Self::Ints(_)) || shapes.set_intset_entries_max < self.len() {
            return;
        }
        let mut numbers = Vec::with_capacity(self.len());
        self.for_each(|member| numbers.extend(member.as_int()));
        if numbers.len() == self.len() {
            *self = Self::Ints(numbers.into_iter().collect());
        }
    }

    /// A member by chance, each equally likely; `None` if the set is empty.
    pub fn random(&self, rng: &mut Rng) -> Option<Value<'_>> {
        match self {
            Self::Ints(ints) => ints.random(rng).map(Value::Int),
            Self::Pack(pack) => {
                let view = pack.view();
                view.random(rng, 1).map(|place| view.get(place))
            }
            Self::Table(table) => table.random(rng).map(|field| Value::Str(field.key)),
        }
    }

    /// `count` different members, each choice equally likely; all of them if there are no more.
    pub fn sample(&self, count: usize, rng: &mut Rng) -> Vec<Value<'_>> {
        match self {
            Self::Ints(ints) => ranks(ints.len(), count, rng)
                .into_iter()
                .filter_map(|rank| ints.get(rank).map(Value::Int))
                .collect(),
            Self::Pack(pack) => {
                let view = pack.view();
                let places = view.sample_distinct(rng, count, 1);
                places.into_iter().map(|place| view.get(place)).collect()
            }
            Self::Table(table) => ranks(table.len(), count, rng)
                .into_iter()
                .filter_map(|rank| table.nth(rank).map(|field| Value::Str(field.key)))
                .collect(),
        }
    }

    /// Visits members from a cursor on, as SSCAN does; the cursor to go on from, 0 at the end. Small forms are
    /// given whole.
    pub fn scan<'s>(&'s self, cursor: u64, count: usize, mut visit: impl FnMut(Value<'s>)) -> u64 {
        match self {
            Self::Ints(ints) => ints.iter().for_each(|n| visit(Value::Int(n))),
            Self::Pack(pack) => pack.iter().for_each(visit),
            Self::Table(table) => return table.scan(cursor, count, |field| visit(Value::Str(field.key))),
        }
        0
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
}

fn place_in(pack: &Listpack, member: &[u8]) -> Option<Place> {
    let view = pack.view();
    view.find(view.first()?, member, 0)
}

/// Whether the integers and a member that is none may be one listpack.
fn ints_fit_pack(ints: &Intset, member: &[u8], shapes: &Shapes) -> bool {
    let digits = |n: Option<i64>| n.map_or(0, |n| Value::Int(n).len());
    let longest = digits(ints.min()).max(digits(ints.max())).max(member.len());
    ints.len() < shapes.set_entries_max
        && longest <= shapes.set_value_bytes_max
        && Listpack::new().has_room((ints.len() + 1).saturating_mul(longest + INT_BYTES_MAX))
}

/// A listpack's element around its text, at most.
const INT_BYTES_MAX: usize = 10;

/// `count` different numbers below `len`, each choice equally likely (Floyd's sampling), ascending; all of them if
/// there are no more.
pub(super) fn ranks(len: usize, count: usize, rng: &mut Rng) -> Vec<usize> {
    if len <= count {
        return (0..len).collect();
    }
    let mut chosen = HashSet::with_capacity(count);
    for last in len - count..len {
        let rank = rng.below(last as u64 + 1) as usize;
        if !chosen.insert(rank) {
            chosen.insert(last);
        }
    }
    let mut chosen: Vec<usize> = chosen.into_iter().collect();
    chosen.sort_unstable();
    chosen
}
