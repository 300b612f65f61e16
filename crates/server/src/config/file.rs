//! redis.conf: lines of words, comments, includes; and the command line's options, which are lines too.

use super::{Config, find, refusal};
use resp::line::split_args;
use std::collections::HashSet;
use std::fmt;
use std::path::PathBuf;

/// Includes of includes.
const INCLUDE_DEPTH_MAX: usize = 16;

/// A line that can't be used, as Redis reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileError {
    pub line: usize,
    pub text: String,
    pub why: String,
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n*** FATAL CONFIG FILE ERROR (Redis {}) ***", crate::REDIS_VERSION)?;
        if self.line != 0 {
            writeln!(f, "Reading the configuration file, at line {}", self.line)?;
            writeln!(f, ">>> '{}'", self.text)?;
        }
        writeln!(f, "{}", self.why)
    }
}

/// Reads the lines of a file, then those of the command line.
pub fn read(text: &str) -> Result<Config, FileError> {
    let mut reader = Reader { config: Config::default(), seen: HashSet::new() };
    reader.lines(text, 0)?;
    let config = reader.config;
    match config.refusal() {
        Some(why) => Err(FileError { line: 0, text: String::new(), why }),
        None => Ok(config),
    }
}

struct Reader {
    config: Config,
    /// Directives that add up where they are repeated.
    seen: HashSet<&'static str>,
}

impl Reader {
    fn lines(&mut self, text: &str, depth: usize) -> Result<(), FileError> {
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim_matches([' ', '\t', '\r', '\n']);
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let failed = |why: String| FileError { line: number, text: line.into(), why };
            let words = split_args(line.as_bytes()).map_err(|_| failed("Unbalanced quotes in configuration line".into()))?;
            let Some((name, words)) = words.split_first() else { continue };
            if name.eq_ignore_ascii_case(b"include") {
                let [pattern] = words else { return Err(failed(BAD_DIRECTIVE.into())) };
                self.include(&String::from_utf8_lossy(pattern), depth).map_err(|error| match error {
                    Included::Missing(why) => failed(why),
                    Included::Bad(error) => error,
                })?;
                continue;
            }
            self.directive(name, words).map_err(failed)?;
        }
        Ok(())
    }

    fn directive(&mut self, name: &[u8], words: &[Vec<u8>]) -> Result<(), String> {
        let lower = name.to_ascii_lowercase();
        match lower.as_slice() {
            b"user" => return Err("'user' is refused: this version does not have access control lists yet".into()),
            b"loadmodule" => return Err("'loadmodule' is refused: this server has no modules".into()),
            b"rename-command" => {
                return Err("'rename-command' is refused: this version does not rename commands yet".into());
            }
            _ => {}
        }
        let Some(row) = find(name) else { return Err(BAD_DIRECTIVE.into()) };
        if words.is_empty() {
            return Err(BAD_DIRECTIVE.into());
        }
        if row.name == "save" {
            return self.save(words);
        }
        (row.set)(&mut self.config, words)
            .map_err(|why| if why == "wrong number of arguments" { BAD_DIRECTIVE.into() } else { why })?;
        refusal(row, &self.config).map_or(Ok(()), Err)
    }

    /// The first `save` replaces the defaults, further ones add to it.
    fn save(&mut self, words: &[Vec<u8>]) -> Result<(), String> {
        let before = self.config.save.0.clone();
        let row = find(b"save").expect("has a row");
        (row.set)(&mut self.config, words)?;
        if !self.seen.insert("save") && !self.config.save.0.is_empty() {
            self.config.save.0.splice(0..0, before);
        }
        Ok(())
    }

    fn include(&mut self, pattern: &str, depth: usize) -> Result<(), Included> {
        if depth == INCLUDE_DEPTH_MAX {
            return Err(Included::Missing(format!("includes are nested more than {INCLUDE_DEPTH_MAX} deep")));
        }
        for path in matching(pattern) {
            let text = std::fs::read(&path).map_err(|error| {
                let why = crate::sys::error_text(&error);
                Included::Missing(format!("Fatal error, can't open config file '{}': {why}", path.display()))
            })?;
            self.lines(&String::from_utf8_lossy(&text), depth + 1).map_err(Included::Bad)?;
        }
        Ok(())
    }
}

enum Included {
    Missing(String),
    Bad(FileError),
}

const BAD_DIRECTIVE: &str = "Bad directive or wrong number of arguments";

/// The files that a pattern names, sorted; the pattern itself if it has no wildcard.
fn matching(pattern: &str) -> Vec<PathBuf> {
    if !pattern.contains(['*', '?', '[']) {
        return vec![PathBuf::from(pattern)];
    }
    let path = PathBuf::from(pattern);
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).map_or_else(|| PathBuf::from("."), PathBuf::from);
    let entries = std::fs::read_dir(&dir).into_iter().flatten().flatten();
    let fits = |file: &PathBuf| {
        let file = file.file_name().map(|file| file.to_string_lossy().into_owned()).unwrap_or_default();
        base::glob::matches(name.as_bytes(), file.as_bytes(), base::glob::Case::Sensitive)
    };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(fits).collect();
    files.sort();
    files
}
