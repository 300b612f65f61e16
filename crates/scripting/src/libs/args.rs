//! Arguments of library functions, read as Lua's auxiliary library reads them.

use crate::raise::{bad_argument, type_name};
use mlua::{Lua, LuaString, MultiValue, Value};

/// The arguments of a call, counted from 1 in messages.
pub(crate) struct Given<'a> {
    pub lua: &'a Lua,
    pub args: &'a MultiValue,
}

impl<'a> Given<'a> {
    pub(crate) fn new(lua: &'a Lua, args: &'a MultiValue) -> Self {
        Self { lua, args }
    }

    pub(crate) fn get(&self, n: usize) -> Option<&'a Value> {
        self.args.get(n - 1)
    }

    fn expected(&self, n: usize, what: &str) -> mlua::Error {
        bad_argument(self.lua, n, format_args!("{what} expected, got {}", type_name(self.get(n))))
    }

    /// `luaL_checknumber`: a number, or a string that reads as one.
    pub(crate) fn number(&self, n: usize) -> mlua::Result<f64> {
        match self.get(n) {
            Some(Value::Integer(i)) => Ok(*i as f64),
            Some(Value::Number(d)) => Ok(*d),
            Some(text @ Value::String(_)) => {
                self.lua.coerce_number(text.clone())?.ok_or_else(|| self.expected(n, "number"))
            }
            _ => Err(self.expected(n, "number")),
        }
    }

    /// `luaL_checkinteger`: cut towards zero.
    pub(crate) fn integer(&self, n: usize) -> mlua::Result<i64> {
        Ok(self.number(n)? as i64)
    }

    pub(crate) fn integer_or(&self, n: usize, default: i64) -> mlua::Result<i64> {
        match self.get(n) {
            None | Some(Value::Nil) => Ok(default),
            Some(_) => self.integer(n),
        }
    }

    /// `luaL_checklstring`: a string, or a number as text.
    pub(crate) fn string(&self, n: usize) -> mlua::Result<LuaString> {
        match self.get(n) {
            Some(Value::String(text)) => Ok(text.clone()),
            Some(number @ (Value::Integer(_) | Value::Number(_))) => {
                self.lua.coerce_string(number.clone())?.ok_or_else(|| self.expected(n, "string"))
            }
            _ => Err(self.expected(n, "string")),
        }
    }
}
