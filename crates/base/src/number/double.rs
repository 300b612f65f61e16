//! Doubles as text: scores, coordinates, and RESP3's own type.

use super::float_text::{self, Body};
use rustc_apfloat::Float;
use rustc_apfloat::ieee::Double;

/// As `strtod` on the whole string; `None` for NaN, blanks, and what is too great or too small for a double.
pub fn parse_f64(text: &[u8]) -> Option<f64> {
    let parsed = float_text::parse(text)?;
    let size = match parsed.body {
        Body::Infinity => f64::INFINITY,
        Body::Decimal(number) => {
            let size: f64 = number.text.parse().ok()?;
            let out_of_range = size.is_infinite() || (size == 0.0 && !number.is_zero);
            if out_of_range { return None } else { size }
        }
        Body::Hex(number) => f64::from_bits(number.nearest::<Double>("0x", 'p')?.to_bits() as u64),
    };
    Some(if parsed.negative { -size } else { size })
}

/// As `strtod` on a C string that it has to read whole: blanks may stand before the number, what is too great is
/// infinite, what is too small is 0, and so is nothing at all.
pub fn parse_f64_of_c(text: &[u8]) -> Option<f64> {
    let end = text.iter().position(|&c| c == 0).unwrap_or(text.len());
    let is_blank = |c: &u8| matches!(c, b' ' | b'\t'..=b'\r');
    let blanks = text[..end].iter().take_while(|c| is_blank(c)).count();
    if end == 0 {
        return Some(0.0);
    }
    let parsed = float_text::parse(&text[blanks..end])?;
    let size = match parsed.body {
        Body::Infinity => f64::INFINITY,
        Body::Decimal(number) => number.text.parse().ok()?,
        Body::Hex(number) => f64::from_bits(number.nearest::<Double>("0x", 'p')?.to_bits() as u64),
    };
    Some(if parsed.negative { -size } else { size })
}

