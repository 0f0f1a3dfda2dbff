//! The whole table from refusal to gRPC status. Nothing else makes a status.
//!
//! Texts are fixed: they name a field, never its value. Software reads the code and the reason (the
//! metadata `akashi-reason`, and `google.rpc.ErrorInfo` in the details); `docs/errors.md` lists both.

use std::time::Duration;

use akashi_domain::answer::Rejection;
use akashi_domain::ids::Stamp;
use tonic::metadata::MetadataValue;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::engine::{ProposeError, ReadError, ReceiptError};
use crate::entropy::NoEntropy;
use crate::wire::Malformed;

/// The metadata that carries the reason.
pub const REASON: &str = "akashi-reason";
/// The metadata that carries the number of a recorded refusal (`docs/reasons.md`).
pub const DENIED: &str = "akashi-denied";
/// The metadata that asks for a pause (gRPC retry design, A6).
const PUSHBACK: &str = "grpc-retry-pushback-ms";
/// The domain of reasons in `google.rpc.ErrorInfo`.
const DOMAIN: &str = "akashi";
/// Pause after which a full queue may have room: a few entries later.
const BUSY_PAUSE: Duration = Duration::from_millis(50);
/// Pause after which there may be a leader: a fraction of an election.
const LEADERLESS_PAUSE: Duration = Duration::from_millis(200);
/// Pause after which a disk may have room again: somebody has to make it.
const FULL_PAUSE: Duration = Duration::from_secs(1);
/// Pause before another node is asked.
const ELSEWHERE_PAUSE: Duration = Duration::from_millis(20);

/// Why a call has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The cluster's state machine turned the command away.
    Rejected(Rejection),
    /// A field does not parse.
    Field(Malformed),
    /// The bytes are no message.
    MessageMalformed,
    /// A call with one request had none, or two.
    MessageCount,
    /// The message is too large.
    MessageTooLarge,
    /// The message is compressed in a way that is not spoken here.
    EncodingUnsupported,
    /// `grpc-timeout` is no timeout.
    TimeoutMalformed,
    /// No such method.
    MethodUnknown,
    /// The method needs a client certificate.
    CertificateMissing,
    /// The certificate names nobody in this cluster.
    CertificateUnusable,
    /// The certificate is not the one that was registered.
    CertificateOther,
    /// The caller's role may not.
    RoleNotAllowed,
    /// The deadline came first.
    Deadline,
    /// There is no leader.
    NoLeader,
    /// The queue of commands is full.
    Busy,
    /// The tenant, or the address, asks faster than it may: the pause after which it may again.
    TooFast(Duration),
    /// No quorum of clocks agrees, so that nobody may stamp.
    ClocksDisagree,
    /// The leader's disk is nearly full.
    DiskFull,
    /// This node's root differs from a quorum's.
    Fenced,
    /// A part of the audit log that this node does not have yet.
    HistoryIncomplete,
    /// This node is stopping.
    Stopping,
    /// The proof that opens a phone's session does not hold.
    SessionProof,
    /// A cursor that this log did not give.
    Cursor,
    /// Not under a sealed head yet.
    NotSealed,
    /// No such leaf.
    LeafUnknown,
    /// No such order.
    OrderUnknown,
    /// No such login.
    LoginUnknown,
    /// No verdict yet.
    NoVerdict,
    /// The contact is not closed yet.
    ContactOpen,
    /// There is no evidence: none was kept, or it was erased.
    NoEvidence,
    /// The contact was handed to someone else.
    HandedOver,
    /// The session ended, or its desktop attached somewhere else.
    SessionElsewhere,
    /// A sample without the signature that the session's policy asks for.
    SampleUnsigned,
    /// The rules do not let the agent in, or at something; recorded, for this reason.
    Denied(u16),
    /// The agent's certificate was revoked.
    CertificateRevoked,
    /// The agent is locked.
    AgentLocked,
    /// The session that has the contact shows nothing: it is suspended or over.
    SessionDark,
    /// Something that cannot happen.
    Internal,
}

