//! A connection's socket and its two buffers.
//!
//! Input is read into one buffer and decoded in place; a large argument makes the buffer as large as its request
//! at once, so that no byte is copied twice. Output is collected and written once per batch.

use mio::event::Source;
use mio::net::{TcpStream, UnixStream};
use mio::{Interest, Registry, Token};
use std::io::{self, Read, Write};

/// What is asked of the socket at once.
const READ_BYTES: usize = 16 * 1024;
/// A buffer that has grown beyond this is given back once it is empty.
const IDLE_BYTES_MAX: usize = 64 * 1024;

pub enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Stream {
    pub fn source(&mut self) -> &mut dyn Source {
        match self {
            Self::Tcp(stream) => stream,
            Self::Unix(stream) => stream,
        }
    }

    pub fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        registry.register(self.source(), token, Interest::READABLE | Interest::WRITABLE)
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buffer),
            Self::Unix(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(buffer),
            Self::Unix(stream) => stream.write(buffer),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// How a read ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReadEnd {
    /// The socket is empty for now.
    Drained,
    /// There may be more.
    More,
    Closed,
}

/// Bytes that came in and are not executed: `data[at..len]`.
#[derive(Default)]
pub struct Input {
    data: Vec<u8>,
    at: usize,
    len: usize,
}

impl Input {
    pub fn bytes(&self) -> &[u8] {
        &self.data[self.at..self.len]
    }

    pub fn is_empty(&self) -> bool {
        self.at == self.len
    }

    pub fn pending(&self) -> usize {
        self.len - self.at
    }

    pub fn capacity(&self) -> usize {
        self.data.len()
    }

    pub fn consume(&mut self, bytes: usize) {
        self.at += bytes;
        assert!(self.at <= self.len);
        if self.at == self.len {
            self.at = 0;
            self.len = 0;
            if IDLE_BYTES_MAX < self.data.len() {
                self.data = Vec::new();
            }
        }
    }

    /// Makes room so that the pending request can grow to `total` bytes.
    pub fn reserve(&mut self, total: usize) {
        let room = total.max(self.pending() + READ_BYTES);
        if self.at + room <= self.data.len() {
            return;
        }
        self.data.copy_within(self.at..self.len, 0);
        self.len -= self.at;
        self.at = 0;
        if self.data.len() < room {
            self.data.resize(room, 0);
        }
    }

    /// Reads once from the socket into the free room.
    pub fn read_from(&mut self, stream: &mut Stream) -> io::Result<(usize, ReadEnd)> {
        self.reserve(0);
        let room = self.data.len() - self.len;
        loop {
            match stream.read(&mut self.data[self.len..]) {
                Ok(0) => return Ok((0, ReadEnd::Closed)),
                Ok(n) => {
                    self.len += n;
                    return Ok((n, if n < room { ReadEnd::Drained } else { ReadEnd::More }));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok((0, ReadEnd::Drained)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// Bytes to be sent: `data[at..]`.
#[derive(Default)]
pub struct Output {
    pub data: Vec<u8>,
    at: usize,
}

impl Output {
    pub fn pending(&self) -> usize {
        self.data.len() - self.at
    }

    /// Writes what the socket takes; true when all is sent.
    pub fn write_to(&mut self, stream: &mut Stream, written: &mut usize) -> io::Result<bool> {
        while self.at < self.data.len() {
            match stream.write(&self.data[self.at..]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => {
                    self.at += n;
                    *written += n;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.at = 0;
        self.data.clear();
        if IDLE_BYTES_MAX < self.data.capacity() {
            self.data = Vec::new();
        }
        Ok(true)
    }
}
