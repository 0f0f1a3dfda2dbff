//! The group: proposing changes, and letting them count.

use raft::{INVALID_ID, StateRole};

use super::RaftCore;
use crate::conf::{Conf, Standing};
use crate::consensus::change::{self, Wanted};
use crate::consensus::output::{ConfError, Proposed};
use crate::entry::{EntryKind, LogEntry, NodeId};

/// Elections that a preferred replica loses in a row before it lets others pass.
const LOST_MAX: u32 = 3;

impl RaftCore {
    /// Proposes whatever is missing to make the group the wanted one, if this replica leads; none if
    /// nothing is. A change that is joint and was not completed is completed first.
    ///
    /// A leader that shall leave may propose that too, and stops leading when it is decided. Handing
    /// over first spares the group an election.
    ///
    /// # Errors
    ///
    /// [`ConfError`]; nothing was appended.
    pub fn propose_conf(&mut self, wanted: &Wanted) -> Result<Option<Proposed>, ConfError> {
        let raft = &self.raw.raft;
        if raft.state != StateRole::Leader || raft.lead_transferee.is_some() {
            return Err(ConfError::NotLeader);
        }
        if !wanted.is_sound() {
            return Err(ConfError::Impossible);
        }
        // raft-rs would put an empty entry in the place of a change that comes too early.
        if raft.has_pending_conf() {
            return Err(ConfError::Pending);
        }
        let missing = if self.conf.is_joint() {
            change::completion()
        } else if let Some(missing) = wanted.differs_from(&self.conf) {
            missing
        } else {
            return Ok(None);
        };
        if self.raw.propose_conf_change(Vec::new(), missing).is_err() {
            return Err(ConfError::Overloaded);
        }
        Ok(Some(Proposed {
            term: self.raw.raft.term,
            index: self.last_index(),
        }))
    }

    /// The group in force.
    #[must_use]
    pub const fn conf(&self) -> &Conf {
        &self.conf
    }

    /// Whether a change was proposed, or inherited with the leadership, that is not applied yet, or is
    /// applied and not complete. Only meaningful on a leader.
    #[must_use]
    pub fn is_changing(&self) -> bool {
        self.conf.is_joint() || self.raw.raft.has_pending_conf()
    }

    /// What this replica may do in the group.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.conf.standing(self.config.id)
    }

    /// The other members that could lead and are to stay, ascending.
    #[must_use]
    pub fn successors(&self) -> Vec<NodeId> {
        let others = self.conf.voters.iter().copied();
        others.filter(|id| *id != self.config.id).collect()
    }

    /// Says where the members stand, each site by a number from 1; which number does not matter. Counts only
    /// with [`CoreConfig::two_sites`](crate::consensus::CoreConfig::two_sites). A member that is left out
    /// counts for no site.
    pub fn set_sites(&mut self, sites: Vec<(NodeId, u64)>) {
        let known = sites.into_iter().filter(|(_, site)| *site != 0);
        let sites: Vec<(NodeId, u64)> = known.collect();
        if self.config.two_sites && self.sites != sites {
            self.sites = sites;
            self.raw.raft.clear_commit_group();
            self.raw.raft.assign_commit_groups(&self.sites);
        }
    }

    /// Whether a majority has an entry that is not decided because no other site has it. Only meaningful on
    /// a leader.
    #[must_use]
    pub fn waits_for_site(&self) -> bool {
        if !self.config.two_sites || self.raw.raft.state != StateRole::Leader {
            return false;
        }
        let progress = self.raw.raft.prs();
        let held = |id: &NodeId| progress.get(*id).map_or(0, |of| of.matched);
        let mut held: Vec<u64> = self.conf.voters.iter().map(held).collect();
        held.sort_unstable();
        // Ascending: a majority holds what the one in the lower middle holds.
        let majority = held.len().saturating_sub(1) >> 1;
        let majority = held.get(majority).copied().unwrap_or_default();
        majority > self.commit_index()
    }

    /// Lets the changes among entries that are about to be handed out count, and puts the group that
    /// each of them led to in the place of its data.
    pub(super) fn change_group(&mut self, committed: &mut [LogEntry]) {
        let changes = committed.iter_mut();
        for entry in changes.filter(|entry| entry.kind == EntryKind::Membership) {
            self.apply_change(entry.index, &entry.data);
            entry.data = self.conf.encode();
        }
    }

    /// One that cannot be applied changes nothing, on every replica alike: what it is applied to follows
    /// from the same log.
    fn apply_change(&mut self, index: u64, data: &[u8]) {
        let Some(change) = change::decode(data) else {
            tracing::error!(index, "a membership entry does not decode");
            return;
        };
        match self.raw.apply_conf_change(&change) {
            Ok(state) => {
                self.conf = change::from_raft(state);
                tracing::info!(
                    index,
                    voters = ?self.conf.voters,
                    outgoing = ?self.conf.voters_outgoing,
                    learners = ?self.conf.learners,
                    "the group has changed"
                );
            }
            Err(error) => {
                tracing::warn!(index, %error, "a membership entry has no effect");
            }
        }
        // raft-rs lets a leader go on that has left the group, and panics when it then looks for its own
        // progress.
        if self.raw.raft.state != StateRole::Follower && !self.raw.raft.promotable() {
            let term = self.raw.raft.term;
            self.raw.raft.become_follower(term, INVALID_ID);
        }
        // raft-rs knows nothing of where a new member stands. Not before the step above: this may decide.
        if self.config.two_sites {
            self.raw.raft.assign_commit_groups(&self.sites);
        }
    }

    /// A replica that is preferred refuses its vote to others whose logs are no longer than its own. One
    /// that cannot be elected itself would keep the group from electing anybody: it lets others pass until
    /// somebody leads.
    pub(super) fn insist(&mut self) {
        if self.leader().is_some() {
            self.lost = 0;
        }
        let priority = if self.lost < LOST_MAX {
            self.config.priority
        } else {
            0
        };
        self.raw.set_priority(priority);
    }

    /// raft-rs makes a lone voter leader at once, and asserts that its whole log is on disk by then.
    pub(super) fn may_stand(&self) -> bool {
        !self.raw.raft.prs().is_singleton() || self.settled()
    }
}
