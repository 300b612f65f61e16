//! HyperLogLog over the bytes of a string, as Redis keeps it: the same bytes and the same counts for equal input.
//!
//! 16384 registers of six bits; an element's hash chooses one by its lowest 14 bits, and the place of the lowest bit
//! that is set in the rest is what the register must reach. The string is a header of 16 bytes (`HYLL`, the
//! encoding, three unused bytes, the last count with a bit that says that it is out of date), and then the
//! registers: dense, packed from the low bits on, or sparse, as runs ([`sparse`]) until they need more than
//! hll-sparse-max-bytes or hold a great value.
//!
//! Strings come from clients. What isn't a HyperLogLog is told by [`check`]; sparse runs that don't cover the
//! registers exactly are told where they are read.

mod selftest;
mod sparse;

pub use selftest::selftest;

use std::fmt;

const REGISTERS: usize = 1 << REGISTER_BITS;
const REGISTER_BITS: u32 = 14;
/// Bits of the hash behind those that choose the register: registers reach one more.
const PATTERN_BITS: u32 = 64 - REGISTER_BITS;
const HEADER_BYTES: usize = 16;
const DENSE_BYTES: usize = HEADER_BYTES + REGISTERS * 6 / 8;
const HASH_SEED: u64 = 0xadc8_3b19;

const ENCODING_AT: usize = 4;
const DENSE: u8 = 0;
const SPARSE: u8 = 1;
const COUNT_AT: usize = 8;
/// In the count's last byte: it is out of date.
const STALE: u8 = 1 << 7;

/// Why a string is refused. Displays as what clients are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Invalid {
    Foreign,
    Corrupt,
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Foreign => "WRONGTYPE Key is not a valid HyperLogLog string value.",
            Self::Corrupt => "INVALIDOBJ Corrupted HLL object detected",
        })
    }
}

impl std::error::Error for Invalid {}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Dense,
    Sparse,
}

/// An empty one, sparse.
pub fn new() -> Vec<u8> {
    let mut bytes = b"HYLL\x01\0\0\0\0\0\0\0\0\0\0\0".to_vec();
    sparse::push_zeros(&mut bytes, REGISTERS);
    bytes
}

/// Says whether the string can be one.
pub fn check(bytes: &[u8]) -> Result<Encoding, Invalid> {
    if bytes.len() < HEADER_BYTES || !bytes.starts_with(b"HYLL") {
        return Err(Invalid::Foreign);
    }
    match bytes[ENCODING_AT] {
        DENSE if bytes.len() == DENSE_BYTES => Ok(Encoding::Dense),
        SPARSE => Ok(Encoding::Sparse),
        _ => Err(Invalid::Foreign),
    }
}

/// The register that an element belongs to, and the value that it must reach.
fn place(element: &[u8]) -> (usize, u8) {
    let hash = murmur64a(element, HASH_SEED);
    let pattern = hash >> REGISTER_BITS | 1 << PATTERN_BITS;
    (hash as usize & (REGISTERS - 1), pattern.trailing_zeros() as u8 + 1)
}

/// Adds an element to a string that is one; true if that changed it.
pub fn add(bytes: &mut Vec<u8>, element: &[u8], sparse_bytes_max: usize) -> Result<bool, Invalid> {
    let (register, value) = place(element);
    let is_changed = raise(bytes, register, value, sparse_bytes_max)?;
    if is_changed {
        mark_stale(bytes);
    }
    Ok(is_changed)
}

/// Whether a dense one is known to stay the same with an element; of others, and of what is none, nothing is known.
pub fn dense_has(bytes: &[u8], element: &[u8]) -> bool {
    let (register, value) = place(element);
    check(bytes) == Ok(Encoding::Dense) && value <= dense_get(&bytes[HEADER_BYTES..], register)
}

/// Makes the register reach a value; false if it did.
fn raise(bytes: &mut Vec<u8>, register: usize, value: u8, sparse_bytes_max: usize) -> Result<bool, Invalid> {
    if check(bytes)? == Encoding::Sparse {
        match sparse::raise(bytes, register, value, sparse_bytes_max)? {
            sparse::Raised::Done { is_changed } => return Ok(is_changed),
            sparse::Raised::TooLong => to_dense(bytes)?,
        };
    }
    Ok(dense_raise(&mut bytes[HEADER_BYTES..], register, value))
}

fn dense_get(registers: &[u8], register: usize) -> u8 {
    let (byte, shift) = (register * 6 / 8, register * 6 % 8);
    let high = registers.get(byte + 1).copied().unwrap_or(0);
    (u16::from_le_bytes([registers[byte], high]) >> shift & 0x3f) as u8
}

