//! The types of directives: reading a value from words, and writing it as CONFIG GET shows it.

use super::Kind;
use base::number;

/// A directive's value.
pub trait Setting {
    /// Reads the value's words; the error is the text behind "- " in CONFIG SET's reply. A value that is not
    /// understood leaves the old one.
    fn read(&mut self, kind: &Kind, words: &[Vec<u8>]) -> Result<(), String>;
    fn text(&self, kind: &Kind) -> String;
}

fn one(words: &[Vec<u8>]) -> Result<&[u8], String> {
    match words {
        [word] => Ok(word),
        _ => Err("wrong number of arguments".into()),
    }
}

fn utf8(word: &[u8]) -> String {
    String::from_utf8_lossy(word).into_owned()
}

impl Setting for bool {
    fn read(&mut self, _kind: &Kind, words: &[Vec<u8>]) -> Result<(), String> {
        let word = one(words)?;
        *self = match () {
            () if word.eq_ignore_ascii_case(b"yes") => true,
            () if word.eq_ignore_ascii_case(b"no") => false,
            () => return Err("argument must be 'yes' or 'no'".into()),
        };
        Ok(())
    }

    fn text(&self, _kind: &Kind) -> String {
        if *self { "yes" } else { "no" }.into()
    }
}

impl Setting for i64 {
    fn read(&mut self, kind: &Kind, words: &[Vec<u8>]) -> Result<(), String> {
        let word = one(words)?;
        let (value, min, max) = match *kind {
            Kind::Memory { min, max } => {
                let bytes = memory(word).ok_or("argument must be a memory value")?;
                match i64::try_from(bytes) {
                    Ok(bytes) => (bytes, min, max),
                    Err(_) => return Err(format!("argument must be between {min} and {max} inclusive")),
                }
            }
            Kind::Octal { min, max } => {
                (octal(word).ok_or("argument couldn't be parsed as an octal number")?, min, max)
            }
            Kind::Int { min, max } => {
                (number::parse_i64(word).ok_or("argument couldn't be parsed into an integer")?, min, max)
            }
            _ => unreachable!("a number's row has a number's kind"),
        };
        if value < min || max < value {
            return Err(match kind {
                Kind::Octal { .. } => format!("argument must be between {min:o} and {max:o} inclusive"),
                _ => format!("argument must be between {min} and {max} inclusive"),
            });
        }
        *self = value;
        Ok(())
    }

    fn text(&self, kind: &Kind) -> String {
        match kind {
            Kind::Octal { .. } => format!("{self:o}"),
            _ => self.to_string(),
        }
    }
}

fn octal(word: &[u8]) -> Option<i64> {
    i64::from_str_radix(std::str::from_utf8(word).ok()?, 8).ok()
}

/// A size with its unit: 1k is 1000, 1kb is 1024. Nothing is 0, and what is too large is the largest.
fn memory(word: &[u8]) -> Option<u64> {
    let digits = word.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, unit) = word.split_at(digits);
    let factor = match unit.to_ascii_lowercase().as_slice() {
        b"" | b"b" => 1,
        b"k" => 1000,
        b"kb" => 1024,
        b"m" => 1_000_000,
        b"mb" => 1 << 20,
        b"g" => 1_000_000_000,
        b"gb" => 1 << 30,
        _ => return None,
    };
    let add = |n: u64, digit: &u8| n.saturating_mul(10).saturating_add(u64::from(digit - b'0'));
    Some(number.iter().fold(0, add).saturating_mul(factor))
}

impl Setting for String {
    fn read(&mut self, _kind: &Kind, words: &[Vec<u8>]) -> Result<(), String> {
        *self = utf8(one(words)?);
        Ok(())
    }

    fn text(&self, _kind: &Kind) -> String {
        self.clone()
    }
}

/// One of the names of the row's kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice(pub &'static str);

