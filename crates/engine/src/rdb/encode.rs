//! Writing an RDB.

use super::streams::{push_active_times, push_stream};
use super::{Value, kind, length, node, opcode, string_encoding};
use crate::access::Used;
use crate::value::{self, Hash, List, Set, SortedSet};
use base::crc64::Crc64;
use base::{lzf, number};
use ds::list::Stored;
use ds::listpack::{self, Text};

#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// LZF for strings where it helps (rdbcompression).
    pub compress: bool,
    /// A CRC-64 at the end; else eight zero bytes (rdbchecksum).
    pub checksum: bool,
}

/// Strings up to this length are never compressed.
const INCOMPRESSIBLE_BYTES_MAX: usize = 20;

pub struct Encoder {
    out: Vec<u8>,
    /// Bytes that went on before those in `out`.
    gone: u64,
    /// Bytes of `out` that the checksum covers already.
    summed: usize,
    crc: Crc64,
    options: Options,
}

impl Encoder {
    pub fn new(options: Options) -> Self {
        Self { out: Vec::new(), gone: 0, summed: 0, crc: Crc64::new(), options }
    }

    /// Bytes of the file so far.
    pub fn total(&self) -> u64 {
        self.gone + self.out.len() as u64
    }

    /// Gives the bytes that are there to the sink; false if it wants no more.
    pub fn give(&mut self, sink: &mut dyn FnMut(&[u8]) -> bool) -> bool {
        self.sum();
        self.summed = 0;
        self.gone += self.out.len() as u64;
        let goes_on = self.out.is_empty() || sink(&self.out);
        self.out.clear();
        goes_on
    }

    fn sum(&mut self) {
        if self.options.checksum {
            self.crc.update(&self.out[self.summed..]);
        }
        self.summed = self.out.len();
    }

    pub fn header(&mut self, version: u32) {
        self.out.extend_from_slice(format!("REDIS{version:04}").as_bytes());
    }

    pub fn aux(&mut self, key: &[u8], value: &[u8]) {
        self.out.push(opcode::AUX);
        push_string(&mut self.out, key, false);
        push_string(&mut self.out, value, false);
    }

    pub fn select_db(&mut self, db: u32) {
        self.out.push(opcode::SELECT_DB);
        push_length(&mut self.out, u64::from(db));
    }

    /// How many keys, and keys with an expiry, the selected database has.
    pub fn resize_db(&mut self, keys: u64, expires: u64) {
        self.out.push(opcode::RESIZE_DB);
        push_length(&mut self.out, keys);
        push_length(&mut self.out, expires);
    }

    /// The code of a library of functions.
    pub fn function(&mut self, code: &[u8]) {
        super::functions::push_function(&mut self.out, code, self.options.compress);
    }

    /// Appends one entry, and gives the bytes to the sink whenever a piece of them has come together, and at the end:
    /// a large value needs no more memory than a piece. False as soon as the sink wants no more.
    pub fn entry(
        &mut self,
        key: &[u8],
        value: &Value,
        expire_ms: Option<i64>,
        used: Used,
        sink: &mut dyn FnMut(&[u8]) -> bool,
    ) -> bool {
        let Self { out, gone, summed, crc, options } = self;
        let checksum = options.checksum;
        let mut pieces = Pieces {
            goes_on: true,
            take: &mut |bytes: &mut Vec<u8>| {
                if checksum {
                    crc.update(&bytes[*summed..]);
                }
                *summed = 0;
                *gone += bytes.len() as u64;
                let goes_on = sink(bytes);
                bytes.clear();
                goes_on
            },
        };
        push_head(out, key, value, expire_ms, used, options.compress);
        push_value(out, value, options.compress, &mut pieces);
        pieces.goes_on && (pieces.take)(out)
    }

    /// Entries that [`encode_entry`] wrote.
    pub fn raw(&mut self, encoded: &[u8]) {
        self.out.extend_from_slice(encoded);
    }

    /// The end of the file, with its checksum.
    pub fn eof(&mut self) {
        self.out.push(opcode::EOF);
        self.sum();
        let checksum = if self.options.checksum { self.crc.value() } else { 0 };
        self.out.extend_from_slice(&checksum.to_le_bytes());
        self.summed = self.out.len();
    }
}

/// So many bytes of a large value go on before the rest of it is encoded.
const PIECE_BYTES: usize = 64 * 1024;

/// Where the bytes of a value go while it is encoded.
struct Pieces<'p> {
    /// Whether more of the value is wanted.
    goes_on: bool,
    /// Empties the bytes; false if no more are wanted.
    take: &'p mut dyn FnMut(&mut Vec<u8>) -> bool,
}

impl Pieces<'_> {
    /// Between two elements: whether the next one is wanted.
    #[inline]
    fn next(&mut self, out: &mut Vec<u8>) -> bool {
        if self.goes_on && PIECE_BYTES <= out.len() {
            self.goes_on = (self.take)(out);
        }
        self.goes_on
    }
}

/// Encodes into one buffer.
fn whole<R>(encode: impl FnOnce(&mut Pieces) -> R) -> R {
    encode(&mut Pieces { goes_on: true, take: &mut |_| true })
}

