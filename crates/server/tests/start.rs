//! The process: its command line, its log, where it listens, how it starts, fails to start, and ends.

mod support;

use std::io::Write;
use std::net::{Ipv6Addr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::process::{Command, Stdio};
use support::{Client, DEADLINE, Dir, Server, binary, free_port, request, run, wait_until};

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Runs a start that must fail; gives what it said, on either stream.
fn fails(args: &[&str]) -> String {
    let output = run(args, "");
    assert_eq!(output.status.code(), Some(1), "{args:?}: {output:?}");
    text(&output.stdout) + &text(&output.stderr)
}

#[test]
fn what_only_prints() {
    for flag in ["-v", "--version"] {
        let output = run(&[flag], "");
        assert_eq!(output.status.code(), Some(0));
        let said = text(&output.stdout);
        assert!(said.starts_with("Greylag server v=") && said.contains("redis_version=7.2.4"), "{said}");
    }
    for flag in ["-h", "--help"] {
        let said = text(&run(&[flag], "").stdout);
        assert!(said.contains("--replicaof 127.0.0.1 8888"), "{said}");
    }
    let said = text(&run(&["--check-system"], "").stdout);
    assert!(said.contains("[overcommit]..."), "{said}");
    assert!(fails(&["--test-memory", "10"]).contains("no memory test"));
    assert!(fails(&["--sentinel"]).contains("Sentinel mode is refused"));
}

#[test]
fn a_bad_configuration_stops_the_start() {
    let dir = Dir::new();
    let file = dir.write("a.conf", "port 1\n\nbogus 3\n");
    let said = fails(&[file.to_str().expect("is text")]);
    assert_eq!(
        said,
        "\n*** FATAL CONFIG FILE ERROR (Redis 7.2.4) ***\nReading the configuration file, at line 3\n>>> 'bogus 3'\nBad directive or wrong number of arguments\n"
    );
    let said = fails(&["/nonexistent.conf"]);
    assert!(
        said.contains(":C ")
            && said.ends_with(
                " # Fatal error, can't open config file '/nonexistent.conf': No such file or directory\n"
            ),
        "{said}"
    );
    let said = fails(&["--logfile", "/nonexistent/log"]);
    assert!(said.ends_with("***\nCan't open the log file: No such file or directory\n"), "{said}");
    let said = fails(&["--dir", file.to_str().expect("is text")]);
    assert!(said.ends_with("\nNot a directory\n"), "{said}");
    let said = fails(&["--port", "0"]);
    assert!(said.contains(" # Configured to not listen anywhere, exiting."), "{said}");
    let output = run(&["-", "--hz", "7"], "hz 9\nbogus 1\n");
    assert!(text(&output.stderr).contains("at line 2\n>>> 'bogus 1'\n"), "{output:?}");
}

#[test]
fn a_port_in_use_is_said_and_ends_the_start() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("has an address").port().to_string();
    let said = fails(&["--port", &port, "--bind", "127.0.0.1"]);
    let warning = format!(
        " # Warning: Could not create server TCP listening socket 127.0.0.1:{port}: bind: Address already in use\n"
    );
    assert!(said.contains(&warning), "{said}");
    assert!(said.ends_with(&format!(" # Failed listening on port {port} (tcp), aborting.\n")), "{said}");
    let said = fails(&["--port", "0", "--unixsocket", "/nonexistent/socket"]);
    assert!(said.contains(" # Failed opening Unix socket: bind: No such file or directory"), "{said}");
}

#[test]
fn a_broken_dump_ends_the_start_and_stays() {
    let dir = Dir::new();
    let broken = b"REDIS0010 and then no sense";
    std::fs::write(dir.file("dump.rdb"), broken).expect("is written");
    let port = free_port().to_string();
    let said = fails(&["--port", &port, "--bind", "127.0.0.1", "--dir", dir.path()]);
    assert!(said.lines().last().expect("a line").contains(" # Fatal error loading the DB"), "{said}");
    assert_eq!(std::fs::read(dir.file("dump.rdb")).expect("is there"), broken);
}

