//! The life of a call: what may happen when, and that what is erased is gone.

use akashi_domain::answer::{Rejection, Reply};
use akashi_domain::command::{
    CallEvent, Command, EraseSubject, NoticeAnswer, RecordLeg, ResumeContact, RetirePolicy, StepUp,
};
use akashi_domain::ids::{ContactId, Tag};
use akashi_domain::kv::Table;
use akashi_domain::records::{LegState, Subject};
use akashi_domain::state::Records as _;

use crate::laws::{assert_rebuilds, assert_replays};
use crate::phone::PIN;
use crate::world::{CHALLENGE_TTL, POLICY, SECOND, TENANT, World, id16};

const EVENTS: [CallEvent; 9] = [
    CallEvent::Delivered,
    CallEvent::Established,
    CallEvent::Held,
    CallEvent::Retrieved,
    CallEvent::Transferred,
    CallEvent::Conferenced,
    CallEvent::Diverted,
    CallEvent::ConnectionCleared,
    CallEvent::Abandoned,
];

fn leg(world: &mut World, contact: u64, event: CallEvent) -> Result<Reply, Rejection> {
    world.run(Command::RecordLeg(RecordLeg {
        tenant: TENANT.into(),
        contact: ContactId(id16(contact)),
        event,
        queue: 3,
        agent: None,
        agent_tag: Tag::ZERO,
    }))
}

fn state(world: &World, contact: u64) -> LegState {
    let id = ContactId(id16(contact));
    world.state.contact(1, id).unwrap().unwrap().leg.state
}

/// Written out by hand: what a call is after each event, and where the event cannot be.
#[test]
fn every_event_has_its_place_in_every_state() {
    use LegState::{Cleared, Established, Held, None as Nothing, Ringing};
    // Delivered, Established, Held, Retrieved, Transferred, Conferenced, Diverted, Cleared, Abandoned.
    let unanswered = |was| {
        let before = [Some(Ringing), Some(Established), None, None];
        let after = [
            Some(was),
            Some(was),
            Some(Ringing),
            Some(Cleared),
            Some(Cleared),
        ];
        before.into_iter().chain(after).collect::<Vec<_>>()
    };
    let answered = |was| {
        let before = [
            Some(Ringing),
            Some(Established),
            Some(Held),
            Some(Established),
        ];
        let after = [Some(was), Some(was), Some(Ringing), Some(Cleared), None];
        before.into_iter().chain(after).collect::<Vec<_>>()
    };
    let rows: [(&[CallEvent], Vec<Option<LegState>>); 5] = [
        (&[], unanswered(Nothing)),
        (&[CallEvent::Delivered], unanswered(Ringing)),
        (&[CallEvent::Established], answered(Established)),
        (&[CallEvent::Established, CallEvent::Held], answered(Held)),
        (&[CallEvent::ConnectionCleared], vec![None; 9]),
    ];
    let mut contact = 0;
    let mut world = World::founded();
    let subject = crate::phone::Phone::new("bank/e1/g0", TENANT, "nobody-1", 1).subject;
    for (way, expected) in rows {
        for (event, expected) in EVENTS.into_iter().zip(expected) {
            contact += 1;
            let announce = world.announcement(subject, contact);
            world.done(Command::AnnounceContact(announce));
            for before in way {
                leg(&mut world, contact, *before).unwrap();
            }
            let was = state(&world, contact);
            let told = leg(&mut world, contact, event);
            match expected {
                Some(after) => {
                    assert_eq!(told, Ok(Reply::Done), "{way:?} {event:?}");
                    assert_eq!(state(&world, contact), after, "{way:?} {event:?}");
                }
                None => {
                    assert_eq!(told, Err(Rejection::LegMisplaced), "{way:?} {event:?}");
                    assert_eq!(state(&world, contact), was);
                }
            }
        }
    }
}

fn step_up(contact: u64) -> Command {
    Command::StepUp(StepUp {
        tenant: TENANT.into(),
        contact: ContactId(id16(contact)),
        policy: POLICY.into(),
        subject_tag: Tag::ZERO,
    })
}

fn resume(contact: u64) -> Command {
    Command::ResumeContact(ResumeContact {
        tenant: TENANT.into(),
        contact: ContactId(id16(contact)),
        queue: 4,
    })
}

fn erase(subject: akashi_domain::ids::SubjectHash) -> Command {
    Command::EraseSubject(EraseSubject {
        tenant: TENANT.into(),
        subject,
        reason: 9,
    })
}

