//! Hashes and sets against a model: fields, expiry, clones, scans, chance, and hashes that collide.

use super::*;
use std::collections::{BTreeMap, HashMap, HashSet};

type Model = BTreeMap<Vec<u8>, (Vec<u8>, Option<i64>)>;

fn pair(n: u64) -> Vec<u8> {
    format!("field:{n}").into_bytes()
}

/// Mostly short, sometimes at the borders of what fits into a page, sometimes long.
fn bytes(rng: &mut Rng) -> Vec<u8> {
    let len = match rng.below(40) {
        0 => 235 + rng.below(12),
        1 => 980 + rng.below(3000),
        2 => 980 + rng.below(20),
        3..=6 => rng.below(200),
        _ => rng.below(20),
    };
    (0..len).map(|_| rng.next_u64() as u8).collect()
}

/// Mostly of one length where there are a thousand of them.
fn key(rng: &mut Rng, among: u64) -> Vec<u8> {
    if among == 1000 {
        let digits = if rng.one_in(3000) { 4 } else { 5 };
        return format!("{:0digits$}", rng.below(among)).into_bytes();
    }
    let mut key = pair(rng.below(among));
    if rng.one_in(50) {
        key.resize(200 + key.len() * 4, b'.');
    }
    key
}

fn check(fields: &Fields, model: &Model, seed: u64) {
    assert_eq!(fields.len(), model.len(), "seed {seed}");
    let found: Model = fields.iter().map(|f| (f.key.to_vec(), (f.value.to_vec(), f.expiry))).collect();
    assert!(found == *model, "seed {seed}: the fields are not the model's");
    assert_eq!(
        fields.volatile_len(),
        model.values().filter(|(_, expiry)| expiry.is_some()).count(),
        "seed {seed}"
    );
    let earliest = model.values().filter_map(|(_, expiry)| *expiry).min();
    assert_eq!(fields.earliest(), earliest, "seed {seed}");
    assert_eq!(fields.first_to_expire().and_then(|f| f.expiry), earliest, "seed {seed}");
    check_bytes(fields, seed);
}

/// The count of bytes that is kept is the one that a walk finds.
fn check_bytes(fields: &Fields, seed: u64) {
    assert_eq!(fields.trie.bytes(), fields.trie.bytes_walked(), "seed {seed}");
}

/// Random writes against a model; sometimes a clone is taken, which must stay as it was.
fn run(mut fields: Fields, seed: u64, steps: usize, among: u64) {
    let mut rng = Rng::new(seed);
    let mut model = Model::new();
    let mut clones: Vec<(Fields, Model)> = Vec::new();
    let has_values = fields.hashing.has_values;
    for step in 0..steps {
        // It grows, shrinks to almost nothing, and grows again.
        let shrinks = steps / 3 < step && step < 2 * steps / 3;
        let key = key(&mut rng, among);
        match rng.below(10) {
            0..=5 if !shrinks => {
                let is_odd = among != 1000 || rng.one_in(2000);
                let value = match has_values {
                    true if is_odd => bytes(&mut rng),
                    true => rng.next_u64().to_le_bytes().to_vec(),
                    false => Vec::new(),
                };
                let expiry = (is_odd && rng.one_in(8)).then(|| rng.below(1000) as i64);
                let want = if model.contains_key(&key) { Insert::Replaced } else { Insert::Inserted };
                assert_eq!(fields.insert(&key, &value, expiry), want, "seed {seed}");
                model.insert(key, (value, expiry));
            }
            6 if among != 1000 || rng.one_in(200) => {
                let expiry = rng.one_in(2).then(|| rng.below(1000) as i64);
                let there = model.get_mut(&key).map(|entry| entry.1 = expiry).is_some();
                assert_eq!(fields.set_expiry(&key, expiry), there, "seed {seed}");
            }
            7 => {
                let want = model.get(&key).map(|(value, expiry)| (&value[..], *expiry));
                assert_eq!(fields.get(&key).map(|f| (f.value, f.expiry)), want, "seed {seed}");
                assert_eq!(fields.contains(&key), want.is_some(), "seed {seed}");
            }
            _ if shrinks && rng.one_in(3) && !model.is_empty() => {
                let key = fields.random(&mut rng).expect("not empty").key.to_vec();
                assert!(fields.remove(&key) && model.remove(&key).is_some(), "seed {seed}");
            }
            _ => assert_eq!(fields.remove(&key), model.remove(&key).is_some(), "seed {seed}"),
        }
        if rng.one_in(steps as u64 / 6) {
            clones.push((fields.clone(), model.clone()));
        }
        if rng.one_in(steps as u64 / 20) {
            check(&fields, &model, seed);
        }
    }
    clones.push((fields, model));
    clones.iter().for_each(|(fields, model)| check(fields, model, seed));
    let (mut fields, model) = clones.pop().expect("the last one");
    for key in model.keys() {
        assert!(fields.remove(key), "seed {seed}");
    }
    check(&fields, &Model::new(), seed);
    let empty = Fields::new(KeyHasher::new(1), has_values).memory_bytes();
    assert!(fields.memory_bytes() <= empty + 64, "seed {seed}: it shrinks to nothing");
    clones.iter().for_each(|(fields, model)| check(fields, model, seed));
}

