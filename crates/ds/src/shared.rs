//! Writing to what may be shared, as `Arc::make_mut` does it, without its locked instructions.
//!
//! `Arc::make_mut` must make sure that no weak pointer is about to become a strong one, and pays for that with two
//! atomic writes for each page on the way to an element. Pages here never have weak pointers.

use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};

/// The value, copied first if somebody else holds it too. There must never have been a weak pointer to it.
#[inline]
pub(crate) fn make_mut<T: Clone>(shared: &mut Arc<T>) -> &mut T {
    debug_assert_eq!(Arc::weak_count(shared), 0);
    if Arc::strong_count(shared) != 1 {
        *shared = Arc::new(T::clone(shared));
    }
    // What another holder read before it let go has happened before what is written now.
    fence(Ordering::Acquire);
    // SAFETY: the count is one, and this is it: the pointer is borrowed mutably, so nobody clones it meanwhile, and
    // there are no weak pointers that another one could come from.
    unsafe { &mut *Arc::as_ptr(shared).cast_mut() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_what_is_shared_and_nothing_else() {
        let mut one = Arc::new(vec![1]);
        let place = Arc::as_ptr(&one);
        make_mut(&mut one).push(2);
        assert_eq!(Arc::as_ptr(&one), place);
        let other = one.clone();
        make_mut(&mut one).push(3);
        assert_eq!((&one[..], &other[..]), (&[1, 2, 3][..], &[1, 2][..]));
        assert_eq!(Arc::as_ptr(&other), place);
        drop(other);
        let place = Arc::as_ptr(&one);
        make_mut(&mut one).push(4);
        assert_eq!(Arc::as_ptr(&one), place);
    }

    /// A reader lets go while the writer waits for it.
    #[test]
    fn readers_of_other_threads() {
        for n in 0..200 {
            let mut one = Arc::new([n; 64]);
            let other = one.clone();
            let reader = std::thread::spawn(move || other.iter().sum::<u64>());
            make_mut(&mut one).fill(0);
            make_mut(&mut one).fill(1);
            assert_eq!(reader.join().expect("it only reads"), 64 * n);
            assert_eq!(*one, [1; 64]);
        }
    }
}
