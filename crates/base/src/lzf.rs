//! LZF, the compression of strings in RDB files: fast, and decoded by every Redis.
//!
//! A compressed string is a row of elements, each begun by a control byte:
//!
//! * `000LLLLL` and `L + 1` literal bytes;
//! * `LLLooooo oooooooo`, `L` in 1..=6: copy `L + 2` bytes from `o + 1` bytes back;
//! * `111ooooo LLLLLLLL oooooooo`: copy `L + 9` bytes from `o + 1` bytes back.
//!
//! A copy may overlap what it writes. The compressor looks back through a table with the last place of each hash
//! of three bytes; it never searches further.

const LITERALS_MAX: usize = 32;
const OFFSET_MAX: usize = 1 << 13;
const COPY_MIN: usize = 3;
const COPY_MAX: usize = 264;
/// Less is not worth a second representation; Redis's limit too.
const SAVED_BYTES_MIN: usize = 4;
/// The most that one byte of input can become: a copy of 264 bytes takes three.
const EXPANSION_MAX: usize = COPY_MAX / 3;

/// Appends the compressed form of `input`. False, and nothing appended, if that would not save a few bytes.
pub fn compress(input: &[u8], out: &mut Vec<u8>) -> bool {
    let start = out.len();
    let Some(room) = input.len().checked_sub(SAVED_BYTES_MIN) else { return false };
    if u32::MAX as usize <= input.len() {
        return false;
    }
    let mut seen = Seen::new(input.len());
    let (mut at, mut literals) = (0, 0);
    while at + COPY_MIN <= input.len() {
        let candidate = seen.swap(input, at);
        let Some(from) = candidate.filter(|&from| is_match(input, from, at)) else {
            at += 1;
            continue;
        };
        let len = match_len(input, from, at);
        push_literals(out, &input[literals..at]);
        push_copy(out, at - from, len);
        if start + room < out.len() {
            break;
        }
        // The last two places of a copy are worth remembering, the others cost more than they find.
        let end = at + len;
        for place in [end - 2, end - 1] {
            if at < place && place + COPY_MIN <= input.len() {
                seen.swap(input, place);
            }
        }
        (at, literals) = (end, end);
    }
    push_literals(out, &input[literals..]);
    let saves = out.len() <= start + room;
    if !saves {
        out.truncate(start);
    }
    saves
}

/// The string of `len` bytes that `input` stands for; `None` if it stands for none.
pub fn decompress(input: &[u8], len: usize) -> Option<Vec<u8>> {
    // What claims more than it can hold gets no memory.
    if input.len().saturating_mul(EXPANSION_MAX) < len {
        return None;
    }
    let mut out = Vec::with_capacity(len);
    let mut rest = input;
    while let [control, after @ ..] = rest {
        let control = usize::from(*control);
        if control < LITERALS_MAX {
            let (literals, after) = after.split_at_checked(control + 1)?;
            if len < out.len() + literals.len() {
                return None;
            }
            out.extend_from_slice(literals);
            rest = after;
            continue;
        }
        let (count, after) = match control >> 5 {
            7 => (usize::from(*after.first()?) + 9, &after[1..]),
            short => (short + 2, after),
        };
        let (low, after) = after.split_first()?;
        let back = ((control & 31) << 8 | usize::from(*low)) + 1;
        if out.len() < back || len < out.len() + count {
            return None;
        }
        copy_back(&mut out, back, count);
        rest = after;
    }
    (out.len() == len).then_some(out)
}

fn copy_back(out: &mut Vec<u8>, back: usize, count: usize) {
    let from = out.len() - back;
    if count <= back {
        return out.extend_from_within(from..from + count);
    }
    // An overlapping copy repeats the last `back` bytes.
    let end = out.len() + count;
    while out.len() < end {
        let piece = (out.len() - from).min(end - out.len());
        out.extend_from_within(from..from + piece);
    }
}

/// The last place of each hash of three bytes.
struct Seen {
    /// Places plus one; 0 is none.
    places: Vec<u32>,
    shift: u32,
}

impl Seen {
    fn new(input_len: usize) -> Self {
        let slots = input_len.next_power_of_two().clamp(1 << 6, 1 << 14);
        Self { places: vec![0; slots], shift: 32 - slots.trailing_zeros() }
    }

