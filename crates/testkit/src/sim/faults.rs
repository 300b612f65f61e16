//! What goes wrong: cuts, blocked pairs, crashes, role changes, slow connections; and the end of it.

use super::net::{Packet, Side};
use super::{Happens, NODES, World};
use replication::replica::By;

impl World {
    pub(super) fn fault(&mut self) {
        if self.profile.faults_until_ms <= self.now_ms {
            return self.heal();
        }
        let delay = 1 + self.rng.below(self.profile.fault_every_ms * 2) as i64;
        self.later(delay, Happens::Fault);
        let n = self.rng.below(NODES as u64) as usize;
        match self.rng.below(14) {
            0..4 => self.cut(),
            4 | 5 => self.block(),
            6 => self.crash(n),
            7 => self.promote(n),
            8 => self.send_elsewhere(n),
            9 => self.slow_down(),
            10 | 11 if self.nodes[n].up => self.save(n),
            12 => self.change_settings(n),
            _ => {}
        }
    }

    /// Both sides lose the connection; what is on its way may be lost with it.
    fn cut(&mut self) {
        let conns = self.net.conns();
        if conns.is_empty() {
            return;
        }
        let conn = conns[self.rng.below(conns.len() as u64) as usize];
        for end in 0..2 {
            let side = Side { conn, end };
            if self.rng.one_in(2) {
                self.net.lose(side);
            }
            self.send(side, Packet::Close);
        }
        if let Some(n) = self.net.node_at(Side { conn, end: 0 }) {
            self.note(n, || "its connection is cut".into());
        }
    }

    /// Two nodes hear nothing of each other for a while: shorter than repl-timeout, or longer.
    fn block(&mut self) {
        let (a, b) = (self.rng.below(NODES as u64) as usize, self.rng.below(NODES as u64) as usize);
        if a == b {
            return;
        }
        self.net.block(a, b);
        let delay = 50 + self.rng.below(9000) as i64;
        self.later(delay, Happens::Unblock(a, b));
        self.note(a, || format!("is blocked from node {b} for {delay} ms"));
    }

    fn crash(&mut self, n: usize) {
        if !self.nodes[n].up {
            return;
        }
        // A process that ends closes its connections; a machine that is gone says nothing.
        let silently = self.rng.one_in(3);
        self.note(n, || format!("crashes{}", if silently { " silently" } else { "" }));
        for side in self.net.conns_of(n) {
            if !silently {
                self.send(side.other(), Packet::Close);
            }
            self.net.shut(side);
        }
        let node = &mut self.nodes[n];
        node.up = false;
        node.peers.clear();
        node.side = None;
        if self.rng.one_in(3) {
            self.nodes[n].disk = None;
        }
        let delay = self.rng.below(4000) as i64;
        self.later(delay, Happens::Up { node: n });
    }

    pub(super) fn up(&mut self, n: usize) {
        if self.nodes[n].up {
            return;
        }
        let result = self.nodes[n].restarted(self.now_ms, &self.made);
        self.must(result);
        let with = if self.nodes[n].disk.is_some() { "from its file" } else { "empty" };
        self.note(n, || format!("starts {with}"));
        if let Some(primary) = self.nodes[n].target {
            self.replica_of(n, primary, By::Config);
        }
    }

    /// A replica becomes a primary. The others hear of it later, its old primary too, and go on meanwhile.
    fn promote(&mut self, n: usize) {
        if !self.nodes[n].up || self.nodes[n].target.is_none() {
            return;
        }
        self.note(n, || "is promoted".into());
        self.no_one(n, By::User("operator".into()));
        for other in (0..NODES).filter(|&other| other != n) {
            if !self.rng.one_in(4) {
                let delay = self.rng.below(5000) as i64;
                self.later(delay, Happens::Follow { node: other, primary: n });
            }
        }
    }

    fn send_elsewhere(&mut self, n: usize) {
        let primary = self.rng.below(NODES as u64) as usize;
        if primary != n && self.nodes[n].target.is_some() {
            self.follow(n, primary);
        }
    }

    /// REPLICAOF, at run time or, on a node that is down, in its configuration.
    pub(super) fn follow(&mut self, n: usize, primary: usize) {
        self.note(n, || format!("is to follow node {primary}"));
        if n == primary {
            return;
        }
        if !self.nodes[n].up {
            self.nodes[n].target = Some(primary);
            return;
        }
        self.replica_of(n, primary, By::User("operator".into()));
    }

    fn slow_down(&mut self) {
        for conn in self.net.conns() {
            let window = [40, 300, 60_000][self.rng.below(3) as usize];
            self.net.set_window(conn, window);
        }
    }

    fn change_settings(&mut self, n: usize) {
        let mut settings = (*self.nodes[n].primary_settings).clone();
        settings.diskless = !settings.diskless;
        settings.replicas_min = self.rng.below(3) as usize;
        self.nodes[n].primary_settings = settings.into();
        if self.nodes[n].up {
            self.primary_step(n, replication::primary::Event::Changed);
        }
    }

    /// The faults are over: all nodes are up, all can talk, and there is one tree.
    fn heal(&mut self) {
        self.healed_ms = Some(self.now_ms);
        self.net.unblock_all();
        for conn in self.net.conns() {
            self.net.set_window(conn, self.profile.window);
        }
        // What was still to come of earlier faults is settled now.
        let agenda = std::mem::take(&mut self.agenda);
        let to_come = agenda
            .into_iter()
            .filter(|item| !matches!(item.what, Happens::Follow { .. } | Happens::Up { .. }));
        self.agenda = to_come.collect();
        for n in 0..NODES {
            self.up(n);
        }
        let mut order: Vec<usize> = (0..NODES).collect();
        self.rng.shuffle(&mut order);
        let root = order[0];
        self.note(root, || "is to be the primary of all".into());
        if self.nodes[root].target.is_some() {
            self.no_one(root, By::User("operator".into()));
        }
        let above = if self.rng.one_in(2) { order[1] } else { root };
        // Links that are right already may have to find out for themselves what is still broken. Not where the
        // guard may wait for the operator's word.
        let trusting = !self.made.link_settings.refuse_empty_primary && self.rng.one_in(2);
        for (n, primary) in [(order[1], root), (order[2], root), (order[3], above)] {
            if !trusting || self.nodes[n].target != Some(primary) {
                self.follow(n, primary);
            }
        }
    }
}
