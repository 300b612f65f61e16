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
    // Its first operation always writes: what fails and only lengthens the string, redis-server leaves out of its stream.
    entry(
        25,
        "bitfield <bit-key> set u1 1400 (0|1) {overflow fail|overflow sat|overflow wrap|get <integer-type> <place-of-bits>|set <integer-type> <place-of-bits> <int>|incrby <integer-type> <place-of-bits> <int>}",
        Exact,
    ),
    entry(10, "bitfield <bit-key> (set|incrby) <integer-type> <place-of-bits> <int>", Exact),
    entry(4, "bitfield <bit-key> overflow sat incrby <integer-type> <place-of-bits> <int>", Exact),
    entry(6, "(bitfield|bitfield_ro) <bit-key> {get <integer-type> <place-of-bits>|overflow fail}", Exact),
    entry(3, "(bitfield|bitfield_ro) <bit-key> {get|overflow|set u8|incrby u8 0|nonsense|get u8 0}", Exact),
    entry(1, "bitfield_ro <bit-key> set u8 0 1", Exact),
    entry(2, "(get|del|object encoding) <bit-key>", Exact),
    entry(30, "pfadd <hll-key> [{<hll-element>}]", Exact),
    entry(
        30,
        "pfadd <hll-key> <hll-element> <hll-element> <hll-element> <hll-element> <hll-element> <hll-element>",
        Exact,
    ),
    entry(20, "pfcount {<hll-key>}", Exact),
    entry(10, "pfcount <hll-key>", Exact),
    entry(10, "pfmerge {<hll-key>}", Exact),
    entry(6, "get <hll-key>", Exact),
    entry(3, "set <hll-key> <hll>", Exact),
    entry(1, "(del|object encoding) <hll-key>", Exact),
    entry(2, "pfdebug (decode|encoding|nonsense) <hll-key>", Exact),
    entry(1, "pfdebug (getreg|todense) <hll-key>", Exact),
    entry(2, "config set hll-sparse-max-bytes (0|60|400|3000|3000)", Exact),
    // One element at a time: redis-server keeps those before the one that fails.
    entry(4, "set <corrupt-hll-key> <corrupt-hll>", Exact),
    entry(4, "pfadd <corrupt-hll-key> <hll-element>", Exact),
    entry(2, "pfcount <corrupt-hll-key> [<hll-key>]", Exact),
    entry(1, "pfmerge <hll-key> <corrupt-hll-key>", Exact),
    entry(1, "pfmerge <corrupt-hll-key> <hll-key>", Exact),
    entry(1, "pfdebug (decode|encoding|getreg|todense) <corrupt-hll-key>", Exact),
    entry(1, "get <corrupt-hll-key>", Exact),
];
