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
//! A page whose fields are all of one form, with keys of one length, values of one, and no expiry, is uniform: it says
//! the lengths once and needs no words. It becomes a usual one with the first field that differs.
//!
//! Words are 16 bits wide; only where a page could not be split, since its keys share 48 bits of their hashes, it
//! becomes a wide one, with words of 32 bits.

use super::Field;
use crate::outside::{Outside, allocation_bytes, zeroed};
use crate::trie::{ARC_BYTES, Leaf, NEVER, Room};
use std::sync::Arc;

/// Longer entries lie outside of the page: copying a page must stay cheap.
const INLINE_BYTES_MAX: usize = 1000;
const SLOTS_MAX: usize = 64;
/// Entries' bytes that a page may have before it is split.
const ENTRIES_BYTES_MAX: usize = 8192;
/// Pages with at most so many fields and bytes together are merged.
const MERGE_COUNT_MAX: usize = 24;
const MERGE_BYTES_MAX: usize = ENTRIES_BYTES_MAX / 2;
/// Lengths below this take one byte, longer ones two.
const SHORT_MAX: usize = 240;
/// At least so many slots, so that eight tags can be read from any multiple of eight.
const SLOTS_MIN: usize = 4;

const HEADER_BYTES: usize = 16;
const USED_AT: usize = 0;
const COUNT_AT: usize = 4;
const SLOTS_AT: usize = 8;
const VOLATILE_AT: usize = 12;
/// In the word of the slots: the page has wide words, its entries have values, all are of one form.
const WIDE: u32 = 1 << 31;
const PAIRS: u32 = 1 << 30;
const UNIFORM: u32 = 1 << 29;
/// Of a uniform page, in place of the count of those that expire: the lengths of its keys and values.
const LENGTHS_AT: usize = VOLATILE_AT;

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
    /// An empty page, uniform so far.
    pub(crate) fn new(has_values: bool) -> Self {
        Self::with_flags(UNIFORM | if has_values { PAIRS } else { 0 })
    }

    fn with_flags(flags: u32) -> Self {
        let mut page = Self { bytes: zeroed(64 - ARC_BYTES), outside: Outside::default() };
        page.open().set_u32(SLOTS_AT, SLOTS_MIN | flags as usize);
        page
    }

    #[inline]
    fn u32(&self, at: usize) -> u32 {
        u32::from_le_bytes(self.bytes[at..][..4].try_into().expect("four bytes"))
    }

    #[inline]
    fn slots(&self) -> usize {
        (self.u32(SLOTS_AT) & !(WIDE | PAIRS | UNIFORM)) as usize
    }

    #[inline]
    fn word_bytes(&self) -> usize {
        match self.u32(SLOTS_AT) & (WIDE | UNIFORM) {
            0 => 2,
            WIDE => 4,
            _ => 0,
        }
    }

    #[inline]
    pub(crate) fn is_uniform(&self) -> bool {
        self.u32(SLOTS_AT) & UNIFORM != 0
    }

    /// The frame of all fields of a uniform page.
    #[inline]
    fn uniform_frame(&self) -> Frame {
        let lengths = self.u32(LENGTHS_AT);
        Frame {
            is_outside: false,
            lengths: 0,
            expiry: 0,
            key: (lengths >> 16) as usize,
            value: (lengths & 0xffff) as usize,
        }
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
        if self.is_uniform() {
            return Word { flags: 0, at: i * self.uniform_frame().bytes() };
        }
        read_word(&self.bytes, HEADER_BYTES + self.slots(), self.word_bytes() == 4, i)
    }

    /// To write into, with where its words are.
    fn open(&mut self) -> Open<'_> {
        let (words, is_wide) = (HEADER_BYTES + self.slots(), self.word_bytes() == 4);
        Open { page: Arc::make_mut(&mut self.bytes), words, is_wide }
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
    pub(crate) fn key(&self, i: usize) -> &[u8] {
        let (entry, frame) = self.entry(i);
        match frame.is_outside {
            true => self.outside_pair(outside_index(entry)).0,
            false => &entry[frame.lengths + frame.expiry..][..frame.key],
        }
    }

    #[inline]
    pub(crate) fn field(&self, i: usize) -> Field<'_> {
        let (entry, frame) = self.entry(i);
        let (before, body) = entry.split_at(frame.lengths + frame.expiry);
        let expiry = before[frame.lengths..].try_into().ok().map(i64::from_le_bytes);
        if frame.is_outside {
            let (key, value) = self.outside_pair(outside_index(entry));
            return Field { key, value, expiry };
        }
        let (key, value) = body.split_at(frame.key);
        Field { key, value: &value[..frame.value], expiry }
    }

    /// The bytes from an entry on, and its frame.
    #[inline]
    fn entry(&self, i: usize) -> (&[u8], Frame) {
        let word = self.word(i);
        let entry = &self.bytes[self.entries_at() + word.at..];
        if self.is_uniform() {
            return (entry, self.uniform_frame());
        }
        let expiry = if word.flags & EXPIRES == 0 { 0 } else { EXPIRY_BYTES };
        if word.flags & OUTSIDE != 0 {
            return (entry, Frame { is_outside: true, lengths: 4, expiry, key: 0, value: 0 });
        }
        let (key, key_length) = length(entry);
        let (value, value_length) = if self.has_values() { length(&entry[key_length..]) } else { (0, 0) };
        (entry, Frame { is_outside: false, lengths: key_length + value_length, expiry, key, value })
    }

    /// The frame of a field to be written.
    fn frame(&self, field: &Field<'_>) -> Frame {
        let (key, value) = (field.key.len(), field.value.len());
        let expiry = if field.expiry.is_some() { EXPIRY_BYTES } else { 0 };
        if INLINE_BYTES_MAX < key + value {
            return Frame { is_outside: true, lengths: 4, expiry, key: 0, value: 0 };
        }
        let lengths = length_bytes(key) + if self.has_values() { length_bytes(value) } else { 0 };
        Frame { is_outside: false, lengths, expiry, key, value }
    }

    fn outside_pair(&self, index: usize) -> (&[u8], &[u8]) {
        let (length, pair) = self.outside.get(index).split_at(4);
        pair.split_at(u32::from_le_bytes(length.try_into().expect("four bytes")) as usize)
    }

    /// The frame that a field has in this page; none if the page is uniform and the field differs.
    fn fit(&self, frame: Frame) -> Option<Frame> {
        if !self.is_uniform() {
            return Some(frame);
        }
        let uniform = Frame { lengths: 0, ..frame };
        let is_first = self.count() == 0 && !frame.is_outside && frame.expiry == 0;
        (is_first || uniform == self.uniform_frame()).then_some(uniform)
    }

    /// Makes a uniform page a usual one.
    fn diversify(&mut self) {
        let mut usual = Self::with_flags(self.u32(SLOTS_AT) & PAIRS);
        let bytes = self.fields().map(|field| usual.frame(&field).bytes()).sum();
        usual.reshape(self.count(), bytes);
        (0..self.count()).for_each(|i| usual.push_from(self, i));
        *self = usual;
    }

    fn entry_bytes(&self, i: usize) -> usize {
        self.entry(i).1.bytes()
    }

    /// Adds a field that is not there; false if the page should be split first.
    pub(crate) fn push(&mut self, tag: u8, field: Field<'_>, room: Room) -> bool {
        let block = || {
            let length = u32::try_from(field.key.len()).expect("a string has at most 512 MiB");
            [&length.to_le_bytes()[..], field.key, field.value].concat().into()
        };
        self.push_with(tag, field, &block, room)
    }

    /// The same, with how to get the block of a field that lies outside.
    fn push_with(&mut self, tag: u8, field: Field<'_>, block: &dyn Fn() -> Arc<[u8]>, room: Room) -> bool {
        let usual = self.frame(&field);
        let frame = self.fit(usual).unwrap_or(usual);
        let (count, used, bytes) = (self.count(), self.used(), frame.bytes());
        if (SLOTS_MAX <= count || ENTRIES_BYTES_MAX < used + bytes) && room == Room::Split {
            return false;
        }
        if self.fit(usual).is_none() {
            self.diversify();
        }
        let used = self.used();
        if self.slots() == count || self.bytes.len() < self.entries_at() + used + bytes {
            self.reshape(count + 1, used + bytes);
        }
        let index = if frame.is_outside { self.outside.push(block()) } else { 0 };
        let (at, has_values, volatile) = (self.entries_at() + used, self.has_values(), self.volatile_count());
        let is_uniform = self.is_uniform();
        let mut open = self.open();
        open.page[HEADER_BYTES + count] = tag;
        open.set_u32(COUNT_AT, count + 1);
        open.set_u32(USED_AT, used + bytes);
        if is_uniform {
            open.set_u32(LENGTHS_AT, frame.key << 16 | frame.value);
        } else {
            open.set_word(count, Word { flags: frame.flags(), at: used });
            open.set_u32(VOLATILE_AT, volatile + usize::from(field.expiry.is_some()));
        }
        let entry = &mut open.page[at..][..bytes];
        if frame.is_outside {
            entry[..4].copy_from_slice(&index.to_le_bytes());
        } else if !is_uniform {
            let lengths = put_length(entry, frame.key);
            if has_values {
                put_length(&mut entry[lengths..], frame.value);
            }
        }
        let (expiry, body) = entry[frame.lengths..].split_at_mut(frame.expiry);
        if let Some(time) = field.expiry {
            expiry.copy_from_slice(&time.to_le_bytes());
        }
        if !frame.is_outside {
            let (key, value) = body.split_at_mut(frame.key);
            key.copy_from_slice(field.key);
            value.copy_from_slice(field.value);
        }
        true
    }

    /// Gives the field another value or expiry; false if the page should be split first.
    pub(crate) fn replace(&mut self, i: usize, value: &[u8], expiry: Option<i64>, room: Room) -> bool {
        let old = self.field(i);
        let (_, before) = self.entry(i);
        let usual = self.frame(&Field { value, expiry, ..old });
        let fitting = self.fit(usual);
        if fitting == Some(before) && !before.is_outside {
            let at = self.entries_at() + self.word(i).at + before.lengths;
            let entry = &mut Arc::make_mut(&mut self.bytes)[at..];
            if let Some(time) = expiry {
                entry[..EXPIRY_BYTES].copy_from_slice(&time.to_le_bytes());
            }
            entry[before.expiry + before.key..][..value.len()].copy_from_slice(value);
            return true;
        }
        let used = self.used() - before.bytes() + usual.bytes();
        if ENTRIES_BYTES_MAX < used && 1 < self.count() && room == Room::Split {
            return false;
        }
        // As if it were new. The room was looked at already.
        let (tag, key) = (self.bytes[HEADER_BYTES + i], old.key.to_vec());
        if fitting.is_none() {
            self.diversify();
        }
        self.take_out(i);
        self.push(tag, Field { key: &key, value, expiry }, Room::Last)
    }

    pub(crate) fn remove(&mut self, i: usize) {
        self.take_out(i);
        let needed = HEADER_BYTES + self.count() * (1 + self.word_bytes()) + self.used();
        if ARC_BYTES + needed + 32 < (ARC_BYTES + self.bytes.len()) / 4 * 3 {
            self.reshape(self.count(), self.used());
        }
    }

    fn take_out(&mut self, i: usize) {
        let (word, bytes, count, used) = (self.word(i), self.entry_bytes(i), self.count(), self.used());
        let (entries, volatile) = (self.entries_at(), self.volatile_count());
        if word.flags & OUTSIDE != 0 {
            self.take_outside(outside_index(&self.bytes[entries + word.at..]));
        }
        let last = count - 1;
        let is_uniform = self.is_uniform();
        let mut open = self.open();
        if is_uniform {
            // The last field takes its place.
            open.page[HEADER_BYTES + i] = open.page[HEADER_BYTES + last];
            open.page.copy_within(entries + last * bytes..entries + count * bytes, entries + i * bytes);
            open.set_u32(COUNT_AT, last);
            open.set_u32(USED_AT, used - bytes);
            return;
        }
        open.page.copy_within(entries + word.at + bytes..entries + used, entries + word.at);
        open.page[HEADER_BYTES + i] = open.page[HEADER_BYTES + last];
        let last_word = open.word(last);
        open.set_word(i, last_word);
        open.pull(last, word.at, bytes);
        open.set_u32(COUNT_AT, last);
        open.set_u32(USED_AT, used - bytes);
        open.set_u32(VOLATILE_AT, volatile - usize::from(word.flags & EXPIRES != 0));
    }

    /// Removes a block that lies outside. The last one takes its place.
    fn take_outside(&mut self, index: usize) {
        let Some(moved) = self.outside.remove(index) else { return };
        let entries = self.entries_at();
        for i in 0..self.count() {
            let word = self.word(i);
            let at = entries + word.at;
            if word.flags & OUTSIDE != 0 && outside_index(&self.bytes[at..]) == moved {
                self.open().set_u32(at, index);
            }
        }
    }

    /// Builds the page anew with room for so many slots and bytes of entries, and for what the block's size gives.
    fn reshape(&mut self, slots: usize, entries_bytes: usize) {
        let (count, used) = (self.count(), self.used());
        let old_word_bytes = self.word_bytes();
        let is_wide = !self.is_uniform() && (old_word_bytes == 4 || 1 << 14 <= entries_bytes);
        let word_bytes = match is_wide {
            true => 4,
            false if self.is_uniform() => 0,
            false => 2,
        };
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
        let flags = self.u32(SLOTS_AT) & (PAIRS | UNIFORM) | if is_wide { WIDE } else { 0 };
        new.open().set_u32(SLOTS_AT, slots | flags as usize);
        if word_bytes == old_word_bytes {
            let words = HEADER_BYTES + self.slots();
            Arc::make_mut(&mut new.bytes)[HEADER_BYTES + slots..][..count * word_bytes]
                .copy_from_slice(&self.bytes[words..][..count * word_bytes]);
        } else {
            let mut open = new.open();
            (0..count).for_each(|i| open.set_word(i, self.word(i)));
        }
        *self = new;
    }

    pub(crate) fn fields(&self) -> impl ExactSizeIterator<Item = Field<'_>> {
        (0..self.count()).map(|i| self.field(i))
    }

    pub(crate) fn volatile_count(&self) -> usize {
        if self.is_uniform() { 0 } else { self.u32(VOLATILE_AT) as usize }
    }

    /// Adds a field of another page; a block that lies outside is shared.
    fn push_from(&mut self, other: &Self, i: usize) {
        let block = || other.outside.share(outside_index(other.entry(i).0));
        self.push_with(other.bytes[HEADER_BYTES + i], other.field(i), &block, Room::Last);
    }
}

