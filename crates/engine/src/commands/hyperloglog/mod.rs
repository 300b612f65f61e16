//! HyperLogLogs: counting elements without keeping them. PFADD, PFCOUNT, PFMERGE, PFDEBUG, PFSELFTEST.
//!
//! They are strings in Redis's layout (`base::hll`), which clients may read and write as such: whoever looks at one
//! checks it first. PFCOUNT of one key keeps its result in the string. So it writes although it reads, and is logged
//! when it does; on a replica a client's PFCOUNT leaves the string alone, which is the primary's.

use super::args::{is, shown};
use crate::error::{Done, Error};
use crate::events::Event;
use crate::row::{Categories, Doc, Flags, KeySpec, Locks, Meta, Row};
use crate::txn::{Origin, Txn};
use crate::value::{self, Str, TAG_RAW, Text};
use base::hll::{self, Encoding, Invalid, Union};
use ds::entry::Payload;
use resp::{Args, Reply};

const HLL: Meta = Meta { group: "hyperloglog", categories: Categories::HYPERLOGLOG, ..Meta::BASE };

const KEY: Doc = Doc::key("key", 0);

const fn one(at: u16, flags: &'static [&'static str]) -> KeySpec {
    KeySpec { flags, first: at, last: 0, step: 1, notes: "" }
}

pub const ROWS: &[Row] = &[
    Row {
        meta: Meta {
            name: "pfadd",
            arity: -2,
            flags: Flags::WRITE.with(Flags::DENYOOM).with(Flags::FAST),
            keys: &[one(1, &["RW", "insert"])],
            since: "2.8.9",
            summary: "Adds elements to a HyperLogLog; makes an empty one where there is none.",
            complexity: "O(1) for each element",
            docs: &[KEY, Doc::new("element", "string").optional().multiple()],
            ..HLL
        },
        run: pfadd,
    },
    Row {
        meta: Meta {
            name: "pfcount",
            arity: -2,
            flags: Flags::READONLY.with(Flags::MAY_REPLICATE),
            keys: &[KeySpec {
                last: -1,
                notes: "It may keep its result in the string, and log that.",
                ..one(1, &["RW", "access"])
            }],
            since: "2.8.9",
            summary: "Counts the different elements that were added to HyperLogLogs, about.",
            complexity: "O(1) for one key, O(N) with a large constant for N keys",
            docs: &[KEY.multiple()],
            ..HLL
        },
        run: pfcount,
    },
    Row {
        meta: Meta {
            name: "pfmerge",
            arity: -2,
            flags: Flags::WRITE.with(Flags::DENYOOM),
            keys: &[one(1, &["RW", "access", "insert"]), KeySpec { last: -1, ..one(2, &["RO", "access"]) }],
            since: "2.8.9",
            summary: "Adds to a HyperLogLog all that was added to others.",
            complexity: "O(N) with a large constant for N HyperLogLogs",
            docs: &[Doc::key("destkey", 0), Doc::key("sourcekey", 1).optional().multiple()],
            ..HLL
        },
        run: pfmerge,
    },
    Row {
        meta: Meta {
            name: "pfdebug",
            arity: 3,
            flags: Flags::WRITE.with(Flags::DENYOOM).with(Flags::ADMIN),
            keys: &[one(2, &["RW", "access"])],
            since: "2.8.9",
            summary: "Looks into a HyperLogLog.",
            complexity: "N/A",
            docs: &[Doc::new("subcommand", "string"), KEY],
            system: true,
            ..HLL
        },
        run: pfdebug,
    },
    Row {
        meta: Meta {
            name: "pfselftest",
            arity: 1,
            flags: Flags::ADMIN,
            locks: Locks::None,
            since: "2.8.9",
            summary: "Tests how HyperLogLogs count.",
            complexity: "N/A",
            system: true,
            ..HLL
        },
        run: pfselftest,
    },
];

/// The texts of what is no HyperLogLog are those of the structure.
fn invalid(invalid: Invalid) -> Error {
    Error::owned(invalid.to_string())
}

fn pfadd(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let (key, elements) = (args.at(1), args.tail(2));
    let sparse_bytes_max = txn.engine().settings.hll_sparse_bytes_max();
    let entry = txn.write(key);
    let updated = match entry.map(|entry| (entry.payload(), entry.tag())) {
        // Not in its entry: it is changed where it is, if it is changed.
        Some((Payload::Boxed(value), _)) => {
            let found = value::as_str(Payload::Boxed(value))?;
            let encoding = check(found)?;
            if let Str::Bytes(bytes) = found
                && elements.iter().all(|element| hll::dense_has(bytes, element))
                && encoding == Encoding::Dense
            {
                out.int(0);
                return Ok(());
            }
            // A string that turns out corrupt at a later element must not keep the first ones.
            let may_fail_late = encoding == Encoding::Sparse && 1 < elements.len();
            txn.edit_str(key, |bytes| {
                let before = may_fail_late.then(|| bytes.clone());
                let updated = add(bytes, elements, sparse_bytes_max);
                if let (Err(_), Some(before)) = (&updated, before) {
                    *bytes = before;
                }
                updated
            })?
        }
        Some((payload, tag)) => {
            let found = value::as_str(payload)?;
            check(found)?;
            let mut bytes = Vec::with_capacity(found.len() + ROOM_BYTES);
            bytes.extend_from_slice(found.bytes(&mut Text::new()));
            let updated = add(&mut bytes, elements, sparse_bytes_max)?;
            if 0 < updated || tag & TAG_RAW == 0 {
                txn.put_edited(key, bytes);
            }
            updated
        }
        None => {
            let mut bytes = hll::new();
            hll::mark_stale(&mut bytes);
            let updated = 1 + add(&mut bytes, elements, sparse_bytes_max)?;
            txn.put_edited(key, bytes);
            updated
        }
    };
    if 0 < updated {
        txn.changed_times(key, Event::PfAdd, updated);
    }
    out.int((0 < updated).into());
    Ok(())
}

