//! What others may ask a [`RaftCore`]; nothing here changes it.

use std::collections::BTreeSet;

use raft::StateRole;

use super::RaftCore;
use crate::consensus::output::Role;
use crate::entry::NodeId;

impl RaftCore {
    /// Where this replica stands now.
    #[must_use]
    pub fn role(&self) -> Role {
        let raft = &self.raw.raft;
        let is_leader = raft.state == StateRole::Leader;
        Role {
            term: raft.term,
            leader: self.leader(),
            is_leader,
            leader_ready: is_leader && raft.commit_to_current_term(),
        }
    }

    /// Index of the last entry in the log, on disk or not.
    #[must_use]
    pub fn last_index(&self) -> u64 {
        self.raw.raft.raft_log.last_index()
    }

    /// Index of the last entry known to be decided. Never falls while this replica runs.
    #[must_use]
    pub fn commit_index(&self) -> u64 {
        self.raw.raft.raft_log.committed
    }

    /// Term of the entry at `index`, if the log has it.
    #[must_use]
    pub fn term_at(&self, index: u64) -> Option<u64> {
        self.raw
            .raft
            .raft_log
            .term(index)
            .ok()
            .filter(|term| *term != 0)
    }

    /// Bytes of proposals not yet handed out as committed; only meaningful on a leader.
    #[must_use]
    pub fn uncommitted_bytes(&self) -> usize {
        self.raw.raft.uncommitted_size()
    }

    /// Reads waiting for a round or inside one.
    #[must_use]
    pub fn waiting_reads(&self) -> usize {
        self.reads.len()
    }

    /// For each other member, in order, whether it votes or not: the last index it is known to hold.
    /// Empty unless leading.
    #[must_use]
    pub fn followers(&self) -> Vec<(NodeId, u64)> {
        if self.raw.raft.state != StateRole::Leader {
            return Vec::new();
        }
        let members = self.conf.members();
        let progress = self.raw.raft.prs();
        members
            .into_iter()
            .filter(|member| *member != self.config.id)
            .filter_map(|member| Some((member, progress.get(member)?.matched)))
            .collect()
    }

    /// The followers that have asked since the last call for entries that the log has dropped: they
    /// cannot catch up from this log. Empty unless leading.
    #[must_use]
    pub fn take_behind(&self) -> BTreeSet<NodeId> {
        self.raw.store().take_behind()
    }

    /// Index of the last entry that the log has dropped: whoever lacks it cannot catch up from here.
    #[must_use]
    pub fn log_starts_after(&self) -> u64 {
        self.raw.store().base().0
    }

    /// The group this core belongs to.
    #[must_use]
    pub fn group(&self) -> u16 {
        self.config.group
    }
}
