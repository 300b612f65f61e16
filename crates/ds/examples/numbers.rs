//! Bytes per element and time per operation of the large values' structures. Numbers to look at, not a test.
//!
//! `cargo run --release -p ds --example numbers`

use base::hash::KeyHasher;
use base::rng::Rng;
use ds::fields::Fields;
use std::hint::black_box;
use std::time::Instant;

const COUNT: u64 = 1_000_000;

fn timed<R>(what: &str, n: u64, run: impl FnOnce() -> R) -> R {
    let start = Instant::now();
    let result = run();
    println!("  {what:<28} {:>7.0} ns", start.elapsed().as_nanos() as f64 / n as f64);
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
    timed("insert", COUNT, || keys.iter().for_each(|key| drop(black_box(fields.insert(key, &value, None)))));
    println!("  {:<28} {:>7.1}", "bytes each", fields.memory_bytes() as f64 / fields.len() as f64);
    timed("get", COUNT, || keys.iter().for_each(|key| assert!(fields.get(key).is_some())));
    timed("replace", COUNT, || keys.iter().for_each(|key| drop(black_box(fields.insert(key, &value, None)))));
    let mut rng = Rng::new(1);
    timed("random", COUNT, || (0..COUNT).for_each(|_| drop(black_box(fields.random(&mut rng)))));
    timed("iterate", COUNT, || {
        assert_eq!(fields.iter().filter(|f| f.key.len() == key_bytes).count() as u64, COUNT)
    });
    let clone = timed("clone", 1, || fields.clone());
    timed("replace, shared", COUNT, || {
        keys.iter().for_each(|key| drop(black_box(fields.insert(key, &value, None))))
    });
    drop(clone);
    timed("remove", COUNT, || keys.iter().for_each(|key| assert!(fields.remove(key))));
}

fn main() {
    fields(8, 0);
    fields(16, 0);
    fields(16, 16);
    fields(16, 64);
    fields(16, 300);
}
