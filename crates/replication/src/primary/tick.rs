//! What happens by itself.
use super::*;
impl Primary {
    pub(super) fn tick(&mut self, _: &View, _: &mut Vec<Action>) {}
    pub(super) fn changed(&mut self, _: &View, _: &mut Vec<Action>) {}
}
