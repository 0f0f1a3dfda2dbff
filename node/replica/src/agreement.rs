//! Comparing digests of the logical state between replicas: before anything is recorded, and before
//! anything is signed that says so.
//!
//! Every replica says the digest of its state at each mark ([`crate::marks`]), and says the newest one
//! again now and then, because messages get lost. A replica that finds a quorum of others agreeing on
//! another digest than its own is wrong and has to be fenced; if all have spoken and no digest has a
//! quorum, nobody can tell who is right. The leader records a digest only once a quorum has said it
//! ([`Agreement::agreed`]), as a leaf; and no replica signs a head over that leaf before it has
//! compared the digest with its own ([`Agreement::limit`]).
//!
//! A replica that was not running when a mark passed has no digest of it and cannot compare: what is
//! wrong in its state is still wrong at the next mark.
//!
//! No clock, no disk, no network in here, and no trust in one peer: a single voice fences nobody. What
//! is recorded is no single voice: an honest leader had a quorum's, and a dishonest one can stop its
//! cluster anyway.

use std::collections::{BTreeMap, BTreeSet};

use crate::entry::NodeId;
use crate::seal::FenceReason;

/// How often the newest digest is said again.
pub const SAY_AGAIN_MS: u64 = 10_000;
/// Digests kept of every replica. They are minutes apart; nobody is further behind than this.
const KEPT_MAX: usize = 4;

/// What a replica says about its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateDigest {
    /// The entry that was the last to be applied: a mark.
    pub index: u64,
    /// [`crate::digest::state_digest`] of the state it left.
    pub digest: [u8; 32],
}

/// One replica's part in the comparison.
#[derive(Clone, Debug)]
pub struct Agreement {
    me: NodeId,
    members: Vec<NodeId>,
    /// By replica, this one included, the newest digests by index.
    said: BTreeMap<NodeId, BTreeMap<u64, [u8; 32]>>,
    /// Marks as of which this replica is digesting its state.
    under_way: BTreeSet<u64>,
    /// Recorded digests that wait for this replica's own, by their leaf.
    waiting: BTreeMap<u64, StateDigest>,
    spoke_ms: u64,
}

impl Agreement {
    /// Starts without any digest.
    #[must_use]
    pub const fn new(me: NodeId, members: Vec<NodeId>) -> Self {
        Self {
            me,
            members,
            said: BTreeMap::new(),
            under_way: BTreeSet::new(),
            waiting: BTreeMap::new(),
            spoke_ms: 0,
        }
    }

    /// Who votes has changed: from now on a majority of these decides who is right. What the others said
    /// is forgotten, this replica's own digests are not.
    pub fn members(&mut self, members: Vec<NodeId>) {
        let me = self.me;
        self.said
            .retain(|from, _| *from == me || members.contains(from));
        self.members = members;
    }

    /// This replica has begun to digest its state as of the mark `index`.
    pub fn began(&mut self, index: u64) {
        self.under_way.insert(index);
    }

    /// It has given that up: what was recorded of this mark cannot be compared here.
    pub fn left_out(&mut self, index: u64) {
        self.under_way.remove(&index);
        self.waiting.retain(|_, recorded| recorded.index != index);
    }

    /// This replica's own digest is known; the caller tells it to all.
    #[must_use]
    pub fn digested(&mut self, own: StateDigest, now_ms: u64) -> Option<FenceReason> {
        self.spoke_ms = now_ms;
        self.keep(self.me, own);
        let differs = self
            .waiting
            .values()
            .any(|recorded| recorded.index == own.index && recorded.digest != own.digest);
        self.left_out(own.index);
        if differs {
            return Some(FenceReason::OtherState);
        }
        self.compare(own.index)
    }

    /// An entry has recorded a digest; `leaf` is the index of the leaf that says so.
    #[must_use]
    pub fn recorded(&mut self, leaf: u64, recorded: StateDigest) -> Option<FenceReason> {
        let own = self
            .said
            .get(&self.me)
            .and_then(|own| own.get(&recorded.index));
        match own {
            Some(own) if *own != recorded.digest => Some(FenceReason::OtherState),
            Some(_) => None,
            None => {
                if self.under_way.contains(&recorded.index) {
                    self.waiting.insert(leaf, recorded);
                }
                None
            }
        }
    }

    /// The largest tree whose head this replica may sign: up to the leaf of a recorded digest that it
    /// has not compared with its own.
    #[must_use]
    pub fn limit(&self) -> u64 {
        self.waiting
            .first_key_value()
            .map_or(u64::MAX, |(leaf, _)| *leaf)
    }

