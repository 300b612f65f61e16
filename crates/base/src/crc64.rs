//! The CRC-64 of RDB files, DUMP payloads and DEBUG RELOAD: the Jones polynomial, reflected, starting from zero.

use crc_fast::{CrcParams, Digest};
use std::sync::LazyLock;

const POLYNOMIAL: u64 = 0xad93_d235_94c9_35a9;
/// The CRC of `123456789`.
const CHECK: u64 = 0xe9c6_d914_c4b8_d9ca;

static PARAMS: LazyLock<CrcParams> =
    LazyLock::new(|| CrcParams::new("CRC-64/REDIS", 64, POLYNOMIAL, 0, true, 0, CHECK));

/// A CRC in the making.
pub struct Crc64(Digest);

impl Crc64 {
    pub fn new() -> Self {
        Self(Digest::new_with_params(*PARAMS))
    }

    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Of everything so far; more may follow.
    pub fn value(&self) -> u64 {
        self.0.finalize()
    }
}

pub fn crc64(bytes: &[u8]) -> u64 {
    crc_fast::checksum_with_params(*PARAMS, bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_value() {
        assert_eq!(crc64(b"123456789"), CHECK);
        assert_eq!(crc64(b""), 0);
        assert_eq!(crc64(&[0; 100]), 0);
        assert_eq!(crc64(b"a"), bitwise(b"a"));
    }

    fn bitwise(bytes: &[u8]) -> u64 {
        let mut crc = 0u64;
        for byte in bytes {
            crc ^= u64::from(*byte);
            for _ in 0..8 {
                crc = if crc & 1 == 1 { (crc >> 1) ^ POLYNOMIAL.reverse_bits() } else { crc >> 1 };
            }
        }
        crc
    }

    /// Every length around the sizes that the fast code treats apart, in one piece and in two.
    #[test]
    fn agrees_with_the_definition() {
        let bytes: Vec<u8> = (0..1100u32).map(|i| (i * i + 7 * i) as u8).collect();
        for len in (0..300).chain([511, 512, 513, 1023, 1024, 1025, 1100]) {
            let want = bitwise(&bytes[..len]);
            assert_eq!(crc64(&bytes[..len]), want, "{len} bytes");
            let mut parts = Crc64::new();
            parts.update(&bytes[..len / 3]);
            parts.update(&bytes[len / 3..len]);
            assert_eq!(parts.value(), want, "{len} bytes in two parts");
        }
    }
}
