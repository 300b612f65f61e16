//! A hash: one listpack of fields and values, the same with expiries, or a table.
//!
//! A field whose time has passed is not there for those who look by a clock: each of the functions here that reads or
//! changes fields takes a [`Horizon`], and for it such a field is absent. It stays until somebody takes it out
//! ([`Hash::take_due`]) or writes over it; [`Hash::len`] counts it so long.

mod edit;
mod pick;
#[cfg(test)]
mod tests;

pub use edit::Set;

use super::Shapes;
use super::shapes::has_repeats;
use ds::fields::{Fields, Insert};
use ds::listpack::{Listpack, Place, Text, Value};

#[derive(Clone)]
pub enum Hash {
    /// Field, value, …
    Pack(Listpack),
    /// Field, value, expiry in Unix ms (0: none), …; what expires first comes first, what does not comes last.
    PackEx(Listpack),
    Table(Box<Fields>),
}

/// A field, its value, and when it expires (Unix ms).
pub type Triple<'v> = (Value<'v>, Value<'v>, Option<i64>);

/// Fields whose expiry lies before it are gone for whoever looks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Horizon(i64);

impl Horizon {
    /// Nothing is gone: for what goes by nobody's clock, as the stream of a primary.
    pub const NONE: Self = Self(i64::MIN);

    pub fn at(now_ms: i64) -> Self {
        Self(now_ms)
    }

    #[inline]
    pub fn hides(self, expiry: Option<i64>) -> bool {
        expiry.is_some_and(|at| at < self.0)
    }
}

impl Hash {
    /// A hash of few fields in the form that it has after loading; `None` if a field comes twice.
    pub fn loaded(triples: Vec<Triple>, shapes: &Shapes, has_expiries: bool) -> Option<Self> {
        let fits = |value: &Value| value.len() <= shapes.hash_value_bytes_max;
        if shapes.hash_entries_max < triples.len() || !triples.iter().all(|(f, v, _)| fits(f) && fits(v)) {
            return Self::table(triples.into_iter(), shapes);
        }
        if has_repeats(triples.iter().map(|(field, ..)| *field), &shapes.hasher) {
            return None;
        }
        if has_expiries {
            return Some(Self::pack_ex(triples));
        }
        Some(Self::Pack(Listpack::from_values(
            triples.into_iter().flat_map(|(field, value, _)| [field, value]),
        )))
    }

    /// One listpack with expiries.
    pub fn pack_ex(mut triples: Vec<Triple>) -> Self {
        triples.sort_by_key(|(_, _, expiry)| expiry.unwrap_or(i64::MAX));
        let values = triples.into_iter();
        let values =
            values.flat_map(|(field, value, expiry)| [field, value, Value::Int(expiry.unwrap_or(0))]);
        Self::PackEx(Listpack::from_values(values))
    }

