//! Striped locks: a value cut into up to 64 stripes, each behind a mutex of its own.
//!
//! Whoever needs several stripes names them as a set and gets them in ascending order, so nobody waits for a lower
//! stripe while holding a higher one, and there is no deadlock. What is held is released together.

use lock_api::{RawMutex as _, RawMutexTimed as _};
use parking_lot::RawMutex;
use std::cell::UnsafeCell;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

pub const STRIPES_MAX: u8 = 64;

/// How often who waits for a stripe looks whether to give up.
const GIVE_UP_LOOK: Duration = Duration::from_millis(10);

/// A set of stripes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LockSet(pub u64);

impl LockSet {
    pub const EMPTY: Self = Self(0);
    pub const ALL: Self = Self(!0);

    pub const fn one(stripe: u8) -> Self {
        Self(1 << stripe)
    }

    #[must_use]
    pub const fn with(self, stripe: u8) -> Self {
        Self(self.0 | 1 << stripe)
    }

    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub const fn has(self, stripe: u8) -> bool {
        self.0 >> stripe & 1 == 1
    }

    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub const fn len(self) -> u32 {
        self.0.count_ones()
    }

    /// The stripes in ascending order.
    pub fn iter(self) -> impl Iterator<Item = u8> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let stripe = rest.trailing_zeros();
            rest &= rest.wrapping_sub(1);
            (stripe < 64).then_some(stripe as u8)
        })
    }
}

/// On cache lines of its own: neighbours are taken by other threads.
#[repr(align(128))]
struct Stripe<T> {
    raw: RawMutex,
    value: UnsafeCell<T>,
}

pub struct Striped<T> {
    stripes: Box<[Stripe<T>]>,
}

// SAFETY: a stripe's value is reached only through `Held`, which holds the stripe's lock; so threads share it as
// they would share a `Mutex<T>`.
unsafe impl<T: Send> Sync for Striped<T> {}

/// Stripes that are locked until this is dropped.
pub struct Held<'s, T> {
    all: &'s Striped<T>,
    set: LockSet,
    /// A lock is released by the thread that took it.
    not_send: PhantomData<*const ()>,
}

impl<T> Striped<T> {
    /// `count` is a power of two, at most [`STRIPES_MAX`].
    pub fn new(count: u8, mut value: impl FnMut() -> T) -> Self {
        assert!(1 <= count && count <= STRIPES_MAX && count.is_power_of_two());
        let stripe = |_| Stripe { raw: RawMutex::INIT, value: UnsafeCell::new(value()) };
        Self { stripes: (0..count).map(stripe).collect() }
    }

    pub fn count(&self) -> u8 {
        self.stripes.len() as u8
    }

    /// Takes the stripes of `set` that exist, in ascending order.
    #[inline]
    pub fn lock(&self, set: LockSet) -> Held<'_, T> {
        let set = LockSet(set.0 & !0 >> (64 - self.stripes.len()));
        let mut rest = set.0;
        while rest != 0 {
            self.stripes[rest.trailing_zeros() as usize].raw.lock();
            rest &= rest - 1;
        }
        Held { all: self, set, not_send: PhantomData }
    }

    /// As [`Striped::lock`], unless `give_up` says so while a stripe is held by somebody else: then none is taken.
    #[inline]
    pub fn lock_unless(&self, set: LockSet, give_up: &AtomicBool) -> Option<Held<'_, T>> {
        let set = LockSet(set.0 & !0 >> (64 - self.stripes.len()));
        let mut held = Held { all: self, set: LockSet::EMPTY, not_send: PhantomData };
        let mut rest = set.0;
        while rest != 0 {
            let stripe = rest.trailing_zeros() as u8;
            let raw = &self.stripes[usize::from(stripe)].raw;
            if !raw.try_lock() && !Self::wait(raw, give_up) {
                return None; // what was taken goes with `held`
            }
            held.set = held.set.with(stripe);
            rest &= rest - 1;
        }
        Some(held)
    }

    #[cold]
    fn wait(raw: &RawMutex, give_up: &AtomicBool) -> bool {
        loop {
            if give_up.load(Ordering::Acquire) {
                return false;
            }
            if raw.try_lock_for(GIVE_UP_LOOK) {
                return true;
            }
        }
    }

    /// One stripe, if nobody holds it.
    #[inline]
    pub fn try_lock_one(&self, stripe: u8) -> Option<Held<'_, T>> {
        let taken = self.stripes[usize::from(stripe)].raw.try_lock();
        taken.then(|| Held { all: self, set: LockSet::one(stripe), not_send: PhantomData })
    }

    #[inline]
    pub fn lock_one(&self, stripe: u8) -> Held<'_, T> {
        self.stripes[usize::from(stripe)].raw.lock();
        Held { all: self, set: LockSet::one(stripe), not_send: PhantomData }
    }
}

