//! `AuditService`: heads, leaves, receipts, and the log as a stream that cannot be rewound unseen.

use std::sync::Arc;

use akashi_domain::answer::Rejection;
use akashi_domain::ids::ChallengeId;
use akashi_domain::keys;
use akashi_domain::kv::{Table, View as _};
use akashi_domain::state::Records as _;
use akashi_merkle::{Hash, SignedHead};
use akashi_proto::v1;
use akashi_proto::v1::audit_service_server::AuditService;
use akashi_proto::v1::get_receipt_request::Target;
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use tokio::sync::watch;
use tokio::time::timeout_at;
use tonic::{Request, Response, Status};

use super::front::{Call, Front};
use super::replica::Replica;
use super::status::Refusal;
use crate::engine::ReceiptError;
use crate::wire::{self, Malformed};

/// Leaves of one batch, where the reader names no number.
const BATCH_LEAVES_DEFAULT: u32 = 256;
/// Leaves of one batch at most: about 300 KB.
const BATCH_LEAVES_MAX: u32 = 1_024;
/// Evidence records of one challenge: every recorded refusal and the success, with room.
const EVIDENCE_RECORDS_MAX: usize = 64;

/// The service.
#[derive(Debug)]
pub(super) struct Audit<R>(pub(super) Front<R>);

impl<R: Replica> Audit<R> {
    /// The newest sealed head.
    fn head(&self) -> Result<Arc<SignedHead>, Refusal> {
        self.0
            .replica
            .sealed()
            .borrow()
            .clone()
            .ok_or(Refusal::NotSealed)
    }

    async fn leaf_of(&self, call: &Call, message: &v1::GetReceiptRequest) -> Result<u64, Refusal> {
        let id = match &message.target {
            Some(Target::LeafIndex(index)) => return Ok(*index),
            Some(Target::ChallengeId(id)) => wire::challenge_id(id)?,
            None => return Err(Malformed { field: "target" }.into()),
        };
        let look = |view: &R::View| {
            let Some(tenant) = view.tenant(&message.tenant)? else {
                return Ok(None);
            };
            view.challenge(tenant.number, id)
        };
        let known = self.0.find(call.deadline, look).await?;
        let known = known.ok_or(Rejection::UnknownChallenge)?;
        if let Some(verdict) = known.verdict {
            return Ok(verdict.leaf);
        }
        // This node may lag behind the one that acknowledged the verdict: look again.
        self.0.replica.read_index(call.deadline).await?;
        let known = look(&self.0.replica.view())?.ok_or(Rejection::UnknownChallenge)?;
        known
            .verdict
            .map(|verdict| verdict.leaf)
            .ok_or(Refusal::NoVerdict)
    }

