//! The grammar of floating point numbers in text, as C reads them in its own locale.
//!
//! Sign, then decimal digits with a point and an exponent, or `0x` and hex digits with a point and a binary
//! exponent, or `inf`, `infinity`, in any case. NaN is none: Redis takes no NaN from anybody.

use rustc_apfloat::{Float, Round};

pub(super) struct FloatText<'a> {
    pub(super) negative: bool,
    pub(super) body: Body<'a>,
}

pub(super) enum Body<'a> {
    Infinity,
    /// Digits with a point and an exponent, without a sign.
    Decimal(Finite<'a>),
    Hex(Finite<'a>),
}

pub(super) struct Finite<'a> {
    pub(super) text: &'a str,
    /// With the point, if there is one.
    digits: &'a str,
    exponent: i32,
    pub(super) is_zero: bool,
}

/// Far beyond what any format here holds, whatever digits stand before.
const EXPONENT_MAX: i32 = 1_000_000_000;

pub(super) fn parse(text: &[u8]) -> Option<FloatText<'_>> {
    let text = str::from_utf8(text).ok()?;
    let negative = text.starts_with('-');
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let body = if unsigned.eq_ignore_ascii_case("inf") || unsigned.eq_ignore_ascii_case("infinity") {
        Body::Infinity
    } else if let Some(hex) = unsigned.strip_prefix("0x").or_else(|| unsigned.strip_prefix("0X")) {
        Body::Hex(finite(hex, u8::is_ascii_hexdigit, ['p', 'P'])?)
    } else {
        Body::Decimal(finite(unsigned, u8::is_ascii_digit, ['e', 'E'])?)
    };
    Some(FloatText { negative, body })
}

fn finite<'a>(text: &'a str, is_digit: fn(&u8) -> bool, mark: [char; 2]) -> Option<Finite<'a>> {
    let (digits, exponent) = match text.split_once(mark) {
        Some((digits, exponent)) => (digits, parse_exponent(exponent)?),
        None => (text, 0),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let mut all = whole.bytes().chain(fraction.bytes());
    if whole.len() + fraction.len() == 0 || !all.clone().all(|c| is_digit(&c)) {
        return None;
    }
    Some(Finite { text, digits, exponent, is_zero: all.all(|c| c == b'0') })
}

/// Any number of digits; what is beyond all sense is cut to a number that is, too.
fn parse_exponent(text: &str) -> Option<i32> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|c| c.is_ascii_digit()) {
        return None;
    }
    let size = digits
        .bytes()
        .fold(0i32, |n, c| n.saturating_mul(10).saturating_add(i32::from(c - b'0')).min(EXPONENT_MAX));
    Some(if text.starts_with('-') { -size } else { size })
}

impl Finite<'_> {
    /// The number as an integer and a power of ten, if the integer is short.
    pub(super) fn short(&self) -> Option<(u64, i32)> {
        let mut n = 0u64;
        let mut power = self.exponent;
        let mut behind_point = false;
        for c in self.digits.bytes() {
            if c == b'.' {
                behind_point = true;
                continue;
            }
            n = n.checked_mul(10)?.checked_add(u64::from(c - b'0'))?;
            power -= i32::from(behind_point);
        }
        Some((n, power))
    }

    /// The nearest number of the format `F`, ties to even; `None` where C reports a range error: the number is
    /// too great, or too small for anything but zero. `mark` is `e` or `p`, `prefix` empty or `0x`.
    pub(super) fn nearest<F: Float>(&self, prefix: &str, mark: char) -> Option<F> {
        if self.is_zero {
            return Some(F::ZERO);
        }
        let digits = self.digits.trim_start_matches('0').trim_end_matches('.');
        let point = digits.find('.').unwrap_or(digits.len()) as i64;
        // A number whose size is far outside the format is settled here, without arithmetic on huge powers.
        let size = point + i64::from(self.exponent) / if prefix.is_empty() { 1 } else { 4 };
        if 5_000 < size || size < -5_000 - digits.len() as i64 {
            return None;
        }
        let lead = if digits.starts_with('.') { "0" } else { "" };
        let text = format!("{prefix}{lead}{digits}{mark}{}", self.exponent);
        let number = F::from_str_r(&text, Round::NearestTiesToEven).ok()?.value;
        (number.is_finite() && !number.is_zero()).then_some(number)
    }
}
