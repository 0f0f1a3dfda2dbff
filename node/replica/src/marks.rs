//! When the leader has the replicas digest their state, and when it records what they found.
//!
//! A mark is an entry of the log with the command `MarkState`. Every replica digests its state as of
//! it; once a quorum has said the same digest, the leader has it recorded by the command
//! `RecordStateDigest`, as a leaf. Marks come every ten minutes while anything happens, and sooner if
//! a replica asks for a snapshot that nobody holds.
//!
//! Every replica follows along, so that a new leader neither marks too soon nor forgets a digest. No
//! clock in here: times are arguments, and only their distances matter.

use crate::agreement::{Agreement, StateDigest};

/// Time between two marks while entries are applied: ten minutes.
pub const MARK_EVERY_MS: u64 = 600_000;
/// Least time between two marks, however many ask for one: what a digest of a gigabyte takes.
pub const MARK_GAP_MS: u64 = 15_000;
/// After this long without effect a proposal is made again: it may have been lost with a leader.
pub const PROPOSE_AGAIN_MS: u64 = 5_000;

/// What the leader has to propose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarkProposal {
    /// A mark: the command `MarkState`.
    Mark,
    /// The digest of a mark: the command `RecordStateDigest`.
    Record(StateDigest),
}

/// Follows the marks, and says what is to be proposed while this replica leads.
#[derive(Clone, Debug)]
pub struct Marker {
    every_ms: u64,
    gap_ms: u64,
    leads: bool,
    /// The newest mark.
    marked: u64,
    /// The newest mark whose digest is recorded.
    recorded: u64,
    /// The entry that recorded it.
    recorded_at: u64,
    /// The newest entry that is applied.
    applied: u64,
    /// When the newest mark was applied here, or this replica started.
    since_ms: Option<u64>,
    /// Somebody needs a snapshot.
    asked: bool,
    proposed: Option<(MarkProposal, u64)>,
}

impl Marker {
    /// Starts with the newest mark and the newest recorded one of the applied state; zeros if there is
    /// none. A mark is proposed `every_ms` later at the latest, and `gap_ms` after another at the
    /// earliest.
    #[must_use]
    pub const fn new(marked: u64, recorded: u64, every_ms: u64, gap_ms: u64) -> Self {
        Self {
            every_ms,
            gap_ms,
            leads: false,
            marked,
            recorded,
            recorded_at: 0,
            applied: 0,
            since_ms: None,
            asked: false,
            proposed: None,
        }
    }

    /// Whether this replica leads, and has committed in its term.
    pub const fn role(&mut self, leads: bool) {
        self.leads = leads;
        self.proposed = None;
    }

    /// A replica asks for a snapshot, and this one holds none.
    pub const fn ask(&mut self) {
        self.asked = true;
    }

    /// The entry `index` is applied.
    pub fn applied(&mut self, index: u64) {
        self.applied = self.applied.max(index);
    }

    /// The entry `index`, a mark, is applied.
    pub fn marked(&mut self, index: u64, now_ms: u64) {
        self.marked = index;
        self.since_ms = Some(now_ms);
        self.asked = false;
        self.proposed = None;
    }

    /// The entry `at` has recorded the digest of the mark `index`.
    pub fn recorded(&mut self, index: u64, at: u64) {
        self.recorded = index;
        self.recorded_at = at;
        self.asked = false;
        self.proposed = None;
    }

    /// What is to be proposed now, if anything.
    #[must_use]
    pub fn tick(&mut self, agreement: &Agreement, now_ms: u64) -> Option<MarkProposal> {
        let since = *self.since_ms.get_or_insert(now_ms);
        if !self.leads {
            return None;
        }
        if let Some((_, at)) = self.proposed
            && is_within(at, now_ms, PROPOSE_AGAIN_MS)
        {
            return None;
        }
        let proposal = self.due(agreement, since, now_ms)?;
        self.proposed = Some((proposal, now_ms));
        Some(proposal)
    }

    /// How long a mark may take to be recorded before another is worth while.
    fn pending_ms(&self) -> u64 {
        self.every_ms.max(self.gap_ms)
    }

