//! A request's arguments: views into the request's own bytes, and the one canonical way to write a request.
//!
//! Canonical is the multibulk form with every number in its only spelling and CRLF where it belongs: what
//! [`push_command`] writes. Such bytes can go to the log as they came. Invariant of [`Args`]: every span lies
//! within the bytes; the decoder and [`OwnedArgs`] make no others.

use base::number;
use std::fmt;

/// Where an argument lies, counted from the request's first byte.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span {
    pub at: u32,
    pub len: u32,
}

impl Span {
    pub(crate) fn new(at: usize, len: usize) -> Self {
        assert!(at + len <= u32::MAX as usize, "requests end below 4 GiB");
        Self { at: at as u32, len: len as u32 }
    }

    #[inline]
    fn of(self, bytes: &[u8]) -> &[u8] {
        &bytes[self.at as usize..][..self.len as usize]
    }
}

/// Arguments of a request, its command's name first. Cheap to copy.
#[derive(Clone, Copy)]
pub struct Args<'a> {
    bytes: &'a [u8],
    spans: &'a [Span],
    extent: Extent,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// The bytes are a canonical request and the spans are all its arguments.
    Request,
    /// The same without some of its arguments.
    Tail,
    /// The bytes are just where the arguments happen to lie.
    Loose,
}

impl<'a> Args<'a> {
    /// `bytes` is the whole request in canonical form, and `spans` are all its arguments.
    #[inline]
    pub fn new(bytes: &'a [u8], spans: &'a [Span]) -> Self {
        Self { bytes, spans, extent: Extent::Request }
    }

    /// Arguments that lie anywhere in `bytes`.
    #[inline]
    pub fn loose(bytes: &'a [u8], spans: &'a [Span]) -> Self {
        Self { bytes, spans, extent: Extent::Loose }
    }

    #[inline]
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    #[inline]
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// The argument `i`, which is there: arity was checked before.
    #[inline]
    pub fn at(&self, i: usize) -> &'a [u8] {
        self.spans[i].of(self.bytes)
    }

    #[inline]
    pub fn get(&self, i: usize) -> Option<&'a [u8]> {
        Some(self.spans.get(i)?.of(self.bytes))
    }

    /// The command's name as the client spelled it.
    #[inline]
    pub fn name(&self) -> &'a [u8] {
        self.at(0)
    }

    /// The arguments from `i` on; none if there are fewer. [`Args::request`] stays the same.
    #[inline]
    pub fn tail(&self, i: usize) -> Self {
        let extent = if i == 0 || self.extent == Extent::Loose { self.extent } else { Extent::Tail };
        Self { bytes: self.bytes, spans: &self.spans[i.min(self.spans.len())..], extent }
    }

    /// The first `n` arguments, or as many as there are.
    #[inline]
    pub fn head(&self, n: usize) -> Self {
        let extent =
            if n < self.spans.len() && self.extent == Extent::Request { Extent::Tail } else { self.extent };
        Self { bytes: self.bytes, spans: &self.spans[..n.min(self.spans.len())], extent }
    }

    #[inline]
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &'a [u8]> + ExactSizeIterator + Clone + use<'a> {
        let bytes = self.bytes;
        self.spans.iter().map(move |span| span.of(bytes))
    }

    /// The whole request in canonical form, if these are arguments of one.
    #[inline]
    pub fn request(&self) -> Option<&'a [u8]> {
        (self.extent != Extent::Loose).then_some(self.bytes)
    }
}

impl<'a> IntoIterator for Args<'a> {
    type Item = &'a [u8];
    type IntoIter = Iter<'a>;
    fn into_iter(self) -> Iter<'a> {
        Iter(self)
    }
}

/// The arguments in order.
#[derive(Clone)]
pub struct Iter<'a>(Args<'a>);

impl<'a> Iterator for Iter<'a> {
    type Item = &'a [u8];
    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        let first = self.0.get(0)?;
        self.0 = self.0.tail(1);
        Some(first)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.0.len(), Some(self.0.len()))
    }
}

impl ExactSizeIterator for Iter<'_> {}

/// Readable: quoted, with escapes.
impl fmt::Debug for Args<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, arg) in self.iter().enumerate() {
            let gap = if i == 0 { "" } else { " " };
            write!(f, "{gap}\"{}\"", arg.escape_ascii())?;
        }
        Ok(())
    }
}

/// A request that owns its bytes, in canonical form: queued in MULTI, made by a script, or typed inline.
#[derive(Clone, PartialEq, Eq)]
pub struct OwnedArgs {
    bytes: Box<[u8]>,
    spans: Box<[Span]>,
}

impl OwnedArgs {
    pub fn from_slices(argv: &[&[u8]]) -> Self {
        let mut bytes = Vec::with_capacity(command_len(argv));
        let mut spans = Vec::with_capacity(argv.len());
        push_header(&mut bytes, b'*', argv.len());
        for arg in argv {
            push_header(&mut bytes, b'$', arg.len());
            spans.push(Span::new(bytes.len(), arg.len()));
            bytes.extend_from_slice(arg);
            bytes.extend_from_slice(b"\r\n");
        }
        Self { bytes: bytes.into(), spans: spans.into() }
    }

