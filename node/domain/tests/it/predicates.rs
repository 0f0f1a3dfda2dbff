//! Predicates on registered credentials: what holds, what does not, and what state says against it.

use akashi_domain::answer::{Field, Rejection, Reply};
use akashi_domain::command::{Command, FactorProof, RevokeCredential, RevokeIssuer};
use akashi_domain::event::{self, Event};
use akashi_domain::ids::{ChallengeId, Serial, Stamp};
use akashi_domain::outcome::{NO_LEVEL, Outcome};
use akashi_domain::policy::PredicateTest;
use akashi_proof::{
    Equals, InSet, Opening, Range, RangeBits, RangeTest, RangeWitness, Reason, Same, SameWitness,
    prove,
};

use crate::laws::{assert_rebuilds, assert_replays};
use crate::phone::Phone;
use crate::wallet::{Desk, Held, predicate, rule, source};
use crate::world::{SECOND, TENANT, World};

const AGE: PredicateTest = PredicateTest::AtLeast {
    bits: 32,
    bound: 20,
};

/// A customer with a credential of age 34 and country 392, and a call that asks for `tests`.
fn scene(tests: Vec<PredicateTest>) -> (World, Phone, Desk, Held, ChallengeId) {
    let mut world = World::founded();
    let mut phone = world.customer(1);
    let desk = Desk::new("bureau", 0x15);
    world.register_issuer(&desk);
    let held = world.credential(&mut phone, &desk, 1, &[34, 392]);
    let rules = tests
        .into_iter()
        .map(|test| match test {
            PredicateTest::Equals { .. } | PredicateTest::OneOf { .. } => rule(1, test),
            _ => rule(0, test),
        })
        .collect();
    world.ask(rules, None);
    let challenge = world.call(phone.subject, 1);
    (world, phone, desk, held, challenge)
}

fn range(
    world: &World,
    phone: &mut Phone,
    challenge: ChallengeId,
    (slot, held): (u8, &Held),
    test: RangeTest,
    bits: RangeBits,
) -> FactorProof {
    let statement = Range::new(bits, &[test]).unwrap();
    let witness = RangeWitness::new(&[&held.openings[0]]);
    let context = world.context(challenge);
    let proof = prove(&context, &statement, &witness, &mut phone.dice).unwrap();
    predicate(5, (slot, held.serial, 0), proof.to_bytes())
}

fn age(world: &World, phone: &mut Phone, challenge: ChallengeId, held: &Held) -> FactorProof {
    let value = held.openings[0].commitment();
    let test = RangeTest::AtLeast { value, bound: 20 };
    let bits = RangeBits::ThirtyTwo;
    range(world, phone, challenge, (0, held), test, bits)
}

fn refused(reply: Result<Reply, Rejection>) -> u16 {
    match reply {
        Ok(Reply::Refused { reason, .. }) => reason,
        other => panic!("not refused: {other:?}"),
    }
}

fn verified(reply: &Result<Reply, Rejection>) -> bool {
    matches!(
        reply,
        Ok(Reply::Verdict {
            outcome: Outcome::Verified,
            ..
        })
    )
}

fn last_refusal(world: &World) -> event::ProofRefused {
    match world.last().first() {
        Some(Event::ProofRefused(refused)) => refused.clone(),
        other => panic!("no refusal: {other:?}"),
    }
}

