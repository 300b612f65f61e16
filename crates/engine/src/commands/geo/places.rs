//! Places on the map, as sorted sets whose scores name squares: GEOADD, GEOPOS, GEODIST, GEOHASH.
//!
//! GEOADD is logged as the ZADD that it comes to.

use super::{GEO, KEY, LATITUDE, LONGITUDE, UNIT, at, place, reply_distance, reply_place, unit};
use crate::commands::args::is;
use crate::commands::zsets::add::{Options, add};
use crate::commands::zsets::read;
use crate::error::{Done, Error};
use crate::row::{Doc, Flags, Meta, Row};
use crate::txn::Txn;
use base::geo::{Place, Unit};
use resp::{Args, Reply};

const MEMBER: Doc = Doc::new("member", "string");

pub const ROWS: &[Row] = &[
    Row {
        meta: Meta {
            name: "geoadd",
            arity: -5,
            flags: Flags::WRITE.with(Flags::DENYOOM),
            keys: &[at(1, &["RW", "update"])],
            since: "3.2.0",
            summary: "Adds places to a map, or moves them.",
            complexity: "O(log(N)) for each place",
            history: &[("6.2.0", "`CH`, `NX` and `XX` came.")],
            docs: &[
                KEY,
                Doc::one_of("condition", &[Doc::flag("nx", "NX"), Doc::flag("xx", "XX")])
                    .since("6.2.0")
                    .optional(),
                Doc::flag("change", "CH").since("6.2.0").optional(),
                Doc::block("data", &[LONGITUDE, LATITUDE, MEMBER]).multiple(),
            ],
            ..GEO
        },
        run: geoadd,
    },
    Row {
        meta: Meta {
            name: "geopos",
            arity: -2,
            flags: Flags::READONLY,
            keys: &[at(1, &["RO", "access"])],
            since: "3.2.0",
            summary: "Gives the coordinates of places of a map.",
            complexity: "O(N) in the number of members asked for",
            docs: &[KEY, MEMBER.multiple()],
            ..GEO
        },
        run: geopos,
    },
    Row {
        meta: Meta {
            name: "geodist",
            arity: -4,
            flags: Flags::READONLY,
            keys: &[at(1, &["RO", "access"])],
            since: "3.2.0",
            summary: "Gives the distance between two places of a map.",
            docs: &[KEY, Doc::new("member1", "string"), Doc::new("member2", "string"), UNIT.optional()],
            ..GEO
        },
        run: geodist,
    },
    Row {
        meta: Meta {
            name: "geohash",
            arity: -2,
            flags: Flags::READONLY,
            keys: &[at(1, &["RO", "access"])],
            since: "3.2.0",
            summary: "Gives the geohashes of places of a map.",
            complexity: "O(N) in the number of members asked for",
            docs: &[KEY, MEMBER.multiple()],
            ..GEO
        },
        run: geohash,
    },
];

fn geoadd(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let mut options = Options::default();
    let mut from = 2;
    while let Some(word) = args.get(from) {
        let flag = match word {
            _ if is(word, "nx") => &mut options.nx,
            _ if is(word, "xx") => &mut options.xx,
            _ if is(word, "ch") => &mut options.ch,
            _ => break,
        };
        *flag = true;
        from += 1;
    }
    let words = args.len() - from;
    if words == 0 || !words.is_multiple_of(3) || (options.nx && options.xx) {
        return Err(Error::Syntax);
    }
    let mut elements = Vec::with_capacity(words / 3);
    let mut scores = Vec::with_capacity(words / 3);
    for i in (from..args.len()).step_by(3) {
        let place = place(args.at(i), args.at(i + 1))?;
        elements.push((place.score(), args.at(i + 2)));
        scores.push(place.score_bits().to_string());
    }
    let outcome = add(txn, args.at(1), options, &elements)?;
    out.int((outcome.added + if options.ch { outcome.updated } else { 0 }) as i64);
    if outcome.added + outcome.updated != 0 {
        let mut argv: Vec<&[u8]> = vec![b"zadd"];
        argv.extend(args.iter().take(from).skip(1));
        for (score, (_, member)) in scores.iter().zip(&elements) {
            argv.extend([score.as_bytes(), member]);
        }
        txn.effect(&argv);
    }
    Ok(())
}

fn geopos(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let set = read(txn, args.at(1))?;
    out.array(args.len() - 2);
    for member in args.tail(2) {
        let Some(score) = set.and_then(|set| set.score(member)) else {
            out.nil_array();
            continue;
        };
        let place = Place::from_score(score);
        reply_place(out, place);
    }
    Ok(())
}

fn geodist(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let unit = match args.get(4) {
        _ if 5 < args.len() => return Err(Error::Syntax),
        Some(word) => unit(word)?,
        None => Unit::M,
    };
    let place = |set: &crate::value::SortedSet, member| set.score(member).map(Place::from_score);
    let places =
        read(txn, args.at(1))?.and_then(|set| Some((place(set, args.at(2))?, place(set, args.at(3))?)));
    let Some((one, two)) = places else {
        out.nil();
        return Ok(());
    };
    reply_distance(out, one.distance_m(two) / unit.meters());
    Ok(())
}

fn geohash(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let set = read(txn, args.at(1))?;
    out.array(args.len() - 2);
    for member in args.tail(2) {
        match set.and_then(|set| set.score(member)) {
            Some(score) => out.bulk(&Place::from_score(score).text()),
            None => out.nil(),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn places() {
        check(
            r#"
            GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania -> 2 | zadd g 3479099956230698 Palermo 3479447370796909 Catania
            GEOADD g CH XX 13.361389 38.115556 Palermo -> 0 |
            GEOADD g ch 13.5 38.115556 Palermo -> 1 | zadd g ch 3479100629809192 Palermo
            GEOADD g CH 13.361389 38.115556 Palermo -> 1
            GEODIST g Palermo Catania -> "166274.1516" |
            GEODIST g Palermo Catania KM -> "166.2742"
            GEODIST g Palermo none -> nil
            GEODIST none a b mi -> nil
            GEODIST g Palermo Catania yd -> -ERR unsupported unit provided. please use M, KM, FT, MI
            GEODIST g Palermo Catania m m -> -ERR syntax error
            GEOHASH g Palermo Catania none -> ["sqc8b49rny0", "sqdtr74hyu0", nil]
            GEOPOS g Palermo none -> [["13.36138933897018433", "38.11555639549629859"], nil]
            GEOADD g 200 0 x -> -ERR invalid longitude,latitude pair 200.000000,0.000000 |
            GEOADD g x 0 x -> -ERR value is not a valid float |
            GEOADD g NX XX 1 1 x -> -ERR syntax error |
            GEOADD g NX 1 1 -> -ERR syntax error |
            SET s v
            GEOADD s 1 1 x -> -WRONGTYPE Operation against a key holding the wrong kind of value |
            "#,
        );
    }
}
