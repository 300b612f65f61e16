//! The configuration: the table of directives, and what reads and changes it. Pure but for reading files.
//!
//! Every change goes by name and words through the same rows, from a file, the command line or CONFIG SET.

mod check;
mod file;
mod renames;
mod rewrite;
mod setting;
mod table;
#[cfg(test)]
mod tests;

pub use file::{FileError, read, text_of};
pub use renames::{Rename, Renames};
pub use rewrite::{quote, rewrite, rewrite_file};
pub use setting::{
    Choice, KeyspaceEvents, OutputLimit, OutputLimits, ReplicaOf, SavePoint, Saves, Setting, ShutdownFlags,
    Words,
};
pub use table::{Config, ROWS};

use base::glob;
use std::collections::HashSet;

pub const MUTABLE: bool = true;
pub const FIXED: bool = false;
pub const SHOWN: bool = true;
pub const HIDDEN: bool = false;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Bool,
    Int {
        min: i64,
        max: i64,
    },
    Memory {
        min: i64,
        max: i64,
    },
    Octal {
        min: i64,
        max: i64,
    },
    Enum(&'static [&'static str]),
    Text,
    /// Its type knows how it is written.
    Special,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    Now,
    /// Accepted and reported, without effect yet.
    Later,
    /// What it promises isn't built yet: only the default is accepted.
    Refused(&'static str),
}

/// What is known of a directive.
pub struct Row {
    pub name: &'static str,
    /// An older name, "" if none.
    pub alias: &'static str,
    pub kind: Kind,
    pub is_mutable: bool,
    /// Whether patterns in CONFIG GET find it; by its name it is always found.
    pub is_shown: bool,
    pub effect: Effect,
    pub get: fn(&Config) -> String,
    /// Reads the words into the field; use [`Row::set`], which also checks what goes beyond the type.
    pub read: fn(&mut Config, &[Vec<u8>]) -> Result<(), String>,
}

impl Row {
    /// Sets the directive from its words; a value that can't be used leaves the configuration in between.
    pub fn set(&self, config: &mut Config, words: &[Vec<u8>]) -> Result<(), String> {
        (self.read)(config, words)?;
        check::check(self.name, config)
    }

    /// Whether several words are a value; else it is one word.
    fn takes_words(&self) -> bool {
        self.kind == Kind::Special && self.name != "notify-keyspace-events"
    }
}

/// The row of a directive by its name or alias, in any case of letters.
pub fn find(name: &[u8]) -> Option<&'static Row> {
    ROWS.iter().find(|row| {
        name.eq_ignore_ascii_case(row.name.as_bytes())
            || (!row.alias.is_empty() && name.eq_ignore_ascii_case(row.alias.as_bytes()))
    })
}

/// Why CONFIG SET refuses; `Display` is the error line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SetError {
    Unknown { name: String },
    Failed { name: String, why: String },
}

impl std::fmt::Display for SetError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unknown { name } => {
                write!(f, "ERR Unknown option or number of arguments for CONFIG SET - '{name}'")
            }
            Self::Failed { name, why } => {
                write!(f, "ERR CONFIG SET failed (possibly related to argument '{name}') - {why}")
            }
        }
    }
}

impl Config {
    /// The configuration after CONFIG SET, and the rows that were set; all of them or none. By its two names a
    /// directive may come twice, as in Redis: the later value counts.
    pub fn set(&self, pairs: &[(&[u8], &[u8])]) -> Result<(Self, Vec<&'static Row>), SetError> {
        let mut config = self.clone();
        let mut rows: Vec<&'static Row> = Vec::new();
        for (name, value) in pairs {
            let shown = String::from_utf8_lossy(name).into_owned();
            let Some(row) = find(name) else { return Err(SetError::Unknown { name: shown }) };
            // As the directive is written, by the name that was used for it.
            let failed = |why: String| SetError::Failed { name: shown.to_ascii_lowercase(), why };
            if !row.is_mutable {
                return Err(failed("can't set immutable config".into()));
            }
            row.set(&mut config, &value_words(row, value)).map_err(failed)?;
            if let Some(why) = refusal(row, &config) {
                return Err(failed(why));
            }
            rows.push(row);
        }
        Ok((config, rows))
    }

    /// CONFIG GET: the directives that fit one of the patterns, each under its name; a name without a wildcard
    /// comes back as it was given.
    pub fn get<'p>(&self, patterns: &[&'p [u8]]) -> Vec<(&'p [u8], &'static Row)> {
        let mut found: Vec<(&[u8], &'static Row)> = Vec::new();
        for &pattern in patterns {
            if !pattern.iter().any(|byte| b"*?[".contains(byte)) {
                found.extend(find(pattern).map(|row| (pattern, row)));
                continue;
            }
            for row in ROWS.iter().filter(|row| row.is_shown) {
                let names =
                    [row.name, row.alias].into_iter().map(str::as_bytes).filter(|name| !name.is_empty());
                let fits = names.filter(|name| glob::matches(pattern, name, glob::Case::Insensitive));
                found.extend(fits.map(|name| (name, row)));
            }
        }
        let mut seen = HashSet::new();
        found.retain(|(name, _)| seen.insert(name.to_ascii_lowercase()));
        found
    }

    /// One line for each directive that is set and has no effect yet.
    pub fn warnings(&self) -> Vec<String> {
        let default = Self::default();
        let set =
            ROWS.iter().filter(|row| row.effect == Effect::Later && (row.get)(self) != (row.get)(&default));
        set.map(|row| format!("WARNING: the directive '{}' is accepted, but has no effect yet.", row.name))
            .collect()
    }

    /// Why the server can't start with this, if it can't.
    pub fn refusal(&self) -> Option<String> {
        ROWS.iter().find_map(|row| refusal(row, self))
    }

    pub fn loglevel(&self) -> crate::logger::Level {
        use crate::logger::Level;
        match self.loglevel.0 {
            "debug" => Level::Debug,
            "verbose" => Level::Verbose,
            "notice" => Level::Notice,
            "warning" => Level::Warning,
            _ => Level::Nothing,
        }
    }
}

fn refusal(row: &Row, config: &Config) -> Option<String> {
    let Effect::Refused(what) = row.effect else { return None };
    if (row.get)(config) == (row.get)(&Config::default()) {
        return None;
    }
    Some(format!("'{}' is refused: this version does not have {what} yet", row.name))
}

/// CONFIG SET's one value as the words that the row wants.
fn value_words(row: &Row, value: &[u8]) -> Vec<Vec<u8>> {
    match row.takes_words() {
        true if !value.is_empty() => {
            value.split(|&byte| byte == b' ').filter(|word| !word.is_empty()).map(<[u8]>::to_vec).collect()
        }
        _ => vec![value.to_vec()],
    }
}
