//! `struct`: values packed into strings by a format, as Roberto Ierusalimschy's library does.
//!
//! Options: `>` and `<` set the byte order, `!n` the alignment; `b B h H l L T i# I#` are integers (lower case:
//! signed), `f d` floats, `s` a string with a zero at its end, `c#` exactly so many bytes (`c0`: all, or as many as
//! the number before says), `x` a zero byte. Integers are computed in 64 bits, whatever their width.

use super::args::Given;
use crate::raise::{bad_argument, raise};
use mlua::{Lua, LuaString, MultiValue, Table, Value};

/// The widest integer.
const INTEGER_BYTES_MAX: usize = 32;
/// `!` alone: a double's alignment.
const ALIGN_MAX: usize = 8;

pub(crate) fn table(lua: &Lua) -> mlua::Result<Table> {
    let table = lua.create_table()?;
    table.raw_set("pack", lua.create_function(pack)?)?;
    table.raw_set("unpack", lua.create_function(unpack)?)?;
    table.raw_set("size", lua.create_function(size)?)?;
    Ok(table)
}

/// A format as it is read.
struct Format<'f> {
    lua: &'f Lua,
    rest: &'f [u8],
    big_endian: bool,
    align: usize,
}

/// An option, how many bytes it takes, and how many zeros come before it.
struct Item {
    option: u8,
    size: usize,
    padding: usize,
}

impl<'f> Format<'f> {
    fn new(lua: &'f Lua, text: &'f [u8]) -> Self {
        // A C string ends at a zero byte.
        let end = text.iter().position(|&c| c == 0).unwrap_or(text.len());
        Self { lua, rest: &text[..end], big_endian: false, align: 1 }
    }

    /// The next option; `at` is where it would begin.
    fn next(&mut self, at: usize) -> mlua::Result<Option<Item>> {
        let Some((&option, rest)) = self.rest.split_first() else { return Ok(None) };
        self.rest = rest;
        let size = match option {
            b'B' | b'b' | b'x' => 1,
            b'H' | b'h' => 2,
            b'L' | b'l' | b'T' | b'd' => 8,
            b'f' => 4,
            b'c' => self.number(1)?,
            b'i' | b'I' => {
                let size = self.number(4)?;
                if INTEGER_BYTES_MAX < size {
                    let text = format!("integral size {size} is larger than limit of {INTEGER_BYTES_MAX}");
                    return Err(raise(self.lua, text));
                }
                size
            }
            _ => 0,
        };
        let padding = match size.min(self.align) {
            _ if size == 0 || option == b'c' => 0,
            0 => 0,
            unit => unit.wrapping_sub(at & (unit - 1)) & (unit - 1),
        };
        Ok(Some(Item { option, size, padding }))
    }

    fn number(&mut self, default: usize) -> mlua::Result<usize> {
        let digits = self.rest.iter().take_while(|c| c.is_ascii_digit()).count();
        if digits == 0 {
            return Ok(default);
        }
        let mut n: i32 = 0;
        for digit in &self.rest[..digits] {
            let next = n.checked_mul(10).and_then(|n| n.checked_add(i32::from(digit - b'0')));
            n = next.ok_or_else(|| raise(self.lua, "integral size overflow"))?;
        }
        self.rest = &self.rest[digits..];
        Ok(n as usize)
    }

    /// What is no value: byte order, alignment, blanks.
    fn control(&mut self, option: u8) -> mlua::Result<()> {
        match option {
            b' ' => {}
            b'>' => self.big_endian = true,
            b'<' => self.big_endian = false,
            b'!' => {
                let align = self.number(ALIGN_MAX)?;
                if !align.is_power_of_two() {
                    return Err(raise(self.lua, format_args!("alignment {align} is not a power of 2")));
                }
                self.align = align;
            }
            other => {
                let text = format!("invalid format option '{}'", other as char);
                return Err(bad_argument(self.lua, 1, text));
            }
        }
        Ok(())
    }
}

fn is_integer(option: u8) -> bool {
    matches!(option, b'b' | b'B' | b'h' | b'H' | b'l' | b'L' | b'T' | b'i' | b'I')
}

fn pack(lua: &Lua, args: MultiValue) -> mlua::Result<LuaString> {
    // A nil follows the arguments, which is what an option without one finds.
    let args: MultiValue = args.into_iter().chain([Value::Nil]).collect();
    let given = Given::new(lua, &args);
    let format = given.string(1)?;
    let format = format.as_bytes();
    let mut format = Format::new(lua, &format);
    let mut out = Vec::new();
    let mut arg = 2;
    while let Some(Item { option, size, padding }) = format.next(out.len())? {
        out.resize(out.len() + padding, 0);
        match option {
            _ if is_integer(option) => {
                put_integer(&mut out, given.number(arg)?, size, format.big_endian);
                arg += 1;
            }
            b'x' => out.push(0),
            b'f' => {
                let number = given.number(arg)? as f32;
                out.extend(if format.big_endian { number.to_be_bytes() } else { number.to_le_bytes() });
                arg += 1;
            }
            b'd' => {
                let number = given.number(arg)?;
                out.extend(if format.big_endian { number.to_be_bytes() } else { number.to_le_bytes() });
                arg += 1;
            }
            b'c' | b's' => {
                let text = given.string(arg)?;
                let text = text.as_bytes();
                arg += 1;
                let size = if size == 0 { text.len() } else { size };
                if text.len() < size {
                    return Err(bad_argument(lua, arg, "string too short"));
                }
                out.extend_from_slice(&text[..size]);
                if option == b's' {
                    out.push(0);
                }
            }
            control => format.control(control)?,
        }
    }
    lua.create_string(out)
}

