//! The server's clocks: the only place that reads them.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

pub struct Clock {
    start: Instant,
}

impl Clock {
    pub fn new() -> Self {
        Self { start: Instant::now() }
    }

    /// Unix time in ms: expiry, logs, INFO.
    pub fn unix_ms(&self) -> i64 {
        self.unix_us() / 1000
    }

    pub fn unix_us(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        since.as_micros() as i64
    }

    /// Monotonic ms since the start: ages and timeouts.
    pub fn monotonic_ms(&self) -> i64 {
        self.start.elapsed().as_millis() as i64
    }

    /// Monotonic ns since the start: durations of commands.
    #[inline]
    pub fn nanos(&self) -> u64 {
        self.start.elapsed().as_nanos() as u64
    }
}
