//! `cjson`: JSON as the library of that name reads and writes it, with its settings and its words.
//!
//! The settings are the process's: a script that changes them changes them for all, as in Redis. `cjson.new()` makes a
//! table with settings of its own.

mod decode;
mod encode;

use super::args::Given;
use crate::raise::{bad_argument, type_name};
use mlua::{LightUserData, Lua, MultiValue, Table, Value};
use std::ptr;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, LazyLock};

/// What can be set. Numbers, since each is set by itself from any thread.
pub(crate) struct Settings {
    sparse_convert: AtomicI32,
    sparse_ratio: AtomicI32,
    sparse_safe: AtomicI32,
    encode_depth_max: AtomicI32,
    decode_depth_max: AtomicI32,
    precision: AtomicI32,
    keep_buffer: AtomicI32,
    encode_invalid: AtomicI32,
    decode_invalid: AtomicI32,
}

/// Values of the settings of invalid numbers.
const OFF: i32 = 0;
const ON: i32 = 1;
const NULL: i32 = 2;

impl Settings {
    fn new() -> Self {
        Self {
            sparse_convert: AtomicI32::new(OFF),
            sparse_ratio: AtomicI32::new(2),
            sparse_safe: AtomicI32::new(10),
            encode_depth_max: AtomicI32::new(1000),
            decode_depth_max: AtomicI32::new(1000),
            precision: AtomicI32::new(14),
            keep_buffer: AtomicI32::new(ON),
            encode_invalid: AtomicI32::new(OFF),
            decode_invalid: AtomicI32::new(ON),
        }
    }
}

fn get(setting: &AtomicI32) -> i32 {
    setting.load(Ordering::Relaxed)
}

/// `cjson.null`: a pointer to nothing.
fn null() -> Value {
    Value::LightUserData(LightUserData(ptr::null_mut()))
}

pub(crate) fn table(lua: &Lua) -> mlua::Result<Table> {
    static SHARED: LazyLock<Arc<Settings>> = LazyLock::new(|| Arc::new(Settings::new()));
    table_with(lua, &SHARED)
}

fn table_with(lua: &Lua, settings: &Arc<Settings>) -> mlua::Result<Table> {
    let table = lua.create_table()?;
    let add = |name: &str, run: fn(&Settings, &Lua, &MultiValue) -> mlua::Result<MultiValue>| {
        let settings = settings.clone();
        table.raw_set(name, lua.create_function(move |lua, args: MultiValue| run(&settings, lua, &args))?)
    };
    add("encode", |settings, lua, args| {
        only_argument(lua, args)?;
        let text = encode::encode(settings, lua, &args[0])?;
        Ok(MultiValue::from_iter([Value::String(lua.create_string(text)?)]))
    })?;
    add("decode", |settings, lua, args| {
        only_argument(lua, args)?;
        let text = Given::new(lua, args).string(1)?;
        let value = decode::decode(settings, lua, &text.as_bytes())?;
        Ok(MultiValue::from_iter([value]))
    })?;
    add("encode_sparse_array", |settings, lua, args| {
        let options = options(lua, args, 3)?;
        let convert = choice(lua, &options, 1, &settings.sparse_convert, &["off", "on"])?;
        let ratio = integer(lua, &options, 2, &settings.sparse_ratio, 0, i32::MAX)?;
        let safe = integer(lua, &options, 3, &settings.sparse_safe, 0, i32::MAX)?;
        Ok(MultiValue::from_iter([convert, ratio, safe]))
    })?;
    add("encode_max_depth", |settings, lua, args| {
        let options = options(lua, args, 1)?;
        Ok(MultiValue::from_iter([integer(lua, &options, 1, &settings.encode_depth_max, 1, i32::MAX)?]))
    })?;
    add("decode_max_depth", |settings, lua, args| {
        let options = options(lua, args, 1)?;
        Ok(MultiValue::from_iter([integer(lua, &options, 1, &settings.decode_depth_max, 1, i32::MAX)?]))
    })?;
    add("encode_number_precision", |settings, lua, args| {
        let options = options(lua, args, 1)?;
        Ok(MultiValue::from_iter([integer(lua, &options, 1, &settings.precision, 1, 14)?]))
    })?;
    add("encode_keep_buffer", |settings, lua, args| {
        let options = options(lua, args, 1)?;
        Ok(MultiValue::from_iter([choice(lua, &options, 1, &settings.keep_buffer, &["off", "on"])?]))
    })?;
    add("encode_invalid_numbers", |settings, lua, args| {
        let options = options(lua, args, 1)?;
        let choices = &["off", "on", "null"];
        Ok(MultiValue::from_iter([choice(lua, &options, 1, &settings.encode_invalid, choices)?]))
    })?;
    add("decode_invalid_numbers", |settings, lua, args| {
        let options = options(lua, args, 1)?;
        Ok(MultiValue::from_iter([choice(lua, &options, 1, &settings.decode_invalid, &["off", "on"])?]))
    })?;
    add("new", |_, lua, _| {
        let table = table_with(lua, &Arc::new(Settings::new()))?;
        Ok(MultiValue::from_iter([Value::Table(table)]))
    })?;
    table.raw_set("null", null())?;
    table.raw_set("_NAME", "cjson")?;
    table.raw_set("_VERSION", "2.1.0")?;
    Ok(table)
}

