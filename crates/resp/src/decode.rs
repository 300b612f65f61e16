//! The request decoder: bytes of a connection in, spans of arguments out.
//!
//! It decodes one request at a time from wherever the caller's buffer has it, in place, without copying (only
//! inline requests, which people type, are copied). Inside a half request it remembers where it stopped, so no
//! byte is looked at twice, and says how many bytes it needs, so that the caller can size its buffer once.
//! How the input is split into reads never changes the result.
//!
//! It is as lenient as Redis, which does not look at the bytes where LF, or the CRLF behind an argument, should
//! be; such a request is not canonical. After an error the connection is closed, and the decoder is not used again.

use crate::args::{OwnedArgs, Span};
use crate::line;
use base::number;
use std::fmt;

/// What a connection may send. The sizes are in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// `proto-max-bulk-len`: the longest argument.
    pub bulk_bytes_max: usize,
    /// The longest inline request and the longest line with a count or length.
    pub inline_bytes_max: usize,
    pub args_max: usize,
    /// `client-query-buffer-limit`: the longest request.
    pub query_bytes_max: usize,
    /// Who has yet to authenticate sends small requests only.
    pub authenticated: bool,
}

impl Limits {
    pub const BULK_BYTES_MAX: usize = 512 * 1024 * 1024;
    pub const INLINE_BYTES_MAX: usize = 64 * 1024;
    pub const ARGS_MAX: usize = i32::MAX as usize;
    pub const QUERY_BYTES_MAX: usize = 1024 * 1024 * 1024;
    /// Spans count in 32 bits; no setting goes beyond.
    pub const QUERY_BYTES_CEILING: usize = u32::MAX as usize;
    const UNAUTHENTICATED_ARGS_MAX: usize = 10;
    const UNAUTHENTICATED_BULK_BYTES_MAX: usize = 16384;
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bulk_bytes_max: Self::BULK_BYTES_MAX,
            inline_bytes_max: Self::INLINE_BYTES_MAX,
            args_max: Self::ARGS_MAX,
            query_bytes_max: Self::QUERY_BYTES_MAX,
            authenticated: true,
        }
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Decoded {
    /// The request is not all there: the buffer must hold at least so many bytes, from the request's first on.
    Need(usize),
    /// A request in the first `bytes` of the buffer; its arguments are `spans` spans from `first_span` on.
    Request { bytes: usize, first_span: usize, spans: usize, canonical: bool },
    /// A request of plain words in the first `bytes` of the buffer.
    Inline { bytes: usize, args: OwnedArgs },
    /// Nothing to run (an empty line, `*0`) in the first `bytes` of the buffer.
    Empty { bytes: usize },
}

/// Why the connection is closed. `Display` is Redis's text behind `Protocol error: `.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProtocolError {
    MultibulkLength,
    MultibulkLineTooLong,
    UnauthenticatedMultibulk,
    ExpectedDollar {
        got: u8,
    },
    BulkLength,
    BulkLineTooLong,
    UnauthenticatedBulk,
    InlineTooLong,
    UnbalancedQuotes,
    /// Beyond `query_bytes_max`. Redis closes such a connection without a word.
    QueryTooLong,
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MultibulkLength => "invalid multibulk length",
            Self::MultibulkLineTooLong => "too big mbulk count string",
            Self::UnauthenticatedMultibulk => "unauthenticated multibulk length",
            Self::ExpectedDollar { got } => return write!(f, "expected '$', got '{}'", char::from(*got)),
            Self::BulkLength => "invalid bulk length",
            Self::BulkLineTooLong => "too big bulk count string",
            Self::UnauthenticatedBulk => "unauthenticated bulk length",
            Self::InlineTooLong => "too big inline request",
            Self::UnbalancedQuotes => "unbalanced quotes in request",
            Self::QueryTooLong => "too big request",
        })
    }
}

impl std::error::Error for ProtocolError {}

/// The state of a half request; between requests it is as new.
#[derive(Default)]
pub struct Decoder {
    /// Everything before is decoded; what follows begins with a count, a length, or an argument.
    at: usize,
    /// How far behind `at` the end of a line was looked for in vain.
    searched: usize,
    /// Arguments still to come; `None` before the count is known.
    left: Option<usize>,
    /// The length of the argument at `at`, once it is known.
    bulk: Option<usize>,
    /// Something in the half request is not as [`crate::push_command`] would write it.
    uncommon: bool,
    /// The spans of the half request.
    half: Vec<Span>,
}

/// A line's number and the bytes that the line takes, or how many more it needs.
enum Line {
    Number { n: i64, bytes: usize, canonical: bool },
    NotNumber,
    Unfinished,
    TooLong,
}

