//! What a command is answered with: where it stands in the log, and what came of it.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::entry::encode;
use crate::ids::{ChallengeId, Stamp};
use crate::outcome::Outcome;
use crate::records::{SessionSettings, Settings};

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
    /// Not allowed, and recorded.
    Denied {
        /// Why ([`crate::outcome::reason`]).
        reason: u16,
    } = 20,
    /// The session is open.
    SessionOpen {
        /// Until when.
        expires: Stamp,
    } = 21,
    /// Masked fields may be shown.
    Unmasked {
        /// Until when.
        until: Stamp,
    } = 22,
    /// The version of the policy is retired.
    PolicyRetired {
        /// Which.
        version: u32,
    } = 40,
    /// What was kept of the subject is deleted.
    Erased {
        /// Evidence records that went.
        evidence: u32,
        /// Nothing is left; otherwise there is more evidence than one command may delete.
        complete: bool,
    } = 41,
    /// The order is carried out as approved.
    OrderExecuted {
        /// The campaign to whose sum it was added.
        campaign: u32,
        /// Its number there, from 1; zero if it has no amount.
        number: u64,
    } = 50,
    /// The order must not be carried out.
    OrderRefused {
        /// Why.
        reason: u16,
    } = 51,
    /// The limits now in force, those of sessions among them.
    SessionSettingsActive {
        /// The limits.
        settings: Settings,
        /// Those of sessions.
        sessions: SessionSettings,
    } = 60,
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
    /// No such session, or of another agent.
    #[error("no such session")]
    UnknownSession = 40,
    /// The session is over.
    #[error("the session is over")]
    SessionEnded = 41,
    /// No such request to see masked fields.
    #[error("no such request")]
    UnknownUnmask = 42,
    /// The request was decided before.
    #[error("the request is decided")]
    UnmaskDecided = 43,
    /// The customer said that they are not on a call: nobody may go on.
    #[error("the contact is blocked")]
    ContactBlocked = 55,
    /// The policy does not count this weaker way.
    #[error("the policy does not allow this fallback")]
    FallbackNotAllowed = 56,
    /// Nobody may act for the customer, or not any more.
    #[error("no such delegation")]
    NoDelegation = 57,
    /// The contact is not good for this: it needs a verdict that is.
    #[error("the contact's verdict does not cover this")]
    StepUpRequired = 65,
    /// The call is not in a state in which this can happen to it.
    #[error("the call is in no state for this")]
    LegMisplaced = 66,
    /// The call was cut off too long ago to come back.
    #[error("the call came back too late")]
    ResumeTooLate = 67,
    /// The call is over, or was cut off and is not resumed.
    #[error("the call is over")]
    LegCleared = 68,
    /// The newest version of the policy is retired.
    #[error("the policy is retired")]
    PolicyRetired = 69,
    /// No such order, or not for this processor.
    #[error("no such order")]
    UnknownOrder = 75,
    /// The approval is not under a sealed head yet.
    #[error("the approval is not sealed yet")]
    NotSealed = 76,
    /// The customer did not approve the order.
    #[error("the order is not approved")]
    NotApproved = 77,
    /// The order was carried out, or its time is over.
    #[error("the order is over")]
    OrderOver = 78,
    /// The period ends before it begins, has too few orders, or has orders that were not carried out yet.
    #[error("the period is too short or not over")]
    TotalPeriod = 79,
    /// The sum of the period does not open to this total.
    #[error("the total is not that of the period")]
    TotalDiffers = 80,
    /// No such member.
    #[error("no such member")]
    UnknownMember = 85,
    /// No head over the last change of the key set is sealed yet.
    #[error("the last change of the members is not sealed yet")]
    MembersChanging = 86,
    /// Nobody would be left to vote.
    #[error("the last voter cannot be removed")]
    LastVoter = 87,
    /// The entry is not the newest mark, or its digest is recorded.
    #[error("no such mark")]
    UnknownMark = 88,
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
    /// A session id.
    Session = 30,
    /// A certificate.
    Certificate = 31,
    /// What was attested of a machine.
    Posture = 32,
    /// A version of the tenant's rules.
    Rules = 33,
    /// A request to see masked fields.
    Unmask = 34,
    /// What a node says of presence.
    Presence = 40,
    /// What a policy grants.
    Grants = 45,
    /// What a policy asks of agents.
    AgentRule = 46,
    /// Who is asked in the customer's place.
    Delegate = 47,
    /// Signals about a caller's number.
    Risk = 48,
    /// Until when a customer is not asked.
    OptOut = 49,
    /// A delegation: its persons, its scope or its end.
    Delegation = 50,
    /// The step-ups of a contact.
    StepUp = 55,
    /// The id of a member.
    Member = 60,
    /// The name of a member.
    MemberName = 61,
    /// Where a member stands.
    Site = 62,
    /// An address of a member.
    Address = 63,
    /// What the data directory of a member calls itself.
    Life = 64,
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
            Self::Session => "session_id",
            Self::Certificate => "certificate_sha256",
            Self::Posture => "posture",
            Self::Rules => "version",
            Self::Unmask => "unmask_id",
            Self::Presence => "presence",
            Self::Grants => "grants",
            Self::AgentRule => "agents",
            Self::Delegate => "delegate",
            Self::Risk => "risk",
            Self::OptOut => "until",
            Self::Delegation => "delegation",
            Self::StepUp => "step-up",
            Self::Member => "member",
            Self::MemberName => "name",
            Self::Site => "site",
            Self::Address => "address",
            Self::Life => "life",
        })
    }
}
