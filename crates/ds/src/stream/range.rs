//! Entries of a stream between two ids, in either direction.

use super::block::Entries;
use super::{Block, Entry, Id, Stream};
use crate::spine;
use std::sync::Arc;

pub struct Range<'a> {
    blocks: spine::Iter<'a, Arc<Block>>,
    entries: Option<Entries<'a>>,
    start: Id,
    end: Id,
    is_backward: bool,
}

impl<'a> Range<'a> {
    pub(super) fn forward(stream: &'a Stream, start: Id, end: Id) -> Self {
        Self::new(stream, start, end, false)
    }

    pub(super) fn backward(stream: &'a Stream, start: Id, end: Id) -> Self {
        Self::new(stream, start, end, true)
    }

    fn new(stream: &'a Stream, start: Id, end: Id, is_backward: bool) -> Self {
        // Who reads behind the end, as every reader of new entries does, looks into no block.
        let is_empty = end < start || stream.last_id < start;
        let from = if is_empty { 0 } else { stream.block_of(start).unwrap_or(0) };
        let to = if is_empty { 0 } else { stream.blocks.partition_point(|master| *master <= end) };
        Self { blocks: stream.blocks.range(from, to), entries: None, start, end, is_backward }
    }

    fn next_block(&mut self) -> Option<Entries<'a>> {
        match self.is_backward {
            false => self.blocks.next().map(|block| block.entries()),
            true => self.blocks.next_back().map(|block| block.entries_back()),
        }
    }

    fn finish(&mut self) -> Option<Entry<'a>> {
        self.entries = None;
        self.blocks = self.blocks.none();
        None
    }
}

impl<'a> Iterator for Range<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        loop {
            let Some(entries) = &mut self.entries else {
                self.entries = Some(self.next_block()?);
                continue;
            };
            let Some(entry) = entries.next() else {
                self.entries = None;
                continue;
            };
            let (is_before, is_behind) = (entry.id < self.start, self.end < entry.id);
            let is_over = if self.is_backward { is_before } else { is_behind };
            if is_over {
                return self.finish();
            }
            if !is_before && !is_behind {
                return Some(entry);
            }
        }
    }
}
