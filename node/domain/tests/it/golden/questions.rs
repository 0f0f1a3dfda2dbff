//! What is registered, held and asked besides calls: its commands, facts and records, byte for byte.

use akashi_domain::command::{
    Command, EnrolTemplate, ExecuteOrder, FactorProof, OfferOrder, OpenAgentLogin, OpenOrder,
    ProveTotal, PutPolicy, RegisterCredential, RegisterIssuer, RegisterSensor, RevokeCredential,
    RevokeIssuer, RevokeSensor, RevokeTemplate, SubmitProof,
};
use akashi_domain::command::{EnrolmentKind, OpenEnrolment, Party};
use akashi_domain::entry::encode;
use akashi_domain::event::{self, Event};
use akashi_domain::ids::{ChallengeId, ContactId, Digest, LoginId, OrderId, Serial, Stamp};
use akashi_domain::outcome::Outcome;
use akashi_domain::policy::{
    AgentBinding, AgentRule, AttributeSource, ConsentRule, FaceRule, Grants, PolicyBody,
    PolicyPurpose, PredicateRule, PredicateTest, PresenceRule, RiskRule, UnmaskRule,
};
use akashi_domain::records::{
    About, AgentLogin, Campaign, Credential, Executed, Issuer, Order, OrderTerms, SealedOrder,
    Sensor, Template,
};

use super::{
    AGENT, AGENT_TAG, CHALLENGE, CONTACT, ENROLMENT, GOOD, HELD, STAMP, SUBJECT, TAG, TENANT,
    evidence, verdict,
};

pub(super) const ORDER: OrderId = OrderId([0x0d; 16]);
pub(super) const LOGIN: LoginId = LoginId([0x1e; 16]);
const SERIAL: Serial = Serial([0x5e; 16]);
const KEY_ID: Digest = Digest([0x1d; 32]);
const CERTIFICATE: Digest = Digest([0x5c; 32]);

pub(super) fn terms() -> OrderTerms {
    OrderTerms {
        order: ORDER,
        order_hash: [0x0a; 32],
        amounts: vec![[0xa1; 32], [0xa2; 32]],
        recipient: [0x4e; 32],
    }
}

/// Every rule and every test there is.
pub(super) fn asking_everything() -> PolicyBody {
    let source = |attribute| AttributeSource {
        issuers: vec!["bureau".into(), "state".into()],
        schema: "credit".into(),
        schema_version: 2,
        attribute,
    };
    let tests = [
        PredicateTest::AtLeast {
            bits: 32,
            bound: 20,
        },
        PredicateTest::AtMost { bits: 64, bound: 9 },
        PredicateTest::Within {
            bits: 64,
            low: 1,
            high: 2,
        },
        PredicateTest::OneOf {
            values: vec![1, 81],
        },
        PredicateTest::Equals { value: 392 },
        PredicateTest::CoversAmount {
            bits: 64,
            amount: 1,
        },
        PredicateTest::SameAs(source(7)),
    ];
    PolicyBody {
        purpose: PolicyPurpose::Consent,
        require_possession: true,
        require_knowledge: true,
        predicates: (0_u16..)
            .zip(tests)
            .map(|(attribute, test)| PredicateRule {
                source: source(attribute),
                test,
            })
            .collect(),
        face: Some(FaceRule {
            model_id: "face-1".into(),
            dimensions: 512,
            tau: 40_000,
            min_level: 1,
            max_age_s: 60,
        }),
        consent: Some(ConsentRule {
            recipient: [0x4e; 32],
            max_payload_bytes: 16_384,
        }),
        challenge_ttl_s: 120,
        verdict_ttl_s: 600,
        grants: Grants {
            scope: 0xff,
            limited: 0x0f,
            needs: 0x11,
            fallbacks: 3,
            risk: RiskRule {
                sim_age_min: 1,
                line_types: 2,
                flags: 3,
                attestation_min: 4,
            },
        },
        agents: AgentRule {
            binding: AgentBinding::Registered,
            posture: 5,
            rules: true,
            presence: PresenceRule {
                absent_grace_s: 6,
                lost_grace_s: 7,
                suspend_after_s: 8,
                clear_screen: true,
            },
            unmask: Some(UnmaskRule {
                fields: 9,
                ttl_s: 10,
                break_glass: true,
            }),
            posture_issuers: Vec::new(),
        },
    }
}

