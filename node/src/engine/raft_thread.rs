//! The raft thread: owns the [`RaftCore`], packs commands into entries, stamps them, and hands out
//! what the core wants done. It never touches a disk or a socket.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError};
use std::time::{Duration, Instant};

use akashi_domain::command::Command;
use akashi_domain::entry::{Entry, EntryHead, Sealed};
use akashi_domain::ids::Stamp;
use akashi_domain::limits::REQUESTS_PER_ENTRY_MAX;
use akashi_replica::clocks::Moment;
use akashi_replica::consensus::{Output, ProposeError, RaftCore, Role};
use akashi_replica::entry::{EntryKind, LogEntry, NodeId};
use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, oneshot, watch};

use super::applied_at::AppliedAt;
use super::apply_thread::ApplyInput;
use super::decoded::Decoded;
use super::driver::Driver;
use super::lead::HandingOver;
use super::log_thread::LogInput;
use super::seal_thread::SealInput;
use super::verify::VerifyPool;
use super::vitals::{Vitals, moment};
use super::waiters::{Reply, Retry, Waiters};
use crate::peers::Outbox;
use crate::telemetry::{Metrics, ProposalResult};
use crate::{clock, entropy};

/// Length of one Raft tick.
pub(super) const TICK: Duration = Duration::from_millis(50);
/// Ticks between two looks at who is behind the log: a follower that is says so with every heartbeat.
const BEHIND_LOOK_TICKS: u64 = 20;
/// Inputs taken in one turn: bounds how long the first of them waits for the core's output.
const TURN_MAX: usize = 4_096;
/// Bytes of commands in one entry: leaves room for stamp and lengths below the core's 1 MiB.
const ENTRY_BYTES_MAX: usize = 960 * 1_024;

/// One command with where its answer goes. The permit gives its bytes back to the queue's budget.
#[derive(Debug)]
pub(super) struct Pending {
    /// The request, encoded.
    pub(super) request: Bytes,
    /// Its command, if there may be proofs in it.
    pub(super) proofs: Option<Box<Command>>,
    pub(super) reply: Reply,
    pub(super) permit: OwnedSemaphorePermit,
}

/// What the raft thread is told.
#[derive(Debug)]
pub(super) enum RaftInput {
    /// A command for the log.
    Propose(Pending),
    /// Confirm how far the log is decided.
    Read(oneshot::Sender<Result<u64, Retry>>),
    /// A message from another replica.
    Peer {
        /// Who sent it, by certificate.
        from: NodeId,
        /// The encoded message.
        bytes: Vec<u8>,
    },
    /// A peer cannot be reached.
    Unreachable(NodeId),
    /// Everything up to this `Persist` is on disk.
    Persisted(u64),
    /// What was waited for is applied ([`AppliedAt`]).
    Applied,
    /// Entries read back from disk.
    Fetched {
        /// First index asked for.
        from: u64,
        /// The entries.
        entries: Vec<LogEntry>,
    },
    /// The log on disk has dropped everything up to this index.
    Compacted(u64),
    /// A new newest sealed head.
    Sealed(Sealed),
    /// Whether this replica must take no commands: it is fenced, or the replicas disagree.
    Halted(bool),
    /// Hand leadership over.
    Transfer(Option<NodeId>),
    /// End.
    Stop,
}

/// Where the raft thread's outputs go.
pub(super) struct RaftOutputs {
    pub(super) log: Sender<LogInput>,
    pub(super) apply: Sender<ApplyInput>,
    pub(super) seal: Sender<SealInput>,
    pub(super) peers: Outbox,
    pub(super) pool: VerifyPool,
    pub(super) decoded: Decoded,
    pub(super) applied: Arc<AppliedAt>,
    pub(super) waiters: Arc<Waiters>,
    pub(super) role: watch::Sender<Role>,
    pub(super) committed: Arc<AtomicU64>,
    /// Every replica has the log up to here, as far as is known.
    pub(super) all_have: Arc<AtomicU64>,
    pub(super) timer_due: Arc<AtomicBool>,
    pub(super) vitals: Arc<Vitals>,
    pub(super) metrics: Metrics,
}

