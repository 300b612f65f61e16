//! Editing a string where it is: APPEND, SETRANGE.

use super::{KEY, STRING, VALUE, check_length, first};
use crate::commands::args::int;
use crate::error::{Done, Error};
use crate::events::Event;
use crate::row::{Doc, Flags, Meta, Row};
use crate::txn::{Ttl, Txn};
use resp::{Args, Reply};

pub const ROWS: &[Row] = &[
    Row {
        meta: Meta {
            name: "append",
            arity: 3,
            flags: Flags::WRITE.with(Flags::DENYOOM).with(Flags::FAST),
            keys: &[first(&["RW", "insert"])],
            since: "2.0.0",
            summary: "Adds bytes at the end of the string at a key.",
            complexity: "O(1) on average: the room of a string is doubled when it is full",
            docs: &[KEY, VALUE],
            ..STRING
        },
        run: append,
    },
    Row {
        meta: Meta {
            name: "setrange",
            arity: 4,
            flags: Flags::WRITE.with(Flags::DENYOOM),
            keys: &[first(&["RW", "update"])],
            since: "2.2.0",
            summary: "Writes over a part of the string at a key; zero bytes fill a gap.",
            complexity: "O(N) in the length of the value, and of the gap",
            docs: &[KEY, Doc::new("offset", "integer"), VALUE],
            ..STRING
        },
        run: setrange,
    },
];

fn append(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let (key, value) = (args.at(1), args.at(2));
    let len = match txn.write_str(key)?.map(|text| text.len()) {
        // A new string is encoded as SET does it; only an edited one is raw.
        None => {
            txn.put_str(key, value, Ttl::Clear);
            value.len()
        }
        Some(len) => {
            check_length(txn, len, value.len())?;
            txn.edit_str(key, |bytes| bytes.extend_from_slice(value));
            len + value.len()
        }
    };
    txn.changed(key, Event::Append);
    out.int(len as i64);
    Ok(())
}

fn setrange(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let (key, value) = (args.at(1), args.at(3));
    let offset = usize::try_from(int(args.at(2))?).map_err(|_| Error::OffsetOutOfRange)?;
    let len = txn.write_str(key)?.map_or(0, |text| text.len());
    if value.is_empty() {
        out.int(len as i64);
        return Ok(());
    }
    check_length(txn, offset, value.len())?;
    let end = offset + value.len();
    txn.edit_str(key, |bytes| {
        if bytes.len() < end {
            bytes.resize(end, 0);
        }
        bytes[offset..end].copy_from_slice(value);
    });
    txn.changed(key, Event::SetRange);
    out.int(len.max(end) as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn append() {
        check(&format!(
            r#"
            APPEND k 12 -> 2 | APPEND k 12
            OBJECT ENCODING k -> "int"
            APPEND k 3 -> 3 | APPEND k 3
            OBJECT ENCODING k -> "raw"
            GET k -> "123"
            INCR k -> 124
            OBJECT ENCODING k -> "int"
            APPEND k "" -> 3 | APPEND k ""
            OBJECT ENCODING k -> "raw"
            EXPIRE k 100
            APPEND k {} -> 1503
            TTL k -> 100
            APPEND k {} -> 3003
            GETRANGE k 1 4 -> "24xx"
            APPEND empty "" -> 0 | APPEND empty ""
            EXISTS empty -> 1
            PEXPIRE k 5
            TICK 6
            APPEND k a -> 1 | MULTI ; DEL k ; APPEND k a ; EXEC
            TTL k -> -1
            "#,
            "x".repeat(1500),
            "y".repeat(1500),
        ));
    }

    #[test]
    fn setrange() {
        check(
            r#"
            SETRANGE k 0 "" -> 0 |
            EXISTS k -> 0
            SETRANGE k 2 ab -> 4 | SETRANGE k 2 ab
            GET k -> "\x00\x00ab"
            OBJECT ENCODING k -> "raw"
            SETRANGE k 100 "" -> 4 |
            SETRANGE k 0 xy -> 4
            GET k -> "xyab"
            SETRANGE k 3 12 -> 5
            GET k -> "xya12"
            SET k 100
            SETRANGE k 1 5 -> 3
            GET k -> "150"
            OBJECT ENCODING k -> "raw"
            EXPIRE k 100
            SETRANGE k 2000 z -> 2001
            TTL k -> 100
            STRLEN k -> 2001
            SETRANGE k -1 z -> -ERR offset is out of range |
            SETRANGE k x z -> -ERR value is not an integer or out of range |
            SETRANGE k 9223372036854775807 z -> -ERR string exceeds maximum allowed size (proto-max-bulk-len) |
            "#,
        );
    }

    #[test]
    fn strings_end_at_the_limit() {
        check(
            r#"
            STRINGS-MAX 10
            SETRANGE k 9 x -> 10
            SETRANGE k 10 x -> -ERR string exceeds maximum allowed size (proto-max-bulk-len) |
            SETRANGE none 10 x -> -ERR string exceeds maximum allowed size (proto-max-bulk-len) |
            APPEND k x -> -ERR string exceeds maximum allowed size (proto-max-bulk-len) |
            SET k 12345678
            APPEND k 90 -> 10
            APPEND k "" -> 10
            # What a primary sends is not refused.
            PRIMARY APPEND k x -> 11
            PRIMARY SETRANGE k 20 x -> 21
            "#,
        );
    }
}
