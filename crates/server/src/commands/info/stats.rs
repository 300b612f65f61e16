//! INFO stats.

use super::facts::Facts;
use super::{Field, field, none_yet};
use crate::rates::Rate;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

pub const FIELDS: &[Field] = &[
    field("total_connections_received", |facts| count(&facts.server.connections_received)),
    field("total_commands_processed", |facts| {
        facts.server.workers.iter().map(|worker| worker.stats.processed()).sum::<u64>().to_string()
    }),
    field("instantaneous_ops_per_sec", |facts| facts.rate(Rate::Commands).to_string()),
    field("total_net_input_bytes", |facts| {
        let link = facts.server.replication.stats.input_bytes.load(Relaxed);
        (facts.sum(|stats| &stats.input_bytes) + link).to_string()
    }),
    field("total_net_output_bytes", |facts| {
        let feed = facts.server.replication.stats.output_bytes.load(Relaxed);
        (facts.sum(|stats| &stats.output_bytes) + feed).to_string()
    }),
    field("total_net_repl_input_bytes", |facts| count(&facts.server.replication.stats.input_bytes)),
    field("total_net_repl_output_bytes", |facts| count(&facts.server.replication.stats.output_bytes)),
    field("instantaneous_input_kbps", |facts| kilobytes(facts, &[Rate::Input, Rate::ReplInput])),
    field("instantaneous_output_kbps", |facts| kilobytes(facts, &[Rate::Output, Rate::ReplOutput])),
    field("instantaneous_input_repl_kbps", |facts| kilobytes(facts, &[Rate::ReplInput])),
    field("instantaneous_output_repl_kbps", |facts| kilobytes(facts, &[Rate::ReplOutput])),
    field("rejected_connections", |facts| count(&facts.server.rejected_connections)),
    field("sync_full", |facts| facts.server.replication.counters().sync_full.to_string()),
    field("sync_partial_ok", |facts| facts.server.replication.counters().sync_partial_ok.to_string()),
    field("sync_partial_err", |facts| facts.server.replication.counters().sync_partial_err.to_string()),
    field("expired_subkeys", |facts| {
        let actively = facts.server.expire_stats.fields_deleted.load(Relaxed);
        (facts.sum(|stats| &stats.expired_fields) + actively).to_string()
    }),
    field("expired_keys", |facts| {
        let actively = facts.server.expire_stats.deleted.load(Relaxed);
        (facts.sum(|stats| &stats.expired) + actively).to_string()
    }),
    field("expired_stale_perc", |_| "0.00".into()),
    field("expired_time_cap_reached_count", |facts| count(&facts.server.expire_stats.time_caps)),
    field("expire_cycle_cpu_milliseconds", |facts| {
        (facts.server.expire_stats.cpu_nanos.load(Relaxed) / 1_000_000).to_string()
    }),
    none_yet("evicted_keys"),
    none_yet("evicted_clients"),
    none_yet("total_eviction_exceeded_time"),
    none_yet("current_eviction_exceeded_time"),
    field("keyspace_hits", |facts| facts.sum(|stats| &stats.hits).to_string()),
    field("keyspace_misses", |facts| facts.sum(|stats| &stats.misses).to_string()),
    none_yet("pubsub_channels"),
    none_yet("pubsub_patterns"),
    none_yet("pubsubshard_channels"),
    // Nothing forks.
    none_yet("latest_fork_usec"),
    none_yet("total_forks"),
    none_yet("migrate_cached_sockets"),
    none_yet("slave_expires_tracked_keys"),
    none_yet("active_defrag_hits"),
    none_yet("active_defrag_misses"),
    none_yet("active_defrag_key_hits"),
    none_yet("active_defrag_key_misses"),
    none_yet("total_active_defrag_time"),
    none_yet("current_active_defrag_time"),
    none_yet("tracking_total_keys"),
    none_yet("tracking_total_items"),
    none_yet("tracking_total_prefixes"),
    none_yet("unexpected_error_replies"),
    field("total_error_replies", |facts| facts.server.errors.total().to_string()),
    none_yet("dump_payload_sanitizations"),
    field("total_reads_processed", |facts| facts.sum(|stats| &stats.reads).to_string()),
    field("total_writes_processed", |facts| facts.sum(|stats| &stats.writes).to_string()),
    // What the workers besides the first did.
    field("io_threaded_reads_processed", |facts| {
        facts.server.workers.iter().skip(1).map(|worker| worker.stats.reads.get()).sum::<u64>().to_string()
    }),
    field("io_threaded_writes_processed", |facts| {
        facts.server.workers.iter().skip(1).map(|worker| worker.stats.writes.get()).sum::<u64>().to_string()
    }),
    none_yet("reply_buffer_shrinks"),
    none_yet("reply_buffer_expands"),
    field("eventloop_cycles", |facts| facts.sum(|stats| &stats.loops).to_string()),
    field("eventloop_duration_sum", |facts| (facts.sum(|stats| &stats.loop_nanos) / 1000).to_string()),
    field("eventloop_duration_cmd_sum", |facts| (facts.sum(|stats| &stats.command_nanos) / 1000).to_string()),
    field("instantaneous_eventloop_cycles_per_sec", |facts| facts.rate(Rate::Loops).to_string()),
    field("instantaneous_eventloop_duration_usec", |facts| {
        let nanos = facts.rate(Rate::LoopNanos).checked_div(facts.rate(Rate::Loops)).unwrap_or(0);
        (nanos / 1000).to_string()
    }),
    field("acl_access_denied_auth", |facts| count(&facts.server.errors.auth_denied)),
    none_yet("acl_access_denied_cmd"),
    none_yet("acl_access_denied_key"),
    none_yet("acl_access_denied_channel"),
];

fn count(counter: &AtomicU64) -> String {
    counter.load(Relaxed).to_string()
}

fn kilobytes(facts: &Facts, rates: &[Rate]) -> String {
    let bytes: u64 = rates.iter().map(|rate| facts.rate(*rate)).sum();
    format!("{:.2}", bytes as f64 / 1024.0)
}
