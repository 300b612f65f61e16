//! The rows against what redis-server 7.2.4 says of the same commands in COMMAND INFO, and 7.0.15 in COMMAND DOCS; those
//! that came later, against the JSON that their commands have in the sources of Redis 8.

use engine::commands;
use engine::row::{Doc, Meta, Search};
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn reference() -> Vec<Value> {
    let texts = [include_str!("redis-7.2.4-commands.json"), include_str!("redis-8.0-commands.json")];
    let parsed = texts.map(|text| serde_json::from_str::<Vec<Value>>(text).expect("the reference is JSON"));
    parsed.concat()
}

fn words(value: &Value) -> BTreeSet<String> {
    let words = value.as_array().expect("an array").iter();
    words.map(|word| word.as_str().expect("a word").trim_start_matches('@').to_string()).collect()
}

fn owned(words: impl Iterator<Item = &'static str>) -> BTreeSet<String> {
    words.map(str::to_string).collect()
}

/// What differs between a row and its counterpart.
fn differences(name: &str, meta: &Meta, wanted: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let mut compare = |what: &str, ours: String, theirs: String| {
        if ours != theirs {
            found.push(format!("{name}: {what} is {ours}, and {theirs} in Redis"));
        }
    };
    let (first, last, step) = meta.key_range();
    let number = |field: &str| wanted[field].to_string();
    compare("arity", meta.arity.to_string(), number("arity"));
    compare("first key", first.to_string(), number("first_key"));
    compare("last key", last.to_string(), number("last_key"));
    compare("step", step.to_string(), number("step"));
    // What may be logged is not told.
    let flags = owned(meta.flags.names().filter(|name| *name != "may_replicate"));
    compare("flags", format!("{flags:?}"), format!("{:?}", words(&wanted["flags"])));
    let categories = owned(meta.all_categories().names());
    compare("categories", format!("{categories:?}"), format!("{:?}", words(&wanted["acl_categories"])));
    if let Some(group) = wanted["group"].as_str() {
        compare("group", meta.group.into(), group.into());
        compare("since", meta.since.into(), wanted["since"].as_str().unwrap_or("").into());
    }
    found
}

#[test]
fn rows_say_what_redis_says() {
    let mut found = Vec::new();
    let reference = reference();
    for wanted in &reference {
        let name = wanted["name"].as_str().expect("a name");
        let Some(row) = commands::find(name.as_bytes()) else {
            found.push(format!("{name}: is not there"));
            continue;
        };
        found.extend(differences(name, &row.meta, wanted));
        let subs = wanted["subcommands"].as_array().expect("an array");
        let ours: BTreeSet<String> =
            row.meta.subcommands.iter().map(|sub| format!("{name}|{}", sub.name)).collect();
        let theirs: BTreeSet<String> =
            subs.iter().map(|sub| sub["name"].as_str().unwrap_or("").into()).collect();
        assert_eq!(ours, theirs, "subcommands of {name}");
        for sub in row.meta.subcommands {
            let full = format!("{name}|{}", sub.name);
            let wanted = subs.iter().find(|wanted| wanted["name"] == full.as_str()).expect("compared above");
            found.extend(differences(&full, sub, wanted));
        }
    }
    assert!(found.is_empty(), "\n{}", found.join("\n"));
    let rows = commands::FAMILIES.iter().copied().flatten();
    let known: BTreeSet<&str> = reference.iter().filter_map(|wanted| wanted["name"].as_str()).collect();
    for row in rows {
        assert!(known.contains(row.meta.name), "{} has no reference", row.meta.name);
    }
}

/// Facts that a row must have whatever it is, and that hang together.
#[test]
fn rows_are_complete() {
    let rows = commands::FAMILIES.iter().copied().flatten();
    for meta in rows.flat_map(|row| std::iter::once(&row.meta).chain(row.meta.subcommands)) {
        let name = meta.name;
        assert!(
            !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || matches!(c, '-' | '_')),
            "{name}"
        );
        assert!(meta.arity != 0 && !meta.summary.is_empty() && meta.summary.ends_with('.'), "{name}");
        assert!(!meta.complexity.is_empty() && !meta.since.is_empty() && !meta.group.is_empty(), "{name}");
        for spec in meta.keys {
            let access = ["RO", "RW", "OW", "RM"];
            assert!(access.contains(&spec.flags[0]) && 0 < spec.first && 0 < spec.step, "{name}");
            assert!(!spec.flags[1..].iter().any(|flag| access.contains(flag)), "{name}");
        }
        let mut specs = BTreeSet::new();
        meta.docs.iter().for_each(|doc| check_doc(name, doc, &mut specs));
        let count = meta.keys.len() + meta.found_keys.len();
        let expected: BTreeSet<u8> = (0..count as u8).collect();
        assert_eq!(specs, expected, "{name}: each key specification has its argument");
        for pair in meta.history.windows(2) {
            assert!(pair[0].0 <= pair[1].0, "{name}: history goes forward");
        }
    }
}

