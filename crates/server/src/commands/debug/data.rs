//! DEBUG DIGEST, DIGEST-VALUE, OBJECT, POPULATE and RELOAD.

use crate::loading::Loader;
use crate::logger::{self, Level};
use crate::pause::{FOREVER_MS, Purpose, Scope};
use crate::server::Server;
use crate::session::Session;
use crate::{save, sys};
use base::number::parse_i64;
use engine::digest::{self, Digest, Scores};
use engine::events::Event;
use engine::load::{Conflict, Staging};
use engine::value;
use engine::{Done, Error, Origin, Scratch, Ttl, Txn, rdb};
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
    let digest = session.with_all_shards(txn, |txn| {
        let shards: Vec<_> = txn.each_shard().collect();
        digest::of_all(shards.into_iter(), txn.engine().databases(), scores)
    });
    out.simple(&digest.to_string());
    Ok(())
}

pub fn digest_value(session: &mut Session, txn: Option<&mut Txn>, args: Args, out: &mut Reply) -> Done {
    session.with_all_shards(txn, |txn| {
        out.array(args.len() - 2);
        for key in args.tail(2) {
            let digest =
                txn.get(key).map_or_else(Digest::default, |entry| digest::of_value(entry, Scores::Shortest));
            out.simple(&digest.to_string());
        }
    });
    Ok(())
}

pub fn object(session: &mut Session, txn: Option<&mut Txn>, args: Args, out: &mut Reply) -> Done {
    session.with_all_shards(txn, |txn| {
        let now_seconds = (txn.now_ms / 1000) as u32;
        let entry = txn.get(args.at(2)).ok_or(Error::NoSuchKey)?;
        let payload = entry.payload();
        let mut encoded = Vec::new();
        rdb::encode_entry(&mut encoded, b"", &payload.into(), None, true);
        let serialized = encoded.len() - 2; // a byte for the type, one for the empty key
        let access = entry.access();
        let text = format!(
            "Value at:{:p} refcount:1 encoding:{} serializedlength:{serialized} lru:{access} lru_seconds_idle:{}",
            entry.key().as_ptr(),
            value::encoding(&payload, entry.tag()),
            now_seconds.wrapping_sub(access) & 0x00FF_FFFF,
        );
        out.simple(&text);
        Ok(())
    })
}

/// Keys that are added under one hold of the shards.
const KEYS_AT_ONCE: i64 = 4096;

pub fn populate(session: &mut Session, mut txn: Option<&mut Txn>, args: Args, out: &mut Reply) -> Done {
    let positive = |arg: &[u8]| {
        let positive = parse_i64(arg).filter(|n| 0 <= *n);
        positive.ok_or(Error::text("ERR value is out of range, must be positive"))
    };
    let count = positive(args.at(2))?;
    let prefix = args.get(3).unwrap_or(b"key");
    let size = args.get(4).map(positive).transpose()?.unwrap_or(0) as usize;
    if session.server.engine.settings.string_bytes_max.load(Relaxed) < size {
        return Err(Error::StringTooLong);
    }
    let mut first = 0;
    while first < count {
        let end = count.min(first.saturating_add(KEYS_AT_ONCE));
        session.with_all_shards(txn.as_deref_mut(), |txn| {
            (first..end).for_each(|i| add_key(txn, prefix, i, size));
        });
        first = end;
    }
    out.ok();
    Ok(())
}

fn add_key(txn: &mut Txn, prefix: &[u8], i: i64, size: usize) {
    let key = [prefix, format!(":{i}").as_bytes()].concat();
    if !txn.exists(&key) {
        let mut value = format!("value:{i}").into_bytes();
        if size != 0 {
            value.resize(size, 0);
        }
        txn.put_str(&key, &value, Ttl::Clear);
        txn.changed(&key, Event::Set);
        txn.effect(&[b"SET", &key, &value]);
    }
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
    // What is written after the save would be gone after the load.
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
