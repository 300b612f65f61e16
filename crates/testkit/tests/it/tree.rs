//! What the replication tests share: following, equal offsets and digests, writers.

use base::rng::Rng;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use testkit::client::Client;
use testkit::process::Server;
use testkit::value::{Value, quoted};
use testkit::wait;

/// The replica is told to follow, by command.
#[track_caller]
pub fn follow(replica: &Server, port: u16) {
    let reply = replica.run(&format!("REPLICAOF 127.0.0.1 {port}"));
    assert!(reply.text().starts_with("OK"), "{reply}");
}

#[track_caller]
pub fn wait_link_up(replica: &Server) {
    replica.wait_for("the link to the primary is up", || {
        replica.info_field("replication", "master_link_status") == "up"
    });
}

pub fn offset(server: &Server) -> u64 {
    server.info_field("replication", "master_repl_offset").parse().expect("is a number")
}

pub fn digest(server: &Server) -> String {
    server.run("DEBUG DIGEST").text()
}

fn stat(server: &Server, field: &str) -> u64 {
    server.info_field("stats", field).parse().unwrap_or_else(|_| panic!("no field {field}"))
}

/// sync_full and sync_partial_ok.
pub fn syncs(server: &Server) -> (u64, u64) {
    (stat(server, "sync_full"), stat(server, "sync_partial_ok"))
}

/// Waits until every node is at the same offset; then the data must be equal, at once.
#[track_caller]
pub fn wait_equal(nodes: &[&Server]) {
    let offsets = || nodes.iter().map(|node| offset(node)).collect::<Vec<_>>();
    let mut last = Vec::new();
    let looked = wait::poll(wait::DEADLINE, || {
        let before = offsets();
        // Keys that expire move the offsets for a moment after the last write: a digest is too dear for a guess.
        let steady = before == std::mem::replace(&mut last, before.clone());
        if !steady || before.iter().any(|offset| *offset != before[0]) {
            return Err(format!("offsets {before:?}"));
        }
        let digests = digests(nodes);
        let after = offsets();
        if before == after { Ok(digests) } else { Err(format!("offsets {after:?} after {before:?}")) }
    });
    let logs = || nodes.iter().map(|node| node.log_tail()).collect::<Vec<_>>().join("\n");
    let digests = looked.unwrap_or_else(|seen| panic!("no equal offsets: {seen}\n{}", logs()));
    if digests.iter().any(|digest| *digest != digests[0]) {
        panic!("digests differ: {digests:?}\n{}\n{}", different_keys(nodes), logs());
    }
    assert!(digests[0].bytes().any(|byte| byte != b'0'), "nothing was there to be compared");
}

/// The keys whose values, or moments of expiry, are not the same on all nodes: some of them.
fn different_keys(nodes: &[&Server]) -> String {
    const SHOWN_KEYS: usize = 10;
    let mut clients: Vec<Client> = nodes.iter().map(|node| node.client()).collect();
    let mut told = Vec::new();
    for db in 0..16 {
        let mut keys = std::collections::BTreeSet::new();
        for client in &mut clients {
            client.run(&format!("SELECT {db}"));
            if let Value::Array(found) = client.run("KEYS *") {
                keys.extend(found.into_iter().filter_map(|key| match key {
                    Value::Bulk(bytes) => Some(bytes),
                    _ => None,
                }));
            }
        }
        for key in keys {
            let mut facts = clients.iter_mut().map(|client| {
                let mut ask =
                    |argv: &[&[u8]]| client.command(argv).map_or("?".into(), |reply| reply.to_string());
                let value = ask(&[b"DEBUG", b"DIGEST-VALUE", &key]);
                format!("{value} {} until {}", ask(&[b"TYPE", &key]), ask(&[b"PEXPIRETIME", &key]))
            });
            let first = facts.next();
            let others: Vec<String> = facts.collect();
            if others.iter().any(|other| Some(other) != first.as_ref()) {
                told.push(format!("db {db} {}: {first:?} {others:?}", quoted(&key)));
            }
        }
    }
    told.truncate(SHOWN_KEYS);
    told.join("\n")
}

/// All at once: one takes a second for 200,000 keys. Beside redis-server 7.0, as that computes them.
pub fn digests(nodes: &[&Server]) -> Vec<String> {
    let beside_redis = nodes.iter().any(|node| node.kind().is_redis());
    let of = |node: &Server| {
        if beside_redis && !node.kind().is_redis() {
            node.run("DEBUG DIGEST 7.0").text()
        } else {
            digest(node)
        }
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = nodes.iter().map(|node| scope.spawn(|| of(node))).collect();
        threads.into_iter().map(|thread| thread.join().expect("is answered")).collect()
    })
}

