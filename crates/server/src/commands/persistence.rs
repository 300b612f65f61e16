//! SAVE, BGSAVE, LASTSAVE and SHUTDOWN; BGREWRITEAOF, which is refused as long as there is no append-only file.

use super::HostRow;
use crate::save;
use crate::session::{After, Session};
use crate::shutdown::Asked;
use engine::row::{Categories, Doc, Flags, Locks};
use engine::{Done, Error, Meta, Scratch, Txn};
use resp::{Args, Reply};

const SERVER: Meta = Meta { group: "server", locks: Locks::None, ..Meta::BASE };
const ADMIN: Flags = Flags::ADMIN.with(Flags::NOSCRIPT);

pub const ROWS: &[HostRow] = &[
    HostRow {
        meta: Meta {
            name: "save",
            flags: ADMIN.with(Flags::NO_ASYNC_LOADING).with(Flags::NO_MULTI),
            summary: "Saves the data set, and answers when that is done.",
            complexity: "O(N) where N is the total number of keys in all databases",
            ..SERVER
        },
        run: save,
    },
    HostRow {
        meta: Meta {
            name: "bgsave",
            arity: -1,
            flags: ADMIN.with(Flags::NO_ASYNC_LOADING),
            summary: "Saves the data set in the background.",
            docs: &[Doc::flag("schedule", "SCHEDULE").optional().since("3.2.2")],
            history: &[("3.2.2", "`SCHEDULE` came.")],
            ..SERVER
        },
        run: bgsave,
    },
    HostRow {
        meta: Meta {
            name: "bgrewriteaof",
            flags: ADMIN.with(Flags::NO_ASYNC_LOADING),
            summary: "Rewrites the append-only file in the background.",
            ..SERVER
        },
        run: bgrewriteaof,
    },
    HostRow {
        meta: Meta {
            name: "lastsave",
            flags: Flags::LOADING.with(Flags::STALE).with(Flags::FAST),
            categories: Categories::ADMIN.with(Categories::DANGEROUS),
            summary: "When the data set was last saved (Unix seconds).",
            tips: &["nondeterministic_output"],
            ..SERVER
        },
        run: lastsave,
    },
    HostRow {
        meta: Meta {
            name: "shutdown",
            arity: -1,
            flags: ADMIN
                .with(Flags::LOADING)
                .with(Flags::STALE)
                .with(Flags::NO_MULTI)
                .with(Flags::ALLOW_BUSY),
            summary: "Saves the data set if it is to be saved, and ends the server.",
            complexity: "O(N) when saving, where N is the total number of keys in all databases when saving data, otherwise O(1)",
            docs: &[
                Doc::one_of("save-selector", &[Doc::flag("nosave", "NOSAVE"), Doc::flag("save", "SAVE")])
                    .optional(),
                Doc::flag("now", "NOW").optional().since("7.0.0"),
                Doc::flag("force", "FORCE").optional().since("7.0.0"),
                Doc::flag("abort", "ABORT").optional().since("7.0.0"),
            ],
            history: &[("7.0.0", "`NOW`, `FORCE` and `ABORT` came.")],
            ..SERVER
        },
        run: shutdown,
    },
];

const IN_PROGRESS: Error = Error::text("ERR Background save already in progress");

fn save(session: &mut Session, _txn: Option<&mut Txn>, _args: Args, out: &mut Reply) -> Done {
    let server = session.server;
    if server.persistence.state.lock().in_progress {
        return Err(IN_PROGRESS);
    }
    let mut scratch = Scratch::new(server.random_seed());
    // What went wrong is in the log.
    save::save_now(server, &mut scratch).map_err(|_| Error::text("ERR"))?;
    out.ok();
    Ok(())
}

fn bgsave(session: &mut Session, txn: Option<&mut Txn>, args: Args, out: &mut Reply) -> Done {
    match args.get(1) {
        None => {}
        Some(word) if args.len() == 2 && word.eq_ignore_ascii_case(b"schedule") => {}
        Some(_) => return Err(Error::Syntax),
    }
    let server = session.server;
    let mut state = server.persistence.state.lock();
    if state.in_progress {
        return Err(IN_PROGRESS);
    }
    // Inside EXEC the transaction ends first.
    if txn.is_some() {
        state.scheduled = true;
        out.simple("Background saving scheduled");
        return Ok(());
    }
    drop(state);
    if !save::save_in_background(server) {
        return Err(IN_PROGRESS);
    }
    out.simple("Background saving started");
    Ok(())
}

fn bgrewriteaof(_session: &mut Session, _txn: Option<&mut Txn>, _args: Args, _out: &mut Reply) -> Done {
    Err(Error::text("ERR BGREWRITEAOF is refused: this version does not have the append-only file yet"))
}

fn lastsave(session: &mut Session, _txn: Option<&mut Txn>, _args: Args, out: &mut Reply) -> Done {
    out.int(session.server.persistence.state.lock().last_save);
    Ok(())
}

/// Asks for the shutdown, and waits: the reply comes only if it fails.
fn shutdown(session: &mut Session, _txn: Option<&mut Txn>, args: Args, out: &mut Reply) -> Done {
    let shutdown = &session.server.shutdown;
    if let Some(ticket) = session.conn.shutdown {
        if !shutdown.has_failed(ticket) {
            session.conn.after = After::Postpone;
            return Ok(());
        }
        session.conn.shutdown = None;
        return Err(Error::text("ERR Errors trying to SHUTDOWN. Check logs."));
    }
    let mut asked = Asked::default();
    let mut abort = false;
    for word in args.tail(1) {
        match word.to_ascii_lowercase().as_slice() {
            b"nosave" => asked.no_save = true,
            b"save" => asked.save = true,
            b"now" => asked.now = true,
            b"force" => asked.force = true,
            b"abort" => abort = true,
            _ => return Err(Error::Syntax),
        }
    }
    if (abort && asked != Asked::default()) || (asked.save && asked.no_save) {
        return Err(Error::Syntax);
    }
    if abort {
        if !shutdown.abort() {
            return Err(Error::text("ERR No shutdown in progress."));
        }
        out.ok();
        return Ok(());
    }
    if session.server.engine.state().is_loading() {
        crate::shutdown::leave_loading(session.server);
    }
    let running = &session.server.scripts.running;
    if running.is_busy() {
        if !asked.no_save {
            return Err(running.error());
        }
        crate::shutdown::leave_script(session.server);
    }
    session.conn.shutdown = Some(shutdown.ask(asked));
    session.conn.after = After::Postpone;
    Ok(())
}
