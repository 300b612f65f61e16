//! Lists, sets, hashes, sorted sets and streams: random commands against values of the standard library.
//!
//! Small limits make large forms of a few elements in half of the runs; in the others they come by many. Snapshots are
//! walked meanwhile: a large value is shared with them while it is changed. A key's first letter says its type, but for
//! a few that are put astray.

use super::{Held, Replica, Walk, held};
use crate::testing::{Bench, START_MS, texts};
use base::rng::Rng;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering::Relaxed;

/// Templates: L, S, Z, H and X are keys of these types, T one of any; E an element, EE many; P a pair, PP many; Q a score
/// and a member, QQ many; F a score; N an index, M a time in milliseconds; I an id behind all others, O one of
/// before, perhaps.
const TEMPLATES: &[&str] = &[
    "RPUSH L E",
    "LPUSH L E E",
    "RPUSH L EE",
    "LPUSH L EE",
    "RPUSHX L E",
    "LPOP L",
    "RPOP L",
    "LPOP L 3",
    "LLEN L",
    "LINDEX L N",
    "LRANGE L N N",
    "LSET L N E",
    "LREM L 0 E",
    "LREM L -2 E",
    "LTRIM L 1 -3",
    "LTRIM L N N",
    "LINSERT L BEFORE E E",
    "LINSERT L AFTER E E",
    "LMOVE L L LEFT RIGHT",
    "RPOPLPUSH L L",
    "SADD S E",
    "SADD S EE",
    "SADD S EE",
    "SREM S E E",
    "SREM S EE",
    "SISMEMBER S E",
    "SCARD S",
    "SMEMBERS S",
    "SPOP S",
    "SPOP S 4",
    "SMOVE S S E",
    "SINTER S S",
    "SUNIONSTORE S S S",
    "SINTERSTORE S S S",
    "SDIFFSTORE S S S",
    "HSET H P",
    "HSET H PP",
    "HSET H PP",
    "HSETNX H P",
    "HGET H E",
    "HGETALL H",
    "HDEL H E E",
    "HDEL H EE",
    "HLEN H",
    "HEXISTS H E",
    "ZADD Z Q",
    "ZADD Z QQ",
    "ZADD Z QQ",
    "ZADD Z NX CH Q",
    "ZINCRBY Z F E",
    "ZREM Z E E",
    "ZREM Z EE",
    "ZSCORE Z E",
    "ZRANK Z E",
    "ZCARD Z",
    "ZRANGE Z N N WITHSCORES",
    "ZPOPMIN Z 2",
    "ZPOPMAX Z",
    "ZREMRANGEBYRANK Z N N",
    "ZREMRANGEBYSCORE Z F F",
    "ZUNIONSTORE Z 2 Z Z",
    "XADD X I P",
    "XADD X I P",
    "XADD X I PP",
    "XADD X MAXLEN 5 I P",
    "XDEL X O O O",
    "XTRIM X MAXLEN 7",
    "XTRIM X MINID O",
    "XLEN X",
    "XRANGE X O +",
    "XREVRANGE X + -",
    "DEL T",
    "UNLINK T",
    "RENAME T T",
    "COPY T T REPLACE",
    "PEXPIRE T M",
    "PERSIST T",
    "TYPE T",
    "TICK M",
];

const WRONG_TYPE: &str = "-WRONGTYPE Operation against a key holding the wrong kind of value";

#[derive(Clone, PartialEq, Debug)]
enum Val {
    List(Vec<Vec<u8>>),
    Set(BTreeSet<Vec<u8>>),
    Hash(BTreeMap<Vec<u8>, Vec<u8>>),
    Zset(BTreeMap<Vec<u8>, f64>),
    /// Ids, which are one number here, and pairs.
    Stream(BTreeMap<u64, Vec<Vec<u8>>>),
}

impl Val {
    fn of(letter: u8) -> Self {
        match letter {
            b'L' => Self::List(Vec::new()),
            b'S' => Self::Set(BTreeSet::new()),
            b'H' => Self::Hash(BTreeMap::new()),
            b'X' => Self::Stream(BTreeMap::new()),
            _ => Self::Zset(BTreeMap::new()),
        }
    }

