//! Streams of commands from a seed: a few keys, so that commands meet; several connections, so that they interfere;
//! arguments that are right, at a limit, or wrong.

use super::arguments::{argument, pick};
use super::compare::Class;
use super::grammar::{self, Entry};
use super::pattern::{self, Node};
use base::rng::Rng;

/// How an operation goes over the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Array,
    Inline,
    /// The whole iteration that SCAN begins; what it found is compared as a set.
    FullScan,
    /// Between CLIENT REPLY OFF and ON.
    Muted,
    /// After CLIENT REPLY SKIP.
    Skipped,
    /// Compares all databases, and their digests.
    Checkpoint,
    /// The same, after DEBUG RELOAD.
    Reload,
}

#[derive(Clone, Debug)]
pub struct Op {
    pub conn: usize,
    pub argv: Vec<Vec<u8>>,
    pub class: Class,
    pub form: Form,
}

impl Op {
    pub fn new(conn: usize, argv: Vec<Vec<u8>>, class: Class) -> Self {
        Self { conn, argv, class, form: Form::Array }
    }

    pub fn is_named(&self, name: &str) -> bool {
        self.argv.first().is_some_and(|first| first.eq_ignore_ascii_case(name.as_bytes()))
    }

    /// As one would type it.
    pub fn text(&self) -> String {
        let words: Vec<String> = self.argv.iter().map(|word| crate::value::quoted(word)).collect();
        let form = if self.form == Form::Array { String::new() } else { format!(" ({:?})", self.form) };
        format!("[{}] {}{form}", self.conn, words.join(" "))
    }
}

pub const CONNECTIONS: usize = 3;
/// Operations between two comparisons of everything.
const CHECKPOINT_EVERY: usize = 5000;
/// Operations in a row over one connection, at most: they go as one batch.
const RUN_MAX: u64 = 40;
/// Longer requests are not sent inline: that has a limit of 64 KiB.
const INLINE_BYTES_MAX: usize = 4096;

/// Whether keys may be given a time that has passed: when such a key is removed is the server's choice.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Past {
    Allowed,
    Never,
}

pub fn generate(seed: u64, count: usize, past: Past) -> Vec<Op> {
    let mut rng = Rng::new(seed);
    let table: Vec<Weighted> = grammar::table()
        .into_iter()
        .map(|entry| Weighted { entry, nodes: pattern::parse(entry.pattern) })
        .collect();
    let mut ops = Vec::with_capacity(count);
    let (mut conn, mut left) = (0, 0);
    while ops.len() < count {
        if left == 0 {
            conn = rng.below(CONNECTIONS as u64) as usize;
            left = 1 + rng.below(RUN_MAX);
        }
        left -= 1;
        ops.push(operation(&mut rng, &table, conn, past));
        if ops.len().is_multiple_of(CHECKPOINT_EVERY) {
            ops.push(checkpoint(if rng.one_in(4) { Form::Reload } else { Form::Checkpoint }));
        }
    }
    ops.push(checkpoint(Form::Reload));
    ops
}

/// Leaves out commands that begin with one of the words between the commas; `?` stands for names that no command
/// could have.
pub fn leave_out(ops: &mut Vec<Op>, starts: &str) {
    let starts: Vec<&str> = starts.split(',').filter(|start| !start.is_empty()).collect();
    let line = |op: &Op| String::from_utf8_lossy(&op.argv.join(&b' ')).to_lowercase();
    let nameless = |op: &Op| op.argv[0].is_empty() || !op.argv[0].iter().all(u8::is_ascii_alphabetic);
    ops.retain(|op| {
        !starts.iter().any(|start| if *start == "?" { nameless(op) } else { line(op).starts_with(start) })
    });
}

fn checkpoint(form: Form) -> Op {
    Op { conn: 0, argv: vec![b"checkpoint".to_vec()], class: Class::Exact, form }
}

struct Weighted {
    entry: &'static Entry,
    nodes: Vec<Node>,
}

/// An entry by chance and weight.
fn choose<'t>(rng: &mut Rng, table: &'t [Weighted]) -> &'t Weighted {
    let mut at = rng.below(table.iter().map(|one| one.entry.weight).sum());
    for one in table {
        match at.checked_sub(one.entry.weight) {
            Some(rest) => at = rest,
            None => return one,
        }
    }
    unreachable!("the number is below the weights' sum")
}

