//! The session of the document that this project began with: two configuration files, a primary and its replica,
//! what each logs, what INFO replication shows, passwords, SLAVEOF NO ONE.

use crate::tree::{follow, wait_equal, wait_link_up};
use std::process::Command;
use testkit::log::{Line, first_missing};
use testkit::process::Kind::{self, Greylag, Redis};
use testkit::process::{Server, has_redis, info_fields};

/// As in the document, but for ports and directory.
const PRIMARY_CONF: &str = "bind 127.0.0.1
port {port}
daemonize no
dir {dir}
#logfile redis-server-6379.log
";
/// Redis 7 made transfers without a disk its default; the document's log shows one by disk, as Greylag's default is.
const FOR_REDIS_7: &str = "repl-diskless-sync no\n";

const REPLICA_CONF: &str = "bind 127.0.0.1
port {port}
slaveof 127.0.0.1 PRIMARY
daemonize no
dir {dir}
# logfile slave-6380.log
";

/// Roles and messages of the document's log; PRIMARY, REPLICA, PID, ID and NUMBER stand for what differs.
const PRIMARY_LOG: &[(char, &str)] = &[
    ('M', "Replica 127.0.0.1:REPLICA asks for synchronization"),
    ('M', "Full resync requested by replica 127.0.0.1:REPLICA"),
    ('M', "Starting BGSAVE for SYNC with target: disk"),
    ('M', "Background saving started by pid NUMBER"),
    ('C', "DB saved on disk"),
    ('C', "RDB: NUMBER MB of memory used by copy-on-write"),
    ('M', "Background saving terminated with success"),
    ('M', "Synchronization with replica 127.0.0.1:REPLICA succeeded"),
];

const REPLICA_LOG: &[(char, &str)] = &[
    ('S', "Ready to accept connections"),
    ('S', "Connecting to MASTER 127.0.0.1:PRIMARY"),
    ('S', "MASTER <-> REPLICA sync started"),
    ('S', "Non blocking connect for SYNC fired the event."),
    ('S', "Master replied to PING, replication can continue..."),
    ('S', "Partial resynchronization not possible (no cached master)"),
    ('S', "Full resync from master: ID:0"),
    ('S', "MASTER <-> REPLICA sync: receiving NUMBER bytes from master"),
    ('S', "MASTER <-> REPLICA sync: Flushing old data"),
    ('S', "MASTER <-> REPLICA sync: Loading DB in memory"),
    ('S', "MASTER <-> REPLICA sync: Finished with success"),
];

const PRIMARY_INFO: &[&str] = &[
    "role",
    "connected_slaves",
    "slave0",
    "master_replid",
    "master_replid2",
    "master_repl_offset",
    "second_repl_offset",
    "repl_backlog_active",
    "repl_backlog_size",
    "repl_backlog_first_byte_offset",
    "repl_backlog_histlen",
];

const REPLICA_INFO: &[&str] = &[
    "role",
    "master_host",
    "master_port",
    "master_link_status",
    "master_last_io_seconds_ago",
    "master_sync_in_progress",
    "slave_repl_offset",
    "slave_priority",
    "slave_read_only",
    "connected_slaves",
    "master_replid",
    "master_replid2",
    "master_repl_offset",
    "second_repl_offset",
    "repl_backlog_active",
    "repl_backlog_size",
    "repl_backlog_first_byte_offset",
    "repl_backlog_histlen",
];

/// Whether a message is the pattern, but for the words that stand for something; `more` may follow it.
fn is_like(message: &str, pattern: &str, more: &[&str]) -> bool {
    let whole = more.iter().find_map(|more| message.strip_suffix(more)).unwrap_or(message);
    [message, whole].iter().any(|message| {
        let (message, pattern): (Vec<&str>, Vec<&str>) =
            (message.split(' ').collect(), pattern.split(' ').collect());
        let same = |(word, pattern): (&&str, &&str)| match *pattern {
            "NUMBER" => !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit()),
            "ID:0" => word.strip_suffix(":0").is_some_and(is_repl_id),
            pattern => *word == pattern,
        };
        message.len() == pattern.len() && message.iter().zip(&pattern).all(same)
    })
}

