//! A batch of requests: decoded ahead in a connection's input, so that their memory accesses overlap, and then run
//! one after the other.
//!
//! Nothing is consumed before it has run: what a batch leaves over (a pause, a full output, a connection that
//! closes) is decoded again later. One batch serves all connections of a worker in turn.

use crate::commands::{Command, table};
use crate::config::Config;
use crate::conn::Input;
use crate::dispatch::{self, Context, Outcome};
use crate::session::{After, ConnState};
use engine::Stage;
use resp::{Args, Decoded, Decoder, Limits, OwnedArgs, ProtocolError, Span};

/// Requests that are decoded ahead.
const REQUESTS_MAX: usize = 32;

/// A decoded request.
struct Request {
    at: usize,
    bytes: usize,
    first_span: usize,
    spans: usize,
    inline: Option<OwnedArgs>,
    command: Option<&'static Command>,
    /// Hash of the first key, where prefetching found one.
    hash: Option<u64>,
}

#[derive(Default)]
pub struct Batch {
    spans: Vec<Span>,
    requests: Vec<Request>,
}

/// What follows behind the decoded requests.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Behind {
    /// Half a request, or nothing.
    Nothing,
    /// There may be further requests.
    More,
}

/// How far a batch ran.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ran {
    All,
    /// Requests are left, which the decoder has passed already.
    Part,
    /// The next request waits for the end of a pause.
    Postponed,
}

impl Batch {
    pub fn is_empty(&self) -> bool {
        self.requests.is_empty()
    }

    /// Decodes what is in `input`, up to a batch. An error means that the batch is empty: the requests before the
    /// broken one have run.
    pub fn decode(
        &mut self,
        input: &mut Input,
        decoder: &mut Decoder,
        config: &Config,
        authenticated: bool,
    ) -> Result<Behind, ProtocolError> {
        self.spans.clear();
        self.requests.clear();
        let limits = limits(config, authenticated);
        // AUTH changes what the next request may be.
        let most = if authenticated { REQUESTS_MAX } else { 1 };
        let mut at = 0;
        while self.requests.len() < most {
            let pending = &input.bytes()[at..];
            if pending.is_empty() {
                return Ok(Behind::Nothing);
            }
            let mut request =
                Request { at, bytes: 0, first_span: 0, spans: 0, inline: None, command: None, hash: None };
            match decoder.next(pending, &limits, &mut self.spans) {
                Ok(Decoded::Need(total)) => {
                    input.expect(at + total);
                    return Ok(Behind::Nothing);
                }
                Ok(Decoded::Empty { bytes }) => request.bytes = bytes,
                Ok(Decoded::Inline { bytes, args }) => (request.bytes, request.inline) = (bytes, Some(args)),
                Ok(Decoded::Request { bytes, first_span, spans, .. }) => {
                    (request.bytes, request.first_span, request.spans) = (bytes, first_span, spans);
                }
                Err(error) if self.requests.is_empty() => return Err(error),
                Err(_) => {
                    // The requests before it run first; then it comes up again.
                    *decoder = Decoder::new();
                    return Ok(Behind::More);
                }
            }
            at += request.bytes;
            self.requests.push(request);
        }
        Ok(Behind::More)
    }

    /// Runs the requests in order, until the output holds `output_mark` bytes.
    pub fn run(
        &mut self,
        ctx: &mut Context,
        input: &mut Input,
        state: &mut ConnState,
        output: &mut crate::conn::Output,
        output_mark: usize,
    ) -> Ran {
        let bytes = input.bytes();
        self.prefetch(ctx, bytes, state.db);
        let mut ran = Ran::All;
        let mut consumed = 0;
        for (i, request) in self.requests.iter().enumerate() {
            let args = request.args(bytes, &self.spans);
            if !args.is_empty() {
                match request.hash {
                    Some(hash) => {
                        let key = args.at(request.command.expect("has a key").meta.keys[0].first_key());
                        ctx.scratch.remember_key(key, hash);
                    }
                    // A refused command leaves its key remembered, and another may lie at the same address now.
                    None => ctx.scratch.forget_key(),
                }
                if dispatch::execute(ctx, state, &mut output.data, request.command, args)
                    == Outcome::Postponed
                {
                    ran = Ran::Postponed;
                    break;
                }
            }
            consumed = request.at + request.bytes;
            if state.after != After::GoOn || output_mark <= output.pending() {
                ran = if i + 1 < self.requests.len() { Ran::Part } else { Ran::All };
                break;
            }
        }
        input.consume(consumed);
        ran
    }

    /// Looks up the commands and hashes their keys; then fetches the slots of all of them, then the entries.
    fn prefetch(&mut self, ctx: &Context, bytes: &[u8], db: u32) {
        let engine = &ctx.server.engine;
        for i in 0..self.requests.len() {
            let args = self.requests[i].args(bytes, &self.spans);
            let Some(name) = args.get(0) else { continue };
            // Who pipelines often asks for the same again: then the name need not be looked up.
            let before = i.checked_sub(1).map(|before| &self.requests[before]);
            let command = match before {
                Some(before) if before.args(bytes, &self.spans).get(0) == Some(name) => before.command,
                _ => table().find(name),
            };
            let key = command.and_then(|command| args.get(command.meta.keys.first()?.first_key()));
            let hash = key.map(|key| engine.hash(key));
            let request = &mut self.requests[i];
            (request.command, request.hash) = (command, hash);
        }
        if self.requests.len() < 2 {
            return;
        }
        for stage in [Stage::Slot, Stage::Entry] {
            for hash in self.requests.iter().filter_map(|request| request.hash) {
                engine.prefetch(db, hash, stage);
            }
        }
    }
}

impl Request {
    fn args<'a>(&'a self, input: &'a [u8], spans: &'a [Span]) -> Args<'a> {
        match &self.inline {
            Some(args) => args.as_args(),
            None => Args::new(
                &input[self.at..self.at + self.bytes],
                &spans[self.first_span..self.first_span + self.spans],
            ),
        }
    }
}

fn limits(config: &Config, authenticated: bool) -> Limits {
    Limits {
        bulk_bytes_max: config.proto_max_bulk_len as usize,
        query_bytes_max: config.client_query_buffer_limit as usize,
        authenticated,
        ..Limits::default()
    }
}
