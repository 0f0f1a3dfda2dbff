//! What can be asked of the cluster.
//!
//! A command is parsed and well-formed; whether it makes sense *now* is for [`crate::decide`].

use borsh::{BorshDeserialize, BorshSerialize};

use crate::entry::encode;
use crate::ids::{
    AgentHash, ChallengeId, ClientId, ContactId, Digest, EnrolmentId, RequestId, Stamp,
    SubjectHash, Tag,
};
use crate::records::{PolicyBody, ReplicaInfo, Settings};

/// A command with what makes it safe to repeat.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Request {
    /// The sender's name for it; the same id with the same command gives the first answer.
    pub id: RequestId,
    /// Who sent it.
    pub client: ClientId,
    /// Cluster time after which it must have no effect, so that an unknown outcome becomes known.
    /// Not part of the digest: a retry may extend it.
    pub not_after: Stamp,
    /// What is asked.
    pub command: Command,
}

impl Request {
    /// Canonical bytes (Borsh).
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        encode(self)
    }

    /// Parses canonical bytes; `None` if they are not.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        borsh::from_slice(bytes).ok()
    }

    /// SHA-256 of the command: what "the same body" means.
    #[must_use]
    pub fn body_digest(&self) -> Digest {
        Digest::of(&encode(&self.command))
    }
}

/// Everything that can be asked. Numbers are on the wire between replicas and in the log.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Command {
    /// The first command of a cluster.
    Found(Found) = 1,
    /// A new tenant.
    CreateTenant(CreateTenant) = 2,
    /// A new version of a policy.
    PutPolicy(PutPolicy) = 3,
    /// New cluster-wide limits.
    PutSettings(PutSettings) = 4,
    /// A new agent.
    RegisterAgent(RegisterAgent) = 5,
    /// An invitation to enrol.
    OpenEnrolment(OpenEnrolment) = 10,
    /// The phone's answer to it.
    CompleteEnrolment(CompleteEnrolment) = 11,
    /// The end of a device.
    RevokeDevice(RevokeDevice) = 12,
    /// A call that is about to happen, or just connects.
    AnnounceContact(AnnounceContact) = 20,
    /// An agent takes a contact.
    BindAgent(BindAgent) = 21,
    /// A contact ends.
    CloseContact(CloseContact) = 22,
    /// The phone proves.
    SubmitProof(SubmitProof) = 30,
    /// The phone answers without proving.
    AnswerNotice(AnswerNotice) = 31,
}

/// See [`Command::Found`]: cluster, replicas, first tenant and its first policy.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Found {
    /// Name of the cluster; the first part of the log's origin.
    pub cluster: String,
    /// The voting replicas with their cosigning keys.
    pub replicas: Vec<ReplicaInfo>,
    /// Cosignatures that seal a head.
    pub quorum: u8,
    /// Name of the first tenant.
    pub tenant: String,
    /// Name of its first policy.
    pub policy: String,
    /// That policy.
    pub body: PolicyBody,
}

/// See [`Command::CreateTenant`].
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct CreateTenant {
    /// The tenant's name.
    pub tenant: String,
}

/// See [`Command::PutPolicy`].
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct PutPolicy {
    /// The tenant's name.
    pub tenant: String,
    /// The policy's name.
    pub policy: String,
    /// What it asks.
    pub body: PolicyBody,
}

/// See [`Command::PutSettings`].
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct PutSettings {
    /// The limits; zero leaves one as it is.
    pub settings: Settings,
}

/// See [`Command::RegisterAgent`].
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct RegisterAgent {
    /// The tenant's name.
    pub tenant: String,
    /// The agent.
    pub agent: AgentHash,
    /// SHA-256 of the agent's certificate; zeros accept any certificate with the agent's identity.
    pub certificate: Digest,
}

/// See [`Command::OpenEnrolment`].
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct OpenEnrolment {
    /// The tenant's name.
    pub tenant: String,
    /// The platform's id for the invitation.
    pub enrolment: EnrolmentId,
    /// Who is invited.
    pub subject: SubjectHash,
    /// SHA-256 of the token that the phone will show.
    pub token_hash: Digest,
    /// The subject's pseudonym in the audit log.
    pub subject_tag: Tag,
}

/// One proof of a submission.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct FactorProof {
    /// The proof kind (possession 1, knowledge 2).
    pub kind: u8,
    /// The proof.
    pub proof: Vec<u8>,
}

/// See [`Command::CompleteEnrolment`].
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct CompleteEnrolment {
    /// The tenant's name.
    pub tenant: String,
    /// The invitation.
    pub enrolment: EnrolmentId,
    /// The invitation's token.
    pub token: [u8; 32],
    /// The proof suite.
    pub suite: u8,
    /// `P`, the device's public key.
    pub device_key: [u8; 32],
    /// `K`, the PIN's public key.
    pub pin_key: [u8; 32],
    /// Possession and knowledge, under purpose ENROL.
    pub proofs: Vec<FactorProof>,
}

/// See [`Command::RevokeDevice`].
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct RevokeDevice {
    /// The tenant's name.
    pub tenant: String,
    /// Whose device.
    pub subject: SubjectHash,
    /// The tenant's own code.
    pub reason: u16,
}

/// Who placed the call. Shown on the phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Initiator {
    /// The customer called the centre.
    Customer = 1,
    /// The centre calls the customer.
    Centre = 2,
}

/// See [`Command::AnnounceContact`].
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct AnnounceContact {
    /// The tenant's name.
    pub tenant: String,
    /// The platform's id for the contact.
    pub contact: ContactId,
    /// Who is asked.
    pub subject: SubjectHash,
    /// Who called whom.
    pub initiator: Initiator,
    /// Name of the policy; its newest version is pinned.
    pub policy: String,
    /// Code shown to the customer: why.
    pub call_reason: u16,
    /// The agent, if one already took the contact.
    pub agent: Option<AgentHash>,
    /// The subject's pseudonym in the audit log.
    pub subject_tag: Tag,
    /// The agent's pseudonym in the audit log.
    pub agent_tag: Tag,
}

/// See [`Command::BindAgent`].
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct BindAgent {
    /// The tenant's name.
    pub tenant: String,
    /// The contact.
    pub contact: ContactId,
    /// The agent who takes it.
    pub agent: AgentHash,
    /// The agent's pseudonym in the audit log.
    pub agent_tag: Tag,
}

/// See [`Command::CloseContact`].
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct CloseContact {
    /// The tenant's name.
    pub tenant: String,
    /// The contact.
    pub contact: ContactId,
    /// The tenant's own code.
    pub disposition: u16,
}

/// See [`Command::SubmitProof`].
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SubmitProof {
    /// The tenant's name.
    pub tenant: String,
    /// The challenge that is answered.
    pub challenge: ChallengeId,
    /// The notice's submit token: without it nothing gets past the door.
    pub token: [u8; 32],
    /// The proof suite.
    pub suite: u8,
    /// One proof per factor, in ascending order of kind.
    pub proofs: Vec<FactorProof>,
}

/// What a phone can say without proving.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum NoticeAnswer {
    /// It was shown.
    Opened = 1,
    /// "Not now."
    Decline = 2,
    /// "I am not on a call."
    Report = 3,
}

/// See [`Command::AnswerNotice`].
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct AnswerNotice {
    /// The tenant's name.
    pub tenant: String,
    /// The challenge.
    pub challenge: ChallengeId,
    /// The notice's submit token.
    pub token: [u8; 32],
    /// What the customer says.
    pub answer: NoticeAnswer,
}
