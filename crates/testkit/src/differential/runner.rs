//! Sends a stream to both servers and compares.

use super::accepted::Accepted;
use super::compare::Class;
use super::stream::{CONNECTIONS, Form, Op};
use crate::client::{Client, encode, encode_to, is_closed};
use crate::process::{Kind, Server};
use crate::value::{Value, quoted};
use std::collections::{BTreeSet, HashMap};
use std::io;

/// A batch of commands, small enough that no side waits for the other to read.
const BATCH_OPS: usize = 64;
const BATCH_BYTES: usize = 256 * 1024;
/// Databases that streams use are below; the others must stay empty.
const DATABASES: usize = 16;
/// A SCAN that needs more steps than this for a few keys never ends.
const SCAN_STEPS_MAX: usize = 100_000;

#[derive(Clone, Debug)]
pub struct Failure {
    /// The operation's place in the stream.
    pub at: usize,
    pub text: String,
}

/// The oracle and the server under test.
pub struct Pair {
    sides: [Side; 2],
    /// Commands of an open MULTI, by connection.
    queued: Vec<Vec<Op>>,
    /// Which result of the last EXEC differed.
    why: String,
    exercised: Exercised,
}

/// How often each command was asked for, and answered without an error; subcommands count as `name|sub`, too.
#[derive(Default)]
pub struct Exercised(HashMap<String, Times>);

#[derive(Default, Clone, Copy, Debug)]
pub struct Times {
    pub asked: u64,
    pub without_error: u64,
}

impl Exercised {
    fn count(&mut self, op: &Op, reply: &Value) {
        let word = |at: usize| op.argv.get(at).map(|word| String::from_utf8_lossy(word).to_lowercase());
        let Some(name) = word(0) else { return };
        let whole = word(1).map(|sub| format!("{name}|{sub}"));
        for name in whole.into_iter().chain([name]) {
            let times = self.0.entry(name).or_default();
            times.asked += 1;
            times.without_error += u64::from(!reply.is_error());
        }
    }

    pub fn times(&self, name: &str) -> Times {
        self.0.get(name).copied().unwrap_or_default()
    }
}

struct Side {
    server: Server,
    clients: Vec<Client>,
    admin: Client,
}

impl Side {
    fn start(kind: Kind) -> Self {
        let server = Server::of(kind).start();
        let clients = (0..CONNECTIONS).map(|_| server.client()).collect();
        let admin = server.client();
        Self { server, clients, admin }
    }
}

impl Pair {
    #[track_caller]
    pub fn start(oracle: Kind, other: Kind) -> Self {
        let sides = [Side::start(oracle), Side::start(other)];
        Self {
            sides,
            queued: vec![Vec::new(); CONNECTIONS],
            why: String::new(),
            exercised: Exercised::default(),
        }
    }

    /// Empty data, new connections. The error is one of the connection: the server is gone.
    pub fn reset(&mut self) -> io::Result<()> {
        for side in &mut self.sides {
            for client in &mut side.clients {
                *client = Client::connect(side.server.port())?;
            }
            side.admin = Client::connect(side.server.port())?;
            side.admin.command(&["CLIENT", "UNPAUSE"])?;
            side.admin.command(&["FLUSHALL"])?;
            side.admin.command(&["CONFIG", "SET", "hz", "10", "active-expire-effort", "1"])?;
        }
        self.queued.iter_mut().for_each(Vec::clear);
        Ok(())
    }

    /// Runs a stream to its end, or to the first difference.
    pub fn run(&mut self, ops: &[Op], accepted: &Accepted) -> Result<(), Failure> {
        let mut at = 0;
        while at < ops.len() {
            let batch = batch_len(&ops[at..]);
            let done = match ops[at].form {
                Form::Array | Form::Inline => self.batch(at, &ops[at..at + batch], accepted),
                Form::FullScan => self.full_scan(at, &ops[at], accepted),
                Form::Muted | Form::Skipped => self.silent(at, &ops[at]),
                Form::Checkpoint | Form::Reload => self.checkpoint(at, ops[at].form),
            };
            done?;
            at += batch;
        }
        Ok(())
    }

    /// The oracle and the server under test.
    pub fn servers(&self) -> [&Server; 2] {
        [&self.sides[0].server, &self.sides[1].server]
    }

