//! Data structures and striped locks: the only crate with unsafe code for memory.

pub mod block;
pub mod entry;
mod segment;
pub mod striped;
pub mod table;
