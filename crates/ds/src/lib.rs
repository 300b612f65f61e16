//! Data structures and striped locks: the only crate with unsafe code for memory.

pub mod block;
pub mod entry;
pub mod fields;
mod outside;
mod segment;
pub mod sorted;
pub mod striped;
pub mod table;
mod trie;