impl Refusal {
    /// The gRPC code.
    #[must_use]
    pub const fn code(self) -> Code {
        match self {
            Self::Rejected(rejection) => rejected(rejection).0,
            Self::Field(_)
            | Self::MessageMalformed
            | Self::MessageCount
            | Self::TimeoutMalformed
            | Self::Cursor => Code::InvalidArgument,
            Self::MessageTooLarge | Self::Busy | Self::TooFast(_) | Self::DiskFull => {
                Code::ResourceExhausted
            }
            Self::EncodingUnsupported | Self::MethodUnknown => Code::Unimplemented,
            Self::CertificateMissing | Self::CertificateUnusable | Self::SessionProof => {
                Code::Unauthenticated
            }
            Self::RoleNotAllowed
            | Self::CertificateOther
            | Self::SampleUnsigned
            | Self::CertificateRevoked
            | Self::AgentLocked
            | Self::Denied(_) => Code::PermissionDenied,
            Self::Deadline => Code::DeadlineExceeded,
            Self::NoLeader
            | Self::ClocksDisagree
            | Self::Fenced
            | Self::HistoryIncomplete
            | Self::Stopping => Code::Unavailable,
            Self::NotSealed
            | Self::NoVerdict
            | Self::ContactOpen
            | Self::HandedOver
            | Self::SessionElsewhere
            | Self::SessionDark => Code::FailedPrecondition,
            Self::LeafUnknown | Self::OrderUnknown | Self::LoginUnknown | Self::NoEvidence => {
                Code::NotFound
            }
            Self::Internal => Code::Internal,
        }
    }

