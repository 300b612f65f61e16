//! What a script finds as globals, and that it can change none of it.
//!
//! Lua's own libraries are loaded without io, os, package and debug; `prelude.lua` chooses from the rest what Redis
//! offers, hides it behind tables that can't be written to, and makes that the globals of all code.

use crate::raise::{killed, message, uncover};
use crate::{libs, redis};
use mlua::chunk::ChunkMode;
use mlua::{Function, Lua, LuaOptions, LuaString, StdLib, Table, Value};

/// A state of Lua, and the functions of the prelude that run code in it.
pub(crate) struct Sandbox {
    pub lua: Lua,
    /// (body, handler, keys, argv): a script.
    pub run: Function,
    /// (code, name): a function, or nil and why not.
    compile: Function,
    /// (body, handler): a script without keys and arguments.
    pub run_bare: Function,
    /// (body, handler, keys, argv): a function of a library.
    pub run_function: Function,
    /// (body, handler, redis): the code of a library.
    pub load_library: Function,
    /// Takes out what was written past a front.
    pub sweep: Function,
}

/// Bytes that one interpreter may hold. A script that wants more gets Lua's "not enough memory".
const MEMORY_BYTES_MAX: usize = 1 << 30;

/// While this lives there is no limit: what Rust makes of arguments and replies is as large as they are, and without a
/// limit the binding needs not guard each step of it.
pub(crate) struct Unlimited<'l>(&'l Lua);

impl<'l> Unlimited<'l> {
    #[inline]
    pub(crate) fn new(lua: &'l Lua) -> Self {
        lua.set_memory_limit(0).expect("the state's memory is its own");
        Self(lua)
    }
}

impl Drop for Unlimited<'_> {
    #[inline]
    fn drop(&mut self) {
        self.0.set_memory_limit(MEMORY_BYTES_MAX).expect("the state's memory is its own");
    }
}

impl Sandbox {
    pub(crate) fn new() -> mlua::Result<Self> {
        let lua = Lua::new_with(StdLib::TABLE | StdLib::STRING | StdLib::MATH, LuaOptions::default())?;
        lua.set_memory_limit(MEMORY_BYTES_MAX)?;
        let offered = lua.create_table()?;
        offered.raw_set("caught", lua.create_function(caught)?)?;
        offered.raw_set("uncaught", lua.create_function(|lua, value: Value| uncover(lua, value))?)?;
        offered.raw_set("is_killed", lua.create_function(|_, ()| Ok(killed().is_some()))?)?;
        libs::random::offer(&lua, &offered)?;
        redis::offer_clock(&lua, &offered)?;
        offered.raw_set("redis", redis::table(&lua)?)?;
        offered.raw_set("cjson", libs::json::table(&lua)?)?;
        offered.raw_set("cmsgpack", libs::msgpack::table(&lua)?)?;
        offered.raw_set("bit", libs::bit::table(&lua)?)?;
        offered.raw_set("struct", libs::pack::table(&lua)?)?;
        let prelude = lua.load(include_str!("prelude.lua")).set_name("=prelude").set_mode(ChunkMode::Text);
        let (globals, compile, run, run_bare, run_function, load_library, sweep): (Table, _, _, _, _, _, _) =
            prelude.call(offered)?;
        lua.set_globals(globals)?;
        Ok(Self { lua, compile, run, run_bare, run_function, load_library, sweep })
    }
}

/// What `pcall` returns of an error: the line of one that a command made, as a string. The error that stops a script
/// is not caught.
fn caught(lua: &Lua, value: Value) -> mlua::Result<Value> {
    if let Some(error) = killed() {
        return Err(error);
    }
    let value = uncover(lua, value)?;
    if let Value::Table(table) = &value
        && let line @ (Value::String(_) | Value::Number(_) | Value::Integer(_)) = table.get::<Value>("err")?
    {
        return Ok(line);
    }
    Ok(value)
}

impl Sandbox {
    /// Compiles code that is text. The error is Lua's, byte by byte.
    pub(crate) fn compile(&self, code: &[u8], name: &str) -> Result<Function, Vec<u8>> {
        let compiled: mlua::Result<(Option<Function>, Value)> =
            self.compile.call((LuaString::wrap(code), name));
        match compiled {
            Ok((Some(function), _)) => Ok(function),
            Ok((None, Value::String(text))) => Err(text.as_bytes().to_vec()),
            Ok((None, _)) => Err(b"unknown error".to_vec()),
            Err(error) => Err(message(&error).into_bytes()),
        }
    }
}
