//! Streams in a tree: random commands on a primary, with a Greylag replica and a redis-server replica behind it.
//!
//! At equal offsets the digests are equal, and groups have the same things pending. A restart by the file brings all
//! of it back, with the times of consumers too.

use crate::tree::{follow, wait_equal, wait_link_up};
use base::rng::Rng;
use testkit::process::Kind::Greylag;
use testkit::process::{Server, has_redis};

const KEYS: u64 = 4;
const COMMANDS: usize = 6000;
const BATCH: usize = 50;

/// K a key, G a group, C a consumer, I an id, N a count.
const TEMPLATES: &[&str] = &[
    "XADD K * f v N w",
    "XADD K * f v N w",
    "XADD K I f v",
    "XADD K MAXLEN ~ 300 * f N",
    "XADD K MINID ~ I LIMIT 200 * f N",
    "XDEL K I I I",
    "XTRIM K MAXLEN ~ 200",
    "XTRIM K MAXLEN 150",
    "XGROUP CREATE K G 0 MKSTREAM",
    "XGROUP CREATE K G $ ENTRIESREAD N",
    "XGROUP SETID K G I",
    "XGROUP CREATECONSUMER K G C",
    "XGROUP DELCONSUMER K G C",
    "XREADGROUP GROUP G C COUNT N STREAMS K >",
    "XREADGROUP GROUP G C COUNT N STREAMS K >",
    "XREADGROUP GROUP G C COUNT 2 STREAMS K K > >",
    "XREADGROUP GROUP G C NOACK COUNT 2 STREAMS K >",
    "XREADGROUP GROUP G C STREAMS K 0",
    "XACK K G I I I I",
    "XCLAIM K G C 0 I I I FORCE",
    "XCLAIM K G C 0 I IDLE N RETRYCOUNT N LASTID I",
    "XAUTOCLAIM K G C 0 0 COUNT N",
    "XGROUP DESTROY K G",
    "COPY K K REPLACE",
];

/// Ids that come again: what is deleted, acknowledged or claimed is often there.
fn command(rng: &mut Rng) -> Vec<String> {
    let template = TEMPLATES[rng.below(TEMPLATES.len() as u64) as usize];
    // Rarely, since it takes all with it.
    if ["XGROUP DESTROY K G", "COPY K K REPLACE"].contains(&template) && !rng.one_in(10) {
        return command(rng);
    }
    let word = |word: &str| match word {
        "K" => format!("s{}", rng.below(KEYS)),
        "G" => format!("g{}", rng.below(2)),
        "C" => format!("c{}", rng.below(3)),
        "I" => format!("{}-{}", 1 + rng.below(30), rng.below(3)),
        "N" => rng.below(20).to_string(),
        other => other.into(),
    };
    template.split(' ').map(word).collect()
}

/// The groups of every stream, as a client sees them; without consumers that have nothing.
fn groups(server: &Server) -> Vec<String> {
    let mut client = server.client();
    let mut seen = Vec::new();
    for key in (0..KEYS).map(|n| format!("s{n}")) {
        for group in ["g0", "g1"] {
            for request in [format!("XPENDING {key} {group}"), format!("XPENDING {key} {group} - + 1000")] {
                let mut reply = client.run(&request);
                // How long it has been pending goes on meanwhile, and reading again is not logged.
                if let testkit::value::Value::Array(items) = &mut reply {
                    for item in items {
                        if let testkit::value::Value::Array(one) = item
                            && one.len() == 4
                        {
                            one.truncate(2);
                        }
                    }
                }
                seen.push(format!("{request}: {reply}"));
            }
        }
    }
    seen
}

/// Ids and counters of every stream.
fn counters(server: &Server) -> Vec<String> {
    const FIELDS: usize = 14;
    let mut client = server.client();
    (0..KEYS)
        .map(|n| match client.run(&format!("XINFO STREAM s{n}")) {
            testkit::value::Value::Array(items) => format!("{:?}", &items[..FIELDS.min(items.len())]),
            other => format!("{other}"),
        })
        .collect()
}

#[test]
fn random_streams_are_the_same_behind_a_primary() {
    if Greylag.is_redis() {
        return;
    }
    let name = "random_streams_are_the_same_behind_a_primary";
    let primary = Server::greylag().start();
    let mut replicas = vec![Server::greylag().start()];
    if has_redis(name) {
        replicas.push(Server::redis().start());
    }
    for replica in &replicas {
        follow(replica, primary.port());
        wait_link_up(replica);
    }
    const SEED: u64 = 20;
    let mut rng = Rng::new(SEED);
    let mut client = primary.client();
    // Old ids first: those that are given lie before the clock's.
    for key in 0..KEYS {
        for ms in 1..=30 {
            client.run(&format!("XADD s{key} {ms}-{} f v", ms % 3));
        }
    }
    for _ in 0..COMMANDS / BATCH {
        let batch: Vec<Vec<String>> = (0..BATCH).map(|_| command(&mut rng)).collect();
        client.pipeline(&batch).expect("is answered");
    }
    let nodes: Vec<&Server> = std::iter::once(&primary).chain(&replicas).collect();
    wait_equal(&nodes);
    for replica in &replicas {
        assert_eq!(groups(replica), groups(&primary), "seed {SEED}: {}", replica.log_tail());
        assert_eq!(counters(replica), counters(&primary), "seed {SEED}: {}", replica.log_tail());
    }
}

#[test]
fn a_restart_brings_streams_back() {
    if Greylag.is_redis() {
        return;
    }
    const SEED: u64 = 21;
    let primary = Server::greylag().start();
    let mut rng = Rng::new(SEED);
    let mut client = primary.client();
    client.run("XADD s0 1-1 f v");
    client.run("XGROUP CREATE s0 idle 0");
    client.run("XGROUP CREATECONSUMER s0 idle sleeper");
    for _ in 0..COMMANDS / BATCH {
        let batch: Vec<Vec<String>> = (0..BATCH).map(|_| command(&mut rng)).collect();
        client.pipeline(&batch).expect("is answered");
    }
    // Something is pending, whatever chance did.
    for line in ["XADD s1 * f v", "XGROUP CREATE s1 last 0 MKSTREAM", "XREADGROUP GROUP last c STREAMS s1 >"]
    {
        client.run(line);
    }
    assert_eq!(client.run("SAVE").text(), "OK");
    let full = |server: &Server| -> Vec<String> {
        (0..KEYS).map(|n| server.run(&format!("XINFO STREAM s{n} FULL COUNT 0")).to_string()).collect()
    };
    let digest = primary.run("DEBUG DIGEST").text();
    let before = full(&primary);
    let saved = std::fs::read(primary.dir().join("dump.rdb")).expect("was saved");
    let again = Server::greylag().file("dump.rdb", &saved).start();
    assert_eq!(again.run("DEBUG DIGEST").text(), digest, "seed {SEED}");
    // Entries, counters, groups, what is pending with whom since when, and when consumers were seen and active.
    assert_eq!(full(&again), before, "seed {SEED}");
    if has_redis("a_restart_brings_streams_back") {
        let theirs = Server::redis().file("dump.rdb", &saved).start();
        assert_eq!(theirs.run("DEBUG DIGEST").text(), digest, "seed {SEED}: {}", theirs.log_tail());
        assert_eq!(groups(&theirs), groups(&primary), "seed {SEED}");
    }
}
