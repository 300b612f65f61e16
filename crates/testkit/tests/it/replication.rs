//! Full syncs under writes, equal data at equal offsets, partial resyncs after a cut: pairs and chains of Greylag and
//! redis-server.

use crate::tree::{Writers, digest, fill, follow, offset, syncs, wait_equal, wait_link_up};
use std::time::Duration;
use testkit::process::Kind::{self, Greylag, Redis};
use testkit::process::{Server, has_redis};
use testkit::proxy::Proxy;

const MANY_KEYS: u32 = 200_000;
/// Where another test of the same pair has the many.
const FEW_KEYS: u32 = 20_000;

/// How the primary hands over its data set.
#[derive(Clone, Copy)]
enum Transfer {
    Disk,
    Diskless,
}

impl Transfer {
    fn args(self) -> &'static str {
        match self {
            Transfer::Disk => "--repl-diskless-sync no",
            Transfer::Diskless => "--repl-diskless-sync yes",
        }
    }
}

/// A server for these tests: a backlog that a cut of any length fits in, and no PING that moves the offsets while
/// digests are taken.
fn start(kind: Kind, transfer: Transfer) -> Server {
    Server::of(kind)
        .args("--repl-backlog-size 64mb --repl-ping-replica-period 1000")
        .args(transfer.args())
        .start()
}

/// A chain from its top: each node follows the one before it, by way of a proxy that can cut them apart.
struct Chain {
    nodes: Vec<Server>,
    proxies: Vec<Proxy>,
}

impl Chain {
    fn start(kinds: &[Kind], transfer: Transfer) -> Self {
        let nodes: Vec<Server> = kinds.iter().map(|kind| start(*kind, transfer)).collect();
        let proxies = nodes[..nodes.len() - 1].iter().map(|node| Proxy::to(node.port())).collect();
        Self { nodes, proxies }
    }

    fn top(&self) -> &Server {
        &self.nodes[0]
    }

    fn link(&self) {
        for (node, proxy) in self.nodes[1..].iter().zip(&self.proxies) {
            follow(node, proxy.port());
        }
    }

    #[track_caller]
    fn wait_up(&self) {
        self.nodes[1..].iter().for_each(wait_link_up);
    }

    #[track_caller]
    fn wait_equal(&self) {
        wait_equal(&self.nodes.iter().collect::<Vec<_>>());
    }

    /// Every node with a replica: its sync_full and sync_partial_ok.
    fn syncs(&self) -> Vec<(u64, u64)> {
        self.nodes[..self.nodes.len() - 1].iter().map(syncs).collect()
    }
}

/// Keys and live writes during the sync; equal digests; then every connection is cut while writes go on, and
/// all continue partially.
fn full_then_partial(kinds: &[Kind], transfer: Transfer, keys: u32) {
    let chain = Chain::start(kinds, transfer);
    fill(chain.top(), keys);
    let writers = Writers::start(chain.top(), 2);
    chain.link();
    chain.wait_up();
    writers.wait_for_more(1000);
    writers.stop();
    chain.wait_equal();
    let ids: Vec<String> =
        chain.nodes.iter().map(|node| node.info_field("replication", "master_replid")).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "the top's id everywhere: {ids:?}");

    let before = chain.syncs();
    let writers = Writers::start(chain.top(), 1);
    for proxy in &chain.proxies {
        proxy.cut();
    }
    for (i, node) in chain.nodes[..chain.nodes.len() - 1].iter().enumerate() {
        node.wait_for("a partial resync", || before[i].1 < syncs(node).1 || before[i].0 < syncs(node).0);
    }
    writers.wait_for_more(1000);
    writers.stop();
    chain.wait_up();
    chain.wait_equal();
    for ((full, partial), (full_before, partial_before)) in chain.syncs().iter().zip(&before) {
        assert_eq!(full, full_before, "no further full sync");
        assert!(partial_before < partial, "continued partially");
    }
    for node in &chain.nodes[1..] {
        assert!(
            node.log_contains("Successful partial resynchronization with master."),
            "{}",
            node.log_tail()
        );
    }
}

#[test]
fn pair_greylag_greylag_by_disk() {
    full_then_partial(&[Greylag, Greylag], Transfer::Disk, MANY_KEYS);
}

#[test]
fn pair_greylag_greylag_diskless() {
    full_then_partial(&[Greylag, Greylag], Transfer::Diskless, FEW_KEYS);
}

#[test]
fn pair_redis_greylag_by_disk() {
    if has_redis("pair_redis_greylag_by_disk") {
        full_then_partial(&[Redis, Greylag], Transfer::Disk, FEW_KEYS);
    }
}

