//! A connection's socket and its two buffers.
//!
//! Input is read into one buffer and decoded in place; a large argument gets a buffer as large as its request at
//! once, so that no byte of it is copied twice, and memory that is never written to costs nothing. Output is
//! collected and written once per batch. A connection at rest has no buffers: a worker lends its own.

use mio::event::Source;
use mio::net::{TcpStream, UnixStream};
use mio::{Interest, Registry, Token};
use std::io::{self, Read, Write};

/// What is asked of the socket at once, where no large request is under way.
const READ_BYTES: usize = 16 * 1024;
/// The most that one read takes: a fast sender waits for the others then.
const READ_BYTES_MAX: usize = 256 * 1024;
/// The most that one turn writes.
const WRITE_BYTES_MAX: usize = 1024 * 1024;
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
    /// The socket had less than was asked for: it is empty, unless its end came behind these bytes.
    Short,
    /// The socket is empty.
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
    /// What is known to come, counted from `at`: the end of the request that is not all there.
    request_bytes: usize,
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
        self.request_bytes = self.request_bytes.saturating_sub(bytes);
        if self.at == self.len {
            (self.at, self.len, self.request_bytes) = (0, 0, 0);
            if IDLE_BYTES_MAX < self.data.len() {
                self.data = Vec::new();
            }
        }
    }

    /// A request ends so many bytes from the front: the next read makes room for all of it.
    pub fn expect(&mut self, total: usize) {
        self.request_bytes = total;
    }

    /// Makes room for a read, and for the rest of a large request.
    fn make_room(&mut self) {
        let room = self.request_bytes.max(self.pending() + READ_BYTES);
        let request_end = self.at + self.request_bytes;
        let enough = READ_BYTES / 4 <= self.data.len() - self.len || request_end == self.data.len();
        let fits = enough && request_end <= self.data.len() && self.len < self.data.len();
        let too_large = IDLE_BYTES_MAX < self.data.len() && room <= self.data.len() / 4;
        if fits && !too_large {
            return;
        }
        if room <= self.data.len() && !too_large {
            self.data.copy_within(self.at..self.len, 0);
        } else {
            // Zeroed by the system, not by us: what a client only announces takes no memory. A request without
            // its size (many small arguments) doubles the buffer.
            let known = self.pending() + READ_BYTES < self.request_bytes;
            let bytes = if known { room } else { room.next_power_of_two() };
            let mut data = vec![0; bytes];
            data[..self.pending()].copy_from_slice(self.bytes());
            self.data = data;
        }
        self.len -= self.at;
        self.at = 0;
    }

    /// Reads once from the socket into the free room.
    pub fn read_from(&mut self, stream: &mut Stream) -> io::Result<(usize, ReadEnd)> {
        self.make_room();
        let room = (self.data.len() - self.len).min(READ_BYTES_MAX);
        loop {
            match stream.read(&mut self.data[self.len..self.len + room]) {
                Ok(0) => return Ok((0, ReadEnd::Closed)),
                Ok(n) => {
                    self.len += n;
                    return Ok((n, if n < room { ReadEnd::Short } else { ReadEnd::More }));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok((0, ReadEnd::Drained)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// How a write ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WriteEnd {
    /// All is sent.
    Sent,
    /// The socket takes no more: an event will say when it does.
    Full,
    /// Others have their turn first.
    More,
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

    pub fn is_empty(&self) -> bool {
        self.at == self.data.len()
    }

    /// Writes what the socket takes; the bytes that it took are added to `written`.
    pub fn write_to(&mut self, stream: &mut Stream, written: &mut usize) -> io::Result<WriteEnd> {
        let start = self.at;
        while self.at < self.data.len() {
            if WRITE_BYTES_MAX <= self.at - start {
                self.compact();
                return Ok(WriteEnd::More);
            }
            let end = self.data.len().min(self.at + WRITE_BYTES_MAX);
            match stream.write(&self.data[self.at..end]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => {
                    let short = self.at + n < end;
                    self.at += n;
                    *written += n;
                    if short {
                        self.compact();
                        return Ok(WriteEnd::Full);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(WriteEnd::Full),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.at = 0;
        self.data.clear();
        if IDLE_BYTES_MAX < self.data.capacity() {
            self.data = Vec::new();
        }
        Ok(WriteEnd::Sent)
    }

    /// Drops what is sent once it is most of the buffer, so that a client that is never quite done with reading
    /// does not make it grow.
    fn compact(&mut self) {
        if IDLE_BYTES_MAX < self.at && self.data.len() / 2 < self.at {
            self.data.drain(..self.at);
            self.data.shrink_to(self.data.len() * 2);
            self.at = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixStream as StdUnix;

    fn pair() -> (Stream, StdUnix) {
        let (ours, theirs) = StdUnix::pair().expect("a pair of sockets");
        ours.set_nonblocking(true).expect("is set");
        (Stream::Unix(UnixStream::from_std(ours)), theirs)
    }

    #[test]
    fn a_large_request_is_read_into_its_place() {
        let (mut ours, mut theirs) = pair();
        let mut input = Input::default();
        theirs.write_all(&[1; 1000]).expect("is written");
        assert_eq!(input.read_from(&mut ours).expect("is read"), (1000, ReadEnd::Short));
        assert_eq!(input.capacity(), READ_BYTES);
        input.consume(900);
        input.expect(1_000_000);
        let (mut got, mut sent) = (100, 100);
        while got < 1_000_000 {
            if sent == got {
                theirs.write_all(&[2; 999]).expect("is written");
                sent += 999;
            }
            got += input.read_from(&mut ours).expect("is read").0;
            assert_eq!(input.capacity(), 1_000_000.max(got), "the buffer is made once");
            if 1_000_000 - 999 < got {
                break;
            }
        }
        assert_eq!(input.pending(), got);
        assert!(
            input.bytes()[..100].iter().all(|byte| *byte == 1)
                && input.bytes()[100..].iter().all(|b| *b == 2)
        );
        input.consume(got - 10);
        assert_eq!(input.read_from(&mut ours).expect("nothing there"), (0, ReadEnd::Drained));
        assert!(
            input.capacity() < IDLE_BYTES_MAX,
            "the large buffer is given back, though a rest is pending"
        );
        input.consume(10);
        drop(theirs);
        assert_eq!(input.read_from(&mut ours).expect("is read"), (0, ReadEnd::Closed));
    }

    #[test]
    fn output_waits_for_room_and_stays_small() {
        let (mut ours, mut theirs) = pair();
        let mut output = Output::default();
        let mut buffer = vec![0; 100_000];
        let (mut total, mut written, mut read) = (0, 0, 0);
        // A reader that is always behind: the buffer holds about what is pending, not all that went through.
        for round in 0..400 {
            if output.pending() < 1_000_000 {
                output.data.extend_from_slice(&[round as u8; 50_000]);
                total += 50_000;
            }
            let end = output.write_to(&mut ours, &mut written).expect("is written");
            assert_ne!(end, WriteEnd::More);
            assert!(output.data.capacity() < 8_000_000, "{}", output.data.capacity());
            if round % 2 == 0 {
                read += theirs.read(&mut buffer).expect("is read");
            }
        }
        while !output.is_empty() || read < total {
            output.write_to(&mut ours, &mut written).expect("is written");
            read += theirs.read(&mut buffer).expect("is read");
        }
        assert_eq!((written, read), (total, total));
        assert!(output.data.capacity() <= IDLE_BYTES_MAX, "given back");
    }
}
