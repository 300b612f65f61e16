//! Reading an RDB: incremental, from a buffer that grows.
//!
//! [`Decoder::next`] gives one item, or says how many bytes it needs to go on. Nothing is kept of a half item: the
//! caller looks again when there is more; it should let the buffer double between tries, so that a large item
//! costs no more than its bytes. A claimed length is never allocated before its bytes are there.

use super::streams::{ACTIVE_TIMES, with_active_times};
use super::{VERSION_MAX, Value, kind, length, module, opcode, string_encoding};
use crate::value::Shapes;
use base::crc64::Crc64;
use base::{lzf, number};
use std::borrow::Cow;
use std::fmt;

#[derive(Debug)]
pub enum Step<'b> {
    /// The buffer must hold at least so many bytes.
    Need {
        at_least: usize,
    },
    Item {
        consumed: usize,
        item: Item<'b>,
    },
}

#[derive(Debug)]
pub enum Item<'b> {
    Header {
        version: u32,
    },
    Aux {
        key: Cow<'b, [u8]>,
        value: Cow<'b, [u8]>,
    },
    SelectDb(u32),
    ResizeDb {
        keys: u64,
        expires: u64,
    },
    Entry {
        key: Cow<'b, [u8]>,
        value: Value<'b>,
        expire_ms: Option<i64>,
        idle: Option<u64>,
        freq: Option<u8>,
    },
    /// A collection without elements, which some old servers wrote: there is no such key.
    Empty {
        key: Cow<'b, [u8]>,
    },
    /// A library of functions.
    Function {
        code: Cow<'b, [u8]>,
    },
    /// What a module saved besides keys: skipped.
    ModuleAux {
        module: String,
    },
    SlotInfo {
        slot: u64,
        keys: u64,
        expires: u64,
    },
    Eof {
        checksum: bool,
    },
}

/// What is wrong with a file, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RdbError {
    /// Bytes before the item that is wrong.
    pub offset: u64,
    pub what: String,
}

impl fmt::Display for RdbError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (at offset {} of the RDB)", self.what, self.offset)
    }
}

impl std::error::Error for RdbError {}

/// Why an item can't be read: it is not all there, or it is wrong.
pub(super) enum Stop {
    Need(usize),
    Wrong(String),
}

pub(super) type Read<T> = Result<T, Stop>;

pub(super) fn wrong<T>(what: impl Into<String>) -> Read<T> {
    Err(Stop::Wrong(what.into()))
}

/// No string is longer: a claimed length beyond it is corrupt.
const STRING_BYTES_MAX: u64 = 8 * 1024 * 1024 * 1024;

/// A string at the start of `bytes`, and what follows it; `None` if it is broken, or not all there.
pub(super) fn take_string(bytes: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut input = Input { buf: bytes, at: 0 };
    let text = input.text().ok()?.into_owned();
    Some((text, &bytes[input.at..]))
}

pub struct Decoder {
    shapes: Shapes,
    dialect: Option<Dialect>,
    offset: u64,
    crc: Crc64,
    ended: bool,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Decoder {
    /// Collections take the shapes of Redis's defaults.
    pub fn new() -> Self {
        Self::shaping(Shapes::default())
    }

    /// Collections take these shapes.
    pub fn shaping(shapes: Shapes) -> Self {
        Self { shapes, dialect: None, offset: 0, crc: Crc64::new(), ended: false }
    }

    /// Bytes of the file that were consumed.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Reads the item at the start of `buf`. The caller drops the consumed bytes before it calls again. `at_end`:
    /// nothing follows `buf`.
    pub fn next<'b>(&mut self, buf: &'b [u8], at_end: bool) -> Result<Step<'b>, RdbError> {
        assert!(!self.ended, "the file has ended");
        let mut input = Input { buf, at: 0 };
        let result = match self.dialect {
            None => input.header().map(|dialect| {
                self.dialect = Some(dialect);
                Item::Header { version: dialect.version }
            }),
            Some(dialect) => input.item(dialect, &self.shapes, &mut self.crc),
        };
        let offset = self.offset;
        let failed = |what: String| RdbError { offset, what };
        match result {
            Ok(item) => {
                let consumed = input.at;
                if let Item::Eof { .. } = item {
                    self.ended = true;
                } else {
                    self.crc.update(&buf[..consumed]);
                }
                self.offset += consumed as u64;
                Ok(Step::Item { consumed, item })
            }
            Err(Stop::Need(_)) if at_end => Err(failed("Unexpected EOF reading RDB file".into())),
            Err(Stop::Need(at_least)) => Ok(Step::Need { at_least }),
            Err(Stop::Wrong(what)) => Err(failed(what)),
        }
    }
}

