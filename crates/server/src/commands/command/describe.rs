//! One command as COMMAND INFO gives it: ten figures, subcommands in the same form.

use crate::commands::{Command, table};
use engine::row::{Flags, FoundSpec, KeySpec, Search};
use resp::Reply;

/// Flags that are not told.
const HIDDEN: Flags = Flags::PROTECTED.with(Flags::MAY_REPLICATE);

pub fn describe(command: &Command, out: &mut Reply) {
    let meta = command.meta;
    let (first, last, step) = meta.key_range();
    out.array(10);
    out.bulk(command.full_name.as_bytes());
    out.int(meta.arity.into());
    statuses(Flags(meta.flags.0 & !HIDDEN.0).names(), out);
    out.int(first);
    out.int(last);
    out.int(step);
    let categories: Vec<String> = meta.all_categories().names().map(|name| format!("@{name}")).collect();
    statuses(categories.iter().map(String::as_str), out);
    out.set(meta.tips.len());
    meta.tips.iter().for_each(|tip| out.bulk(tip.as_bytes()));
    out.set(meta.keys.len() + meta.found_keys.len());
    meta.keys.iter().for_each(|spec| key_spec(spec, out));
    meta.found_keys.iter().for_each(|spec| found_spec(spec, out));
    let subs: Vec<&Command> = table().subs(command).collect();
    match subs.len() {
        0 => out.set(0), // as Redis has it
        n => out.array(n),
    }
    subs.into_iter().for_each(|sub| describe(sub, out));
}

/// A set of words.
pub fn statuses<'w>(words: impl Iterator<Item = &'w str>, out: &mut Reply) {
    let words: Vec<&str> = words.collect();
    out.set(words.len());
    words.into_iter().for_each(|word| out.simple(word));
}

fn key_spec(spec: &KeySpec, out: &mut Reply) {
    begin_spec(spec.notes, spec.flags, out);
    search("index", &[("index", Figure::Int(spec.first.into()))], out);
    out.bulk(b"find_keys");
    if spec.is_counted() {
        // Counted from the argument with the number of keys.
        let figures = [("keynumidx", 0), ("firstkey", 1), ("keystep", spec.step.into())];
        return search("keynum", &figures.map(|(name, n)| (name, Figure::Int(n))), out);
    }
    range(spec.last, spec.step, 0, out);
}

fn found_spec(spec: &FoundSpec, out: &mut Reply) {
    begin_spec(spec.notes, spec.flags, out);
    match spec.search {
        Search::Unknown => {
            search("unknown", &[], out);
            out.bulk(b"find_keys");
            search("unknown", &[], out);
        }
        Search::Keyword { word, from, last, step, limit } => {
            search(
                "keyword",
                &[("keyword", Figure::Word(word)), ("startfrom", Figure::Int(from.into()))],
                out,
            );
            out.bulk(b"find_keys");
            range(last, step, limit, out);
        }
    }
}

/// The remark, the flags, and the name of what follows them.
fn begin_spec(notes: &str, flags: &'static [&'static str], out: &mut Reply) {
    out.map(if notes.is_empty() { 3 } else { 4 });
    if !notes.is_empty() {
        out.bulk(b"notes");
        out.bulk(notes.as_bytes());
    }
    out.bulk(b"flags");
    statuses(flags.iter().copied(), out);
    out.bulk(b"begin_search");
}

fn range(last: i16, step: u16, limit: u16, out: &mut Reply) {
    let figures = [("lastkey", i64::from(last)), ("keystep", step.into()), ("limit", limit.into())];
    search("range", &figures.map(|(name, n)| (name, Figure::Int(n))), out);
}

enum Figure {
    Int(i64),
    Word(&'static str),
}

fn search(kind: &str, figures: &[(&str, Figure)], out: &mut Reply) {
    out.map(2);
    out.bulk(b"type");
    out.bulk(kind.as_bytes());
    out.bulk(b"spec");
    out.map(figures.len());
    for (name, figure) in figures {
        out.bulk(name.as_bytes());
        match figure {
            Figure::Int(n) => out.int(*n),
            Figure::Word(word) => out.bulk(word.as_bytes()),
        }
    }
}
