//! The handshake: PING, then AUTH and what we say of ourselves in one go, then PSYNC.
//!
//! Replies are lines, read in the order of the requests. Errors of REPLCONF are tolerated, since old primaries don't
//! know all of its options; one of AUTH ends the conversation.

use super::connection::After;
use super::payload::Payload;
use super::{Action, LINE_BYTES_MAX, Link, Phase, View, notice, warning};
use crate::history::wanted_after;
use base::number;
use base::position::{Offset, ReplId};
use resp::push_command;
use std::borrow::Cow;
use std::collections::VecDeque;

/// What the next line answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Awaited {
    Pong,
    Auth,
    /// REPLCONF, with the words of its log line.
    Replconf(&'static str),
    Psync,
}

pub(super) struct Handshake {
    awaited: VecDeque<Awaited>,
}

impl Handshake {
    /// The line for a primary that closes, or says no end of a line.
    pub(super) fn no_reply(&self) -> &'static str {
        match self.awaited.front() {
            Some(Awaited::Psync) => "Master did not reply to PSYNC, will try later",
            _ => "Master did not respond to command during SYNC handshake",
        }
    }
}

/// Sends PING, to see whether the primary answers at all.
pub(super) fn begin(out: &mut Vec<Action>) -> Handshake {
    out.push(command(&[b"PING"]));
    Handshake { awaited: [Awaited::Pong].into() }
}