    /// What all streams so far have exercised.
    pub fn exercised(&self) -> &Exercised {
        &self.exercised
    }

    /// What the log of the server under test says.
    pub fn log_tail(&self) -> String {
        self.sides[1].server.log_tail()
    }

    fn batch(&mut self, first: usize, ops: &[Op], accepted: &Accepted) -> Result<(), Failure> {
        let conn = ops[0].conn;
        let mut bytes = Vec::new();
        ops.iter().for_each(|op| encode_op(&mut bytes, op));
        for side in &mut self.sides {
            // A server that closed in the middle shows it in its replies.
            let _ = side.clients[conn].send(&bytes);
        }
        for (at, op) in (first..).zip(ops) {
            let [one, two] = [0, 1].map(|side| self.sides[side].clients[conn].reply_and_bytes());
            match (one, two) {
                (Ok((one, one_bytes)), Ok((two, two_bytes))) => {
                    if !self.same(op, (&one, &one_bytes), (&two, &two_bytes), accepted) {
                        let mut failure = difference(at, op, &one_bytes, &two_bytes);
                        if op.is_named("exec") {
                            failure.text = format!("{}\n{}", failure.text, self.why);
                        }
                        return Err(failure);
                    }
                }
                (Err(one), Err(two)) if is_closed(&one) && is_closed(&two) => {
                    return self.reconnect(at, conn);
                }
                (one, two) => {
                    let told = [one, two].map(|reply| match reply {
                        Ok((_, bytes)) => quoted(&bytes),
                        Err(error) => format!("no reply: {error}"),
                    });
                    return Err(difference(at, op, told[0].as_bytes(), told[1].as_bytes()));
                }
            }
            if op.is_named("quit") {
                return self.closed_after_quit(at, op);
            }
        }
        Ok(())
    }

    /// Compares two replies, and keeps account of what MULTI has queued.
    fn same(&mut self, op: &Op, one: (&Value, &[u8]), two: (&Value, &[u8]), accepted: &Accepted) -> bool {
        let queue = &mut self.queued[op.conn];
        let (one, one_bytes) = one;
        let (two, two_bytes) = two;
        let mut same = one_bytes == two_bytes;
        if *one == Value::Simple(b"QUEUED".to_vec()) && one == two {
            queue.push(op.clone());
            return true;
        }
        if op.is_named("exec") {
            if !same {
                match same_results(queue, one, two, accepted) {
                    Ok(()) => same = true,
                    Err(why) => self.why = why,
                }
            }
        } else {
            // What is compared byte by byte has failed already.
            same = same || (op.class != Class::Exact && op.class.same(one, two));
        }
        if ends_queue(op, one) {
            queue.clear();
        }
        self.exercised.count(op, one);
        same || accepted.allows(op, one_bytes, two_bytes)
    }

    fn closed_after_quit(&mut self, at: usize, op: &Op) -> Result<(), Failure> {
        let rest = [0, 1].map(|side| self.sides[side].clients[op.conn].to_end());
        match &rest {
            [Ok(one), Ok(two)] if one == two => self.reconnect(at, op.conn),
            _ => Err(Failure { at, text: format!("{}\nafter QUIT: {rest:?}", op.text()) }),
        }
    }

    fn reconnect(&mut self, at: usize, conn: usize) -> Result<(), Failure> {
        self.queued[conn].clear();
        for side in &mut self.sides {
            let client = Client::connect(side.server.port());
            side.clients[conn] =
                client.map_err(|error| Failure { at, text: format!("can't connect again: {error}") })?;
        }
        Ok(())
    }

    fn full_scan(&mut self, at: usize, op: &Op, accepted: &Accepted) -> Result<(), Failure> {
        self.queued[op.conn].clear();
        let [one, two] = [0, 1].map(|side| {
            let client = &mut self.sides[side].clients[op.conn];
            client.command(&["DISCARD"]).and_then(|_| scan(client, &op.argv))
        });
        let [one, two] = [one, two].map(|found| found.map_err(|error| lost(at, op, &error)));
        let (one, two) = (one?, two?);
        if one == two || accepted.allows(op, b"*", b"*") {
            return Ok(());
        }
        let only = |a: &Result<BTreeSet<Vec<u8>>, Value>, b: &Result<BTreeSet<Vec<u8>>, Value>| match (a, b) {
            (Ok(a), Ok(b)) => a.difference(b).map(|key| quoted(key)).collect::<Vec<_>>().join(" "),
            (a, _) => format!("{a:?}"),
        };
        Err(difference(at, op, only(&one, &two).as_bytes(), only(&two, &one).as_bytes()))
    }

