//! Scripts at random: values that come back as replies, what the libraries make of them, calls, and mistakes.
//!
//! No script here fails with a table that has no `err`: 7.0.15 falls over it. Fractions are sums of halves, whose digits
//! 7.0 and 7.2 print alike.

use super::arguments::pick;
use base::rng::Rng;

/// The text of a script.
pub fn script(rng: &mut Rng) -> Vec<u8> {
    let text = match rng.below(24) {
        0..=2 => format!("return {}", value(rng, 3)),
        3 => format!("redis.setresp(3) return {}", value(rng, 3)),
        4 => format!("return cjson.encode({})", value(rng, 3)),
        5 => format!("return cjson.encode(cjson.decode('{}'))", lua_text(&json(rng, 3))),
        6 => format!("{DESCRIBE} return describe(cjson.decode('{}'), 0)", lua_text(&broken(rng, 3))),
        7 => format!("return cmsgpack.pack({})", list(rng, 2)),
        8 => format!("{DESCRIBE} return describe({{cmsgpack.unpack(cmsgpack.pack({}))}}, 0)", list(rng, 3)),
        9 => {
            let bytes: Vec<u8> = (0..rng.below(12)).map(|_| rng.below(256) as u8).collect();
            let how = pick(
                rng,
                &[
                    "unpack(b)",
                    "unpack_one(b)",
                    "unpack_one(b,1)",
                    "unpack_limit(b,2)",
                    "unpack_limit(b,1,2)",
                ],
            );
            format!("{DESCRIBE} local b='{}' return describe({{cmsgpack.{how}}}, 0)", lua_bytes(&bytes))
        }
        10 => format!("return struct.pack('{}',{})", format(rng), numbers(rng)),
        11 => {
            let bytes: Vec<u8> = (0..rng.below(24)).map(|_| rng.below(256) as u8).collect();
            format!(
                "{DESCRIBE} return describe({{struct.unpack('{}','{}')}}, 0)",
                format(rng),
                lua_bytes(&bytes)
            )
        }
        12 => format!("return struct.size('{}')", format(rng)),
        13 | 14 => {
            let name = pick(
                rng,
                &[
                    "tobit", "bnot", "band", "bor", "bxor", "lshift", "rshift", "arshift", "rol", "ror",
                    "bswap", "tohex",
                ],
            );
            format!("return tostring(bit.{name}({}))", numbers(rng))
        }
        15 => format!("return redis.{}({})", pick(rng, REDIS), value(rng, 1)),
        16 => format!("local ok, e = pcall(function() {} end) return {{ok, e}}", mistake(rng)),
        17 => format!("\n{}", mistake(rng)),
        18 => format!("{}\nreturn 1", pick(rng, SHEBANGS)),
        19 => {
            format!("{DESCRIBE} return describe(redis.{}({}), 0)", pick(rng, &["call", "pcall"]), call(rng))
        }
        20 => format!("{DESCRIBE} redis.setresp(3) return describe(redis.pcall({}), 0)", call(rng)),
        21 => format!(
            "local a = redis.pcall({}) local b = redis.pcall({}) return {{a, b}}",
            call(rng),
            call(rng)
        ),
        22 => format!("math.randomseed({}) return {{math.random(100), math.random(3, 9)}}", rng.below(1000)),
        _ => format!("return redis.call({})", call(rng)),
    };
    text.into_bytes()
}

/// A script that calls what its arguments say.
pub fn calling(rng: &mut Rng) -> Vec<u8> {
    let text = pick(
        rng,
        &[
            "return redis.call(unpack(ARGV))",
            "return redis.pcall(unpack(ARGV))",
            "redis.setresp(3) return redis.call(unpack(ARGV))",
            "redis.pcall(unpack(ARGV)) return redis.pcall(unpack(ARGV))",
            "redis.call('select', 1) return redis.pcall(unpack(ARGV))",
            "#!lua flags=no-writes\nreturn redis.call(unpack(ARGV))",
            "#!lua\nreturn redis.call(unpack(ARGV))",
        ],
    );
    text.as_bytes().to_vec()
}

