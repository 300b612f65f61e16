//! Scripts in the server: finding what a call names, whether it may run, and running it in a transaction over every
//! shard. Each thread has an interpreter of its own, made when it first needs one.

mod host;
mod running;
mod stream;

pub use running::{Kind, Running};
pub use stream::ScriptStream;

use crate::dispatch::{Beside, latin1};
use crate::session::ConnState;
use engine::row::Flags;
use engine::{Done, Error, State, Txn};
use host::ScriptHost;
use resp::{Args, Reply};
use scripting::{Declared, FlagSet, Function, Interpreter, Ran, Run, Scripts, Sha};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::Ordering::Relaxed;

/// How a call names what it runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Named {
    Script,
    Sha,
    Function,
}

/// EVAL, EVALSHA, FCALL, or a read-only form.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Call {
    pub named: Named,
    pub read_only: bool,
}

/// What the threads share.
#[derive(Default)]
pub struct Shared {
    pub known: Scripts,
    pub running: Running,
    /// What the interpreters of all threads hold.
    pub memory_bytes: std::sync::atomic::AtomicU64,
}

thread_local! {
    static INTERPRETER: RefCell<Option<Local>> = const { RefCell::new(None) };
}

/// A thread's interpreter, and how much of [`Shared::memory_bytes`] is its own.
struct Local {
    interpreter: Interpreter,
    counted_bytes: u64,
}

/// Lends this thread's interpreter. `None` while a script runs on this thread already: what looks after the other
/// connections in the meantime runs no scripts.
pub fn with_interpreter<R>(shared: &Shared, work: impl FnOnce(&mut Interpreter) -> R) -> Option<R> {
    INTERPRETER.with(|cell| {
        let mut local = cell.try_borrow_mut().ok()?;
        let local = local.get_or_insert_with(|| Local {
            interpreter: Interpreter::new().expect("there is memory for an interpreter"),
            counted_bytes: 0,
        });
        let result = work(&mut local.interpreter);
        let bytes = local.interpreter.memory_bytes() as u64;
        shared.memory_bytes.fetch_add(bytes.wrapping_sub(local.counted_bytes), Relaxed);
        local.counted_bytes = bytes;
        Some(result)
    })
}

/// SCRIPT LOAD.
pub fn load(server: &crate::server::Server, body: &[u8]) -> Result<Sha, Error> {
    let loaded = with_interpreter(&server.scripts, |interpreter| {
        interpreter.script(&server.scripts.known, body).map(|runnable| runnable.script.sha)
    });
    loaded.unwrap_or_else(|| Err(running::BUSY.to_string())).map_err(Error::owned)
}

/// Adds a library to those of a data set that is being loaded or restored. The error is a whole line.
pub fn add_library(
    server: &crate::server::Server,
    code: &[u8],
    sources: &mut engine::functions::Sources,
) -> Result<(), Error> {
    let added = with_interpreter(&server.scripts, |interpreter| interpreter.add_library(code, sources));
    match added {
        Some(added) => added.map_err(|error| Error::owned(error.to_string())),
        None => Err(Error::text(running::BUSY)),
    }
}

/// FUNCTION LOAD: the library's name, and the libraries with it.
pub fn load_library(
    server: &crate::server::Server,
    code: &[u8],
    served: &engine::functions::Sources,
    replace: bool,
) -> Result<(Box<[u8]>, engine::functions::Sources), Error> {
    let name = scripting::library_name(code).map_err(|error| Error::owned(error.to_string()))?;
    let mut sources = served.clone();
    if replace {
        sources.retain(|source| *source.name != *name);
    }
    add_library(server, code, &mut sources)?;
    Ok((name.into(), sources))
}

/// A call's flags: what its script declares counts instead of what is said of the command.
pub fn flags(server: &crate::server::Server, call: Call, flags: Flags, args: Args) -> Flags {
    let Some(name) = args.get(1) else { return flags };
    let declared = match call.named {
        Named::Script if name.starts_with(b"#!") => {
            scripting::Script::new(name).ok().map(|script| script.declared)
        }
        Named::Script => None,
        Named::Sha => {
            Sha::parse(name).and_then(|sha| server.scripts.known.get(&sha)).map(|script| script.declared)
        }
        Named::Function => with_interpreter(&server.scripts, |interpreter| {
            interpreter.sync(&server.engine.functions);
            interpreter.function(name).map(|function| Declared::Flags(function.flags))
        })
        .flatten(),
    };
    let Some(Declared::Flags(declared)) = declared else { return flags };
    let mut bits = flags.0 & !(Flags::STALE | Flags::DENYOOM | Flags::WRITE).0;
    if !declared.has(FlagSet::NO_WRITES) {
        bits |= Flags::WRITE.0;
        if !declared.has(FlagSet::ALLOW_OOM) {
            bits |= Flags::DENYOOM.0;
        }
    }
    if declared.has(FlagSet::ALLOW_STALE) {
        bits |= Flags::STALE.0;
    }
    Flags(bits)
}

/// What a call runs, found and compiled.
enum Found {
    Script(Rc<scripting::Runnable>),
    Function(Rc<Function>),
}

impl Found {
    fn run(&self) -> Run<'_> {
        match self {
            Self::Script(script) => Run::Script(script),
            Self::Function(function) => Run::Function(function),
        }
    }

    fn declared(&self) -> Declared {
        match self {
            Self::Script(script) => script.script.declared,
            Self::Function(function) => Declared::Flags(function.flags),
        }
    }
}

