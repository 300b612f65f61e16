//! Thin wrappers of system calls, each with its argument for safety.

use crate::config::Config;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

/// The system's text for an error, without the number that Rust adds.
pub fn error_text(error: &io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(end) => text[..end].to_string(),
        None => text,
    }
}

/// A seed from the system's source of randomness.
pub fn random_seed() -> u64 {
    let mut bytes = [0; 8];
    let read = File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes));
    read.expect("/dev/urandom can be read");
    u64::from_ne_bytes(bytes)
}

/// Makes the rename of a file in the same directory durable.
pub fn sync_dir(file: &Path) -> io::Result<()> {
    let dir = match file.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    };
    File::open(dir)?.sync_all()
}

/// Goes to the background: a child of init, in a session of its own, without a terminal.
pub fn daemonize() -> Result<(), String> {
    // SAFETY: called before any thread is started, so the child has everything that the parent had.
    match unsafe { libc::fork() } {
        -1 => return Err(format!("Can't fork: {}", error_text(&io::Error::last_os_error()))),
        0 => {}
        // SAFETY: leaves the parent without running anything of ours.
        _ => unsafe { libc::_exit(0) },
    }
    // SAFETY: plain system calls on descriptors that are open here; a failure leaves them as they are.
    unsafe {
        libc::setsid();
        let null = libc::open(c"/dev/null".as_ptr(), libc::O_RDWR);
        if null != -1 {
            for fd in 0..=2 {
                libc::dup2(null, fd);
            }
            if 2 < null {
                libc::close(null);
            }
        }
    }
    Ok(())
}

/// Descriptors that the server needs besides its clients'.
const RESERVED_FILES: u64 = 32;

/// Raises the limit of open files as far as `clients` needs and the system lets us. The clients it allows.
pub fn raise_open_files(clients: u64) -> u64 {
    let wanted = clients + RESERVED_FILES;
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is ours and outlives the calls.
    unsafe {
        if libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) != 0 || wanted <= limit.rlim_cur {
            return clients;
        }
        let raised = libc::rlimit { rlim_cur: wanted, rlim_max: limit.rlim_max.max(wanted) };
        if libc::setrlimit(libc::RLIMIT_NOFILE, &raised) == 0 {
            return clients;
        }
        let raised = libc::rlimit { rlim_cur: limit.rlim_max.min(wanted), rlim_max: limit.rlim_max };
        libc::setrlimit(libc::RLIMIT_NOFILE, &raised);
        raised.rlim_cur.saturating_sub(RESERVED_FILES).clamp(1, clients)
    }
}

fn pidfile(config: &Config) -> Option<PathBuf> {
    if !config.pidfile.is_empty() {
        return Some(PathBuf::from(&config.pidfile));
    }
    config.daemonize.then(|| PathBuf::from("/var/run/redis.pid"))
}

pub fn write_pidfile(config: &Config) {
    if let Some(path) = pidfile(config) {
        // As Redis: a server that can't say its pid serves all the same.
        let _ = std::fs::write(path, format!("{}\n", std::process::id()));
    }
}

pub fn remove_pidfile(config: &Config) {
    if let Some(path) = pidfile(config) {
        let _ = std::fs::remove_file(path);
    }
}

pub fn ignore_signal(signal: i32) {
    // SAFETY: SIG_IGN is no handler: nothing of ours runs.
    unsafe { libc::signal(signal, libc::SIG_IGN) };
}

fn signal_set(signals: &[i32]) -> libc::sigset_t {
    let mut set = std::mem::MaybeUninit::uninit();
    // SAFETY: sigemptyset initialises the set; sigaddset changes an initialised one.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        for &signal in signals {
            libc::sigaddset(set.as_mut_ptr(), signal);
        }
        set.assume_init()
    }
}

/// Blocks signals in this thread and those that it starts.
pub fn block_signals(signals: &[i32]) {
    let set = signal_set(signals);
    // SAFETY: the set is initialised; no old set is asked for.
    unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &set, std::ptr::null_mut()) };
}

