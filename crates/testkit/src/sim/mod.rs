//! The simulator: a tree of nodes on a virtual clock and a virtual network, in one thread, from one seed.
//!
//! A node is a real engine and both real machines of replication, joined by a driver like the server's. Writers write
//! on whichever node takes itself for the primary. Connections are cut, delayed and blocked, nodes crash and come
//! back empty or from their last snapshot, replicas are promoted and sent elsewhere, snapshots walk between the
//! writes, keys expire by clocks that differ. After a while the faults stop: everything must converge.
//!
//! What must hold all the time is in [`check`]. The same seed gives the same run, to the byte.

mod check;
mod faults;
mod feed;
mod follow;
mod loader;
mod net;
mod node;
mod work;

use base::rng::Rng;
use engine::expire;
use net::{Net, Packet, Side};
use node::{Made, Node};
use replication::primary::{self, SnapshotId};
use replication::replica::{self, DisklessLoad, State};
use std::cmp::Ordering;
use std::collections::BinaryHeap;
use work::Unit;

const NODES: usize = 4;
const TICK_MS: i64 = 100;
const LOOK_MS: i64 = 600;
/// How long the nodes may take to converge after the last fault: full syncs, and timeouts of what is still blocked.
const CONVERGENCE_MS_MAX: i64 = 300_000;

/// What differs from run to run, besides what happens.
struct Profile {
    latency_ms: u64,
    /// Bytes that are on their way in one direction at most.
    window: usize,
    value_bytes_max: u64,
    write_every_ms: u64,
    fault_every_ms: u64,
    faults_until_ms: i64,
}

enum Happens {
    Deliver(Side),
    Tick(usize),
    Connect { node: usize, attempt: u64 },
    Stage { node: usize, attempt: u64 },
    Cut { node: usize, incarnation: u64, id: SnapshotId },
    Walk { node: usize, incarnation: u64, id: Option<SnapshotId> },
    DropReplicas { node: usize, incarnation: u64 },
    Write,
    Look,
    Fault,
    Up { node: usize },
    Unblock(usize, usize),
    Follow { node: usize, primary: usize },
}

/// Something on the agenda: the earliest first, and what was put there first among equals.
struct Item {
    at_ms: i64,
    number: u64,
    what: Happens,
}

impl Ord for Item {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at_ms, other.number).cmp(&(self.at_ms, self.number))
    }
}

impl PartialOrd for Item {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Item {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Item {}

pub struct World {
    rng: Rng,
    now_ms: i64,
    agenda: BinaryHeap<Item>,
    number: u64,
    net: Net,
    nodes: Vec<Node>,
    made: Made,
    profile: Profile,
    checks: check::Checks,
    trace: Option<Vec<String>>,
    failure: Option<String>,
    /// When the faults stopped.
    healed_ms: Option<i64>,
    full: u64,
    partial: u64,
}

/// What a run was: enough to see that it did something.
#[derive(Clone, Copy, Debug, Default)]
pub struct Report {
    pub full_syncs: u64,
    pub partial_syncs: u64,
    pub observations: u64,
    pub log_bytes: u64,
}

/// What went wrong, and what came before it.
#[derive(Debug)]
pub struct Failure {
    pub what: String,
    pub trace: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tracing {
    Off,
    On,
}

/// Runs one seed.
pub fn run(seed: u64, tracing: Tracing) -> Result<Report, Failure> {
    let mut world = World::new(seed, tracing);
    world.begin();
    while world.failure.is_none() && !world.is_done() {
        world.next();
    }
    match world.failure.take() {
        Some(what) => Err(Failure { what, trace: world.trace.unwrap_or_default() }),
        None => Ok(Report {
            full_syncs: world.full,
            partial_syncs: world.partial,
            observations: world.checks.observations,
            log_bytes: world.nodes[0].engine.log.end().0,
        }),
    }
}

impl World {
    fn new(seed: u64, tracing: Tracing) -> Self {
        let mut rng = Rng::new(seed);
        let made = Made {
            primary_settings: primary::Settings {
                diskless: rng.one_in(2),
                diskless_delay_ms: [0, 500, 1500][rng.below(3) as usize],
                diskless_replicas_max: rng.below(3) as usize,
                timeout_ms: 4000 + rng.below(4000) as i64,
                ping_period_ms: 1000,
                backlog_ttl_ms: if rng.one_in(4) { 3000 } else { 60_000 },
                replicas_min: rng.below(2) as usize,
                lag_ms_max: 3000,
            },
            link_settings: replica::Settings {
                timeout_ms: 4000 + rng.below(4000) as i64,
                diskless_load: [DisklessLoad::Disabled, DisklessLoad::OnEmptyDb, DisklessLoad::SwapDb]
                    [rng.below(3) as usize],
                refuse_empty_primary: !rng.one_in(3),
                ..replica::Settings::default()
            },
            kept_bytes: if rng.one_in(3) { 1 } else { 1024 * 1024 },
        };
        let profile = Profile {
            latency_ms: [1, 5, 60][rng.below(3) as usize],
            window: [300, 4000, 60_000][rng.below(3) as usize],
            // Some runs push the log through its backlog.
            value_bytes_max: if rng.one_in(4) { 4000 } else { 60 },
            write_every_ms: [5, 20, 80][rng.below(3) as usize],
            fault_every_ms: [300, 900, 3000][rng.below(3) as usize],
            faults_until_ms: 4000 + rng.below(12_000) as i64,
        };
        let nodes = (0..NODES).map(|id| Node::new(id, Rng::new(rng.next_u64()), 0, &made)).collect();
        Self {
            rng,
            now_ms: 0,
            agenda: BinaryHeap::new(),
            number: 0,
            net: Net::default(),
            nodes,
            made,
            profile,
            checks: check::Checks::default(),
            trace: (tracing == Tracing::On).then(Vec::new),
            failure: None,
            healed_ms: None,
            full: 0,
            partial: 0,
        }
    }

