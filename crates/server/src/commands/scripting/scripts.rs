//! SCRIPT: the cache of scripts, and stopping one that runs for long.

use super::super::help::{HELP, help};
use super::super::{Container, HostRow};
use crate::script;
use crate::session::Session;
use engine::row::{Categories, Doc, Flags, Locks};
use engine::{Done, Error, Meta, Txn};
use resp::{Args, Reply};
use scripting::Sha;

const BASE: Meta = Meta {
    flags: Flags::NOSCRIPT,
    categories: Categories::SCRIPTING,
    group: "scripting",
    since: "2.6.0",
    locks: Locks::None,
    ..Meta::BASE
};

pub const SCRIPT: Container = Container {
    row: HostRow {
        meta: Meta {
            name: "script",
            arity: -2,
            flags: Flags::NONE,
            categories: Categories::NONE,
            summary: "Subcommands about scripts.",
            complexity: "Depends on subcommand.",
            ..BASE
        },
        run: help,
    },
    subcommands: &[
        HostRow {
            meta: Meta {
                name: "debug",
                arity: 3,
                since: "3.2.0",
                summary: "Sets how the scripts that follow are debugged. There is no debugger here: NO is accepted.",
                docs: &[Doc::one_of(
                    "mode",
                    &[Doc::flag("yes", "YES"), Doc::flag("sync", "SYNC"), Doc::flag("no", "NO")],
                )],
                ..BASE
            },
            run: debug,
        },
        HostRow {
            meta: Meta {
                name: "exists",
                arity: -3,
                summary: "Which of these scripts are known.",
                complexity: "O(N) with N being the number of scripts to check (so checking a single script is an O(1) operation).",
                tips: &["request_policy:all_shards", "response_policy:agg_logical_and"],
                docs: &[Doc::new("sha1", "string").multiple()],
                ..BASE
            },
            run: exists,
        },
        HostRow {
            meta: Meta {
                name: "flush",
                arity: -2,
                summary: "Forgets all scripts.",
                complexity: "O(N) with N being the number of scripts in cache",
                history: &[("6.2.0", "Added the `ASYNC` and `SYNC` flushing mode modifiers.")],
                tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
                docs: &[Doc::one_of("flush-type", &[Doc::flag("async", "ASYNC"), Doc::flag("sync", "SYNC")])
                    .optional()
                    .since("6.2.0")],
                ..BASE
            },
            run: flush,
        },
        HostRow {
            meta: Meta {
                flags: HELP.flags,
                categories: Categories::SCRIPTING,
                group: "scripting",
                since: "5.0.0",
                ..HELP
            },
            run: help,
        },
        HostRow {
            meta: Meta {
                name: "kill",
                arity: 2,
                flags: Flags::NOSCRIPT.with(Flags::ALLOW_BUSY),
                summary: "Stops the script that runs, if it has changed nothing yet.",
                tips: &["request_policy:all_shards", "response_policy:one_succeeded"],
                ..BASE
            },
            run: kill,
        },
        HostRow {
            meta: Meta {
                name: "load",
                arity: 3,
                flags: Flags::NOSCRIPT.with(Flags::STALE),
                summary: "Makes a script known without running it.",
                complexity: "O(N) with N being the length in bytes of the script body.",
                tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
                docs: &[Doc::new("script", "string")],
                ..BASE
            },
            run: load,
        },
    ],
};

fn debug(_session: &mut Session, _txn: Option<&mut Txn>, args: Args, out: &mut Reply) -> Done {
    let mode = args.at(2);
    if mode.eq_ignore_ascii_case(b"no") {
        out.ok();
        return Ok(());
    }
    if mode.eq_ignore_ascii_case(b"yes") || mode.eq_ignore_ascii_case(b"sync") {
        return Err(Error::text("ERR There is no script debugger in this server"));
    }
    Err(Error::text("ERR Use SCRIPT DEBUG YES/SYNC/NO"))
}

fn exists(session: &mut Session, _txn: Option<&mut Txn>, args: Args, out: &mut Reply) -> Done {
    let scripts = &session.server.scripts.known;
    out.array(args.len() - 2);
    for sum in args.iter().skip(2) {
        // Redis compares the letters as they are, so a sum in upper case is no script's.
        let known = Sha::parse(sum).filter(|sha| sha.as_str().as_bytes() == sum);
        out.int(i64::from(known.is_some_and(|sha| scripts.get(&sha).is_some())));
    }
    Ok(())
}

fn flush(session: &mut Session, _txn: Option<&mut Txn>, args: Args, out: &mut Reply) -> Done {
    let is_mode = |word: &[u8]| word.eq_ignore_ascii_case(b"sync") || word.eq_ignore_ascii_case(b"async");
    match args.len() {
        2 => {}
        3 if is_mode(args.at(2)) => {}
        _ => return Err(Error::text("ERR SCRIPT FLUSH only support SYNC|ASYNC option")),
    }
    session.server.scripts.known.flush();
    out.ok();
    Ok(())
}

fn kill(session: &mut Session, _txn: Option<&mut Txn>, _args: Args, out: &mut Reply) -> Done {
    session.server.scripts.running.kill(script::Kind::Script)?;
    out.ok();
    Ok(())
}

fn load(session: &mut Session, _txn: Option<&mut Txn>, args: Args, out: &mut Reply) -> Done {
    let sha = script::load(session.server, args.at(2))?;
    out.bulk(sha.as_str().as_bytes());
    Ok(())
}
