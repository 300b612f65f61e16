//! Bytes per key of short strings, which lie in their entries.

use crate::{Options, servers};
use std::io;

/// Keys at which memory is measured: segments of a table fill together, so one size says little.
const SIZES: [u64; 4] = [1_000_000, 1_250_000, 1_500_000, 1_750_000];

pub fn memory(options: &Options) -> io::Result<()> {
    let servers = servers(options)?;
    let before = [servers[0].settled_bytes()?, servers[1].settled_bytes()?];
    println!("Bytes per key (16-byte keys, 64-byte values), resident:\n");
    println!("| keys | Redis | Greylag | ratio |\n|---|---|---|---|");
    let mut sums = [0.0, 0.0];
    let mut loaded = 0;
    for size in SIZES {
        let mut figures = [0.0, 0.0];
        for (i, server) in servers.iter().enumerate() {
            server.load(loaded..size)?;
            figures[i] = (server.resident_bytes()? as f64 - before[i] as f64) / size as f64;
            sums[i] += figures[i];
        }
        loaded = size;
        println!("| {size} | {:.1} | {:.1} | {:.3} |", figures[0], figures[1], figures[1] / figures[0]);
    }
    let [redis, greylag] = sums.map(|sum| sum / SIZES.len() as f64);
    println!("| mean | {redis:.1} | {greylag:.1} | {:.3} |\n", greylag / redis);
    Ok(())
}
