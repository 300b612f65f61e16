//! Whom we follow, and the connection to it: role changes, connecting, losing, what is due each second.

use super::{Action, By, HOPELESS_RETRY_MS, Link, PERIOD_MS, Phase, View, handshake, notice, warning};
use base::position::ReplId;

impl Link {
    pub(super) fn replica_of(&mut self, view: &View, host: String, port: u16, by: By, out: &mut Vec<Action>) {
        let was_primary = self.target.is_none();
        self.leave(view, out);
        self.target = Some((host.clone(), port));
        self.retry_at_ms = view.now_ms;
        // Who names a primary anew means it as it is, empty or not. The configuration only repeats what was.
        self.synced_here = by == By::Config && self.positioned;
        if was_primary {
            if by != By::Config {
                notice(
                    out,
                    "Before turning into a replica, using my own master parameters to synthesize a cached master: I may be able to synchronize with the new master with just a partial transfer.",
                );
                self.positioned = true;
            }
            out.push(Action::BecomeReplica);
            out.push(Action::LinkUp(false));
        }
        if by == By::Config {
            // At the next second, as Redis: the server says that it is ready before.
            self.phase = Phase::Connect;
            return;
        }
        notice(out, format!("Connecting to MASTER {host}:{port}"));
        self.connect(view, out);
        if let By::User(client) | By::Failover(client) = by {
            notice(out, format!("REPLICAOF {host}:{port} enabled (user request from '{client}')"));
        }
    }

    pub(super) fn no_one(&mut self, view: &View, by: By, out: &mut Vec<Action>) {
        if self.target.is_none() {
            return;
        }
        self.leave(view, out);
        self.target = None;
        self.phase = Phase::None;
        if self.positioned {
            notice(out, "Discarding previously cached master state.");
        }
        // Up to here our bytes are our primary's; from here on they are ours.
        let history = view.history.promoted(ReplId::from_seed(&mut self.rng), view.log_end);
        notice(
            out,
            format!(
                "Setting secondary replication ID to {}, valid up to offset: {}. New replication ID is {}",
                history.second_id, history.second_offset, history.id
            ),
        );
        // Our replicas must hear of the new id before they hear a byte that follows it.
        out.push(Action::DropReplicas);
        out.push(Action::BecomePrimary { history });
        self.positioned = true;
        self.synced_here = false;
        self.down_since_ms = None;
        match by {
            By::User(client) => notice(out, format!("MASTER MODE enabled (user request from '{client}')")),
            By::Failover(client) => {
                notice(out, format!("MASTER MODE enabled (failover request from '{client}')"))
            }
            By::Config => {}
        }
    }

    /// Lets go of the connection, if there is one, and of what it was doing.
    pub(super) fn leave(&mut self, view: &View, out: &mut Vec<Action>) {
        match std::mem::replace(&mut self.phase, Phase::Connect) {
            Phase::None | Phase::Connect => return,
            Phase::Connecting | Phase::Handshake(_) => {}
            Phase::Payload(payload) => {
                if payload.has_begun() {
                    out.push(Action::Discard);
                }
            }
            Phase::Online => {
                notice(out, "Connection with master lost.");
                notice(out, "Caching the disconnected master state.");
                self.down_since_ms = Some(view.now_ms);
                out.push(Action::LinkUp(false));
            }
        }
        self.line.clear();
        self.old_primary = false;
        out.push(Action::Disconnect);
    }

    /// The conversation failed: again at the next second.
    pub(super) fn give_up(&mut self, view: &View, out: &mut Vec<Action>) {
        self.leave(view, out);
    }

    /// The same, where trying again would be in vain or dear for some time.
    pub(super) fn give_up_for_long(&mut self, view: &View, out: &mut Vec<Action>) {
        self.leave(view, out);
        self.retry_at_ms = view.now_ms + HOPELESS_RETRY_MS;
    }

