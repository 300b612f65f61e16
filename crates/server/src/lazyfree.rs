//! Freeing what is large, on a thread of its own: tables that were flushed, large values that were deleted or
//! overwritten. Nobody waits for it. INFO says how much is on its way and how much has gone.
//!
//! The queue has no limit: what lies in it was in memory before, and goes as fast as the allocator takes it back.

use engine::Trash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc;

/// Objects, as Redis counts them: each key of a table is one.
#[derive(Default)]
struct Counts {
    pending: AtomicU64,
    freed: AtomicU64,
}

pub struct LazyFree {
    queue: mpsc::Sender<Vec<Trash>>,
    counts: Arc<Counts>,
}

impl LazyFree {
    /// With what its thread is to run.
    pub fn new() -> (Self, impl FnOnce() + Send + 'static) {
        let (queue, to_free) = mpsc::channel::<Vec<Trash>>();
        let counts = Arc::<Counts>::default();
        let counted = counts.clone();
        let run = move || {
            for trash in to_free.into_iter().flatten() {
                counted.free(trash);
            }
        };
        (Self { queue, counts }, run)
    }

    pub fn free(&self, trash: Vec<Trash>) {
        self.counts.pending.fetch_add(trash.iter().map(Trash::objects).sum(), Relaxed);
        // The receiver lives as long as the process; should it be gone, they are freed here.
        if let Err(mpsc::SendError(trash)) = self.queue.send(trash) {
            trash.into_iter().for_each(|trash| self.counts.free(trash));
        }
    }

    pub fn pending(&self) -> u64 {
        self.counts.pending.load(Relaxed)
    }

    pub fn freed(&self) -> u64 {
        self.counts.freed.load(Relaxed)
    }

    /// CONFIG RESETSTAT.
    pub fn reset(&self) {
        self.counts.freed.store(0, Relaxed);
    }
}

impl Counts {
    fn free(&self, trash: Trash) {
        let objects = trash.objects();
        drop(trash);
        self.freed.fetch_add(objects, Relaxed);
        self.pending.fetch_sub(objects, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value() -> Trash {
        Trash::Value(engine::value::Value::Bytes(Default::default()))
    }

    #[test]
    fn what_waits_and_what_has_gone_is_counted() {
        let (lazy, run) = LazyFree::new();
        lazy.free(vec![value(), value()]);
        lazy.free(vec![value()]);
        assert_eq!((lazy.pending(), lazy.freed()), (3, 0));
        let LazyFree { queue, counts } = lazy;
        drop(queue);
        run();
        let lazy = LazyFree { queue: mpsc::channel().0, counts };
        assert_eq!((lazy.pending(), lazy.freed()), (0, 3));
        // Nobody takes it: it is freed at once.
        lazy.free(vec![value()]);
        assert_eq!((lazy.pending(), lazy.freed()), (0, 4));
        lazy.reset();
        assert_eq!((lazy.pending(), lazy.freed()), (0, 0));
    }
}
