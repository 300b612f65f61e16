//! RDB: Redis's snapshot format, as a codec over byte slices without I/O.
//!
//! Written as version 10 with only what Redis 7.0 knows, so that Redis 7.0 and later and Valkey load it. Only where there
//! are hashes whose fields expire, these are written as Redis 7.4 does, and the version is its 12: what is too old for
//! them says so at the first bytes, instead of failing in the middle. Read: versions 1 to 12 of Redis, and Valkey's up
//! to 9. Values of modules give an error that names the module and the key; what modules save besides is passed over.

mod collections;
mod decode;
mod encode;
mod functions;
mod streams;

pub use decode::{Decoder, Item, RdbError, Step, decode_value};
pub use encode::{Encoder, Options, encode_entry, encode_value};
pub use functions::{PayloadError, decode_functions, encode_functions};

use crate::value;

use ds::entry::{NewPayload, Payload};
use ds::table::Parts;
use std::borrow::Cow;

/// The version that is written where no field of a hash expires.
pub const VERSION: u32 = 10;
/// The version that is written where one does.
pub const VERSION_OF_FIELD_EXPIRY: u32 = 12;
/// The newest version that is read.
pub const VERSION_MAX: u32 = 12;

/// A value as the format has it.
#[derive(Clone, Debug)]
pub enum Value<'a> {
    Int(i64),
    Bytes(Cow<'a, [u8]>),
    /// Of any type but a string; never empty, unless it is a stream.
    Object(Cow<'a, value::Value>),
}

impl<'a> From<Payload<'a, value::Value>> for Value<'a> {
    fn from(payload: Payload<'a, value::Value>) -> Self {
        match payload {
            Payload::Int(n) => Self::Int(n),
            Payload::Bytes(bytes) => Self::Bytes(bytes.into()),
            Payload::Boxed(value) => value.into(),
        }
    }
}

impl<'a> From<&'a value::Value> for Value<'a> {
    fn from(value: &'a value::Value) -> Self {
        match value {
            value::Value::Bytes(bytes) => Self::Bytes(bytes.as_slice().into()),
            object => Self::Object(Cow::Borrowed(object)),
        }
    }
}

impl Value<'_> {
    /// The version that a reader must know for it.
    pub fn version(&self) -> u32 {
        match self {
            Self::Object(object) if object.first_expiry().is_some() => VERSION_OF_FIELD_EXPIRY,
            _ => VERSION,
        }
    }

    /// Hands the value to an entry.
    pub fn with_payload<R>(self, put: impl FnOnce(NewPayload<value::Value>) -> R) -> R {
        match self {
            Self::Int(n) => put(NewPayload::Int(n)),
            // Integers of more than 32 bits stand in the file as text.
            Self::Bytes(bytes) => match value::as_int(&bytes) {
                Some(n) => put(NewPayload::Int(n)),
                None => put(value::new_bytes(&bytes)),
            },
            Self::Object(object) => put(NewPayload::Boxed(object.into_owned())),
        }
    }
}

pub(crate) mod opcode {
    pub(crate) const SLOT_INFO: u8 = 244;
    pub(crate) const FUNCTION2: u8 = 245;
    pub(crate) const FUNCTION_PRE_GA: u8 = 246;
    pub(crate) const MODULE_AUX: u8 = 247;
    pub(crate) const IDLE: u8 = 248;
    pub(crate) const FREQ: u8 = 249;
    pub(crate) const AUX: u8 = 250;
    pub(crate) const RESIZE_DB: u8 = 251;
    pub(crate) const EXPIRE_MS: u8 = 252;
    pub(crate) const EXPIRE: u8 = 253;
    pub(crate) const SELECT_DB: u8 = 254;
    pub(crate) const EOF: u8 = 255;
}

/// Types of values, by their number in the file.
pub(crate) mod kind {
    pub(crate) const STRING: u8 = 0;
    pub(crate) const LIST: u8 = 1;
    pub(crate) const SET: u8 = 2;
    pub(crate) const SORTED_SET: u8 = 3;
    pub(crate) const HASH: u8 = 4;
    pub(crate) const SORTED_SET_2: u8 = 5;
    pub(crate) const MODULE: u8 = 6;
    pub(crate) const MODULE_2: u8 = 7;
    pub(crate) const UNUSED: u8 = 8;
    pub(crate) const HASH_ZIPMAP: u8 = 9;
    pub(crate) const LIST_ZIPLIST: u8 = 10;
    pub(crate) const SET_INTSET: u8 = 11;
    pub(crate) const SORTED_SET_ZIPLIST: u8 = 12;
    pub(crate) const HASH_ZIPLIST: u8 = 13;
    pub(crate) const LIST_QUICKLIST: u8 = 14;
    pub(crate) const STREAM: u8 = 15;
    pub(crate) const HASH_LISTPACK: u8 = 16;
    pub(crate) const SORTED_SET_LISTPACK: u8 = 17;
    pub(crate) const LIST_QUICKLIST_2: u8 = 18;
    pub(crate) const STREAM_2: u8 = 19;
    pub(crate) const SET_LISTPACK: u8 = 20;
    pub(crate) const STREAM_3: u8 = 21;
    /// Redis before 7.4 was released: expiries are absolute.
    pub(crate) const HASH_EXPIRIES_OLD: u8 = 22;
    /// Valkey from 9 on: each field with its expiry behind it, in eight bytes; -1 is none.
    pub(crate) const VALKEY_HASH_EXPIRIES: u8 = 22;
    pub(crate) const HASH_LISTPACK_EX_OLD: u8 = 23;
    pub(crate) const HASH_EXPIRIES: u8 = 24;
    pub(crate) const HASH_LISTPACK_EX: u8 = 25;
}

/// Parts of what a module saves.
pub(crate) mod module {
    pub(crate) const EOF: u64 = 0;
    pub(crate) const SINT: u64 = 1;
    pub(crate) const UINT: u64 = 2;
    pub(crate) const FLOAT: u64 = 3;
    pub(crate) const DOUBLE: u64 = 4;
    pub(crate) const STRING: u64 = 5;
}

/// How a node of a list is kept in the file.
pub(crate) mod node {
    pub(crate) const PLAIN: u64 = 1;
    pub(crate) const PACKED: u64 = 2;
}

/// Length prefixes: two high bits say the form.
pub(crate) mod length {
    pub(crate) const FORM_6BIT: u8 = 0;
    pub(crate) const FORM_14BIT: u8 = 1;
    pub(crate) const FORM_ENCODED: u8 = 3;
    pub(crate) const MARK_32BIT: u8 = 0x80;
    pub(crate) const MARK_64BIT: u8 = 0x81;
}

/// Special string encodings, behind `FORM_ENCODED`.
pub(crate) mod string_encoding {
    pub(crate) const INT8: u8 = 0;
    pub(crate) const INT16: u8 = 1;
    pub(crate) const INT32: u8 = 2;
    pub(crate) const LZF: u8 = 3;
}

#[cfg(test)]
mod tests;
