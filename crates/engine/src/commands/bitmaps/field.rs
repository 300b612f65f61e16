//! Strings as arrays of integers of any width: BITFIELD, BITFIELD_RO. The arithmetic is in `base::bits`.
//!
//! All of a request is read before any of it is done. A write lengthens the string to its farthest integer first, even
//! if it then fails by its OVERFLOW. That growth alone is logged too: a key that came to be on the primary has to be on
//! its replicas. (Redis leaves it out, and they differ.)

use super::{BITMAP, KEY, OFFSET, checked};
use crate::commands::args::{int, is};
use crate::error::{Done, Error};
use crate::events::Event;
use crate::row::{Doc, Flags, KeySpec, Meta, Row};
use crate::txn::Txn;
use crate::value::Text;
use base::bits::{Integer, Overflow, Written};
use resp::{Args, Reply};

const ENCODING: Doc = Doc::new("encoding", "string");
const GET: Doc = Doc::block("get-block", &[ENCODING, OFFSET]).behind("GET");

pub const ROWS: &[Row] = &[
    Row {
        meta: Meta {
            name: "bitfield",
            arity: -2,
            flags: Flags::WRITE.with(Flags::DENYOOM),
            keys: &[KeySpec {
                notes: "It may read, write, or do both.",
                ..super::one(1, &["RW", "access", "update", "variable_flags"])
            }],
            since: "3.2.0",
            summary: "Reads and writes integers of any width in the string at a key.",
            complexity: "O(1) for each operation",
            docs: &[KEY, Doc::one_of("operation", &[GET, WRITE]).optional().multiple()],
            ..BITMAP
        },
        run: bitfield,
    },
    Row {
        meta: Meta {
            name: "bitfield_ro",
            arity: -2,
            flags: Flags::READONLY.with(Flags::FAST),
            keys: &[super::one(1, &["RO", "access"])],
            since: "6.0.0",
            summary: "Reads integers of any width in the string at a key.",
            complexity: "O(1) for each operation",
            docs: &[KEY, GET.optional().multiple_with_token()],
            ..BITMAP
        },
        run: bitfield_ro,
    },
];

const WRITE: Doc = Doc::block(
    "write",
    &[
        Doc::one_of(
            "overflow-block",
            &[Doc::flag("wrap", "WRAP"), Doc::flag("sat", "SAT"), Doc::flag("fail", "FAIL")],
        )
        .behind("OVERFLOW")
        .optional(),
        Doc::one_of(
            "write-operation",
            &[
                Doc::block("set-block", &[ENCODING, OFFSET, Doc::new("value", "integer")]).behind("SET"),
                Doc::block("incrby-block", &[ENCODING, OFFSET, Doc::new("increment", "integer")])
                    .behind("INCRBY"),
            ],
        ),
    ],
);

#[derive(Clone, Copy)]
enum Action {
    Get,
    Set(i64, Overflow),
    Increment(i64, Overflow),
}

/// An operation on the integer at an offset.
struct Op {
    integer: Integer,
    offset: u64,
    action: Action,
}

impl Op {
    fn is_write(&self) -> bool {
        !matches!(self.action, Action::Get)
    }

    /// Reads or writes, and replies; what was written.
    fn run(&self, bytes: &mut [u8], out: &mut Reply) -> Option<Written> {
        let written = match self.action {
            Action::Get => {
                self.read(bytes, out);
                return None;
            }
            Action::Set(value, overflow) => self.integer.set(bytes, self.offset, value, overflow),
            Action::Increment(by, overflow) => self.integer.increment(bytes, self.offset, by, overflow),
        };
        match (written, self.action) {
            (None, _) => out.nil(),
            (Some(written), Action::Set(..)) => out.int(written.old),
            (Some(written), _) => out.int(written.new),
        }
        written
    }

    fn read(&self, bytes: &[u8], out: &mut Reply) {
        out.int(self.integer.get(bytes, self.offset));
    }
}

