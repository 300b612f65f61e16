//! To be filled.

use crate::row::Row;

pub const ROWS: &[Row] = &[];
