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

/// Which shards a command needs.
#[derive(Clone, Copy, Debug)]
pub enum Locks {
    /// Those of the keys that its key specifications name.
    Keys,
    /// Every shard: commands over whole databases.
    All,
    /// None: no key is touched.
    None,
}

/// An argument of a command as COMMAND DOCS describes it.
#[derive(Clone, Copy, Debug)]
pub struct Doc {
    pub name: &'static str,
    /// "string", "integer", "double", "key", "pattern", "unix-time", "pure-token", "oneof" or "block".
    pub kind: &'static str,
    pub token: &'static str,
    pub optional: bool,
    pub multiple: bool,
    /// The first version that has it, if later than the command's.
    pub since: &'static str,
    pub of: &'static [Doc],
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
    /// Finds keys that `keys` can't express: appends their indexes in the arguments.
    pub find_keys: Option<fn(Args, &mut Vec<usize>)>,
    pub locks: Locks,
    pub group: &'static str,
    pub since: &'static str,
    pub summary: &'static str,
    pub complexity: &'static str,
    pub tips: &'static [&'static str],
    pub history: &'static [(&'static str, &'static str)],
    pub docs: &'static [Doc],
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
        locks: Locks::Keys,
        group: "generic",
        since: "1.0.0",
        summary: "",
        complexity: "O(1)",
        tips: &[],
        history: &[],
        docs: &[],
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
            if self.flags.has(flag) {
                all = all | category;
            }
        }
        // What reads or writes nothing but is no scripting command belongs to no read/write category, as in Redis.
        if all.has(Categories::FAST) { all } else { all | Categories::SLOW }
    }

    /// Calls `f` with the index of every key in `args`; indexes beyond the arguments are left out.
    pub fn each_key(&self, args: Args, mut f: impl FnMut(usize)) {
        for spec in self.keys {
            let (first, step) = (usize::from(spec.first), usize::from(spec.step.max(1)));
            let last = if spec.last < 0 {
                args.len() as i64 + i64::from(spec.last)
            } else {
                i64::from(spec.first) + i64::from(spec.last)
            };
            let mut i = first;
            while (i as i64) <= last && i < args.len() {
                f(i);
                i += step;
            }
        }
        if let Some(find) = self.find_keys {
            let mut found = Vec::new();
            find(args, &mut found);
            found.into_iter().for_each(f);
        }
    }
}

/// A data command: runs inside a transaction that holds its shards.
#[derive(Clone, Copy)]
pub struct Row {
    pub meta: Meta,
    pub run: fn(&mut Txn, Args, &mut Reply) -> Done,
}
