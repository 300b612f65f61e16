//! Reading fields and changing when they expire, or removing them: HGETEX, HGETDEL.
//!
//! HGETEX is logged as what it did: HPEXPIREAT, HPERSIST, or an HDEL of fields that it deleted, as the time that they
//! got is over. HGETDEL is logged as an HDEL. Both name the fields as they were asked for, there or not.

use super::timing::{EXPIRATION_OR_PERSIST, FIELDS, Form, NO_COUNT, counted_fields};
use super::{HASH, KEY, drop_empty, edit, first, reply_value};
use crate::commands::args::is;
use crate::error::Done;
use crate::events::Event;
use crate::row::{Flags, KeySpec, Meta, Row};
use crate::txn::Txn;
use crate::value;
use resp::{Args, Reply};

const GETS: Meta = Meta {
    arity: -5,
    flags: Flags::WRITE.with(Flags::FAST),
    since: "8.0.0",
    complexity: "O(N) in the number of fields that are named",
    ..HASH
};

pub const ROWS: &[Row] = &[
    Row {
        meta: Meta {
            name: "hgetex",
            keys: &[KeySpec {
                notes: "RW and UPDATE because it changes the TTL",
                ..first(&["RW", "access", "update"])
            }],
            summary: "Gives the values of fields of a hash, and may change when they expire.",
            docs: &[KEY, EXPIRATION_OR_PERSIST, FIELDS],
            ..GETS
        },
        run: getex,
    },
    Row {
        meta: Meta {
            name: "hgetdel",
            keys: &[first(&["RW", "access", "delete"])],
            summary: "Gives the values of fields of a hash, and removes them.",
            docs: &[KEY, FIELDS],
            ..GETS
        },
        run: getdel,
    },
];

/// What HGETEX makes of the fields that it finds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Change {
    None,
    Persist,
    At(i64),
}

fn getex(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let (key, option) = (args.at(1), args.at(2));
    txn.write(key).map(|entry| value::as_hash(entry.payload())).transpose()?;
    let (change, fields_at) = match Form::of_word(option) {
        Some(form) => (Change::At(form.deadline(args.at(3), txn.now_ms, "hgetex")?), 4),
        None if is(option, "persist") => (Change::Persist, 3),
        None => (Change::None, 2),
    };
    let fields = counted_fields(args, fields_at, NO_COUNT)?;
    out.array(fields.len());
    if change == Change::None {
        get(txn, key, fields, out);
        return Ok(());
    }
    let (expiry, is_over) = match change {
        Change::At(at) => (Some(at), txn.is_over(at)),
        _ => (None, false),
    };
    let horizon = txn.horizon();
    let mut done: Vec<&[u8]> = Vec::new();
    let is_empty = edit(txn, key, |hash| {
        for field in fields.iter() {
            let Some((value, before)) = hash.look(field, horizon) else {
                out.nil();
                continue;
            };
            reply_value(out, value);
            if is_over {
                hash.remove(field, horizon);
            } else if expiry.is_none() && before.is_none() {
                continue;
            } else {
                hash.set_expiry(field, expiry, horizon);
            }
            done.push(field);
        }
        hash.is_empty()
    })?;
    if is_empty.is_none() {
        fields.iter().for_each(|_| out.nil());
    }
    if done.is_empty() {
        return Ok(());
    }
    let event = match expiry {
        Some(_) if is_over => Event::HDel,
        Some(_) => Event::HExpire,
        None => Event::HPersist,
    };
    txn.changed_times(key, event, done.len());
    if is_empty == Some(true) {
        drop_empty(txn, key);
    }
    if is_over {
        txn.no_effect();
        txn.log_due_fields(key, &done);
        return Ok(());
    }
    let mut time = itoa::Buffer::new();
    let mut argv: Vec<&[u8]> = match expiry {
        Some(at) => vec![b"HPEXPIREAT", key, time.format(at).as_bytes()],
        None => vec![b"HPERSIST", key],
    };
    argv.extend(args.iter().skip(fields_at));
    txn.effect(&argv);
    Ok(())
}

/// Replies with the values as they are.
fn get(txn: &mut Txn, key: &[u8], fields: Args, out: &mut Reply) {
    txn.drop_due_fields(key);
    let horizon = txn.horizon();
    let hash = txn.get(key).and_then(|entry| value::as_hash(entry.payload()).ok());
    for field in fields.iter() {
        match hash.and_then(|hash| hash.get(field, horizon)) {
            Some(value) => reply_value(out, value),
            None => out.nil(),
        }
    }
}

fn getdel(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let (key, horizon) = (args.at(1), txn.horizon());
    txn.write(key).map(|entry| value::as_hash(entry.payload())).transpose()?;
    let fields = counted_fields(args, 2, NO_COUNT)?;
    out.array(fields.len());
    let removed = edit(txn, key, |hash| {
        let mut removed = 0;
        for field in fields.iter() {
            match hash.get(field, horizon) {
                Some(value) => reply_value(out, value),
                None => {
                    out.nil();
                    continue;
                }
            }
            removed += usize::from(hash.remove(field, horizon));
        }
        (removed, hash.is_empty())
    })?;
    let Some((removed, is_empty)) = removed else {
        fields.iter().for_each(|_| out.nil());
        return Ok(());
    };
    if removed == 0 {
        return Ok(());
    }
    txn.changed_times(key, Event::HDel, removed);
    if is_empty {
        drop_empty(txn, key);
    }
    let argv: Vec<&[u8]> = [b"HDEL", key].into_iter().chain(fields.iter()).collect();
    txn.effect(&argv);
    Ok(())
}
