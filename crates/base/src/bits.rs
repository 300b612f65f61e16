//! Strings as bit arrays: BITCOUNT, BITPOS, BITOP and BITFIELD as functions over bytes.
//!
//! Bit 0 is the highest bit of the first byte. Long runs go by words of 64 bits. What lies behind the end of a
//! string reads as zero; who writes there lengthens the string first ([`Integer::bytes_end`]).

use crate::number::parse_i64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Byte,
    Bit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    And,
    Or,
    Xor,
}

/// What a value becomes that its field can't hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overflow {
    Wrap,
    Saturate,
    /// Nothing is written.
    Fail,
}

pub fn bit(bytes: &[u8], offset: u64) -> bool {
    let byte = usize::try_from(offset / 8).ok().and_then(|at| bytes.get(at)).copied().unwrap_or(0);
    byte >> (7 - offset % 8) & 1 == 1
}

/// Sets a bit that lies in the string, and says what it was.
pub fn set_bit(bytes: &mut [u8], offset: u64, on: bool) -> bool {
    let old = bit(bytes, offset);
    let mask = 0x80 >> (offset % 8);
    let byte = &mut bytes[(offset / 8) as usize];
    *byte = if on { *byte | mask } else { *byte & !mask };
    old
}

/// How many bits are set.
pub fn count(bytes: &[u8]) -> u64 {
    // Counting the bits of a word takes a dozen steps, adding three words bit by bit takes five. So sixteen rows are
    // added up, with the carries going on to a row of twos, of fours and of eights, and only what they carry to the
    // sixteens is counted (Harley and Seal). A row is several words, so that compilers make vectors of them.
    let (groups, rest) = bytes.as_chunks::<{ 16 * ROW_BYTES }>();
    let (mut ones, mut twos, mut fours, mut eights) = (Row::ZERO, Row::ZERO, Row::ZERO, Row::ZERO);
    let mut sixteens = 0;
    for group in groups {
        let (rows, _) = group.as_chunks::<ROW_BYTES>();
        let (mut eights_carried, mut fours_carried, mut twos_carried) = (Row::ZERO, Row::ZERO, Row::ZERO);
        for (i, pair) in rows.as_chunks::<2>().0.iter().enumerate() {
            let carried = ones.add(Row::new(&pair[0]), Row::new(&pair[1]));
            if i % 2 == 0 {
                twos_carried = carried;
                continue;
            }
            let carried = twos.add(twos_carried, carried);
            if i % 4 == 1 {
                fours_carried = carried;
                continue;
            }
            let carried = fours.add(fours_carried, carried);
            if i % 8 == 3 {
                eights_carried = carried;
                continue;
            }
            sixteens += eights.add(eights_carried, carried).count();
        }
    }
    let rows = 16 * sixteens + 8 * eights.count() + 4 * fours.count() + 2 * twos.count() + ones.count();
    let (words, rest) = rest.as_chunks::<8>();
    let words: u64 = words.iter().map(|word| u64::from(u64::from_ne_bytes(*word).count_ones())).sum();
    rows + words + rest.iter().map(|byte| u64::from(byte.count_ones())).sum::<u64>()
}

const ROW_WORDS: usize = 4;
const ROW_BYTES: usize = 8 * ROW_WORDS;

#[derive(Clone, Copy)]
struct Row([u64; ROW_WORDS]);

impl Row {
    const ZERO: Self = Self([0; ROW_WORDS]);

    #[inline(always)]
    fn new(bytes: &[u8; ROW_BYTES]) -> Self {
        let (words, _) = bytes.as_chunks::<8>();
        Self(std::array::from_fn(|i| u64::from_ne_bytes(words[i])))
    }

    /// Adds two rows to this one, bit by bit; gives the carries.
    #[inline(always)]
    fn add(&mut self, a: Self, b: Self) -> Self {
        let mut carries = Self::ZERO;
        for i in 0..ROW_WORDS {
            let (sum, a, b) = (self.0[i], a.0[i], b.0[i]);
            let odd = sum ^ a;
            carries.0[i] = sum & a | odd & b;
            self.0[i] = odd ^ b;
        }
        carries
    }

    #[inline(always)]
    fn count(self) -> u64 {
        self.0.iter().map(|word| u64::from(word.count_ones())).sum()
    }
}

