//! What the tests of several structures need: bytes from hex, random values, mutated bytes.

use base::rng::Rng;

/// Bytes from hex digits; blanks are skipped.
pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> =
        text.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_digit(16).expect("hex")).collect();
    digits.chunks(2).map(|pair| (pair[0] << 4 | pair[1]) as u8).collect()
}

/// A string of the kinds that collections hold: numbers of all sizes, near-numbers, short and long texts.
pub(crate) fn random_text(rng: &mut Rng) -> Vec<u8> {
    match rng.below(12) {
        0 => Vec::new(),
        1 | 2 => rng.below(200).to_string().into_bytes(),
        3 => ((rng.next_u64() as i64) >> rng.below(64)).to_string().into_bytes(),
        4 => rng.next_u64().to_string().into_bytes(),
        5 => format!("0{}", rng.below(20)).into_bytes(),
        6 => vec![b'x'; 60 + rng.below(8) as usize],
        7 => vec![b'y'; 120 + rng.below(12) as usize],
        8 if rng.one_in(20) => vec![b'z'; 4090 + rng.below(12) as usize],
        8 if rng.one_in(40) => vec![b'w'; 16_370 + rng.below(20) as usize],
        _ => (0..rng.below(12)).map(|_| rng.next_u64() as u8).collect(),
    }
}

/// Changes, cuts, repeats or swaps some bytes.
pub(crate) fn mutate(bytes: &mut Vec<u8>, rng: &mut Rng) {
    for _ in 0..1 + rng.below(3) {
        if bytes.is_empty() {
            return;
        }
        let at = rng.below(bytes.len() as u64) as usize;
        match rng.below(6) {
            0 => bytes[at] ^= 1 << rng.below(8),
            1 => bytes[at] = rng.next_u64() as u8,
            2 => bytes[at] = [0, 0xFF, 0xFE, 0x7F, 0x80, 0xF0, 0xF4, 0xC0][rng.below(8) as usize],
            3 => bytes.truncate(at),
            4 => bytes.insert(at, rng.next_u64() as u8),
            _ => {
                let other = rng.below(bytes.len() as u64) as usize;
                bytes.swap(at, other);
            }
        }
    }
}

/// Whether hits per place are even: chi-square within five deviations of its mean.
pub(crate) fn assert_even(hits: &[u64]) {
    let mean = hits.iter().sum::<u64>() as f64 / hits.len() as f64;
    let chi: f64 = hits.iter().map(|&n| (n as f64 - mean) * (n as f64 - mean) / mean).sum();
    let freedom = (hits.len() - 1) as f64;
    assert!(
        chi < freedom + 5.0 * (2.0 * freedom).sqrt(),
        "chi-square {chi} with {freedom} degrees of freedom"
    );
}