/// Fills a server with keys of 16 bytes, by pipelines.
#[track_caller]
pub fn fill(server: &Server, keys: u32) {
    const BATCH: u32 = 2000;
    let mut client = server.client();
    for first in (0..keys).step_by(BATCH as usize) {
        let batch: Vec<Vec<String>> = (first..keys.min(first + BATCH))
            .map(|n| {
                vec![
                    "SET".into(),
                    format!("key:{n:012}"),
                    format!("value {n} {}", "x".repeat(n as usize % 60)),
                ]
            })
            .collect();
        let replies = client.pipeline(&batch).expect("is answered");
        assert!(replies.iter().all(|reply| reply.text() == "OK"));
    }
    assert!(i64::from(keys) <= server.run("DBSIZE").int());
}

/// Clients that write all the time, until they are told to stop.
pub struct Writers {
    stop: Arc<AtomicBool>,
    written: Arc<AtomicU64>,
    threads: Vec<JoinHandle<()>>,
    port: u16,
}

impl Writers {
    #[track_caller]
    pub fn start(server: &Server, count: u64) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let written = Arc::new(AtomicU64::new(0));
        let threads = (0..count)
            .map(|seed| {
                let (mut client, stop, written) = (server.client(), stop.clone(), written.clone());
                std::thread::spawn(move || {
                    let mut rng = Rng::new(seed);
                    while !stop.load(Ordering::SeqCst) {
                        let batch = batch(&mut rng);
                        let replies = client.pipeline(&batch).expect("is answered");
                        for (reply, argv) in replies.iter().zip(&batch) {
                            assert!(!reply.is_error(), "{argv:?}: {reply}");
                        }
                        written.fetch_add(batch.len() as u64, Ordering::SeqCst);
                    }
                })
            })
            .collect();
        let writers = Self { stop, written, threads, port: server.port() };
        writers.wait_for_more(1);
        writers
    }

    /// Commands that were answered so far.
    pub fn written(&self) -> u64 {
        self.written.load(Ordering::SeqCst)
    }

    /// They go on: so many more commands are answered from now on.
    #[track_caller]
    pub fn wait_for_more(&self, count: u64) {
        let until = self.written() + count;
        wait::until("the writers are answered", || until <= self.written());
    }

    pub fn stop(mut self) {
        self.stop.store(true, Ordering::SeqCst);
        for thread in self.threads.drain(..) {
            thread.join().expect("the writer did not fail");
        }
        self.meet_every_key();
    }

    /// What has expired is removed when it is met. Otherwise redis-server would take its time, and the offsets would
    /// move now and then.
    fn meet_every_key(&self) {
        let mut client = Client::connect(self.port).expect("serves");
        for db in 0..DATABASES {
            client.run(&format!("SELECT {db}"));
            // Those of the last batch have a little time left.
            wait::until("no key is to expire soon", || {
                let mut cursor = "0".to_string();
                let mut soon = 0;
                loop {
                    let reply = client.run(&format!("SCAN {cursor} MATCH live:* COUNT 10000")).items();
                    let keys = reply[1].items();
                    let asked: Vec<Vec<Vec<u8>>> =
                        keys.iter().map(|key| vec![b"PTTL".to_vec(), key.text().into_bytes()]).collect();
                    let left = client.pipeline(&asked).expect("is answered");
                    soon += left.iter().filter(|left| 0 < left.int()).count();
                    cursor = reply[0].text();
                    if cursor == "0" {
                        return soon == 0;
                    }
                }
            });
        }
    }
}

impl Drop for Writers {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
    }
}

/// Databases that writers use.
const DATABASES: u64 = 3;

/// Some writes of each kind, in several databases; the last word is in database 0 again.
fn batch(rng: &mut Rng) -> Vec<Vec<String>> {
    let mut lines = vec![format!("SELECT {}", rng.below(DATABASES))];
    for _ in 0..20 {
        let key = rng.below(if lines[0] == "SELECT 0" { 300_000 } else { 3000 });
        match rng.below(12) {
            0 => lines.push(format!("SET live:{key} {} PX {}", rng.next_u64(), 1 + rng.below(60))),
            1 => lines.push(format!("SET key:{key:012} {} EX 100000", rng.next_u64())),
            2 => lines.push(format!("DEL key:{key:012} live:{key}")),
            3 => lines.push(format!("APPEND text:{} {}", key % 500, rng.below(1000))),
            4 => lines.push(format!("INCRBYFLOAT float:{} 0.1", key % 50)),
            5 => lines.push(format!("PEXPIRE live:{key} {}", 1 + rng.below(60))),
            6 => lines.push(format!("SETRANGE text:{} {} abc", key % 500, rng.below(200))),
            7 => lines.extend(
                ["MULTI", "INCR in:multi", &format!("SET multi:{} {key}", key % 100), "EXEC"]
                    .map(str::to_string),
            ),
            8 => lines.push(format!("GETDEL live:{key}")),
            _ => lines.push(format!("SET key:{key:012} {}", rng.next_u64())),
        }
    }
    lines.iter().map(|line| line.split(' ').map(str::to_string).collect()).collect()
}
