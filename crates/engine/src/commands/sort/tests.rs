//! SORT: replies are those of redis-server.

use crate::testing::{Bench, START_MS, check, check_on, texts};
use crate::value::{Hash, Value};
use crate::{Origin, Scratch, Ttl};
use ds::entry::NewPayload;
use ds::listpack::Value as Text;

#[test]
fn by_themselves() {
    check(
        r#"
        RPUSH l 10 2 -1 1.5 3e1 2
        SORT l -> ["-1", "1.5", "2", "2", "10", "3e1"] |
        SORT l DESC -> ["3e1", "10", "2", "2", "1.5", "-1"]
        SORT l DESC ASC -> ["-1", "1.5", "2", "2", "10", "3e1"]
        SORT l ALPHA -> ["-1", "1.5", "10", "2", "2", "3e1"]
        SORT l alpha desc -> ["3e1", "2", "2", "10", "1.5", "-1"]
        SORT_RO l -> ["-1", "1.5", "2", "2", "10", "3e1"]
        SADD s 3 1 2
        SORT s DESC -> ["3", "2", "1"]
        SADD s x
        SORT s ALPHA -> ["1", "2", "3", "x"]
        ZADD z 1 5 2 4 3 1
        SORT z -> ["1", "4", "5"]
        SORT none -> []
        SORT none ALPHA DESC LIMIT 0 5 -> []
        # Equal numbers: by their texts.
        RPUSH equal 1.0 1 01 +1 1e0
        SORT equal -> ["+1", "01", "1", "1.0", "1e0"]
        SORT equal DESC -> ["1e0", "1.0", "1", "01", "+1"]
        RPUSH zeros 0 -0 0.0
        SORT zeros -> ["-0", "0", "0.0"]
        "#,
    );
}

#[test]
fn numbers() {
    let bad = "-ERR One or more scores can't be converted into double";
    let script = r#"
        RPUSH l 1 x
        SORT l -> BAD |
        SORT l LIMIT 0 0 -> BAD
        SORT l STORE to -> BAD |
        SORT l BY nosort -> ["1", "x"]
        DEL l
        RPUSH l "" " 1" "0x10" inf -inf "5."
        SORT l -> ["-inf", "", " 1", "5.", "0x10", "inf"]
        DEL l
        RPUSH l "2\x00x" 1
        SORT l -> ["1", "2\x00x"]
        RPUSH a nan
        SORT a -> BAD
        RPUSH b " "
        SORT b -> BAD
        RPUSH c "1 "
        SORT c -> BAD
        RPUSH d 1e400
        SORT d -> BAD
        RPUSH e 1e-400
        SORT e -> BAD
        RPUSH f 5e-324
        SORT f -> BAD
        RPUSH g 0x
        SORT g -> BAD
    "#;
    check(&script.replace("BAD", bad));
}

#[test]
fn limits() {
    check(
        r#"
        RPUSH l 5 3 1 4 2
        SORT l LIMIT 0 2 -> ["1", "2"]
        SORT l LIMIT 1 3 -> ["2", "3", "4"]
        SORT l LIMIT 3 100 -> ["4", "5"]
        SORT l LIMIT 5 1 -> []
        SORT l LIMIT 4 0 -> []
        SORT l LIMIT -3 2 -> ["1", "2"]
        SORT l LIMIT 2 -1 -> ["3", "4", "5"]
        SORT l LIMIT 2 -9223372036854775808 -> ["3", "4", "5"]
        SORT l LIMIT 0 9223372036854775807 DESC -> ["5", "4", "3", "2", "1"]
        SORT l LIMIT 9223372036854775807 1 -> []
        SORT l LIMIT 0 1 LIMIT 1 1 -> ["2"]
        SORT l LIMIT 1 1 ALPHA DESC -> ["4"]
        SORT l BY nosort LIMIT 1 2 -> ["3", "1"]
        SORT l BY nosort DESC -> ["2", "4", "1", "3", "5"]
        SORT l BY nosort DESC LIMIT 1 2 -> ["4", "1"]
        SORT l BY nosort LIMIT 3 9 -> ["4", "2"]
        SORT l BY nosort LIMIT 9 9 -> []
        ZADD z 1 a 2 b 3 c 4 d
        SORT z BY nosort -> ["a", "b", "c", "d"]
        SORT z BY nosort DESC -> ["d", "c", "b", "a"]
        SORT z BY nosort LIMIT 1 2 -> ["b", "c"]
        SORT z BY nosort DESC LIMIT 1 2 -> ["c", "b"]
        SORT z BY nosort DESC LIMIT 3 9 -> ["a"]
        SORT z BY nosort ALPHA LIMIT 0 1 -> ["a"]
        SADD s 3 2 1
        SORT s BY nosort LIMIT 1 1 -> ["2"]
        "#,
    );
}

