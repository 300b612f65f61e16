//! A server as a process: started by a builder, in a directory of its own, ready when it says so, gone with its
//! handle.

use crate::client::Client;
use crate::guard;
use crate::log::{self, Line};
use crate::value::Value;
use crate::wait::{self, DEADLINE};
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Greylag,
    Redis,
}

/// A server that lives longer is killed.
const LIFE_LIMIT: Duration = Duration::from_secs(240);
/// Attempts at a port that somebody else took between our look and the server's bind.
const PORT_TRIES: usize = 20;
/// How much of a log a failure shows.
const SHOWN_LINES: usize = 60;

impl Kind {
    /// The program to run.
    pub fn program(self) -> PathBuf {
        match self {
            Kind::Redis => PathBuf::from("redis-server"),
            Kind::Greylag => greylag_program().clone(),
        }
    }

    /// Whether it is redis-server. `$GREYLAG_SERVER` may name one, so that the tests can be tested.
    pub fn is_redis(self) -> bool {
        self == Kind::Redis || stands_in()
    }
}

/// Whether Debian's redis-server is there. Says so if it isn't: the caller then skips its test.
pub fn has_redis(test: &str) -> bool {
    static FOUND: OnceLock<bool> = OnceLock::new();
    let found = *FOUND.get_or_init(|| {
        let tried = Command::new("redis-server").arg("--version").stdout(Stdio::null()).status();
        tried.is_ok_and(|status| status.success())
    });
    if !found {
        // Past the capturing of tests' output, which would hide it.
        let _ = writeln!(
            std::io::stderr(),
            "skipped: what {test} does with redis-server, which is not installed"
        );
    }
    found
}

/// The binary to be tested: `$GREYLAG_SERVER`, or the one of this build, brought up to date first.
fn greylag_program() -> &'static PathBuf {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        if let Some(path) = std::env::var_os("GREYLAG_SERVER") {
            return PathBuf::from(path);
        }
        let exe = std::env::current_exe().expect("a test has a path");
        let profile_dir = exe.parent().and_then(Path::parent).expect("tests lie in target/PROFILE/deps");
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut build = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        build.current_dir(root).args(["build", "--bin", "greylag-server", "--target-dir"]);
        build.arg(profile_dir.parent().expect("has a target folder"));
        if profile_dir.ends_with("release") {
            build.arg("--release");
        }
        let output = build.output().expect("cargo can be started");
        assert!(
            output.status.success(),
            "the server does not build:\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
        profile_dir.join("greylag-server")
    })
}

/// Whether a redis-server is tested in Greylag's place.
fn stands_in() -> bool {
    static FOUND: OnceLock<bool> = OnceLock::new();
    *FOUND.get_or_init(|| {
        let output = Command::new(greylag_program()).arg("--version").output();
        output.is_ok_and(|output| output.stdout.starts_with(b"Redis server"))
    })
}