    /// One primary, two replicas, and a replica of a replica.
    fn begin(&mut self) {
        for _ in 0..self.rng.below(60) {
            self.write_on(0);
        }
        for (node, primary) in [(1, 0), (2, 0), (3, 1)] {
            let delay = self.rng.below(1500) as i64;
            self.later(delay, Happens::Follow { node, primary });
        }
        for node in 0..NODES {
            let delay = self.rng.below(TICK_MS as u64) as i64;
            self.later(delay, Happens::Tick(node));
        }
        self.later(0, Happens::Write);
        self.later(LOOK_MS, Happens::Look);
        self.later(1000, Happens::Fault);
    }

    fn later(&mut self, delay_ms: i64, what: Happens) {
        self.number += 1;
        self.agenda.push(Item { at_ms: self.now_ms + delay_ms, number: self.number, what });
    }

    fn next(&mut self) {
        let item = self.agenda.pop().expect("there is always a tick to come");
        self.now_ms = item.at_ms;
        match item.what {
            Happens::Deliver(side) => self.deliver(side),
            Happens::Tick(n) => self.tick(n),
            Happens::Connect { node, attempt } => self.connect(node, attempt),
            Happens::Stage { node, attempt } => self.stage(node, attempt),
            Happens::Cut { node, incarnation, id } if self.lives(node, incarnation) => {
                self.cut_heard(node, id)
            }
            Happens::Walk { node, incarnation, id } if self.lives(node, incarnation) => self.walk(node, id),
            Happens::DropReplicas { node, incarnation } if self.lives(node, incarnation) => {
                self.primary_step(node, primary::Event::DropReplicas);
            }
            Happens::Cut { .. } | Happens::Walk { .. } | Happens::DropReplicas { .. } => {}
            Happens::Write => self.write(),
            Happens::Look => self.look_at_all(),
            Happens::Fault => self.fault(),
            Happens::Up { node } => self.up(node),
            Happens::Unblock(a, b) => self.net.unblock(a, b),
            Happens::Follow { node, primary } => self.follow(node, primary),
        }
        for n in 0..NODES {
            self.pump(n);
        }
    }

    fn lives(&self, n: usize, incarnation: u64) -> bool {
        self.nodes[n].up && self.nodes[n].incarnation == incarnation
    }

    fn tick(&mut self, n: usize) {
        self.later(TICK_MS, Happens::Tick(n));
        if !self.nodes[n].up {
            return;
        }
        self.link_step(n, replica::Event::Tick);
        self.primary_step(n, primary::Event::Tick);
        let node = &mut self.nodes[n];
        let now = node.unix_ms(self.now_ms);
        for _ in 0..3 {
            expire::step(&node.engine, &mut node.expiry, now, &mut node.scratch);
        }
        node.scratch.trash.clear();
    }

    // ---- network

    fn send(&mut self, to: Side, packet: Packet) {
        if let Some(due) = self.net.send(to, packet, self.now_ms, &mut self.rng) {
            self.later(due - self.now_ms, Happens::Deliver(to));
        }
    }