/// A double as C prints it by `%.17Lg`: 17 digits, without zeros at the end.
pub fn push_f64_17(out: &mut Vec<u8>, d: f64) {
    const DIGITS: usize = 17;
    if d.is_nan() || d.is_infinite() || d == 0.0 {
        return push_f64(out, d);
    }
    if d < 0.0 {
        out.push(b'-');
    }
    let text = format!("{:.*e}", DIGITS - 1, d.abs());
    let (mantissa, exponent) = text.split_once('e').expect("is written with an exponent");
    let exponent: i32 = exponent.parse().expect("an exponent is a number");
    let digits: String = mantissa.chars().filter(|c| *c != '.').collect();
    let digits = digits.trim_end_matches('0');
    if -4 <= exponent && exponent < DIGITS as i32 {
        let mut text = F64Text::new();
        if exponent < 0 {
            text.push_with_point(digits.as_bytes(), exponent + 1);
        } else if digits.len() <= exponent as usize + 1 {
            text.push(digits.as_bytes());
            text.push_zeros(exponent as usize + 1 - digits.len());
        } else {
            text.push_with_point(digits.as_bytes(), exponent + 1);
        }
        out.extend_from_slice(text.bytes());
        return;
    }
    out.extend_from_slice(&digits.as_bytes()[..1]);
    if 1 < digits.len() {
        out.push(b'.');
        out.extend_from_slice(&digits.as_bytes()[1..]);
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    out.extend_from_slice(format!("e{sign}{:02}", exponent.abs()).as_bytes());
}

/// A double as Redis 7.2 prints it, in RESP and in small sorted sets.
pub fn push_f64(out: &mut Vec<u8>, d: f64) {
    out.extend_from_slice(F64Text::new().format(d));
}

/// Integers up to this size are printed by their digits, and exactly.
const INTEGER_MAX: f64 = (1u64 << 62) as f64;
/// Zeros that are written out behind the digits of a number greater than [`INTEGER_MAX`].
const ZEROS_MAX: i32 = 7;

/// The text of a double, on the stack: the shortest digits that mean this double and no other.
///
/// Redis finds its digits by Grisu2, which misses the shortest ones about once in a thousand; there it prints
/// another text for the same number.
pub struct F64Text {
    bytes: [u8; F64Text::BYTES_MAX],
    len: usize,
}

impl F64Text {
    /// A sign, 17 digits and 7 zeros are the longest.
    pub const BYTES_MAX: usize = 32;

    pub fn new() -> Self {
        Self { bytes: [0; Self::BYTES_MAX], len: 0 }
    }

    pub fn format(&mut self, d: f64) -> &[u8] {
        self.len = 0;
        if d.is_nan() {
            self.push(b"nan");
            return self.bytes();
        }
        if d.is_sign_negative() {
            self.push(b"-");
        }
        if d.is_infinite() {
            self.push(b"inf");
        } else if d.abs() <= INTEGER_MAX && d.trunc() == d {
            self.push(itoa::Buffer::new().format(d.abs() as u64).as_bytes());
        } else {
            self.push_shortest(d.abs());
        }
        self.bytes()
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    fn push(&mut self, text: &[u8]) {
        self.bytes[self.len..][..text.len()].copy_from_slice(text);
        self.len += text.len();
    }

    fn push_zeros(&mut self, n: usize) {
        self.push(&[b'0'; Self::BYTES_MAX][..n]);
    }

    fn push_shortest(&mut self, d: f64) {
        let mut room = [0; 17];
        let (digits, power) = shortest(d, &mut room);
        let count = digits.len() as i32;
        // The first digit's power of ten.
        let exponent = power + count - 1;
        if 0 <= power && power <= ZEROS_MAX {
            self.push(digits);
            self.push_zeros(power as usize);
        } else if -7 < power && power < 0 || -4 < exponent && exponent < 4 && power < 0 {
            self.push_with_point(digits, count + power);
        } else {
            self.push_with_exponent(digits, exponent);
        }
    }

    /// `point` digits stand before the point.
    fn push_with_point(&mut self, digits: &[u8], point: i32) {
        if point <= 0 {
            self.push(b"0.");
            self.push_zeros(-point as usize);
            return self.push(digits);
        }
        let (whole, fraction) = digits.split_at(point as usize);
        self.push(whole);
        self.push(b".");
        self.push(fraction);
    }

    fn push_with_exponent(&mut self, digits: &[u8], exponent: i32) {
        self.push(&digits[..1]);
        if 1 < digits.len() {
            self.push(b".");
            self.push(&digits[1..]);
        }
        self.push(if exponent < 0 { b"e-" } else { b"e+" });
        self.push(itoa::Buffer::new().format(exponent.unsigned_abs()).as_bytes());
    }
}

/// The shortest digits of a positive double, without zeros at the ends, and the last digit's power of ten.
fn shortest(d: f64, room: &mut [u8; 17]) -> (&[u8], i32) {
    let mut buffer = zmij::Buffer::new();
    let text = buffer.format_finite(d);
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let mut power: i32 = exponent.parse().expect("an exponent is a number");
    let (mut len, mut behind_point) = (0, false);
    for c in mantissa.bytes() {
        if c == b'.' {
            behind_point = true;
            continue;
        }
        if behind_point {
            power -= 1;
        }
        if c != b'0' || 0 < len {
            // Zeros beyond 17 digits are no digits of a double.
            if len < room.len() {
                room[len] = c;
                len += 1;
            } else {
                assert_eq!(c, b'0', "a double has 17 digits at most");
                power += 1;
            }
        }
    }
    while room[len - 1] == b'0' {
        len -= 1;
        power += 1;
    }
    (&room[..len], power)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(d: f64) -> String {
        String::from_utf8(F64Text::new().format(d).to_vec()).unwrap()
    }

    #[test]
    fn reads_as_c_reads_a_whole_string() {
        for (text, wanted) in [
            ("", Some(0.0)),
            ("1.5", Some(1.5)),
            (" \t1", Some(1.0)),
            ("1 ", None),
            (" ", None),
            ("-1e999", Some(f64::NEG_INFINITY)),
            ("1e-999", Some(0.0)),
            ("+inf", Some(f64::INFINITY)),
            ("0x10", Some(16.0)),
            ("7\0x", Some(7.0)),
            ("\0x", Some(0.0)),
            ("nan", None),
            ("x", None),
            ("1x", None),
        ] {
            assert_eq!(parse_f64_of_c(text.as_bytes()), wanted, "{text:?}");
        }
    }

    #[test]
    fn prints_seventeen_digits() {
        for (d, wanted) in [
            (0.1, "0.10000000000000001"),
            (-0.5, "-0.5"),
            (3.0, "3"),
            (-0.0, "-0"),
            (1e16, "10000000000000000"),
            (1e17, "1e+17"),
            (123_456.75, "123456.75"),
            (0.0001, "0.0001"),
            (0.000_015, "1.5e-05"),
            (1.0 / 3.0, "0.33333333333333331"),
            (1e300, "1.0000000000000001e+300"),
            (5e-324, "4.9406564584124654e-324"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            let mut out = Vec::new();
            push_f64_17(&mut out, d);
            assert_eq!(String::from_utf8_lossy(&out), wanted);
        }
    }

    #[test]
    fn doubles_print() {
        for (d, want) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (3.0, "3"),
            (-3.0, "-3"),
            (3.5, "3.5"),
            (0.1, "0.1"),
            (-0.1, "-0.1"),
            (1.0 / 3.0, "0.3333333333333333"),
            (100.25, "100.25"),
            (1234.5678, "1234.5678"),
            (0.001, "0.001"),
            (1e-6, "0.000001"),
            (1e-7, "1e-7"),
            (1.5e-7, "1.5e-7"),
            (1.25e-5, "1.25e-5"),
            // Few digits behind the point are written out, many only below ten thousand.
            (12345.678901234, "1.2345678901234e+4"),
            (1234.5678901234, "1234.5678901234"),
            (12345.678901, "12345.678901"),
            (123456.78901, "123456.78901"),
            (0.0012345678901234, "0.0012345678901234"),
            (0.00012345678901234, "1.2345678901234e-4"),
            // Integers up to 2^62 are exact, longer ones shortest.
            (9007199254740993.0, "9007199254740992"),
            (123456789012345680.0, "123456789012345680"),
            (1.2345678901234567e18, "1234567890123456768"),
            (4611686018427387904.0, "4611686018427387904"),
            (4611686018427389000.0, "4611686018427389000"),
            (4611686018427389953.0, "4611686018427390000"),
            (1e18, "1000000000000000000"),
            (1e19, "1e+19"),
            (1e20, "1e+20"),
            (1.5e20, "1.5e+20"),
            (123456789012345678901.0, "123456789012345680000"),
            (1.2345678901234567e23, "123456789012345670000000"),
            (1.2345678901234568e24, "1.2345678901234568e+24"),
            (1e100, "1e+100"),
            (-1e100, "-1e+100"),
            (1e-100, "1e-100"),
            (f64::MAX, "1.7976931348623157e+308"),
            (f64::MIN_POSITIVE, "2.2250738585072014e-308"),
            (5e-324, "5e-324"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
            (f64::NAN, "nan"),
            (-f64::NAN, "nan"),
        ] {
            assert_eq!(text(d), want);
        }
    }

    #[test]
    fn doubles_parse() {
        for (text, want) in [
            ("0", Some(0.0)),
            ("-0", Some(-0.0)),
            ("3", Some(3.0)),
            ("+3", Some(3.0)),
            ("3.5", Some(3.5)),
            ("3.", Some(3.0)),
            (".5", Some(0.5)),
            ("-.5e1", Some(-5.0)),
            ("1e5", Some(1e5)),
            ("1E+05", Some(1e5)),
            ("1e-5", Some(1e-5)),
            ("9007199254740993", Some(9007199254740992.0)),
            ("1.7976931348623157e308", Some(f64::MAX)),
            ("1.8e308", None),
            ("-1e400", None),
            ("1e99999999999999999999", None),
            ("0e99999999999999999999", Some(0.0)),
            ("5e-324", Some(5e-324)),
            ("3e-324", Some(5e-324)),
            ("2e-324", None),
            ("1e-99999999999999999999", None),
            ("inf", Some(f64::INFINITY)),
            ("-INF", Some(f64::NEG_INFINITY)),
            ("+Infinity", Some(f64::INFINITY)),
            ("0x10", Some(16.0)),
            ("-0X1.8p1", Some(-3.0)),
            ("0x.8", Some(0.5)),
            ("0x1p+1023", Some(2f64.powi(1023))),
            ("0x1p1024", None),
            ("0x1p-1074", Some(5e-324)),
            ("0x1p-1075", None),
            ("0x1.8p-1075", Some(5e-324)),
            ("0x0p99999999999", Some(0.0)),
            ("0x1p99999999999", None),
            ("0x1p-99999999999", None),
            ("nan", None),
            ("-nan", None),
            ("nan(1)", None),
            ("", None),
            ("-", None),
            ("+", None),
            (".", None),
            ("e5", None),
            ("1e", None),
            ("1e+", None),
            ("0x", None),
            ("0x.", None),
            ("0x1p", None),
            ("0xg", None),
            ("1p5", None),
            (" 1", None),
            ("1 ", None),
            ("1_0", None),
            ("1,5", None),
            ("1.5.5", None),
            ("--1", None),
            ("+-1", None),
            ("in", None),
            ("infinit", None),
            ("1\0", None),
            ("1\u{e9}", None),
        ] {
            let got = parse_f64(text.as_bytes());
            assert_eq!(got.map(f64::to_bits), want.map(f64::to_bits), "{text:?}: {got:?}");
        }
        assert_eq!(parse_f64(b"\xff"), None);
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read(bits in any::<u64>()) {
            let d = f64::from_bits(bits);
            prop_assume!(!d.is_nan());
            prop_assert_eq!(parse_f64(text(d).as_bytes()).unwrap().to_bits(), bits);
        }

        #[test]
        fn short_decimals_too(n in -1_000_000_000i64..1_000_000_000, scale in 0i32..12) {
            let d: f64 = format!("{n}e-{scale}").parse().unwrap();
            prop_assert_eq!(parse_f64(text(d).as_bytes()).unwrap().to_bits(), d.to_bits());
        }

        #[test]
        fn nothing_panics(text in "[-+0-9a-fxpe.]{0,12}") {
            parse_f64(text.as_bytes());
        }
    }
}
