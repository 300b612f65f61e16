//! A block of a stream: up to some hundred entries in one listpack, in Redis's layout.
//!
//! ```text
//! master: live entries | tombstones | n | name × n | 0
//! entry:  flags | ms | seq | value × n | elements before this one            names as in the master
//!         flags | ms | seq | m | (name | value) × m | elements before this one
//! ```
//! The names are those of the block's first entry. `ms` and `seq` count from the block's master id. The number at
//! its end lets an entry be found from behind; the master's 0 stops there.
//!
//! Invariants: the listpack is of this form, control elements are integers, ids of live entries ascend from the
//! master id on, and the first two numbers are right. Ids of tombstones may be any: XSETID can go back behind them.

use super::Id;
use crate::listpack::{self, Listpack, Place, Value, View};
use crate::spine::Item;
use std::iter::once;
use std::sync::Arc;

const DELETED: i64 = 1;
const SAME_NAMES: i64 = 2;

#[derive(Clone)]
pub struct Block {
    master: Id,
    live: usize,
    pack: Listpack,
}

impl Item for Arc<Block> {
    type Key = Id;

    fn key(&self) -> &Id {
        &self.master
    }

    fn weight(&self) -> usize {
        self.live
    }
}

/// Where an entry stands.
struct Record {
    at: Place,
    flags: i64,
    id: Id,
    /// Pairs.
    len: usize,
    /// The first value, or the first name.
    first: Place,
}

/// A live entry of a block, until the block changes.
pub(super) struct Found {
    at: Place,
    flags: i64,
}

/// An entry, borrowed.
#[derive(Clone, Copy)]
pub struct Entry<'a> {
    pub id: Id,
    view: View<'a>,
    /// Where the master's names begin, if they are the entry's.
    names: Option<Place>,
    first: Place,
    len: usize,
}

impl<'a> Entry<'a> {
    /// Pairs of name and value.
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub fn pairs(&self) -> impl Iterator<Item = (Value<'a>, Value<'a>)> + Clone + use<'a> {
        let mut own = self.view.iter_from(self.first);
        let mut names = self.names.map(|names| self.view.iter_from(names));
        (0..self.len).map_while(move |_| {
            let name = match &mut names {
                Some(names) => names.next(),
                None => own.next(),
            };
            Some((name?, own.next()?))
        })
    }
}

impl std::fmt::Debug for Entry<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ", self.id)?;
        f.debug_map().entries(self.pairs()).finish()
    }
}