#[test]
fn keys_of_patterns() {
    check(
        r#"
        RPUSH l a b c
        MSET w_a 3 w_b 1 w_c 2 d_a A d_c C
        SORT l BY w_* -> ["b", "c", "a"] |
        SORT l BY w_* DESC -> ["a", "c", "b"]
        SORT l BY w_* GET d_* -> [nil, "C", "A"]
        SORT l BY w_* GET d_* GET # GET w_* -> [nil, "b", "1", "C", "c", "2", "A", "a", "3"]
        SORT l BY w_* GET none -> [nil, nil, nil]
        SORT l BY w_* LIMIT 1 1 GET # -> ["c"]
        RESP 3
        SORT l BY nosort GET d_* -> ["A", nil, "C"]
        RESP 2
        SORT l ALPHA BY d_* -> ["b", "a", "c"]
        SORT l ALPHA BY d_* DESC -> ["c", "a", "b"]
        # What is not there, or no string, weighs nothing.
        DEL w_b
        RPUSH w_c x
        SET w_c -1
        SORT l BY w_* -> ["c", "b", "a"]
        RPUSH w_b x
        SORT l BY w_* GET w_* -> ["-1", nil, "3"]
        SET w_a x
        SORT l BY w_* -> -ERR One or more scores can't be converted into double
        SORT l BY nosort BY w_* -> ["a", "b", "c"]
        SORT l BY w_* BY nosort -> ["a", "b", "c"]
        SORT l BY # DESC -> ["c", "b", "a"]
        SET w_a 5
        SET pre_a_post 3
        SORT l BY nosort GET pre_*_post -> ["3", nil, nil]
        SET a 1
        SORT l BY nosort GET * -> ["1", nil, nil]
        SET *a 7
        SORT l BY nosort GET ** -> [nil, nil, nil]
        SET a* 7
        SORT l BY nosort GET ** -> ["7", nil, nil]
        # A key whose time has passed weighs nothing, and goes.
        SET w_c -5 PX 5
        TICK 6
        SORT l BY w_* -> ["b", "c", "a"] | DEL w_c
        "#,
    );
}

#[test]
fn fields_of_hashes() {
    let mut bench = Bench::new();
    let expired = Some(START_MS - 1);
    put_hash(&mut bench, b"h_a", &[(b"n", b"3", None), (b"t", b"x", None)], Form::Pack);
    put_hash(&mut bench, b"h_b", &[(b"n", b"1", None), (b"t", b"gone", expired)], Form::PackEx);
    put_hash(&mut bench, b"h_c", &[(b"n", b"2", Some(START_MS + 1)), (b"t", b"gone", expired)], Form::Table);
    check_on(
        &mut bench,
        r#"
        RPUSH l a b c
        SORT l BY h_*->n -> ["b", "c", "a"]
        SORT l BY h_*->n GET h_*->t -> [nil, nil, "x"]
        SORT l BY nosort GET h_*->n GET h_*->none -> ["3", nil, "1", nil, "2", nil]
        SORT l BY h_*->none DESC -> ["c", "b", "a"]
        SORT l BY nosort GET h_* -> [nil, nil, nil]
        SET x_a-> 1
        SET x_a->b 2
        SORT l BY nosort GET x_*-> -> ["1", nil, nil]
        SORT l BY nosort GET x_*->b -> [nil, nil, nil]
        SORT l BY nosort GET x_*->b GET h_->* -> [nil, nil, nil, nil, nil, nil]
        "#,
    );
}

