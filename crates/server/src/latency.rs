//! How long calls of a command took: a log-linear histogram, two decimal digits exact.
//!
//! 256 steps up to 255 ns, then 128 steps for each doubling up to a second: the layout with which Redis counts, so
//! that INFO latencystats shows the same figures for the same times. One thread records, any thread reads.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// Times beyond it count as this.
const NANOS_MAX: u64 = 1_000_000_000;
const HALF_BITS: u32 = 7;
const SLOTS: usize = (22 + 2) << HALF_BITS;

pub struct Histogram {
    counts: [AtomicU32; SLOTS],
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: [const { AtomicU32::new(0) }; SLOTS] }
    }
}

fn slot(nanos: u64) -> usize {
    let nanos = nanos.clamp(1, NANOS_MAX);
    let doublings = (nanos | 255).ilog2() - HALF_BITS;
    ((doublings as usize) << HALF_BITS) + (nanos >> doublings) as usize
}

/// The longest time that counts in the slot.
fn longest(slot: usize) -> u64 {
    let doublings = (slot >> HALF_BITS).saturating_sub(1);
    let step = (slot - (doublings << HALF_BITS)) as u64;
    ((step + 1) << doublings) - 1
}

impl Histogram {
    #[inline]
    pub fn record(&self, nanos: u64) {
        // One writer, as with counters.
        let count = &self.counts[slot(nanos)];
        count.store(count.load(Relaxed).wrapping_add(1), Relaxed);
    }

    pub fn clear(&self) {
        self.counts.iter().for_each(|count| count.store(0, Relaxed));
    }
}

/// The histograms of several workers as one.
pub struct Merged {
    counts: Vec<u64>,
    total: u64,
}

impl Merged {
    pub fn of<'h>(histograms: impl Iterator<Item = &'h Histogram>) -> Self {
        let mut counts = vec![0; SLOTS];
        for histogram in histograms {
            for (sum, count) in counts.iter_mut().zip(&histogram.counts) {
                *sum += u64::from(count.load(Relaxed));
            }
        }
        let total = counts.iter().sum();
        Self { counts, total }
    }

    pub fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// The time (ns) within which so many percent of the calls ended.
    pub fn percentile(&self, percent: f64) -> u64 {
        let wanted = ((percent.min(100.0) / 100.0 * self.total as f64 + 0.5) as u64).max(1);
        let mut seen = 0;
        for (slot, count) in self.counts.iter().enumerate() {
            seen += count;
            if wanted <= seen {
                return longest(slot);
            }
        }
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_cover_the_times_without_gaps() {
        assert_eq!(slot(0), slot(1));
        assert_eq!(slot(u64::MAX), slot(NANOS_MAX));
        assert!(slot(NANOS_MAX) < SLOTS);
        let mut last = slot(1);
        let mut nanos = 1;
        while nanos < NANOS_MAX {
            let end = longest(last);
            assert!(nanos <= end && slot(end) == last, "{nanos}");
            nanos = end + 1;
            let next = slot(nanos);
            assert!(next == last + 1 || NANOS_MAX < nanos, "{nanos}");
            last = next;
        }
    }

    #[test]
    fn percentiles_as_redis_shows_them() {
        let (one, other) = (Histogram::default(), Histogram::default());
        one.record(5_000);
        let merged = Merged::of([&one, &other].into_iter());
        assert_eq!(merged.percentile(50.0), 5_023); // INFO latencystats of Redis: p50=5.023
        (0..99).for_each(|_| other.record(1_000));
        let merged = Merged::of([&one, &other].into_iter());
        let at = [50.0, 99.0, 99.9, 100.0].map(|percent| merged.percentile(percent));
        assert_eq!(at, [1_003, 1_003, 5_023, 5_023]);
        one.clear();
        other.clear();
        assert!(Merged::of([&one, &other].into_iter()).is_empty());
    }
}
