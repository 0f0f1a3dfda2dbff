//! Until when a node may believe what it knows, and from when nobody believes anything else.
//!
//! A node shows nothing by its own word. It asks a quorum how far the log is decided, catches up that
//! far, and may then speak until the lease runs out, counted from when it *asked*: whatever was decided
//! before that moment is in what it knows. A node that is cut off falls silent by itself.
//!
//! So a decision is in force everywhere once every node has applied it, and at the latest when every
//! lease that began before it has run out.

use std::collections::BTreeMap;

use crate::SECOND_US;

/// How long a node may speak after it asked, in microseconds.
pub const LEASE_US: u64 = 10 * SECOND_US;
/// How long after a decision no lease from before it can be running, in microseconds: the lease, and 1 %
/// for clocks that do not run alike.
pub const ENFORCED_US: u64 = LEASE_US + LEASE_US / 100;

/// A node's leave to speak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QuorumLease {
    asked_us: Option<u64>,
}

impl QuorumLease {
    /// No leave yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { asked_us: None }
    }

    /// A question sent at `asked_us` was answered by a quorum, and this node has caught up with the
    /// answer. Answers may come out of order.
    pub fn confirmed(&mut self, asked_us: u64) {
        self.asked_us = Some(self.asked_us.map_or(asked_us, |known| known.max(asked_us)));
    }

    /// How much of the lease is left, in microseconds; zero: say nothing.
    #[must_use]
    pub fn left_us(&self, now_us: u64) -> u64 {
        self.asked_us.map_or(0, |asked_us| {
            // A clock that ran backwards gives no leave.
            match now_us.checked_sub(asked_us) {
                Some(age_us) => LEASE_US.saturating_sub(age_us),
                None => 0,
            }
        })
    }

    /// Whether the node may speak.
    #[must_use]
    pub fn holds(&self, now_us: u64) -> bool {
        self.left_us(now_us) > 0
    }
}

/// How far every node has applied the log, as they say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    indices: BTreeMap<u64, u64>,
}

impl Applied {
    /// Of these nodes; nobody has said anything yet.
    #[must_use]
    pub fn of(nodes: impl IntoIterator<Item = u64>) -> Self {
        Self {
            indices: nodes.into_iter().map(|node| (node, 0)).collect(),
        }
    }

    /// These are the nodes from now on. Of a new one nothing is known yet.
    pub fn set_nodes(&mut self, nodes: impl IntoIterator<Item = u64>) {
        let known = std::mem::take(&mut self.indices);
        self.indices = nodes
            .into_iter()
            .map(|node| (node, known.get(&node).copied().unwrap_or_default()))
            .collect();
    }

    /// A node says that it has applied everything up to `index`. A node that starts again says less
    /// than before, and is not believed to have forgotten: it speaks to nobody before it caught up.
    pub fn says(&mut self, node: u64, index: u64) {
        if let Some(known) = self.indices.get_mut(&node) {
            *known = index.max(*known);
        }
    }

    /// Up to where every node has applied the log.
    #[must_use]
    pub fn by_all(&self) -> u64 {
        self.indices.values().copied().min().unwrap_or_default()
    }
}