    fn letter(&self) -> u8 {
        match self {
            Self::List(_) => b'L',
            Self::Set(_) => b'S',
            Self::Hash(_) => b'H',
            Self::Zset(_) => b'Z',
            Self::Stream(_) => b'X',
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::List(list) => list.len(),
            Self::Set(set) => set.len(),
            Self::Hash(hash) => hash.len(),
            Self::Zset(zset) => zset.len(),
            Self::Stream(stream) => stream.len(),
        }
    }

    /// A stream stays when it is emptied.
    fn stays_empty(&self) -> bool {
        matches!(self, Self::Stream(_))
    }
}

/// What a command answers.
#[derive(PartialEq, Debug)]
enum Told {
    Text(String),
    /// An array or map in any order.
    Items(Vec<String>),
    /// Some members, by chance: they go.
    Popped,
}

type Data = BTreeMap<Vec<u8>, (Val, Option<i64>)>;

struct Model {
    data: Data,
    now_ms: i64,
}

fn quoted(text: &[u8]) -> String {
    format!("\"{}\"", text.escape_ascii())
}

fn array(items: impl IntoIterator<Item = String>) -> Told {
    Told::Text(format!("[{}]", items.into_iter().collect::<Vec<_>>().join(", ")))
}

fn number(n: usize) -> Told {
    Told::Text(n.to_string())
}

fn float(text: &[u8]) -> f64 {
    std::str::from_utf8(text).expect("is text").parse().expect("is a number")
}

/// Members by score, then name.
fn ranked(zset: &BTreeMap<Vec<u8>, f64>) -> Vec<(Vec<u8>, f64)> {
    let mut all: Vec<_> = zset.iter().map(|(member, score)| (member.clone(), *score)).collect();
    all.sort_by(|a, b| a.1.total_cmp(&b.1).then_with(|| a.0.cmp(&b.0)));
    all
}

fn with_scores(members: &[(Vec<u8>, f64)]) -> Told {
    array(members.iter().flat_map(|(member, score)| [quoted(member), quoted(score.to_string().as_bytes())]))
}

/// The first part of an id, whose second is 1.
fn id_of(text: &[u8]) -> u64 {
    let ms = text.strip_suffix(b"-1").expect("ids are made so");
    std::str::from_utf8(ms).expect("is text").parse().expect("is a number")
}

fn keep_last(stream: &mut BTreeMap<u64, Vec<Vec<u8>>>, count: usize) {
    while count < stream.len() {
        stream.pop_first();
    }
}

fn entries<'e>(entries: impl Iterator<Item = (&'e u64, &'e Vec<Vec<u8>>)>) -> Told {
    array(entries.map(|(id, pairs)| {
        let pairs = pairs.iter().map(|text| quoted(text)).collect::<Vec<_>>().join(", ");
        format!("[\"{id}-1\", [{pairs}]]")
    }))
}

/// The places of `start..=end`, counted from either end.
fn places(len: usize, start: &[u8], end: &[u8]) -> std::ops::Range<usize> {
    let at = |text: &[u8]| {
        let n = float(text) as i64;
        if n < 0 { n + len as i64 } else { n }
    };
    let (start, end) = (at(start).max(0), at(end).min(len as i64 - 1));
    if end < start { 0..0 } else { start as usize..end as usize + 1 }
}

impl Model {
    fn forget_what_is_over(&mut self) {
        let now = self.now_ms;
        self.data.retain(|_, (_, at)| at.is_none_or(|at| now <= at));
    }

    /// The value of a type at a key: an empty one where there is none.
    fn get(&self, letter: u8, key: &[u8]) -> Val {
        self.data.get(key).map_or(Val::of(letter), |(value, _)| value.clone())
    }

    fn put(&mut self, key: &[u8], value: Val) {
        if value.len() == 0 && !(value.stays_empty() && self.data.contains_key(key)) {
            self.data.remove(key);
        } else {
            let expiry = self.data.get(key).and_then(|(_, expiry)| *expiry);
            self.data.insert(key.to_vec(), (value, expiry));
        }
    }

    fn replace(&mut self, key: &[u8], value: Val) -> Told {
        let len = value.len();
        self.data.remove(key);
        self.put(key, value);
        number(len)
    }

