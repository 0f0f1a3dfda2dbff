//! What a [`RaftCore`] leaves undone when it is told to: entries it does not take yet, leadership it does
//! not want. Its votes stay what they are.

use raft::eraftpb::{Message, MessageType};
use raft::{INVALID_ID, StateRole};

use super::RaftCore;
use crate::consensus::gate::{self, Admitted};

impl RaftCore {
    /// Takes entries stamped up to `limit` (microseconds) from now on, and only if there is `room` for
    /// them. Others are withheld: not acknowledged, not rejected, not in the log. Without a call,
    /// everything is taken.
    pub fn take_entries(&mut self, limit: u64, room: bool) {
        self.withheld.set_limit(limit);
        self.withheld.set_room(room);
        while let Some(message) = self.withheld.next() {
            let settled = self.settled();
            let from = message.from;
            match gate::check(&self.config, &self.raw, settled, from, message) {
                Ok(Admitted::Step(message)) => self.step(message),
                Ok(Admitted::Hold(_) | Admitted::Ignore) | Err(_) => {}
            }
        }
    }

    /// The newest stamp of the append that waits because it lies too far ahead.
    #[must_use]
    pub fn waiting_stamp(&self) -> Option<u64> {
        self.withheld.waiting()
    }

    /// Whether this replica must not lead: it does not stand for election, and takes no leadership
    /// that is handed to it. It votes, and what it leads already it leads on until it has handed over
    /// or [`RaftCore::step_down`] is called.
    pub fn abstain(&mut self, abstains: bool) {
        self.abstains = abstains;
        let stands = matches!(
            self.raw.raft.state,
            StateRole::Candidate | StateRole::PreCandidate
        );
        if abstains && stands {
            self.follow_nobody();
        }
    }

    /// Gives leadership up without a successor: somebody else is elected after an election timeout.
    pub fn step_down(&mut self) {
        if self.raw.raft.state == StateRole::Leader {
            self.follow_nobody();
        }
    }

    /// Keeps a replica that abstains just beyond the shortest election timeout: it never stands by itself,
    /// and it no longer takes a silent leader for alive, so that others get its vote.
    pub(super) fn wait_for_others(&mut self) {
        let shortest = self.config.election_ticks;
        let raft = &mut self.raw.raft;
        if self.abstains && raft.state != StateRole::Leader && raft.election_elapsed >= shortest {
            raft.election_elapsed = shortest.saturating_sub(1);
        }
    }

    fn follow_nobody(&mut self) {
        let term = self.raw.raft.term;
        self.raw.raft.become_follower(term, INVALID_ID);
    }
}

/// Whether a message tells this replica to take leadership over.
pub(super) fn asks_to_lead(message: &Message) -> bool {
    MessageType::from_i32(message.msg_type) == Some(MessageType::MsgTimeoutNow)
}