/// An entry's parts before its key, and their lengths. Of one that lies outside, its index stands for the lengths.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Frame {
    is_outside: bool,
    lengths: usize,
    expiry: usize,
    key: usize,
    value: usize,
}

impl Frame {
    #[inline]
    fn bytes(self) -> usize {
        self.lengths + self.expiry + self.key + self.value
    }

    fn flags(self) -> u32 {
        let expires = if 0 < self.expiry { EXPIRES } else { 0 };
        if self.is_outside { expires | OUTSIDE } else { expires }
    }
}

fn outside_index(entry: &[u8]) -> usize {
    u32::from_le_bytes(entry[..4].try_into().expect("four bytes")) as usize
}

fn length_bytes(length: usize) -> usize {
    if length < SHORT_MAX { 1 } else { 2 }
}

/// A length, and the bytes that it takes.
#[inline]
fn length(entry: &[u8]) -> (usize, usize) {
    match usize::from(entry[0]) {
        short if short < SHORT_MAX => (short, 1),
        long => (SHORT_MAX + ((long - SHORT_MAX) << 8 | usize::from(entry[1])), 2),
    }
}

fn put_length(entry: &mut [u8], length: usize) -> usize {
    if length < SHORT_MAX {
        entry[0] = length as u8;
        return 1;
    }
    let above = length - SHORT_MAX;
    entry[..2].copy_from_slice(&[(SHORT_MAX + (above >> 8)) as u8, above as u8]);
    2
}

