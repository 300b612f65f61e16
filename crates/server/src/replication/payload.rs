//! What a full sync sends: a file, or the chunks of a walk that is under way.
//!
//! A live walk and its readers meet in a [`Queue`]: the walk pushes chunks, every replica reads them at its own
//! pace, and a chunk is freed when the last of them has passed it. The queue holds a bounded number of bytes: when
//! it is full the walk waits, and with it the pre-images pile up; a replica that stands still is dropped by
//! repl-timeout. A walk whose readers have all gone is told so and ends.

use parking_lot::{Condvar, Mutex};
use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// Bytes that a live walk may be ahead of its slowest reader.
const QUEUE_BYTES_MAX: usize = 8 * 1024 * 1024;
/// What is read from a file at once.
const FILE_CHUNK_BYTES: usize = 128 * 1024;

/// One replica's way through the payload.
pub enum Payload {
    File(FileReader),
    Live(LiveReader),
}

/// What a payload has to give now.
pub enum Next<'p> {
    Bytes(&'p [u8]),
    /// Nothing yet.
    Wait,
    End,
    Failed,
}

impl Payload {
    pub fn next(&mut self) -> Next<'_> {
        match self {
            Self::File(reader) => reader.next(),
            Self::Live(reader) => reader.next(),
        }
    }

    /// Moves on over bytes that [`Payload::next`] gave.
    pub fn advance(&mut self, bytes: usize) {
        match self {
            Self::File(reader) => reader.at += bytes,
            Self::Live(reader) => reader.at += bytes,
        }
    }
}

pub struct FileReader {
    file: Arc<File>,
    /// Of the file, the first byte that is not in `buffer`.
    offset: u64,
    len: u64,
    buffer: Vec<u8>,
    at: usize,
}

impl FileReader {
    pub fn new(file: Arc<File>, len: u64) -> Self {
        Self { file, offset: 0, len, buffer: Vec::new(), at: 0 }
    }

    fn next(&mut self) -> Next<'_> {
        if self.at == self.buffer.len() {
            if self.offset == self.len {
                return Next::End;
            }
            if self.fill().is_err() {
                return Next::Failed;
            }
        }
        Next::Bytes(&self.buffer[self.at..])
    }

    fn fill(&mut self) -> io::Result<()> {
        let bytes = (self.len - self.offset).min(FILE_CHUNK_BYTES as u64) as usize;
        self.buffer.resize(bytes, 0);
        self.at = bytes; // nothing of it counts if reading fails
        self.file.read_exact_at(&mut self.buffer, self.offset)?;
        self.at = 0;
        self.offset += bytes as u64;
        Ok(())
    }
}

/// Chunks between a walk and the replicas that it feeds.
#[derive(Default)]
pub struct Queue {
    inner: Mutex<Inner>,
    room: Condvar,
}

#[derive(Default)]
struct Inner {
    chunks: VecDeque<Arc<Vec<u8>>>,
    /// Number of the first chunk in `chunks`.
    first: u64,
    bytes: usize,
    /// By reader: the number of the chunk that it reads next.
    readers: BTreeMap<u64, u64>,
    ended: Option<bool>,
}

impl Inner {
    fn trim(&mut self) {
        let passed = self.readers.values().min().copied().unwrap_or(u64::MAX);
        while self.first < passed
            && let Some(chunk) = self.chunks.pop_front()
        {
            self.first += 1;
            self.bytes -= chunk.len();
        }
    }
}

impl Queue {
    /// Adds a chunk, once there is room for it. False if nobody reads any more.
    pub fn push(&self, chunk: Vec<u8>) -> bool {
        let mut inner = self.inner.lock();
        while QUEUE_BYTES_MAX <= inner.bytes && !inner.readers.is_empty() {
            self.room.wait(&mut inner);
        }
        if inner.readers.is_empty() {
            return false;
        }
        // A slow walk passes on what it has, which may be nothing: to a reader, no bytes would be a closed socket.
        if chunk.is_empty() {
            return true;
        }
        inner.bytes += chunk.len();
        inner.chunks.push_back(Arc::new(chunk));
        true
    }

    /// No chunk follows: the payload is complete, or failed.
    pub fn end(&self, complete: bool) {
        self.inner.lock().ended = Some(complete);
    }

