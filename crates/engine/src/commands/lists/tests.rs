//! Scripts over lists; random edits against a plain vector, and their log against a second engine.

use crate::apply::Applier;
use crate::debug;
use crate::digest::Scores;
use crate::engine::Engine;
use crate::testing::{Bench, check, check_on, texts};
use crate::txn::{Origin, Scratch};
use base::rng::Rng;
use std::sync::atomic::Ordering::Relaxed;

#[test]
fn pushing_and_popping() {
    check(
        r#"
        LPUSHX k a -> 0 |
        RPUSHX k a -> 0 |
        RPUSH k a -> 1 | RPUSH k a
        LPUSH k b c -> 3 | LPUSH k b c
        LPUSHX k d 12 -> 5 | LPUSHX k d 12
        RPUSHX k -7 "" -> 7 | RPUSHX k -7 ""
        LRANGE k 0 -1 -> ["12", "d", "c", "b", "a", "-7", ""] |
        TYPE k -> list
        OBJECT ENCODING k -> "listpack"
        LPOP k -> "12" | LPOP k
        RPOP k -> "" | RPOP k
        RPOP k 2 -> ["-7", "a"] | RPOP k 2
        LPOP k 0 -> [] |
        LPOP k 100 -> ["d", "c", "b"] | LPOP k 100
        EXISTS k -> 0
        LPOP k -> nil |
        LPOP k 3 -> nil |
        RPOP k 0 -> nil |
        LPOP k x -> -ERR value is out of range, must be positive |
        RPOP k -1 -> -ERR value is out of range, must be positive |
        RPOP k 1 2 -> -ERR wrong number of arguments for 'rpop' command |
        LPUSH k -> -ERR wrong number of arguments for 'lpush' command |
        SET s v
        LPUSH s a -> -WRONGTYPE Operation against a key holding the wrong kind of value |
        RPUSHX s a -> -WRONGTYPE Operation against a key holding the wrong kind of value |
        LPOP s -> -WRONGTYPE Operation against a key holding the wrong kind of value |
        RPUSH k a
        EXPIRE k 10
        RPUSH k b
        TTL k -> 10
        TICK 10001
        RPUSH k c -> 1 | MULTI ; DEL k ; RPUSH k c ; EXEC
        TTL k -> -1
        "#,
    );
}

#[test]
fn the_first_list_that_has_something_is_popped() {
    check(
        r#"
        LMPOP 1 k LEFT -> nil |
        RPUSH k a b c d
        LMPOP 2 none k LEFT -> ["k", ["a"]] | LPOP k 1
        lmpop 2 none k right count 2 -> ["k", ["d", "c"]] | RPOP k 2
        LMPOP 1 k RIGHT COUNT 100 -> ["k", ["b"]] | RPOP k 1
        EXISTS k -> 0
        LMPOP 0 k LEFT -> -ERR numkeys should be greater than 0 |
        LMPOP x k LEFT -> -ERR numkeys should be greater than 0 |
        LMPOP 2 k LEFT -> -ERR syntax error |
        LMPOP 9223372036854775807 k LEFT -> -ERR syntax error |
        LMPOP 1 k MIDDLE -> -ERR syntax error |
        LMPOP 1 k LEFT COUNT -> -ERR syntax error |
        LMPOP 1 k LEFT COUNT 0 -> -ERR count should be greater than 0 |
        LMPOP 1 k LEFT COUNT 0 COUNT 1 -> -ERR count should be greater than 0 |
        LMPOP 1 k LEFT COUNT 1 COUNT 1 -> -ERR syntax error |
        LMPOP 1 k LEFT 1 -> -ERR syntax error |
        SET s v
        RPUSH k a
        LMPOP 3 none s k LEFT -> -WRONGTYPE Operation against a key holding the wrong kind of value |
        LMPOP 2 k s LEFT -> ["k", ["a"]] | LPOP k 1
        "#,
    );
}

