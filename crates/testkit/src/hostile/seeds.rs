//! Good bytes to begin with: the values of a file, as they lie in it.

use super::old;
use base::lzf;
use engine::rdb::{Decoder, Item, Step};

/// A value of a file.
pub struct Seed {
    pub key: String,
    /// Its type and what follows the key: what DUMP gives, without version and checksum.
    pub body: Vec<u8>,
}

/// Every value of a good file.
pub fn values(rdb: &[u8]) -> Vec<Seed> {
    let (mut decoder, mut at, mut found) = (Decoder::new(), 0, Vec::new());
    loop {
        let Ok(Step::Item { consumed, item }) = decoder.next(&rdb[at..], true) else {
            panic!("the file is good")
        };
        let bytes = &rdb[at..at + consumed];
        at += consumed;
        match item {
            Item::Entry { key, .. } => {
                found.push(Seed { key: key.escape_ascii().to_string(), body: body(bytes) });
            }
            Item::Eof { .. } => return found,
            _ => {}
        }
    }
}

/// An item's bytes without what is said of the key: expiry, frequency, idle time, the key itself.
fn body(mut item: &[u8]) -> Vec<u8> {
    loop {
        item = match item[0] {
            0xFD => &item[5..],
            0xFC => &item[9..],
            0xF9 => &item[2..],
            0xF8 => &item[1 + length(&item[1..]).1..],
            _ => break,
        };
    }
    let (_, key_bytes) = string(&item[1..]);
    [&item[..1], &item[1 + key_bytes..]].concat()
}

/// A plain length, and the bytes that it takes.
fn length(bytes: &[u8]) -> (usize, usize) {
    match bytes[0] {
        n @ 0..=0x3F => (usize::from(n), 1),
        n @ 0x40..=0x7F => (usize::from(n & 0x3F) << 8 | usize::from(bytes[1]), 2),
        0x80 => (u32::from_be_bytes(bytes[1..5].try_into().expect("four bytes")) as usize, 5),
        _ => (u64::from_be_bytes(bytes[1..9].try_into().expect("eight bytes")) as usize, 9),
    }
}

/// The string at the start of the bytes, and the bytes that it takes. Integers give nothing.
pub fn string(bytes: &[u8]) -> (Vec<u8>, usize) {
    match bytes[0] {
        0xC0 => (Vec::new(), 2),
        0xC1 => (Vec::new(), 3),
        0xC2 => (Vec::new(), 5),
        0xC3 => {
            let (packed, a) = length(&bytes[1..]);
            let (len, b) = length(&bytes[1 + a..]);
            let start = 1 + a + b;
            let text = lzf::decompress(&bytes[start..start + packed], len).expect("the file is good");
            (text, start + packed)
        }
        _ => {
            let (len, head) = length(bytes);
            (bytes[head..head + len].to_vec(), head + len)
        }
    }
}

/// Requests in all their spellings.
const REQUESTS: &[&str] = &[
    "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\nvalue\r\n*1\r\n$4\r\nPING\r\n",
    "*2\r\n$4\r\nECHO\r\n$0\r\n\r\n*0\r\n*-1\r\n\r\nPING\r\n",
    "SET k \"a \\x00 \\\"b\\\"\" 'it\\'s'\r\n*1\n$4\nPINGxx",
    "*1\r\n$1048577\r\n",
    "*2147483648\r\n",
    "*1\r\n!4\r\nPING\r\n",
];

/// What a fuzzer of this target begins with: good bytes, small ones, of files and of the forms of old ones.
pub fn of_target(name: &str, files: &[&[u8]]) -> Vec<Vec<u8>> {
    const BYTES_MAX: usize = 1500;
    let bodies = || {
        let all = files.iter().flat_map(|file| values(file)).map(|seed| seed.body).chain(old::bodies());
        all.filter(|body| body.len() <= BYTES_MAX)
    };
    let of_kinds = |kinds: &'static [u8]| bodies().filter(|body| kinds.contains(&body[0]));
    // The one string that such a value is, whether it was compressed or not.
    let inner = |kinds| of_kinds(kinds).map(|body| string(&body[1..]).0).collect();
    match name {
        "requests" => REQUESTS.iter().map(|text| text.as_bytes().to_vec()).collect(),
        "rdb" => bodies()
            .map(|body| old::file(12, &[old::entry(b"key", &body)]))
            .chain([old::every_opcode()])
            .collect(),
        "restore" => bodies().collect(),
        "stream" => of_kinds(&[15, 19, 21]).collect(),
        "listpack" => inner(&[16, 17, 20]),
        "intset" => inner(&[11]),
        "ziplist" => inner(&[10, 12, 13]),
        "zipmap" => inner(&[9]),
        "lzf" => bodies().collect(),
        other => panic!("no target {other}"),
    }
}
