//! The request decoder: bytes of a connection in, spans of arguments out.
//!
//! It decodes one request at a time from wherever the caller's buffer has it, in place, without copying (only
//! inline requests, which people type, are copied). Inside a half request it remembers where it stopped, so no
//! byte is looked at twice, and says how many bytes it needs, so that the caller can size its buffer once.
//! How the input is split into reads never changes the result.
//!
//! It is as lenient as Redis, which does not look at the bytes where LF, or the CRLF behind an argument, should be;
//! such a request is copied into canonical form, so that what is decoded in place can always be passed on as it is.
//! After an error the connection is closed, and the decoder is not used again.

use crate::args::{Args, OwnedArgs, Span};
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

impl Limits {
    /// What a primary may send, or a file hold.
    pub fn unlimited() -> Self {
        Self {
            bulk_bytes_max: Self::QUERY_BYTES_CEILING,
            query_bytes_max: Self::QUERY_BYTES_CEILING,
            ..Self::default()
        }
    }
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
    /// A request in canonical form in the first `bytes` of the buffer; its arguments are `spans` spans from
    /// `first_span` on.
    Request { bytes: usize, first_span: usize, spans: usize },
    /// A request of plain words, or one oddly spelled, in the first `bytes` of the buffer.
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
    odd: bool,
    /// The spans of the half request.
    half: Vec<Span>,
}

/// How far a multibulk request is decoded.
enum Progress {
    Need(usize),
    Empty,
    Done,
}

/// The number in a line and the bytes that the line takes.
enum Line {
    Number { n: i64, bytes: usize },
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
    #[inline]
    pub fn next(
        &mut self,
        buf: &[u8],
        limits: &Limits,
        spans: &mut Vec<Span>,
    ) -> Result<Decoded, ProtocolError> {
        if self.is_midway() {
            return self.resume(buf, limits, spans);
        }
        let first_span = spans.len();
        if let Some((bytes, left)) = plain_prefix(buf, limits, spans) {
            if query_bytes_max(limits) < bytes {
                return Err(ProtocolError::QueryTooLong);
            }
            if left == 0 {
                return Ok(Decoded::Request { bytes, first_span, spans: spans.len() - first_span });
            }
            (self.at, self.left) = (bytes, Some(left));
            self.half.extend(spans.drain(first_span..));
        }
        self.resume(buf, limits, spans)
    }

    /// Anything from where it stopped.
    #[cold]
    fn resume(
        &mut self,
        buf: &[u8],
        limits: &Limits,
        spans: &mut Vec<Span>,
    ) -> Result<Decoded, ProtocolError> {
        match buf.first() {
            None => return Ok(Decoded::Need(1)),
            Some(b'*') => {}
            Some(_) => return self.inline(buf, limits),
        }
        let progress = self.multibulk(buf, limits)?;
        if let Progress::Need(bytes) = progress {
            return Ok(Decoded::Need(bytes));
        }
        // A decoder at rest holds no memory, however many arguments there were.
        let Self { at: bytes, odd, mut half, .. } = std::mem::take(self);
        if query_bytes_max(limits) < bytes {
            return Err(ProtocolError::QueryTooLong);
        }
        Ok(match progress {
            Progress::Empty => Decoded::Empty { bytes },
            _ if odd => {
                Decoded::Inline { bytes, args: OwnedArgs::from_args(Args::loose(&buf[..bytes], &half)) }
            }
            _ => {
                let (first_span, count) = (spans.len(), half.len());
                spans.append(&mut half);
                Decoded::Request { bytes, first_span, spans: count }
            }
        })
    }

    /// Goes on with a multibulk request from where it stopped.
    fn multibulk(&mut self, buf: &[u8], limits: &Limits) -> Result<Progress, ProtocolError> {
        let mut left = match self.left {
            Some(left) => left,
            None => match self.count(buf, limits)? {
                None => return Ok(Progress::Need(buf.len() + 1)),
                Some(0) => return Ok(Progress::Empty),
                Some(count) => count,
            },
        };
        while 0 < left {
            self.left = Some(left);
            if self.bulk.is_none() {
                self.bulk = self.length(buf, limits)?;
            }
            let Some(len) = self.bulk else { return need(buf.len() + 1, limits) };
            let end = self.at + len + 2;
            if buf.len() < end {
                return need(end, limits);
            }
            self.odd |= buf[end - 2..end] != *b"\r\n";
            self.half.push(Span::new(self.at, len));
            (self.at, self.bulk) = (end, None);
            left -= 1;
        }
        Ok(Progress::Done)
    }

    /// The line `*<count>`; 0 stands for every count that asks for nothing.
    fn count(&mut self, buf: &[u8], limits: &Limits) -> Result<Option<usize>, ProtocolError> {
        let count = match self.number(buf, limits) {
            Line::Unfinished => return Ok(None),
            Line::TooLong => return Err(ProtocolError::MultibulkLineTooLong),
            Line::NotNumber => return Err(ProtocolError::MultibulkLength),
            Line::Number { n, bytes } => {
                self.pass_line(buf, bytes);
                n.max(0) as usize
            }
        };
        if limits.args_max < count {
            return Err(ProtocolError::MultibulkLength);
        }
        if !limits.authenticated && Limits::UNAUTHENTICATED_ARGS_MAX < count {
            return Err(ProtocolError::UnauthenticatedMultibulk);
        }
        Ok(Some(count))
    }