#[derive(Clone, Copy)]
enum Form {
    Pack,
    PackEx,
    Table,
}

fn put_hash(bench: &mut Bench, key: &[u8], fields: &[(&[u8], &[u8], Option<i64>)], form: Form) {
    let triples: Vec<_> = fields.iter().map(|(f, v, at)| (Text::of(f), Text::of(v), *at)).collect();
    let shapes = bench.engine.shapes();
    let hash = match form {
        Form::Pack => Hash::loaded(triples, &shapes, false),
        Form::PackEx => Hash::loaded(triples, &shapes, true),
        Form::Table => Hash::table(triples.into_iter(), &shapes),
    };
    let hash = Value::Hash(hash.expect("no field comes twice"));
    let locks = bench.engine.lock_of(key);
    let mut txn = bench.engine.begin(&mut bench.scratch, locks, bench.now_ms, 0, Origin::Client);
    txn.put(key, NewPayload::Boxed(hash), Ttl::Clear);
    txn.commit();
}

#[test]
fn stored() {
    check(
        r#"
        RPUSH l 3 1 2
        SORT l STORE to -> 3 | SORT l STORE to
        LRANGE to 0 -1 -> ["1", "2", "3"]
        OBJECT ENCODING to -> "listpack"
        EXPIRE to 100
        SORT l STORE to DESC LIMIT 0 2 -> 2
        LRANGE to 0 -1 -> ["3", "2"]
        TTL to -> -1
        SORT l STORE a STORE b -> 3
        EXISTS a b -> 1
        SET w_1 x
        SORT l STORE to GET w_* GET # -> 6
        LRANGE to 0 -1 -> ["x", "1", "", "2", "", "3"]
        # Nothing to store: what is there is deleted.
        SORT none STORE to -> 0 | SORT none STORE to
        EXISTS to -> 0
        SORT none STORE to -> 0 |
        SORT l LIMIT 9 9 STORE b -> 0 | SORT l LIMIT 9 9 STORE b
        # Onto itself.
        SORT l STORE l -> 3
        LRANGE l 0 -1 -> ["1", "2", "3"]
        SET string x
        SORT l STORE string -> 3
        TYPE string -> list
        SET string x
        SORT string STORE l -> -WRONGTYPE Operation against a key holding the wrong kind of value |
        # A set is stored in an order, asked for or not.
        SADD s b a 10 9
        SORT s BY nosort STORE to -> 4
        LRANGE to 0 -1 -> ["10", "9", "a", "b"]
        SORT s BY nosort DESC STORE to -> 4
        LRANGE to 0 -1 -> ["b", "a", "9", "10"]
        SORT s ALPHA BY none_* STORE to -> 4
        LRANGE to 0 -1 -> ["9", "10", "a", "b"]
        SORT l STORE to LIMIT -> -ERR syntax error |
        SORT_RO l STORE to -> -ERR syntax error
        "#,
    );
}

#[test]
fn refused() {
    check(
        r#"
        RPUSH l 1
        SET string x
        SORT string -> -WRONGTYPE Operation against a key holding the wrong kind of value
        SORT string BADWORD -> -ERR syntax error
        SORT l BY -> -ERR syntax error
        SORT l GET -> -ERR syntax error
        SORT l STORE -> -ERR syntax error
        SORT l LIMIT 1 -> -ERR syntax error
        SORT l LIMIT x 1 -> -ERR value is not an integer or out of range
        SORT l LIMIT 1 x -> -ERR value is not an integer or out of range
        SORT l LIMIT x 1 WHAT -> -ERR value is not an integer or out of range
        SORT l WHAT LIMIT x 1 -> -ERR syntax error
        SORT -> -ERR wrong number of arguments for 'sort' command
        SORT_RO -> -ERR wrong number of arguments for 'sort_ro' command
        "#,
    );
}

