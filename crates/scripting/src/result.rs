//! What a script returns, as a reply.
//!
//! A table is what its fields say, asked in this order: `err`, `ok`, `double`, `map`, `set`, `big_number`,
//! `verbatim_string`; else it is an array up to its first nil. No metamethod is called.

use mlua::{Lua, LuaString, Table, Value};
use resp::{Proto, Reply};

/// Tables inside each other beyond which a reply ends with an error, as Lua's stack does in Redis.
const DEPTH_MAX: usize = 1000;

/// The names of the fields, as Lua has them.
pub(crate) struct Results {
    err: LuaString,
    counted: LuaString,
    ok: LuaString,
    double: LuaString,
    map: LuaString,
    set: LuaString,
    big_number: LuaString,
    verbatim: LuaString,
    format: LuaString,
    string: LuaString,
}

impl Results {
    pub(crate) fn new(lua: &Lua) -> mlua::Result<Self> {
        Ok(Self {
            err: lua.create_string("err")?,
            counted: lua.create_string("ignore_error_stats_update")?,
            ok: lua.create_string("ok")?,
            double: lua.create_string("double")?,
            map: lua.create_string("map")?,
            set: lua.create_string("set")?,
            big_number: lua.create_string("big_number")?,
            verbatim: lua.create_string("verbatim_string")?,
            format: lua.create_string("format")?,
            string: lua.create_string("string")?,
        })
    }

    /// Writes `value`; `script` is the protocol that the script chose with `redis.setresp`. Error lines in it that
    /// are not counted yet go to `errors`.
    pub(crate) fn write(
        &self,
        value: &Value,
        script: Proto,
        out: &mut Reply,
        errors: &mut Vec<Vec<u8>>,
    ) -> mlua::Result<()> {
        Writer { names: self, script, errors }.value(value, out, 0)
    }
}

struct Writer<'w> {
    names: &'w Results,
    script: Proto,
    errors: &'w mut Vec<Vec<u8>>,
}

impl Writer<'_> {
    fn value(&mut self, value: &Value, out: &mut Reply, depth: usize) -> mlua::Result<()> {
        match value {
            Value::String(text) => out.bulk(&text.as_bytes()),
            Value::Integer(n) => out.int(*n),
            Value::Number(n) => out.int(to_integer(*n)),
            Value::Boolean(yes) if self.script == Proto::Resp3 => out.boolean(*yes),
            Value::Boolean(true) => out.int(1),
            Value::Table(table) => return self.table(table, out, depth + 1),
            _ => out.nil(),
        }
        Ok(())
    }

    fn table(&mut self, table: &Table, out: &mut Reply, depth: usize) -> mlua::Result<()> {
        if DEPTH_MAX < depth {
            let line = b"ERR reached lua stack limit".to_vec();
            out.error_line(&line);
            self.errors.push(line);
            return Ok(());
        }
        let names = self.names;
        if let Value::String(line) = table.raw_get(&names.err)? {
            return self.error(table, &line, out);
        }
        if let Value::String(status) = table.raw_get(&names.ok)? {
            out.raw(b"+");
            // Like an error's line, a status ends where a string of C would.
            let status = status.as_bytes();
            out.raw(&one_line(status.split(|c| *c == 0).next().unwrap_or_default()));
            out.raw(b"\r\n");
            return Ok(());
        }
        // A whole number comes as an integer.
        let number = match table.raw_get(&names.double)? {
            Value::Number(n) => Some(n),
            Value::Integer(n) => Some(n as f64),
            _ => None,
        };
        if let Some(number) = number {
            out.double(number);
            return Ok(());
        }
        if let Value::Table(map) = table.raw_get(&names.map)? {
            return self.pairs(&map, out, depth);
        }
        if let Value::Table(set) = table.raw_get(&names.set)? {
            return self.members(&set, out, depth);
        }
        if let Value::String(digits) = table.raw_get(&names.big_number)? {
            out.big_number(&one_line(&digits.as_bytes()));
            return Ok(());
        }
        if let Value::Table(text) = table.raw_get(&names.verbatim)?
            && let Value::String(string) = text.raw_get(&names.string)?
            && let Value::String(format) = text.raw_get(&names.format)?
        {
            verbatim(&format.as_bytes(), &string.as_bytes(), out);
            return Ok(());
        }
        self.array(table, out, depth)
    }

    fn error(&mut self, table: &Table, line: &LuaString, out: &mut Reply) -> mlua::Result<()> {
        let line = line.as_bytes();
        let line = c_string(&line);
        out.error_line(line);
        if table.raw_get::<Value>(&self.names.counted)? != Value::Boolean(true) {
            self.errors.push(line.to_vec());
        }
        Ok(())
    }

    fn array(&mut self, table: &Table, out: &mut Reply, depth: usize) -> mlua::Result<()> {
        let later = out.array_later();
        let mut n = 0;
        loop {
            match table.raw_get::<Value>(n + 1)? {
                Value::Nil => break,
                value => self.value(&value, out, depth)?,
            }
            n += 1;
        }
        out.finish_array(later, n);
        Ok(())
    }

    fn pairs(&mut self, map: &Table, out: &mut Reply, depth: usize) -> mlua::Result<()> {
        let later = out.array_later();
        let mut n = 0;
        for pair in map.pairs::<Value, Value>() {
            let (key, value) = pair?;
            n += 1;
            self.value(&key, out, depth)?;
            self.value(&value, out, depth)?;
        }
        out.finish_map(later, n);
        Ok(())
    }

    fn members(&mut self, set: &Table, out: &mut Reply, depth: usize) -> mlua::Result<()> {
        let later = out.array_later();
        let mut n = 0;
        for pair in set.pairs::<Value, Value>() {
            let (key, _) = pair?;
            n += 1;
            self.value(&key, out, depth)?;
        }
        out.finish_set(later, n);
        Ok(())
    }
}

/// An error ends where a string of C would.
pub(crate) fn c_string(bytes: &[u8]) -> &[u8] {
    bytes.split(|&c| c == 0).next().unwrap_or_default()
}

/// As C casts a double to a long long on x86: what does not fit is the smallest number.
fn to_integer(n: f64) -> i64 {
    if -9_223_372_036_854_775_808.0 <= n && n < 9_223_372_036_854_775_808.0 { n as i64 } else { i64::MIN }
}

fn one_line(text: &[u8]) -> Vec<u8> {
    text.iter().map(|&c| if matches!(c, b'\r' | b'\n') { b' ' } else { c }).collect()
}

/// A format has three letters: more are cut, fewer are filled up.
fn verbatim(format: &[u8], string: &[u8], out: &mut Reply) {
    let mut letters = [b' '; 3];
    for (to, from) in letters.iter_mut().zip(format.iter().take_while(|c| **c != 0)) {
        *to = if from.is_ascii() { *from } else { b'?' };
    }
    out.verbatim(std::str::from_utf8(&letters).unwrap_or("txt"), string);
}
