//! The auditor's side: reads the log and believes only what a quorum's signatures prove.

use std::time::Duration;

use akashi_merkle::{
    CheckedHead, CheckedLeaf, Follower, Frontier, Hash, KeySet, Leaf, Receipt, SignedHead,
};
use akashi_proto::v1;
use akashi_proto::v1::audit_service_client::AuditServiceClient;
use akashi_proto::v1::get_receipt_request::Target;
use tonic::Streaming;

use crate::answer::bytes32;
use crate::clock::Deadline;
use crate::connection::Connection;
use crate::error::Error;
use crate::event;
use crate::platform::{Heard, next_step, reopen_pause};
use crate::trust::Trust;

/// Leaves asked for per batch: about 60 KB, far below a message's limit.
const BATCH_LEAVES: u32 = 256;

/// A reader of the audit log with a pinned key set, which learns of its successors where it needs them.
#[derive(Clone, Debug)]
pub struct Auditor {
    connection: Connection,
    trust: Trust,
}

/// What the reader of a tail wants next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// More leaves.
    Continue,
    /// No more.
    Stop,
}

impl Auditor {
    /// An auditor with an auditor's (or a platform's) connection.
    #[must_use]
    pub fn new(connection: Connection, keys: impl Into<Trust>) -> Self {
        let trust = keys.into();
        Self { connection, trust }
    }

    /// The pinned key set.
    #[must_use]
    pub fn key_set(&self) -> &KeySet {
        self.trust.key_set()
    }

    /// What this reader believes.
    #[must_use]
    pub const fn trust(&self) -> &Trust {
        &self.trust
    }

    /// One auditor per node, in the order of the addresses: to compare what each of them says.
    #[must_use]
    pub fn each(&self) -> Vec<(String, Self)> {
        self.connection
            .each()
            .into_iter()
            .map(|(address, connection)| {
                (
                    address,
                    Self {
                        connection,
                        trust: self.trust.clone(),
                    },
                )
            })
            .collect()
    }

    /// A reader that starts before the first leaf.
    #[must_use]
    pub fn follower(&self) -> Follower {
        Follower::new(self.key_set().origin().clone())
    }

    /// The newest sealed head, checked.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it; [`Error::Integrity`] if its signatures do not hold.
    pub async fn head(&self, deadline: Deadline) -> Result<CheckedHead, Error> {
        let answer = self
            .connection
            .call(
                deadline,
                &v1::GetHeadRequest {},
                |channel, request| async move {
                    AuditServiceClient::new(channel).get_head(request).await
                },
            )
            .await?;
        let head = parse_head(&answer.signed_head)?;
        if self.trust.lacks(&head) {
            self.trust.follow(&self.connection, deadline).await?;
        }
        self.trust
            .check(&head)
            .map_err(|broken| Error::integrity(format!("tree head: {broken}")))
    }

    /// One leaf's bytes: the word of one node, unlike a receipt.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it.
    pub async fn leaf(&self, leaf_index: u64, deadline: Deadline) -> Result<Vec<u8>, Error> {
        let message = v1::GetLeafRequest { leaf_index };
        let answer = self
            .connection
            .call(deadline, &message, |channel, request| async move {
                AuditServiceClient::new(channel).get_leaf(request).await
            })
            .await?;
        Ok(answer.leaf.to_vec())
    }

    /// The receipt of a leaf, waiting for its seal until the deadline; text and checked content.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it; [`Error::Integrity`] if it does not verify or is
    /// about another leaf.
    pub async fn receipt(
        &self,
        leaf_index: u64,
        deadline: Deadline,
    ) -> Result<(String, CheckedLeaf), Error> {
        let (text, checked) = self
            .fetch(Target::LeafIndex(leaf_index), "", deadline)
            .await?;
        if checked.index() != leaf_index {
            return Err(Error::integrity("the receipt is about another leaf"));
        }
        Ok((text, checked))
    }

    /// The receipt of a challenge's verdict, waiting for its seal until the deadline.
    ///
    /// # Errors
    ///
    /// As [`Auditor::receipt`].
    pub async fn verdict_receipt(
        &self,
        tenant: &str,
        challenge_id: &[u8; 16],
        deadline: Deadline,
    ) -> Result<(String, CheckedLeaf), Error> {
        let target = Target::ChallengeId(challenge_id.to_vec().into());
        let (text, checked) = self.fetch(target, tenant, deadline).await?;
        let about = checked.leaf().map(|leaf| leaf.challenge_id);
        if about.as_ref() != Ok(challenge_id) {
            return Err(Error::integrity("the receipt is about another challenge"));
        }
        Ok((text, checked))
    }

