//! [`RaftCore`]: feeds raft-rs and sorts what comes out; see the module above for the rules.
//!
//! This must never block, read a clock or draw a random number, and never hand raft-rs anything
//! the gate or the checks here have not seen.

use std::collections::VecDeque;

use raft::eraftpb::{Message, MessageType};
use raft::{Config, INVALID_ID, RawNode, Ready, StateRole};

use super::config::{CoreConfig, MAX_VOTERS, Recovered, StartError};
use super::gate::{self, Admitted, FrameRejected};
use super::output::{HandoverError, Output, Persist, ProposeError, Proposed, ReadError, Role};
use super::reads::Reads;
use super::tail::Tail;
use super::{logging, outbound, start};
use crate::conf::Conf;
use crate::entry::{HardState, LogEntry, NodeId};

mod membership;
mod restraint;
mod status;
mod withheld;

use restraint::asks_to_lead;
use withheld::Withheld;

/// Bytes of committed entries handed out in one step, so that the driver stays responsive.
const MAX_COMMITTED_BYTES_PER_STEP: u64 = 4 * 1024 * 1024;

/// Votes kept back until our own candidacy is on disk: at most one honest one per voter of two groups.
const MAX_HELD_VOTES: usize = 2 * MAX_VOTERS;

/// One replica's part in one Raft group.
pub struct RaftCore {
    config: CoreConfig,
    raw: RawNode<Tail>,
    /// Elections this replica stood for since it started: the draw of the next timeout.
    elections: u64,
    /// Elections it stood for since it last followed somebody or led.
    lost: u32,
    /// Number of the last Ready taken from raft-rs.
    last_ready: u64,
    /// Number of the last [`Persist`] handed out.
    issued: u64,
    /// Number of the last [`Persist`] that must be synced.
    sync_issued: u64,
    /// Highest number reported [`persisted`](Self::persisted).
    acknowledged: u64,
    /// The vote record as of the last [`Persist`] that carried one.
    recorded: HardState,
    /// The vote record as of the last Ready.
    seen: HardState,
    /// Index of the last entry handed out as committed.
    handed_out: u64,
    /// Batches handed out and not yet applied: last index and bytes.
    unapplied: VecDeque<(u64, usize)>,
    unapplied_bytes: usize,
    reads: Reads,
    /// The term in which `reads` arrived, while this replica leads it.
    leading: Option<u64>,
    held: Vec<Message>,
    /// The group in force.
    conf: Conf,
    withheld: Withheld,
    /// Whether this replica must not lead.
    abstains: bool,
    /// Where its members stand, as numbers from 1.
    sites: Vec<(NodeId, u64)>,
    reported: Option<Role>,
}

impl RaftCore {
    /// Starts from what the disk gave back. The first [`drain`](Self::drain) hands out everything
    /// that was committed and not applied.
    ///
    /// # Errors
    ///
    /// [`StartError`]: the node must not serve with such a disk or such settings.
    pub fn new(config: CoreConfig, recovered: Recovered) -> Result<Self, StartError> {
        start::check_config(&config, recovered.conf.as_ref())?;
        let (applied, on_disk) = (recovered.applied, recovered.hard_state);
        let founded = || Conf::of(config.voters.clone());
        let conf = recovered.conf.clone().unwrap_or_else(founded);
        let mut withheld = Withheld::default();
        for entry in &recovered.entries {
            withheld.has(withheld::stamp_of(&entry.data));
        }
        let (tail, hard_state) = start::check_recovered(&config, recovered)?;
        let settings = Config {
            id: config.id,
            election_tick: config.election_ticks,
            heartbeat_tick: config.heartbeat_ticks,
            applied,
            max_size_per_msg: wide(config.max_entry_bytes),
            max_inflight_msgs: config.max_inflight,
            check_quorum: true,
            pre_vote: true,
            batch_append: true,
            priority: config.priority,
            max_uncommitted_size: wide(config.max_uncommitted_bytes),
            max_committed_size_per_ready: MAX_COMMITTED_BYTES_PER_STEP,
            // Safe reads only: `Config::default` says so, and nothing here changes it.
            ..Config::default()
        };
        let raw = RawNode::new(&settings, tail, &logging::logger()).map_err(|error| {
            tracing::error!(%error, "raft refused to start");
            StartError::Refused
        })?;
        let mut core = Self {
            raw,
            elections: 0,
            lost: 0,
            last_ready: 0,
            issued: 0,
            sync_issued: 0,
            acknowledged: 0,
            recorded: on_disk,
            seen: hard_state,
            handed_out: applied,
            unapplied: VecDeque::new(),
            unapplied_bytes: 0,
            reads: Reads::default(),
            leading: None,
            held: Vec::new(),
            conf,
            withheld,
            abstains: false,
            sites: Vec::new(),
            reported: None,
            config,
        };
        core.raw.mut_store().evict(applied);
        core.raw.raft.enable_group_commit(core.config.two_sites);
        Ok(core)
    }

