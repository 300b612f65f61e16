//! Connections under stress: pipelines split anywhere, slow and vanishing readers, limits.

mod support;

use std::io::{Read, Write};
use std::net::Shutdown;
use support::{Client, Random, Server, request, wait_until};

/// Some requests and the replies that they must get, on a keyspace of the connection's own.
fn pipeline(random: &mut Random, name: usize, requests: usize) -> (Vec<u8>, Vec<u8>) {
    let mut model: std::collections::HashMap<Vec<u8>, Vec<u8>> = std::collections::HashMap::new();
    let (mut sent, mut expected) = (Vec::new(), Vec::new());
    let bulk = |value: &[u8]| [format!("${}\r\n", value.len()).as_bytes(), value, b"\r\n"].concat();
    for _ in 0..requests {
        let key = format!("{name}:{}", random.below(20)).into_bytes();
        let len = match random.below(200) {
            0 => random.below(3_000_000),
            1..10 => random.below(100_000),
            _ => random.below(100),
        };
        match random.below(8) {
            0 => {
                let word: Vec<u8> = (0..len).map(|i| (i % 251) as u8).collect();
                sent.extend(request(&[b"ECHO", &word]));
                expected.extend(bulk(&word));
            }
            1..4 => {
                let value = vec![random.next() as u8; len];
                sent.extend(request(&[b"SET", &key, &value]));
                expected.extend(b"+OK\r\n");
                model.insert(key, value);
            }
            4..6 => {
                sent.extend(request(&[b"get", &key]));
                expected.extend(model.get(&key).map_or_else(|| b"$-1\r\n".to_vec(), |value| bulk(value)));
            }
            6 => {
                sent.extend(b"PING\r\n");
                expected.extend(b"+PONG\r\n");
            }
            _ => {
                sent.extend(b"\r\n*0\r\n*1\r\n$7\r\nNOTHING\r\n");
                expected.extend(b"-ERR unknown command 'NOTHING', with args beginning with: \r\n");
            }
        }
    }
    (sent, expected)
}

#[test]
fn pipelines_split_anywhere_get_their_replies_in_order() {
    let server = Server::start(&["--io-threads", "2"]);
    let mut random = Random::new();
    let conversations: Vec<_> = (0..24).map(|i| pipeline(&mut random, i, 200)).collect();
    std::thread::scope(|scope| {
        for (i, (sent, expected)) in conversations.iter().enumerate() {
            let mut random = Random(random.next());
            let client = server.connect();
            scope.spawn(move || {
                let mut writer = client.stream.try_clone().expect("is cloned");
                let reader = scope.spawn(move || read_slowly(client, expected.len(), i % 3 == 0));
                let mut rest = &sent[..];
                while !rest.is_empty() {
                    let most = [1, 3, 17, 1000, 20_000, 1_000_000][random.below(6)];
                    let n = (1 + random.below(most)).min(rest.len());
                    writer.write_all(&rest[..n]).expect("is sent");
                    rest = &rest[n..];
                }
                assert!(reader.join().expect("reads") == *expected, "connection {i}: other replies");
            });
        }
    });
}

fn read_slowly(mut client: Client, bytes: usize, slow: bool) -> Vec<u8> {
    let mut got = vec![0; bytes];
    let mut at = 0;
    while at < bytes {
        let most = if slow { 1 + at % 5000 } else { 1 << 20 };
        let end = bytes.min(at + most);
        at += client.stream.read(&mut got[at..end]).expect("replies come");
    }
    got
}

#[test]
fn many_pipelining_clients_keep_their_order() {
    let server = Server::start(&["--io-threads", "2"]);
    let mut clients: Vec<Client> = (0..64).map(|_| server.connect()).collect();
    for round in 0..30 {
        for (c, client) in clients.iter_mut().enumerate() {
            let all: Vec<u8> =
                (0..64).flat_map(|i| request(&[b"ECHO", format!("{c}:{round}:{i}").as_bytes()])).collect();
            client.send(&all);
        }
        for (c, client) in clients.iter_mut().enumerate() {
            for i in 0..64 {
                assert_eq!(client.reply(), format!("{c}:{round}:{i}"));
            }
        }
    }
}

