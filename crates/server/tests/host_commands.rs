//! The server's own commands against a running server: a script in, replies out.

mod support;

#[path = "host/script.rs"]
mod script;

use script::{Client, connect};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use support::{Dir, Server, binary, free_port, wait_until};

/// Sends each line and compares its reply; `*` at the end of what is expected stands for any rest, `$ID` for the
/// client's id.
fn check(client: &mut Client, script: &[(&str, &str)]) {
    let asks = script.iter().any(|(_, want)| want.contains("$ID"));
    let id = if asks { client.call("CLIENT ID").replace(':', "") } else { String::new() };
    for (line, want) in script {
        let (got, want) = (client.call(line), want.replace("$ID", &id));
        match want.strip_suffix('*') {
            Some(start) => assert!(got.starts_with(start), "{line}: {got}\nwanted {want}"),
            None => assert_eq!(got, want, "{line}"),
        }
    }
}

/// A field of INFO.
fn info(client: &mut Client, field: &str) -> String {
    let text = client.call("INFO everything");
    let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    line.unwrap_or_else(|| panic!("INFO has no {field}:\n{text}")).to_string()
}

/// Starts a server on this port, with a configuration file if there is one.
fn start_on(port: u16, dir: Dir, file: Option<&Path>, args: &[&str]) -> Server {
    let mut command = Command::new(binary());
    command.args(file).args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--dir", dir.path()]);
    command.args(["--logfile", "log"]).args(args).stdin(Stdio::null()).stdout(Stdio::null());
    let child = command.spawn().expect("starts");
    let server = Server { child, port, dir };
    wait_until("the server listens", || TcpStream::connect(("127.0.0.1", port)).is_ok());
    server
}

/// A free port that the system gives to nobody who asks for any: it is still free after a restart.
fn lasting_port() -> u16 {
    let first = std::process::id() as u16 % 5000;
    let mut ports = (0..5000).map(|i| 20_000 + (first + i) % 5000);
    ports.find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).expect("one is free")
}

/// Connects to the server that began anew: the same process with another run id.
fn reconnect(server: &Server, old_run_id: &str) -> Client {
    let mut found = None;
    wait_until("the server begins anew", || {
        let Ok(stream) = TcpStream::connect(("127.0.0.1", server.port)) else { return false };
        let mut client = Client::new(stream);
        let text = client.call("INFO everything");
        let is_ours = text.contains(&format!("process_id:{}\r\n", server.pid()));
        let is_new = is_ours && !text.contains(old_run_id) && text.contains("\r\nloading:0\r\n");
        found = is_new.then_some(client);
        is_new
    });
    found.expect("was found")
}

#[test]
fn connections_and_their_names() {
    let server = Server::start(&[]);
    let mut client = connect(&server);
    check(
        &mut client,
        &[
            ("PING", "+PONG"),
            ("PING a b", "-ERR wrong number of arguments for 'ping' command"),
            ("NOSUCH a b", "-ERR unknown command 'NOSUCH', with args beginning with: 'a' 'b' "),
            ("CLIENT NOSUCH", "-ERR unknown subcommand 'NOSUCH'. Try CLIENT HELP."),
            ("CLIENT", "-ERR wrong number of arguments for 'client' command"),
            ("SELECT abc", "-ERR value is not an integer or out of range"),
            ("SELECT 16", "-ERR DB index is out of range"),
            (
                "SELECT 99999999999",
                "-ERR value is out of range, value must between -2147483648 and 2147483647",
            ),
            ("CLIENT GETNAME", "(nil)"),
            (
                "CLIENT SETNAME \"a b\"",
                "-ERR Client names cannot contain spaces, newlines or special characters.",
            ),
            ("CLIENT SETNAME me", "+OK"),
            ("CLIENT GETNAME", "me"),
            (
                "CLIENT SETINFO lib-name \"a b\"",
                "-ERR lib-name cannot contain spaces, newlines or special characters.",
            ),
            ("CLIENT SETINFO lib-nam x", "-ERR Unrecognized option 'lib-nam'"),
            ("CLIENT SETINFO LIB-NAME goose", "+OK"),
            ("CLIENT NO-EVICT maybe", "-ERR syntax error"),
            ("CLIENT NO-EVICT on", "+OK"),
            ("CLIENT NO-TOUCH on", "+OK"),
            ("SELECT 3", "+OK"),
            ("CLIENT ID", ":$ID"),
            ("CLIENT INFO", "id=$ID addr=127.0.0.1:*"),
            ("CLIENT GETREDIR", ":-1"),
            ("CLIENT TRACKINGINFO", "[flags, [off], redirect, :-1, prefixes, []]"),
            ("CLIENT UNBLOCK 1", ":0"),
            ("CLIENT UNBLOCK 1 now", "-ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR"),
            ("CLIENT UNBLOCK x", "-ERR value is not an integer or out of range"),
            ("CLIENT LIST TYPE goose", "-ERR Unknown client type 'goose'"),
            ("CLIENT LIST TYPE replica", ""),
            ("CLIENT LIST ID x", "-ERR Invalid client ID"),
            ("CLIENT LIST ID 77", ""),
            ("HELLO 4", "-NOPROTO unsupported protocol version"),
            ("HELLO 3 AUTH default", "-ERR Syntax error in HELLO option 'AUTH'"),
            ("HELLO 3 AUTH nobody x", "-WRONGPASS invalid username-password pair or user is disabled."),
            (
                "HELLO 3 SETNAME 3",
                "{server: redis, version: 7.2.4, proto: :3, id: :$ID, mode: standalone, role: master, modules: []}",
            ),
            ("CLIENT TRACKINGINFO", "{flags: ~[off], redirect: :-1, prefixes: []}"),
            ("CLIENT GETNAME", "3"),
        ],
    );
    let id = client.call("CLIENT ID");
    let line = client.call(&format!("CLIENT LIST ID {}", &id[1..]));
    for part in [
        " name=3 ",
        " flags=eT ",
        " db=3 ",
        " multi=-1 ",
        " cmd=client|list user=default redir=-1 resp=3 lib-name=goose lib-ver=\n",
    ] {
        assert!(line.contains(part), "{part:?} in {line}");
    }
    check(&mut client, &[("RESET", "+RESET"), ("CLIENT GETNAME", "(nil)")]);
    let line = client.call("CLIENT INFO");
    for part in [" flags=N ", " db=0 ", " resp=2 lib-name=goose "] {
        assert!(line.contains(part), "{part:?} in {line}");
    }
    check(&mut client, &[("QUIT", "+OK"), ("PING", "(closed)")]);
}

