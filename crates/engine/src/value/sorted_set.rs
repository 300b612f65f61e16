//! A sorted set: one listpack of members and scores, or a tree.
//!
//! What a command does to it is said in ranks: a range of scores or of members is first turned into the ranks that it
//! covers ([`SortedSet::count_before`]). A listpack becomes a tree when it grows too long or gets too long a member,
//! and no tree becomes a listpack again.

use super::Shapes;
use base::number::{F64Text, parse_f64};
use base::rng::Rng;
use ds::listpack::{Listpack, Place, Side, Text, Value, element_bytes};
use ds::sorted::{Edge, Insert, Sorted};
use std::ops::{ControlFlow, Range};

#[derive(Clone)]
pub enum SortedSet {
    /// Member, score, … in the set's order.
    Pack(Listpack),
    Tree(Box<Sorted>),
}

/// From which end elements are visited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    Rising,
    Falling,
}

const CHECKED: &str = "was looked at when it came in";

/// The score that stands in a listpack, if it is one.
pub fn score_of(value: Value) -> Option<f64> {
    match value {
        Value::Int(n) => Some(n as f64),
        Value::Str(text) => parse_f64(text),
    }
}

impl SortedSet {
    /// The set in the form that it has after loading.
    pub fn settled(tree: Sorted, shapes: &Shapes) -> Self {
        let fits = |member: &[u8]| member.len() <= shapes.sorted_value_bytes_max;
        if shapes.sorted_entries_max < tree.len() || !tree.iter().all(|(member, _)| fits(member)) {
            return Self::Tree(Box::new(tree));
        }
        let mut pack = Listpack::new();
        for (member, score) in tree.iter() {
            pack.append_all([member, packed(&mut F64Text::new(), score)]);
        }
        Self::Pack(pack)
    }

    /// An empty set in the form that a command gives it which is about to add so many members, the first of them so
    /// long.
    pub fn for_members(count: usize, first_bytes: usize, shapes: &Shapes) -> Self {
        if count <= shapes.sorted_entries_max && first_bytes <= shapes.sorted_value_bytes_max {
            return Self::Pack(Listpack::new());
        }
        Self::Tree(Box::new(Sorted::new(shapes.hasher.clone())))
    }

    /// Makes a tree of it.
    pub fn unpack(&mut self, shapes: &Shapes) {
        if let Self::Pack(_) = self {
            let mut tree = Sorted::new(shapes.hasher.clone());
            let mut text = Text::new();
            self.for_each(|member, score| _ = tree.insert(member.bytes(&mut text), score));
            *self = Self::Tree(Box::new(tree));
        }
    }

    pub fn score(&self, member: &[u8]) -> Option<f64> {
        match self {
            Self::Pack(pack) => Some(known_score(pack, find(pack, member)?)),
            Self::Tree(tree) => tree.score(member),
        }
    }

    /// How many elements lie before the member, and its score.
    pub fn rank(&self, member: &[u8]) -> Option<(usize, f64)> {
        match self {
            Self::Pack(_) => {
                let (mut rank, mut found, mut text) = (0, None, Text::new());
                self.for_each(|other, score| {
                    if found.is_none() && other.bytes(&mut text) == member {
                        found = Some((rank, score));
                    }
                    rank += 1;
                });
                found
            }
            Self::Tree(tree) => tree.rank(member),
        }
    }

    /// How many elements lie before an edge; of a listpack, those in front that do.
    pub fn count_before(&self, edge: Edge) -> usize {
        match self {
            Self::Pack(pack) => {
                let mut text = Text::new();
                pairs(pack)
                    .take_while(|(_, member, score)| lies_before(*member, *score, edge, &mut text))
                    .count()
            }
            Self::Tree(tree) => tree.count_before(edge),
        }
    }

    /// Gives the member this score, whether it was there or not.
    pub fn insert(&mut self, member: &[u8], score: f64, shapes: &Shapes) -> Insert {
        let pack = match self {
            Self::Tree(tree) => return tree.insert(member, score),
            Self::Pack(pack) => pack,
        };
        if let Some(place) = find(pack, member) {
            let old = known_score(pack, place);
            if old == score {
                return Insert::Unchanged;
            }
            pack.remove_run(place, 2);
            insert_packed(pack, member, score);
            return Insert::Rescored(old);
        }
        let fits = pack.len() / 2 < shapes.sorted_entries_max
            && member.len() <= shapes.sorted_value_bytes_max
            && pack.has_room(element_bytes(member) + F64Text::BYTES_MAX);
        if fits {
            insert_packed(pack, member, score);
            return Insert::Inserted;
        }
        self.unpack(shapes);
        self.insert(member, score, shapes)
    }

    /// Removes the member; whether it was there.
    pub fn remove(&mut self, member: &[u8]) -> bool {
        match self {
            Self::Pack(pack) => match find(pack, member) {
                Some(place) => {
                    pack.remove_run(place, 2);
                    true
                }
                None => false,
            },
            Self::Tree(tree) => tree.remove(member).is_some(),
        }
    }

    /// Removes the elements with these ranks.
    pub fn remove_ranks(&mut self, ranks: Range<usize>) {
        match self {
            Self::Pack(pack) => pack.remove_range(2 * ranks.start as i64, 2 * ranks.len()),
            Self::Tree(tree) => tree.remove_ranks(ranks, |_, _| ()),
        }
    }

