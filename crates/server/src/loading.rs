//! Loading an RDB: from the file at start, and from a primary.
//!
//! A [`Loader`] takes bytes as they come and fills a staging data set beside the one that is served; what is
//! wrong is said with its offset, and leaves the served data untouched.

use crate::logger::{self, Level};
use crate::server::Server;
use crate::sys;
use base::position::{Offset, ReplId};
use engine::access::Used;
use engine::load::Staging;
use engine::rdb::{Decoder, Item, Step, Value};
use engine::{Origin, Scratch};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicI64, AtomicU64};
use std::time::Duration;

const READ_BYTES: usize = 1024 * 1024;

/// What a file says of its place in a history.
#[derive(Default, Clone, Debug)]
pub struct Origins {
    pub repl_id: Option<ReplId>,
    pub repl_offset: Option<Offset>,
    pub stream_db: Option<u32>,
    pub used_memory: Option<u64>,
    pub ctime: Option<i64>,
    pub version: Option<String>,
    pub aof_base: bool,
}

pub struct Loader<'s> {
    server: &'s Server,
    decoder: Decoder,
    buffer: Vec<u8>,
    /// Consumed bytes at the front of `buffer`.
    at: usize,
    /// The decoder wants so many bytes before it looks again.
    wants: usize,
    db: u32,
    pub staging: Staging,
    pub origins: Origins,
    /// Keys whose time passed before this (Unix ms) are left out: a primary's start.
    drop_expired: Option<i64>,
    pub expired: u64,
    ended: bool,
}

impl<'s> Loader<'s> {
    pub fn new(server: &'s Server, drop_expired: Option<i64>) -> Self {
        Self {
            server,
            decoder: Decoder::shaping(server.engine.shapes()),
            buffer: Vec::new(),
            at: 0,
            wants: 0,
            db: 0,
            staging: Staging::new(&server.engine).used_at(server.clock.unix_ms()),
            origins: Origins::default(),
            drop_expired,
            expired: 0,
            ended: false,
        }
    }

    /// Takes in more bytes of the file.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.buffer.extend_from_slice(bytes);
        self.decode(false)
    }

    /// The file is at its end: checks that it is complete.
    pub fn finish(&mut self) -> Result<(), String> {
        self.decode(true)?;
        if self.ended { Ok(()) } else { Err("Unexpected EOF reading RDB file".into()) }
    }

    fn decode(&mut self, at_end: bool) -> Result<(), String> {
        while !self.ended && (at_end || self.wants <= self.buffer.len() - self.at) {
            let step =
                self.decoder.next(&self.buffer[self.at..], at_end).map_err(|error| error.to_string())?;
            match step {
                Step::Need { at_least } => {
                    if at_end {
                        return Err("Unexpected EOF reading RDB file".into());
                    }
                    // Twice as much at least: a large collection is read from its beginning again, and so costs no
                    // more than its bytes in all. What is at the end by then is looked at when the file ends.
                    self.wants = at_least.max(2 * (self.buffer.len() - self.at));
                    break;
                }
                Step::Item { consumed, item } => {
                    self.wants = 0;
                    let mut taker = Taker {
                        offset: self.decoder.offset() - consumed as u64,
                        server: self.server,
                        db: &mut self.db,
                        staging: &mut self.staging,
                        origins: &mut self.origins,
                        drop_expired: self.drop_expired,
                        expired: &mut self.expired,
                        ended: &mut self.ended,
                    };
                    taker.take(item)?;
                    self.at += consumed;
                }
            }
        }
        if self.buffer.len() / 2 < self.at {
            self.buffer.drain(..self.at);
            self.at = 0;
        }
        Ok(())
    }
}

/// The parts of a loader that an item changes, apart from the buffer that it borrows from.
struct Taker<'l> {
    /// Where the item begins.
    offset: u64,
    server: &'l Server,
    db: &'l mut u32,
    staging: &'l mut Staging,
    origins: &'l mut Origins,
    drop_expired: Option<i64>,
    expired: &'l mut u64,
    ended: &'l mut bool,
}

