//! Whether a command may run, in Redis's order of checks, and running it.
//!
//! The state word (role, pauses, refusals) is looked at before the locks are taken, and compared once they are
//! held: if it changed in between, the checks are made again. So no write commits after a role change.

use crate::commands::{Command, Run, table};
use crate::config::Config;
use crate::logger::{self, Level};
use crate::script::{Call, Finished};
use crate::server::Server;
use crate::session::{After, ConnState, Multi, ReplyMode, Session};
use crate::stats::WorkerStats;
use ds::striped::LockSet;
use engine::row::{Flags, Locks};
use engine::{Done, Error, Scratch, State, Txn};
use resp::{Args, OwnedArgs, Proto, Reply};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// What a worker lends to each command.
pub struct Context<'w> {
    pub server: &'static Server,
    pub config: &'w Arc<Config>,
    pub scratch: &'w mut Scratch,
    pub stats: &'w WorkerStats,
    pub now_ms: i64,
    /// Monotonic ns at which the command before ended.
    pub clock_nanos: u64,
    pub others: &'w mut dyn Others,
}

/// The other connections of the thread, for a command that keeps it long.
pub trait Others {
    /// Answers what has come from them in the meantime.
    fn attend(&mut self);
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    Done,
    /// Not now: the server is paused. The request stays in the input.
    Postponed,
}

/// Executes one request and appends its reply to `out`.
#[inline]
pub fn execute(
    ctx: &mut Context,
    conn: &mut ConnState,
    out: &mut Vec<u8>,
    command: Option<&'static Command>,
    args: Args,
) -> Outcome {
    let mark = out.len();
    if conn.reply_mode == ReplyMode::SkipNext {
        conn.reply_mode = ReplyMode::Skip;
    }
    let outcome = match resolve(command, args) {
        Ok(command) => {
            conn.client.command.store(command.id as u32, Relaxed);
            run_if_allowed(ctx, conn, out, command, args)
        }
        Err((None, _)) if is_of_a_browser(args.name()) => {
            warn_of_browser(&conn.client.addr);
            conn.after = After::Close;
            Outcome::Done
        }
        Err((command, error)) => {
            conn.client.command.store(command.map_or(u32::MAX, |command| command.id as u32), Relaxed);
            refuse(ctx, conn, out, command, &error);
            Outcome::Done
        }
    };
    if outcome == Outcome::Postponed || conn.client.postponed.load(Relaxed) {
        conn.client.postponed.store(outcome == Outcome::Postponed, Relaxed);
    }
    match conn.reply_mode {
        ReplyMode::On => {}
        ReplyMode::Off | ReplyMode::SkipNext => out.truncate(mark),
        ReplyMode::Skip => {
            out.truncate(mark);
            if outcome == Outcome::Done {
                conn.reply_mode = ReplyMode::On;
            }
        }
    }
    outcome
}

/// The command or subcommand that the request names, with the right number of arguments; else why it is none, and
/// the command if that is known.
#[inline]
fn resolve(
    command: Option<&'static Command>,
    args: Args,
) -> Result<&'static Command, (Option<&'static Command>, Error)> {
    let Some(mut command) = command else { return Err((None, unknown(args))) };
    if command.has_subcommands() && 2 <= args.len() {
        let sub = table().find_sub(command, args.at(1));
        command = sub.ok_or_else(|| (None, unknown_sub(command, args.at(1))))?;
    }
    if !command.meta.accepts(args.len()) {
        return Err((Some(command), Error::Arity { command: command.full_name.clone() }));
    }
    Ok(command)
}

/// What a web page makes a browser send here, in the hope that a later line is a command: the connection ends.
#[cold]
fn is_of_a_browser(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"post") || name.eq_ignore_ascii_case(b"host:")
}

#[cold]
fn warn_of_browser(addr: &str) {
    let text = format!(
        "Possible SECURITY ATTACK detected. It looks like somebody is sending POST or Host: commands to Redis. A web page may be using a browser to reach this server. Connection from {addr} aborted."
    );
    logger::log(Level::Warning, &text);
}

/// What an error line shows of a request, as in Redis.
const SHOWN_BYTES_MAX: usize = 128;

