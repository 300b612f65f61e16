//! COMMAND DOCS: what a command is for, since when it is there, and its arguments.

use super::describe::statuses;
use crate::commands::{Command, table};
use crate::session::Session;
use engine::row::Doc;
use engine::{Done, Txn};
use resp::{Args, Reply};

pub fn docs(_session: &mut Session, _txn: Option<&mut Txn>, args: Args, out: &mut Reply) -> Done {
    let found: Vec<&Command> = if args.len() == 2 {
        table().all().collect()
    } else {
        args.iter().skip(2).filter_map(|name| table().find_full(name)).collect()
    };
    out.map(found.len());
    found.into_iter().for_each(|command| document(command, out));
    Ok(())
}

/// The command's name and the map that tells of it.
fn document(command: &Command, out: &mut Reply) {
    let meta = command.meta;
    let subs: Vec<&Command> = table().subs(command).collect();
    out.bulk(command.full_name.as_bytes());
    let fields = out.array_later();
    let mut count = 0;
    let mut texts = vec![("summary", meta.summary), ("since", meta.since), ("group", meta.group)];
    if !meta.complexity.is_empty() {
        texts.push(("complexity", meta.complexity));
    }
    for (name, text) in texts {
        out.bulk(name.as_bytes());
        out.bulk(text.as_bytes());
        count += 1;
    }
    let flags = [("deprecated", meta.deprecated.is_some()), ("syscmd", meta.system)];
    if flags.iter().any(|(_, on)| *on) {
        out.bulk(b"doc_flags");
        statuses(flags.iter().filter(|(_, on)| *on).map(|(name, _)| *name), out);
        count += 1;
    }
    if let Some(deprecated) = &meta.deprecated {
        for (name, text) in [("deprecated_since", deprecated.since), ("replaced_by", deprecated.replaced_by)]
        {
            out.bulk(name.as_bytes());
            out.bulk(text.as_bytes());
            count += 1;
        }
    }
    if !meta.history.is_empty() {
        out.bulk(b"history");
        out.set(meta.history.len());
        for (version, change) in meta.history {
            out.array(2);
            out.bulk(version.as_bytes());
            out.bulk(change.as_bytes());
        }
        count += 1;
    }
    if !meta.docs.is_empty() {
        out.bulk(b"arguments");
        arguments(meta.docs, out);
        count += 1;
    }
    if !subs.is_empty() {
        out.bulk(b"subcommands");
        out.map(subs.len());
        subs.into_iter().for_each(|sub| document(sub, out));
        count += 1;
    }
    out.finish_map(fields, count);
}

fn arguments(docs: &[Doc], out: &mut Reply) {
    out.array(docs.len());
    docs.iter().for_each(|doc| argument(doc, out));
}

fn argument(doc: &Doc, out: &mut Reply) {
    let fields = out.array_later();
    let mut count = 0;
    let mut text = |name: &str, text: &str| {
        out.bulk(name.as_bytes());
        out.bulk(text.as_bytes());
        count += 1;
    };
    text("name", doc.name);
    text("type", doc.kind);
    if !matches!(doc.kind, "pure-token" | "oneof" | "block") {
        text("display_text", if doc.shown.is_empty() { doc.name } else { doc.shown });
    }
    if let Some(spec) = doc.key_spec {
        out.bulk(b"key_spec_index");
        out.int(spec.into());
        count += 1;
    }
    for (name, word) in [("token", doc.token), ("since", doc.since)] {
        if !word.is_empty() {
            out.bulk(name.as_bytes());
            out.bulk(word.as_bytes());
            count += 1;
        }
    }
    let flags =
        [("optional", doc.optional), ("multiple", doc.multiple), ("multiple_token", doc.multiple_token)];
    if flags.iter().any(|(_, on)| *on) {
        out.bulk(b"flags");
        statuses(flags.iter().filter(|(_, on)| *on).map(|(name, _)| *name), out);
        count += 1;
    }
    if !doc.of.is_empty() {
        out.bulk(b"arguments");
        arguments(doc.of, out);
        count += 1;
    }
    out.finish_map(fields, count);
}