    /// This replica's own digest of the mark `index`, once a quorum has said the same: what a leader
    /// may record.
    #[must_use]
    pub fn agreed(&self, index: u64) -> Option<StateDigest> {
        let own = *self.said.get(&self.me)?.get(&index)?;
        let agreeing = self
            .members
            .iter()
            .filter_map(|member| self.said.get(member)?.get(&index))
            .filter(|digest| **digest == own)
            .count();
        (agreeing >= self.majority()).then_some(StateDigest { index, digest: own })
    }

    /// A peer has said its digest.
    #[must_use]
    pub fn heard(&mut self, from: NodeId, theirs: StateDigest) -> Option<FenceReason> {
        if from == self.me || !self.members.contains(&from) {
            return None;
        }
        self.keep(from, theirs);
        self.compare(theirs.index)
    }

    /// The newest digest of this replica, when it is time to say it again.
    #[must_use]
    pub fn tick(&mut self, now_ms: u64) -> Option<StateDigest> {
        // A clock that was set back ends the wait.
        if matches!(now_ms.checked_sub(self.spoke_ms), Some(passed) if passed < SAY_AGAIN_MS) {
            return None;
        }
        self.spoke_ms = now_ms;
        let (index, digest) = self.said.get(&self.me)?.last_key_value()?;
        Some(StateDigest {
            index: *index,
            digest: *digest,
        })
    }

    fn keep(&mut self, from: NodeId, said: StateDigest) {
        let theirs = self.said.entry(from).or_default();
        theirs.insert(said.index, said.digest);
        while theirs.len() > KEPT_MAX {
            theirs.pop_first();
        }
    }

    fn majority(&self) -> usize {
        (self.members.len() >> 1).saturating_add(1)
    }

