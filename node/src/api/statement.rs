//! Statements of a tenant's closed contacts: which ones a period has, and their leaves with proofs.
//!
//! Everything here is of the caller's own tenant; a leaf of another one is refused like one that does
//! not exist.

use std::sync::Arc;

use akashi_domain::answer::Rejection;
use akashi_domain::ids::ContactId;
use akashi_domain::state::Records as _;
use akashi_merkle::{Leaf, SignedHead};
use akashi_proto::v1;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};
use tonic::Request;

use super::front::{Call, Front};
use super::replica::Replica;
use super::status::Refusal;
use crate::engine::ReceiptError;
use crate::wire::{self, Malformed};

/// Leaves of one part at most: under 1 MiB with their proof.
const PART_LEAVES_MAX: u64 = 2_048;

/// Reads for statements.
pub(super) struct Statements<'a, R>(pub(super) &'a Front<R>);

impl<R: Replica> Statements<'_, R> {
    /// The receipt of a closed contact's processing.
    pub(super) async fn receipt(
        &self,
        request: Request<v1::GetProcessingReceiptRequest>,
    ) -> Result<v1::GetProcessingReceiptResponse, Refusal> {
        let call = Call::of(&request)?;
        let message = request.into_inner();
        call.of_tenant(&message.tenant)?;
        let id = wire::contact_id(&message.contact_id)?;
        self.0.replica.read_index(call.deadline).await?;
        let (number, leaf) = self.processed(&message.tenant, id)?;
        let mut sealed = self.0.replica.sealed();
        loop {
            match self.0.replica.receipt(leaf) {
                Ok(receipt) => {
                    return Ok(v1::GetProcessingReceiptResponse {
                        receipt: receipt.to_text(),
                        number,
                    });
                }
                Err(ReceiptError::NotSealed) => changed(&mut sealed, call.deadline).await?,
                Err(
                    error @ (ReceiptError::UnknownLeaf
                    | ReceiptError::Incomplete
                    | ReceiptError::Storage),
                ) => {
                    return Err(error.into());
                }
            }
        }
    }

    /// The numbers of a period, under a sealed head that covers every contact closed before the call.
    pub(super) async fn find(
        &self,
        request: Request<v1::FindProcessedRequest>,
    ) -> Result<v1::FindProcessedResponse, Refusal> {
        let call = Call::of(&request)?;
        let message = request.into_inner();
        call.of_tenant(&message.tenant)?;
        if message.from_us >= message.until_us {
            return Err(Malformed { field: "until_us" }.into());
        }
        self.0.replica.read_index(call.deadline).await?;
        let tenant = self.tenant(&message.tenant)?;
        let tally = self.0.replica.view().tally(tenant)?;
        let covered = match tally.processed {
            0 => tally.tenant_leaf,
            number => self.leaf_of(tenant, number)?,
        };
        let head = self
            .covering(covered.saturating_add(1), call.deadline)
            .await?;
        let numbers = tally.processed;
        let first = self.first_from(tenant, numbers, message.from_us)?;
        let behind = self.first_from(tenant, numbers, message.until_us)?;
        Ok(v1::FindProcessedResponse {
            tenant_number: tenant,
            tenant_leaf: tally.tenant_leaf,
            first_number: first,
            last_number: behind.saturating_sub(1),
            newest_number: numbers,
            signed_head: head.to_text(),
        })
    }

    /// Leaves with one proof for all of them, in the tree of the size that the caller names.
    pub(super) async fn part(
        &self,
        request: Request<v1::GetStatementPartRequest>,
    ) -> Result<v1::GetStatementPartResponse, Refusal> {
        let call = Call::of(&request)?;
        let message = request.into_inner();
        call.of_tenant(&message.tenant)?;
        // This node may lag behind the one that named the head.
        self.covering(message.tree_size, call.deadline).await?;
        let tenant = self.tenant(&message.tenant)?;
        let indices = self.indices(tenant, &message)?;
        let mut leaves = Vec::with_capacity(indices.len());
        for index in &indices {
            let bytes = self.0.replica.leaf(*index)?.ok_or(Refusal::LeafUnknown)?;
            let leaf = Leaf::decode(&bytes).map_err(|_foreign| Refusal::Internal)?;
            if leaf.tenant != tenant {
                return Err(Refusal::LeafUnknown);
            }
            leaves.push(bytes.into());
        }
        let path = self.0.replica.multi_proof(&indices, message.tree_size)?;
        Ok(v1::GetStatementPartResponse {
            leaf_indices: indices,
            leaves,
            path: path.iter().map(|hash| hash.to_vec().into()).collect(),
        })
    }

    /// A tenant's number.
    fn tenant(&self, name: &str) -> Result<u32, Refusal> {
        let tenant = self.0.replica.view().tenant(name)?;
        Ok(tenant.ok_or(Rejection::UnknownTenant)?.number)
    }

    /// The number and the leaf of a closed contact.
    fn processed(&self, tenant: &str, id: ContactId) -> Result<(u64, u64), Refusal> {
        let tenant = self.tenant(tenant)?;
        let view = self.0.replica.view();
        let contact = view.contact(tenant, id)?.ok_or(Rejection::UnknownContact)?;
        let leaf = view.processed_leaf(tenant, contact.number)?;
        Ok((contact.number, leaf.ok_or(Refusal::ContactOpen)?))
    }

    /// Which leaves a caller means: those of a run of numbers, or those it names.
    fn indices(
        &self,
        tenant: u32,
        message: &v1::GetStatementPartRequest,
    ) -> Result<Vec<u64>, Refusal> {
        let malformed = |field| Refusal::from(Malformed { field });
        let named = &message.leaf_indices;
        let indices = match (u64::from(message.count), named.len()) {
            (0, 1..) => {
                let ascending = named.is_sorted_by(|a, b| a < b);
                let few = u64::try_from(named.len()).is_ok_and(|count| count <= PART_LEAVES_MAX);
                if !ascending || !few {
                    return Err(malformed("leaf_indices"));
                }
                named.clone()
            }
            (1..=PART_LEAVES_MAX, 0) => {
                let first = message.first_number;
                let last = first
                    .checked_add(u64::from(message.count))
                    .map(|behind| behind.saturating_sub(1))
                    .filter(|_| first > 0)
                    .ok_or_else(|| malformed("first_number"))?;
                (first..=last)
                    .map(|number| self.leaf_of(tenant, number))
                    .collect::<Result<_, _>>()?
            }
            (_, 0) => return Err(malformed("count")),
            (_, _) => return Err(malformed("leaf_indices")),
        };
        if indices.last().is_none_or(|last| *last >= message.tree_size) {
            return Err(Refusal::LeafUnknown);
        }
        Ok(indices)
    }

    /// The first number from 1 to `numbers` whose contact closed at `stamp_us` or later; one more than
    /// `numbers` if there is none. Stamps go up with the numbers.
    fn first_from(&self, tenant: u32, numbers: u64, stamp_us: u64) -> Result<u64, Refusal> {
        let (mut low, mut high) = (1, numbers.saturating_add(1));
        while low < high {
            let middle = low.midpoint(high);
            let index = self.leaf_of(tenant, middle)?;
            let bytes = self.0.replica.leaf(index)?.ok_or(Refusal::Internal)?;
            let leaf = Leaf::decode(&bytes).map_err(|_foreign| Refusal::Internal)?;
            if leaf.stamp_us < stamp_us {
                low = middle.saturating_add(1);
            } else {
                high = middle;
            }
        }
        Ok(low)
    }

    fn leaf_of(&self, tenant: u32, number: u64) -> Result<u64, Refusal> {
        let leaf = self.0.replica.view().processed_leaf(tenant, number)?;
        leaf.ok_or(Refusal::LeafUnknown)
    }

    /// The newest sealed head, once it has `size` leaves or more.
    async fn covering(&self, size: u64, deadline: Instant) -> Result<Arc<SignedHead>, Refusal> {
        let mut sealed = self.0.replica.sealed();
        loop {
            let head = sealed.borrow_and_update().clone();
            if let Some(head) = head.filter(|head| head.head.size >= size) {
                return Ok(head);
            }
            changed(&mut sealed, deadline).await?;
        }
    }
}

async fn changed(
    sealed: &mut watch::Receiver<Option<Arc<SignedHead>>>,
    deadline: Instant,
) -> Result<(), Refusal> {
    timeout_at(deadline, sealed.changed())
        .await
        .map_err(|_elapsed| Refusal::Deadline)?
        .map_err(|_closed| Refusal::Stopping)
}
