//! DEBUG: for tests. Refused unless enable-debug-command allows it.
//!
//! It knows its subcommands itself, as in Redis: COMMAND tells of none, and each has its number of arguments here.

mod crash;
mod data;
mod protocol;

use super::{HostRow, help};
use crate::logger::{self, Level};
use crate::session::Session;
use base::glob;
use base::number::parse_i64;
use engine::row::{Flags, Locks};
use engine::{Done, Error, Meta, Txn};
use resp::{Args, Reply};
use std::ops::RangeInclusive;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

pub const ROWS: &[HostRow] = &[HostRow {
    meta: Meta {
        name: "debug",
        arity: -2,
        flags: Flags::ADMIN
            .with(Flags::NOSCRIPT)
            .with(Flags::LOADING)
            .with(Flags::STALE)
            .with(Flags::PROTECTED),
        locks: Locks::All,
        group: "server",
        summary: "Subcommands for tests.",
        complexity: "Depends on subcommand.",
        system: true,
        ..Meta::BASE
    },
    run: debug,
}];

struct Sub {
    name: &'static str,
    /// How the arguments are written.
    usage: &'static str,
    summary: &'static str,
    /// Number of arguments, with DEBUG and the name.
    args: RangeInclusive<usize>,
    run: super::HostFn,
}

const MANY: usize = usize::MAX;

const SUBS: &[Sub] = &[
    Sub {
        name: "assert",
        usage: "",
        summary: "Ends the server by a failed assertion.",
        args: 2..=2,
        run: crash::panic,
    },
    Sub {
        name: "change-repl-id",
        usage: "",
        summary: "Gives the history of the data set a new id; for tests of replication.",
        args: 2..=2,
        run: change_repl_id,
    },
    Sub {
        name: "crash-and-recover",
        usage: "[<milliseconds>]",
        summary: "Ends the server without saving, and starts it again after a while.",
        args: 2..=3,
        run: crash::crash_and_recover,
    },
    Sub {
        name: "digest",
        usage: "[7.0]",
        summary: "A digest of the whole data set, as Redis 7.2 computes it, or 7.0.",
        args: 2..=3,
        run: data::digest,
    },
    Sub {
        name: "digest-value",
        usage: "<key> [<key> ...]",
        summary: "Digests of the values of keys.",
        args: 2..=MANY,
        run: data::digest_value,
    },
    Sub { name: "error", usage: "<text>", summary: "Answers the error line.", args: 3..=3, run: error },
    Sub { name: "help", usage: "", summary: "Prints this help.", args: 2..=2, run: print_help },
    Sub { name: "log", usage: "<text>", summary: "Writes the text to the log.", args: 3..=3, run: log },
    Sub {
        name: "object",
        usage: "<key> [FAST]",
        summary: "What lies behind a key. FAST: without its length in a file, which takes time to find.",
        args: 3..=4,
        run: data::object,
    },
    Sub { name: "panic", usage: "", summary: "Ends the server by a panic.", args: 2..=2, run: crash::panic },
    Sub {
        name: "populate",
        usage: "<count> [<prefix> [<size>]]",
        summary: "Adds string keys `prefix:number` (prefix `key`) with values `value:number`, of a size if one is given; what exists stays.",
        args: 3..=5,
        run: data::populate,
    },
    Sub {
        name: "protocol",
        usage: "<type>",
        summary: "Answers a value of a type of the protocol.",
        args: 3..=3,
        run: protocol::protocol,
    },
    Sub {
        name: "reload",
        usage: "[NOSAVE] [NOFLUSH] [MERGE]",
        summary: "Saves the data set and loads it again. NOSAVE: loads the file that is there. NOFLUSH: adds to the data set; MERGE: and replaces keys that both have. Replicas are not told.",
        args: 2..=MANY,
        run: data::reload,
    },
    Sub {
        name: "restart",
        usage: "[<milliseconds>]",
        summary: "Writes the configuration, saves, and starts the server again after a while.",
        args: 2..=3,
        run: crash::restart,
    },
    Sub {
        name: "segfault",
        usage: "",
        summary: "Ends the server by a segmentation fault.",
        args: 2..=2,
        run: crash::segfault,
    },
    Sub {
        name: "set-active-expire",
        usage: "<0|1>",
        summary: "Whether keys expire that nobody looks at.",
        args: 3..=3,
        run: set_active_expire,
    },
    Sub {
        name: "sleep",
        usage: "<seconds>",
        summary: "Stops every thread of the server for so long.",
        args: 3..=3,
        run: sleep,
    },
    Sub {
        name: "stringmatch-len",
        usage: "<length> <pattern>",
        summary: "Whether the pattern fits a text of so many letters a.",
        args: 4..=4,
        run: stringmatch_len,
    },
];

