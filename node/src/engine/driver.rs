//! What the leader does about the members, tick by tick: it makes the Raft group follow the record, and
//! gives the lead to a replica that is preferred.
//!
//! The record says who shall belong; Raft says who does. The leader compares the two and proposes the
//! difference, one change at a time. A learner that is to vote does so once it has caught up; a leader
//! that is to go hands over first.

use std::collections::BTreeSet;
use std::sync::Arc;

use akashi_domain::records::{Members, Standing};
use akashi_replica::conf::Conf;
use akashi_replica::consensus::{ConfError, RaftCore, Wanted};
use akashi_replica::entry::NodeId;
use tokio::sync::watch;

use super::roster::{LeaderView, Roster};
use crate::telemetry::Metrics;

/// Entries that a learner may lack when it is given its vote: it gets them within one heartbeat.
const LAG_TO_VOTE: u64 = 1_000;
/// Entries that a replica may lack when it is handed the lead because it is preferred.
const LAG_TO_LEAD: u64 = 1_000;
/// Ticks of 50 ms between two attempts to hand over before leaving: longer than one takes.
const LEAVE_TICKS: u64 = 40;
/// Attempts to hand over before the leader leaves without a successor.
const LEAVE_ATTEMPTS: u32 = 5;
/// Ticks that a replica leads before it looks for one that is preferred: ten seconds.
const PREFER_TICKS: u64 = 200;
/// The wait after a hand-over to a preferred replica doubles up to this many ticks: an hour.
const PREFER_TICKS_MAX: u64 = 72_000;

/// Ticks in a second.
const TICKS_PER_SECOND: u64 = 20;
/// Ticks that a decision waits for another site before that is logged: five seconds.
const STALLED_TICKS: u64 = 100;

/// Part of the raft thread.
pub(super) struct Driver {
    me: NodeId,
    priority: u32,
    record: watch::Receiver<Option<Arc<Members>>>,
    conf: watch::Sender<Conf>,
    roster: Arc<Roster>,
    /// Ticks since this replica began to lead.
    led: u64,
    /// When the next attempt to hand over may be made, in those ticks.
    leave_at: u64,
    leave_attempts: u32,
    prefer_after: u64,
    /// Ticks since a majority has had what no other site has.
    stalled: u64,
    metrics: Metrics,
}

impl Driver {
    pub(super) fn new(
        (me, priority): (NodeId, u32),
        record: watch::Receiver<Option<Arc<Members>>>,
        conf: watch::Sender<Conf>,
        roster: Arc<Roster>,
        metrics: Metrics,
    ) -> Self {
        Self {
            me,
            priority,
            record,
            conf,
            roster,
            led: 0,
            leave_at: 0,
            leave_attempts: 0,
            prefer_after: PREFER_TICKS,
            stalled: 0,
            metrics,
        }
    }

    /// Where the members stand, and whether the lead waits for a site.
    fn look_at_sites(&mut self, core: &mut RaftCore) {
        let table = self.roster.table();
        let named = table.members().values().map(|member| member.site.as_str());
        let sites: BTreeSet<&str> = named.collect();
        let number = |site: &str| {
            let place = sites.iter().position(|other| *other == site)?;
            u64::try_from(place.saturating_add(1)).ok()
        };
        let members = table.members().iter();
        core.set_sites(
            members
                .filter_map(|(id, member)| Some((*id, number(&member.site)?)))
                .collect(),
        );
        self.stalled = if core.waits_for_site() {
            self.stalled.saturating_add(1)
        } else {
            0
        };
        if self.stalled == STALLED_TICKS {
            tracing::error!("a majority has entries that no other site has: nothing is decided");
        }
        self.metrics
            .site_commit_stalled(self.stalled.checked_div(TICKS_PER_SECOND).unwrap_or(0));
    }

