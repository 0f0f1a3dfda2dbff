//! Giving: manifests, chunks and old leaves, for other replicas.

use std::sync::Arc;
use std::sync::mpsc::Sender;

use akashi_domain::state::Records as _;
use akashi_merkle::SignedHead;
use akashi_replica::entry::NodeId;
use akashi_replica::snapshot::{Cursor, read_history};
use tokio::sync::watch;

use super::{Kept, Pace};
use crate::engine::{Handle, SealInput, StoreView};
use crate::peers::{Boxed, SnapshotInputs};
use crate::telemetry::Metrics;

/// What this node gives.
pub struct Giver {
    pub(crate) view: StoreView,
    pub(crate) handle: Handle,
    pub(crate) kept: Kept,
    pub(crate) sealed: watch::Receiver<Option<Arc<SignedHead>>>,
    /// Where a mark is asked for.
    pub(crate) ask: Sender<SealInput>,
    /// Whether a replica is a member.
    pub(crate) member: Box<dyn Fn(NodeId) -> bool + Send + Sync>,
    pub(crate) pace: Arc<Pace>,
    pub(crate) metrics: Metrics,
}

impl std::fmt::Debug for Giver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Giver")
            .field("kept", &self.kept)
            .finish_non_exhaustive()
    }
}

impl Giver {
    /// The newest state that is kept, recorded and sealed.
    fn best(&self, least_index: u64) -> Option<Vec<u8>> {
        if self.handle.fenced().borrow().is_some() {
            return None;
        }
        let offers: Vec<_> = self
            .kept
            .offers()
            .into_iter()
            .filter(|offer| offer.progress.log_index >= least_index)
            .collect();
        if offers.is_empty() {
            // Listened to by the leader only.
            drop(self.ask.send(SealInput::SnapshotWanted));
            return None;
        }
        let head = self.sealed.borrow().clone()?;
        let mark = self.view.state_mark().ok()?;
        let manifest = offers
            .iter()
            .find_map(|offer| offer.manifest(&self.view, mark, &head).ok().flatten())?;
        Some(manifest.encode())
    }
}

impl SnapshotInputs for Giver {
    fn manifest(&self, least_index: u64) -> Boxed<Option<Vec<u8>>> {
        let manifest = self.best(least_index);
        Box::pin(async move { manifest })
    }

    fn chunk(&self, digest: [u8; 32], after: Option<Cursor>) -> Boxed<Option<Vec<u8>>> {
        let asked = self.kept.read(&digest, after);
        let (pace, metrics) = (Arc::clone(&self.pace), self.metrics.clone());
        Box::pin(async move {
            let bytes = asked?.await.ok()?;
            pace.pass(bytes.len()).await;
            metrics.snapshot_given(bytes.len());
            Some(bytes)
        })
    }

    fn history(&self, from: u64, to: u64, tree_size: u64) -> Boxed<Option<Vec<u8>>> {
        let (view, pace) = (self.view.clone(), Arc::clone(&self.pace));
        let metrics = self.metrics.clone();
        // A larger tree than this replica's own cannot be proved in.
        let known = self.handle.progress().leaves >= tree_size;
        Box::pin(async move {
            if !known {
                return None;
            }
            let read = move || read_history(&view, from, to, tree_size).ok().flatten();
            let part = tokio::task::spawn_blocking(read).await.ok().flatten()?;
            let bytes = part.encode();
            pace.pass(bytes.len()).await;
            metrics.snapshot_given(bytes.len());
            Some(bytes)
        })
    }

    fn is_member(&self, node: NodeId) -> bool {
        (self.member)(node)
    }
}
