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
            [b' ' | b'\t' | b'\n' | b'\r', ..] => return Ok(rest), // fewer than between words
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

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &[u8], want: Option<&[&[u8]]>) {
        let got = split_args(line).ok();
        assert_eq!(
            got,
            want.map(|words| words.iter().map(|word| word.to_vec()).collect()),
            "{}",
            line.escape_ascii()
        );
    }

    #[test]
    fn words() {
        check(b"", Some(&[]));
        check(b" \t\r\n\x0b\x0c", Some(&[]));
        check(b"PING", Some(&[b"PING"]));
        check(b"  set  key\tvalue \r", Some(&[b"set", b"key", b"value"]));
        check(br#"set "a b" 'c d'"#, Some(&[b"set", b"a b", b"c d"]));
        check(br#"save """#, Some(&[b"save", b""]));
        check(b"''", Some(&[b""]));
        check(br#""\n\r\t\b\a\\\"\q""#, Some(&[b"\n\r\t\x08\x07\\\"q"]));
        check(br#""\x41\xfF\x0""#, Some(&[b"A\xffx0"]));
        check(br#""\xzz""#, Some(&[b"xzz"]));
        check(br"'\x41\n\'\\ '", Some(&[br"\x41\n'\\ "]));
        check(br"'\\'", None);
        check(br#"a"b c"#, None);
        check(br#"a"b c""#, Some(&[b"ab c"]));
        check(br#"a'b c'"#, Some(&[b"ab c"]));
        check(br#""a"b"#, None);
        check(br#"'a'b"#, None);
        check(br#""a"'b'"#, None);
        check(br#""a"#, None);
        check(br#"'a"#, None);
        check(br#""a\""#, None);
        check(br"'a\'", None);
        check(b"\"\\", None);
        check(br"a\nb", Some(&[br"a\nb"]));
        check(b"\x0ba\x0bb \x0c c\x0c", Some(&[b"a\x0bb", b"c\x0c"]));
        check(b"\"a\"\x0bb", Some(&[b"a", b"b"]));
        check(b"\xff\xfe", Some(&[b"\xff\xfe"]));
    }

    /// C ends the line at a NUL.
    #[test]
    fn nul_ends_the_line() {
        check(b"a b\0c d", Some(&[b"a", b"b"]));
        check(b"a \0", Some(&[b"a"]));
        check(b"\"a\0\"", None);
        check(b"'a\0'", None);
        check(b"\"a\\\0\"", None);
        check(b"\"a\"\0b", Some(&[b"a"]));
    }
}
