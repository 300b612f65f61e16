//! Hashes with fields whose time has passed, and what commands on hashes log.

use crate::testing::{Bench, Follower, START_MS, check_on};
use crate::txn::{Origin, Ttl};
use crate::value::{Hash, Value};
use base::rng::Rng;
use ds::entry::NewPayload;
use ds::listpack;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Form {
    Pack,
    Table,
}

/// Puts a hash `h` of which `a` expires 10 ms from the start, `b` at 20 and `c` at 100; `n` does not.
fn put(bench: &mut Bench, form: Form) {
    let fields = [("a", "1", Some(10)), ("b", "2", Some(20)), ("c", "3", Some(100)), ("n", "5", None)];
    let value = |text: &'static str| listpack::Value::Str(text.as_bytes());
    let triples = fields.map(|(field, text, at)| (value(field), value(text), at.map(|at| START_MS + at)));
    let hash = match form {
        Form::Pack => Hash::pack_ex(triples.to_vec()),
        Form::Table => Hash::table(triples.into_iter(), &bench.engine.shapes()).expect("each comes once"),
    };
    let locks = bench.engine.all_locks();
    let mut txn = bench.engine.begin(&mut bench.scratch, locks, START_MS, 0, Origin::Client);
    txn.put(b"h", NewPayload::Boxed(Value::Hash(hash)), Ttl::Clear);
    txn.commit();
}

/// The script with each form of the hash, from the start on.
#[track_caller]
fn check_due(script: &str) {
    for form in [Form::Pack, Form::Table] {
        let mut bench = Bench::new();
        put(&mut bench, form);
        check_on(&mut bench, script);
    }
}

#[test]
fn readers_miss_fields_whose_time_has_passed() {
    check_due(
        r#"
        TICK 10
        HGET h a -> "1" |
        TICK 11
        HGET h a -> nil |
        HGET h b -> nil |
        HGET h c -> "3" |
        HMGET h a c n -> [nil, "3", "5"] |
        HEXISTS h b -> 0 |
        HEXISTS h c -> 1 |
        HSTRLEN h a -> 0 |
        # They count until they are removed.
        HLEN h -> 4 |
        TICK 100
        HGETALL h -> ["n", "5"] |
        HKEYS h -> ["n"] |
        HVALS h -> ["5"] |
        HSCAN h 0 -> ["0", ["n", "5"]] |
        HRANDFIELD h -> "n" |
        HRANDFIELD h 3 -> ["n"] |
        HRANDFIELD h -2 WITHVALUES -> ["n", "5", "n", "5"] |
        RESP 3
        HGETALL h -> {"n": "5"} |
        HLEN h -> 4 |
        EXISTS h -> 1 |
        "#,
    );
}

/// A replica would find them where its primary did not: HSETNX and HINCRBY make something else of it.
#[test]
fn writers_take_them_out_first_in_the_log_too() {
    check_due(
        "TICK 21\nHSET h c 4 -> 0 | MULTI ; HDEL h a b ; HSET h c 4 ; EXEC\nTICK 100\nHGET h c -> \"4\"",
    );
    check_due("TICK 21\nHSET h a 4 -> 1 | MULTI ; HDEL h a b ; HSET h a 4 ; EXEC\nHLEN h -> 3");
    check_due("TICK 11\nHSETNX h a 4 -> 1 | MULTI ; HDEL h a ; HSETNX h a 4 ; EXEC");
    check_due("TICK 11\nHSETNX h c 4 -> 0 | HDEL h a\nHSETNX h c 4 -> 0 |");
    check_due("TICK 11\nHINCRBY h a 4 -> 4 | MULTI ; HDEL h a ; HINCRBY h a 4 ; EXEC");
    check_due("TICK 11\nHINCRBYFLOAT h a 4 -> \"4\" | MULTI ; HDEL h a ; HSET h a 4 ; EXEC");
    check_due("TICK 11\nHDEL h a -> 0 | HDEL h a\nHDEL h a -> 0 |\nHLEN h -> 3");
    check_due("TICK 11\nHDEL h a b -> 1 | MULTI ; HDEL h a ; HDEL h a b ; EXEC");
    check_due("TICK 200\nHDEL h n -> 1 | MULTI ; HDEL h a b c ; HDEL h n ; EXEC\nEXISTS h -> 0");
}

