//! RDB files byte by byte, in the forms of Redis 2.4 to 7.2, as no server of today writes them.
//!
//! Nothing of the engine is used here: what is built says what the format is.

use base::crc64::crc64;

/// Numbers of types, by the name of what they hold.
pub mod kind {
    pub const STRING: u8 = 0;
    pub const LIST: u8 = 1;
    pub const SET: u8 = 2;
    pub const SORTED_SET_TEXT: u8 = 3;
    pub const HASH: u8 = 4;
    pub const SORTED_SET_BINARY: u8 = 5;
    pub const MODULE: u8 = 6;
    pub const MODULE_2: u8 = 7;
    pub const HASH_ZIPMAP: u8 = 9;
    pub const LIST_ZIPLIST: u8 = 10;
    pub const SET_INTSET: u8 = 11;
    pub const SORTED_SET_ZIPLIST: u8 = 12;
    pub const HASH_ZIPLIST: u8 = 13;
    pub const LIST_QUICKLIST: u8 = 14;
    pub const STREAM: u8 = 15;
    pub const HASH_LISTPACK: u8 = 16;
    pub const SORTED_SET_LISTPACK: u8 = 17;
    pub const LIST_QUICKLIST_2: u8 = 18;
    pub const STREAM_2: u8 = 19;
    pub const SET_LISTPACK: u8 = 20;
    pub const STREAM_3: u8 = 21;
}

/// A file of this version with these items. Checksums came with version 5.
pub fn file(version: u32, items: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = format!("REDIS{version:04}").into_bytes();
    items.iter().for_each(|item| bytes.extend_from_slice(item));
    bytes.push(0xFF);
    if 5 <= version {
        let sum = crc64(&bytes);
        bytes.extend_from_slice(&sum.to_le_bytes());
    }
    bytes
}

/// A key with a value whose type stands before it.
pub fn entry(key: &[u8], body: &[u8]) -> Vec<u8> {
    [&body[..1], &string(key), &body[1..]].concat()
}

pub fn select(db: u8) -> Vec<u8> {
    vec![0xFE, db]
}

pub fn expire_seconds(at: i32) -> Vec<u8> {
    [&[0xFD][..], &at.to_le_bytes()].concat()
}

pub fn expire_ms(at: i64) -> Vec<u8> {
    [&[0xFC][..], &at.to_le_bytes()].concat()
}

pub fn aux(key: &str, value: &str) -> Vec<u8> {
    [&[0xFA][..], &string(key.as_bytes()), &string(value.as_bytes())].concat()
}

pub fn resize(keys: u64, expires: u64) -> Vec<u8> {
    [&[0xFB][..], &length(keys), &length(expires)].concat()
}

pub fn idle(seconds: u64) -> Vec<u8> {
    [&[0xF8][..], &length(seconds)].concat()
}

pub fn frequency(count: u8) -> Vec<u8> {
    vec![0xF9, count]
}

pub fn slot_info(slot: u64, keys: u64, expires: u64) -> Vec<u8> {
    [&[0xF4][..], &length(slot), &length(keys), &length(expires)].concat()
}

pub fn function(code: &str) -> Vec<u8> {
    [&[0xF5][..], &string(code.as_bytes())].concat()
}

/// A function as release candidates of 7.0 saved it.
pub fn function_before_release(name: &str, engine: &str, code: &str) -> Vec<u8> {
    let texts = [name, engine].map(|text| string(text.as_bytes())).concat();
    [&[0xF6][..], &texts, &[0], &string(code.as_bytes())].concat()
}

/// The id of a module's type: nine characters of six bits, and the version of its format.
pub fn module_id(name: &str, version: u64) -> u64 {
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let digit = |c: u8| digits.iter().position(|&d| d == c).expect("a character of names") as u64;
    assert_eq!(name.len(), 9);
    name.bytes().fold(0, |id, c| id << 6 | digit(c)) << 10 | version
}

/// What a module saves besides keys, in every form that such data can have.
pub fn module_aux(name: &str) -> Vec<u8> {
    let when = [2, 2];
    let parts: [&[u8]; 6] = [
        &[2, 0x42, 0x10],
        &[1, 5],
        &[3, 0, 0, 0x80, 0x3F],
        &[4, 0, 0, 0, 0, 0, 0, 0xF0, 0x3F],
        &[5, 3, b'a', b'b', b'c'],
        &[0],
    ];
    [&[0xF7][..], &length(module_id(name, 3)), &when, &parts.concat()].concat()
}

