//! What the writers do: random commands of every kind that moves keys, alone or several in one MULTI.
//!
//! Commands that the engine doesn't have (yet) are left out. The keys of a pair are written together or not at all.

use base::rng::Rng;
use engine::row::Row;
use engine::{Engine, Origin, Scratch, commands};
use resp::{OwnedArgs, Proto, Reply};

pub const PAIRS: u64 = 3;
const KEYS: u64 = 24;
pub const DATABASES: u32 = 3;

pub fn pair_keys(pair: u64) -> [Vec<u8>; 2] {
    [format!("pair:{pair}:a").into_bytes(), format!("pair:{pair}:b").into_bytes()]
}

type Command = Vec<Vec<u8>>;

/// One unit: what runs in one transaction, in one database.
pub struct Unit {
    db: u32,
    commands: Vec<Command>,
}

impl Unit {
    pub fn random(rng: &mut Rng, value_bytes_max: u64) -> Self {
        let db = if rng.one_in(3) { rng.below(u64::from(DATABASES)) as u32 } else { 0 };
        let commands = match rng.below(8) {
            0 => pair(rng),
            1 => (0..2 + rng.below(3)).map(|_| command(rng, value_bytes_max)).collect(),
            _ => vec![command(rng, value_bytes_max)],
        };
        Self { db, commands }
    }

    /// Only reads: what a replica answers to clients too. A key whose time has passed is met, and stays.
    pub fn reads(rng: &mut Rng) -> Self {
        let db = rng.below(u64::from(DATABASES)) as u32;
        let commands = (0..3).map(|_| vec![b"GET".to_vec(), key(rng).into_bytes()]).collect();
        Self { db, commands }
    }

    /// Runs it as a client's EXEC does. The text of what ran, for the trace.
    pub fn run(&self, engine: &Engine, scratch: &mut Scratch, now_ms: i64) -> String {
        let rows: Vec<(&Row, OwnedArgs)> = self
            .commands
            .iter()
            .filter_map(|argv| {
                let slices: Vec<&[u8]> = argv.iter().map(Vec::as_slice).collect();
                let row = commands::find(slices[0]).filter(|row| row.meta.accepts(slices.len()))?;
                Some((row, OwnedArgs::from_slices(&slices)))
            })
            .collect();
        let locks = rows.iter().map(|(row, args)| engine.locks_of(&row.meta, args.as_args(), scratch));
        let locks = locks.fold(ds::striped::LockSet::EMPTY, |all, one| all.union(one));
        scratch.forget_key();
        let mut txn = engine.begin(scratch, locks, now_ms, self.db, Origin::Client);
        let (mut text, mut replies) = (format!("db {}:", self.db), Vec::new());
        for (row, args) in &rows {
            replies.clear();
            let outcome = txn.call(row, args.as_args(), &mut Reply::new(&mut replies, Proto::Resp2));
            let mark = if outcome.is_err() { "!" } else { "" };
            text.push_str(&format!(" [{:?}{mark}]", args.as_args()));
        }
        txn.commit();
        scratch.trash.clear();
        text
    }
}

fn pair(rng: &mut Rng) -> Vec<Command> {
    let value = rng.below(1000).to_string().into_bytes();
    pair_keys(rng.below(PAIRS)).into_iter().map(|key| vec![b"SET".to_vec(), key, value.clone()]).collect()
}

fn key(rng: &mut Rng) -> String {
    format!("k{}", rng.below(KEYS))
}

fn value(rng: &mut Rng, bytes_max: u64) -> String {
    match rng.below(4) {
        0 => rng.below(1000).to_string(),
        1 => "x".repeat(rng.below(bytes_max) as usize),
        _ => format!("v{}", rng.next_u64() % 100_000),
    }
}

fn command(rng: &mut Rng, value_bytes_max: u64) -> Command {
    let (a, b, v) = (key(rng), key(rng), value(rng, value_bytes_max));
    let ms = 1 + rng.below(4000);
    let n = rng.below(100);
    let (x, y) = (rng.below(u64::from(DATABASES)), rng.below(u64::from(DATABASES)));
    let text = match rng.below(40) {
        0..8 => format!("SET {a} {v}"),
        8..12 => format!("SET {a} v{n} PX {ms}"),
        12 => format!("SET {a} v{n} KEEPTTL"),
        13 => format!("SETEX {a} {} {n}", 1 + n % 4),
        14 | 15 => format!("PEXPIRE {a} {ms}"),
        16 => format!("EXPIRE {a} {}", n % 3),
        17 => format!("PERSIST {a}"),
        18 | 19 => format!("DEL {a} {b}"),
        20 => format!("UNLINK {a}"),
        21 | 22 => format!("INCRBY {a} {n}"),
        23 => format!("INCRBYFLOAT {a} 0.{n}"),
        24 | 25 => format!("APPEND {a} {n}"),
        26 => format!("SETRANGE {a} {} xy", n % 20),
        27 => format!("GETDEL {a}"),
        28 => format!("GETEX {a} PX {ms}"),
        29 => format!("GETSET {a} {n}"),
        30 => format!("MSET {a} 1 {b} 2"),
        31 => format!("MSETNX {a} 1 {b} 2"),
        32 => format!("RENAME {a} {b}"),
        33 => format!("RENAMENX {a} {b}"),
        34 => format!("COPY {a} {b} DB {x} REPLACE"),
        35 => format!("MOVE {a} {x}"),
        36 if rng.one_in(6) => format!("SWAPDB {x} {y}"),
        37 if rng.one_in(10) => format!("FLUSHDB{}", if n < 50 { " ASYNC" } else { "" }),
        38 if rng.one_in(20) => "FLUSHALL".into(),
        _ => format!("GET {a}"),
    };
    text.split(' ').map(|word| word.as_bytes().to_vec()).collect()
}
