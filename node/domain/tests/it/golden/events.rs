//! Facts and their leaves, byte for byte.

use akashi_domain::command::{EnrolmentKind, Initiator, Party};
use akashi_domain::event::{self, Event};
use akashi_domain::ids::{ContactId, Digest};
use akashi_domain::leaf::{LeafPlace, leaf};
use akashi_domain::outcome::Outcome;
use akashi_domain::records::{About, Care, Judged};
use expect_test::expect_file;

use super::{
    AGENT, AGENT_TAG, CHALLENGE, CONTACT, ENROLMENT, GOOD, HELD, STAMP, SUBJECT, TAG, TENANT,
    calls, cluster, customers, desks, evidence, judged, members, pinned, policy, presence,
    questions, sessions, settings,
};
use crate::world::body;

fn events() -> Vec<(&'static str, Event)> {
    let mut events = of_calls();
    events.extend(questions::events());
    events.extend(customers::events());
    events.extend(sessions::events());
    events.extend(calls::events());
    events.extend(presence::events());
    events.extend(members::events());
    events.extend(desks::events());
    events
}

fn of_calls() -> Vec<(&'static str, Event)> {
    let (tenant, contact, challenge, subject, tag) = (TENANT, CONTACT, CHALLENGE, SUBJECT, TAG);
    let enrolment = ENROLMENT;
    vec![
        (
            "ClusterFounded",
            Event::ClusterFounded(event::ClusterFounded { cluster: cluster() }),
        ),
        (
            "TenantCreated",
            Event::TenantCreated(event::TenantCreated {
                tenant,
                name: "retail".into(),
            }),
        ),
        (
            "PolicyActivated",
            Event::PolicyActivated(event::PolicyActivated {
                tenant,
                policy: policy(),
            }),
        ),
        (
            "SettingsChanged",
            Event::SettingsChanged(event::SettingsChanged {
                settings: settings(),
            }),
        ),
        (
            "AgentRegistered",
            Event::AgentRegistered(event::AgentRegistered {
                tenant,
                agent: AGENT,
                certificate: Digest([0xce; 32]),
                supervisor: true,
            }),
        ),
        (
            "EnrolmentOpened",
            Event::EnrolmentOpened(event::EnrolmentOpened {
                tenant,
                enrolment,
                kind: EnrolmentKind::Device,
                party: Party::Customer,
                subject,
                token_hash: Digest([0x70; 32]),
                nonce: [0x11; 32],
                expires: STAMP,
                tag,
            }),
        ),
        (
            "DeviceEnrolled",
            Event::DeviceEnrolled(event::DeviceEnrolled {
                tenant,
                enrolment,
                subject,
                device_key: [0xdc; 32],
                pin_key: [0xcd; 32],
                cooling_until: STAMP,
                tag,
                evidence: evidence(),
            }),
        ),
        (
            "EnrolmentRefused",
            Event::EnrolmentRefused(event::EnrolmentRefused {
                tenant,
                enrolment,
                reason: 17,
                tag,
            }),
        ),
        (
            "EnrolmentExpired",
            Event::EnrolmentExpired(event::EnrolmentExpired {
                tenant,
                enrolment,
                tag,
            }),
        ),
        (
            "DeviceRevoked",
            Event::DeviceRevoked(event::DeviceRevoked {
                tenant,
                subject,
                reason: 3,
                tag,
            }),
        ),
        (
            "PinLocked",
            Event::PinLocked(event::PinLocked {
                tenant,
                subject,
                until: STAMP,
                tag,
            }),
        ),
        (
            "ContactAnnounced",
            Event::ContactAnnounced(event::ContactAnnounced {
                tenant,
                contact,
                subject,
                initiator: Initiator::Customer,
                call_reason: 5,
                tag,
                policy: "standard".into(),
                policy_version: 2,
                campaign: 7,
                queue: 8,
                previous: ContactId([0x33; 16]),
                delegate: Some(subject),
            }),
        ),
        (
            "AgentBound",
            Event::AgentBound(event::AgentBound {
                tenant,
                contact,
                agent: AGENT,
                agent_tag: AGENT_TAG,
                session: Some(sessions::SESSION),
                keeps: 0x0f,
                scope: 0x0d,
                shrank: true,
                queue: 8,
            }),
        ),
        (
            "ChallengeIssued",
            Event::ChallengeIssued(event::ChallengeIssued {
                tenant,
                challenge,
                contact,
                order: None,
                login: None,
                step_up: 0,
                subject,
                pin_epoch: 6,
                initiator: Some(Initiator::Centre),
                call_reason: 3,
                // The longest name there is: the leaf has to have room for it.
                policy: "p".repeat(32),
                policy_version: 2,
                policy_digest: Digest([0xdd; 32]),
                body: body(),
                nonce: [0x11; 32],
                token: [0x72; 32],
                expires: STAMP,
                context_digest: Digest([0xcc; 32]),
                tag,
            }),
        ),
        (
            "NoticeOpened",
            Event::NoticeOpened(event::NoticeOpened {
                tenant,
                challenge,
                contact,
                tag,
            }),
        ),
        (
            "ProofRefused",
            Event::ProofRefused(event::ProofRefused {
                tenant,
                challenge,
                contact,
                subject,
                judged: judged(),
                failed_kind: 2,
                failed_slot: 1,
                possession_held: true,
                pin_counted: true,
                evidence: evidence(),
                tag,
            }),
        ),
        (
            "ProofHeld",
            Event::ProofHeld(event::ProofHeld {
                tenant,
                challenge,
                contact,
                subject,
                judged: Judged {
                    reason: 0,
                    ..judged()
                },
                held: HELD,
                issuers: vec![Digest([0x15; 32]), Digest([0x16; 32])],
                credentials: vec![Digest([0xcd; 32])],
                evidence: evidence(),
                tag,
            }),
        ),
        (
            "ChallengeConsumed",
            Event::ChallengeConsumed(event::ChallengeConsumed {
                tenant,
                challenge,
                contact,
                tag,
            }),
        ),
        (
            "VerdictReached",
            Event::VerdictReached(event::VerdictReached {
                tenant,
                challenge,
                contact,
                about: About::Call,
                subject,
                outcome: Outcome::Verified,
                reason: 0,
                held: HELD,
                policy_version: 2,
                not_after: STAMP,
                good: GOOD,
                tag,
            }),
        ),
        (
            "DuplicateSubmission",
            Event::DuplicateSubmission(event::DuplicateSubmission {
                tenant,
                challenge,
                contact,
                fingerprint: Digest([0xf1; 32]),
                tag,
            }),
        ),
        (
            "ContactClosed",
            Event::ContactClosed(event::ContactClosed {
                tenant,
                contact,
                disposition: 8,
            }),
        ),
        ("ContactProcessed", processed()),
    ]
}

