//! What was heard in a window of time, and its Merkle root.
//!
//! Heartbeats stay where they arrive. What enters the log is one summary per node and window: how many
//! sessions, how many heartbeats, and a root over one leaf per session, so that whoever keeps the leaves
//! can prove later what was heard.
//!
//! Leaf: `"akashi/v1/presence-heard"` ‖ tenant u32 ‖ session \[16\] ‖ last sequence u64 ‖ six counts u32, by
//! class; big-endian. Leaves are in ascending order of tenant and session; the tree is that of RFC 9162.

use std::collections::BTreeMap;

use akashi_merkle::{Frontier, Hash, leaf_hash};

use crate::state::Class;
use crate::table::Key;

/// Length of a window in microseconds.
pub const WINDOW_US: u64 = 30 * crate::SECOND_US;

const LABEL: &[u8] = b"akashi/v1/presence-heard";

/// What was heard of one session in one window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// Samples by class, in the order of [`Class::ALL`].
    pub counts: [u32; 6],
    /// The sequence number of the last.
    pub last_sequence: u64,
}

impl Heard {
    /// One more.
    pub fn count(&mut self, class: Class, sequence: u64) {
        let at = usize::from(class.code().saturating_sub(1));
        if let Some(count) = self.counts.get_mut(at) {
            *count = count.saturating_add(1);
        }
        self.last_sequence = sequence;
    }

    /// Samples of any class.
    #[must_use]
    pub fn samples(&self) -> u64 {
        self.counts.iter().map(|count| u64::from(*count)).sum()
    }

    /// The bytes of the leaf.
    #[must_use]
    pub fn leaf(&self, key: Key) -> Vec<u8> {
        let mut leaf = LABEL.to_vec();
        leaf.extend_from_slice(&key.tenant.to_be_bytes());
        leaf.extend_from_slice(&key.session);
        leaf.extend_from_slice(&self.last_sequence.to_be_bytes());
        for count in self.counts {
            leaf.extend_from_slice(&count.to_be_bytes());
        }
        leaf
    }
}

/// One window of one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Sessions that were heard.
    pub sessions: u32,
    /// Heartbeats in all.
    pub heartbeats: u64,
    /// The root over the leaves; of the empty tree if nothing was heard.
    pub root: Hash,
}

impl Summary {
    /// Sums a window up.
    #[must_use]
    pub fn of(heard: &BTreeMap<Key, Heard>) -> Self {
        let mut tree = Frontier::new();
        let mut heartbeats = 0_u64;
        for (key, heard) in heard {
            tree.append(leaf_hash(&heard.leaf(*key)), &mut |_, _| {});
            heartbeats = heartbeats.saturating_add(heard.samples());
        }
        Self {
            sessions: u32::try_from(heard.len()).unwrap_or(u32::MAX),
            heartbeats,
            root: tree.root(),
        }
    }
}