/// Waits for one of the signals, which must be blocked.
pub fn wait_signal(signals: &[i32]) -> i32 {
    let set = signal_set(signals);
    let mut signal = 0;
    // SAFETY: the set is initialised and `signal` is ours.
    unsafe { libc::sigwait(&set, &mut signal) };
    signal
}

/// Ends the process without destructors: other threads still run.
pub fn exit_at_once(code: i32) -> ! {
    // SAFETY: ends the process.
    unsafe { libc::_exit(code) }
}

/// Ends the process by a signal, as its default action does.
pub fn die_by_signal(signal: i32) -> ! {
    // SAFETY: SIG_DFL is no handler: nothing of ours runs.
    unsafe {
        libc::signal(signal, libc::SIG_DFL);
        libc::raise(signal);
    }
    std::process::abort();
}

/// User and system CPU seconds of the process, or of the calling thread.
pub fn cpu_seconds(whose: Whose) -> (f64, f64) {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    let who = match whose {
        Whose::Process => libc::RUSAGE_SELF,
        Whose::Children => libc::RUSAGE_CHILDREN,
        Whose::Thread => libc::RUSAGE_THREAD,
    };
    // SAFETY: `usage` is ours, all zero is a valid value of it, and getrusage fills it.
    let usage = unsafe {
        libc::getrusage(who, usage.as_mut_ptr());
        usage.assume_init()
    };
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    (seconds(usage.ru_utime), seconds(usage.ru_stime))
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Whose {
    Process,
    Children,
    Thread,
}

/// Tells systemd (supervised systemd or auto) or upstart that the server is ready.
pub fn notify_supervisor(config: &Config) {
    if matches!(config.supervised.0, "systemd" | "auto")
        && let Some(path) = std::env::var_os("NOTIFY_SOCKET")
        && let Ok(socket) = UnixDatagram::unbound()
    {
        let _ = socket.send_to(b"STATUS=Ready to accept connections\nREADY=1\n", path);
    }
    if matches!(config.supervised.0, "upstart" | "auto")
        && std::env::var_os("UPSTART_JOB").is_some()
    {
        // SAFETY: upstart waits for its job to stop itself once.
        unsafe { libc::raise(libc::SIGSTOP) };
    }
}

pub fn stdout_is_terminal() -> bool {
    use std::io::IsTerminal;
    io::stdout().is_terminal()
}

/// Opens the system's log. `ident` must live as long as the process.
pub fn open_syslog(ident: &std::ffi::CStr, facility: &str) {
    let facility = match facility {
        "user" => libc::LOG_USER,
        "local1" => libc::LOG_LOCAL1,
        "local2" => libc::LOG_LOCAL2,
        "local3" => libc::LOG_LOCAL3,
        "local4" => libc::LOG_LOCAL4,
        "local5" => libc::LOG_LOCAL5,
        "local6" => libc::LOG_LOCAL6,
        "local7" => libc::LOG_LOCAL7,
        _ => libc::LOG_LOCAL0,
    };
    // SAFETY: the caller keeps `ident` for good, as openlog keeps its pointer.
    unsafe { libc::openlog(ident.as_ptr(), libc::LOG_PID | libc::LOG_NDELAY | libc::LOG_NOWAIT, facility) };
}

pub fn syslog(level: crate::logger::Level, message: &str) {
    use crate::logger::Level;
    let priority = match level {
        Level::Debug => libc::LOG_DEBUG,
        Level::Verbose => libc::LOG_INFO,
        Level::Notice => libc::LOG_NOTICE,
        Level::Warning | Level::Nothing => libc::LOG_WARNING,
    };
    let text = std::ffi::CString::new(message.replace('\0', " ")).unwrap_or_default();
    // SAFETY: the format takes one string, and both are terminated.
    unsafe { libc::syslog(priority, c"%s".as_ptr(), text.as_ptr()) };
}
