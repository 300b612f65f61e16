//! Kinds of arguments, by the names that patterns call them: right, at a limit, or wrong.

use super::scripts;
use base::crc64::crc64;
use base::rng::Rng;

pub fn pick<'a>(rng: &mut Rng, all: &[&'a str]) -> &'a str {
    all[rng.below(all.len() as u64) as usize]
}

fn number(rng: &mut Rng, from: i64, to: i64) -> Vec<u8> {
    (from + rng.below((to - from) as u64) as i64).to_string().into_bytes()
}

const NO_INTEGERS: &[&str] = &[
    "",
    "abc",
    "1.5",
    "1e3",
    " 1",
    "1 ",
    "+1",
    "007",
    "0x10",
    "--1",
    "-0",
    "99999999999999999999999",
    "\u{0}1",
];
const INTEGERS: &[&str] = &[
    "0",
    "-1",
    "1",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775806",
    "9223372036854775808",
    "-9223372036854775809",
    "18446744073709551615",
    "4294967296",
    "2147483648",
    "-2147483649",
];
const FLOATS: &[&str] = &[
    "0.1",
    "-0.5",
    "1",
    "3.0e3",
    "1e-10",
    "5e-324",
    "1e300",
    "-1e300",
    "1e5000",
    "nan",
    "inf",
    "-inf",
    "Infinity",
    "abc",
    "",
    " 1",
    "1 ",
    "0x1p3",
    ".5",
    "5.",
    "1e",
    "123456789.123456789",
    "17179869184",
    "0.30000000000000004",
    "-0",
];
/// Scores that 7.0 prints as 7.2 does: their shortest digits are exact.
const SCORES: &[&str] = &[
    "0.5", "-0.25", "1.75", "inf", "-inf", "+inf", "Infinity", "nan", "abc", "", " 1", "1 ", "0x1p3", ".5",
    "5.", "1e", "1e3", "1e5000", "-0",
];
/// An expiry far away must not come out the same by chance of the clock, so relative times have a wide range; the
/// ones below are refused, or past.
const NO_TIMES: &[&str] = &[
    "0",
    "-1",
    "-1000",
    "abc",
    "",
    "1.5",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775",
    "99999999999999999999",
];
const SETTINGS: &[&str] = &[
    "maxclients",
    "timeout",
    "databases",
    "save",
    "port-nonsense",
    "appendonly",
    "maxmemory",
    "maxmemory-policy",
    "repl-backlog-size",
    "repl-backlog-ttl",
    "min-replicas-to-write",
    "min-replicas-*",
    "slave-read-only",
    "repl-timeout",
    "hz",
    "proto-max-bulk-len",
    "tcp-keepalive",
    "slowlog-*",
    "lazyfree-*",
    "*read-only",
    "stop-writes-on-bgsave-error",
    "rdbcompression",
    "requirepass",
    "masterauth",
    "lfu-*",
    "MAXCLIENTS",
    "list-max-listpack-size",
    "maxmemory-samples",
    "client-output-buffer-limit",
    "notify-keyspace-events",
    "loglevel",
    "always-show-logo",
    "replica-priority",
    "",
];
const COMMANDS: &[&str] = &[
    "get",
    "set",
    "setnx",
    "setex",
    "psetex",
    "getset",
    "getdel",
    "getex",
    "append",
    "strlen",
    "setrange",
    "getrange",
    "substr",
    "incr",
    "decr",
    "incrby",
    "decrby",
    "incrbyfloat",
    "mget",
    "mset",
    "msetnx",
    "lcs",
    "setbit",
    "getbit",
    "bitcount",
    "bitpos",
    "bitop",
    "sadd",
    "srem",
    "smove",
    "sismember",
    "smismember",
    "smembers",
    "scard",
    "spop",
    "srandmember",
    "sinter",
    "sinterstore",
    "sintercard",
    "sunion",
    "sunionstore",
    "sdiff",
    "sdiffstore",
    "sscan",
    "del",
    "unlink",
    "exists",
    "expire",
    "pexpire",
    "expireat",
    "pexpireat",
    "ttl",
    "pttl",
    "expiretime",
    "pexpiretime",
    "persist",
    "type",
    "keys",
    "scan",
    "randomkey",
    "rename",
    "renamenx",
    "copy",
    "move",
    "touch",
    "hset",
    "hmset",
    "hsetnx",
    "hget",
    "hmget",
    "hgetall",
    "hkeys",
    "hvals",
    "hlen",
    "hexists",
    "hdel",
    "hstrlen",
    "hincrby",
    "hincrbyfloat",
    "hrandfield",
    "hscan",
    "lpush",
    "rpush",
    "lpushx",
    "rpushx",
    "lpop",
    "rpop",
    "lmpop",
    "llen",
    "lrange",
    "lindex",
    "lpos",
    "lset",
    "linsert",
    "lrem",
    "ltrim",
    "lmove",
    "rpoplpush",
    "sort",
    "sort_ro",
    "zunionstore",
    "zinter",
    "zmpop",
    "xadd",
    "xtrim",
    "xread",
    "xreadgroup",
    "xautoclaim",
    "xgroup|create",
    "xinfo|consumers",
    "dbsize",
    "flushdb",
    "flushall",
    "swapdb",
    "select",
    "multi",
    "exec",
    "discard",
    "watch",
    "unwatch",
    "ping",
    "echo",
    "auth",
    "hello",
    "quit",
    "reset",
    "info",
    "debug",
    "save",
    "bgsave",
    "lastsave",
    "role",
    "time",
    "shutdown",
    "slaveof",
    "replicaof",
    "replconf",
    "psync",
    "sync",
    "nosuch",
    "",
    "client|getname",
    "config|get",
    "object|encoding",
    "GET",
    "get|x",
];
/// Of two words at least: before 7.2 a single one is refused, which would end a MULTI on one side only.
const REQUESTS: &[&str] = &[
    "get a",
    "set a b",
    "set a b get",
    "set a b ex 10",
    "mset a 1 b 2",
    "mset a 1 b",
    "msetnx a 1",
    "mget a b c",
    "del a b",
    "rename a b",
    "copy a b",
    "lcs a b",
    "object encoding a",
    "sadd a b",
    "smove a b c",
    "sinterstore a b c",
    "sintercard 2 a b",
    "sintercard 2 a",
    "sscan a 0",
    "object help",
    "getex a",
    "nosuch a",
    "ping x",
    "multi x",
    "flushall async",
    "exists a a",
    "watch a b",
    "move a 1",
    "scan 0",
    "config get a",
    "restore a 0 x",
    "touch a",
    "hset a b c",
    "hmset a b c",
    "hget a b",
    "hdel a b c",
    "hscan a 0",
    "lpush a b",
    "lpop a 2",
    "lpos a b",
    "lmove a b left right",
    "rpoplpush a b",
    "sort a by b get c store d",
    "sort a by b* limit 0 1",
    "sort_ro a by b get c store d",
    "zunionstore a 2 b c",
    "zunionstore a 3 b c",
    "zinter 1 b",
    "zmpop 0 a min",
    "lmpop 2 a b left",
    "lmpop 3 a b left",
    "lmpop x a left",
    "setrange a 0 x",
    "xadd a * b c",
    "xread count 1 streams a b 0 0",
    "xreadgroup group g c streams a >",
    "xgroup create a g $",
    "client getname",
];