pub fn module_value(name: &str) -> Vec<u8> {
    [&[kind::MODULE_2][..], &length(module_id(name, 3)), &[2, 1, 0]].concat()
}

/// One of each kind of item that a file can have between keys.
pub fn every_opcode() -> Vec<u8> {
    let value = |text: &str| [&[kind::STRING][..], &string(text.as_bytes())].concat();
    let items = [
        aux("redis-ver", "7.0.15"),
        aux("aof-base", "0"),
        function("#!lua name=birds\nredis.register_function('goose', function() return 1 end)"),
        select(0),
        resize(3, 2),
        slot_info(866, 1, 0),
        [expire_ms(4_000_000_000_000), entry(b"ms", &value("a"))].concat(),
        [expire_seconds(2_000_000_000), idle(1000), entry(b"seconds", &value("b"))].concat(),
        [frequency(200), entry(b"often", &value("c"))].concat(),
        select(1),
        entry(b"other", &value("-129")),
    ];
    file(12, &items)
}

pub fn length(n: u64) -> Vec<u8> {
    match n {
        0..=0x3F => vec![n as u8],
        0x40..=0x3FFF => vec![0x40 | (n >> 8) as u8, n as u8],
        0x4000..=0xFFFF_FFFF => [&[0x80][..], &(n as u32).to_be_bytes()].concat(),
        _ => [&[0x81][..], &n.to_be_bytes()].concat(),
    }
}

pub fn string(text: &[u8]) -> Vec<u8> {
    [&length(text.len() as u64)[..], text].concat()
}

/// A type and one string behind it.
pub fn packed(kind: u8, bytes: &[u8]) -> Vec<u8> {
    [&[kind][..], &string(bytes)].concat()
}

/// A type, a number of elements and these as strings.
pub fn plain(kind: u8, count: usize, texts: &[&[u8]]) -> Vec<u8> {
    let texts: Vec<u8> = texts.iter().flat_map(|text| string(text)).collect();
    [&[kind][..], &length(count as u64), &texts].concat()
}

/// A sorted set with its scores as text; `None` stands for no number.
pub fn sorted_set_text(members: &[(&[u8], Option<&str>)]) -> Vec<u8> {
    let mut bytes = [&[kind::SORTED_SET_TEXT][..], &length(members.len() as u64)].concat();
    for (member, score) in members {
        bytes.extend(string(member));
        match score {
            None => bytes.push(253),
            Some("inf") => bytes.push(254),
            Some("-inf") => bytes.push(255),
            Some(text) => {
                bytes.push(text.len() as u8);
                bytes.extend_from_slice(text.as_bytes());
            }
        }
    }
    bytes
}

fn int_of(text: &[u8]) -> Option<i64> {
    let n = std::str::from_utf8(text).ok()?.parse::<i64>().ok()?;
    (n.to_string().as_bytes() == text).then_some(n)
}

/// A ziplist of these elements, integers in the shortest form.
pub fn ziplist(elements: &[&[u8]]) -> Vec<u8> {
    let (mut body, mut before, mut tail) = (Vec::new(), 0_usize, 10);
    for element in elements {
        let start = body.len();
        tail = 10 + start;
        match u8::try_from(before) {
            Ok(short @ 0..=253) => body.push(short),
            _ => body.extend([&[0xFE][..], &(before as u32).to_le_bytes()].concat()),
        }
        match int_of(element) {
            Some(n @ 0..=12) => body.push(0xF1 + n as u8),
            Some(n) if i8::try_from(n).is_ok() => body.extend([0xFE, n as u8]),
            Some(n) if i16::try_from(n).is_ok() => body.extend([&[0xC0][..], &n.to_le_bytes()[..2]].concat()),
            Some(n) if (-0x80_0000..0x80_0000).contains(&n) => {
                body.extend([&[0xF0][..], &n.to_le_bytes()[..3]].concat())
            }
            Some(n) if i32::try_from(n).is_ok() => body.extend([&[0xD0][..], &n.to_le_bytes()[..4]].concat()),
            Some(n) => body.extend([&[0xE0][..], &n.to_le_bytes()].concat()),
            None => {
                match element.len() {
                    len @ 0..=63 => body.push(len as u8),
                    len @ 64..=0x3FFF => body.extend([0x40 | (len >> 8) as u8, len as u8]),
                    len => body.extend([&[0x80][..], &(len as u32).to_be_bytes()].concat()),
                }
                body.extend_from_slice(element);
            }
        }
        before = body.len() - start;
    }
    let total = 10 + body.len() + 1;
    let count = elements.len() as u16;
    [&(total as u32).to_le_bytes()[..], &(tail as u32).to_le_bytes(), &count.to_le_bytes(), &body, &[0xFF]]
        .concat()
}

