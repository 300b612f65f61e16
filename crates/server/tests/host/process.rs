//! A server under test, and a client that writes its replies as text.
//!
//! The server listens on a free loopback port, and is killed when it goes out of scope.

#![allow(dead_code)] // each test binary uses a part of it

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Whatever takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Server {
    child: Child,
    port: u16,
    pub dir: PathBuf,
    /// It has ended and was waited for.
    ended: Option<ExitStatus>,
}

/// An empty directory of its own.
pub fn fresh_dir(name: &str) -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let n = COUNT.fetch_add(1, Ordering::Relaxed);
    let dir = std::env::temp_dir().join(format!("greylag-test-{}-{n}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).expect("a directory can be made");
    dir
}

fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("loopback has a free port");
    listener.local_addr().expect("is bound").port()
}

impl Server {
    pub fn start(args: &[&str]) -> Self {
        Self::spawn(&fresh_dir("data"), None, args)
    }

    /// In a directory that holds something already.
    pub fn start_in(dir: &Path, args: &[&str]) -> Self {
        Self::spawn(dir, None, args)
    }

    pub fn start_with_file(file: &Path, args: &[&str]) -> Self {
        Self::spawn(&fresh_dir("data"), Some(file), args)
    }

    fn spawn(dir: &Path, file: Option<&Path>, args: &[&str]) -> Self {
        let port = free_port();
        let log = std::fs::File::create(log_path(dir)).expect("a log can be written");
        let mut command = Command::new(env!("CARGO_BIN_EXE_greylag-server"));
        command.args(file);
        command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--dir"]);
        command.arg(dir).args(args).stdin(Stdio::null());
        command.stdout(log.try_clone().expect("a descriptor can be copied")).stderr(log);
        let child = command.spawn().expect("the server can be started");
        Self { child, port, dir: dir.to_path_buf(), ended: None }
    }

    /// Connects, as soon as the server serves.
    pub fn connect(&self) -> Client {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Ok(stream) = TcpStream::connect(("127.0.0.1", self.port)) {
                return Client::new(stream);
            }
            assert!(Instant::now() < end, "the server does not serve:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Connects to the server that began anew: one with another run id.
    pub fn reconnect(&self, old_run_id: &str) -> Client {
        let end = Instant::now() + PATIENCE;
        loop {
            let mut client = self.connect();
            let text = client.call("INFO server");
            if text.contains("run_id:") && !text.contains(old_run_id) {
                return client;
            }
            assert!(Instant::now() < end, "the server does not answer:\n{}", self.log());
        }
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(log_path(&self.dir)).unwrap_or_default()
    }

    /// Waits for the end: the exit code.
    pub fn wait(&mut self) -> Option<i32> {
        self.wait_status().code()
    }

    /// Waits for the end: the signal that ended it.
    pub fn wait_signal(&mut self) -> Option<i32> {
        self.wait_status().signal()
    }

    fn wait_status(&mut self) -> ExitStatus {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("a child can be waited for") {
                self.ended = Some(status);
                return status;
            }
            assert!(Instant::now() < end, "the server does not end:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

fn log_path(dir: &Path) -> PathBuf {
    dir.with_extension("log")
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.ended.is_none() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        let _ = std::fs::remove_dir_all(&self.dir);
        let _ = std::fs::remove_file(log_path(&self.dir));
    }
}

pub struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    fn new(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
        stream.set_nodelay(true).expect("an option can be set");
        Self { stream: BufReader::new(stream) }
    }

    pub fn local_addr(&self) -> String {
        self.stream.get_ref().local_addr().expect("is connected").to_string()
    }

    /// Sends a line as an inline command.
    pub fn send(&mut self, line: &str) {
        // A connection that was closed shows at the next read.
        let _ = self.stream.get_mut().write_all(format!("{line}\r\n").as_bytes());
    }

    /// Sends arguments of any bytes.
    pub fn call_args(&mut self, argv: &[Vec<u8>]) -> String {
        let argv: Vec<&[u8]> = argv.iter().map(Vec::as_slice).collect();
        let mut bytes = Vec::new();
        resp::push_command(&mut bytes, &argv);
        let _ = self.stream.get_mut().write_all(&bytes);
        self.receive()
    }

    pub fn call(&mut self, line: &str) -> String {
        self.send(line);
        self.receive()
    }

    /// The next reply: strings as they are, `[a, b]`, `~[a]`, `{a: b}`, `:1`, `+OK`, `-ERR …`, `(nil)`, `(closed)`.
    pub fn receive(&mut self) -> String {
        let mut line = Vec::new();
        match self.stream.read_until(b'\n', &mut line) {
            Ok(0) => return "(closed)".into(),
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return "(closed)".into(),
            Err(error) => panic!("no reply: {error}"),
        }
        let line = String::from_utf8_lossy(&line);
        let line = line.strip_suffix("\r\n").expect("a reply's line ends");
        let (kind, rest) = line.split_at(1);
        match kind {
            "$" | "=" => match rest.parse::<usize>() {
                Ok(len) => self.bulk(len, kind == "="),
                Err(_) => "(nil)".into(),
            },
            "*" if rest == "-1" => "(nil)".into(),
            "*" => format!("[{}]", self.replies(rest, 1)),
            "~" => format!("~[{}]", self.replies(rest, 1)),
            "%" => format!("{{{}}}", self.replies(rest, 2)),
            "_" => "(nil)".into(),
            // A message out of band, or remarks: the reply follows.
            ">" => format!("push [{}] {}", self.replies(rest, 1), self.receive()),
            "|" => format!("remarks {{{}}} {}", self.replies(rest, 2), self.receive()),
            _ => line.to_string(),
        }
    }

    fn bulk(&mut self, len: usize, verbatim: bool) -> String {
        let mut bytes = vec![0; len + 2];
        self.stream.read_exact(&mut bytes).expect("the reply is whole");
        bytes.truncate(len);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if verbatim { text[4..].to_string() } else { text }
    }

    /// So many times `group` replies.
    fn replies(&mut self, count: &str, group: usize) -> String {
        let count: usize = count.parse().expect("a length is a number");
        let one = |client: &mut Self| -> String {
            let parts: Vec<String> = (0..group).map(|_| client.receive()).collect();
            parts.join(": ")
        };
        (0..count).map(|_| one(self)).collect::<Vec<_>>().join(", ")
    }
}
