//! What random commands on streams log makes the same streams elsewhere: entries, counters, groups, and what is pending
//! with whom.
//!
//! Not the same, as in Redis: how often an entry was read again by its own consumer, and consumers that were made by a
//! read that gave them nothing. A replica's clock stands still; whatever it holds comes from the log.

use crate::apply::Applier;
use crate::debug;
use crate::digest::{Digest, Scores};
use crate::engine::Engine;
use crate::testing::Bench;
use crate::txn::{Origin, Scratch};
use crate::value::as_stream;
use base::rng::Rng;
use ds::stream::{Counters, Id};

/// K a key, G a group, C a consumer, I an id, A one to add, N a count, T a time in ms.
const TEMPLATES: &[&str] = &[
    "XADD K * f v",
    "XADD K A f v g w",
    "XADD K MAXLEN ~ N * f v",
    "XADD K MAXLEN N * f v",
    "XADD K MINID ~ I LIMIT N * f v",
    "XDEL K I",
    "XDEL K I I",
    "XTRIM K MAXLEN ~ N",
    "XTRIM K MINID ~ I LIMIT N",
    "XSETID K I",
    "XGROUP CREATE K G I MKSTREAM",
    "XGROUP CREATE K G $ MKSTREAM ENTRIESREAD N",
    "XGROUP SETID K G I",
    "XGROUP CREATECONSUMER K G C",
    "XGROUP DELCONSUMER K G C",
    "XGROUP DESTROY K G",
    "XREADGROUP GROUP G C COUNT N STREAMS K >",
    "XREADGROUP GROUP G C COUNT N STREAMS K >",
    "XREADGROUP GROUP G C STREAMS K K > >",
    "XREADGROUP GROUP G C NOACK COUNT N STREAMS K >",
    "XREADGROUP GROUP G C STREAMS K 0",
    "XACK K G I I",
    "XCLAIM K G C T I I",
    "XCLAIM K G C 0 I FORCE RETRYCOUNT N IDLE T",
    "XCLAIM K G C 0 I LASTID I",
    "XAUTOCLAIM K G C T 0 COUNT N",
    "PEXPIRE K T",
    "TICK T",
    "COPY K K REPLACE",
    "DEL K",
];

/// Its clock is behind every time that the primary tells of.
const REPLICA_MS: i64 = 5;
const FIRST_MS: i64 = 1_000_000;

type Groups = Vec<(Vec<u8>, Id, Option<u64>, Vec<(Id, Vec<u8>)>)>;
type Streams = Vec<(Vec<u8>, Counters, Groups)>;

fn streams(engine: &Engine) -> (Digest, Streams) {
    let mut scratch = Scratch::new(0);
    let txn = engine.begin(&mut scratch, engine.all_locks(), 0, 0, Origin::Primary);
    let entries = txn.each_shard().filter_map(|shard| shard.db(0)).flat_map(|db| db.table.iter());
    let mut all: Streams = entries
        .map(|entry| {
            let stream = as_stream(entry.payload()).expect("there are only streams");
            let groups = stream.groups().map(|group| {
                let pending = group.pending_between(Id::MIN, Id::MAX);
                let pending = pending.map(|one| (one.id, one.consumer.to_vec())).collect();
                (group.name().to_vec(), group.last_id, group.entries_read, pending)
            });
            (entry.key().to_vec(), stream.counters(), groups.collect())
        })
        .collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    (debug::digest(&txn, Scores::Shortest), all)
}

fn check_run(seed: u64) {
    let mut rng = Rng::new(seed);
    let mut bench = Bench::new();
    let replica = Engine::new(1 << rng.below(7), 16, rng.next_u64());
    for engine in [&bench.engine, &replica] {
        engine.settings.shapes.stream_node_entries_max.store(3, std::sync::atomic::Ordering::Relaxed);
    }
    replica.change_state(|state| {
        state.set_replica(true);
    });
    replica.log.activate();
    let (mut scratch, mut notes) = (Scratch::new(0), Vec::new());
    let mut applier = Applier::new(0, replica.role_epoch());
    let mut cursor = bench.engine.log.cursor(bench.engine.log.end()).expect("the log is kept");
    let mut pending = 0;
    for _ in 0..1500 {
        let template = TEMPLATES[rng.below(TEMPLATES.len() as u64) as usize];
        if ["DEL K", "PEXPIRE K T", "XSETID K I"].contains(&template) && !rng.one_in(5) {
            continue;
        }
        let now_ms = bench.now_ms;
        let past = (now_ms - FIRST_MS) as u64 + 1;
        let word = |word: &str| match word {
            "K" => format!("k{}", rng.below(3)),
            "G" => format!("g{}", rng.below(2)),
            "C" => format!("c{}", rng.below(3)),
            "I" => format!("{}-{}", FIRST_MS + rng.below(past) as i64, rng.below(4)),
            "A" => format!("{}-{}", now_ms + rng.below(2) as i64, rng.below(4)),
            "N" => rng.below(12).to_string(),
            "T" => rng.below(9).to_string(),
            other => other.into(),
        };
        let words: Vec<String> = template.split(' ').map(word).collect();
        if words[0] == "TICK" {
            bench.now_ms += words[1].parse::<i64>().expect("a number");
            continue;
        }
        bench.run(&words.iter().map(|word| word.as_bytes()).collect::<Vec<_>>());
        if rng.one_in(20) {
            while !cursor.chunk().is_empty() {
                let (bytes, len) = (cursor.chunk().to_vec(), cursor.chunk().len());
                cursor.advance(len);
                let fed = applier.feed(&replica, &mut scratch, REPLICA_MS, &bytes, &mut notes);
                fed.expect("the log is a stream");
            }
            let (ours, theirs) = (streams(&bench.engine), streams(&replica));
            assert_eq!(theirs, ours, "seed {seed}: the log does not make the same data");
            pending +=
                ours.1.iter().flat_map(|(_, _, groups)| groups).map(|group| group.3.len()).sum::<usize>();
        }
    }
    assert_eq!(notes, [], "seed {seed}: a logged command failed on the replica");
    assert!(0 < pending, "seed {seed}: nothing was pending");
}

#[test]
fn the_log_makes_the_same_streams() {
    (0..40).for_each(check_run);
}