#[test]
fn replies_can_be_left_out() {
    let server = Server::start(&[]);
    let mut client = connect(&server);
    client.send("CLIENT REPLY OFF");
    client.send("PING off");
    client.send("NOSUCH");
    check(&mut client, &[("CLIENT REPLY ON", "+OK")]);
    client.send("CLIENT REPLY SKIP");
    client.send("PING skipped");
    check(&mut client, &[("PING shown", "shown"), ("CLIENT REPLY maybe", "-ERR syntax error")]);
}

#[test]
fn clients_are_killed_wherever_they_are() {
    let server = Server::start(&["--io-threads", "3"]);
    let mut killer = connect(&server);
    let mut others: Vec<Client> = (0..6).map(|_| connect(&server)).collect();
    let ids: Vec<String> = others.iter_mut().map(|other| other.call("CLIENT ID")).collect();
    check(
        &mut killer,
        &[
            ("CLIENT KILL ID 0", "-ERR client-id should be greater than 0"),
            ("CLIENT KILL ID", "-ERR No such client"),
            ("CLIENT KILL MAXAGE 10", "-ERR syntax error"),
            ("CLIENT KILL USER nobody", "-ERR No such user 'nobody'"),
            ("CLIENT KILL TYPE replica", ":0"),
            ("CLIENT KILL 127.0.0.1:1", "-ERR No such client"),
        ],
    );
    assert_eq!(killer.call(&format!("CLIENT KILL ID {}", &ids[0][1..])), ":1");
    assert_eq!(others[0].call("PING"), "(closed)");
    let addr = others[1].local_addr();
    assert_eq!(killer.call(&format!("CLIENT KILL {addr}")), "+OK");
    assert_eq!(others[1].call("PING"), "(closed)");
    // Four that are left, and the own one; the test's first look at the port may take a moment to go.
    wait_until("nobody else is there", || killer.call("CLIENT LIST").lines().count() == 5);
    assert_eq!(killer.call("CLIENT KILL TYPE normal SKIPME yes"), ":4");
    for other in &mut others {
        assert_eq!(other.call("PING"), "(closed)");
    }
    assert_eq!(killer.call("CLIENT LIST").lines().count(), 1);
    // The own connection gets its reply first.
    assert_eq!(killer.call("CLIENT KILL TYPE normal SKIPME no"), ":1");
    assert_eq!(killer.call("PING"), "(closed)");
}

#[test]
fn a_pause_holds_writes_until_it_ends() {
    let server = Server::start(&["--io-threads", "2"]);
    let (mut client, mut writer) = (connect(&server), connect(&server));
    check(
        &mut client,
        &[
            ("CLIENT PAUSE x", "-ERR timeout is not an integer or out of range"),
            ("CLIENT PAUSE -1", "-ERR timeout is negative"),
            ("CLIENT PAUSE 9223372036854775807", "-ERR timeout is out of range"),
            ("CLIENT PAUSE 1 some", "-ERR CLIENT PAUSE mode must be WRITE or ALL"),
            (
                "CLIENT PAUSE 1 ALL x",
                "-ERR unknown subcommand or wrong number of arguments for 'PAUSE'. Try CLIENT HELP.",
            ),
            ("CLIENT PAUSE 100000 WRITE", "+OK"),
            ("GET k", "(nil)"),
        ],
    );
    writer.send("SET k 1");
    wait_until("the writer is held", || client.call("CLIENT LIST").contains(" flags=b "));
    assert_eq!(info(&mut client, "blocked_clients"), "1");
    check(&mut client, &[("GET k", "(nil)"), ("CLIENT UNPAUSE", "+OK")]);
    assert_eq!(writer.receive(), "+OK");
    check(&mut client, &[("GET k", "1")]);
    assert!(!client.call("CLIENT LIST").contains(" flags=b "));
    check(&mut client, &[("CLIENT PAUSE 50", "+OK"), ("PING", "+PONG")]);
}

