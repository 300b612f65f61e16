//! Listening sockets, and accepting: one thread's work, connections go to the workers in turn.
//!
//! The sockets are shared, so that CONFIG SET can exchange them: what stays the same stays open, what can't be
//! opened leaves the old ones as they were.

use crate::client::Client;
use crate::config::Config;
use crate::conn::Stream;
use crate::logger::{self, Level};
use crate::server::Server;
use crate::worker::Message;
use mio::event::Source;
use mio::net::{TcpListener, TcpStream, UnixListener};
use mio::{Events, Interest, Poll, Registry, Token};
use parking_lot::Mutex;
use socket2::{Domain, Protocol, SockAddr, SockRef, Socket, TcpKeepalive, Type};
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// After an error that has nothing to do with the connection (no descriptors left) the next try waits so long.
const RETRY: Duration = Duration::from_millis(10);

enum Acceptor {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Acceptor {
    fn source(&mut self) -> &mut dyn Source {
        match self {
            Self::Tcp(listener) => listener,
            Self::Unix(listener) => listener,
        }
    }

    fn accept(&self) -> io::Result<(Stream, Option<SocketAddr>)> {
        match self {
            Self::Tcp(listener) => listener.accept().map(|(stream, peer)| (Stream::Tcp(stream), Some(peer))),
            Self::Unix(listener) => listener.accept().map(|(stream, _)| (Stream::Unix(stream), None)),
        }
    }
}

/// A listening socket and the place that it was opened for.
pub struct Listener {
    acceptor: Acceptor,
    place: Place,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Place {
    /// An address of `bind`, with its `-` where it may be missing.
    Tcp {
        bind: String,
        port: u16,
    },
    Unix,
}

/// The open sockets of a server, and the poll of the thread that accepts.
#[derive(Default)]
pub struct Listening {
    open: Mutex<Vec<Listener>>,
    registry: OnceLock<Registry>,
}

/// Opens every listening socket of the configuration. The error is the line to be logged before exiting.
pub fn open(config: &Config) -> Result<Vec<Listener>, String> {
    let mut listeners = Vec::new();
    let places = tcp_places(config);
    for place in &places {
        match open_place(place, config) {
            Ok(listener) => listeners.extend(listener),
            Err(()) => return Err(format!("Failed listening on port {} (tcp), aborting.", config.port)),
        }
    }
    if !places.is_empty() && listeners.is_empty() {
        return Err(format!("Failed listening on port {} (tcp), aborting.", config.port));
    }
    if !config.unixsocket.is_empty() {
        let acceptor = open_unix(&config.unixsocket, config.unixsocketperm as u32).map_err(|error| {
            format!("Failed opening Unix socket: bind: {}", crate::sys::error_text(&error))
        })?;
        listeners.push(Listener { acceptor: Acceptor::Unix(acceptor), place: Place::Unix });
    }
    if listeners.is_empty() {
        return Err("Configured to not listen anywhere, exiting.".into());
    }
    Ok(listeners)
}

fn tcp_places(config: &Config) -> Vec<Place> {
    let binds = config.bind.0.iter().filter(|_| config.port != 0);
    binds.map(|bind| Place::Tcp { bind: bind.clone(), port: config.port as u16 }).collect()
}

/// Opens one place; `None` if it is not there, and may be missing. An error is in the log already.
fn open_place(place: &Place, config: &Config) -> Result<Option<Listener>, ()> {
    let Place::Tcp { bind, port } = place else { unreachable!("Unix sockets are not reopened") };
    let (address, optional) = match bind.strip_prefix('-') {
        Some(address) => (address, true),
        None => (bind.as_str(), false),
    };
    let (step, error) = match open_tcp(address, *port, config.tcp_backlog as i32) {
        Ok(listener) => {
            return Ok(Some(Listener { acceptor: Acceptor::Tcp(listener), place: place.clone() }));
        }
        Err(failed) => failed,
    };
    let text = crate::sys::error_text(&error);
    let text =
        format!("Warning: Could not create server TCP listening socket {address}:{port}: {step}{text}");
    logger::log(Level::Warning, &text);
    let unsupported = [
        libc::EAFNOSUPPORT,
        libc::EPFNOSUPPORT,
        libc::EPROTONOSUPPORT,
        libc::ESOCKTNOSUPPORT,
        libc::ENOPROTOOPT,
    ];
    match error.raw_os_error() {
        Some(libc::EADDRNOTAVAIL) if optional => Ok(None),
        Some(code) if unsupported.contains(&code) => Ok(None),
        _ => Err(()),
    }
}

/// The error comes with the step that failed, as the log names it.
fn open_tcp(bind: &str, port: u16, backlog: i32) -> Result<TcpListener, (&'static str, io::Error)> {
    let ip = match bind {
        "*" => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        "::*" => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        name => resolve(name).map_err(|error| ("", error))?,
    };
    let domain = if ip.is_ipv4() { Domain::IPV4 } else { Domain::IPV6 };
    let step = |step| move |error| (step, error);
    let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP)).map_err(step("socket: "))?;
    if ip.is_ipv6() {
        socket.set_only_v6(true).map_err(step("setsockopt: "))?;
    }
    socket.set_reuse_address(true).map_err(step("setsockopt SO_REUSEADDR: "))?;
    socket.bind(&SockAddr::from(SocketAddr::new(ip, port))).map_err(step("bind: "))?;
    socket.listen(backlog).map_err(step("listen: "))?;
    socket.set_nonblocking(true).map_err(step("fcntl(F_SETFL,O_NONBLOCK): "))?;
    Ok(TcpListener::from_std(socket.into()))
}

