//! FUNCTION: libraries of functions. What changes them runs under every shard and is logged as it came, so that
//! replicas have the same ones.

use super::super::help::{HELP, help};
use super::super::{Container, HostRow};
use crate::script::{self, Kind, with_interpreter};
use crate::server::Server;
use crate::session::Session;
use base::glob;
use engine::functions::{Source, Sources};
use engine::row::{Categories, Doc, Flags, Locks};
use engine::{Done, Error, Meta, Txn, rdb};
use resp::{Args, Reply};
use scripting::Library;
use std::rc::Rc;
use std::sync::atomic::Ordering::Relaxed;

const BASE: Meta = Meta {
    flags: Flags::NOSCRIPT,
    categories: Categories::SCRIPTING,
    group: "scripting",
    since: "7.0.0",
    locks: Locks::None,
    ..Meta::BASE
};

const CHANGE: Meta = Meta { flags: Flags::NOSCRIPT.with(Flags::WRITE), locks: Locks::All, ..BASE };
const TO_ALL: &[&str] = &["request_policy:all_shards", "response_policy:all_succeeded"];

pub const FUNCTION: Container = Container {
    row: HostRow {
        meta: Meta {
            name: "function",
            arity: -2,
            flags: Flags::NONE,
            categories: Categories::NONE,
            summary: "Subcommands about libraries of functions.",
            complexity: "Depends on subcommand.",
            ..BASE
        },
        run: help,
    },
    subcommands: &[
        HostRow {
            meta: Meta {
                name: "delete",
                arity: 3,
                summary: "Deletes a library and its functions.",
                tips: TO_ALL,
                docs: &[Doc::new("library-name", "string")],
                ..CHANGE
            },
            run: run_change,
        },
        HostRow {
            meta: Meta {
                name: "dump",
                arity: 2,
                summary: "Gives all libraries as bytes that FUNCTION RESTORE reads.",
                complexity: "O(N) where N is the number of functions",
                ..BASE
            },
            run: dump,
        },
        HostRow {
            meta: Meta {
                name: "flush",
                arity: -2,
                summary: "Deletes all libraries.",
                complexity: "O(N) where N is the number of functions deleted",
                tips: TO_ALL,
                docs: &[Doc::one_of("flush-type", &[Doc::flag("async", "ASYNC"), Doc::flag("sync", "SYNC")])
                    .optional()],
                ..CHANGE
            },
            run: run_change,
        },
        HostRow {
            meta: Meta {
                flags: HELP.flags,
                categories: Categories::SCRIPTING,
                group: "scripting",
                since: "7.0.0",
                ..HELP
            },
            run: help,
        },
        HostRow {
            meta: Meta {
                name: "kill",
                arity: 2,
                flags: Flags::NOSCRIPT.with(Flags::ALLOW_BUSY),
                summary: "Stops the function that runs, if it has changed nothing yet.",
                tips: &["request_policy:all_shards", "response_policy:one_succeeded"],
                ..BASE
            },
            run: kill,
        },
        HostRow {
            meta: Meta {
                name: "list",
                arity: -2,
                summary: "Tells of the libraries and their functions.",
                complexity: "O(N) where N is the number of functions",
                tips: &["nondeterministic_output_order"],
                docs: &[
                    Doc::new("library-name-pattern", "string").behind("LIBRARYNAME").optional(),
                    Doc::flag("withcode", "WITHCODE").optional(),
                ],
                ..BASE
            },
            run: list,
        },
        HostRow {
            meta: Meta {
                name: "load",
                arity: -3,
                flags: CHANGE.flags.with(Flags::DENYOOM),
                summary: "Creates a library.",
                complexity: "O(1) (considering compilation time is redundant)",
                tips: TO_ALL,
                docs: &[Doc::flag("replace", "REPLACE").optional(), Doc::new("function-code", "string")],
                ..CHANGE
            },
            run: run_change,
        },
        HostRow {
            meta: Meta {
                name: "restore",
                arity: -3,
                flags: CHANGE.flags.with(Flags::DENYOOM),
                summary: "Creates libraries from the bytes that FUNCTION DUMP gave.",
                complexity: "O(N) where N is the number of functions on the payload",
                tips: TO_ALL,
                docs: &[
                    Doc::new("serialized-value", "string"),
                    Doc::one_of(
                        "policy",
                        &[
                            Doc::flag("flush", "FLUSH"),
                            Doc::flag("append", "APPEND"),
                            Doc::flag("replace", "REPLACE"),
                        ],
                    )
                    .optional(),
                ],
                ..CHANGE
            },
            run: run_change,
        },
        HostRow {
            meta: Meta {
                name: "stats",
                arity: 2,
                flags: Flags::NOSCRIPT.with(Flags::ALLOW_BUSY),
                summary: "Tells which function runs, and how many there are.",
                tips: &["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
                ..BASE
            },
            run: stats,
        },
    ],
};

/// What a request makes of the libraries, and the library that it loads.
struct Edit {
    sources: Sources,
    loaded: Option<Box<[u8]>>,
}

impl From<Sources> for Edit {
    fn from(sources: Sources) -> Self {
        Self { sources, loaded: None }
    }
}

/// Changes the libraries, in a transaction over every shard, as the request says. The name of the one that it loads.
fn change(server: &Server, txn: &mut Txn, args: Args) -> Result<Option<Box<[u8]>>, Error> {
    let functions = &txn.engine().functions;
    let served = functions.all();
    let Edit { sources, loaded } = match args.at(1).to_ascii_lowercase().as_slice() {
        b"delete" => delete(&served, args)?,
        b"flush" => flush(args)?,
        b"load" => load(server, &served, args)?,
        b"restore" => restore(server, &served, args)?,
        other => unreachable!("FUNCTION {} changes nothing", other.escape_ascii()),
    };
    functions.set(sources);
    txn.changed_all(1);
    Ok(loaded)
}

/// A request of a primary's stream that changes libraries.
pub fn changes(args: Args) -> bool {
    let sub = args.get(1).unwrap_or_default().to_ascii_lowercase();
    let arity = match sub.as_slice() {
        b"delete" => 3..=3,
        b"flush" => 2..=3,
        b"load" | b"restore" => 3..=usize::MAX,
        _ => return false,
    };
    arity.contains(&args.len())
}

pub fn apply(server: &Server, txn: &mut Txn, args: Args) -> Done {
    change(server, txn, args).map(|_| ())
}

/// DELETE, FLUSH, LOAD and RESTORE.
fn run_change(session: &mut Session, txn: Option<&mut Txn>, args: Args, out: &mut Reply) -> Done {
    let (server, alone) = (session.server, txn.is_none());
    let loaded = session.with_all_shards(txn, |txn| {
        let loaded = change(server, txn, args)?;
        if alone {
            txn.end_command(args);
        }
        Ok::<_, Error>(loaded)
    })??;
    match loaded {
        Some(name) => out.bulk(&name),
        None => out.ok(),
    }
    Ok(())
}

fn delete(served: &Sources, args: Args) -> Result<Edit, Error> {
    let mut sources = served.clone();
    sources.retain(|source| *source.name != *args.at(2));
    if sources.len() == served.len() {
        return Err(Error::text("ERR Library not found"));
    }
    Ok(sources.into())
}

fn flush(args: Args) -> Result<Edit, Error> {
    let is_mode = |word: &[u8]| word.eq_ignore_ascii_case(b"sync") || word.eq_ignore_ascii_case(b"async");
    match args.len() {
        2 => {}
        3 if is_mode(args.at(2)) => {}
        4.. => return Err(super::super::wrong_subcommand("FUNCTION", b"flush")),
        _ => return Err(Error::text("ERR FUNCTION FLUSH only supports SYNC|ASYNC option")),
    }
    Ok(Sources::new().into())
}

fn load(server: &Server, served: &Sources, args: Args) -> Result<Edit, Error> {
    let mut replace = false;
    for option in args.iter().take(args.len() - 1).skip(2) {
        if !option.eq_ignore_ascii_case(b"replace") {
            let option = super::super::text(option);
            return Err(Error::owned(format!("ERR Unknown option given: {option}")));
        }
        replace = true;
    }
    let (name, sources) = script::load_library(server, args.at(args.len() - 1), served, replace)?;
    Ok(Edit { sources, loaded: Some(name) })
}

fn dump(session: &mut Session, _txn: Option<&mut Txn>, _args: Args, out: &mut Reply) -> Done {
    let engine = &session.server.engine;
    out.bulk(&rdb::encode_functions(&engine.functions.all(), engine.settings.compress.load(Relaxed)));
    Ok(())
}

/// What becomes of the libraries that are there when others are restored.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Policy {
    Flush,
    Append,
    Replace,
}