/// How many bits are set from `start` to `end`, both included, negative ones from the end.
pub fn count_range(bytes: &[u8], start: i64, end: i64, unit: Unit) -> u64 {
    let span = Span::new(bytes.len(), start, end, unit);
    let crossed = start < 0 && end < 0 && end < start;
    span.filter(|_| !crossed).map_or(0, |span| span.count(bytes))
}

/// The first bit that is `on`, from `start` to `end`, both included, negative ones from the end. Without an end, the
/// first zero may be the one behind the string.
pub fn position(bytes: &[u8], on: bool, start: i64, end: Option<i64>, unit: Unit) -> Option<u64> {
    let span = Span::new(bytes.len(), start, end.unwrap_or(i64::MAX), unit)?;
    let found = span.position(bytes, on);
    let behind = (!on && end.is_none()).then_some(bytes.len() as u64 * 8);
    found.or(behind)
}

/// The bits from `first` up to and without `end`; there is at least one.
struct Span {
    first: u64,
    end: u64,
}

impl Span {
    fn new(len: usize, start: i64, end: i64, unit: Unit) -> Option<Self> {
        let bits = if unit == Unit::Bit { 1 } else { 8 };
        let total = len as i64 * 8 / bits;
        let from_end = |at: i64| if at < 0 { (total + at).max(0) } else { at };
        let (start, end) = (from_end(start), from_end(end).min(total - 1));
        (start <= end).then(|| Self { first: (start * bits) as u64, end: ((end + 1) * bits) as u64 })
    }

    /// Its bytes, and masks of the bits of the first and the last byte that lie in it.
    fn bytes<'a>(&self, bytes: &'a [u8]) -> (&'a [u8], u8, u8) {
        let within = &bytes[(self.first / 8) as usize..self.end.div_ceil(8) as usize];
        (within, 0xff >> (self.first % 8), !(0xff_u16 >> ((self.end - 1) % 8 + 1)) as u8)
    }

    fn count(&self, bytes: &[u8]) -> u64 {
        let (within, head, tail) = self.bytes(bytes);
        let outside = |byte: u8, mask: u8| u64::from((byte & !mask).count_ones());
        count(within) - outside(within[0], head) - outside(within[within.len() - 1], tail)
    }

    fn position(&self, bytes: &[u8], on: bool) -> Option<u64> {
        let (within, head, tail) = self.bytes(bytes);
        // A set bit in `found` is one that is looked for.
        let flip = if on { 0 } else { 0xff };
        let last = within.len() - 1;
        let masked = |i: usize, byte: u8| {
            let byte = byte ^ flip;
            let byte = if i == 0 { byte & head } else { byte };
            if i == last { byte & tail } else { byte }
        };
        let place = |i: usize, byte: u8| self.first / 8 * 8 + i as u64 * 8 + u64::from(byte.leading_zeros());
        let first = masked(0, within[0]);
        if first != 0 {
            return Some(place(0, first));
        }
        // Whole lines and then words of what isn't looked for are skipped; the last byte is looked at alone.
        let between = &within[1..last.max(1)];
        let (lines, _) = between.as_chunks::<64>();
        let is_nothing = |line: &&[u8; 64]| line.iter().fold(0, |found, byte| found | byte ^ flip) == 0;
        let in_lines = lines.iter().take_while(is_nothing).count() * 64;
        let nothing = u64::from_ne_bytes([flip; 8]);
        let (words, _) = between[in_lines..].as_chunks::<8>();
        let in_words = words.iter().take_while(|word| u64::from_ne_bytes(**word) == nothing).count() * 8;
        let skipped = in_lines + in_words;
        let mut rest = within.iter().enumerate().skip(1 + skipped).map(|(i, byte)| (i, masked(i, *byte)));
        rest.find(|(_, byte)| *byte != 0).map(|(i, byte)| place(i, byte))
    }
}

/// All sources combined; it is as long as the longest, shorter ones have zeros behind them. It is written into
/// `out`, whose content is nothing but room: its memory may be known to the processor, new memory is not.
pub fn combine(op: Op, sources: &[&[u8]], mut out: Vec<u8>) -> Vec<u8> {
    let len = sources.iter().map(|source| source.len()).max().unwrap_or(0);
    out.clear();
    let Some((first, others)) = sources.split_first() else { return out };
    out.reserve_exact(len);
    // A part at a time goes through all sources, so that it stays in the nearest cache.
    for start in (0..len).step_by(PART_BYTES) {
        let end = len.min(start + PART_BYTES);
        out.extend_from_slice(part(first, start, end));
        out.resize(end, 0);
        let part_out = &mut out[start..];
        others.iter().for_each(|source| fold(op, part_out, part(source, start, end)));
    }
    out
}

