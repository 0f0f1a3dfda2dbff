//! The bytes of everything that is stored, hashed or sent between replicas, pinned in
//! `tests/golden/domain`. A changed line is a changed format: old logs would mean something else.

mod calls;
mod customers;
mod desks;
mod events;
mod members;
mod presence;
mod questions;
mod records;
mod sessions;

use akashi_domain::answer::{Answer, Field, Placement, Rejection, Reply};
use akashi_domain::command::{
    AnnounceContact, AnswerNotice, BindAgent, CloseContact, Command, CompleteEnrolment,
    CreateTenant, EnrolmentKind, FactorProof, Initiator, NoticeAnswer, OpenEnrolment, Party,
    PutPolicy, PutSettings, RegisterAgent, Request, RevokeDevice, SubmitProof,
};
use akashi_domain::entry::{Entry, RULE_VERSION, Sealed, encode};
use akashi_domain::ids::{
    AgentHash, ChallengeId, ClientId, ContactId, Digest, EnrolmentId, RequestId, Serial, Stamp,
    SubjectHash, Tag,
};
use akashi_domain::outcome::{Good, Held, Outcome};
use akashi_domain::records::{
    Cluster, Evidence, EvidenceFactor, Judged, Policy, Settings, Verdict,
};
use borsh::BorshSerialize;
use expect_test::{ExpectFile, expect_file};

use crate::world::{body, found};

const TENANT: u32 = 7;
const CONTACT: ContactId = ContactId([0xc0; 16]);
const CHALLENGE: ChallengeId = ChallengeId([0xc1; 16]);
const ENROLMENT: EnrolmentId = EnrolmentId([0xe0; 16]);
const SUBJECT: SubjectHash = SubjectHash([0x5b; 32]);
const AGENT: AgentHash = AgentHash([0xa9; 32]);
const TAG: Tag = Tag([0x7a; 16]);
const AGENT_TAG: Tag = Tag([0x7b; 16]);
const HELD: Held = Held {
    factors: 3,
    predicates: 5,
    level: 2,
};
const GOOD: Good = Good {
    scope: 0xf0f0,
    limits: 3,
    aal: 2,
    match_code: 0x00ab_cdef,
};
const STAMP: Stamp = Stamp(0x0006_0102_0304_0506);

fn lines<T: BorshSerialize>(rows: &[(&str, T)]) -> String {
    rows.iter()
        .map(|(name, value)| format!("{name} {}\n", hex::encode(encode(value))))
        .collect()
}

fn pinned<T: BorshSerialize>(file: &ExpectFile, rows: &[(&str, T)]) {
    file.assert_eq(&lines(rows));
}

fn proofs() -> Vec<FactorProof> {
    vec![
        FactorProof::plain(1, vec![1, 2, 3]),
        FactorProof::plain(2, vec![4, 5]),
    ]
}

fn evidence() -> Evidence {
    let factor = |kind, held| EvidenceFactor {
        kind,
        slot: 1,
        serial: Serial([0x40 + kind; 16]),
        second_serial: Serial([0x50 + kind; 16]),
        attribute: 3,
        instance: vec![0x10 + kind; 4],
        proof: vec![0x20 + kind; 3],
        attachment: vec![0x60 + kind; 2],
        held,
        salt: [0x30 + kind; 32],
    };
    Evidence {
        context: vec![9, 9, 9],
        factors: vec![factor(1, Some(true)), factor(2, None)],
    }
}

fn settings() -> Settings {
    Settings {
        notices_per_hour: 1,
        refusals_per_challenge: 2,
        pin_failures_soft: 3,
        pin_failures_hard: 4,
        pin_lock_first_s: 5,
        request_horizon_s: 6,
        enrolment_ttl_s: 7,
        order_ttl_s: 8,
        cooling_s: 9,
        resume_grace_s: 10,
        report_freeze_s: 11,
        session_contacts_max: 12,
    }
}

fn policy() -> Policy {
    Policy {
        name: "standard".into(),
        version: 2,
        body: body(),
        digest: Digest([0xdd; 32]),
    }
}

fn cluster() -> Cluster {
    let found = found();
    Cluster {
        origin: "bank/e1/g0".into(),
        epoch: 1,
        group: 0,
        replicas: found.replicas,
        quorum: found.quorum,
        tenants: 1,
    }
}

fn judged() -> Judged {
    Judged {
        fingerprint: Digest([0xf1; 32]),
        reason: 17,
    }
}