fn restore(server: &Server, served: &Sources, args: Args) -> Result<Edit, Error> {
    if 4 < args.len() {
        return Err(super::super::wrong_subcommand("FUNCTION", b"restore"));
    }
    let policy = match args.get(3).map(<[u8]>::to_ascii_lowercase).as_deref() {
        None | Some(b"append") => Policy::Append,
        Some(b"replace") => Policy::Replace,
        Some(b"flush") => Policy::Flush,
        Some(_) => {
            return Err(Error::text(
                "ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.",
            ));
        }
    };
    let codes = rdb::decode_functions(args.at(2)).map_err(|error| Error::owned(error.to_string()))?;
    let mut restored = Sources::new();
    for code in &codes {
        script::add_library(server, code, &mut restored)?;
    }
    if policy == Policy::Flush {
        return Ok(restored.into());
    }
    let mut kept = served.clone();
    let is_restored = |source: &Source| restored.iter().any(|other| other.name == source.name);
    if let Some(both) = kept.iter().find(|source| is_restored(source))
        && policy == Policy::Append
    {
        let name = super::super::text(&both.name);
        return Err(Error::owned(format!("ERR Library {name} already exists")));
    }
    kept.retain(|source| !is_restored(source));
    for source in &restored {
        script::add_library(server, &source.code, &mut kept)?;
    }
    Ok(kept.into())
}

