//! The engine inside one process: what workers do with a request, without sockets.
//!
//! Each thread copies a group of requests into its input buffer (as a read would), decodes it, looks up the
//! commands, hashes the keys, prefetches, and runs each command in a transaction of its own, replies included.
//! Printed are commands per second of the threads' CPU time, and what two threads do compared with one: from the
//! round in which a command cost least, as that is what it costs when nobody else disturbs. The ratio by the wall
//! clock is the median over interleaved rounds; it says something only where both cores are idle but for this.
//!
//! `engine-bench [--keys N] [--commands N] [--rounds N] [--mix get|set|both] [--prefetch 0|1]`

use base::rng::Rng;
use bench::measure::{median, thread_cpu_ns};
use bench::workload::{Mix, Requests, key, value};
use engine::commands::find;
use engine::{Engine, Origin, Row, SHARDS, Scratch, Stage, Ttl};
use resp::{Args, Decoded, Decoder, Limits, Proto, Reply, Span};
use std::sync::Barrier;
use std::time::Instant;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Any time does: no key expires.
const NOW_MS: i64 = 1_700_000_000_000;
const GROUPS: [usize; 3] = [1, 16, 32];

struct Options {
    keys: u64,
    commands: usize,
    rounds: usize,
    mix: Mix,
    prefetch: bool,
}

fn main() {
    let options = match options() {
        Ok(options) => options,
        Err(error) => {
            eprintln!("engine-bench: {error}");
            std::process::exit(2);
        }
    };
    let engine = Engine::new(SHARDS, 16, 7);
    fill(&engine, options.keys);
    println!("{} keys, {:?}, {} commands per thread and round", options.keys, options.mix, options.commands);
    println!("\n| log | group | 1 thread | 2 threads | 2 : 1 | 2 : 1 by wall | ns (1) | ns (2) |");
    println!("|---|---|---|---|---|---|---|---|");
    for active in [false, true] {
        if active {
            engine.log.activate();
        }
        for group in GROUPS {
            measure(&engine, &options, group, if active { "active" } else { "inactive" });
        }
    }
}

fn options() -> Result<Options, String> {
    let mut options =
        Options { keys: 1_000_000, commands: 500_000, rounds: 15, mix: Mix::Both, prefetch: true };
    let mut args = std::env::args().skip(1);
    while let Some(name) = args.next() {
        let value = args.next().ok_or(format!("{name} needs a value"))?;
        let number = || value.parse::<u64>().map_err(|error| format!("{name} {value}: {error}"));
        match name.as_str() {
            "--keys" => options.keys = number()?.max(1),
            "--commands" => options.commands = number()?.max(1) as usize,
            "--rounds" => options.rounds = number()?.max(1) as usize,
            "--prefetch" => options.prefetch = number()? != 0,
            "--mix" => {
                options.mix = match value.as_str() {
                    "get" => Mix::Get,
                    "set" => Mix::Set,
                    "both" => Mix::Both,
                    _ => return Err(format!("--mix {value}: get, set or both")),
                }
            }
            _ => return Err(format!("unknown option {name}")),
        }
    }
    Ok(options)
}

fn fill(engine: &Engine, keys: u64) {
    let mut rng = Rng::new(1);
    let mut scratch = Scratch::new(1);
    for n in 0..keys {
        let key = key(n);
        let mut txn = engine.begin(&mut scratch, engine.lock_of(&key), NOW_MS, 0, Origin::Client);
        txn.put_str(&key, &value(&mut rng), Ttl::Clear);
        txn.commit();
        scratch.forget_key();
    }
}

/// One thread's figures of a round.
#[derive(Clone, Copy)]
struct Cost {
    wall_s: f64,
    cpu_s: f64,
}

