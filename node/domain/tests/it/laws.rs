//! The laws the core lives by: a replay gives the same bytes, events alone give the state back, a
//! repeated request gives the same answer.

use akashi_domain::answer::{Rejection, Reply};
use akashi_domain::apply::apply;
use akashi_domain::command::{Command, CreateTenant};
use akashi_domain::decide::Inline;
use akashi_domain::entry::Entry;
use akashi_domain::evolve::{Place, evolve};
use akashi_domain::ids::{RequestId, Stamp};
use akashi_domain::keys;
use akashi_domain::kv::{Changes, Overlay, Table};
use akashi_domain::records::Settings;
use akashi_domain::state::Records as _;

use crate::phone::PIN;
use crate::world::{START, World, write};

/// The same entries on an empty state give the same facts, answers and changes, byte for byte.
pub(crate) fn assert_replays(world: &World) {
    let mut state = Changes::new();
    for (index, (entry, live)) in (1..).zip(world.log.iter().zip(&world.applied)) {
        let entry = Entry::decode(&entry.encode()).unwrap();
        let again = apply(&state, index, 1, Some(&entry), false, &mut Inline).unwrap();
        assert_eq!(&again, live, "entry {index}");
        write(&mut state, &again.changes);
    }
    assert_eq!(state, world.state);
}

/// The facts alone, at their places, give everything back but what the log itself says: how far the
/// replica has come and which requests it remembers.
pub(crate) fn assert_rebuilds(world: &World) {
    let mut state = Changes::new();
    for applied in &world.applied {
        for recorded in &applied.events {
            let mut overlay = Overlay::new(&state);
            let place = Place {
                stamp: applied.progress.stamp,
                leaf: recorded.leaf_index,
            };
            evolve(&mut overlay, &recorded.event, place).unwrap();
            let changes = overlay.into_changes();
            write(&mut state, &changes);
        }
    }
    let mut expected = world.state.clone();
    expected.retain(|(table, key), _| {
        *table != Table::Dedupe && !(*table == Table::Meta && key == keys::PROGRESS)
    });
    assert_eq!(state, expected);
}

fn busy_world() -> World {
    let mut world = World::founded();
    let mut phone = world.customer(1);
    let challenge = world.call(phone.subject, 1);
    for pin in ["0000", "1111", PIN] {
        world.prove(&mut phone, challenge, pin).unwrap();
    }
    world.call(phone.subject, 2);
    let close = world.close(2);
    world.done(close);
    world.call(phone.subject, 3);
    let revoke = world.revoke(phone.subject);
    world.done(revoke);
    world.after(200_000_000_000);
    world.tick();
    world
}

#[test]
fn a_replay_gives_the_same_bytes() {
    assert_replays(&busy_world());
}

#[test]
fn events_alone_give_the_state_back() {
    assert_rebuilds(&busy_world());
}

#[test]
fn leaves_are_numbered_without_gaps_and_answers_say_where_theirs_are() {
    let world = busy_world();
    let mut next = 0;
    for applied in &world.applied {
        for recorded in &applied.events {
            assert_eq!(recorded.leaf_index, next);
            assert_eq!(recorded.leaf.log_index, applied.progress.log_index);
            assert_eq!(recorded.leaf.kind, recorded.event.kind());
            next += 1;
        }
        assert_eq!(applied.progress.leaves, next);
        if let [answer] = applied.answers.as_slice() {
            let placement = answer.placement;
            assert_eq!(placement.first_leaf + u64::from(placement.leaf_count), next);
        }
    }
}

#[test]
fn a_repeated_request_gets_the_first_answer_and_does_nothing() {
    let mut world = World::founded();
    let command = Command::CreateTenant(CreateTenant {
        tenant: "second".into(),
    });
    let request = world.request(command);
    let first = world.send(request.clone());
    assert!(!first.placement.repeated);
    world.after(5_000_000);
    let again = world.send(request);
    assert!(again.placement.repeated);
    assert_eq!(again.result, first.result);
    assert_eq!(again.placement.first_leaf, first.placement.first_leaf);
    assert_eq!(again.placement.log_index, first.placement.log_index);
    assert!(world.last().is_empty());
    // Twice in one entry is no different.
    let third = world.request(Command::CreateTenant(CreateTenant {
        tenant: "third".into(),
    }));
    let applied = world.entry(vec![third.clone(), third]);
    assert_eq!(applied.answers[0].result, applied.answers[1].result);
    assert!(applied.answers[1].placement.repeated);
}

