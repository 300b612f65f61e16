//! SORT. Equal weights under ALPHA are told apart by the order in which the elements came, where redis-server has its
//! own quicksort do it if there is a LIMIT, and sets and sorted sets come in the order of a hash table: such keys are
//! sorted by weights that differ, by themselves (without zero bytes, which end a text that is only looked at), or in the
//! order of the elements. Sorted sets are of their own, since
//! redis-server makes a skiplist of one that it sorts. What is stored is sorted by integers or texts: for other numbers
//! redis-server looks at an errno that an earlier command may have left.

use super::super::compare::Class::*;
use super::{Entry, entry};

pub const TABLE: &[Entry] = &[
    entry(6, "rpush <number-key> {<number>}", Exact),
    entry(6, "sadd <number-set-key> {<number>}", Exact),
    entry(3, "rpush <real-key> {<float>}", Exact),
    entry(3, "sort <real-key> [desc] [limit <limit> <limit>]", Exact),
    entry(6, "zadd <sorted-zset-key> {<number> <plain-member>}", Exact),
    entry(6, "mset <weight-key> <int> [<weight-key> <float>]", Exact),
    entry(4, "mset <weight-key> <value> <weight-key> <element>", Exact),
    entry(6, "mset <int-weight-key> <number> <int-weight-key> <number>", Exact),
    entry(10, "(sort|sort_ro) <number-key> [desc|asc] [alpha] [limit <limit> <limit>]", Exact),
    entry(6, "(sort|sort_ro) <number-set-key> [desc|asc] [alpha] [limit <limit> <limit>]", Exact),
    entry(6, "(sort|sort_ro) <sorted-zset-key> alpha [desc|asc] [limit <limit> <limit>]", Exact),
    entry(4, "(sort|sort_ro) <set-key> [desc|asc] [alpha]", Unordered),
    entry(4, "(sort|sort_ro) <key> [desc|asc] [alpha]", Unordered),
    entry(
        6,
        "(sort|sort_ro) (<sorted-zset-key>|<number-key>) by nosort [desc] [limit <limit> <limit>]",
        Exact,
    ),
    entry(3, "sort <set-key> by nosort [desc]", Unordered),
    entry(8, "sort (<number-key>|<number-set-key>) by w* [desc|asc] [get #] [get w*] [get none]", Exact),
    entry(
        4,
        "sort (<number-key>|<number-set-key>) by w* [limit <limit> <limit>] [desc] get # get t*->f",
        Exact,
    ),
    entry(6, "hset <weight-hash-key> n <index> t <element>", Exact),
    entry(
        6,
        "(sort|sort_ro) <number-key> by h*->n [desc] [limit <limit> <limit>] [get h*->t] [get #] [get h*]",
        Exact,
    ),
    entry(4, "sort <number-key> alpha by h*->t [desc] get #", Exact),
    entry(4, "sort <number-key> by nosort get h*->n get h*->none [get h*->] store <list-key>", Exact),
    entry(4, "sort <number-key> alpha by w* [desc] get # get w*", Exact),
    entry(4, "sort_ro <sorted-zset-key> alpha [limit <limit> <limit>] [get *] [get w*]", Exact),
    entry(8, "sort <number-key> [alpha] [desc] [limit <limit> <limit>] store <key>", Exact),
    entry(4, "sort <number-set-key> alpha [desc] [limit <limit> <limit>] store <key>", Exact),
    entry(5, "sort <number-key> by v* [desc] [limit <limit> <limit>] store <list-key>", Exact),
    entry(
        5,
        "sort (<number-key>|<sorted-zset-key>) by nosort [get w*] [get #] [limit <limit> <limit>] store <list-key>",
        Exact,
    ),
    entry(4, "sort <set-key> by nosort [desc] store <list-key>", Exact),
    entry(4, "sort (<list-key>|<set-key>) alpha [desc] [limit <limit> <limit>] store <list-key>", Exact),
    entry(
        2,
        "(sort|sort_ro) <number-key> {by w*|get|limit <int>|alpha|store|<any>|limit <int> <int>}",
        Exact,
    ),
];
