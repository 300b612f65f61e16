//! DUMP and RESTORE: a value as bytes, in the format of an RDB, to be carried to another server.
//!
//! ```text
//! type 1 B | value | version of the format 2 B | CRC-64 of all before 8 B
//! ```
//! Logged: RESTORE with its time as an absolute one, `RESTORE key ms value … ABSTTL`. A time that is over deletes
//! the key that was to be replaced, and creates none.

use super::expire::{self, Deletion};
use super::{GENERIC, KEY, one};
use crate::access::Used;
use crate::commands::args::{int, is};
use crate::error::{Done, Error};
use crate::events::Event;
use crate::rdb;
use crate::row::{Categories, Doc, Flags, Meta, Row};
use crate::txn::{Ttl, Txn};
use base::crc64::crc64;
use resp::{Args, Reply};
use std::sync::atomic::Ordering::Relaxed;

const VERSION_BYTES: usize = 2;
const FOOTER_BYTES: usize = VERSION_BYTES + 8;

const RESTORE: Meta = Meta {
    arity: -4,
    flags: Flags::WRITE.with(Flags::DENYOOM),
    categories: GENERIC.categories.with(Categories::DANGEROUS),
    keys: &[one(1, &["OW", "update"])],
    complexity: "O(N) in the size of the value",
    history: &[
        ("3.0.0", "`REPLACE` came."),
        ("5.0.0", "`ABSTTL` came."),
        ("5.0.0", "`IDLETIME` and `FREQ` came."),
    ],
    docs: &[
        KEY,
        Doc::new("ttl", "integer"),
        Doc::new("serialized-value", "string"),
        Doc::flag("replace", "REPLACE").since("3.0.0").optional(),
        Doc::flag("absttl", "ABSTTL").since("5.0.0").optional(),
        Doc::new("seconds", "integer").behind("IDLETIME").since("5.0.0").optional(),
        Doc::new("frequency", "integer").behind("FREQ").since("5.0.0").optional(),
    ],
    ..GENERIC
};

pub const ROWS: &[Row] = &[
    Row {
        meta: Meta {
            name: "dump",
            arity: 2,
            flags: Flags::READONLY,
            keys: &[one(1, &["RO", "access"])],
            since: "2.6.0",
            summary: "Gives the value at a key as bytes that RESTORE reads.",
            complexity: "O(N) in the size of the value",
            tips: &["nondeterministic_output"],
            docs: &[KEY],
            ..GENERIC
        },
        run: dump,
    },
    Row {
        meta: Meta {
            name: "restore",
            since: "2.6.0",
            summary: "Creates a key from the bytes that DUMP gave.",
            ..RESTORE
        },
        run: restore,
    },
    Row {
        meta: Meta {
            name: "restore-asking",
            flags: RESTORE.flags.with(Flags::ASKING),
            group: "server",
            since: "3.0.0",
            summary: "RESTORE, as one node of a cluster sends it to another.",
            system: true,
            ..RESTORE
        },
        run: restore,
    },
];

fn dump(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let compress = txn.engine().settings.compress.load(Relaxed);
    let Some(entry) = txn.read(args.at(1)) else {
        out.nil();
        return Ok(());
    };
    let mut bytes = Vec::new();
    let value: rdb::Value = entry.payload().into();
    rdb::encode_value(&mut bytes, &value, compress);
    bytes.extend_from_slice(&(value.version() as u16).to_le_bytes());
    let sum = crc64(&bytes);
    bytes.extend_from_slice(&sum.to_le_bytes());
    out.bulk(&bytes);
    Ok(())
}

#[derive(Default)]
struct Options {
    replace: bool,
    absolute: bool,
    used: Used,
}