/// The thread's own state.
pub(super) struct RaftThread {
    core: RaftCore,
    out: RaftOutputs,
    driver: Driver,
    pending: Vec<Pending>,
    /// The newest write of entries that the log has not reported back.
    writing: Option<u64>,
    /// The newest term in which this thread packed an entry: all of that term's are its own.
    packed: Option<u64>,
    reads: BTreeMap<u64, oneshot::Sender<Result<u64, Retry>>>,
    next_read: u64,
    sealed: Option<Sealed>,
    role: Role,
    halted: bool,
    handing_over: HandingOver,
    ticks: u64,
    /// Followers that need a snapshot.
    behind: BTreeSet<NodeId>,
}

impl RaftThread {
    pub(super) fn new(
        core: RaftCore,
        out: RaftOutputs,
        driver: Driver,
        sealed: Option<Sealed>,
    ) -> Self {
        Self {
            core,
            out,
            driver,
            pending: Vec::new(),
            writing: None,
            packed: None,
            reads: BTreeMap::new(),
            next_read: 0,
            sealed,
            role: Role::default(),
            halted: false,
            handing_over: HandingOver::default(),
            ticks: 0,
            behind: BTreeSet::new(),
        }
    }

    /// Runs until told to stop.
    pub(super) fn run(mut self, inputs: &Receiver<RaftInput>) {
        let mut next_tick = clock::monotonic() + TICK;
        self.hand_out();
        loop {
            let wait = next_tick.saturating_duration_since(clock::monotonic());
            let first = match inputs.recv_timeout(wait) {
                Ok(input) => Some(input),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            let mut taken = 0;
            let mut next = first;
            while let Some(input) = next {
                if !self.take(input) {
                    self.out.waiters.lead_lost();
                    return;
                }
                taken += 1;
                next = match inputs.try_recv() {
                    Ok(input) if taken < TURN_MAX => Some(input),
                    Ok(input) => {
                        if !self.take(input) {
                            return;
                        }
                        None
                    }
                    Err(TryRecvError::Empty | TryRecvError::Disconnected) => None,
                };
            }
            if clock::monotonic() >= next_tick {
                next_tick = self.tick(next_tick);
            }
            self.core.applied(self.out.applied.index());
            self.propose_pending();
            self.hand_out();
            if self.core.waits_for_apply() {
                self.out.applied.want();
                self.core.applied(self.out.applied.index());
                self.hand_out();
            }
        }
    }

    /// Returns whether to go on.
    fn take(&mut self, input: RaftInput) -> bool {
        self.core.proposal_follows(!self.pending.is_empty());
        match input {
            RaftInput::Propose(pending) => self.pending.push(pending),
            RaftInput::Read(reply) => self.read(reply),
            RaftInput::Peer { from, bytes } => {
                if let Err(rejected) = self.core.peer(from, &bytes) {
                    tracing::warn!(peer = from, reason = %rejected, "a raft message was refused");
                }
            }
            RaftInput::Unreachable(peer) => self.core.unreachable(peer),
            RaftInput::Persisted(number) => {
                self.writing = self.writing.filter(|writing| *writing > number);
                self.core.persisted(number);
            }
            // Looked at in every turn.
            RaftInput::Applied => {}
            RaftInput::Fetched { from, entries } => self.core.fetched(from, entries),
            RaftInput::Compacted(index) => self.core.compacted(index),
            RaftInput::Sealed(sealed) => self.sealed = Some(sealed),
            RaftInput::Halted(halted) => {
                self.halted = halted;
                // Their answers would come from a state that no quorum has.
                self.out.waiters.lead_lost();
            }
            RaftInput::Transfer(to) => self.transfer(to),
            RaftInput::Stop => return false,
        }
        true
    }

    fn tick(&mut self, due: Instant) -> Instant {
        self.core.tick();
        self.look_at_followers();
        let (limit, room) = self.out.vitals.intake(self.core.waiting_stamp());
        self.core.take_entries(limit, room);
        self.handing_over.tick(&mut self.core, &self.out.vitals);
        let acts = self.role.leader_ready && !self.halted;
        self.driver.tick(&mut self.core, acts);
        let now = moment();
        // A timer fires by the time of an entry, so it waits for a clock that may stamp one.
        if self.role.leader_ready && !self.halted && self.out.vitals.may_stamp(now).is_ok() {
            if self.out.timer_due.swap(false, Ordering::AcqRel) {
                self.propose(Vec::new(), now);
            }
            let due_by = ApplyInput::CheckTimers(Stamp(now.unix_us));
            drop(self.out.apply.send(due_by));
        }
        // After a pause of the process, go on from now: no burst of ticks.
        (due + TICK).max(clock::monotonic())
    }

    /// Up to where all replicas have the log, and who needs what is dropped.
    fn look_at_followers(&mut self) {
        // Of the core, not of this thread, which learns later that it no longer leads.
        if self.core.role().is_leader {
            let slowest = self.core.followers().into_iter().map(|(_, has)| has).min();
            let all_have = slowest.unwrap_or(u64::MAX);
            self.out.all_have.fetch_max(all_have, Ordering::AcqRel);
        }
        self.ticks = self.ticks.wrapping_add(1);
        if !self.ticks.is_multiple_of(BEHIND_LOOK_TICKS) {
            return;
        }
        let behind = self.core.take_behind();
        self.out.metrics.behind_log(behind.len());
        let starts_after = self.core.log_starts_after();
        for peer in &behind {
            self.out.peers.log_starts_after(*peer, starts_after);
        }
        for peer in behind.difference(&self.behind) {
            tracing::warn!(
                peer,
                starts_after,
                "a replica lacks entries that the log has dropped: it needs a snapshot"
            );
        }
        self.behind = behind;
    }

    fn read(&mut self, reply: oneshot::Sender<Result<u64, Retry>>) {
        let ctx = self.next_read;
        self.next_read = self.next_read.wrapping_add(1);
        match self.core.read_index(ctx) {
            Ok(()) => drop(self.reads.insert(ctx, reply)),
            Err(akashi_replica::consensus::ReadError::NotLeader { .. }) => {
                tell(reply, Err(Retry::NotLeader));
            }
            Err(akashi_replica::consensus::ReadError::Overloaded) => {
                tell(reply, Err(Retry::Busy));
            }
        }
    }

    fn transfer(&mut self, to: Option<NodeId>) {
        let best = || {
            let successors = self.core.successors();
            let followers = self.core.followers().into_iter();
            followers
                .filter(|(id, _)| successors.contains(id))
                .max_by_key(|(_, at)| *at)
                .map(|(id, _)| id)
        };
        if let Some(to) = to.or_else(best)
            && let Err(refused) = self.core.transfer_leader(to)
        {
            tracing::debug!(reason = %refused, "leadership is not handed over");
        }
    }

    /// Packs what waits into as few entries as the limits allow. While entries are being written,
    /// commands gather: they could not be synced earlier anyway, and each entry has its price on
    /// every replica.
    fn propose_pending(&mut self) {
        if self.halted {
            give_back(std::mem::take(&mut self.pending), Retry::NotLeader);
        }
        let now = moment();
        if self.role.is_leader
            && !self.pending.is_empty()
            && let Err(why) = self.out.vitals.may_stamp(now)
        {
            give_back(std::mem::take(&mut self.pending), why);
        }
        let gather = self.role.is_leader
            && self.writing.is_some()
            && self.pending.len() < REQUESTS_PER_ENTRY_MAX;
        while !gather && !self.pending.is_empty() {
            let mut bytes = 0_usize;
            let mut count = 0;
            for pending in &self.pending {
                bytes = bytes.saturating_add(pending.request.len());
                if count > 0 && (bytes > ENTRY_BYTES_MAX || count >= REQUESTS_PER_ENTRY_MAX) {
                    break;
                }
                count += 1;
            }
            let rest = self.pending.split_off(count);
            let batch = std::mem::replace(&mut self.pending, rest);
            self.propose(batch, now);
        }
    }

    fn propose(&mut self, batch: Vec<Pending>, now: Moment) {
        let Ok(random) = entropy::bytes() else {
            give_back(batch, Retry::Busy);
            return;
        };
        let head = EntryHead {
            stamp: Stamp(now.unix_us),
            random,
            sealed: self.sealed,
        };
        let count = batch.len();
        let mut requests = Vec::with_capacity(count);
        let mut replies = Vec::with_capacity(count);
        let mut proofs = Vec::new();
        for Pending {
            request,
            reply,
            permit,
            proofs: carried,
        } in batch
        {
            requests.push(request);
            replies.push(reply);
            proofs.extend(carried.map(|command| (head.stamp, *command)));
            drop(permit);
        }
        let data = Entry::pack(&head, &requests);
        let bytes = data.len();
        match self.core.propose(data) {
            Ok(at) => {
                self.packed = Some(at.term);
                self.out.pool.enter(proofs, bytes);
                self.out.metrics.entry_packed(count);
                if count > 0 {
                    self.out.waiters.wait(at.index, at.term, replies);
                }
            }
            Err(ProposeError::NotLeader { .. }) => {
                self.out.metrics.proposal(ProposalResult::Unavailable);
                refuse(replies, Retry::NotLeader);
            }
            Err(ProposeError::Overloaded | ProposeError::TooLarge | ProposeError::Empty) => {
                self.out.metrics.proposal(ProposalResult::Busy);
                refuse(replies, Retry::Busy);
            }
        }
    }

    /// Whoever listens to these channels is gone only when the node is going down.
    fn hand_out(&mut self) {
        while let Some(output) = self.core.drain() {
            let Output {
                send,
                persist,
                committed,
                reads,
                reads_lost,
                role,
                fetch,
            } = output;
            self.out.peers.raft(send);
            if let Some(persist) = persist {
                if !persist.entries.is_empty() {
                    self.writing = Some(persist.number);
                }
                // Before the write, so that the pool works meanwhile.
                self.look_through(&persist.entries);
                drop(self.out.log.send(LogInput::Persist(persist)));
            }
            if !committed.is_empty() {
                drop(self.out.apply.send(ApplyInput::Committed(committed)));
            }
            for read in reads {
                if let Some(reply) = self.reads.remove(&read.ctx) {
                    tell(reply, Ok(read.index));
                }
            }
            for ctx in reads_lost {
                if let Some(reply) = self.reads.remove(&ctx) {
                    tell(reply, Err(Retry::NotLeader));
                }
            }
            for fetch in fetch {
                drop(self.out.log.send(LogInput::Fetch(fetch)));
            }
            if let Some(role) = role {
                self.role_changed(role);
            }
        }
        let committed = self.core.commit_index();
        if self.out.committed.swap(committed, Ordering::AcqRel) != committed {
            self.out
                .metrics
                .raft(self.role.is_leader, self.role.term, committed);
        }
    }

    /// Hands proofs of others' entries to the pool, and the decoded entries to apply. The proofs of its
    /// own entries were handed over when they were packed.
    fn look_through(&self, entries: &[LogEntry]) {
        let others = |entry: &&LogEntry| {
            entry.kind == EntryKind::Normal
                && !entry.data.is_empty()
                && self.packed != Some(entry.term)
        };
        for entry in entries.iter().filter(others) {
            // Apply says what is wrong with one that does not decode.
            let Ok(decoded) = Entry::decode(&entry.data) else {
                continue;
            };
            let bytes = entry.data.len();
            self.out.pool.appended(&decoded, bytes);
            let at = (entry.index, entry.term);
            self.out.decoded.keep(at, bytes, decoded);
        }
    }

    fn role_changed(&mut self, role: Role) {
        if self.role.is_leader && !role.is_leader {
            self.out.waiters.lead_lost();
        }
        if self.role.leader != role.leader || self.role.is_leader != role.is_leader {
            self.out.metrics.leader_changed();
            tracing::info!(
                term = role.term,
                leader = role.leader,
                leads = role.is_leader,
                "leader"
            );
        }
        self.role = role;
        drop(self.out.seal.send(SealInput::Leads(role.leader_ready)));
        self.out
            .metrics
            .raft(role.is_leader, role.term, self.core.commit_index());
        self.out.role.send_replace(role);
    }
}

/// A caller whose deadline passed is gone, and that is all there is to it.
fn tell(reply: oneshot::Sender<Result<u64, Retry>>, result: Result<u64, Retry>) {
    if reply.send(result).is_err() {
        tracing::trace!("a reader did not wait");
    }
}

fn give_back(batch: Vec<Pending>, why: Retry) {
    refuse(
        batch.into_iter().map(|pending| pending.reply).collect(),
        why,
    );
}

fn refuse(replies: Vec<Reply>, why: Retry) {
    for reply in replies {
        drop(reply.send(Err(why)));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use akashi_domain::command::{CreateTenant, Request};
    use akashi_domain::ids::{ClientId, RequestId};
    use akashi_domain::kv::Changes;
    use akashi_replica::consensus::{CoreConfig, Recovered};
    use opentelemetry_sdk::metrics::SdkMeterProvider;
    use tokio::sync::Semaphore;

    use super::super::roster::Roster;
    use super::*;

    #[test]
    fn a_leader_that_is_fenced_takes_no_commands_and_answers_none() {
        let (mut thread, log) = leader_of_one();
        let mut before = propose(&mut thread);
        thread.propose_pending();
        thread.hand_out();
        assert!(log.try_iter().count() > 0, "proposed");
        assert!(before.try_recv().is_err(), "and not decided yet");
        assert!(thread.take(RaftInput::Halted(true)));
        assert_eq!(before.try_recv(), Ok(Err(Retry::NotLeader)));
        let mut after = propose(&mut thread);
        thread.propose_pending();
        thread.hand_out();
        assert_eq!(after.try_recv(), Ok(Err(Retry::NotLeader)));
        assert_eq!(log.try_iter().count(), 0);
    }

    fn propose(
        thread: &mut RaftThread,
    ) -> oneshot::Receiver<Result<akashi_domain::answer::Answer, Retry>> {
        let (reply, answer) = oneshot::channel();
        let request = Request {
            id: RequestId([1; 16]),
            client: ClientId([2; 16]),
            not_after: Stamp(u64::MAX),
            command: Command::CreateTenant(CreateTenant {
                tenant: "retail".to_owned(),
            }),
        };
        let permit = Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap();
        assert!(thread.take(RaftInput::Propose(Pending {
            request: request.encode().into(),
            proofs: None,
            reply,
            permit
        })));
        answer
    }

    /// A thread whose core leads a group of one, and what it wants written.
    fn leader_of_one() -> (RaftThread, Receiver<LogInput>) {
        let (log, written) = channel();
        let metrics = Metrics::new(&SdkMeterProvider::builder().build());
        let out = RaftOutputs {
            log,
            apply: channel().0,
            seal: channel().0,
            peers: Outbox::default(),
            pool: VerifyPool::start(&Changes::new(), 0, metrics.clone()).unwrap(),
            decoded: Decoded::default(),
            applied: Arc::default(),
            waiters: Arc::default(),
            role: watch::channel(Role::default()).0,
            committed: Arc::default(),
            all_have: Arc::default(),
            timer_due: Arc::default(),
            vitals: Arc::new(Vitals::new(1, vec![1], metrics.clone())),
            metrics,
        };
        let core = RaftCore::new(CoreConfig::new(1, vec![1]), Recovered::default()).unwrap();
        let (_table, table) = watch::channel(Arc::default());
        let role = watch::channel(Role::default()).1;
        let roster = Roster::new(table, role, Arc::default(), out.metrics.clone());
        let driver = Driver::new(
            (1, 0),
            watch::channel(None).1,
            watch::channel(core.conf().clone()).0,
            Arc::new(roster),
            out.metrics.clone(),
        );
        let mut thread = RaftThread::new(core, out, driver, None);
        thread.core.campaign();
        while !thread.role.leader_ready {
            thread.hand_out();
            for input in written.try_iter() {
                if let LogInput::Persist(persist) = input {
                    assert!(thread.take(RaftInput::Persisted(persist.number)));
                }
            }
        }
        (thread, written)
    }
}
