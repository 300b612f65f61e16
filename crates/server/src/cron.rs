//! The cron thread: active expiry, save points, figures per second.
//!
//! It is the process's main thread: when it returns, the process ends.

use crate::server::Server;
use crate::{save, shutdown};
use engine::Scratch;
use engine::expire::{self, Cursor};
use std::time::Duration;

/// Share of the time that active expiry may take, in percent, at effort 1.
const EXPIRE_SHARE_PERCENT: u64 = 25;

pub fn run(server: &'static Server) -> Result<(), String> {
    let mut scratch = Scratch::new(server.random_seed());
    let mut cursor = Cursor::default();
    let mut last_second = 0;
    loop {
        let hz = server.config().hz.clamp(1, 500) as u64;
        if let Some(asked) = server.shutdown.wait(Duration::from_millis(1000 / hz))
            && shutdown::run(server, &mut scratch, asked)
        {
            return Ok(());
        }
        server.freeze_point();
        if server.active_expire.load(std::sync::atomic::Ordering::Relaxed) {
            expire_slice(server, &mut scratch, &mut cursor, 1_000_000_000 / hz * EXPIRE_SHARE_PERCENT / 100);
        }
        server.pause.end_if_due(server);
        let now = server.clock.monotonic_ms();
        server.rates.sample(server, now);
        if 1000 <= now - last_second {
            last_second = now;
            save::cron(server);
        }
        server.wake_log_readers();
    }
}

/// Expires until a round of all tables is done, or the time is up.
fn expire_slice(server: &'static Server, scratch: &mut Scratch, cursor: &mut Cursor, budget_nanos: u64) {
    let started = server.clock.nanos();
    loop {
        let slice = expire::step(&server.engine, cursor, server.clock.unix_ms(), scratch);
        if slice.round_ended {
            break;
        }
        if budget_nanos < server.clock.nanos() - started {
            server.expire_stats.count_time_cap();
            break;
        }
    }
    let counts = scratch.take_counts();
    let took = server.clock.nanos() - started;
    server.expire_stats.add(counts.expired.get(), counts.expired_fields.get(), took);
}
