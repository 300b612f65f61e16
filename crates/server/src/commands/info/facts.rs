//! What the fields of INFO are taken from, gathered once per request.

use crate::client::{Client, Kind};
use crate::config::Config;
use crate::rates::Rate;
use crate::save;
use crate::server::Server;
use crate::session::Session;
use crate::stats::{Counter, WorkerStats};
use engine::survey::{Survey, survey};
use engine::{Error, State, Txn};
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::Ordering::Relaxed;

pub struct Facts {
    pub server: &'static Server,
    pub config: Arc<Config>,
    pub now_ms: i64,
    pub monotonic_ms: i64,
    pub state: State,
    pub survey: Survey,
    pub saves: save::State,
    pub clients: Vec<Arc<Client>>,
    memory: OnceLock<Memory>,
}

/// Bytes.
#[derive(Clone, Copy)]
pub struct Memory {
    pub used: u64,
    pub resident: u64,
    pub peak: u64,
    pub startup: u64,
    pub clients: u64,
    pub replicas: u64,
    pub overhead: u64,
}

impl Facts {
    pub fn gather(session: &mut Session, txn: Option<&mut Txn>) -> Result<Self, Error> {
        let server = session.server;
        // The only thing that needs the shards; everything else is looked up without them.
        let survey = session.with_all_shards(txn, survey)?;
        Ok(Self {
            server,
            config: server.config(),
            now_ms: server.clock.unix_ms(),
            monotonic_ms: server.clock.monotonic_ms(),
            state: server.engine.state(),
            survey,
            saves: server.persistence.state.lock().clone(),
            clients: server.clients.all(),
            memory: OnceLock::new(),
        })
    }

    /// Figures that cost a look into /proc.
    pub fn memory(&self) -> Memory {
        *self.memory.get_or_init(|| {
            let of_kind = |replicas: bool| -> u64 {
                let clients =
                    self.clients.iter().filter(|client| (client.kind() == Kind::Replica) == replicas);
                clients.map(|client| client_bytes(client)).sum()
            };
            let used = crate::memory::used_bytes();
            let startup = crate::memory::startup_bytes();
            let (clients, replicas, backlog) = (of_kind(false), of_kind(true), self.backlog_bytes());
            let tables: u64 = self.survey.dbs.iter().map(|db| db.table_bytes).sum();
            Memory {
                used,
                resident: crate::memory::resident_bytes(),
                peak: crate::memory::peak_bytes(),
                startup,
                clients,
                replicas,
                overhead: startup + clients + replicas + backlog + tables,
            }
        })
    }

    /// What the log keeps of the past.
    pub fn backlog_bytes(&self) -> u64 {
        let log = &self.server.engine.log;
        if log.is_active() { log.end().0.saturating_sub(log.start().0) } else { 0 }
    }

    /// A counter, summed over the workers.
    pub fn sum(&self, counter: fn(&WorkerStats) -> &Counter) -> u64 {
        self.server.workers.iter().map(|worker| counter(&worker.stats).get()).sum()
    }

    /// Per second.
    pub fn rate(&self, rate: Rate) -> u64 {
        self.server.rates.get(rate)
    }
}

/// Memory that a connection takes.
pub fn client_bytes(client: &Client) -> u64 {
    let buffers = [&client.input_bytes, &client.input_free_bytes, &client.output_bytes, &client.multi_bytes];
    size_of::<Client>() as u64 + buffers.iter().map(|bytes| bytes.load(Relaxed)).sum::<u64>()
}