    /// The reason for software; never changes.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Rejected(rejection) => rejected(rejection).1,
            Self::Field(_) => "FIELD_INVALID",
            Self::MessageMalformed => "MESSAGE_MALFORMED",
            Self::MessageCount => "MESSAGE_COUNT",
            Self::MessageTooLarge => "MESSAGE_TOO_LARGE",
            Self::EncodingUnsupported => "ENCODING_UNSUPPORTED",
            Self::TimeoutMalformed => "TIMEOUT_MALFORMED",
            Self::MethodUnknown => "METHOD_UNKNOWN",
            Self::CertificateMissing => "CERTIFICATE_MISSING",
            Self::CertificateUnusable => "CERTIFICATE_UNUSABLE",
            Self::CertificateOther => "CERTIFICATE_OTHER",
            Self::RoleNotAllowed => "ROLE_NOT_ALLOWED",
            Self::Deadline => "DEADLINE",
            Self::NoLeader => "NO_LEADER",
            Self::Busy => "BUSY",
            Self::TooFast(_) => "TOO_FAST",
            Self::ClocksDisagree => "CLOCKS_DISAGREE",
            Self::DiskFull => "DISK_FULL",
            Self::Fenced => "NODE_FENCED",
            Self::HistoryIncomplete => "HISTORY_INCOMPLETE",
            Self::Stopping => "NODE_STOPPING",
            Self::SessionProof => "SESSION_PROOF",
            Self::Cursor => "CURSOR_FOREIGN",
            Self::NotSealed => "NOT_SEALED",
            Self::LeafUnknown => "LEAF_UNKNOWN",
            Self::OrderUnknown => "ORDER_UNKNOWN",
            Self::LoginUnknown => "LOGIN_UNKNOWN",
            Self::NoVerdict => "NO_VERDICT",
            Self::ContactOpen => "CONTACT_OPEN",
            Self::NoEvidence => "NO_EVIDENCE",
            Self::HandedOver => "HANDED_OVER",
            Self::SessionElsewhere => "SESSION_ELSEWHERE",
            Self::SampleUnsigned => "SAMPLE_UNSIGNED",
            Self::Denied(_) => "DENIED",
            Self::CertificateRevoked => "CERTIFICATE_REVOKED",
            Self::AgentLocked => "AGENT_LOCKED",
            Self::SessionDark => "SESSION_DARK",
            Self::Internal => "INTERNAL",
        }
    }

    /// The text for people.
    #[must_use]
    pub fn text(self) -> String {
        match self {
            Self::Rejected(rejection) => rejection.to_string(),
            Self::Field(malformed) => malformed.to_string(),
            Self::MessageMalformed => "the message does not parse".to_owned(),
            Self::MessageCount => "exactly one message is expected".to_owned(),
            Self::MessageTooLarge => "the message is larger than this method takes".to_owned(),
            Self::EncodingUnsupported => "compressed messages are not accepted".to_owned(),
            Self::TimeoutMalformed => "grpc-timeout is malformed".to_owned(),
            Self::MethodUnknown => "no such method".to_owned(),
            Self::CertificateMissing => "a client certificate is needed".to_owned(),
            Self::CertificateUnusable => {
                "the client certificate names nobody in this cluster".to_owned()
            }
            Self::CertificateOther => "another certificate is registered".to_owned(),
            Self::RoleNotAllowed => "this role may not call this method".to_owned(),
            Self::Deadline => "no answer before the deadline; the outcome is unknown".to_owned(),
            Self::NoLeader => "no leader can be reached".to_owned(),
            Self::Busy => "too many commands are waiting".to_owned(),
            Self::TooFast(_) => "more requests a second than this node allows".to_owned(),
            Self::ClocksDisagree => "the clocks of the cluster do not agree".to_owned(),
            Self::DiskFull => "the disk is nearly full".to_owned(),
            Self::Fenced => "this node is fenced".to_owned(),
            Self::HistoryIncomplete => {
                "this node does not have that part of the audit log yet".to_owned()
            }
            Self::Stopping => "this node is stopping".to_owned(),
            Self::SessionProof => "the session is not opened".to_owned(),
            Self::Cursor => "stale or foreign cursor".to_owned(),
            Self::NotSealed => "the leaf is not sealed yet".to_owned(),
            Self::LeafUnknown => "no such leaf".to_owned(),
            Self::OrderUnknown => "no such order".to_owned(),
            Self::LoginUnknown => "no such login".to_owned(),
            Self::NoVerdict => "there is no verdict yet".to_owned(),
            Self::ContactOpen => "the contact is not closed yet".to_owned(),
            Self::NoEvidence => "no such evidence".to_owned(),
            Self::HandedOver => "the contact was handed over".to_owned(),
            Self::SessionElsewhere => "the session ended or is attached elsewhere".to_owned(),
            Self::SampleUnsigned => "a sensor's signature is needed".to_owned(),
            Self::Denied(reason) => format!("reason {reason}"),
            Self::CertificateRevoked => "the certificate is revoked".to_owned(),
            Self::AgentLocked => "the agent is locked".to_owned(),
            Self::SessionDark => "the session shows nothing".to_owned(),
            Self::Internal => "a fault of this node".to_owned(),
        }
    }

    /// How long to wait before trying again, where that may help; `now` is cluster time.
    #[must_use]
    pub const fn retry(self, now: Stamp) -> Option<Duration> {
        match self {
            Self::Rejected(Rejection::PinLocked(Stamp(u64::MAX))) => None,
            Self::Rejected(Rejection::PinLocked(until)) => {
                Some(Duration::from_micros(until.0.saturating_sub(now.0)))
            }
            Self::Busy => Some(BUSY_PAUSE),
            Self::TooFast(pause) => Some(pause),
            Self::NoLeader | Self::ClocksDisagree => Some(LEADERLESS_PAUSE),
            Self::DiskFull => Some(FULL_PAUSE),
            Self::Fenced | Self::HistoryIncomplete | Self::Stopping => Some(ELSEWHERE_PAUSE),
            Self::Rejected(_)
            | Self::Field(_)
            | Self::MessageMalformed
            | Self::MessageCount
            | Self::MessageTooLarge
            | Self::EncodingUnsupported
            | Self::TimeoutMalformed
            | Self::MethodUnknown
            | Self::CertificateMissing
            | Self::CertificateUnusable
            | Self::CertificateOther
            | Self::RoleNotAllowed
            | Self::Deadline
            | Self::SessionProof
            | Self::Cursor
            | Self::NotSealed
            | Self::LeafUnknown
            | Self::OrderUnknown
            | Self::LoginUnknown
            | Self::NoVerdict
            | Self::ContactOpen
            | Self::NoEvidence
            | Self::HandedOver
            | Self::SessionElsewhere
            | Self::SampleUnsigned
            | Self::Denied(_)
            | Self::CertificateRevoked
            | Self::AgentLocked
            | Self::SessionDark
            | Self::Internal => None,
        }
    }

    /// The status, with the reason and what else helps.
    #[must_use]
    pub fn status(self) -> Status {
        self.status_at(Stamp::default())
    }

    /// The status as of cluster time `now`.
    #[must_use]
    pub fn status_at(self, now: Stamp) -> Status {
        let text = self.text();
        let mut details = ErrorDetails::new();
        let nothing_more: [(String, String); 0] = [];
        details.set_error_info(self.reason(), DOMAIN, nothing_more);
        if let Self::Field(malformed) = self {
            details.add_bad_request_violation(malformed.field, text.clone());
        }
        let retry = self.retry(now);
        if let Some(pause) = retry {
            details.set_retry_info(Some(pause));
        }
        let mut status = Status::with_error_details(self.code(), text, details);
        let metadata = status.metadata_mut();
        metadata.insert(REASON, MetadataValue::from_static(self.reason()));
        if let Self::Denied(reason) = self {
            metadata.insert(DENIED, MetadataValue::from(reason));
        }
        if let Some(pause) = retry {
            let pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
            metadata.insert(PUSHBACK, MetadataValue::from(pause_ms));
        }
        status
    }
}

