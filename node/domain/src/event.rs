//! Facts. An event is never changed, renumbered or reused; new meaning, new event.
//!
//! Every event becomes one leaf of the audit log ([`crate::leaf`]); `docs/events.md` is the catalogue.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::command::Initiator;
use crate::ids::{AgentHash, ChallengeId, ContactId, Digest, EnrolmentId, Stamp, SubjectHash, Tag};
use crate::outcome::Outcome;
use crate::records::{Cluster, Evidence, Judged, Policy, PolicyBody, Settings};

/// Something that happened. Tenants are meant by number; zero is the cluster itself.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Event {
    /// The cluster has its first entry.
    ClusterFounded {
        /// The cluster.
        cluster: Cluster,
    } = 1,
    /// A tenant exists.
    TenantCreated {
        /// Its number.
        tenant: u32,
        /// Its name.
        name: String,
    } = 2,
    /// A version of a policy is in force.
    PolicyActivated {
        /// Whose.
        tenant: u32,
        /// The version.
        policy: Policy,
    } = 3,
    /// Limits are in force.
    SettingsChanged {
        /// All of them.
        settings: Settings,
    } = 4,
    /// An agent is known.
    AgentRegistered {
        /// Whose.
        tenant: u32,
        /// Who.
        agent: AgentHash,
        /// SHA-256 of the certificate; zeros accept any.
        certificate: Digest,
    } = 5,
    /// An invitation to enrol is open.
    EnrolmentOpened {
        /// Whose.
        tenant: u32,
        /// The invitation.
        enrolment: EnrolmentId,
        /// Who is invited.
        subject: SubjectHash,
        /// SHA-256 of the token.
        token_hash: Digest,
        /// What the proofs must be bound to.
        nonce: [u8; 32],
        /// Until when.
        expires: Stamp,
        /// The subject's pseudonym.
        tag: Tag,
    } = 10,
    /// A phone is enrolled; an earlier one of the subject is replaced.
    DeviceEnrolled {
        /// Whose.
        tenant: u32,
        /// The invitation it answers.
        enrolment: EnrolmentId,
        /// Who.
        subject: SubjectHash,
        /// `P`.
        device_key: [u8; 32],
        /// `K`.
        pin_key: [u8; 32],
        /// The subject's pseudonym.
        tag: Tag,
        /// The proofs.
        evidence: Evidence,
    } = 11,
    /// The proofs of an enrolment did not hold.
    EnrolmentRefused {
        /// Whose.
        tenant: u32,
        /// The invitation.
        enrolment: EnrolmentId,
        /// The proof reason.
        reason: u16,
        /// The subject's pseudonym.
        tag: Tag,
    } = 12,
    /// An invitation ended unused.
    EnrolmentExpired {
        /// Whose.
        tenant: u32,
        /// The invitation.
        enrolment: EnrolmentId,
        /// The subject's pseudonym.
        tag: Tag,
    } = 13,
    /// A device is no longer accepted.
    DeviceRevoked {
        /// Whose.
        tenant: u32,
        /// Who.
        subject: SubjectHash,
        /// The tenant's own code.
        reason: u16,
        /// The subject's pseudonym.
        tag: Tag,
    } = 14,
    /// Too many wrong PINs in a row.
    PinLocked {
        /// Whose.
        tenant: u32,
        /// Who.
        subject: SubjectHash,
        /// Until when; [`Stamp`] of all ones: until re-proofing.
        until: Stamp,
        /// The subject's pseudonym.
        tag: Tag,
    } = 15,
    /// A call is about to happen, or connects.
    ContactAnnounced {
        /// Whose.
        tenant: u32,
        /// Which.
        contact: ContactId,
        /// Who is asked.
        subject: SubjectHash,
        /// Who called whom.
        initiator: Initiator,
        /// Why, as shown to the customer.
        call_reason: u16,
        /// The subject's pseudonym.
        tag: Tag,
    } = 20,
    /// An agent has the contact.
    AgentBound {
        /// Whose.
        tenant: u32,
        /// Which.
        contact: ContactId,
        /// Who.
        agent: AgentHash,
        /// The agent's pseudonym.
        agent_tag: Tag,
    } = 21,
    /// A phone is asked.
    ChallengeIssued {
        /// Whose.
        tenant: u32,
        /// Which.
        challenge: ChallengeId,
        /// For which contact.
        contact: ContactId,
        /// Who is asked.
        subject: SubjectHash,
        /// Who called whom: the phone checks it against the leaf, so that no node can tell it otherwise.
        initiator: Initiator,
        /// Why, as shown to the customer; in the leaf for the same reason.
        call_reason: u16,
        /// By which policy.
        policy: String,
        /// Its version.
        policy_version: u32,
        /// Its digest.
        policy_digest: Digest,
        /// What it asks.
        body: PolicyBody,
        /// What the proofs must be bound to.
        nonce: [u8; 32],
        /// The submit token for the notice.
        token: [u8; 32],
        /// Until when.
        expires: Stamp,
        /// SHA-256 of the context that proofs must be bound to: what the phone checks.
        context_digest: Digest,
        /// The subject's pseudonym.
        tag: Tag,
    } = 22,
    /// The phone showed the notice.
    NoticeOpened {
        /// Whose.
        tenant: u32,
        /// Which.
        challenge: ChallengeId,
        /// For which contact.
        contact: ContactId,
        /// The subject's pseudonym.
        tag: Tag,
    } = 23,
    /// Proofs were judged and do not hold.
    ProofRefused {
        /// Whose.
        tenant: u32,
        /// Which challenge.
        challenge: ChallengeId,
        /// Of which contact.
        contact: ContactId,
        /// Who.
        subject: SubjectHash,
        /// The submission, and why it was refused.
        judged: Judged,
        /// The proof kind that failed; zero if a required one was missing.
        failed_kind: u8,
        /// Whether possession held: only then does it count.
        possession_held: bool,
        /// Whether a wrong PIN was counted.
        pin_counted: bool,
        /// The proofs.
        evidence: Evidence,
        /// The subject's pseudonym.
        tag: Tag,
    } = 30,
    /// Proofs were judged and hold.
    ProofHeld {
        /// Whose.
        tenant: u32,
        /// Which challenge.
        challenge: ChallengeId,
        /// Of which contact.
        contact: ContactId,
        /// Who.
        subject: SubjectHash,
        /// The submission.
        judged: Judged,
        /// Factor types that held.
        factors: u32,
        /// The proofs.
        evidence: Evidence,
        /// The subject's pseudonym.
        tag: Tag,
    } = 31,
    /// The challenge is used up by a submission that held.
    ChallengeConsumed {
        /// Whose.
        tenant: u32,
        /// Which.
        challenge: ChallengeId,
        /// Of which contact.
        contact: ContactId,
        /// The subject's pseudonym.
        tag: Tag,
    } = 32,
    /// The single ending of a contact's verification.
    VerdictReached {
        /// Whose.
        tenant: u32,
        /// Which challenge; zeros if none was issued.
        challenge: ChallengeId,
        /// Of which contact.
        contact: ContactId,
        /// Who.
        subject: SubjectHash,
        /// How.
        outcome: Outcome,
        /// Why.
        reason: u16,
        /// Factor types that held.
        factors: u32,
        /// The policy's version.
        policy_version: u32,
        /// Until when it is good; zero unless verified.
        not_after: Stamp,
        /// The subject's pseudonym.
        tag: Tag,
    } = 33,
    /// Another submission came for an answered challenge (recorded once).
    DuplicateSubmission {
        /// Whose.
        tenant: u32,
        /// Which.
        challenge: ChallengeId,
        /// Of which contact.
        contact: ContactId,
        /// The submission's fingerprint.
        fingerprint: Digest,
        /// The subject's pseudonym.
        tag: Tag,
    } = 34,
    /// The platform ended the contact.
    ContactClosed {
        /// Whose.
        tenant: u32,
        /// Which.
        contact: ContactId,
        /// The tenant's own code.
        disposition: u16,
    } = 40,
}

