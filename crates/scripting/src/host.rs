//! What a script asks of its server, and how the functions that it calls find it.
//!
//! The functions that Lua calls live as long as the interpreter, the host only as long as one run: it is lent to the
//! thread for that time ([`lend`]), and the functions borrow it from there.

use base::rng::Rng;
use resp::{Args, Proto};

/// Levels of `redis.log`, by their numbers in a script.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LogLevel {
    Debug,
    Verbose,
    Notice,
    Warning,
}

/// Why a command was not run, as the text of the error that the script gets. One that begins with `-` has a code.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused(pub String);

/// What a script that runs for long is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pulse {
    GoOn,
    /// SCRIPT KILL or FUNCTION KILL: the text says which.
    Kill(&'static str),
}

/// What a script asks of its server.
pub trait Host {
    /// Runs a command in the script's transaction. Its reply, which may be an error, goes to `out`.
    fn call(&mut self, args: Args, proto: Proto, out: &mut Vec<u8>) -> Result<(), Refused>;

    /// Whether the user may run the command; `None` if there is no such command.
    fn may_run(&mut self, args: Args) -> Option<bool>;

    fn log(&mut self, level: LogLevel, text: &[u8]);

    /// Whether what commands change goes to the log from here on: `redis.set_repl`.
    fn set_replicates(&mut self, on: bool);

    /// Asked every so many instructions.
    fn pulse(&mut self) -> Pulse;

    /// Seconds of processor time, for `os.clock`.
    fn cpu_seconds(&mut self) -> f64;

    fn rng(&mut self) -> &mut Rng;
}

scoped_tls_hkt::scoped_thread_local!(static mut HOST: for<'a> &'a mut (dyn Host + 'a));

/// Lends `host` to the functions that `run` calls.
pub(crate) fn lend<R>(host: &mut dyn Host, run: impl FnOnce() -> R) -> R {
    HOST.set(host, run)
}

/// Borrows the host; `None` outside a run: while a library is loaded.
#[inline]
pub(crate) fn with_host<R>(ask: impl FnOnce(&mut dyn Host) -> R) -> Option<R> {
    HOST.is_set().then(|| HOST.with(|host| ask(host)))
}
