//! What the allocator takes for a block of memory, for figures shown to people.
//!
//! The classes are mimalloc's (version 2): pairs of words up to 64 bytes, then four classes to each power of two, and
//! whole pages for what is larger than all of them. Nothing depends on them but MEMORY USAGE.

const WORD_BYTES: usize = size_of::<usize>();
/// Up to here classes are so many bytes apart.
const FINE_BYTES_MAX: usize = 8 * WORD_BYTES;
/// Beyond, blocks are of whole pages.
const CLASS_BYTES_MAX: usize = 16 * 1024 * 1024;
const PAGE_BYTES: usize = 64 * 1024;

/// Bytes that a block of `bytes` takes.
pub fn block_bytes(bytes: usize) -> usize {
    match bytes {
        0 => 0,
        1..=WORD_BYTES => WORD_BYTES,
        _ if bytes <= FINE_BYTES_MAX => bytes.next_multiple_of(2 * WORD_BYTES),
        _ if bytes <= CLASS_BYTES_MAX => {
            let step = ((bytes - 1).ilog2()) - 2;
            bytes.next_multiple_of(1 << step)
        }
        _ => bytes.checked_next_multiple_of(PAGE_BYTES).unwrap_or(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes() {
        let classes =
            [1, 8, 9, 16, 17, 64, 65, 80, 81, 96, 97, 128, 129, 160, 161, 1000, 1024, 1025].map(block_bytes);
        assert_eq!(
            classes,
            [8, 8, 16, 16, 32, 64, 80, 80, 96, 96, 112, 128, 160, 160, 192, 1024, 1024, 1280]
        );
        assert_eq!((block_bytes(0), block_bytes(CLASS_BYTES_MAX)), (0, CLASS_BYTES_MAX));
        assert_eq!(block_bytes(CLASS_BYTES_MAX + 1), CLASS_BYTES_MAX + PAGE_BYTES);
    }

    #[test]
    fn a_block_takes_what_was_asked_and_at_most_a_quarter_more() {
        for bytes in (1..100_000).chain([1 << 20, (1 << 20) + 1, 12_345_678, usize::MAX]) {
            let taken = block_bytes(bytes);
            assert!(bytes <= taken && taken <= bytes.saturating_add(bytes / 4 + 16), "{bytes}");
        }
    }
}
