//! What all threads share: the engine, the configuration, the registries and the counters.
//!
//! One `Server` lives as long as the process (`&'static`). Everything in it is either read-only, an atomic, or
//! behind a mutex of its own; no such mutex is held while shards are locked, nor the other way round, but where a
//! field says so.

use crate::client::{Client, Clients};
use crate::clock::Clock;
use crate::config::Config;
use crate::conn::Stream;
use crate::lazyfree::LazyFree;
use crate::listen::Listening;
use crate::pause::Pause;
use crate::rates::{RATES, Rates};
use crate::replication::Replication;
use crate::save::Persistence;
use crate::shutdown::Shutdown;
use crate::stats::{Counter, ErrorStats, ExpireStats};
use crate::worker::{Handle, Message};
use base::rng::Rng;
use engine::access::Measure;
use engine::{Engine, State, Txn};
use parking_lot::{Mutex, RwLock};
use resp::OwnedArgs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

pub struct Server {
    pub engine: Engine,
    pub clock: Clock,
    config: RwLock<Arc<Config>>,
    /// Held while a CONFIG SET or REWRITE is under way.
    pub config_change: Mutex<()>,
    pub workers: Vec<Handle>,
    pub clients: Clients,
    pub listening: Listening,
    pub errors: ErrorStats,
    pub connections_received: AtomicU64,
    pub rejected_connections: AtomicU64,
    /// Forty hex digits, new at each start.
    pub run_id: String,
    pub executable: PathBuf,
    pub config_file: Option<PathBuf>,
    pub start_unix_ms: i64,
    pub persistence: Persistence,
    pub loading: crate::loading::Progress,
    pub shutdown: Shutdown,
    pub replication: Replication,
    pub pause: Pause,
    /// Held while DEBUG RELOAD saves and loads, and by who brings in what a primary sends. No shard is held by who
    /// takes it.
    pub reloading: Mutex<()>,
    pub rates: Rates,
    pub expire_stats: ExpireStats,
    pub scripts: crate::script::Shared,
    /// DEBUG SET-ACTIVE-EXPIRE.
    pub active_expire: AtomicBool,
    rng: Mutex<Rng>,
    pub lazyfree: LazyFree,
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
    pub lazyfree: LazyFree,
}