impl From<Malformed> for Refusal {
    fn from(malformed: Malformed) -> Self {
        Self::Field(malformed)
    }
}

impl From<Rejection> for Refusal {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

impl From<ProposeError> for Refusal {
    fn from(error: ProposeError) -> Self {
        match error {
            ProposeError::Unavailable => Self::NoLeader,
            ProposeError::DeadlineExceeded => Self::Deadline,
            ProposeError::Busy => Self::Busy,
            ProposeError::ClocksDisagree => Self::ClocksDisagree,
            ProposeError::DiskFull => Self::DiskFull,
            ProposeError::Fenced => Self::Fenced,
        }
    }
}

impl From<ReadError> for Refusal {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Unavailable => Self::NoLeader,
            ReadError::DeadlineExceeded => Self::Deadline,
            ReadError::Fenced => Self::Fenced,
            ReadError::Incomplete => Self::HistoryIncomplete,
            ReadError::Storage => Self::Stopping,
        }
    }
}

impl From<ReceiptError> for Refusal {
    fn from(error: ReceiptError) -> Self {
        match error {
            ReceiptError::UnknownLeaf => Self::LeafUnknown,
            ReceiptError::NotSealed => Self::NotSealed,
            ReceiptError::Incomplete => Self::HistoryIncomplete,
            ReceiptError::Storage => Self::Stopping,
        }
    }
}

/// A store that cannot answer stops the node.
impl From<akashi_domain::kv::Fault> for Refusal {
    fn from(fault: akashi_domain::kv::Fault) -> Self {
        match fault {
            akashi_domain::kv::Fault::Storage | akashi_domain::kv::Fault::Corrupt => Self::Stopping,
        }
    }
}

impl From<NoEntropy> for Refusal {
    fn from(_: NoEntropy) -> Self {
        Self::Internal
    }
}

