//! Random commands against a model of a few lines, and the log against a second engine.
//!
//! The model is a map from key to bytes and expiry. Every reply that it can tell is compared, and at the end of a run
//! the whole data set. Snapshots are walked meanwhile and must hold what was there at their cut. All that is logged is
//! fed to another engine, whose clock stands still: it must hold the same data. A failure names its seed.

mod collections;

use crate::apply::{Applier, Note};
use crate::commands;
use crate::debug;
use crate::digest::{Digest, Scores, of_value};
use crate::engine::Engine;
use crate::load::Staging;
use crate::rdb::{Decoder, Item, Step};
use crate::snapshot::{Options, Snapshot, keep};
use crate::testing::{Bench, START_MS, check_on, texts};
use crate::txn::{Origin, Scratch};
use crate::value::as_str;
use base::number::parse_i64;
use base::rng::Rng;
use ds::block::Cursor;
use std::collections::BTreeMap;

const DATABASES: i64 = 3;
/// The replica's clock, which stands still far ahead: nothing there may go by it.
const REPLICA_MS: i64 = 900_000_000_000;

/// Commands as templates: K a key, V a value, N an integer, F a float, D a database, T a time in seconds and M one in
/// milliseconds from now, A and B points in time in seconds and milliseconds.
const TEMPLATES: &[&str] = &[
    "GET K",
    "GET K",
    "SET K V",
    "SET K V",
    "SET K V NX",
    "SET K V XX",
    "SET K V GET",
    "SET K V EX T",
    "SET K V PX M",
    "SET K V EXAT A NX",
    "SET K V PXAT B XX GET",
    "SET K V KEEPTTL",
    "SET K V KEEPTTL GET",
    "SET K N",
    "SETNX K V",
    "SETEX K T V",
    "PSETEX K M V",
    "GETSET K V",
    "GETDEL K",
    "GETEX K",
    "GETEX K EX T",
    "GETEX K PX M",
    "GETEX K EXAT A",
    "GETEX K PXAT B",
    "GETEX K PERSIST",
    "APPEND K V",
    "APPEND K N",
    "STRLEN K",
    "SETRANGE K N V",
    "GETRANGE K N N",
    "SUBSTR K N N",
    "INCR K",
    "DECR K",
    "INCRBY K N",
    "DECRBY K N",
    "INCRBYFLOAT K F",
    "MGET K K K",
    "MSET K V K V",
    "MSETNX K V K V",
    "DEL K",
    "DEL K K",
    "UNLINK K K",
    "EXISTS K K K",
    "TOUCH K K",
    "TYPE K",
    "EXPIRE K T",
    "EXPIRE K T NX",
    "EXPIRE K T XX",
    "EXPIRE K T GT",
    "EXPIRE K T LT",
    "PEXPIRE K M",
    "PEXPIRE K M XX GT",
    "EXPIREAT K A",
    "PEXPIREAT K B",
    "PEXPIREAT K B LT",
    "PERSIST K",
    "TTL K",
    "PTTL K",
    "EXPIRETIME K",
    "PEXPIRETIME K",
    "RENAME K K",
    "RENAMENX K K",
    "COPY K K",
    "COPY K K REPLACE",
    "COPY K K DB D",
    "COPY K K REPLACE DB D",
    "MOVE K D",
    "OBJECT ENCODING K",
    "LCS K K",
    "LCS K K IDX",
    "DUMP K",
    "RANDOMKEY",
    "KEYS *",
    "SCAN 0",
    "DBSIZE",
    "SELECT D",
    "TICK M",
    "TICK M",
];
/// These empty or exchange whole databases: more rarely.
const RARE: &[&str] = &["FLUSHDB", "FLUSHALL", "SWAPDB D D"];

const VALUES: &[&str] =
    &["", "0", "5", "-7", "3.5", "9223372036854775807", "-9223372036854775808", "007", "text", "a b\u{0}c"];

fn random_value(rng: &mut Rng) -> String {
    match rng.below(8) {
        0 => "v".repeat(rng.below(60) as usize),
        1 => "w".repeat(1000 + rng.below(60) as usize),
        _ => VALUES[rng.below(VALUES.len() as u64) as usize].into(),
    }
}

