//! Streams by what is asked and answered. The replies are redis-server's: 7.0.15's, and 7.2's where that differs.

use crate::testing::check;

#[test]
fn adding() {
    check(
        r#"
        XADD s * a 1 -> "1000000-0" | XADD s 1000000-0 a 1
        xadd s * a 2 -> "1000000-1" | xadd s 1000000-1 a 2
        TICK 5
        XADD s * a 3 -> "1000005-0" | XADD s 1000005-0 a 3
        XADD s 1000005-* a 4 b 5 -> "1000005-1" | XADD s 1000005-1 a 4 b 5
        XADD s 1000006-* a 4 -> "1000006-0" | XADD s 1000006-0 a 4
        XADD s 2000000 a 4 -> "2000000-0" | XADD s 2000000 a 4
        # The clock is behind.
        XADD s * a 5 -> "2000000-1" | XADD s 2000000-1 a 5
        XADD s 3-* a 5 -> -ERR The ID specified in XADD is equal or smaller than the target stream top item |
        XADD s 2000000-1 a 5 -> -ERR The ID specified in XADD is equal or smaller than the target stream top item |
        XADD s 0-0 a 5 -> -ERR The ID specified in XADD must be greater than 0-0 |
        XADD none NOMKSTREAM * a 5 -> nil |
        EXISTS none -> 0
        XADD none 0-* a 5 -> "0-1" | XADD none 0-1 a 5
        XADD s * a -> -ERR wrong number of arguments for 'xadd' command |
        XADD s * a b c -> -ERR wrong number of arguments for 'xadd' command |
        XADD s NOMKSTREAM MAXLEN 5 2 -> -ERR wrong number of arguments for 'xadd' command |
        XADD s - a 5 -> -ERR Invalid stream ID specified as stream command argument |
        XADD s foo 5 a b -> -ERR Invalid stream ID specified as stream command argument |
        XLEN s -> 7
        XADD s 18446744073709551615-18446744073709551615 a b
        XADD s * a b -> -ERR The stream has exhausted the last possible ID, unable to add more items |
        XADD s 18446744073709551615-* a b -> -ERR The stream has exhausted the last possible ID, unable to add more items |
        SET text v
        XADD text * a b -> -WRONGTYPE Operation against a key holding the wrong kind of value |
        XADD e 1 a 1 a 2
        XRANGE e - + -> [["1-0", ["a", "1", "a", "2"]]]
        XADD e 2-18446744073709551615 a b
        XADD e 2-* a b -> -ERR The ID specified in XADD is equal or smaller than the target stream top item |
        XADD e * a b
        "#,
    );
}

