//! Submissions and verdicts.

use borsh::{BorshDeserialize, BorshSerialize};

use super::Fact;
use crate::ids::{ChallengeId, ContactId, Digest, Stamp, SubjectHash, Tag};
use crate::outcome::{Good, Held, Outcome};
use crate::records::{About, Evidence, Judged};

/// Proofs were judged and do not hold.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ProofRefused {
    /// Whose.
    pub tenant: u32,
    /// Which challenge.
    pub challenge: ChallengeId,
    /// Of which contact; zeros for a login.
    pub contact: ContactId,
    /// Who.
    pub subject: SubjectHash,
    /// The submission, and why it was refused.
    pub judged: Judged,
    /// The proof kind that failed; zero if a required one was missing.
    pub failed_kind: u8,
    /// The slot of the part that failed.
    pub failed_slot: u8,
    /// Whether possession held: only then does it count.
    pub possession_held: bool,
    /// Whether a wrong PIN was counted.
    pub pin_counted: bool,
    /// The proofs.
    pub evidence: Evidence,
    /// The subject's pseudonym.
    pub tag: Tag,
}

impl Fact for ProofRefused {
    fn tenant(&self) -> u32 {
        self.tenant
    }

    fn contact(&self) -> Option<ContactId> {
        Some(self.contact)
    }
}

/// Proofs were judged and hold.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ProofHeld {
    /// Whose.
    pub tenant: u32,
    /// Which challenge.
    pub challenge: ChallengeId,
    /// Of which contact; zeros for a login.
    pub contact: ContactId,
    /// Who.
    pub subject: SubjectHash,
    /// The submission.
    pub judged: Judged,
    /// What held.
    pub held: Held,
    /// The proofs.
    pub evidence: Evidence,
    /// The subject's pseudonym.
    pub tag: Tag,
}

impl Fact for ProofHeld {
    fn tenant(&self) -> u32 {
        self.tenant
    }

    fn contact(&self) -> Option<ContactId> {
        Some(self.contact)
    }
}

/// The challenge is used up by a submission that held.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ChallengeConsumed {
    /// Whose.
    pub tenant: u32,
    /// Which.
    pub challenge: ChallengeId,
    /// Of which contact; zeros for a login.
    pub contact: ContactId,
    /// The subject's pseudonym.
    pub tag: Tag,
}

impl Fact for ChallengeConsumed {
    fn tenant(&self) -> u32 {
        self.tenant
    }

    fn contact(&self) -> Option<ContactId> {
        Some(self.contact)
    }
}

/// The single ending of a verification: of a contact, an order or a login.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct VerdictReached {
    /// Whose.
    pub tenant: u32,
    /// Which challenge; zeros if none was issued.
    pub challenge: ChallengeId,
    /// Of which contact; zeros for a login.
    pub contact: ContactId,
    /// Of what.
    pub about: About,
    /// Who.
    pub subject: SubjectHash,
    /// How.
    pub outcome: Outcome,
    /// Why.
    pub reason: u16,
    /// What held.
    pub held: Held,
    /// The policy's version.
    pub policy_version: u32,
    /// Until when it is good; zero unless verified.
    pub not_after: Stamp,
    /// What it is good for.
    pub good: Good,
    /// The subject's pseudonym.
    pub tag: Tag,
}

impl Fact for VerdictReached {
    fn tenant(&self) -> u32 {
        self.tenant
    }

    fn contact(&self) -> Option<ContactId> {
        Some(self.contact)
    }
}

/// Another submission came for an answered challenge (recorded once).
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct DuplicateSubmission {
    /// Whose.
    pub tenant: u32,
    /// Which.
    pub challenge: ChallengeId,
    /// Of which contact; zeros for a login.
    pub contact: ContactId,
    /// The submission's fingerprint.
    pub fingerprint: Digest,
    /// The subject's pseudonym.
    pub tag: Tag,
}

impl Fact for DuplicateSubmission {
    fn tenant(&self) -> u32 {
        self.tenant
    }

    fn contact(&self) -> Option<ContactId> {
        Some(self.contact)
    }
}
