//! A connection for scripts: a line in, its reply as one text out.

#![allow(dead_code)] // each test binary uses a part of it

use super::support::{DEADLINE, Server, request};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

/// Connects once the server has loaded and serves.
pub fn connect(server: &Server) -> Client {
    server.wait_log("Ready to accept connections");
    Client::new(TcpStream::connect(("127.0.0.1", server.port)).expect("connects"))
}

pub struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    pub fn new(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(DEADLINE)).expect("a timeout can be set");
        stream.set_nodelay(true).expect("an option can be set");
        Self { stream: BufReader::new(stream) }
    }

    pub fn local_addr(&self) -> String {
        self.stream.get_ref().local_addr().expect("is connected").to_string()
    }

    /// Sends a line as an inline command.
    pub fn send(&mut self, line: &str) {
        // A connection that was closed shows at the next read.
        let _ = self.stream.get_mut().write_all(format!("{line}\r\n").as_bytes());
    }

    /// Sends arguments of any bytes.
    pub fn call_args(&mut self, argv: &[Vec<u8>]) -> String {
        let argv: Vec<&[u8]> = argv.iter().map(Vec::as_slice).collect();
        let _ = self.stream.get_mut().write_all(&request(&argv));
        self.receive()
    }

    pub fn call(&mut self, line: &str) -> String {
        self.send(line);
        self.receive()
    }

    /// The next reply: strings as they are, `[a, b]`, `~[a]`, `{a: b}`, `:1`, `+OK`, `-ERR …`, `(nil)`, `(closed)`.
    pub fn receive(&mut self) -> String {
        let mut line = Vec::new();
        match self.stream.read_until(b'\n', &mut line) {
            Ok(0) => return "(closed)".into(),
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return "(closed)".into(),
            Err(error) => panic!("no reply: {error}"),
        }
        let line = String::from_utf8_lossy(&line);
        let line = line.strip_suffix("\r\n").expect("a reply's line ends");
        let (kind, rest) = line.split_at(1);
        match kind {
            "$" | "=" => match rest.parse::<usize>() {
                Ok(len) => self.bulk(len, kind == "="),
                Err(_) => "(nil)".into(),
            },
            "*" if rest == "-1" => "(nil)".into(),
            "*" => format!("[{}]", self.replies(rest, 1)),
            "~" => format!("~[{}]", self.replies(rest, 1)),
            "%" => format!("{{{}}}", self.replies(rest, 2)),
            "_" => "(nil)".into(),
            // A message out of band, or remarks: the reply follows.
            ">" => format!("push [{}] {}", self.replies(rest, 1), self.receive()),
            "|" => format!("remarks {{{}}} {}", self.replies(rest, 2), self.receive()),
            _ => line.to_string(),
        }
    }

    fn bulk(&mut self, len: usize, verbatim: bool) -> String {
        let mut bytes = vec![0; len + 2];
        self.stream.read_exact(&mut bytes).expect("the reply is whole");
        bytes.truncate(len);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if verbatim { text[4..].to_string() } else { text }
    }

    /// So many times `group` replies.
    fn replies(&mut self, count: &str, group: usize) -> String {
        let count: usize = count.parse().expect("a length is a number");
        let one = |client: &mut Self| -> String {
            let parts: Vec<String> = (0..group).map(|_| client.receive()).collect();
            parts.join(": ")
        };
        (0..count).map(|_| one(self)).collect::<Vec<_>>().join(", ")
    }
}