#[test]
fn trimming() {
    check(
        r#"
        XADD s 1-1 a 1
        XADD s 2-1 a 1
        XADD s 3-1 a 1
        XADD s MAXLEN 3 4-1 a 1 -> "4-1" | XADD s MAXLEN 3 4-1 a 1
        XADD s MAXLEN = 3 5-* a 1 -> "5-0" | XADD s MAXLEN = 3 5-0 a 1
        XLEN s -> 3
        XADD s MAXLEN ~ 1 6 a 1 -> "6-0" | XADD s MAXLEN = 4 6 a 1
        XADD s MAXLEN ~ 1 LIMIT 7 7 a 1 -> "7-0" | XADD s MAXLEN = 5 LIMIT 7 7 a 1
        PRIMARY XADD s MAXLEN = 5 LIMIT 7 8 a 1 -> "8-0"
        XLEN s -> 5
        # The first record counts, though it is deleted.
        XADD s MINID ~ 7 9 a 1 -> "9-0" | XADD s MINID = 1-1 9 a 1
        XDEL s 4-1
        XADD s MINID ~ 7 10 a 1 -> "10-0" | XADD s MINID = 1-1 10 a 1
        XTRIM s MAXLEN ~ 2 -> 0 |
        XTRIM s MINID 7 -> 2 | XTRIM s MINID 7
        XTRIM s MINID 7 -> 0 |
        XRANGE s - + COUNT 1 -> [["7-0", ["a", "1"]]]
        XINFO STREAM s -> ["length", 4, "radix-tree-keys", 1, "radix-tree-nodes", 2, "last-generated-id", "10-0", "max-deleted-entry-id", "4-1", "entries-added", 10, "recorded-first-entry-id", "7-0", "groups", 0, "first-entry", ["7-0", ["a", "1"]], "last-entry", ["10-0", ["a", "1"]]]
        XTRIM s MAXLEN ~ 0 LIMIT 3 -> 0 |
        XTRIM s MAXLEN ~ 0 LIMIT 4 -> 4 | XTRIM s MAXLEN = 0 LIMIT 4
        EXISTS s -> 1
        XADD s 11 a 1
        XTRIM s MINID ~ 12 -> 1 | XTRIM s MINID = 18446744073709551615-18446744073709551615
        XTRIM none MAXLEN 0 -> 0 |
        XTRIM s MAXLEN -1 -> -ERR The MAXLEN argument must be >= 0. |
        XTRIM s MAXLEN x -> -ERR value is not an integer or out of range |
        XTRIM s MAXLEN ~ 1 LIMIT -1 -> -ERR The LIMIT argument must be >= 0. |
        XTRIM s MAXLEN 1 LIMIT 1 -> -ERR syntax error, LIMIT cannot be used without the special ~ option |
        XTRIM s LIMIT 1 -> -ERR syntax error, LIMIT cannot be used without specifying a trimming strategy |
        XTRIM s LIMIT 1 LIMIT 1 -> -ERR syntax error, LIMIT cannot be used without specifying a trimming strategy |
        XTRIM s LIMIT 0 LIMIT 0 -> -ERR syntax error, XTRIM must be called with a trimming strategy |
        XADD s LIMIT 0 * a 1 -> -ERR syntax error, LIMIT cannot be used without the special ~ option |
        XTRIM s MAXLEN 1 MINID 1 -> -ERR syntax error, MAXLEN and MINID options at the same time are not compatible |
        XTRIM s MAXLEN 1 foo -> -ERR syntax error |
        XTRIM s MINID x -> -ERR Invalid stream ID specified as stream command argument |
        "#,
    );
}

