//! The commands: how often each comes, how its arguments look, how its replies are compared.
//!
//! What 7.0.15 refuses where 7.2 does not has no place here, since inside MULTI it would end one side only: CLIENT
//! SETINFO, and HELLO with several options, which 7.0.15 carries out one by one until one is wrong. A pause that lasts
//! has none either: in it 7.0.15 does not remove what has expired, and falls over a key that it neither sees nor can
//! add.
//! A new command is a line here. A new family is a file here. Kinds of arguments are in `super::arguments`. Times to live are far away or long
//! past, so that no reply depends on when it is asked for.

mod bitmaps;
mod geo;
mod hashes;
mod keys;
mod lists;
mod scripting;
mod server;
mod sets;
mod sort;
mod streams;
mod strings;
mod zsets;

use super::compare::Class;

pub struct Entry {
    pub weight: u64,
    pub pattern: &'static str,
    pub class: Class,
}

const fn entry(weight: u64, pattern: &'static str, class: Class) -> Entry {
    Entry { weight, pattern, class }
}

/// Every command, family by family.
const FAMILIES: &[&[Entry]] = &[
    bitmaps::TABLE,
    geo::TABLE,
    hashes::TABLE,
    keys::TABLE,
    lists::TABLE,
    scripting::TABLE,
    server::TABLE,
    sets::TABLE,
    sort::TABLE,
    streams::TABLE,
    strings::TABLE,
    zsets::TABLE,
];

pub fn table() -> Vec<&'static Entry> {
    FAMILIES.iter().copied().flatten().collect()
}
