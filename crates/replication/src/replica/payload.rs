//! The payload of a full sync: its frame is taken off here, its bytes go to the driver's loader.
//!
//! `$<length>` counts the bytes, and the stream follows at once. `$EOF:<forty characters>` ends where the same forty
//! characters come again; up to 39 bytes are held back, which may be the mark's beginning. Empty lines before the
//! header keep the connection alive.

use super::connection::After;
use super::{Action, DisklessLoad, Link, Load, Phase, Transfer, View, notice, warning};
use crate::History;
use base::number;
use base::position::{Offset, ReplId};
use resp::push_command;
use std::borrow::Cow;

const MARK_BYTES: usize = 40;

pub(super) struct Payload {
    /// Whose data it is: what +FULLRESYNC said. `None` after SYNC.
    source: Option<(ReplId, Offset)>,
    frame: Frame,
    load: Load,
    swap: bool,
    transfer: Transfer,
    /// Bytes of the stream that came with the payload's end.
    after: Vec<u8>,
}

enum Frame {
    Header,
    Counted {
        left: u64,
    },
    Marked {
        mark: [u8; MARK_BYTES],
        /// Bytes that may be the mark's beginning.
        held: Vec<u8>,
    },
    Ended,
}

impl Payload {
    pub(super) fn new(source: Option<(ReplId, Offset)>) -> Self {
        Self {
            source,
            frame: Frame::Header,
            load: Load::Disk,
            swap: false,
            transfer: Transfer::default(),
            after: Vec::new(),
        }
    }

    pub(super) fn wants_header(&self) -> bool {
        matches!(self.frame, Frame::Header)
    }

    /// The header was read: a staging data set is open.
    pub(super) fn has_begun(&self) -> bool {
        !self.wants_header()
    }

    /// All of it was received; the driver is loading.
    pub(super) fn is_ended(&self) -> bool {
        matches!(self.frame, Frame::Ended)
    }

    pub(super) fn transfer(&self) -> Transfer {
        self.transfer
    }

    /// Takes in bytes behind the header.
    pub(super) fn take<'a>(&mut self, bytes: &'a [u8], out: &mut Vec<Action<'a>>) {
        match &mut self.frame {
            Frame::Header => unreachable!("the header is a line"),
            Frame::Counted { left } => {
                let here = bytes.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= here as u64;
                let ends = *left == 0;
                self.give(Cow::Borrowed(&bytes[..here]), out);
                if ends {
                    self.end(&bytes[here..], out);
                }
            }
            Frame::Marked { mark, held } => {
                let (mark, held) = (*mark, std::mem::take(held));
                self.take_marked(&mark, held, bytes, out);
            }
            Frame::Ended => self.after.extend_from_slice(bytes),
        }
    }

    fn take_marked<'a>(&mut self, mark: &[u8], held: Vec<u8>, bytes: &'a [u8], out: &mut Vec<Action<'a>>) {
        if !held.is_empty() {
            // A mark that began in what is held ends within the next 39 bytes.
            let before = held.len();
            let mut seam = held;
            seam.extend_from_slice(&bytes[..bytes.len().min(MARK_BYTES - 1)]);
            if let Some(at) = find(&seam, mark) {
                seam.truncate(at);
                self.give(Cow::Owned(seam), out);
                return self.end(&bytes[at + MARK_BYTES - before..], out);
            }
            if bytes.len() < MARK_BYTES - 1 {
                let keep = seam.split_off(seam.len().saturating_sub(MARK_BYTES - 1));
                self.give(Cow::Owned(seam), out);
                return self.hold(keep);
            }
            seam.truncate(before);
            self.give(Cow::Owned(seam), out);
        }
        if let Some(at) = find(bytes, mark) {
            self.give(Cow::Borrowed(&bytes[..at]), out);
            return self.end(&bytes[at + MARK_BYTES..], out);
        }
        let keep = bytes.len().saturating_sub(MARK_BYTES - 1);
        self.give(Cow::Borrowed(&bytes[..keep]), out);
        self.hold(bytes[keep..].to_vec());
    }

    fn hold(&mut self, bytes: Vec<u8>) {
        assert!(bytes.len() < MARK_BYTES, "a whole mark would have been found");
        if let Frame::Marked { held, .. } = &mut self.frame {
            *held = bytes;
        }
    }

    fn give<'a>(&mut self, bytes: Cow<'a, [u8]>, out: &mut Vec<Action<'a>>) {
        if !bytes.is_empty() {
            self.transfer.read_bytes += bytes.len() as u64;
            out.push(Action::Payload(bytes));
        }
    }

    fn end(&mut self, after: &[u8], out: &mut Vec<Action>) {
        self.frame = Frame::Ended;
        self.after.extend_from_slice(after);
        out.push(Action::PayloadEnd);
    }
}

