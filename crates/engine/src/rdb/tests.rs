//! Any split, any truncation, any changed byte; and the texts of errors.

use super::*;
use crate::access::Used;
use base::rng::Rng;

const PLAIN: Options = Options { compress: true, checksum: true };

/// A file with these entries in database 3.
fn file(entries: &[(&[u8], Value, Option<i64>)], options: Options) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut sink = |piece: &[u8]| {
        bytes.extend_from_slice(piece);
        true
    };
    let mut encoder = Encoder::new(options);
    encoder.header(VERSION);
    encoder.aux(b"redis-ver", b"7.2.4");
    encoder.aux(b"ctime", b"1700000000");
    encoder.select_db(3);
    encoder.resize_db(entries.len() as u64, 1);
    for (key, value, expiry) in entries {
        encoder.entry(key, value, *expiry, Used::Unsaid, &mut sink);
    }
    encoder.eof();
    encoder.give(&mut sink);
    assert_eq!(encoder.total(), bytes.len() as u64);
    bytes
}

/// Decodes with pieces of `piece` bytes; every item as text.
fn decode(bytes: &[u8], piece: usize) -> Result<Vec<String>, RdbError> {
    let mut decoder = Decoder::new();
    let (mut at, mut have) = (0, 0);
    let mut items = Vec::new();
    loop {
        match decoder.next(&bytes[at..have], have == bytes.len())? {
            Step::Need { at_least } => {
                assert!(have - at < at_least);
                have = (have + piece).min(bytes.len());
            }
            Step::Item { consumed, item } => {
                items.push(format!("{item:?}"));
                at += consumed;
                if let Item::Eof { .. } = item {
                    return Ok(items);
                }
            }
        }
    }
}

fn bytes(bytes: &[u8]) -> Value<'_> {
    Value::Bytes(bytes.into())
}

#[test]
fn what_is_written_is_read_at_any_split() {
    let long = vec![b'a'; 100_000];
    let mut noise = vec![0; 70_000];
    let mut rng = Rng::new(5);
    noise.iter_mut().for_each(|byte| *byte = rng.next_u64() as u8);
    let mut entries: Vec<(&[u8], Value, Option<i64>)> = vec![
        (b"k", bytes(b"v"), None),
        (b"", bytes(b""), Some(-1)),
        (b"12345", bytes(b"binary\0\xff"), Some(1_700_000_000_123)),
        (b"long", bytes(&long), None),
        (b"noise", bytes(&noise), None),
    ];
    for n in
        [0, -1, 127, -128, 128, 32767, -32769, i64::from(i32::MAX), i64::from(i32::MIN), 1 << 40, i64::MIN]
    {
        entries.push((b"n", Value::Int(n), None));
    }
    for options in [PLAIN, Options { compress: false, checksum: false }] {
        let file = file(&entries, options);
        let whole = decode(&file, file.len()).expect("is read");
        assert_eq!(whole.len(), entries.len() + 6);
        for piece in [1000, 4096, 65_536] {
            assert_eq!(decode(&file, piece).expect("is read"), whole);
        }
        let end = format!("{:?}", Item::Eof { checksum: options.checksum });
        assert_eq!(whole.last(), Some(&end));
    }
    let small = file(&entries[..3], PLAIN);
    assert_eq!(decode(&small, 1).expect("is read"), decode(&small, small.len()).expect("is read"));
}

#[test]
fn every_truncation_and_every_changed_byte_is_noticed_or_harmless() {
    let file = file(&[(b"key", bytes(&[b'x'; 50]), Some(5)), (b"n", Value::Int(77), None)], PLAIN);
    for end in 0..file.len() {
        assert!(decode(&file[..end], 7).is_err(), "cut at {end}");
    }
    let mut rng = Rng::new(9);
    for at in 0..file.len() - 8 {
        let mut changed = file.clone();
        changed[at] ^= 1 << rng.below(8);
        assert!(decode(&changed, 13).is_err(), "changed at {at}");
    }
}

#[test]
fn noise_is_refused_without_a_panic() {
    let mut rng = Rng::new(1);
    for _ in 0..20_000 {
        let mut bytes = b"REDIS0011".to_vec();
        for _ in 0..rng.below(60) {
            bytes.push(if rng.one_in(3) { 0xF0 | rng.next_u64() as u8 } else { rng.next_u64() as u8 });
        }
        let _ = decode(&bytes, 9);
    }
}

