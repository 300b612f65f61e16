//! Random commands to redis-server and Greylag: the same replies, byte by byte.
//!
//! `DIFF_SEED=n` runs one stream, `DIFF_COUNT=n` sets its length. `DIFF_ORACLE=1` compares redis-server with itself,
//! which shows what of a failure is the test's own. `DIFF_SKIP=a,b c` leaves out commands that begin with `a` or `b c`:
//! to see past a difference that is known; `?` stands for names that no command
//! could have.

use testkit::differential::accepted::{Accepted, FILE};
use testkit::differential::runner::Pair;
use testkit::differential::shrink::shrink;
use testkit::differential::stream::{self, Op, Past};
use testkit::process::{Kind, has_redis};

const COUNT: usize = 60_000;
/// What a failure shows of the stream before it, where it could not be made shorter.
const SHOWN_OPS: usize = 30;

pub fn number(name: &str) -> Option<u64> {
    std::env::var(name)
        .ok()
        .map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

fn texts(ops: &[Op]) -> String {
    ops.iter().map(Op::text).collect::<Vec<_>>().join("\n")
}

/// One stream, over a pair of servers that may have run others before.
#[track_caller]
fn stream(pair: &mut Pair, seed: u64) {
    let count = number("DIFF_COUNT").map_or(COUNT, |count| count as usize);
    println!("DIFF_SEED={seed} DIFF_COUNT={count}");
    let mut ops = stream::generate(seed, count, Past::Allowed);
    stream::leave_out(&mut ops, &std::env::var("DIFF_SKIP").unwrap_or_default());
    let accepted = Accepted::read(FILE);
    pair.reset().expect("both servers answer");
    let Err(failure) = pair.run(&ops, &accepted) else {
        accepted.used().iter().for_each(|(row, times)| println!("{times:6} {row}"));
        return;
    };
    let before = &ops[failure.at.saturating_sub(SHOWN_OPS)..failure.at];
    let shown = match shrink(pair, &ops, &failure, &accepted) {
        Some((short, failure)) => {
            format!("shortest stream:\n{}\nit ends with:\n{}", texts(&short), failure.text)
        }
        None => format!("not repeated by a second run; before it:\n{}", texts(before)),
    };
    panic!(
        "DIFF_SEED={seed} DIFF_COUNT={count}: operation {}: {}\n\n{shown}\n{}",
        failure.at,
        failure.text,
        pair.log_tail()
    );
}

#[track_caller]
fn streams(name: &str, seeds: std::ops::RangeInclusive<u64>) {
    if !has_redis(name) {
        return;
    }
    let other = if number("DIFF_ORACLE").is_some() { Kind::Redis } else { Kind::Greylag };
    let mut pair = Pair::start(Kind::Redis, other);
    match number("DIFF_SEED") {
        Some(seed) if seeds.contains(&1) => stream(&mut pair, seed),
        Some(_) => {}
        None => {
            seeds.for_each(|seed| stream(&mut pair, seed));
            if std::env::vars().all(|(name, _)| !name.starts_with("DIFF_")) {
                assert_all_exercised(&pair);
            }
        }
    }
}

/// Rows that no stream may have, and where they are tested: they end the server or its connections, wait, write files,
/// change what the server is, or tell of one server alone.
const ELSEWHERE: &[&str] = &[
    "bgrewriteaof",
    "bgsave",
    "config|rewrite",
    "psync",
    "replconf",
    "replicaof",
    "save",
    "shutdown",
    "slaveof",
    "sync",
    // Every stream has them, as forms of their own; but for a pause, which has tests in the server's crate.
    "client|reply",
    "client|pause",
    // 7.0.15 does not know them. Those on the time of fields have a model in the engine's crate, and `field_expiry` here.
    "hexpire",
    "hpexpire",
    "hexpireat",
    "hpexpireat",
    "httl",
    "hpttl",
    "hexpiretime",
    "hpexpiretime",
    "hpersist",
    "hgetex",
    "hgetdel",
    "hsetex",
    "client|no-touch",
    "client|setinfo",
    // There is no debugger, and 7.0.15 refuses it in a pipeline.
    "script|debug",
    // Nothing runs for long here: the server's crate has tests of it.
    "script|kill",
    "function|kill",
    // Takes 7.0.15 two seconds; the engine's tests have it.
    "pfselftest",
    // Each allocator's own.
    "memory|malloc-stats",
    // Needs CLIENT TRACKING.
    "client|caching",
];

/// Every command that the server under test has was asked for, and done at least once without an error.
#[track_caller]
fn assert_all_exercised(pair: &Pair) {
    let names = pair.servers()[1].run("COMMAND LIST").items();
    assert!(100 < names.len(), "COMMAND LIST knows the commands");
    let names = names.iter().map(|name| name.text());
    let missing: Vec<String> = names
        .filter(|name| {
            !ELSEWHERE.contains(&name.split('|').next().unwrap_or(name))
                && !ELSEWHERE.contains(&name.as_str())
        })
        .map(|name| (pair.exercised().times(&name), name))
        .filter(|(times, _)| times.without_error == 0)
        .map(|(times, name)| format!("{name}: {times:?}"))
        .collect();
    assert!(missing.is_empty(), "commands that no stream has done:\n{}", missing.join("\n"));
}

#[test]
fn random_commands() {
    streams("random_commands", 1..=4);
}

#[test]
fn random_commands_of_other_seeds() {
    streams("random_commands_of_other_seeds", 5..=8);
}
