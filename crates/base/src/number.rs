//! Numbers as text, exactly as Redis reads and prints them.
//!
//! Parsing is strict: the whole string or nothing. Integers have one spelling only (what [`push_i64`] prints), so
//! a string that parses as one can be stored as one and printed back unchanged. Floating point numbers are read as
//! C's `strtod` and `strtold` read them, without blanks and without NaN.

mod double;
mod float_text;
mod long_double;

pub use double::{F64Text, parse_f64, parse_f64_of_c, push_f64, push_f64_17};
pub use long_double::{LongDouble, push_double_human};

/// The longest text of an i64: `-9223372036854775808`.
pub const I64_TEXT_BYTES_MAX: usize = 20;

/// A decimal integer in its only spelling: no `+`, no leading zeros, no spaces, no `-0`.
#[inline]
pub fn parse_i64(text: &[u8]) -> Option<i64> {
    match text {
        [b'-', digits @ ..] => {
            let n = parse_u64(digits)?;
            (0 < n && n <= i64::MIN.unsigned_abs()).then(|| (n as i64).wrapping_neg())
        }
        digits => i64::try_from(parse_u64(digits)?).ok(),
    }
}

/// The same for unsigned numbers.
#[inline]
pub fn parse_u64(text: &[u8]) -> Option<u64> {
    match text {
        [b'0'] => Some(0),
        [b'1'..=b'9', ..] if text.len() <= 19 => {
            // Nineteen digits always fit.
            let mut n = 0u64;
            for &c in text {
                let digit = c.wrapping_sub(b'0');
                if 9 < digit {
                    return None;
                }
                n = n * 10 + u64::from(digit);
            }
            Some(n)
        }
        [head @ .., last @ b'0'..=b'9'] if text.len() == 20 => {
            parse_u64(head)?.checked_mul(10)?.checked_add(u64::from(last - b'0'))
        }
        _ => None,
    }
}

#[inline]
pub fn push_i64(out: &mut Vec<u8>, n: i64) {
    out.extend_from_slice(itoa::Buffer::new().format(n).as_bytes());
}

#[inline]
pub fn push_u64(out: &mut Vec<u8>, n: u64) {
    out.extend_from_slice(itoa::Buffer::new().format(n).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_have_one_spelling() {
        for (text, want) in [
            ("0", Some(0)),
            ("1", Some(1)),
            ("-1", Some(-1)),
            ("10", Some(10)),
            ("9223372036854775807", Some(i64::MAX)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("9223372036854775808", None),
            ("-9223372036854775809", None),
            ("18446744073709551615", None),
            ("99999999999999999999", None),
            ("100000000000000000000", None),
            ("-100000000000000000000", None),
            ("", None),
            ("-", None),
            ("-0", None),
            ("00", None),
            ("01", None),
            ("-01", None),
            ("+1", None),
            (" 1", None),
            ("1 ", None),
            ("1.0", None),
            ("1a", None),
            ("--1", None),
            ("0x1", None),
        ] {
            assert_eq!(parse_i64(text.as_bytes()), want, "{text:?}");
        }
    }

    #[test]
    fn unsigned_integers_end_at_two_to_the_64() {
        for (text, want) in [
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("09999999999999999999", None),
            ("1844674407370955161x", None),
            ("-1", None),
            ("", None),
        ] {
            assert_eq!(parse_u64(text.as_bytes()), want, "{text:?}");
        }
    }

    #[test]
    fn integers_print() {
        for n in [0, 1, -1, 10, i64::MAX, i64::MIN] {
            let mut out = b">".to_vec();
            push_i64(&mut out, n);
            assert_eq!(out, format!(">{n}").as_bytes());
            assert_eq!(parse_i64(&out[1..]), Some(n));
        }
    }
}