/// Reads a value with its type before it, as DUMP gives it; `None` if it is of a type that is not there or damaged.
/// What follows it is not looked at. An empty collection counts as damaged.
pub fn decode_value<'b>(bytes: &'b [u8], shapes: &Shapes) -> Option<Value<'b>> {
    let (&kind, rest) = bytes.split_first()?;
    let mut input = Input { buf: rest, at: 0 };
    input.value(kind, shapes).ok().flatten()
}

/// Whose file it is, and of what version.
#[derive(Clone, Copy)]
struct Dialect {
    version: u32,
    /// Valkey from 9 on, which gave numbers of types other meanings.
    is_valkey: bool,
}

pub(super) struct Input<'b> {
    buf: &'b [u8],
    at: usize,
}

/// What stands where a length is expected.
enum Length {
    Plain(u64),
    Encoded(u8),
}

impl<'b> Input<'b> {
    /// All there is: nothing follows.
    pub(super) fn whole(buf: &'b [u8]) -> Self {
        Self { buf, at: 0 }
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at == self.buf.len()
    }

    pub(super) fn bytes(&mut self, n: usize) -> Read<&'b [u8]> {
        match self.buf.get(self.at..).and_then(|rest| rest.get(..n)) {
            Some(bytes) => {
                self.at += n;
                Ok(bytes)
            }
            None => Err(Stop::Need(self.at.saturating_add(n))),
        }
    }

    pub(super) fn array<const N: usize>(&mut self) -> Read<[u8; N]> {
        Ok(self.bytes(N)?.try_into().expect("that many bytes"))
    }

    pub(super) fn byte(&mut self) -> Read<u8> {
        Ok(self.array::<1>()?[0])
    }

    fn header(&mut self) -> Read<Dialect> {
        let magic = self.bytes(9)?;
        let digits = match magic {
            [b'R', b'E', b'D', b'I', b'S', digits @ ..] => digits,
            [b'V', b'A', b'L', b'K', b'E', b'Y', digits @ ..] => digits,
            _ => return wrong("Wrong signature trying to load DB from file"),
        };
        let version = number::parse_u64(trim_zeros(digits)).unwrap_or(0) as u32;
        let valkey = magic[0] == b'V';
        // Valkey 9 numbers its own format from 80 on; of what it adds to version 11, hashes whose fields expire are
        // read, and all else is refused item by item.
        if version < 1 || (!valkey && VERSION_MAX < version) {
            return wrong(format!("Can't handle RDB format version {}", String::from_utf8_lossy(digits)));
        }
        Ok(Dialect { version: if valkey { VERSION_MAX } else { version }, is_valkey: valkey })
    }

    fn item(&mut self, dialect: Dialect, shapes: &Shapes, crc: &mut Crc64) -> Read<Item<'b>> {
        let (mut expire_ms, mut idle, mut freq) = (None, None, None);
        let mut active_times = None;
        loop {
            let kind = self.byte()?;
            match kind {
                opcode::EXPIRE => expire_ms = Some(i64::from(i32::from_le_bytes(self.array()?)) * 1000),
                opcode::EXPIRE_MS => expire_ms = Some(i64::from_le_bytes(self.array()?)),
                opcode::FREQ => freq = Some(self.byte()?),
                opcode::IDLE => idle = Some(self.length()?),
                opcode::EOF => return self.eof(dialect.version, crc),
                opcode::SELECT_DB => {
                    let db = self.length()?;
                    return match u32::try_from(db) {
                        Ok(db) => Ok(Item::SelectDb(db)),
                        Err(_) => wrong(format!("database number {db}")),
                    };
                }
                opcode::RESIZE_DB => {
                    return Ok(Item::ResizeDb { keys: self.length()?, expires: self.length()? });
                }
                opcode::AUX => {
                    let (key, value) = (self.text()?, self.text()?);
                    if *key != *ACTIVE_TIMES {
                        return Ok(Item::Aux { key, value });
                    }
                    active_times = Some(value);
                }
                opcode::SLOT_INFO => {
                    return Ok(Item::SlotInfo {
                        slot: self.length()?,
                        keys: self.length()?,
                        expires: self.length()?,
                    });
                }
                opcode::FUNCTION2 => return Ok(Item::Function { code: self.text()? }),
                opcode::FUNCTION_PRE_GA => return wrong("Pre-release function format not supported"),
                opcode::MODULE_AUX => return self.module_aux(),
                kind if kind::HASH_LISTPACK_EX < kind => {
                    return wrong(format!("Unknown RDB encoding type {kind}"));
                }
                kind => {
                    let key = self.text()?;
                    // Numbers that Valkey uses for other things, and what has no number of ours.
                    let is_valkey_hash = dialect.is_valkey && kind == kind::VALKEY_HASH_EXPIRIES;
                    let is_foreign = dialect.is_valkey && kind::STREAM_3 < kind && !is_valkey_hash;
                    if matches!(kind, kind::MODULE | kind::MODULE_2) {
                        let module = module_name(self.length()?);
                        return unsupported(&format!("belongs to the module '{module}'"), &key);
                    }
                    if is_foreign || kind == kind::UNUSED {
                        return unsupported(&format!("is of the type {kind}"), &key);
                    }
                    let value =
                        if is_valkey_hash { self.valkey_hash(shapes) } else { self.value(kind, shapes) };
                    let value = value.and_then(|value| match &active_times {
                        Some(times) => with_active_times(value, times),
                        None => Ok(value),
                    });
                    return Ok(match value {
                        Ok(Some(value)) => Item::Entry { key, value, expire_ms, idle, freq },
                        Ok(None) => Item::Empty { key },
                        Err(Stop::Wrong(what)) => {
                            return wrong(format!("{what}, in the value at key \"{}\"", key.escape_ascii()));
                        }
                        Err(need) => return Err(need),
                    });
                }
            }
        }
    }

    /// The value itself; `None` for an empty collection, which is no key's value.
    fn value(&mut self, kind: u8, shapes: &Shapes) -> Read<Option<Value<'b>>> {
        let object = match kind {
            kind::STRING => return self.string().map(Some),
            kind::STREAM | kind::STREAM_2 | kind::STREAM_3 => Some(self.stream(kind)?),
            _ => self.collection(kind, shapes)?,
        };
        Ok(object.map(|object| Value::Object(Cow::Owned(object))))
    }

    fn valkey_hash(&mut self, shapes: &Shapes) -> Read<Option<Value<'b>>> {
        let hash = self.hash_of_valkey(shapes)?;
        let object = (!hash.is_empty()).then_some(crate::value::Value::Hash(hash));
        Ok(object.map(|object| Value::Object(Cow::Owned(object))))
    }

    /// What a module saved besides keys: every part says what it is, so that it can be passed over.
    fn module_aux(&mut self) -> Read<Item<'b>> {
        let module = module_name(self.length()?);
        // When it was to be loaded: an integer, too.
        if self.length()? != module::UINT {
            return wrong(format!("Malformed AUX data of the module '{module}'"));
        }
        self.length()?;
        loop {
            match self.length()? {
                module::EOF => return Ok(Item::ModuleAux { module }),
                module::SINT | module::UINT => drop(self.length()?),
                module::FLOAT => drop(self.array::<4>()?),
                module::DOUBLE => drop(self.array::<8>()?),
                module::STRING => drop(self.string()?),
                other => return wrong(format!("Unknown part {other} in AUX data of the module '{module}'")),
            }
        }
    }

    fn eof(&mut self, version: u32, crc: &mut Crc64) -> Read<Item<'b>> {
        if version < 5 {
            return Ok(Item::Eof { checksum: false });
        }
        let stored = u64::from_le_bytes(self.array()?);
        crc.update(&[opcode::EOF]);
        if stored == 0 {
            return Ok(Item::Eof { checksum: false });
        }
        let computed = crc.value();
        if stored != computed {
            return wrong(format!(
                "Wrong RDB checksum expected: ({computed:x}) but got ({stored:x}). Aborting now."
            ));
        }
        Ok(Item::Eof { checksum: true })
    }

    fn length_or_encoding(&mut self) -> Read<Length> {
        let first = self.byte()?;
        Ok(match first >> 6 {
            length::FORM_6BIT => Length::Plain(u64::from(first & 0x3F)),
            length::FORM_14BIT => Length::Plain(u64::from(first & 0x3F) << 8 | u64::from(self.byte()?)),
            length::FORM_ENCODED => Length::Encoded(first & 0x3F),
            _ => match first {
                length::MARK_32BIT => Length::Plain(u64::from(u32::from_be_bytes(self.array()?))),
                length::MARK_64BIT => Length::Plain(u64::from_be_bytes(self.array()?)),
                _ => return wrong(format!("Unknown length encoding {first}")),
            },
        })
    }

    pub(super) fn length(&mut self) -> Read<u64> {
        match self.length_or_encoding()? {
            Length::Plain(n) => Ok(n),
            Length::Encoded(encoding) => {
                wrong(format!("string encoding {encoding} where a length should be"))
            }
        }
    }

    /// A length of bytes that follow.
    fn size(&mut self) -> Read<usize> {
        let n = self.length()?;
        if STRING_BYTES_MAX < n { wrong(format!("string length {n}")) } else { Ok(n as usize) }
    }

    fn string(&mut self) -> Read<Value<'b>> {
        let encoding = match self.length_or_encoding()? {
            Length::Plain(n) if STRING_BYTES_MAX < n => return wrong(format!("string length {n}")),
            Length::Plain(n) => return Ok(Value::Bytes(Cow::Borrowed(self.bytes(n as usize)?))),
            Length::Encoded(encoding) => encoding,
        };
        Ok(match encoding {
            string_encoding::INT8 => Value::Int(i64::from(i8::from_le_bytes(self.array()?))),
            string_encoding::INT16 => Value::Int(i64::from(i16::from_le_bytes(self.array()?))),
            string_encoding::INT32 => Value::Int(i64::from(i32::from_le_bytes(self.array()?))),
            string_encoding::LZF => {
                let (packed, len) = (self.size()?, self.size()?);
                let packed = self.bytes(packed)?;
                // LZF makes at most 264 bytes of three: a longer claim is corrupt.
                if packed.len().saturating_mul(264) < len {
                    return wrong("Invalid LZF compressed string");
                }
                match lzf::decompress(packed, len) {
                    Some(bytes) => Value::Bytes(Cow::Owned(bytes)),
                    None => return wrong("Invalid LZF compressed string"),
                }
            }
            other => return wrong(format!("Unknown RDB string encoding type {other}")),
        })
    }

    /// A string as bytes, whatever its encoding.
    pub(super) fn text(&mut self) -> Read<Cow<'b, [u8]>> {
        Ok(match self.string()? {
            Value::Bytes(bytes) => bytes,
            Value::Int(n) => {
                let mut text = Vec::new();
                number::push_i64(&mut text, n);
                Cow::Owned(text)
            }
            Value::Object(_) => unreachable!("a string was read"),
        })
    }
}

/// A value that can't be kept.
fn unsupported<T>(what: &str, key: &[u8]) -> Read<T> {
    let key = key.escape_ascii();
    wrong(format!("the value at key \"{key}\" {what}, which this server can't hold"))
}

/// The name in the id of a module's type: nine characters of six bits, before ten bits of a version.
fn module_name(id: u64) -> String {
    const CHARACTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    (0..9).rev().map(|i| char::from(CHARACTERS[(id >> (10 + 6 * i)) as usize & 63])).collect()
}

fn trim_zeros(digits: &[u8]) -> &[u8] {
    let zeros = digits.iter().take_while(|&&digit| digit == b'0').count();
    &digits[zeros.min(digits.len().saturating_sub(1))..]
}
