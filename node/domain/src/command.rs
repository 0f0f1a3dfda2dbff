//! What can be asked of the cluster.
//!
//! A command is parsed and well-formed; whether it makes sense *now* is for [`crate::decide`].

mod call;
mod customer;
mod holding;
mod member;
mod notifier;
mod order;
mod oversight;
mod presence;
mod question;
mod registry;
mod session;

use borsh::{BorshDeserialize, BorshSerialize};

pub use call::{CallEvent, EraseSubject, RecordLeg, ResumeContact, RetirePolicy, StepUp};
pub use customer::{AttachRisk, GrantDelegation, RecordFallback, RevokeDelegation, SetOptOut};
pub use holding::{EnrolTemplate, RegisterCredential, RevokeCredential, RevokeTemplate};
pub use member::{AddMember, MeetMember, PromoteMember, RecordStateDigest, RemoveMember};
pub use notifier::{Delivery, ReportNotice};
pub use order::{ExecuteOrder, OpenOrder, ProveTotal};
pub use oversight::{BreakGlass, DecideUnmask, ObserveContact, RequestUnmask};
pub use presence::{PresenceCause, PresenceSummary, ReportPresence, SessionPresence};
pub use question::{OfferOrder, OpenAgentLogin};
pub use registry::{RegisterIssuer, RegisterSensor, RevokeIssuer, RevokeSensor};
pub use session::{
    AttestPosture, Desk, EndSession, LockAgent, OpenSession, PublishRules, RestoreSession,
    RevokeAgentCertificate, UnlockAgent,
};

use crate::entry::encode;
use crate::ids::{
    AgentHash, ChallengeId, ClientId, ContactId, Digest, EnrolmentId, RequestId, Serial, Stamp,
    SubjectHash, Tag,
};
use crate::policy::PolicyBody;
use crate::records::{ReplicaInfo, SessionSettings, Settings};

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
    /// A key by which an issuer signs credentials.
    RegisterIssuer(RegisterIssuer) = 6,
    /// The end of an issuer's key.
    RevokeIssuer(RevokeIssuer) = 7,
    /// A sensor that signs captures.
    RegisterSensor(RegisterSensor) = 8,
    /// The end of a sensor.
    RevokeSensor(RevokeSensor) = 9,
    /// An invitation to enrol.
    OpenEnrolment(OpenEnrolment) = 10,
    /// The phone's answer to it.
    CompleteEnrolment(CompleteEnrolment) = 11,
    /// The end of a device.
    RevokeDevice(RevokeDevice) = 12,
    /// The phone registers a credential.
    RegisterCredential(RegisterCredential) = 13,
    /// The phone enrols the template of a face.
    EnrolTemplate(EnrolTemplate) = 14,
    /// The end of a credential.
    RevokeCredential(RevokeCredential) = 15,
    /// The end of a template.
    RevokeTemplate(RevokeTemplate) = 16,
    /// A customer does not wish to be asked.
    SetOptOut(SetOptOut) = 18,
    /// Somebody may act for a customer.
    GrantDelegation(GrantDelegation) = 19,
    /// What is kept of a subject is to be deleted.
    EraseSubject(EraseSubject) = 17,
    /// A call that is about to happen, or just connects.
    AnnounceContact(AnnounceContact) = 20,
    /// An agent takes a contact.
    BindAgent(BindAgent) = 21,
    /// A contact ends.
    CloseContact(CloseContact) = 22,
    /// An order to approve.
    OfferOrder(OfferOrder) = 23,
    /// An agent who logs in.
    OpenAgentLogin(OpenAgentLogin) = 24,
    /// Signals about the caller's number.
    AttachRisk(AttachRisk) = 25,
    /// A weaker way than a proof was tried.
    RecordFallback(RecordFallback) = 26,
    /// A question asked again on the same contact.
    StepUp(StepUp) = 27,
    /// A call that was cut off came back.
    ResumeContact(ResumeContact) = 28,
    /// What the telephone system says of a call.
    RecordLeg(RecordLeg) = 29,
    /// The phone proves.
    SubmitProof(SubmitProof) = 30,
    /// The phone answers without proving.
    AnswerNotice(AnswerNotice) = 31,
    /// Somebody may no longer act for a customer.
    RevokeDelegation(RevokeDelegation) = 51,
    /// An agent's desktop opens a session.
    OpenSession(OpenSession) = 32,
    /// An agent's desktop ends its session.
    EndSession(EndSession) = 33,
    /// An agent's desktop brings its session back.
    RestoreSession(RestoreSession) = 34,
    /// What a node's edge sees of desktops. Only nodes send it.
    ReportPresence(ReportPresence) = 35,
    /// An agent may not work.
    LockAgent(LockAgent) = 36,
    /// An agent may work again.
    UnlockAgent(UnlockAgent) = 37,
    /// The end of an agent's certificate.
    RevokeAgentCertificate(RevokeAgentCertificate) = 38,
    /// What an issuer signed about an agent's machine.
    AttestPosture(AttestPosture) = 39,
    /// A version of the tenant's written rules.
    PublishRules(PublishRules) = 41,
    /// A supervisor listens in.
    ObserveContact(ObserveContact) = 42,
    /// An agent asks to see masked fields.
    RequestUnmask(RequestUnmask) = 43,
    /// A supervisor decides that.
    DecideUnmask(DecideUnmask) = 44,
    /// What a node's edge heard in a window of time. Only nodes send it.
    PresenceSummary(PresenceSummary) = 45,
    /// An agent sees masked fields without a second person.
    BreakGlass(BreakGlass) = 50,
    /// A version of a policy is not to be asked any more.
    RetirePolicy(RetirePolicy) = 46,
    /// The processor fetches an approved order's payload.
    OpenOrder(OpenOrder) = 47,
    /// The processor carries an order out.
    ExecuteOrder(ExecuteOrder) = 48,
    /// What a campaign's orders cost together.
    ProveTotal(ProveTotal) = 49,
    /// The entry of this command is one as of which every replica digests its state. Only the leader itself
    /// sends it.
    MarkState = 40,
    /// A replica is to learn.
    AddMember(AddMember) = 52,
    /// A learner is to vote and cosign.
    PromoteMember(PromoteMember) = 53,
    /// A replica does not belong to the cluster any more.
    RemoveMember(RemoveMember) = 54,
    /// The disk of a member, the first time it is seen. Only the leader itself sends it.
    MeetMember(MeetMember) = 55,
    /// What the state digested to at a mark. Only the leader itself sends it.
    RecordStateDigest(RecordStateDigest) = 56,
    /// New cluster-wide limits, those of sessions among them.
    PutSessionSettings(PutSessionSettings) = 60,
    /// What a notifier says became of a notice.
    ReportNotice(ReportNotice) = 61,
}