/// Keys that a request names are locked, and all if it names them only by the elements.
#[test]
fn locks() {
    let bench = Bench::new();
    let locked = |words: &[&str]| {
        let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        let args = resp::OwnedArgs::from_slices(&words);
        let row = crate::commands::find(words[0]).expect("is a command");
        let locks = bench.engine.locks_of(&row.meta, args.as_args(), &Scratch::new(1));
        locks.0
    };
    let of = |keys: &[&str]| keys.iter().fold(0, |set, key| set | bench.engine.lock_of(key.as_bytes()).0);
    let all = bench.engine.all_locks().0;
    assert_eq!(locked(&["sort", "k"]), of(&["k"]));
    assert_eq!(locked(&["SORT", "k", "by", "nosort", "get", "#", "STORE", "to"]), of(&["k", "to"]));
    assert_eq!(locked(&["sort", "k", "limit", "0", "store", "STORE", "to"]), of(&["k", "to"]));
    assert_eq!(locked(&["sort", "k", "store", "by", "store", "to"]), of(&["k", "to"]));
    assert_eq!(locked(&["sort", "k", "store", "a", "nonsense"]), of(&["k", "a"]));
    assert_eq!(locked(&["sort", "k", "by", "w*"]), all);
    assert_eq!(locked(&["sort_ro", "k", "get", "w*->f"]), all);
    assert_eq!(locked(&["sort_ro", "k", "store", "to"]), of(&["k"]));
}

/// A replica's sets lie in another order; what it stores for the same request must be the same nevertheless.
#[test]
fn sets_are_stored_alike_whatever_their_order() {
    let requests: [&[&[u8]]; 4] = [
        &[b"SORT", b"s", b"BY", b"nosort", b"STORE", b"to"],
        &[b"SORT", b"s", b"ALPHA", b"BY", b"none_*", b"STORE", b"to"],
        &[b"SORT", b"s", b"ALPHA", b"BY", b"none_*", b"DESC", b"LIMIT", b"20", b"500", b"STORE", b"to"],
        &[b"SORT", b"s", b"BY", b"none_*", b"LIMIT", b"3", b"100", b"STORE", b"to"],
    ];
    for request in requests {
        let stored: Vec<Vec<u8>> = (0..3)
            .map(|seed| {
                let mut bench = Bench::seeded(seed);
                for n in 0..700 {
                    let member = if n % 3 == 0 { format!("{n}") } else { format!("m{n}") };
                    bench.run(&[b"SADD", b"s", member.as_bytes()]);
                }
                bench.run(request);
                bench.run(&[b"LRANGE", b"to", b"0", b"-1"])
            })
            .collect();
        assert!(stored[0] == stored[1] && stored[1] == stored[2]);
        assert!(100 < stored[0].len());
    }
}

/// Any range of a long list, picked out before it is sorted, is what the whole list has there.
#[test]
fn a_limit_picks_what_the_whole_has_there() {
    let mut bench = Bench::new();
    let mut rng = base::rng::Rng::new(11);
    for _ in 0..600 {
        let n = rng.below(200).to_string();
        bench.run(&[b"RPUSH", b"l", n.as_bytes()]);
        bench.run(&[
            b"SET",
            format!("w{n}").as_bytes(),
            (n.len() as u64 + rng.below(3)).to_string().as_bytes(),
        ]);
    }
    for options in
        ["", "DESC", "ALPHA", "ALPHA DESC", "BY w*", "BY w* ALPHA", "BY w* ALPHA DESC", "BY nosort DESC"]
    {
        let mut base: Vec<&[u8]> = vec![b"SORT", b"l"];
        base.extend(options.split_whitespace().map(str::as_bytes));
        let whole = items(&bench.run(&base));
        for _ in 0..30 {
            let (from, count) = (rng.below(620) as usize, rng.below(620) as usize);
            let (from_text, count_text) = (from.to_string(), count.to_string());
            let mut argv = base.clone();
            argv.extend([&b"LIMIT"[..], from_text.as_bytes(), count_text.as_bytes()]);
            let start = from.min(whole.len());
            let end = (start + count).min(whole.len());
            assert_eq!(items(&bench.run(&argv)), whole[start..end], "{options} {from} {count}");
        }
    }
}

fn items(reply: &[u8]) -> Vec<String> {
    let text = texts(reply).remove(0);
    let inner = text.trim_matches(['[', ']']);
    if inner.is_empty() { Vec::new() } else { inner.split(", ").map(str::to_string).collect() }
}
