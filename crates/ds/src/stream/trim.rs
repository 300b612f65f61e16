//! Trimming a stream from its old end, as XTRIM and XADD do it.

use super::{Block, Id, Stream};
use crate::shared::make_mut;

/// What stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// The last so many entries.
    Newest(u64),
    /// Entries from this id on.
    From(Id),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    Exact,
    /// Whole blocks only, and together no more entries than `limit`; 0 is no limit.
    Blocks {
        limit: u64,
    },
}

impl Stream {
    /// Removes what need not stay; gives the number of entries. The largest deleted id is not concerned.
    pub fn trim(&mut self, keep: Keep, precision: Precision) -> u64 {
        let mut removed = 0;
        while let Some(block) = self.blocks.first() {
            let (len, entries) = (self.len() as u64, block.len() as u64);
            if matches!(keep, Keep::Newest(count) if len <= count) {
                break;
            }
            if matches!(precision, Precision::Blocks { limit } if limit != 0 && limit < removed + entries) {
                break;
            }
            if is_all_old(block, len, keep) {
                self.blocks.remove(0);
                removed += entries;
                continue;
            }
            if precision == Precision::Exact {
                removed += self.blocks.update(0, |block| trim_block(make_mut(block), len, keep));
            }
            break;
        }
        if 0 < removed {
            self.find_first_id();
        }
        removed
    }
}

fn is_all_old(block: &Block, len: u64, keep: Keep) -> bool {
    match keep {
        Keep::Newest(count) => count <= len - block.len() as u64,
        Keep::From(id) => block.last_record() < id,
    }
}

fn trim_block(block: &mut Block, len: u64, keep: Keep) -> u64 {
    let buried = block.delete_until(|id, buried| match keep {
        Keep::Newest(count) => len - buried as u64 <= count,
        Keep::From(first) => first <= id,
    });
    buried as u64
}