/// As C casts: a negative number by way of a signed one.
fn put_integer(out: &mut Vec<u8>, n: f64, size: usize, big_endian: bool) {
    let value = if n < 0.0 { n as i64 as u64 } else { to_unsigned(n) };
    let from = out.len();
    out.extend((0..size).map(|i| if i < 8 { (value >> (8 * i)) as u8 } else { 0 }));
    if big_endian {
        out[from..].reverse();
    }
}

/// As x86-64 casts a double to an unsigned long: what does not fit becomes 2^63 or 0.
fn to_unsigned(n: f64) -> u64 {
    const TOP: f64 = 9_223_372_036_854_775_808.0;
    if n < TOP {
        n as i64 as u64
    } else if n < 2.0 * TOP {
        n as u64
    } else if n.is_nan() {
        1 << 63
    } else {
        0
    }
}

fn unpack(lua: &Lua, args: MultiValue) -> mlua::Result<MultiValue> {
    let given = Given::new(lua, &args);
    let (format, data) = (given.string(1)?, given.string(2)?);
    let (format, data) = (format.as_bytes(), data.as_bytes());
    let first = given.integer_or(3, 1)?;
    if first < 1 {
        return Err(bad_argument(lua, 3, "offset must be 1 or greater"));
    }
    let mut at = (first - 1) as usize;
    let mut format = Format::new(lua, &format);
    let mut values: Vec<Value> = Vec::new();
    let too_short = || bad_argument(lua, 2, "data string too short");
    let fits = |at: usize, size: usize| at <= data.len() && size <= data.len() - at;
    while let Some(Item { option, mut size, padding }) = format.next(at)? {
        at = at.saturating_add(padding);
        if !fits(at, size) {
            return Err(too_short());
        }
        let bytes = &data[at..at + size];
        match option {
            _ if is_integer(option) => {
                values.push(Value::Number(get_integer(
                    bytes,
                    format.big_endian,
                    option.is_ascii_lowercase(),
                )));
            }
            b'x' => {}
            b'f' => {
                let bytes = bytes.try_into().expect("four bytes were asked for");
                let number =
                    if format.big_endian { f32::from_be_bytes(bytes) } else { f32::from_le_bytes(bytes) };
                values.push(Value::Number(f64::from(number)));
            }
            b'd' => {
                let bytes = bytes.try_into().expect("eight bytes were asked for");
                let number =
                    if format.big_endian { f64::from_be_bytes(bytes) } else { f64::from_le_bytes(bytes) };
                values.push(Value::Number(number));
            }
            b'c' => {
                if size == 0 {
                    let last = values.pop().map(|last| lua.coerce_number(last)).transpose()?.flatten();
                    let Some(last) = last else {
                        return Err(raise(lua, "format 'c0' needs a previous size"));
                    };
                    size = to_unsigned_or_signed(last);
                    if !fits(at, size) {
                        return Err(too_short());
                    }
                }
                values.push(Value::String(lua.create_string(&data[at..at + size])?));
            }
            b's' => {
                let Some(len) = data[at..].iter().position(|&c| c == 0) else {
                    return Err(raise(lua, "unfinished string in data"));
                };
                values.push(Value::String(lua.create_string(&data[at..at + len])?));
                size = len + 1;
            }
            control => format.control(control)?,
        }
        at += size;
    }
    values.push(Value::Number((at + 1) as f64));
    Ok(MultiValue::from_vec(values))
}

fn to_unsigned_or_signed(n: f64) -> usize {
    if n < 0.0 { n as i64 as usize } else { to_unsigned(n) as usize }
}

fn get_integer(bytes: &[u8], big_endian: bool, signed: bool) -> f64 {
    let push = |n: u64, byte: &u8| n << 8 | u64::from(*byte);
    let n = if big_endian { bytes.iter().fold(0, push) } else { bytes.iter().rev().fold(0, push) };
    if !signed {
        return n as f64;
    }
    // The width's highest bit and all above it; the shift is taken modulo 64, as the processor does.
    let mask = u64::MAX.wrapping_shl((bytes.len() as u32).wrapping_mul(8).wrapping_sub(1));
    let n = if n & mask == 0 { n } else { n | mask };
    n as i64 as f64
}

fn size(lua: &Lua, args: MultiValue) -> mlua::Result<f64> {
    let given = Given::new(lua, &args);
    let format = given.string(1)?;
    let format = format.as_bytes();
    let mut format = Format::new(lua, &format);
    let mut total: usize = 0;
    while let Some(Item { option, size, padding }) = format.next(total)? {
        match option {
            b's' => return Err(bad_argument(lua, 1, "option 's' has no fixed size")),
            b'c' if size == 0 => return Err(bad_argument(lua, 1, "option 'c0' has no fixed size")),
            other if !other.is_ascii_alphanumeric() => format.control(other)?,
            _ => {}
        }
        total = total.saturating_add(padding).saturating_add(size);
    }
    Ok(total as f64)
}
