//! What is measured of each type: how keys are loaded, and the commands that are then asked, by pattern
//! (see [`crate::template`]). A new case is a line.
//!
//! *Small* is very many keys of a few elements, as most collections are; *large* is one key with a million. What a
//! command does to its keys is undone, or does not matter: popped elements are put back before the next run.

use crate::template::Sizes;

/// How often a step is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Times {
    Once,
    /// For each key.
    Keys,
    /// For each element of each key.
    Elements,
    /// As often as the measured command will be, so many times.
    Requests(u64),
}

pub struct Step(pub Times, pub &'static str);

/// Keys that several cases are asked about; flushed after them.
pub struct Group {
    pub name: &'static str,
    pub sizes: Sizes,
    pub load: &'static [Step],
    pub cases: &'static [Case],
}

pub struct Case {
    pub command: &'static str,
    /// Of a run at a depth of 16; a quarter of it at a depth of 1.
    pub requests: u64,
    /// Asked before each run, and not measured.
    pub before: &'static [Step],
}

const fn case(command: &'static str, requests: u64) -> Case {
    Case { command, requests, before: &[] }
}

const SMALL: Sizes = Sizes { keys: 10_000, elements: 10 };
const LARGE: Sizes = Sizes { keys: 1, elements: 1_000_000 };

/// Commands of a microsecond: runs of some tenths of a second.
const QUICK: u64 = 160_000;
/// Commands whose replies have some ten elements.
const MIDDLE: u64 = 80_000;
/// Commands whose replies have hundreds.
const SLOW: u64 = 8_000;

use Times::{Elements, Keys, Once, Requests};

pub const GROUPS: &[Group] = &[
    Group {
        name: "small string",
        sizes: SMALL,
        load: &[Step(Keys, "SET s:%k v:%v%v"), Step(Keys, "SET n:%k 1")],
        cases: &[
            case("GET s:%k", QUICK),
            case("SET s:%k v:%v%v", QUICK),
            case("INCR n:%k", QUICK),
            case("APPEND a:%s v:%v", QUICK),
            case("MGET s:%k s:%k s:%k s:%k s:%k s:%k s:%k s:%k s:%k s:%k", MIDDLE),
            case("MSET s:%k %v s:%k %v s:%k %v s:%k %v s:%k %v", MIDDLE),
            case("SETBIT bits %d 1", QUICK),
            case("GETBIT bits %d", QUICK),
            case("BITFIELD bits INCRBY u8 %d 1", QUICK),
            case("PFADD hll:%k e:%s", QUICK),
            case("PFADD hll:one e:%s", QUICK),
            case("PFCOUNT hll:%k", QUICK),
            case("EXPIRE s:%k 100000", QUICK),
        ],
    },
    Group {
        name: "small list",
        sizes: SMALL,
        load: &[Step(Elements, "RPUSH l:%k e:%e")],
        cases: &[
            case("LRANGE l:%k 0 -1", MIDDLE),
            case("LINDEX l:%k 5", QUICK),
            case("LLEN l:%k", QUICK),
            case("LPUSH l:%k e:%v", QUICK),
            case("RPUSH l:%k e:%v", QUICK),
            case("LPOP l:%k", QUICK),
            case("RPOP l:%k", QUICK),
            case("LMOVE l:%k l:%k LEFT RIGHT", QUICK),
            case("SORT l:%k ALPHA", MIDDLE),
            case("LPUSH new:%s e:%v", QUICK),
        ],
    },
    Group {
        name: "large list",
        sizes: LARGE,
        load: &[Step(Elements, "RPUSH l e:%e")],
        cases: &[
            case("LPUSH l e:%v", QUICK),
            case("RPUSH l e:%v", QUICK),
            case("LPOP l", QUICK),
            case("RPOP l", QUICK),
            case("LRANGE l 0 99", SLOW),
            case("LRANGE l 0 599", SLOW),
            case("LINDEX l 1000", QUICK),
            case("LINDEX l %d", SLOW),
            case("SORT l BY nosort LIMIT 0 10", MIDDLE),
            case("SORT l LIMIT 0 10 ALPHA", 4),
        ],
    },
    Group {
        name: "small set",
        sizes: SMALL,
        load: &[Step(Elements, "SADD s:%k e:%e")],
        cases: &[
            case("SISMEMBER s:%k e:%e", QUICK),
            case("SADD s:%k e:%e", QUICK),
            case("SMEMBERS s:%k", MIDDLE),
            case("SCARD s:%k", QUICK),
            case("SRANDMEMBER s:%k", QUICK),
            case("SINTER s:%k s:%k", MIDDLE),
            case("SUNION s:%k s:%k", MIDDLE),
            case("SDIFF s:%k s:%k", MIDDLE),
            case("SADD new:%s e:%v", QUICK),
            Case {
                command: "SPOP s:%c",
                requests: 100_000,
                before: &[Step(Keys, "DEL s:%k"), Step(Elements, "SADD s:%k e:%e")],
            },
        ],
    },
    Group {
        name: "small set of integers",
        sizes: SMALL,
        load: &[Step(Elements, "SADD s:%k 1%e")],
        cases: &[
            case("SISMEMBER s:%k 1%e", QUICK),
            case("SADD s:%k 1%e", QUICK),
            case("SMEMBERS s:%k", MIDDLE),
            case("SINTER s:%k s:%k", MIDDLE),
            case("SORT s:%k", MIDDLE),
        ],
    },
    Group {
        name: "large set",
        sizes: LARGE,
        load: &[
            Step(Elements, "SADD s e:%e"),
            Step(Keys, "SADD some e:%n e:%n e:%n e:%n e:%n e:%n e:%n e:%n e:%n"),
        ],
        cases: &[
            case("SISMEMBER s e:%e", QUICK),
            case("SADD s e:%e", QUICK),
            case("SADD s n:%s", QUICK),
            case("SMISMEMBER s e:%e e:%e e:%e e:%e e:%e e:%e e:%e e:%e", MIDDLE),
            case("SRANDMEMBER s", QUICK),
            case("SRANDMEMBER s 10", MIDDLE),
            case("SSCAN s 0 COUNT 100", SLOW),
            case("SINTER some s", MIDDLE),
            case("SMEMBERS s", 4),
            case("SREM s e:%e", QUICK),
            Case { command: "SPOP s", requests: QUICK, before: &[Step(Requests(1), "SADD s e:%s")] },
            Case {
                command: "SPOP s 10",
                requests: 20_000,
                before: &[Step(Requests(1), "SADD s e:%s f:%s g:%s")],
            },
        ],
    },
    Group {
        name: "small hash",
        sizes: SMALL,
        load: &[Step(Elements, "HSET h:%k f:%e v:%v"), Step(Keys, "HSET n:%k f 1")],
        cases: &[
            case("HGET h:%k f:%e", QUICK),
            case("HSET h:%k f:%e v:%v", QUICK),
            case("HGETALL h:%k", MIDDLE),
            case("HMGET h:%k f:%e f:%e f:%e", QUICK),
            case("HINCRBY n:%k f 1", QUICK),
            case("HLEN h:%k", QUICK),
            case("HEXISTS h:%k f:%e", QUICK),
            case("HRANDFIELD h:%k", QUICK),
            case("HSET new:%s f v", QUICK),
            Case {
                command: "HDEL h:%k f:%e",
                requests: 100_000,
                before: &[Step(Elements, "HSET h:%k f:%e v:%v")],
            },
        ],
    },
    Group {
        name: "large hash",
        sizes: LARGE,
        load: &[Step(Elements, "HSET h f:%e v:%v")],
        cases: &[
            case("HGET h f:%e", QUICK),
            case("HSET h f:%e v:%v", QUICK),
            case("HSET h n:%s v:%v", QUICK),
            case("HMGET h f:%e f:%e f:%e f:%e f:%e f:%e f:%e f:%e", MIDDLE),
            case("HINCRBY h i:%e 1", QUICK),
            case("HRANDFIELD h 10", MIDDLE),
            case("HSCAN h 0 COUNT 100", SLOW),
            case("HGETALL h", 4),
            case("HDEL h f:%e", QUICK),
        ],
    },
    Group {
        name: "small zset",
        sizes: SMALL,
        load: &[Step(Elements, "ZADD z:%k %d e:%e")],
        cases: &[
            case("ZSCORE z:%k e:%e", QUICK),
            case("ZADD z:%k %d e:%e", QUICK),
            case("ZINCRBY z:%k 1 e:%e", QUICK),
            case("ZRANK z:%k e:%e", QUICK),
            case("ZRANGE z:%k 0 -1", MIDDLE),
            case("ZRANGE z:%k 0 -1 WITHSCORES", MIDDLE),
            case("ZRANGEBYSCORE z:%k 0 500000", MIDDLE),
            case("ZCARD z:%k", QUICK),
            case("ZADD new:%s 1 e:%v", QUICK),
            Case {
                command: "ZREM z:%k e:%e",
                requests: 100_000,
                before: &[Step(Elements, "ZADD z:%k %d e:%e")],
            },
            Case {
                command: "ZPOPMIN z:%c",
                requests: 100_000,
                before: &[Step(Keys, "DEL z:%k"), Step(Elements, "ZADD z:%k %d e:%e")],
            },
        ],
    },
    Group {
        name: "large zset",
        sizes: LARGE,
        load: &[Step(Elements, "ZADD z %d e:%e")],
        cases: &[
            case("ZSCORE z e:%e", QUICK),
            case("ZADD z %d e:%e", QUICK),
            case("ZADD z %d n:%s", QUICK),
            case("ZINCRBY z 1 e:%e", QUICK),
            case("ZRANK z e:%e", QUICK),
            case("ZCOUNT z %d 900000", QUICK),
            case("ZRANGE z 0 9", MIDDLE),
            case("ZRANGE z %d 999999 BYSCORE LIMIT 0 10", MIDDLE),
            case("ZRANGE z 0 99 WITHSCORES", SLOW),
            case("ZREVRANGE z 0 99", SLOW),
            case("ZRANGE z 500000 500099", SLOW),
            case("ZRANDMEMBER z 10", MIDDLE),
            case("ZREM z e:%e", QUICK),
            Case { command: "ZPOPMIN z", requests: QUICK, before: &[Step(Requests(1), "ZADD z %d e:%s")] },
        ],
    },
    Group {
        name: "bitmaps of 1 MB",
        sizes: Sizes { keys: 2, elements: 8_000_000 },
        load: &[Step(Keys, "SETRANGE m:%k 1048575 x")],
        cases: &[
            case("GETBIT m:%k %d", QUICK),
            case("SETBIT m:%k %d 1", QUICK),
            case("BITCOUNT m:%k", 800),
            case("BITPOS m:%k 1 500000", 800),
            case("BITOP AND to m:00000000 m:00000001", 400),
            case("BITOP OR m:00000000 m:00000000 m:00000001", 400),
            case("BITOP NOT to m:%k", 400),
        ],
    },
    Group {
        name: "hyperloglogs of 10",
        sizes: SMALL,
        load: &[Step(Elements, "PFADD p:%k e:%e")],
        cases: &[
            case("PFADD p:%k e:%e", QUICK),
            case("PFCOUNT p:%k", QUICK),
            case("PFCOUNT p:%k p:%k", SLOW),
            case("PFADD p:%k e:%s", QUICK),
        ],
    },
    Group {
        name: "dense hyperloglogs",
        sizes: Sizes { keys: 50, elements: 5000 },
        load: &[Step(Elements, "PFADD p:%k e:%e")],
        cases: &[
            case("PFADD p:%k e:%e", QUICK),
            case("PFADD p:%k e:%s", QUICK),
            case("PFCOUNT p:%k p:%k", SLOW),
            case("PFMERGE to p:%k p:%k", SLOW),
        ],
    },
    Group {
        name: "geo, 100000 places",
        sizes: Sizes { keys: 1, elements: 100_000 },
        load: &[Step(Elements, "GEOADD g %x %y e:%e")],
        cases: &[
            case("GEOADD g %x %y e:%e", QUICK),
            case("GEOPOS g e:%e", QUICK),
            case("GEODIST g e:%e e:%e", QUICK),
            case("GEOSEARCH g FROMLONLAT %x %y BYRADIUS 100 km", MIDDLE),
            case("GEOSEARCH g FROMLONLAT %x %y BYRADIUS 500 km ASC COUNT 10 WITHDIST", SLOW),
            case("GEOSEARCH g FROMMEMBER e:%e BYBOX 300 300 km", MIDDLE),
        ],
    },
    Group {
        name: "small stream",
        sizes: SMALL,
        load: &[Step(Elements, "XADD x:%k * f v:%v")],
        cases: &[
            case("XADD x:%k * f v:%v", QUICK),
            case("XRANGE x:%k - + COUNT 10", MIDDLE),
            case("XLEN x:%k", QUICK),
            case("XREAD COUNT 10 STREAMS x:%k 0", MIDDLE),
            case("XADD new:%s * f v:%v", QUICK),
        ],
    },
    Group {
        name: "large stream",
        sizes: LARGE,
        load: &[Step(Elements, "XADD x * f v:%v")],
        cases: &[
            case("XADD x * f v:%v", QUICK),
            case("XADD x MAXLEN ~ 1000000 * f v:%v", QUICK),
            case("XRANGE x - + COUNT 100", SLOW),
            case("XREVRANGE x + - COUNT 10", MIDDLE),
            case("XREAD COUNT 10 STREAMS x 0", MIDDLE),
            Case {
                command: "XREADGROUP GROUP g c COUNT 1 STREAMS fed >",
                requests: QUICK,
                before: &[
                    Step(Once, "DEL fed"),
                    Step(Once, "XGROUP CREATE fed g 0 MKSTREAM"),
                    Step(Requests(1), "XADD fed * f v:%v"),
                ],
            },
            Case {
                command: "XREADGROUP GROUP g c COUNT 10 STREAMS fed >",
                requests: 16_000,
                before: &[
                    Step(Once, "DEL fed"),
                    Step(Once, "XGROUP CREATE fed g 0 MKSTREAM"),
                    Step(Requests(10), "XADD fed * f v:%v"),
                ],
            },
            Case {
                command: "XACK fed g 1-%s",
                requests: QUICK,
                before: &[
                    Step(Once, "DEL fed"),
                    Step(Once, "XGROUP CREATE fed g 0 MKSTREAM"),
                    Step(Requests(1), "XADD fed 1-%s f v:%v"),
                    Step(Once, "XREADGROUP GROUP g c STREAMS fed >"),
                ],
            },
        ],
    },
];

/// What memory is measured of: bytes per element, small (100000 keys of 10) and large (one key of 1M).
pub struct Shape {
    pub name: &'static str,
    pub load: &'static str,
}

/// Ten bytes an element, ten bytes a value.
pub const SHAPES: &[Shape] = &[
    Shape { name: "hash", load: "HSET h:%k f:%e v:%v" },
    Shape { name: "set", load: "SADD s:%k e:%e" },
    Shape { name: "set of integers", load: "SADD s:%k 1%e" },
    Shape { name: "zset", load: "ZADD z:%k %d e:%e" },
    Shape { name: "list", load: "RPUSH l:%k e:%e" },
    Shape { name: "stream", load: "XADD x:%k * f v:%v" },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::Template;

    #[test]
    fn every_pattern_is_one() {
        for group in GROUPS {
            let cases = group
                .cases
                .iter()
                .flat_map(|case| case.before.iter().map(|step| step.1).chain([case.command]));
            for text in cases.chain(group.load.iter().map(|step| step.1)) {
                assert!(Template::new(text, group.sizes).is_some(), "{text}");
            }
        }
        assert!(SHAPES.iter().all(|shape| Template::new(shape.load, LARGE).is_some()));
    }
}
