//! Requests of attached replicas.
use super::*;
impl Primary {
    pub(super) fn received(&mut self, _: &View, _: ConnId, _: &[u8], _: &mut Vec<Action>) {}
    pub(super) fn ask_for_acks(&mut self, _: &View, _: &mut Vec<Action>) {}
}
