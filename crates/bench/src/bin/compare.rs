//! redis-server and Greylag in turn, under redis-benchmark: requests per second, the server's CPU time per request,
//! and bytes per key. Builds nothing: it is told where the servers are.
//!
//! `compare [GREYLAG-SERVER] [--redis PROGRAM] [--benchmark PROGRAM] [--keys N] [--rounds N] [--clients N]
//! [--io-threads N] [--only speed|memory]`
//!
//! Both servers hold the same keys (16 bytes, values of 64) and run at the same time, but only one of them is asked
//! at a time; in every round each has its turn, in alternating order. CPU time is that of all threads of the server,
//! from /proc. The ratios are medians over the rounds' ratios, Greylag to Redis.

use bench::measure::median;
use bench::process::{Server, run};
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Pipeline depths, and the requests of one run: a run takes some seconds.
const DEPTHS: [(u32, u64); 3] = [(1, 100_000), (16, 600_000), (64, 1_000_000)];
const COMMANDS: [&str; 2] = ["get", "set"];
const RUN_MAX: Duration = Duration::from_secs(180);
/// Keys at which memory is measured: segments of a table fill together, so one size says little.
const SIZES: [u64; 4] = [1_000_000, 1_250_000, 1_500_000, 1_750_000];

struct Options {
    greylag: PathBuf,
    redis: PathBuf,
    benchmark: PathBuf,
    keys: u64,
    rounds: usize,
    clients: u32,
    io_threads: u32,
    speed: bool,
    memory: bool,
}

fn main() -> ExitCode {
    let options = match options() {
        Ok(options) => options,
        Err(error) => {
            eprintln!("compare: {error}");
            return ExitCode::from(2);
        }
    };
    let memory = if options.memory { memory(&options) } else { Ok(()) };
    match memory.and_then(|()| if options.speed { speed(&options) } else { Ok(()) }) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("compare: {error}");
            ExitCode::FAILURE
        }
    }
}

fn options() -> Result<Options, String> {
    let mut options = Options {
        greylag: "target/release/greylag-server".into(),
        redis: "redis-server".into(),
        benchmark: "redis-benchmark".into(),
        keys: 1_000_000,
        rounds: 7,
        clients: 50,
        io_threads: 1,
        speed: true,
        memory: true,
    };
    let mut args = std::env::args().skip(1);
    while let Some(name) = args.next() {
        if !name.starts_with("--") {
            options.greylag = name.into();
            continue;
        }
        let value = args.next().ok_or(format!("{name} needs a value"))?;
        let number = || match value.parse::<u32>() {
            Ok(n) if 0 < n => Ok(n),
            _ => Err(format!("{name} {value}: a number above 0")),
        };
        match name.as_str() {
            "--redis" => options.redis = value.into(),
            "--benchmark" => options.benchmark = value.into(),
            "--keys" => options.keys = u64::from(number()?),
            "--rounds" => options.rounds = number()? as usize,
            "--clients" => options.clients = number()?,
            "--io-threads" => options.io_threads = number()?,
            "--only" => match value.as_str() {
                "speed" => options.memory = false,
                "memory" => options.speed = false,
                _ => return Err(format!("--only {value}: speed or memory")),
            },
            _ => return Err(format!("unknown option {name}")),
        }
    }
    Ok(options)
}

/// Redis first, Greylag second.
fn servers(options: &Options) -> io::Result<[Server; 2]> {
    let threads = ["--io-threads".to_string(), options.io_threads.to_string()];
    Ok([Server::start(&options.redis, &threads)?, Server::start(&options.greylag, &threads)?])
}

