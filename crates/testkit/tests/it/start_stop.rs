//! Starts that fail say why and exit with 1; a server that stops saves as it should; a dump file that can't be read
//! is left as it is.

use std::net::TcpListener;
use testkit::process::Kind::{self, Greylag, Redis};
use testkit::process::{Server, free_port, has_redis};
use testkit::rdb::RdbText;

fn kinds(test: &str) -> Vec<Kind> {
    if has_redis(test) { vec![Redis, Greylag] } else { vec![Greylag] }
}

/// A file, and what a start with it prints. The version in the first line is each server's own.
const FILES: &[(&str, &str)] = &[
    (
        "# comment\nport 7777\nprot 7000\n",
        "Reading the configuration file, at line 3\n>>> 'prot 7000'\nBad directive or wrong number of arguments\n",
    ),
    ("\n\n\nport\n", "Reading the configuration file, at line 4\n>>> 'port'\nwrong number of arguments\n"),
    (
        "port abc\n",
        "Reading the configuration file, at line 1\n>>> 'port abc'\nargument couldn't be parsed into an integer\n",
    ),
    (
        "port 70000\n",
        "Reading the configuration file, at line 1\n>>> 'port 70000'\nargument must be between 0 and 65535 inclusive\n",
    ),
    (
        "daemonize maybe\n",
        "Reading the configuration file, at line 1\n>>> 'daemonize maybe'\nargument must be 'yes' or 'no'\n",
    ),
    (
        "loglevel loud\n",
        "Reading the configuration file, at line 1\n>>> 'loglevel loud'\nmust be one of the following: debug, verbose, notice, warning\n",
    ),
    (
        "save \"a b\n",
        "Reading the configuration file, at line 1\n>>> 'save \"a b'\nUnbalanced quotes in configuration line\n",
    ),
    (
        "save abc 1\n",
        "Reading the configuration file, at line 1\n>>> 'save abc 1'\nInvalid save parameters\n",
    ),
    (
        "slaveof 127.0.0.1\n",
        "Reading the configuration file, at line 1\n>>> 'slaveof 127.0.0.1'\nwrong number of arguments\n",
    ),
    (
        "slaveof 127.0.0.1 abc\n",
        "Reading the configuration file, at line 1\n>>> 'slaveof 127.0.0.1 abc'\nInvalid master port\n",
    ),
    (
        "maxmemory-policy nonsense\n",
        "Reading the configuration file, at line 1\n>>> 'maxmemory-policy nonsense'\nmust be one of the following: volatile-lru, ",
    ),
    (
        "repl-backlog-size abc\n",
        "Reading the configuration file, at line 1\n>>> 'repl-backlog-size abc'\nargument must be a memory value\n",
    ),
    (
        "dir {dir}/none\n",
        "Reading the configuration file, at line 1\n>>> 'dir {dir}/none'\nNo such file or directory\n",
    ),
    (
        "dir {dir}/bad.conf\n",
        "Reading the configuration file, at line 1\n>>> 'dir {dir}/bad.conf'\nNot a directory\n",
    ),
    (
        "include {dir}/none.conf\n",
        "Fatal error, can't open config file '{dir}/none.conf': No such file or directory",
    ),
    ("logfile {dir}\n", "Can't open the log file: Is a directory"),
];

#[test]
fn a_wrong_file_stops_the_start() {
    for kind in kinds("a_wrong_file_stops_the_start") {
        for (file, expected) in FILES {
            let (status, server) = Server::of(kind).bare().config("bad.conf", file).run_to_end_in_dir();
            let expected = expected.replace("{dir}", &server.dir().to_string_lossy());
            for line in expected.lines() {
                assert!(server.log_contains(line), "{kind:?} {file}\n{expected}\n{}", server.log());
            }
            if expected.starts_with("Reading") {
                assert!(server.log_contains("*** FATAL CONFIG FILE ERROR (Redis 7."), "{}", server.log());
            }
            assert_eq!(status.code(), Some(1), "{kind:?} {file}");
        }
    }
}

#[test]
fn a_missing_file_stops_the_start() {
    for kind in kinds("a_missing_file_stops_the_start") {
        let (status, server) = Server::of(kind).bare().arg("{dir}/none.conf").run_to_end_in_dir();
        let path = server.dir().join("none.conf");
        let line =
            format!("Fatal error, can't open config file '{}': No such file or directory", path.display());
        assert!(server.log_contains(&line), "{kind:?} {}", server.log());
        assert_eq!(status.code(), Some(1));
    }
}

