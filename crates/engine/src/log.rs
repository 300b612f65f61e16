//! The log: one stream of bytes, which is the PSYNC stream, addressed by offset.
//!
//! Commands are appended under one mutex, by copy into the newest of a chain of shared blocks; readers follow the
//! chain without a lock and pin what they have not read. `kept_bytes` of the past are held for readers to come:
//! the backlog. With no reader ever (no replica, no AOF) the log is inactive and nothing is appended.
//!
//! Offsets count every byte since the history began: `end` is the offset of the last byte, as
//! `master_repl_offset` counts; a cursor at `offset` reads the byte `offset + 1` first.
//!
//! Invariants: `start <= end`; blocks are contiguous; nobody waits on I/O here. Knows no replica and no disk.

use base::position::Offset;
use ds::block::{Chain, Cursor};
use parking_lot::Mutex;
use resp::{Args, push_command};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};

/// Size of a block of the log. A backlog is held in whole blocks.
const BLOCK_BYTES: usize = 64 * 1024;

/// No reader sleeps. No log gets that far.
const AWAKE: u64 = u64::MAX;

pub struct Log {
    tail: Mutex<Tail>,
    active: AtomicBool,
    end: AtomicU64,
    /// A reader sleeps and wants to be woken when the end is no longer this; or [`AWAKE`].
    sleeping: AtomicU64,
}

struct Tail {
    chain: Chain,
    /// The oldest block that is kept.
    oldest: Option<Cursor>,
    kept_bytes: u64,
    /// The database that the stream has selected; `None`: the next effect says it anew.
    db: Option<u32>,
}

impl Log {
    pub(crate) fn new() -> Self {
        let tail =
            Tail { chain: Chain::new(0, BLOCK_BYTES), oldest: None, kept_bytes: 1024 * 1024, db: None };
        Self {
            tail: Mutex::new(tail),
            active: AtomicBool::new(false),
            end: AtomicU64::new(0),
            sleeping: AtomicU64::new(AWAKE),
        }
    }

    /// Whether effects are appended. Changed under all shards only, so a transaction sees one answer.
    #[inline]
    pub fn is_active(&self) -> bool {
        self.active.load(Ordering::Relaxed)
    }

    /// Offset of the last byte.
    #[inline]
    pub fn end(&self) -> Offset {
        Offset(self.end.load(Ordering::Acquire))
    }

    /// Offset before the oldest byte that is kept: `start..=end` can be continued from.
    pub fn start(&self) -> Offset {
        self.range().0
    }

    /// [`Log::start`] and [`Log::end`] of one moment: a reset between two looks may bring the end below the start.
    pub fn range(&self) -> (Offset, Offset) {
        let tail = self.tail.lock();
        let end = self.end();
        (tail.oldest.as_ref().map_or(end, |oldest| Offset(oldest.offset())), end)
    }

    /// Begins to append, where the log ended; kept bytes of before are gone. The caller holds all shards.
    pub fn activate(&self) {
        self.reset(self.end());
    }

    /// Stops appending and frees the backlog. The caller holds all shards.
    pub fn deactivate(&self) {
        let mut tail = self.tail.lock();
        tail.oldest = None;
        self.active.store(false, Ordering::Relaxed);
    }

    /// Begins a log whose last byte has the offset `end`: after a full sync, or for a new history.
    pub fn reset(&self, end: Offset) {
        let mut tail = self.tail.lock();
        tail.chain = Chain::new(end.0, BLOCK_BYTES);
        tail.oldest = Some(tail.chain.cursor());
        tail.db = None;
        self.end.store(end.0, Ordering::Release);
        self.active.store(true, Ordering::Relaxed);
    }

    /// Sets the offset of an inactive log, as read from a snapshot.
    pub fn set_end(&self, end: Offset) {
        assert!(!self.is_active());
        self.end.store(end.0, Ordering::Release);
    }

    /// repl-backlog-size: how many bytes of the past are kept for readers to come.
    pub fn set_kept_bytes(&self, bytes: u64) {
        let mut tail = self.tail.lock();
        tail.kept_bytes = bytes;
        tail.trim(self.end().0);
    }

    /// The next effect names its database anew: at every cut and at the start of a new history.
    pub fn forget_db(&self) {
        self.tail.lock().db = None;
    }

    /// The database that the stream has selected.
    pub fn db(&self) -> Option<u32> {
        self.tail.lock().db
    }

    pub fn set_db(&self, db: Option<u32>) {
        self.tail.lock().db = db;
    }

    /// A reader from `offset` on, if that is still kept.
    pub fn cursor(&self, offset: Offset) -> Option<Cursor> {
        let tail = self.tail.lock();
        if self.end() < offset {
            return None;
        }
        let mut cursor = tail.oldest.clone()?;
        if offset.0 < cursor.offset() {
            return None;
        }
        cursor.skip(offset.0 - cursor.offset());
        Some(cursor)
    }

