//! What the server's DEBUG command needs of the keyspace: DIGEST, DIGEST-VALUE, OBJECT, POPULATE.
//!
//! All but POPULATE look at entries as they are: keys whose time has passed are not deleted and not hidden, and
//! nothing counts as a use. The transactions hold every shard.

use crate::commands::references;
use crate::digest::{self, Digest, Scores};
use crate::events::Event;
use crate::rdb;
use crate::shard::Shard;
use crate::txn::{Ttl, Txn};
use crate::value::{self, Value};
use ds::entry::EntryRef;
use std::ops::Range;
use std::sync::atomic::Ordering::Relaxed;

/// DEBUG DIGEST: of every database.
pub fn digest(txn: &Txn, scores: Scores) -> Digest {
    let shards: Vec<&Shard> = txn.each_shard().collect();
    digest::of_all(shards.iter().copied(), txn.engine().databases(), scores)
}

/// DEBUG DIGEST-VALUE of one key of the selected database; zeros if it is not there.
pub fn digest_value(txn: &Txn, key: &[u8]) -> Digest {
    entry(txn, key).map(|entry| digest::of_value(entry, Scores::Shortest)).unwrap_or_default()
}

/// Whether DEBUG OBJECT tells what takes time to find.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Detail {
    Full,
    Fast,
}

/// DEBUG OBJECT: the line that it answers; `None` if there is no such key.
pub fn object(txn: &Txn, key: &[u8], detail: Detail) -> Option<String> {
    let entry = entry(txn, key)?;
    let length = match detail {
        Detail::Full => format!(" serializedlength:{}", serialized_length(txn, entry)),
        Detail::Fast => String::new(),
    };
    Some(format!(
        "Value at:{:p} refcount:{} encoding:{}{length} lru:{} lru_seconds_idle:{}",
        entry.key().as_ptr(),
        references(entry),
        value::encoding(&entry.payload(), entry.tag()),
        entry.access(),
        txn.idle_seconds(entry),
    ))
}

/// Bytes that the value takes in an RDB file, without its type.
fn serialized_length(txn: &Txn, entry: EntryRef<Value>) -> usize {
    let mut saved = Vec::new();
    rdb::encode_value(&mut saved, &entry.payload().into(), txn.engine().settings.compress.load(Relaxed));
    saved.len() - 1
}

fn entry<'t>(txn: &'t Txn, key: &[u8]) -> Option<EntryRef<'t, Value>> {
    let engine = txn.engine();
    let hash = engine.hash(key);
    txn.shard(engine.shard_of(hash)).db(txn.db)?.table.get(hash, key)
}

