//! What a simulation does to its inhabitants.

use akashi_replica::entry::NodeId;

/// Microseconds of one millisecond.
pub const MS: u64 = 1_000;

/// One run's settings.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Replicas.
    pub nodes: u64,
    /// Clients, each a platform and one phone.
    pub clients: u64,
    /// Until when there are faults; afterwards everything heals.
    pub faults_until_us: u64,
    /// Until when clients begin new contacts.
    pub clients_until_us: u64,
    /// When everybody must agree and every request be answered.
    pub end_us: u64,
    /// Whether proofs are real, or judged by a tag inside them.
    pub real_proofs: bool,
    /// Bytes of log entries that the Raft core keeps in memory.
    pub resident_bytes: usize,
    /// Segments of the log above which the oldest go even if somebody needs them.
    pub log_segments_max: usize,
    /// Cluster time between two digests of the whole state, in microseconds.
    pub mark_every_us: u64,
    /// The replica into whose state a record comes that no entry wrote.
    pub rots: Option<NodeId>,
    /// The replica that judges one proof wrongly, once.
    pub liar: Option<NodeId>,
    /// A planted bug: what must wait for a sync is said before it.
    pub speaks_before_sync: bool,
}

impl Plan {
    /// Faults of every kind for 13 of 20 seconds.
    #[must_use]
    pub const fn stormy(seed: u64) -> Self {
        Self {
            nodes: if seed.is_multiple_of(4) { 5 } else { 3 },
            clients: 6,
            faults_until_us: 13_000 * MS,
            clients_until_us: 16_000 * MS,
            end_us: 20_000 * MS,
            real_proofs: false,
            resident_bytes: if seed.is_multiple_of(2) {
                8 * 1024
            } else {
                64 * 1024 * 1024
            },
            // More than a run fills: whatever a replica still needs stays.
            log_segments_max: 1_000,
            mark_every_us: 2_000 * MS,
            rots: None,
            liar: None,
            speaks_before_sync: false,
        }
    }

    /// Whether this replica does what it should, as far as it can.
    #[must_use]
    pub fn is_honest(&self, id: NodeId) -> bool {
        self.liar != Some(id) && self.rots != Some(id)
    }

    /// No faults.
    #[must_use]
    pub const fn calm(nodes: u64) -> Self {
        Self {
            nodes,
            faults_until_us: 0,
            clients_until_us: 5_000 * MS,
            end_us: 10_000 * MS,
            ..Self::stormy(1)
        }
    }
}
