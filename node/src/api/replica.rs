//! What the API needs of a replica. The engine's handle is one; a test may put the pure core and a
//! tree in memory behind the same door.

use std::future::Future;
use std::sync::Arc;

use akashi_domain::answer::Answer;
use akashi_domain::command::Request;
use akashi_domain::kv::View;
use akashi_domain::records::Progress;
use akashi_merkle::{Hash, Held, HeldReceipt, KeyHistory, KeySet, Receipt, SignedHead};
use akashi_replica::entry::NodeId;
use tokio::sync::{broadcast, watch};
use tokio::time::Instant;

use crate::engine::{AppliedEntry, ProposeError, ReadError, ReceiptError, Status};

/// A replica, as the API sees it. Every wait ends at its deadline at the latest.
pub trait Replica: Clone + Send + Sync + 'static {
    /// What can be read of its applied state.
    type View: View;

    /// Has a command decided, here or at the leader.
    ///
    /// # Errors
    ///
    /// [`ProposeError`].
    fn propose(
        &self,
        request: Request,
        deadline: Instant,
    ) -> impl Future<Output = Result<Answer, ProposeError>> + Send;

    /// Waits until this replica has applied everything that was decided before the call.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    fn read_index(
        &self,
        deadline: Instant,
    ) -> impl Future<Output = Result<Progress, ReadError>> + Send;

    /// Waits until this replica has applied `log_index`.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    fn wait_applied(
        &self,
        log_index: u64,
        deadline: Instant,
    ) -> impl Future<Output = Result<Progress, ReadError>> + Send;

    /// Up to where every replica has applied the log, as far as this one was told.
    fn applied_by_all(&self) -> watch::Receiver<u64>;

    /// How far it has come.
    fn progress(&self) -> Progress;

    /// Its applied state.
    fn view(&self) -> Self::View;

    /// Applied entries from now on. A reader that lags must look at the state again.
    fn subscribe(&self) -> broadcast::Receiver<Arc<AppliedEntry>>;

    /// The newest sealed head.
    fn sealed(&self) -> watch::Receiver<Option<Arc<SignedHead>>>;

    /// The receipt of a leaf under the newest sealed head.
    ///
    /// # Errors
    ///
    /// [`ReceiptError`].
    fn receipt(&self, leaf_index: u64) -> Result<Receipt, ReceiptError>;

    /// A leaf's bytes.
    ///
    /// # Errors
    ///
    /// [`ReadError::Storage`].
    fn leaf(&self, leaf_index: u64) -> Result<Option<Vec<u8>>, ReadError>;

    /// Proof that the tree of size `from` is a prefix of the one of size `to`.
    ///
    /// # Errors
    ///
    /// [`ReadError::Storage`].
    fn consistency(&self, from: u64, to: u64) -> Result<Vec<Hash>, ReadError>;

    /// Proof that the leaves at `indices`, strictly ascending, are leaves of the tree of `size`.
    ///
    /// # Errors
    ///
    /// [`ReadError::Storage`].
    fn multi_proof(&self, indices: &[u64], size: u64) -> Result<Vec<Hash>, ReadError>;

    /// The root of the first `size` leaves.
    ///
    /// # Errors
    ///
    /// [`ReadError::Storage`].
    fn root_at(&self, size: u64) -> Result<Hash, ReadError>;

    /// The keys by which its newest heads are checked, once the cluster is founded.
    fn key_set(&self) -> Option<KeySet>;

    /// The key sets whose ends lie at or behind `from_size`, `limit` changes at most, and whether there are
    /// more; none before the cluster is founded.
    ///
    /// # Errors
    ///
    /// [`ReadError::Storage`] and [`ReadError::Unavailable`].
    fn key_history(
        &self,
        from_size: u64,
        limit: usize,
    ) -> Result<Option<(KeyHistory, bool)>, ReadError>;

    /// Signs that this node received something which nobody decides at present.
    fn hold(&self, held: Held) -> HeldReceipt;

    /// Where it stands.
    fn status(&self) -> Status;

    /// Hands leadership to `to`, or to the best follower.
    ///
    /// # Errors
    ///
    /// [`ProposeError`].
    fn transfer_leader(
        &self,
        to: Option<NodeId>,
        deadline: Instant,
    ) -> impl Future<Output = Result<Option<NodeId>, ProposeError>> + Send;

    /// Why it serves nothing, if it does not.
    fn fenced(&self) -> watch::Receiver<Option<String>>;
}

impl Replica for crate::engine::Handle {
    type View = crate::engine::StoreView;

    async fn propose(&self, request: Request, deadline: Instant) -> Result<Answer, ProposeError> {
        Self::propose(self, request, deadline).await
    }

    async fn read_index(&self, deadline: Instant) -> Result<Progress, ReadError> {
        Self::read_index(self, deadline).await
    }

    async fn wait_applied(&self, log_index: u64, deadline: Instant) -> Result<Progress, ReadError> {
        Self::wait_applied(self, log_index, deadline).await
    }

    fn applied_by_all(&self) -> watch::Receiver<u64> {
        Self::applied_by_all(self)
    }

    fn progress(&self) -> Progress {
        Self::progress(self)
    }

    fn view(&self) -> Self::View {
        Self::view(self)
    }

    fn subscribe(&self) -> broadcast::Receiver<Arc<AppliedEntry>> {
        Self::subscribe(self)
    }

    fn sealed(&self) -> watch::Receiver<Option<Arc<SignedHead>>> {
        Self::sealed(self)
    }

    fn receipt(&self, leaf_index: u64) -> Result<Receipt, ReceiptError> {
        Self::receipt(self, leaf_index)
    }

    fn leaf(&self, leaf_index: u64) -> Result<Option<Vec<u8>>, ReadError> {
        Self::leaf(self, leaf_index)
    }

    fn consistency(&self, from: u64, to: u64) -> Result<Vec<Hash>, ReadError> {
        Self::consistency(self, from, to)
    }

    fn multi_proof(&self, indices: &[u64], size: u64) -> Result<Vec<Hash>, ReadError> {
        Self::multi_proof(self, indices, size)
    }

    fn root_at(&self, size: u64) -> Result<Hash, ReadError> {
        Self::root_at(self, size)
    }

    fn key_set(&self) -> Option<KeySet> {
        Self::key_set(self)
    }

    fn key_history(
        &self,
        from_size: u64,
        limit: usize,
    ) -> Result<Option<(KeyHistory, bool)>, ReadError> {
        Self::key_history(self, from_size, limit)
    }

    fn hold(&self, held: Held) -> HeldReceipt {
        Self::hold(self, held)
    }

    fn status(&self) -> Status {
        Self::status(self)
    }

    async fn transfer_leader(
        &self,
        to: Option<NodeId>,
        deadline: Instant,
    ) -> Result<Option<NodeId>, ProposeError> {
        Self::transfer_leader(self, to, deadline).await
    }

    fn fenced(&self) -> watch::Receiver<Option<String>> {
        Self::fenced(self)
    }
}
