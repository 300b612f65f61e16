//! The command row: everything that is known of a command, in one const place.
//!
//! From the row come dispatch, arity errors, COMMAND INFO/DOCS/GETKEYS, ACL categories, the locks, read-only and
//! OOM checks, and what is allowed in MULTI and scripts. A new command is one row and one function in one family
//! file under `commands/`. Rows of the server's own commands (CONFIG, CLIENT …) use the same [`Meta`].

use crate::error::Done;
use crate::txn::Txn;
use resp::{Args, Reply};
use std::fmt;

/// A set of command flags; the wire names are in [`Flags::NAMES`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Flags(pub u32);

macro_rules! bit_set {
    ($set:ident { $($const:ident = $name:literal),+ $(,)? }) => {
        #[allow(non_camel_case_types, clippy::upper_case_acronyms)]
        mod bit { #[repr(u32)] pub(super) enum Bit { $($const),+ } }
        impl $set {
            $(pub const $const: $set = $set(1 << bit::Bit::$const as u32);)+
            pub const NAMES: &'static [($set, &'static str)] = &[$(($set::$const, $name)),+];
            pub const NONE: $set = $set(0);
            pub const fn has(self, other: Self) -> bool { self.0 & other.0 == other.0 }
            pub const fn any(self, other: Self) -> bool { self.0 & other.0 != 0 }
            pub const fn with(self, other: Self) -> Self { Self(self.0 | other.0) }
            /// The wire names of the members, in the order of the table.
            pub fn names(self) -> impl Iterator<Item = &'static str> {
                Self::NAMES.iter().filter(move |(one, _)| self.has(*one)).map(|(_, name)| *name)
            }
        }
        impl std::ops::BitOr for $set { type Output = Self; fn bitor(self, other: Self) -> Self { self.with(other) } }
        impl fmt::Debug for $set {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.debug_list().entries(self.names()).finish() }
        }
    };
}

mod flags {
    use super::*;
    bit_set!(Flags {
        WRITE = "write",
        READONLY = "readonly",
        DENYOOM = "denyoom",
        MODULE = "module",
        ADMIN = "admin",
        PUBSUB = "pubsub",
        NOSCRIPT = "noscript",
        BLOCKING = "blocking",
        LOADING = "loading",
        STALE = "stale",
        SKIP_MONITOR = "skip_monitor",
        SKIP_SLOWLOG = "skip_slowlog",
        ASKING = "asking",
        FAST = "fast",
        NO_AUTH = "no_auth",
        MAY_REPLICATE = "may_replicate",
        NO_MANDATORY_KEYS = "no_mandatory_keys",
        NO_ASYNC_LOADING = "no_async_loading",
        NO_MULTI = "no_multi",
        MOVABLE_KEYS = "movablekeys",
        ALLOW_BUSY = "allow_busy",
        PROTECTED = "protected",
    });
}

/// A set of ACL categories; a row states those that do not follow from its flags.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Categories(pub u32);

mod categories {
    use super::*;
    bit_set!(Categories {
        KEYSPACE = "keyspace",
        READ = "read",
        WRITE = "write",
        SET = "set",
        SORTED_SET = "sortedset",
        LIST = "list",
        HASH = "hash",
        STRING = "string",
        BITMAP = "bitmap",
        HYPERLOGLOG = "hyperloglog",
        GEO = "geo",
        STREAM = "stream",
        PUBSUB = "pubsub",
        ADMIN = "admin",
        FAST = "fast",
        SLOW = "slow",
        BLOCKING = "blocking",
        DANGEROUS = "dangerous",
        CONNECTION = "connection",
        TRANSACTION = "transaction",
        SCRIPTING = "scripting",
    });
}

/// One key specification, as COMMAND INFO shows it (keys at `first..=last` by `step`; a negative `last` counts
/// from the end, and is relative as in Redis).
#[derive(Clone, Copy, Debug)]
pub struct KeySpec {
    /// "RO", "RW", "OW" or "RM", then "access", "update", "insert", "delete" and others.
    pub flags: &'static [&'static str],
    pub first: u16,
    pub last: i16,
    pub step: u16,
    /// A remark for COMMAND INFO, "" if none.
    pub notes: &'static str,
}

impl KeySpec {
    /// As `last`: the argument `first` is the number of the keys behind it.
    pub const COUNTED: i16 = i16::MIN;

    pub const fn is_counted(&self) -> bool {
        self.last == Self::COUNTED
    }

    /// Where its first key is.
    pub const fn first_key(&self) -> usize {
        self.first as usize + self.is_counted() as usize
    }

    /// Whether the number of keys is one that the arguments fill, where there is such a number.
    pub fn is_filled(&self, args: Args) -> bool {
        !self.is_counted() || self.first_key() as i64 <= self.last_key(args)
    }

