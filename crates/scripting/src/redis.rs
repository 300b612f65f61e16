//! The table `redis`: calling commands, and what else scripts ask of the server.

use crate::host::{LogLevel, with_host};
use crate::raise::{Counted, Raised, error_table, line_of, raise_reply};
use crate::reply;
use crate::sandbox::Unlimited;
use base::number;
use mlua::{Lua, MultiValue, Table, Value};
use resp::{Proto, RequestBuffer};
use sha1::{Digest, Sha1};
use std::cell::{Cell, RefCell};

/// As INFO has it.
const REDIS_VERSION: &str = "7.2.4";
const REDIS_VERSION_NUM: u32 = 0x0007_0204;

/// What a large request or reply leaves behind is freed beyond this.
const KEPT_BYTES_MAX: usize = 64 * 1024;

/// Buffers of the calls, one after another.
#[derive(Default)]
struct Buffers {
    request: RequestBuffer,
    reply: Vec<u8>,
}

thread_local! {
    static BUFFERS: RefCell<Buffers> = RefCell::default();
    /// `redis.setresp`.
    static PROTO: Cell<Proto> = const { Cell::new(Proto::Resp2) };
}

/// Each run begins with RESP2.
pub(crate) fn begin_run() {
    PROTO.set(Proto::Resp2);
}

/// The protocol that the script has chosen.
pub(crate) fn script_proto() -> Proto {
    PROTO.get()
}

/// What `redis.call` and `redis.pcall` do with an error.
#[derive(Clone, Copy, PartialEq, Eq)]
enum OnError {
    Raise,
    Return,
}

pub(crate) fn table(lua: &Lua) -> mlua::Result<Table> {
    let redis = load_api(lua)?;
    redis.raw_set("error_reply", lua.create_function(error_reply)?)?;
    redis.raw_set("status_reply", lua.create_function(status_reply)?)?;
    redis.raw_set("call", lua.create_function(|lua, args: MultiValue| call(lua, &args, OnError::Raise))?)?;
    redis
        .raw_set("pcall", lua.create_function(|lua, args: MultiValue| call(lua, &args, OnError::Return))?)?;
    redis.raw_set("sha1hex", lua.create_function(sha1hex)?)?;
    redis.raw_set("setresp", lua.create_function(setresp)?)?;
    redis.raw_set("set_repl", lua.create_function(set_repl)?)?;
    redis.raw_set("acl_check_cmd", lua.create_function(acl_check_cmd)?)?;
    redis.raw_set("replicate_commands", lua.create_function(|_, _: MultiValue| Ok(true))?)?;
    redis.raw_set("breakpoint", lua.create_function(|_, _: MultiValue| Ok(false))?)?;
    redis.raw_set("debug", lua.create_function(|_, _: MultiValue| Ok(()))?)?;
    for (name, value) in
        [("REPL_NONE", 0), ("REPL_AOF", 1), ("REPL_SLAVE", 2), ("REPL_REPLICA", 2), ("REPL_ALL", 3)]
    {
        redis.raw_set(name, value)?;
    }
    Ok(redis)
}

/// `redis` while a library is loaded.
pub(crate) fn load_api(lua: &Lua) -> mlua::Result<Table> {
    let redis = lua.create_table()?;
    redis.raw_set("log", lua.create_function(log)?)?;
    for (name, level) in [("LOG_DEBUG", 0), ("LOG_VERBOSE", 1), ("LOG_NOTICE", 2), ("LOG_WARNING", 3)] {
        redis.raw_set(name, level)?;
    }
    redis.raw_set("REDIS_VERSION", REDIS_VERSION)?;
    redis.raw_set("REDIS_VERSION_NUM", REDIS_VERSION_NUM)?;
    Ok(redis)
}

/// `os.clock`.
pub(crate) fn offer_clock(lua: &Lua, offered: &Table) -> mlua::Result<()> {
    let clock = |_: &Lua, _: MultiValue| Ok(with_host(|host| host.cpu_seconds()).unwrap_or(0.0));
    offered.raw_set("clock", lua.create_function(clock)?)
}

/// Makes a request of a script's arguments. The error is a message without a code.
fn request(buffer: &mut RequestBuffer, args: &MultiValue) -> Result<(), &'static str> {
    if args.is_empty() {
        return Err("Please specify at least one argument for this redis lib call");
    }
    let bytes = args.iter().map(|arg| if let Value::String(text) = arg { text.as_bytes().len() } else { 32 });
    let bytes = if args.len() < 64 { 0 } else { bytes.sum() };
    if !buffer.begin(args.len(), bytes) {
        return Err("Lua redis lib command arguments are too long");
    }
    let mut digits = Vec::new();
    for arg in args {
        match arg {
            Value::String(text) => buffer.push(&text.as_bytes()),
            Value::Integer(n) => {
                digits.clear();
                number::push_i64(&mut digits, *n);
                buffer.push(&digits);
            }
            Value::Number(n) => {
                digits.clear();
                number::push_f64(&mut digits, *n);
                buffer.push(&digits);
            }
            _ => return Err("Lua redis lib command arguments must be strings or integers"),
        }
    }
    Ok(())
}