fn is_repl_id(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// What versions after the document's add to its messages.
const MORE: &[&str] = &[" tcp", " to disk", " to parser"];
/// What Redis 7.0 says in place of the document's line about copy-on-write.
const COW_OF_REDIS_7: &str = "Fork CoW for RDB: current";

#[track_caller]
fn check_log(server: &Server, wanted: &[(char, &str)], primary: &Server, replica: &Server) {
    let ports = [("PRIMARY", primary.port()), ("REPLICA", replica.port())];
    let fill = |text: &str| {
        ports.iter().fold(text.to_string(), |text, (name, port)| {
            text.replace(&format!(":{name}"), &format!(":{port}"))
        })
    };
    let matches = |line: &Line, (role, pattern): &(char, &str)| {
        let of_redis_7 = server.kind() == Redis
            && pattern.contains("copy-on-write")
            && line.message.starts_with(COW_OF_REDIS_7);
        line.role == *role && line.mark == '*' && (of_redis_7 || is_like(&line.message, &fill(pattern), MORE))
    };
    // The last line may be on its way yet.
    server.wait_for("the last line of the document", || {
        server.log_lines().iter().any(|line| matches(line, wanted.last().expect("there are lines")))
    });
    let lines = server.log_lines();
    let missing = first_missing(&lines, wanted, matches);
    assert_eq!(missing, None, "not in its place\n{}", server.log_tail());
    let own = lines.iter().filter(|line| line.role != 'C');
    assert!(own.clone().all(|line| line.pid == server.pid()), "{}", server.log_tail());
}

/// The replication section: it is of these fields, in this order, others between them.
#[track_caller]
fn replication(server: &Server, fields: &[&str]) -> Vec<(String, String)> {
    let text = server.run("INFO replication").text();
    assert!(text.starts_with("# Replication\r\n"), "{text}");
    let shown = info_fields(&text);
    let mut rest = shown.iter();
    for field in fields {
        assert!(rest.any(|(name, _)| name == field), "{field} is not in its place:\n{text}");
    }
    shown
}

#[track_caller]
fn field<'f>(fields: &'f [(String, String)], name: &str) -> &'f str {
    let found = fields.iter().find(|(field, _)| field == name);
    &found.unwrap_or_else(|| panic!("no {name} in {fields:?}")).1
}

#[track_caller]
fn number(fields: &[(String, String)], name: &str) -> u64 {
    field(fields, name).parse().unwrap_or_else(|_| panic!("{name} is no number in {fields:?}"))
}

