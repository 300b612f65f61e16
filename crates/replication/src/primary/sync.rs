//! Asking for synchronization, and the snapshot for those that can't continue.

use super::describe::name;
use super::{
    Action, ConnId, Flush, MARK_BYTES, Offset, Peer, Phase, Primary, Replica, Role, Running, SnapshotId,
    SyncRequest, Target, View, notice, too_old, warning,
};
use crate::{Continue, Facts, History, Level, Refusal};
use base::position::ReplId;
use resp::Decoder;

impl Primary {
    pub(super) fn sync(
        &mut self,
        view: &View,
        conn: ConnId,
        request: SyncRequest,
        facts: Facts,
        peer: Peer,
        out: &mut Vec<Action>,
    ) {
        // Who is a replica already is not heard.
        if self.replica(conn).is_some() {
            return;
        }
        if let SyncRequest::Psync { id, wanted, failover: true } = &request {
            notice(out, format!("Failover request received for replid {}.", String::from_utf8_lossy(id)));
            let request = SyncRequest::Psync { id: id.clone(), wanted: *wanted, failover: false };
            return match refusal_of_failover(view, id) {
                Some(error) => refuse(conn, error, out),
                None => out.push(Action::Promote { conn, request, facts, peer }),
            };
        }
        if view.role == (Role::Replica { link_up: false }) {
            return refuse(conn, "-NOMASTERLINK Can't SYNC while not connected with my master", out);
        }
        // What is filtered must not become the file of the whole data set: it goes to sockets only.
        if facts.is_filtered() && !facts.capa_eof {
            return refuse(conn, "-ERR Filtered replica requires EOF capability", out);
        }
        // Said once, when it began: it asks every second.
        if self.refuses(view, &facts, &peer) && !continues(view, &request) {
            return refuse(conn, too_old::REFUSAL, out);
        }
        notice(out, format!("Replica {} asks for synchronization", name(&facts, &peer)));
        match request {
            SyncRequest::Sync => self.full_sync(view, Replica::new(view, conn, facts, peer, Old::Yes), out),
            SyncRequest::Psync { wanted: None, .. } => {
                let name = name(&facts, &peer);
                warning(out, format!("Replica {name} asks for synchronization but with a wrong offset"));
                refuse(conn, "-ERR value is not an integer or out of range", out);
            }
            SyncRequest::Psync { id, wanted: Some(wanted), .. } => {
                self.psync(view, Replica::new(view, conn, facts, peer, Old::No), &id, wanted, out);
            }
        }
    }

    fn psync(&mut self, view: &View, replica: Replica, id: &[u8], wanted: i64, out: &mut Vec<Action>) {
        let log = view.log_start.map(|start| (start, view.log_end));
        match view.history.can_continue(id, wanted, log) {
            Continue::Yes { after } => {
                self.counters.sync_partial_ok += 1;
                self.partial_sync(view, replica, after, out);
            }
            Continue::No(refusal) => {
                log_refusal(view, &replica, id, wanted, refusal, out);
                // Who asks with `?` wants no partial resync: that one didn't fail.
                if id.first() != Some(&b'?') {
                    self.counters.sync_partial_err += 1;
                }
                self.full_sync(view, replica, out);
            }
        }
    }

    fn partial_sync(&mut self, view: &View, mut replica: Replica, after: Offset, out: &mut Vec<Action>) {
        let reply = match replica.facts.capa_psync2 {
            true => format!("+CONTINUE {}\r\n", view.history.id),
            false => "+CONTINUE\r\n".into(),
        };
        let to = replica.conn;
        out.push(Action::Send { to, bytes: reply.into() });
        out.push(Action::Stream { to, from: after });
        let bytes = view.log_end - after;
        let line = format!(
            "Partial resynchronization request from {} accepted. Sending {bytes} bytes of backlog starting from offset {}.",
            replica.name(),
            after.0 + 1,
        );
        notice(out, line);
        replica.phase = Phase::Online;
        replica.told = Some(view.history.id);
        self.replicas.push(replica);
        self.refresh_good(view, out);
    }

