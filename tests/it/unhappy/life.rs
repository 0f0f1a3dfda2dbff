//! The life of a call: dropped, abandoned, handed on, asked again, doubled.

use akashi_domain::answer::{Rejection, Reply};
use akashi_domain::command::{
    BindAgent, CallEvent, Command, OfferOrder, RecordLeg, ResumeContact, StepUp,
};
use akashi_domain::event::Event;
use akashi_domain::ids::{AgentHash, ChallengeId, OrderId, Tag};
use akashi_domain::outcome::{Outcome, limit, reason};
use akashi_domain::policy::{Grants, PolicyBody};
use akashi_domain::records::LegState;

use super::world::{PIN, POLICY, Phone, SECOND, TENANT, VERIFIED, World, body, contact_id};

/// The settings' default.
const GRACE: u64 = 120 * SECOND;

fn leg(world: &mut World, contact: u64, event: CallEvent) -> Result<Reply, Rejection> {
    world.run(Command::RecordLeg(RecordLeg {
        tenant: TENANT.into(),
        contact: contact_id(contact),
        event,
        queue: 0,
        agent: None,
        agent_tag: Tag::ZERO,
    }))
}

fn resume(world: &mut World, contact: u64) -> Result<Reply, Rejection> {
    world.run(Command::ResumeContact(ResumeContact {
        tenant: TENANT.into(),
        contact: contact_id(contact),
        queue: 0,
    }))
}

fn hand_over(
    world: &mut World,
    contact: u64,
    agent: AgentHash,
    (scope, needs): (u32, u32),
) -> Result<Reply, Rejection> {
    world.run(Command::BindAgent(BindAgent {
        tenant: TENANT.into(),
        contact: contact_id(contact),
        agent,
        agent_tag: Tag([agent.0[0]; 16]),
        scope,
        needs,
        queue: 7,
    }))
}

fn step_up(world: &mut World, contact: u64, policy: &str) -> Result<ChallengeId, Rejection> {
    let asked = world.run(Command::StepUp(StepUp {
        tenant: TENANT.into(),
        contact: contact_id(contact),
        policy: policy.into(),
        subject_tag: Tag::ZERO,
    }))?;
    match asked {
        Reply::Announced {
            challenge,
            outcome: None,
            ..
        } => Ok(challenge),
        other => panic!("no challenge: {other:?}"),
    }
}

/// A policy that grants these bits and no other.
fn granting(scope: u32) -> PolicyBody {
    PolicyBody {
        grants: Grants {
            scope,
            limited: scope,
            ..Grants::default()
        },
        ..body()
    }
}

fn connected(world: &mut World, contact: u64) {
    for event in [CallEvent::Delivered, CallEvent::Established] {
        leg(world, contact, event).unwrap();
    }
}

#[test]
fn u17_a_call_that_drops_before_the_verdict_joins_its_contact_again() {
    let mut world = World::founded();
    let mut phone = world.customer(1);
    let agent = world.agent(1);
    let challenge = world.call(phone.subject, 1);
    connected(&mut world, 1);
    world.bind(1, agent).unwrap();
    leg(&mut world, 1, CallEvent::ConnectionCleared).unwrap();
    assert_eq!(world.last_kinds(), [28], "the question stays open");
    assert_eq!(world.contact(1).leg.state, LegState::Cleared);
    // Nobody takes a call that is not there.
    let other = world.agent(2);
    assert_eq!(world.bind(1, other), Err(Rejection::LegCleared));
    // The phone answers while the line is dead: that is the contact's verdict.
    world.after(10 * SECOND);
    assert_eq!(world.prove(&mut phone, challenge, PIN), Ok(VERIFIED));
    world.after(GRACE - 10 * SECOND);
    assert_eq!(resume(&mut world, 1), Ok(Reply::Done));
    assert_eq!(world.last_kinds(), [27]);
    let contact = world.contact(1);
    assert_eq!(contact.agent, None, "whoever answers now is bound anew");
    assert_eq!(contact.leg.state, LegState::Ringing);
    assert_eq!(contact.verdict.unwrap().outcome, Outcome::Verified);
    assert!(world.bind(1, other).is_ok());
    // What is not cut off cannot come back.
    assert_eq!(resume(&mut world, 1), Err(Rejection::LegMisplaced));
}

