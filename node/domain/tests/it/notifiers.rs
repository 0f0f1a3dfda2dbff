//! What notifiers say of notices is recorded, a little of it, and decides nothing.

use akashi_domain::answer::{Rejection, Reply};
use akashi_domain::command::{Command, Delivery, ReportNotice};
use akashi_domain::event::Event;
use akashi_domain::ids::ChallengeId;
use akashi_domain::limits::NOTICE_FAILURES_RECORDED_MAX;
use akashi_domain::records::Sent;
use akashi_domain::state::Records as _;

use crate::laws::{assert_rebuilds, assert_replays};
use crate::phone::PIN;
use crate::world::{TENANT, World};

fn says(challenge: ChallengeId, delivery: Delivery, reason: u16) -> Command {
    Command::ReportNotice(ReportNotice {
        tenant: TENANT.into(),
        challenge,
        delivery,
        reason,
    })
}

#[test]
fn a_notice_fails_a_few_times_and_is_delivered_once_and_then_nothing_more_is_recorded() {
    let mut world = World::founded();
    let mut phone = world.customer(1);
    let challenge = world.call(phone.subject, 1);
    for attempt in 0..NOTICE_FAILURES_RECORDED_MAX + 2 {
        let reply = world.done(says(challenge, Delivery::Failed, 410));
        assert_eq!(reply, Reply::Done);
        let recorded = usize::from(attempt < NOTICE_FAILURES_RECORDED_MAX);
        assert_eq!(world.last().len(), recorded, "{attempt}");
    }
    world.done(says(challenge, Delivery::Delivered, 0));
    assert_eq!(world.last_kinds(), [91]);
    world.done(says(challenge, Delivery::Delivered, 0));
    assert!(world.last().is_empty());
    let sent = world.state.sent(1, challenge).unwrap();
    let failures = NOTICE_FAILURES_RECORDED_MAX;
    assert_eq!(
        sent,
        Sent {
            delivered: true,
            failures
        }
    );
    // The phone proves as ever, whatever was said; then it is over.
    world.prove(&mut phone, challenge, PIN).unwrap();
    let other = world.call(phone.subject, 2);
    world.done(says(challenge, Delivery::Failed, 1));
    assert!(world.last().is_empty());
    world.done(says(other, Delivery::Failed, 1));
    let Some(Event::NoticeFailed(fact)) = world.last().pop() else {
        panic!("not recorded");
    };
    assert_eq!((fact.challenge, fact.reason), (other, 1));
    let unknown = world.run(says(ChallengeId([9; 16]), Delivery::Failed, 1));
    assert_eq!(unknown, Err(Rejection::UnknownChallenge));
    assert_replays(&world);
    assert_rebuilds(&world);
}
