//! Redis's glob patterns, as in KEYS, SCAN MATCH, PSUBSCRIBE, CONFIG GET and ACL key patterns.
//!
//! `*` any bytes, `?` one byte, `[a-z]` a class, `[^a-z]` its complement, `\x` the byte x itself. Bytes, not
//! characters. What is odd is odd in Redis too and kept: a reversed range is turned round, a class that does not
//! end takes the rest of the pattern, a lone `\` at the end stands for itself, and `]` right after `[` closes an
//! empty class, which nothing matches.
//!
//! Time is at most pattern × text: only the last `*` is ever tried again, since what an earlier one could still
//! give, the later one can take too. There is no recursion.

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Case {
    Sensitive,
    Insensitive,
}

pub fn matches(pattern: &[u8], text: &[u8], case: Case) -> bool {
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
    let byte = fold(byte);
    let negated = pattern.get(1) == Some(&b'^');
    let mut at = if negated { 2 } else { 1 };
    let mut found = false;
    loop {
        match pattern[at..] {
            // Not closed: as if it were closed behind the last byte.
            [] => break,
            [b'\\', escaped, ..] => {
                found |= fold(escaped) == byte;
                at += 2;
            }
            [b']', ..] => {
                at += 1;
                break;
            }
            [from, b'-', to, ..] => {
                let (from, to) = (fold(from), fold(to));
                found |= from.min(to) <= byte && byte <= from.max(to);
                at += 3;
            }
            [literal, ..] => {
                found |= fold(literal) == byte;
                at += 1;
            }
        }
    }
    (found != negated).then_some(at)
}
