//! Putting elements in order: by numbers or by texts, theirs or those of other keys.
//!
//! Sorted are small items, a weight and an index, never the elements. Of equal weights the one that came first comes
//! first, also in a falling order, as a stable sort of C does it.

use crate::value::Value;
use base::number::{parse_f64, parse_i64};
use ds::list::Direction;
use std::cmp::Ordering;
use std::ops::{ControlFlow, Range};

/// Where an element's text lies.
#[derive(Clone, Copy)]
pub(super) struct Span {
    at: usize,
    len: usize,
}

/// Elements as text, one behind the other.
#[derive(Default)]
pub(super) struct Elements {
    text: Vec<u8>,
    spans: Vec<Span>,
}

impl Elements {
    /// All of a list, a set or a sorted set, in the order that it has.
    pub(super) fn of(value: &Value) -> Self {
        let mut elements = Self::default();
        match value {
            Value::List(list) => list.for_each(|element| elements.push(element)),
            Value::Set(set) => set.for_each(|element| elements.push(element)),
            Value::SortedSet(set) => set.for_each(|element, _| elements.push(element)),
            _ => {}
        }
        elements
    }

    /// Those in a range of the order that the value has; of a list or a sorted set also of that order turned round.
    pub(super) fn of_range(value: &Value, range: Range<usize>, descending: bool) -> Self {
        use crate::value::Order;
        let mut elements = Self::default();
        match value {
            _ if range.is_empty() => {}
            Value::List(list) => {
                let (from, direction) = match descending {
                    true => (list.len() - 1 - range.start, Direction::Backward),
                    false => (range.start, Direction::Forward),
                };
                list.walk(from, direction, |element| {
                    elements.push(element);
                    if elements.spans.len() < range.len() {
                        ControlFlow::Continue(())
                    } else {
                        ControlFlow::Break(())
                    }
                });
            }
            Value::SortedSet(set) if descending => {
                let ranks = set.len() - range.end..set.len() - range.start;
                set.visit(ranks, Order::Falling, |element, _| elements.push(element));
            }
            Value::SortedSet(set) => set.visit(range, Order::Rising, |element, _| elements.push(element)),
            Value::Set(set) => {
                let mut place = 0;
                set.for_each(|element| {
                    if range.contains(&place) {
                        elements.push(element);
                    }
                    place += 1;
                });
            }
            _ => {}
        }
        elements
    }

    fn push(&mut self, element: ds::listpack::Value) {
        let at = self.text.len();
        element.push_to(&mut self.text);
        self.spans.push(Span { at, len: self.text.len() - at });
    }

    pub(super) fn spans(&self) -> Vec<Span> {
        self.spans.clone()
    }

    pub(super) fn get(&self, span: Span) -> &[u8] {
        text_at(&self.text, span)
    }

    fn nth(&self, index: usize) -> &[u8] {
        self.get(self.spans[index])
    }
}

fn text_at(text: &[u8], span: Span) -> &[u8] {
    &text[span.at..span.at + span.len]
}

/// What a text weighs: the number that C's `strtod` reads if it reads all of it, up to a zero byte, and finds it
/// neither too great nor too small for a double of full precision.
pub(super) fn weight(text: &[u8]) -> Option<f64> {
    if let Some(n) = parse_i64(text) {
        return Some(n as f64);
    }
    let text = until_zero(text);
    if text.is_empty() {
        return Some(0.0);
    }
    let blanks = text.iter().take_while(|c| matches!(c, b' ' | b'\t'..=b'\r')).count();
    parse_f64(&text[blanks..]).filter(|number| !number.is_subnormal())
}

fn until_zero(text: &[u8]) -> &[u8] {
    let end = text.iter().position(|&byte| byte == 0).unwrap_or(text.len());
    &text[..end]
}

pub(super) struct Order {
    pub(super) descending: bool,
    /// The same on every server: by bytes, and in no order that a set happens to have.
    pub(super) stored: bool,
    pub(super) is_set: bool,
    /// Turns a text into one whose bytes sort as the locale has it; none: by bytes as they are.
    pub(super) collation: Option<crate::engine::Collation>,
}

/// Whether a key by which an element is sorted was found.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Missing,
    There,
}

