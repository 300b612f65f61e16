//! What an entry remembers of its use: 24 bits, as in Redis.
//!
//! Without an LFU policy the seconds at which it was used last, turning over after half a year. With one, 16 bits for
//! the minute at which the count was looked at last, then 8 bits for the count: it rises the less likely the higher it
//! is, and falls by one for every `lfu-decay-time` minutes. When the policy changes, the bits stay, and mean for a
//! while what they did not.

use base::rng::Rng;
use std::sync::atomic::{AtomicU64, Ordering};

pub const BITS_MASK: u32 = 0x00FF_FFFF;
/// A new entry's count, so that it is not the first to go.
const FREQUENCY_NEW: u8 = 5;

/// How use is measured: one word, so that a transaction reads it at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Measure(u64);

/// What a file or a request says of an entry's use.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Used {
    #[default]
    Unsaid,
    /// Seconds ago.
    Idle(u64),
    Frequency(u8),
}

impl Measure {
    const FREQUENCY: u64 = 1;
    const TOLD: u64 = 2;
    const FACTOR_SHIFT: u32 = 2;
    const DECAY_SHIFT: u32 = 33;
    const FIGURE_MAX: u64 = i32::MAX as u64;

    /// By time, for a policy that does not look at it.
    pub const TIME: Self = Self(0);
    /// By time, for an LRU policy: an RDB tells it.
    pub const TOLD_TIME: Self = Self(Self::TOLD);

    /// For an LFU policy, with `lfu-log-factor` and `lfu-decay-time`.
    pub fn frequency(log_factor: u64, decay_minutes: u64) -> Self {
        assert!(log_factor <= Self::FIGURE_MAX && decay_minutes <= Self::FIGURE_MAX);
        Self(Self::FREQUENCY | log_factor << Self::FACTOR_SHIFT | decay_minutes << Self::DECAY_SHIFT)
    }

    #[inline]
    pub fn is_frequency(self) -> bool {
        self.0 & Self::FREQUENCY != 0
    }

    fn log_factor(self) -> u64 {
        self.0 >> Self::FACTOR_SHIFT & Self::FIGURE_MAX
    }

    fn decay_minutes(self) -> u64 {
        self.0 >> Self::DECAY_SHIFT
    }

    /// Of an entry that is created now.
    #[inline]
    pub fn new_entry(self, now_ms: i64) -> u32 {
        if self.is_frequency() { packed(now_ms, FREQUENCY_NEW) } else { seconds(now_ms) }
    }

    /// Of an entry of which something is said; what is said in the other measure counts for nothing.
    pub fn of_told(self, used: Used, now_ms: i64) -> Option<u32> {
        match used {
            Used::Frequency(count) if self.is_frequency() => Some(packed(now_ms, count)),
            Used::Idle(ago) if !self.is_frequency() => {
                Some(seconds(now_ms).wrapping_sub(ago.min(BITS_MASK.into()) as u32) & BITS_MASK)
            }
            _ => None,
        }
    }

    /// What an RDB tells of an entry.
    pub fn tell(self, access: u32, now_ms: i64) -> Used {
        match () {
            () if self.is_frequency() => Used::Frequency(self.count(access, now_ms)),
            () if self.0 & Self::TOLD != 0 => Used::Idle(idle_seconds(access, now_ms).into()),
            () => Used::Unsaid,
        }
    }

    /// An entry's count as it is by now.
    pub fn count(self, access: u32, now_ms: i64) -> u8 {
        let (then, count) = ((access >> 8) as u16, access as u8);
        let now = minutes(now_ms);
        // Over the turn Redis counts a minute too few.
        let passed = if then <= now { now - then } else { u16::MAX - then + now };
        let periods = u64::from(passed).checked_div(self.decay_minutes()).unwrap_or(0);
        u8::try_from(periods).map_or(0, |periods| count.saturating_sub(periods))
    }

    /// Of an entry that is used now, measured by frequency.
    #[cold]
    pub fn used_again(self, access: u32, now_ms: i64, rng: &mut Rng) -> u32 {
        let count = self.count(access, now_ms);
        let above = u64::from(count.saturating_sub(FREQUENCY_NEW));
        let rises = count < u8::MAX && rng.unit() < 1.0 / (above as f64 * self.log_factor() as f64 + 1.0);
        packed(now_ms, count + u8::from(rises))
    }
}

/// Seconds since an entry was used, measured by time.
pub fn idle_seconds(access: u32, now_ms: i64) -> u32 {
    seconds(now_ms).wrapping_sub(access) & BITS_MASK
}

