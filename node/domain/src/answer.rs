//! What a command is answered with: where it stands in the log, and what came of it.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::entry::encode;
use crate::ids::{ChallengeId, Stamp};
use crate::outcome::Outcome;
use crate::records::Settings;

/// Where a command stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Placement {
    /// Raft index of its entry.
    pub log_index: u64,
    /// Cluster time of that entry.
    pub stamp: Stamp,
    /// Its first leaf.
    pub first_leaf: u64,
    /// How many leaves it made.
    pub leaf_count: u32,
    /// True if this is the stored answer to an earlier copy.
    pub repeated: bool,
}

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Answer {
    /// Where.
    pub placement: Placement,
    /// What came of it.
    pub result: Result<Reply, Rejection>,
}

impl Answer {
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
}

/// What came of a command that made sense. Remembered with its request id.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Reply {
    /// Done; there is nothing more to say.
    Done = 1,
    /// The policy is active under this version.
    PolicyActive {
        /// The version given.
        version: u32,
    } = 2,
    /// The limits now in force.
    SettingsActive(Settings) = 3,
    /// The invitation is open.
    EnrolmentOpen {
        /// Until when.
        expires: Stamp,
    } = 4,
    /// What the invitation was for (device, credential or template) is enrolled.
    Enrolled = 5,
    /// It is not: a proof does not hold, or a signature, or what is signed.
    EnrolmentRefused {
        /// The proof reason.
        reason: u16,
    } = 6,
    /// The contact, order or login is known; a challenge is open, or it ended at once.
    Announced {
        /// The challenge; zeros if none was issued.
        challenge: ChallengeId,
        /// Until when it is open.
        expires: Stamp,
        /// How it ended, if it did.
        outcome: Option<Outcome>,
    } = 7,
    /// The challenge has its verdict.
    Verdict {
        /// How it ended.
        outcome: Outcome,
        /// Why.
        reason: u16,
    } = 8,
    /// The proofs did not hold; the challenge is still open.
    Refused {
        /// Why; zero unless possession held.
        reason: u16,
        /// Recorded refusals left before the challenge ends.
        attempts_left: u8,
        /// Until when the PIN factor is locked; zero if it is not.
        locked_until: Stamp,
    } = 9,
    /// The challenge was answered before, by something else than this.
    AlreadyAnswered = 10,
}

