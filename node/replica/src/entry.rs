//! What the Raft log holds, in our own words: entries, the vote, and where they stand.
//!
//! `raft::` types stay inside `consensus/`; the log, the driver and the state machine see these.

/// One slot of the Raft log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogEntry {
    /// Position in the log; the first real entry has index 1.
    pub index: u64,
    /// Term of the leader that made it.
    pub term: u64,
    /// What `data` is.
    pub kind: EntryKind,
    /// For [`EntryKind::Normal`]: a packed batch of commands, or empty for the no-op with which a
    /// leader opens its term. For [`EntryKind::Membership`]: an encoded configuration change while the
    /// entry is in the log, and the [`Conf`](crate::conf::Conf) that it led to once consensus hands it
    /// out as decided.
    pub data: Vec<u8>,
}

/// What an entry carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EntryKind {
    /// Commands for the state machine (or nothing: a leader's opening no-op).
    #[default]
    Normal,
    /// A change of the set of replicas.
    Membership,
}

/// What a replica must never forget about elections, and how far it knows the log to be decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HardState {
    /// Newest term this replica has seen.
    pub term: u64,
    /// Whom it voted for in that term; zero for nobody.
    pub vote: u64,
    /// Highest index it knows to be committed. A hint: it may lag behind what was applied.
    pub commit: u64,
}

/// A replica's number inside its group: the Raft id. Never zero, never reused after a disk is lost.
pub type NodeId = u64;