fn operation(rng: &mut Rng, table: &[Weighted], conn: usize, past: Past) -> Op {
    if rng.one_in(200) {
        return special(rng, conn);
    }
    let Weighted { entry, nodes } = choose(rng, table);
    let mut argv = Vec::new();
    let mut slot = |rng: &mut Rng, kind: &str, out: &mut Vec<Vec<u8>>| match (kind, past) {
        ("at", Past::Never) => argument(rng, "at-later", out),
        ("at-millis", Past::Never) => argument(rng, "at-millis-later", out),
        _ => argument(rng, kind, out),
    };
    pattern::generate(nodes, rng, &mut slot, &mut argv);
    spoil(rng, &mut argv);
    if rng.one_in(5) {
        shout(rng, &mut argv);
    }
    let mut op = Op::new(conn, argv, entry.class);
    if rng.one_in(10) && op.argv.iter().map(Vec::len).sum::<usize>() < INLINE_BYTES_MAX {
        op.form = Form::Inline;
    }
    op
}

fn special(rng: &mut Rng, conn: usize) -> Op {
    let (line, form) = match rng.below(3) {
        0 => (
            pick(rng, &["scan 0", "scan 0 match k* count 2", "scan 0 count 100 type string"]),
            Form::FullScan,
        ),
        1 => (pick(rng, &["incr k1", "set k2 muted", "get k1", "nosuchcommand"]), Form::Muted),
        _ => (pick(rng, &["incr k1", "set k2 skipped", "get k1", "nosuchcommand"]), Form::Skipped),
    };
    let argv = line.split(' ').map(|word| word.as_bytes().to_vec()).collect();
    Op { conn, argv, class: Class::Exact, form }
}

/// Sometimes an argument too few, too many, in the wrong place, or another. What 7.0.15 takes no further argument
/// for, and 7.2 does, is left alone.
fn spoil(rng: &mut Rng, argv: &mut Vec<Vec<u8>>) {
    if !rng.one_in(30)
        || matches!(
            argv[0].as_slice(),
            b"client"
                | b"debug"
                | b"config"
                | b"command"
                | b"hello"
                | b"spop"
                | b"srandmember"
                | b"hrandfield"
                | b"xsetid"
                | b"zrank"
                | b"zrevrank"
        )
    {
        return;
    }
    // Scores of these keys stay equal: see the grammar.
    if argv[0] == b"zadd" && argv.get(1).is_some_and(|key| key == b"x0" || key == b"x1") {
        return;
    }
    // To wait for ever would be one side's.
    if argv.iter().any(|word| word == b"block") {
        return;
    }
    let at = |rng: &mut Rng, argv: &[Vec<u8>]| rng.below(argv.len() as u64) as usize;
    match rng.below(5) {
        0 if 1 < argv.len() => {
            argv.pop();
        }
        1 => argument(rng, "any", argv),
        2 => {
            let (one, two) = (at(rng, argv), at(rng, argv));
            // A value in a time's place would expire soon, and be seen by one side only.
            if 0 < one && 0 < two && !TIMED.contains(&argv[0].as_slice()) {
                argv.swap(one, two);
            }
        }
        3 => argv.push(argv[at(rng, argv)].clone()),
        _ => {
            let last = argv.len() - 1;
            if 0 < last {
                argument(rng, "any", argv);
                argv.swap_remove(last);
            }
        }
    }
}

const TIMED: &[&[u8]] =
    &[b"set", b"setex", b"psetex", b"getex", b"expire", b"pexpire", b"expireat", b"pexpireat", b"restore"];

/// Names and options count in any case of letters.
fn shout(rng: &mut Rng, argv: &mut [Vec<u8>]) {
    argv[0].make_ascii_uppercase();
    for word in argv.iter_mut().skip(2) {
        // Keys and values are short words of letters and digits too: those with a digit stay.
        if rng.one_in(2) && word.iter().all(u8::is_ascii_alphabetic) {
            word.make_ascii_uppercase();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_its_stream() {
        let texts = |seed| generate(seed, 3000, Past::Allowed).iter().map(Op::text).collect::<Vec<_>>();
        assert_eq!(texts(1), texts(1));
        assert_ne!(texts(1), texts(2));
    }

    #[test]
    fn what_is_left_out_is_out() {
        let mut ops = generate(1, 3000, Past::Allowed);
        let before = ops.len();
        leave_out(&mut ops, "set k,GET,?".to_lowercase().as_str());
        assert!(ops.len() < before);
        assert!(!ops.iter().any(|op| op.is_named("get") || op.argv[0].is_empty()));
        assert!(ops.iter().any(|op| op.is_named("set")));
        let left = ops.len();
        leave_out(&mut ops, "");
        assert_eq!(ops.len(), left);
    }

    #[test]
    fn every_entry_comes() {
        let ops = generate(3, 60_000, Past::Allowed);
        for entry in grammar::table() {
            let first = entry.pattern.split(' ').next().expect("is not empty");
            let comes = ops.iter().any(|op| op.is_named(first));
            assert!(comes || first.starts_with(['<', '(']), "{first}");
        }
    }
}