fn only_argument(lua: &Lua, args: &MultiValue) -> mlua::Result<()> {
    if args.len() == 1 { Ok(()) } else { Err(bad_argument(lua, 1, "expected 1 argument")) }
}

/// The arguments of a function that sets up to `max` settings; what is missing is nil.
fn options(lua: &Lua, args: &MultiValue, max: usize) -> mlua::Result<MultiValue> {
    if max < args.len() {
        return Err(bad_argument(lua, max + 1, "found too many arguments"));
    }
    let missing = (args.len()..max).map(|_| Value::Nil);
    Ok(args.iter().cloned().chain(missing).collect())
}

/// Sets a number, unless nil was given. What it is then.
fn integer(
    lua: &Lua,
    args: &MultiValue,
    n: usize,
    setting: &AtomicI32,
    min: i32,
    max: i32,
) -> mlua::Result<Value> {
    if args[n - 1] != Value::Nil {
        let wanted = Given::new(lua, args).integer(n)?;
        if wanted < i64::from(min) || i64::from(max) < wanted {
            return Err(bad_argument(lua, n, format_args!("expected integer between {min} and {max}")));
        }
        setting.store(wanted as i32, Ordering::Relaxed);
    }
    Ok(Value::Number(f64::from(get(setting))))
}

/// Sets one of `choices`, where booleans stand for the first two. What it is then.
fn choice(
    lua: &Lua,
    args: &MultiValue,
    n: usize,
    setting: &AtomicI32,
    choices: &[&str],
) -> mlua::Result<Value> {
    match &args[n - 1] {
        Value::Nil => {}
        Value::Boolean(yes) => setting.store(i32::from(*yes), Ordering::Relaxed),
        Value::String(_) | Value::Integer(_) | Value::Number(_) => {
            let name = Given::new(lua, args).string(n)?;
            let name = name.as_bytes();
            let Some(chosen) = choices.iter().position(|choice| choice.as_bytes() == &*name) else {
                let name = String::from_utf8_lossy(&name);
                return Err(bad_argument(lua, n, format_args!("invalid option '{name}'")));
            };
            setting.store(chosen as i32, Ordering::Relaxed);
        }
        other => {
            let got = type_name(Some(other));
            return Err(bad_argument(lua, n, format_args!("string expected, got {got}")));
        }
    }
    Ok(match get(setting) {
        OFF => Value::Boolean(false),
        ON => Value::Boolean(true),
        other => Value::String(lua.create_string(choices[other as usize])?),
    })
}
