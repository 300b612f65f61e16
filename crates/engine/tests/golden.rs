//! Files that other servers wrote, with what they held: every value, expiry, encoding and digest is compared; then
//! what we save of it is loaded again and compared once more.

use base::number::parse_f64;
use ds::entry::EntryRef;
use ds::stream::Id;
use engine::digest::{self, Scores};
use engine::load::Staging;
use engine::rdb::{Decoder, Item, Step};
use engine::snapshot::{Options, Snapshot, keep};
use engine::value::{self, Str, Value};
use engine::{Engine, Origin, Scratch, Txn};
use serde_json::Value as Json;
use std::collections::HashMap;

/// A file, and what it holds.
struct Golden {
    name: &'static str,
    rdb: &'static [u8],
    json: &'static str,
}

macro_rules! golden {
    ($name:literal) => {
        Golden {
            name: $name,
            rdb: include_bytes!(concat!("golden/", $name, ".rdb")),
            json: include_str!(concat!("golden/", $name, ".json")),
        }
    };
}

const REDIS_7_0: Golden = golden!("redis-7.0.15");
const REDIS_7_2: Golden = golden!("redis-7.2.4");
const FILES: &[Golden] = &[REDIS_7_0, REDIS_7_2, golden!("redis-8.0-pre"), golden!("valkey-8.0-plus")];
/// Long before anything in the files expires.
const NOW_MS: i64 = 1_700_000_000_000;

impl Golden {
    fn json(&self) -> Json {
        serde_json::from_str(self.json).expect("is JSON")
    }
}

fn load(bytes: &[u8]) -> Engine {
    let engine = Engine::new(16, 16, 3);
    let mut staging = Staging::new(&engine);
    let (mut decoder, mut at, mut db) = (Decoder::shaping(engine.shapes()), 0, 0);
    loop {
        let step = decoder.next(&bytes[at..], true).expect("is a whole file");
        let Step::Item { consumed, item } = step else { panic!("the whole file is there") };
        at += consumed;
        match item {
            Item::SelectDb(selected) => db = selected,
            Item::Entry { key, value, expire_ms, .. } => {
                assert!(staging.add_value(&engine, db, &key, value, expire_ms), "each key comes once");
            }
            Item::Eof { checksum } => {
                assert!(checksum);
                break;
            }
            _ => {}
        }
    }
    with_all(&engine, |txn| staging.install(txn));
    engine
}

fn with_all<R>(engine: &Engine, run: impl FnOnce(&mut Txn) -> R) -> R {
    let mut scratch = Scratch::new(1);
    let mut txn = engine.begin(&mut scratch, engine.all_locks(), NOW_MS, 0, Origin::Client);
    let result = run(&mut txn);
    txn.commit();
    result
}

fn save(engine: &Engine, compress: bool) -> Vec<u8> {
    let options = Options { compress, checksum: true, data: true };
    let mut snapshot = with_all(engine, |txn| Snapshot::cut(txn, options, &[])).expect("none runs");
    let (mut bytes, mut free) = (Vec::new(), Vec::new());
    while snapshot.step(engine, 3, &mut keep(&mut bytes), &mut free) {}
    bytes
}

