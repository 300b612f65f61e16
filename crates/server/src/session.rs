//! A connection's state between commands, and what a host command may reach of its server.

use crate::client::Client;
use crate::commands::Command;
use crate::config::Config;
use crate::server::Server;
use crate::shutdown::Ticket;
use engine::{Error, Scratch, Txn, WatchMark};
use resp::{OwnedArgs, Proto};
use std::sync::Arc;

/// What a command that ran sees: its connection, and the server.
pub struct Session<'w> {
    pub server: &'static Server,
    pub config: &'w Arc<Config>,
    pub conn: &'w mut ConnState,
    pub now_ms: i64,
}

/// CLIENT REPLY.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReplyMode {
    On,
    Off,
    /// The next command's reply is left out.
    SkipNext,
    /// This command's reply is left out.
    Skip,
}

/// What becomes of the connection after the command's reply.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum After {
    GoOn,
    /// The reply is sent, then the connection closes.
    Close,
    /// The replication thread takes the connection: PSYNC or SYNC is the request that follows in `input`.
    HandOver,
    /// There is no reply yet: the request stays in the input, and runs again when the workers are told to look at
    /// what they postponed.
    Postpone,
}

/// A connection's state.
pub struct ConnState {
    pub client: Arc<Client>,
    pub db: u32,
    pub proto: Proto,
    pub authenticated: bool,
    pub reply_mode: ReplyMode,
    pub after: After,
    pub multi: Option<Multi>,
    pub watched: Vec<(u32, Vec<u8>, WatchExpired)>,
    pub watch_mark: Arc<WatchMark>,
    /// What a replica said of itself by REPLCONF.
    pub replconf: replication::Facts,
    /// Arguments of a PSYNC or SYNC that hands the connection over.
    pub sync_request: Option<OwnedArgs>,
    /// The shutdown that this connection asked for and waits for.
    pub shutdown: Option<Ticket>,
}

/// The key's time had passed already when it was watched: its deletion is no change.
pub type WatchExpired = bool;

/// Commands queued since MULTI.
#[derive(Default)]
pub struct Multi {
    pub commands: Vec<(&'static Command, OwnedArgs)>,
    /// A command was refused while queueing: EXEC will be too.
    pub refused: bool,
    pub bytes: usize,
}

impl ConnState {
    pub fn new(client: Arc<Client>, authenticated: bool) -> Self {
        Self {
            client,
            db: 0,
            proto: Proto::Resp2,
            authenticated,
            reply_mode: ReplyMode::On,
            after: After::GoOn,
            multi: None,
            watched: Vec::new(),
            watch_mark: Arc::default(),
            replconf: replication::Facts::default(),
            sync_request: None,
            shutdown: None,
        }
    }
}

impl Session<'_> {
    /// Runs `work` under every shard: those that EXEC holds already, or all of them for as long as it takes.
    /// Refused while a script holds them and takes its time.
    pub fn with_all_shards<R>(
        &mut self,
        txn: Option<&mut Txn>,
        work: impl FnOnce(&mut Txn) -> R,
    ) -> Result<R, Error> {
        if let Some(txn) = txn {
            assert!(
                txn.locks() == self.server.engine.all_locks(),
                "EXEC holds what the command's row asks for"
            );
            return Ok(work(txn));
        }
        let engine = &self.server.engine;
        let mut scratch = Scratch::new(self.server.random_seed());
        let running = &self.server.scripts.running;
        let (locks, db) = (engine.all_locks(), self.conn.db);
        let mut txn = engine
            .begin_unless(&mut scratch, locks, self.now_ms, db, running.busy_flag())
            .ok_or_else(|| running.error())?;
        let result = work(&mut txn);
        txn.commit();
        if !scratch.trash.is_empty() {
            self.server.lazy_free(scratch.trash);
        }
        Ok(result)
    }
}
