//! redis.conf: lines of words, comments, includes; and the command line's options, which are lines too.

use super::renames::Renames;
use super::{Config, find, refusal};
use resp::line::split_args;
use std::fmt;
use std::path::{Path, PathBuf};

/// Includes of includes.
const INCLUDE_DEPTH_MAX: usize = 16;

/// Why a configuration can't be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileError {
    /// A line of a file, or of the options, counted from 1.
    Line { line: usize, text: String, why: String },
    /// The whole of it.
    All { why: String },
    /// A file that isn't there: said in the log, as Redis does.
    Open { path: PathBuf, why: String },
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = format!("\n*** FATAL CONFIG FILE ERROR (Redis {}) ***", crate::REDIS_VERSION);
        match self {
            Self::Line { line, text, why } => {
                writeln!(f, "{head}\nReading the configuration file, at line {line}\n>>> '{text}'\n{why}")
            }
            Self::All { why } => writeln!(f, "{head}\n{why}"),
            Self::Open { path, why } => {
                write!(f, "Fatal error, can't open config file '{}': {why}", path.display())
            }
        }
    }
}

/// Reads the lines of a file, then those of the command line.
pub fn read(text: &str) -> Result<Config, FileError> {
    let mut reader = Reader { config: Config::default(), saves_given: false };
    reader.config.dir = std::env::current_dir().unwrap_or_default().to_string_lossy().into_owned();
    reader.lines(text, 0)?;
    let config = reader.config;
    match config.refusal() {
        Some(why) => Err(FileError::All { why }),
        None => Ok(config),
    }
}

/// The text of a configuration file.
pub fn text_of(path: &Path) -> Result<String, FileError> {
    let open = |error| FileError::Open { path: path.into(), why: crate::sys::error_text(&error) };
    Ok(String::from_utf8_lossy(&std::fs::read(path).map_err(open)?).into_owned())
}

struct Reader {
    config: Config,
    /// A `save` was there: further ones add to it.
    saves_given: bool,
}

impl Reader {
    fn lines(&mut self, text: &str, depth: usize) -> Result<(), FileError> {
        for (number, line) in (1..).zip(text.split('\n')) {
            let line = line.trim_matches([' ', '\t', '\r', '\n']);
            if line.is_empty() || line.starts_with(['#', '\0']) {
                continue;
            }
            let failed = |why: String| FileError::Line { line: number, text: line.into(), why };
            let words = split_args(line.as_bytes())
                .map_err(|_| failed("Unbalanced quotes in configuration line".into()))?;
            let Some((name, words)) = words.split_first() else { continue };
            if name.eq_ignore_ascii_case(b"include")
                && let [pattern] = words
            {
                if depth == INCLUDE_DEPTH_MAX {
                    return Err(failed(format!("includes are nested more than {INCLUDE_DEPTH_MAX} deep")));
                }
                self.include(&String::from_utf8_lossy(pattern), depth)?;
                continue;
            }
            self.directive(name, words).map_err(failed)?;
        }
        Ok(())
    }

    fn directive(&mut self, name: &[u8], words: &[Vec<u8>]) -> Result<(), String> {
        match (name.to_ascii_lowercase().as_slice(), words) {
            (b"user", [_, ..]) => {
                return Err("'user' is refused: this version does not have access control lists yet".into());
            }
            (b"loadmodule", [_, ..]) => {
                return Err("'loadmodule' is refused: this server has no modules".into());
            }
            (b"rename-command", [from, to]) => return Renames::add(&mut self.config.renames, from, to),
            _ => {}
        }
        let Some(row) = find(name) else { return Err(BAD_DIRECTIVE.into()) };
        let split;
        let words = match words {
            // All in one word, as from the command line.
            [one] if row.takes_words() && !one.is_empty() => {
                split = split_args(one).map_err(|_| "Unbalanced quotes in configuration line".to_string())?;
                &split
            }
            words if !row.takes_words() && words.len() != 1 => return Err("wrong number of arguments".into()),
            words => words,
        };
        match row.name {
            "save" => self.save(words),
            "dir" => self.dir(&words[0]),
            _ => {
                row.set(&mut self.config, words)?;
                refusal(row, &self.config).map_or(Ok(()), Err)
            }
        }
    }

    /// The first `save` replaces the defaults, further ones add to it; an empty one takes all away.
    fn save(&mut self, words: &[Vec<u8>]) -> Result<(), String> {
        let before = self.config.save.0.clone();
        find(b"save").expect("has a row").set(&mut self.config, words)?;
        if self.saves_given && !self.config.save.0.is_empty() {
            self.config.save.0.splice(0..0, before);
        }
        self.saves_given = true;
        Ok(())
    }

    /// From here on relative paths are relative to this directory; the process itself goes there at its start.
    fn dir(&mut self, word: &[u8]) -> Result<(), String> {
        let path = Path::new(&self.config.dir).join(String::from_utf8_lossy(word).as_ref());
        let path = std::fs::canonicalize(path).and_then(|path| crate::sys::may_enter(&path).map(|()| path));
        self.config.dir =
            path.map_err(|error| crate::sys::error_text(&error))?.to_string_lossy().into_owned();
        Ok(())
    }

    fn include(&mut self, pattern: &str, depth: usize) -> Result<(), FileError> {
        for path in matching(Path::new(&self.config.dir), pattern) {
            self.lines(&text_of(&path)?, depth + 1)?;
        }
        Ok(())
    }
}

const BAD_DIRECTIVE: &str = "Bad directive or wrong number of arguments";

/// The files that a pattern names, sorted; without a wildcard the path itself, be it there or not.
fn matching(dir: &Path, pattern: &str) -> Vec<PathBuf> {
    if !has_wildcard(pattern) {
        return vec![match Path::new(pattern).is_absolute() || dir.as_os_str().is_empty() {
            true => PathBuf::from(pattern),
            false => dir.join(pattern),
        }];
    }
    let start = if pattern.starts_with('/') { PathBuf::from("/") } else { dir.into() };
    let mut found = vec![start];
    for part in pattern.split('/').filter(|part| !part.is_empty()) {
        found = found.iter().flat_map(|dir| matching_in(dir, part)).collect();
    }
    found.sort();
    found
}

fn has_wildcard(pattern: &str) -> bool {
    pattern.contains(['*', '?', '['])
}

/// The entries of a directory that fit one part of a path. A dot at the start must be asked for.
fn matching_in(dir: &Path, part: &str) -> Vec<PathBuf> {
    if !has_wildcard(part) {
        return Some(dir.join(part)).filter(|path| path.exists()).into_iter().collect();
    }
    let fits = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with('.') == part.starts_with('.')
            && base::glob::matches(part.as_bytes(), name.as_bytes(), base::glob::Case::Sensitive)
    };
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(fits).collect()
}
