//! A reply as a tree, parsed from RESP2 or RESP3, and printed as redis-cli prints it.

use std::fmt;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    Simple(Vec<u8>),
    Error(Vec<u8>),
    Int(i64),
    Bulk(Vec<u8>),
    /// `$-1`.
    Nil,
    /// `_` of RESP3.
    Null,
    /// `*-1`.
    NilArray,
    Array(Vec<Value>),
    Map(Vec<(Value, Value)>),
    Set(Vec<Value>),
    Push(Vec<Value>),
    /// As it was written: how a number is written is part of what is compared.
    Double(Vec<u8>),
    Bool(bool),
    BigNumber(Vec<u8>),
    Verbatim(Vec<u8>),
    Attribute(Vec<(Value, Value)>),
}

/// Why bytes are no reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Malformed {
    Type(u8),
    Length,
    Line,
    Depth,
}

/// Nesting of replies: the deepest that a server gives is COMMAND's, of six.
const DEPTH_MAX: usize = 32;

impl Value {
    /// The first reply in `bytes` and its length; `None` if there is not all of it yet.
    pub fn parse(bytes: &[u8]) -> Result<Option<(Value, usize)>, Malformed> {
        let mut parser = Parser { bytes, at: 0 };
        match parser.value(0) {
            Ok(value) => Ok(Some((value, parser.at))),
            Err(Stop::Short) => Ok(None),
            Err(Stop::Bad(why)) => Err(why),
        }
    }

    pub fn bulk(text: &str) -> Self {
        Value::Bulk(text.as_bytes().to_vec())
    }

    /// As it is sent.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let line = |out: &mut Vec<u8>, mark: u8, text: &[u8]| out.extend([&[mark], text, b"\r\n"].concat());
        let head = |out: &mut Vec<u8>, mark: u8, len: usize| line(out, mark, len.to_string().as_bytes());
        let bulk = |out: &mut Vec<u8>, mark: u8, text: &[u8]| {
            head(out, mark, text.len());
            out.extend([text, b"\r\n"].concat());
        };
        match self {
            Value::Simple(text) => line(out, b'+', text),
            Value::Error(text) => line(out, b'-', text),
            Value::Int(n) => line(out, b':', n.to_string().as_bytes()),
            Value::Bulk(text) => bulk(out, b'$', text),
            Value::Nil => line(out, b'$', b"-1"),
            Value::Null => line(out, b'_', b""),
            Value::NilArray => line(out, b'*', b"-1"),
            Value::Double(text) => line(out, b',', text),
            Value::Bool(yes) => line(out, b'#', if *yes { b"t" } else { b"f" }),
            Value::BigNumber(text) => line(out, b'(', text),
            Value::Verbatim(text) => bulk(out, b'=', text),
            Value::Array(items) | Value::Set(items) | Value::Push(items) => {
                let mark = match self {
                    Value::Set(_) => b'~',
                    Value::Push(_) => b'>',
                    _ => b'*',
                };
                head(out, mark, items.len());
                items.iter().for_each(|item| item.encode(out));
            }
            Value::Map(pairs) | Value::Attribute(pairs) => {
                head(out, if matches!(self, Value::Map(_)) { b'%' } else { b'|' }, pairs.len());
                pairs.iter().flat_map(|(key, value)| [key, value]).for_each(|item| item.encode(out));
            }
        }
    }

    pub fn is_error(&self) -> bool {
        matches!(self, Value::Error(_))
    }

    /// The integer; a bulk that is one counts.
    #[track_caller]
    pub fn int(&self) -> i64 {
        match self {
            Value::Int(n) => *n,
            other => other.text().parse().unwrap_or_else(|_| panic!("no integer: {other}")),
        }
    }

    /// The text of a string of any kind, or of an error.
    #[track_caller]
    pub fn text(&self) -> String {
        match self {
            Value::Simple(text) | Value::Error(text) | Value::Bulk(text) | Value::Verbatim(text) => {
                String::from_utf8_lossy(text).into_owned()
            }
            other => panic!("no text: {other}"),
        }
    }

    /// The elements of an array or a set; keys and values of a map in turn.
    #[track_caller]
    pub fn items(&self) -> Vec<Value> {
        match self {
            Value::Array(items) | Value::Set(items) | Value::Push(items) => items.clone(),
            Value::Map(pairs) => pairs.iter().flat_map(|(key, value)| [key.clone(), value.clone()]).collect(),
            other => panic!("no array: {other}"),
        }
    }
}

enum Stop {
    Short,
    Bad(Malformed),
}

