//! Strings as arrays of bits: SETBIT, GETBIT, BITCOUNT, BITPOS, BITOP, and BITFIELD in [`field`]. The counting is in
//! `base::bits`.
//!
//! Bit 0 is the highest one of the first byte. What is written here is a string as its bytes, "raw" whatever they
//! spell.

pub(super) mod field;

use crate::commands::args::{int, is};
use crate::error::{Done, Error};
use crate::events::Event;
use crate::row::{Categories, Doc, Flags, KeySpec, Meta, Row};
use crate::txn::{Origin, Ttl, Txn};
use crate::value::{self, Str, TAG_RAW, Text, Value};
use base::bits::{self, Op, Unit};
use ds::entry::{INLINE_BYTES_MAX, NewPayload};
use resp::{Args, Reply};
use std::sync::Arc;

const BITMAP: Meta = Meta { group: "bitmap", categories: Categories::BITMAP, ..Meta::BASE };

const KEY: Doc = Doc::key("key", 0);
const OFFSET: Doc = Doc::new("offset", "integer");
const START: Doc = Doc::new("start", "integer");
const END: Doc = Doc::new("end", "integer");
const UNIT: Doc =
    Doc::one_of("unit", &[Doc::flag("byte", "BYTE"), Doc::flag("bit", "BIT")]).since("7.0.0").optional();
const UNIT_CAME: &[(&str, &str)] = &[("7.0.0", "`BYTE` and `BIT` came.")];

/// The key is the argument `at`.
const fn one(at: u16, flags: &'static [&'static str]) -> KeySpec {
    KeySpec { flags, first: at, last: 0, step: 1, notes: "" }
}

pub const ROWS: &[Row] = &[
    Row {
        meta: Meta {
            name: "setbit",
            arity: 4,
            flags: Flags::WRITE.with(Flags::DENYOOM),
            keys: &[one(1, &["RW", "access", "update"])],
            since: "2.2.0",
            summary: "Sets a bit of the string at a key; zero bytes fill a gap.",
            complexity: "O(1), and O(N) in the length of the gap",
            docs: &[KEY, OFFSET, Doc::new("value", "integer")],
            ..BITMAP
        },
        run: setbit,
    },
    Row {
        meta: Meta {
            name: "getbit",
            arity: 3,
            flags: Flags::READONLY.with(Flags::FAST),
            keys: &[one(1, &["RO", "access"])],
            since: "2.2.0",
            summary: "Gives a bit of the string at a key.",
            docs: &[KEY, OFFSET],
            ..BITMAP
        },
        run: getbit,
    },
    Row {
        meta: Meta {
            name: "bitcount",
            arity: -2,
            flags: Flags::READONLY,
            keys: &[one(1, &["RO", "access"])],
            since: "2.6.0",
            summary: "Counts the bits that are set in a string, or in a part of it.",
            complexity: "O(N) in the length of the part",
            history: UNIT_CAME,
            docs: &[KEY, Doc::block("range", &[START, END, UNIT]).optional()],
            ..BITMAP
        },
        run: bitcount,
    },
    Row {
        meta: Meta {
            name: "bitpos",
            arity: -3,
            flags: Flags::READONLY,
            keys: &[one(1, &["RO", "access"])],
            since: "2.8.7",
            summary: "Finds the first bit of a string that is set, or that is not.",
            complexity: "O(N) in the length of what is looked at",
            history: UNIT_CAME,
            docs: &[
                KEY,
                Doc::new("bit", "integer"),
                Doc::block("range", &[START, Doc::block("end-unit-block", &[END, UNIT]).optional()])
                    .optional(),
            ],
            ..BITMAP
        },
        run: bitpos,
    },
    Row {
        meta: Meta {
            name: "bitop",
            arity: -4,
            flags: Flags::WRITE.with(Flags::DENYOOM),
            keys: &[one(2, &["OW", "update"]), KeySpec { last: -1, ..one(3, &["RO", "access"]) }],
            since: "2.6.0",
            summary: "Stores what several strings make bit by bit.",
            complexity: "O(N) in the length of the strings",
            docs: &[
                Doc::one_of(
                    "operation",
                    &[
                        Doc::flag("and", "AND"),
                        Doc::flag("or", "OR"),
                        Doc::flag("xor", "XOR"),
                        Doc::flag("not", "NOT"),
                    ],
                ),
                Doc::key("destkey", 0),
                Doc::key("key", 1).multiple(),
            ],
            ..BITMAP
        },
        run: bitop,
    },
];