    /// The line `$<length>`.
    fn length(&mut self, buf: &[u8], limits: &Limits) -> Result<Option<usize>, ProtocolError> {
        let (n, bytes) = match self.number(buf, limits) {
            Line::Unfinished => return Ok(None),
            Line::TooLong => return Err(ProtocolError::BulkLineTooLong),
            _ if buf[self.at] != b'$' => return Err(ProtocolError::ExpectedDollar { got: buf[self.at] }),
            Line::NotNumber => return Err(ProtocolError::BulkLength),
            Line::Number { n, bytes } => (n, bytes),
        };
        let len = usize::try_from(n).map_err(|_| ProtocolError::BulkLength)?;
        if limits.bulk_bytes_max < len {
            return Err(ProtocolError::BulkLength);
        }
        if !limits.authenticated && Limits::UNAUTHENTICATED_BULK_BYTES_MAX < len {
            return Err(ProtocolError::UnauthenticatedBulk);
        }
        self.pass_line(buf, bytes);
        Ok(Some(len))
    }

    fn pass_line(&mut self, buf: &[u8], bytes: usize) {
        (self.at, self.searched) = (self.at + bytes, 0);
        self.odd |= buf[self.at - 1] != b'\n';
    }

    /// The number in the line at `at`, behind its first byte.
    fn number(&mut self, buf: &[u8], limits: &Limits) -> Line {
        let line = &buf[self.at..];
        let Some(end) = self.line_end(line, b'\r', limits) else {
            return if limits.inline_bytes_max < line.len() { Line::TooLong } else { Line::Unfinished };
        };
        if line.len() < end + 2 {
            return Line::Unfinished;
        }
        match line[..end].get(1..).and_then(number::parse_i64) {
            None => Line::NotNumber,
            Some(n) => Line::Number { n, bytes: end + 2 },
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

fn query_bytes_max(limits: &Limits) -> usize {
    limits.query_bytes_max.min(Limits::QUERY_BYTES_CEILING)
}

fn need(bytes: usize, limits: &Limits) -> Result<Progress, ProtocolError> {
    if query_bytes_max(limits) < bytes {
        return Err(ProtocolError::QueryTooLong);
    }
    Ok(Progress::Need(bytes))
}

/// The hot path: as much of a request as is plainly spelled, all there and short. Gives the bytes decoded and how
/// many arguments are left; `None` if not even the count is plain. What it cannot judge it leaves to the decoder.
/// Its numbers have four digits at most, so the other limit of the unauthenticated is kept, too.
#[inline]
fn plain_prefix(buf: &[u8], limits: &Limits, spans: &mut Vec<Span>) -> Option<(usize, usize)> {
    let (count, mut at) = plain_number(buf, 0, b'*')?;
    let args_max = if limits.authenticated { limits.args_max } else { Limits::UNAUTHENTICATED_ARGS_MAX };
    if count == 0 || args_max < count {
        return None;
    }
    let mut left = count;
    while 0 < left {
        let Some((len, start)) = plain_number(buf, at, b'$') else { break };
        let end = start + len;
        if limits.bulk_bytes_max < len || buf.get(end..end + 2) != Some(b"\r\n") {
            break;
        }
        spans.push(Span { at: start as u32, len: len as u32 });
        at = end + 2;
        left -= 1;
    }
    Some((at, left))
}

/// A line of `kind` and up to four digits: the number, and where the next line begins.
#[inline]
fn plain_number(buf: &[u8], at: usize, kind: u8) -> Option<(usize, usize)> {
    let line = buf.get(at..)?;
    let Some(&word) = line.first_chunk() else { return plain_number_at_end(line, at, kind) };
    // The line's frame is compared in one step, its digits are let through by the mask.
    let word = u64::from_le_bytes(word);
    let (one, one_mask) = frame(kind, 1);
    let (two, two_mask) = frame(kind, 2);
    if word & one_mask == one {
        let a = digit(word, 1);
        return (a <= 9).then_some((a as usize, at + 4));
    }
    if word & two_mask == two {
        let (a, b) = (digit(word, 1), digit(word, 2));
        // Other bytes are no digits, and their sum means nothing.
        return (1 <= a && a <= 9 && b <= 9).then(|| ((a * 10 + b) as usize, at + 5));
    }
    plain_number_long(word, at, kind)
}

fn plain_number_long(word: u64, at: usize, kind: u8) -> Option<(usize, usize)> {
    let (three, three_mask) = frame(kind, 3);
    let digits = if word & three_mask == three { 3 } else { 4 };
    let (four, four_mask) = frame(kind, 4);
    let framed = digits == 3 || word & four_mask == four;
    let all = (1..=digits).all(|i| digit(word, i) <= 9);
    let n = (1..=digits).fold(0, |n, i| n * 10 + digit(word, i) as usize);
    (framed && all && 1 <= digit(word, 1)).then_some((n, at + digits as usize + 3))
}

/// The same where the buffer has less than eight bytes left.
fn plain_number_at_end(line: &[u8], at: usize, kind: u8) -> Option<(usize, usize)> {
    let mut word = [0; 8];
    word[..line.len()].copy_from_slice(line);
    match word {
        [k, a @ b'0'..=b'9', b'\r', b'\n', ..] if k == kind => Some((usize::from(a - b'0'), at + 4)),
        _ => None,
    }
}

/// The bytes of a line around so many digits, and the mask of their places.
#[inline]
const fn frame(kind: u8, digits: u32) -> (u64, u64) {
    let crlf = 8 * (1 + digits);
    (kind as u64 | 0x0a0d << crlf, 0xff | 0xffff << crlf)
}

#[inline]
fn digit(word: u64, i: u32) -> u8 {
    ((word >> (8 * i)) as u8).wrapping_sub(b'0')
}

#[cfg(test)]
mod tests;
