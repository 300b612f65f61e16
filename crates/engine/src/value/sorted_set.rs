//! A sorted set: one listpack of members and scores, or a tree.

use super::Shapes;
use base::number::{parse_f64, push_f64};
use ds::listpack::{Listpack, Value};
use ds::sorted::Sorted;

#[derive(Clone)]
pub enum SortedSet {
    /// Member, score, … in the set's order.
    Pack(Listpack),
    Tree(Box<Sorted>),
}

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
        let mut text = Vec::new();
        for (member, score) in tree.iter() {
            text.clear();
            push_f64(&mut text, score);
            pack.append_all([member, &text[..]]);
        }
        Self::Pack(pack)
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
            Self::Pack(pack) => {
                let mut values = pack.iter();
                while let (Some(member), Some(score)) = (values.next(), values.next()) {
                    visit(member, score_of(score).expect("was looked at when it came in"));
                }
            }
            Self::Tree(tree) => tree.iter().for_each(|(member, score)| visit(Value::Str(member), score)),
        }
    }

    pub fn encoding(&self) -> &'static str {
        match self {
            Self::Pack(_) => "listpack",
            Self::Tree(_) => "skiplist",
        }
    }

    pub fn memory_bytes(&self) -> usize {
        match self {
            Self::Pack(pack) => pack.bytes().len(),
            Self::Tree(tree) => tree.memory_bytes(),
        }
    }
}
