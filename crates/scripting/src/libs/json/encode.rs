//! Writing JSON.

use super::{NULL, OFF, ON, Settings, get};
use crate::raise::{raise, type_name};
use mlua::{Lua, Table, Value};

pub(super) fn encode(settings: &Settings, lua: &Lua, value: &Value) -> mlua::Result<Vec<u8>> {
    let mut writer = Writer { settings, lua, out: Vec::new() };
    writer.value(value, 0)?;
    Ok(writer.out)
}

struct Writer<'w> {
    settings: &'w Settings,
    lua: &'w Lua,
    out: Vec<u8>,
}

/// How a table is written.
enum Shape {
    Object,
    Array(usize),
}

impl Writer<'_> {
    fn refuse(&self, value: &Value, why: &str) -> mlua::Error {
        raise(self.lua, format_args!("Cannot serialise {}: {why}", type_name(Some(value))))
    }

    fn value(&mut self, value: &Value, depth: i32) -> mlua::Result<()> {
        match value {
            Value::String(text) => self.string(&text.as_bytes()),
            Value::Integer(n) => self.number(value, *n as f64)?,
            Value::Number(n) => self.number(value, *n)?,
            Value::Boolean(yes) => self.out.extend_from_slice(if *yes { b"true" } else { b"false" }),
            Value::Nil => self.out.extend_from_slice(b"null"),
            Value::LightUserData(pointer) if pointer.0.is_null() => self.out.extend_from_slice(b"null"),
            Value::Table(table) => return self.table(table, depth + 1),
            other => return Err(self.refuse(other, "type not supported")),
        }
        Ok(())
    }

    fn table(&mut self, table: &Table, depth: i32) -> mlua::Result<()> {
        if get(&self.settings.encode_depth_max) < depth {
            return Err(raise(self.lua, format_args!("Cannot serialise, excessive nesting ({depth})")));
        }
        match self.shape(table)? {
            Shape::Array(len) => {
                self.out.push(b'[');
                for i in 1..=len {
                    if 1 < i {
                        self.out.push(b',');
                    }
                    self.value(&table.raw_get(i)?, depth)?;
                }
                self.out.push(b']');
            }
            Shape::Object => {
                self.out.push(b'{');
                let mut first = true;
                for pair in table.pairs::<Value, Value>() {
                    let (key, value) = pair?;
                    if !std::mem::take(&mut first) {
                        self.out.push(b',');
                    }
                    self.key(&key)?;
                    self.value(&value, depth)?;
                }
                self.out.push(b'}');
            }
        }
        Ok(())
    }

    fn key(&mut self, key: &Value) -> mlua::Result<()> {
        match key {
            Value::String(text) => self.string(&text.as_bytes()),
            Value::Integer(_) | Value::Number(_) => {
                let n = if let Value::Integer(n) = key { *n as f64 } else { key.as_f64().unwrap_or(0.0) };
                self.out.push(b'"');
                self.number(key, n)?;
                self.out.push(b'"');
            }
            other => return Err(self.refuse(other, "table key must be a number or string")),
        }
        self.out.push(b':');
        Ok(())
    }

    /// An array has no keys but numbers from 1 on, and few holes.
    fn shape(&self, table: &Table) -> mlua::Result<Shape> {
        let (mut highest, mut items, mut is_array) = (0.0f64, 0i32, true);
        table.for_each(|key: Value, _: Value| {
            let n = match key {
                Value::Integer(n) => n as f64,
                Value::Number(n) if n.floor() == n => n,
                _ => 0.0,
            };
            is_array &= 1.0 <= n;
            highest = n.max(highest);
            items += 1;
            Ok(())
        })?;
        if !is_array || items == 0 {
            return Ok(Shape::Object);
        }
        let (ratio, safe) = (get(&self.settings.sparse_ratio), get(&self.settings.sparse_safe));
        let sparse = 0 < ratio && f64::from(items) * f64::from(ratio) < highest && f64::from(safe) < highest;
        if !sparse {
            return Ok(Shape::Array(highest as usize));
        }
        if get(&self.settings.sparse_convert) == OFF {
            return Err(self.refuse(&Value::Table(table.clone()), "excessively sparse array"));
        }
        Ok(Shape::Object)
    }

    fn number(&mut self, value: &Value, n: f64) -> mlua::Result<()> {
        if n.is_finite() {
            push_g(&mut self.out, n, get(&self.settings.precision) as usize);
            return Ok(());
        }
        let text: &[u8] = match get(&self.settings.encode_invalid) {
            OFF => return Err(self.refuse(value, "must not be NaN or Inf")),
            NULL => b"null",
            _ if n.is_nan() => b"nan",
            _ if n < 0.0 => b"-inf",
            _ => b"inf",
        };
        self.out.extend_from_slice(text);
        Ok(())
    }

    fn string(&mut self, text: &[u8]) {
        self.out.reserve(text.len() + 2);
        self.out.push(b'"');
        for &c in text {
            match c {
                b'"' | b'\\' | b'/' => self.out.extend([b'\\', c]),
                8 => self.out.extend_from_slice(b"\\b"),
                9 => self.out.extend_from_slice(b"\\t"),
                10 => self.out.extend_from_slice(b"\\n"),
                12 => self.out.extend_from_slice(b"\\f"),
                13 => self.out.extend_from_slice(b"\\r"),
                0..=31 | 127 => self.out.extend_from_slice(format!("\\u{c:04x}").as_bytes()),
                _ => self.out.push(c),
            }
        }
        self.out.push(b'"');
    }
}

const _: () = assert!(OFF < ON && ON < NULL);

/// As C's `%.{precision}g`.
fn push_g(out: &mut Vec<u8>, n: f64, precision: usize) {
    if n == 0.0 {
        out.extend_from_slice(if n.is_sign_negative() { b"-0" } else { b"0" });
        return;
    }
    let text = format!("{n:.*e}", precision - 1);
    let (digits, exponent) = text.split_once('e').expect("scientific form has an exponent");
    let exponent: i32 = exponent.parse().expect("an exponent is a number");
    if exponent < -4 || precision as i32 <= exponent {
        out.extend_from_slice(without_zeros(digits).as_bytes());
        let sign = if exponent < 0 { '-' } else { '+' };
        out.extend_from_slice(format!("e{sign}{:02}", exponent.abs()).as_bytes());
    } else {
        let text = format!("{n:.*}", (precision as i32 - 1 - exponent) as usize);
        out.extend_from_slice(without_zeros(&text).as_bytes());
    }
}

/// Without the zeros at the end of a fraction, and its point if nothing is left of it.
fn without_zeros(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}