impl Link {
    pub(super) fn received<'a>(&mut self, view: &View, bytes: &'a [u8], out: &mut Vec<Action<'a>>) {
        self.last_io_ms = view.now_ms;
        let mut rest = bytes;
        while !rest.is_empty() {
            rest = match &mut self.phase {
                Phase::Handshake(_) => match self.take_line(rest) {
                    Line::Partial => return,
                    Line::Whole(line, rest) => {
                        self.reply(view, &line, out);
                        rest
                    }
                    Line::TooLong => return self.line_too_long(view, out),
                },
                Phase::Payload(payload) if payload.wants_header() => match self.take_line(rest) {
                    Line::Partial => return,
                    Line::Whole(line, rest) => {
                        self.payload_header(view, &line, out);
                        rest
                    }
                    Line::TooLong => return self.line_too_long(view, out),
                },
                Phase::Payload(payload) => {
                    payload.take(rest, out);
                    return;
                }
                Phase::Online => {
                    self.read_offset += rest.len() as u64;
                    out.push(Action::Apply(Cow::Borrowed(rest)));
                    return;
                }
                // Left meanwhile: what follows is nobody's.
                Phase::None | Phase::Connect | Phase::Connecting => return,
            }
        }
    }

    fn line_too_long(&mut self, view: &View, out: &mut Vec<Action>) {
        match &self.phase {
            Phase::Handshake(handshake) => {
                warning(out, handshake.no_reply());
                self.give_up(view, out);
            }
            _ => {
                let line = std::mem::take(&mut self.line);
                self.payload_header(view, &line, out);
            }
        }
    }

    /// Takes a line off the front of `bytes`, together with what came of it before.
    fn take_line<'a>(&mut self, bytes: &'a [u8]) -> Line<'a> {
        let end = bytes.iter().position(|&byte| byte == b'\n');
        self.line.extend_from_slice(&bytes[..end.unwrap_or(bytes.len())]);
        if LINE_BYTES_MAX < self.line.len() {
            self.line.truncate(LINE_BYTES_MAX);
            return Line::TooLong;
        }
        let Some(end) = end else { return Line::Partial };
        let mut line = std::mem::take(&mut self.line);
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        Line::Whole(line, &bytes[end + 1..])
    }

    fn reply(&mut self, view: &View, line: &[u8], out: &mut Vec<Action>) {
        let Phase::Handshake(handshake) = &mut self.phase else { return };
        let Some(awaited) = handshake.awaited.front().copied() else { return };
        let text = String::from_utf8_lossy(line);
        match awaited {
            Awaited::Pong if !is_alive(line) => {
                warning(out, format!("Error reply to PING from master: '{text}'"));
                return self.give_up(view, out);
            }
            Awaited::Pong => {
                notice(out, "Master replied to PING, replication can continue...");
                return self.introduce(view, out);
            }
            Awaited::Auth if line.starts_with(b"-") => {
                warning(out, format!("Unable to AUTH to MASTER: {text}"));
                return self.give_up(view, out);
            }
            Awaited::Replconf(option) if line.starts_with(b"-") => {
                notice(out, format!("(Non critical) Master does not understand REPLCONF {option}: {text}"));
            }
            Awaited::Auth | Awaited::Replconf(_) => {}
            // A primary that is about to answer keeps us alive with empty lines.
            Awaited::Psync if line.is_empty() => return,
            Awaited::Psync => return self.psync_reply(view, line, out),
        }
        handshake.awaited.pop_front();
        if handshake.awaited.is_empty() {
            handshake.awaited.push_back(Awaited::Psync);
            self.ask(view, out);
        }
    }

    /// Says who we are, all in one go.
    fn introduce(&mut self, view: &View, out: &mut Vec<Action>) {
        let settings = view.settings;
        let mut awaited = VecDeque::new();
        if !settings.auth.is_empty() {
            let (user, auth) = (settings.user.as_bytes(), settings.auth.as_bytes());
            out.push(if user.is_empty() {
                command(&[b"AUTH", auth])
            } else {
                command(&[b"AUTH", user, auth])
            });
            awaited.push_back(Awaited::Auth);
        }
        let mut say = |option: &'static str, words: &[&[u8]]| {
            out.push(command(&[&[b"REPLCONF".as_slice()], words].concat()));
            awaited.push_back(Awaited::Replconf(option));
        };
        let port = settings.listening_port.to_string();
        say("listening-port", &[b"listening-port", port.as_bytes()]);
        if !settings.announce_ip.is_empty() {
            say("ip-address", &[b"ip-address", settings.announce_ip.as_bytes()]);
        }
        say("capa", &[b"capa", b"eof", b"capa", b"psync2"]);
        if !settings.version.is_empty() {
            say("version", &[b"version", settings.version.as_bytes()]);
        }
        self.phase = Phase::Handshake(Handshake { awaited });
    }

    /// PSYNC: from where we are, or from anywhere.
    fn ask(&mut self, view: &View, out: &mut Vec<Action>) {
        if !self.positioned {
            notice(out, "Partial resynchronization not possible (no cached master)");
            return out.push(command(&[b"PSYNC", b"?", b"-1"]));
        }
        let (id, wanted) = (view.history.id, wanted_after(view.log_end));
        notice(out, format!("Trying a partial resynchronization (request {id}:{wanted})."));
        out.push(command(&[b"PSYNC", id.as_bytes(), wanted.to_string().as_bytes()]));
    }

    fn psync_reply(&mut self, view: &View, line: &[u8], out: &mut Vec<Action>) {
        let text = String::from_utf8_lossy(line);
        if line.starts_with(b"+FULLRESYNC") {
            return self.full_resync(view, line, out);
        }
        if line.starts_with(b"+CONTINUE") && self.positioned {
            return self.resume(view, line, out);
        }
        if line.starts_with(b"-NOMASTERLINK") || line.starts_with(b"-LOADING") {
            notice(out, format!("Master is currently unable to PSYNC but should be in the future: {text}"));
            return self.give_up(view, out);
        }
        if line.starts_with(b"+CONTINUE") {
            // It continues what we didn't ask for.
            warning(out, format!("Unexpected reply to PSYNC from master: {text}"));
            return self.reconnect(view, After::Failure, out);
        }
        if line.starts_with(b"-ERR") {
            notice(out, format!("Master does not support PSYNC or is in error state (reply: {text})"));
        } else {
            warning(out, format!("Unexpected reply to PSYNC from master: {text}"));
        }
        notice(out, "Retrying with SYNC...");
        out.push(Action::Send(b"SYNC\r\n".to_vec()));
        self.phase = Phase::Payload(Payload::new(None));
    }

    fn full_resync(&mut self, view: &View, line: &[u8], out: &mut Vec<Action>) {
        let source = read_full_resync(line);
        match source {
            Some((id, offset)) => {
                notice(out, format!("Full resync from master: {id}:{offset}"));
                if id == view.history.id && offset < view.log_end && self.positioned {
                    let lost = view.log_end - offset;
                    warning(
                        out,
                        format!(
                            "The master's history ends {lost} bytes before ours (offset {offset}, ours {}): what it doesn't have will be gone",
                            view.log_end
                        ),
                    );
                }
            }
            None => warning(out, "Master replied with wrong +FULLRESYNC syntax."),
        }
        self.phase = Phase::Payload(Payload::new(source));
    }

    fn resume(&mut self, view: &View, line: &[u8], out: &mut Vec<Action>) {
        notice(out, "Successful partial resynchronization with master.");
        if let Some(id) = line.get(10..).and_then(ReplId::parse)
            && id != view.history.id
        {
            notice(out, format!("Master replication ID changed to {id}"));
            // Our replicas are to hear of the new id too.
            out.push(Action::DropReplicas);
            out.push(Action::SetHistory(view.history.continued_as(id, view.log_end)));
        }
        self.go_online(view.log_end);
        out.push(Action::Resume);
        out.push(Action::LinkUp(true));
        notice(out, "MASTER <-> REPLICA sync: Master accepted a Partial Resynchronization.");
    }

    /// The stream begins at `offset`.
    pub(super) fn go_online(&mut self, offset: Offset) {
        self.phase = Phase::Online;
        self.read_offset = offset;
        self.synced_here = true;
        self.down_since_ms = None;
    }
}

enum Line<'a> {
    /// Kept until its end comes.
    Partial,
    Whole(Vec<u8>, &'a [u8]),
    TooLong,
}

/// `+PONG`, or an error that only says that we have yet to authenticate: old versions had no code for it.
fn is_alive(line: &[u8]) -> bool {
    let alive: [&[u8]; 4] = [b"+", b"-NOAUTH", b"-NOPERM", b"-ERR operation not permitted"];
    alive.iter().any(|start| line.starts_with(start))
}

/// `+FULLRESYNC <id> <offset>`.
fn read_full_resync(line: &[u8]) -> Option<(ReplId, Offset)> {
    let mut words = line.split(|&byte| byte == b' ').skip(1);
    let id = ReplId::parse(words.next()?)?;
    let offset = number::parse_i64(words.next()?).and_then(Offset::from_outside)?;
    Some((id, offset))
}

fn command(argv: &[&[u8]]) -> Action<'static> {
    let mut bytes = Vec::new();
    push_command(&mut bytes, argv);
    Action::Send(bytes)
}