fn base64(text: &str) -> Vec<u8> {
    let digit = |c: u8| match c {
        b'A'..=b'Z' => c - b'A',
        b'a'..=b'z' => c - b'a' + 26,
        b'0'..=b'9' => c - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let digits: Vec<u8> = text.bytes().filter(|&c| c != b'=').map(digit).collect();
    let mut bytes = Vec::new();
    for four in digits.chunks(4) {
        let bits = four.iter().enumerate().map(|(i, &d)| u32::from(d) << (18 - 6 * i)).sum::<u32>();
        bytes.extend_from_slice(&bits.to_be_bytes()[1..four.len()]);
    }
    bytes
}

/// A string of the description; `Err` with its length if only that and a sum is told.
fn bytes_of(json: &Json) -> Result<Vec<u8>, usize> {
    match json {
        Json::String(text) => Ok(text.as_bytes().to_vec()),
        json => match json["base64"].as_str() {
            Some(text) => Ok(base64(text)),
            None => Err(json["len"].as_u64().expect("has a length") as usize),
        },
    }
}

fn strings(json: &Json) -> Vec<Vec<u8>> {
    json.as_array().expect("is a list").iter().map(|one| bytes_of(one).expect("is told")).collect()
}

fn sorted(mut items: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    items.sort();
    items
}

/// Pairs as strings, in the order of their first parts.
fn pairs(json: &Json) -> Vec<(Vec<u8>, Vec<u8>)> {
    let pair = |pair: &Json| (bytes_of(&pair[0]).expect("is told"), bytes_of(&pair[1]).expect("is told"));
    let mut pairs: Vec<_> = json.as_array().expect("is a list").iter().map(pair).collect();
    pairs.sort();
    pairs
}

fn check_value(name: &str, entry: EntryRef<Value>, wanted: &Json) {
    let json = &wanted["value"];
    let ds::entry::Payload::Boxed(value) = entry.payload() else {
        return check_string(name, value::as_str(entry.payload()).expect("a string"), json);
    };
    match value {
        Value::Bytes(bytes) => check_string(name, Str::Bytes(bytes), json),
        Value::List(list) => {
            let mut found = Vec::new();
            list.for_each(|element| found.push(element.to_vec()));
            assert_eq!(found, strings(json), "{name}");
        }
        Value::Set(set) => {
            let mut found = Vec::new();
            set.for_each(|member| found.push(member.to_vec()));
            assert_eq!(sorted(found), sorted(strings(json)), "{name}");
        }
        Value::Hash(hash) => {
            let mut found = Vec::new();
            hash.for_each(|field, value, _| found.push((field.to_vec(), value.to_vec())));
            found.sort();
            assert_eq!(found, pairs(json), "{name}");
        }
        Value::SortedSet(set) => {
            let mut found = Vec::new();
            set.for_each(|member, score| found.push((member.to_vec(), score)));
            let wanted = json.as_array().expect("is a list").iter().map(|pair| {
                let score = parse_f64(pair[1].as_str().expect("a number").as_bytes());
                (bytes_of(&pair[0]).expect("is told"), score.expect("a number"))
            });
            assert_eq!(found, wanted.collect::<Vec<_>>(), "{name}");
        }
        Value::Stream(stream) => check_stream(name, stream, wanted),
    }
}

fn check_string(name: &str, found: Str, wanted: &Json) {
    match bytes_of(wanted) {
        Ok(bytes) => assert_eq!(found.to_vec(), bytes, "{name}"),
        Err(len) => assert_eq!(found.len(), len, "{name}"),
    }
}

/// Named parts of an XINFO reply.
fn parts(json: &Json) -> HashMap<&str, &Json> {
    let parts = json.as_array().expect("is a list");
    parts.iter().map(|part| (part[0].as_str().expect("a name"), &part[1])).collect()
}

fn check_stream(name: &str, stream: &ds::stream::Stream, wanted: &Json) {
    let mut entries = wanted["value"].as_array().expect("is a list").iter();
    for entry in stream.range(Id::MIN, Id::MAX) {
        let wanted = entries.next().expect("no more entries than there were");
        assert_eq!(Some(entry.id.to_string().as_str()), wanted[0].as_str(), "{name}");
        let mut found: Vec<_> = entry.pairs().map(|(name, value)| (name.to_vec(), value.to_vec())).collect();
        found.sort();
        assert_eq!(found, pairs(&wanted[1]), "{name}");
    }
    assert!(entries.next().is_none(), "{name}");
    let info = parts(&wanted["xinfo"]);
    let counters = stream.counters();
    let id = |id: Id| Json::String(id.to_string());
    assert_eq!(info["length"].as_u64(), Some(counters.len), "{name}");
    assert_eq!(*info["last-generated-id"], id(counters.last_id), "{name}");
    assert_eq!(*info["max-deleted-entry-id"], id(counters.max_deleted_id), "{name}");
    assert_eq!(*info["recorded-first-entry-id"], id(counters.first_id), "{name}");
    assert_eq!(info["entries-added"].as_u64(), Some(counters.entries_added), "{name}");
    let groups = info["groups"].as_array().expect("is a list");
    assert_eq!(groups.len(), stream.groups_len(), "{name}");
    for (group, wanted) in stream.groups().zip(groups) {
        let wanted = parts(wanted);
        assert_eq!(wanted["name"].as_str().map(str::as_bytes), Some(group.name()), "{name}");
        assert_eq!(*wanted["last-delivered-id"], id(group.last_id), "{name}");
        assert_eq!(wanted["entries-read"].as_u64(), group.entries_read, "{name}");
        assert_eq!(wanted["pel-count"].as_u64(), Some(group.pending_len() as u64), "{name}");
        let pending = wanted["pending"].as_array().expect("is a list");
        for (found, wanted) in group.pending_between(Id::MIN, Id::MAX).zip(pending) {
            assert_eq!(wanted[0], id(found.id), "{name}");
            assert_eq!(wanted[1].as_str().map(str::as_bytes), Some(&found.consumer[..]), "{name}");
            assert_eq!(wanted[2].as_i64(), Some(found.delivered_ms), "{name}");
            assert_eq!(wanted[3].as_u64(), Some(found.deliveries), "{name}");
        }
        let consumers = wanted["consumers"].as_array().expect("is a list");
        assert_eq!(consumers.len(), group.consumers_len(), "{name}");
        for (consumer, wanted) in group.consumers().zip(consumers) {
            let wanted = parts(wanted);
            assert_eq!(wanted["name"].as_str().map(str::as_bytes), Some(consumer.name()), "{name}");
            assert_eq!(wanted["pel-count"].as_u64(), Some(consumer.pending_len() as u64), "{name}");
        }
    }
}

fn check(file: &str, engine: &Engine, wanted: &Json, encodings: &HashMap<String, String>) {
    let scores = if file == REDIS_7_0.name { Scores::Digits17 } else { Scores::Shortest };
    with_all(engine, |txn| {
        let mut keys = 0;
        for (db, wanted) in wanted["dbs"].as_object().expect("by number") {
            let db: u32 = db.parse().expect("a number");
            for wanted in wanted.as_array().expect("is a list") {
                let key = bytes_of(&wanted["key"]).expect("is told");
                let name = format!("{file}, {db}: {}", key.escape_ascii());
                let entry = txn.get_in(db, &key).unwrap_or_else(|| panic!("{name} is missing"));
                let payload = entry.payload();
                assert_eq!(Some(value::type_name(&payload)), wanted["type"].as_str(), "{name}");
                // The forms are ours, and so those of 7.2, whoever wrote the file.
                let encoding = encodings.get(&format!("{db} {}", wanted["key"]));
                let encoding = encoding.map_or(wanted["encoding"].as_str(), |encoding| Some(encoding));
                assert_eq!(Some(value::encoding(&payload, entry.tag())), encoding, "{name}");
                assert_eq!(Some(entry.expiry().unwrap_or(-1)), wanted["pexpiretime"].as_i64(), "{name}");
                check_value(&name, entry, wanted);
                let digest = digest::of_value(entry, scores).to_string();
                assert_eq!(Some(digest.as_str()), wanted["digest"].as_str(), "{name}");
                keys += 1;
            }
        }
        let found: usize = (0..16).map(|db| txn.db_len(db)).sum();
        assert_eq!(found, keys, "{file}: there are no other keys");
        let shards: Vec<_> = txn.each_shard().collect();
        let digest = digest::of_all(shards.into_iter(), 16, scores).to_string();
        assert_eq!(Some(digest.as_str()), wanted["debug_digest"].as_str(), "{file}");
    });
}

/// Encodings by database and key, as 7.2 has them.
fn encodings() -> HashMap<String, String> {
    let json = REDIS_7_2.json();
    let mut found = HashMap::new();
    for (db, keys) in json["dbs"].as_object().expect("by number") {
        for key in keys.as_array().expect("is a list") {
            let encoding = key["encoding"].as_str().expect("a name").to_string();
            found.insert(format!("{db} {}", key["key"]), encoding);
        }
    }
    found
}

#[test]
fn files_of_other_servers_are_read_and_written_again() {
    let encodings = encodings();
    for Golden { name, rdb, json } in FILES {
        let wanted = serde_json::from_str(json).expect("is JSON");
        let engine = load(rdb);
        check(name, &engine, &wanted, &encodings);
        for compress in [true, false] {
            check(name, &load(&save(&engine, compress)), &wanted, &encodings);
        }
    }
}