impl Decoder {
    pub fn new() -> Self {
        Self::default()
    }

    /// True inside a half request.
    pub fn is_midway(&self) -> bool {
        0 < self.at || 0 < self.searched
    }

    /// Decodes the request at the start of `buf`, and appends its spans to `spans`. After `Need`, call again with
    /// the same bytes and more behind them; `spans` may have been emptied meanwhile.
    pub fn next(
        &mut self,
        buf: &[u8],
        limits: &Limits,
        spans: &mut Vec<Span>,
    ) -> Result<Decoded, ProtocolError> {
        match buf.first() {
            None => Ok(Decoded::Need(1)),
            Some(b'*') if !self.is_midway() => self.fresh(buf, limits, spans),
            Some(b'*') => self.resume(buf, limits, spans),
            Some(_) => self.inline(buf, limits),
        }
    }

    /// A request from its start: straight into `spans`; they move aside only if the request is not all there.
    #[inline]
    fn fresh(
        &mut self,
        buf: &[u8],
        limits: &Limits,
        spans: &mut Vec<Span>,
    ) -> Result<Decoded, ProtocolError> {
        let first_span = spans.len();
        let decoded = self.multibulk(buf, limits, spans)?;
        if let Decoded::Need(_) = decoded {
            self.half.extend(spans.drain(first_span..));
        }
        Ok(self.finish(decoded, first_span, spans.len() - first_span))
    }

    fn resume(
        &mut self,
        buf: &[u8],
        limits: &Limits,
        spans: &mut Vec<Span>,
    ) -> Result<Decoded, ProtocolError> {
        let mut half = std::mem::take(&mut self.half);
        let decoded = self.multibulk(buf, limits, &mut half);
        self.half = half;
        let decoded = decoded?;
        let (first_span, count) = (spans.len(), self.half.len());
        if let Decoded::Request { .. } = decoded {
            spans.append(&mut self.half);
            // A request of a million arguments must not keep its memory for good.
            self.half = Vec::new();
        }
        Ok(self.finish(decoded, first_span, count))
    }

    #[inline]
    fn finish(&mut self, mut decoded: Decoded, first: usize, count: usize) -> Decoded {
        match &mut decoded {
            Decoded::Need(_) => return decoded,
            Decoded::Request { first_span, spans, .. } => (*first_span, *spans) = (first, count),
            Decoded::Inline { .. } | Decoded::Empty { .. } => {}
        }
        (self.at, self.searched, self.left, self.bulk, self.uncommon) = (0, 0, None, None, false);
        decoded
    }

    /// Goes on with a multibulk request from where it stopped. The caller fills in which spans it got.
    #[inline]
    fn multibulk(
        &mut self,
        buf: &[u8],
        limits: &Limits,
        spans: &mut Vec<Span>,
    ) -> Result<Decoded, ProtocolError> {
        let mut left = match self.left {
            Some(left) => left,
            None => match self.count(buf, limits)? {
                None => return Ok(Decoded::Need(buf.len() + 1)),
                Some(0) => return Ok(Decoded::Empty { bytes: self.at }),
                Some(count) => count,
            },
        };
        while 0 < left {
            let len = match self.bulk {
                Some(len) => len,
                None => match self.length(buf, limits)? {
                    None => {
                        self.left = Some(left);
                        return need(buf.len() + 1, limits);
                    }
                    Some(len) => len,
                },
            };
            let end = self.at + len + 2;
            if buf.len() < end {
                (self.left, self.bulk) = (Some(left), Some(len));
                return need(end, limits);
            }
            self.uncommon |= buf[end - 2..end] != *b"\r\n";
            spans.push(Span { at: self.at as u32, len: len as u32 });
            (self.at, self.bulk) = (end, None);
            left -= 1;
        }
        if limits.query_bytes_max.min(Limits::QUERY_BYTES_CEILING) < self.at {
            return Err(ProtocolError::QueryTooLong);
        }
        Ok(Decoded::Request { bytes: self.at, first_span: 0, spans: 0, canonical: !self.uncommon })
    }

