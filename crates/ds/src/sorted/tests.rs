//! Sorted sets against a model: order, ranks, edges, clones, scans, and the tree's inner order.

use super::*;
use std::collections::{BTreeMap, HashMap, HashSet};

type Model = BTreeMap<Vec<u8>, f64>;

fn set(seed: u64) -> Sorted {
    Sorted::new(KeyHasher::new(seed))
}

fn name(n: u64) -> Vec<u8> {
    format!("member:{n}").into_bytes()
}

/// Few scores, so that many are equal; both zeros and infinities; and any.
fn score(rng: &mut Rng) -> f64 {
    match rng.below(10) {
        0 => -0.0,
        1 => f64::INFINITY,
        2 => f64::NEG_INFINITY,
        3..=6 => rng.below(5) as f64,
        _ => rng.unit() * 1000.0 - 500.0,
    }
}

fn member(rng: &mut Rng, among: u64) -> Vec<u8> {
    let mut name = name(rng.below(among));
    match rng.below(60) {
        0 => name.resize(250 + name.len(), b'.'),
        1 => name.resize(3000, b'+'),
        2 => name.clear(),
        _ => {}
    }
    name
}

fn ordered(model: &Model) -> Vec<(Vec<u8>, f64)> {
    let mut all: Vec<_> = model.iter().map(|(member, score)| (member.clone(), *score)).collect();
    all.sort_by(|a, b| a.1.partial_cmp(&b.1).unwrap().then_with(|| a.0.cmp(&b.0)));
    all
}

fn same(a: &[(Vec<u8>, f64)], b: &[(Vec<u8>, f64)]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.0 == b.0 && a.1.to_bits() == b.1.to_bits())
}

fn taken<'a>(elements: impl Iterator<Item = (&'a [u8], f64)>) -> Vec<(Vec<u8>, f64)> {
    elements.map(|(member, score)| (member.to_vec(), score)).collect()
}

/// Everything that reads, and the tree's inner order.
fn check(set: &Sorted, model: &Model, seed: u64) {
    let want = ordered(model);
    assert_eq!(set.len(), want.len(), "seed {seed}");
    assert!(same(&taken(set.iter()), &want), "seed {seed}: the order is not the model's");
    let mut backwards = taken(set.iter().rev());
    backwards.reverse();
    assert!(same(&backwards, &want), "seed {seed}: the order backwards");
    for (rank, (member, score)) in want.iter().enumerate().step_by(1 + want.len() / 50) {
        assert_eq!(set.rank(member), Some((rank, *score)), "seed {seed}");
        assert_eq!(set.nth(rank), Some((&member[..], *score)), "seed {seed}");
        let (low, high) = (Edge::Score(*score), Edge::AfterScore(*score));
        assert_eq!(set.count_before(low), want.partition_point(|e| e.1 < *score), "seed {seed}");
        assert_eq!(set.count_before(high), want.partition_point(|e| e.1 <= *score), "seed {seed}");
    }
    check_inside(set, seed);
}

fn check_inside(set: &Sorted, seed: u64) {
    let store = &set.store;
    let (mut leaf_bytes, mut count, mut last) = (0, 0, None::<(f64, Vec<u8>)>);
    let mut leaves = HashSet::new();
    set.root.walk(
        &mut |id, edge| {
            assert!(leaves.insert(id), "seed {seed}: a leaf is in one place");
            let leaf = store.leaves.get(id);
            assert!(0 < leaf.count() || set.is_empty(), "seed {seed}: no leaf is empty");
            leaf_bytes += leaf.bytes();
            count += leaf.count();
            let first = leaf.count().min(1);
            if let (Some((score, member)), true) = (&edge, first == 1) {
                assert!(!leaf.key(0).is_before(&Key { score: *score, member }), "seed {seed}: edge");
                if let Some((last_score, last)) = &last {
                    let last = Key { score: *last_score, member: last };
                    assert!(last.is_before(&Key { score: *score, member }), "seed {seed}: edge");
                }
            }
            for i in 0..leaf.count() {
                let key = leaf.key(i);
                assert_eq!(set.find(store.hash(key.member), key.member), Some((id, i)), "seed {seed}: index");
                last = Some((key.score, key.member.to_vec()));
            }
        },
        None,
    );
    assert_eq!((count, store.index.count()), (set.len, set.len), "seed {seed}");
    assert_eq!(leaf_bytes, store.leaf_bytes, "seed {seed}");
    assert_eq!(set.root.inner_bytes(), store.inner_bytes, "seed {seed}");
    assert_eq!(store.index.bytes(), store.index.bytes_walked(), "seed {seed}");
}

