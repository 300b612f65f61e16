//! Lists, sets, hashes and sorted sets as files hold them, from Redis 2.6 on.
//!
//! Every byte comes from outside: packed forms are looked at element by element before they are kept as they are,
//! and an element that comes twice is an error. The form that a value then has follows from the limits of now, as
//! in Redis: not from the form in the file alone.

use super::decode::{Input, Read, Stop, wrong};
use super::{kind, node};
use crate::value::{self, Hash, List, Set, Shapes, SortedSet};
use base::number::parse_f64;
use ds::fields::{Fields, Insert};
use ds::intset::Intset;
use ds::legacy::{ziplist, zipmap};
use ds::list;
use ds::listpack::{Listpack, Text, Value};
use ds::sorted::{self, Sorted};
use std::borrow::Cow;

/// Scores of the old text form that are no text.
const SCORE_NAN: u8 = 253;
const SCORE_INFINITY: u8 = 254;
const SCORE_NEGATIVE_INFINITY: u8 = 255;

impl Input<'_> {
    /// Anything but strings and streams; `None` if it has no elements.
    pub(super) fn collection(&mut self, kind: u8, shapes: &Shapes) -> Read<Option<value::Value>> {
        Ok(match kind {
            kind::LIST | kind::LIST_ZIPLIST | kind::LIST_QUICKLIST | kind::LIST_QUICKLIST_2 => {
                let list = self.list(kind, shapes)?;
                (!list.is_empty()).then(|| value::Value::List(List::settled(list, shapes)))
            }
            kind::SET | kind::SET_INTSET | kind::SET_LISTPACK => {
                let set = match kind {
                    kind::SET => self.set(shapes)?,
                    kind::SET_INTSET => self.intset(shapes)?,
                    _ => packed_set(self.listpack()?, shapes)?,
                };
                (!set.is_empty()).then_some(value::Value::Set(set))
            }
            kind::SORTED_SET | kind::SORTED_SET_2 => {
                let tree = self.sorted(kind, shapes)?;
                (!tree.is_empty()).then(|| value::Value::SortedSet(SortedSet::settled(tree, shapes)))
            }
            kind::SORTED_SET_ZIPLIST | kind::SORTED_SET_LISTPACK => {
                let pack = if kind == kind::SORTED_SET_ZIPLIST { self.ziplist()? } else { self.listpack()? };
                let set = packed_sorted(pack, shapes)?;
                (!set.is_empty()).then_some(value::Value::SortedSet(set))
            }
            _ => {
                let hash = self.hash_of(kind, shapes)?;
                (!hash.is_empty()).then_some(value::Value::Hash(hash))
            }
        })
    }

    fn hash_of(&mut self, kind: u8, shapes: &Shapes) -> Read<Hash> {
        match kind {
            kind::HASH => self.hash(Expiries::None, shapes),
            kind::HASH_EXPIRIES_OLD => self.hash(Expiries::Absolute, shapes),
            kind::HASH_EXPIRIES => {
                let first = i64::from_le_bytes(self.array()?);
                self.hash(Expiries::From(first), shapes)
            }
            kind::HASH_ZIPMAP => {
                let bytes = self.text()?;
                match zipmap::pairs(&bytes) {
                    Some(pairs) => {
                        let triples =
                            pairs.map(|(field, value)| (Value::Str(field), Value::Str(value), None));
                        Hash::loaded(triples.collect(), shapes, false).ok_or_else(repeated)
                    }
                    None => wrong("Zipmap integrity check failed"),
                }
            }
            kind::HASH_ZIPLIST => packed_hash(self.ziplist()?, shapes),
            kind::HASH_LISTPACK => packed_hash(self.listpack()?, shapes),
            kind::HASH_LISTPACK_EX_OLD => packed_hash_ex(self.listpack()?, shapes),
            kind::HASH_LISTPACK_EX => {
                self.array::<8>()?; // the first expiry, which the elements say too
                packed_hash_ex(self.listpack()?, shapes)
            }
            other => wrong(format!("Unknown RDB encoding type {other}")),
        }
    }

    /// A hash of Valkey 9 that has fields with an expiry.
    pub(super) fn hash_of_valkey(&mut self, shapes: &Shapes) -> Read<Hash> {
        self.hash(Expiries::Behind, shapes)
    }

    fn boxed(&mut self) -> Read<Box<[u8]>> {
        Ok(self.text()?.into_owned().into_boxed_slice())
    }

    fn listpack(&mut self) -> Read<Listpack> {
        let bytes = self.boxed()?;
        Listpack::from_bytes(bytes).ok_or_else(|| Stop::Wrong("Listpack integrity check failed".into()))
    }

    fn ziplist(&mut self) -> Read<Listpack> {
        let bytes = self.text()?;
        ziplist::to_listpack(&bytes).ok_or_else(|| Stop::Wrong("Ziplist integrity check failed".into()))
    }

    fn list(&mut self, kind: u8, shapes: &Shapes) -> Read<list::List> {
        let mut list = list::List::new(shapes.list);
        match kind {
            kind::LIST_ZIPLIST => list.push_listpack(self.ziplist()?),
            kind::LIST => {
                for _ in 0..self.length()? {
                    list.push(list::End::Tail, &self.text()?);
                }
            }
            kind::LIST_QUICKLIST => {
                for _ in 0..self.length()? {
                    list.push_listpack(self.ziplist()?);
                }
            }
            _ => {
                for _ in 0..self.length()? {
                    match self.length()? {
                        node::PLAIN => list.push_plain(&self.text()?),
                        node::PACKED => list.push_listpack(self.listpack()?),
                        other => return wrong(format!("Unknown container {other} of a list's node")),
                    }
                }
            }
        }
        Ok(list)
    }

    fn set(&mut self, shapes: &Shapes) -> Read<Set> {
        let len = self.length()?;
        if len <= shapes.set_intset_entries_max as u64 {
            let mut members: Vec<Cow<[u8]>> = Vec::new();
            for _ in 0..len {
                members.push(self.text()?);
            }
            return Set::loaded(&members, shapes).ok_or_else(repeated);
        }
        let mut table = Fields::set(shapes.hasher.clone());
        for _ in 0..len {
            if !table.add(&self.text()?) {
                return Err(repeated());
            }
        }
        Ok(Set::Table(Box::new(table)))
    }

    fn intset(&mut self, shapes: &Shapes) -> Read<Set> {
        let bytes = self.boxed()?;
        let Some(ints) = Intset::from_bytes(bytes) else { return wrong("Intset integrity check failed") };
        if shapes.set_intset_entries_max < ints.len() {
            return Set::table(ints.iter().map(Value::Int), shapes).ok_or_else(repeated);
        }
        Ok(Set::Ints(ints))
    }

    fn sorted(&mut self, kind: u8, shapes: &Shapes) -> Read<Sorted> {
        let mut set = Sorted::new(shapes.hasher.clone());
        for _ in 0..self.length()? {
            let member = self.text()?;
            let score = match kind {
                kind::SORTED_SET_2 => Some(f64::from_le_bytes(self.array()?)).filter(|score| !score.is_nan()),
                _ => self.old_score()?,
            };
            let Some(score) = score else { return wrong("Zset with NAN score detected") };
            if set.insert(&member, score) != sorted::Insert::Inserted {
                return Err(repeated());
            }
        }
        Ok(set)
    }

    /// A score as text, with its length before it.
    fn old_score(&mut self) -> Read<Option<f64>> {
        Ok(match self.byte()? {
            SCORE_NAN => None,
            SCORE_INFINITY => Some(f64::INFINITY),
            SCORE_NEGATIVE_INFINITY => Some(f64::NEG_INFINITY),
            len => parse_f64(self.bytes(usize::from(len))?),
        })
    }

    fn hash(&mut self, expiries: Expiries, shapes: &Shapes) -> Read<Hash> {
        let len = self.length()?;
        let few = len <= shapes.hash_entries_max as u64;
        let mut triples: Vec<(Cow<[u8]>, Cow<[u8]>, Option<i64>)> = Vec::new();
        let mut table = Fields::hash(shapes.hasher.clone());
        for _ in 0..len {
            let mut expiry = match expiries {
                Expiries::None | Expiries::Behind => None,
                Expiries::Absolute => expiry_of(self.length()?, 1)?,
                Expiries::From(first) => expiry_of(self.length()?, first)?,
            };
            let (field, value) = (self.text()?, self.text()?);
            if matches!(expiries, Expiries::Behind) {
                expiry = match i64::from_le_bytes(self.array()?) {
                    -1 => None,
                    // Long ago is long ago; 0 means none here.
                    at @ 0.. => Some(at.max(1)),
                    _ => return wrong("a field's expiry is out of range"),
                };
            }
            if few {
                triples.push((field, value, expiry));
            } else if table.insert(&field, &value, expiry) != Insert::Inserted {
                return Err(repeated());
            }
        }
        if !few {
            return Ok(Hash::Table(Box::new(table)));
        }
        let triples = triples.iter().map(|(f, v, expiry)| (Value::Str(f), Value::Str(v), *expiry)).collect();
        Hash::loaded(triples, shapes, !matches!(expiries, Expiries::None)).ok_or_else(repeated)
    }
}