fn call(lua: &Lua, args: &MultiValue, on_error: OnError) -> mlua::Result<Value> {
    let _unlimited = Unlimited::new(lua);
    BUFFERS.with_borrow_mut(|buffers| {
        let Buffers { request: buffer, reply } = buffers;
        if let Err(why) = request(buffer, args) {
            return fail(lua, why.as_bytes(), on_error);
        }
        reply.clear();
        let outcome = with_host(|host| host.call(buffer.args(), PROTO.get(), reply));
        let value = match outcome {
            None => {
                return fail(
                    lua,
                    b"redis.call/pcall can only be called inside a script invocation",
                    on_error,
                );
            }
            Some(Err(refused)) => {
                let line = line_of(refused.0.as_bytes());
                return counted(lua, line, on_error);
            }
            Some(Ok(())) if reply.first() == Some(&b'-') && on_error == OnError::Raise => {
                let end = reply.len().saturating_sub(2);
                return counted(lua, reply[1..end].to_vec(), on_error);
            }
            Some(Ok(())) => reply::read(lua, reply)?,
        };
        if KEPT_BYTES_MAX < reply.capacity() {
            *reply = Vec::new();
        }
        buffer.shrink(KEPT_BYTES_MAX);
        Ok(value)
    })
}

/// An error of the call itself, which no command counts.
fn fail(lua: &Lua, why: &[u8], on_error: OnError) -> mlua::Result<Value> {
    match on_error {
        OnError::Raise => Err(raise_reply(why)),
        OnError::Return => Ok(Value::Table(error_table(lua, &line_of(why), Counted::No)?)),
    }
}

/// An error that its command has counted.
fn counted(lua: &Lua, line: Vec<u8>, on_error: OnError) -> mlua::Result<Value> {
    match on_error {
        OnError::Raise => Err(Raised::Reply { line, counted: Counted::Yes }.into_error()),
        OnError::Return => Ok(Value::Table(error_table(lua, &line, Counted::Yes)?)),
    }
}

fn sha1hex(lua: &Lua, args: MultiValue) -> mlua::Result<String> {
    if args.len() != 1 {
        return Err(raise_reply(b"wrong number of arguments"));
    }
    // What is no string and no number counts as the empty string.
    let text = args.front().cloned().unwrap_or(Value::Nil);
    let text = match lua.coerce_string(text)? {
        Some(text) => text.as_bytes().to_vec(),
        None => Vec::new(),
    };
    Ok(Sha1::digest(&text).iter().map(|byte| format!("{byte:02x}")).collect())
}

fn one_string(args: &MultiValue) -> Option<Vec<u8>> {
    match args.front() {
        Some(Value::String(text)) if args.len() == 1 => Some(text.as_bytes().to_vec()),
        _ => None,
    }
}

fn error_reply(lua: &Lua, args: MultiValue) -> mlua::Result<Table> {
    let line = match one_string(&args) {
        None => line_of(b"wrong number or type of arguments"),
        Some(text) => line_of(&[b"-", text.strip_prefix(b"-").unwrap_or(&text)].concat()),
    };
    error_table(lua, &line, Counted::No)
}

fn status_reply(lua: &Lua, args: MultiValue) -> mlua::Result<Table> {
    let Some(text) = one_string(&args) else {
        return error_table(lua, &line_of(b"wrong number or type of arguments"), Counted::No);
    };
    let table = lua.create_table()?;
    table.raw_set("ok", lua.create_string(text)?)?;
    Ok(table)
}

fn number_of(lua: &Lua, value: Option<&Value>) -> mlua::Result<Option<f64>> {
    lua.coerce_number(value.cloned().unwrap_or(Value::Nil))
}

fn log(lua: &Lua, args: MultiValue) -> mlua::Result<()> {
    if args.len() < 2 {
        return Err(raise_reply(b"redis.log() requires two arguments or more."));
    }
    let Some(level) = number_of(lua, args.front())? else {
        return Err(raise_reply(b"First argument must be a number (log level)."));
    };
    let level = match level as i64 {
        0 => LogLevel::Debug,
        1 => LogLevel::Verbose,
        2 => LogLevel::Notice,
        3 => LogLevel::Warning,
        _ => return Err(raise_reply(b"Invalid debug level.")),
    };
    let mut words = Vec::new();
    for arg in args.iter().skip(1) {
        if let Some(text) = lua.coerce_string(arg.clone())? {
            words.push(text.as_bytes().to_vec());
        }
    }
    let _ = with_host(|host| host.log(level, &words.join(&b' ')));
    Ok(())
}

fn setresp(lua: &Lua, args: MultiValue) -> mlua::Result<()> {
    if args.len() != 1 {
        return Err(raise_reply(b"redis.setresp() requires one argument."));
    }
    match number_of(lua, args.front())?.unwrap_or(0.0) as i64 {
        2 => PROTO.set(Proto::Resp2),
        3 => PROTO.set(Proto::Resp3),
        _ => return Err(raise_reply(b"RESP version must be 2 or 3.")),
    }
    Ok(())
}

fn set_repl(lua: &Lua, args: MultiValue) -> mlua::Result<()> {
    if args.len() != 1 {
        return Err(raise_reply(b"redis.set_repl() requires two arguments."));
    }
    let flags = number_of(lua, args.front())?.unwrap_or(0.0) as i64;
    if flags & !3 != 0 {
        return Err(raise_reply(
            b"Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.",
        ));
    }
    // One log for replicas and the AOF: what goes to either of them goes to both.
    let _ = with_host(|host| host.set_replicates(flags != 0));
    Ok(())
}

fn acl_check_cmd(_: &Lua, args: MultiValue) -> mlua::Result<bool> {
    BUFFERS.with_borrow_mut(|buffers| {
        request(&mut buffers.request, &args).map_err(|why| raise_reply(why.as_bytes()))?;
        match with_host(|host| host.may_run(buffers.request.args())).flatten() {
            Some(may) => Ok(may),
            None => Err(raise_reply(b"Invalid command passed to redis.acl_check_cmd()")),
        }
    })
}
