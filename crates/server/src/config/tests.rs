//! The directives against what redis-server was seen to do with them, and the grammar of redis.conf.

use super::*;
use std::collections::BTreeMap;

const DEFAULTS: &str = include_str!("../../tests/data/redis-7.2.4-config-defaults.json");
const SET: &str = include_str!("../../tests/data/redis-7.0.15-config-set.txt");

/// Defaults that differ from redis 7.2.4's, and why.
const OTHER_DEFAULTS: &[(&str, &str)] = &[
    ("io-threads", "each runs commands; the default is the number of cores, at most 8"),
    (
        "repl-diskless-sync",
        "a full sync goes by disk where nothing else is said, as its users know the log lines",
    ),
    ("port", "the reference was taken from a server on another port"),
    ("save", "the reference was taken from a server with --save ''"),
];

/// Directives of our own.
const OWN: &[&str] = &["replica-refuse-empty-primary"];

#[test]
fn the_directives_of_redis_are_known_with_their_defaults() {
    let config = Config::default();
    let all = config.get(&[b"*"]).into_iter();
    let ours: BTreeMap<String, String> =
        all.map(|(name, row)| (String::from_utf8_lossy(name).into_owned(), (row.get)(&config))).collect();
    let mut known = 0;
    for line in DEFAULTS.lines().filter(|line| line.starts_with('"')) {
        let mut quoted = line.split('"').skip(1).step_by(2);
        let (name, value) = (quoted.next().expect("a name"), quoted.next().expect("a value"));
        let our = ours.get(name).unwrap_or_else(|| panic!("{name} is not known"));
        let differs = OTHER_DEFAULTS.iter().any(|(other, _)| *other == name);
        assert!(differs || our == value, "{name}: {our} instead of {value}");
        known += 1;
    }
    assert_eq!(ours.len(), known + OWN.len(), "no others are shown");
    assert!(OWN.iter().all(|name| ours.contains_key(*name)));
    for hidden in [
        "key-load-delay",
        "rdb-key-save-delay",
        "loading-process-events-interval-bytes",
        "watchdog-period",
        "aof-disable-auto-gc",
    ] {
        assert!(!ours.contains_key(hidden) && config.get(&[hidden.as_bytes()]).len() == 1, "{hidden}");
    }
}

/// Directives whose answers differ from 7.0.15's on purpose: 7.2 changed them, or they are refused here.
const OTHER_ANSWERS: &[(&str, &str)] = &[
    ("appendonly", "refused: there is no append-only file yet"),
    ("bind", "whether an address can be listened on shows when the setting is applied"),
    ("dir", "whether there is such a directory shows when the setting is applied"),
    ("cluster-link-sendbuf-limit", "sizes end at 2^63 here"),
];

#[test]
fn a_name_comes_back_as_it_was_given_and_once() {
    let config = Config::default();
    let names = |patterns: &[&'static str]| -> Vec<String> {
        let patterns: Vec<&[u8]> = patterns.iter().map(|pattern| pattern.as_bytes()).collect();
        config.get(&patterns).iter().map(|(name, _)| String::from_utf8_lossy(name).into_owned()).collect()
    };
    assert_eq!(names(&["MaxClients", "port", "PORT", "nosuch"]), ["MaxClients", "port"]);
    assert_eq!(names(&["SLAVEOF", "repl*of", "*slaveof"]), ["SLAVEOF", "replicaof"]);
    assert_eq!(names(&["[k]ey-load-delay", "key-load-delay"]), ["key-load-delay"]);
}

