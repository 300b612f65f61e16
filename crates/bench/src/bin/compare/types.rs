//! The commands of every type, small and large: CPU time of the server per request at two depths.

use crate::{Options, servers};
use base::glob;
use bench::cases::{Case, GROUPS, Group, Step, Times};
use bench::client::Client;
use bench::measure::median;
use bench::process::Server;
use bench::template::{Sizes, Source, Template};
use std::io;

/// Pipeline depths, and which part of a case's requests a run has.
const DEPTHS: [(u64, u64); 2] = [(1, 4), (16, 1)];
const LOAD_DEPTH: u64 = 200;
/// More requests than any run has, and eight digits long: no two runs have a serial number in common.
const SERIALS: u64 = 10_000_000;

/// A server with the connections to it.
struct Side {
    server: Server,
    loader: Client,
    client: Client,
}

pub fn types(options: &Options) -> io::Result<()> {
    println!(
        "{} clients, io-threads {}, {} rounds; CPU in µs of the server per request:\n",
        options.clients, options.io_threads, options.rounds
    );
    println!("| keys | command | Redis, 1 | Greylag, 1 | ratio | Redis, 16 | Greylag, 16 | ratio |");
    println!("|---|---|---|---|---|---|---|---|");
    let sides: Vec<Side> =
        servers(options)?.into_iter().map(|server| side(options, server)).collect::<io::Result<_>>()?;
    let mut sides: [Side; 2] = sides.try_into().map_err(|_| io::Error::other("two servers"))?;
    let mut ratios: [Vec<f64>; DEPTHS.len()] = Default::default();
    for group in GROUPS {
        let wanted: Vec<&Case> = group.cases.iter().filter(|case| is_wanted(options, group, case)).collect();
        if wanted.is_empty() {
            continue;
        }
        for side in &mut sides {
            side.loader.run(1, 1, |out| resp::push_command(out, &[b"FLUSHALL"]))?;
            steps(side, group.load, group.sizes, 0, 0)?;
        }
        for case in wanted {
            let figures = one(options, &mut sides, group, case).map_err(|error| {
                io::Error::new(error.kind(), format!("{}: {}: {error}", group.name, case.command))
            })?;
            print!("| {} | {} |", group.name, case.command);
            for (ratios, [redis, greylag, ratio]) in ratios.iter_mut().zip(figures) {
                print!(" {redis:.2} | {greylag:.2} | {ratio:.2} |");
                ratios.push(ratio);
            }
            println!();
        }
    }
    for ((depth, _), ratios) in DEPTHS.iter().zip(&ratios) {
        let above = ratios.iter().filter(|&&ratio| 1.0 < ratio).count();
        let most = ratios.iter().copied().fold(f64::NAN, f64::max);
        let (cases, middle) = (ratios.len(), median(ratios));
        println!("\n-P {depth}: median {middle:.2} of {cases} cases, {above} above 1, at most {most:.2}");
    }
    Ok(())
}

fn side(options: &Options, server: Server) -> io::Result<Side> {
    let streams = (0..options.clients).map(|_| server.connect()).collect::<io::Result<_>>()?;
    let loader = Client::new(vec![server.connect()?]);
    Ok(Side { client: Client::new(streams), loader, server })
}

fn is_wanted(options: &Options, group: &Group, case: &Case) -> bool {
    let name = format!("{}: {}", group.name, case.command);
    glob::matches(options.case.as_bytes(), name.as_bytes(), glob::Case::Insensitive)
}

/// Redis, Greylag and the ratio, at each depth.
fn one(options: &Options, sides: &mut [Side; 2], group: &Group, case: &Case) -> io::Result<[[f64; 3]; 2]> {
    let mut runs: [[Vec<f64>; 2]; DEPTHS.len()] = Default::default();
    for round in 0..options.rounds {
        for (i, (depth, part)) in DEPTHS.into_iter().enumerate() {
            let run = (round * DEPTHS.len() + i) as u64 + 1;
            let requests = (case.requests / part).max(1);
            for turn in 0..2 {
                let which = (round + turn) % 2;
                runs[i][which].push(measure(&mut sides[which], group, case, depth, requests, run)?);
            }
        }
    }
    Ok(runs.map(|[redis, greylag]| {
        let ratios: Vec<f64> = redis.iter().zip(&greylag).map(|(redis, greylag)| greylag / redis).collect();
        [median(&redis), median(&greylag), median(&ratios)]
    }))
}

fn measure(
    side: &mut Side,
    group: &Group,
    case: &Case,
    depth: u64,
    requests: u64,
    run: u64,
) -> io::Result<f64> {
    steps(side, case.before, group.sizes, requests, run)?;
    let template = template(case.command, group.sizes)?;
    let mut source = Source { serial: run * SERIALS, ..Source::new(run) };
    let before = side.server.cpu_ns()?;
    side.client.run(requests, depth, |out| template.push(out, &mut source, None))?;
    Ok((side.server.cpu_ns()? - before) as f64 / 1000.0 / requests as f64)
}

fn steps(side: &mut Side, steps: &[Step], sizes: Sizes, requests: u64, run: u64) -> io::Result<()> {
    for Step(times, text) in steps {
        let count = match times {
            Times::Once => 1,
            Times::Keys => sizes.keys,
            Times::Elements => sizes.keys * sizes.elements,
            Times::Requests(times) => requests * times,
        };
        let template = template(text, sizes)?;
        let mut source = Source { serial: run * SERIALS, ..Source::new(run) };
        let mut n = 0;
        side.loader.run(count, LOAD_DEPTH, |out| {
            let at = match times {
                Times::Once | Times::Requests(_) => None,
                Times::Keys => Some((n, source.rng.below(sizes.elements))),
                Times::Elements => Some((n / sizes.elements, n % sizes.elements)),
            };
            template.push(out, &mut source, at);
            n += 1;
        })?;
    }
    Ok(())
}

fn template(text: &str, sizes: Sizes) -> io::Result<Template> {
    Template::new(text, sizes).ok_or_else(|| io::Error::other(format!("no pattern: {text}")))
}