#[test]
fn the_key_goes_with_the_last_of_them() {
    check_due(
        "HDEL h n -> 1\nTICK 200\nHSET h n 1 -> 1 | MULTI ; HDEL h a b c ; HSET h n 1 ; EXEC\nHLEN h -> 1",
    );
    check_due("HDEL h n -> 1\nTICK 200\nHDEL h n -> 0 | HDEL h a b c\nEXISTS h -> 0");
    check_due(
        "HDEL h n -> 1\nTICK 200\nHRANDFIELD h -> nil |\nHRANDFIELD h -3 -> []\nHGETALL h -> []\nHLEN h -> 3",
    );
}

#[test]
fn counting_keeps_the_expiry_and_setting_does_not() {
    check_due("HINCRBY h c 1 -> 4 | HINCRBY h c 1\nTICK 101\nHGET h c -> nil");
    check_due(
        "HINCRBYFLOAT h c 1.5 -> \"4.5\" | HSETEX h KEEPTTL FIELDS 1 c 4.5\n\
         TICK 101\nHGET h c -> nil",
    );
    check_due("HSET h c 1 -> 0 | HSET h c 1\nTICK 101\nHGET h c -> \"1\"");
    check_due("HSETNX h c 1 -> 0 |\nTICK 101\nHSETNX h c 1 -> 1");
}

/// Nobody's clock counts for what a primary sends, and on a replica readers miss what is still there.
#[test]
fn a_replica_removes_nothing_of_its_own() {
    check_due(
        r#"
        REPLICA yes
        TICK 11
        HGET h a -> nil |
        HLEN h -> 4
        PRIMARY HINCRBY h a 1 -> 2
        PRIMARY HSETNX h b 1 -> 0
        PRIMARY HDEL h a -> 1
        HLEN h -> 3
        # What a client writes to a writable replica is its own.
        TICK 10
        HSET h x 1 -> 1 |
        HLEN h -> 3
        "#,
    );
}

/// K a key, F a field, N an integer, D a float, T a time in ms.
const TEMPLATES: &[&str] = &[
    "HSET K F N",
    "HSET K F N F N F D",
    "HMSET K F D F N",
    "HSETNX K F N",
    "HDEL K F",
    "HDEL K F F F F",
    "HINCRBY K F N",
    "HINCRBYFLOAT K F D",
    "PEXPIRE K T",
    "TICK T",
    "DEL K",
    "COPY K K REPLACE",
    "RENAME K K",
];

fn check_run(seed: u64) {
    let mut rng = Rng::new(seed);
    let mut bench = Bench::new();
    let follower = Follower::of(&bench, &mut rng);
    // Some seeds have enough fields for tables.
    let fields = [12, 1500][rng.below(2) as usize];
    for _ in 0..2000 {
        let template = TEMPLATES[rng.below(TEMPLATES.len() as u64) as usize];
        let word = |word: &str| match word {
            "K" => format!("k{}", rng.below(5)),
            "F" if rng.one_in(100) => "f".repeat(65),
            "F" => format!("f{}", rng.below(fields)),
            "N" => rng.below(1000).to_string(),
            "D" => ["0.1", "-1.5", "3e3", "0.333", "1e70", "x"][rng.below(6) as usize].into(),
            "T" => rng.below(60).to_string(),
            other => other.into(),
        };
        let words: Vec<String> = template.split(' ').map(word).collect();
        if words[0] == "TICK" {
            bench.now_ms += words[1].parse::<i64>().expect("a number");
            continue;
        }
        bench.run(&words.iter().map(|word| word.as_bytes()).collect::<Vec<_>>());
    }
    follower.check(&bench, seed);
}

#[test]
fn the_log_makes_the_same_hashes() {
    (0..40).for_each(check_run);
}