/// Quits in the middle of a pipeline, at each place of a batch: nothing behind it runs.
#[test]
fn what_follows_quit_is_not_run() {
    let server = Server::start(&[]);
    for before in [0, 1, 30, 31, 32, 33, 63, 64, 100] {
        let mut client = server.connect();
        let mut sent: Vec<u8> = Vec::new();
        for _ in 0..before {
            sent.extend(b"PING\r\n");
        }
        sent.extend(b"QUIT\r\nSET quit gone\r\nPING\r\n");
        client.send(&sent);
        let replies = String::from_utf8(client.rest()).expect("is text");
        assert_eq!(replies, "+PONG\r\n".repeat(before) + "+OK\r\n");
    }
    assert_eq!(server.connect().ask(&["GET", "quit"]), "(nil)");
}

#[test]
fn a_broken_request_is_answered_behind_those_before_it() {
    let server = Server::start(&[]);
    let cases: &[(&[u8], &str)] = &[
        (
            b"*1\r\n$4\r\nPING\r\n*1\r\n:4\r\nPING\r\n",
            "+PONG\r\n-ERR Protocol error: expected '$', got ':'\r\n",
        ),
        (b"PING\r\n*1048577x\r\n", "+PONG\r\n-ERR Protocol error: invalid multibulk length\r\n"),
        (b"*1\r\n$-2\r\n", "-ERR Protocol error: invalid bulk length\r\n"),
        (b"*1\r\n$536870913\r\n", "-ERR Protocol error: invalid bulk length\r\n"),
        (b"SET a \"b\r\n", "-ERR Protocol error: unbalanced quotes in request\r\n"),
        (b"*2147483648\r\n", "-ERR Protocol error: invalid multibulk length\r\n"),
        (b"*-1\r\n*0\r\nPING\r\n*1\r\n$x\r\n", "+PONG\r\n-ERR Protocol error: invalid bulk length\r\n"),
    ];
    for (sent, expected) in cases {
        let mut client = server.connect();
        client.send(sent);
        assert_eq!(String::from_utf8_lossy(&client.rest()), *expected, "{}", sent.escape_ascii());
    }
    let mut client = server.connect();
    client.send(b"*1\r\n\xd04\r\n");
    assert_eq!(client.rest(), b"-ERR Protocol error: expected '$', got '\xd0'\r\n");
    let mut client = server.connect();
    client.send(&vec![b'a'; 70_000]);
    assert_eq!(client.rest(), b"-ERR Protocol error: too big inline request\r\n");
    let mut client = server.connect();
    client.send(&[b"*".as_slice(), &vec![b'1'; 70_000]].concat());
    assert_eq!(client.rest(), b"-ERR Protocol error: too big mbulk count string\r\n");
}

#[test]
fn who_has_not_authenticated_sends_little() {
    let server = Server::start(&["--requirepass", "sesame"]);
    let cases: &[(&[u8], &str)] = &[
        (b"*11\r\n", "-ERR Protocol error: unauthenticated multibulk length\r\n"),
        (b"*2\r\n$4\r\nAUTH\r\n$16385\r\n", "-ERR Protocol error: unauthenticated bulk length\r\n"),
    ];
    for (sent, expected) in cases {
        let mut client = server.connect();
        client.send(sent);
        assert_eq!(String::from_utf8_lossy(&client.rest()), *expected);
    }
    // In one packet: what follows AUTH is judged by what AUTH said.
    let long = vec![b'x'; 20_000];
    let mut client = server.connect();
    client.send(&[request(&[b"PING"]), request(&[b"AUTH", b"sesame"]), request(&[b"ECHO", &long])].concat());
    assert_eq!(client.reply(), "-NOAUTH Authentication required.");
    assert_eq!(client.reply(), "+OK");
    assert_eq!(client.reply().len(), 20_000);
}

