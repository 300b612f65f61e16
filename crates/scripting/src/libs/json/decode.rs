//! Reading JSON: a token ahead, as the messages tell where a token begins.

use super::{OFF, Settings, get, null};
use crate::raise::raise;
use mlua::{Lua, LuaString, Value};

pub(super) fn decode(settings: &Settings, lua: &Lua, text: &[u8]) -> mlua::Result<Value> {
    if 2 <= text.len() && (text[0] == 0 || text[1] == 0) {
        return Err(raise(lua, "JSON parser does not support UTF-16 or UTF-32"));
    }
    let mut parser = Parser { settings, lua, text, at: 0, string: Vec::new() };
    let first = parser.next();
    let value = parser.value(&first, 0)?;
    let last = parser.next();
    match last.kind {
        Kind::End => Ok(value),
        _ => Err(parser.unexpected("the end", &last)),
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    ObjectBegin,
    ObjectEnd,
    ArrayBegin,
    ArrayEnd,
    /// Its text is in [`Parser::string`].
    String,
    Number(f64),
    Boolean(bool),
    Null,
    Colon,
    Comma,
    End,
    Error(&'static str),
}

struct Token {
    kind: Kind,
    at: usize,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::ObjectBegin => "T_OBJ_BEGIN",
            Self::ObjectEnd => "T_OBJ_END",
            Self::ArrayBegin => "T_ARR_BEGIN",
            Self::ArrayEnd => "T_ARR_END",
            Self::String => "T_STRING",
            Self::Number(_) => "T_NUMBER",
            Self::Boolean(_) => "T_BOOLEAN",
            Self::Null => "T_NULL",
            Self::Colon => "T_COLON",
            Self::Comma => "T_COMMA",
            Self::End => "T_END",
            Self::Error(text) => text,
        }
    }
}

struct Parser<'p> {
    settings: &'p Settings,
    lua: &'p Lua,
    text: &'p [u8],
    at: usize,
    string: Vec<u8>,
}

