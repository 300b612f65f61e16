//! Writes what the fuzzers begin with: `hostile_seeds DIRECTORY` makes a folder for each target, of good values of every form.

use std::path::Path;
use testkit::hostile::{TARGETS, seeds};

const FILES: [&[u8]; 4] = [
    include_bytes!("../../engine/tests/golden/redis-7.0.15.rdb"),
    include_bytes!("../../engine/tests/golden/redis-7.2.4.rdb"),
    include_bytes!("../../engine/tests/golden/redis-8.0-pre.rdb"),
    include_bytes!("../../engine/tests/golden/valkey-8.0-plus.rdb"),
];

fn main() -> std::io::Result<()> {
    let directory = std::env::args_os().nth(1).expect("hostile_seeds DIRECTORY");
    for target in TARGETS {
        let folder = Path::new(&directory).join(target.name);
        std::fs::create_dir_all(&folder)?;
        for (i, bytes) in seeds::of_target(target.name, &FILES).iter().enumerate() {
            std::fs::write(folder.join(format!("seed-{i:03}")), bytes)?;
        }
    }
    Ok(())
}
