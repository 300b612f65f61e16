//! When fields expire: replies, the log, and what others see of it. Scripts begin at 1000000 ms.

use crate::expire::{self, Cursor};
use crate::testing::{Bench, check, check_on};

/// Each script with small hashes and with tables.
#[track_caller]
fn check_both(script: &str) {
    check(script);
    let mut bench = Bench::new();
    bench.engine.settings.shapes.hash_entries_max.store(0, std::sync::atomic::Ordering::Relaxed);
    check_on(&mut bench, &script.replace("\"listpackex\"", "\"hashtable\""));
}

#[test]
fn setting_a_time() {
    check_both(
        r#"
        HEXPIRE h 100 FIELDS 2 a b -> [-2, -2] |
        HSET h a 1 b 2 c 3
        HEXPIRE h 100 FIELDS 3 a b x -> [1, 1, -2] | HPEXPIREAT h 1100000 FIELDS 2 a b
        OBJECT ENCODING h -> "listpackex"
        hpexpire h 5 fields 1 c -> [1] | HPEXPIREAT h 1000005 fields 1 c
        HEXPIREAT h 2000 nx FIELDS 1 a -> [0] |
        HEXPIREAT h 2000 xx FIELDS 2 a c -> [1, 1] | HPEXPIREAT h 2000000 xx FIELDS 2 a c
        HPEXPIREAT h 3000000 FIELDS 1 a -> [1] | HPEXPIREAT h 3000000 FIELDS 1 a
        hpexpireat h 2500000 lt FIELDS 2 a c -> [1, 0] | HPEXPIREAT h 2500000 lt FIELDS 1 a
        hpexpireat h 2500000 gt FIELDS 2 a c -> [0, 1] | HPEXPIREAT h 2500000 gt FIELDS 1 c
        HPEXPIREAT h 2500000 FIELDS 2 a a -> [1, 1] | HPEXPIREAT h 2500000 FIELDS 2 a a
        HPEXPIRETIME h FIELDS 4 a b c x -> [2500000, 1100000, 2500000, -2] |
        HPERSIST h FIELDS 1 a
        HEXPIRE h 1 XX FIELDS 1 a -> [0] |
        HEXPIRE h 1 GT FIELDS 1 a -> [0] |
        HEXPIRE h 1 NX FIELDS 2 a a -> [1, 0] | HPEXPIREAT h 1001000 NX FIELDS 1 a
        HPERSIST h FIELDS 1 a
        HEXPIRE h 1 LT FIELDS 1 a -> [1] | HPEXPIREAT h 1001000 LT FIELDS 1 a
        "#,
    );
}

#[test]
fn a_time_that_is_over() {
    check_both(
        r#"
        HSET h a 1 b 2 c 3 d 4
        HPEXPIRE h 0 FIELDS 2 a x -> [2, -2] | HDEL h a
        HPEXPIREAT h 1000000 FIELDS 3 b b c -> [2, -2, 2] | HDEL h b c
        HEXPIRE h 5 FIELDS 1 d
        HEXPIREAT h 1 NX FIELDS 1 d -> [0] |
        HEXPIREAT h 1 GT FIELDS 1 d -> [0] |
        HEXPIREAT h 1 LT FIELDS 1 d -> [2] | HDEL h d
        EXISTS h -> 0
        "#,
    );
}

#[test]
fn asking_for_the_time() {
    check_both(
        r#"
        HTTL h FIELDS 2 a b -> [-2, -2]
        HSET h a 1 b 2
        HPEXPIRE h 1001 FIELDS 1 a
        HTTL h FIELDS 3 a b x -> [2, -1, -2] |
        HPTTL h FIELDS 3 a b x -> [1001, -1, -2]
        HEXPIRETIME h FIELDS 3 a b x -> [1002, -1, -2]
        hpexpiretime h fields 3 a b x -> [1001001, -1, -2]
        TICK 1001
        HPTTL h FIELDS 1 a -> [0]
        HGET h a -> "1"
        TICK 1
        HPTTL h FIELDS 1 a -> [-2]
        HTTL h FIELDS 1 a -> [-2]
        HPEXPIRETIME h FIELDS 1 a -> [-2] |
        HGET h a -> nil |
        HLEN h -> 2
        HPERSIST none FIELDS 2 a b -> [-2, -2] |
        HPEXPIRE h 10 FIELDS 1 b
        HPERSIST h FIELDS 1 b -> [1] | HPERSIST h FIELDS 1 b
        HPERSIST h FIELDS 2 b x -> [-1, -2] |
        HPEXPIRE h 10 FIELDS 1 b
        HPERSIST h FIELDS 2 x b -> [-2, 1] | HPERSIST h FIELDS 2 x b
        "#,
    );
}

