//! Listpacks against what redis-server 7.0 writes, against a vector, and against bytes that are none.

use super::*;
use crate::testing::{assert_even, hex, mutate, random_text};
use base::rng::Rng;

/// From DUMP of a list of redis-server 7.0.15: every encoding at both of its ends. It goes on with 63 `x` and 64 `y`.
const EVERY_ENCODING: &str = "400100001f00000101017f01c08002dfff02d00002cfff02f1001003f1ffef03f1ff7f03f1008003f200800004f2ff7fff04\
    f2ffff7f04f200008004f30000800005f3ffff7fff05f3ffffff7f05f30000008005f4000000800000000009f4ffffff7fff\
    ffffff09f4ffffffffffffff7f09f4000000000000008009933932323333373230333638353437373538303814822d300382\
    30310380018568656c6c6f06bf";
const EVERY_ENCODING_END: &str = "97313233343536373839303132333435363738393031323318ff";

fn every_value() -> Vec<Vec<u8>> {
    let numbers = "0 1 127 128 -1 -4096 4095 4096 -4097 32767 -32768 32768 -32769 8388607 -8388608 8388608 -8388609 \
        2147483647 -2147483648 2147483648 -2147483649 9223372036854775807 -9223372036854775808 9223372036854775808 -0 01";
    let mut values: Vec<Vec<u8>> = numbers.split_whitespace().map(|text| text.as_bytes().to_vec()).collect();
    values.extend([
        vec![],
        b"hello".to_vec(),
        vec![b'x'; 63],
        vec![b'y'; 64],
        b"12345678901234567890123".to_vec(),
    ]);
    values
}

fn texts(pack: View) -> Vec<Vec<u8>> {
    pack.iter().map(Value::to_vec).collect()
}

#[test]
fn bytes_are_those_of_redis() {
    let strings = [&[b'x'; 63][..], &hex("40e040"), &[b'y'; 64], &hex("42")].concat();
    let wanted = [hex(EVERY_ENCODING), strings, hex(EVERY_ENCODING_END)].concat();
    let mut appended = Listpack::new();
    every_value().iter().for_each(|value| appended.append(value));
    assert_eq!(appended.bytes(), wanted);
    let mut prepended = Listpack::new();
    every_value().iter().rev().for_each(|value| prepended.prepend(value));
    assert_eq!(prepended.bytes(), wanted);
    assert_eq!(Listpack::from_values(&every_value()).bytes(), wanted);
    assert_eq!(texts(view(&wanted).unwrap()), every_value());
    // HSET h f1 v1 f2 200 n -5
    let hash = Listpack::from_values([&b"f1"[..], b"v1", b"f2", b"200", b"n", b"-5"]);
    assert_eq!(hash.bytes(), hex("1c0000000600826631038276310382663203c0c802816e02dffb02ff"));
}

/// How long the length from the right is, at the sizes where it grows: from lists of one element, as DUMP has them.
#[test]
fn lengths_from_the_right_are_those_of_redis() {
    for (len, total, end) in [
        (125, 135, "7fff"),
        (126, 137, "0180ff"),
        (127, 138, "0181ff"),
        (4095, 4106, "2081ff"),
        (4096, 4110, "2085ff"),
        (16_377, 16_391, "7ffeff"),
        (16_378, 16_393, "00ffffff"),
        (16_380, 16_395, "018081ff"),
        (16_382, 16_397, "018083ff"),
        (2_097_145, 2_097_160, "7ffffeff"),
        (2_097_146, 2_097_162, "00ffffffff"),
        (2_097_150, 2_097_166, "01808083ff"),
    ] {
        let mut pack = Listpack::new();
        pack.append(&vec![b'a'; len]);
        assert_eq!(pack.bytes().len(), total, "{len}");
        assert!(pack.bytes().ends_with(&hex(end)), "{len}");
        assert!(is_valid(pack.bytes()));
        assert_eq!(pack.view().prev(Place(total - 1)), pack.view().first());
        assert_eq!(element_bytes(&vec![b'a'; len]), total - 7);
    }
}