#[test]
fn looking() {
    check(
        r#"
        LLEN k -> 0 |
        LRANGE k 0 -1 -> [] |
        LINDEX k x -> nil |
        LRANGE k x 1 -> -ERR value is not an integer or out of range |
        RPUSH k a b c 1 2 3 c c
        LLEN k -> 8 |
        LRANGE k 1 2 -> ["b", "c"]
        LRANGE k -3 100 -> ["3", "c", "c"]
        LRANGE k -100 0 -> ["a"]
        LRANGE k -100 -9 -> []
        LRANGE k 3 2 -> []
        LRANGE k 8 9 -> []
        LRANGE k -9223372036854775808 9223372036854775807 -> ["a", "b", "c", "1", "2", "3", "c", "c"]
        LINDEX k 0 -> "a"
        LINDEX k -1 -> "c"
        LINDEX k 8 -> nil
        LINDEX k -9 -> nil
        LINDEX k -9223372036854775808 -> nil
        LINDEX k x -> -ERR value is not an integer or out of range
        LPOS k c -> 2
        LPOS k c RANK 2 -> 6
        LPOS k c RANK -1 -> 7
        LPOS k c RANK 4 -> nil
        LPOS k c COUNT 0 -> [2, 6, 7]
        LPOS k c COUNT 1 RANK -2 -> [6]
        LPOS k c COUNT 0 MAXLEN 7 -> [2, 6]
        LPOS k c COUNT 0 MAXLEN 2 RANK -1 -> [7, 6]
        LPOS k c MAXLEN 2 -> nil
        LPOS k 2 -> 4
        LPOS k z -> nil
        LPOS k z COUNT 0 -> []
        LPOS none z COUNT 0 -> []
        LPOS none z -> nil
        LPOS k c RANK -> -ERR syntax error
        LPOS k c FOO 1 -> -ERR syntax error
        LPOS k c RANK x -> -ERR value is not an integer or out of range
        LPOS k c RANK -9223372036854775808 -> -ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807
        LPOS k c RANK 0 -> -ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list
        LPOS k c COUNT -1 -> -ERR COUNT can't be negative
        LPOS k c MAXLEN x -> -ERR MAXLEN can't be negative
        SET s v
        LLEN s -> -WRONGTYPE Operation against a key holding the wrong kind of value
        LPOS s v -> -WRONGTYPE Operation against a key holding the wrong kind of value
        LINDEX s x -> -WRONGTYPE Operation against a key holding the wrong kind of value
        LRANGE s 0 1 -> -WRONGTYPE Operation against a key holding the wrong kind of value
        "#,
    );
}

#[test]
fn editing() {
    check(
        r#"
        LSET k x v -> -ERR no such key |
        RPUSH k a b c a
        LSET k 1 1000 -> OK | LSET k 1 1000
        LSET k -1 z -> OK | LSET k -1 z
        LSET k 4 z -> -ERR index out of range |
        LSET k -5 z -> -ERR index out of range |
        LSET k x z -> -ERR value is not an integer or out of range |
        LRANGE k 0 -1 -> ["a", "1000", "c", "z"]
        LINSERT none BEFORE a b -> 0 |
        LINSERT k BEFORE nothing b -> -1 |
        LINSERT k middle a b -> -ERR syntax error |
        LINSERT k BEFORE a x -> 5 | LINSERT k BEFORE a x
        LINSERT k after 1000 y -> 6 | LINSERT k after 1000 y
        LINSERT k AFTER z end -> 7
        LRANGE k 0 -1 -> ["x", "a", "1000", "y", "c", "z", "end"]
        LTRIM k 0 -1 -> OK |
        LTRIM k 1 -2 -> OK | LTRIM k 1 -2
        LRANGE k 0 -1 -> ["a", "1000", "y", "c", "z"]
        LTRIM k 3 1 -> OK | LTRIM k 3 1
        EXISTS k -> 0
        LTRIM k 0 1 -> OK |
        LTRIM k x 1 -> -ERR value is not an integer or out of range |
        RPUSH k a b a c a
        LREM k 1 z -> 0 |
        LREM k -1 a -> 1 | LREM k -1 a
        LRANGE k 0 -1 -> ["a", "b", "a", "c"]
        LREM k 1 a -> 1 | LREM k 1 a
        LRANGE k 0 -1 -> ["b", "a", "c"]
        RPUSH k a a
        LREM k 0 a -> 3 | LREM k 0 a
        LREM k -9223372036854775808 b -> 1
        LREM k 2 c -> 1 | LREM k 2 c
        EXISTS k -> 0
        LREM k 1 c -> 0 |
        LREM k x c -> -ERR value is not an integer or out of range |
        SET s v
        LREM s 1 c -> -WRONGTYPE Operation against a key holding the wrong kind of value |
        LSET s x c -> -WRONGTYPE Operation against a key holding the wrong kind of value |
        LINSERT s BEFORE a b -> -WRONGTYPE Operation against a key holding the wrong kind of value |
        LTRIM s 0 1 -> -WRONGTYPE Operation against a key holding the wrong kind of value |
        "#,
    );
}