#[cold]
fn unknown(args: Args) -> Error {
    let mut shown = String::new();
    for arg in args.iter().skip(1) {
        // A byte of a request is a character here, see `commands::text`.
        let len = shown.chars().count();
        if SHOWN_BYTES_MAX <= len {
            break;
        }
        let room = SHOWN_BYTES_MAX - len;
        shown.push_str(&format!("'{}' ", text(arg, room)));
    }
    let name = text(args.name(), SHOWN_BYTES_MAX);
    Error::owned(format!("ERR unknown command '{name}', with args beginning with: {shown}"))
}

#[cold]
fn unknown_sub(command: &Command, sub: &[u8]) -> Error {
    let name = command.meta.name.to_ascii_uppercase();
    Error::owned(format!("ERR unknown subcommand '{}'. Try {name} HELP.", text(sub, SHOWN_BYTES_MAX)))
}

/// At most `max` bytes of a request as text for an error line.
fn text(bytes: &[u8], max: usize) -> String {
    crate::commands::text(&bytes[..bytes.len().min(max)])
}

#[inline]
fn run_if_allowed(
    ctx: &mut Context,
    conn: &mut ConnState,
    out: &mut Vec<u8>,
    command: &'static Command,
    args: Args,
) -> Outcome {
    loop {
        let state = ctx.server.engine.state();
        if let Err(error) = check(ctx, conn, command, args, state) {
            refuse(ctx, conn, out, Some(command), &error);
            return Outcome::Done;
        }
        if state.writes_paused() && is_paused(ctx.server, conn, command, args, state) {
            return Outcome::Postponed;
        }
        if let Some(multi) = &mut conn.multi
            && is_queued(command)
        {
            queue(multi, command, args);
            conn.client.multi.store(multi.commands.len() as i32, Relaxed);
            conn.client.multi_bytes.store(multi.bytes as u64, Relaxed);
            Reply::new(out, conn.proto).simple("QUEUED");
            return Outcome::Done;
        }
        match run(ctx, conn, out, command, args, state) {
            Ran::Done => return Outcome::Done,
            Ran::Postponed => return Outcome::Postponed,
            Ran::StateChanged => {}
            Ran::Busy => {
                refuse(ctx, conn, out, Some(command), &ctx.server.scripts.running.error());
                return Outcome::Done;
            }
        }
        // The state changed before the locks were held: look again.
    }
}

/// What came of running a command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Ran {
    Done,
    /// It waits, and runs again later.
    Postponed,
    /// The state is another than when the command was checked: nothing was run.
    StateChanged,
    /// A script holds the shards that it needs, and takes its time: nothing was run.
    Busy,
}

/// Flags of the command, or of all that EXEC would run: of scripts, what they declare.
fn flags(server: &Server, conn: &ConnState, command: &Command, args: Args) -> (Flags, Flags) {
    if let Run::Script(call) = command.run {
        let flags = crate::script::flags(server, call, command.meta.flags, args);
        return (flags, flags);
    }
    let mut any = command.meta.flags;
    let mut all = command.meta.flags;
    if matches!(command.run, Run::Exec)
        && let Some(multi) = &conn.multi
    {
        for (queued, args) in &multi.commands {
            let flags = match queued.run {
                Run::Script(call) => crate::script::flags(server, call, queued.meta.flags, args.as_args()),
                _ => queued.meta.flags,
            };
            any = any | flags;
            all = Flags(all.0 & flags.0);
        }
    }
    (any, all)
}

#[inline]
fn check(
    ctx: &Context,
    conn: &ConnState,
    command: &'static Command,
    args: Args,
    state: State,
) -> Result<(), Error> {
    let (any, all) = flags(ctx.server, conn, command, args);
    if any.has(Flags::PROTECTED) {
        crate::commands::check_protected(ctx.config, &conn.client, command)?;
    }
    let logged_in = conn.authenticated || ctx.config.requirepass.is_empty();
    if !logged_in && !command.meta.flags.has(Flags::NO_AUTH) {
        return Err(Error::text("NOAUTH Authentication required."));
    }
    if ctx.server.scripts.running.is_busy() && !may_run_beside_script(command) {
        return Err(ctx.server.scripts.running.error());
    }
    if conn.multi.is_some() && command.meta.flags.has(Flags::NO_MULTI) {
        return Err(Error::text("ERR Command not allowed inside a transaction"));
    }
    check_state(any, all, command, state)
}

