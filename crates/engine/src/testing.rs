//! Scripts for tests: requests line by line against an engine with a clock of its own, replies and log as text.
//!
//! A line is `request -> reply | effects`. What is not written is not compared: a line without ` -> ` is just run.
//! Effects are the commands that reached the log, separated by ` ; ` (SELECT where the database changes; database 0
//! is selected at the start). Replies: `OK` a status, `"text"` a string, `7` an integer, `nil`, `[a, b]`, `{k: v}`,
//! `-ERR …` an error.
//!
//! Directives: `TICK ms` moves the clock; `TIME ms` sets it; `SELECT n`; `RESP 3`; `EXEC a / b` runs several
//! requests in one transaction; `POLICY lfu|lru|no` says what entries remember of their use; `PRIMARY request` runs one as the primary's stream does; `REPLICA yes|no`.

use crate::access::Measure;
use crate::apply::Applier;
use crate::commands;
use crate::debug;
use crate::digest::Scores;
use crate::engine::Engine;
use crate::row::Row;
use crate::txn::{Origin, Scratch};
use crate::{Done, Error};
use base::position::Offset;
use base::rng::Rng;
use ds::block::Cursor;
use ds::striped::LockSet;
use resp::line::split_args;
use resp::{Decoded, Decoder, Limits, OwnedArgs, Proto, Reply};
use std::fmt::Write as _;
use std::sync::atomic::Ordering::Relaxed;

pub(crate) struct Bench {
    pub engine: Engine,
    pub scratch: Scratch,
    pub now_ms: i64,
    pub db: u32,
    proto: Proto,
    /// How far the log has been looked at.
    read_to: Offset,
}

/// When scripts begin, in Unix ms.
pub(crate) const START_MS: i64 = 1_000_000;

impl Bench {
    pub fn new() -> Self {
        Self::with_shards(64)
    }

    pub fn with_shards(shards: u8) -> Self {
        Self::of(Engine::new(shards, 16, 7))
    }

    /// Whose tables lie in the order that the seed gives them.
    pub fn seeded(seed: u64) -> Self {
        Self::of(Engine::new(64, 16, seed))
    }

    fn of(engine: Engine) -> Self {
        engine.log.activate();
        engine.log.set_db(Some(0));
        let read_to = engine.log.end();
        Self { engine, scratch: Scratch::new(1), now_ms: START_MS, db: 0, proto: Proto::Resp2, read_to }
    }

    /// Runs one request as a client's; the reply's bytes.
    pub fn run(&mut self, argv: &[&[u8]]) -> Vec<u8> {
        self.run_units(&[argv.iter().map(|arg| arg.to_vec()).collect()], Origin::Client)
    }

    /// Runs requests in one transaction.
    fn run_units(&mut self, requests: &[Vec<Vec<u8>>], origin: Origin) -> Vec<u8> {
        let mut out = Vec::new();
        let owned: Vec<OwnedArgs> = requests
            .iter()
            .map(|words| OwnedArgs::from_slices(&words.iter().map(|word| &word[..]).collect::<Vec<_>>()))
            .collect();
        let rows: Vec<Result<&Row, Error>> = owned.iter().map(find).collect();
        let mut locks = LockSet::EMPTY;
        for (row, args) in rows.iter().zip(&owned) {
            if let Ok(row) = row {
                locks = locks.union(self.engine.locks_of(&row.meta, args.as_args(), &self.scratch));
            }
        }
        self.scratch.forget_key();
        let mut txn = self.engine.begin(&mut self.scratch, locks, self.now_ms, self.db, origin);
        for (row, args) in rows.into_iter().zip(&owned) {
            let mut reply = Reply::new(&mut out, self.proto);
            let done: Done = row.and_then(|row| txn.call(row, args.as_args(), &mut reply));
            if let Err(error) = done {
                reply.error_line(error.to_string().as_bytes());
            }
        }
        txn.commit();
        out
    }