/// How a file says when fields expire.
#[derive(Clone, Copy)]
enum Expiries {
    None,
    /// Unix ms.
    Absolute,
    /// From the first of them on, which counts as 1.
    From(i64),
    /// Unix ms, behind the value.
    Behind,
}

/// The time that a file says as a distance from the one before `first`; 0: none.
fn expiry_of(distance: u64, first: i64) -> Read<Option<i64>> {
    if distance == 0 {
        return Ok(None);
    }
    let at = i64::try_from(distance - 1).ok().and_then(|distance| first.checked_add(distance));
    match at.filter(|at| 0 < *at) {
        Some(at) => Ok(Some(at)),
        None => wrong("a field's expiry is out of range"),
    }
}

fn repeated() -> Stop {
    Stop::Wrong("an element comes twice".into())
}

fn packed_set(pack: Listpack, shapes: &Shapes) -> Read<Set> {
    if shapes.set_entries_max < pack.len() {
        return Set::table(pack.iter(), shapes).ok_or_else(repeated);
    }
    if value::has_repeats(pack.iter(), &shapes.hasher) {
        return Err(repeated());
    }
    Ok(Set::Pack(pack))
}

/// Every second element.
fn evens(pack: &Listpack) -> impl Iterator<Item = Value<'_>> + Clone {
    pack.iter().step_by(2)
}

