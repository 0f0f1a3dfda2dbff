//! Time: it comes from entries, never runs backwards, and fires what is due in bounded batches.

use akashi_domain::answer::{Rejection, Reply};
use akashi_domain::command::{Command, CreateTenant};
use akashi_domain::event::{self, Event};
use akashi_domain::ids::{EnrolmentId, Stamp, SubjectHash};
use akashi_domain::kv::{Table, View as _};
use akashi_domain::limits::TIMERS_PER_ENTRY_MAX;
use akashi_domain::outcome::{Outcome, reason};
use akashi_domain::state::Records as _;

use crate::laws::{assert_rebuilds, assert_replays};
use crate::world::{CHALLENGE_TTL, SECOND, TENANT, World, id16};

#[test]
fn cluster_time_never_runs_backwards() {
    let mut world = World::founded();
    world.after(10 * SECOND);
    world.tick();
    let late = world.state.progress().unwrap().stamp;
    world.now -= 9 * SECOND;
    world.tick();
    assert_eq!(world.state.progress().unwrap().stamp, late);
}

#[test]
fn a_command_past_its_deadline_has_no_effect() {
    let mut world = World::founded();
    let mut request = world.request(Command::CreateTenant(CreateTenant {
        tenant: "late".into(),
    }));
    request.not_after = Stamp(world.now - 1);
    assert_eq!(world.send(request.clone()).result, Err(Rejection::TooLate));
    assert!(world.state.tenant("late").unwrap().is_none());
    // In the very microsecond it still counts; a retry after it gets the stored answer.
    request.not_after = Stamp(world.now);
    assert_eq!(world.send(request.clone()).result, Ok(Reply::Done));
    world.after(SECOND);
    let again = world.send(request);
    assert_eq!(
        (again.result, again.placement.repeated),
        (Ok(Reply::Done), true)
    );
}

#[test]
fn a_challenge_expires_by_itself_with_the_first_entry_that_is_late_enough() {
    let mut world = World::founded();
    let phone = world.customer(1);
    let challenge = world.call(phone.subject, 1);
    world.after(CHALLENGE_TTL - 1);
    // The phone is reminded once; nothing ends before its time.
    assert!(world.tick().iter().all(|event| event.kind() == 37));
    world.after(1);
    let events = world.tick();
    let [
        Event::VerdictReached(event::VerdictReached {
            outcome,
            reason: why,
            ..
        }),
    ] = events.as_slice()
    else {
        panic!("{events:?}")
    };
    assert_eq!((*outcome, *why), (Outcome::Expired, reason::TIME_RAN_OUT));
    assert_eq!(world.subject(phone.subject).open, None);
    assert!(world.challenge(challenge).verdict.is_some());
    assert!(
        world
            .state
            .scan(Table::Timer, &[], &[u8::MAX; 9], 9)
            .unwrap()
            .is_empty()
    );
}

#[test]
fn an_invitation_expires_by_itself() {
    let mut world = World::founded();
    let subject = SubjectHash::of(TENANT, "slow");
    let open = world.open_enrolment(subject, 1);
    world.done(Command::OpenEnrolment(open));
    world.after(86_400 * SECOND);
    let events = world.tick();
    assert!(
        matches!(events.as_slice(), [Event::EnrolmentExpired(_)]),
        "{events:?}"
    );
    assert!(
        world
            .state
            .enrolment(1, EnrolmentId(id16(1)))
            .unwrap()
            .unwrap()
            .closed
    );
}

#[test]
fn timers_fire_in_bounded_batches_and_late_ones_still_count_as_expired() {
    let mut world = World::founded();
    let invitations = u64::try_from(TIMERS_PER_ENTRY_MAX).unwrap() + 10;
    let requests = (1..=invitations)
        .map(|number| {
            let subject = SubjectHash::of(TENANT, &format!("s{number}"));
            let open = world.open_enrolment(subject, number);
            world.request(Command::OpenEnrolment(open))
        })
        .collect();
    world.entry(requests);
    world.after(86_400 * SECOND);
    assert_eq!(world.tick().len(), TIMERS_PER_ENTRY_MAX);
    let still_open = world
        .state
        .enrolment(1, EnrolmentId(id16(invitations)))
        .unwrap()
        .unwrap();
    assert!(!still_open.closed);
    assert_eq!(world.tick().len(), 10);
    assert!(world.tick().is_empty());
    assert_replays(&world);
    assert_rebuilds(&world);
}
