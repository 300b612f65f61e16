//! From the command line to running threads.

use crate::args::{self, Mode, Refused};
use crate::config::{Config, FileError};
use crate::lazyfree::LazyFree;
use crate::listen;
use crate::logger::{self, Level};
use crate::mailbox::Mailbox;
use crate::server::{Server, Start};
use crate::stats::WorkerStats;
use crate::worker::{Floor, Handle, Worker};
use crate::{cron, loading, signals, sys};
use mio::Poll;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;

/// Runs the server; returns when it is told to stop, or can't serve.
pub fn main() -> ExitCode {
    let argv: Vec<_> = std::env::args_os().collect();
    match args::read(&argv) {
        Ok(Mode::Run { config, file, stdin_read }) => {
            if stdin_read {
                logger::log(Level::Notice, "Reading config from stdin");
            }
            run(*config, file, argv)
        }
        Ok(Mode::Print(text)) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Ok(Mode::CheckSystem) => check_system(),
        Err(refused) => {
            refuse(&refused);
            ExitCode::FAILURE
        }
    }
}

fn refuse(refused: &Refused) {
    match refused {
        Refused::Config(error @ FileError::Open { .. }) => logger::log(Level::Warning, &error.to_string()),
        Refused::Config(error) => eprint!("{error}"),
        Refused::Say(text) => eprint!("{text}"),
    }
}

fn check_system() -> ExitCode {
    let mut code = ExitCode::SUCCESS;
    for (name, warning) in sys::check_system() {
        match warning {
            None => println!("[{name}]...OK"),
            Some(warning) => {
                println!("[{name}]...WARNING:\n{warning}");
                code = ExitCode::FAILURE;
            }
        }
    }
    code
}

fn run(config: Config, file: Option<PathBuf>, argv: Vec<OsString>) -> ExitCode {
    let executable = std::env::current_exe().unwrap_or_default();
    if let Err(error) = std::env::set_current_dir(&config.dir) {
        let why = format!("Can't chdir to '{}': {}", config.dir, sys::error_text(&error));
        refuse(&Refused::Config(FileError::All { why }));
        return ExitCode::FAILURE;
    }
    if let Err(why) = logger::init(&config) {
        refuse(&Refused::Config(FileError::All { why }));
        return ExitCode::FAILURE;
    }
    if config.daemonize
        && !sys::is_supervised(&config)
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
    mut config: Config,
    config_file: Option<PathBuf>,
    executable: PathBuf,
    argv: &[OsString],
) -> Result<(), String> {
    log_start(argv);
    abort_on_panic();
    sys::meet_supervisor(&config);
    logger::set_role(config.replicaof.0.is_some());
    logger::log(Level::Notice, "monotonic clock: POSIX clock_gettime");
    for warning in config.warnings() {
        logger::log(Level::Warning, &warning);
    }
    signals::block();
    crate::commands::rename(config.renames.clone());
    config.maxclients = limit_clients(config.maxclients as u64)? as i64;
    let listeners = listen::open(&config)?;
    sys::write_pidfile(&config);
    let (workers, polls) =
        workers(config.io_threads as usize).map_err(|error| format!("Can't poll: {error}"))?;
    let (lazyfree, run) = LazyFree::new();
    spawn("lazyfree", run);
    let seed = sys::random_seed();
    let start = Start { config, config_file, executable, seed, workers, lazyfree };
    let server: &'static Server = Box::leak(Box::new(Server::new(start)));
    logger::banner(server.config().port, server.config().always_show_logo);
    for warning in [listen::backlog_warning(&server.config()), overcommit_warning()].into_iter().flatten() {
        logger::log(Level::Warning, &warning);
    }
    logger::log(Level::Notice, "Server initialized");
    server.apply_settings(None);
    signals::start(server);
    set_loading(server, true);
    for (index, poll) in polls.into_iter().enumerate() {
        spawn(&format!("worker-{index}"), move || Worker::new(server, index, &mut Floor::new(poll)).run());
    }
    let cant_accept = |error| format!("Can't accept: {error}");
    // Where there is something to load, clients are told so; else they wait the moment that the start takes.
    let listeners = match server.dump_path().exists() {
        true => {
            listen::start(server, listeners).map_err(cant_accept)?;
            None
        }
        false => Some(listeners),
    };
    loading::at_start(server)?;
    let link = server.replication.start(server)?;
    set_loading(server, false);
    if let Some(listeners) = listeners {
        listen::start(server, listeners).map_err(cant_accept)?;
    }
    announce(server);
    link.start();
    cron::run(server)
}