fn kill(session: &mut Session, _txn: Option<&mut Txn>, _args: Args, out: &mut Reply) -> Done {
    session.server.scripts.running.kill(Kind::Function)?;
    out.ok();
    Ok(())
}

/// The libraries as this thread has them: a script that runs on it keeps them from being looked at.
fn libraries(session: &Session) -> Result<Vec<Rc<Library>>, Error> {
    let server = session.server;
    let libraries = with_interpreter(&server.scripts, |interpreter| {
        interpreter.sync(&server.engine.functions);
        interpreter.libraries().to_vec()
    });
    libraries.ok_or_else(|| server.scripts.running.error())
}

fn list(session: &mut Session, _txn: Option<&mut Txn>, args: Args, out: &mut Reply) -> Done {
    let (mut pattern, mut with_code) = (None, false);
    let mut i = 2;
    while i < args.len() {
        let word = args.at(i);
        if !with_code && word.eq_ignore_ascii_case(b"withcode") {
            with_code = true;
        } else if pattern.is_none() && word.eq_ignore_ascii_case(b"libraryname") {
            i += 1;
            pattern = Some(args.get(i).ok_or(Error::text("ERR library name argument was not given"))?);
        } else {
            let word = super::super::text(word);
            return Err(Error::owned(format!("ERR Unknown argument {word}")));
        }
        i += 1;
    }
    let mut libraries = libraries(session)?;
    if let Some(pattern) = pattern {
        libraries.retain(|library| glob::matches(pattern, &library.source.name, glob::Case::Insensitive));
    }
    out.array(libraries.len());
    for library in &libraries {
        describe(library, with_code, out);
    }
    Ok(())
}

fn describe(library: &Library, with_code: bool, out: &mut Reply) {
    out.map(if with_code { 4 } else { 3 });
    out.bulk(b"library_name");
    out.bulk(&library.source.name);
    out.bulk(b"engine");
    out.bulk(b"LUA");
    out.bulk(b"functions");
    out.array(library.functions.len());
    for function in &library.functions {
        out.map(3);
        out.bulk(b"name");
        out.bulk(&function.name);
        out.bulk(b"description");
        match &function.description {
            Some(text) => out.bulk(text),
            None => out.nil(),
        }
        out.bulk(b"flags");
        let flags: Vec<_> = function.flags.names().collect();
        out.set(flags.len());
        flags.iter().for_each(|flag| out.simple(flag));
    }
    if with_code {
        out.bulk(b"library_code");
        out.bulk(&library.source.code);
    }
}

fn stats(session: &mut Session, _txn: Option<&mut Txn>, _args: Args, out: &mut Reply) -> Done {
    let server = session.server;
    out.map(2);
    out.bulk(b"running_script");
    match server.scripts.running.slow() {
        None => out.nil(),
        Some(slow) => {
            out.map(3);
            out.bulk(b"name");
            out.bulk(slow.name.as_bytes());
            out.bulk(b"command");
            out.array(slow.call.len());
            slow.call.as_args().iter().for_each(|word| out.bulk(word));
            out.bulk(b"duration_ms");
            out.int(server.clock.monotonic_ms() - slow.since_ms);
        }
    }
    out.bulk(b"engines");
    out.map(1);
    out.bulk(b"LUA");
    out.map(2);
    out.bulk(b"libraries_count");
    out.int(server.engine.functions.all().len() as i64);
    out.bulk(b"functions_count");
    out.int(server.engine.functions.count() as i64);
    Ok(())
}
