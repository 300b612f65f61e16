//! INFO memory. The allocator is not asked: what is used is what is resident.

use super::facts::Facts;
use super::{Field, field, none_yet};
use base::human;

pub const FIELDS: &[Field] = &[
    field("used_memory", |facts| facts.memory().used.to_string()),
    field("used_memory_human", |facts| human::bytes(facts.memory().used)),
    field("used_memory_rss", |facts| facts.memory().resident.to_string()),
    field("used_memory_rss_human", |facts| human::bytes(facts.memory().resident)),
    field("used_memory_peak", |facts| facts.memory().peak.to_string()),
    field("used_memory_peak_human", |facts| human::bytes(facts.memory().peak)),
    field("used_memory_peak_perc", |facts| percent(facts.memory().used, facts.memory().peak)),
    field("used_memory_overhead", |facts| facts.memory().overhead.to_string()),
    field("used_memory_startup", |facts| facts.memory().startup.to_string()),
    field("used_memory_dataset", |facts| dataset(facts).to_string()),
    field("used_memory_dataset_perc", |facts| {
        percent(dataset(facts), facts.memory().used.saturating_sub(facts.memory().startup))
    }),
    field("allocator_allocated", |facts| facts.memory().used.to_string()),
    field("allocator_active", |facts| facts.memory().resident.to_string()),
    field("allocator_resident", |facts| facts.memory().resident.to_string()),
    field("total_system_memory", |_| crate::memory::system_bytes().to_string()),
    field("total_system_memory_human", |_| human::bytes(crate::memory::system_bytes())),
    field("used_memory_lua", |facts| lua(facts).to_string()),
    field("used_memory_vm_eval", |facts| lua(facts).to_string()),
    field("used_memory_lua_human", |facts| human::bytes(lua(facts))),
    field("used_memory_scripts_eval", |facts| scripts(facts).to_string()),
    field("number_of_cached_scripts", |facts| facts.server.scripts.known.len().to_string()),
    field("number_of_functions", |facts| facts.server.engine.functions.count().to_string()),
    field("number_of_libraries", |facts| facts.server.engine.functions.all().len().to_string()),
    // One interpreter runs both.
    none_yet("used_memory_vm_functions"),
    field("used_memory_vm_total", |facts| lua(facts).to_string()),
    field("used_memory_vm_total_human", |facts| human::bytes(lua(facts))),
    field("used_memory_functions", |facts| functions(facts).to_string()),
    field("used_memory_scripts", |facts| (scripts(facts) + functions(facts)).to_string()),
    field("used_memory_scripts_human", |facts| human::bytes(scripts(facts) + functions(facts))),
    field("maxmemory", |facts| facts.config.maxmemory.to_string()),
    field("maxmemory_human", |facts| human::bytes(facts.config.maxmemory as u64)),
    field("maxmemory_policy", |facts| facts.config.maxmemory_policy.0.into()),
    field("allocator_frag_ratio", |facts| ratio(facts.memory().resident, facts.memory().used)),
    field("allocator_frag_bytes", |facts| beyond(facts.memory().resident, facts.memory().used)),
    field("allocator_rss_ratio", |_| ratio(1, 1)),
    none_yet("allocator_rss_bytes"),
    field("rss_overhead_ratio", |_| ratio(1, 1)),
    none_yet("rss_overhead_bytes"),
    field("mem_fragmentation_ratio", |facts| ratio(facts.memory().resident, facts.memory().used)),
    field("mem_fragmentation_bytes", |facts| beyond(facts.memory().resident, facts.memory().used)),
    none_yet("mem_not_counted_for_evict"),
    field("mem_replication_backlog", |facts| facts.backlog_bytes().to_string()),
    field("mem_total_replication_buffers", |facts| facts.backlog_bytes().to_string()),
    field("mem_clients_slaves", |facts| facts.memory().replicas.to_string()),
    field("mem_clients_normal", |facts| facts.memory().clients.to_string()),
    none_yet("mem_cluster_links"),
    none_yet("mem_aof_buffer"),
    field("mem_allocator", |_| "mimalloc".into()),
    none_yet("active_defrag_running"),
    field("lazyfree_pending_objects", |facts| facts.server.lazyfree.pending().to_string()),
    field("lazyfreed_objects", |facts| facts.server.lazyfree.freed().to_string()),
];

/// What the interpreters of all threads hold.
fn lua(facts: &Facts) -> u64 {
    facts.server.scripts.memory_bytes.load(std::sync::atomic::Ordering::Relaxed)
}

/// The texts of scripts.
fn scripts(facts: &Facts) -> u64 {
    facts.server.scripts.known.bytes()
}

/// The texts of libraries.
fn functions(facts: &Facts) -> u64 {
    facts
        .server
        .engine
        .functions
        .all()
        .iter()
        .map(|source| (source.name.len() + source.code.len()) as u64)
        .sum()
}

fn dataset(facts: &Facts) -> u64 {
    facts.memory().used.saturating_sub(facts.memory().overhead)
}

fn percent(part: u64, whole: u64) -> String {
    let share = if whole == 0 { 0.0 } else { part as f64 / whole as f64 * 100.0 };
    format!("{share:.2}%")
}

fn ratio(part: u64, whole: u64) -> String {
    format!("{:.2}", if whole == 0 { 0.0 } else { part as f64 / whole as f64 })
}

fn beyond(part: u64, whole: u64) -> String {
    (part as i64 - whole as i64).to_string()
}
