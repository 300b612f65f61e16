//! A large list: a spine of chunks, each a listpack, or one very large element by itself.
//!
//! It is cut into chunks as Redis's quicklist is, so that an RDB holds the same nodes: a chunk grows up to the fill
//! that `list-max-listpack-size` names. With a compress depth, all chunks but so many at either end are compressed.
//! Pages and chunks are shared with clones until they are written to.
//!
//! Invariants: no chunk is empty; chunks within the compress depth of an end are not compressed; an element of
//! `plain_from_bytes` or more is a plain chunk, but for what a file brought otherwise. A list may be empty; then its
//! owner drops it.
//!
//! Small lists are one listpack without all this: [`Fill::is_exceeded`] says when a listpack becomes a list,
//! [`List::to_listpack`] when a list becomes one again.

mod chunk;
mod edit;
#[cfg(test)]
mod tests;

use crate::listpack::{Listpack, Value};
use crate::spine::Spine;
use chunk::Content;
pub use chunk::{Chunk, Stored};
use std::ops::ControlFlow;
use std::sync::Arc;

/// With a limit by count, a chunk is kept below this nevertheless.
const SAFE_BYTES_MAX: usize = 8192;
/// The sizes that -1, -2, -3, -4 and -5 stand for.
const SIZE_CLASSES: [usize; 5] = [4096, 8192, 16_384, 32_768, 65_536];
/// A listpack holds at most a GiB.
pub const PLAIN_FROM_BYTES: usize = 1 << 30;

/// How full chunks become: `list-max-listpack-size`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fill {
    bytes_max: usize,
    count_max: usize,
}

impl Fill {
    /// From 1 up a number of elements, from -1 down to -5 a size of 4 to 64 KiB. 0 counts as 1, less than -5 as -5.
    pub fn new(setting: i64) -> Self {
        match setting.cmp(&0) {
            std::cmp::Ordering::Less => {
                let class = setting.unsigned_abs().min(SIZE_CLASSES.len() as u64) as usize;
                Self { bytes_max: SIZE_CLASSES[class - 1], count_max: usize::MAX }
            }
            _ => Self { bytes_max: usize::MAX, count_max: setting.max(1) as usize },
        }
    }

    /// Whether a listpack of so many bytes and elements is too much for one chunk.
    pub fn is_exceeded(self, bytes: usize, count: usize) -> bool {
        match self.bytes_max {
            usize::MAX => SAFE_BYTES_MAX < bytes || self.count_max < count,
            bytes_max => bytes_max < bytes,
        }
    }
}

/// What a list is made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    pub fill: Fill,
    /// So many chunks at either end are not compressed; 0: none is.
    pub compress_depth: usize,
    /// Elements from this size on are chunks of their own; at most [`PLAIN_FROM_BYTES`].
    pub plain_from_bytes: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { fill: Fill::new(-2), compress_depth: 0, plain_from_bytes: PLAIN_FROM_BYTES }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Head,
    Tail,
}

/// From head to tail, or back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Forward,
    Backward,
}

/// When a list becomes a listpack again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shrink {
    /// After a removal: only at half of the limit, so that it does not go to and fro.
    ByHalf,
    /// After loading or building.
    ToLimit,
}

#[derive(Clone)]
pub struct List {
    settings: Settings,
    chunks: Spine<Arc<Chunk>>,
}

impl List {
    pub fn new(settings: Settings) -> Self {
        assert!(settings.plain_from_bytes <= PLAIN_FROM_BYTES, "no listpack holds more");
        Self { settings, chunks: Spine::new() }
    }

    pub fn from_listpack(pack: Listpack, settings: Settings) -> Self {
        let mut list = Self::new(settings);
        list.push_listpack(pack);
        list
    }

    /// The listpack that the list now fits into, `fill` being the present setting.
    pub fn to_listpack(&self, fill: Fill, shrink: Shrink) -> Option<Listpack> {
        if self.chunks.len() != 1 {
            return None;
        }
        let chunk = self.chunks.first()?;
        let pack = chunk.listpack()?;
        let divisor = match shrink {
            Shrink::ByHalf => 2,
            Shrink::ToLimit => 1,
        };
        let fits = pack.bytes().len() <= fill.bytes_max / divisor && chunk.len() <= fill.count_max / divisor;
        fits.then(|| pack.clone())
    }

    /// Elements.
    #[inline]
    pub fn len(&self) -> usize {
        self.chunks.weight()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn settings(&self) -> Settings {
        self.settings
    }

    /// From head to tail, for saving.
    pub fn chunks(&self) -> impl DoubleEndedIterator<Item = &Chunk> {
        self.chunks.iter().map(|chunk| &**chunk)
    }

    pub fn chunk_count(&self) -> usize {
        self.chunks.len()
    }

    /// Bytes of memory, shared pages included.
    pub fn memory_bytes(&self) -> usize {
        self.memory_bytes_sampled(usize::MAX)
    }

    /// As [`List::memory_bytes`], looking at so many chunks at most.
    pub fn memory_bytes_sampled(&self, chunks: usize) -> usize {
        let chunks = self.chunks.sampled_bytes(chunks, |chunk| chunk.memory_bytes());
        size_of::<Self>() + self.chunks.page_bytes() + chunks
    }

    /// Reads the element at `index`.
    pub fn get<R>(&self, index: usize, look: impl FnOnce(Value) -> R) -> Option<R> {
        let (chunk, within) = self.chunks.find_weight(index)?;
        Some(self.chunks.get(chunk)?.read_at(within, look))
    }

    /// Visits elements from `index` on until the visitor breaks.
    pub fn walk(&self, index: usize, direction: Direction, mut visit: impl FnMut(Value) -> ControlFlow<()>) {
        let Some((first, mut within)) = self.chunks.find_weight(index) else { return };
        match direction {
            Direction::Forward => {
                for chunk in self.chunks.range(first, self.chunks.len()) {
                    let flow = chunk.read(|content| match content {
                        Content::Element(element) => visit(Value::Str(element)),
                        Content::Pack(pack) => {
                            let place = pack.seek(within as i64).expect("lies within");
                            pack.iter_from(place).try_for_each(&mut visit)
                        }
                    });
                    if flow.is_break() {
                        return;
                    }
                    within = 0;
                }
            }
            Direction::Backward => {
                let mut above = Some(within);
                for chunk in self.chunks.range(0, first + 1).rev() {
                    let within = above.take().unwrap_or(chunk.len() - 1);
                    let flow = chunk.read(|content| match content {
                        Content::Element(element) => visit(Value::Str(element)),
                        Content::Pack(pack) => {
                            let place = pack.seek(within as i64).expect("lies within");
                            pack.iter_to(place).rev().try_for_each(&mut visit)
                        }
                    });
                    if flow.is_break() {
                        return;
                    }
                }
            }
        }
    }

    /// Visits all elements from head to tail.
    pub fn for_each(&self, mut visit: impl FnMut(Value)) {
        self.walk(0, Direction::Forward, |value| {
            visit(value);
            ControlFlow::Continue(())
        });
    }

    /// Index of the first element that is `value`.
    pub fn position(&self, value: &[u8]) -> Option<usize> {
        let wanted = Value::of(value);
        let (mut index, mut found) = (0, None);
        self.walk(0, Direction::Forward, |other| {
            if other.is_same(wanted) {
                found = Some(index);
                return ControlFlow::Break(());
            }
            index += 1;
            ControlFlow::Continue(())
        });
        found
    }
}

impl std::fmt::Debug for List {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut out = f.debug_list();
        self.for_each(|value| {
            out.entry(&value);
        });
        out.finish()
    }
}