    /// `None`: the command is not run, as several keys disagree about their types.
    fn run(&mut self, argv: &[Vec<u8>], keys: &[(u8, usize)]) -> Option<Told> {
        self.forget_what_is_over();
        let is_wrong = |&(letter, at): &(u8, usize)| {
            letter != b'T' && self.data.get(&argv[at]).is_some_and(|(value, _)| value.letter() != letter)
        };
        match keys.iter().any(is_wrong) {
            true if keys.len() == 1 => return Some(Told::Text(WRONG_TYPE.into())),
            true => return None,
            false => {}
        }
        let name = std::str::from_utf8(&argv[0]).expect("is text");
        let key = argv[1].as_slice();
        Some(match keys[0].0 {
            b'L' => self.list(name, key, argv),
            b'S' => self.set(name, key, argv),
            b'H' => self.hash(name, key, argv),
            b'X' => self.stream(name, key, argv),
            b'Z' => self.zset(name, key, argv),
            _ => self.any(name, key, argv),
        })
    }

    fn list(&mut self, name: &str, key: &[u8], argv: &[Vec<u8>]) -> Told {
        let Val::List(mut list) = self.get(b'L', key) else { unreachable!("its type was looked at") };
        let told = match name {
            "RPUSHX" if list.is_empty() => number(0),
            "RPUSH" | "RPUSHX" => {
                list.extend_from_slice(&argv[2..]);
                number(list.len())
            }
            "LPUSH" => {
                argv[2..].iter().for_each(|element| list.insert(0, element.clone()));
                number(list.len())
            }
            "LPOP" if argv.len() == 3 => {
                let popped: Vec<_> = list.drain(..list.len().min(3)).collect();
                match popped.is_empty() {
                    true => Told::Text("nil".into()),
                    false => array(popped.iter().map(|element| quoted(element))),
                }
            }
            "LPOP" | "RPOP" => {
                let at = if name == "LPOP" { 0 } else { list.len().saturating_sub(1) };
                let popped = (at < list.len()).then(|| list.remove(at));
                Told::Text(popped.map_or("nil".into(), |element| quoted(&element)))
            }
            "LLEN" => number(list.len()),
            "LINDEX" => {
                let found = list.get(places(list.len(), &argv[2], &argv[2])).and_then(|found| found.first());
                Told::Text(found.map_or("nil".into(), |element| quoted(element)))
            }
            "LRANGE" => array(list[places(list.len(), &argv[2], &argv[3])].iter().map(|e| quoted(e))),
            "LSET" => match places(list.len(), &argv[2], &argv[2]) {
                _ if list.is_empty() => Told::Text("-ERR no such key".into()),
                range if range.is_empty() => Told::Text("-ERR index out of range".into()),
                range => {
                    list[range.start] = argv[3].clone();
                    Told::Text("OK".into())
                }
            },
            "LREM" => {
                let mut left = if argv[2] == b"0" { usize::MAX } else { 2 };
                let before = list.len();
                let mut keep: Vec<Vec<u8>> = Vec::new();
                // From the end in both cases: without a limit it does not matter.
                for element in list.iter().rev() {
                    if *element == argv[3] && 0 < left {
                        left -= 1;
                    } else {
                        keep.push(element.clone());
                    }
                }
                keep.reverse();
                list = keep;
                number(before - list.len())
            }
            "LTRIM" => {
                list = list[places(list.len(), &argv[2], &argv[3])].to_vec();
                Told::Text("OK".into())
            }
            "LINSERT" => match list.iter().position(|element| *element == argv[3]) {
                _ if list.is_empty() => number(0),
                None => Told::Text("-1".into()),
                Some(at) => {
                    list.insert(at + usize::from(argv[2] == b"AFTER"), argv[4].clone());
                    number(list.len())
                }
            },
            _ => {
                let from_head = name == "LMOVE";
                if list.is_empty() {
                    return Told::Text("nil".into());
                }
                let element = list.remove(if from_head { 0 } else { list.len() - 1 });
                self.put(key, Val::List(list));
                let Val::List(mut to) = self.get(b'L', &argv[2]) else { unreachable!("as above") };
                to.insert(if from_head { to.len() } else { 0 }, element.clone());
                self.put(&argv[2], Val::List(to));
                return Told::Text(quoted(&element));
            }
        };
        self.put(key, Val::List(list));
        told
    }

