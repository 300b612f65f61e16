//! INFO server, cpu and cluster.

use super::facts::Facts;
use super::{Field, field, field_if};
use crate::sys::{self, Whose};
use std::fs;

pub const FIELDS: &[Field] = &[
    field("redis_version", |_| crate::REDIS_VERSION.into()),
    field("greylag_version", |_| env!("CARGO_PKG_VERSION").into()),
    field("redis_git_sha1", |_| "00000000".into()),
    field("redis_git_dirty", |_| "0".into()),
    field("redis_build_id", |_| build_id()),
    field("redis_mode", |_| "standalone".into()),
    field("os", |_| os()),
    field("arch_bits", |_| usize::BITS.to_string()),
    field("monotonic_clock", |_| "POSIX clock_gettime".into()),
    field("multiplexing_api", |_| "epoll".into()),
    field("atomicvar_api", |_| "rust-std".into()),
    // What Redis says where another compiler built it.
    field("gcc_version", |_| "0.0.0".into()),
    field("process_id", |_| std::process::id().to_string()),
    field("process_supervised", |facts| supervised(facts.config.supervised.0).into()),
    field("run_id", |facts| facts.server.run_id.clone()),
    field("tcp_port", |facts| facts.config.port.to_string()),
    field("server_time_usec", |facts| facts.server.clock.unix_us().to_string()),
    field("uptime_in_seconds", |facts| uptime_seconds(facts).to_string()),
    field("uptime_in_days", |facts| (uptime_seconds(facts) / 86_400).to_string()),
    field("hz", |facts| facts.config.hz.to_string()),
    field("configured_hz", |facts| facts.config.hz.to_string()),
    field("lru_clock", |facts| ((facts.now_ms / 1000) & 0x00FF_FFFF).to_string()),
    field("executable", |facts| facts.server.executable.display().to_string()),
    field("config_file", |facts| {
        facts.server.config_file.as_ref().map_or_else(String::new, |path| path.display().to_string())
    }),
    field("io_threads_active", |facts| u8::from(1 < facts.server.workers.len()).to_string()),
    field_if(
        "shutdown_in_milliseconds",
        |facts| shutdown_ms(facts).is_some(),
        |facts| shutdown_ms(facts).unwrap_or(0).to_string(),
    ),
    field_if(
        "listener0",
        |facts| facts.config.port != 0,
        |facts| {
            let binds: String = facts.config.bind.0.iter().map(|bind| format!(",bind={bind}")).collect();
            format!("name=tcp{binds},port={}", facts.config.port)
        },
    ),
    field_if(
        "listener1",
        |facts| !facts.config.unixsocket.is_empty(),
        |facts| format!("name=unix,bind={}", facts.config.unixsocket),
    ),
];

pub const CPU: &[Field] = &[
    field("used_cpu_sys", |_| seconds(sys::cpu_seconds(Whose::Process).1)),
    field("used_cpu_user", |_| seconds(sys::cpu_seconds(Whose::Process).0)),
    field("used_cpu_sys_children", |_| seconds(sys::cpu_seconds(Whose::Children).1)),
    field("used_cpu_user_children", |_| seconds(sys::cpu_seconds(Whose::Children).0)),
    field("used_cpu_sys_main_thread", |_| seconds(main_thread().1)),
    field("used_cpu_user_main_thread", |_| seconds(main_thread().0)),
];

pub const CLUSTER: &[Field] = &[field("cluster_enabled", |_| "0".into())];

fn seconds(seconds: f64) -> String {
    format!("{seconds:.6}")
}

/// Sixteen hex digits that differ from version to version.
fn build_id() -> String {
    let version = concat!("greylag ", env!("CARGO_PKG_VERSION"));
    format!("{:016x}", base::crc64::crc64(version.as_bytes()))
}

fn os() -> String {
    let kernel = |name: &str| {
        let text = fs::read_to_string(format!("/proc/sys/kernel/{name}")).unwrap_or_default();
        text.trim_end().to_string()
    };
    format!("{} {} {}", kernel("ostype"), kernel("osrelease"), std::env::consts::ARCH)
}

fn supervised(mode: &'static str) -> &'static str {
    match mode {
        "auto" if std::env::var_os("NOTIFY_SOCKET").is_some() => "systemd",
        "auto" if std::env::var_os("UPSTART_JOB").is_some() => "upstart",
        "auto" => "no",
        mode => mode,
    }
}

fn uptime_seconds(facts: &Facts) -> i64 {
    (facts.now_ms - facts.server.start_unix_ms).max(0) / 1000
}

fn shutdown_ms(facts: &Facts) -> Option<i64> {
    let until = facts.server.shutdown.waits_until_ms.load(std::sync::atomic::Ordering::Relaxed);
    (until != 0).then(|| (until - facts.monotonic_ms).max(0))
}

/// Of the process's first thread: user and system seconds.
fn main_thread() -> (f64, f64) {
    const TICKS_PER_SECOND: f64 = 100.0;
    let pid = std::process::id();
    let text = fs::read_to_string(format!("/proc/self/task/{pid}/stat")).unwrap_or_default();
    // The name in parentheses may hold blanks; what is wanted are the fields 14 and 15, the name is field 2.
    let behind_name = text.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks = |field: usize| {
        let word = behind_name.split_ascii_whitespace().nth(field - 3);
        word.and_then(|word| word.parse::<f64>().ok()).unwrap_or(0.0) / TICKS_PER_SECOND
    };
    (ticks(14), ticks(15))
}