#[test]
fn errors_of_times_and_counts() {
    check(
        r#"
        HSET h a 1
        HEXPIRE h x FIELDS 1 a -> -ERR value is not an integer or out of range |
        HEXPIRE h -1 FIELDS 1 a -> -ERR invalid expire time, must be >= 0
        HEXPIRE h -9223372036854775808 FIELDS 1 a -> -ERR invalid expire time, must be >= 0
        HEXPIRE h 70368744178 FIELDS 1 a -> -ERR invalid expire time in 'hexpire' command
        HEXPIREAT h 70368744178 FIELDS 1 a -> -ERR invalid expire time in 'hexpireat' command
        HPEXPIRE h 70368743177664 FIELDS 1 a -> -ERR invalid expire time in 'hpexpire' command
        HPEXPIREAT h 70368744177664 FIELDS 1 a -> -ERR invalid expire time in 'hpexpireat' command
        hEXPIRE h 9223372036854775807 FIELDS 1 a -> -ERR invalid expire time in 'hexpire' command
        HPEXPIREAT h 70368744177663 FIELDS 1 a -> [1]
        HPEXPIRETIME h FIELDS 1 a -> [70368744177663]
        HEXPIRE h 1 FIELD 1 a -> -ERR Mandatory argument FIELDS is missing or not at the right position
        HEXPIRE h 1 NX XX FIELDS 1 a -> -ERR Mandatory argument FIELDS is missing or not at the right position
        HEXPIRE h 1 FIELDS 0 a -> -ERR Parameter `numFields` should be greater than 0
        HEXPIRE h 1 FIELDS x a -> -ERR Parameter `numFields` should be greater than 0
        HEXPIRE h 1 FIELDS 2 a -> -ERR The `numfields` parameter must match the number of arguments
        HEXPIRE h 1 FIELDS 9223372036854775807 a -> -ERR The `numfields` parameter must match the number of arguments
        HEXPIRE h 1 FIELDS 1 a b -> -ERR The `numfields` parameter must match the number of arguments
        HEXPIRE h 1 NX FIELDS 1 -> -ERR The `numfields` parameter must match the number of arguments
        HEXPIRE none x FIELDS 1 a -> -ERR value is not an integer or out of range
        HEXPIRE h 1 FIELDS 1 -> -ERR wrong number of arguments for 'hexpire' command
        HTTL h FIELD 1 a -> -ERR Mandatory argument FIELDS is missing or not at the right position
        HTTL h FIELDS 0 a -> -ERR Number of fields must be a positive integer
        HPTTL h FIELDS 2 a -> -ERR The `numfields` parameter must match the number of arguments
        HTTL h FIELDS 1 -> -ERR wrong number of arguments for 'httl' command
        HPERSIST h FIELD 1 a -> -ERR Mandatory argument FIELDS is missing or not at the right position
        HPERSIST h FIELDS -1 a -> -ERR Number of fields must be a positive integer
        HPERSIST h FIELDS 2 a -> -ERR The `numfields` parameter must match the number of arguments
        HGETEX h FIELDS 1 -> -ERR wrong number of arguments for 'hgetex' command
        HGETEX h WHAT 1 a -> -ERR Mandatory argument FIELDS is missing or not at the right position
        HGETEX h PXAT 1 1 -> -ERR Mandatory argument FIELDS is missing or not at the right position
        HGETEX h PERSIST 1 FIELDS 1 a -> -ERR Mandatory argument FIELDS is missing or not at the right position
        HGETEX h PXAT 1 FIELDS -> -ERR Number of fields must be a positive integer
        HGETEX h FIELDS 0 a -> -ERR Number of fields must be a positive integer
        HGETEX h FIELDS 9223372036854775808 a -> -ERR Number of fields must be a positive integer
        HGETEX h FIELDS 2 a -> -ERR The `numfields` parameter must match the number of arguments
        HGETEX h EX x FIELDS 1 a -> -ERR value is not an integer or out of range
        HGETEX h PX -1 FIELDS 1 a -> -ERR invalid expire time, must be >= 0
        HGETEX h PXAT 70368744177664 FIELDS 1 a -> -ERR invalid expire time in 'hgetex' command
        HGETDEL h FIELD 1 a -> -ERR Mandatory argument FIELDS is missing or not at the right position
        HGETDEL h FIELDS 0 a -> -ERR Number of fields must be a positive integer
        HGETDEL h FIELDS 2 a -> -ERR The `numfields` parameter must match the number of arguments
        HGETDEL h FIELDS 1 -> -ERR wrong number of arguments for 'hgetdel' command
        SET s v
        HEXPIRE s x FIELDS 1 a -> -WRONGTYPE Operation against a key holding the wrong kind of value
        HTTL s WHAT 1 a -> -WRONGTYPE Operation against a key holding the wrong kind of value
        HPERSIST s WHAT 1 a -> -WRONGTYPE Operation against a key holding the wrong kind of value
        HGETEX s WHAT 1 a -> -WRONGTYPE Operation against a key holding the wrong kind of value
        HGETDEL s WHAT 1 a -> -WRONGTYPE Operation against a key holding the wrong kind of value
        HSETEX s WHAT 1 a b -> -ERR unknown argument: WHAT
        HSETEX s FIELDS 1 a b -> -WRONGTYPE Operation against a key holding the wrong kind of value
        "#,
    );
}

