//! Fields by chance, each equally likely among those whose time has not passed.

use super::{Hash, Horizon};
use crate::value::set::ranks;
use base::rng::Rng;
use ds::fields::Fields;
use ds::listpack::Value;

/// The fields that are there, by rank. A table has an index; of the other forms all fields are laid out once, as
/// they are few.
pub enum Ranked<'h> {
    Laid(Vec<(Value<'h>, Value<'h>)>),
    Table(&'h Fields),
}

impl<'h> Ranked<'h> {
    pub fn len(&self) -> usize {
        match self {
            Self::Laid(pairs) => pairs.len(),
            Self::Table(table) => table.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn get(&self, rank: usize) -> Option<(Value<'h>, Value<'h>)> {
        match self {
            Self::Laid(pairs) => pairs.get(rank).copied(),
            Self::Table(table) => {
                table.nth(rank).map(|field| (Value::Str(field.key), Value::Str(field.value)))
            }
        }
    }

    pub fn random(&self, rng: &mut Rng) -> Option<(Value<'h>, Value<'h>)> {
        if self.is_empty() {
            return None;
        }
        self.get(rng.below(self.len() as u64) as usize)
    }

    /// The ranks of `count` different fields, each choice equally likely, ascending; all if there are no more.
    pub fn sample(&self, count: usize, rng: &mut Rng) -> Vec<usize> {
        ranks(self.len(), count, rng)
    }
}

impl Hash {
    pub fn ranked(&self, horizon: Horizon) -> Ranked<'_> {
        if let Self::Table(table) = self
            && !self.has_due(horizon)
        {
            return Ranked::Table(table);
        }
        let mut pairs = Vec::with_capacity(self.len());
        self.for_each_live(horizon, |field, value| pairs.push((field, value)));
        Ranked::Laid(pairs)
    }

    /// A field by chance; `None` if there is none.
    pub fn random(&self, horizon: Horizon, rng: &mut Rng) -> Option<(Value<'_>, Value<'_>)> {
        let Self::Pack(pack) = self else { return self.ranked(horizon).random(rng) };
        let view = pack.view();
        let place = view.random(rng, 2)?;
        Some((view.get(place), view.get(view.next(place)?)))
    }
}