fn options(args: Args) -> Result<Options, Error> {
    let mut options = Options::default();
    let mut i = 4;
    while i < args.len() {
        let (word, next) = (args.at(i), args.get(i + 1));
        if is(word, "replace") {
            options.replace = true;
        } else if is(word, "absttl") {
            options.absolute = true;
        } else if let Some(next) = next
            && is(word, "idletime")
            && !matches!(options.used, Used::Frequency(_))
        {
            let bad = Error::text("ERR Invalid IDLETIME value, must be >= 0");
            options.used = Used::Idle(u64::try_from(int(next)?).map_err(|_| bad)?);
            i += 1;
        } else if let Some(next) = next
            && is(word, "freq")
            && !matches!(options.used, Used::Idle(_))
        {
            let bad = Error::text("ERR Invalid FREQ value, must be >= 0 and <= 255");
            options.used = Used::Frequency(u8::try_from(int(next)?).map_err(|_| bad)?);
            i += 1;
        } else {
            return Err(Error::Syntax);
        }
        i += 1;
    }
    Ok(options)
}

fn restore(txn: &mut Txn, args: Args, out: &mut Reply) -> Done {
    let options = options(args)?;
    let key = args.at(1);
    if !options.replace && txn.write(key).is_some() {
        return Err(Error::BusyKey);
    }
    let time = int(args.at(2))?;
    if time < 0 {
        return Err(Error::text("ERR Invalid TTL value, must be >= 0"));
    }
    let value = checked(args.at(3)).ok_or(Error::text("ERR DUMP payload version or checksum are wrong"))?;
    let value = rdb::decode_value(value, &txn.engine().shapes()).ok_or(Error::text("ERR Bad data format"))?;
    let ttl = match time {
        0 => Ttl::Clear,
        at if options.absolute => Ttl::At(at),
        // As in C, where this sum turns over; such a time is over then.
        left => Ttl::At(txn.now_ms.wrapping_add(left)),
    };
    out.ok();
    let replaced = txn.remove(key);
    if let Ttl::At(at) = ttl
        && txn.is_over(at)
    {
        if let Some(entry) = replaced {
            txn.discard(entry);
            expire::log_deletion(txn, key, Deletion::ByServer);
        }
        return Ok(());
    }
    if let Some(entry) = replaced {
        txn.discard(entry);
    }
    value.with_payload(|payload| txn.put(key, payload, ttl));
    txn.set_used(key, options.used);
    txn.changed(key, Event::Restore);
    if let Ttl::At(at) = ttl
        && !options.absolute
    {
        let mut text = itoa::Buffer::new();
        let mut argv: Vec<&[u8]> = args.iter().collect();
        argv[2] = text.format(at).as_bytes();
        argv.push(b"ABSTTL");
        txn.effect(&argv);
    }
    Ok(())
}

/// The value in a payload whose version can be read and whose checksum is right.
fn checked(payload: &[u8]) -> Option<&[u8]> {
    let (body, sum) = payload.split_last_chunk::<8>()?;
    let (value, version) = body.split_last_chunk::<VERSION_BYTES>()?;
    let readable = u32::from(u16::from_le_bytes(*version)) <= rdb::VERSION_MAX;
    (readable && crc64(body) == u64::from_le_bytes(*sum)).then_some(value)
}

