//! Many clients at once on several workers: transactions are atomic and isolated, WATCH loses no update, no write
//! commits during a pause, and keys that travel between databases are in exactly one of them.
//!
//! The seed is printed; `SEED=n` runs with it again (what the threads do meanwhile is theirs).

mod support;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::thread;
use support::{Client, Random, Server, request};

const WORKERS: &str = "4";

/// Sends requests in one piece, and reads their replies.
fn pipeline(client: &mut Client, requests: &[&[&str]]) -> Vec<String> {
    let mut bytes = Vec::new();
    for words in requests {
        let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        bytes.extend(request(&words));
    }
    client.send(&bytes);
    requests.iter().map(|_| client.reply()).collect()
}

/// The sum of the numbers of a reply; `:` is before those that came as integers.
fn sum(reply: &str) -> i64 {
    reply.split(' ').map(|n| n.trim_start_matches(':').parse::<i64>().expect("a number")).sum()
}

/// Runs `work` on a thread and connection for each seed; `look` over and over on one more until those are done.
fn together(
    server: &Server,
    seeds: Vec<u64>,
    work: impl Fn(&mut Client, &mut Random) + Sync,
    look: impl Fn(&mut Client) + Sync,
) {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let workers: Vec<_> = seeds
            .into_iter()
            .map(|seed| {
                let work = &work;
                scope.spawn(move || work(&mut server.connect(), &mut Random(seed)))
            })
            .collect();
        let looker = scope.spawn(|| {
            let mut client = server.connect();
            while !done.load(SeqCst) {
                look(&mut client);
            }
            look(&mut client);
        });
        let results: Vec<_> = workers.into_iter().map(|worker| worker.join()).collect();
        done.store(true, SeqCst);
        looker.join().expect("what was seen is right");
        results.into_iter().for_each(|result| result.expect("the work is done"));
    });
}

fn seeds(random: &mut Random, count: usize) -> Vec<u64> {
    (0..count).map(|_| random.next()).collect()
}

/// Money goes from account to account, and from shard to shard: nobody ever sees any of it missing.
#[test]
fn transfers_keep_the_sum() {
    const ACCOUNTS: usize = 12;
    const TOTAL: i64 = ACCOUNTS as i64 * 1000;
    let server = Server::start(&["--io-threads", WORKERS]);
    let names: Vec<String> = (0..ACCOUNTS).map(|i| format!("account:{i}")).collect();
    let mut client = server.connect();
    for name in &names {
        assert_eq!(client.ask(&["SET", name, "1000"]), "+OK");
    }
    let all: Vec<&str> = std::iter::once("MGET").chain(names.iter().map(String::as_str)).collect();
    let gets: Vec<[&str; 2]> = names.iter().map(|name| ["GET", name.as_str()]).collect();
    together(
        &server,
        seeds(&mut Random::new(), 6),
        |client, random| {
            for _ in 0..300 {
                let (from, to) = (&names[random.below(ACCOUNTS)], &names[random.below(ACCOUNTS)]);
                let amount = random.below(100).to_string();
                let replies = pipeline(
                    client,
                    &[&["MULTI"], &["DECRBY", from, &amount], &["INCRBY", to, &amount], &["EXEC"]],
                );
                assert_eq!(&replies[..3], ["+OK", "+QUEUED", "+QUEUED"]);
                assert_eq!(replies[3].split(' ').count(), 2, "{}", replies[3]);
            }
        },
        |client| {
            assert_eq!(sum(&client.ask(&all)), TOTAL);
            let mut requests: Vec<&[&str]> = vec![&["MULTI"]];
            requests.extend(gets.iter().map(|get| &get[..]));
            requests.push(&["EXEC"]);
            let replies = pipeline(client, &requests);
            assert_eq!(sum(replies.last().expect("EXEC answers")), TOTAL);
        },
    );
}

/// A counter that is read, and set to one more if nobody changed it: each success counts once.
#[test]
fn watched_counters_lose_nothing() {
    const THREADS: usize = 6;
    const ROUNDS: usize = 100;
    let server = Server::start(&["--io-threads", WORKERS]);
    let refused = AtomicU64::new(0);
    together(
        &server,
        seeds(&mut Random::new(), THREADS),
        |client, random| {
            for _ in 0..ROUNDS {
                // Two keys of different shards, in either order, and a third that is not watched.
                let (one, two) = if random.below(2) == 0 { ("one", "two") } else { ("two", "one") };
                loop {
                    assert_eq!(client.ask(&["WATCH", one, two]), "+OK");
                    let before = client.ask(&["GET", one]);
                    let next = (before.parse::<u64>().unwrap_or(0) + 1).to_string();
                    let replies = pipeline(
                        client,
                        &[
                            &["MULTI"],
                            &["SET", one, &next],
                            &["SET", two, &next],
                            &["INCR", "third"],
                            &["EXEC"],
                        ],
                    );
                    match replies[4].as_str() {
                        "" => refused.fetch_add(1, SeqCst),
                        reply => {
                            assert!(reply.starts_with("+OK +OK :"), "{reply}");
                            break;
                        }
                    };
                }
            }
        },
        |client| {
            let seen = client.ask(&["MGET", "one", "two", "third"]);
            let seen: Vec<&str> = seen.split(' ').collect();
            assert!(seen[0] == seen[1] && seen[1] == seen[2], "{seen:?}");
        },
    );
    let wanted = (THREADS * ROUNDS).to_string();
    assert_eq!(server.connect().ask(&["MGET", "one", "two", "third"]), [&*wanted; 3].join(" "));
    println!("{} transactions were refused", refused.load(SeqCst));
}