#[track_caller]
fn check_info(primary: &Server, replica: &Server) {
    let zeros = "0".repeat(40);
    primary.run("set one more");
    wait_equal(&[primary, replica]);
    primary.wait_for("the replica's ACK", || {
        let shown = info_fields(&primary.run("INFO replication").text());
        let acknowledged = format!(",state=online,offset={},", field(&shown, "master_repl_offset"));
        field(&shown, "slave0").contains(&acknowledged)
    });
    let of_primary = replication(primary, PRIMARY_INFO);
    assert_eq!(field(&of_primary, "role"), "master");
    assert_eq!(field(&of_primary, "connected_slaves"), "1");
    let slave = field(&of_primary, "slave0");
    let (head, rest) = slave.split_once(",offset=").expect("has an offset");
    assert_eq!(head, format!("ip=127.0.0.1,port={},state=online", replica.port()));
    let (_, lag) = rest.split_once(",lag=").expect("has a lag");
    assert!(lag.parse::<u64>().is_ok_and(|lag| lag < 60), "{slave}");
    let of_replica = replication(replica, REPLICA_INFO);
    for (name, value) in [
        ("role", "slave"),
        ("master_host", "127.0.0.1"),
        ("master_port", &primary.port().to_string()),
        ("master_link_status", "up"),
        ("master_sync_in_progress", "0"),
        ("slave_priority", "100"),
        ("slave_read_only", "1"),
        ("connected_slaves", "0"),
        ("master_replid", field(&of_primary, "master_replid")),
    ] {
        assert_eq!(field(&of_replica, name), value, "{name}");
    }
    assert!(number(&of_replica, "master_last_io_seconds_ago") < 60);
    assert_eq!(field(&of_replica, "slave_repl_offset"), field(&of_replica, "master_repl_offset"));
    for fields in [&of_primary, &of_replica] {
        assert!(is_repl_id(field(fields, "master_replid")));
        assert_eq!(field(fields, "master_replid2"), zeros);
        assert_eq!(field(fields, "second_repl_offset"), "-1");
        assert_eq!(field(fields, "repl_backlog_active"), "1");
        assert_eq!(field(fields, "repl_backlog_size"), "1048576");
        assert_eq!(field(fields, "repl_backlog_first_byte_offset"), "1");
        assert_eq!(field(fields, "repl_backlog_histlen"), field(fields, "master_repl_offset"));
        assert!(0 < number(fields, "master_repl_offset"));
    }
}

fn start_by_files(primary: Kind, replica: Kind) -> (Server, Server) {
    let for_redis_7 = if primary.is_redis() { FOR_REDIS_7 } else { "" };
    let primary = Server::of(primary)
        .bare()
        .named("redis-server")
        .config("redis-master-6379.conf", &format!("{PRIMARY_CONF}{for_redis_7}enable-debug-command yes\n"))
        .start();
    let conf = REPLICA_CONF.replace("PRIMARY", &primary.port().to_string());
    let replica = Server::of(replica)
        .bare()
        .named("redis-server")
        .config("redis-slave-6380.conf", &format!("{conf}enable-debug-command yes\n"))
        .start();
    (primary, replica)
}

/// Steps 1 to 8 of the document, then its INFO, then SLAVEOF NO ONE.
fn session(primary: Kind, replica: Kind) {
    let (primary, replica) = start_by_files(primary, replica);
    wait_link_up(&replica);
    check_log(&primary, PRIMARY_LOG, &primary, &replica);
    check_log(&replica, REPLICA_LOG, &primary, &replica);
    assert_eq!(primary.run("set name jake").to_string(), "OK");
    replica.wait_for("the name", || replica.run("get name").to_string() == "\"jake\"");
    check_info(&primary, &replica);
    let refused = replica.run("set name jill").to_string();
    assert_eq!(refused, "(error) READONLY You can't write against a read only replica.");
    end_of_the_session(&primary, &replica);
}

/// SLAVEOF NO ONE: the data stays, writes are taken, the other side sees its replica go.
#[track_caller]
fn end_of_the_session(primary: &Server, replica: &Server) {
    let id = primary.info_field("replication", "master_replid");
    assert_eq!(replica.run("slaveof no one").to_string(), "OK");
    replica.wait_log("MASTER MODE enabled (user request from '");
    let info = replica.info("replication");
    assert_eq!((info["role"].as_str(), info["master_replid2"].as_str()), ("master", id.as_str()));
    assert_ne!(info["master_replid"], id);
    assert_eq!(replica.run("get name").to_string(), "\"jake\"");
    assert_eq!(replica.run("set name jill").to_string(), "OK");
    primary.wait_for("the replica is gone", || primary.info_field("replication", "connected_slaves") == "0");
    assert_eq!(primary.run("get name").to_string(), "\"jake\"");
}

#[test]
fn session_greylag_to_greylag() {
    session(Greylag, Greylag);
}

#[test]
fn session_redis_to_greylag() {
    if has_redis("session_redis_to_greylag") {
        session(Redis, Greylag);
    }
}

