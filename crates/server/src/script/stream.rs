//! Scripts and libraries in the stream of a primary.
//!
//! A primary of Redis 7 sends libraries as FUNCTION LOAD and its like, and of scripts only what they did. Older ones
//! may send the calls themselves: they run here with the commands of data and SELECT, and whatever they say happens.

use super::{Call, Named, prepare, with_interpreter};
use crate::logger::{self, Level};
use crate::server::Server;
use base::rng::Rng;
use engine::{Done, Error, Foreign, Txn, commands};
use resp::{Args, Proto, Reply};
use scripting::{Host, LogLevel, Pulse, Ran, Refused, Script};
use std::sync::Arc;

pub struct ScriptStream {
    pub server: &'static Server,
}

fn call_of(name: &[u8]) -> Option<Call> {
    let named = match name.to_ascii_lowercase().as_slice() {
        b"eval" => Named::Script,
        b"evalsha" => Named::Sha,
        b"fcall" => Named::Function,
        _ => return None,
    };
    Some(Call { named, read_only: false })
}

fn is(args: Args, name: &[u8], sub: &[u8]) -> bool {
    args.name().eq_ignore_ascii_case(name) && args.get(1).is_some_and(|word| word.eq_ignore_ascii_case(sub))
}

impl Foreign for ScriptStream {
    fn knows(&self, args: Args) -> bool {
        let name = args.name();
        (name.eq_ignore_ascii_case(b"function") && crate::commands::changes_functions(args))
            || (3 <= args.len() && call_of(name).is_some())
            || (is(args, b"script", b"load") && args.len() == 3)
            || is(args, b"script", b"flush")
    }

    fn run(&mut self, txn: &mut Txn, args: Args) -> Done {
        let server = self.server;
        if let Some(call) = call_of(args.name()) {
            return run(server, txn, call, args);
        }
        if is(args, b"script", b"load") {
            let script = Script::new(args.at(2)).map_err(Error::owned)?;
            server.scripts.known.add(&Arc::new(script));
            return Ok(());
        }
        if is(args, b"script", b"flush") {
            server.scripts.known.flush();
            return Ok(());
        }
        crate::commands::apply_function(server, txn, args)
    }
}

fn run(server: &'static Server, txn: &mut Txn, call: Call, args: Args) -> Done {
    let ran = with_interpreter(&server.scripts, |interpreter| {
        let (found, keys, argv) = prepare(server, interpreter, call, args)?;
        let mut out = Vec::new();
        let mut reply = Reply::new(&mut out, Proto::Resp2);
        Ok::<_, Error>(interpreter.run(&mut StreamHost { server, txn }, &found.run(), keys, argv, &mut reply))
    });
    match ran.expect("this thread runs one script at a time")? {
        Ran::Done(_) => Ok(()),
        Ran::Failed { line, .. } => Err(Error::owned(crate::dispatch::latin1(&line))),
    }
}

struct StreamHost<'h, 'e> {
    server: &'static Server,
    txn: &'h mut Txn<'e>,
}

impl StreamHost<'_, '_> {
    fn select(&mut self, args: Args) -> Done {
        let db = args.get(1).and_then(base::number::parse_i64).unwrap_or(-1);
        if db < 0 || i64::from(self.server.engine.databases()) <= db {
            return Err(Error::DbOutOfRange);
        }
        self.txn.db = db as u32;
        Ok(())
    }
}

impl Host for StreamHost<'_, '_> {
    fn call(&mut self, args: Args, proto: Proto, out: &mut Vec<u8>) -> Result<(), Refused> {
        let mut reply = Reply::new(out, proto);
        let result = match commands::find(args.name()) {
            Some(row) if row.meta.accepts(args.len()) => self.txn.call(row, args, &mut reply),
            _ if args.name().eq_ignore_ascii_case(b"select") => self.select(args).map(|()| reply.ok()),
            _ => return Err(Refused("Unknown Redis command called from script".into())),
        };
        if let Err(error) = result {
            reply.error_line(error.to_string().as_bytes());
        }
        Ok(())
    }

    fn may_run(&mut self, args: Args) -> Option<bool> {
        commands::find(args.name()).map(|_| true)
    }

    fn log(&mut self, _level: LogLevel, text: &[u8]) {
        logger::log(Level::Debug, &String::from_utf8_lossy(text));
    }

    /// The primary's bytes are logged as they are.
    fn set_replicates(&mut self, _on: bool) {}

    fn pulse(&mut self) -> Pulse {
        Pulse::GoOn
    }

    fn cpu_seconds(&mut self) -> f64 {
        let (user, system) = crate::sys::cpu_seconds(crate::sys::Whose::Process);
        user + system
    }

    fn rng(&mut self) -> &mut Rng {
        self.txn.rng()
    }
}