#[test]
fn pair_redis_greylag_diskless() {
    if has_redis("pair_redis_greylag_diskless") {
        full_then_partial(&[Redis, Greylag], Transfer::Diskless, MANY_KEYS);
    }
}

#[test]
fn pair_greylag_redis_by_disk() {
    if has_redis("pair_greylag_redis_by_disk") {
        full_then_partial(&[Greylag, Redis], Transfer::Disk, MANY_KEYS);
    }
}

#[test]
fn pair_greylag_redis_diskless() {
    if has_redis("pair_greylag_redis_diskless") {
        full_then_partial(&[Greylag, Redis], Transfer::Diskless, FEW_KEYS);
    }
}

#[test]
fn chain_redis_greylag_redis() {
    if has_redis("chain_redis_greylag_redis") {
        full_then_partial(&[Redis, Greylag, Redis], Transfer::Diskless, MANY_KEYS);
    }
}

#[test]
fn chain_greylag_redis_greylag() {
    if has_redis("chain_greylag_redis_greylag") {
        full_then_partial(&[Greylag, Redis, Greylag], Transfer::Disk, MANY_KEYS);
    }
}

#[test]
fn chain_of_greylags() {
    full_then_partial(&[Greylag, Greylag, Greylag], Transfer::Disk, FEW_KEYS);
}

/// CLIENT KILL TYPE on the primary does what a cut cable does.
fn killed_by_type(primary: Kind, replica: Kind) {
    let (primary, replica) = (start(primary, Transfer::Diskless), start(replica, Transfer::Diskless));
    fill(&primary, 1000);
    follow(&replica, primary.port());
    wait_link_up(&replica);
    wait_equal(&[&primary, &replica]);
    primary.wait_for("the replica is online", || {
        primary.info_field("replication", "slave0").contains("state=online")
    });
    for (round, kind) in (1..).zip(["replica", "slave"]) {
        assert_eq!(primary.run(&format!("CLIENT KILL TYPE {kind}")).int(), 1);
        primary.wait_for("a partial resync", || syncs(&primary) == (1, round));
        primary.run("SET after kill");
        wait_link_up(&replica);
        wait_equal(&[&primary, &replica]);
    }
    // And from below: the replica's own connection to its primary.
    assert_eq!(replica.run("CLIENT KILL TYPE master").int(), 1);
    primary.wait_for("a partial resync", || syncs(&primary) == (1, 3));
    wait_link_up(&replica);
    wait_equal(&[&primary, &replica]);
}

#[test]
fn killed_by_type_greylag_greylag() {
    killed_by_type(Greylag, Greylag);
}

#[test]
fn killed_by_type_with_redis_on_either_side() {
    if has_redis("killed_by_type_with_redis_on_either_side") {
        killed_by_type(Redis, Greylag);
        killed_by_type(Greylag, Redis);
    }
}

/// More was written during the cut than the backlog holds: a full sync, and the right data.
fn beyond_the_backlog(primary: Kind, replica: Kind) {
    let primary = Server::of(primary).args("--repl-backlog-size 16kb").start();
    let replica = Server::of(replica).start();
    let proxy = Proxy::to(primary.port());
    primary.run("SET first value");
    follow(&replica, proxy.port());
    wait_link_up(&replica);
    proxy.refuse();
    fill(&primary, 2000);
    proxy.admit();
    primary.wait_for("a second full sync", || syncs(&primary).0 == 2);
    wait_link_up(&replica);
    wait_equal(&[&primary, &replica]);
    assert_eq!(syncs(&primary).1, 0);
    assert!(
        primary.log_contains("Unable to partial resync with replica 127.0.0.1:"),
        "{}",
        primary.log_tail()
    );
}

#[test]
fn beyond_the_backlog_greylag_greylag() {
    beyond_the_backlog(Greylag, Greylag);
}

#[test]
fn beyond_the_backlog_with_redis_on_either_side() {
    if has_redis("beyond_the_backlog_with_redis_on_either_side") {
        beyond_the_backlog(Redis, Greylag);
        beyond_the_backlog(Greylag, Redis);
    }
}