fn memory(options: &Options) -> io::Result<()> {
    let servers = servers(options)?;
    let before = [servers[0].settled_bytes()?, servers[1].settled_bytes()?];
    println!("Bytes per key (16-byte keys, 64-byte values), resident:\n");
    println!("| keys | Redis | Greylag | ratio |\n|---|---|---|---|");
    let mut sums = [0.0, 0.0];
    let mut loaded = 0;
    for size in SIZES {
        let mut figures = [0.0, 0.0];
        for (i, server) in servers.iter().enumerate() {
            server.load(loaded..size)?;
            figures[i] = (server.resident_bytes()? as f64 - before[i] as f64) / size as f64;
            sums[i] += figures[i];
        }
        loaded = size;
        println!("| {size} | {:.1} | {:.1} | {:.3} |", figures[0], figures[1], figures[1] / figures[0]);
    }
    let [redis, greylag] = sums.map(|sum| sum / SIZES.len() as f64);
    println!("| mean | {redis:.1} | {greylag:.1} | {:.3} |\n", greylag / redis);
    Ok(())
}

/// What one run of redis-benchmark gave.
#[derive(Clone, Copy)]
struct Run {
    requests_per_s: f64,
    cpu_us: f64,
}

fn speed(options: &Options) -> io::Result<()> {
    let servers = servers(options)?;
    for server in &servers {
        server.load(0..options.keys)?;
    }
    println!(
        "{} keys, {} clients, io-threads {}, {} rounds; CPU in µs of the server per request:\n",
        options.keys, options.clients, options.io_threads, options.rounds
    );
    println!(
        "| command | -P | Redis req/s | Greylag req/s | Redis CPU | Greylag CPU | CPU ratio | req/s ratio |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for (depth, requests) in DEPTHS {
        for command in COMMANDS {
            let mut runs: [Vec<Run>; 2] = [Vec::new(), Vec::new()];
            for round in 0..options.rounds {
                for turn in 0..2 {
                    let which = (round + turn) % 2;
                    runs[which].push(measure(options, &servers[which], command, depth, requests)?);
                }
            }
            report(command, depth, &runs);
        }
    }
    Ok(())
}

fn measure(options: &Options, server: &Server, command: &str, depth: u32, requests: u64) -> io::Result<Run> {
    let args = [
        ("-p", server.port.to_string()),
        ("-t", command.to_string()),
        ("-n", requests.to_string()),
        ("-r", options.keys.to_string()),
        ("-c", options.clients.to_string()),
        ("-P", depth.to_string()),
        ("-d", "64".to_string()),
    ];
    let mut args: Vec<String> =
        args.into_iter().flat_map(|(name, value)| [name.to_string(), value]).collect();
    args.push("--csv".to_string());
    let before = server.cpu_ns()?;
    let text = run(&options.benchmark, &args, RUN_MAX)?;
    let cpu_ns = server.cpu_ns()? - before;
    // A title line, then "GET","123456.78",…
    let line = text.lines().find(|line| line.to_ascii_lowercase().starts_with(&format!("\"{command}\"")));
    let rate = line.and_then(|line| line.split(',').nth(1)?.trim_matches('"').parse().ok());
    let requests_per_s = rate.ok_or_else(|| io::Error::other(format!("redis-benchmark said: {text}")))?;
    Ok(Run { requests_per_s, cpu_us: cpu_ns as f64 / 1000.0 / requests as f64 })
}

fn report(command: &str, depth: u32, runs: &[Vec<Run>; 2]) {
    let middle =
        |which: usize, figure: fn(&Run) -> f64| median(&runs[which].iter().map(figure).collect::<Vec<_>>());
    let ratio = |figure: fn(&Run) -> f64| {
        let ratios = runs[0].iter().zip(&runs[1]).map(|(redis, greylag)| figure(greylag) / figure(redis));
        median(&ratios.collect::<Vec<_>>())
    };
    println!(
        "| {} | {depth} | {:.0} | {:.0} | {:.3} | {:.3} | {:.2} | {:.2} |",
        command.to_uppercase(),
        middle(0, |run| run.requests_per_s),
        middle(1, |run| run.requests_per_s),
        middle(0, |run| run.cpu_us),
        middle(1, |run| run.cpu_us),
        ratio(|run| run.cpu_us),
        ratio(|run| run.requests_per_s),
    );
}
