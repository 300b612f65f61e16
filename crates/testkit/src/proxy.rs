//! A TCP proxy between two servers, to be cut, paused, slowed down or closed to newcomers.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

/// Small, so that a pause or a delay takes hold in the middle of a transfer.
const CHUNK_BYTES: usize = 16 * 1024;

#[derive(Default)]
struct State {
    target: u16,
    paused: bool,
    refusing: bool,
    delay: Duration,
    ended: bool,
    /// Both ends of every connection that is open.
    open: Vec<TcpStream>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    bytes: AtomicU64,
    connections: AtomicU64,
    closing: AtomicBool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
}

impl Proxy {
    /// To the given port of 127.0.0.1.
    pub fn to(target: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
        let port = listener.local_addr().expect("is bound").port();
        let shared = Arc::new(Shared::default());
        shared.lock().target = target;
        let accepting = shared.clone();
        std::thread::spawn(move || accept(&listener, &accepting));
        Self { port, shared }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Closes every connection; new ones are taken.
    pub fn cut(&self) {
        for stream in self.shared.lock().open.drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Closes every connection, and new ones as they come, until `admit`.
    pub fn refuse(&self) {
        self.shared.lock().refusing = true;
        self.cut();
    }

    pub fn admit(&self) {
        self.shared.lock().refusing = false;
    }

    /// Nothing goes through, nothing is closed.
    pub fn pause(&self) {
        self.change(|state| state.paused = true);
    }

    pub fn resume(&self) {
        self.change(|state| state.paused = false);
    }

    /// Every chunk waits this long.
    pub fn set_delay(&self, delay: Duration) {
        self.change(|state| state.delay = delay);
    }

    /// New connections go elsewhere.
    pub fn set_target(&self, port: u16) {
        self.change(|state| state.target = port);
    }

    /// Bytes that went through, both ways.
    pub fn bytes(&self) -> u64 {
        self.shared.bytes.load(Ordering::SeqCst)
    }

    /// Connections so far.
    pub fn connections(&self) -> u64 {
        self.shared.connections.load(Ordering::SeqCst)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.shared.lock());
        self.shared.changed.notify_all();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.closing.store(true, Ordering::SeqCst);
        self.change(|state| state.ended = true);
        self.cut();
        // Wakes the accepting thread, which then sees that it is over.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for incoming in listener.incoming() {
        if shared.closing.load(Ordering::SeqCst) {
            return;
        }
        let Ok(near) = incoming else { continue };
        let (target, refusing) = {
            let state = shared.lock();
            (state.target, state.refusing)
        };
        if refusing {
            continue;
        }
        let Ok(far) = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], target))) else { continue };
        let _ = (near.set_nodelay(true), far.set_nodelay(true));
        let clone = |stream: &TcpStream| stream.try_clone().expect("a descriptor is free");
        shared.connections.fetch_add(1, Ordering::SeqCst);
        shared.lock().open.extend([clone(&near), clone(&far)]);
        for (from, to) in [(clone(&near), clone(&far)), (far, near)] {
            let shared = shared.clone();
            std::thread::spawn(move || pump(from, to, &shared));
        }
    }
}

fn pump(mut from: TcpStream, mut to: TcpStream, shared: &Shared) {
    let mut chunk = [0; CHUNK_BYTES];
    while let Ok(n) = from.read(&mut chunk) {
        let delay = {
            let state = shared.lock();
            let state = shared.changed.wait_while(state, |state| state.paused && !state.ended);
            state.unwrap_or_else(|poisoned| poisoned.into_inner()).delay
        };
        if !delay.is_zero() {
            std::thread::sleep(delay);
        }
        // Counted first: who has received them finds them counted.
        shared.bytes.fetch_add(n as u64, Ordering::SeqCst);
        if n == 0 || to.write_all(&chunk[..n]).is_err() {
            break;
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn echo_server() -> u16 {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
        let port = listener.local_addr().expect("is bound").port();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                std::thread::spawn(move || {
                    let mut from = stream.try_clone().expect("a descriptor is free");
                    let mut to = stream;
                    let _ = std::io::copy(&mut from, &mut to);
                });
            }
        });
        port
    }

    fn connect(port: u16) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("listens");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("is not zero");
        stream
    }

    fn echo(stream: &mut TcpStream, text: &[u8]) -> std::io::Result<Vec<u8>> {
        stream.write_all(text)?;
        let mut back = vec![0; text.len()];
        stream.read_exact(&mut back)?;
        Ok(back)
    }

    #[test]
    fn goes_through_until_it_is_cut() {
        let proxy = Proxy::to(echo_server());
        let mut one = connect(proxy.port());
        assert_eq!(echo(&mut one, b"hello").expect("goes through"), b"hello");
        assert_eq!((proxy.bytes(), proxy.connections()), (10, 1));
        proxy.cut();
        assert!(echo(&mut one, b"hello").is_err());
        assert_eq!(echo(&mut connect(proxy.port()), b"again").expect("goes through"), b"again");
        proxy.refuse();
        assert!(echo(&mut connect(proxy.port()), b"no").is_err());
        proxy.admit();
        assert_eq!(echo(&mut connect(proxy.port()), b"yes").expect("goes through"), b"yes");
    }

    #[test]
    fn a_pause_holds_everything_back() {
        let proxy = Proxy::to(echo_server());
        let mut one = connect(proxy.port());
        assert_eq!(echo(&mut one, b"a").expect("goes through"), b"a");
        proxy.pause();
        one.set_read_timeout(Some(Duration::from_millis(50))).expect("is not zero");
        assert!(echo(&mut one, b"b").is_err());
        assert_eq!(proxy.bytes(), 2);
        one.set_read_timeout(Some(Duration::from_secs(20))).expect("is not zero");
        proxy.resume();
        let mut back = [0];
        one.read_exact(&mut back).expect("comes late");
        assert_eq!(&back, b"b");
    }
}