/// DEBUG POPULATE: creates the strings of these numbers in the selected database, named by prefix and number, where
/// there are none yet; each `size` bytes long, or as long as its text if none is given. As in Redis they do not count
/// as changes that a save point waits for. Unlike there they are logged as SETs where a log is read: a replica that
/// continues would else differ from its primary for good.
pub fn populate(txn: &mut Txn, numbers: Range<u64>, prefix: &[u8], size: Option<usize>) {
    let (mut key, mut text) = (Vec::new(), Vec::new());
    for i in numbers {
        key.clear();
        key.extend_from_slice(prefix);
        key.push(b':');
        base::number::push_u64(&mut key, i);
        if txn.exists(&key) {
            continue;
        }
        text.clear();
        text.extend_from_slice(b"value:");
        base::number::push_u64(&mut text, i);
        text.resize(size.unwrap_or(text.len()), 0);
        txn.put_str(&key, &text, Ttl::Clear);
        txn.also_changed_in(txn.db, &key, Event::Set);
        txn.effect(&[b"SET", &key, &text]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Bench, check_on};
    use crate::txn::Origin;

    fn with_all<R>(bench: &mut Bench, run: impl FnOnce(&mut Txn) -> R) -> R {
        let locks = bench.engine.all_locks();
        let mut txn = bench.engine.begin(&mut bench.scratch, locks, bench.now_ms, bench.db, Origin::Client);
        let result = run(&mut txn);
        txn.commit();
        result
    }

    /// The figures are those of redis-server 7.0.15.
    #[test]
    fn digests_are_those_of_redis() {
        let mut bench = Bench::new();
        assert_eq!(with_all(&mut bench, |txn| digest(txn, Scores::Shortest).to_string()), "0".repeat(40));
        check_on(&mut bench, "SET n 9223372036854775807");
        let value = with_all(&mut bench, |txn| digest_value(txn, b"n").to_string());
        assert_eq!(value, "740f3d80eb4e51ce571db1772e687df8d366aa6d");
        assert_eq!(with_all(&mut bench, |txn| digest_value(txn, b"none").to_string()), "0".repeat(40));
    }

    #[test]
    fn object_describes() {
        let mut bench = Bench::new();
        check_on(&mut bench, "SET n 9223372036854775807\nTICK 3000");
        let line = with_all(&mut bench, |txn| object(txn, b"n", Detail::Full)).expect("the key is there");
        assert!(line.starts_with("Value at:0x"), "{line}");
        let end = "refcount:1 encoding:int serializedlength:20 lru:1000 lru_seconds_idle:3";
        assert!(line.ends_with(end), "{line}");
        let line = with_all(&mut bench, |txn| object(txn, b"n", Detail::Fast)).expect("the key is there");
        assert!(line.ends_with("refcount:1 encoding:int lru:1000 lru_seconds_idle:3"), "{line}");
        assert_eq!(with_all(&mut bench, |txn| object(txn, b"none", Detail::Full)), None);
    }

    #[test]
    fn keys_whose_time_has_passed_are_shown() {
        let mut bench = Bench::new();
        check_on(&mut bench, "SET k v PX 5\nSET other v\nTICK 10");
        let all = with_all(&mut bench, |txn| digest(txn, Scores::Shortest).to_string());
        let other = with_all(&mut bench, |txn| digest_value(txn, b"other").to_string());
        // The digest of a value says whether it expires, as in Redis.
        let value = with_all(&mut bench, |txn| digest_value(txn, b"k").to_string());
        assert!(value != other && value != "0".repeat(40), "{value}");
        assert!(with_all(&mut bench, |txn| object(txn, b"k", Detail::Full)).is_some());
        assert_eq!(with_all(&mut bench, |txn| digest(txn, Scores::Shortest).to_string()), all);
        check_on(&mut bench, "GET k -> nil");
        assert!(with_all(&mut bench, |txn| digest(txn, Scores::Shortest).to_string()) != all);
        assert_eq!(with_all(&mut bench, |txn| object(txn, b"k", Detail::Full)), None);
    }

    #[test]
    fn populate_fills_the_gaps() {
        let mut bench = Bench::new();
        check_on(&mut bench, "SET p:1 mine");
        bench.logged();
        with_all(&mut bench, |txn| populate(txn, 0..3, b"p", Some(10)));
        let sets = r#"MULTI ; SET p:0 "value:0\x00\x00\x00" ; SET p:2 "value:2\x00\x00\x00" ; EXEC"#;
        assert_eq!(bench.logged(), sets);
        let dirty: u64 = with_all(&mut bench, |txn| txn.each_shard().map(|shard| shard.dirty).sum());
        assert_eq!(dirty, 1, "only the SET counts");
        with_all(&mut bench, |txn| populate(txn, 0..3, b"p", Some(10)));
        assert_eq!(bench.logged(), "", "nothing was missing");
        check_on(
            &mut bench,
            r#"
            GET p:0 -> "value:0\x00\x00\x00"
            GET p:1 -> "mine"
            DBSIZE -> 3
            "#,
        );
        with_all(&mut bench, |txn| populate(txn, 0..5, b"key", None));
        check_on(&mut bench, "GET key:4 -> \"value:4\"\nDBSIZE -> 8");
        // Names that are built in one place after another are told apart: keys are not known by their address.
        with_all(&mut bench, |txn| {
            populate(txn, 10..60, b"key", None);
            assert!((10..60).all(|i| txn.exists(format!("key:{i}").as_bytes())));
        });
        check_on(&mut bench, "GET key:37 -> \"value:37\"\nDBSIZE -> 58");
        with_all(&mut bench, |txn| populate(txn, 0..1, b"short", Some(3)));
        check_on(&mut bench, "GET short:0 -> \"val\"");
    }
}
