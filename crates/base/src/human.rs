//! Sizes as people write them: `1.02M` in INFO, `100mb` in redis.conf.

const KIB: u64 = 1024;

/// As the `_human` fields of INFO: two digits behind the point, powers of 1024.
pub fn bytes(n: u64) -> String {
    let units = ["K", "M", "G", "T", "P"];
    let mut unit_bytes = KIB;
    if n < KIB {
        return format!("{n}B");
    }
    for unit in units {
        if n / KIB < unit_bytes {
            return format!("{:.2}{unit}", n as f64 / unit_bytes as f64);
        }
        unit_bytes *= KIB;
    }
    format!("{n}B")
}

/// A memory size of redis.conf: `k`, `m` and `g` are thousands, `kb`, `mb` and `gb` powers of 1024, in any case.
///
/// No digits at all mean 0, as in Redis; what does not fit 64 bits is refused, where Redis takes some other value.
pub fn parse_bytes(text: &[u8]) -> Option<u64> {
    let digits = text.iter().take_while(|c| c.is_ascii_digit()).count();
    let (digits, unit) = text.split_at(digits);
    let unit_bytes = match unit.to_ascii_lowercase().as_slice() {
        b"" | b"b" => 1,
        b"k" => 1000,
        b"kb" => KIB,
        b"m" => 1000 * 1000,
        b"mb" => KIB * KIB,
        b"g" => 1000 * 1000 * 1000,
        b"gb" => KIB * KIB * KIB,
        _ => return None,
    };
    let mut n = 0u64;
    for digit in digits {
        n = n.checked_mul(10)?.checked_add(u64::from(digit - b'0'))?;
    }
    n.checked_mul(unit_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_print() {
        for (n, want) in [
            (0, "0B"),
            (1023, "1023B"),
            (1024, "1.00K"),
            (1_071_000, "1.02M"),
            (1_048_575, "1024.00K"),
            (1_048_576, "1.00M"),
            (3 << 30, "3.00G"),
            (1 << 40, "1.00T"),
            (1 << 50, "1.00P"),
            ((1 << 60) - 1, "1024.00P"),
            (1 << 60, "1152921504606846976B"),
            (u64::MAX, "18446744073709551615B"),
        ] {
            assert_eq!(bytes(n), want);
        }
    }

    #[test]
    fn sizes_parse() {
        for (text, want) in [
            ("0", Some(0)),
            ("5B", Some(5)),
            ("1k", Some(1000)),
            ("1Kb", Some(1024)),
            ("1m", Some(1_000_000)),
            ("100MB", Some(104_857_600)),
            ("1G", Some(1_000_000_000)),
            ("1gB", Some(1 << 30)),
            ("01", Some(1)),
            ("", Some(0)),
            ("kb", Some(0)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("18446744073709551615kb", None),
            ("-1", None),
            ("+1", None),
            (" 1", None),
            ("1 kb", None),
            ("1.5gb", None),
            ("1tb", None),
            ("0x10", None),
        ] {
            assert_eq!(parse_bytes(text.as_bytes()), want, "{text:?}");
        }
    }
}
