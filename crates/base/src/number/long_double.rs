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

impl std::ops::Add for LongDouble {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self((self.0 + other.0).value)
    }
}

impl LongDouble {
    /// As `strtold` on the whole string; `None` for NaN, blanks, and what is too great or too small.
    pub fn parse(text: &[u8]) -> Option<Self> {
        if TEXT_BYTES_MAX < text.len() {
            return None;
        }
        let parsed = float_text::parse(text)?;
        let size = match parsed.body {
            Body::Infinity => X87DoubleExtended::INFINITY,
            Body::Decimal(number) => match number.short().and_then(short_decimal) {
                Some(size) => size,
                None => number.nearest("", 'e')?,
            },
            Body::Hex(number) => number.nearest("0x", 'p')?,
        };
        Some(Self(if parsed.negative { -size } else { size }))
    }

    /// Exact: the fraction has 64 bits.
    pub fn from_i64(n: i64) -> Self {
        Self(X87DoubleExtended::from_i128(i128::from(n)).value)
    }

    /// Neither infinite nor NaN.
    pub fn is_finite(self) -> bool {
        self.0.is_finite()
    }

    /// The number without an exponent, with up to 17 digits behind the point. Zero has no sign.
    pub fn push_human(self, out: &mut Vec<u8>) {
        let bits = self.0.to_bits();
        let (fraction, exponent) = (bits as u64, (bits >> 64) as i32 & 0x7fff);
        if self.is_finite() {
            // The least exponent is that of the subnormal numbers, too.
            return push_number(out, self.0.is_negative(), fraction, exponent.max(1) - EXPONENT_BIAS);
        }
        if self.0.is_negative() {
            out.push(b'-');
        }
        out.extend_from_slice(if self.0.is_nan() { b"nan" } else { b"inf" });
    }
}

/// A finite double as [`LongDouble::push_human`] prints numbers.
pub fn push_double_human(out: &mut Vec<u8>, number: f64) {
    assert!(number.is_finite(), "{number} has no digits");
    let bits = number.to_bits();
    let exponent = (bits >> DOUBLE_FRACTION_BITS) as i32 & 0x7ff;
    let leading = u64::from(exponent != 0) << DOUBLE_FRACTION_BITS;
    let fraction = bits & ((1 << DOUBLE_FRACTION_BITS) - 1) | leading;
    push_number(out, number.is_sign_negative(), fraction, exponent.max(1) - DOUBLE_EXPONENT_BIAS);
}

/// Bits behind the leading one, which is not stored.
const DOUBLE_FRACTION_BITS: u32 = 52;
const DOUBLE_EXPONENT_BIAS: i32 = 1023 + DOUBLE_FRACTION_BITS as i32;

/// Prints `fraction * 2^power`. Zero, and what is printed as zero, has no sign.
fn push_number(out: &mut Vec<u8>, is_negative: bool, fraction: u64, power: i32) {
    let start = out.len();
    if is_negative {
        out.push(b'-');
    }
    match power {
        0.. => push_integer(out, fraction, power as u32),
        _ => push_fixed(out, scaled(fraction, power.unsigned_abs())),
    }
    if out[start..] == *b"-0" {
        out.remove(start);
    }
}

/// Powers of ten up to this one are exact in 64 bits of fraction, since 5^27 is.
const EXACT_POWER_MAX: u32 = 27;

