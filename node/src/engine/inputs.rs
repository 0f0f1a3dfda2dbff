//! What comes in by the peer port, handed to whom it concerns; nothing here waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Sender;

use akashi_domain::answer::Answer;
use akashi_domain::command::Request;
use akashi_replica::agreement::StateDigest;
use akashi_replica::entry::NodeId;
use akashi_replica::seal::SealMessage;
use tokio::sync::watch;

use super::applied::AppliedByAll;
use super::raft_thread::RaftInput;
use super::roster::Roster;
use super::seal_thread::SealInput;
use super::vitals::Vitals;
use super::{Handle, Proposal, Retry};
use crate::peers::{Boxed, Greeting, Outbox, PeerInputs, PeerVitals, TurnedAway};

/// What the peer port hands in.
#[derive(Debug)]
pub struct Inputs {
    pub(super) raft: Sender<RaftInput>,
    pub(super) seal: Sender<SealInput>,
    pub(super) all_have: Arc<AtomicU64>,
    pub(super) applied: AppliedByAll,
    pub(super) vitals: Arc<Vitals>,
    pub(super) peers: Outbox,
    pub(super) roster: Arc<Roster>,
    pub(super) snapshot_wanted: watch::Sender<u64>,
    pub(super) handle: Handle,
}

impl PeerInputs for Inputs {
    fn greeted(&self, from: NodeId, greeting: Greeting) -> Result<(), TurnedAway> {
        self.roster.greeted(from, greeting)
    }

    fn hears(&self, from: NodeId, life: [u8; 16]) -> bool {
        self.roster.hears(from, life)
    }

    fn takes_calls(&self, from: NodeId) -> bool {
        self.roster.takes_calls(from)
    }

    fn raft(&self, from: NodeId, bytes: Vec<u8>) {
        drop(self.raft.send(RaftInput::Peer { from, bytes }));
    }

    fn seal(&self, from: NodeId, message: SealMessage) {
        drop(self.seal.send(SealInput::Message(from, message)));
    }

    fn state_digest(&self, from: NodeId, theirs: StateDigest) {
        drop(self.seal.send(SealInput::TheirDigest(from, theirs)));
    }

    fn all_have(&self, index: u64) {
        self.all_have.fetch_max(index, Ordering::AcqRel);
    }

    fn applied(&self, from: NodeId, index: u64) {
        self.applied.says(from, index);
    }

    fn vitals_asked(&self, from: NodeId, asked_us: u64) {
        self.peers.vitals(from, asked_us, self.vitals.told());
    }

    fn vitals_told(&self, from: NodeId, asked_us: u64, told: PeerVitals) {
        self.vitals.heard(from, asked_us, told);
    }

    fn log_starts_after(&self, from: NodeId, index: u64) {
        let shared = &self.handle.shared;
        let leads = shared.role.borrow().leader == Some(from);
        if leads && shared.committed.load(Ordering::Acquire) < index {
            self.snapshot_wanted.send_if_modified(|wanted| {
                let more = index > *wanted;
                *wanted = index.max(*wanted);
                more
            });
        }
    }

    fn forwarded(&self, request: Request) -> Boxed<Result<Answer, Retry>> {
        let handle = self.handle.clone();
        Box::pin(async move {
            // What only a leader says of itself is not taken from anybody else.
            if request.command.is_leaders_own() {
                return Err(Retry::NotLeader);
            }
            let fenced = handle.shared.fenced.borrow().is_some();
            if fenced || !handle.shared.role.borrow().is_leader {
                return Err(Retry::NotLeader);
            }
            handle.propose_here(Proposal::of(request)).await
        })
    }

    fn read_index(&self) -> Boxed<Result<u64, Retry>> {
        let handle = self.handle.clone();
        Box::pin(async move { handle.read_here().await })
    }
}
