//! Thin wrappers of system calls, each with its argument for safety.

use crate::config::Config;
use crate::logger::{self, Level};
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicPtr, Ordering};

/// The system's text for an error, without the number that Rust adds.
pub fn error_text(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.strip_prefix("failed to lookup address information: ").unwrap_or(&text);
    match text.find(" (os error") {
        Some(end) => text[..end].to_string(),
        None => text.to_string(),
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

/// Whether the process may make a directory its own; the error is what `chdir` would say.
pub fn may_enter(path: &Path) -> io::Result<()> {
    if !path.is_dir() {
        return Err(io::Error::from_raw_os_error(libc::ENOTDIR));
    }
    let Ok(path) = std::ffi::CString::new(path.as_os_str().as_bytes()) else {
        return Err(io::Error::from_raw_os_error(libc::ENOENT));
    };
    // SAFETY: the path is terminated and outlives the call.
    match unsafe { libc::access(path.as_ptr(), libc::X_OK) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Descriptors that the server needs besides its clients'.
const RESERVED_FILES: u64 = 32;

/// What came of raising the limit of open files.
pub struct OpenFiles {
    /// The clients that it allows.
    pub clients: u64,
    /// Descriptors: before, asked for, now.
    pub before: u64,
    pub wanted: u64,
    pub now: u64,
    /// Why it was not raised as far as was asked for.
    pub error: Option<io::Error>,
}

/// Raises the limit of open files as far as `clients` needs and the system lets us.
pub fn open_files(clients: u64) -> OpenFiles {
    let wanted = clients.saturating_add(RESERVED_FILES);
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is ours and outlives the call.
    if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) } != 0 {
        let error = Some(io::Error::last_os_error());
        return OpenFiles { clients, before: 0, wanted, now: wanted, error };
    }
    let before = limit.rlim_cur;
    if wanted <= before {
        return OpenFiles { clients, before, wanted, now: before, error: None };
    }
    let raise = |cur: u64, max: u64| {
        let raised = libc::rlimit { rlim_cur: cur, rlim_max: max };
        // SAFETY: `raised` is ours and outlives the call.
        match unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raised) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    };
    let Err(error) = raise(wanted, limit.rlim_max.max(wanted)) else {
        return OpenFiles { clients, before, wanted, now: wanted, error: None };
    };
    // As far as the hard limit lets an ordinary user go.
    let now = match raise(limit.rlim_max.min(wanted), limit.rlim_max) {
        Ok(()) => limit.rlim_max.min(wanted),
        Err(_) => before,
    };
    OpenFiles {
        clients: clients.min(now.saturating_sub(RESERVED_FILES)),
        before,
        wanted,
        now,
        error: Some(error),
    }
}

/// The same for CONFIG SET maxclients: the clients that the system allows.
pub fn raise_open_files(clients: u64) -> u64 {
    open_files(clients).clients.max(1)
}

fn pidfile(config: &Config) -> Option<PathBuf> {
    if !config.pidfile.is_empty() {
        return Some(PathBuf::from(&config.pidfile));
    }
    (config.daemonize && !is_supervised(config)).then(|| PathBuf::from("/var/run/redis.pid"))
}

pub fn write_pidfile(config: &Config) {
    if let Some(path) = pidfile(config) {
        // A server that can't say its pid serves all the same.
        if let Err(error) = std::fs::write(path, format!("{}\n", std::process::id())) {
            logger::log(Level::Notice, &format!("Failed to write PID file: {}", error_text(&error)));
        }
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

/// Who watches over the process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Supervisor {
    Systemd,
    Upstart,
}

/// The supervisor that the configuration names, or that is found, if it is there.
fn supervisor(config: &Config) -> Option<Supervisor> {
    let upstart = std::env::var_os("UPSTART_JOB").map(|_| Supervisor::Upstart);
    let systemd = std::env::var_os("NOTIFY_SOCKET").map(|_| Supervisor::Systemd);
    match config.supervised.0 {
        "upstart" => upstart,
        "systemd" => systemd,
        "auto" => upstart.or(systemd),
        _ => None,
    }
}

/// Under a supervisor the process does not go to the background.
pub fn is_supervised(config: &Config) -> bool {
    supervisor(config).is_some()
}

/// At the start: says that there is a supervisor; upstart waits for its job to stop itself once.
pub fn meet_supervisor(config: &Config) {
    match supervisor(config) {
        Some(Supervisor::Systemd) => {
            let text = "supervised by systemd. Please make sure you set appropriate values for TimeoutStartSec and TimeoutStopSec in your service unit.";
            logger::log(Level::Notice, text);
            notify_systemd(config, "STATUS=Redis is loading...\n");
        }
        Some(Supervisor::Upstart) => {
            logger::log(Level::Notice, "supervised by upstart, will stop to signal readiness");
            // SAFETY: stops this process until upstart continues it.
            unsafe { libc::raise(libc::SIGSTOP) };
        }
        None if config.supervised.0 == "upstart" => {
            let text = "upstart supervision requested, but UPSTART_JOB not found";
            logger::log(Level::Warning, text);
        }
        None if config.supervised.0 == "systemd" => {
            let text = "systemd supervision requested, but NOTIFY_SOCKET not found";
            logger::log(Level::Warning, text);
        }
        None => {}
    }
}

/// Tells systemd, where it is there, of a change: lines of `NAME=value`.
pub fn notify_systemd(config: &Config, lines: &str) {
    if supervisor(config) != Some(Supervisor::Systemd) {
        return;
    }
    if let Err(error) = send_to_systemd(lines) {
        logger::log(Level::Warning, &format!("Can't tell systemd: {}", error_text(&error)));
    }
}

fn send_to_systemd(lines: &str) -> io::Result<()> {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::SocketAddr;
    let path = std::env::var_os("NOTIFY_SOCKET").unwrap_or_default();
    let address = match path.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(&path)?,
    };
    UnixDatagram::unbound()?.send_to_addr(lines.as_bytes(), &address)?;
    Ok(())
}

/// What `--check-system` looks at: names, and what is wrong if something is.
pub fn check_system() -> Vec<(&'static str, Option<String>)> {
    vec![("clocksource", clocksource_warning()), ("overcommit", overcommit_warning())]
}

fn clocksource_warning() -> Option<String> {
    let clock =
        std::fs::read_to_string("/sys/devices/system/clocksource/clocksource0/current_clocksource").ok()?;
    let clock = clock.trim();
    matches!(clock, "xen" | "acpi_pm" | "hpet").then(|| {
        format!("The clock source '{clock}' is slow: each look at the time costs a call of the kernel. 'tsc' or 'kvm-clock' is better, where the machine has it.")
    })
}

/// Whether the kernel may refuse memory that it has.
pub fn overcommit_warning() -> Option<String> {
    let setting = std::fs::read_to_string("/proc/sys/vm/overcommit_memory").ok()?;
    (setting.trim() != "1").then(|| {
        "Memory overcommit must be enabled! Without it, a background save or replication may fail under low memory condition. To fix this issue add 'vm.overcommit_memory = 1' to /etc/sysctl.conf and then reboot or run the command 'sysctl vm.overcommit_memory=1' for this to take effect.".into()
    })
}

pub fn stdout_is_terminal() -> bool {
    use std::io::IsTerminal;
    io::stdout().is_terminal()
}

/// The locale whose order [`collate`] makes; each is kept for good, as a worker may be using it.
static COLLATION: AtomicPtr<libc::c_void> = AtomicPtr::new(std::ptr::null_mut());

unsafe extern "C" {
    fn strxfrm_l(
        to: *mut libc::c_char,
        from: *const libc::c_char,
        size: libc::size_t,
        locale: libc::locale_t,
    ) -> libc::size_t;
}

/// Whether there is a locale of this name. "" is the environment's.
pub fn is_locale(name: &str) -> bool {
    match collation_locale(name) {
        Some(locale) => {
            // SAFETY: it was just made, and nobody else has it.
            unsafe { libc::freelocale(locale) };
            true
        }
        None => false,
    }
}

fn collation_locale(name: &str) -> Option<libc::locale_t> {
    let name = std::ffi::CString::new(name).ok()?;
    // SAFETY: the name is terminated; no locale is given to be changed.
    let locale = unsafe { libc::newlocale(libc::LC_COLLATE_MASK, name.as_ptr(), std::ptr::null_mut()) };
    (!locale.is_null()).then_some(locale)
}

/// How texts are ordered in the locale of this name: none in C's own, which is by bytes, and where the environment's
/// locale is not there.
pub fn collation(name: &str) -> Option<engine::Collation> {
    let of_environment = || {
        let set = |name: &&str| std::env::var(name).ok().filter(|value| !value.is_empty());
        ["LC_ALL", "LC_COLLATE", "LANG"].iter().find_map(set)
    };
    let name = if name.is_empty() { of_environment().unwrap_or_default() } else { name.into() };
    if matches!(name.as_str(), "" | "C" | "POSIX") {
        return None;
    }
    // What is in use already is not made again.
    static CURRENT: parking_lot::Mutex<String> = parking_lot::Mutex::new(String::new());
    let mut current = CURRENT.lock();
    if *current != name {
        COLLATION.store(collation_locale(&name)?.cast(), Ordering::Release);
        *current = name;
    }
    Some(collate)
}

/// Appends what sorts by its bytes as `text`, which has no zero byte, does in the locale.
fn collate(text: &[u8], out: &mut Vec<u8>) {
    let locale: libc::locale_t = COLLATION.load(Ordering::Acquire).cast();
    let from = std::ffi::CString::new(text).unwrap_or_default();
    let start = out.len();
    let mut size = 4 * text.len() + 16;
    loop {
        out.resize(start + size, 0);
        // SAFETY: `from` is terminated, `out` has `size` bytes from `start` on, and the locale, which was stored before
        // this function was given away, is never freed.
        let len = unsafe { strxfrm_l(out[start..].as_mut_ptr().cast(), from.as_ptr(), size, locale) };
        if len < size {
            return out.truncate(start + len);
        }
        size = len + 1;
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_ordered_as_the_locale_has_it() {
        assert!(is_locale("C") && is_locale("POSIX") && !is_locale("no_SUCH.locale") && !is_locale("a\0b"));
        assert!(collation("C").is_none());
        for name in ["C.UTF-8", "en_US.UTF-8"].into_iter().filter(|name| is_locale(name)) {
            let collate = collation(name).expect("is there");
            assert!(collation(name).is_some(), "again");
            let key = |text: &str| {
                let mut out = b"before".to_vec();
                collate(text.as_bytes(), &mut out);
                out.split_off(6)
            };
            assert!(key("a") < key("b") && key("ab") < key("b") && key("") < key("a"), "{name}");
            assert!(key("Ab") < key("b"), "{name}");
            assert!(!key(&"long text ".repeat(1000)).is_empty(), "{name}");
        }
    }
}
