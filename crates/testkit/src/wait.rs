//! Waiting for an event with a deadline: a condition is polled, and what was seen last is part of the failure.

use std::time::{Duration, Instant};

/// For what takes milliseconds on an idle machine: a loaded one gets this long.
pub const DEADLINE: Duration = Duration::from_secs(60);

const POLL_FIRST: Duration = Duration::from_millis(1);
const POLL_MOST: Duration = Duration::from_millis(50);

/// Polls until `look` gives something. The error is what it saw last.
pub fn poll<T>(limit: Duration, mut look: impl FnMut() -> Result<T, String>) -> Result<T, String> {
    let end = Instant::now() + limit;
    let mut pause = POLL_FIRST;
    loop {
        match look() {
            Ok(found) => return Ok(found),
            Err(seen) if end <= Instant::now() => return Err(seen),
            Err(_) => std::thread::sleep(pause),
        }
        pause = (pause * 2).min(POLL_MOST);
    }
}

/// Polls until `cond` holds; panics with `what` at the deadline.
#[track_caller]
pub fn until(what: &str, mut cond: impl FnMut() -> bool) {
    let seen = poll(DEADLINE, || if cond() { Ok(()) } else { Err(String::new()) });
    assert!(seen.is_ok(), "waited {DEADLINE:?} in vain: {what}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_sight_is_the_failure() {
        let mut n = 0;
        let seen = poll(Duration::from_millis(20), || {
            n += 1;
            Err::<(), _>(format!("look {n}"))
        });
        assert_eq!(seen, Err(format!("look {n}")));
        assert!(1 < n);
    }

    #[test]
    fn what_comes_is_given() {
        let mut n = 0;
        let mut look = || {
            n += 1;
            if n < 3 { Err("not yet".into()) } else { Ok(n) }
        };
        assert_eq!(poll(DEADLINE, &mut look), Ok(3));
    }
}
