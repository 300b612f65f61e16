//! INFO clients.

use super::{Field, field, none_yet};
use crate::client::Kind;
use std::sync::atomic::Ordering::Relaxed;

pub const FIELDS: &[Field] = &[
    field("connected_clients", |facts| {
        let replicas = facts.clients.iter().filter(|client| client.kind() == Kind::Replica).count();
        (facts.clients.len() - replicas).to_string()
    }),
    none_yet("cluster_connections"),
    field("maxclients", |facts| facts.config.maxclients.to_string()),
    field("client_recent_max_input_buffer", |facts| {
        let buffers = facts.clients.iter();
        let bytes =
            buffers.map(|client| client.input_bytes.load(Relaxed) + client.input_free_bytes.load(Relaxed));
        bytes.max().unwrap_or(0).to_string()
    }),
    field("client_recent_max_output_buffer", |facts| {
        facts.clients.iter().map(|client| client.output_bytes.load(Relaxed)).max().unwrap_or(0).to_string()
    }),
    field("blocked_clients", |facts| {
        facts.clients.iter().filter(|client| client.postponed.load(Relaxed)).count().to_string()
    }),
    none_yet("tracking_clients"),
    none_yet("clients_in_timeout_table"),
    none_yet("total_blocking_keys"),
    none_yet("total_blocking_keys_on_nokey"),
];
