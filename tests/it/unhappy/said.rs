//! What customers say instead of proving, and what too many questions lead to.

use akashi_domain::answer::{Rejection, Reply};
use akashi_domain::command::{AnnounceContact, Command, Initiator, NoticeAnswer, OfferOrder};
use akashi_domain::ids::{OrderId, Tag};
use akashi_domain::outcome::{AgentView, Outcome, limit, reason};
use akashi_domain::records::FallbackKind;

use super::reach::{fallback, graded_world};
use super::world::{CHALLENGE_TTL, PIN, SECOND, TENANT, VERIFIED, World, contact_id, id16};

const fn ended(outcome: Outcome, reason: u16) -> Reply {
    Reply::Verdict { outcome, reason }
}

const REPORTED: Reply = ended(Outcome::ReportedByCustomer, reason::CUSTOMER_REPORTED);

fn by_customer(subject: akashi_domain::ids::SubjectHash, contact: u64) -> AnnounceContact {
    AnnounceContact {
        initiator: Initiator::Customer,
        ..World::announcement(subject, contact)
    }
}

#[test]
fn u11_who_declines_is_not_punished_and_may_ask_for_a_call_later() {
    let mut world = World::founded();
    let mut phone = world.customer(1);
    let first = world.call(phone.subject, 1);
    let later = ended(Outcome::DeclinedByCustomer, reason::CALL_LATER);
    assert_eq!(world.say(first, NoticeAnswer::Later), Ok(later));
    let second = world.call(phone.subject, 2);
    let now = ended(Outcome::DeclinedByCustomer, reason::CUSTOMER_DECLINED);
    assert_eq!(world.say(second, NoticeAnswer::Decline), Ok(now));
    let verdict = world.contact(2).verdict.unwrap();
    assert_eq!(verdict.outcome.agent_view(), AgentView::Fail);
    assert_eq!(world.subject(phone.subject).pin.failures, 0);
    world.verified(&mut phone, 3);
    assert_eq!(world.contact(3).limits, 0);
}

#[test]
fn u12_a_report_stops_every_contact_of_the_customer_at_once_also_a_verified_one() {
    let mut world = graded_world(&[FallbackKind::Callback]);
    let agent = world.agent(1);
    let mut phone = world.customer(1);
    let bystander = world.customer(2);
    let other = world.call(bystander.subject, 9);
    // One contact is verified, a second one waits: both are at different sites of the same tenant.
    let first = world.verified(&mut phone, 1);
    let token = world.first_token(first);
    world.bind(1, agent).unwrap();
    let second = world.call(phone.subject, 2);
    assert_eq!(
        world.say_with(first, token, NoticeAnswer::Report),
        Ok(REPORTED)
    );
    assert_eq!(world.last_kinds(), [24, 24, 33]);
    let verdict = world.challenge(second).verdict.unwrap();
    let stopped = (Outcome::ReportedByCustomer, reason::REPORTED_ELSEWHERE);
    assert_eq!((verdict.outcome, verdict.reason), stopped);
    assert!(world.contact(1).blocked && world.contact(2).blocked);
    // Nobody goes on: no other agent, no order, no weaker way.
    for contact in [1, 2] {
        assert_eq!(world.bind(contact, agent), Err(Rejection::ContactBlocked));
        let offer = Command::OfferOrder(OfferOrder {
            tenant: TENANT.into(),
            contact: contact_id(contact),
            order: OrderId(id16(1)),
            policy: "none".into(),
            order_hash: [7; 32],
            amounts: Vec::new(),
            subject_tag: Tag::ZERO,
        });
        assert!(world.run(offer).is_err());
        let weaker = fallback(contact, FallbackKind::Callback, true);
        assert_eq!(world.run(weaker), Err(Rejection::ContactBlocked));
    }
    // The same report again changes nothing.
    let events = world.events().len();
    assert_eq!(
        world.say_with(first, token, NoticeAnswer::Report),
        Ok(REPORTED)
    );
    assert_eq!(world.events().len(), events);
    // The centre may not call again for an hour; the customer may, at any time.
    let outbound = World::announcement(phone.subject, 3);
    assert_eq!(world.announce(outbound), Err(Outcome::ReportedByCustomer));
    assert!(world.contact(3).blocked);
    assert!(world.announce(by_customer(phone.subject, 4)).is_ok());
    world.after(3_600 * SECOND);
    assert!(
        world
            .announce(World::announcement(phone.subject, 5))
            .is_ok()
    );
    // Other customers notice nothing.
    assert!(!world.contact(9).blocked);
    assert!(
        world
            .challenge(other)
            .verdict
            .is_some_and(|v| v.outcome == Outcome::Expired)
    );
}

