//! MULTI, EXEC, DISCARD, WATCH, UNWATCH. EXEC itself runs in the dispatcher.

use super::HostRow;
use crate::server::Server;
use crate::session::{ConnState, Multi, Session};
use engine::row::{Categories, Doc, Flags, KeySpec, Locks};
use engine::{Done, Error, Meta, Txn};
use resp::{Args, Reply};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

const TRANSACTION: Meta = Meta {
    group: "transactions",
    categories: Categories::TRANSACTION,
    flags: Flags::NOSCRIPT.with(Flags::LOADING).with(Flags::STALE).with(Flags::FAST).with(Flags::ALLOW_BUSY),
    locks: Locks::None,
    since: "1.2.0",
    ..Meta::BASE
};

/// EXEC's facts; it has no function of its own.
pub const EXEC: Meta = Meta {
    name: "exec",
    flags: Flags::NOSCRIPT.with(Flags::LOADING).with(Flags::STALE).with(Flags::SKIP_SLOWLOG),
    summary: "Runs the queued commands as one transaction.",
    complexity: "Depends on commands in the transaction",
    ..TRANSACTION
};

pub const ROWS: &[HostRow] = &[
    HostRow {
        meta: Meta {
            name: "multi",
            summary: "Opens a transaction: commands are queued until EXEC.",
            ..TRANSACTION
        },
        run: multi,
    },
    HostRow {
        meta: Meta {
            name: "discard",
            since: "2.0.0",
            summary: "Forgets the queued commands.",
            complexity: "O(N), when N is the number of queued commands",
            ..TRANSACTION
        },
        run: discard_command,
    },
    HostRow {
        meta: Meta {
            name: "watch",
            arity: -2,
            since: "2.2.0",
            keys: &[KeySpec { flags: &["RO"], first: 1, last: -1, step: 1, notes: "" }],
            locks: Locks::Keys,
            docs: &[Doc::key("key", 0).multiple()],
            summary: "EXEC fails if one of these keys changes before it.",
            complexity: "O(1) for every key.",
            ..TRANSACTION
        },
        run: watch,
    },
    HostRow {
        meta: Meta { name: "unwatch", since: "2.2.0", summary: "Forgets the watched keys.", ..TRANSACTION },
        run: unwatch_command,
    },
];

fn multi(session: &mut Session, _txn: Option<&mut Txn>, _args: Args, out: &mut Reply) -> Done {
    if session.conn.multi.is_some() {
        return Err(Error::text("ERR MULTI calls can not be nested"));
    }
    session.conn.multi = Some(Multi::default());
    session.conn.client.multi.store(0, Relaxed);
    out.ok();
    Ok(())
}

fn discard_command(session: &mut Session, _txn: Option<&mut Txn>, _args: Args, out: &mut Reply) -> Done {
    if session.conn.multi.is_none() {
        return Err(Error::text("ERR DISCARD without MULTI"));
    }
    discard(session.server, session.conn);
    out.ok();
    Ok(())
}

fn watch(session: &mut Session, txn: Option<&mut Txn>, args: Args, out: &mut Reply) -> Done {
    if session.conn.multi.is_some() {
        return Err(Error::text("ERR WATCH inside MULTI is not allowed"));
    }
    let txn = txn.expect("WATCH's row names its keys");
    let conn = &mut *session.conn;
    for key in args.iter().skip(1) {
        if conn.watched.iter().any(|(db, watched, _)| *db == conn.db && watched == key) {
            continue;
        }
        // A key whose time has passed goes before it is watched, so that its deletion is no change. A replica waits
        // for its primary's word, and remembers.
        let state = txn.state();
        if txn.is_expired(conn.db, key) && !state.is_replica() && !state.expiry_paused() {
            txn.remove_in(conn.db, key);
        }
        txn.watch(conn.db, key, &conn.watch_mark);
        conn.watched.push((conn.db, key.to_vec(), txn.is_expired(conn.db, key)));
    }
    conn.client.watching.store(conn.watched.len() as u32, Relaxed);
    *conn.client.watch_mark.lock() = Some(conn.watch_mark.clone());
    out.ok();
    Ok(())
}

fn unwatch_command(session: &mut Session, _txn: Option<&mut Txn>, _args: Args, out: &mut Reply) -> Done {
    unwatch(session.server, session.conn);
    out.ok();
    Ok(())
}

/// Forgets queued commands and watched keys.
pub fn discard(server: &Server, conn: &mut ConnState) {
    conn.multi = None;
    leave_multi(conn);
    unwatch(server, conn);
}

/// Says that no MULTI is open.
pub fn leave_multi(conn: &ConnState) {
    conn.client.multi.store(-1, Relaxed);
    conn.client.multi_bytes.store(0, Relaxed);
}

/// Forgets the watched keys.
pub fn unwatch(server: &Server, conn: &mut ConnState) {
    for (db, key, _) in std::mem::take(&mut conn.watched) {
        let running = &server.scripts.running;
        if !server.engine.unwatch_unless(db, &key, &conn.watch_mark, running.busy_flag()) {
            running.unwatch_later(db, key, conn.watch_mark.clone());
        }
    }
    forget_watches(conn);
}

/// A fresh mark, once the shards have forgotten the old one.
pub fn forget_watches(conn: &mut ConnState) {
    if conn.client.watching.swap(0, Relaxed) != 0 {
        conn.watch_mark = Arc::default();
        *conn.client.watch_mark.lock() = None;
    }
}
