//! What random commands on sets log makes the same data elsewhere, whatever chance took and what time did meanwhile.

use crate::testing::{Bench, Follower};
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

fn check_run(seed: u64) {
    let mut rng = Rng::new(seed);
    let mut bench = Bench::new();
    let follower = Follower::of(&bench, &mut rng);
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
    follower.check(&bench, seed);
}

#[test]
fn the_log_makes_the_same_sets() {
    (0..40).for_each(check_run);
}
