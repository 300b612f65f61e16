//! The Redis protocol: decoding of requests, a sink for replies.
//!
//! What is here knows bytes only: no sockets, no commands. Requests are decoded in place into spans
//! ([`Decoder`], [`Args`]); replies are written straight into the connection's output buffer ([`Reply`]); what
//! goes to replicas and into the AOF is written by [`push_command`], in the one spelling that every peer uses.
//! Trees of replies exist for tools and tests only ([`parse`]).

mod args;
mod decode;
pub mod line;
mod reply;

pub use args::{Args, OwnedArgs, RequestBuffer, Span, command_len, push_command};
pub use decode::{Decoded, Decoder, Limits, ProtocolError};
pub use reply::{Later, Proto, Reply};
