//! PING, ECHO, SELECT, AUTH, HELLO, QUIT, RESET.

use super::HostRow;
use crate::session::{After, ConnState, Session};
use engine::row::{Categories, Doc, Flags, Locks};
use engine::{Done, Error, Meta, Txn};
use resp::{Args, Proto, Reply};
use std::sync::atomic::Ordering::Relaxed;

const CONNECTION: Meta =
    Meta { group: "connection", categories: Categories::CONNECTION, locks: Locks::None, ..Meta::BASE };

const ALWAYS: Flags = Flags::NOSCRIPT.with(Flags::LOADING).with(Flags::STALE).with(Flags::FAST);

pub const ROWS: &[HostRow] = &[
    HostRow {
        meta: Meta {
            name: "ping",
            arity: -1,
            flags: Flags::FAST,
            summary: "Answers PONG, or the message.",
            docs: &[Doc::new("message", "string").optional()],
            tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
            ..CONNECTION
        },
        run: ping,
    },
    HostRow {
        meta: Meta {
            name: "echo",
            arity: 2,
            flags: Flags::LOADING.with(Flags::STALE).with(Flags::FAST),
            summary: "Answers the message.",
            docs: &[Doc::new("message", "string")],
            ..CONNECTION
        },
        run: echo,
    },
    HostRow {
        meta: Meta {
            name: "select",
            arity: 2,
            flags: Flags::LOADING.with(Flags::STALE).with(Flags::FAST),
            summary: "Chooses the database of this connection.",
            docs: &[Doc::new("index", "integer")],
            ..CONNECTION
        },
        run: select,
    },
    HostRow {
        meta: Meta {
            name: "auth",
            arity: -2,
            flags: ALWAYS.with(Flags::NO_AUTH).with(Flags::ALLOW_BUSY),
            summary: "Logs in by password, or by user and password.",
            docs: &[Doc::new("username", "string").optional().since("6.0.0"), Doc::new("password", "string")],
            history: &[("6.0.0", "The user came.")],
            complexity: "O(N) where N is the number of passwords defined for the user",
            ..CONNECTION
        },
        run: auth,
    },
    HostRow {
        meta: Meta {
            name: "hello",
            arity: -1,
            flags: ALWAYS.with(Flags::NO_AUTH).with(Flags::ALLOW_BUSY),
            since: "6.0.0",
            summary: "Chooses the protocol; may log in and name the connection too.",
            docs: &[Doc {
                of: &[
                    Doc::new("protover", "integer"),
                    Doc {
                        of: &[Doc::new("username", "string"), Doc::new("password", "string")],
                        ..Doc::new("auth", "block")
                    }
                    .behind("AUTH")
                    .optional(),
                    Doc::new("clientname", "string").behind("SETNAME").optional(),
                ],
                ..Doc::new("arguments", "block")
            }
            .optional()],
            history: &[("6.2.0", "The version may be left out: the reply is the same.")],
            ..CONNECTION
        },
        run: hello,
    },
    HostRow {
        meta: Meta {
            name: "quit",
            arity: -1,
            flags: ALWAYS.with(Flags::NO_AUTH).with(Flags::ALLOW_BUSY),
            summary: "Closes the connection after the reply.",
            ..CONNECTION
        },
        run: quit,
    },
    HostRow {
        meta: Meta {
            name: "reset",
            arity: 1,
            flags: ALWAYS.with(Flags::NO_AUTH).with(Flags::ALLOW_BUSY),
            since: "6.2.0",
            summary: "Brings the connection back to its first state.",
            ..CONNECTION
        },
        run: reset,
    },
];

fn ping(_session: &mut Session, _txn: Option<&mut Txn>, args: Args, out: &mut Reply) -> Done {
    match args.len() {
        1 => out.simple("PONG"),
        2 => out.bulk(args.at(1)),
        _ => return Err(Error::Arity { command: "ping".into() }),
    }
    Ok(())
}

fn echo(_session: &mut Session, _txn: Option<&mut Txn>, args: Args, out: &mut Reply) -> Done {
    out.bulk(args.at(1));
    Ok(())
}

fn select(session: &mut Session, _txn: Option<&mut Txn>, args: Args, out: &mut Reply) -> Done {
    let db = base::number::parse_i64(args.at(1)).ok_or(Error::NotInteger)?;
    if i32::try_from(db).is_err() {
        let (min, max) = (i32::MIN, i32::MAX);
        return Err(Error::owned(format!("ERR value is out of range, value must between {min} and {max}")));
    }
    if db < 0 || i64::from(session.server.engine.databases()) <= db {
        return Err(Error::DbOutOfRange);
    }
    session.conn.db = db as u32;
    session.conn.client.db.store(db as u32, Relaxed);
    out.ok();
    Ok(())
}

