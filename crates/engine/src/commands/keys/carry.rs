//! Carrying values from key to key: RENAME, RENAMENX, COPY, MOVE.
//!
//! The expiry goes along, and so does what OBJECT ENCODING says. Logged as they came.

use super::{GENERIC, KEY, one};
use crate::commands::args::{db, is};
use crate::error::{Done, Error};
use crate::events::Event;
use crate::row::{Doc, Flags, Meta, Row};
use crate::txn::{Ttl, Txn, copy_payload};
use crate::value::Value;
use ds::entry::Entry;
use resp::{Args, Reply};

pub const ROWS: &[Row] = &[
    Row {
        meta: Meta {
            name: "rename",
            arity: 3,
            flags: Flags::WRITE,
            keys: &[one(1, &["RW", "access", "delete"]), one(2, &["OW", "update"])],
            summary: "Gives a key another name; a key of that name is overwritten.",
            docs: &[KEY, Doc::key("newkey", 1)],
            ..GENERIC
        },
        run: rename,
    },
    Row {
        meta: Meta {
            name: "renamenx",
            arity: 3,
            flags: Flags::WRITE.with(Flags::FAST),
            keys: &[one(1, &["RW", "access", "delete"]), one(2, &["OW", "insert"])],
            summary: "Gives a key another name, if no key has it.",
            history: &[("3.2.0", "Equal names are no error any more.")],
            docs: &[KEY, Doc::key("newkey", 1)],
            ..GENERIC
        },
        run: renamenx,
    },
    Row {
        meta: Meta {
            name: "copy",
            arity: -3,
            flags: Flags::WRITE.with(Flags::DENYOOM),
            keys: &[one(1, &["RO", "access"]), one(2, &["OW", "update"])],
            since: "6.2.0",
            summary: "Copies a value to another key, or to another database.",
            complexity: "O(N) in the number of nested items; O(1) for strings",
            docs: &[
                Doc::key("source", 0),
                Doc::key("destination", 1),
                Doc::new("destination-db", "integer").behind("DB").optional(),
                Doc::flag("replace", "REPLACE").optional(),
            ],
            ..GENERIC
        },
        run: copy,
    },
    Row {
        meta: Meta {
            name: "move",
            arity: 3,
            flags: Flags::WRITE.with(Flags::FAST),
            keys: &[one(1, &["RW", "access", "update"])],
            summary: "Moves a key to another database.",
            docs: &[KEY, Doc::new("db", "integer")],
            ..GENERIC
        },
        run: move_,
    },
];

fn rename(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    rename_if(txn, args, |_| true)?;
    out.ok();
    Ok(())
}

fn renamenx(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let to = args.at(2);
    let done = rename_if(txn, args, |txn| txn.write(to).is_none())?;
    out.int(done.into());
    Ok(())
}

/// Renames if `may` says so; whether it did. To its own name a key is not renamed, but it must be there.
fn rename_if(txn: &mut Txn, args: Args, may: impl FnOnce(&Txn) -> bool) -> Result<bool, Error> {
    let (from, to) = (args.at(1), args.at(2));
    txn.write(from).ok_or(Error::NoSuchKey)?;
    if from == to || !may(txn) {
        return Ok(false);
    }
    let entry = txn.remove(from).expect("looked at above");
    replace(txn, txn.db, to, &entry);
    txn.set_access_in(txn.db, to, entry.borrow().access());
    txn.changed(from, Event::RenameFrom);
    txn.also_changed_in(txn.db, to, Event::RenameTo);
    Ok(true)
}

fn copy(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let (from, to) = (args.at(1), args.at(2));
    let (mut to_db, mut may_replace) = (txn.db, false);
    let mut i = 3;
    while i < args.len() {
        if is(args.at(i), "replace") {
            may_replace = true;
        } else if is(args.at(i), "db") && i + 1 < args.len() {
            i += 1;
            to_db = db(args.at(i), txn.engine().databases())?;
        } else {
            return Err(Error::Syntax);
        }
        i += 1;
    }
    if to_db == txn.db && from == to {
        return Err(Error::SameObject);
    }
    let entry = txn.read(from).map(|entry| {
        Entry::new(b"", copy_payload(entry.payload()), entry.expiry(), entry.tag(), entry.access())
    });
    let Some(entry) = entry else {
        out.int(0);
        return Ok(());
    };
    if txn.get_in(to_db, to).is_some() && !may_replace {
        out.int(0);
        return Ok(());
    }
    replace(txn, to_db, to, &entry);
    txn.changed_in(to_db, to, Event::CopyTo);
    out.int(1);
    Ok(())
}