fn verdict() -> Verdict {
    Verdict {
        outcome: Outcome::Verified,
        reason: 0,
        factors: HELD.factors,
        predicates: HELD.predicates,
        level: HELD.level,
        policy_version: 2,
        decided: STAMP,
        not_after: Stamp(STAMP.0 + 1),
        leaf: 42,
        scope: 0xf0f0,
        limits: 3,
        aal: 2,
        match_code: 0x00ab_cdef,
    }
}

fn commands() -> Vec<(&'static str, Command)> {
    let mut commands = of_calls();
    commands.extend(questions::commands());
    commands.extend(customers::commands());
    commands.extend(sessions::commands());
    commands.extend(calls::commands());
    commands.extend(presence::commands());
    commands.extend(members::commands());
    commands.extend(desks::commands());
    commands
}

fn of_calls() -> Vec<(&'static str, Command)> {
    let tenant = || "retail".to_owned();
    vec![
        ("Found", Command::Found(found())),
        (
            "CreateTenant",
            Command::CreateTenant(CreateTenant { tenant: tenant() }),
        ),
        (
            "PutPolicy",
            Command::PutPolicy(PutPolicy {
                tenant: tenant(),
                policy: "standard".into(),
                body: body(),
            }),
        ),
        (
            "PutSettings",
            Command::PutSettings(PutSettings {
                settings: settings(),
            }),
        ),
        (
            "RegisterAgent",
            Command::RegisterAgent(RegisterAgent {
                tenant: tenant(),
                agent: AGENT,
                certificate: Digest([0xce; 32]),
                supervisor: true,
            }),
        ),
        (
            "OpenEnrolment",
            Command::OpenEnrolment(OpenEnrolment {
                tenant: tenant(),
                enrolment: ENROLMENT,
                kind: EnrolmentKind::Device,
                party: Party::Customer,
                subject: SUBJECT,
                token_hash: Digest([0x70; 32]),
                subject_tag: TAG,
            }),
        ),
        (
            "CompleteEnrolment",
            Command::CompleteEnrolment(CompleteEnrolment {
                tenant: tenant(),
                enrolment: ENROLMENT,
                token: [0x71; 32],
                suite: 1,
                device_key: [0xdc; 32],
                pin_key: [0xcd; 32],
                proofs: proofs(),
            }),
        ),
        (
            "RevokeDevice",
            Command::RevokeDevice(RevokeDevice {
                tenant: tenant(),
                subject: SUBJECT,
                reason: 3,
            }),
        ),
        (
            "AnnounceContact",
            Command::AnnounceContact(AnnounceContact {
                tenant: tenant(),
                contact: CONTACT,
                subject: SUBJECT,
                initiator: Initiator::Centre,
                policy: "standard".into(),
                call_reason: 5,
                agent: Some(AGENT),
                subject_tag: TAG,
                agent_tag: AGENT_TAG,
                campaign: 7,
                queue: 8,
                previous: ContactId([0x33; 16]),
                delegate: Some(SUBJECT),
            }),
        ),
        (
            "BindAgent",
            Command::BindAgent(BindAgent {
                tenant: tenant(),
                contact: CONTACT,
                agent: AGENT,
                agent_tag: AGENT_TAG,
                scope: 0x0f,
                needs: 0x01,
                queue: 8,
            }),
        ),
        (
            "CloseContact",
            Command::CloseContact(CloseContact {
                tenant: tenant(),
                contact: CONTACT,
                disposition: 8,
            }),
        ),
        (
            "SubmitProof",
            Command::SubmitProof(SubmitProof {
                tenant: tenant(),
                challenge: CHALLENGE,
                token: [0x72; 32],
                suite: 1,
                proofs: proofs(),
                duress: false,
            }),
        ),
        ("AnswerNotice", said(NoticeAnswer::Opened)),
        ("AnswerNotice-decline", said(NoticeAnswer::Decline)),
        ("AnswerNotice-report", said(NoticeAnswer::Report)),
        ("AnswerNotice-not-me", said(NoticeAnswer::NotMe)),
        ("AnswerNotice-opt-out", said(NoticeAnswer::OptOut)),
        ("AnswerNotice-unsupported", said(NoticeAnswer::Unsupported)),
        ("AnswerNotice-later", said(NoticeAnswer::Later)),
    ]
}

fn said(answer: NoticeAnswer) -> Command {
    let tenant = "retail".into();
    Command::AnswerNotice(AnswerNotice {
        tenant,
        challenge: CHALLENGE,
        token: [0x72; 32],
        answer,
    })
}