/// The operations that a request asks for.
fn parse(txn: &Txn, args: Args) -> Result<Vec<Op>, Error> {
    let mut ops = Vec::with_capacity((args.len() - 2).div_ceil(3));
    let mut overflow = Overflow::Wrap;
    let mut i = 2;
    while let Some(word) = args.get(i) {
        let left = args.len() - i - 1;
        if 1 <= left && is(word, "overflow") {
            overflow = overflow_of(args.at(i + 1))?;
            i += 2;
            continue;
        }
        let write: Option<fn(i64, Overflow) -> Action> = match word {
            _ if 2 <= left && is(word, "get") => None,
            _ if 3 <= left && is(word, "set") => Some(Action::Set),
            _ if 3 <= left && is(word, "incrby") => Some(Action::Increment),
            _ => return Err(Error::Syntax),
        };
        let integer = Integer::parse(args.at(i + 1)).ok_or(Error::text(
            "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.",
        ))?;
        let offset = offset(txn, args.at(i + 2), integer)?;
        let action = match write {
            None => Action::Get,
            Some(action) => action(int(args.at(i + 3))?, overflow),
        };
        ops.push(Op { integer, offset, action });
        i += if write.is_none() { 3 } else { 4 };
    }
    Ok(ops)
}

fn overflow_of(word: &[u8]) -> Result<Overflow, Error> {
    let all = [("wrap", Overflow::Wrap), ("sat", Overflow::Saturate), ("fail", Overflow::Fail)];
    let found = all.into_iter().find(|(name, _)| is(word, name));
    found.map(|(_, overflow)| overflow).ok_or(Error::text("ERR Invalid OVERFLOW type specified"))
}

/// The place of a bit, or behind `#` of an integer among its like. A product too large wraps, as in Redis.
fn offset(txn: &Txn, arg: &[u8], integer: Integer) -> Result<u64, Error> {
    let offset = match arg.strip_prefix(b"#") {
        Some(index) => int(index).map(|index| index.wrapping_mul(integer.bits().into())),
        None => int(arg),
    };
    checked(txn, offset.ok())
}

fn bitfield(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let ops = parse(txn, args)?;
    let written = ops.iter().filter(|op| op.is_write()).map(|op| op.integer.bytes_end(op.offset)).max();
    let Some(end) = written else { return read(txn, args.at(1), &ops, out) };
    let (key, end) = (args.at(1), end as usize);
    txn.write_str(key)?;
    out.array(ops.len());
    let (changes, has_grown) = txn.edit_str(key, |bytes| {
        let has_grown = bytes.len() < end;
        if has_grown {
            bytes.resize(end, 0);
        }
        let written = ops.iter().filter_map(|op| op.run(bytes, out));
        (written.filter(|written| has_grown || written.old != written.new).count(), has_grown)
    });
    if 0 < changes || has_grown {
        txn.changed_times(key, Event::SetBit, changes);
    }
    Ok(())
}

fn bitfield_ro(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let ops = parse(txn, args)?;
    if ops.iter().any(Op::is_write) {
        return Err(Error::text("ERR BITFIELD_RO only supports the GET subcommand"));
    }
    read(txn, args.at(1), &ops, out)
}

