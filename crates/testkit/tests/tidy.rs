//! The floors and the style that a test can keep: who imports whom, where `unsafe` may stand, how long files are.

use std::fs;
use std::path::{Path, PathBuf};

/// Crates, and the crates of the project that each may import.
const FLOORS: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("resp", &["base"]),
    ("ds", &["base"]),
    ("engine", &["base", "resp", "ds"]),
    ("replication", &["base", "resp"]),
    ("scripting", &["base", "resp", "engine"]),
    ("server", &["base", "resp", "ds", "engine", "replication", "scripting"]),
    ("testkit", &["base", "resp", "ds", "engine", "replication", "scripting"]),
    ("bench", &["base", "resp", "ds", "engine", "replication", "testkit"]),
];

/// Where `unsafe` may stand.
const UNSAFE: &[&str] = &["crates/ds/", "crates/server/src/sys.rs", "crates/server/src/logger"];

/// Below the server nothing does I/O, reads a clock or starts a thread.
const PURE: &[&str] = &["base", "resp", "ds", "engine", "replication", "scripting"];
const IMPURE_WORDS: &[&str] = &[
    "std::net",
    "std::fs",
    "Instant::now",
    "SystemTime::now",
    "thread::spawn",
    "thread::sleep",
    "std::process",
];

const LINES_MAX: usize = 1000;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the workspace is there")
}

fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            found.push(path);
        }
    }
}

/// Every source file of a crate: path from the root, text.
fn files(root: &Path, name: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    sources(&root.join("crates").join(name).join("src"), &mut found);
    let relative =
        |path: &PathBuf| path.strip_prefix(root).expect("below the root").to_string_lossy().into_owned();
    found.iter().map(|path| (relative(path), fs::read_to_string(path).expect("is text"))).collect()
}

/// The file's code without its tests.
fn code(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap_or(text)
}

#[test]
fn crates_import_only_what_lies_below() {
    let root = root();
    for (name, allowed) in FLOORS {
        let manifest =
            fs::read_to_string(root.join("crates").join(name).join("Cargo.toml")).expect("has a manifest");
        let dependencies = manifest.split("[dependencies]").nth(1).unwrap_or("");
        let dependencies = dependencies.split("\n[").next().unwrap_or("");
        for (other, _) in FLOORS {
            let imports = dependencies
                .lines()
                .any(|line| line.strip_prefix(other).is_some_and(|rest| rest.starts_with([' ', '.', '='])));
            assert!(!imports || allowed.contains(other), "{name} may not import {other}");
        }
    }
}

#[test]
fn unsafe_stands_where_it_may_and_is_argued() {
    let root = root();
    for (name, _) in FLOORS {
        for (path, text) in files(&root, name) {
            let lines: Vec<&str> = text.lines().collect();
            for (i, line) in lines.iter().enumerate() {
                let code = line.split("//").next().unwrap_or("");
                let uses = code.contains("unsafe {") || code.contains("unsafe impl");
                if !uses {
                    continue;
                }
                assert!(UNSAFE.iter().any(|place| path.starts_with(place)), "{path}:{}: unsafe", i + 1);
                let argued = lines[i.saturating_sub(8)..=i].iter().any(|near| near.contains("SAFETY"));
                assert!(argued, "{path}:{}: unsafe without its argument", i + 1);
            }
        }
    }
}

#[test]
fn what_lies_below_the_server_is_pure() {
    let root = root();
    for name in PURE {
        for (path, text) in files(&root, name) {
            for word in IMPURE_WORDS {
                assert!(!code(&text).contains(word), "{path} uses {word}");
            }
        }
    }
}

#[test]
fn files_open_with_their_story_and_stay_short() {
    let root = root();
    for (name, _) in FLOORS {
        for (path, text) in files(&root, name) {
            assert!(text.starts_with("//!"), "{path} does not open with its story");
            let lines = text.lines().count();
            assert!(lines <= LINES_MAX, "{path} has {lines} lines");
            for word in ["todo!(", "unimplemented!(", "dbg!("] {
                assert!(!text.contains(word), "{path} holds {word}");
            }
        }
    }
}