#[test]
fn behaves_as_a_map_and_clones_stay() {
    for seed in 0..16 {
        let among = [30, 300, 3000, 1000][seed as usize % 4];
        run(Fields::hash(KeyHasher::new(seed)), seed, 9000, among);
        run(Fields::set(KeyHasher::new(seed)), seed, 9000, among);
    }
}

/// Keys that share all bits of their hashes, or those that pages are split by: still right, only slower.
#[test]
fn colliding_hashes_are_only_slower() {
    for (seed, mask) in [(1, 0), (2, 0xff), (3, 0xf << 60), (4, 0xff << 40), (5, 0x0101 << 16)] {
        let mut fields = Fields::hash(KeyHasher::new(seed));
        fields.hashing.mask = mask;
        run(fields.clone(), seed, 4000, 600);
        run(fields, seed, 4000, 1000);
    }
}

#[test]
fn a_hundred_thousand_fields_come_and_go() {
    let mut fields = Fields::set(KeyHasher::new(5));
    for n in 0..100_000 {
        assert!(fields.add(&pair(n)));
    }
    assert!(!fields.add(&pair(7)));
    let half = fields.clone();
    assert_eq!(fields.iter().map(|f| f.key.to_vec()).collect::<HashSet<_>>().len(), 100_000);
    for n in (0..100_000).filter(|n| n % 1000 != 0) {
        assert!(fields.remove(&pair(n)) && !fields.contains(&pair(n)));
    }
    assert_eq!((fields.len(), half.len()), (100, 100_000));
    assert!(fields.memory_bytes() < half.memory_bytes() / 200, "pages were merged");
    check_bytes(&fields, 5);
    check_bytes(&half, 5);
    assert!((0..100_000).all(|n| half.contains(&pair(n))));
}

/// Integers in their decimal form take less than half of what a dictionary of strings took.
#[test]
fn integers_are_dense() {
    let mut fields = Fields::set(KeyHasher::new(6));
    for n in 0..50_000 {
        fields.add((n * 7919 + 10_000_000).to_string().as_bytes());
    }
    assert!(fields.memory_bytes() / 50_000 < 16, "{} bytes each", fields.memory_bytes() / 50_000);
}

/// Fields of one form need neither words nor lengths; a field that differs costs its own page only, and not for ever.
#[test]
fn pages_of_one_form_are_uniform() {
    let mut fields = Fields::hash(KeyHasher::new(6));
    let key = |n: u64| format!("{n:016}").into_bytes();
    let usual = |fields: &Fields| fields.trie.leaves().filter(|page| !page.is_uniform()).count();
    fields.insert(b"odd", b"", None);
    for n in 0..20_000 {
        fields.insert(&key(n), &[b'v'; 16], None);
    }
    assert_eq!(usual(&fields), 1);
    assert!(fields.memory_bytes() / 20_000 < 41, "{} bytes each", fields.memory_bytes() / 20_000);
    for (value, expiry) in
        [(&[b'v'; 16][..], Some(5)), (b"longer than the others", None), (&[b'w'; 300], None)]
    {
        let mut fields = fields.clone();
        fields.insert(&key(7), value, expiry);
        assert!(1 <= usual(&fields) && usual(&fields) <= 2);
        assert_eq!(fields.get(&key(7)), Some(Field { key: &key(7), value, expiry }));
        assert!((8..20_000).all(|n| fields.get(&key(n)).is_some_and(|f| f.value == [b'v'; 16])));
        check_bytes(&fields, 6);
    }
}

