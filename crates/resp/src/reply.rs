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

#[cfg(test)]
mod tests {
    use super::*;

    /// Each kind in both protocols, as redis-server 7.0.15 answers to DEBUG PROTOCOL.
    #[test]
    fn each_kind_in_both_protocols() {
        type Write = fn(&mut Reply);
        let cases: [(Write, &str, &str); 16] = [
            (|out| out.bulk(b"Hello World"), "$11\r\nHello World\r\n", "$11\r\nHello World\r\n"),
            (|out| out.bulk(b""), "$0\r\n\r\n", "$0\r\n\r\n"),
            (
                |out| out.bulk_int(i64::MIN),
                "$20\r\n-9223372036854775808\r\n",
                "$20\r\n-9223372036854775808\r\n",
            ),
            (|out| out.int(12345), ":12345\r\n", ":12345\r\n"),
            (|out| out.int(i64::MIN), ":-9223372036854775808\r\n", ":-9223372036854775808\r\n"),
            (|out| out.double(2.5), "$3\r\n2.5\r\n", ",2.5\r\n"),
            (|out| out.nil(), "$-1\r\n", "_\r\n"),
            (|out| out.nil_array(), "*-1\r\n", "_\r\n"),
            (|out| out.array(3), "*3\r\n", "*3\r\n"),
            (|out| out.set(3), "*3\r\n", "~3\r\n"),
            (|out| out.map(3), "*6\r\n", "%3\r\n"),
            (|out| out.push(2), "*2\r\n", ">2\r\n"),
            (|out| out.boolean(true), ":1\r\n", "#t\r\n"),
            (|out| out.boolean(false), ":0\r\n", "#f\r\n"),
            (|out| out.verbatim("txt", b"a\nb"), "$3\r\na\nb\r\n", "=7\r\ntxt:a\nb\r\n"),
            (|out| out.big_number(b"1234567999999"), "$13\r\n1234567999999\r\n", "(1234567999999\r\n"),
        ];
        for (write, resp2, resp3) in cases {
            for (proto, wanted) in [(Proto::Resp2, resp2), (Proto::Resp3, resp3)] {
                let mut bytes = b"before".to_vec();
                write(&mut Reply::new(&mut bytes, proto));
                assert_eq!(bytes.escape_ascii().to_string(), format!("before{}", wanted.escape_default()));
            }
        }
    }

    /// A line can't be ended from inside: what would end it becomes a blank.
    #[test]
    fn an_error_is_one_line() {
        let mut bytes = Vec::new();
        Reply::new(&mut bytes, Proto::Resp2).error_line(b"ERR a\r\nb\xff");
        assert_eq!(bytes, b"-ERR a  b\xff\r\n");
    }

    /// Lengths that are known at the end, one inside another, and behind other replies.
    #[test]
    fn lengths_that_come_later() {
        for (proto, map, set) in [(Proto::Resp2, "*2\r\n", "*2\r\n"), (Proto::Resp3, "%1\r\n", "~2\r\n")] {
            let mut bytes = Vec::new();
            let mut out = Reply::new(&mut bytes, proto);
            out.ok();
            let outer = out.array_later();
            let inner = out.array_later();
            out.int(1);
            out.finish_map(inner, 1);
            let inner = out.array_later();
            out.finish_set(inner, 2);
            let many = out.array_later();
            (0..12).for_each(|_| out.nil_array());
            out.finish_array(many, 12);
            out.finish_array(outer, 3);
            let nils = if proto == Proto::Resp2 { "*-1\r\n" } else { "_\r\n" }.repeat(12);
            let wanted = format!("+OK\r\n*3\r\n{map}:1\r\n{set}*12\r\n{nils}");
            assert_eq!(String::from_utf8_lossy(&bytes), wanted);
        }
    }

    /// What a command wrote before it failed is taken back, and nothing before it.
    #[test]
    fn a_failed_command_leaves_nothing() {
        let mut bytes = Vec::new();
        let mut out = Reply::new(&mut bytes, Proto::Resp2);
        out.int(1);
        let mark = out.mark();
        out.array(2);
        out.bulk(b"half");
        assert_eq!(out.since(mark), b"*2\r\n$4\r\nhalf\r\n");
        out.rewind(mark);
        out.error_line(b"ERR no");
        assert_eq!(bytes, b":1\r\n-ERR no\r\n");
    }
}
