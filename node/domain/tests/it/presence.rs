//! Presence: which node's word counts, what follows from it for sessions and calls, and what is passed over.

use akashi_domain::answer::{Field, Rejection, Reply};
use akashi_domain::command::{
    Command, PresenceCause, PresenceSummary, ReportPresence, SessionPresence,
};
use akashi_domain::event::Event;
use akashi_domain::ids::{Digest, SessionId, Stamp};
use akashi_domain::limits::PRESENCE_REPORTS_MAX;
use akashi_domain::outcome::reason;
use akashi_domain::policy::AgentRule;
use akashi_domain::records::{PresenceState, ScreenAction, SessionState};

use crate::laws::{assert_rebuilds, assert_replays};
use crate::sessions::{at_work, bind, contact, log_in, record, restore, scene};
use crate::world::{World, id16};

fn line(state: PresenceState, cause: PresenceCause) -> SessionPresence {
    SessionPresence {
        tenant: 1,
        session: SessionId([1; 16]),
        state,
        cause,
    }
}

fn report(node: u64, sessions: Vec<SessionPresence>) -> Command {
    Command::ReportPresence(ReportPresence { node, sessions })
}

/// Reports one line and gives the kinds of what followed.
fn says(world: &mut World, node: u64, state: PresenceState, cause: PresenceCause) -> Vec<u16> {
    let reply = world.done(report(node, vec![line(state, cause)]));
    assert_eq!(reply, Reply::Done);
    world.last_kinds()
}

fn attached(world: &mut World, node: u64) {
    let kinds = says(world, node, PresenceState::Present, PresenceCause::Attached);
    assert_eq!(kinds, [76]);
}

/// An agent at work with a call, attached to node 1.
fn desk() -> (World, crate::phone::Phone) {
    let (mut world, mut phone) = scene(AgentRule::default());
    at_work(&mut world, &mut phone, 1);
    let customer = world.customer(3);
    world.call(customer.subject, 1);
    assert_eq!(bind(&mut world, 1), Reply::Done);
    (world, phone)
}

#[test]
fn a_change_is_recorded_once_and_seen_by_the_call() {
    let (mut world, _) = desk();
    let samples = PresenceCause::Samples;
    assert_eq!(says(&mut world, 1, PresenceState::Multiple, samples), [76]);
    assert_eq!(
        says(&mut world, 1, PresenceState::Multiple, samples),
        [0_u16; 0]
    );
    let session = record(&world, 1);
    assert_eq!(session.presence, PresenceState::Multiple);
    assert_eq!(session.screen(), ScreenAction::Mask);
    assert_eq!(session.state, SessionState::Active);
    assert_eq!(
        contact(&world, 1).care.presence & PresenceState::Multiple.bit(),
        PresenceState::Multiple.bit()
    );
    assert_eq!(
        bind(&mut world, 1),
        Reply::Denied {
            reason: reason::NOT_PRESENT
        }
    );
    assert_eq!(says(&mut world, 1, PresenceState::Present, samples), [76]);
    assert_eq!(bind(&mut world, 1), Reply::Done);
    assert_replays(&world);
    assert_rebuilds(&world);
}

#[test]
fn only_the_node_that_has_the_desktop_is_believed() {
    let (mut world, _) = desk();
    let silence = PresenceCause::Silence;
    // The agent has moved on to node 2; node 1 misses it.
    attached(&mut world, 2);
    assert_eq!(
        says(&mut world, 1, PresenceState::CameraLost, silence),
        [0_u16; 0]
    );
    assert_eq!(record(&world, 1).presence, PresenceState::Present);
    assert_eq!(
        says(&mut world, 2, PresenceState::CameraLost, silence),
        [76]
    );
    // Attaching changes no state, and twice is once.
    let again = says(
        &mut world,
        1,
        PresenceState::Present,
        PresenceCause::Attached,
    );
    assert_eq!(again, [76]);
    assert_eq!(record(&world, 1).presence, PresenceState::CameraLost);
    let again = says(
        &mut world,
        1,
        PresenceState::Present,
        PresenceCause::Attached,
    );
    assert_eq!(again, [0_u16; 0]);
}

