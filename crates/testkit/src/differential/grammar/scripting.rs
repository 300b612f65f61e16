//! Scripts and function libraries.

use super::super::compare::Class::*;
use super::{Entry, entry};

pub const TABLE: &[Entry] = &[
    entry(60, "eval <script> 0", Exact),
    entry(10, "eval_ro <script> 0", Exact),
    entry(8, "eval <script> <int> {<key>}", Exact),
    entry(25, "eval <calling> 0 <call>", Exact),
    entry(8, "eval <calling> 1 <key> (get|set|incr|strlen|type|nosuch) <key> [<value>]", Exact),
    entry(8, "eval_ro <calling> 0 <call>", Exact),
    entry(10, "evalsha <sha> <limit> {<call>}", Exact),
    entry(4, "evalsha_ro <sha> 0 <call>", Exact),
    entry(4, "script load <calling>", Exact),
    entry(2, "script load <script>", Exact),
    entry(5, "script exists {<sha>}", Exact),
    entry(1, "script flush [sync|async|nonsense]", Exact),
    entry(1, "script (kill|nonsense|load|exists)", Exact),
    entry(1, "script help", Kind),
    entry(10, "function load [replace|nonsense] <library>", Exact),
    entry(3, "function delete <library-name>", Exact),
    entry(1, "function flush [sync|async|nonsense]", Exact),
    entry(4, "function list [libraryname <library-name>|withcode|nonsense]", Libraries),
    entry(1, "function dump", Kind),
    entry(3, "function restore <library-dump> [flush|append|replace]", Exact),
    entry(1, "function restore <dump> [flush|append|replace|nonsense]", Exact),
    entry(1, "function (stats|kill|nonsense|load|delete)", Exact),
    entry(1, "function help", Kind),
    entry(12, "fcall <function> (0|1|-1|x|2) {<call>}", Exact),
    entry(4, "fcall_ro <function> 0 <call>", Exact),
];
