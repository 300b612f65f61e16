//! The table against a model.

use super::*;
use crate::entry::Payload;
use crate::testing::assert_even;
use base::rng::Rng;
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

fn table(mask: u64) -> Table<String> {
    let mut table = Table::new(KeyHasher::new(7), 0);
    table.hash_mask = mask;
    table
}

fn number(entry: EntryRef<String>) -> i64 {
    match entry.payload() {
        Payload::Int(n) => n,
        Payload::Boxed(text) => text.parse().expect("is a number"),
        Payload::Bytes(_) => unreachable!(),
    }
}

/// What the model knows of an entry: its value, its expiry, and whether it is boxed.
type Known = (i64, Option<i64>, bool);

/// Values of tests: of every second one, a part expires.
impl Parts for String {
    fn first_expiry(&self) -> Option<i64> {
        part_of(self.parse().ok()?)
    }
}

fn part_of(value: i64) -> Option<i64> {
    (value % 2 == 0).then(|| value.rem_euclid(100))
}

/// Random operations against a BTreeMap; whole iterations along the way.
fn check_model(mask: u64, seed: u64, keys: u64, operations: u32) {
    let mut rng = Rng::new(seed);
    let mut table = table(mask);
    let mut model: BTreeMap<Vec<u8>, Known> = BTreeMap::new();
    for round in 0..operations {
        let key = format!("key:{}", rng.below(keys)).into_bytes();
        let hash = table.rehash(&key);
        // Phases of growth and of shrinking, so that segments split and merge.
        let grow = (round / (operations / 4).max(1)).is_multiple_of(2);
        let choice = rng.below(10) + if grow { 0 } else { 4 };
        let value = rng.next_u64() as i64;
        let expiry = rng.one_in(3).then(|| rng.below(100) as i64);
        match choice {
            0..=4 => {
                let payload =
                    if rng.one_in(4) { NewPayload::Boxed(value.to_string()) } else { NewPayload::Int(value) };
                let is_boxed = matches!(payload, NewPayload::Boxed(_));
                let before = model.insert(key.clone(), (value, expiry, is_boxed));
                let expected = before.map_or(Upsert::Inserted, |(_, expiry, _)| Upsert::Replaced { expiry });
                assert_eq!(table.upsert(hash, &key, payload, expiry, 0, 0), expected, "seed {seed}");
            }
            5 => {
                let entry = table.get_mut(hash, &key);
                assert_eq!(entry.is_some(), model.contains_key(&key));
                if let (Some(mut entry), Some(known)) = (entry, model.get_mut(&key)) {
                    entry.set_expiry(expiry);
                    known.1 = expiry;
                    if let Some(text) = entry.boxed_mut() {
                        *text = value.to_string();
                        known.0 = value;
                    }
                }
            }
            _ => {
                let removed = table.remove(hash, &key).map(|entry| known(entry.borrow()));
                assert_eq!(removed, model.remove(&key), "seed {seed}");
            }
        }
        assert_eq!(table.len(), model.len());
        let found = table.get(hash, &key).map(known);
        assert_eq!(found, model.get(&key).copied(), "seed {seed}");
        if round % 997 == 0 {
            check_whole(&mut table, &model);
        }
    }
    check_whole(&mut table, &model);
}

fn known(entry: EntryRef<String>) -> Known {
    let is_boxed = matches!(entry.payload(), Payload::Boxed(_));
    assert_eq!(entry.has_inner_expiry(), is_boxed && part_of(number(entry)).is_some());
    (number(entry), entry.expiry(), is_boxed)
}

fn check_whole(table: &mut Table<String>, model: &BTreeMap<Vec<u8>, Known>) {
    assert_eq!(table.volatile_len(), model.values().filter(|(_, expiry, _)| expiry.is_some()).count());
    let part = |known: &Known| part_of(known.0).filter(|_| known.2);
    assert_eq!(table.inner_len(), model.values().filter(|known| part(known).is_some()).count());
    let mut seen = BTreeMap::new();
    let (mut from, mut last) = (Some(0), 0);
    while let Some(position) = from {
        from = table.scan(position, 10, &mut |hash, entry| {
            assert!(last <= hash && position <= hash);
            last = hash;
            assert!(seen.insert(entry.key().to_vec(), known(entry)).is_none());
        });
        assert!(from.is_none_or(|next| next & !POSITION_MASK == 0 && position < next));
    }
    assert_eq!(&seen, model);
    assert_eq!(table.iter().count(), model.len());
    let mut due = Vec::new();
    let mut from = Some(0);
    while let Some(position) = from {
        from = table.due(position, 50, 3, &mut |_, entry| due.push(entry.key().to_vec()));
    }
    due.sort();
    let is_due = |known: &Known| known.1.into_iter().chain(part(known)).any(|at| at <= 50);
    let expected = model.iter().filter(|(_, known)| is_due(known));
    assert_eq!(due, expected.map(|(key, _)| key.clone()).collect::<Vec<_>>());
}

#[test]
fn behaves_as_a_map_while_it_grows_and_shrinks() {
    for seed in 0..6 {
        check_model(!0, seed, 4000, 30_000);
    }
}

#[test]
fn equal_and_nearly_equal_hashes_are_borne() {
    check_model(0, 1, 300, 4000); // one hash for all
    check_model(0x7, 2, 600, 8000); // eight hashes, equal in all but their lowest bits
    check_model(0xF000_0000_0000_0000, 3, 600, 8000); // sixteen, different in their highest
    check_model(0xFFFF, 4, 1000, 8000); // different homes and tags, one directory path
}