/// An element takes three bytes more at most; mostly there are few of them in a request.
const ROOM_BYTES: usize = 16;

fn check(found: Str) -> Result<Encoding, Error> {
    hll::check(found.bytes(&mut Text::new())).map_err(invalid)
}

/// How many of the elements changed it.
fn add(bytes: &mut Vec<u8>, elements: Args, sparse_bytes_max: usize) -> Result<usize, Error> {
    let mut updated = 0;
    for element in elements {
        updated += usize::from(hll::add(bytes, element, sparse_bytes_max).map_err(invalid)?);
    }
    Ok(updated)
}

fn pfcount(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let count = match args.len() {
        2 => count_one(txn, args.at(1))?,
        _ => union(txn, args.tail(1))?.count(),
    };
    out.int(count as i64);
    Ok(())
}

/// The count of one key, which its string keeps.
fn count_one(txn: &mut Txn, key: &[u8]) -> Result<u64, Error> {
    let mut text = Text::new();
    let Some(entry) = txn.read(key) else { return Ok(0) };
    let is_raw = value::encoding(&entry.payload(), entry.tag()) == "raw";
    let bytes = value::as_str(entry.payload())?.bytes(&mut text);
    hll::check(bytes).map_err(invalid)?;
    let cached = hll::cached(bytes);
    let count = match cached {
        Some(count) => count,
        None => hll::count(bytes).map_err(invalid)?,
    };
    let may_write = txn.origin() == Origin::Primary || !txn.state().is_replica();
    if cached.is_none() && may_write {
        txn.edit_str(key, |bytes| hll::cache(bytes, count));
        txn.changed_quietly(key);
    } else if !is_raw {
        make_raw(txn, key);
    }
    Ok(count)
}

/// In Redis whoever looks at the string may change it, and so it is "raw" from then on.
fn make_raw(txn: &mut Txn, key: &[u8]) {
    txn.edit_str(key, |_| ());
}

/// All registers of all that there is at these keys.
fn union(txn: &Txn, keys: Args) -> Result<Union, Error> {
    let mut union = Union::new();
    for key in keys {
        if let Some(found) = txn.read_str(key)? {
            union.add(found.bytes(&mut Text::new())).map_err(invalid)?;
        }
    }
    Ok(union)
}

fn pfmerge(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let (to, db) = (args.at(1), txn.db);
    // As with sets: the log has the deletion of a source before the result.
    for key in args.tail(1) {
        txn.drop_if_due(db, key);
    }
    let union = union(txn, args.tail(1))?;
    let sparse_bytes_max = txn.engine().settings.hll_sparse_bytes_max();
    txn.write(to);
    txn.edit_str(to, |bytes| {
        if bytes.is_empty() {
            *bytes = hll::new();
        }
        union.store(bytes, sparse_bytes_max)
    })
    .map_err(invalid)?;
    txn.changed(to, Event::PfAdd);
    out.ok();
    Ok(())
}

fn pfdebug(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let (sub, key) = (args.at(1), args.at(2));
    let mut text = Text::new();
    let found = txn.write_str(key)?.ok_or(Error::text("ERR The specified key does not exist"))?;
    let bytes = found.bytes(&mut text);
    let encoding = hll::check(bytes).map_err(invalid)?;
    match sub {
        _ if is(sub, "getreg") => {
            let mut union = Union::new();
            union.add(bytes).map_err(invalid)?;
            out.array(union.values().len());
            union.values().iter().for_each(|&value| out.int(value.into()));
            densify(txn, key, encoding)?;
        }
        _ if is(sub, "decode") => {
            let runs =
                hll::decode(bytes).map_err(invalid)?.ok_or(Error::text("ERR HLL encoding is not sparse"))?;
            out.bulk(runs.as_bytes());
            make_raw(txn, key);
        }
        _ if is(sub, "encoding") => {
            out.simple(if encoding == Encoding::Dense { "dense" } else { "sparse" });
            make_raw(txn, key);
        }
        _ if is(sub, "todense") => {
            densify(txn, key, encoding)?;
            out.int((encoding == Encoding::Sparse).into());
        }
        _ => return Err(Error::owned(format!("ERR Unknown PFDEBUG subcommand '{}'", shown(sub)))),
    }
    Ok(())
}

/// Makes it dense. That is no event, and watchers don't mind, but a replica does the same.
fn densify(txn: &mut Txn, key: &[u8], encoding: Encoding) -> Result<(), Error> {
    if encoding == Encoding::Sparse {
        txn.edit_str(key, hll::to_dense).map_err(invalid)?;
        txn.changed_all(1);
    } else {
        make_raw(txn, key);
    }
    Ok(())
}

fn pfselftest(txn: &mut Txn, _args: Args, out: &mut Reply) -> Done {
    hll::selftest(txn.rng()).map_err(Error::owned)?;
    out.ok();
    Ok(())
}

#[cfg(test)]
mod tests;
