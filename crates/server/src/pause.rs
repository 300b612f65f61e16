//! CLIENT PAUSE: clients' commands, or their writes, wait until a time.

use crate::server::Server;
use crate::worker::Message;
use parking_lot::Mutex;

#[derive(Default)]
pub struct Pause(Mutex<Ends>);

/// When the pauses end (monotonic ms); 0: there is none.
#[derive(Default, Clone, Copy)]
struct Ends {
    writes_ms: i64,
    all_ms: i64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scope {
    Writes,
    All,
}

impl Pause {
    /// Pauses until then, or as long as a pause that runs already. Returns under no lock of a shard that the
    /// caller might hold: no command that saw the old state runs on.
    pub fn begin(&self, server: &Server, scope: Scope, until_ms: i64) {
        let mut ends = self.0.lock();
        match scope {
            Scope::Writes => ends.writes_ms = ends.writes_ms.max(until_ms),
            Scope::All => ends.all_ms = ends.all_ms.max(until_ms),
        }
        publish(server, *ends);
    }

    /// Makes the state word say again what the pauses are, after a shutdown that was given up.
    pub fn restore(&self, server: &Server) {
        publish(server, *self.0.lock());
        server.send_all(|| Message::Unpaused);
    }

    /// CLIENT UNPAUSE.
    pub fn end(&self, server: &Server) {
        let mut ends = self.0.lock();
        *ends = Ends::default();
        publish(server, *ends);
        drop(ends);
        server.send_all(|| Message::Unpaused);
    }

    /// Ends the pauses whose time has come.
    pub fn end_if_due(&self, server: &Server) {
        let now = server.clock.monotonic_ms();
        let mut ends = self.0.lock();
        let due = |end: i64| end != 0 && end <= now;
        if !due(ends.writes_ms) && !due(ends.all_ms) {
            return;
        }
        if due(ends.writes_ms) {
            ends.writes_ms = 0;
        }
        if due(ends.all_ms) {
            ends.all_ms = 0;
        }
        publish(server, *ends);
        drop(ends);
        server.send_all(|| Message::Unpaused);
    }
}

/// Makes the state word say what `ends` says.
fn publish(server: &Server, ends: Ends) {
    server.engine.change_state(|state| {
        state.set_paused(ends.writes_ms != 0, ends.all_ms != 0);
    });
}
