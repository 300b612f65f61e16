//! SORT and SORT_RO: the elements of a list, a set or a sorted set in another order, or what keys named after them
//! hold.
//!
//! The elements are copied once, as text one behind the other; what is sorted are their places with their weights. A
//! LIMIT picks its range out before it sorts, and where nothing is to be sorted (BY without `*`) a list or a sorted
//! set is read only as far as the range goes.
//!
//! BY and GET name keys that only the elements know: such a request locks every shard, any other one its keys alone.
//! With STORE the order must come out the same on a replica, whose sets lie in another order: there equal weights are
//! told apart by the elements, and texts are compared by their bytes whatever the locale is.

mod order;
mod pattern;
#[cfg(test)]
mod tests;

use super::args::{int, is};
use crate::error::{Done, Error};
use crate::events::Event;
use crate::row::{Categories, Doc, Flags, FoundSpec, KeySpec, Locks, Meta, Row, Search};
use crate::txn::{Ttl, Txn};
use crate::value::{List, Value};
use ds::entry::{NewPayload, Payload};
use ds::list::{self, End};
use order::{Elements, Order, Span};
use pattern::Pattern;
use resp::{Args, Reply};
use std::ops::Range;

const SORT: Meta = Meta {
    arity: -2,
    flags: Flags::MOVABLE_KEYS,
    categories: Categories::SET
        .with(Categories::SORTED_SET)
        .with(Categories::LIST)
        .with(Categories::DANGEROUS),
    keys: &[KeySpec { flags: &["RO", "access"], first: 1, last: 0, step: 1, notes: "" }],
    locks: Locks::KeysOrAll(looks_elsewhere),
    complexity: "O(N+M*log(M)) with N elements of which M are given; O(N) if they are not sorted",
    ..Meta::BASE
};

const ELSEWHERE: FoundSpec = FoundSpec {
    flags: &["RO", "access"],
    search: Search::Unknown,
    notes: "Keys of BY and GET: their names come of the elements.",
};

const DESTINATION: FoundSpec = FoundSpec {
    flags: &["OW", "update"],
    search: Search::Unknown,
    notes: "The key of STORE, which may stand anywhere.",
};

const READING: [Doc; 6] = [
    Doc::key("key", 0),
    Doc::pattern("by-pattern", 1).shown_as("pattern").behind("BY").optional(),
    Doc::block("limit", &[Doc::new("offset", "integer"), Doc::new("count", "integer")])
        .behind("LIMIT")
        .optional(),
    Doc::pattern("get-pattern", 1).shown_as("pattern").behind("GET").optional().multiple_with_token(),
    Doc::one_of("order", &[Doc::flag("asc", "ASC"), Doc::flag("desc", "DESC")]).optional(),
    Doc::flag("sorting", "ALPHA").optional(),
];

pub const ROWS: &[Row] = &[
    Row {
        meta: Meta {
            name: "sort",
            flags: SORT.flags.with(Flags::WRITE).with(Flags::DENYOOM),
            find_keys: Some(find_destination),
            found_keys: &[ELSEWHERE, DESTINATION],
            summary: "Gives or stores the elements of a list, a set or a sorted set in another order.",
            docs: &{
                let [key, by, limit, get, order, sorting] = READING;
                [key, by, limit, get, order, sorting, Doc::key("destination", 2).behind("STORE").optional()]
            },
            ..SORT
        },
        run: sort,
    },
    Row {
        meta: Meta {
            name: "sort_ro",
            flags: SORT.flags.with(Flags::READONLY),
            found_keys: &[ELSEWHERE],
            since: "7.0.0",
            summary: "Gives the elements of a list, a set or a sorted set in another order.",
            docs: &READING,
            ..SORT
        },
        run: sort_ro,
    },
];

/// An option and where its first argument is.
enum Word {
    Ascending,
    Descending,
    Alpha,
    Limit(usize),
    Store(usize),
    By(usize),
    Get(usize),
}

/// The option at `i`, and where the next one begins.
fn word(args: Args, i: usize) -> Result<(Word, usize), Error> {
    let (name, behind) = (args.at(i), args.len() - i - 1);
    let word = match () {
        () if is(name, "asc") => (Word::Ascending, 0),
        () if is(name, "desc") => (Word::Descending, 0),
        () if is(name, "alpha") => (Word::Alpha, 0),
        () if is(name, "limit") && 2 <= behind => (Word::Limit(i + 1), 2),
        () if is(name, "store") && 1 <= behind && is(args.name(), "sort") => (Word::Store(i + 1), 1),
        () if is(name, "by") && 1 <= behind => (Word::By(i + 1), 1),
        () if is(name, "get") && 1 <= behind => (Word::Get(i + 1), 1),
        () => return Err(Error::Syntax),
    };
    Ok((word.0, i + 1 + word.1))
}

/// The options up to the first that is none.
fn words(args: Args) -> impl Iterator<Item = Word> {
    let mut i = 2;
    std::iter::from_fn(move || {
        let (word, next) = (i < args.len()).then(|| word(args, i).ok())??;
        i = next;
        Some(word)
    })
}

fn looks_elsewhere(args: Args) -> bool {
    words(args).any(|word| match word {
        Word::By(i) | Word::Get(i) => matches!(Pattern::parse(args.at(i)), Pattern::Key { .. }),
        _ => false,
    })
}

/// The last STORE counts.
fn find_destination(args: Args, found: &mut dyn FnMut(usize)) {
    let places = words(args).filter_map(|word| if let Word::Store(i) = word { Some(i) } else { None });
    places.last().into_iter().for_each(found);
}

