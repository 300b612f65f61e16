//! Sparse registers: runs of equal ones.
//!
//! ```text
//! 00xxxxxx            x + 1 zeros
//! 01xxxxxx yyyyyyyy   xy + 1 zeros
//! 1vvvvvxx            x + 1 registers of v + 1
//! ```
//! Changes are made where they are, and neighbours are merged only near them, in Redis's order: the bytes are part
//! of what is compared.

use super::{HEADER_BYTES, Invalid, REGISTERS};
use std::ops::Range;

const ZEROS_MAX: usize = 64;
const VALUE_MAX: u8 = 32;
const VALUE_RUN_MAX: usize = 4;
/// So many runs are looked at for merges, from the one before a change on.
const MERGE_RUNS: usize = 5;

pub(super) enum Raised {
    Done {
        is_changed: bool,
    },
    /// It must become dense.
    TooLong,
}

#[derive(Clone, Copy)]
struct Run {
    /// Where its code begins, and how long that is.
    at: usize,
    bytes: usize,
    len: usize,
    value: u8,
}

/// The run whose code is here. A code that is cut off reads a zero.
fn run_at(codes: &[u8], at: usize) -> Run {
    let code = codes[at];
    match code >> 6 {
        0 => Run { at, bytes: 1, len: usize::from(code & 0x3f) + 1, value: 0 },
        1 => {
            let low = codes.get(at + 1).copied().unwrap_or(0);
            Run { at, bytes: 2, len: (usize::from(code & 0x3f) << 8 | usize::from(low)) + 1, value: 0 }
        }
        _ => Run { at, bytes: 1, len: usize::from(code & 3) + 1, value: (code >> 2 & 0x1f) + 1 },
    }
}

fn all_runs(codes: &[u8]) -> impl Iterator<Item = Run> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let run = (at < codes.len()).then(|| run_at(codes, at))?;
        at += run.bytes;
        Some(run)
    })
}

/// Lengths and values.
pub(super) fn runs(codes: &[u8]) -> impl Iterator<Item = (usize, u8)> {
    all_runs(codes).map(|run| (run.len, run.value))
}

/// Registers and values, of runs that cover all registers exactly.
pub(super) fn covering_runs(codes: &[u8]) -> Result<impl Iterator<Item = (Range<usize>, u8)>, Invalid> {
    if runs(codes).map(|(len, _)| len).sum::<usize>() != REGISTERS {
        return Err(Invalid::Corrupt);
    }
    let mut first = 0;
    Ok(runs(codes).map(move |(len, value)| {
        let registers = first..first + len;
        first += len;
        (registers, value)
    }))
}

pub(super) fn push_zeros(bytes: &mut Vec<u8>, len: usize) {
    let mut codes = Codes::default();
    codes.push_run(0, len);
    bytes.extend_from_slice(codes.as_slice());
}

fn value_code(value: u8, len: usize) -> u8 {
    0x80 | (value - 1) << 2 | (len as u8 - 1)
}

/// What one run becomes at most: zeros, a value, zeros.
#[derive(Default)]
struct Codes {
    bytes: [u8; 5],
    len: usize,
}

impl Codes {
    fn push(&mut self, code: u8) {
        self.bytes[self.len] = code;
        self.len += 1;
    }

    fn push_run(&mut self, value: u8, len: usize) {
        match (len, value) {
            (0, _) => {}
            (..=ZEROS_MAX, 0) => self.push(len as u8 - 1),
            (_, 0) => {
                [0x40 | ((len - 1) >> 8) as u8, (len - 1) as u8].into_iter().for_each(|code| self.push(code))
            }
            _ => self.push(value_code(value, len)),
        }
    }

    fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// Makes the register reach a value.
pub(super) fn raise(
    bytes: &mut Vec<u8>,
    register: usize,
    value: u8,
    bytes_max: usize,
) -> Result<Raised, Invalid> {
    if VALUE_MAX < value {
        return Ok(Raised::TooLong);
    }
    let codes = &bytes[HEADER_BYTES..];
    let (mut first, mut before, mut found) = (0, 0, None);
    for run in all_runs(codes) {
        if register < first + run.len {
            found = Some(run);
            break;
        }
        before = run.at;
        first += run.len;
    }
    let run = found.filter(|run| run.at + run.bytes <= codes.len()).ok_or(Invalid::Corrupt)?;
    if value <= run.value {
        return Ok(Raised::Done { is_changed: false });
    }
    let mut new = Codes::default();
    new.push_run(run.value, register - first);
    new.push(value_code(value, 1));
    new.push_run(run.value, first + run.len - 1 - register);
    let new = new.as_slice();
    if run.bytes < new.len() && bytes_max < bytes.len() + new.len() - run.bytes {
        return Ok(Raised::TooLong);
    }
    let at = HEADER_BYTES + run.at;
    bytes.splice(at..at + run.bytes, new.iter().copied());
    merge(bytes, HEADER_BYTES + before);
    Ok(Raised::Done { is_changed: true })
}

/// Merges runs of equal values that one code can hold.
fn merge(bytes: &mut Vec<u8>, from: usize) {
    let mut at = from;
    for _ in 0..MERGE_RUNS {
        if bytes.len() <= at {
            return;
        }
        let run = run_at(bytes, at);
        let next = (at + 1 < bytes.len()).then(|| run_at(bytes, at + 1));
        match next {
            Some(next) if 0 < run.value && run.value == next.value && run.len + next.len <= VALUE_RUN_MAX => {
                bytes[at + 1] = value_code(run.value, run.len + next.len);
                bytes.remove(at);
            }
            _ => at += run.bytes,
        }
    }
}

pub(super) fn decode(codes: &[u8]) -> String {
    let texts = all_runs(codes).map(|run| match (run.bytes, run.value) {
        (1, 0) => format!("z:{}", run.len),
        (_, 0) => format!("Z:{}", run.len),
        (_, value) => format!("v:{value},{}", run.len),
    });
    texts.collect::<Vec<_>>().join(" ")
}
