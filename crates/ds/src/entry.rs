//! An entry: key, optional expiry and value in one heap block behind a thin pointer.
//!
//! ```text
//! header 8 B | expiry 8 B, if any | integer or pointer 8 B, or length 2 B | key length 4 B, if long | key | bytes
//! ```
//! Short byte strings and integers lie inside the block; anything else is a boxed `V`. A key of 16 bytes with a
//! value of 64 and no expiry takes 90 bytes.
//!
//! Invariant: the block's size follows from its header, so it is freed with the layout that it was allocated with.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::marker::PhantomData;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU32, Ordering};

/// Longer byte strings are the owner's, as a boxed value.
pub const INLINE_BYTES_MAX: usize = 1024;

const ALIGN: usize = 8;
const HEADER_BYTES: usize = 8;
/// In the header's key length: the length follows as u32.
const LONG_KEY: u16 = u16::MAX;

const KIND_INT: u8 = 0;
const KIND_BYTES: u8 = 1;
const KIND_BOXED: u8 = 2;
const KIND_MASK: u8 = 3;
const HAS_EXPIRY: u8 = 4;
/// Parts of the value expire by themselves; the table's owner says so.
const HAS_INNER: u8 = 8;

#[repr(C)]
struct Header {
    flags: u8,
    tag: u8,
    key_len: u16,
    access: AtomicU32,
}

/// An entry's value, borrowed.
pub enum Payload<'a, V> {
    Int(i64),
    Bytes(&'a [u8]),
    Boxed(&'a V),
}

impl<V> Clone for Payload<'_, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<V> Copy for Payload<'_, V> {}

/// A value to be put into an entry. `Bytes` holds at most [`INLINE_BYTES_MAX`].
pub enum NewPayload<'a, V> {
    Int(i64),
    Bytes(&'a [u8]),
    Boxed(V),
}

/// An owned entry.
pub struct Entry<V> {
    block: NonNull<u8>,
    owns: PhantomData<V>,
}

// SAFETY: an entry owns its block and its `V`; the access word is atomic, all else is read-only through `&`.
unsafe impl<V: Send> Send for Entry<V> {}
// SAFETY: as above.
unsafe impl<V: Sync> Sync for Entry<V> {}

/// A borrowed entry.
pub struct EntryRef<'a, V> {
    block: NonNull<u8>,
    borrows: PhantomData<&'a V>,
}

impl<V> Clone for EntryRef<'_, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<V> Copy for EntryRef<'_, V> {}

/// Where the parts of a block lie.
struct Shape {
    flags: u8,
    key_len: usize,
    bytes_len: usize,
}

impl Shape {
    fn long_key(&self) -> bool {
        usize::from(LONG_KEY) <= self.key_len
    }

    fn payload_at(&self) -> usize {
        HEADER_BYTES + if self.flags & HAS_EXPIRY != 0 { 8 } else { 0 }
    }

    fn long_len_at(&self) -> usize {
        self.payload_at() + if self.flags & KIND_MASK == KIND_BYTES { 2 } else { 8 }
    }

    fn key_at(&self) -> usize {
        self.long_len_at() + if self.long_key() { 4 } else { 0 }
    }

    fn total(&self) -> usize {
        self.key_at() + self.key_len + self.bytes_len
    }

    fn layout(&self) -> Layout {
        Layout::from_size_align(self.total(), ALIGN).expect("a key is shorter than 4 GiB")
    }
}

