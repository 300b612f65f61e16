//! The command table: the engine's data commands and the server's own, one row each.

mod client;
pub use client::line as client_line;
mod command;
mod config;
mod connection;
mod debug;
mod docs;
mod help;
mod info;
mod memory;
mod persistence;
mod replication;
mod scripting;
mod server;
mod transactions;

use crate::client::Client;
use crate::config::{Choice, Config, Rename, Renames};
use crate::script::Call;
use crate::session::Session;
use engine::{Done, Error, Meta, Row, Txn};
use resp::{Args, Reply};
use std::collections::HashMap;
use std::sync::{LazyLock, OnceLock};

/// A command that needs the server: it gets the session, and a transaction where its row asks for the locks of
/// keys, or where it runs inside EXEC.
///
/// A row with `Locks::All` locks late: EXEC holds every shard for it, but on its own it gets no transaction, and
/// takes the shards itself for as short as it needs them ([`Session::with_all_shards`], `Server::change_state`). So
/// a command that changes the state, or looks at whole databases, neither waits for its own EXEC nor does its
/// other work under the locks.
pub type HostFn = fn(&mut Session, Option<&mut Txn>, Args, &mut Reply) -> Done;

pub struct HostRow {
    pub meta: Meta,
    pub run: HostFn,
}

/// A command whose second word says what it does. Its own row runs where there is no second word.
pub struct Container {
    pub row: HostRow,
    pub subcommands: &'static [HostRow],
}

#[derive(Clone, Copy)]
pub enum Run {
    Data(&'static Row),
    Host(HostFn),
    /// EVAL, FCALL and their like, which the dispatcher runs too: their commands are part of its transaction.
    Script(Call),
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

pub use config::write_file as write_config_file;
pub use scripting::{apply_function, changes_functions};
pub use transactions::{discard, forget_watches, leave_multi};

/// Bytes of a request as text for an error line, up to the first zero byte, where Redis's texts end too. The
/// line's writer makes the same bytes of it.
pub fn text(bytes: &[u8]) -> String {
    bytes.iter().take_while(|byte| **byte != 0).map(|&byte| byte as char).collect()
}

/// What a container's function answers that knows its subcommands itself, or one that has several forms.
fn wrong_subcommand(container: &str, sub: &[u8]) -> Error {
    let sub = text(&sub[..sub.len().min(128)]);
    Error::owned(format!(
        "ERR unknown subcommand or wrong number of arguments for '{sub}'. Try {container} HELP."
    ))
}

/// Whether enable-debug-command and enable-module-command let this connection run the command.
pub fn check_protected(config: &Config, client: &Client, command: &Command) -> Result<(), Error> {
    let container = command.parent.and_then(|id| table().get(id)).unwrap_or(command);
    let (name, directive, choice) = match container.meta.name {
        "module" => ("MODULE", "enable-module-command", config.enable_module_command),
        _ => ("DEBUG", "enable-debug-command", config.enable_debug_command),
    };
    if is_allowed(choice, client) {
        return Ok(());
    }
    Err(Error::owned(format!(
        "ERR {name} command not allowed. If the {directive} option is set to \"local\", you can run it from a local connection, otherwise you need to set this option in the configuration file, and then restart the server."
    )))
}

/// Whether a directive with `no`, `local` and `yes` allows this connection something.
fn is_allowed(choice: Choice, client: &Client) -> bool {
    choice.0 == "yes" || (choice.0 == "local" && client.is_local())
}

const FAMILIES: &[&[HostRow]] = &[
    connection::ROWS,
    transactions::ROWS,
    server::ROWS,
    persistence::ROWS,
    info::ROWS,
    debug::ROWS,
    replication::ROWS,
];

const CONTAINERS: &[&Container] = &[
    &client::CLIENT,
    &config::CONFIG,
    &command::COMMAND,
    &memory::MEMORY,
    &server::MODULE,
    &scripting::SCRIPT,
    &scripting::FUNCTION,
];

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
        for container in CONTAINERS {
            let id = table.add(&container.row.meta, Run::Host(container.row.run));
            for sub in container.subcommands {
                table.add_sub(id, &sub.meta, Run::Host(sub.run));
            }
        }
        for (meta, call) in scripting::CALLS {
            table.add(meta, Run::Script(*call));
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

    fn add(&mut self, meta: &'static Meta, run: Run) -> usize {
        let id = self.push(meta, meta.name.to_string(), run, None);
        let before = self.by_name.insert(meta.name.as_bytes(), id);
        assert!(before.is_none(), "{} has two rows", meta.name);
        for sub in meta.subcommands {
            self.add_sub(id, sub, run);
        }
        id
    }

    fn add_sub(&mut self, container: usize, meta: &'static Meta, run: Run) {
        let full_name = format!("{}|{}", self.commands[container].meta.name, meta.name);
        let id = self.push(meta, full_name, run, Some(container));
        let before = self.commands[container].subcommands.insert(meta.name, id);
        assert!(before.is_none(), "{} has two rows", self.commands[id].full_name);
    }

    fn push(&mut self, meta: &'static Meta, full_name: String, run: Run, parent: Option<usize>) -> usize {
        let id = self.commands.len();
        self.commands.push(Command { id, meta, full_name, run, parent, subcommands: HashMap::new() });
        id
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

impl Table {
    /// The subcommands of a container, in the order of their rows.
    pub fn subs<'t>(&'t self, container: &Command) -> impl Iterator<Item = &'t Command> {
        let id = container.id;
        self.commands.iter().filter(move |command| command.parent == Some(id))
    }

    /// A command by its name, or a subcommand by `container|name`.
    pub fn find_full(&self, name: &[u8]) -> Option<&Command> {
        match name.iter().position(|&byte| byte == b'|') {
            Some(bar) => self.find_sub(self.find(&name[..bar])?, &name[bar + 1..]),
            None => self.find(name),
        }
    }
}

impl Command {
    pub fn has_subcommands(&self) -> bool {
        !self.subcommands.is_empty()
    }
}