/// As with `printf ... | nc`: the requests come with the end of the sender's side.
#[test]
fn a_half_closed_client_gets_its_replies() {
    let server = Server::start(&[]);
    let value = "v".repeat(1_000_000);
    assert_eq!(server.connect().ask(&["SET", "big", &value]), "+OK");
    for requests in [0, 1, 50] {
        let mut client = server.connect();
        let mut sent = request(&[b"ECHO", b"first"]);
        for _ in 0..requests {
            sent.extend(request(&[b"GET", b"big"]));
        }
        sent.extend(b"*2\r\n$3\r\nGET"); // half a request is lost with its connection
        client.send(&sent);
        client.stream.shutdown(Shutdown::Write).expect("is shut");
        assert_eq!(client.reply(), "first");
        for _ in 0..requests {
            assert_eq!(client.reply().len(), value.len());
        }
        assert!(client.rest().is_empty());
    }
}

/// Who sends all of a long pipeline before it reads anything is served; memory stays bounded all the same.
#[test]
fn a_client_that_does_not_read_is_held_and_served_later() {
    let server = Server::start(&["--io-threads", "1"]);
    let value = "v".repeat(100_000);
    let mut other = server.connect();
    assert_eq!(other.ask(&["SET", "k", &value]), "+OK");
    let mut client = server.connect();
    let requests = 3000; // 300 MB of replies
    let one = request(&[b"GET", b"k"]);
    client.send(&one.repeat(requests));
    // The others go on meanwhile.
    for _ in 0..100 {
        assert_eq!(other.ask(&["PING"]), "+PONG");
    }
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).expect("is read");
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("is there");
    let kilobytes: usize = resident.trim().trim_end_matches(" kB").parse().expect("a number");
    assert!(kilobytes < 250_000, "{kilobytes} kB resident");
    for _ in 0..requests {
        assert_eq!(client.read_reply().expect("comes").len(), value.len());
    }
    assert_eq!(client.ask(&["PING"]), "+PONG");
}

#[test]
fn the_output_limit_closes_who_is_over_it() {
    let server = Server::start(&["--client-output-buffer-limit", "normal", "1mb", "0", "0"]);
    let mut client = server.connect();
    assert_eq!(client.ask(&["SET", "k", &"v".repeat(300_000)]), "+OK");
    assert_eq!(client.ask(&["GET", "k"]).len(), 300_000);
    client.send(&request(&[b"GET", b"k"]).repeat(100));
    client.rest();
    server.wait_log(" scheduled to be closed ASAP for overcoming of output buffer limits.");
    assert_eq!(server.connect().ask(&["PING"]), "+PONG");
}

/// As in Redis, what fits beside the client is not counted: the smallest limit still lets small replies through.
#[test]
fn small_replies_are_beside_the_output_limit() {
    let server = Server::start(&["--client-output-buffer-limit", "normal", "1", "1", "1"]);
    let mut client = server.connect();
    assert_eq!(client.ask(&["SET", "k", &"v".repeat(16_000)]), "+OK");
    for _ in 0..20 {
        assert_eq!(client.ask(&["GET", "k"]).len(), 16_000);
    }
    client.send(&request(&[b"GET", b"k"]).repeat(2));
    client.rest();
    server.wait_log(" for overcoming of output buffer limits.");
}

#[test]
fn the_soft_output_limit_waits_its_time() {
    let server = Server::start(&["--client-output-buffer-limit", "normal", "0", "1mb", "1"]);
    let mut client = server.connect();
    assert_eq!(client.ask(&["SET", "k", &"v".repeat(1_000_000)]), "+OK");
    client.send(&request(&[b"GET", b"k"]).repeat(20));
    server.wait_log(" closed for overcoming of output buffer limits.");
}

#[test]
fn the_input_limit_closes_without_a_word() {
    let server = Server::start(&["--client-query-buffer-limit", "1mb"]);
    let mut client = server.connect();
    assert_eq!(client.ask(&["SET", "k", &"v".repeat(1_000_000)]), "+OK");
    let _ = client.stream.write_all(&request(&[b"SET", b"k", &[b'v'; 1_100_000]]));
    assert!(client.rest().is_empty());
    server.wait_log("Closing client that reached max query buffer length: id=");
    assert_eq!(server.connect().ask(&["GET", "k"]).len(), 1_000_000);
}

