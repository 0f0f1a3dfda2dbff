//! Records, byte for byte.

use akashi_domain::answer::{Answer, Placement, Reply};
use akashi_domain::command::{EnrolmentKind, Initiator, Party};
use akashi_domain::entry::{Sealed, encode};
use akashi_domain::ids::{ContactId, Digest, SessionId, Stamp};
use akashi_domain::records::{
    Care, Challenge, Contact, Device, Enrolment, Leg, LegState, Notice, PinCounter, Progress,
    Remembered, Risk, StepUps, Subject, Tally, Tenant,
};
use expect_test::expect_file;

use super::{
    AGENT, AGENT_TAG, CHALLENGE, CONTACT, ENROLMENT, STAMP, SUBJECT, TAG, TENANT, calls, cluster,
    customers, desks, evidence, judged, members, policy, questions, sessions, settings, verdict,
};

#[test]
fn records_keep_their_bytes() {
    let progress = Progress {
        log_index: 1,
        term: 2,
        stamp: STAMP,
        leaves: 3,
        sealed: Sealed {
            size: 4,
            root: Digest([5; 32]),
        },
        timers_fired: Stamp(6),
        forgotten_ms: 7,
        pruned_ms: 8,
    };
    let device = Device {
        device_key: [0xdc; 32],
        pin_key: [0xcd; 32],
        pin_epoch: 6,
        enrolled: STAMP,
        leaf: 6,
        revoked: false,
        cooling_until: STAMP,
    };
    let subject = Subject {
        device: Some(device),
        pin: PinCounter {
            failures: 5,
            locked_until: STAMP,
            locked_for_good: false,
        },
        open: Some(CHALLENGE),
        notices: vec![STAMP],
        tag: TAG,
        opted_out_until: Stamp(1),
        frozen_until: Stamp(2),
        contacts: vec![CONTACT],
        suspect: true,
        told: vec![sessions::told()],
    };
    let enrolment = Enrolment {
        id: ENROLMENT,
        kind: EnrolmentKind::Credential,
        party: Party::Agent,
        subject: SUBJECT,
        token_hash: Digest([0x70; 32]),
        nonce: [0x11; 32],
        opened: STAMP,
        expires: STAMP,
        refusals: 1,
        closed: true,
        tag: TAG,
    };
    let contact = Contact {
        subject: SUBJECT,
        initiator: Initiator::Centre,
        call_reason: 5,
        agent: Some(AGENT),
        agent_tag: AGENT_TAG,
        challenge: CHALLENGE,
        verdict: Some(verdict()),
        announced: STAMP,
        policy: "standard".into(),
        policy_version: 2,
        campaign: 7,
        queue: 8,
        previous: ContactId([0x33; 16]),
        delegate: Some(SUBJECT),
        scope: 0x0f,
        scope_shown: 0x1f,
        limits: 3,
        risk: Some(Risk {
            sim_age: 1,
            line_type: 2,
            flags: 3,
            attestation: 4,
        }),
        blocked: true,
        leg: Leg {
            state: LegState::Cleared,
            cleared: STAMP,
        },
        session: Some(SessionId([0x5e; 16])),
        observers: vec![sessions::observer()],
        care: Care {
            agents: 1,
            presence: 2,
            level: 3,
            training: true,
            posture: true,
            rules_version: 4,
            unmasked: 5,
        },
        steps: StepUps {
            asked: 2,
            challenge: CHALLENGE,
            verdict: Some(verdict()),
        },
        reach: 0x3f,
        closed: true,
        number: 9,
    };
    let tally = Tally {
        tenant_leaf: 1,
        announced: 11,
        processed: 9,
    };
    let challenge = Challenge {
        contact: CONTACT,
        order: Some(questions::terms()),
        login: Some(questions::LOGIN),
        step_up: 2,
        subject: SUBJECT,
        pin_epoch: 6,
        policy: "standard".into(),
        policy_version: 2,
        policy_digest: Digest([0xdd; 32]),
        body: questions::asking_everything(),
        nonce: [0x11; 32],
        token_hash: Digest([0x70; 32]),
        issued: STAMP,
        expires: STAMP,
        leaf: 7,
        refusals: 1,
        strangers: vec![Digest([0x5d; 32])],
        judged: vec![judged()],
        duplicate_recorded: true,
        duress: true,
        opened: true,
        verdict: Some(verdict()),
        tag: TAG,
    };
    let notice = Notice {
        challenge: CHALLENGE,
        token: [0x72; 32],
        leaf: 7,
    };
    let answer = Answer {
        placement: Placement::default(),
        result: Ok(Reply::Done),
    };
    let remembered = Remembered {
        body: Digest([0xbd; 32]),
        answer,
    };
    let mut rows = vec![
        ("Progress", encode(&progress)),
        ("Cluster", encode(&cluster())),
        (
            "Tenant",
            encode(&Tenant {
                number: TENANT,
                name: "retail".into(),
            }),
        ),
        ("Settings", encode(&settings())),
        ("Policy", encode(&policy())),
        ("Agent", encode(&sessions::agent())),
        ("Subject", encode(&subject)),
        ("Enrolment", encode(&enrolment)),
        ("Contact", encode(&contact)),
        ("Tally", encode(&tally)),
        ("Challenge", encode(&challenge)),
        ("Notice", encode(&notice)),
        ("Remembered", encode(&remembered)),
        ("Evidence", encode(&evidence())),
    ];
    rows.extend(questions::records());
    rows.extend(customers::records());
    rows.extend(sessions::records());
    rows.extend(calls::records());
    rows.extend(members::records());
    rows.extend(desks::records());
    let text: String = rows
        .iter()
        .map(|(name, bytes)| format!("{name} {}\n", hex::encode(bytes)))
        .collect();
    expect_file!["../../../../../tests/golden/domain/records.txt"].assert_eq(&text);
}
