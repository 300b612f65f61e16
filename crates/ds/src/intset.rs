//! Intset: a sorted set of integers in one block, in Redis's byte layout.
//!
//! ```text
//! bytes of each integer (2, 4 or 8), 4 B | integers, 4 B | integer …
//! ```
//! All little endian, ascending, each once. An integer that needs more bytes than the others widens them all;
//! nothing narrows them again.
//!
//! Invariant: the block is exactly as long as its header says, and the integers ascend. Foreign bytes come in
//! through [`Intset::from_bytes`], which looks at each of them.

use base::rng::Rng;

const HEADER_BYTES: usize = 8;

#[derive(Clone, PartialEq, Eq)]
pub struct Intset {
    bytes: Box<[u8]>,
}

impl Default for Intset {
    fn default() -> Self {
        Self::new()
    }
}

impl Intset {
    pub fn new() -> Self {
        Self { bytes: Box::new([2, 0, 0, 0, 0, 0, 0, 0]) }
    }

    /// `None` if the bytes are no intset with at least one integer.
    pub fn from_bytes(bytes: Box<[u8]>) -> Option<Self> {
        is_valid(&bytes).then_some(Self { bytes })
    }

    /// The whole block, as it goes into an RDB.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    #[inline]
    pub fn len(&self) -> usize {
        (self.bytes.len() - HEADER_BYTES) / self.width()
    }

    pub fn is_empty(&self) -> bool {
        self.bytes.len() == HEADER_BYTES
    }

    /// The `index`-th smallest integer.
    #[inline]
    pub fn get(&self, index: usize) -> Option<i64> {
        (index < self.len()).then(|| read(&self.bytes, self.width(), index))
    }

    pub fn contains(&self, n: i64) -> bool {
        self.search(n).is_ok()
    }