#[test]
fn carrying() {
    check(
        r#"
        LMOVE a b LEFT RIGHT -> nil |
        RPOPLPUSH a b -> nil |
        RPUSH a 1 2 3
        LMOVE a b LEFT RIGHT -> "1" | LMOVE a b LEFT RIGHT
        lmove a b right left -> "3" | lmove a b right left
        LRANGE b 0 -1 -> ["3", "1"]
        RPOPLPUSH a b -> "2" | RPOPLPUSH a b
        EXISTS a -> 0
        LRANGE b 0 -1 -> ["2", "3", "1"]
        EXPIRE b 100
        RPOPLPUSH b b -> "1" | RPOPLPUSH b b
        LMOVE b b LEFT LEFT -> "1"
        LRANGE b 0 -1 -> ["1", "2", "3"]
        RPUSH one x
        EXPIRE one 100
        LMOVE one one RIGHT LEFT -> "x" | LMOVE one one RIGHT LEFT
        TTL one -> 100
        TTL b -> 100
        LMOVE a b UP LEFT -> -ERR syntax error |
        LMOVE a b LEFT DOWN -> -ERR syntax error |
        SET s v
        LMOVE none s LEFT LEFT -> nil |
        LMOVE b s LEFT LEFT -> -WRONGTYPE Operation against a key holding the wrong kind of value |
        RPOPLPUSH s b -> -WRONGTYPE Operation against a key holding the wrong kind of value |
        LLEN b -> 3
        "#,
    );
}

/// One listpack up to the limit, a quicklist beyond it, and one listpack again at half of it.
#[test]
fn encodings() {
    let mut bench = Bench::new();
    bench.engine.settings.shapes.list_fill.store(4, Relaxed);
    check_on(
        &mut bench,
        r#"
        RPUSH k 1 2 3 4
        OBJECT ENCODING k -> "listpack"
        LPUSH k 0
        OBJECT ENCODING k -> "quicklist"
        LPOP k
        OBJECT ENCODING k -> "quicklist"
        LTRIM k 0 2
        OBJECT ENCODING k -> "quicklist"
        RPOP k
        OBJECT ENCODING k -> "listpack"
        RPUSH k 3 4
        LINSERT k AFTER 2 x -> 5
        OBJECT ENCODING k -> "quicklist"
        LRANGE k 0 -1 -> ["1", "2", "x", "3", "4"]
        LREM k 0 1
        LREM k 0 2
        LREM k 0 3 -> 1
        OBJECT ENCODING k -> "listpack"
        RPUSH k 5 6
        LMOVE k k LEFT RIGHT -> "x"
        RPUSH m a b c d
        RPOPLPUSH k m
        OBJECT ENCODING m -> "quicklist"
        "#,
    );
    bench.engine.settings.shapes.list_fill.store(-1, Relaxed);
    let long = "v".repeat(4096);
    check_on(
        &mut bench,
        &format!(
            "DEL k\nRPUSH k a b\nLSET k 0 {long}\nOBJECT ENCODING k -> \"quicklist\"\n\
             LSET k 0 x\nOBJECT ENCODING k -> \"listpack\"\nLRANGE k 0 -1 -> [\"x\", \"b\"]"
        ),
    );
}