#[inline]
fn read_word(page: &[u8], words: usize, is_wide: bool, i: usize) -> Word {
    if is_wide {
        let word = u32::from_le_bytes(page[words + 4 * i..][..4].try_into().expect("four bytes"));
        return Word { flags: word >> 30, at: (word & 0x3fff_ffff) as usize };
    }
    let word = u16::from_le_bytes(page[words + 2 * i..][..2].try_into().expect("two bytes"));
    Word { flags: u32::from(word >> 14), at: usize::from(word & 0x3fff) }
}

/// A page that is not shared, to write into.
struct Open<'a> {
    page: &'a mut [u8],
    words: usize,
    is_wide: bool,
}

impl Open<'_> {
    fn word(&self, i: usize) -> Word {
        read_word(self.page, self.words, self.is_wide, i)
    }

    fn set_word(&mut self, i: usize, word: Word) {
        if self.is_wide {
            assert!(word.at < 1 << 30, "a wide word reaches the whole page");
            self.set_u32(self.words + 4 * i, (word.flags << 30) as usize | word.at);
        } else {
            assert!(word.at < 1 << 14, "a narrow word reaches the whole page");
            let packed = (word.flags as u16) << 14 | word.at as u16;
            self.page[self.words + 2 * i..][..2].copy_from_slice(&packed.to_le_bytes());
        }
    }

    fn set_u32(&mut self, at: usize, n: usize) {
        let n = u32::try_from(n).expect("a page is small");
        self.page[at..][..4].copy_from_slice(&n.to_le_bytes());
    }

    /// Entries behind a place have moved down by so many bytes.
    fn pull(&mut self, count: usize, place: usize, bytes: usize) {
        for i in 0..count {
            let word = self.word(i);
            if place < word.at {
                self.set_word(i, Word { at: word.at - bytes, ..word });
            }
        }
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
            let mut frames = own().map(|i| self.entry(i).1);
            let first = frames.next();
            let is_uniform =
                first.is_none_or(|first| first.flags() == 0 && frames.all(|frame| frame == first));
            if !is_uniform {
                *half = Self::with_flags(self.u32(SLOTS_AT) & PAIRS);
            }
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