/// Commands of the server that take every shard themselves must find those that their EXEC holds already, and no
/// lock of theirs may be waited for by somebody who holds it and waits for the shards.
#[test]
fn host_commands_inside_exec_wait_for_nobody() {
    let server = Server::start(&["--io-threads", "3", "--enable-debug-command", "yes"]);
    let script = [
        "MULTI",
        "SET a 1",
        "CONFIG SET hz 10 maxclients 200 repl-backlog-size 2mb",
        "INFO everything",
        "CLIENT PAUSE 1 WRITE",
        "CLIENT UNPAUSE",
        "DEBUG DIGEST",
        "DEBUG POPULATE 10 p",
        "DEBUG OBJECT a",
        "CONFIG RESETSTAT",
        "CLIENT LIST",
        "UNWATCH",
        "MEMORY USAGE a",
        "SELECT 2",
        "SET a 2",
        "SELECT 0",
        "EXEC",
    ];
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let mut client = connect(&server);
                for _ in 0..40 {
                    let replies: Vec<String> = script.iter().map(|line| client.call(line)).collect();
                    let exec = replies.last().expect("EXEC has a reply");
                    assert!(exec.starts_with("[+OK, +OK, # Server"), "{exec}");
                    assert!(!exec.contains("-ERR"), "{exec}");
                }
            });
        }
        scope.spawn(|| {
            let mut client = connect(&server);
            for i in 0..120 {
                let replies = [
                    client.call(&format!("CONFIG SET hz {}", 10 + i % 5)),
                    client.call("CLIENT PAUSE 1 WRITE"),
                    client.call("CLIENT UNPAUSE"),
                ];
                assert_eq!(replies, ["+OK", "+OK", "+OK"]);
                client.call("INFO");
            }
        });
    });
    let mut client = connect(&server);
    check(&mut client, &[("GET a", "1"), ("SELECT 2", "+OK"), ("GET a", "2")]);
    check(
        &mut client,
        &[
            ("MULTI", "+OK"),
            ("DEBUG RELOAD", "+QUEUED"),
            ("EXEC", "[-ERR DEBUG RELOAD is not possible inside a transaction]"),
        ],
    );
}

#[test]
fn transactions() {
    let server = Server::start(&[]);
    let (mut client, mut other) = (connect(&server), connect(&server));
    let id = client.call("CLIENT ID");
    check(
        &mut client,
        &[
            ("EXEC", "-ERR EXEC without MULTI"),
            ("DISCARD", "-ERR DISCARD without MULTI"),
            (
                "EXEC a",
                "-EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command",
            ),
            ("MULTI", "+OK"),
            ("MULTI", "-ERR MULTI calls can not be nested"),
            ("WATCH k", "-ERR WATCH inside MULTI is not allowed"),
            ("SET k 1", "+QUEUED"),
            ("EXEC", "[+OK]"),
            ("MULTI", "+OK"),
            ("NOSUCH", "-ERR unknown command 'NOSUCH', with args beginning with: "),
            ("SET k 2", "+QUEUED"),
            ("EXEC", "-EXECABORT Transaction discarded because of previous errors."),
            ("MULTI", "+OK"),
            ("SAVE", "-ERR Command not allowed inside a transaction"),
            ("EXEC", "-EXECABORT Transaction discarded because of previous errors."),
            ("MULTI", "+OK"),
            (
                "EXEC x",
                "-EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command",
            ),
            ("EXEC", "-ERR EXEC without MULTI"),
            ("GET k", "1"),
            ("WATCH k", "+OK"),
            ("MULTI", "+OK"),
            ("GET k", "+QUEUED"),
        ],
    );
    check(&mut other, &[("SET k 5", "+OK")]);
    let line = other.call(&format!("CLIENT LIST ID {}", &id[1..]));
    assert!(line.contains(" flags=xd ") && line.contains(" multi=1 "), "{line}");
    check(
        &mut client,
        &[
            ("EXEC", "(nil)"),
            ("MULTI", "+OK"),
            ("SELECT 1", "+QUEUED"),
            ("SET k one", "+QUEUED"),
            ("CLIENT SETNAME \"a b\"", "+QUEUED"),
            ("BGSAVE", "+QUEUED"),
            ("DISCARD", "+OK"),
            ("MULTI", "+OK"),
            ("SELECT 1", "+QUEUED"),
            ("SET k one", "+QUEUED"),
            ("CLIENT SETNAME \"a b\"", "+QUEUED"),
            ("EXEC", "[+OK, +OK, -ERR Client names cannot contain spaces, newlines or special characters.]"),
            ("GET k", "one"),
            ("MULTI", "+OK"),
            ("RESET", "+RESET"),
            ("EXEC", "-ERR EXEC without MULTI"),
            ("GET k", "5"),
            ("MULTI", "+OK"),
            ("QUIT", "+OK"),
            ("PING", "(closed)"),
        ],
    );
}