/// A zipmap of these fields and values, some of which have unused bytes behind them.
pub fn zipmap(pairs: &[(&[u8], &[u8])]) -> Vec<u8> {
    let mut bytes = vec![pairs.len().min(254) as u8];
    let length = |len: usize| match len {
        0..=253 => vec![len as u8],
        len => [&[0xFE][..], &(len as u32).to_le_bytes()].concat(),
    };
    for (i, (field, value)) in pairs.iter().enumerate() {
        let unused = i % 3;
        bytes
            .extend([&length(field.len())[..], field, &length(value.len()), &[unused as u8], value].concat());
        bytes.extend(vec![b'?'; unused]);
    }
    bytes.push(0xFF);
    bytes
}

/// An intset of integers that ascend, each of so many bytes.
pub fn intset(width: usize, ints: &[i64]) -> Vec<u8> {
    let mut bytes = [(width as u32).to_le_bytes(), (ints.len() as u32).to_le_bytes()].concat();
    ints.iter().for_each(|n| bytes.extend_from_slice(&n.to_le_bytes()[..width]));
    bytes
}

/// A listpack of these elements.
pub fn listpack(elements: &[&[u8]]) -> Vec<u8> {
    let mut body = Vec::new();
    for element in elements {
        let start = body.len();
        match int_of(element) {
            Some(n @ 0..=127) => body.push(n as u8),
            Some(n @ -4096..=4095) => body.extend([0xC0 | ((n >> 8) & 0x1F) as u8, n as u8]),
            Some(n) if i16::try_from(n).is_ok() => body.extend([&[0xF1][..], &n.to_le_bytes()[..2]].concat()),
            Some(n) if (-0x80_0000..0x80_0000).contains(&n) => {
                body.extend([&[0xF2][..], &n.to_le_bytes()[..3]].concat())
            }
            Some(n) if i32::try_from(n).is_ok() => body.extend([&[0xF3][..], &n.to_le_bytes()[..4]].concat()),
            Some(n) => body.extend([&[0xF4][..], &n.to_le_bytes()].concat()),
            None => {
                match element.len() {
                    len @ 0..=63 => body.push(0x80 | len as u8),
                    len @ 64..=4095 => body.extend([0xE0 | (len >> 8) as u8, len as u8]),
                    len => body.extend([&[0xF0][..], &(len as u32).to_le_bytes()].concat()),
                }
                body.extend_from_slice(element);
            }
        }
        let size = body.len() - start;
        match size {
            0..=127 => body.push(size as u8),
            _ => body.extend([(size >> 7) as u8, 0x80 | (size & 0x7F) as u8]),
        }
    }
    let total = 6 + body.len() + 1;
    [&(total as u32).to_le_bytes()[..], &(elements.len() as u16).to_le_bytes(), &body, &[0xFF]].concat()
}

/// A quicklist of ziplists.
pub fn quicklist(nodes: &[&[&[u8]]]) -> Vec<u8> {
    let nodes_bytes: Vec<u8> = nodes.iter().flat_map(|node| string(&ziplist(node))).collect();
    [&[kind::LIST_QUICKLIST][..], &length(nodes.len() as u64), &nodes_bytes].concat()
}

/// An id of a stream as its nodes and lists of what is pending have it.
pub fn stream_id(ms: u64, seq: u64) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&ms.to_be_bytes());
    bytes[8..].copy_from_slice(&seq.to_be_bytes());
    bytes
}

