//! Streams. Ids are given: what `*` makes of the clock differs from server to server. Of consumers only that they are
//! told: 7.2 makes them where 7.0.15 does not, and tells more of each.

use super::super::compare::Class::*;
use super::{Entry, entry};

pub const TABLE: &[Entry] = &[
    entry(60, "xadd <stream-key> <new-id> {<element> <element>}", Exact),
    entry(15, "xadd <stream-key> [nomkstream] <new-id> <element> <value>", Exact),
    entry(12, "xadd <stream-key> maxlen [~|=] <count> [limit <limit>] <new-id> <element> <value>", Exact),
    entry(8, "xadd <stream-key> minid [~|=] <entry-id> [limit <limit>] <new-id> <element> <value>", Exact),
    entry(
        3,
        "xadd <stream-key> {nomkstream|maxlen <int>|minid <entry-id>|limit <int>|~|nonsense} <new-id> {<element>}",
        Exact,
    ),
    entry(5, "xlen <stream-key>", Exact),
    entry(2, "xlen <key>", Exact),
    entry(15, "xrange <stream-key> <id-bound> <id-bound> [count <limit>]", Exact),
    entry(15, "xrevrange <stream-key> <id-bound> <id-bound> [count <limit>]", Exact),
    entry(2, "(xrange|xrevrange) <stream-key> - + {count <int>|count|nonsense}", Exact),
    entry(20, "xdel <stream-key> {<entry-id>}", Exact),
    entry(4, "xtrim <stream-key> (maxlen [~|=] <int>|minid [~|=] <entry-id>) [limit <int>]", Exact),
    entry(1, "xtrim <stream-key> {maxlen <int>|minid <entry-id>|limit <int>|~|nonsense}", Exact),
    entry(2, "xsetid <stream-key> <last-id> [entriesadded <int>] [maxdeletedid <entry-id>]", Exact),
    entry(1, "xsetid <stream-key> <last-id> {entriesadded <int>|maxdeletedid <entry-id>|nonsense}", Exact),
    entry(8, "xread [count <limit>] [block (1|x|-1)] streams <stream-key> <entry-id>", Exact),
    entry(6, "xread [count <limit>] streams <stream-key> <stream-key> <entry-id> <entry-id>", Exact),
    entry(
        2,
        "xread {count <int>|block (1|x)|noack|group <group> <consumer>} streams <stream-key> ($|>|0)",
        Exact,
    ),
    entry(
        15,
        "xgroup create <stream-key> <group> (<entry-id>|$|0) [mkstream] [entriesread (<count>|-1|-7|x|4611686018427387904|9223372036854775808)]",
        Exact,
    ),
    entry(
        1,
        "xgroup create <stream-key> <group> $ {mkstream|entriesread (<count>|-1|-7|x|4611686018427387904|9223372036854775808)|nonsense}",
        Exact,
    ),
    entry(
        4,
        "xgroup setid <stream-key> <group> (<entry-id>|$) [entriesread (<count>|-1|-7|x|4611686018427387904|9223372036854775808)]",
        Exact,
    ),
    entry(
        1,
        "xgroup setid <stream-key> <group> 0 {entriesread (<count>|-1|-7|x|4611686018427387904|9223372036854775808)|mkstream|nonsense}",
        Exact,
    ),
    entry(2, "xgroup destroy <stream-key> <group>", Exact),
    entry(6, "xgroup createconsumer <stream-key> <group> <consumer>", Kind),
    entry(2, "xgroup delconsumer <stream-key> <group> <consumer>", Exact),
    entry(1, "(xgroup|xinfo) (help|nonsense)", Shape),
    entry(
        1,
        "(xgroup|xinfo) (create|setid|destroy|createconsumer|delconsumer|stream|groups|consumers) {<key>}",
        Exact,
    ),
    entry(30, "xreadgroup group <group> <consumer> [count <limit>] [noack] streams <stream-key> >", Exact),
    entry(
        10,
        "xreadgroup group <group> <consumer> [count <limit>] [noack] streams <stream-key> <entry-id>",
        Exact,
    ),
    entry(
        6,
        "xreadgroup group <group> <consumer> [count <limit>] streams <stream-key> <stream-key> (>|0) (>|0|$)",
        Exact,
    ),
    entry(
        2,
        "xreadgroup {group <group> <consumer>|count <int>|block (1|x)|noack|nonsense} streams <stream-key> (>|$|0)",
        Exact,
    ),
    entry(20, "xack <stream-key> <group> {<entry-id>}", Exact),
    entry(10, "xpending <stream-key> <group>", Exact),
    entry(10, "xpending <stream-key> <group> <id-bound> <id-bound> <limit> [<consumer>]", Pending),
    entry(
        4,
        "xpending <stream-key> <group> idle (0|-5|99999999) <id-bound> <id-bound> <limit> [<consumer>]",
        Pending,
    ),
    entry(1, "xpending <stream-key> <group> {idle|<int>|-|+}", Pending),
    entry(
        20,
        "xclaim <stream-key> <group> <consumer> (0|-1|99999999) {<entry-id>} [retrycount <limit>] [force] [justid]",
        Exact,
    ),
    entry(
        4,
        "xclaim <stream-key> <group> <consumer> 0 {<entry-id>} {idle (0|99999999)|time (0|-1|1)|lastid <entry-id>|force}",
        Exact,
    ),
    entry(
        2,
        "xclaim <stream-key> <group> <consumer> <int> {<entry-id>} {idle x|time x|retrycount <int>|lastid <entry-id>|nonsense}",
        Exact,
    ),
    entry(
        15,
        "xautoclaim <stream-key> <group> <consumer> (0|-1|99999999) <id-bound> [count <limit>] [justid]",
        Exact,
    ),
    entry(
        1,
        "xautoclaim <stream-key> <group> <consumer> <int> <id-bound> {count <limit>|justid|nonsense}",
        Exact,
    ),
    entry(10, "xinfo stream <stream-key>", Exact),
    entry(8, "xinfo stream <stream-key> full [count <limit>]", Groups),
    entry(1, "xinfo stream <stream-key> {full|count <int>|nonsense}", Groups),
    entry(8, "xinfo groups <stream-key>", Groups),
    entry(4, "xinfo consumers <stream-key> <group>", Kind),
    entry(3, "debug digest-value <stream-key> <stream-key>", Exact),
    entry(2, "copy <stream-key> <stream-key> [replace]", Exact),
    entry(2, "(del|type|persist) <stream-key>", Exact),
    entry(1, "object encoding <stream-key>", Exact),
    entry(2, "config set stream-node-max-entries <block-entries>", Exact),
];