impl Block {
    /// A block with its first entry.
    pub(super) fn new<'v>(id: Id, pairs: impl Iterator<Item = (Value<'v>, Value<'v>)> + Clone) -> Self {
        let len = pairs.clone().count() as i64;
        let names = pairs.clone().map(|(name, _)| name);
        let values = pairs.map(|(_, value)| value);
        let master = [1, 0, len].map(Value::Int).into_iter().chain(names).chain(once(Value::Int(0)));
        let entry =
            [SAME_NAMES, 0, 0].map(Value::Int).into_iter().chain(values).chain(once(Value::Int(len + 3)));
        Self { master: id, live: 1, pack: Listpack::from_values(master.chain(entry)) }
    }

    /// `None` if the bytes are no block. What a block may be elsewhere and is not here is put right: first numbers
    /// that share their sum wrongly, and ids before the master's, which can come behind tombstones.
    pub(super) fn from_bytes(master: Id, bytes: Box<[u8]>) -> Option<Self> {
        let pack = Listpack::from_bytes(bytes)?;
        let (live, records) = count_records(master, pack.view())?;
        let mut block = Self { master, live, pack };
        if block.counts().0 != live as i64 {
            block.set_counts(live as i64, (records - live) as i64);
        }
        match block.entries().next() {
            Some(first) if first.id < master => Some(block.rebuilt()),
            _ => Some(block),
        }
    }

    /// The same live entries below their own first id.
    fn rebuilt(&self) -> Self {
        let mut entries = self.entries();
        let first = entries.next().expect("has live entries");
        let mut block = Self::new(first.id, first.pairs());
        entries.for_each(|entry| block.append(entry.id, entry.pairs()));
        block
    }

    pub fn master(&self) -> Id {
        self.master
    }

    /// The listpack, as it goes into an RDB.
    pub fn bytes(&self) -> &[u8] {
        self.pack.bytes()
    }

    /// Entries that are not deleted.
    pub fn len(&self) -> usize {
        self.live
    }

    pub fn is_empty(&self) -> bool {
        self.live == 0
    }

    /// Entries, tombstones included.
    pub(super) fn records(&self) -> usize {
        let (live, deleted) = self.counts();
        (live + deleted) as usize
    }

    /// The id of the first entry, be it a tombstone.
    pub(super) fn first_record(&self) -> Id {
        self.cursor().next().map_or(self.master, |record| record.id)
    }

    /// The id of the last entry, be it a tombstone.
    pub(super) fn last_record(&self) -> Id {
        self.cursor_back().next().map_or(self.master, |record| record.id)
    }

    /// Appends an entry behind all others.
    pub(super) fn append<'v>(&mut self, id: Id, pairs: impl Iterator<Item = (Value<'v>, Value<'v>)> + Clone) {
        let len = pairs.clone().count();
        let is_same = {
            let (mut names, count, _) = names(self.pack.view());
            count == len
                && pairs.clone().all(|(name, _)| names.next().is_some_and(|other| other.is_same(name)))
        };
        let ms = Value::Int(id.ms.wrapping_sub(self.master.ms) as i64);
        let seq = Value::Int(id.seq.wrapping_sub(self.master.seq) as i64);
        let int = |n: usize| Value::Int(n as i64);
        if is_same {
            let values = pairs.map(|(_, value)| value);
            let head = [Value::Int(SAME_NAMES), ms, seq];
            self.pack.append_all(head.into_iter().chain(values).chain(once(int(len + 3))));
        } else {
            let both = pairs.flat_map(|(name, value)| [name, value]);
            let head = [Value::Int(0), ms, seq, int(len)];
            self.pack.append_all(head.into_iter().chain(both).chain(once(int(2 * len + 4))));
        }
        let (live, deleted) = self.counts();
        self.live += 1;
        self.set_counts(live + 1, deleted);
    }

    /// Where the live entry with this id stands.
    pub(super) fn find(&self, id: Id) -> Option<Found> {
        let record = self.cursor().find(|record| !record.is_deleted() && id <= record.id)?;
        (record.id == id).then_some(Found { at: record.at, flags: record.flags })
    }

    /// Makes a tombstone of it.
    pub(super) fn delete(&mut self, found: Found) {
        self.bury(&[found]);
    }

    /// Makes tombstones of the entries up to the first of which `keep` is true; gives their number.
    pub(super) fn delete_until(&mut self, mut keep: impl FnMut(Id, usize) -> bool) -> usize {
        let mut places = Vec::new();
        for record in self.cursor() {
            if keep(record.id, places.len()) {
                break;
            }
            if !record.is_deleted() {
                places.push(Found { at: record.at, flags: record.flags });
            }
        }
        self.bury(&places);
        places.len()
    }

    fn bury(&mut self, places: &[Found]) {
        // From behind, so that a flag that takes fewer bytes than before moves nothing that is still to come.
        for found in places.iter().rev() {
            self.pack.replace(found.at, found.flags | DELETED);
        }
        let (live, deleted) = self.counts();
        let buried = places.len() as i64;
        self.live -= places.len();
        self.set_counts(live - buried, deleted + buried);
    }

    fn counts(&self) -> (i64, i64) {
        let mut elements = self.pack.iter();
        let mut int = || elements.next().and_then(Value::as_int).expect("a master has its counts");
        (int(), int())
    }

    fn set_counts(&mut self, live: i64, deleted: i64) {
        let first = self.pack.view().first().expect("a master has its counts");
        self.pack.replace(first, live);
        let second = self.pack.view().next(first).expect("a master has its counts");
        self.pack.replace(second, deleted);
    }

    fn cursor(&self) -> Cursor<'_> {
        let (names, count, body) = names(self.pack.view());
        Cursor { block: self, names: names.place(), names_len: count, at: body, is_backward: false }
    }

    fn cursor_back(&self) -> Cursor<'_> {
        let (names, count, _) = names(self.pack.view());
        let at = self.pack.view().last();
        Cursor { block: self, names: names.place(), names_len: count, at, is_backward: true }
    }

    /// Live entries, ascending.
    pub(super) fn entries(&self) -> Entries<'_> {
        Entries { cursor: self.cursor() }
    }

    /// Live entries, descending.
    pub(super) fn entries_back(&self) -> Entries<'_> {
        Entries { cursor: self.cursor_back() }
    }
}

