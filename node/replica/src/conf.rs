//! Who belongs to the Raft group, as the log decided it: the record that every replica keeps beside
//! its progress.
//!
//! It is written in the same batch as the entry that changed it, so a restart finds the group as of the
//! last applied entry, and compaction may drop the entry. Before the first change there is no record,
//! and the group is the founding one.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::entry::NodeId;

/// `Meta`: the [`Conf`] as of the last applied entry; absent until the first change.
pub const CONF: &[u8] = b"conf";

/// The most members, voting or not, that one group may name at a time, with those that are leaving:
/// twice the largest group, so that all of it could be replaced in one step.
pub const MEMBERS_MAX: usize = 18;

/// The members of the group.
///
/// While it moves from one set of voters to another, decisions need a majority of both
/// (joint consensus, Raft thesis 4.3).
///
/// # Encoding
///
/// Borsh, in the order of the fields; every list ascending, so that all replicas write the same bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Conf {
    /// Who votes.
    pub voters: Vec<NodeId>,
    /// Who voted before the change that is under way; empty if none is.
    pub voters_outgoing: Vec<NodeId>,
    /// Who gets the log and has no vote.
    pub learners: Vec<NodeId>,
    /// Who becomes a learner when the change under way is complete.
    pub learners_next: Vec<NodeId>,
    /// Whether the leader completes the change under way by itself.
    pub auto_leave: bool,
}

/// What a member may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It votes, may lead and counts for decisions.
    Voter,
    /// It gets the log.
    Learner,
    /// It does not belong to the group (yet, or any more).
    Outside,
}

impl Conf {
    /// A group of voters that was never changed.
    #[must_use]
    pub fn of(mut voters: Vec<NodeId>) -> Self {
        voters.sort_unstable();
        Self {
            voters,
            ..Self::default()
        }
    }

    /// Its bytes in the record, and in a membership entry that is handed out.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        // Writing into memory does not fail.
        borsh::to_vec(self).unwrap_or_default()
    }

    /// Reads what [`Conf::encode`] wrote; none for anything else.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        borsh::from_slice(bytes).ok().filter(Self::is_sound)
    }

    /// Whether a change of voters is under way.
    #[must_use]
    pub fn is_joint(&self) -> bool {
        !self.voters_outgoing.is_empty()
    }

    /// What this member may do. Who is still needed for a change that removes it votes.
    #[must_use]
    pub fn standing(&self, id: NodeId) -> Standing {
        if self.voters.contains(&id) || self.voters_outgoing.contains(&id) {
            Standing::Voter
        } else if self.learners.contains(&id) {
            Standing::Learner
        } else {
            Standing::Outside
        }
    }

    /// Everybody who has a part in it, ascending.
    #[must_use]
    pub fn members(&self) -> Vec<NodeId> {
        let mut all = self.voters.clone();
        all.extend(&self.voters_outgoing);
        all.extend(&self.learners);
        all.extend(&self.learners_next);
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Whether its lists go together: somebody votes, nobody is zero or named twice in one list, a
    /// learner does not vote, and what only a change under way can have is there only then.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let lists = [
            &self.voters,
            &self.voters_outgoing,
            &self.learners,
            &self.learners_next,
        ];
        let ascending = lists.iter().all(|list| {
            list.is_sorted_by(|one, next| one < next)
                && list.first().is_none_or(|first| *first != 0)
        });
        let learns_only =
            |id: &NodeId| !self.voters.contains(id) && !self.voters_outgoing.contains(id);
        ascending
            && !self.voters.is_empty()
            && self.members().len() <= MEMBERS_MAX
            && self.learners.iter().all(learns_only)
            && self
                .learners_next
                .iter()
                .all(|id| self.voters_outgoing.contains(id) && !self.voters.contains(id))
            && (self.is_joint() || !self.auto_leave)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_record_is_pinned() {
        let conf = Conf {
            voters: vec![1, 2],
            voters_outgoing: vec![1, 3],
            learners: vec![4],
            learners_next: vec![3],
            auto_leave: true,
        };
        let bytes = conf.encode();
        let mut expected = Vec::new();
        for list in [&[1_u64, 2][..], &[1, 3], &[4], &[3]] {
            expected.extend(u32::try_from(list.len()).unwrap().to_le_bytes());
            for id in list {
                expected.extend(id.to_le_bytes());
            }
        }
        expected.push(1);
        assert_eq!(bytes, expected);
        assert_eq!(Conf::decode(&bytes), Some(conf));
    }

    #[test]
    fn lists_that_contradict_each_other_are_no_record() {
        let sound = Conf {
            voters: vec![1, 2, 3],
            learners: vec![4],
            ..Conf::default()
        };
        assert!(sound.is_sound());
        let broken: [fn(&mut Conf); 8] = [
            |conf| conf.voters.clear(),
            |conf| conf.voters = vec![2, 1],
            |conf| conf.voters = vec![1, 1],
            |conf| conf.voters = vec![0, 1],
            |conf| conf.learners = vec![3],
            |conf| conf.learners_next = vec![4],
            |conf| conf.auto_leave = true,
            |conf| conf.learners = (4..30).collect(),
        ];
        for (at, change) in broken.into_iter().enumerate() {
            let mut conf = sound.clone();
            change(&mut conf);
            assert!(!conf.is_sound(), "{at}");
            assert_eq!(Conf::decode(&conf.encode()), None, "{at}");
        }
        assert_eq!(Conf::decode(&[]), None);
        assert_eq!(Conf::decode(&[7, 7]), None);
    }

    #[test]
    fn who_leaves_votes_until_the_change_is_complete() {
        let conf = Conf {
            voters: vec![1, 2],
            voters_outgoing: vec![1, 3],
            learners: vec![4],
            learners_next: vec![3],
            auto_leave: true,
        };
        assert!(conf.is_joint());
        assert_eq!(conf.members(), [1, 2, 3, 4]);
        let standings: Vec<Standing> = (1..=5).map(|id| conf.standing(id)).collect();
        assert_eq!(
            standings,
            [
                Standing::Voter,
                Standing::Voter,
                Standing::Voter,
                Standing::Learner,
                Standing::Outside
            ]
        );
    }
}
