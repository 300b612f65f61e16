//! What INFO tells of the data set, gathered under all shards in one short look.

use crate::txn::Txn;
use crate::value::Value;
use ds::allocation::block_bytes;
use ds::entry::{EntryRef, Payload};

/// One database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DbSurvey {
    pub db: u32,
    /// Due ones included.
    pub keys: u64,
    /// Keys that have an expiry.
    pub volatile: u64,
    /// Hashes that have fields with an expiry.
    pub with_volatile_fields: u64,
    /// How long those will still be there on average, by a sample.
    pub ttl_ms: u64,
    /// Directories and segments; entries are not counted.
    pub table_bytes: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Survey {
    /// Databases that have keys.
    pub dbs: Vec<DbSurvey>,
    /// Changes since the start, in Redis's sense.
    pub dirty: u64,
}

/// Keys with an expiry that the average is taken of.
const SAMPLE: u64 = 64;
/// Segments that are looked at in one shard for it.
const SEGMENTS_PER_SHARD: usize = 4;

/// The transaction holds every shard.
pub fn survey(txn: &mut Txn) -> Survey {
    let dbs = (0..txn.engine().databases()).filter_map(|db| survey_db(txn, db)).collect();
    Survey { dbs, dirty: txn.each_shard().map(|shard| shard.dirty).sum() }
}

fn survey_db(txn: &mut Txn, db: u32) -> Option<DbSurvey> {
    let mut found = DbSurvey { db, keys: 0, volatile: 0, with_volatile_fields: 0, ttl_ms: 0, table_bytes: 0 };
    for part in txn.each_shard().filter_map(|shard| shard.db(db)) {
        found.keys += part.table.len() as u64;
        found.volatile += part.table.volatile_len() as u64;
        found.with_volatile_fields += part.table.inner_len() as u64;
        found.table_bytes += part.table.memory_bytes() as u64;
    }
    if found.keys == 0 {
        return None;
    }
    found.ttl_ms = mean_ttl_ms(txn, db);
    Some(found)
}

fn mean_ttl_ms(txn: &mut Txn, db: u32) -> u64 {
    let now_ms = txn.now_ms;
    let (mut sum, mut count) = (0u64, 0u64);
    for shard in txn.locks().iter() {
        let Some(part) = txn.held_mut().get_mut(shard).db_mut(db) else { continue };
        if SAMPLE <= count {
            break;
        }
        if part.table.volatile_len() == 0 {
            continue;
        }
        part.table.due(0, i64::MAX, SEGMENTS_PER_SHARD, &mut |_, entry| {
            // Others are visited for their fields.
            let Some(at) = entry.expiry() else { return };
            let left = at.saturating_sub(now_ms).max(0);
            sum = sum.saturating_add(left as u64);
            count += 1;
        });
    }
    sum.checked_div(count).unwrap_or(0)
}

/// Bytes that an entry takes: its place in the table, its block, and a value behind it, of which so many parts are
/// looked at where it does not know its size.
pub fn entry_bytes(entry: EntryRef<Value>, samples: usize) -> usize {
    let behind = match entry.payload() {
        Payload::Int(_) | Payload::Bytes(_) => 0,
        Payload::Boxed(value) => value.memory_bytes(samples),
    };
    size_of::<u64>() + block_bytes(entry.block_bytes()) + behind
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Engine;
    use crate::events::Event;
    use crate::testing::Bench;
    use crate::txn::{Origin, Scratch, Ttl};

    #[test]
    fn databases_with_keys_are_told() {
        let engine = Engine::new(4, 16, 7);
        let mut scratch = Scratch::new(1);
        let mut txn = engine.begin(&mut scratch, engine.all_locks(), 1_000, 3, Origin::Client);
        for i in 0..100u32 {
            let key = format!("k{i}");
            let ttl = if i % 2 == 0 { Ttl::At(6_000) } else { Ttl::Clear };
            txn.put_str(key.as_bytes(), b"value", ttl);
            txn.changed(key.as_bytes(), Event::Set);
        }
        let survey = survey(&mut txn);
        assert_eq!(survey.dirty, 100);
        let [db] = survey.dbs[..] else { panic!("one database has keys: {survey:?}") };
        assert_eq!((db.db, db.keys, db.volatile, db.ttl_ms), (3, 100, 50, 5_000));
        assert!(0 < db.table_bytes);
        txn.put_str(b"long", &[b'x'; 10_000], Ttl::Clear);
        let bytes = |key: &[u8]| entry_bytes(txn.get(key).expect("is there"), 5);
        assert!(10_000 <= bytes(b"long") && bytes(b"k1") < 100);
    }

    /// A few places stand for all, and the figure is near what the bytes are that were put in.
    #[test]
    fn large_values_are_told_by_a_sample() {
        let mut bench = Bench::new();
        let text = "x".repeat(90);
        for i in 0..20_000u32 {
            let member = format!("{text}{i:05}");
            let score = i.to_string();
            bench.run(&[b"RPUSH", b"list", member.as_bytes()]);
            bench.run(&[b"SADD", b"set", member.as_bytes()]);
            bench.run(&[b"ZADD", b"sorted", score.as_bytes(), member.as_bytes()]);
        }
        let mut scratch = Scratch::new(1);
        let txn = bench.engine.begin(&mut scratch, bench.engine.all_locks(), 0, 0, Origin::Client);
        let bytes = |key: &[u8], samples| entry_bytes(txn.get(key).expect("is there"), samples) as f64;
        for key in [&b"list"[..], b"set", b"sorted"] {
            let (few, all) = (bytes(key, 5), bytes(key, usize::MAX));
            assert!((few - all).abs() < all / 10.0, "{few} {all}");
            let least = 20_000.0 * 95.0;
            assert!(least < all && all < 2.0 * least, "{all}");
        }
    }
}
