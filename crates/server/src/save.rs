//! SAVE and BGSAVE: a snapshot written to dbfilename, by way of a temporary file.
//!
//! The file is complete, fsynced and renamed, or it isn't there. One save runs at a time; snapshots for replicas
//! are another matter (`sync`).

use crate::logger::{self, Level};
use crate::server::Server;
use crate::sys;
use ds::block::Cursor;
use engine::snapshot::{self, Progress, Snapshot};
use engine::{Origin, Scratch};
use parking_lot::{Condvar, Mutex};
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// Entries that are walked under one hold of a shard's lock: some tens of microseconds.
pub const SLICE_ENTRIES: usize = 128;
/// Bytes that are collected before they go to the sink.
pub const CHUNK_BYTES: usize = 256 * 1024;

/// Where a save runs. Who asked for one in the foreground is told when it fails; one in the background is remembered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Place {
    Foreground,
    Background,
}

/// What INFO persistence tells, and what decides about the next save.
#[derive(Clone, Debug)]
pub struct State {
    pub in_progress: bool,
    /// A BGSAVE is to follow the one that runs.
    pub scheduled: bool,
    /// Unix seconds.
    pub last_save: i64,
    pub last_ok: bool,
    pub last_try: i64,
    /// Seconds; -1 before the first.
    pub last_duration: i64,
    pub started: i64,
    /// Saves that began.
    pub saves: u64,
    /// Changes at the last save.
    pub dirty_at_save: u64,
    pub progress: Progress,
    pub last_preimage_bytes: u64,
    /// Of the file that the start loaded.
    pub keys_loaded: u64,
    pub keys_expired_at_load: u64,
}

pub struct Persistence {
    pub state: Mutex<State>,
    /// A save ended.
    ended: Condvar,
    pub cancel: AtomicBool,
}

impl Persistence {
    pub fn new(now_secs: i64) -> Self {
        let state = State {
            in_progress: false,
            scheduled: false,
            last_save: now_secs,
            last_ok: true,
            last_try: 0,
            last_duration: -1,
            started: -1,
            saves: 0,
            dirty_at_save: 0,
            progress: Progress::default(),
            last_preimage_bytes: 0,
            keys_loaded: 0,
            keys_expired_at_load: 0,
        };
        Self { state: Mutex::new(state), ended: Condvar::new(), cancel: AtomicBool::new(false) }
    }
}

/// Who gets a snapshot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum For {
    File,
    /// `without_data`: what they asked for by REPLCONF rdb-filter-only.
    Replicas {
        without_data: bool,
    },
}

/// Cuts a snapshot here and now. `None` if as many run as can.
fn cut(server: &'static Server, scratch: &mut Scratch) -> Option<Snapshot> {
    cut_for(server, scratch, For::File).map(|(snapshot, _)| snapshot)
}

/// The same, with the log from the cut on: taken under the same locks, as what is written behind them may push it out
/// of a small backlog at once. The cursor is `None` while the log is inactive.
pub fn cut_for_replicas(
    server: &'static Server,
    scratch: &mut Scratch,
    without_data: bool,
) -> Option<(Snapshot, Option<Cursor>)> {
    cut_for(server, scratch, For::Replicas { without_data })
}

fn cut_for(
    server: &'static Server,
    scratch: &mut Scratch,
    reader: For,
) -> Option<(Snapshot, Option<Cursor>)> {
    let config = server.config();
    let engine = &server.engine;
    let mut txn = engine.begin(scratch, engine.all_locks(), server.clock.unix_ms(), 0, Origin::Client);
    let options = snapshot::Options {
        compress: config.rdbcompression,
        checksum: config.rdbchecksum,
        data: reader != For::Replicas { without_data: true },
    };
    let aux = server.rdb_aux();
    let aux: Vec<(&[u8], &[u8])> =
        aux.iter().map(|(key, value)| (key.as_bytes(), value.as_bytes())).collect();
    let snapshot = Snapshot::cut(&mut txn, options, &aux);
    let mut cursor = None;
    if reader != For::File {
        cursor = snapshot.as_ref().and_then(|snapshot| engine.log.cursor(snapshot.offset));
        // Who continues from here is told the database anew.
        if !txn.state().is_replica() {
            engine.log.forget_db();
        }
    }
    txn.commit();
    Some((snapshot?, cursor))
}

/// Lets go of a snapshot that nobody wants.
pub fn drop_snapshot(server: &'static Server, mut snapshot: Snapshot) {
    let mut free = Vec::new();
    snapshot.release(&server.engine, &mut free);
    server.lazy_free(free);
}

