//! No server outlives its test: one that runs too long is killed, and so are all that are left when the test
//! process ends, however it ends.
//!
//! The second part is a small shell beside the tests. It hears of every server over a pipe; when the pipe breaks,
//! it kills what it was not told to forget.

use std::collections::HashMap;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{LazyLock, Mutex, MutexGuard};
use std::time::{Duration, Instant};

const WATCHER: &str = r#"
trap '' INT TERM HUP
pids=
while read -r what pid; do
    case $what in
    watch) pids="$pids $pid " ;;
    forget) pids=$(printf %s "$pids" | sed "s/ $pid / /") ;;
    esac
done
for pid in $pids; do kill -9 "$pid" 2>/dev/null; done
"#;

struct Guard {
    watcher: ChildStdin,
    ends: HashMap<u32, Instant>,
}

// The watcher outlives this process: that is what it is for.
#[allow(clippy::zombie_processes)]
static GUARD: LazyLock<Mutex<Guard>> = LazyLock::new(|| {
    let mut watcher = Command::new("sh")
        .args(["-c", WATCHER])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // Of its own group: Ctrl-C at the terminal must not end it before the servers.
        .process_group(0)
        .spawn()
        .expect("a shell can be started");
    let stdin = watcher.stdin.take().expect("is piped");
    std::thread::spawn(enforce_limits);
    Mutex::new(Guard { watcher: stdin, ends: HashMap::new() })
});

fn guard() -> MutexGuard<'static, Guard> {
    // A panic elsewhere leaves nothing half done here.
    GUARD.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// From now on the process is killed after `limit`, or when the tests end.
pub fn watch(pid: u32, limit: Duration) {
    let mut guard = guard();
    guard.ends.insert(pid, Instant::now() + limit);
    writeln!(guard.watcher, "watch {pid}").expect("the watcher lives");
}

/// To be called before the process is reaped, so that its number is not another's yet.
pub fn forget(pid: u32) {
    let mut guard = guard();
    if guard.ends.remove(&pid).is_some() {
        writeln!(guard.watcher, "forget {pid}").expect("the watcher lives");
    }
}

fn enforce_limits() {
    loop {
        std::thread::sleep(Duration::from_secs(1));
        let guard = guard();
        let now = Instant::now();
        guard.ends.iter().filter(|(_, end)| **end < now).for_each(|(pid, _)| signal(*pid, "KILL"));
    }
}

/// Sends a signal by its name without SIG.
pub fn signal(pid: u32, name: &str) {
    let status =
        Command::new("sh").args(["-c", &format!("kill -{name} {pid}")]).stderr(Stdio::null()).status();
    status.expect("a shell can be started");
}
