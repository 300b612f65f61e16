//! Replication's threads: the feed to our replicas, and the link to our primary.

use crate::loading::Origins;
use crate::server::{HandedOver, Server};
use base::rng::Rng;
use engine::Engine;
use std::sync::atomic::AtomicU64;

#[derive(Default)]
pub struct Stats {
    pub input_bytes: AtomicU64,
    pub output_bytes: AtomicU64,
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
    pub fn hand_over(&self, handed: HandedOver) {
        drop(handed);
    }
}