#[test]
fn a_whole_life_replays_and_follows_from_its_events_alone() {
    let mut world = World::founded();
    let mut phone = world.customer(1);
    let asked = world.call(phone.subject, 1);
    world.after(CHALLENGE_TTL / 2).tick();
    let opened = world.notice_answer(&phone, asked, NoticeAnswer::Opened);
    world.done(opened);
    world.prove(&mut phone, asked, "0000").unwrap();
    world.prove(&mut phone, asked, PIN).unwrap();
    leg(&mut world, 1, CallEvent::Established).unwrap();
    leg(&mut world, 1, CallEvent::ConnectionCleared).unwrap();
    world.done(resume(1));
    world.done(step_up(1));
    assert_replays(&world);
    assert_rebuilds(&world);
    world.done(Command::RetirePolicy(RetirePolicy {
        tenant: TENANT.into(),
        policy: POLICY.into(),
        version: 0,
    }));
    assert_eq!(world.run(step_up(1)), Err(Rejection::PolicyRetired));
    world.after(CHALLENGE_TTL).tick();
    world.done(erase(phone.subject));
    assert_replays(&world);
    assert_rebuilds(&world);
}

#[test]
fn erasing_deletes_everything_under_the_subject_s_name_and_of_nobody_else() {
    let mut world = World::founded();
    let mut phone = world.customer(1);
    let mut other = world.customer(2);
    for (contact, phone) in [(1, &mut phone), (2, &mut other)] {
        let asked = world.call(phone.subject, contact);
        world.prove(phone, asked, "0000").unwrap();
        world.prove(phone, asked, PIN).unwrap();
    }
    let others: Vec<_> = world
        .state
        .iter()
        .filter(|((table, key), _)| {
            matches!(table, Table::Subject | Table::Evidence)
                && key.windows(32).any(|part| part == other.subject.0)
        })
        .map(|(slot, value)| (slot.clone(), value.clone()))
        .collect();
    let reply = world.done(erase(phone.subject));
    // Of the enrolment, the wrong PIN and the right one.
    assert_eq!(
        reply,
        Reply::Erased {
            evidence: 3,
            complete: true
        }
    );
    assert_eq!(world.subject(phone.subject), Subject::default());
    let key = phone.device_key();
    for ((table, name), value) in &world.state {
        if *table == Table::Subject || *table == Table::Evidence {
            let named = name.windows(32).any(|part| part == phone.subject.0);
            // The used-up invitation names whom it was for.
            assert!(!named, "{table:?} {name:02x?}");
        }
        let value = value.as_ref().unwrap();
        let kept = value.windows(32).any(|part| part == key);
        assert!(!kept, "a key is left in {table:?}");
    }
    for (slot, value) in others {
        assert_eq!(world.state.get(&slot), Some(&value));
    }
    assert_eq!(
        world.run(erase(phone.subject)),
        Err(Rejection::UnknownSubject)
    );
    // Whoever was erased may enrol again, and starts from nothing.
    world.enrol(&mut phone, 7);
    assert!(
        world
            .state
            .history(1, phone.subject)
            .unwrap()
            .past
            .is_empty()
    );
}

#[test]
fn a_subject_s_own_history_keeps_the_newest_sixteen() {
    let mut world = World::founded();
    let phone = world.customer(1);
    for contact in 1..=20 {
        world.call(phone.subject, contact);
        let close = world.close(contact);
        world.done(close);
        world.after(3_600 * SECOND);
    }
    let past = world.state.history(1, phone.subject).unwrap().past;
    assert_eq!(past.len(), 16);
    assert!(past.windows(2).all(|pair| pair[0].leaf < pair[1].leaf));
    let newest = world.state.contact(1, ContactId(id16(20))).unwrap();
    let verdict = newest.unwrap().verdict.unwrap();
    assert_eq!(past[15].leaf, verdict.leaf);
}

#[test]
fn a_contact_is_asked_at_most_sixteen_times_more() {
    let mut world = World::founded();
    let mut phone = world.customer(1);
    let asked = world.call(phone.subject, 1);
    world.prove(&mut phone, asked, PIN).unwrap();
    for _ in 0..16 {
        world.after(3_600 * SECOND);
        world.done(step_up(1));
    }
    let full = world.run(step_up(1));
    assert!(matches!(full, Err(Rejection::Full(_))), "{full:?}");
}
