//! Runs the simulator over many seeds. `SIM_SEED=n` replays one with its trace; `SIM_SEEDS=n` sets how many run.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use testkit::sim::{Failure, Report, Tracing, run};

const SEEDS: u64 = 3000;
/// The lines before a failure that are worth reading first.
const TRACE_LINES: usize = 120;

fn number(name: &str) -> Option<u64> {
    std::env::var(name)
        .ok()
        .map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is a number, not {text:?}")))
}

/// Says which seed it was, if its run panics.
struct Told(u64);

impl Drop for Told {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the seed was {}: replay it by SIM_SEED={}", self.0, self.0);
        }
    }
}

fn one(seed: u64, tracing: Tracing) -> Result<Report, Failure> {
    let _told = Told(seed);
    run(seed, tracing)
}

#[test]
fn seeds() {
    if let Some(seed) = number("SIM_SEED") {
        match one(seed, Tracing::On) {
            Ok(report) => println!("seed {seed}: {report:?}"),
            Err(failure) => {
                failure.trace.iter().for_each(|line| println!("{line}"));
                panic!("seed {seed}: {}", failure.what);
            }
        }
        return;
    }
    let seeds = number("SIM_SEEDS").unwrap_or(SEEDS);
    let next = AtomicU64::new(0);
    let failures = Mutex::new(Vec::new());
    let total = Mutex::new(Report::default());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, |n| n.get()) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seeds <= seed {
                        return;
                    }
                    match one(seed, Tracing::Off) {
                        Ok(report) => {
                            let mut total = total.lock().unwrap_or_else(PoisonError::into_inner);
                            total.full_syncs += report.full_syncs;
                            total.partial_syncs += report.partial_syncs;
                            total.observations += report.observations;
                            total.log_bytes += report.log_bytes;
                        }
                        Err(failure) => {
                            failures
                                .lock()
                                .unwrap_or_else(PoisonError::into_inner)
                                .push((seed, failure.what));
                        }
                    }
                }
            });
        }
    });
    let total = total.into_inner().unwrap_or_else(PoisonError::into_inner);
    println!("{seeds} seeds: {total:?}");
    let mut failures = failures.into_inner().unwrap_or_else(PoisonError::into_inner);
    failures.sort();
    if let Some((seed, what)) = failures.first() {
        let trace = one(*seed, Tracing::On).err().map(|failure| failure.trace).unwrap_or_default();
        trace.iter().skip(trace.len().saturating_sub(TRACE_LINES)).for_each(|line| println!("{line}"));
        let list: Vec<String> =
            failures.iter().take(20).map(|(seed, what)| format!("{seed}: {what}")).collect();
        panic!(
            "{} of {seeds} seeds fail; SIM_SEED={seed} replays the first ({what})\n{}",
            failures.len(),
            list.join("\n")
        );
    }
    // A simulator in which nothing happens finds nothing.
    assert!(seeds < 100 || (seeds < total.full_syncs && seeds < total.partial_syncs), "{total:?}");
}