/// An argument of a kind (or several), added to `out`.
pub fn argument(rng: &mut Rng, kind: &str, out: &mut Vec<Vec<u8>>) {
    let text = |rng: &mut Rng, all: &[&str]| pick(rng, all).as_bytes().to_vec();
    let one = match kind {
        "key" => key(rng),
        "set-key" if rng.one_in(30) => key(rng),
        "set-key" => number_after(rng, "s", 6),
        "hash-key" if rng.one_in(30) => key(rng),
        "hash-key" => number_after(rng, "h", 5),
        "field" => field(rng),
        "text-key" => number_after(rng, "t", 3),
        "list-key" if rng.one_in(12) => key(rng),
        "list-key" => number_after(rng, "l", 4),
        "element" if rng.one_in(4) => value(rng),
        "element" => number_after(rng, "e", 6),
        "zset-key" => number_after(rng, "z", 4),
        "stream-key" if rng.one_in(25) => key(rng),
        "stream-key" => number_after(rng, "st", 3),
        "new-id" | "entry-id" | "last-id" | "id-bound" => stream_id(rng, kind),
        "group" => number_after(rng, "g", 2),
        "consumer" => number_after(rng, "c", 3),
        "block-entries" => text(rng, &["0", "1", "3", "10", "100"]),
        "geo-key" => number_after(rng, "g", 2),
        "sorted-zset-key" => number_after(rng, "y", 3),
        "number-key" => number_after(rng, "n", 3),
        "number-set-key" => number_after(rng, "i", 3),
        // Of different texts: equal ones would come in the order of a hash table.
        "number" if rng.one_in(200) => b"x".to_vec(),
        "plain-member" => number_after(rng, "m", 60),
        "real-key" => number_after(rng, "r", 2),
        "number" => number(rng, -9, 10),
        "weight-hash-key" => format!("h{}", number_text(rng, -9, 10)).into_bytes(),
        "weight-key" => format!("w{}", number_text(rng, -9, 10)).into_bytes(),
        "int-weight-key" => format!("v{}", number_text(rng, -9, 10)).into_bytes(),
        "longitude" => {
            text(rng, &["13.361389", "15.087269", "-180", "180", "0", "-0.1", "181", "x", "120.5"])
        }
        "latitude" => {
            text(rng, &["38.115556", "37.502669", "85", "-85.05112878", "0", "86", "nan", "-33.25"])
        }
        "placed" => return placed(rng, out),
        "far-key" => number_after(rng, "f", 2),
        "distance-key" => number_after(rng, "d", 2),
        "unit" if rng.one_in(20) => text(rng, &["yd", "", "kms"]),
        "unit" => text(rng, &["m", "km", "km", "km", "ft", "mi", "KM"]),
        "radius" if rng.one_in(15) => text(rng, &["-1", "x", "nan", "inf", "", "1e400"]),
        "radius" => text(
            rng,
            &["0", "0.5", "1", "100", "150.25", "700", "1000", "3000", "6000", "12000", "21000", "1e7"],
        ),
        "hll-key" if rng.one_in(20) => key(rng),
        "hll-key" => number_after(rng, "p", 4),
        "corrupt-hll-key" => number_after(rng, "q", 2),
        "hll-element" => number_after(rng, "e", 3000),
        "hll" => hyperloglog(rng, &[b"\x7f\xff", b"\x4f\xff\x6f\xff", b"\x7f\xf0\x80\x0d", b"\xff\x7f\xfb"]),
        "corrupt-hll" => hyperloglog(rng, &[b"\x60\x00", b"\x7f\xff\x00", b"", b"\x80\x80\x80"]),
        "bit-key" if rng.one_in(20) => key(rng),
        "bit-key" => number_after(rng, "b", 3),
        "integer-type" if rng.one_in(20) => text(rng, &["u64", "i65", "u0", "i0", "U8", "8", "", "u08"]),
        "integer-type" if rng.one_in(3) => text(rng, &["u1", "i1", "u8", "i8", "i64", "u63", "i32"]),
        "integer-type" if rng.one_in(2) => format!("u{}", 1 + rng.below(63)).into_bytes(),
        "integer-type" => format!("i{}", 1 + rng.below(64)).into_bytes(),
        "place-of-bits" if rng.one_in(20) => {
            text(rng, &["-1", "4294967296", "#536870912", "#x", "#-1", "#", "x", "#9223372036854775807"])
        }
        "place-of-bits" if rng.one_in(3) => format!("#{}", rng.below(20)).into_bytes(),
        "place-of-bits" => number(rng, 0, 1200),
        "lex-key" => number_after(rng, "x", 2),
        "member" => member(rng),
        "score" if rng.one_in(6) => text(rng, SCORES),
        "score" => number(rng, -20, 20),
        "bound" if rng.one_in(5) => {
            text(rng, &["-inf", "+inf", "(inf", "(-inf", "(1.5", "x", "", "(", " 1", "nan", "1e999"])
        }
        "bound" if rng.one_in(3) => format!("({}", number_text(rng, -20, 20)).into_bytes(),
        "bound" => number(rng, -20, 20),
        "lex" if rng.one_in(3) => text(rng, &["-", "+", "[", "(", "", "a", "+x", "-x"]),
        "lex" => [pick(rng, &["[", "("]).as_bytes(), &member(rng)].concat(),
        "limit" if rng.one_in(12) => text(rng, INTEGERS),
        "limit" => number(rng, -1, 6),
        "value" => value(rng),
        "text" => (0..rng.below(40)).map(|_| b'a' + rng.below(4) as u8).collect(),
        "int" if rng.one_in(4) => text(rng, INTEGERS),
        "int" if rng.one_in(12) => text(rng, NO_INTEGERS),
        "int" => number(rng, -20, 100),
        "float" if rng.one_in(2) => text(rng, FLOATS),
        "float" => {
            format!("{}{}", number_text(rng, -1000, 1000), pick(rng, &["", ".5", ".25", ".1", "e2", "e-3"]))
                .into_bytes()
        }
        "seconds" | "millis" | "ttl" if rng.one_in(8) => text(rng, NO_TIMES),
        "ttl" if rng.one_in(2) => b"0".to_vec(),
        "seconds" => number(rng, 10_000, 100_000_000),
        "millis" | "ttl" => number(rng, 10_000_000, 1_000_000_000_000),
        "at" | "at-millis" if rng.one_in(6) => text(rng, NO_TIMES),
        "at" | "at-millis" if rng.one_in(4) => number(rng, 1, 1_000_000_000),
        "at" | "at-later" => number(rng, 4_200_000_000, 5_000_000_000),
        "at-millis" | "at-millis-later" => number(rng, 4_200_000_000_000, 5_000_000_000_000),
        // Between these offsets a server would begin to fill half a gigabyte.
        "offset" if rng.one_in(6) => {
            text(rng, &["-1", "536870912", "9223372036854775807", "abc", "", "536870911x"])
        }
        "offset" => number(rng, 0, 200),
        // Between these bits too.
        "bit" if rng.one_in(8) => text(rng, &["-1", "4294967296", "9223372036854775807", "abc", "", "1x"]),
        "bit" => number(rng, 0, 1200),
        "index" if rng.one_in(6) => text(rng, INTEGERS),
        "index" if rng.one_in(20) => text(rng, NO_INTEGERS),
        "index" => number(rng, -60, 60),
        "db" if rng.one_in(10) => {
            text(rng, &["15", "16", "-1", "abc", "", "4294967296", "99999999999999999999"])
        }
        "db" => number(rng, 0, 3),
        "glob" => glob(rng),
        "cursor" => text(
            rng,
            &["0", "0", "0", "5", "17", "abc", "-1", "18446744073709551615", "18446744073709551616", ""],
        ),
        "count" if rng.one_in(8) => text(rng, NO_INTEGERS),
        "count" => number(rng, -1, 20),
        "type" => text(rng, &["string", "list", "hash", "STRING", "nosuch", ""]),
        "name" => text(rng, &["alice", "bob", "with space", "", "line\nend", "x", "\u{e4}"]),
        "client-type" => text(rng, &["replica", "slave", "master", "pubsub", "nonsense"]),
        "big-id" => text(rng, &["999999999999", "0", "-1", "abc", "18446744073709551615"]),
        "setting" => text(rng, SETTINGS),
        "command" => text(rng, COMMANDS),
        "request" => return out.extend(pick(rng, REQUESTS).split(' ').map(|word| word.as_bytes().to_vec())),
        "dump" => dump(rng),
        "any" => any(rng),
        // Whose reply is neither prose nor in an order of its own.
        "call" => loop {
            let request = pick(rng, REQUESTS);
            if !["scan", "sscan", "xadd"].iter().any(|start| request.starts_with(start))
                && !request.starts_with("object")
            {
                return out.extend(request.split(' ').map(|word| word.as_bytes().to_vec()));
            }
        },
        "script" => scripts::script(rng),
        "calling" => scripts::calling(rng),
        "library" => scripts::library(rng),
        "library-dump" => library_dump(rng),
        "library-name" => text(rng, &["lib1", "lib2", "lib3", "lib*", "nosuch", ""]),
        "function" => text(rng, &["f1", "f2", "f3", "F1", "nosuch"]),
        // Of scripts that `calling` gives, and of none.
        "sha" => {
            let body = if rng.one_in(5) { b"nosuch".to_vec() } else { scripts::calling(rng) };
            scripting::Sha::of(&body).as_str().as_bytes().to_vec()
        }
        other => panic!("no arguments are of the kind {other}"),
    };
    out.push(one);
}