    /// Where these three bytes may have stood before; from now on they stand at `at`.
    #[inline]
    fn swap(&mut self, input: &[u8], at: usize) -> Option<usize> {
        let three = u32::from_le_bytes([input[at], input[at + 1], input[at + 2], 0]);
        let slot = (three.wrapping_mul(0x9e37_79b1) >> self.shift) as usize;
        let before = std::mem::replace(&mut self.places[slot], at as u32 + 1);
        (before as usize).checked_sub(1)
    }
}

#[inline]
fn is_match(input: &[u8], from: usize, at: usize) -> bool {
    at - from <= OFFSET_MAX && input[from..from + COPY_MIN] == input[at..at + COPY_MIN]
}

fn match_len(input: &[u8], from: usize, at: usize) -> usize {
    let len_max = COPY_MAX.min(input.len() - at);
    let (earlier, here) = (&input[from..][..len_max], &input[at..][..len_max]);
    earlier.iter().zip(here).take_while(|(a, b)| a == b).count()
}

fn push_literals(out: &mut Vec<u8>, literals: &[u8]) {
    for run in literals.chunks(LITERALS_MAX) {
        out.push(run.len() as u8 - 1);
        out.extend_from_slice(run);
    }
}

fn push_copy(out: &mut Vec<u8>, back: usize, len: usize) {
    assert!(0 < back && back <= OFFSET_MAX && COPY_MIN <= len && len <= COPY_MAX, "a copy has its bounds");
    let offset = back - 1;
    let (high, low) = ((offset >> 8) as u8, offset as u8);
    match len - 2 {
        short @ 1..=6 => out.extend_from_slice(&[(short as u8) << 5 | high, low]),
        long => out.extend_from_slice(&[7 << 5 | high, (long - 7) as u8, low]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn round(input: &[u8]) -> Option<usize> {
        let mut out = b"before".to_vec();
        if !compress(input, &mut out) {
            assert_eq!(out, b"before");
            return None;
        }
        let compressed = &out[6..];
        assert!(compressed.len() + SAVED_BYTES_MIN <= input.len());
        assert_eq!(decompress(compressed, input.len()).as_deref(), Some(input));
        Some(compressed.len())
    }

    #[test]
    fn ratios() {
        assert_eq!(round(b""), None);
        assert_eq!(round(b"abcd"), None);
        assert_eq!(round(b"no repetition here: 0123456789"), None);
        assert!(round(&[b'a'; 21]).unwrap() <= 6);
        assert!(round(&[b'a'; 100_000]).unwrap() < 1200);
        let json = r#"{"id":12345,"name":"someone","mail":"someone@example.com"},"#.repeat(100);
        assert!(round(json.as_bytes()).unwrap() * 10 < json.len());
        let far = [vec![b'x'; 20], (0..9000u32).map(|i| (i * i) as u8).collect(), vec![b'x'; 20]].concat();
        round(&far);
    }

    #[test]
    fn what_redis_wrote_is_read() {
        // 30 times `a`, as DUMP of Redis 7.0 has it.
        assert_eq!(decompress(b"\x01aa\xe0\x11\x00\x01aa", 30), Some(vec![b'a'; 30]));
    }

    #[test]
    fn broken_input_is_refused() {
        for (input, len) in [
            (&b""[..], 1),
            (b"\x00", 1),
            (b"\x01a", 2),
            (b"\x00a", 2),
            (b"\x00ab", 1),
            (b"\x20\x00", 3),
            (b"\x00a\x20\x01", 4),
            (b"\x00a\x20", 4),
            (b"\x00a\xe0\x00", 10),
            (b"\x00a\xe0", 10),
            (b"\x00a\x20\x00", 3),
            (b"\x00a\x20\x00", 5),
            (b"\x00a", usize::MAX),
        ] {
            assert_eq!(decompress(input, len), None, "{input:?} as {len} bytes");
        }
        assert_eq!(decompress(b"", 0), Some(vec![]));
        assert_eq!(decompress(b"\x00a\x20\x00", 4), Some(b"aaaa".to_vec()));
    }

    proptest! {
        #[test]
        fn any_bytes_survive(input in proptest::collection::vec(0u8..4, 0..2000)) {
            round(&input);
        }

        #[test]
        fn runs_survive(runs in proptest::collection::vec((any::<u8>(), 1usize..600), 0..60)) {
            round(&runs.iter().flat_map(|&(byte, len)| vec![byte; len]).collect::<Vec<_>>());
        }

        #[test]
        fn nothing_panics(input in proptest::collection::vec(any::<u8>(), 0..300), len in 0usize..3000) {
            decompress(&input, len);
        }
    }
}
