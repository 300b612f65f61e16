//! CLIENT LIST and CLIENT INFO: a connection's facts as one line.

use crate::client::{BESIDE_BYTES, Client, Kind, output_memory};
use crate::commands::table;
use crate::session::Session;
use engine::{Done, Error, Txn};
use resp::{Args, Reply};
use std::mem::size_of;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

pub fn info(session: &mut Session, _txn: Option<&mut Txn>, args: Args, out: &mut Reply) -> Done {
    let mut text = Vec::new();
    Lister::new(session, args).push(&mut text, &session.conn.client);
    out.verbatim("txt", &text);
    Ok(())
}

pub fn list(session: &mut Session, _txn: Option<&mut Txn>, args: Args, out: &mut Reply) -> Done {
    let clients = chosen(session, args)?;
    let lister = Lister::new(session, args);
    let mut text = Vec::new();
    clients.iter().for_each(|client| lister.push(&mut text, client));
    out.verbatim("txt", &text);
    Ok(())
}

fn chosen(session: &Session, args: Args) -> Result<Vec<Arc<Client>>, Error> {
    let clients = &session.server.clients;
    let Some(filter) = args.get(2) else { return Ok(clients.all()) };
    if args.len() == 4 && filter.eq_ignore_ascii_case(b"type") {
        let kind = parse_kind(args.at(3))?;
        return Ok(clients.all().into_iter().filter(|client| client.kind() == kind).collect());
    }
    if 4 <= args.len() && filter.eq_ignore_ascii_case(b"id") {
        let mut found = Vec::new();
        for id in args.tail(3) {
            let id = base::number::parse_i64(id).ok_or(Error::text("ERR Invalid client ID"))?;
            found.extend(u64::try_from(id).ok().and_then(|id| clients.get(id)));
        }
        return Ok(found);
    }
    Err(Error::Syntax)
}

pub fn parse_kind(name: &[u8]) -> Result<Kind, Error> {
    let unknown = || Error::owned(format!("ERR Unknown client type '{}'", crate::commands::text(name)));
    Kind::parse(name).ok_or_else(unknown)
}

/// The line of one client, for the log.
pub fn line(now_ms: i64, client: &Client) -> String {
    let mut text = Vec::new();
    Lister { now_ms, own_id: client.id, own_args_bytes: 0 }.push(&mut text, client);
    String::from_utf8_lossy(text.trim_ascii_end()).into_owned()
}

/// Who looks, and when.
struct Lister {
    now_ms: i64,
    /// The client whose command this is, and the bytes of that command's arguments.
    own_id: u64,
    own_args_bytes: u64,
}

impl Lister {
    fn new(session: &Session, args: Args) -> Self {
        let now_ms = session.server.clock.monotonic_ms();
        // Its worker publishes this at the end of the batch only.
        session.conn.client.active_ms.store(now_ms, Relaxed);
        Self {
            now_ms,
            own_id: session.conn.client.id,
            own_args_bytes: args.iter().map(|arg| arg.len() as u64).sum(),
        }
    }

    fn push(&self, out: &mut Vec<u8>, client: &Client) {
        let get = |value: &std::sync::atomic::AtomicU64| value.load(Relaxed);
        let seconds = |since_ms: i64| (self.now_ms - since_ms).max(0) / 1000;
        let names = client.names.lock().clone();
        let pending = get(&client.output_bytes);
        let beyond = output_memory(pending);
        let (input, input_free) = (get(&client.input_bytes), get(&client.input_free_bytes));
        let args_bytes = if client.id == self.own_id { self.own_args_bytes } else { 0 };
        let multi_bytes = get(&client.multi_bytes);
        let total = size_of::<Client>() as u64 + input + input_free + args_bytes + multi_bytes + pending;
        let mut text = |part: &str| out.extend_from_slice(part.as_bytes());
        text(&format!("id={} addr={} laddr={} fd={} name=", client.id, client.addr, client.laddr, client.fd));
        out.extend_from_slice(&names.name);
        let mut text = |part: &str| out.extend_from_slice(part.as_bytes());
        text(&format!(
            " age={} idle={} flags={} db={} sub=0 psub=0 ssub=0 multi={} qbuf={input} qbuf-free={input_free}",
            seconds(client.created_ms),
            seconds(client.active_ms.load(Relaxed)),
            flags(client),
            client.db.load(Relaxed),
            client.multi.load(Relaxed),
        ));
        text(&format!(
            " argv-mem={args_bytes} multi-mem={multi_bytes} rbs={} rbp={} obl={} oll={} omem={beyond} tot-mem={total}",
            BESIDE_BYTES,
            pending.min(BESIDE_BYTES),
            pending.min(BESIDE_BYTES),
            beyond.div_ceil(BESIDE_BYTES),
        ));
        let command = table().get(client.command.load(Relaxed) as usize);
        text(&format!(
            " events={} cmd={} user=",
            if pending == 0 { "r" } else { "rw" },
            command.map_or("NULL", |command| &command.full_name),
        ));
        out.extend_from_slice(&names.user);
        let resp = if client.resp3.load(Relaxed) { 3 } else { 2 };
        out.extend_from_slice(format!(" redir=-1 resp={resp} lib-name=").as_bytes());
        out.extend_from_slice(&names.lib_name);
        out.extend_from_slice(b" lib-ver=");
        out.extend_from_slice(&names.lib_ver);
        out.push(b'\n');
    }
}

/// The letters of a connection's state.
fn flags(client: &Client) -> String {
    let replica = client.replica.load(Relaxed);
    let monitor = client.monitor.load(Relaxed);
    let dirty = client.watch_mark.lock().as_ref().is_some_and(|mark| mark.is_touched());
    let letters = [
        ('O', monitor),
        ('S', replica && !monitor),
        ('M', client.primary.load(Relaxed)),
        ('x', 0 <= client.multi.load(Relaxed)),
        ('b', client.postponed.load(Relaxed)),
        ('d', dirty),
        ('c', client.closing.load(Relaxed)),
        ('A', client.killed.load(Relaxed)),
        ('U', client.unix_socket),
        ('e', client.no_evict.load(Relaxed)),
        ('T', client.no_touch.load(Relaxed)),
    ];
    let text: String = letters.iter().filter(|(_, on)| *on).map(|(letter, _)| letter).collect();
    if text.is_empty() { "N".into() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_of_a_connection() {
        let client = Client::new(1, 5, "127.0.0.1:1".into(), "127.0.0.1:2".into(), true, 0, 0);
        assert_eq!(flags(&client), "U");
        client.multi.store(0, Relaxed);
        client.no_touch.store(true, Relaxed);
        assert_eq!(flags(&client), "xUT");
        let client = Client::new(1, 5, "127.0.0.1:1".into(), "127.0.0.1:2".into(), false, 0, 0);
        assert_eq!(flags(&client), "N");
        client.replica.store(true, Relaxed);
        assert_eq!(flags(&client), "S");
    }
}
