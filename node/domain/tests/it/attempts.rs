//! Wrong answers: what is recorded, what is counted, what ends a challenge, what locks a PIN.

use akashi_domain::answer::{Rejection, Reply};
use akashi_domain::command::Command;
use akashi_domain::event::{self, Event};
use akashi_domain::ids::{ChallengeId, Stamp};
use akashi_domain::outcome::{Outcome, reason};
use akashi_proof::Reason;

use crate::phone::{PIN, Phone};
use crate::world::{ORIGIN, POLICY, SECOND, TENANT, World, body};

const WRONG: u16 = Reason::EquationFailed.code();
/// Event kinds, as `docs/events.md` numbers them.
const LOCKED: u16 = 15;
const REFUSED: u16 = 30;
const HELD: u16 = 31;
const CONSUMED: u16 = 32;
const VERDICT: u16 = 33;

fn with_customer() -> (World, Phone) {
    let mut world = World::founded();
    let phone = world.customer(1);
    (world, phone)
}

fn wrong_pin(world: &mut World, phone: &mut Phone, challenge: ChallengeId) -> Reply {
    world.prove(phone, challenge, "0000").unwrap()
}

#[test]
fn the_right_pin_on_the_right_phone_is_verified() {
    let (mut world, mut phone) = with_customer();
    let challenge = world.call(phone.subject, 1);
    let reply = world.prove(&mut phone, challenge, PIN).unwrap();
    assert_eq!(
        reply,
        Reply::Verdict {
            outcome: Outcome::Verified,
            reason: reason::NONE
        }
    );
    assert_eq!(world.last_kinds(), [HELD, CONSUMED, VERDICT]);
    let verdict = world.challenge(challenge).verdict.unwrap();
    assert_eq!(verdict.factors, 3);
    assert_eq!(verdict.not_after, Stamp(world.now + 600 * SECOND));
    assert_eq!(world.subject(phone.subject).open, None);
}

#[test]
fn five_wrong_pins_give_one_verdict_and_a_lock() {
    let (mut world, mut phone) = with_customer();
    let challenge = world.call(phone.subject, 1);
    for left in [4, 3, 2, 1] {
        let locked_until = Stamp::default();
        let reply = wrong_pin(&mut world, &mut phone, challenge);
        assert_eq!(
            reply,
            Reply::Refused {
                reason: WRONG,
                attempts_left: left,
                locked_until
            }
        );
        assert_eq!(world.last_kinds(), [REFUSED]);
    }
    let (outcome, why) = (Outcome::NotVerified, reason::ATTEMPTS_USED_UP);
    let reply = wrong_pin(&mut world, &mut phone, challenge);
    assert_eq!(
        reply,
        Reply::Verdict {
            outcome,
            reason: why
        }
    );
    assert_eq!(world.last_kinds(), [REFUSED, LOCKED, VERDICT]);
    let pin = world.subject(phone.subject).pin;
    assert_eq!(
        (pin.failures, pin.locked_until),
        (5, Stamp(world.now + 30 * SECOND))
    );
}

#[test]
fn nobody_without_the_phone_ends_a_challenge_or_learns_why() {
    let (mut world, mut phone) = with_customer();
    let mut thief = Phone::new(ORIGIN, TENANT, "customer-1", 99);
    let challenge = world.call(phone.subject, 1);
    for attempt in 1..=8 {
        let reply = world.prove(&mut thief, challenge, PIN).unwrap();
        let locked_until = Stamp::default();
        assert_eq!(
            reply,
            Reply::Refused {
                reason: 0,
                attempts_left: 0,
                locked_until
            }
        );
        let recorded: &[u16] = if attempt <= 5 { &[REFUSED] } else { &[] };
        assert_eq!(world.last_kinds(), recorded, "attempt {attempt}");
    }
    assert_eq!(world.challenge(challenge).refusals, 0);
    assert_eq!(world.subject(phone.subject).pin.failures, 0);
    let reply = world.prove(&mut phone, challenge, PIN).unwrap();
    assert_eq!(
        reply,
        Reply::Verdict {
            outcome: Outcome::Verified,
            reason: reason::NONE
        }
    );
}

#[test]
fn a_wrong_pin_without_the_phone_is_never_evaluated() {
    let (mut world, phone) = with_customer();
    let mut thief = Phone::new(ORIGIN, TENANT, "customer-1", 99);
    let challenge = world.call(phone.subject, 1);
    world.prove(&mut thief, challenge, "0000").unwrap();
    let Some(Event::ProofRefused(event::ProofRefused {
        possession_held,
        pin_counted,
        failed_kind,
        evidence,
        ..
    })) = world.last().pop()
    else {
        panic!("recorded")
    };
    assert!(!possession_held && !pin_counted);
    assert_eq!(failed_kind, 1);
    let held: Vec<_> = evidence.factors.iter().map(|factor| factor.held).collect();
    assert_eq!(held, [Some(false), None]);
}

#[test]
fn a_missing_pin_is_a_refusal_that_counts_against_the_challenge_only() {
    let (mut world, mut phone) = with_customer();
    let challenge = world.call(phone.subject, 1);
    for attempt in 1..=5_u8 {
        let proofs = phone.possession_only(&world.context(challenge));
        let submission = world.submission(&phone, challenge, proofs);
        let reply = world.done(Command::SubmitProof(submission));
        if attempt < 5 {
            let missing = Reason::FactorMissing.code();
            let locked_until = Stamp::default();
            let attempts_left = 5 - attempt;
            assert_eq!(
                reply,
                Reply::Refused {
                    reason: missing,
                    attempts_left,
                    locked_until
                }
            );
        } else {
            let why = reason::ATTEMPTS_USED_UP;
            assert_eq!(
                reply,
                Reply::Verdict {
                    outcome: Outcome::NotVerified,
                    reason: why
                }
            );
        }
    }
    assert_eq!(world.subject(phone.subject).pin.failures, 0);
}