/// The place of a bit, within the longest string that there may be.
fn offset(txn: &Txn, arg: &[u8]) -> Result<u64, Error> {
    checked(txn, int(arg).ok())
}

fn checked(txn: &Txn, offset: Option<i64>) -> Result<u64, Error> {
    let max = txn.engine().settings.string_bytes_max() as u64;
    let fits = |offset: &u64| offset / 8 < max || txn.origin() == Origin::Primary;
    let offset = offset.and_then(|offset| u64::try_from(offset).ok()).filter(fits);
    offset.ok_or(Error::text("ERR bit offset is not an integer or out of range"))
}

fn setbit(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let key = args.at(1);
    let offset = offset(txn, args.at(2))?;
    let on = match int(args.at(3)) {
        Ok(0) => false,
        Ok(1) => true,
        _ => return Err(Error::text("ERR bit is not an integer or out of range")),
    };
    txn.write_str(key)?;
    let end = (offset / 8) as usize + 1;
    let (old, has_grown) = txn.edit_str(key, |bytes| {
        let has_grown = bytes.len() < end;
        if has_grown {
            bytes.resize(end, 0);
        }
        (bits::set_bit(bytes, offset, on), has_grown)
    });
    if has_grown || old != on {
        txn.changed(key, Event::SetBit);
    }
    out.int(old.into());
    Ok(())
}

fn getbit(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let offset = offset(txn, args.at(2))?;
    let mut text = Text::new();
    let bit = txn.read_str(args.at(1))?.is_some_and(|found| bits::bit(found.bytes(&mut text), offset));
    out.int(bit.into());
    Ok(())
}

fn unit(arg: Option<&[u8]>) -> Result<Unit, Error> {
    match arg {
        None => Ok(Unit::Byte),
        Some(word) if is(word, "byte") => Ok(Unit::Byte),
        Some(word) if is(word, "bit") => Ok(Unit::Bit),
        Some(_) => Err(Error::Syntax),
    }
}

fn bitcount(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let mut text = Text::new();
    // Without a string nobody looks at the range.
    let Some(found) = txn.read_str(args.at(1))? else {
        out.int(0);
        return Ok(());
    };
    let bytes = found.bytes(&mut text);
    let count = match args.len() {
        2 => bits::count(bytes),
        4 | 5 => {
            let (start, end) = (int(args.at(2))?, int(args.at(3))?);
            let is_crossed = start < 0 && end < 0 && end < start;
            if is_crossed { 0 } else { bits::count_range(bytes, start, end, unit(args.get(4))?) }
        }
        _ => return Err(Error::Syntax),
    };
    out.int(count as i64);
    Ok(())
}

fn bitpos(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let on = match int(args.at(2))? {
        0 => false,
        1 => true,
        _ => return Err(Error::text("ERR The bit argument must be 1 or 0.")),
    };
    let mut text = Text::new();
    // A missing string is one of zeros without an end.
    let Some(found) = txn.read_str(args.at(1))? else {
        out.int(if on { -1 } else { 0 });
        return Ok(());
    };
    if 6 < args.len() {
        return Err(Error::Syntax);
    }
    let start = args.get(3).map_or(Ok(0), int)?;
    let unit = unit(args.get(5))?;
    let end = args.get(4).map(int).transpose()?;
    let place = bits::position(found.bytes(&mut text), on, start, end, unit);
    out.int(place.map_or(-1, |place| place as i64));
    Ok(())
}

fn bitop(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let (word, to, keys) = (args.at(1), args.at(2), args.tail(3));
    let op = match word {
        word if is(word, "and") => Some(Op::And),
        word if is(word, "or") => Some(Op::Or),
        word if is(word, "xor") => Some(Op::Xor),
        word if is(word, "not") => None,
        _ => return Err(Error::Syntax),
    };
    if op.is_none() && keys.len() != 1 {
        return Err(Error::text("ERR BITOP NOT must be called with a single source key."));
    }
    // As with sets: the log has the deletion of a source before the result.
    let db = txn.db;
    for key in keys {
        txn.drop_if_due(db, key);
    }
    let result = combined(txn, op, to, keys)?;
    out.int(result.len() as i64);
    if !result.is_empty() {
        let payload = match result.len() {
            ..=INLINE_BYTES_MAX => NewPayload::Bytes(&result),
            _ => NewPayload::Boxed(Value::Bytes(Arc::new(result))),
        };
        txn.put_in(db, to, payload, Ttl::Clear, TAG_RAW);
        txn.changed(to, Event::Set);
    } else if let Some(entry) = txn.remove(to) {
        txn.discard(entry);
        txn.changed(to, Event::Del);
    }
    Ok(())
}

