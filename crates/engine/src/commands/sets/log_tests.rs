//! What random commands on sets log makes the same data elsewhere, whatever chance took and what time did meanwhile.

use crate::apply::Applier;
use crate::debug;
use crate::digest::{Digest, Scores};
use crate::engine::Engine;
use crate::testing::Bench;
use crate::txn::{Origin, Scratch};
use base::rng::Rng;

/// K a key, M a member, N a count, T a time in ms.
const TEMPLATES: &[&str] = &[
    "SADD K M M M",
    "SADD K M M M M M M",
    "SREM K M M",
    "SMOVE K K M",
    "SPOP K",
    "SPOP K N",
    "SUNIONSTORE K K K",
    "SINTERSTORE K K K",
    "SDIFFSTORE K K K K",
    "BITOP OR K K K",
    "SETBIT K N 1",
    "PEXPIRE K T",
    "TICK T",
    "DEL K",
];

/// The replica's clock, which stands still far ahead: nothing there may go by it.
const REPLICA_MS: i64 = 900_000_000_000;

fn digest(engine: &Engine) -> Digest {
    let mut scratch = Scratch::new(0);
    let txn = engine.begin(&mut scratch, engine.all_locks(), 0, 0, Origin::Primary);
    debug::digest(&txn, Scores::Shortest)
}

fn check_run(seed: u64) {
    let mut rng = Rng::new(seed);
    let mut bench = Bench::new();
    let replica = Engine::new(1 << rng.below(7), 16, rng.next_u64());
    replica.change_state(|state| {
        state.set_replica(true);
    });
    replica.log.activate();
    let (mut scratch, mut notes) = (Scratch::new(0), Vec::new());
    let mut applier = Applier::new(0, replica.role_epoch());
    let mut cursor = bench.engine.log.cursor(bench.engine.log.end()).expect("the log is kept");
    // Few members of each kind, so that sets meet; some seeds have enough of them for tables.
    let members = [12, 400][rng.below(2) as usize];
    for _ in 0..1500 {
        let template = TEMPLATES[rng.below(TEMPLATES.len() as u64) as usize];
        let word = |word: &str| match word {
            "K" => format!("k{}", rng.below(5)),
            "M" => format!("{}{}", ["", "", "m"][rng.below(3) as usize], rng.below(members)),
            "N" => rng.below(members).to_string(),
            "T" => rng.below(60).to_string(),
            other => other.into(),
        };
        let words: Vec<String> = template.split(' ').map(word).collect();
        if words[0] == "TICK" {
            bench.now_ms += words[1].parse::<i64>().expect("a number");
            continue;
        }
        bench.run(&words.iter().map(|word| word.as_bytes()).collect::<Vec<_>>());
    }
    while !cursor.chunk().is_empty() {
        let (bytes, len) = (cursor.chunk().to_vec(), cursor.chunk().len());
        cursor.advance(len);
        applier.feed(&replica, &mut scratch, REPLICA_MS, &bytes, &mut notes).expect("the log is a stream");
    }
    assert_eq!(notes, [], "seed {seed}: a logged command failed on the replica");
    assert_eq!(digest(&replica), digest(&bench.engine), "seed {seed}: the log does not make the same data");
}

#[test]
fn the_log_makes_the_same_sets() {
    (0..40).for_each(check_run);
}