fn check_doc(name: &str, doc: &Doc, specs: &mut BTreeSet<u8>) {
    let kinds =
        ["string", "integer", "double", "key", "pattern", "unix-time", "pure-token", "oneof", "block"];
    assert!(kinds.contains(&doc.kind), "{name}: {}", doc.kind);
    let has_spec = doc.key_spec.is_some();
    assert!(doc.kind != "key" || has_spec, "{name}: {}", doc.name);
    assert!(!has_spec || ["key", "pattern"].contains(&doc.kind), "{name}: {}", doc.name);
    assert_eq!(["oneof", "block"].contains(&doc.kind), !doc.of.is_empty(), "{name}: {}", doc.name);
    assert!(doc.kind != "pure-token" || !doc.token.is_empty(), "{name}: {}", doc.name);
    assert!(!doc.name.is_empty() && !doc.name.contains('_'), "{name}: {}", doc.name);
    specs.extend(doc.key_spec);
    doc.of.iter().for_each(|inner| check_doc(name, inner, specs));
}

/// An argument in the words of COMMAND DOCS.
fn argument(doc: &Doc) -> Value {
    let mut told = json!({ "name": doc.name, "type": doc.kind });
    if let Some(spec) = doc.key_spec {
        told["key_spec_index"] = spec.into();
    }
    for (field, text) in [("token", doc.token), ("since", doc.since)] {
        if !text.is_empty() {
            told[field] = text.into();
        }
    }
    let flags =
        [("optional", doc.optional), ("multiple", doc.multiple), ("multiple_token", doc.multiple_token)];
    let flags: Vec<&str> = flags.iter().filter(|(_, set)| *set).map(|(flag, _)| *flag).collect();
    if !flags.is_empty() {
        told["flags"] = flags.into();
    }
    if !doc.of.is_empty() {
        told["arguments"] = doc.of.iter().map(argument).collect();
    }
    told
}

/// Groups of arguments that go by another name since 7.2, at any depth.
fn rename_groups(arguments: &mut Value) {
    for argument in arguments.as_array_mut().into_iter().flatten() {
        match argument["name"].as_str() {
            Some("offset_count") => argument["name"] = "limit".into(),
            Some("score_member" | "longitude_latitude_member" | "field_value") => {
                argument["name"] = "data".into();
            }
            Some("id_or_auto") => argument["name"] = "id-selector".into(),
            Some("id") if argument["type"] == "oneof" => argument["name"] = "id-selector".into(),
            Some("auto_id") => argument["name"] = "auto-id".into(),
            Some("new_id") => argument["name"] = "new-id".into(),
            Some("groupname") => argument["name"] = "group".into(),
            Some("consumername") => argument["name"] = "consumer".into(),
            Some("group_consumer") => argument["name"] = "group-block".into(),
            Some("entries_read") => argument["name"] = "entriesread".into(),
            Some("entries_added") => argument["name"] = "entries-added".into(),
            Some("max_deleted_entry_id") => argument["name"] = "max-deleted-id".into(),
            _ => {}
        }
        if argument.get("arguments").is_some() {
            rename_groups(&mut argument["arguments"]);
        }
    }
}