#[test]
fn getting_and_changing_the_time() {
    check_both(
        r#"
        HGETEX h EX 10 FIELDS 2 a b -> [nil, nil] |
        HSET h a 1 b two c 3
        HGETEX h FIELDS 3 a b x -> ["1", "two", nil] |
        HGETEX h EX 10 FIELDS 2 a x -> ["1", nil] | HPEXPIREAT h 1010000 FIELDS 2 a x
        HGETEX h px 10 FIELDS 1 b -> ["two"] | HPEXPIREAT h 1000010 FIELDS 1 b
        HGETEX h EXAT 2000 fields 1 b -> ["two"] | HPEXPIREAT h 2000000 fields 1 b
        HGETEX h PXAT 3000 FIELDS 1 x -> [nil] |
        HGETEX h PXAT 3000000 FIELDS 1 b -> ["two"] | HPEXPIREAT h 3000000 FIELDS 1 b
        HGETEX h PERSIST FIELDS 2 b c -> ["two", "3"] | HPERSIST h FIELDS 2 b c
        HGETEX h PERSIST FIELDS 2 b c -> ["two", "3"] |
        HGETEX h PX 0 FIELDS 3 b b x -> ["two", nil, nil] | HDEL h b
        HGETEX h PXAT 1 FIELDS 2 a c -> ["1", "3"] | HDEL h a c
        EXISTS h -> 0
        HGETDEL h FIELDS 1 a -> [nil] |
        HSET h a 1 b two
        HGETDEL h FIELDS 1 x -> [nil] |
        HGETDEL h FIELDS 3 a x a -> ["1", nil, nil] | HDEL h a x a
        HGETDEL h FIELDS 1 b -> ["two"] | HDEL h b
        EXISTS h -> 0
        "#,
    );
}

#[test]
fn setting_fields_with_a_time() {
    check_both(
        r#"
        HSETEX h FIELDS 2 a 1 b 2 -> 1 | HSETEX h FIELDS 2 a 1 b 2
        HSETEX h EX 10 FIELDS 1 a 3 -> 1 | HSETEX h PXAT 1010000 FIELDS 1 a 3
        HSETEX h fnx px 10 FIELDS 1 c 3 -> 1 | HSETEX h fnx PXAT 1000010 FIELDS 1 c 3
        HSETEX h EXAT 2000 FXX FIELDS 1 b 4 -> 1 | HSETEX h PXAT 2000000 FXX FIELDS 1 b 4
        HSETEX h pxat 3000000 FIELDS 1 b 5 -> 1 | HSETEX h pxat 3000000 FIELDS 1 b 5
        HPEXPIRETIME h FIELDS 3 a b c -> [1010000, 3000000, 1000010]
        HSETEX h FNX FIELDS 2 d 1 a 1 -> 0 |
        HSETEX h FXX FIELDS 2 a 1 d 1 -> 0 |
        HSETEX none FXX FIELDS 1 a 1 -> 0 |
        EXISTS none -> 0
        HSETEX h KEEPTTL FIELDS 2 a 7 d 8 -> 1 | HSETEX h KEEPTTL FIELDS 2 a 7 d 8
        HPEXPIRETIME h FIELDS 2 a d -> [1010000, -1]
        HSETEX h FIELDS 1 a 9 -> 1
        HPEXPIRETIME h FIELDS 1 a -> [-1]
        HMGET h a b c d -> ["9", "5", "3", "8"]
        HSETEX h PX 0 FIELDS 2 a 1 new 1 -> 1 | HDEL h a new
        HMGET h a new -> [nil, nil]
        HSETEX h PXAT 1 FIELDS 3 b 1 c 1 d 1 -> 1 | HDEL h b c d
        EXISTS h -> 0
        HSETEX h PXAT 1 FIELDS 1 a 1 -> 1 | HDEL h a
        EXISTS h -> 0
        "#,
    );
}

