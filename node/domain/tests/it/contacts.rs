//! Contacts: notices and their limit, one open challenge per subject, and every ending that is no
//! proof.

use akashi_domain::answer::{Rejection, Reply};
use akashi_domain::command::{BindAgent, Command, NoticeAnswer, RegisterAgent};
use akashi_domain::event::Event;
use akashi_domain::ids::{AgentHash, ChallengeId, ContactId, Digest, Tag};
use akashi_domain::kv::{Table, View as _};
use akashi_domain::outcome::{AgentView, Outcome, reason};
use akashi_domain::state::Records as _;

use crate::phone::{PIN, Phone};
use crate::world::{ORIGIN, SECOND, TENANT, World, id16};

fn with_customer() -> (World, Phone) {
    let mut world = World::founded();
    let phone = world.customer(1);
    (world, phone)
}

fn ending(world: &World, challenge: ChallengeId) -> (Outcome, u16) {
    let verdict = world.challenge(challenge).verdict.expect("it ended");
    (verdict.outcome, verdict.reason)
}

#[test]
fn a_newer_contact_takes_over_the_open_challenge() {
    let (mut world, phone) = with_customer();
    let first = world.call(phone.subject, 1);
    let second = world.call(phone.subject, 2);
    assert_eq!(
        ending(&world, first),
        (Outcome::Superseded, reason::NEWER_CONTACT)
    );
    assert_eq!(world.subject(phone.subject).open, Some(second));
    let notices = world
        .state
        .scan(Table::Outbox, &[], &[u8::MAX; 64], 9)
        .unwrap();
    assert_eq!(notices.len(), 1);
}

#[test]
fn the_eleventh_notice_of_an_hour_ends_at_once_and_disturbs_nobody() {
    let (mut world, phone) = with_customer();
    for contact in 1..=10 {
        world.call(phone.subject, contact);
        world.after(SECOND);
    }
    let open = world.subject(phone.subject).open;
    let announce = world.announcement(phone.subject, 11);
    let reply = world.done(Command::AnnounceContact(announce));
    assert!(matches!(
        reply,
        Reply::Announced {
            outcome: Some(Outcome::RateLimited),
            ..
        }
    ));
    let contact = world
        .state
        .contact(1, ContactId(id16(11)))
        .unwrap()
        .unwrap();
    let verdict = contact.verdict.unwrap();
    assert_eq!(verdict.reason, reason::TOO_MANY_NOTICES);
    assert_eq!(verdict.outcome.agent_view(), AgentView::TryAgain);
    assert_eq!(world.subject(phone.subject).open, open);
    // An hour after the first, there is room for one.
    world.after(3_600 * SECOND - 10 * SECOND);
    world.call(phone.subject, 12);
    let announce = world.announcement(phone.subject, 13);
    let reply = world.done(Command::AnnounceContact(announce));
    assert!(matches!(
        reply,
        Reply::Announced {
            outcome: Some(Outcome::RateLimited),
            ..
        }
    ));
    assert!(world.subject(phone.subject).notices.len() <= 10);
}

#[test]
fn a_customer_without_a_phone_gets_the_verdict_at_once() {
    let mut world = World::founded();
    let stranger = Phone::new(ORIGIN, TENANT, "stranger", 9);
    let announce = world.announcement(stranger.subject, 1);
    let reply = world.done(Command::AnnounceContact(announce));
    assert!(matches!(
        reply,
        Reply::Announced {
            outcome: Some(Outcome::NotEnrolled),
            ..
        }
    ));
    assert_eq!(world.last_kinds(), [20, 33]);
}

#[test]
fn decline_and_report_end_the_challenge() {
    let (mut world, phone) = with_customer();
    let endings = [
        (
            NoticeAnswer::Decline,
            Outcome::DeclinedByCustomer,
            reason::CUSTOMER_DECLINED,
        ),
        (
            NoticeAnswer::Report,
            Outcome::ReportedByCustomer,
            reason::CUSTOMER_REPORTED,
        ),
    ];
    for (contact, (answer, outcome, why)) in (1..).zip(endings) {
        let challenge = world.call(phone.subject, contact);
        let command = world.notice_answer(&phone, challenge, answer);
        assert_eq!(
            world.done(command),
            Reply::Verdict {
                outcome,
                reason: why
            }
        );
        assert_eq!(ending(&world, challenge), (outcome, why));
        assert_eq!(outcome.agent_view(), AgentView::Fail);
        assert_eq!(world.subject(phone.subject).open, None);
    }
}

#[test]
fn opening_a_notice_is_recorded_once_and_ends_nothing() {
    let (mut world, mut phone) = with_customer();
    let challenge = world.call(phone.subject, 1);
    let opened = world.notice_answer(&phone, challenge, NoticeAnswer::Opened);
    assert_eq!(world.done(opened.clone()), Reply::Done);
    assert_eq!(world.last_kinds(), [23]);
    assert_eq!(world.done(opened), Reply::Done);
    assert!(world.last().is_empty());
    assert!(world.prove(&mut phone, challenge, PIN).is_ok());
}

