//! Errors as scripts see them.
//!
//! A function in Rust can only raise a value of mlua's own; what scripts are to see (a string with the place before
//! it, or a table with `err`) is inside it ([`Raised`]), and is taken out where a script catches errors: in `pcall`,
//! `xpcall`, `coroutine.resume`, and where the run ends.

use mlua::{Lua, Table, Value};
use std::cell::Cell;
use std::fmt;

thread_local! {
    /// The text of the order to stop, from when the script is told of it until its run ends.
    static KILLED: Cell<Option<&'static str>> = const { Cell::new(None) };
}

/// The script is to stop: from here on its errors can't be caught.
pub(crate) fn kill(text: &'static str) -> mlua::Error {
    KILLED.set(Some(text));
    Raised::Reply { line: format!("ERR {text}").into_bytes(), counted: Counted::No }.into_error()
}

/// The error that goes on, where one is about to be caught.
pub(crate) fn killed() -> Option<mlua::Error> {
    KILLED.get().map(kill)
}

/// A run has ended: whether it was stopped.
pub(crate) fn end_kill() -> bool {
    KILLED.take().is_some()
}

/// What a script sees of an error.
#[derive(Debug, Clone)]
pub(crate) enum Raised {
    /// A string.
    Text(String),
    /// A table whose `err` is this line, without the `-`.
    Reply { line: Vec<u8>, counted: Counted },
}

/// Whether errorstats has counted the error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counted {
    No,
    Yes,
}

impl fmt::Display for Raised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Reply { line, .. } => write!(f, "{}", line.escape_ascii()),
        }
    }
}

impl std::error::Error for Raised {}

impl Raised {
    pub(crate) fn into_error(self) -> mlua::Error {
        mlua::Error::external(self)
    }
}

/// As C functions of Lua raise: the place of the call, then the text.
#[cold]
pub(crate) fn raise(lua: &Lua, text: impl fmt::Display) -> mlua::Error {
    Raised::Text(format!("{}{text}", place(lua, 1))).into_error()
}

/// As `luaL_argerror`: argument `n` of the function that runs.
#[cold]
pub(crate) fn bad_argument(lua: &Lua, n: usize, what: impl fmt::Display) -> mlua::Error {
    let name = lua.inspect_stack(0, |frame| frame.names().name.map(|name| name.into_owned())).flatten();
    let name = name.unwrap_or_else(|| "?".into());
    raise(lua, format_args!("bad argument #{n} to '{name}' ({what})"))
}

/// What a message says of an argument's type.
pub(crate) fn type_name(value: Option<&Value>) -> &'static str {
    match value {
        None => "no value",
        Some(Value::Integer(_)) => "number",
        Some(Value::LightUserData(_) | Value::Error(_)) => "userdata",
        Some(value) => value.type_name(),
    }
}

/// An error with a code, raised as a table. A text that begins with `-` has its code; others get `ERR`.
#[cold]
pub(crate) fn raise_reply(text: &[u8]) -> mlua::Error {
    Raised::Reply { line: line_of(text), counted: Counted::No }.into_error()
}

/// An error's line from a text that may begin with `-` and a code.
pub(crate) fn line_of(text: &[u8]) -> Vec<u8> {
    let coded = text.strip_prefix(b"-");
    let (code, message) = match coded {
        None => (&b"ERR"[..], text),
        Some(rest) => match rest.iter().position(|&c| c == b' ') {
            Some(blank) => (&rest[..blank], &rest[blank + 1..]),
            None => (&b"ERR"[..], rest),
        },
    };
    let message = message.without_line_ends();
    [code, b" ", message].concat()
}

trait TrimLineEnds {
    fn without_line_ends(&self) -> &Self;
}

impl TrimLineEnds for [u8] {
    /// Without line ends at either side.
    fn without_line_ends(&self) -> &Self {
        let is_end = |c: &u8| matches!(c, b'\r' | b'\n');
        let start = self.iter().position(|c| !is_end(c)).unwrap_or(self.len());
        let end = self.iter().rposition(|c| !is_end(c)).map_or(start, |last| last + 1);
        &self[start..end]
    }
}

/// A table with `err`, as `redis.pcall` returns it.
pub(crate) fn error_table(lua: &Lua, line: &[u8], counted: Counted) -> mlua::Result<Table> {
    let table = lua.create_table()?;
    table.raw_set("err", lua.create_string(line)?)?;
    if counted == Counted::Yes {
        table.raw_set("ignore_error_stats_update", true)?;
    }
    Ok(table)
}

/// `source:line: ` of the function at that level of the stack, if it is a function in Lua.
fn place(lua: &Lua, level: usize) -> String {
    let place = lua.inspect_stack(level, |frame| {
        let line = frame.current_line().filter(|line| 0 < *line)?;
        let source = frame.source().short_src.map(|source| source.into_owned())?;
        Some(format!("{source}:{line}: "))
    });
    place.flatten().unwrap_or_default()
}

/// Source and line of the function that raised what an error handler was called for. Of what the sandbox is made of
/// nothing is told: what its functions raise is where they were called.
pub(crate) fn raised_at(lua: &Lua) -> Option<(String, i64)> {
    let look = |level| {
        lua.inspect_stack(level, |frame| {
            let source = frame.source();
            let line = frame.current_line().map_or(-1, |line| line as i64);
            (source.what == "C", source.source.map(|source| source.into_owned()).unwrap_or_default(), line)
        })
    };
    // The handler itself is level 0.
    let mut level = 1;
    if look(level)?.0 {
        level += 1;
    }
    while look(level).is_some_and(|(_, source, _)| source == "=prelude" || source == "=(tail call)") {
        level += 1;
    }
    let (is_c, source, line) = look(level)?;
    (!is_c || level == 2).then_some((source, line))
}

/// The value that a script is to see for a caught one.
pub(crate) fn uncover(lua: &Lua, value: Value) -> mlua::Result<Value> {
    let Value::Error(error) = value else { return Ok(value) };
    match raised(&error) {
        Some(Raised::Reply { line, counted }) => Ok(Value::Table(error_table(lua, line, *counted)?)),
        Some(Raised::Text(text)) => Ok(Value::String(lua.create_string(text)?)),
        None => Ok(Value::String(lua.create_string(message(&error))?)),
    }
}

/// What was raised in Rust, below what mlua put around it.
pub(crate) fn raised(error: &mlua::Error) -> Option<&Raised> {
    match error {
        mlua::Error::CallbackError { cause, .. } => raised(cause),
        mlua::Error::ExternalError(inner) => inner.downcast_ref(),
        _ => None,
    }
}

/// An error of mlua's or Lua's own as Lua would say it.
pub(crate) fn message(error: &mlua::Error) -> String {
    match error {
        mlua::Error::CallbackError { cause, .. } => message(cause),
        mlua::Error::SyntaxError { message, .. }
        | mlua::Error::RuntimeError(message)
        | mlua::Error::MemoryError(message) => {
            // What mlua adds to it is for those who write Rust.
            message.split("\nstack traceback:").next().unwrap_or_default().to_string()
        }
        other => match raised(other) {
            Some(raised) => raised.to_string(),
            None => other.to_string(),
        },
    }
}