#[test]
fn every_kind_of_predicate_holds_and_has_its_bit() {
    let tests = vec![
        AGE,
        PredicateTest::AtMost {
            bits: 64,
            bound: 64,
        },
        PredicateTest::Within {
            bits: 64,
            low: 18,
            high: 64,
        },
        PredicateTest::OneOf {
            values: vec![392, 410],
        },
        PredicateTest::Equals { value: 392 },
    ];
    let (mut world, mut phone, _, held, challenge) = scene(tests);
    let value = held.openings[0].commitment();
    let country = &held.openings[1];
    let context = world.context(challenge);
    let equals = Equals {
        commitment: country.commitment(),
        value: 392,
    };
    let equals = prove(&context, &equals, country, &mut phone.dice).unwrap();
    let set = InSet::new(country.commitment(), &[392, 410]).unwrap();
    let set = prove(&context, &set, country, &mut phone.dice).unwrap();
    let wide = RangeBits::SixtyFour;
    let most = RangeTest::AtMost { value, bound: 64 };
    let within = RangeTest::Within {
        value,
        low: 18,
        high: 64,
    };
    let parts = vec![
        predicate(3, (4, held.serial, 1), equals.to_bytes()),
        age(&world, &mut phone, challenge, &held),
        range(&world, &mut phone, challenge, (1, &held), most, wide),
        range(&world, &mut phone, challenge, (2, &held), within, wide),
        predicate(6, (3, held.serial, 1), set.to_bytes()),
    ];
    assert!(verified(&world.show(&mut phone, challenge, parts)));
    let verdict = world.challenge(challenge).verdict.unwrap();
    assert_eq!(verdict.predicates, 0b1_1111);
    assert_eq!((verdict.factors, verdict.level), (2, NO_LEVEL));
    assert_replays(&world);
    assert_rebuilds(&world);
}

#[test]
fn a_value_of_two_credentials_is_the_same_or_is_not() {
    let (mut world, mut phone, desk, first, _) = scene(Vec::new());
    let second = world.credential(&mut phone, &desk, 2, &[7, 34]);
    world.ask(vec![rule(0, PredicateTest::SameAs(source(1)))], None);
    let challenge = world.call(phone.subject, 2);
    let same = |world: &World, phone: &mut Phone, one: &Opening, other: &Opening| {
        let statement = Same {
            first: one.commitment(),
            second: other.commitment(),
        };
        let witness = SameWitness::new(one, other);
        let context = world.context(challenge);
        prove(&context, &statement, &witness, &mut phone.dice).unwrap()
    };
    let proof = same(&world, &mut phone, &first.openings[0], &second.openings[1]);
    let part = FactorProof {
        second_serial: second.serial,
        ..predicate(4, (0, first.serial, 0), proof.to_bytes())
    };
    // Another second credential than the one that was proved about fails at possession, and counts
    // for nothing.
    let covered = phone.with_possession(&world.context(challenge), vec![part.clone()]);
    let mut exchanged = covered;
    exchanged[1].second_serial = first.serial;
    let submission = world.submission(&phone, challenge, exchanged);
    let reply = world.run(Command::SubmitProof(submission));
    assert_eq!(refused(reply), 0);
    assert_eq!(world.challenge(challenge).refusals, 0);
    assert!(verified(&world.show(&mut phone, challenge, vec![part])));
}

#[test]
fn a_predicate_that_fails_is_recorded_with_its_kind_and_slot_and_counts_for_no_pin() {
    let (mut world, mut phone, _, held, challenge) = scene(vec![AGE]);
    let value = held.openings[0].commitment();
    // A proof of another bound.
    let test = RangeTest::AtLeast { value, bound: 21 };
    let bits = RangeBits::ThirtyTwo;
    let part = range(&world, &mut phone, challenge, (0, &held), test, bits);
    let reply = world.show(&mut phone, challenge, vec![part]);
    assert_eq!(refused(reply), Reason::EquationFailed.code());
    let fact = last_refusal(&world);
    assert_eq!((fact.failed_kind, fact.failed_slot), (5, 0));
    assert!(fact.possession_held && !fact.pin_counted);
    assert_eq!(world.subject(phone.subject).pin.failures, 0);
    // The evidence says which credential it was about.
    let record = &fact.evidence.factors[1];
    assert_eq!(record.held, Some(false));
    assert_eq!(record.serial, held.serial);
    assert_eq!(record.attachment.len(), 32);
    assert!(!record.instance.is_empty());
}