fn dense_raise(registers: &mut [u8], register: usize, value: u8) -> bool {
    let is_changed = dense_get(registers, register) < value;
    if is_changed {
        let (byte, shift) = (register * 6 / 8, register * 6 % 8);
        let high = registers.get(byte + 1).copied().unwrap_or(0);
        let both = u16::from_le_bytes([registers[byte], high]);
        let [low, high] = (both & !(0x3f << shift) | u16::from(value) << shift).to_le_bytes();
        registers[byte] = low;
        if let Some(next) = registers.get_mut(byte + 1) {
            *next = high;
        }
    }
    is_changed
}

/// All values of dense registers, in order, eight at a time.
fn dense_values(registers: &[u8]) -> impl Iterator<Item = [u8; 8]> {
    let (sixes, _) = registers.as_chunks::<6>();
    sixes.iter().map(unpack)
}

/// Eight values of six bits each, each into a byte of its own: halves are moved apart until there are eight parts.
#[inline]
fn unpack(&[a, b, c, d, e, f]: &[u8; 6]) -> [u8; 8] {
    let all = u64::from_le_bytes([a, b, c, d, e, f, 0, 0]);
    let all = all & 0x0000_0000_00ff_ffff | (all & 0x0000_ffff_ff00_0000) << 8;
    let all = all & 0x0000_0fff_0000_0fff | (all & 0x00ff_f000_00ff_f000) << 4;
    (all & 0x003f_003f_003f_003f | (all & 0x0fc0_0fc0_0fc0_0fc0) << 2).to_le_bytes()
}

/// The other way.
#[inline]
fn pack(values: &[u8; 8]) -> [u8; 6] {
    let all = u64::from_le_bytes(*values);
    let all = all & 0x003f_003f_003f_003f | (all & 0x3f00_3f00_3f00_3f00) >> 2;
    let all = all & 0x0000_0fff_0000_0fff | (all & 0x0fff_0000_0fff_0000) >> 4;
    let all = all & 0x0000_0000_00ff_ffff | (all & 0x00ff_ffff_0000_0000) >> 8;
    let [a, b, c, d, e, f, ..] = all.to_le_bytes();
    [a, b, c, d, e, f]
}

/// Makes it dense; false if it was.
pub fn to_dense(bytes: &mut Vec<u8>) -> Result<bool, Invalid> {
    if check(bytes)? == Encoding::Dense {
        return Ok(false);
    }
    let mut dense = vec![0; DENSE_BYTES];
    dense[..HEADER_BYTES].copy_from_slice(&bytes[..HEADER_BYTES]);
    dense[ENCODING_AT] = DENSE;
    for (registers, value) in sparse::covering_runs(&bytes[HEADER_BYTES..])? {
        if 0 < value {
            for register in registers {
                dense_raise(&mut dense[HEADER_BYTES..], register, value);
            }
        }
    }
    *bytes = dense;
    Ok(true)
}

/// The last count, unless something was added since.
pub fn cached(bytes: &[u8]) -> Option<u64> {
    let count = bytes.get(COUNT_AT..HEADER_BYTES)?;
    (count[7] & STALE == 0).then(|| u64::from_le_bytes(count.try_into().expect("eight bytes")))
}

/// Says that the cached count is out of date.
pub fn mark_stale(bytes: &mut [u8]) {
    bytes[COUNT_AT + 7] |= STALE;
}

pub fn cache(bytes: &mut [u8], count: u64) {
    bytes[COUNT_AT..HEADER_BYTES].copy_from_slice(&count.to_le_bytes());
}

/// How many registers have each value.
struct Histogram([u32; 64]);

/// Counts anew.
pub fn count(bytes: &[u8]) -> Result<u64, Invalid> {
    let histogram = match check(bytes)? {
        Encoding::Dense => Histogram::of(dense_values(&bytes[HEADER_BYTES..])),
        Encoding::Sparse => {
            let mut histogram = Histogram([0; 64]);
            let mut covered = 0;
            for (len, value) in sparse::runs(&bytes[HEADER_BYTES..]) {
                histogram.0[usize::from(value)] += len as u32;
                covered += len;
            }
            if covered != REGISTERS {
                return Err(Invalid::Corrupt);
            }
            histogram
        }
    };
    Ok(histogram.estimate())
}

impl Histogram {
    fn of(values: impl Iterator<Item = [u8; 8]>) -> Self {
        // Neighbours often have the same value, and one sum would wait for the other: so each place of the eight
        // counts for itself, two and two.
        let mut sums = [[0u32; 64]; 4];
        for eight in values {
            if eight == [0; 8] {
                sums[0][0] += 8;
                continue;
            }
            for (i, value) in eight.into_iter().enumerate() {
                sums[i % 4][usize::from(value & 63)] += 1;
            }
        }
        Self(std::array::from_fn(|value| sums.iter().map(|sums| sums[value]).sum()))
    }