impl Parser<'_> {
    fn unexpected(&self, wanted: &str, token: &Token) -> mlua::Error {
        let text = format!("Expected {wanted} but found {} at character {}", token.kind.name(), token.at + 1);
        raise(self.lua, text)
    }

    /// The byte at `at`; zero at the end, which is what ends the text in C too.
    fn byte(&self, at: usize) -> u8 {
        self.text.get(at).copied().unwrap_or(0)
    }

    fn value(&mut self, token: &Token, depth: i32) -> mlua::Result<Value> {
        Ok(match token.kind {
            Kind::String => Value::String(self.lua.create_string(&self.string)?),
            Kind::Number(n) => Value::Number(n),
            Kind::Boolean(yes) => Value::Boolean(yes),
            Kind::Null => null(),
            Kind::ObjectBegin => self.object(depth + 1)?,
            Kind::ArrayBegin => self.array(depth + 1)?,
            _ => return Err(self.unexpected("value", token)),
        })
    }

    fn enter(&self, depth: i32) -> mlua::Result<()> {
        if depth <= get(&self.settings.decode_depth_max).min(DEPTH_MAX) {
            return Ok(());
        }
        Err(raise(self.lua, format_args!("Found too many nested data structures ({depth})")))
    }

    fn object(&mut self, depth: i32) -> mlua::Result<Value> {
        self.enter(depth)?;
        let table = self.lua.create_table()?;
        let mut token = self.next();
        if token.kind == Kind::ObjectEnd {
            return Ok(Value::Table(table));
        }
        loop {
            if token.kind != Kind::String {
                return Err(self.unexpected("object key string", &token));
            }
            let key = std::mem::take(&mut self.string);
            token = self.next();
            if token.kind != Kind::Colon {
                return Err(self.unexpected("colon", &token));
            }
            token = self.next();
            let value = self.value(&token, depth)?;
            table.raw_set(LuaString::wrap(key), value)?;
            token = self.next();
            match token.kind {
                Kind::ObjectEnd => return Ok(Value::Table(table)),
                Kind::Comma => token = self.next(),
                _ => return Err(self.unexpected("comma or object end", &token)),
            }
        }
    }

    fn array(&mut self, depth: i32) -> mlua::Result<Value> {
        self.enter(depth)?;
        let table = self.lua.create_table()?;
        let mut token = self.next();
        if token.kind == Kind::ArrayEnd {
            return Ok(Value::Table(table));
        }
        for i in 1.. {
            let value = self.value(&token, depth)?;
            table.raw_set(i, value)?;
            token = self.next();
            match token.kind {
                Kind::ArrayEnd => break,
                Kind::Comma => token = self.next(),
                _ => return Err(self.unexpected("comma or array end", &token)),
            }
        }
        Ok(Value::Table(table))
    }

    fn next(&mut self) -> Token {
        while matches!(self.byte(self.at), b' ' | b'\t' | b'\n' | b'\r') {
            self.at += 1;
        }
        let at = self.at;
        let single = |kind| (kind, 1);
        let (kind, len) = match self.byte(at) {
            0 => (Kind::End, 0),
            b'{' => single(Kind::ObjectBegin),
            b'}' => single(Kind::ObjectEnd),
            b'[' => single(Kind::ArrayBegin),
            b']' => single(Kind::ArrayEnd),
            b',' => single(Kind::Comma),
            b':' => single(Kind::Colon),
            b'"' => return self.string(at),
            b'-' | b'0'..=b'9' => {
                if get(&self.settings.decode_invalid) == OFF && self.is_invalid_number() {
                    (Kind::Error("invalid number"), 0)
                } else {
                    return self.number(at);
                }
            }
            b'f' | b'i' | b'I' | b'n' | b'N' | b't' | b'+' => {
                let rest = &self.text[at..];
                if rest.starts_with(b"true") {
                    (Kind::Boolean(true), 4)
                } else if rest.starts_with(b"false") {
                    (Kind::Boolean(false), 5)
                } else if rest.starts_with(b"null") {
                    (Kind::Null, 4)
                } else if get(&self.settings.decode_invalid) != OFF && self.is_invalid_number() {
                    return self.number(at);
                } else {
                    (Kind::Error("invalid token"), 0)
                }
            }
            _ => (Kind::Error("invalid token"), 0),
        };
        self.at += len;
        Token { kind, at }
    }

    /// Infinity, NaN, hexadecimal, leading zeros, a plus: what C reads and JSON has not.
    fn is_invalid_number(&self) -> bool {
        let mut at = self.at;
        if self.byte(at) == b'+' {
            return true;
        }
        if self.byte(at) == b'-' {
            at += 1;
        }
        if self.byte(at) == b'0' {
            let second = self.byte(at + 1);
            return second | 0x20 == b'x' || second.is_ascii_digit();
        }
        if self.byte(at) <= b'9' {
            return false;
        }
        let word = self.text.get(at..at + 3).unwrap_or_default();
        word.eq_ignore_ascii_case(b"inf") || word.eq_ignore_ascii_case(b"nan")
    }

    fn number(&mut self, at: usize) -> Token {
        let len = number_len(&self.text[at..]);
        match base::number::parse_f64_of_c(&self.text[at..at + len]) {
            Some(n) if len != 0 => {
                self.at += len;
                Token { kind: Kind::Number(n), at }
            }
            // The reader of numbers has no NaN.
            None if self.text[at..at + len].to_ascii_lowercase().ends_with(b"nan") => {
                self.at += len;
                let n = if self.text[at] == b'-' { -f64::NAN } else { f64::NAN };
                Token { kind: Kind::Number(n), at }
            }
            _ => Token { kind: Kind::Error("invalid number"), at },
        }
    }

    fn string(&mut self, at: usize) -> Token {
        self.string.clear();
        self.at += 1;
        loop {
            match self.byte(self.at) {
                b'"' => break,
                0 => return self.bad("unexpected end of string"),
                b'\\' => match self.byte(self.at + 1) {
                    b'u' => {
                        if self.unicode().is_none() {
                            return self.bad("invalid unicode escape code");
                        }
                    }
                    escape => {
                        let byte = match escape {
                            b'"' | b'\\' | b'/' => escape,
                            b'b' => 8,
                            b't' => 9,
                            b'n' => 10,
                            b'f' => 12,
                            b'r' => 13,
                            _ => return self.bad("invalid escape code"),
                        };
                        self.string.push(byte);
                        self.at += 2;
                    }
                },
                byte => {
                    self.string.push(byte);
                    self.at += 1;
                }
            }
        }
        self.at += 1;
        Token { kind: Kind::String, at }
    }

    fn bad(&self, what: &'static str) -> Token {
        Token { kind: Kind::Error(what), at: self.at }
    }

    /// Four hex digits at `at`.
    fn hex4(&self, at: usize) -> Option<u32> {
        let digits = self.text.get(at..at + 4)?;
        digits.iter().try_fold(0, |n, &c| Some(n << 4 | (c as char).to_digit(16)?))
    }

    /// An escape `\uXXXX`, or two that are one character.
    fn unicode(&mut self) -> Option<()> {
        let mut code = self.hex4(self.at + 2)?;
        let mut len = 6;
        if code & 0xF800 == 0xD800 {
            if code & 0x400 != 0 || self.byte(self.at + 6) != b'\\' || self.byte(self.at + 7) != b'u' {
                return None;
            }
            let low = self.hex4(self.at + 8)?;
            if low & 0xFC00 != 0xDC00 {
                return None;
            }
            code = ((code & 0x3FF) << 10 | low & 0x3FF) + 0x1_0000;
            len = 12;
        }
        let mut utf8 = [0; 4];
        self.string.extend_from_slice(char::from_u32(code)?.encode_utf8(&mut utf8).as_bytes());
        self.at += len;
        Some(())
    }
}

/// Each level of a value is a frame of this thread's stack, whatever the setting says.
const DEPTH_MAX: i32 = 2000;

/// How much of the text C's strtod would read as a number.
fn number_len(text: &[u8]) -> usize {
    let byte = |at: usize| text.get(at).copied().unwrap_or(0);
    let digits =
        |from: usize, is: fn(&u8) -> bool| text[from.min(text.len())..].iter().take_while(|c| is(c)).count();
    let sign = usize::from(matches!(byte(0), b'+' | b'-'));
    for word in [&b"infinity"[..], b"inf", b"nan"] {
        if text[sign..].get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word)) {
            return sign + word.len();
        }
    }
    let is_hex = byte(sign) == b'0' && byte(sign + 1) | 0x20 == b'x';
    let (start, is, exponent): (_, fn(&u8) -> bool, _) =
        if is_hex { (sign + 2, u8::is_ascii_hexdigit, b'p') } else { (sign, u8::is_ascii_digit, b'e') };
    let whole = digits(start, is);
    let mut end = start + whole;
    let mut fraction = 0;
    if byte(end) == b'.' {
        fraction = digits(end + 1, is);
        if whole + fraction != 0 {
            end += 1 + fraction;
        }
    }
    if whole + fraction == 0 {
        // "0x" alone is the number 0.
        return if is_hex { sign + 1 } else { 0 };
    }
    if byte(end) | 0x20 == exponent {
        let signed = end + 1 + usize::from(matches!(byte(end + 1), b'+' | b'-'));
        let power = digits(signed, u8::is_ascii_digit);
        if power != 0 {
            end = signed + power;
        }
    }
    end
}