/// A library, of few names.
pub fn library(rng: &mut Rng) -> Vec<u8> {
    let name = pick(rng, &["lib1", "lib2", "lib3"]);
    let function = pick(rng, &["f1", "f2", "f3"]);
    let flags = pick(rng, &["", "'no-writes'", "'allow-stale','no-writes'", "'allow-oom'", "'nonsense'"]);
    let body = pick(
        rng,
        &[
            "return {keys, args}",
            "return redis.call(unpack(args))",
            "return redis.pcall('get', keys[1])",
            "x = 1",
            "error('no')",
        ],
    );
    let text = match rng.below(8) {
        0 => pick(rng, BAD_LIBRARIES).to_string(),
        1 => format!(
            "#!lua name={name}\nredis.register_function('{function}', function(keys, args) {body} end)\nredis.register_function('{function}', function() end)"
        ),
        2 | 3 => format!(
            "#!lua name={name}\nredis.register_function('{function}', function(keys, args) {body} end)"
        ),
        _ => format!(
            "#!lua name={name}\nredis.register_function{{function_name='{function}', callback=function(keys, args) {body} end, flags={{{flags}}}}}"
        ),
    };
    text.into_bytes()
}

const BAD_LIBRARIES: &[&str] = &[
    "",
    "return 1",
    "#!lua",
    "#!lua name=lib1",
    "#!lua\nreturn 1",
    "#!lua name=\nreturn 1",
    "#!lua name=a-b\nreturn 1",
    "#!lua name=a name=b\nreturn 1",
    "#!lua name=lib1 foo=bar\nreturn 1",
    "#!js name=lib1\nreturn 1",
    "#!lua name=lib1\nreturn 1",
    "#!lua name=lib1\nx y",
    "#!lua name=lib1\nx = 1",
    "#!lua name=lib1\nlocal x = y",
    "#!lua name=lib1\nredis.call('get', 'x')",
    "#!lua name=lib1\nredis.register_function()",
    "#!lua name=lib1\nredis.register_function(1)",
    "#!lua name=lib1\nredis.register_function('f', 1)",
    "#!lua name=lib1\nredis.register_function('a b', function() end)",
    "#!lua name=lib1\nredis.register_function{foo=1}",
    "#!lua name=lib1\nredis.register_function{function_name='f'}",
    "#!lua name=lib1\nredis.register_function{function_name='f', callback=1}",
];

const REDIS: &[&str] = &[
    "call",
    "pcall",
    "error_reply",
    "status_reply",
    "sha1hex",
    "setresp",
    "set_repl",
    "acl_check_cmd",
    "log",
    "replicate_commands",
];

const SHEBANGS: &[&str] = &[
    "#!lua",
    "#!lua flags=no-writes",
    "#!lua flags=allow-stale,allow-oom",
    "#!lua flags=",
    "#!lua flags=no-writes,,no-cluster",
    "#!lua flags=nonsense",
    "#!lua name=x",
    "#!luax",
    "#!",
    "#! lua",
    "#!lua 'flags=no-writes'",
];

/// Type and value of everything, keys in order.
const DESCRIBE: &str = "local function describe(v, d) \
    if type(v) ~= 'table' then return type(v) .. ':' .. tostring(v) end \
    if 40 < d then return 'deep' end \
    local t = {} \
    for k, w in pairs(v) do t[#t + 1] = describe(k, d + 1) .. '=' .. describe(w, d + 1) end \
    table.sort(t) return '{' .. table.concat(t, ',') .. '}' end";

fn number(rng: &mut Rng) -> String {
    match rng.below(12) {
        0 => pick(
            rng,
            &[
                "0",
                "-1",
                "1e15",
                "-1e15",
                "4294967296",
                "2147483647",
                "-2147483648",
                "9007199254740993",
                "-0.5",
            ],
        )
        .to_string(),
        1 => format!("{}.5", rng.below(1000)),
        2 => format!("-{}.25", rng.below(100_000)),
        3..=6 => format!("{}", rng.below(70_000)),
        _ => format!("{}", rng.below(300) as i64 - 150),
    }
}

