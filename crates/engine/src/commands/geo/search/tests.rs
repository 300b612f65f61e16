//! Searches on maps: their forms, orders and errors, and what is stored.

use crate::testing::check;

const SICILY: &str = "GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania 12.758489 38.788135 edge1 17.241510 38.788135 edge2";

#[test]
fn searching() {
    check(&format!(
        r#"
        {SICILY}
        GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 km ASC -> ["Catania", "Palermo"] |
        GEOSEARCH g FROMLONLAT 15 37 BYBOX 400 400 km DESC WITHDIST -> [["edge1", "279.7405"], ["edge2", "279.7403"], ["Palermo", "190.4424"], ["Catania", "56.4413"]]
        GEOSEARCH g FROMMEMBER Palermo BYRADIUS 200 km COUNT 1 ANY WITHDIST WITHHASH WITHCOORD -> [["Palermo", "0.0000", 3479099956230698, ["13.36138933897018433", "38.11555639549629859"]]]
        GEOSEARCH g FROMMEMBER Palermo BYRADIUS 100 mi COUNT 1 -> ["Palermo"]
        GEOSEARCH g FROMMEMBER Palermo BYRADIUS inf km ASC COUNT 2 -> ["Palermo", "edge1"]
        GEORADIUS g 15 37 200 km WITHDIST ASC -> [["Catania", "56.4413"], ["Palermo", "190.4424"]]
        GEORADIUS_RO g 15 37 200 km DESC -> ["Palermo", "Catania"]
        GEORADIUSBYMEMBER g Catania 1 FT -> ["Catania"]
        GEORADIUSBYMEMBER_RO g Catania 100 km -> ["Catania"]
        RESP 3
        GEOSEARCH g FROMMEMBER Catania BYRADIUS 1 m WITHCOORD WITHDIST -> [["Catania", "0.0000", [15.08726745843887329, 37.50266842333162032]]]
        "#
    ));
}

#[test]
fn storing() {
    check(&format!(
        r#"
        {SICILY}
        GEORADIUS g 15 37 200 km STORE to -> 2 | GEORADIUS g 15 37 200 km STORE to
        ZRANGE to 0 -1 WITHSCORES -> ["Palermo", "3479099956230698", "Catania", "3479447370796909"]
        OBJECT ENCODING to -> "listpack"
        EXPIRE to 100
        GEOSEARCHSTORE to g FROMMEMBER Palermo BYRADIUS 100 km STOREDIST -> 2 | GEOSEARCHSTORE to g FROMMEMBER Palermo BYRADIUS 100 km STOREDIST
        ZRANGE to 0 -1 -> ["Palermo", "edge1"]
        TTL to -> -1
        GEORADIUSBYMEMBER g Palermo 200 km STORE to STOREDIST to2 COUNT 1 DESC -> 1
        ZRANGE to2 0 -1 WITHSCORES -> ["Catania", "166.27415156960032"]
        GEORADIUS g 0 0 1 km STORE to -> 0 | GEORADIUS g 0 0 1 km STORE to
        EXISTS to -> 0
        GEORADIUS g 0 0 1 km STORE to -> 0 |
        GEORADIUS none 0 0 1 km STOREDIST to2 -> 0 | GEORADIUS none 0 0 1 km STOREDIST to2
        GEOSEARCHSTORE g g FROMMEMBER Palermo BYRADIUS 0 m -> 1
        ZRANGE g 0 -1 -> ["Palermo"]
        SET s v
        GEOSEARCHSTORE s g FROMMEMBER Palermo BYRADIUS 0 m -> 1
        TYPE s -> zset
        PEXPIRE g 5
        TICK 6
        GEOSEARCHSTORE s g FROMMEMBER Palermo BYRADIUS 0 m -> 0 | MULTI ; DEL g ; GEOSEARCHSTORE s g FROMMEMBER Palermo BYRADIUS 0 m ; EXEC
        "#
    ));
}

