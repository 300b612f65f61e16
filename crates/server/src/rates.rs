//! Figures per second (INFO's instantaneous_*): the mean of the last samples.

use crate::server::Server;
use parking_lot::Mutex;

const SAMPLES: usize = 16;
const SAMPLE_MS: i64 = 100;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rate {
    Commands,
    Input,
    Output,
    ReplInput,
    ReplOutput,
    Loops,
    LoopNanos,
}

pub const RATES: usize = 7;

#[derive(Default)]
pub struct Rates(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    at_ms: i64,
    last: [u64; RATES],
    samples: [[u64; SAMPLES]; RATES],
    next: usize,
}

impl Rates {
    /// Takes a sample if it is time.
    pub fn sample(&self, server: &Server, now_ms: i64) {
        let mut inner = self.0.lock();
        let elapsed = now_ms - inner.at_ms;
        if elapsed < SAMPLE_MS {
            return;
        }
        inner.at_ms = now_ms;
        let totals = server.rate_totals();
        let slot = inner.next % SAMPLES;
        inner.next += 1;
        for (rate, total) in totals.into_iter().enumerate() {
            let grown = total.saturating_sub(inner.last[rate]);
            inner.samples[rate][slot] = grown * 1000 / elapsed as u64;
            inner.last[rate] = total;
        }
    }

    /// Forgets the samples: the totals began anew.
    pub fn reset(&self) {
        let mut inner = self.0.lock();
        inner.samples = Default::default();
        inner.last = Default::default();
    }

    /// Per second.
    pub fn get(&self, rate: Rate) -> u64 {
        self.0.lock().samples[rate as usize].iter().sum::<u64>() / SAMPLES as u64
    }
}