#[test]
fn what_is_missing_is_recorded_and_what_was_not_asked_is_turned_away() {
    let (mut world, mut phone, _, held, challenge) = scene(vec![AGE]);
    let reply = world.show(&mut phone, challenge, Vec::new());
    assert_eq!(refused(reply), Reason::FactorMissing.code());
    let part = age(&world, &mut phone, challenge, &held);
    let misplaced = Err(Rejection::Invalid(Field::Proofs));
    // Another slot than the policy has; another kind than the slot's; a serial too many.
    let elsewhere = FactorProof {
        slot: 1,
        ..part.clone()
    };
    let kind = FactorProof {
        kind: 3,
        ..part.clone()
    };
    let second = FactorProof {
        second_serial: held.serial,
        ..part.clone()
    };
    let travels = FactorProof {
        attachment: vec![1],
        ..part.clone()
    };
    for wrong in [elsewhere, kind, second, travels] {
        assert_eq!(world.show(&mut phone, challenge, vec![wrong]), misplaced);
        assert!(world.last().is_empty());
    }
    let short = FactorProof {
        proof: vec![0; 64],
        ..part.clone()
    };
    assert_eq!(
        world.show(&mut phone, challenge, vec![short]),
        Err(Rejection::MalformedProof(Reason::Malformed.code()))
    );
    let twice = vec![part.clone(), part];
    assert_eq!(world.show(&mut phone, challenge, twice), misplaced);
}

#[test]
fn a_credential_that_the_rule_does_not_accept_is_as_good_as_none() {
    let (mut world, mut phone, desk, held, challenge) = scene(vec![AGE]);
    let stranger = Desk::new("shop", 0x16);
    world.register_issuer(&stranger);
    let paper = crate::wallet::Paper {
        issuer: "shop",
        ..crate::wallet::Paper::new(&phone, 8)
    };
    let openings = crate::wallet::openings(&[34]);
    let signed = paper.signed(&stranger, &phone, &crate::wallet::commitments(&openings));
    assert_eq!(world.register(&mut phone, 8, signed), Ok(Reply::Enrolled));
    let shops = Held {
        serial: paper.serial,
        openings,
    };
    let other_version = crate::wallet::Paper {
        schema_version: 2,
        ..crate::wallet::Paper::new(&phone, 9)
    };
    let openings = crate::wallet::openings(&[34]);
    let signed = other_version.signed(&desk, &phone, &crate::wallet::commitments(&openings));
    assert_eq!(world.register(&mut phone, 9, signed), Ok(Reply::Enrolled));
    let newer = Held {
        serial: other_version.serial,
        openings,
    };
    let of_shop = age(&world, &mut phone, challenge, &shops);
    let of_other_version = age(&world, &mut phone, challenge, &newer);
    let unknown = FactorProof {
        serial: Serial([0x99; 16]),
        ..age(&world, &mut phone, challenge, &held)
    };
    let attribute = FactorProof {
        attribute: 1,
        ..age(&world, &mut phone, challenge, &held)
    };
    for part in [of_shop, of_other_version, unknown, attribute] {
        let reply = world.show(&mut phone, challenge, vec![part]);
        assert_eq!(refused(reply), Reason::FactorMissing.code());
        assert_eq!(last_refusal(&world).failed_kind, 5);
    }
}