    /// One tick; `acts` says whether this replica leads and may propose.
    pub(super) fn tick(&mut self, core: &mut RaftCore, acts: bool) {
        self.conf.send_if_modified(|known| {
            let changed = known != core.conf();
            if changed {
                known.clone_from(core.conf());
            }
            changed
        });
        self.look_at_sites(core);
        let role = core.role();
        let view = LeaderView {
            term: role.term,
            followers: core.followers(),
            last_index: core.last_index(),
        };
        if !acts || !role.leader_ready {
            if role.is_leader {
                self.roster.publish(view);
            } else {
                self.roster.publish(LeaderView::default());
            }
            (self.led, self.leave_at, self.leave_attempts) = (0, 0, 0);
            return;
        }
        self.led = self.led.saturating_add(1);
        let record = self.record.borrow().clone();
        if let Some(record) = record {
            let wanted = wanted(&record, core.conf(), &view, self.me);
            // While a change is under way the record may be older than the group: a new leader has not
            // applied yet what it began with.
            if core.is_changing() || !self.leaves_first(core, &wanted, &view) {
                self.propose(core, &wanted);
            }
        }
        self.prefer(core, &view);
        self.roster.publish(view);
    }

    fn propose(&self, core: &mut RaftCore, wanted: &Wanted) {
        match core.propose_conf(wanted) {
            Ok(None) | Err(ConfError::Pending | ConfError::NotLeader | ConfError::Overloaded) => {}
            Ok(Some(at)) => tracing::info!(
                index = at.index,
                voters = ?wanted.voters,
                learners = ?wanted.learners,
                "a change of the group is proposed"
            ),
            // Decided commands leave no such record.
            Err(error @ ConfError::Impossible) => {
                tracing::error!(%error, "the record of members cannot be followed");
            }
        }
    }

    /// Whether this replica is to go and is still trying to hand over.
    fn leaves_first(&mut self, core: &mut RaftCore, wanted: &Wanted, view: &LeaderView) -> bool {
        if wanted.voters.contains(&self.me) || self.leave_attempts >= LEAVE_ATTEMPTS {
            return false;
        }
        if self.led < self.leave_at {
            return true;
        }
        self.leave_at = self.led.saturating_add(LEAVE_TICKS);
        self.leave_attempts = self.leave_attempts.saturating_add(1);
        let successors = core.successors().into_iter();
        let best = successors
            .filter(|id| wanted.voters.contains(id) && self.roster.reaches(*id))
            .max_by_key(|id| view.holds(*id));
        if let Some(to) = best {
            tracing::info!(to, "this leader is to leave the group and hands over");
            if let Err(refused) = core.transfer_leader(to) {
                tracing::debug!(reason = %refused, "leadership is not handed over");
            }
        }
        true
    }

    /// Hands over to a replica that is preferred, reachable and nearly up to date.
    fn prefer(&mut self, core: &mut RaftCore, view: &LeaderView) {
        if self.led < self.prefer_after || core.is_changing() {
            return;
        }
        let preferred = |id: &NodeId| {
            let priority = self.roster.greeting(*id).map_or(0, |said| said.priority);
            let holds = view.holds(*id).unwrap_or_default();
            let current = holds.saturating_add(LAG_TO_LEAD) >= view.last_index;
            (priority > self.priority && current && self.roster.reaches(*id)).then_some(priority)
        };
        let successors = core.successors().into_iter();
        let best = successors
            .filter_map(|id| preferred(&id).map(|priority| (priority, id)))
            .max();
        let Some((_, to)) = best else { return };
        tracing::info!(to, "the lead goes to a replica that is preferred");
        // One that gives it back, because it is fenced for instance, is asked less and less often.
        let wait = self.prefer_after.saturating_mul(2).min(PREFER_TICKS_MAX);
        self.prefer_after = wait;
        self.led = 0;
        if let Err(refused) = core.transfer_leader(to) {
            tracing::debug!(reason = %refused, "leadership is not handed over");
        }
    }
}

