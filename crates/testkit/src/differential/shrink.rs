//! From a long stream that fails to a short one that still does.

use super::accepted::Accepted;
use super::runner::{Failure, Pair};
use super::stream::Op;
use std::time::{Duration, Instant};

/// What a failure may cost before it is shown.
const TIME_LIMIT: Duration = Duration::from_secs(45);

/// The shortest stream found, and how it fails. `None` if the whole stream does not fail again.
pub fn shrink(
    pair: &mut Pair,
    ops: &[Op],
    first: &Failure,
    accepted: &Accepted,
) -> Option<(Vec<Op>, Failure)> {
    shorten(&ops[..=first.at.min(ops.len() - 1)], TIME_LIMIT, |ops| {
        if let Err(error) = pair.reset() {
            return Some(Failure { at: 0, text: format!("the server is gone: {error}") });
        }
        pair.run(ops, accepted).err()
    })
}

/// Leaves out ever smaller pieces, as long as what is left fails.
fn shorten<T: Clone, F>(
    items: &[T],
    limit: Duration,
    mut fails: impl FnMut(&[T]) -> Option<F>,
) -> Option<(Vec<T>, F)> {
    let end = Instant::now() + limit;
    let mut best = items.to_vec();
    let mut failure = fails(&best)?;
    let mut piece = best.len().div_ceil(2);
    while 0 < piece {
        let mut from = 0;
        let mut shorter = false;
        while from < best.len() && Instant::now() < end {
            let mut tried = best.clone();
            tried.drain(from..best.len().min(from + piece));
            match fails(&tried) {
                Some(again) if !tried.is_empty() => {
                    (best, failure, shorter) = (tried, again, true);
                }
                _ => from += piece,
            }
        }
        if end <= Instant::now() {
            break;
        }
        // Single steps are repeated until none helps.
        if 1 < piece || !shorter {
            piece /= 2;
        }
    }
    Some((best, failure))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_few_that_matter() {
        let items: Vec<u32> = (0..1000).collect();
        let fails = |items: &[u32]| (items.contains(&17) && items.contains(&801)).then_some(());
        let (short, ()) = shorten(&items, Duration::from_secs(20), fails).expect("fails");
        assert_eq!(short, [17, 801]);
        assert!(shorten(&items, Duration::from_secs(20), |_| None::<()>).is_none());
    }
}