    /// Compares what was said about `index` with this replica's own digest of it.
    fn compare(&self, index: u64) -> Option<FenceReason> {
        let own = self.said.get(&self.me)?.get(&index)?;
        // One that only learns compares itself with the voters and is no voice among them.
        let voices: Vec<&[u8; 32]> = self
            .members
            .iter()
            .filter_map(|member| self.said.get(member)?.get(&index))
            .collect();
        let majority = self.majority();
        let agreed = voices
            .iter()
            .find(|digest| voices.iter().filter(|other| other == digest).count() >= majority);
        match agreed {
            Some(digest) if *digest != own => Some(FenceReason::OtherState),
            Some(_) => None,
            None if voices.len() == self.members.len() => Some(FenceReason::NoQuorumState),
            None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn digest(index: u64, byte: u8) -> StateDigest {
        StateDigest {
            index,
            digest: [byte; 32],
        }
    }

    fn replica_one() -> Agreement {
        Agreement::new(1, vec![1, 2, 3])
    }

    #[test]
    fn replicas_that_agree_go_on_and_one_that_differs_learns_it_from_two() {
        let mut one = replica_one();
        assert_eq!(one.heard(2, digest(7, 9)), None);
        assert_eq!(one.digested(digest(7, 9), 0), None);
        assert_eq!(one.heard(3, digest(7, 8)), None, "the other one is wrong");
        let mut one = replica_one();
        assert_eq!(one.digested(digest(7, 8), 0), None);
        assert_eq!(one.heard(2, digest(7, 9)), None, "one voice fences nobody");
        let fenced = one.heard(3, digest(7, 9));
        assert_eq!(fenced, Some(FenceReason::OtherState));
    }

    #[test]
    fn what_others_said_before_counts_once_the_own_digest_is_known() {
        let mut one = replica_one();
        assert_eq!(one.heard(2, digest(7, 9)), None);
        assert_eq!(one.heard(3, digest(7, 9)), None);
        let fenced = one.digested(digest(7, 8), 0);
        assert_eq!(fenced, Some(FenceReason::OtherState));
    }

    #[test]
    fn three_digests_of_one_mark_fence_and_digests_of_different_marks_do_not() {
        let mut one = replica_one();
        assert_eq!(one.digested(digest(7, 1), 0), None);
        assert_eq!(one.heard(2, digest(7, 2)), None);
        assert_eq!(one.heard(3, digest(8, 3)), None);
        let fenced = one.heard(3, digest(7, 3));
        assert_eq!(fenced, Some(FenceReason::NoQuorumState));
    }

    #[test]
    fn nobody_speaks_for_another_and_a_talkative_peer_takes_no_room() {
        let mut one = replica_one();
        assert_eq!(one.digested(digest(7, 1), 0), None);
        assert_eq!(one.heard(1, digest(7, 2)), None);
        assert_eq!(one.heard(4, digest(7, 2)), None);
        for index in 0..100 {
            assert_eq!(one.heard(2, digest(index, 2)), None);
        }
        assert_eq!(one.said[&2].len(), KEPT_MAX);
        assert_eq!(one.said[&1].len(), 1);
    }

    #[test]
    fn a_replica_that_only_learns_compares_itself_and_is_no_voice() {
        let mut four = Agreement::new(4, vec![1, 2, 3]);
        assert_eq!(four.digested(digest(7, 8), 0), None);
        assert_eq!(four.heard(1, digest(7, 8)), None);
        assert_eq!(four.heard(2, digest(7, 9)), None, "one voter each");
        let fenced = four.heard(3, digest(7, 9));
        assert_eq!(fenced, Some(FenceReason::OtherState));
    }

    #[test]
    fn who_is_a_voice_follows_the_members() {
        let mut one = replica_one();
        assert_eq!(one.digested(digest(7, 8), 0), None);
        assert_eq!(one.heard(2, digest(7, 9)), None);
        one.members(vec![1, 3, 4]);
        assert_eq!(
            one.heard(3, digest(7, 9)),
            None,
            "the word of 2 is forgotten"
        );
        assert_eq!(one.heard(2, digest(7, 9)), None);
        let fenced = one.heard(4, digest(7, 9));
        assert_eq!(fenced, Some(FenceReason::OtherState));
    }

    #[test]
    fn the_newest_digest_is_said_again_every_ten_seconds_even_if_the_clock_is_set_back() {
        let mut one = replica_one();
        assert_eq!(one.tick(50_000), None, "nothing to say yet");
        assert_eq!(one.digested(digest(7, 1), 60_000), None);
        assert_eq!(one.digested(digest(9, 2), 61_000), None);
        assert_eq!(one.tick(70_999), None);
        assert_eq!(one.tick(71_000), Some(digest(9, 2)));
        assert_eq!(one.tick(71_001), None);
        assert_eq!(one.tick(5), Some(digest(9, 2)));
    }

    #[test]
    fn what_is_recorded_is_a_quorums_and_never_one_replicas() {
        let mut one = replica_one();
        assert_eq!(one.digested(digest(7, 1), 0), None);
        assert_eq!(one.agreed(7), None, "its own voice is one");
        assert_eq!(one.heard(2, digest(7, 2)), None);
        assert_eq!(one.agreed(7), None);
        assert_eq!(one.heard(3, digest(7, 1)), None);
        assert_eq!(one.agreed(7), Some(digest(7, 1)));
        assert_eq!(one.agreed(8), None);
    }

    #[test]
    fn no_head_over_a_recorded_digest_is_signed_before_it_is_compared() {
        let mut one = replica_one();
        one.began(7);
        assert_eq!(one.limit(), u64::MAX);
        assert_eq!(one.recorded(40, digest(7, 1)), None);
        assert_eq!(
            one.limit(),
            40,
            "the tree of 40 leaves does not have leaf 40"
        );
        assert_eq!(one.digested(digest(7, 1), 0), None);
        assert_eq!(one.limit(), u64::MAX);
        one.began(9);
        assert_eq!(one.recorded(50, digest(9, 1)), None);
        let fenced = one.digested(digest(9, 2), 0);
        assert_eq!(fenced, Some(FenceReason::OtherState));
    }

    #[test]
    fn a_digest_that_is_known_before_it_is_recorded_is_compared_at_once() {
        let mut one = replica_one();
        one.began(7);
        assert_eq!(one.digested(digest(7, 1), 0), None);
        assert_eq!(one.recorded(40, digest(7, 1)), None);
        assert_eq!(one.limit(), u64::MAX);
        let fenced = one.recorded(41, digest(7, 2));
        assert_eq!(fenced, Some(FenceReason::OtherState));
    }

    #[test]
    fn a_mark_that_this_replica_missed_or_gave_up_holds_nothing_back() {
        let mut one = replica_one();
        assert_eq!(one.recorded(40, digest(7, 1)), None);
        assert_eq!(one.limit(), u64::MAX, "it was not running then");
        one.began(9);
        assert_eq!(one.recorded(50, digest(9, 1)), None);
        one.left_out(9);
        assert_eq!(one.limit(), u64::MAX);
    }
}
