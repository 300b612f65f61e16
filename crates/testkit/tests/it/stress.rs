//! What goes wrong only when things meet: roles that change under load, a transfer that one of its readers holds up,
//! ends in the middle of a sync, files and primaries with numbers that can't be.

use crate::tree::{Writers, fill, follow, wait_equal, wait_link_up};
use base::rng::Rng;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use testkit::fake_primary::{Act, FakePrimary, Script};
use testkit::process::{Server, free_port};
use testkit::rdb::{RdbText, framed};

/// So many times, as many clients change the role so often.
const ROUNDS: u64 = 12;
const FLIPPERS: u64 = 3;
const FLIPS: u64 = 30;

/// A server whose role is changed by several clients at once, over and over, to a primary and to nobody and to
/// addresses that fail at once or later, under load and with a replica of its own: at the end all are equal. Words of
/// the link's thread and of REPLICAOF once overtook each other, and the link stood still for good.
#[test]
fn roles_flip_under_load() {
    let seed = 7;
    println!("seed {seed}");
    let start = || Server::greylag().args("--repl-backlog-size 16kb --repl-ping-replica-period 1000").start();
    let (top, middle, bottom) = (start(), start(), start());
    fill(&top, 2000);
    follow(&middle, top.port());
    wait_link_up(&middle);
    follow(&bottom, middle.port());
    wait_link_up(&bottom);
    let writers = Writers::start(&top, 1);
    let stop = Arc::new(AtomicBool::new(false));
    // Its writes are refused or lost, as the role is.
    let local = std::thread::spawn({
        let (mut client, stop) = (middle.client(), stop.clone());
        move || {
            while !stop.load(Ordering::SeqCst) {
                client.command(&["SET", "local", "write"]).expect("is answered");
            }
        }
    });
    let nobody = free_port();
    for round in 0..ROUNDS {
        let flippers: Vec<_> = (0..FLIPPERS)
            .map(|n| {
                let (mut client, top) = (middle.client(), top.port());
                let mut rng = Rng::new(seed + round * FLIPPERS + n);
                std::thread::spawn(move || {
                    for _ in 0..FLIPS {
                        let reply = client.run(&match rng.below(6) {
                            0 => format!("REPLICAOF 127.0.0.1 {top}"),
                            1 => format!("REPLICAOF 127.0.0.1 {nobody}"),
                            2..5 => "REPLICAOF 255.255.255.255 1".to_string(),
                            _ => "REPLICAOF NO ONE".to_string(),
                        });
                        assert!(!reply.is_error(), "{reply}");
                    }
                    // Now and then a handshake, or more, has time to happen.
                    if rng.below(2) == 0 {
                        client.run("DEBUG DIGEST");
                    }
                    client.run(&format!("REPLICAOF 127.0.0.1 {top}"));
                })
            })
            .collect();
        for flipper in flippers {
            flipper.join().expect("did not fail");
        }
        // By itself: a further word of ours would help a link that stands still.
        wait_link_up(&middle);
    }
    stop.store(true, Ordering::SeqCst);
    local.join().expect("did not fail");
    wait_link_up(&bottom);
    writers.wait_for_more(200);
    writers.stop();
    wait_equal(&[&top, &middle, &bottom]);
    assert_eq!(top.info_field("replication", "connected_slaves"), "1");
}

/// A name may stand for several addresses, of which the primary listens on one only.
#[test]
fn a_primary_by_name() {
    let primary = Server::greylag().start();
    primary.run("SET name jake");
    let replica = Server::greylag().start();
    assert_eq!(replica.run(&format!("REPLICAOF localhost {}", primary.port())).text(), "OK");
    wait_link_up(&replica);
    wait_equal(&[&primary, &replica]);
    assert_eq!(replica.info_field("replication", "master_host"), "localhost");
}

