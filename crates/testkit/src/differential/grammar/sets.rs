//! Sets.

use super::super::compare::Class::*;
use super::{Entry, entry};

pub const TABLE: &[Entry] = &[
    entry(30, "sadd <set-key> {<value>}", Exact),
    entry(20, "sadd <set-key> {<int>}", Exact),
    entry(3, "sadd <key> {<value>}", Exact),
    entry(12, "srem <set-key> {<int>}", Exact),
    entry(5, "srem <set-key> {<value>}", Exact),
    entry(10, "smove <set-key> <set-key> <int>", Exact),
    entry(8, "sismember <set-key> <int>", Exact),
    entry(6, "smismember <set-key> {<int>}", Exact),
    entry(8, "smembers <set-key>", Unordered),
    entry(8, "scard <set-key>", Exact),
    entry(3, "(smembers|scard|srandmember) <key>", Kind),
    entry(2, "spop <text-key> [<int>]", Exact),
    // What is taken by chance would not be the same on both sides: nothing, or all.
    entry(3, "spop <set-key> (0|-1|x|9999999)", Unordered),
    entry(5, "srandmember <set-key>", Kind),
    entry(5, "srandmember <set-key> (-7|-1|0|1|x)", Shape),
    entry(4, "srandmember <set-key> 9999999", Unordered),
    entry(10, "(sinter|sunion|sdiff) {<set-key>}", Unordered),
    entry(10, "(sinterstore|sunionstore|sdiffstore) <set-key> {<set-key>}", Exact),
    entry(1, "(sinterstore|sunionstore|sdiffstore) <key> {<set-key>}", Exact),
    entry(6, "sintercard (1|2|3|<int>) {<set-key>} [limit <count>]", Exact),
    entry(2, "sintercard 1 <set-key> {limit <int>|nonsense}", Exact),
    entry(5, "object encoding <set-key>", Exact),
    entry(5, "sscan <set-key> 0 [match <glob>] count 99999", Members),
    entry(3, "sscan <set-key> <cursor> {match <glob>|count <int>|type <type>}", Kind),
];
