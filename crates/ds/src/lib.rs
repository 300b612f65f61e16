//! Data structures and striped locks: the only crate with unsafe code for memory.