/// While a script holds every shard and takes its time: what needs none of them, and changes nothing of the server.
/// Data commands find out by themselves whether they would have to wait.
#[cold]
fn may_run_beside_script(command: &Command) -> bool {
    if command.meta.flags.has(Flags::ALLOW_BUSY) {
        return true;
    }
    match command.run {
        Run::Data(_) => true,
        Run::Host(_) => matches!(command.meta.locks, Locks::None) && !command.meta.flags.has(Flags::ADMIN),
        Run::Script(_) | Run::Exec => false,
    }
}

#[inline]
fn check_state(any: Flags, all: Flags, command: &Command, state: State) -> Result<(), Error> {
    let writes = any.has(Flags::WRITE);
    if state.is_misconf() && (writes || command.meta.name == "ping") {
        return Err(MISCONF);
    }
    if state.has_few_replicas() && !state.is_replica() && writes {
        return Err(Error::text("NOREPLICAS Not enough good replicas to write."));
    }
    if state.is_replica() && state.is_read_only() && writes {
        return Err(Error::text("READONLY You can't write against a read only replica."));
    }
    if state.is_stale() && !all.has(Flags::STALE) {
        return Err(MASTERDOWN);
    }
    if state.is_loading() && !all.has(Flags::LOADING) {
        return Err(Error::text("LOADING Redis is loading the dataset in memory"));
    }
    Ok(())
}

pub const MASTERDOWN: Error =
    Error::text("MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.");

pub const MISCONF: Error = Error::text(
    "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. Commands that may modify the data set are disabled, because this instance is configured to report errors during writes if RDB snapshotting fails (stop-writes-on-bgsave-error option). Please check the Redis logs for details about the RDB error.",
);

fn is_paused(server: &Server, conn: &ConnState, command: &Command, args: Args, state: State) -> bool {
    if conn.client.replica.load(Relaxed) {
        return false;
    }
    let (any, _) = flags(server, conn, command, args);
    // A script that declares nothing may write.
    let may_write = matches!(command.run, Run::Script(call) if !call.read_only) && any == command.meta.flags;
    state.all_paused() || may_write || any.any(Flags::WRITE | Flags::MAY_REPLICATE)
}

fn is_queued(command: &Command) -> bool {
    !matches!(command.run, Run::Exec)
        && !matches!(command.meta.name, "multi" | "discard" | "watch" | "quit" | "reset")
}

fn queue(multi: &mut Multi, command: &'static Command, args: Args) {
    if multi.refused {
        return; // EXEC will not run it: no memory is spent on it
    }
    let owned = OwnedArgs::from_args(args);
    multi.bytes += args.iter().map(|arg| arg.len() + 16).sum::<usize>();
    multi.commands.push((command, owned));
}

/// Writes an error reply for a command that may not run, and marks an open transaction.
#[cold]
fn refuse(ctx: &Context, conn: &mut ConnState, out: &mut Vec<u8>, command: Option<&Command>, error: &Error) {
    let mut line = error.to_string();
    if let Some(command) = command {
        ctx.stats.command(command).rejected.add(1);
        if matches!(command.run, Run::Exec) {
            crate::commands::discard(ctx.server, conn);
            // Texts with the general code lose it here, others keep theirs.
            let why = line.strip_prefix("ERR ").unwrap_or(&line);
            line = format!("EXECABORT Transaction discarded because of: {why}");
        }
    }
    if let Some(multi) = &mut conn.multi {
        multi.refused = true;
    }
    write_error(ctx.server, out, conn.proto, &line);
}

pub fn write_error(server: &Server, out: &mut Vec<u8>, proto: Proto, line: &str) {
    server.errors.count(line);
    // Text of a request is carried byte by byte; see `commands::text`.
    let bytes: Vec<u8> = line.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect();
    Reply::new(out, proto).error_line(&bytes);
}

/// Bytes of a line as its text: a character for each byte.
pub fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| byte as char).collect()
}

