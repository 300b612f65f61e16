//! Requests by pattern: `HSET h:%k f:%e v:%v` is a request whose marked places are filled in for each one.
//!
//! | mark | is |
//! |---|---|
//! | `%k` | a key's number: of the key that is being loaded, else one by chance |
//! | `%e` | an element's number: of the element that is being loaded, else one by chance |
//! | `%n` | an element's number by chance, always |
//! | `%s` | a number that never comes again |
//! | `%c` | the keys' numbers in turn |
//! | `%d` | a score: a number by chance, as short as it is |
//! | `%v` | eight bytes by chance |
//! | `%x` `%y` | a longitude and a latitude |
//!
//! Numbers have eight digits, so that elements have the same length: `e:%e` is ten bytes.

use base::rng::Rng;
use std::io::Write;

/// How many there are of what is asked for by number.
#[derive(Clone, Copy)]
pub struct Sizes {
    pub keys: u64,
    /// Of each key.
    pub elements: u64,
}

/// What numbers are drawn from: the same for both servers, so that both are asked the same.
pub struct Source {
    pub rng: Rng,
    pub serial: u64,
}

impl Source {
    pub fn new(seed: u64) -> Self {
        Self { rng: Rng::new(seed), serial: 0 }
    }
}

enum Piece {
    Text(Vec<u8>),
    Mark(u8),
}

pub struct Template {
    words: Vec<Vec<Piece>>,
    sizes: Sizes,
}

impl Template {
    /// None if a mark is unknown.
    pub fn new(text: &str, sizes: Sizes) -> Option<Self> {
        let words = text.split_ascii_whitespace().map(pieces).collect::<Option<_>>()?;
        Some(Self { words, sizes })
    }

    /// Appends a request. `at` are the key and the element that are being loaded.
    pub fn push(&self, out: &mut Vec<u8>, source: &mut Source, at: Option<(u64, u64)>) {
        let serial = source.serial;
        source.serial += 1;
        let _ = write!(out, "*{}\r\n", self.words.len());
        for word in &self.words {
            let mut text = [0u8; 64];
            let mut rest = &mut text[..];
            for piece in word {
                let (rng, sizes) = (&mut source.rng, self.sizes);
                // A word that is too long for its place would be cut off: `pieces` refuses it.
                let _ = match piece {
                    Piece::Text(text) => rest.write_all(text),
                    Piece::Mark(b'k') => {
                        let n = at.map_or_else(|| rng.below(sizes.keys), |(key, _)| key);
                        write!(rest, "{n:08}")
                    }
                    Piece::Mark(b'e') => {
                        let n = at.map_or_else(|| rng.below(sizes.elements), |(_, element)| element);
                        write!(rest, "{n:08}")
                    }
                    Piece::Mark(b'n') => write!(rest, "{:08}", rng.below(sizes.elements)),
                    Piece::Mark(b's') => write!(rest, "{serial:08}"),
                    Piece::Mark(b'c') => write!(rest, "{:08}", serial % sizes.keys),
                    Piece::Mark(b'd') => write!(rest, "{}", rng.below(1_000_000)),
                    Piece::Mark(b'x') => write!(rest, "{:.6}", rng.unit() * 360.0 - 180.0),
                    Piece::Mark(b'y') => write!(rest, "{:.6}", rng.unit() * 170.0 - 85.0),
                    Piece::Mark(_) => {
                        let mut hex = [0; 8];
                        rng.fill_hex(&mut hex);
                        rest.write_all(&hex)
                    }
                };
            }
            let len = 64 - rest.len();
            let _ = write!(out, "${len}\r\n");
            out.extend_from_slice(&text[..len]);
            out.extend_from_slice(b"\r\n");
        }
    }
}

/// A mark becomes 20 bytes at most, and a word has room for 64.
const MARK_BYTES_MAX: usize = 20;
const WORD_BYTES_MAX: usize = 64;

fn pieces(word: &str) -> Option<Vec<Piece>> {
    let mut parts = word.split('%');
    let mut pieces = Vec::new();
    let mut longest = 0;
    let mut text = |part: &str, pieces: &mut Vec<Piece>| {
        longest += part.len();
        if !part.is_empty() {
            pieces.push(Piece::Text(part.as_bytes().to_vec()));
        }
        longest <= WORD_BYTES_MAX
    };
    let mut fits = text(parts.next()?, &mut pieces);
    let mut marks = 0;
    for part in parts {
        let mark = *part.as_bytes().first().filter(|mark| b"kenscdvxy".contains(mark))?;
        pieces.push(Piece::Mark(mark));
        marks += 1;
        fits = text(&part[1..], &mut pieces) && fits;
    }
    (fits && longest + marks * MARK_BYTES_MAX <= WORD_BYTES_MAX).then_some(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(text: &str, at: Option<(u64, u64)>) -> Option<String> {
        let template = Template::new(text, Sizes { keys: 3, elements: 1 })?;
        let mut out = Vec::new();
        template.push(&mut out, &mut Source { rng: Rng::new(1), serial: 7 }, at);
        Some(String::from_utf8(out).expect("is text").replace("\r\n", " "))
    }

    #[test]
    fn marks_are_filled_in() {
        let request = made("HSET h:%k f:%e %s", Some((12, 34)));
        assert_eq!(request.as_deref(), Some("*4 $4 HSET $10 h:00000012 $10 f:00000034 $8 00000007 "));
        assert_eq!(made("GET %c-%e", None).as_deref(), Some("*2 $3 GET $17 00000001-00000000 "));
        assert_eq!(made("GET %v", None).map(|text| text.len()), Some("*2 $3 GET $8 12345678 ".len()));
    }

    #[test]
    fn a_pattern_that_says_nothing_known_is_refused() {
        assert!(made("GET %", None).is_none());
        assert!(made("GET %q", None).is_none());
        assert!(made("GET %k%k%k%k", None).is_none());
    }
}