    /// Ertl's improved estimator ("New cardinality estimation algorithms for HyperLogLog sketches", 2017).
    fn estimate(&self) -> u64 {
        /// 1 / (2 ln 2)
        const ALPHA: f64 = 0.721_347_520_444_481_7;
        let all = REGISTERS as f64;
        let of = |value: u32| f64::from(self.0[value as usize]);
        let mut z = all * tau((all - of(PATTERN_BITS + 1)) / all);
        for value in (1..=PATTERN_BITS).rev() {
            z = (z + of(value)) * 0.5;
        }
        z += all * sigma(of(0) / all);
        (ALPHA * all * all / z).round() as u64
    }
}

/// What the empty registers stand for.
fn sigma(share: f64) -> f64 {
    if share == 1.0 {
        return f64::INFINITY;
    }
    let (mut x, mut y, mut z) = (share, 1.0, share);
    loop {
        x *= x;
        let before = z;
        z += x * y;
        y += y;
        if before == z {
            return z;
        }
    }
}

/// What the full registers stand for.
fn tau(share: f64) -> f64 {
    if share == 0.0 || share == 1.0 {
        return 0.0;
    }
    let (mut x, mut y, mut z) = (share, 1.0, 1.0 - share);
    loop {
        x = x.sqrt();
        let before = z;
        y *= 0.5;
        z -= (1.0 - x) * (1.0 - x) * y;
        if before == z {
            return z / 3.0;
        }
    }
}

/// The registers of several, each the greatest.
pub struct Union {
    values: Box<[u8]>,
    is_dense: bool,
}

impl Union {
    pub fn new() -> Self {
        Self { values: vec![0; REGISTERS].into(), is_dense: false }
    }

    pub fn add(&mut self, bytes: &[u8]) -> Result<(), Invalid> {
        match check(bytes)? {
            Encoding::Dense => {
                self.is_dense = true;
                let (eights, _) = self.values.as_chunks_mut::<8>();
                for (eight, others) in eights.iter_mut().zip(dense_values(&bytes[HEADER_BYTES..])) {
                    *eight = std::array::from_fn(|i| eight[i].max(others[i]));
                }
            }
            Encoding::Sparse => {
                for (registers, other) in sparse::covering_runs(&bytes[HEADER_BYTES..])? {
                    if other != 0 {
                        self.values[registers].iter_mut().for_each(|value| *value = (*value).max(other));
                    }
                }
            }
        }
        Ok(())
    }

    pub fn values(&self) -> &[u8] {
        &self.values
    }

    pub fn count(&self) -> u64 {
        Histogram::of(self.values.as_chunks::<8>().0.iter().copied()).estimate()
    }

    /// PFMERGE: raises the registers of the destination, which was added too if it was there; dense if one was.
    pub fn store(&self, bytes: &mut Vec<u8>, sparse_bytes_max: usize) -> Result<(), Invalid> {
        if self.is_dense {
            // Its own registers are among those that were added, so none falls.
            to_dense(bytes)?;
            let (sixes, _) = bytes[HEADER_BYTES..].as_chunks_mut::<6>();
            for (six, values) in sixes.iter_mut().zip(self.values.as_chunks::<8>().0) {
                *six = pack(values);
            }
            mark_stale(bytes);
            return Ok(());
        }
        for (register, &value) in self.values.iter().enumerate() {
            if 0 < value {
                raise(bytes, register, value, sparse_bytes_max)?;
            }
        }
        mark_stale(bytes);
        Ok(())
    }
}

/// PFDEBUG DECODE: the runs of a sparse one as text; `None` if it is dense.
pub fn decode(bytes: &[u8]) -> Result<Option<String>, Invalid> {
    match check(bytes)? {
        Encoding::Dense => Ok(None),
        Encoding::Sparse => Ok(Some(sparse::decode(&bytes[HEADER_BYTES..]))),
    }
}

/// MurmurHash64A (public domain, Austin Appleby).
fn murmur64a(bytes: &[u8], seed: u64) -> u64 {
    const M: u64 = 0xc6a4_a793_5bd1_e995;
    const R: u32 = 47;
    let mut hash = seed ^ (bytes.len() as u64).wrapping_mul(M);
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        let mut k = u64::from_le_bytes(*word).wrapping_mul(M);
        k = (k ^ k >> R).wrapping_mul(M);
        hash = (hash ^ k).wrapping_mul(M);
    }
    if !rest.is_empty() {
        let mut word = [0; 8];
        word[..rest.len()].copy_from_slice(rest);
        hash = (hash ^ u64::from_le_bytes(word)).wrapping_mul(M);
    }
    hash = (hash ^ hash >> R).wrapping_mul(M);
    hash ^ hash >> R
}

#[cfg(test)]
mod tests;