/// Appends one entry: its expiry (Unix ms), what is told of its use, type, key and value.
pub fn encode_entry(
    out: &mut Vec<u8>,
    key: &[u8],
    value: &Value,
    expire_ms: Option<i64>,
    used: Used,
    compress: bool,
) {
    push_head(out, key, value, expire_ms, used, compress);
    whole(|pieces| push_value(out, value, compress, pieces));
}

/// What stands before the value.
fn push_head(
    out: &mut Vec<u8>,
    key: &[u8],
    value: &Value,
    expire_ms: Option<i64>,
    used: Used,
    compress: bool,
) {
    push_active_times(out, value);
    if let Some(at) = expire_ms {
        out.push(opcode::EXPIRE_MS);
        out.extend_from_slice(&at.to_le_bytes());
    }
    match used {
        Used::Unsaid => {}
        Used::Idle(seconds) => {
            out.push(opcode::IDLE);
            push_length(out, seconds);
        }
        Used::Frequency(count) => out.extend_from_slice(&[opcode::FREQ, count]),
    }
    out.push(kind_of(value));
    push_string(out, key, compress);
}

/// Appends a value with its type before it, without a key: what DUMP gives.
pub fn encode_value(out: &mut Vec<u8>, value: &Value, compress: bool) {
    out.push(kind_of(value));
    whole(|pieces| push_value(out, value, compress, pieces));
}

fn push_value(out: &mut Vec<u8>, value: &Value, compress: bool, pieces: &mut Pieces) {
    match value {
        Value::Int(n) => push_int(out, *n),
        Value::Bytes(bytes) if PIECE_BYTES <= bytes.len() => push_long(out, bytes, compress, pieces),
        Value::Bytes(bytes) => push_string(out, bytes, compress),
        Value::Object(object) => push_object(out, object, compress, pieces),
    }
}

/// The type that says in which form the value follows.
fn kind_of(value: &Value) -> u8 {
    let Value::Object(object) = value else { return kind::STRING };
    match &**object {
        value::Value::Bytes(_) => kind::STRING,
        value::Value::List(_) => kind::LIST_QUICKLIST_2,
        value::Value::Set(Set::Ints(_)) => kind::SET_INTSET,
        // Redis 7.0 knows no sets in listpacks.
        value::Value::Set(_) => kind::SET,
        value::Value::Hash(hash) => match hash {
            Hash::PackEx(_) if hash.is_volatile() => kind::HASH_LISTPACK_EX,
            Hash::Pack(_) | Hash::PackEx(_) => kind::HASH_LISTPACK,
            Hash::Table(_) if hash.is_volatile() => kind::HASH_EXPIRIES,
            Hash::Table(_) => kind::HASH,
        },
        value::Value::SortedSet(SortedSet::Pack(_)) => kind::SORTED_SET_LISTPACK,
        value::Value::SortedSet(SortedSet::Tree(_)) => kind::SORTED_SET_2,
        value::Value::Stream(_) => kind::STREAM_2,
    }
}

fn push_object(out: &mut Vec<u8>, object: &value::Value, compress: bool, pieces: &mut Pieces) {
    match object {
        value::Value::Bytes(bytes) => push_string(out, bytes, compress),
        value::Value::List(list) => push_list(out, list, compress, pieces),
        value::Value::Set(Set::Ints(ints)) => push_string(out, ints.bytes(), compress),
        value::Value::Set(set) => {
            push_length(out, set.len() as u64);
            set.for_each(|member| {
                if pieces.next(out) {
                    push_element(out, member, compress);
                }
            });
        }
        value::Value::Hash(hash) => push_hash(out, hash, compress, pieces),
        value::Value::SortedSet(SortedSet::Pack(pack)) => push_string(out, pack.bytes(), compress),
        value::Value::SortedSet(SortedSet::Tree(tree)) => {
            push_length(out, tree.len() as u64);
            // From the greatest down, as loading a skiplist is faster that way.
            for (member, score) in tree.iter().rev() {
                if !pieces.next(out) {
                    return;
                }
                push_string(out, member, compress);
                out.extend_from_slice(&score.to_le_bytes());
            }
        }
        value::Value::Stream(stream) => push_stream(out, stream, compress, &mut |out| pieces.next(out)),
    }
}

fn push_element(out: &mut Vec<u8>, value: listpack::Value, compress: bool) {
    push_string(out, value.bytes(&mut Text::new()), compress);
}

fn push_list(out: &mut Vec<u8>, list: &List, compress: bool, pieces: &mut Pieces) {
    let list = match list {
        List::Pack(pack) => {
            push_length(out, 1);
            push_length(out, node::PACKED);
            return push_string(out, pack.bytes(), compress);
        }
        List::Chunks(list) => list,
    };
    push_length(out, list.chunk_count() as u64);
    for chunk in list.chunks() {
        if !pieces.next(out) {
            return;
        }
        match chunk.stored() {
            Stored::Plain(element) => {
                push_length(out, node::PLAIN);
                push_string(out, element, compress);
            }
            Stored::Packed(pack) => {
                push_length(out, node::PACKED);
                push_string(out, pack, compress);
            }
            Stored::Compressed { lzf, len } => {
                push_length(out, node::PACKED);
                push_packed(out, lzf, len);
            }
        }
    }
}

