//! The whole command table against Redis 7.2.4: what COMMAND INFO and COMMAND DOCS tell there is in a file.

use engine::row::Flags;
use server::commands::{Command, Run, table};
use std::collections::HashMap;

const REFERENCE: &str = include_str!("data/redis-7.2.4-commands.tsv");

fn reference() -> HashMap<&'static str, Vec<&'static str>> {
    let lines = REFERENCE.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.split('\t').collect::<Vec<_>>()).map(|fields| (fields[0], fields)).collect()
}

fn sorted(mut words: Vec<String>) -> String {
    words.sort();
    words.join(",")
}

/// The command's line as the file has it.
fn fields(command: &Command) -> Vec<String> {
    let meta = command.meta;
    let (first, last, step) = meta.key_range();
    let hidden = Flags::PROTECTED.with(Flags::MAY_REPLICATE);
    let flags = Flags(meta.flags.0 & !hidden.0);
    let mut fields = vec![
        command.full_name.clone(),
        meta.arity.to_string(),
        sorted(flags.names().map(String::from).collect()),
        first.to_string(),
        last.to_string(),
        step.to_string(),
        sorted(meta.all_categories().names().map(|name| format!("@{name}")).collect()),
    ];
    if command.parent.is_none() {
        fields.extend([meta.group, meta.since].map(String::from));
        // Data commands say it in words of their own.
        if !matches!(command.run, Run::Data(_)) {
            fields.push(meta.complexity.to_string());
        }
    }
    fields
}

#[test]
fn every_row_tells_what_redis_tells() {
    let reference = reference();
    let mut wrong = Vec::new();
    for command in table().every() {
        match reference.get(command.full_name.as_str()) {
            // What came after it is compared with later ones, where the data commands are.
            None if matches!(command.run, Run::Data(_)) && "7.2.4" < command.meta.since => {}
            None => wrong.push(format!("{}: not a command of Redis", command.full_name)),
            Some(theirs) => {
                let ours = fields(command);
                for (ours, theirs) in ours.iter().zip(theirs) {
                    if ours != theirs {
                        wrong.push(format!("{}: {ours:?}, in Redis {theirs:?}", command.full_name));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_row_is_complete() {
    for command in table().every() {
        let (name, meta) = (&command.full_name, command.meta);
        assert!(!meta.summary.is_empty(), "{name} has no summary");
        assert!(meta.summary.ends_with('.'), "{name}: a summary is a sentence");
        assert!(meta.name == meta.name.to_ascii_lowercase(), "{name}");
        let version = meta.since.split('.').filter(|part| part.parse::<u8>().is_ok()).count();
        assert_eq!(version, 3, "{name}: since {}", meta.since);
        for doc in meta.docs {
            assert!(!doc.name.is_empty() && !doc.kind.is_empty(), "{name} has an argument without a name");
            assert!(doc.kind != "pure-token" || !doc.token.is_empty(), "{name}: {} is no word", doc.name);
        }
    }
}

#[test]
fn names_are_found_in_any_case_and_as_wholes() {
    let find = |name: &str| table().find_full(name.as_bytes()).map(|command| command.full_name.clone());
    assert_eq!(find("Config|GET").as_deref(), Some("config|get"));
    assert_eq!(find("client").as_deref(), Some("client"));
    for name in ["", "clien", "config|", "config|gets", "|get", "ping|x", &"x".repeat(100)] {
        assert_eq!(find(name), None, "{name}");
    }
}
