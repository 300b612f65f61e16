//! A replica that only listens: it asks by PSYNC or SYNC and gives the bytes that the primary sends, as they are.

use crate::client::{Client, REPLY_LIMIT, encode};
use crate::value::Value;
use std::io;
use std::time::{Duration, Instant};

const ACK_PERIOD: Duration = Duration::from_millis(200);

pub struct FakeReplica {
    client: Client,
    /// The line that answered PSYNC; empty after SYNC.
    pub answer: String,
    /// The data set as an RDB file; empty after +CONTINUE.
    pub payload: Vec<u8>,
    /// Bytes of the stream that were read.
    stream_bytes: u64,
    first_offset: u64,
}

/// How the replica asks.
pub enum Ask<'a> {
    /// The oldest way: SYNC.
    Sync,
    /// PSYNC ? -1, with the capability to read a payload that ends at a mark.
    Full,
    /// PSYNC ? -1 without it.
    FullByLength,
    /// PSYNC of a history from an offset.
    From { repl_id: &'a str, offset: u64 },
}

impl FakeReplica {
    pub fn attach(port: u16, ask: Ask) -> io::Result<Self> {
        let mut client = Client::connect(port)?;
        client.command(&["REPLCONF", "listening-port", "1"])?;
        match ask {
            Ask::Sync => client.send(b"SYNC\r\n")?,
            Ask::Full => {
                client.command(&["REPLCONF", "capa", "eof", "capa", "psync2"])?;
                client.send(&encode(&["PSYNC", "?", "-1"]))?;
            }
            Ask::FullByLength => {
                client.command(&["REPLCONF", "capa", "psync2"])?;
                client.send(&encode(&["PSYNC", "?", "-1"]))?;
            }
            Ask::From { repl_id, offset } => {
                client.command(&["REPLCONF", "capa", "eof", "capa", "psync2"])?;
                client.send(&encode(&["PSYNC", repl_id, &offset.to_string()]))?;
            }
        }
        let mut replica =
            Self { client, answer: String::new(), payload: vec![], stream_bytes: 0, first_offset: 0 };
        if !matches!(ask, Ask::Sync) {
            replica.answer = replica.text_line()?;
        }
        match (&ask, replica.answer.split(' ').next()) {
            (Ask::From { offset, .. }, Some("+CONTINUE")) => replica.first_offset = offset - 1,
            (Ask::Sync, _) => replica.receive_payload()?,
            (_, Some("+FULLRESYNC")) => {
                let offset = replica.answer.rsplit(' ').next().and_then(|offset| offset.parse().ok());
                replica.first_offset = offset.ok_or_else(|| invalid(&replica.answer))?;
                replica.receive_payload()?;
            }
            _ => return Err(invalid(&replica.answer)),
        }
        replica.acknowledge()?;
        Ok(replica)
    }

    /// The next line that is not empty: newlines keep the connection alive until there is something to say.
    fn text_line(&mut self) -> io::Result<String> {
        loop {
            let line = self.client.line()?;
            if !line.is_empty() {
                return Ok(String::from_utf8_lossy(&line).into_owned());
            }
        }
    }

    fn receive_payload(&mut self) -> io::Result<()> {
        let head = self.text_line()?;
        if let Some(mark) = head.strip_prefix("$EOF:") {
            let mark = mark.as_bytes().to_vec();
            let mut payload = self.client.exactly(mark.len())?;
            while !payload.ends_with(&mark) {
                payload.extend(self.client.exactly(1)?);
            }
            payload.truncate(payload.len() - mark.len());
            self.payload = payload;
            return Ok(());
        }
        let len = head.strip_prefix('$').and_then(|len| len.parse().ok()).ok_or_else(|| invalid(&head))?;
        self.payload = self.client.exactly(len)?;
        Ok(())
    }

    /// Tells the primary how far we are.
    pub fn acknowledge(&mut self) -> io::Result<()> {
        let offset = self.offset().to_string();
        self.client.send(&encode(&["REPLCONF", "ACK", &offset]))
    }

    /// The replication offset after what was read.
    pub fn offset(&self) -> u64 {
        self.first_offset + self.stream_bytes
    }

    /// The next command of the stream, and its bytes.
    pub fn next_command(&mut self) -> io::Result<(Vec<Vec<u8>>, Vec<u8>)> {
        let (value, bytes) = self.patiently()?;
        self.stream_bytes += bytes.len() as u64;
        let Value::Array(words) = value else { return Err(invalid(&value.to_string())) };
        let word = |word| match word {
            Value::Bulk(word) => Ok(word),
            other => Err(invalid(&other.to_string())),
        };
        Ok((words.into_iter().map(word).collect::<io::Result<_>>()?, bytes))
    }

    /// The next value. An ACK goes out again and again, as a replica's does: the first may come before the primary
    /// thinks that its transfer has ended.
    fn patiently(&mut self) -> io::Result<(Value, Vec<u8>)> {
        let end = Instant::now() + REPLY_LIMIT;
        self.client.set_limit(ACK_PERIOD);
        loop {
            match self.client.reply_and_bytes() {
                Err(error) if is_timeout(&error) && Instant::now() < end => self.acknowledge()?,
                other => return other,
            }
        }
    }

    /// Commands up to and without the one that is `end`, which a test writes to know that all has come.
    pub fn commands_until(&mut self, end: &[&str]) -> io::Result<Vec<(Vec<Vec<u8>>, Vec<u8>)>> {
        let mut commands = Vec::new();
        loop {
            let command = self.next_command()?;
            if command.0.iter().map(Vec::as_slice).eq(end.iter().map(|word| word.as_bytes())) {
                self.acknowledge()?;
                return Ok(commands);
            }
            commands.push(command);
        }
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

fn invalid(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("unexpected: {text}"))
}
