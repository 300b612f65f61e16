//! RDB: Redis's snapshot format, as a codec over byte slices without I/O.
//!
//! Written as version 10 with only what Redis 7.0 knows, so that Redis 7.0 and later and Valkey load it. Read:
//! versions 1 to 12 of Redis, and Valkey's. Value types that are not there yet give an error that names the type
//! and the key.

mod decode;
mod encode;

pub use decode::{Decoder, Item, RdbError, Step, decode_value};
pub use encode::{Encoder, Options, encode_entry, encode_value};

use ds::entry::Payload;
use std::borrow::Cow;

/// The version that is written.
pub const VERSION: u32 = 10;
/// The newest version that is read.
pub const VERSION_MAX: u32 = 12;

/// A value as the format has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    Int(i64),
    Bytes(Cow<'a, [u8]>),
}

impl<'a> From<Payload<'a, crate::value::Value>> for Value<'a> {
    fn from(payload: Payload<'a, crate::value::Value>) -> Self {
        match payload {
            Payload::Int(n) => Self::Int(n),
            Payload::Bytes(bytes) => Self::Bytes(bytes.into()),
            Payload::Boxed(crate::value::Value::Bytes(bytes)) => Self::Bytes(bytes.as_slice().into()),
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

pub(crate) const TYPE_STRING: u8 = 0;

/// Names of the value types, by their number in the file.
pub(crate) const TYPE_NAMES: &[&str] = &[
    "string",
    "list",
    "set",
    "sorted set",
    "hash",
    "sorted set (binary scores)",
    "module (old)",
    "module",
    "8",
    "hash (zipmap)",
    "list (ziplist)",
    "set (intset)",
    "sorted set (ziplist)",
    "hash (ziplist)",
    "list (quicklist)",
    "stream (1)",
    "hash (listpack)",
    "sorted set (listpack)",
    "list (quicklist 2)",
    "stream (2)",
    "set (listpack)",
    "stream (3)",
    "hash (field expiry, pre-release)",
    "hash (listpack, field expiry, pre-release)",
    "hash (field expiry)",
    "hash (listpack, field expiry)",
];

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