/// Walks a snapshot into `sink`, chunk by chunk, unless it is cancelled. What the sink is told of the progress is as of
/// the last slice.
pub fn walk(
    server: &'static Server,
    mut snapshot: Snapshot,
    cancel: &AtomicBool,
    mut sink: impl FnMut(&[u8], &Progress) -> io::Result<()>,
) -> io::Result<Progress> {
    let mut chunk = Vec::with_capacity(CHUNK_BYTES * 2);
    let mut free = Vec::new();
    let mut delay = KeyDelay { server, keys: 0 };
    let mut flush = |chunk: &mut Vec<u8>, progress: &Progress| {
        let sunk = match cancel.load(Ordering::Relaxed) {
            true => Err(io::Error::other("cancelled")),
            false => sink(chunk, progress),
        };
        chunk.clear();
        sunk
    };
    loop {
        let progress = snapshot.progress;
        let mut sunk = Ok(());
        let mut collect = |piece: &[u8]| {
            chunk.extend_from_slice(piece);
            if CHUNK_BYTES <= chunk.len() {
                sunk = flush(&mut chunk, &progress);
            }
            sunk.is_ok()
        };
        let more = snapshot.step(&server.engine, SLICE_ENTRIES, &mut collect, &mut free);
        if !free.is_empty() {
            server.lazy_free(std::mem::take(&mut free));
        }
        let delayed = delay.pass(&snapshot.progress);
        if sunk.is_ok() && (!more || delayed) {
            sunk = flush(&mut chunk, &snapshot.progress);
        }
        if let Err(error) = sunk {
            drop_snapshot(server, snapshot);
            return Err(error);
        }
        if !more {
            return Ok(snapshot.progress);
        }
    }
}

/// rdb-key-save-delay: tests slow a walk down by it.
struct KeyDelay {
    server: &'static Server,
    keys: u64,
}

impl KeyDelay {
    /// Waits for the keys since the last call; whether there is a delay at all.
    fn pass(&mut self, progress: &Progress) -> bool {
        let micros = self.server.config().rdb_key_save_delay;
        let keys = progress.keys_done - self.keys;
        self.keys = progress.keys_done;
        if 0 < micros {
            std::thread::sleep(std::time::Duration::from_micros(micros as u64 * keys));
        }
        0 < micros
    }
}

/// Writes a snapshot to `path` by way of a temporary file beside it.
pub fn write_file(server: &'static Server, snapshot: Snapshot, path: &Path) -> io::Result<Progress> {
    let temporary = temporary_path(path);
    let cancel = &server.persistence.cancel;
    let created = create(&temporary);
    let result = write_to(server, snapshot, created, cancel).and_then(|(_, progress)| {
        std::fs::rename(&temporary, path)?;
        sys::sync_dir(path)?;
        Ok(progress)
    });
    if result.is_err() {
        let _ = std::fs::remove_file(&temporary);
    }
    result
}

fn temporary_path(path: &Path) -> PathBuf {
    path.with_file_name(format!("temp-{}.rdb", std::process::id()))
}

/// A new file for a snapshot; the caller names or removes it.
pub fn create(path: &Path) -> io::Result<File> {
    File::options().read(true).write(true).create(true).truncate(true).open(path)
}

/// Writes a snapshot to the file, complete and synced; lets go of it if there is no file.
pub fn write_to(
    server: &'static Server,
    snapshot: Snapshot,
    created: io::Result<File>,
    cancel: &AtomicBool,
) -> io::Result<(File, Progress)> {
    let mut file = match created {
        Ok(file) => file,
        Err(error) => {
            drop_snapshot(server, snapshot);
            return Err(error);
        }
    };
    let progress = walk(server, snapshot, cancel, |bytes, progress| {
        server.persistence.state.lock().progress = *progress;
        file.write_all(bytes)
    })?;
    file.sync_all()?;
    Ok((file, progress))
}

/// SAVE: in the calling thread; the others go on. Waits for a save that runs already.
pub fn save_now(server: &'static Server, scratch: &mut Scratch) -> io::Result<()> {
    {
        let mut state = server.persistence.state.lock();
        server.persistence.ended.wait_while(&mut state, |state| state.in_progress);
        begin(server, &mut state);
    }
    let dirty = server.dirty();
    let result = match cut(server, scratch) {
        Some(snapshot) => write_file(server, snapshot, &server.dump_path()),
        None => Err(io::Error::other("too many snapshots are running")),
    };
    match &result {
        Ok(_) => logger::log(Level::Notice, "DB saved on disk"),
        Err(error) => {
            logger::log(Level::Warning, &format!("Error saving the DB on disk: {}", sys::error_text(error)));
        }
    }
    end(server, Place::Foreground, dirty, &result);
    result.map(|_| ())
}

