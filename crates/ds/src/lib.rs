//! Data structures and striped locks: the only crate with unsafe code for memory.

pub mod allocation;
pub mod block;
pub mod entry;
pub mod fields;
pub mod intset;
pub mod legacy;
pub mod list;
pub mod listpack;
mod outside;
mod segment;
mod shared;
pub mod sorted;
pub mod spine;
pub mod stream;
pub mod striped;
pub mod table;
#[cfg(test)]
mod testing;
mod trie;