fn random_command(rng: &mut Rng, now_ms: i64) -> Vec<Vec<u8>> {
    let templates = if rng.one_in(60) { RARE } else { TEMPLATES };
    let template = templates[rng.below(templates.len() as u64) as usize];
    let between = |rng: &mut Rng, from: i64, to: i64| from + rng.below((to - from) as u64) as i64;
    let word = |word: &str| match word {
        "K" => format!("k{}", rng.below(7)),
        "V" => random_value(rng),
        "N" if rng.one_in(20) => i64::MAX.to_string(),
        "N" => between(rng, -12, 40).to_string(),
        "F" => ["0.1", "-1.5", "3", "1e3", "x", "0.25"][rng.below(6) as usize].into(),
        "D" => between(rng, 0, DATABASES).to_string(),
        "T" => between(rng, -1, 4).to_string(),
        "M" => between(rng, -20, 3000).to_string(),
        "A" => (now_ms / 1000 + between(rng, -1, 4)).to_string(),
        "B" => (now_ms + between(rng, -20, 3000)).to_string(),
        other => other.into(),
    };
    template.split(' ').map(word).map(String::into_bytes).collect()
}

type Data = BTreeMap<Vec<u8>, (Vec<u8>, Option<i64>)>;

struct Model {
    dbs: Vec<Data>,
    db: usize,
    now_ms: i64,
}

const NOT_INT: &str = "-ERR value is not an integer or out of range";

fn quoted(value: Option<&Vec<u8>>) -> String {
    value.map_or("nil".into(), |value| format!("\"{}\"", value.escape_ascii()))
}

impl Model {
    fn data(&mut self) -> &mut Data {
        &mut self.dbs[self.db]
    }

    fn forget_what_is_over(&mut self) {
        let now = self.now_ms;
        self.dbs.iter_mut().for_each(|data| data.retain(|_, (_, at)| at.is_none_or(|at| now <= at)));
    }

    fn value(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.dbs[self.db].get(key).map(|(value, _)| value.clone())
    }

    fn expiry(&self, key: &[u8]) -> Option<i64> {
        self.dbs[self.db].get(key).and_then(|(_, at)| *at)
    }

    /// Sets the expiry of a key that is there; a time that is over deletes it.
    fn expire(&mut self, key: &[u8], at: i64) {
        if at <= self.now_ms {
            self.data().remove(key);
        } else if let Some(entry) = self.data().get_mut(key) {
            entry.1 = Some(at);
        }
    }

    fn edit(&mut self, key: &[u8], value: Vec<u8>) {
        self.data().entry(key.to_vec()).or_default().0 = value;
    }