#[test]
fn after_the_contact_is_closed_a_report_is_too_late() {
    let mut world = World::founded();
    let mut phone = world.customer(1);
    let challenge = world.verified(&mut phone, 1);
    let token = world.first_token(challenge);
    world.close(1).unwrap();
    let late = world.say_with(challenge, token, NoticeAnswer::Report);
    assert_eq!(late, Err(Rejection::ChallengeAnswered));
}

#[test]
fn u13_push_bombing_ends_after_the_hourly_number_with_one_question_open_at_a_time() {
    let mut world = World::founded();
    let mut phone = world.customer(1);
    let mut asked = Vec::new();
    for contact in 1..=10 {
        asked.push(world.call(phone.subject, contact));
    }
    let open = |world: &World| {
        let unanswered = |id: &&_| world.challenge(**id).verdict.is_none();
        asked.iter().filter(unanswered).count()
    };
    assert_eq!(open(&world), 1, "each question pushed the one before aside");
    let eleventh = World::announcement(phone.subject, 11);
    assert_eq!(world.announce(eleventh), Err(Outcome::RateLimited));
    // The one that is open can still be answered.
    let last = *asked.last().unwrap();
    assert_eq!(world.prove(&mut phone, last, PIN), Ok(VERIFIED));
    world.after(3_600 * SECOND);
    assert!(
        world
            .announce(World::announcement(phone.subject, 12))
            .is_ok()
    );
}

#[test]
fn u14_wrong_proofs_are_counted_slowed_down_and_end_in_not_verified() {
    let mut world = World::founded();
    let mut phone = world.customer(1);
    let challenge = world.call(phone.subject, 1);
    for left in (1..5).rev() {
        let answer = world.prove(&mut phone, challenge, "0000").unwrap();
        let Reply::Refused {
            reason,
            attempts_left,
            ..
        } = answer
        else {
            panic!("{answer:?}")
        };
        assert_eq!(
            (reason, attempts_left),
            (17, left),
            "the class of the reason only"
        );
    }
    let last = world.prove(&mut phone, challenge, "0000").unwrap();
    assert_eq!(last, ended(Outcome::NotVerified, reason::ATTEMPTS_USED_UP));
    // Five wrong PINs in a row lock the factor; the right one waits as well.
    let second = world.call(phone.subject, 2);
    let until = world.subject(phone.subject).pin.locked_until;
    assert!(until.0 >= world.now + 30 * SECOND);
    let locked = world.prove(&mut phone, second, PIN);
    assert_eq!(locked, Err(Rejection::PinLocked(until)));
    world.now = until.0;
    assert_eq!(world.prove(&mut phone, second, PIN), Ok(VERIFIED));
}

#[test]
fn u37_when_the_wrong_person_answered_the_contact_is_over_and_the_handle_is_flagged() {
    let mut world = graded_world(&[]);
    let mut phone = world.customer(1);
    let challenge = world.call(phone.subject, 1);
    let said = world.say(challenge, NoticeAnswer::NotMe);
    let wrong = ended(Outcome::DeclinedByCustomer, reason::WRONG_PARTY);
    assert_eq!(said, Ok(wrong));
    assert_eq!(world.last_kinds(), [33, 36]);
    assert!(world.contact(1).blocked);
    assert!(world.subject(phone.subject).suspect);
    // Until the number is checked, whatever is proved counts for less.
    world.after(CHALLENGE_TTL);
    world.verified(&mut phone, 2);
    assert_eq!(world.contact(2).limits, limit::RISK);
    let checked = akashi_domain::records::Risk {
        sim_age: 5,
        line_type: 1,
        flags: 0,
        attestation: 3,
    };
    world.done(Command::AttachRisk(akashi_domain::command::AttachRisk {
        tenant: TENANT.into(),
        contact: contact_id(2),
        risk: checked,
    }));
    assert!(!world.subject(phone.subject).suspect);
    world.verified(&mut phone, 3);
    assert_eq!(world.contact(3).limits, 0);
}