#[test]
fn values_know_their_text() {
    let mut text = Text::new();
    for n in [0, 7, -1, 10, i64::MAX, i64::MIN] {
        assert_eq!(Value::Int(n).bytes(&mut text), n.to_string().as_bytes());
        assert_eq!(Value::Int(n).len(), n.to_string().len());
        assert_eq!(Value::of(n.to_string().as_bytes()), Value::Int(n));
        assert!(Value::Int(n).is_same(Value::Str(n.to_string().as_bytes())));
    }
    assert!(Value::Str(b"").is_empty() && !Value::Int(0).is_empty());
    assert!(!Value::Int(1).is_same(Value::Str(b"01")));
    assert_eq!(Value::Str(b"5").as_int(), Some(5));
    assert_eq!(Value::Str(b"x").as_int(), None);
}

#[test]
fn seeks_from_either_end() {
    let pack = Listpack::from_values((0..10).map(Value::Int));
    for index in -12..12i64 {
        let wanted = if index < 0 { index + 10 } else { index };
        let wanted = (0..10).contains(&wanted).then_some(Value::Int(wanted));
        assert_eq!(pack.view().seek(index).map(|place| pack.view().get(place)), wanted, "{index}");
    }
    assert_eq!(Listpack::new().view().seek(0), None);
    assert_eq!(Listpack::new().view().seek(-1), None);
    assert_eq!(pack.view().seek(i64::MIN), None);
}

#[test]
fn finds_what_is_not_skipped() {
    let pack = Listpack::from_values([&b"a"[..], b"12", b"12", b"a", b"c", b"x"]);
    let first = pack.view().first().unwrap();
    let index = |needle: &[u8], skip| {
        let found = pack.view().find(first, needle, skip)?;
        pack.view().iter().with_places().position(|(place, _)| place == found)
    };
    assert_eq!(index(b"12", 0), Some(1));
    assert_eq!(index(b"12", 1), Some(2));
    assert_eq!(index(b"a", 1), Some(0));
    assert_eq!(index(b"x", 1), None);
    assert_eq!(index(b"012", 0), None);
    // A foreign pack may hold a number as a string.
    let foreign = hex("0b0000000100823132 03ff");
    let mut foreign = foreign;
    foreign[0] = foreign.len() as u8;
    let foreign = view(&foreign).unwrap();
    assert_eq!(foreign.find(foreign.first().unwrap(), b"12", 0), foreign.first());
}

/// 65535 and more are counted anew each time; the count does not come back by itself.
#[test]
fn many_elements_are_counted() {
    let mut pack = Listpack::from_values((0..65_534).map(|i| Value::Int(i & 1)));
    assert_eq!((&pack.bytes()[4..6], pack.len()), (&[0xFE, 0xFF][..], 65_534));
    pack.append(b"x");
    assert_eq!((&pack.bytes()[4..6], pack.len()), (&[0xFF, 0xFF][..], 65_535));
    pack.append(b"y");
    assert_eq!(pack.len(), 65_536);
    assert_eq!(pack.view().seek(65_535).map(|place| pack.view().get(place)), Some(Value::Str(b"y")));
    assert_eq!(pack.view().seek(65_536), None);
    assert_eq!(pack.view().seek(-65_537), None);
    pack.remove_range(0, 10);
    assert_eq!((&pack.bytes()[4..6], pack.len()), (&[0xFF, 0xFF][..], 65_526));
    let rest = pack.split_off(pack.view().seek(65_500).unwrap());
    assert_eq!((pack.len(), rest.len()), (65_500, 26));
    assert!(is_valid(pack.bytes()) && is_valid(rest.bytes()));
}

fn check_equal(pack: &Listpack, model: &[Vec<u8>], seed: u64) {
    assert!(is_valid(pack.bytes()), "seed {seed}");
    assert_eq!(pack.len(), model.len(), "seed {seed}");
    assert_eq!(texts(pack.view()), model, "seed {seed}");
    let backwards: Vec<Vec<u8>> = pack.iter().rev().map(Value::to_vec).collect();
    assert!(backwards.iter().eq(model.iter().rev()), "seed {seed}");
    assert_eq!(pack.bytes(), Listpack::from_values(model).bytes(), "seed {seed}");
}