const _: () = assert!(FOOTER_BYTES == 10);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Bench, check, check_on, texts};

    /// The bytes that redis-server 7.0.15 gives for the same strings.
    #[test]
    fn dump_gives_what_redis_gives() {
        check(
            r#"
            DUMP k -> nil
            SET k 10
            DUMP k -> "\x00\xc0\n\n\x00n\x9fWE\x0e\xaec\xbb"
            "#,
        );
    }

    fn dumped(bench: &mut Bench, key: &str) -> Vec<u8> {
        let reply = bench.run(&[b"DUMP", key.as_bytes()]);
        let line = reply.iter().position(|&c| c == b'\n').expect("a bulk string") + 1;
        reply[line..reply.len() - 2].to_vec()
    }

    #[test]
    fn what_is_dumped_is_restored() {
        let mut bench = Bench::new();
        let long = "ab".repeat(3000);
        for value in ["", "5", "-129", "70000", "12345678901", "9223372036854775808", "text", &long] {
            bench.run(&[b"SET", b"k", value.as_bytes()]);
            let encoding = bench.run(&[b"OBJECT", b"ENCODING", b"k"]);
            let bytes = dumped(&mut bench, "k");
            assert_eq!(texts(&bench.run(&[b"RESTORE", b"copy", b"0", &bytes, b"REPLACE"])), ["OK"]);
            assert_eq!(texts(&bench.run(&[b"GET", b"copy"])), [format!("\"{value}\"")]);
            assert_eq!(bench.run(&[b"OBJECT", b"ENCODING", b"copy"]), encoding);
        }
    }

    #[test]
    fn any_damage_is_noticed() {
        let mut bench = Bench::new();
        bench.run(&[b"SET", b"k", b"some text"]);
        let bytes = dumped(&mut bench, "k");
        for i in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[i] ^= 1;
            let wrong = ["-ERR DUMP payload version or checksum are wrong"];
            assert_eq!(texts(&bench.run(&[b"RESTORE", b"l", b"0", &damaged])), wrong);
            assert_eq!(texts(&bench.run(&[b"RESTORE", b"l", b"0", &bytes[..i]])), wrong);
        }
        // A right checksum over a value that is none, and a type that is not there.
        for body in [&b"\x00\x05ab\x0a\x00"[..], b"\x04\x00\x0a\x00", b"\x0a\x00"] {
            let payload = [body, &crc64(body).to_le_bytes()].concat();
            assert_eq!(texts(&bench.run(&[b"RESTORE", b"l", b"0", &payload])), ["-ERR Bad data format"]);
        }
        let newer = b"\x00\x01a\xff\x00";
        let payload = [&newer[..], &crc64(newer).to_le_bytes()].concat();
        let reply = texts(&bench.run(&[b"RESTORE", b"l", b"0", &payload]));
        assert_eq!(reply, ["-ERR DUMP payload version or checksum are wrong"]);
    }

    const TEN: &str = r#""\x00\xc0\n\n\x00n\x9fWE\x0e\xaec\xbb""#;

    #[test]
    fn restore_options() {
        let script = r#"
            RESTORE k 0 TEN -> OK | RESTORE k 0 TEN
            GET k -> "10"
            RESTORE k 0 TEN -> -BUSYKEY Target key name already exists. |
            RESTORE k 0 bad -> -BUSYKEY Target key name already exists. |
            RESTORE k 1000 TEN replace -> OK | RESTORE k 1001000 TEN replace ABSTTL
            PTTL k -> 1000
            RESTORE k 2000000 TEN REPLACE ABSTTL -> OK | RESTORE k 2000000 TEN REPLACE ABSTTL
            PTTL k -> 1000000
            RESTORE k 0 TEN REPLACE IDLETIME 1000 -> OK
            OBJECT IDLETIME k -> 1000
            RESTORE k 0 TEN REPLACE FREQ 200 -> OK
            RESTORE k 1 TEN REPLACE ABSTTL -> OK | DEL k
            EXISTS k -> 0
            RESTORE k 1 TEN ABSTTL -> OK |
            EXISTS k -> 0
            SET k v
            LAZY yes
            RESTORE k 1 TEN REPLACE ABSTTL -> OK | UNLINK k
            RESTORE k -1 TEN -> -ERR Invalid TTL value, must be >= 0
            RESTORE k x TEN -> -ERR value is not an integer or out of range
            RESTORE k 0 TEN WHAT -> -ERR syntax error
            RESTORE k 0 TEN IDLETIME -> -ERR syntax error
            RESTORE k 0 TEN IDLETIME x -> -ERR value is not an integer or out of range
            RESTORE k 0 TEN IDLETIME -1 -> -ERR Invalid IDLETIME value, must be >= 0
            RESTORE k 0 TEN FREQ 256 -> -ERR Invalid FREQ value, must be >= 0 and <= 255
            RESTORE k 0 TEN FREQ 1 IDLETIME 1 -> -ERR syntax error
            SET k v PX 5
            TICK 6
            RESTORE-ASKING k 0 TEN -> OK | MULTI ; UNLINK k ; RESTORE-ASKING k 0 TEN ; EXEC
            REPLICA yes
            PRIMARY RESTORE k 1 TEN REPLACE ABSTTL -> OK
            PRIMARY PEXPIRETIME k -> 1
        "#;
        check_on(&mut Bench::new(), &script.replace("TEN", TEN));
    }
}