/// A HyperLogLog as clients may write it, with a count that is kept or out of date.
fn hyperloglog(rng: &mut Rng, registers: &[&[u8]]) -> Vec<u8> {
    let registers = registers[rng.below(registers.len() as u64) as usize];
    let count: &[u8] = if rng.one_in(2) { b"\x07\0\0\0\0\0\0\0" } else { b"\0\0\0\0\0\0\0\x80" };
    let head: &[u8] = match rng.below(20) {
        0 => b"HYLL\0\0\0\0",
        1 => b"HYLL\x02\0\0\0",
        2 => b"HYLX\x01\0\0\0",
        _ => b"HYLL\x01\0\0\0",
    };
    [head, count, registers].concat()
}

/// Longitude, latitude and member: each member has a place of its own.
fn placed(rng: &mut Rng, out: &mut Vec<Vec<u8>>) {
    let n = rng.below(400);
    let (longitude, latitude) = ((n * 97 % 400) as f64 * 0.89 - 178.0, (n * 61 % 400) as f64 * 0.41 - 82.0);
    out.extend([longitude.to_string(), latitude.to_string(), format!("m{n}")].map(String::into_bytes));
}

fn number_text(rng: &mut Rng, from: i64, to: i64) -> String {
    String::from_utf8(number(rng, from, to)).expect("digits are text")
}

