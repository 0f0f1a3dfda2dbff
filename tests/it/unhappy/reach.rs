//! Customers whom the usual way does not reach: no phone, not enrolled, not willing, not alone, not themselves.

use akashi_domain::answer::{Rejection, Reply};
use akashi_domain::command::{
    AnnounceContact, Command, GrantDelegation, NoticeAnswer, RecordFallback, RevokeDelegation,
    SetOptOut,
};
use akashi_domain::event::Event;
use akashi_domain::ids::{Stamp, SubjectHash, Tag};
use akashi_domain::outcome::{Outcome, limit, reason};
use akashi_domain::policy::{Grants, PolicyBody};
use akashi_domain::records::FallbackKind;

use super::world::{PIN, Phone, SECOND, TENANT, VERIFIED, World, body, contact_id};

const FULL: u32 = 0xff;
const LIMITED: u32 = 0x0f;

/// A call policy that counts these weaker ways, and grants less where something speaks against full trust.
pub(crate) fn graded(fallbacks: &[FallbackKind]) -> PolicyBody {
    PolicyBody {
        grants: Grants {
            scope: FULL,
            limited: LIMITED,
            fallbacks: fallbacks.iter().fold(0, |bits, kind| bits | kind.bit()),
            ..Grants::default()
        },
        ..body()
    }
}

pub(crate) fn graded_world(fallbacks: &[FallbackKind]) -> World {
    let mut world = World::founded();
    world.put_policy(super::world::POLICY, graded(fallbacks));
    world
}

pub(crate) fn fallback(contact: u64, kind: FallbackKind, passed: bool) -> Command {
    Command::RecordFallback(RecordFallback {
        tenant: TENANT.into(),
        contact: contact_id(contact),
        kind,
        passed,
    })
}

fn stranger() -> SubjectHash {
    SubjectHash::of(TENANT, "customer-without")
}

#[test]
fn u01_without_a_smartphone_a_weaker_way_that_the_policy_lists_gives_a_verdict_with_less() {
    let mut world = graded_world(&[FallbackKind::LetterCode, FallbackKind::Callback]);
    let landline = World::announcement(stranger(), 1);
    assert_eq!(world.announce(landline), Err(Outcome::NotEnrolled));
    // What the policy does not list counts for nothing, and nothing is recorded of it.
    let branch = fallback(1, FallbackKind::Branch, true);
    assert_eq!(world.run(branch), Err(Rejection::FallbackNotAllowed));
    // What fails is a fact, and no verdict.
    let failed = fallback(1, FallbackKind::LetterCode, false);
    assert_eq!(world.done(failed), Reply::Done);
    assert_eq!(world.last_kinds(), [26]);
    let held = fallback(1, FallbackKind::LetterCode, true);
    assert_eq!(world.done(held), VERIFIED);
    let verdict = world.contact(1).verdict.unwrap();
    assert_eq!((verdict.outcome, verdict.aal), (Outcome::Verified, 1));
    assert_eq!((verdict.scope, verdict.limits), (LIMITED, limit::FALLBACK));
    assert_eq!((verdict.factors, verdict.match_code), (0, 0));
}

#[test]
fn u02_somebody_who_is_not_enrolled_is_said_to_be_so_and_questions_are_recorded_as_weak() {
    let mut world = graded_world(&[FallbackKind::Knowledge]);
    let call = World::announcement(stranger(), 1);
    assert_eq!(world.announce(call), Err(Outcome::NotEnrolled));
    let verdict = world.contact(1).verdict.unwrap();
    assert_eq!(
        verdict.outcome.agent_view(),
        akashi_domain::outcome::AgentView::Fail
    );
    let agent = world.agent(1);
    world.bind(1, agent).unwrap();
    assert_eq!(
        world.done(fallback(1, FallbackKind::Knowledge, true)),
        VERIFIED
    );
    let events = world.last();
    let [Event::FallbackUsed(used), Event::VerdictReached(reached)] = events.as_slice() else {
        panic!("a fallback and its verdict: {events:?}")
    };
    assert_eq!((used.kind, used.passed), (FallbackKind::Knowledge, true));
    assert_eq!(
        used.agent_tag,
        Tag([9; 16]),
        "who took the weak way is known"
    );
    assert_eq!(reached.good.limits, limit::FALLBACK);
}

