//! Orders: offering one, approving it, and everything that keeps a consent to one order from being a
//! consent to another.

use akashi_domain::answer::{Field, Rejection, Reply};
use akashi_domain::command::{Command, FactorProof, NoticeAnswer, OfferOrder};
use akashi_domain::ids::{ChallengeId, ContactId, OrderId, Stamp};
use akashi_domain::outcome::{Outcome, reason};
use akashi_domain::policy::{PolicyBody, PredicateTest};
use akashi_domain::records::Order;
use akashi_domain::state::Records as _;
use akashi_proof::{
    Opening, Range, RangeBits, RangeTest, RangeWitness, Reason, prove, sealed_digest,
};

use crate::laws::{assert_rebuilds, assert_replays};
use crate::phone::{PIN, Phone};
use crate::wallet::{Desk, ORDER_POLICY, consent_body, openings, payload, predicate, rule};
use crate::world::{POLICY, SECOND, World, id16};

const TEXT: &[u8] = b"sealed for the processor";
const CONTACT: ContactId = ContactId([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
const ORDER: OrderId = OrderId([1; 16]);

/// A customer on a verified call.
fn verified_call() -> (World, Phone) {
    let mut world = World::founded();
    let mut phone = world.customer(1);
    world.put_policy(ORDER_POLICY, consent_body());
    let call = world.call(phone.subject, 1);
    world.prove(&mut phone, call, PIN).unwrap();
    (world, phone)
}

/// The challenge of an order.
fn offered(world: &mut World, command: OfferOrder) -> ChallengeId {
    match world.done(Command::OfferOrder(command)) {
        Reply::Announced {
            challenge,
            outcome: None,
            ..
        } => challenge,
        other => panic!("no challenge: {other:?}"),
    }
}

fn offer(world: &mut World) -> ChallengeId {
    let command = world.offer(1, 1, &[]);
    offered(world, command)
}

fn order(world: &World) -> Order {
    world.state.order(1, CONTACT, ORDER).unwrap().unwrap()
}

fn reason_of(reply: Result<Reply, Rejection>) -> u16 {
    match reply {
        Ok(Reply::Refused { reason, .. }) => reason,
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn an_approved_order_has_its_verdict_and_leaves_the_payload_for_the_processor() {
    let (mut world, mut phone) = verified_call();
    let contact = world.state.contact(1, CONTACT).unwrap().unwrap();
    let challenge = offer(&mut world);
    assert_eq!(world.last_kinds(), [50, 22]);
    let consent = world.consent(&mut phone, challenge, &[], TEXT);
    let reply = world.show(&mut phone, challenge, vec![consent.clone()]);
    assert!(matches!(
        reply,
        Ok(Reply::Verdict {
            outcome: Outcome::Verified,
            ..
        })
    ));
    assert_eq!(world.last_kinds(), [31, 32, 33, 51]);
    let order = order(&world);
    assert_eq!(order.challenge, challenge);
    assert_eq!(order.verdict.unwrap().outcome, Outcome::Verified);
    assert_eq!(order.sealed_digest.0, sealed_digest(b"EKEY", TEXT));
    let sealed = world
        .state
        .sealed_order(1, CONTACT, ORDER)
        .unwrap()
        .unwrap();
    assert_eq!(sealed.payload, payload(TEXT));
    // The contact's own verdict is what it was.
    assert_eq!(world.state.contact(1, CONTACT).unwrap().unwrap(), contact);
    // Evidence keeps the digest, never the payload.
    let events = world.last();
    let akashi_domain::event::Event::ProofHeld(held) = &events[0] else {
        panic!("nothing held");
    };
    assert_eq!(
        held.evidence.factors[1].attachment,
        sealed_digest(b"EKEY", TEXT)
    );
    // The same again is answered from memory.
    let again = world.consent(&mut phone, challenge, &[], TEXT);
    assert_ne!(again.proof, consent.proof);
    assert_replays(&world);
    assert_rebuilds(&world);
    // After its time the payload is gone.
    assert_eq!(order.payload_until, Stamp(world.now + 86_400 * SECOND));
    world.after(86_400 * SECOND);
    world.tick();
    assert_eq!(world.last_kinds(), [52]);
    assert_eq!(world.state.sealed_order(1, CONTACT, ORDER).unwrap(), None);
    assert_rebuilds(&world);
}

#[test]
fn only_a_verified_open_contact_is_offered_an_order() {
    let (mut world, phone) = verified_call();
    let good = world.offer(1, 1, &[]);
    let rejected = |world: &mut World, command: OfferOrder, why| {
        assert_eq!(world.run(Command::OfferOrder(command)), Err(why));
        assert!(world.last().is_empty());
    };
    let unknown = world.offer(9, 1, &[]);
    rejected(&mut world, unknown, Rejection::UnknownContact);
    for (wrong, field) in [
        (
            OfferOrder {
                order_hash: [0; 32],
                ..good.clone()
            },
            Field::Order,
        ),
        (
            OfferOrder {
                order: OrderId::ZERO,
                ..good.clone()
            },
            Field::Order,
        ),
        (
            OfferOrder {
                amounts: vec![[0xff; 32]],
                ..good.clone()
            },
            Field::Order,
        ),
        (
            OfferOrder {
                policy: POLICY.into(),
                ..good.clone()
            },
            Field::Policy,
        ),
    ] {
        rejected(&mut world, wrong, Rejection::Invalid(field));
    }
    let mut late = world.clone();
    late.after(601 * SECOND);
    rejected(&mut late, good.clone(), Rejection::NotVerified);
    let mut closed = world.clone();
    let close = closed.close(1);
    closed.done(close);
    rejected(&mut closed, good.clone(), Rejection::ContactClosed);
    // A call that waits for its answer is not pushed aside.
    let mut called = world.clone();
    called.call(phone.subject, 2);
    rejected(&mut called, good.clone(), Rejection::ChallengeOpen);
    let unverified = called.offer(2, 1, &[]);
    rejected(&mut called, unverified, Rejection::NotVerified);
    offered(&mut world, good.clone());
    rejected(&mut world, good, Rejection::Exists(Field::Order));
    // And a policy of consent makes no call.
    let announce = akashi_domain::command::AnnounceContact {
        policy: ORDER_POLICY.into(),
        ..world.announcement(phone.subject, 7)
    };
    assert_eq!(
        world.run(Command::AnnounceContact(announce)),
        Err(Rejection::Invalid(Field::Policy))
    );
}

#[test]
fn a_consent_is_worth_nothing_for_another_order_recipient_or_payload() {
    let (mut world, mut phone) = verified_call();
    let first = offer(&mut world);
    let consent = world.consent(&mut phone, first, &[], TEXT);
    // A newer order takes the place of one that waits.
    let second = OfferOrder {
        order_hash: [0x0b; 32],
        ..world.offer(1, 2, &[])
    };
    let second = offered(&mut world, second);
    assert_eq!(world.last_kinds(), [50, 33, 22]);
    let superseded = order(&world).verdict.unwrap();
    assert_eq!(superseded.outcome, Outcome::Superseded);
    assert_eq!(superseded.reason, reason::NEWER_ORDER);
    let reply = world.show(&mut phone, second, vec![consent]);
    assert_eq!(reason_of(reply), Reason::EquationFailed.code());
    // The payload exchanged on the way: possession covers it.
    let consent = world.consent(&mut phone, second, &[], TEXT);
    let mut proofs = phone.with_possession(&world.context(second), vec![consent.clone()]);
    proofs[1].attachment = payload(b"sealed for somebody else");
    let submission = world.submission(&phone, second, proofs);
    assert_eq!(reason_of(world.run(Command::SubmitProof(submission))), 0);
    // The payload exchanged by the phone itself: the consent covers it too.
    let exchanged = FactorProof {
        attachment: payload(b"sealed for somebody else"),
        ..consent
    };
    let reply = world.show(&mut phone, second, vec![exchanged]);
    assert_eq!(reason_of(reply), Reason::EquationFailed.code());
    // Another recipient than the policy's.
    let mut body = consent_body();
    body.consent = body.consent.map(|mut rule| {
        rule.recipient = [0x4f; 32];
        rule
    });
    world.put_policy(ORDER_POLICY, body);
    let third = world.offer(1, 3, &[]);
    let third = offered(&mut world, third);
    let consent = world.consent(&mut phone, third, &[], TEXT);
    let reply = world.show(&mut phone, third, vec![consent]);
    assert_eq!(reason_of(reply), Reason::EquationFailed.code());
    assert_eq!(world.state.sealed_order(1, CONTACT, ORDER).unwrap(), None);
    assert_replays(&world);
}

#[test]
fn consent_goes_with_its_purpose_and_its_payload_or_not_at_all() {
    let (mut world, mut phone) = verified_call();
    let challenge = offer(&mut world);
    let misplaced = Err(Rejection::Invalid(Field::Proofs));
    let consent = world.consent(&mut phone, challenge, &[], TEXT);
    for attachment in [
        Vec::new(),
        vec![1],
        vec![9, 0, 1],
        payload(&[]),
        payload(&[0; 1_025]),
    ] {
        let wrong = FactorProof {
            attachment,
            ..consent.clone()
        };
        // What cannot be taken apart has no digest either; the door is before possession.
        let proofs = vec![
            phone
                .with_possession(&world.context(challenge), vec![])
                .remove(0),
            wrong,
        ];
        let submission = world.submission(&phone, challenge, proofs);
        assert_eq!(world.run(Command::SubmitProof(submission)), misplaced);
    }
    let reply = world.show(&mut phone, challenge, Vec::new());
    assert_eq!(reason_of(reply), Reason::FactorMissing.code());
    // A call has no place for one.
    let call = world.call(phone.subject, 2);
    let reply = world.show(&mut phone, call, vec![consent]);
    assert_eq!(reply, misplaced);
}

#[test]
fn declining_running_out_and_closing_end_an_order_and_leave_the_contact_alone() {
    for (act, outcome) in [
        (0, Outcome::DeclinedByCustomer),
        (1, Outcome::Expired),
        (2, Outcome::Cancelled),
    ] {
        let (mut world, phone) = verified_call();
        let challenge = offer(&mut world);
        let answer = world.notice_answer(&phone, challenge, NoticeAnswer::Decline);
        let close = world.close(1);
        match act {
            0 => drop(world.done(answer)),
            1 => drop(world.after(120 * SECOND).tick()),
            _ => drop(world.done(close)),
        }
        assert_eq!(order(&world).verdict.unwrap().outcome, outcome);
        let contact = world.state.contact(1, CONTACT).unwrap().unwrap();
        assert_eq!(contact.verdict.unwrap().outcome, Outcome::Verified);
        assert_eq!(world.subject(phone.subject).open, None);
        assert_rebuilds(&world);
    }
}

#[test]
fn orders_count_as_notices_and_a_revoked_phone_is_asked_nothing() {
    let (mut world, phone) = verified_call();
    for order in 1..10 {
        let command = world.offer(1, order, &[]);
        offered(&mut world, command);
    }
    let command = world.offer(1, 77, &[]);
    let reply = world.done(Command::OfferOrder(command));
    assert!(matches!(
        reply,
        Reply::Announced {
            challenge: ChallengeId::ZERO,
            outcome: Some(Outcome::RateLimited),
            ..
        }
    ));
    assert_eq!(world.last_kinds(), [50, 33]);
    let limited = world.state.order(1, CONTACT, OrderId([77; 16]));
    let verdict = limited.unwrap().unwrap().verdict.unwrap();
    assert_eq!(verdict.outcome, Outcome::RateLimited);
    let revoke = world.revoke(phone.subject);
    world.done(revoke);
    let command = world.offer(1, 78, &[]);
    let reply = world.done(Command::OfferOrder(command));
    assert!(matches!(
        reply,
        Reply::Announced {
            outcome: Some(Outcome::NotEnrolled),
            ..
        }
    ));
    assert_rebuilds(&world);
}

/// A customer whose limit is 500, and an order of `amount`.
fn with_amount(amount: &Opening) -> (World, Phone, FactorProof, ChallengeId) {
    let (mut world, mut phone) = verified_call();
    let desk = Desk::new("bureau", 0x15);
    world.register_issuer(&desk);
    let held = world.credential(&mut phone, &desk, 1, &[500]);
    let body = PolicyBody {
        predicates: vec![rule(
            0,
            PredicateTest::CoversAmount {
                bits: 64,
                amount: 0,
            },
        )],
        ..consent_body()
    };
    world.put_policy(ORDER_POLICY, body);
    let command = world.offer(1, 1, &[amount.commitment()]);
    let challenge = offered(&mut world, command);
    let limit = &held.openings[0];
    let statement = Range::new(
        RangeBits::SixtyFour,
        &[RangeTest::AtLeastOther {
            value: limit.commitment(),
            other: amount.commitment(),
        }],
    )
    .unwrap();
    let witness = RangeWitness::new(&[limit, amount]);
    let context = world.context(challenge);
    // One about other numbers where there is none about these.
    let proof = prove(&context, &statement, &witness, &mut phone.dice).or_else(|_| {
        let two = &openings(&[3, 4]);
        let test = RangeTest::AtLeastOther {
            value: two[1].commitment(),
            other: two[0].commitment(),
        };
        let other = Range::new(RangeBits::SixtyFour, &[test]).unwrap();
        let witness = RangeWitness::new(&[&two[1], &two[0]]);
        prove(&context, &other, &witness, &mut phone.dice)
    });
    let proof = proof.unwrap();
    let part = predicate(5, (0, held.serial, 0), proof.to_bytes());
    (world, phone, part, challenge)
}

#[test]
fn a_limit_covers_a_hidden_amount_or_does_not() {
    for (amount, holds) in [(120, true), (501, false)] {
        let (mut world, mut phone, part, challenge) = with_amount(&openings(&[amount])[0]);
        let consent = world.consent(&mut phone, challenge, core::slice::from_ref(&part), TEXT);
        let reply = world.show(&mut phone, challenge, vec![part, consent]);
        if holds {
            assert!(matches!(reply, Ok(Reply::Verdict { .. })));
            let verdict = order(&world).verdict.unwrap();
            assert_eq!(
                (verdict.outcome, verdict.predicates),
                (Outcome::Verified, 1)
            );
        } else {
            assert_eq!(reason_of(reply), Reason::EquationFailed.code());
        }
    }
}

#[test]
fn a_negative_amount_is_covered_by_nothing() {
    // The commitment to five with its sign turned opens to minus five. The statement has a term that the
    // amount is not negative, so nobody finds a proof of it; the proof for five is none for minus five.
    let five = &openings(&[5])[0];
    let minus = "ac1766746112f72b79b7a368be156f91be5d5aea7d4265574a449ed9dba15119";
    let minus = hex::decode(minus).unwrap().try_into().unwrap();
    let (mut world, mut phone) = verified_call();
    let desk = Desk::new("bureau", 0x15);
    world.register_issuer(&desk);
    let held = world.credential(&mut phone, &desk, 1, &[500]);
    let test = PredicateTest::CoversAmount {
        bits: 64,
        amount: 0,
    };
    let body = PolicyBody {
        predicates: vec![rule(0, test)],
        ..consent_body()
    };
    world.put_policy(ORDER_POLICY, body);
    let mut command = world.offer(1, 1, &[]);
    command.amounts = vec![minus];
    let challenge = offered(&mut world, command);
    let limit = &held.openings[0];
    let statement = Range::new(
        RangeBits::SixtyFour,
        &[RangeTest::AtLeastOther {
            value: limit.commitment(),
            other: five.commitment(),
        }],
    )
    .unwrap();
    let witness = RangeWitness::new(&[limit, five]);
    let context = world.context(challenge);
    let proof = prove(&context, &statement, &witness, &mut phone.dice).unwrap();
    let part = predicate(5, (0, held.serial, 0), proof.to_bytes());
    let consent = world.consent(&mut phone, challenge, core::slice::from_ref(&part), TEXT);
    let reply = world.show(&mut phone, challenge, vec![part, consent]);
    assert_eq!(reason_of(reply), Reason::EquationFailed.code());
}

#[test]
fn an_order_without_the_amount_that_its_policy_compares_is_turned_away() {
    let (mut world, _) = verified_call();
    let test = PredicateTest::CoversAmount {
        bits: 64,
        amount: 1,
    };
    let body = PolicyBody {
        predicates: vec![rule(0, test)],
        ..consent_body()
    };
    world.put_policy(ORDER_POLICY, body);
    let amounts = [openings(&[5])[0].commitment()];
    let command = world.offer(1, 1, &amounts);
    assert_eq!(
        world.run(Command::OfferOrder(command)),
        Err(Rejection::Invalid(Field::Order))
    );
    assert_eq!(CONTACT.0, id16(1));
}
