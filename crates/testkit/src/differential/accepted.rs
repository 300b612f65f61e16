//! The differences that are meant: a table in a Markdown file, each row with its reason.

use super::stream::Op;
use base::glob::{Case, matches};
use std::cell::Cell;

/// The file, as it was when this was built.
pub const FILE: &str = include_str!("../../differences.md");

pub struct Difference {
    command: String,
    redis: String,
    greylag: String,
    pub reason: String,
    used: Cell<u64>,
}

pub struct Accepted(Vec<Difference>);

impl Accepted {
    /// Rows that begin with a pattern in backquotes: command, reply of redis-server, reply of Greylag, reason.
    pub fn read(text: &str) -> Self {
        let rows = text.lines().filter(|line| line.starts_with("| `"));
        Self(rows.map(|line| row(line).unwrap_or_else(|| panic!("not a row: {line}"))).collect())
    }

    /// Whether a row allows it. Patterns are globs; replies are compared as they are sent, with a space for each
    /// line's end; commands with a space between arguments, in any case of letters.
    pub fn allows(&self, op: &Op, redis: &[u8], greylag: &[u8]) -> bool {
        let command = op.argv.join(&b' ');
        let (redis, greylag) = (one_line(redis), one_line(greylag));
        let fits = |row: &&Difference| {
            matches(row.command.as_bytes(), &command, Case::Insensitive)
                && matches(row.redis.as_bytes(), &redis, Case::Sensitive)
                && matches(row.greylag.as_bytes(), &greylag, Case::Sensitive)
        };
        let row = self.0.iter().find(fits);
        row.inspect(|row| row.used.set(row.used.get() + 1)).is_some()
    }

    /// How often each row was needed.
    pub fn used(&self) -> Vec<(String, u64)> {
        self.0.iter().map(|row| (format!("{}: {}", row.command, row.reason), row.used.get())).collect()
    }
}

fn row(line: &str) -> Option<Difference> {
    let (command, rest) = line.strip_prefix("| `")?.split_once("` | `")?;
    let (redis, rest) = rest.split_once("` | `")?;
    let (greylag, rest) = rest.split_once("` | ")?;
    let reason = rest.strip_suffix(" |").filter(|reason| !reason.is_empty())?;
    let [command, redis, greylag, reason] = [command, redis, greylag, reason].map(str::to_string);
    Some(Difference { command, redis, greylag, reason, used: Cell::new(0) })
}

fn one_line(reply: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(reply.len());
    for line in reply.split(|&byte| byte == b'\n') {
        if !out.is_empty() {
            out.push(b' ');
        }
        out.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
    }
    if out.last() == Some(&b' ') {
        out.pop();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::differential::compare::Class;

    #[test]
    fn a_row_allows_what_it_says_and_no_more() {
        let text =
            "words\n| command | ...\n|---|\n| `client foo *` | `-ERR unknown*` | `+OK` | it is newer |\n";
        let accepted = Accepted::read(text);
        let op = |line: &str| {
            Op::new(0, line.split(' ').map(|word| word.as_bytes().to_vec()).collect(), Class::Exact)
        };
        assert!(accepted.allows(&op("CLIENT foo x"), b"-ERR unknown thing\r\n", b"+OK\r\n"));
        assert!(!accepted.allows(&op("client bar x"), b"-ERR unknown thing\r\n", b"+OK\r\n"));
        assert!(!accepted.allows(&op("client foo x"), b"-ERR known thing\r\n", b"+OK\r\n"));
        assert!(!accepted.allows(&op("client foo x"), b"-ERR unknown thing\r\n", b"-OK\r\n"));
        assert_eq!(accepted.used(), [("client foo *: it is newer".to_string(), 1)]);
    }

    #[test]
    fn the_file_is_read() {
        let rows = FILE.lines().filter(|line| line.starts_with("| `")).count();
        assert_eq!(Accepted::read(FILE).0.len(), rows);
    }
}