#[test]
fn expiry_and_revocations_are_read_when_the_entry_is_applied() {
    let revoke_credential = |world: &mut World, phone: &Phone, serial| {
        world.done(Command::RevokeCredential(RevokeCredential {
            tenant: TENANT.into(),
            subject: phone.subject,
            serial,
            reason: 1,
        }));
    };
    // Made before, sent after.
    let (mut world, mut phone, _, held, challenge) = scene(vec![AGE]);
    let part = age(&world, &mut phone, challenge, &held);
    revoke_credential(&mut world, &phone, held.serial);
    let reply = world.show(&mut phone, challenge, vec![part]);
    assert_eq!(refused(reply), Reason::CredentialRevoked.code());

    // The issuer's key is dead from the moment of the registration on, or only later.
    for (from, reason) in [(0, Some(Reason::IssuerRevoked)), (1, None)] {
        let (mut world, mut phone, desk, held, challenge) = scene(vec![AGE]);
        let part = age(&world, &mut phone, challenge, &held);
        world.after(SECOND);
        let registered = world.state_of(&held, &phone);
        world.done(Command::RevokeIssuer(RevokeIssuer {
            tenant: TENANT.into(),
            key_id: desk.key_id(),
            from: Stamp(registered.0 + from),
        }));
        let reply = world.show(&mut phone, challenge, vec![part]);
        match reason {
            Some(reason) => assert_eq!(refused(reply), reason.code()),
            None => assert!(verified(&reply)),
        }
    }

    // Its time is over.
    let (mut world, mut phone, _, held, _) = scene(vec![AGE]);
    world.after(100_001 * SECOND);
    let challenge = world.call(phone.subject, 2);
    let part = age(&world, &mut phone, challenge, &held);
    let reply = world.show(&mut phone, challenge, vec![part]);
    assert_eq!(refused(reply), Reason::CredentialExpired.code());
}

#[test]
fn a_change_between_a_submission_and_its_turn_counts_as_state_has_it() {
    let (mut world, mut phone, _, held, challenge) = scene(vec![AGE]);
    let part = age(&world, &mut phone, challenge, &held);
    let proofs = phone.with_possession(&world.context(challenge), vec![part]);
    let submission = Command::SubmitProof(world.submission(&phone, challenge, proofs));
    // A worker may have judged the proof by the state before.
    let now = Stamp(world.now);
    let ahead = akashi_domain::decide::submission_jobs(&world.state, now, &submission).unwrap();
    assert_eq!(ahead.len(), 2);
    let revoke = world.request(Command::RevokeCredential(RevokeCredential {
        tenant: TENANT.into(),
        subject: phone.subject,
        serial: held.serial,
        reason: 1,
    }));
    let submit = world.request(submission.clone());
    let answers = world.entry(vec![revoke, submit]).answers;
    assert_eq!(
        refused(answers[1].result.clone()),
        Reason::CredentialRevoked.code()
    );
    let ahead = akashi_domain::decide::submission_jobs(&world.state, now, &submission).unwrap();
    assert_eq!(ahead.len(), 1, "nothing to judge behind what state refuses");
    assert_replays(&world);
}

#[test]
fn a_new_device_leaves_the_credentials_of_the_old_one_behind() {
    let (mut world, phone, _, held, _) = scene(vec![AGE]);
    let mut newer = Phone::new(crate::world::ORIGIN, TENANT, "customer-1", 44);
    assert_eq!(newer.subject, phone.subject);
    world.enrol(&mut newer, 44);
    let challenge = world.call(newer.subject, 2);
    let part = age(&world, &mut newer, challenge, &held);
    let reply = world.show(&mut newer, challenge, vec![part]);
    assert_eq!(refused(reply), Reason::FactorMissing.code());
    assert_rebuilds(&world);
}

#[test]
fn a_garbage_part_beside_a_seen_possession_moves_nothing() {
    let (mut world, mut phone, _, held, challenge) = scene(vec![AGE]);
    let part = age(&world, &mut phone, challenge, &held);
    let mut seen = phone.with_possession(&world.context(challenge), vec![part.clone()]);
    let other = age(&world, &mut phone, challenge, &held);
    assert_ne!(other.proof, part.proof);
    seen[1] = other;
    let submission = world.submission(&phone, challenge, seen);
    let reply = world.run(Command::SubmitProof(submission));
    assert_eq!(refused(reply), 0);
    let fact = last_refusal(&world);
    assert!(!fact.possession_held);
    assert_eq!((fact.failed_kind, fact.judged.reason), (1, 17));
    assert_eq!(world.challenge(challenge).refusals, 0);
    assert!(verified(&world.show(&mut phone, challenge, vec![part])));
}
