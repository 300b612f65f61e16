//! `math.random` and `math.randomseed`: after one seed the same numbers on every server. The generator is the one of
//! POSIX's lrand48. Each run begins with a seed of its own.

use super::args::Given;
use crate::raise::{bad_argument, raise};
use mlua::{Lua, MultiValue, Table};
use std::cell::Cell;

const MULTIPLIER: u64 = 0x5_DEEC_E66D;
const INCREMENT: u64 = 0xB;
const MASK: u64 = (1 << 48) - 1;
const LOWEST: u64 = 0x330E;
/// A number below it, divided by it, is the random number between 0 and 1.
const LIMIT: u64 = i32::MAX as u64;

thread_local! {
    static STATE: Cell<u64> = const { Cell::new(LOWEST) };
}

/// Begins a run, or what `math.randomseed` asks for.
pub(crate) fn seed(seed: i32) {
    STATE.set(u64::from(seed as u32) << 16 | LOWEST);
}

/// 31 random bits.
fn next() -> u64 {
    let state = STATE.get().wrapping_mul(MULTIPLIER).wrapping_add(INCREMENT) & MASK;
    STATE.set(state);
    state >> 17
}

pub(crate) fn offer(lua: &Lua, offered: &Table) -> mlua::Result<()> {
    offered.raw_set("random", lua.create_function(random)?)?;
    offered.raw_set("randomseed", lua.create_function(randomseed)?)
}

fn random(lua: &Lua, args: MultiValue) -> mlua::Result<f64> {
    let given = Given::new(lua, &args);
    let r = (next() % LIMIT) as f64 / LIMIT as f64;
    match args.len() {
        0 => Ok(r),
        1 => {
            let high = given.integer(1)? as i32;
            if high < 1 {
                return Err(bad_argument(lua, 1, "interval is empty"));
            }
            Ok((r * f64::from(high)).floor() + 1.0)
        }
        2 => {
            let (low, high) = (given.integer(1)? as i32, given.integer(2)? as i32);
            if high < low {
                return Err(bad_argument(lua, 2, "interval is empty"));
            }
            // As C's ints: the width may wrap.
            let width = high.wrapping_sub(low).wrapping_add(1);
            Ok((r * f64::from(width)).floor() + f64::from(low))
        }
        _ => Err(raise(lua, "wrong number of arguments")),
    }
}

fn randomseed(lua: &Lua, args: MultiValue) -> mlua::Result<()> {
    seed(Given::new(lua, &args).integer(1)? as i32);
    Ok(())
}
