//! A primary by script: it answers a replica's handshake as told, and goes wrong where told.
//!
//! A request is met by the last rule whose words it begins with. The rules that every script begins with make a
//! well-behaved primary with an empty data set, so that a test only says what is different.

use crate::client::{Client, is_closed};
use crate::rdb::{RdbText, framed};
use std::collections::VecDeque;
use std::io;
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

/// The history that a fake primary claims, unless told otherwise.
pub const REPL_ID: &str = "0123456789abcdef0123456789abcdef01234567";

#[derive(Clone, Debug)]
pub enum Act {
    Send(Vec<u8>),
    SendThenClose(Vec<u8>),
    /// No answer, and nothing after it; the connection stays.
    Silence,
    Close,
    /// No answer, as ACKs get none.
    Ignore,
}

#[derive(Clone)]
pub struct Script {
    rules: Vec<(String, Act)>,
}

impl Script {
    /// A full sync with this data set, then a stream without writes.
    pub fn good(rdb: &[u8]) -> Self {
        let sync = [format!("+FULLRESYNC {REPL_ID} 0\r\n").as_bytes(), &framed(rdb)].concat();
        Self { rules: Vec::new() }
            .on("", Act::Send(b"-ERR unknown command\r\n".to_vec()))
            .say("PING", "+PONG\r\n")
            .say("AUTH", "+OK\r\n")
            .say("REPLCONF", "+OK\r\n")
            .on("REPLCONF ACK", Act::Ignore)
            .on("PSYNC", Act::Send(sync))
            .on("SYNC", Act::Send(framed(rdb)))
    }

    pub fn empty() -> Self {
        Self::good(&RdbText::new().finish())
    }

    /// What is to be done at requests that begin with these words.
    pub fn on(mut self, words: &str, act: Act) -> Self {
        self.rules.push((words.to_uppercase(), act));
        self
    }

    /// Answers with this text.
    pub fn say(self, words: &str, text: &str) -> Self {
        self.on(words, Act::Send(text.as_bytes().to_vec()))
    }

    /// A full sync whose payload and stream are these bytes; then the connection stays, silent.
    pub fn full_sync(self, bytes: &[u8]) -> Self {
        let answer = [format!("+FULLRESYNC {REPL_ID} 0\r\n").as_bytes(), bytes].concat();
        self.on("PSYNC", Act::Send(answer))
    }

    /// The same, and then the connection is closed.
    pub fn full_sync_then_close(self, bytes: &[u8]) -> Self {
        let answer = [format!("+FULLRESYNC {REPL_ID} 0\r\n").as_bytes(), bytes].concat();
        self.on("PSYNC", Act::SendThenClose(answer))
    }

    fn act(&self, request: &[String]) -> Act {
        let line = request.join(" ").to_uppercase();
        let fits = |words: &str| {
            line.strip_prefix(words)
                .is_some_and(|rest| words.is_empty() || !rest.starts_with(|c: char| c.is_alphanumeric()))
        };
        let rule = self.rules.iter().rev().find(|(words, _)| fits(words));
        rule.map_or(Act::Ignore, |(_, act)| act.clone())
    }
}

#[derive(Default)]
struct Heard {
    requests: Vec<Vec<String>>,
    connections: usize,
    /// Connections that the replica has closed, or we have.
    ended: usize,
}

pub struct FakePrimary {
    port: u16,
    heard: Arc<Mutex<Heard>>,
    scripts: Arc<Mutex<VecDeque<Script>>>,
    closing: Arc<AtomicBool>,
}

impl FakePrimary {
    /// Every connection follows the script.
    pub fn start(script: Script) -> Self {
        Self::start_with(vec![script])
    }

    /// One script for each connection in turn; the last one for all further ones.
    pub fn start_with(scripts: Vec<Script>) -> Self {
        assert!(!scripts.is_empty(), "there is at least one script");
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
        let primary = Self {
            port: listener.local_addr().expect("is bound").port(),
            heard: Arc::default(),
            scripts: Arc::new(Mutex::new(scripts.into())),
            closing: Arc::default(),
        };
        let (heard, scripts, closing) =
            (primary.heard.clone(), primary.scripts.clone(), primary.closing.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if closing.load(Ordering::SeqCst) {
                    return;
                }
                lock(&heard).connections += 1;
                let (heard, script, closing) = (heard.clone(), next(&scripts), closing.clone());
                std::thread::spawn(move || {
                    // The replica may close at any time: that is for the test to judge.
                    let _ = converse(stream, &script, &heard, &closing);
                    lock(&heard).ended += 1;
                });
            }
        });
        primary
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// What replicas have said so far, over all connections.
    pub fn requests(&self) -> Vec<Vec<String>> {
        lock(&self.heard).requests.clone()
    }

    /// Whether a request began with these words.
    pub fn has_heard(&self, words: &str) -> bool {
        let words = words.to_uppercase();
        self.requests().iter().any(|request| request.join(" ").to_uppercase().starts_with(&words))
    }

    pub fn connections(&self) -> usize {
        lock(&self.heard).connections
    }

    pub fn ended(&self) -> usize {
        lock(&self.heard).ended
    }
}

impl Drop for FakePrimary {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::SeqCst);
        // Wakes the accepting thread.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

fn next(scripts: &Mutex<VecDeque<Script>>) -> Script {
    let mut scripts = lock(scripts);
    match scripts.len() {
        1 => scripts[0].clone(),
        _ => scripts.pop_front().expect("there is always one"),
    }
}

fn converse(
    stream: TcpStream,
    script: &Script,
    heard: &Mutex<Heard>,
    closing: &AtomicBool,
) -> io::Result<()> {
    let mut client = Client::over(stream);
    client.set_limit(Duration::from_millis(100));
    let mut silent = false;
    while !closing.load(Ordering::SeqCst) {
        let request = match request(&mut client) {
            Ok(request) => request,
            Err(error) if is_closed(&error) || error.kind() == io::ErrorKind::InvalidData => {
                return Err(error);
            }
            Err(_) => continue, // nothing yet
        };
        let act = script.act(&request);
        lock(heard).requests.push(request);
        if silent {
            continue;
        }
        match act {
            Act::Send(bytes) => client.send(&bytes)?,
            Act::SendThenClose(bytes) => return client.send(&bytes),
            Act::Silence => silent = true,
            Act::Close => return Ok(()),
            Act::Ignore => {}
        }
    }
    Ok(())
}

/// An array of bulk strings, or a line: the newlines that a loading replica sends are none.
fn request(client: &mut Client) -> io::Result<Vec<String>> {
    loop {
        if client.peek()? == b'*' {
            let value = client.reply()?;
            return Ok(value.items().iter().map(|word| word.text()).collect());
        }
        let line = String::from_utf8_lossy(&client.line()?).into_owned();
        if !line.is_empty() {
            return Ok(line.split(' ').map(str::to_string).collect());
        }
    }
}