/// Ids of few enough entries that they meet; the last millisecond takes as many as there are.
fn stream_id(rng: &mut Rng, kind: &str) -> Vec<u8> {
    const LAST_MS: i64 = 60;
    const WRONG: &[&str] = &[
        "",
        "abc",
        "1-",
        "-1",
        "1-2-3",
        "5-x",
        "1-*x",
        "99999999999999999999",
        " 1-1",
        "007-01",
        "1\u{0}-1",
    ];
    let within = |rng: &mut Rng| (1 + rng.below(LAST_MS as u64 - 1), rng.below(4));
    let (ms, seq) = within(rng);
    let text = match kind {
        _ if rng.one_in(40) => pick(rng, WRONG).to_string(),
        "new-id" => match rng.below(6) {
            0..=2 => format!("{LAST_MS}-*"),
            3 => format!("{ms}-*"),
            4 => format!("{ms}-{seq}"),
            _ => pick(rng, &["0-0", "0-1", "-", "+", "3", "0-*", "60-1"]).to_string(),
        },
        // Behind all that can have been deleted: 7.0.15 lets a stream go back there, 7.2 does not.
        "last-id" => format!("{LAST_MS}-{}", 5000 + rng.below(1000)),
        "id-bound" if rng.one_in(4) => {
            pick(rng, &["-", "+", "(", "(0-0", "(18446744073709551615-18446744073709551615", "(-"])
                .to_string()
        }
        "id-bound" if rng.one_in(4) => format!("({ms}-{seq}"),
        _ if rng.one_in(25) => {
            pick(rng, &["0", "+", "-", "18446744073709551615-18446744073709551615", "0-0", "$", ">"])
                .to_string()
        }
        _ if rng.one_in(3) => format!("{LAST_MS}-{}", rng.below(40)),
        _ if rng.one_in(4) => ms.to_string(),
        _ => format!("{ms}-{seq}"),
    };
    text.into_bytes()
}

