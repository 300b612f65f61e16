//! Keys with values of every type under the commands that don't ask for the type, and under those of strings.

use crate::expire;
use crate::rdb;
use crate::testing::{Bench, check_on, texts};
use crate::txn::{Origin, Trash, Ttl};
use crate::value::{Hash, List, Set, Shapes, SortedSet, Value};
use ds::entry::NewPayload;
use ds::listpack::{self, Listpack};
use ds::stream::{Id, Limits, Stream};
use ds::{list, sorted::Sorted};

/// One of each type and encoding: key, type, encoding.
const KEYS: &[(&str, &str, &str)] = &[
    ("list:pack", "list", "listpack"),
    ("list:chunks", "list", "quicklist"),
    ("set:ints", "set", "intset"),
    ("set:pack", "set", "listpack"),
    ("set:table", "set", "hashtable"),
    ("hash:pack", "hash", "listpack"),
    ("hash:ex", "hash", "listpackex"),
    ("hash:table", "hash", "hashtable"),
    ("zset:pack", "zset", "listpack"),
    ("zset:tree", "zset", "skiplist"),
    ("stream", "stream", "stream"),
];

/// More than small forms take.
const MANY: usize = 600;

fn value_of(key: &str, shapes: &Shapes) -> Value {
    let names: Vec<String> = (0..MANY).map(|i| format!("member {i}")).collect();
    let values = || names.iter().map(|name| listpack::Value::Str(name.as_bytes()));
    match key {
        "list:pack" => Value::List(List::Pack(Listpack::from_values(["a", "1"].map(str::as_bytes)))),
        "list:chunks" => {
            let mut list = list::List::new(shapes.list);
            names.iter().chain(&names).for_each(|name| list.push(list::End::Tail, name.as_bytes()));
            Value::List(List::settled(list, shapes))
        }
        "set:ints" => Value::Set(Set::Ints([3, -70_000, 1 << 40].into_iter().collect())),
        "set:pack" => Value::Set(Set::Pack(Listpack::from_values(["a", "b"].map(str::as_bytes)))),
        "set:table" => Value::Set(Set::table(values(), shapes).expect("each comes once")),
        "hash:pack" => Value::Hash(Hash::Pack(Listpack::from_values(["f", "v"].map(str::as_bytes)))),
        "hash:ex" => {
            let (late, never) = (listpack::Value::Str(b"late"), listpack::Value::Str(b"never"));
            Value::Hash(Hash::pack_ex(vec![(never, never, None), (late, late, Some(1 << 50))]))
        }
        "hash:table" => {
            let fields =
                values().enumerate().map(|(i, v)| (v, v, (i % 3 == 0).then_some((1 << 50) + i as i64)));
            Value::Hash(Hash::table(fields, shapes).expect("each comes once"))
        }
        "zset:pack" | "zset:tree" => {
            let mut tree = Sorted::new(shapes.hasher.clone());
            let count = if key == "zset:pack" { 3 } else { MANY };
            for (i, name) in names.iter().take(count).enumerate() {
                tree.insert(name.as_bytes(), i as f64 * 0.37 - 5.0);
            }
            Value::SortedSet(SortedSet::settled(tree, shapes))
        }
        _ => {
            let mut stream = Stream::new();
            for (i, name) in names.iter().enumerate() {
                let pair = [(&b"name"[..], name.as_bytes())];
                stream.add(Id::new(i as u64 + 1, 7), pair.into_iter(), Limits::default()).expect("ascends");
            }
            assert!(stream.delete(Id::new(3, 7)));
            stream.create_group(b"group", Id::new(2, 7), Some(2));
            stream.with_group(b"group", |group, _| {
                group.create_consumer(b"consumer", 1_000);
                group.deliver(&[Id::new(1, 7), Id::new(2, 7)], b"consumer", 1_000);
            });
            Value::Stream(Box::new(stream))
        }
    }
}

fn put(bench: &mut Bench, key: &str) {
    let value = value_of(key, &bench.engine.shapes());
    let locks = bench.engine.all_locks();
    let mut txn = bench.engine.begin(&mut bench.scratch, locks, bench.now_ms, bench.db, Origin::Client);
    txn.put(key.as_bytes(), NewPayload::Boxed(value), Ttl::Clear);
    txn.commit();
}

fn digest(bench: &mut Bench, key: &str) -> String {
    let locks = bench.engine.all_locks();
    let mut txn = bench.engine.begin(&mut bench.scratch, locks, bench.now_ms, bench.db, Origin::Client);
    let digest = crate::debug::digest_value(&txn, key.as_bytes()).to_string();
    txn.no_effect();
    txn.commit();
    digest
}

