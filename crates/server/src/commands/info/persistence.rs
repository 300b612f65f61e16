//! INFO persistence. Nothing forks here: what Redis tells of copy-on-write is told of the pre-images held.

use super::facts::Facts;
use super::{Field, field, field_if, none_yet};
use std::sync::atomic::Ordering::Relaxed;

pub const FIELDS: &[Field] = &[
    field("loading", |facts| u8::from(facts.state.is_loading()).to_string()),
    none_yet("async_loading"),
    field("current_cow_peak", |facts| running(facts, |facts| facts.saves.progress.preimage_bytes)),
    field("current_cow_size", |facts| running(facts, |facts| facts.saves.progress.preimage_bytes)),
    none_yet("current_cow_size_age"),
    field("current_fork_perc", |facts| format!("{:.2}", done_percent(facts))),
    field("current_save_keys_processed", |facts| running(facts, |facts| facts.saves.progress.keys_done)),
    field("current_save_keys_total", |facts| running(facts, |facts| facts.saves.progress.keys_total)),
    field("rdb_changes_since_last_save", |facts| {
        facts.survey.dirty.saturating_sub(facts.saves.dirty_at_save).to_string()
    }),
    field("rdb_bgsave_in_progress", |facts| u8::from(facts.saves.in_progress).to_string()),
    field("rdb_last_save_time", |facts| facts.saves.last_save.to_string()),
    field("rdb_last_bgsave_status", |facts| if facts.saves.last_ok { "ok" } else { "err" }.into()),
    field("rdb_last_bgsave_time_sec", |facts| facts.saves.last_duration.to_string()),
    field("rdb_current_bgsave_time_sec", |facts| {
        let seconds = facts.now_ms / 1000 - facts.saves.started;
        if facts.saves.in_progress { seconds.max(0) } else { -1 }.to_string()
    }),
    field("rdb_saves", |facts| facts.saves.saves.to_string()),
    field("rdb_last_cow_size", |facts| facts.saves.last_preimage_bytes.to_string()),
    field("rdb_last_load_keys_expired", |facts| facts.saves.keys_expired_at_load.to_string()),
    field("rdb_last_load_keys_loaded", |facts| facts.saves.keys_loaded.to_string()),
    none_yet("aof_enabled"),
    none_yet("aof_rewrite_in_progress"),
    none_yet("aof_rewrite_scheduled"),
    field("aof_last_rewrite_time_sec", |_| "-1".into()),
    field("aof_current_rewrite_time_sec", |_| "-1".into()),
    field("aof_last_bgrewrite_status", |_| "ok".into()),
    none_yet("aof_rewrites"),
    none_yet("aof_rewrites_consecutive_failures"),
    field("aof_last_write_status", |_| "ok".into()),
    none_yet("aof_last_cow_size"),
    none_yet("module_fork_in_progress"),
    none_yet("module_fork_last_cow_size"),
    field_if("loading_start_time", loads, |facts| started(facts).to_string()),
    field_if("loading_total_bytes", loads, |facts| total_bytes(facts).to_string()),
    field_if("loading_rdb_used_mem", loads, |facts| {
        facts.server.loading.rdb_used_memory.load(Relaxed).to_string()
    }),
    field_if("loading_loaded_bytes", loads, |facts| loaded_bytes(facts).to_string()),
    field_if("loading_loaded_perc", loads, |facts| {
        let share = if total_bytes(facts) == 0 {
            0.0
        } else {
            loaded_bytes(facts) as f64 / total_bytes(facts) as f64
        };
        format!("{:.2}", share * 100.0)
    }),
    field_if("loading_eta_seconds", loads, |facts| {
        let elapsed = (facts.now_ms / 1000 - started(facts)).max(0) as u64;
        let left = total_bytes(facts).saturating_sub(loaded_bytes(facts));
        // In the first second there is too little to judge by.
        if elapsed == 0 { 1 } else { elapsed * left / (loaded_bytes(facts) + 1) }.to_string()
    }),
];

fn loads(facts: &Facts) -> bool {
    facts.state.is_loading()
}

fn started(facts: &Facts) -> i64 {
    facts.server.loading.started.load(Relaxed)
}

fn total_bytes(facts: &Facts) -> u64 {
    facts.server.loading.total_bytes.load(Relaxed)
}

fn loaded_bytes(facts: &Facts) -> u64 {
    facts.server.loading.loaded_bytes.load(Relaxed)
}

/// A figure of the save that runs; 0 if none does.
fn running(facts: &Facts, figure: fn(&Facts) -> u64) -> String {
    if facts.saves.in_progress { figure(facts) } else { 0 }.to_string()
}

fn done_percent(facts: &Facts) -> f64 {
    let progress = &facts.saves.progress;
    if !facts.saves.in_progress || progress.keys_total == 0 {
        return 0.0;
    }
    progress.keys_done as f64 / progress.keys_total as f64 * 100.0
}