/// A panic is a broken invariant of ours: the process must not go on without the thread that found it.
fn abort_on_panic() {
    let print = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let thread = thread::current().name().unwrap_or("?").to_string();
        logger::log(Level::Warning, &format!("=== BUG: a thread panicked ({thread}): {panic}"));
        print(panic);
        std::process::abort();
    }));
}

fn log_start(argv: &[OsString]) {
    logger::log(Level::Notice, "oO0OoO0OoO0Oo Greylag is starting oO0OoO0OoO0Oo");
    let text = format!(
        "Greylag version={}, redis_version={}, bits=64, pid={}, just started",
        env!("CARGO_PKG_VERSION"),
        crate::REDIS_VERSION,
        std::process::id()
    );
    logger::log(Level::Notice, &text);
    if argv.len() <= 1 {
        let program = argv.first().map(|name| name.to_string_lossy()).unwrap_or_default();
        let text = format!(
            "Warning: no config file specified, using the default config. In order to specify a config file use {program} /path/to/redis.conf"
        );
        logger::log(Level::Warning, &text);
    } else {
        logger::log(Level::Notice, "Configuration loaded");
    }
}

fn overcommit_warning() -> Option<String> {
    sys::overcommit_warning().map(|text| format!("WARNING {text}"))
}

/// Raises the limit of open files for so many clients; the clients that the system allows.
fn limit_clients(asked: u64) -> Result<u64, String> {
    let files = sys::open_files(asked);
    let sys::OpenFiles { clients, before, wanted, now, error } = &files;
    let Some(error) = error else {
        if before < now {
            let text = format!(
                "Increased maximum number of open files to {now} (it was originally set to {before})."
            );
            logger::log(Level::Notice, &text);
        }
        return Ok(*clients);
    };
    if *clients == 0 {
        return Err(format!(
            "Your current 'ulimit -n' of {now} is not enough for the server to start. Please increase your open file limit to at least {wanted}. Exiting."
        ));
    }
    let error = sys::error_text(error);
    let lines = [
        format!("You requested maxclients of {asked} requiring at least {wanted} max file descriptors."),
        format!("Server can't set maximum open files to {wanted} because of OS error: {error}."),
        format!(
            "Current maximum open files is {now}. maxclients has been reduced to {clients} to compensate for low ulimit. If you need higher maxclients increase 'ulimit -n'."
        ),
    ];
    for line in lines {
        logger::log(Level::Warning, &line);
    }
    Ok(*clients)
}

fn set_loading(server: &Server, loading: bool) {
    server.engine.change_state(|state| {
        state.set_loading(loading);
    });
}

fn announce(server: &Server) {
    let config = server.config();
    if config.port != 0 {
        logger::log(Level::Notice, "Ready to accept connections");
    }
    if !config.unixsocket.is_empty() {
        logger::log(Level::Notice, "The server is now ready to accept connections at the unix socket");
    }
    let status = match server.engine.state().is_replica() {
        false => "STATUS=Ready to accept connections\nREADY=1\n",
        true => {
            "STATUS=Ready to accept connections in read-only mode until MASTER <-> REPLICA sync is completed\nREADY=1\n"
        }
    };
    sys::notify_systemd(&config, status);
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
