//! Clients that say nonsense: the answer is Redis's, the connection goes or stays as Redis's does, and the server
//! goes on.

use std::time::Duration;
use testkit::client::{Client, encode};
use testkit::process::Kind::{self, Greylag, Redis};
use testkit::process::{Server, has_redis};
use testkit::value::quoted;

fn kinds(test: &str) -> Vec<Kind> {
    if has_redis(test) { vec![Redis, Greylag] } else { vec![Greylag] }
}

/// Sends bytes, then no more; everything that comes back.
#[track_caller]
fn answer(server: &Server, bytes: &[u8]) -> String {
    let mut client = server.client();
    // A server that closes early may reset the connection under our hands.
    let _ = client.send(bytes).and_then(|()| client.finish_sending());
    let answer =
        client.to_end().unwrap_or_else(|error| panic!("{}: {error}", quoted(&bytes[..bytes.len().min(80)])));
    String::from_utf8_lossy(&answer).into_owned()
}

/// What is sent, and all that comes back before the connection ends.
const CASES: &[(&[u8], &str)] = &[
    // Halves: no answer, nothing done.
    (b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n", ""),
    (b"*2\r\n$3\r\nDEL\r\n$4\r\nke", ""),
    (b"PIN", ""),
    (b"*", ""),
    (b"*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nPI", "+PONG\r\n"),
    // Lengths.
    (b"*0\r\n*1\r\n$4\r\nPING\r\n", "+PONG\r\n"),
    (b"*-1\r\nPING\r\n", "+PONG\r\n"),
    (b"*-99999\r\nPING\r\n", "+PONG\r\n"),
    (b"*abc\r\nPING\r\n", "-ERR Protocol error: invalid multibulk length\r\n"),
    (b"*\r\nPING\r\n", "-ERR Protocol error: invalid multibulk length\r\n"),
    (b"*1 \r\nPING\r\n", "-ERR Protocol error: invalid multibulk length\r\n"),
    (b"*+1\r\n$4\r\nPING\r\n", "-ERR Protocol error: invalid multibulk length\r\n"),
    (b"*2147483648\r\n", "-ERR Protocol error: invalid multibulk length\r\n"),
    (b"*99999999999999999999\r\n", "-ERR Protocol error: invalid multibulk length\r\n"),
    (b"*1\r\n$-1\r\nPING\r\n", "-ERR Protocol error: invalid bulk length\r\n"),
    (b"*1\r\n$abc\r\nPING\r\n", "-ERR Protocol error: invalid bulk length\r\n"),
    (b"*1\r\n$\r\nPING\r\n", "-ERR Protocol error: invalid bulk length\r\n"),
    (b"*1\r\n$4x\r\nPING\r\n", "-ERR Protocol error: invalid bulk length\r\n"),
    (b"*1\r\n$536870913\r\n", "-ERR Protocol error: invalid bulk length\r\n"),
    (b"*1\r\n$2147483648\r\n", "-ERR Protocol error: invalid bulk length\r\n"),
    (b"*1\r\n$9223372036854775807\r\n", "-ERR Protocol error: invalid bulk length\r\n"),
    (b"*1\r\n$536870912\r\nabc", ""),
    (b"*1000000\r\n$4\r\nPING\r\n", ""),
    // Types.
    (b"*1\r\n!4\r\nPING\r\n", "-ERR Protocol error: expected '$', got '!'\r\n"),
    (b"*1\r\n:4\r\n", "-ERR Protocol error: expected '$', got ':'\r\n"),
    (b"*2\r\n$3\r\nGET\r\nkey\r\n", "-ERR Protocol error: expected '$', got 'k'\r\n"),
    (b"*1\r\n\r\n", "-ERR Protocol error: expected '$', got ' '\r\n"),
    // What stands for a bulk's end is not looked at.
    (b"*1\r\n$4\r\nPINGxx*1\r\n$4\r\nPING\r\n", "+PONG\r\n+PONG\r\n"),
    // Before a protocol error all is answered, after it nothing.
    (b"PING\r\n*x\r\nPING\r\n", "+PONG\r\n-ERR Protocol error: invalid multibulk length\r\n"),
    // Inline.
    (b"PING\n", "+PONG\r\n"),
    (b"\r\n\r\nPING\r\n", "+PONG\r\n"),
    (b"   PING   \r\n", "+PONG\r\n"),
    (b"ECHO \"a\\x00b\"\r\n", "$3\r\na\x00b\r\n"),
    (b"ECHO 'it\\'s'\r\n", "$4\r\nit's\r\n"),
    (b"SET \"a b\r\n", "-ERR Protocol error: unbalanced quotes in request\r\n"),
    (b"SET 'a'b\r\n", "-ERR Protocol error: unbalanced quotes in request\r\n"),
    (b"$4\r\nPING\r\n", "-ERR unknown command '$4', with args beginning with: \r\n+PONG\r\n"),
    // Names and arity.
    (b"*1\r\n$0\r\n\r\n", "-ERR unknown command '', with args beginning with: \r\n"),
    (b"NOSUCH a b\r\n", "-ERR unknown command 'NOSUCH', with args beginning with: 'a' 'b' \r\n"),
    (
        b"GET\r\nGET a b\r\n",
        "-ERR wrong number of arguments for 'get' command\r\n-ERR wrong number of arguments for 'get' command\r\n",
    ),
    (
        b"client\r\nclient nosuch\r\n",
        "-ERR wrong number of arguments for 'client' command\r\n-ERR unknown subcommand 'nosuch'. Try CLIENT HELP.\r\n",
    ),
    (b"config get\r\n", "-ERR wrong number of arguments for 'config|get' command\r\n"),
    // A browser.
    (b"POST / HTTP/1.1\r\nPING\r\n", ""),
];

#[test]
fn nonsense_is_answered_as_redis_does() {
    for kind in kinds("nonsense_is_answered_as_redis_does") {
        let server = Server::of(kind).start();
        server.run("SET key value");
        for (bytes, expected) in CASES {
            assert_eq!(answer(&server, bytes), *expected, "{kind:?} {}", quoted(bytes));
        }
        // Whether the first line's answer still goes out is chance; what comes after the second is never looked at.
        let of_a_browser = answer(&server, b"GET / HTTP/1.1\r\nHost: x\r\nPING\r\n");
        let of_get = "-ERR wrong number of arguments for 'get' command\r\n";
        assert!(["", of_get].contains(&of_a_browser.as_str()), "{kind:?}: {of_a_browser}");
        assert_eq!(server.run("GET key").to_string(), "\"value\"");
        assert_eq!(server.run("DBSIZE").int(), 1);
        server.wait_log("Possible SECURITY ATTACK detected. It looks like somebody is sending POST or Host: commands to Redis.");
    }
}

/// Lines that never end.
#[test]
fn endless_lines_end_the_connection() {
    for kind in kinds("endless_lines_end_the_connection") {
        let server = Server::of(kind).start();
        let long = vec![b'1'; 70_000];
        for (start, error) in [
            (&b"*"[..], "-ERR Protocol error: too big mbulk count string\r\n"),
            (b"*1\r\n$", "-ERR Protocol error: too big bulk count string\r\n"),
            (b"ECHO ", "-ERR Protocol error: too big inline request\r\n"),
        ] {
            assert_eq!(answer(&server, &[start, &long].concat()), error, "{kind:?}");
        }
        assert_eq!(server.run("PING").to_string(), "PONG");
    }
}

/// Before AUTH not much is listened to.
#[test]
fn strangers_may_not_say_much() {
    for kind in kinds("strangers_may_not_say_much") {
        let server = Server::of(kind).args("--requirepass goose").start();
        for (bytes, expected) in [
            (&b"*11\r\n"[..], "-ERR Protocol error: unauthenticated multibulk length\r\n"),
            (b"*1\r\n$16385\r\n", "-ERR Protocol error: unauthenticated bulk length\r\n"),
            (b"*2\r\n$4\r\nAUTH\r\n$5\r\ngoose\r\n*1\r\n$4\r\nPING\r\n", "+OK\r\n+PONG\r\n"),
            (b"PING\r\n", "-NOAUTH Authentication required.\r\n"),
            (b"GET\r\n", "-ERR wrong number of arguments for 'get' command\r\n"),
            (b"NOSUCH\r\n", "-ERR unknown command 'NOSUCH', with args beginning with: \r\n"),
            (b"QUIT\r\nPING\r\n", "+OK\r\n"),
        ] {
            assert_eq!(answer(&server, bytes), expected, "{kind:?} {}", quoted(bytes));
        }
        assert!(answer(&server, b"HELLO 3\r\n").starts_with("-NOAUTH HELLO must be called"), "{kind:?}");
    }
}

/// Any bytes are a key and a value.
#[test]
fn keys_are_bytes() {
    let all: Vec<u8> = (0..=255).collect();
    for kind in kinds("keys_are_bytes") {
        let server = Server::of(kind).start();
        let mut client = server.client();
        for key in [&b""[..], b"\r\n", b"\0", &all, &[0xff; 1000], &vec![b'k'; 1_000_000]] {
            assert_eq!(client.command(&[b"SET", key, &all]).expect("is answered").text(), "OK");
            let value = client.command(&[b"GET", key]).expect("is answered");
            assert_eq!(value, testkit::value::Value::Bulk(all.clone()), "{kind:?}");
        }
        assert_eq!(client.run("DBSIZE").int(), 6);
        let keys = client.command(&["KEYS", "*"]).expect("is answered").items();
        assert_eq!(keys.len(), 6);
    }
}

/// One byte at a time.
#[test]
fn pieces_make_a_whole() {
    let server = Server::greylag().start();
    let mut client = server.client();
    let request =
        [encode(&["SET", "key", "some value"]), b"GET key\r\n".to_vec(), encode(&["GET", "key"])].concat();
    for byte in &request {
        client.send(&[*byte]).expect("is taken");
    }
    let replies: Vec<String> = (0..3).map(|_| client.reply().expect("is answered").to_string()).collect();
    assert_eq!(replies, ["OK", "\"some value\"", "\"some value\""]);
}

/// Two gigabytes are announced, where that is allowed, and never come: nothing is lost, not even memory.
#[test]
fn two_gigabytes_are_announced() {
    for kind in kinds("two_gigabytes_are_announced") {
        let server = Server::of(kind).start();
        assert_eq!(server.run("CONFIG SET proto-max-bulk-len 4gb").to_string(), "OK");
        let mut clients: Vec<Client> = (0..8).map(|_| server.client()).collect();
        for client in &mut clients {
            client.send(b"*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$2147483648\r\nbeginning").expect("is taken");
        }
        assert_eq!(server.run("PING").to_string(), "PONG");
        drop(clients);
        assert_eq!(server.run("GET key").to_string(), "(nil)");
        let used: u64 = server.info_field("memory", "used_memory_rss").parse().expect("is a number");
        assert!(kind == Redis || used < 1 << 30, "{used} bytes");
    }
}

/// A client that sends more than client-query-buffer-limit, and one that reads nothing.
#[test]
fn buffers_have_limits() {
    for kind in kinds("buffers_have_limits") {
        let server = Server::of(kind).start();
        assert_eq!(server.run("CONFIG SET client-query-buffer-limit 1mb").to_string(), "OK");
        let mut client = server.client();
        let _ = client
            .send(b"*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$4000000\r\n")
            .and_then(|()| client.send(&[b'x'; 3_000_000]));
        assert!(client.to_end().expect("is closed").is_empty(), "{kind:?}");
        server.wait_log("Closing client that reached max query buffer length: ");
        assert_eq!(server.run("GET key").to_string(), "(nil)");

        let mut config = server.client();
        let argv = ["CONFIG", "SET", "client-output-buffer-limit", "normal 1mb 0 0"];
        assert_eq!(config.command(&argv).expect("is answered").to_string(), "OK");
        config.command(&["SET", "big", &"b".repeat(500_000)]).expect("is answered");
        let mut client = server.client();
        let request = encode(&["GET", "big"]).repeat(200);
        let _ = client.send(&request);
        server.wait_log("overcoming of output buffer limits.");
        let received = client.to_end().expect("is closed").len();
        assert!(received < 200 * 500_000, "{kind:?} sent all {received} bytes");
        assert_eq!(server.run("STRLEN big").int(), 500_000);
    }
}

#[test]
fn too_many_clients() {
    for kind in kinds("too_many_clients") {
        let server = Server::of(kind).args("--maxclients 5").start();
        let mut clients: Vec<Client> = (0..5).map(|_| server.client()).collect();
        // Those of the start may not be gone yet.
        server.wait_for("the first five are in", || {
            clients.iter_mut().all(|client| match client.command(&["PING"]) {
                Ok(reply) if reply.to_string() == "PONG" => true,
                _ => {
                    *client = server.client();
                    false
                }
            })
        });
        let mut one_more = server.client();
        one_more.set_limit(Duration::from_secs(20));
        assert_eq!(
            one_more.to_end().expect("is closed"),
            b"-ERR max number of clients reached\r\n",
            "{kind:?}"
        );
        drop(clients.pop());
        server.wait_for("there is room again", || {
            server.client().command(&["PING"]).is_ok_and(|reply| reply.to_string() == "PONG")
        });
    }
}