    // ---- inputs ----------------------------------------------------------------------------

    /// One tick of the driver's clock has passed.
    pub fn tick(&mut self) {
        self.wait_for_others();
        let timeout = self.election_timeout();
        self.raw.raft.set_randomized_election_timeout(timeout);
        let led = self.raw.raft.state == StateRole::Leader;
        if !led && !self.may_stand() {
            return;
        }
        if self.raw.tick() && !led {
            self.elections = self.elections.saturating_add(1);
            self.lost = self.lost.saturating_add(1);
        }
        self.insist();
    }

    /// Appends one entry, if this replica leads.
    ///
    /// Call [`drain`](Self::drain) after a batch of proposals rather than after each: appends to
    /// the same follower are then joined.
    ///
    /// # Errors
    ///
    /// [`ProposeError`]; nothing was appended.
    pub fn propose(&mut self, data: Vec<u8>) -> Result<Proposed, ProposeError> {
        if data.is_empty() {
            return Err(ProposeError::Empty);
        }
        if data.len() > self.config.max_entry_bytes {
            return Err(ProposeError::TooLarge);
        }
        // A follower of raft-rs would forward the proposal, without an answer ever coming back.
        if self.raw.raft.state != StateRole::Leader {
            return Err(ProposeError::NotLeader {
                leader: self.leader(),
            });
        }
        if let Some(successor) = self.raw.raft.lead_transferee {
            return Err(ProposeError::NotLeader {
                leader: Some(successor),
            });
        }
        if self.raw.propose(Vec::new(), data).is_err() {
            return Err(ProposeError::Overloaded);
        }
        Ok(Proposed {
            term: self.raw.raft.term,
            index: self.last_index(),
        })
    }

    /// Takes one message that the connection's authenticated `from` has sent.
    ///
    /// # Errors
    ///
    /// [`FrameRejected`]: the frame was dropped and nothing changed; count it and close the stream.
    pub fn peer(&mut self, from: NodeId, bytes: &[u8]) -> Result<(), FrameRejected> {
        let settled = self.settled();
        match gate::admit(&self.config, &self.raw, settled, from, bytes)? {
            Admitted::Step(message) if self.abstains && asks_to_lead(&message) => {}
            Admitted::Step(message) => {
                let known = heartbeat_of(&message);
                if let Some(message) = self.withheld.pass(message) {
                    self.step(message);
                }
                if let Some(known) = known {
                    self.say_base(from, known);
                }
            }
            Admitted::Hold(message) => {
                if self.held.len() < MAX_HELD_VOTES {
                    self.held.push(message);
                }
            }
            Admitted::Ignore => {}
        }
        Ok(())
    }

