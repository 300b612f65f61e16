//! What each command counts: keyspace hits and misses, changes for the save points, keys that expired. The figures
//! are those that redis-server 7.0.15 gives in INFO.

use crate::testing::{Bench, check_on};
use crate::txn::Origin;

/// Hits, misses, changes and expired keys of one request.
fn counts(bench: &mut Bench, request: &str) -> [u64; 4] {
    let before = changes(bench);
    bench.scratch.take_counts();
    check_on(bench, request);
    let counts = bench.scratch.take_counts();
    [counts.hits.get(), counts.misses.get(), changes(bench) - before, counts.expired.get()]
}

fn changes(bench: &mut Bench) -> u64 {
    let locks = bench.engine.all_locks();
    let txn = bench.engine.begin(&mut bench.scratch, locks, 0, 0, Origin::Client);
    txn.each_shard().map(|shard| shard.dirty).sum()
}

#[test]
fn commands_count_as_in_redis() {
    for (request, expected) in [
        ("GET k", [1, 0, 0, 0]),
        ("STRLEN k", [1, 0, 0, 0]),
        ("TYPE k", [1, 0, 0, 0]),
        ("TYPE none", [0, 1, 0, 0]),
        ("TTL k", [1, 0, 0, 0]),
        ("EXISTS k none", [1, 1, 0, 0]),
        ("TOUCH k none", [1, 1, 0, 0]),
        ("DUMP k", [1, 0, 0, 0]),
        ("OBJECT ENCODING k", [1, 0, 0, 0]),
        ("OBJECT FREQ k", [1, 0, 0, 0]),
        ("OBJECT IDLETIME none", [0, 1, 0, 0]),
        ("MGET k none k", [2, 1, 0, 0]),
        ("LCS k none", [1, 1, 0, 0]),
        ("GETEX k", [1, 0, 0, 0]),
        ("GETEX k EX 100", [1, 0, 1, 0]),
        ("GETEX k PERSIST", [1, 0, 0, 0]),
        ("SET k 1", [0, 0, 1, 0]),
        ("SET k 1 GET", [1, 0, 1, 0]),
        ("SET n 1 GET", [0, 1, 1, 0]),
        ("SET k 1 NX", [0, 0, 0, 0]),
        ("SET k 1 XX", [0, 0, 1, 0]),
        ("SET k 1 EX 10", [0, 0, 1, 0]),
        ("SETNX k 1", [0, 0, 0, 0]),
        ("GETSET k 1", [1, 0, 1, 0]),
        ("GETSET n 1", [0, 1, 1, 0]),
        ("COPY k z", [1, 0, 1, 0]),
        ("COPY none z", [0, 1, 0, 0]),
        ("COPY k other", [1, 0, 0, 0]),
        ("COPY k other REPLACE", [1, 0, 1, 0]),
        ("GETDEL k", [1, 0, 1, 0]),
        ("GETDEL none", [0, 1, 0, 0]),
        ("INCR k", [0, 0, 1, 0]),
        ("APPEND k 1", [0, 0, 1, 0]),
        ("SETRANGE k 0 x", [0, 0, 1, 0]),
        ("GETRANGE k 0 1", [1, 0, 0, 0]),
        ("EXPIRE k 100", [0, 0, 1, 0]),
        ("EXPIRE k -1", [0, 0, 1, 0]),
        ("PERSIST k", [0, 0, 0, 0]),
        ("RENAME k z", [0, 0, 1, 0]),
        ("RENAME k other", [0, 0, 1, 0]),
        ("RENAMENX k other", [0, 0, 0, 0]),
        ("MOVE k 1", [0, 0, 1, 0]),
        ("DEL k other none", [0, 0, 2, 0]),
        ("MSET a 1 b 2 a 3", [0, 0, 3, 0]),
        ("MSETNX a 1 b 2", [0, 0, 2, 0]),
        ("KEYS *", [0, 0, 0, 0]),
        ("SCAN 0 TYPE string", [0, 0, 0, 0]),
        ("RANDOMKEY", [0, 0, 0, 0]),
        ("DBSIZE", [0, 0, 0, 0]),
        ("FLUSHDB", [0, 0, 5, 0]),
        ("FLUSHALL", [0, 0, 5, 0]),
        ("SWAPDB 0 1", [0, 0, 1, 0]),
        ("SETEX k 10 v", [0, 0, 1, 0]),
        ("INCRBYFLOAT k 1", [0, 0, 1, 0]),
        ("PEXPIRETIME k", [1, 0, 0, 0]),
        ("SADD s c d a", [0, 0, 2, 0]),
        ("SADD s a", [0, 0, 0, 0]),
        ("SADD new a b", [0, 0, 2, 0]),
        ("SREM s a b x", [0, 0, 2, 0]),
        ("SMOVE s r a", [0, 0, 2, 0]),
        ("SMOVE s r b", [0, 0, 1, 0]),
        ("SMOVE s s a", [0, 0, 0, 0]),
        ("SISMEMBER s a", [1, 0, 0, 0]),
        ("SMISMEMBER none a", [0, 1, 0, 0]),
        ("SMEMBERS s", [1, 0, 0, 0]),
        ("SCARD none", [0, 1, 0, 0]),
        ("SPOP s", [0, 0, 1, 0]),
        ("SPOP s 1", [0, 0, 1, 0]),
        ("SPOP s 5", [1, 0, 2, 0]),
        ("SPOP none", [0, 0, 0, 0]),
        ("SRANDMEMBER s 5", [1, 0, 0, 0]),
        ("SINTER s none r", [2, 1, 0, 0]),
        ("SINTERCARD 2 s r", [2, 0, 0, 0]),
        ("SUNIONSTORE z s none", [1, 1, 1, 0]),
        ("SINTERSTORE r s none", [1, 1, 1, 0]),
        ("SDIFFSTORE z s s", [2, 0, 0, 0]),
        ("SSCAN s 0", [1, 0, 0, 0]),
    ] {
        let mut bench = Bench::new();
        check_on(&mut bench, "MSET k 1 other 2 t hello\nSADD s a b\nSADD r b");
        assert_eq!(counts(&mut bench, request), expected, "{request}");
    }
}