/// Whatever stays is visited exactly once, whatever comes and goes between the steps.
#[test]
fn a_scan_visits_what_stays_exactly_once() {
    for seed in 0..10 {
        let mut rng = Rng::new(seed);
        let mut fields = Fields::set(KeyHasher::new(seed));
        let stays = 1 + rng.below(4000);
        (0..stays).for_each(|n| assert!(fields.add(&pair(n))));
        let (mut cursor, mut seen) = (0, HashMap::<Vec<u8>, usize>::new());
        loop {
            let at_least = 1 + rng.below(100) as usize;
            let mut count = 0;
            cursor = fields.scan(cursor, at_least, |f| {
                *seen.entry(f.key.to_vec()).or_default() += 1;
                count += 1;
            });
            if cursor == 0 {
                break;
            }
            assert!(at_least <= count && count <= at_least + 2, "seed {seed}: {count} for {at_least}");
            // Others come by the hundred and go again, so that pages split and merge.
            let others = rng.below(2) * 500;
            for n in 0..500 {
                if n < others {
                    fields.add(&pair(10_000 + n + rng.below(3) * 1000));
                } else {
                    fields.remove(&pair(10_000 + n * 6));
                }
            }
        }
        assert!((0..stays).all(|n| seen.get(&pair(n)) == Some(&1)), "seed {seed}");
    }
}

#[test]
fn a_scan_ends_for_any_cursor() {
    let mut fields = Fields::set(KeyHasher::new(1));
    assert_eq!(fields.scan(0, 10, |_| unreachable!()), 0);
    (0..1000).for_each(|n| assert!(fields.add(&pair(n))));
    for cursor in [u64::MAX, 1 << 53, (1 << 53) - 1] {
        assert_eq!(fields.scan(cursor, 10, |_| ()), 0);
    }
    let mut all = 0;
    assert_eq!(fields.scan(0, usize::MAX, |_| all += 1), 0);
    assert_eq!(all, 1000);
}

/// Keys of one position come together, also where they are more than wanted.
#[test]
fn a_position_is_never_divided() {
    let mut fields = Fields::set(KeyHasher::new(1));
    fields.hashing.mask = 3 << 62;
    (0..400).for_each(|n| assert!(fields.add(&pair(n))));
    let (mut cursor, mut steps, mut seen) = (0, 0, HashSet::new());
    loop {
        cursor = fields.scan(cursor, 1, |f| assert!(seen.insert(f.key.to_vec())));
        steps += 1;
        if cursor == 0 {
            break;
        }
    }
    assert!(steps <= 5 && seen.len() == 400, "{steps} steps");
}

/// Each of 997 members is drawn as often as chance would draw it, also after removals.
#[test]
fn a_random_field_is_any() {
    for seed in 0..3 {
        let mut rng = Rng::new(seed);
        let mut fields = Fields::set(KeyHasher::new(seed));
        (0..5000).for_each(|n| assert!(fields.add(&pair(n))));
        (997..5000).for_each(|n| assert!(fields.remove(&pair(n))));
        let mut counts = HashMap::<Vec<u8>, u32>::new();
        const DRAWS: usize = 200_000;
        for _ in 0..DRAWS {
            *counts.entry(fields.random(&mut rng).expect("there are some").key.to_vec()).or_default() += 1;
        }
        let mean = DRAWS as f64 / 997.0;
        let chi: f64 = (0..997)
            .map(|n| (f64::from(counts.get(&pair(n)).copied().unwrap_or(0)) - mean).powi(2) / mean)
            .sum();
        assert!((chi - 996.0).abs() < 5.0 * (2.0f64 * 996.0).sqrt(), "seed {seed}: chi² {chi:.0}");
    }
    assert_eq!(Fields::set(KeyHasher::new(1)).random(&mut Rng::new(1)), None);
}

/// In the order of their time, each by one look.
#[test]
fn fields_expire_in_order() {
    let mut rng = Rng::new(9);
    let mut fields = Fields::hash(KeyHasher::new(9));
    for n in 0..3000 {
        fields.insert(&pair(n), b"v", (n % 3 == 0).then(|| rng.below(500) as i64));
    }
    let (mut last, mut count) = (0, 0);
    while let Some(field) = fields.first_to_expire() {
        let (key, expiry) = (field.key.to_vec(), field.expiry.expect("it expires"));
        assert!(last <= expiry && fields.earliest() == Some(expiry));
        last = expiry;
        count += 1;
        assert!(fields.remove(&key));
    }
    assert_eq!((count, fields.len(), fields.volatile_len(), fields.earliest()), (1000, 2000, 0, None));
}