    /// The conversation failed: again at once, as what we miss may soon have left the primary's backlog. A second
    /// try within a second waits for the next.
    pub(super) fn reconnect(&mut self, view: &View, why: After, out: &mut Vec<Action>) {
        self.leave(view, out);
        if view.now_ms < self.last_connect_ms + PERIOD_MS {
            return;
        }
        let Some((host, port)) = &self.target else { return };
        let why = if why == After::Failure { " after failure" } else { "" };
        notice(out, format!("Reconnecting to MASTER {host}:{port}{why}"));
        self.connect(view, out);
    }

    fn connect(&mut self, view: &View, out: &mut Vec<Action>) {
        let Some((host, port)) = self.target.clone() else { return };
        self.phase = Phase::Connecting;
        self.line.clear();
        self.last_io_ms = view.now_ms;
        self.last_connect_ms = view.now_ms;
        out.push(Action::Connect { host, port });
        notice(out, "MASTER <-> REPLICA sync started");
    }

    pub(super) fn connected(&mut self, view: &View, out: &mut Vec<Action>) {
        if !matches!(self.phase, Phase::Connecting) {
            return;
        }
        notice(out, "Non blocking connect for SYNC fired the event.");
        self.last_io_ms = view.now_ms;
        self.phase = Phase::Handshake(handshake::begin(out));
    }

    pub(super) fn connect_failed(&mut self, view: &View, error: &str, out: &mut Vec<Action>) {
        if !matches!(self.phase, Phase::Connecting) {
            return;
        }
        warning(out, format!("Error condition on socket for SYNC: {error}"));
        self.give_up(view, out);
    }

    /// The other side closed, or the socket failed.
    pub(super) fn closed(&mut self, view: &View, error: Option<String>, out: &mut Vec<Action>) {
        let error = error.unwrap_or_else(|| "connection lost".into());
        match &self.phase {
            Phase::None | Phase::Connect => {}
            Phase::Connecting => self.connect_failed(view, &error, out),
            Phase::Handshake(handshake) => {
                warning(out, format!("Failed to read response from the server: {error}"));
                warning(out, handshake.no_reply());
                self.give_up(view, out);
            }
            Phase::Payload(payload) => {
                let what =
                    if payload.has_begun() { "trying to sync with" } else { "reading bulk count from" };
                warning(out, format!("I/O error {what} MASTER: {error}"));
                self.reconnect(view, After::Failure, out);
            }
            Phase::Online => self.reconnect(view, After::Loss, out),
        }
    }

    pub(super) fn tick(&mut self, view: &View, out: &mut Vec<Action>) {
        if view.now_ms < self.next_second_ms {
            return;
        }
        self.next_second_ms = view.now_ms + PERIOD_MS;
        self.check_silence(view, out);
        match &self.phase {
            Phase::Connect if self.retry_at_ms <= view.now_ms => {
                if let Some((host, port)) = &self.target {
                    notice(out, format!("Connecting to MASTER {host}:{port}"));
                }
                self.connect(view, out);
            }
            Phase::Online => self.acknowledge(view, out),
            // The primary hears that we live, while we are busy with what it sent.
            Phase::Payload(payload) if payload.has_begun() => out.push(Action::Send(b"\n".to_vec())),
            _ => {}
        }
    }

    fn check_silence(&mut self, view: &View, out: &mut Vec<Action>) {
        if view.now_ms - self.last_io_ms <= view.settings.timeout_ms {
            return;
        }
        match &self.phase {
            Phase::Connecting | Phase::Handshake(_) => {
                warning(out, "Timeout connecting to the MASTER...");
                self.reconnect(view, After::Failure, out);
            }
            // While the payload is loaded it is we who are silent.
            Phase::Payload(payload) if !payload.is_ended() => {
                warning(
                    out,
                    "Timeout receiving bulk data from MASTER... If the problem persists try to set the 'repl-timeout' parameter in redis.conf to a larger value.",
                );
                self.reconnect(view, After::Failure, out);
            }
            Phase::Online => {
                warning(out, "MASTER timeout: no data nor PING received...");
                self.reconnect(view, After::Loss, out);
            }
            _ => {}
        }
    }
}

/// Why a connection is made anew.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    /// A conversation that didn't get as far as the stream.
    Failure,
    /// A stream that ended.
    Loss,
}
