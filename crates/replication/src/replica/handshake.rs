//! From REPLICAOF to PSYNC's reply.
use super::*;
pub(super) enum Step {}
impl Link {
    pub(super) fn replica_of<'a>(&mut self, _: &View, _: String, _: u16, _: By, _: &mut Vec<Action<'a>>) {}
    pub(super) fn no_one<'a>(&mut self, _: &View, _: By, _: &mut Vec<Action<'a>>) {}
    pub(super) fn connected<'a>(&mut self, _: &View, _: &mut Vec<Action<'a>>) {}
    pub(super) fn connect_failed<'a>(&mut self, _: &View, _: &str, _: &mut Vec<Action<'a>>) {}
    pub(super) fn received<'a>(&mut self, _: &View, _: &'a [u8], _: &mut Vec<Action<'a>>) {}
    pub(super) fn closed<'a>(&mut self, _: &View, _: Option<String>, _: &mut Vec<Action<'a>>) {}
}