#[test]
fn keys_of_every_type_are_carried_and_deleted() {
    for &(key, kind, encoding) in KEYS {
        let mut bench = Bench::new();
        put(&mut bench, key);
        let wanted = digest(&mut bench, key);
        let script = r#"
            TYPE KEY -> KIND
            OBJECT ENCODING KEY -> "FORM"
            OBJECT REFCOUNT KEY -> 1
            EXISTS KEY -> 1
            TOUCH KEY -> 1
            SCAN 0 TYPE KIND -> ["0", ["KEY"]]
            SCAN 0 TYPE string -> ["0", []]
            COPY KEY copy -> 1 | COPY KEY copy
            OBJECT ENCODING copy -> "FORM"
            RENAME copy other -> OK | RENAME copy other
            TYPE other -> KIND
            EXPIRE other 100 -> 1
            MOVE other 3 -> 1
            DEL KEY -> 1 | DEL KEY
            SELECT 3
            OBJECT ENCODING other -> "FORM"
            PERSIST other -> 1
            RENAME other KEY
        "#;
        check_on(&mut bench, &script.replace("KEY", key).replace("KIND", kind).replace("FORM", encoding));
        assert_eq!(digest(&mut bench, key), wanted, "{key}");
        check_on(&mut bench, &format!("UNLINK {key} -> 1\nDBSIZE -> 0"));
    }
}

#[test]
fn what_is_dumped_is_restored() {
    for &(key, kind, encoding) in KEYS {
        let mut bench = Bench::new();
        put(&mut bench, key);
        let wanted = digest(&mut bench, key);
        let reply = bench.run(&[b"DUMP", key.as_bytes()]);
        let line = reply.iter().position(|&c| c == b'\n').expect("a bulk string") + 1;
        let bytes = &reply[line..reply.len() - 2];
        assert_eq!(texts(&bench.run(&[b"RESTORE", b"copy", b"0", bytes])), ["OK"], "{key}");
        assert_eq!(digest(&mut bench, "copy"), wanted, "{key}");
        check_on(&mut bench, &format!("TYPE copy -> {kind}\nOBJECT ENCODING copy -> \"{encoding}\""));
        // Settings decide on the form, whatever the payload was.
        let shapes = &bench.engine.settings.shapes;
        let small = [&shapes.hash_entries_max, &shapes.set_intset_entries_max, &shapes.set_entries_max];
        for setting in small.into_iter().chain([&shapes.sorted_entries_max]) {
            setting.store(1, std::sync::atomic::Ordering::Relaxed);
        }
        shapes.list_fill.store(1, std::sync::atomic::Ordering::Relaxed);
        assert_eq!(texts(&bench.run(&[b"RESTORE", b"large", b"0", bytes])), ["OK"], "{key}");
        assert_eq!(digest(&mut bench, "large"), wanted, "{key}");
        let large = match (kind, key) {
            ("list", _) => "quicklist",
            ("hash", "hash:pack") => "listpack",
            ("set" | "hash", _) => "hashtable",
            ("zset", _) => "skiplist",
            _ => "stream",
        };
        check_on(&mut bench, &format!("OBJECT ENCODING large -> \"{large}\""));
    }
}

#[test]
fn commands_of_strings_refuse_other_types() {
    const WRONG: &str = "-WRONGTYPE Operation against a key holding the wrong kind of value";
    for &(key, ..) in KEYS {
        let mut bench = Bench::new();
        put(&mut bench, key);
        let wanted = digest(&mut bench, key);
        for request in [
            "GET k",
            "GETEX k PERSIST",
            "GETDEL k",
            "GETSET k v",
            "SET k v GET",
            "STRLEN k",
            "GETRANGE k 0 1",
            "SUBSTR k 0 1",
            "SETRANGE k 0 x",
            "APPEND k x",
            "INCR k",
            "DECR k",
            "INCRBY k 1",
            "DECRBY k 1",
            "INCRBYFLOAT k 1",
        ] {
            let request = request.replace(" k", &format!(" {key}"));
            check_on(&mut bench, &format!("{request} -> {WRONG} |"));
        }
        check_on(&mut bench, &format!("MGET {key} -> [nil]\nSETNX {key} v -> 0 |"));
        assert_eq!(digest(&mut bench, key), wanted, "{key}");
        check_on(&mut bench, &format!("SET {key} v -> OK\nGET {key} -> \"v\""));
    }
}

/// Requests that end the value of KEY, each by itself; `other` is a key of every kind of source.
const ENDS: &[&str] = &[
    "DEL KEY",
    "UNLINK KEY",
    "SET KEY v",
    "SETEX KEY 100 v",
    "MSET other v KEY v",
    "RENAME other KEY",
    "COPY other KEY REPLACE",
    "RESTORE KEY 0 TEN REPLACE",
    "RESTORE KEY 1 TEN REPLACE ABSTTL",
    "EXPIRE KEY -1",
    "EXPIREAT KEY 1",
    "SORT numbers STORE KEY",
    "SORT none STORE KEY",
    "SUNIONSTORE KEY numbers",
    "SINTERSTORE KEY none",
    "ZUNIONSTORE KEY 1 numbers",
    "ZRANGESTORE KEY none 0 -1",
    "BITOP NOT KEY none",
    "BITOP NOT KEY other",
];

