//! When a collection is one block and when it is a large structure: the `*-max-listpack-*` directives and their like.

use base::hash::KeyHasher;
use ds::list::{self, Fill};
use ds::listpack::{Text, Value};
use ds::stream;
use std::collections::HashSet;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

/// The limits as they are at one moment, and how large structures hash their members.
#[derive(Clone)]
pub struct Shapes {
    /// Fields of a hash in one block (hash-max-listpack-entries).
    pub hash_entries_max: usize,
    /// Bytes of a field or a value there (hash-max-listpack-value).
    pub hash_value_bytes_max: usize,
    pub set_intset_entries_max: usize,
    pub set_entries_max: usize,
    pub set_value_bytes_max: usize,
    pub sorted_entries_max: usize,
    pub sorted_value_bytes_max: usize,
    pub list: list::Settings,
    pub stream: stream::Limits,
    pub hasher: KeyHasher,
}

/// The limits as CONFIG SET changes them.
pub struct ShapeSettings {
    pub hash_entries_max: AtomicUsize,
    pub hash_value_bytes_max: AtomicUsize,
    pub set_intset_entries_max: AtomicUsize,
    pub set_entries_max: AtomicUsize,
    pub set_value_bytes_max: AtomicUsize,
    pub sorted_entries_max: AtomicUsize,
    pub sorted_value_bytes_max: AtomicUsize,
    /// list-max-listpack-size: elements, or a class of size below zero.
    pub list_fill: AtomicI64,
    pub list_compress_depth: AtomicUsize,
    /// Elements of lists from this size on are by themselves: DEBUG QUICKLIST-PACKED-THRESHOLD.
    pub list_plain_from_bytes: AtomicUsize,
    pub stream_node_bytes_max: AtomicUsize,
    pub stream_node_entries_max: AtomicUsize,
}

impl Default for ShapeSettings {
    /// Redis's defaults.
    fn default() -> Self {
        Self {
            hash_entries_max: 512.into(),
            hash_value_bytes_max: 64.into(),
            set_intset_entries_max: 512.into(),
            set_entries_max: 128.into(),
            set_value_bytes_max: 64.into(),
            sorted_entries_max: 128.into(),
            sorted_value_bytes_max: 64.into(),
            list_fill: (-2).into(),
            list_compress_depth: 0.into(),
            list_plain_from_bytes: list::PLAIN_FROM_BYTES.into(),
            stream_node_bytes_max: 4096.into(),
            stream_node_entries_max: 100.into(),
        }
    }
}

impl ShapeSettings {
    pub fn now(&self, hasher: KeyHasher) -> Shapes {
        Shapes {
            hash_entries_max: self.hash_entries_max.load(Relaxed),
            hash_value_bytes_max: self.hash_value_bytes_max.load(Relaxed),
            set_intset_entries_max: self.set_intset_entries_max.load(Relaxed),
            set_entries_max: self.set_entries_max.load(Relaxed),
            set_value_bytes_max: self.set_value_bytes_max.load(Relaxed),
            sorted_entries_max: self.sorted_entries_max.load(Relaxed),
            sorted_value_bytes_max: self.sorted_value_bytes_max.load(Relaxed),
            list: self.list(),
            stream: self.stream(),
            hasher,
        }
    }

    pub fn list(&self) -> list::Settings {
        list::Settings {
            fill: Fill::new(self.list_fill.load(Relaxed)),
            compress_depth: self.list_compress_depth.load(Relaxed),
            plain_from_bytes: self.list_plain_from_bytes.load(Relaxed).min(list::PLAIN_FROM_BYTES),
        }
    }

    pub fn stream(&self) -> stream::Limits {
        stream::Limits {
            block_bytes_max: self.stream_node_bytes_max.load(Relaxed),
            block_entries_max: self.stream_node_entries_max.load(Relaxed),
        }
    }
}

impl Default for Shapes {
    fn default() -> Self {
        ShapeSettings::default().now(KeyHasher::new(0))
    }
}

/// Whether a value comes twice.
pub(crate) fn has_repeats<'v>(values: impl Iterator<Item = Value<'v>> + Clone, hasher: &KeyHasher) -> bool {
    let mut text = Text::new();
    let mut hashes: Vec<u64> = values.clone().map(|value| hasher.hash(value.bytes(&mut text))).collect();
    hashes.sort_unstable();
    if !hashes.windows(2).any(|pair| pair[0] == pair[1]) {
        return false;
    }
    // Two of one hash: it is to be looked at closely.
    let mut seen = HashSet::new();
    !values.map(Value::to_vec).all(|value| seen.insert(value))
}