    /// What the command answers, where the model can tell it.
    fn run(&mut self, argv: &[Vec<u8>]) -> Option<String> {
        self.forget_what_is_over();
        let words: Vec<String> = argv.iter().map(|arg| String::from_utf8_lossy(arg).into_owned()).collect();
        let name = words[0].as_str();
        let key = argv.get(1).cloned().unwrap_or_default();
        let old = self.value(&key);
        let int = |i: usize| words[i].parse::<i64>().expect("templates give integers");
        let has = |word: &str| words[2..].iter().any(|w| w == word);
        Some(match name {
            "GET" => quoted(old.as_ref()),
            "STRLEN" => old.map_or(0, |value| value.len()).to_string(),
            "SET" => return Some(self.set(&key, argv, &words)),
            "SETNX" => {
                if old.is_none() {
                    self.data().insert(key, (argv[2].clone(), None));
                }
                i64::from(old.is_none()).to_string()
            }
            "SETEX" | "PSETEX" => {
                let scale = if name == "SETEX" { 1000 } else { 1 };
                if int(2) <= 0 {
                    return Some(format!("-ERR invalid expire time in '{}' command", name.to_lowercase()));
                }
                let at = self.now_ms + int(2) * scale;
                self.data().insert(key, (argv[3].clone(), Some(at)));
                "OK".into()
            }
            "GETSET" => {
                self.data().insert(key, (argv[2].clone(), None));
                quoted(old.as_ref())
            }
            "GETDEL" => {
                self.data().remove(&key);
                quoted(old.as_ref())
            }
            "GETEX" => return Some(self.getex(&key, &words)),
            "APPEND" => {
                let value = [old.unwrap_or_default(), argv[2].clone()].concat();
                let len = value.len();
                self.edit(&key, value);
                len.to_string()
            }
            "SETRANGE" => return Some(self.setrange(&key, old, int(2), &argv[3])),
            "GETRANGE" | "SUBSTR" => quoted(Some(&slice(&old.unwrap_or_default(), int(2), int(3)))),
            "INCR" => self.add(&key, old, Some(1)),
            "DECR" => self.add(&key, old, Some(-1)),
            "INCRBY" => self.add(&key, old, Some(int(2))),
            "DECRBY" => self.add(&key, old, int(2).checked_neg()),
            "MGET" => {
                let values: Vec<String> =
                    argv[1..].iter().map(|key| quoted(self.value(key).as_ref())).collect();
                format!("[{}]", values.join(", "))
            }
            "MSET" | "MSETNX" => {
                let free = argv[1..].iter().step_by(2).all(|key| self.value(key).is_none());
                if name == "MSETNX" && !free {
                    return Some("0".into());
                }
                for pair in argv[1..].chunks(2) {
                    self.data().insert(pair[0].clone(), (pair[1].clone(), None));
                }
                if name == "MSET" { "OK".into() } else { "1".into() }
            }
            "DEL" | "UNLINK" => {
                argv[1..].iter().filter(|key| self.data().remove(*key).is_some()).count().to_string()
            }
            "EXISTS" | "TOUCH" => {
                argv[1..].iter().filter(|key| self.value(key).is_some()).count().to_string()
            }
            "TYPE" => if old.is_some() { "string" } else { "none" }.into(),
            "EXPIRE" | "PEXPIRE" | "EXPIREAT" | "PEXPIREAT" => {
                let ms = int(2) * if name.starts_with('P') { 1 } else { 1000 };
                let at = ms + if name.ends_with("AT") { 0 } else { self.now_ms };
                let now = self.expiry(&key);
                let refused = (has("NX") && now.is_some())
                    || (has("XX") && now.is_none())
                    || (has("GT") && now.is_none_or(|now| at <= now))
                    || (has("LT") && now.is_some_and(|now| now <= at));
                if old.is_none() || refused {
                    return Some("0".into());
                }
                self.expire(&key, at);
                "1".into()
            }
            "PERSIST" => {
                let had = self.expiry(&key).is_some();
                if let Some(entry) = self.data().get_mut(&key) {
                    entry.1 = None;
                }
                i64::from(had).to_string()
            }
            "TTL" | "PTTL" | "EXPIRETIME" | "PEXPIRETIME" => match (old, self.expiry(&key)) {
                (None, _) => "-2".into(),
                (_, None) => "-1".into(),
                (_, Some(at)) => {
                    let ms = if name.ends_with("TIME") { at } else { at - self.now_ms };
                    if name.starts_with('P') { ms } else { (ms + 500) / 1000 }.to_string()
                }
            },
            "RENAME" | "RENAMENX" => {
                let Some(entry) = self.data().get(&key).cloned() else {
                    return Some("-ERR no such key".into());
                };
                let nx = name == "RENAMENX";
                if key == argv[2] || (nx && self.value(&argv[2]).is_some()) {
                    return Some(if nx { "0" } else { "OK" }.into());
                }
                self.data().remove(&key);
                self.data().insert(argv[2].clone(), entry);
                if nx { "1" } else { "OK" }.into()
            }
            "COPY" => {
                let db = words.iter().position(|word| word == "DB").map_or(self.db, |i| int(i + 1) as usize);
                if db == self.db && key == argv[2] {
                    return Some("-ERR source and destination objects are the same".into());
                }
                self.carry(&key, db, &argv[2], has("REPLACE"), false)
            }
            "MOVE" if int(2) as usize == self.db => "-ERR source and destination objects are the same".into(),
            "MOVE" => self.carry(&key, int(2) as usize, &key, false, true),
            "FLUSHDB" => {
                self.data().clear();
                "OK".into()
            }
            "FLUSHALL" => {
                self.dbs.iter_mut().for_each(Data::clear);
                "OK".into()
            }
            "SWAPDB" => {
                self.dbs.swap(int(1) as usize, int(2) as usize);
                "OK".into()
            }
            _ => return None,
        })
    }

