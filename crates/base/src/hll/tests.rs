//! What redis-server 7.0.15 made of the same elements, byte for byte.

use super::*;
use crate::rng::Rng;

fn fnv(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

fn elements(range: std::ops::Range<u32>) -> impl Iterator<Item = Vec<u8>> {
    range.map(|n| format!("e:{n}").into_bytes())
}

fn filled(range: std::ops::Range<u32>, sparse_bytes_max: usize) -> Vec<u8> {
    let mut bytes = new();
    for element in elements(range) {
        add(&mut bytes, &element, sparse_bytes_max).unwrap();
    }
    bytes
}

/// hll-sparse-max-bytes, elements so far, then of GET: its length and hash, what PFCOUNT gave, and GET's hash after it.
/// The elements were `e:0`, `e:1` and so on.
const GROWTH: &[(usize, u32, usize, u64, u64, u64)] = &[
    (3000, 0, 18, 0x524bc36d036c0579, 0, 0xfd8f436a8f6e62f9),
    (3000, 1, 21, 0x22a4cfbed36f584d, 1, 0x9b1e762c886f576a),
    (3000, 2, 24, 0x4cacf5050731fa7c, 2, 0x75c3e0943728e6a3),
    (3000, 3, 27, 0x72ae037b2497454b, 3, 0xfad1fa8d4522f82c),
    (3000, 10, 48, 0x388e23ed03ed847f, 10, 0x22be2a3d356c412),
    (3000, 50, 158, 0x4dace787bf059c45, 50, 0x6d506b5238b790bd),
    (3000, 100, 279, 0x175cd9c6a0fba603, 100, 0x5999824f1bc45151),
    (3000, 300, 686, 0x9337280483de737a, 301, 0x634fbb69aab5ccc0),
    (3000, 700, 1376, 0xe809340605ea3fe8, 697, 0xb35539b07610be65),
    (3000, 1000, 1880, 0xcd20b49260ef151f, 995, 0x9a99632d030aa846),
    (3000, 1500, 2683, 0x93e6405ff2c3537e, 1484, 0x7e41bb623c205cd5),
    (3000, 2500, 12304, 0xdc59539962d72c1c, 2489, 0x7e0c94e9fb0e0b89),
    (3000, 5000, 12304, 0x36ad9ec64588bdda, 5027, 0x846b55b7fda0b5a2),
    (3000, 20000, 12304, 0xbf1063ee7ff70184, 20096, 0xe88df78539c1f07c),
    (3000, 100000, 12304, 0xdc818a14a091a7f9, 100342, 0xabec102fe1c0251),
    (0, 0, 18, 0x524bc36d036c0579, 0, 0xfd8f436a8f6e62f9),
    (0, 1, 12304, 0x513bfe1c8b93dfda, 1, 0xbde5ee56c61e8bfb),
    (0, 2, 12304, 0x7cc0af9669ff3100, 2, 0x8f295e61a4432693),
    (0, 3, 12304, 0xc6d23bf95bdcaa3f, 3, 0xe910d1488bda68ea),
    (0, 10, 12304, 0xc43173292f7f9bef, 10, 0x76eeab6210d21a2a),
    (0, 50, 12304, 0x897b0aa4304ad24a, 50, 0x211ac269cb3bac12),
    (0, 100, 12304, 0x3f2e58dad16734a8, 100, 0x748c886d8839b546),
    (0, 300, 12304, 0xc57322db0a6171a1, 301, 0x5084b2a30d944e0b),
    (0, 700, 12304, 0x3e1c26d4777249dd, 697, 0x9153049fd6e7c7f4),
    (0, 1000, 12304, 0xc1c8ebc4a876a3de, 995, 0x479050db8a7054f7),
    (0, 1500, 12304, 0x6dfd22ef080c0e70, 1484, 0xbbaf353b917ac2c1),
    (0, 2500, 12304, 0xdc59539962d72c1c, 2489, 0x7e0c94e9fb0e0b89),
    (0, 5000, 12304, 0x36ad9ec64588bdda, 5027, 0x846b55b7fda0b5a2),
    (0, 20000, 12304, 0xbf1063ee7ff70184, 20096, 0xe88df78539c1f07c),
    (0, 100000, 12304, 0xdc818a14a091a7f9, 100342, 0xabec102fe1c0251),
    (1500, 0, 18, 0x524bc36d036c0579, 0, 0xfd8f436a8f6e62f9),
    (1500, 1, 21, 0x22a4cfbed36f584d, 1, 0x9b1e762c886f576a),
    (1500, 2, 24, 0x4cacf5050731fa7c, 2, 0x75c3e0943728e6a3),
    (1500, 3, 27, 0x72ae037b2497454b, 3, 0xfad1fa8d4522f82c),
    (1500, 10, 48, 0x388e23ed03ed847f, 10, 0x22be2a3d356c412),
    (1500, 50, 158, 0x4dace787bf059c45, 50, 0x6d506b5238b790bd),
    (1500, 100, 279, 0x175cd9c6a0fba603, 100, 0x5999824f1bc45151),
    (1500, 300, 686, 0x9337280483de737a, 301, 0x634fbb69aab5ccc0),
    (1500, 700, 1376, 0xe809340605ea3fe8, 697, 0xb35539b07610be65),
    (1500, 1000, 12304, 0xc1c8ebc4a876a3de, 995, 0x479050db8a7054f7),
    (1500, 1500, 12304, 0x6dfd22ef080c0e70, 1484, 0xbbaf353b917ac2c1),
    (1500, 2500, 12304, 0xdc59539962d72c1c, 2489, 0x7e0c94e9fb0e0b89),
    (1500, 5000, 12304, 0x36ad9ec64588bdda, 5027, 0x846b55b7fda0b5a2),
    (1500, 20000, 12304, 0xbf1063ee7ff70184, 20096, 0xe88df78539c1f07c),
    (16000, 0, 18, 0x524bc36d036c0579, 0, 0xfd8f436a8f6e62f9),
    (16000, 1, 21, 0x22a4cfbed36f584d, 1, 0x9b1e762c886f576a),
    (16000, 2, 24, 0x4cacf5050731fa7c, 2, 0x75c3e0943728e6a3),
    (16000, 3, 27, 0x72ae037b2497454b, 3, 0xfad1fa8d4522f82c),
    (16000, 10, 48, 0x388e23ed03ed847f, 10, 0x22be2a3d356c412),
    (16000, 50, 158, 0x4dace787bf059c45, 50, 0x6d506b5238b790bd),
    (16000, 100, 279, 0x175cd9c6a0fba603, 100, 0x5999824f1bc45151),
    (16000, 300, 686, 0x9337280483de737a, 301, 0x634fbb69aab5ccc0),
    (16000, 700, 1376, 0xe809340605ea3fe8, 697, 0xb35539b07610be65),
    (16000, 1000, 1880, 0xcd20b49260ef151f, 995, 0x9a99632d030aa846),
    (16000, 1500, 2683, 0x93e6405ff2c3537e, 1484, 0x7e41bb623c205cd5),
    (16000, 2500, 4221, 0x4819648dd12fd091, 2489, 0x160b513965e49b6a),
    (16000, 5000, 7181, 0xb045a8c76a45793c, 5027, 0xe46e9c5fe1bc05b0),
];

#[test]
fn bytes_and_counts_are_redis() {
    let (mut bytes, mut so_far, mut setting) = (Vec::new(), 0, usize::MAX);
    for &(sparse_bytes_max, elements_count, len, hash, count, hash_after) in GROWTH {
        if sparse_bytes_max != setting {
            (bytes, so_far, setting) = (new(), 0, sparse_bytes_max);
            mark_stale(&mut bytes);
        }
        let case = format!("{elements_count} elements, at most {sparse_bytes_max} bytes");
        let mut is_changed = false;
        for element in elements(so_far..elements_count) {
            is_changed |= add(&mut bytes, &element, sparse_bytes_max).unwrap();
            assert_eq!(add(&mut bytes, &element, sparse_bytes_max), Ok(false), "{case}");
        }
        so_far = elements_count;
        assert_eq!(is_changed, 0 < elements_count, "{case}");
        assert_eq!((bytes.len(), fnv(&bytes)), (len, hash), "{case}");
        assert_eq!(cached(&bytes), None, "{case}");
        assert_eq!(super::count(&bytes), Ok(count), "{case}");
        cache(&mut bytes, count);
        assert_eq!((cached(&bytes), fnv(&bytes)), (Some(count), hash_after), "{case}");
    }
}

#[test]
fn unions_are_redis() {
    let (a, b, c) = (filled(0..300, 3000), filled(200..600, 3000), filled(0..9000, 3000));
    let mut merged = new();
    // The second merge goes on with what the first one made.
    for (goes_on, sources, sparse_bytes_max, len, hash, count) in [
        (false, &[&a, &b][..], 3000, 1208, 0x27018192b23e4066, 599),
        (true, &[&a, &b, &c], 3000, 12304, 0xfe349354eb039e69, 9036),
        (false, &[], 3000, 18, 0x524bc36d036c0579, 0),
        (false, &[&a, &b], 600, 12304, 0x41915c8fd3dce769, 599),
    ] {
        if !goes_on {
            merged = new();
        }
        let mut union = Union::new();
        union.add(&merged).unwrap();
        sources.iter().for_each(|source| union.add(source).unwrap());
        assert_eq!(union.count(), count);
        union.store(&mut merged, sparse_bytes_max).unwrap();
        assert_eq!((merged.len(), fnv(&merged)), (len, hash), "{count}");
        assert_eq!(super::count(&merged), Ok(count));
        cache(&mut merged, count);
    }
}

#[test]
fn sparse_runs_as_text() {
    let mut bytes = new();
    for element in ["x", "y", "z"] {
        assert_eq!(add(&mut bytes, element.as_bytes(), 3000), Ok(true));
    }
    assert_eq!(bytes[HEADER_BYTES..], [0x61, 0x84, 0x80, 0x58, 0xcd, 0x88, 0x45, 0xa0, 0x84, 0x08]);
    let text = "Z:8581 v:1,1 Z:6350 v:3,1 Z:1441 v:2,1 z:9";
    assert_eq!(decode(&bytes).unwrap().as_deref(), Some(text));
    assert_eq!(to_dense(&mut bytes), Ok(true));
    assert_eq!((to_dense(&mut bytes), decode(&bytes)), (Ok(false), Ok(None)));
    assert_eq!(super::count(&bytes), Ok(3));
}

/// Both encodings hold the same registers, whatever came in whatever order; and nobody wrote beside them.
#[test]
fn sparse_and_dense_agree() {
    for seed in 0..30 {
        let mut rng = Rng::new(seed);
        let (mut sparse, mut dense, mut model) = (new(), new(), vec![0u8; REGISTERS]);
        to_dense(&mut dense).unwrap();
        // Registers near each other, so that runs of values split and merge.
        let within = [16, 200, REGISTERS][seed as usize % 3] as u64;
        for _ in 0..1500 {
            let (register, value) = (rng.below(within) as usize, 1 + rng.below(4) as u8);
            let want = model[register] < value;
            assert_eq!(raise(&mut sparse, register, value, 1 << 20), Ok(want), "seed {seed}");
            assert_eq!(raise(&mut dense, register, value, 0), Ok(want), "seed {seed}");
            model[register] = model[register].max(value);
        }
        for bytes in [&sparse, &dense] {
            let mut union = Union::new();
            union.add(bytes).unwrap();
            assert!(union.values() == model, "seed {seed}");
            assert_eq!(super::count(bytes), Ok(union.count()), "seed {seed}");
        }
        to_dense(&mut sparse).unwrap();
        assert_eq!(sparse[HEADER_BYTES..], dense[HEADER_BYTES..], "seed {seed}");
    }
}

#[test]
fn the_greatest_values_need_dense() {
    let mut bytes = new();
    assert_eq!(raise(&mut bytes, REGISTERS - 1, 32, 3000), Ok(true));
    assert_eq!(check(&bytes), Ok(Encoding::Sparse));
    assert_eq!(raise(&mut bytes, REGISTERS - 1, 33, 3000), Ok(true));
    assert_eq!(check(&bytes), Ok(Encoding::Dense));
    assert_eq!(raise(&mut bytes, REGISTERS - 1, 51, 3000), Ok(true));
    assert_eq!(dense_get(&bytes[HEADER_BYTES..], REGISTERS - 1), 51);
    assert_eq!(bytes.len(), DENSE_BYTES);
}

#[test]
fn what_is_none_is_refused() {
    let (sparse, mut dense) = (new(), new());
    to_dense(&mut dense).unwrap();
    let mut encoding = sparse.clone();
    encoding[ENCODING_AT] = 2;
    for bytes in [&b""[..], b"HYLL", &sparse[..15], b"hyll\x01\0\0\0\0\0\0\0\0\0\0\0", &encoding, &dense[1..]]
    {
        assert_eq!(check(bytes), Err(Invalid::Foreign));
    }
    dense.push(0);
    assert_eq!(check(&dense), Err(Invalid::Foreign));
    assert_eq!(cached(b"short"), None);
    for codes in [
        &b""[..],
        b"\0",
        b"\x7f",
        b"\x7f\xfe",
        b"\x7f\xff\0",
        b"\x7f\xff\x80",
        b"\x7f\xff\x7f\xff",
        &[0xff; 9],
    ] {
        let mut bytes = [&sparse[..HEADER_BYTES], codes].concat();
        assert_eq!(check(&bytes), Ok(Encoding::Sparse));
        assert_eq!(super::count(&bytes), Err(Invalid::Corrupt), "{codes:x?}");
        assert_eq!(Union::new().add(&bytes), Err(Invalid::Corrupt), "{codes:x?}");
        assert_eq!(to_dense(&mut bytes), Err(Invalid::Corrupt), "{codes:x?}");
    }
    let mut cut = [&sparse[..HEADER_BYTES], b"\x7e"].concat();
    assert_eq!(raise(&mut cut, 100, 3, 3000), Err(Invalid::Corrupt));
    assert_eq!(raise(&mut cut, REGISTERS - 1, 3, 3000), Err(Invalid::Corrupt));
}

/// Any bytes behind the header: an error or a count, never a panic.
#[test]
fn garbage_is_survived() {
    for seed in 0..3000 {
        let mut rng = Rng::new(seed);
        let mut bytes = new();
        bytes.truncate(HEADER_BYTES);
        bytes.extend((0..rng.below(40)).map(|_| rng.next_u64() as u8));
        if rng.one_in(2) {
            // Runs that cover everything, but in an odd way.
            let covered = sparse::runs(&bytes[HEADER_BYTES..]).map(|(len, _)| len).sum::<usize>();
            if covered < REGISTERS {
                sparse::push_zeros(&mut bytes, REGISTERS - covered);
            }
        }
        for _ in 0..20 {
            let (register, value) = (rng.below(REGISTERS as u64) as usize, 1 + rng.below(33) as u8);
            let _ = raise(&mut bytes, register, value, 200);
        }
        let counted = super::count(&bytes);
        let mut union = Union::new();
        assert_eq!(union.add(&bytes).map(|()| union.count()), counted, "seed {seed}");
        assert_eq!(to_dense(&mut bytes).is_ok(), counted.is_ok(), "seed {seed}");
    }
}

/// A dense one says of an element that it has it exactly where adding it changes nothing.
#[test]
fn dense_ones_know_what_they_have() {
    let mut bytes = filled(0..500, 0);
    assert!(elements(0..500).all(|element| dense_has(&bytes, &element)));
    let mut new = 0;
    for element in elements(500..5000) {
        let had = dense_has(&bytes, &element);
        assert_eq!(add(&mut bytes, &element, 0), Ok(!had));
        new += usize::from(!had);
    }
    assert!(1000 < new && new < 4500);
    assert!(!dense_has(&filled(0..1, 3000), b"e:0"), "of a sparse one nothing is known");
    assert!(!dense_has(b"e:0", b"e:0"));
}