struct Parser<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl Parser<'_> {
    fn value(&mut self, depth: usize) -> Result<Value, Stop> {
        if depth == DEPTH_MAX {
            return Err(Stop::Bad(Malformed::Depth));
        }
        let kind = *self.bytes.get(self.at).ok_or(Stop::Short)?;
        self.at += 1;
        match kind {
            b'+' => Ok(Value::Simple(self.line()?)),
            b'-' => Ok(Value::Error(self.line()?)),
            b',' => Ok(Value::Double(self.line()?)),
            b'(' => Ok(Value::BigNumber(self.line()?)),
            b':' => Ok(Value::Int(self.number()?)),
            b'#' => match self.line()?.as_slice() {
                b"t" => Ok(Value::Bool(true)),
                b"f" => Ok(Value::Bool(false)),
                _ => Err(Stop::Bad(Malformed::Line)),
            },
            b'_' => {
                let rest = self.line()?;
                if rest.is_empty() { Ok(Value::Null) } else { Err(Stop::Bad(Malformed::Line)) }
            }
            b'$' => Ok(self.bulk()?.map_or(Value::Nil, Value::Bulk)),
            b'=' => self.bulk()?.map(Value::Verbatim).ok_or(Stop::Bad(Malformed::Length)),
            b'!' => self.bulk()?.map(Value::Error).ok_or(Stop::Bad(Malformed::Length)),
            b'*' => match self.number()? {
                -1 => Ok(Value::NilArray),
                n => Ok(Value::Array(self.many(n, depth)?)),
            },
            b'~' => {
                let n = self.number()?;
                Ok(Value::Set(self.many(n, depth)?))
            }
            b'>' => {
                let n = self.number()?;
                Ok(Value::Push(self.many(n, depth)?))
            }
            b'%' => Ok(Value::Map(self.pairs(depth)?)),
            b'|' => Ok(Value::Attribute(self.pairs(depth)?)),
            other => Err(Stop::Bad(Malformed::Type(other))),
        }
    }

    fn line(&mut self) -> Result<Vec<u8>, Stop> {
        let rest = &self.bytes[self.at..];
        let end = rest.windows(2).position(|two| two == b"\r\n").ok_or(Stop::Short)?;
        self.at += end + 2;
        Ok(rest[..end].to_vec())
    }

    fn number(&mut self) -> Result<i64, Stop> {
        let line = self.line()?;
        let text = std::str::from_utf8(&line).ok().and_then(|text| text.parse().ok());
        text.ok_or(Stop::Bad(Malformed::Length))
    }

    fn bulk(&mut self) -> Result<Option<Vec<u8>>, Stop> {
        let len = match self.number()? {
            -1 => return Ok(None),
            n => usize::try_from(n).map_err(|_| Stop::Bad(Malformed::Length))?,
        };
        let rest = &self.bytes[self.at..];
        if rest.len() < len + 2 {
            return Err(Stop::Short);
        }
        if &rest[len..len + 2] != b"\r\n" {
            return Err(Stop::Bad(Malformed::Line));
        }
        self.at += len + 2;
        Ok(Some(rest[..len].to_vec()))
    }

    fn many(&mut self, n: i64, depth: usize) -> Result<Vec<Value>, Stop> {
        let n = usize::try_from(n).map_err(|_| Stop::Bad(Malformed::Length))?;
        (0..n).map(|_| self.value(depth + 1)).collect()
    }

    fn pairs(&mut self, depth: usize) -> Result<Vec<(Value, Value)>, Stop> {
        let n = self.number()?;
        let n = usize::try_from(n).map_err(|_| Stop::Bad(Malformed::Length))?;
        (0..n).map(|_| Ok((self.value(depth + 1)?, self.value(depth + 1)?))).collect()
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.print(f, "")
    }
}

impl Value {
    /// `indent` stands before every line but the first.
    fn print(&self, f: &mut fmt::Formatter<'_>, indent: &str) -> fmt::Result {
        match self {
            Value::Simple(text) => write!(f, "{}", String::from_utf8_lossy(text)),
            Value::Error(text) => write!(f, "(error) {}", String::from_utf8_lossy(text)),
            Value::Int(n) => write!(f, "(integer) {n}"),
            Value::Bulk(text) => write!(f, "{}", quoted(text)),
            Value::Nil | Value::Null | Value::NilArray => write!(f, "(nil)"),
            Value::Double(text) => write!(f, "(double) {}", String::from_utf8_lossy(text)),
            Value::BigNumber(text) => write!(f, "{}", String::from_utf8_lossy(text)),
            Value::Bool(yes) => write!(f, "({yes})"),
            Value::Verbatim(text) => write!(f, "{}", String::from_utf8_lossy(text.get(4..).unwrap_or(text))),
            Value::Array(items) => print_items(f, items, indent, ")", "(empty array)"),
            Value::Push(items) => print_items(f, items, indent, ")", "(empty push)"),
            Value::Set(items) => print_items(f, items, indent, "~", "(empty set)"),
            Value::Map(pairs) | Value::Attribute(pairs) => print_pairs(f, pairs, indent),
        }
    }
}