#[test]
fn chance_is_fair() {
    let mut table = table(!0);
    let keys = 500u64;
    for i in 0..keys {
        let key = i.to_le_bytes();
        table.upsert(table.rehash(&key), &key, NewPayload::Int(i as i64), None, 0, 0);
    }
    let mut rng = Rng::new(11);
    let mut hits = vec![0; keys as usize];
    for _ in 0..200_000 {
        hits[number(table.random(&mut rng).expect("is not empty")) as usize] += 1;
    }
    assert_even(&hits);
}

#[test]
fn an_empty_table_is_small_and_a_full_one_is_lean() {
    let mut table: Table<String> = Table::new(KeyHasher::new(3), 0);
    assert_eq!(table.memory_bytes(), 0);
    let (mut bytes, mut keys) = (0, 0);
    for i in 0..28_000u64 {
        let key = i.to_le_bytes();
        table.upsert(table.rehash(&key), &key, NewPayload::Int(0), None, 0, 0);
        if 14_000 <= i && i % 1000 == 0 {
            bytes += table.memory_bytes();
            keys += table.len();
        }
    }
    assert!(bytes <= 15 * keys, "{} bytes for {keys} keys", bytes);
    table.clear();
    assert_eq!((table.len(), table.memory_bytes()), (0, 0));
}

/// A scan whose table changes between its steps: what stays is seen exactly once, nothing is seen twice.
fn check_scan(mask: u64, seed: u64, keys: u64) {
    let mut rng = Rng::new(seed);
    let mut table = table(mask);
    let name = |n: u64| format!("key:{n}").into_bytes();
    let put = |table: &mut Table<String>, n: u64| {
        let key = name(n);
        table.upsert(table.rehash(&key), &key, NewPayload::Int(n as i64), None, 0, 0);
    };
    // The even ones stay.
    (0..keys).for_each(|n| put(&mut table, n));
    let mut seen = BTreeSet::new();
    let (mut from, mut steps) = (Some(0), 0);
    while let Some(position) = from {
        from = table.scan(position, 1 + rng.below(20) as usize, &mut |_, entry| {
            assert!(seen.insert(number(entry)), "seed {seed}: key {} came twice", number(entry));
        });
        // Now the odd ones go, now many more come: segments merge and split under the scan.
        let shrinks = steps / 8 % 2 == 0;
        for _ in 0..rng.below(keys / 4) {
            let n = rng.below(keys * 3) | 1;
            if shrinks {
                let key = name(n);
                table.remove(table.rehash(&key), &key);
            } else {
                put(&mut table, n);
            }
        }
        steps += 1;
    }
    for n in (0..keys as i64).step_by(2) {
        assert!(seen.contains(&n), "seed {seed}: key {n} did not come");
    }
}

#[test]
fn a_scan_sees_what_stays_exactly_once_while_the_table_changes() {
    for seed in 0..20 {
        check_scan(!0, seed, 50 + 150 * seed);
    }
    for seed in 0..4 {
        check_scan(0xFF, seed, 200); // all in one place of the directory
        check_scan(0xF000_0000_0000_FFFF, seed, 400); // sixteen places
    }
}

/// Counts how many of it there are.
struct Counted(Rc<Cell<i64>>);

impl Parts for Counted {
    fn first_expiry(&self) -> Option<i64> {
        None
    }
}

impl Counted {
    fn new(count: &Rc<Cell<i64>>) -> Self {
        count.set(count.get() + 1);
        Self(count.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

#[test]
fn every_value_is_dropped_once() {
    for (seed, mask) in [(1, !0), (2, 0x3)] {
        let count = Rc::new(Cell::new(0));
        let mut rng = Rng::new(seed);
        let mut table: Table<Counted> = Table::new(KeyHasher::new(seed), 0);
        table.hash_mask = mask;
        let mut boxed = BTreeSet::new();
        for _ in 0..5000 {
            let key = rng.below(300).to_string().into_bytes();
            let hash = table.rehash(&key);
            match rng.below(5) {
                0 | 1 => {
                    boxed.insert(key.clone());
                    let expiry = rng.one_in(2).then_some(7);
                    table.upsert(hash, &key, NewPayload::Boxed(Counted::new(&count)), expiry, 0, 0);
                }
                2 => {
                    boxed.remove(&key);
                    table.upsert(hash, &key, NewPayload::Bytes(&key), None, 0, 0);
                }
                3 => {
                    // The value moves to another block with its expiry.
                    if let Some(mut entry) = table.get_mut(hash, &key) {
                        entry.set_expiry(rng.one_in(2).then_some(9));
                    }
                }
                _ => {
                    boxed.remove(&key);
                    drop(table.remove(hash, &key));
                }
            }
            assert_eq!(count.get(), boxed.len() as i64, "seed {seed}");
        }
        drop(table);
        assert_eq!(count.get(), 0, "seed {seed}");
    }
}

#[test]
fn a_table_that_shrinks_gives_its_memory_back() {
    let mut table: Table<String> = Table::new(KeyHasher::new(5), 0);
    let keys: Vec<[u8; 8]> = (0..50_000u64).map(u64::to_le_bytes).collect();
    for key in &keys {
        table.upsert(table.rehash(key), key, NewPayload::Int(0), None, 0, 0);
    }
    let full = table.memory_bytes();
    for key in &keys[500..] {
        assert!(table.remove(table.rehash(key), key).is_some());
    }
    assert!(table.memory_bytes() <= full / 20, "{} of {full} bytes for 500 keys", table.memory_bytes());
    for key in &keys[..500] {
        assert!(table.remove(table.rehash(key), key).is_some());
    }
    assert_eq!(table.memory_bytes(), 0);
}
