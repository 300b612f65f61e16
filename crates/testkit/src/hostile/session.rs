//! An engine with one shard, without sockets: requests in, whole replies out.

use crate::value::Value;
use base::crc64::crc64;
use engine::commands::find;
use engine::digest::Digest;
use engine::{Engine, Origin, Scratch, debug, value};
use resp::{OwnedArgs, Proto, Reply};

pub struct Session {
    pub engine: Engine,
    scratch: Scratch,
    proto: Proto,
}

/// Any time: what expires later is there.
const NOW_MS: i64 = 1_000_000;
/// Strings don't grow beyond it: a request for more must be an error, not memory.
const STRING_BYTES_MAX: usize = 1 << 20;

impl Session {
    pub fn new() -> Self {
        let engine = Engine::new(1, 2, 7);
        engine.log.activate();
        engine.settings.string_bytes_max.store(STRING_BYTES_MAX, std::sync::atomic::Ordering::Relaxed);
        Self { engine, scratch: Scratch::new(1), proto: Proto::Resp2 }
    }

    pub fn speak(&mut self, proto: Proto) {
        self.proto = proto;
    }

    /// Runs a request; its reply must be one whole value. An error is one, too. `None`: there is no such command, or
    /// it does not take so many arguments.
    pub fn run(&mut self, argv: &[&[u8]]) -> Option<Value> {
        let row = find(argv[0])?;
        let args = OwnedArgs::from_slices(argv);
        if !row.meta.of_request(args.as_args()).accepts(args.len()) {
            return None;
        }
        let locks = self.engine.locks_of(&row.meta, args.as_args(), &self.scratch);
        self.scratch.forget_key();
        let mut txn = self.engine.begin(&mut self.scratch, locks, NOW_MS, 0, Origin::Client);
        let mut out = Vec::new();
        let mut reply = Reply::new(&mut out, self.proto);
        if let Err(error) = txn.call(row, args.as_args(), &mut reply) {
            out.clear();
            Reply::new(&mut out, self.proto).error_line(error.to_string().as_bytes());
        }
        txn.commit();
        self.scratch.trash.clear();
        let shown = || argv.iter().map(|arg| arg.escape_ascii().to_string()).collect::<Vec<_>>().join(" ");
        match Value::parse(&out) {
            Ok(Some((value, len))) if len == out.len() => Some(value),
            other => panic!("{}: no whole reply: {other:?} in {}", shown(), out.escape_ascii()),
        }
    }

    /// The same for a command that is surely there and answers with a string or nothing.
    pub fn bytes(&mut self, argv: &[&[u8]]) -> Option<Vec<u8>> {
        match self.run(argv) {
            Some(Value::Bulk(bytes) | Value::Simple(bytes) | Value::Error(bytes)) => Some(bytes),
            _ => None,
        }
    }

    /// What a key holds, as DEBUG DIGEST-VALUE tells it.
    pub fn digest(&mut self, key: &[u8]) -> Digest {
        let mut scratch = Scratch::new(0);
        let txn = self.engine.begin(&mut scratch, self.engine.all_locks(), NOW_MS, 0, Origin::Client);
        debug::digest_value(&txn, key)
    }

    /// Its first, some middle and its last element: what commands are asked about.
    pub fn elements(&mut self, key: &[u8]) -> Vec<Vec<u8>> {
        let all = self.contents(key);
        let (middle, last) = (all.len() / 2, all.len().saturating_sub(1));
        [0, middle, last].iter().filter_map(|&at| all.get(at).map(|(element, _)| element.clone())).collect()
    }

    /// What a collection holds, in its own order: elements, members with scores, fields with values and the times they
    /// expire, ids of entries with their fields. Nothing of a string.
    pub fn contents(&mut self, key: &[u8]) -> Vec<(Vec<u8>, String)> {
        let mut scratch = Scratch::new(0);
        let txn = self.engine.begin(&mut scratch, self.engine.all_locks(), NOW_MS, 0, Origin::Client);
        let mut all = Vec::new();
        let Some(entry) = txn.peek(key) else { return all };
        let ds::entry::Payload::Boxed(value) = entry.payload() else { return all };
        match value {
            value::Value::Bytes(_) => {}
            value::Value::List(list) => list.for_each(|element| all.push((element.to_vec(), String::new()))),
            value::Value::Set(set) => set.for_each(|member| all.push((member.to_vec(), String::new()))),
            value::Value::Hash(hash) => hash.for_each(|field, value, expiry| {
                let value = value.to_vec().escape_ascii().to_string();
                let text = expiry.map_or(value.clone(), |at| format!("{value} until {at}"));
                all.push((field.to_vec(), text));
            }),
            value::Value::SortedSet(set) => {
                set.for_each(|member, score| all.push((member.to_vec(), score.to_string())));
            }
            value::Value::Stream(stream) => {
                for entry in stream.range(ds::stream::Id::MIN, ds::stream::Id::MAX) {
                    let pairs = entry.pairs().map(|(name, value)| {
                        format!("{}={}", name.to_vec().escape_ascii(), value.to_vec().escape_ascii())
                    });
                    let text = pairs.collect::<Vec<_>>().join(" ");
                    all.push((entry.id.to_string().into_bytes(), text));
                }
            }
        }
        all
    }
}

impl Default for Session {
    fn default() -> Self {
        Self::new()
    }
}

/// The payload of a RESTORE of this value: the format's version and a right checksum behind it.
pub fn payload(body: &[u8]) -> Vec<u8> {
    let versioned = [body, &(engine::rdb::VERSION as u16).to_le_bytes()].concat();
    let sum = crc64(&versioned);
    [&versioned[..], &sum.to_le_bytes()].concat()
}
