//! Active expiry: deletes keys whose time has passed, and fields of hashes, in bounded slices, one shard at a time.
//!
//! Only segments whose earliest expiry has come are visited; that of a hash's fields counts there as a key's does. Each
//! deletion is a unit of its own in the log, as when a command meets the key. A replica, and a server whose writes are
//! paused, deletes nothing.

use crate::engine::Engine;
use crate::txn::{Origin, Scratch};
use ds::striped::LockSet;

/// Segments that one slice visits in one table at most.
const SEGMENTS_PER_SLICE: usize = 64;
/// Fields that one slice deletes at most.
const FIELDS_PER_SLICE: usize = 1024;

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
    /// Fields of hashes.
    pub fields_deleted: usize,
    /// The walk has come round to its beginning.
    pub round_ended: bool,
}

/// Visits a bounded part of one shard's table and deletes what is due at `now_ms`.
pub fn step(engine: &Engine, cursor: &mut Cursor, now_ms: i64, scratch: &mut Scratch) -> Slice {
    let state = engine.state();
    if state.is_replica() || state.expiry_paused() {
        return Slice { deleted: 0, fields_deleted: 0, round_ended: true };
    }
    // Keys that are due themselves, and others that have fields which are.
    let (mut due, mut hashes): (Vec<Box<[u8]>>, Vec<Box<[u8]>>) = Default::default();
    let mut txn = engine.begin(scratch, LockSet::one(cursor.shard), now_ms, cursor.db, Origin::Client);
    let next = match txn.held_mut().get_mut(cursor.shard).db_mut(cursor.db) {
        Some(db) if db.table.volatile_len() != 0 || db.table.inner_len() != 0 => {
            // Due is what lies strictly in the past.
            db.table.due(cursor.position, now_ms - 1, SEGMENTS_PER_SLICE, &mut |_, entry| {
                let is_whole = entry.expiry().is_some_and(|at| at < now_ms);
                if is_whole { &mut due } else { &mut hashes }.push(entry.key().into());
            })
        }
        _ => None,
    };
    let deleted = due.iter().filter(|key| txn.expire_now(cursor.db, key)).count();
    let mut room = FIELDS_PER_SLICE;
    for key in &hashes {
        room -= txn.expire_fields_now(key, room);
        if room == 0 {
            break;
        }
    }
    txn.commit();
    let fields_deleted = FIELDS_PER_SLICE - room;
    if room == 0 {
        // There may be more in the same segments.
        return Slice { deleted, fields_deleted, round_ended: false };
    }
    let round_ended = match next {
        Some(position) => {
            cursor.position = position;
            false
        }
        None => cursor.next_table(engine),
    };
    Slice { deleted, fields_deleted, round_ended }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Bench, check_on};
    use base::rng::Rng;

    /// Steps until the walk has come round; what was deleted, and in how many slices.
    fn round(bench: &mut Bench, cursor: &mut Cursor) -> (usize, usize) {
        let (mut deleted, mut slices) = (0, 0);
        loop {
            let slice = step(&bench.engine, cursor, bench.now_ms, &mut bench.scratch);
            deleted += slice.deleted;
            slices += 1;
            if slice.round_ended {
                return (deleted, slices);
            }
        }
    }

    fn size_of(bench: &mut Bench, db: u32) -> usize {
        bench.db = db;
        let reply = String::from_utf8(bench.run(&[b"DBSIZE"])).expect("is text");
        reply[1..].trim_end().parse().expect("a number")
    }

    /// One round deletes all that is due in every database, and nothing else, each with its DEL; the slices stay
    /// short, and a round that finds nothing due does not visit the keys.
    #[test]
    fn a_round_deletes_what_is_due_and_nothing_else() {
        const KEYS: usize = 40_000;
        let (seed, mut bench, mut cursor) = (3, Bench::with_shards(4), Cursor::default());
        let mut rng = Rng::new(seed);
        let (mut due, mut left) = (0, [0; 3]);
        for i in 0..KEYS {
            bench.db = rng.below(3) as u32;
            let key = format!("key:{i}");
            if i % 1000 == 0 {
                bench.logged(); // the log keeps only so much
            }
            match rng.below(4) {
                0 => {
                    let ms = (1 + rng.below(1000)).to_string();
                    bench.run(&[b"SET", key.as_bytes(), b"v", b"PX", ms.as_bytes()]);
                    due += 1;
                    continue;
                }
                1 => bench.run(&[b"SET", key.as_bytes(), b"v", b"PX", b"1001"]),
                _ => bench.run(&[b"SET", key.as_bytes(), b"v"]),
            };
            left[bench.db as usize] += 1;
        }
        bench.logged();
        assert_eq!(round(&mut bench, &mut cursor).0, 0, "nothing is due yet");
        bench.now_ms += 1001;
        let (deleted, slices) = round(&mut bench, &mut cursor);
        assert_eq!(deleted, due);
        // One for each table (shards × databases) at least, and few more.
        assert!(4 * 16 <= slices && slices < 4 * 16 + KEYS / SEGMENTS_PER_SLICE, "{slices}");
        let logged = bench.logged();
        assert_eq!(logged.matches("DEL key:").count(), due);
        assert!(!logged.contains("MULTI"), "each deletion is a unit of its own");
        for (db, left) in left.into_iter().enumerate() {
            assert_eq!(size_of(&mut bench, db as u32), left);
        }
        assert_eq!(round(&mut bench, &mut cursor).0, 0, "a time that is just now is not past");
        bench.now_ms += 1;
        assert!(0 < round(&mut bench, &mut cursor).0);
        let left: usize = (0..3).map(|db| size_of(&mut bench, db)).sum();
        assert_eq!(bench.scratch.take_counts().expired.get() as usize, KEYS - left);
    }

    /// A primary says what has expired; a pause of writes pauses this too, and nothing is lost by it.
    #[test]
    fn a_replica_and_a_paused_server_delete_nothing() {
        let (mut bench, mut cursor) = (Bench::new(), Cursor::default());
        check_on(&mut bench, "SET k v PX 10\nSET lasting v\nTICK 11\nREPLICA yes");
        assert_eq!(round(&mut bench, &mut cursor), (0, 1));
        check_on(&mut bench, "REPLICA no");
        bench.engine.change_state(|state| {
            state.set_paused(true, false);
        });
        assert_eq!(round(&mut bench, &mut cursor), (0, 1));
        bench.engine.change_state(|state| {
            state.set_paused(false, false);
        });
        bench.logged();
        assert_eq!(round(&mut bench, &mut cursor).0, 1);
        assert_eq!(bench.logged(), "DEL k");
        check_on(&mut bench, "DBSIZE -> 1\nEXISTS k -> 0");
    }
}
