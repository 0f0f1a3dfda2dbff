//! What an agent has learnt: a login proves it, and every further contact asks whether it still could be proved.

use akashi_domain::answer::Reply;
use akashi_domain::command::{Command, RevokeCredential};
use akashi_domain::outcome::reason;
use akashi_domain::policy::{AgentRule, PredicateTest};
use akashi_domain::records::SessionState;
use akashi_proof::{Range, RangeBits, RangeTest, RangeWitness, prove};

use crate::laws::assert_rebuilds;
use crate::phone::Phone;
use crate::sessions::{agent, asked, bind, contact, denied, logins_ask, open, record, scene, seen};
use crate::wallet::{Desk as Bureau, Held, predicate};
use crate::world::{TENANT, World};

const ADULT: PredicateTest = PredicateTest::AtLeast {
    bits: 32,
    bound: 20,
};

/// Logs in with a proof that the value of a credential is large enough.
fn prove_training(world: &mut World, phone: &mut Phone, held: &Held, login: u8) {
    let challenge = asked(world, login);
    let value = held.openings[0].commitment();
    let test = RangeTest::AtLeast { value, bound: 20 };
    let statement = Range::new(RangeBits::ThirtyTwo, &[test]).unwrap();
    let witness = RangeWitness::new(&[&held.openings[0]]);
    let context = world.context(challenge);
    let proof = prove(&context, &statement, &witness, &mut phone.dice).unwrap();
    let part = predicate(5, (0, held.serial, 0), proof.to_bytes());
    world.show(phone, challenge, vec![part]).unwrap();
    assert_eq!(world.last_kinds(), [31, 32, 33]);
}

#[test]
fn training_counts_as_long_as_a_credential_could_show_it() {
    let (mut world, mut phone) = scene(AgentRule::default());
    let bureau = Bureau::new("bureau", 0x15);
    world.register_issuer(&bureau);
    let held = world.credential(&mut phone, &bureau, 1, &[34, 392]);
    logins_ask(&mut world, AgentRule::default(), vec![ADULT]);
    prove_training(&mut world, &mut phone, &held, 1);
    assert!(matches!(open(&mut world, 1, 1), Reply::SessionOpen { .. }));
    assert!(record(&world, 1).training);
    seen(&mut world, 1);
    let customer = world.customer(1);
    world.call(customer.subject, 1);
    assert_eq!(bind(&mut world, 1), Reply::Done);
    assert!(contact(&world, 1).care.training);
    // The credential is revoked during the shift: the contact goes on, the next one does not come.
    world.done(Command::RevokeCredential(RevokeCredential {
        tenant: TENANT.into(),
        subject: agent().as_subject(),
        serial: held.serial,
        reason: 1,
    }));
    world.call(customer.subject, 2);
    assert_eq!(bind(&mut world, 2), denied(reason::TRAINING_EXPIRED));
    assert_eq!(contact(&world, 1).agent, Some(agent()));
    assert_eq!(record(&world, 1).state, SessionState::Active);
    assert_rebuilds(&world);
}
