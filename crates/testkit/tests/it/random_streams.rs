//! The random commands of the differential tests, on a primary with replicas of both kinds: at equal offsets equal
//! digests, and the same data again after a restart from the RDB.
//!
//! `DIFF_SEED=n` runs one stream, `DIFF_COUNT=n` sets its length, `DIFF_SKIP` leaves commands out, as in
//! [`crate::differential`].

use crate::differential::number;
use crate::tree::{digests, follow, wait_equal, wait_link_up};
use testkit::client::{Client, encode_to, is_closed};
use testkit::differential::stream::{self, CONNECTIONS, Form, Op, Past};
use testkit::process::{Kind, Server, has_redis};

const COUNT: usize = 60_000;
/// Operations that go together, over one connection.
const BATCH_OPS: usize = 50;

/// Without what would end the experiment itself: connections killed, everything gone or reloaded, and settings of the
/// primary alone that show in a value's bytes (when a HyperLogLog becomes dense).
fn fits(op: &Op) -> bool {
    op.form != Form::Reload
        && op.form != Form::Checkpoint
        && !["client", "config", "debug", "flushall", "quit"].iter().any(|name| op.is_named(name))
}

/// Runs the stream; a connection that the server closes is opened again.
#[track_caller]
fn run(server: &Server, ops: &[Op]) {
    let mut clients: Vec<Client> = (0..CONNECTIONS).map(|_| server.client()).collect();
    for batch in ops.chunk_by(|a, b| a.conn == b.conn).flat_map(|run| run.chunks(BATCH_OPS)) {
        let client = &mut clients[batch[0].conn];
        let mut bytes = Vec::new();
        batch.iter().for_each(|op| encode_to(&mut bytes, &op.argv));
        client.send(&bytes).expect("is sent");
        for op in batch {
            match client.reply() {
                Ok(_) => {}
                Err(error) if is_closed(&error) => {
                    *client = server.client();
                    break;
                }
                Err(error) => panic!("{}: {error}\n{}", op.text(), server.log_tail()),
            }
        }
    }
}

#[track_caller]
fn stream(seed: u64, past: Past, replicas: &[Kind]) {
    let seed = number("DIFF_SEED").unwrap_or(seed);
    let count = number("DIFF_COUNT").map_or(COUNT, |count| count as usize);
    println!("DIFF_SEED={seed} DIFF_COUNT={count}");
    let mut primary = Server::greylag().args("--repl-ping-replica-period 1000").start();
    let replicas: Vec<Server> = replicas.iter().map(|kind| Server::of(*kind).start()).collect();
    for replica in &replicas {
        follow(replica, primary.port());
        wait_link_up(replica);
    }
    let mut ops = stream::generate(seed, count, past);
    ops.retain(fits);
    stream::leave_out(&mut ops, &std::env::var("DIFF_SKIP").unwrap_or_default());
    let nodes: Vec<&Server> = std::iter::once(&primary).chain(&replicas).collect();
    // In parts: what differs at the end may have been overwritten by then, or made equal by a flush.
    for part in ops.chunks(ops.len().div_ceil(5)) {
        run(&primary, part);
        wait_equal(&nodes);
    }
    for replica in &replicas {
        let (log, tail) = (replica.log(), replica.log_tail());
        assert!(!log.contains("CRITICAL"), "a replica could not do what it was told:\n{tail}");
        // The partial kind says "Successful partial resynchronization".
        assert_eq!(log.matches("Full resync from master").count(), 1, "the link held:\n{tail}");
    }
    // From here on only the primary; what expires meanwhile must not count.
    primary.run("DEBUG SET-ACTIVE-EXPIRE 0");
    let before = digests(&[&primary]);
    assert_eq!(primary.run("SAVE").text(), "OK");
    primary.kill();
    primary.start_again();
    primary.run("DEBUG SET-ACTIVE-EXPIRE 0");
    assert_eq!(digests(&[&primary]), before, "DIFF_SEED={seed}\n{}", primary.log_tail());
}

#[test]
fn to_a_greylag_replica() {
    stream(21, Past::Allowed, &[Kind::Greylag]);
}

#[test]
fn to_replicas_of_both_kinds() {
    if has_redis("to_replicas_of_both_kinds") {
        stream(22, Past::Allowed, &[Kind::Greylag, Kind::Redis]);
    }
}
