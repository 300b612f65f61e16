//! Servers and clients for the tests that need a real process: started on free loopback ports, killed by who
//! started them, waited for by event with a deadline.
#![allow(dead_code)] // each test binary uses a part of it

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

pub const DEADLINE: Duration = Duration::from_secs(30);

/// A directory of its own, removed at the end.
pub struct Dir(pub PathBuf);

impl Dir {
    pub fn new() -> Self {
        use std::sync::atomic::{AtomicU32, Ordering};
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("greylag-{}-{n}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a directory for the test");
        Self(path)
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.file(name);
        std::fs::write(&path, text).expect("is written");
        path
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.file(name)).unwrap_or_default()
    }

    pub fn path(&self) -> &str {
        self.0.to_str().expect("is text")
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_greylag-server"))
}

pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("has an address").port()
}

/// Runs the server to its end: for starts that fail and for what only prints.
pub fn run(args: &[&str], stdin: &str) -> Output {
    let mut child = Command::new(binary())
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    let _ = child.stdin.take().expect("is piped").write_all(stdin.as_bytes());
    let started = Instant::now();
    while child.try_wait().expect("can be waited for").is_none() {
        if DEADLINE < started.elapsed() {
            child.kill().expect("is killed");
            panic!("{args:?} did not end: {:?}", child.wait_with_output());
        }
        std::thread::yield_now();
    }
    child.wait_with_output().expect("has ended")
}

/// A running server. Its log goes to a file in its directory.
pub struct Server {
    pub child: Child,
    pub port: u16,
    pub dir: Dir,
}

impl Server {
    /// With `args` behind those that every test wants.
    pub fn start(args: &[&str]) -> Self {
        Self::start_in(Dir::new(), args)
    }

    pub fn start_in(dir: Dir, args: &[&str]) -> Self {
        // Another process may take the port between the choice and the start: then another is chosen.
        for _ in 0..5 {
            let port = free_port();
            let mut command = Command::new(binary());
            command.args([
                "--port",
                &port.to_string(),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--dir",
                dir.path(),
            ]);
            command.args(["--logfile", "log"]).args(args).stdin(Stdio::null()).stdout(Stdio::null());
            let mut child = command.spawn().expect("starts");
            if wait_for_start(&mut child, port) {
                return Self { child, port, dir };
            }
            let log = dir.read("log");
            assert!(log.contains("Failed listening on port"), "the server does not start: {log}");
            std::fs::remove_file(dir.file("log")).expect("is removed");
        }
        panic!("no free port");
    }

    pub fn connect(&self) -> Client {
        Client::new(TcpStream::connect(("127.0.0.1", self.port)).expect("connects"))
    }

    pub fn log(&self) -> String {
        self.dir.read("log")
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, signal: &str) {
        let done = Command::new("kill").args(["-s", signal, &self.pid().to_string()]).status();
        assert!(done.expect("kill runs").success());
    }

    /// Waits for a line of the log that has `text` in it.
    pub fn wait_log(&self, text: &str) {
        wait_until(&format!("the log line {text:?}"), || self.log().contains(text));
    }

    /// Waits for the end of the process; its exit code.
    pub fn wait_exit(&mut self) -> Option<i32> {
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("can be waited for") {
                return status.code();
            }
            assert!(started.elapsed() < DEADLINE, "the server does not end: {}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- the server's log:\n{}", self.log());
        }
    }
}

fn wait_for_start(child: &mut Child, port: u16) -> bool {
    let started = Instant::now();
    while started.elapsed() < DEADLINE {
        if child.try_wait().expect("can be waited for").is_some() {
            return false;
        }
        if listens(child.id(), port) {
            return true;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let _ = child.kill();
    panic!("the server does not listen on port {port}");
}

/// Whether this very process listens on the port. That somebody can be connected to says less: it may be the server
/// of another test, or, as the port is one that the system gives to clients too, the connection's own other end.
fn listens(pid: u32, port: u16) -> bool {
    const LISTEN: &str = "0A";
    let sockets: Vec<String> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .flat_map(|path| {
            let table = std::fs::read_to_string(path).unwrap_or_default();
            let rows = table.lines().map(|line| line.split_whitespace().map(str::to_string).collect());
            rows.collect::<Vec<Vec<String>>>()
        })
        .filter(|row| 9 < row.len() && row[1].ends_with(&format!(":{port:04X}")) && row[3] == LISTEN)
        .map(|row| format!("socket:[{}]", row[9]))
        .collect();
    let Ok(files) = std::fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    let mut targets = files.flatten().filter_map(|file| std::fs::read_link(file.path()).ok());
    targets.any(|target| sockets.iter().any(|socket| target.as_os_str() == socket.as_str()))
}

/// Polls until `done`, with a deadline.
pub fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let started = Instant::now();
    while !done() {
        assert!(started.elapsed() < DEADLINE, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A connection that sends words and reads replies.
pub struct Client {
    pub stream: TcpStream,
    reader: BufReader<TcpStream>,
}

impl Client {
    pub fn new(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(DEADLINE)).expect("is set");
        stream.set_nodelay(true).expect("is set");
        let reader = BufReader::new(stream.try_clone().expect("is cloned"));
        Self { stream, reader }
    }

    /// Sends a request and reads its reply as text; see [`Client::reply`].
    pub fn ask(&mut self, words: &[&str]) -> String {
        let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        self.send(&request(&words));
        self.reply()
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("is sent");
    }

    /// One reply as text: its first line, or a bulk's bytes, or an array's elements with blanks between.
    pub fn reply(&mut self) -> String {
        String::from_utf8_lossy(&self.read_reply().expect("a reply comes")).into_owned()
    }

    pub fn read_reply(&mut self) -> io::Result<Vec<u8>> {
        let mut line = Vec::new();
        self.reader.read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        line.truncate(line.len() - 2);
        let number = || std::str::from_utf8(&line[1..]).ok().and_then(|text| text.parse::<i64>().ok());
        match line[0] {
            b'$' if line == b"$-1" => Ok(b"(nil)".to_vec()),
            b'$' => {
                let mut bulk = vec![0; number().expect("a length") as usize + 2];
                self.reader.read_exact(&mut bulk)?;
                bulk.truncate(bulk.len() - 2);
                Ok(bulk)
            }
            b'*' => {
                let count = number().expect("a count").max(0);
                let elements: io::Result<Vec<_>> = (0..count).map(|_| self.read_reply()).collect();
                Ok(elements?.join(&b' '))
            }
            _ => Ok(line),
        }
    }

    /// Everything up to the end of the connection.
    pub fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        match self.reader.read_to_end(&mut rest) {
            Ok(_) => {}
            // What was not read on the other side when it closed.
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {}
            Err(error) => panic!("the connection does not end: {error}"),
        }
        rest
    }
}

/// A request as clients send it.
pub fn request(words: &[&[u8]]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        bytes.extend_from_slice(word);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

/// Random numbers from a seed, which a failing test prints (splitmix64).
pub struct Random(pub u64);

impl Random {
    pub fn new() -> Self {
        let seed = match std::env::var("SEED") {
            Ok(seed) => seed.parse().expect("SEED is a number"),
            Err(_) => std::time::UNIX_EPOCH.elapsed().expect("after 1970").as_nanos() as u64,
        };
        println!("SEED={seed}");
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }
}
