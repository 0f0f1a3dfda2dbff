//! Notices that nobody answers, and policies that end while somebody is asked.

use akashi_domain::answer::{Rejection, Reply};
use akashi_domain::command::{Command, NoticeAnswer, RetirePolicy};
use akashi_domain::event::Event;
use akashi_domain::outcome::{AgentView, Outcome, reason};

use super::world::{CHALLENGE_TTL, PIN, POLICY, SECOND, TENANT, VERIFIED, World, body};

fn retire(world: &mut World, version: u32) -> Result<Reply, Rejection> {
    world.run(Command::RetirePolicy(RetirePolicy {
        tenant: TENANT.into(),
        policy: POLICY.into(),
        version,
    }))
}

#[test]
fn u09_a_notice_that_never_arrives_is_known_as_not_shown_and_still_waits_in_the_app() {
    let mut world = World::founded();
    let mut phone = world.customer(1);
    let challenge = world.call(phone.subject, 1);
    assert!(!world.challenge(challenge).opened);
    // The push is lost. The app polls when it is opened: the notice is there, with its token.
    world.after(CHALLENGE_TTL - SECOND);
    assert_eq!(world.prove(&mut phone, challenge, PIN), Ok(VERIFIED));
    // And if the app is never opened, the contact goes on unverified.
    let silent = world.call(phone.subject, 2);
    world.after(CHALLENGE_TTL).tick();
    let verdict = world.contact(2).verdict.unwrap();
    assert_eq!(
        (verdict.outcome, verdict.reason),
        (Outcome::Expired, reason::TIME_RAN_OUT)
    );
    assert_eq!(verdict.outcome.agent_view(), AgentView::TryAgain);
    assert!(!world.challenge(silent).opened, "nobody ever showed it");
}

#[test]
fn u10_a_notice_that_nobody_opens_is_shown_once_more_and_then_expires() {
    let mut world = World::founded();
    let phone = world.customer(1);
    let challenge = world.call(phone.subject, 1);
    let half = CHALLENGE_TTL / 2;
    assert!(world.after(half - 1).tick().is_empty());
    assert!(matches!(
        world.after(1).tick().as_slice(),
        [Event::NoticeReminded(fact)] if fact.challenge == challenge
    ));
    assert!(world.after(1).tick().is_empty(), "one reminder, not two");
    world.after(half).tick();
    assert_eq!(world.contact(1).verdict.unwrap().outcome, Outcome::Expired);

    // Whoever has seen it is not reminded; that it was seen is all that is known.
    let seen = world.call(phone.subject, 2);
    world.say(seen, NoticeAnswer::Opened).unwrap();
    assert!(world.after(half).tick().is_empty());
    assert!(world.challenge(seen).opened);
    world.after(half).tick();
    let verdict = world.contact(2).verdict.unwrap();
    assert_eq!(verdict.outcome, Outcome::Expired);
    assert_eq!(verdict.outcome.agent_view(), AgentView::TryAgain);
    let reminders = world.events();
    let reminders = reminders
        .iter()
        .filter(|event| matches!(event, Event::NoticeReminded(_)));
    assert_eq!(reminders.count(), 1);
}

#[test]
fn u33_a_challenge_keeps_the_policy_that_it_pinned_unless_that_is_retired() {
    let mut world = World::founded();
    let mut phone = world.customer(1);
    let pinned = world.call(phone.subject, 1);
    world.put_policy(POLICY, body());
    assert_eq!(world.prove(&mut phone, pinned, PIN), Ok(VERIFIED));
    assert_eq!(world.contact(1).verdict.unwrap().policy_version, 1);

    let newest = world.call(phone.subject, 2);
    let proof = world.submission(&mut phone, newest, PIN);
    assert_eq!(
        retire(&mut world, 0),
        Ok(Reply::PolicyRetired { version: 2 })
    );
    assert_eq!(world.last_kinds(), [43]);
    assert!(world.challenge(newest).verdict.is_none(), "not at once");
    // A good proof under a policy that no longer counts is no verdict.
    let superseded = Reply::Verdict {
        outcome: Outcome::Superseded,
        reason: reason::POLICY_RETIRED,
    };
    assert_eq!(
        world.run(Command::SubmitProof(proof)),
        Ok(superseded.clone())
    );
    assert_eq!(world.last_kinds(), [33]);
    let verdict = world.contact(2).verdict.unwrap();
    assert_eq!(verdict.outcome, Outcome::Superseded);
    // Nothing is announced under it, until there is a newer version.
    let announce = Command::AnnounceContact(World::announcement(phone.subject, 3));
    assert_eq!(world.run(announce), Err(Rejection::PolicyRetired));
    world.put_policy(POLICY, body());
    let again = world.call(phone.subject, 3);
    assert_eq!(world.prove(&mut phone, again, PIN), Ok(VERIFIED));
    assert_eq!(world.contact(3).verdict.unwrap().policy_version, 3);

    // Saying it twice changes nothing; a version that never was is none.
    assert_eq!(
        retire(&mut world, 2),
        Ok(Reply::PolicyRetired { version: 2 })
    );
    assert!(world.last().is_empty());
    assert_eq!(retire(&mut world, 9), Err(Rejection::UnknownPolicy));
    // A phone that only shows the notice learns it as well.
    let shown = world.call(phone.subject, 4);
    retire(&mut world, 3).unwrap();
    assert_eq!(world.say(shown, NoticeAnswer::Opened), Ok(superseded));
}
