//! Streams against what redis-server 7.0 answered and dumped, against a map, and against bytes that are none.

use super::*;
use crate::testing::{hex, mutate, random_text};
use base::rng::Rng;
use std::collections::BTreeMap;

type Pairs = Vec<(Vec<u8>, Vec<u8>)>;
type Model = BTreeMap<Id, Pairs>;

fn borrowed(pairs: &Pairs) -> impl Iterator<Item = (&[u8], &[u8])> + Clone {
    pairs.iter().map(|(name, value)| (&name[..], &value[..]))
}

fn owned(entry: Entry) -> (Id, Pairs) {
    (entry.id, entry.pairs().map(|(name, value)| (name.to_vec(), value.to_vec())).collect())
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// One line of a transcript: a command with plain arguments.
struct Command<'a> {
    words: Vec<&'a str>,
}

impl Command<'_> {
    fn n(&self, i: usize) -> u64 {
        self.words[i].parse().unwrap()
    }

    fn id(&self, i: usize) -> Id {
        Id::new(self.n(i), self.n(i + 1))
    }

    fn name(&self, i: usize) -> &[u8] {
        self.words[i].as_bytes()
    }

    /// `= ` or `~ limit`.
    fn precision(&self, i: usize) -> Precision {
        match self.words[i] {
            "=" => Precision::Exact,
            _ => Precision::Blocks { limit: self.n(i + 1) },
        }
    }
}

/// Does the command and answers as the transcript has it.
fn run(stream: &mut Stream, limits: &mut Limits, line: &str) -> String {
    let command = Command { words: line.split(' ').collect() };
    match command.words[0] {
        "NEW" => {
            *stream = Stream::new();
            "ok".into()
        }
        "LIMITS" => {
            *limits =
                Limits { block_bytes_max: command.n(1) as usize, block_entries_max: command.n(2) as usize };
            "ok".into()
        }
        "ADD" => {
            let pairs = command.words[3..].chunks(2).map(|pair| (pair[0].as_bytes(), pair[1].as_bytes()));
            format!("{:?}", stream.add(command.id(1), pairs, *limits))
        }
        "DEL" => u8::from(stream.delete(command.id(1))).to_string(),
        "MAXLEN" => stream.trim(Keep::Newest(command.n(1)), command.precision(2)).to_string(),
        "MINID" => stream.trim(Keep::From(command.id(1)), command.precision(3)).to_string(),
        "SETID" => set_id(stream, &command),
        "GROUP" => {
            let read = command.words[4].parse().ok();
            u8::from(stream.create_group(command.name(1), command.id(2), read)).to_string()
        }
        "READ" => read_group(stream, &command),
        "ACK" => {
            let id = command.id(2);
            let done = stream.with_group(command.name(1), |group, _| group.release(id));
            u8::from(done.unwrap_or(false)).to_string()
        }
        "INFO" => {
            let counters = stream.counters();
            let group = |group: &Group| {
                let name = String::from_utf8_lossy(group.name());
                let (consumers, pending) = (group.consumers_len(), group.pending_len());
                let (last, read, lag) = (group.last_id, group.entries_read, counters.lag(group));
                format!("{name} {consumers} {pending} {last} {read:?} {lag:?}")
            };
            stream.groups().map(group).collect::<Vec<_>>().join(";")
        }
        "DUMP" => {
            let c = stream.counters();
            let block =
                |block: &Block| format!("{}:{}", to_hex(&block.master().to_bytes()), to_hex(block.bytes()));
            let blocks = stream.blocks().map(block).collect::<Vec<_>>().join(",");
            let (last, first, deleted) = (c.last_id, c.first_id, c.max_deleted_id);
            let numbers = [last.ms, last.seq, first.ms, first.seq, deleted.ms, deleted.seq, c.entries_added];
            format!("{blocks} {} {numbers:?}", c.len)
        }
        other => panic!("{other}?"),
    }
}

fn set_id(stream: &mut Stream, command: &Command) -> String {
    let id = command.id(1);
    if stream.last().is_some_and(|last| id < last.id) {
        return "err".into();
    }
    match command.words[3] {
        "-" => stream.set_last_id(id, None, None),
        _ => stream.set_last_id(id, Some(command.n(3)), Some(command.id(4))),
    }
    "ok".into()
}