    /// Appends the effects of one unit: inside MULTI and EXEC if there are several. The new end.
    ///
    /// The first effect's database is selected before MULTI, as Redis does: MULTI belongs to a database too.
    pub(crate) fn append(&self, effects: &Effects) -> Offset {
        let mut tail = self.tail.lock();
        let several = 1 < effects.marks.len();
        if several {
            let (db, _) = effects.iter().next().expect("there are several");
            if tail.db != Some(db) {
                tail.select(db);
            }
            tail.chain.append(b"*1\r\n$5\r\nMULTI\r\n");
        }
        for (db, bytes) in effects.iter() {
            if tail.db != Some(db) {
                tail.select(db);
            }
            tail.chain.append(bytes);
        }
        if several {
            tail.chain.append(b"*1\r\n$4\r\nEXEC\r\n");
        }
        self.appended(&mut tail)
    }

    /// Appends bytes that are a command without a database: PING, REPLCONF GETACK.
    pub fn append_bytes(&self, bytes: &[u8]) -> Offset {
        let mut tail = self.tail.lock();
        tail.chain.append(bytes);
        self.appended(&mut tail)
    }

    /// Appends a primary's bytes, after which `db` is selected.
    pub(crate) fn append_verbatim(&self, bytes: &[u8], db: Option<u32>) -> Offset {
        let mut tail = self.tail.lock();
        tail.chain.append(bytes);
        tail.db = db;
        self.appended(&mut tail)
    }

    fn appended(&self, tail: &mut Tail) -> Offset {
        let end = tail.chain.end();
        self.end.store(end, Ordering::Release);
        tail.trim(end);
        Offset(end)
    }

    /// Says that a reader goes to sleep; it must look at the end once more after this.
    pub fn will_sleep(&self) {
        self.sleeping.store(self.end().0, Ordering::Relaxed);
        // Either the reader's next look sees what is appended, or the appender's look sees the reader asleep.
        fence(Ordering::SeqCst);
    }

    /// Whether a reader sleeps, there is something new for it, and it is now to be woken by the caller.
    #[inline]
    pub fn take_sleeper(&self) -> bool {
        fence(Ordering::SeqCst);
        let seen = self.sleeping.load(Ordering::Relaxed);
        seen != AWAKE && seen != self.end().0 && self.sleeping.swap(AWAKE, Ordering::Relaxed) != AWAKE
    }
}

impl Tail {
    fn select(&mut self, db: u32) {
        let mut number = itoa::Buffer::new();
        let mut command = Vec::with_capacity(32);
        push_command(&mut command, &[b"SELECT", number.format(db).as_bytes()]);
        self.chain.append(&command);
        self.db = Some(db);
    }

    /// Lets go of whole blocks while what remains is at least `kept_bytes`.
    #[inline]
    fn trim(&mut self, end: u64) {
        let Some(oldest) = &mut self.oldest else { return };
        while self.kept_bytes + BLOCK_BYTES as u64 <= end - oldest.offset() && oldest.skip_block() {}
    }
}

/// The effects of one unit, as canonical commands in one buffer.
#[derive(Default)]
pub(crate) struct Effects {
    bytes: Vec<u8>,
    /// Where each effect begins, and its database.
    marks: Vec<(usize, u32)>,
}

impl Effects {
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.marks.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.marks.clear();
    }

    pub(crate) fn push_command(&mut self, db: u32, argv: &[&[u8]]) {
        self.marks.push((self.bytes.len(), db));
        push_command(&mut self.bytes, argv);
    }

    /// A command that is already in canonical form.
    pub(crate) fn push_bytes(&mut self, db: u32, bytes: &[u8]) {
        self.marks.push((self.bytes.len(), db));
        self.bytes.extend_from_slice(bytes);
    }

    pub(crate) fn push_args(&mut self, db: u32, args: Args) {
        let argv: Vec<&[u8]> = args.iter().collect();
        self.push_command(db, &argv);
    }

    fn iter(&self) -> impl Iterator<Item = (u32, &[u8])> {
        self.marks.iter().enumerate().map(|(i, &(from, db))| {
            let to = self.marks.get(i + 1).map_or(self.bytes.len(), |&(next, _)| next);
            (db, &self.bytes[from..to])
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sleeping_reader_is_woken_once_and_only_for_news() {
        let log = Log::new();
        log.activate();
        assert!(!log.take_sleeper());
        log.will_sleep();
        assert!(!log.take_sleeper(), "nothing was appended");
        log.append_bytes(b"PING");
        assert!(log.take_sleeper());
        log.append_bytes(b"PING");
        assert!(!log.take_sleeper(), "it is awake");
        log.will_sleep();
        log.reset(Offset(3));
        assert!(log.take_sleeper(), "a log that begins anew is news");
    }
}