impl<V> Entry<V> {
    pub fn new(key: &[u8], payload: NewPayload<V>, expiry: Option<i64>, tag: u8, access: u32) -> Self {
        let (kind, bytes_len) = match &payload {
            NewPayload::Int(_) => (KIND_INT, 0),
            NewPayload::Bytes(bytes) => (KIND_BYTES, bytes.len()),
            NewPayload::Boxed(_) => (KIND_BOXED, 0),
        };
        assert!(bytes_len <= INLINE_BYTES_MAX, "longer byte strings are boxed by their owner");
        assert!(key.len() <= u32::MAX as usize, "a key is shorter than 4 GiB");
        let flags = kind | if expiry.is_some() { HAS_EXPIRY } else { 0 };
        let shape = Shape { flags, key_len: key.len(), bytes_len };
        let key_len = if shape.long_key() { LONG_KEY } else { key.len() as u16 };
        // SAFETY: the layout is not empty; every write below lies inside the block by `Shape`, which `total` adds up.
        // The header is aligned as the block is; the rest is written unaligned.
        unsafe {
            let block = alloc(shape.layout());
            let Some(block) = NonNull::new(block) else { handle_alloc_error(shape.layout()) };
            let at = block.as_ptr();
            at.cast::<Header>().write(Header { flags, tag, key_len, access: AtomicU32::new(access) });
            if let Some(expiry) = expiry {
                at.add(HEADER_BYTES).cast::<i64>().write_unaligned(expiry);
            }
            let to = at.add(shape.payload_at());
            match payload {
                NewPayload::Int(n) => to.cast::<i64>().write_unaligned(n),
                NewPayload::Bytes(bytes) => {
                    to.cast::<u16>().write_unaligned(bytes.len() as u16);
                    let to = at.add(shape.key_at() + key.len());
                    ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len());
                }
                NewPayload::Boxed(value) => {
                    to.cast::<*mut V>().write_unaligned(Box::into_raw(Box::new(value)));
                }
            }
            if shape.long_key() {
                at.add(shape.long_len_at()).cast::<u32>().write_unaligned(key.len() as u32);
            }
            ptr::copy_nonoverlapping(key.as_ptr(), at.add(shape.key_at()), key.len());
            Self { block, owns: PhantomData }
        }
    }

    pub fn borrow(&self) -> EntryRef<'_, V> {
        EntryRef { block: self.block, borrows: PhantomData }
    }

    pub fn key(&self) -> &[u8] {
        self.borrow().key()
    }

    pub fn payload(&self) -> Payload<'_, V> {
        self.borrow().payload()
    }

    pub fn expiry(&self) -> Option<i64> {
        self.borrow().expiry()
    }

    pub fn tag(&self) -> u8 {
        self.borrow().tag()
    }

    pub(crate) fn into_raw(self) -> NonNull<u8> {
        let block = self.block;
        std::mem::forget(self);
        block
    }

    /// # Safety
    /// `block` came from [`Entry::into_raw`] of an `Entry<V>` and is owned by nobody else.
    pub(crate) unsafe fn from_raw(block: NonNull<u8>) -> Self {
        Self { block, owns: PhantomData }
    }

    /// The boxed value, to be changed.
    pub fn boxed_mut(&mut self) -> Option<&mut V> {
        let shape = self.borrow().shape();
        if shape.flags & KIND_MASK != KIND_BOXED {
            return None;
        }
        // SAFETY: the kind says that a pointer from `Box::into_raw` is there; `&mut self` makes it ours alone.
        unsafe {
            let at = self.block.as_ptr().add(shape.payload_at());
            Some(&mut *at.cast::<*mut V>().read_unaligned())
        }
    }

    /// Puts another payload and expiry in place, in the same block where it fits exactly.
    pub fn replace(&mut self, payload: NewPayload<V>, expiry: Option<i64>, tag: u8, access: u32) {
        if let (NewPayload::Bytes(bytes), Payload::Bytes(old)) = (&payload, self.payload())
            && bytes.len() == old.len()
            && expiry.is_some() == self.expiry().is_some()
        {
            let shape = self.borrow().shape();
            // SAFETY: the block has the same shape as the one that `new` would make; `&mut self` makes it ours alone.
            unsafe {
                let at = self.block.as_ptr();
                if let Some(expiry) = expiry {
                    at.add(HEADER_BYTES).cast::<i64>().write_unaligned(expiry);
                }
                ptr::copy_nonoverlapping(bytes.as_ptr(), at.add(shape.key_at() + shape.key_len), bytes.len());
                (*at.cast::<Header>()).tag = tag;
            }
            self.borrow().set_access(access);
            return;
        }
        *self = Self::new(self.key(), payload, expiry, tag, access);
    }

    /// Sets or clears the expiry; the value stays.
    pub fn set_expiry(&mut self, expiry: Option<i64>) {
        let shape = self.borrow().shape();
        if let Some(expiry) = expiry
            && shape.flags & HAS_EXPIRY != 0
        {
            // SAFETY: the flag says that there is room for it.
            unsafe { self.block.as_ptr().add(HEADER_BYTES).cast::<i64>().write_unaligned(expiry) };
            return;
        }
        if expiry.is_none() && shape.flags & HAS_EXPIRY == 0 {
            return;
        }
        let (tag, access, has_inner) = (self.tag(), self.borrow().access(), self.borrow().has_inner_expiry());
        let mut new = match self.payload() {
            Payload::Int(n) => Self::new(self.key(), NewPayload::Int(n), expiry, tag, access),
            Payload::Bytes(bytes) => Self::new(self.key(), NewPayload::Bytes(bytes), expiry, tag, access),
            Payload::Boxed(_) => {
                // SAFETY: the box moves to the new block; the old one becomes an integer, which owns nothing.
                let value = unsafe {
                    let at = self.block.as_ptr().add(shape.payload_at()).cast::<*mut V>();
                    let value = Box::from_raw(at.read_unaligned());
                    at.cast::<i64>().write_unaligned(0);
                    (*self.block.as_ptr().cast::<Header>()).flags = (shape.flags & !KIND_MASK) | KIND_INT;
                    value
                };
                Self::new(self.key(), NewPayload::Boxed(*value), expiry, tag, access)
            }
        };
        new.set_inner_expiry(has_inner);
        *self = new;
    }

    /// Says whether parts of the value expire by themselves. Another payload has none until that is said of it.
    pub(crate) fn set_inner_expiry(&mut self, has: bool) {
        // SAFETY: every block begins with a header; `&mut self` makes it ours alone.
        let header = unsafe { self.block.cast::<Header>().as_mut() };
        header.flags = if has { header.flags | HAS_INNER } else { header.flags & !HAS_INNER };
    }
}

