//! Bytes per element of collections: a hundred thousand keys of ten elements, and one key of a million.

use crate::{Options, servers};
use bench::cases::SHAPES;
use bench::client::Client;
use bench::template::{Sizes, Source, Template};
use std::io;

const SIZES: [(&str, Sizes); 2] =
    [("small", Sizes { keys: 100_000, elements: 10 }), ("large", Sizes { keys: 1, elements: 1_000_000 })];
const LOAD_DEPTH: u64 = 200;

pub fn elements(options: &Options) -> io::Result<()> {
    println!(
        "Bytes per element (10 bytes, values of 10), resident; small: 100000 keys of 10; large: one of 1M:\n"
    );
    println!("| type | size | Redis | Greylag | ratio |\n|---|---|---|---|---|");
    for shape in SHAPES {
        for (name, sizes) in SIZES {
            let template = Template::new(shape.load, sizes)
                .ok_or_else(|| io::Error::other(format!("no pattern: {}", shape.load)))?;
            let mut figures = [0.0, 0.0];
            // Fresh servers each time: what an earlier type has left behind would be taken for nothing.
            for (server, figure) in servers(options)?.iter().zip(&mut figures) {
                let before = server.settled_bytes()?;
                let mut client = Client::new(vec![server.connect()?]);
                let mut source = Source::new(1);
                let (mut n, count) = (0, sizes.keys * sizes.elements);
                client.run(count, LOAD_DEPTH, |out| {
                    // Element after element of all keys in turn: as they grow in life, not one after another.
                    template.push(out, &mut source, Some((n % sizes.keys, n / sizes.keys)));
                    n += 1;
                })?;
                *figure = (server.settled_bytes()? as f64 - before as f64) / count as f64;
            }
            let [redis, greylag] = figures;
            println!("| {} | {name} | {redis:.1} | {greylag:.1} | {:.3} |", shape.name, greylag / redis);
        }
    }
    println!();
    Ok(())
}