    /// Copies a request as it is. Other arguments, and a tail, become a request of their own.
    pub fn from_args(args: Args) -> Self {
        if args.extent != Extent::Request {
            return Self::from_slices(&args.iter().collect::<Vec<_>>());
        }
        Self { bytes: args.bytes.into(), spans: args.spans.into() }
    }

    #[inline]
    pub fn as_args(&self) -> Args<'_> {
        Args::new(&self.bytes, &self.spans)
    }

    #[inline]
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    #[inline]
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// The canonical bytes.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Builds requests one after another in the same buffers: what a script calls.
#[derive(Default)]
pub struct RequestBuffer {
    bytes: Vec<u8>,
    spans: Vec<Span>,
}

impl RequestBuffer {
    /// Forgets the last request and begins one of `len` arguments. False if it would not end below 4 GiB, which
    /// is where spans end: `bytes` is how long the arguments are together.
    pub fn begin(&mut self, len: usize, bytes: usize) -> bool {
        self.bytes.clear();
        self.spans.clear();
        if (u32::MAX as usize) <= bytes.saturating_add(len.saturating_mul(32)) {
            return false;
        }
        push_header(&mut self.bytes, b'*', len);
        true
    }

    #[inline]
    pub fn push(&mut self, arg: &[u8]) {
        push_header(&mut self.bytes, b'$', arg.len());
        self.spans.push(Span::new(self.bytes.len(), arg.len()));
        self.bytes.extend_from_slice(arg);
        self.bytes.extend_from_slice(b"\r\n");
    }

    /// The request, once as many arguments are there as were announced.
    #[inline]
    pub fn args(&self) -> Args<'_> {
        Args::new(&self.bytes, &self.spans)
    }

    /// Gives back what a large request took.
    pub fn shrink(&mut self, bytes_max: usize) {
        if bytes_max < self.bytes.capacity() {
            *self = Self::default();
        }
    }
}

impl fmt::Debug for OwnedArgs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_args().fmt(f)
    }
}

/// Appends a request in canonical form, as it goes to replicas, into the AOF, and to other servers.
pub fn push_command(out: &mut Vec<u8>, argv: &[&[u8]]) {
    push_header(out, b'*', argv.len());
    for arg in argv {
        push_header(out, b'$', arg.len());
        out.extend_from_slice(arg);
        out.extend_from_slice(b"\r\n");
    }
}

/// How many bytes [`push_command`] appends.
pub fn command_len(argv: &[&[u8]]) -> usize {
    let bulk = |arg: &&[u8]| header_len(arg.len()) + arg.len() + 2;
    header_len(argv.len()) + argv.iter().map(bulk).sum::<usize>()
}

/// `kind`, a number and CRLF.
#[inline]
pub(crate) fn push_header(out: &mut Vec<u8>, kind: u8, n: usize) {
    if n < 10 {
        out.extend_from_slice(&[kind, b'0' + n as u8, b'\r', b'\n']);
    } else if n < 100 {
        out.extend_from_slice(&[kind, b'0' + (n / 10) as u8, b'0' + (n % 10) as u8, b'\r', b'\n']);
    } else {
        out.push(kind);
        number::push_u64(out, n as u64);
        out.extend_from_slice(b"\r\n");
    }
}

fn header_len(n: usize) -> usize {
    let digits = n.checked_ilog10().unwrap_or(0) as usize + 1;
    1 + digits + 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_form() {
        let long = [b'x'; 1000];
        for argv in [&[&b"GET"[..], b"k"][..], &[b"SET", b"", b"\r\n"], &[&[b'a'; 10], &[b'b'; 100], &long]] {
            let mut out = Vec::new();
            push_command(&mut out, argv);
            assert_eq!(out.len(), command_len(argv));
            let owned = OwnedArgs::from_slices(argv);
            assert_eq!(owned.bytes(), out);
            assert_eq!(owned.as_args().iter().collect::<Vec<_>>(), argv);
            assert_eq!(owned.as_args().request(), Some(&out[..]));
            assert_eq!(OwnedArgs::from_args(owned.as_args()), owned);
        }
        let mut out = Vec::new();
        push_command(&mut out, &[b"GET", b"k"]);
        assert_eq!(out, b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n");
    }

    #[test]
    fn a_tail_is_arguments_of_the_same_request() {
        let owned = OwnedArgs::from_slices(&[b"CONFIG", b"GET", b"save"]);
        let args = owned.as_args();
        let tail = args.tail(1);
        assert_eq!(tail.name(), b"GET");
        assert_eq!(tail.len(), 2);
        assert_eq!(tail.get(2), None);
        assert_eq!(tail.request(), args.request());
        assert!(args.tail(9).is_empty());
        assert_eq!(tail.into_iter().collect::<Vec<_>>(), [&b"GET"[..], b"save"]);
        assert_eq!(OwnedArgs::from_args(tail), OwnedArgs::from_slices(&[b"GET", b"save"]));
        assert_eq!(format!("{args:?}"), r#""CONFIG" "GET" "save""#);
    }
}
