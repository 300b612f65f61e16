//! `cmsgpack`: values as MessagePack, as the library of that name does it.
//!
//! A table is an array if its keys are 1 to n, else a map. Numbers that are integers are packed as such, others as
//! the shortest float that holds them. What is nested deeper than [`NESTING_MAX`], and what has no form, is nil.

use super::args::Given;
use crate::raise::{bad_argument, raise};
use mlua::{Lua, LuaString, MultiValue, Table, Value};

const NESTING_MAX: usize = 16;

pub(crate) fn table(lua: &Lua) -> mlua::Result<Table> {
    let table = lua.create_table()?;
    table.raw_set("pack", lua.create_function(pack)?)?;
    table.raw_set("unpack", lua.create_function(|lua, args| unpack(lua, &args, 0, 0))?)?;
    table.raw_set("unpack_one", lua.create_function(unpack_one)?)?;
    table.raw_set("unpack_limit", lua.create_function(unpack_limit)?)?;
    table.raw_set("_NAME", "cmsgpack")?;
    table.raw_set("_VERSION", "lua-cmsgpack 0.4.0")?;
    table.raw_set("_COPYRIGHT", "Copyright (C) 2012, Salvatore Sanfilippo")?;
    table.raw_set("_DESCRIPTION", "MessagePack C implementation for Lua")?;
    Ok(table)
}

fn pack(lua: &Lua, args: MultiValue) -> mlua::Result<LuaString> {
    if args.is_empty() {
        return Err(bad_argument(lua, 0, "MessagePack pack needs input."));
    }
    let mut out = Vec::new();
    for value in &args {
        put(&mut out, value, 0)?;
    }
    lua.create_string(out)
}

fn put(out: &mut Vec<u8>, value: &Value, level: usize) -> mlua::Result<()> {
    match value {
        Value::String(text) => put_bytes(out, &text.as_bytes()),
        Value::Boolean(yes) => out.push(if *yes { 0xc3 } else { 0xc2 }),
        Value::Integer(n) => put_integer(out, *n),
        Value::Number(n) => put_number(out, *n),
        Value::Table(table) if level < NESTING_MAX => return put_table(out, table, level),
        _ => out.push(0xc0),
    }
    Ok(())
}

fn put_number(out: &mut Vec<u8>, n: f64) {
    // As C casts: what does not fit becomes the smallest number.
    let fits = -9_223_372_036_854_775_808.0 <= n && n < 9_223_372_036_854_775_808.0;
    if fits && n == (n as i64) as f64 {
        put_integer(out, n as i64);
    } else if n == f64::from(n as f32) {
        out.push(0xca);
        out.extend((n as f32).to_be_bytes());
    } else {
        out.push(0xcb);
        out.extend(n.to_be_bytes());
    }
}

fn put_integer(out: &mut Vec<u8>, n: i64) {
    match n {
        -32..=0x7f => out.push(n as u8),
        0x80..=0xff => out.extend([0xcc, n as u8]),
        0x100..=0xffff => put_sized(out, 0xcd, &(n as u16).to_be_bytes()),
        0x1_0000..=0xffff_ffff => put_sized(out, 0xce, &(n as u32).to_be_bytes()),
        0x1_0000_0000.. => put_sized(out, 0xcf, &n.to_be_bytes()),
        -0x80..=-33 => out.extend([0xd0, n as u8]),
        -0x8000..=-0x81 => put_sized(out, 0xd1, &(n as i16).to_be_bytes()),
        -0x8000_0000..=-0x8001 => put_sized(out, 0xd2, &(n as i32).to_be_bytes()),
        _ => put_sized(out, 0xd3, &n.to_be_bytes()),
    }
}

fn put_sized(out: &mut Vec<u8>, kind: u8, bytes: &[u8]) {
    out.push(kind);
    out.extend_from_slice(bytes);
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    match bytes.len() {
        len @ 0..=31 => out.push(0xa0 | len as u8),
        len @ 32..=0xff => out.extend([0xd9, len as u8]),
        len @ 0x100..=0xffff => put_sized(out, 0xda, &(len as u16).to_be_bytes()),
        len => put_sized(out, 0xdb, &(len as u32).to_be_bytes()),
    }
    out.extend_from_slice(bytes);
}