impl Taker<'_> {
    fn take(&mut self, item: Item) -> Result<(), String> {
        match item {
            Item::SelectDb(db) => {
                if self.server.engine.databases() <= db {
                    return Err(format!(
                        "FATAL: Data file was created with a Greylag server configured to handle more than {} databases (at offset {} of the RDB; see the directive 'databases')",
                        self.server.engine.databases(),
                        self.offset
                    ));
                }
                *self.db = db;
            }
            Item::Aux { key, value } => self.aux(&key, &value),
            Item::Entry { key, value, expire_ms, idle, freq } => {
                let used = match (freq, idle) {
                    (Some(count), _) => Used::Frequency(count),
                    (None, Some(seconds)) => Used::Idle(seconds),
                    (None, None) => Used::Unsaid,
                };
                return self.entry(&key, value, expire_ms, used);
            }
            Item::Empty { key } => {
                let key = String::from_utf8_lossy(&key);
                logger::log(
                    Level::Notice,
                    &format!("The RDB holds an empty value, which is left out: {key}"),
                );
            }
            Item::Function { code } => return self.function(&code),
            Item::ModuleAux { module } => logger::log(
                Level::Warning,
                &format!(
                    "The RDB holds data of the module '{module}' besides its keys, which is left out: this server has no modules. A save will not have it."
                ),
            ),
            Item::Eof { .. } => *self.ended = true,
            Item::Header { .. } | Item::ResizeDb { .. } | Item::SlotInfo { .. } => {}
        }
        Ok(())
    }

    /// A library must be one that FUNCTION LOAD would take, beside those that came before.
    fn function(&mut self, code: &[u8]) -> Result<(), String> {
        let sources = &mut self.staging.functions;
        crate::script::add_library(self.server, code, sources)
            .map_err(|error| format!("Failed loading a function library: {error}"))
    }

    fn aux(&mut self, key: &[u8], value: &[u8]) {
        let number = base::number::parse_i64(value);
        match key {
            b"repl-id" => self.origins.repl_id = ReplId::parse(value),
            b"repl-offset" => self.origins.repl_offset = number.and_then(Offset::from_outside),
            b"repl-stream-db" => self.origins.stream_db = number.and_then(|n| u32::try_from(n).ok()),
            b"used-mem" => self.origins.used_memory = number.map(|n| n as u64),
            b"ctime" => self.origins.ctime = number,
            b"redis-ver" => self.origins.version = Some(String::from_utf8_lossy(value).into_owned()),
            b"aof-base" | b"aof-preamble" => self.origins.aof_base = number == Some(1),
            _ => {}
        }
    }

    fn entry(&mut self, key: &[u8], value: Value, expiry: Option<i64>, used: Used) -> Result<(), String> {
        // In a file that has a place in a history, what expired stays: a replica that is at the same place has it too,
        // and hears of its end by the DEL that expiry logs once we serve.
        if let (Some(now), Some(at), None) = (self.drop_expired, expiry, self.origins.repl_id)
            && at < now
        {
            *self.expired += 1;
            return Ok(());
        }
        let engine = &self.server.engine;
        if self.staging.add_used(engine, *self.db, key, value, expiry, used) {
            return Ok(());
        }
        Err(format!(
            "RDB has duplicated key '{}' in DB {} (at offset {} of the RDB)",
            String::from_utf8_lossy(key),
            self.db,
            self.offset
        ))
    }
}

/// How far the load at start is, for INFO persistence. Meaningful while the state word says that we load.
#[derive(Default)]
pub struct Progress {
    /// Unix seconds.
    pub started: AtomicI64,
    pub total_bytes: AtomicU64,
    pub loaded_bytes: AtomicU64,
    /// What the file says of the server that wrote it.
    pub rdb_used_memory: AtomicU64,
}

