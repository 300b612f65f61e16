//! CLIENT: what connections are there, and what this one wants to be told.
//!
//! Absent: CLIENT TRACKING, which promises invalidation messages that nobody sends yet. The subcommands that ask
//! about it answer as for a connection that never turned it on.

mod kill;
mod list;
pub use list::line;

use super::connection::{check_name, is_plain};
use super::help::{HELP, help};
use super::{Container, HostRow};
use crate::pause::{Purpose, Scope};
use crate::session::{ReplyMode, Session};
use engine::row::{Categories, Doc, Flags, Locks};
use engine::{Done, Error, Meta, Txn};
use resp::{Args, Reply};
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

const OWN: Flags = Flags::NOSCRIPT.with(Flags::LOADING).with(Flags::STALE);
const ADMIN: Flags = OWN.with(Flags::ADMIN);

const BASE: Meta = Meta {
    arity: 2,
    flags: OWN,
    categories: Categories::CONNECTION,
    locks: Locks::None,
    group: "connection",
    ..Meta::BASE
};

const ON_OFF: Doc = Doc::one_of("enabled", &[Doc::flag("on", "ON"), Doc::flag("off", "OFF")]);
const KIND: Doc = Doc::one_of(
    "client-type",
    &[
        Doc::flag("normal", "NORMAL"),
        Doc::flag("master", "MASTER").since("3.2.0"),
        Doc::flag("replica", "REPLICA").since("5.0.0"),
        Doc::flag("pubsub", "PUBSUB"),
    ],
);
const FILTER: Doc = Doc::one_of(
    "filter",
    &[
        Doc::new("client-id", "integer").behind("ID").optional().since("2.8.12"),
        KIND.behind("TYPE").optional().since("2.8.12"),
        Doc::new("username", "string").behind("USER").optional(),
        Doc::new("ip:port", "string").behind("ADDR").optional(),
        Doc::new("ip:port", "string").behind("LADDR").optional().since("6.2.0"),
        Doc::one_of("skipme", &[Doc::flag("yes", "YES"), Doc::flag("no", "NO")]).behind("SKIPME").optional(),
    ],
)
.multiple();

