//! Replicas that are too old for a data set with hashes whose fields expire.
//!
//! Such hashes are written as Redis 7.4 does. A replica of Redis 7.2 or before can't load them: it breaks off, comes
//! back, and would be sent the whole data set again, for ever. Whether a replica is that old can't be known before:
//! Redis tells its primary no version, and its capabilities are the same from 4.0 to 7.4. So it is known by what it
//! does: it was sent such a data set, and went without an acknowledgement, again and again. Then it is refused a
//! further one for a while, in its own words and ours, and longer each time, since another server may come to stand at
//! its address, or the hashes may go. A replica that can continue from the log is not concerned.
//!
//! Not concerned either: those that ask with SYNC alone or for an RDB only, as redis-cli does, since they never
//! acknowledge; and those that tell no port, by which they would be known again.

use super::{Action, Peer, Phase, Primary, Replica, View, warning};
use crate::Facts;

/// So often in a row a replica may break off: networks fail, too.
const FAILURES_MAX: u32 = 3;
const PAUSE_MS_MIN: i64 = 60_000;
const PAUSE_MS_MAX: i64 = 3_600_000;
/// So many replicas are remembered; then the oldest is forgotten.
const SUSPECTS_MAX: usize = 64;

/// By its code a replica knows that it is to ask again later, once a second; after any other error it would try SYNC,
/// and then come back at once, again and again.
pub(super) const REFUSAL: &str =
    "-NOMASTERLINK Hashes with field expiration can't be sent to a replica that is older than Redis 7.4";

/// A replica that broke off.
pub(super) struct Suspect {
    name: String,
    failures: u32,
    refused_until_ms: i64,
}

impl Replica {
    /// Whether it was sent something of its payload; `live`: the running snapshot goes to sockets as it is made.
    pub(super) fn was_sent_data(&self, live: bool) -> bool {
        match self.phase {
            Phase::Waits => false,
            Phase::InSnapshot => live && self.told.is_some(),
            Phase::SendBulk { .. } | Phase::EndsPayload { .. } | Phase::AwaitsAck { .. } | Phase::Online => {
                true
            }
        }
    }
}

impl Primary {
    /// The replica left: was the payload too new for it?
    pub(super) fn judge(&mut self, view: &View, replica: &Replica, out: &mut Vec<Action>) {
        let name = replica.name();
        let at = self.suspects.iter().position(|suspect| suspect.name == name);
        if replica.has_acked {
            at.map(|at| self.suspects.remove(at));
            return;
        }
        let never_acks = replica.old || replica.facts.rdb_only || replica.facts.listening_port == 0;
        if never_acks || !replica.has_field_expiries {
            return;
        }
        let mut suspect = match at {
            Some(at) => self.suspects.remove(at),
            None => Suspect { name, failures: 0, refused_until_ms: i64::MIN },
        };
        suspect.failures += 1;
        if FAILURES_MAX <= suspect.failures {
            let pause_ms = PAUSE_MS_MIN << (suspect.failures - FAILURES_MAX).min(16);
            let pause_ms = pause_ms.min(PAUSE_MS_MAX);
            suspect.refused_until_ms = view.now_ms + pause_ms;
            let line = format!(
                "Replica {} broke off {} times after it was sent hashes with field expiration, without an acknowledgement: it is probably older than Redis 7.4 and can't load them. It is refused a full resynchronization for {} seconds",
                suspect.name,
                suspect.failures,
                pause_ms / 1000,
            );
            warning(out, line);
        }
        if self.suspects.len() == SUSPECTS_MAX {
            self.suspects.remove(0);
        }
        self.suspects.push(suspect);
    }

    /// Whether this replica is refused a full resynchronization now.
    pub(super) fn refuses(&self, view: &View, facts: &Facts, peer: &Peer) -> bool {
        if self.suspects.is_empty() {
            return false;
        }
        let name = super::describe::name(facts, peer);
        self.suspects.iter().any(|suspect| suspect.name == name && view.now_ms < suspect.refused_until_ms)
    }
}
