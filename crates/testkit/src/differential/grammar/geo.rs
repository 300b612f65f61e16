//! Places: sorted sets, too.

use super::super::compare::Class::*;
use super::{Entry, entry};

pub const TABLE: &[Entry] = &[
    entry(8, "geoadd <geo-key> [nx|xx] [ch] {<longitude> <latitude> <member>}", Exact),
    entry(5, "(geopos|geohash) <geo-key> {<member>}", Exact),
    entry(5, "geodist <geo-key> <member> <member> [m|km|ft|mi|yd]", Exact),
    entry(2, "(geopos|geohash) <zset-key> {<member>}", Exact),
    entry(30, "geoadd <far-key> <placed> <placed> <placed> <placed>", Exact),
    entry(2, "zrem <far-key> {<member>}", Exact),
    entry(1, "(del|type) <far-key>", Exact),
    entry(
        20,
        "geosearch <far-key> fromlonlat <longitude> <latitude> byradius <radius> <unit> [asc|desc] [count <count> [any]] [withdist] [withhash] [withcoord]",
        Exact,
    ),
    entry(
        20,
        "geosearch <geo-key> frommember <member> bybox <radius> <radius> <unit> [asc|desc] [count <count> [any]] [withdist]",
        Exact,
    ),
    entry(
        10,
        "geosearch <far-key> frommember <member> bybox <radius> <radius> <unit> [asc|desc] [withcoord]",
        Exact,
    ),
    entry(3, "geosearch <zset-key> frommember <member> byradius <radius> <unit> [desc] [withhash]", Exact),
    entry(
        5,
        "geosearch <far-key> {frommember <member>|fromlonlat 1 2|byradius 2000 km|bybox 9000 9000 km|asc|desc|count 3|any|withdist|storedist|nonsense}",
        Exact,
    ),
    entry(
        10,
        "geosearchstore <geo-key> <far-key> fromlonlat <longitude> <latitude> byradius <radius> <unit> [asc|desc] [count <count> [any]]",
        Exact,
    ),
    entry(
        6,
        "geosearchstore <distance-key> <far-key> fromlonlat <longitude> <latitude> bybox <radius> <radius> <unit> [asc|desc] [count <count> [any]] storedist",
        Exact,
    ),
    entry(
        3,
        "geosearchstore <distance-key> <far-key> {frommember <member>|byradius 2000 km|bybox 9000 900 km|asc|count 3|any|withdist|storedist}",
        Exact,
    ),
    entry(
        10,
        "(georadius|georadius_ro) <far-key> <longitude> <latitude> <radius> <unit> [withcoord] [withdist] [withhash] [count <count> [any]] [asc|desc]",
        Exact,
    ),
    entry(
        10,
        "(georadiusbymember|georadiusbymember_ro) <geo-key> <member> <radius> <unit> [withcoord] [withdist] [withhash] [count <count> [any]] [asc|desc]",
        Exact,
    ),
    entry(
        5,
        "georadius <far-key> <longitude> <latitude> <radius> <unit> {store <geo-key>|count 4|asc|desc|any}",
        Exact,
    ),
    entry(
        5,
        "georadiusbymember <far-key> <member> <radius> <unit> {storedist <distance-key>|count 4|asc|any|withdist}",
        Exact,
    ),
    entry(
        2,
        "(georadius_ro|georadiusbymember_ro) <far-key> <member> <radius> <radius> <unit> {store <geo-key>|withdist|frommember <member>}",
        Exact,
    ),
];
