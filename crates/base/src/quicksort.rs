//! The first elements of a slice in order: a quicksort that leaves alone what nobody asks for.
//!
//! Which of several equal elements come first shows where a result is cut off, and replicas that run the same request
//! must cut alike, those that are redis-server too. So this takes Redis's steps, which are Bentley's and McIlroy's
//! ("Engineering a Sort Function", 1993): a middle of three or of nine, equal ones swapped to the ends and back, and
//! insertion where a part is short or was found in order.

use std::cmp::Ordering;
use std::ops::Range;

const INSERTION_MAX: usize = 6;
const NINTHER_MIN: usize = 41;

/// Orders the slice so far that the elements at `wanted` are those that a full sort would put there, in order.
pub fn sort_part<T>(all: &mut [T], wanted: Range<usize>, mut compare: impl FnMut(&T, &T) -> Ordering) {
    let mut parts: Vec<Range<usize>> = std::iter::once(0..all.len()).collect();
    while let Some(part) = parts.pop() {
        let is_wanted = part.start < wanted.end && wanted.start < part.end;
        if !is_wanted && part.len() < all.len() {
            continue;
        }
        if let Some((less, greater)) = split(&mut all[part.clone()], &mut compare) {
            let end = part.len();
            for found in [0..less, end - greater..end] {
                if 1 < found.len() {
                    parts.push(part.start + found.start..part.start + found.end);
                }
            }
        }
    }
}

/// Sorts a part, or splits it: how many are less than its middle one, at the front, and how many are greater, at the
/// end.
fn split<T>(part: &mut [T], compare: &mut impl FnMut(&T, &T) -> Ordering) -> Option<(usize, usize)> {
    let n = part.len();
    if n <= INSERTION_MAX {
        insertion(part, compare);
        return None;
    }
    part.swap(0, middle(part, compare));
    // From the front: equal ones up to `equal`, then less ones up to `at`; from the end: equal ones behind
    // `equal_end`, then greater ones behind `end`.
    let (mut equal, mut at, mut end, mut equal_end) = (1, 1, n, n);
    let mut has_swapped = false;
    loop {
        while at < end {
            match compare(&part[at], &part[0]) {
                Ordering::Greater => break,
                Ordering::Equal => {
                    has_swapped = true;
                    part.swap(equal, at);
                    equal += 1;
                }
                Ordering::Less => {}
            }
            at += 1;
        }
        while at < end {
            match compare(&part[end - 1], &part[0]) {
                Ordering::Less => break,
                Ordering::Equal => {
                    has_swapped = true;
                    part.swap(end - 1, equal_end - 1);
                    equal_end -= 1;
                }
                Ordering::Greater => {}
            }
            end -= 1;
        }
        if end <= at {
            break;
        }
        part.swap(at, end - 1);
        has_swapped = true;
        at += 1;
        end -= 1;
    }
    if !has_swapped {
        insertion(part, compare);
        return None;
    }
    // The equal ones go to the middle.
    let (less, greater) = (at - equal, equal_end - end);
    let moved = equal.min(less);
    (0..moved).for_each(|i| part.swap(i, at - moved + i));
    let moved = greater.min(n - equal_end);
    (0..moved).for_each(|i| part.swap(at + i, n - moved + i));
    Some((less, greater))
}

fn insertion<T>(part: &mut [T], compare: &mut impl FnMut(&T, &T) -> Ordering) {
    for next in 1..part.len() {
        let mut at = next;
        while 0 < at && compare(&part[at - 1], &part[at]) == Ordering::Greater {
            part.swap(at - 1, at);
            at -= 1;
        }
    }
}

/// Where the element is that the part is split by.
fn middle<T>(part: &[T], compare: &mut impl FnMut(&T, &T) -> Ordering) -> usize {
    let n = part.len();
    let (mut first, mut middle, mut last) = (0, n / 2, n - 1);
    if n == INSERTION_MAX + 1 {
        return middle;
    }
    if NINTHER_MIN <= n {
        let step = n / 8;
        first = of_three(part, [first, first + step, first + 2 * step], compare);
        middle = of_three(part, [middle - step, middle, middle + step], compare);
        last = of_three(part, [last - 2 * step, last - step, last], compare);
    }
    of_three(part, [first, middle, last], compare)
}

fn of_three<T>(part: &[T], at: [usize; 3], compare: &mut impl FnMut(&T, &T) -> Ordering) -> usize {
    let [a, b, c] = at;
    let mut order = |a: usize, b: usize| compare(&part[a], &part[b]);
    if order(a, b) == Ordering::Less {
        if order(b, c) == Ordering::Less {
            b
        } else if order(a, c) == Ordering::Less {
            c
        } else {
            a
        }
    } else if order(b, c) == Ordering::Greater {
        b
    } else if order(a, c) == Ordering::Less {
        a
    } else {
        c
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    #[test]
    fn the_part_is_as_if_all_were_sorted() {
        for seed in 0..3000 {
            let mut rng = Rng::new(seed);
            let (len, values) = (rng.below(200) as usize, 1 + rng.below(100));
            let mut all: Vec<(u64, usize)> = (0..len).map(|i| (rng.below(values), i)).collect();
            match rng.below(4) {
                0 => all.sort_unstable(),
                1 => all.sort_unstable_by(|a, b| b.cmp(a)),
                _ => {}
            }
            let mut sorted = all.clone();
            sorted.sort_unstable();
            let start = rng.below(len as u64 + 1) as usize;
            let wanted = start..start + rng.below((len - start) as u64 + 1) as usize;
            sort_part(&mut all, wanted.clone(), |a, b| a.0.cmp(&b.0));
            let values = |all: &[(u64, usize)]| all.iter().map(|one| one.0).collect::<Vec<_>>();
            assert_eq!(values(&all[wanted.clone()]), values(&sorted[wanted]), "seed {seed}");
            all.sort_unstable();
            assert_eq!(all, sorted, "seed {seed}: none is lost");
        }
    }
}
