//! Hostile bytes: what the readers of foreign bytes must bear, as functions from bytes to "sound" or a panic.
//!
//! A [`Target`] takes any bytes. It refuses them with an error, or takes them; what it takes has to be sound: every
//! command works on it, and what is written of it reads back as the same. The same functions run in three places:
//! over the corpus of cases that were found once (`crates/testkit/corpus`, replayed by `cargo test`), over mutations
//! of good values (`tests/hostile.rs`), and under a fuzzer that is guided by coverage (`fuzz/`).

mod commands;
mod mutate;
pub mod old;
pub mod seeds;
mod session;
mod structures;
mod targets;

pub use commands::{Line, TABLE as COMMANDS};
pub use mutate::mutate;
pub use session::{Session, payload};

/// A reader of foreign bytes.
pub struct Target {
    /// The name of its corpus, and of its fuzzer.
    pub name: &'static str,
    pub run: fn(&[u8]),
}

pub const TARGETS: &[Target] = &[
    Target { name: "requests", run: targets::requests },
    Target { name: "rdb", run: targets::rdb },
    Target { name: "restore", run: targets::restore },
    Target { name: "stream", run: targets::stream },
    Target { name: "listpack", run: structures::listpack },
    Target { name: "intset", run: structures::intset },
    Target { name: "ziplist", run: structures::ziplist },
    Target { name: "zipmap", run: structures::zipmap },
    Target { name: "lzf", run: structures::lzf },
];

pub fn target(name: &str) -> &'static Target {
    TARGETS.iter().find(|target| target.name == name).unwrap_or_else(|| panic!("no target {name}"))
}
