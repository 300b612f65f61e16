//! Active expiry: deletes keys whose time has passed, in bounded slices, one shard at a time.
//!
//! Only segments whose earliest expiry has come are visited. Each deletion is a unit of its own in the log, as
//! when a command meets the key. A replica, and a server whose writes are paused, deletes nothing.

use crate::engine::Engine;
use crate::txn::{Origin, Scratch};
use ds::striped::LockSet;

/// Segments that one slice visits in one table at most.
const SEGMENTS_PER_SLICE: usize = 64;

/// Where the walk is; begins anywhere.
#[derive(Default, Clone, Copy, Debug)]
pub struct Cursor {
    shard: u8,
    db: u32,
    position: u64,
}

/// What a slice did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slice {
    pub deleted: usize,
    /// The walk has come round to its beginning.
    pub round_ended: bool,
}

/// Visits a bounded part of one shard's table and deletes what is due at `now_ms`.
pub fn step(engine: &Engine, cursor: &mut Cursor, now_ms: i64, scratch: &mut Scratch) -> Slice {
    let state = engine.state();
    if state.is_replica() || state.expiry_paused() {
        return Slice { deleted: 0, round_ended: true };
    }
    let mut due: Vec<Box<[u8]>> = Vec::new();
    let mut txn = engine.begin(scratch, LockSet::one(cursor.shard), now_ms, cursor.db, Origin::Client);
    let next = match txn.held_mut().get_mut(cursor.shard).db_mut(cursor.db) {
        Some(db) if db.table.volatile_len() != 0 => {
            // Due is what lies strictly in the past.
            db.table.due(cursor.position, now_ms - 1, SEGMENTS_PER_SLICE, &mut |_, entry| {
                due.push(entry.key().into())
            })
        }
        _ => None,
    };
    let deleted = due.iter().filter(|key| txn.expire_now(cursor.db, key)).count();
    txn.commit();
    let round_ended = match next {
        Some(position) => {
            cursor.position = position;
            false
        }
        None => cursor.next_table(engine),
    };
    Slice { deleted, round_ended }
}

impl Cursor {
    /// On to the next database of the shard, then the next shard; true when that is the first again.
    fn next_table(&mut self, engine: &Engine) -> bool {
        self.position = 0;
        self.db += 1;
        if self.db == engine.databases() {
            self.db = 0;
            self.shard = (self.shard + 1) % engine.shard_count();
            return self.shard == 0;
        }
        false
    }
}