/// Runs the command, unless the state is no longer `state`.
#[inline]
fn run(
    ctx: &mut Context,
    conn: &mut ConnState,
    out: &mut Vec<u8>,
    command: &'static Command,
    args: Args,
    state: State,
) -> Ran {
    let server = ctx.server;
    let result = match command.run {
        Run::Data(row) => {
            let locks = server.engine.locks_of(&row.meta, args, ctx.scratch);
            let busy = server.scripts.running.busy_flag();
            let begun = server.engine.begin_unless(ctx.scratch, locks, ctx.now_ms, conn.db, busy);
            let Some(mut txn) = begun else { return Ran::Busy };
            if txn.state() != state {
                return Ran::StateChanged;
            }
            txn.set_touches(touches(conn, command));
            let result = txn.call(row, args, &mut Reply::new(out, conn.proto));
            txn.commit();
            result
        }
        Run::Host(host) => {
            let mark = out.len();
            let locks = match command.meta.locks {
                // It takes the shards itself, see `HostFn`.
                Locks::All => LockSet::EMPTY,
                _ => server.engine.locks_of(command.meta, args, ctx.scratch),
            };
            let result = if locks.is_empty() {
                let mut session = Session { server, config: ctx.config, conn, now_ms: ctx.now_ms };
                let proto = session.conn.proto;
                host(&mut session, None, args, &mut Reply::new(out, proto))
            } else {
                let busy = server.scripts.running.busy_flag();
                let begun = server.engine.begin_unless(ctx.scratch, locks, ctx.now_ms, conn.db, busy);
                let Some(mut txn) = begun else { return Ran::Busy };
                if txn.state() != state {
                    return Ran::StateChanged;
                }
                let result = call_host(server, ctx.config, conn, &mut txn, host, args, out, ctx.now_ms);
                txn.commit();
                result
            };
            if conn.after == After::Postpone {
                conn.after = After::GoOn;
                out.truncate(mark);
                return Ran::Postponed;
            }
            if result.is_err() {
                out.truncate(mark);
            }
            result
        }
        Run::Exec => match exec(ctx, conn, out, state) {
            Ok(result) => result,
            Err(ran) => return ran,
        },
        Run::Script(call) => match script(ctx, conn, out, call, args, state) {
            Ok(Finished::Failed(error)) => Err(error),
            Ok(Finished::Counted(line)) => {
                Reply::new(out, conn.proto).error_line(&line);
                count(ctx, command, &Err(Error::Syntax), server.clock.nanos());
                free_trash(ctx);
                return Ran::Done;
            }
            Ok(Finished::Done) => Ok(()),
            Err(ran) => return ran,
        },
    };
    let now = server.clock.nanos();
    count(ctx, command, &result, now);
    if let Err(error) = result {
        write_error(server, out, conn.proto, &error.to_string());
    }
    free_trash(ctx);
    Ran::Done
}

#[inline]
fn free_trash(ctx: &mut Context) {
    if !ctx.scratch.trash.is_empty() {
        ctx.server.lazy_free(std::mem::take(&mut ctx.scratch.trash));
    }
}

/// EVAL, EVALSHA or FCALL, in a transaction over every shard.
fn script(
    ctx: &mut Context,
    conn: &mut ConnState,
    out: &mut Vec<u8>,
    call: Call,
    args: Args,
    state: State,
) -> Result<Finished, Ran> {
    let server = ctx.server;
    let busy = server.scripts.running.busy_flag();
    let locks = server.engine.all_locks();
    let begun = server.engine.begin_unless(ctx.scratch, locks, ctx.now_ms, conn.db, busy);
    let Some(mut txn) = begun else { return Err(Ran::Busy) };
    if txn.state() != state {
        return Err(Ran::StateChanged);
    }
    let mut beside = Beside {
        server,
        config: ctx.config,
        stats: ctx.stats,
        clock_nanos: ctx.clock_nanos,
        others: &mut *ctx.others,
    };
    let outcome = crate::script::run(&mut beside, conn, &mut txn, call, args, out);
    txn.commit();
    Ok(outcome)
}

/// What a worker lends to commands, but for what the transaction has.
pub struct Beside<'w> {
    pub server: &'static Server,
    pub config: &'w Arc<Config>,
    pub stats: &'w WorkerStats,
    pub clock_nanos: u64,
    pub others: &'w mut dyn Others,
}

pub fn call_host(
    server: &'static Server,
    config: &Arc<Config>,
    conn: &mut ConnState,
    txn: &mut Txn,
    host: crate::commands::HostFn,
    args: Args,
    out: &mut Vec<u8>,
    now_ms: i64,
) -> Done {
    let proto = conn.proto;
    let mut session = Session { server, config, conn, now_ms };
    let result = host(&mut session, Some(txn), args, &mut Reply::new(out, proto));
    txn.end_command(args);
    result
}

/// CLIENT NO-TOUCH leaves access times alone, but for the command that is there to set them.
#[inline]
pub fn touches(conn: &ConnState, command: &Command) -> bool {
    !conn.client.no_touch.load(Relaxed) || command.meta.name == "touch"
}