    fn deliver(&mut self, to: Side) {
        let Some(n) = self.net.node_at(to) else { return };
        // A link that is loading leaves its socket alone; what is blocked waits.
        let busy = to.end == 0 && self.nodes[n].side == Some(to) && !self.nodes[n].link.wants_input();
        if busy || self.net.is_blocked(to) {
            return self.later(20, Happens::Deliver(to));
        }
        let Some(packet) = self.net.deliver(to) else { return };
        match (packet, to.end) {
            (Packet::Bytes(bytes), 1) => self.peer_received(n, to.conn, &bytes),
            (Packet::Close, 1) => self.peer_closed(n, to.conn),
            _ if self.nodes[n].side != Some(to) => {}
            (Packet::Bytes(bytes), _) => self.link_step(n, replica::Event::Received(&bytes)),
            (Packet::Close, _) => self.link_step(n, replica::Event::Closed { error: None }),
        }
    }

    // ---- work

    fn write(&mut self) {
        if self.healed_ms.is_none_or(|since| self.now_ms < since + 3000) {
            let delay = 1 + self.rng.below(self.profile.write_every_ms * 2) as i64;
            self.later(delay, Happens::Write);
        }
        let n = self.rng.below(NODES as u64) as usize;
        if self.nodes[n].is_primary() {
            self.write_on(n);
        } else if self.nodes[n].up {
            let unit = Unit::reads(&mut self.rng);
            let node = &mut self.nodes[n];
            let now = node.unix_ms(self.now_ms);
            unit.run(&node.engine, &mut node.scratch, now);
        }
    }

    fn write_on(&mut self, n: usize) {
        let unit = Unit::random(&mut self.rng, self.profile.value_bytes_max);
        let node = &mut self.nodes[n];
        let now = node.unix_ms(self.now_ms);
        let text = unit.run(&node.engine, &mut node.scratch, now);
        self.note(n, || text);
    }

    // ---- looking

    fn name(&self, n: usize) -> String {
        let node = &self.nodes[n];
        format!("node {n} (start {}) at {} ms", node.incarnation, self.now_ms)
    }

    fn look(&mut self, n: usize) {
        let name = self.name(n);
        let seen = self.checks.observe(&mut self.nodes[n], &name);
        self.must(seen);
    }

    fn look_at_stream(&mut self, n: usize) {
        let name = self.name(n);
        let seen = self.checks.stream(&mut self.nodes[n], &name);
        self.must(seen);
    }

    fn look_at_all(&mut self) {
        self.later(LOOK_MS, Happens::Look);
        for n in 0..NODES {
            if self.nodes[n].up {
                self.look(n);
                self.look_at_link(n);
            }
        }
    }

    /// Who streams to a replica is in the same history as the replica: a change of the id ends the stream.
    fn look_at_link(&mut self, n: usize) {
        let node = &self.nodes[n];
        let Some(side) = node.side.filter(|_| node.link.state() == State::Connected) else { return };
        let Some(primary) = self.net.node_at(side.other()) else { return };
        let (told, is) = (self.nodes[n].history.id, self.nodes[primary].history.id);
        let peer = self.nodes[primary].peers.get(&side.conn);
        if peer.is_some_and(|peer| peer.cursor.is_some() && peer.told == Some(is)) && told != is {
            self.fail(n, format!("follows {told}, but node {primary} streams {is} to it"));
        }
    }

    fn must(&mut self, result: Result<(), String>) {
        if let Err(what) = result {
            self.failure.get_or_insert(what);
        }
    }

    fn fail(&mut self, n: usize, what: String) {
        let name = self.name(n);
        self.must(Err(format!("{name}: {what}")));
    }

    fn note(&mut self, n: usize, text: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            let log = &self.nodes[n].engine.log;
            trace.push(format!("{:>6} node {n} [{}] {}", self.now_ms, log.end(), text()));
        }
    }

    /// The faults are over, and all nodes agree.
    fn is_done(&mut self) -> bool {
        let Some(since) = self.healed_ms else { return false };
        if self.now_ms < since + 3500 || self.failure.is_some() {
            return false;
        }
        if self.agree() {
            self.look_at_all();
            return true;
        }
        if since + CONVERGENCE_MS_MAX < self.now_ms {
            let states: Vec<String> = self.nodes.iter().map(describe).collect();
            self.failure = Some(format!("the nodes don't converge: {}", states.join("; ")));
        }
        false
    }

    fn agree(&self) -> bool {
        let first = &self.nodes[0];
        self.nodes.iter().all(|node| {
            let linked = node.target.is_none() || node.link.state() == State::Connected;
            linked && node.history.id == first.history.id && node.engine.log.end() == first.engine.log.end()
        })
    }
}

fn describe(node: &Node) -> String {
    let log = &node.engine.log;
    format!(
        "node {} follows {:?}, {}, {} {}..{}",
        node.id,
        node.target,
        node.link.state().name(),
        node.history.id,
        log.start(),
        log.end()
    )
}
