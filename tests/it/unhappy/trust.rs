//! What speaks against full trust: signals about the number, a new phone, no connection, distress.

use akashi_domain::answer::{Rejection, Reply};
use akashi_domain::command::{AttachRisk, Command, NoticeAnswer, OfferOrder, SubmitProof};
use akashi_domain::event::Event;
use akashi_domain::ids::{OrderId, Tag};
use akashi_domain::outcome::{Outcome, limit, reason};
use akashi_domain::policy::{ConsentRule, Grants, PolicyBody, PolicyPurpose, RiskRule};
use akashi_domain::records::{FallbackKind, Risk};

use super::reach::{fallback, graded, graded_world};
use super::world::{PIN, POLICY, Phone, SECOND, TENANT, VERIFIED, World, body, contact_id, id16};

/// What may be done only with full trust.
const SENSITIVE: u32 = 0x80;

fn risk(contact: u64, risk: Risk) -> Command {
    Command::AttachRisk(AttachRisk {
        tenant: TENANT.into(),
        contact: contact_id(contact),
        risk,
    })
}

/// An old SIM on a mobile line, attested by its carrier.
const GOOD: Risk = Risk {
    sim_age: 5,
    line_type: 1,
    flags: 0,
    attestation: 3,
};

fn wary() -> World {
    let mut world = World::founded();
    let graded = graded(&[]);
    let body = PolicyBody {
        grants: Grants {
            risk: RiskRule {
                sim_age_min: 3,
                line_types: 0,
                flags: 3,
                attestation_min: 1,
            },
            ..graded.grants
        },
        ..graded
    };
    world.put_policy(POLICY, body);
    let sensitive = PolicyBody {
        purpose: PolicyPurpose::Consent,
        require_knowledge: false,
        consent: Some(ConsentRule {
            recipient: [0x4e; 32],
            max_payload_bytes: 1_024,
        }),
        grants: Grants {
            needs: SENSITIVE,
            ..Grants::default()
        },
        ..body_of_consent()
    };
    world.put_policy("transfer", sensitive);
    world
}

fn body_of_consent() -> PolicyBody {
    body()
}

fn transfer(contact: u64) -> Command {
    Command::OfferOrder(OfferOrder {
        tenant: TENANT.into(),
        contact: contact_id(contact),
        order: OrderId(id16(contact)),
        policy: "transfer".into(),
        order_hash: [7; 32],
        amounts: Vec::new(),
        subject_tag: Tag::ZERO,
    })
}

#[test]
fn u06_after_a_sim_swap_what_is_sensitive_needs_a_step_up() {
    let mut world = wary();
    let mut phone = world.customer(1);
    // Signals that come before the verdict.
    let challenge = world.call(phone.subject, 1);
    world.done(risk(1, Risk { sim_age: 1, ..GOOD }));
    assert_eq!(world.last_kinds(), [25]);
    assert_eq!(world.prove(&mut phone, challenge, PIN), Ok(VERIFIED));
    assert_eq!(world.contact(1).limits, limit::RISK);
    assert_eq!(world.run(transfer(1)), Err(Rejection::StepUpRequired));
    // Signals that come after it act at once.
    world.verified(&mut phone, 2);
    assert_eq!(world.contact(2).limits, 0);
    world.done(risk(2, Risk { flags: 2, ..GOOD }));
    assert_eq!(world.contact(2).limits, limit::RISK);
    assert_eq!(world.run(transfer(2)), Err(Rejection::StepUpRequired));
    // Better signals give nothing back: scope only shrinks.
    world.done(risk(2, GOOD));
    assert_eq!(world.run(transfer(2)), Err(Rejection::StepUpRequired));
    // With nothing against it, the order is asked about.
    world.verified(&mut phone, 3);
    world.done(risk(3, GOOD));
    assert!(world.run(transfer(3)).is_ok());
    // Only buckets are taken.
    let odd = Risk { sim_age: 6, ..GOOD };
    assert!(matches!(
        world.run(risk(3, odd)),
        Err(Rejection::Invalid(_))
    ));
}

#[test]
fn u07_a_new_phone_is_trusted_less_for_a_while_and_the_old_one_not_at_all() {
    let mut world = wary();
    let mut old = world.customer(1);
    world.verified(&mut old, 1);
    assert_eq!(world.contact(1).limits, 0, "a first phone does not cool");
    let waiting = world.call(old.subject, 2);
    let mut stale = world.submission(&mut old, waiting, PIN);
    let mut new = Phone::new("customer-1", 9);
    world.enrol(&mut new, 99);
    let verdict = world.contact(2).verdict.unwrap();
    let superseded = (Outcome::Superseded, reason::NEWER_DEVICE);
    assert_eq!((verdict.outcome, verdict.reason), superseded);
    stale.proofs.truncate(1);
    let answer = world.run(Command::SubmitProof(stale));
    assert_eq!(answer, Ok(Reply::AlreadyAnswered));
    // The old keys prove nothing any more.
    let asked = world.call(old.subject, 3);
    let silent = Reply::Refused {
        reason: 0,
        attempts_left: 0,
        locked_until: akashi_domain::ids::Stamp(0),
    };
    assert_eq!(world.prove(&mut old, asked, PIN), Ok(silent));
    assert_eq!(world.prove(&mut new, asked, PIN), Ok(VERIFIED));
    assert_eq!(world.contact(3).limits, limit::COOLING);
    assert_eq!(world.run(transfer(3)), Err(Rejection::StepUpRequired));
    world.after(86_400 * SECOND);
    world.verified(&mut new, 4);
    assert_eq!(world.contact(4).limits, 0);
}

