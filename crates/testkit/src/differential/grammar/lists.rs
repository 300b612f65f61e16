//! Lists.

use super::super::compare::Class::*;
use super::{Entry, entry};

pub const TABLE: &[Entry] = &[
    entry(12, "lpush <list-key> {<element>}", Exact),
    entry(25, "rpush <list-key> {<element>}", Exact),
    entry(3, "rpush <list-key> {<element> <element> <element> <element> <element> <value>}", Exact),
    entry(6, "(lpushx|rpushx) <list-key> {<element>}", Exact),
    entry(8, "lpop <list-key> [<count>]", Exact),
    entry(8, "rpop <list-key> [<count>]", Exact),
    entry(8, "lmpop (1 <list-key>|2 <list-key> <list-key>) (left|right) [count <count>]", Exact),
    entry(2, "lmpop <int> {<list-key>} (left|right|count|<any>) {count <count>|left}", Exact),
    entry(6, "llen <list-key>", Exact),
    entry(15, "lrange <list-key> <index> <index>", Exact),
    entry(10, "lrange <list-key> 0 -1", Exact),
    entry(10, "lindex <list-key> <index>", Exact),
    entry(12, "lpos <list-key> <element> [rank <int>] [count <count>] [maxlen <count>]", Exact),
    entry(3, "lpos <list-key> <element> {rank <count>|count <int>|maxlen <int>|<any>}", Exact),
    entry(10, "lset <list-key> <count> <element>", Exact),
    entry(4, "lset <list-key> <index> <element>", Exact),
    entry(10, "linsert <list-key> (before|after) <element> <element>", Exact),
    entry(1, "linsert <list-key> (before|after|left) <any> <element>", Exact),
    entry(10, "lrem <list-key> <count> <element>", Exact),
    entry(4, "lrem <list-key> <int> <element>", Exact),
    entry(4, "ltrim <list-key> <index> <index>", Exact),
    entry(6, "ltrim <list-key> (0|1) -1", Exact),
    entry(8, "lmove <list-key> <list-key> (left|right) (left|right)", Exact),
    entry(1, "lmove <list-key> <list-key> (left|right|<any>) (left|<any>)", Exact),
    entry(6, "rpoplpush <list-key> <list-key>", Exact),
    entry(6, "object encoding <list-key>", Exact),
    entry(2, "config set list-max-listpack-size (<int>|-2|-1|4|16)", Exact),
    entry(2, "config set list-compress-depth (0|1|3|-1)", Exact),
];
