//! What a [`RaftCore`](super::RaftCore) is started with, and the reasons not to start.

use crate::conf::Conf;
use crate::entry::{HardState, LogEntry, NodeId};

/// The largest group: raft-rs counts votes of more than seven on the heap, and nobody runs more.
pub const MAX_VOTERS: usize = 7;

/// Settings of one replica of one group; see [`CoreConfig::new`] for the defaults.
///
/// Everything here may differ per node except `voters`, `group` and `max_entry_bytes`: a node with
/// a smaller entry limit than its leader would refuse that leader's entries.
#[derive(Clone, Debug)]
pub struct CoreConfig {
    /// This replica's number; one of `voters`, unless it `joins` or the recovered group names it.
    pub id: NodeId,
    /// The founding members: 1 to [`MAX_VOTERS`], distinct, none zero. They are the group until the log
    /// says otherwise ([`Recovered::conf`]).
    pub voters: Vec<NodeId>,
    /// Whether this replica may start outside the group and wait until a leader brings it in.
    pub joins: bool,
    /// The Raft group, for the frame in which the driver sends our messages.
    pub group: u16,
    /// Ticks without a leader after which a replica stands for election (the draw is between this
    /// and twice this).
    pub election_ticks: usize,
    /// Ticks between heartbeats; less than `election_ticks`.
    pub heartbeat_ticks: usize,
    /// Bytes of the largest entry that may be proposed or accepted.
    pub max_entry_bytes: usize,
    /// Append messages under way to one follower before the leader waits for an answer.
    pub max_inflight: usize,
    /// Bytes of proposals not yet handed out as committed; above, proposals are refused.
    pub max_uncommitted_bytes: usize,
    /// Bytes of committed entries handed out and not yet reported [`applied`](super::RaftCore::applied);
    /// above, the core holds further ones back.
    pub max_unapplied_bytes: usize,
    /// Bytes of log entries kept in memory; older ones are asked back through
    /// [`Output::fetch`](super::Output::fetch) when a follower needs them.
    pub resident_bytes: usize,
    /// Reads that may wait for a round; above, reads are refused.
    pub max_waiting_reads: usize,
    /// Where election timeouts are drawn from; the same seed gives the same run.
    pub seed: u64,
    /// Preferred leaders have the higher number. Zero everywhere means no preference.
    pub priority: i64,
    /// Whether an entry is decided only once replicas of two sites have it, besides a majority. Until
    /// [`set_sites`](super::RaftCore::set_sites) says where the voters stand, all of them must have it.
    pub two_sites: bool,
}

impl CoreConfig {
    /// Defaults for ticks of 50 ms on a local network: heartbeats every 100 ms, elections after
    /// 0.5 to 1 s.
    #[must_use]
    pub fn new(id: NodeId, voters: Vec<NodeId>) -> Self {
        Self {
            id,
            voters,
            joins: false,
            group: 0,
            election_ticks: 10,
            heartbeat_ticks: 2,
            max_entry_bytes: 1024 * 1024,
            max_inflight: 128,
            max_uncommitted_bytes: 64 * 1024 * 1024,
            max_unapplied_bytes: 64 * 1024 * 1024,
            resident_bytes: 256 * 1024 * 1024,
            max_waiting_reads: 65_536,
            seed: id,
            priority: 0,
            two_sites: false,
        }
    }

    /// Bytes of the largest message that the gate decodes: one append of `max_entry_bytes` in many
    /// entries, or one entry of that size, with room for the headers.
    #[must_use]
    pub fn max_frame_bytes(&self) -> usize {
        self.max_entry_bytes
            .saturating_mul(2)
            .saturating_add(64 * 1024)
    }
}

/// What the disk gave back at start.
#[derive(Clone, Debug, Default)]
pub struct Recovered {
    /// The newest vote, term and commit hint on disk; all zero on a fresh disk.
    pub hard_state: HardState,
    /// Index of the last entry that compaction removed; zero if nothing was ever removed.
    pub compacted_index: u64,
    /// Term of that entry; zero if nothing was ever removed.
    pub compacted_term: u64,
    /// Every entry after `compacted_index`, without gaps.
    pub entries: Vec<LogEntry>,
    /// Index of the last entry whose effects the state store holds; zero for none.
    pub applied: u64,
    /// The group as of `applied`; none if it was never changed, and then the founding one counts.
    pub conf: Option<Conf>,
}

/// Why a replica does not start. None of these goes away by trying again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// `voters` is empty, too long, repeats a member, contains zero or lacks this replica, which does not
    /// join either; the recovered group makes no sense; or a tick count or limit is zero or out of order.
    #[error("the consensus settings contradict each other")]
    BadConfig,
    /// The entries have a gap, a term that falls, or a term above the recorded one.
    #[error("the raft log is not one unbroken run of entries")]
    BrokenLog,
    /// The state store has applied, or the vote record has seen committed, entries which the log
    /// does not have: acknowledged data would be missing. The node must be rebuilt from its peers.
    #[error("the raft log ends before what was applied or committed")]
    LogLost,
    /// The log starts after what the state store has applied: it needs a snapshot.
    #[error("the raft log starts after what was applied")]
    StateLost,
    /// raft-rs refused settings which passed our own checks.
    #[error("raft refused to start")]
    Refused,
}