    /// A reader from the start on; all of them come before the first chunk.
    pub fn reader(self: &Arc<Self>, id: u64) -> LiveReader {
        let mut inner = self.inner.lock();
        assert!(inner.first == 0, "a reader comes before the first chunk has gone");
        inner.readers.insert(id, 0);
        drop(inner);
        LiveReader { queue: self.clone(), id, index: 0, chunk: None, at: 0 }
    }
}

pub struct LiveReader {
    queue: Arc<Queue>,
    id: u64,
    /// Number of `chunk`, or of the next one if there is none.
    index: u64,
    chunk: Option<Arc<Vec<u8>>>,
    at: usize,
}

impl LiveReader {
    fn next(&mut self) -> Next<'_> {
        if self.chunk.as_ref().is_some_and(|chunk| self.at == chunk.len()) {
            self.chunk = None;
            self.index += 1;
            self.at = 0;
        }
        if self.chunk.is_none() {
            let mut inner = self.queue.inner.lock();
            inner.readers.insert(self.id, self.index);
            inner.trim();
            self.queue.room.notify_all();
            self.chunk = inner.chunks.get((self.index - inner.first) as usize).cloned();
            if self.chunk.is_none() {
                return match inner.ended {
                    None => Next::Wait,
                    Some(true) => Next::End,
                    Some(false) => Next::Failed,
                };
            }
        }
        Next::Bytes(&self.chunk.as_ref().expect("there is one now")[self.at..])
    }
}

impl Drop for LiveReader {
    fn drop(&mut self) {
        let mut inner = self.queue.inner.lock();
        inner.readers.remove(&self.id);
        inner.trim();
        self.queue.room.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(payload: &mut Payload, most: usize) -> (Vec<u8>, &'static str) {
        let mut read = Vec::new();
        loop {
            let taken = match payload.next() {
                Next::Bytes(bytes) => {
                    let taken = bytes.len().min(most);
                    read.extend_from_slice(&bytes[..taken]);
                    taken
                }
                Next::Wait => return (read, "wait"),
                Next::End => return (read, "end"),
                Next::Failed => return (read, "failed"),
            };
            payload.advance(taken);
        }
    }

    #[test]
    fn readers_of_a_walk_go_at_their_own_pace_and_chunks_go_behind_the_last() {
        let queue = Arc::new(Queue::default());
        let mut a = Payload::Live(queue.reader(1));
        let mut b = Payload::Live(queue.reader(2));
        assert_eq!(read_all(&mut a, 9), (vec![], "wait"));
        assert!(queue.push(b"hello ".to_vec()) && queue.push(b"world".to_vec()));
        assert_eq!(read_all(&mut a, 4), (b"hello world".to_vec(), "wait"));
        assert_eq!(queue.inner.lock().bytes, 11);
        assert_eq!(read_all(&mut b, 100), (b"hello world".to_vec(), "wait"));
        assert_eq!(queue.inner.lock().bytes, 0);
        assert!(queue.push(b"!".to_vec()));
        queue.end(true);
        assert_eq!(read_all(&mut a, 1), (b"!".to_vec(), "end"));
        drop(a);
        drop(b);
        assert!(!queue.push(b"?".to_vec()));
    }

    #[test]
    fn a_full_queue_holds_the_walk_up_until_its_reader_moves_or_goes() {
        let queue = Arc::new(Queue::default());
        let mut reader = Payload::Live(queue.reader(1));
        assert!(queue.push(vec![1; QUEUE_BYTES_MAX]));
        let walk = std::thread::spawn({
            let queue = queue.clone();
            move || (queue.push(vec![2; QUEUE_BYTES_MAX]), queue.push(vec![3; 10]))
        });
        assert_eq!(read_all(&mut reader, usize::MAX).0[0], 1);
        drop(reader);
        assert!(!walk.join().expect("does not panic").1);
    }

    #[test]
    fn a_file_that_is_shorter_than_said_fails() {
        let path = std::env::temp_dir().join(format!("greylag-payload-{}", std::process::id()));
        std::fs::write(&path, vec![7; 300_000]).expect("can be written");
        let file = Arc::new(File::open(&path).expect("is there"));
        std::fs::remove_file(&path).expect("is there");
        let (read, end) = read_all(&mut Payload::File(FileReader::new(file.clone(), 300_000)), 1000);
        assert_eq!((read.len(), end), (300_000, "end"));
        assert_eq!(read_all(&mut Payload::File(FileReader::new(file, 300_001)), usize::MAX).1, "failed");
    }
}
