//! A page of a large hash or set: up to 64 fields as plain bytes in one shared block.
//!
//! ```text
//! header │ a tag for each slot │ a word for each slot │ entries, one behind the other │ free
//! ```
//! A tag is the lowest byte of the field's hash, compared eight at a time. A word says where the entry begins, in
//! its two highest bits whether it expires and whether it lies outside. An entry is its lengths, its expiry if it
//! has one, key and value. What is longer than [`INLINE_BYTES_MAX`] lies outside in a block of its own, which
//! copies of the page share.
//!
//! The block's size is one that allocators have, so that what they would round up is room for the next fields.
//! Words are 16 bits wide; only where a page could not be split, since its keys share 48 bits of their hashes, it
//! becomes a wide one, with words of 32 bits.

use super::Field;
use crate::outside::{Outside, allocation_bytes, zeroed};
use crate::trie::{ARC_BYTES, Leaf, NEVER, Room};
use std::sync::Arc;

/// Longer entries lie outside of the page: copying a page must stay cheap.
const INLINE_BYTES_MAX: usize = 256;
const SLOTS_MAX: usize = 64;
/// Entries' bytes that a page may have before it is split.
const ENTRIES_BYTES_MAX: usize = 4096;
/// Pages with at most so many fields and bytes together are merged.
const MERGE_COUNT_MAX: usize = 24;
const MERGE_BYTES_MAX: usize = ENTRIES_BYTES_MAX / 2;
/// At least so many slots, so that eight tags can be read from any multiple of eight.
const SLOTS_MIN: usize = 4;

const HEADER_BYTES: usize = 16;
const USED_AT: usize = 0;
const COUNT_AT: usize = 4;
const SLOTS_AT: usize = 8;
const VOLATILE_AT: usize = 12;
/// In the word of the slots: the page has wide words, and its entries have values.
const WIDE: u32 = 1 << 31;
const PAIRS: u32 = 1 << 30;

/// In a slot's word, from the top.
const EXPIRES: u32 = 2;
const OUTSIDE: u32 = 1;
const EXPIRY_BYTES: usize = 8;

#[derive(Clone)]
pub(crate) struct Page {
    bytes: Arc<[u8]>,
    /// Entries that are too long for the page: length of the key, key, value.
    outside: Outside,
}

/// A slot's word.
#[derive(Clone, Copy)]
struct Word {
    flags: u32,
    at: usize,
}

impl Page {
    pub(crate) fn new(has_values: bool) -> Self {
        let mut page = Self { bytes: zeroed(64 - ARC_BYTES), outside: Outside::default() };
        let shape = SLOTS_MIN as u32 | if has_values { PAIRS } else { 0 };
        page.set_u32(SLOTS_AT, shape);
        page
    }

    #[inline]
    fn u32(&self, at: usize) -> u32 {
        u32::from_le_bytes(self.bytes[at..][..4].try_into().expect("four bytes"))
    }

    fn set_u32(&mut self, at: usize, n: u32) {
        Arc::make_mut(&mut self.bytes)[at..][..4].copy_from_slice(&n.to_le_bytes());
    }

    #[inline]
    fn slots(&self) -> usize {
        (self.u32(SLOTS_AT) & !(WIDE | PAIRS)) as usize
    }

    #[inline]
    fn word_bytes(&self) -> usize {
        if self.u32(SLOTS_AT) & WIDE == 0 { 2 } else { 4 }
    }

    fn has_values(&self) -> bool {
        self.u32(SLOTS_AT) & PAIRS != 0
    }

    #[inline]
    fn used(&self) -> usize {
        self.u32(USED_AT) as usize
    }

    /// Where the entries begin.
    #[inline]
    fn entries_at(&self) -> usize {
        HEADER_BYTES + self.slots() * (1 + self.word_bytes())
    }

    #[inline]
    fn word(&self, i: usize) -> Word {
        let words = HEADER_BYTES + self.slots();
        if self.word_bytes() == 2 {
            let at = words + 2 * i;
            let word = u16::from_le_bytes(self.bytes[at..][..2].try_into().expect("two bytes"));
            return Word { flags: u32::from(word >> 14), at: usize::from(word & 0x3fff) };
        }
        let word = self.u32(words + 4 * i);
        Word { flags: word >> 30, at: (word & 0x3fff_ffff) as usize }
    }

    fn set_word(&mut self, i: usize, word: Word) {
        let words = HEADER_BYTES + self.slots();
        if self.word_bytes() == 2 {
            assert!(word.at < 1 << 14, "a narrow word reaches the whole page");
            let packed = (word.flags as u16) << 14 | word.at as u16;
            Arc::make_mut(&mut self.bytes)[words + 2 * i..][..2].copy_from_slice(&packed.to_le_bytes());
        } else {
            assert!(word.at < 1 << 30, "a wide word reaches the whole page");
            self.set_u32(words + 4 * i, word.flags << 30 | word.at as u32);
        }
    }

