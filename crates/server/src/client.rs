//! What every thread may know of a connection: CLIENT LIST and CLIENT KILL read it, its worker writes it.

use engine::WatchMark;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicI64, AtomicU32, AtomicU64, Ordering::Relaxed};

/// Names that a client gave itself.
#[derive(Default, Clone)]
pub struct Names {
    pub name: Vec<u8>,
    pub lib_name: Vec<u8>,
    pub lib_ver: Vec<u8>,
    pub user: Vec<u8>,
}

/// The kinds that CLIENT LIST TYPE and CLIENT KILL TYPE tell apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Normal,
    Replica,
    Primary,
    Pubsub,
}

/// Redis keeps replies up to so many bytes beside the client and counts only what is beyond as `omem`. Ours lie in
/// one buffer; it is split the same way, so that `omem` and the limits on it mean the same.
pub const BESIDE_BYTES: u64 = 16 * 1024;

/// What `omem` says of so many bytes of replies.
pub fn output_memory(pending: u64) -> u64 {
    pending.saturating_sub(BESIDE_BYTES)
}

/// One connection's facts.
pub struct Client {
    pub id: u64,
    pub fd: i32,
    /// "127.0.0.1:1234", or "/path:0" for a Unix socket.
    pub addr: String,
    pub laddr: String,
    pub unix_socket: bool,
    /// The worker that owns it.
    pub worker: usize,
    /// Monotonic ms.
    pub created_ms: i64,
    pub active_ms: AtomicI64,
    pub db: AtomicU32,
    /// Id of the command that ran last in the command table; `u32::MAX` before any.
    pub command: AtomicU32,
    /// Commands queued by MULTI; -1 outside.
    pub multi: AtomicI32,
    pub watching: AtomicU32,
    pub resp3: AtomicBool,
    pub no_evict: AtomicBool,
    pub no_touch: AtomicBool,
    pub replica: AtomicBool,
    /// The link to our primary.
    pub primary: AtomicBool,
    pub monitor: AtomicBool,
    pub closing: AtomicBool,
    /// Its command waits for the end of a pause or of a shutdown.
    pub postponed: AtomicBool,
    /// Bytes that the queued commands take.
    pub multi_bytes: AtomicU64,
    pub input_bytes: AtomicU64,
    pub input_free_bytes: AtomicU64,
    pub output_bytes: AtomicU64,
    pub names: Mutex<Names>,
    /// Of the keys that it watches.
    pub watch_mark: Mutex<Option<Arc<WatchMark>>>,
    /// Set by CLIENT KILL: the worker closes it.
    pub killed: AtomicBool,
}

impl Kind {
    /// By the names that CLIENT LIST TYPE takes.
    pub fn parse(name: &[u8]) -> Option<Self> {
        match name.to_ascii_lowercase().as_slice() {
            b"normal" => Some(Self::Normal),
            b"slave" | b"replica" => Some(Self::Replica),
            b"pubsub" => Some(Self::Pubsub),
            b"master" => Some(Self::Primary),
            _ => None,
        }
    }
}

impl Client {
    pub fn new(
        id: u64,
        fd: i32,
        addr: String,
        laddr: String,
        unix_socket: bool,
        worker: usize,
        now_ms: i64,
    ) -> Self {
        Self {
            id,
            fd,
            addr,
            laddr,
            unix_socket,
            worker,
            created_ms: now_ms,
            active_ms: AtomicI64::new(now_ms),
            db: AtomicU32::new(0),
            command: AtomicU32::new(u32::MAX),
            multi: AtomicI32::new(-1),
            watching: AtomicU32::new(0),
            resp3: AtomicBool::new(false),
            no_evict: AtomicBool::new(false),
            no_touch: AtomicBool::new(false),
            replica: AtomicBool::new(false),
            primary: AtomicBool::new(false),
            monitor: AtomicBool::new(false),
            closing: AtomicBool::new(false),
            postponed: AtomicBool::new(false),
            multi_bytes: AtomicU64::new(0),
            input_bytes: AtomicU64::new(0),
            input_free_bytes: AtomicU64::new(0),
            output_bytes: AtomicU64::new(0),
            names: Mutex::new(Names { user: b"default".to_vec(), ..Names::default() }),
            watch_mark: Mutex::new(None),
            killed: AtomicBool::new(false),
        }
    }

    pub fn kind(&self) -> Kind {
        match () {
            () if self.primary.load(Relaxed) => Kind::Primary,
            () if self.replica.load(Relaxed) && !self.monitor.load(Relaxed) => Kind::Replica,
            () => Kind::Normal,
        }
    }

    /// Whether the peer is on this machine: what `local` in enable-debug-command means.
    pub fn is_local(&self) -> bool {
        let ip = self.addr.rsplit_once(':').map_or("", |(ip, _)| ip).trim_matches(['[', ']']);
        self.unix_socket || ip.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }
}

/// Every open connection, by id.
#[derive(Default)]
pub struct Clients {
    next_id: AtomicU64,
    open: Mutex<BTreeMap<u64, Arc<Client>>>,
}

impl Clients {
    pub fn next_id(&self) -> u64 {
        self.next_id.fetch_add(1, Relaxed) + 1
    }

    pub fn add(&self, client: Arc<Client>) {
        self.open.lock().insert(client.id, client);
    }

    pub fn remove(&self, id: u64) {
        self.open.lock().remove(&id);
    }

    pub fn len(&self) -> usize {
        self.open.lock().len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn get(&self, id: u64) -> Option<Arc<Client>> {
        self.open.lock().get(&id).cloned()
    }

    /// All of them, by ascending id.
    pub fn all(&self) -> Vec<Arc<Client>> {
        self.open.lock().values().cloned().collect()
    }
}

/// A client as log lines name it: its line in CLIENT LIST.
pub fn describe(server: &crate::server::Server, client: &Client) -> String {
    crate::commands::client_line(server.clock.monotonic_ms(), client)
}