/// What replaces or deletes much is freed elsewhere.
#[test]
fn large_lists_are_freed_elsewhere() {
    let mut bench = Bench::new();
    bench.engine.settings.shapes.list_fill.store(1, Relaxed);
    let fill = format!("RPUSH k {}", "x ".repeat(100));
    for request in ["LTRIM k 1 0", "LPOP k 100", "LMPOP 1 k RIGHT COUNT 200"] {
        check_on(&mut bench, &fill);
        bench.scratch.trash.clear();
        check_on(&mut bench, request);
        assert_eq!(bench.scratch.trash.len(), 1, "{request}");
        check_on(&mut bench, "EXISTS k -> 0");
    }
}

/// Every change counts for the save points as in Redis: per element.
#[test]
fn elements_count_as_changes() {
    let mut bench = Bench::new();
    let mut before = 0;
    for (request, count) in [
        ("RPUSH k a b c a a", 5),
        ("LPOP k 2", 2),
        ("LREM k 0 a", 2),
        ("RPUSH k 1 2 3", 3),
        ("LTRIM k 1 1", 3),
        ("LMOVE k m LEFT LEFT", 1),
        ("LTRIM m 0 -1", 0),
    ] {
        check_on(&mut bench, request);
        let after = bench.engine.dirty();
        assert_eq!(after - before, count, "{request}");
        before = after;
    }
}

/// Random edits of a list, small and large, against a vector.
#[test]
fn random_edits_do_what_a_vector_does() {
    for seed in 0..24 {
        let mut rng = Rng::new(seed);
        let mut bench = Bench::new();
        let fill = [3, 16, -1, -2][seed as usize % 4];
        bench.engine.settings.shapes.list_fill.store(fill, Relaxed);
        bench.engine.settings.shapes.list_compress_depth.store(seed as usize % 3, Relaxed);
        let mut model: Vec<String> = Vec::new();
        for step in 0..1500 {
            random_edit(&mut bench, &mut model, &mut rng, &format!("seed {seed}, step {step}"));
        }
        let all = model.iter().map(|v| format!("\"{v}\"")).collect::<Vec<_>>().join(", ");
        assert_eq!(
            texts(&bench.run(&[b"LRANGE", b"k", b"0", b"-1"])).concat(),
            format!("[{all}]"),
            "seed {seed}"
        );
    }
}

fn random_edit(bench: &mut Bench, model: &mut Vec<String>, rng: &mut Rng, place: &str) {
    let len = model.len();
    let value = match rng.below(6) {
        0 => "w".repeat(rng.below(3000) as usize),
        _ => rng.below(12).to_string(),
    };
    let index = rng.below(len as u64 + 2) as usize;
    let negative = rng.one_in(2);
    let shown = if negative { index as i64 - len as i64 } else { index as i64 };
    // An index below zero that is none is not the model's business.
    let shown = if negative && 0 <= shown { index as i64 } else { shown };
    let quoted = |v: Option<&String>| v.map_or("nil".into(), |v| format!("\"{v}\""));
    let position = model.iter().position(|v| *v == value);
    let (argv, expected): (Vec<String>, String) = match rng.below(9) {
        0 | 1 => {
            model.push(value.clone());
            (vec!["RPUSH".into(), "k".into(), value], model.len().to_string())
        }
        2 => {
            model.splice(0..0, [value.clone(), "0".into()]);
            (vec!["LPUSH".into(), "k".into(), "0".into(), value], model.len().to_string())
        }
        3 => (vec!["LINDEX".into(), "k".into(), shown.to_string()], quoted(model.get(index))),
        4 => {
            let expected = match (len, model.get_mut(index)) {
                (0, _) => "-ERR no such key".into(),
                (_, None) => "-ERR index out of range".into(),
                (_, Some(old)) => {
                    *old = value.clone();
                    "OK".into()
                }
            };
            (vec!["LSET".into(), "k".into(), shown.to_string(), value], expected)
        }
        5 => {
            let expected = match position {
                None => if len == 0 { "0" } else { "-1" }.into(),
                Some(at) => {
                    model.insert(at, "new".into());
                    model.len().to_string()
                }
            };
            (vec!["LINSERT".into(), "k".into(), "BEFORE".into(), value, "new".into()], expected)
        }
        6 => {
            let last = model.iter().rposition(|v| *v == value);
            if let Some(at) = last {
                model.remove(at);
            }
            let removed = usize::from(last.is_some()).to_string();
            (vec!["LREM".into(), "k".into(), "-1".into(), value], removed)
        }
        7 => {
            let popped = model.pop();
            (vec!["RPOP".into(), "k".into()], quoted(popped.as_ref()))
        }
        _ if rng.one_in(20) => {
            let keep = rng.below(30) as usize;
            model.truncate(keep + 1);
            (vec!["LTRIM".into(), "k".into(), "0".into(), keep.to_string()], "OK".into())
        }
        _ => (vec!["LPOS".into(), "k".into(), value], position.map_or("nil".into(), |at| at.to_string())),
    };
    let words: Vec<&[u8]> = argv.iter().map(String::as_bytes).collect();
    assert_eq!(texts(&bench.run(&words)).concat(), expected, "{place}: {argv:?}");
}