#[test]
fn a_request_id_with_another_body_is_refused() {
    let mut world = World::founded();
    let first = world.request(Command::CreateTenant(CreateTenant {
        tenant: "second".into(),
    }));
    let mut other = first.clone();
    other.command = Command::CreateTenant(CreateTenant {
        tenant: "third".into(),
    });
    world.send(first.clone());
    assert_eq!(
        world.send(other.clone()).result,
        Err(Rejection::RequestIdReused)
    );
    assert!(world.state.tenant("third").unwrap().is_none());
    // Another client may use the same id for what it likes.
    other.client = akashi_domain::ids::ClientId::of("another");
    assert_eq!(world.send(other).result, Ok(Reply::Done));
    // A longer deadline is no other body.
    let patient = akashi_domain::command::Request {
        not_after: Stamp(u64::MAX - 1),
        ..first
    };
    assert!(world.send(patient).placement.repeated);
}

#[test]
fn a_rejected_request_is_forgotten_and_may_succeed_later() {
    let mut world = World::founded();
    let phone = crate::phone::Phone::new(crate::world::ORIGIN, "retail", "customer-1", 1);
    let close = world.close(1);
    let request = world.request(close);
    assert_eq!(
        world.send(request.clone()).result,
        Err(Rejection::UnknownContact)
    );
    let announce = world.announcement(phone.subject, 1);
    world.done(Command::AnnounceContact(announce));
    assert_eq!(world.send(request).result, Ok(Reply::Done));
}

#[test]
fn request_ids_have_a_horizon_on_both_sides() {
    let mut world = World::founded();
    let request = world.request(Command::CreateTenant(CreateTenant {
        tenant: "second".into(),
    }));
    let mut ahead = request.clone();
    let far_ms = (START + 11 * 60 * 1_000_000) / 1_000;
    let mut id = ahead.id.0;
    id[..6].copy_from_slice(&far_ms.to_be_bytes()[2..]);
    ahead.id = RequestId(id);
    assert_eq!(
        world.send(ahead.clone()).result,
        Err(Rejection::RequestIdAhead)
    );
    assert_eq!(world.send(request.clone()).result, Ok(Reply::Done));
    // It was executed, and it is never executed again: first remembered, then too old.
    world.after(3_599_000_000);
    assert!(world.send(request.clone()).placement.repeated);
    world.after(2_000_000);
    assert_eq!(
        world.send(request.clone()).result,
        Err(Rejection::RequestIdTooOld)
    );
    world.after(120_000_000);
    world.tick();
    assert_eq!(world.send(request).result, Err(Rejection::RequestIdTooOld));
    assert_eq!(
        world.run(ahead.command),
        Err(Rejection::Exists(akashi_domain::answer::Field::Tenant))
    );
}

#[test]
fn what_is_too_old_is_forgotten_and_nothing_else() {
    let mut world = World::founded();
    let remembered = |world: &World| {
        world
            .state
            .keys()
            .filter(|(table, _)| *table == Table::Dedupe)
            .count()
    };
    let change = Command::PutSettings(akashi_domain::command::PutSettings {
        settings: Settings {
            request_horizon_s: 60,
            ..zeros()
        },
    });
    world.done(change);
    for minute in 0..10 {
        world.after(60_000_000);
        world.done(Command::CreateTenant(CreateTenant {
            tenant: format!("t{minute}"),
        }));
        assert!(
            remembered(&world) <= 4,
            "minute {minute}: {}",
            remembered(&world)
        );
    }
    assert!(remembered(&world) >= 1);
}

#[test]
fn a_longer_horizon_does_not_let_forgotten_requests_run_again() {
    let mut world = World::founded();
    let settings = |seconds: u32| {
        Command::PutSettings(akashi_domain::command::PutSettings {
            settings: Settings {
                request_horizon_s: seconds,
                ..zeros()
            },
        })
    };
    world.done(settings(60));
    let body = crate::world::body();
    let policy = akashi_domain::command::PutPolicy {
        tenant: crate::world::TENANT.into(),
        policy: crate::world::POLICY.into(),
        body,
    };
    let request = world.request(Command::PutPolicy(policy));
    assert_eq!(
        world.send(request.clone()).result,
        Ok(Reply::PolicyActive { version: 2 })
    );
    world.after(300_000_000);
    world.tick();
    world.done(settings(3_600));
    assert_eq!(world.send(request).result, Err(Rejection::RequestIdTooOld));
    assert_rebuilds(&world);
}

pub(crate) const fn zeros() -> Settings {
    Settings {
        notices_per_hour: 0,
        refusals_per_challenge: 0,
        pin_failures_soft: 0,
        pin_failures_hard: 0,
        pin_lock_first_s: 0,
        request_horizon_s: 0,
        enrolment_ttl_s: 0,
        order_ttl_s: 0,
        cooling_s: 0,
        resume_grace_s: 0,
        report_freeze_s: 0,
        session_contacts_max: 0,
    }
}
