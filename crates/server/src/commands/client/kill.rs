//! CLIENT KILL: by address (the old form), or by filters that all must fit.
//!
//! A connection belongs to its thread: it is marked here, and its thread closes it. The own connection gets its
//! reply first.

use super::list::parse_kind;
use crate::client::{Client, Kind};
use crate::session::{After, Session};
use crate::worker::Message;
use engine::{Done, Error, Txn};
use resp::{Args, Reply};
use std::sync::atomic::Ordering::Relaxed;

/// What a connection must be to be killed.
struct Filter<'a> {
    id: Option<u64>,
    addr: Option<&'a [u8]>,
    laddr: Option<&'a [u8]>,
    kind: Option<Kind>,
    user: Option<&'a [u8]>,
    skip_own: bool,
}

pub fn kill(session: &mut Session, _txn: Option<&mut Txn>, args: Args, out: &mut Reply) -> Done {
    let old_form = args.len() == 3;
    let filter = if old_form {
        Filter { addr: Some(args.at(2)), skip_own: false, ..Filter::NONE }
    } else {
        Filter::parse(args)?
    };
    let own = session.conn.client.id;
    let mut killed = 0;
    for client in session.server.clients.all() {
        if !filter.fits(&client) || (filter.skip_own && client.id == own) {
            continue;
        }
        killed += 1;
        if client.id == own {
            client.closing.store(true, Relaxed);
            session.conn.after = After::Close;
        } else {
            // Gone for everybody from now on, though its thread closes the socket in a moment.
            client.killed.store(true, Relaxed);
            session.server.clients.remove(client.id);
        }
    }
    if 0 < killed {
        session.server.send_all(|| Message::Kill);
        session.server.replication.look_at_killed();
    }
    match (old_form, killed) {
        (true, 0) => return Err(Error::text("ERR No such client")),
        (true, _) => out.ok(),
        (false, _) => out.int(killed),
    }
    Ok(())
}

impl<'a> Filter<'a> {
    const NONE: Self = Self { id: None, addr: None, laddr: None, kind: None, user: None, skip_own: true };

    fn parse(args: Args<'a>) -> Result<Self, Error> {
        let mut filter = Self::NONE;
        let mut at = 2;
        while at < args.len() {
            let Some(value) = args.get(at + 1) else { return Err(Error::Syntax) };
            match args.at(at).to_ascii_lowercase().as_slice() {
                b"id" => {
                    let id = base::number::parse_i64(value).filter(|id| 0 < *id);
                    let id = id.ok_or(Error::text("ERR client-id should be greater than 0"))?;
                    filter.id = Some(id as u64);
                }
                b"type" => filter.kind = Some(parse_kind(value)?),
                b"addr" => filter.addr = Some(value),
                b"laddr" => filter.laddr = Some(value),
                b"user" if value == b"default" => filter.user = Some(value),
                b"user" => {
                    return Err(Error::owned(format!("ERR No such user '{}'", crate::commands::text(value))));
                }
                b"skipme" if value.eq_ignore_ascii_case(b"yes") => filter.skip_own = true,
                b"skipme" if value.eq_ignore_ascii_case(b"no") => filter.skip_own = false,
                _ => return Err(Error::Syntax),
            }
            at += 2;
        }
        Ok(filter)
    }

    fn fits(&self, client: &Client) -> bool {
        self.id.is_none_or(|id| client.id == id)
            && self.addr.is_none_or(|addr| client.addr.as_bytes() == addr)
            && self.laddr.is_none_or(|laddr| client.laddr.as_bytes() == laddr)
            && self.kind.is_none_or(|kind| client.kind() == kind)
            && self.user.is_none_or(|user| client.names.lock().user == user)
    }
}