fn resolve(name: &str) -> io::Result<IpAddr> {
    use std::net::ToSocketAddrs;
    let mut found = (name, 0).to_socket_addrs()?;
    found.next().map(|addr| addr.ip()).ok_or_else(|| io::ErrorKind::AddrNotAvailable.into())
}

fn open_unix(path: &str, permissions: u32) -> io::Result<UnixListener> {
    let _ = std::fs::remove_file(path);
    let listener = UnixListener::bind(path)?;
    if permissions != 0 {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(permissions))?;
    }
    Ok(listener)
}

/// Brings the TCP sockets to what the configuration says now. If one can't be opened, the old ones stay and the
/// error is the text of CONFIG SET's reply.
pub fn reopen(server: &Server) -> Result<(), String> {
    let config = server.config();
    let registry = server.listening.registry.get().ok_or("The server does not listen yet.")?;
    let mut open = server.listening.open.lock();
    let wanted = tcp_places(&config);
    let old: Vec<Place> = open.iter().map(|listener| listener.place.clone()).collect();
    let other_port = wanted.iter().chain(&old).any(|place| {
        matches!(place, Place::Tcp { port, .. } if !old.iter().any(|old| matches!(old, Place::Tcp { port: p, .. } if p == port)))
    });
    // A wider address can't be opened beside a narrower one of the same port: the old ones go first.
    close_where(registry, &mut open, |place| *place != Place::Unix && !wanted.contains(place));
    let missing: Vec<&Place> = wanted.iter().filter(|place| !old.contains(place)).collect();
    for place in missing {
        match open_place(place, &config)
            .map_err(|()| io::ErrorKind::Other.into())
            .and_then(|new| add(registry, &mut open, new))
        {
            Ok(()) => {}
            Err(_) => {
                close_where(registry, &mut open, |place| !old.contains(place));
                restore(registry, &mut open, &old, &config);
                let text = match other_port {
                    true => "Unable to listen on this port. Check server logs.",
                    false => "Failed to bind to specified addresses.",
                };
                return Err(text.into());
            }
        }
    }
    Ok(())
}

fn close_where(registry: &Registry, open: &mut Vec<Listener>, mut closes: impl FnMut(&Place) -> bool) {
    open.retain_mut(|listener| {
        if !closes(&listener.place) {
            return true;
        }
        let _ = registry.deregister(listener.acceptor.source());
        false
    });
}

fn add(registry: &Registry, open: &mut Vec<Listener>, listener: Option<Listener>) -> io::Result<()> {
    let Some(mut listener) = listener else { return Ok(()) };
    // All have one token: an event makes the thread look at all of them, which are few.
    registry.register(listener.acceptor.source(), Token(0), Interest::READABLE)?;
    open.push(listener);
    Ok(())
}

fn restore(registry: &Registry, open: &mut Vec<Listener>, old: &[Place], config: &Config) {
    for place in old {
        if open.iter().any(|listener| listener.place == *place) {
            continue;
        }
        let opened = open_place(place, config).ok().map(|listener| add(registry, open, listener));
        if !matches!(opened, Some(Ok(()))) {
            logger::log(Level::Warning, &format!("Can't listen again on {place:?}"));
        }
    }
}

