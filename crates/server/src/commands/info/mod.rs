//! INFO: one row per field, section by section, in Redis's order.
//!
//! What a field tells is in its row; what several fields need is gathered once, in [`Facts`]. What isn't built yet
//! answers 0, truthfully. Sections whose lines are not known beforehand are functions.

mod clients;
mod counts;
pub(super) mod facts;
mod memory;
mod persistence;
mod replication;
mod server;
mod stats;

use super::HostRow;
use crate::session::Session;
use engine::row::{Categories, Doc, Flags, Locks};
use engine::{Done, Meta, Txn};
use facts::Facts;
use resp::{Args, Reply};
use std::fmt::Write;

pub const ROWS: &[HostRow] = &[HostRow {
    meta: Meta {
        name: "info",
        arity: -1,
        flags: Flags::LOADING.with(Flags::STALE),
        categories: Categories::DANGEROUS,
        locks: Locks::All,
        group: "server",
        summary: "Figures about the server, by section.",
        tips: &["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
        docs: &[Doc::new("section", "string").multiple().optional()],
        history: &[("7.0.0", "Takes several sections.")],
        ..Meta::BASE
    },
    run: info,
}];

/// `name:value`.
struct Field {
    name: &'static str,
    value: fn(&Facts) -> String,
    /// Whether the line is there at all.
    shown: fn(&Facts) -> bool,
}

const fn field(name: &'static str, value: fn(&Facts) -> String) -> Field {
    Field { name, value, shown: |_| true }
}

/// A field that is there at times only.
const fn field_if(name: &'static str, shown: fn(&Facts) -> bool, value: fn(&Facts) -> String) -> Field {
    Field { name, value, shown }
}

/// A figure of something that isn't built yet.
const fn none_yet(name: &'static str) -> Field {
    field(name, |_| "0".into())
}

enum Body {
    Fields(&'static [Field]),
    Lines(fn(&Facts, &mut String)),
}

struct Section {
    /// What the request calls it; the first name is the usual one.
    names: &'static [&'static str],
    title: &'static str,
    /// Whether INFO without arguments shows it.
    by_default: bool,
    body: Body,
}

const SECTIONS: &[Section] = &[
    Section { names: &["server"], title: "Server", by_default: true, body: Body::Fields(server::FIELDS) },
    Section { names: &["clients"], title: "Clients", by_default: true, body: Body::Fields(clients::FIELDS) },
    Section { names: &["memory"], title: "Memory", by_default: true, body: Body::Fields(memory::FIELDS) },
    Section {
        names: &["persistence"],
        title: "Persistence",
        by_default: true,
        body: Body::Fields(persistence::FIELDS),
    },
    Section { names: &["stats"], title: "Stats", by_default: true, body: Body::Fields(stats::FIELDS) },
    Section {
        names: &["replication"],
        title: "Replication",
        by_default: true,
        body: Body::Lines(replication::lines),
    },
    Section { names: &["cpu"], title: "CPU", by_default: true, body: Body::Fields(server::CPU) },
    Section {
        names: &["module_list", "modules"],
        title: "Modules",
        by_default: true,
        body: Body::Fields(&[]),
    },
    Section {
        names: &["commandstats"],
        title: "Commandstats",
        by_default: false,
        body: Body::Lines(counts::commands),
    },
    Section {
        names: &["errorstats"],
        title: "Errorstats",
        by_default: true,
        body: Body::Lines(counts::errors),
    },
    Section {
        names: &["latencystats"],
        title: "Latencystats",
        by_default: false,
        body: Body::Lines(counts::latencies),
    },
    Section { names: &["cluster"], title: "Cluster", by_default: true, body: Body::Fields(server::CLUSTER) },
    Section {
        names: &["keyspace"],
        title: "Keyspace",
        by_default: true,
        body: Body::Lines(counts::keyspace),
    },
];

impl Section {
    fn is_asked(&self, args: Args) -> bool {
        if args.len() == 1 {
            return self.by_default;
        }
        args.iter().skip(1).any(|word| match word.to_ascii_lowercase().as_slice() {
            b"all" | b"everything" => true,
            b"default" => self.by_default,
            word => self.names.iter().any(|name| name.as_bytes() == word),
        })
    }

    fn write(&self, facts: &Facts, out: &mut String) {
        out.push_str("# ");
        out.push_str(self.title);
        out.push_str("\r\n");
        match self.body {
            Body::Lines(lines) => lines(facts, out),
            Body::Fields(fields) => {
                for field in fields.iter().filter(|field| (field.shown)(facts)) {
                    line(out, field.name, (field.value)(facts));
                }
            }
        }
    }
}

fn line(out: &mut String, name: &str, value: impl std::fmt::Display) {
    write!(out, "{name}:{value}\r\n").expect("a string takes all");
}

fn info(session: &mut Session, txn: Option<&mut Txn>, args: Args, out: &mut Reply) -> Done {
    let facts = Facts::gather(session, txn)?;
    let mut text = String::new();
    for section in SECTIONS.iter().filter(|section| section.is_asked(args)) {
        if !text.is_empty() {
            text.push_str("\r\n");
        }
        section.write(&facts, &mut text);
    }
    out.verbatim("txt", text.as_bytes());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use resp::OwnedArgs;

    fn asked(words: &[&str]) -> Vec<&'static str> {
        let argv: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        let args = OwnedArgs::from_slices(&argv);
        SECTIONS.iter().filter(|section| section.is_asked(args.as_args())).map(|s| s.title).collect()
    }

    #[test]
    fn sections_by_name() {
        let by_default = asked(&["INFO"]);
        assert_eq!(by_default.len(), SECTIONS.len() - 2);
        assert_eq!(asked(&["INFO", "default"]), by_default);
        assert_eq!(asked(&["INFO", "ALL"]).len(), SECTIONS.len());
        assert_eq!(asked(&["INFO", "everything"]).len(), SECTIONS.len());
        assert_eq!(asked(&["INFO", "keyspace", "Server", "nonsense"]), ["Server", "Keyspace"]);
        assert_eq!(asked(&["INFO", "default", "commandstats"]).len(), by_default.len() + 1);
        assert!(asked(&["INFO", "nonsense"]).is_empty());
        assert_eq!(asked(&["INFO", "modules"]), asked(&["INFO", "module_list"]));
    }
}
