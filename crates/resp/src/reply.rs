//! The sink for replies: writes RESP2 or RESP3 straight into the connection's output buffer.
//!
//! Never a tree: a command writes as it finds. What went wrong half-way is taken back with [`Reply::rewind`] to a
//! [`Reply::mark`]. Types that RESP2 lacks are written as Redis writes them for RESP2 clients. The caller counts:
//! an array of `n` is followed by `n` replies, a map of `n` by `2n`.

use crate::args::push_header;
use base::number;

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Proto {
    #[default]
    Resp2,
    Resp3,
}

pub struct Reply<'o> {
    out: &'o mut Vec<u8>,
    proto: Proto,
}

/// An array whose length is not known yet; see [`Reply::array_later`]. Dropping it leaves a broken reply.
#[must_use]
#[derive(Debug)]
pub struct Later {
    at: usize,
}

impl<'o> Reply<'o> {
    #[inline]
    pub fn new(out: &'o mut Vec<u8>, proto: Proto) -> Self {
        Self { out, proto }
    }

    #[inline]
    pub fn proto(&self) -> Proto {
        self.proto
    }

    /// HELLO changes the protocol, and its own reply speaks the new one.
    pub fn set_proto(&mut self, proto: Proto) {
        self.proto = proto;
    }

    /// A place to come back to.
    #[inline]
    pub fn mark(&self) -> usize {
        self.out.len()
    }

    /// Takes back everything written since `mark`.
    #[inline]
    pub fn rewind(&mut self, mark: usize) {
        assert!(mark <= self.out.len(), "a mark lies behind what is written");
        self.out.truncate(mark);
    }

    /// What was written since `mark`.
    #[inline]
    pub fn since(&self, mark: usize) -> &[u8] {
        &self.out[mark..]
    }

    /// Encoded replies, as they are.
    #[inline]
    pub fn raw(&mut self, encoded: &[u8]) {
        self.out.extend_from_slice(encoded);
    }

    #[inline]
    pub fn ok(&mut self) {
        self.raw(b"+OK\r\n");
    }

    /// A status; `text` has no line end in it.
    pub fn simple(&mut self, text: &str) {
        self.line(b'+', text.as_bytes());
    }

    /// An error line, its code first and without the `-`. Line ends in it become blanks, those at its end go.
    pub fn error_line(&mut self, text: &[u8]) {
        let end = text.iter().rposition(|c| !matches!(c, b'\r' | b'\n')).map_or(0, |last| last + 1);
        let text = &text[..end];
        self.out.push(b'-');
        self.out.extend(text.iter().map(|&c| if c == b'\r' || c == b'\n' { b' ' } else { c }));
        self.raw(b"\r\n");
    }

    #[inline]
    pub fn int(&mut self, n: i64) {
        if 0 <= n {
            push_header(self.out, b':', n as usize);
        } else {
            self.out.push(b':');
            number::push_i64(self.out, n);
            self.raw(b"\r\n");
        }
    }

    #[inline]
    pub fn bulk(&mut self, bytes: &[u8]) {
        self.out.reserve(bytes.len() + 16);
        push_header(self.out, b'$', bytes.len());
        self.raw(bytes);
        self.raw(b"\r\n");
    }

    /// An integer as a string.
    #[inline]
    pub fn bulk_int(&mut self, n: i64) {
        self.bulk(itoa::Buffer::new().format(n).as_bytes());
    }

    #[inline]
    pub fn nil(&mut self) {
        self.raw(if self.proto == Proto::Resp2 { b"$-1\r\n" } else { b"_\r\n" });
    }

    #[inline]
    pub fn nil_array(&mut self) {
        self.raw(if self.proto == Proto::Resp2 { b"*-1\r\n" } else { b"_\r\n" });
    }

    #[inline]
    pub fn array(&mut self, n: usize) {
        push_header(self.out, b'*', n);
    }

    /// `n` pairs follow.
    #[inline]
    pub fn map(&mut self, n: usize) {
        match self.proto {
            Proto::Resp2 => push_header(self.out, b'*', n * 2),
            Proto::Resp3 => push_header(self.out, b'%', n),
        }
    }

    #[inline]
    pub fn set(&mut self, n: usize) {
        self.aggregate(b'~', n);
    }

    /// A message out of band.
    #[inline]
    pub fn push(&mut self, n: usize) {
        self.aggregate(b'>', n);
    }

    #[inline]
    fn aggregate(&mut self, kind: u8, n: usize) {
        push_header(self.out, if self.proto == Proto::Resp2 { b'*' } else { kind }, n);
    }

    /// `n` pairs of remarks on the reply that follows. RESP2 has no word for it: ask [`Reply::proto`] before.
    pub fn attribute(&mut self, n: usize) {
        assert!(self.proto == Proto::Resp3, "attributes are of RESP3");
        push_header(self.out, b'|', n);
    }

    pub fn double(&mut self, d: f64) {
        let mut text = number::F64Text::new();
        match self.proto {
            Proto::Resp2 => self.bulk(text.format(d)),
            Proto::Resp3 => self.line(b',', text.format(d)),
        }
    }

    #[inline]
    pub fn boolean(&mut self, yes: bool) {
        self.raw(match (self.proto, yes) {
            (Proto::Resp2, true) => b":1\r\n",
            (Proto::Resp2, false) => b":0\r\n",
            (Proto::Resp3, true) => b"#t\r\n",
            (Proto::Resp3, false) => b"#f\r\n",
        });
    }

    /// Text for people, its format in three letters: `txt` or `mkd`.
    pub fn verbatim(&mut self, format: &str, bytes: &[u8]) {
        assert!(format.len() == 3, "a format has three letters");
        if self.proto == Proto::Resp2 {
            return self.bulk(bytes);
        }
        push_header(self.out, b'=', bytes.len() + 4);
        self.raw(format.as_bytes());
        self.raw(b":");
        self.raw(bytes);
        self.raw(b"\r\n");
    }

    /// An integer of any size, as decimal digits.
    pub fn big_number(&mut self, digits: &[u8]) {
        match self.proto {
            Proto::Resp2 => self.bulk(digits),
            Proto::Resp3 => self.line(b'(', digits),
        }
    }

    /// Begins an array whose length shows only at its end.
    pub fn array_later(&mut self) -> Later {
        Later { at: self.out.len() }
    }

    /// Ends it. An array inside another one ends first.
    pub fn finish_array(&mut self, later: Later, n: usize) {
        self.insert_header(later, b'*', n);
    }

    /// The same for a map of `n` pairs.
    pub fn finish_map(&mut self, later: Later, n: usize) {
        match self.proto {
            Proto::Resp2 => self.insert_header(later, b'*', n * 2),
            Proto::Resp3 => self.insert_header(later, b'%', n),
        }
    }

    pub fn finish_set(&mut self, later: Later, n: usize) {
        let kind = if self.proto == Proto::Resp2 { b'*' } else { b'~' };
        self.insert_header(later, kind, n);
    }

    fn insert_header(&mut self, later: Later, kind: u8, n: usize) {
        let written = self.out.len();
        push_header(self.out, kind, n);
        let header = self.out.len() - written;
        self.out[later.at..].rotate_right(header);
    }

    fn line(&mut self, kind: u8, text: &[u8]) {
        self.out.push(kind);
        self.raw(text);
        self.raw(b"\r\n");
    }
}