const PART_BYTES: usize = 8 * 1024;

fn part(source: &[u8], start: usize, end: usize) -> &[u8] {
    source.get(start..).map_or(&[], |rest| &rest[..rest.len().min(end - start)])
}

/// Combines `out` with a source in place, as if the shorter one had zeros behind it.
pub fn combine_into(op: Op, out: &mut Vec<u8>, source: &[u8]) {
    out.reserve_exact(source.len().saturating_sub(out.len()));
    out.resize(out.len().max(source.len()), 0);
    fold(op, out, source);
}

/// The source is not longer than `out`.
fn fold(op: Op, out: &mut [u8], source: &[u8]) {
    let (shared, behind) = out.split_at_mut(source.len());
    match op {
        Op::And => {
            zip(shared, source, |a, b| a & b);
            behind.fill(0);
        }
        Op::Or => zip(shared, source, |a, b| a | b),
        Op::Xor => zip(shared, source, |a, b| a ^ b),
    }
}

#[inline(always)]
fn zip(out: &mut [u8], source: &[u8], op: impl Fn(u8, u8) -> u8) {
    // Compilers make vectors of this.
    out.iter_mut().zip(source).for_each(|(byte, other)| *byte = op(*byte, *other));
}

/// BITOP NOT, into `out` as [`combine`] does.
pub fn invert(source: &[u8], mut out: Vec<u8>) -> Vec<u8> {
    out.clear();
    out.reserve_exact(source.len());
    out.extend(source.iter().map(|byte| !byte));
    out
}

/// BITOP NOT in place.
pub fn invert_in_place(bytes: &mut [u8]) {
    bytes.iter_mut().for_each(|byte| *byte = !*byte);
}

/// What was written over what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    pub old: i64,
    pub new: i64,
}

/// The type of a BITFIELD's integer: `u1` to `u63`, `i1` to `i64`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Integer {
    is_signed: bool,
    bits: u32,
}

impl Integer {
    pub fn parse(text: &[u8]) -> Option<Self> {
        let (is_signed, most) = match text.first()? {
            b'i' => (true, 64),
            b'u' => (false, 63),
            _ => return None,
        };
        let bits = parse_i64(&text[1..])?;
        (1..=most).contains(&bits).then_some(Self { is_signed, bits: bits as u32 })
    }

    pub fn bits(self) -> u32 {
        self.bits
    }

    /// The least length in bytes of a string that holds the integer at this offset.
    pub fn bytes_end(self, offset: u64) -> u64 {
        (offset + u64::from(self.bits)).div_ceil(8)
    }

    pub fn get(self, bytes: &[u8], offset: u64) -> i64 {
        let first = usize::try_from(offset / 8).unwrap_or(usize::MAX);
        // An integer spans nine bytes at most.
        let mut wide = 0u128;
        for at in 0..9 {
            let byte = first.checked_add(at).and_then(|at| bytes.get(at)).copied().unwrap_or(0);
            wide = wide << 8 | u128::from(byte);
        }
        let raw = (wide >> (72 - (offset % 8) as u32 - self.bits)) as u64;
        self.of_low_bits(raw)
    }

    /// The value that the lowest bits of a word are.
    fn of_low_bits(self, raw: u64) -> i64 {
        let unused = 64 - self.bits;
        if self.is_signed { (raw << unused) as i64 >> unused } else { (raw << unused >> unused) as i64 }
    }

    /// Writes the lowest bits of a value where the string is long enough for them.
    fn put(self, bytes: &mut [u8], offset: u64, value: i64) {
        let (first, end) = ((offset / 8) as usize, self.bytes_end(offset) as usize);
        let shift = (end as u64 * 8 - offset - u64::from(self.bits)) as u32;
        let mask = (u128::from(u64::MAX) >> (64 - self.bits)) << shift;
        let value = u128::from(value as u64) << shift & mask;
        for (i, byte) in bytes[first..end].iter_mut().rev().enumerate() {
            *byte = *byte & !((mask >> (8 * i)) as u8) | (value >> (8 * i)) as u8;
        }
    }

    /// BITFIELD SET; `None` if it failed.
    pub fn set(self, bytes: &mut [u8], offset: u64, value: i64, overflow: Overflow) -> Option<Written> {
        let new = self.fit(value, 0, overflow)?;
        let old = self.get(bytes, offset);
        self.put(bytes, offset, new);
        Some(Written { old, new })
    }

