//! The network: connections between nodes, with delays, order within a connection only, bounded flight, cuts.
//!
//! A connection has two sides: 0 called, 1 answered. What is sent towards a side is a queue of packets; each has one
//! delivery on the world's agenda, and a delivery takes the front packet, so nothing overtakes within a connection.
//! Two nodes may be blocked from each other: deliveries wait until they are not. A cut may lose what is in flight.

use base::rng::Rng;
use std::collections::{BTreeMap, VecDeque};

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Side {
    pub conn: u64,
    /// 0: called, 1: answered.
    pub end: usize,
}

impl Side {
    pub fn other(self) -> Self {
        Self { conn: self.conn, end: 1 - self.end }
    }
}

pub enum Packet {
    Bytes(Vec<u8>),
    Close,
}

struct Wire {
    packets: VecDeque<Packet>,
    in_flight: usize,
    last_due_ms: i64,
    /// This side still takes packets.
    open: bool,
}

struct Conn {
    nodes: [usize; 2],
    /// By the side that they go to.
    wires: [Wire; 2],
    latency_ms: u64,
    window: usize,
}

#[derive(Default)]
pub struct Net {
    conns: BTreeMap<u64, Conn>,
    next: u64,
    blocked: Vec<(usize, usize)>,
}

impl Net {
    pub fn connect(&mut self, from: usize, to: usize, latency_ms: u64, window: usize) -> u64 {
        let id = self.next;
        self.next += 1;
        let wire = || Wire { packets: VecDeque::new(), in_flight: 0, last_due_ms: 0, open: true };
        self.conns.insert(id, Conn { nodes: [from, to], wires: [wire(), wire()], latency_ms, window });
        id
    }

    pub fn node_at(&self, side: Side) -> Option<usize> {
        Some(self.conns.get(&side.conn)?.nodes[side.end])
    }

    pub fn conns(&self) -> Vec<u64> {
        self.conns.keys().copied().collect()
    }

    pub fn conns_of(&self, node: usize) -> Vec<Side> {
        let ends = |(&conn, c): (&u64, &Conn)| {
            (0..2).filter(|&end| c.nodes[end] == node).map(|end| Side { conn, end }).collect::<Vec<_>>()
        };
        self.conns.iter().flat_map(ends).collect()
    }

    /// How many bytes may still be sent towards `to`.
    pub fn room(&self, to: Side) -> usize {
        self.conns.get(&to.conn).map_or(0, |conn| conn.window.saturating_sub(conn.wires[to.end].in_flight))
    }

    pub fn set_window(&mut self, conn: u64, window: usize) {
        if let Some(conn) = self.conns.get_mut(&conn) {
            conn.window = window;
        }
    }

    /// Puts a packet on its way towards `to`; when it is due. `None` if that side is gone.
    pub fn send(&mut self, to: Side, packet: Packet, now_ms: i64, rng: &mut Rng) -> Option<i64> {
        let conn = self.conns.get_mut(&to.conn)?;
        let jitter = rng.below(conn.latency_ms + 1);
        let due = now_ms + (conn.latency_ms + jitter) as i64;
        let wire = &mut conn.wires[to.end];
        if !wire.open {
            return None;
        }
        if let Packet::Bytes(bytes) = &packet {
            wire.in_flight += bytes.len();
        }
        wire.packets.push_back(packet);
        wire.last_due_ms = wire.last_due_ms.max(due);
        Some(wire.last_due_ms)
    }

    pub fn is_blocked(&self, side: Side) -> bool {
        let Some(conn) = self.conns.get(&side.conn) else { return false };
        self.are_blocked(conn.nodes[0], conn.nodes[1])
    }

    pub fn are_blocked(&self, a: usize, b: usize) -> bool {
        self.blocked.contains(&(a.min(b), a.max(b)))
    }

    pub fn block(&mut self, a: usize, b: usize) {
        self.blocked.push((a.min(b), a.max(b)));
    }

    pub fn unblock(&mut self, a: usize, b: usize) {
        if let Some(at) = self.blocked.iter().position(|&pair| pair == (a.min(b), a.max(b))) {
            self.blocked.swap_remove(at);
        }
    }

    pub fn unblock_all(&mut self) {
        self.blocked.clear();
    }

    /// The front packet towards `to`.
    pub fn deliver(&mut self, to: Side) -> Option<Packet> {
        let wire = &mut self.conns.get_mut(&to.conn)?.wires[to.end];
        let packet = wire.packets.pop_front()?;
        if let Packet::Bytes(bytes) = &packet {
            wire.in_flight -= bytes.len();
        }
        Some(packet)
    }

    /// This side hears nothing any more.
    pub fn shut(&mut self, side: Side) {
        let Some(conn) = self.conns.get_mut(&side.conn) else { return };
        let wire = &mut conn.wires[side.end];
        wire.open = false;
        wire.packets.clear();
        wire.in_flight = 0;
        if conn.wires.iter().all(|wire| !wire.open) {
            self.conns.remove(&side.conn);
        }
    }

    /// Loses what is on its way towards a side.
    pub fn lose(&mut self, to: Side) {
        if let Some(conn) = self.conns.get_mut(&to.conn) {
            conn.wires[to.end].packets.clear();
            conn.wires[to.end].in_flight = 0;
        }
    }
}