fn numbers(rng: &mut Rng) -> String {
    let all: Vec<_> =
        (0..1 + rng.below(4)).map(|_| if rng.one_in(12) { value(rng, 1) } else { number(rng) }).collect();
    all.join(",")
}

fn text(rng: &mut Rng) -> String {
    let all = [
        "",
        "a",
        "hello world",
        "10",
        "0x10",
        "/",
        "\\\\",
        "\\\"",
        "\\n",
        "\\r\\n",
        "\\0",
        "\\127",
        "\\200\\255",
        "k1",
        "\\195\\164",
        "\\31\\t",
    ];
    format!("'{}'", pick(rng, &all))
}

fn value(rng: &mut Rng, depth: u64) -> String {
    match rng.below(if depth == 0 { 9 } else { 16 }) {
        0..=3 => number(rng),
        4 | 5 => text(rng),
        6 => pick(rng, &["true", "false"]).to_string(),
        7 => pick(rng, &["nil", "cjson.null", "function() end", "1/0", "-1/0", "{}"]).to_string(),
        8 => "'x'".into(),
        9..=12 => format!("{{{}}}", list(rng, depth - 1)),
        13 => {
            let name = pick(rng, &["ok", "err", "double", "big_number", "map", "set", "verbatim_string"]);
            format!("{{{name}={}}}", value(rng, depth - 1))
        }
        14 => format!("{{verbatim_string={{format='txt',string={}}}}}", text(rng)),
        _ => {
            let keys = ["a", "b", "c", "k1", "[1]", "[2]", "[5]", "[20]", "[1.5]", "['x y']"];
            let all: Vec<_> = (0..rng.below(3))
                .map(|_| format!("{}={}", pick(rng, &keys), value(rng, depth - 1)))
                .collect();
            format!("{{{}}}", all.join(","))
        }
    }
}

fn list(rng: &mut Rng, depth: u64) -> String {
    let all: Vec<_> = (0..1 + rng.below(4)).map(|_| value(rng, depth)).collect();
    all.join(",")
}