    /// The log has synced the [`Persist`] with this number and all before it.
    pub fn persisted(&mut self, number: u64) {
        if number <= self.acknowledged {
            return;
        }
        if number > self.issued {
            tracing::error!("the log reports a write that was never ordered");
            return;
        }
        self.acknowledged = number;
        // Readies after the last Persist had nothing to write: they are on disk with it.
        let ready = if number == self.issued {
            self.last_ready
        } else {
            number
        };
        self.raw.on_persist_ready(ready);
        for message in std::mem::take(&mut self.held) {
            let settled = self.settled();
            let from = message.from;
            match gate::check(&self.config, &self.raw, settled, from, message) {
                Ok(Admitted::Step(message)) => self.step(message),
                Ok(Admitted::Hold(message)) => self.held.push(message),
                Ok(Admitted::Ignore) | Err(_) => {}
            }
        }
    }

    /// Whether committed entries are held back until the state machine has applied earlier ones: then
    /// [`Self::applied`] should be called as soon as it has.
    #[must_use]
    pub fn waits_for_apply(&self) -> bool {
        !self.may_hand_out()
    }

    /// Whether a proposal will follow at once: then a commit index that moves rides with it to the
    /// followers instead of going ahead in messages of its own.
    pub fn proposal_follows(&mut self, follows: bool) {
        self.raw.skip_bcast_commit(follows);
    }

    /// The state machine has applied everything up to `index`.
    pub fn applied(&mut self, index: u64) {
        let index = index.min(self.handed_out);
        if index <= self.raw.raft.raft_log.applied {
            return;
        }
        while let Some((last, bytes)) = self.unapplied.front().copied() {
            if last > index {
                break;
            }
            self.unapplied.pop_front();
            self.unapplied_bytes = self.unapplied_bytes.saturating_sub(bytes);
        }
        self.raw.advance_apply_to(index);
        self.raw.mut_store().evict(index);
    }

    /// The log on disk has dropped everything up to `index`: a follower that needs it cannot be
    /// served from the log any more.
    pub fn compacted(&mut self, index: u64) {
        let index = index.min(self.raw.raft.raft_log.applied);
        self.raw.mut_store().compact(index);
    }

    /// Asks for an index at which a read that arrives now is linearizable. The answer comes as a
    /// [`ReadReady`](super::ReadReady) or in [`Output::reads_lost`]; `ctx` names it, the caller
    /// keeps them distinct.
    ///
    /// A leader that has not yet committed in its own term keeps the read until it has.
    ///
    /// # Errors
    ///
    /// [`ReadError`]; no answer will come.
    pub fn read_index(&mut self, ctx: u64) -> Result<(), ReadError> {
        self.watch_leadership();
        if self.raw.raft.state != StateRole::Leader {
            return Err(ReadError::NotLeader {
                leader: self.leader(),
            });
        }
        if self.reads.len() >= self.config.max_waiting_reads {
            return Err(ReadError::Overloaded);
        }
        self.reads.push(ctx);
        Ok(())
    }

    /// Hands leadership to `to`, which takes over as soon as its log is complete, within one
    /// election timeout or not at all. Proposals are refused meanwhile.
    ///
    /// # Errors
    ///
    /// [`HandoverError`]; nothing changes.
    pub fn transfer_leader(&mut self, to: NodeId) -> Result<(), HandoverError> {
        if self.raw.raft.state != StateRole::Leader {
            return Err(HandoverError::NotLeader);
        }
        if !self.successors().contains(&to) {
            return Err(HandoverError::NotAMember);
        }
        self.raw.transfer_leader(to);
        Ok(())
    }

    /// The connection to `peer` broke: what was sent last is probably lost.
    pub fn unreachable(&mut self, peer: NodeId) {
        self.raw.report_unreachable(peer);
    }

    /// Stands for election at once, as if the timeout had passed. Who has no vote does not.
    pub fn campaign(&mut self) {
        if !self.raw.raft.promotable() || !self.may_stand() {
            return;
        }
        self.elections = self.elections.saturating_add(1);
        if self.raw.campaign().is_err() {
            tracing::debug!("the election was not started");
        }
    }

