//! The ends of a range of scores or of members.

use crate::error::Error;
use crate::value::SortedSet;
use base::number::parse_f64_of_c;
use ds::sorted::Edge;
use std::ops::Range;

/// A place between elements.
#[derive(Clone, Copy)]
enum Place<'a> {
    First,
    Last,
    At(Edge<'a>),
}

/// The elements between two places; none if the second comes before the first.
#[derive(Clone, Copy)]
pub(super) struct Between<'a> {
    from: Place<'a>,
    to: Place<'a>,
}

impl<'a> Between<'a> {
    /// Scores: `5` or, without itself, `(5`.
    pub(super) fn scores(min: &[u8], max: &[u8]) -> Result<Self, Error> {
        let (min, without_min) = score(min)?;
        let (max, without_max) = score(max)?;
        let from = if without_min { Edge::AfterScore(min) } else { Edge::Score(min) };
        let to = if without_max { Edge::Score(max) } else { Edge::AfterScore(max) };
        Ok(Self { from: Place::At(from), to: Place::At(to) })
    }

    /// Members: `[a` or, without itself, `(a`; `-` and `+` lie before and behind all.
    pub(super) fn members(min: &'a [u8], max: &'a [u8]) -> Result<Self, Error> {
        let from = member(min, Edge::Member, Edge::AfterMember)?;
        let to = member(max, Edge::AfterMember, Edge::Member)?;
        Ok(Self { from, to })
    }

    /// The ranks of its elements.
    pub(super) fn ranks(self, set: &SortedSet) -> Range<usize> {
        let before = |place| match place {
            Place::First => 0,
            Place::Last => set.len(),
            Place::At(edge) => set.count_before(edge),
        };
        let (start, end) = (before(self.from), before(self.to));
        start..end.max(start)
    }
}

fn score(text: &[u8]) -> Result<(f64, bool), Error> {
    let (number, without) = match text.strip_prefix(b"(") {
        Some(number) => (number, true),
        None => (text, false),
    };
    let score = parse_f64_of_c(number).ok_or(Error::text("ERR min or max is not a float"))?;
    Ok((score, without))
}

type MakeEdge<'a> = fn(&'a [u8]) -> Edge<'a>;

fn member<'a>(text: &'a [u8], with: MakeEdge<'a>, without: MakeEdge<'a>) -> Result<Place<'a>, Error> {
    match text {
        [b'-'] | [b'-', 0, ..] => Ok(Place::First),
        [b'+'] | [b'+', 0, ..] => Ok(Place::Last),
        [b'[', member @ ..] => Ok(Place::At(with(member))),
        [b'(', member @ ..] => Ok(Place::At(without(member))),
        _ => Err(Error::text("ERR min or max not valid string range item")),
    }
}