fn processed() -> Event {
    Event::ContactProcessed(event::ContactProcessed {
        tenant: TENANT,
        contact: CONTACT,
        number: 0x0102,
        announced_count: 0x0304,
        outcome: Some(Outcome::Verified),
        reason: 5,
        policy_version: 2,
        queue: 6,
        campaign: 7,
        agent_tag: AGENT_TAG,
        announced: STAMP,
        verdict_ms: Some(0x0708),
        aal: 2,
        factors: 3,
        limits: 4,
        scope: 0x0506_0708,
        call_reason: 9,
        initiator: Initiator::Centre,
        disposition: 8,
        care: Care {
            agents: 1,
            presence: 2,
            level: 3,
            training: true,
            posture: false,
            rules_version: 4,
            unmasked: 5,
        },
        blocked: true,
    })
}

#[test]
fn events_keep_their_bytes() {
    pinned(
        &expect_file!["../../../../../tests/golden/domain/events.txt"],
        &events(),
    );
}

#[test]
fn leaves_keep_their_bytes_and_hashes() {
    let place = LeafPlace {
        stamp: STAMP,
        term: 3,
        log_index: 0x0102_0304,
        ordinal: 5,
    };
    let mut text = String::new();
    for (name, event) in events() {
        let leaf = leaf(&event, place);
        let (bytes, hash) = (hex::encode(leaf.encode()), hex::encode(leaf.hash()));
        text.push_str(&format!("{name} {} {bytes} {hash}\n", leaf.kind));
        assert_eq!(
            akashi_merkle::Leaf::decode(&leaf.encode()).as_ref(),
            Ok(&leaf),
            "{name}"
        );
    }
    expect_file!["../../../../../tests/golden/domain/leaves.txt"].assert_eq(&text);
}
