//! Whether the raft thread's replica should lead, and handing over when it should not.

use akashi_replica::consensus::RaftCore;

use super::vitals::{Unfit, Vitals};

/// Ticks between two attempts of a leader that must not lead: longer than a willing successor takes.
const TRY_EVERY_TICKS: u64 = 4;
/// Ticks between two attempts of one that only should not. While it tries it takes no commands, and the
/// successor may not be willing.
const TRY_SELDOM_TICKS: u64 = 100;
/// Ticks after which a leader that must not lead gives up without a successor: two election timeouts.
const STEP_DOWN_TICKS: u64 = 40;

/// A handing over that is under way.
#[derive(Debug, Default)]
pub(super) struct HandingOver {
    why: Option<Unfit>,
    ticks: u64,
    /// When to try (again).
    next: u64,
}

impl HandingOver {
    /// One tick has passed.
    pub(super) fn tick(&mut self, core: &mut RaftCore, vitals: &Vitals) {
        vitals.voters(&core.conf().voters);
        let unfit = vitals.unfit();
        core.abstain(unfit.is_some_and(Unfit::never));
        let Some(why) = unfit.filter(|_| core.role().is_leader) else {
            *self = Self::default();
            return;
        };
        if self.why != Some(why) {
            *self = Self {
                why: Some(why),
                ..Self::default()
            };
        }
        let every = if why.never() {
            TRY_EVERY_TICKS
        } else {
            TRY_SELDOM_TICKS
        };
        if self.ticks == STEP_DOWN_TICKS && why.never() {
            tracing::error!(why = why.why(), "nobody takes over: this leader steps down");
            core.step_down();
        } else if self.ticks >= self.next && hand_over(core, vitals, why) {
            self.next = self.ticks.saturating_add(every);
        }
        self.ticks = self.ticks.saturating_add(1);
    }
}

/// Tells the fittest follower to take over. Returns whether there is one.
fn hand_over(core: &mut RaftCore, vitals: &Vitals, why: Unfit) -> bool {
    let may_lead = core.successors();
    let mut followers = core.followers();
    followers.retain(|(peer, _)| may_lead.contains(peer));
    let anybody = || {
        let best = followers.iter().max_by_key(|(_, has)| *has);
        best.map(|(peer, _)| *peer).filter(|_| why.never())
    };
    let Some(to) = vitals.successor(&followers).or_else(anybody) else {
        return false;
    };
    tracing::warn!(why = why.why(), to, "leadership is handed over");
    if let Err(refused) = core.transfer_leader(to) {
        tracing::debug!(reason = %refused, "leadership is not handed over");
    }
    true
}
