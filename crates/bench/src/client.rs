//! A client of many connections for load of any kind: on each connection a batch of requests is written, then all
//! replies are awaited, then the next. All in one thread, which is asleep while the server works.
//!
//! An error as a reply ends a run: what is measured must not be the making of errors.

use std::io::{self, Read, Write};
use std::net::TcpStream;

pub struct Client {
    connections: Vec<Connection>,
}

struct Connection {
    stream: TcpStream,
    batch: Vec<u8>,
    replies: Replies,
    input: Box<[u8]>,
}

const INPUT_BYTES: usize = 64 * 1024;

impl Client {
    pub fn new(streams: Vec<TcpStream>) -> Self {
        let connection = |stream| Connection {
            stream,
            batch: Vec::new(),
            replies: Replies::default(),
            input: vec![0; INPUT_BYTES].into_boxed_slice(),
        };
        Self { connections: streams.into_iter().map(connection).collect() }
    }

    /// Sends `count` requests, `depth` at a time on each connection; `push` appends the next request.
    pub fn run(&mut self, count: u64, depth: u64, mut push: impl FnMut(&mut Vec<u8>)) -> io::Result<()> {
        let mut left = count;
        while 0 < left {
            let mut asked = 0;
            for connection in &mut self.connections {
                let batch = depth.min(left);
                connection.batch.clear();
                (0..batch).for_each(|_| push(&mut connection.batch));
                connection.replies.awaited = batch;
                left -= batch;
                asked += 1;
                if left == 0 {
                    break;
                }
            }
            let asked = &mut self.connections[..asked];
            for connection in &mut *asked {
                connection.stream.write_all(&connection.batch)?;
            }
            for connection in asked {
                connection.receive()?;
            }
        }
        Ok(())
    }
}

impl Connection {
    fn receive(&mut self) -> io::Result<()> {
        while 0 < self.replies.awaited {
            let n = self.stream.read(&mut self.input)?;
            if n == 0 {
                return Err(io::Error::other("the server closed the connection"));
            }
            self.replies.feed(&self.input[..n])?;
        }
        Ok(())
    }
}

/// Counts replies as they come, in pieces of any size. RESP2.
#[derive(Default)]
struct Replies {
    awaited: u64,
    /// Replies inside arrays that are yet to come before the awaited one is complete.
    inner: u64,
    /// Bytes of a bulk string that are yet to come, line end included.
    skip: usize,
    line: Vec<u8>,
}

impl Replies {
    fn feed(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            if 0 < self.skip {
                let n = self.skip.min(bytes.len());
                self.skip -= n;
                bytes = &bytes[n..];
                if self.skip == 0 {
                    self.complete();
                }
                continue;
            }
            let Some(end) = bytes.iter().position(|&byte| byte == b'\n') else {
                self.line.extend_from_slice(bytes);
                return Ok(());
            };
            if self.line.is_empty() {
                self.head(&bytes[..end])?;
            } else {
                let mut line = std::mem::take(&mut self.line);
                line.extend_from_slice(&bytes[..end]);
                self.head(&line)?;
                line.clear();
                self.line = line;
            }
            bytes = &bytes[end + 1..];
        }
        Ok(())
    }

    fn head(&mut self, line: &[u8]) -> io::Result<()> {
        let bad = || io::Error::other(format!("the server said: {}", String::from_utf8_lossy(line)));
        let text = std::str::from_utf8(line).map_err(|_| bad())?.trim_end_matches('\r');
        if !text.is_char_boundary(1.min(text.len())) || self.awaited == 0 {
            return Err(bad());
        }
        match text.split_at(1.min(text.len())) {
            ("+" | ":", _) => self.complete(),
            ("$", "-1") | ("*", "-1" | "0") => self.complete(),
            ("$", number) => self.skip = number.parse::<usize>().map_err(|_| bad())? + 2,
            // An array is complete with its last element; it stands for one reply itself.
            ("*", number) => {
                self.inner += number.parse::<u64>().map_err(|_| bad())? + u64::from(self.inner == 0) - 1
            }
            _ => return Err(bad()),
        }
        Ok(())
    }

    fn complete(&mut self) {
        if 0 < self.inner {
            self.inner -= 1;
        }
        if self.inner == 0 {
            self.awaited -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_are_counted_in_pieces_of_any_size() {
        let text = b"+OK\r\n:1\r\n$3\r\na\nb\r\n$-1\r\n*2\r\n*2\r\n$0\r\n\r\n:1\r\n*0\r\n*-1\r\n*1\r\n*1\r\n+x\r\n$1\r\nz\r\n";
        for size in 1..=text.len() {
            let mut replies = Replies { awaited: 8, ..Replies::default() };
            for piece in text.chunks(size) {
                replies.feed(piece).expect("no error in it");
            }
            assert_eq!(replies.awaited, 0, "in pieces of {size}");
        }
    }

    #[test]
    fn an_error_ends_the_run() {
        for text in [&b"-ERR no\r\n"[..], b"*1\r\n-ERR no\r\n", b"?\r\n", b"\r\n", b"$x\r\n"] {
            assert!(Replies { awaited: 1, ..Replies::default() }.feed(text).is_err());
        }
        assert!(Replies::default().feed(b"+OK\r\n").is_err(), "nothing was asked");
    }
}