    async fn receipt(&self, request: Request<v1::GetReceiptRequest>) -> Result<String, Refusal> {
        let call = Call::of(&request)?;
        let message = request.into_inner();
        let leaf = self.leaf_of(&call, &message).await?;
        let mut sealed = self.0.replica.sealed();
        let mut fresh = false;
        loop {
            match self.0.replica.receipt(leaf) {
                Ok(receipt) => return Ok(receipt.to_text()),
                Err(ReceiptError::NotSealed) if message.wait => {
                    timeout_at(call.deadline, sealed.changed())
                        .await
                        .map_err(|_elapsed| Refusal::Deadline)?
                        .map_err(|_closed| Refusal::Stopping)?;
                }
                // This node may lag behind the one that gave the index.
                Err(ReceiptError::UnknownLeaf) if !fresh => {
                    self.0.replica.read_index(call.deadline).await?;
                    fresh = true;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn consistency(&self, from_size: u64) -> Result<v1::GetConsistencyResponse, Refusal> {
        let head = self.head()?;
        if from_size > head.head.size {
            return Err(Refusal::Cursor);
        }
        let path = self.path(from_size, head.head.size)?;
        Ok(v1::GetConsistencyResponse {
            path,
            signed_head: head.to_text(),
        })
    }

    fn path(&self, from: u64, to: u64) -> Result<Vec<bytes::Bytes>, Refusal> {
        // The empty tree is a prefix of every tree, and every tree of itself.
        if from == 0 || from == to {
            return Ok(Vec::new());
        }
        let path = self.0.replica.consistency(from, to)?;
        Ok(path
            .into_iter()
            .map(|hash: Hash| hash.to_vec().into())
            .collect())
    }

    async fn tail(&self, request: Request<v1::TailRequest>) -> Result<Tail<R>, Refusal> {
        let call = Call::of(&request)?;
        let message = request.into_inner();
        let batch_max = match message.batch_max {
            0 => BATCH_LEAVES_DEFAULT,
            1..=BATCH_LEAVES_MAX => message.batch_max,
            _ => return Err(Malformed { field: "batch_max" }.into()),
        };
        if self.0.replica.progress().leaves < message.from_size {
            self.0.replica.read_index(call.deadline).await?;
        }
        if self.0.replica.progress().leaves < message.from_size {
            return Err(Refusal::Cursor);
        }
        let from_root: Option<Hash> = match (message.from_size, message.from_root.is_empty()) {
            (0, true) => None,
            _ => Some(wire::array(&message.from_root, "from_root")?),
        };
        if let Some(root) = from_root
            && self.0.replica.root_at(message.from_size)? != root
        {
            return Err(Refusal::Cursor);
        }
        Ok(Tail {
            audit: Self(self.0.clone()),
            sealed: self.0.replica.sealed(),
            next: message.from_size,
            follow: message.follow,
            batch_max: u64::from(batch_max),
        })
    }

    async fn evidence(
        &self,
        request: Request<v1::GetEvidenceRequest>,
    ) -> Result<v1::GetEvidenceResponse, Refusal> {
        let call = Call::of(&request)?;
        let message = request.into_inner();
        let ChallengeId(id) = wire::challenge_id(&message.challenge_id)?;
        let records = self
            .0
            .find(call.deadline, |view| {
                let Some(tenant) = view.tenant(&message.tenant)? else {
                    return Ok(None);
                };
                let from = keys::evidence(tenant.number, id, 0);
                let to = keys::evidence(tenant.number, id, u64::MAX);
                let found = view.scan(Table::Evidence, &from, &to, EVIDENCE_RECORDS_MAX)?;
                Ok((!found.is_empty()).then_some(found))
            })
            .await?
            .ok_or(Refusal::NoEvidence)?;
        let records = records
            .into_iter()
            .map(|(_, record)| record.into())
            .collect();
        Ok(v1::GetEvidenceResponse { records })
    }
}

/// A reader of the log.
struct Tail<R> {
    audit: Audit<R>,
    sealed: watch::Receiver<Option<Arc<SignedHead>>>,
    next: u64,
    follow: bool,
    batch_max: u64,
}

impl<R: Replica> Tail<R> {
    /// The next batch under a sealed head; none at the end, unless the reader follows.
    async fn next(&mut self) -> Result<Option<v1::TailResponse>, Refusal> {
        loop {
            let head = self.sealed.borrow_and_update().clone();
            if let Some(head) = head
                && head.head.size > self.next
            {
                return self.batch(&head).map(Some);
            }
            if !self.follow {
                return Ok(None);
            }
            self.sealed
                .changed()
                .await
                .map_err(|_closed| Refusal::Stopping)?;
        }
    }

    fn batch(&mut self, head: &SignedHead) -> Result<v1::TailResponse, Refusal> {
        let first = self.next;
        let end = head.head.size.min(first.saturating_add(self.batch_max));
        let mut leaves = Vec::new();
        for index in first..end {
            let leaf = self.audit.0.replica.leaf(index)?.ok_or(Refusal::Internal)?;
            leaves.push(leaf.into());
        }
        self.next = end;
        Ok(v1::TailResponse {
            first_index: first,
            leaves,
            signed_head: head.to_text(),
            consistency: self.audit.path(end, head.head.size)?,
        })
    }
}

#[tonic::async_trait]
impl<R: Replica> AuditService for Audit<R> {
    type TailStream = BoxStream<'static, Result<v1::TailResponse, Status>>;

    async fn get_head(
        &self,
        _: Request<v1::GetHeadRequest>,
    ) -> Result<Response<v1::GetHeadResponse>, Status> {
        let head = self.head().map_err(|refusal| self.0.refuse(refusal))?;
        Ok(Response::new(v1::GetHeadResponse {
            signed_head: head.to_text(),
        }))
    }

    async fn get_leaf(
        &self,
        request: Request<v1::GetLeafRequest>,
    ) -> Result<Response<v1::GetLeafResponse>, Status> {
        let leaf = self
            .0
            .replica
            .leaf(request.get_ref().leaf_index)
            .map_err(Refusal::from)
            .and_then(|leaf| leaf.ok_or(Refusal::LeafUnknown))
            .map_err(|refusal| self.0.refuse(refusal))?;
        let as_of = wire::as_of(&self.0.replica.progress(), true);
        Ok(Response::new(v1::GetLeafResponse {
            leaf: leaf.into(),
            as_of: Some(as_of),
        }))
    }

    async fn get_receipt(
        &self,
        request: Request<v1::GetReceiptRequest>,
    ) -> Result<Response<v1::GetReceiptResponse>, Status> {
        let receipt = self
            .receipt(request)
            .await
            .map_err(|refusal| self.0.refuse(refusal))?;
        Ok(Response::new(v1::GetReceiptResponse { receipt }))
    }

    async fn get_consistency(
        &self,
        request: Request<v1::GetConsistencyRequest>,
    ) -> Result<Response<v1::GetConsistencyResponse>, Status> {
        self.consistency(request.get_ref().from_size)
            .map(Response::new)
            .map_err(|refusal| self.0.refuse(refusal))
    }

    async fn tail(
        &self,
        request: Request<v1::TailRequest>,
    ) -> Result<Response<Self::TailStream>, Status> {
        let tail = self
            .tail(request)
            .await
            .map_err(|refusal| self.0.refuse(refusal))?;
        let batches = stream::unfold(Some(tail), |tail| async move {
            let mut tail = tail?;
            match tail.next().await {
                Ok(Some(batch)) => Some((Ok(batch), Some(tail))),
                Ok(None) => None,
                Err(refusal) => Some((Err(refusal.status()), None)),
            }
        });
        Ok(Response::new(batches.boxed()))
    }

    async fn get_evidence(
        &self,
        request: Request<v1::GetEvidenceRequest>,
    ) -> Result<Response<v1::GetEvidenceResponse>, Status> {
        self.evidence(request)
            .await
            .map(Response::new)
            .map_err(|refusal| self.0.refuse(refusal))
    }
}
