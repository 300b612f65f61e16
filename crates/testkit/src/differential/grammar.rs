//! The commands: how often each comes, how its arguments look, how its replies are compared.
//!
//! What 7.0.15 refuses where 7.2 does not has no place here, since inside MULTI it would end one side only: CLIENT
//! SETINFO, and HELLO with several options, which 7.0.15 carries out one by one until one is wrong. A pause that lasts has none either: in it 7.0.15 does not remove what has
//! expired, and falls over a key that it neither sees nor can add.
//! A new command is a line here. Kinds of arguments are in [`super::stream`]. Times to live are far away or long
//! past, so that no reply depends on when it is asked for.

use super::compare::Class::{self, *};

pub struct Entry {
    pub weight: u64,
    pub pattern: &'static str,
    pub class: Class,
}

const fn entry(weight: u64, pattern: &'static str, class: Class) -> Entry {
    Entry { weight, pattern, class }
}

pub const TABLE: &[Entry] = &[
    // Strings.
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
    // Keys of any type.
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
    entry(6, "restore <key> <ttl> <dump> [replace]", Exact),
    entry(
        4,
        "restore <key> (<at-millis> <dump> absttl|0 <dump>) {replace|idletime <count>|freq <count>|absttl}",
        Exact,
    ),
    // The whole keyspace.
    entry(25, "select <db>", Exact),
    entry(5, "swapdb <db> <db>", Exact),
    entry(5, "dbsize", Kind),
    entry(2, "flushdb [sync|async|nonsense]", Exact),
    entry(1, "flushall [sync|async|nonsense]", Exact),
    // Transactions.
    entry(25, "multi", Exact),
    entry(25, "exec", Exact),
    entry(5, "discard", Exact),
    entry(15, "watch {<key>}", Exact),
    entry(5, "unwatch", Exact),
    // The connection.
    entry(8, "ping [<value>]", Exact),
    entry(8, "echo <value>", Exact),
    entry(2, "auth <name>", Exact),
    entry(2, "auth (default|<name>) <name>", Exact),
    entry(5, "hello [2|3|4|<int>]", Hello),
    entry(3, "hello (2|3) (auth (default|nobody) <name>|setname <name>|nonsense)", Hello),
    entry(1, "quit", Exact),
    entry(3, "reset", Exact),
    entry(4, "client setname <name>", Exact),
    entry(4, "client getname", Exact),
    entry(2, "client id", Kind),
    entry(2, "client (info|list)", Kind),
    entry(2, "client list (type <client-type>|id {<int>}|nonsense)", Kind),
    entry(
        2,
        "client kill (127.0.0.1:1|addr 127.0.0.1:1|laddr 127.0.0.1:1|user nobody|id <big-id>|type <client-type> skipme yes|nonsense)",
        Exact,
    ),
    entry(1, "client kill addr 127.0.0.1:1 {id 999999999|skipme (yes|no|maybe)|type pubsub}", Exact),
    entry(2, "client no-evict (on|off|nonsense)", Exact),
    entry(1, "client pause (x|-1|1 read|1 all all)", Exact),
    entry(1, "client unpause", Exact),
    entry(2, "client unblock <big-id> [timeout|error|nonsense]", Exact),
    entry(1, "client (help|nonsense|reply nonsense|getname x)", Shape),
    // The server.
    entry(4, "config get <setting>", Pairs),
    entry(3, "config get {<setting>}", Pairs),
    entry(
        4,
        "config set {hz <int>|lfu-log-factor <int>|slowlog-log-slower-than <int>|active-expire-effort <count>}",
        Exact,
    ),
    entry(2, "config set hz 10 nosuchsetting <value>", Exact),
    entry(1, "config (resetstat|nonsense|get|set hz|help)", Shape),
    entry(5, "command info {<command>}", Notes),
    entry(5, "command getkeys <request>", Exact),
    entry(4, "command getkeysandflags <request>", Exact),
    entry(1, "command list filterby (aclcat transaction|pattern <key>|module x|nonsense x)", Unordered),
    entry(1, "command (count|help|nonsense)", Kind),
    entry(2, "time", Kind),
    entry(1, "lastsave", Kind),
    entry(2, "role", Exact),
    entry(1, "debug set-active-expire (0|1)", Exact),
    entry(4, "debug digest-value {<text-key>}", Exact),
    entry(1, "debug sleep 0", Exact),
    entry(1, "debug (object nokey|nonsense|reload nonsense)", Exact),
    // What there isn't.
    entry(4, "nosuchcommand {<any>}", Exact),
    entry(1, "<any> {<any>}", Exact),
];
