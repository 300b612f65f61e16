//! From the command line to running threads.

use crate::args::{self, Mode};
use crate::config::Config;
use crate::listen;
use crate::logger::{self, Level};
use crate::mailbox::Mailbox;
use crate::server::{Server, Start};
use crate::stats::WorkerStats;
use crate::worker::{Handle, Worker};
use crate::{cron, loading, signals, sys};
use mio::Poll;
use std::process::ExitCode;
use std::sync::mpsc;
use std::thread;

/// Runs the server; returns when it is told to stop before it serves.
pub fn main() -> ExitCode {
    let argv: Vec<_> = std::env::args_os().collect();
    match args::read(&argv) {
        Ok(Mode::Run(config, file)) => run(*config, file, argv),
        Ok(Mode::Print(text)) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(text) => {
            eprint!("{text}");
            ExitCode::FAILURE
        }
    }
}

fn run(config: Config, file: Option<std::path::PathBuf>, argv: Vec<std::ffi::OsString>) -> ExitCode {
    let executable = std::env::current_exe().unwrap_or_default();
    if let Err(text) = logger::init(&config) {
        eprintln!("{text}");
        return ExitCode::FAILURE;
    }
    if config.daemonize
        && let Err(text) = sys::daemonize()
    {
        logger::log(Level::Warning, &text);
        return ExitCode::FAILURE;
    }
    match serve(config, file, executable, &argv) {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            logger::log(Level::Warning, &text);
            ExitCode::FAILURE
        }
    }
}

fn serve(
    config: Config,
    config_file: Option<std::path::PathBuf>,
    executable: std::path::PathBuf,
    argv: &[std::ffi::OsString],
) -> Result<(), String> {
    logger::log(Level::Warning, "oO0OoO0OoO0Oo Greylag is starting oO0OoO0OoO0Oo");
    let text = format!(
        "Greylag version={}, redis_version={}, bits=64, pid={}, just started",
        env!("CARGO_PKG_VERSION"),
        crate::REDIS_VERSION,
        std::process::id()
    );
    logger::log(Level::Warning, &text);
    match argv.len() {
        1 => logger::log(
            Level::Warning,
            &format!(
                "Warning: no config file specified, using the default config. In order to specify a config file use {} /path/to/redis.conf",
                argv[0].to_string_lossy()
            ),
        ),
        _ => logger::log(Level::Warning, "Configuration loaded"),
    }
    std::env::set_current_dir(&config.dir)
        .map_err(|error| format!("Can't chdir to '{}': {}", config.dir, sys::error_text(&error)))?;
    for warning in config.warnings() {
        logger::log(Level::Warning, &warning);
    }
    signals::block();
    sys::raise_open_files(config.maxclients as u64);
    let listeners = listen::open(&config)?;
    sys::write_pidfile(&config);
    let (workers, polls) = workers(config.io_threads as usize).map_err(|error| format!("Can't poll: {error}"))?;
    let (trash, to_free) = mpsc::channel();
    spawn("lazyfree", move || while to_free.recv().is_ok() {});
    let seed = sys::random_seed();
    let server: &'static Server = Box::leak(Box::new(Server::new(Start {
        config,
        config_file,
        executable,
        seed,
        workers,
        trash,
    })));
    logger::banner(server.config().port, server.config().always_show_logo);
    logger::log(Level::Notice, "Server initialized");
    server.apply_settings(None);
    loading::at_start(server)?;
    server.replication.start(server);
    for (index, poll) in polls.into_iter().enumerate() {
        spawn(&format!("worker-{index}"), move || Worker::new(server, index, poll).run());
    }
    spawn("accept", move || listen::run(server, listeners).expect("accepting goes on"));
    announce(server);
    sys::notify_supervisor(&server.config());
    signals::start(server);
    cron::run(server)
}

fn announce(server: &Server) {
    let config = server.config();
    if config.port != 0 {
        logger::log(Level::Notice, "Ready to accept connections");
    }
    if !config.unixsocket.is_empty() {
        logger::log(Level::Notice, "The server is now ready to accept connections at the unix socket");
    }
}

fn workers(count: usize) -> std::io::Result<(Vec<Handle>, Vec<Poll>)> {
    let mut handles = Vec::new();
    let mut polls = Vec::new();
    for _ in 0..count {
        let poll = Poll::new()?;
        handles.push(Handle { mailbox: Mailbox::new(&poll)?, stats: WorkerStats::new() });
        polls.push(poll);
    }
    Ok((handles, polls))
}

/// Starts a named thread that lives as long as the process.
pub fn spawn(name: &str, run: impl FnOnce() + Send + 'static) {
    thread::Builder::new().name(name.into()).spawn(run).expect("a thread can be started");
}