fn step(pack: &mut Listpack, model: &mut Vec<Vec<u8>>, rng: &mut Rng) {
    let value = random_text(rng);
    let at = rng.below(model.len() as u64 + 1) as usize;
    let place = pack.view().seek(at as i64);
    match (rng.below(12), place) {
        (0, _) => {
            pack.append(&value);
            model.push(value);
        }
        (1, _) => {
            pack.prepend(&value);
            model.insert(0, value);
        }
        (2 | 3, Some(place)) => {
            let own = pack.insert(place, Side::Before, &value);
            assert!(pack.view().get(own).is_same(Value::Str(&value)));
            model.insert(at, value);
        }
        (4 | 5, Some(place)) => {
            pack.insert(place, Side::After, &value);
            model.insert(at + 1, value);
        }
        (6, Some(place)) => {
            pack.replace(place, &value);
            model[at] = value;
        }
        (7, Some(place)) => {
            let next = pack.remove(place);
            model.remove(at);
            assert_eq!(next.map(|next| pack.view().get(next).to_vec()), model.get(at).cloned());
        }
        (8, _) => {
            let count = rng.below(4) as usize;
            pack.remove_range(at as i64, count);
            model.drain(at..(at + count).min(model.len()));
        }
        (9, _) => {
            let more: Vec<Vec<u8>> = (0..rng.below(4)).map(|_| random_text(rng)).collect();
            match rng.one_in(2) {
                true => pack.append_all(&more),
                false => pack.merge(Listpack::from_values(&more).view()),
            }
            model.extend(more);
        }
        (10, _) => {
            let places = pack.view().sample_distinct(rng, 3, 1);
            let kept = |(i, place): (usize, Place)| (!places.contains(&place)).then_some(i);
            let kept: Vec<usize> =
                pack.iter().with_places().map(|(place, _)| place).enumerate().filter_map(kept).collect();
            pack.remove_each(&places, 1);
            *model = kept.iter().map(|&i| model[i].clone()).collect();
        }
        (11, Some(place)) => {
            let rest = pack.split_off(place);
            let rest_model = model.split_off(at);
            assert!(is_valid(rest.bytes()));
            assert_eq!((texts(rest.view()), rest.len()), (rest_model.clone(), rest_model.len()));
            if rng.one_in(4) {
                return;
            }
            pack.merge(rest.view());
            model.extend(rest_model);
        }
        _ => {}
    }
}

#[test]
fn behaves_as_a_vector() {
    for seed in 0..60 {
        let mut rng = Rng::new(seed);
        let (mut pack, mut model) = (Listpack::new(), Vec::new());
        for _ in 0..120 {
            step(&mut pack, &mut model, &mut rng);
            check_equal(&pack, &model, seed);
        }
    }
}

/// What passes for a listpack can be read from both ends and changed.
fn use_all(bytes: &[u8], rng: &mut Rng) -> bool {
    let Some(mut pack) = Listpack::from_bytes(bytes.into()) else { return false };
    let forwards = texts(pack.view());
    let backwards: Vec<Vec<u8>> = pack.iter().rev().map(Value::to_vec).collect();
    assert!(forwards.iter().rev().eq(&backwards));
    assert_eq!(forwards.len(), pack.len());
    let mut model = forwards;
    for _ in 0..4 {
        step(&mut pack, &mut model, rng);
        assert!(is_valid(pack.bytes()));
        assert_eq!(texts(pack.view()), model);
    }
    true
}