/// The master's names, their number, and the place of the first entry.
fn names(view: View) -> (listpack::Iter, usize, Option<Place>) {
    let count = view.first().and_then(|place| view.next(place)).and_then(|place| view.next(place));
    let count = count.expect("a master has its counts");
    let len = view.get(count).as_int().expect("control elements are integers") as usize;
    let first = view.next(count).expect("a master has its end");
    let mut end = first;
    for _ in 0..len {
        end = view.next(end).expect("a master has its names");
    }
    (view.iter_from(first), len, view.next(end))
}

impl Record {
    fn is_deleted(&self) -> bool {
        self.flags & DELETED != 0
    }
}

/// Walks the entries of a block, tombstones included.
struct Cursor<'a> {
    block: &'a Block,
    names: Option<Place>,
    names_len: usize,
    /// The next entry's flags, or from behind its last element.
    at: Option<Place>,
    is_backward: bool,
}

impl Cursor<'_> {
    fn int(&self, place: Place) -> i64 {
        self.block.pack.view().get(place).as_int().expect("control elements are integers")
    }

    fn after(&self, place: Place, steps: usize) -> Place {
        let view = self.block.pack.view();
        (0..steps).fold(place, |place, _| view.next(place).expect("entries are whole"))
    }

    fn read(&self, at: Place) -> Record {
        let flags = self.int(at);
        let ms = self.after(at, 1);
        let seq = self.after(ms, 1);
        let Id { ms: master_ms, seq: master_seq } = self.block.master;
        let id = Id::new(
            master_ms.wrapping_add(self.int(ms) as u64),
            master_seq.wrapping_add(self.int(seq) as u64),
        );
        let next = self.after(seq, 1);
        match flags & SAME_NAMES {
            0 => Record { at, flags, id, len: self.int(next) as usize, first: self.after(next, 1) },
            _ => Record { at, flags, id, len: self.names_len, first: next },
        }
    }
}

impl Iterator for Cursor<'_> {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        let view = self.block.pack.view();
        if !self.is_backward {
            let record = self.read(self.at?);
            let own = if record.flags & SAME_NAMES == 0 { 2 * record.len } else { record.len };
            self.at = view.next(self.after(record.first, own));
            return Some(record);
        }
        let end = self.at?;
        let steps = self.int(end);
        if steps == 0 {
            return None;
        }
        let start = (0..steps).fold(end, |place, _| view.prev(place).expect("entries are whole"));
        self.at = view.prev(start);
        Some(self.read(start))
    }
}

pub(super) struct Entries<'a> {
    cursor: Cursor<'a>,
}

impl<'a> Iterator for Entries<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        let record = self.cursor.find(|record| !record.is_deleted())?;
        let names = if record.flags & SAME_NAMES == 0 { None } else { self.cursor.names };
        let view = self.cursor.block.pack.view();
        Some(Entry { id: record.id, view, names, first: record.first, len: record.len })
    }
}

/// The numbers of live entries and of all, if the listpack has the form of a block.
fn count_records(master: Id, view: View) -> Option<(usize, usize)> {
    let mut elements = view.iter();
    let claimed = int(&mut elements)?.checked_add(int(&mut elements)?)?;
    let names_len = usize::try_from(int(&mut elements)?).ok()?;
    skip(&mut elements, names_len)?;
    if int(&mut elements)? != 0 {
        return None;
    }
    let (mut live, mut records, mut last) = (0, 0, None);
    while elements.place().is_some() {
        let flags = int(&mut elements)?;
        let ms = master.ms.wrapping_add(int(&mut elements)? as u64);
        let seq = master.seq.wrapping_add(int(&mut elements)? as u64);
        let before = match flags & SAME_NAMES {
            0 => {
                let len = usize::try_from(int(&mut elements)?).ok()?;
                skip(&mut elements, len.checked_mul(2)?)?;
                len.checked_mul(2)?.checked_add(4)?
            }
            _ => {
                skip(&mut elements, names_len)?;
                names_len.checked_add(3)?
            }
        };
        if usize::try_from(int(&mut elements)?) != Ok(before) {
            return None;
        }
        records += 1;
        if flags & DELETED == 0 {
            let id = Some(Id::new(ms, seq));
            if id <= last {
                return None;
            }
            (live, last) = (live + 1, id);
        }
    }
    (usize::try_from(claimed) == Ok(records)).then_some((live, records))
}

fn int(elements: &mut listpack::Iter) -> Option<i64> {
    match elements.next()? {
        Value::Int(n) => Some(n),
        Value::Str(_) => None,
    }
}

fn skip(elements: &mut listpack::Iter, count: usize) -> Option<()> {
    match count {
        0 => Some(()),
        count => elements.nth(count - 1).map(|_| ()),
    }
}
