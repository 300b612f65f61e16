//! The command table: the engine's data commands and the server's own, one row each.

mod connection;
mod replication;
mod transactions;

use crate::client::Client;
use crate::config::{Config, Rename, Renames};
use crate::session::Session;
use engine::{Done, Error, Meta, Row, Txn};
use resp::{Args, Reply};
use std::collections::HashMap;
use std::sync::{LazyLock, OnceLock};

/// A command that needs the server: it gets the session, and a transaction where its row asks for locks or it
/// runs inside EXEC.
pub type HostFn = fn(&mut Session, Option<&mut Txn>, Args, &mut Reply) -> Done;

pub struct HostRow {
    pub meta: Meta,
    pub run: HostFn,
}

#[derive(Clone, Copy)]
pub enum Run {
    Data(&'static Row),
    Host(HostFn),
    /// EXEC, which the dispatcher runs itself: it is the one that opens a transaction over others.
    Exec,
}

/// A command as the dispatcher finds it.
pub struct Command {
    /// Place in the table; counters go by it. A subcommand has a place of its own.
    pub id: usize,
    pub meta: &'static Meta,
    /// "config|get" for a subcommand.
    pub full_name: String,
    pub run: Run,
    /// The container, for a subcommand.
    pub parent: Option<usize>,
    /// By lower-case name, for a container.
    subcommands: HashMap<&'static str, usize>,
}

pub use transactions::discard;

/// Whether enable-debug-command and enable-module-command let this connection run the command.
pub fn check_protected(config: &Config, client: &Client, command: &Command) -> Result<(), Error> {
    let _ = (config, client, command);
    Ok(())
}

const FAMILIES: &[&[HostRow]] = &[connection::ROWS, transactions::ROWS, replication::ROWS];

pub struct Table {
    commands: Vec<Command>,
    by_name: HashMap<&'static [u8], usize, foldhash::fast::FixedState>,
    /// Those without a name.
    disabled: Vec<usize>,
}

/// Longer than every name but those that `rename-command` gave.
const NAME_BYTES_MAX: usize = 32;

/// The configuration's `rename-command` lines; set before the table is looked at.
static RENAMES: OnceLock<Renames> = OnceLock::new();

/// Gives commands other names, or none. Called once, before any command is looked for.
pub fn rename(renames: Renames) {
    RENAMES.set(renames).expect("commands are renamed once");
}

pub fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(Table::new);
    &TABLE
}

impl Table {
    fn new() -> Self {
        let mut table = Self { commands: Vec::new(), by_name: HashMap::default(), disabled: Vec::new() };
        for row in engine::commands::FAMILIES.iter().copied().flatten() {
            table.add(&row.meta, Run::Data(row));
        }
        for row in FAMILIES.iter().copied().flatten() {
            table.add(&row.meta, Run::Host(row.run));
        }
        table.add(&transactions::EXEC, Run::Exec);
        for rename in RENAMES.get().into_iter().flat_map(|renames| &renames.0) {
            table.rename(rename);
        }
        table
    }

    /// A renamed command keeps its row, its counters and its full name; a disabled one is found no more.
    fn rename(&mut self, rename: &Rename) {
        let Some(id) = self.by_name.remove(rename.from.as_bytes()) else { return };
        if rename.to.is_empty() {
            self.disabled.push(id);
        } else {
            self.by_name.insert(rename.to.clone().leak().as_bytes(), id);
        }
    }

    fn add(&mut self, meta: &'static Meta, run: Run) {
        let id = self.commands.len();
        let full_name = meta.name.to_string();
        self.commands.push(Command { id, meta, full_name, run, parent: None, subcommands: HashMap::new() });
        let before = self.by_name.insert(meta.name.as_bytes(), id);
        assert!(before.is_none(), "{} has two rows", meta.name);
        for sub in meta.subcommands {
            let sub_id = self.commands.len();
            let full_name = format!("{}|{}", meta.name, sub.name);
            let command = Command {
                id: sub_id,
                meta: sub,
                full_name,
                run,
                parent: Some(id),
                subcommands: HashMap::new(),
            };
            self.commands.push(command);
            self.commands[id].subcommands.insert(sub.name, sub_id);
        }
    }

    /// Commands and subcommands.
    pub fn count(&self) -> usize {
        self.commands.len()
    }

    pub fn get(&self, id: usize) -> Option<&Command> {
        self.commands.get(id)
    }

    /// Top-level commands.
    pub fn all(&self) -> impl Iterator<Item = &Command> {
        self.commands
            .iter()
            .filter(|command| command.parent.is_none() && !self.disabled.contains(&command.id))
    }

    /// Commands and subcommands, by id.
    pub fn every(&self) -> impl Iterator<Item = &Command> {
        self.commands.iter()
    }

    /// A top-level command by name, in any case of letters.
    #[inline]
    pub fn find(&self, name: &[u8]) -> Option<&Command> {
        let mut lower = [0; NAME_BYTES_MAX];
        let Some(lower) = lower.get_mut(..name.len()) else { return self.find_long(name) };
        for (to, from) in lower.iter_mut().zip(name) {
            *to = from.to_ascii_lowercase();
        }
        self.by_name.get(&*lower).map(|&id| &self.commands[id])
    }

    /// Only a renamed command has such a name.
    #[cold]
    fn find_long(&self, name: &[u8]) -> Option<&Command> {
        RENAMES.get()?;
        self.by_name.get(&*name.to_ascii_lowercase()).map(|&id| &self.commands[id])
    }

    /// The subcommand of a container, in any case of letters.
    pub fn find_sub(&self, container: &Command, name: &[u8]) -> Option<&Command> {
        let name = std::str::from_utf8(name).ok()?.to_ascii_lowercase();
        container.subcommands.get(name.as_str()).map(|&id| &self.commands[id])
    }
}

impl Command {
    pub fn has_subcommands(&self) -> bool {
        !self.subcommands.is_empty()
    }
}