#[test]
fn config_set_answers_as_redis_does() {
    let mut wrong = Vec::new();
    for line in SET.lines().filter(|line| !line.starts_with('#')) {
        let mut parts = line.splitn(3, '|');
        let [name, value, expected] = std::array::from_fn(|_| parts.next().expect("three parts"));
        if OTHER_ANSWERS.iter().any(|(other, _)| *other == name) {
            continue;
        }
        let got = match Config::default().set(&[(name.as_bytes(), value.as_bytes())]) {
            Ok((config, _)) => format!("={}", (find(name.as_bytes()).expect("is known").get)(&config)),
            Err(SetError::Failed { why, .. }) => format!("!{why}"),
            Err(error) => error.to_string(),
        };
        if got != expected {
            wrong.push(format!("{name} {value:?}: {got}\n    redis: {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{} answers differ:\n{}", wrong.len(), wrong.join("\n"));
}

const RICH: &str = r#"# A rich file

   # an indented comment
PORT 7000
include NOWHERE*.conf
bind 127.0.0.1 -::1
save 900 1
# between the saves
save 300 10
timeout   0
maxmemory-policy noeviction
masteruser "us\"er"
slave-priority 50
client-output-buffer-limit normal 0 0 0
client-output-buffer-limit replica 512mb 128mb 60
rename-command FLUSHALL ""
repl-backlog-size 1048577
proto-max-bulk-len 1gb
notify-keyspace-events KEA
loglevel notice
requirepass ""
replicaof 10.0.0.1 6379
shutdown-on-sigterm save now
unixsocketperm 770
# the end"#;

#[test]
fn rewrite_keeps_what_it_can() {
    let config = read(RICH).expect("is read");
    let pairs: &[(&[u8], &[u8])] = &[
        (b"timeout", b"5"),
        (b"masterauth", b"a b\"c\\ \x01\n\t"),
        (b"save", b"10 20"),
        (b"slave-priority", b"100"),
        (b"maxmemory-samples", b"9"),
    ];
    let (mut config, _) = config.set(pairs).expect("is set");
    config.dir = "/".into();
    config.replicaof = ReplicaOf(None);
    let new = rewrite(RICH, &config);
    let expected = r#"# A rich file

   # an indented comment
port 7000
include NOWHERE*.conf
bind 127.0.0.1 -::1
save 10 20
# between the saves
timeout 5
maxmemory-policy noeviction
masteruser "us\"er"
replica-priority 100
client-output-buffer-limit normal 0 0 0
client-output-buffer-limit replica 512mb 128mb 60
client-output-buffer-limit pubsub 32mb 8mb 60
rename-command FLUSHALL ""
repl-backlog-size 1048577
proto-max-bulk-len 1gb
notify-keyspace-events "AKE"
loglevel notice
shutdown-on-sigterm save now
unixsocketperm 770
# the end
# Generated by CONFIG REWRITE
dir "/"
masterauth "a b\"c\\ \x01\n\t"
maxmemory-samples 9
"#;
    assert_eq!(new, expected);
    assert_eq!(read(&new).expect("is read"), config);
    assert_eq!(rewrite(&new, &config), new, "the second time nothing changes");
}

/// Whatever was set is read back from the rewritten file, alone or over another value there.
#[test]
fn every_directive_survives_a_rewrite() {
    let mut seen = 0;
    for line in SET.lines().filter(|line| !line.starts_with('#')) {
        let mut parts = line.splitn(3, '|');
        let [name, value, _] = std::array::from_fn(|_| parts.next().expect("three parts"));
        if name == "dir" {
            continue;
        }
        let Ok((mut config, _)) = Config::default().set(&[(name.as_bytes(), value.as_bytes())]) else {
            continue;
        };
        config.dir = "/".into();
        for old in [String::new(), format!("# x\n{name} old\n")] {
            assert_eq!(read(&rewrite(&old, &config)).expect("is read"), config, "{name} {value:?}");
        }
        seen += 1;
    }
    assert!(100 < seen);
}

#[test]
fn a_rewrite_is_whole_or_not_at_all() {
    let dir = Scratch::new();
    let path = dir.write("main.conf", "# mine\nport 7000\n");
    let link = dir.0.join("link.conf");
    std::os::unix::fs::symlink(&path, &link).expect("is linked");
    let config = Config { port: 7001, dir: "/".into(), ..Config::default() };
    rewrite_file(&link, &config).expect("is written");
    assert!(link.is_symlink());
    assert_eq!(
        std::fs::read_to_string(&path).expect("is there"),
        "# mine\nport 7001\n# Generated by CONFIG REWRITE\ndir \"/\"\n"
    );
    assert_eq!(std::fs::read_dir(&dir.0).expect("is read").count(), 2, "no temporary file stays");
    assert!(rewrite_file(&dir.0.join("absent/main.conf"), &config).is_err());
    rewrite_file(&dir.0.join("new.conf"), &config).expect("a missing file is made");
}

/// A directory for one test.
struct Scratch(std::path::PathBuf);

impl Scratch {
    fn new() -> Self {
        use std::sync::atomic::{AtomicU32, Ordering};
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("greylag-config-{}-{n}", std::process::id()));
        std::fs::create_dir_all(&path).expect("is made");
        Self(std::fs::canonicalize(path).expect("is there"))
    }

    fn write(&self, name: &str, text: &str) -> std::path::PathBuf {
        let path = self.0.join(name);
        std::fs::create_dir_all(path.parent().expect("has one")).expect("is made");
        std::fs::write(&path, text).expect("is written");
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn includes_are_read_where_they_stand_and_globs_in_order() {
    let dir = Scratch::new();
    dir.write("conf.d/b.conf", "hz 12\nport 2\n");
    dir.write("conf.d/a.conf", "hz 11\ntimeout 1\n");
    dir.write("conf.d/.hidden.conf", "nonsense\n");
    dir.write("conf.d/c.txt", "nonsense\n");
    dir.write("more/x/z.conf", "include ../../last.conf\n");
    dir.write("last.conf", "tcp-backlog 99");
    let at = dir.0.display();
    let config = read(&format!("port 1\ninclude {at}/conf.d/*.conf\nhz 13\n")).expect("is read");
    assert_eq!((config.port, config.timeout, config.hz), (2, 1, 13));
    // Relative paths follow `dir`.
    let config =
        read(&format!("dir {at}\ninclude conf.d/[ab].conf\ndir more/x\ninclude z.conf")).expect("is read");
    assert_eq!((config.hz, config.tcp_backlog, config.dir), (12, 99, format!("{at}/more/x")));
    let config =
        read(&format!("include {at}/*/x/?.conf\ndir {at}/more/x")).expect_err("is relative to the start");
    assert!(matches!(config, FileError::Open { .. }), "{config}");
    read(&format!("include {at}/none/*.conf\ninclude {at}/conf.d/q*\n"))
        .expect("nothing fits, which is fine");
    let missing = read(&format!("include {at}/none.conf")).expect_err("must be there").to_string();
    assert_eq!(
        missing,
        format!("Fatal error, can't open config file '{at}/none.conf': No such file or directory")
    );
    dir.write("loop.conf", &format!("include {at}/loop.conf\n"));
    let error = read(&format!("include {at}/loop.conf")).expect_err("ends").to_string();
    assert!(error.ends_with("includes are nested more than 16 deep\n"), "{error}");
    // The line is counted in the file that it stands in.
    dir.write("bad.conf", "# one\n\nport 1 2\n");
    let error = read(&format!("\n\n\n\ninclude {at}/bad.conf")).expect_err("is refused").to_string();
    assert!(error.ends_with("at line 3\n>>> 'port 1 2'\nwrong number of arguments\n"), "{error}");
}

#[test]
fn lines_of_redis_conf() {
    let same = |a: &str, b: &str| assert_eq!(read(a).expect("is read"), read(b).expect("is read"), "{a:?}");
    same("PORT 7000\r\n", "port 7000");
    same("\t port\t'7000' ", "port \"7000\"");
    same("# save 1 1\n\n   #x\nport 1", "port 1");
    same("save 1 2\nsave 3 4", "save 1 2 3 4");
    same("save \"\"\nsave 3 4", "save \"3 4\"");
    same("save 1 2\nsave \"\"", "save");
    same("save '1 2 3 4'", "save 1 2 3 4");
    same("bind \"127.0.0.1 ::1\"", "bind 127.0.0.1 ::1");
    same("replicaof no one", "");
    same("slaveof '10.0.0.1 6379'", "replicaof 10.0.0.1 6379");
    same("repl-backlog-size 1k", "repl-backlog-size 1000");
    same("repl-backlog-size 2KB", "repl-backlog-size 2048");
    same("repl-backlog-size 3m", "repl-backlog-size 3000000b");
    same("repl-backlog-size 1Gb", "repl-backlog-size 1073741824");
    same("client-output-buffer-limit slave 1 2 3", "client-output-buffer-limit replica 1 2 3");
    same(
        "client-output-buffer-limit \"normal 1 2 3 pubsub 4 5 6\"",
        "client-output-buffer-limit pubsub 4 5 6 normal 1 2 3",
    );
    let password = |line: &str| read(line).expect("is read").requirepass;
    assert_eq!(password(r#"requirepass "\x41\n\"\q""#), "A\n\"q");
    assert_eq!(password(r"requirepass '\n\''"), r"\n'");
    same("hz 501", "hz 500");
    same("latency-tracking-info-percentiles \"\"", "latency-tracking-info-percentiles");
    let refused = |line: &str, why: &str| {
        let error = read(line).expect_err("is refused").to_string();
        let expected = format!("Reading the configuration file, at line 1\n>>> '{line}'\n{why}\n");
        assert!(error.ends_with(&expected), "{error}");
    };
    const BAD: &str = "Bad directive or wrong number of arguments";
    refused("bogus 3", BAD);
    refused("include", BAD);
    refused("include a b", BAD);
    refused("user", BAD);
    refused("loadmodule", BAD);
    refused("rename-command GET", BAD);
    refused("rename-command NOSUCH x", "No such command in rename-command");
    refused("rename-command GET SET", "Target command name already exists");
    refused("port \"a", "Unbalanced quotes in configuration line");
    refused("port", "wrong number of arguments");
    refused("dir", "wrong number of arguments");
    refused("slaveof a b c", "wrong number of arguments");
    refused("replicaof \"\"", "wrong number of arguments");
    refused("replicaof a x", "Invalid master port");
    refused("notify-keyspace-events K E", "wrong number of arguments");
    refused("notify-keyspace-events \"K E\"", "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.");
    refused("maxmemory 1x", "argument must be a memory value");
    refused("maxmemory -1", "argument must be a memory value");
    refused("save 0 1", "Invalid save parameters");
    refused("bind a a a a a a a a a a a a a a a a a", "Too many bind addresses specified.");
    refused("unixsocketperm 999", "argument couldn't be parsed as an octal number");
    refused("unixsocketperm 1777", "argument must be between 0 and 777 inclusive");
    refused(
        "client-output-buffer-limit master 1 2 3",
        "Invalid client class specified in buffer limit configuration.",
    );
    refused(
        "client-output-buffer-limit normal 1 2 x",
        "Error in hard, soft or soft_seconds setting in buffer limit configuration.",
    );
    refused(
        "shutdown-on-sigterm save nosave",
        "shutdown options SAVE and NOSAVE can't be used simultaneously",
    );
    refused(
        "shutdown-on-sigterm",
        "argument(s) must be one of the following: default, save, nosave, now, force",
    );
    refused("dbfilename a/b", "dbfilename can't be a path, just a filename");
    refused("oom-score-adj-values 1 2", "wrong number of arguments");
    refused(
        "latency-tracking-info-percentiles 101",
        "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]",
    );
    refused("proc-title-template \"{x}\"", "template format is invalid or contains unknown variables");
    refused(
        "cluster-announce-hostname _x",
        "Hostnames may only contain alphanumeric characters, hyphens or dots",
    );
    refused("tls-port 7", "'tls-port' is refused: this version does not have TLS yet");
    refused("aclfile x", "'aclfile' is refused: this version does not have access control lists yet");
    refused("user x on", "'user' is refused: this version does not have access control lists yet");
    refused("maxmemory 1gb", "'maxmemory' is refused: this version does not have a memory limit yet");
}

#[test]
fn what_has_no_effect_yet_is_warned_of() {
    assert!(Config::default().warnings().is_empty());
    let config = read("activerehashing no\nport 1\nacllog-max-len 128").expect("is read");
    assert_eq!(
        config.warnings(),
        ["WARNING: the directive 'activerehashing' is accepted, but has no effect yet."]
    );
}
