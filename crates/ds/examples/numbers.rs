//! Bytes per element and time per operation of the large values' structures. Numbers to look at, not a test.
//!
//! `cargo run --release -p ds --example numbers`

use base::hash::KeyHasher;
use base::rng::Rng;
use ds::fields::Fields;
use ds::sorted::{Edge, Sorted};
use std::hint::black_box;

const COUNT: u64 = 1_000_000;

/// Time on the processor: the machine may have other work.
fn nanos() -> u64 {
    let line = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux says it");
    line.split(' ').next().and_then(|first| first.parse().ok()).expect("it is a number")
}

fn timed<R>(what: &str, n: u64, run: impl FnOnce() -> R) -> R {
    let start = nanos();
    let result = run();
    println!("  {what:<28} {:>7.0} ns", (nanos() - start) as f64 / n as f64);
    result
}

fn key(n: u64, bytes: usize) -> Vec<u8> {
    format!("{:0bytes$}", n.wrapping_mul(0x9e37_79b9) % 100_000_000).into_bytes()
}

fn fields(key_bytes: usize, value_bytes: usize) {
    let keys: Vec<Vec<u8>> = (0..COUNT).map(|n| key(n, key_bytes)).collect();
    let value = vec![b'v'; value_bytes];
    let mut fields =
        if value_bytes == 0 { Fields::set(KeyHasher::new(1)) } else { Fields::hash(KeyHasher::new(1)) };
    println!("fields: keys of {key_bytes}, values of {value_bytes} bytes");
    timed("insert", COUNT, || keys.iter().for_each(|key| _ = black_box(fields.insert(key, &value, None))));
    println!("  {:<28} {:>7.1}", "bytes each", fields.memory_bytes() as f64 / fields.len() as f64);
    timed("get", COUNT, || keys.iter().for_each(|key| assert!(fields.get(key).is_some())));
    timed("replace", COUNT, || keys.iter().for_each(|key| _ = black_box(fields.insert(key, &value, None))));
    let mut rng = Rng::new(1);
    timed("random", COUNT, || (0..COUNT).for_each(|_| _ = black_box(fields.random(&mut rng))));
    timed("iterate", COUNT, || {
        assert_eq!(fields.iter().filter(|f| f.key.len() == key_bytes).count() as u64, COUNT)
    });
    let clone = timed("clone", 1, || fields.clone());
    timed("replace, shared", COUNT, || {
        keys.iter().for_each(|key| _ = black_box(fields.insert(key, &value, None)))
    });
    drop(clone);
    timed("remove", COUNT, || keys.iter().for_each(|key| assert!(fields.remove(key))));
}

fn sorted(member_bytes: usize) {
    let members: Vec<Vec<u8>> = (0..COUNT).map(|n| key(n, member_bytes)).collect();
    let score = |n: usize| (n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) as f64 / 1e6;
    let mut set = Sorted::new(KeyHasher::new(1));
    println!("sorted: members of {member_bytes} bytes");
    let each = || members.iter().enumerate();
    timed("insert", COUNT, || each().for_each(|(n, member)| _ = black_box(set.insert(member, score(n)))));
    println!("  {:<28} {:>7.1}", "bytes each", set.memory_bytes() as f64 / set.len() as f64);
    timed("score", COUNT, || members.iter().for_each(|member| assert!(set.score(member).is_some())));
    timed("rank", COUNT, || members.iter().for_each(|member| assert!(set.rank(member).is_some())));
    timed("rescore", COUNT, || {
        each().for_each(|(n, member)| _ = black_box(set.insert(member, score(n + 9))))
    });
    timed("count before", COUNT, || {
        (0..COUNT as usize).for_each(|n| _ = black_box(set.count_before(Edge::Score(score(n)))))
    });
    timed("ten from a rank", COUNT, || {
        (0..COUNT as usize).for_each(|n| _ = black_box(set.range(n..n + 10).fold(0.0, |sum, e| sum + e.1)))
    });
    timed("iterate", COUNT, || {
        assert_eq!(set.iter().filter(|(m, _)| m.len() == member_bytes).count() as u64, COUNT)
    });
    let clone = timed("clone", 1, || set.clone());
    timed("rescore, shared", COUNT, || {
        each().for_each(|(n, member)| _ = black_box(set.insert(member, score(n + 1))))
    });
    drop(clone);
    timed("pop", COUNT / 2, || {
        (0..COUNT / 2).for_each(|_| set.remove_ranks(0..1, |m, _| _ = black_box(m.len())))
    });
    timed("remove a range", COUNT / 4, || {
        set.remove_ranks(0..COUNT as usize / 4, |m, _| _ = black_box(m.len()))
    });
    timed("remove", COUNT, || members.iter().for_each(|member| _ = black_box(set.remove(member))));
}

/// Pages fill together, so one count alone says little.
fn bytes_while_it_grows(key_bytes: usize, value_bytes: usize) {
    let value = vec![b'v'; value_bytes];
    let mut fields =
        if value_bytes == 0 { Fields::set(KeyHasher::new(1)) } else { Fields::hash(KeyHasher::new(1)) };
    print!("fields of {key_bytes} and {value_bytes} bytes:");
    for n in 0..COUNT * 7 / 4 {
        fields.insert(&key(n, key_bytes), &value, None);
        if COUNT <= n + 1 && (n + 1).is_multiple_of(COUNT / 4) {
            print!(" {:.1}", fields.memory_bytes() as f64 / fields.len() as f64);
        }
    }
    println!(" bytes each at 1, 1.25, 1.5, 1.75 million");
}

fn main() {
    for (key_bytes, value_bytes) in [(8, 0), (16, 0), (16, 16), (16, 64), (16, 300)] {
        bytes_while_it_grows(key_bytes, value_bytes);
    }
    sorted(8);
    sorted(16);
    sorted(64);
    fields(8, 0);
    fields(16, 0);
    fields(16, 16);
    fields(16, 64);
    fields(16, 300);
}
