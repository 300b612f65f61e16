//! redis-server and Greylag in turn: the server's CPU time per request, requests per second, bytes per key and per
//! element. Builds nothing: it is told where the servers are.
//!
//! `compare [GREYLAG-SERVER] [--redis PROGRAM] [--benchmark PROGRAM] [--keys N] [--rounds N] [--clients N]
//! [--io-threads N] [--only speed|memory|types|elements] [--case GLOB] [--quick]`
//!
//! Both servers hold the same keys and run at the same time, but only one of them is asked at a time; in every round
//! each has its turn, in alternating order. CPU time is that of all threads of the server, from /proc. The ratios are
//! medians over the rounds' ratios, Greylag to Redis. `--case` takes the cases of `types` whose group and command,
//! as `large set: SADD s e:%e`, match; `--quick` is one round.

mod elements;
mod memory;
mod speed;
mod types;

use bench::process::Server;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

struct Options {
    greylag: PathBuf,
    redis: PathBuf,
    benchmark: PathBuf,
    keys: u64,
    rounds: usize,
    clients: u32,
    io_threads: u32,
    /// Only this, else all.
    only: Option<&'static Part>,
    /// Which cases of the types.
    case: String,
}

type Measure = fn(&Options) -> io::Result<()>;

struct Part {
    name: &'static str,
    measure: Measure,
}

/// What is measured, in this order.
static PARTS: [Part; 4] = [
    Part { name: "memory", measure: memory::memory },
    Part { name: "elements", measure: elements::elements },
    Part { name: "speed", measure: speed::speed },
    Part { name: "types", measure: types::types },
];

fn main() -> ExitCode {
    let options = match options() {
        Ok(options) => options,
        Err(error) => {
            eprintln!("compare: {error}");
            return ExitCode::from(2);
        }
    };
    let mut parts = PARTS.iter().filter(|part| options.only.is_none_or(|only| only.name == part.name));
    match parts.try_for_each(|part| (part.measure)(&options)) {
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
        rounds: 5,
        clients: 50,
        io_threads: 1,
        only: None,
        case: "*".into(),
    };
    let mut args = std::env::args().skip(1);
    while let Some(name) = args.next() {
        if !name.starts_with("--") {
            options.greylag = name.into();
            continue;
        }
        if name == "--quick" {
            options.rounds = 1;
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
            "--only" => {
                let part = PARTS.iter().find(|part| part.name == value);
                options.only = Some(part.ok_or(format!("--only {value}: speed, memory, types or elements"))?);
            }
            "--case" => options.case = value,
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