    fn set(&mut self, key: &[u8], argv: &[Vec<u8>], words: &[String]) -> String {
        let options = &words[3..];
        let has = |word: &str| options.iter().any(|option| option == word);
        let time = |word: &str| {
            let i = options.iter().position(|option| option == word)?;
            options[i + 1].parse::<i64>().ok()
        };
        let now = self.now_ms;
        let times = [time("EX").map(|t| (t, t * 1000 + now)), time("PX").map(|t| (t, t + now))];
        let points = [time("EXAT").map(|t| (t, t * 1000)), time("PXAT").map(|t| (t, t))];
        let at = times.into_iter().chain(points).flatten().next();
        if at.is_some_and(|(given, _)| given <= 0) {
            return "-ERR invalid expire time in 'set' command".into();
        }
        let old = self.value(key);
        let answer = |done: bool| match (has("GET"), done) {
            (true, _) => quoted(old.as_ref()),
            (false, true) => "OK".into(),
            (false, false) => "nil".into(),
        };
        if (has("NX") && old.is_some()) || (has("XX") && old.is_none()) {
            return answer(false);
        }
        let expiry = if has("KEEPTTL") { self.expiry(key) } else { at.map(|(_, at)| at) };
        self.data().insert(key.to_vec(), (argv[2].clone(), expiry));
        answer(true)
    }

    fn getex(&mut self, key: &[u8], words: &[String]) -> String {
        let Some(value) = self.value(key) else { return "nil".into() };
        if let (Some(option), Some(time)) = (words.get(2), words.get(3)) {
            let time: i64 = time.parse().expect("templates give integers");
            if time <= 0 {
                return "-ERR invalid expire time in 'getex' command".into();
            }
            let ms = if option.starts_with("EX") { time * 1000 } else { time };
            self.expire(key, ms + if option.ends_with("AT") { 0 } else { self.now_ms });
        } else if words.len() == 3 {
            self.data().insert(key.to_vec(), (value.clone(), None));
        }
        quoted(Some(&value))
    }

    fn setrange(&mut self, key: &[u8], old: Option<Vec<u8>>, offset: i64, value: &[u8]) -> String {
        if offset < 0 {
            return "-ERR offset is out of range".into();
        }
        let mut bytes = old.unwrap_or_default();
        if value.is_empty() {
            return bytes.len().to_string();
        }
        if offset == i64::MAX {
            return "-ERR string exceeds maximum allowed size (proto-max-bulk-len)".into();
        }
        let (from, to) = (offset as usize, offset as usize + value.len());
        bytes.resize(bytes.len().max(to), 0);
        bytes[from..to].copy_from_slice(value);
        let len = bytes.len();
        self.edit(key, bytes);
        len.to_string()
    }

    fn add(&mut self, key: &[u8], old: Option<Vec<u8>>, n: Option<i64>) -> String {
        let Some(n) = n else { return "-ERR decrement would overflow".into() };
        let Some(old) = old.map_or(Some(0), |text| parse_i64(&text)) else { return NOT_INT.into() };
        let Some(sum) = old.checked_add(n) else {
            return "-ERR increment or decrement would overflow".into();
        };
        self.edit(key, sum.to_string().into_bytes());
        sum.to_string()
    }

    fn carry(&mut self, key: &[u8], db: usize, to: &[u8], replaces: bool, moves: bool) -> String {
        let Some(entry) = self.data().get(key).cloned() else { return "0".into() };
        if self.dbs[db].contains_key(to) && !replaces {
            return "0".into();
        }
        self.dbs[db].insert(to.to_vec(), entry);
        if moves {
            self.data().remove(key);
        }
        "1".into()
    }
}

fn slice(value: &[u8], start: i64, end: i64) -> Vec<u8> {
    let len = value.len() as i128;
    let place = |n: i64| if n < 0 { (len + i128::from(n)).max(0) } else { i128::from(n) };
    if start < 0 && end < 0 && end < start {
        return Vec::new();
    }
    (place(start)..=place(end).min(len - 1)).map(|i| value[i as usize]).collect()
}

/// Every key of a database with value and expiry, read through commands.
fn data_of(bench: &mut Bench, db: u32) -> Data {
    bench.db = db;
    let mut found = Data::new();
    for i in 0..7 {
        let key = format!("k{i}").into_bytes();
        let at = texts(&bench.run(&[b"PEXPIRETIME", &key])).concat();
        if at != "-2" {
            let reply = bench.run(&[b"GET", &key]);
            let body = reply.iter().position(|&c| c == b'\n').expect("a bulk string") + 1;
            let value = reply[body..reply.len() - 2].to_vec();
            found.insert(key, (value, at.parse().ok().filter(|&at| at != -1)));
        }
    }
    found
}