impl Setting for Choice {
    fn read(&mut self, kind: &Kind, words: &[Vec<u8>]) -> Result<(), String> {
        let Kind::Enum(names) = kind else { unreachable!("a choice's row has its names") };
        let word = one(words)?;
        match names.iter().find(|name| word.eq_ignore_ascii_case(name.as_bytes())) {
            Some(name) => self.0 = name,
            None => return Err(format!("argument(s) must be one of the following: {}", names.join(", "))),
        }
        Ok(())
    }

    fn text(&self, _kind: &Kind) -> String {
        self.0.into()
    }
}

/// A list of words: bind and others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words(pub Vec<String>);

impl Words {
    pub fn of(text: &str) -> Self {
        Self(text.split(' ').filter(|word| !word.is_empty()).map(String::from).collect())
    }
}

impl Setting for Words {
    fn read(&mut self, _kind: &Kind, words: &[Vec<u8>]) -> Result<(), String> {
        self.0 = words.iter().map(|word| utf8(word)).filter(|word| !word.is_empty()).collect();
        Ok(())
    }

    fn text(&self, _kind: &Kind) -> String {
        self.0.join(" ")
    }
}

/// Save after so many seconds if there were so many changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SavePoint {
    pub seconds: i64,
    pub changes: i64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saves(pub Vec<SavePoint>);

impl Default for Saves {
    fn default() -> Self {
        let point = |(seconds, changes)| SavePoint { seconds, changes };
        Self([(3600, 1), (300, 100), (60, 10000)].map(point).to_vec())
    }
}

impl Setting for Saves {
    fn read(&mut self, _kind: &Kind, words: &[Vec<u8>]) -> Result<(), String> {
        if words.is_empty() || (words.len() == 1 && words[0].is_empty()) {
            self.0.clear();
            return Ok(());
        }
        if !words.len().is_multiple_of(2) {
            return Err("Invalid save parameters".into());
        }
        let mut points = Vec::new();
        for pair in words.chunks(2) {
            let number = |word: &[u8]| number::parse_i64(word).ok_or("Invalid save parameters");
            let (seconds, changes) = (number(&pair[0])?, number(&pair[1])?);
            if seconds < 1 || changes < 0 {
                return Err("Invalid save parameters".into());
            }
            points.push(SavePoint { seconds, changes });
        }
        self.0 = points;
        Ok(())
    }

    fn text(&self, _kind: &Kind) -> String {
        let points: Vec<String> =
            self.0.iter().map(|point| format!("{} {}", point.seconds, point.changes)).collect();
        points.join(" ")
    }
}

/// When a client's output buffer is too large; 0 is no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct OutputLimit {
    pub hard_bytes: u64,
    pub soft_bytes: u64,
    pub soft_seconds: u64,
}

/// For normal clients, replicas and subscribers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputLimits(pub [OutputLimit; 3]);

impl OutputLimits {
    pub const NORMAL: usize = 0;
    pub const REPLICA: usize = 1;
}

impl Default for OutputLimits {
    fn default() -> Self {
        let limit = |hard: u64, soft: u64, seconds| OutputLimit {
            hard_bytes: hard << 20,
            soft_bytes: soft << 20,
            soft_seconds: seconds,
        };
        Self([OutputLimit::default(), limit(256, 64, 60), limit(32, 8, 60)])
    }
}

impl Setting for OutputLimits {
    fn read(&mut self, _kind: &Kind, words: &[Vec<u8>]) -> Result<(), String> {
        if words.len() == 1 && words[0].is_empty() {
            return Ok(()); // nothing is set
        }
        if !words.len().is_multiple_of(4) {
            return Err("Wrong number of arguments in buffer limit configuration.".into());
        }
        let mut limits = self.0;
        for group in words.chunks(4) {
            let class = match group[0].to_ascii_lowercase().as_slice() {
                b"normal" => 0,
                b"slave" | b"replica" => 1,
                b"pubsub" => 2,
                _ => return Err("Invalid client class specified in buffer limit configuration.".into()),
            };
            let bytes = |word: &[u8]| memory(word);
            let seconds = number::parse_i64(&group[3]).and_then(|n| u64::try_from(n).ok());
            let (Some(hard_bytes), Some(soft_bytes), Some(soft_seconds)) =
                (bytes(&group[1]), bytes(&group[2]), seconds)
            else {
                return Err(
                    "Error in hard, soft or soft_seconds setting in buffer limit configuration.".into()
                );
            };
            limits[class] = OutputLimit { hard_bytes, soft_bytes, soft_seconds };
        }
        self.0 = limits;
        Ok(())
    }

