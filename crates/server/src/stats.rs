//! Counters for INFO: written by one thread each where they are hot, summed by the reader.

use crate::commands::Command;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

/// A counter with a single writer; any thread reads it.
#[derive(Default)]
pub struct Counter(AtomicU64);

impl Counter {
    #[inline]
    pub fn add(&self, n: u64) {
        // One writer: a load and a store are cheaper than an atomic addition, and lose nothing.
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(n), Ordering::Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub fn reset(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

/// What one command cost on one worker.
#[derive(Default)]
pub struct CommandStat {
    pub calls: Counter,
    pub nanos: Counter,
    pub rejected: Counter,
    pub failed: Counter,
}

/// The counters of one worker.
#[derive(Default)]
#[repr(align(128))]
pub struct WorkerStats {
    pub commands: Vec<CommandStat>,
    pub processed: Counter,
    pub input_bytes: Counter,
    pub output_bytes: Counter,
    pub reads: Counter,
    pub writes: Counter,
    pub hits: Counter,
    pub misses: Counter,
    pub expired: Counter,
    pub loops: Counter,
    pub loop_nanos: Counter,
    pub command_nanos: Counter,
}

impl WorkerStats {
    pub fn new() -> Self {
        let count = crate::commands::table().count();
        Self { commands: (0..count).map(|_| CommandStat::default()).collect(), ..Self::default() }
    }

    pub fn command(&self, command: &Command) -> &CommandStat {
        &self.commands[command.id]
    }

    /// CONFIG RESETSTAT.
    pub fn reset(&self) {
        for stat in &self.commands {
            [&stat.calls, &stat.nanos, &stat.rejected, &stat.failed].into_iter().for_each(Counter::reset);
        }
        let counters = [
            &self.processed,
            &self.input_bytes,
            &self.output_bytes,
            &self.reads,
            &self.writes,
            &self.hits,
            &self.misses,
            &self.expired,
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
    pub time_caps: AtomicU64,
    pub cpu_nanos: AtomicU64,
}

impl ExpireStats {
    pub fn add(&self, deleted: u64, nanos: u64) {
        self.deleted.fetch_add(deleted, Ordering::Relaxed);
        self.cpu_nanos.fetch_add(nanos, Ordering::Relaxed);
    }

    pub fn count_time_cap(&self) {
        self.time_caps.fetch_add(1, Ordering::Relaxed);
    }
}

/// Error replies by their code, as INFO errorstats shows them.
#[derive(Default)]
pub struct ErrorStats(Mutex<BTreeMap<String, u64>>);

/// Codes that are counted one by one; Redis stops there too, as scripts may invent codes.
const ERROR_CODES_MAX: usize = 128;

impl ErrorStats {
    /// Counts an error line, which begins with its code.
    pub fn count(&self, line: &str) {
        let code = line.split(' ').next().unwrap_or("ERR");
        let mut codes = self.0.lock();
        if let Some(count) = codes.get_mut(code) {
            *count += 1;
        } else if codes.len() < ERROR_CODES_MAX {
            codes.insert(code.to_string(), 1);
        }
    }

    pub fn all(&self) -> Vec<(String, u64)> {
        self.0.lock().iter().map(|(code, count)| (code.clone(), *count)).collect()
    }

    pub fn reset(&self) {
        self.0.lock().clear();
    }
}
