//! What happens by itself, once a second: PINGs, keep-alives, timeouts, snapshots that are due, the backlog's end.

use super::{
    Action, ConnId, Flush, Phase, Primary, Replica, ReplicaState, Role, Target, View, notice, warning,
};
use crate::History;
use base::position::ReplId;

/// Between two looks at everything: Redis's replication cron.
const PERIOD_MS: i64 = 1000;

/// In small letters, as Redis has it in its stream.
const PING: &[u8] = b"*1\r\n$4\r\nping\r\n";

impl Primary {
    pub(super) fn tick(&mut self, view: &View, out: &mut Vec<Action>) {
        if view.now_ms < self.next_second_ms {
            return;
        }
        self.next_second_ms = view.now_ms + PERIOD_MS;
        self.ping(view, out);
        self.keep_alive(out);
        self.drop_silent(view, out);
        self.free_backlog(view, out);
        self.start_due_snapshot(view, out);
        self.refresh_good(view, out);
    }

    pub(super) fn changed(&mut self, view: &View, out: &mut Vec<Action>) {
        self.refresh_good(view, out);
    }

    /// A replica relays its primary's PINGs: only a primary adds its own to the stream.
    fn ping(&mut self, view: &View, out: &mut Vec<Action>) {
        if view.now_ms < self.last_ping_ms + view.settings.ping_period_ms {
            return;
        }
        self.last_ping_ms = view.now_ms;
        if view.role == Role::Primary && view.log_start.is_some() && !self.replicas.is_empty() {
            out.push(Action::Append(PING));
        }
    }

    /// Who waits for its snapshot hears a newline, which means nothing and keeps it from giving up. By socket, the
    /// payload is what it hears.
    fn keep_alive(&self, out: &mut Vec<Action>) {
        let disk = self.snapshot.as_ref().is_some_and(|running| running.target == Target::Disk);
        let waits = |replica: &&Replica| match replica.phase {
            Phase::Waits => true,
            Phase::InSnapshot => disk,
            _ => false,
        };
        for replica in self.replicas.iter().filter(waits) {
            out.push(Action::Send { to: replica.conn, bytes: b"\n".to_vec() });
        }
    }

    fn drop_silent(&mut self, view: &View, out: &mut Vec<Action>) {
        let sockets = self.snapshot.as_ref().is_some_and(|running| running.target == Target::Sockets);
        let silent = |since_ms: i64| view.settings.timeout_ms < view.now_ms - since_ms;
        let dead = |replica: &Replica| match replica.phase {
            Phase::AwaitsAck { .. } | Phase::Online if !replica.old && silent(replica.last_ack_ms) => {
                Some("streaming sync")
            }
            // Only a transfer by socket is held up by a replica that takes nothing.
            Phase::InSnapshot if sockets && silent(replica.last_progress_ms) => Some("full sync"),
            Phase::EndsPayload { .. } if silent(replica.last_progress_ms) => Some("full sync"),
            _ => None,
        };
        let dead: Vec<(ConnId, String)> = self
            .replicas
            .iter()
            .filter_map(|replica| {
                let line = format!("Disconnecting timedout replica ({}): {}", dead(replica)?, replica.name());
                Some((replica.conn, line))
            })
            .collect();
        for (conn, line) in dead {
            warning(out, line);
            self.drop_replica(view, conn, Flush::Now, out);
        }
    }

    /// Without replicas for long, the backlog is only memory. What comes after it is not in it, so the history that
    /// follows is a new one: nobody may continue from before.
    fn free_backlog(&mut self, view: &View, out: &mut Vec<Action>) {
        let ttl_ms = view.settings.backlog_ttl_ms;
        let due = self.replicas.is_empty() && 0 < ttl_ms && ttl_ms < view.now_ms - self.alone_since_ms;
        if !due || view.role != Role::Primary || view.log_start.is_none() {
            return;
        }
        let history = History::new(ReplId::from_seed(&mut self.rng));
        out.push(Action::FreeBacklog { history });
        let seconds = ttl_ms / 1000;
        notice(out, format!("Replication backlog freed after {seconds} seconds without connected replicas."));
    }

    /// A snapshot for those that wait: at once to disk; by socket after the delay that lets others join.
    fn start_due_snapshot(&mut self, view: &View, out: &mut Vec<Action>) {
        if self.snapshot.is_some() {
            return;
        }
        let mut waiting = self.replicas.iter().filter(|replica| replica.phase == Phase::Waits);
        let Some(first) = waiting.next() else { return };
        let alike = |replica: &&Replica| {
            let (a, b) = (&replica.facts, &first.facts);
            (a.rdb_without_data, a.rdb_without_functions) == (b.rdb_without_data, b.rdb_without_functions)
        };
        let count = 1 + waiting.clone().filter(alike).count();
        let oldest_ms =
            waiting.filter(alike).map(|replica| replica.arrived_ms).fold(first.arrived_ms, i64::min);
        let settings = view.settings;
        let enough = 0 < settings.diskless_replicas_max && settings.diskless_replicas_max <= count;
        let waited = settings.diskless_delay_ms <= view.now_ms - oldest_ms;
        if !settings.diskless || enough || waited {
            let first = first.conn;
            self.start_snapshot(view, first, out);
        }
    }

    /// Counts the replicas that are near, and says when that changes what clients may write.
    pub(super) fn refresh_good(&mut self, view: &View, out: &mut Vec<Action>) {
        let settings = view.settings;
        let near = |replica: &&Replica| {
            replica.state() == ReplicaState::Online
                && replica.lag_ms(view.now_ms) / 1000 <= settings.lag_ms_max / 1000
        };
        self.good_replicas = self.replicas.iter().filter(near).count();
        let ruled = 0 < settings.replicas_min && 0 < settings.lag_ms_max;
        let few = view.role == Role::Primary && ruled && self.good_replicas < settings.replicas_min;
        if few != self.few_replicas {
            self.few_replicas = few;
            out.push(Action::FewReplicas(few));
        }
    }
}