pub const CLIENT: Container = Container {
    row: HostRow {
        meta: Meta {
            name: "client",
            arity: -2,
            group: "connection",
            since: "2.4.0",
            locks: Locks::None,
            summary: "Subcommands about client connections.",
            complexity: "Depends on subcommand.",
            ..Meta::BASE
        },
        run: help,
    },
    subcommands: &[
        HostRow {
            meta: Meta {
                name: "caching",
                arity: 3,
                since: "6.0.0",
                summary: "Whether the next command's keys are tracked (OPTIN and OPTOUT modes).",
                docs: &[Doc::one_of("mode", &[Doc::flag("yes", "YES"), Doc::flag("no", "NO")])],
                ..BASE
            },
            run: caching,
        },
        HostRow {
            meta: Meta { name: "getname", since: "2.6.9", summary: "The name of this connection.", ..BASE },
            run: getname,
        },
        HostRow {
            meta: Meta {
                name: "getredir",
                since: "6.0.0",
                summary: "Which client gets this connection's tracking messages.",
                ..BASE
            },
            run: getredir,
        },
        HostRow {
            meta: Meta { group: "connection", categories: Categories::CONNECTION, since: "5.0.0", ..HELP },
            run: help,
        },
        HostRow {
            meta: Meta { name: "id", since: "5.0.0", summary: "The number of this connection.", ..BASE },
            run: id,
        },
        HostRow {
            meta: Meta {
                name: "info",
                since: "6.2.0",
                summary: "This connection's line of CLIENT LIST.",
                tips: &["nondeterministic_output"],
                ..BASE
            },
            run: list::info,
        },
        HostRow {
            meta: Meta {
                name: "kill",
                arity: -3,
                flags: ADMIN,
                since: "2.4.0",
                summary: "Closes connections: the one with this address, or all that pass the filters.",
                complexity: "O(N) where N is the number of client connections",
                docs: &[Doc::one_of(
                    "filter",
                    &[Doc::new("old-format", "string"), Doc { name: "new-format", ..FILTER }],
                )],
                history: &[
                    ("2.8.12", "Filters came, `ID` among them."),
                    ("3.2.0", "`TYPE` knows `master`."),
                    ("5.0.0", "`TYPE` knows `replica`, and `slave` as its old name."),
                    ("6.2.0", "`LADDR` came."),
                ],
                ..BASE
            },
            run: kill::kill,
        },
        HostRow {
            meta: Meta {
                name: "list",
                arity: -2,
                flags: ADMIN,
                since: "2.4.0",
                summary: "One line for each connection.",
                complexity: "O(N) where N is the number of client connections",
                tips: &["nondeterministic_output"],
                docs: &[
                    KIND.behind("TYPE").optional().since("5.0.0"),
                    Doc::new("client-id", "integer").behind("ID").multiple().optional().since("6.2.0"),
                ],
                history: &[
                    ("2.8.12", "`id` came."),
                    ("5.0.0", "`TYPE` came."),
                    ("6.0.0", "`user` came."),
                    ("6.2.0", "`argv-mem`, `tot-mem`, `laddr` and `redir` came, and `ID`."),
                    ("7.0.0", "`resp`, `multi-mem`, `rbs` and `rbp` came."),
                    ("7.0.3", "`ssub` came."),
                ],
                ..BASE
            },
            run: list::list,
        },
        HostRow {
            meta: Meta {
                name: "no-evict",
                arity: 3,
                flags: ADMIN,
                since: "7.0.0",
                summary: "Whether this connection is spared when clients use too much memory.",
                docs: &[ON_OFF],
                ..BASE
            },
            run: no_evict,
        },
        HostRow {
            meta: Meta {
                name: "no-touch",
                arity: 3,
                since: "7.2.0",
                summary: "Whether this connection's commands leave the access times of keys alone.",
                docs: &[ON_OFF],
                ..BASE
            },
            run: no_touch,
        },
        HostRow {
            meta: Meta {
                name: "pause",
                arity: -3,
                flags: ADMIN,
                since: "2.9.50",
                locks: Locks::All,
                summary: "Lets the commands of all clients, or their writes, wait for so many milliseconds.",
                docs: &[
                    Doc::new("timeout", "integer"),
                    Doc::one_of("mode", &[Doc::flag("write", "WRITE"), Doc::flag("all", "ALL")])
                        .optional()
                        .since("6.2.0"),
                ],
                history: &[("6.2.0", "The mode came.")],
                ..BASE
            },
            run: pause,
        },
        HostRow {
            meta: Meta {
                name: "reply",
                arity: 3,
                since: "3.2.0",
                summary: "Whether this connection gets replies.",
                docs: &[Doc::one_of(
                    "action",
                    &[Doc::flag("on", "ON"), Doc::flag("off", "OFF"), Doc::flag("skip", "SKIP")],
                )],
                ..BASE
            },
            run: reply,
        },
        HostRow {
            meta: Meta {
                name: "setinfo",
                arity: 4,
                since: "7.2.0",
                summary: "Names the client library, or its version.",
                tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
                docs: &[Doc::one_of(
                    "attr",
                    &[
                        Doc::new("libname", "string").behind("LIB-NAME"),
                        Doc::new("libver", "string").behind("LIB-VER"),
                    ],
                )],
                ..BASE
            },
            run: setinfo,
        },
        HostRow {
            meta: Meta {
                name: "setname",
                arity: 3,
                since: "2.6.9",
                summary: "Names this connection.",
                tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
                docs: &[Doc::new("connection-name", "string")],
                ..BASE
            },
            run: setname,
        },
        HostRow {
            meta: Meta {
                name: "trackinginfo",
                since: "6.2.0",
                summary: "What this connection tracks.",
                ..BASE
            },
            run: trackinginfo,
        },
        HostRow {
            meta: Meta {
                name: "unblock",
                arity: -3,
                flags: ADMIN,
                since: "5.0.0",
                summary: "Ends the waiting of a client that a blocking command holds up.",
                complexity: "O(log N) where N is the number of client connections",
                docs: &[
                    Doc::new("client-id", "integer"),
                    Doc::one_of(
                        "unblock-type",
                        &[Doc::flag("timeout", "TIMEOUT"), Doc::flag("error", "ERROR")],
                    )
                    .optional(),
                ],
                ..BASE
            },
            run: unblock,
        },
        HostRow {
            meta: Meta {
                name: "unpause",
                flags: ADMIN,
                since: "6.2.0",
                locks: Locks::All,
                summary: "Ends the pause.",
                complexity: "O(N) Where N is the number of paused clients",
                ..BASE
            },
            run: unpause,
        },
    ],
};

fn caching(_session: &mut Session, _txn: Option<&mut Txn>, _args: Args, _out: &mut Reply) -> Done {
    Err(Error::text(
        "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled",
    ))
}

fn getredir(_session: &mut Session, _txn: Option<&mut Txn>, _args: Args, out: &mut Reply) -> Done {
    out.int(-1);
    Ok(())
}

fn trackinginfo(_session: &mut Session, _txn: Option<&mut Txn>, _args: Args, out: &mut Reply) -> Done {
    out.map(3);
    out.bulk(b"flags");
    out.set(1);
    out.bulk(b"off");
    out.bulk(b"redirect");
    out.int(-1);
    out.bulk(b"prefixes");
    out.array(0);
    Ok(())
}

fn id(session: &mut Session, _txn: Option<&mut Txn>, _args: Args, out: &mut Reply) -> Done {
    out.int(session.conn.client.id as i64);
    Ok(())
}