#[test]
fn u08_a_phone_without_a_connection_decides_nothing_and_its_code_counts_for_less() {
    let mut world = graded_world(&[FallbackKind::OfflineCode]);
    let phone = world.customer(1);
    let challenge = world.call(phone.subject, 1);
    assert_eq!(
        world.done(fallback(1, FallbackKind::OfflineCode, true)),
        VERIFIED
    );
    assert_eq!(world.last_kinds(), [26, 33, 33]);
    let ended = world.challenge(challenge).verdict.unwrap();
    let undecided = (Outcome::Inconclusive, reason::FALLBACK_TAKEN);
    assert_eq!((ended.outcome, ended.reason), undecided);
    let contact = world.contact(1);
    assert_eq!(contact.verdict.unwrap().aal, 1);
    assert_eq!(contact.limits, limit::FALLBACK);
}

#[test]
fn u31_the_challenge_lives_by_the_time_of_the_log_whatever_clocks_say() {
    let mut world = World::founded();
    let mut phone = world.customer(1);
    let challenge = world.call(phone.subject, 1);
    let issued = world.challenge(challenge).issued;
    let submission = world.submission(&mut phone, challenge, PIN);
    // A leader whose clock is ten minutes slow: the log's time stands still, and nothing lives longer for it.
    world.after(119 * SECOND);
    world.tick();
    world.now -= 600 * SECOND;
    world.tick();
    assert_eq!(world.stamp().0, issued.0 + 119 * SECOND);
    // A leader whose clock is ten minutes fast ends what is open, and the answer comes too late.
    world.now = issued.0 + 600 * SECOND;
    let late = world.run(Command::SubmitProof(submission));
    assert_eq!(late, Err(Rejection::ChallengeExpired));
    let verdict = world.contact(1).verdict.unwrap();
    assert_eq!(verdict.outcome, Outcome::Expired);
    // The phone's own clock is in no proof: it is only compared, so that its owner can be told.
    use akashi_client::phone::clock_skew_s;
    let (begins, ends) = (issued.0, issued.0 + 120 * SECOND);
    assert_eq!(clock_skew_s(begins + SECOND, begins, ends), None);
    assert_eq!(
        clock_skew_s(begins - 600 * SECOND, begins, ends),
        Some(-600)
    );
    assert_eq!(clock_skew_s(ends + 90 * SECOND, begins, ends), Some(90));
}

#[test]
fn u32_what_a_phone_does_not_understand_is_inconclusive_and_never_weaker() {
    let mut world = World::founded();
    let mut phone = world.customer(1);
    let challenge = world.call(phone.subject, 1);
    let right = world.submission(&mut phone, challenge, PIN);
    let newer = SubmitProof {
        suite: 2,
        ..right.clone()
    };
    let before = world.events().len();
    let answer = world.run(Command::SubmitProof(newer));
    assert_eq!(answer, Err(Rejection::SuiteNotActive));
    assert_eq!(world.events().len(), before, "nothing was recorded");
    let said = world.say(challenge, NoticeAnswer::Unsupported).unwrap();
    let undecided = Reply::Verdict {
        outcome: Outcome::Inconclusive,
        reason: reason::UNSUPPORTED_VERSION,
    };
    assert_eq!(said, undecided);
    assert_eq!(
        world.run(Command::SubmitProof(right)),
        Ok(Reply::AlreadyAnswered)
    );
    assert!(!world.contact(1).is_verified(world.stamp()));
}

#[test]
fn u36_under_duress_everything_looks_the_same_and_the_contact_is_good_for_less() {
    let mut world = wary();
    let mut phone = world.customer(1);
    let calm = world.call(phone.subject, 1);
    let answer = world.prove(&mut phone, calm, PIN);
    let calm_leaf = verdict_leaf(&world);
    let forced = world.call(phone.subject, 2);
    let submission = SubmitProof {
        duress: true,
        ..world.submission(&mut phone, forced, PIN)
    };
    assert_eq!(world.run(Command::SubmitProof(submission)), answer);
    assert_eq!(world.last_kinds(), [31, 32, 33, 35]);
    let forced_leaf = verdict_leaf(&world);
    let (calm, forced) = (world.contact(1), world.contact(2));
    let shown = |contact: &akashi_domain::records::Contact| {
        let verdict = contact.verdict.unwrap();
        let limits = limit::shown(contact.limits);
        (verdict.outcome, verdict.scope, contact.scope_shown, limits)
    };
    assert_eq!(shown(&calm), shown(&forced));
    assert_eq!(calm_leaf, forced_leaf, "the receipt says nothing either");
    assert!(calm.covers(SENSITIVE) && !forced.covers(SENSITIVE));
    assert_eq!(world.run(transfer(2)), Err(Rejection::StepUpRequired));
}

/// Every column of the newest verdict's leaf that says how it ended and for what it is good.
fn verdict_leaf(world: &World) -> (u8, u16, Vec<(u16, Vec<u8>)>) {
    let recorded = world.applied.last().unwrap();
    let leaf = recorded
        .events
        .iter()
        .find(|one| matches!(one.event, Event::VerdictReached(_)))
        .map(|one| one.leaf.clone())
        .unwrap();
    let columns = [7, 17, 18, 50, 51, 52].map(|column| {
        let value = leaf.extensions.value(column).unwrap_or_default();
        (column, value.to_vec())
    });
    (leaf.outcome, leaf.reason, columns.to_vec())
}