    fn full_sync(&mut self, view: &View, replica: Replica, out: &mut Vec<Action>) {
        self.counters.sync_full += 1;
        let (conn, eof) = (replica.conn, replica.facts.capa_eof);
        self.replicas.push(replica);
        self.create_backlog(view, out);
        match &self.snapshot {
            Some(running) if running.target == Target::Disk => self.join(view, conn, out),
            Some(_) => {
                notice(out, "Current BGSAVE has socket target. Waiting for next BGSAVE for SYNC".into());
            }
            None if view.settings.diskless && eof && 0 < view.settings.diskless_delay_ms => {
                notice(out, "Delay next BGSAVE for diskless SYNC".into());
            }
            None => self.start_snapshot(view, conn, out),
        }
    }

    /// A backlog that begins here has no past that anybody could continue: its history is new.
    fn create_backlog(&mut self, view: &View, out: &mut Vec<Action>) {
        if view.log_start.is_some() {
            return;
        }
        let history = History::new(ReplId::from_seed(&mut self.rng));
        out.push(Action::CreateBacklog { history });
        // Below the lines that a session with default settings shows.
        let line = format!(
            "Replication backlog created, my new replication IDs are '{}' and '{}'",
            history.id, history.second_id
        );
        out.push(Action::Log(Level::Verbose, line));
    }

    /// A replica that comes while a file is made for others: the file and the log from its offset on do for it too,
    /// if it understands what they understand and wants what they want.
    fn join(&mut self, view: &View, conn: ConnId, out: &mut Vec<Action>) {
        let Some(at) = self.replicas.iter().position(|replica| replica.conn == conn) else { return };
        let new = &self.replicas[at].facts;
        let waits = |replica: &&Replica| {
            replica.phase == Phase::InSnapshot && (!replica.facts.rdb_only || new.rdb_only)
        };
        let fits = self.replicas.iter().find(waits).is_some_and(|other| {
            let other = &other.facts;
            let understands = (new.capa_eof || !other.capa_eof) && (new.capa_psync2 || !other.capa_psync2);
            understands && wants(new) == wants(other)
        });
        if !fits {
            let line = "Can't attach the replica to the current BGSAVE. Waiting for next BGSAVE for SYNC";
            return notice(out, line.into());
        }
        let running = self.snapshot.as_ref().expect("a snapshot is running");
        let (id, cut) = (running.id, running.offset);
        self.replicas[at].phase = Phase::InSnapshot;
        self.replicas[at].has_field_expiries = running.has_field_expiries;
        out.push(Action::Attach { to: conn, id });
        if let Some(offset) = cut {
            self.replicas[at].announce(view, offset, out);
        }
        notice(out, "Waiting for end of BGSAVE for SYNC".into());
    }

    /// Starts a snapshot for this replica and all others that wait for the same.
    pub(super) fn start_snapshot(&mut self, view: &View, first: ConnId, out: &mut Vec<Action>) {
        let Some(first) = self.replica(first).map(|replica| replica.facts.clone()) else { return };
        let joins =
            |replica: &Replica| replica.phase == Phase::Waits && wants(&replica.facts) == wants(&first);
        let eof = self.replicas.iter().filter(|replica| joins(replica)).all(|replica| replica.facts.capa_eof);
        let sockets = (view.settings.diskless || first.is_filtered()) && eof;
        let mut replicas = Vec::new();
        for replica in self.replicas.iter_mut().filter(|replica| joins(replica)) {
            // Filtered snapshots go to sockets only; who is filtered has the capability, so this holds for all.
            replica.phase = Phase::InSnapshot;
            replica.last_progress_ms = view.now_ms;
            replicas.push(replica.conn);
        }
        let id = SnapshotId(self.next_snapshot);
        self.next_snapshot += 1;
        let target = if sockets { Target::Sockets } else { Target::Disk };
        let word = if sockets { "replicas sockets" } else { "disk" };
        notice(out, format!("Starting BGSAVE for SYNC with target: {word}"));
        let mut mark = vec![0; MARK_BYTES];
        self.rng.fill_hex(&mut mark);
        let target_of = target.clone();
        self.snapshot =
            Some(Running { id, target: target_of, offset: None, mark, has_field_expiries: false });
        let (without_data, without_functions) = wants(&first);
        out.push(Action::StartSnapshot { id, target, replicas, without_data, without_functions });
    }

    fn is_running(&self, id: SnapshotId) -> bool {
        self.snapshot.as_ref().is_some_and(|running| running.id == id)
    }