const TEN: &str = r#""\x00\xc0\n\n\x00n\x9fWE\x0e\xaec\xbb""#;

/// Whatever the lazyfree-* directives say: they are how it is logged.
#[test]
fn large_values_are_freed_elsewhere() {
    for &(key, _, encoding) in KEYS {
        let is_large = matches!(encoding, "hashtable" | "skiplist");
        for lazy in ["LAZY no", "LAZY yes"] {
            for request in ENDS {
                let mut bench = Bench::new();
                put(&mut bench, key);
                check_on(&mut bench, &format!("{lazy}\nSET other x\nSADD numbers 1 2"));
                let request = request.replace("KEY", key).replace("TEN", TEN);
                check_on(&mut bench, &request);
                assert_eq!(bench.scratch.trash.len(), usize::from(is_large), "{request}");
            }
            // Met after its time by a reader, by a writer, by chance, and by active expiry.
            for meet in ["EXISTS KEY", "SADD KEY x", "SET KEY v", "RANDOM", "ACTIVE"] {
                let mut bench = Bench::new();
                put(&mut bench, key);
                check_on(&mut bench, &format!("{lazy}\nPEXPIRE {key} 1 -> 1\nTICK 2"));
                match meet {
                    "ACTIVE" => {
                        let mut cursor = expire::Cursor::default();
                        while !expire::step(&bench.engine, &mut cursor, bench.now_ms, &mut bench.scratch)
                            .round_ended
                        {}
                    }
                    "RANDOM" => check_on(&mut bench, "RANDOMKEY -> nil"),
                    meet => check_on(&mut bench, &meet.replace("KEY", key)),
                }
                assert_eq!(bench.scratch.trash.len(), usize::from(is_large), "{meet} {key}");
            }
        }
    }
}

/// A string that takes long to give back.
#[test]
fn long_strings_are_freed_elsewhere() {
    for request in ENDS.iter().chain(&["GETDEL KEY", "GETSET KEY v", "SET KEY v GET", "GETEX KEY EXAT 1"]) {
        let mut bench = Bench::new();
        check_on(&mut bench, "SETRANGE k 100000 x\nSET other x\nSADD numbers 1 2");
        let request = request.replace("KEY", "k").replace("TEN", TEN);
        check_on(&mut bench, &request);
        assert_eq!(bench.scratch.trash.len(), 1, "{request}");
    }
}

/// Whole databases go in one piece a shard, and are freed outside the locks.
#[test]
fn flushed_databases_are_freed_elsewhere() {
    for request in ["FLUSHALL", "FLUSHALL SYNC", "FLUSHALL ASYNC", "FLUSHDB", "FLUSHDB SYNC", "FLUSHDB ASYNC"]
    {
        let mut bench = Bench::with_shards(4);
        for &(key, ..) in KEYS {
            put(&mut bench, key);
        }
        check_on(&mut bench, &format!("{request} -> OK\nDBSIZE -> 0"));
        let freed: usize = bench
            .scratch
            .trash
            .iter()
            .map(|trash| match trash {
                Trash::Db(db) => db.table.len(),
                _ => 0,
            })
            .sum();
        assert_eq!(freed, KEYS.len(), "{request}");
    }
}

/// Any byte of a payload changed, in any way: refused, or a value that can be saved again.
#[test]
fn damaged_values_are_borne() {
    let shapes = Shapes::default();
    for &(key, ..) in KEYS {
        let mut bytes = Vec::new();
        rdb::encode_value(&mut bytes, &(&value_of(key, &shapes)).into(), false);
        for seed in 0..3000 {
            let mut rng = base::rng::Rng::new(seed);
            let mut damaged = bytes.clone();
            for _ in 0..1 + rng.below(3) {
                let at = match rng.one_in(2) {
                    true => rng.below(damaged.len().min(40) as u64) as usize,
                    false => rng.below(damaged.len() as u64) as usize,
                };
                match rng.below(3) {
                    0 => damaged[at] = rng.next_u64() as u8,
                    1 => damaged[at] ^= 1 << rng.below(8),
                    _ => damaged.truncate(at.max(1)),
                }
            }
            if let Some(value) = rdb::decode_value(&damaged, &shapes) {
                let mut saved = Vec::new();
                rdb::encode_value(&mut saved, &value, false);
                let again = rdb::decode_value(&saved, &shapes);
                assert!(again.is_some(), "{key}, seed {seed}: what is taken can be saved and taken again");
            }
        }
    }
}
