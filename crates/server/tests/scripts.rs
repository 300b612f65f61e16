//! Scripts in a whole server: one that runs for long is told of, and can be stopped, from any worker and from its own;
//! scripts are atomic; what they do reaches replicas as one unit, and libraries survive.

mod support;

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;
use support::{Client, Random, Server, wait_until};

const ENDLESS: &str = "while true do end";

/// A client that runs a script which does not end, and does not wait for it.
fn endless(server: &Server, script: &str) -> Client {
    let mut client = server.connect();
    let words: Vec<&[u8]> = vec![b"EVAL", script.as_bytes(), b"0"];
    client.send(&support::request(&words));
    let mut looker = server.connect();
    wait_until("the script is slow", || looker.ask(&["GET", "x"]).starts_with("-BUSY"));
    client
}

fn busy_server(workers: &str) -> Server {
    Server::start(&["--busy-reply-threshold", "50", "--io-threads", workers])
}

/// With one worker all clients are on the script's own.
#[test]
fn an_endless_script_is_stopped() {
    for workers in ["1", "3"] {
        let server = busy_server(workers);
        let mut before: Vec<Client> = (0..4).map(|_| server.connect()).collect();
        assert_eq!(before[0].ask(&["WATCH", "w"]), "+OK");
        let mut runs = endless(&server, ENDLESS);
        for client in &mut before {
            assert_eq!(client.ask(&["PING"]), "+PONG", "what needs no shard is answered");
            assert!(client.ask(&["SET", "a", "1"]).starts_with("-BUSY "));
            assert!(client.ask(&["INFO"]).starts_with("-BUSY "));
            assert!(client.ask(&["EVAL", "return 1", "0"]).starts_with("-BUSY "));
            assert!(
                client.ask(&["SCRIPT", "LOAD", "return 1"]).starts_with(['-', 'e']),
                "by whoever is free"
            );
            assert!(client.ask(&["CONFIG", "SET", "maxmemory", "0"]).starts_with("-BUSY "));
            assert!(client.ask(&["SHUTDOWN"]).starts_with("-BUSY "));
        }
        assert_eq!(before[0].ask(&["UNWATCH"]), "+OK", "forgotten later");
        assert!(before[1].ask(&["FUNCTION", "STATS"]).contains(ENDLESS));
        assert!(before[1].ask(&["FUNCTION", "KILL"]).starts_with("-BUSY "), "it is no function");
        let mut late = server.connect();
        assert_eq!(late.ask(&["SCRIPT", "KILL"]), "+OK");
        let reply = runs.reply();
        assert!(reply.starts_with("-ERR Script killed by user with SCRIPT KILL. script: "), "{reply}");
        assert_eq!(late.ask(&["SCRIPT", "KILL"]), "-NOTBUSY No scripts in execution right now.");
        assert_eq!(runs.ask(&["SET", "a", "1"]), "+OK");
        assert_eq!(before[2].ask(&["EVAL", "return redis.call('get', 'a')", "0"]), "1");
    }
}

/// What came from the script's own client meanwhile is answered when it is over.
#[test]
fn the_scripts_own_client_goes_on() {
    let server = busy_server("1");
    let mut runs = endless(&server, ENDLESS);
    runs.send(&support::request(&[b"SET", b"later", b"1"]));
    let mut other = server.connect();
    assert_eq!(other.ask(&["PING"]), "+PONG");
    assert_eq!(other.ask(&["SCRIPT", "KILL"]), "+OK");
    assert!(runs.reply().starts_with("-ERR Script killed"));
    assert_eq!(runs.reply(), "+OK");
}

#[test]
fn a_script_that_wrote_is_not_stopped_but_the_server_is() {
    let mut server = busy_server("1");
    let _runs = endless(&server, "redis.call('set', 'k', '1') while true do end");
    let mut client = server.connect();
    assert!(client.ask(&["SCRIPT", "KILL"]).starts_with("-UNKILLABLE "));
    client.send(&support::request(&[b"SHUTDOWN", b"NOSAVE"]));
    assert_eq!(server.wait_exit(), Some(0));
}

#[test]
fn an_endless_function_is_stopped() {
    let server = busy_server("2");
    let mut client = server.connect();
    let code = "#!lua name=lib\nredis.register_function('f', function() while true do end end)";
    assert_eq!(client.ask(&["FUNCTION", "LOAD", code]), "lib");
    client.send(&support::request(&[b"FCALL", b"f", b"0"]));
    let mut other = server.connect();
    wait_until("the function is slow", || {
        other.ask(&["GET", "x"])
            == "-BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE."
    });
    assert!(other.ask(&["SCRIPT", "KILL"]).starts_with("-BUSY "), "it is no script");
    assert_eq!(other.ask(&["FUNCTION", "KILL"]), "+OK");
    assert!(
        client
            .reply()
            .starts_with("-ERR Script killed by user with FUNCTION KILL. script: f, on @user_function:2.")
    );
}