/// What 7.2 tells otherwise than 7.0: arguments that got a better name, and later tips and deprecations. And options
/// of later versions that are taken here.
fn as_of_7_2(name: &str, wanted: &mut Value) {
    rename_groups(&mut wanted["arguments"]);
    match name {
        "zrank" | "zrevrank" => {
            let word = json!({
                "name": "withscore", "type": "pure-token", "token": "WITHSCORE", "since": "7.2.0",
                "flags": ["optional"],
            });
            wanted["arguments"].as_array_mut().expect("an array").push(word);
            wanted["history"] = json!(["7.2.0"]);
        }
        "hscan" => {
            let word = json!({
                "name": "novalues", "type": "pure-token", "token": "NOVALUES", "since": "7.4.0",
                "flags": ["optional"],
            });
            wanted["arguments"].as_array_mut().expect("an array").push(word);
        }
        "xinfo|consumers" => wanted["history"] = json!(["7.2.0"]),
        "xinfo|stream" => {
            wanted["history"] = json!(["6.0.0", "7.0.0", "7.2.0"]);
            let full = json!({ "name": "full", "type": "pure-token", "token": "FULL" });
            let block = &mut wanted["arguments"][1];
            block["name"] = "full-block".into();
            block.as_object_mut().expect("an object").remove("token");
            block["arguments"].as_array_mut().expect("an array").insert(0, full);
        }
        "xclaim" => wanted["arguments"][10]["name"] = "lastid".into(),
        "mset" | "msetnx" => wanted["arguments"][0]["name"] = "data".into(),
        "bitcount" => {
            wanted["arguments"][1]["name"] = "range".into();
            wanted["arguments"][1]["arguments"][2]["name"] = "unit".into();
        }
        "bitpos" => {
            let range = &mut wanted["arguments"][2];
            range["name"] = "range".into();
            range["arguments"][1]["name"] = "end-unit-block".into();
            range["arguments"][1]["arguments"][1]["name"] = "unit".into();
        }
        "bitop" => {
            let word =
                |name: &str| json!({ "name": name.to_lowercase(), "type": "pure-token", "token": name });
            let words = ["AND", "OR", "XOR", "NOT"].map(word);
            wanted["arguments"][0] = json!({ "name": "operation", "type": "oneof", "arguments": words });
        }
        "lcs" => wanted["arguments"][4]["name"] = "min-match-len".into(),
        "flushdb" | "flushall" => wanted["arguments"][0]["name"] = "flush-type".into(),
        "bitfield" => {
            let operation = &mut wanted["arguments"][1]["arguments"];
            operation[0]["name"] = "get-block".into();
            let write = &mut operation[1]["arguments"];
            write[0]["name"] = "overflow-block".into();
            write[1]["name"] = "write-operation".into();
            write[1]["arguments"][0]["name"] = "set-block".into();
            write[1]["arguments"][1]["name"] = "incrby-block".into();
        }
        "bitfield_ro" => wanted["arguments"][1]["name"] = "get-block".into(),
        "pfmerge" => wanted["arguments"][1]["flags"] = json!(["optional", "multiple"]),
        "geosearch" | "geosearchstore" => {
            for argument in wanted["arguments"].as_array_mut().expect("an array") {
                match argument["name"].as_str() {
                    Some("from") => argument["arguments"][1]["name"] = "fromlonlat".into(),
                    Some("count") => argument["name"] = "count-block".into(),
                    _ => {}
                }
            }
        }
        "georadius" | "georadiusbymember" | "georadius_ro" | "georadiusbymember_ro" => {
            let arguments = wanted["arguments"].as_array_mut().expect("an array");
            for argument in &mut *arguments {
                if argument["name"] == "count" {
                    argument["name"] = "count-block".into();
                }
            }
            if !name.ends_with("_ro") {
                let mut keys = arguments.split_off(arguments.len() - 2);
                for (key, name) in keys.iter_mut().zip(["storekey", "storedistkey"]) {
                    key["name"] = name.into();
                    key.as_object_mut().expect("a map").remove("flags");
                }
                let store =
                    json!({ "name": "store", "type": "oneof", "flags": ["optional"], "arguments": keys });
                arguments.push(store);
            }
        }
        "sort" | "sort_ro" => {
            wanted["arguments"][1]["name"] = "by-pattern".into();
            wanted["arguments"][3]["name"] = "get-pattern".into();
        }
        "randomkey" => {
            wanted["tips"] =
                json!(["request_policy:all_shards", "response_policy:special", "nondeterministic_output"])
        }
        "scan" => {
            wanted["tips"] =
                json!(["nondeterministic_output", "request_policy:special", "response_policy:special"]);
        }
        "setnx" | "setex" | "psetex" => {
            wanted["doc_flags"] = json!(["deprecated"]);
            wanted["deprecated_since"] = "2.6.12".into();
        }
        _ => {}
    }
}

