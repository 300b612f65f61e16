//! Facts below everything: numbers as text, glob, checksums, LZF, positions, seeded randomness.
//!
//! Every module here is a pure function of its arguments: no I/O, no clock, no global state. Text formats follow
//! Redis 7.2 byte for byte, since clients, files and peers compare them.

pub mod bits;
pub mod crc64;
pub mod geo;
pub mod glob;
pub mod hash;
pub mod hll;
pub mod human;
pub mod lzf;
pub mod number;
pub mod position;
pub mod quicksort;
pub mod rng;