pub(super) fn commands() -> Vec<(&'static str, Command)> {
    let tenant = || "retail".to_owned();
    let put = PutPolicy {
        tenant: tenant(),
        policy: "standard".into(),
        body: asking_everything(),
    };
    let part = FactorProof {
        kind: 4,
        slot: 6,
        serial: SERIAL,
        second_serial: Serial([0x5f; 16]),
        attribute: 6,
        proof: vec![1, 2],
        attachment: vec![3],
    };
    vec![
        ("PutPolicy-everything", Command::PutPolicy(put)),
        (
            "RegisterIssuer",
            Command::RegisterIssuer(RegisterIssuer {
                tenant: tenant(),
                name: "bureau".into(),
                key: [0x15; 32],
            }),
        ),
        (
            "RevokeIssuer",
            Command::RevokeIssuer(RevokeIssuer {
                tenant: tenant(),
                key_id: KEY_ID,
                from: STAMP,
            }),
        ),
        (
            "RegisterSensor",
            Command::RegisterSensor(RegisterSensor {
                tenant: tenant(),
                key: [0x55; 32],
                model_id: "face-1".into(),
                level: 2,
                not_before: STAMP,
                expires: Stamp(STAMP.0 + 1),
            }),
        ),
        (
            "RevokeSensor",
            Command::RevokeSensor(RevokeSensor {
                tenant: tenant(),
                certificate: CERTIFICATE,
            }),
        ),
        (
            "OpenEnrolment-credential-of-an-agent",
            Command::OpenEnrolment(OpenEnrolment {
                tenant: tenant(),
                enrolment: ENROLMENT,
                kind: EnrolmentKind::Credential,
                party: Party::Agent,
                subject: AGENT.as_subject(),
                token_hash: Digest([0x70; 32]),
                subject_tag: TAG,
            }),
        ),
        (
            "RegisterCredential",
            Command::RegisterCredential(RegisterCredential {
                tenant: tenant(),
                enrolment: ENROLMENT,
                token: [0x71; 32],
                suite: 1,
                body: vec![1, 2, 3],
                signature: [0x51; 64],
                possession: vec![4, 5],
            }),
        ),
        (
            "EnrolTemplate",
            Command::EnrolTemplate(EnrolTemplate {
                tenant: tenant(),
                enrolment: ENROLMENT,
                token: [0x71; 32],
                suite: 1,
                capture: vec![1, 2, 3],
                signature: [0x51; 64],
                possession: vec![4, 5],
            }),
        ),
        (
            "RevokeCredential",
            Command::RevokeCredential(RevokeCredential {
                tenant: tenant(),
                subject: SUBJECT,
                serial: SERIAL,
                reason: 3,
            }),
        ),
        (
            "RevokeTemplate",
            Command::RevokeTemplate(RevokeTemplate {
                tenant: tenant(),
                subject: SUBJECT,
                reason: 3,
            }),
        ),
        (
            "OfferOrder",
            Command::OfferOrder(OfferOrder {
                tenant: tenant(),
                contact: CONTACT,
                order: ORDER,
                policy: "standard".into(),
                order_hash: [0x0a; 32],
                amounts: vec![[0xa1; 32]],
                subject_tag: TAG,
            }),
        ),
        (
            "OpenOrder",
            Command::OpenOrder(OpenOrder {
                tenant: tenant(),
                contact: CONTACT,
                order: ORDER,
                recipient: [0x4e; 32],
            }),
        ),
        (
            "ExecuteOrder",
            Command::ExecuteOrder(ExecuteOrder {
                tenant: tenant(),
                contact: CONTACT,
                order: ORDER,
                recipient: [0x4e; 32],
                order_hash: [0x0a; 32],
                amounts: vec![[0xa1; 32]],
            }),
        ),
        (
            "ProveTotal",
            Command::ProveTotal(ProveTotal {
                tenant: tenant(),
                campaign: 7,
                through: 9,
                total: 5_510,
                blinding: [0xb1; 32],
            }),
        ),
        (
            "OpenAgentLogin",
            Command::OpenAgentLogin(OpenAgentLogin {
                tenant: tenant(),
                login: LOGIN,
                agent: AGENT,
                policy: "standard".into(),
                agent_tag: AGENT_TAG,
            }),
        ),
        (
            "SubmitProof-predicate",
            Command::SubmitProof(SubmitProof {
                tenant: tenant(),
                challenge: CHALLENGE,
                token: [0x72; 32],
                suite: 1,
                proofs: vec![part],
                duress: false,
            }),
        ),
    ]
}

pub(super) fn events() -> Vec<(&'static str, Event)> {
    let mut events = registered();
    events.extend(held());
    events.extend(asked());
    events
}