/// The group that the record asks for, as far as it can be had now: who is to vote and has not caught up
/// learns first, and meanwhile no voter leaves.
fn wanted(record: &Members, conf: &Conf, view: &LeaderView, me: NodeId) -> Wanted {
    let votes = |id: &NodeId| conf.voters.contains(id);
    let caught_up = |id: NodeId| {
        id == me
            || conf.learners.contains(&id)
                && view
                    .holds(id)
                    .is_some_and(|holds| holds.saturating_add(LAG_TO_VOTE) >= view.last_index)
    };
    let mut wanted = Wanted::default();
    let mut held_back = false;
    for member in &record.members {
        match member.standing {
            Standing::Voter if votes(&member.id) || caught_up(member.id) => {
                wanted.voters.push(member.id);
            }
            Standing::Voter => {
                held_back = true;
                wanted.learners.push(member.id);
            }
            Standing::Learner => wanted.learners.push(member.id),
        }
    }
    if held_back {
        for id in &conf.voters {
            wanted.learners.retain(|learner| learner != id);
            if !wanted.voters.contains(id) {
                wanted.voters.push(*id);
            }
        }
    }
    wanted
}

#[cfg(test)]
mod tests {
    use akashi_domain::records::Member;

    use super::*;

    fn record(voters: &[u64], learners: &[u64]) -> Members {
        let member = |id: &u64, standing| Member {
            id: *id,
            name: format!("n{id}"),
            site: "a".to_owned(),
            peer_address: String::new(),
            client_address: String::new(),
            cosigner: [1; 32],
            standing,
            life: [0; 16],
        };
        let voters = voters.iter().map(|id| member(id, Standing::Voter));
        let learners = learners.iter().map(|id| member(id, Standing::Learner));
        Members {
            version: 1,
            members: voters.chain(learners).collect(),
            quorum: 2,
            removed: Vec::new(),
            key_set: 0,
        }
    }

    fn conf(voters: &[u64], learners: &[u64]) -> Conf {
        Conf {
            learners: learners.to_vec(),
            ..Conf::of(voters.to_vec())
        }
    }

    fn view(followers: &[(u64, u64)]) -> LeaderView {
        LeaderView {
            term: 2,
            followers: followers.to_vec(),
            last_index: 5_000,
        }
    }

    fn asked(record: &Members, conf: &Conf, view: &LeaderView) -> (Vec<u64>, Vec<u64>) {
        let wanted = wanted(record, conf, view, 1);
        (wanted.voters, wanted.learners)
    }

    #[test]
    fn who_is_added_learns_and_who_is_removed_goes() {
        let now = conf(&[1, 2, 3], &[]);
        let found = asked(&record(&[1, 2, 3], &[4]), &now, &view(&[]));
        assert_eq!(found, (vec![1, 2, 3], vec![4]));
        let found = asked(&record(&[1, 2], &[]), &now, &view(&[]));
        assert_eq!(found, (vec![1, 2], vec![]));
    }

    #[test]
    fn who_is_to_vote_does_so_once_it_has_caught_up() {
        let now = conf(&[1, 2, 3], &[4]);
        let to = record(&[1, 2, 3, 4], &[]);
        let behind = asked(&to, &now, &view(&[(4, 3_999)]));
        assert_eq!(behind, (vec![1, 2, 3], vec![4]));
        let near = asked(&to, &now, &view(&[(4, 4_000)]));
        assert_eq!(near, (vec![1, 2, 3, 4], vec![]));
        // One that Raft has not heard of learns first.
        let unknown = asked(&to, &conf(&[1, 2, 3], &[]), &view(&[]));
        assert_eq!(unknown, (vec![1, 2, 3], vec![4]));
    }

    #[test]
    fn nobody_who_votes_goes_while_somebody_who_shall_vote_is_behind() {
        let now = conf(&[1, 2, 3], &[4]);
        let to = record(&[1, 2, 4], &[]);
        let behind = asked(&to, &now, &view(&[(4, 10)]));
        assert_eq!(behind, (vec![1, 2, 3], vec![4]));
        let near = asked(&to, &now, &view(&[(4, 4_900)]));
        assert_eq!(near, (vec![1, 2, 4], vec![]));
        // Even if nobody else is left.
        let alone = asked(&record(&[4], &[]), &conf(&[1], &[4]), &view(&[(4, 10)]));
        assert_eq!(alone, (vec![1], vec![4]));
    }

    #[test]
    fn a_voter_that_is_to_learn_only_gives_its_vote_up() {
        let found = asked(&record(&[1, 2], &[3]), &conf(&[1, 2, 3], &[]), &view(&[]));
        assert_eq!(found, (vec![1, 2], vec![3]));
    }
}
