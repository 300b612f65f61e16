//! A chunk of a list: a listpack, the same compressed, or one large element by itself.

use super::Fill;
use crate::allocation::block_bytes;
use crate::listpack::{self, Listpack, Place, Value, View};
use crate::spine::Item;
use base::lzf;
use std::sync::Arc;

/// Smaller listpacks are not worth the trouble of compressing them, and fewer bytes saved neither: Redis's limits.
const COMPRESSED_FROM_BYTES: usize = 48;
const SAVED_BYTES_MIN: usize = 8;
/// Taken for what one more element costs beside its bytes.
const ELEMENT_OVERHEAD_BYTES: usize = 8;
/// Header and terminator, which two listpacks share when they become one.
const FRAME_BYTES: usize = 7;

#[derive(Clone)]
pub struct Chunk {
    count: usize,
    body: Body,
}

#[derive(Clone)]
enum Body {
    Packed(Listpack),
    Plain(Box<[u8]>),
    /// A listpack of so many bytes.
    Compressed(Box<[u8]>, usize),
    /// A listpack that would not become smaller.
    Incompressible(Listpack),
}

/// A chunk as it goes into an RDB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored<'a> {
    /// A listpack.
    Packed(&'a [u8]),
    /// One element.
    Plain(&'a [u8]),
    /// A listpack of `len` bytes, compressed.
    Compressed { lzf: &'a [u8], len: usize },
}

/// What lies in a chunk, for reading.
pub(super) enum Content<'a> {
    Pack(View<'a>),
    Element(&'a [u8]),
}

impl Item for Arc<Chunk> {
    type Key = ();

    fn key(&self) -> &() {
        &()
    }

    fn weight(&self) -> usize {
        self.count
    }
}

impl Chunk {
    pub(super) fn packed(pack: Listpack) -> Self {
        Self { count: pack.len(), body: Body::Packed(pack) }
    }

    pub(super) fn plain(element: &[u8]) -> Self {
        Self { count: 1, body: Body::Plain(element.into()) }
    }

    pub(super) fn of_one(value: &[u8], plain_from_bytes: usize) -> Self {
        match plain_from_bytes <= value.len() {
            true => Self::plain(value),
            false => Self::packed(Listpack::from_values([value])),
        }
    }

    /// Elements.
    pub fn len(&self) -> usize {
        self.count
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub fn stored(&self) -> Stored<'_> {
        match &self.body {
            Body::Packed(pack) | Body::Incompressible(pack) => Stored::Packed(pack.bytes()),
            Body::Plain(element) => Stored::Plain(element),
            Body::Compressed(lzf, len) => Stored::Compressed { lzf, len: *len },
        }
    }

    pub(super) fn is_plain(&self) -> bool {
        matches!(self.body, Body::Plain(_))
    }

    pub(super) fn is_compressed(&self) -> bool {
        matches!(self.body, Body::Compressed(..))
    }

    pub(super) fn can_be_compressed(&self) -> bool {
        matches!(self.body, Body::Packed(_))
    }

    /// Bytes of the chunk before compression.
    pub(super) fn bytes(&self) -> usize {
        match &self.body {
            Body::Packed(pack) | Body::Incompressible(pack) => pack.bytes().len(),
            Body::Plain(element) => element.len(),
            Body::Compressed(_, len) => *len,
        }
    }

    pub(super) fn memory_bytes(&self) -> usize {
        let own = block_bytes(size_of::<Self>() + 2 * size_of::<usize>());
        own + match self.stored() {
            Stored::Packed(bytes) | Stored::Plain(bytes) | Stored::Compressed { lzf: bytes, .. } => {
                block_bytes(bytes.len())
            }
        }
    }

    pub(super) fn listpack(&self) -> Option<&Listpack> {
        match &self.body {
            Body::Packed(pack) | Body::Incompressible(pack) => Some(pack),
            Body::Plain(_) | Body::Compressed(..) => None,
        }
    }

    /// Whether an element of `len` bytes may be added. An element that is plain by itself is not asked about.
    pub(super) fn takes(&self, len: usize, fill: Fill) -> bool {
        !self.is_plain() && !fill.is_exceeded(self.bytes() + len + ELEMENT_OVERHEAD_BYTES, self.count + 1)
    }

    pub(super) fn takes_all_of(&self, other: &Self, fill: Fill) -> bool {
        let bytes = (self.bytes() + other.bytes()).saturating_sub(FRAME_BYTES);
        !self.is_plain() && !other.is_plain() && !fill.is_exceeded(bytes, self.count + other.count)
    }

    pub(super) fn read<R>(&self, look: impl FnOnce(Content) -> R) -> R {
        match &self.body {
            Body::Packed(pack) | Body::Incompressible(pack) => look(Content::Pack(pack.view())),
            Body::Plain(element) => look(Content::Element(element)),
            Body::Compressed(lzf, len) => look(Content::Pack(expand(lzf, *len).view())),
        }
    }

    /// Reads the element at `index`, which is there.
    pub(super) fn read_at<R>(&self, index: usize, look: impl FnOnce(Value) -> R) -> R {
        self.read(|content| match content {
            Content::Pack(pack) => look(pack.get(pack.seek(index as i64).expect("lies within"))),
            Content::Element(element) => look(Value::Str(element)),
        })
    }

    pub(super) fn compress(&mut self) {
        let Body::Packed(pack) = &mut self.body else { return };
        let len = pack.bytes().len();
        let mut lzf = Vec::new();
        let is_smaller = COMPRESSED_FROM_BYTES <= len
            && lzf::compress(pack.bytes(), &mut lzf)
            && lzf.len() + SAVED_BYTES_MIN <= len;
        self.body = match is_smaller {
            true => Body::Compressed(lzf.into_boxed_slice(), len),
            false => Body::Incompressible(std::mem::take(pack)),
        };
    }

    pub(super) fn decompress(&mut self) {
        match &mut self.body {
            Body::Compressed(lzf, len) => self.body = Body::Packed(expand(lzf, *len)),
            Body::Incompressible(pack) => self.body = Body::Packed(std::mem::take(pack)),
            Body::Packed(_) | Body::Plain(_) => {}
        }
    }

    /// Changes the listpack of a chunk that is not plain. It is left uncompressed.
    pub(super) fn edit<R>(&mut self, change: impl FnOnce(&mut Listpack) -> R) -> R {
        self.decompress();
        let Body::Packed(pack) = &mut self.body else {
            unreachable!("a plain chunk is replaced, not changed")
        };
        let before = pack.len();
        let result = change(pack);
        // Where the header can't hold the number, it is counted anew.
        self.count = self.count - before + pack.len();
        result
    }

    /// Removes up to `count` elements from `index` on, but not all.
    pub(super) fn remove(&mut self, index: usize, count: usize) {
        self.edit(|pack| pack.remove_range(index as i64, count));
    }

    /// Keeps what lies before `index`, gives the rest.
    pub(super) fn split_off(&mut self, index: usize) -> Self {
        Self::packed(self.edit(|pack| {
            let place: Place = pack.view().seek(index as i64).expect("lies within");
            pack.split_off(place)
        }))
    }
}

fn expand(lzf: &[u8], len: usize) -> Listpack {
    let bytes = lzf::decompress(lzf, len).expect("was compressed here");
    debug_assert!(listpack::is_valid(&bytes));
    Listpack::trusted(bytes.into_boxed_slice())
}
