//! Signals: SIGTERM and SIGINT ask for a shutdown; SIGHUP and SIGPIPE are ignored.
//!
//! They are blocked in every thread and taken by one that waits for them, so nothing runs in a handler.

use crate::logger;
use crate::server::Server;
use crate::shutdown::{self, Asked};
use crate::sys;

/// Blocks the signals that [`start`] waits for; called before any thread is started.
pub fn block() {
    sys::ignore_signal(libc::SIGHUP);
    sys::ignore_signal(libc::SIGPIPE);
    sys::block_signals(&[libc::SIGTERM, libc::SIGINT]);
}

pub fn start(server: &'static Server) {
    crate::start::spawn("signals", move || {
        let mut asked_before = false;
        loop {
            let signal = sys::wait_signal(&[libc::SIGTERM, libc::SIGINT]);
            let config = server.config();
            let (text, how) = match signal {
                libc::SIGINT => ("Received SIGINT scheduling shutdown...", config.shutdown_on_sigint),
                _ => ("Received SIGTERM scheduling shutdown...", config.shutdown_on_sigterm),
            };
            if signal == libc::SIGINT && asked_before && server.shutdown.is_asked() {
                logger::log_signal("You insist... exiting now.");
                sys::exit_at_once(1);
            }
            asked_before = true;
            if server.engine.state().is_loading() {
                logger::log_signal("Received shutdown signal during loading, scheduling shutdown.");
                shutdown::leave_loading(server);
            }
            logger::log_signal(text);
            server.shutdown.ask(Asked::by_signal(how));
        }
    });
}
