//! The data commands: one file per family, each with its const table of rows.

mod keys;
mod keyspace;
mod strings;

use crate::row::Row;
use std::collections::HashMap;
use std::sync::LazyLock;

/// Every data command, family by family.
pub const FAMILIES: &[&[Row]] = &[strings::ROWS, keys::ROWS, keyspace::ROWS];

/// Longest name of a command; what is longer is none.
const NAME_BYTES_MAX: usize = 32;

/// The row of a data command by its name, in any case of letters.
pub fn find(name: &[u8]) -> Option<&'static Row> {
    static ROWS: LazyLock<HashMap<&'static [u8], &'static Row>> = LazyLock::new(|| {
        FAMILIES.iter().copied().flatten().map(|row| (row.meta.name.as_bytes(), row)).collect()
    });
    let mut lower = [0; NAME_BYTES_MAX];
    let lower = lower.get_mut(..name.len())?;
    lower.copy_from_slice(name);
    lower.make_ascii_lowercase();
    ROWS.get(&*lower).copied()
}
