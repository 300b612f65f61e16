//! Reading strings: GET, GETEX, GETDEL, MGET, STRLEN, GETRANGE and its old name SUBSTR.
//!
//! What is logged: GETEX is a PEXPIREAT, a PERSIST or a deletion; GETDEL is a deletion.

use super::options::{self, Expiry, GETEX_EXPIRATION, Of};
use super::{KEY, STRING, first, reply_str};
use crate::commands::args::int;
use crate::commands::keys::expire::{self, Deletion};
use crate::error::Done;
use crate::row::{Deprecated, Doc, Flags, KeySpec, Meta, Row};
use crate::txn::Txn;
use crate::value::{self, Text};
use resp::{Args, Reply};

const RANGE: Meta = Meta {
    arity: 4,
    flags: Flags::READONLY,
    keys: &[first(&["RO", "access"])],
    complexity: "O(N) in the length of what is given",
    docs: &[KEY, Doc::new("start", "integer"), Doc::new("end", "integer")],
    ..STRING
};

pub const ROWS: &[Row] = &[
    Row {
        meta: Meta {
            name: "get",
            arity: 2,
            flags: Flags::READONLY.with(Flags::FAST),
            keys: &[first(&["RO", "access"])],
            summary: "Gives the string at a key.",
            docs: &[KEY],
            ..STRING
        },
        run: get,
    },
    Row {
        meta: Meta {
            name: "getex",
            arity: -2,
            flags: Flags::WRITE.with(Flags::FAST),
            keys: &[KeySpec {
                notes: "Written when its expiry changes",
                ..first(&["RW", "access", "update"])
            }],
            since: "6.2.0",
            summary: "Gives the string at a key, and changes when it expires.",
            docs: &[KEY, GETEX_EXPIRATION],
            ..STRING
        },
        run: getex,
    },
    Row {
        meta: Meta {
            name: "getdel",
            arity: 2,
            flags: Flags::WRITE.with(Flags::FAST),
            keys: &[first(&["RW", "access", "delete"])],
            since: "6.2.0",
            summary: "Gives the string at a key, and deletes the key.",
            docs: &[KEY],
            ..STRING
        },
        run: getdel,
    },
    Row {
        meta: Meta {
            name: "mget",
            arity: -2,
            flags: Flags::READONLY.with(Flags::FAST),
            keys: &[KeySpec { last: -1, ..first(&["RO", "access"]) }],
            summary: "Gives the strings at several keys.",
            complexity: "O(N) in the number of keys",
            tips: &["request_policy:multi_shard"],
            docs: &[KEY.multiple()],
            ..STRING
        },
        run: mget,
    },
    Row {
        meta: Meta {
            name: "strlen",
            arity: 2,
            flags: Flags::READONLY.with(Flags::FAST),
            keys: &[first(&["RO"])],
            since: "2.2.0",
            summary: "Gives the length of the string at a key, in bytes.",
            docs: &[KEY],
            ..STRING
        },
        run: strlen,
    },
    Row {
        meta: Meta {
            name: "getrange",
            since: "2.4.0",
            summary: "Gives a part of the string at a key.",
            ..RANGE
        },
        run: getrange,
    },
    Row {
        meta: Meta {
            name: "substr",
            summary: "The older name of GETRANGE.",
            deprecated: Some(Deprecated { since: "2.0.0", replaced_by: "`GETRANGE`" }),
            ..RANGE
        },
        run: getrange,
    },
];

fn get(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    reply_str(out, txn.read_str(args.at(1))?);
    Ok(())
}

fn getex(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let options = options::parse(args, 2, Of::GetEx)?;
    let key = args.at(1);
    let Some(text) = txn.read_str(key)? else {
        out.nil();
        return Ok(());
    };
    // A bad time is an error only if there is a key that it could be for.
    let deadline = match options.expiry {
        Expiry::In(unit, time) => Some((unit, unit.deadline(time, txn.now_ms, "getex")?)),
        _ => None,
    };
    reply_str(out, Some(text));
    match deadline {
        Some((unit, at)) if unit.is_absolute() && txn.is_over(at) => {
            expire::delete(txn, key, Deletion::Expired)
        }
        Some((_, at)) => {
            expire::set(txn, key, at);
            txn.effect(&[b"PEXPIREAT", key, itoa::Buffer::new().format(at).as_bytes()]);
        }
        None if matches!(options.expiry, Expiry::Persist) && expire::clear(txn, key) => {
            txn.effect(&[b"PERSIST", key]);
        }
        None => {}
    }
    Ok(())
}