/// A command that makes no sense now. Nothing is recorded, nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, thiserror::Error)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Rejection {
    /// The cluster has no first entry yet.
    #[error("the cluster is not founded yet")]
    NotFounded = 1,
    /// The cluster has its first entry already.
    #[error("the cluster is founded already")]
    AlreadyFounded = 2,
    /// A field breaks a rule that every replica knows.
    #[error("{0} is not acceptable")]
    Invalid(Field) = 3,
    /// No such tenant.
    #[error("no such tenant")]
    UnknownTenant = 4,
    /// No such policy.
    #[error("no such policy")]
    UnknownPolicy = 5,
    /// No such agent.
    #[error("no such agent")]
    UnknownAgent = 6,
    /// No such contact.
    #[error("no such contact")]
    UnknownContact = 7,
    /// No such challenge, or not with this token.
    #[error("no such challenge")]
    UnknownChallenge = 8,
    /// No such enrolment, or not with this token.
    #[error("no such enrolment")]
    UnknownEnrolment = 9,
    /// No such subject, or no enrolled device.
    #[error("no such subject")]
    UnknownSubject = 10,
    /// The name or id is taken.
    #[error("{0} exists already")]
    Exists(Field) = 11,
    /// The request id was used for another command.
    #[error("the request id was used for something else")]
    RequestIdReused = 12,
    /// The request id is older than the horizon: it could have been executed and forgotten.
    #[error("the request id is too old")]
    RequestIdTooOld = 13,
    /// The request id's time lies too far ahead.
    #[error("the request id lies in the future")]
    RequestIdAhead = 14,
    /// The command arrived after the time its sender gave it.
    #[error("the command came too late")]
    TooLate = 15,
    /// The challenge's time is over.
    #[error("the challenge has expired")]
    ChallengeExpired = 16,
    /// The challenge has its verdict already.
    #[error("the challenge has been answered")]
    ChallengeAnswered = 17,
    /// The enrolment's time is over, or it is used up.
    #[error("the enrolment is closed")]
    EnrolmentClosed = 18,
    /// The contact is closed.
    #[error("the contact is closed")]
    ContactClosed = 19,
    /// The device is revoked.
    #[error("the device is revoked")]
    DeviceRevoked = 20,
    /// Too many wrong PINs: not before this stamp.
    #[error("the PIN factor is locked")]
    PinLocked(Stamp) = 21,
    /// A proof is not even well-formed: the reason code of the proof.
    #[error("a proof is malformed")]
    MalformedProof(u16) = 22,
    /// The suite is unknown or not active.
    #[error("the proof suite is not active")]
    SuiteNotActive = 23,
    /// The contact has no verdict of "verified" that is still good.
    #[error("the contact is not verified")]
    NotVerified = 24,
    /// The subject is being asked something that this must not push aside.
    #[error("the subject has an open challenge")]
    ChallengeOpen = 25,
    /// No such issuer key.
    #[error("no such issuer key")]
    UnknownIssuer = 26,
    /// No such sensor.
    #[error("no such sensor")]
    UnknownSensor = 27,
    /// No such credential, or it is revoked already.
    #[error("no such credential")]
    UnknownCredential = 28,
    /// The subject has no template.
    #[error("no such template")]
    UnknownTemplate = 29,
    /// There are as many as there may be.
    #[error("there is no room for another {0}")]
    Full(Field) = 30,
    /// The customer said that they are not on a call: nobody may go on.
    #[error("the contact is blocked")]
    ContactBlocked = 55,
    /// The contact is not good for this: it needs a verdict that is.
    #[error("the contact's verdict does not cover this")]
    StepUpRequired = 65,
}

/// Which field a rejection means; its value is never repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Field {
    /// A tenant's name.
    Tenant = 1,
    /// A policy's name.
    Policy = 2,
    /// The body of a policy.
    PolicyBody = 3,
    /// The limits.
    Settings = 4,
    /// The set of replicas or the quorum.
    Replicas = 5,
    /// A contact id.
    Contact = 6,
    /// An enrolment id.
    Enrolment = 7,
    /// An agent.
    Agent = 8,
    /// The proofs of a submission.
    Proofs = 9,
    /// A public key.
    Key = 10,
    /// The cluster's name.
    Cluster = 11,
    /// An issuer's name or key.
    Issuer = 12,
    /// A sensor's certificate.
    Sensor = 13,
    /// A credential.
    Credential = 14,
    /// A capture.
    Capture = 15,
    /// An order: its id, hash or amounts.
    Order = 16,
    /// A login id.
    Login = 17,
    /// The predicates of a policy.
    Predicates = 18,
    /// The face rule of a policy.
    Face = 19,
    /// The consent rule of a policy.
    Consent = 20,
    /// What an invitation is for.
    EnrolmentKind = 21,
    /// What a policy grants.
    Grants = 45,
    /// What a policy asks of agents.
    AgentRule = 46,
    /// Who is asked in the customer's place.
    Delegate = 47,
}

impl core::fmt::Display for Field {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Tenant => "tenant",
            Self::Policy => "policy",
            Self::PolicyBody => "policy body",
            Self::Settings => "settings",
            Self::Replicas => "replicas",
            Self::Contact => "contact_id",
            Self::Enrolment => "enrolment_id",
            Self::Agent => "agent",
            Self::Proofs => "proofs",
            Self::Key => "key",
            Self::Cluster => "cluster",
            Self::Issuer => "issuer",
            Self::Sensor => "sensor",
            Self::Credential => "credential",
            Self::Capture => "capture",
            Self::Order => "order",
            Self::Login => "login_id",
            Self::Predicates => "predicates",
            Self::Face => "face",
            Self::Consent => "consent",
            Self::EnrolmentKind => "enrolment kind",
            Self::Grants => "grants",
            Self::AgentRule => "agents",
            Self::Delegate => "delegate",
        })
    }
}
