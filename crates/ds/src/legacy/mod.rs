//! Encodings that old RDB files hold and nothing writes any more: ziplists (up to Redis 6.2) and zipmaps (2.4).
//!
//! Each is looked at whole before anything of it is used: no bytes make a reader panic or read beyond them.

pub mod ziplist;
pub mod zipmap;
