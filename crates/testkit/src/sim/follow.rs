//! The driver of a node's link to its primary.

use super::loader::Loader;
use super::net::{Packet, Side};
use super::{Happens, World};
use base::position::Offset;
use engine::{Applier, Note, Origin, StreamError};
use replication::History;
use replication::replica::{Action, By, Event, View};

impl World {
    pub(super) fn link_step(&mut self, n: usize, event: Event) {
        let node = &mut self.nodes[n];
        let (history, settings) = (node.history, node.link_settings.clone());
        let view = View {
            now_ms: self.now_ms,
            log_end: node.engine.log.end(),
            log_fsynced: None,
            history: &history,
            keys: node.engine.keys(),
            settings: &settings,
        };
        let mut actions = Vec::new();
        node.link.step(&view, event, &mut actions);
        for action in actions {
            self.link_action(n, action);
        }
    }

    pub(super) fn replica_of(&mut self, n: usize, primary: usize, by: By) {
        self.nodes[n].target = Some(primary);
        self.link_step(n, Event::ReplicaOf { host: format!("node{primary}"), port: primary as u16, by });
    }

    pub(super) fn no_one(&mut self, n: usize, by: By) {
        self.nodes[n].target = None;
        self.link_step(n, Event::NoOne { by });
    }

    fn link_action(&mut self, n: usize, action: Action) {
        let node = &mut self.nodes[n];
        match action {
            Action::Connect { .. } => {
                node.attempt += 1;
                let (attempt, delay) = (node.attempt, 1 + self.rng.below(self.profile.latency_ms) as i64);
                self.later(delay, Happens::Connect { node: n, attempt });
            }
            Action::Disconnect => {
                node.attempt += 1;
                (node.applier, node.loader) = (None, None);
                if let Some(side) = node.side.take() {
                    self.send(side.other(), Packet::Close);
                    self.net.shut(side);
                }
            }
            Action::Send(bytes) => {
                if let Some(side) = node.side {
                    self.send(side.other(), Packet::Bytes(bytes));
                }
            }
            Action::PayloadBegin { .. } => node.loader = Some(Loader::new(&node.engine)),
            Action::Payload(bytes) => {
                let fed = node.loader.as_mut().map(|loader| loader.feed(&node.engine, &bytes));
                if let Some(Err(error)) = fed {
                    self.fail(n, format!("the payload can't be loaded: {error}"));
                }
            }
            Action::PayloadEnd => {
                let (attempt, delay) = (node.attempt, self.rng.below(300) as i64);
                self.later(delay, Happens::Stage { node: n, attempt });
            }
            Action::Discard => node.loader = None,
            Action::Install { history, offset, db } => self.install(n, history, offset, db),
            Action::Resume => {
                let db = node.engine.log.db().unwrap_or(0);
                node.applier = Some(Applier::new(db, node.engine.role_epoch()));
                let (id, name) = (node.history.id, self.name(n));
                let checked = self.checks.continues(&mut self.nodes[n], id, &name);
                self.must(checked);
                self.look(n);
                self.partial += 1;
            }
            Action::Apply(bytes) => self.apply(n, &bytes),
            Action::BecomeReplica => {
                if !node.engine.log.is_active() {
                    node.engine.log.activate();
                }
                node.engine.change_state(|state| {
                    state.set_replica(true);
                });
            }
            Action::BecomePrimary { history } => {
                self.look(n);
                let node = &mut self.nodes[n];
                node.history = history;
                node.engine.log.forget_db();
                node.engine.change_state(|state| {
                    state.set_replica(false);
                });
                self.look(n);
            }
            Action::SetHistory(history) => {
                self.look(n);
                self.nodes[n].history = history;
            }
            // The one who owns our replicas is another thread: it hears of it a little later.
            Action::DropReplicas => {
                let (incarnation, delay) = (node.incarnation, self.rng.below(30) as i64);
                self.later(delay, Happens::DropReplicas { node: n, incarnation });
            }
            Action::LinkUp(up) => node.link_up = up,
            Action::Log(level, line) => self.note(n, || format!("{level:?}: {line}")),
        }
    }

    fn install(&mut self, n: usize, history: History, offset: Offset, db: u32) {
        let node = &mut self.nodes[n];
        let Some(loader) = node.loader.take() else { return self.fail(n, "nothing is staged".into()) };
        let engine = &node.engine;
        let mut txn = engine.begin(&mut node.scratch, engine.all_locks(), 0, 0, Origin::Primary);
        loader.staging.install(&mut txn);
        engine.log.reset(offset);
        engine.log.set_db(Some(db));
        node.history = history;
        txn.commit();
        node.scratch.trash.clear();
        node.applier = Some(Applier::new(db, engine.role_epoch()));
        self.full += 1;
        self.look(n);
    }

    fn apply(&mut self, n: usize, bytes: &[u8]) {
        let node = &mut self.nodes[n];
        let (now, mut notes) = (node.unix_ms(self.now_ms), Vec::new());
        let Some(applier) = &mut node.applier else { return };
        let result = applier.feed(&node.engine, &mut node.scratch, now, bytes, &mut notes);
        node.scratch.trash.clear();
        for note in notes {
            match note {
                Note::GetAck => self.link_step(n, Event::AckWanted),
                Note::Failed { command, error } => {
                    self.fail(n, format!("'{command}' of the stream fails: {error}"));
                }
            }
        }
        match result {
            Ok(_) | Err(StreamError::RoleChanged) => {}
            Err(error) => self.fail(n, format!("the stream can't be applied: {error}")),
        }
    }

    /// A connection that was asked for is there, or can't be.
    pub(super) fn connect(&mut self, n: usize, attempt: u64) {
        let node = &self.nodes[n];
        let Some(target) = node.target.filter(|_| node.up && node.attempt == attempt) else { return };
        if self.net.are_blocked(n, target) {
            return self.later(100, Happens::Connect { node: n, attempt });
        }
        if !self.nodes[target].up || self.rng.one_in(50) {
            return self.link_step(n, Event::ConnectFailed { error: "Connection refused".into() });
        }
        let latency = 1 + self.rng.below(self.profile.latency_ms);
        let conn = self.net.connect(n, target, latency, self.profile.window);
        self.nodes[n].side = Some(Side { conn, end: 0 });
        self.accept(target, conn);
        self.link_step(n, Event::Connected);
    }

    /// The payload is loaded.
    pub(super) fn stage(&mut self, n: usize, attempt: u64) {
        let node = &mut self.nodes[n];
        let Some(loader) = node.loader.as_mut().filter(|_| node.attempt == attempt) else { return };
        match loader.finish(&node.engine) {
            Ok(()) => {
                let (keys, db) = (loader.staging.keys, loader.origins.db);
                self.link_step(n, Event::Staged { keys, db });
            }
            Err(error) => self.fail(n, format!("the payload is not complete: {error}")),
        }
    }
}