#[test]
fn u18_a_call_that_drops_after_the_verdict_keeps_it_for_a_short_grace_only() {
    let mut world = World::founded();
    let mut phone = world.customer(1);
    let agent = world.agent(1);
    world.verified(&mut phone, 1);
    connected(&mut world, 1);
    world.bind(1, agent).unwrap();
    let scope = world.contact(1).scope;
    leg(&mut world, 1, CallEvent::ConnectionCleared).unwrap();
    world.after(GRACE);
    assert_eq!(
        resume(&mut world, 1),
        Ok(Reply::Done),
        "the last moment counts"
    );
    assert!(matches!(
        world.last().as_slice(),
        [Event::ContactResumed(fact)] if fact.released == Some(agent)
    ));
    assert_eq!(world.contact(1).scope, scope);
    world.bind(1, agent).unwrap();
    leg(&mut world, 1, CallEvent::Established).unwrap();
    leg(&mut world, 1, CallEvent::ConnectionCleared).unwrap();
    world.after(GRACE + 1);
    assert_eq!(resume(&mut world, 1), Err(Rejection::ResumeTooLate));
    // The verdict dies with the call: nothing can be done with it any more.
    assert_eq!(world.bind(1, agent), Err(Rejection::LegCleared));
    assert_eq!(step_up(&mut world, 1, POLICY), Err(Rejection::LegCleared));
    assert!(world.contact(1).verdict.is_some(), "and stays what it was");
}

#[test]
fn u19_a_call_abandoned_in_the_queue_withdraws_its_question() {
    let mut world = World::founded();
    let mut phone = world.customer(1);
    let challenge = world.call(phone.subject, 1);
    leg(&mut world, 1, CallEvent::Delivered).unwrap();
    let late = world.submission(&mut phone, challenge, PIN);
    assert_eq!(leg(&mut world, 1, CallEvent::Abandoned), Ok(Reply::Done));
    assert_eq!(world.last_kinds(), [28, 33]);
    let verdict = world.contact(1).verdict.unwrap();
    assert_eq!(
        (verdict.outcome, verdict.reason),
        (Outcome::Cancelled, reason::ABANDONED)
    );
    assert_eq!(world.subject(phone.subject).open, None);
    // A proof that comes later changes nothing, and is told so.
    let told = world.run(Command::SubmitProof(late));
    assert_eq!(told, Ok(Reply::AlreadyAnswered));
    assert_eq!(world.contact(1).verdict, Some(verdict));
    assert_eq!(resume(&mut world, 1), Err(Rejection::LegMisplaced));
    // What was answered is not abandoned.
    world.verified(&mut phone, 2);
    connected(&mut world, 2);
    assert_eq!(
        leg(&mut world, 2, CallEvent::Abandoned),
        Err(Rejection::LegMisplaced)
    );
}

#[test]
fn u20_a_transfer_rebinds_the_agent_and_can_only_shrink_the_scope() {
    let mut world = World::founded();
    let mut phone = world.customer(1);
    let (first, second, stranger) = (world.agent(1), world.agent(2), AgentHash([9; 32]));
    world.put_policy(POLICY, granting(0b0111));
    world.verified(&mut phone, 1);
    connected(&mut world, 1);
    hand_over(&mut world, 1, first, (0, 0)).unwrap();
    assert_eq!(
        (world.contact(1).scope, world.contact(1).limits),
        (0b0111, 0)
    );
    // Whoever is unknown does not get it, and nobody loses it by the attempt.
    let unknown = hand_over(&mut world, 1, stranger, (0, 0));
    assert_eq!(unknown, Err(Rejection::UnknownAgent));
    assert_eq!(world.contact(1).agent, Some(first));
    hand_over(&mut world, 1, second, (0b1011, 0)).unwrap();
    let contact = world.contact(1);
    assert_eq!((contact.agent, contact.queue), (Some(second), 7));
    assert_eq!((contact.scope, contact.limits), (0b0011, limit::TRANSFER));
    // Back to a queue that may do everything: what is gone stays gone.
    hand_over(&mut world, 1, first, (u32::MAX, 0)).unwrap();
    assert_eq!(world.contact(1).scope, 0b0011);
    let verdict = world.contact(1).verdict.unwrap();
    assert_eq!(verdict.scope, 0b0111, "the verdict itself is history");
    // A limit that is named before there is a verdict applies to it, too.
    let challenge = world.call(phone.subject, 2);
    hand_over(&mut world, 2, first, (0b0001, 0)).unwrap();
    world.prove(&mut phone, challenge, PIN).unwrap();
    let contact = world.contact(2);
    assert_eq!((contact.scope, contact.limits), (0b0001, limit::TRANSFER));
}