#[test]
fn foreign_bytes_are_refused_or_can_be_read() {
    for seed in 0..30 {
        let mut rng = Rng::new(seed);
        let mut accepted = 0;
        for _ in 0..400 {
            let values: Vec<Vec<u8>> = (0..rng.below(12)).map(|_| random_text(&mut rng)).collect();
            let mut bytes = Listpack::from_values(&values).into_bytes().into_vec();
            assert!(is_valid(&bytes));
            mutate(&mut bytes, &mut rng);
            if rng.one_in(2) && HEADER_BYTES < bytes.len() {
                // A right header, so that the elements are what is looked at.
                let total = (bytes.len() as u32).to_le_bytes();
                bytes[..4].copy_from_slice(&total);
                bytes[4..6].fill(0xFF);
            }
            accepted += u64::from(use_all(&bytes, &mut rng));
            let noise: Vec<u8> = (0..rng.below(40)).map(|_| rng.next_u64() as u8).collect();
            use_all(&noise, &mut rng);
        }
        assert!(20 < accepted && accepted < 390, "seed {seed}: {accepted} of 400 accepted");
    }
}

#[test]
fn broken_listpacks_are_refused() {
    for (bytes, why) in [
        ("", "nothing"),
        ("070000000000", "no terminator"),
        ("0700000000000000ff", "longer than its header says"),
        ("0a0000000000ff", "shorter than its header says"),
        ("07000000000000", "another terminator"),
        ("07000000 0100 ff", "an element too few"),
        ("09000000 0000 0001 ff", "an element too many"),
        ("09000000 0100 0002 ff", "another length from the right"),
        ("0a000000 0100 008001 ff", "a length of two groups for one"),
        ("0a000000 0100 000081 ff", "a length with its mark on the wrong group"),
        ("09000000 0100 f401 ff", "half an integer"),
        ("09000000 0100 f501 ff", "no encoding"),
        ("09000000 0100 ff01 ff", "a terminator within"),
        ("0c000000 0100 f0ffffffff ff", "a length beyond the end"),
        ("0a000000 0100 856161 ff", "a string beyond the end"),
    ] {
        assert!(!is_valid(&hex(bytes)), "{why}");
    }
    assert!(is_valid(&hex("07000000 0000 ff")));
    assert!(is_valid(&hex("09000000 ffff 0001 ff")));
}

#[test]
fn limits_are_told() {
    let pack = Listpack::from_values([b"a"]);
    assert!(pack.has_room(BYTES_MAX - 10));
    assert!(!pack.has_room(BYTES_MAX - 9));
    assert!(!pack.has_room(usize::MAX));
}

#[test]
fn chance_is_even() {
    let pack = Listpack::from_values((0..40).map(Value::Int));
    let mut rng = Rng::new(7);
    let index = |place| pack.view().get(place).as_int().unwrap() as usize;
    let (mut single, mut repeated, mut distinct) = (vec![0; 20], vec![0; 20], vec![0; 20]);
    for _ in 0..4000 {
        single[index(pack.view().random(&mut rng, 2).unwrap()) / 2] += 1;
        for place in pack.view().sample_with_repeats(&mut rng, 5, 2) {
            assert_eq!(index(place) % 2, 0);
            repeated[index(place) / 2] += 1;
        }
        let places = pack.view().sample_distinct(&mut rng, 5, 2);
        assert!(places.len() == 5 && places.is_sorted());
        places.iter().for_each(|&place| distinct[index(place) / 2] += 1);
    }
    [single, repeated, distinct].iter().for_each(|hits| assert_even(hits));
    assert_eq!(pack.view().sample_distinct(&mut rng, 99, 2).len(), 20);
    assert_eq!(pack.view().sample_distinct(&mut rng, 0, 1).len(), 0);
    let empty = Listpack::new();
    assert_eq!(empty.view().random(&mut rng, 1), None);
    assert!(empty.view().sample_with_repeats(&mut rng, 3, 1).is_empty());
    assert!(empty.view().sample_distinct(&mut rng, 3, 1).is_empty());
}

/// The first of several draws is even too: repeats come in random order.
#[test]
fn repeats_have_no_order() {
    let pack = Listpack::from_values((0..10).map(Value::Int));
    let mut rng = Rng::new(8);
    let mut hits = vec![0; 10];
    for _ in 0..3000 {
        let first = pack.view().sample_with_repeats(&mut rng, 4, 1)[0];
        hits[pack.view().get(first).as_int().unwrap() as usize] += 1;
    }
    assert_even(&hits);
}