    /// A command without a reply, between two that have one.
    fn silent(&mut self, at: usize, op: &Op) -> Result<(), Failure> {
        self.queued[op.conn].clear();
        let muted = op.form == Form::Muted;
        let mut bytes = encode(&["DISCARD"]);
        encode_to(&mut bytes, &["CLIENT", "REPLY", if muted { "OFF" } else { "SKIP" }]);
        encode_to(&mut bytes, &op.argv);
        if muted {
            encode_to(&mut bytes, &["CLIENT", "REPLY", "ON"]);
        }
        encode_to(&mut bytes, &["ECHO", "end"]);
        let mut talk = |side: usize| -> io::Result<Vec<u8>> {
            let client = &mut self.sides[side].clients[op.conn];
            client.send(&bytes)?;
            let mut all = Vec::new();
            loop {
                let (value, bytes) = client.reply_and_bytes()?;
                all.extend(bytes);
                if value == Value::bulk("end") {
                    return Ok(all);
                }
            }
        };
        let (one, two) = (talk(0), talk(1));
        let (one, two) =
            (one.map_err(|error| lost(at, op, &error))?, two.map_err(|error| lost(at, op, &error))?);
        if one == two { Ok(()) } else { Err(difference(at, op, &one, &two)) }
    }

    /// All databases by SCAN, which removes what has expired, then their sizes and the digest of everything.
    fn checkpoint(&mut self, at: usize, form: Form) -> Result<(), Failure> {
        let [one, two] = [0, 1].map(|side| {
            // Greylag knows how 7.0 prints scores that it computed, too.
            let digest: &[&str] = match self.servers()[side].kind().is_redis() {
                true => &["DEBUG", "DIGEST"],
                false => &["DEBUG", "DIGEST", "7.0"],
            };
            let admin = &mut self.sides[side].admin;
            let mut seen = String::new();
            if form == Form::Reload {
                seen.push_str(&format!("reload {}\n", admin.command(&["DEBUG", "RELOAD"])?));
            }
            for db in 0..DATABASES {
                admin.command(&["SELECT", &db.to_string()])?;
                let keys = scan(admin, &[b"SCAN", &b"0"[..]])?.unwrap_or_default();
                let keys: Vec<String> = keys.iter().map(|key| quoted(key)).collect();
                let size = admin.command(&["DBSIZE"])?;
                if !keys.is_empty() || size != Value::Int(0) {
                    seen.push_str(&format!("db {db}, {size}: {}\n", keys.join(" ")));
                }
            }
            seen.push_str(&format!("digest {}", admin.command(digest)?));
            io::Result::Ok(seen)
        });
        match (one, two) {
            (Ok(one), Ok(two)) if one == two => Ok(()),
            (one, two) => {
                let text = |seen: io::Result<String>| seen.unwrap_or_else(|error| error.to_string());
                let text = format!("checkpoint\noracle:\n{}\nunder test:\n{}", text(one), text(two));
                Err(Failure { at, text: format!("{text}\n{}", self.different_keys()) })
            }
        }
    }

    /// Which keys make the digests differ.
    fn different_keys(&mut self) -> String {
        let mut told = String::new();
        for db in 0..DATABASES {
            let mut look = |side: usize| -> io::Result<Vec<(Vec<u8>, String)>> {
                let admin = &mut self.sides[side].admin;
                admin.command(&["SELECT", &db.to_string()])?;
                let keys = scan(admin, &[b"SCAN", &b"0"[..]])?.unwrap_or_default();
                let mut found = Vec::new();
                for key in keys {
                    let value = admin.command(&[b"GET", key.as_slice()])?;
                    let at = admin.command(&[b"PEXPIRETIME", key.as_slice()])?;
                    found.push((key, format!("{value} until {at}")));
                }
                Ok(found)
            };
            if let (Ok(one), Ok(two)) = (look(0), look(1)) {
                for (key, value) in one.iter().filter(|entry| !two.contains(entry)) {
                    told.push_str(&format!("oracle only, db {db}: {} = {value}\n", quoted(key)));
                }
                for (key, value) in two.iter().filter(|entry| !one.contains(entry)) {
                    told.push_str(&format!("under test only, db {db}: {} = {value}\n", quoted(key)));
                }
            }
        }
        told
    }
}

