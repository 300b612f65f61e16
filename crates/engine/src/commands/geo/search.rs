//! Places near a place: GEOSEARCH, GEOSEARCHSTORE, and the GEORADIUS family before them. What they do is in [`query`].
//!
//! What stores its result is logged as it came: a replica finds the same.

mod query;
#[cfg(test)]
mod tests;

use super::{GEO, KEY, LATITUDE, LONGITUDE, UNIT, at};
use crate::commands::args::is;
use crate::error::Done;
use crate::row::{Deprecated, Doc, Flags, FoundSpec, Meta, Row, Search};
use crate::txn::Txn;
use query::{Centre, Form, Store, run};
use resp::{Args, Reply};

const FROM: Doc = Doc::one_of(
    "from",
    &[
        Doc::new("member", "string").behind("FROMMEMBER"),
        Doc::block("fromlonlat", &[LONGITUDE, LATITUDE]).behind("FROMLONLAT"),
    ],
);
const RADIUS: Doc = Doc::new("radius", "double");
const BY: Doc = Doc::one_of(
    "by",
    &[
        Doc::block("circle", &[RADIUS.behind("BYRADIUS"), UNIT]),
        Doc::block("box", &[Doc::new("width", "double").behind("BYBOX"), Doc::new("height", "double"), UNIT]),
    ],
);
const ORDER: Doc = Doc::one_of("order", &[Doc::flag("asc", "ASC"), Doc::flag("desc", "DESC")]).optional();
const COUNT: Doc = Doc::new("count", "integer").behind("COUNT");
const ANY: Doc = Doc::flag("any", "ANY").optional();
const LIMIT: Doc = Doc::block("count-block", &[COUNT, ANY]).optional();
/// Where the command is older than ANY.
const LATER_LIMIT: Doc = Doc::block("count-block", &[COUNT, ANY.since("6.2.0")]).optional();
const WITH_PLACE: Doc = Doc::flag("withcoord", "WITHCOORD").optional();
const WITH_DISTANCE: Doc = Doc::flag("withdist", "WITHDIST").optional();
const WITH_SCORE: Doc = Doc::flag("withhash", "WITHHASH").optional();
const STORE: Doc = Doc::one_of(
    "store",
    &[
        Doc::key("storekey", 1).shown_as("key").behind("STORE"),
        Doc::key("storedistkey", 2).shown_as("key").behind("STOREDIST"),
    ],
)
.optional();
const MEMBER: Doc = Doc::new("member", "string");

const COMPLEXITY: &str = "O(N+log(M)) with N places in the squares around what is looked for, of M";
const UPPER_CASE: (&str, &str) = ("7.0.0", "Units may be in upper case.");
const ANY_CAME: (&str, &str) = ("6.2.0", "`ANY` came.");

/// A destination, behind this word.
const fn stored(word: &'static str, from: i16) -> FoundSpec {
    FoundSpec {
        flags: &["OW", "update"],
        search: Search::Keyword { word, from, last: 0, step: 1, limit: 0 },
        notes: "",
    }
}

const fn deprecated(replaced_by: &'static str) -> Option<Deprecated> {
    Some(Deprecated { since: "6.2.0", replaced_by })
}