/// Everything that an engine holds, as it lies there: database, key, value (a digest for other types than strings),
/// expiry.
type Held = BTreeMap<(u32, Vec<u8>), (Vec<u8>, Option<i64>)>;

fn held(engine: &Engine) -> (Digest, Held) {
    let mut scratch = Scratch::new(0);
    let txn = engine.begin(&mut scratch, engine.all_locks(), 0, 0, Origin::Client);
    let mut found = Held::new();
    for db in 0..engine.databases() {
        for entry in txn.each_shard().filter_map(|shard| shard.db(db)).flat_map(|part| part.table.iter()) {
            let value = match as_str(entry.payload()) {
                Ok(text) => text.to_vec(),
                Err(_) => of_value(entry, Scores::Shortest).to_string().into_bytes(),
            };
            found.insert((db, entry.key().to_vec()), (value, entry.expiry()));
        }
    }
    (debug::digest(&txn, Scores::Shortest), found)
}

/// A snapshot that is walked while commands run: it must hold what was there when it was cut.
pub(crate) struct Walk {
    snapshot: Snapshot,
    expected: Held,
    bytes: Vec<u8>,
}

impl Walk {
    pub(crate) fn cut(bench: &mut Bench) -> Self {
        let (_, expected) = held(&bench.engine);
        let locks = bench.engine.all_locks();
        let mut txn = bench.engine.begin(&mut bench.scratch, locks, bench.now_ms, 0, Origin::Client);
        let options = Options { compress: true, checksum: true, data: true };
        let snapshot = Snapshot::cut(&mut txn, options, &[]).expect("no other snapshot runs");
        Self { snapshot, expected, bytes: Vec::new() }
    }

    /// Walks on; false when the file is whole, and holds what it should.
    pub(crate) fn step(&mut self, bench: &mut Bench, entries: usize, seed: u64) -> bool {
        let mut free = Vec::new();
        if self.snapshot.step(&bench.engine, entries, &mut keep(&mut self.bytes), &mut free) {
            return true;
        }
        let loaded = Engine::new(2, 16, seed);
        let mut staging = Staging::new(&loaded);
        let (mut decoder, mut rest, mut db) = (Decoder::shaping(bench.engine.shapes()), &self.bytes[..], 0);
        loop {
            let Ok(Step::Item { consumed, item }) = decoder.next(rest, true) else {
                panic!("seed {seed}: the snapshot can't be read")
            };
            rest = &rest[consumed..];
            match item {
                Item::SelectDb(to) => db = to,
                Item::Entry { key, value, expire_ms, .. } => {
                    let is_new = staging.add_value(&loaded, db, &key, value, expire_ms);
                    assert!(is_new, "seed {seed}: the snapshot has a key twice");
                }
                Item::Eof { .. } => break,
                _ => {}
            }
        }
        let mut scratch = Scratch::new(0);
        let mut txn = loaded.begin(&mut scratch, loaded.all_locks(), 0, 0, Origin::Primary);
        staging.install(&mut txn);
        txn.commit();
        let (_, found) = held(&loaded);
        assert_eq!(found, self.expected, "seed {seed}: the snapshot is not the cut");
        false
    }
}

/// Another engine, which is fed what the first one logs, in pieces of any size.
struct Replica {
    engine: Engine,
    scratch: Scratch,
    applier: Applier,
    cursor: Cursor,
    notes: Vec<Note>,
}

impl Replica {
    fn of(bench: &Bench, rng: &mut Rng) -> Self {
        let engine = Engine::new(1 << rng.below(7), 16, rng.next_u64());
        engine.change_state(|state| {
            state.set_replica(true);
        });
        engine.log.activate();
        let applier = Applier::new(0, engine.role_epoch());
        let cursor = bench.engine.log.cursor(bench.engine.log.end()).expect("the log is kept");
        Self { engine, scratch: Scratch::new(0), applier, cursor, notes: Vec::new() }
    }

