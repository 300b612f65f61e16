//! Shared blocks: an append-only byte stream in a chain of fixed-size blocks.
//!
//! One [`Chain`] writes; any number of [`Cursor`]s read, each at its own pace, without a lock: a block's bytes below
//! its published length never change. A cursor keeps its block alive, and so every later one; a block that nobody
//! reads any more and that no older block links to is freed.
//!
//! Offsets count the bytes of the whole stream: `offset` is the number of bytes before a position.

use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

/// A run of the stream's bytes; `data[..published]` is readable by everybody and final.
pub struct Block {
    start: u64,
    data: Box<[UnsafeCell<u8>]>,
    published: AtomicUsize,
    next: OnceLock<Arc<Block>>,
}

// SAFETY: bytes at and above `published` are touched by the chain's owner alone (`Chain::append` takes `&mut`, and a
// chain alone ever writes to its blocks); bytes below it are only read. `published` is stored with Release after the
// bytes are written, and loaded with Acquire before they are read.
unsafe impl Sync for Block {}
// SAFETY: a block owns its bytes; see above for what threads share.
unsafe impl Send for Block {}

impl Block {
    fn new(start: u64, bytes: usize) -> Self {
        let data = (0..bytes).map(|_| UnsafeCell::new(0)).collect();
        Self { start, data, published: AtomicUsize::new(0), next: OnceLock::new() }
    }

    /// The bytes that are readable now.
    fn published(&self) -> &[u8] {
        let len = self.published.load(Ordering::Acquire);
        // SAFETY: `len <= data.len()`; bytes below `published` are written before it is stored, and final.
        unsafe { std::slice::from_raw_parts(self.data.as_ptr().cast::<u8>(), len) }
    }

    /// Writes behind what is there; the bytes taken. The caller is the only writer.
    fn append(&self, bytes: &[u8]) -> usize {
        let len = self.published.load(Ordering::Relaxed);
        let take = bytes.len().min(self.data.len() - len);
        // SAFETY: `len + take <= data.len()`; these bytes are not published, so nobody reads them, and `Chain` is
        // the only writer. UnsafeCell<u8> has the layout of u8, and its pointer may be written through.
        unsafe {
            let to = UnsafeCell::raw_get(self.data.as_ptr().add(len));
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), to, take);
        }
        self.published.store(len + take, Ordering::Release);
        take
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // A long chain whose only reader goes is freed block by block, not by recursion.
        let mut next = self.next.take();
        while let Some(block) = next {
            next = Arc::into_inner(block).and_then(|mut block| block.next.take());
        }
    }
}

/// The writing end.
pub struct Chain {
    tail: Arc<Block>,
    block_bytes: usize,
    end: u64,
}

impl Chain {
    /// A stream whose next byte has the offset `start`; it grows by blocks of `block_bytes`.
    pub fn new(start: u64, block_bytes: usize) -> Self {
        assert!(1 <= block_bytes);
        Self { tail: Arc::new(Block::new(start, block_bytes)), block_bytes, end: start }
    }

    /// Bytes of the stream so far.
    pub fn end(&self) -> u64 {
        self.end
    }

    pub fn append(&mut self, mut bytes: &[u8]) {
        self.end += bytes.len() as u64;
        loop {
            let taken = self.tail.append(bytes);
            bytes = &bytes[taken..];
            if bytes.is_empty() {
                return;
            }
            let next = Arc::new(Block::new(self.end - bytes.len() as u64, self.block_bytes));
            let set = self.tail.next.set(next.clone());
            assert!(set.is_ok(), "only the tail has no next block");
            self.tail = next;
        }
    }

    /// A reader from the end on.
    pub fn cursor(&self) -> Cursor {
        Cursor { at: (self.end - self.tail.start) as usize, block: self.tail.clone() }
    }
}

/// A reading end. It keeps everything behind its position alive.
#[derive(Clone)]
pub struct Cursor {
    block: Arc<Block>,
    at: usize,
}

impl Cursor {
    /// Bytes of the stream before the cursor.
    pub fn offset(&self) -> u64 {
        self.block.start + self.at as u64
    }

    /// What can be read here without moving on; empty at the end of the stream.
    pub fn chunk(&mut self) -> &[u8] {
        while self.at == self.block.data.len() {
            let Some(next) = self.block.next.get().cloned() else { return &[] };
            self.block = next;
            self.at = 0;
        }
        &self.block.published()[self.at..]
    }

    /// Moves on over bytes that [`Cursor::chunk`] gave.
    pub fn advance(&mut self, bytes: usize) {
        self.at += bytes;
        assert!(self.at <= self.block.data.len());
    }

    /// Moves on over bytes that are in the stream.
    pub fn skip(&mut self, mut bytes: u64) {
        while 0 < bytes {
            let step = (self.chunk().len() as u64).min(bytes);
            assert!(0 < step, "the stream is shorter than that");
            self.advance(step as usize);
            bytes -= step;
        }
    }

