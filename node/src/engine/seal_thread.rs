//! The seal thread: drives the [`Sealer`] with time, peers, apply and the log.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use akashi_domain::entry::Sealed;
use akashi_domain::ids::Digest;
use akashi_domain::records::{Cluster, KeySetChange};
use akashi_merkle::{Hash, SignedHead};
use akashi_replica::agreement::{Agreement, StateDigest};
use akashi_replica::entry::NodeId;
use akashi_replica::marks::{MarkProposal, Marker};
use akashi_replica::seal::{
    Effect, FenceReason, SEAL_INTERVAL_MS, SEAL_RETRY_MS, SealMessage, Sealer,
};
use tokio::sync::{mpsc, watch};

use super::apply_thread::ApplyInput;
use super::log_thread::LogInput;
use super::raft_thread::RaftInput;
use super::stop_process;
use super::vitals::Vitals;
use crate::clock;
use crate::peers::Outbox;
use crate::storage::fence;
use crate::telemetry::Metrics;

/// What the seal thread is told.
#[derive(Debug)]
pub(crate) enum SealInput {
    /// The founding entry is applied: who signs is known.
    Founded(Cluster),
    /// The key set ends with the tree of this size.
    Succeeded {
        /// What follows it.
        change: KeySetChange,
        /// Root over its leaves.
        root: Hash,
    },
    /// The sealed head with which a key set ended is on disk.
    Kept(u64),
    /// An entry is applied and left this tree.
    Applied {
        /// Its index.
        index: u64,
        /// Leaves.
        size: u64,
        /// Root over them.
        root: Hash,
    },
    /// The vow of this size is on disk.
    Vowed(u64),
    /// A peer said something.
    Message(NodeId, SealMessage),
    /// This entry, a mark, is applied.
    Marked(u64),
    /// The state as of this mark is being digested.
    Began(u64),
    /// The state as of this mark is not digested.
    LeftOut(u64),
    /// The state of this replica was digested.
    Digested(StateDigest),
    /// A digest is recorded.
    Recorded {
        /// The leaf that says so.
        leaf: u64,
        /// The entry that said so.
        at: u64,
        /// The mark and its digest.
        said: StateDigest,
    },
    /// Another replica needs a snapshot, and this one keeps none that helps.
    SnapshotWanted,
    /// The audit log is whole again, and this replica computed the root that was sealed without it, or
    /// another one.
    Settled(bool),
    /// A peer said what its state digests to.
    TheirDigest(NodeId, StateDigest),
    /// Who votes has changed.
    Voters(Vec<NodeId>),
    /// Whether this replica leads.
    Leads(bool),
    /// End.
    Stop,
}

/// What the seal thread tells.
pub(super) struct SealOutputs {
    pub(super) raft: Sender<RaftInput>,
    pub(super) log: Sender<LogInput>,
    pub(super) apply: Sender<ApplyInput>,
    pub(super) peers: Outbox,
    pub(super) sealed: watch::Sender<Option<Arc<SignedHead>>>,
    pub(super) fenced: watch::Sender<Option<String>>,
    pub(super) vitals: Arc<Vitals>,
    /// Where a fence is put up.
    pub(super) directory: PathBuf,
    /// What this replica has to propose of marks while it leads.
    pub(super) marks: mpsc::UnboundedSender<MarkProposal>,
    pub(super) metrics: Metrics,
}

/// What decides whether a head may be signed.
pub(super) struct Checks {
    pub(super) agreement: Agreement,
    pub(super) marker: Marker,
    /// This replica started from a snapshot, and has not shown yet that it has what it would sign.
    pub(super) silent: bool,
}

impl Checks {
    /// The largest tree whose head may be signed.
    fn limit(&self) -> u64 {
        if self.silent {
            0
        } else {
            self.agreement.limit()
        }
    }
}

