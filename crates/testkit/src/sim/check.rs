//! What must hold at every moment, whatever fails.
//!
//! * At equal history and offset all data sets have equal digests: every observation is kept, so this compares nodes
//!   with each other and with the past.
//! * The stream of a history is one: whoever holds a byte of it holds the same byte. A ledger keeps each history's
//!   bytes as they were first seen.
//! * No data set shows half a MULTI: the writers change the two keys of a pair in one unit only.

use super::node::Node;
use super::work;
use base::position::{Offset, ReplId};
use engine::digest::{self, Digest, Scores};
use engine::value::{self, Text};
use engine::{Origin, Txn};
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// The bytes of a history, from some offset on.
#[derive(Default)]
struct Ledger {
    base: u64,
    bytes: Vec<u8>,
}

#[derive(Default)]
pub struct Checks {
    ledgers: HashMap<ReplId, Ledger>,
    digests: HashMap<(ReplId, Offset), (Digest, String)>,
    pub observations: u64,
}

impl Checks {
    /// Looks at a node between two events. `name` says who it is, and when.
    pub fn observe(&mut self, node: &mut Node, name: &str) -> Result<(), String> {
        if !node.engine.log.is_active() {
            return Ok(());
        }
        self.observations += 1;
        self.stream(node, name)?;
        let (engine, scratch) = (&node.engine, &mut node.scratch);
        // A transaction remembers a key by its address: these stay where they are until it ends.
        let keys: Vec<[Vec<u8>; 2]> = (0..work::PAIRS).map(work::pair_keys).collect();
        scratch.forget_key();
        let txn = engine.begin(scratch, engine.all_locks(), 0, 0, Origin::Primary);
        pairs(&txn, &keys, name)?;
        let shards = engine.shard_count();
        let digest = digest::of_all((0..shards).map(|i| txn.shard(i)), engine.databases(), Scores::Shortest);
        drop(txn);
        node.scratch.forget_key();
        let end = engine.log.end();
        self.digest(node.history.id, end, digest, name)?;
        // Where a history was taken over, both ids stand for the same bytes.
        if end.0 as i64 + 1 == node.history.second_offset {
            self.digest(node.history.second_id, end, digest, name)?;
        }
        Ok(())
    }

    fn digest(&mut self, id: ReplId, offset: Offset, digest: Digest, name: &str) -> Result<(), String> {
        match self.digests.entry((id, offset)) {
            Entry::Vacant(entry) => {
                entry.insert((digest, name.into()));
                Ok(())
            }
            Entry::Occupied(entry) if entry.get().0 == digest => Ok(()),
            Entry::Occupied(entry) => Err(format!(
                "at offset {offset} of {id}, {name} has the digest {digest}, but {} had {}",
                entry.get().1,
                entry.get().0
            )),
        }
    }

    /// Compares what the node's log holds with its history's ledger, from where it was looked at last.
    pub fn stream(&mut self, node: &mut Node, name: &str) -> Result<(), String> {
        let log = &node.engine.log;
        if !log.is_active() {
            return Ok(());
        }
        let id = node.history.id;
        let (start, end) = (log.start(), log.end());
        let from = match node.seen {
            Some((seen, offset)) if seen == id && start <= offset && offset <= end => offset,
            _ => start,
        };
        node.seen = Some((id, end));
        let bytes = read(node, from, end);
        self.ledgers.entry(id).or_default().put(from.0, &bytes).map_err(|at| {
            format!(
                "{name} holds another byte at offset {at} of {id} than was seen before (log {start}..{end})"
            )
        })
    }

    /// The node was told that it may go on in history `id`: all its log must be of that history.
    pub fn continues(&mut self, node: &mut Node, id: ReplId, name: &str) -> Result<(), String> {
        let (start, end) = (node.engine.log.start(), node.engine.log.end());
        let ledger =
            self.ledgers.get(&id).ok_or_else(|| format!("{name} continues {id}, which nobody has"))?;
        if ledger.end() < end.0 {
            return Err(format!("{name} continues {id} at {end}, beyond its end {}", ledger.end()));
        }
        let bytes = read(node, start, end);
        match ledger.differs(start.0, &bytes) {
            None => Ok(()),
            Some(at) => Err(format!("{name} continues {id} at {end}, but holds another byte at {at}")),
        }
    }
}

fn read(node: &Node, from: Offset, end: Offset) -> Vec<u8> {
    let mut bytes = Vec::new();
    let Some(mut cursor) = node.engine.log.cursor(from) else { return bytes };
    while cursor.offset() < end.0 {
        let chunk = cursor.chunk();
        let taken = chunk.len();
        bytes.extend_from_slice(chunk);
        cursor.advance(taken);
    }
    bytes
}

impl Ledger {
    fn end(&self) -> u64 {
        self.base + self.bytes.len() as u64
    }

    /// The first offset where `bytes`, which begin at `from`, differ from what is known.
    fn differs(&self, from: u64, bytes: &[u8]) -> Option<u64> {
        let to = (from + bytes.len() as u64).min(self.end());
        let first = from.max(self.base);
        if to <= first {
            return None;
        }
        let known = &self.bytes[(first - self.base) as usize..(to - self.base) as usize];
        let given = &bytes[(first - from) as usize..(to - from) as usize];
        if known == given {
            return None;
        }
        known.iter().zip(given).position(|(a, b)| a != b).map(|i| first + i as u64)
    }

    fn put(&mut self, from: u64, bytes: &[u8]) -> Result<(), u64> {
        if let Some(at) = self.differs(from, bytes) {
            return Err(at);
        }
        let to = from + bytes.len() as u64;
        if self.bytes.is_empty() || self.end() < from || to < self.base {
            // Nothing in common: the later part is of more use.
            if self.bytes.is_empty() || self.end() < from {
                (self.base, self.bytes) = (from, bytes.to_vec());
            }
            return Ok(());
        }
        if from < self.base {
            let mut all = bytes[..(self.base - from) as usize].to_vec();
            all.append(&mut self.bytes);
            (self.base, self.bytes) = (from, all);
        }
        if self.end() < to {
            let new = (self.end() - from) as usize;
            self.bytes.extend_from_slice(&bytes[new..]);
        }
        Ok(())
    }
}

/// Both keys of a pair are equal in every database.
fn pairs(txn: &Txn, keys: &[[Vec<u8>; 2]], name: &str) -> Result<(), String> {
    for db in 0..txn.engine().databases() {
        for [a, b] in keys {
            let text = |key: &[u8]| {
                let entry = txn.get_in(db, key)?;
                value::as_str(entry.payload()).ok().map(|text| text.bytes(&mut Text::new()).to_vec())
            };
            if text(a) != text(b) {
                return Err(format!("{name} shows half a MULTI in database {db} at {}", a.escape_ascii()));
            }
        }
    }
    Ok(())
}
