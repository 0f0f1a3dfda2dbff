//! What is said of a contact when it closes: one leaf, a number without gaps, and the whole truth.

use akashi_domain::answer::{Rejection, Reply};
use akashi_domain::command::{Command, CreateTenant, NoticeAnswer};
use akashi_domain::event::{ContactProcessed, Event};
use akashi_domain::ids::ContactId;
use akashi_domain::outcome::{Outcome, reason};
use akashi_domain::state::Records as _;
use akashi_merkle::processed::Processed;

use crate::phone::{PIN, Phone};
use crate::world::{ORIGIN, POLICY, SECOND, TENANT, World, id16};

fn processed(world: &World) -> ContactProcessed {
    match world.last().pop() {
        Some(Event::ContactProcessed(processed)) => processed,
        other => panic!("no contact was processed: {other:?}"),
    }
}

/// What the last leaf says, read as an auditor reads it.
fn leaf(world: &World) -> Processed {
    let recorded = world.applied.last().unwrap().events.last().unwrap().clone();
    Processed::read(&recorded.leaf).unwrap()
}

#[test]
fn a_verified_contact_is_accounted_for_in_one_leaf() {
    let mut world = World::founded();
    let mut phone = world.customer(1);
    let announced = world.now;
    let challenge = world.call(phone.subject, 1);
    world.after(3 * SECOND);
    world.prove(&mut phone, challenge, PIN).unwrap();
    world.after(60 * SECOND);
    let close = world.close(1);
    assert_eq!(world.done(close), Reply::Done);
    assert_eq!(world.last_kinds(), [40, 41]);

    let said = leaf(&world);
    assert_eq!(said.tenant, 1);
    assert_eq!(said.contact_id, id16(1));
    assert_eq!((said.number, said.announced), (1, 1));
    assert_eq!((said.outcome, said.reason), (1, 0));
    assert_eq!(said.announced_us, announced);
    assert_eq!(said.closed_us, world.now);
    assert_eq!(said.verdict_ms, Some(3_000));
    assert_eq!(said.policy_version, 1);
    assert_eq!((said.factors, said.limits), (3, 0));
    assert_eq!(
        (said.call_reason, said.initiator, said.disposition),
        (3, 2, 9)
    );
    assert_eq!(said.care.agents, 0);

    let index = world
        .applied
        .last()
        .unwrap()
        .events
        .last()
        .unwrap()
        .leaf_index;
    assert_eq!(world.state.processed_leaf(1, 1).unwrap(), Some(index));
    let contact = world.state.contact(1, ContactId(id16(1))).unwrap().unwrap();
    assert_eq!(contact.number, 1);
}

#[test]
fn closing_an_open_contact_says_that_it_was_cancelled_and_when_nothing() {
    let mut world = World::founded();
    let phone = world.customer(1);
    world.call(phone.subject, 1);
    world.after(SECOND);
    let close = world.close(1);
    world.done(close);
    assert_eq!(world.last_kinds(), [33, 40, 41]);
    let said = processed(&world);
    assert_eq!(said.outcome, Some(Outcome::Cancelled));
    assert_eq!(said.reason, reason::CONTACT_CLOSED);
    assert_eq!(said.verdict_ms, None, "closing is no service");
}

#[test]
fn a_declined_contact_keeps_its_ending() {
    let mut world = World::founded();
    let phone = world.customer(1);
    let challenge = world.call(phone.subject, 1);
    world.after(2 * SECOND);
    let decline = world.notice_answer(&phone, challenge, NoticeAnswer::Decline);
    world.done(decline);
    let close = world.close(1);
    world.done(close);
    let said = processed(&world);
    assert_eq!(said.outcome, Some(Outcome::DeclinedByCustomer));
    assert_eq!(said.verdict_ms, Some(2_000));
}

#[test]
fn numbers_have_no_gaps_and_a_contact_gets_one_once() {
    let mut world = World::founded();
    let stranger = Phone::new(ORIGIN, TENANT, "stranger", 9);
    for contact in 1..=20 {
        let announce = world.announcement(stranger.subject, contact);
        world.done(Command::AnnounceContact(announce));
    }
    // Closed in another order than announced, some of them in one entry.
    let mut closed = Vec::new();
    for group in [vec![20, 3], vec![7], vec![1, 2, 19]] {
        let requests = group
            .iter()
            .map(|contact| {
                let close = world.close(*contact);
                world.request(close)
            })
            .collect();
        let applied = world.entry(requests);
        for recorded in applied.events {
            if let Event::ContactProcessed(said) = recorded.event {
                closed.push((said.number, said.contact, said.announced_count));
            }
        }
    }
    let expected: Vec<_> = (1..)
        .zip([20, 3, 7, 1, 2, 19])
        .map(|(number, contact)| (number, ContactId(id16(contact)), 20))
        .collect();
    assert_eq!(closed, expected);
    let again = world.close(7);
    assert_eq!(world.run(again), Err(Rejection::ContactClosed));
    let tally = world.state.tally(1).unwrap();
    assert_eq!((tally.announced, tally.processed), (20, 6));
}

#[test]
fn tenants_count_for_themselves() {
    let mut world = World::founded();
    world.done(Command::CreateTenant(CreateTenant {
        tenant: "travel".into(),
    }));
    let created = world.applied.last().unwrap().events[0].leaf_index;
    assert_eq!(world.state.tally(2).unwrap().tenant_leaf, created);
    assert_eq!(world.state.tally(2).unwrap().announced, 0);
    let stranger = Phone::new(ORIGIN, TENANT, "stranger", 9);
    let announce = world.announcement(stranger.subject, 1);
    assert_eq!(announce.policy, POLICY);
    world.done(Command::AnnounceContact(announce));
    let close = world.close(1);
    world.done(close);
    assert_eq!(world.state.tally(1).unwrap().processed, 1);
    assert_eq!(world.state.tally(2).unwrap().processed, 0);
    assert_eq!(world.state.processed_leaf(2, 1).unwrap(), None);
}
