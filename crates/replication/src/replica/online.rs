//! In the stream: acknowledgements, and a stream that can't be applied.

use super::{Action, Link, Phase, View, warning};

impl Link {
    /// Says how far we are: each second, and when the primary asks.
    pub(super) fn acknowledge(&mut self, view: &View, out: &mut Vec<Action>) {
        if matches!(self.phase, Phase::Online) {
            self.send_ack(view.log_end, view.log_fsynced, out);
        }
    }

    /// What we can't apply we don't skip: we stay where we are, and ask again later.
    pub(super) fn stream_failed(&mut self, view: &View, error: &str, out: &mut Vec<Action>) {
        if !matches!(self.phase, Phase::Online) {
            return;
        }
        warning(
            out,
            format!(
                "Replication stopped at offset {}: {error}. Nothing was skipped; trying again later",
                view.log_end
            ),
        );
        self.give_up_for_long(view, out);
    }
}