    async fn fetch(
        &self,
        target: Target,
        tenant: &str,
        deadline: Deadline,
    ) -> Result<(String, CheckedLeaf), Error> {
        let message = v1::GetReceiptRequest {
            target: Some(target),
            tenant: tenant.to_owned(),
            wait: true,
        };
        let answer = self
            .connection
            .call(deadline, &message, |channel, request| async move {
                AuditServiceClient::new(channel).get_receipt(request).await
            })
            .await?;
        self.trust
            .prepare(&self.connection, &answer.receipt, deadline)
            .await?;
        let checked = self
            .trust
            .receipt(&answer.receipt)
            .map_err(|broken| Error::integrity(format!("receipt: {broken}")))?;
        Ok((answer.receipt, checked))
    }

    /// Reads the log from where `follower` stands, verifying every batch, and hands out each leaf
    /// with its index. With `follow` the stream stays open for new leaves.
    ///
    /// A stream that breaks is resumed from the last verified head, on another node.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it; [`Error::Integrity`] if the log contradicts itself,
    /// its signatures, or what was read before.
    pub async fn tail(
        &self,
        follower: &mut Follower,
        follow: bool,
        deadline: Deadline,
        mut leaf: impl FnMut(u64, &[u8], &CheckedHead) -> Result<Flow, Error>,
    ) -> Result<Option<CheckedHead>, Error> {
        let mut newest = None;
        let mut stream = None;
        while let Some((batch, head)) = self
            .next_batch(follower, &mut stream, follow, deadline)
            .await?
        {
            for (index, bytes) in (batch.first_index..).zip(&batch.leaves) {
                if leaf(index, bytes, &head)? == Flow::Stop {
                    return Ok(Some(head));
                }
            }
            newest = Some(head);
        }
        Ok(newest)
    }

    /// The next verified batch of a tail, opening the stream where there is none; nothing at the end
    /// of a log that is not followed. Nothing is lost when the caller stops waiting.
    async fn next_batch(
        &self,
        follower: &mut Follower,
        stream: &mut Option<Streaming<v1::TailResponse>>,
        follow: bool,
        deadline: Deadline,
    ) -> Result<Option<(v1::TailResponse, CheckedHead)>, Error> {
        loop {
            let heard = match stream {
                Some(open) => next_step(open, deadline).await?,
                None => {
                    *stream = Some(self.open_tail(follower, follow, deadline).await?);
                    continue;
                }
            };
            match heard {
                Heard::Step(batch) => {
                    let signed = parse_head(&batch.signed_head)?;
                    if self.trust.lacks(&signed) {
                        // The place in the stream is given up first: nothing is lost when the caller
                        // stops waiting for the history.
                        *stream = None;
                        if self.trust.follow(&self.connection, deadline).await? > 0 {
                            continue;
                        }
                    }
                    let keys = self.trust.at(signed.head.size);
                    let head = accept(follower, &batch, &signed, &keys)?;
                    return Ok(Some((batch, head)));
                }
                Heard::End if !follow => return Ok(None),
                Heard::End | Heard::Broken => {
                    *stream = None;
                    self.connection.avoid_preferred();
                    reopen_pause(deadline).await?;
                }
            }
        }
    }

    async fn open_tail(
        &self,
        follower: &Follower,
        follow: bool,
        deadline: Deadline,
    ) -> Result<Streaming<v1::TailResponse>, Error> {
        let token = follower.token();
        let from_root = if token.size == 0 {
            Vec::new()
        } else {
            token.root.to_vec()
        };
        let message = v1::TailRequest {
            from_size: token.size,
            from_root: from_root.into(),
            follow,
            batch_max: BATCH_LEAVES,
        };
        self.connection
            .open(deadline, &message, |channel, request| async move {
                AuditServiceClient::new(channel).tail(request).await
            })
            .await
            .map_err(foreign_cursor)
    }

    /// A reader that hands out whole batches, for programs that keep their place on disk.
    #[must_use]
    pub fn reader(&self, follower: Follower, follow: bool) -> LogReader {
        LogReader {
            auditor: self.clone(),
            follower,
            follow,
            stream: None,
        }
    }

    /// A follower that goes on from a verified place: the tree that was verified so far.
    ///
    /// # Errors
    ///
    /// [`Error::Integrity`] if the subtree roots do not lead to their root.
    pub fn follower_at(&self, frontier: &Frontier) -> Result<Follower, Error> {
        let token = akashi_merkle::Head {
            origin: self.key_set().origin().clone(),
            size: frontier.size(),
            root: frontier.root(),
        };
        Follower::resume(token, frontier.peaks().to_vec())
            .map_err(|broken| Error::integrity(format!("place in the log: {broken}")))
    }