#[test]
fn errors_of_hsetex() {
    let arity = "-ERR wrong number of arguments for 'hsetex' command";
    let both = "-ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified";
    let conditions = "-ERR Only one of FXX or FNX arguments can be specified";
    check(&format!(
        r#"
        HSETEX h FIELDS 1 a -> {arity}
        HSETEX h FIELDS 2 a b -> {arity}
        HSETEX h FIELDS 2 a b c -> {arity}
        HSETEX h FIELDS 1 a b c -> {arity}
        HSETEX h FIELDS 1 a b FNX -> {arity}
        HSETEX h NX FIELDS 1 a b -> -ERR unknown argument: NX
        HSETEX h 1 FIELDS 1 a b -> -ERR unknown argument: 1
        HSETEX h FNX FXX FIELDS 1 a b -> {conditions}
        HSETEX h FXX EX 100 FXX FIELDS 1 a b -> {conditions}
        HSETEX h EX 100 PX 1 FIELDS 1 a b -> {both}
        HSETEX h KEEPTTL PXAT 1 FIELDS 1 a b -> {both}
        HSETEX h PX 1 KEEPTTL FIELDS 1 a b -> {both}
        HSETEX h EX FIELDS 1 a b -> -ERR value is not an integer or out of range
        HSETEX h EX -1 1 a b -> -ERR invalid expire time, must be >= 0
        HSETEX h EXAT 70368744178 1 a b -> -ERR invalid expire time in 'hsetex' command
        HSETEX h FIELDS 0 a b -> -ERR invalid number of fields
        HSETEX h FIELDS x a b -> -ERR invalid number of fields
        HSETEX h FIELDS 2147483648 a b -> -ERR invalid number of fields
        HSETEX h FNX KEEPTTL FIELDS 1 -> {arity}
        EXISTS h -> 0
        "#
    ));
}

/// A write that meets fields whose time has passed deletes them first, in the log too; the key with the last one.
#[test]
fn writes_and_fields_that_are_due() {
    check_both(
        r#"
        HSETEX h PX 10 FIELDS 2 a 1 b 2
        HSET h c 3 d 4
        HPEXPIRE h 20 FIELDS 1 c
        TICK 11
        HMGET h a b c d -> [nil, nil, "3", "4"] |
        HLEN h -> 4 |
        HINCRBY h a 5 -> 5 | MULTI ; HDEL h a b ; HINCRBY h a 5 ; EXEC
        HPTTL h FIELDS 2 a c -> [-1, 9]
        TICK 10
        HSETEX h FXX FIELDS 1 c 1 -> 0 | HDEL h c
        HSETEX h FNX PX 5 FIELDS 1 c 1 -> 1 | HSETEX h FNX PXAT 1000026 FIELDS 1 c 1
        TICK 6
        HEXPIRE h 10 FIELDS 2 c a -> [-2, 1] | MULTI ; HDEL h c ; HPEXPIREAT h 1010027 FIELDS 1 a ; EXEC
        HPEXPIRE h 5 FIELDS 2 a d
        TICK 6
        EXISTS h -> 1
        HEXPIRE h 10 FIELDS 1 a -> [-2] | HDEL h a d
        EXISTS h -> 0
        HSETEX h PX 5 FIELDS 2 a 1 b 1
        TICK 6
        HSET h c 1 -> 1 | MULTI ; HDEL h a b ; HSET h c 1 ; EXEC
        HSETEX h PX 5 FIELDS 1 a 1
        TICK 6
        HGETEX h FIELDS 2 a c -> [nil, "1"] | HDEL h a
        HSETEX h PX 5 FIELDS 1 a 1
        TICK 6
        HPERSIST h FIELDS 1 a -> [-2] | HDEL h a
        HSETEX h PX 5 FIELDS 1 a 1
        TICK 6
        HGETDEL h FIELDS 2 a c -> [nil, "1"] | MULTI ; HDEL h a ; HDEL h a c ; EXEC
        EXISTS h -> 0
        "#,
    );
}

