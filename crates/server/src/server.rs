//! What all threads share: the engine, the configuration, the registries and the counters.
//!
//! One `Server` lives as long as the process (`&'static`). Everything in it is either read-only, an atomic, or
//! behind a mutex of its own; no such mutex is held while shards are locked, nor the other way round, but where a
//! field says so.

use crate::client::{Client, Clients};
use crate::clock::Clock;
use crate::config::Config;
use crate::conn::Stream;
use crate::stats::ErrorStats;
use crate::worker::{Handle, Message};
use base::rng::Rng;
use engine::Engine;
use parking_lot::{Mutex, RwLock};
use resp::OwnedArgs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::Duration;

pub struct Server {
    pub engine: Engine,
    pub clock: Clock,
    config: RwLock<Arc<Config>>,
    /// Held while a CONFIG SET or REWRITE is under way.
    pub config_change: Mutex<()>,
    pub workers: Vec<Handle>,
    pub clients: Clients,
    pub errors: ErrorStats,
    pub connections_received: AtomicU64,
    pub rejected_connections: AtomicU64,
    /// Forty hex digits, new at each start.
    pub run_id: String,
    pub executable: PathBuf,
    pub config_file: Option<PathBuf>,
    pub start_unix_ms: i64,
    rng: Mutex<Rng>,
    trash: mpsc::Sender<Vec<engine::Trash>>,
    /// DEBUG SLEEP: no thread goes on before this (monotonic ms).
    frozen_until_ms: AtomicI64,
}

/// A connection on its way from a worker to the replication thread.
pub struct HandedOver {
    pub stream: Stream,
    /// Bytes that came after the request.
    pub input: Vec<u8>,
    /// PSYNC or SYNC.
    pub request: OwnedArgs,
    pub facts: replication::Facts,
    pub client: Arc<Client>,
}

/// What is known when the process starts.
pub struct Start {
    pub config: Config,
    pub config_file: Option<PathBuf>,
    pub executable: PathBuf,
    pub seed: u64,
    pub workers: Vec<Handle>,
    pub trash: mpsc::Sender<Vec<engine::Trash>>,
}

impl Server {
    pub fn new(start: Start) -> Self {
        let mut rng = Rng::new(start.seed);
        let mut run_id = [0; 40];
        rng.fill_hex(&mut run_id);
        let clock = Clock::new();
        let engine = Engine::new(engine::SHARDS, start.config.databases as u32, rng.next_u64());
        Self {
            engine,
            start_unix_ms: clock.unix_ms(),
            clock,
            config: RwLock::new(Arc::new(start.config)),
            config_change: Mutex::new(()),
            workers: start.workers,
            clients: Clients::default(),
            errors: ErrorStats::default(),
            connections_received: AtomicU64::new(0),
            rejected_connections: AtomicU64::new(0),
            run_id: String::from_utf8_lossy(&run_id).into_owned(),
            executable: start.executable,
            config_file: start.config_file,
            rng: Mutex::new(rng),
            trash: start.trash,
            frozen_until_ms: AtomicI64::new(0),
        }
    }

    /// The configuration as of now.
    pub fn config(&self) -> Arc<Config> {
        self.config.read().clone()
    }

    pub fn set_config(&self, config: Config) {
        *self.config.write() = Arc::new(config);
    }

    pub fn random_seed(&self) -> u64 {
        self.rng.lock().next_u64()
    }

    /// Frees tables and large values in the background.
    pub fn lazy_free(&self, trash: Vec<engine::Trash>) {
        // The receiver lives as long as the process; should it be gone, they are freed here.
        let _ = self.trash.send(trash);
    }

    /// Wakes whoever reads the log and sleeps: called once per pass of a loop that may have appended.
    pub fn wake_log_readers(&self) {
        if self.engine.log.take_sleeper() {
            self.wake_replication();
        }
    }

    fn wake_replication(&self) {}

    /// Gives a connection to the replication thread.
    pub fn hand_over(&self, handed: HandedOver) {
        drop(handed);
    }

    /// Whether `bind` was set by the user: protected mode then lets remote clients in.
    pub fn was_bound_explicitly(&self) -> bool {
        self.config().bind != Config::default().bind
    }

    pub fn send_all(&self, message: impl Fn() -> Message) {
        for worker in &self.workers {
            worker.mailbox.send(message());
        }
    }

    /// DEBUG SLEEP: every thread stops at its next freeze point.
    pub fn freeze(&self, duration: Duration) {
        let until = self.clock.monotonic_ms() + duration.as_millis() as i64;
        self.frozen_until_ms.fetch_max(until, Ordering::Relaxed);
    }

    /// Waits here while the server is frozen.
    #[inline]
    pub fn freeze_point(&self) {
        let until = self.frozen_until_ms.load(Ordering::Relaxed);
        if until != 0 {
            self.sleep_frozen(until);
        }
    }

    #[cold]
    fn sleep_frozen(&self, until: i64) {
        let left = until - self.clock.monotonic_ms();
        if 0 < left {
            std::thread::sleep(Duration::from_millis(left as u64));
        } else {
            let _ = self.frozen_until_ms.compare_exchange(until, 0, Ordering::Relaxed, Ordering::Relaxed);
        }
    }
}