/// Redis: a watched key whose time passes counts as changed; one whose time had passed before does not, whoever
/// deletes it.
#[test]
fn watched_keys_expire() {
    let server = Server::start(&["--enable-debug-command", "yes"]);
    let (mut client, mut other) = (connect(&server), connect(&server));
    let passed = |client: &mut Client| {
        let now_ms = |client: &mut Client| -> u64 {
            let time = client.call("TIME");
            let (seconds, micros) =
                time.trim_matches(['[', ']']).split_once(", ").expect("TIME has two parts");
            seconds.parse::<u64>().expect("a number") * 1000 + micros.parse::<u64>().expect("a number") / 1000
        };
        let start = now_ms(client);
        wait_until("the key's time passes", || start + 310 < now_ms(client));
    };
    client.call("DEBUG SET-ACTIVE-EXPIRE 0");
    check(&mut client, &[("SET k v PX 300", "+OK"), ("WATCH k", "+OK")]);
    passed(&mut other);
    check(&mut client, &[("MULTI", "+OK"), ("PING", "+QUEUED"), ("EXEC", "(nil)")]);
    check(&mut client, &[("SET k v PX 300", "+OK")]);
    passed(&mut other);
    check(&mut client, &[("WATCH k", "+OK")]);
    check(&mut other, &[("GET k", "(nil)"), ("EXISTS k", ":0")]);
    check(&mut client, &[("MULTI", "+OK"), ("PING", "+QUEUED"), ("EXEC", "[+PONG]")]);
}

#[test]
fn configuration_changes_wholly_or_not_at_all() {
    let server = Server::start(&["--enable-protected-configs", "yes"]);
    let mut client = connect(&server);
    let before = client.call("CONFIG GET dir");
    check(
        &mut client,
        &[
            ("CONFIG SET hz", "-ERR wrong number of arguments for 'config|set' command"),
            ("CONFIG SET hz 11 x", "-ERR syntax error"),
            ("CONFIG SET locale-collate C", "+OK"),
            (
                "CONFIG SET locale-collate no_SUCH.locale",
                "-ERR CONFIG SET failed (possibly related to argument 'locale-collate') - Invalid locale name",
            ),
            ("CONFIG SET maxmemory-policy allkeys-lfu lfu-log-factor 0", "+OK"),
            ("SET used v", "+OK"),
            ("GET used", "v"),
            ("OBJECT FREQ used", ":6"),
            ("CONFIG SET maxmemory-policy noeviction lfu-log-factor 10", "+OK"),
            ("OBJECT IDLETIME nosuch", "(nil)"),
            ("MEMORY PURGE", "+OK"),
            ("MEMORY MALLOC-STATS", "Stats not supported for the current allocator"),
            ("MEMORY USAGE used SAMPLES -1", "-ERR syntax error"),
            ("MEMORY USAGE used SAMPLES", "-ERR syntax error"),
            ("MEMORY USAGE used SAMPLES x", "-ERR value is not an integer or out of range"),
            ("MEMORY USAGE nosuch SAMPLES 0", "(nil)"),
            ("DEL used", ":1"),
            ("CONFIG SET nosuch 1", "-ERR Unknown option or number of arguments for CONFIG SET - 'nosuch'"),
            (
                "CONFIG SET hz x nosuch 1",
                "-ERR Unknown option or number of arguments for CONFIG SET - 'nosuch'",
            ),
            (
                "CONFIG SET port 1 io-threads 2",
                "-ERR CONFIG SET failed (possibly related to argument 'io-threads') - can't set immutable config",
            ),
            (
                "CONFIG SET replicaof \"a 1\"",
                "-ERR CONFIG SET failed (possibly related to argument 'replicaof') - can't set immutable config",
            ),
            (
                "CONFIG SET hz 11 hz 12",
                "-ERR CONFIG SET failed (possibly related to argument 'hz') - duplicate parameter",
            ),
            (
                "CONFIG SET hz 11 maxclients x",
                "-ERR CONFIG SET failed (possibly related to argument 'maxclients') - *",
            ),
            (
                "CONFIG SET hz 11 dir /nosuch/place",
                "-ERR CONFIG SET failed (possibly related to argument 'dir') - No such file or directory",
            ),
            ("CONFIG GET hz", "[hz, 10]"),
            ("CONFIG SET replica-priority 1 slave-priority 2", "+OK"),
            ("CONFIG GET replica-priority", "[replica-priority, 2]"),
            ("CONFIG GET dir", before.as_str()),
            ("CONFIG SET hz 11 dir /", "+OK"),
            ("CONFIG GET dir", "[dir, /]"),
            (
                "CONFIG SET dir / maxclients 1000000000",
                "-ERR CONFIG SET failed (possibly related to argument 'maxclients') - The operating system is not able to handle the specified number of clients, try with *",
            ),
            ("CONFIG SET requirepass secret", "+OK"),
            // Connections that are there stay logged in.
            ("PING", "+PONG"),
            ("CONFIG GET REQUIREPASS h[zy]", "[REQUIREPASS, secret, hz, 11]"),
            ("CONFIG REWRITE", "-ERR The server is running without a config file"),
        ],
    );
    let mut other = connect(&server);
    check(
        &mut other,
        &[
            ("PING", "-NOAUTH Authentication required."),
            ("HELLO 3", "-NOAUTH HELLO must be called with the client already authenticated*"),
            ("AUTH wrong", "-WRONGPASS invalid username-password pair or user is disabled."),
            ("AUTH secret", "+OK"),
            ("PING", "+PONG"),
            ("RESET", "+RESET"),
            ("PING", "-NOAUTH Authentication required."),
        ],
    );
    assert_eq!(info(&mut client, "acl_access_denied_auth"), "1");
}