/// BGSAVE: in a thread of its own. False if a save is running already.
pub fn save_in_background(server: &'static Server) -> bool {
    {
        let mut state = server.persistence.state.lock();
        if state.in_progress {
            return false;
        }
        begin(server, &mut state);
    }
    logger::log(Level::Notice, &format!("Background saving started by pid {}", std::process::id()));
    crate::start::spawn("bgsave", move || run_background(server));
    true
}

fn run_background(server: &'static Server) {
    let mut scratch = Scratch::new(server.random_seed());
    let dirty = server.dirty();
    let result = match cut(server, &mut scratch) {
        Some(snapshot) => write_file(server, snapshot, &server.dump_path()),
        None => Err(io::Error::other("too many snapshots are running")),
    };
    match &result {
        Ok(progress) => {
            logger::log_as('C', Level::Notice, "DB saved on disk");
            let megabytes = progress.preimage_bytes / (1024 * 1024);
            let text = format!("RDB: {megabytes} MB of memory used by copy-on-write");
            logger::log_as('C', Level::Notice, &text);
            logger::log(Level::Notice, "Background saving terminated with success");
        }
        Err(error) => {
            logger::log(
                Level::Warning,
                &format!("Write error saving DB on disk: {}", sys::error_text(error)),
            );
            logger::log(Level::Warning, "Background saving error");
        }
    }
    end(server, Place::Background, dirty, &result);
}

fn begin(server: &'static Server, state: &mut State) {
    state.in_progress = true;
    state.saves += 1;
    state.started = server.clock.unix_ms() / 1000;
    state.last_try = state.started;
    state.progress = Progress::default();
    server.persistence.cancel.store(false, Ordering::Relaxed);
}

/// Ends the save that runs, if one does; its file is not written.
pub fn cancel(server: &'static Server) {
    let mut state = server.persistence.state.lock();
    if state.in_progress {
        logger::log(Level::Warning, "There is a background save: it is ended, as the server ends.");
        server.persistence.cancel.store(true, Ordering::Relaxed);
        server.persistence.ended.wait_while(&mut state, |state| state.in_progress);
    }
}

fn end(server: &'static Server, place: Place, dirty: u64, result: &io::Result<Progress>) {
    let now = server.clock.unix_ms() / 1000;
    let failed = {
        let mut state = server.persistence.state.lock();
        state.in_progress = false;
        if place == Place::Background {
            state.last_duration = now - state.started;
            state.last_ok = result.is_ok();
        }
        if let Ok(progress) = result {
            state.last_ok = true;
            state.last_save = now;
            state.dirty_at_save = dirty;
            state.last_preimage_bytes = progress.preimage_bytes;
        }
        server.persistence.ended.notify_all();
        !state.last_ok
    };
    if server.engine.state().is_misconf() != failed {
        server.engine.change_state(|state| {
            state.set_misconf(refuses_writes(server));
        });
    }
}

/// Whether writes are refused because the last save failed.
pub fn refuses_writes(server: &Server) -> bool {
    let config = server.config();
    let failed = !server.persistence.state.lock().last_ok;
    failed && config.stop_writes_on_bgsave_error && !config.save.0.is_empty()
}

/// Save points and scheduled saves: looked at by cron.
pub fn cron(server: &'static Server) {
    let config = server.config();
    let now = server.clock.unix_ms() / 1000;
    let dirty = server.dirty();
    let state = server.persistence.state.lock().clone();
    if state.in_progress {
        return;
    }
    if state.scheduled {
        server.persistence.state.lock().scheduled = false;
        save_in_background(server);
        return;
    }
    // A save may have ended since the changes were counted.
    let changes = dirty.saturating_sub(state.dirty_at_save);
    // After a failed save the next waits a little.
    if !state.last_ok && now - state.last_try <= RETRY_SECONDS {
        return;
    }
    let due = config.save.0.iter().find(|p| p.changes as u64 <= changes && p.seconds < now - state.last_save);
    if let Some(point) = due {
        let text = format!("{} changes in {} seconds. Saving...", point.changes, point.seconds);
        logger::log(Level::Notice, &text);
        save_in_background(server);
    }
}

const RETRY_SECONDS: i64 = 5;