    fn set(&mut self, name: &str, key: &[u8], argv: &[Vec<u8>]) -> Told {
        let get = |model: &Self, key: &[u8]| match model.get(b'S', key) {
            Val::Set(set) => set,
            _ => unreachable!("its type was looked at"),
        };
        let mut set = get(self, key);
        let told = match name {
            "SADD" => number(argv[2..].iter().filter(|member| set.insert((*member).clone())).count()),
            "SREM" => number(argv[2..].iter().filter(|member| set.remove(*member)).count()),
            "SISMEMBER" => number(usize::from(set.contains(&argv[2]))),
            "SCARD" => number(set.len()),
            "SMEMBERS" => Told::Items(set.iter().map(|member| quoted(member)).collect()),
            "SPOP" => Told::Popped,
            "SMOVE" => {
                if !set.remove(&argv[3]) {
                    return number(0);
                }
                self.put(key, Val::Set(set));
                let mut to = get(self, &argv[2]);
                to.insert(argv[3].clone());
                self.put(&argv[2], Val::Set(to));
                return number(1);
            }
            "SINTER" => {
                let other = get(self, &argv[2]);
                return Told::Items(set.intersection(&other).map(|member| quoted(member)).collect());
            }
            _ => {
                let (a, b) = (get(self, &argv[2]), get(self, &argv[3]));
                let made = match name {
                    "SUNIONSTORE" => a.union(&b).cloned().collect(),
                    "SINTERSTORE" => a.intersection(&b).cloned().collect(),
                    _ => a.difference(&b).cloned().collect(),
                };
                return self.replace(key, Val::Set(made));
            }
        };
        self.put(key, Val::Set(set));
        told
    }

    fn hash(&mut self, name: &str, key: &[u8], argv: &[Vec<u8>]) -> Told {
        let Val::Hash(mut hash) = self.get(b'H', key) else { unreachable!("its type was looked at") };
        let told = match name {
            "HSETNX" if hash.contains_key(&argv[2]) => number(0),
            "HSET" | "HSETNX" => {
                let pairs = argv[2..].chunks(2);
                number(pairs.filter(|pair| hash.insert(pair[0].clone(), pair[1].clone()).is_none()).count())
            }
            "HGET" => Told::Text(hash.get(&argv[2]).map_or("nil".into(), |value| quoted(value))),
            "HGETALL" => Told::Items(hash.iter().flat_map(|(f, v)| [quoted(f), quoted(v)]).collect()),
            "HDEL" => number(argv[2..].iter().filter(|field| hash.remove(*field).is_some()).count()),
            "HLEN" => number(hash.len()),
            _ => number(usize::from(hash.contains_key(&argv[2]))),
        };
        self.put(key, Val::Hash(hash));
        told
    }