impl<V> Drop for Entry<V> {
    fn drop(&mut self) {
        let shape = self.borrow().shape();
        // SAFETY: we own the block and, by its kind, the box; the layout is the one of `new`.
        unsafe {
            if shape.flags & KIND_MASK == KIND_BOXED {
                let at = self.block.as_ptr().add(shape.payload_at());
                drop(Box::from_raw(at.cast::<*mut V>().read_unaligned()));
            }
            dealloc(self.block.as_ptr(), shape.layout());
        }
    }
}

impl<'a, V> EntryRef<'a, V> {
    /// # Safety
    /// `block` is an entry's that lives, unchanged, for `'a`.
    pub(crate) unsafe fn from_raw(block: NonNull<u8>) -> Self {
        Self { block, borrows: PhantomData }
    }

    fn header(self) -> &'a Header {
        // SAFETY: every block begins with a header.
        unsafe { self.block.cast::<Header>().as_ref() }
    }

    #[inline]
    fn shape(self) -> Shape {
        let header = self.header();
        let mut shape = Shape { flags: header.flags, key_len: usize::from(header.key_len), bytes_len: 0 };
        // SAFETY: the header says which of these fields are there.
        unsafe {
            let at = self.block.as_ptr();
            if shape.flags & KIND_MASK == KIND_BYTES {
                shape.bytes_len = usize::from(at.add(shape.payload_at()).cast::<u16>().read_unaligned());
            }
            if header.key_len == LONG_KEY {
                shape.key_len = at.add(shape.long_len_at()).cast::<u32>().read_unaligned() as usize;
            }
        }
        shape
    }

    #[inline]
    pub fn key(self) -> &'a [u8] {
        let shape = self.shape();
        // SAFETY: the key lies there, and the block lives for 'a.
        unsafe { std::slice::from_raw_parts(self.block.as_ptr().add(shape.key_at()), shape.key_len) }
    }

    #[inline]
    pub fn payload(self) -> Payload<'a, V> {
        let shape = self.shape();
        // SAFETY: the kind says what lies there; the block and the box live for 'a.
        unsafe {
            let at = self.block.as_ptr().add(shape.payload_at());
            match shape.flags & KIND_MASK {
                KIND_INT => Payload::Int(at.cast::<i64>().read_unaligned()),
                KIND_BYTES => {
                    let from = self.block.as_ptr().add(shape.key_at() + shape.key_len);
                    Payload::Bytes(std::slice::from_raw_parts(from, shape.bytes_len))
                }
                _ => Payload::Boxed(&*at.cast::<*mut V>().read_unaligned()),
            }
        }
    }

    /// Unix time in ms.
    #[inline]
    pub fn expiry(self) -> Option<i64> {
        if self.header().flags & HAS_EXPIRY == 0 {
            return None;
        }
        // SAFETY: the flag says that it is there.
        Some(unsafe { self.block.as_ptr().add(HEADER_BYTES).cast::<i64>().read_unaligned() })
    }

    /// Whether parts of the value expire by themselves, as its owner said.
    #[inline]
    pub fn has_inner_expiry(self) -> bool {
        self.header().flags & HAS_INNER != 0
    }

    /// The owner's byte.
    pub fn tag(self) -> u8 {
        self.header().tag
    }

    /// The owner's word on when or how often the entry was used.
    #[inline]
    pub fn access(self) -> u32 {
        self.header().access.load(Ordering::Relaxed)
    }

    #[inline]
    pub fn set_access(self, access: u32) {
        self.header().access.store(access, Ordering::Relaxed);
    }

    /// Where the entry lies: tells it from others while it stays there.
    pub fn address(self) -> usize {
        self.block.addr().get()
    }

    /// Size of the block; a boxed value is not counted.
    pub fn block_bytes(self) -> usize {
        self.shape().total()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(entry: &Entry<String>) -> (Vec<u8>, String, Option<i64>) {
        let value = match entry.payload() {
            Payload::Int(n) => format!("int {n}"),
            Payload::Bytes(bytes) => format!("bytes {}", String::from_utf8_lossy(bytes)),
            Payload::Boxed(text) => format!("boxed {text}"),
        };
        (entry.key().to_vec(), value, entry.expiry())
    }

    #[test]
    fn what_is_put_in_comes_out_whatever_changes_around_it() {
        let long = vec![b'k'; 70_000];
        for key in [&b""[..], b"k", &[7; 300], &long] {
            let mut entry = Entry::new(key, NewPayload::Bytes(b"abc"), None, 3, 9);
            assert_eq!(texts(&entry), (key.to_vec(), "bytes abc".into(), None));
            entry.set_expiry(Some(-5));
            assert_eq!(texts(&entry), (key.to_vec(), "bytes abc".into(), Some(-5)));
            entry.replace(NewPayload::Bytes(b"xyz"), Some(6), 4, 10);
            assert_eq!(texts(&entry), (key.to_vec(), "bytes xyz".into(), Some(6)));
            assert_eq!((entry.tag(), entry.borrow().access()), (4, 10));
            entry.replace(NewPayload::Boxed("heap".to_string()), Some(6), 4, 10);
            entry.set_expiry(None);
            entry.boxed_mut().expect("is boxed").push('!');
            assert_eq!(texts(&entry), (key.to_vec(), "boxed heap!".into(), None));
            entry.set_expiry(Some(1));
            entry.replace(NewPayload::Int(i64::MIN), None, 0, 0);
            assert_eq!(texts(&entry), (key.to_vec(), format!("int {}", i64::MIN), None));
            assert!(entry.boxed_mut().is_none());
        }
    }

    #[test]
    fn a_common_entry_is_one_small_block() {
        let entry: Entry<()> = Entry::new(&[1; 16], NewPayload::Bytes(&[2; 64]), None, 0, 0);
        assert_eq!(entry.borrow().block_bytes(), 90);
    }
}