    /// Entries read from disk for a [`Fetch`](super::Fetch) that began at `from`; empty if the log
    /// has dropped them meanwhile, in which case the follower asks again later.
    pub fn fetched(&mut self, from: u64, entries: Vec<LogEntry>) {
        let Some(want) = self.raw.store().take_want(from) else {
            return;
        };
        let entries = entries.into_iter().map(outbound::to_raft).collect();
        if self.raw.mut_store().open_window(from, entries) {
            for context in want.contexts {
                self.raw.on_entries_fetched(context);
            }
            self.raw.mut_store().close_window();
        }
    }

    // ---- output ----------------------------------------------------------------------------

    /// The next step's worth of work, or `None` if there is nothing to do until the next input.
    pub fn drain(&mut self) -> Option<Output> {
        self.watch_leadership();
        self.begin_round();
        let mut out = Output::default();
        if self.has_ready() {
            self.take_ready(&mut out);
        }
        let role = self.role();
        if self.reported != Some(role) {
            self.reported = Some(role);
            out.role = Some(role);
        }
        out.reads_lost = self.reads.take_lost();
        out.fetch = self.raw.store().new_wants();
        let idle = out.send.is_empty()
            && out.persist.is_none()
            && out.committed.is_empty()
            && out.reads.is_empty()
            && out.reads_lost.is_empty()
            && out.role.is_none()
            && out.fetch.is_empty();
        if idle { None } else { Some(out) }
    }

    fn has_ready(&self) -> bool {
        let raft = &self.raw.raft;
        !raft.msgs.is_empty()
            || !raft.read_states.is_empty()
            || !raft.raft_log.unstable_entries().is_empty()
            || self.hard_state() != self.seen
            || (self.may_hand_out() && raft.raft_log.has_next_entries_since(self.handed_out))
    }

    fn take_ready(&mut self, out: &mut Output) {
        self.raw.store().allow_handout(self.may_hand_out());
        let mut ready: Ready = self.raw.ready();
        self.last_ready = ready.number();
        let send = ready.take_messages();
        let after = ready.take_persisted_messages();
        let entries = ready.take_entries();
        let committed = ready.take_committed_entries();
        let states = ready.take_read_states();
        let must_sync = ready.must_sync();
        // raft-rs reads them from the tail from here on.
        self.raw.mut_store().append(entries.clone());
        self.raw.advance_append_async(ready);

        out.reads = self.reads.confirmed(&states);
        out.send = outbound::encode(send, self.config.max_entry_bytes);
        let after = outbound::encode(after, self.config.max_entry_bytes);
        self.seen = self.hard_state();
        let waiting = self.acknowledged < self.issued;
        if must_sync || (waiting && !after.is_empty()) {
            out.persist = Some(Persist {
                number: self.last_ready,
                entries: entries.into_iter().map(outbound::from_raft).collect(),
                hard_state: (self.seen != self.recorded).then_some(self.seen),
                must_sync,
                messages_after: after,
            });
            self.recorded = self.seen;
            self.issued = self.last_ready;
            if must_sync {
                self.sync_issued = self.last_ready;
            }
        } else {
            // Nothing to write: the messages wait for nobody, and a moved commit index, which is
            // only a hint, rides with the next write.
            out.send.extend(after);
            if !waiting {
                self.raw.on_persist_ready(self.last_ready);
            }
        }
        let committed = committed.into_iter().map(outbound::from_raft);
        self.hand_out(committed.collect(), out);
    }

    fn hand_out(&mut self, mut committed: Vec<LogEntry>, out: &mut Output) {
        self.change_group(&mut committed);
        if let Some(last) = committed.last() {
            let bytes = committed
                .iter()
                .map(|entry| entry.data.len())
                .sum::<usize>();
            self.handed_out = last.index;
            self.unapplied.push_back((last.index, bytes));
            self.unapplied_bytes = self.unapplied_bytes.saturating_add(bytes);
        }
        out.committed = committed;
    }

    // ---- inside ----------------------------------------------------------------------------

    fn step(&mut self, message: Message) {
        if let Err(error) = self.raw.step(message) {
            tracing::debug!(%error, "a peer's message had no effect");
        }
    }