    fn take_some(&mut self, rng: &mut Rng, seed: u64) {
        let mut bytes = Vec::new();
        while !self.cursor.chunk().is_empty() && !rng.one_in(4) {
            let len = 1 + rng.below(self.cursor.chunk().len() as u64) as usize;
            bytes.extend_from_slice(&self.cursor.chunk()[..len]);
            self.cursor.advance(len);
        }
        let Self { engine, scratch, applier, notes, .. } = self;
        let fed = applier.feed(engine, scratch, REPLICA_MS, &bytes, notes);
        fed.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    }

    fn take_all(&mut self) {
        while !self.cursor.chunk().is_empty() {
            let bytes = self.cursor.chunk().to_vec();
            self.cursor.advance(bytes.len());
            let Self { engine, scratch, applier, notes, .. } = self;
            applier.feed(engine, scratch, REPLICA_MS, &bytes, notes).expect("the log is a stream");
        }
    }
}

/// One run; the primary's log is applied by another engine in pieces of any size.
fn check_run(seed: u64, commands: u32) {
    let mut rng = Rng::new(seed);
    let mut bench = Bench::new();
    let mut model = Model { dbs: vec![Data::new(); DATABASES as usize], db: 0, now_ms: START_MS };
    let mut replica = Replica::of(&bench, &mut rng);
    let (mut walk, mut snapshots): (Option<Walk>, u32) = (None, 0);
    for step in 0..commands {
        let argv = random_command(&mut rng, bench.now_ms);
        match &argv[0][..] {
            b"TICK" => {
                bench.now_ms += parse_i64(&argv[1]).expect("a number").max(0);
                model.now_ms = bench.now_ms;
                continue;
            }
            b"SELECT" => {
                bench.db = parse_i64(&argv[1]).expect("a number") as u32;
                model.db = bench.db as usize;
                continue;
            }
            _ => {}
        }
        let words: Vec<&[u8]> = argv.iter().map(|arg| &arg[..]).collect();
        let reply = texts(&bench.run(&words)).concat();
        let shown: Vec<String> = argv.iter().map(|arg| arg.escape_ascii().to_string()).collect();
        match model.run(&argv) {
            Some(expected) => assert_eq!(reply, expected, "seed {seed}, step {step}: {shown:?}"),
            // The sum is the engine's to know: the model takes it over.
            None if argv[0] == b"INCRBYFLOAT" && !reply.starts_with('-') => {
                model.edit(&argv[1], reply.trim_matches('"').as_bytes().to_vec());
            }
            None => {}
        }
        if let Some(running) = &mut walk {
            if rng.one_in(2) && !running.step(&mut bench, 1 + rng.below(3) as usize, seed) {
                walk = None;
                snapshots += 1;
            }
        } else if rng.one_in(50) {
            walk = Some(Walk::cut(&mut bench));
        }
        if rng.one_in(5) {
            replica.take_some(&mut rng, seed);
        }
    }
    assert!(0 < snapshots, "seed {seed}: no snapshot ended");
    let db = bench.db;
    for i in 0..DATABASES as u32 {
        let data = data_of(&mut bench, i);
        model.forget_what_is_over();
        assert_eq!(data, model.dbs[i as usize], "seed {seed}: database {i} at the end");
    }
    bench.db = db;
    replica.take_all();
    assert_eq!(replica.notes, [], "seed {seed}: a logged command failed on the replica");
    assert_eq!(
        held(&replica.engine),
        held(&bench.engine),
        "seed {seed}: the log does not make the same data"
    );
}

#[test]
fn random_commands_do_what_the_model_does_and_log_what_they_did() {
    (0..60).for_each(|seed| check_run(seed, 1500));
}

/// A database whose last key went still has its tables; the walk took them for what it had skipped, and stopped.
#[test]
fn a_snapshot_passes_over_a_database_that_was_emptied() {
    let mut bench = Bench::new();
    check_on(&mut bench, "SET a 1\nDEL a\nSELECT 1\nSET a 2\nSELECT 2\nSET a 3\nDEL a\nSELECT 3\nSET b 4");
    let mut walk = Walk::cut(&mut bench);
    check_on(&mut bench, "SELECT 0\nSET a 5\nSELECT 2\nSET c 6\nFLUSHALL");
    while walk.step(&mut bench, 10, 0) {}
    assert_eq!(walk.expected.len(), 2);
}

