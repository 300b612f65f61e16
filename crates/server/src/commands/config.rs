//! CONFIG: reading and changing the configuration of the running server.
//!
//! SET changes all of its directives or none: the new values are checked together, then those with an effect
//! outside the configuration are applied one after the other; if one fails, what was applied is taken back. What
//! the engine keeps copies of follows once the configuration is in place, as that takes the shards and must not
//! wait for them while others wait for the change to end.

use super::help::{HELP, help};
use super::{Container, HostRow, is_allowed};
use crate::config::{self, Config, Effect, Row, SetError};
use crate::logger::{self, Level};
use crate::server::Server;
use crate::session::Session;
use crate::{listen, sys};
use engine::row::{Doc, Flags, Locks};
use engine::{Done, Error, Meta, Txn};
use resp::{Args, Reply};
use std::io;
use std::sync::atomic::Ordering::Relaxed;

const BASE: Meta = Meta {
    arity: 2,
    flags: Flags::ADMIN.with(Flags::NOSCRIPT).with(Flags::LOADING).with(Flags::STALE),
    locks: Locks::None,
    group: "server",
    since: "2.0.0",
    ..Meta::BASE
};

pub const CONFIG: Container = Container {
    row: HostRow {
        meta: Meta {
            name: "config",
            arity: -2,
            flags: Flags::NONE,
            summary: "Subcommands about the configuration.",
            complexity: "Depends on subcommand.",
            ..BASE
        },
        run: help,
    },
    subcommands: &[
        HostRow {
            meta: Meta {
                name: "get",
                arity: -3,
                summary: "The directives whose names fit, with their values.",
                complexity: "O(N) when N is the number of configuration parameters provided",
                docs: &[Doc::new("parameter", "string").multiple()],
                history: &[("7.0.0", "Takes several patterns.")],
                ..BASE
            },
            run: get,
        },
        HostRow { meta: Meta { group: "server", since: "5.0.0", ..HELP }, run: help },
        HostRow {
            meta: Meta {
                name: "resetstat",
                summary: "Lets the counters of INFO begin anew.",
                tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
                ..BASE
            },
            run: resetstat,
        },
        HostRow {
            meta: Meta {
                name: "rewrite",
                since: "2.8.0",
                summary: "Writes the current values into the configuration file.",
                tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
                ..BASE
            },
            run: rewrite,
        },
        HostRow {
            meta: Meta {
                name: "set",
                arity: -4,
                locks: Locks::All,
                summary: "Changes directives: all of them or, if one can't be, none.",
                complexity: "O(N) when N is the number of configuration parameters provided",
                tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
                docs: &[Doc {
                    of: &[Doc::new("parameter", "string"), Doc::new("value", "string")],
                    ..Doc::new("data", "block")
                }
                .multiple()],
                history: &[("7.0.0", "Takes several directives.")],
                ..BASE
            },
            run: set,
        },
    ],
};

fn get(session: &mut Session, _txn: Option<&mut Txn>, args: Args, out: &mut Reply) -> Done {
    let patterns: Vec<&[u8]> = args.iter().skip(2).collect();
    let config = session.server.config();
    let found = config.get(&patterns);
    out.map(found.len());
    for (name, row) in found {
        let value = (row.get)(&config);
        out.bulk(name);
        match row.name {
            "dir" => out.bulk(working_dir(&value).as_bytes()),
            _ => out.bulk(value.as_bytes()),
        }
    }
    Ok(())
}

/// Where the server is, whatever the configuration called it.
fn working_dir(configured: &str) -> String {
    std::env::current_dir().map_or_else(|_| configured.to_string(), |dir| dir.to_string_lossy().into_owned())
}

fn set(session: &mut Session, txn: Option<&mut Txn>, args: Args, out: &mut Reply) -> Done {
    if !args.len().is_multiple_of(2) {
        return Err(Error::Syntax);
    }
    let words: Vec<&[u8]> = args.iter().skip(2).collect();
    let pairs: Vec<(&[u8], &[u8])> = words.chunks(2).map(|pair| (pair[0], pair[1])).collect();
    let server = session.server;
    {
        let _one_at_a_time = server.config_change.lock();
        let old = server.config();
        check(session, &pairs)?;
        let (new, rows) = old.set(&pairs).map_err(error)?;
        apply_all(server, &old, new, &rows).map_err(error)?;
    }
    server.apply_settings(txn.as_deref());
    server.replication.wake();
    out.ok();
    Ok(())
}

fn error(error: SetError) -> Error {
    Error::owned(error.to_string())
}

/// Directives that are set by the file alone unless enable-protected-configs allows more.
const PROTECTED: &[&str] = &["dir", "dbfilename"];