#[test]
fn protected_commands_and_directives_are_refused() {
    let server = Server::start(&[]);
    let mut client = connect(&server);
    check(
        &mut client,
        &[
            (
                "DEBUG SLEEP 0",
                "-ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", you can run it from a local connection, otherwise you need to set this option in the configuration file, and then restart the server.",
            ),
            (
                "CONFIG SET dir /",
                "-ERR CONFIG SET failed (possibly related to argument 'dir') - can't set protected config",
            ),
            (
                "CONFIG SET dbfilename x",
                "-ERR CONFIG SET failed (possibly related to argument 'dbfilename') - can't set protected config",
            ),
            ("MULTI", "+OK"),
            ("DEBUG SLEEP 0", "-ERR DEBUG command not allowed.*"),
            ("EXEC", "-EXECABORT Transaction discarded because of previous errors."),
        ],
    );
    let server = Server::start(&["--enable-debug-command", "local", "--enable-protected-configs", "local"]);
    check(&mut connect(&server), &[("DEBUG SLEEP 0", "+OK"), ("CONFIG SET dir /", "+OK")]);
}

#[test]
fn config_rewrite_writes_the_file() {
    let dir = Dir::new();
    let file = dir.write("goose.conf", "# a comment\nhz 10\n");
    let server = start_on(free_port(), dir, Some(&file), &[]);
    let mut client = connect(&server);
    check(&mut client, &[("CONFIG SET hz 25 timeout 7", "+OK"), ("CONFIG REWRITE", "+OK")]);
    let text = std::fs::read_to_string(&file).expect("the file is there");
    assert!(text.contains("# a comment\nhz 25\n") && text.contains("timeout 7\n"), "{text}");
    let left: Vec<_> = std::fs::read_dir(&server.dir.0)
        .expect("is there")
        .flatten()
        .map(|entry| entry.file_name())
        .collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().ends_with(".tmp")), "{left:?}");
}

#[test]
fn info_has_the_fields_of_redis_in_their_order() {
    let server = Server::start(&[]);
    let mut client = connect(&server);
    client.call("SET k v");
    let text = client.call("INFO everything");
    let own = |line: &&str| {
        let counted = ["cmdstat_", "errorstat_", "latency_percentiles", "db0"];
        // Redis has the second one from 7.4 on.
        let others = ["greylag_version", "expired_subkeys"];
        !line.is_empty() && !others.contains(line) && !counted.iter().any(|start| line.starts_with(start))
    };
    let ours: Vec<&str> =
        text.lines().map(|line| line.split(':').next().unwrap_or(line)).filter(own).collect();
    let theirs: Vec<&str> =
        include_str!("data/redis-7.2.4-info.txt").lines().filter(|line| !line.is_empty()).collect();
    // What replication tells depends on its state, and is tested there.
    let without_replication = |lines: &[&str]| -> Vec<String> {
        let mut section = "";
        let mut kept = Vec::new();
        for line in lines {
            if line.starts_with('#') {
                section = line;
            }
            if section != "# Replication" {
                kept.push((*line).to_string());
            }
        }
        kept
    };
    assert_eq!(without_replication(&ours), without_replication(&theirs));
    assert!(text.contains("db0:keys=1,expires=0,avg_ttl=0"));
}

#[test]
fn calls_and_errors_are_counted() {
    let server = Server::start(&[]);
    let mut client = connect(&server);
    client.call("CONFIG RESETSTAT");
    for line in
        ["GET k", "GET", "NOSUCH", "MULTI", "GET k", "CLIENT SETNAME \"a b\"", "EXEC", "EXEC", "SELECT x"]
    {
        client.call(line);
    }
    let text = client.call("INFO everything");
    for (command, want) in [
        ("get", "calls=2,,rejected_calls=1,failed_calls=0"),
        ("client|setname", "calls=1,,rejected_calls=0,failed_calls=1"),
        ("exec", "calls=2,,rejected_calls=0,failed_calls=1"),
        ("multi", "calls=1,,rejected_calls=0,failed_calls=0"),
        ("select", "calls=1,,rejected_calls=0,failed_calls=1"),
        ("config|resetstat", "calls=1,,rejected_calls=0,failed_calls=0"),
    ] {
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("cmdstat_{command}:")));
        let line = line.unwrap_or_else(|| panic!("{command} is not counted:\n{text}"));
        let figures: Vec<&str> =
            line.split(',').map(|f| if f.starts_with("usec") { "" } else { f }).collect();
        assert_eq!(figures.join(",").replace(",,,", ",,"), want, "{command}");
        assert!(text.contains(&format!("latency_percentiles_usec_{command}:p50=")), "{command}");
    }
    assert!(text.contains("errorstat_ERR:count=5\r\n"), "{text}");
    assert!(text.contains("total_error_replies:5\r\n"), "{text}");
    assert_eq!(info(&mut client, "keyspace_misses"), "2");
    client.call("CONFIG RESETSTAT");
    assert_eq!(info(&mut client, "total_commands_processed"), "1");
    assert_eq!(info(&mut client, "total_error_replies"), "0");
}

