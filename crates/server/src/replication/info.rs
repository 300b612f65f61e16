//! INFO replication and ROLE.

use super::Replication;
use crate::client::Client;
use crate::server::Server;
use replication::primary::ReplicaState;
use replication::replica::State;
use resp::Reply;

/// A client as log lines name it.
pub(super) fn describe(server: &Server, client: &Client) -> String {
    crate::client::describe(server, client)
}

impl Replication {
    /// The fields of INFO's section: name and value.
    pub fn info(&self, server: &'static Server) -> Vec<(String, String)> {
        let now = server.clock.monotonic_ms();
        let mut out = Vec::new();
        self.info_link(server, now, &mut out);
        self.info_replicas(server, now, &mut out);
        let history = self.history();
        let engine = &server.engine;
        let active = engine.log.is_active();
        let (start, end) = engine.log.range();
        let (start, end) = (start.0, end.0);
        let fields = [
            ("master_failover_state", "no-failover".to_string()),
            ("master_replid", history.id.to_string()),
            ("master_replid2", history.second_id.to_string()),
            ("master_repl_offset", end.to_string()),
            ("second_repl_offset", history.second_offset.to_string()),
            ("repl_backlog_active", u8::from(active).to_string()),
            ("repl_backlog_size", server.config().repl_backlog_size.to_string()),
            ("repl_backlog_first_byte_offset", if active { start + 1 } else { 0 }.to_string()),
            ("repl_backlog_histlen", if active { end - start } else { 0 }.to_string()),
        ];
        out.extend(fields.map(|(name, value)| (name.to_string(), value)));
        out
    }

    fn info_link(&self, server: &Server, now: i64, out: &mut Vec<(String, String)>) {
        let config = server.config();
        let cell = self.link.lock();
        let link = &cell.machine;
        let Some((host, port)) = link.target() else {
            out.push(("role".into(), "master".into()));
            return;
        };
        let up = link.state() == State::Connected;
        let since_io =
            if up || link.state() == State::Sync { (now - link.last_io_ms()).max(0) / 1000 } else { -1 };
        let end = server.engine.log.end().0;
        let mut line = |name: &str, value: &dyn std::fmt::Display| {
            out.push((name.into(), value.to_string()));
        };
        line("role", &"slave");
        line("master_host", &host);
        line("master_port", &port);
        line("master_link_status", &if up { "up" } else { "down" });
        line("master_last_io_seconds_ago", &if up { since_io } else { -1 });
        line("master_sync_in_progress", &u8::from(link.state() == State::Sync));
        line("slave_read_repl_offset", &link.read_offset().0.max(end));
        line("slave_repl_offset", &end);
        if let Some(transfer) = link.transfer() {
            let (total, read) = (transfer.total_bytes, transfer.read_bytes);
            let percent = if total == 0 { 0.0 } else { read as f64 / total as f64 * 100.0 };
            line("master_sync_total_bytes", &total);
            line("master_sync_read_bytes", &read);
            line("master_sync_left_bytes", &(total as i64 - read as i64));
            line("master_sync_perc", &format!("{percent:.2}"));
            line("master_sync_last_io_seconds_ago", &since_io);
        }
        if !up {
            let seconds = link.down_since_ms().map_or(-1, |since| (now - since).max(0) / 1000);
            line("master_link_down_since_seconds", &seconds);
        }
        line("slave_priority", &config.replica_priority);
        line("slave_read_only", &u8::from(config.replica_read_only));
        line("replica_announced", &u8::from(config.replica_announced));
        line("replica_refused_empty_primary", &link.refused_empty());
    }

    fn info_replicas(&self, server: &Server, now: i64, out: &mut Vec<(String, String)>) {
        let primary = self.primary.lock();
        let replicas = primary.replicas(now);
        out.push(("connected_slaves".into(), replicas.len().to_string()));
        let config = server.config();
        if config.min_replicas_to_write != 0 && config.min_replicas_max_lag != 0 {
            out.push(("min_slaves_good_slaves".into(), primary.good_replicas().to_string()));
        }
        for (i, replica) in replicas.iter().enumerate() {
            let value = format!(
                "ip={},port={},state={},offset={},lag={}",
                replica.ip,
                replica.port,
                replica.state.name(),
                replica.offset,
                replica.lag_seconds
            );
            out.push((format!("slave{i}"), value));
        }
    }

    /// ROLE's reply.
    pub fn role(&self, server: &Server, out: &mut Reply) {
        let end = server.engine.log.end().0;
        let cell = self.link.lock();
        let link = &cell.machine;
        if let Some((host, port)) = link.target() {
            let (state, offset) = match link.state() {
                State::Connected => ("connected", end as i64),
                state => (state.name(), -1),
            };
            out.array(5);
            out.bulk(b"slave");
            out.bulk(host.as_bytes());
            out.int(port.into());
            out.bulk(state.as_bytes());
            out.int(offset);
            return;
        }
        drop(cell);
        let replicas = self.primary.lock().replicas(server.clock.monotonic_ms());
        let online = replicas.iter().filter(|replica| replica.state == ReplicaState::Online);
        let online: Vec<_> = online.filter(|replica| !replica.ip.is_empty()).collect();
        out.array(3);
        out.bulk(b"master");
        out.int(end as i64);
        out.array(online.len());
        for replica in online {
            out.array(3);
            out.bulk(replica.ip.as_bytes());
            out.bulk(replica.port.to_string().as_bytes());
            out.bulk(replica.offset.to_string().as_bytes());
        }
    }

    /// INFO stats: sync_full, sync_partial_ok, sync_partial_err.
    pub fn counters(&self) -> replication::primary::Counters {
        self.primary.lock().counters
    }

    /// CONFIG RESETSTAT.
    pub fn reset_stats(&self) {
        self.stats.reset();
        self.primary.lock().counters = Default::default();
    }
}