/// Random writes against a model; sometimes a clone is taken, which must stay as it was.
fn run(mut set: Sorted, seed: u64, steps: usize, among: u64) {
    let mut rng = Rng::new(seed);
    let mut model = Model::new();
    let mut clones: Vec<(Sorted, Model)> = Vec::new();
    for step in 0..steps {
        let shrinks = steps / 2 < step && step < 3 * steps / 4;
        let member = member(&mut rng, among);
        match rng.below(10) {
            0..=6 if !shrinks => {
                let score = score(&mut rng);
                let want = match model.get(&member) {
                    None => Insert::Inserted,
                    Some(&old) if old == score => Insert::Unchanged,
                    Some(&old) => Insert::Rescored(old),
                };
                assert_eq!(set.insert(&member, score), want, "seed {seed}");
                if want != Insert::Unchanged {
                    model.insert(member, score);
                }
            }
            7 => assert_eq!(set.score(&member), model.get(&member).copied(), "seed {seed}"),
            8 if rng.one_in(if shrinks { 3 } else { 40 }) && !model.is_empty() => {
                let from = rng.below(model.len() as u64) as usize;
                let to = from + rng.below(among / 8 + 2) as usize;
                let mut gone = Vec::new();
                set.remove_ranks(from..to, |member, score| gone.push((member.to_vec(), score)));
                let want = ordered(&model);
                assert!(same(&gone, &want[from..to.min(want.len())]), "seed {seed}");
                gone.iter().for_each(|(member, _)| assert!(model.remove(member).is_some()));
            }
            9 if !model.is_empty() => {
                // A small step of the score of one that is there.
                let (member, old) = set.random(&mut rng).map(|(m, s)| (m.to_vec(), s)).expect("not empty");
                if old.is_finite() {
                    set.insert(&member, old + 0.25);
                    model.insert(member, old + 0.25);
                }
            }
            _ => assert_eq!(set.remove(&member), model.remove(&member), "seed {seed}"),
        }
        if rng.one_in(steps as u64 / 5) {
            clones.push((set.clone(), model.clone()));
        }
        if rng.one_in(steps as u64 / 20) {
            check(&set, &model, seed);
        }
    }
    clones.push((set, model));
    clones.iter().for_each(|(set, model)| check(set, model, seed));
    let (mut set, _) = clones.pop().expect("the last one");
    set.remove_ranks(0..usize::MAX, |_, _| ());
    check(&set, &Model::new(), seed);
    assert_eq!(set.memory_bytes(), self::set(1).memory_bytes(), "seed {seed}");
    clones.iter().for_each(|(set, model)| check(set, model, seed));
}

#[test]
fn behaves_as_an_ordered_map_and_clones_stay() {
    for seed in 0..18 {
        run(set(seed), seed, 8000, [30, 300, 5000][seed as usize % 3]);
    }
}

#[test]
fn colliding_hashes_are_only_slower() {
    for (seed, mask) in [(1, 0), (2, 0xff), (3, 0xf << 60), (4, 0x3ff << 40)] {
        let mut set = set(seed);
        set.store.mask = mask;
        run(set, seed, 4000, 500);
    }
}

/// In order, against it, and mixed; removed from both ends and the middle.
#[test]
fn a_hundred_thousand_come_and_go() {
    const COUNT: u64 = 100_000;
    for seed in 0..3 {
        let mut set = set(seed);
        for n in 0..COUNT {
            let score = [n as f64, -(n as f64), (n * 7919 % COUNT) as f64][seed as usize];
            assert_eq!(set.insert(&name(n), score), Insert::Inserted);
        }
        check_inside(&set, seed);
        let clone = set.clone();
        let (first, last) = (clone.nth(0).unwrap().1, clone.nth(COUNT as usize - 1).unwrap().1);
        assert_eq!(last - first, (COUNT - 1) as f64);
        assert_eq!(clone.count_before(Edge::Score(first + 500.0)), 500);
        set.remove_ranks(50_000..99_900, |_, _| ());
        set.remove_ranks(0..49_900, |_, _| ());
        check_inside(&set, seed);
        assert_eq!(set.len(), 200);
        assert_eq!(set.nth(0).unwrap().1, first + 49_900.0);
        assert_eq!(set.nth(199).unwrap().1, last);
        assert!(set.memory_bytes() < clone.memory_bytes() / 100);
        check_inside(&clone, seed);
    }
}