fn packed_hash(pack: Listpack, shapes: &Shapes) -> Read<Hash> {
    let len = pack.len();
    if !len.is_multiple_of(2) {
        return wrong("a hash's field without a value");
    }
    if shapes.hash_entries_max < len / 2 {
        let pairs = evens(&pack).zip(pack.iter().skip(1).step_by(2));
        return Hash::table(pairs.map(|(field, value)| (field, value, None)), shapes).ok_or_else(repeated);
    }
    if value::has_repeats(evens(&pack), &shapes.hasher) {
        return Err(repeated());
    }
    Ok(Hash::Pack(pack))
}

fn packed_hash_ex(pack: Listpack, shapes: &Shapes) -> Read<Hash> {
    let expiries = || pack.iter().skip(2).step_by(3);
    if !pack.len().is_multiple_of(3) || !expiries().all(|at| matches!(at, Value::Int(0..))) {
        return wrong("a hash's field without a value or an expiry");
    }
    let order = expiries().map(|at| at.as_int().filter(|at| *at != 0).unwrap_or(i64::MAX));
    if shapes.hash_entries_max < pack.len() / 3 {
        return Hash::table(value::triples(&pack), shapes).ok_or_else(repeated);
    }
    if value::has_repeats(pack.iter().step_by(3), &shapes.hasher) {
        return Err(repeated());
    }
    if order.is_sorted() {
        return Ok(Hash::PackEx(pack));
    }
    Ok(Hash::pack_ex(value::triples(&pack).collect()))
}

fn packed_sorted(pack: Listpack, shapes: &Shapes) -> Read<SortedSet> {
    let len = pack.len();
    if !len.is_multiple_of(2) {
        return wrong("a sorted set's member without a score");
    }
    let mut tree = Sorted::new(shapes.hasher.clone());
    let is_large = shapes.sorted_entries_max < len / 2;
    let mut text = Text::new();
    let mut before: Option<(f64, Vec<u8>)> = None;
    for (member, score) in evens(&pack).zip(pack.iter().skip(1).step_by(2)) {
        let Some(score) = value::score_of(score) else { return wrong("a sorted set's score is no number") };
        let member = member.bytes(&mut text);
        if is_large {
            if tree.insert(member, score) != sorted::Insert::Inserted {
                return Err(repeated());
            }
            continue;
        }
        if let Some((last, name)) = &before
            && (score < *last || (score == *last && *member <= **name))
        {
            return wrong("a sorted set is out of order");
        }
        before = Some((score, member.to_vec()));
    }
    if is_large {
        return Ok(SortedSet::Tree(Box::new(tree)));
    }
    if value::has_repeats(evens(&pack), &shapes.hasher) {
        return Err(repeated());
    }
    Ok(SortedSet::Pack(pack))
}
