//! Fields of hashes that expire: on a primary and its replicas, over restarts and promotions, and what becomes of a
//! replica that is too old for them.

use crate::tree::{digest, follow, syncs, wait_equal, wait_link_up};
use base::rng::Rng;
use testkit::process::{Server, has_redis};

fn start() -> Server {
    // No PING that moves the offsets while digests are taken.
    Server::greylag().args("--repl-ping-replica-period 1000 --hash-max-listpack-entries 8").start()
}

fn unix_ms() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.expect("it is after 1970").as_millis() as u64
}

fn number(server: &Server, line: &str) -> i64 {
    let reply = server.run(line).to_string();
    let digits = reply.strip_prefix("(integer) ").unwrap_or_else(|| panic!("{line}: {reply}"));
    digits.parse().expect("a number")
}

/// The fields that a client sees.
fn keys(server: &Server, key: &str) -> Vec<String> {
    server.run(&format!("HKEYS {key}")).items().iter().map(|name| name.text()).collect()
}

/// A write to one of a few hashes; times from now up to a second, and some far off.
fn random_write(rng: &mut Rng) -> String {
    let key = format!("h{}", rng.below(6));
    let field = |rng: &mut Rng| format!("f{}", rng.below(12));
    let (a, b, n) = (field(rng), field(rng), rng.below(100));
    let ms = if rng.one_in(3) { 1_000_000 + rng.below(1000) } else { rng.below(300) };
    let word = |rng: &mut Rng, words: &[&'static str]| words[rng.below(words.len() as u64) as usize];
    match rng.below(20) {
        0..=2 => format!("HSET {key} {a} {n} {b} x{n}"),
        3..=5 => {
            let condition = word(rng, &["", "", "", "NX", "XX", "GT", "LT"]);
            format!("HPEXPIRE {key} {ms} {condition} FIELDS 2 {a} {b}")
        }
        6 => format!("HEXPIRE {key} {} FIELDS 1 {a}", rng.below(2)),
        7 => format!("HPEXPIREAT {key} {} FIELDS 2 {a} {b}", unix_ms() + ms),
        8..=10 => {
            let condition = word(rng, &["", "", "FNX", "FXX"]);
            format!("HSETEX {key} {condition} PX {ms} FIELDS 2 {a} {n} {b} {n}")
        }
        11 => format!("HSETEX {key} KEEPTTL FIELDS 1 {a} {n}"),
        12 => format!("HGETEX {key} PX {ms} FIELDS 2 {a} {b}"),
        13 => format!("HGETEX {key} PERSIST FIELDS 1 {a}"),
        14 => format!("HGETDEL {key} FIELDS 2 {a} {b}"),
        15 => format!("HPERSIST {key} FIELDS 1 {a}"),
        16 => format!("HINCRBY {key} {a} 1"),
        17 => format!("HINCRBYFLOAT {key} {a} 1.5"),
        18 => match rng.below(6) {
            0 => format!("RENAME {key} h{}", rng.below(6)),
            1 => format!("COPY {key} h{} REPLACE", rng.below(6)),
            2 => format!("MOVE {key} 1"),
            3 => "SWAPDB 0 1".into(),
            4 => format!("DEL {key}"),
            _ => format!("PEXPIRE {key} {ms}"),
        },
        _ => format!("HDEL {key} {a} {b}"),
    }
}

/// Random writes, active expiry and a replica: equal data at equal offsets; over a restart of both, too.
#[test]
fn random_writes_reach_a_replica() {
    let seed = std::env::var("FIELD_EXPIRY_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(11);
    println!("FIELD_EXPIRY_SEED={seed}");
    let mut rng = Rng::new(seed);
    let (mut primary, mut replica) = (start(), start());
    for round in 0..4 {
        if round == 1 {
            follow(&replica, primary.port());
            wait_link_up(&replica);
        }
        let mut client = primary.client();
        for _ in 0..1500 {
            client.run(&random_write(&mut rng));
        }
        if round != 0 {
            wait_equal(&[&primary, &replica]);
        }
    }
    let lasting = "HSETEX lasting PX 100000000 FIELDS 2 a 1 b 2";
    primary.run(lasting);
    primary.run("HPERSIST lasting FIELDS 1 b");
    wait_equal(&[&primary, &replica]);
    let times = primary.run("HPEXPIRETIME lasting FIELDS 2 a b").to_string();
    primary.run("SAVE");
    replica.run("SAVE");
    primary.terminate();
    replica.terminate();
    primary.start_again();
    assert_eq!(primary.run("HPEXPIRETIME lasting FIELDS 2 a b").to_string(), times);
    replica.start_again();
    follow(&replica, primary.port());
    wait_link_up(&replica);
    wait_equal(&[&primary, &replica]);
    assert_eq!(replica.run("HPEXPIRETIME lasting FIELDS 2 a b").to_string(), times);
}

/// A replica's readers see no field whose time has passed, and it deletes none by its clock: its primary says when. It
/// does so itself when it is promoted.
#[test]
fn a_replica_deletes_fields_on_its_primarys_word() {
    let (mut primary, replica) = (start(), start());
    primary.run("DEBUG SET-ACTIVE-EXPIRE 0");
    primary.run("HSET early a 1 b 2");
    primary.run("HPEXPIRE early 1000000 FIELDS 1 a");
    follow(&replica, primary.port());
    wait_link_up(&replica);
    // By the full synchronization, and by the stream.
    primary.run("HPEXPIRE early 100 FIELDS 1 a");
    primary.run("HSETEX late PX 100 FIELDS 2 a 1 b 2");
    primary.run("HSETEX table PX 100 FIELDS 9 1 1 2 2 3 3 4 4 5 5 6 6 7 7 8 8 9 9");
    primary.run("HSET table stays 1");
    wait_equal(&[&primary, &replica]);
    replica.wait_for("the fields look gone", || replica.run("HGET late a").to_string() == "(nil)");
    replica.wait_for("the others, too", || keys(&replica, "table") == ["stays"]);
    assert_eq!((number(&replica, "HLEN late"), number(&replica, "HLEN table")), (2, 10));
    assert_eq!(number(&replica, "EXISTS late"), 1);
    assert_eq!(keys(&replica, "early"), ["b"]);
    wait_equal(&[&primary, &replica]);
    assert_eq!(primary.info_field("keyspace", "db0").rsplit(',').next(), Some("subexpiry=3"));
    primary.run("DEBUG SET-ACTIVE-EXPIRE 1");
    for server in [&primary, &replica] {
        server.wait_for("the fields are gone", || {
            number(server, "EXISTS late") == 0 && number(server, "HLEN table") == 1
        });
    }
    primary.wait_for("all of them are counted", || primary.info_field("stats", "expired_subkeys") == "12");
    assert_eq!(replica.info_field("stats", "expired_subkeys"), "0");
    wait_equal(&[&primary, &replica]);
    assert!(!primary.info_field("keyspace", "db0").contains("subexpiry"));
    // And the replica that became the primary expires what it was left with.
    primary.run("DEBUG SET-ACTIVE-EXPIRE 0");
    primary.run("HSETEX orphan PX 100 FIELDS 2 a 1 b 2");
    wait_equal(&[&primary, &replica]);
    primary.kill();
    replica.wait_for("the fields look gone", || replica.run("HGET orphan a").to_string() == "(nil)");
    assert_eq!(number(&replica, "HLEN orphan"), 2);
    replica.run("REPLICAOF NO ONE");
    replica.wait_for("the promoted one expires them", || number(&replica, "EXISTS orphan") == 0);
    assert_eq!(replica.info_field("stats", "expired_subkeys"), "2");
}

/// DEBUG RELOAD keeps the times, and active expiry knows of them again.
#[test]
fn a_reload_keeps_the_times() {
    let server = start();
    server.run("DEBUG SET-ACTIVE-EXPIRE 0");
    server.run("HSETEX small PX 50 FIELDS 1 a 1");
    server.run("HSET small b 2");
    server.run("HSETEX table PX 50 FIELDS 9 1 1 2 2 3 3 4 4 5 5 6 6 7 7 8 8 9 9");
    server.run("HSETEX table PX 100000000 FIELDS 1 stays 1");
    let before = digest(&server);
    let at = server.run("HPEXPIRETIME table FIELDS 1 stays").to_string();
    assert_eq!(server.run("DEBUG RELOAD").to_string(), "OK");
    assert_eq!(digest(&server), before);
    server.run("DEBUG SET-ACTIVE-EXPIRE 1");
    server.wait_for("the fields are gone", || {
        number(&server, "HLEN small") == 1 && number(&server, "HLEN table") == 1
    });
    assert_eq!(server.run("DEBUG RELOAD").to_string(), "OK");
    assert_eq!(server.run("HPEXPIRETIME table FIELDS 1 stays").to_string(), at);
}

/// redis-server 7.0 can't load such hashes: it is sent them a few times, and then told to wait, instead of being sent
/// the data set for ever. It does not come back at once each time, either.
#[test]
fn a_replica_that_is_too_old_is_told_so() {
    if !has_redis("a_replica_that_is_too_old_is_told_so") {
        return;
    }
    let (primary, replica) = (start(), Server::redis().start());
    primary.run("HSETEX h PX 100000000 FIELDS 1 a 1");
    primary.run("SET other value");
    follow(&replica, primary.port());
    primary.wait_log("it is probably older than Redis 7.4");
    assert!(replica.log_contains("Can't handle RDB format version 12"), "{}", replica.log_tail());
    let full = syncs(&primary).0;
    replica.wait_log_times("Hashes with field expiration can't be sent to a replica that is older", 2);
    assert_eq!(syncs(&primary).0, full, "it is not sent the data set again");
    assert!(!replica.log_contains("Retrying with SYNC"), "{}", replica.log_tail());
    // Others are served meanwhile.
    let other = start();
    follow(&other, primary.port());
    wait_link_up(&other);
    wait_equal(&[&primary, &other]);
}