fn auth(session: &mut Session, _txn: Option<&mut Txn>, args: Args, out: &mut Reply) -> Done {
    let (user, password): (&[u8], &[u8]) = match args.len() {
        2 => {
            if session.server.config().requirepass.is_empty() {
                return Err(Error::text(
                    "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?",
                ));
            }
            (b"default", args.at(1))
        }
        3 => (args.at(1), args.at(2)),
        _ => return Err(Error::Syntax),
    };
    log_in(session, user, password)?;
    out.ok();
    Ok(())
}

fn log_in(session: &mut Session, user: &[u8], password: &[u8]) -> Done {
    // The one of now: it may have changed earlier in the same batch.
    let config = session.server.config();
    let wanted = config.requirepass.as_bytes();
    let fits = wanted.is_empty() || same_bytes(wanted, password);
    if user != b"default" || !fits {
        session.server.errors.auth_denied.fetch_add(1, Relaxed);
        return Err(Error::text("WRONGPASS invalid username-password pair or user is disabled."));
    }
    session.conn.authenticated = true;
    Ok(())
}

/// Compares in a time that depends on the given length alone.
fn same_bytes(wanted: &[u8], given: &[u8]) -> bool {
    let mut differs = wanted.len() ^ given.len();
    for (i, byte) in given.iter().enumerate() {
        differs |= usize::from(byte ^ wanted[i % wanted.len()]);
    }
    differs == 0
}

fn hello(session: &mut Session, _txn: Option<&mut Txn>, args: Args, out: &mut Reply) -> Done {
    let mut proto = session.conn.proto;
    if let Some(version) = args.get(1) {
        proto = match base::number::parse_i64(version) {
            Some(2) => Proto::Resp2,
            Some(3) => Proto::Resp3,
            Some(_) => return Err(Error::text("NOPROTO unsupported protocol version")),
            None => {
                return Err(Error::text("ERR Protocol version is not an integer or out of range"));
            }
        };
    }
    let mut login = None;
    let mut name = None;
    let mut at = 2;
    while let Some(option) = args.get(at) {
        if option.eq_ignore_ascii_case(b"auth") && at + 2 < args.len() {
            login = Some((args.at(at + 1), args.at(at + 2)));
            at += 3;
        } else if option.eq_ignore_ascii_case(b"setname") && at + 1 < args.len() {
            check_name(args.at(at + 1))?;
            name = Some(args.at(at + 1));
            at += 2;
        } else {
            let option = super::text(option);
            return Err(Error::owned(format!("ERR Syntax error in HELLO option '{option}'")));
        }
    }
    if let Some((user, password)) = login {
        log_in(session, user, password)?;
    }
    if !session.conn.authenticated {
        return Err(Error::text(
            "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time",
        ));
    }
    if let Some(name) = name {
        session.conn.client.names.lock().name = name.to_vec();
    }
    session.conn.proto = proto;
    session.conn.client.resp3.store(proto == Proto::Resp3, Relaxed);
    out.set_proto(proto);
    out.map(7);
    out.bulk(b"server");
    out.bulk(b"redis");
    out.bulk(b"version");
    out.bulk(crate::REDIS_VERSION.as_bytes());
    out.bulk(b"proto");
    out.int(if proto == Proto::Resp3 { 3 } else { 2 });
    out.bulk(b"id");
    out.int(session.conn.client.id as i64);
    out.bulk(b"mode");
    out.bulk(b"standalone");
    out.bulk(b"role");
    out.bulk(if session.server.engine.state().is_replica() { b"replica" } else { b"master" });
    out.bulk(b"modules");
    out.array(0);
    Ok(())
}

/// A client's name has printable characters only, without spaces.
pub fn check_name(name: &[u8]) -> Done {
    if is_plain(name) {
        return Ok(());
    }
    Err(Error::text("ERR Client names cannot contain spaces, newlines or special characters."))
}

/// Printable, and without spaces: what names in CLIENT LIST are made of.
pub fn is_plain(text: &[u8]) -> bool {
    text.iter().all(|byte| (b'!'..=b'~').contains(byte))
}

fn quit(session: &mut Session, _txn: Option<&mut Txn>, _args: Args, out: &mut Reply) -> Done {
    session.conn.after = After::Close;
    out.ok();
    Ok(())
}

fn reset(session: &mut Session, _txn: Option<&mut Txn>, _args: Args, out: &mut Reply) -> Done {
    super::discard(session.server, session.conn);
    let authenticated = session.server.config().requirepass.is_empty();
    let conn = &mut *session.conn;
    let client = conn.client.clone();
    client.resp3.store(false, Relaxed);
    client.db.store(0, Relaxed);
    client.no_evict.store(false, Relaxed);
    client.no_touch.store(false, Relaxed);
    // The library's name stays: it is still what is behind the connection.
    client.names.lock().name.clear();
    *conn = ConnState::new(client, authenticated);
    out.set_proto(Proto::Resp2);
    out.simple("RESET");
    Ok(())
}