/// A walk to two sockets, of which one takes nothing: it is dropped by repl-timeout, and the other, which had to wait
/// for it as long, is not.
#[test]
fn who_waits_for_a_stuck_replica_is_not_dropped_with_it() {
    let primary = Server::greylag()
        .args("--repl-diskless-sync yes --repl-diskless-sync-max-replicas 2 --repl-timeout 3")
        .arg("--rdbcompression")
        .arg("no")
        .start();
    primary.run("CONFIG SET repl-diskless-sync-delay 1000");
    let value = "v".repeat(100_000);
    let mut client = primary.client();
    for n in 0..600 {
        let reply = client.command(&["SET", &format!("key:{n}"), &value]).expect("is answered");
        assert_eq!(reply.text(), "OK");
    }
    let mut stuck = primary.client();
    assert_eq!(stuck.run("REPLCONF capa eof capa psync2").text(), "OK");
    stuck.send(b"PSYNC ? -1\r\n").expect("is sent");
    let replica = Server::greylag().start();
    follow(&replica, primary.port());
    primary.wait_log("Disconnecting timedout replica (full sync)");
    wait_link_up(&replica);
    primary.run("SET after sync");
    wait_equal(&[&primary, &replica]);
    let dropped = primary.log().matches("Disconnecting timedout replica").count();
    assert_eq!(dropped, 1, "{}", primary.log_tail());
}

/// A slow walk passes its bytes on piece by piece, and where shards are empty there are none: a replica was once
/// dropped then.
#[test]
fn a_slow_walk_of_few_keys() {
    let primary = Server::greylag().args("--repl-diskless-sync yes --rdb-key-save-delay 1000").start();
    fill(&primary, 3);
    let replica = Server::greylag().start();
    follow(&replica, primary.port());
    wait_link_up(&replica);
    wait_equal(&[&primary, &replica]);
    assert_eq!(primary.info_field("stats", "sync_full"), "1", "{}", primary.log_tail());
}

fn temporary_files(server: &Server) -> Vec<String> {
    let files = std::fs::read_dir(server.dir()).expect("is there").flatten();
    let names = files.map(|file| file.file_name().to_string_lossy().into_owned());
    names.filter(|name| name.starts_with("temp-")).collect()
}

/// An end in the middle of a full sync, on either side, leaves no file behind; a killed primary leaves none either.
#[test]
fn an_end_in_a_full_sync_leaves_no_files() {
    let mut primary = Server::greylag().args("--repl-diskless-sync no --rdb-key-save-delay 100000").start();
    fill(&primary, 1000);
    let mut replica = Server::greylag().start();
    for end in ["SHUTDOWN NOSAVE", "kill"] {
        follow(&replica, primary.port());
        replica.wait_log("Full resync from master");
        if end == "kill" {
            primary.kill();
        } else {
            primary.client().send(b"SHUTDOWN NOSAVE\r\n").expect("is sent");
            assert!(primary.wait_exit().success());
        }
        assert_eq!(temporary_files(&primary), Vec::<String>::new(), "{end}");
        primary.start_again();
        fill(&primary, 1000);
    }
    // The replica ends while it receives: half of a payload is in its file.
    let half = &framed(&RdbText::new().select(0).string("key", &"v".repeat(1000)).finish())[..500];
    let silent = FakePrimary::start(Script::empty().full_sync(half));
    follow(&replica, silent.port());
    replica.wait_for("a file that is received", || !temporary_files(&replica).is_empty());
    replica.client().send(b"SHUTDOWN NOSAVE\r\n").expect("is sent");
    assert!(replica.wait_exit().success());
    assert_eq!(temporary_files(&replica), Vec::<String>::new());
}

