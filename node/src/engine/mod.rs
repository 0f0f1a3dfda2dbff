//! The replica on its threads: raft, log, apply, seal, verify; and the [`Handle`] to them.
//!
//! ```text
//!   Handle ──commands──▶ raft ──persist──▶ log ──persisted──▶ raft
//!   peers  ──messages──▶   │                └──vowed──▶ seal ◀──applied── apply
//!                          ├──appended──▶ verify pool ──memo──▶ apply
//!                          └──committed─▶ apply ──answers──▶ Handle
//! ```
//!
//! Each thread owns what it works on. They speak over channels that cannot block the raft thread;
//! what bounds memory is the byte budget that a command takes before it enters ([`QUEUE_BYTES_MAX`])
//! and the limits inside `RaftCore`.

mod applied;
mod applied_at;
mod apply_thread;
mod decoded;
mod digester;
mod driver;
mod flush_thread;
mod handle;
mod inputs;
mod lead;
mod log_thread;
mod marks;
mod meeting;
mod membership;
mod raft_thread;
mod roster;
mod seal_thread;
mod snapshots;
mod space;
mod start;
mod threads;
mod verify;
mod vitals;
mod waiters;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};

use akashi_domain::answer::Answer;
use akashi_domain::command::{Command, Request};
use akashi_domain::records::Progress;
use akashi_merkle::{
    CosignerSecret, Hash, Held, HeldReceipt, KeyHistory, KeySet, Receipt, SignedHead,
    consistency_proof, inclusion_proof, multi_inclusion_proof, root_at,
};
use akashi_replica::conf::Conf;
use akashi_replica::consensus::Role;
use akashi_replica::entry::NodeId;
use akashi_replica::machine::StoreView as GenericStoreView;
use akashi_replica::snapshot::History;
use akashi_replica::succession::{history, key_set_at};
use bytes::Bytes;
use tokio::sync::{Semaphore, broadcast, oneshot, watch};
use tokio::time::Instant;

pub use handle::{AppliedEntry, LEADERLESS_MAX, ProposeError, ReadError, ReceiptError, Status};
pub use inputs::Inputs;
pub use start::{Engine, EngineError, EngineGuard, OpenStore, Started};
pub use waiters::Retry;

use crate::clock;
use crate::members::MemberTable;
use crate::peers::{Calls, ForwardError};
use crate::storage::RocksStore;
use crate::telemetry::{Metrics, ProposalResult};
pub(crate) use apply_thread::ApplyInput;
use apply_thread::Position;
use handle::UNFIT_MAX;
use raft_thread::{Pending, RaftInput};
pub(crate) use seal_thread::SealInput;
use verify::carries_proofs;

/// Reads records, leaves and tree nodes of this replica.
pub type StoreView = GenericStoreView<RocksStore>;

/// Bytes of commands that may wait in this node; above, callers are told that it is busy.
pub const QUEUE_BYTES_MAX: usize = 32 * 1_024 * 1_024;
/// Applied entries that a slow subscriber may be behind before it has to look at the state again.
const EVENTS_BEHIND_MAX: usize = 8_192;
/// How long an answer from the leader waits for this node to have applied it too. A caller that needs
/// it for certain reads with `min_log_index`.
const CATCH_UP: std::time::Duration = std::time::Duration::from_millis(100);
/// Pause before a command is handed to a leader that just said it is none: lets the news arrive.
const RETRY_PAUSE: std::time::Duration = std::time::Duration::from_millis(10);
/// How long a leader that was replaced may still answer what it was handed.
const LAST_WORDS: std::time::Duration = std::time::Duration::from_millis(50);

/// What the rest of the node may ask of the replica. Cheap to clone.
///
/// Every wait ends at the caller's deadline at the latest. Any node takes any command: one that does
/// not lead hands it to the leader, and again, under the same request id, if the leader changes.
#[derive(Clone, Debug)]
pub struct Handle {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    me: NodeId,
    raft: Sender<RaftInput>,
    budget: Arc<Semaphore>,
    calls: Calls,
    view: StoreView,
    role: watch::Receiver<Role>,
    position: watch::Receiver<Position>,
    events: broadcast::Sender<Arc<AppliedEntry>>,
    sealed: watch::Receiver<Option<Arc<SignedHead>>>,
    fenced: watch::Receiver<Option<String>>,
    /// What is missing since this node started from a snapshot.
    history: watch::Receiver<Option<History>>,
    committed: Arc<AtomicU64>,
    durable: Arc<AtomicU64>,
    connected: Arc<Mutex<BTreeSet<NodeId>>>,
    holder: Holder,
    applied: applied::AppliedByAll,
    roster: Arc<roster::Roster>,
    conf: watch::Receiver<Conf>,
    metrics: Metrics,
}

