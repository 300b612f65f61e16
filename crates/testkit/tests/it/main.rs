//! Tests with real processes: Greylag and redis-server, as primaries, replicas and oracles.
//!
//! They need no order and no quiet machine: each has its own servers, and waits for events.

mod tree;

mod bad_input;
mod bad_primary;
mod differential;
mod field_expiry;
mod promotion;
mod propagation;
mod random_streams;
mod replication;
mod scripting;
mod seed;
mod start_stop;
mod streams;
mod stress;
mod values;