    fn zset(&mut self, name: &str, key: &[u8], argv: &[Vec<u8>]) -> Told {
        let Val::Zset(mut zset) = self.get(b'Z', key) else { unreachable!("its type was looked at") };
        let all = ranked(&zset);
        let gone = |zset: &mut BTreeMap<Vec<u8>, f64>, gone: &[(Vec<u8>, f64)]| {
            gone.iter().for_each(|(member, _)| assert!(zset.remove(member).is_some()));
            number(gone.len())
        };
        let told = match name {
            "ZADD" if argv[2] == b"NX" => {
                let added = !zset.contains_key(&argv[5]);
                zset.entry(argv[5].clone()).or_insert(float(&argv[4]));
                number(usize::from(added))
            }
            "ZADD" => {
                let pairs = argv[2..].chunks(2);
                number(pairs.filter(|pair| zset.insert(pair[1].clone(), float(&pair[0])).is_none()).count())
            }
            "ZINCRBY" => {
                let score = zset.entry(argv[3].clone()).or_insert(0.0);
                *score += float(&argv[2]);
                Told::Text(quoted(score.to_string().as_bytes()))
            }
            "ZREM" => number(argv[2..].iter().filter(|member| zset.remove(*member).is_some()).count()),
            "ZSCORE" => {
                let score = zset.get(&argv[2]);
                Told::Text(score.map_or("nil".into(), |score| quoted(score.to_string().as_bytes())))
            }
            "ZRANK" => {
                let at = all.iter().position(|(member, _)| *member == argv[2]);
                Told::Text(at.map_or("nil".into(), |at| at.to_string()))
            }
            "ZCARD" => number(zset.len()),
            "ZRANGE" => with_scores(&all[places(all.len(), &argv[2], &argv[3])]),
            "ZPOPMIN" => {
                let popped = &all[..all.len().min(2)];
                gone(&mut zset, popped);
                with_scores(popped)
            }
            "ZPOPMAX" => {
                let popped = &all[all.len().saturating_sub(1)..];
                gone(&mut zset, popped);
                with_scores(popped)
            }
            "ZREMRANGEBYRANK" => gone(&mut zset, &all[places(all.len(), &argv[2], &argv[3])]),
            "ZREMRANGEBYSCORE" => {
                let (low, high) = (float(&argv[2]), float(&argv[3]));
                let within = all.into_iter().filter(|(_, score)| low <= *score && *score <= high);
                gone(&mut zset, &within.collect::<Vec<_>>())
            }
            _ => {
                let mut sum = BTreeMap::new();
                for from in &argv[3..5] {
                    let Val::Zset(other) = self.get(b'Z', from) else { unreachable!("as above") };
                    other.into_iter().for_each(|(member, score)| *sum.entry(member).or_insert(0.0) += score);
                }
                return self.replace(key, Val::Zset(sum));
            }
        };
        self.put(key, Val::Zset(zset));
        told
    }

    fn stream(&mut self, name: &str, key: &[u8], argv: &[Vec<u8>]) -> Told {
        let Val::Stream(mut stream) = self.get(b'X', key) else { unreachable!("its type was looked at") };
        let told = match name {
            "XADD" => {
                let rest = if argv[2] == b"MAXLEN" { &argv[4..] } else { &argv[2..] };
                stream.insert(id_of(&rest[0]), rest[1..].to_vec());
                if rest.len() + 4 == argv.len() {
                    keep_last(&mut stream, 5);
                }
                Told::Text(quoted(&rest[0]))
            }
            "XDEL" => number(argv[2..].iter().filter(|id| stream.remove(&id_of(id)).is_some()).count()),
            "XTRIM" => {
                let before = stream.len();
                match &argv[2][..] {
                    b"MAXLEN" => keep_last(&mut stream, 7),
                    _ => stream = stream.split_off(&id_of(&argv[3])),
                }
                number(before - stream.len())
            }
            "XLEN" => number(stream.len()),
            "XRANGE" => entries(stream.range(id_of(&argv[2])..)),
            _ => entries(stream.iter().rev()),
        };
        self.put(key, Val::Stream(stream));
        told
    }

    fn any(&mut self, name: &str, key: &[u8], argv: &[Vec<u8>]) -> Told {
        let found = self.data.get(key).cloned();
        match name {
            "DEL" | "UNLINK" => number(usize::from(self.data.remove(key).is_some())),
            "COPY" if key == argv[2] => Told::Text("-ERR source and destination objects are the same".into()),
            "RENAME" | "COPY" if found.is_none() => {
                Told::Text(if name == "COPY" { "0" } else { "-ERR no such key" }.into())
            }
            "RENAME" | "COPY" => {
                if name == "RENAME" {
                    self.data.remove(key);
                }
                self.data.insert(argv[2].clone(), found.expect("is there"));
                Told::Text(if name == "COPY" { "1" } else { "OK" }.into())
            }
            "PEXPIRE" => {
                let at = self.now_ms + float(&argv[2]) as i64;
                if at <= self.now_ms {
                    self.data.remove(key);
                } else if let Some(entry) = self.data.get_mut(key) {
                    entry.1 = Some(at);
                }
                number(usize::from(found.is_some()))
            }
            "PERSIST" => {
                let had = self.data.get_mut(key).and_then(|entry| entry.1.take());
                number(usize::from(had.is_some()))
            }
            _ => Told::Text(
                match found.map(|(value, _)| value.letter()) {
                    None => "none",
                    Some(b'L') => "list",
                    Some(b'S') => "set",
                    Some(b'H') => "hash",
                    Some(b'X') => "stream",
                    Some(_) => "zset",
                }
                .into(),
            ),
        }
    }
}