    /// The hash as a table; `None` if a field comes twice.
    pub fn table<'v>(triples: impl Iterator<Item = Triple<'v>>, shapes: &Shapes) -> Option<Self> {
        let mut table = Fields::hash(shapes.hasher.clone());
        let (mut field_text, mut value_text) = (Text::new(), Text::new());
        for (field, value, expiry) in triples {
            let (field, value) = (field.bytes(&mut field_text), value.bytes(&mut value_text));
            if table.insert(field, value, expiry) != Insert::Inserted {
                return None;
            }
        }
        Some(Self::Table(Box::new(table)))
    }

    /// Fields, whether their time has passed or not.
    pub fn len(&self) -> usize {
        match self {
            Self::Pack(pack) => pack.len() / 2,
            Self::PackEx(pack) => pack.len() / 3,
            Self::Table(table) => table.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The field's value.
    #[inline]
    pub fn get(&self, field: &[u8], horizon: Horizon) -> Option<Value<'_>> {
        match self {
            Self::Pack(pack) => {
                let view = pack.view();
                Some(view.get(view.next(place_in(pack, field, 2)?)?))
            }
            _ => self.look(field, horizon).map(|(value, _)| value),
        }
    }

    /// The field's value and expiry.
    pub fn look(&self, field: &[u8], horizon: Horizon) -> Option<(Value<'_>, Option<i64>)> {
        let found = match self {
            Self::Pack(_) => (self.get(field, horizon)?, None),
            Self::PackEx(pack) => {
                let view = pack.view();
                let value = view.next(place_in(pack, field, 3)?)?;
                (view.get(value), expiry_of(view.get(view.next(value)?)))
            }
            Self::Table(table) => {
                let field = table.get(field)?;
                (Value::Str(field.value), field.expiry)
            }
        };
        (!horizon.hides(found.1)).then_some(found)
    }

    pub fn contains(&self, field: &[u8], horizon: Horizon) -> bool {
        match self {
            Self::Pack(pack) => place_in(pack, field, 2).is_some(),
            _ => self.look(field, horizon).is_some(),
        }
    }

    /// When the first of the fields expires.
    pub fn earliest(&self) -> Option<i64> {
        match self {
            Self::Pack(_) => None,
            // What expires comes first.
            Self::PackEx(pack) => triples(pack).next().and_then(|(_, _, expiry)| expiry),
            Self::Table(table) if table.volatile_len() == 0 => None,
            Self::Table(table) => table.earliest(),
        }
    }

    /// Whether there is a field whose time has passed.
    #[inline]
    pub fn has_due(&self, horizon: Horizon) -> bool {
        !matches!(self, Self::Pack(_)) && horizon.hides(self.earliest())
    }

    /// Fields whose time has not passed. Looks at each of them only if that of some has.
    pub fn live_len(&self, horizon: Horizon) -> usize {
        if !self.has_due(horizon) {
            return self.len();
        }
        let mut count = 0;
        self.for_each_live(horizon, |_, _| count += 1);
        count
    }

    /// All fields, whether their time has passed or not.
    pub fn for_each<'h>(&'h self, mut visit: impl FnMut(Value<'h>, Value<'h>, Option<i64>)) {
        match self {
            Self::Pack(pack) => {
                pairs(pack).for_each(|(field, value, _)| visit(field, value, None));
            }
            Self::PackEx(pack) => {
                triples(pack).for_each(|(field, value, expiry)| visit(field, value, expiry));
            }
            Self::Table(table) => table
                .iter()
                .for_each(|field| visit(Value::Str(field.key), Value::Str(field.value), field.expiry)),
        }
    }

    /// The fields whose time has not passed.
    pub fn for_each_live<'h>(&'h self, horizon: Horizon, mut visit: impl FnMut(Value<'h>, Value<'h>)) {
        self.for_each(|field, value, expiry| {
            if !horizon.hides(expiry) {
                visit(field, value);
            }
        });
    }

    /// Visits fields from a cursor on, as HSCAN does; the cursor to go on from, 0 at the end. Small forms are given
    /// whole.
    pub fn scan<'h>(
        &'h self,
        cursor: u64,
        count: usize,
        horizon: Horizon,
        mut visit: impl FnMut(Value<'h>, Value<'h>),
    ) -> u64 {
        let Self::Table(table) = self else {
            self.for_each_live(horizon, visit);
            return 0;
        };
        table.scan(cursor, count, |field| {
            if !horizon.hides(field.expiry) {
                visit(Value::Str(field.key), Value::Str(field.value));
            }
        })
    }

    /// Whether some field has an expiry.
    pub fn is_volatile(&self) -> bool {
        match self {
            Self::Table(table) => table.volatile_len() != 0,
            _ => self.earliest().is_some(),
        }
    }

    pub fn encoding(&self) -> &'static str {
        match self {
            Self::Pack(_) => "listpack",
            Self::PackEx(_) => "listpackex",
            Self::Table(_) => "hashtable",
        }
    }
}

/// Where the field stands in a listpack of fields of so many elements each.
#[inline]
fn place_in(pack: &Listpack, field: &[u8], width: usize) -> Option<Place> {
    let view = pack.view();
    view.find(view.first()?, field, width - 1)
}

fn expiry_of(value: Value) -> Option<i64> {
    value.as_int().filter(|at| *at != 0)
}

/// The fields of a listpack without expiries.
fn pairs(pack: &Listpack) -> impl Iterator<Item = Triple<'_>> {
    let mut values = pack.iter();
    std::iter::from_fn(move || Some((values.next()?, values.next()?, None)))
}

/// The fields of a listpack with expiries.
pub(crate) fn triples(pack: &Listpack) -> impl Iterator<Item = Triple<'_>> + Clone {
    let mut values = pack.iter();
    std::iter::from_fn(move || {
        let (field, value, expiry) = (values.next()?, values.next()?, values.next()?);
        Some((field, value, expiry_of(expiry)))
    })
}
