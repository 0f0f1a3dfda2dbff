//! Changes of the group, between our words and raft-rs's.
//!
//! One wanted group at a time: what differs from the present one becomes one `ConfChangeV2`. Two or
//! more differences make it joint (a majority of the old and of the new voters decides), and the leader
//! leaves the joint state by itself.

use raft::eraftpb::{
    ConfChangeSingle, ConfChangeTransition, ConfChangeType, ConfChangeV2, ConfState,
};
use raft_prost::Message as _;

use super::config::MAX_VOTERS;
use crate::conf::{Conf, MEMBERS_MAX};
use crate::entry::NodeId;

/// Single changes in one entry: everybody leaves, everybody else comes.
const CHANGES_MAX: usize = 2 * MEMBERS_MAX;

/// Who shall belong to the group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Who shall vote: 1 to [`MAX_VOTERS`].
    pub voters: Vec<NodeId>,
    /// Who shall get the log without a vote.
    pub learners: Vec<NodeId>,
}

impl Wanted {
    /// Whether it is a group that can be.
    pub(super) fn is_sound(&self) -> bool {
        let mut all = self.voters.clone();
        all.extend(&self.learners);
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        all.len() == count
            && !all.contains(&0)
            && count <= MEMBERS_MAX
            && (1..=MAX_VOTERS).contains(&self.voters.len())
    }

    /// What has to change of `conf`, which is not joint; none if nothing has.
    pub(super) fn differs_from(&self, conf: &Conf) -> Option<ConfChangeV2> {
        let single = |kind, id: &NodeId| {
            let mut single = ConfChangeSingle {
                node_id: *id,
                ..ConfChangeSingle::default()
            };
            single.set_change_type(kind);
            single
        };
        let new_voters = self.voters.iter().filter(|id| !conf.voters.contains(id));
        let new_learners = self.learners.iter();
        let new_learners = new_learners.filter(|id| !conf.learners.contains(id));
        let all = conf.voters.iter().chain(&conf.learners);
        let gone = all.filter(|id| !self.voters.contains(id) && !self.learners.contains(id));
        let changes: Vec<ConfChangeSingle> = new_voters
            .map(|id| single(ConfChangeType::AddNode, id))
            .chain(new_learners.map(|id| single(ConfChangeType::AddLearnerNode, id)))
            .chain(gone.map(|id| single(ConfChangeType::RemoveNode, id)))
            .collect();
        (!changes.is_empty()).then(|| ConfChangeV2 {
            changes,
            ..ConfChangeV2::default()
        })
    }
}

/// The change that completes a joint one.
pub(super) fn completion() -> ConfChangeV2 {
    ConfChangeV2::default()
}

/// Reads the data of a membership entry; none if raft-rs could not take it: it panics on values of
/// enums that it does not know.
pub(super) fn decode(data: &[u8]) -> Option<ConfChangeV2> {
    let change = ConfChangeV2::decode(data).ok()?;
    let known = ConfChangeTransition::from_i32(change.transition).is_some()
        && change.changes.len() <= CHANGES_MAX
        && change.context.is_empty()
        && change
            .changes
            .iter()
            .all(|single| ConfChangeType::from_i32(single.change_type).is_some());
    known.then_some(change)
}

/// Ours, from raft-rs's; it keeps its members in no order.
pub(super) fn from_raft(state: ConfState) -> Conf {
    let sorted = |mut ids: Vec<u64>| {
        ids.sort_unstable();
        ids
    };
    Conf {
        voters: sorted(state.voters),
        voters_outgoing: sorted(state.voters_outgoing),
        learners: sorted(state.learners),
        learners_next: sorted(state.learners_next),
        auto_leave: state.auto_leave,
    }
}

/// raft-rs's, from ours.
pub(super) fn to_raft(conf: Conf) -> ConfState {
    ConfState {
        voters: conf.voters,
        learners: conf.learners,
        voters_outgoing: conf.voters_outgoing,
        learners_next: conf.learners_next,
        auto_leave: conf.auto_leave,
    }
}
