//! A thread's mailbox: messages in order, and a wake-up of its poll only when it may be asleep.

use mio::{Poll, Token, Waker};
use parking_lot::Mutex;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

/// The token under which a thread's poll reports its mailbox.
pub const MAILBOX: Token = Token(usize::MAX);

pub struct Mailbox<M> {
    queue: Mutex<Vec<M>>,
    waker: Waker,
    /// A wake-up is under way: further messages need none.
    woken: AtomicBool,
}

impl<M> Mailbox<M> {
    pub fn new(poll: &Poll) -> io::Result<Self> {
        let waker = Waker::new(poll.registry(), MAILBOX)?;
        Ok(Self { queue: Mutex::new(Vec::new()), waker, woken: AtomicBool::new(false) })
    }

    pub fn send(&self, message: M) {
        self.queue.lock().push(message);
        self.wake();
    }

    /// Wakes the thread without a message.
    pub fn wake(&self) {
        if !self.woken.swap(true, Ordering::AcqRel) {
            // Fails only if the kernel is out of memory: the poll's timeout then brings the thread round.
            let _ = self.waker.wake();
        }
    }

    /// All messages so far, in order.
    pub fn take(&self) -> Vec<M> {
        // A full exchange: what is sent from here on either is taken below or wakes us again.
        self.woken.swap(false, Ordering::AcqRel);
        std::mem::take(&mut *self.queue.lock())
    }
}