#[test]
fn closing_a_contact_cancels_its_open_challenge_and_keeps_a_verdict() {
    let (mut world, mut phone) = with_customer();
    let open = world.call(phone.subject, 1);
    let close = world.close(1);
    assert_eq!(world.done(close), Reply::Done);
    assert_eq!(world.last_kinds(), [33, 40, 41]);
    assert_eq!(
        ending(&world, open),
        (Outcome::Cancelled, reason::CONTACT_CLOSED)
    );
    let answered = world.call(phone.subject, 2);
    world.prove(&mut phone, answered, PIN).unwrap();
    let close = world.close(2);
    world.done(close.clone());
    assert_eq!(world.last_kinds(), [40, 41]);
    assert_eq!(ending(&world, answered).0, Outcome::Verified);
    assert_eq!(world.run(close), Err(Rejection::ContactClosed));
}

#[test]
fn revoking_or_replacing_a_phone_ends_its_open_challenge() {
    let (mut world, mut phone) = with_customer();
    let first = world.call(phone.subject, 1);
    world.enrol(&mut phone, 2);
    assert_eq!(
        ending(&world, first),
        (Outcome::Superseded, reason::NEWER_DEVICE)
    );
    let second = world.call(phone.subject, 2);
    let revoke = world.revoke(phone.subject);
    assert_eq!(world.done(revoke.clone()), Reply::Done);
    assert_eq!(world.last_kinds(), [33, 14]);
    assert_eq!(
        ending(&world, second),
        (Outcome::Cancelled, reason::DEVICE_REVOKED)
    );
    assert_eq!(world.run(revoke), Err(Rejection::UnknownSubject));
    let announce = world.announcement(phone.subject, 3);
    let reply = world.done(Command::AnnounceContact(announce));
    assert!(matches!(
        reply,
        Reply::Announced {
            outcome: Some(Outcome::NotEnrolled),
            ..
        }
    ));
}

#[test]
fn an_agent_takes_a_contact_when_it_is_announced_or_later() {
    let (mut world, phone) = with_customer();
    let agent = AgentHash::of(TENANT, "agent-1");
    world.done(Command::RegisterAgent(RegisterAgent {
        tenant: TENANT.into(),
        agent,
        certificate: Digest::ZERO,
        supervisor: false,
    }));
    let announce = akashi_domain::command::AnnounceContact {
        agent: Some(agent),
        agent_tag: Tag([8; 16]),
        ..world.announcement(phone.subject, 1)
    };
    world.done(Command::AnnounceContact(announce));
    assert_eq!(world.last_kinds(), [20, 21, 22]);
    world.call(phone.subject, 2);
    let bind = Command::BindAgent(BindAgent {
        tenant: TENANT.into(),
        contact: ContactId(id16(2)),
        agent,
        agent_tag: Tag([8; 16]),
        scope: 0,
        needs: 0,
        queue: 0,
    });
    assert_eq!(world.done(bind.clone()), Reply::Done);
    for contact in [1, 2] {
        let record = world
            .state
            .contact(1, ContactId(id16(contact)))
            .unwrap()
            .unwrap();
        assert_eq!(
            (record.agent, record.agent_tag),
            (Some(agent), Tag([8; 16]))
        );
    }
    let close = world.close(2);
    world.done(close);
    assert_eq!(world.run(bind), Err(Rejection::ContactClosed));
}

#[test]
fn five_wrong_enrolment_proofs_use_the_invitation_up() {
    let mut world = World::founded();
    let mut phone = Phone::new(ORIGIN, TENANT, "customer-1", 1);
    let open = world.open_enrolment(phone.subject, 1);
    world.done(Command::OpenEnrolment(open));
    for _ in 0..5 {
        let mut wrong = world.complete(&mut phone, 1);
        wrong.pin_key = Phone::new(ORIGIN, TENANT, "customer-2", 2).pin_key();
        let reply = world.done(Command::CompleteEnrolment(wrong));
        assert!(matches!(reply, Reply::EnrolmentRefused { .. }));
        assert_eq!(world.last_kinds(), [12]);
    }
    let right = world.complete(&mut phone, 1);
    let refused = world.run(Command::CompleteEnrolment(right));
    assert_eq!(refused, Err(Rejection::EnrolmentClosed));
}

#[test]
fn no_leaf_names_a_token_a_nonce_or_a_handle() {
    let (mut world, mut phone) = with_customer();
    let challenge = world.call(phone.subject, 1);
    let token = world.token(phone.subject, challenge);
    let nonce = world.challenge(challenge).nonce;
    world.prove(&mut phone, challenge, "0000").unwrap();
    world.prove(&mut phone, challenge, PIN).unwrap();
    let secrets: [&[u8]; 5] = [
        &token,
        &nonce,
        &phone.subject.0,
        &[7; 32],
        &phone.device_key(),
    ];
    for recorded in world.applied.iter().flat_map(|applied| &applied.events) {
        let bytes = recorded.leaf.encode();
        for secret in secrets {
            let found = bytes.windows(secret.len()).any(|window| window == secret);
            assert!(!found, "{:?}", recorded.event.kind());
        }
    }
    // Nor does anything but the waiting notice hold the token, and that is gone with the verdict.
    let kept = world
        .state
        .values()
        .flatten()
        .any(|v| v.windows(32).any(|w| w == token));
    assert!(!kept, "the token outlives its challenge");
    assert!(
        world
            .events()
            .iter()
            .any(|event| matches!(event, Event::ProofHeld(_)))
    );
}
