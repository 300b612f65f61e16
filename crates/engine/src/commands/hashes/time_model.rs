//! Random commands on fields that expire, against a model of a few lines with a clock: every reply, what active expiry
//! deletes, the log against a second engine, and snapshots on the way. A failure names its seed.

use crate::expire::{self, Cursor};
use crate::model_tests::Walk;
use crate::testing::{Bench, Follower, texts};
use base::rng::Rng;
use std::collections::BTreeMap;
use std::sync::atomic::Ordering::Relaxed;

/// A field's value and expiry.
type Fields = BTreeMap<String, (String, Option<i64>)>;

#[derive(Default)]
struct Model {
    hashes: BTreeMap<String, Fields>,
    now_ms: i64,
}

impl Model {
    /// The hash without what is due, created if it is not there.
    fn hash(&mut self, key: &str) -> &mut Fields {
        let now_ms = self.now_ms;
        let hash = self.hashes.entry(key.into()).or_default();
        hash.retain(|_, (_, at)| at.is_none_or(|at| now_ms <= at));
        hash
    }

    /// The reply, as scripts write it.
    fn run(&mut self, words: &[String]) -> String {
        let now_ms = self.now_ms;
        let hash = self.hash(&words[1]);
        let fields_at = words.iter().position(|word| word == "FIELDS").map_or(2, |at| at + 2);
        let fields = &words[fields_at..];
        let number = |i: usize| words[i].parse::<i64>().expect("a number");
        match words[0].as_str() {
            "HSET" => {
                let added = hash.insert(words[2].clone(), (words[3].clone(), None)).is_none();
                i64::from(added).to_string()
            }
            "HDEL" => fields.iter().filter(|field| hash.remove(*field).is_some()).count().to_string(),
            "HGET" => value(hash.get(&words[2])),
            "HINCRBY" => {
                let (text, at) = hash.remove(&words[2]).unwrap_or(("0".into(), None));
                let sum = (text.parse::<i64>().expect("a number") + number(3)).to_string();
                hash.insert(words[2].clone(), (sum.clone(), at));
                sum
            }
            "HPTTL" => list(fields, |field| match hash.get(field) {
                None => "-2".into(),
                Some((_, None)) => "-1".into(),
                Some((_, Some(at))) => (at - now_ms).to_string(),
            }),
            "HPERSIST" => list(fields, |field| match hash.get_mut(field) {
                None => "-2".into(),
                Some((_, None)) => "-1".into(),
                Some((_, at)) => {
                    *at = None;
                    "1".into()
                }
            }),
            "HPEXPIRE" => {
                let (at, condition) = (now_ms + number(2), words[3].as_str());
                list(fields, |field| {
                    let Some((_, before)) = hash.get_mut(field) else { return "-2".into() };
                    let holds = match (condition, *before) {
                        ("NX", before) => before.is_none(),
                        ("XX", before) => before.is_some(),
                        ("GT", before) => before.is_some_and(|before| before < at),
                        ("LT", before) => before.is_none_or(|before| at < before),
                        _ => true,
                    };
                    if !holds {
                        return "0".into();
                    }
                    *before = Some(at);
                    if now_ms < at {
                        return "1".into();
                    }
                    hash.remove(field);
                    "2".into()
                })
            }
            "HGETDEL" => list(fields, |field| value(hash.remove(field).as_ref())),
            "HGETEX" => list(fields, |field| {
                let reply = value(hash.get(field));
                if let Some((_, before)) = hash.get_mut(field) {
                    match words[2].as_str() {
                        "PX" => *before = Some(now_ms + number(3)),
                        "PERSIST" => *before = None,
                        _ => {}
                    }
                    if before.is_some_and(|at| at <= now_ms) && words[2] == "PX" {
                        hash.remove(field);
                    }
                }
                reply
            }),
            "HSETEX" => {
                let there = fields.iter().step_by(2).filter(|field| hash.contains_key(*field)).count();
                let count = fields.len() / 2;
                let has = |option: &str| words.iter().take(fields_at).any(|word| word == option);
                if (has("FNX") && there != 0) || (has("FXX") && there != count) {
                    return "0".into();
                }
                let px = words.iter().position(|word| word == "PX").map(|i| now_ms + number(i + 1));
                for pair in fields.chunks(2) {
                    let kept = hash.get(&pair[0]).and_then(|(_, at)| *at).filter(|_| has("KEEPTTL"));
                    hash.insert(pair[0].clone(), (pair[1].clone(), px.or(kept)));
                    if px.is_some_and(|at| at <= now_ms) {
                        hash.remove(&pair[0]);
                    }
                }
                "1".into()
            }
            other => panic!("the model knows no {other}"),
        }
    }
}