/// A port of 127.0.0.1 that nobody listens on just now. Below the range that outgoing connections use.
pub fn free_port() -> u16 {
    const FIRST: u32 = 11_000;
    const COUNT: u32 = 20_000;
    static NEXT: AtomicU32 = AtomicU32::new(0);
    for _ in 0..COUNT {
        // Test processes that run at once begin far apart.
        let n = NEXT.fetch_add(1, Ordering::Relaxed).wrapping_add(std::process::id().wrapping_mul(7919));
        let port = (FIRST + n % COUNT) as u16;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no port is free");
}

/// A fresh directory, removed with its handle.
pub struct TempDir(PathBuf);

impl TempDir {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("greylag-test-{}-{n}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("the folder for temporary files can be written");
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What is to be started. In arguments and configuration text `{port}` and `{dir}` stand for the server's own.
#[derive(Clone)]
pub struct Builder {
    kind: Kind,
    args: Vec<String>,
    config: Option<(String, String)>,
    program_name: Option<String>,
    /// Arguments that every test wants, unless it says no.
    defaults: bool,
    files: Vec<(String, Vec<u8>)>,
    port: Option<u16>,
}

impl Builder {
    /// More arguments, split at spaces.
    pub fn args(mut self, words: &str) -> Self {
        self.args.extend(words.split(' ').filter(|word| !word.is_empty()).map(str::to_string));
        self
    }

    /// One more argument, as it is.
    pub fn arg(mut self, word: &str) -> Self {
        self.args.push(word.to_string());
        self
    }

    /// A configuration file, the first argument.
    pub fn config(mut self, name: &str, text: &str) -> Self {
        self.config = Some((name.to_string(), text.to_string()));
        self
    }

    /// Only what the test itself says: nothing is added to the arguments.
    pub fn bare(mut self) -> Self {
        self.defaults = false;
        self
    }

    /// Started through a link of this name.
    pub fn named(mut self, name: &str) -> Self {
        self.program_name = Some(name.to_string());
        self
    }

    /// A file in the server's directory.
    pub fn file(mut self, name: &str, bytes: &[u8]) -> Self {
        self.files.push((name.to_string(), bytes.to_vec()));
        self
    }

    /// This port instead of a free one: for those that are meant to meet somebody there.
    pub fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// Starts it and waits until it serves.
    #[track_caller]
    pub fn start(self) -> Server {
        let mut dir = TempDir::new();
        for _ in 0..PORT_TRIES {
            let port = self.port.unwrap_or_else(free_port);
            let mut server = Server::spawn(self.clone(), dir, port);
            match server.wait_ready(0) {
                Ok(()) => return server,
                Err(Startup::PortTaken) if self.port.is_none() => dir = server.abandon(),
                Err(Startup::PortTaken) => panic!("port {port} is taken\n{}", server.log_tail()),
                Err(Startup::Failed(why)) => {
                    panic!("{:?} does not start: {why}\n{}", self.kind, server.log_tail())
                }
            }
        }
        panic!("every port is taken at once");
    }

    /// Starts it and waits for its end: how it ended, and all that it printed.
    #[track_caller]
    pub fn run_to_end(self) -> (ExitStatus, String) {
        let port = self.port.unwrap_or_else(free_port);
        let mut server = Server::spawn(self, TempDir::new(), port);
        (server.wait_exit(), server.log())
    }

    /// Starts it and waits for its end; the directory is still there to be looked at.
    #[track_caller]
    pub fn run_to_end_in_dir(self) -> (ExitStatus, Server) {
        let port = self.port.unwrap_or_else(free_port);
        let mut server = Server::spawn(self, TempDir::new(), port);
        (server.wait_exit(), server)
    }

    fn command(&self, dir: &Path, port: u16) -> Command {
        let fill =
            |text: &str| text.replace("{port}", &port.to_string()).replace("{dir}", &dir.to_string_lossy());
        let program = match &self.program_name {
            None => self.kind.program(),
            Some(name) => link(&self.kind.program(), &dir.join(name)),
        };
        let mut command = Command::new(program);
        command.current_dir(dir);
        if let Some((name, text)) = &self.config {
            fs::write(dir.join(name), fill(text)).expect("the directory can be written");
            command.arg(name);
        }
        if self.defaults {
            command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""]);
            command.args(["--dir", &dir.to_string_lossy(), "--enable-debug-command", "yes"]);
            // No waiting for more replicas before a full sync.
            command.args(["--repl-diskless-sync-delay", "0"]);
        }
        command.args(self.args.iter().map(|arg| fill(arg)));
        command
    }
}

fn link(program: &Path, at: &Path) -> PathBuf {
    let found = if program.is_absolute() {
        program.to_path_buf()
    } else {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut places = std::env::split_paths(&path).map(|place| place.join(program));
        places.find(|place| place.exists()).unwrap_or_else(|| program.to_path_buf())
    };
    let _ = fs::remove_file(at);
    std::os::unix::fs::symlink(found, at).expect("a link can be made");
    at.to_path_buf()
}

enum Startup {
    PortTaken,
    Failed(String),
}

pub struct Server {
    builder: Builder,
    port: u16,
    child: Option<Child>,
    pid: u32,
    dir: Option<TempDir>,
}

impl Server {
    pub fn greylag() -> Builder {
        Self::of(Kind::Greylag)
    }

    pub fn redis() -> Builder {
        Self::of(Kind::Redis)
    }

    pub fn of(kind: Kind) -> Builder {
        let defaults = true;
        Builder { kind, args: vec![], config: None, program_name: None, defaults, files: vec![], port: None }
    }

    fn spawn(builder: Builder, dir: TempDir, port: u16) -> Self {
        for (name, bytes) in &builder.files {
            fs::write(dir.path().join(name), bytes).expect("the directory can be written");
        }
        let mut server = Self { builder, port, child: None, pid: 0, dir: Some(dir) };
        server.launch();
        server
    }

    /// Starts the process; what it prints is added to the log.
    fn launch(&mut self) {
        let log =
            File::options().append(true).create(true).open(self.log_path()).expect("the log can be opened");
        let mut command = self.builder.command(self.dir(), self.port);
        command.stdin(Stdio::null()).stdout(log.try_clone().expect("a file can be opened twice")).stderr(log);
        let child = command.spawn().unwrap_or_else(|error| panic!("can't start {command:?}: {error}"));
        self.pid = child.id();
        guard::watch(self.pid, LIFE_LIMIT);
        self.child = Some(child);
    }

    /// Waits until it has said that it serves more often than `before` times, and answers.
    fn wait_ready(&mut self, before: usize) -> Result<(), Startup> {
        let seen = wait::poll(DEADLINE, || {
            if let Some(status) = self.exited() {
                return Ok(Err(status));
            }
            if self.log().matches(READY).count() <= before {
                return Err("it does not say that it is ready".into());
            }
            let mut client = Client::connect(self.port).map_err(|error| error.to_string())?;
            match client.command(&["PING"]) {
                Ok(Value::Error(text)) if text.starts_with(b"LOADING") => Err("it is loading".into()),
                Ok(_) => Ok(Ok(())),
                Err(error) => Err(error.to_string()),
            }
        });
        match seen {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) if self.log().contains("Address already in use") => Err(Startup::PortTaken),
            Ok(Err(status)) => Err(Startup::Failed(format!("it ended with {status}"))),
            Err(why) => Err(Startup::Failed(why)),
        }
    }

    /// Ends it, and gives its directory away, with a fresh log.
    fn abandon(mut self) -> TempDir {
        self.kill();
        let _ = fs::remove_file(self.log_path());
        self.dir.take().expect("is there until it is dropped")
    }

    /// Whose words it speaks.
    pub fn kind(&self) -> Kind {
        if self.builder.kind.is_redis() { Kind::Redis } else { Kind::Greylag }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn pid(&self) -> u32 {
        self.pid
    }

    pub fn dir(&self) -> &Path {
        self.dir.as_ref().expect("is there until it is dropped").path()
    }

    fn log_path(&self) -> PathBuf {
        self.dir().join("log")
    }

    /// Everything that it has printed.
    pub fn log(&self) -> String {
        fs::read(self.log_path())
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    pub fn log_lines(&self) -> Vec<Line> {
        log::lines(&self.log())
    }

    pub fn log_contains(&self, text: &str) -> bool {
        self.log().contains(text)
    }

    pub fn log_tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        let from = lines.len().saturating_sub(SHOWN_LINES);
        format!("--- log of {:?} on port {}\n{}\n---", self.builder.kind, self.port, lines[from..].join("\n"))
    }

    /// Waits for a text in the log.
    #[track_caller]
    pub fn wait_log(&self, text: &str) {
        self.wait_for(&format!("{text:?} in the log"), || self.log_contains(text));
    }

    /// Waits until a text is in the log so many times.
    #[track_caller]
    pub fn wait_log_times(&self, text: &str, times: usize) {
        self.wait_for(&format!("{text:?} in the log {times} times"), || {
            times <= self.log().matches(text).count()
        });
    }

    /// Polls until `cond` holds; the failure shows the log.
    #[track_caller]
    pub fn wait_for(&self, what: &str, mut cond: impl FnMut() -> bool) {
        let seen = wait::poll(DEADLINE, || if cond() { Ok(()) } else { Err(String::new()) });
        assert!(seen.is_ok(), "waited {DEADLINE:?} in vain: {what}\n{}", self.log_tail());
    }

    #[track_caller]
    pub fn client(&self) -> Client {
        Client::connect(self.port)
            .unwrap_or_else(|error| panic!("can't connect: {error}\n{}", self.log_tail()))
    }

    /// One command over a connection of its own.
    #[track_caller]
    pub fn run(&self, line: &str) -> Value {
        self.client().run(line)
    }

    /// INFO's fields, of one section or of all.
    #[track_caller]
    pub fn info(&self, section: &str) -> HashMap<String, String> {
        info_fields(&self.run(&format!("INFO {section}")).text()).into_iter().collect()
    }

    /// One field of INFO; empty if it isn't there.
    #[track_caller]
    pub fn info_field(&self, section: &str, field: &str) -> String {
        self.info(section).remove(field).unwrap_or_default()
    }

    /// kill -9.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            guard::forget(self.pid);
            let _ = child.wait();
        }
    }

    /// SIGTERM, and its end.
    #[track_caller]
    pub fn terminate(&mut self) -> ExitStatus {
        guard::signal(self.pid, "TERM");
        self.wait_exit()
    }

    /// SIGSTOP: it holds its connections and does nothing.
    pub fn pause(&self) {
        guard::signal(self.pid, "STOP");
    }

    /// SIGCONT.
    pub fn resume(&self) {
        guard::signal(self.pid, "CONT");
    }

    /// Starts the same once more, in the same directory and on the same port, after it has ended.
    #[track_caller]
    pub fn start_again(&mut self) {
        self.kill();
        let before = self.log().matches(READY).count();
        self.launch();
        if let Err(Startup::PortTaken) | Err(Startup::Failed(_)) = self.wait_ready(before) {
            panic!("does not start again\n{}", self.log_tail());
        }
    }

    pub fn exited(&mut self) -> Option<ExitStatus> {
        self.child.as_mut().and_then(|child| child.try_wait().ok().flatten())
    }

    #[track_caller]
    pub fn wait_exit(&mut self) -> ExitStatus {
        let ended = wait::poll(DEADLINE, || self.exited().ok_or_else(String::new));
        let Ok(status) = ended else { panic!("it does not end\n{}", self.log_tail()) };
        guard::forget(self.pid);
        self.child = None;
        status
    }
}

/// What both servers say when they serve; 7.2 adds the kind of socket.
const READY: &str = "Ready to accept connections";

/// `field:value` lines in their order.
pub fn info_fields(text: &str) -> Vec<(String, String)> {
    let pair = |line: &str| line.split_once(':').map(|(field, value)| (field.to_string(), value.to_string()));
    text.lines().filter_map(pair).collect()
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() && self.dir.is_some() {
            eprintln!("{}", self.log_tail());
        }
        self.kill();
    }
}
