//! Hashes.

use super::super::compare::Class::*;
use super::{Entry, entry};

pub const TABLE: &[Entry] = &[
    entry(25, "hset <hash-key> <field> <value>", Exact),
    entry(20, "hset <hash-key> <field> <value> <field> <value> <field> <int> <field> <float>", Exact),
    // An odd number of words is refused.
    entry(4, "hset <hash-key> {<field>}", Exact),
    entry(6, "hmset <hash-key> <field> <value> <field> <value>", Exact),
    entry(2, "hmset <hash-key> {<field>}", Exact),
    entry(3, "(hset|hmset|hsetnx) <key> <field> <value>", Exact),
    entry(8, "hsetnx <hash-key> <field> <value>", Exact),
    entry(12, "hdel <hash-key> {<field>}", Exact),
    entry(12, "hincrby <hash-key> (n|m|<field>) <int>", Exact),
    entry(12, "hincrbyfloat <hash-key> (n|m|<field>) <float>", Exact),
    entry(2, "(hincrby|hincrbyfloat) <key> <field> <float>", Exact),
    entry(15, "hget <hash-key> <field>", Exact),
    entry(8, "hmget <hash-key> {<field>}", Exact),
    entry(10, "hgetall <hash-key>", Pairs),
    entry(5, "(hkeys|hvals) <hash-key>", Unordered),
    entry(5, "hlen <hash-key>", Exact),
    entry(5, "(hexists|hstrlen) <hash-key> <field>", Exact),
    entry(3, "(hget|hmget|hexists|hstrlen) <key> <field>", Exact),
    entry(3, "(hgetall|hkeys|hvals|hlen|hrandfield) <key>", Kind),
    entry(4, "hrandfield <hash-key>", Kind),
    entry(4, "hrandfield <hash-key> (-7|-1|0|1|x|-9223372036854775808)", Shape),
    entry(
        4,
        "hrandfield <hash-key> (-7|-1|0|1|x|4611686018427387904|-4611686018427387904) (withvalues|nonsense)",
        Shape,
    ),
    entry(3, "hrandfield <hash-key> 9999999", Unordered),
    entry(3, "hrandfield <hash-key> 9999999 withvalues", Unordered),
    entry(1, "hrandfield <hash-key> 1 withvalues <int>", Exact),
    entry(4, "hscan <hash-key> 0 [match <glob>] count 99999", Members),
    entry(3, "hscan <hash-key> <cursor> {match <glob>|count <int>|type <type>}", Kind),
    entry(6, "object encoding <hash-key>", Exact),
    entry(3, "debug digest-value <hash-key> <hash-key>", Exact),
    entry(3, "dump <hash-key>", Kind),
    entry(3, "(del|persist|type|unlink) <hash-key>", Exact),
    entry(2, "copy <hash-key> <hash-key> [replace]", Exact),
    entry(2, "rename <hash-key> <hash-key>", Exact),
    entry(2, "get <hash-key>", Exact),
    entry(1, "set <hash-key> <value>", Exact),
];
