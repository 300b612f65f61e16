//! A blocking client: one connection, RESP2 or RESP3, commands or raw bytes, every read with a time limit.

use crate::value::Value;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

/// A reply that takes longer is a failure of the test.
pub const REPLY_LIMIT: Duration = Duration::from_secs(60);

pub struct Client {
    stream: TcpStream,
    /// Received and not yet taken.
    buffer: Vec<u8>,
    at: usize,
}

impl Client {
    pub fn connect(port: u16) -> io::Result<Self> {
        let stream = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], port)))?;
        Ok(Self::over(stream))
    }

    pub fn over(stream: TcpStream) -> Self {
        // A refusal means that the socket is gone already; the first use will say so.
        let _ = stream.set_nodelay(true);
        let _ = stream.set_read_timeout(Some(REPLY_LIMIT));
        let _ = stream.set_write_timeout(Some(REPLY_LIMIT));
        Self { stream, buffer: Vec::new(), at: 0 }
    }

    pub fn set_limit(&mut self, limit: Duration) {
        self.stream.set_read_timeout(Some(limit)).expect("the limit is not zero");
    }

    /// Where the connection comes from, as CLIENT LIST shows it.
    pub fn local_addr(&self) -> SocketAddr {
        self.stream.local_addr().expect("is connected")
    }

    /// Sends a command and gives its reply.
    pub fn command<A: AsRef<[u8]>>(&mut self, argv: &[A]) -> io::Result<Value> {
        self.send(&encode(argv))?;
        self.reply()
    }

    /// The words of a line as a command, split at spaces. What can't be had fails the test.
    #[track_caller]
    pub fn run(&mut self, line: &str) -> Value {
        let words: Vec<&str> = line.split(' ').collect();
        self.command(&words).unwrap_or_else(|error| panic!("{line}: {error}"))
    }

    /// Sends many commands at once, then reads their replies.
    pub fn pipeline<A: AsRef<[u8]>>(&mut self, commands: &[Vec<A>]) -> io::Result<Vec<Value>> {
        let mut bytes = Vec::new();
        commands.iter().for_each(|argv| encode_to(&mut bytes, argv));
        self.send(&bytes)?;
        commands.iter().map(|_| self.reply()).collect()
    }

    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// No more will be sent; replies can still be read.
    pub fn finish_sending(&mut self) -> io::Result<()> {
        self.stream.shutdown(Shutdown::Write)
    }

    /// The next reply.
    pub fn reply(&mut self) -> io::Result<Value> {
        self.reply_and_bytes().map(|(value, _)| value)
    }

    /// The next reply, and as it was sent.
    pub fn reply_and_bytes(&mut self) -> io::Result<(Value, Vec<u8>)> {
        loop {
            match Value::parse(&self.buffer[self.at..]) {
                Ok(Some((value, len))) => {
                    let bytes = self.buffer[self.at..self.at + len].to_vec();
                    self.take(len);
                    return Ok((value, bytes));
                }
                Ok(None) => self.receive()?,
                Err(why) => {
                    let near = &self.buffer[self.at..self.buffer.len().min(self.at + 80)];
                    let text = format!("{why:?} in {}", crate::value::quoted(near));
                    return Err(io::Error::new(io::ErrorKind::InvalidData, text));
                }
            }
        }
    }

    /// A line without its end; `\n` alone ends one too.
    pub fn line(&mut self) -> io::Result<Vec<u8>> {
        loop {
            let rest = &self.buffer[self.at..];
            if let Some(end) = rest.iter().position(|&byte| byte == b'\n') {
                let line = rest[..end].strip_suffix(b"\r").unwrap_or(&rest[..end]).to_vec();
                self.take(end + 1);
                return Ok(line);
            }
            self.receive()?;
        }
    }

    /// The next byte, left where it is.
    pub fn peek(&mut self) -> io::Result<u8> {
        while self.buffer.len() <= self.at {
            self.receive()?;
        }
        Ok(self.buffer[self.at])
    }

    pub fn exactly(&mut self, len: usize) -> io::Result<Vec<u8>> {
        while self.buffer.len() - self.at < len {
            self.receive()?;
        }
        let bytes = self.buffer[self.at..self.at + len].to_vec();
        self.take(len);
        Ok(bytes)
    }

    /// Everything until the other side closes.
    pub fn to_end(&mut self) -> io::Result<Vec<u8>> {
        loop {
            match self.receive() {
                Ok(()) => {}
                Err(error) if is_closed(&error) => {
                    let bytes = self.buffer.split_off(self.at);
                    self.take(0);
                    return Ok(bytes);
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn take(&mut self, len: usize) {
        self.at += len;
        if self.buffer.len() <= self.at {
            self.buffer.clear();
            self.at = 0;
        }
    }

    /// Reads what is there, waiting for the first byte.
    fn receive(&mut self) -> io::Result<()> {
        if 0 < self.at {
            self.buffer.drain(..self.at);
            self.at = 0;
        }
        let mut chunk = vec![0; 256 * 1024];
        let n = loop {
            match self.stream.read(&mut chunk) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        if n == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the server closed the connection"));
        }
        self.buffer.extend_from_slice(&chunk[..n]);
        Ok(())
    }
}

/// The other side is gone, in one way or another.
pub fn is_closed(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), UnexpectedEof | ConnectionReset | BrokenPipe | ConnectionAborted)
}

/// A command as an array of bulk strings.
pub fn encode<A: AsRef<[u8]>>(argv: &[A]) -> Vec<u8> {
    let mut out = Vec::new();
    encode_to(&mut out, argv);
    out
}

pub fn encode_to<A: AsRef<[u8]>>(out: &mut Vec<u8>, argv: &[A]) {
    out.extend_from_slice(format!("*{}\r\n", argv.len()).as_bytes());
    for word in argv {
        let word = word.as_ref();
        out.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        out.extend_from_slice(word);
        out.extend_from_slice(b"\r\n");
    }
}
