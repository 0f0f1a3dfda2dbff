//! A relay: somebody calls customer and centre at once, and lets the customer prove for another call.

use akashi_domain::command::{Command, Initiator};
use akashi_proof::{match_code, match_words};

use super::world::{PIN, VERIFIED, World};

#[test]
fn a_relay_between_two_calls_gives_other_words_on_the_two_sides() {
    let mut world = World::founded();
    let mut customer = world.customer(1);
    // The fraudster talks to an agent in one call; the customer is asked, and proves, for another.
    let theirs = world.verified(&mut customer, 1);
    let mut announcement = World::announcement(customer.subject, 2);
    announcement.initiator = Initiator::Customer;
    let asked = world.announce(announcement).unwrap();
    let submission = world.submission(&mut customer, asked, PIN);
    let on_the_phone = match_code(&world.context(asked), &submission.proofs[0].proof);
    assert_eq!(world.run(Command::SubmitProof(submission)), Ok(VERIFIED));
    let screen = |world: &World, contact| world.contact(contact).verdict.unwrap().match_code;
    assert_eq!(
        screen(&world, 2),
        on_the_phone,
        "both sides of one call agree"
    );
    assert_ne!(
        screen(&world, 1),
        on_the_phone,
        "the agent of the other call hears it"
    );
    assert_ne!(match_words(screen(&world, 1)), match_words(on_the_phone));
    assert_ne!(theirs, asked);
}
