//! Invitations, devices and PINs.

use borsh::{BorshDeserialize, BorshSerialize};

use super::Fact;
use crate::command::{EnrolmentKind, Party};
use crate::ids::{ChallengeId, ContactId, Digest, EnrolmentId, Stamp, SubjectHash, Tag};
use crate::records::Evidence;

/// An invitation to enrol is open.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct EnrolmentOpened {
    /// Whose.
    pub tenant: u32,
    /// The invitation.
    pub enrolment: EnrolmentId,
    /// To what.
    pub kind: EnrolmentKind,
    /// Customer or agent.
    pub party: Party,
    /// Who is invited.
    pub subject: SubjectHash,
    /// SHA-256 of the token.
    pub token_hash: Digest,
    /// What the proofs must be bound to.
    pub nonce: [u8; 32],
    /// Until when.
    pub expires: Stamp,
    /// The subject's pseudonym.
    pub tag: Tag,
}

impl Fact for EnrolmentOpened {
    fn tenant(&self) -> u32 {
        self.tenant
    }
}

/// A phone is enrolled; an earlier one of the subject is replaced, with its template and what credentials
/// were bound to another key.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct DeviceEnrolled {
    /// Whose.
    pub tenant: u32,
    /// The invitation it answers.
    pub enrolment: EnrolmentId,
    /// Who.
    pub subject: SubjectHash,
    /// `P`.
    pub device_key: [u8; 32],
    /// `K`.
    pub pin_key: [u8; 32],
    /// The subject's pseudonym.
    pub tag: Tag,
    /// The proofs.
    pub evidence: Evidence,
}

impl Fact for DeviceEnrolled {
    fn tenant(&self) -> u32 {
        self.tenant
    }

    fn phone(&self) -> Option<SubjectHash> {
        Some(self.subject)
    }
}

/// The proofs of a device's enrolment did not hold.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct EnrolmentRefused {
    /// Whose.
    pub tenant: u32,
    /// The invitation.
    pub enrolment: EnrolmentId,
    /// The proof reason.
    pub reason: u16,
    /// The subject's pseudonym.
    pub tag: Tag,
}

impl Fact for EnrolmentRefused {
    fn tenant(&self) -> u32 {
        self.tenant
    }
}

/// An invitation ended unused.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct EnrolmentExpired {
    /// Whose.
    pub tenant: u32,
    /// The invitation.
    pub enrolment: EnrolmentId,
    /// The subject's pseudonym.
    pub tag: Tag,
}

impl Fact for EnrolmentExpired {
    fn tenant(&self) -> u32 {
        self.tenant
    }
}

/// A device is no longer accepted.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct DeviceRevoked {
    /// Whose.
    pub tenant: u32,
    /// Who.
    pub subject: SubjectHash,
    /// The tenant's own code.
    pub reason: u16,
    /// The subject's pseudonym.
    pub tag: Tag,
}

impl Fact for DeviceRevoked {
    fn tenant(&self) -> u32 {
        self.tenant
    }

    fn phone(&self) -> Option<SubjectHash> {
        Some(self.subject)
    }
}

/// Too many wrong PINs in a row.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct PinLocked {
    /// Whose.
    pub tenant: u32,
    /// Who.
    pub subject: SubjectHash,
    /// Until when; [`Stamp`] of all ones: until re-proofing.
    pub until: Stamp,
    /// The subject's pseudonym.
    pub tag: Tag,
}

impl Fact for PinLocked {
    fn tenant(&self) -> u32 {
        self.tenant
    }
}

/// A submission that held replaced the PIN key.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct PinKeyReplaced {
    /// Whose.
    pub tenant: u32,
    /// By which challenge.
    pub challenge: ChallengeId,
    /// Of which contact; zeros for a login.
    pub contact: ContactId,
    /// Who.
    pub subject: SubjectHash,
    /// `K`, from now on.
    pub pin_key: [u8; 32],
    /// How often it was replaced since the device was enrolled.
    pub pin_epoch: u32,
    /// The subject's pseudonym.
    pub tag: Tag,
}

impl Fact for PinKeyReplaced {
    fn tenant(&self) -> u32 {
        self.tenant
    }

    fn contact(&self) -> Option<ContactId> {
        Some(self.contact)
    }
}