/// `pid:role day month year hours:minutes:seconds.milliseconds level message`
#[test]
fn the_log_has_its_form_and_the_process_its_pid() {
    let mut server = Server::start(&["--always-show-logo", "yes"]);
    server.wait_log("Ready to accept connections");
    server.signal("TERM");
    assert_eq!(server.wait_exit(), Some(0));
    let log = server.log();
    let pid = server.pid();
    for line in
        ["Running in standalone mode".to_string(), format!("Port: {}", server.port), format!("PID: {pid}")]
    {
        assert!(log.contains(&line), "{line} in {log}");
    }
    let events = [
        ('C', '*', "oO0OoO0OoO0Oo Greylag is starting oO0OoO0OoO0Oo"),
        ('C', '*', "Configuration loaded"),
        ('M', '*', "Server initialized"),
        ('M', '*', "Ready to accept connections"),
        ('M', '#', "Greylag is now ready to exit, bye bye..."),
    ];
    for (role, level, message) in events {
        let line =
            log.lines().find(|line| line.ends_with(message)).unwrap_or_else(|| panic!("{message}: {log}"));
        let head = line.strip_prefix(&format!("{pid}:{role} ")).unwrap_or_else(|| panic!("{line}"));
        let words: Vec<&str> = head.splitn(6, ' ').collect();
        let [day, month, year, time, mark, rest] = words[..] else { panic!("{line}") };
        assert!(day.len() == 2 && month.len() == 3 && year.len() == 4, "{line}");
        let shape: String = time.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
        assert_eq!(
            (shape.as_str(), mark, rest),
            ("00:00:00.000", level.to_string().as_str(), message),
            "{line}"
        );
    }
    let signal = log.lines().find(|line| line.contains("Received SIGTERM")).expect("is logged");
    assert!(signal.starts_with(&format!("{pid}:signal-handler (")), "{signal}");
}

#[test]
fn a_relative_log_is_in_the_directory() {
    let dir = Dir::new();
    std::fs::create_dir(dir.file("data")).expect("is made");
    let data = dir.file("data");
    let server = Server::start_in(dir, &["--dir", data.to_str().expect("is text"), "--logfile", "rel.log"]);
    wait_until("the log", || {
        std::fs::read_to_string(data.join("rel.log")).is_ok_and(|log| log.contains("Ready to"))
    });
    // Moved away, it goes on in a new file.
    std::fs::rename(data.join("rel.log"), data.join("old.log")).expect("is moved");
    server.signal("TERM");
    wait_until("a new log", || {
        std::fs::read_to_string(data.join("rel.log")).is_ok_and(|log| log.contains("bye bye"))
    });
}

/// The command lines of people who have redis-server work under its name.
#[test]
fn as_redis_server_with_a_file() {
    let dir = Dir::new();
    let port = free_port();
    let link = dir.file("redis-server");
    std::os::unix::fs::symlink(binary(), &link).expect("is linked");
    let conf = format!(
        "bind 127.0.0.1\nport {port}\ndaemonize no\ndir {}\n# logfile other.log\nlogfile mine.log\nsave \"\"\n",
        dir.path()
    );
    let file = dir.write("redis-master.conf", &conf);
    let child = Command::new(&link).arg(&file).args(["--slowlog-max-len", "5"]).stdout(Stdio::null()).spawn();
    let mut server = Server { child: child.expect("starts"), port, dir };
    wait_until("the start", || server.dir.read("mine.log").contains("Ready to accept connections"));
    assert_eq!(server.connect().ask(&["PING"]), "+PONG");
    server.signal("INT");
    assert_eq!(server.wait_exit(), Some(0));
}

#[test]
fn sighup_changes_nothing_and_sigterm_saves() {
    let mut server = Server::start(&["--save", "900 1"]);
    let mut client = server.connect();
    assert_eq!(client.ask(&["SET", "k", "v"]), "+OK");
    server.signal("HUP");
    assert_eq!(client.ask(&["GET", "k"]), "v");
    server.signal("TERM");
    assert_eq!(server.wait_exit(), Some(0));
    assert!(server.log().contains("Saving the final RDB snapshot before exiting."));
    let dir = std::mem::replace(&mut server.dir, Dir::new());
    std::fs::remove_file(dir.file("log")).expect("the first run's log");
    let server = Server::start_in(dir, &["--save", "900 1"]);
    server.wait_log("Ready to accept");
    assert_eq!(server.connect().ask(&["GET", "k"]), "v");
}