fn push_hash(out: &mut Vec<u8>, hash: &Hash, compress: bool, pieces: &mut Pieces) {
    match hash {
        Hash::Pack(pack) => push_string(out, pack.bytes(), compress),
        Hash::PackEx(pack) if hash.is_volatile() => {
            let first = value::triples(pack).next().and_then(|(_, _, expiry)| expiry).unwrap_or(0);
            out.extend_from_slice(&first.to_le_bytes());
            push_string(out, pack.bytes(), compress);
        }
        Hash::PackEx(pack) => {
            let pairs = value::triples(pack).flat_map(|(field, value, _)| [field, value]);
            push_string(out, listpack::Listpack::from_values(pairs).bytes(), compress);
        }
        Hash::Table(table) => {
            let first = table.earliest();
            if let Some(first) = first {
                out.extend_from_slice(&first.to_le_bytes());
            }
            push_length(out, table.len() as u64);
            for field in table.iter() {
                if !pieces.next(out) {
                    return;
                }
                if let Some(first) = first {
                    // The first one counts as 1, none as 0.
                    push_length(out, field.expiry.map_or(0, |at| at.abs_diff(first) + 1));
                }
                push_string(out, field.key, compress);
                push_string(out, field.value, compress);
            }
        }
    }
}

pub(super) fn push_length(out: &mut Vec<u8>, n: u64) {
    if n < 1 << 6 {
        out.push(length::FORM_6BIT << 6 | n as u8);
    } else if n < 1 << 14 {
        out.extend_from_slice(&[length::FORM_14BIT << 6 | (n >> 8) as u8, n as u8]);
    } else if let Ok(n) = u32::try_from(n) {
        out.push(length::MARK_32BIT);
        out.extend_from_slice(&n.to_be_bytes());
    } else {
        out.push(length::MARK_64BIT);
        out.extend_from_slice(&n.to_be_bytes());
    }
}

/// An integer, in binary where it has at most 32 bits, else as text.
fn push_int(out: &mut Vec<u8>, n: i64) {
    const ENCODED: u8 = length::FORM_ENCODED << 6;
    if let Ok(n) = i8::try_from(n) {
        out.extend_from_slice(&[ENCODED | string_encoding::INT8, n as u8]);
    } else if let Ok(n) = i16::try_from(n) {
        out.push(ENCODED | string_encoding::INT16);
        out.extend_from_slice(&n.to_le_bytes());
    } else if let Ok(n) = i32::try_from(n) {
        out.push(ENCODED | string_encoding::INT32);
        out.extend_from_slice(&n.to_le_bytes());
    } else {
        let mut text = Vec::with_capacity(20);
        number::push_i64(&mut text, n);
        push_length(out, text.len() as u64);
        out.extend_from_slice(&text);
    }
}

pub(super) fn push_string(out: &mut Vec<u8>, bytes: &[u8], compress: bool) {
    // Text of at most 11 bytes may be an integer of 32 bits.
    if bytes.len() <= 11
        && let Some(n) = number::parse_i64(bytes)
        && i32::try_from(n).is_ok()
    {
        push_int(out, n);
        return;
    }
    if compress && INCOMPRESSIBLE_BYTES_MAX < bytes.len() && push_compressed(out, bytes) {
        return;
    }
    push_length(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// A string that is longer than a piece, and so no integer.
fn push_long(out: &mut Vec<u8>, bytes: &[u8], compress: bool, pieces: &mut Pieces) {
    let mut packed = Vec::new();
    let bytes = if compress && lzf::compress(bytes, &mut packed) && packed.len() + 4 < bytes.len() {
        push_packed_head(out, packed.len(), bytes.len());
        &packed
    } else {
        push_length(out, bytes.len() as u64);
        bytes
    };
    for piece in bytes.chunks(PIECE_BYTES) {
        if !pieces.next(out) {
            return;
        }
        out.extend_from_slice(piece);
    }
}

/// Appends the string compressed; false, and nothing appended, if that is no shorter.
fn push_compressed(out: &mut Vec<u8>, bytes: &[u8]) -> bool {
    let mut packed = Vec::new();
    if !lzf::compress(bytes, &mut packed) || bytes.len() <= packed.len() + 4 {
        return false;
    }
    push_packed(out, &packed, bytes.len());
    true
}

/// Appends what was compressed from `len` bytes.
fn push_packed(out: &mut Vec<u8>, packed: &[u8], len: usize) {
    push_packed_head(out, packed.len(), len);
    out.extend_from_slice(packed);
}

fn push_packed_head(out: &mut Vec<u8>, packed_len: usize, len: usize) {
    out.push(length::FORM_ENCODED << 6 | string_encoding::LZF);
    push_length(out, packed_len as u64);
    push_length(out, len as u64);
}