/// Arguments are lines of a file too.
#[test]
fn a_wrong_argument_stops_the_start() {
    for kind in kinds("a_wrong_argument_stops_the_start") {
        for (args, expected) in [
            ("--prot 7000", "Bad directive or wrong number of arguments"),
            ("--port abc", "argument couldn't be parsed into an integer"),
            ("--dir {dir}/none", "No such file or directory"),
        ] {
            let (status, output) = Server::of(kind).bare().args(args).run_to_end();
            assert!(output.contains(expected), "{kind:?} {args}: {output}");
            assert_eq!(status.code(), Some(1), "{kind:?} {args}");
        }
    }
}

/// What promises something that isn't built is refused, not accepted in silence.
#[test]
fn a_promise_that_is_not_kept_stops_the_start() {
    if Greylag.is_redis() {
        return;
    }
    for args in [
        "--appendonly yes",
        "--aclfile users.acl",
        "--maxmemory 100mb",
        "--tls-port 7000",
        "--cluster-enabled yes",
    ] {
        let (status, output) = Server::greylag().args(args).run_to_end();
        let name = args.trim_start_matches("--").split(' ').next().expect("has a name");
        assert!(output.contains(&format!("'{name}' is refused")), "{args}: {output}");
        assert_eq!(status.code(), Some(1), "{args}");
    }
}

#[test]
fn a_port_in_use_stops_the_start() {
    for kind in kinds("a_port_in_use_stops_the_start") {
        let port = free_port();
        let _taken = TcpListener::bind(("127.0.0.1", port)).expect("is free");
        let (status, output) = Server::of(kind).port(port).run_to_end();
        let line = format!(
            "Could not create server TCP listening socket 127.0.0.1:{port}: bind: Address already in use"
        );
        assert!(output.contains(&line), "{kind:?} {output}");
        let line = format!("Failed listening on port {port} (tcp), aborting.");
        assert!(output.to_lowercase().contains(&line.to_lowercase()), "{kind:?} {output}");
        assert_eq!(status.code(), Some(1));
    }
}

#[test]
fn nowhere_to_listen_stops_the_start() {
    for kind in kinds("nowhere_to_listen_stops_the_start") {
        let (status, output) = Server::of(kind).bare().args("--port 0").run_to_end();
        assert!(output.contains("Configured to not listen anywhere, exiting."), "{kind:?} {output}");
        assert_eq!(status.code(), Some(1));
    }
}

/// Dump files that can't be loaded: name, bytes.
fn bad_dumps() -> Vec<(&'static str, Vec<u8>)> {
    let good = RdbText::new().select(0).string("key", "value").finish();
    let mut wrong_checksum = good.clone();
    *wrong_checksum.last_mut().expect("has bytes") ^= 1;
    let wrong_value = good.iter().map(|&byte| if byte == b'v' { b'w' } else { byte }).collect();
    vec![
        ("empty", Vec::new()),
        ("no dump at all", b"# a text file\nof two lines\n".to_vec()),
        ("cut in a value", good[..good.len() - 12].to_vec()),
        ("cut in the checksum", good[..good.len() - 3].to_vec()),
        ("of a wrong checksum", wrong_checksum),
        ("of a wrong value", wrong_value),
        ("of an unknown type", RdbText::new().select(0).raw(&[199, 1, b'k', 1, b'v']).finish()),
        (
            "of a huge length",
            RdbText::new().select(0).raw(&[0, 0x81, 0x7f, 255, 255, 255, 255, 255, 255, 255]).unfinished(),
        ),
        ("of the far future", b"REDIS9999\xff".to_vec()),
    ]
}

/// The start stops, says which file and where, and leaves it alone.
#[test]
fn a_corrupt_dump_stops_the_start() {
    for (name, bytes) in bad_dumps() {
        let (status, server) = Server::greylag().file("dump.rdb", &bytes).run_to_end_in_dir();
        assert_eq!(status.code(), Some(1), "{name}: {}", server.log());
        let left = std::fs::read(server.dir().join("dump.rdb")).expect("is still there");
        assert!(left == bytes, "{name}: the file was changed");
        if !Greylag.is_redis() {
            let says_where =
                server.log().lines().any(|line| line.contains("dump.rdb") && line.contains("offset "));
            assert!(says_where, "{name}: {}", server.log());
        }
    }
}

