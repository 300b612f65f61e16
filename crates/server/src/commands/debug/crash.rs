//! DEBUG PANIC, SEGFAULT, CRASH-AND-RECOVER and RESTART: the server really ends, in various ways.

use crate::logger::{self, Level};
use crate::server::Server;
use crate::session::Session;
use crate::{save, sys};
use base::number::parse_i64;
use engine::{Done, Error, Scratch, Txn};
use resp::{Args, Reply};
use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::Duration;

pub fn panic(_session: &mut Session, _txn: Option<&mut Txn>, args: Args, _out: &mut Reply) -> Done {
    let text =
        format!("Panic on request: DEBUG {}", String::from_utf8_lossy(args.at(1)).to_ascii_uppercase());
    logger::log(Level::Warning, &text);
    std::process::abort();
}

pub fn segfault(_session: &mut Session, _txn: Option<&mut Txn>, _args: Args, _out: &mut Reply) -> Done {
    logger::log(Level::Warning, "Segmentation fault on request: DEBUG SEGFAULT");
    sys::die_by_signal(libc::SIGSEGV);
}

pub fn crash_and_recover(
    session: &mut Session,
    _txn: Option<&mut Txn>,
    args: Args,
    _out: &mut Reply,
) -> Done {
    let delay = delay(args)?;
    run_anew(session.server, delay)
}

pub fn restart(session: &mut Session, txn: Option<&mut Txn>, args: Args, _out: &mut Reply) -> Done {
    let delay = delay(args)?;
    let server = session.server;
    if txn.is_some() {
        return Err(Error::text("ERR DEBUG RESTART is not possible inside a transaction"));
    }
    crate::commands::write_config_file(server).map_err(|error| failed(&error))?;
    if !server.config().save.0.is_empty() {
        let mut scratch = Scratch::new(server.random_seed());
        save::save_now(server, &mut scratch).map_err(|error| failed(&error))?;
    }
    run_anew(server, delay)
}

fn delay(args: Args) -> Result<Duration, Error> {
    let ms = match args.get(2) {
        Some(ms) => parse_i64(ms).ok_or(Error::NotInteger)?,
        None => 0,
    };
    Ok(Duration::from_millis(ms.max(0) as u64))
}

/// The same process runs the same program with the same arguments, from its beginning.
fn run_anew(server: &'static Server, delay: Duration) -> Done {
    let mut args: Vec<_> = std::env::args_os().collect();
    // The working directory may be another than at the start.
    if let (Some(path), Some(first)) = (&server.config_file, args.get_mut(1)) {
        *first = path.clone().into_os_string();
    }
    if !delay.is_zero() {
        server.freeze(delay);
        server.freeze_point();
    }
    let mut command = Command::new(&server.executable);
    if let Some((name, rest)) = args.split_first() {
        command.arg0(name).args(rest);
    }
    // Descriptors are closed by the exec, as all of them are marked so.
    Err(failed(&command.exec()))
}

fn failed(error: &io::Error) -> Error {
    logger::log(Level::Warning, &format!("Can't restart: {}", sys::error_text(error)));
    Error::text("ERR failed to restart the server. Check server logs.")
}
