//! Commands at random against a running server: whatever the arguments are, it answers, and goes on.
//!
//! The seed is printed; `SEED=n` runs with it again.

mod support;

#[path = "host/script.rs"]
mod script;

use base::rng::Rng;
use script::{Client, connect};
use server::commands::{Run, table};
use support::{Random, Server};

/// What would end the server or make it wait, by the start of the request.
const LEFT_OUT: &[&[&str]] = &[
    &["shutdown"],
    &["debug", "segfault"],
    &["debug", "panic"],
    &["debug", "assert"],
    &["debug", "restart"],
    &["debug", "crash-and-recover"],
    &["debug", "sleep"],
    &["client", "pause"],
    &["client", "reply"],
    &["client", "kill"],
    &["config", "rewrite"],
    &["psync"],
    &["sync"],
    &["replconf"],
    &["replicaof"],
    &["slaveof"],
    &["quit"],
];

const REQUESTS: usize = 6000;

fn pick<'a, T>(rng: &mut Rng, of: &'a [T]) -> &'a T {
    &of[rng.below(of.len() as u64) as usize]
}

/// Words that the commands know, and values that they should not mind.
fn word(rng: &mut Rng) -> Vec<u8> {
    const WORDS: &[&[u8]] = &[
        b"",
        b"0",
        b"1",
        b"2",
        b"3",
        b"-1",
        b"16",
        b"1e9",
        b"nan",
        b"inf",
        b"9223372036854775807",
        b"9223372036854775808",
        b"-9223372036854775808",
        b"4294967296",
        b"a b",
        b"\0",
        b"\xff\xfe",
        b"k",
        b"k:1",
        b"*",
        b"[",
        b"[^",
        b"\\",
        b"default",
        b"all",
        b"everything",
        b"commandstats",
        b"latencystats",
        b"type",
        b"id",
        b"addr",
        b"laddr",
        b"user",
        b"skipme",
        b"yes",
        b"no",
        b"on",
        b"off",
        b"normal",
        b"replica",
        b"master",
        b"timeout",
        b"error",
        b"lib-name",
        b"lib-ver",
        b"auth",
        b"setname",
        b"filterby",
        b"aclcat",
        b"pattern",
        b"module",
        b"samples",
        b"nosave",
        b"noflush",
        b"merge",
        b"schedule",
        b"hz",
        b"maxclients",
        b"dir",
        b"save",
        b"requirepass",
        b"latency-tracking-info-percentiles",
        b"99 100",
        b"get",
        b"set",
        b"config",
        b"config|get",
        b"string",
        b"map",
        b"attrib",
        b"push",
        b"object",
        b"digest",
        b"populate",
        b"reload",
        b"help",
        b"protocol",
        b"stringmatch-len",
        b"digest-value",
        b"set-active-expire",
        b"change-repl-id",
        b"log",
    ];
    match rng.below(20) {
        0 => vec![b'x'; 300],
        1 => (0..rng.below(12)).map(|_| rng.below(256) as u8).collect(),
        _ => pick(rng, WORDS).to_vec(),
    }
}

fn request(rng: &mut Rng) -> Vec<Vec<u8>> {
    let own: Vec<_> = table().every().filter(|command| !matches!(command.run, Run::Data(_))).collect();
    loop {
        let command = pick(rng, &own);
        let mut argv: Vec<Vec<u8>> =
            command.full_name.split('|').map(|part| part.as_bytes().to_vec()).collect();
        let least = usize::from(command.meta.arity.unsigned_abs());
        // The right number mostly: what lies behind the check of the arity is of interest.
        let most =
            if command.meta.arity < 0 || rng.one_in(10) { least as u64 + rng.below(5) } else { least as u64 };
        while (argv.len() as u64) < most {
            argv.push(word(rng));
        }
        let is =
            |at: usize, word: &str| argv.get(at).is_some_and(|arg| arg.eq_ignore_ascii_case(word.as_bytes()));
        let left_out = LEFT_OUT.iter().any(|words| words.iter().enumerate().all(|(at, word)| is(at, word)));
        // A password would lock us out, a directory would be the test's own.
        let locks_out =
            is(0, "config") && is(1, "set") && (is(2, "requirepass") || is(2, "dir") || is(2, "maxclients"));
        if !left_out && !locks_out {
            return argv;
        }
    }
}

#[test]
fn no_arguments_end_the_server() {
    let seed = Random::new().0;
    let mut rng = Rng::new(seed);
    let server = Server::start(&["--enable-debug-command", "yes", "--io-threads", "2"]);
    let mut clients: Vec<Client> = (0..3).map(|_| connect(&server)).collect();
    for i in 0..REQUESTS {
        let argv = request(&mut rng);
        let at = rng.below(clients.len() as u64) as usize;
        let reply = clients[at].call_args(&argv);
        let shown: Vec<String> = argv.iter().map(|arg| arg.escape_ascii().to_string()).collect();
        assert_ne!(reply, "(closed)", "seed {seed}, request {i}: {shown:?}\n{}", server.log());
    }
    assert_eq!(connect(&server).call("PING"), "+PONG", "seed {seed}");
}
