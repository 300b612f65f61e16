//! The data commands: a folder per family, a file per topic, each with its const table of rows.

mod args;
mod bitmaps;
#[cfg(test)]
mod chance_tests;
#[cfg(test)]
mod counts_tests;
mod geo;
mod hashes;
mod hyperloglog;
mod keys;
mod keyspace;
mod lists;
mod sets;
mod sort;
mod streams;
mod strings;
#[cfg(test)]
mod values_tests;
mod zsets;

pub(crate) use keys::object::references;
pub use keyspace::{cursor_hash, parse_cursor};

use crate::row::Row;
use foldhash::fast::FixedState;
use std::collections::HashMap;
use std::sync::LazyLock;

/// Every data command, topic by topic.
pub const FAMILIES: &[&[Row]] = &[
    strings::get::ROWS,
    strings::set::ROWS,
    strings::many::ROWS,
    strings::edit::ROWS,
    strings::number::ROWS,
    strings::lcs::ROWS,
    keys::presence::ROWS,
    keys::expire::ROWS,
    keys::ttl::ROWS,
    keys::carry::ROWS,
    keys::object::ROWS,
    keys::dump::ROWS,
    keyspace::scan::ROWS,
    keyspace::whole::ROWS,
    lists::ends::ROWS,
    lists::look::ROWS,
    lists::edit::ROWS,
    lists::carry::ROWS,
    bitmaps::ROWS,
    bitmaps::field::ROWS,
    hyperloglog::ROWS,
    streams::add::ROWS,
    streams::range::ROWS,
    streams::read::ROWS,
    streams::pending::ROWS,
    streams::claim::ROWS,
    streams::groups::ROWS,
    streams::info::ROWS,
    sets::members::ROWS,
    sets::chance::ROWS,
    sets::combine::ROWS,
    sets::scan::ROWS,
    hashes::write::ROWS,
    hashes::read::ROWS,
    hashes::number::ROWS,
    hashes::random::ROWS,
    hashes::scan::ROWS,
    hashes::expire::ROWS,
    hashes::ttl::ROWS,
    hashes::getex::ROWS,
    hashes::setex::ROWS,
    sort::ROWS,
    zsets::add::ROWS,
    zsets::read::ROWS,
    zsets::range::ROWS,
    zsets::remove::ROWS,
    zsets::random::ROWS,
    zsets::scan::ROWS,
    zsets::combine::ROWS,
    geo::places::ROWS,
    geo::search::ROWS,
];

/// Longest name of a command; what is longer is none.
const NAME_BYTES_MAX: usize = 32;

/// The row of a data command by its name, in any case of letters.
pub fn find(name: &[u8]) -> Option<&'static Row> {
    // The names are ours: nobody chooses them so that they collide.
    static ROWS: LazyLock<HashMap<&'static [u8], &'static Row, FixedState>> = LazyLock::new(|| {
        FAMILIES.iter().copied().flatten().map(|row| (row.meta.name.as_bytes(), row)).collect()
    });
    let mut lower = [0; NAME_BYTES_MAX];
    let lower = lower.get_mut(..name.len())?;
    lower.copy_from_slice(name);
    lower.make_ascii_lowercase();
    ROWS.get(&*lower).copied()
}
