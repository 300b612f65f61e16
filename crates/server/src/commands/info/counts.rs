//! INFO commandstats, errorstats, latencystats and keyspace: as many lines as there is something to count.

use super::facts::Facts;
use super::line;
use crate::commands::{Command, table};
use crate::latency::Merged;
use crate::stats::{CommandStat, Counter};

/// One command's figures on each worker.
fn stats<'f>(facts: &'f Facts, command: &'f Command) -> impl Iterator<Item = &'f CommandStat> {
    facts.server.workers.iter().map(move |worker| worker.stats.command(command))
}

pub fn commands(facts: &Facts, out: &mut String) {
    for command in table().every() {
        let sum = |field: fn(&CommandStat) -> &Counter| -> u64 {
            stats(facts, command).map(|stat| field(stat).get()).sum()
        };
        let (calls, usec) = (sum(|stat| &stat.calls), sum(|stat| &stat.nanos) / 1000);
        let (rejected, failed) = (sum(|stat| &stat.rejected), sum(|stat| &stat.failed));
        if calls == 0 && rejected == 0 && failed == 0 {
            continue;
        }
        let per_call = if calls == 0 { 0.0 } else { usec as f64 / calls as f64 };
        let value = format!(
            "calls={calls},usec={usec},usec_per_call={per_call:.2},rejected_calls={rejected},failed_calls={failed}"
        );
        line(out, &format!("cmdstat_{}", command.full_name), value);
    }
}

pub fn errors(facts: &Facts, out: &mut String) {
    for (code, count) in facts.server.errors.all() {
        line(out, &format!("errorstat_{code}"), format!("count={count}"));
    }
}

pub fn latencies(facts: &Facts, out: &mut String) {
    let wanted = &facts.config.latency_tracking_info_percentiles.0;
    let percentiles: Vec<f64> = wanted.iter().filter_map(|percent| percent.parse().ok()).collect();
    for command in table().every() {
        let merged = Merged::of(stats(facts, command).filter_map(CommandStat::latency));
        if merged.is_empty() {
            continue;
        }
        let figure = |percent: &f64| format!("p{percent}={:.3}", merged.percentile(*percent) as f64 / 1000.0);
        let figures: Vec<String> = percentiles.iter().map(figure).collect();
        line(out, &format!("latency_percentiles_usec_{}", command.full_name), figures.join(","));
    }
}

pub fn keyspace(facts: &Facts, out: &mut String) {
    for db in &facts.survey.dbs {
        let mut value = format!("keys={},expires={},avg_ttl={}", db.keys, db.volatile, db.ttl_ms);
        // Redis 7.2 has no such figure, later ones have it always: it is shown where it says something.
        if db.with_volatile_fields != 0 {
            value += &format!(",subexpiry={}", db.with_volatile_fields);
        }
        line(out, &format!("db{}", db.db), value);
    }
}