fn print_items(
    f: &mut fmt::Formatter<'_>,
    items: &[Value],
    indent: &str,
    mark: &str,
    empty: &str,
) -> fmt::Result {
    if items.is_empty() {
        return write!(f, "{empty}");
    }
    let width = items.len().to_string().len();
    let inner = format!("{indent}{}", " ".repeat(width + 2));
    for (i, item) in (1..).zip(items) {
        if 1 < i {
            write!(f, "\n{indent}")?;
        }
        write!(f, "{i:width$}{mark} ")?;
        item.print(f, &inner)?;
    }
    Ok(())
}

fn print_pairs(f: &mut fmt::Formatter<'_>, pairs: &[(Value, Value)], indent: &str) -> fmt::Result {
    if pairs.is_empty() {
        return write!(f, "(empty hash)");
    }
    let width = pairs.len().to_string().len();
    let inner = format!("{indent}{}", " ".repeat(width + 2));
    for (i, (key, value)) in (1..).zip(pairs) {
        if 1 < i {
            write!(f, "\n{indent}")?;
        }
        write!(f, "{i:width$}# ")?;
        key.print(f, &inner)?;
        write!(f, " => ")?;
        value.print(f, &inner)?;
    }
    Ok(())
}

/// Bytes in double quotes with C's escapes, as redis-cli shows them.
pub fn quoted(bytes: &[u8]) -> String {
    let mut out = String::from("\"");
    for &byte in bytes {
        match byte {
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            0x07 => out.push_str("\\a"),
            0x08 => out.push_str("\\b"),
            b'"' | b'\\' => out.extend(['\\', byte as char]),
            b' '..=b'~' => out.push(byte as char),
            _ => out.push_str(&format!("\\x{byte:02x}")),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn print(bytes: &str) -> String {
        let (value, len) = Value::parse(bytes.as_bytes()).expect("is well formed").expect("is whole");
        assert_eq!(len, bytes.len());
        let mut again = Vec::new();
        value.encode(&mut again);
        assert_eq!(String::from_utf8_lossy(&again), bytes);
        value.to_string()
    }

    #[test]
    fn prints_as_redis_cli() {
        let cases = [
            ("+OK\r\n", "OK"),
            ("-ERR no\r\n", "(error) ERR no"),
            (":-7\r\n", "(integer) -7"),
            ("$4\r\na\r\n\x01\r\n", "\"a\\r\\n\\x01\""),
            ("$-1\r\n", "(nil)"),
            ("_\r\n", "(nil)"),
            ("*0\r\n", "(empty array)"),
            ("*2\r\n:1\r\n*2\r\n:2\r\n:3\r\n", "1) (integer) 1\n2) 1) (integer) 2\n   2) (integer) 3"),
            ("%1\r\n$1\r\na\r\n,1.5\r\n", "1# \"a\" => (double) 1.5"),
            ("~1\r\n#t\r\n", "1~ (true)"),
            ("=6\r\ntxt:hi\r\n", "hi"),
            ("(123456789012345678901\r\n", "123456789012345678901"),
        ];
        for (bytes, text) in cases {
            assert_eq!(print(bytes), text);
        }
    }

    #[test]
    fn waits_for_the_whole_and_refuses_nonsense() {
        let whole = b"*3\r\n$3\r\nabc\r\n:5\r\n%1\r\n+k\r\n#f\r\n";
        for end in 0..whole.len() {
            assert_eq!(Value::parse(&whole[..end]), Ok(None), "{end}");
        }
        assert!(Value::parse(whole).is_ok_and(|found| found.is_some()));
        assert_eq!(Value::parse(b"?1\r\n"), Err(Malformed::Type(b'?')));
        assert_eq!(Value::parse(b"$x\r\n"), Err(Malformed::Length));
        assert_eq!(Value::parse(b"$1\r\nabc"), Err(Malformed::Line));
        assert_eq!(Value::parse(&b"*1\r\n".repeat(40)), Err(Malformed::Depth));
    }
}