fn measure(engine: &Engine, options: &Options, group: usize, log: &str) {
    let requests: Vec<Requests> = (0..2)
        .map(|seed| Requests::new(seed + 10, options.mix, options.commands, group, options.keys))
        .collect();
    round(engine, &requests[..1], options); // caches, page tables, branch predictors
    let mut by_wall = Vec::new();
    let mut one = Vec::new();
    let mut two = Vec::new();
    for i in 0..options.rounds {
        let single = |thread: usize| round(engine, &requests[thread..=thread], options);
        // Both threads' requests alone too, in turn, so that each side has the same work.
        let (a, both) = if i % 2 == 0 {
            let a = single(i / 2 % 2);
            (a, round(engine, &requests, options))
        } else {
            let both = round(engine, &requests, options);
            (single(i / 2 % 2), both)
        };
        let slowest = both.iter().map(|cost| cost.wall_s).fold(0.0, f64::max);
        let cpu = both.iter().map(|cost| cost.cpu_s).sum::<f64>() / 2.0;
        by_wall.push(2.0 * a[0].wall_s / slowest);
        one.push(a[0].cpu_s);
        two.push(cpu);
    }
    // What a command costs is what it costs when nobody disturbs: the least of all rounds.
    let least = |costs: &[f64]| costs.iter().copied().fold(f64::INFINITY, f64::min);
    let (one, two) = (least(&one), least(&two));
    let commands = options.commands as f64;
    println!(
        "| {log} | {group} | {:.2} M/s | {:.2} M/s | {:.2} | {:.2} | {:.0} | {:.0} |",
        commands / one / 1e6,
        2.0 * commands / two / 1e6,
        2.0 * one / two,
        median(&by_wall),
        one / commands * 1e9,
        two / commands * 1e9,
    );
}

/// Runs each of `requests` on a thread of its own, all at once.
fn round(engine: &Engine, requests: &[Requests], options: &Options) -> Vec<Cost> {
    let barrier = Barrier::new(requests.len());
    std::thread::scope(|scope| {
        let threads: Vec<_> = requests
            .iter()
            .map(|requests| {
                let barrier = &barrier;
                scope.spawn(move || {
                    let mut worker = Worker::new(engine, options.prefetch);
                    barrier.wait();
                    let cpu = thread_cpu_ns().expect("Linux has schedstat");
                    let started = Instant::now();
                    for group in requests.groups() {
                        worker.turn(group);
                    }
                    let wall_s = started.elapsed().as_secs_f64();
                    // Given up once, so that the kernel brings the thread's account up to date.
                    std::thread::yield_now();
                    let cpu = thread_cpu_ns().expect("Linux has schedstat") - cpu;
                    assert!(worker.executed == requests.count);
                    Cost { wall_s, cpu_s: cpu as f64 / 1e9 }
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("a worker panicked")).collect()
    })
}

struct Request {
    at: usize,
    bytes: usize,
    first_span: usize,
    spans: usize,
    row: &'static Row,
    hash: u64,
}

/// What the server's worker does with what it has read.
struct Worker<'e> {
    engine: &'e Engine,
    prefetch: bool,
    scratch: Scratch,
    decoder: Decoder,
    spans: Vec<Span>,
    batch: Vec<Request>,
    input: Vec<u8>,
    output: Vec<u8>,
    executed: usize,
}

impl<'e> Worker<'e> {
    fn new(engine: &'e Engine, prefetch: bool) -> Self {
        Self {
            engine,
            prefetch,
            scratch: Scratch::new(3),
            decoder: Decoder::new(),
            spans: Vec::new(),
            batch: Vec::new(),
            input: Vec::new(),
            output: Vec::new(),
            executed: 0,
        }
    }

    fn turn(&mut self, read: &[u8]) {
        self.input.clear();
        self.input.extend_from_slice(read);
        self.output.clear();
        self.decode();
        if self.prefetch && 1 < self.batch.len() {
            for stage in [Stage::Slot, Stage::Entry] {
                self.batch.iter().for_each(|request| self.engine.prefetch(0, request.hash, stage));
            }
        }
        for request in &self.batch {
            let args = Args::new(
                &self.input[request.at..][..request.bytes],
                &self.spans[request.first_span..][..request.spans],
            );
            self.scratch.remember_key(args.at(1), request.hash);
            let locks = self.engine.locks_of(&request.row.meta, args, &self.scratch);
            let mut txn = self.engine.begin(&mut self.scratch, locks, NOW_MS, 0, Origin::Client);
            let result = txn.call(request.row, args, &mut Reply::new(&mut self.output, Proto::Resp2));
            txn.commit();
            assert!(result.is_ok());
        }
        self.executed += self.batch.len();
    }

    fn decode(&mut self) {
        let limits = Limits::default();
        self.spans.clear();
        self.batch.clear();
        let mut at = 0;
        while at < self.input.len() {
            let decoded = self.decoder.next(&self.input[at..], &limits, &mut self.spans);
            let Ok(Decoded::Request { bytes, first_span, spans }) = decoded else { panic!("{decoded:?}") };
            let args = Args::new(&self.input[at..][..bytes], &self.spans[first_span..][..spans]);
            let row = find(args.name()).expect("GET and SET are commands");
            let hash = self.engine.hash(args.at(1));
            self.batch.push(Request { at, bytes, first_span, spans, row, hash });
            at += bytes;
        }
    }
}
