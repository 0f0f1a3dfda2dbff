//! Where the core keeps its records: named, ordered tables of bytes.
//!
//! The core reads through [`View`] and never writes: changes are returned to the caller.

/// A table of the state machine. The number is the storage prefix and never changes.
///
/// Keys are big-endian and start with the tenant where there is one, so that a scan walks one
/// tenant in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Table {
    /// How far this replica has come, and the few records there is one of.
    Meta = 0,
    /// Request ids with the answers they were given.
    Dedupe = 1,
    /// What falls due when, in cluster time.
    Timer = 2,
    /// Contacts, challenges, notices and verdicts.
    Call = 3,
    /// Subjects, their devices and keys, attempt counters and locks.
    Subject = 4,
    /// Agents.
    Agent = 5,
    /// Tenants, policies and settings, by version.
    Policy = 6,
    /// Side effects to perform, until they are acknowledged.
    Outbox = 7,
    /// Canonical leaves of the audit log, by index.
    Audit = 8,
    /// Nodes of the Merkle tree over those leaves.
    Tiles = 9,
    /// Heads of the tree with the cosignatures collected for them.
    Heads = 10,
    /// Evidence to check proofs again later: erasable, bound to leaves by salted digests.
    Evidence = 11,
}

impl Table {
    /// Every table, in storage order.
    pub const ALL: [Self; 12] = [
        Self::Meta, Self::Dedupe, Self::Timer, Self::Call, Self::Subject, Self::Agent,
        Self::Policy, Self::Outbox, Self::Audit, Self::Tiles, Self::Heads, Self::Evidence,
    ];

    /// The table's name on disk: a RocksDB column family.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Dedupe => "dedupe",
            Self::Timer => "timer",
            Self::Call => "call",
            Self::Subject => "subject",
            Self::Agent => "agent",
            Self::Policy => "policy",
            Self::Outbox => "outbox",
            Self::Audit => "audit",
            Self::Tiles => "tiles",
            Self::Heads => "heads",
            Self::Evidence => "evidence",
        }
    }
}