#[test]
fn a_second_sigint_does_not_wait() {
    let mut server = Server::start(&["--save", "900 1", "--rdb-key-save-delay", "100000000"]);
    assert_eq!(server.connect().ask(&["SET", "k", "v"]), "+OK");
    server.signal("INT");
    server.wait_log("Saving the final RDB snapshot");
    server.signal("INT");
    assert_eq!(server.wait_exit(), Some(1));
    assert!(server.log().contains("You insist... exiting now."));
    assert!(!server.dir.file("dump.rdb").exists());
}

/// A process that is nobody's child any more: killed at the latest when the test fails.
struct Daemon(u32);

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-s", "KILL", &self.0.to_string()]).stderr(Stdio::null()).status();
    }
}

#[test]
fn in_the_background() {
    let dir = Dir::new();
    let port = free_port();
    let pidfile = dir.file("server.pid");
    let args =
        ["--daemonize", "yes", "--bind", "127.0.0.1", "--save", "", "--dir", dir.path(), "--logfile", "log"];
    let output = run(
        &[&args[..], &["--port", &port.to_string(), "--pidfile", pidfile.to_str().expect("is text")]]
            .concat(),
        "",
    );
    assert_eq!(output.status.code(), Some(0));
    wait_until("the start", || dir.read("log").contains("Ready to accept"));
    let pid = dir.read("server.pid").trim().parse::<u32>().expect("a pid");
    let _daemon = Daemon(pid);
    assert!(
        dir.read("log").contains(&format!("{pid}:M ")) && dir.read("log").contains(&format!("pid={pid}"))
    );
    let mut client = Client::new(TcpStream::connect(("127.0.0.1", port)).expect("connects"));
    assert_eq!(client.ask(&["PING"]), "+PONG");
    let killed = Command::new("kill").args(["-s", "TERM", &pid.to_string()]).status().expect("kill runs");
    assert!(killed.success());
    assert!(client.rest().is_empty());
    wait_until("the end", || dir.read("log").contains("bye bye"));
    wait_until("the pid file's removal", || !pidfile.exists());
}

