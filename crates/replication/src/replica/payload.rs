//! The payload.
use super::*;
pub(super) struct Payload {
    ended: bool,
    transfer: Transfer,
}
impl Payload {
    pub(super) fn is_ended(&self) -> bool {
        self.ended
    }
    pub(super) fn transfer(&self) -> Transfer {
        self.transfer
    }
}
impl Link {
    pub(super) fn staged<'a>(&mut self, _: &View, _: u64, _: Option<u32>, _: &mut Vec<Action<'a>>) {}
    pub(super) fn stage_failed<'a>(&mut self, _: &View, _: &str, _: &mut Vec<Action<'a>>) {}
}
