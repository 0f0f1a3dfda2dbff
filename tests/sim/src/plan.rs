//! What a simulation does to its inhabitants.

use akashi_replica::entry::NodeId;

/// Microseconds of one millisecond.
pub const MS: u64 = 1_000;

/// What happens to the stored state of one replica, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rot {
    /// A record comes into it that no entry wrote.
    Added,
    /// A bit of a record flips.
    Flipped,
}

/// What only some runs have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extra {
    /// Nothing.
    Nothing,
    /// Logs break for good: a minority of the replicas then stays down.
    BrokenLogs,
    /// Members come and go.
    Churn,
}

/// One run's settings.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Replicas.
    pub nodes: u64,
    /// Clients, each a platform and one phone; the last one is an agent's desk.
    pub clients: u64,
    /// Until when there are faults; afterwards everything heals.
    pub faults_until_us: u64,
    /// How long after that every replica must have caught up.
    pub converge_us: u64,
    /// Until when clients begin new contacts.
    pub clients_until_us: u64,
    /// When everybody must agree and every request be answered.
    pub end_us: u64,
    /// Whether proofs and signatures are real, or judged by a tag inside them.
    pub real: bool,
    /// Bytes of log entries that the Raft core keeps in memory.
    pub resident_bytes: usize,
    /// Segments of the log above which the oldest go even if somebody needs them.
    pub log_segments_max: usize,
    /// Cluster time between two digests of the whole state, in microseconds.
    pub mark_every_us: u64,
    /// The replica whose state rots, and how.
    pub rots: Option<(NodeId, Rot)>,
    /// The replica that judges one proof wrongly, once.
    pub liar: Option<NodeId>,
    /// What only some runs have.
    pub extra: Extra,
    /// A planted bug: what must wait for a sync is said before it.
    pub speaks_before_sync: bool,
    /// When a leader proposes an entry under a rule that this version lacks, if ever.
    pub newer_rule_us: Option<u64>,
}

impl Plan {
    /// A minute: faults of every kind for three quarters of it, then everything heals.
    #[must_use]
    pub const fn stormy(seed: u64) -> Self {
        let nodes = if seed.is_multiple_of(4) { 5 } else { 3 };
        let one = 1 + (seed / 16) % nodes;
        Self {
            nodes,
            clients: 6,
            faults_until_us: 45_000 * MS,
            converge_us: 5_000 * MS,
            clients_until_us: 55_000 * MS,
            end_us: 60_000 * MS,
            real: false,
            resident_bytes: if seed.is_multiple_of(2) {
                8 * 1024
            } else {
                64 * 1024 * 1024
            },
            // More than a run fills: whatever a replica still needs stays.
            log_segments_max: 1_000,
            mark_every_us: 5_000 * MS,
            rots: if seed % 16 == 11 {
                Some((one, Rot::Flipped))
            } else {
                None
            },
            liar: if seed % 16 == 7 { Some(one) } else { None },
            extra: if seed % 4 == 1 {
                Extra::BrokenLogs
            } else {
                Extra::Nothing
            },
            speaks_before_sync: false,
            newer_rule_us: None,
        }
    }

    /// The same with real proofs and real signatures.
    #[must_use]
    pub const fn stormy_and_real(seed: u64) -> Self {
        Self {
            real: true,
            ..Self::stormy(seed)
        }
    }

    /// The same faults, while members come and go.
    #[must_use]
    pub const fn churning(seed: u64) -> Self {
        Self {
            nodes: 3,
            liar: None,
            rots: None,
            extra: Extra::Churn,
            ..Self::stormy(seed)
        }
    }

    /// Whether this replica does what it should, as far as it can.
    #[must_use]
    pub fn is_honest(&self, id: NodeId) -> bool {
        self.liar != Some(id) && self.rots.is_none_or(|(rots, _)| rots != id)
    }

    /// Whether members come and go.
    #[must_use]
    pub const fn churns(&self) -> bool {
        matches!(self.extra, Extra::Churn)
    }

    /// Whether this client is the operator, who changes the members.
    #[must_use]
    pub const fn is_operator(&self, number: u64) -> bool {
        self.churns() && number == self.clients
    }

    /// Whether this client is the agent's desk.
    #[must_use]
    pub const fn is_desk(&self, number: u64) -> bool {
        number > 0 && number + 1 == self.clients
    }

    /// No faults.
    #[must_use]
    pub const fn calm(nodes: u64) -> Self {
        Self {
            nodes,
            faults_until_us: 0,
            clients_until_us: 12_000 * MS,
            end_us: 17_000 * MS,
            mark_every_us: 2_000 * MS,
            extra: Extra::Nothing,
            ..Self::stormy(1)
        }
    }
}
