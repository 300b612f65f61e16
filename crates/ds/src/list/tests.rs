//! Lists against a deque, with every kind of setting, and cut into chunks as redis-server 7.0 cuts them.

use super::*;
use crate::listpack::{self, Side};
use crate::testing::random_text;
use base::lzf;
use base::rng::Rng;
use std::collections::VecDeque;

type Model = VecDeque<Vec<u8>>;

fn settings(fill: i64, compress_depth: usize, plain_from_bytes: usize) -> Settings {
    Settings { fill: Fill::new(fill), compress_depth, plain_from_bytes }
}

fn texts(list: &List) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    list.for_each(|value| all.push(value.to_vec()));
    all
}

/// Elements as one that loads the chunks from an RDB sees them, and all that the invariants say.
fn check(list: &List, model: &Model, story: &str) {
    let depth = list.settings.compress_depth;
    let mut elements: Vec<Vec<u8>> = Vec::new();
    for (at, chunk) in list.chunks.iter().enumerate() {
        let before = elements.len();
        let outer = depth == 0 || at < depth || list.chunk_count() <= at.saturating_add(depth);
        match chunk.stored() {
            Stored::Plain(element) => elements.push(element.to_vec()),
            Stored::Packed(bytes) => {
                assert!(outer || !chunk.can_be_compressed(), "{story}: chunk {at} was not compressed");
                elements.extend(listpack::view(bytes).expect("is valid").iter().map(Value::to_vec));
            }
            Stored::Compressed { lzf, len } => {
                assert!(!outer, "{story}: chunk {at} is compressed");
                let bytes = lzf::decompress(lzf, len).expect("is valid");
                elements.extend(listpack::view(&bytes).expect("is valid").iter().map(Value::to_vec));
            }
        }
        assert_eq!(chunk.len(), elements.len() - before, "{story}");
        assert!(!chunk.is_empty(), "{story}");
        let plain = chunk.is_plain();
        let large = |element: &Vec<u8>| list.settings.plain_from_bytes <= element.len();
        assert!(elements[before..].iter().all(|element| large(element) == plain), "{story}");
    }
    assert!(elements.iter().eq(model), "{story}");
    assert_eq!((list.len(), list.is_empty()), (model.len(), model.is_empty()), "{story}");
    assert_eq!(texts(list), elements, "{story}");
    let mut backwards = Vec::new();
    list.walk(list.len().wrapping_sub(1), Direction::Backward, |value| {
        backwards.push(value.to_vec());
        ControlFlow::Continue(())
    });
    assert!(backwards.iter().eq(model.iter().rev()), "{story}");
}

fn remove_value(model: &mut Model, value: &[u8], limit: usize, direction: Direction) -> usize {
    let is_match = |i: usize| (model[i] == value).then_some(i);
    let mut places: Vec<usize> = (0..model.len()).filter_map(is_match).collect();
    if direction == Direction::Backward {
        places.reverse();
    }
    places.truncate(limit);
    places.sort_unstable();
    places.iter().rev().for_each(|&place| drop(model.remove(place)));
    places.len()
}