fn registered() -> Vec<(&'static str, Event)> {
    let tenant = TENANT;
    vec![
        (
            "IssuerRegistered",
            Event::IssuerRegistered(event::IssuerRegistered {
                tenant,
                key_id: KEY_ID,
                name: "bureau".into(),
                key: [0x15; 32],
            }),
        ),
        (
            "IssuerRevoked",
            Event::IssuerRevoked(event::IssuerRevoked {
                tenant,
                key_id: KEY_ID,
                name: "bureau".into(),
                from: STAMP,
            }),
        ),
        (
            "SensorRegistered",
            Event::SensorRegistered(event::SensorRegistered {
                tenant,
                certificate: CERTIFICATE,
                key: [0x55; 32],
                model_id: "face-1".into(),
                level: 2,
                not_before: STAMP,
                expires: Stamp(STAMP.0 + 1),
            }),
        ),
        (
            "SensorRevoked",
            Event::SensorRevoked(event::SensorRevoked {
                tenant,
                certificate: CERTIFICATE,
            }),
        ),
    ]
}

fn held() -> Vec<(&'static str, Event)> {
    let (tenant, enrolment, subject, tag) = (TENANT, ENROLMENT, SUBJECT, TAG);
    vec![
        (
            "PinKeyReplaced",
            Event::PinKeyReplaced(event::PinKeyReplaced {
                tenant,
                challenge: CHALLENGE,
                contact: CONTACT,
                subject,
                pin_key: [0xce; 32],
                pin_epoch: 7,
                tag,
            }),
        ),
        (
            "CredentialRegistered",
            Event::CredentialRegistered(event::CredentialRegistered {
                tenant,
                enrolment,
                subject,
                serial: SERIAL,
                holder: [0xdc; 32],
                expires: STAMP,
                body: vec![1, 2, 3],
                signature: [0x51; 64],
                digest: Digest([0xcd; 32]),
                evidence: evidence(),
                tag,
            }),
        ),
        (
            "CredentialRefused",
            Event::CredentialRefused(event::CredentialRefused {
                tenant,
                enrolment,
                reason: 18,
                tag,
            }),
        ),
        (
            "CredentialRevoked",
            Event::CredentialRevoked(event::CredentialRevoked {
                tenant,
                subject,
                serial: SERIAL,
                digest: Digest([0xcd; 32]),
                reason: 3,
                tag,
            }),
        ),
        (
            "TemplateEnrolled",
            Event::TemplateEnrolled(event::TemplateEnrolled {
                tenant,
                enrolment,
                subject,
                device_key: [0xdc; 32],
                commitment: [0xc7; 32],
                dimensions: 512,
                model_id: "face-1".into(),
                level: 2,
                sensor: CERTIFICATE,
                captured: STAMP,
                evidence: evidence(),
                tag,
            }),
        ),
        (
            "TemplateRefused",
            Event::TemplateRefused(event::TemplateRefused {
                tenant,
                enrolment,
                reason: 20,
                tag,
            }),
        ),
        (
            "TemplateRevoked",
            Event::TemplateRevoked(event::TemplateRevoked {
                tenant,
                subject,
                reason: 3,
                tag,
            }),
        ),
    ]
}