fn spec_flags(meta: &Meta) -> Vec<&'static [&'static str]> {
    let placed = meta.keys.iter().map(|spec| spec.flags);
    placed.chain(meta.found_keys.iter().map(|spec| spec.flags)).collect()
}

/// The key specifications in the words of COMMAND INFO.
fn key_specs(meta: &Meta) -> Value {
    let placed = meta.keys.iter().map(|spec| {
        let found = match spec.is_counted() {
            true => {
                json!({ "type": "keynum", "spec": { "keynumidx": 0, "firstkey": 1, "keystep": spec.step } })
            }
            false => {
                json!({ "type": "range", "spec": { "lastkey": spec.last, "keystep": spec.step, "limit": 0 } })
            }
        };
        let search = json!({ "type": "index", "spec": { "index": spec.first } });
        json!({ "flags": spec.flags, "begin_search": search, "find_keys": found })
    });
    let found = meta.found_keys.iter().map(|spec| {
        let (search, found) = match spec.search {
            Search::Unknown => {
                (json!({ "type": "unknown", "spec": {} }), json!({ "type": "unknown", "spec": {} }))
            }
            Search::Keyword { word, from, last, step, limit } => (
                json!({ "type": "keyword", "spec": { "keyword": word, "startfrom": from } }),
                json!({ "type": "range", "spec": { "lastkey": last, "keystep": step, "limit": limit } }),
            ),
        };
        json!({ "flags": spec.flags, "begin_search": search, "find_keys": found })
    });
    placed.chain(found).collect()
}

/// Remarks apart, every key specification is the one that redis-server gives.
#[test]
fn rows_find_keys_as_redis_does() {
    let texts = [include_str!("redis-7.0.15-key-specs.json"), include_str!("redis-8.0-commands.json")];
    let parsed = texts.map(|text| serde_json::from_str::<Vec<Value>>(text).expect("the reference is JSON"));
    let reference = parsed.concat();
    let wanted = |name: &str| {
        let found = reference.iter().find(|wanted| wanted["name"] == name);
        found.map_or(json!([]), |wanted| wanted["key_specs"].clone())
    };
    let mut different = Vec::new();
    for row in commands::FAMILIES.iter().copied().flatten() {
        let container = row.meta.name;
        let subs = row.meta.subcommands.iter().map(|sub| (format!("{container}|{}", sub.name), sub));
        for (name, meta) in std::iter::once((container.to_string(), &row.meta)).chain(subs) {
            let (ours, theirs) = (key_specs(meta), wanted(&name));
            if ours != theirs {
                different.push(format!("{name}\n  ours  {ours}\n  redis {theirs}"));
            }
        }
    }
    assert!(different.is_empty(), "\n{}", different.join("\n"));
}

#[test]
fn rows_document_what_redis_documents() {
    let reference: Vec<Value> =
        serde_json::from_str(include_str!("redis-7.0.15-docs.json")).expect("the reference is JSON");
    let mut found = Vec::new();
    for mut wanted in reference {
        let name = wanted["name"].as_str().expect("a name").to_string();
        as_of_7_2(&name, &mut wanted);
        let (container, sub) = name.split_once('|').unwrap_or((&name, ""));
        let row = commands::find(container.as_bytes()).unwrap_or_else(|| panic!("{name} is not there"));
        let sub = row.meta.subcommands.iter().find(|meta| meta.name == sub);
        let meta = sub.unwrap_or(&row.meta);
        let mut ours = json!({
            "name": name,
            "tips": meta.tips,
            "key_specs": spec_flags(meta),
            "arguments": meta.docs.iter().map(argument).collect::<Vec<_>>(),
        });
        if let Some(deprecated) = meta.deprecated {
            ours["doc_flags"] = json!(["deprecated"]);
            ours["deprecated_since"] = deprecated.since.into();
        }
        if meta.system {
            ours["doc_flags"] = json!(["syscmd"]);
        }
        if !meta.history.is_empty() {
            ours["history"] = meta.history.iter().map(|(since, _)| *since).collect();
        }
        if sub.is_some() {
            ours["since"] = meta.since.into();
        }
        if ours != wanted {
            found.push(format!("{name}\n  ours  {ours}\n  redis {wanted}"));
        }
    }
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}