#[test]
fn errors_say_what_and_where() {
    let cases: &[(&[u8], &str)] = &[
        (b"RADIS0010", "Wrong signature trying to load DB from file (at offset 0 of the RDB)"),
        (b"REDIS0099", "Can't handle RDB format version 0099 (at offset 0 of the RDB)"),
        (
            b"REDIS0010\x07\x03foo\x01",
            "the value at key \"foo\" belongs to the module 'AAAAAAAAA', which this server can't hold (at offset 9 of the RDB)",
        ),
        (b"REDIS0010\x63\x03foo", "Unknown RDB encoding type 99 (at offset 9 of the RDB)"),
        (
            b"REDIS0010\x00\x81\x7f\xff\xff\xff\xff\xff\xff\xff",
            "string length 9223372036854775807 (at offset 9 of the RDB)",
        ),
        (b"REDIS0010\xff12345678", "Wrong RDB checksum"),
        (b"REDIS0010", "Unexpected EOF reading RDB file (at offset 9 of the RDB)"),
    ];
    for (bytes, expected) in cases {
        let error = decode(bytes, 64).expect_err("is refused").to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}

/// Strings of every version's file are read: checksums come with version 5, Valkey's magic word with its version 80.
#[test]
fn every_version_is_read() {
    let body = b"\xfe\x00\xfd\x00\x00\x00\x7f\x03key\x05value\x00\x02no\xc0\x7b";
    let body = [&body[..7], b"\x00", &body[7..]].concat();
    let checksum = |mut bytes: Vec<u8>| {
        let crc = base::crc64::crc64(&bytes);
        bytes.extend_from_slice(&crc.to_le_bytes());
        bytes
    };
    let wanted = decode(&checksum([&b"REDIS0010"[..], &body, b"\xff"].concat()), 1000).unwrap();
    assert!(wanted.iter().any(|item| item.contains("value")), "{wanted:?}");
    for version in 1..=12 {
        let bytes = [format!("REDIS{version:04}").as_bytes(), &body, b"\xff"].concat();
        let bytes = if version < 5 { bytes } else { checksum(bytes) };
        let read = decode(&bytes, 1000).unwrap_or_else(|error| panic!("version {version}: {error}"));
        assert_eq!(read.len(), wanted.len(), "version {version}: {read:?}");
    }
    let valkey = checksum([&b"VALKEY080"[..], &body, b"\xff"].concat());
    assert_eq!(decode(&valkey, 1000).unwrap().len(), wanted.len());
}

/// When consumers were active is in a field of its own, which is part of the entry that it stands before.
#[test]
fn times_of_consumers_come_back() {
    use ds::stream::{Activity, Group, Id, Stream};
    let mut stream = Stream::new();
    stream.create_group(b"g", Id::MIN, None);
    stream.create_group(b"same", Id::MIN, None);
    let add = |group: &mut Group| {
        for (name, active_ms) in [(&b"never"[..], None), (b"late", Some(70)), (b"at once", Some(50))] {
            group.create_consumer(name, 50);
            group.set_consumer_times(name, 50, active_ms);
        }
    };
    stream.with_group(b"g", |group, _| add(group));
    let times = |stream: &Stream| -> Vec<_> {
        let consumers = stream.groups().flat_map(|group| group.consumers());
        consumers.map(|one| (one.name().to_vec(), one.seen_ms, one.active_ms)).collect()
    };
    let written = file(&[(b"k", (&value::Value::Stream(Box::new(stream.clone()))).into(), Some(9))], PLAIN);
    let mut decoder = Decoder::new();
    let (mut at, mut found) = (0, None);
    while found.is_none() {
        let Ok(Step::Item { consumed, item }) = decoder.next(&written[at..], true) else {
            panic!("is whole")
        };
        at += consumed;
        if let Item::Entry { value: Value::Object(object), expire_ms, .. } = item {
            assert_eq!(expire_ms, Some(9));
            found = Some(object.into_owned());
        }
    }
    let Some(value::Value::Stream(read)) = found else { panic!("is a stream") };
    assert_eq!(times(&read), times(&stream));
    // Where the times are the same nothing is added.
    stream.with_group(b"g", |group, _| {
        group.delete_consumer(b"never");
        group.set_consumer_times(b"late", 70, Some(70));
        group.touch_consumer(b"at once", 50, Activity::Active);
    });
    let plain = file(&[(b"k", (&value::Value::Stream(Box::new(stream))).into(), None)], PLAIN);
    assert!(!plain.windows(20).any(|window| window == b"greylag-active-times"));
    // Of a consumer that is not there, and cut off.
    for times in [&b"\x01g\x01\x01x12345678"[..], b"\x01g\x05", b"\x05g"] {
        let mut encoder = Encoder::new(PLAIN);
        encoder.header(VERSION);
        encoder.aux(b"greylag-active-times", times);
        let mut stream = Stream::new();
        stream.create_group(b"g", Id::MIN, None);
        let mut bytes = Vec::new();
        let mut sink = crate::snapshot::keep(&mut bytes);
        let value = value::Value::Stream(Box::new(stream));
        encoder.entry(b"k", &(&value).into(), None, Used::Unsaid, &mut sink);
        encoder.eof();
        encoder.give(&mut sink);
        drop(sink);
        assert!(decode(&bytes, 1000).is_err(), "{times:?}");
    }
}

/// Hashes whose fields expire as Valkey 9 writes them, by hand: its type 22 is another one than Redis's.
#[test]
fn valkey_hashes_with_expiries_are_read() {
    let read = |magic: &[u8], times: [i64; 2]| {
        let mut file = [magic, b"\xfe\x00\x16\x01h\x02\x01a\x011"].concat();
        file.extend_from_slice(&times[0].to_le_bytes());
        file.extend_from_slice(b"\x01b\xc0\x05");
        file.extend_from_slice(&times[1].to_le_bytes());
        let mut decoder = Decoder::new();
        let mut at = 0;
        loop {
            let step = decoder.next(&file[at..], true).map_err(|error| error.what)?;
            let Step::Item { consumed, item } = step else { panic!("all is there") };
            at += consumed;
            if let Item::Entry { value: Value::Object(object), .. } = item {
                let value::Value::Hash(hash) = &*object else { panic!("a hash was written") };
                let mut fields = Vec::new();
                hash.for_each(|field, value, at| fields.push((field.to_vec(), value.to_vec(), at)));
                assert_eq!(at, file.len());
                return Ok(fields);
            }
        }
    };
    let field = |name: &[u8], value: &[u8], at| (name.to_vec(), value.to_vec(), at);
    let fields = read(b"VALKEY080", [-1, 1_700_000_000_123]).unwrap();
    assert_eq!(fields, [field(b"b", b"5", Some(1_700_000_000_123)), field(b"a", b"1", None)]);
    assert_eq!(read(b"VALKEY080", [0, -1]).unwrap()[0], field(b"a", b"1", Some(1)));
    let error: String = read(b"VALKEY080", [-2, -1]).unwrap_err();
    assert_eq!(error, "a field's expiry is out of range, in the value at key \"h\"");
}