#[test]
fn commands_on_hashes_count_as_in_redis() {
    for (request, expected) in [
        ("HSET h d 1 e 2", [0, 0, 2, 0]),
        ("HSET h a 1", [0, 0, 1, 0]),
        ("HMSET h a 1 d 3", [0, 0, 2, 0]),
        ("HSETNX h a 1", [0, 0, 0, 0]),
        ("HSETNX h d 1", [0, 0, 1, 0]),
        ("HDEL h a b x", [0, 0, 2, 0]),
        ("HDEL h a b c", [0, 0, 3, 0]),
        ("HGET h a", [1, 0, 0, 0]),
        ("HGET h x", [1, 0, 0, 0]),
        ("HGET none a", [0, 1, 0, 0]),
        ("HMGET h a b x", [1, 0, 0, 0]),
        ("HLEN h", [1, 0, 0, 0]),
        ("HGETALL h", [1, 0, 0, 0]),
        ("HGETALL none", [0, 1, 0, 0]),
        ("HINCRBY h a 1", [0, 0, 1, 0]),
        ("HINCRBYFLOAT h a 1", [0, 0, 1, 0]),
        ("HRANDFIELD h", [1, 0, 0, 0]),
        ("HRANDFIELD h 0", [1, 0, 0, 0]),
        ("HRANDFIELD none 3", [0, 1, 0, 0]),
        ("HEXISTS none x", [0, 1, 0, 0]),
        ("HSTRLEN h a", [1, 0, 0, 0]),
        ("HSCAN h 0", [1, 0, 0, 0]),
    ] {
        let mut bench = Bench::new();
        check_on(&mut bench, "HSET h a 1 b 2 c 3");
        assert_eq!(counts(&mut bench, request), expected, "{request}");
    }
}

/// The key `k` has expired, and `o` is alive.
#[test]
fn an_expired_key_is_a_miss_and_no_change() {
    for (request, expected) in [
        ("GET k", [0, 1, 0, 1]),
        ("SET k 1", [0, 0, 1, 1]),
        ("SET k 1 KEEPTTL", [0, 0, 1, 1]),
        ("DEL k", [0, 0, 0, 1]),
        ("INCR k", [0, 0, 1, 1]),
        ("EXISTS k", [0, 1, 0, 1]),
        ("RENAME o k", [0, 0, 1, 1]),
        ("SCAN 0", [0, 0, 0, 1]),
        ("KEYS *", [0, 0, 0, 0]),
        ("OBJECT ENCODING k", [0, 1, 0, 1]),
        ("MSET k 1", [0, 0, 1, 1]),
        ("SETRANGE k 1 x", [0, 0, 1, 1]),
        ("COPY o k", [1, 0, 1, 1]),
        ("MOVE k 1", [0, 0, 0, 1]),
        ("RESTORE k -1 x", [0, 0, 0, 1]),
    ] {
        let mut bench = Bench::new();
        check_on(&mut bench, "SET k 1 PX 5\nSET o 1\nTICK 6");
        assert_eq!(counts(&mut bench, request), expected, "{request}");
    }
}
