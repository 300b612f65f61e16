//! Bytes per key of the engine inside one process: resident, and by its own accounting.
//!
//! Segments of the table fill together and split together, so the figure swings as the keyspace grows; printed are
//! several sizes and their mean. `engine-memory [--start N]`

use base::rng::Rng;
use bench::measure::{median, resident_bytes};
use bench::workload::{key, value};
use engine::{Engine, Origin, SHARDS, Scratch, Ttl};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let engine = Engine::new(SHARDS, 16, 7);
    let mut scratch = Scratch::new(1);
    let mut rng = Rng::new(1);
    let before = resident_bytes("self").expect("Linux has it");
    let mut n = 0;
    let mut figures = Vec::new();
    for target in [1_000_000u64, 1_250_000, 1_500_000, 1_750_000] {
        while n < target {
            let key = key(n);
            let mut txn = engine.begin(&mut scratch, engine.lock_of(&key), 0, 0, Origin::Client);
            txn.put_str(&key, &value(&mut rng), Ttl::Clear);
            txn.commit();
            scratch.forget_key();
            n += 1;
        }
        let txn = engine.begin(&mut scratch, engine.all_locks(), 0, 0, Origin::Client);
        let table: usize =
            txn.each_shard().filter_map(|shard| shard.db(0)).map(|db| db.table.memory_bytes()).sum();
        drop(txn);
        let resident = (resident_bytes("self").expect("Linux has it") - before) as f64 / n as f64;
        println!("{n} keys: {resident:.1} resident, {:.2} of it the table", table as f64 / n as f64);
        figures.push(resident);
    }
    println!(
        "mean {:.1}, median {:.1}",
        figures.iter().sum::<f64>() / figures.len() as f64,
        median(&figures)
    );
}