#[test]
fn session_greylag_to_redis() {
    if has_redis("session_greylag_to_redis") {
        session(Greylag, Redis);
    }
}

/// The test is right: real servers pass it.
#[test]
fn session_redis_to_redis() {
    if has_redis("session_redis_to_redis") {
        session(Redis, Redis);
    }
}

/// The replica is made by an argument, through a link named redis-server.
fn by_argument(primary: Kind, replica: Kind) {
    let primary = Server::of(primary).named("redis-server").start();
    assert_eq!(primary.run("set name jake").to_string(), "OK");
    let slaveof = format!("--slaveof 127.0.0.1 {}", primary.port());
    let replica = Server::of(replica).named("redis-server").args(&slaveof).start();
    wait_link_up(&replica);
    assert_eq!(replica.run("get name").to_string(), "\"jake\"");
    check_info(&primary, &replica);
    end_of_the_session(&primary, &replica);
}

#[test]
fn by_argument_greylag_to_greylag() {
    by_argument(Greylag, Greylag);
}

#[test]
fn by_argument_with_redis_on_either_side() {
    if has_redis("by_argument_with_redis_on_either_side") {
        by_argument(Redis, Greylag);
        by_argument(Greylag, Redis);
    }
}

/// The replica is made by the command SLAVEOF, at run time: its own data gives way. What the command answers when it
/// changes nothing is Redis's too.
fn by_command(primary: Kind, replica: Kind) {
    let primary = Server::of(primary).start();
    let replica = Server::of(replica).start();
    primary.run("set name jake");
    replica.run("set old data");
    let slaveof = format!("slaveof 127.0.0.1 {}", primary.port());
    assert_eq!(replica.run(&slaveof).to_string(), "OK");
    wait_link_up(&replica);
    assert_eq!(replica.run("get name").to_string(), "\"jake\"");
    assert_eq!(replica.run("get old").to_string(), "(nil)");
    assert_eq!(replica.run(&slaveof).to_string(), "OK Already connected to specified master");
    check_info(&primary, &replica);
    end_of_the_session(&primary, &replica);
    assert_eq!(replica.run("slaveof no one").to_string(), "OK");
    assert_eq!(replica.run("slaveof localhost port").to_string(), "(error) ERR Invalid master port");
}

#[test]
fn by_command_greylag_to_greylag() {
    by_command(Greylag, Greylag);
}

#[test]
fn by_command_with_redis_on_either_side() {
    if has_redis("by_command_with_redis_on_either_side") {
        by_command(Redis, Greylag);
        by_command(Greylag, Redis);
    }
}

