//! Shutting down: by signal or by SHUTDOWN, with or without a last save.

use crate::logger::{self, Level};
use crate::pause::{FOREVER_MS, Purpose, Scope};
use crate::save;
use crate::server::Server;
use crate::sys;
use engine::Scratch;
use parking_lot::{Condvar, Mutex};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicI64, AtomicU64};
use std::time::Duration;

/// How a shutdown was asked for.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct Asked {
    pub save: bool,
    pub no_save: bool,
    /// Don't wait for lagging replicas.
    pub now: bool,
    /// Go on although the save failed.
    pub force: bool,
}

impl Asked {
    pub fn by_signal(how: crate::config::ShutdownFlags) -> Self {
        Self { save: how.save, no_save: how.nosave, now: how.now, force: how.force }
    }
}

/// The request, and who waits for it.
#[derive(Default)]
pub struct Shutdown {
    asked: Mutex<Option<Asked>>,
    rung: Condvar,
    /// Shutdowns that failed or were aborted.
    failures: AtomicU64,
    /// Until when it waits for replicas (monotonic ms); 0 if it doesn't.
    pub waits_until_ms: AtomicI64,
}

/// Which shutdown somebody waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ticket(u64);

impl Shutdown {
    pub fn ask(&self, asked: Asked) -> Ticket {
        let mut slot = self.asked.lock();
        *slot = Some(asked);
        self.rung.notify_all();
        Ticket(self.failures.load(Relaxed))
    }

    pub fn is_asked(&self) -> bool {
        self.asked.lock().is_some()
    }

    /// Whether the shutdown with this ticket will not come.
    pub fn has_failed(&self, ticket: Ticket) -> bool {
        Ticket(self.failures.load(Relaxed)) != ticket
    }

    /// SHUTDOWN ABORT: whether there was one to abort.
    pub fn abort(&self) -> bool {
        let mut asked = self.asked.lock();
        let was_asked = asked.take().is_some();
        if was_asked {
            self.failures.fetch_add(1, Relaxed);
        }
        was_asked
    }

    /// Waits for a request, at most so long.
    pub fn wait(&self, most: Duration) -> Option<Asked> {
        let mut asked = self.asked.lock();
        if asked.is_none() {
            self.rung.wait_for(&mut asked, most);
        }
        *asked
    }
}

/// Saves where it must, and takes leave. False if the shutdown failed and the server goes on.
pub fn run(server: &'static Server, scratch: &mut Scratch, asked: Asked) -> bool {
    logger::log(Level::Warning, "User requested shutdown...");
    sys::notify_systemd(&server.config(), "STOPPING=1\n");
    // No write is answered from here on: it would be in neither the file nor a replica that has caught up.
    server.pause.begin(server, None, Purpose::Shutdown, Scope::Writes, FOREVER_MS);
    if prepare(server, scratch, asked) {
        take_leave(server);
        return true;
    }
    // Those who wait for it look again, and are told.
    server.pause.end(server, None, Purpose::Shutdown);
    false
}

/// While the start loads, nobody waits for requests to shut down, and there is nothing to save: the process ends at
/// once.
pub fn leave_loading(server: &'static Server) -> ! {
    let mut scratch = Scratch::new(server.random_seed());
    run(server, &mut scratch, Asked { no_save: true, now: true, force: true, ..Asked::default() });
    sys::exit_at_once(0)
}

/// While a script holds every shard nobody waits for it: the process ends at once, and saves nothing.
pub fn leave_script(server: &'static Server) -> ! {
    logger::log(Level::Warning, "User requested shutdown...");
    take_leave(server);
    sys::exit_at_once(0)
}

/// Waits for replicas, and saves.
fn prepare(server: &'static Server, scratch: &mut Scratch, asked: Asked) -> bool {
    let config = server.config();
    let waits = &server.shutdown.waits_until_ms;
    if !asked.now {
        waits.store(server.clock.monotonic_ms() + config.shutdown_timeout * 1000, Relaxed);
        server.replication.wait_for_replicas(server, config.shutdown_timeout as u64);
        waits.store(0, Relaxed);
        if !server.shutdown.is_asked() {
            logger::log(Level::Warning, "Shutdown aborted on request");
            return false;
        }
    }
    save::cancel(server);
    if !asked.save && (config.save.0.is_empty() || asked.no_save) {
        return true;
    }
    logger::log(Level::Notice, "Saving the final RDB snapshot before exiting.");
    let Err(error) = save::save_now(server, scratch) else { return true };
    if asked.force {
        logger::log(Level::Warning, "Error trying to save the DB, but a forced shutdown goes on.");
        return true;
    }
    server.shutdown.abort();
    logger::log(Level::Warning, "Error trying to save the DB, can't exit.");
    let text = format!("Errors trying to shut down the server: {}", sys::error_text(&error));
    logger::log(Level::Warning, &text);
    false
}

fn take_leave(server: &'static Server) {
    let config = server.config();
    server.replication.remove_half_received();
    if !config.pidfile.is_empty() || config.daemonize {
        logger::log(Level::Notice, "Removing the pid file.");
        sys::remove_pidfile(&config);
    }
    if !config.unixsocket.is_empty() {
        logger::log(Level::Notice, "Removing the unix socket file.");
        let _ = std::fs::remove_file(&config.unixsocket);
    }
    logger::log(Level::Warning, "Greylag is now ready to exit, bye bye...");
}
