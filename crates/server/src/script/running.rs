//! The script that runs for long: who wants a shard meanwhile is told BUSY, and it can be stopped.
//!
//! A script holds every shard, so there is one at most. It is entered here when it has run for
//! `busy-reply-threshold`, and not before: short scripts cost nothing.

use engine::{Done, Error, Txn, WatchMark};
use parking_lot::Mutex;
use resp::{Args, OwnedArgs};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

/// What others are told.
pub const BUSY: &str =
    "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.";
const BUSY_FUNCTION: &str =
    "BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE.";

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Script,
    Function,
}

impl Kind {
    pub fn kill_command(self) -> &'static str {
        match self {
            Self::Script => "SCRIPT KILL",
            Self::Function => "FUNCTION KILL",
        }
    }
}

/// What a script is to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Order {
    None,
    Kill,
}

/// The script that runs for long, for FUNCTION STATS.
#[derive(Clone)]
pub struct Slow {
    pub kind: Kind,
    pub name: String,
    pub call: OwnedArgs,
    pub since_ms: i64,
}

#[derive(Default)]
pub struct Running {
    slow: Mutex<Option<Slow>>,
    /// Whether [`Running::slow`] is somebody: looked at by who waits for a shard.
    busy: AtomicBool,
    wrote: AtomicBool,
    order: AtomicU8,
    /// Watched keys that could not be forgotten meanwhile.
    unwatch: Mutex<Vec<(u32, Vec<u8>, Arc<WatchMark>)>>,
}

impl Running {
    pub(super) fn begin(&self, kind: Kind, name: &str, call: Args, since_ms: i64) {
        let mut slow = self.slow.lock();
        assert!(slow.is_none(), "two scripts hold every shard");
        *slow = Some(Slow { kind, name: name.to_string(), call: OwnedArgs::from_args(call), since_ms });
        self.wrote.store(false, Ordering::Relaxed);
        self.order.store(0, Ordering::Relaxed);
        self.busy.store(true, Ordering::Release);
    }

    /// Forgets a watched key when the script that holds its shard is over.
    pub fn unwatch_later(&self, db: u32, key: Vec<u8>, mark: Arc<WatchMark>) {
        self.unwatch.lock().push((db, key, mark));
    }

    /// The script is over; `txn` is still its transaction.
    pub(super) fn end(&self, txn: &mut Txn) {
        for (db, key, mark) in std::mem::take(&mut *self.unwatch.lock()) {
            txn.unwatch(db, &key, &mark);
        }
        *self.slow.lock() = None;
        self.busy.store(false, Ordering::Release);
    }

    pub(super) fn set_wrote(&self, wrote: bool) {
        self.wrote.store(wrote, Ordering::Release);
    }

    pub(super) fn order(&self) -> Order {
        if self.order.load(Ordering::Acquire) == 0 { Order::None } else { Order::Kill }
    }

    /// Whether a script has run for too long already.
    #[inline]
    pub fn is_busy(&self) -> bool {
        self.busy.load(Ordering::Acquire)
    }

    /// For who waits for a shard: true as soon as a script has run for too long.
    pub fn busy_flag(&self) -> &AtomicBool {
        &self.busy
    }

    pub fn error(&self) -> Error {
        match self.slow().map(|slow| slow.kind) {
            Some(Kind::Function) => Error::text(BUSY_FUNCTION),
            _ => Error::text(BUSY),
        }
    }

    pub fn slow(&self) -> Option<Slow> {
        self.slow.lock().clone()
    }

    /// SCRIPT KILL and FUNCTION KILL.
    pub fn kill(&self, kind: Kind) -> Done {
        let slow = self.slow.lock();
        let Some(slow) = &*slow else {
            return Err(Error::text("NOTBUSY No scripts in execution right now."));
        };
        if self.wrote.load(Ordering::Acquire) {
            return Err(Error::text(
                "UNKILLABLE Sorry the script already executed write commands against the dataset. You can either wait the script termination or kill the server in a hard way using the SHUTDOWN NOSAVE command.",
            ));
        }
        if slow.kind != kind {
            return Err(self.other_kind(slow.kind));
        }
        self.order.store(1, Ordering::Release);
        Ok(())
    }

    fn other_kind(&self, running: Kind) -> Error {
        match running {
            Kind::Script => Error::text(BUSY),
            Kind::Function => Error::text(BUSY_FUNCTION),
        }
    }
}