/// Runs until told to stop.
pub(super) fn run(
    mut sealer: Sealer,
    mut checks: Checks,
    inputs: &Receiver<SealInput>,
    out: &SealOutputs,
) {
    let mut applied_since_ms = None;
    // Nothing to sign yet: nothing to do.
    drop(sealer.sign_up_to(checks.limit()));
    loop {
        let wait_ms = if sealer.is_idle() {
            SEAL_RETRY_MS
        } else {
            SEAL_INTERVAL_MS
        };
        let mut effects = match inputs.recv_timeout(Duration::from_millis(wait_ms)) {
            Ok(SealInput::Founded(cluster)) => {
                sealer.founded(&cluster);
                Vec::new()
            }
            Ok(SealInput::Succeeded { change, root }) => {
                sealer.succeeded(&change);
                sealer.applied(change.boundary(), root, now_ms())
            }
            Ok(SealInput::Kept(size)) => sealer.kept(size, now_ms()),
            Ok(SealInput::Applied { index, size, root }) => {
                applied_since_ms = applied_since_ms.or(Some(now_ms()));
                checks.marker.applied(index);
                sealer.applied(size, root, now_ms())
            }
            Ok(SealInput::Vowed(size)) => sealer.vowed(size, now_ms()),
            Ok(SealInput::Message(from, message)) => sealer.message(from, &message, now_ms()),
            Ok(SealInput::Leads(leads)) => {
                sealer.role(leads);
                checks.marker.role(leads);
                Vec::new()
            }
            Ok(SealInput::Stop) | Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) => sealer.tick(now_ms()),
            Ok(
                check @ (SealInput::Marked(_)
                | SealInput::Began(_)
                | SealInput::LeftOut(_)
                | SealInput::Digested(_)
                | SealInput::Recorded { .. }
                | SealInput::TheirDigest(..)
                | SealInput::Voters(_)
                | SealInput::SnapshotWanted
                | SealInput::Settled(_)),
            ) => differs(&mut sealer, take(&mut checks, check, out)),
        };
        effects.extend(sealer.sign_up_to(checks.limit()));
        for effect in effects {
            perform(effect, &mut applied_since_ms, out);
        }
        if let Some(own) = checks.agreement.tick(now_ms()) {
            out.peers.state_digest(own);
        }
        if let Some(proposal) = checks.marker.tick(&checks.agreement, now_ms())
            && out.marks.send(proposal).is_err()
        {
            tracing::trace!("nobody proposes marks any more: the node is going down");
        }
    }
}

/// Takes in what was said about states.
fn take(checks: &mut Checks, input: SealInput, out: &SealOutputs) -> Option<FenceReason> {
    let Checks {
        agreement,
        marker,
        silent,
    } = checks;
    match input {
        SealInput::Marked(index) => marker.marked(index, now_ms()),
        SealInput::Began(index) => agreement.began(index),
        SealInput::LeftOut(index) => agreement.left_out(index),
        SealInput::Digested(own) => {
            out.peers.state_digest(own);
            return agreement.digested(own, now_ms());
        }
        SealInput::Recorded { leaf, at, said } => {
            marker.recorded(said.index, at);
            return agreement.recorded(leaf, said);
        }
        SealInput::TheirDigest(from, theirs) => return agreement.heard(from, theirs),
        SealInput::Voters(voters) => agreement.members(voters),
        SealInput::SnapshotWanted => marker.ask(),
        SealInput::Settled(true) => *silent = false,
        SealInput::Settled(false) => return Some(FenceReason::OtherRoot),
        SealInput::Founded(_)
        | SealInput::Succeeded { .. }
        | SealInput::Kept(_)
        | SealInput::Applied { .. }
        | SealInput::Vowed(_)
        | SealInput::Message(..)
        | SealInput::Leads(_)
        | SealInput::Stop => {}
    }
    None
}

/// A replica whose state is not that of a quorum signs nothing more either.
fn differs(sealer: &mut Sealer, found: Option<FenceReason>) -> Vec<Effect> {
    found.map_or_else(Vec::new, |reason| sealer.fence(reason))
}

/// Whoever listens to these channels is gone only when the node is going down.
fn perform(effect: Effect, applied_since_ms: &mut Option<u64>, out: &SealOutputs) {
    match effect {
        Effect::Vow(vow) => drop(out.log.send(LogInput::Vow(vow))),
        Effect::Broadcast(message) => out.peers.seal(&message),
        Effect::Sealed(head) => {
            if let Some(since) = applied_since_ms.take() {
                let waited = Duration::from_millis(now_ms().saturating_sub(since));
                out.metrics.sealed(waited);
            }
            let (size, root) = (head.head.size, head.head.root);
            drop(out.apply.send(ApplyInput::Head {
                size,
                note: head.to_text(),
            }));
            drop(out.raft.send(RaftInput::Sealed(Sealed {
                size,
                root: Digest(root),
            })));
            out.sealed.send_replace(Some(Arc::new(head)));
        }
        Effect::Fence(reason) => {
            out.metrics.diverged();
            tracing::error!(reason = %reason, "this replica is fenced and serves nothing any more");
            out.fenced.send_replace(Some(reason.to_string()));
            out.vitals.fence();
            drop(out.raft.send(RaftInput::Halted(true)));
            if let Err(error) = fence::put_up(&out.directory, reason) {
                stop_process("the fence cannot be put up", &error);
            }
        }
        Effect::Halt => {
            out.metrics.diverged();
            tracing::error!(
                "replicas signed different roots and none has a quorum: all stand still"
            );
            let why = "halted: the replicas signed different roots, and none has a quorum yet";
            out.fenced.send_replace(Some(why.to_owned()));
            drop(out.raft.send(RaftInput::Halted(true)));
        }
        Effect::Resume => {
            tracing::warn!("a quorum of replicas agrees again");
            out.fenced.send_replace(None);
            drop(out.raft.send(RaftInput::Halted(false)));
        }
    }
}

fn now_ms() -> u64 {
    clock::unix_us().checked_div(1_000).unwrap_or_default()
}
