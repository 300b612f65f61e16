//! Shutting down: by signal or by SHUTDOWN, with or without a last save.

use crate::logger::{self, Level};
use crate::save;
use crate::server::Server;
use crate::sys;
use engine::Scratch;
use parking_lot::{Condvar, Mutex};
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
}

impl Shutdown {
    pub fn ask(&self, asked: Asked) {
        *self.asked.lock() = Some(asked);
        self.rung.notify_all();
    }

    pub fn is_asked(&self) -> bool {
        self.asked.lock().is_some()
    }

    /// SHUTDOWN ABORT: whether there was one to abort.
    pub fn abort(&self) -> bool {
        self.asked.lock().take().is_some()
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
    let config = server.config();
    logger::log(Level::Warning, "User requested shutdown...");
    if !asked.now {
        server.replication.wait_for_replicas(server, config.shutdown_timeout as u64);
        if !server.shutdown.is_asked() {
            logger::log(Level::Warning, "Shutdown aborted on request");
            return false;
        }
    }
    let save = asked.save || (!config.save.0.is_empty() && !asked.no_save);
    if save {
        logger::log(Level::Notice, "Saving the final RDB snapshot before exiting.");
        if let Err(error) = save::save_now(server, scratch) {
            if !asked.force {
                logger::log(Level::Warning, "Error trying to save the DB, can't exit.");
                logger::log(
                    Level::Warning,
                    &format!("Errors trying to shut down the server: {}", sys::error_text(&error)),
                );
                server.shutdown.abort();
                return false;
            }
            logger::log(Level::Warning, "Error trying to save the DB, but a forced shutdown goes on.");
        }
    }
    if !config.pidfile.is_empty() || config.daemonize {
        logger::log(Level::Notice, "Removing the pid file.");
        sys::remove_pidfile(&config);
    }
    if !config.unixsocket.is_empty() {
        logger::log(Level::Notice, "Removing the unix socket file.");
        let _ = std::fs::remove_file(&config.unixsocket);
    }
    logger::log(Level::Warning, "Greylag is now ready to exit, bye bye...");
    true
}