    fn text(&self, _kind: &Kind) -> String {
        let classes = ["normal", "slave", "pubsub"].iter().zip(&self.0);
        let text =
            classes.map(|(name, l)| format!("{name} {} {} {}", l.hard_bytes, l.soft_bytes, l.soft_seconds));
        text.collect::<Vec<_>>().join(" ")
    }
}

/// The primary to follow.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ReplicaOf(pub Option<(String, u16)>);

impl Setting for ReplicaOf {
    fn read(&mut self, _kind: &Kind, words: &[Vec<u8>]) -> Result<(), String> {
        let [host, port] = words else { return Err("wrong number of arguments".into()) };
        if host.eq_ignore_ascii_case(b"no") && port.eq_ignore_ascii_case(b"one") {
            self.0 = None;
            return Ok(());
        }
        match number::parse_i64(port).and_then(|port| u16::try_from(port).ok()) {
            Some(port) => self.0 = Some((utf8(host), port)),
            None => return Err("Invalid master port".into()),
        }
        Ok(())
    }

    fn text(&self, _kind: &Kind) -> String {
        self.0.as_ref().map_or_else(String::new, |(host, port)| format!("{host} {port}"))
    }
}

/// How a signal shuts down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct ShutdownFlags {
    pub save: bool,
    pub nosave: bool,
    pub now: bool,
    pub force: bool,
}

impl Setting for ShutdownFlags {
    fn read(&mut self, _kind: &Kind, words: &[Vec<u8>]) -> Result<(), String> {
        let mut flags = Self::default();
        for word in words {
            match word.to_ascii_lowercase().as_slice() {
                b"default" => {}
                b"save" => flags.save = true,
                b"nosave" => flags.nosave = true,
                b"now" => flags.now = true,
                b"force" => flags.force = true,
                _ => {
                    return Err(
                        "argument(s) must be one of the following: default, save, nosave, now, force".into(),
                    );
                }
            }
        }
        if words.is_empty() {
            return Err("argument(s) must be one of the following: default, save, nosave, now, force".into());
        }
        if flags.save && flags.nosave {
            return Err("shutdown options SAVE and NOSAVE can't be used simultaneously".into());
        }
        *self = flags;
        Ok(())
    }

    fn text(&self, _kind: &Kind) -> String {
        let all = [(self.save, "save"), (self.nosave, "nosave"), (self.now, "now"), (self.force, "force")];
        let set: Vec<&str> = all.iter().filter(|(on, _)| *on).map(|(_, name)| *name).collect();
        if set.is_empty() { "default".into() } else { set.join(" ") }
    }
}

/// Classes of keyspace notifications: the letters that are on.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct KeyspaceEvents(pub String);

impl KeyspaceEvents {
    /// In the order in which they are shown; `A` stands for the first group.
    const ALL: &str = "g$lshzxetd";
    const OTHERS: &str = "KEmn";
}

impl Setting for KeyspaceEvents {
    fn read(&mut self, _kind: &Kind, words: &[Vec<u8>]) -> Result<(), String> {
        let word = utf8(one(words)?);
        let known = |c: char| c == 'A' || Self::ALL.contains(c) || Self::OTHERS.contains(c);
        if !word.chars().all(known) {
            return Err("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.".into());
        }
        let on = |c: char| word.contains(c) || (word.contains('A') && Self::ALL.contains(c));
        let mut text = String::new();
        if Self::ALL.chars().all(on) {
            text.push('A');
        } else {
            text.extend(Self::ALL.chars().filter(|&c| on(c)));
        }
        text.extend(Self::OTHERS.chars().filter(|&c| on(c)));
        self.0 = text;
        Ok(())
    }

    fn text(&self, _kind: &Kind) -> String {
        self.0.clone()
    }
}