    /// Index of its last key; below the first one if there is none.
    fn last_key(&self, args: Args) -> i64 {
        if self.is_counted() {
            let count = args.get(self.first.into()).and_then(base::number::parse_i64).unwrap_or(0);
            // A number that the arguments don't fill names no keys, as in Redis.
            let end = i64::from(self.first).saturating_add(count);
            return if 0 < count && end < args.len() as i64 { end } else { 0 };
        }
        if self.last < 0 {
            return args.len() as i64 + i64::from(self.last);
        }
        i64::from(self.first) + i64::from(self.last)
    }
}

/// A key specification beyond a place: a search for keys that [`Meta::find_keys`] carries out.
#[derive(Clone, Copy, Debug)]
pub struct FoundSpec {
    /// As [`KeySpec::flags`].
    pub flags: &'static [&'static str],
    pub search: Search,
    /// A remark for COMMAND INFO, "" if none.
    pub notes: &'static str,
}

#[derive(Clone, Copy, Debug)]
pub enum Search {
    /// Nobody but the command itself can tell.
    Unknown,
    /// Behind a word, which is looked for from the argument `from` on, or from the end if that is negative. `last`
    /// and `step` as in [`KeySpec`]; with a `limit` only so much of the rest are keys: 2 is half of it.
    Keyword { word: &'static str, from: i16, last: i16, step: u16, limit: u16 },
}

/// Which shards a command needs.
#[derive(Clone, Copy, Debug)]
pub enum Locks {
    /// Those of the keys that its key specifications name.
    Keys,
    /// Every shard, if the request says so: it may look at keys that it does not name. Else as `Keys`.
    KeysOrAll(fn(Args) -> bool),
    /// Every shard: commands over whole databases.
    All,
    /// Those that a SCAN cursor, the first argument, has yet to visit: its own shard and all above.
    FromCursor,
    /// None: no key is touched.
    None,
}

/// An argument of a command as COMMAND DOCS describes it.
///
/// Written as a chain: `Doc::new("offset", "integer").optional()`. Shown under its name unless it says otherwise or is a group.
#[derive(Clone, Copy, Debug)]
pub struct Doc {
    pub name: &'static str,
    /// "string", "integer", "double", "key", "pattern", "unix-time", "pure-token", "oneof" or "block".
    pub kind: &'static str,
    /// Which key specification finds it, for a key.
    pub key_spec: Option<u8>,
    pub token: &'static str,
    /// What it is shown as, if not by its name.
    pub shown: &'static str,
    pub optional: bool,
    pub multiple: bool,
    /// The word before it comes again with each.
    pub multiple_token: bool,
    /// The first version that has it, if later than the command's.
    pub since: &'static str,
    pub of: &'static [Doc],
}

impl Doc {
    pub const fn new(name: &'static str, kind: &'static str) -> Self {
        Self {
            name,
            kind,
            key_spec: None,
            token: "",
            shown: "",
            optional: false,
            multiple: false,
            multiple_token: false,
            since: "",
            of: &[],
        }
    }

    /// A key that the key specification `spec` finds.
    pub const fn key(name: &'static str, spec: u8) -> Self {
        Self { key_spec: Some(spec), ..Self::new(name, "key") }
    }

    /// A pattern of keys that the key specification `spec` speaks of.
    pub const fn pattern(name: &'static str, spec: u8) -> Self {
        Self { key_spec: Some(spec), ..Self::new(name, "pattern") }
    }

    /// A word that stands for itself.
    pub const fn flag(name: &'static str, token: &'static str) -> Self {
        Self::new(name, "pure-token").behind(token)
    }

    pub const fn one_of(name: &'static str, of: &'static [Doc]) -> Self {
        Self { of, ..Self::new(name, "oneof") }
    }

    /// Arguments that come together.
    pub const fn block(name: &'static str, of: &'static [Doc]) -> Self {
        Self { of, ..Self::new(name, "block") }
    }

    /// The word before it.
    pub const fn behind(self, token: &'static str) -> Self {
        Self { token, ..self }
    }

    pub const fn shown_as(self, shown: &'static str) -> Self {
        Self { shown, ..self }
    }

    pub const fn optional(self) -> Self {
        Self { optional: true, ..self }
    }

    pub const fn multiple(self) -> Self {
        Self { multiple: true, ..self }
    }

    /// Comes several times, each time with the word before it.
    pub const fn multiple_with_token(self) -> Self {
        Self { multiple: true, multiple_token: true, ..self }
    }

    pub const fn since(self, since: &'static str) -> Self {
        Self { since, ..self }
    }
}

/// A command that another one replaces, as COMMAND DOCS says it.
#[derive(Clone, Copy, Debug)]
pub struct Deprecated {
    pub since: &'static str,
    pub replaced_by: &'static str,
}

/// What is known of a command besides how it runs.
#[derive(Clone, Copy, Debug)]
pub struct Meta {
    /// Lower case; a subcommand's is the word after its container's.
    pub name: &'static str,
    /// Number of arguments with the name; negative: at least that many.
    pub arity: i16,
    pub flags: Flags,
    pub categories: Categories,
    pub keys: &'static [KeySpec],
    /// Finds keys that `keys` can't express: gives their indexes in the arguments.
    pub find_keys: Option<fn(Args, &mut dyn FnMut(usize))>,
    /// What `find_keys` finds, for COMMAND INFO; the last one says what happens to those keys.
    pub found_keys: &'static [FoundSpec],
    pub locks: Locks,
    pub group: &'static str,
    pub since: &'static str,
    /// What it does, in our own words.
    pub summary: &'static str,
    pub complexity: &'static str,
    pub tips: &'static [&'static str],
    pub history: &'static [(&'static str, &'static str)],
    pub docs: &'static [Doc],
    pub deprecated: Option<Deprecated>,
    /// Sent by servers, not by people: COMMAND DOCS flags it "syscmd".
    pub system: bool,
    pub subcommands: &'static [Meta],
}

