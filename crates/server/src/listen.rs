//! Listening sockets, and accepting: one thread's work, connections go to the workers in turn.

use crate::client::Client;
use crate::config::Config;
use crate::conn::Stream;
use crate::logger::{self, Level};
use crate::server::Server;
use crate::worker::Message;
use mio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use mio::{Events, Interest, Poll, Token};
use socket2::{Domain, Protocol, SockAddr, SockRef, Socket, TcpKeepalive, Type};
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Duration;

pub enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// Opens every listening socket of the configuration. The error is the line to be logged before exiting.
pub fn open(config: &Config) -> Result<Vec<Listener>, String> {
    let mut listeners = Vec::new();
    if config.port != 0 {
        for bind in &config.bind.0 {
            match open_tcp(bind.trim_start_matches('-'), config.port as u16, config.tcp_backlog as i32) {
                Ok(listener) => listeners.push(Listener::Tcp(listener)),
                Err(error) => {
                    let unsupported = matches!(error.raw_os_error(), Some(libc::EAFNOSUPPORT | libc::EPROTONOSUPPORT));
                    let absent = error.raw_os_error() == Some(libc::EADDRNOTAVAIL);
                    if (bind.starts_with('-') && absent) || unsupported || (bind.starts_with("-::*")) {
                        continue;
                    }
                    let text = crate::sys::error_text(&error);
                    let text = format!("Warning: Could not create server TCP listening socket {bind}:{}: bind: {text}", config.port);
                    logger::log(Level::Warning, &text);
                    return Err(format!("Failed listening on port {} (tcp), aborting.", config.port));
                }
            }
        }
        if listeners.is_empty() {
            return Err(format!("Failed listening on port {} (tcp), aborting.", config.port));
        }
    }
    if !config.unixsocket.is_empty() {
        match open_unix(&config.unixsocket, config.unixsocketperm as u32) {
            Ok(listener) => listeners.push(Listener::Unix(listener)),
            Err(error) => {
                let text = crate::sys::error_text(&error);
                return Err(format!("Failed opening Unix socket: bind: {text}"));
            }
        }
    }
    if listeners.is_empty() {
        return Err("Configured to not listen anywhere, exiting.".into());
    }
    Ok(listeners)
}

fn open_tcp(bind: &str, port: u16, backlog: i32) -> io::Result<TcpListener> {
    let ip = match bind {
        "*" => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        "::*" => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        name => resolve(name)?,
    };
    let domain = if ip.is_ipv4() { Domain::IPV4 } else { Domain::IPV6 };
    let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
    if ip.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.bind(&SockAddr::from(SocketAddr::new(ip, port)))?;
    socket.listen(backlog)?;
    socket.set_nonblocking(true)?;
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

/// Accepts until the process ends.
pub fn run(server: &'static Server, mut listeners: Vec<Listener>) -> io::Result<()> {
    let mut poll = Poll::new()?;
    for (i, listener) in listeners.iter_mut().enumerate() {
        match listener {
            Listener::Tcp(listener) => poll.registry().register(listener, Token(i), Interest::READABLE)?,
            Listener::Unix(listener) => poll.registry().register(listener, Token(i), Interest::READABLE)?,
        }
    }
    let mut events = Events::with_capacity(64);
    let mut next_worker = 0;
    loop {
        match poll.poll(&mut events, None) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        }
        server.freeze_point();
        for event in &events {
            accept_all(server, &listeners[event.token().0], &mut next_worker);
        }
    }
}

fn accept_all(server: &'static Server, listener: &Listener, next_worker: &mut usize) {
    loop {
        let accepted = match listener {
            Listener::Tcp(listener) => listener.accept().map(|(stream, peer)| (Stream::Tcp(stream), Some(peer))),
            Listener::Unix(listener) => listener.accept().map(|(stream, _)| (Stream::Unix(stream), None)),
        };
        match accepted {
            Ok((stream, peer)) => {
                server.connections_received.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                admit(server, stream, peer, *next_worker % server.workers.len());
                *next_worker += 1;
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                logger::log(Level::Warning, &format!("Accepting client connection: {}", crate::sys::error_text(&error)));
                // Out of descriptors: let the connections that are there go first.
                std::thread::sleep(Duration::from_millis(10));
                return;
            }
        }
    }
}

fn admit(server: &'static Server, mut stream: Stream, peer: Option<SocketAddr>, worker: usize) {
    let config = server.config();
    if config.maxclients as usize <= server.clients.len() {
        server.rejected_connections.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let _ = stream.write(b"-ERR max number of clients reached\r\n");
        return;
    }
    let remote = peer.is_some_and(|peer| !peer.ip().to_canonical().is_loopback());
    if remote && config.protected_mode && config.requirepass.is_empty() {
        let _ = stream.write(DENIED.as_bytes());
        return;
    }
    let (fd, laddr) = prepare(&mut stream, &config);
    let unix = matches!(stream, Stream::Unix(_));
    let addr = match peer {
        Some(peer) => address(peer),
        None => format!("{}:0", config.unixsocket),
    };
    let now = server.clock.monotonic_ms();
    let client = Arc::new(Client::new(server.clients.next_id(), fd, addr, laddr, unix, worker, now));
    logger::log(Level::Verbose, &format!("Accepted {}", client.addr));
    server.clients.add(client.clone());
    let authenticated = config.requirepass.is_empty();
    server.workers[worker].mailbox.send(Message::Accepted { stream, client, authenticated });
}

const DENIED: &str = "-DENIED Redis is running in protected mode because protected mode is enabled and no \
     password is set for the default user. In this mode connections are only accepted from the loopback \
     interface. To let other hosts connect, set a password for the default user (requirepass), or name the \
     interfaces to listen on (bind), or turn protected-mode off by CONFIG SET from the loopback interface.\r\n";

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
        Stream::Unix(stream) => (unix_fd(stream), format!("{}:0", config.unixsocket)),
    }
}

fn unix_fd(stream: &UnixStream) -> i32 {
    stream.as_raw_fd()
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

/// Listens where the configuration says now, in place of where it said before.
pub fn reopen(_server: &'static Server) -> Result<(), String> {
    Err("Unable to listen on this port. Check server logs.".into())
}
