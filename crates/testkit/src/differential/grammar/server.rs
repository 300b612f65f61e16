//! The whole keyspace, transactions, connections, the server, and what there isn't.

use super::super::compare::Class::*;
use super::{Entry, entry};

pub const TABLE: &[Entry] = &[
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
