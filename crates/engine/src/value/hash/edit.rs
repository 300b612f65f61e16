//! Changing a hash: its fields, their expiries, and the form that it takes for them.
//!
//! A hash grows from one listpack into a table when it has more fields, or a longer one, than a listpack should hold,
//! and gets room for expiries with the first of them. It never goes back.

use super::{Hash, Horizon, expiry_of, pairs, place_in, triples};
use crate::txn::Ttl;
use crate::value::{Shapes, has_repeats};
use base::number::I64_TEXT_BYTES_MAX;
use ds::fields::{Fields, Insert};
use ds::listpack::{Listpack, Place, Side, Text, Value};

/// What [`Hash::set`] did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Set {
    /// The field is new, or the time of the one that was there has passed.
    Inserted,
    Updated,
}

impl Hash {
    pub fn new() -> Self {
        Self::Pack(Listpack::new())
    }

    /// The hash that these fields make, each of which comes once, in one block that is allocated once; `None` if it
    /// would be none, or if one comes twice.
    pub fn packed<'v, I>(pairs: I, shapes: &Shapes) -> Option<Self>
    where
        I: Iterator<Item = (&'v [u8], &'v [u8])> + Clone,
    {
        let max = shapes.hash_value_bytes_max;
        let (mut count, mut bytes) = (0, 0);
        for (field, value) in pairs.clone() {
            if max < field.len() || max < value.len() {
                return None;
            }
            count += 1;
            bytes += field.len() + value.len() + 2 * AROUND_BYTES_MAX;
        }
        let mut pack = Listpack::new();
        let fits = count <= shapes.hash_entries_max && pack.has_room(bytes);
        if !fits || comes_twice(pairs.clone().map(|(field, _)| field), count, shapes) {
            return None;
        }
        pack.append_all(pairs.flat_map(|(field, value)| [field, value]));
        Some(Self::Pack(pack))
    }

    /// Becomes a table at once if `count` fields to come would make it one.
    pub fn expect(&mut self, count: usize, shapes: &Shapes) {
        if shapes.hash_entries_max < count {
            self.become_table(shapes);
        }
    }

    /// Makes the field hold the value. The expiry of a field whose time has passed is never kept.
    pub fn set(&mut self, field: &[u8], value: Value, ttl: Ttl, horizon: Horizon, shapes: &Shapes) -> Set {
        if matches!(ttl, Ttl::At(_)) {
            self.become_volatile();
        }
        if let Self::Pack(pack) | Self::PackEx(pack) = self
            && !fits(pack, field, value, shapes)
        {
            self.become_table(shapes);
        }
        let done = match self {
            Self::Pack(pack) => set_pair(pack, field, value),
            Self::PackEx(pack) => set_triple(pack, field, value, ttl, horizon),
            Self::Table(table) => {
                return set_in_table(table, field, value.bytes(&mut Text::new()), ttl, horizon);
            }
        };
        if shapes.hash_entries_max < self.len() {
            self.become_table(shapes);
        }
        done
    }

    /// Gives the field another expiry; false if there is no such field.
    pub fn set_expiry(&mut self, field: &[u8], expiry: Option<i64>, horizon: Horizon) -> bool {
        match self.look(field, horizon) {
            None => return false,
            Some((_, before)) if before == expiry => return true,
            Some(_) => self.become_volatile(),
        }
        match self {
            Self::Pack(_) => unreachable!("it has just become a listpack with expiries"),
            Self::PackEx(pack) => {
                let place = place_in(pack, field, 3).expect("the field was looked at");
                move_triple(pack, place, field, None, expiry);
                true
            }
            Self::Table(table) => table.set_expiry(field, expiry),
        }
    }

    /// Removes the field. False if it was not there or its time has passed; then it is gone all the same.
    pub fn remove(&mut self, field: &[u8], horizon: Horizon) -> bool {
        match self {
            Self::Pack(pack) => match place_in(pack, field, 2) {
                Some(place) => {
                    pack.remove_run(place, 2);
                    true
                }
                None => false,
            },
            Self::PackEx(pack) => match place_in(pack, field, 3) {
                Some(place) => {
                    let expiry = expiry_at(pack, place);
                    pack.remove_run(place, 3);
                    !horizon.hides(expiry)
                }
                None => false,
            },
            Self::Table(table) if table.volatile_len() == 0 => table.remove(field),
            Self::Table(table) => {
                let expiry = table.get(field).and_then(|field| field.expiry);
                table.remove(field) && !horizon.hides(expiry)
            }
        }
    }

    /// Takes out up to `max` fields whose time has passed, the first to expire first; gives their names.
    pub fn take_due(&mut self, horizon: Horizon, max: usize) -> Vec<Vec<u8>> {
        let mut taken = Vec::new();
        match self {
            Self::Pack(_) => {}
            Self::PackEx(pack) => {
                let due = triples(pack).take(max).take_while(|(_, _, expiry)| horizon.hides(*expiry));
                taken.extend(due.map(|(field, ..)| field.to_vec()));
                pack.remove_range(0, taken.len() * 3);
            }
            Self::Table(table) => {
                while taken.len() < max && horizon.hides(table.earliest()) {
                    let field = table.first_to_expire().expect("something is due").key.to_vec();
                    table.remove(&field);
                    taken.push(field);
                }
            }
        }
        taken
    }

