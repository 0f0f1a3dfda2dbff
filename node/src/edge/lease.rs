//! Asking a quorum, again and again, for leave to speak.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use akashi_presence::QuorumLease;
use tokio::sync::watch;
use tokio::time::timeout_at;

use crate::api::Replica;
use crate::clock;
use crate::telemetry::Metrics;

/// From one answer to the next question: three questions fit into a lease, so that one lost answer costs
/// nobody anything.
const ASK_EVERY: Duration = Duration::from_secs(2);
/// How long an answer is waited for.
const ASK_WITHIN: Duration = Duration::from_secs(3);
/// Pause after a question without an answer.
const ASK_AGAIN: Duration = Duration::from_millis(200);

/// This node's leave to speak. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Lease {
    lease: Arc<Mutex<QuorumLease>>,
    renewed: watch::Sender<()>,
    metrics: Metrics,
}

impl Lease {
    pub(super) fn new(metrics: Metrics) -> Self {
        Self {
            lease: Arc::default(),
            renewed: watch::Sender::new(()),
            metrics,
        }
    }

    /// How long the node may speak from now on, in milliseconds; zero: not at all.
    pub(crate) fn left_ms(&self) -> u32 {
        let left_us = self.lock().left_us(clock::boottime_us());
        u32::try_from(left_us.checked_div(1_000).unwrap_or_default()).unwrap_or(u32::MAX)
    }

    /// Waits until the node may speak, not longer than `until`. Returns whether it may.
    pub(crate) async fn held(&self, until: tokio::time::Instant) -> bool {
        let mut renewed = self.renewed.subscribe();
        loop {
            if self.left_ms() > 0 {
                return true;
            }
            if !matches!(timeout_at(until, renewed.changed()).await, Ok(Ok(()))) {
                return false;
            }
        }
    }

    /// Asks without end.
    pub(super) async fn keep<R: Replica>(self, replica: R) {
        loop {
            // Before the question: whatever is decided from here on may be missing in the answer.
            let asked_us = clock::boottime_us();
            let answer = replica.read_index(clock::runtime() + ASK_WITHIN).await;
            if answer.is_ok() {
                self.lock().confirmed(asked_us);
            }
            let left = Duration::from_millis(u64::from(self.left_ms()));
            self.metrics.lease(answer.is_ok(), left);
            if answer.is_ok() {
                self.renewed.send_replace(());
                tokio::time::sleep(ASK_EVERY).await;
            } else {
                tokio::time::sleep(ASK_AGAIN).await;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, QuorumLease> {
        self.lease.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