/// The cosigning key, for what a node says in its own name.
struct Holder(CosignerSecret);

impl std::fmt::Debug for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Holder([redacted])")
    }
}

impl Handle {
    /// Has `request` decided and applied, by whichever node leads.
    ///
    /// # Errors
    ///
    /// [`ProposeError`]. After `DeadlineExceeded` the command may or may not have taken effect; the
    /// same request id asks again safely.
    pub async fn propose(
        &self,
        request: Request,
        deadline: Instant,
    ) -> Result<Answer, ProposeError> {
        let mut leaderless = Leaderless::default();
        let mut unfit = None;
        let proposal = Proposal::of(request);
        loop {
            if self.shared.fenced.borrow().is_some() {
                return Err(ProposeError::Fenced);
            }
            let attempt = self.attempt(&proposal, deadline);
            match tokio::time::timeout_at(deadline, attempt).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(Retry::Busy)) => {
                    self.shared.metrics.proposal(ProposalResult::Busy);
                    return Err(ProposeError::Busy);
                }
                Ok(Err(Retry::NotLeader)) => unfit = None,
                Ok(Err(Retry::ClocksDisagree)) => unfit = Some(ProposeError::ClocksDisagree),
                Ok(Err(Retry::DiskFull)) => unfit = Some(ProposeError::DiskFull),
                Err(_elapsed) => return Err(unfit.unwrap_or(ProposeError::DeadlineExceeded)),
            }
            if let Some(why) = unfit
                && clock::runtime().saturating_duration_since(leaderless.since()) >= UNFIT_MAX
            {
                self.shared.metrics.proposal(ProposalResult::Unfit);
                return Err(why);
            }
            match self.wait_for_leader(&mut leaderless, deadline).await {
                Found::Leader => {}
                Found::Nobody => {
                    self.shared.metrics.proposal(ProposalResult::Unavailable);
                    return Err(ProposeError::Unavailable);
                }
                Found::Late => return Err(unfit.unwrap_or(ProposeError::DeadlineExceeded)),
            }
        }
    }

    async fn attempt(&self, proposal: &Proposal, deadline: Instant) -> Result<Answer, Retry> {
        let role = *self.shared.role.borrow();
        match role.leader {
            Some(leader) if leader == self.shared.me => {
                let answer = self.propose_here(proposal.clone()).await?;
                self.shared.metrics.proposal(ProposalResult::Proposed);
                Ok(answer)
            }
            Some(leader) => {
                let request = proposal.bytes.clone();
                let forward = self.shared.calls.forward(leader, request, deadline);
                let answer = tokio::select! {
                    answer = forward => answer,
                    // It may be frozen: the next one gives the first answer under the same id.
                    () = self.deposed(leader) => Err(ForwardError::NotLeader),
                };
                match answer {
                    Ok(answer) => {
                        self.shared.metrics.proposal(ProposalResult::Forwarded);
                        // The caller may read its own write from this node.
                        let index = answer.placement.log_index;
                        let soon = clock::runtime().checked_add(CATCH_UP).unwrap_or(deadline);
                        if self.wait_applied(index, soon.min(deadline)).await.is_err() {
                            tracing::debug!(index, "this node has not applied what it forwarded");
                        }
                        Ok(answer)
                    }
                    Err(ForwardError::Busy) => Err(Retry::Busy),
                    Err(ForwardError::ClocksDisagree) => Err(Retry::ClocksDisagree),
                    Err(ForwardError::DiskFull) => Err(Retry::DiskFull),
                    Err(ForwardError::NotLeader) => Err(Retry::NotLeader),
                }
            }
            None => Err(Retry::NotLeader),
        }
    }

    /// Until somebody else than `leader` leads, and a moment longer: its answer may be on its way.
    async fn deposed(&self, leader: NodeId) {
        let mut role = self.shared.role.clone();
        let another = role.wait_for(|role| role.leader.is_some_and(|other| other != leader));
        if another.await.is_err() {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(LAST_WORDS).await;
    }

    /// Has a request decided if this node leads.
    async fn propose_here(&self, proposal: Proposal) -> Result<Answer, Retry> {
        let permits = u32::try_from(proposal.bytes.len()).unwrap_or(u32::MAX);
        let permit = Arc::clone(&self.shared.budget)
            .try_acquire_many_owned(permits)
            .map_err(|_full| Retry::Busy)?;
        let (reply, answer) = oneshot::channel();
        self.shared
            .raft
            .send(RaftInput::Propose(Pending {
                request: proposal.bytes,
                proofs: proposal.proofs,
                reply,
                permit,
            }))
            .map_err(|_stopped| Retry::NotLeader)?;
        answer.await.unwrap_or(Err(Retry::NotLeader))
    }

    /// Waits until this node knows a leader that is worth another attempt.
    async fn wait_for_leader(&self, leaderless: &mut Leaderless, deadline: Instant) -> Found {
        let mut role = self.shared.role.clone();
        let until = leaderless
            .since()
            .checked_add(LEADERLESS_MAX)
            .unwrap_or(deadline);
        let give_up = until.min(deadline);
        let seen = *role.borrow_and_update();
        // The leader that refused may be the one this node still believes in: give the news a moment.
        let pause = clock::runtime()
            .checked_add(RETRY_PAUSE)
            .unwrap_or(deadline)
            .min(give_up);
        if seen.leader.is_some() {
            drop(tokio::time::timeout_at(pause, role.changed()).await);
        } else {
            let known = role.wait_for(|role| role.leader.is_some());
            if tokio::time::timeout_at(give_up, known)
                .await
                .is_ok_and(|found| found.is_ok())
            {
                return Found::Leader;
            }
        }
        let now = clock::runtime();
        if now >= deadline {
            Found::Late
        } else if now >= until {
            Found::Nobody
        } else {
            Found::Leader
        }
    }

    /// Waits until this node's state is at least as fresh as everything acknowledged before the call.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub async fn read_index(&self, deadline: Instant) -> Result<Progress, ReadError> {
        let mut leaderless = Leaderless::default();
        loop {
            if self.shared.fenced.borrow().is_some() {
                return Err(ReadError::Fenced);
            }
            let role = *self.shared.role.borrow();
            let attempt = async {
                match role.leader {
                    Some(leader) if leader == self.shared.me => self.read_here().await,
                    Some(leader) => tokio::select! {
                        index = self.shared.calls.read_index(leader, deadline) => {
                            index.map_err(|_refused| Retry::NotLeader)
                        }
                        () = self.deposed(leader) => Err(Retry::NotLeader),
                    },
                    None => Err(Retry::NotLeader),
                }
            };
            match tokio::time::timeout_at(deadline, attempt).await {
                Ok(Ok(index)) => return self.wait_applied(index, deadline).await,
                Ok(Err(
                    Retry::NotLeader | Retry::Busy | Retry::ClocksDisagree | Retry::DiskFull,
                )) => {}
                Err(_elapsed) => return Err(ReadError::DeadlineExceeded),
            }
            match self.wait_for_leader(&mut leaderless, deadline).await {
                Found::Leader => {}
                Found::Nobody => return Err(ReadError::Unavailable),
                Found::Late => return Err(ReadError::DeadlineExceeded),
            }
        }
    }

    async fn read_here(&self) -> Result<u64, Retry> {
        let (reply, index) = oneshot::channel();
        self.shared
            .raft
            .send(RaftInput::Read(reply))
            .map_err(|_stopped| Retry::NotLeader)?;
        index.await.unwrap_or(Err(Retry::NotLeader))
    }

    /// Waits until this node has applied `log_index`.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub async fn wait_applied(
        &self,
        log_index: u64,
        deadline: Instant,
    ) -> Result<Progress, ReadError> {
        let mut position = self.shared.position.clone();
        let reached = position.wait_for(|position| position.progress.log_index >= log_index);
        match tokio::time::timeout_at(deadline, reached).await {
            Ok(Ok(position)) => Ok(position.progress),
            Ok(Err(_stopped)) => Err(ReadError::Unavailable),
            Err(_elapsed) => Err(ReadError::DeadlineExceeded),
        }
    }

    /// Up to where every node of the cluster has applied the log, as far as this one was told.
    #[must_use]
    pub fn applied_by_all(&self) -> watch::Receiver<u64> {
        self.shared.applied.watch()
    }

    /// How far this node has come.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.shared.position.borrow().progress
    }

    /// This node's state.
    #[must_use]
    pub fn view(&self) -> StoreView {
        self.shared.view.clone()
    }

    /// Applied entries from now on. A subscriber that lags must look at the state again.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<AppliedEntry>> {
        self.shared.events.subscribe()
    }

    /// The newest sealed head.
    #[must_use]
    pub fn sealed(&self) -> watch::Receiver<Option<Arc<SignedHead>>> {
        self.shared.sealed.clone()
    }

    /// The members of the cluster, as they change.
    #[must_use]
    pub fn members(&self) -> watch::Receiver<Arc<MemberTable>> {
        self.shared.roster.watch()
    }

    /// Why this node serves nothing, once it does not.
    #[must_use]
    pub fn fenced(&self) -> watch::Receiver<Option<String>> {
        self.shared.fenced.clone()
    }

    /// Who leads, as far as this node knows.
    #[must_use]
    pub fn role(&self) -> watch::Receiver<Role> {
        self.shared.role.clone()
    }

    /// The receipt of a leaf under the newest sealed head.
    ///
    /// # Errors
    ///
    /// [`ReceiptError`].
    pub fn receipt(&self, leaf_index: u64) -> Result<Receipt, ReceiptError> {
        let leaf = self.leaf(leaf_index)?.ok_or(ReceiptError::UnknownLeaf)?;
        let sealed = self
            .shared
            .sealed
            .borrow()
            .clone()
            .ok_or(ReceiptError::NotSealed)?;
        if leaf_index >= sealed.head.size {
            return Err(ReceiptError::NotSealed);
        }
        let keys = key_set_at(&self.shared.view, sealed.head.size)
            .map_err(|_refused| ReceiptError::Storage)?
            .ok_or(ReceiptError::NotSealed)?;
        let path = inclusion_proof(&self.shared.view, leaf_index, sealed.head.size)
            .map_err(|_refused| self.refused())?;
        let signed_head = sealed
            .to_quorum(&keys)
            .map_err(|_short| ReceiptError::NotSealed)?;
        Ok(Receipt {
            leaf,
            index: leaf_index,
            path,
            signed_head,
        })
    }

    /// The canonical bytes of a leaf.
    ///
    /// # Errors
    ///
    /// [`ReadError::Storage`], and [`ReadError::Incomplete`] for a leaf that is missing since this
    /// node started from a snapshot.
    pub fn leaf(&self, index: u64) -> Result<Option<Vec<u8>>, ReadError> {
        let leaf = self
            .shared
            .view
            .leaf(index)
            .map_err(|_refused| ReadError::Storage)?;
        let lacks = |history: History| history.lacks(index);
        if leaf.is_none() && self.shared.history.borrow().is_some_and(lacks) {
            return Err(ReadError::Incomplete);
        }
        Ok(leaf)
    }

    /// Why the tree cannot be read: parts of it are not here yet, or the store refuses.
    fn refused(&self) -> ReadError {
        match *self.shared.history.borrow() {
            Some(history) if !history.is_whole() => ReadError::Incomplete,
            Some(_) | None => ReadError::Storage,
        }
    }

    /// Proof that the tree of `from` leaves is a prefix of the tree of `to`.
    ///
    /// # Errors
    ///
    /// [`ReadError::Storage`] also if the sizes are beyond the tree.
    pub fn consistency(&self, from: u64, to: u64) -> Result<Vec<Hash>, ReadError> {
        consistency_proof(&self.shared.view, from, to).map_err(|_refused| self.refused())
    }

    /// Proof that the leaves at `indices`, strictly ascending, are leaves of the tree of `size`.
    ///
    /// # Errors
    ///
    /// [`ReadError::Storage`] also if an index or the size is beyond the tree.
    pub fn multi_proof(&self, indices: &[u64], size: u64) -> Result<Vec<Hash>, ReadError> {
        multi_inclusion_proof(&self.shared.view, indices, size).map_err(|_refused| self.refused())
    }

    /// Root of the tree when it had `size` leaves.
    ///
    /// # Errors
    ///
    /// [`ReadError::Storage`] also if the size is beyond the tree.
    pub fn root_at(&self, size: u64) -> Result<Hash, ReadError> {
        root_at(&self.shared.view, size).map_err(|_refused| self.refused())
    }

    /// By which keys and quorum the newest heads are checked; none before the cluster is founded.
    #[must_use]
    pub fn key_set(&self) -> Option<KeySet> {
        key_set_at(&self.shared.view, u64::MAX).ok()?
    }

    /// The key sets whose ends lie at or behind `from_size`, `limit` changes at most, and whether there are
    /// more; none before the cluster is founded.
    ///
    /// # Errors
    ///
    /// [`ReadError::Storage`]; [`ReadError::Unavailable`] if this node started from another's state and lacks a
    /// head.
    pub fn key_history(
        &self,
        from_size: u64,
        limit: usize,
    ) -> Result<Option<(KeyHistory, bool)>, ReadError> {
        let page = history(&self.shared.view, from_size, limit);
        match page.map_err(|_refused| ReadError::Storage)? {
            Some(page) if page.lacking => Err(ReadError::Unavailable),
            Some(page) => Ok(Some((page.history, page.more))),
            None => Ok(None),
        }
    }

    /// Signs that this node received something which nobody decides at present. Nothing is stored.
    #[must_use]
    pub fn hold(&self, held: Held) -> HeldReceipt {
        self.shared.holder.0.hold(held)
    }

    /// This node as an operator sees it.
    #[must_use]
    pub fn status(&self) -> Status {
        let position = *self.shared.position.borrow();
        let role = *self.shared.role.borrow();
        let sealed = self.shared.sealed.borrow().as_ref().map(|sealed| {
            let signatures = u32::try_from(sealed.signatures.len()).unwrap_or(u32::MAX);
            (sealed.head.size, sealed.head.root, signatures)
        });
        let view = self.shared.roster.view();
        let connected = self
            .shared
            .connected
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        Status {
            node_id: self.shared.me,
            is_leader: role.is_leader,
            leader: role.leader,
            term: role.term,
            committed_index: self.shared.committed.load(Ordering::Acquire),
            durable_index: self.shared.durable.load(Ordering::Acquire),
            progress: position.progress,
            tree_root: position.root,
            state_hash: position.state_hash,
            sealed,
            fenced: self.shared.fenced.borrow().clone(),
            history_missing: self
                .shared
                .history
                .borrow()
                .map(|history| history.base.saturating_sub(history.next)),
            connected: connected.iter().copied().collect(),
            members: self.shared.roster.table(),
            conf: self.shared.conf.borrow().clone(),
            followers: view.followers,
        }
    }

    /// Asks this node to hand leadership to `to`, or to the best follower; returns who leads then.
    ///
    /// # Errors
    ///
    /// [`ProposeError::Unavailable`] if this node does not lead; [`ProposeError::DeadlineExceeded`]
    /// if nobody took over in time.
    pub async fn transfer_leader(
        &self,
        to: Option<NodeId>,
        deadline: Instant,
    ) -> Result<Option<NodeId>, ProposeError> {
        let mut role = self.shared.role.clone();
        if !role.borrow().is_leader {
            return Err(ProposeError::Unavailable);
        }
        self.shared
            .raft
            .send(RaftInput::Transfer(to))
            .map_err(|_stopped| ProposeError::Unavailable)?;
        let handed = role.wait_for(|role| !role.is_leader && role.leader.is_some());
        match tokio::time::timeout_at(deadline, handed).await {
            Ok(Ok(role)) => Ok(role.leader),
            Ok(Err(_stopped)) => Err(ProposeError::Unavailable),
            Err(_elapsed) => Err(ProposeError::DeadlineExceeded),
        }
    }
}

/// A request on its way into the log: encoded once, whoever leads and however often that changes.
#[derive(Clone, Debug)]
struct Proposal {
    bytes: Bytes,
    /// Its command, if there may be proofs in it: the pool begins with them before anybody decodes.
    proofs: Option<Box<Command>>,
}

impl Proposal {
    fn of(request: Request) -> Self {
        Self {
            bytes: request.encode().into(),
            proofs: carries_proofs(&request.command).then(|| Box::new(request.command)),
        }
    }
}

/// Since when a call has been looking for a leader.
#[derive(Debug, Default)]
struct Leaderless(Option<Instant>);

impl Leaderless {
    fn since(&mut self) -> Instant {
        *self.0.get_or_insert_with(clock::runtime)
    }
}

enum Found {
    Leader,
    Nobody,
    Late,
}

/// Ends the process at once: it must not acknowledge, vote or sign any more.
fn stop_process(what: &str, error: &dyn std::error::Error) -> ! {
    let cause = error.source().map(ToString::to_string).unwrap_or_default();
    tracing::error!(error = %error, cause, "{what}: this node stops");
    std::process::abort()
}