/// What the strings make bit by bit. The destination's memory serves again, if it is its own and about as much as is
/// needed: new memory of a megabyte costs more than the operation.
fn combined(txn: &mut Txn, op: Option<Op>, to: &[u8], keys: Args) -> Result<Vec<u8>, Error> {
    let mut len = 0;
    for key in keys {
        len = len.max(txn.read_str(key)?.map_or(0, Str::len));
    }
    let others = || keys.iter().filter(|key| *key != to);
    let times_own = keys.len() - others().count();
    if times_own == 0 {
        let room = txn.take_bytes(to, len..=len.saturating_mul(2)).unwrap_or_default();
        return combined_in(txn, op, room, keys);
    }
    let Some(mut own) = txn.take_bytes(to, 0..=usize::MAX) else {
        return combined_in(txn, op, Vec::new(), keys);
    };
    // It is a source too, and is changed in place.
    let Some(op) = op else {
        bits::invert_in_place(&mut own);
        return Ok(own);
    };
    if op == Op::Xor && times_own.is_multiple_of(2) {
        own.fill(0);
    }
    for key in others() {
        let mut text = Text::new();
        let source = looked_at(txn, key)?.map_or(&b""[..], |found| found.bytes(&mut text));
        bits::combine_into(op, &mut own, source);
    }
    Ok(own)
}

/// As [`combined`], written into this memory.
fn combined_in(txn: &Txn, op: Option<Op>, room: Vec<u8>, keys: Args) -> Result<Vec<u8>, Error> {
    let mut texts: Vec<Text> = keys.iter().map(|_| Text::new()).collect();
    let mut sources: Vec<&[u8]> = Vec::with_capacity(keys.len());
    for (key, text) in keys.iter().zip(&mut texts) {
        sources.push(looked_at(txn, key)?.map_or(&b""[..], |found| found.bytes(text)));
    }
    Ok(match op {
        Some(op) => bits::combine(op, &sources, room),
        None => bits::invert(sources[0], room),
    })
}

