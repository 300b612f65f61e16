//! Asking for synchronization, and the snapshot for those who get one.
use super::*;
impl Primary {
    pub(super) fn sync(&mut self, _: &View, _: ConnId, _: SyncRequest, _: Facts, _: Peer, _: &mut Vec<Action>) {}
    pub(super) fn snapshot_cut(&mut self, _: &View, _: SnapshotId, _: Offset, _: &mut Vec<Action>) {}
    pub(super) fn snapshot_busy(&mut self, _: &View, _: SnapshotId, _: &mut Vec<Action>) {}
    pub(super) fn snapshot_ready(&mut self, _: &View, _: SnapshotId, _: u64, _: &mut Vec<Action>) {}
    pub(super) fn snapshot_failed(&mut self, _: &View, _: SnapshotId, _: &str, _: &mut Vec<Action>) {}
    pub(super) fn payload_sent(&mut self, _: &View, _: ConnId, _: &mut Vec<Action>) {}
    pub(super) fn drop_replicas(&mut self, _: &View, _: &mut Vec<Action>) {}
    pub(super) fn lost(&mut self, _: &View, _: ConnId, _: &mut Vec<Action>) {}
}
