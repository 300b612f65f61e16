//! The packed forms one by one: what is taken as valid is read the same from both sides, and can be edited.

use base::lzf as lz;
use ds::intset::Intset;
use ds::legacy::{ziplist as zl, zipmap as zm};
use ds::listpack::{self, Listpack, Side, Value};

/// Edits of one pack; each is followed by a look at all of it.
const EDITS_MAX: usize = 12;

fn check_pack(pack: &Listpack) -> Vec<Value<'_>> {
    assert!(listpack::is_valid(pack.bytes()), "is valid no more");
    let forward: Vec<Value> = pack.iter().collect();
    let mut backward: Vec<Value> = pack.iter().rev().collect();
    backward.reverse();
    assert_eq!(forward, backward, "from both sides");
    assert_eq!(forward.len(), pack.len());
    forward
}

fn same(a: &[Value], b: &[Value]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.is_same(*b))
}

pub fn listpack(data: &[u8]) {
    let Some(pack) = Listpack::from_bytes(data.into()) else {
        assert!(listpack::view(data).is_none());
        return;
    };
    let values = check_pack(&pack);
    let rebuilt = Listpack::from_values(values.iter().copied());
    assert!(same(&check_pack(&rebuilt), &values));
    let mut edited = pack.clone();
    for i in 0..values.len().min(EDITS_MAX) {
        let place = edited.view().seek(i as i64).expect("lies within");
        match i % 4 {
            0 => edited.replace(place, 1_i64 << (i * 5)),
            1 => edited.replace(place, &[b'x'; 70]),
            2 => {
                edited.insert(place, if i % 3 == 0 { Side::Before } else { Side::After }, b"between");
            }
            _ => {
                edited.remove(place);
            }
        }
        check_pack(&edited);
    }
    edited.append(b"last");
    edited.prepend(-5000_i64);
    assert_eq!(check_pack(&edited).first(), Some(&Value::Int(-5000)));
    edited.remove_range(1, usize::MAX);
    assert_eq!(check_pack(&edited), [Value::Int(-5000)]);
}

fn check_ints(set: &Intset) -> Vec<i64> {
    let ints: Vec<i64> = set.iter().collect();
    assert!(ints.is_sorted_by(|a, b| a < b), "ascend, each once");
    assert_eq!(ints.len(), set.len());
    assert_eq!((set.min(), set.max()), (ints.first().copied(), ints.last().copied()));
    ints.iter().enumerate().for_each(|(i, &n)| assert_eq!(set.search(n), Ok(i)));
    ints
}

pub fn intset(data: &[u8]) {
    let Some(mut set) = Intset::from_bytes(data.into()) else { return };
    let ints = check_ints(&set);
    assert!(!ints.is_empty(), "an empty one is none");
    for n in [0, -1, 70_000, i64::MAX, i64::MIN] {
        assert_eq!(set.insert(n), !ints.contains(&n));
    }
    for n in ints {
        assert!(set.remove(n));
    }
    check_ints(&set);
    if !set.is_empty() {
        let again = Intset::from_bytes(set.bytes().into()).expect("what we write is valid");
        check_ints(&again);
    }
}

pub fn ziplist(data: &[u8]) {
    let Some(elements) = zl::elements(data) else {
        assert!(zl::to_listpack(data).is_none());
        return;
    };
    let values: Vec<Value> = elements.collect();
    let pack = zl::to_listpack(data).expect("is small");
    assert!(same(&check_pack(&pack), &values));
}

pub fn zipmap(data: &[u8]) {
    let Some(pairs) = zm::pairs(data) else {
        assert!(zm::to_listpack(data).is_none());
        return;
    };
    let values: Vec<Value> =
        pairs.flat_map(|(field, value)| [Value::Str(field), Value::Str(value)]).collect();
    let pack = zm::to_listpack(data).expect("is small");
    assert!(same(&check_pack(&pack), &values));
}

/// Two bytes claim a length, then what is compressed; and the same bytes as something to compress.
pub fn lzf(data: &[u8]) {
    if let [low, high, packed @ ..] = data {
        let claimed = usize::from(u16::from_le_bytes([*low, *high]));
        if let Some(bytes) = lz::decompress(packed, claimed) {
            assert_eq!(bytes.len(), claimed);
        }
    }
    let mut packed = Vec::new();
    if lz::compress(data, &mut packed) {
        assert!(packed.len() < data.len());
        assert_eq!(lz::decompress(&packed, data.len()).as_deref(), Some(data));
        assert_eq!(lz::decompress(&packed, data.len() - 1), None);
    }
}
