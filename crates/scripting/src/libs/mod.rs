//! The libraries that scripts find beside Lua's own, in Rust: same names, results and errors as in Redis.

pub(crate) mod args;
pub(crate) mod bit;
pub(crate) mod json;
pub(crate) mod msgpack;
pub(crate) mod pack;
pub(crate) mod random;