#[test]
fn commands_keep_their_bytes() {
    pinned(
        &expect_file!["../../../../tests/golden/domain/commands.txt"],
        &commands(),
    );
}

#[test]
fn entries_and_requests_keep_their_bytes() {
    let request = Request {
        id: RequestId([0x1d; 16]),
        client: ClientId([0xc1; 16]),
        not_after: STAMP,
        command: said(NoticeAnswer::Opened),
    };
    let entry = Entry {
        rule_version: RULE_VERSION,
        stamp: STAMP,
        random: [0xaa; 32],
        sealed: Some(Sealed {
            size: 9,
            root: Digest([0x99; 32]),
        }),
        requests: vec![request.clone()],
    };
    let idle = Entry {
        sealed: None,
        requests: Vec::new(),
        ..entry
    };
    let body = request.body_digest();
    let text = lines(&[("Request", &request)])
        + &lines(&[("Body", body)])
        + &lines(&[("Entry", entry), ("Entry-idle", idle)]);
    expect_file!["../../../../tests/golden/domain/entries.txt"].assert_eq(&text);
}

#[test]
fn answers_keep_their_bytes() {
    let placement = Placement {
        log_index: 1,
        stamp: STAMP,
        first_leaf: 2,
        leaf_count: 3,
        repeated: true,
    };
    let replies = [
        ("Done", Reply::Done),
        ("PolicyActive", Reply::PolicyActive { version: 2 }),
        ("SettingsActive", Reply::SettingsActive(settings())),
        ("EnrolmentOpen", Reply::EnrolmentOpen { expires: STAMP }),
        ("Enrolled", Reply::Enrolled),
        ("EnrolmentRefused", Reply::EnrolmentRefused { reason: 17 }),
        (
            "Announced",
            Reply::Announced {
                challenge: CHALLENGE,
                expires: STAMP,
                outcome: None,
            },
        ),
        (
            "Announced-ended",
            Reply::Announced {
                challenge: ChallengeId::ZERO,
                expires: Stamp(0),
                outcome: Some(Outcome::RateLimited),
            },
        ),
        (
            "Verdict",
            Reply::Verdict {
                outcome: Outcome::NotVerified,
                reason: 100,
            },
        ),
        (
            "Refused",
            Reply::Refused {
                reason: 17,
                attempts_left: 4,
                locked_until: STAMP,
            },
        ),
        ("AlreadyAnswered", Reply::AlreadyAnswered),
        ("Denied", Reply::Denied { reason: 126 }),
        ("SessionOpen", Reply::SessionOpen { expires: STAMP }),
        ("Unmasked", Reply::Unmasked { until: STAMP }),
        ("PolicyRetired", Reply::PolicyRetired { version: 2 }),
        (
            "Erased",
            Reply::Erased {
                evidence: 5,
                complete: true,
            },
        ),
        (
            "OrderExecuted",
            Reply::OrderExecuted {
                campaign: 7,
                number: 3,
            },
        ),
        ("OrderRefused", Reply::OrderRefused { reason: 170 }),
        (
            "SessionSettingsActive",
            Reply::SessionSettingsActive {
                settings: settings(),
                sessions: desks::SESSIONS,
            },
        ),
    ]
    .map(|(name, reply)| {
        (
            name,
            Answer {
                placement,
                result: Ok(reply),
            },
        )
    });
    let rejections = [
        ("NotFounded", Rejection::NotFounded),
        ("AlreadyFounded", Rejection::AlreadyFounded),
        ("Invalid", Rejection::Invalid(Field::Cluster)),
        ("UnknownTenant", Rejection::UnknownTenant),
        ("UnknownPolicy", Rejection::UnknownPolicy),
        ("UnknownAgent", Rejection::UnknownAgent),
        ("UnknownContact", Rejection::UnknownContact),
        ("UnknownChallenge", Rejection::UnknownChallenge),
        ("UnknownEnrolment", Rejection::UnknownEnrolment),
        ("UnknownSubject", Rejection::UnknownSubject),
        ("Exists", Rejection::Exists(Field::Tenant)),
        ("RequestIdReused", Rejection::RequestIdReused),
        ("RequestIdTooOld", Rejection::RequestIdTooOld),
        ("RequestIdAhead", Rejection::RequestIdAhead),
        ("TooLate", Rejection::TooLate),
        ("ChallengeExpired", Rejection::ChallengeExpired),
        ("ChallengeAnswered", Rejection::ChallengeAnswered),
        ("EnrolmentClosed", Rejection::EnrolmentClosed),
        ("ContactClosed", Rejection::ContactClosed),
        ("DeviceRevoked", Rejection::DeviceRevoked),
        ("PinLocked", Rejection::PinLocked(STAMP)),
        ("MalformedProof", Rejection::MalformedProof(14)),
        ("SuiteNotActive", Rejection::SuiteNotActive),
        ("NotVerified", Rejection::NotVerified),
        ("ChallengeOpen", Rejection::ChallengeOpen),
        ("UnknownIssuer", Rejection::UnknownIssuer),
        ("UnknownSensor", Rejection::UnknownSensor),
        ("UnknownCredential", Rejection::UnknownCredential),
        ("UnknownTemplate", Rejection::UnknownTemplate),
        ("Full", Rejection::Full(Field::Credential)),
        ("UnknownSession", Rejection::UnknownSession),
        ("SessionEnded", Rejection::SessionEnded),
        ("UnknownUnmask", Rejection::UnknownUnmask),
        ("UnmaskDecided", Rejection::UnmaskDecided),
        ("ContactBlocked", Rejection::ContactBlocked),
        ("FallbackNotAllowed", Rejection::FallbackNotAllowed),
        ("NoDelegation", Rejection::NoDelegation),
        ("StepUpRequired", Rejection::StepUpRequired),
        ("LegMisplaced", Rejection::LegMisplaced),
        ("ResumeTooLate", Rejection::ResumeTooLate),
        ("LegCleared", Rejection::LegCleared),
        ("PolicyRetired", Rejection::PolicyRetired),
        ("UnknownOrder", Rejection::UnknownOrder),
        ("NotSealed", Rejection::NotSealed),
        ("NotApproved", Rejection::NotApproved),
        ("OrderOver", Rejection::OrderOver),
        ("TotalPeriod", Rejection::TotalPeriod),
        ("TotalDiffers", Rejection::TotalDiffers),
        ("UnknownMember", Rejection::UnknownMember),
        ("MembersChanging", Rejection::MembersChanging),
        ("LastVoter", Rejection::LastVoter),
        ("UnknownMark", Rejection::UnknownMark),
        ("Invalid-address", Rejection::Invalid(Field::Address)),
    ]
    .map(|(name, why)| {
        (
            name,
            Answer {
                placement: Placement::default(),
                result: Err(why),
            },
        )
    });
    for (name, answer) in replies.iter().chain(&rejections) {
        assert_eq!(
            Answer::decode(&answer.encode()).as_ref(),
            Some(answer),
            "{name}"
        );
    }
    let text = lines(&replies) + &lines(&rejections);
    expect_file!["../../../../tests/golden/domain/answers.txt"].assert_eq(&text);
}

