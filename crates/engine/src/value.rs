//! Values that do not fit into their entry's block, and views of values wherever they are.
//!
//! A short string or an integer lies inside the entry (see `ds::entry`); what is longer, and every other type, is a
//! [`Value`] behind the entry. Small collections are one block in Redis's layout, which a clone copies. Large ones
//! are structures of shared pages: a clone takes the root, and a writer copies what it changes, only while it is
//! shared.

mod hash;
mod list;
mod set;
mod shapes;
mod sorted_set;

pub(crate) use hash::triples;
pub use hash::{Hash, Horizon, Set as HashSet};
pub use list::List;
pub use set::Set;
pub(crate) use shapes::has_repeats;
pub use shapes::{ShapeSettings, Shapes};
pub use sorted_set::{Order, SortedSet, score_of};

use crate::error::Error;
use ds::allocation::block_bytes;
use ds::entry::{INLINE_BYTES_MAX, NewPayload, Payload};
use ds::stream::Stream;
use std::fmt;
use std::sync::Arc;

/// Strings longer than this are "raw", shorter ones "embstr" (OBJECT ENCODING).
pub const EMBSTR_BYTES_MAX: usize = 44;

/// The entry's tag bit for a string that was changed in place: "raw" whatever its length.
pub const TAG_RAW: u8 = 1;

#[derive(Clone)]
pub enum Value {
    /// A string longer than what an entry takes inline.
    Bytes(Arc<Vec<u8>>),
    List(List),
    Set(Set),
    Hash(Hash),
    SortedSet(SortedSet),
    Stream(Box<Stream>),
}

/// Blocks from this size on are freed elsewhere: giving their pages back takes longer than handing them over.
const LARGE_BYTES_MIN: usize = 64 * 1024;
/// Structures of more elements are freed elsewhere: Redis's threshold of its lazy free.
const LARGE_ELEMENTS_MIN: usize = 65;

impl Value {
    /// Bytes of memory behind the entry, about: the box and what hangs on it, whether shared or not. What does not
    /// know its size is asked in so many places at most.
    pub fn memory_bytes(&self, samples: usize) -> usize {
        let behind = match self {
            Self::Bytes(bytes) => {
                block_bytes(size_of::<Vec<u8>>() + SHARED_BYTES) + block_bytes(bytes.capacity())
            }
            Self::List(List::Pack(pack))
            | Self::Set(Set::Pack(pack))
            | Self::Hash(Hash::Pack(pack) | Hash::PackEx(pack))
            | Self::SortedSet(SortedSet::Pack(pack)) => block_bytes(pack.bytes().len()),
            Self::Set(Set::Ints(ints)) => block_bytes(ints.bytes().len()),
            Self::List(List::Chunks(list)) => list.memory_bytes_sampled(samples),
            Self::Set(Set::Table(fields)) | Self::Hash(Hash::Table(fields)) => fields.memory_bytes(),
            Self::SortedSet(SortedSet::Tree(tree)) => tree.memory_bytes(),
            Self::Stream(stream) => stream.memory_bytes_sampled(samples),
        };
        block_bytes(size_of::<Self>()) + behind
    }

    /// Whether freeing or copying it takes so long that others would wait for it.
    pub fn is_large(&self) -> bool {
        match self {
            Self::Bytes(bytes) => LARGE_BYTES_MIN <= bytes.capacity(),
            Self::List(List::Pack(pack))
            | Self::Set(Set::Pack(pack))
            | Self::Hash(Hash::Pack(pack) | Hash::PackEx(pack))
            | Self::SortedSet(SortedSet::Pack(pack)) => LARGE_BYTES_MIN <= pack.bytes().len(),
            Self::Set(Set::Ints(ints)) => LARGE_BYTES_MIN <= ints.bytes().len(),
            Self::List(List::Chunks(list)) => LARGE_ELEMENTS_MIN <= list.chunk_count(),
            Self::Set(Set::Table(fields)) | Self::Hash(Hash::Table(fields)) => {
                LARGE_ELEMENTS_MIN <= fields.len()
            }
            Self::SortedSet(SortedSet::Tree(tree)) => LARGE_ELEMENTS_MIN <= tree.len(),
            Self::Stream(stream) => {
                let groups = stream.groups_len() + stream.groups().map(|g| g.pending_len()).sum::<usize>();
                LARGE_ELEMENTS_MIN <= stream.blocks_len() + groups
            }
        }
    }

    pub fn kind(&self) -> Kind {
        match self {
            Self::Bytes(_) => Kind::String,
            Self::List(_) => Kind::List,
            Self::Set(_) => Kind::Set,
            Self::Hash(_) => Kind::Hash,
            Self::SortedSet(_) => Kind::SortedSet,
            Self::Stream(_) => Kind::Stream,
        }
    }
}

/// The fields of a hash may expire by themselves.
impl ds::table::Parts for Value {
    #[inline]
    fn first_expiry(&self) -> Option<i64> {
        match self {
            Self::Hash(hash) => hash.earliest(),
            _ => None,
        }
    }
}

/// The counts of an `Arc`.
const SHARED_BYTES: usize = 16;

/// Only what it is: contents may be of any size.
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind().name())
    }
}

/// The type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    String,
    List,
    Set,
    SortedSet,
    Hash,
    Stream,
}

