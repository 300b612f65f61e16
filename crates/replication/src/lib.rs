//! Both sides of PSYNC as state machines without I/O.
//!
//! [`primary::Primary`] serves every replica of this node; [`replica::Link`] is this node's link to its primary. Each
//! takes one event at a time and answers with actions, in the order in which the driver is to do them; neither reads
//! a clock, opens a socket or draws a random number that its seed doesn't give. So the server drives them with
//! threads, and the simulator drives whole trees of them on a virtual clock and network.
//!
//! ```text
//!  socket of a replica ──► Event ──► Primary::step ──► Action ──► socket, log, snapshot
//!  socket to a primary ──► Event ──► Link::step ─────► Action ──► socket, staging, engine
//! ```
//!
//! Who holds what: the driver keeps the [`History`] and the log; a machine sees both in the `View` of each step and
//! says in an action how the history changes. A role change is the link's; the driver passes its effect on replicas
//! on ([`replica::Action::DropReplicas`]).
//!
//! The driver runs both machines, and what their actions do to history and log, under one lock: a `View` is true for as
//! long as the actions that came of it are carried out. What other threads report (a snapshot that was cut) bears the
//! id of the history that it belongs to.
//!
//! Limits of a conversation have names where they are used; beyond them the peer is dropped, as in Redis.

mod facts;
mod history;
pub mod primary;
pub mod replica;
#[cfg(test)]
mod trace;

pub use facts::{Facts, ReplconfError};
pub use history::{Continue, History, Refusal};

/// How important a log line is: Redis's levels.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Level {
    Debug,
    Verbose,
    Notice,
    Warning,
}

/// A connection, by a number that its driver never uses again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ConnId(pub u64);