/// What a file says of its place in a history, and of times, may be anything.
#[test]
fn numbers_that_can_not_be() {
    let id = "f".repeat(40);
    let expires = |ms: i64| [&[252][..], &ms.to_le_bytes()].concat();
    for (db, offset, ctime) in [
        ("99", "-1", i64::MIN.to_string()),
        ("-1", "9223372036854775807", i64::MAX.to_string()),
        ("4294967295", "-9223372036854775808", "x".to_string()),
        ("18446744073709551616", "99999999999999999999", String::new()),
    ] {
        let rdb = RdbText::new()
            .aux("repl-id", &id)
            .aux("repl-offset", offset)
            .aux("repl-stream-db", db)
            .aux("ctime", &ctime)
            .aux("used-mem", offset)
            .select(0)
            .raw(&expires(i64::MIN))
            .string("long ago", "1")
            .raw(&expires(i64::MAX))
            .string("never", "1")
            .string("key", "value")
            .finish();
        // Loaded at the start, by a primary.
        let primary = Server::greylag().file("dump.rdb", &rdb).start();
        for line in
            ["GET key", "TTL never", "TTL long", "INFO", "DEBUG DIGEST", "SET key value", "SAVE", "ROLE"]
        {
            assert!(!primary.run(line).is_error(), "{line}");
        }
        let replica = Server::greylag().start();
        follow(&replica, primary.port());
        wait_link_up(&replica);
        primary.run("SET after sync");
        wait_equal(&[&primary, &replica]);
        // By a replica at its start, which then asks for what follows; and from a primary, with a stream behind it.
        let bytes = [framed(&rdb), b"*3\r\n$3\r\nSET\r\n$5\r\nafter\r\n$1\r\n1\r\n".to_vec()].concat();
        let fake = FakePrimary::start(Script::empty().full_sync(&bytes));
        let replica = Server::greylag()
            .file("dump.rdb", &rdb)
            .args(&format!("--replicaof 127.0.0.1 {}", fake.port()))
            .start();
        replica.wait_for("the stream is applied", || replica.run("GET after").to_string() == "\"1\"");
        for line in ["GET key", "TTL never", "INFO", "DEBUG DIGEST", "ROLE"] {
            assert!(!replica.run(line).is_error(), "{line}");
        }
        // The last offset that there is, and a stream beyond it.
        let far = [format!("+FULLRESYNC {id} {}\r\n", i64::MAX).as_bytes(), &bytes].concat();
        let far = FakePrimary::start(Script::empty().on("PSYNC", Act::Send(far)));
        replica.run("REPLICAOF NO ONE");
        replica.run("DEL after");
        follow(&replica, far.port());
        replica.wait_for("the stream is applied", || replica.run("GET after").to_string() == "\"1\"");
        for line in ["INFO", "ROLE", "REPLICAOF NO ONE", "SET key value", "INFO"] {
            assert!(!replica.run(line).is_error(), "{line}");
        }
    }
}

/// A server whose `dir` is removed behind its back.
fn without_dir(args: &str) -> Server {
    let server = Server::greylag().args("--enable-protected-configs yes").args(args).start();
    let dir = server.dir().join("gone");
    std::fs::create_dir(&dir).expect("can be made");
    assert_eq!(server.run(&format!("CONFIG SET dir {}", dir.display())).text(), "OK");
    std::fs::remove_dir(&dir).expect("is there");
    server
}

/// No file can be written: a full sync by disk fails on that side, with a line that says why; the data stays, and
/// without a disk it goes.
#[test]
fn a_directory_that_vanished() {
    let primary = Server::greylag().args("--repl-diskless-sync no").start();
    fill(&primary, 100);
    let replica = without_dir("");
    replica.run("SET old data");
    follow(&replica, primary.port());
    replica.wait_log("synchronization: No such file or directory");
    assert_eq!(replica.run("GET old").to_string(), "\"data\"");
    assert_eq!(replica.run("CONFIG SET repl-diskless-load swapdb").text(), "OK");
    wait_link_up(&replica);
    wait_equal(&[&primary, &replica]);

    let primary = without_dir("--repl-diskless-sync no");
    fill(&primary, 100);
    let replica = Server::greylag().start();
    replica.run("SET old data");
    follow(&replica, primary.port());
    primary.wait_log("Background saving error: No such file or directory");
    assert_eq!(primary.run("SET goes on").text(), "OK");
    assert_eq!(replica.run("GET old").to_string(), "\"data\"");
    assert_eq!(primary.run("CONFIG SET repl-diskless-sync yes").text(), "OK");
    wait_link_up(&replica);
    wait_equal(&[&primary, &replica]);
}