fn read_group(stream: &mut Stream, command: &Command) -> String {
    let (name, consumer) = (command.name(1), command.name(2));
    let Some(group) = stream.group(name) else { return "err".into() };
    let start = group.last_id.next().unwrap();
    let ids: Vec<Id> =
        stream.range(start, Id::MAX).take(command.n(3) as usize).map(|entry| entry.id).collect();
    if !ids.is_empty() {
        stream.with_group(name, |group, counters| {
            group.create_consumer(consumer, 0);
            ids.iter().for_each(|&id| group.read_past(counters, id));
            group.deliver(&ids, consumer, 0);
        });
    }
    ids.iter().map(Id::to_string).collect::<Vec<_>>().join(",")
}

/// Random commands, with redis-server 7.0.15's answers and the nodes of its DUMP.
#[test]
fn answers_and_bytes_are_those_of_redis() {
    let (mut stream, mut limits) = (Stream::new(), Limits::default());
    let mut lines = 0;
    for (number, line) in include_str!("transcript.txt").lines().enumerate() {
        let (command, wanted) = line.split_once(" =>").unwrap();
        assert_eq!(
            run(&mut stream, &mut limits, command),
            wanted.trim_start(),
            "line {}: {command}",
            number + 1
        );
        lines += 1;
    }
    assert!(500 < lines);
}

#[test]
fn ids_are_ordered_and_read_as_redis_reads_them() {
    assert_eq!(Id::from_bytes(Id::new(1, 2).to_bytes()), Id::new(1, 2));
    assert_eq!(to_hex(&Id::new(1000, 5).to_bytes()), "00000000000003e80000000000000005");
    assert_eq!((Id::new(1, u64::MAX).next(), Id::MAX.next()), (Some(Id::new(2, 0)), None));
    assert_eq!((Id::new(2, 0).prev(), Id::MIN.prev()), (Some(Id::new(1, u64::MAX)), None));
    for (text, wanted) in [
        ("5-3", Some(Id::new(5, 3))),
        ("5", Some(Id::new(5, 9))),
        ("0-0", Some(Id::MIN)),
        ("18446744073709551615-18446744073709551615", Some(Id::MAX)),
        ("007-01", Some(Id::new(7, 1))),
        ("+7- 1", Some(Id::new(7, 1))),
        ("1--01", Some(Id::new(1, u64::MAX))),
        ("1--1", None),
        ("18446744073709551616", None),
        ("", None),
        ("-", None),
        ("-1", None),
        ("1-", None),
        ("1-2-3", None),
        ("1-*", None),
        ("1-2 ", None),
        ("x", None),
    ] {
        assert_eq!(Id::parse(text.as_bytes(), 9), wanted, "{text:?}");
    }
    assert_eq!(Id::parse(&[b'1'; 128], 0), None);
}

#[test]
fn entries_must_ascend_and_have_a_limit() {
    let (mut stream, limits) = (Stream::new(), Limits::default());
    let add = |stream: &mut Stream, ms, seq| stream.add(Id::new(ms, seq), std::iter::empty(), limits);
    assert_eq!(add(&mut stream, 0, 0), Err(AddError::NotLast));
    assert_eq!(add(&mut stream, 5, 5), Ok(()));
    assert_eq!(add(&mut stream, 5, 5), Err(AddError::NotLast));
    assert_eq!(add(&mut stream, 5, 4), Err(AddError::NotLast));
    assert_eq!(add(&mut stream, 5, 6), Ok(()));
    let large = vec![0; 1 << 20];
    let too_large = (0..1025).map(|_| (&b""[..], &large[..]));
    assert_eq!(stream.add(Id::MAX, too_large, limits), Err(AddError::TooLarge));
    assert_eq!(stream.len(), 2);
    assert!(stream.first().unwrap().is_empty());
    assert_eq!(stream.add(Id::MAX, std::iter::empty(), limits), Ok(()));
    assert_eq!(stream.range(Id::MAX, Id::MAX).count(), 1);
}