fn put_len(out: &mut Vec<u8>, len: usize, short: u8, middle: u8) {
    match len {
        0..=15 => out.push(short | len as u8),
        16..=0xffff => put_sized(out, middle, &(len as u16).to_be_bytes()),
        _ => put_sized(out, middle + 1, &(len as u32).to_be_bytes()),
    }
}

fn put_table(out: &mut Vec<u8>, table: &Table, level: usize) -> mlua::Result<()> {
    let (mut count, mut highest, mut is_array) = (0, 0.0, true);
    table.for_each(|key: Value, _: Value| {
        count += 1;
        let n = match key {
            Value::Integer(n) => n as f64,
            Value::Number(n) => n,
            _ => 0.0,
        };
        is_array &= 0.0 < n && n == f64::from(n as i32);
        highest = n.max(highest);
        Ok(())
    })?;
    if is_array && highest == f64::from(count) {
        let len = table.raw_len();
        put_len(out, len, 0x90, 0xdc);
        for i in 1..=len {
            // As an ordinary look, which may call a metamethod.
            put(out, &table.get(i)?, level + 1)?;
        }
        return Ok(());
    }
    put_len(out, count as usize, 0x80, 0xde);
    for pair in table.pairs::<Value, Value>() {
        let (key, value) = pair?;
        put(out, &key, level + 1)?;
        put(out, &value, level + 1)?;
    }
    Ok(())
}

fn unpack_one(lua: &Lua, args: MultiValue) -> mlua::Result<MultiValue> {
    let offset = Given::new(lua, &args).integer_or(2, 0)?;
    unpack(lua, &args, 1, offset as i32)
}

fn unpack_limit(lua: &Lua, args: MultiValue) -> mlua::Result<MultiValue> {
    let given = Given::new(lua, &args);
    let (limit, offset) = (given.integer(2)?, given.integer_or(3, 0)?);
    unpack(lua, &args, limit as i32, offset as i32)
}

/// All values from `offset` on, at most `limit` unless that is 0. With either of them the first result is where the
/// next value begins, -1 at the end.
fn unpack(lua: &Lua, args: &MultiValue, limit: i32, offset: i32) -> mlua::Result<MultiValue> {
    let input = Given::new(lua, args).string(1)?;
    let input = input.as_bytes();
    let len = input.len();
    if offset < 0 || limit < 0 {
        let text = format!("Invalid request to unpack with offset of {offset} and limit of {len}.");
        return Err(raise(lua, text));
    }
    if len < offset as usize {
        return Err(raise(lua, format_args!("Start offset {offset} greater than input length {len}.")));
    }
    let mut reader = Reader { lua, rest: &input[offset as usize..] };
    let mut values = Vec::new();
    while !reader.rest.is_empty() && (limit == 0 || values.len() < limit as usize) {
        let value = match reader.value(0) {
            Ok(value) => value,
            Err(Bad::Missing) => return Err(raise(lua, "Missing bytes in input.")),
            Err(Bad::Format) => return Err(raise(lua, "Bad data format in input.")),
            Err(Bad::Lua(error)) => return Err(error),
        };
        values.push(value);
    }
    if limit != 0 || offset != 0 {
        let next = if reader.rest.is_empty() { -1.0 } else { (len - reader.rest.len()) as f64 };
        values.insert(0, Value::Number(next));
    }
    Ok(MultiValue::from_vec(values))
}

enum Bad {
    Missing,
    Format,
    Lua(mlua::Error),
}

impl From<mlua::Error> for Bad {
    fn from(error: mlua::Error) -> Self {
        Self::Lua(error)
    }
}

/// Arrays and maps inside each other beyond which Lua's stack is full in Redis.
const DEPTH_MAX: usize = 2000;

struct Reader<'r> {
    lua: &'r Lua,
    rest: &'r [u8],
}

