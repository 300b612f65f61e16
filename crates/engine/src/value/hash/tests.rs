//! Hashes in each form against a model of a few lines, with a clock that goes on.

use super::edit::Set;
use super::{Hash, Horizon};
use crate::txn::Ttl;
use crate::value::Shapes;
use base::rng::Rng;
use ds::listpack::{Text, Value};
use std::collections::BTreeMap;

type Model = BTreeMap<Vec<u8>, (Vec<u8>, Option<i64>)>;

fn text(value: Value) -> Vec<u8> {
    value.bytes(&mut Text::new()).to_vec()
}

fn all(hash: &Hash) -> Vec<(Vec<u8>, Vec<u8>, Option<i64>)> {
    let mut found = Vec::new();
    hash.for_each(|field, value, expiry| found.push((text(field), text(value), expiry)));
    found
}

/// All that a reader sees at this moment, by each of the ways to look.
fn compare(hash: &Hash, model: &Model, horizon: Horizon) {
    let mut sorted = all(hash);
    if matches!(hash, Hash::PackEx(_)) {
        let order: Vec<i64> = sorted.iter().map(|(_, _, expiry)| expiry.unwrap_or(i64::MAX)).collect();
        assert!(order.is_sorted(), "what expires first comes first: {order:?}");
    }
    sorted.sort();
    let wanted: Vec<_> =
        model.iter().map(|(field, (value, at))| (field.clone(), value.clone(), *at)).collect();
    assert_eq!(sorted, wanted);
    let live = || model.iter().filter(|(_, (_, at))| !horizon.hides(*at));
    assert_eq!(hash.len(), model.len());
    assert_eq!(hash.live_len(horizon), live().count());
    let earliest = model.values().filter_map(|(_, at)| *at).min();
    assert_eq!(hash.earliest(), earliest);
    assert_eq!(hash.is_volatile(), earliest.is_some());
    assert_eq!(hash.has_due(horizon), horizon.hides(earliest));
    for (field, (value, at)) in model {
        let wanted = (!horizon.hides(*at)).then(|| (value.clone(), *at));
        assert_eq!(hash.look(field, horizon).map(|(value, at)| (text(value), at)), wanted);
        assert_eq!(hash.get(field, horizon).map(text), wanted.map(|(value, _)| value));
        assert_eq!(hash.contains(field, horizon), !horizon.hides(*at));
    }
    let mut scanned = Vec::new();
    assert_eq!(hash.scan(0, usize::MAX, horizon, |field, value| scanned.push((text(field), text(value)))), 0);
    scanned.sort();
    let pairs: Vec<_> = live().map(|(field, (value, _))| (field.clone(), value.clone())).collect();
    assert_eq!(scanned, pairs);
    let ranked = hash.ranked(horizon);
    let mut listed: Vec<_> = (0..ranked.len()).filter_map(|rank| ranked.get(rank)).collect();
    assert!(ranked.get(ranked.len()).is_none());
    listed.sort_by_key(|(field, _)| text(*field));
    assert_eq!(listed.into_iter().map(|(f, v)| (text(f), text(v))).collect::<Vec<_>>(), pairs);
}

fn step(hash: &mut Hash, model: &mut Model, rng: &mut Rng, now: i64, shapes: &Shapes) {
    let horizon = if rng.one_in(4) { Horizon::NONE } else { Horizon::at(now) };
    let field = format!("f{}", rng.below(20)).into_bytes();
    let value = match rng.below(4) {
        0 => rng.below(1 << 40).to_string(),
        1 => "x".repeat(rng.below(30) as usize),
        _ => format!("v{}", rng.below(100)),
    };
    let at = now + rng.below(60) as i64 - 20;
    let before = model.get(&field).cloned();
    let live = before.filter(|(_, at)| !horizon.hides(*at));
    match rng.below(10) {
        0..=4 => {
            let ttl = [Ttl::Clear, Ttl::Keep, Ttl::At(at)][rng.below(3) as usize];
            let done = hash.set(&field, Value::Str(value.as_bytes()), ttl, horizon, shapes);
            assert_eq!(done == Set::Updated, live.is_some());
            let expiry = match ttl {
                Ttl::Clear => None,
                Ttl::At(at) => Some(at),
                Ttl::Keep => live.and_then(|(_, at)| at),
            };
            model.insert(field, (value.into_bytes(), expiry));
        }
        5 | 6 => {
            let expiry = (!rng.one_in(4)).then_some(at);
            assert_eq!(hash.set_expiry(&field, expiry, horizon), live.is_some());
            if let Some((value, _)) = live {
                model.insert(field, (value, expiry));
            }
        }
        7 | 8 => {
            assert_eq!(hash.remove(&field, horizon), live.is_some());
            model.remove(&field);
        }
        _ => {
            let max = rng.below(5) as usize;
            let taken = hash.take_due(horizon, max);
            let due = model.values().filter(|(_, at)| horizon.hides(*at)).count();
            assert_eq!(taken.len(), due.min(max));
            for field in taken {
                let (_, at) = model.remove(&field).expect("it was there");
                assert!(horizon.hides(at));
            }
        }
    }
}

