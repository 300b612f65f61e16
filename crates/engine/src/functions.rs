//! Function libraries as the data set holds them: name and code. They belong to it: they are in the RDB, and a full
//! sync replaces them. Who compiles and runs them is `scripting`.
//!
//! They change under all shards only, so that a snapshot's cut sees one state of them.

use parking_lot::RwLock;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A library as FUNCTION LOAD got it.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    pub name: Box<[u8]>,
    pub code: Box<[u8]>,
    /// How many functions it registers.
    pub functions: usize,
}

/// All libraries, by name in ascending order.
pub type Sources = Vec<Arc<Source>>;

#[derive(Default)]
pub struct Functions {
    sources: RwLock<Arc<Sources>>,
    /// Moves with every change.
    version: AtomicU64,
}

impl Functions {
    /// Of what [`Functions::all`] gives. Whoever compiled them looks at it before each use.
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    pub fn all(&self) -> Arc<Sources> {
        self.sources.read().clone()
    }

    /// Functions in all libraries.
    pub fn count(&self) -> usize {
        self.all().iter().map(|source| source.functions).sum()
    }

    /// Replaces all of them. The caller holds every shard.
    pub fn set(&self, mut sources: Sources) {
        sources.sort_by(|a, b| a.name.cmp(&b.name));
        assert!(sources.windows(2).all(|pair| pair[0].name < pair[1].name), "two libraries of one name");
        *self.sources.write() = Arc::new(sources);
        self.version.fetch_add(1, Ordering::Release);
    }
}
