//! Which stream our bytes are of: the id of our history, and the id it had before.
//!
//! A promoted replica begins a history of its own, but up to its promotion it shares its primary's. That primary's
//! id, with the offset up to which it is shared, is the second id: siblings that follow the old primary continue
//! with the promoted one without a full resync.
//!
//! Offsets as PSYNC counts them: a replica that has everything up to `n` asks for `n + 1`, its first missing byte.
//! `second_offset` is the last wanted offset that the second id is good for.

use base::position::{Offset, ReplId};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct History {
    /// `master_replid`.
    pub id: ReplId,
    /// `master_replid2`; zero if there is none.
    pub second_id: ReplId,
    /// `second_repl_offset`; -1 without a second id.
    pub second_offset: i64,
}

/// Whether a replica may go on from where it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Continue {
    /// It has everything up to `after`.
    Yes {
        after: Offset,
    },
    No(Refusal),
}

/// Why it may not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// It asked for a full resync: the id was `?`.
    Asked,
    /// Neither of our ids.
    IdMismatch,
    /// The second id, but beyond what it is good for.
    SecondOffset,
    /// Our id, but not in the log any more, or not yet.
    NoBacklog { ahead_of_us: bool },
}

impl History {
    /// A history that begins here.
    pub fn new(id: ReplId) -> Self {
        Self { id, second_id: ReplId::ZERO, second_offset: -1 }
    }

    /// A replica becomes a primary, having everything up to `end`.
    pub fn promoted(&self, new: ReplId, end: Offset) -> Self {
        Self { id: new, second_id: self.id, second_offset: wanted_after(end) }
    }

    /// A replica's primary goes on under another id from `end` on (`+CONTINUE <id>`).
    pub fn continued_as(&self, id: ReplId, end: Offset) -> Self {
        if id == self.id { *self } else { self.promoted(id, end) }
    }

    /// A replica has its primary's data set: the past before it is nobody's.
    pub fn adopted(id: ReplId) -> Self {
        Self::new(id)
    }

    /// A primary starts again from what it saved: a new history, that continues the saved one up to `end`.
    pub fn restarted(new: ReplId, saved: ReplId, end: Offset) -> Self {
        Self::new(saved).promoted(new, end)
    }

    /// Whether `id` is one of ours.
    pub fn knows(&self, id: &[u8]) -> bool {
        same(id, self.id) || (!self.second_id.is_zero() && same(id, self.second_id))
    }

    /// May a replica go on from `wanted`, its first missing byte? `start..=end` is what the log holds; `None` if
    /// there is no log.
    pub fn can_continue(&self, id: &[u8], wanted: i64, log: Option<(Offset, Offset)>) -> Continue {
        if !same(id, self.id) {
            let second = !self.second_id.is_zero() && same(id, self.second_id);
            if id.first() == Some(&b'?') {
                return Continue::No(Refusal::Asked);
            }
            if !second {
                return Continue::No(Refusal::IdMismatch);
            }
            if self.second_offset < wanted {
                return Continue::No(Refusal::SecondOffset);
            }
        }
        let after = wanted.checked_sub(1).and_then(|n| u64::try_from(n).ok()).map(Offset);
        match (after, log) {
            (Some(after), Some((start, end))) if start <= after && after <= end => Continue::Yes { after },
            (after, log) => {
                let end = log.map_or(Offset::ZERO, |(_, end)| end);
                Continue::No(Refusal::NoBacklog { ahead_of_us: after.is_some_and(|after| end < after) })
            }
        }
    }
}

/// What a replica that has everything up to `end` asks for.
pub(crate) fn wanted_after(end: Offset) -> i64 {
    i64::try_from(end.0).ok().and_then(|n| n.checked_add(1)).unwrap_or(i64::MAX)
}

/// Redis compares ids without regard to case.
fn same(text: &[u8], id: ReplId) -> bool {
    text.eq_ignore_ascii_case(id.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(letter: u8) -> ReplId {
        ReplId::parse(&[letter; 40]).unwrap()
    }

    #[track_caller]
    fn check(history: &History, asked: u8, wanted: i64, log: Option<(u64, u64)>, want: Continue) {
        let log = log.map(|(start, end)| (Offset(start), Offset(end)));
        assert_eq!(history.can_continue(id(asked).as_bytes(), wanted, log), want, "{wanted} {log:?}");
    }

    #[test]
    fn the_first_id_is_good_within_the_log() {
        let history = History::new(id(b'a'));
        let yes = |after| Continue::Yes { after: Offset(after) };
        let no = |ahead_of_us| Continue::No(Refusal::NoBacklog { ahead_of_us });
        check(&history, b'a', 11, Some((10, 20)), yes(10));
        check(&history, b'A', 21, Some((10, 20)), yes(20));
        check(&history, b'a', 10, Some((10, 20)), no(false));
        check(&history, b'a', 22, Some((10, 20)), no(true));
        check(&history, b'a', 1, Some((0, 0)), yes(0));
        check(&history, b'a', 0, Some((0, 0)), no(false));
        check(&history, b'a', -5, Some((0, 0)), no(false));
        check(&history, b'a', i64::MIN, Some((0, 0)), no(false));
        check(&history, b'a', i64::MAX, Some((0, 9)), no(true));
        check(&history, b'a', 1, None, no(false));
        check(&history, b'b', 11, Some((10, 20)), Continue::No(Refusal::IdMismatch));
        check(&history, b'0', 11, Some((10, 20)), Continue::No(Refusal::IdMismatch));
        let asked = history.can_continue(b"?", -1, Some((Offset(0), Offset(0))));
        assert_eq!(asked, Continue::No(Refusal::Asked));
    }

    #[test]
    fn the_second_id_is_good_up_to_the_promotion() {
        let history = History::new(id(b'a')).promoted(id(b'b'), Offset(15));
        assert_eq!(history.second_offset, 16);
        check(&history, b'a', 16, Some((10, 20)), Continue::Yes { after: Offset(15) });
        check(&history, b'a', 17, Some((10, 20)), Continue::No(Refusal::SecondOffset));
        check(&history, b'a', 10, Some((10, 20)), Continue::No(Refusal::NoBacklog { ahead_of_us: false }));
        check(&history, b'b', 17, Some((10, 20)), Continue::Yes { after: Offset(16) });
        assert!(history.knows(&[b'a'; 40]) && history.knows(&[b'B'; 40]) && !history.knows(&[b'0'; 40]));
    }

    #[test]
    fn a_history_continues_under_a_new_id() {
        let history = History::new(id(b'a'));
        assert_eq!(history.continued_as(id(b'a'), Offset(5)), history);
        assert_eq!(history.continued_as(id(b'b'), Offset(5)), history.promoted(id(b'b'), Offset(5)));
        assert_eq!(History::restarted(id(b'c'), id(b'a'), Offset(5)), history.promoted(id(b'c'), Offset(5)));
        assert_eq!(history.promoted(id(b'b'), Offset(u64::MAX)).second_offset, i64::MAX);
    }
}