impl Event {
    /// The number of this kind of event in leaves.
    #[must_use]
    pub const fn kind(&self) -> u16 {
        match self {
            Self::ClusterFounded { .. } => 1,
            Self::TenantCreated { .. } => 2,
            Self::PolicyActivated { .. } => 3,
            Self::SettingsChanged { .. } => 4,
            Self::AgentRegistered { .. } => 5,
            Self::EnrolmentOpened { .. } => 10,
            Self::DeviceEnrolled { .. } => 11,
            Self::EnrolmentRefused { .. } => 12,
            Self::EnrolmentExpired { .. } => 13,
            Self::DeviceRevoked { .. } => 14,
            Self::PinLocked { .. } => 15,
            Self::ContactAnnounced { .. } => 20,
            Self::AgentBound { .. } => 21,
            Self::ChallengeIssued { .. } => 22,
            Self::NoticeOpened { .. } => 23,
            Self::ProofRefused { .. } => 30,
            Self::ProofHeld { .. } => 31,
            Self::ChallengeConsumed { .. } => 32,
            Self::VerdictReached { .. } => 33,
            Self::DuplicateSubmission { .. } => 34,
            Self::ContactClosed { .. } => 40,
        }
    }

    /// The tenant it belongs to; zero for the cluster itself.
    #[must_use]
    pub const fn tenant(&self) -> u32 {
        match self {
            Self::ClusterFounded { .. } | Self::SettingsChanged { .. } => 0,
            Self::TenantCreated { tenant, .. }
            | Self::PolicyActivated { tenant, .. }
            | Self::AgentRegistered { tenant, .. }
            | Self::EnrolmentOpened { tenant, .. }
            | Self::DeviceEnrolled { tenant, .. }
            | Self::EnrolmentRefused { tenant, .. }
            | Self::EnrolmentExpired { tenant, .. }
            | Self::DeviceRevoked { tenant, .. }
            | Self::PinLocked { tenant, .. }
            | Self::ContactAnnounced { tenant, .. }
            | Self::AgentBound { tenant, .. }
            | Self::ChallengeIssued { tenant, .. }
            | Self::NoticeOpened { tenant, .. }
            | Self::ProofRefused { tenant, .. }
            | Self::ProofHeld { tenant, .. }
            | Self::ChallengeConsumed { tenant, .. }
            | Self::VerdictReached { tenant, .. }
            | Self::DuplicateSubmission { tenant, .. }
            | Self::ContactClosed { tenant, .. } => *tenant,
        }
    }

    /// The contact it belongs to, if any.
    #[must_use]
    pub const fn contact(&self) -> Option<ContactId> {
        match self {
            Self::ContactAnnounced { contact, .. }
            | Self::AgentBound { contact, .. }
            | Self::ChallengeIssued { contact, .. }
            | Self::NoticeOpened { contact, .. }
            | Self::ProofRefused { contact, .. }
            | Self::ProofHeld { contact, .. }
            | Self::ChallengeConsumed { contact, .. }
            | Self::VerdictReached { contact, .. }
            | Self::DuplicateSubmission { contact, .. }
            | Self::ContactClosed { contact, .. } => Some(*contact),
            Self::ClusterFounded { .. }
            | Self::SettingsChanged { .. }
            | Self::TenantCreated { .. }
            | Self::PolicyActivated { .. }
            | Self::AgentRegistered { .. }
            | Self::EnrolmentOpened { .. }
            | Self::DeviceEnrolled { .. }
            | Self::EnrolmentRefused { .. }
            | Self::EnrolmentExpired { .. }
            | Self::DeviceRevoked { .. }
            | Self::PinLocked { .. } => None,
        }
    }
}
