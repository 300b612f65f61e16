//! `bit`: operations on 32-bit numbers, as the BitOp library has them. Numbers are taken modulo 2^32, results are
//! signed.

use super::args::Given;
use mlua::{Lua, MultiValue, Table};

pub(crate) fn table(lua: &Lua) -> mlua::Result<Table> {
    let bit = lua.create_table()?;
    one(lua, &bit, "tobit", |a| a)?;
    one(lua, &bit, "bnot", |a| !a)?;
    one(lua, &bit, "bswap", u32::swap_bytes)?;
    many(lua, &bit, "band", |a, b| a & b)?;
    many(lua, &bit, "bor", |a, b| a | b)?;
    many(lua, &bit, "bxor", |a, b| a ^ b)?;
    shift(lua, &bit, "lshift", |a, n| a << n)?;
    shift(lua, &bit, "rshift", |a, n| a >> n)?;
    shift(lua, &bit, "arshift", |a, n| ((a as i32) >> n) as u32)?;
    shift(lua, &bit, "rol", u32::rotate_left)?;
    shift(lua, &bit, "ror", u32::rotate_right)?;
    bit.raw_set("tohex", lua.create_function(tohex)?)?;
    Ok(bit)
}

/// The low 32 bits of a number that is rounded to the nearest integer, ties to even. Adding 2^52 + 2^51 leaves them at
/// the low end of the double.
fn to_bits(n: f64) -> u32 {
    (n + 6_755_399_441_055_744.0).to_bits() as u32
}

fn from_bits(bits: u32) -> f64 {
    f64::from(bits as i32)
}

fn arg(given: &Given, n: usize) -> mlua::Result<u32> {
    Ok(to_bits(given.number(n)?))
}

fn one(lua: &Lua, bit: &Table, name: &str, f: fn(u32) -> u32) -> mlua::Result<()> {
    let run = move |lua: &Lua, args: MultiValue| Ok(from_bits(f(arg(&Given::new(lua, &args), 1)?)));
    bit.raw_set(name, lua.create_function(run)?)
}

fn many(lua: &Lua, bit: &Table, name: &str, f: fn(u32, u32) -> u32) -> mlua::Result<()> {
    let run = move |lua: &Lua, args: MultiValue| {
        let given = Given::new(lua, &args);
        let mut bits = arg(&given, 1)?;
        // The others from the last one on: which of several bad ones an error names shows it.
        for n in (2..=args.len()).rev() {
            bits = f(bits, arg(&given, n)?);
        }
        Ok(from_bits(bits))
    };
    bit.raw_set(name, lua.create_function(run)?)
}

fn shift(lua: &Lua, bit: &Table, name: &str, f: fn(u32, u32) -> u32) -> mlua::Result<()> {
    let run = move |lua: &Lua, args: MultiValue| {
        let given = Given::new(lua, &args);
        let bits = arg(&given, 1)?;
        Ok(from_bits(f(bits, arg(&given, 2)? & 31)))
    };
    bit.raw_set(name, lua.create_function(run)?)
}

/// Hex digits, as many as asked for; upper-case ones for a negative number.
fn tohex(lua: &Lua, args: MultiValue) -> mlua::Result<String> {
    let given = Given::new(lua, &args);
    let bits = arg(&given, 1)?;
    let wanted = if args.len() < 2 { 8 } else { arg(&given, 2)? as i32 };
    let digits = (wanted.unsigned_abs() as usize).min(8);
    let all = if wanted < 0 { format!("{bits:08X}") } else { format!("{bits:08x}") };
    Ok(all[8 - digits..].to_string())
}