/// A string that was read before.
fn looked_at<'t>(txn: &'t Txn, key: &[u8]) -> Result<Option<Str<'t>>, Error> {
    txn.get(key).map(|entry| value::as_str(entry.payload())).transpose()
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn single_bits() {
        check(
            r#"
            SETBIT k 7 1 -> 0 | SETBIT k 7 1
            GET k -> "\x01"
            OBJECT ENCODING k -> "raw"
            SETBIT k 7 1 -> 1 |
            SETBIT k 7 0 -> 1 | SETBIT k 7 0
            SETBIT k 100 0 -> 0 | SETBIT k 100 0
            STRLEN k -> 13
            SETBIT k 100 0 -> 0 |
            GETBIT k 7 -> 0 |
            GETBIT k 4294967295 -> 0
            GETBIT none 0 -> 0
            SET n 5
            GETBIT n 2 -> 1
            SETBIT n 2 1 -> 1 |
            OBJECT ENCODING n -> "raw"
            EXPIRE n 100
            SETBIT n 0 1 -> 0
            TTL n -> 100
            SETBIT k -1 1 -> -ERR bit offset is not an integer or out of range |
            SETBIT k 4294967296 1 -> -ERR bit offset is not an integer or out of range |
            SETBIT k x 2 -> -ERR bit offset is not an integer or out of range
            SETBIT k 0 2 -> -ERR bit is not an integer or out of range
            SETBIT k 0 x -> -ERR bit is not an integer or out of range
            GETBIT k 4294967296 -> -ERR bit offset is not an integer or out of range
            STRINGS-MAX 2
            SETBIT m 16 1 -> -ERR bit offset is not an integer or out of range |
            PRIMARY SETBIT m 16 1 -> 0
            SADD s a
            SETBIT s 0 1 -> -WRONGTYPE Operation against a key holding the wrong kind of value |
            GETBIT s 0 -> -WRONGTYPE Operation against a key holding the wrong kind of value
            "#,
        );
    }

    #[test]
    fn ranges() {
        check(
            r#"
            SET k foobar
            BITCOUNT k -> 26 |
            BITCOUNT k 0 0 -> 4
            BITCOUNT k 1 1 byte -> 6
            BITCOUNT k 5 30 BIT -> 17
            BITCOUNT k -1 -2 nonsense -> 0
            BITCOUNT k 0 0 nonsense -> -ERR syntax error
            BITCOUNT k 0 -> -ERR syntax error
            BITCOUNT k 0 0 BIT x -> -ERR syntax error
            BITCOUNT k x 0 -> -ERR value is not an integer or out of range
            BITCOUNT none x -> 0
            SETBIT z 20 1
            BITPOS z 1 -> 20 |
            BITPOS z 0 -> 0
            BITPOS z 1 0 1 -> -1
            BITPOS z 1 2 -> 20
            BITPOS z 1 19 -1 BIT -> 20
            BITPOS z 1 21 -1 BIT -> -1
            BITPOS none 1 -> -1
            BITPOS none 0 x -> 0
            BITPOS none 2 -> -ERR The bit argument must be 1 or 0.
            BITPOS z x -> -ERR value is not an integer or out of range
            BITPOS z 1 0 -1 nonsense -> -ERR syntax error
            BITPOS z 1 0 -1 BIT x -> -ERR syntax error
            SET ones "\xff\xff"
            BITPOS ones 0 -> 16
            BITPOS ones 0 0 -1 -> -1
            SET empty ""
            BITPOS empty 0 -> -1
            "#,
        );
    }

    /// Long strings, which don't lie in their entries: into new memory, into the destination's, and in place.
    #[test]
    fn combining_long_ones() {
        check(
            r#"
            SETRANGE a 1999 "\x0f" -> 2000
            SETRANGE b 1500 "\xff" -> 1501
            SETBIT b 0 1 -> 0
            SETRANGE c 1999 "\x03" -> 2000
            SETBIT c 0 1 -> 0
            BITOP OR to a b -> 2000
            BITCOUNT to -> 13
            GETRANGE to 1999 -1 -> "\x0f"
            EXPIRE to 100 -> 1
            BITOP AND to a c -> 2000
            BITCOUNT to -> 2
            TTL to -> -1
            BITOP XOR to b c -> 2000
            BITCOUNT to -> 10
            BITOP NOT to b -> 1501
            BITCOUNT to -> 11999
            BITOP OR to a to b -> 2000 | BITOP OR to a to b
            BITCOUNT to -> 12012
            BITOP AND to to c -> 2000
            BITCOUNT to -> 3
            BITOP XOR to to a -> 2000
            BITCOUNT to -> 3
            BITOP XOR to a to to -> 2000
            BITCOUNT to -> 4
            BITOP XOR to to to -> 2000
            BITCOUNT to -> 0
            BITOP NOT to to -> 2000
            BITCOUNT to -> 16000
            BITOP AND to to none -> 2000
            BITCOUNT to -> 0
            SET short "\xff"
            BITOP OR to short -> 1 | BITOP OR to short
            GET to -> "\xff"
            BITOP OR short short a -> 2000
            BITCOUNT short -> 12
            BITOP OR a none -> 0 | BITOP OR a none
            EXISTS a -> 0
            PEXPIRE c 5
            TICK 6
            BITOP NOT c b -> 1501 | MULTI ; DEL c ; BITOP NOT c b ; EXEC
            SADD s a
            BITOP OR b b s -> -WRONGTYPE Operation against a key holding the wrong kind of value |
            BITCOUNT b -> 9
            "#,
        );
    }

    #[test]
    fn combining() {
        check(
            r#"
            SET a abc
            SET b 12
            BITOP AND to a b -> 3 | BITOP AND to a b
            GET to -> "!\"\x00" |
            BITOP or to a none -> 3
            GET to -> "abc"
            OBJECT ENCODING to -> "raw"
            BITOP XOR to a a -> 3
            GET to -> "\x00\x00\x00"
            EXPIRE to 100
            BITOP NOT to a -> 3
            GET to -> "\x9e\x9d\x9c"
            TTL to -> -1
            BITOP NOT to a b -> -ERR BITOP NOT must be called with a single source key. |
            BITOP NAND to a b -> -ERR syntax error |
            BITOP AND to none -> 0 | BITOP AND to none
            EXISTS to -> 0
            BITOP AND to none -> 0 |
            SADD s a
            BITOP AND to a s -> -WRONGTYPE Operation against a key holding the wrong kind of value |
            BITOP OR s a -> 3 | BITOP OR s a
            TYPE s -> string
            PEXPIRE b 5
            TICK 6
            BITOP OR to a b -> 3 | MULTI ; DEL b ; BITOP OR to a b ; EXEC
            "#,
        );
    }
}
