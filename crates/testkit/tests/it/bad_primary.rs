//! Primaries that answer nonsense, fall silent or break off, in each phase: the replica says what is wrong, keeps its
//! data, tries again, and takes a good primary's data at the end.

use crate::tree::{follow, wait_equal, wait_link_up};
use testkit::fake_primary::{Act, FakePrimary, REPL_ID, Script};
use testkit::hostile::old;
use testkit::process::Kind::{self, Greylag, Redis};
use testkit::process::{Server, has_redis};
use testkit::rdb::{RdbText, framed, framed_by_mark};

fn kinds(test: &str) -> Vec<Kind> {
    if has_redis(test) { vec![Redis, Greylag] } else { vec![Greylag] }
}

/// What the replica's log must say, and how a script goes wrong.
type Case = (&'static str, Script);

/// Follows each script in turn; at the end a good primary.
#[track_caller]
fn each(kind: Kind, args: &str, cases: Vec<Case>) {
    let replica = Server::of(kind).args(args).start();
    replica.run("SET old data");
    let digest = replica.run("DEBUG DIGEST");
    for (line, script) in cases {
        let before = replica.log().matches(line).count();
        let primary = FakePrimary::start(script);
        follow(&replica, primary.port());
        replica.wait_for(&format!("{line:?} in the log once more"), || {
            before < replica.log().matches(line).count()
        });
        // And it does not give up.
        replica.wait_for(&format!("another try after {line:?}"), || 1 < primary.connections());
        assert_eq!(replica.run("PING").to_string(), "PONG");
        assert_eq!(replica.info_field("replication", "master_link_status"), "down", "{kind:?} {line}");
        assert_eq!(replica.run("DEBUG DIGEST"), digest, "{kind:?} lost its data: {line}");
    }
    let good = Server::of(kind).start();
    good.run("SET new data");
    replica.client().command(&["CONFIG", "SET", "masterauth", ""]).expect("is answered");
    follow(&replica, good.port());
    wait_link_up(&replica);
    wait_equal(&[&good, &replica]);
    assert_eq!(replica.run("GET old").to_string(), "(nil)");
}

fn a_data_set() -> Vec<u8> {
    RdbText::new().select(0).string("new", "value").finish()
}

#[test]
fn nonsense_in_the_handshake() {
    let silent = "Timeout connecting to the MASTER...";
    for kind in kinds("nonsense_in_the_handshake") {
        let cases = vec![
            ("Error reply to PING from master: '-ERR no'", Script::empty().say("PING", "-ERR no\r\n")),
            (
                "Error reply to PING from master: '-LOADING wait'",
                Script::empty().say("PING", "-LOADING wait\r\n"),
            ),
            (silent, Script::empty().on("PING", Act::Silence)),
            ("Unable to AUTH to MASTER: -WRONGPASS no", Script::empty().say("AUTH", "-WRONGPASS no\r\n")),
            (silent, Script::empty().on("AUTH", Act::Silence)),
            (silent, Script::empty().on("REPLCONF capa", Act::Silence)),
            (silent, Script::empty().on("PSYNC", Act::Silence)),
            (
                "Master is currently unable to PSYNC but should be in the future: -LOADING wait",
                Script::empty().say("PSYNC", "-LOADING wait\r\n"),
            ),
            (
                "Master is currently unable to PSYNC but should be in the future: -NOMASTERLINK no",
                Script::empty().say("PSYNC", "-NOMASTERLINK no\r\n"),
            ),
            (
                "Unexpected reply to PSYNC from master: +WHAT",
                Script::empty().say("PSYNC", "+WHAT\r\n").on("SYNC", Act::Close),
            ),
            (
                "MASTER aborted replication with an error: ERR no",
                Script::empty().say("PSYNC", "-NOAUTH no\r\n").say("SYNC", "-ERR no\r\n"),
            ),
            (
                "Master replied with wrong +FULLRESYNC syntax.",
                Script::empty().say("PSYNC", "+FULLRESYNC here\r\n").on("SYNC", Act::Close),
            ),
        ];
        each(kind, "--repl-timeout 1 --masterauth goose", cases);
    }
}

/// Closed connections, in each phase. There is no common word for them.
#[test]
fn connections_closed_in_the_handshake() {
    for kind in kinds("connections_closed_in_the_handshake") {
        for words in ["PING", "AUTH", "REPLCONF listening-port", "REPLCONF capa", "PSYNC"] {
            let again = "MASTER <-> REPLICA sync started";
            each(kind, "--masterauth goose", vec![(again, Script::empty().on(words, Act::Close))]);
        }
    }
}

/// An old primary that knows neither REPLCONF nor PSYNC is followed all the same.
#[test]
fn an_old_primary_is_followed() {
    for kind in kinds("an_old_primary_is_followed") {
        let script = Script::good(&a_data_set())
            .say("REPLCONF", "-ERR unknown command 'REPLCONF'\r\n")
            .say("PSYNC", "-ERR unknown command 'PSYNC'\r\n");
        let primary = FakePrimary::start(script.on("REPLCONF ACK", Act::Ignore));
        let replica = Server::of(kind).start();
        follow(&replica, primary.port());
        wait_link_up(&replica);
        assert_eq!(replica.run("GET new").to_string(), "\"value\"");
        for line in [
            "(Non critical) Master does not understand REPLCONF listening-port: -ERR unknown command 'REPLCONF'",
            "(Non critical) Master does not understand REPLCONF capa: -ERR unknown command 'REPLCONF'",
            "Master does not support PSYNC or is in error state (reply: -ERR unknown command 'PSYNC')",
            "Retrying with SYNC...",
        ] {
            assert!(replica.log_contains(line), "{kind:?}: no {line:?}\n{}", replica.log_tail());
        }
    }
}

/// The handshake's words, in their order, and ACKs afterwards.
#[test]
fn the_handshake_is_redis_s() {
    for kind in kinds("the_handshake_is_redis_s") {
        let primary = FakePrimary::start(Script::good(&a_data_set()));
        // By argument: one that was a primary before would ask to continue its own history.
        let args = "--masteruser eve --masterauth goose --replica-announce-ip 10.1.2.3";
        let replica =
            Server::of(kind).args(args).args(&format!("--replicaof 127.0.0.1 {}", primary.port())).start();
        wait_link_up(&replica);
        replica.wait_for("an ACK", || primary.has_heard("REPLCONF ACK 0"));
        let said: Vec<String> =
            primary.requests().iter().map(|request| request.join(" ").to_lowercase()).collect();
        let port = format!("replconf listening-port {}", replica.port());
        let wanted = [
            "ping",
            "auth eve goose",
            &port,
            "replconf ip-address 10.1.2.3",
            "replconf capa eof capa psync2",
            "psync ? -1",
        ];
        // Redis 7.2 tells its version between the last two.
        let said: Vec<&str> =
            said.iter().map(String::as_str).filter(|line| !line.starts_with("replconf version")).collect();
        assert_eq!(said[..wanted.len()], wanted, "{kind:?}");
    }
}

/// Payloads that break off or never come.
#[test]
fn broken_payloads() {
    let rdb = a_data_set();
    let half = framed(&rdb)[..20].to_vec();
    let mark = [b'm'; 40];
    let marked = framed_by_mark(&rdb, &mark);
    let lost = "I/O error trying to sync with MASTER: connection lost";
    let slow = "Timeout receiving bulk data from MASTER...";
    for kind in kinds("broken_payloads") {
        let cases = vec![
            (
                "MASTER aborted replication with an error: ERR can't",
                Script::empty().full_sync(b"-ERR can't\r\n"),
            ),
            (
                "Bad protocol from MASTER, the first byte is not '$' (we received '+what')",
                Script::empty().full_sync(b"+what\r\n"),
            ),
            (lost, Script::empty().full_sync_then_close(&half)),
            (lost, Script::empty().full_sync_then_close(&marked[..60])),
            (lost, Script::empty().full_sync_then_close(b"$9999999999999\r\nREDIS0010")),
            (slow, Script::empty().full_sync(b"")),
            (slow, Script::empty().full_sync(&half)),
            (slow, Script::empty().full_sync(&marked[..marked.len() - 1])),
        ];
        each(kind, "--repl-timeout 1", cases);
    }
}

/// Damage inside a packed value, under a right checksum.
fn hidden_damage() -> Vec<u8> {
    let mut pack = old::listpack(&[b"field", b"value"]);
    pack[4] = 1;
    let body = old::packed(old::kind::HASH_LISTPACK, &pack);
    RdbText::new().select(0).string("good", "1").raw(&old::entry(b"packed", &body)).finish()
}

/// Data sets that can't be loaded: what the replica has stays. Redis drops its own before it looks, so these are for
/// Greylag alone.
#[test]
fn corrupt_data_sets_leave_the_old_one() {
    if Greylag.is_redis() {
        return;
    }
    let good = a_data_set();
    let mut wrong_checksum = good.clone();
    *wrong_checksum.last_mut().expect("has bytes") ^= 1;
    let wrong_value: Vec<u8> = good.iter().map(|&byte| if byte == b'v' { b'w' } else { byte }).collect();
    let failed = "Failed trying to load the MASTER synchronization DB";
    let data_sets: Vec<(&str, Vec<u8>)> = vec![
        (failed, b"this is no dump of anything at all".to_vec()),
        (failed, wrong_checksum),
        (failed, wrong_value),
        (failed, good[..good.len() - 12].to_vec()),
        (failed, RdbText::new().select(0).raw(&[199, 1, b'k', 1, b'v']).finish()),
        (failed, RdbText::new().select(0).raw(&[0, 0x81, 0x7f, 255, 255, 255, 255, 255, 255, 255]).finish()),
        (failed, RdbText::new().raw(&[254, 200]).string("key", "of another database").finish()),
        (failed, RdbText::new().select(0).string("twice", "1").string("twice", "2").finish()),
        // The reason, with key and place: a good key, then a hash whose listpack counts wrongly.
        (
            "Listpack integrity check failed, in the value at key \"packed\" (at offset 19 of the RDB)",
            hidden_damage(),
        ),
    ];
    for how in ["disabled", "swapdb", "on-empty-db"] {
        let cases = data_sets.iter().flat_map(|(line, rdb)| {
            let mark = [b'm'; 40];
            [framed(rdb), framed_by_mark(rdb, &mark)].map(|bytes| (*line, Script::empty().full_sync(&bytes)))
        });
        each(Greylag, &format!("--repl-diskless-load {how}"), cases.collect());
    }
}

/// A type that can't be kept is named, with its key.
#[test]
fn an_unknown_type_is_named() {
    if Greylag.is_redis() {
        return;
    }
    let rdb = RdbText::new().select(0).module("shopping").finish();
    let primary = FakePrimary::start(Script::good(&rdb));
    let replica = Server::greylag().start();
    replica.run("SET old data");
    follow(&replica, primary.port());
    replica.wait_log("shopping");
    assert!(replica.log_contains("module"), "{}", replica.log_tail());
    assert_eq!(replica.run("GET old").to_string(), "\"data\"");
}

/// A full sync, then this in the stream. The link goes; what came before counts, the rest does not.
#[track_caller]
fn stream(kind: Kind, stream: &[u8], line: &str) {
    let rdb = a_data_set();
    let bytes =
        [framed(&rdb), b"*3\r\n$3\r\nSET\r\n$6\r\nbefore\r\n$1\r\n1\r\n".to_vec(), stream.to_vec()].concat();
    let wrong = Script::empty().full_sync_then_close(&bytes);
    let silent = Script::empty().on("PSYNC", Act::Silence);
    let primary = FakePrimary::start_with(vec![wrong, silent]);
    let replica = Server::of(kind).start();
    follow(&replica, primary.port());
    replica.wait_log(line);
    replica.wait_for("another try", || 1 < primary.connections());
    assert_eq!(replica.run("GET new").to_string(), "\"value\"", "{kind:?}");
    assert_eq!(replica.run("GET before").to_string(), "\"1\"", "{kind:?} {}", replica.log_tail());
    assert_eq!(replica.run("DBSIZE").int(), 2, "{kind:?}");
    assert_eq!(replica.info_field("replication", "master_link_status"), "down", "{kind:?}");
    // It asks for what follows the last whole command.
    let offset = 1 + "*3\r\n$3\r\nSET\r\n$6\r\nbefore\r\n$1\r\n1\r\n".len();
    replica.wait_for("a partial resync is asked for", || {
        primary.has_heard(&format!("PSYNC {REPL_ID} {offset}"))
    });
}

#[test]
fn halves_in_the_stream_are_asked_for_again() {
    for kind in kinds("halves_in_the_stream_are_asked_for_again") {
        for half in [
            "*",
            "*3\r\n$3\r\nSET\r\n$4\r\nha",
            "*3\r\n$3\r\nSET\r\n$4\r\nhalf\r\n$5\r\nval\r\n",
            "*2\r\n$3\r\nDEL\r\n$99999\r\nx",
        ] {
            stream(kind, half.as_bytes(), "Connection with master lost.");
        }
    }
}

/// Half a transaction: nothing of it is done, and it is asked for from its MULTI on.
#[test]
fn half_a_transaction_is_not_done() {
    if Greylag.is_redis() {
        return;
    }
    let half = "*1\r\n$5\r\nMULTI\r\n*3\r\n$3\r\nSET\r\n$4\r\nhalf\r\n$1\r\n1\r\n";
    stream(Greylag, half.as_bytes(), "Connection with master lost.");
}

/// What Greylag does not know it must not skip: the link stops, and the log names the command.
#[test]
fn an_unknown_command_stops_the_link() {
    if Greylag.is_redis() {
        return;
    }
    stream(Greylag, b"*3\r\n$5\r\nPFSUB\r\n$4\r\nlist\r\n$1\r\nx\r\n", "the command 'PFSUB'");
    stream(Greylag, b"*2\r\n$9\r\nNONSENSE!\r\n$4\r\nlist\r\n", "the command 'NONSENSE!'");
}

/// No protocol at all in the stream.
#[test]
fn nonsense_in_the_stream_stops_the_link() {
    if Greylag.is_redis() {
        return;
    }
    for nonsense in ["*abc\r\n", "*1\r\n$-5\r\n", "*1\r\n$99999999999\r\nx", "*1\r\n!3\r\nGET\r\n"] {
        stream(Greylag, nonsense.as_bytes(), "in the primary's stream");
    }
}

/// Histories that are none, and floods.
#[test]
fn answers_out_of_place() {
    if Greylag.is_redis() {
        return;
    }
    let again = "MASTER <-> REPLICA sync started";
    let cases = vec![
        (
            again,
            Script::empty()
                .say("PSYNC", &format!("+FULLRESYNC {REPL_ID} -5\r\n$0\r\n"))
                .on("SYNC", Act::Close),
        ),
        (again, Script::empty().say("PSYNC", "+FULLRESYNC short 0\r\n").on("SYNC", Act::Close)),
        (again, Script::empty().on("PSYNC", Act::SendThenClose(vec![b'x'; 100_000]))),
        (again, Script::empty().on("PING", Act::SendThenClose(vec![b'\n'; 10_000]))),
    ];
    each(Greylag, "--repl-timeout 2", cases);
}

/// +CONTINUE for one who has nothing to continue: it asks again.
#[test]
fn nothing_to_continue() {
    if Greylag.is_redis() {
        return;
    }
    for answer in ["+CONTINUE\r\n".to_string(), format!("+CONTINUE {REPL_ID}\r\n")] {
        let primary = FakePrimary::start(Script::empty().say("PSYNC ? -1", &answer));
        let replica = Server::greylag().args(&format!("--replicaof 127.0.0.1 {}", primary.port())).start();
        replica.wait_for("another try", || 1 < primary.connections());
        assert_eq!(replica.run("DBSIZE").int(), 0);
        assert_eq!(replica.info_field("replication", "master_link_status"), "down");
    }
}

/// The same address comes back empty, with another history: the replica keeps what it has, until it is told again.
#[test]
fn an_empty_primary_is_refused() {
    if Greylag.is_redis() {
        return;
    }
    let mut primary = Server::greylag().start();
    primary.run("SET precious data");
    let replica = Server::greylag().start();
    follow(&replica, primary.port());
    wait_link_up(&replica);
    assert_eq!(replica.run("GET precious").to_string(), "\"data\"");
    primary.kill();
    replica.wait_log("Connection with master lost.");
    primary.start_again();
    replica.wait_log("replica-refuse-empty-primary");
    assert_eq!(replica.run("GET precious").to_string(), "\"data\"");
    assert_eq!(replica.run("CONFIG SET replica-refuse-empty-primary no").to_string(), "OK");
    wait_link_up(&replica);
    assert_eq!(replica.run("GET precious").to_string(), "(nil)");
}
