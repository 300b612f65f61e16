//! GET and SET under redis-benchmark: requests per second, and the server's CPU time per request.

use crate::{Options, servers};
use bench::measure::median;
use bench::process::{Server, run};
use std::io;
use std::time::Duration;

/// Pipeline depths, and the requests of one run: a run takes some seconds.
const DEPTHS: [(u32, u64); 3] = [(1, 100_000), (16, 600_000), (64, 1_000_000)];
const COMMANDS: [&str; 2] = ["get", "set"];
const RUN_MAX: Duration = Duration::from_secs(180);

/// What one run of redis-benchmark gave.
#[derive(Clone, Copy)]
struct Run {
    requests_per_s: f64,
    cpu_us: f64,
}

pub fn speed(options: &Options) -> io::Result<()> {
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