#[test]
fn random_operations() {
    for seed in 0..300 {
        let mut rng = Rng::new(seed);
        let shapes = Shapes {
            hash_entries_max: [4, 15, 512][rng.below(3) as usize],
            hash_value_bytes_max: [25, 64][rng.below(2) as usize],
            ..Shapes::default()
        };
        let (mut hash, mut model, mut now) = (Hash::new(), Model::new(), 1_000);
        for turn in 0..200 {
            now += rng.below(4) as i64;
            step(&mut hash, &mut model, &mut rng, now, &shapes);
            if !matches!(hash, Hash::Table(_)) {
                assert!(hash.len() <= shapes.hash_entries_max, "seed {seed}");
            }
            if turn % 10 == 9 {
                compare(&hash, &model, Horizon::at(now));
                compare(&hash, &model, Horizon::NONE);
            }
        }
    }
}

/// Forms as Redis takes them.
#[test]
fn forms() {
    let shapes = Shapes { hash_entries_max: 2, hash_value_bytes_max: 5, ..Shapes::default() };
    let set = |hash: &mut Hash, field: &str, value: &str, ttl| {
        hash.set(field.as_bytes(), Value::Str(value.as_bytes()), ttl, Horizon::NONE, &shapes)
    };
    let mut hash = Hash::new();
    set(&mut hash, "a", "12345", Ttl::Clear);
    set(&mut hash, "b", "", Ttl::Clear);
    assert_eq!(hash.encoding(), "listpack");
    let mut longer = hash.clone();
    set(&mut longer, "a", "123456", Ttl::Clear);
    assert_eq!((longer.encoding(), longer.len()), ("hashtable", 2));
    let mut more = hash.clone();
    set(&mut more, "c", "", Ttl::Clear);
    assert_eq!((more.encoding(), more.len()), ("hashtable", 3));
    let mut expected = hash.clone();
    expected.expect(3, &shapes);
    assert_eq!((expected.encoding(), expected.len()), ("hashtable", 2));
    set(&mut hash, "a", "1", Ttl::At(5));
    assert_eq!(hash.encoding(), "listpackex");
    assert_eq!(hash.look(b"a", Horizon::NONE), Some((Value::Int(1), Some(5))));
    set(&mut hash, "a", "2", Ttl::Clear);
    assert_eq!(hash.encoding(), "listpackex");
    set(&mut hash, "toolong", "1", Ttl::At(7));
    assert_eq!(hash.encoding(), "hashtable");
    assert_eq!(hash.earliest(), Some(7));
}

/// What is built at once is what fields that come one by one make.
#[test]
fn built_at_once() {
    let shapes = Shapes { hash_entries_max: 30, ..Shapes::default() };
    let names: Vec<String> = (0..31).map(|i| format!("f{i}")).collect();
    let pair = |i: usize| (names[i].as_bytes(), names[30 - i].as_bytes());
    for count in 0..=30 {
        let pairs = (0..count).map(pair);
        let packed = Hash::packed(pairs.clone(), &shapes).expect("they fit");
        let mut hash = Hash::new();
        pairs.clone().for_each(|(field, value)| {
            hash.set(field, Value::Str(value), Ttl::Clear, Horizon::NONE, &shapes);
        });
        let (Hash::Pack(packed), Hash::Pack(wanted)) = (packed, hash) else { panic!("both are listpacks") };
        assert_eq!(packed.bytes(), wanted.bytes());
        assert!(count == 0 || Hash::packed(pairs.chain([pair(count / 2 % count)]), &shapes).is_none());
    }
    assert!(Hash::packed((0..31).map(pair), &shapes).is_none());
    let long = [b'x'; 65];
    assert!(Hash::packed([(&long[..], &b"v"[..])].into_iter(), &shapes).is_none());
    assert!(Hash::packed([(&b"f"[..], &long[..])].into_iter(), &shapes).is_none());
}