/// The cut falls into the transfer of the data set: the replica begins again, and keeps what it had until then.
fn cut_in_the_payload(primary: Kind, replica: Kind, transfer: Transfer) {
    let (primary, replica) = (start(primary, transfer), start(replica, transfer));
    fill(&primary, 50_000);
    replica.run("SET old data");
    let proxy = Proxy::to(primary.port());
    // Slow enough that the cut comes before the end: the payload is some megabytes, of many chunks.
    proxy.set_delay(Duration::from_millis(30));
    follow(&replica, proxy.port());
    replica.wait_for("the payload begins", || 200_000 < proxy.bytes());
    assert_eq!(replica.run("GET old").to_string(), "\"data\"");
    assert_eq!(replica.info_field("replication", "master_sync_in_progress"), "1");
    proxy.set_delay(Duration::ZERO);
    proxy.cut();
    wait_link_up(&replica);
    assert_eq!(replica.run("GET old").to_string(), "(nil)");
    primary.run("SET after cut");
    wait_equal(&[&primary, &replica]);
    assert_eq!(proxy.connections(), 2);
}

#[test]
fn cut_in_the_payload_greylag_greylag() {
    cut_in_the_payload(Greylag, Greylag, Transfer::Diskless);
    cut_in_the_payload(Greylag, Greylag, Transfer::Disk);
}

#[test]
fn cut_in_the_payload_with_redis_on_either_side() {
    if has_redis("cut_in_the_payload_with_redis_on_either_side") {
        cut_in_the_payload(Redis, Greylag, Transfer::Diskless);
        cut_in_the_payload(Greylag, Redis, Transfer::Disk);
    }
}

/// Two replicas that ask at about the same time, and a third much later: all get the same data.
fn several_replicas(primary: Kind, replicas: [Kind; 3], transfer: Transfer) {
    let primary = start(primary, transfer);
    fill(&primary, 20_000);
    let writers = Writers::start(&primary, 1);
    let replicas = replicas.map(|kind| start(kind, transfer));
    follow(&replicas[0], primary.port());
    follow(&replicas[1], primary.port());
    wait_link_up(&replicas[0]);
    wait_link_up(&replicas[1]);
    follow(&replicas[2], primary.port());
    wait_link_up(&replicas[2]);
    writers.wait_for_more(500);
    writers.stop();
    wait_equal(&[&primary, &replicas[0], &replicas[1], &replicas[2]]);
    assert_eq!(primary.info_field("replication", "connected_slaves"), "3");
    assert_eq!(syncs(&primary), (3, 0));
}

#[test]
fn several_replicas_of_greylag() {
    several_replicas(Greylag, [Greylag; 3], Transfer::Disk);
    several_replicas(Greylag, [Greylag; 3], Transfer::Diskless);
}

#[test]
fn several_replicas_of_both_kinds() {
    if has_redis("several_replicas_of_both_kinds") {
        several_replicas(Greylag, [Redis, Greylag, Redis], Transfer::Disk);
        several_replicas(Redis, [Greylag, Redis, Greylag], Transfer::Diskless);
    }
}

/// A stopped replica holds nobody up: more is written than any socket buffer holds, by several clients, and when it
/// goes on it continues, without a further sync of any kind.
fn slow_replica(primary: Kind, replica: Kind) {
    const WRITES: u32 = 400;
    let value = "v".repeat(100_000);
    let primary = start(primary, Transfer::Diskless);
    let (slow, quick) = (start(replica, Transfer::Diskless), start(replica, Transfer::Diskless));
    for replica in [&slow, &quick] {
        follow(replica, primary.port());
        wait_link_up(replica);
    }
    primary.run("SET first value");
    wait_equal(&[&primary, &slow, &quick]);
    slow.pause();
    let mut client = primary.client();
    client.set_limit(Duration::from_secs(20));
    for n in 0..WRITES {
        let reply = client.command(&["SET", &format!("key:{}", n % 50), &value]);
        assert_eq!(reply.expect("is answered while the replica sleeps").text(), "OK");
    }
    wait_equal(&[&primary, &quick]);
    slow.resume();
    wait_equal(&[&primary, &slow, &quick]);
    assert_eq!(syncs(&primary), (2, 0));
}

#[test]
fn slow_replica_of_greylag() {
    slow_replica(Greylag, Greylag);
}

#[test]
fn slow_replica_redis_of_greylag() {
    if has_redis("slow_replica_redis_of_greylag") {
        slow_replica(Greylag, Redis);
    }
}