/// A stream with two entries, 5-1 and 7-0, between them a deleted one, 6-0; a group with what is pending: as the type
/// says, the first, the second or the third form.
pub fn stream(kind: u8) -> Vec<u8> {
    let block = listpack(&[
        b"2", b"1", b"1", b"name", b"0", // the master entry: live, deleted, names
        b"2", b"0", b"0", b"first", b"4", // the names of the master
        b"3", b"1", b"-1", b"gone", b"4", // deleted
        b"0", b"2", b"-1", b"2", b"name", b"third", b"other", b"-7", b"8", // names of its own
    ]);
    let mut bytes = vec![kind, 1];
    bytes.extend(string(&stream_id(5, 1)));
    bytes.extend(string(&block));
    bytes.extend([2, 7, 0]); // entries, last id
    if kind != kind::STREAM {
        bytes.extend([5, 1, 6, 0, 3]); // first id, largest deleted id, entries ever added
    }
    bytes.push(1);
    bytes.extend(string(b"group"));
    bytes.extend([5, 1]);
    if kind != kind::STREAM {
        bytes.push(1); // entries read
    }
    let seen = 1_700_000_000_123_i64.to_le_bytes();
    bytes.push(1);
    bytes.extend(stream_id(5, 1));
    bytes.extend(seen);
    bytes.push(3); // deliveries
    bytes.push(2);
    for (name, pending) in [(&b"idle"[..], false), (b"busy", true)] {
        bytes.extend(string(name));
        bytes.extend(seen);
        if kind == kind::STREAM_3 {
            bytes.extend(if pending { seen } else { (-1_i64).to_le_bytes() });
        }
        bytes.push(u8::from(pending));
        if pending {
            bytes.extend(stream_id(5, 1));
        }
    }
    bytes
}

/// Elements in every form that packed ones have.
pub const TEXTS: &[&[u8]] = &[
    b"0",
    b"12",
    b"13",
    b"-128",
    b"-32768",
    b"-8388608",
    b"-2147483648",
    b"-9223372036854775808",
    b"word",
    b"",
    b"007",
    &[b'x'; 70],
    &[b'y'; 300],
];

/// A value in each of the forms.
pub fn bodies() -> Vec<Vec<u8>> {
    let scores: Vec<&[u8]> = vec![b"low", b"-1.5", b"a", b"2", b"b", b"2", b"high", b"1e300"];
    let fields: Vec<&[u8]> = vec![b"field", b"value", b"17", b"-5", b"", b""];
    vec![
        packed(kind::STRING, b"text"),
        plain(kind::LIST, TEXTS.len(), TEXTS),
        plain(kind::SET, TEXTS.len(), TEXTS),
        plain(kind::SET, 3, &[b"3", b"-70000", b"1"]),
        sorted_set_text(&[
            (b"a", Some("1.5")),
            (b"b", Some("-inf")),
            (b"c", Some("inf")),
            (b"17", Some("3")),
        ]),
        plain(kind::HASH, 3, &fields),
        packed(kind::HASH_ZIPMAP, &zipmap(&[(b"a", b"1"), (b"b", &[b'z'; 300]), (b"c", b""), (b"17", b"x")])),
        packed(kind::LIST_ZIPLIST, &ziplist(TEXTS)),
        packed(kind::SET_INTSET, &intset(2, &[-5, 0, 300])),
        packed(kind::SET_INTSET, &intset(4, &[-5, 0, 70_000])),
        packed(kind::SET_INTSET, &intset(8, &[i64::MIN, 0, i64::MAX])),
        packed(kind::SORTED_SET_ZIPLIST, &ziplist(&scores)),
        packed(kind::HASH_ZIPLIST, &ziplist(&fields)),
        quicklist(&[&[b"a", b"1"], TEXTS, &[b"z"]]),
        stream(kind::STREAM),
        packed(kind::HASH_LISTPACK, &listpack(&fields)),
        packed(kind::SORTED_SET_LISTPACK, &listpack(&scores)),
        [&[kind::LIST_QUICKLIST_2, 2, 2][..], &string(&listpack(TEXTS)), &[1], &string(b"a plain one")]
            .concat(),
        stream(kind::STREAM_2),
        packed(kind::SET_LISTPACK, &listpack(&[b"a", b"17", b"b"])),
        stream(kind::STREAM_3),
    ]
}
