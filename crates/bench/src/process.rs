//! Servers as child processes: started on a free port of 127.0.0.1, loaded with keys, ended with their handle.

use crate::measure;
use crate::workload::{key, value};
use base::rng::Rng;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const START_MAX: Duration = Duration::from_secs(20);
/// Nothing that is waited for here takes longer when all is well.
const REPLY_MAX: Duration = Duration::from_secs(60);
/// Requests sent before their replies are read: they fit into the sockets' buffers.
const PIPELINE: u64 = 200;

pub struct Server {
    child: Child,
    pub port: u16,
    dir: PathBuf,
}

impl Server {
    /// Starts `program` as redis-server is started: nothing saved, in an empty directory of its own.
    pub fn start(program: &Path, args: &[String]) -> io::Result<Self> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let dir = std::env::temp_dir().join(format!("greylag-bench-{}-{port}", std::process::id()));
        fs::create_dir_all(&dir)?;
        let log = File::create(dir.join("log"))?;
        let child = Command::new(program)
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--loglevel", "warning"])
            .arg("--dir")
            .arg(&dir)
            .args(args)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", program.display())))?;
        let mut server = Self { child, port, dir };
        server.wait_until_ready()?;
        Ok(server)
    }

    fn wait_until_ready(&mut self) -> io::Result<()> {
        let deadline = Instant::now() + START_MAX;
        loop {
            if let Ok(mut stream) = self.connect()
                && stream.write_all(b"PING\r\n").is_ok()
                && stream.read_exact(&mut [0; 7]).is_ok()
            {
                return Ok(());
            }
            if let Some(status) = self.child.try_wait()? {
                return Err(io::Error::other(format!("the server ended with {status}: {}", self.log())));
            }
            if deadline < Instant::now() {
                return Err(io::Error::other(format!("the server does not answer: {}", self.log())));
            }
            std::thread::sleep(Duration::from_millis(10)); // between looks; there is no event to wait for
        }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.dir.join("log")).unwrap_or_default()
    }

    pub fn connect(&self) -> io::Result<TcpStream> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        stream.set_read_timeout(Some(REPLY_MAX))?;
        stream.set_write_timeout(Some(REPLY_MAX))?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    pub fn cpu_ns(&self) -> io::Result<u64> {
        measure::process_cpu_ns(self.child.id())
    }

    pub fn resident_bytes(&self) -> io::Result<u64> {
        measure::resident_bytes(&self.child.id().to_string())
    }

    /// Resident bytes once they no longer change: a server that answers may still be starting its threads.
    pub fn settled_bytes(&self) -> io::Result<u64> {
        let deadline = Instant::now() + START_MAX;
        let (mut bytes, mut looks) = (self.resident_bytes()?, 0);
        while looks < 10 && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(20)); // between looks; there is no event to wait for
            let now = self.resident_bytes()?;
            looks = if now == bytes { looks + 1 } else { 0 };
            bytes = now;
        }
        Ok(bytes)
    }

    /// Sets the keys with these numbers.
    pub fn load(&self, keys: std::ops::Range<u64>) -> io::Result<()> {
        let mut stream = self.connect()?;
        let mut rng = Rng::new(keys.start);
        let mut bytes = Vec::new();
        let mut replies = [0; PIPELINE as usize * 5];
        let mut n = keys.start;
        while n < keys.end {
            bytes.clear();
            let count = PIPELINE.min(keys.end - n);
            for n in n..n + count {
                resp::push_command(&mut bytes, &[b"SET", &key(n), &value(&mut rng)]);
            }
            stream.write_all(&bytes)?;
            let replies = &mut replies[..count as usize * 5];
            stream.read_exact(replies)?;
            if replies.chunks(5).any(|reply| reply != b"+OK\r\n") {
                return Err(io::Error::other(format!("SET: {}", String::from_utf8_lossy(replies))));
            }
            n += count;
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// Runs a program to its end, at most so long; what it printed.
pub fn run(program: &Path, args: &[String], time_max: Duration) -> io::Result<String> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", program.display()));
    let spawned = Command::new(program).args(args).stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
    let mut child = spawned.map_err(named)?;
    let mut output = child.stdout.take().expect("is piped");
    // Read aside, so that a full pipe never stops it.
    let reader = std::thread::spawn(move || {
        let mut text = Vec::new();
        output.read_to_end(&mut text).map(|_| text)
    });
    let deadline = Instant::now() + time_max;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if deadline < Instant::now() {
            child.kill()?;
            child.wait()?;
            return Err(io::Error::other(format!("{} ran longer than {time_max:?}", program.display())));
        }
        std::thread::sleep(Duration::from_millis(5)); // between looks; there is no event to wait for
    };
    let text = reader.join().map_err(|_| io::Error::other("the reader panicked"))??;
    let text = String::from_utf8_lossy(&text).into_owned();
    if status.success() {
        Ok(text)
    } else {
        Err(io::Error::other(format!("{}: {status}: {text}", program.display())))
    }
}