fn number_after(rng: &mut Rng, letter: &str, count: u64) -> Vec<u8> {
    format!("{letter}{}", rng.below(count)).into_bytes()
}

fn key(rng: &mut Rng) -> Vec<u8> {
    match rng.below(60) {
        0 => Vec::new(),
        1 => b"\x00\xff\r\n\"' k".to_vec(),
        2 => vec![b'L'; 300],
        3 => any(rng),
        4..=6 => number_after(rng, "l", 4),
        _ => number_after(rng, "k", 9),
    }
}

/// Of few enough that they meet; sometimes too long for a listpack.
fn member(rng: &mut Rng) -> Vec<u8> {
    match rng.below(100) {
        0 => vec![b'm'; 65],
        1 => Vec::new(),
        2..=9 => number(rng, -3, 12),
        10 => value(rng),
        _ => number_after(rng, "m", 60),
    }
}

/// Of few enough that they meet, and of enough for tables; sometimes too long for a listpack.
fn field(rng: &mut Rng) -> Vec<u8> {
    match rng.below(200) {
        0 => vec![b'f'; 65],
        1 => vec![b'f'; 64],
        2 => Vec::new(),
        3..=20 => number(rng, -3, 12),
        21 => value(rng),
        22..=60 => number_after(rng, "f", 2000),
        _ => number_after(rng, "f", 20),
    }
}