#[test]
fn derived_names_and_digests_keep_their_values() {
    let rows = [
        (
            "SubjectHash",
            SubjectHash::of("retail", "customer-1").0.to_vec(),
        ),
        ("AgentHash", AgentHash::of("retail", "agent-1").0.to_vec()),
        (
            "ClientId",
            ClientId::of("spiffe://bank/operator/o").0.to_vec(),
        ),
        (
            "ChallengeId",
            ChallengeId::of("bank/e1/g0", "retail", CONTACT).0.to_vec(),
        ),
        (
            "ChallengeId-order",
            ChallengeId::of_order("bank/e1/g0", "retail", CONTACT, questions::ORDER)
                .0
                .to_vec(),
        ),
        (
            "ChallengeId-login",
            ChallengeId::of_login("bank/e1/g0", "retail", questions::LOGIN)
                .0
                .to_vec(),
        ),
        (
            "ChallengeId-step-up",
            ChallengeId::of_step_up("bank/e1/g0", "retail", CONTACT, 2)
                .0
                .to_vec(),
        ),
        (
            "PolicyDigest",
            body().digest("retail", "standard", 2).0.to_vec(),
        ),
        (
            "EvidenceCommitment",
            akashi_domain::leaf::evidence_commitment(&evidence())
                .0
                .to_vec(),
        ),
        (
            "Fingerprint",
            akashi_domain::factor::fingerprint(akashi_proof::Suite::V1, &proofs())
                .0
                .to_vec(),
        ),
    ];
    let text: String = rows
        .iter()
        .map(|(name, bytes)| format!("{name} {}\n", hex::encode(bytes)))
        .collect();
    expect_file!["../../../../tests/golden/domain/derived.txt"].assert_eq(&text);
}
