//! What comes by chance is uniform: chi-square over members of every form, and over keys. Seeds are fixed.

use crate::testing::{Bench, check_on, texts};
use std::collections::BTreeMap;

/// Draws `count` times and counts what comes.
fn counts(bench: &mut Bench, draws: usize, before: Option<&[&[u8]]>, request: &str) -> BTreeMap<String, f64> {
    let words: Vec<&[u8]> = request.split(' ').map(str::as_bytes).collect();
    let mut counts = BTreeMap::new();
    for _ in 0..draws {
        if let Some(before) = before {
            bench.run(before);
        }
        let reply = texts(&bench.run(&words)).remove(0);
        for member in reply.trim_matches(['[', ']']).split(", ") {
            *counts.entry(member.to_string()).or_default() += 1.0;
        }
    }
    counts
}

/// Fair draws stay below the bound in all but one of ten thousand cases or less.
#[track_caller]
fn check_uniform(counts: &BTreeMap<String, f64>, members: usize, what: &str) {
    assert!(counts.len() <= members, "{what}: {} of {members} came", counts.len());
    let expected = counts.values().sum::<f64>() / members as f64;
    let missing = (members - counts.len()) as f64 * expected;
    let chi: f64 = counts.values().map(|n| (n - expected).powi(2) / expected).sum::<f64>() + missing;
    let freedom = (members - 1) as f64;
    assert!(chi < freedom + 4.5 * (2.0 * freedom).sqrt(), "{what}: chi-square {chi} of {members}");
}

#[test]
fn what_spop_takes() {
    for (prefix, members, encoding) in [("", 50, "intset"), ("m", 50, "listpack"), ("m", 200, "hashtable")] {
        let names: Vec<String> = (0..members).map(|i| format!("{prefix}{i}")).collect();
        for request in ["SPOP s", "SPOP s 1", "SPOP s 7", "SPOP s 45"] {
            let mut bench = Bench::new();
            check_on(
                &mut bench,
                &format!("SADD all {}\nOBJECT ENCODING all -> \"{encoding}\"", names.join(" ")),
            );
            let fresh: &[&[u8]] = &[b"COPY", b"all", b"s", b"REPLACE"];
            let counts = counts(&mut bench, 4000, Some(fresh), request);
            check_uniform(&counts, members, &format!("{request} of {encoding}"));
        }
    }
}

#[test]
fn what_zrandmember_gives() {
    for (members, encoding) in [(50, "listpack"), (300, "skiplist")] {
        // Equal scores and different ones, in no order.
        let elements: Vec<String> = (0..members).map(|i| format!("{} m{i}", i * 7 % 40)).collect();
        for request in
            ["ZRANDMEMBER z", "ZRANDMEMBER z 1", "ZRANDMEMBER z 9", "ZRANDMEMBER z 45", "ZRANDMEMBER z -20"]
        {
            let mut bench = Bench::new();
            check_on(
                &mut bench,
                &format!("ZADD z {}\nOBJECT ENCODING z -> \"{encoding}\"", elements.join(" ")),
            );
            let counts = counts(&mut bench, 5000, None, request);
            check_uniform(&counts, members, &format!("{request} of {encoding}"));
        }
    }
}

/// Also after many keys went, which leaves segments of a table unevenly full.
#[test]
fn what_randomkey_gives() {
    for (keys, left, shards) in [(700, 700, 64), (4000, 600, 64), (3000, 500, 1)] {
        let mut bench = Bench::with_shards(shards);
        (0..keys).for_each(|i| _ = bench.run(&[b"SET", format!("k{i}").as_bytes(), b"v"]));
        (left..keys).for_each(|i| _ = bench.run(&[b"DEL", format!("k{i}").as_bytes()]));
        let counts = counts(&mut bench, 60_000, None, "RANDOMKEY");
        check_uniform(&counts, left, &format!("RANDOMKEY of {left} in {shards} shards"));
    }
}