/// Loads dbfilename while clients are told to wait (-LOADING); a file that can't be loaded stops the start.
pub fn at_start(server: &'static Server) -> Result<(), String> {
    let path = server.dump_path();
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => {
            return Err(format!(
                "Fatal error: can't open the RDB file {} for reading: {}",
                path.display(),
                sys::error_text(&error)
            ));
        }
    };
    let started = server.clock.monotonic_ms();
    let follows = server.config().replicaof.0.is_some();
    let drop_expired = (!follows).then(|| server.clock.unix_ms());
    begin(server, &file);
    let mut loader = Loader::new(server, drop_expired);
    read_all(server, file, &mut loader).map_err(|error| corrupt(&path, &error))?;
    let Loader { staging, origins, expired, .. } = loader;
    log_origins(server, &origins);
    let keys = staging.keys;
    let mut scratch = Scratch::new(server.random_seed());
    let engine = &server.engine;
    let mut txn = engine.begin(&mut scratch, engine.all_locks(), server.clock.unix_ms(), 0, Origin::Primary);
    staging.install(&mut txn);
    txn.commit();
    let text = format!("Done loading RDB, keys loaded: {keys}, keys expired: {expired}.");
    logger::log(Level::Notice, &text);
    let seconds = (server.clock.monotonic_ms() - started) as f64 / 1000.0;
    logger::log(Level::Notice, &format!("DB loaded from disk: {seconds:.3} seconds"));
    {
        let mut state = server.persistence.state.lock();
        (state.keys_loaded, state.keys_expired_at_load) = (keys, expired);
    }
    server.replication.restore(server, &origins);
    Ok(())
}

fn begin(server: &'static Server, file: &File) {
    let progress = &server.loading;
    progress.started.store(server.clock.unix_ms() / 1000, Relaxed);
    progress.total_bytes.store(file.metadata().map_or(0, |metadata| metadata.len()), Relaxed);
}

fn corrupt(path: &Path, error: &str) -> String {
    format!(
        "Fatal error loading the DB from {}: {error}. The file was left as it is: restore it from a copy, or move it away to start empty. Exiting.",
        path.display()
    )
}

fn read_all(server: &'static Server, mut file: File, loader: &mut Loader) -> Result<(), String> {
    let delay = server.config().key_load_delay;
    // A delay is for tests that want to look at a load: small steps let them.
    let mut chunk = vec![0; if delay == 0 { READ_BYTES } else { 1024 }];
    let mut keys = 0;
    loop {
        match file.read(&mut chunk) {
            Ok(0) => return loader.finish(),
            Ok(n) => {
                loader.feed(&chunk[..n])?;
                server.loading.loaded_bytes.fetch_add(n as u64, Relaxed);
                server.loading.rdb_used_memory.store(loader.origins.used_memory.unwrap_or(0), Relaxed);
                delay_keys(delay, loader.staging.keys - keys);
                keys = loader.staging.keys;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(sys::error_text(&error)),
        }
    }
}

/// key-load-delay: so many microseconds for each key; below zero, so many keys for each microsecond.
fn delay_keys(delay: i64, keys: u64) {
    let micros = if delay < 0 { keys / delay.unsigned_abs() } else { keys * delay as u64 };
    if 0 < micros {
        std::thread::sleep(Duration::from_micros(micros));
    }
}

fn log_origins(server: &Server, origins: &Origins) {
    if let Some(version) = &origins.version {
        logger::log(Level::Notice, &format!("Loading RDB produced by version {version}"));
    }
    if let Some(ctime) = origins.ctime {
        let age = (server.clock.unix_ms() / 1000).saturating_sub(ctime).max(0);
        logger::log(Level::Notice, &format!("RDB age {age} seconds"));
    }
    if let Some(bytes) = origins.used_memory {
        let megabytes = bytes as f64 / (1024.0 * 1024.0);
        logger::log(Level::Notice, &format!("RDB memory usage when created {megabytes:.2} Mb"));
    }
}