/// Words that are right somewhere and wrong elsewhere.
const WORDS: &[&str] = &[
    "k0",
    "k1",
    "k2",
    "",
    "0",
    "1",
    "-1",
    "5",
    "16",
    "3000000000",
    "9223372036854775807",
    "-9223372036854775808",
    "1.5",
    "inf",
    "nan",
    "+1",
    " 1",
    "-0",
    "x",
    "*",
    "[k",
    "k\\",
    "a b\u{0}c",
    "NX",
    "XX",
    "GET",
    "EX",
    "PX",
    "EXAT",
    "PXAT",
    "KEEPTTL",
    "PERSIST",
    "GT",
    "LT",
    "REPLACE",
    "DB",
    "ABSTTL",
    "IDLETIME",
    "FREQ",
    "MATCH",
    "COUNT",
    "TYPE",
    "LEN",
    "IDX",
    "MINMATCHLEN",
    "WITHMATCHLEN",
    "ENCODING",
    "REFCOUNT",
    "HELP",
    "ASYNC",
    "SYNC",
    "LIMIT",
    "set",
    "s1",
    "u8",
    "i64",
    "#3",
    "OVERFLOW",
    "FAIL",
    "INCRBY",
    "SET",
    "km",
    "BYRADIUS",
    "FROMLONLAT",
    "FROMMEMBER",
    "STORE",
    "STOREDIST",
    "ANY",
    "GETREG",
    "TODENSE",
    "HYLL\u{1}\0\0\0\0\0\0\0\0\0\0\0\u{60}\0",
    "LEFT",
    "RIGHT",
    "BEFORE",
    "RANK",
    "list",
    "string",
    "INCR",
    "CH",
    "(1",
    "[k1",
    "-",
    "+",
    "REV",
    "BYSCORE",
    "BYLEX",
    "LIMIT",
    "WITHSCORES",
    "WITHSCORE",
    "WITHVALUES",
    "NOVALUES",
    "hash",
    "STREAMS",
    "GROUP",
    "MAXLEN",
    "MINID",
    "~",
    ">",
    "$",
    "1-1",
    "5-*",
    "CREATE",
    "SETID",
    "CREATECONSUMER",
    "DELCONSUMER",
    "STREAM",
    "FULL",
    "FORCE",
    "JUSTID",
    "NOACK",
    "MKSTREAM",
    "BY",
    "nosort",
    "k*",
    "#",
    "DESC",
    "ALPHA",
    "STORE",
    "FIELDS",
    "FIELDS",
    "FNX",
    "FXX",
];

/// What is alive in an engine.
fn alive(bench: &Bench) -> Held {
    let (_, mut found) = held(&bench.engine);
    found.retain(|_, (_, at)| at.is_none_or(|at| bench.now_ms <= at));
    found
}

/// Every command with arguments of any kind and number: one whole reply each, and an error changes nothing.
#[test]
fn no_request_panics_and_no_error_changes_anything() {
    let names: Vec<&str> = commands::FAMILIES.iter().copied().flatten().map(|row| row.meta.name).collect();
    for seed in 0..20 {
        let mut rng = Rng::new(seed);
        let mut bench = Bench::new();
        check_on(&mut bench, if rng.one_in(2) { "STRINGS-MAX 5000\nRESP 3" } else { "STRINGS-MAX 5000" });
        for _ in 0..2000 {
            let name = names[rng.below(names.len() as u64) as usize];
            let mut argv = vec![name.as_bytes()];
            for _ in 0..rng.below(7) {
                argv.push(WORDS[rng.below(WORDS.len() as u64) as usize].as_bytes());
            }
            let shown = argv.iter().map(|arg| arg.escape_ascii().to_string()).collect::<Vec<_>>().join(" ");
            let before = alive(&bench);
            bench.logged();
            let reply = texts(&bench.run(&argv));
            let logged = bench.logged();
            assert_eq!(reply.len(), 1, "seed {seed}: {shown}");
            // An error, not a negative integer.
            if reply[0].starts_with('-') && reply[0].as_bytes()[1].is_ascii_uppercase() {
                assert_eq!(alive(&bench), before, "seed {seed}: {shown}");
                // A key whose time was over may have gone meanwhile.
                let words = logged.split(" ; ").map(|effect| effect.split(' ').next().unwrap_or(""));
                let deletions =
                    words.filter(|word| !["", "MULTI", "EXEC"].contains(word)).all(|word| word == "DEL");
                assert!(deletions, "seed {seed}: {shown} logged {logged}");
            }
        }
    }
}