/// Scripts move amounts between accounts that they don't declare; every look sees the same sum.
#[test]
fn scripts_are_atomic() {
    const ACCOUNTS: usize = 20;
    let transfer = "local from, to, n = ARGV[1], ARGV[2], tonumber(ARGV[3]) \
        if redis.call('decrby', from, n) < 0 then redis.call('incrby', from, n) return 0 end \
        redis.call('incrby', to, n) return 1";
    let sum = "local sum = 0 for i = 0, 19 do sum = sum + redis.call('get', 'account' .. i) end return sum";
    let server = Server::start(&["--io-threads", "4"]);
    let mut client = server.connect();
    (0..ACCOUNTS).for_each(|i| assert_eq!(client.ask(&["SET", &format!("account{i}"), "100"]), "+OK"));
    let mut random = Random::new();
    let seeds: Vec<u64> = (0..4).map(|_| random.next()).collect();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let workers: Vec<_> = seeds
            .into_iter()
            .map(|seed| {
                let server = &server;
                scope.spawn(move || {
                    let (mut client, mut random) = (server.connect(), Random(seed));
                    for _ in 0..500 {
                        let account = |random: &mut Random| format!("account{}", random.below(ACCOUNTS));
                        let (from, to) = (account(&mut random), account(&mut random));
                        let n = random.below(60).to_string();
                        let reply = client.ask(&["EVAL", transfer, "0", &from, &to, &n]);
                        assert!(reply == ":0" || reply == ":1", "{reply}");
                    }
                })
            })
            .collect();
        let looker = scope.spawn(|| {
            let mut client = server.connect();
            while !done.load(SeqCst) {
                assert_eq!(client.ask(&["EVAL", sum, "0"]), ":2000");
            }
        });
        let results: Vec<_> = workers.into_iter().map(|worker| worker.join()).collect();
        done.store(true, SeqCst);
        looker.join().expect("every look sees the sum");
        results.into_iter().for_each(|result| result.expect("the transfers are made"));
    });
    assert_eq!(client.ask(&["EVAL", sum, "0"]), ":2000");
}

/// Inside MULTI too, and a script's SELECT and protocol are its own.
#[test]
fn scripts_in_transactions() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    for words in [
        &["MULTI"][..],
        &["EVAL", "redis.call('select', 3) redis.setresp(3) return redis.call('set', 'there', '1')", "0"],
        &["SET", "here", "1"],
        &["EVAL", "return redis.call('incr', 'here')", "0"],
        &["EVAL", "return redis.call('lpush', 'here', 'x')", "0"],
    ] {
        assert!(["+OK", "+QUEUED"].contains(&client.ask(words).as_str()));
    }
    let reply = client.ask(&["EXEC"]);
    assert!(reply.contains("+OK +OK :2 -WRONGTYPE"), "{reply}");
    assert_eq!(client.ask(&["EXISTS", "there"]), ":0");
    assert_eq!(client.ask(&["SELECT", "3"]), "+OK");
    assert_eq!(client.ask(&["GET", "there"]), "1");
    let info = client.ask(&["INFO", "commandstats"]);
    assert!(info.contains("cmdstat_incr:calls=1,"), "calls of scripts are counted: {info}");
}

/// FUNCTION LOAD is a write, and its library is in the snapshot.
#[test]
fn libraries_survive() {
    let server = Server::start(&["--enable-debug-command", "yes"]);
    let mut client = server.connect();
    let code =
        "#!lua name=lib\nredis.register_function('f', function(keys, args) return {#keys, args[1]} end)";
    assert_eq!(client.ask(&["FUNCTION", "LOAD", code]), "lib");
    let stats = client.ask(&["INFO", "memory"]);
    assert!(stats.contains("number_of_functions:1\r\n") && stats.contains("number_of_libraries:1\r\n"));
    assert_eq!(client.ask(&["FLUSHALL"]), "+OK");
    assert_eq!(client.ask(&["DEBUG", "RELOAD"]), "+OK");
    assert_eq!(client.ask(&["FCALL", "f", "1", "k", "a"]), ":1 a");
    let dump = "FUNCTION DUMP";
    client.send(format!("{dump}\r\n").as_bytes());
    assert!(client.read_reply().is_ok());
    assert_eq!(client.ask(&["FUNCTION", "DELETE", "lib"]), "+OK");
    assert_eq!(client.ask(&["FCALL", "f", "0"]), "-ERR Function not found");
    assert_eq!(client.ask(&["DEBUG", "RELOAD"]), "+OK");
    assert_eq!(client.ask(&["FCALL", "f", "0"]), "-ERR Function not found");
}
