//! Requests of attached replicas: acknowledgements, and nothing else.
//!
//! Nothing that a replica says may be answered, since the answer would stand in the middle of its stream: a request
//! that asks for one ends the connection, as in Redis.

use super::{Action, ConnId, Flush, Offset, Phase, Primary, Replica, Role, View, warning};
use resp::{Args, Decoded, Limits};

/// The longest request of a replica; an ACK takes some forty bytes.
const REQUEST_BYTES_MAX: usize = 64 * 1024;

const GETACK: &[u8] = b"*3\r\n$8\r\nREPLCONF\r\n$6\r\nGETACK\r\n$1\r\n*\r\n";

/// What a request is to us.
enum Said {
    Ack {
        offset: Option<i64>,
        aof_offset: Option<i64>,
    },
    Nothing,
    /// It would be answered.
    Question,
}

impl Primary {
    pub(super) fn received(&mut self, view: &View, conn: ConnId, bytes: &[u8], out: &mut Vec<Action>) {
        let Some(replica) = self.replica(conn) else { return };
        replica.input.extend_from_slice(bytes);
        let end = replica.take_requests(view, out);
        if let Err(line) = end {
            warning(out, line);
            self.drop_replica(view, conn, Flush::Now, out);
        }
    }

    /// WAIT: the primary asks every replica, in the stream.
    pub(super) fn ask_for_acks(&mut self, view: &View, out: &mut Vec<Action>) {
        if view.role == Role::Primary && view.log_start.is_some() && !self.replicas.is_empty() {
            out.push(Action::Append(GETACK));
        }
    }
}

impl Replica {
    /// Takes in every request that is there. An error is why the connection ends.
    fn take_requests(&mut self, view: &View, out: &mut Vec<Action>) -> Result<(), String> {
        let limits = Limits {
            query_bytes_max: REQUEST_BYTES_MAX,
            bulk_bytes_max: REQUEST_BYTES_MAX,
            ..Limits::default()
        };
        let input = std::mem::take(&mut self.input);
        let (mut at, mut spans) = (0, Vec::new());
        loop {
            let decoded = self.decoder.next(&input[at..], &limits, &mut spans);
            match decoded
                .map_err(|error| format!("Protocol error ({error}) from replica: {}", self.name()))?
            {
                Decoded::Need(_) => break,
                Decoded::Empty { bytes } => at += bytes,
                Decoded::Inline { bytes, args } => {
                    at += bytes;
                    self.request(view, args.as_args(), out)?;
                }
                Decoded::Request { bytes, first_span, spans: count } => {
                    let args = Args::new(&input[at..at + bytes], &spans[first_span..first_span + count]);
                    at += bytes;
                    self.request(view, args, out)?;
                }
            }
        }
        self.input = input;
        self.input.drain(..at);
        Ok(())
    }

    fn request(&mut self, view: &View, args: Args, out: &mut Vec<Action>) -> Result<(), String> {
        if args.is_empty() {
            return Ok(());
        }
        match self.read(args) {
            Said::Nothing => Ok(()),
            Said::Question => Err(format!(
                "Replica generated a reply to command '{}', disconnecting it: {}",
                String::from_utf8_lossy(args.name()).to_lowercase(),
                self.name()
            )),
            Said::Ack { offset, aof_offset } => {
                self.acknowledged(view, offset, aof_offset, out);
                Ok(())
            }
        }
    }

    fn acknowledged(
        &mut self,
        view: &View,
        offset: Option<i64>,
        aof_offset: Option<i64>,
        out: &mut Vec<Action>,
    ) {
        let Some(offset) = offset else { return };
        self.acked = self.acked.max(Offset(offset.max(0) as u64));
        if let Some(offset) = aof_offset {
            self.acked_aof = self.acked_aof.max(Offset(offset.max(0) as u64));
        }
        self.last_ack_ms = view.now_ms;
        self.has_acked = true;
        match self.phase {
            Phase::AwaitsAck { from } => {
                self.phase = Phase::Online;
                out.push(Action::Stream { to: self.conn, from });
            }
            // It has found the payload's end before we heard that it is sent.
            Phase::EndsPayload { .. } => self.early_ack = true,
            _ => {}
        }
    }
}

impl Replica {
    fn read(&mut self, args: Args) -> Said {
        let is =
            |i: usize, word: &str| args.get(i).is_some_and(|arg| arg.eq_ignore_ascii_case(word.as_bytes()));
        let number = |i: usize| args.get(i).and_then(base::number::parse_i64);
        if is(0, "sync") || is(0, "psync") {
            return Said::Nothing;
        }
        // Facts may still be told, if an ACK behind them keeps the request silent.
        if !is(0, "replconf") || self.facts.replconf(args) != Ok(false) {
            return Said::Question;
        }
        match (1..args.len()).step_by(2).find(|&i| is(i, "ack") || is(i, "getack")) {
            Some(i) if is(i, "ack") => {
                let aof_offset = if is(i + 2, "fack") { number(i + 3) } else { None };
                Said::Ack { offset: number(i + 1), aof_offset }
            }
            _ => Said::Nothing,
        }
    }
}