/// Counts a command that ran since the one before it ended.
#[inline]
fn count(ctx: &mut Context, command: &Command, result: &Done, now_nanos: u64) {
    let nanos = now_nanos - ctx.clock_nanos;
    ctx.clock_nanos = now_nanos;
    ctx.stats.command(command).ran(nanos, result.is_err(), ctx.config.latency_tracking);
    ctx.stats.command_nanos.add(nanos);
}

/// EXEC: every queued command in one transaction over the union of their shards and those of the watched keys.
/// `None` if the state is no longer `state`.
fn exec(ctx: &mut Context, conn: &mut ConnState, out: &mut Vec<u8>, state: State) -> Result<Done, Ran> {
    let server = ctx.server;
    let Some(multi) = &conn.multi else {
        return Ok(Err(Error::text("ERR EXEC without MULTI")));
    };
    if multi.refused {
        crate::commands::discard(server, conn);
        return Ok(Err(Error::text("EXECABORT Transaction discarded because of previous errors.")));
    }
    let mut locks = LockSet::EMPTY;
    for (command, args) in &multi.commands {
        locks = locks.union(server.engine.locks_of(command.meta, args.as_args(), ctx.scratch));
    }
    for (_, key, _) in &conn.watched {
        locks = locks.union(server.engine.lock_of(key));
    }
    ctx.scratch.forget_key();
    let busy = server.scripts.running.busy_flag();
    let begun = server.engine.begin_unless(ctx.scratch, locks, ctx.now_ms, conn.db, busy);
    let Some(mut txn) = begun else { return Err(Ran::Busy) };
    if txn.state() != state {
        return Err(Ran::StateChanged);
    }
    let changed = conn.watch_mark.is_touched()
        || conn.watched.iter().any(|(db, key, was_expired)| !was_expired && txn.is_expired(*db, key));
    let multi = conn.multi.take().expect("looked at above");
    for (db, key, _) in std::mem::take(&mut conn.watched) {
        txn.unwatch(db, &key, &conn.watch_mark);
    }
    crate::commands::forget_watches(conn);
    if changed {
        drop(txn);
        Reply::new(out, conn.proto).nil_array();
    } else {
        Reply::new(out, conn.proto).array(multi.commands.len());
        let mut beside = Beside {
            server,
            config: ctx.config,
            stats: ctx.stats,
            clock_nanos: ctx.clock_nanos,
            others: &mut *ctx.others,
        };
        run_queued(&mut beside, conn, &mut txn, out, &multi);
        txn.commit();
    }
    crate::commands::leave_multi(conn);
    Ok(Ok(()))
}

/// The queued commands, one reply each.
fn run_queued(beside: &mut Beside, conn: &mut ConnState, txn: &mut Txn, out: &mut Vec<u8>, multi: &Multi) {
    let (server, config, stats) = (beside.server, beside.config, beside.stats);
    for (command, args) in &multi.commands {
        let args = args.as_args();
        let mark = out.len();
        let result = match command.run {
            Run::Data(row) => {
                txn.set_touches(touches(conn, command));
                txn.call(row, args, &mut Reply::new(out, conn.proto))
            }
            Run::Host(host) => call_host(server, config, conn, txn, host, args, out, txn.now_ms),
            Run::Script(call) => match crate::script::run(beside, conn, txn, call, args, out) {
                Finished::Done => Ok(()),
                Finished::Failed(error) => Err(error),
                Finished::Counted(line) => {
                    Reply::new(out, conn.proto).error_line(&line);
                    let now = server.clock.nanos();
                    stats.command(command).ran(now - beside.clock_nanos, true, config.latency_tracking);
                    beside.clock_nanos = now;
                    continue;
                }
            },
            Run::Exec => unreachable!("EXEC is not queued"),
        };
        assert!(
            matches!(conn.after, After::GoOn | After::Close),
            "what hands over or waits is no part of a MULTI"
        );
        txn.db = conn.db; // SELECT inside the transaction
        let now = server.clock.nanos();
        stats.command(command).ran(now - beside.clock_nanos, result.is_err(), config.latency_tracking);
        beside.clock_nanos = now;
        if let Err(error) = result {
            out.truncate(mark);
            write_error(server, out, conn.proto, &error.to_string());
        }
    }
}
