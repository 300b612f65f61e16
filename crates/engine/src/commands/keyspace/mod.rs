//! Commands over the whole keyspace: walking it, counting it, emptying it.

pub(super) mod scan;
pub(super) mod whole;

pub use scan::{cursor_hash, parse_cursor};

use crate::row::{Categories, Locks, Meta};

const KEYSPACE: Meta = Meta { categories: Categories::KEYSPACE, locks: Locks::All, ..Meta::BASE };
