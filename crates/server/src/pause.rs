//! Pauses: clients' commands, or their writes, wait until a time (CLIENT PAUSE, and a shutdown or failover that
//! lets replicas catch up).
//!
//! Each purpose has a pause of its own; what is paused is what any of them asks for. Order of locks: shards, then
//! the pauses.

use crate::server::Server;
use crate::worker::Message;
use engine::Txn;
use parking_lot::Mutex;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// CLIENT PAUSE and UNPAUSE.
    Command,
    Shutdown,
    Failover,
    /// DEBUG RELOAD.
    Reload,
}

const PURPOSES: usize = 4;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Scope {
    Writes,
    All,
}

/// Until the end of time: a pause that is ended by whoever began it.
pub const FOREVER_MS: i64 = i64::MAX;

#[derive(Default)]
pub struct Pause(Mutex<[Option<Running>; PURPOSES]>);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Running {
    scope: Scope,
    /// Monotonic ms.
    end_ms: i64,
}

impl Running {
    /// A pause on top of one of the same purpose: the wider scope, the later end.
    fn extended(self, by: Self) -> Self {
        Self { scope: self.scope.max(by.scope), end_ms: self.end_ms.max(by.end_ms) }
    }
}

impl Pause {
    /// Pauses until `end_ms` (monotonic). When it returns, no command that saw the old state runs on. `held`: the
    /// caller's transaction over every shard, if it is in one.
    pub fn begin(&self, server: &Server, held: Option<&Txn>, purpose: Purpose, scope: Scope, end_ms: i64) {
        let by = Running { scope, end_ms };
        self.change(server, held, |running| {
            let slot = &mut running[purpose as usize];
            *slot = Some(slot.map_or(by, |running| running.extended(by)));
        });
    }

    /// Ends the pause of one purpose.
    pub fn end(&self, server: &Server, held: Option<&Txn>, purpose: Purpose) {
        self.change(server, held, |running| running[purpose as usize] = None);
        server.send_all(|| Message::Unpaused);
    }

    /// Ends the pauses whose time has come.
    pub fn end_if_due(&self, server: &Server) {
        let now = server.clock.monotonic_ms();
        let due = |running: &Option<Running>| running.is_some_and(|running| running.end_ms <= now);
        if !self.0.lock().iter().any(due) {
            return;
        }
        self.change(server, None, |running| {
            running.iter_mut().filter(|slot| due(slot)).for_each(|slot| *slot = None)
        });
        server.send_all(|| Message::Unpaused);
    }

    fn change(
        &self,
        server: &Server,
        held: Option<&Txn>,
        change: impl FnOnce(&mut [Option<Running>; PURPOSES]),
    ) {
        server.change_state(held, |state| {
            let mut running = self.0.lock();
            change(&mut running);
            let scope = running.iter().flatten().map(|running| running.scope).max();
            state.set_paused(scope.is_some(), scope == Some(Scope::All));
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_pause_only_widens_and_lengthens() {
        let all = Running { scope: Scope::All, end_ms: 1000 };
        let writes = Running { scope: Scope::Writes, end_ms: 5000 };
        let both = Running { scope: Scope::All, end_ms: 5000 };
        assert_eq!(all.extended(writes), both);
        assert_eq!(writes.extended(all), both);
        assert_eq!(both.extended(writes), both);
    }
}
