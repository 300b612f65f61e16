//! Two servers, the same random commands, the same replies.
//!
//! [`grammar`] says how the arguments of each command look; [`stream`] makes a stream of commands from a seed, good
//! and bad ones, over several connections; [`runner`] sends it to both servers and compares every reply byte by
//! byte, where [`compare`] does not say that chance or time has a part in it. [`accepted`] are the differences that
//! are meant, each with its reason. A stream that fails is made shorter by [`shrink`].

pub mod accepted;
mod arguments;
pub mod compare;
pub mod grammar;
pub mod pattern;
pub mod runner;
mod scripts;
pub mod shrink;
pub mod stream;