/// Operations that go together: over one connection, not too many, and nothing after QUIT.
fn batch_len(ops: &[Op]) -> usize {
    let plain = |op: &Op| matches!(op.form, Form::Array | Form::Inline);
    let mut bytes = 0;
    let mut len = 0;
    for op in ops.iter().take(BATCH_OPS) {
        bytes += op.argv.iter().map(Vec::len).sum::<usize>();
        if op.conn != ops[0].conn || !plain(op) || (0 < len && BATCH_BYTES < bytes) {
            break;
        }
        len += 1;
        if op.is_named("quit") {
            break;
        }
    }
    len.max(1)
}

/// Whether MULTI's queue is empty after this reply. What is refused, for its arity or inside MULTI, changes nothing.
fn ends_queue(op: &Op, reply: &Value) -> bool {
    match reply {
        Value::Error(text) => op.is_named("exec") && text.starts_with(b"EXECABORT"),
        _ => ["exec", "discard", "reset", "multi"].iter().any(|name| op.is_named(name)),
    }
}

fn encode_op(out: &mut Vec<u8>, op: &Op) {
    match op.form {
        Form::Inline => {
            let words: Vec<String> = op.argv.iter().map(|word| quoted(word)).collect();
            out.extend_from_slice(words.join(" ").as_bytes());
            out.extend_from_slice(b"\r\n");
        }
        _ => encode_to(out, &op.argv),
    }
}

/// The results of EXEC, each compared as its command asks. The error tells of the first that differs.
fn same_results(queue: &[Op], one: &Value, two: &Value, accepted: &Accepted) -> Result<(), String> {
    let (Value::Array(one), Value::Array(two)) = (one, two) else {
        return Err("not both have results".into());
    };
    if one.len() != queue.len() || two.len() != queue.len() {
        return Err(format!("{} and {} results of {} commands", one.len(), two.len(), queue.len()));
    }
    for (op, (one, two)) in queue.iter().zip(one.iter().zip(two)) {
        let encoded = |value: &Value| {
            let mut out = Vec::new();
            value.encode(&mut out);
            out
        };
        if !op.class.same(one, two) && !accepted.allows(op, &encoded(one), &encoded(two)) {
            return Err(format!("{}: {} and {}", op.text(), quoted(&encoded(one)), quoted(&encoded(two))));
        }
    }
    Ok(())
}

/// A whole iteration: the keys found, or the error that ended it.
fn scan<A: AsRef<[u8]>>(client: &mut Client, argv: &[A]) -> io::Result<Result<BTreeSet<Vec<u8>>, Value>> {
    let mut argv: Vec<Vec<u8>> = argv.iter().map(|word| word.as_ref().to_vec()).collect();
    let mut found = BTreeSet::new();
    for _ in 0..SCAN_STEPS_MAX {
        let reply = client.command(&argv)?;
        let Value::Array(parts) = &reply else { return Ok(Err(reply)) };
        let [Value::Bulk(cursor), Value::Array(keys)] = parts.as_slice() else { return Ok(Err(reply)) };
        for key in keys {
            let Value::Bulk(key) = key else { return Ok(Err(reply)) };
            found.insert(key.clone());
        }
        if cursor == b"0" {
            return Ok(Ok(found));
        }
        argv[1] = cursor.clone();
    }
    Err(io::Error::other("SCAN does not come to its end"))
}

fn difference(at: usize, op: &Op, one: &[u8], two: &[u8]) -> Failure {
    let text = format!("{}\noracle:     {}\nunder test: {}", op.text(), quoted(one), quoted(two));
    Failure { at, text }
}

fn lost(at: usize, op: &Op, error: &io::Error) -> Failure {
    Failure { at, text: format!("{}\n{error}", op.text()) }
}
