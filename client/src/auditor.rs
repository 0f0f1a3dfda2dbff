//! The auditor's side: reads the log and believes only what a quorum's signatures prove.

use akashi_merkle::{CheckedHead, CheckedLeaf, Follower, Hash, KeySet, Receipt, SignedHead};
use akashi_proto::v1;
use akashi_proto::v1::audit_service_client::AuditServiceClient;
use akashi_proto::v1::get_receipt_request::Target;

use crate::answer::bytes32;
use crate::clock::Deadline;
use crate::connection::Connection;
use crate::error::Error;
use crate::platform::{Heard, next_step, reopen_pause};

/// Leaves asked for per batch: about 60 KB, far below a message's limit.
const BATCH_LEAVES: u32 = 256;

/// A reader of the audit log with a pinned key set.
#[derive(Clone, Debug)]
pub struct Auditor {
    connection: Connection,
    keys: KeySet,
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
    pub const fn new(connection: Connection, keys: KeySet) -> Self {
        Self { connection, keys }
    }

    /// The pinned key set.
    #[must_use]
    pub const fn key_set(&self) -> &KeySet {
        &self.keys
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
                        keys: self.keys.clone(),
                    },
                )
            })
            .collect()
    }

    /// A reader that starts before the first leaf.
    #[must_use]
    pub fn follower(&self) -> Follower {
        Follower::new(self.keys.origin().clone())
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
        parse_head(&answer.signed_head)?
            .check(&self.keys)
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
        let checked = verify_receipt(&answer.receipt, &self.keys)?;
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
        loop {
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
            let mut stream = self
                .connection
                .open(deadline, &message, |channel, request| async move {
                    AuditServiceClient::new(channel).tail(request).await
                })
                .await
                .map_err(foreign_cursor)?;
            loop {
                let batch = match next_step(&mut stream, deadline).await? {
                    Heard::Step(batch) => batch,
                    Heard::End if !follow => return Ok(newest),
                    Heard::End | Heard::Broken => break,
                };
                let head = accept(follower, &batch, &self.keys)?;
                for (index, bytes) in (batch.first_index..).zip(&batch.leaves) {
                    if leaf(index, bytes, &head)? == Flow::Stop {
                        return Ok(Some(head));
                    }
                }
                newest = Some(head);
            }
            self.connection.avoid_preferred();
            reopen_pause(deadline).await?;
        }
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
    keys: &KeySet,
) -> Result<CheckedHead, Error> {
    let signed = parse_head(&batch.signed_head)?;
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
        .advance(batch.first_index, &leaves, &path, &signed, keys)
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
