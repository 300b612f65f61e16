//! Requests, files, payloads of RESTORE, streams.

use super::commands::TABLE;
use super::session::{Session, payload};
use crate::value::Value;
use ds::stream::{Id, Keep, Limits, Precision, Stream};
use engine::rdb::{self, Decoder, Item, Step};
use engine::value::{Shapes, Value as Object};
use resp::{Args, Decoded, Proto, line};

/// Of larger values the state is compared at the end only, not after each command.
const SMALL_BYTES_MAX: usize = 1024;

/// The requests of a connection's bytes, whole and in pieces: the same ones, and the same error.
pub fn requests(data: &[u8]) {
    let whole = decode(data, data.len().max(1));
    for piece in [1, 2, 7, 1 + data.len() / 2] {
        assert_eq!(decode(data, piece), whole, "in pieces of {piece}");
    }
    if let Ok(words) = line::split_args(data) {
        assert!(words.iter().map(Vec::len).sum::<usize>() <= data.len());
    }
}

/// Each request's words; what ended it.
fn decode(data: &[u8], piece: usize) -> (Vec<Vec<Vec<u8>>>, String) {
    let limits = resp::Limits { bulk_bytes_max: 1 << 20, inline_bytes_max: 200, ..resp::Limits::default() };
    let mut decoder = resp::Decoder::new();
    let (mut at, mut have, mut found) = (0, 0, Vec::new());
    loop {
        let mut spans = Vec::new();
        let buffer = &data[at..have];
        let decoded = match buffer.is_empty() {
            true => Decoded::Need(1),
            false => match decoder.next(buffer, &limits, &mut spans) {
                Ok(decoded) => decoded,
                Err(error) => return (found, error.to_string()),
            },
        };
        match decoded {
            Decoded::Need(bytes) => {
                assert!(buffer.len() < bytes, "needs more than there is");
                if have == data.len() {
                    return (found, "the end".into());
                }
                have = (have + piece).min(data.len());
            }
            Decoded::Request { bytes, first_span, spans: count } => {
                let args = Args::new(&buffer[..bytes], &spans[first_span..first_span + count]);
                found.push(args.iter().map(<[u8]>::to_vec).collect());
                at += bytes;
            }
            Decoded::Inline { bytes, args } => {
                found.push(args.as_args().iter().map(<[u8]>::to_vec).collect());
                at += bytes;
            }
            Decoded::Empty { bytes } => {
                assert!(0 < bytes);
                at += bytes;
            }
        }
    }
}

/// A file, whole and in pieces: the same items, and the same error at the same place. What is read of it is written
/// and read once more.
pub fn rdb(data: &[u8]) {
    let whole = items(data, data.len().max(1));
    for piece in [1 + data.len() / 3, 64] {
        assert_eq!(items(data, piece), whole, "in pieces of {piece}");
    }
}

fn items(data: &[u8], piece: usize) -> (Vec<String>, String) {
    let mut decoder = Decoder::new();
    let (mut at, mut have, mut found) = (0, 0, Vec::new());
    loop {
        match decoder.next(&data[at..have], have == data.len()) {
            Err(error) => return (found, error.to_string()),
            Ok(Step::Need { at_least }) => {
                assert!(have - at < at_least && have < data.len(), "needs more than there is");
                have = (have + piece).min(data.len());
            }
            Ok(Step::Item { consumed, item }) => {
                assert!(consumed <= have - at);
                at += consumed;
                found.push(format!("{item:?}"));
                match item {
                    Item::Eof { .. } => return (found, format!("the end at {at}")),
                    Item::Entry { value, .. } => written_again(&value),
                    _ => {}
                }
            }
        }
    }
}

/// What was read can be written, and that reads back as what writes the same bytes.
fn written_again(value: &rdb::Value) {
    let mut bytes = Vec::new();
    rdb::encode_value(&mut bytes, value, true);
    let again = rdb::decode_value(&bytes, &Shapes::default()).expect("what we write is sound");
    let mut twice = Vec::new();
    rdb::encode_value(&mut twice, &again, true);
    let thrice = rdb::decode_value(&twice, &Shapes::default()).expect("what we write is sound");
    let mut last = Vec::new();
    rdb::encode_value(&mut last, &thrice, true);
    assert_eq!(twice.len(), last.len(), "the form settles");
}

/// A value with its type before it, as DUMP gives it, but for the checksum: that is put right here. What RESTORE takes
/// of it bears every command.
pub fn restore(data: &[u8]) {
    let mut session = Session::new();
    let bytes = payload(data);
    if data.first().is_some_and(|kind| kind & 1 == 1) {
        session.speak(Proto::Resp3);
    }
    let reply = session.run(&[b"RESTORE", b"k", b"0", &bytes]).expect("is a command");
    if reply != Value::Simple(b"OK".to_vec()) {
        assert_eq!(reply, Value::Error(b"ERR Bad data format".to_vec()));
        assert_eq!(session.run(&[b"EXISTS", b"k"]), Some(Value::Int(0)), "half a value is there");
        return;
    }
    session.run(&[b"COPY", b"k", b"o"]);
    assert_eq!(session.digest(b"k"), session.digest(b"o"));
    dumps_the_same(&mut session, b"k");
    let kind = session.bytes(&[b"TYPE", b"k"]).expect("is there");
    let elements = session.elements(b"k");
    let mut spent = false;
    for line in TABLE.iter().filter(|line| line.kind.is_empty() || line.kind.as_bytes() == kind) {
        let words: Vec<&[u8]> = line
            .request
            .split(' ')
            .map(|word| match word {
                "E" => elements.first().map_or(&b""[..], |element| element),
                "M" => elements.get(1).map_or(&b""[..], |element| element),
                "L" => elements.last().map_or(&b""[..], |element| element),
                word => word.as_bytes(),
            })
            .collect();
        let before = session.engine.log.end();
        let Some(reply) = session.run(&words) else { continue };
        spent |= !reply.is_error();
        // What is not logged has changed nothing.
        if data.len() <= SMALL_BYTES_MAX && before < session.engine.log.end() {
            [&b"k"[..], b"o", b"d"].iter().for_each(|key| dumps_the_same(&mut session, key));
        }
    }
    assert!(spent, "some command works on it");
    [&b"k"[..], b"o", b"d"].iter().for_each(|key| dumps_the_same(&mut session, key));
}

