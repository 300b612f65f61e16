//! Bitmaps, bitfields and HyperLogLogs: strings that are looked at otherwise.

use super::super::compare::Class::*;
use super::{Entry, entry};

pub const TABLE: &[Entry] = &[
    entry(15, "setbit <key> <bit> (0|1)", Exact),
    entry(2, "setbit <key> <bit> <int>", Exact),
    entry(12, "getbit <key> <bit>", Exact),
    entry(10, "bitcount <key> [<index> <index> [byte|bit]]", Exact),
    entry(12, "bitpos <key> (0|1) [<index> [<index> [byte|bit]]]", Exact),
    entry(2, "(bitcount|bitpos) <key> {<index>|byte|bit|nonsense}", Exact),
    entry(10, "bitop (and|or|xor) <key> {<key>}", Exact),
    entry(4, "bitop not <key> <key>", Exact),
    entry(2, "bitop (and|not|nonsense) {<key>}", Exact),
];