fn getdel(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let key = args.at(1);
    let text = txn.read_str(key)?;
    let found = text.is_some();
    reply_str(out, text);
    if found {
        expire::delete(txn, key, Deletion::ByUser);
    }
    Ok(())
}

fn mget(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    out.array(args.len() - 1);
    for key in args.tail(1) {
        // A key of another type counts as missing here.
        reply_str(out, txn.read(key).and_then(|entry| value::as_str(entry.payload()).ok()));
    }
    Ok(())
}

fn strlen(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    out.int(txn.read_str(args.at(1))?.map_or(0, |text| text.len() as i64));
    Ok(())
}

fn getrange(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let (start, end) = (int(args.at(2))?, int(args.at(3))?);
    let mut text = Text::new();
    let bytes = match txn.read_str(args.at(1))? {
        Some(found) => found.bytes(&mut text),
        None => b"",
    };
    out.bulk(range(bytes, start, end));
    Ok(())
}

/// `bytes[start..=end]`, where negative numbers count from the end; cut to what is there.
fn range(bytes: &[u8], start: i64, end: i64) -> &[u8] {
    if start < 0 && end < 0 && end < start {
        return b"";
    }
    let len = bytes.len() as i64;
    let place = |n: i64| if n < 0 { len.saturating_add(n).max(0) } else { n };
    let (start, end) = (place(start), place(end).min(len - 1));
    if end < start { b"" } else { &bytes[start as usize..=end as usize] }
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn reading() {
        check(
            r#"
            GET k -> nil |
            RESP 3
            GET k -> nil |
            SET k "a b"
            GET k -> "a b" |
            STRLEN k -> 3 |
            STRLEN none -> 0 |
            SET n -123
            STRLEN n -> 4 |
            MGET k none n -> ["a b", nil, "-123"] |
            GET -> -ERR wrong number of arguments for 'get' command
            "#,
        );
    }

    #[test]
    fn ranges() {
        check(
            r#"
            SET k "This is a string"
            GETRANGE k 0 3 -> "This" |
            GETRANGE k -3 -1 -> "ing" |
            GETRANGE k 0 -1 -> "This is a string" |
            SUBSTR k 10 100 -> "string" |
            GETRANGE k -100 3 -> "This" |
            GETRANGE k -100 -101 -> ""
            GETRANGE k -100 -100 -> "T"
            GETRANGE k 3 2 -> ""
            GETRANGE k 16 20 -> ""
            GETRANGE k 9223372036854775807 -9223372036854775808 -> ""
            GETRANGE k -9223372036854775808 9223372036854775807 -> "This is a string"
            GETRANGE none 0 -1 -> ""
            SET k 12345
            GETRANGE k 1 2 -> "23"
            GETRANGE k x 2 -> -ERR value is not an integer or out of range
            SET k ""
            GETRANGE k 0 0 -> ""
            "#,
        );
    }

    #[test]
    fn getex_and_getdel() {
        check(
            r#"
            GETEX k EX 10 -> nil |
            GETEX k EX x -> nil |
            GETEX k EX 0 -> nil |
            SET k v
            GETEX k -> "v" |
            GETEX k EX 10 -> "v" | PEXPIREAT k 1010000
            GETEX k px 10 -> "v" | PEXPIREAT k 1000010
            GETEX k EXAT 2000 -> "v" | PEXPIREAT k 2000000
            GETEX k PXAT 3000000 -> "v" | PEXPIREAT k 3000000
            GETEX k PERSIST -> "v" | PERSIST k
            GETEX k PERSIST -> "v" |
            TTL k -> -1
            GETEX k KEEPTTL -> -ERR syntax error |
            GETEX k NX -> -ERR syntax error |
            GETEX k EX 1 PERSIST -> -ERR syntax error |
            GETEX k PERSIST EX 1 -> -ERR syntax error |
            GETEX k PX -> -ERR syntax error |
            GETEX k EX x -> -ERR value is not an integer or out of range |
            GETEX k EX 0 -> -ERR invalid expire time in 'getex' command |
            GETEX k PXAT 1 -> "v" | DEL k
            GET k -> nil
            GETDEL k -> nil |
            SET k v
            GETDEL k -> "v" | DEL k
            SET k v
            LAZY yes
            GETDEL k -> "v" | UNLINK k
            SET k v
            GETEX k EXAT 1 -> "v" | UNLINK k
            "#,
        );
    }
}