/// What is logged of random requests, right and wrong, makes the same lists in another engine; its limits are others.
#[test]
fn the_log_makes_the_same_lists() {
    const REQUESTS: &[&str] = &[
        "RPUSH K E E E",
        "LPUSH K E E",
        "RPUSHX K E",
        "LPOP K",
        "RPOP K N",
        "LMPOP 2 K K LEFT COUNT N",
        "LMPOP 1 K RIGHT",
        "LSET K N E",
        "LINSERT K BEFORE E E",
        "LINSERT K AFTER E E",
        "LREM K N E",
        "LTRIM K N N",
        "LMOVE K K LEFT RIGHT",
        "LMOVE K K RIGHT RIGHT",
        "RPOPLPUSH K K",
        "SET K E",
        "PEXPIRE K 500",
        "TICK 3",
    ];
    for seed in 0..20 {
        let mut rng = Rng::new(seed);
        let mut bench = Bench::new();
        bench.engine.settings.shapes.list_fill.store([2, 5, -1, -2][seed as usize % 4], Relaxed);
        let replica = Engine::new(4, 16, 99);
        replica.change_state(|state| {
            state.set_replica(true);
        });
        replica.log.activate();
        let mut applier = Applier::new(0, replica.role_epoch());
        let (mut scratch, mut notes) = (Scratch::new(0), Vec::new());
        let mut cursor = bench.engine.log.cursor(bench.engine.log.end()).expect("the log is kept");
        for _ in 0..1500 {
            let request = REQUESTS[rng.below(REQUESTS.len() as u64) as usize];
            if request.starts_with("TICK") {
                bench.now_ms += 3;
                continue;
            }
            let word = |word: &str| match word {
                "K" => format!("k{}", rng.below(4)),
                "E" if rng.one_in(40) => "w".repeat(rng.below(5000) as usize),
                "E" => rng.below(8).to_string(),
                "N" => (rng.below(12) as i64 - 6).to_string(),
                other => other.into(),
            };
            let argv: Vec<String> = request.split(' ').map(word).collect();
            bench.run(&argv.iter().map(String::as_bytes).collect::<Vec<_>>());
        }
        while !cursor.chunk().is_empty() {
            let (bytes, len) = (cursor.chunk().to_vec(), cursor.chunk().len());
            cursor.advance(len);
            applier.feed(&replica, &mut scratch, bench.now_ms, &bytes, &mut notes).expect("is a stream");
        }
        assert_eq!(notes, [], "seed {seed}: a logged command failed on the replica");
        let digest = |engine: &Engine, scratch: &mut Scratch| {
            let txn = engine.begin(scratch, engine.all_locks(), 0, 0, Origin::Client);
            debug::digest(&txn, Scores::Shortest)
        };
        let (ours, theirs) = (digest(&bench.engine, &mut scratch), digest(&replica, &mut scratch));
        assert_eq!(ours, theirs, "seed {seed}");
    }
}