fn check(stream: &Stream, model: &Model, rng: &mut Rng, story: &str) {
    let entries: Vec<(Id, Pairs)> = stream.range(Id::MIN, Id::MAX).map(owned).collect();
    assert!(entries.iter().map(|(id, pairs)| (id, pairs)).eq(model), "{story}");
    assert_eq!((stream.len(), stream.is_empty()), (model.len(), model.is_empty()), "{story}");
    let first = model.first_key_value().map_or(Id::MIN, |(id, _)| *id);
    assert_eq!(stream.counters().first_id, first, "{story}");
    let around = |rng: &mut Rng| Id::new(rng.below(60), rng.below(4));
    for _ in 0..4 {
        let (start, end) = (around(rng), around(rng));
        let wanted: Vec<Id> = model.keys().copied().filter(|id| start <= *id && *id <= end).collect();
        assert!(stream.range(start, end).map(|entry| entry.id).eq(wanted.iter().copied()), "{story}");
        assert!(stream.range_back(start, end).map(|entry| entry.id).eq(wanted.into_iter().rev()), "{story}");
    }
    // What would be saved can be loaded, and is the same.
    let mut loaded = Stream::new();
    for block in stream.blocks() {
        assert_eq!(loaded.push_block(block.master(), block.bytes().into()), Ok(()), "{story}");
    }
    let c = stream.counters();
    loaded.finish_load(c.last_id, Some(c.entries_added), Some(c.max_deleted_id));
    assert_eq!(loaded.counters(), c, "{story}");
    assert!(loaded.range(Id::MIN, Id::MAX).map(owned).eq(entries), "{story}");
}

fn trim_model(model: &mut Model, keep: Keep) -> u64 {
    let before = model.len();
    match keep {
        Keep::Newest(count) => {
            while count < model.len() as u64 {
                model.pop_first();
            }
        }
        Keep::From(id) => model.retain(|other, _| id <= *other),
    }
    (before - model.len()) as u64
}

#[test]
fn behaves_as_a_map() {
    for seed in 0..80 {
        let mut rng = Rng::new(seed);
        let (mut stream, mut model) = (Stream::new(), Model::new());
        let limits = [Limits::default(), Limits { block_bytes_max: 0, block_entries_max: 3 }];
        let limits = limits[seed as usize % 2];
        let mut snapshots = Vec::new();
        let mut last = Id::MIN;
        for round in 0..200 {
            let story = format!("seed {seed}, round {round}");
            match rng.below(14) {
                0..=7 => {
                    let step = rng.below(2);
                    let id = Id::new(last.ms + step, if step == 0 { last.seq + 1 } else { rng.below(3) });
                    let names = [&b"a"[..], b"12"].into_iter().take(rng.below(3) as usize);
                    let pairs: Pairs = names.map(|name| (name.to_vec(), random_text(&mut rng))).collect();
                    assert_eq!(stream.add(id, borrowed(&pairs), limits), Ok(()), "{story}");
                    model.insert(id, pairs);
                    last = id;
                }
                8..=10 => {
                    let id = Id::new(rng.below(last.ms + 1), rng.below(4));
                    assert_eq!(stream.contains(id), model.contains_key(&id), "{story}");
                    assert_eq!(stream.get(id).map(owned).map(|(_, pairs)| pairs), model.get(&id).cloned());
                    assert_eq!(stream.delete(id), model.remove(&id).is_some(), "{story}");
                }
                11 if rng.one_in(3) => {
                    let keep = match rng.one_in(2) {
                        true => Keep::Newest(rng.below(40)),
                        false => Keep::From(Id::new(rng.below(last.ms + 2), rng.below(3))),
                    };
                    assert_eq!(stream.trim(keep, Precision::Exact), trim_model(&mut model, keep), "{story}");
                }
                12 if rng.one_in(3) => {
                    // No more goes than need go, and what stays is the newer part.
                    let keep = Keep::Newest(rng.below(40));
                    let limit = rng.below(20);
                    let mut exact = model.clone();
                    let most = trim_model(&mut exact, keep);
                    let removed = stream.trim(keep, Precision::Blocks { limit });
                    assert!(removed <= most && (limit == 0 || removed <= limit), "{story}");
                    (0..removed).for_each(|_| drop(model.pop_first()));
                }
                13 if rng.one_in(4) => {
                    // Back behind what was deleted from the end: ids come a second time.
                    last = model.last_key_value().map_or(Id::new(1, 0), |(id, _)| *id);
                    stream.set_last_id(last, None, None);
                }
                _ => {}
            }
            assert_eq!(stream.last_id(), last, "{story}");
            if round % 5 == 0 {
                check(&stream, &model, &mut rng, &story);
            }
            if round % 50 == 25 {
                snapshots.push((stream.clone(), model.clone()));
            }
        }
        // Clones are what they were when they were made.
        for (stream, model) in &snapshots {
            check(stream, model, &mut rng, &format!("snapshot of seed {seed}"));
        }
    }
}

