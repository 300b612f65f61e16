//! The keyspace, transactions, the log, RDB and the data commands. No I/O, no clock, no threads.
//!
//! Every command is a transaction: lock → run → log → gate (see [`txn`]). Time and chance are arguments.

pub mod access;
pub mod apply;
pub mod commands;
pub mod debug;
pub mod digest;
mod engine;
mod error;
pub mod events;
pub mod expire;
pub mod functions;
pub mod load;
pub mod log;
#[cfg(test)]
mod model_tests;
pub mod rdb;
pub mod row;
mod shard;
pub mod snapshot;
pub mod survey;
#[cfg(test)]
mod testing;
mod txn;
pub mod value;

pub use apply::{Applier, Foreign, Note, StreamError};
pub use engine::{Collation, Engine, SHARDS, Settings, Stage, State};
pub use error::{Done, Error};
pub use row::{Meta, Row};
pub use shard::{Db, Shard, WatchMark};
pub use txn::{Counts, Origin, Scratch, Trash, Ttl, Txn, copy_payload};