fn read(txn: &mut Txn, key: &[u8], ops: &[Op], out: &mut Reply) -> Done {
    let mut text = Text::new();
    let bytes = txn.read_str(key)?.map_or(&b""[..], |found| found.bytes(&mut text));
    out.array(ops.len());
    ops.iter().for_each(|op| op.read(bytes, out));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn operations() {
        check(
            r#"
            BITFIELD k -> [] |
            BITFIELD k GET u8 0 -> [0] |
            EXISTS k -> 0
            BITFIELD k SET u8 0 5 -> [0] | BITFIELD k SET u8 0 5
            BITFIELD k SET u8 0 5 -> [5] |
            BITFIELD k set i5 100 1 get u4 0 INCRBY u2 100 1 -> [0, 0, 1] | BITFIELD k set i5 100 1 get u4 0 INCRBY u2 100 1
            STRLEN k -> 14
            OBJECT ENCODING k -> "raw"
            BITFIELD k GET u8 #0 GET u8 #1 GET i64 #9 -> [5, 0, 0] |
            BITFIELD k SET u8 #1 255 GET i8 #1 GET i8 8 -> [0, -1, -1]
            BITFIELD k INCRBY u8 8 1 OVERFLOW SAT INCRBY u8 8 -1 INCRBY u8 8 256 OVERFLOW FAIL INCRBY u8 8 1 -> [0, 0, 255, nil]
            BITFIELD k OVERFLOW FAIL INCRBY u8 8 1 -> [nil] |
            BITFIELD k OVERFLOW SAT OVERFLOW WRAP -> [] |
            SET n 5
            BITFIELD n GET u8 0 -> [53]
            BITFIELD n SET u8 0 54 -> [53] | BITFIELD n SET u8 0 54
            GET n -> "6"
            OBJECT ENCODING n -> "raw"
            EXPIRE n 100
            BITFIELD n SET u8 8 54 -> [0]
            TTL n -> 100
            PEXPIRE n 5
            TICK 6
            BITFIELD n GET u8 0 -> [0] | DEL n
            "#,
        );
    }

    /// A string that only grew is there on a replica too.
    #[test]
    fn growth_is_logged_even_if_nothing_was_written() {
        check(
            r#"
            BITFIELD k OVERFLOW FAIL INCRBY u2 10 255 -> [nil] | BITFIELD k OVERFLOW FAIL INCRBY u2 10 255
            STRLEN k -> 2
            BITFIELD k OVERFLOW FAIL INCRBY u2 10 255 -> [nil] |
            BITFIELD k SET u8 20 0 -> [0] | BITFIELD k SET u8 20 0
            "#,
        );
    }

    #[test]
    fn errors() {
        let type_error = "-ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.";
        check(&format!(
            r#"
            BITFIELD k GET u64 0 -> {type_error} |
            BITFIELD k GET U8 0 -> {type_error} |
            BITFIELD k GET u8 -1 -> -ERR bit offset is not an integer or out of range |
            BITFIELD k GET u8 4294967296 -> -ERR bit offset is not an integer or out of range
            BITFIELD k GET u8 4294967295 -> [0]
            BITFIELD k GET u8 #536870911 -> [0]
            BITFIELD k GET u8 #536870912 -> -ERR bit offset is not an integer or out of range
            BITFIELD k GET u8 #2305843009213693952 -> [0]
            BITFIELD k GET u8 #x -> -ERR bit offset is not an integer or out of range
            BITFIELD k SET u8 0 1 SET u8 0 x -> -ERR value is not an integer or out of range |
            BITFIELD k SET u8 0 -> -ERR syntax error |
            BITFIELD k OVERFLOW -> -ERR syntax error
            BITFIELD k OVERFLOW x -> -ERR Invalid OVERFLOW type specified
            BITFIELD k NOSUCH u8 1 -> -ERR syntax error
            EXISTS k -> 0
            SADD s a
            BITFIELD s -> -WRONGTYPE Operation against a key holding the wrong kind of value |
            BITFIELD s SET u8 0 1 -> -WRONGTYPE Operation against a key holding the wrong kind of value |
            BITFIELD s OVERFLOW x -> -ERR Invalid OVERFLOW type specified |
            BITFIELD_RO k GET u8 0 OVERFLOW FAIL GET i8 #1 -> [0, 0] |
            BITFIELD_RO k SET u8 0 1 -> -ERR BITFIELD_RO only supports the GET subcommand |
            BITFIELD_RO s GET u8 0 -> -WRONGTYPE Operation against a key holding the wrong kind of value |
            STRINGS-MAX 2
            BITFIELD k SET u8 16 1 -> -ERR bit offset is not an integer or out of range |
            PRIMARY BITFIELD k SET u8 16 1 -> [0]
            "#
        ));
    }
}
