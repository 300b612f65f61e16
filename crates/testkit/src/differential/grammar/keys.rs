//! Keys of any type.

use super::super::compare::Class::*;
use super::{Entry, entry};

pub const TABLE: &[Entry] = &[
    entry(20, "del {<key>}", Exact),
    entry(10, "unlink {<key>}", Exact),
    entry(15, "exists {<key>}", Exact),
    entry(10, "touch {<key>}", Exact),
    entry(15, "expire <key> <seconds> [nx|xx|gt|lt]", Exact),
    entry(10, "pexpire <key> <millis> [nx|xx|gt|lt]", Exact),
    entry(10, "expireat <key> <at> [nx|xx|gt|lt]", Exact),
    entry(10, "pexpireat <key> <at-millis> [nx|xx|gt|lt]", Exact),
    entry(3, "(expire|pexpire) <key> <millis> {nx|xx|gt|lt|ch}", Exact),
    entry(15, "ttl <key>", Near(60)),
    entry(10, "pttl <key>", Near(60_000)),
    entry(8, "expiretime <key>", Near(60)),
    entry(8, "pexpiretime <key>", Near(60_000)),
    entry(8, "persist <key>", Exact),
    entry(10, "type <key>", Exact),
    entry(10, "keys <glob>", Unordered),
    entry(6, "scan <cursor> [match <glob>] [count <count>] [type <type>]", Shape),
    entry(2, "scan <cursor> {match <glob>|count <int>|type <type>|nonsense}", Shape),
    entry(5, "randomkey", Kind),
    entry(12, "rename <key> <key>", Exact),
    entry(10, "renamenx <key> <key>", Exact),
    entry(15, "copy <key> <key> [db <db>] [replace]", Exact),
    entry(2, "copy <key> <key> {db <db>|replace|<key>}", Exact),
    entry(12, "move <key> <db>", Exact),
    entry(20, "object encoding <key>", Exact),
    entry(5, "object refcount <key>", Kind),
    entry(4, "object idletime <key>", Near(60)),
    entry(4, "object freq <key>", Exact),
    entry(2, "object (help|nonsense <key>|encoding)", Shape),
    entry(4, "dump <text-key>", Dump),
    entry(6, "(restore|restore-asking) <key> <ttl> <dump> [replace]", Exact),
    entry(
        4,
        "restore <key> (<at-millis> <dump> absttl|0 <dump>) {replace|idletime <count>|freq <count>|absttl}",
        Exact,
    ),
];