/// DUMP and RESTORE make the same value.
fn dumps_the_same(session: &mut Session, key: &[u8]) {
    let Some(bytes) = session.bytes(&[b"DUMP", key]) else { return };
    // The digest tells whether a key expires.
    let ttl: &[u8] = if session.run(&[b"PTTL", key]) == Some(Value::Int(-1)) { b"0" } else { b"100000" };
    let restored = session.run(&[b"RESTORE", b"again", ttl, &bytes, b"REPLACE"]);
    assert_eq!(restored, Some(Value::Simple(b"OK".to_vec())), "what we dump is sound");
    assert_eq!(session.digest(b"again"), session.digest(key), "what we dump is the same");
    session.run(&[b"DEL", b"again"]);
}

/// A stream with its groups, with its type before it: read, changed in every way, written.
pub fn stream(data: &[u8]) {
    if !matches!(data.first(), Some(15 | 19 | 21)) {
        return;
    }
    let Some(rdb::Value::Object(object)) = rdb::decode_value(data, &Shapes::default()) else { return };
    let Object::Stream(mut stream) = object.into_owned() else {
        panic!("a stream's type gave something else")
    };
    let ids = check_stream(&stream);
    groups(&mut stream, &ids);
    let limits = Limits { block_bytes_max: 200, block_entries_max: 3 };
    let next = |stream: &Stream| {
        let last = stream.last_id();
        let (seq, carried) = last.seq.overflowing_add(1);
        Id::new(last.ms.saturating_add(u64::from(carried)), seq)
    };
    for pairs in [
        &[(&b"name"[..], &b"value"[..])][..],
        &[(b"name", b"5")],
        &[(b"a", b"b"), (b"c", b"")],
        &[(b"", b"")],
    ] {
        let id = next(&stream);
        let added = stream.add(id, pairs.iter().copied(), limits).is_ok();
        assert!(!added || stream.last().is_some_and(|last| last.id == id));
        check_stream(&stream);
    }
    for (i, id) in ids.iter().enumerate().take(40) {
        if i % 3 == 1 {
            assert!(stream.delete(*id));
            check_stream(&stream);
        }
    }
    let half = stream.len() as u64 / 2;
    stream.trim(Keep::Newest(half), Precision::Exact);
    assert_eq!(check_stream(&stream).len() as u64, half);
    if let Some(last) = stream.last().map(|last| last.id) {
        stream.trim(Keep::From(last), Precision::Exact);
        assert_eq!(check_stream(&stream), [last]);
    }
}

/// What the counters say is there; ids ascend; both directions agree; it is written and read again. Its ids.
fn check_stream(stream: &Stream) -> Vec<Id> {
    let ids: Vec<Id> = stream.range(Id::MIN, Id::MAX).map(|entry| entry.id).collect();
    assert!(ids.is_sorted_by(|a, b| a < b), "ids ascend");
    let mut back: Vec<Id> = stream.range_back(Id::MIN, Id::MAX).map(|entry| entry.id).collect();
    back.reverse();
    assert_eq!(ids, back, "from both sides");
    let counters = stream.counters();
    assert_eq!(counters.len, ids.len() as u64);
    assert_eq!(counters.first_id, ids.first().copied().unwrap_or(Id::MIN));
    assert!(ids.last().is_none_or(|last| *last <= counters.last_id));
    ids.iter()
        .take(20)
        .for_each(|id| assert!(stream.get(*id).is_some_and(|entry| entry.pairs().count() == entry.len())));
    written_again(&rdb::Value::from(&Object::Stream(Box::new(stream.clone()))));
    ids
}

/// Deliveries, claims, acknowledgements and the end of consumers, in every group that came with the bytes.
fn groups(stream: &mut Stream, ids: &[Id]) {
    let names: Vec<Vec<u8>> = stream.groups().map(|group| group.name().to_vec()).collect();
    for name in names {
        stream.with_group(&name, |group, _| {
            let consumers: Vec<Vec<u8>> =
                group.consumers().map(|consumer| consumer.name().to_vec()).collect();
            group.create_consumer(b"a newcomer", 5);
            group.deliver(ids, b"a newcomer", 6);
            let pending: Vec<Id> =
                group.pending_between(Id::MIN, Id::MAX).map(|pending| pending.id).collect();
            assert!(pending.is_sorted_by(|a, b| a < b) && pending.len() == group.pending_len());
            for (i, id) in pending.iter().enumerate() {
                match i % 3 {
                    0 => assert!(group.release(*id)),
                    1 => group.assign(*id, consumers.first().map_or(b"a newcomer", |name| name), 7, 1),
                    _ => {}
                }
            }
            for consumer in &consumers {
                assert!(group.delete_consumer(consumer).is_some());
            }
            let left: usize = group.consumers().map(|consumer| consumer.pending_len()).sum();
            assert_eq!(left, group.pending_len(), "both lists agree");
        });
    }
}
