//! The stream.
use super::*;
impl Link {
    pub(super) fn tick<'a>(&mut self, _: &View, _: &mut Vec<Action<'a>>) {}
    pub(super) fn acknowledge<'a>(&mut self, _: &View, _: &mut Vec<Action<'a>>) {}
    pub(super) fn stream_failed<'a>(&mut self, _: &View, _: &str, _: &mut Vec<Action<'a>>) {}
}
