//! Strings too long for the page that they belong to: a block each, which copies of the page share.

use crate::trie::ARC_BYTES;
use std::sync::Arc;

type Blocks = Vec<Arc<[u8]>>;

#[derive(Clone, Default)]
pub(crate) struct Outside {
    blocks: Option<Arc<Blocks>>,
}

/// The smallest size of at least so many bytes that allocators have: four to each power of two.
pub(crate) fn allocation_bytes(bytes: usize) -> usize {
    let step = if bytes <= 128 { 16 } else { 1 << ((bytes - 1).ilog2() - 2) };
    bytes.next_multiple_of(step)
}

/// A block of this size, filled with zeros.
pub(crate) fn zeroed(bytes: usize) -> Arc<[u8]> {
    std::iter::repeat_n(0, bytes).collect()
}

impl Outside {
    pub(crate) fn get(&self, index: usize) -> &[u8] {
        &self.blocks.as_ref().expect("the page says that there is one")[index]
    }

    pub(crate) fn share(&self, index: usize) -> Arc<[u8]> {
        Arc::clone(&self.blocks.as_ref().expect("the page says that there is one")[index])
    }

    /// Keeps a block, and says where.
    pub(crate) fn push(&mut self, block: Arc<[u8]>) -> u32 {
        let blocks = Arc::make_mut(self.blocks.get_or_insert_default());
        if blocks.len() == blocks.capacity() {
            blocks.reserve_exact(blocks.len() / 8 + 1);
        }
        blocks.push(block);
        blocks.len() as u32 - 1
    }

    /// Frees a block. The last one takes its place: where that was, if it is another.
    pub(crate) fn remove(&mut self, index: usize) -> Option<usize> {
        let blocks = Arc::make_mut(self.blocks.as_mut().expect("the page says that there is one"));
        blocks.swap_remove(index);
        let moved = blocks.len();
        if moved == 0 {
            self.blocks = None;
        }
        (index < moved).then_some(moved)
    }

    #[inline]
    pub(crate) fn bytes(&self) -> usize {
        let Some(blocks) = &self.blocks else { return 0 };
        let each: usize = blocks.iter().map(|block| allocation_bytes(ARC_BYTES + block.len())).sum();
        ARC_BYTES + size_of::<Blocks>() + blocks.capacity() * size_of::<Arc<[u8]>>() + each
    }
}