pub const ROWS: &[Row] = &[
    Row {
        meta: Meta {
            name: "geosearch",
            arity: -7,
            flags: Flags::READONLY,
            keys: &[at(1, &["RO", "access"])],
            since: "6.2.0",
            summary: "Gives the places of a map within a circle or a box.",
            complexity: COMPLEXITY,
            history: &[UPPER_CASE],
            docs: &[KEY, FROM, BY, ORDER, LIMIT, WITH_PLACE, WITH_DISTANCE, WITH_SCORE],
            ..GEO
        },
        run: geosearch,
    },
    Row {
        meta: Meta {
            name: "geosearchstore",
            arity: -8,
            flags: Flags::WRITE.with(Flags::DENYOOM),
            keys: &[at(1, &["OW", "update"]), at(2, &["RO", "access"])],
            since: "6.2.0",
            summary: "Stores the places of a map within a circle or a box.",
            complexity: COMPLEXITY,
            history: &[UPPER_CASE],
            docs: &[
                Doc::key("destination", 0),
                Doc::key("source", 1),
                FROM,
                BY,
                ORDER,
                LIMIT,
                Doc::flag("storedist", "STOREDIST").optional(),
            ],
            ..GEO
        },
        run: geosearchstore,
    },
    Row {
        meta: Meta {
            name: "georadius",
            arity: -6,
            flags: Flags::WRITE.with(Flags::DENYOOM).with(Flags::MOVABLE_KEYS),
            keys: &[at(1, &["RO", "access"])],
            find_keys: Some(stores_from_6),
            found_keys: &[stored("STORE", 6), stored("STOREDIST", 6)],
            since: "3.2.0",
            summary: "Gives or stores the places of a map near a point.",
            complexity: COMPLEXITY,
            history: &[ANY_CAME, UPPER_CASE],
            docs: &[
                KEY,
                LONGITUDE,
                LATITUDE,
                RADIUS,
                UNIT,
                WITH_PLACE,
                WITH_DISTANCE,
                WITH_SCORE,
                LATER_LIMIT,
                ORDER,
                STORE,
            ],
            deprecated: deprecated("`GEOSEARCH` and `GEOSEARCHSTORE` with `BYRADIUS`"),
            ..GEO
        },
        run: georadius,
    },
    Row {
        meta: Meta {
            name: "georadius_ro",
            arity: -6,
            flags: Flags::READONLY,
            keys: &[at(1, &["RO", "access"])],
            since: "3.2.10",
            summary: "Gives the places of a map near a point.",
            complexity: COMPLEXITY,
            history: &[ANY_CAME],
            docs: &[
                KEY,
                LONGITUDE,
                LATITUDE,
                RADIUS,
                UNIT,
                WITH_PLACE,
                WITH_DISTANCE,
                WITH_SCORE,
                LATER_LIMIT,
                ORDER,
            ],
            deprecated: deprecated("`GEOSEARCH` with `BYRADIUS`"),
            ..GEO
        },
        run: georadius_ro,
    },
    Row {
        meta: Meta {
            name: "georadiusbymember",
            arity: -5,
            flags: Flags::WRITE.with(Flags::DENYOOM).with(Flags::MOVABLE_KEYS),
            keys: &[at(1, &["RO", "access"])],
            find_keys: Some(stores_from_5),
            found_keys: &[stored("STORE", 5), stored("STOREDIST", 5)],
            since: "3.2.0",
            summary: "Gives or stores the places of a map near one of them.",
            complexity: COMPLEXITY,
            history: &[UPPER_CASE],
            docs: &[KEY, MEMBER, RADIUS, UNIT, WITH_PLACE, WITH_DISTANCE, WITH_SCORE, LIMIT, ORDER, STORE],
            deprecated: deprecated("`GEOSEARCH` and `GEOSEARCHSTORE` with `BYRADIUS` and `FROMMEMBER`"),
            ..GEO
        },
        run: georadiusbymember,
    },
    Row {
        meta: Meta {
            name: "georadiusbymember_ro",
            arity: -5,
            flags: Flags::READONLY,
            keys: &[at(1, &["RO", "access"])],
            since: "3.2.10",
            summary: "Gives the places of a map near one of them.",
            complexity: COMPLEXITY,
            docs: &[KEY, MEMBER, RADIUS, UNIT, WITH_PLACE, WITH_DISTANCE, WITH_SCORE, LIMIT, ORDER],
            deprecated: deprecated("`GEOSEARCH` with `BYRADIUS` and `FROMMEMBER`"),
            ..GEO
        },
        run: georadiusbymember_ro,
    },
];

fn stores_from_5(args: Args, found: &mut dyn FnMut(usize)) {
    stores(args, 5, found);
}

fn stores_from_6(args: Args, found: &mut dyn FnMut(usize)) {
    stores(args, 6, found);
}

/// Every key that may be the destination; the last one is.
fn stores(args: Args, from: usize, found: &mut dyn FnMut(usize)) {
    let mut i = from;
    while i + 1 < args.len() {
        let is_store = is(args.at(i), "store") || is(args.at(i), "storedist");
        if is_store {
            found(i + 1);
            i += 1;
        }
        i += 1;
    }
}

fn geosearch(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    run(txn, args, out, Form { source: 1, centre: Centre::Said, store: Store::Never })
}

fn geosearchstore(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    run(txn, args, out, Form { source: 2, centre: Centre::Said, store: Store::Always })
}

fn georadius(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    run(txn, args, out, Form { source: 1, centre: Centre::Point, store: Store::Said })
}

fn georadius_ro(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    run(txn, args, out, Form { source: 1, centre: Centre::Point, store: Store::Never })
}

fn georadiusbymember(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    run(txn, args, out, Form { source: 1, centre: Centre::Member, store: Store::Said })
}

fn georadiusbymember_ro(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    run(txn, args, out, Form { source: 1, centre: Centre::Member, store: Store::Never })
}
