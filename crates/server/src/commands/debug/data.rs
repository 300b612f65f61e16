//! DEBUG DIGEST, DIGEST-VALUE, OBJECT and POPULATE, which are the engine's ([`engine::debug`]), and RELOAD.

use crate::loading::Loader;
use crate::logger::{self, Level};
use crate::pause::{FOREVER_MS, Purpose, Scope};
use crate::server::Server;
use crate::session::Session;
use crate::{save, sys};
use base::number::parse_i64;
use engine::debug::{self, Detail};
use engine::digest::Scores;
use engine::load::{Conflict, Staging};
use engine::{Done, Error, Origin, Scratch, Txn};
use resp::{Args, Reply};
use std::fs::File;
use std::io::{self, Read};
use std::sync::atomic::Ordering::Relaxed;

/// "7.0" asks for the digest that servers up to 7.0 compute, which write scores with 17 digits.
pub fn digest(session: &mut Session, txn: Option<&mut Txn>, args: Args, out: &mut Reply) -> Done {
    let scores = match args.get(2) {
        None => Scores::Shortest,
        Some(b"7.0") => Scores::Digits17,
        Some(_) => return Err(crate::commands::wrong_subcommand("DEBUG", args.at(1))),
    };
    let digest = session.with_all_shards(txn, |txn| debug::digest(txn, scores))?;
    out.simple(&digest.to_string());
    Ok(())
}

pub fn digest_value(session: &mut Session, txn: Option<&mut Txn>, args: Args, out: &mut Reply) -> Done {
    session.with_all_shards(txn, |txn| {
        out.array(args.len() - 2);
        for key in args.tail(2) {
            out.simple(&debug::digest_value(txn, key).to_string());
        }
    })?;
    Ok(())
}

pub fn object(session: &mut Session, txn: Option<&mut Txn>, args: Args, out: &mut Reply) -> Done {
    let detail = match args.get(3) {
        Some(word) if word.eq_ignore_ascii_case(b"fast") => Detail::Fast,
        _ => Detail::Full,
    };
    let line = session.with_all_shards(txn, |txn| debug::object(txn, args.at(2), detail))?;
    out.simple(&line.ok_or(Error::NoSuchKey)?);
    Ok(())
}

/// Keys that are added under one hold of the shards.
const KEYS_AT_ONCE: u64 = 4096;

pub fn populate(session: &mut Session, mut txn: Option<&mut Txn>, args: Args, out: &mut Reply) -> Done {
    let positive = |arg: &[u8]| {
        let positive = parse_i64(arg).filter(|n| 0 <= *n).map(|n| n as u64);
        positive.ok_or(Error::text("ERR value is out of range, must be positive"))
    };
    let count = positive(args.at(2))?;
    let prefix = args.get(3).unwrap_or(b"key");
    let size = args.get(4).map(positive).transpose()?.filter(|size| *size != 0).map(|size| size as usize);
    if session.server.engine.settings.string_bytes_max.load(Relaxed) < size.unwrap_or(0) {
        return Err(Error::StringTooLong);
    }
    let mut first = 0;
    while first < count {
        let end = count.min(first + KEYS_AT_ONCE);
        session.with_all_shards(txn.as_deref_mut(), |txn| debug::populate(txn, first..end, prefix, size))?;
        first = end;
    }
    out.ok();
    Ok(())
}

/// What RELOAD is asked to do.
#[derive(Clone, Copy, Default)]
struct Reload {
    no_save: bool,
    no_flush: bool,
    merge: bool,
}

pub fn reload(session: &mut Session, txn: Option<&mut Txn>, args: Args, out: &mut Reply) -> Done {
    let mut how = Reload::default();
    for word in args.tail(2) {
        match word.to_ascii_lowercase().as_slice() {
            b"merge" => how.merge = true,
            b"noflush" => how.no_flush = true,
            b"nosave" => how.no_save = true,
            _ => {
                return Err(Error::text(
                    "ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.",
                ));
            }
        }
    }
    if txn.is_some() {
        return Err(Error::text("ERR DEBUG RELOAD is not possible inside a transaction"));
    }
    let server = session.server;
    // What is written after the save would be gone after the load: so clients wait, and a primary's stream, and a
    // second reload, which would end the pause of this one.
    let _others_wait = server.reloading.lock();
    server.pause.begin(server, None, Purpose::Reload, Scope::Writes, FOREVER_MS);
    let result = save_and_load(server, how);
    server.pause.end(server, None, Purpose::Reload);
    result?;
    logger::log(Level::Warning, "DB reloaded by DEBUG RELOAD");
    out.ok();
    Ok(())
}

fn save_and_load(server: &'static Server, how: Reload) -> Done {
    let mut scratch = Scratch::new(server.random_seed());
    if !how.no_save {
        save::save_now(server, &mut scratch).map_err(|_| Error::text("ERR"))?;
    }
    let (staging, conflict) = match load(server) {
        Ok(staging) => (staging, if how.merge { Conflict::Replace } else { Conflict::Refuse }),
        Err(text) => {
            logger::log(Level::Warning, &format!("Can't load {}: {text}", server.dump_path().display()));
            return Err(Error::text("ERR Error trying to load the RDB dump, check server logs."));
        }
    };
    let engine = &server.engine;
    let now_ms = server.clock.unix_ms();
    let mut txn = engine.begin(&mut scratch, engine.all_locks(), now_ms, 0, Origin::Primary);
    let result = if how.no_flush {
        staging.merge(&mut txn, conflict)
    } else {
        staging.install(&mut txn);
        Ok(())
    };
    txn.commit();
    server.lazy_free(std::mem::take(&mut scratch.trash));
    server.persistence.state.lock().dirty_at_save = server.dirty();
    result.map_err(|key| {
        let key = String::from_utf8_lossy(&key).into_owned();
        logger::log(Level::Warning, &format!("The data set and the file both hold the key '{key}'"));
        Error::text("ERR Error trying to load the RDB dump, check server logs.")
    })
}

fn load(server: &'static Server) -> Result<Staging, String> {
    let path = server.dump_path();
    let mut file = File::open(path).map_err(|error| sys::error_text(&error))?;
    // Replicas still hold what is due: it goes by a deletion that they hear of.
    let drop_expired = (!server.engine.log.is_active()).then(|| server.clock.unix_ms());
    let mut loader = Loader::new(server, drop_expired);
    let mut chunk = vec![0; save::CHUNK_BYTES];
    loop {
        match file.read(&mut chunk) {
            Ok(0) => break,
            Ok(n) => loader.feed(&chunk[..n])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(sys::error_text(&error)),
        }
    }
    loader.finish()?;
    Ok(loader.staging)
}