#[inline]
pub fn seconds(now_ms: i64) -> u32 {
    (now_ms / 1000) as u32 & BITS_MASK
}

fn minutes(now_ms: i64) -> u16 {
    (now_ms / 60_000) as u16
}

fn packed(now_ms: i64, count: u8) -> u32 {
    u32::from(minutes(now_ms)) << 8 | u32::from(count)
}

/// The measure as CONFIG SET changes it.
#[derive(Default)]
pub struct MeasureSetting(AtomicU64);

impl MeasureSetting {
    #[inline]
    pub fn get(&self) -> Measure {
        Measure(self.0.load(Ordering::Relaxed))
    }

    pub fn set(&self, measure: Measure) {
        self.0.store(measure.0, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000;

    #[test]
    fn figures_keep_out_of_each_other() {
        for (factor, decay) in
            [(0, 0), (10, 1), (i32::MAX as u64, 0), (0, i32::MAX as u64), (7, i32::MAX as u64)]
        {
            let measure = Measure::frequency(factor, decay);
            assert!(
                measure.is_frequency() && measure.log_factor() == factor && measure.decay_minutes() == decay
            );
        }
        assert!(!Measure::TIME.is_frequency() && !Measure::TOLD_TIME.is_frequency());
    }

    #[test]
    fn counts_fall_with_time() {
        let start = 1000 * MINUTE;
        let access = Measure::frequency(10, 1).of_told(Used::Frequency(20), start).expect("is its measure");
        let count = |decay, minutes| Measure::frequency(10, decay).count(access, start + minutes * MINUTE);
        assert_eq!((count(1, 0), count(1, 1), count(1, 19), count(1, 20), count(1, 500)), (20, 19, 1, 0, 0));
        assert_eq!((count(5, 4), count(5, 5), count(5, 14)), (20, 19, 18));
        assert_eq!((count(0, 0), count(0, 60_000)), (20, 20));
        // The minutes turn over at 65536.
        let access =
            Measure::frequency(10, 1).of_told(Used::Frequency(20), 65_530 * MINUTE).expect("is its measure");
        assert_eq!(Measure::frequency(10, 1).count(access, 65_540 * MINUTE), 11);
    }

    /// The mean of many counts after so many uses is what the rule says: between 5 and 5 + 1 the first use counts for
    /// sure, and from there it takes 1 + 10 × (count - 5) uses in the mean to rise by one.
    #[test]
    fn counts_rise_the_less_likely_the_higher_they_are() {
        let mut rng = Rng::new(3);
        let measure = Measure::frequency(10, 1);
        let mean = |uses: u32, rng: &mut Rng| {
            let one = |rng: &mut Rng| {
                let access =
                    (0..uses).fold(measure.new_entry(0), |access, _| measure.used_again(access, 0, rng));
                u32::from(measure.count(access, 0))
            };
            f64::from((0..400).map(|_| one(rng)).sum::<u32>()) / 400.0
        };
        assert_eq!(mean(0, &mut rng), 5.0);
        assert_eq!(mean(1, &mut rng), 6.0);
        let (hundred, thousand) = (mean(100, &mut rng), mean(1000, &mut rng));
        assert!(9.0 < hundred && hundred < 10.5, "{hundred}");
        assert!(17.5 < thousand && thousand < 20.0, "{thousand}");
        // Without a factor every use counts, up to the most that there is.
        let measure = Measure::frequency(0, 1);
        let access =
            (0..1000).fold(measure.new_entry(0), |access, _| measure.used_again(access, 0, &mut rng));
        assert_eq!(measure.count(access, 0), 255);
    }

    #[test]
    fn what_is_told_comes_back() {
        let now = 123_456 * 1000;
        assert_eq!(Measure::TIME.tell(5, now), Used::Unsaid);
        let access = Measure::TOLD_TIME.of_told(Used::Idle(77), now).expect("is its measure");
        assert_eq!(Measure::TOLD_TIME.tell(access, now), Used::Idle(77));
        let frequency = Measure::frequency(10, 1);
        let access = frequency.of_told(Used::Frequency(200), now).expect("is its measure");
        assert_eq!(frequency.tell(access, now), Used::Frequency(200));
        assert_eq!(frequency.of_told(Used::Idle(7), now), None);
        assert_eq!(Measure::TIME.of_told(Used::Frequency(7), now), None);
        let longest = Measure::TIME.of_told(Used::Idle(u64::MAX), now).expect("is its measure");
        assert_eq!(idle_seconds(longest, now), BITS_MASK);
    }
}