/// Ranges by bytes where all scores are equal.
#[test]
fn lexical_edges() {
    let mut set = set(1);
    (0..2000).for_each(|n| assert_eq!(set.insert(format!("{:04}", n * 2).as_bytes(), 0.0), Insert::Inserted));
    for n in 0..4002u64 {
        let edge = format!("{n:04}");
        assert_eq!(set.count_before(Edge::Member(edge.as_bytes())) as u64, n.div_ceil(2).min(2000));
        assert_eq!(set.count_before(Edge::AfterMember(edge.as_bytes())) as u64, (n / 2 + 1).min(2000));
    }
    assert_eq!(set.count_before(Edge::Member(b"")), 0);
    let some = taken(set.range(10..13));
    assert_eq!(some.iter().map(|e| &e.0[..]).collect::<Vec<_>>(), [b"0020", b"0022", b"0024"]);
    let mut both = set.range(100..104);
    let ends = [both.next(), both.next_back(), both.next(), both.next_back(), both.next(), both.next_back()];
    let ends: Vec<_> = ends.iter().map(|e| e.map(|e| e.0)).collect();
    assert_eq!(ends, [Some(&b"0200"[..]), Some(b"0206"), Some(b"0202"), Some(b"0204"), None, None]);
    assert_eq!(set.range(3000..4000).len() + set.range(1999..1999).len(), 0);
}

/// Whatever stays is visited exactly once, whatever its score becomes and whoever comes and goes.
#[test]
fn a_scan_visits_what_stays_exactly_once() {
    for seed in 0..8 {
        let mut rng = Rng::new(seed);
        let mut set = set(seed);
        if seed == 7 {
            set.store.mask = 0xff << 56;
        }
        let stays = 1 + rng.below(3000);
        (0..stays).for_each(|n| assert_eq!(set.insert(&name(n), 0.0), Insert::Inserted));
        let (mut cursor, mut seen) = (0, HashMap::<Vec<u8>, usize>::new());
        loop {
            let at_least = rng.below(100) as usize;
            let mut count = 0;
            cursor = set.scan(cursor, at_least, |member, _| {
                *seen.entry(member.to_vec()).or_default() += 1;
                count += 1;
            });
            if cursor == 0 {
                break;
            }
            assert!(
                seed == 7 || at_least <= count && count <= at_least + 2,
                "seed {seed}: {count} for {at_least}"
            );
            for _ in 0..200 {
                set.insert(&name(rng.below(stays)), rng.below(1000) as f64);
                set.insert(&name(10_000 + rng.below(1000)), rng.below(1000) as f64);
                set.remove(&name(10_000 + rng.below(1000)));
            }
        }
        assert!((0..stays).all(|n| seen.get(&name(n)) == Some(&1)), "seed {seed}");
    }
}

#[test]
fn a_random_element_is_any() {
    for seed in 0..3 {
        let mut rng = Rng::new(seed);
        let mut set = set(seed);
        (0..997).for_each(|n| assert_eq!(set.insert(&name(n), (n % 10) as f64), Insert::Inserted));
        let mut counts = HashMap::<Vec<u8>, u32>::new();
        const DRAWS: usize = 200_000;
        for _ in 0..DRAWS {
            *counts.entry(set.random(&mut rng).expect("there are some").0.to_vec()).or_default() += 1;
        }
        let mean = DRAWS as f64 / 997.0;
        let chi: f64 = (0..997)
            .map(|n| (f64::from(counts.get(&name(n)).copied().unwrap_or(0)) - mean).powi(2) / mean)
            .sum();
        assert!((chi - 996.0).abs() < 5.0 * (2.0f64 * 996.0).sqrt(), "seed {seed}: chi² {chi:.0}");
    }
    assert_eq!(set(1).random(&mut Rng::new(1)), None);
}