/// Where the keys and the arguments of a call are.
fn split<'a>(call: Call, args: Args<'a>) -> Result<(Args<'a>, Args<'a>), Error> {
    let keys = base::number::parse_i64(args.at(2)).ok_or(match call.named {
        Named::Function => Error::text("ERR Bad number of keys provided"),
        _ => Error::NotInteger,
    })?;
    let rest = args.tail(3);
    if (rest.len() as i64) < keys {
        return Err(Error::text("ERR Number of keys can't be greater than number of args"));
    }
    if keys < 0 {
        return Err(Error::text("ERR Number of keys can't be negative"));
    }
    Ok((rest.head(keys as usize), rest.tail(keys as usize)))
}

fn find(
    server: &crate::server::Server,
    interpreter: &mut Interpreter,
    call: Call,
    name: &[u8],
) -> Result<Found, Error> {
    let known = &server.scripts.known;
    match call.named {
        Named::Script => interpreter.script(known, name).map(Found::Script).map_err(Error::owned),
        Named::Sha => {
            let found = Sha::parse(name).and_then(|sha| interpreter.script_by_sha(known, &sha));
            found.map(Found::Script).ok_or(NO_SCRIPT)
        }
        Named::Function => {
            interpreter.sync(&server.engine.functions);
            interpreter.function(name).map(Found::Function).ok_or(Error::text("ERR Function not found"))
        }
    }
}

const NO_SCRIPT: Error = Error::text("NOSCRIPT No matching script. Please use EVAL.");

/// What a call runs, its keys, and its arguments. A function is looked for before its keys are counted, and so is what
/// can't be a script's name.
fn prepare<'a>(
    server: &crate::server::Server,
    interpreter: &mut Interpreter,
    call: Call,
    args: Args<'a>,
) -> Result<(Found, Args<'a>, Args<'a>), Error> {
    let mut found = || find(server, interpreter, call, args.at(1));
    if call.named == Named::Function {
        let found = found()?;
        let (keys, argv) = split(call, args)?;
        return Ok((found, keys, argv));
    }
    if call.named == Named::Sha && args.at(1).len() != Sha::TEXT_BYTES {
        return Err(NO_SCRIPT);
    }
    let (keys, argv) = split(call, args)?;
    Ok((found()?, keys, argv))
}

/// Whether a script may begin in this state, beyond what was checked for its command.
fn check(call: Call, declared: Declared, state: State) -> Done {
    let Declared::Flags(flags) = declared else {
        return if state.is_stale() { Err(crate::dispatch::MASTERDOWN) } else { Ok(()) };
    };
    if state.is_stale() && !flags.has(FlagSet::ALLOW_STALE) {
        return Err(Error::text(
            "MASTERDOWN Link with MASTER is down, replica-serve-stale-data is set to 'no' and 'allow-stale' flag is not set on the script.",
        ));
    }
    if flags.has(FlagSet::NO_WRITES) {
        return Ok(());
    }
    if state.is_replica() && state.is_read_only() {
        return Err(Error::text("READONLY You can not run script with write flag on readonly replica."));
    }
    if state.is_misconf() {
        return Err(Error::text(
            "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. Writable scripts are blocked. Use 'no-writes' flag for read only scripts.",
        ));
    }
    if call.read_only {
        return Err(Error::text("ERR Can not execute a script with write flag using *_ro command."));
    }
    if state.has_few_replicas() && !state.is_replica() {
        return Err(Error::text("NOREPLICAS Not enough good replicas to write."));
    }
    Ok(())
}

/// What came of a call, for the statistics.
pub enum Finished {
    Done,
    /// The error line is not written yet.
    Failed(Error),
    /// A script's own error, which its command has counted already.
    Counted(Vec<u8>),
}

/// Runs a call in `txn`, which holds every shard.
pub fn run(
    beside: &mut Beside,
    conn: &mut ConnState,
    txn: &mut Txn,
    call: Call,
    args: Args,
    out: &mut Vec<u8>,
) -> Finished {
    let server = beside.server;
    let ran = with_interpreter(&server.scripts, |interpreter| -> Result<Ran, Error> {
        let (found, keys, argv) = prepare(server, interpreter, call, args)?;
        let declared = found.declared();
        check(call, declared, txn.state())?;
        let read_only =
            call.read_only || matches!(declared, Declared::Flags(flags) if flags.has(FlagSet::NO_WRITES));
        let (proto, db) = (conn.proto, conn.db);
        let kind = if call.named == Named::Function { Kind::Function } else { Kind::Script };
        let name = match &found {
            Found::Script(script) => script.script.sha.as_str().to_string(),
            Found::Function(function) => latin1(&function.name),
        };
        let mut host = ScriptHost::new(beside, conn, txn, kind, read_only, &name, args);
        let ran = interpreter.run(&mut host, &found.run(), keys, argv, &mut Reply::new(out, proto));
        host.end();
        // A script's SELECT is its own.
        conn.proto = proto;
        conn.db = db;
        txn.db = db;
        Ok(ran)
    });
    match ran {
        None => Finished::Failed(Error::text(running::BUSY)),
        Some(Err(error)) => Finished::Failed(error),
        Some(Ok(Ran::Done(errors))) => {
            for line in errors {
                server.errors.count(&latin1(&line));
            }
            Finished::Done
        }
        Some(Ok(Ran::Failed { line, counted: true })) => Finished::Counted(line),
        Some(Ok(Ran::Failed { line, counted: false })) => Finished::Failed(Error::owned(latin1(&line))),
    }
}
