//! The same thing twice, and too late: repeats, duplicates, expiry, and keys that change meanwhile.

use akashi_domain::answer::{Rejection, Reply};
use akashi_domain::command::{Command, NoticeAnswer};
use akashi_domain::event::Event;
use akashi_domain::outcome::{Outcome, reason};

use crate::phone::{PIN, Phone};
use crate::world::{CHALLENGE_TTL, ORIGIN, TENANT, World, facts};

const DUPLICATE: u16 = 34;
const VERIFIED: Reply = Reply::Verdict {
    outcome: Outcome::Verified,
    reason: reason::NONE,
};

fn with_customer() -> (World, Phone) {
    let mut world = World::founded();
    let phone = world.customer(1);
    (world, phone)
}

#[test]
fn the_same_proof_again_is_told_the_stored_verdict() {
    let (mut world, mut phone) = with_customer();
    let challenge = world.call(phone.subject, 1);
    let submission = world.answer(&mut phone, challenge, PIN);
    assert_eq!(
        world.done(Command::SubmitProof(submission.clone())),
        VERIFIED
    );
    assert_eq!(world.done(Command::SubmitProof(submission)), VERIFIED);
    assert!(world.last().is_empty());
}

#[test]
fn the_same_wrong_proof_again_costs_no_second_attempt() {
    let (mut world, mut phone) = with_customer();
    let challenge = world.call(phone.subject, 1);
    let wrong = world.answer(&mut phone, challenge, "0000");
    let first = world.done(Command::SubmitProof(wrong.clone()));
    let second = world.done(Command::SubmitProof(wrong));
    assert_eq!(first, second);
    assert!(world.last().is_empty());
    assert_eq!(world.subject(phone.subject).pin.failures, 1);
    let mut thief = Phone::new(ORIGIN, TENANT, "customer-1", 99);
    let forged = world.answer(&mut thief, challenge, PIN);
    let first = world.done(Command::SubmitProof(forged.clone()));
    assert_eq!(world.last().len(), 1);
    assert_eq!(world.done(Command::SubmitProof(forged)), first);
    assert!(world.last().is_empty());
}

#[test]
fn another_proof_on_an_answered_challenge_is_recorded_once_and_refused() {
    let (mut world, mut phone) = with_customer();
    let challenge = world.call(phone.subject, 1);
    let (first, second) = (
        world.answer(&mut phone, challenge, PIN),
        world.answer(&mut phone, challenge, PIN),
    );
    let third = world.answer(&mut phone, challenge, "0000");
    world.done(Command::SubmitProof(first));
    assert_eq!(
        world.done(Command::SubmitProof(second.clone())),
        Reply::AlreadyAnswered
    );
    assert_eq!(world.last_kinds(), [DUPLICATE]);
    for again in [second, third] {
        let refused = world.run(Command::SubmitProof(again));
        assert_eq!(refused, Err(Rejection::ChallengeAnswered));
        assert!(world.last().is_empty());
    }
    assert_eq!(
        world.challenge(challenge).verdict.unwrap().outcome,
        Outcome::Verified
    );
}

#[test]
fn two_proofs_in_one_entry_give_one_verdict() {
    let (mut world, mut phone) = with_customer();
    let challenge = world.call(phone.subject, 1);
    let requests = [PIN, PIN, "0000"]
        .map(|pin| Command::SubmitProof(world.answer(&mut phone, challenge, pin)))
        .map(|command| world.request(command))
        .to_vec();
    let applied = world.entry(requests);
    let replies: Vec<_> = applied
        .answers
        .iter()
        .map(|answer| answer.result.clone())
        .collect();
    let answered = Err(Rejection::ChallengeAnswered);
    assert_eq!(
        replies,
        [Ok(VERIFIED), Ok(Reply::AlreadyAnswered), answered]
    );
    let verdicts = facts(&applied)
        .into_iter()
        .filter(|e| matches!(e, Event::VerdictReached(_)))
        .count();
    assert_eq!(verdicts, 1);
}