#[test]
fn ranges_and_deletions() {
    check(
        r#"
        XADD s 1-1 a 1
        XADD s 1-2 a 2
        XADD s 2-1 a 3
        XADD s 3-1 a 4
        XRANGE s - + COUNT 2 -> [["1-1", ["a", "1"]], ["1-2", ["a", "2"]]]
        XREVRANGE s + - COUNT 2 -> [["3-1", ["a", "4"]], ["2-1", ["a", "3"]]]
        XRANGE s (1-1 2 -> [["1-2", ["a", "2"]], ["2-1", ["a", "3"]]]
        XRANGE s (1-1 (2-1 -> [["1-2", ["a", "2"]]]
        XRANGE s 2 1 -> []
        XRANGE s - + COUNT 0 -> nil
        XRANGE s - + COUNT -5 -> nil
        XRANGE none - + COUNT 0 -> []
        XRANGE s - + COUNT -> -ERR syntax error
        XRANGE s - + COUNT x -> -ERR value is not an integer or out of range
        XRANGE s (+ + -> -ERR Invalid stream ID specified as stream command argument
        XRANGE s - (0-0 -> -ERR invalid end ID for the interval
        XRANGE s (18446744073709551615-18446744073709551615 + -> -ERR invalid start ID for the interval
        XDEL s 1-2 9-9 1-2 -> 1 | XDEL s 1-2 9-9 1-2
        XDEL s 1-2 -> 0 |
        XDEL none 1-2 -> 0 |
        XDEL s 1-1 x -> -ERR Invalid stream ID specified as stream command argument |
        XDEL s 1-1 2-1 3-1 -> 3
        XLEN s -> 0
        TYPE s -> stream
        XINFO STREAM s -> ["length", 0, "radix-tree-keys", 0, "radix-tree-nodes", 1, "last-generated-id", "3-1", "max-deleted-entry-id", "3-1", "entries-added", 4, "recorded-first-entry-id", "0-0", "groups", 0, "first-entry", nil, "last-entry", nil]
        XADD s 3-1 a 1 -> -ERR The ID specified in XADD is equal or smaller than the target stream top item
        XLEN none -> 0
        SET text v
        XLEN text -> -WRONGTYPE Operation against a key holding the wrong kind of value
        XRANGE text - + -> -WRONGTYPE Operation against a key holding the wrong kind of value
        XDEL text 1 -> -WRONGTYPE Operation against a key holding the wrong kind of value
        "#,
    );
}

#[test]
fn setting_the_last_id() {
    check(
        r#"
        XSETID none 5 -> -ERR no such key |
        XADD s 5 a 1
        XADD s 6 a 1
        XADD s 7 a 1
        XDEL s 6
        XSETID s 9-9 -> OK | XSETID s 9-9
        XSETID s 6 -> -ERR The ID specified in XSETID is smaller than the target stream top item |
        XSETID s 5 -> -ERR The ID specified in XSETID is smaller than current max_deleted_entry_id |
        XSETID s 7 ENTRIESADDED 1 -> -ERR The entries_added specified in XSETID is smaller than the target stream length |
        XSETID s 7 ENTRIESADDED -1 -> -ERR entries_added must be positive |
        XSETID s 7 MAXDELETEDID 8 -> -ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id |
        XSETID s 7 ENTRIESADDED -> -ERR syntax error |
        XSETID s 7 foo 5 -> -ERR syntax error |
        XSETID s + -> -ERR Invalid stream ID specified as stream command argument |
        XSETID s 8 ENTRIESADDED 20 MAXDELETEDID 7 -> OK | XSETID s 8 ENTRIESADDED 20 MAXDELETEDID 7
        XINFO STREAM s -> ["length", 2, "radix-tree-keys", 1, "radix-tree-nodes", 2, "last-generated-id", "8-0", "max-deleted-entry-id", "7-0", "entries-added", 20, "recorded-first-entry-id", "5-0", "groups", 0, "first-entry", ["5-0", ["a", "1"]], "last-entry", ["7-0", ["a", "1"]]]
        "#,
    );
}

#[test]
fn reading_plainly() {
    check(
        r#"
        XADD s 1-1 a 1
        XADD s 2-1 a 2
        XADD t 3-1 b 3
        XREAD STREAMS s t 0 0 -> [["s", [["1-1", ["a", "1"]], ["2-1", ["a", "2"]]]], ["t", [["3-1", ["b", "3"]]]]] |
        XREAD COUNT 1 STREAMS s none t 1-1 0 9 -> [["s", [["2-1", ["a", "2"]]]]]
        XREAD STREAMS s $ -> nil
        XREAD BLOCK 0 STREAMS s $ -> nil
        XREAD STREAMS s 18446744073709551615-18446744073709551615 -> nil
        RESP 3
        XREAD COUNT 0 STREAMS s t 1-1 0 -> {"s": [["2-1", ["a", "2"]]], "t": [["3-1", ["b", "3"]]]}
        XREAD STREAMS s $ -> nil
        XREAD STREAMS s t 0 -> -ERR Unbalanced 'xread' list of streams: for each stream key an ID or '$' must be specified.
        XREADGROUP GROUP g c STREAMS s t 0 -> -ERR Unbalanced 'xreadgroup' list of streams: for each stream key an ID or '>' must be specified.
        XREAD STREAMS s > -> -ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.
        XREAD STREAMS s + -> -ERR Invalid stream ID specified as stream command argument
        XREAD COUNT x STREAMS s 0 -> -ERR value is not an integer or out of range
        XREAD BLOCK x STREAMS s 0 -> -ERR timeout is not an integer or out of range
        XREAD BLOCK -1 STREAMS s 0 -> -ERR timeout is negative
        XREAD BLOCK 9223372036854775807 STREAMS s 0 -> -ERR timeout is out of range
        XREAD GROUP g c STREAMS s 0 -> -ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead.
        XREAD NOACK STREAMS s 0 -> -ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead.
        XREAD COUNT 1 COUNT -> -ERR syntax error
        XREAD COUNT 1 BLOCK 5 -> -ERR syntax error
        SET text v
        XREAD STREAMS text 0 -> -WRONGTYPE Operation against a key holding the wrong kind of value
        # Keys and groups may be called as the option is.
        XADD streams 1 a b
        XREAD STREAMS streams 0 -> {"streams": [["1-0", ["a", "b"]]]}
        XGROUP CREATE streams streams 0
        XREADGROUP COUNT 1 GROUP streams streams STREAMS streams > -> {"streams": [["1-0", ["a", "b"]]]}
        "#,
    );
}

#[test]
fn reading_as_a_consumer() {
    check(
        r#"
        XADD s 1-1 a 1
        XADD s 2-1 a 2
        XADD s 3-1 a 3
        XGROUP CREATE s g 0 -> OK | XGROUP CREATE s g 0
        XREADGROUP GROUP g c COUNT 2 STREAMS s > -> [["s", [["1-1", ["a", "1"]], ["2-1", ["a", "2"]]]]] | MULTI ; XCLAIM s g c 0 1-1 TIME 1000000 RETRYCOUNT 1 FORCE JUSTID LASTID 1-1 ; XCLAIM s g c 0 2-1 TIME 1000000 RETRYCOUNT 1 FORCE JUSTID LASTID 2-1 ; XGROUP SETID s g 2-1 ENTRIESREAD 2 ; EXEC
        TICK 10
        # Again what is pending; of that nothing is logged.
        XREADGROUP GROUP g c STREAMS s 0 -> [["s", [["1-1", ["a", "1"]], ["2-1", ["a", "2"]]]]] |
        XREADGROUP GROUP g c STREAMS s 1-1 -> [["s", [["2-1", ["a", "2"]]]]]
        XPENDING s g - + 10 -> [["1-1", "c", 0, 2], ["2-1", "c", 0, 3]]
        XREADGROUP GROUP g d STREAMS s 0 -> [["s", []]] |
        XREADGROUP GROUP g d NOACK STREAMS s > -> [["s", [["3-1", ["a", "3"]]]]] | XGROUP SETID s g 3-1 ENTRIESREAD 3
        XREADGROUP GROUP g e NOACK STREAMS s > -> nil | XGROUP CREATECONSUMER s g e
        XREADGROUP GROUP g f STREAMS s > -> nil |
        TICK 10
        XINFO CONSUMERS s g -> [["name", "c", "pending", 2, "idle", 10, "inactive", 20], ["name", "d", "pending", 0, "idle", 10, "inactive", -1], ["name", "e", "pending", 0, "idle", 10, "inactive", -1], ["name", "f", "pending", 0, "idle", 10, "inactive", -1]]
        XDEL s 1-1
        XREADGROUP GROUP g c STREAMS s 0 -> [["s", [["1-1", nil], ["2-1", ["a", "2"]]]]]
        # The largest id is what stands for new entries.
        XADD s 4-1 a 4
        RESP 3
        XREADGROUP GROUP g c STREAMS s 18446744073709551615-18446744073709551615 -> {"s": [["4-1", ["a", "4"]]]}
        XREADGROUP GROUP g c STREAMS s > -> nil
        XREADGROUP GROUP g c STREAMS s $ -> -ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by specifying a proper ID, or use the > ID to get new messages. The $ ID would just return an empty result set. |
        XREADGROUP GROUP x c STREAMS s > -> -NOGROUP No such key 's' or consumer group 'x' in XREADGROUP with GROUP option |
        XREADGROUP GROUP g c STREAMS none > -> -NOGROUP No such key 'none' or consumer group 'g' in XREADGROUP with GROUP option |
        XREADGROUP COUNT 1 COUNT 1 STREAMS s > -> -ERR Missing GROUP option for XREADGROUP |
        # Back to before what is pending with another.
        XGROUP SETID s g 1-1
        XREADGROUP GROUP g z COUNT 1 STREAMS s > -> {"s": [["2-1", ["a", "2"]]]}
        XPENDING s g -> [3, "1-1", "4-1", [["c", "2"], ["z", "1"]]]
        "#,
    );
}

#[test]
fn acknowledging_and_what_is_pending() {
    check(
        r#"
        XADD s 1-1 a 1
        XADD s 2-1 a 2
        XADD s 3-1 a 3
        XGROUP CREATE s g 0
        XPENDING s g -> [0, nil, nil, nil]
        XREADGROUP GROUP g c COUNT 1 STREAMS s >
        TICK 10
        XREADGROUP GROUP g d STREAMS s >
        XPENDING s g -> [3, "1-1", "3-1", [["c", "1"], ["d", "2"]]]
        XPENDING s g - + 10 -> [["1-1", "c", 10, 1], ["2-1", "d", 0, 1], ["3-1", "d", 0, 1]]
        XPENDING s g (1-1 + 1 -> [["2-1", "d", 0, 1]]
        XPENDING s g - + 10 c -> [["1-1", "c", 10, 1]]
        XPENDING s g - + 10 nobody -> []
        XPENDING s g - + -1 -> []
        XPENDING s g IDLE 5 - + 10 -> [["1-1", "c", 10, 1]]
        XPENDING s g IDLE 5 - + 10 d -> []
        XPENDING s g IDLE 5 -> -ERR syntax error
        XPENDING s g IDLE 5 - + -> -ERR syntax error
        XPENDING s g - + x -> -ERR value is not an integer or out of range
        XPENDING s x -> -NOGROUP No such key 's' or consumer group 'x'
        XPENDING none g -> -NOGROUP No such key 'none' or consumer group 'g'
        XACK s g 1-1 9-9 1-1 -> 1 | XACK s g 1-1 9-9 1-1
        XACK s g 1-1 -> 0 |
        XACK s g 2-1 x -> -ERR Invalid stream ID specified as stream command argument |
        XACK s x 2-1 -> 0 |
        XACK none g x -> 0 |
        XACK s g 2-1 3-1 -> 2
        XPENDING s g -> [0, nil, nil, nil]
        SET text v
        XACK text g 1 -> -WRONGTYPE Operation against a key holding the wrong kind of value
        XPENDING text g -> -WRONGTYPE Operation against a key holding the wrong kind of value
        "#,
    );
}

#[test]
fn claiming() {
    check(
        r#"
        XADD s 1-1 a 1
        XADD s 2-1 a 2
        XADD s 3-1 a 3
        XGROUP CREATE s g 0
        XREADGROUP GROUP g c COUNT 2 STREAMS s >
        TICK 100
        XCLAIM s g d 101 1-1 -> [] |
        XCLAIM s g d 100 1-1 9-9 -> [["1-1", ["a", "1"]]] | XCLAIM s g d 0 1-1 TIME 1000100 RETRYCOUNT 2 FORCE JUSTID LASTID 2-1
        XCLAIM s g d 0 3-1 JUSTID -> [] |
        # The id as it was written; forced, it counts as delivered before.
        XCLAIM s g d 0 1-1 3-1 FORCE -> [["1-1", ["a", "1"]], ["3-1", ["a", "3"]]] | MULTI ; XCLAIM s g d 0 1-1 TIME 1000100 RETRYCOUNT 3 FORCE JUSTID LASTID 2-1 ; XCLAIM s g d 0 3-1 TIME 1000100 RETRYCOUNT 2 FORCE JUSTID LASTID 2-1 ; EXEC
        XCLAIM s g d 0 1-1 JUSTID -> ["1-1"] | XCLAIM s g d 0 1-1 TIME 1000100 RETRYCOUNT 3 FORCE JUSTID LASTID 2-1
        XCLAIM s g d 0 1-1 JUSTID RETRYCOUNT 9 IDLE 30 -> ["1-1"] | XCLAIM s g d 0 1-1 TIME 1000070 RETRYCOUNT 9 FORCE JUSTID LASTID 2-1
        XCLAIM s g d 0 1-1 JUSTID TIME 2000000 -> ["1-1"] | XCLAIM s g d 0 1-1 TIME 1000100 RETRYCOUNT 9 FORCE JUSTID LASTID 2-1
        XCLAIM s g d 0 9-9 LASTID 5-5 -> [] | XGROUP SETID s g 5-5 ENTRIESREAD 2
        XCLAIM s g d 0 2-1 JUSTID LASTID 6-6 -> ["2-1"] | XCLAIM s g d 0 2-1 TIME 1000100 RETRYCOUNT 1 FORCE JUSTID LASTID 6-6
        # What is gone is pending no more: told as it was.
        XDEL s 2-1
        XCLAIM s g e 0 2-1 -> [] | XCLAIM s g d 0 2-1 TIME 1000100 RETRYCOUNT 1 FORCE JUSTID LASTID 6-6
        XPENDING s g - + 10 -> [["1-1", "d", 0, 9], ["3-1", "d", 0, 2]]
        TICK 5
        XINFO CONSUMERS s g -> [["name", "c", "pending", 0, "idle", 105, "inactive", 105], ["name", "d", "pending", 2, "idle", 5, "inactive", 5], ["name", "e", "pending", 0, "idle", 5, "inactive", -1]]
        XCLAIM s g d x 1-1 -> -ERR Invalid min-idle-time argument for XCLAIM |
        XCLAIM s g d 0 1-1 IDLE x -> -ERR Invalid IDLE option argument for XCLAIM |
        XCLAIM s g d 0 1-1 TIME x -> -ERR Invalid TIME option argument for XCLAIM |
        XCLAIM s g d 0 1-1 RETRYCOUNT x -> -ERR Invalid RETRYCOUNT option argument for XCLAIM |
        XCLAIM s g d 0 1-1 LASTID x -> -ERR Invalid stream ID specified as stream command argument |
        XCLAIM s g d 0 1-1 foo -> -ERR Unrecognized XCLAIM option 'foo' |
        XCLAIM s g d 0 1-1 IDLE -> -ERR Unrecognized XCLAIM option 'IDLE' |
        XCLAIM s x d x 1-1 -> -NOGROUP No such key 's' or consumer group 'x' |
        XCLAIM none g d 0 1-1 -> -NOGROUP No such key 'none' or consumer group 'g' |
        # A replica takes the primary's time, whatever its own clock says.
        PRIMARY XCLAIM s g d 0 1-1 TIME 5000000 RETRYCOUNT 4 FORCE JUSTID LASTID 7-7 -> ["1-1"]
        XINFO STREAM s FULL -> ["length", 2, "radix-tree-keys", 1, "radix-tree-nodes", 2, "last-generated-id", "3-1", "max-deleted-entry-id", "2-1", "entries-added", 3, "recorded-first-entry-id", "1-1", "entries", [["1-1", ["a", "1"]], ["3-1", ["a", "3"]]], "groups", [["name", "g", "last-delivered-id", "7-7", "entries-read", 2, "lag", 1, "pel-count", 2, "pending", [["1-1", "d", 5000000, 4], ["3-1", "d", 1000100, 2]], "consumers", [["name", "c", "seen-time", 1000000, "active-time", 1000000, "pel-count", 0, "pending", []], ["name", "d", "seen-time", 5000000, "active-time", 5000000, "pel-count", 2, "pending", [["1-1", 5000000, 4], ["3-1", 1000100, 2]]], ["name", "e", "seen-time", 1000100, "active-time", -1, "pel-count", 0, "pending", []]]]]]
        "#,
    );
}

#[test]
fn claiming_what_waits_long() {
    check(
        r#"
        XADD s 1-1 a 1
        XADD s 2-1 a 2
        XADD s 3-1 a 3
        XADD s 4-1 a 4
        XGROUP CREATE s g 0
        XREADGROUP GROUP g c STREAMS s >
        TICK 100
        XAUTOCLAIM s g d 200 0 -> ["0-0", [], []] |
        XDEL s 2-1
        XAUTOCLAIM s g d 100 0 COUNT 3 -> ["4-1", [["1-1", ["a", "1"]], ["3-1", ["a", "3"]]], ["2-1"]] | MULTI ; XCLAIM s g d 0 1-1 TIME 1000100 RETRYCOUNT 2 FORCE JUSTID LASTID 4-1 ; XCLAIM s g c 0 2-1 TIME 1000000 RETRYCOUNT 1 FORCE JUSTID LASTID 4-1 ; XCLAIM s g d 0 3-1 TIME 1000100 RETRYCOUNT 2 FORCE JUSTID LASTID 4-1 ; EXEC
        XAUTOCLAIM s g e 0 (1-1 JUSTID -> ["0-0", ["3-1", "4-1"], []]
        XPENDING s g - + 10 -> [["1-1", "d", 0, 2], ["3-1", "e", 0, 2], ["4-1", "e", 0, 1]]
        XAUTOCLAIM s g e 0 9 -> ["0-0", [], []]
        XAUTOCLAIM s g e x 9 -> -ERR Invalid min-idle-time argument for XAUTOCLAIM |
        XAUTOCLAIM s g e 0 x -> -ERR Invalid stream ID specified as stream command argument |
        XAUTOCLAIM s g e 0 0 COUNT 0 -> -ERR COUNT must be > 0 |
        XAUTOCLAIM s g e 0 0 COUNT 576460752303423488 -> -ERR COUNT must be > 0 |
        XAUTOCLAIM s g e 0 0 COUNT -> -ERR syntax error |
        XAUTOCLAIM s x e 0 0 -> -NOGROUP No such key 's' or consumer group 'x' |
        "#,
    );
}

#[test]
fn groups() {
    check(
        r#"
        XGROUP CREATE s g $ -> -ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically. |
        XGROUP CREATE s g x MKSTREAM -> -ERR Invalid stream ID specified as stream command argument |
        XGROUP CREATE s g $ MKSTREAM -> OK | XGROUP CREATE s g $ MKSTREAM
        XGROUP CREATE s g $ MKSTREAM -> -BUSYGROUP Consumer Group name already exists |
        XINFO STREAM s FULL -> ["length", 0, "radix-tree-keys", 0, "radix-tree-nodes", 1, "last-generated-id", "0-0", "max-deleted-entry-id", "0-0", "entries-added", 0, "recorded-first-entry-id", "0-0", "entries", [], "groups", [["name", "g", "last-delivered-id", "0-0", "entries-read", nil, "lag", 0, "pel-count", 0, "pending", [], "consumers", []]]]
        XADD s 1-1 a 1
        XADD s 2-1 a 1
        XGROUP CREATE s h $ ENTRIESREAD 5 -> OK | XGROUP CREATE s h $ ENTRIESREAD 5
        XGROUP CREATE s i + -> -ERR Invalid stream ID specified as stream command argument |
        XINFO GROUPS s -> [["name", "g", "consumers", 0, "pending", 0, "last-delivered-id", "0-0", "entries-read", nil, "lag", 2], ["name", "h", "consumers", 0, "pending", 0, "last-delivered-id", "2-1", "entries-read", 5, "lag", -3]]
        XGROUP SETID s h - -> OK | XGROUP SETID s h -
        XGROUP SETID s h $ ENTRIESREAD 1 -> OK
        RESP 3
        XINFO GROUPS s -> [{"name": "g", "consumers": 0, "pending": 0, "last-delivered-id": "0-0", "entries-read": nil, "lag": 2}, {"name": "h", "consumers": 0, "pending": 0, "last-delivered-id": "2-1", "entries-read": 1, "lag": 1}]
        XGROUP CREATECONSUMER s h c -> 1 | XGROUP CREATECONSUMER s h c
        XGROUP CREATECONSUMER s h c -> 0 |
        XINFO CONSUMERS s h -> [{"name": "c", "pending": 0, "idle": 0, "inactive": -1}]
        XREADGROUP GROUP g c STREAMS s >
        XGROUP DELCONSUMER s g c -> 2 | XGROUP DELCONSUMER s g c
        XGROUP DELCONSUMER s g c -> 0 |
        XPENDING s g -> [0, nil, nil, nil]
        XGROUP DESTROY s g -> 1 | XGROUP DESTROY s g
        XGROUP DESTROY s g -> 0 |
        XGROUP CREATE s g 0 ENTRIESREAD -2 -> -ERR value for ENTRIESREAD must be positive or -1 |
        XGROUP CREATE s g 0 ENTRIESREAD x -> -ERR value is not an integer or out of range |
        XGROUP CREATE s g 0 foo -> -ERR unknown subcommand or wrong number of arguments for 'CREATE'. Try XGROUP HELP. |
        XGROUP setid s h 0 MKSTREAM -> -ERR unknown subcommand or wrong number of arguments for 'setid'. Try XGROUP HELP. |
        XGROUP CREATE s g 0 MKSTREAM MKSTREAM MKSTREAM MKSTREAM -> -ERR unknown subcommand or wrong number of arguments for 'CREATE'. Try XGROUP HELP. |
        XGROUP SETID s x 0 -> -NOGROUP No such consumer group 'x' for key name 's' |
        XGROUP CREATECONSUMER s x c -> -NOGROUP No such consumer group 'x' for key name 's' |
        XGROUP DELCONSUMER none x c -> -ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically. |
        XGROUP DESTROY none x -> -ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically. |
        XGROUP foo s -> -ERR unknown subcommand 'foo'. Try XGROUP HELP.
        XINFO CONSUMERS s x -> -NOGROUP No such consumer group 'x' for key name 's'
        XINFO STREAM none -> -ERR no such key
        XINFO STREAM s foo -> -ERR unknown subcommand or wrong number of arguments for 'STREAM'. Try XINFO HELP.
        XINFO STREAM s FULL COUNT x -> -ERR value is not an integer or out of range
        XINFO foo s -> -ERR unknown subcommand 'foo'. Try XINFO HELP.
        SET text v
        XGROUP CREATE text g 0 MKSTREAM -> -WRONGTYPE Operation against a key holding the wrong kind of value
        XINFO STREAM text -> -WRONGTYPE Operation against a key holding the wrong kind of value
        "#,
    );
}

/// How far a group is behind, and when that can't be told: as Redis 7.2 reckons it.
#[test]
fn lag() {
    check(
        r#"
        XADD s 1-1 a 1
        XADD s 2-1 a 1
        XADD s 3-1 a 1
        XADD s 4-1 a 1
        XGROUP CREATE s g 0
        XREADGROUP GROUP g c COUNT 1 STREAMS s >
        XINFO GROUPS s -> [["name", "g", "consumers", 1, "pending", 1, "last-delivered-id", "1-1", "entries-read", 1, "lag", 3]]
        # A hole ahead: nobody knows.
        XDEL s 3-1
        XINFO GROUPS s -> [["name", "g", "consumers", 1, "pending", 1, "last-delivered-id", "1-1", "entries-read", 1, "lag", nil]]
        XREADGROUP GROUP g c STREAMS s >
        XINFO GROUPS s -> [["name", "g", "consumers", 1, "pending", 3, "last-delivered-id", "4-1", "entries-read", 4, "lag", 0]]
        XTRIM s MAXLEN 0
        XINFO GROUPS s -> [["name", "g", "consumers", 1, "pending", 3, "last-delivered-id", "4-1", "entries-read", 4, "lag", 0]]
        XGROUP CREATE s h 2-1
        XINFO GROUPS s -> [["name", "g", "consumers", 1, "pending", 3, "last-delivered-id", "4-1", "entries-read", 4, "lag", 0], ["name", "h", "consumers", 0, "pending", 0, "last-delivered-id", "2-1", "entries-read", nil, "lag", 0]]
        "#,
    );
}

/// A change of a group is no change of the stream for those who watch the key, as in Redis.
#[test]
fn a_read_of_a_group_is_no_change_to_watchers() {
    use crate::testing::{Bench, check_on};
    let mut bench = Bench::new();
    check_on(&mut bench, "XADD s 1-1 a 1\nXGROUP CREATE s g 0");
    let mark = std::sync::Arc::new(crate::shard::WatchMark::default());
    let locks = bench.engine.all_locks();
    let mut txn = bench.engine.begin(&mut bench.scratch, locks, bench.now_ms, 0, crate::txn::Origin::Client);
    txn.watch(0, b"s", &mark);
    txn.commit();
    check_on(
        &mut bench,
        "XREADGROUP GROUP g c STREAMS s >\nXACK s g 1-1\nXGROUP CREATECONSUMER s g d\nXGROUP DESTROY s g\nXSETID s 5",
    );
    assert!(!mark.is_touched());
    check_on(&mut bench, "XADD s 6 a 1");
    assert!(mark.is_touched());
}