fn move_(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let key = args.at(1);
    let to_db = db(args.at(2), txn.engine().databases())?;
    let from_db = txn.db;
    if to_db == from_db {
        return Err(Error::SameObject);
    }
    if txn.write(key).is_none() || txn.get_in(to_db, key).is_some() {
        out.int(0);
        return Ok(());
    }
    let entry = txn.remove(key).expect("looked at above");
    replace(txn, to_db, key, &entry);
    txn.set_access_in(to_db, key, entry.borrow().access());
    txn.changed_in(from_db, key, Event::MoveFrom);
    txn.also_changed_in(to_db, key, Event::MoveTo);
    out.int(1);
    Ok(())
}

/// Puts the value of `entry` at `key`, with its expiry and encoding.
fn replace(txn: &mut Txn, db: u32, key: &[u8], entry: &Entry<Value>) {
    // What is overwritten is taken out first, so that a large value is freed elsewhere.
    if let Some(old) = txn.remove_in(db, key) {
        txn.discard(old);
    }
    let ttl = entry.expiry().map_or(Ttl::Clear, Ttl::At);
    txn.put_in(db, key, copy_payload(entry.payload()), ttl, entry.tag());
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn rename() {
        check(
            r#"
            RENAME k l -> -ERR no such key |
            RENAME k k -> -ERR no such key |
            SET k v EX 100
            RENAME k k -> OK |
            RENAMENX k k -> 0 |
            RENAME k l -> OK | RENAME k l
            TTL l -> 100
            EXISTS k -> 0
            SET k w
            RENAMENX k l -> 0 |
            RENAME k l -> OK
            TTL l -> -1
            GET l -> "w"
            RENAMENX l m -> 1 | RENAMENX l m
            SET e 1 PX 5
            TICK 6
            RENAMENX m e -> 1 | MULTI ; DEL e ; RENAMENX m e ; EXEC
            SET f 1 PX 5
            TICK 6
            RENAME f e -> -ERR no such key | DEL f
            GET e -> "w"
            SETRANGE e 5 x
            RENAME e f
            OBJECT ENCODING f -> "raw"
            "#,
        );
    }

    #[test]
    fn copy() {
        check(
            r#"
            COPY a b -> 0 |
            SET a 1 EX 100
            COPY a a -> -ERR source and destination objects are the same |
            COPY a a DB 0 -> -ERR source and destination objects are the same |
            COPY a b -> 1 | COPY a b
            TTL b -> 100
            COPY a b -> 0 |
            SET a 2
            COPY a b REPLACE -> 1 | COPY a b REPLACE
            TTL b -> -1
            GET b -> "2"
            COPY a a DB 3 -> 1 | COPY a a DB 3
            COPY a a DB 3 -> 0 |
            APPEND a x
            COPY a a REPLACE db 3 -> 1
            SELECT 3
            GET a -> "2x"
            OBJECT ENCODING a -> "raw"
            APPEND a y
            SELECT 0
            GET a -> "2x"
            COPY a q DB 16 -> -ERR DB index is out of range |
            COPY a q DB -1 -> -ERR DB index is out of range |
            COPY a q DB x -> -ERR value is not an integer or out of range |
            COPY a q DB 3000000000 -> -ERR value is out of range, value must between -2147483648 and 2147483647 |
            COPY a q DB -> -ERR syntax error |
            COPY a q WHAT -> -ERR syntax error |
            SET e 1 PX 5
            TICK 6
            COPY a e -> 1 | MULTI ; DEL e ; COPY a e ; EXEC
            SETRANGE big 2000 x
            COPY big copy -> 1
            SETRANGE big 0 y
            GETRANGE copy 0 0 -> "\x00"
            "#,
        );
    }

    #[test]
    fn move_between_databases() {
        check(
            r#"
            MOVE k 1 -> 0 |
            SET k v EX 100
            MOVE k 1 -> 1 | MOVE k 1
            EXISTS k -> 0
            SELECT 1
            TTL k -> 100
            SELECT 0
            SET k w
            MOVE k 1 -> 0 |
            SELECT 1
            PEXPIRE k 5
            SELECT 0
            TICK 6
            MOVE k 1 -> 1 | MULTI ; DEL k ; SELECT 0 ; MOVE k 1 ; EXEC
            MOVE k 0 -> -ERR source and destination objects are the same |
            MOVE k 16 -> -ERR DB index is out of range |
            MOVE k -1 -> -ERR DB index is out of range |
            MOVE k x -> -ERR value is not an integer or out of range |
            MOVE k 3000000000 -> -ERR value is out of range, value must between -2147483648 and 2147483647 |
            "#,
        );
    }
}
