//! What a caller of the [`Handle`](super::Handle) gets: answers it may not get, and why; what it sees.

use std::sync::Arc;
use std::time::Duration;

use akashi_domain::apply::Recorded;
use akashi_domain::ids::Stamp;
use akashi_domain::records::Progress;
use akashi_merkle::Hash;
use akashi_replica::conf::Conf;
use akashi_replica::entry::NodeId;

use crate::members::MemberTable;

/// How long a node looks for a leader before it says that there is none.
pub const LEADERLESS_MAX: Duration = Duration::from_secs(3);

/// How long a node looks for a leader with a sound clock and room on its disk before it says what is
/// wrong: several times what a hand-over takes, and half of what a caller allows its first attempt.
pub(super) const UNFIT_MAX: Duration = Duration::from_millis(500);

/// Why a command has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProposeError {
    /// No leader for three seconds, or this node is shutting down. Ask elsewhere or later with the same
    /// request id: an earlier leader may have taken the command, and then this gives its answer.
    #[error("no leader can be reached")]
    Unavailable,
    /// The deadline came first: the command may or may not take effect.
    #[error("no answer before the deadline; the outcome is unknown")]
    DeadlineExceeded,
    /// The queue is full.
    #[error("too many commands are waiting")]
    Busy,
    /// The leader may not stamp, and nobody else leads: no quorum of clocks agrees. Ask again later.
    #[error("the clocks of the cluster do not agree")]
    ClocksDisagree,
    /// The leader's disk is nearly full, and nobody else leads. Ask again later.
    #[error("the disk is nearly full")]
    DiskFull,
    /// This node's root differs from a quorum's: it serves nothing.
    #[error("this node is fenced")]
    Fenced,
}

/// Why a read has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// No leader can confirm how far the log is decided.
    #[error("no leader can be reached")]
    Unavailable,
    /// The deadline came first.
    #[error("no answer before the deadline")]
    DeadlineExceeded,
    /// This node's root differs from a quorum's: it serves nothing.
    #[error("this node is fenced")]
    Fenced,
    /// The leaf, or a part of the tree, is not here yet since this node started from a snapshot: ask
    /// another one.
    #[error("this part of the audit log is not here yet")]
    Incomplete,
    /// The state store refused; the node is stopping.
    #[error("the state store refused")]
    Storage,
}

/// Why there is no receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// No leaf has this index.
    #[error("no such leaf")]
    UnknownLeaf,
    /// The leaf is not under a sealed head yet.
    #[error("the leaf is not sealed yet")]
    NotSealed,
    /// The leaf, or a part of the tree, is not here yet since this node started from a snapshot: ask
    /// another one.
    #[error("this part of the audit log is not here yet")]
    Incomplete,
    /// The state store refused; the node is stopping.
    #[error("the state store refused")]
    Storage,
}

impl From<ReadError> for ReceiptError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Incomplete => Self::Incomplete,
            ReadError::Unavailable
            | ReadError::DeadlineExceeded
            | ReadError::Fenced
            | ReadError::Storage => Self::Storage,
        }
    }
}

/// The facts of one applied entry, as streams and notifiers see them.
#[derive(Debug)]
pub struct AppliedEntry {
    /// Raft index.
    pub log_index: u64,
    /// Cluster time.
    pub stamp: Stamp,
    /// Its facts, in order, with their leaves.
    pub events: Vec<Recorded>,
}

/// This node as an operator sees it.
#[derive(Clone, Debug, Default)]
pub struct Status {
    /// Its Raft id.
    pub node_id: NodeId,
    /// Whether it leads.
    pub is_leader: bool,
    /// Who leads, as far as it knows.
    pub leader: Option<NodeId>,
    /// Newest term.
    pub term: u64,
    /// Decided up to here, as far as it knows.
    pub committed_index: u64,
    /// Synced up to here in its own log.
    pub durable_index: u64,
    /// Applied up to here, and how far that is.
    pub progress: Progress,
    /// Root of the tree of `progress.leaves` leaves.
    pub tree_root: Hash,
    /// Chained hash of every change applied so far.
    pub state_hash: [u8; 32],
    /// The newest sealed head: size, root, cosignatures.
    pub sealed: Option<(u64, Hash, u32)>,
    /// Why it serves nothing, if it does not.
    pub fenced: Option<String>,
    /// Leaves of the audit log that are missing since this node started from a snapshot; none once
    /// it has matched a sealed head, and signs.
    pub history_missing: Option<u64>,
    /// Peers with a live connection from here.
    pub connected: Vec<NodeId>,
    /// The members of the cluster.
    pub members: Arc<MemberTable>,
    /// The Raft group in force.
    pub conf: Conf,
    /// Of the others, the last index that each is known to hold; empty unless this node leads.
    pub followers: Vec<(NodeId, u64)>,
}