    /// Visits the elements with these ranks, from the lowest on or from the highest.
    pub fn visit(&self, ranks: Range<usize>, order: Order, mut visit: impl FnMut(Value, f64)) {
        match (self, order) {
            (Self::Tree(tree), Order::Rising) => {
                tree.range(ranks).for_each(|(member, score)| visit(Value::Str(member), score));
            }
            (Self::Tree(tree), Order::Falling) => {
                tree.range(ranks).rev().for_each(|(member, score)| visit(Value::Str(member), score));
            }
            (Self::Pack(pack), Order::Rising) => {
                let Some(first) = pack.view().seek(2 * ranks.start as i64) else { return };
                let mut values = pack.view().iter_from(first);
                for _ in ranks {
                    let (Some(member), Some(score)) = (values.next(), values.next()) else { return };
                    visit(member, score_of(score).expect(CHECKED));
                }
            }
            (Self::Pack(pack), Order::Falling) => {
                let end = ranks.end.min(pack.len() / 2);
                let Some(last) = (2 * end).checked_sub(1).and_then(|i| pack.view().seek(i as i64)) else {
                    return;
                };
                let mut values = pack.view().iter_to(last);
                for _ in ranks.start..end {
                    let (Some(score), Some(member)) = (values.next_back(), values.next_back()) else {
                        return;
                    };
                    visit(member, score_of(score).expect(CHECKED));
                }
            }
        }
    }

    /// Visits the elements of each range of scores, range by range, until told to stop.
    pub fn visit_scores<'s>(
        &'s self,
        ranges: &[Range<f64>],
        mut visit: impl FnMut(Value<'s>, f64) -> ControlFlow<()>,
    ) {
        match self {
            Self::Pack(pack) => {
                let all: Vec<(Value, f64)> = pairs(pack).map(|(_, member, score)| (member, score)).collect();
                for range in ranges {
                    let first = all.partition_point(|(_, score)| *score < range.start);
                    let mut within = all[first..].iter().take_while(|(_, score)| *score < range.end);
                    if within.try_for_each(|&(member, score)| visit(member, score)).is_break() {
                        return;
                    }
                }
            }
            Self::Tree(tree) => {
                for range in ranges {
                    // Most ranges have few elements or none: to look for the end as well would cost as much again.
                    let first = tree.count_before(Edge::Score(range.start));
                    let mut within =
                        tree.range(first..tree.len()).take_while(|&(_, score)| score < range.end);
                    if within.try_for_each(|(member, score)| visit(Value::Str(member), score)).is_break() {
                        return;
                    }
                }
            }
        }
    }

    /// Visits one element by chance, each with the same probability.
    pub fn visit_random(&self, rng: &mut Rng, visit: impl FnMut(Value, f64)) {
        if !self.is_empty() {
            let rank = rng.below(self.len() as u64) as usize;
            self.visit(rank..rank + 1, Order::Rising, visit);
        }
    }

    pub fn len(&self) -> usize {
        match self {
            Self::Pack(pack) => pack.len() / 2,
            Self::Tree(tree) => tree.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// In order, by ascending scores.
    pub fn for_each(&self, mut visit: impl FnMut(Value, f64)) {
        match self {
            Self::Pack(pack) => pairs(pack).for_each(|(_, member, score)| visit(member, score)),
            Self::Tree(tree) => tree.iter().for_each(|(member, score)| visit(Value::Str(member), score)),
        }
    }

    pub fn encoding(&self) -> &'static str {
        match self {
            Self::Pack(_) => "listpack",
            Self::Tree(_) => "skiplist",
        }
    }
}

/// The place of a member in a listpack.
fn find(pack: &Listpack, member: &[u8]) -> Option<Place> {
    pack.view().find(pack.view().first()?, member, 1)
}

/// The score behind the member at `place`.
fn known_score(pack: &Listpack, place: Place) -> f64 {
    let score = pack.view().next(place).and_then(|next| score_of(pack.view().get(next)));
    score.expect(CHECKED)
}

/// The elements of a listpack, each with the place of its member.
fn pairs(pack: &Listpack) -> impl Iterator<Item = (Place, Value<'_>, f64)> {
    let mut values = pack.iter().with_places();
    std::iter::from_fn(move || {
        let ((place, member), (_, score)) = (values.next()?, values.next()?);
        Some((place, member, score_of(score).expect(CHECKED)))
    })
}

fn lies_before(member: Value, score: f64, edge: Edge, text: &mut Text) -> bool {
    match edge {
        Edge::Score(limit) => score < limit,
        Edge::AfterScore(limit) => score <= limit,
        Edge::Member(limit) => member.bytes(text) < limit,
        Edge::AfterMember(limit) => member.bytes(text) <= limit,
    }
}

/// The text of a score in a listpack, where zero has no sign, as in Redis.
fn packed(text: &mut F64Text, score: f64) -> &[u8] {
    text.format(if score == 0.0 { 0.0 } else { score })
}

/// Puts a new member where it belongs.
fn insert_packed(pack: &mut Listpack, member: &[u8], score: f64) {
    let mut text = Text::new();
    let behind =
        pairs(pack).find(|(_, other, at)| score < *at || (score == *at && member < other.bytes(&mut text)));
    let behind = behind.map(|(place, ..)| place);
    let mut score_text = F64Text::new();
    let score = packed(&mut score_text, score);
    match behind {
        None => pack.append_all([member, score]),
        Some(place) => {
            let place = pack.insert(place, Side::Before, member);
            pack.insert(place, Side::After, score);
        }
    }
}
