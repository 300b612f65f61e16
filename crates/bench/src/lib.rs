//! Benchmarks: of the engine inside one process, and of a server against redis-server.
//!
//! The machine is shared and noisy, so everything is measured in interleaved rounds, and what counts is the median
//! of the rounds' ratios, in CPU time of the threads rather than by the wall clock.

pub mod cases;
pub mod client;
pub mod measure;
pub mod process;
pub mod template;
pub mod workload;
