//! Seeded pseudo-randomness: chance is an argument everywhere, and a seed repeats a run exactly.
//!
//! The generator is xoshiro256++ (public domain, Blackman and Vigna), its state filled by splitmix64 so that
//! near seeds give unrelated streams. Not for secrets.

pub struct Rng {
    state: [u64; 4],
}

impl Rng {
    pub fn new(seed: u64) -> Self {
        let mut at = seed;
        Self { state: std::array::from_fn(|_| splitmix(&mut at)) }
    }

    #[inline]
    pub fn next_u64(&mut self) -> u64 {
        let [a, b, c, d] = self.state;
        let out = a.wrapping_add(d).rotate_left(23).wrapping_add(a);
        let (c, d) = (c ^ a, d ^ b);
        self.state = [a ^ d, b ^ c, c ^ (b << 17), d.rotate_left(45)];
        out
    }

    /// A number in `0..n`, each equally likely. Lemire's method: a multiplication, and rarely a division.
    #[inline]
    pub fn below(&mut self, n: u64) -> u64 {
        assert!(0 < n, "nothing lies below zero");
        let mut wide = u128::from(self.next_u64()) * u128::from(n);
        if (wide as u64) < n {
            let uneven = n.wrapping_neg() % n;
            while (wide as u64) < uneven {
                wide = u128::from(self.next_u64()) * u128::from(n);
            }
        }
        (wide >> 64) as u64
    }

    /// In `0.0 .. 1.0`, with 53 random bits.
    pub fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// True once in `n` times.
    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last as u64 + 1) as usize);
        }
    }

    /// Random lower-case hex digits, as in run ids.
    pub fn fill_hex(&mut self, out: &mut [u8]) {
        for chunk in out.chunks_mut(16) {
            let mut bits = self.next_u64();
            for digit in chunk {
                *digit = b"0123456789abcdef"[(bits & 15) as usize];
                bits >>= 4;
            }
        }
    }
}

fn splitmix(at: &mut u64) -> u64 {
    *at = at.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (*at ^ (*at >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The reference implementation, from the state 1, 2, 3, 4.
    #[test]
    fn is_xoshiro256_plus_plus() {
        let mut rng = Rng { state: [1, 2, 3, 4] };
        let first: Vec<u64> = (0..5).map(|_| rng.next_u64()).collect();
        assert_eq!(first, [41943041, 58720359, 3588806011781223, 3591011842654386, 9228616714210784205]);
    }

    #[test]
    fn below_is_even() {
        let mut rng = Rng::new(1);
        for n in [1u64, 2, 3, 7, 10] {
            let mut counts = vec![0u64; n as usize];
            (0..10_000 * n).for_each(|_| counts[rng.below(n) as usize] += 1);
            assert!(counts.iter().all(|c| (9_500..10_500).contains(c)), "{n}: {counts:?}");
        }
        let most = u64::MAX;
        assert!((0..1000).any(|_| most / 2 < rng.below(most)));
    }

    #[test]
    fn shuffle_reaches_every_order() {
        let mut rng = Rng::new(2);
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..1000 {
            let mut items = [1, 2, 3, 4];
            rng.shuffle(&mut items);
            seen.insert(items);
        }
        assert_eq!(seen.len(), 24);
    }

    #[test]
    fn hex_fills_any_length() {
        let mut rng = Rng::new(3);
        for len in [0, 1, 15, 16, 17, 40] {
            let mut out = vec![b'?'; len];
            rng.fill_hex(&mut out);
            assert!(out.iter().all(|c| c.is_ascii_digit() || (b'a'..=b'f').contains(c)));
        }
    }
}
