//! A command's reply, as a value of Lua.
//!
//! RESP2: integers are numbers, strings are strings, nil is false, a status is a table with `ok`, an error one with
//! `err`. RESP3 adds nil, booleans, and tables with `double`, `map`, `set`, `big_number`, `verbatim_string`.
//! What is read here was written by our own commands: it is well formed.

use crate::raise::{Counted, error_table};
use mlua::{Lua, LuaString, Value};

/// Reads one reply.
pub(crate) fn read(lua: &Lua, reply: &[u8]) -> mlua::Result<Value> {
    Reader { lua, rest: reply }.value()
}

struct Reader<'r> {
    lua: &'r Lua,
    rest: &'r [u8],
}

impl<'r> Reader<'r> {
    fn line(&mut self) -> &'r [u8] {
        let end = self.rest.iter().position(|&c| c == b'\r').expect("a reply's lines end");
        let line = &self.rest[..end];
        self.rest = &self.rest[end + 2..];
        line
    }

    /// A number in a line; -1 for the nil of RESP2.
    fn number(&mut self) -> i64 {
        base::number::parse_i64(self.line()).expect("a reply's lengths are numbers")
    }

    fn bytes(&mut self, len: i64) -> &'r [u8] {
        let (bytes, rest) = self.rest.split_at(len as usize);
        self.rest = &rest[2..];
        bytes
    }

    fn value(&mut self) -> mlua::Result<Value> {
        let kind = self.rest[0];
        self.rest = &self.rest[1..];
        let lua = self.lua;
        Ok(match kind {
            b'$' => match self.number() {
                -1 => Value::Boolean(false),
                len => Value::String(lua.create_string(self.bytes(len))?),
            },
            b':' => Value::Number(self.number() as f64),
            b'*' => match self.number() {
                -1 => Value::Boolean(false),
                len => self.array(len)?,
            },
            b'+' => self.tagged("ok")?,
            b'-' => {
                let line = self.line();
                Value::Table(error_table(lua, line, Counted::Yes)?)
            }
            b'_' => {
                self.line();
                Value::Nil
            }
            b'#' => Value::Boolean(self.line() == b"t"),
            b',' => {
                let number = base::number::parse_f64_of_c(self.line()).unwrap_or(f64::NAN);
                let table = lua.create_table()?;
                table.raw_set("double", number)?;
                Value::Table(table)
            }
            b'(' => self.tagged("big_number")?,
            b'=' => self.verbatim()?,
            b'%' => self.map()?,
            b'~' => self.set()?,
            b'>' => {
                let len = self.number();
                self.array(len)?
            }
            b'|' => {
                // Remarks, which scripts don't see.
                for _ in 0..self.number() * 2 {
                    self.value()?;
                }
                self.value()?
            }
            _ => unreachable!("a reply of a kind that no command writes"),
        })
    }

    fn tagged(&mut self, name: &str) -> mlua::Result<Value> {
        let line = self.line();
        let table = self.lua.create_table_with_capacity(0, 1)?;
        table.raw_set(name, LuaString::wrap(line))?;
        Ok(Value::Table(table))
    }

    fn array(&mut self, len: i64) -> mlua::Result<Value> {
        let table = self.lua.create_table_with_capacity(len as usize, 0)?;
        for i in 1..=len {
            // The most usual elements go in without a detour.
            if self.rest[0] == b'$' && self.rest[1] != b'-' {
                self.rest = &self.rest[1..];
                let len = self.number();
                table.raw_set(i, LuaString::wrap(self.bytes(len)))?;
            } else {
                let value = self.value()?;
                table.raw_set(i, value)?;
            }
        }
        Ok(Value::Table(table))
    }

    fn map(&mut self) -> mlua::Result<Value> {
        let len = self.number();
        let map = self.lua.create_table_with_capacity(0, len as usize)?;
        for _ in 0..len {
            let key = self.value()?;
            map.raw_set(key, self.value()?)?;
        }
        let table = self.lua.create_table_with_capacity(0, 1)?;
        table.raw_set("map", map)?;
        Ok(Value::Table(table))
    }

    fn set(&mut self) -> mlua::Result<Value> {
        let len = self.number();
        let set = self.lua.create_table_with_capacity(0, len as usize)?;
        for _ in 0..len {
            let member = self.value()?;
            set.raw_set(member, true)?;
        }
        let table = self.lua.create_table_with_capacity(0, 1)?;
        table.raw_set("set", set)?;
        Ok(Value::Table(table))
    }

    fn verbatim(&mut self) -> mlua::Result<Value> {
        let len = self.number();
        let bytes = self.bytes(len);
        let text = self.lua.create_table_with_capacity(0, 2)?;
        text.raw_set("format", LuaString::wrap(&bytes[..3]))?;
        text.raw_set("string", LuaString::wrap(&bytes[4..]))?;
        let table = self.lua.create_table_with_capacity(0, 1)?;
        table.raw_set("verbatim_string", text)?;
        Ok(Value::Table(table))
    }
}