/// requirepass in the file, AUTH, CONFIG GET and SET, masterauth in the file, as the document has them.
fn passwords(primary: Kind, replica: Kind) {
    let conf = format!("{PRIMARY_CONF}requirepass goose\n");
    let primary = Server::of(primary).bare().config("primary.conf", &conf).start();
    let mut client = primary.client();
    assert_eq!(client.run("get name").to_string(), "(error) NOAUTH Authentication required.");
    let wrong = "(error) WRONGPASS invalid username-password pair or user is disabled.";
    assert_eq!(client.run("auth duck").to_string(), wrong);
    assert_eq!(client.run("auth goose").to_string(), "OK");
    assert_eq!(client.run("set name jake").to_string(), "OK");
    assert_eq!(client.run("config get requirepass").to_string(), "1) \"requirepass\"\n2) \"goose\"");

    let conf = REPLICA_CONF.replace("PRIMARY", &primary.port().to_string());
    // Without the password the link does not come up, and the log says why.
    let mut replica = Server::of(replica).bare().config("replica.conf", &conf).start();
    let reason = "MASTER <-> REPLICA sync started";
    replica.wait_log_times(reason, 2);
    assert!(replica.log_contains("NOAUTH"), "{}", replica.log_tail());
    assert_eq!(replica.info_field("replication", "master_link_status"), "down");
    // With a wrong one neither.
    replica.run("config set masterauth duck");
    replica
        .wait_log("Unable to AUTH to MASTER: -WRONGPASS invalid username-password pair or user is disabled.");
    replica.run("config set masterauth goose");
    wait_link_up(&replica);
    assert_eq!(replica.run("get name").to_string(), "\"jake\"");

    // A new password by command: connections that are there stay, new ones need it.
    assert_eq!(client.run("config set requirepass swan").to_string(), "OK");
    assert_eq!(client.run("get name").to_string(), "\"jake\"");
    let mut other = primary.client();
    assert_eq!(other.run("auth goose").to_string(), wrong);
    assert_eq!(other.run("auth swan").to_string(), "OK");
    assert_eq!(other.run("auth default swan").to_string(), "OK");
    replica.run("config set masterauth swan");
    client.run("client kill type replica");
    replica.wait_for("another connection", || replica.log_contains("Connection with master lost."));
    wait_link_up(&replica);
    client.run("set name jill");
    replica.wait_for("the new name", || replica.run("get name").to_string() == "\"jill\"");
    redis_cli_logs_in(&primary, "swan");
    assert_eq!(client.run("config set requirepass").to_string().split(' ').next(), Some("(error)"));
    assert_eq!(client.command(&["config", "set", "requirepass", ""]).expect("is answered").to_string(), "OK");
    assert_eq!(primary.run("get name").to_string(), "\"jill\"");
    replica.kill();
}

/// `redis-cli -a PASSWORD`, where redis-cli is installed.
fn redis_cli_logs_in(primary: &Server, password: &str) {
    let port = primary.port().to_string();
    let cli = |password: &str| {
        let mut cli = Command::new("redis-cli");
        let output = cli.args(["-h", "127.0.0.1", "-p", &port, "-a", password, "get", "name"]).output();
        output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let Ok(answer) = cli(password) else {
        assert!(!has_redis("redis-cli -a"), "redis-cli comes with redis-server");
        return;
    };
    assert_eq!(answer, "jill\n");
    assert_eq!(cli("wrong").expect("is there"), "NOAUTH Authentication required.\n\n");
}

#[test]
fn passwords_greylag_to_greylag() {
    passwords(Greylag, Greylag);
}

#[test]
fn passwords_with_redis_on_either_side() {
    if has_redis("passwords_with_redis_on_either_side") {
        passwords(Redis, Greylag);
        passwords(Greylag, Redis);
    }
}

/// masterauth and masteruser in the replica's file.
#[test]
fn password_in_both_files() {
    let conf = format!("{PRIMARY_CONF}requirepass \"wild goose\"\n");
    let primary = Server::greylag().bare().config("primary.conf", &conf).start();
    let conf = REPLICA_CONF.replace("PRIMARY", &primary.port().to_string());
    for user in ["", "masteruser default\n"] {
        let conf = format!("{conf}masterauth \"wild goose\"\n{user}");
        let replica = Server::greylag().bare().config("replica.conf", &conf).start();
        wait_link_up(&replica);
    }
}

/// What the replica was told last counts: REPLICAOF elsewhere, while the first primary still serves.
#[test]
fn from_one_primary_to_another() {
    let (one, two, replica) =
        (Server::greylag().start(), Server::greylag().start(), Server::greylag().start());
    one.run("set name jake");
    two.run("set name jill");
    follow(&replica, one.port());
    wait_link_up(&replica);
    assert_eq!(replica.run("get name").to_string(), "\"jake\"");
    follow(&replica, two.port());
    replica.wait_for("the other name", || replica.run("get name").to_string() == "\"jill\"");
    wait_equal(&[&two, &replica]);
    one.wait_for("the replica is gone", || one.info_field("replication", "connected_slaves") == "0");
}
