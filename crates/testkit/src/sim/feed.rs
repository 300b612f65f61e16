//! The driver of a node's replicas: connections that were opened to it, snapshots, the log on its way out.

use super::net::{Packet, Side};
use super::node::{For, Job, Payload, Peer};
use super::{Happens, World};
use base::position::Offset;
use engine::snapshot::keep;
use replication::ConnId;
use replication::primary::{Action, Event, Flush, Peer as Address, SnapshotId, SyncRequest, Target, View};
use replication::replica::By;
use resp::{Args, Decoded, Limits, OwnedArgs};

/// What is sent at once at most.
const CHUNK_BYTES: usize = 1024;

impl World {
    pub(super) fn primary_step(&mut self, n: usize, event: Event) {
        let node = &mut self.nodes[n];
        let (history, settings) = (node.history, node.primary_settings.clone());
        let log = &node.engine.log;
        let view = View {
            now_ms: self.now_ms,
            log_start: log.is_active().then(|| log.start()),
            log_end: log.end(),
            history: &history,
            role: node.role(),
            settings: &settings,
        };
        let mut actions = Vec::new();
        node.primary.step(&view, event, &mut actions);
        for action in actions {
            self.primary_action(n, action);
        }
    }

    fn primary_action(&mut self, n: usize, action: Action) {
        let node = &mut self.nodes[n];
        match action {
            Action::Send { to, bytes } => node.send(to, &bytes),
            Action::Stream { to, from } => self.start_stream(n, to, from),
            Action::StartSnapshot { id, target, replicas, .. } => {
                self.start_snapshot(n, id, target, replicas)
            }
            Action::Attach { to, id } => {
                if let (Some(peer), Some(job)) = (node.peers.get_mut(&to.0), node.jobs.get_mut(&id)) {
                    peer.pinned = Some(job.cursor.clone());
                    job.replicas.push(to);
                }
            }
            Action::AbortSnapshot { id } => self.drop_job(n, id),
            Action::ReleaseSnapshot { id } => {
                node.files.remove(&id);
            }
            Action::SendFile { to, id, header } => {
                let file = node.files.get(&id).cloned().expect("the file of a snapshot that is ready");
                node.send(to, &header);
                if let Some(peer) = node.peers.get_mut(&to.0) {
                    peer.payload = Some(Payload { bytes: file, at: 0, ended: true });
                }
            }
            Action::EndPayload { to, bytes } => {
                if let Some(payload) = node.peers.get_mut(&to.0).and_then(|peer| peer.payload.as_mut()) {
                    payload.bytes.extend_from_slice(&bytes);
                    payload.ended = true;
                }
            }
            Action::Close { conn, flush: Flush::Now } => self.close_peer(n, conn.0),
            Action::Close { conn, flush: Flush::AfterOutput } => {
                if let Some(peer) = node.peers.get_mut(&conn.0) {
                    peer.closing = true;
                }
            }
            Action::Refuse { conn, line } => {
                node.send(conn, line.as_bytes());
                if let Some(peer) = node.peers.get_mut(&conn.0) {
                    peer.is_replica = false;
                }
            }
            Action::Promote { conn, request, facts, peer } => {
                self.no_one(n, By::Failover("a replica".into()));
                self.primary_step(n, Event::Sync { conn, request, facts, peer });
            }
            Action::Append(bytes) => {
                node.engine.append_own(bytes);
            }
            Action::CreateBacklog { history } => {
                node.engine.log.activate();
                node.history = history;
            }
            Action::FreeBacklog { history } => {
                self.look(n);
                let node = &mut self.nodes[n];
                node.engine.log.deactivate();
                node.history = history;
            }
            Action::FewReplicas(few) => {
                node.engine.change_state(|state| {
                    state.set_few_replicas(few);
                });
            }
            Action::Log(level, line) => self.note(n, || format!("{level:?}: {line}")),
        }
    }

    fn start_stream(&mut self, n: usize, to: ConnId, from: Offset) {
        // What it continues from is on record before it is compared with what the replica has.
        self.look_at_stream(n);
        let node = &mut self.nodes[n];
        let Some(peer) = node.peers.get_mut(&to.0) else { return };
        let pinned = peer.pinned.take().filter(|cursor| cursor.offset() == from.0);
        peer.cursor = pinned.or_else(|| node.engine.log.cursor(from));
        peer.told = Some(node.history.id);
        if peer.cursor.is_none() {
            self.fail(n, format!("the log after {from} is to be streamed, but not held"));
        }
    }

    // ---- snapshots