const fn rejected(rejection: Rejection) -> (Code, &'static str) {
    match rejection {
        Rejection::NotFounded => (Code::FailedPrecondition, "NOT_FOUNDED"),
        Rejection::AlreadyFounded => (Code::AlreadyExists, "ALREADY_FOUNDED"),
        Rejection::Invalid(_) => (Code::InvalidArgument, "FIELD_INVALID"),
        Rejection::UnknownTenant => (Code::NotFound, "TENANT_UNKNOWN"),
        Rejection::UnknownPolicy => (Code::NotFound, "POLICY_UNKNOWN"),
        Rejection::UnknownAgent => (Code::NotFound, "AGENT_UNKNOWN"),
        Rejection::UnknownContact => (Code::NotFound, "CONTACT_UNKNOWN"),
        Rejection::UnknownChallenge => (Code::NotFound, "CHALLENGE_UNKNOWN"),
        Rejection::UnknownEnrolment => (Code::NotFound, "ENROLMENT_UNKNOWN"),
        Rejection::UnknownSubject => (Code::NotFound, "SUBJECT_UNKNOWN"),
        Rejection::Exists(_) => (Code::AlreadyExists, "EXISTS"),
        Rejection::RequestIdReused => (Code::AlreadyExists, "REQUEST_ID_REUSED"),
        Rejection::RequestIdTooOld => (Code::FailedPrecondition, "REQUEST_ID_TOO_OLD"),
        Rejection::RequestIdAhead => (Code::InvalidArgument, "REQUEST_ID_AHEAD"),
        Rejection::TooLate => (Code::DeadlineExceeded, "TOO_LATE"),
        Rejection::ChallengeExpired => (Code::FailedPrecondition, "CHALLENGE_EXPIRED"),
        Rejection::ChallengeAnswered => (Code::FailedPrecondition, "CHALLENGE_ANSWERED"),
        Rejection::EnrolmentClosed => (Code::FailedPrecondition, "ENROLMENT_CLOSED"),
        Rejection::ContactClosed => (Code::FailedPrecondition, "CONTACT_CLOSED"),
        Rejection::DeviceRevoked => (Code::FailedPrecondition, "DEVICE_REVOKED"),
        Rejection::PinLocked(_) => (Code::ResourceExhausted, "PIN_LOCKED"),
        Rejection::MalformedProof(_) => (Code::InvalidArgument, "PROOF_MALFORMED"),
        Rejection::SuiteNotActive => (Code::FailedPrecondition, "SUITE_NOT_ACTIVE"),
        Rejection::NotVerified => (Code::FailedPrecondition, "NOT_VERIFIED"),
        Rejection::ChallengeOpen => (Code::FailedPrecondition, "CHALLENGE_OPEN"),
        Rejection::UnknownIssuer => (Code::NotFound, "ISSUER_UNKNOWN"),
        Rejection::UnknownSensor => (Code::NotFound, "SENSOR_UNKNOWN"),
        Rejection::UnknownCredential => (Code::NotFound, "CREDENTIAL_UNKNOWN"),
        Rejection::UnknownTemplate => (Code::NotFound, "TEMPLATE_UNKNOWN"),
        Rejection::Full(_) => (Code::ResourceExhausted, "FULL"),
        Rejection::UnknownSession => (Code::NotFound, "SESSION_UNKNOWN"),
        Rejection::SessionEnded => (Code::FailedPrecondition, "SESSION_ENDED"),
        Rejection::UnknownUnmask => (Code::NotFound, "UNMASK_UNKNOWN"),
        Rejection::UnmaskDecided => (Code::FailedPrecondition, "UNMASK_DECIDED"),
        Rejection::ContactBlocked => (Code::FailedPrecondition, "CONTACT_BLOCKED"),
        Rejection::FallbackNotAllowed => (Code::FailedPrecondition, "FALLBACK_NOT_ALLOWED"),
        Rejection::NoDelegation => (Code::NotFound, "DELEGATION_UNKNOWN"),
        Rejection::StepUpRequired => (Code::FailedPrecondition, "STEP_UP_REQUIRED"),
        Rejection::LegMisplaced => (Code::FailedPrecondition, "LEG_MISPLACED"),
        Rejection::ResumeTooLate => (Code::FailedPrecondition, "RESUME_TOO_LATE"),
        Rejection::LegCleared => (Code::FailedPrecondition, "LEG_CLEARED"),
        Rejection::PolicyRetired => (Code::FailedPrecondition, "POLICY_RETIRED"),
        Rejection::UnknownOrder => (Code::NotFound, "ORDER_UNKNOWN"),
        Rejection::NotSealed => (Code::FailedPrecondition, "NOT_SEALED"),
        Rejection::NotApproved => (Code::FailedPrecondition, "ORDER_NOT_APPROVED"),
        Rejection::OrderOver => (Code::FailedPrecondition, "ORDER_OVER"),
        Rejection::TotalPeriod => (Code::FailedPrecondition, "TOTAL_PERIOD"),
        Rejection::TotalDiffers => (Code::InvalidArgument, "TOTAL_DIFFERS"),
        Rejection::UnknownMember => (Code::NotFound, "MEMBER_UNKNOWN"),
        Rejection::MembersChanging => (Code::FailedPrecondition, "MEMBERS_CHANGING"),
        Rejection::LastVoter => (Code::FailedPrecondition, "LAST_VOTER"),
        Rejection::UnknownMark => (Code::FailedPrecondition, "MARK_UNKNOWN"),
    }
}

/// The name of a code, as in metrics and traces.
#[must_use]
pub const fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

#[cfg(test)]
mod tests {
    use akashi_domain::answer::Field;

    use super::*;

    #[test]
    fn a_locked_pin_says_when_to_come_back() {
        let refusal = Refusal::Rejected(Rejection::PinLocked(Stamp(31_000_000)));
        let status = refusal.status_at(Stamp(1_000_000));
        assert_eq!(status.code(), Code::ResourceExhausted);
        assert_eq!(status.metadata().get(REASON).unwrap(), "PIN_LOCKED");
        assert_eq!(status.metadata().get(PUSHBACK).unwrap(), "30000");
        let pause = status
            .get_details_retry_info()
            .unwrap()
            .retry_delay
            .unwrap();
        assert_eq!(pause, Duration::from_secs(30));
    }

