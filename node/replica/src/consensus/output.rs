//! What a [`RaftCore`](super::RaftCore) wants done, and how it refuses.

use crate::entry::{HardState, LogEntry, NodeId};

/// One encoded Raft message with its addressee.
pub type Outbound = (NodeId, Vec<u8>);

/// One step's worth of work for the driver.
///
/// The parts go to different threads and need not wait for one another, except inside [`Persist`].
#[derive(Debug, Default)]
pub struct Output {
    /// May leave at once; losing one is harmless.
    pub send: Vec<Outbound>,
    /// For the log, strictly in order of `number`.
    pub persist: Option<Persist>,
    /// For the state machine, strictly in order. Every entry is decided and on this replica's disk. The
    /// data of a membership entry is the [`Conf`](crate::conf::Conf) that it led to.
    pub committed: Vec<LogEntry>,
    /// Reads that may be answered once the state machine has applied `index`.
    pub reads: Vec<ReadReady>,
    /// Reads whose round ended with the leadership; the caller asks the new leader.
    pub reads_lost: Vec<u64>,
    /// Set when any part of it changed.
    pub role: Option<Role>,
    /// Parts of the log which a slow follower needs and memory no longer holds.
    pub fetch: Vec<Fetch>,
}

/// What the log must hold, and what may be said only afterwards.
///
/// Durability: write `entries` (an entry replaces everything at and after its index), then
/// `hard_state`; if `must_sync`, sync; then send `messages_after` and call
/// [`persisted`](super::RaftCore::persisted). Many of them may share one sync; the messages of each
/// may leave only when it and all earlier ones are synced.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Persist {
    /// Rises from one to the next, not always by one.
    pub number: u64,
    /// New entries, without gaps; the first may overwrite.
    pub entries: Vec<LogEntry>,
    /// The vote record, if it changed since the last `Persist`.
    pub hard_state: Option<HardState>,
    /// Whether anything here must survive a crash. If not, only the order matters: the messages
    /// still wait for earlier ones.
    pub must_sync: bool,
    /// What this replica promises by having synced.
    pub messages_after: Vec<Outbound>,
}

/// A read that a quorum has confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadReady {
    /// As given to [`read_index`](super::RaftCore::read_index).
    pub ctx: u64,
    /// Apply at least up to here before answering.
    pub index: u64,
}

/// Where this replica stands in its group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Role {
    /// Newest term it has seen.
    pub term: u64,
    /// The leader of that term, if known.
    pub leader: Option<NodeId>,
    /// Whether that is this replica.
    pub is_leader: bool,
    /// Whether it leads and an entry of its own term is committed: from then on it knows
    /// everything that was committed before it.
    pub leader_ready: bool,
}

/// A range of the log to read back from disk and hand to [`fetched`](super::RaftCore::fetched).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fetch {
    /// First index wanted.
    pub from: u64,
    /// One past the last index wanted.
    pub to: u64,
    /// Stop once this many bytes of data are read, but give at least one entry.
    pub max_bytes: usize,
}

/// Where a proposal went. It is decided when an entry with this index *and* term is committed; if
/// another term's entry is committed there, it is lost and may be proposed again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proposed {
    /// Term of the entry.
    pub term: u64,
    /// Index of the entry.
    pub index: u64,
}

/// Why a proposal was not taken. Nothing was appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProposeError {
    /// Another replica leads, or nobody does, or this leader is handing over.
    #[error("this replica does not lead")]
    NotLeader {
        /// Whom to ask, if known.
        leader: Option<NodeId>,
    },
    /// Too many bytes wait to be committed or applied: try again later.
    #[error("too many proposals are waiting")]
    Overloaded,
    /// The entry is larger than any entry may be.
    #[error("the entry is larger than the limit")]
    TooLarge,
    /// An entry without data is the no-op with which a leader opens its term.
    #[error("the entry is empty")]
    Empty,
}

/// Why a change of the group was not proposed. Nothing was appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfError {
    /// Another replica leads, or nobody does, or this leader is handing over.
    #[error("this replica does not lead")]
    NotLeader,
    /// An earlier change is not applied or not complete yet: look again later.
    #[error("an earlier change is under way")]
    Pending,
    /// No voters, too many, or a member named twice.
    #[error("there can be no such group")]
    Impossible,
    /// Too many bytes wait to be committed or applied: try again later.
    #[error("too many proposals are waiting")]
    Overloaded,
}

/// Why a read was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Another replica leads, or nobody does.
    #[error("this replica does not lead")]
    NotLeader {
        /// Whom to ask, if known.
        leader: Option<NodeId>,
    },
    /// Too many reads wait for a round: try again later.
    #[error("too many reads are waiting")]
    Overloaded,
}

/// Why leadership is not handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HandoverError {
    /// Only the leader can hand over.
    #[error("this replica does not lead")]
    NotLeader,
    /// The successor is not another member that votes.
    #[error("the successor is not another voter")]
    NotAMember,
}
