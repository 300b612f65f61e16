//! What Linux says of threads and processes: CPU time from schedstat, resident bytes from smaps_rollup.

use std::fs;
use std::io;
use std::path::Path;

/// The middle of the values.
pub fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => values[n / 2],
        n => (values[n / 2 - 1] + values[n / 2]) / 2.0,
    }
}

/// CPU time of the calling thread in ns, exact to a tick of the scheduler.
pub fn thread_cpu_ns() -> io::Result<u64> {
    schedstat(Path::new("/proc/thread-self/schedstat"))
}

/// CPU time of all threads of a process in ns; threads that have ended don't count.
pub fn process_cpu_ns(pid: u32) -> io::Result<u64> {
    let mut sum = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        sum += match schedstat(&task?.path().join("schedstat")) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0, // ended since the listing
            other => other?,
        };
    }
    Ok(sum)
}

fn schedstat(path: &Path) -> io::Result<u64> {
    let text = fs::read_to_string(path)?;
    let first = text.split(' ').next().and_then(|number| number.parse().ok());
    first.ok_or_else(|| io::Error::other(format!("{}: no number in {text:?}", path.display())))
}

/// Resident bytes of a process ("self" or a pid), without the pages of files: how much of a program is mapped has
/// nothing to do with its data.
pub fn resident_bytes(pid: &str) -> io::Result<u64> {
    let path = format!("/proc/{pid}/smaps_rollup");
    let text = fs::read_to_string(&path)?;
    let line = text.lines().find_map(|line| line.strip_prefix("Anonymous:"));
    let kilobytes = line.and_then(|rest| rest.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    Ok(kilobytes.ok_or_else(|| io::Error::other(format!("{path}: no Anonymous")))? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn a_process_is_larger_than_nothing_and_uses_time() {
        let held = vec![1u8; 64 << 20];
        let bytes = resident_bytes("self").expect("Linux has it");
        assert!(held.len() as u64 <= bytes && held.iter().all(|&byte| byte == 1));
        assert!(
            thread_cpu_ns().expect("Linux has it") <= process_cpu_ns(std::process::id()).expect("is alive")
        );
    }
}
