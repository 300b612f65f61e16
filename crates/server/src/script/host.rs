//! What a script gets of its server: commands inside its transaction, the log, the time that it may take.

use super::running::{Kind, Order};
use crate::commands::{Command, Run, table};
use crate::dispatch::{self, Beside};
use crate::logger::{self, Level};
use crate::session::{After, ConnState};
use base::rng::Rng;
use engine::row::Flags;
use engine::{Error, Txn};
use resp::{Args, Proto, Reply};
use scripting::{Host, LogLevel, Pulse, Refused};

pub struct ScriptHost<'h, 'w, 'e> {
    beside: &'h mut Beside<'w>,
    conn: &'h mut ConnState,
    txn: &'h mut Txn<'e>,
    kind: Kind,
    read_only: bool,
    /// It has run a command that writes: nothing that comes up in the server's state stops it any more.
    wrote: bool,
    /// The script's sum, or the function's name.
    name: &'h str,
    /// The call itself, for who asks what runs.
    args: Args<'h>,
    started_nanos: u64,
    last_nanos: u64,
    slow: bool,
}

impl<'h, 'w, 'e> ScriptHost<'h, 'w, 'e> {
    pub fn new(
        beside: &'h mut Beside<'w>,
        conn: &'h mut ConnState,
        txn: &'h mut Txn<'e>,
        kind: Kind,
        read_only: bool,
        name: &'h str,
        args: Args<'h>,
    ) -> Self {
        let now = beside.clock_nanos;
        Self {
            beside,
            conn,
            txn,
            kind,
            read_only,
            wrote: false,
            name,
            args,
            started_nanos: now,
            last_nanos: now,
            slow: false,
        }
    }

    /// Tells that the script is over.
    pub fn end(self) {
        self.txn.set_logs(true);
        if self.slow {
            self.beside.server.scripts.running.end(self.txn);
        }
    }

    fn find(&self, args: Args) -> Result<&'static Command, Refused> {
        let refused = |text: &str| Refused(text.to_string());
        let unknown = "Unknown Redis command called from script";
        let mut command = table().find(args.name()).ok_or_else(|| refused(unknown))?;
        if command.has_subcommands() && 2 <= args.len() {
            command = table().find_sub(command, args.at(1)).ok_or_else(|| refused(unknown))?;
        }
        if !command.meta.accepts(args.len()) {
            return Err(refused("Wrong number of args calling Redis command from script"));
        }
        Ok(command)
    }

    /// Whether a script may run the command now.
    fn check(&self, command: &Command, args: Args) -> Result<(), Refused> {
        let refuse = |text: &str| Err(Refused(text.to_string()));
        let flags = command.meta.flags;
        if flags.has(Flags::NOSCRIPT) {
            return refuse("This Redis command is not allowed from script");
        }
        let state = self.txn.state();
        if state.is_stale() && !flags.has(Flags::STALE) {
            return refuse("Can not execute the command on a stale replica");
        }
        if self.read_only && flags.any(Flags::WRITE | Flags::MAY_REPLICATE) {
            return refuse("Write commands are not allowed from read-only scripts.");
        }
        if flags.has(Flags::WRITE) && !self.wrote {
            let of_client = self.txn.origin() == engine::Origin::Client;
            if of_client && state.is_replica() && state.is_read_only() {
                return refuse("-READONLY You can't write against a read only replica.");
            }
            if of_client && state.is_misconf() {
                return refuse(&format!("-{}", dispatch::MISCONF));
            }
            if of_client && state.has_few_replicas() && !state.is_replica() {
                return refuse("-NOREPLICAS Not enough good replicas to write.");
            }
        }
        if matches!(command.meta.name, "xread" | "xreadgroup") && blocks(args) {
            let name = command.meta.name;
            return refuse(&format!("{name} command is not allowed with BLOCK option from scripts"));
        }
        Ok(())
    }

    fn run(&mut self, command: &'static Command, args: Args, proto: Proto, out: &mut Vec<u8>) {
        let mark = out.len();
        let beside = &mut *self.beside;
        let result = match command.run {
            Run::Data(row) => {
                self.txn.set_touches(dispatch::touches(self.conn, command));
                self.txn.call(row, args, &mut Reply::new(out, proto))
            }
            Run::Host(host) => {
                self.conn.proto = proto;
                let result = dispatch::call_host(
                    beside.server,
                    beside.config,
                    self.conn,
                    self.txn,
                    host,
                    args,
                    out,
                    self.txn.now_ms,
                );
                self.conn.after = After::GoOn;
                self.txn.db = self.conn.db;
                result
            }
            Run::Exec | Run::Script(_) => {
                Err(Error::text("ERR This Redis command is not allowed from script"))
            }
        };
        let now = beside.server.clock.nanos();
        beside.stats.command(command).ran(
            now - self.last_nanos,
            result.is_err(),
            beside.config.latency_tracking,
        );
        self.last_nanos = now;
        if let Err(error) = result {
            out.truncate(mark);
            dispatch::write_error(beside.server, out, proto, &error.to_string());
        }
    }
}