#[test]
fn somebody_else_suspends_at_once_and_nothing_is_believed_before_a_fresh_login() {
    let (mut world, mut phone) = desk();
    let samples = PresenceCause::Samples;
    assert_eq!(says(&mut world, 1, PresenceState::Other, samples), [76, 74]);
    let Some(Event::SessionSuspended(fact)) = world.last().pop() else {
        panic!("no suspension");
    };
    assert_eq!(fact.reason, reason::ANOTHER_PERSON);
    let session = record(&world, 1);
    assert_eq!(session.state, SessionState::Suspended);
    assert_eq!(session.screen(), ScreenAction::Blackout);
    assert_eq!(session.contacts.len(), 1, "the call is not lost");
    for state in PresenceState::ALL {
        assert_eq!(says(&mut world, 1, state, samples), [0_u16; 0]);
    }
    log_in(&mut world, &mut phone, 2);
    world.done(restore(1, 2));
    let session = record(&world, 1);
    assert_eq!(
        (session.state, session.presence, session.edge),
        (SessionState::Active, PresenceState::Unseen, 1)
    );
    assert_eq!(session.screen(), ScreenAction::Clear);
    assert_eq!(says(&mut world, 1, PresenceState::Present, samples), [76]);
    assert_replays(&world);
    assert_rebuilds(&world);
}

#[test]
fn a_lost_camera_suspends_only_when_it_lasts_and_an_empty_chair_never() {
    let (mut world, _) = desk();
    let grace = PresenceCause::Grace;
    assert_eq!(says(&mut world, 1, PresenceState::Absent, grace), [76]);
    let lasting = PresenceCause::Lasting;
    assert_eq!(
        says(&mut world, 1, PresenceState::Absent, lasting),
        [0_u16; 0]
    );
    assert_eq!(says(&mut world, 1, PresenceState::CameraLost, grace), [76]);
    assert_eq!(record(&world, 1).state, SessionState::Active);
    assert_eq!(
        says(&mut world, 1, PresenceState::CameraLost, lasting),
        [74]
    );
    let Some(Event::SessionSuspended(fact)) = world.last().pop() else {
        panic!("no suspension");
    };
    assert_eq!(fact.reason, reason::PRESENCE_UNKNOWN);
}

#[test]
fn lines_of_one_report_see_one_another_and_unknown_sessions_are_passed_over() {
    let (mut world, _) = desk();
    let unknown = SessionPresence {
        session: SessionId(id16(99)),
        ..line(PresenceState::Other, PresenceCause::Samples)
    };
    let other_tenant = SessionPresence {
        tenant: 2,
        ..line(PresenceState::Other, PresenceCause::Samples)
    };
    let lines = vec![
        unknown,
        other_tenant,
        line(PresenceState::Multiple, PresenceCause::Samples),
        line(PresenceState::Other, PresenceCause::Samples),
        line(PresenceState::Present, PresenceCause::Samples),
    ];
    world.done(report(1, lines));
    assert_eq!(world.last_kinds(), [76, 76, 74]);
    let Some(Event::PresenceChanged(second)) = world.last().into_iter().nth(1) else {
        panic!("no second change");
    };
    assert_eq!(
        (second.from, second.to),
        (PresenceState::Multiple, PresenceState::Other)
    );
}

#[test]
fn a_replica_that_joined_later_has_desktops_like_any_other() {
    let (mut world, _) = desk();
    let attached = report(
        4,
        vec![line(PresenceState::Present, PresenceCause::Attached)],
    );
    let refused = Err(Rejection::Invalid(Field::Presence));
    assert_eq!(world.run(attached.clone()), refused);
    world.done(crate::members::add(4));
    world.done(attached);
    assert_eq!(record(&world, 1).edge, 4);
    assert_rebuilds(&world);
}

#[test]
fn reports_of_strangers_and_without_measure_are_turned_away() {
    let (mut world, _) = desk();
    let one = line(PresenceState::Absent, PresenceCause::Grace);
    let refused = Err(Rejection::Invalid(Field::Presence));
    assert_eq!(world.run(report(9, vec![one])), refused);
    assert_eq!(world.run(report(1, vec![])), refused);
    let many = vec![one; PRESENCE_REPORTS_MAX + 1];
    assert_eq!(world.run(report(1, many)), refused);
    let summary = PresenceSummary {
        node: 1,
        from: Stamp(10),
        until: Stamp(20),
        sessions: 1,
        heartbeats: 6,
        root: Digest([3; 32]),
    };
    for wrong in [
        PresenceSummary { node: 4, ..summary },
        PresenceSummary {
            until: Stamp(9),
            ..summary
        },
        PresenceSummary {
            sessions: 0,
            ..summary
        },
        PresenceSummary {
            heartbeats: 0,
            ..summary
        },
    ] {
        assert_eq!(world.run(Command::PresenceSummary(wrong)), refused);
    }
    world.done(Command::PresenceSummary(summary));
    assert_eq!(world.last_kinds(), [77]);
}