    fn become_table(&mut self, shapes: &Shapes) {
        let table = match self {
            Self::Pack(pack) => Self::table(pairs(pack), shapes),
            Self::PackEx(pack) => Self::table(triples(pack), shapes),
            Self::Table(_) => return,
        };
        *self = table.expect("no field comes twice");
    }

    /// Gets room for expiries.
    fn become_volatile(&mut self) {
        if let Self::Pack(pack) = self {
            *self = Self::pack_ex(pairs(pack).collect());
        }
    }
}

impl Default for Hash {
    fn default() -> Self {
        Self::new()
    }
}

/// What a listpack has around a string, and what a whole integer takes there, at most.
const AROUND_BYTES_MAX: usize = 10;
/// Fields that are compared with each other one by one; of more the hashes are sorted.
const COMPARED_MAX: usize = 8;

/// Whether one of so many fields comes twice.
fn comes_twice<'v>(fields: impl Iterator<Item = &'v [u8]> + Clone, count: usize, shapes: &Shapes) -> bool {
    if COMPARED_MAX < count {
        return has_repeats(fields.map(Value::Str), &shapes.hasher);
    }
    fields.clone().enumerate().any(|(i, field)| fields.clone().take(i).any(|earlier| earlier == field))
}

/// Whether the listpack takes the field and the value, and an expiry.
#[inline]
fn fits(pack: &Listpack, field: &[u8], value: Value, shapes: &Shapes) -> bool {
    let max = shapes.hash_value_bytes_max;
    let value_bytes = match value {
        // Its digits are counted only where that matters.
        Value::Int(_) if I64_TEXT_BYTES_MAX <= max => I64_TEXT_BYTES_MAX,
        value => value.len(),
    };
    field.len() <= max
        && value_bytes <= max
        && pack.has_room(field.len() + value_bytes + 3 * AROUND_BYTES_MAX)
}

fn expiry_at(pack: &Listpack, field: Place) -> Option<i64> {
    let view = pack.view();
    let value = view.next(field).expect("a field has a value");
    expiry_of(view.get(view.next(value).expect("and an expiry")))
}

fn set_pair(pack: &mut Listpack, field: &[u8], value: Value) -> Set {
    match place_in(pack, field, 2) {
        Some(place) => {
            let place = pack.view().next(place).expect("a field has a value");
            pack.replace(place, value);
            Set::Updated
        }
        None => {
            pack.append_all([Value::Str(field), value]);
            Set::Inserted
        }
    }
}

fn set_triple(pack: &mut Listpack, field: &[u8], value: Value, ttl: Ttl, horizon: Horizon) -> Set {
    let place = place_in(pack, field, 3);
    let before = place.and_then(|place| expiry_at(pack, place));
    let was_due = horizon.hides(before);
    let expiry = expiry_after(ttl, before, was_due);
    match place {
        Some(place) if expiry == before => {
            let place = pack.view().next(place).expect("a field has a value");
            pack.replace(place, value);
        }
        Some(place) => move_triple(pack, place, field, Some(value), expiry),
        None => insert_triple(pack, field, value, expiry),
    }
    if place.is_none() || was_due { Set::Inserted } else { Set::Updated }
}

/// Puts the field that stands at `place` where it belongs with another expiry, and perhaps value.
fn move_triple(pack: &mut Listpack, place: Place, field: &[u8], value: Option<Value>, expiry: Option<i64>) {
    let view = pack.view();
    let old = view.get(view.next(place).expect("a field has a value"));
    let kept = if value.is_none() { old.to_vec() } else { Vec::new() };
    pack.remove_run(place, 3);
    insert_triple(pack, field, value.unwrap_or(Value::Str(&kept)), expiry);
}

/// Puts a new field before the first one that expires later than it.
fn insert_triple(pack: &mut Listpack, field: &[u8], value: Value, expiry: Option<i64>) {
    let triple = [Value::Str(field), value, Value::Int(expiry.unwrap_or(0))];
    let Some(place) = expiry.and_then(|expiry| first_later(pack, expiry)) else {
        return pack.append_all(triple);
    };
    for value in triple.into_iter().rev() {
        pack.insert(place, Side::Before, value);
    }
}

fn first_later(pack: &Listpack, expiry: i64) -> Option<Place> {
    let mut values = pack.iter();
    loop {
        let place = values.place()?;
        let at = expiry_of(values.nth(2)?);
        if at.is_none_or(|at| expiry < at) {
            return Some(place);
        }
    }
}

fn set_in_table(table: &mut Fields, field: &[u8], value: &[u8], ttl: Ttl, horizon: Horizon) -> Set {
    // Where nothing expires, one way down is enough.
    let before =
        if table.volatile_len() == 0 { None } else { table.get(field).and_then(|field| field.expiry) };
    let was_due = horizon.hides(before);
    match table.insert(field, value, expiry_after(ttl, before, was_due)) {
        Insert::Replaced if !was_due => Set::Updated,
        Insert::Inserted | Insert::Replaced => Set::Inserted,
    }
}

fn expiry_after(ttl: Ttl, before: Option<i64>, was_due: bool) -> Option<i64> {
    match ttl {
        Ttl::Clear => None,
        Ttl::At(at) => Some(at),
        Ttl::Keep => before.filter(|_| !was_due),
    }
}
