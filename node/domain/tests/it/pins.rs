//! PIN rotation: a submission that holds may leave another PIN key behind, so that recorded proofs test
//! no PIN later.

use akashi_domain::answer::{Field, Rejection, Reply};
use akashi_domain::command::{Command, FactorProof};
use akashi_domain::event::Event;
use akashi_domain::ids::{ChallengeId, Digest};
use akashi_domain::outcome::Outcome;
use akashi_proof::Reason;

use crate::laws::{assert_rebuilds, assert_replays};
use crate::phone::{PIN, Phone};
use crate::world::World;

fn scene() -> (World, Phone, ChallengeId) {
    let mut world = World::founded();
    let phone = world.customer(1);
    let challenge = world.call(phone.subject, 1);
    (world, phone, challenge)
}

fn both(world: &World, phone: &mut Phone, challenge: ChallengeId, pin: &str) -> Vec<FactorProof> {
    let context = world.context(challenge);
    let now = phone.knowledge(&context, pin);
    vec![now, phone.next_pin(&context, PIN)]
}

#[test]
fn full_success_replaces_the_key_and_the_old_one_is_worth_nothing() {
    let (mut world, mut phone, challenge) = scene();
    let parts = both(&world, &mut phone, challenge, PIN);
    let (next, proof) = (parts[1].attachment.clone(), parts[1].proof.clone());
    let proofs = phone.with_possession(&world.context(challenge), parts);
    let submission = world.submission(&phone, challenge, proofs);
    let reply = world.done(Command::SubmitProof(submission.clone()));
    assert!(matches!(
        reply,
        Reply::Verdict {
            outcome: Outcome::Verified,
            ..
        }
    ));
    assert_eq!(world.last_kinds(), [31, 16, 32, 33]);
    // Neither K′ nor its proof is in the evidence; both test PINs.
    let events = world.last();
    let Event::ProofHeld(held) = &events[0] else {
        panic!("nothing held");
    };
    let kept = &held.evidence.factors[2];
    assert!(kept.proof.is_empty() && kept.instance.is_empty());
    let digests = [Digest::of(&proof).0, Digest::of(&next).0].concat();
    assert_eq!(kept.attachment, digests);
    let device = world.subject(phone.subject).device.unwrap();
    assert_eq!(device.pin_key.as_slice(), next);
    assert_eq!(device.pin_epoch, 1);
    // A repeat is answered as it was and replaces nothing.
    let again = world.done(Command::SubmitProof(submission));
    assert_eq!(again, reply);
    assert!(world.last().is_empty());

    // The next call says which key it asks for; the old one is a wrong PIN now.
    let second = world.call(phone.subject, 2);
    assert_eq!(world.challenge(second).pin_epoch, 1);
    let reply = world.prove(&mut phone, second, PIN).unwrap();
    assert!(matches!(reply, Reply::Refused { reason: 17, .. }));
    assert_eq!(world.subject(phone.subject).pin.failures, 1);
    phone.epoch = 1;
    world.prove(&mut phone, second, PIN).unwrap();
    assert_eq!(world.subject(phone.subject).pin.failures, 0);
    assert_replays(&world);
    assert_rebuilds(&world);
}

#[test]
fn anything_less_than_full_success_leaves_the_key_as_it_is() {
    let (mut world, mut phone, challenge) = scene();
    let before = world.subject(phone.subject).device.unwrap();
    let parts = both(&world, &mut phone, challenge, "0000");
    let reply = world.show(&mut phone, challenge, parts);
    assert!(matches!(reply, Ok(Reply::Refused { reason: 17, .. })));
    assert_eq!(world.subject(phone.subject).pin.failures, 1);
    // A next key that is not proved fails, and is no wrong PIN.
    let mut parts = both(&world, &mut phone, challenge, PIN);
    phone.epoch = 7;
    let other = phone.next_pin(&world.context(challenge), PIN);
    phone.epoch = 0;
    parts[1].attachment = other.attachment;
    let reply = world.show(&mut phone, challenge, parts);
    assert!(matches!(reply, Ok(Reply::Refused { reason: 17, .. })));
    let Some(Event::ProofRefused(refused)) = world.last().into_iter().next() else {
        panic!("no refusal");
    };
    assert_eq!((refused.failed_kind, refused.failed_slot), (2, 1));
    assert!(!refused.pin_counted);
    assert_eq!(world.subject(phone.subject).pin.failures, 1);
    // Exchanged on the way: possession does not hold, and nothing counts.
    let parts = both(&world, &mut phone, challenge, PIN);
    let mut proofs = phone.with_possession(&world.context(challenge), parts);
    proofs[2].attachment = phone.pin_key().to_vec();
    let submission = world.submission(&phone, challenge, proofs);
    let reply = world.done(Command::SubmitProof(submission));
    assert!(matches!(reply, Reply::Refused { reason: 0, .. }));
    assert_eq!(world.subject(phone.subject).device.unwrap(), before);
    assert_replays(&world);
}

#[test]
fn a_next_key_comes_with_the_pin_and_is_a_key() {
    let (mut world, mut phone, challenge) = scene();
    let misplaced = Err(Rejection::Invalid(Field::Proofs));
    let parts = both(&world, &mut phone, challenge, PIN);
    let alone = vec![parts[1].clone()];
    assert_eq!(world.show(&mut phone, challenge, alone), misplaced);
    for attachment in [Vec::new(), vec![0; 32], vec![0xff; 32], vec![1; 31]] {
        let mut wrong = parts.clone();
        wrong[1].attachment = attachment;
        assert_eq!(world.show(&mut phone, challenge, wrong), misplaced);
    }
    let mut third = parts.clone();
    third[1].slot = 2;
    assert_eq!(world.show(&mut phone, challenge, third), misplaced);
    let swapped = vec![parts[1].clone(), parts[0].clone()];
    assert_eq!(world.show(&mut phone, challenge, swapped), misplaced);
    assert!(world.last().is_empty());
    assert_eq!(Reason::EquationFailed.code(), 17);
}

#[test]
fn enrolling_proves_one_pin_and_no_next_one() {
    let mut world = World::founded();
    let mut phone = Phone::new(crate::world::ORIGIN, crate::world::TENANT, "customer-1", 1);
    let open = world.open_enrolment(phone.subject, 1);
    world.done(Command::OpenEnrolment(open));
    let (_, context) = world.invitation(1);
    let now = phone.knowledge(&context, PIN);
    let parts = vec![now, phone.next_pin(&context, PIN)];
    let mut complete = world.complete(&mut phone, 1);
    complete.proofs = phone.with_possession(&context, parts);
    assert_eq!(
        world.run(Command::CompleteEnrolment(complete)),
        Err(Rejection::Invalid(Field::Proofs))
    );
}