    /// Its index, or the one where it would be.
    pub fn search(&self, n: i64) -> Result<usize, usize> {
        let width = self.width();
        let (mut low, mut high) = (0, self.len());
        // What is larger than all is asked for often: integers are added in order.
        match high.checked_sub(1).map(|last| read(&self.bytes, width, last)) {
            Some(last) if n <= last => {}
            _ => return Err(high),
        }
        while low < high {
            let middle = (low + high) / 2;
            let found = read(&self.bytes, width, middle);
            if found == n {
                return Ok(middle);
            }
            if found < n {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Err(low)
    }

    /// False if it was there.
    pub fn insert(&mut self, n: i64) -> bool {
        let Err(index) = self.search(n) else { return false };
        let needed = width_of(n);
        if self.width() < needed {
            self.widen(needed);
        }
        let width = self.width();
        let at = HEADER_BYTES + index * width;
        let mut bytes = std::mem::take(&mut self.bytes).into_vec();
        let len = bytes.len();
        bytes.reserve_exact(width);
        bytes.resize(len + width, 0);
        bytes.copy_within(at..len, at + width);
        bytes[at..at + width].copy_from_slice(&n.to_le_bytes()[..width]);
        self.bytes = bytes.into_boxed_slice();
        self.set_header(width);
        true
    }

    /// False if it was not there.
    pub fn remove(&mut self, n: i64) -> bool {
        let Ok(index) = self.search(n) else { return false };
        let width = self.width();
        let at = HEADER_BYTES + index * width;
        let mut bytes = std::mem::take(&mut self.bytes).into_vec();
        bytes.drain(at..at + width);
        self.bytes = bytes.into_boxed_slice();
        self.set_header(width);
        true
    }

    /// One of them, each equally likely.
    pub fn random(&self, rng: &mut Rng) -> Option<i64> {
        self.len()
            .checked_sub(1)
            .map(|last| read(&self.bytes, self.width(), rng.below(last as u64 + 1) as usize))
    }

    pub fn min(&self) -> Option<i64> {
        self.get(0)
    }

    pub fn max(&self) -> Option<i64> {
        self.get(self.len().wrapping_sub(1))
    }

    /// Ascending.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = i64> + ExactSizeIterator + '_ {
        let width = self.width();
        (0..self.len()).map(move |index| read(&self.bytes, width, index))
    }

    #[inline]
    fn width(&self) -> usize {
        usize::from(self.bytes[0])
    }

    fn widen(&mut self, width: usize) {
        let mut bytes = Vec::with_capacity(HEADER_BYTES + (self.len() + 1) * width);
        bytes.resize(HEADER_BYTES, 0);
        for n in self.iter() {
            bytes.extend_from_slice(&n.to_le_bytes()[..width]);
        }
        self.bytes = bytes.into_boxed_slice();
        self.set_header(width);
    }

    fn set_header(&mut self, width: usize) {
        let count = u32::try_from((self.bytes.len() - HEADER_BYTES) / width).expect("intsets are small");
        self.bytes[..4].copy_from_slice(&(width as u32).to_le_bytes());
        self.bytes[4..HEADER_BYTES].copy_from_slice(&count.to_le_bytes());
    }
}

impl FromIterator<i64> for Intset {
    fn from_iter<I: IntoIterator<Item = i64>>(numbers: I) -> Self {
        let mut set = Self::new();
        for n in numbers {
            set.insert(n);
        }
        set
    }
}

impl std::fmt::Debug for Intset {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// Whether the bytes are an intset: a width that there is, the length that the header says, at least one integer,
/// all ascending.
pub fn is_valid(bytes: &[u8]) -> bool {
    let Some((header, body)) = bytes.split_at_checked(HEADER_BYTES) else { return false };
    let width = u32::from_le_bytes(header[..4].try_into().expect("four bytes")) as usize;
    let count = u32::from_le_bytes(header[4..].try_into().expect("four bytes")) as usize;
    if !matches!(width, 2 | 4 | 8) || count == 0 || count.checked_mul(width) != Some(body.len()) {
        return false;
    }
    (1..count).all(|index| read(bytes, width, index - 1) < read(bytes, width, index))
}

fn width_of(n: i64) -> usize {
    match n {
        -0x8000..=0x7FFF => 2,
        -0x8000_0000..=0x7FFF_FFFF => 4,
        _ => 8,
    }
}

#[inline]
fn read(bytes: &[u8], width: usize, index: usize) -> i64 {
    let at = HEADER_BYTES + index * width;
    let one = &bytes[at..at + width];
    match width {
        2 => i64::from(i16::from_le_bytes(one.try_into().expect("two bytes"))),
        4 => i64::from(i32::from_le_bytes(one.try_into().expect("four bytes"))),
        _ => i64::from_le_bytes(one.try_into().expect("eight bytes")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_even, hex, mutate};
    use std::collections::BTreeSet;

    /// From DUMP of sets of redis-server 7.0.15.
    #[test]
    fn bytes_are_those_of_redis() {
        for (numbers, bytes) in [
            (&[1, 2, 3][..], "0200000003000000010002000300"),
            (&[5, -70000, 9, 32768], "040000000400000090eefeff050000000900000000800000"),
            (&[i64::MIN, 0, i64::MAX], "080000000300000000000000000000800000000000000000ffffffffffffff7f"),
            (&[-1, 32767, -32768], "02000000030000000080ffffff7f"),
        ] {
            let set: Intset = numbers.iter().copied().collect();
            assert_eq!(set.bytes(), hex(bytes));
            assert_eq!(Intset::from_bytes(hex(bytes).into()), Some(set));
        }
        let mut wide: Intset = [1, 70000].into_iter().collect();
        assert!(wide.remove(70000) && !wide.remove(70000));
        assert_eq!(wide.bytes(), hex("040000000100000001000000"), "stays wide");
    }

    fn any_int(rng: &mut Rng) -> i64 {
        let edge = [0x7FFF, -0x8000, 0x7FFF_FFFF, -0x8000_0000, i64::MAX, i64::MIN][rng.below(6) as usize];
        match rng.below(4) {
            0 => edge,
            1 => edge.wrapping_add(1 - rng.below(3) as i64),
            2 => rng.below(100) as i64 - 50,
            _ => (rng.next_u64() as i64) >> (32 + rng.below(32)),
        }
    }

    #[test]
    fn behaves_as_a_set() {
        for seed in 0..60 {
            let mut rng = Rng::new(seed);
            let (mut set, mut model) = (Intset::new(), BTreeSet::new());
            assert!(set.is_empty() && set.min().is_none() && set.max().is_none());
            for _ in 0..300 {
                let n = any_int(&mut rng);
                if rng.below(3) < 2 {
                    assert_eq!(set.insert(n), model.insert(n), "seed {seed}");
                } else {
                    assert_eq!(set.remove(n), model.remove(&n), "seed {seed}");
                }
                assert_eq!(set.contains(n), model.contains(&n), "seed {seed}");
                assert!(set.iter().eq(model.iter().copied()), "seed {seed}");
                assert!(set.iter().rev().eq(model.iter().rev().copied()), "seed {seed}");
                assert!(set.is_empty() || is_valid(set.bytes()), "seed {seed}");
                assert_eq!((set.min(), set.max()), (model.first().copied(), model.last().copied()));
                assert_eq!((set.len(), set.is_empty()), (model.len(), model.is_empty()));
                let probe = any_int(&mut rng);
                let before = model.range(..probe).count();
                assert_eq!(set.search(probe).unwrap_or_else(|at| at), before, "seed {seed}");
                assert_eq!(set.get(before), model.range(probe..).next().copied(), "seed {seed}");
            }
        }
    }

    #[test]
    fn foreign_bytes_are_refused_or_can_be_used() {
        let mut rng = Rng::new(1);
        let (mut accepted, rounds) = (0, 20_000);
        for _ in 0..rounds {
            let set: Intset = (0..1 + rng.below(6)).map(|_| any_int(&mut rng)).collect();
            let mut bytes = set.bytes().to_vec();
            mutate(&mut bytes, &mut rng);
            let Some(mut foreign) = Intset::from_bytes(bytes.into()) else { continue };
            accepted += 1;
            let numbers: Vec<i64> = foreign.iter().collect();
            assert!(numbers.is_sorted() && numbers.iter().all(|&n| foreign.contains(n)));
            let n = any_int(&mut rng);
            assert_eq!(foreign.insert(n), !numbers.contains(&n));
            assert!(is_valid(foreign.bytes()));
        }
        assert!(rounds / 20 < accepted && accepted < rounds * 19 / 20, "{accepted} accepted");
    }

    #[test]
    fn broken_intsets_are_refused() {
        for (bytes, why) in [
            ("", "nothing"),
            ("02000000 000000", "half a header"),
            ("02000000 00000000", "no integer"),
            ("03000000 01000000 000000", "no such width"),
            ("00000000 01000000", "no width"),
            ("02000000 02000000 0100", "shorter than its header says"),
            ("02000000 01000000 0100 0200", "longer than its header says"),
            ("08000000 ffffffff 0100", "far shorter than its header says"),
            ("02000000 02000000 0100 0100", "twice the same"),
            ("02000000 02000000 0100 ffff", "not ascending"),
        ] {
            assert!(!is_valid(&hex(bytes)), "{why}");
        }
    }

    #[test]
    fn chance_is_even() {
        let set: Intset = (0..50).map(|n| n * 1000).collect();
        let mut rng = Rng::new(3);
        let mut hits = vec![0; 50];
        (0..20_000).for_each(|_| hits[set.random(&mut rng).unwrap() as usize / 1000] += 1);
        assert_even(&hits);
        assert_eq!(Intset::new().random(&mut rng), None);
    }
}