fn step(list: &mut List, model: &mut Model, rng: &mut Rng, growing: bool) {
    let value = random_text(rng);
    let at = rng.below(model.len() as u64 + 1) as usize;
    let direction = if rng.one_in(2) { Direction::Forward } else { Direction::Backward };
    match rng.below(if growing { 14 } else { 20 }) {
        0..=2 => {
            list.push(End::Tail, &value);
            model.push_back(value);
        }
        3..=4 => {
            list.push(End::Head, &value);
            model.push_front(value);
        }
        5..=8 => {
            let side = if rng.one_in(2) { Side::Before } else { Side::After };
            assert_eq!(list.insert(at, side, &value), at < model.len());
            if at < model.len() {
                model.insert(at + usize::from(side == Side::After), value);
            }
        }
        9 => {
            assert_eq!(list.set(at, &value), at < model.len());
            if let Some(old) = model.get_mut(at) {
                *old = value;
            }
        }
        10 => {
            let known = model.get(at).cloned().unwrap_or(value);
            assert_eq!(list.position(&known), model.iter().position(|other| *other == known));
            assert_eq!(list.get(at, |value| value.to_vec()), model.get(at).cloned());
        }
        11 => {
            let known = model.get(at).cloned().unwrap_or(value);
            let limit = 1 + rng.below(4) as usize;
            let limit = if rng.one_in(3) { usize::MAX } else { limit };
            let removed = remove_value(model, &known, limit, direction);
            assert_eq!(list.remove_value(&known, limit, direction), removed);
        }
        12 => assert_eq!(list.pop(End::Head), model.pop_front()),
        13 | 14 => assert_eq!(list.pop(End::Tail), model.pop_back()),
        15 => {
            let count = rng.below(40) as usize;
            list.remove_range(at, count);
            model.drain(at..(at + count).min(model.len()));
        }
        16 => {
            let count = rng.below(3) as usize;
            list.remove_range(at, count);
            model.drain(at..(at + count).min(model.len()));
        }
        17 => {
            let (mut seen, want) = (Vec::new(), rng.below(30) as usize);
            list.walk(at, direction, |value| {
                seen.push(value.to_vec());
                if seen.len() < want { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            });
            let wanted: Vec<Vec<u8>> = match direction {
                Direction::Forward => model.iter().skip(at).take(want.max(1)).cloned().collect(),
                Direction::Backward if at < model.len() => {
                    model.iter().take(at + 1).rev().take(want.max(1)).cloned().collect()
                }
                Direction::Backward => Vec::new(),
            };
            assert_eq!(seen, wanted);
        }
        18 => {
            let more: Vec<Vec<u8>> =
                (0..rng.below(20)).map(|_| rng.below(100).to_string().into_bytes()).collect();
            list.push_listpack(Listpack::from_values(&more));
            model.extend(more);
        }
        _ => {
            let large = vec![b'L'; 5000];
            if list.settings.plain_from_bytes <= large.len() {
                list.push_plain(&large);
                model.push_back(large);
            }
        }
    }
}

#[test]
fn behaves_as_a_deque() {
    let all = [
        settings(-1, 0, PLAIN_FROM_BYTES),
        settings(-2, 1, PLAIN_FROM_BYTES),
        settings(1, 0, PLAIN_FROM_BYTES),
        settings(3, 0, 60),
        settings(3, 1, PLAIN_FROM_BYTES),
        settings(7, 2, 100),
        settings(16, 3, PLAIN_FROM_BYTES),
        settings(0, 5, 10),
        settings(100, usize::MAX, 100),
    ];
    for seed in 0..54 {
        let mut rng = Rng::new(seed);
        let settings = all[seed as usize % all.len()];
        let (mut list, mut model) = (List::new(settings), Model::new());
        let mut snapshots = Vec::new();
        for round in 0..900 {
            step(&mut list, &mut model, &mut rng, round % 300 < 200);
            if round % 10 == 0 {
                check(&list, &model, &format!("seed {seed}, round {round}"));
            }
            if round % 100 == 50 {
                snapshots.push((list.clone(), model.clone()));
            }
        }
        // Clones are what they were when they were made.
        snapshots.iter().for_each(|(list, model)| check(list, model, &format!("snapshot of seed {seed}")));
    }
}

fn shape(list: &List) -> Vec<(usize, usize)> {
    list.chunks().map(|chunk| (chunk.bytes(), if chunk.is_plain() { 0 } else { chunk.len() })).collect()
}

/// The first chunks and the number of all, as DUMP of redis-server 7.0.15 has them.
#[test]
fn chunks_are_cut_as_redis_cuts_them() {
    let long = |i: usize| vec![b'v'; i % 37];
    for (fill, first, count) in [
        (-1, vec![(4084, 211), (4090, 201), (4064, 206), (4090, 201), (4064, 206)], 8),
        (-2, vec![(8182, 414), (8177, 410), (8186, 410), (5313, 266)], 4),
        (3, vec![(16, 3), (25, 3), (34, 3), (43, 3), (52, 3)], 500),
        (128, vec![(2397, 128), (2686, 128), (2457, 128), (2635, 128), (2517, 128)], 12),
        (0, vec![(9, 1), (10, 1), (11, 1), (12, 1), (13, 1)], 1500),
        (5000, vec![(8182, 414), (8177, 410), (8186, 410), (5313, 266)], 4),
    ] {
        let mut list = List::new(settings(fill, 0, PLAIN_FROM_BYTES));
        (0..1500).for_each(|i| list.push(End::Tail, &long(i)));
        assert_eq!(shape(&list)[..first.len()], first, "fill {fill}");
        assert_eq!(list.chunk_count(), count, "fill {fill}");
    }
    for (fill, first, count) in
        [(-1, vec![(301, 98), (4085, 1402)], 2), (128, vec![(283, 92), (391, 128)], 12)]
    {
        let mut list = List::new(settings(fill, 0, PLAIN_FROM_BYTES));
        (0..1500).for_each(|i: usize| list.push(End::Head, i.to_string().as_bytes()));
        assert_eq!(shape(&list)[..first.len()], first, "fill {fill}");
        assert_eq!(list.chunk_count(), count, "fill {fill}");
    }
}

/// The same commands to redis-server 7.0.15 left these nodes.
#[test]
fn insertions_cut_as_redis_cuts() {
    let mut list = List::new(settings(4, 0, PLAIN_FROM_BYTES));
    (0..20).for_each(|i: usize| list.push(End::Tail, i.to_string().as_bytes()));
    let full = (15, 4);
    assert_eq!(shape(&list), [full; 5]);
    list.insert(6, Side::Before, b"x");
    assert_eq!(shape(&list), [full, (14, 3), (11, 2), full, full, full]);
    list.insert(0, Side::Before, b"y");
    assert_eq!(shape(&list), [(10, 1), full, (14, 3), (11, 2), full, full, full]);
    list.insert(21, Side::After, b"z");
    assert_eq!(shape(&list), [(10, 1), full, (14, 3), (11, 2), full, full, full, (10, 1)]);
    list.insert(list.position(b"8").unwrap(), Side::Before, b"w");
    assert_eq!(shape(&list), [(10, 1), full, (14, 3), (14, 3), full, full, full, (10, 1)]);
    list.set(0, &[b'v'; 10_000]);
    assert_eq!(shape(&list)[..2], [(10_014, 1), full]);
    // DEBUG QUICKLIST-PACKED-THRESHOLD 20b
    list.settings.plain_from_bytes = 20;
    list.set(2, &[b'v'; 30]);
    assert_eq!(shape(&list)[..6], [(10_014, 1), (9, 1), (30, 0), (11, 2), (14, 3), (14, 3)]);
    list.push(End::Tail, &[b'q'; 25]);
    assert_eq!(shape(&list).last(), Some(&(25, 0)));
}

#[test]
fn small_lists_and_large_ones_change_into_each_other() {
    let fill = Fill::new(4);
    assert!(!fill.is_exceeded(100, 4) && fill.is_exceeded(100, 5) && fill.is_exceeded(8193, 1));
    assert!(!Fill::new(-2).is_exceeded(8192, 9999) && Fill::new(-2).is_exceeded(8193, 1));
    assert!(Fill::new(-9) == Fill::new(-5) && Fill::new(0) == Fill::new(1));
    let pack = Listpack::from_values([b"a", b"b", b"c", b"d"]);
    let mut list = List::from_listpack(pack.clone(), settings(4, 0, PLAIN_FROM_BYTES));
    assert_eq!(list.to_listpack(fill, Shrink::ToLimit), Some(pack));
    assert_eq!(list.to_listpack(fill, Shrink::ByHalf), None);
    list.push(End::Tail, b"e");
    assert_eq!(list.to_listpack(fill, Shrink::ToLimit), None, "two chunks");
    list.remove_range(0, 3);
    assert_eq!(list.chunk_count(), 2);
    list.pop(End::Head);
    assert_eq!(list.to_listpack(fill, Shrink::ByHalf), Some(Listpack::from_values([b"e"])));
    let plain = List::from_listpack(Listpack::new(), settings(4, 0, 1));
    assert!(plain.is_empty() && plain.to_listpack(fill, Shrink::ToLimit).is_none());
}

#[test]
fn inner_chunks_are_compressed() {
    let mut list = List::new(settings(-1, 2, PLAIN_FROM_BYTES));
    (0..5000)
        .for_each(|i: usize| list.push(End::Tail, format!("the same text, number {}", i % 10).as_bytes()));
    let kinds = |list: &List| -> String {
        list.chunks().map(|chunk| if chunk.is_compressed() { 'c' } else { '.' }).collect()
    };
    assert!(kinds(&list).starts_with("..ccccc") && kinds(&list).ends_with("cccc.."), "{}", kinds(&list));
    let raw: usize = list.chunks().map(|chunk| chunk.bytes()).sum();
    assert!(list.memory_bytes() * 4 < raw, "{} of {raw} bytes", list.memory_bytes());
    // Reading leaves it compressed; a change inside is compressed again.
    list.get(2500, |_| ());
    list.set(2500, b"another text");
    assert!(kinds(&list).starts_with("..ccccc"));
    assert_eq!(list.get(2500, |value| value.to_vec()), Some(b"another text".to_vec()));
    list.remove_range(0, 4500);
    assert!(!kinds(&list)[2..].starts_with(".c"));
    assert!(list.position(b"another text").is_none());
}

/// A write to a list that a snapshot holds copies a chunk and its pages, not the list.
#[test]
fn a_snapshot_shares_what_is_not_written() {
    let mut list = List::new(settings(-2, 0, PLAIN_FROM_BYTES));
    (0..100_000u64).for_each(|i| list.push(End::Tail, &i.to_le_bytes()));
    let snapshot = list.clone();
    list.push(End::Tail, b"x");
    list.set(50_000, b"y");
    list.pop(End::Head);
    let pairs = list.chunks.iter().zip(snapshot.chunks.iter());
    assert_eq!(pairs.filter(|(ours, theirs)| !Arc::ptr_eq(ours, theirs)).count(), 3);
    assert_eq!((snapshot.len(), list.len()), (100_000, 100_000));
}

/// Does a command of the transcript and answers as it does.
fn run(list: &mut List, line: &str) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    let number = |i: usize| words[i].parse::<i64>().unwrap();
    let text = |i: usize| words[i].as_bytes();
    let popped =
        |value: Option<Vec<u8>>| value.map_or("nil".into(), |value| String::from_utf8(value).unwrap());
    match words[0] {
        "NEW" => {
            *list = List::new(settings(number(1), number(2) as usize, number(3) as usize));
            return "ok".into();
        }
        "R" => list.push(End::Tail, text(1)),
        "L" => list.push(End::Head, text(1)),
        "LPOP" => return popped(list.pop(End::Head)),
        "RPOP" => return popped(list.pop(End::Tail)),
        "SET" => {
            let index = if number(1) < 0 { number(1) + list.len() as i64 } else { number(1) };
            return usize::try_from(index).is_ok_and(|index| list.set(index, text(2))).to_string();
        }
        "INS" => {
            let side = if words[1] == "before" { Side::Before } else { Side::After };
            match list.position(text(2)) {
                Some(index) => assert!(list.insert(index, side, text(3))),
                None => return "-1".into(),
            }
        }
        "REM" => {
            let direction = if number(1) < 0 { Direction::Backward } else { Direction::Forward };
            let limit = if number(1) == 0 { usize::MAX } else { number(1).unsigned_abs() as usize };
            return list.remove_value(text(2), limit, direction).to_string();
        }
        "TRIM" => {
            list.remove_range(number(2) as usize + 1, usize::MAX);
            list.remove_range(0, number(1) as usize);
        }
        "SHAPE" => {
            let chunk =
                |(bytes, count)| if count == 0 { format!("{bytes}p") } else { format!("{bytes}/{count}") };
            return shape(list).into_iter().map(chunk).collect::<Vec<_>>().join(" ");
        }
        other => panic!("{other}?"),
    }
    list.len().to_string()
}

/// Random commands, with redis-server 7.0.15's answers and now and then the nodes of its DUMP: bytes and elements of
/// each, or `p` for a plain one.
#[test]
fn answers_and_chunks_are_those_of_redis() {
    let mut list = List::new(Settings::default());
    for (number, line) in include_str!("transcript.txt").lines().enumerate() {
        let (command, wanted) = line.split_once(" =>").unwrap();
        assert_eq!(run(&mut list, command), wanted.trim_start(), "line {}: {command}", number + 1);
    }
}