#[test]
fn a_block_of_tombstones_makes_way_for_smaller_ids() {
    let (mut stream, limits) = (Stream::new(), Limits::default());
    let pairs: Pairs = vec![(b"a".to_vec(), b"1".to_vec())];
    for ms in [5, 6, 7] {
        stream.add(Id::new(ms, 0), borrowed(&pairs), limits).unwrap();
    }
    stream.delete(Id::new(7, 0));
    assert_eq!(stream.trim(Keep::From(Id::new(7, 0)), Precision::Exact), 2);
    assert_eq!((stream.len(), stream.blocks_len()), (0, 1), "as in Redis");
    stream.set_last_id(Id::new(1, 0), None, None);
    stream.add(Id::new(2, 0), borrowed(&pairs), limits).unwrap();
    assert_eq!(stream.range(Id::MIN, Id::MAX).count(), 1);
    assert!(stream.contains(Id::new(2, 0)) && stream.delete(Id::new(2, 0)));
}

/// A block as DUMP of redis-server 7.0.15 has it, of three entries with a tombstone between, and one of other names.
const BLOCK: &str = "700000002800040101010201816102816202000102010001000101018374776f04050103010001010103018466\
    6f757205050100010101dffb0202018162020101816102020108010201f2880d0104dffc028001dffb0205010001f2880d0104dffd0201\
    01846f6e6c790501010601ff";

fn load(master: Id, bytes: &[u8]) -> Result<Stream, LoadError> {
    let mut stream = Stream::new();
    stream.push_block(master, bytes.into())?;
    stream.finish_load(Id::MIN, None, None);
    Ok(stream)
}