fn debug(session: &mut Session, txn: Option<&mut Txn>, args: Args, out: &mut Reply) -> Done {
    let name = args.at(1);
    let sub = SUBS.iter().find(|sub| name.eq_ignore_ascii_case(sub.name.as_bytes()));
    match sub.filter(|sub| sub.args.contains(&args.len())) {
        Some(sub) => (sub.run)(session, txn, args, out),
        None => Err(super::wrong_subcommand("DEBUG", name)),
    }
}

fn print_help(_session: &mut Session, _txn: Option<&mut Txn>, _args: Args, out: &mut Reply) -> Done {
    let usage = |sub: &Sub| format!("{} {}", sub.name.to_ascii_uppercase(), sub.usage);
    let lines: Vec<(String, &str)> = SUBS.iter().map(|sub| (usage(sub), sub.summary)).collect();
    help::write("debug", &lines, out);
    Ok(())
}

fn change_repl_id(session: &mut Session, txn: Option<&mut Txn>, _args: Args, out: &mut Reply) -> Done {
    let server = session.server;
    session.with_all_shards(txn, |_| server.replication.change_repl_id(server))?;
    out.ok();
    Ok(())
}

/// The line goes out as it is given, and is not counted as an error of ours.
fn error(_session: &mut Session, _txn: Option<&mut Txn>, args: Args, out: &mut Reply) -> Done {
    out.error_line(args.at(2));
    Ok(())
}

fn log(_session: &mut Session, _txn: Option<&mut Txn>, args: Args, out: &mut Reply) -> Done {
    logger::log(Level::Warning, &format!("DEBUG LOG: {}", String::from_utf8_lossy(args.at(2))));
    out.ok();
    Ok(())
}

fn set_active_expire(session: &mut Session, _txn: Option<&mut Txn>, args: Args, out: &mut Reply) -> Done {
    session.server.active_expire.store(parse_i64(args.at(2)).unwrap_or(0) != 0, Relaxed);
    out.ok();
    Ok(())
}

/// Longer than any test sleeps; keeps what is asked within what a duration can say.
const SLEEP_SECONDS_MAX: f64 = 1e6;

fn sleep(session: &mut Session, _txn: Option<&mut Txn>, args: Args, out: &mut Reply) -> Done {
    let seconds = base::number::parse_f64(args.at(2)).unwrap_or(0.0);
    let seconds = if seconds.is_nan() { 0.0 } else { seconds.clamp(0.0, SLEEP_SECONDS_MAX) };
    session.server.freeze(Duration::from_secs_f64(seconds));
    session.server.freeze_point();
    out.ok();
    Ok(())
}

/// What a text may take at most.
const TEXT_BYTES_MAX: i64 = 1 << 30;

fn stringmatch_len(_session: &mut Session, _txn: Option<&mut Txn>, args: Args, out: &mut Reply) -> Done {
    let len =
        parse_i64(args.at(2)).filter(|len| (0..=TEXT_BYTES_MAX).contains(len)).ok_or(Error::NotInteger)?;
    let text = vec![b'a'; len as usize];
    out.int(i64::from(glob::matches(args.at(3), &text, glob::Case::Sensitive)));
    Ok(())
}