#[test]
fn saving_and_loading_again() {
    let server = Server::start(&["--enable-debug-command", "yes"]);
    let mut client = connect(&server);
    check(
        &mut client,
        &[
            ("DEBUG POPULATE 1000 key 50", "+OK"),
            ("SET int 5", "+OK"),
            ("BGSAVE now", "-ERR syntax error"),
            ("BGREWRITEAOF", "-ERR BGREWRITEAOF is refused: *"),
        ],
    );
    let digest = client.call("DEBUG DIGEST");
    check(&mut client, &[("DEBUG RELOAD", "+OK"), ("DEBUG DIGEST", digest.as_str()), ("GET int", "5")]);
    assert_eq!(info(&mut client, "rdb_changes_since_last_save"), "0");
    check(
        &mut client,
        &[
            ("SET later 1", "+OK"),
            ("SET int 6", "+OK"),
            ("DEBUG RELOAD NOSAVE NOFLUSH", "-ERR Error trying to load the RDB dump, check server logs."),
            ("GET int", "6"),
            ("DEBUG RELOAD NOSAVE NOFLUSH MERGE", "+OK"),
            ("GET int", "5"),
            ("GET later", "1"),
            ("DEBUG RELOAD NOSAVE", "+OK"),
            ("GET later", "(nil)"),
            ("DEBUG DIGEST", digest.as_str()),
            ("DEBUG RELOAD NOW", "-ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options."),
            ("MULTI", "+OK"),
            ("BGSAVE", "+QUEUED"),
            ("SET k 1", "+QUEUED"),
            ("EXEC", "[+Background saving scheduled, +OK]"),
        ],
    );
    client.call("CONFIG RESETSTAT");
    let saved = |client: &mut Client, saves: &str| {
        info(client, "rdb_saves") == saves && info(client, "rdb_bgsave_in_progress") == "0"
    };
    wait_until("the scheduled save", || saved(&mut client, "1"));
    check(&mut client, &[("SAVE", "+OK"), ("BGSAVE SCHEDULE", "+Background saving started")]);
    wait_until("the background save", || saved(&mut client, "3"));
    assert_eq!(info(&mut client, "rdb_changes_since_last_save"), "0");
    check(
        &mut client,
        &[
            ("CONFIG SET rdb-key-save-delay 1000000", "+OK"),
            ("BGSAVE", "+Background saving started"),
            ("BGSAVE", "-ERR Background save already in progress"),
            ("SAVE", "-ERR Background save already in progress"),
        ],
    );
    assert_eq!(info(&mut client, "rdb_bgsave_in_progress"), "1");
}

/// Two reloads at once ended each other's pause, and lost what was written between the save of one and its load.
#[test]
fn reloads_at_once_lose_no_write() {
    const RELOADS: usize = 20;
    let server = Server::start(&["--io-threads", "4", "--enable-debug-command", "yes"]);
    let (mut writer, mut reloaders) = (connect(&server), [connect(&server), connect(&server)]);
    check(&mut writer, &[("DEBUG POPULATE 5000 key 20", "+OK")]);
    let ended = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for client in &mut reloaders {
            scope.spawn(|| {
                let replies: Vec<String> = (0..RELOADS).map(|_| client.call("DEBUG RELOAD")).collect();
                ended.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                assert!(replies.iter().all(|reply| reply == "+OK"), "{replies:?}");
            });
        }
        let mut count = 0;
        while ended.load(std::sync::atomic::Ordering::SeqCst) < 2 {
            count += 1;
            assert_eq!(writer.call("INCR counter"), format!(":{count}"));
        }
    });
}

/// A pause of writes holds clients, not the stream of a primary: what came between the save and the load was lost.
#[test]
fn a_replica_that_reloads_loses_nothing_of_the_stream() {
    const RELOADS: usize = 20;
    let primary = Server::start(&["--repl-diskless-sync-delay", "0"]);
    let address = format!("127.0.0.1 {}", primary.port);
    let replica =
        Server::start(&["--io-threads", "2", "--enable-debug-command", "yes", "--replicaof", &address]);
    let (mut writer, mut reader) = (connect(&primary), connect(&replica));
    check(&mut writer, &[("SET counter 0", "+OK")]);
    wait_until("the replica follows", || reader.call("GET counter") == "0");
    let count = std::thread::scope(|scope| {
        let reloads = scope.spawn(|| (0..RELOADS).all(|_| reader.call("DEBUG RELOAD") == "+OK"));
        let mut count = 0;
        while !reloads.is_finished() {
            count += 1;
            assert_eq!(writer.call("INCR counter"), format!(":{count}"));
        }
        assert!(reloads.join().expect("no panic"), "a reload failed");
        count
    });
    wait_until("the replica has it all", || reader.call("GET counter") == count.to_string());
}

#[test]
fn info_tells_how_far_a_load_is() {
    let mut server = Server::start(&["--enable-debug-command", "yes"]);
    let mut client = connect(&server);
    check(&mut client, &[("DEBUG POPULATE 1000 key 100", "+OK")]);
    client.send("SHUTDOWN SAVE");
    assert_eq!(server.wait_exit(), Some(0));
    let bytes = std::fs::read(server.dir.file("dump.rdb")).expect("the shutdown saved");
    let dir = Dir::new();
    std::fs::write(dir.file("dump.rdb"), &bytes).expect("the directory is there");
    let server = Server::start_in(dir, &["--key-load-delay", "2000"]);
    let mut client = Client::new(TcpStream::connect(("127.0.0.1", server.port)).expect("connects"));
    let text = client.call("INFO persistence");
    assert!(text.contains("\r\nloading:1\r\n"), "{text}");
    assert!(text.contains(&format!("\r\nloading_total_bytes:{}\r\n", bytes.len())), "{text}");
    for field in ["loading_start_time", "loading_rdb_used_mem", "loading_loaded_perc", "loading_eta_seconds"]
    {
        assert!(text.contains(&format!("\r\n{field}:")), "{field} in {text}");
    }
    check(&mut client, &[("GET key:1", "-LOADING *"), ("CLIENT GETNAME", "(nil)")]);
    wait_until("the load ends", || info(&mut client, "loading") == "0");
    assert_eq!(info(&mut client, "rdb_last_load_keys_loaded"), "1000");
    assert!(!client.call("INFO persistence").contains("loading_"));
}

