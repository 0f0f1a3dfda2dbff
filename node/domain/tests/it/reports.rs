//! "I am not on a call": how far a report reaches.

use akashi_domain::answer::Reply;
use akashi_domain::command::{AnnounceContact, Command, Initiator, NoticeAnswer};
use akashi_domain::event::Event;
use akashi_domain::ids::{ContactId, SubjectHash};
use akashi_domain::limits::{CONTACTS_PER_SUBJECT_MAX, REST_AFTER_US, STOPPED_PER_STEP_MAX};
use akashi_domain::outcome::Outcome;
use akashi_domain::state::Records as _;

use crate::laws::{assert_rebuilds, assert_replays};
use crate::phone::{PIN, Phone};
use crate::world::{SECOND, World, id16};

/// A customer with a verified call, and with so many open ones besides: nobody closed them.
fn with_calls(others: u64) -> (World, Phone) {
    let mut world = World::founded();
    let mut phone = world.customer(1);
    let verified = world.call(phone.subject, 1);
    world.prove(&mut phone, verified, PIN).unwrap();
    for number in 2..=others + 1 {
        let announce = incoming(&world, phone.subject, number);
        world.done(Command::AnnounceContact(announce));
    }
    (world, phone)
}

fn incoming(world: &World, subject: SubjectHash, number: u64) -> AnnounceContact {
    AnnounceContact {
        initiator: Initiator::Customer,
        ..world.announcement(subject, number)
    }
}

fn is_blocked(world: &World, number: u64) -> bool {
    let contact = world.state.contact(1, ContactId(id16(number)));
    contact.unwrap().unwrap().blocked
}

fn blocked(events: &[Event]) -> usize {
    events.iter().filter(|event| event.kind() == 24).count()
}

/// The customer reports the newest call that rings.
fn report(world: &mut World, phone: &Phone) {
    let open = world.subject(phone.subject).open.unwrap();
    let command = world.notice_answer(phone, open, NoticeAnswer::Report);
    let reply = world.done(command);
    assert!(
        matches!(
            reply,
            Reply::Verdict {
                outcome: Outcome::ReportedByCustomer,
                ..
            }
        ),
        "{reply:?}"
    );
}

#[test]
fn a_report_stops_every_open_contact_and_not_only_the_newest() {
    let others = u64::try_from(CONTACTS_PER_SUBJECT_MAX).unwrap() + 4;
    let (mut world, phone) = with_calls(others);
    world.after(3_600 * SECOND);
    let last = others + 2;
    world.call(phone.subject, last);
    let close = world.close(3);
    world.done(close);
    report(&mut world, &phone);
    let stopped = blocked(&world.last());
    assert_eq!(stopped, usize::try_from(last).unwrap() - 1);
    for number in (1..=last).filter(|number| *number != 3) {
        assert!(is_blocked(&world, number), "{number}");
    }
    assert!(!is_blocked(&world, 3));
    world.after(2 * REST_AFTER_US);
    assert_eq!(blocked(&world.tick()), 0);
    assert_replays(&world);
    assert_rebuilds(&world);
}

#[test]
fn what_one_step_may_not_touch_follows_and_nothing_newer() {
    let per_step = u64::try_from(STOPPED_PER_STEP_MAX).unwrap();
    let others = 2 * per_step + 4;
    let (mut world, phone) = with_calls(others);
    world.after(3_600 * SECOND);
    let last = others + 2;
    world.call(phone.subject, last);
    report(&mut world, &phone);
    assert_eq!(blocked(&world.last()), STOPPED_PER_STEP_MAX + 1);
    // The customer calls again before the rest is stopped: that is not what was reported.
    world.after(REST_AFTER_US);
    let again = incoming(&world, phone.subject, last + 1);
    let request = world.request(Command::AnnounceContact(again));
    let step = world.entry(vec![request]);
    assert_eq!(blocked(&crate::world::facts(&step)), STOPPED_PER_STEP_MAX);
    world.after(REST_AFTER_US);
    assert_eq!(blocked(&world.tick()), 5);
    for number in 1..=last {
        assert!(is_blocked(&world, number), "{number}");
    }
    assert!(!is_blocked(&world, last + 1));
    world.after(2 * REST_AFTER_US);
    assert_eq!(blocked(&world.tick()), 0);
    assert_replays(&world);
    assert_rebuilds(&world);
}

#[test]
fn contacts_that_are_closed_before_their_turn_leave_nothing_behind() {
    let per_step = u64::try_from(STOPPED_PER_STEP_MAX).unwrap();
    let (mut world, phone) = with_calls(per_step);
    world.after(3_600 * SECOND);
    let last = per_step + 2;
    world.call(phone.subject, last);
    report(&mut world, &phone);
    let left: Vec<u64> = (1..=last)
        .filter(|number| !is_blocked(&world, *number))
        .collect();
    assert_eq!(left.len(), 1);
    let close = world.close(left[0]);
    world.done(close);
    world.after(2 * REST_AFTER_US);
    assert_eq!(blocked(&world.tick()), 0);
    assert_rebuilds(&world);
}

#[test]
fn a_frozen_customer_is_not_called_and_that_is_no_new_report() {
    let (mut world, phone) = with_calls(1);
    report(&mut world, &phone);
    world.after(SECOND);
    let announce = world.announcement(phone.subject, 9);
    world.done(Command::AnnounceContact(announce));
    assert_eq!(blocked(&world.last()), 1);
    let mine = incoming(&world, phone.subject, 10);
    world.done(Command::AnnounceContact(mine));
    world.after(SECOND);
    world.tick();
    assert!(!is_blocked(&world, 10));
    assert_replays(&world);
    assert_rebuilds(&world);
}