    /// The number of a tenant, from the leaf that made it; nothing if the sealed log has none of that
    /// name.
    ///
    /// # Errors
    ///
    /// As [`Auditor::tail`].
    pub async fn tenant_number(
        &self,
        name: &str,
        deadline: Deadline,
    ) -> Result<Option<u32>, Error> {
        let mut found = None;
        let mut follower = self.follower();
        self.tail(&mut follower, false, deadline, |_index, bytes, _head| {
            let leaf = Leaf::decode(bytes).map_err(|_bad| Error::Answer { what: "leaf" })?;
            let named = leaf.extensions.value(event::NAME_COLUMN);
            if leaf.kind == event::TENANT_CREATED && named == Some(name.as_bytes()) {
                found = Some(leaf.tenant);
                return Ok(Flow::Stop);
            }
            Ok(Flow::Continue)
        })
        .await?;
        Ok(found)
    }
}

/// Leaves that follow each other, verified against a sealed head.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Index of the first leaf.
    pub first_index: u64,
    /// Canonical bytes of each.
    pub leaves: Vec<Vec<u8>>,
    /// The sealed head that covers them.
    pub head: CheckedHead,
    /// The tree over everything up to the last of them: where to go on.
    pub frontier: Frontier,
}

/// Reads the log batch by batch.
#[derive(Debug)]
pub struct LogReader {
    auditor: Auditor,
    follower: Follower,
    follow: bool,
    stream: Option<Streaming<v1::TailResponse>>,
}

impl LogReader {
    /// Index of the next leaf.
    #[must_use]
    pub const fn position(&self) -> u64 {
        self.follower.size()
    }

    /// The next verified batch; nothing at the end of a log that is not followed. A stream that
    /// breaks is resumed from the last verified leaf, on another node, and nothing is lost when the
    /// caller stops waiting.
    ///
    /// # Errors
    ///
    /// As [`Auditor::tail`]; after [`Error::DeadlineExceeded`] and [`Error::Unavailable`] the reader
    /// can be asked again.
    pub async fn next(&mut self, patience: Duration) -> Result<Option<Batch>, Error> {
        let deadline = Deadline::after(patience);
        let next = self
            .auditor
            .next_batch(&mut self.follower, &mut self.stream, self.follow, deadline)
            .await;
        if matches!(next, Err(Error::DeadlineExceeded)) {
            // The node ends the stream at the deadline that it was opened with.
            self.stream = None;
        }
        Ok(next?.map(|(batch, head)| Batch {
            first_index: batch.first_index,
            leaves: batch.leaves.iter().map(|leaf| leaf.to_vec()).collect(),
            head,
            frontier: self.follower.frontier().clone(),
        }))
    }
}

/// A log that does not contain the last verified head is another log, or was rewound.
fn foreign_cursor(error: Error) -> Error {
    if let Error::Rejected { status } = &error
        && status
            .metadata()
            .get("akashi-reason")
            .is_some_and(|r| r == CURSOR_FOREIGN)
    {
        return Error::integrity("the log does not contain the head that was verified last");
    }
    error
}

/// The reason by which a node says that a cursor is not of its log.
const CURSOR_FOREIGN: &str = "CURSOR_FOREIGN";

/// Verifies one batch and moves the follower behind it.
fn accept(
    follower: &mut Follower,
    batch: &v1::TailResponse,
    signed: &SignedHead,
    keys: &KeySet,
) -> Result<CheckedHead, Error> {
    let leaves: Vec<Vec<u8>> = batch.leaves.iter().map(|leaf| leaf.to_vec()).collect();
    let count = u64::try_from(leaves.len()).unwrap_or(u64::MAX);
    let reaches_head = batch.first_index.checked_add(count) == Some(signed.head.size);
    // The reader's own tree proves that the batch continues it; a path is needed only from the end
    // of the batch to a head beyond it.
    let path: Vec<Hash> = if reaches_head {
        Vec::new()
    } else {
        batch
            .consistency
            .iter()
            .map(|hash| bytes32(hash, "consistency"))
            .collect::<Result<_, _>>()?
    };
    follower
        .advance(batch.first_index, &leaves, &path, signed, keys)
        .map_err(|broken| Error::integrity(format!("audit log: {broken}")))
}

/// Verifies a receipt with nothing but the public keys of the cluster.
///
/// # Errors
///
/// [`Error::Integrity`] says what does not hold.
pub fn verify_receipt(text: &str, keys: &KeySet) -> Result<CheckedLeaf, Error> {
    Receipt::parse(text)
        .and_then(|receipt| receipt.verify(keys))
        .map_err(|broken| Error::integrity(format!("receipt: {broken}")))
}

fn parse_head(text: &str) -> Result<SignedHead, Error> {
    SignedHead::parse(text).map_err(|broken| Error::integrity(format!("tree head: {broken}")))
}
