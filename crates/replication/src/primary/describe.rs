//! What INFO, ROLE and WAIT ask, and how log lines name a replica.

use super::{Phase, Primary, Replica, ReplicaInfo, ReplicaState};
use base::position::Offset;

impl Primary {
    /// The replicas in the order in which they came: INFO's `slave0` and so on. ROLE lists those that are online.
    pub fn replicas(&self, now_ms: i64) -> Vec<ReplicaInfo> {
        self.replicas.iter().map(|replica| replica.describe(now_ms)).collect()
    }

    /// `connected_slaves`.
    pub fn replica_count(&self) -> usize {
        self.replicas.len()
    }

    /// `min_slaves_good_slaves`: online replicas that lag at most min-replicas-max-lag.
    pub fn good_replicas(&self) -> usize {
        self.good_replicas
    }

    /// Online replicas that have acknowledged `offset`: what WAIT counts.
    pub fn acked_by(&self, offset: Offset) -> usize {
        self.online().filter(|replica| offset <= replica.acked).count()
    }

    /// Online replicas that have fsynced `offset`: what WAITAOF counts.
    pub fn fsynced_by(&self, offset: Offset) -> usize {
        self.online().filter(|replica| offset <= replica.acked_aof).count()
    }

    pub(super) fn online(&self) -> impl Iterator<Item = &Replica> {
        self.replicas.iter().filter(|replica| replica.state() == ReplicaState::Online)
    }
}

impl Replica {
    pub(super) fn state(&self) -> ReplicaState {
        match self.phase {
            Phase::Waits | Phase::InSnapshot | Phase::EndsPayload { .. } => ReplicaState::WaitBgsave,
            Phase::SendBulk { .. } => ReplicaState::SendBulk,
            Phase::AwaitsAck { .. } | Phase::Online => ReplicaState::Online,
        }
    }

    /// How log lines name it: the announced address, else the socket's, with the port where it listens.
    pub(super) fn name(&self) -> String {
        name(&self.facts, &self.peer)
    }

    pub(super) fn lag_ms(&self, now_ms: i64) -> i64 {
        (now_ms - self.last_ack_ms).max(0)
    }

    fn describe(&self, now_ms: i64) -> ReplicaInfo {
        let state = self.state();
        let ip = self.facts.ip_address.clone().or_else(|| self.peer.ip.clone());
        ReplicaInfo {
            conn: self.conn,
            ip: ip.unwrap_or_default(),
            port: self.facts.listening_port,
            name: self.name(),
            state,
            offset: self.acked,
            aof_offset: self.acked_aof,
            lag_seconds: if state == ReplicaState::Online { self.lag_ms(now_ms) / 1000 } else { 0 },
        }
    }
}

pub(super) fn name(facts: &crate::Facts, peer: &super::Peer) -> String {
    let Some(ip) = facts.ip_address.as_deref().or(peer.ip.as_deref()) else {
        return format!("client id #{}", peer.client_id);
    };
    match facts.listening_port {
        0 => format!("{ip}:<unknown-replica-port>"),
        port if ip.contains(':') => format!("[{ip}]:{port}"),
        port => format!("{ip}:{port}"),
    }
}