impl Kind {
    /// As TYPE and SCAN TYPE know it.
    pub fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::List => "list",
            Self::Set => "set",
            Self::SortedSet => "zset",
            Self::Hash => "hash",
            Self::Stream => "stream",
        }
    }
}

pub fn kind(payload: &Payload<Value>) -> Kind {
    match payload {
        Payload::Int(_) | Payload::Bytes(_) => Kind::String,
        Payload::Boxed(value) => value.kind(),
    }
}

/// The integer that a string is kept as, if it spells one.
#[inline]
pub fn as_int(bytes: &[u8]) -> Option<i64> {
    if bytes.len() <= base::number::I64_TEXT_BYTES_MAX { base::number::parse_i64(bytes) } else { None }
}

/// A string that is kept as its bytes, whatever they spell.
#[inline]
pub fn new_bytes(bytes: &[u8]) -> NewPayload<'_, Value> {
    if bytes.len() <= INLINE_BYTES_MAX {
        return NewPayload::Bytes(bytes);
    }
    NewPayload::Boxed(Value::Bytes(Arc::new(bytes.to_vec())))
}

/// A string value, wherever it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Str<'a> {
    Int(i64),
    Bytes(&'a [u8]),
}

/// The text of an integer, on the stack.
pub struct Text {
    digits: itoa::Buffer,
}

impl Text {
    pub fn new() -> Self {
        Self { digits: itoa::Buffer::new() }
    }
}

impl<'a> Str<'a> {
    /// The string's bytes; an integer is written into `text` first.
    pub fn bytes<'t>(self, text: &'t mut Text) -> &'t [u8]
    where
        'a: 't,
    {
        match self {
            Self::Int(n) => text.digits.format(n).as_bytes(),
            Self::Bytes(bytes) => bytes,
        }
    }

    pub fn to_vec(self) -> Vec<u8> {
        self.bytes(&mut Text::new()).to_vec()
    }

    pub fn len(self) -> usize {
        match self {
            Self::Int(n) => itoa::Buffer::new().format(n).len(),
            Self::Bytes(bytes) => bytes.len(),
        }
    }

    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The integer that the string spells, as INCR reads it.
    pub fn as_int(self) -> Option<i64> {
        match self {
            Self::Int(n) => Some(n),
            Self::Bytes(bytes) => base::number::parse_i64(bytes),
        }
    }
}

/// Name of the value's type, as TYPE and SCAN TYPE know it.
pub fn type_name(payload: &Payload<Value>) -> &'static str {
    kind(payload).name()
}

/// The payload as a string, or WRONGTYPE.
pub fn as_str<'a>(payload: Payload<'a, Value>) -> Result<Str<'a>, Error> {
    match payload {
        Payload::Int(n) => Ok(Str::Int(n)),
        Payload::Bytes(bytes) => Ok(Str::Bytes(bytes)),
        Payload::Boxed(Value::Bytes(bytes)) => Ok(Str::Bytes(bytes)),
        Payload::Boxed(_) => Err(Error::WrongType),
    }
}

macro_rules! views {
    ($($name:ident, $variant:ident: $type:ty;)+) => {$(
        /// The payload as a value of this type, or WRONGTYPE.
        pub fn $name<'a>(payload: Payload<'a, Value>) -> Result<&'a $type, Error> {
            match payload {
                Payload::Boxed(Value::$variant(value)) => Ok(value),
                _ => Err(Error::WrongType),
            }
        }
    )+};
}

views! {
    as_list, List: List;
    as_set, Set: Set;
    as_hash, Hash: Hash;
    as_sorted_set, SortedSet: SortedSet;
    as_stream, Stream: Stream;
}

/// The set that is to be changed, or WRONGTYPE.
pub fn set_mut<'a>(entry: &'a mut ds::table::EntryMut<'_, Value>) -> Result<&'a mut Set, Error> {
    match entry.boxed_mut() {
        Some(Value::Set(set)) => Ok(set),
        _ => Err(Error::WrongType),
    }
}

/// The list that is to be changed, or WRONGTYPE.
pub fn list_mut<'a>(entry: &'a mut ds::table::EntryMut<'_, Value>) -> Result<&'a mut List, Error> {
    match entry.boxed_mut() {
        Some(Value::List(list)) => Ok(list),
        _ => Err(Error::WrongType),
    }
}

/// The hash that is to be changed, or WRONGTYPE.
pub fn hash_mut<'a>(entry: &'a mut ds::table::EntryMut<'_, Value>) -> Result<&'a mut Hash, Error> {
    match entry.boxed_mut() {
        Some(Value::Hash(hash)) => Ok(hash),
        _ => Err(Error::WrongType),
    }
}

/// Name of the value's encoding, as OBJECT ENCODING gives it.
pub fn encoding(payload: &Payload<Value>, tag: u8) -> &'static str {
    match payload {
        Payload::Int(_) => "int",
        Payload::Bytes(bytes) if bytes.len() <= EMBSTR_BYTES_MAX && tag & TAG_RAW == 0 => "embstr",
        Payload::Bytes(_) | Payload::Boxed(Value::Bytes(_)) => "raw",
        Payload::Boxed(Value::List(list)) => list.encoding(),
        Payload::Boxed(Value::Set(set)) => set.encoding(),
        Payload::Boxed(Value::Hash(hash)) => hash.encoding(),
        Payload::Boxed(Value::SortedSet(set)) => set.encoding(),
        Payload::Boxed(Value::Stream(_)) => "stream",
    }
}