    /// The slot of the field with this key.
    #[inline]
    pub(crate) fn find(&self, tag: u8, key: &[u8]) -> Option<usize> {
        const LOWS: u64 = 0x0101_0101_0101_0101;
        let count = self.count();
        let pattern = u64::from(tag) * LOWS;
        for eight in (0..count).step_by(8) {
            let tags: [u8; 8] = self.bytes[HEADER_BYTES + eight..][..8].try_into().expect("eight bytes");
            let differences = u64::from_le_bytes(tags) ^ pattern;
            // The highest bit of each byte that is zero, and perhaps of some that follow one.
            let mut hits = differences.wrapping_sub(LOWS) & !differences & (LOWS << 7);
            while hits != 0 {
                let i = eight + hits.trailing_zeros() as usize / 8;
                if i < count && self.key(i) == key {
                    return Some(i);
                }
                hits &= hits - 1;
            }
        }
        None
    }

    #[inline]
    fn key(&self, i: usize) -> &[u8] {
        self.field(i).key
    }

    #[inline]
    pub(crate) fn field(&self, i: usize) -> Field<'_> {
        let word = self.word(i);
        let entry = &self.bytes[self.entries_at() + word.at..];
        let lengths = self.lengths_bytes(word);
        let (expiry, body) = if word.flags & EXPIRES == 0 {
            (None, &entry[lengths..])
        } else {
            let (expiry, body) = entry[lengths..].split_at(EXPIRY_BYTES);
            (Some(i64::from_le_bytes(expiry.try_into().expect("eight bytes"))), body)
        };
        if word.flags & OUTSIDE != 0 {
            let (key, value) = self.outside_pair(self.outside_index(entry));
            return Field { key, value, expiry };
        }
        let (key, rest) = body.split_at(usize::from(entry[0]));
        let value = if self.has_values() { &rest[..usize::from(entry[1])] } else { &[] };
        Field { key, value, expiry }
    }

    fn outside_index(&self, entry: &[u8]) -> usize {
        u32::from_le_bytes(entry[..4].try_into().expect("four bytes")) as usize
    }

    fn outside_pair(&self, index: usize) -> (&[u8], &[u8]) {
        let (length, pair) = self.outside.get(index).split_at(4);
        pair.split_at(u32::from_le_bytes(length.try_into().expect("four bytes")) as usize)
    }

    /// The bytes of an entry before its expiry.
    #[inline]
    fn lengths_bytes(&self, word: Word) -> usize {
        match word.flags & OUTSIDE {
            0 => 1 + usize::from(self.has_values()),
            _ => 4,
        }
    }

    fn entry_bytes(&self, i: usize) -> usize {
        let word = self.word(i);
        let entry = &self.bytes[self.entries_at() + word.at..];
        let expiry = if word.flags & EXPIRES == 0 { 0 } else { EXPIRY_BYTES };
        let pair = match word.flags & OUTSIDE {
            0 if self.has_values() => usize::from(entry[0]) + usize::from(entry[1]),
            0 => usize::from(entry[0]),
            _ => 0,
        };
        self.lengths_bytes(word) + expiry + pair
    }

    /// Adds a field that is not there; false if the page should be split first.
    pub(crate) fn push(&mut self, tag: u8, field: Field<'_>, room: Room) -> bool {
        let is_long = 255 < field.key.len()
            || 255 < field.value.len()
            || INLINE_BYTES_MAX < field.key.len() + field.value.len();
        let block = || {
            let length = u32::try_from(field.key.len()).expect("a string has at most 512 MiB");
            [&length.to_le_bytes()[..], field.key, field.value].concat().into()
        };
        self.push_with(tag, field, is_long.then_some(&block), room)
    }

    /// The same for a field that lies outside if there is a block of it.
    fn push_with(
        &mut self,
        tag: u8,
        field: Field<'_>,
        block: Option<&dyn Fn() -> Arc<[u8]>>,
        room: Room,
    ) -> bool {
        let outside = block.is_some();
        let flags = if outside { OUTSIDE } else { 0 } | if field.expiry.is_some() { EXPIRES } else { 0 };
        let lengths = self.lengths_bytes(Word { flags, at: 0 });
        let expiry = if field.expiry.is_some() { EXPIRY_BYTES } else { 0 };
        let pair = if outside { 0 } else { field.key.len() + field.value.len() };
        let bytes = lengths + expiry + pair;
        let (count, used) = (self.count(), self.used());
        if (SLOTS_MAX <= count || ENTRIES_BYTES_MAX < used + bytes) && room == Room::Split {
            return false;
        }
        if self.slots() == count || self.bytes.len() < self.entries_at() + used + bytes {
            self.reshape(count + 1, used + bytes);
        }
        let at = self.entries_at() + used;
        let index = block.map_or(0, |block| self.outside.push(block()));
        let has_values = self.has_values();
        let page = Arc::make_mut(&mut self.bytes);
        page[HEADER_BYTES + count] = tag;
        let (entry, _) = page[at..].split_at_mut(bytes);
        if let Some(time) = field.expiry {
            entry[lengths..][..EXPIRY_BYTES].copy_from_slice(&time.to_le_bytes());
        }
        if outside {
            entry[..4].copy_from_slice(&index.to_le_bytes());
        } else {
            entry[0] = field.key.len() as u8;
            let body = &mut entry[lengths + expiry..];
            body[..field.key.len()].copy_from_slice(field.key);
            if has_values {
                body[field.key.len()..].copy_from_slice(field.value);
                entry[1] = field.value.len() as u8;
            }
        }
        self.set_word(count, Word { flags, at: used });
        self.set_u32(COUNT_AT, count as u32 + 1);
        self.set_u32(USED_AT, (used + bytes) as u32);
        self.set_u32(VOLATILE_AT, self.u32(VOLATILE_AT) + u32::from(field.expiry.is_some()));
        true
    }

    /// Gives the field another value or expiry; false if the page should be split first.
    pub(crate) fn replace(&mut self, i: usize, value: &[u8], expiry: Option<i64>, room: Room) -> bool {
        let word = self.word(i);
        let old = self.field(i);
        if word.flags & OUTSIDE == 0
            && old.value.len() == value.len()
            && old.expiry.is_some() == expiry.is_some()
        {
            let (lengths, key) = (self.lengths_bytes(word), old.key.len());
            let at = self.entries_at() + word.at + lengths;
            let entry = &mut Arc::make_mut(&mut self.bytes)[at..];
            let body = match expiry {
                None => entry,
                Some(time) => {
                    entry[..EXPIRY_BYTES].copy_from_slice(&time.to_le_bytes());
                    &mut entry[EXPIRY_BYTES..]
                }
            };
            body[key..][..value.len()].copy_from_slice(value);
            return true;
        }
        let (tag, key, bytes) = (self.bytes[HEADER_BYTES + i], old.key.to_vec(), self.entry_bytes(i));
        let field = Field { key: &key, value, expiry };
        // As if it were new. It may need a split; then it must still be there.
        let longest = 2 + EXPIRY_BYTES + INLINE_BYTES_MAX;
        if ENTRIES_BYTES_MAX < self.used() - bytes + longest && 1 < self.count() && room == Room::Split {
            return false;
        }
        self.take_out(i);
        self.push(tag, field, Room::Last)
    }

    pub(crate) fn remove(&mut self, i: usize) {
        self.take_out(i);
        let needed = self.entries_at() - self.slots() * (1 + self.word_bytes())
            + self.count() * (1 + self.word_bytes())
            + self.used();
        if ARC_BYTES + needed < allocation_bytes(ARC_BYTES + self.bytes.len()) / 4 * 3 - 32 {
            self.reshape(self.count(), self.used());
        }
    }

    fn take_out(&mut self, i: usize) {
        let (word, bytes, count, used) = (self.word(i), self.entry_bytes(i), self.count(), self.used());
        let entries = self.entries_at();
        if word.flags & OUTSIDE != 0 {
            self.take_outside(self.outside_index(&self.bytes[entries + word.at..]));
        }
        let last = count - 1;
        let last_word = self.word(last);
        let page = Arc::make_mut(&mut self.bytes);
        page.copy_within(entries + word.at + bytes..entries + used, entries + word.at);
        page[HEADER_BYTES + i] = page[HEADER_BYTES + last];
        self.set_word(i, last_word);
        for other in 0..last {
            let moved = self.word(other);
            if word.at < moved.at {
                self.set_word(other, Word { at: moved.at - bytes, ..moved });
            }
        }
        self.set_u32(COUNT_AT, last as u32);
        self.set_u32(USED_AT, (used - bytes) as u32);
        self.set_u32(VOLATILE_AT, self.u32(VOLATILE_AT) - u32::from(word.flags & EXPIRES != 0));
    }

    /// Removes a block that lies outside. The last one takes its place.
    fn take_outside(&mut self, index: usize) {
        let Some(moved) = self.outside.remove(index) else { return };
        let entries = self.entries_at();
        for i in 0..self.count() {
            let word = self.word(i);
            let at = entries + word.at;
            if word.flags & OUTSIDE != 0 && self.outside_index(&self.bytes[at..]) == moved {
                self.set_u32(at, index as u32);
            }
        }
    }

    /// Builds the page anew with room for so many slots and bytes of entries, and for what the block's size gives.
    fn reshape(&mut self, slots: usize, entries_bytes: usize) {
        let (count, used) = (self.count(), self.used());
        let old_word_bytes = self.word_bytes();
        let is_wide = old_word_bytes == 4 || 1 << 14 <= entries_bytes;
        let word_bytes = if is_wide { 4 } else { 2 };
        let slots = slots.max(SLOTS_MIN);
        let needed = HEADER_BYTES + slots * (1 + word_bytes) + entries_bytes;
        let bytes = allocation_bytes(ARC_BYTES + needed) - ARC_BYTES;
        let each = entries_bytes.div_ceil(slots) + 1 + word_bytes;
        let more = if is_wide { usize::MAX } else { SLOTS_MAX.saturating_sub(slots) };
        let slots = slots + more.min((bytes - needed) / each);
        let mut new = Self { bytes: zeroed(bytes), outside: std::mem::take(&mut self.outside) };
        let page = Arc::make_mut(&mut new.bytes);
        page[..HEADER_BYTES].copy_from_slice(&self.bytes[..HEADER_BYTES]);
        page[HEADER_BYTES..][..count].copy_from_slice(&self.bytes[HEADER_BYTES..][..count]);
        let (from, to) = (self.entries_at(), HEADER_BYTES + slots * (1 + word_bytes));
        page[to..][..used].copy_from_slice(&self.bytes[from..][..used]);
        let flags = self.u32(SLOTS_AT) & PAIRS | if is_wide { WIDE } else { 0 };
        new.set_u32(SLOTS_AT, slots as u32 | flags);
        if word_bytes == old_word_bytes {
            let words = HEADER_BYTES + self.slots();
            Arc::make_mut(&mut new.bytes)[HEADER_BYTES + slots..][..count * word_bytes]
                .copy_from_slice(&self.bytes[words..][..count * word_bytes]);
        } else {
            (0..count).for_each(|i| new.set_word(i, self.word(i)));
        }
        *self = new;
    }

    pub(crate) fn fields(&self) -> impl ExactSizeIterator<Item = Field<'_>> {
        (0..self.count()).map(|i| self.field(i))
    }

    pub(crate) fn volatile_count(&self) -> usize {
        self.u32(VOLATILE_AT) as usize
    }

    /// Adds a field of another page; a block that lies outside is shared.
    fn push_from(&mut self, other: &Self, i: usize) {
        let word = other.word(i);
        let block = || other.outside.share(other.outside_index(&other.bytes[other.entries_at() + word.at..]));
        let is_outside = word.flags & OUTSIDE != 0;
        self.push_with(
            other.bytes[HEADER_BYTES + i],
            other.field(i),
            is_outside.then_some(&block),
            Room::Last,
        );
    }
}