#[test]
fn a_shutdown_that_fails_is_told_and_the_server_goes_on() {
    let mut server = Server::start(&["--save", "3600 1"]);
    let (mut client, mut other) = (connect(&server), connect(&server));
    check(
        &mut client,
        &[
            ("SHUTDOWN later", "-ERR syntax error"),
            ("SHUTDOWN SAVE NOSAVE", "-ERR syntax error"),
            ("SHUTDOWN ABORT NOW", "-ERR syntax error"),
            ("SHUTDOWN ABORT", "-ERR No shutdown in progress."),
            ("SET k v", "+OK"),
        ],
    );
    let elsewhere = server.dir.0.with_extension("away");
    std::fs::rename(&server.dir.0, &elsewhere).expect("a directory can be moved");
    std::fs::remove_dir_all(&elsewhere).expect("and removed");
    check(&mut client, &[("SHUTDOWN", "-ERR Errors trying to SHUTDOWN. Check logs.")]);
    check(&mut other, &[("SAVE", "-ERR"), ("PING", "+PONG"), ("SET k w", "+OK")]);
    check(&mut other, &[("BGSAVE", "+Background saving started")]);
    wait_until("the save fails", || info(&mut other, "rdb_last_bgsave_status") == "err");
    // Writes are refused after that, and PING tells.
    wait_until("writes are refused", || other.call("PING").starts_with("-MISCONF "));
    check(&mut other, &[("GET k", "w"), ("SET k x", "-MISCONF *"), ("EXEC x", "-EXECABORT *")]);
    check(&mut other, &[("CONFIG SET stop-writes-on-bgsave-error no", "+OK"), ("SET k x", "+OK")]);
    check(&mut other, &[("CONFIG SET stop-writes-on-bgsave-error yes", "+OK"), ("SET k y", "-MISCONF *")]);
    other.send("SHUTDOWN NOSAVE");
    assert_eq!(server.wait_exit(), Some(0));
    assert_eq!(client.call("PING"), "(closed)");
}

#[test]
fn shutdown_saves_and_a_restart_keeps_the_process() {
    let args = ["--enable-debug-command", "yes", "--save", "3600 1000"];
    let mut server = start_on(lasting_port(), Dir::new(), None, &args);
    let mut client = connect(&server);
    client.call("SET k v");
    let run_id = info(&mut client, "run_id");
    client.send("DEBUG RESTART");
    let mut client = reconnect(&server, &run_id);
    let run_id = info(&mut client, "run_id");
    check(&mut client, &[("GET k", "v"), ("SET k lost", "+OK")]);
    client.send("DEBUG CRASH-AND-RECOVER");
    let mut client = reconnect(&server, &run_id);
    check(&mut client, &[("GET k", "v"), ("SET k kept", "+OK")]);
    client.send("SHUTDOWN");
    assert_eq!(server.wait_exit(), Some(0));
    let dump = std::fs::read(server.dir.file("dump.rdb")).expect("the shutdown saved");
    assert!(dump.windows(4).any(|bytes| bytes == b"kept"));
}

#[test]
fn crashes_are_real() {
    for (line, signal) in [("DEBUG SEGFAULT", libc::SIGSEGV), ("DEBUG PANIC", libc::SIGABRT)] {
        let mut server = Server::start(&["--enable-debug-command", "yes"]);
        connect(&server).send(line);
        server.wait_exit();
        let status = server.child.wait().expect("was waited for");
        assert_eq!(status.signal(), Some(signal), "{line}");
    }
}