#[test]
fn an_announced_argument_takes_no_memory_before_it_comes() {
    let server = Server::start(&[]);
    let mut clients: Vec<Client> = (0..50).map(|_| server.connect()).collect();
    for client in &mut clients {
        client.send(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$500000000\r\nx");
    }
    assert_eq!(server.connect().ask(&["PING"]), "+PONG");
    let statm = std::fs::read_to_string(format!("/proc/{}/statm", server.pid())).expect("is read");
    let pages: usize = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).expect("a number");
    assert!(pages * 4096 < 300_000_000, "{pages} pages resident");
}

#[test]
fn idle_clients_are_closed() {
    let server = Server::start(&["--timeout", "1", "--loglevel", "verbose"]);
    let mut client = server.connect();
    assert_eq!(client.ask(&["PING"]), "+PONG");
    assert!(client.rest().is_empty());
    server.wait_log("Closing idle client");
}

/// Connections that vanish in every state leave nothing behind.
#[test]
fn vanished_connections_leave_the_server_whole() {
    let server = Server::start(&["--io-threads", "2", "--maxclients", "100"]);
    let mut random = Random::new();
    let mut client = server.connect();
    client.ask(&["SET", "k", &"v".repeat(1_000_000)]);
    for round in 0..1000 {
        let mut client = server.connect();
        let (sent, _) = pipeline(&mut random, 1000 + round, 3);
        let n = random.below(sent.len().min(50_000) + 1);
        let _ = client.stream.write_all(&sent[..n]);
        if round % 5 == 0 {
            let _ = client.stream.write_all(&request(&[b"GET", b"k"]).repeat(10));
        }
        if round % 3 == 0 {
            let _ = client.stream.shutdown(Shutdown::Both);
        }
    }
    // All of their places are free again.
    wait_until("the places of those who left", || {
        let mut clients: Vec<Client> = (0..99).map(|_| server.connect()).collect();
        clients.iter_mut().all(|client| {
            let _ = client.stream.write_all(b"PING\r\n");
            client.read_reply().is_ok_and(|reply| reply == b"+PONG")
        })
    });
    assert_eq!(client.ask(&["PING"]), "+PONG");
    let mut all: Vec<Client> = (0..99).map(|_| server.connect()).collect();
    assert!(all.iter_mut().all(|client| client.ask(&["PING"]) == "+PONG"));
    let mut refused = server.connect();
    assert_eq!(refused.rest(), b"-ERR max number of clients reached\r\n");
}

/// What came before a pause ends goes on in order; who left meanwhile changes nothing any more.
#[test]
fn a_pause_postpones_and_loses_nothing() {
    let server = Server::start(&["--io-threads", "2"]);
    let mut admin = server.connect();
    let mut clients: Vec<Client> = (0..20).map(|_| server.connect()).collect();
    let mut gone: Vec<Client> = (0..20).map(|_| server.connect()).collect();
    for client in clients.iter_mut().chain(&mut gone) {
        assert_eq!(client.ask(&["PING"]), "+PONG");
    }
    assert_eq!(admin.ask(&["CLIENT", "PAUSE", "1000000", "WRITE"]), "+OK");
    for (i, client) in clients.iter_mut().enumerate() {
        let key = format!("k{i}");
        let key = key.as_bytes();
        client.send(&[request(&[b"GET", key]), request(&[b"SET", key, b"1"])].concat());
        client.send(&request(&[b"GET", key]));
        assert_eq!(client.reply(), "(nil)", "reads go on up to the first write");
    }
    for (i, client) in gone.iter_mut().enumerate() {
        client.send(&request(&[b"SET", b"gone", b"1"]));
        let how = if i % 2 == 0 { Shutdown::Write } else { Shutdown::Both };
        client.stream.shutdown(how).expect("is shut");
    }
    wait_until("those who left to be forgotten", || {
        admin.ask(&["CLIENT", "LIST"]).lines().filter(|line| line.contains("id=")).count() == 21
    });
    let more = vec![b'x'; 300_000];
    for client in &mut clients {
        // More than is read at once comes in meanwhile.
        client.send(&request(&[b"ECHO", &more]));
    }
    assert_eq!(admin.ask(&["CLIENT", "UNPAUSE"]), "+OK");
    for client in &mut clients {
        assert_eq!(client.reply(), "+OK");
        assert_eq!(client.reply(), "1");
        assert_eq!(client.reply().len(), more.len());
    }
    assert_eq!(admin.ask(&["GET", "gone"]), "(nil)");
}