#[test]
fn blocks_of_redis_are_read() {
    let stream = load(Id::new(1000, 5), &hex(BLOCK)).unwrap();
    let entries: Vec<String> = stream.range(Id::MIN, Id::MAX).map(|entry| format!("{entry:?}")).collect();
    assert_eq!(entries[0], r#"1000-5 {Str([97]): Int(1), Str([98]): Str([116, 119, 111])}"#);
    let ids: Vec<String> = stream.range_back(Id::MIN, Id::MAX).map(|entry| entry.id.to_string()).collect();
    assert_eq!(ids, ["70000-2", "70000-1", "1001-0", "1000-5"]);
    assert_eq!(stream.get(Id::new(70_000, 1)).unwrap().len(), 2);
    let counters = stream.counters();
    assert_eq!((counters.len, counters.entries_added), (4, 4));
    assert_eq!((counters.first_id, counters.last_id), (Id::new(1000, 5), Id::new(70_000, 2)));
}

#[test]
fn broken_blocks_are_refused() {
    let ints = |numbers: &[i64]| Listpack::from_values(numbers.iter().map(|&n| Value::Int(n))).into_bytes();
    use crate::listpack::Listpack;
    let master = Id::new(1, 1);
    // One name, 7; entries with its value.
    assert!(load(master, &ints(&[1, 0, 1, 7, 0, 2, 0, 0, 9, 4])).is_ok());
    assert!(load(master, &ints(&[1, 0, 1, 7, 0, 0, 0, 0, 1, 8, 9, 6])).is_ok());
    for (numbers, why) in [
        (&[][..], "nothing"),
        (&[1, 0], "half a master"),
        (&[1, 0, 5, 7, 0], "names that are not there"),
        (&[1, 0, -1, 7, 0], "less than no names"),
        (&[1, 0, i64::MAX, 7, 0], "more names than there can be"),
        (&[1, 0, 1, 7, 1, 2, 0, 0, 9, 4], "a master without its end"),
        (&[2, 0, 1, 7, 0, 2, 0, 0, 9, 4], "an entry too few"),
        (&[0, 0, 1, 7, 0, 2, 0, 0, 9, 4], "an entry too many"),
        (&[i64::MAX, i64::MAX, 1, 7, 0, 2, 0, 0, 9, 4], "a sum that overflows"),
        (&[1, 0, 1, 7, 0, 2, 0, 0, 9, 5], "another number of elements"),
        (&[1, 0, 1, 7, 0, 2, 0, 0, 9], "no number of elements"),
        (&[1, 0, 1, 7, 0, 0, 0, 0, -1, 8, 9, 6], "less than no pairs"),
        (&[1, 0, 1, 7, 0, 0, 0, 0, i64::MAX, 8, 9, 6], "more pairs than there can be"),
        (&[2, 0, 1, 7, 0, 2, 0, 0, 9, 4, 2, 0, 0, 9, 4], "an id twice"),
        (&[2, 0, 1, 7, 0, 2, 0, 5, 9, 4, 2, 0, 4, 9, 4], "ids that don't ascend"),
    ] {
        assert_eq!(load(master, &ints(numbers)).err(), Some(LoadError::Block), "{why}");
    }
    let text = Listpack::from_values([b"x", b"0", b"1", b"7", b"0", b"2", b"0", b"0", b"9", b"4"]);
    assert_eq!(load(master, text.bytes()).err(), Some(LoadError::Block), "a string for a number");
    let mut stream = Stream::new();
    let block = ints(&[1, 0, 1, 7, 0, 2, 0, 0, 9, 4]);
    assert_eq!(stream.push_block(master, block.clone()), Ok(()));
    assert_eq!(stream.push_block(master, block.clone()), Err(LoadError::Order));
    assert_eq!(stream.push_block(Id::new(1, 2), block), Ok(()));
}

/// Numbers of a block that can be put right are.
#[test]
fn odd_blocks_are_put_right() {
    use crate::listpack::Listpack;
    let ints = |numbers: &[i64]| Listpack::from_values(numbers.iter().map(|&n| Value::Int(n))).into_bytes();
    let master = Id::new(5, 5);
    let swapped = load(master, &ints(&[0, 1, 1, 7, 0, 2, 0, 0, 9, 4])).unwrap();
    assert_eq!(swapped.blocks().next().unwrap().bytes(), &*ints(&[1, 0, 1, 7, 0, 2, 0, 0, 9, 4]));
    let buried = load(master, &ints(&[0, 1, 1, 7, 0, 3, 0, 0, 9, 4])).unwrap();
    assert_eq!((buried.len(), buried.blocks_len()), (0, 0));
    let before = load(master, &ints(&[1, 1, 1, 7, 0, 3, 0, 0, 9, 4, 2, -2, 0, 8, 4])).unwrap();
    assert_eq!(before.blocks().next().unwrap().master(), Id::new(3, 5));
    assert!(before.contains(Id::new(3, 5)));
}

#[test]
fn foreign_bytes_are_refused_or_can_be_used() {
    let (mut accepted, rounds) = (0, 20_000);
    for seed in 0..rounds {
        let mut rng = Rng::new(seed);
        let mut bytes = hex(BLOCK);
        mutate(&mut bytes, &mut rng);
        if rng.one_in(2) && 6 < bytes.len() {
            let total = (bytes.len() as u32).to_le_bytes();
            bytes[..4].copy_from_slice(&total);
            bytes[4..6].fill(0xFF);
        }
        let Ok(mut stream) = load(Id::new(1000, 5), &bytes) else { continue };
        accepted += 1;
        let model: Model = stream.range(Id::MIN, Id::MAX).map(owned).collect();
        assert_eq!(stream.len(), model.len(), "seed {seed}");
        assert!(stream.range_back(Id::MIN, Id::MAX).map(|entry| entry.id).eq(model.keys().copied().rev()));
        for &id in model.keys() {
            assert!(stream.contains(id), "seed {seed}");
        }
        if let Some(next) = stream.last_id().next() {
            assert_eq!(stream.add(next, std::iter::empty(), Limits::default()), Ok(()));
            assert!(stream.delete(next), "seed {seed}");
        }
        if let Some(&id) = model.keys().next() {
            assert!(stream.delete(id) && !stream.delete(id), "seed {seed}");
        }
        stream.trim(Keep::Newest(1), Precision::Exact);
        assert!(stream.len() <= 1, "seed {seed}");
    }
    assert!(rounds / 50 < accepted && accepted < rounds * 9 / 10, "{accepted} accepted");
}

type Owners = BTreeMap<Id, (Vec<u8>, i64, u64)>;

fn check_group(group: &Group, owners: &Owners, names: &BTreeMap<Vec<u8>, ()>, story: &str) {
    assert_eq!(group.pending_len(), owners.len(), "{story}");
    let all = group.pending_between(Id::MIN, Id::MAX);
    let all = all
        .map(|pending| (pending.id, (pending.consumer.to_vec(), pending.delivered_ms, pending.deliveries)));
    assert!(all.eq(owners.iter().map(|(id, owner)| (*id, owner.clone()))), "{story}");
    assert!(group.consumers().map(Consumer::name).eq(names.keys().map(|name| &name[..])), "{story}");
    for consumer in group.consumers() {
        let own: Vec<Id> =
            owners.iter().filter(|(_, owner)| owner.0 == consumer.name()).map(|(id, _)| *id).collect();
        assert_eq!(consumer.pending_len(), own.len(), "{story}");
        assert!(consumer.pending_ids(Id::MIN, Id::MAX).eq(&own), "{story}");
        let half = Id::new(50, 0);
        let below = own.iter().filter(|id| **id <= half).count();
        assert_eq!(consumer.pending_ids(Id::MIN, half).count(), below, "{story}");
    }
}

#[test]
fn groups_know_what_is_pending_with_whom() {
    for seed in 0..40 {
        let mut rng = Rng::new(seed);
        let mut stream = Stream::new();
        assert!(stream.create_group(b"g", Id::MIN, None) && !stream.create_group(b"g", Id::MIN, None));
        let (mut owners, mut names) = (Owners::new(), BTreeMap::new());
        let mut snapshots = Vec::new();
        for round in 0..400 {
            let story = format!("seed {seed}, round {round}");
            let name = vec![b'a' + rng.below(5) as u8; 1 + rng.below(2) as usize];
            let id = Id::new(rng.below(100), rng.below(2));
            let now = round as i64;
            stream.with_group(b"g", |group, _| match rng.below(8) {
                0..=2 => {
                    assert_eq!(group.create_consumer(&name, now), names.insert(name.clone(), ()).is_none());
                    let ids = [id, Id::new(id.ms + 1, 7)];
                    group.deliver(&ids, &name, now);
                    owners.extend(ids.map(|id| (id, (name.clone(), now, 1))));
                }
                3 if names.contains_key(&name) => {
                    let deliveries = rng.below(9);
                    group.assign(id, &name, now - 5, deliveries);
                    owners.insert(id, (name.clone(), now - 5, deliveries));
                }
                4 | 5 => assert_eq!(group.release(id), owners.remove(&id).is_some(), "{story}"),
                6 if rng.one_in(4) => {
                    let dropped = owners.values().filter(|owner| owner.0 == name).count();
                    let there = names.remove(&name).is_some();
                    owners.retain(|_, owner| owner.0 != name);
                    assert_eq!(group.delete_consumer(&name), there.then_some(dropped), "{story}");
                }
                _ => {
                    group.touch_consumer(&name, now, Activity::Seen);
                    group.touch_consumer(&name, now - 1, Activity::Active);
                    let times = group.consumer(&name).map(|consumer| (consumer.seen_ms, consumer.active_ms));
                    assert_eq!(times, names.contains_key(&name).then_some((now, Some(now - 1))), "{story}");
                }
            });
            check_group(stream.group(b"g").unwrap(), &owners, &names, &story);
            if round % 100 == 50 {
                snapshots.push((stream.clone(), owners.clone(), names.clone()));
            }
        }
        for (stream, owners, names) in &snapshots {
            check_group(stream.group(b"g").unwrap(), owners, names, "snapshot");
        }
        assert!(stream.destroy_group(b"g") && !stream.destroy_group(b"g"));
        assert!(stream.group(b"g").is_none() && stream.with_group(b"g", |_, _| ()).is_none());
    }
}

#[test]
fn groups_are_loaded_whole_or_not() {
    let (one, two) = (Id::new(1, 0), Id::new(2, 0));
    let fresh = || {
        let mut loader = GroupLoader::new(b"g", two, Some(2));
        loader.pending(one, 10, 1).unwrap();
        loader.pending(two, 20, 3).unwrap();
        loader.consumer(b"c", 30, None).unwrap();
        loader.owned(b"c", one).unwrap();
        loader
    };
    let mut loader = fresh();
    loader.owned(b"c", two).unwrap();
    let group = loader.finish().unwrap();
    let wanted = Pending { id: two, consumer: (*b"c").into(), delivered_ms: 20, deliveries: 3 };
    assert_eq!(group.pending(two), Some(&wanted));
    assert_eq!(group.consumer(b"c").map(|consumer| (consumer.seen_ms, consumer.active_ms)), Some((30, None)));
    assert_eq!(fresh().finish().err(), Some(GroupError::NoConsumer));
    assert_eq!(fresh().pending(two, 1, 1), Err(GroupError::DuplicatePending));
    assert_eq!(fresh().consumer(b"c", 1, None), Err(GroupError::DuplicateConsumer));
    assert_eq!(fresh().owned(b"c", one), Err(GroupError::NotPending), "twice");
    assert_eq!(fresh().owned(b"c", Id::new(3, 0)), Err(GroupError::NotPending));
    let mut stream = Stream::new();
    assert_eq!(stream.add_group(group.clone()), Ok(()));
    assert_eq!(stream.add_group(group), Err(LoadError::DuplicateGroup));
    assert!(0 < stream.memory_bytes());
}

#[test]
fn a_sample_tells_about_how_much_memory_all_takes() {
    let (mut stream, limits) = (Stream::new(), Limits::default());
    let pairs: Pairs = vec![(b"name".to_vec(), b"some value".to_vec())];
    (1..20_000).for_each(|ms| stream.add(Id::new(ms, 0), borrowed(&pairs), limits).unwrap());
    stream.create_group(b"g", Id::MIN, None);
    let without = stream.memory_bytes();
    let ids: Vec<Id> = (1..10_000).map(|ms| Id::new(ms, 0)).collect();
    stream.with_group(b"g", |group, _| {
        (0..10u8).for_each(|c| _ = group.create_consumer(&[c], 0));
        ids.chunks(1000).zip(0u8..).for_each(|(ids, c)| group.deliver(ids, &[c], 0));
    });
    let (all, few) = (stream.memory_bytes() as f64, stream.memory_bytes_sampled(5) as f64);
    assert!((few - all).abs() < all / 5.0, "{few} {all}");
    // An id twice and what is known of its delivery.
    assert!(
        without as f64 + 9_999.0 * 32.0 < all && all < 3.0 * (without as f64 + 9_999.0 * 64.0),
        "{without} {all}"
    );
}

/// A write to a stream that a snapshot holds copies a block and its pages, not the stream.
#[test]
fn a_snapshot_shares_what_is_not_written() {
    let (mut stream, limits) = (Stream::new(), Limits::default());
    let pairs: Pairs = vec![(b"name".to_vec(), b"value".to_vec())];
    (1..50_000).for_each(|ms| stream.add(Id::new(ms, 0), borrowed(&pairs), limits).unwrap());
    let snapshot = stream.clone();
    stream.add(Id::new(50_000, 0), borrowed(&pairs), limits).unwrap();
    stream.delete(Id::new(25_000, 0));
    let pairs = stream.blocks.iter().zip(snapshot.blocks.iter());
    assert_eq!(pairs.filter(|(ours, theirs)| !Arc::ptr_eq(ours, theirs)).count(), 2);
    assert_eq!((snapshot.len(), stream.len()), (49_999, 49_999));
}

/// The sum is told by a few of the parts; where all are alike that is the sum itself.
#[test]
fn memory_is_told_by_samples() {
    let mut stream = Stream::new();
    let value = [b'v'; 90];
    for ms in 1..=20_000 {
        stream
            .add(Id::new(ms, 0), [(&b"f"[..], &value[..])].into_iter(), Limits::default())
            .expect("ascends");
    }
    let blocks: usize = stream.blocks().map(|block| block.bytes().len()).sum();
    let told = stream.memory_bytes();
    assert!(blocks < told && told < blocks * 11 / 10, "{told} for {blocks}");
}

/// Redis counts on into the negative numbers, and its replica refuses what it is told then.
#[test]
fn a_group_that_has_read_too_much_to_count() {
    let mut stream = Stream::new();
    let limits = Limits { block_bytes_max: 4096, block_entries_max: 100 };
    stream.add(Id::new(1, 0), [(&b"f"[..], &b"v"[..])].into_iter(), limits).expect("is larger");
    stream.create_group(b"g", Id::MIN, Some(i64::MAX as u64));
    stream.with_group(b"g", |group, counters| group.read_past(counters, Id::new(1, 0)));
    assert_eq!(stream.groups().next().expect("is there").entries_read, None);
}