fn asked() -> Vec<(&'static str, Event)> {
    let (tenant, contact, challenge, tag) = (TENANT, CONTACT, CHALLENGE, TAG);
    let issued = |contact, order, login, step_up| {
        Event::ChallengeIssued(event::ChallengeIssued {
            tenant,
            challenge,
            contact,
            order,
            login,
            step_up,
            subject: SUBJECT,
            pin_epoch: 6,
            initiator: None,
            call_reason: 0,
            policy: "p".repeat(32),
            policy_version: 2,
            policy_digest: Digest([0xdd; 32]),
            body: asking_everything(),
            nonce: [0x11; 32],
            token: [0x72; 32],
            expires: STAMP,
            context_digest: Digest([0xcc; 32]),
            tag,
        })
    };
    let verdict = |contact, about| {
        Event::VerdictReached(event::VerdictReached {
            tenant,
            challenge: ChallengeId::ZERO,
            contact,
            about,
            subject: SUBJECT,
            outcome: Outcome::RateLimited,
            reason: 108,
            held: HELD,
            policy_version: 2,
            not_after: STAMP,
            good: GOOD,
            tag,
        })
    };
    vec![
        (
            "OrderOffered",
            Event::OrderOffered(event::OrderOffered {
                tenant,
                contact,
                subject: SUBJECT,
                terms: terms(),
                tag,
            }),
        ),
        (
            "ChallengeIssued-order",
            issued(CONTACT, Some(terms()), None, 0),
        ),
        (
            "VerdictReached-order",
            verdict(CONTACT, About::Order(ORDER)),
        ),
        (
            "OrderApproved",
            Event::OrderApproved(event::OrderApproved {
                tenant,
                challenge,
                contact,
                order: ORDER,
                order_hash: [0x0a; 32],
                sealed_digest: Digest([0x5d; 32]),
                payload: vec![1, 0, 2, 3],
                payload_until: STAMP,
                tag,
            }),
        ),
        (
            "OrderPayloadExpired",
            Event::OrderPayloadExpired(event::OrderPayloadExpired {
                tenant,
                challenge,
                contact,
                order: ORDER,
                tag,
            }),
        ),
        (
            "OrderOpened",
            Event::OrderOpened(event::OrderOpened {
                tenant,
                challenge,
                contact,
                order: ORDER,
                processor: Digest([0x4d; 32]),
                tag,
            }),
        ),
        (
            "OrderExecuted",
            Event::OrderExecuted(event::OrderExecuted {
                tenant,
                challenge,
                contact,
                order: ORDER,
                order_hash: [0x0a; 32],
                processor: Digest([0x4d; 32]),
                share: Some(event::Share {
                    campaign: 7,
                    number: 3,
                    amount: [0xa1; 32],
                    sum: [0x53; 32],
                }),
                tag,
            }),
        ),
        (
            "OrderRefused",
            Event::OrderRefused(event::OrderRefused {
                tenant,
                challenge,
                contact,
                order: ORDER,
                order_hash: [0x0b; 32],
                processor: Digest([0x4d; 32]),
                reason: 170,
                tag,
            }),
        ),
        (
            "TotalProved",
            Event::TotalProved(event::TotalProved {
                tenant,
                campaign: 7,
                first: 1,
                through: 3,
                sum: [0x54; 32],
                running: [0x53; 32],
            }),
        ),
        (
            "AgentLoginOpened",
            Event::AgentLoginOpened(event::AgentLoginOpened {
                tenant,
                login: LOGIN,
                agent: AGENT,
                agent_tag: AGENT_TAG,
            }),
        ),
        (
            "ChallengeIssued-login",
            issued(ContactId::ZERO, None, Some(LOGIN), 0),
        ),
        (
            "VerdictReached-login",
            verdict(ContactId::ZERO, About::Login(LOGIN)),
        ),
        ("ChallengeIssued-step-up", issued(contact, None, None, 2)),
        ("VerdictReached-step-up", verdict(contact, About::StepUp(2))),
    ]
}

pub(super) fn records() -> Vec<(&'static str, Vec<u8>)> {
    let issuer = Issuer {
        name: "bureau".into(),
        key: [0x15; 32],
        revoked_from: Some(STAMP),
    };
    let sensor = Sensor {
        key: [0x55; 32],
        model_id: "face-1".into(),
        level: 2,
        not_before: STAMP,
        expires: STAMP,
        revoked: true,
    };
    let credential = Credential {
        body: vec![1, 2, 3],
        digest: Digest([0xcd; 32]),
        holder: [0xdc; 32],
        expires: STAMP,
        registered: STAMP,
        leaf: 7,
        revoked: true,
    };
    let template = Template {
        device_key: [0xdc; 32],
        commitment: [0xc7; 32],
        dimensions: 512,
        model_id: "face-1".into(),
        level: 2,
        sensor: CERTIFICATE,
        captured: STAMP,
        enrolled: STAMP,
        leaf: 7,
    };
    let order = Order {
        subject: SUBJECT,
        terms: terms(),
        challenge: CHALLENGE,
        verdict: Some(verdict()),
        sealed_digest: Digest([0x5d; 32]),
        payload_until: STAMP,
        approved: Some(8),
        opened: Some(STAMP),
        executed: Some(Executed {
            at: STAMP,
            leaf: 9,
            campaign: 7,
            number: 3,
        }),
        refusals: 2,
        tag: TAG,
    };
    let campaign = Campaign {
        orders: 3,
        sum: [0x53; 32],
        proved: 2,
        proved_sum: [0x52; 32],
        proved_leaf: 10,
    };
    let sealed = SealedOrder {
        challenge: CHALLENGE,
        contact: CONTACT,
        order: ORDER,
        leaf: 8,
        recipient: [0x4e; 32],
        payload: vec![1, 0, 2, 3],
    };
    let login = AgentLogin {
        agent: AGENT,
        agent_tag: AGENT_TAG,
        challenge: CHALLENGE,
        verdict: Some(verdict()),
        session: Some(super::sessions::SESSION),
    };
    vec![
        ("Issuer", encode(&issuer)),
        ("Sensor", encode(&sensor)),
        ("Credential", encode(&credential)),
        ("Template", encode(&template)),
        ("Order", encode(&order)),
        ("SealedOrder", encode(&sealed)),
        ("Campaign", encode(&campaign)),
        ("AgentLogin", encode(&login)),
    ]
}