/// Between the reply to CLIENT PAUSE and the request to end it, no write happens, by whatever way it comes; after it,
/// every one that waited does, once.
#[test]
fn no_write_happens_in_a_pause() {
    const WRITES: usize = 400;
    let server = Server::start(&["--io-threads", WORKERS]);
    let written = AtomicU64::new(0);
    let pauses = AtomicU64::new(0);
    together(
        &server,
        seeds(&mut Random::new(), 12),
        |client, random| {
            for _ in 0..WRITES {
                let way = random.below(4);
                match way {
                    0 => assert!(client.ask(&["INCR", "counter"]).starts_with(':')),
                    1 => {
                        let replies =
                            pipeline(client, &[&["GET", "counter"], &["INCR", "counter"], &["PING"]]);
                        assert_eq!(replies[2], "+PONG");
                    }
                    2 => {
                        let replies = pipeline(client, &[&["MULTI"], &["INCR", "counter"], &["EXEC"]]);
                        assert!(replies[2].starts_with(':'), "{replies:?}");
                    }
                    // Only reads: neither waits for a pause of writes, nor breaks one.
                    _ => {
                        pipeline(client, &[&["MULTI"], &["GET", "counter"], &["EXEC"]]);
                    }
                }
                written.fetch_add(u64::from(way < 3), SeqCst);
            }
        },
        |client| {
            // A pause of all lets not even UNPAUSE through: it ends by itself, before the next request here is run.
            if pauses.fetch_add(1, SeqCst) % 8 == 7 {
                assert_eq!(client.ask(&["CLIENT", "PAUSE", "5", "ALL"]), "+OK");
            }
            assert_eq!(client.ask(&["CLIENT", "PAUSE", "100000", "WRITE"]), "+OK");
            let before = client.ask(&["GET", "counter"]);
            for _ in 0..20 {
                assert_eq!(client.ask(&["GET", "counter"]), before);
            }
            assert_eq!(client.ask(&["CLIENT", "UNPAUSE"]), "+OK");
        },
    );
    let counter = server.connect().ask(&["GET", "counter"]);
    assert_eq!(counter, written.load(SeqCst).to_string());
    assert!(1 < pauses.load(SeqCst));
}

/// Keys with a time to live go from database to database, under new names, while databases are exchanged: each is in
/// exactly one place at any time, and keeps its time.
#[test]
fn travelling_keys_are_in_one_place() {
    const BALLS: usize = 10;
    const DBS: usize = 3;
    let server = Server::start(&["--io-threads", WORKERS]);
    let mut client = server.connect();
    for i in 0..BALLS {
        assert_eq!(client.ask(&["SET", &format!("ball:{i}"), "x", "EX", "100000"]), "+OK");
    }
    let count: Vec<&[&str]> = vec![
        &["MULTI"],
        &["SELECT", "0"],
        &["DBSIZE"],
        &["SELECT", "1"],
        &["DBSIZE"],
        &["SELECT", "2"],
        &["DBSIZE"],
        &["EXEC"],
    ];
    together(
        &server,
        seeds(&mut Random::new(), 5),
        |client, random| {
            for _ in 0..400 {
                let (here, there) = (random.below(DBS).to_string(), random.below(DBS).to_string());
                assert_eq!(client.ask(&["SELECT", &here]), "+OK");
                let ball = format!("ball:{}", random.below(BALLS));
                match random.below(8) {
                    0 => assert_eq!(client.ask(&["SWAPDB", &here, &there]), "+OK"),
                    1..4 if here != there => {
                        let reply = client.ask(&["MOVE", &ball, &there]);
                        assert!([":0", ":1"].contains(&reply.as_str()), "{reply}");
                    }
                    // Away and back in one transaction, so that names stay.
                    4 => {
                        let replies = pipeline(
                            client,
                            &[
                                &["MULTI"],
                                &["RENAMENX", &ball, "away"],
                                &["RENAMENX", "away", &ball],
                                &["EXEC"],
                            ],
                        );
                        let good = [":1 :1", "-ERR no such key -ERR no such key"];
                        assert!(good.contains(&replies[3].as_str()), "{replies:?}");
                    }
                    // A copy that is gone before anybody sees it.
                    _ if here != there => {
                        let reply = pipeline(
                            client,
                            &[
                                &["MULTI"],
                                &["COPY", &ball, "c", "DB", &there],
                                &["SELECT", &there],
                                &["DEL", "c"],
                                &["EXEC"],
                            ],
                        )
                        .pop()
                        .expect("EXEC answers");
                        assert!([":0 +OK :0", ":1 +OK :1"].contains(&reply.as_str()), "{reply}");
                    }
                    _ => {}
                }
            }
        },
        |client| {
            let reply = pipeline(client, &count).pop().expect("EXEC answers");
            let balls: i64 = reply.split(' ').filter(|word| word.starts_with(':')).map(sum).sum();
            assert_eq!(balls, BALLS as i64, "{reply}");
        },
    );
    let mut found = 0;
    for db in 0..DBS {
        assert_eq!(client.ask(&["SELECT", &db.to_string()]), "+OK");
        for i in 0..BALLS {
            match client.ask(&["TTL", &format!("ball:{i}")]).trim_start_matches(':').parse::<i64>() {
                Ok(-2) => {}
                Ok(ttl) => {
                    assert!(90_000 < ttl && ttl <= 100_000, "{ttl}");
                    found += 1;
                }
                Err(error) => panic!("{error}"),
            }
        }
    }
    assert_eq!(found, BALLS);
}
