//! C's long double as x86 has it, 80 bits: INCRBYFLOAT and HINCRBYFLOAT calculate in it.
//!
//! The results are stored as text and sent to replicas, so a server of another machine must find the same digits.
//! The arithmetic is exact emulation; only the printing is ours: as C's `%.17Lf`, then without the zeros at the
//! end, so that 0.1 + 0.2 is 0.3.

use super::float_text::{self, Body};
use rustc_apfloat::Float;
use rustc_apfloat::ieee::X87DoubleExtended;

#[derive(Clone, Copy, PartialEq, Debug)]
pub struct LongDouble(X87DoubleExtended);

/// Redis reads a long double through a buffer of this size.
const TEXT_BYTES_MAX: usize = 5 * 1024 - 1;
/// Digits behind the point in print.
const FRACTION_DIGITS: usize = 17;
const FRACTION_SCALE: u128 = 10u128.pow(FRACTION_DIGITS as u32);
/// The exponent of a number whose fraction has 64 bits.
const EXPONENT_BIAS: i32 = 16383 + 63;

impl LongDouble {
    /// As `strtold` on the whole string; `None` for NaN, blanks, and what is too great or too small.
    pub fn parse(text: &[u8]) -> Option<Self> {
        if TEXT_BYTES_MAX < text.len() {
            return None;
        }
        let parsed = float_text::parse(text)?;
        let size = match parsed.body {
            Body::Infinity => X87DoubleExtended::INFINITY,
            Body::Decimal(number) => number.nearest("", 'e')?,
            Body::Hex(number) => number.nearest("0x", 'p')?,
        };
        Some(Self(if parsed.negative { -size } else { size }))
    }

    /// Exact: the fraction has 64 bits.
    pub fn from_i64(n: i64) -> Self {
        Self(X87DoubleExtended::from_i128(i128::from(n)).value)
    }

    #[must_use]
    pub fn add(self, other: Self) -> Self {
        Self((self.0 + other.0).value)
    }

    /// Neither infinite nor NaN.
    pub fn is_finite(self) -> bool {
        self.0.is_finite()
    }

    /// The number without an exponent, with up to 17 digits behind the point. Zero has no sign.
    pub fn push_human(self, out: &mut Vec<u8>) {
        let start = out.len();
        if self.0.is_negative() {
            out.push(b'-');
        }
        let bits = self.0.to_bits();
        let (fraction, exponent) = (bits as u64, (bits >> 64) as i32 & 0x7fff);
        // The least exponent is that of the subnormal numbers, too.
        let power = exponent.max(1) - EXPONENT_BIAS;
        if !self.is_finite() {
            out.extend_from_slice(if self.0.is_nan() { b"nan" } else { b"inf" });
        } else if 0 <= power {
            push_integer(out, fraction, power as u32);
        } else {
            push_fixed(out, scaled(fraction, power.unsigned_abs()));
        }
        if out[start..] == *b"-0" {
            out.remove(start);
        }
    }
}

/// `fraction / 2^down` in units of the last digit, to the nearest, ties to even.
fn scaled(fraction: u64, down: u32) -> u128 {
    // Less than 2^121, so a shift by more bits than that leaves nothing.
    let exact = u128::from(fraction) * FRACTION_SCALE;
    if 127 <= down {
        return 0;
    }
    let (whole, rest, half) = (exact >> down, exact & ((1 << down) - 1), 1u128 << (down - 1));
    let up = half < rest || (half == rest && whole & 1 == 1);
    whole + u128::from(up)
}

/// Prints a number of units of the last digit; zeros at the end are left out, and the point behind nothing.
fn push_fixed(out: &mut Vec<u8>, units: u128) {
    let whole = (units / FRACTION_SCALE) as u64;
    super::push_u64(out, whole);
    let mut fraction = (units % FRACTION_SCALE) as u64;
    let mut digits = [b'0'; FRACTION_DIGITS];
    for digit in digits.iter_mut().rev() {
        *digit += (fraction % 10) as u8;
        fraction /= 10;
    }
    let len = digits.iter().rposition(|c| *c != b'0').map_or(0, |last| last + 1);
    if 0 < len {
        out.push(b'.');
        out.extend_from_slice(&digits[..len]);
    }
}

/// Prints `fraction * 2^up`, up to 4933 digits.
fn push_integer(out: &mut Vec<u8>, fraction: u64, up: u32) {
    const LIMB: u64 = 1_000_000_000;
    let mut limbs = vec![fraction % LIMB, fraction / LIMB % LIMB, fraction / LIMB / LIMB];
    let mut left = up;
    while 0 < left {
        let step = left.min(32);
        let mut carry = 0;
        for limb in &mut limbs {
            let wide = (*limb << step) + carry;
            (*limb, carry) = (wide % LIMB, wide / LIMB);
        }
        while 0 < carry {
            limbs.push(carry % LIMB);
            carry /= LIMB;
        }
        left -= step;
    }
    let top = limbs.iter().rposition(|limb| *limb != 0).unwrap_or(0);
    super::push_u64(out, limbs[top]);
    for limb in limbs[..top].iter().rev() {
        let mut buffer = itoa::Buffer::new();
        let digits = buffer.format(*limb).as_bytes();
        out.extend_from_slice(&b"00000000"[..9 - digits.len()]);
        out.extend_from_slice(digits);
    }
}