    fn due(&self, agreement: &Agreement, since: u64, now_ms: u64) -> Option<MarkProposal> {
        if self.marked > self.recorded
            && let Some(digest) = agreement.agreed(self.marked)
        {
            return Some(MarkProposal::Record(digest));
        }
        // A mark that is being digested is what whoever asks waits for: another one would take its place.
        let pending = self.marked > self.recorded && is_within(since, now_ms, self.pending_ms());
        if self.asked && !pending && (self.marked == 0 || !is_within(since, now_ms, self.gap_ms)) {
            return Some(MarkProposal::Mark);
        }
        // Nothing but the record of the last digest has happened: there is nothing new to compare.
        let idle = self.applied <= self.recorded_at;
        if self.every_ms == 0 || idle || is_within(since, now_ms, self.every_ms) {
            return None;
        }
        Some(MarkProposal::Mark)
    }
}

/// Whether less than `bound_ms` have passed. A clock that was set back ends every wait.
const fn is_within(since_ms: u64, now_ms: u64, bound_ms: u64) -> bool {
    matches!(now_ms.checked_sub(since_ms), Some(passed) if passed < bound_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: u64 = 10_000;
    const GAP: u64 = 1_000;

    fn leader() -> (Marker, Agreement) {
        let mut marker = Marker::new(0, 0, EVERY, GAP);
        marker.role(true);
        marker.applied(1);
        (marker, Agreement::new(1, vec![1, 2, 3]))
    }

    const fn digest(index: u64) -> StateDigest {
        StateDigest {
            index,
            digest: [index.to_be_bytes()[7]; 32],
        }
    }

    #[test]
    fn marks_come_at_intervals_and_are_proposed_again_if_nothing_comes_of_them() {
        let (mut marker, agreement) = leader();
        assert_eq!(marker.tick(&agreement, 0), None);
        assert_eq!(marker.tick(&agreement, 9_999), None);
        assert_eq!(marker.tick(&agreement, 10_000), Some(MarkProposal::Mark));
        assert_eq!(marker.tick(&agreement, 10_001), None);
        assert_eq!(marker.tick(&agreement, 15_000), Some(MarkProposal::Mark));
        marker.marked(5, 15_100);
        assert_eq!(marker.tick(&agreement, 25_099), None);
        assert_eq!(marker.tick(&agreement, 25_100), Some(MarkProposal::Mark));
    }

    #[test]
    fn a_digest_is_recorded_once_a_quorum_has_said_it_and_by_the_leader_only() {
        let (mut marker, mut agreement) = leader();
        marker.marked(5, 0);
        assert_eq!(agreement.digested(digest(5), 0), None);
        assert_eq!(marker.tick(&agreement, 10), None);
        assert_eq!(agreement.heard(2, digest(5)), None);
        let mut other = marker.clone();
        other.role(false);
        assert_eq!(other.tick(&agreement, 20), None);
        let recorded = marker.tick(&agreement, 20);
        assert_eq!(recorded, Some(MarkProposal::Record(digest(5))));
        marker.recorded(5, 7);
        assert_eq!(marker.tick(&agreement, 30), None);
        other.role(true);
        other.recorded(5, 7);
        assert_eq!(other.tick(&agreement, 40), None, "it follows along");
    }

    #[test]
    fn nothing_is_marked_while_nothing_happens() {
        let (mut marker, agreement) = leader();
        marker.marked(5, 0);
        marker.applied(7);
        marker.recorded(5, 7);
        assert_eq!(marker.tick(&agreement, 50_000), None);
        marker.applied(8);
        assert_eq!(marker.tick(&agreement, 50_001), Some(MarkProposal::Mark));
    }

    #[test]
    fn whoever_needs_a_snapshot_gets_a_mark_soon_but_not_one_after_the_other() {
        let (mut marker, agreement) = leader();
        assert_eq!(marker.tick(&agreement, 0), None);
        marker.ask();
        assert_eq!(marker.tick(&agreement, 1), Some(MarkProposal::Mark));
        marker.marked(5, 2);
        marker.ask();
        assert_eq!(marker.tick(&agreement, 5_000), None, "the one it waits for");
        marker.recorded(5, 7);
        marker.ask();
        assert_eq!(marker.tick(&agreement, 500), None, "too soon after");
        assert_eq!(marker.tick(&agreement, 1_002), Some(MarkProposal::Mark));
    }
}
