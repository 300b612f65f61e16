//! TIME, LOLWUT and MODULE.

use super::help::{HELP, help};
use super::{Container, HostRow};
use crate::session::Session;
use engine::row::{Doc, Flags, Locks};
use engine::{Done, Error, Meta, Txn};
use resp::{Args, Reply};

const SERVER: Meta = Meta { group: "server", locks: Locks::None, ..Meta::BASE };

pub const ROWS: &[HostRow] = &[
    HostRow {
        meta: Meta {
            name: "time",
            flags: Flags::LOADING.with(Flags::STALE).with(Flags::FAST),
            since: "2.6.0",
            summary: "The server's time: Unix seconds, and microseconds within the second.",
            tips: &["nondeterministic_output"],
            ..SERVER
        },
        run: time,
    },
    HostRow {
        meta: Meta {
            name: "lolwut",
            arity: -1,
            flags: Flags::READONLY.with(Flags::FAST),
            since: "5.0.0",
            summary: "A goose, and the version.",
            complexity: "",
            docs: &[Doc::new("version", "integer").behind("VERSION").optional()],
            ..SERVER
        },
        run: lolwut,
    },
];

/// There are no modules, so all that is told of them is that.
pub const MODULE: Container = Container {
    row: HostRow {
        meta: Meta {
            name: "module",
            arity: -2,
            since: "4.0.0",
            summary: "Subcommands about modules.",
            complexity: "Depends on subcommand.",
            ..SERVER
        },
        run: help,
    },
    subcommands: &[
        HostRow { meta: Meta { group: "server", since: "5.0.0", ..HELP }, run: help },
        HostRow {
            meta: Meta {
                name: "list",
                arity: 2,
                flags: Flags::ADMIN.with(Flags::NOSCRIPT),
                since: "4.0.0",
                summary: "The modules that are loaded: none.",
                complexity: "O(N) where N is the number of loaded modules.",
                tips: &["nondeterministic_output_order"],
                ..SERVER
            },
            run: module_list,
        },
    ],
};

fn time(session: &mut Session, _txn: Option<&mut Txn>, _args: Args, out: &mut Reply) -> Done {
    let now_us = session.server.clock.unix_us();
    out.array(2);
    out.bulk_int(now_us / 1_000_000);
    out.bulk_int(now_us % 1_000_000);
    Ok(())
}

fn lolwut(_session: &mut Session, _txn: Option<&mut Txn>, args: Args, out: &mut Reply) -> Done {
    if let (Some(word), Some(version)) = (args.get(1), args.get(2))
        && word.eq_ignore_ascii_case(b"version")
    {
        base::number::parse_i64(version).ok_or(Error::NotInteger)?;
    }
    let goose = r"      __
  ___( o)>
  \ <_. )
   `---'
";
    let version =
        format!("{goose}Redis ver. {}, Greylag ver. {}\n", crate::REDIS_VERSION, env!("CARGO_PKG_VERSION"));
    out.verbatim("txt", version.as_bytes());
    Ok(())
}

fn module_list(_session: &mut Session, _txn: Option<&mut Txn>, _args: Args, out: &mut Reply) -> Done {
    out.array(0);
    Ok(())
}
