//! REPLICAOF, REPLCONF, PSYNC, SYNC, ROLE.
//!
//! REPLICAOF holds every shard: when it replies, no write of the old role can follow. PSYNC and SYNC give the
//! connection to the thread that feeds the replicas.

use super::HostRow;
use crate::replication::Follows;
use crate::session::{After, Session};
use engine::row::{Categories, Flags, Locks};
use engine::{Done, Error, Meta, Txn};
use replication::replica::By;
use resp::{Args, OwnedArgs, Reply};
use std::sync::atomic::Ordering::Relaxed;

const ADMIN: Meta =
    Meta { group: "server", flags: Flags::ADMIN.with(Flags::NOSCRIPT), locks: Locks::None, ..Meta::BASE };

const REPLICAOF: Meta = Meta {
    arity: 3,
    flags: ADMIN.flags.with(Flags::NO_ASYNC_LOADING).with(Flags::STALE),
    locks: Locks::All,
    ..ADMIN
};

const SYNC: Meta = Meta { flags: ADMIN.flags.with(Flags::NO_ASYNC_LOADING).with(Flags::NO_MULTI), ..ADMIN };

pub const ROWS: &[HostRow] = &[
    HostRow {
        meta: Meta {
            name: "replicaof",
            since: "5.0.0",
            summary: "Makes this server a replica of another, or a primary again.",
            ..REPLICAOF
        },
        run: replicaof,
    },
    HostRow {
        meta: Meta { name: "slaveof", summary: "The old name of REPLICAOF.", ..REPLICAOF },
        run: replicaof,
    },
    HostRow {
        meta: Meta {
            name: "replconf",
            arity: -1,
            flags: ADMIN.flags.with(Flags::ALLOW_BUSY).with(Flags::LOADING).with(Flags::STALE),
            since: "3.0.0",
            summary: "What a replica and its primary tell each other.",
            ..ADMIN
        },
        run: replconf,
    },
    HostRow {
        meta: Meta {
            name: "psync",
            arity: -3,
            since: "2.8.0",
            complexity: "",
            summary: "Asks for the stream of writes from an offset on.",
            ..SYNC
        },
        run: sync,
    },
    HostRow {
        meta: Meta {
            name: "sync",
            complexity: "",
            summary: "Asks for a snapshot and the stream of writes after it.",
            ..SYNC
        },
        run: sync,
    },
    HostRow {
        meta: Meta {
            name: "role",
            flags: Flags::FAST.with(Flags::LOADING).with(Flags::NOSCRIPT).with(Flags::STALE),
            categories: Categories::ADMIN.with(Categories::DANGEROUS),
            since: "2.8.12",
            summary: "This server's role, its replicas or its primary.",
            ..ADMIN
        },
        run: role,
    },
];

fn replicaof(session: &mut Session, txn: Option<&mut Txn>, args: Args, out: &mut Reply) -> Done {
    let server = session.server;
    let (host, port) = (args.at(1), args.at(2));
    let who = crate::client::describe(server, &session.conn.client);
    if host.eq_ignore_ascii_case(b"no") && port.eq_ignore_ascii_case(b"one") {
        session.with_all_shards(txn, |txn| server.replication.promote(server, txn, By::User(who)))?;
        out.ok();
        return Ok(());
    }
    if session.conn.client.replica.load(Relaxed) {
        // A replica's own connection can't make its primary follow somebody.
        return Err(Error::text("ERR Command is not valid when client is a replica."));
    }
    let port = base::number::parse_i64(port).filter(|port| (0..=65535).contains(port));
    let port = port.ok_or(Error::text("ERR Invalid master port"))? as u16;
    let host = String::from_utf8_lossy(host).into_owned();
    let follows =
        session.with_all_shards(txn, |txn| server.replication.follow(server, txn, host, port, &who))?;
    match follows {
        Follows::Anew => out.ok(),
        Follows::Already => out.simple("OK Already connected to specified master"),
    }
    Ok(())
}

fn replconf(session: &mut Session, _txn: Option<&mut Txn>, args: Args, out: &mut Reply) -> Done {
    match session.conn.replconf.replconf(args) {
        Ok(true) => out.ok(),
        Ok(false) => {} // ACK and GETACK are not answered
        Err(error) => return Err(Error::owned(error.to_string())),
    }
    Ok(())
}

fn sync(session: &mut Session, _txn: Option<&mut Txn>, args: Args, _out: &mut Reply) -> Done {
    if session.server.replication.lacks_primary() {
        return Err(Error::text("NOMASTERLINK Can't SYNC while not connected with my master"));
    }
    session.conn.sync_request = Some(OwnedArgs::from_args(args));
    session.conn.after = After::HandOver;
    Ok(())
}

fn role(session: &mut Session, _txn: Option<&mut Txn>, _args: Args, out: &mut Reply) -> Done {
    session.server.replication.role(session.server, out);
    Ok(())
}
