//! Words of a line: the grammar of inline requests and of redis.conf.
//!
//! Words are separated by blanks. `"…"` knows `\n \r \t \b \a`, `\xHH`, and `\c` as the byte c; `'…'` knows only
//! `\'`. A quote may begin inside a word, and nothing but a blank may follow the closing one.

use std::fmt;

/// A quote is not closed, or is closed in the middle of a word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UnbalancedQuotes;

impl fmt::Display for UnbalancedQuotes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unbalanced quotes")
    }
}

impl std::error::Error for UnbalancedQuotes {}

pub fn split_args(line: &[u8]) -> Result<Vec<Vec<u8>>, UnbalancedQuotes> {
    let mut words = Vec::new();
    let mut rest = skip_blanks(line);
    while !rest.is_empty() {
        let mut word = Vec::new();
        rest = skip_blanks(take_word(rest, &mut word)?);
        words.push(word);
    }
    Ok(words)
}

/// As C's isspace; a NUL ends the line as it ends a C string.
fn is_blank(c: u8) -> bool {
    matches!(c, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

fn skip_blanks(line: &[u8]) -> &[u8] {
    let blanks = line.iter().take_while(|c| is_blank(**c)).count();
    match &line[blanks..] {
        [0, ..] => &[],
        rest => rest,
    }
}

/// Reads one word; gives what is behind it.
fn take_word<'a>(mut rest: &'a [u8], word: &mut Vec<u8>) -> Result<&'a [u8], UnbalancedQuotes> {
    loop {
        match rest {
            [] | [0, ..] => return Ok(rest),
            [b'"', quoted @ ..] => return end_of_word(take_double_quoted(quoted, word)?),
            [b'\'', quoted @ ..] => return end_of_word(take_single_quoted(quoted, word)?),
            [c, ..] if is_blank(*c) => return Ok(rest),
            [c, after @ ..] => {
                word.push(*c);
                rest = after;
            }
        }
    }
}

fn end_of_word(rest: &[u8]) -> Result<&[u8], UnbalancedQuotes> {
    match rest {
        [] | [0, ..] => Ok(rest),
        [c, ..] if is_blank(*c) => Ok(rest),
        _ => Err(UnbalancedQuotes),
    }
}

fn take_double_quoted<'a>(mut rest: &'a [u8], word: &mut Vec<u8>) -> Result<&'a [u8], UnbalancedQuotes> {
    loop {
        rest = match rest {
            [] | [0, ..] => return Err(UnbalancedQuotes),
            [b'"', after @ ..] => return Ok(after),
            [b'\\', b'x', high, low, after @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                word.push(hex(*high) << 4 | hex(*low));
                after
            }
            [b'\\', c, after @ ..] if *c != 0 => {
                word.push(unescaped(*c));
                after
            }
            [c, after @ ..] => {
                word.push(*c);
                after
            }
        }
    }
}

fn take_single_quoted<'a>(mut rest: &'a [u8], word: &mut Vec<u8>) -> Result<&'a [u8], UnbalancedQuotes> {
    loop {
        rest = match rest {
            [] | [0, ..] => return Err(UnbalancedQuotes),
            [b'\'', after @ ..] => return Ok(after),
            [b'\\', b'\'', after @ ..] => {
                word.push(b'\'');
                after
            }
            [c, after @ ..] => {
                word.push(*c);
                after
            }
        }
    }
}

fn unescaped(c: u8) -> u8 {
    match c {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 0x08,
        b'a' => 0x07,
        other => other,
    }
}

fn hex(c: u8) -> u8 {
    match c {
        b'0'..=b'9' => c - b'0',
        _ => (c | 0x20) - b'a' + 10,
    }
}