fn value(rng: &mut Rng) -> Vec<u8> {
    match rng.below(16) {
        0 => pick(rng, INTEGERS).as_bytes().to_vec(),
        1 => pick(rng, NO_INTEGERS).as_bytes().to_vec(),
        2 => pick(rng, FLOATS).as_bytes().to_vec(),
        3..=6 => number(rng, -100, 20_000),
        7 => Vec::new(),
        // Around the length where an embedded string ends, and where compression begins.
        8 => vec![b'e'; 18 + rng.below(30) as usize],
        9 => any(rng),
        10 if rng.one_in(10) => (0..2000 + rng.below(2000)).map(|n| (n % 97) as u8).collect(),
        10 if rng.one_in(40) => vec![b'h'; 40_000],
        _ => format!("value-{}", rng.below(1000)).into_bytes(),
    }
}

fn glob(rng: &mut Rng) -> Vec<u8> {
    let all = [
        "*", "k*", "k?", "k[0-4]", "[^k]*", "t?", "k[", "\\k1", "", "[a-z]*", "*1", "k1", "[z-a]*", "**",
        "?", "k[^1-3]", "*[", "\\", "*\\", "k[\\]1]",
    ];
    match rng.below(10) {
        0 => any(rng),
        _ => pick(rng, &all).as_bytes().to_vec(),
    }
}

fn any(rng: &mut Rng) -> Vec<u8> {
    let len = if rng.one_in(20) { 100 + rng.below(200) } else { rng.below(12) };
    (0..len).map(|_| rng.below(256) as u8).collect()
}

/// What DUMP gives for a string, and what it never gives.
/// A library as FUNCTION DUMP gives it; short enough for a length of 14 bits.
fn library_dump(rng: &mut Rng) -> Vec<u8> {
    let code = scripts::library(rng);
    assert!(code.len() < 1 << 14);
    let len = (code.len() as u16 | 1 << 14).to_be_bytes();
    with_footer([&[245], &len[..], &code].concat(), 10, 0)
}

/// A payload with its version and its checksum, right if nothing is to be mixed into it.
fn with_footer(mut payload: Vec<u8>, version: u16, mixed_in: u64) -> Vec<u8> {
    payload.extend_from_slice(&version.to_le_bytes());
    let crc = crc64(&payload) ^ mixed_in;
    payload.extend_from_slice(&crc.to_le_bytes());
    payload
}

fn dump(rng: &mut Rng) -> Vec<u8> {
    let body: &[u8] = match rng.below(8) {
        0 => &[0, 0xc0, 7],
        1 => &[0, 0xc1, 0x39, 0x30],
        2 => &[0, 0xc2, 1, 2, 3, 4],
        3 => &[0, 0],
        4 => b"\x00\x40\x05short",
        // Longer than it is, of no type, empty.
        5 => b"\x00\x20abc",
        6 => &[200, 1, b'x'],
        _ => b"\x00\x05hello",
    };
    let version: u16 = if rng.one_in(8) { 99 } else { 10 - rng.below(2) as u16 };
    let mut out = with_footer(body.to_vec(), version, u64::from(rng.one_in(8)));
    if rng.one_in(12) {
        out.truncate(rng.below(out.len() as u64) as usize);
    }
    out
}