#[test]
fn errors() {
    let lacks = "-ERR exactly one of";
    let alone = "is not compatible with WITHDIST, WITHHASH and WITHCOORD options";
    let units = "-ERR unsupported unit provided. please use M, KM, FT, MI";
    check(&format!(
        r#"
        {SICILY}
        GEOSEARCH g FROMMEMBER nope BYRADIUS 1 km -> -ERR could not decode requested zset member |
        GEOSEARCH none FROMMEMBER nope BYRADIUS 1 km -> []
        GEOSEARCH g FROMMEMBER Palermo FROMMEMBER Catania BYRADIUS 1 km -> ["Catania"]
        GEOSEARCH g FROMMEMBER Palermo FROMLONLAT 1 1 BYRADIUS 1 km -> -ERR syntax error
        GEOSEARCH g FROMMEMBER Palermo BYRADIUS 1 km BYBOX 1 1 km -> -ERR syntax error
        GEOSEARCH g ASC ASC ASC ASC ASC -> {lacks} FROMMEMBER or FROMLONLAT can be specified for GEOSEARCH
        geosearch g FROMMEMBER Palermo ASC ASC ASC -> {lacks} BYRADIUS and BYBOX can be specified for geosearch
        GEOSEARCH g FROMLONLAT 200 1 BYRADIUS 1 km -> -ERR invalid longitude,latitude pair 200.000000,1.000000
        GEOSEARCH g FROMLONLAT x 1 BYRADIUS 1 km -> -ERR value is not a valid float
        GEOSEARCH g FROMMEMBER Palermo BYRADIUS -1 km -> -ERR radius cannot be negative
        GEOSEARCH g FROMMEMBER Palermo BYRADIUS nan km -> -ERR need numeric radius
        GEOSEARCH g FROMMEMBER Palermo BYRADIUS 1 yd -> {units}
        GEOSEARCH g FROMMEMBER Palermo BYBOX x 1 yd -> -ERR need numeric width
        GEOSEARCH g FROMMEMBER Palermo BYBOX 1 x yd -> -ERR need numeric height
        GEOSEARCH g FROMMEMBER Palermo BYBOX -1 1 yd -> -ERR height or width cannot be negative
        GEOSEARCH g FROMMEMBER Palermo BYBOX 1 1 yd -> {units}
        GEOSEARCH g FROMMEMBER Palermo BYRADIUS 200 km ANY -> -ERR the ANY argument requires COUNT argument
        GEOSEARCH g FROMMEMBER Palermo BYRADIUS 200 km COUNT 0 -> -ERR COUNT must be > 0
        GEOSEARCH g FROMMEMBER Palermo BYRADIUS 200 km COUNT x -> -ERR value is not an integer or out of range
        GEOSEARCH g FROMMEMBER Palermo BYRADIUS 200 km COUNT -> -ERR syntax error
        GEOSEARCH g FROMMEMBER Palermo BYRADIUS 200 km STORE x -> -ERR syntax error
        GEOSEARCH g FROMMEMBER Palermo BYRADIUS 200 km STOREDIST -> -ERR syntax error
        GEOSEARCHSTORE d g FROMMEMBER Palermo BYRADIUS 200 km WITHDIST -> -ERR GEOSEARCHSTORE {alone} |
        GEORADIUS g 15 37 200 km STORE to WITHDIST -> -ERR STORE option in GEORADIUS {alone} |
        GEORADIUS g 15 37 200 km STORE -> -ERR syntax error |
        GEOSEARCHSTORE d none FROMMEMBER Palermo BYRADIUS x km -> -ERR need numeric radius
        GEORADIUSBYMEMBER none x y z -> []
        GEORADIUSBYMEMBER none x y z nonsense -> -ERR syntax error
        GEORADIUSBYMEMBER g x y z -> -ERR could not decode requested zset member
        GEORADIUSBYMEMBER_RO g Palermo 200 km STORE d -> -ERR syntax error
        GEORADIUS none 1 1 1 km FROMMEMBER x -> -ERR syntax error
        SET s v
        GEORADIUS s x y z yd -> -WRONGTYPE Operation against a key holding the wrong kind of value
        GEOSEARCHSTORE d s x y z y z z -> -WRONGTYPE Operation against a key holding the wrong kind of value |
        "#
    ));
}