#[test]
fn u03_who_opted_out_is_not_asked_before_the_time_is_over() {
    let mut world = graded_world(&[FallbackKind::Callback]);
    let phone = world.customer(1);
    let challenge = world.call(phone.subject, 1);
    let said = world.say(challenge, NoticeAnswer::OptOut).unwrap();
    let ended = Reply::Verdict {
        outcome: Outcome::OptedOut,
        reason: reason::CUSTOMER_OPTED_OUT,
    };
    assert_eq!(said, ended);
    assert_eq!(world.last_kinds(), [33, 19]);
    world.after(89 * 86_400 * SECOND);
    let again = World::announcement(phone.subject, 2);
    assert_eq!(world.announce(again), Err(Outcome::OptedOut));
    // There is another way, and the wish is respected meanwhile.
    assert_eq!(
        world.done(fallback(2, FallbackKind::Callback, true)),
        VERIFIED
    );
    world.after(2 * 86_400 * SECOND);
    assert!(
        world
            .announce(World::announcement(phone.subject, 3))
            .is_ok()
    );
    // The platform may be told as well, and told otherwise.
    let wish = |until| {
        Command::SetOptOut(SetOptOut {
            tenant: TENANT.into(),
            subject: phone.subject,
            until,
            subject_tag: Tag::ZERO,
        })
    };
    let until = Stamp(world.now + SECOND);
    world.done(wish(until));
    let asked = World::announcement(phone.subject, 4);
    assert_eq!(world.announce(asked), Err(Outcome::OptedOut));
    world.done(wish(Stamp(0)));
    assert!(
        world
            .announce(World::announcement(phone.subject, 5))
            .is_ok()
    );
    let too_long = wish(Stamp(u64::MAX));
    assert!(matches!(world.run(too_long), Err(Rejection::Invalid(_))));
}

#[test]
fn u04_on_a_shared_phone_not_me_ends_the_question_and_nobody_goes_on() {
    let mut world = World::founded();
    let phone = world.customer(1);
    let agent = world.agent(1);
    let challenge = world.call(phone.subject, 1);
    let said = world.say(challenge, NoticeAnswer::NotMe).unwrap();
    let declined = Reply::Verdict {
        outcome: Outcome::DeclinedByCustomer,
        reason: reason::WRONG_PARTY,
    };
    assert_eq!(said, declined);
    assert_eq!(world.bind(1, agent), Err(Rejection::ContactBlocked));
    // The other person of the phone has a handle and a device of their own.
    let mut other = world.customer(2);
    let second = world.call(other.subject, 2);
    assert_eq!(world.prove(&mut other, second, PIN), Ok(VERIFIED));
    assert_eq!(world.contact(2).limits, 0);
}

fn may_act(principal: SubjectHash, delegate: SubjectHash, scope: u32, until: u64) -> Command {
    Command::GrantDelegation(GrantDelegation {
        tenant: TENANT.into(),
        principal,
        delegate,
        scope,
        until: Stamp(until),
        principal_tag: Tag([1; 16]),
        delegate_tag: Tag([2; 16]),
    })
}

fn for_another(principal: SubjectHash, delegate: SubjectHash, contact: u64) -> AnnounceContact {
    AnnounceContact {
        delegate: Some(delegate),
        ..World::announcement(principal, contact)
    }
}

#[test]
fn u05_a_guardian_proves_with_their_own_phone_and_the_verdict_says_delegate() {
    let mut world = graded_world(&[]);
    let principal = stranger();
    let mut guardian: Phone = world.customer(2);
    let call = Command::AnnounceContact(for_another(principal, guardian.subject, 1));
    assert_eq!(world.run(call), Err(Rejection::NoDelegation));
    let until = world.now + 3_600 * SECOND;
    world.done(may_act(principal, guardian.subject, 0x35, until));
    let challenge = world
        .announce(for_another(principal, guardian.subject, 1))
        .unwrap();
    assert_eq!(world.challenge(challenge).subject, guardian.subject);
    assert_eq!(world.prove(&mut guardian, challenge, PIN), Ok(VERIFIED));
    let contact = world.contact(1);
    assert_eq!(contact.subject, principal);
    assert_eq!(contact.limits, limit::DELEGATE);
    assert_eq!(contact.scope, 0x35 & LIMITED, "scope of both, and no more");
    // It is looked at again when the answer comes.
    let challenge = world
        .announce(for_another(principal, guardian.subject, 2))
        .unwrap();
    world.done(Command::RevokeDelegation(RevokeDelegation {
        tenant: TENANT.into(),
        principal,
        delegate: guardian.subject,
    }));
    let over = Reply::Verdict {
        outcome: Outcome::NotVerified,
        reason: reason::DELEGATION_OVER,
    };
    assert_eq!(world.prove(&mut guardian, challenge, PIN), Ok(over));
    assert_eq!(world.contact(2).scope, 0);
    // And it ends by itself.
    let until = world.now + 10 * SECOND;
    world.done(may_act(principal, guardian.subject, 0xff, until));
    world.after(10 * SECOND);
    let late = Command::AnnounceContact(for_another(principal, guardian.subject, 3));
    assert_eq!(world.run(late), Err(Rejection::NoDelegation));
}
