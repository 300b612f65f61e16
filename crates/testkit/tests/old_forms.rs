//! Values in every form that a file of Redis 2.4 to 7.2 can have, built byte by byte: what is read, in which encoding
//! it then is, and that redis-server 7.0 reads the same, and loads what we save of it.

use engine::rdb::{Decoder, Item, Step};
use testkit::hostile::old::{
    self, kind, listpack, packed, plain, quicklist, sorted_set_text, ziplist, zipmap,
};
use testkit::hostile::{Session, payload};
use testkit::process::Kind::Greylag;
use testkit::process::{Server, has_redis};
use testkit::value::Value;

/// What a value holds, as text.
fn contents(session: &mut Session, key: &str) -> String {
    let held = session.contents(key.as_bytes());
    let text = |(element, more): &(Vec<u8>, String)| match &**more {
        "" => element.escape_ascii().to_string(),
        more => format!("{}: {more}", element.escape_ascii()),
    };
    held.iter().map(text).collect::<Vec<_>>().join(", ")
}

fn restore(session: &mut Session, body: &[u8]) -> String {
    let reply = session.run(&[b"RESTORE", b"k", b"0", &payload(body), b"REPLACE"]).expect("is a command");
    match reply {
        Value::Simple(text) => String::from_utf8(text).expect("is text"),
        other => other.to_string(),
    }
}

/// A form, the encoding that it takes, what it holds.
type Form = (Vec<u8>, &'static str, &'static str);

fn forms() -> Vec<Form> {
    let long = "x".repeat(65);
    let scores: &[&[u8]] = &[b"low", b"-1.5", b"a", b"2", b"b", b"2", b"high", b"250.5"];
    vec![
        (plain(kind::LIST, 3, &[b"a", b"-7", b""]), "listpack", "a, -7, "),
        (
            packed(kind::LIST_ZIPLIST, &ziplist(&[b"a", b"12", b"13", b"-129", b"70000"])),
            "listpack",
            "a, 12, 13, -129, 70000",
        ),
        (
            packed(
                kind::LIST_ZIPLIST,
                &ziplist(&[b"8388607", b"8388608", b"2147483648", b"-9223372036854775808"]),
            ),
            "listpack",
            "8388607, 8388608, 2147483648, -9223372036854775808",
        ),
        (quicklist(&[&[b"a", b"1"]]), "listpack", "a, 1"),
        // As in Redis, several nodes stay several.
        (quicklist(&[&[b"a", b"1"], &[b"2"], &[b"z"]]), "quicklist", "a, 1, 2, z"),
        (quicklist(&[&[&[b'q'; 5000]], &[&[b'r'; 5000]]]), "quicklist", ""),
        (
            [
                &[kind::LIST_QUICKLIST_2, 2, 2][..],
                &old::string(&listpack(&[b"a", b"5"])),
                &[1],
                &old::string(b"plain"),
            ]
            .concat(),
            "quicklist",
            "a, 5, plain",
        ),
        (plain(kind::SET, 3, &[b"3", b"-70000", b"1"]), "intset", "-70000, 1, 3"),
        (plain(kind::SET, 2, &[b"3", b"three"]), "listpack", "3, three"),
        (packed(kind::SET_INTSET, &old::intset(2, &[-5, 0, 300])), "intset", "-5, 0, 300"),
        (packed(kind::SET_INTSET, &old::intset(4, &[-5, 70_000])), "intset", "-5, 70000"),
        (packed(kind::SET_INTSET, &old::intset(8, &[i64::MIN, 7])), "intset", "-9223372036854775808, 7"),
        (packed(kind::SET_LISTPACK, &listpack(&[b"b", b"17", b"a"])), "listpack", "b, 17, a"),
        (
            sorted_set_text(&[
                (b"c", Some("inf")),
                (b"a", Some("1.5")),
                (b"17", Some("3")),
                (b"b", Some("-inf")),
            ]),
            "listpack",
            "b: -inf, a: 1.5, 17: 3, c: inf",
        ),
        (
            [&[kind::SORTED_SET_BINARY, 1][..], &old::string(b"m"), &2.5_f64.to_le_bytes()].concat(),
            "listpack",
            "m: 2.5",
        ),
        (sorted_set_text(&[(long.as_bytes(), Some("0"))]), "skiplist", ""),
        (
            packed(kind::SORTED_SET_ZIPLIST, &ziplist(scores)),
            "listpack",
            "low: -1.5, a: 2, b: 2, high: 250.5",
        ),
        (
            packed(kind::SORTED_SET_LISTPACK, &listpack(scores)),
            "listpack",
            "low: -1.5, a: 2, b: 2, high: 250.5",
        ),
        (plain(kind::HASH, 2, &[b"f", b"v", b"1", b"2"]), "listpack", "f: v, 1: 2"),
        (
            packed(kind::HASH_ZIPMAP, &zipmap(&[(b"f", b"v"), (b"17", b"x y"), (b"g", b"-1")])),
            "listpack",
            "f: v, 17: x y, g: -1",
        ),
        (packed(kind::HASH_ZIPMAP, &zipmap(&[(b"long", &[b'z'; 300])])), "hashtable", ""),
        (packed(kind::HASH_ZIPLIST, &ziplist(&[b"f", b"v", b"1", b"-300"])), "listpack", "f: v, 1: -300"),
        (packed(kind::HASH_LISTPACK, &listpack(&[b"f", b"v", b"1", b"-300"])), "listpack", "f: v, 1: -300"),
        (old::stream(kind::STREAM), "stream", "5-1: name=first, 7-0: name=third other=-7"),
        (old::stream(kind::STREAM_2), "stream", "5-1: name=first, 7-0: name=third other=-7"),
        (old::stream(kind::STREAM_3), "stream", "5-1: name=first, 7-0: name=third other=-7"),
    ]
}