#[test]
fn u21_a_queue_that_needs_more_gets_the_call_only_after_a_step_up() {
    let mut world = World::founded();
    let mut phone = world.customer(1);
    let (first, second) = (world.agent(1), world.agent(2));
    world.put_policy(POLICY, granting(0b01));
    world.put_policy("strong", granting(0b11));
    world.verified(&mut phone, 1);
    connected(&mut world, 1);
    hand_over(&mut world, 1, first, (0, 0b01)).unwrap();
    let refused = hand_over(&mut world, 1, second, (0, 0b10));
    assert_eq!(refused, Err(Rejection::StepUpRequired));
    assert_eq!(world.contact(1).agent, Some(first), "and keeps it");
    // A scope that is given away does not count.
    let refused = hand_over(&mut world, 1, second, (0b10, 0b01));
    assert_eq!(refused, Err(Rejection::StepUpRequired));
    assert_eq!(world.contact(1).scope, 0b01, "a refusal takes nothing");

    let challenge = step_up(&mut world, 1, "strong").unwrap();
    assert_eq!(world.last_kinds(), [38, 22]);
    assert_eq!(world.contact(1).scope, 0b01, "asking changes nothing");
    assert_eq!(world.prove(&mut phone, challenge, PIN), Ok(VERIFIED));
    let contact = world.contact(1);
    assert_eq!(contact.scope, 0b11);
    assert_eq!(contact.steps.verdict, contact.verdict);
    hand_over(&mut world, 1, second, (0, 0b10)).unwrap();
    assert_eq!(world.contact(1).agent, Some(second));
}

#[test]
fn u21_a_step_up_that_fails_leaves_the_contact_as_it_was() {
    let mut world = World::founded();
    let mut phone = world.customer(1);
    world.put_policy("strong", granting(0b11));
    world.verified(&mut phone, 1);
    let before = world.contact(1);
    let challenge = step_up(&mut world, 1, "strong").unwrap();
    world.after(120 * SECOND).tick();
    let contact = world.contact(1);
    assert_eq!(
        contact.steps.verdict.map(|verdict| verdict.outcome),
        Some(Outcome::Expired)
    );
    assert_eq!(
        (contact.verdict, contact.scope),
        (before.verdict, before.scope)
    );
    assert!(world.challenge(challenge).verdict.is_some());
    // The next one has its own challenge, and a newer one takes an older one's place.
    let older = step_up(&mut world, 1, "strong").unwrap();
    let newer = step_up(&mut world, 1, "strong").unwrap();
    assert!(challenge != older && older != newer);
    let ended = world.challenge(older).verdict.unwrap();
    assert_eq!(
        (ended.outcome, ended.reason),
        (Outcome::Superseded, reason::NEWER_STEP_UP)
    );
    // An order does not push a question aside that a person is looking at.
    let order = Command::OfferOrder(OfferOrder {
        tenant: TENANT.into(),
        contact: contact_id(1),
        order: OrderId([1; 16]),
        policy: POLICY.into(),
        order_hash: [2; 32],
        amounts: Vec::new(),
        subject_tag: Tag::ZERO,
    });
    assert!(world.run(order).is_err());
    assert_eq!(world.subject(phone.subject).open, Some(newer));
}

#[test]
fn u21_nobody_who_used_up_the_attempts_is_asked_again_on_the_same_contact() {
    let mut world = World::founded();
    let mut phone = world.customer(1);
    let challenge = world.call(phone.subject, 1);
    assert_eq!(
        step_up(&mut world, 1, POLICY),
        Err(Rejection::ChallengeOpen)
    );
    for attempt in 0..5 {
        world
            .prove(&mut phone, challenge, &format!("000{attempt}"))
            .unwrap();
    }
    assert_eq!(
        world.contact(1).verdict.unwrap().outcome,
        Outcome::NotVerified
    );
    assert_eq!(step_up(&mut world, 1, POLICY), Err(Rejection::NotVerified));
}

#[test]
fn u39_a_customer_who_calls_twice_has_one_open_question() {
    let mut world = World::founded();
    let mut phone: Phone = world.customer(1);
    let by_telephone = world.call(phone.subject, 1);
    let by_chat = world.call(phone.subject, 2);
    assert_eq!(world.subject(phone.subject).open, Some(by_chat));
    let first = world.contact(1).verdict.unwrap();
    assert_eq!(
        (first.outcome, first.reason),
        (Outcome::Superseded, reason::NEWER_CONTACT)
    );
    assert_eq!(world.prove(&mut phone, by_chat, PIN), Ok(VERIFIED));
    assert_eq!(
        world.contact(1).verdict,
        Some(first),
        "one proof, one contact"
    );
    assert!(world.challenge(by_telephone).verdict.is_some());
    // The first contact goes on: it is asked anew, on the same line.
    connected(&mut world, 1);
    let again = step_up(&mut world, 1, POLICY).unwrap();
    assert_eq!(world.prove(&mut phone, again, PIN), Ok(VERIFIED));
    assert_eq!(world.contact(1).verdict.unwrap().outcome, Outcome::Verified);
}
