//! The log: lines in Redis's format, `pid:role day month year time.ms level message`.

use crate::config::Config;
use jiff::Zoned;
use parking_lot::{Mutex, RwLock};
use std::ffi::CString;
use std::fs::OpenOptions;
use std::io::Write;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Level {
    Debug,
    Verbose,
    Notice,
    Warning,
    /// Above every line: nothing is logged.
    Nothing,
}

struct Target {
    /// Empty: standard output.
    file: String,
    syslog: Option<CString>,
    least: Level,
}

static TARGET: RwLock<Target> =
    RwLock::new(Target { file: String::new(), syslog: None, least: Level::Notice });
/// 'C' before the server is set up, then 'M' for a primary, 'S' for a replica.
static ROLE: AtomicU8 = AtomicU8::new(b'C');
static PID: AtomicU32 = AtomicU32::new(0);
/// One line at a time.
static WRITING: Mutex<()> = Mutex::new(());

/// Messages are cut at this length, as Redis's are.
const MESSAGE_BYTES_MAX: usize = 1024;

/// Opens the log; the error is what is said before exiting. The directory must be `dir` already: a relative path
/// is looked up at each line, in the directory of that time.
pub fn init(config: &Config) -> Result<(), String> {
    if !config.logfile.is_empty()
        && let Err(error) = OpenOptions::new().append(true).create(true).open(&config.logfile)
    {
        return Err(format!("Can't open the log file: {}", crate::sys::error_text(&error)));
    }
    let mut target = TARGET.write();
    target.file = config.logfile.clone();
    target.least = config.loglevel();
    if config.syslog_enabled {
        let ident = CString::new(config.syslog_ident.as_str()).unwrap_or_default();
        crate::sys::open_syslog(&ident, config.syslog_facility.0);
        target.syslog = Some(ident); // syslog keeps a pointer to it
    }
    Ok(())
}

pub fn set_level(level: Level) {
    TARGET.write().least = level;
}

/// Whether a line of this level is written: for lines that cost something to make.
pub fn is_logged(level: Level) -> bool {
    TARGET.read().least <= level
}

pub fn set_role(is_replica: bool) {
    ROLE.store(if is_replica { b'S' } else { b'M' }, Ordering::Relaxed);
}

pub fn log(level: Level, message: &str) {
    log_as(ROLE.load(Ordering::Relaxed) as char, level, message);
}

/// With a role of its own: 'C' for what Redis's forked child would say.
pub fn log_as(role: char, level: Level, message: &str) {
    let target = TARGET.read();
    if level < target.least {
        return;
    }
    let mark = match level {
        Level::Debug => '.',
        Level::Verbose => '-',
        Level::Notice => '*',
        Level::Warning | Level::Nothing => '#',
    };
    let mut end = message.len().min(MESSAGE_BYTES_MAX);
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    let message = &message[..end];
    let time = Zoned::now().strftime("%d %b %Y %H:%M:%S.%3f");
    write(&target, &format!("{}:{role} {time} {mark} {message}\n", pid()));
    if target.syslog.is_some() {
        crate::sys::syslog(level, message);
    }
}

/// A line that tells of a signal, in the form that such lines have: no level, no time of day.
pub fn log_signal(message: &str) {
    let target = TARGET.read();
    if target.least == Level::Nothing {
        return;
    }
    let seconds = Zoned::now().timestamp().as_second();
    write(&target, &format!("{}:signal-handler ({seconds}) {message}\n", pid()));
}

fn pid() -> u32 {
    match PID.load(Ordering::Relaxed) {
        0 => std::process::id(),
        pid => pid,
    }
}

/// Called once the process has its final pid.
pub fn remember_pid() {
    PID.store(std::process::id(), Ordering::Relaxed);
}

fn write(target: &Target, line: &str) {
    let _one = WRITING.lock();
    // A log that can't be written has nobody to be told.
    let _ = if target.file.is_empty() {
        let mut out = std::io::stdout().lock();
        out.write_all(line.as_bytes()).and_then(|()| out.flush())
    } else {
        // Opened for each line, so that a log that was moved away goes on in a new file.
        let file = OpenOptions::new().append(true).create(true).open(&target.file);
        file.and_then(|mut file| file.write_all(line.as_bytes()))
    };
}

/// The start's banner: on a terminal, or always.
pub fn banner(port: i64, always: bool) {
    let target = TARGET.read();
    let shown =
        always || (target.file.is_empty() && target.syslog.is_none() && crate::sys::stdout_is_terminal());
    drop(target);
    if Level::Notice < TARGET.read().least {
        return;
    }
    if !shown {
        let text = format!("Running mode=standalone, port={port}.");
        log(Level::Notice, &text);
        return;
    }
    let target = TARGET.read();
    let version = env!("CARGO_PKG_VERSION");
    let text = format!(
        r"
            __
        ___( o)>    Greylag {version} (Redis {}) 64 bit
        \ <_. )
         `---'      Running in standalone mode
                    Port: {port}
                    PID: {}

",
        crate::REDIS_VERSION,
        pid()
    );
    write(&target, &text);
}
