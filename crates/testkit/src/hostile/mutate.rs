//! Small damage to bytes, as a fuzzer without eyes does it.

use base::rng::Rng;

/// Bytes that mean something to one of the readers: ends, marks of lengths and encodings, signs.
const TELLING: &[u8] = &[
    0, 1, 2, 3, 4, 5, 8, 9, 0x0A, 0x0D, b'$', b'*', b'-', 0x3F, 0x40, 0x7F, 0x80, 0x81, 0xBF, 0xC0, 0xC3,
    0xDF, 0xE0, 0xEF, 0xF0, 0xF1, 0xF2, 0xF3, 0xF4, 0xFA, 0xFC, 0xFD, 0xFE, 0xFF,
];

/// Changes, cuts, repeats, moves or swaps some bytes, once to three times.
pub fn mutate(bytes: &mut Vec<u8>, rng: &mut Rng) {
    for _ in 0..=rng.below(3) {
        if bytes.is_empty() {
            bytes.push(rng.next_u64() as u8);
            continue;
        }
        let place = |bytes: &[u8], rng: &mut Rng| rng.below(bytes.len() as u64) as usize;
        let at = place(bytes, rng);
        match rng.below(9) {
            0 | 1 => bytes[at] ^= 1 << rng.below(8),
            2 => bytes[at] = bytes[at].wrapping_add(if rng.one_in(2) { 1 } else { 255 }),
            3 | 4 => bytes[at] = TELLING[rng.below(TELLING.len() as u64) as usize],
            5 => bytes.truncate(at),
            6 => bytes.insert(at, rng.next_u64() as u8),
            7 => {
                let end = (at + 1 + rng.below(12) as usize).min(bytes.len());
                let run = bytes[at..end].to_vec();
                if rng.one_in(2) {
                    bytes.drain(at..end);
                } else {
                    let to = place(bytes, rng);
                    bytes.splice(to..to, run);
                }
            }
            _ => {
                let other = place(bytes, rng);
                bytes.swap(at, other);
            }
        }
    }
}