impl Command {
    /// Whether only the leader itself may propose it: no caller may send it and no replica hand it on.
    #[must_use]
    pub const fn is_leaders_own(&self) -> bool {
        matches!(
            self,
            Self::MarkState | Self::MeetMember(_) | Self::RecordStateDigest(_)
        )
    }
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

/// See [`Command::PutSessionSettings`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct PutSessionSettings {
    /// The limits; zero leaves one as it is.
    pub settings: Settings,
    /// Those of sessions; zero leaves one as it is.
    pub sessions: SessionSettings,
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
    /// Whether the agent may listen in, and decide what others ask to see.
    pub supervisor: bool,
}

/// Who is enrolled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Party {
    /// A customer.
    Customer = 1,
    /// A registered agent.
    Agent = 2,
}

/// What an invitation is for: one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum EnrolmentKind {
    /// Device and PIN keys; replaces an enrolled device.
    Device = 1,
    /// One credential, for an enrolled device.
    Credential = 2,
    /// The template of a face, for an enrolled device; replaces an enrolled template.
    Template = 3,
}

/// See [`Command::OpenEnrolment`].
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct OpenEnrolment {
    /// The tenant's name.
    pub tenant: String,
    /// The platform's id for the invitation.
    pub enrolment: EnrolmentId,
    /// To what.
    pub kind: EnrolmentKind,
    /// Customer or agent.
    pub party: Party,
    /// Who is invited; for an agent [`AgentHash::as_subject`].
    pub subject: SubjectHash,
    /// SHA-256 of the token that the phone will show.
    pub token_hash: Digest,
    /// The subject's pseudonym in the audit log.
    pub subject_tag: Tag,
}

/// One part of a submission.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct FactorProof {
    /// The proof kind, 1 to 8.
    pub kind: u8,
    /// The place of a predicate in the policy; 1 for the PIN's next key; 0 otherwise.
    pub slot: u8,
    /// The credential that a predicate speaks of; zeros otherwise.
    pub serial: Serial,
    /// The second credential of [`crate::policy::PredicateTest::SameAs`]; zeros otherwise.
    pub second_serial: Serial,
    /// Index of the attribute in the credential; zero where there is none.
    pub attribute: u16,
    /// The proof.
    pub proof: Vec<u8>,
    /// What travels with it. Kind 2, slot 1: K′ (32 bytes). Kind 7: the capture's signed fields, then the
    /// sensor's signature (64 bytes). Kind 8: u16 little-endian length of the encapsulated key, the key,
    /// the ciphertext. Empty otherwise.
    pub attachment: Vec<u8>,
}

impl FactorProof {
    /// A part of nothing but a kind and a proof: possession, or the PIN.
    #[must_use]
    pub fn plain(kind: u8, proof: Vec<u8>) -> Self {
        Self {
            kind,
            proof,
            ..Self::default()
        }
    }
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
    /// The tenant's number of the campaign; zero if it has none.
    pub campaign: u32,
    /// The tenant's number of the queue; zero if it has none.
    pub queue: u32,
    /// The contact that it continues; zeros if it continues none.
    pub previous: ContactId,
    /// Who is asked in the customer's place.
    pub delegate: Option<SubjectHash>,
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
    /// What is left of the contact's scope; zero keeps it.
    pub scope: u32,
    /// What the agent's queue needs the contact to be good for.
    pub needs: u32,
    /// The queue; zero keeps it.
    pub queue: u32,
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
    /// The parts, strictly ascending by kind and slot, possession first.
    pub proofs: Vec<FactorProof>,
    /// The silent sign of distress. No part of the submission's fingerprint.
    pub duress: bool,
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
    /// "That is not me."
    NotMe = 4,
    /// "Do not ask me this way."
    OptOut = 5,
    /// The phone does not understand what is asked.
    Unsupported = 6,
    /// "Call me later."
    Later = 7,
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