fn value(found: Option<&(String, Option<i64>)>) -> String {
    found.map_or("nil".into(), |(text, _)| format!("\"{text}\""))
}

fn list(fields: &[String], each: impl FnMut(&String) -> String) -> String {
    format!("[{}]", fields.iter().map(each).collect::<Vec<_>>().join(", "))
}

/// K a key, F a field, N an integer, M a time in ms from now, C a condition, O an option of HSETEX.
const TEMPLATES: &[&str] = &[
    "HSET K F N",
    "HDEL K F F",
    "HGET K F",
    "HINCRBY K F N",
    "HPTTL K FIELDS 3 F F F",
    "HPERSIST K FIELDS 2 F F",
    "HPEXPIRE K M FIELDS 2 F F",
    "HPEXPIRE K M C FIELDS 2 F F",
    "HGETDEL K FIELDS 2 F F",
    "HGETEX K FIELDS 2 F F",
    "HGETEX K PX M FIELDS 2 F F",
    "HGETEX K PERSIST FIELDS 2 F F",
    "HSETEX K FIELDS 2 F N F N",
    "HSETEX K PX M FIELDS 2 F N F N",
    "HSETEX K O PX M FIELDS 2 F N F N",
    "HSETEX K KEEPTTL O FIELDS 1 F N",
    "TICK",
    "EXPIRE",
];

fn expire(bench: &mut Bench) {
    let mut cursor = Cursor::default();
    while !expire::step(&bench.engine, &mut cursor, bench.now_ms, &mut bench.scratch).round_ended {}
}

fn check_run(seed: u64) {
    let mut rng = Rng::new(seed);
    let mut bench = Bench::with_shards(4);
    let entries_max = [512, 3, 0][rng.below(3) as usize];
    bench.engine.settings.shapes.hash_entries_max.store(entries_max, Relaxed);
    let follower = Follower::of(&bench, &mut rng);
    let mut model = Model { now_ms: bench.now_ms, ..Model::default() };
    let mut walk: Option<Walk> = None;
    for _ in 0..3000 {
        let template = TEMPLATES[rng.below(TEMPLATES.len() as u64) as usize];
        let word = |word: &str| match word {
            "K" => format!("k{}", rng.below(4)),
            "F" => format!("f{}", rng.below(10)),
            "N" => rng.below(1000).to_string(),
            "M" => rng.below(60).to_string(),
            "C" => ["NX", "XX", "GT", "LT"][rng.below(4) as usize].into(),
            "O" => ["FNX", "FXX"][rng.below(2) as usize].into(),
            other => other.into(),
        };
        let words: Vec<String> = template.split(' ').map(word).collect();
        match words[0].as_str() {
            "TICK" => {
                bench.now_ms += rng.below(20) as i64;
                model.now_ms = bench.now_ms;
                continue;
            }
            "EXPIRE" => {
                expire(&mut bench);
                continue;
            }
            _ => {}
        }
        if walk.is_none() && rng.one_in(50) {
            walk = Some(Walk::cut(&mut bench));
        }
        let is_over = |walk: &mut Walk| !walk.step(&mut bench, 1, seed);
        if rng.one_in(10) && walk.as_mut().is_some_and(is_over) {
            walk = None;
        }
        let reply = bench.run(&words.iter().map(|word| word.as_bytes()).collect::<Vec<_>>());
        assert_eq!(texts(&reply).join(" "), model.run(&words), "seed {seed}: {words:?}");
    }
    // Once active expiry has come round, the keys and the fields are those of the model.
    expire(&mut bench);
    for key in model.hashes.keys().cloned().collect::<Vec<_>>() {
        let fields = model.hash(&key).clone();
        let ask = |bench: &mut Bench, command: &[u8]| texts(&bench.run(&[command, key.as_bytes()])).join(" ");
        assert_eq!(ask(&mut bench, b"HLEN"), fields.len().to_string(), "seed {seed}: {key}");
        let there = i64::from(!fields.is_empty()).to_string();
        assert_eq!(ask(&mut bench, b"EXISTS"), there, "seed {seed}: {key}");
    }
    follower.check(&bench, seed);
}

#[test]
fn fields_expire_as_in_the_model() {
    let seed = std::env::var("FIELD_TIME_SEED").ok().and_then(|seed| seed.parse().ok());
    match seed {
        Some(seed) => check_run(seed),
        None => (0..60).for_each(check_run),
    }
}