impl Meta {
    /// What rows leave out: `Meta { name: "x", ..Meta::BASE }`.
    pub const BASE: Self = Self {
        name: "",
        arity: 1,
        flags: Flags::NONE,
        categories: Categories::NONE,
        keys: &[],
        find_keys: None,
        found_keys: &[],
        locks: Locks::Keys,
        group: "generic",
        since: "1.0.0",
        summary: "",
        complexity: "O(1)",
        tips: &[],
        history: &[],
        docs: &[],
        deprecated: None,
        system: false,
        subcommands: &[],
    };

    pub fn accepts(&self, args: usize) -> bool {
        let args = args as i64;
        let arity = i64::from(self.arity);
        if arity < 0 { -arity <= args } else { args == arity }
    }

    /// The stated categories and those that follow from the flags.
    pub fn all_categories(&self) -> Categories {
        let mut all = self.categories;
        for (flag, category) in [
            (Flags::WRITE, Categories::WRITE),
            (Flags::READONLY, Categories::READ),
            (Flags::ADMIN, Categories::ADMIN | Categories::DANGEROUS),
            (Flags::PUBSUB, Categories::PUBSUB),
            (Flags::FAST, Categories::FAST),
            (Flags::BLOCKING, Categories::BLOCKING),
        ] {
            // What a script reads is its own affair: a read-only call of one is no reading command, as in Redis.
            let is_call = category == Categories::READ && self.categories.has(Categories::SCRIPTING);
            if self.flags.has(flag) && !is_call {
                all = all | category;
            }
        }
        if all.has(Categories::FAST) { all } else { all | Categories::SLOW }
    }

    /// The row that says what the request needs: the subcommand's, if this is a container and has it.
    #[inline]
    pub fn of_request(&self, args: Args) -> &Self {
        if self.subcommands.is_empty() {
            return self;
        }
        let sub = args.get(1).and_then(|name| {
            self.subcommands.iter().find(|sub| sub.name.as_bytes().eq_ignore_ascii_case(name))
        });
        sub.unwrap_or(self)
    }

    /// First key, last key and step as COMMAND INFO gives them beside the key specifications: one range over
    /// neighbouring specifications, or zeros.
    pub fn key_range(&self) -> (i64, i64, i64) {
        let Some(head) = self.keys.first().filter(|spec| !spec.is_counted()) else { return (0, 0, 0) };
        let absolute = |spec: &KeySpec| match i64::from(spec.last) {
            last if last < 0 => last,
            last => i64::from(spec.first) + last,
        };
        let mut last = absolute(head);
        for spec in &self.keys[1..] {
            if spec.is_counted() || i64::from(spec.first) != last + 1 || spec.step != 1 {
                break;
            }
            last = absolute(spec);
        }
        (i64::from(head.first), last, i64::from(head.step))
    }

    /// Where the key stands, if every request has one key and in the same place.
    #[inline]
    pub fn only_key(&self) -> Option<usize> {
        match self.keys {
            [spec] if spec.last == 0 && self.find_keys.is_none() && self.subcommands.is_empty() => {
                Some(spec.first_key())
            }
            _ => None,
        }
    }

    /// Calls `f` with the index of every key in `args`; indexes beyond the arguments are left out.
    #[inline]
    pub fn each_key(&self, args: Args, mut f: impl FnMut(usize)) {
        self.each_placed_key(args, &mut f);
        self.each_found_key(args, f);
    }

    /// The keys that stand where `keys` says.
    #[inline]
    pub fn each_placed_key(&self, args: Args, mut f: impl FnMut(usize)) {
        for spec in self.keys {
            let step = usize::from(spec.step.max(1));
            let last = spec.last_key(args);
            let mut i = spec.first_key();
            while (i as i64) <= last && i < args.len() {
                f(i);
                i += step;
            }
        }
    }

    /// The keys that were searched for.
    #[inline]
    pub fn each_found_key(&self, args: Args, mut f: impl FnMut(usize)) {
        if let Some(find) = self.find_keys {
            find(args, &mut f);
        }
    }
}

/// A data command: runs inside a transaction that holds its shards.
#[derive(Clone, Copy)]
pub struct Row {
    pub meta: Meta,
    pub run: fn(&mut Txn, Args, &mut Reply) -> Done,
}