#[test]
fn a_killed_client_frees_its_place_for_the_next() {
    let server = Server::start(&["--io-threads", "1"]);
    let mut admin = server.connect();
    for round in 0..200 {
        let mut victim = server.connect();
        let id = victim.ask(&["CLIENT", "ID"]).trim_start_matches(':').to_string();
        victim.send(&request(&[b"ECHO", b"x"]).repeat(round % 7));
        assert_eq!(admin.ask(&["CLIENT", "KILL", "ID", &id]), ":1");
        let mut next = server.connect();
        let word = format!("{round}");
        assert_eq!(next.ask(&["ECHO", &word]), word);
        let rest = String::from_utf8(victim.rest()).expect("is text");
        assert!("$1\r\nx\r\n".repeat(7).starts_with(&rest), "{rest}");
    }
}

/// Requests with some bytes changed, lost and added: however they come in, the answer is the same, and the server
/// goes on.
#[test]
fn garbage_is_answered_the_same_however_it_is_split() {
    let server = Server::start(&["--io-threads", "1"]);
    let mut random = Random::new();
    for round in 0..300 {
        let whole = garbage(&mut random);
        let mut replies = Vec::new();
        for parts in [1, 2, 10] {
            assert_eq!(server.connect().ask(&["FLUSHALL"]), "+OK");
            let mut client = server.connect();
            let mut rest = &whole[..];
            for left in (1..=parts).rev() {
                let n = if left == 1 { rest.len() } else { random.below(rest.len() + 1) };
                // After an error the server has closed already.
                let _ = client.stream.write_all(&rest[..n]);
                rest = &rest[n..];
            }
            let _ = client.stream.shutdown(Shutdown::Write);
            replies.push(client.rest());
        }
        // A reset may cut the end off on its way.
        let longest = replies.iter().max_by_key(|reply| reply.len()).expect("some");
        for reply in &replies {
            assert!(longest.starts_with(reply), "round {round}: {}: {replies:?}", whole.escape_ascii());
        }
    }
    assert_eq!(server.connect().ask(&["PING"]), "+PONG");
}

fn garbage(random: &mut Random) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..1 + random.below(6) {
        let key = [&b"a"[..], b"b", b"k\r\n", b"\x00\xff"][random.below(4)];
        bytes.extend(match random.below(7) {
            0 => request(&[b"PING"]),
            1 => request(&[b"SET", key, b"value"]),
            2 => request(&[b"GET", key]),
            3 => b"PING\r\n".to_vec(),
            4 => b"set a 'x y' \n".to_vec(),
            5 => b"*0\r\n".to_vec(),
            _ => request(&[b"NOTHING", key, key]),
        });
    }
    for _ in 0..random.below(4) {
        let at = random.below(bytes.len());
        match random.below(4) {
            0 => bytes[at] = random.next() as u8,
            1 => drop(bytes.remove(at)),
            2 => bytes.insert(at, b"*$\r\n -+09\"'"[random.below(11)]),
            _ => {
                let more = [&b"$-1\r\n"[..], b"$2147483648\r\n", b"*1048577\r\n", b"\r\n", b"$+4\r\n"]
                    [random.below(5)];
                bytes.splice(at..at, more.iter().copied());
            }
        }
        if bytes.is_empty() {
            break;
        }
    }
    bytes
}