impl<T> Held<'_, T> {
    pub fn set(&self) -> LockSet {
        self.set
    }

    #[inline]
    pub fn get(&self, stripe: u8) -> &T {
        assert!(self.set.has(stripe), "stripe {stripe} is not held");
        // SAFETY: we hold its lock, and `&self` lets no `&mut` to it exist.
        unsafe { &*self.all.stripes[usize::from(stripe)].value.get() }
    }

    #[inline]
    pub fn get_mut(&mut self, stripe: u8) -> &mut T {
        assert!(self.set.has(stripe), "stripe {stripe} is not held");
        // SAFETY: we hold its lock, and `&mut self` excludes every other borrow through us.
        unsafe { &mut *self.all.stripes[usize::from(stripe)].value.get() }
    }

    /// Two different stripes at once.
    pub fn pair_mut(&mut self, a: u8, b: u8) -> (&mut T, &mut T) {
        assert!(a != b && self.set.has(a) && self.set.has(b));
        // SAFETY: as in `get_mut`; the stripes differ, so the two borrows don't overlap.
        unsafe {
            let stripes = &self.all.stripes;
            (&mut *stripes[usize::from(a)].value.get(), &mut *stripes[usize::from(b)].value.get())
        }
    }
}

impl<T> Drop for Held<'_, T> {
    #[inline]
    fn drop(&mut self) {
        let mut rest = self.set.0;
        while rest != 0 {
            // SAFETY: this thread took exactly these locks, and releases them once.
            unsafe { self.all.stripes[rest.trailing_zeros() as usize].raw.unlock() };
            rest &= rest - 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_walked_in_ascending_order() {
        let set = LockSet::EMPTY.with(63).with(0).with(17);
        assert_eq!(set.iter().collect::<Vec<_>>(), [0, 17, 63]);
        assert_eq!(LockSet::ALL.iter().count(), 64);
        assert_eq!(LockSet::EMPTY.iter().count(), 0);
    }

    #[test]
    fn transfers_between_stripes_keep_the_sum() {
        let accounts = Striped::new(8, || 1000i64);
        std::thread::scope(|scope| {
            for seed in 0..4u8 {
                let accounts = &accounts;
                scope.spawn(move || {
                    for i in 0..5000u32 {
                        let a = (i as u8).wrapping_mul(31).wrapping_add(seed) % 8;
                        let b = (a + 1 + (i % 7) as u8) % 8;
                        let mut held = accounts.lock(LockSet::one(a).with(b));
                        let (from, to) = held.pair_mut(a, b);
                        *from -= 1;
                        *to += 1;
                    }
                });
            }
        });
        let held = accounts.lock(LockSet::ALL);
        assert_eq!(held.set().len(), 8);
        assert_eq!(held.set().iter().map(|i| held.get(i)).sum::<i64>(), 8000);
    }

    #[test]
    fn who_waits_can_give_up_and_then_holds_nothing() {
        let striped = Striped::new(4, || 0);
        let busy = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let held = striped.lock_one(2);
            let waits = scope.spawn(|| striped.lock_unless(LockSet::ALL, &busy).is_none());
            // The waiter has taken the stripes below, or will.
            while striped.try_lock_one(1).is_some() {
                std::thread::yield_now();
            }
            busy.store(true, Ordering::Release);
            assert!(waits.join().expect("gives up"));
            drop(held);
        });
        let all = striped.lock_unless(LockSet::ALL, &busy);
        assert_eq!(
            all.map(|held| held.set().len()),
            Some(4),
            "nothing is left locked, and nobody is in the way"
        );
        busy.store(false, Ordering::Release);
        std::thread::scope(|scope| {
            let held = striped.lock_one(3);
            let waits = scope.spawn(|| striped.lock_unless(LockSet::ALL, &busy).is_some());
            while striped.try_lock_one(0).is_some() {
                std::thread::yield_now();
            }
            drop(held);
            assert!(waits.join().expect("gets it"));
        });
    }

    #[test]
    #[should_panic(expected = "not held")]
    fn what_is_not_held_is_not_reached() {
        let striped = Striped::new(4, || 0);
        striped.lock(LockSet::one(1)).get(2);
    }
}