    /// BITFIELD INCRBY; `None` if it failed.
    pub fn increment(self, bytes: &mut [u8], offset: u64, by: i64, overflow: Overflow) -> Option<Written> {
        let old = self.get(bytes, offset);
        let new = self.fit(old, by, overflow)?;
        self.put(bytes, offset, new);
        Some(Written { old, new })
    }

    /// The sum as a value of this type.
    fn fit(self, value: i64, by: i64, overflow: Overflow) -> Option<i64> {
        let (least, most) = self.limits();
        let limit = match self.out_of_range(value, by) {
            None => return Some(value.wrapping_add(by)),
            Some(Beyond::Most) => most,
            Some(Beyond::Least) => least,
        };
        match overflow {
            Overflow::Wrap => Some(self.of_low_bits(value.wrapping_add(by) as u64)),
            Overflow::Saturate => Some(limit),
            Overflow::Fail => None,
        }
    }

    fn limits(self) -> (i64, i64) {
        if self.is_signed {
            let most = i64::MAX >> (64 - self.bits);
            (-most - 1, most)
        } else {
            (0, i64::MAX >> (63 - self.bits))
        }
    }

    fn out_of_range(self, value: i64, by: i64) -> Option<Beyond> {
        let (least, most) = self.limits();
        if !self.is_signed {
            // A negative value is a great one here.
            return if value < 0 || most < value || (0 < by && most - value < by) {
                Some(Beyond::Most)
            } else {
                (by < 0 && by < -value).then_some(Beyond::Least)
            };
        }
        // As Redis has it, the difference wraps: a value to set that is below the least one by almost 2^63 counts as
        // beyond the most.
        let room = most.wrapping_sub(value);
        if most < value || (self.bits != 64 && room < by) || (0 <= value && 0 < by && room < by) {
            return Some(Beyond::Most);
        }
        let room = least.wrapping_sub(value);
        let is_below = value < least || (self.bits != 64 && by < room) || (value < 0 && by < 0 && by < room);
        is_below.then_some(Beyond::Least)
    }
}

enum Beyond {
    Least,
    Most,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    fn random(rng: &mut Rng, len_max: u64) -> Vec<u8> {
        // Often of one kind of bit, so that searches go far.
        let fill = [None, Some(0), Some(0xff)][rng.below(3) as usize];
        (0..rng.below(len_max))
            .map(|_| if rng.one_in(30) { rng.next_u64() as u8 } else { fill.unwrap_or(0x5a) })
            .collect()
    }

    /// Bit by bit.
    #[test]
    fn ranges_are_what_single_bits_say() {
        for seed in 0..4000 {
            let mut rng = Rng::new(seed);
            let len_max = if rng.one_in(4) { 400 } else { 60 };
            let bytes = random(&mut rng, len_max);
            let unit = if rng.one_in(2) { Unit::Bit } else { Unit::Byte };
            let units = bytes.len() as i64 * if unit == Unit::Bit { 8 } else { 1 };
            let any = |rng: &mut Rng| rng.below(2 * units as u64 + 8) as i64 - units - 4;
            let (start, end) = (any(&mut rng), any(&mut rng));
            let clamp = |at: i64| if at < 0 { (at + units).max(0) } else { at };
            let width = units.max(1) / bytes.len().max(1) as i64;
            let bits = |end: i64| {
                let within = clamp(start)..=clamp(end).min(units - 1);
                within.flat_map(move |at| at * (8 / width)..(at + 1) * (8 / width)).map(|at| at as u64)
            };
            let want =
                if start < 0 && end < start { 0 } else { bits(end).filter(|&at| bit(&bytes, at)).count() };
            assert_eq!(count_range(&bytes, start, end, unit), want as u64, "seed {seed}");
            for on in [false, true] {
                let want = bits(end).find(|&at| bit(&bytes, at) == on);
                assert_eq!(position(&bytes, on, start, Some(end), unit), want, "seed {seed}");
                let behind = (!on && clamp(start) < units).then_some(bytes.len() as u64 * 8);
                let want = bits(units).find(|&at| bit(&bytes, at) == on).or(behind);
                assert_eq!(position(&bytes, on, start, None, unit), want, "seed {seed}");
            }
        }
    }