fn getname(session: &mut Session, _txn: Option<&mut Txn>, _args: Args, out: &mut Reply) -> Done {
    match session.conn.client.names.lock().name.as_slice() {
        [] => out.nil(),
        name => out.bulk(name),
    }
    Ok(())
}

fn setname(session: &mut Session, _txn: Option<&mut Txn>, args: Args, out: &mut Reply) -> Done {
    check_name(args.at(2))?;
    session.conn.client.names.lock().name = args.at(2).to_vec();
    out.ok();
    Ok(())
}

fn setinfo(session: &mut Session, _txn: Option<&mut Txn>, args: Args, out: &mut Reply) -> Done {
    let (attribute, value) = (args.at(2), args.at(3));
    let mut names = session.conn.client.names.lock();
    let field = match () {
        () if attribute.eq_ignore_ascii_case(b"lib-name") => &mut names.lib_name,
        () if attribute.eq_ignore_ascii_case(b"lib-ver") => &mut names.lib_ver,
        () => return Err(Error::owned(format!("ERR Unrecognized option '{}'", super::text(attribute)))),
    };
    if !is_plain(value) {
        let attribute = super::text(attribute);
        return Err(Error::owned(format!(
            "ERR {attribute} cannot contain spaces, newlines or special characters."
        )));
    }
    *field = value.to_vec();
    out.ok();
    Ok(())
}

fn reply(session: &mut Session, _txn: Option<&mut Txn>, args: Args, out: &mut Reply) -> Done {
    let mode = args.at(2);
    match () {
        () if mode.eq_ignore_ascii_case(b"on") => {
            session.conn.reply_mode = ReplyMode::On;
            out.ok();
        }
        () if mode.eq_ignore_ascii_case(b"off") => session.conn.reply_mode = ReplyMode::Off,
        () if mode.eq_ignore_ascii_case(b"skip") => {
            if session.conn.reply_mode != ReplyMode::Off {
                session.conn.reply_mode = ReplyMode::SkipNext;
            }
        }
        () => return Err(Error::Syntax),
    }
    Ok(())
}

/// ON or OFF into the flag.
fn switch(flag: &AtomicBool, args: Args, out: &mut Reply) -> Done {
    let on = match args.at(2).to_ascii_lowercase().as_slice() {
        b"on" => true,
        b"off" => false,
        _ => return Err(Error::Syntax),
    };
    flag.store(on, Relaxed);
    out.ok();
    Ok(())
}

fn no_evict(session: &mut Session, _txn: Option<&mut Txn>, args: Args, out: &mut Reply) -> Done {
    switch(&session.conn.client.no_evict, args, out)
}

fn no_touch(session: &mut Session, _txn: Option<&mut Txn>, args: Args, out: &mut Reply) -> Done {
    switch(&session.conn.client.no_touch, args, out)
}

fn pause(session: &mut Session, txn: Option<&mut Txn>, args: Args, out: &mut Reply) -> Done {
    let scope = match args.get(3) {
        _ if 4 < args.len() => return Err(super::wrong_subcommand("CLIENT", args.at(1))),
        None => Scope::All,
        Some(mode) if mode.eq_ignore_ascii_case(b"all") => Scope::All,
        Some(mode) if mode.eq_ignore_ascii_case(b"write") => Scope::Writes,
        Some(_) => return Err(Error::text("ERR CLIENT PAUSE mode must be WRITE or ALL")),
    };
    let Some(timeout_ms) = base::number::parse_i64(args.at(2)) else {
        return Err(Error::text("ERR timeout is not an integer or out of range"));
    };
    if timeout_ms < 0 {
        return Err(Error::text("ERR timeout is negative"));
    }
    let server = session.server;
    if timeout_ms.checked_add(server.clock.unix_ms()).is_none() {
        return Err(Error::text("ERR timeout is out of range"));
    }
    let end_ms = server.clock.monotonic_ms() + timeout_ms;
    server.pause.begin(server, txn.as_deref(), Purpose::Command, scope, end_ms);
    out.ok();
    Ok(())
}

fn unpause(session: &mut Session, txn: Option<&mut Txn>, _args: Args, out: &mut Reply) -> Done {
    session.server.pause.end(session.server, txn.as_deref(), Purpose::Command);
    out.ok();
    Ok(())
}

fn unblock(_session: &mut Session, _txn: Option<&mut Txn>, args: Args, out: &mut Reply) -> Done {
    match args.get(3) {
        _ if 4 < args.len() => return Err(super::wrong_subcommand("CLIENT", args.at(1))),
        None => {}
        Some(reason) if reason.eq_ignore_ascii_case(b"timeout") || reason.eq_ignore_ascii_case(b"error") => {}
        Some(_) => return Err(Error::text("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR")),
    }
    base::number::parse_i64(args.at(2)).ok_or(Error::NotInteger)?;
    // Only a blocking command's client can be unblocked, and there is no such command yet; one that waits for the
    // end of a pause goes on waiting.
    out.int(0);
    Ok(())
}