#[test]
fn wrong_pins_count_across_challenges_and_every_further_one_locks_twice_as_long() {
    let (mut world, mut phone) = with_customer();
    let mut contact = 0;
    for failure in 1..=10_u32 {
        contact += 1;
        let challenge = world.call(phone.subject, contact);
        wrong_pin(&mut world, &mut phone, challenge);
        let pin = world.subject(phone.subject).pin;
        assert_eq!(pin.failures, failure);
        let expected = match failure {
            1..5 => Stamp::default(),
            5..10 => Stamp(world.now + ((30 * SECOND) << (failure - 5))),
            _ => Stamp(u64::MAX),
        };
        assert_eq!(pin.locked_until, expected, "after {failure}");
        assert_eq!(pin.locked_for_good, failure == 10);
        // Past the lock, and past the window in which notices are counted.
        world.after(3_601 * SECOND);
        world.tick();
    }
    let challenge = world.call(phone.subject, 99);
    let refused = world.prove(&mut phone, challenge, PIN);
    assert_eq!(refused, Err(Rejection::PinLocked(Stamp(u64::MAX))));
    // Re-proofing opens it.
    world.enrol(&mut phone, 2);
    let challenge = world.call(phone.subject, 100);
    let reply = world.prove(&mut phone, challenge, PIN).unwrap();
    assert_eq!(
        reply,
        Reply::Verdict {
            outcome: Outcome::Verified,
            reason: reason::NONE
        }
    );
}

#[test]
fn while_a_pin_is_locked_none_is_evaluated_counted_or_recorded() {
    let (mut world, mut phone) = with_customer();
    let first = world.call(phone.subject, 1);
    for _ in 0..5 {
        wrong_pin(&mut world, &mut phone, first);
    }
    let until = world.subject(phone.subject).pin.locked_until;
    let second = world.call(phone.subject, 2);
    for pin in ["0000", PIN] {
        assert_eq!(
            world.prove(&mut phone, second, pin),
            Err(Rejection::PinLocked(until))
        );
        assert!(world.last().is_empty());
    }
    // A stranger does not even learn that it is locked.
    let mut thief = Phone::new(ORIGIN, TENANT, "customer-1", 99);
    let reply = world.prove(&mut thief, second, PIN).unwrap();
    assert!(matches!(
        reply,
        Reply::Refused {
            reason: 0,
            attempts_left: 0,
            ..
        }
    ));
    world.after(30 * SECOND);
    let reply = world.prove(&mut phone, second, PIN).unwrap();
    assert_eq!(
        reply,
        Reply::Verdict {
            outcome: Outcome::Verified,
            reason: reason::NONE
        }
    );
    assert_eq!(world.subject(phone.subject).pin.failures, 0);
}

#[test]
fn a_success_begins_the_count_again() {
    let (mut world, mut phone) = with_customer();
    let challenge = world.call(phone.subject, 1);
    for pin in ["0000", "1111", "2222", "3333", PIN] {
        world.prove(&mut phone, challenge, pin).unwrap();
    }
    assert_eq!(world.subject(phone.subject).pin.failures, 0);
    let challenge = world.call(phone.subject, 2);
    for _ in 0..4 {
        wrong_pin(&mut world, &mut phone, challenge);
        assert_eq!(world.last_kinds(), [REFUSED]);
    }
}

#[test]
fn a_policy_without_a_pin_takes_possession_alone() {
    let (mut world, mut phone) = with_customer();
    let body = akashi_domain::policy::PolicyBody {
        require_knowledge: false,
        ..body()
    };
    world.done(Command::PutPolicy(akashi_domain::command::PutPolicy {
        tenant: TENANT.into(),
        policy: POLICY.into(),
        body,
    }));
    let challenge = world.call(phone.subject, 1);
    let proofs = phone.possession_only(&world.context(challenge));
    let submission = world.submission(&phone, challenge, proofs);
    let reply = world.done(Command::SubmitProof(submission));
    assert_eq!(
        reply,
        Reply::Verdict {
            outcome: Outcome::Verified,
            reason: reason::NONE
        }
    );
    assert_eq!(world.challenge(challenge).verdict.unwrap().factors, 2);
}

#[test]
fn a_proof_for_another_call_is_a_recorded_refusal() {
    let (mut world, mut phone) = with_customer();
    let mut other = world.customer(2);
    let theirs = world.call(other.subject, 2);
    let mine = world.call(phone.subject, 1);
    // The same phone, bound to the other customer's challenge.
    let proofs = phone.proofs(&world.context(theirs), PIN);
    let submission = world.submission(&phone, mine, proofs);
    let reply = world.done(Command::SubmitProof(submission));
    assert!(
        matches!(
            reply,
            Reply::Refused {
                reason: 0,
                attempts_left: 0,
                ..
            }
        ),
        "{reply:?}"
    );
    assert_eq!(world.last_kinds(), [REFUSED]);
    // And the other phone's own proof, sent to this challenge.
    let proofs = other.proofs(&world.context(theirs), PIN);
    let submission = world.submission(&phone, mine, proofs);
    world.done(Command::SubmitProof(submission));
    assert_eq!(world.last_kinds(), [REFUSED]);
    assert!(world.challenge(mine).verdict.is_none());
}
