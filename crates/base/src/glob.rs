//! Redis's glob patterns, as in KEYS, SCAN MATCH, PSUBSCRIBE, CONFIG GET and ACL key patterns.
//!
//! `*` any bytes, `?` one byte, `[a-z]` a class, `[^a-z]` its complement, `\x` the byte x itself. Bytes, not
//! characters. What is odd is odd in Redis too and kept: a reversed range is turned round, a class that does not
//! end takes the rest of the pattern, a lone `\` at the end stands for itself, `]` right after `[` closes an empty
//! class, which nothing matches, and an empty text matches the empty pattern only, not `*` (KEYS and SCAN don't
//! ask here for a lone `*`). Escaped bytes in a class are compared with their case.
//!
//! Time is at most pattern × text: only the last `*` is ever tried again, since what an earlier one could still
//! give, the later one can take too. There is no recursion.

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Case {
    Sensitive,
    Insensitive,
}

pub fn matches(pattern: &[u8], text: &[u8], case: Case) -> bool {
    if text.is_empty() {
        return pattern.is_empty();
    }
    let (mut p, mut t) = (0, 0);
    // Where to go on if the part after the last `*` fails: the pattern behind the star, and the text one further.
    let mut retry: Option<(usize, usize)> = None;
    loop {
        let step = if p == pattern.len() {
            if t == text.len() { return true } else { None }
        } else if pattern[p] == b'*' {
            p += 1;
            if p == pattern.len() {
                return true;
            }
            retry = Some((p, t));
            continue;
        } else if t < text.len() {
            one(&pattern[p..], text[t], case)
        } else {
            // The text is used up, and a star can only use more of it.
            return false;
        };
        match step {
            Some(used) => {
                p += used;
                t += 1;
            }
            None => {
                let Some((behind_star, from)) = retry else { return false };
                p = behind_star;
                t = from + 1;
                retry = Some((p, t));
            }
        }
    }
}

/// Matches one byte by the element that `pattern` begins with: how much of the pattern that element is.
#[inline]
fn one(pattern: &[u8], byte: u8, case: Case) -> Option<usize> {
    let same = |a: u8, b: u8| if case == Case::Insensitive { a.eq_ignore_ascii_case(&b) } else { a == b };
    match pattern[0] {
        b'?' => Some(1),
        b'[' => class(pattern, byte, case),
        b'\\' if 1 < pattern.len() => same(pattern[1], byte).then_some(2),
        literal => same(literal, byte).then_some(1),
    }
}

/// A class, from its `[` on.
fn class(pattern: &[u8], byte: u8, case: Case) -> Option<usize> {
    let fold = |c: u8| if case == Case::Insensitive { c.to_ascii_lowercase() } else { c };
    let negated = pattern.get(1) == Some(&b'^');
    let mut at = if negated { 2 } else { 1 };
    let mut found = false;
    loop {
        match pattern[at..] {
            // Not closed: as if it were closed behind the last byte.
            [] => break,
            [b'\\', escaped, ..] => {
                found |= escaped == byte;
                at += 2;
            }
            [b']', ..] => {
                at += 1;
                break;
            }
            [from, b'-', to, ..] => {
                // Turned round first and folded then: [Z-a] without case is empty, as in Redis.
                let (from, to) = (fold(from.min(to)), fold(from.max(to)));
                found |= from <= fold(byte) && fold(byte) <= to;
                at += 3;
            }
            [literal, ..] => {
                found |= fold(literal) == fold(byte);
                at += 1;
            }
        }
    }
    (found != negated).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, yes: &[&str], no: &[&str]) {
        for (texts, want) in [(yes, true), (no, false)] {
            for text in texts {
                let got = matches(pattern.as_bytes(), text.as_bytes(), Case::Sensitive);
                assert_eq!(got, want, "{pattern:?} on {text:?}");
            }
        }
    }

    #[test]
    fn patterns() {
        check("", &[""], &["a"]);
        check("abc", &["abc"], &["", "ab", "abcd", "ABC"]);
        check("a?c", &["abc", "a?c"], &["ac", "abbc"]);
        check("*", &["a", "abc"], &[""]);
        check("a*", &["a", "abc"], &["", "ba"]);
        check("*a", &["a", "bba"], &["", "ab"]);
        check("a**", &["a", "ab"], &["b"]);
        check("*a*b*", &["ab", "xaxbx"], &["ba", "a", "b"]);
        check("a*?", &["ab", "abc"], &["a"]);
        check("h[ae]llo", &["hello", "hallo"], &["hillo", "hllo"]);
        check("h[^e]llo", &["hallo"], &["hello", "hllo"]);
        check("[a-c]x", &["ax", "bx", "cx"], &["dx", "-x"]);
        check("[c-a]x", &["ax", "bx", "cx"], &["dx"]);
        // A range up to `]`, in a class that does not end.
        check("[a-]", &["a", "]", "^"], &["-", "b"]);
        check("[-a]", &["a", "-"], &["b"]);
        check("[a-]]", &["a", "]", "^"], &["-", "b", "a]"]);
        check("[]a]", &[], &["a", "]", "]a]"]);
        check("[^]a]", &["xa]"], &["a", "x"]);
        check("[", &[], &["[", "a"]);
        check("[^", &["a", "["], &["", "ab"]);
        check("[ab", &["a", "b"], &["[", "ab", "[ab"]);
        check("[a-", &["a", "-"], &["b"]);
        check("[\\]]", &["]"], &["\\", "\\]"]);
        check("[\\", &["\\"], &["["]);
        check("[a\\-z]", &["a", "-", "z"], &["b", "\\"]);
        check("\\*", &["*"], &["a", "\\*"]);
        check("\\", &["\\"], &["a"]);
        check("a\\", &["a\\"], &["a"]);
        check("\\a\\?", &["a?"], &["ab"]);
        check("news.*.[0-9][0-9]", &["news.x.42", "news..42"], &["news.x.4", "news.42"]);
    }

    #[test]
    fn without_case() {
        for (pattern, text, want) in [
            ("maxMEMORY*", "MaxMemory-policy", true),
            ("[A-c]", "B", true),
            ("[A-C]", "b", true),
            ("[Z-a]", "z", false),
            ("[XY]", "x", true),
            ("[\\X]", "x", false),
            ("\\X", "x", true),
        ] {
            assert_eq!(
                matches(pattern.as_bytes(), text.as_bytes(), Case::Insensitive),
                want,
                "{pattern:?} on {text:?}"
            );
        }
    }

    #[test]
    fn any_bytes() {
        assert!(matches(b"[\x80-\xff]\0?", b"\xfe\0\xff", Case::Sensitive));
    }

    /// A matcher that tries every way for every star needs years for this one.
    #[test]
    fn many_stars_are_no_attack() {
        let text = [b'a'; 4096];
        let pattern = [b"a*".repeat(1500), b"b".to_vec()].concat();
        assert!(!matches(&pattern, &text, Case::Sensitive));
        assert!(matches(&b"a*".repeat(1500), &text, Case::Sensitive));
    }
}