    /// What was logged since the last look, as text.
    pub fn logged(&mut self) -> String {
        let mut bytes = Vec::new();
        let mut cursor = self.engine.log.cursor(self.read_to).expect("the log is kept");
        loop {
            let chunk = cursor.chunk();
            if chunk.is_empty() {
                break;
            }
            bytes.extend_from_slice(chunk);
            let len = chunk.len();
            cursor.advance(len);
        }
        self.read_to = self.engine.log.end();
        requests_of(&bytes).join(" ; ")
    }

    fn step(&mut self, line: &str) -> String {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let number = || rest.trim().parse::<i64>().expect("a number");
        match word {
            "TICK" => self.now_ms += number(),
            "TIME" => self.now_ms = number(),
            "SELECT" => self.db = number() as u32,
            "RESP" => self.proto = if number() == 3 { Proto::Resp3 } else { Proto::Resp2 },
            "REPLICA" => {
                self.engine.change_state(|state| {
                    state.set_replica(rest == "yes");
                });
            }
            "STRINGS-MAX" => self.engine.settings.string_bytes_max.store(number() as usize, Relaxed),
            "POLICY" => self.engine.settings.measure.set(match rest {
                "lfu" => Measure::frequency(10, 1),
                "lru" => Measure::TOLD_TIME,
                _ => Measure::TIME,
            }),
            "LAZY" => {
                let settings = &self.engine.settings;
                for setting in [&settings.lazy_expire, &settings.lazy_user_del, &settings.lazy_server_del] {
                    setting.store(rest == "yes", Relaxed);
                }
            }
            "EXEC" => {
                let requests: Vec<_> = rest.split(" / ").map(words).collect();
                return texts(&self.run_units(&requests, Origin::Client)).join(" / ");
            }
            "PRIMARY" => return texts(&self.run_units(&[words(rest)], Origin::Primary)).join(" / "),
            _ => return texts(&self.run_units(&[words(line)], Origin::Client)).join(" / "),
        }
        String::new()
    }
}

fn words(line: &str) -> Vec<Vec<u8>> {
    split_args(line.as_bytes()).expect("quotes are balanced")
}

fn find(args: &OwnedArgs) -> Result<&'static Row, Error> {
    let args = args.as_args();
    let name = String::from_utf8_lossy(args.name()).to_ascii_lowercase();
    let row = commands::find(args.name()).unwrap_or_else(|| panic!("no command {name}"));
    let meta = row.meta.of_request(args);
    if !row.meta.accepts(args.len()) {
        return Err(Error::Arity { command: name });
    }
    if !meta.accepts(args.len()) {
        return Err(Error::Arity { command: format!("{name}|{}", meta.name) });
    }
    Ok(row)
}

/// Runs a script on a fresh engine.
#[track_caller]
pub(crate) fn check(script: &str) {
    check_on(&mut Bench::new(), script);
}

#[track_caller]
pub(crate) fn check_on(bench: &mut Bench, script: &str) {
    let mut failures = String::new();
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (request, expected) = match line.split_once(" ->") {
            Some((request, expected)) => (request.trim(), Some(expected)),
            None => (line, None),
        };
        bench.logged();
        let reply = bench.step(request);
        let logged = bench.logged();
        let Some(expected) = expected else { continue };
        let (wanted, effects) = match expected.rsplit_once(" |") {
            Some((wanted, effects)) => (wanted.trim(), Some(effects.trim())),
            None => (expected.trim(), None),
        };
        if reply != wanted || effects.is_some_and(|effects| effects != logged) {
            writeln!(failures, "{line}\n    gave  {reply} | {logged}").expect("a string grows");
        }
    }
    assert!(failures.is_empty(), "\n{failures}");
}

/// The requests in a stretch of the log, as lines of words.
pub(crate) fn requests_of(bytes: &[u8]) -> Vec<String> {
    let mut decoder = Decoder::new();
    let limits = Limits::unlimited();
    let (mut spans, mut at, mut found) = (Vec::new(), 0, Vec::new());
    while at < bytes.len() {
        let Ok(Decoded::Request { bytes: len, first_span, spans: count, .. }) =
            decoder.next(&bytes[at..], &limits, &mut spans)
        else {
            panic!("the log holds whole requests: {}", bytes[at..].escape_ascii())
        };
        let args = resp::Args::new(&bytes[at..at + len], &spans[first_span..first_span + count]);
        found.push(args.iter().map(word).collect::<Vec<_>>().join(" "));
        at += len;
    }
    found
}