#[test]
fn other_commands_and_the_time() {
    check_both(
        r#"
        HSETEX h PX 10000 FIELDS 2 a 1 b 1
        HINCRBY h a 1 -> 2 | HINCRBY h a 1
        HINCRBYFLOAT h a 0.5 -> "2.5" | HSETEX h KEEPTTL FIELDS 1 a 2.5
        HPTTL h FIELDS 2 a b -> [10000, 10000]
        HSET h a 1
        HPTTL h FIELDS 2 a b -> [-1, 10000]
        HINCRBYFLOAT h a 0.5 -> "1.5" | HSET h a 1.5
        RENAME h l
        HPTTL l FIELDS 2 a b -> [-1, 10000]
        COPY l m
        HPTTL m FIELDS 2 a b -> [-1, 10000]
        MOVE m 1
        SELECT 1
        HPTTL m FIELDS 2 a b -> [-1, 10000]
        SELECT 0
        PEXPIRE l 20000
        HPTTL l FIELDS 2 a b -> [-1, 10000]
        PERSIST l
        HPTTL l FIELDS 2 a b -> [-1, 10000]
        "#,
    );
}

/// A replica deletes nothing by its clock: what is due looks gone to readers, and stays for the primary's stream.
#[test]
fn a_replica_waits_for_its_primary() {
    check_both(
        r#"
        REPLICA yes
        PRIMARY HSETEX h PXAT 1000010 FIELDS 2 a 1 b 1 -> 1 |
        PRIMARY HSET h c 1 -> 1
        PRIMARY HPEXPIREAT h 1 FIELDS 1 c -> [1] |
        HGET h c -> nil
        HLEN h -> 3
        TICK 11
        HGETALL h -> [] |
        HTTL h FIELDS 1 a -> [-2]
        EXISTS h -> 1
        PRIMARY HINCRBY h a 1 -> 2
        PRIMARY HPEXPIRETIME h FIELDS 3 a b c -> [1000010, 1000010, 1]
        PRIMARY HPERSIST h FIELDS 1 a -> [1]
        HGETALL h -> ["a", "2"]
        PRIMARY HSETEX h PXAT 5 FIELDS 1 d 1 -> 1
        HLEN h -> 4
        PRIMARY HDEL h a b c d -> 4
        EXISTS h -> 0
        "#,
    );
}

/// DUMP says the version that its reader must know; RESTORE brings the times back, and active expiry knows of them.
#[test]
fn dumps_keep_the_time() {
    for entries_max in [512, 0] {
        let (mut bench, mut cursor) = (Bench::new(), Cursor::default());
        bench
            .engine
            .settings
            .shapes
            .hash_entries_max
            .store(entries_max, std::sync::atomic::Ordering::Relaxed);
        let dump = |bench: &mut Bench| {
            let reply = bench.run(&[b"DUMP", b"h"]);
            let line = reply.iter().position(|&byte| byte == b'\n').expect("a bulk string") + 1;
            let bytes = reply[line..reply.len() - 2].to_vec();
            let version = bytes[bytes.len() - 10];
            (bytes, version)
        };
        check_on(&mut bench, "HSET h a 1 b 2");
        assert_eq!(dump(&mut bench).1, 10);
        check_on(&mut bench, "HPEXPIRE h 10 FIELDS 1 a");
        let (bytes, version) = dump(&mut bench);
        assert_eq!(version, 12);
        check_on(&mut bench, "DEL h");
        bench.run(&[b"RESTORE", b"h", b"0", &bytes]);
        check_on(&mut bench, "HPEXPIRETIME h FIELDS 2 a b -> [1000010, -1]\nTICK 11");
        assert_eq!(round(&mut bench, &mut cursor), (0, 1));
        check_on(&mut bench, "HGETALL h -> [\"b\", \"2\"]");
        // The form with room for expiries stays; what is written needs none.
        assert_eq!(dump(&mut bench).1, 10);
    }
}

/// Runs active expiry until it has come round; keys and fields that it deleted.
fn round(bench: &mut Bench, cursor: &mut Cursor) -> (usize, usize) {
    let (mut keys, mut fields) = (0, 0);
    loop {
        let slice = expire::step(&bench.engine, cursor, bench.now_ms, &mut bench.scratch);
        (keys, fields) = (keys + slice.deleted, fields + slice.fields_deleted);
        if slice.round_ended {
            return (keys, fields);
        }
    }
}