    pub(super) fn snapshot_has_field_expiries(&mut self, id: SnapshotId) {
        let Some(running) = self.snapshot.as_mut().filter(|running| running.id == id) else { return };
        running.has_field_expiries = true;
        self.in_snapshot().for_each(|replica| replica.has_field_expiries = true);
    }

    pub(super) fn snapshot_cut(
        &mut self,
        view: &View,
        id: SnapshotId,
        offset: Offset,
        replid: ReplId,
        out: &mut Vec<Action>,
    ) {
        if self.is_running(id) && replid != view.history.id {
            // Cut before our history changed: it is of no use to those that came after.
            out.push(Action::AbortSnapshot { id });
            return self.snapshot_failed(view, id, "the replication history changed", out);
        }
        let Some(running) = self.snapshot.as_mut().filter(|running| running.id == id) else { return };
        running.offset = Some(offset);
        for replica in self.replicas.iter_mut().filter(|replica| replica.phase == Phase::InSnapshot) {
            replica.announce(view, offset, out);
            replica.last_progress_ms = view.now_ms;
            if running.target == Target::Sockets {
                let bytes = [b"$EOF:", running.mark.as_slice(), b"\r\n"].concat();
                out.push(Action::Send { to: replica.conn, bytes });
            }
        }
    }

    /// As many snapshots run as can: the replicas wait on.
    pub(super) fn snapshot_busy(&mut self, _view: &View, id: SnapshotId, out: &mut Vec<Action>) {
        if !self.is_running(id) {
            return;
        }
        self.snapshot = None;
        for replica in self.in_snapshot() {
            replica.phase = Phase::Waits;
        }
        let line =
            "No BGSAVE in progress, but another BG operation is active. BGSAVE for replication delayed";
        notice(out, line.into());
    }

    pub(super) fn snapshot_ready(&mut self, view: &View, id: SnapshotId, bytes: u64, out: &mut Vec<Action>) {
        let Some(running) = self.snapshot.take_if(|running| running.id == id) else { return };
        let from = running.offset.unwrap_or(view.log_end);
        if running.target == Target::Sockets {
            let count = self.in_snapshot().count();
            notice(out, format!("Diskless rdb transfer, done reading from pipe, {count} replicas still up."));
            notice(out, "Background RDB transfer terminated with success".into());
            for replica in self.in_snapshot() {
                replica.phase = Phase::EndsPayload { from };
                out.push(Action::EndPayload { to: replica.conn, bytes: running.mark.clone() });
            }
        } else {
            notice(out, "Background saving terminated with success".into());
            for replica in self.in_snapshot() {
                replica.phase = Phase::SendBulk { from };
                let header = format!("${bytes}\r\n").into();
                out.push(Action::SendFile { to: replica.conn, id, header });
            }
        }
        out.push(Action::ReleaseSnapshot { id });
    }

    pub(super) fn snapshot_failed(
        &mut self,
        view: &View,
        id: SnapshotId,
        error: &str,
        out: &mut Vec<Action>,
    ) {
        let Some(running) = self.snapshot.take_if(|running| running.id == id) else { return };
        let conns: Vec<ConnId> = self.in_snapshot().map(|replica| replica.conn).collect();
        let Some(_) = running.offset else {
            warning(out, format!("BGSAVE for replication failed: {error}"));
            for conn in conns {
                let bytes = b"-ERR BGSAVE failed, replication can't continue\r\n".to_vec();
                out.push(Action::Send { to: conn, bytes });
                self.drop_replica(view, conn, Flush::AfterOutput, out);
            }
            return;
        };
        let what = if running.target == Target::Disk { "saving" } else { "transfer" };
        warning(out, format!("Background {what} error: {error}"));
        for conn in conns {
            warning(out, "SYNC failed. BGSAVE child returned an error".into());
            self.drop_replica(view, conn, Flush::Now, out);
        }
    }