/// Registers the sockets and starts the thread that accepts.
pub fn start(server: &'static Server, listeners: Vec<Listener>) -> io::Result<()> {
    let poll = Poll::new()?;
    let registry = poll.registry().try_clone()?;
    for listener in listeners {
        add(&registry, &mut server.listening.open.lock(), Some(listener))?;
    }
    assert!(server.listening.registry.set(registry).is_ok(), "listening starts once");
    crate::start::spawn("accept", move || run(server, poll).expect("accepting goes on"));
    Ok(())
}

/// Accepts until the process ends.
fn run(server: &'static Server, mut poll: Poll) -> io::Result<()> {
    let mut events = Events::with_capacity(16);
    let mut next_worker = 0;
    let mut timeout = None;
    loop {
        match poll.poll(&mut events, timeout) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        }
        server.freeze_point();
        timeout = None;
        for listener in server.listening.open.lock().iter() {
            if !accept_all(server, listener, &mut next_worker) {
                timeout = Some(RETRY);
            }
        }
    }
}

/// Accepts what waits; false if an error left connections waiting.
fn accept_all(server: &'static Server, listener: &Listener, next_worker: &mut usize) -> bool {
    loop {
        match listener.acceptor.accept() {
            Ok((stream, peer)) => {
                admit(server, stream, peer, *next_worker % server.workers.len());
                *next_worker += 1;
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return true,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                let text = format!("Accepting client connection: {}", crate::sys::error_text(&error));
                logger::log(Level::Warning, &text);
                return false;
            }
        }
    }
}

fn admit(server: &'static Server, mut stream: Stream, peer: Option<SocketAddr>, worker: usize) {
    let config = server.config();
    if config.maxclients as usize <= server.clients.len() {
        server.rejected_connections.fetch_add(1, Relaxed);
        let _ = stream.write(b"-ERR max number of clients reached\r\n");
        return;
    }
    if is_denied(&config, peer) {
        server.rejected_connections.fetch_add(1, Relaxed);
        let _ = stream.write(DENIED.as_bytes());
        return;
    }
    server.connections_received.fetch_add(1, Relaxed);
    let (fd, laddr) = prepare(&mut stream, &config);
    let unix = matches!(stream, Stream::Unix(_));
    let addr = match peer {
        Some(peer) => address(peer),
        None => format!("{}:0", config.unixsocket),
    };
    let now = server.clock.monotonic_ms();
    let client = Arc::new(Client::new(server.clients.next_id(), fd, addr, laddr, unix, worker, now));
    if logger::is_logged(Level::Verbose) {
        let text = match unix {
            true => format!("Accepted connection to {}", config.unixsocket),
            false => format!("Accepted {}", client.addr),
        };
        logger::log(Level::Verbose, &text);
    }
    server.clients.add(client.clone());
    let authenticated = config.requirepass.is_empty();
    server.workers[worker].mailbox.send(Message::Accepted { stream, client, authenticated });
}

/// Whether protected mode keeps this peer out; a Unix socket's has no address.
fn is_denied(config: &Config, peer: Option<SocketAddr>) -> bool {
    let remote = peer.is_some_and(|peer| !peer.ip().to_canonical().is_loopback());
    remote && config.protected_mode && config.requirepass.is_empty()
}

const DENIED: &str = "-DENIED Redis is running in protected mode because protected mode is enabled and no \
     password is set for the default user. In this mode connections are only accepted from the loopback \
     interface. To let other hosts connect, set a password for the default user (requirepass), or turn \
     protected-mode off: by CONFIG SET from the loopback interface, or in the configuration.\r\n";

/// An address as CLIENT LIST shows it.
pub fn address(addr: SocketAddr) -> String {
    match addr.ip().to_canonical() {
        IpAddr::V4(ip) => format!("{ip}:{}", addr.port()),
        IpAddr::V6(ip) => format!("[{ip}]:{}", addr.port()),
    }
}

fn prepare(stream: &mut Stream, config: &Config) -> (i32, String) {
    match stream {
        Stream::Tcp(stream) => {
            set_options(stream, config);
            (stream.as_raw_fd(), stream.local_addr().map(address).unwrap_or_default())
        }
        Stream::Unix(stream) => (stream.as_raw_fd(), format!("{}:0", config.unixsocket)),
    }
}