#[test]
fn active_expiry_finds_fields_wherever_they_went() {
    for entries_max in [512, 0] {
        let (mut bench, mut cursor) = (Bench::with_shards(4), Cursor::default());
        bench
            .engine
            .settings
            .shapes
            .hash_entries_max
            .store(entries_max, std::sync::atomic::Ordering::Relaxed);
        check_on(
            &mut bench,
            "
            HSETEX moved PX 10 FIELDS 1 a 1
            HSETEX moved FIELDS 1 b 1
            MOVE moved 3
            HSETEX from PX 10 FIELDS 2 a 1 b 1
            RENAME from to
            COPY to copy
            HSETEX swapped PX 10 FIELDS 1 a 1
            SWAPDB 0 2
            HSETEX gone PX 10 FIELDS 1 a 1
            DEL gone
            HSETEX overwritten PX 10 FIELDS 1 a 1
            SET overwritten v
            HSETEX kept PX 10 FIELDS 1 a 1
            HSET kept a 2
            HSETEX whole PX 10 FIELDS 1 a 1
            PEXPIRE whole 5
            HSETEX later PX 1000 FIELDS 1 a 1
            HGETEX later PX 10 FIELDS 1 a
            HSETEX both PX 20 FIELDS 1 a 1
            ",
        );
        assert_eq!(round(&mut bench, &mut cursor), (0, 0));
        bench.now_ms += 11;
        bench.logged();
        assert_eq!(round(&mut bench, &mut cursor), (1, 7));
        let logged = bench.logged();
        for key in ["to", "copy"] {
            assert!(
                logged.contains(&format!("HDEL {key} a b")) || logged.contains(&format!("HDEL {key} b a"))
            );
        }
        for effect in ["HDEL moved a", "HDEL swapped a", "HDEL later a", "DEL whole"] {
            assert!(logged.contains(effect), "{effect}: {logged}");
        }
        assert!(!logged.contains("MULTI"), "each deletion is a unit of its own: {logged}");
        check_on(
            &mut bench,
            "
            SELECT 0
            DBSIZE -> 3
            HGET kept a -> \"2\"
            HGET both a -> \"1\"
            SELECT 2
            DBSIZE -> 0
            SELECT 3
            HGETALL moved -> [\"b\", \"1\"]
            HLEN moved -> 1
            ",
        );
        bench.now_ms += 10;
        assert_eq!(round(&mut bench, &mut cursor), (0, 1));
        assert_eq!(bench.scratch.take_counts().expired_fields.get(), 8);
    }
}

/// A hash of very many fields is expired in slices, and others are not kept waiting by it for ever.
#[test]
fn active_expiry_takes_large_hashes_in_slices() {
    let (mut bench, mut cursor) = (Bench::with_shards(1), Cursor::default());
    for from in (0..5000).step_by(100) {
        let pairs: String = (from..from + 100).map(|i| format!(" f{i} v")).collect();
        check_on(&mut bench, &format!("HSETEX large PX 10 FIELDS 100{pairs} -> 1"));
    }
    check_on(&mut bench, "HSETEX small PX 10 FIELDS 1 a 1\nHSETEX large FIELDS 1 stays 1");
    bench.now_ms += 11;
    bench.logged();
    let mut slices = 0;
    loop {
        let slice = expire::step(&bench.engine, &mut cursor, bench.now_ms, &mut bench.scratch);
        assert!(slice.fields_deleted <= 1024);
        slices += 1;
        if slice.round_ended {
            break;
        }
    }
    assert!(5 <= slices);
    check_on(&mut bench, "HLEN large -> 1\nEXISTS small -> 0\nHGETALL large -> [\"stays\", \"1\"]");
}

#[test]
fn a_replica_and_a_paused_server_expire_no_fields() {
    let (mut bench, mut cursor) = (Bench::new(), Cursor::default());
    check_on(&mut bench, "HSETEX h PX 10 FIELDS 2 a 1 b 1\nTICK 11\nREPLICA yes");
    assert_eq!(round(&mut bench, &mut cursor), (0, 0));
    check_on(&mut bench, "HLEN h -> 2\nREPLICA no");
    bench.engine.change_state(|state| {
        state.set_paused(true, false);
    });
    assert_eq!(round(&mut bench, &mut cursor), (0, 0));
    bench.engine.change_state(|state| {
        state.set_paused(false, false);
    });
    bench.logged();
    assert_eq!(round(&mut bench, &mut cursor), (0, 2));
    assert!(bench.logged().starts_with("HDEL h "));
    check_on(&mut bench, "EXISTS h -> 0");
}