#[test]
fn every_form_is_read() {
    let mut session = Session::new();
    for (body, encoding, held) in forms() {
        let name = format!("type {}, \"{}\"", body[0], body[..body.len().min(80)].escape_ascii());
        assert_eq!(restore(&mut session, &body), "OK", "{name}");
        let found = session.bytes(&[b"OBJECT", b"ENCODING", b"k"]).expect("is there");
        assert_eq!(String::from_utf8_lossy(&found), encoding, "{name}");
        if !held.is_empty() || encoding == "stream" {
            assert_eq!(contents(&mut session, "k"), held, "{name}");
        }
    }
}

/// Things that a file may not hold: body, and what is wrong with it.
fn wrong() -> Vec<(Vec<u8>, &'static str)> {
    let with = |kind: u8, bytes: &[u8]| packed(kind, bytes);
    let mut beyond = ziplist(&[b"a", b"b"]);
    beyond[8] = 3;
    let mut backward = ziplist(&[b"a", b"b"]);
    backward[4] = 10;
    let mut listpack_count = listpack(&[b"a", b"b"]);
    listpack_count[4] = 1;
    let mut listpack_size = listpack(&[b"a", b"b"]);
    listpack_size[0] += 1;
    vec![
        (vec![kind::LIST, 0], "a list of nothing"),
        (vec![kind::SET, 0], "a set of nothing"),
        (vec![kind::HASH, 0], "a hash of nothing"),
        (vec![kind::SORTED_SET_TEXT, 0], "a sorted set of nothing"),
        (with(kind::LIST_ZIPLIST, &ziplist(&[])), "a ziplist of nothing"),
        (with(kind::HASH_LISTPACK, &listpack(&[])), "a listpack of nothing"),
        (vec![kind::LIST, 2, 1, b'a'], "a list that ends early"),
        ([&[kind::SET][..], &[0x81], &[0xFF; 8]].concat(), "more members than there can be"),
        (plain(kind::SET, 2, &[b"a", b"a"]), "a member twice"),
        (plain(kind::HASH, 2, &[b"f", b"1", b"f", b"2"]), "a field twice"),
        (sorted_set_text(&[(b"a", Some("1")), (b"a", Some("2"))]), "a member with two scores"),
        (sorted_set_text(&[(b"a", None)]), "a score that is no number"),
        (sorted_set_text(&[(b"a", Some("one"))]), "a score that spells none"),
        (
            [&[kind::SORTED_SET_BINARY, 1, 1, b'a'][..], &f64::NAN.to_le_bytes()].concat(),
            "a binary score that is no number",
        ),
        (with(kind::HASH_ZIPLIST, &ziplist(&[b"f"])), "a field without a value"),
        (with(kind::HASH_LISTPACK, &listpack(&[b"f", b"v", b"g"])), "a field without a value"),
        (with(kind::HASH_LISTPACK, &listpack(&[b"f", b"v", b"f", b"w"])), "a field twice, packed"),
        (with(kind::SORTED_SET_ZIPLIST, &ziplist(&[b"m", b"x"])), "a packed score that is no number"),
        (with(kind::SORTED_SET_LISTPACK, &listpack(&[b"m"])), "a member without a score"),
        (with(kind::SORTED_SET_LISTPACK, &listpack(&[b"m", b"nan"])), "a packed NaN"),
        (with(kind::SET_LISTPACK, &listpack(&[b"m", b"m"])), "a packed member twice"),
        (with(kind::SET_INTSET, &old::intset(2, &[])), "an intset of nothing"),
        (with(kind::SET_INTSET, &old::intset(2, &[3, 2])), "an intset that descends"),
        (with(kind::SET_INTSET, &old::intset(2, &[3, 3])), "an integer twice"),
        (with(kind::SET_INTSET, &old::intset(3, &[3])), "integers of three bytes"),
        (with(kind::SET_INTSET, &old::intset(8, &[3])[..12]), "half an integer"),
        (with(kind::LIST_ZIPLIST, &beyond), "fewer elements than a ziplist says"),
        (with(kind::LIST_ZIPLIST, &backward), "a tail that is not the last"),
        (with(kind::HASH_ZIPMAP, &[1, 1, b'f', 200, 0, b'v', 0xFF]), "a zipmap's value beyond its end"),
        (with(kind::HASH_ZIPMAP, &zipmap(&[(b"f", b"1"), (b"f", b"2")])), "a zipmap's field twice"),
        (with(kind::HASH_LISTPACK, &listpack_count), "more elements than a listpack says"),
        (with(kind::HASH_LISTPACK, &listpack_size), "a listpack longer than it is"),
        ([&[kind::LIST_QUICKLIST_2, 1, 3][..], &old::string(b"x")].concat(), "a node of no known kind"),
        (vec![kind::MODULE_2, 1, 0], "a module's value"),
        (vec![kind::MODULE, 1, 0], "an old module's value"),
        (vec![8, 1, b'a'], "a type that was never used"),
        (vec![99, 1, b'a'], "a type of the future"),
        (
            vec![kind::STRING, 0xC3, 2, 0x81, 0, 0, 0, 1, 0, 0, 0, 0, 0, b'a'],
            "four gigabytes out of two bytes",
        ),
        (vec![kind::STRING, 0xC4, 0], "an encoding of the future"),
        (
            vec![kind::STRING, 0x81, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
            "a string of eight exabytes",
        ),
    ]
}

#[test]
fn what_may_not_be_is_refused_whole() {
    let mut session = Session::new();
    session.run(&[b"SET", b"k", b"old"]);
    for (body, what) in wrong() {
        assert_eq!(restore(&mut session, &body), "(error) ERR Bad data format", "{what}");
        assert_eq!(session.bytes(&[b"GET", b"k"]).as_deref(), Some(&b"old"[..]), "{what}");
    }
}

/// Streams that contradict themselves.
#[test]
fn streams_that_contradict_themselves_are_refused() {
    let mut session = Session::new();
    let good = old::stream(kind::STREAM_3);
    let find = |what: &[u8]| good.windows(what.len()).position(|window| window == what).expect("is there");
    let change = |what: &[u8], to: &[u8]| {
        let at = find(what);
        [&good[..at], to, &good[at + what.len()..]].concat()
    };
    // The consumer's id: it comes behind the list of the group.
    let busy = find(b"busy");
    let mut other_owner = good.clone();
    *other_owner.last_mut().expect("has bytes") = 9;
    let nobody = [&good[..busy - 1], &old::string(b"busy"), &good[busy + 4..busy + 20], &[0]].concat();
    for (bytes, what) in [
        (change(b"first", b"f\x05rst"), "nothing wrong"),
        (other_owner, "a consumer's entry that the group has not"),
        (nobody, "a pending entry of nobody"),
        (change(b"idle", b"busy"), "two consumers of one name"),
        (change(&old::stream_id(5, 1), &[0; 15]), "half an id"),
    ] {
        let wanted = if what == "nothing wrong" { "OK" } else { "(error) ERR Bad data format" };
        assert_eq!(restore(&mut session, &bytes), wanted, "{what}");
    }
}

/// A file with every form that redis-server 7.0 knows, as of a version that had them all.
fn all_forms(version: u32) -> Vec<u8> {
    let mut items = vec![old::aux("redis-ver", "5.0.0"), old::select(0), old::resize(30, 2)];
    for (i, (body, ..)) in forms().iter().enumerate() {
        let is_new = matches!(body[0], kind::SET_LISTPACK | kind::STREAM_3);
        if !is_new {
            items.push(old::entry(format!("form{i}").as_bytes(), body));
        }
    }
    items.push(
        [old::expire_ms(4_000_000_000_000), old::entry(b"ms", &plain(kind::LIST, 1, &[b"a"]))].concat(),
    );
    items.push([old::expire_seconds(2_000_000_000), old::idle(1000), old::entry(b"s", b"\0\x01v")].concat());
    items.push(old::select(3));
    items.push([old::frequency(200), old::entry(b"often", b"\0\xC0\x05")].concat());
    old::file(version, &items)
}

#[test]
fn redis_reads_the_same_and_loads_what_we_save() {
    if Greylag.is_redis() || !has_redis("redis_reads_the_same_and_loads_what_we_save") {
        return;
    }
    let file = all_forms(9);
    let ours = Server::greylag().file("dump.rdb", &file).start();
    let theirs = Server::redis().file("dump.rdb", &file).start();
    let digest = |server: &Server| server.run("DEBUG DIGEST").text();
    let wanted = digest(&theirs);
    assert!(20 < theirs.run("DBSIZE").int());
    assert_eq!(ours.run("DEBUG DIGEST 7.0").text(), wanted, "{}", ours.log_tail());
    for key in ["form0", "form4", "ms", "s"] {
        for command in ["PEXPIRETIME", "TYPE"] {
            let request = format!("{command} {key}");
            assert_eq!(ours.run(&request).to_string(), theirs.run(&request).to_string(), "{request}");
        }
    }
    assert_eq!(ours.run("SAVE").text(), "OK");
    let saved = std::fs::read(ours.dir().join("dump.rdb")).expect("was saved");
    let again = Server::redis().file("dump.rdb", &saved).start();
    assert_eq!(digest(&again), wanted, "{}", again.log_tail());
}

/// The items of a file, as text, up to its end or to what is wrong with it.
fn items(bytes: &[u8]) -> Vec<String> {
    let (mut decoder, mut at, mut found) = (Decoder::new(), 0, Vec::new());
    loop {
        match decoder.next(&bytes[at..], true) {
            Err(error) => {
                found.push(error.to_string());
                return found;
            }
            Ok(Step::Need { .. }) => panic!("all of the file is there"),
            Ok(Step::Item { consumed, item }) => {
                at += consumed;
                found.push(match &item {
                    Item::Header { version } => format!("version {version}"),
                    Item::Aux { key, value } => format!("{}={}", key.escape_ascii(), value.escape_ascii()),
                    Item::SelectDb(db) => format!("database {db}"),
                    Item::ResizeDb { keys, expires } => format!("{keys} keys, {expires} expire"),
                    Item::Entry { key, expire_ms, idle, freq, .. } => {
                        format!("{} {expire_ms:?} {idle:?} {freq:?}", key.escape_ascii())
                    }
                    Item::Empty { key } => format!("{} is empty", key.escape_ascii()),
                    Item::Function { code } => code.escape_ascii().to_string(),
                    Item::SlotInfo { slot, keys, expires } => format!("slot {slot}: {keys}, {expires}"),
                    Item::ModuleAux { module } => format!("module {module}"),
                    Item::Eof { checksum } => format!("end, checksum {checksum}"),
                });
                if let Item::Eof { .. } = item {
                    return found;
                }
            }
        }
    }
}

#[test]
fn every_item_between_keys_is_read() {
    let wanted = [
        "version 12",
        "redis-ver=7.0.15",
        "aof-base=0",
        "#!lua name=birds\\nredis.register_function(\\'goose\\', function() return 1 end)",
        "database 0",
        "3 keys, 2 expire",
        "slot 866: 1, 0",
        "ms Some(4000000000000) None None",
        "seconds Some(2000000000000) Some(1000) None",
        "often None None Some(200)",
        "database 1",
        "other None None None",
        "end, checksum true",
    ];
    assert_eq!(items(&old::every_opcode()), wanted);
    let with = |item: Vec<u8>| items(&old::file(11, &[item, old::select(5)]));
    assert_eq!(
        with(old::module_aux("ReJSON-RL")),
        ["version 11", "module ReJSON-RL", "database 5", "end, checksum true"]
    );
    let library = with(old::function_before_release("birds", "LUA", "return 1"));
    assert_eq!(library[1], "Pre-release function format not supported (at offset 9 of the RDB)");
    let value = with(old::entry(b"doc", &old::module_value("ReJSON-RL")));
    let wanted = "the value at key \"doc\" belongs to the module 'ReJSON-RL', which this server can't hold (at offset 9 of the RDB)";
    assert_eq!(value[1], wanted);
    let mut broken = old::module_aux("ReJSON-RL");
    *broken.last_mut().expect("has bytes") = 9;
    assert_eq!(
        with(broken)[1],
        "Unknown part 9 in AUX data of the module 'ReJSON-RL' (at offset 9 of the RDB)"
    );
    let empty = items(&old::file(9, &[old::entry(b"none", &[kind::LIST, 0])]));
    assert_eq!(empty[1], "none is empty");
}

/// Versions from 1 on, with what each may have; before 5 there is no checksum behind the end.
#[test]
fn every_version_is_read() {
    let value = plain(kind::HASH, 1, &[b"f", b"v"]);
    for version in 1..=12 {
        let found = items(&old::file(version, &[old::select(0), old::entry(b"k", &value)]));
        let end = format!("end, checksum {}", 5 <= version);
        let wanted = [format!("version {version}"), "database 0".into(), "k None None None".into(), end];
        assert_eq!(found, wanted);
    }
    for version in [0, 13] {
        assert!(
            items(&old::file(version, &[]))[0].starts_with("Can't handle RDB format version"),
            "{version}"
        );
    }
}

/// Functions are there. What can't be kept and is no key's value is named in the log; the keys are there.
#[test]
fn functions_are_kept_and_data_of_modules_left_out_with_a_word() {
    if Greylag.is_redis() {
        return;
    }
    let key = old::entry(b"key", b"\0\x05value");
    let library = "#!lua name=birds\nredis.register_function('count', function() return 3 end)";
    let file = old::file(11, &[old::function(library), old::module_aux("ReJSON-RL"), old::select(0), key]);
    let server = Server::greylag().file("dump.rdb", &file).start();
    assert_eq!(server.run("GET key").to_string(), "\"value\"");
    assert_eq!(server.run("FCALL count 0").int(), 3);
    assert!(server.log_contains("data of the module 'ReJSON-RL'"), "{}", server.log_tail());
    // A key that belongs to a module stops the start: it would be lost.
    let file = old::file(11, &[old::select(0), old::entry(b"doc", &old::module_value("ReJSON-RL"))]);
    let (status, server) = Server::greylag().file("dump.rdb", &file).run_to_end_in_dir();
    assert_eq!(status.code(), Some(1));
    for word in [
        "dump.rdb",
        "\"doc\" belongs to the module 'ReJSON-RL'",
        "at offset 11 of the RDB",
        "restore it from a copy",
    ] {
        assert!(server.log().contains(word), "{word}: {}", server.log());
    }
}

/// What a start says of a key that comes twice, and of a database that is not there.
#[test]
fn a_start_says_where_a_file_contradicts_itself() {
    if Greylag.is_redis() {
        return;
    }
    let key = || old::entry(b"key", b"\0\x05value");
    for (items, word) in [
        (vec![old::select(0), key(), key()], "duplicated key 'key' in DB 0 (at offset 22 of the RDB)"),
        (vec![old::select(40), key()], "more than 16 databases (at offset 9 of the RDB"),
    ] {
        let file = old::file(11, &items);
        let (status, server) = Server::greylag().file("dump.rdb", &file).run_to_end_in_dir();
        assert_eq!(status.code(), Some(1));
        assert!(server.log().contains(word), "{word}: {}", server.log());
        assert!(server.log().contains("dump.rdb"), "{}", server.log());
    }
}