impl Server {
    pub fn new(start: Start) -> Self {
        crate::memory::startup_bytes();
        let mut rng = Rng::new(start.seed);
        let mut run_id = [0; 40];
        rng.fill_hex(&mut run_id);
        let clock = Clock::new();
        let now_ms = clock.unix_ms();
        let engine = Engine::new(engine::SHARDS, start.config.databases as u32, rng.next_u64());
        Self {
            engine,
            start_unix_ms: now_ms,
            clock,
            config: RwLock::new(Arc::new(start.config)),
            config_change: Mutex::new(()),
            workers: start.workers,
            clients: Clients::default(),
            listening: Listening::default(),
            errors: ErrorStats::default(),
            connections_received: AtomicU64::new(0),
            rejected_connections: AtomicU64::new(0),
            run_id: String::from_utf8_lossy(&run_id).into_owned(),
            executable: start.executable,
            config_file: start.config_file,
            loading: crate::loading::Progress::default(),
            persistence: Persistence::new(now_ms / 1000),
            shutdown: Shutdown::default(),
            replication: Replication::new(&mut rng),
            pause: Pause::default(),
            reloading: Mutex::default(),
            rates: Rates::default(),
            expire_stats: ExpireStats::default(),
            scripts: crate::script::Shared::default(),
            active_expire: AtomicBool::new(true),
            rng: Mutex::new(rng),
            lazyfree: start.lazyfree,
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

    /// Changes the configuration on the server's own account: `replicaof` follows the role.
    pub fn update_config(&self, change: impl FnOnce(&mut Config)) {
        let mut held = self.config.write();
        let mut config = Config::clone(&held);
        change(&mut config);
        *held = Arc::new(config);
    }

    pub fn random_seed(&self) -> u64 {
        self.rng.lock().next_u64()
    }

    /// Frees tables and large values in the background.
    pub fn lazy_free(&self, trash: Vec<engine::Trash>) {
        self.lazyfree.free(trash);
    }

    /// Wakes whoever reads the log and sleeps: called once per pass of a loop that may have appended.
    pub fn wake_log_readers(&self) {
        if self.engine.log.take_sleeper() {
            self.replication.wake();
        }
    }

    /// Changes of the data set since the start, in Redis's sense.
    pub fn dirty(&self) -> u64 {
        self.engine.dirty()
    }

    /// Where SAVE writes and the start reads; relative to the working directory, which is `dir`.
    pub fn dump_path(&self) -> PathBuf {
        PathBuf::from(&self.config().dbfilename)
    }

    /// What an RDB says of itself, besides the data.
    pub fn rdb_aux(&self) -> Vec<(&'static str, String)> {
        let mut aux = vec![
            ("redis-ver", crate::REDIS_VERSION.to_string()),
            ("greylag-ver", env!("CARGO_PKG_VERSION").to_string()),
            ("redis-bits", "64".to_string()),
            ("ctime", (self.clock.unix_ms() / 1000).to_string()),
            ("used-mem", crate::memory::used_bytes().to_string()),
        ];
        aux.extend(self.replication.rdb_aux(&self.engine));
        aux.push(("aof-base", "0".to_string()));
        aux
    }

    /// Brings the settings that other parts keep copies of up to the configuration. `held`: the caller's
    /// transaction over every shard, if it is in one.
    pub fn apply_settings(&self, held: Option<&Txn>) {
        let config = self.config();
        let settings = &self.engine.settings;
        settings.string_bytes_max.store(config.proto_max_bulk_len as usize, Ordering::Relaxed);
        settings.lazy_expire.store(config.lazyfree_lazy_expire, Ordering::Relaxed);
        settings.lazy_user_del.store(config.lazyfree_lazy_user_del, Ordering::Relaxed);
        settings.lazy_server_del.store(config.lazyfree_lazy_server_del, Ordering::Relaxed);
        settings.compress.store(config.rdbcompression, Ordering::Relaxed);
        settings.hll_sparse_bytes_max.store(config.hll_sparse_max_bytes as usize, Ordering::Relaxed);
        let shapes = &settings.shapes;
        for (setting, value) in [
            (&shapes.hash_entries_max, config.hash_max_listpack_entries),
            (&shapes.hash_value_bytes_max, config.hash_max_listpack_value),
            (&shapes.set_intset_entries_max, config.set_max_intset_entries),
            (&shapes.set_entries_max, config.set_max_listpack_entries),
            (&shapes.set_value_bytes_max, config.set_max_listpack_value),
            (&shapes.sorted_entries_max, config.zset_max_listpack_entries),
            (&shapes.sorted_value_bytes_max, config.zset_max_listpack_value),
            (&shapes.list_compress_depth, config.list_compress_depth),
            (&shapes.stream_node_bytes_max, config.stream_node_max_bytes),
            (&shapes.stream_node_entries_max, config.stream_node_max_entries),
        ] {
            setting.store(value as usize, Ordering::Relaxed);
        }
        settings.measure.set(measure(&config));
        settings.set_collation(crate::sys::collation(&config.locale_collate));
        shapes.list_fill.store(config.list_max_listpack_size, Ordering::Relaxed);
        self.engine.log.set_kept_bytes(config.repl_backlog_size as u64);
        crate::logger::set_level(config.loglevel());
        self.change_state(held, |state| {
            // Read under the locks: of two that apply at once the last one has the newest configuration.
            let config = self.config();
            state.set_read_only(config.replica_read_only).set_stale_ok(config.replica_serve_stale_data);
            state.set_misconf(crate::save::refuses_writes(self));
            if config.min_replicas_to_write == 0 || config.min_replicas_max_lag == 0 {
                // The feed, which counts replicas, says so too, but a little later than CONFIG SET replies.
                state.set_few_replicas(false);
            }
        });
        self.replication.settings_changed();
    }

    /// Changes the engine's state word under all shards: those that EXEC holds already, or all of them for an
    /// instant. A lock that is taken in `change` comes after the shards in the order of locks.
    pub fn change_state(&self, held: Option<&Txn>, change: impl FnOnce(&mut State)) -> State {
        match held {
            Some(txn) => self.engine.change_state_in(txn, change),
            None => self.engine.change_state(change),
        }
    }

    /// Totals since the start, by [`crate::rates::Rate`].
    pub fn rate_totals(&self) -> [u64; RATES] {
        let sum = |field: fn(&crate::stats::WorkerStats) -> &Counter| -> u64 {
            self.workers.iter().map(|worker| field(&worker.stats).get()).sum()
        };
        [
            self.workers.iter().map(|worker| worker.stats.processed()).sum(),
            sum(|stats| &stats.input_bytes),
            sum(|stats| &stats.output_bytes),
            self.replication.stats.input_bytes.load(Ordering::Relaxed),
            self.replication.stats.output_bytes.load(Ordering::Relaxed),
            sum(|stats| &stats.loops),
            sum(|stats| &stats.loop_nanos),
        ]
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

/// What entries remember of their use under the configured policy.
fn measure(config: &Config) -> Measure {
    match config.maxmemory_policy.0 {
        "volatile-lfu" | "allkeys-lfu" => {
            Measure::frequency(config.lfu_log_factor as u64, config.lfu_decay_time as u64)
        }
        "volatile-lru" | "allkeys-lru" => Measure::TOLD_TIME,
        _ => Measure::TIME,
    }
}