    /// The line `*<count>`; 0 stands for every count that asks for nothing.
    #[inline]
    fn count(&mut self, buf: &[u8], limits: &Limits) -> Result<Option<usize>, ProtocolError> {
        let n = match self.number(buf, limits) {
            Line::Unfinished => return Ok(None),
            Line::TooLong => return Err(ProtocolError::MultibulkLineTooLong),
            Line::NotNumber => return Err(ProtocolError::MultibulkLength),
            Line::Number { n, bytes, canonical } => {
                (self.at, self.searched) = (self.at + bytes, 0);
                self.uncommon |= !canonical;
                n
            }
        };
        if n <= 0 {
            return Ok(Some(0));
        }
        let count = n as usize;
        if limits.args_max < count {
            return Err(ProtocolError::MultibulkLength);
        }
        if !limits.authenticated && Limits::UNAUTHENTICATED_ARGS_MAX < count {
            return Err(ProtocolError::UnauthenticatedMultibulk);
        }
        Ok(Some(count))
    }

    /// The line `$<length>`.
    #[inline]
    fn length(&mut self, buf: &[u8], limits: &Limits) -> Result<Option<usize>, ProtocolError> {
        let line = self.number(buf, limits);
        match line {
            Line::Unfinished => return Ok(None),
            Line::TooLong => return Err(ProtocolError::BulkLineTooLong),
            _ => {}
        }
        if buf[self.at] != b'$' {
            return Err(ProtocolError::ExpectedDollar { got: buf[self.at] });
        }
        let Line::Number { n, bytes, canonical } = line else { return Err(ProtocolError::BulkLength) };
        if n < 0 || limits.bulk_bytes_max < n as usize {
            return Err(ProtocolError::BulkLength);
        }
        if !limits.authenticated && Limits::UNAUTHENTICATED_BULK_BYTES_MAX < n as usize {
            return Err(ProtocolError::UnauthenticatedBulk);
        }
        (self.at, self.searched) = (self.at + bytes, 0);
        self.uncommon |= !canonical;
        Ok(Some(n as usize))
    }

    /// The number in the line at `at`, behind its first byte.
    #[inline]
    fn number(&mut self, buf: &[u8], limits: &Limits) -> Line {
        let digit = |c: u8| i64::from(c - b'0');
        match buf.get(self.at + 1..).unwrap_or_default() {
            [a @ b'0'..=b'9', b'\r', b'\n', ..] => Line::Number { n: digit(*a), bytes: 4, canonical: true },
            [a @ b'1'..=b'9', b @ b'0'..=b'9', b'\r', b'\n', ..] => {
                Line::Number { n: digit(*a) * 10 + digit(*b), bytes: 5, canonical: true }
            }
            _ => self.any_number(buf, limits),
        }
    }

    fn any_number(&mut self, buf: &[u8], limits: &Limits) -> Line {
        let line = &buf[self.at..];
        let Some(end) = self.line_end(line, b'\r', limits) else {
            return if limits.inline_bytes_max < line.len() { Line::TooLong } else { Line::Unfinished };
        };
        if line.len() < end + 2 {
            return Line::Unfinished;
        }
        match number::parse_i64(&line[1..end]) {
            None => Line::NotNumber,
            Some(n) => Line::Number { n, bytes: end + 2, canonical: line[end + 1] == b'\n' && 0 <= n },
        }
    }

    /// Where `line` ends, if that is near enough. Looks at each byte once.
    fn line_end(&mut self, line: &[u8], mark: u8, limits: &Limits) -> Option<usize> {
        let near = &line[..line.len().min(limits.inline_bytes_max + 1)];
        match memchr::memchr(mark, &near[self.searched..]) {
            Some(found) => {
                // If only the LF is missing, the CR is found again: it stays in sight.
                self.searched += found;
                Some(self.searched)
            }
            None => {
                self.searched = near.len();
                None
            }
        }
    }

    /// A request of plain words on a line, as people type it.
    fn inline(&mut self, buf: &[u8], limits: &Limits) -> Result<Decoded, ProtocolError> {
        let Some(end) = self.line_end(buf, b'\n', limits) else {
            if limits.inline_bytes_max < buf.len() {
                return Err(ProtocolError::InlineTooLong);
            }
            return Ok(Decoded::Need(buf.len() + 1));
        };
        self.searched = 0;
        let line = buf[..end].strip_suffix(b"\r").unwrap_or(&buf[..end]);
        let words = line::split_args(line).map_err(|_| ProtocolError::UnbalancedQuotes)?;
        let bytes = end + 1;
        if words.is_empty() {
            return Ok(Decoded::Empty { bytes });
        }
        let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
        Ok(Decoded::Inline { bytes, args: OwnedArgs::from_slices(&words) })
    }
}

#[inline]
fn need(bytes: usize, limits: &Limits) -> Result<Decoded, ProtocolError> {
    if limits.query_bytes_max.min(Limits::QUERY_BYTES_CEILING) < bytes {
        return Err(ProtocolError::QueryTooLong);
    }
    Ok(Decoded::Need(bytes))
}
