//! Signals: SIGTERM and SIGINT ask for a shutdown; SIGHUP and SIGPIPE are ignored.
//!
//! They are blocked in every thread and taken by one that waits for them, so nothing runs in a handler.

use crate::logger::{self, Level};
use crate::server::Server;
use crate::shutdown::Asked;
use crate::sys;

/// Blocks the signals that [`start`] waits for; called before any thread is started.
pub fn block() {
    sys::ignore_signal(libc::SIGHUP);
    sys::ignore_signal(libc::SIGPIPE);
    sys::block_signals(&[libc::SIGTERM, libc::SIGINT]);
}

pub fn start(server: &'static Server) {
    crate::start::spawn("signals", move || {
        loop {
            let signal = sys::wait_signal(&[libc::SIGTERM, libc::SIGINT]);
            let config = server.config();
            let (name, how) = match signal {
                libc::SIGINT => ("SIGINT", config.shutdown_on_sigint),
                _ => ("SIGTERM", config.shutdown_on_sigterm),
            };
            if signal == libc::SIGINT && server.shutdown.is_asked() {
                logger::log(Level::Warning, "You insist... exiting now.");
                sys::exit_at_once(1);
            }
            if server.engine.state().is_loading() {
                logger::log(Level::Warning, &format!("Received {name} during loading, exiting now."));
                sys::exit_at_once(0);
            }
            logger::log(Level::Warning, &format!("Received {name} scheduling shutdown..."));
            server.shutdown.ask(Asked::by_signal(how));
        }
    });
}