/// The usual case: two exact numbers make the nearest one in one rounding.
fn short_decimal((n, power): (u64, i32)) -> Option<X87DoubleExtended> {
    let exact = |n| X87DoubleExtended::from_u128(n).value;
    if power == 0 {
        return Some(exact(n.into()));
    }
    if EXACT_POWER_MAX < power.unsigned_abs() {
        return None;
    }
    let (n, scale) = (exact(n.into()), exact(10u128.pow(power.unsigned_abs())));
    Some(if power < 0 { (n / scale).value } else { (n * scale).value })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    #[test]
    fn doubles_have_the_digits_that_they_have() {
        let mut rng = Rng::new(1);
        let odd =
            [0.0, -0.0, 0.5, 1.0, -1.5, 5e-18, 1.5e-17, 2f64.powi(-18), f64::MIN_POSITIVE, 5e-324, f64::MAX];
        let near = (0..20_000).map(|_| (rng.unit() - 0.5) * 2000.0).collect::<Vec<_>>();
        let any =
            (0..2_000).map(|_| f64::from_bits(rng.next_u64())).filter(|n| n.is_finite()).collect::<Vec<_>>();
        for number in odd.into_iter().chain(near).chain(any) {
            let text = format!("{number:.17}");
            let text = text.trim_end_matches('0').trim_end_matches('.');
            let mut printed = Vec::new();
            push_double_human(&mut printed, number);
            let want = if text == "-0" { "0" } else { text };
            assert_eq!(String::from_utf8_lossy(&printed), want, "{:x}", number.to_bits());
        }
    }

    #[derive(PartialEq, Debug)]
    enum Sum {
        Text(&'static str),
        Long { start: &'static str, len: usize },
        Infinite,
        Refused,
    }
    use Sum::*;

    fn sum(a: &str, b: &str) -> Option<LongDouble> {
        Some(LongDouble::parse(a.as_bytes())? + LongDouble::parse(b.as_bytes())?)
    }

    fn text(n: LongDouble) -> String {
        let mut out = Vec::new();
        n.push_human(&mut out);
        String::from_utf8(out).unwrap()
    }

    /// What INCRBYFLOAT of Redis 7.0 on x86-64 answered for a key with the first text and the second as increment.
    #[test]
    fn sums_are_those_of_redis() {
        for (a, b, want) in [
            ("0.1", "0.2", Text("0.3")),
            ("0.1", "0", Text("0.1")),
            ("10.5", "0.1", Text("10.6")),
            ("5.0e3", "2.0e2", Text("5200")),
            ("3", "0.000000000000000001", Text("3")),
            ("-0", "0", Text("0")),
            ("-1", "1", Text("0")),
            ("-1", "0.9999999999999999999", Text("0")),
            ("1", "-0.1", Text("0.9")),
            ("0.3", "-0.3", Text("0")),
            ("1e-17", "0", Text("0.00000000000000001")),
            ("5e-18", "0", Text("0")),
            ("4.9e-18", "0", Text("0")),
            ("-5e-18", "0", Text("0")),
            ("1.5e-17", "0", Text("0.00000000000000002")),
            ("2.5e-17", "0", Text("0.00000000000000002")),
            ("0x1p-57", "0", Text("0.00000000000000001")),
            ("0x3p-58", "0", Text("0.00000000000000001")),
            ("0x1p-128", "0", Text("0")),
            ("0x1p-16445", "0", Text("0")),
            ("0x1p-16446", "0", Refused),
            ("0x1.8p-16446", "0", Text("0")),
            ("3e-4951", "0", Text("0")),
            ("1e-4951", "0", Refused),
            ("9007199254740993", "0.5", Text("9007199254740993.5")),
            ("9223372036854775807", "1", Text("9223372036854775808")),
            ("18446744073709551615", "1", Text("18446744073709551616")),
            ("18446744073709551616", "1", Text("18446744073709551616")),
            ("18446744073709551617", "0", Text("18446744073709551616")),
            ("36893488147419103233", "0", Text("36893488147419103232")),
            ("-9223372036854775808", "0", Text("-9223372036854775808")),
            ("123456789012345678901234567890", "0", Text("123456789012345678899921813504")),
            ("1e30", "1", Text("1000000000000000000024696061952")),
            ("1e40", "0", Text("9999999999999999999783686092270256259072")),
            ("3.14159265358979323846", "0", Text("3.14159265358979324")),
            ("2.718281828459045235", "1e-18", Text("2.71828182845904524")),
            ("100.25", "0.75", Text("101")),
            ("1234567.125", "0", Text("1234567.125")),
            ("1.7976931348623157e308", "0", Long { start: "179769313486231569995921", len: 309 }),
            ("0x10", "0", Text("16")),
            ("0X1.8", "0x.8p1", Text("2.5")),
            ("0xffffffffffffffff", "0", Text("18446744073709551615")),
            ("0x1ffffffffffffffff", "0", Text("36893488147419103232")),
            ("1.", ".5", Text("1.5")),
            ("+5", "1e05", Text("100005")),
            ("1e+5", "0e99999999999999999999", Text("100000")),
            ("inf", "0", Infinite),
            ("-inf", "1", Infinite),
            ("Infinity", "-inf", Infinite),
            ("1e4932", "0", Long { start: "100000000000000000000601", len: 4933 }),
            ("1e4932", "1e4932", Infinite),
            ("1.2e4932", "0", Refused),
            ("1e4933", "0", Refused),
            ("1e99999999999999999999", "0", Refused),
            ("1e-99999999999999999999", "0", Refused),
            ("0x1p16383", "0", Long { start: "594865747678615882542879", len: 4932 }),
            ("0x1p16384", "0", Refused),
            ("0x1p99999999999", "0", Refused),
            ("nan", "0", Refused),
            ("", "0", Refused),
            ("-", "0", Refused),
            (".", "0", Refused),
            ("1e", "0", Refused),
            ("0x", "0", Refused),
            ("0x1p", "0", Refused),
            (" 1", "0", Refused),
            ("1 ", "0", Refused),
            ("1_0", "0", Refused),
            ("1.5.5", "0", Refused),
            ("1\0", "0", Refused),
        ] {
            let got = sum(a, b);
            match want {
                Refused => assert_eq!(got, None, "{a} + {b}"),
                Infinite => assert!(!got.unwrap().is_finite(), "{a} + {b}"),
                Text(want) => assert_eq!(text(got.unwrap()), want, "{a} + {b}"),
                Long { start, len } => {
                    let got = text(got.unwrap());
                    assert_eq!((&got[..start.len()], got.len()), (start, len), "{a} + {b}");
                }
            }
        }
    }

    #[test]
    fn the_longest_text() {
        let digits = "1".repeat(4900);
        assert!(LongDouble::parse(digits.as_bytes()).is_some());
        let zeros = |n: usize| format!("{}1", "0".repeat(n));
        assert_eq!(text(LongDouble::parse(zeros(TEXT_BYTES_MAX - 1).as_bytes()).unwrap()), "1");
        assert_eq!(LongDouble::parse(zeros(TEXT_BYTES_MAX).as_bytes()), None);
    }

    #[test]
    fn integers_are_exact() {
        for n in [0, 1, -1, i64::MAX, i64::MIN] {
            assert_eq!(text(LongDouble::from_i64(n)), n.to_string());
        }
    }
}