#[test]
fn several_addresses_and_a_unix_socket() {
    let dir = Dir::new();
    let socket = dir.file("socket");
    let has_ipv6 = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok();
    let path = socket.to_str().expect("is text").to_string();
    let server = Server::start_in(
        dir,
        &[
            "--bind",
            "127.0.0.1",
            "127.0.0.2",
            "-::1",
            "-192.0.2.1",
            "--unixsocket",
            &path,
            "--unixsocketperm",
            "700",
        ],
    );
    for address in ["127.0.0.1", "127.0.0.2"] {
        let stream = TcpStream::connect((address, server.port)).expect("connects");
        assert_eq!(Client::new(stream).ask(&["PING"]), "+PONG");
    }
    if has_ipv6 {
        let stream = TcpStream::connect((Ipv6Addr::LOCALHOST, server.port)).expect("connects");
        assert_eq!(Client::new(stream).ask(&["PING"]), "+PONG");
    }
    assert!(server.log().contains("listening socket 192.0.2.1:"), "what may be missing is said to be");
    let mode = std::fs::metadata(&socket).expect("is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    let mut stream = UnixStream::connect(&socket).expect("connects");
    stream.write_all(&request(&[b"ECHO", b"hello"])).expect("is sent");
    let mut reply = [0; 11];
    std::io::Read::read_exact(&mut stream, &mut reply).expect("a reply");
    assert_eq!(&reply, b"$5\r\nhello\r\n");
    server.signal("TERM");
    wait_until("the socket's removal", || !socket.exists());
}

#[test]
fn systemd_is_told() {
    let dir = Dir::new();
    let path = dir.file("notify");
    let socket = UnixDatagram::bind(&path).expect("binds");
    socket.set_read_timeout(Some(DEADLINE)).expect("is set");
    let port = free_port();
    let mut command = Command::new(binary());
    command.args(["--supervised", "auto", "--daemonize", "yes", "--save", "", "--logfile", "log"]);
    command.args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--dir", dir.path()]);
    let child = command.env("NOTIFY_SOCKET", &path).env_remove("UPSTART_JOB").stdout(Stdio::null()).spawn();
    let mut server = Server { child: child.expect("starts"), port, dir };
    let receive = || {
        let mut buffer = [0; 1000];
        let n = socket.recv(&mut buffer).expect("a message comes");
        text(&buffer[..n])
    };
    assert_eq!(receive(), "STATUS=Redis is loading...\n");
    assert_eq!(receive(), "STATUS=Ready to accept connections\nREADY=1\n");
    assert_eq!(server.connect().ask(&["PING"]), "+PONG");
    // It did not go to the background, where systemd would lose it.
    server.signal("TERM");
    assert_eq!(receive(), "STOPPING=1\n");
    assert_eq!(server.wait_exit(), Some(0));
}

/// A file that never ends: the server listens meanwhile, says so, and can be stopped at once, by either signal and by
/// any SHUTDOWN; nothing is saved over the file that is being read.
#[test]
fn while_it_loads() {
    for stop in ["TERM", "INT", "SHUTDOWN", "SHUTDOWN SAVE", "SHUTDOWN NOW FORCE"] {
        let dir = Dir::new();
        let fifo = dir.file("dump.rdb");
        assert!(Command::new("mkfifo").arg(&fifo).status().expect("mkfifo runs").success());
        let mut server = Server::start_in(dir, &["--save", "900 1", "--pidfile", "pid"]);
        let mut client = server.connect();
        assert_eq!(client.ask(&["GET", "k"]), "-LOADING Redis is loading the dataset in memory");
        assert_eq!(client.ask(&["PING"]), "-LOADING Redis is loading the dataset in memory");
        assert_eq!(client.ask(&["ECHO", "x"]), "x");
        assert_eq!(client.ask(&["SHUTDOWN", "ABORT"]), "-ERR No shutdown in progress.");
        assert!(server.dir.file("pid").exists());
        match stop.strip_prefix("SHUTDOWN") {
            Some(_) => client.send(format!("{stop}\r\n").as_bytes()),
            None => server.signal(stop),
        }
        assert_eq!(server.wait_exit(), Some(0), "{stop}");
        let log = server.log();
        assert!(!log.contains("Saving the final RDB"), "{stop}: {log}");
        assert!(log.contains("ready to exit, bye bye..."), "{stop}: {log}");
        let told = log.contains("Received shutdown signal during loading, scheduling shutdown.");
        assert_eq!(told, !stop.starts_with("SHUTDOWN"), "{stop}: {log}");
        assert!(!server.dir.file("pid").exists(), "{stop}");
    }
}

#[test]
fn the_limit_of_open_files_follows_maxclients() {
    let dir = Dir::new();
    let port = free_port();
    let line = format!(
        "ulimit -n 100; exec '{}' --port {port} --bind 127.0.0.1 --save '' --dir '{}' --logfile log --maxclients 400",
        binary().display(),
        dir.path()
    );
    let child = Command::new("sh").args(["-c", &line]).stdout(Stdio::null()).spawn();
    let server = Server { child: child.expect("starts"), port, dir };
    server.wait_log("Ready to accept");
    let log = server.log();
    let raised = "Increased maximum number of open files to 432 (it was originally set to 100).";
    let reduced =
        "Current maximum open files is 100. maxclients has been reduced to 68 to compensate for low ulimit.";
    assert!(log.contains(raised) || log.contains(reduced), "{log}");
}

#[test]
fn renamed_and_disabled_commands() {
    let long = "b840fc02d524045429941cc15f59e41cb7be6c52";
    let server = Server::start(&[
        "--rename-command",
        "GET",
        long,
        "--rename-command",
        "set",
        "put",
        "--rename-command",
        "ECHO",
        "",
    ]);
    let mut client = server.connect();
    assert_eq!(client.ask(&["Put", "k", "v"]), "+OK");
    assert_eq!(client.ask(&[long, "k"]), "v");
    assert_eq!(client.ask(&[&long.to_uppercase(), "k"]), "v");
    for gone in [&["GET", "k"][..], &["SET", "k", "v"], &["ECHO", "k"]] {
        assert!(client.ask(gone).starts_with(&format!("-ERR unknown command '{}'", gone[0])));
    }
}
