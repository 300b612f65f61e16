//! COMMAND: what commands there are, from their rows.

mod describe;
mod document;
mod keys;
mod list;

use super::help::{HELP, help};
use super::{Container, HostRow, table};
use crate::session::Session;
use engine::row::{Categories, Doc, Flags, Locks};
use engine::{Done, Meta, Txn};
use resp::{Args, Reply};

const BASE: Meta = Meta {
    arity: 2,
    flags: Flags::LOADING.with(Flags::STALE),
    categories: Categories::CONNECTION,
    locks: Locks::None,
    group: "server",
    since: "2.8.13",
    ..Meta::BASE
};

const NAMES: Doc = Doc::new("command-name", "string").multiple().optional();
const REQUEST: &[Doc] = &[Doc::new("command", "string"), Doc::new("arg", "string").multiple().optional()];

pub const COMMAND: Container = Container {
    row: HostRow {
        meta: Meta {
            name: "command",
            arity: -1,
            summary: "Every command, as COMMAND INFO tells of it.",
            complexity: "O(N) where N is the total number of Redis commands",
            tips: &["nondeterministic_output_order"],
            ..BASE
        },
        run: all,
    },
    subcommands: &[
        HostRow { meta: Meta { name: "count", summary: "How many commands there are.", ..BASE }, run: count },
        HostRow {
            meta: Meta {
                name: "docs",
                arity: -2,
                since: "7.0.0",
                summary: "What commands are for, and their arguments.",
                complexity: "O(N) where N is the number of commands to look up",
                tips: &["nondeterministic_output_order"],
                docs: &[NAMES],
                ..BASE
            },
            run: document::docs,
        },
        HostRow {
            meta: Meta {
                name: "getkeys",
                arity: -3,
                summary: "The keys of a request.",
                complexity: "O(N) where N is the number of arguments to the command",
                docs: REQUEST,
                ..BASE
            },
            run: keys::getkeys,
        },
        HostRow {
            meta: Meta {
                name: "getkeysandflags",
                arity: -3,
                since: "7.0.0",
                summary: "The keys of a request, and what it does to them.",
                complexity: "O(N) where N is the number of arguments to the command",
                docs: REQUEST,
                ..BASE
            },
            run: keys::getkeysandflags,
        },
        HostRow {
            meta: Meta { categories: Categories::CONNECTION, group: "server", since: "5.0.0", ..HELP },
            run: help,
        },
        HostRow {
            meta: Meta {
                name: "info",
                arity: -2,
                summary: "Arity, flags, categories and keys of commands.",
                complexity: "O(N) where N is the number of commands to look up",
                tips: &["nondeterministic_output_order"],
                docs: &[NAMES],
                history: &[("7.0.0", "Without names it tells of all commands.")],
                ..BASE
            },
            run: info,
        },
        HostRow {
            meta: Meta {
                name: "list",
                arity: -2,
                since: "7.0.0",
                summary: "The names of commands.",
                complexity: "O(N) where N is the total number of Redis commands",
                tips: &["nondeterministic_output_order"],
                docs: &[Doc::one_of(
                    "filterby",
                    &[
                        Doc::new("module-name", "string").behind("MODULE"),
                        Doc::new("category", "string").behind("ACLCAT"),
                        Doc::new("pattern", "pattern").behind("PATTERN"),
                    ],
                )
                .behind("FILTERBY")
                .optional()],
                ..BASE
            },
            run: list::list,
        },
    ],
};

fn all(_session: &mut Session, _txn: Option<&mut Txn>, _args: Args, out: &mut Reply) -> Done {
    out.array(table().all().count());
    table().all().for_each(|command| describe::describe(command, out));
    Ok(())
}

fn count(_session: &mut Session, _txn: Option<&mut Txn>, _args: Args, out: &mut Reply) -> Done {
    out.int(table().all().count() as i64);
    Ok(())
}

fn info(session: &mut Session, txn: Option<&mut Txn>, args: Args, out: &mut Reply) -> Done {
    if args.len() == 2 {
        return all(session, txn, args, out);
    }
    out.array(args.len() - 2);
    for name in args.tail(2) {
        match table().find_full(name) {
            Some(command) => describe::describe(command, out),
            None => out.nil(),
        }
    }
    Ok(())
}