    /// Tells a leader, whose heartbeat says that it believes us to have less than our log starts with,
    /// what we have for sure: what is decided and on our disk. After a snapshot was installed it cannot
    /// find that out by itself: it would have to send an entry that it has dropped. Any leader has what
    /// is decided, so that saying so is never wrong. The start of our log alone would not do: it may lie
    /// before the start of the leader's.
    fn say_base(&mut self, to: NodeId, known: u64) {
        let (base, _) = self.raw.store().base();
        let raft = &mut self.raw.raft;
        if known >= base || raft.leader_id != to || raft.state != StateRole::Follower {
            return;
        }
        let mut message = Message {
            to,
            from: self.config.id,
            term: raft.term,
            index: raft.raft_log.committed.min(raft.raft_log.persisted),
            commit: raft.raft_log.committed,
            ..Message::default()
        };
        message.set_msg_type(MessageType::MsgAppendResponse);
        raft.msgs.push(message);
    }

    fn leader(&self) -> Option<NodeId> {
        Some(self.raw.raft.leader_id).filter(|id| *id != INVALID_ID)
    }

    fn hard_state(&self) -> HardState {
        let raft = &self.raw.raft;
        HardState {
            term: raft.term,
            vote: raft.vote,
            commit: raft.raft_log.committed,
        }
    }

    /// Whether everything raft-rs has promised is on disk: it asserts so on becoming leader.
    fn settled(&self) -> bool {
        let now = self.hard_state();
        self.acknowledged >= self.sync_issued
            && (now.term, now.vote) == (self.seen.term, self.seen.vote)
            && self.raw.raft.raft_log.unstable_entries().is_empty()
    }

    fn may_hand_out(&self) -> bool {
        self.unapplied_bytes < self.config.max_unapplied_bytes
    }

    /// Notices the end of a leadership, even if another one of ours has begun since.
    fn watch_leadership(&mut self) {
        let raft = &self.raw.raft;
        let leading = (raft.state == StateRole::Leader).then_some(raft.term);
        if self.leading != leading {
            self.leading = leading;
            self.reads.give_up();
            self.raw.store().clear_wants();
        }
    }

    /// raft-rs drops a read without a word before the leader has committed in its term, so no
    /// round begins earlier.
    fn begin_round(&mut self) {
        let raft = &self.raw.raft;
        if raft.state == StateRole::Leader
            && raft.commit_to_current_term()
            && let Some(key) = self.reads.begin()
        {
            self.raw.read_index(key);
        }
    }

    /// A draw from `[election_ticks, 2 × election_ticks)` that depends on nothing but its inputs; the
    /// longest one while this replica abstains.
    fn election_timeout(&self) -> usize {
        if self.abstains {
            let longest = self.config.election_ticks.saturating_mul(2);
            return longest.saturating_sub(1);
        }
        let inputs = [self.config.id, self.raw.raft.term, self.elections];
        let draw = inputs
            .iter()
            .fold(self.config.seed, |state, input| mix(state ^ mix(*input)));
        let span = wide(self.config.election_ticks);
        let extra = draw
            .checked_rem(span)
            .and_then(|extra| usize::try_from(extra).ok());
        self.config
            .election_ticks
            .saturating_add(extra.unwrap_or(0))
    }
}

impl std::fmt::Debug for RaftCore {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("RaftCore")
            .field("id", &self.config.id)
            .field("role", &self.role())
            .field("commit", &self.commit_index())
            .field("last", &self.last_index())
            .finish_non_exhaustive()
    }
}

/// Up to where a leader believes that we have its log, if the message is a heartbeat.
fn heartbeat_of(message: &Message) -> Option<u64> {
    let heartbeat = message.get_msg_type() == MessageType::MsgHeartbeat;
    heartbeat.then_some(message.commit)
}

/// The finalizer of `SplitMix64` (Steele, Lea, Flood, OOPSLA 2014), after one step of its sequence.
fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn wide(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
