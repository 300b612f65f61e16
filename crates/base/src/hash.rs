//! The hash of a key: 64 good bits, seeded.
//!
//! One hash serves three readers: its highest bits choose the shard, the next ones the segment of a table, and
//! the lowest are the tag that is compared before a key is. So every bit must depend on every byte of the key;
//! this is why the "quality" variant of foldhash is used, which mixes once more at the end.
//!
//! Stance on HashDoS: the seed is drawn at start, so sets of colliding keys prepared in advance do nothing.
//! The hash is not cryptographic: a client that may run SCAN sees the order of hashes, and could in principle
//! work towards the seed. Such a client can already send `FLUSHALL`; the cost of SipHash on every command is not
//! paid to keep it from a slower way. A table must still stay correct, only slower, when hashes collide.

use crate::rng::Rng;
use foldhash::SharedSeed;
use foldhash::quality::FoldHasher;
use std::fmt;
use std::hash::Hasher;

/// Hashes keys. Two hashers of one seed agree; clones are cheap.
#[derive(Clone)]
pub struct KeyHasher {
    shared: SharedSeed,
    own: u64,
}

impl KeyHasher {
    pub fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        Self { shared: SharedSeed::from_u64(rng.next_u64()), own: rng.next_u64() }
    }

    #[inline]
    pub fn hash(&self, key: &[u8]) -> u64 {
        let mut hasher = FoldHasher::with_seed(self.own, &self.shared);
        hasher.write(key);
        hasher.finish()
    }
}

/// Says nothing of the seed: it must not reach a log.
impl fmt::Debug for KeyHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyHasher")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_one_hash() {
        let (a, b, other) = (KeyHasher::new(1), KeyHasher::new(1), KeyHasher::new(2));
        for key in [&b""[..], b"k", b"key:1", &[0; 300]] {
            assert_eq!(a.hash(key), b.hash(key));
            assert_ne!(a.hash(key), other.hash(key));
        }
    }

    /// Buckets by the top 10 bits, the next 10, and the low 16 hold what chance would give them.
    #[test]
    fn all_bits_are_good() {
        const KEYS: usize = 1 << 17;
        let hasher = KeyHasher::new(7);
        let hashes: Vec<u64> = (0..KEYS).map(|i| hasher.hash(format!("key:{i:012}").as_bytes())).collect();
        for (shift, bits) in [(54, 10), (44, 10), (24, 10), (0, 10), (0, 16)] {
            let mut counts = vec![0u32; 1 << bits];
            for hash in &hashes {
                counts[(hash >> shift) as usize & ((1 << bits) - 1)] += 1;
            }
            let mean = KEYS as f64 / counts.len() as f64;
            let chi: f64 = counts.iter().map(|&n| (f64::from(n) - mean).powi(2) / mean).sum();
            let freedom = counts.len() as f64;
            let bound = freedom + 6.0 * (2.0 * freedom).sqrt();
            assert!(chi < bound, "bits at {shift}: chi² {chi:.0}, bound {bound:.0}");
        }
    }
}