fn json(rng: &mut Rng, depth: u64) -> String {
    match rng.below(if depth == 0 { 6 } else { 10 }) {
        0..=1 => number(rng),
        2 => pick(rng, &["true", "false", "null", "1e5", "-0", "0.1e1", "12E+2"]).to_string(),
        3 => {
            pick(rng, &[r#""""#, r#""a\nb""#, r#""\u00e4\ud83d\ude00""#, r#""\/\\\"\b\f\r\t""#, "\"\u{e4}\""])
                .to_string()
        }
        4 | 5 => "\"text\"".into(),
        6 | 7 => {
            let all: Vec<_> = (0..rng.below(4)).map(|_| json(rng, depth - 1)).collect();
            format!("[{}]", all.join(" , "))
        }
        _ => {
            let all: Vec<_> =
                (0..rng.below(3)).map(|i| format!("\"k{i}\":{}", json(rng, depth - 1))).collect();
            format!("{{{}}}", all.join(","))
        }
    }
}

/// JSON, often with something wrong in it.
fn broken(rng: &mut Rng, depth: u64) -> String {
    let mut text = json(rng, depth);
    let extra = [
        "",
        "",
        ",",
        "]",
        "}",
        ":",
        "x",
        "\"",
        "\\",
        "nan",
        "-inf",
        "0x1F",
        "01",
        "+1",
        "tru",
        "\\u12",
        "\"\\u12\"",
        "\"\\ud800\"",
        "\"\\x\"",
        "-",
        ".5",
        "5.",
        "1e",
        "{\"a\"}",
        "[1,]",
        "\u{1}",
    ];
    let at = rng.below(text.len() as u64 + 1) as usize;
    if text.is_char_boundary(at) {
        text.insert_str(at, pick(rng, &extra));
    }
    text
}

/// As the inside of a string of Lua in single quotes.
fn lua_text(text: &str) -> String {
    lua_bytes(text.as_bytes())
}

fn lua_bytes(bytes: &[u8]) -> String {
    let escape = |byte: &u8| match byte {
        b' '..=b'~' if !matches!(byte, b'\'' | b'\\') => (*byte as char).to_string(),
        _ => format!("\\{byte:03}"),
    };
    bytes.iter().map(escape).collect()
}

fn format(rng: &mut Rng) -> String {
    let all = [
        ">",
        "<",
        "!",
        "!4",
        "!3",
        " ",
        "b",
        "B",
        "h",
        "H",
        "l",
        "L",
        "T",
        "f",
        "d",
        "i",
        "I",
        "i3",
        "I8",
        "i16",
        "i33",
        "s",
        "c",
        "c0",
        "c3",
        "x",
        "?",
        "I99999999999",
    ];
    (0..1 + rng.below(4)).map(|_| pick(rng, &all)).collect()
}

fn call(rng: &mut Rng) -> String {
    let key = format!("'k{}'", rng.below(9));
    match rng.below(16) {
        0 => format!("'set',{key},{}", number(rng)),
        1 => format!("'SET',{key},{}", text(rng)),
        2 => format!("'get',{key}"),
        3 => format!("'incrby',{key},{}", number(rng)),
        4 => format!("'mget',{key},'nokey','t1'"),
        5 => format!("'sadd','s1',{}", number(rng)),
        6 => "'scard','s0'".into(),
        7 => format!("'zadd','z1',{},'m'", rng.below(50)),
        8 => "'zrange','z1',0,-1,'withscores'".into(),
        9 => "'zscore','z1','m'".into(),
        10 => format!("'lpush','l1',{}", text(rng)),
        11 => "'lrange','l1',0,-1".into(),
        12 => format!("'del',{key}"),
        13 => pick(
            rng,
            &[
                "",
                "nil",
                "{}",
                "'nosuch'",
                "'get'",
                "'multi'",
                "'eval','return 1',0",
                "'object'",
                "'object','nope'",
                "'script','load','x'",
            ],
        )
        .into(),
        14 => format!("'expire',{key},{}", 1_000_000 + rng.below(1000)),
        _ => format!("'type',{key}"),
    }
}

fn mistake(rng: &mut Rng) -> String {
    let all = [
        "error('text')",
        "error('text', 0)",
        "error({err='CODE text'})",
        "error()",
        "x = 1",
        "return x",
        "redis.call = 1",
        "local x return x.y",
        "local x = {} return x.y.z",
        "return 1 + {}",
        "return 'a' .. nil",
        "return 1 < 'x'",
        "redis.call('nosuch')",
        "redis.call('get')",
        "redis.call('lpush', 't1', 'x')",
        "return redis.error_reply('CODE text')",
        "return redis.error_reply('text')",
        "return redis.status_reply('fine')",
        "string.rep()",
        "return ('x'):rep('y')",
        "for i, v in ipairs(nil) do end",
        "for k, v in pairs(nil) do end",
        "setmetatable(1, {})",
        "rawset(_G, 'x', 1)",
        "cjson.decode('{')",
        "cjson.encode(function() end)",
        "bit.band('x')",
        "struct.pack('i')",
        "return tonumber('z', 36)",
        "local t = setmetatable({}, {__index = function(t, k) error('no ' .. k) end}) return t.x",
        "return table.concat({1, {}, 3})",
        "return string.format('%d', 'x')",
        "redis.log(1)",
        "redis.setresp(7)",
        "local f = loadstring('return 1 +') return f()",
        "return loadstring('return ...', 'name')(5)",
        "return unpack({1, 2, 3}, 2)",
        "return select('#', 1, nil, nil)",
        "coroutine.wrap(function() error('inside') end)()",
        "return coroutine.resume(coroutine.create(function() redis.call('nosuch') end))",
        "return xpcall(function() error('in') end, function(e) return 'handled ' .. e end)",
        "local x = next({}, 'nokey')",
    ];
    pick(rng, &all).to_string()
}