#[test]
fn debug_tells_and_shows() {
    let server = Server::start(&["--enable-debug-command", "yes"]);
    let mut client = connect(&server);
    check(
        &mut client,
        &[
            (
                "DEBUG NOSUCH",
                "-ERR unknown subcommand or wrong number of arguments for 'NOSUCH'. Try DEBUG HELP.",
            ),
            (
                "DEBUG SLEEP",
                "-ERR unknown subcommand or wrong number of arguments for 'SLEEP'. Try DEBUG HELP.",
            ),
            ("DEBUG DIGEST", "+0000000000000000000000000000000000000000"),
            ("SET lst 1", "+OK"),
            // As redis-server says of the same keys.
            (
                "DEBUG DIGEST-VALUE lst nokey",
                "[+b4fc66738120fba0b5aa500ab5c2bf89cea1c5da, +0000000000000000000000000000000000000000]",
            ),
            ("DEBUG OBJECT nokey", "-ERR no such key"),
            ("DEBUG OBJECT lst", "+Value at:0x*"),
            ("DEBUG ERROR \"MYERR a b\"", "-MYERR a b"),
            ("DEBUG POPULATE x", "-ERR value is out of range, must be positive"),
            ("DEBUG POPULATE 2 p 3", "+OK"),
            ("GET p:1", "val"),
            ("DEBUG POPULATE 5000 q 8", "+OK"),
            ("GET q:0", "value:0\0"),
            ("GET q:4321", "value:43"),
            ("GET q:5000", "(nil)"),
            ("CLIENT NO-TOUCH on", "+OK"),
            ("GET q:0", "value:0\0"),
            ("DEBUG STRINGMATCH-LEN 3 a*b", ":0"),
            ("DEBUG STRINGMATCH-LEN 3 a*", ":1"),
            ("DEBUG PROTOCOL map", "[:0, :0, :1, :1, :2, :0]"),
            ("DEBUG PROTOCOL push", "-ERR RESP2 is not supported by this command"),
            ("DEBUG PROTOCOL nosuch", "-ERR Wrong protocol type name.*"),
            ("DEBUG LOG honk", "+OK"),
            ("DEBUG SET-ACTIVE-EXPIRE 0", "+OK"),
            ("SET gone h PX 1", "+OK"),
            ("DEBUG SLEEP 0.01", "+OK"),
            // It looks at what is there, though its time has passed.
            ("DEBUG DIGEST-VALUE gone", "[+9c27ce23c79fea8f039be87d74770abf8f0a9d10]"),
            ("DEBUG OBJECT gone fast", "+Value at:0x*"),
            ("GET gone", "(nil)"),
            ("DEBUG OBJECT gone", "-ERR no such key"),
            ("MEMORY USAGE nokey", "(nil)"),
            ("MEMORY USAGE lst SAMPLES", "-ERR syntax error"),
            ("MODULE LIST", "[]"),
            ("LASTSAVE", ":*"),
        ],
    );
    let object = client.call("DEBUG OBJECT lst");
    assert!(object.contains(" refcount:2147483647 encoding:int serializedlength:2 lru:"), "{object}");
    assert!(server.log().contains("DEBUG LOG: honk"));
    assert!(info(&mut client, "db0").starts_with("keys=5003,"));
    for container in ["CLIENT", "CONFIG", "COMMAND", "MEMORY", "MODULE", "DEBUG"] {
        let help = client.call(&format!("{container} HELP"));
        assert!(help.starts_with(&format!(
            "[+{container} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:, +"
        )));
        assert!(help.contains("+HELP, +    Prints this help."), "{help}");
    }
}

#[test]
fn commands_tell_of_themselves() {
    let server = Server::start(&[]);
    let mut client = connect(&server);
    check(
        &mut client,
        &[
            (
                "COMMAND INFO get nosuch",
                "[[get, :2, [+readonly, +fast], :1, :1, :1, [+@read, +@string, +@fast], [], [[flags, [+RO, +access], begin_search, [type, index, spec, [index, :1]], find_keys, [type, range, spec, [lastkey, :0, keystep, :1, limit, :0]]]], []], (nil)]",
            ),
            (
                "COMMAND INFO config|get",
                "[[config|get, :-3, [+admin, +noscript, +loading, +stale], :0, :0, :0, [+@admin, +@slow, +@dangerous], [], [], []]]",
            ),
            (
                "COMMAND INFO debug",
                "[[debug, :-2, [+admin, +noscript, +loading, +stale], :0, :0, :0, [+@admin, +@slow, +@dangerous], [], [], []]]",
            ),
            ("COMMAND DOCS nosuch", "[]"),
            (
                "COMMAND DOCS echo",
                "[echo, [summary, Answers the message., since, 1.0.0, group, connection, complexity, O(1), arguments, [[name, message, type, string, display_text, message]]]]",
            ),
            (
                "COMMAND LIST FILTERBY PATTERN memory|*",
                "[memory|doctor, memory|help, memory|malloc-stats, memory|purge, memory|stats, memory|usage]",
            ),
            ("COMMAND LIST FILTERBY ACLCAT nosuch", "[]"),
            ("COMMAND LIST FILTERBY MODULE x", "[]"),
            ("COMMAND LIST FILTERBY goose x", "-ERR syntax error"),
            ("COMMAND LIST FILTERBY", "-ERR syntax error"),
            ("COMMAND GETKEYS GET a", "[a]"),
            ("COMMAND GETKEYS MEMORY USAGE a", "[a]"),
            ("COMMAND GETKEYS WATCH a b", "[a, b]"),
            ("COMMAND GETKEYS NOSUCH", "-ERR Invalid command specified"),
            ("COMMAND GETKEYS PING", "-ERR The command has no key arguments"),
            ("COMMAND GETKEYS GET", "-ERR Invalid number of arguments specified for command"),
            ("COMMAND GETKEYSANDFLAGS SET a b", "[[a, [+OW, +update]]]"),
            ("COMMAND NOSUCH", "-ERR unknown subcommand 'NOSUCH'. Try COMMAND HELP."),
        ],
    );
    let count = client.call("COMMAND COUNT");
    client.call("HELLO 3");
    check(
        &mut client,
        &[
            (
                "COMMAND INFO time",
                "[[time, :1, ~[+loading, +stale, +fast], :0, :0, :0, ~[+@fast], ~[nondeterministic_output], ~[], ~[]]]",
            ),
            (
                "COMMAND DOCS time",
                "{time: {summary: The server's time: Unix seconds, and microseconds within the second., since: 2.6.0, group: server, complexity: O(1)}}",
            ),
            ("COMMAND COUNT", count.as_str()),
        ],
    );
    assert!(client.call("COMMAND").starts_with("[["));
    assert!(client.call("COMMAND DOCS").starts_with('{'));
}
