//! Strings.

use super::super::compare::Class::*;
use super::{Entry, entry};

pub const TABLE: &[Entry] = &[
    entry(40, "get <key>", Exact),
    entry(60, "set <key> <value>", Exact),
    entry(
        40,
        "set <key> <value> [nx|xx] [get] [ex <seconds>|px <millis>|exat <at>|pxat <at-millis>|keepttl]",
        Exact,
    ),
    entry(
        5,
        "set <key> <value> {nx|xx|get|keepttl|ex <seconds>|px <millis>|exat <at>|pxat <at-millis>}",
        Exact,
    ),
    entry(10, "setnx <key> <value>", Exact),
    entry(10, "setex <key> <seconds> <value>", Exact),
    entry(10, "psetex <key> <millis> <value>", Exact),
    entry(10, "getset <key> <value>", Exact),
    entry(10, "getdel <key>", Exact),
    entry(15, "getex <key> [ex <seconds>|px <millis>|exat <at>|pxat <at-millis>|persist]", Exact),
    entry(3, "getex <key> {persist|ex <seconds>|px <millis>|nx|keepttl}", Exact),
    entry(20, "append <key> <value>", Exact),
    entry(15, "strlen <key>", Exact),
    entry(20, "setrange <key> <offset> <value>", Exact),
    entry(20, "getrange <key> <index> <index>", Exact),
    entry(5, "substr <key> <index> <index>", Exact),
    entry(15, "incr <key>", Exact),
    entry(10, "decr <key>", Exact),
    entry(15, "incrby <key> <int>", Exact),
    entry(10, "decrby <key> <int>", Exact),
    entry(15, "incrbyfloat <key> <float>", Exact),
    entry(15, "mget {<key>}", Exact),
    entry(15, "mset {<key> <value>}", Exact),
    entry(10, "msetnx {<key> <value>}", Exact),
    entry(5, "msetnx {<text-key> <text>}", Exact),
    entry(8, "set <text-key> <text>", Exact),
    entry(12, "lcs <text-key> <text-key> [len|idx] [minmatchlen <count>] [withmatchlen]", Exact),
    entry(2, "lcs <text-key> <text-key> {len|idx|minmatchlen <int>|withmatchlen}", Exact),
];
