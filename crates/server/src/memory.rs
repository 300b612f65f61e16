//! Memory figures: the process's resident set, and the system's memory.

use std::fs;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

static PEAK: AtomicU64 = AtomicU64::new(0);

/// Resident bytes of the process.
pub fn resident_bytes() -> u64 {
    let text = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = text.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0);
    pages * page_bytes()
}

fn page_bytes() -> u64 {
    4096
}

/// Bytes that the process uses; today what is resident, as the allocator tells nothing cheaper.
pub fn used_bytes() -> u64 {
    let used = resident_bytes();
    PEAK.fetch_max(used, Ordering::Relaxed);
    used
}

/// The most that [`used_bytes`] ever saw.
pub fn peak_bytes() -> u64 {
    used_bytes();
    PEAK.load(Ordering::Relaxed)
}

/// What the process took before it had any data; known from the first call on.
pub fn startup_bytes() -> u64 {
    static STARTUP: OnceLock<u64> = OnceLock::new();
    *STARTUP.get_or_init(used_bytes)
}

/// Bytes of memory that the system has.
pub fn system_bytes() -> u64 {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kilobytes = text.lines().next().and_then(|line| line.split_whitespace().nth(1));
    kilobytes.and_then(|number| number.parse::<u64>().ok()).unwrap_or(0) * 1024
}