    fn start_snapshot(&mut self, n: usize, id: SnapshotId, target: Target, replicas: Vec<ConnId>) {
        if self.rng.one_in(40) {
            return self.primary_step(n, Event::SnapshotFailed { id, error: "no space".into() });
        }
        let node = &mut self.nodes[n];
        let Some(snapshot) = node.cut(For::Replicas) else {
            return self.primary_step(n, Event::SnapshotBusy { id });
        };
        let cursor = node.engine.log.cursor(snapshot.offset).expect("the log's end can be read on from");
        for conn in &replicas {
            let Some(peer) = node.peers.get_mut(&conn.0) else { continue };
            peer.pinned = Some(cursor.clone());
            if target == Target::Sockets {
                peer.payload = Some(Payload::default());
            }
        }
        let replid = node.history.id;
        node.jobs.insert(id, Job { snapshot, target, replid, cursor, bytes: Vec::new(), sent: 0, replicas });
        // The one who cuts is another thread: it is heard a little later.
        let incarnation = node.incarnation;
        let delay_ms_max = if self.rng.one_in(4) { 1000 } else { 20 };
        let delay = self.rng.below(delay_ms_max) as i64;
        self.later(delay, Happens::Cut { node: n, incarnation, id });
    }

    pub(super) fn cut_heard(&mut self, n: usize, id: SnapshotId) {
        let Some(job) = self.nodes[n].jobs.get(&id) else { return };
        let (offset, replid) = (job.snapshot.offset, job.replid);
        self.primary_step(n, Event::SnapshotCut { id, offset, replid });
        self.walk_later(n, Some(id));
    }

    pub(super) fn walk_later(&mut self, n: usize, id: Option<SnapshotId>) {
        let (delay, incarnation) = (1 + self.rng.below(12) as i64, self.nodes[n].incarnation);
        self.later(delay, Happens::Walk { node: n, incarnation, id });
    }

    /// A slice of the walk of a snapshot for replicas, or of a save.
    pub(super) fn walk(&mut self, n: usize, id: Option<SnapshotId>) {
        match id {
            Some(id) => self.walk_for_replicas(n, id),
            None => self.walk_for_file(n),
        }
    }

    fn walk_for_replicas(&mut self, n: usize, id: SnapshotId) {
        let fails = self.rng.one_in(600);
        let entries = 1 + self.rng.below(6) as usize;
        let node = &mut self.nodes[n];
        let Some(job) = node.jobs.get_mut(&id) else { return };
        if fails {
            self.drop_job(n, id);
            return self.primary_step(n, Event::SnapshotFailed { id, error: "no space".into() });
        }
        let (mut bytes, mut free) = (Vec::new(), Vec::new());
        let more = job.snapshot.step(&node.engine, entries, &mut keep(&mut bytes), &mut free);
        job.sent += bytes.len() as u64;
        if job.target == Target::Disk {
            job.bytes.extend_from_slice(&bytes);
        } else {
            for conn in &job.replicas {
                if let Some(payload) = node.peers.get_mut(&conn.0).and_then(|peer| peer.payload.as_mut()) {
                    payload.bytes.extend_from_slice(&bytes);
                }
            }
        }
        if more {
            return self.walk_later(n, Some(id));
        }
        let job = node.jobs.remove(&id).expect("just stepped");
        if job.target == Target::Disk {
            node.disk = Some(job.bytes.clone());
            node.files.insert(id, job.bytes);
        }
        self.primary_step(n, Event::SnapshotReady { id, bytes: job.sent });
    }

    fn walk_for_file(&mut self, n: usize) {
        let node = &mut self.nodes[n];
        let Some((snapshot, bytes)) = &mut node.save else { return };
        let mut free = Vec::new();
        if snapshot.step(&node.engine, 3, &mut keep(bytes), &mut free) {
            return self.walk_later(n, None);
        }
        node.disk = node.save.take().map(|(_, bytes)| bytes);
        self.note(n, || "saved".into());
    }

    pub(super) fn save(&mut self, n: usize) {
        let node = &mut self.nodes[n];
        if node.save.is_none()
            && let Some(snapshot) = node.cut(For::File)
        {
            node.save = Some((snapshot, Vec::new()));
            self.walk_later(n, None);
        }
    }

    fn drop_job(&mut self, n: usize, id: SnapshotId) {
        let node = &mut self.nodes[n];
        if let Some(mut job) = node.jobs.remove(&id) {
            job.snapshot.release(&node.engine, &mut Vec::new());
        }
    }

    // ---- connections

    pub(super) fn accept(&mut self, n: usize, conn: u64) {
        self.nodes[n].peers.insert(conn, Peer::new());
    }

