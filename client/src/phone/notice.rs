//! Checking a pre-call notice before anything is shown or proved.
//!
//! A notice is a claim of one node. It becomes a [`CheckedNotice`] only if its receipt verifies
//! under the pinned key set, is about this challenge, and contains the digest of the very context
//! that the phone would prove for.

use akashi_merkle::{CheckedLeaf, Leaf, Receipt};
use akashi_proof::{Context, Purpose};
use akashi_proto::v1;

use super::{Bound, Phone};
use crate::answer::{Initiator, bytes32, id16};
use crate::error::Error;
use crate::event;

/// A notice that a quorum of replicas vouches for.
#[derive(Clone, Debug)]
pub struct CheckedNotice {
    context: Context,
    challenge_id: [u8; 16],
    contact_id: [u8; 16],
    submit_token: [u8; 32],
    initiator: Initiator,
    call_reason: u32,
    policy: String,
    require_knowledge: bool,
    agent_bound: bool,
    expires_us: u64,
    issued_us: u64,
    vouchers: usize,
}

impl CheckedNotice {
    /// The challenge to answer.
    #[must_use]
    pub const fn challenge_id(&self) -> [u8; 16] {
        self.challenge_id
    }

    /// The contact that it belongs to.
    #[must_use]
    pub const fn contact_id(&self) -> [u8; 16] {
        self.contact_id
    }

    /// Who placed the call.
    #[must_use]
    pub const fn initiator(&self) -> Initiator {
        self.initiator
    }

    /// Code of the reason to show.
    #[must_use]
    pub const fn call_reason(&self) -> u32 {
        self.call_reason
    }

    /// Name of the policy.
    #[must_use]
    pub fn policy(&self) -> &str {
        &self.policy
    }

    /// Whether the PIN is asked for.
    #[must_use]
    pub const fn require_knowledge(&self) -> bool {
        self.require_knowledge
    }

    /// Whether an agent known to the cluster has claimed the contact.
    #[must_use]
    pub const fn agent_bound(&self) -> bool {
        self.agent_bound
    }

    /// End of the challenge in cluster time, microseconds since 1970-01-01 UTC.
    #[must_use]
    pub const fn expires_us(&self) -> u64 {
        self.expires_us
    }

    /// When the challenge was issued, in the same unit.
    #[must_use]
    pub const fn issued_us(&self) -> u64 {
        self.issued_us
    }

    /// How many replicas vouch for it.
    #[must_use]
    pub const fn vouchers(&self) -> usize {
        self.vouchers
    }

    pub(crate) const fn submit_token(&self) -> &[u8; 32] {
        &self.submit_token
    }

    pub(crate) const fn context(&self) -> &Context {
        &self.context
    }
}

impl Phone {
    /// Checks a notice against the pinned key set and this phone's own idea of who it is.
    ///
    /// # Errors
    ///
    /// [`Error::Integrity`] if the notice is for somebody else, of another log, not covered by its
    /// receipt, or differs from what the cluster sealed; [`Error::Answer`] for malformed fields.
    pub fn check_notice(&self, notice: &v1::Notice) -> Result<CheckedNotice, Error> {
        self.check_log(&notice.origin, notice.group, notice.epoch)?;
        if notice.tenant != self.profile.tenant {
            return Err(Error::integrity("the notice is of another tenant"));
        }
        if bytes32(&notice.subject_hash, "subject_hash")? != self.subject_hash() {
            return Err(Error::integrity("the notice is for another subject"));
        }
        let challenge_id = id16(&notice.challenge_id, "challenge_id")?;
        let contact_id = id16(&notice.contact_id, "contact_id")?;
        let context = self.context(&Bound {
            challenge_id,
            nonce: bytes32(&notice.nonce, "nonce")?,
            purpose: Purpose::CustomerCall,
            contact_id: &contact_id,
            not_before_us: notice.not_before_us,
            expires_us: notice.expires_us,
            policy_digest: bytes32(&notice.policy_digest, "policy_digest")?,
        })?;
        let checked = self.check_receipt(&notice.receipt)?;
        let leaf = checked
            .leaf()
            .map_err(|_version| Error::integrity("the leaf of the notice cannot be read"))?;
        if leaf.kind != event::CHALLENGE_ISSUED
            || leaf.challenge_id != challenge_id
            || leaf.contact_id != contact_id
        {
            return Err(Error::integrity(
                "the receipt of the notice is about something else",
            ));
        }
        if leaf.statement_hash != context.digest() {
            return Err(Error::integrity(
                "the notice differs from the challenge that was sealed",
            ));
        }
        let initiator = Initiator::from_number(notice.initiator)?;
        check_shown(&leaf, initiator, notice.call_reason)?;
        Ok(CheckedNotice {
            context,
            challenge_id,
            contact_id,
            submit_token: bytes32(&notice.submit_token, "submit_token")?,
            initiator,
            call_reason: notice.call_reason,
            policy: notice.policy.clone(),
            require_knowledge: notice.require_knowledge,
            agent_bound: notice.agent_bound,
            expires_us: notice.expires_us,
            issued_us: leaf.stamp_us,
            vouchers: checked.head().vouches().len(),
        })
    }

    fn check_receipt(&self, text: &str) -> Result<CheckedLeaf, Error> {
        Receipt::parse(text)
            .and_then(|receipt| receipt.verify(&self.keys))
            .map_err(|broken| Error::integrity(format!("receipt of the notice: {broken}")))
    }
}

/// What the screen shows beside the context must be what was sealed, where the leaf says it.
fn check_shown(leaf: &Leaf, initiator: Initiator, call_reason: u32) -> Result<(), Error> {
    let columns = &leaf.extensions;
    if let Some(sealed) = columns.value(event::INITIATOR_COLUMN)
        && sealed
            .iter()
            .map(|byte| i32::from(*byte))
            .ne([initiator.number()])
    {
        return Err(Error::integrity(
            "who placed the call differs from what was sealed",
        ));
    }
    if let Some(sealed) = columns.value(event::CALL_REASON_COLUMN)
        && u16::try_from(call_reason)
            .map(u16::to_be_bytes)
            .ok()
            .as_ref()
            .map(<[u8; 2]>::as_slice)
            != Some(sealed)
    {
        return Err(Error::integrity(
            "the reason of the call differs from what was sealed",
        ));
    }
    Ok(())
}
