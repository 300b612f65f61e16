//! Values of every type in files and in full syncs, from and to redis-server 7.0: equal digests.
//!
//! The data sets are the ones that the engine's tests compare value by value.

use crate::tree::{digest, follow, wait_link_up};
use testkit::process::Kind::Greylag;
use testkit::process::{Builder, Server, has_redis};

const REDIS_7_0: &[u8] = include_bytes!("../../../engine/tests/golden/redis-7.0.15.rdb");
const REDIS_7_2: &[u8] = include_bytes!("../../../engine/tests/golden/redis-7.2.4.rdb");
const REDIS_8: &[u8] = include_bytes!("../../../engine/tests/golden/redis-8.0-pre.rdb");
const VALKEY_8: &[u8] = include_bytes!("../../../engine/tests/golden/valkey-8.0-plus.rdb");

/// Keys of the data set that all have.
const KEYS: i64 = 32;

fn with(builder: Builder, rdb: &[u8]) -> Server {
    builder.file("dump.rdb", rdb).start()
}

/// Greylag's digest as redis-server 7.0 computes it.
#[track_caller]
fn digest_7_0(server: &Server) -> String {
    assert!(KEYS <= server.run("DBSIZE").int(), "the data set is there");
    server.run("DEBUG DIGEST 7.0").text()
}

#[test]
fn redis_loads_what_we_save() {
    if Greylag.is_redis() || !has_redis("redis_loads_what_we_save") {
        return;
    }
    for rdb in [REDIS_7_0, REDIS_7_2, VALKEY_8] {
        let ours = with(Server::greylag(), rdb);
        let wanted = digest_7_0(&ours);
        assert_eq!(ours.run("SAVE").text(), "OK");
        let saved = std::fs::read(ours.dir().join("dump.rdb")).expect("was saved");
        let theirs = with(Server::redis(), &saved);
        assert_eq!(digest(&theirs), wanted, "{}", theirs.log_tail());
    }
}

#[test]
fn a_full_sync_brings_every_type() {
    if Greylag.is_redis() || !has_redis("a_full_sync_brings_every_type") {
        return;
    }
    let theirs = with(Server::redis(), REDIS_7_0);
    let ours = Server::greylag().start();
    follow(&ours, theirs.port());
    wait_link_up(&ours);
    assert_eq!(digest_7_0(&ours), digest(&theirs), "{}", ours.log_tail());
    // And on, to a replica of theirs.
    let chained = Server::redis().start();
    follow(&chained, ours.port());
    wait_link_up(&chained);
    assert_eq!(digest(&chained), digest(&theirs), "{}", chained.log_tail());
}

/// Fields that expire are in files of Redis 7.4 and later alone: they go between servers that know them.
#[test]
fn fields_with_expiries_go_from_greylag_to_greylag() {
    if Greylag.is_redis() {
        return;
    }
    let primary = with(Server::greylag(), REDIS_8);
    let replica = Server::greylag().start();
    follow(&replica, primary.port());
    wait_link_up(&replica);
    assert!(KEYS <= replica.run("DBSIZE").int());
    assert_eq!(digest(&replica), digest(&primary), "{}", replica.log_tail());
    assert_eq!(primary.run("DEBUG RELOAD").text(), "OK");
    assert_eq!(digest(&replica), digest(&primary), "{}", primary.log_tail());
}
