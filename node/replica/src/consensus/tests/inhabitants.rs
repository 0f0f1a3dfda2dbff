//! Who and what lives in the [`World`](super::world::World): the plan, the events, disks and nodes.

use std::collections::{BTreeMap, VecDeque};

use super::super::{Persist, RaftCore, Role};
use crate::entry::{HardState, LogEntry, NodeId};

/// What the world does to its inhabitants.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) nodes: u64,
    pub(super) faults_until_ms: u64,
    pub(super) end_ms: u64,
    /// Sends what must wait for the sync before it: a planted bug.
    pub(super) speaks_before_sync: bool,
    pub(super) resident_bytes: usize,
}

impl Plan {
    pub(super) fn stormy(seed: u64) -> Self {
        Self {
            nodes: if seed.is_multiple_of(3) { 5 } else { 3 },
            faults_until_ms: 11_000,
            end_ms: 16_000,
            speaks_before_sync: false,
            resident_bytes: if seed.is_multiple_of(2) {
                8 * 1024
            } else {
                64 * 1024 * 1024
            },
        }
    }

    pub(super) fn calm(nodes: u64, end_ms: u64) -> Self {
        Self {
            nodes,
            faults_until_ms: 0,
            end_ms,
            speaks_before_sync: false,
            resident_bytes: 64 * 1024 * 1024,
        }
    }
}

#[derive(Debug)]
pub(super) enum Event {
    Tick {
        node: NodeId,
        life: u64,
    },
    Deliver {
        from: NodeId,
        to: NodeId,
        bytes: Vec<u8>,
    },
    SyncDone {
        node: NodeId,
        life: u64,
    },
    Persisted {
        node: NodeId,
        life: u64,
        number: u64,
    },
    Applied {
        node: NodeId,
        life: u64,
        index: u64,
    },
    Fetched {
        node: NodeId,
        life: u64,
        from: u64,
        to: u64,
    },
    Restart {
        node: NodeId,
    },
    /// Everybody stands for election at once.
    Rush,
    Heal {
        from: NodeId,
        to: NodeId,
    },
    Client,
    Fault,
}

#[derive(Default)]
pub(super) struct Disk {
    pub(super) entries: Vec<LogEntry>,
    pub(super) hard_state: HardState,
    pub(super) waiting: VecDeque<Persist>,
    pub(super) syncing: Vec<Persist>,
    pub(super) delay_ms: u64,
}

impl Disk {
    pub(super) fn write(&mut self, persist: &Persist) {
        if let Some(first) = persist.entries.first() {
            let keep = usize::try_from(first.index - 1).unwrap();
            assert!(keep <= self.entries.len(), "a write with a gap");
            self.entries.truncate(keep);
            self.entries.extend_from_slice(&persist.entries);
        }
        if let Some(hard_state) = persist.hard_state {
            assert!(
                hard_state.term >= self.hard_state.term,
                "the recorded term falls"
            );
            self.hard_state = hard_state;
        }
    }
}

pub(super) struct Node {
    pub(super) core: Option<RaftCore>,
    pub(super) life: u64,
    pub(super) disk: Disk,
    pub(super) handed_out: u64,
    pub(super) applied: u64,
    pub(super) flushed: u64,
    pub(super) commit: u64,
    pub(super) role: Role,
    pub(super) reads: BTreeMap<u64, u64>,
    pub(super) proposals: BTreeMap<(u64, u64), u64>,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    pub(super) events: u64,
    pub(super) crashes: u64,
    pub(super) leaders: u64,
    pub(super) decided: u64,
    pub(super) acknowledged: u64,
    pub(super) reads: u64,
    pub(super) reads_lost: u64,
    pub(super) fetches: u64,
    pub(super) rejected: u64,
}