    pub(super) fn peer_received(&mut self, n: usize, conn: u64, bytes: &[u8]) {
        let Some(peer) = self.nodes[n].peers.get_mut(&conn) else { return };
        if peer.is_replica {
            return self.primary_step(n, Event::Received { conn: ConnId(conn), bytes });
        }
        peer.input.extend_from_slice(bytes);
        loop {
            let Some(peer) = self.nodes[n].peers.get_mut(&conn) else { return };
            let mut spans = Vec::new();
            let (taken, args) = match peer.decoder.next(&peer.input, &Limits::default(), &mut spans) {
                Ok(Decoded::Request { bytes, first_span, spans: count }) => {
                    let args = Args::new(&peer.input[..bytes], &spans[first_span..first_span + count]);
                    (bytes, OwnedArgs::from_args(args))
                }
                Ok(Decoded::Inline { bytes, args }) => (bytes, args),
                Ok(Decoded::Empty { bytes }) => {
                    peer.input.drain(..bytes);
                    continue;
                }
                Ok(Decoded::Need(_)) => return,
                Err(error) => return self.fail(n, format!("a link speaks no protocol: {error}")),
            };
            peer.input.drain(..taken);
            let args = args.as_args();
            let reply: &[u8] = match args.name().to_ascii_lowercase().as_slice() {
                b"ping" => b"+PONG\r\n",
                b"replconf" => match peer.facts.replconf(args) {
                    Ok(true) => b"+OK\r\n",
                    Ok(false) => b"",
                    Err(_) => b"-ERR\r\n",
                },
                b"psync" | b"sync" => {
                    peer.is_replica = true;
                    let (facts, rest) = (peer.facts.clone(), std::mem::take(&mut peer.input));
                    let address = Address { ip: Some("127.0.0.1".into()), client_id: conn };
                    let request = SyncRequest::parse(args);
                    let conn = ConnId(conn);
                    self.primary_step(n, Event::Sync { conn, request, facts, peer: address });
                    return self.primary_step(n, Event::Received { conn, bytes: &rest });
                }
                _ => b"-ERR unknown command\r\n",
            };
            peer.out.extend_from_slice(reply);
        }
    }

    pub(super) fn peer_closed(&mut self, n: usize, conn: u64) {
        self.net.shut(Side { conn, end: 1 });
        if let Some(peer) = self.nodes[n].peers.remove(&conn)
            && peer.is_replica
        {
            self.primary_step(n, Event::Closed { conn: ConnId(conn) });
        }
    }

    /// We close.
    fn close_peer(&mut self, n: usize, conn: u64) {
        if self.nodes[n].peers.remove(&conn).is_some() {
            let side = Side { conn, end: 1 };
            self.send(side.other(), Packet::Close);
            self.net.shut(side);
        }
    }

    /// Sends what there is to be sent, as far as the network takes it.
    pub(super) fn pump(&mut self, n: usize) {
        let conns: Vec<u64> = self.nodes[n].peers.keys().copied().collect();
        for conn in conns {
            while self.pump_once(n, conn) {}
        }
    }

    /// One packet; false if there is nothing to send, or no room.
    fn pump_once(&mut self, n: usize, conn: u64) -> bool {
        let to = Side { conn, end: 0 };
        let room = self.net.room(to).min(CHUNK_BYTES);
        let told = self.nodes[n].history.id;
        let Some(peer) = self.nodes[n].peers.get_mut(&conn).filter(|_| room != 0) else { return false };
        if !peer.out.is_empty() {
            let bytes: Vec<u8> = peer.out.drain(..peer.out.len().min(room)).collect();
            self.send(to, Packet::Bytes(bytes));
            return true;
        }
        if peer.closing {
            self.close_peer(n, conn);
            return false;
        }
        if let Some(payload) = &mut peer.payload {
            let rest = &payload.bytes[payload.at..];
            if !rest.is_empty() {
                let bytes = rest[..rest.len().min(room)].to_vec();
                payload.at += bytes.len();
                self.send(to, Packet::Bytes(bytes));
                self.primary_step(n, Event::PayloadProgress { conn: ConnId(conn) });
                return true;
            }
            if !payload.ended {
                self.primary_step(n, Event::PayloadProgress { conn: ConnId(conn) });
                return false;
            }
            peer.payload = None;
            self.primary_step(n, Event::PayloadSent { conn: ConnId(conn) });
            return true;
        }
        // After a change of the history nothing of the new one goes out to who was told the old one.
        let Some(cursor) = peer.cursor.as_mut().filter(|_| peer.told == Some(told)) else { return false };
        let chunk = cursor.chunk();
        let bytes = chunk[..chunk.len().min(room)].to_vec();
        cursor.advance(bytes.len());
        let some = !bytes.is_empty();
        if some {
            self.send(to, Packet::Bytes(bytes));
        }
        some
    }
}