/// min-replicas-to-write: refused with too few replicas, and for one that has not been heard of for too long.
fn min_replicas(primary: Kind, replica: Kind) {
    let noreplicas = "(error) NOREPLICAS Not enough good replicas to write.";
    let args = "--min-replicas-to-write 1 --min-replicas-max-lag 2";
    let primary = Server::of(primary).args(args).start();
    assert_eq!(primary.run("SET a 1").to_string(), noreplicas);
    assert_eq!(primary.run("GET a").to_string(), "(nil)");
    assert_eq!(primary.info_field("replication", "min_slaves_good_slaves"), "0");
    let replica = Server::of(replica).start();
    follow(&replica, primary.port());
    primary.wait_for("writes are taken", || primary.run("SET a 1").to_string() == "OK");
    assert_eq!(primary.info_field("replication", "min_slaves_good_slaves"), "1");
    replica.pause();
    primary.wait_for("writes are refused again", || primary.run("SET a 2").to_string() == noreplicas);
    let mut client = primary.client();
    client.run("MULTI");
    assert_eq!(client.run("SET a 3").to_string(), noreplicas);
    assert!(client.run("EXEC").text().starts_with("EXECABORT"));
    assert_eq!(primary.run("CONFIG SET min-replicas-to-write 0").to_string(), "OK");
    assert_eq!(primary.run("SET a 4").to_string(), "OK");
    replica.resume();
    wait_equal(&[&primary, &replica]);
}

#[test]
fn min_replicas_of_greylag() {
    min_replicas(Greylag, Greylag);
}

#[test]
fn min_replicas_with_redis_on_either_side() {
    if has_redis("min_replicas_with_redis_on_either_side") {
        min_replicas(Greylag, Redis);
        min_replicas(Redis, Greylag);
    }
}

/// What a replica may and may not do: READONLY, stale data, writable by replica-read-only no.
#[test]
fn what_a_replica_answers() {
    let primary = Server::greylag().start();
    primary.run("SET name jake");
    let replica = Server::greylag().start();
    follow(&replica, primary.port());
    wait_link_up(&replica);
    let readonly = "(error) READONLY You can't write against a read only replica.";
    for write in ["SET a 1", "DEL name", "EXPIRE name 1", "FLUSHALL", "MSET a 1", "RENAME name b"] {
        assert_eq!(replica.run(write).to_string(), readonly, "{write}");
    }
    let mut client = replica.client();
    client.run("MULTI");
    assert_eq!(client.run("SET a 1").to_string(), readonly);
    assert!(client.run("EXEC").text().starts_with("EXECABORT"));
    assert_eq!(client.run("CONFIG SET replica-read-only no").to_string(), "OK");
    assert_eq!(client.run("SET own data").to_string(), "OK");
    assert_eq!(client.run("CONFIG SET replica-read-only yes").to_string(), "OK");
    assert_eq!(client.run("GET own").to_string(), "\"data\"");
    // Nothing of it went up, and it moved no offset.
    assert_eq!(primary.run("GET own").to_string(), "(nil)");
    assert_eq!(offset(&primary), offset(&replica));
    assert_ne!(digest(&primary), digest(&replica));
}

/// replica-serve-stale-data no: while the link is down nothing but a few commands is answered.
#[test]
fn stale_data() {
    let mut primary = Server::greylag().start();
    primary.run("SET name jake");
    let replica = Server::greylag().args("--replica-serve-stale-data no").start();
    follow(&replica, primary.port());
    wait_link_up(&replica);
    assert_eq!(replica.run("GET name").to_string(), "\"jake\"");
    primary.kill();
    replica.wait_log("Connection with master lost.");
    let masterdown =
        "(error) MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.";
    assert_eq!(replica.run("GET name").to_string(), masterdown);
    assert_eq!(replica.run("PING").to_string(), masterdown);
    assert_eq!(replica.run("CONFIG SET replica-serve-stale-data yes").to_string(), "OK");
    assert_eq!(replica.run("GET name").to_string(), "\"jake\"");
    assert_eq!(replica.run("PING").to_string(), "PONG");
}

/// Both ways of loading without a disk.
fn diskless_load(primary: Kind, replica: Kind, how: &str) {
    let primary = start(primary, Transfer::Diskless);
    fill(&primary, 5000);
    let replica = Server::of(replica).args(&format!("--repl-diskless-load {how}")).start();
    if how == "swapdb" {
        replica.run("SET old data");
    }
    follow(&replica, primary.port());
    wait_link_up(&replica);
    primary.run("SET after sync");
    wait_equal(&[&primary, &replica]);
    let line = "MASTER <-> REPLICA sync: receiving streamed RDB from master with EOF to parser";
    assert!(replica.log_contains(line), "{}", replica.log_tail());
}

#[test]
fn diskless_load_by_greylag() {
    for how in ["swapdb", "on-empty-db"] {
        diskless_load(Greylag, Greylag, how);
    }
}