    pub(super) fn payload_sent(&mut self, view: &View, conn: ConnId, out: &mut Vec<Action>) {
        let Some(replica) = self.replica(conn) else { return };
        let (from, by_socket) = match replica.phase {
            Phase::SendBulk { from } => (from, false),
            Phase::EndsPayload { from } => (from, true),
            _ => return,
        };
        let name = replica.name();
        if by_socket {
            let line = format!(
                "Streamed RDB transfer with replica {name} succeeded (socket). Waiting for REPLCONF ACK from replica to enable streaming"
            );
            notice(out, line);
        }
        if replica.facts.rdb_only {
            let line =
                format!("RDB transfer completed, rdb only replica ({name}) should be disconnected asap");
            notice(out, line);
            return self.drop_replica(view, conn, Flush::AfterOutput, out);
        }
        replica.last_ack_ms = view.now_ms;
        notice(out, format!("Synchronization with replica {name} succeeded"));
        // By socket the payload's end is found by its mark: nothing may be glued to it, so the log waits for the
        // replica's first word.
        if by_socket && !replica.early_ack {
            replica.phase = Phase::AwaitsAck { from };
        } else {
            replica.phase = Phase::Online;
            out.push(Action::Stream { to: conn, from });
        }
        self.refresh_good(view, out);
    }

    pub(super) fn in_snapshot(&mut self) -> impl Iterator<Item = &mut Replica> {
        self.replicas.iter_mut().filter(|replica| replica.phase == Phase::InSnapshot)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Old {
    Yes,
    No,
}

impl Replica {
    fn new(view: &View, conn: ConnId, facts: Facts, peer: Peer, old: Old) -> Self {
        Self {
            conn,
            facts,
            peer,
            phase: Phase::Waits,
            arrived_ms: view.now_ms,
            old: old == Old::Yes,
            told: None,
            acked: Offset::ZERO,
            acked_aof: Offset::ZERO,
            last_ack_ms: view.now_ms,
            last_progress_ms: view.now_ms,
            has_acked: false,
            has_field_expiries: false,
            early_ack: false,
            decoder: Decoder::new(),
            input: Vec::new(),
        }
    }

    /// Tells where its snapshot was cut. Who came with SYNC knows no such line.
    fn announce(&mut self, view: &View, offset: Offset, out: &mut Vec<Action>) {
        self.told = Some(view.history.id);
        if !self.old {
            let bytes = format!("+FULLRESYNC {} {offset}\r\n", view.history.id).into();
            out.push(Action::Send { to: self.conn, bytes });
        }
    }
}

/// The parts of the data set that a replica does without: data, functions.
fn wants(facts: &Facts) -> (bool, bool) {
    (facts.rdb_without_data, facts.rdb_without_functions)
}

fn refuse(conn: ConnId, error: &str, out: &mut Vec<Action>) {
    out.push(Action::Refuse { conn, line: format!("{error}\r\n") });
}

/// Whether who asks so can go on from the log.
fn continues(view: &View, request: &SyncRequest) -> bool {
    let SyncRequest::Psync { id, wanted: Some(wanted), .. } = request else { return false };
    let log = view.log_start.map(|start| (start, view.log_end));
    matches!(view.history.can_continue(id, *wanted, log), Continue::Yes { .. })
}

fn refusal_of_failover(view: &View, id: &[u8]) -> Option<&'static str> {
    if view.role == Role::Primary {
        return Some("-ERR PSYNC FAILOVER can't be sent to a master.");
    }
    let same = id.eq_ignore_ascii_case(view.history.id.as_bytes());
    (!same).then_some("-ERR PSYNC FAILOVER replid must match my replid.")
}

fn log_refusal(
    view: &View,
    replica: &Replica,
    id: &[u8],
    wanted: i64,
    refusal: Refusal,
    out: &mut Vec<Action>,
) {
    let (name, id, history) = (replica.name(), String::from_utf8_lossy(id), view.history);
    match refusal {
        Refusal::Asked => notice(out, format!("Full resync requested by replica {name}")),
        Refusal::IdMismatch => notice(
            out,
            format!(
                "Partial resynchronization not accepted: Replication ID mismatch (Replica asked for '{id}', my replication IDs are '{}' and '{}')",
                history.id, history.second_id
            ),
        ),
        Refusal::SecondOffset => notice(
            out,
            format!(
                "Partial resynchronization not accepted: Requested offset for second ID was {wanted}, but I can reply up to {}",
                history.second_offset
            ),
        ),
        Refusal::NoBacklog { ahead_of_us } => {
            let line = format!(
                "Unable to partial resync with replica {name} for lack of backlog (Replica request was: {wanted})."
            );
            notice(out, line);
            if ahead_of_us {
                let line = format!(
                    "Warning: replica {name} tried to PSYNC with an offset that is greater than the master replication offset."
                );
                warning(out, line);
            }
        }
    }
}