impl<'r> Reader<'r> {
    fn take(&mut self, n: usize) -> Result<&'r [u8], Bad> {
        if self.rest.len() < n {
            return Err(Bad::Missing);
        }
        let (taken, rest) = self.rest.split_at(n);
        self.rest = rest;
        Ok(taken)
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], Bad> {
        Ok(self.take(N)?.try_into().expect("as many were taken"))
    }

    fn value(&mut self, depth: usize) -> Result<Value, Bad> {
        let [kind] = self.bytes()?;
        Ok(match kind {
            0x00..=0x7f => Value::Number(f64::from(kind)),
            0x80..=0x8f => self.map(usize::from(kind & 15), depth)?,
            0x90..=0x9f => self.array(usize::from(kind & 15), depth)?,
            0xa0..=0xbf => self.string(usize::from(kind & 31))?,
            0xc0 => Value::Nil,
            0xc2 => Value::Boolean(false),
            0xc3 => Value::Boolean(true),
            0xca => Value::Number(f64::from(f32::from_be_bytes(self.bytes()?))),
            0xcb => Value::Number(f64::from_be_bytes(self.bytes()?)),
            0xcc => Value::Number(f64::from(self.bytes::<1>()?[0])),
            0xcd => Value::Number(f64::from(u16::from_be_bytes(self.bytes()?))),
            0xce => Value::Number(f64::from(u32::from_be_bytes(self.bytes()?))),
            // Beyond 2^63 it comes out negative, as in Redis.
            0xcf => Value::Number(i64::from_be_bytes(self.bytes()?) as f64),
            0xd0 => Value::Number(f64::from(self.bytes::<1>()?[0] as i8)),
            0xd1 => Value::Number(f64::from(i16::from_be_bytes(self.bytes()?))),
            0xd2 => Value::Number(f64::from(i32::from_be_bytes(self.bytes()?))),
            0xd3 => Value::Number(i64::from_be_bytes(self.bytes()?) as f64),
            0xd9 => {
                let [len] = self.bytes()?;
                self.string(usize::from(len))?
            }
            0xda => {
                let len = u16::from_be_bytes(self.bytes()?);
                self.string(usize::from(len))?
            }
            0xdb => {
                let len = u32::from_be_bytes(self.bytes()?);
                self.string(len as usize)?
            }
            0xdc => {
                let len = u16::from_be_bytes(self.bytes()?);
                self.array(usize::from(len), depth)?
            }
            0xdd => {
                let len = u32::from_be_bytes(self.bytes()?);
                self.array(len as usize, depth)?
            }
            0xde => {
                let len = u16::from_be_bytes(self.bytes()?);
                self.map(usize::from(len), depth)?
            }
            0xdf => {
                let len = u32::from_be_bytes(self.bytes()?);
                self.map(len as usize, depth)?
            }
            0xe0..=0xff => Value::Number(f64::from(kind as i8)),
            _ => return Err(Bad::Format),
        })
    }

    fn string(&mut self, len: usize) -> Result<Value, Bad> {
        let bytes = self.take(len)?;
        Ok(Value::String(self.lua.create_string(bytes)?))
    }

    fn enter(&self, depth: usize, what: &str) -> Result<(), Bad> {
        if depth < DEPTH_MAX {
            return Ok(());
        }
        Err(Bad::Lua(raise(self.lua, format_args!("stack overflow (in function {what})"))))
    }

    fn array(&mut self, len: usize, depth: usize) -> Result<Value, Bad> {
        self.enter(depth, "mp_decode_to_lua_array")?;
        let table = self.lua.create_table()?;
        for i in 1..=len {
            let value = self.value(depth + 1)?;
            table.raw_set(i, value)?;
        }
        Ok(Value::Table(table))
    }

    fn map(&mut self, len: usize, depth: usize) -> Result<Value, Bad> {
        self.enter(depth, "mp_decode_to_lua_hash")?;
        let table = self.lua.create_table()?;
        for _ in 0..len {
            let key = self.value(depth + 1)?;
            let value = self.value(depth + 1)?;
            match key {
                Value::Nil => return Err(Bad::Lua(raise(self.lua, "table index is nil"))),
                Value::Number(n) if n.is_nan() => {
                    return Err(Bad::Lua(raise(self.lua, "table index is NaN")));
                }
                key => table.raw_set(key, value)?,
            }
        }
        Ok(Value::Table(table))
    }
}
