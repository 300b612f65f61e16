//! Replication's threads: the feed to our replicas, and the link to our primary.

use crate::loading::Origins;
use crate::server::{HandedOver, Server};
use base::rng::Rng;
use engine::Engine;
use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Default)]
pub struct Stats {
    pub input_bytes: AtomicU64,
    pub output_bytes: AtomicU64,
    pub sync_full: AtomicU64,
    pub sync_partial_ok: AtomicU64,
    pub sync_partial_err: AtomicU64,
}

impl Stats {
    /// CONFIG RESETSTAT.
    pub fn reset(&self) {
        let all = [
            &self.input_bytes,
            &self.output_bytes,
            &self.sync_full,
            &self.sync_partial_ok,
            &self.sync_partial_err,
        ];
        all.into_iter().for_each(|count| count.store(0, Ordering::Relaxed));
    }
}

pub struct Replication {
    pub stats: Stats,
}

impl Replication {
    pub fn new(_rng: &mut Rng) -> Self {
        Self { stats: Stats::default() }
    }
    pub fn start(&self, _server: &'static Server) {}
    pub fn wake(&self) {}
    pub fn is_replica(&self) -> bool {
        false
    }
    pub fn restore(&self, _server: &'static Server, _origins: &Origins) {}
    pub fn activate_log(&self, _engine: &Engine) {}
    pub fn wait_for_replicas(&self, _server: &'static Server, _seconds: u64) {}
    pub fn rdb_aux(&self, _engine: &Engine) -> Vec<(&'static str, String)> {
        Vec::new()
    }
    /// The lines of INFO replication: name and value.
    pub fn info(&self, server: &'static Server) -> Vec<(String, String)> {
        let log = &server.engine.log;
        let fields = [
            ("role", "master".to_string()),
            ("connected_slaves", "0".to_string()),
            ("master_failover_state", "no-failover".to_string()),
            ("master_repl_offset", log.end().0.to_string()),
            ("second_repl_offset", "-1".to_string()),
            ("repl_backlog_active", u8::from(log.is_active()).to_string()),
            ("repl_backlog_size", server.config().repl_backlog_size.to_string()),
        ];
        fields.into_iter().map(|(name, value)| (name.to_string(), value)).collect()
    }
    /// DEBUG CHANGE-REPL-ID.
    pub fn change_repl_id(&self, _server: &'static Server) {}
    pub fn hand_over(&self, handed: HandedOver) {
        drop(handed);
    }
}
