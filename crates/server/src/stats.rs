//! Counters for INFO: written by one thread each where they are hot, summed by the reader.
//!
//! CONFIG RESETSTAT takes nothing from a counter that another thread writes: it remembers where the counter stood,
//! so that no count is lost or comes back.

use crate::commands::Command;
use crate::latency::Histogram;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A counter with a single writer; any thread reads it, or begins it anew.
#[derive(Default)]
pub struct Counter {
    count: AtomicU64,
    /// Where it stood at the last reset.
    base: AtomicU64,
}

impl Counter {
    #[inline]
    pub fn add(&self, n: u64) {
        // One writer: a load and a store are cheaper than an atomic addition, and lose nothing.
        self.count.store(self.count.load(Relaxed).wrapping_add(n), Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.count.load(Relaxed).wrapping_sub(self.base.load(Relaxed))
    }

    pub fn reset(&self) {
        self.base.store(self.count.load(Relaxed), Relaxed);
    }
}

/// What one command cost on one worker.
#[derive(Default)]
pub struct CommandStat {
    pub calls: Counter,
    pub nanos: Counter,
    pub rejected: Counter,
    pub failed: Counter,
    latency: OnceLock<Box<Histogram>>,
}

impl CommandStat {
    /// Counts a call that took so long.
    #[inline]
    pub fn ran(&self, nanos: u64, failed: bool, track_latency: bool) {
        self.calls.add(1);
        self.nanos.add(nanos);
        if failed {
            self.failed.add(1);
        }
        if track_latency {
            self.latency.get_or_init(Box::default).record(nanos);
        }
    }

    pub fn latency(&self) -> Option<&Histogram> {
        self.latency.get().map(|histogram| &**histogram)
    }

    fn reset(&self) {
        [&self.calls, &self.nanos, &self.rejected, &self.failed].into_iter().for_each(Counter::reset);
        if let Some(histogram) = self.latency() {
            histogram.clear();
        }
    }
}

/// The counters of one worker.
#[derive(Default)]
#[repr(align(128))]
pub struct WorkerStats {
    pub commands: Vec<CommandStat>,
    pub input_bytes: Counter,
    pub output_bytes: Counter,
    pub reads: Counter,
    pub writes: Counter,
    pub hits: Counter,
    pub misses: Counter,
    pub expired: Counter,
    pub expired_fields: Counter,
    pub loops: Counter,
    pub loop_nanos: Counter,
    pub command_nanos: Counter,
}

impl WorkerStats {
    pub fn new() -> Self {
        let count = crate::commands::table().count();
        Self { commands: (0..count).map(|_| CommandStat::default()).collect(), ..Self::default() }
    }

    /// Commands that ran.
    pub fn processed(&self) -> u64 {
        self.commands.iter().map(|stat| stat.calls.get()).sum()
    }

    #[inline]
    pub fn command(&self, command: &Command) -> &CommandStat {
        &self.commands[command.id]
    }

    /// CONFIG RESETSTAT.
    pub fn reset(&self) {
        self.commands.iter().for_each(CommandStat::reset);
        let counters = [
            &self.input_bytes,
            &self.output_bytes,
            &self.reads,
            &self.writes,
            &self.hits,
            &self.misses,
            &self.expired,
            &self.expired_fields,
            &self.loops,
            &self.loop_nanos,
            &self.command_nanos,
        ];
        counters.into_iter().for_each(Counter::reset);
    }
}

/// What active expiry did.
#[derive(Default)]
pub struct ExpireStats {
    pub deleted: AtomicU64,
    /// Fields of hashes.
    pub fields_deleted: AtomicU64,
    pub time_caps: AtomicU64,
    pub cpu_nanos: AtomicU64,
}

impl ExpireStats {
    pub fn add(&self, deleted: u64, fields_deleted: u64, nanos: u64) {
        self.deleted.fetch_add(deleted, Relaxed);
        self.fields_deleted.fetch_add(fields_deleted, Relaxed);
        self.cpu_nanos.fetch_add(nanos, Relaxed);
    }

    pub fn count_time_cap(&self) {
        self.time_caps.fetch_add(1, Relaxed);
    }

    pub fn reset(&self) {
        [&self.deleted, &self.fields_deleted, &self.time_caps, &self.cpu_nanos]
            .into_iter()
            .for_each(|count| count.store(0, Relaxed));
    }
}

/// Error replies by their code, as INFO errorstats shows them.
#[derive(Default)]
pub struct ErrorStats {
    codes: Mutex<BTreeMap<String, u64>>,
    total: AtomicU64,
    /// Logins with a wrong name or password.
    pub auth_denied: AtomicU64,
}

/// Codes that are counted one by one; Redis stops there too, as scripts may invent codes.
const ERROR_CODES_MAX: usize = 128;
/// A line without a blank so far in has no code.
const CODE_BYTES_MAX: usize = 31;

impl ErrorStats {
    /// Counts an error line, which begins with its code.
    pub fn count(&self, line: &str) {
        self.total.fetch_add(1, Relaxed);
        let code = match line.split_once(' ') {
            Some((code, _)) if code.len() <= CODE_BYTES_MAX => code,
            _ => "ERR",
        };
        let mut codes = self.codes.lock();
        if let Some(count) = codes.get_mut(code) {
            *count += 1;
        } else if codes.len() < ERROR_CODES_MAX {
            codes.insert(code.to_string(), 1);
        }
    }

    pub fn total(&self) -> u64 {
        self.total.load(Relaxed)
    }

    pub fn all(&self) -> Vec<(String, u64)> {
        self.codes.lock().iter().map(|(code, count)| (code.clone(), *count)).collect()
    }

    pub fn reset(&self) {
        self.codes.lock().clear();
        self.total.store(0, Relaxed);
        self.auth_denied.store(0, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_begins_anew_without_losing_what_its_writer_adds() {
        let counter = Counter::default();
        counter.add(5);
        counter.reset();
        assert_eq!(counter.get(), 0);
        counter.add(2);
        assert_eq!(counter.get(), 2);
    }

    #[test]
    fn error_lines_are_counted_by_their_code() {
        let errors = ErrorStats::default();
        for line in ["ERR a", "ERR b", "WRONGTYPE c", "nocode", &format!("{} x", "A".repeat(40))] {
            errors.count(line);
        }
        assert_eq!(errors.all(), [("ERR".to_string(), 4), ("WRONGTYPE".to_string(), 1)]);
        assert_eq!(errors.total(), 5);
        for i in 0..200 {
            errors.count(&format!("CODE{i} x"));
        }
        assert_eq!(errors.all().len(), ERROR_CODES_MAX);
        errors.reset();
        assert_eq!((errors.all().len(), errors.total()), (0, 0));
    }
}