impl Link {
    pub(super) fn payload_header(&mut self, view: &View, line: &[u8], out: &mut Vec<Action>) {
        let Phase::Payload(payload) = &mut self.phase else { return };
        let text = String::from_utf8_lossy(line);
        let (frame, total) = match line {
            // As good as a PING.
            [] => return,
            [b'-', error @ ..] => {
                let error = String::from_utf8_lossy(error);
                warning(out, format!("MASTER aborted replication with an error: {error}"));
                return self.reconnect(view, After::Failure, out);
            }
            [b'$', b'E', b'O', b'F', b':', mark @ ..] if MARK_BYTES <= mark.len() => {
                let mark = mark[..MARK_BYTES].try_into().expect("as many bytes");
                (Frame::Marked { mark, held: Vec::new() }, None)
            }
            [b'$', digits @ ..] if number::parse_u64(digits).is_some() => {
                let left = number::parse_u64(digits).expect("just looked at");
                (Frame::Counted { left }, Some(left))
            }
            _ => {
                let line = format!(
                    "Bad protocol from MASTER, the first byte is not '$' (we received '{text}'), are you sure the host and port are right?"
                );
                warning(out, line);
                return self.reconnect(view, After::Failure, out);
            }
        };
        payload.frame = frame;
        payload.transfer.total_bytes = total.unwrap_or(0);
        payload.begin(view, total, out);
    }

    pub(super) fn staged(&mut self, view: &View, keys: u64, db: Option<u32>, out: &mut Vec<Action>) {
        let Phase::Payload(payload) = &mut self.phase else { return };
        if !payload.is_ended() {
            return;
        }
        // While we loaded, it was we who didn't listen.
        self.last_io_ms = view.now_ms;
        let known = payload.source.is_some_and(|(id, _)| view.history.knows(id.as_bytes()));
        let emptied = keys == 0 && 0 < view.keys;
        if view.settings.refuse_empty_primary && self.synced_here && emptied && !known {
            return self.refuse_empty(view, out);
        }
        let (source, swap, load) = (payload.source, payload.swap, payload.load);
        let after = std::mem::take(&mut payload.after);
        if self.positioned {
            notice(out, "Discarding previously cached master state.");
        }
        if load == Load::Disk {
            notice(out, "MASTER <-> REPLICA sync: Flushing old data");
            notice(out, "MASTER <-> REPLICA sync: Loading DB in memory");
        } else if swap {
            notice(out, "MASTER <-> REPLICA sync: Swapping active DB with loaded DB");
        }
        // A primary that knows SYNC only tells no id: ours is of nobody else, and never asked for.
        self.old_primary = source.is_none();
        self.positioned = source.is_some();
        let (id, offset) = source.unwrap_or_else(|| (ReplId::from_seed(&mut self.rng), Offset::ZERO));
        out.push(Action::DropReplicas);
        out.push(Action::Install { history: History::adopted(id), offset, db: db.unwrap_or(0) });
        if swap {
            notice(out, "MASTER <-> REPLICA sync: Discarding old DB in background");
        }
        self.go_online(offset);
        out.push(Action::LinkUp(true));
        notice(out, "MASTER <-> REPLICA sync: Finished with success");
        // The first acknowledgement puts us online at a primary that sent the payload by socket.
        self.send_ack(offset, None, out);
        if !after.is_empty() {
            self.read_offset += after.len() as u64;
            out.push(Action::Apply(Cow::Owned(after)));
        }
    }