impl Order {
    /// The places of the elements in `range`; `None` if some weight is no number.
    pub(super) fn by_number(
        &self,
        elements: &Elements,
        range: Range<usize>,
        mut weigh: impl FnMut(&[u8]) -> Option<f64>,
    ) -> Option<Vec<Span>> {
        let indexed = elements.spans.iter().enumerate();
        let mut items: Vec<(f64, usize)> = indexed
            // Both zeros are equal.
            .map(|(index, &span)| Some((weigh(elements.get(span))? + 0.0, index)))
            .collect::<Option<_>>()?;
        pick(&mut items, range.clone(), |a, b| {
            let order = a.0.total_cmp(&b.0).then_with(|| elements.nth(a.1).cmp(elements.nth(b.1)));
            self.turned(order).then(a.1.cmp(&b.1))
        });
        Some(items[range].iter().map(|item| elements.spans[item.1]).collect())
    }

    /// The places of the elements in `range`, in the order of the elements.
    pub(super) fn by_text(&self, elements: &Elements, range: Range<usize>) -> Vec<Span> {
        if self.stored || (self.collation.is_none() && !elements.text.contains(&0)) {
            let keys: Vec<_> = elements.spans.iter().map(|span| (Key::There, *span)).collect();
            return self.by_keys(elements, range, &elements.text, &keys);
        }
        self.by_other_text(elements, range, |text, found| found(Some(text)))
    }

    /// The places of the elements in `range`, in the order of texts that `look` finds for them; those without come
    /// first.
    pub(super) fn by_other_text(
        &self,
        elements: &Elements,
        range: Range<usize>,
        mut look: impl FnMut(&[u8], &mut dyn FnMut(Option<&[u8]>)),
    ) -> Vec<Span> {
        let (mut arena, mut keys) = (Vec::new(), Vec::with_capacity(elements.spans.len()));
        for &span in &elements.spans {
            let at = arena.len();
            let mut key = Key::Missing;
            look(elements.get(span), &mut |found| {
                let Some(text) = found else { return };
                key = Key::There;
                match self.collation {
                    _ if self.stored => arena.extend_from_slice(text),
                    None => arena.extend_from_slice(until_zero(text)),
                    Some(collate) => collate(until_zero(text), &mut arena),
                }
            });
            keys.push((key, Span { at, len: arena.len() - at }));
        }
        self.by_keys(elements, range, &arena, &keys)
    }

    fn by_keys(
        &self,
        elements: &Elements,
        range: Range<usize>,
        arena: &[u8],
        keys: &[(Key, Span)],
    ) -> Vec<Span> {
        let item = |(index, &(key, span)): (usize, &(Key, Span))| (key, head(text_at(arena, span)), index);
        let mut items: Vec<(Key, u64, usize)> = keys.iter().enumerate().map(item).collect();
        pick(&mut items, range.clone(), |a, b| {
            let full = || text_at(arena, keys[a.2].1).cmp(text_at(arena, keys[b.2].1));
            let order = self.turned((a.0, a.1).cmp(&(b.0, b.1)).then_with(full));
            order.then_with(|| self.by_origin(elements, a.2, b.2))
        });
        items[range].iter().map(|item| elements.spans[item.2]).collect()
    }

    fn turned(&self, order: Ordering) -> Ordering {
        if self.descending { order.reverse() } else { order }
    }

    /// Which of two elements of equal weight came first. A set has an order of its own only as integers.
    fn by_origin(&self, elements: &Elements, a: usize, b: usize) -> Ordering {
        if !self.is_set {
            return a.cmp(&b);
        }
        let (a, b) = (elements.nth(a), elements.nth(b));
        let rank = |text| parse_i64(text).map_or((1, 0), |n| (0, n));
        rank(a).cmp(&rank(b)).then_with(|| a.cmp(b))
    }
}

/// The first bytes as a number of the same order.
fn head(text: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    let len = text.len().min(8);
    bytes[..len].copy_from_slice(&text[..len]);
    u64::from_be_bytes(bytes)
}

/// Puts the items of `range` where they would stand if all were sorted.
fn pick<T>(items: &mut [T], range: Range<usize>, mut compare: impl FnMut(&T, &T) -> Ordering) {
    if range.is_empty() {
        return;
    }
    if range.end < items.len() {
        items.select_nth_unstable_by(range.end, &mut compare);
    }
    if 0 < range.start {
        items[..range.end].select_nth_unstable_by(range.start, &mut compare);
    }
    items[range].sort_unstable_by(compare);
}