/// Whether a request of XREAD or XREADGROUP would wait.
fn blocks(args: Args) -> bool {
    let options = args.iter().skip(1).take_while(|arg| !arg.eq_ignore_ascii_case(b"streams"));
    options.into_iter().any(|arg| arg.eq_ignore_ascii_case(b"block"))
}

impl Host for ScriptHost<'_, '_, '_> {
    fn call(&mut self, args: Args, proto: Proto, out: &mut Vec<u8>) -> Result<(), Refused> {
        let found = self.find(args);
        let command = found.and_then(|command| match self.check(command, args) {
            Ok(()) => Ok(command),
            Err(refused) => {
                self.beside.stats.command(command).rejected.add(1);
                Err(refused)
            }
        });
        let command = match command {
            Ok(command) => command,
            Err(refused) => {
                let line =
                    refused.0.strip_prefix('-').map_or_else(|| format!("ERR {}", refused.0), str::to_string);
                self.beside.server.errors.count(&line);
                return Err(refused);
            }
        };
        self.wrote |= command.meta.flags.has(Flags::WRITE);
        self.run(command, args, proto, out);
        Ok(())
    }

    fn may_run(&mut self, args: Args) -> Option<bool> {
        let command = table().find(args.name())?;
        if command.has_subcommands() && 2 <= args.len() {
            table().find_sub(command, args.at(1))?;
        }
        // There is no other user yet than the one that may do everything.
        Some(true)
    }

    fn log(&mut self, level: LogLevel, text: &[u8]) {
        let level = match level {
            LogLevel::Debug => Level::Debug,
            LogLevel::Verbose => Level::Verbose,
            LogLevel::Notice => Level::Notice,
            LogLevel::Warning => Level::Warning,
        };
        if logger::is_logged(level) {
            logger::log(level, &String::from_utf8_lossy(text));
        }
    }

    fn set_replicates(&mut self, on: bool) {
        self.txn.set_logs(on);
    }

    fn pulse(&mut self) -> Pulse {
        let server = self.beside.server;
        let limit_ms = self.beside.config.busy_reply_threshold;
        let ran_ms = (server.clock.nanos() - self.started_nanos) / 1_000_000;
        if limit_ms == 0 || ran_ms < limit_ms as u64 {
            return Pulse::GoOn;
        }
        let running = &server.scripts.running;
        if !self.slow {
            self.slow = true;
            running.begin(self.kind, self.name, self.args, server.clock.monotonic_ms() - ran_ms as i64);
            logger::log(
                Level::Warning,
                &format!(
                    "Slow script detected: still in execution after {ran_ms} milliseconds. You can try killing the script using the {} command. Script name is: {}.",
                    self.kind.kill_command(),
                    self.name
                ),
            );
        }
        running.set_wrote(self.wrote);
        self.beside.others.attend();
        match running.order() {
            Order::None => Pulse::GoOn,
            Order::Kill => {
                let text = match self.kind {
                    Kind::Script => "Script killed by user with SCRIPT KILL.",
                    Kind::Function => "Script killed by user with FUNCTION KILL.",
                };
                logger::log(
                    Level::Notice,
                    &format!("Lua script killed by user with {}.", self.kind.kill_command()),
                );
                Pulse::Kill(text)
            }
        }
    }

    fn cpu_seconds(&mut self) -> f64 {
        let (user, system) = crate::sys::cpu_seconds(crate::sys::Whose::Process);
        user + system
    }

    fn rng(&mut self) -> &mut Rng {
        self.txn.rng()
    }
}