    #[test]
    fn strings_of_one_kind() {
        assert_eq!(position(&[0xff; 20], false, 0, None, Unit::Byte), Some(160));
        assert_eq!(position(&[0xff; 20], false, 0, Some(-1), Unit::Byte), None);
        assert_eq!(position(&[0; 20], true, 0, None, Unit::Byte), None);
        assert_eq!(position(b"", false, 0, None, Unit::Byte), None);
        assert_eq!(position(&[0, 0xff, 0xf0], true, 2, None, Unit::Byte), Some(16));
        assert_eq!(position(&[0xff; 3], false, 25, None, Unit::Bit), None);
        assert_eq!(count(&[0xff; 1001]), 8008);
        assert_eq!(count_range(&[0xff; 10], -2, -1, Unit::Byte), 16);
        assert_eq!(count_range(&[0xff; 10], i64::MIN, i64::MAX, Unit::Bit), 80);
    }

    #[test]
    fn combined_as_bytes_are() {
        for seed in 0..300 {
            let mut rng = Rng::new(seed);
            let sources: Vec<Vec<u8>> = (0..1 + rng.below(5)).map(|_| random(&mut rng, 40)).collect();
            let slices: Vec<&[u8]> = sources.iter().map(|source| &source[..]).collect();
            let len = sources.iter().map(Vec::len).max().unwrap();
            let byte = |source: &Vec<u8>, at: usize| source.get(at).copied().unwrap_or(0);
            for (op, fold) in [
                (Op::And, (|a, b| a & b) as fn(u8, u8) -> u8),
                (Op::Or, |a, b| a | b),
                (Op::Xor, |a, b| a ^ b),
            ] {
                let all = |at| sources.iter().map(|source| byte(source, at)).reduce(fold).unwrap();
                let want: Vec<u8> = (0..len).map(all).collect();
                // Whatever the room was before.
                let room = random(&mut rng, 60);
                assert_eq!(combine(op, &slices, room), want, "seed {seed}");
                let mut out = sources[0].clone();
                slices[1..].iter().for_each(|source| combine_into(op, &mut out, source));
                assert_eq!(out, want, "seed {seed}");
            }
            let mut inverted = invert(&sources[0], random(&mut rng, 60));
            assert!(inverted.iter().zip(&sources[0]).all(|(a, b)| a ^ b == 0xff));
            invert_in_place(&mut inverted);
            assert_eq!(inverted, sources[0]);
        }
        assert!(combine(Op::And, &[], vec![1]).is_empty());
    }

    /// Strings of several parts.
    #[test]
    fn long_ones_combine() {
        let mut rng = Rng::new(1);
        let mut long = |len: usize| -> Vec<u8> { (0..len).map(|_| rng.next_u64() as u8).collect() };
        for (a, b) in [(PART_BYTES, PART_BYTES + 1), (3 * PART_BYTES + 5, 9), (0, 2 * PART_BYTES - 1)] {
            let (a, b) = (long(a), long(b));
            let at = |source: &[u8], i: usize| source.get(i).copied().unwrap_or(0);
            let want: Vec<u8> = (0..a.len().max(b.len())).map(|i| at(&a, i) & at(&b, i)).collect();
            assert_eq!(combine(Op::And, &[&a, &b], Vec::new()), want);
            assert_eq!(combine(Op::And, &[&b, &a], vec![7; 20]), want);
        }
    }

    #[test]
    fn counts_what_single_bytes_say() {
        for seed in 0..200 {
            let mut rng = Rng::new(seed);
            let len = rng.below(40 * ROW_BYTES as u64);
            let bytes: Vec<u8> = (0..len).map(|_| rng.next_u64() as u8 | rng.next_u64() as u8).collect();
            let want: u64 = bytes.iter().map(|byte| u64::from(byte.count_ones())).sum();
            assert_eq!(count(&bytes), want, "seed {seed}");
        }
    }

    #[test]
    fn types_of_integers() {
        for (text, want) in [("u1", 1), ("u63", 63), ("i1", 1), ("i64", 64)] {
            assert_eq!(Integer::parse(text.as_bytes()).map(Integer::bits), Some(want), "{text}");
        }
        for text in
            ["", "u", "i", "u0", "i0", "u64", "i65", "U8", "I8", "x8", "u08", "u+8", "u 8", "i-1", "u8 "]
        {
            assert_eq!(Integer::parse(text.as_bytes()), None, "{text}");
        }
    }