    /// Moves to the beginning of the next block; false if there is none.
    pub fn skip_block(&mut self) -> bool {
        let Some(next) = self.block.next.get().cloned() else { return false };
        self.block = next;
        self.at = 0;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::rng::Rng;

    fn read_all(cursor: &mut Cursor) -> Vec<u8> {
        let mut out = Vec::new();
        loop {
            let chunk = cursor.chunk();
            if chunk.is_empty() {
                return out;
            }
            out.extend_from_slice(chunk);
            let len = chunk.len();
            cursor.advance(len);
        }
    }

    #[test]
    fn readers_see_what_was_written_from_where_they_began() {
        let mut chain = Chain::new(100, 7);
        let mut first = chain.cursor();
        chain.append(b"hello ");
        let mut second = chain.cursor();
        assert_eq!(second.offset(), 106);
        chain.append(b"world, this is more than one block");
        assert_eq!(read_all(&mut first), b"hello world, this is more than one block");
        assert_eq!(read_all(&mut second), b"world, this is more than one block");
        assert_eq!(first.offset(), chain.end());
        assert!(first.chunk().is_empty());
    }

    #[test]
    fn skipping_goes_over_blocks() {
        let mut chain = Chain::new(0, 4);
        let mut cursor = chain.cursor();
        chain.append(b"0123456789");
        let mut blocks = cursor.clone();
        cursor.skip(9);
        assert_eq!(cursor.chunk(), b"9");
        assert!(blocks.skip_block());
        assert_eq!(blocks.offset(), 4);
        assert!(blocks.skip_block());
        assert!(!blocks.skip_block());
    }

    #[test]
    fn a_long_chain_is_freed_without_recursion() {
        let mut chain = Chain::new(0, 1);
        let cursor = chain.cursor();
        for _ in 0..200_000 {
            chain.append(b"x");
        }
        drop(cursor);
        assert_eq!(chain.end(), 200_000);
    }

    #[test]
    fn a_reader_in_another_thread_sees_every_byte_in_order() {
        let mut chain = Chain::new(0, 64);
        let mut cursor = chain.cursor();
        let total = 50_000usize;
        let reader = std::thread::spawn(move || {
            let mut seen = 0usize;
            while seen < total {
                let chunk = cursor.chunk();
                assert!(chunk.iter().enumerate().all(|(i, &byte)| byte == (seen + i) as u8));
                let len = chunk.len();
                seen += len;
                cursor.advance(len);
            }
        });
        for i in 0..total {
            chain.append(&[i as u8]);
        }
        reader.join().expect("the reader saw the bytes in order");
    }

    /// The byte at an offset of the stream that the stress writes.
    fn byte_at(offset: u64) -> u8 {
        (offset.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as u8
    }

    /// Reads to `end`, in steps that differ from those of the writer.
    fn check_to(mut cursor: Cursor, end: u64, mut rng: Rng) {
        while cursor.offset() < end {
            let offset = cursor.offset();
            let chunk = cursor.chunk();
            let len = chunk.len().min(1 + rng.below(300) as usize);
            for (i, &byte) in chunk[..len].iter().enumerate() {
                assert_eq!(byte, byte_at(offset + i as u64), "at {}", offset + i as u64);
            }
            if len == 0 {
                std::thread::yield_now();
            }
            cursor.advance(len);
        }
        assert!(cursor.chunk().is_empty());
    }

    #[test]
    fn readers_that_come_and_go_while_it_grows_see_the_same_bytes() {
        for (seed, block_bytes) in [(1, 1), (2, 13), (3, 256), (4, 4096)] {
            const START: u64 = 1000;
            let end = START + 400 * (block_bytes as u64).clamp(20, 500);
            let mut rng = Rng::new(seed);
            let mut chain = Chain::new(START, block_bytes);
            std::thread::scope(|scope| {
                // One from the beginning; others join on the way, some leave early and let go of what they held.
                let first = chain.cursor();
                scope.spawn(move || check_to(first, end, Rng::new(seed)));
                while chain.end() < end {
                    let len = (1 + rng.below(200)).min(end - chain.end());
                    let bytes: Vec<u8> = (chain.end()..chain.end() + len).map(byte_at).collect();
                    chain.append(&bytes);
                    if rng.one_in(20) {
                        let (cursor, leaves) = (chain.cursor(), rng.one_in(2));
                        assert_eq!(cursor.offset(), chain.end());
                        let reader_seed = rng.next_u64();
                        let stop = if leaves { (chain.end() + rng.below(500)).min(end) } else { end };
                        scope.spawn(move || {
                            if stop < end {
                                let mut cursor = cursor;
                                while cursor.offset() < stop {
                                    let len = cursor.chunk().len().min((stop - cursor.offset()) as usize);
                                    cursor.advance(len);
                                    std::thread::yield_now();
                                }
                            } else {
                                check_to(cursor, end, Rng::new(reader_seed));
                            }
                        });
                    }
                }
            });
        }
    }
}