impl Leaf for Page {
    type Context = super::Hashing;

    fn empty(context: &Self::Context) -> Self {
        Self::new(context.has_values)
    }

    #[inline]
    fn count(&self) -> usize {
        self.u32(COUNT_AT) as usize
    }

    #[inline]
    fn earliest(&self) -> i64 {
        if self.volatile_count() == 0 {
            return NEVER;
        }
        self.fields().filter_map(|field| field.expiry).min().unwrap_or(NEVER)
    }

    fn bytes(&self) -> usize {
        ARC_BYTES + self.bytes.len() + self.outside.bytes()
    }

    fn split(&self, context: &Self::Context, bit: u32) -> [Self; 2] {
        let mut halves = [Self::new(self.has_values()), Self::new(self.has_values())];
        let sides: Vec<usize> =
            self.fields().map(|field| (context.hash(field.key) >> bit & 1) as usize).collect();
        for (side, half) in halves.iter_mut().enumerate() {
            let own = || (0..sides.len()).filter(|&i| sides[i] == side);
            half.reshape(own().count(), own().map(|i| self.entry_bytes(i)).sum());
            own().for_each(|i| half.push_from(self, i));
        }
        halves
    }

    fn merge(&self, other: &Self) -> Option<Self> {
        let (count, used) = (self.count() + other.count(), self.used() + other.used());
        if MERGE_COUNT_MAX < count || MERGE_BYTES_MAX < used {
            return None;
        }
        let mut merged = self.clone();
        merged.reshape(count, used);
        (0..other.count()).for_each(|i| merged.push_from(other, i));
        Some(merged)
    }
}