    /// The same primary is back, with another history and without a key: most likely it was restarted without its
    /// file. To follow it would be to lose what we still hold.
    fn refuse_empty(&mut self, view: &View, out: &mut Vec<Action>) {
        self.refused_empty += 1;
        let (host, port) = self.target.clone().unwrap_or_default();
        let keys = view.keys;
        let line = format!(
            "MASTER {host}:{port} came back empty and with an unknown replication ID, while this replica holds {keys} keys. Its empty data set is refused, since it was probably restarted without its data. To follow it anyway: CONFIG SET replica-refuse-empty-primary no, or REPLICAOF {host} {port} again. To keep the data: REPLICAOF NO ONE here."
        );
        warning(out, line);
        self.give_up_for_long(view, out);
    }

    pub(super) fn stage_failed(&mut self, view: &View, error: &str, out: &mut Vec<Action>) {
        let Phase::Payload(payload) = &self.phase else { return };
        if !payload.has_begun() {
            return;
        }
        let from = if payload.load == Load::Disk { "disk" } else { "socket" };
        warning(out, format!("Failed trying to load the MASTER synchronization DB from {from}: {error}"));
        if payload.swap {
            notice(out, "MASTER <-> REPLICA sync: Discarding temporary DB in background");
        }
        self.reconnect(view, After::Failure, out);
    }

    pub(super) fn send_ack(&self, offset: Offset, fsynced: Option<Offset>, out: &mut Vec<Action>) {
        if self.old_primary {
            return;
        }
        let (offset, mut bytes) = (offset.to_string(), Vec::new());
        let ack: [&[u8]; 3] = [b"REPLCONF", b"ACK", offset.as_bytes()];
        match fsynced {
            None => push_command(&mut bytes, &ack),
            Some(fsynced) => {
                let fsynced = fsynced.to_string();
                push_command(&mut bytes, &[ack.as_slice(), &[b"FACK", fsynced.as_bytes()]].concat());
            }
        }
        out.push(Action::Send(bytes));
    }
}

impl Payload {
    /// The header is read.
    fn begin(&mut self, view: &View, total: Option<u64>, out: &mut Vec<Action>) {
        let mode = view.settings.diskless_load;
        self.swap = mode == DisklessLoad::SwapDb;
        let by_parser = self.swap || (mode == DisklessLoad::OnEmptyDb && view.keys == 0);
        self.load = if by_parser { Load::Parser } else { Load::Disk };
        notice(
            out,
            match (total, self.load) {
                (Some(n), Load::Disk) => format!("MASTER <-> REPLICA sync: receiving {n} bytes from master"),
                (Some(n), Load::Parser) => {
                    format!("MASTER <-> REPLICA sync: receiving {n} bytes from master to parser")
                }
                (None, Load::Disk) => {
                    "MASTER <-> REPLICA sync: receiving streamed RDB from master with EOF to disk".into()
                }
                (None, Load::Parser) => {
                    "MASTER <-> REPLICA sync: receiving streamed RDB from master with EOF to parser".into()
                }
            },
        );
        if by_parser {
            if !self.swap {
                notice(out, "MASTER <-> REPLICA sync: Flushing old data");
            }
            notice(out, "MASTER <-> REPLICA sync: Loading DB in memory");
        }
        out.push(Action::PayloadBegin { bytes: total, load: self.load });
        if total == Some(0) {
            self.end(&[], out);
        }
    }
}

/// Where `mark` begins in `bytes`.
fn find(bytes: &[u8], mark: &[u8]) -> Option<usize> {
    let last = bytes.len().checked_sub(mark.len())?;
    let mut at = 0;
    while at <= last {
        at += bytes[at..=last].iter().position(|&byte| byte == mark[0])?;
        if bytes[at..].starts_with(mark) {
            return Some(at);
        }
        at += 1;
    }
    None
}