fn set_options(stream: &TcpStream, config: &Config) {
    let _ = stream.set_nodelay(true);
    if config.tcp_keepalive != 0 {
        let seconds = config.tcp_keepalive as u64;
        // As Redis sets them: probes at a third of the time, three of them.
        let keepalive = TcpKeepalive::new()
            .with_time(Duration::from_secs(seconds))
            .with_interval(Duration::from_secs((seconds / 3).max(1)))
            .with_retries(3);
        let _ = SockRef::from(stream).set_tcp_keepalive(&keepalive);
    }
}

/// What to log if the kernel keeps fewer waiting connections than `tcp-backlog` asks for.
pub fn backlog_warning(config: &Config) -> Option<String> {
    let text = std::fs::read_to_string("/proc/sys/net/core/somaxconn").ok()?;
    let most: i64 = text.trim().parse().ok()?;
    (0 < most && most < config.tcp_backlog).then(|| {
        format!(
            "WARNING: The TCP backlog setting of {} cannot be enforced because /proc/sys/net/core/somaxconn is set to the lower value of {most}.",
            config.tcp_backlog
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Words;
    use crate::mailbox::Mailbox;
    use crate::server::Start;
    use crate::stats::WorkerStats;
    use crate::worker::Handle;

    fn free_port() -> u16 {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.local_addr().expect("has an address").port()
    }

    fn config(bind: &str, port: u16) -> Config {
        Config { bind: Words::of(bind), port: port.into(), ..Config::default() }
    }

    /// A server that accepts, and gives its connections to a worker that does not run.
    fn server(config: Config) -> &'static Server {
        let listeners = open(&config).expect("listens");
        let poll = Box::leak(Box::new(Poll::new().expect("a poll")));
        let handle = Handle { mailbox: Mailbox::new(poll).expect("a mailbox"), stats: WorkerStats::new() };
        let server: &'static Server = Box::leak(Box::new(Server::new(Start {
            config,
            config_file: None,
            executable: "".into(),
            seed: 1,
            workers: vec![handle],
            lazyfree: crate::lazyfree::LazyFree::new().0,
        })));
        start(server, listeners).expect("accepts");
        server
    }

    fn accepts(address: &str, port: u16) -> bool {
        std::net::TcpStream::connect((address, port)).is_ok()
    }

    #[test]
    fn the_sockets_follow_the_configuration() {
        let (port, other) = (free_port(), free_port());
        let server = server(config("127.0.0.1", port));
        assert!(accepts("127.0.0.1", port) && !accepts("127.0.0.2", port));
        // Another port.
        server.set_config(config("127.0.0.1", other));
        assert_eq!(reopen(server), Ok(()));
        assert!(!accepts("127.0.0.1", port) && accepts("127.0.0.1", other));
        // A further address; an optional one that is not there.
        server.set_config(config("127.0.0.1 127.0.0.2 -192.0.2.1", other));
        assert_eq!(reopen(server), Ok(()));
        assert!(accepts("127.0.0.1", other) && accepts("127.0.0.2", other));
        // What can't be opened leaves all as it was.
        let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        server.set_config(config("127.0.0.2 127.0.0.1", taken.local_addr().expect("has one").port()));
        assert_eq!(reopen(server), Err("Unable to listen on this port. Check server logs.".into()));
        assert!(accepts("127.0.0.1", other) && accepts("127.0.0.2", other));
        server.set_config(config("127.0.0.3 192.0.2.1", other));
        assert_eq!(reopen(server), Err("Failed to bind to specified addresses.".into()));
        assert!(accepts("127.0.0.1", other) && accepts("127.0.0.2", other) && !accepts("127.0.0.3", other));
        // Nowhere, and back.
        server.set_config(config("127.0.0.1", 0));
        assert_eq!(reopen(server), Ok(()));
        assert!(!accepts("127.0.0.1", other));
        server.set_config(config("127.0.0.1", other));
        assert_eq!(reopen(server), Ok(()));
        assert!(accepts("127.0.0.1", other));
    }

    #[test]
    fn protected_mode_lets_the_own_machine_in() {
        let mut config = Config::default();
        let denied = |config: &Config, ip: &str| {
            is_denied(config, Some(SocketAddr::new(ip.parse().expect("an address"), 1)))
        };
        for near in ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"] {
            assert!(!denied(&config, near));
        }
        assert!(!is_denied(&config, None), "a Unix socket");
        assert!(denied(&config, "192.0.2.1") && denied(&config, "2001:db8::1"));
        config.requirepass = "sesame".into();
        assert!(!denied(&config, "192.0.2.1"));
        config = Config { protected_mode: false, ..Config::default() };
        assert!(!denied(&config, "192.0.2.1"));
    }
}