    #[test]
    fn a_pin_locked_for_good_names_no_time() {
        let refusal = Refusal::Rejected(Rejection::PinLocked(Stamp(u64::MAX)));
        assert!(refusal.status().get_details_retry_info().is_none());
    }

    #[test]
    fn a_bad_field_is_named_and_its_value_is_not() {
        let status = Refusal::from(Malformed { field: "subject" }).status();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(status.message(), "subject is not acceptable");
        let violations = status.get_details_bad_request().unwrap().field_violations;
        assert_eq!(violations[0].field, "subject");
    }

    #[test]
    fn every_reason_of_the_cluster_is_explained() {
        let page = include_str!("../../../docs/errors.md");
        for refusal in [
            Refusal::MessageMalformed,
            Refusal::MessageCount,
            Refusal::MessageTooLarge,
            Refusal::EncodingUnsupported,
            Refusal::TimeoutMalformed,
            Refusal::MethodUnknown,
            Refusal::CertificateMissing,
            Refusal::CertificateUnusable,
            Refusal::CertificateOther,
            Refusal::RoleNotAllowed,
            Refusal::Deadline,
            Refusal::NoLeader,
            Refusal::Busy,
            Refusal::TooFast(BUSY_PAUSE),
            Refusal::ClocksDisagree,
            Refusal::DiskFull,
            Refusal::Fenced,
            Refusal::HistoryIncomplete,
            Refusal::Stopping,
            Refusal::SessionProof,
            Refusal::Denied(120),
            Refusal::CertificateRevoked,
            Refusal::AgentLocked,
            Refusal::SessionDark,
            Refusal::Rejected(Rejection::UnknownSession),
            Refusal::Rejected(Rejection::SessionEnded),
            Refusal::Rejected(Rejection::UnknownUnmask),
            Refusal::Rejected(Rejection::UnmaskDecided),
            Refusal::Cursor,
            Refusal::NotSealed,
            Refusal::LeafUnknown,
            Refusal::OrderUnknown,
            Refusal::LoginUnknown,
            Refusal::NoVerdict,
            Refusal::ContactOpen,
            Refusal::NoEvidence,
            Refusal::HandedOver,
            Refusal::SessionElsewhere,
            Refusal::SampleUnsigned,
            Refusal::Internal,
            Refusal::Field(Malformed { field: "subject" }),
            Refusal::Rejected(Rejection::PinLocked(Stamp(1))),
            Refusal::Rejected(Rejection::UnknownChallenge),
            Refusal::Rejected(Rejection::NotVerified),
            Refusal::Rejected(Rejection::ChallengeOpen),
            Refusal::Rejected(Rejection::UnknownIssuer),
            Refusal::Rejected(Rejection::UnknownSensor),
            Refusal::Rejected(Rejection::UnknownCredential),
            Refusal::Rejected(Rejection::UnknownTemplate),
            Refusal::Rejected(Rejection::Full(Field::Credential)),
            Refusal::Rejected(Rejection::ContactBlocked),
            Refusal::Rejected(Rejection::FallbackNotAllowed),
            Refusal::Rejected(Rejection::NoDelegation),
            Refusal::Rejected(Rejection::StepUpRequired),
            Refusal::Rejected(Rejection::LegMisplaced),
            Refusal::Rejected(Rejection::ResumeTooLate),
            Refusal::Rejected(Rejection::LegCleared),
            Refusal::Rejected(Rejection::PolicyRetired),
            Refusal::Rejected(Rejection::UnknownOrder),
            Refusal::Rejected(Rejection::NotSealed),
            Refusal::Rejected(Rejection::NotApproved),
            Refusal::Rejected(Rejection::OrderOver),
            Refusal::Rejected(Rejection::TotalPeriod),
            Refusal::Rejected(Rejection::TotalDiffers),
            Refusal::Rejected(Rejection::UnknownMember),
            Refusal::Rejected(Rejection::MembersChanging),
            Refusal::Rejected(Rejection::LastVoter),
            Refusal::Rejected(Rejection::UnknownMark),
        ] {
            let row = format!(
                "| `{}` | `{}` |",
                refusal.reason(),
                code_name(refusal.code())
            );
            assert!(page.contains(&row), "{row}");
        }
    }
}