/// What redis-server has written is loaded, and the other way round, with times to live.
#[test]
fn dumps_are_loaded_by_either() {
    if !has_redis("dumps_are_loaded_by_either") {
        return;
    }
    for (writer, reader) in [(Redis, Greylag), (Greylag, Redis), (Greylag, Greylag)] {
        let server = Server::of(writer).start();
        let long = "compressible ".repeat(100);
        for line in ["SET int 12345", "SET text hello", "SET timed 1 EX 10000", "SELECT 7", "SET other db"] {
            assert!(!server.run(line).is_error());
        }
        let mut client = server.client();
        client.command(&["SET", "long", &long]).expect("is answered");
        client.command(&[&b"SET"[..], b"bin\0\xff", &[0, 255, 13, 10]]).expect("is answered");
        assert_eq!(client.run("SAVE").to_string(), "OK");
        let dump = std::fs::read(server.dir().join("dump.rdb")).expect("is written");
        let loaded = Server::of(reader).file("dump.rdb", &dump).start();
        assert_eq!(loaded.run("DEBUG DIGEST"), server.run("DEBUG DIGEST"), "{writer:?} {reader:?}");
        assert_eq!(loaded.run("GET long").text(), long);
        assert!(9000 < loaded.run("TTL timed").int());
        assert!(loaded.log_contains("DB loaded from disk"), "{}", loaded.log_tail());
    }
}

/// SIGTERM saves where there are save points, and ends with 0.
#[test]
fn sigterm_saves() {
    for kind in kinds("sigterm_saves") {
        let mut server = Server::of(kind).arg("--save").arg("3600 1000").start();
        server.run("SET a 1");
        let status = server.terminate();
        assert_eq!(status.code(), Some(0), "{kind:?} {}", server.log_tail());
        for line in [
            "Received SIGTERM scheduling shutdown...",
            "User requested shutdown...",
            "Saving the final RDB snapshot before exiting.",
            "DB saved on disk",
        ] {
            assert!(server.log_contains(line), "{kind:?}: no {line:?} in {}", server.log_tail());
        }
        server.start_again();
        assert_eq!(server.run("GET a").to_string(), "\"1\"");
        server.run("SET a 2");
        let _ = server.client().command(&["SHUTDOWN", "NOSAVE"]);
        assert_eq!(server.wait_exit().code(), Some(0));
        server.start_again();
        assert_eq!(server.run("GET a").to_string(), "\"1\"");
        // And kill -9 leaves the last dump.
        server.run("SET a 3");
        server.kill();
        server.start_again();
        assert_eq!(server.run("GET a").to_string(), "\"1\"");
    }
}

#[test]
fn without_save_points_nothing_is_saved() {
    for kind in kinds("without_save_points_nothing_is_saved") {
        let mut server = Server::of(kind).start();
        server.run("SET a 1");
        assert_eq!(server.terminate().code(), Some(0), "{kind:?}");
        assert!(!server.dir().join("dump.rdb").exists(), "{kind:?}");
    }
}

/// The dump can't be written: a directory is in its place. Commands say so, writes are refused as long as it lasts,
/// SHUTDOWN does not lose the data.
#[test]
fn a_dump_that_can_not_be_written() {
    for kind in kinds("a_dump_that_can_not_be_written") {
        let mut server = Server::of(kind).arg("--save").arg("3600 1000000").start();
        let place = server.dir().join("dump.rdb");
        std::fs::create_dir_all(place.join("occupied")).expect("can be made");
        assert_eq!(server.run("SET a 1").to_string(), "OK");
        assert!(server.run("SAVE").is_error(), "{kind:?}");
        server.run("BGSAVE");
        server.wait_for("the failed save", || {
            server.info_field("persistence", "rdb_last_bgsave_status") == "err"
        });
        let misconf = server.run("SET a 2").to_string();
        assert!(misconf.starts_with("(error) MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk."), "{kind:?} {misconf}");
        assert_eq!(server.run("GET a").to_string(), "\"1\"");
        let refused = server.run("SHUTDOWN").to_string();
        assert_eq!(refused, "(error) ERR Errors trying to SHUTDOWN. Check logs.", "{kind:?}");
        assert_eq!(server.run("GET a").to_string(), "\"1\"");
        std::fs::remove_dir_all(&place).expect("can be removed");
        server.run("BGSAVE");
        server.wait_for("the save", || server.info_field("persistence", "rdb_last_bgsave_status") == "ok");
        server.wait_for("writes", || server.run("SET a 3").to_string() == "OK");
        assert_eq!(server.terminate().code(), Some(0));
        server.start_again();
        assert_eq!(server.run("GET a").to_string(), "\"3\"");
    }
}

/// A save point that comes due saves by itself.
#[test]
fn save_points_save() {
    for kind in kinds("save_points_save") {
        let server = Server::of(kind).arg("--save").arg("1 5").start();
        for n in 0..6 {
            server.run(&format!("SET key:{n} x"));
        }
        server.wait_log("changes in 1 seconds. Saving...");
        server.wait_log("Background saving terminated with success");
        server.wait_for("no changes are left", || {
            server.info_field("persistence", "rdb_changes_since_last_save") == "0"
        });
        assert!(server.dir().join("dump.rdb").exists());
    }
}