#[test]
fn a_proof_after_the_end_of_a_challenge_is_expired_whether_the_timer_fired_or_not() {
    let (mut world, mut phone) = with_customer();
    let challenge = world.call(phone.subject, 1);
    let early = world.answer(&mut phone, challenge, PIN);
    let late = world.answer(&mut phone, challenge, PIN);
    world.after(CHALLENGE_TTL);
    assert_eq!(
        world.run(Command::SubmitProof(early)),
        Err(Rejection::ChallengeExpired)
    );
    assert_eq!(
        world.challenge(challenge).verdict.unwrap().outcome,
        Outcome::Expired
    );
    assert_eq!(
        world.run(Command::SubmitProof(late)),
        Err(Rejection::ChallengeExpired)
    );
    assert!(world.last().is_empty());
}

#[test]
fn a_proof_in_the_last_moment_still_counts() {
    let (mut world, mut phone) = with_customer();
    let challenge = world.call(phone.subject, 1);
    world.after(CHALLENGE_TTL - 1);
    assert_eq!(world.prove(&mut phone, challenge, PIN), Ok(VERIFIED));
}

#[test]
fn a_key_that_is_revoked_earlier_in_the_same_entry_decides_alone() {
    let (mut world, mut phone) = with_customer();
    let challenge = world.call(phone.subject, 1);
    let submission = Command::SubmitProof(world.answer(&mut phone, challenge, PIN));
    let revoke = world.revoke(phone.subject);
    // Judged ahead, on the state before the entry, the proof holds.
    let ahead = akashi_domain::decide::submission_jobs(
        &world.state,
        akashi_domain::ids::Stamp(world.now),
        &submission,
    )
    .unwrap();
    assert!(
        ahead
            .iter()
            .all(|job| { akashi_proof::check(&job.context, &job.statement, &job.proof).is_ok() })
    );
    let requests = vec![world.request(revoke), world.request(submission)];
    let applied = world.entry(requests);
    assert_eq!(applied.answers[0].result, Ok(Reply::Done));
    assert_eq!(applied.answers[1].result, Ok(Reply::AlreadyAnswered));
    let verdict = world.challenge(challenge).verdict.unwrap();
    assert_eq!(
        (verdict.outcome, verdict.reason),
        (Outcome::Cancelled, reason::DEVICE_REVOKED)
    );
}

#[test]
fn a_key_that_is_replaced_earlier_in_the_same_entry_decides_alone() {
    let (mut world, mut old) = with_customer();
    let mut new = Phone::new(ORIGIN, TENANT, "customer-1", 2);
    let open = world.open_enrolment(new.subject, 2);
    world.done(Command::OpenEnrolment(open));
    let challenge = world.call(old.subject, 1);
    let by_old = Command::SubmitProof(world.answer(&mut old, challenge, PIN));
    let enrol = Command::CompleteEnrolment(world.complete(&mut new, 2));
    let announce = Command::AnnounceContact(world.announcement(new.subject, 2));
    let requests = [enrol, by_old, announce]
        .map(|command| world.request(command))
        .to_vec();
    let applied = world.entry(requests);
    assert_eq!(applied.answers[0].result, Ok(Reply::Enrolled));
    assert_eq!(applied.answers[1].result, Ok(Reply::AlreadyAnswered));
    let verdict = world.challenge(challenge).verdict.unwrap();
    assert_eq!(
        (verdict.outcome, verdict.reason),
        (Outcome::Superseded, reason::NEWER_DEVICE)
    );
    // The new challenge of the same entry is judged by the new key only.
    let open = world.subject(new.subject).open.unwrap();
    let reply = world.prove(&mut old, open, PIN).unwrap();
    assert!(matches!(reply, Reply::Refused { reason: 0, .. }));
    assert_eq!(world.prove(&mut new, open, PIN), Ok(VERIFIED));
}

#[test]
fn an_answer_after_the_verdict_changes_nothing() {
    let (mut world, mut phone) = with_customer();
    let challenge = world.call(phone.subject, 1);
    let decline = world.notice_answer(&phone, challenge, NoticeAnswer::Decline);
    world.prove(&mut phone, challenge, PIN).unwrap();
    assert_eq!(world.run(decline), Err(Rejection::ChallengeAnswered));
    assert!(world.last().is_empty());
}
