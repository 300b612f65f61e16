//! greylag-server: the only crate with sockets, files, threads, clocks and signals.
//!
//! From the socket to the keyspace: [`worker`] reads and decodes, [`dispatch`] decides whether a command may run,
//! `commands/` and the engine's rows run it.

pub mod args;
pub mod batch;
pub mod client;
pub mod clock;
pub mod commands;
pub mod config;
pub mod conn;
pub mod cron;
pub mod dispatch;
pub mod latency;
pub mod lazyfree;
pub mod listen;
pub mod loading;
pub mod logger;
pub mod mailbox;
pub mod memory;
pub mod pause;
pub mod rates;
pub mod replication;
pub mod save;
pub mod script;
pub mod server;
mod session;
pub mod shutdown;
pub mod signals;
pub mod start;
pub mod stats;
pub mod sys;
pub mod worker;

/// The compatibility level that INFO and HELLO claim.
pub const REDIS_VERSION: &str = "7.2.4";
