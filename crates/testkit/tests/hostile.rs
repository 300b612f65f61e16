//! Hostile bytes: the corpus of what was found once, every small damage to good values, and random damage.
//!
//! `HOSTILE_SEED=n` runs the random part with one seed, `HOSTILE_ROUNDS=n` sets how many mutations each value gets,
//! `HOSTILE_WHOLE=1` changes every byte of every value, which takes ten minutes or more.
//! A failure names target and bytes; put those into a file of `crates/testkit/corpus/TARGET/`.

use base::rng::Rng;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use testkit::hostile::seeds::{Seed, values};
use testkit::hostile::{COMMANDS, Session, TARGETS, mutate, payload, target};
use testkit::value::Value;

const FILES: [&[u8]; 4] = [
    include_bytes!("../../engine/tests/golden/redis-7.0.15.rdb"),
    include_bytes!("../../engine/tests/golden/redis-7.2.4.rdb"),
    include_bytes!("../../engine/tests/golden/redis-8.0-pre.rdb"),
    include_bytes!("../../engine/tests/golden/valkey-8.0-plus.rdb"),
];

/// Of values up to this size every byte is changed; of larger ones, some.
const WHOLE_BYTES_MAX: usize = 600;
const SAMPLED: usize = 150;
/// Larger values have nothing that these don't have.
const BYTES_MAX: usize = 6000;

fn number(name: &str) -> Option<u64> {
    std::env::var(name)
        .ok()
        .map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is a number, not {text:?}")))
}

/// Runs a target; a panic is told with its bytes.
#[track_caller]
fn bear(name: &str, bytes: &[u8], story: &str) {
    let run = target(name).run;
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| run(bytes))) {
        let why =
            panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
        panic!("{name}: {} ({story}); bytes: \"{}\"", why.unwrap_or("a panic"), bytes.escape_ascii());
    }
}

/// The files' values that are not too large, each body once.
fn seeds() -> Vec<Seed> {
    let mut seeds: Vec<Seed> = FILES.iter().flat_map(|file| values(file)).collect();
    seeds.retain(|seed| seed.body.len() <= BYTES_MAX);
    seeds.sort_by(|a, b| a.body.cmp(&b.body));
    seeds.dedup_by(|a, b| a.body == b.body);
    seeds
}

#[test]
fn what_was_found_once() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let mut found = 0;
    for target in TARGETS {
        for case in std::fs::read_dir(corpus.join(target.name)).into_iter().flatten() {
            let path = case.expect("is a file").path();
            let bytes = std::fs::read(&path).expect("can be read");
            bear(target.name, &bytes, &path.display().to_string());
            found += 1;
        }
    }
    assert!(0 < found, "the corpus is there");
}

/// What is good is taken, and every command knows it.
#[test]
fn good_values_are_sound() {
    for seed in seeds() {
        let mut session = Session::new();
        let reply = session.run(&[b"RESTORE", b"k", b"0", &payload(&seed.body)]);
        assert_eq!(reply, Some(Value::Simple(b"OK".to_vec())), "{}", seed.key);
        bear("restore", &seed.body, &seed.key);
        bear("stream", &seed.body, &seed.key);
    }
}

/// The damage of one byte, at one of the places: that is what a disk or a wire does.
fn places(rng: &mut Rng, len: usize) -> Vec<usize> {
    match len <= WHOLE_BYTES_MAX || number("HOSTILE_WHOLE").is_some() {
        true => (0..len).collect(),
        false => (0..SAMPLED).map(|_| rng.below(len as u64) as usize).collect(),
    }
}

#[test]
fn every_changed_byte_and_every_cut_is_refused_or_sound() {
    let mut rng = Rng::new(11);
    for seed in seeds() {
        for at in places(&mut rng, seed.body.len()) {
            let before = seed.body[at];
            let mut changed = seed.body.clone();
            for byte in
                [before ^ (1 << rng.below(8)), before.wrapping_add(1), before.wrapping_sub(1), !before]
            {
                changed[at] = byte;
                bear("restore", &changed, &format!("{}, {before:#x} at {at} is {byte:#x}", seed.key));
            }
            bear("restore", &seed.body[..at], &format!("{}, cut at {at}", seed.key));
        }
    }
}

/// The same, and the checksum does not know of it: never taken.
#[test]
fn damage_without_a_new_checksum_is_refused() {
    let mut rng = Rng::new(12);
    let wrong = Some(Value::Error(b"ERR DUMP payload version or checksum are wrong".to_vec()));
    let mut session = Session::new();
    for seed in seeds() {
        let whole = payload(&seed.body);
        for at in places(&mut rng, whole.len()) {
            let mut changed = whole.clone();
            changed[at] ^= 1 << rng.below(8);
            assert_eq!(session.run(&[b"RESTORE", b"k", b"0", &changed]), wrong, "{} at {at}", seed.key);
            assert_eq!(
                session.run(&[b"RESTORE", b"k", b"0", &whole[..at]]),
                wrong,
                "{} cut at {at}",
                seed.key
            );
        }
    }
    assert_eq!(session.run(&[b"DBSIZE"]), Some(Value::Int(0)));
}

#[test]
fn random_damage_is_refused_or_sound() {
    let rounds = number("HOSTILE_ROUNDS").unwrap_or(60);
    let seed = number("HOSTILE_SEED").unwrap_or(1);
    println!("HOSTILE_SEED={seed} HOSTILE_ROUNDS={rounds}");
    let mut rng = Rng::new(seed);
    for value in seeds() {
        for round in 0..rounds {
            let mut bytes = value.body.clone();
            mutate(&mut bytes, &mut rng);
            let story = format!("HOSTILE_SEED={seed}, {}, round {round}", value.key);
            bear("restore", &bytes, &story);
            bear("stream", &bytes, &story);
            bear("lzf", &bytes, &story);
            let (kind, rest) = bytes.split_at(bytes.len().min(1));
            let file = [&b"REDIS0012\xfe\x00"[..], kind, b"\x01k", rest, b"\xff\0\0\0\0\0\0\0\0"];
            bear("rdb", &file.concat(), &story);
        }
    }
}

/// Those that are not of the engine.
const ELSEWHERE: &[&str] = &["memory"];

#[test]
fn the_table_of_commands_asks_each_type() {
    let is_known = |name: &str| engine::commands::find(name.as_bytes()).is_some();
    for kind in ["string", "list", "set", "hash", "zset", "stream"] {
        let names =
            || COMMANDS.iter().filter(|line| line.kind == kind).filter_map(|l| l.request.split(' ').next());
        let unknown: Vec<&str> =
            names().filter(|name| !is_known(name) && !ELSEWHERE.contains(name)).collect();
        assert!(unknown.is_empty(), "{kind}: {unknown:?}");
        assert!(15 <= names().filter(|name| is_known(name)).count(), "{kind}");
    }
}