fn element(rng: &mut Rng) -> Vec<u8> {
    match rng.below(12) {
        0 => format!("{}{}", "long ".repeat(15), rng.below(20)).into_bytes(),
        1..=5 => (rng.below(300) as i64 - 100).to_string().into_bytes(),
        _ => format!("e{}", rng.below(200)).into_bytes(),
    }
}

/// Of quarters, so that sums are exact.
fn score(rng: &mut Rng) -> Vec<u8> {
    ((rng.below(80) as f64 - 40.0) / 4.0).to_string().into_bytes()
}

/// A command, and where its keys stand, with the type that it wants there.
fn random_command(rng: &mut Rng, step: u32) -> (Vec<Vec<u8>>, Vec<(u8, usize)>) {
    let template = TEMPLATES[rng.below(TEMPLATES.len() as u64) as usize];
    let (mut argv, mut keys): (Vec<Vec<u8>>, Vec<(u8, usize)>) = (Vec::new(), Vec::new());
    let many = 10 + rng.below(50);
    // Keys of any type are of one type within a command.
    let letter = b"LSHZX"[rng.below(5) as usize];
    for word in template.split(' ') {
        match word {
            "L" | "S" | "Z" | "H" | "X" | "T" => {
                let wanted = word.as_bytes()[0];
                let of = match wanted {
                    b'T' => letter,
                    _ if rng.one_in(60) => letter,
                    wanted => wanted,
                };
                keys.push((wanted, argv.len()));
                argv.push(format!("{}{}", char::from(of), rng.below(3)).into_bytes());
            }
            "E" => argv.push(element(rng)),
            "EE" => (0..many).for_each(|_| argv.push(element(rng))),
            "P" => argv.extend([element(rng), element(rng)]),
            "PP" => (0..many).for_each(|_| argv.extend([element(rng), element(rng)])),
            "Q" => argv.extend([score(rng), element(rng)]),
            "QQ" => (0..many).for_each(|_| argv.extend([score(rng), element(rng)])),
            "I" => argv.push(format!("{}-1", step + 1).into_bytes()),
            "O" => argv.push(format!("{}-1", step.saturating_sub(rng.below(200) as u32) + 1).into_bytes()),
            "F" => argv.push(score(rng)),
            "N" => argv.push((rng.below(60) as i64 - 20).to_string().into_bytes()),
            "M" => argv.push((rng.below(2000) as i64 - 20).to_string().into_bytes()),
            word => argv.push(word.as_bytes().to_vec()),
        }
    }
    (argv, keys)
}

/// The items of a reply that is an array or a map, in order of their text.
fn sorted_items(reply: &str) -> Vec<String> {
    let inner = reply.trim_matches(['[', ']', '{', '}']);
    let mut items: Vec<String> =
        inner.split(", ").filter(|item| !item.is_empty()).map(str::to_string).collect();
    items.sort();
    items
}

fn small_limits(bench: &Bench, replica: &Replica) {
    for engine in [&bench.engine, &replica.engine] {
        let shapes = &engine.settings.shapes;
        let limits = [&shapes.hash_entries_max, &shapes.set_entries_max, &shapes.sorted_entries_max];
        limits.into_iter().chain([&shapes.set_intset_entries_max]).for_each(|limit| limit.store(8, Relaxed));
        shapes.stream_node_entries_max.store(3, Relaxed);
        shapes.list_fill.store(4, Relaxed);
        shapes.list_compress_depth.store(1, Relaxed);
    }
}