struct Request<'a> {
    by: Option<Pattern<'a>>,
    /// A BY without `*` was among the options: the order stays as it is.
    unsorted: bool,
    get: Vec<Pattern<'a>>,
    descending: bool,
    alpha: bool,
    offset: i64,
    /// Negative: all.
    count: i64,
    store: Option<&'a [u8]>,
}

impl<'a> Request<'a> {
    fn parse(args: Args<'a>) -> Result<Self, Error> {
        let mut request = Self {
            by: None,
            unsorted: false,
            get: Vec::new(),
            descending: false,
            alpha: false,
            offset: 0,
            count: -1,
            store: None,
        };
        let mut i = 2;
        while i < args.len() {
            let (word, next) = word(args, i)?;
            match word {
                Word::Ascending => request.descending = false,
                Word::Descending => request.descending = true,
                Word::Alpha => request.alpha = true,
                Word::Limit(i) => {
                    (request.offset, request.count) = (int(args.at(i))?, int(args.at(i + 1))?);
                }
                Word::Store(i) => request.store = Some(args.at(i)),
                Word::By(i) => {
                    let pattern = Pattern::parse(args.at(i));
                    request.unsorted |= !matches!(pattern, Pattern::Key { .. });
                    request.by = Some(pattern);
                }
                Word::Get(i) => request.get.push(Pattern::parse(args.at(i))),
            }
            i = next;
        }
        Ok(request)
    }

    /// The places of the elements that are given, of `len` in their final order.
    fn range(&self, len: usize) -> Range<usize> {
        let start = self.offset.clamp(0, len as i64) as usize;
        let count = usize::try_from(self.count).unwrap_or(len);
        start..start.saturating_add(count).min(len)
    }
}

fn sort(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let request = Request::parse(args)?;
    let (elements, sorted) = sorted(txn, args.at(1), &request)?;
    match request.store {
        Some(to) => {
            let list = collect(txn, &request, &elements, &sorted);
            out.int(list.len() as i64);
            store(txn, to, list);
        }
        None => reply(txn, &request, &elements, &sorted, out),
    }
    Ok(())
}

fn sort_ro(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let request = Request::parse(args)?;
    let (elements, sorted) = sorted(txn, args.at(1), &request)?;
    reply(txn, &request, &elements, &sorted, out);
    Ok(())
}

/// The elements, and the places of those that are asked for in the order that is asked for.
fn sorted(txn: &Txn, key: &[u8], request: &Request) -> Result<(Elements, Vec<Span>), Error> {
    let Some(entry) = txn.read(key) else { return Ok(Default::default()) };
    let Payload::Boxed(value) = entry.payload() else { return Err(Error::WrongType) };
    let len = match value {
        Value::List(list) => list.len(),
        Value::Set(set) => set.len(),
        Value::SortedSet(set) => set.len(),
        _ => return Err(Error::WrongType),
    };
    let range = request.range(len);
    // A set that is stored is put into some order at any rate.
    let forced = request.unsorted && request.store.is_some() && matches!(value, Value::Set(_));
    if request.unsorted && !forced {
        let elements = Elements::of_range(value, range, request.descending);
        let spans = elements.spans();
        return Ok((elements, spans));
    }
    let elements = Elements::of(value);
    let order = Order {
        descending: request.descending,
        stored: request.store.is_some(),
        is_set: matches!(value, Value::Set(_)),
        collation: txn.engine().settings.collation(),
    };
    let by = request.by.filter(|_| !forced);
    let mut key = Vec::new();
    let spans = match (request.alpha || forced, by) {
        (false, None) => order.by_number(&elements, range, order::weight),
        (false, Some(by)) => order.by_number(&elements, range, |element| {
            by.with(txn, element, &mut key, |found| found.map_or(Some(0.0), order::weight))
        }),
        (true, None) => Some(order.by_text(&elements, range)),
        (true, Some(by)) => Some(
            order.by_other_text(&elements, range, |element, found| by.with(txn, element, &mut key, found)),
        ),
    };
    Ok((elements, spans.ok_or(NO_NUMBER)?))
}

const NO_NUMBER: Error = Error::text("ERR One or more scores can't be converted into double");

fn reply(txn: &Txn, request: &Request, elements: &Elements, sorted: &[Span], out: &mut Reply) {
    out.array(sorted.len() * request.get.len().max(1));
    let mut key = Vec::new();
    for &span in sorted {
        let element = elements.get(span);
        if request.get.is_empty() {
            out.bulk(element);
        }
        for pattern in &request.get {
            pattern.with(txn, element, &mut key, |found| match found {
                Some(text) => out.bulk(text),
                None => out.nil(),
            });
        }
    }
}

/// What is stored: as the reply, with nothing as an empty element.
fn collect(txn: &Txn, request: &Request, elements: &Elements, sorted: &[Span]) -> List {
    let shapes = txn.engine().shapes();
    let mut list = list::List::new(shapes.list);
    let mut key = Vec::new();
    for &span in sorted {
        let element = elements.get(span);
        if request.get.is_empty() {
            list.push(End::Tail, element);
        }
        for pattern in &request.get {
            pattern.with(txn, element, &mut key, |found| list.push(End::Tail, found.unwrap_or_default()));
        }
    }
    List::settled(list, &shapes)
}

/// Makes the key hold the list, whatever it held before; an empty one deletes it.
fn store(txn: &mut Txn, key: &[u8], list: List) {
    let len = list.len();
    if len != 0 {
        txn.put(key, NewPayload::Boxed(Value::List(list)), Ttl::Clear);
        txn.changed_times(key, Event::SortStore, len);
    } else if let Some(entry) = txn.remove(key) {
        txn.discard(entry);
        txn.changed(key, Event::Del);
    }
}