#[test]
fn diskless_load_with_redis_on_either_side() {
    if has_redis("diskless_load_with_redis_on_either_side") {
        for how in ["swapdb", "on-empty-db"] {
            diskless_load(Greylag, Redis, how);
            diskless_load(Redis, Greylag, how);
        }
    }
}

/// A restarted primary has another history: the replica takes a full sync, and the data of its dump file.
fn primary_restarts(primary: Kind, replica: Kind) {
    let mut primary = Server::of(primary).start();
    let replica = Server::of(replica).start();
    fill(&primary, 1000);
    follow(&replica, primary.port());
    wait_link_up(&replica);
    // The save that was for the replica may not have ended yet.
    primary.wait_for("the dump", || primary.run("SAVE").to_string() == "OK");
    primary.run("SET not saved");
    wait_equal(&[&primary, &replica]);
    primary.kill();
    replica.wait_log("Connection with master lost.");
    assert_eq!(replica.run("GET not").to_string(), "\"saved\"");
    primary.start_again();
    primary.wait_for("a full sync", || syncs(&primary).0 == 1);
    wait_link_up(&replica);
    primary.run("SET after restart");
    wait_equal(&[&primary, &replica]);
    assert_eq!(replica.run("GET not").to_string(), "(nil)");
}

#[test]
fn primary_restarts_greylag_greylag() {
    primary_restarts(Greylag, Greylag);
}

#[test]
fn primary_restarts_with_redis_on_either_side() {
    if has_redis("primary_restarts_with_redis_on_either_side") {
        primary_restarts(Redis, Greylag);
        primary_restarts(Greylag, Redis);
    }
}

/// A replica that saved as it ended, and was told to follow again, goes on where its file says that it was.
fn replica_restarts(primary: Kind, replica: Kind) {
    let primary = Server::of(primary).args("--repl-ping-replica-period 1000").start();
    fill(&primary, 1000);
    let mut replica = Server::of(replica).args(&format!("--replicaof 127.0.0.1 {}", primary.port())).start();
    wait_link_up(&replica);
    // The stream has another database selected where the replica ends.
    let mut client = primary.client();
    client.run("SELECT 3");
    client.run("SET before end");
    wait_equal(&[&primary, &replica]);
    assert_eq!(syncs(&primary), (1, 0));
    replica.client().send(b"SHUTDOWN SAVE\r\n").expect("is sent");
    assert!(replica.wait_exit().success());
    client.run("SET while away");
    replica.start_again();
    wait_link_up(&replica);
    primary.run("SET after restart");
    wait_equal(&[&primary, &replica]);
    assert_eq!(syncs(&primary), (1, 1), "{}", primary.log_tail());
    let mut client = replica.client();
    client.run("SELECT 3");
    assert_eq!(client.run("GET while").to_string(), "\"away\"");
}

#[test]
fn replica_restarts_greylag_greylag() {
    replica_restarts(Greylag, Greylag);
}

#[test]
fn replica_restarts_with_redis_on_either_side() {
    if has_redis("replica_restarts_with_redis_on_either_side") {
        replica_restarts(Redis, Greylag);
        replica_restarts(Greylag, Redis);
    }
}

/// A primary that saved as it ended has a new history that continues the old one: its replicas go on.
fn primary_restarts_from_its_file(primary: Kind, replica: Kind) {
    let mut primary = Server::of(primary).args("--repl-ping-replica-period 1000").start();
    let replica = Server::of(replica).start();
    fill(&primary, 1000);
    follow(&replica, primary.port());
    wait_link_up(&replica);
    wait_equal(&[&primary, &replica]);
    let id = primary.info_field("replication", "master_replid");
    primary.client().send(b"SHUTDOWN SAVE\r\n").expect("is sent");
    assert!(primary.wait_exit().success());
    replica.wait_log("Connection with master lost.");
    primary.start_again();
    wait_link_up(&replica);
    primary.run("SET after restart");
    wait_equal(&[&primary, &replica]);
    assert_eq!(syncs(&primary), (0, 1), "{}", primary.log_tail());
    assert_eq!(primary.info_field("replication", "master_replid2"), id);
    assert_ne!(primary.info_field("replication", "master_replid"), id);
}

#[test]
fn primary_restarts_from_its_file_greylag_greylag() {
    primary_restarts_from_its_file(Greylag, Greylag);
}

#[test]
fn primary_restarts_from_its_file_with_redis_on_either_side() {
    if has_redis("primary_restarts_from_its_file_with_redis_on_either_side") {
        primary_restarts_from_its_file(Redis, Greylag);
        primary_restarts_from_its_file(Greylag, Redis);
    }
}