/// What is refused whatever the values are: in the order of the arguments, before any value is looked at.
fn check(session: &Session, pairs: &[(&[u8], &[u8])]) -> Done {
    let mut names: Vec<Vec<u8>> = Vec::new();
    for (name, _) in pairs {
        let shown = String::from_utf8_lossy(name).into_owned();
        let failed = |why: &str| error(SetError::Failed { name: shown.clone(), why: why.into() });
        let Some(row) = config::find(name) else { return Err(error(SetError::Unknown { name: shown })) };
        // The primary is chosen by REPLICAOF.
        if !row.is_mutable || row.name == "replicaof" {
            return Err(failed("can't set immutable config"));
        }
        if PROTECTED.contains(&row.name)
            && !is_allowed(session.config.enable_protected_configs, &session.conn.client)
        {
            return Err(failed("can't set protected config"));
        }
        let name = name.to_ascii_lowercase();
        if names.contains(&name) {
            return Err(failed("duplicate parameter"));
        }
        names.push(name);
    }
    Ok(())
}

/// Puts the new configuration in place with the effects of its rows; on failure all is as it was.
fn apply_all(
    server: &'static Server,
    old: &Config,
    mut new: Config,
    rows: &[&'static Row],
) -> Result<(), SetError> {
    for (done, row) in rows.iter().enumerate() {
        if let Err(why) = apply(server, row, &mut new) {
            let text = format!(
                "Failed applying new configuration. Possibly related to new {} setting. Restoring previous settings.",
                row.name
            );
            logger::log(Level::Warning, &text);
            for row in &rows[..=done] {
                // It was in effect before, so it can be again; if not, there is nobody left to be told.
                let _ = apply(server, row, &mut old.clone());
            }
            server.set_config(old.clone());
            return Err(SetError::Failed { name: row.name.into(), why });
        }
    }
    let later = rows.iter().filter(|row| row.effect == Effect::Later && (row.get)(&new) != (row.get)(old));
    for row in later {
        let text = format!("WARNING: the directive '{}' is accepted, but has no effect yet.", row.name);
        logger::log(Level::Warning, &text);
    }
    server.set_config(new);
    Ok(())
}

/// The smallest backlog that CONFIG SET makes.
const BACKLOG_BYTES_MIN: i64 = 16 * 1024;

/// The effect of one directive outside the configuration.
fn apply(server: &'static Server, row: &Row, to: &mut Config) -> Result<(), String> {
    let now = server.config();
    match row.name {
        "dir" => {
            std::env::set_current_dir(&to.dir).map_err(|error| sys::error_text(&error))?;
            to.dir = working_dir(&to.dir);
        }
        // As Redis: a smaller one is taken in the file, but not set.
        "repl-backlog-size" => to.repl_backlog_size = to.repl_backlog_size.max(BACKLOG_BYTES_MIN),
        "maxclients" if now.maxclients < to.maxclients => {
            let allowed = sys::raise_open_files(to.maxclients as u64);
            if allowed < to.maxclients as u64 {
                return Err(format!(
                    "The operating system is not able to handle the specified number of clients, try with {allowed}"
                ));
            }
        }
        "port" | "bind"
            if (row.name == "port" && now.port != to.port) || (row.name == "bind" && now.bind != to.bind) =>
        {
            server.set_config(to.clone());
            listen::reopen(server)?;
        }
        _ => {}
    }
    Ok(())
}

fn resetstat(session: &mut Session, _txn: Option<&mut Txn>, _args: Args, out: &mut Reply) -> Done {
    let server = session.server;
    server.workers.iter().for_each(|worker| worker.stats.reset());
    server.errors.reset();
    server.expire_stats.reset();
    server.rates.reset();
    server.lazyfree.reset();
    server.connections_received.store(0, Relaxed);
    server.rejected_connections.store(0, Relaxed);
    server.persistence.state.lock().saves = 0;
    server.replication.reset_stats();
    out.ok();
    Ok(())
}

fn rewrite(session: &mut Session, _txn: Option<&mut Txn>, _args: Args, out: &mut Reply) -> Done {
    let server = session.server;
    if server.config_file.is_none() {
        return Err(Error::text("ERR The server is running without a config file"));
    }
    match write_file(server) {
        Ok(()) => {
            logger::log(Level::Notice, "CONFIG REWRITE executed with success.");
            out.ok();
            Ok(())
        }
        Err(error) => {
            let text = sys::error_text(&error);
            logger::log(Level::Warning, &format!("CONFIG REWRITE failed: {text}"));
            Err(Error::owned(format!("ERR Rewriting config file: {text}")))
        }
    }
}

/// Writes the current values into the configuration file, if there is one.
pub fn write_file(server: &Server) -> io::Result<()> {
    let Some(path) = &server.config_file else { return Ok(()) };
    let _one_at_a_time = server.config_change.lock();
    let mut config = (*server.config()).clone();
    config.dir = working_dir(&config.dir);
    config::rewrite_file(path, &config)
}
