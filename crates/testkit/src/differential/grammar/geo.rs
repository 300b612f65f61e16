//! Places: sorted sets, too.

use super::super::compare::Class::*;
use super::{Entry, entry};

pub const TABLE: &[Entry] = &[
    entry(8, "geoadd <geo-key> [nx|xx] [ch] {<longitude> <latitude> <member>}", Exact),
    entry(5, "(geopos|geohash) <geo-key> {<member>}", Exact),
    entry(5, "geodist <geo-key> <member> <member> [m|km|ft|mi|yd]", Exact),
    entry(2, "(geopos|geohash) <zset-key> {<member>}", Exact),
];