fn check_run(seed: u64, commands: u32) {
    let mut rng = Rng::new(seed);
    let mut bench = Bench::new();
    let mut replica = Replica::of(&bench, &mut rng);
    if seed.is_multiple_of(2) {
        small_limits(&bench, &replica);
    }
    let mut model = Model { data: Data::new(), now_ms: START_MS };
    let (mut walk, mut snapshots): (Option<Walk>, u32) = (None, 0);
    for step in 0..commands {
        let (argv, keys) = random_command(&mut rng, step);
        if argv[0] == b"TICK" {
            bench.now_ms += (float(&argv[1]) as i64).max(0);
            model.now_ms = bench.now_ms;
            continue;
        }
        let Some(told) = model.run(&argv, &keys) else { continue };
        let words: Vec<&[u8]> = argv.iter().map(|arg| &arg[..]).collect();
        let reply = texts(&bench.run(&words)).concat();
        let shown = || argv.iter().map(|arg| arg.escape_ascii().to_string()).collect::<Vec<_>>().join(" ");
        match told {
            Told::Text(text) => assert_eq!(reply, text, "seed {seed}, step {step}: {}", shown()),
            Told::Items(mut items) => {
                items.sort();
                assert_eq!(sorted_items(&reply), items, "seed {seed}, step {step}: {}", shown());
            }
            Told::Popped => {
                let Val::Set(mut set) = model.get(b'S', &argv[1]) else { unreachable!("SPOP is of sets") };
                let popped = if reply == "nil" { Vec::new() } else { sorted_items(&reply) };
                let wanted = if argv.len() == 3 { 4 } else { 1 };
                assert_eq!(popped.len(), set.len().min(wanted), "seed {seed}, step {step}: {}", shown());
                for member in popped {
                    assert!(
                        set.remove(member.trim_matches('"').as_bytes()),
                        "seed {seed}: {member} was not there"
                    );
                }
                model.put(&argv[1], Val::Set(set));
            }
        }
        if let Some(running) = &mut walk {
            if rng.one_in(2) && !running.step(&mut bench, 1 + rng.below(2) as usize, seed) {
                walk = None;
                snapshots += 1;
            }
        } else if rng.one_in(20) {
            walk = Some(Walk::cut(&mut bench));
        }
        if rng.one_in(5) {
            replica.take_some(&mut rng, seed);
        }
    }
    assert!(0 < snapshots, "seed {seed}: no snapshot ended");
    model.forget_what_is_over();
    let (_, found) = held(&bench.engine);
    let alive: Held =
        found.into_iter().filter(|(_, (_, at))| at.is_none_or(|at| bench.now_ms <= at)).collect();
    assert_eq!(alive.len(), model.data.len(), "seed {seed}: other keys than those of the model");
    for (key, (value, expiry)) in &model.data {
        assert_eq!(alive.get(&(0, key.clone())).map(|(_, at)| *at), Some(*expiry), "seed {seed}");
        let mut ask = |words: &[&[u8]]| texts(&bench.run(words)).concat();
        let all = match value {
            Val::List(list) => (ask(&[b"LRANGE", key, b"0", b"-1"]), array(list.iter().map(|e| quoted(e)))),
            Val::Stream(stream) => (ask(&[b"XRANGE", key, b"-", b"+"]), entries(stream.iter())),
            Val::Zset(zset) => {
                (ask(&[b"ZRANGE", key, b"0", b"-1", b"WITHSCORES"]), with_scores(&ranked(zset)))
            }
            Val::Set(set) => {
                let mut members: Vec<String> = set.iter().map(|member| quoted(member)).collect();
                members.sort();
                let found = sorted_items(&ask(&[b"SMEMBERS", key]));
                assert_eq!(found, members, "seed {seed}: {}", key.escape_ascii());
                continue;
            }
            Val::Hash(hash) => {
                let mut pairs: Vec<String> = hash.iter().flat_map(|(f, v)| [quoted(f), quoted(v)]).collect();
                pairs.sort();
                let found = sorted_items(&ask(&[b"HGETALL", key]));
                assert_eq!(found, pairs, "seed {seed}: {}", key.escape_ascii());
                continue;
            }
        };
        assert_eq!(Told::Text(all.0), all.1, "seed {seed}: {}", key.escape_ascii());
    }
    replica.take_all();
    assert_eq!(replica.notes, [], "seed {seed}: a logged command failed on the replica");
    assert_eq!(
        held(&replica.engine),
        held(&bench.engine),
        "seed {seed}: the log does not make the same data"
    );
}

#[test]
fn collections_do_what_the_model_does_and_log_what_they_did() {
    (0..40).for_each(|seed| check_run(seed, 1200));
}
