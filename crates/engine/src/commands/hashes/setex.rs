//! Setting fields together with when they expire: HSETEX.
//!
//! Logged as it came, with the time as `PXAT ms`. A time that is over sets nothing that could be seen: the fields are
//! gone afterwards, and an HDEL is logged.

use super::timing::{EXPIRATION_OR_KEEP, Form};
use super::{FIELD, HASH, KEY, VALUE, drop_empty, edit, first, put_new};
use crate::commands::args::{int, is, shown};
use crate::error::{Done, Error};
use crate::events::Event;
use crate::row::{Doc, Flags, Meta, Row};
use crate::txn::{Ttl, Txn};
use crate::value::{self, Hash, Horizon};
use ds::listpack::Value;
use resp::{Args, Reply};

pub const ROWS: &[Row] = &[Row {
    meta: Meta {
        name: "hsetex",
        arity: -6,
        flags: Flags::WRITE.with(Flags::DENYOOM).with(Flags::FAST),
        keys: &[first(&["RW", "update"])],
        since: "8.0.0",
        summary: "Makes fields of a hash hold a value each, and may say when they expire.",
        complexity: "O(N) in the number of fields that are set",
        docs: &[
            KEY,
            Doc::one_of("condition", &[Doc::flag("fnx", "FNX"), Doc::flag("fxx", "FXX")]).optional(),
            EXPIRATION_OR_KEEP,
            Doc::block(
                "fields",
                &[Doc::new("numfields", "integer"), Doc::block("data", &[FIELD, VALUE]).multiple()],
            )
            .behind("FIELDS"),
        ],
        ..HASH
    },
    run: setex,
}];

/// What must hold of the fields.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Condition {
    NoneIsThere,
    AllAreThere,
}

/// The request, read.
struct Request<'a> {
    condition: Option<Condition>,
    ttl: Ttl,
    /// Where the time stands, if it is to be logged in another form.
    rewrite_at: Option<usize>,
    pairs: Args<'a>,
}

impl<'a> Request<'a> {
    fn parse(args: Args<'a>, now_ms: i64) -> Result<Self, Error> {
        let (mut condition, mut ttl, mut rewrite_at) = (None, None, None);
        let mut i = 2;
        while i < args.len() {
            let word = args.at(i);
            if is(word, "fields") {
                let pairs = pairs(args, i)?;
                return Ok(Self { condition, ttl: ttl.unwrap_or(Ttl::Clear), rewrite_at, pairs });
            }
            let form = Form::of_word(word);
            if form.is_some() || is(word, "keepttl") {
                if ttl.is_some() {
                    return Err(Error::text(
                        "ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified",
                    ));
                }
                ttl = Some(Ttl::Keep);
            } else if is(word, "fxx") || is(word, "fnx") {
                if condition.is_some() {
                    return Err(Error::text("ERR Only one of FXX or FNX arguments can be specified"));
                }
                let is_fxx = is(word, "fxx");
                condition = Some(if is_fxx { Condition::AllAreThere } else { Condition::NoneIsThere });
            } else {
                return Err(Error::owned(format!("ERR unknown argument: {}", shown(word))));
            }
            if let Some(form) = form {
                i += 1;
                let time = args.get(i).ok_or(Error::text("ERR missing expire time"))?;
                ttl = Some(Ttl::At(form.deadline(time, now_ms, "hsetex")?));
                rewrite_at = (!form.is_canonical()).then_some(i);
            }
            i += 1;
        }
        Err(arity())
    }

    fn holds(&self, hash: &Hash, horizon: Horizon) -> bool {
        let mut fields = fields(self.pairs);
        match self.condition {
            None => true,
            Some(Condition::AllAreThere) => fields.all(|field| hash.contains(field, horizon)),
            Some(Condition::NoneIsThere) => !fields.any(|field| hash.contains(field, horizon)),
        }
    }
}

fn arity() -> Error {
    Error::Arity { command: "hsetex".into() }
}

/// The fields and values of `FIELDS n field value …`, which begins at `at` and ends the request.
fn pairs(args: Args<'_>, at: usize) -> Result<Args<'_>, Error> {
    if args.len() < at + 4 {
        return Err(arity());
    }
    let count = int(args.at(at + 1)).ok().and_then(|count| i32::try_from(count).ok());
    let count = count.filter(|count| 1 <= *count).ok_or(Error::text("ERR invalid number of fields"))?;
    let pairs = args.tail(at + 2);
    if pairs.len() != 2 * count as usize {
        return Err(arity());
    }
    Ok(pairs)
}

fn fields(pairs: Args<'_>) -> impl Iterator<Item = &[u8]> {
    pairs.iter().step_by(2)
}

fn setex(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let key = args.at(1);
    let request = Request::parse(args, txn.now_ms)?;
    txn.write(key).map(|entry| value::as_hash(entry.payload())).transpose()?;
    let (shapes, horizon) = (txn.engine().shapes(), txn.horizon());
    let is_over = matches!(request.ttl, Ttl::At(at) if txn.is_over(at));
    // Whether the condition holds, and whether the hash is empty then.
    let set = |hash: &mut Hash| {
        if !request.holds(hash, horizon) {
            return (false, false);
        }
        if is_over {
            fields(request.pairs).for_each(|field| {
                hash.remove(field, horizon);
            });
            return (true, hash.is_empty());
        }
        hash.expect(request.pairs.len() / 2, &shapes);
        let values = request.pairs.iter().skip(1).step_by(2);
        for (field, value) in fields(request.pairs).zip(values) {
            hash.set(field, Value::Str(value), request.ttl, horizon, &shapes);
        }
        (true, false)
    };
    let (is_set, is_empty) = match edit(txn, key, set)? {
        Some(done) => done,
        None => {
            let mut hash = Hash::new();
            let (is_set, _) = set(&mut hash);
            if is_set && !is_over {
                put_new(txn, key, hash);
            }
            (is_set, false)
        }
    };
    out.int(is_set.into());
    if !is_set {
        return Ok(());
    }
    txn.changed_times(key, Event::HSet, request.pairs.len() / 2);
    if is_over {
        txn.also_happened(key, Event::HDel);
        if is_empty {
            drop_empty(txn, key);
        }
        txn.no_effect();
        txn.log_due_fields(key, &fields(request.pairs).collect::<Vec<_>>());
        return Ok(());
    }
    if let Ttl::At(at) = request.ttl {
        txn.also_happened(key, Event::HExpire);
        if let Some(i) = request.rewrite_at {
            let mut time = itoa::Buffer::new();
            let mut argv: Vec<&[u8]> = args.iter().collect();
            argv[i - 1] = b"PXAT";
            argv[i] = time.format(at).as_bytes();
            txn.effect(&argv);
        }
    }
    Ok(())
}