    /// What is put in comes out, and nothing beside it changes.
    #[test]
    fn integers_lie_anywhere() {
        for seed in 0..20_000 {
            let mut rng = Rng::new(seed);
            let bits = 1 + rng.below(63) as u32;
            let integer = Integer { is_signed: rng.one_in(2), bits };
            let (mut bytes, offset) =
                ((0..24).map(|_| rng.next_u64() as u8).collect::<Vec<_>>(), rng.below(120));
            let before = bytes.clone();
            let value = rng.next_u64() as i64;
            let old = integer.get(&bytes, offset);
            let new = integer.of_low_bits(value as u64);
            let written = integer.set(&mut bytes, offset, value, Overflow::Wrap);
            assert_eq!(written, Some(Written { old, new }), "seed {seed}");
            assert_eq!(integer.get(&bytes, offset), new, "seed {seed}");
            let changed = offset..offset + u64::from(bits);
            for at in (0..192).filter(|at| !changed.contains(at)) {
                assert_eq!(bit(&bytes, at), bit(&before, at), "seed {seed}");
            }
            for (i, at) in changed.clone().enumerate() {
                assert_eq!(bit(&bytes, at), value as u64 >> (bits as usize - 1 - i) & 1 == 1, "seed {seed}");
            }
            assert!(
                integer.bytes_end(offset) * 8 < changed.end + 8
                    && changed.end <= integer.bytes_end(offset) * 8
            );
        }
    }

    #[test]
    fn behind_the_end_are_zeros() {
        let integer = Integer::parse(b"u8").unwrap();
        assert_eq!(integer.get(&[0xff], 4), 0xf0);
        assert_eq!(integer.get(&[0xff], 8), 0);
        assert_eq!(integer.get(&[0xff], u64::MAX - 8), 0);
        assert!(!bit(&[0xff], 8) && bit(&[0xff], 7));
    }

    /// Type, old value, what is added or set, and what each overflow makes of it: as redis-server 7.0.15 replied.
    #[test]
    fn overflows_are_redis() {
        const FAILED: Option<i64> = None;
        for (text, old, by, wrap, saturate, fail) in [
            ("u8", 250, 10, 4, 255, FAILED),
            ("u8", 250, 5, 255, 255, Some(255)),
            ("u8", 5, -6, 255, 0, FAILED),
            ("u8", 5, -5, 0, 0, Some(0)),
            ("u63", i64::MAX, 1, 0, i64::MAX, FAILED),
            ("u63", 0, i64::MIN, 0, 0, FAILED),
            ("i8", 127, 1, -128, 127, FAILED),
            ("i8", -128, -1, 127, -128, FAILED),
            ("i8", -128, 255, 127, 127, Some(127)),
            ("i64", i64::MAX, 1, i64::MIN, i64::MAX, FAILED),
            ("i64", i64::MIN, -1, i64::MAX, i64::MIN, FAILED),
            ("i64", i64::MIN, i64::MAX, -1, -1, Some(-1)),
            ("i1", 0, 1, -1, 0, FAILED),
            ("u1", 1, 1, 0, 1, FAILED),
        ] {
            let integer = Integer::parse(text.as_bytes()).unwrap();
            for (overflow, want) in
                [(Overflow::Wrap, Some(wrap)), (Overflow::Saturate, Some(saturate)), (Overflow::Fail, fail)]
            {
                let mut bytes = [0; 8];
                integer.put(&mut bytes, 0, old);
                let written = integer.increment(&mut bytes, 0, by, overflow);
                assert_eq!(written, want.map(|new| Written { old, new }), "{text} {old} + {by}");
                assert_eq!(integer.get(&bytes, 0), want.unwrap_or(old));
            }
        }
        for (text, value, wrap, saturate) in [
            ("u8", -1, 255, 255),
            ("u8", 256, 0, 255),
            ("i8", 200, -56, 127),
            ("i8", -200, 56, -128),
            ("i8", i64::MIN, 0, 127),
            ("i8", i64::MIN + 127, 127, 127),
            ("i8", i64::MIN + 128, -128, -128),
            ("i63", i64::MIN, 0, i64::MAX / 2),
            ("u63", i64::MIN, 0, i64::MAX),
        ] {
            let integer = Integer::parse(text.as_bytes()).unwrap();
            for (overflow, want) in [(Overflow::Wrap, wrap), (Overflow::Saturate, saturate)] {
                let mut bytes = [0; 8];
                let written = integer.set(&mut bytes, 0, value, overflow);
                assert_eq!(written, Some(Written { old: 0, new: want }), "{text} {value}");
                assert_eq!(integer.get(&bytes, 0), want, "{text} {value}");
            }
            assert_eq!(integer.set(&mut [0; 8], 0, value, Overflow::Fail), None);
        }
    }
}