/// A word as a script would write it.
fn word(bytes: &[u8]) -> String {
    let plain =
        !bytes.is_empty() && bytes.iter().all(|c| c.is_ascii_graphic() && !matches!(c, b'"' | b'\\' | b'\''));
    if plain { String::from_utf8_lossy(bytes).into_owned() } else { format!("\"{}\"", bytes.escape_ascii()) }
}

/// Replies as text.
pub(crate) fn texts(mut bytes: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let (text, rest) = text(bytes);
        found.push(text);
        bytes = rest;
    }
    found
}

fn text(bytes: &[u8]) -> (String, &[u8]) {
    let end = bytes.windows(2).position(|pair| pair == b"\r\n").expect("a reply ends its line");
    let (head, rest) = (&bytes[1..end], &bytes[end + 2..]);
    let line = String::from_utf8_lossy(head).into_owned();
    let count = line.parse::<i64>().unwrap_or(0);
    match bytes[0] {
        b'-' => (format!("-{line}"), rest),
        b'_' => ("nil".into(), rest),
        b'$' | b'*' if count < 0 => ("nil".into(), rest),
        b'$' => {
            let (body, rest) = rest.split_at(count as usize);
            (format!("\"{}\"", body.escape_ascii()), &rest[2..])
        }
        b'*' | b'~' => {
            let (items, rest) = items(rest, count as usize);
            (format!("[{}]", items.join(", ")), rest)
        }
        b'%' => {
            let (items, rest) = items(rest, 2 * count as usize);
            let pairs: Vec<String> = items.chunks(2).map(|pair| pair.join(": ")).collect();
            (format!("{{{}}}", pairs.join(", ")), rest)
        }
        _ => (line, rest),
    }
}

fn items(mut rest: &[u8], count: usize) -> (Vec<String>, &[u8]) {
    let mut found = Vec::new();
    for _ in 0..count {
        let (item, after) = text(rest);
        found.push(item);
        rest = after;
    }
    (found, rest)
}

/// A second engine, a replica, that is fed with what a first one logs from here on.
pub struct Follower {
    engine: Engine,
    cursor: Cursor,
}

impl Follower {
    /// The replica's clock, which stands still far ahead: nothing there may go by it.
    const NOW_MS: i64 = 900_000_000_000;

    pub fn of(bench: &Bench, rng: &mut Rng) -> Self {
        let engine = Engine::new(1 << rng.below(7), 16, rng.next_u64());
        engine.change_state(|state| {
            state.set_replica(true);
        });
        engine.log.activate();
        let cursor = bench.engine.log.cursor(bench.engine.log.end()).expect("the log is kept");
        Self { engine, cursor }
    }

    /// Feeds all that was logged: the data are the same then.
    pub fn check(mut self, bench: &Bench, seed: u64) {
        let (mut scratch, mut notes) = (Scratch::new(0), Vec::new());
        let mut applier = Applier::new(0, self.engine.role_epoch());
        while !self.cursor.chunk().is_empty() {
            let bytes = self.cursor.chunk().to_vec();
            self.cursor.advance(bytes.len());
            let fed = applier.feed(&self.engine, &mut scratch, Self::NOW_MS, &bytes, &mut notes);
            fed.expect("the log is a stream");
        }
        assert_eq!(notes, [], "seed {seed}: a logged command failed on the replica");
        let digest = |engine: &Engine| {
            let mut scratch = Scratch::new(0);
            let txn = engine.begin(&mut scratch, engine.all_locks(), 0, 0, Origin::Primary);
            debug::digest(&txn, Scores::Shortest)
        };
        assert_eq!(
            digest(&self.engine),
            digest(&bench.engine),
            "seed {seed}: the log does not make the same data"
        );
    }
}
