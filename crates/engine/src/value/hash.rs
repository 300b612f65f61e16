//! A hash: one listpack of fields and values, the same with expiries, or a table.

use super::Shapes;
use super::shapes::has_repeats;
use ds::fields::{Fields, Insert};
use ds::listpack::{Listpack, Text, Value};

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

    pub fn for_each(&self, mut visit: impl FnMut(Value, Value, Option<i64>)) {
        match self {
            Self::Pack(pack) => {
                let mut values = pack.iter();
                while let (Some(field), Some(value)) = (values.next(), values.next()) {
                    visit(field, value, None);
                }
            }
            Self::PackEx(pack) => {
                triples(pack).for_each(|(field, value, expiry)| visit(field, value, expiry));
            }
            Self::Table(table) => table
                .iter()
                .for_each(|field| visit(Value::Str(field.key), Value::Str(field.value), field.expiry)),
        }
    }

    /// Whether some field has an expiry.
    pub fn is_volatile(&self) -> bool {
        match self {
            Self::Pack(_) => false,
            // What expires comes first.
            Self::PackEx(pack) => triples(pack).next().is_some_and(|(_, _, expiry)| expiry.is_some()),
            Self::Table(table) => table.volatile_len() != 0,
        }
    }

    pub fn encoding(&self) -> &'static str {
        match self {
            Self::Pack(_) => "listpack",
            Self::PackEx(_) => "listpackex",
            Self::Table(_) => "hashtable",
        }
    }

    pub fn memory_bytes(&self) -> usize {
        match self {
            Self::Pack(pack) | Self::PackEx(pack) => pack.bytes().len(),
            Self::Table(table) => table.memory_bytes(),
        }
    }
}

/// The fields of a listpack with expiries.
pub(crate) fn triples(pack: &Listpack) -> impl Iterator<Item = Triple<'_>> + Clone {
    let mut values = pack.iter();
    std::iter::from_fn(move || {
        let (field, value, expiry) = (values.next()?, values.next()?, values.next()?);
        Some((field, value, expiry.as_int().filter(|at| *at != 0)))
    })
}
