//! Every way to be turned away, each reached from outside, and that none of them leaves a trace.

use akashi_domain::answer::{Field, Rejection};
use akashi_domain::command::{
    BindAgent, Command, CompleteEnrolment, CreateTenant, Found, NoticeAnswer, PutPolicy,
    PutSettings, RegisterAgent, SubmitProof,
};
use akashi_domain::ids::{AgentHash, ContactId, Digest, EnrolmentId, Stamp, Tag};
use akashi_domain::keys;
use akashi_domain::kv::Table;
use akashi_domain::policy::PolicyBody;
use akashi_domain::records::Settings;
use akashi_proof::Reason;

use crate::laws::zeros;
use crate::phone::{PIN, Phone};
use crate::world::{CHALLENGE_TTL, POLICY, TENANT, World, body, found, id16};

/// Makes one thing wrong.
type Spoil<T> = fn(&mut T);

/// Sends `command`, expects `rejection`, and that nothing but the position in the log moved.
fn turned_away(world: &mut World, command: Command, rejection: Rejection) {
    let before = world.state.clone();
    let leaves = world
        .applied
        .last()
        .map_or(0, |applied| applied.progress.leaves);
    assert_eq!(world.run(command), Err(rejection));
    let applied = world.applied.last().unwrap();
    assert!(applied.events.is_empty());
    let answer = &applied.answers[0];
    assert_eq!(
        (answer.placement.leaf_count, applied.progress.leaves),
        (0, leaves)
    );
    let mut after = world.state.clone();
    let progress = (Table::Meta, keys::PROGRESS.to_vec());
    let was = before.get(&progress).cloned();
    after.remove(&progress);
    if let Some(was) = was {
        after.insert(progress, was);
    }
    assert!(after == before, "{rejection:?} left something behind");
}

fn with_customer() -> (World, Phone) {
    let mut world = World::founded();
    let phone = world.customer(1);
    (world, phone)
}

#[test]
fn nothing_happens_before_the_first_entry_and_there_is_one_first_entry() {
    let mut world = World::empty();
    let phone = Phone::new("bank/e1/g0", TENANT, "customer-1", 1);
    let tenant = Command::CreateTenant(CreateTenant { tenant: "x".into() });
    let announce = Command::AnnounceContact(world.announcement(phone.subject, 1));
    let revoke = world.revoke(phone.subject);
    let close = world.close(1);
    for command in [tenant, announce, revoke, close] {
        turned_away(&mut world, command, Rejection::NotFounded);
    }
    let mut world = World::founded();
    turned_away(
        &mut world,
        Command::Found(found()),
        Rejection::AlreadyFounded,
    );
}

#[test]
fn a_first_entry_that_makes_no_sense_is_turned_away() {
    let broken: Vec<(Field, Spoil<Found>)> = vec![
        (Field::Cluster, |found| found.cluster = "Bank".into()),
        (Field::Cluster, |found| found.cluster = String::new()),
        (Field::Tenant, |found| found.tenant = "-retail".into()),
        (Field::Tenant, |found| found.tenant = "x".repeat(33)),
        (Field::Policy, |found| found.policy = "a b".into()),
        (Field::PolicyBody, |found| {
            found.body.require_possession = false;
        }),
        (Field::PolicyBody, |found| found.body.challenge_ttl_s = 9),
        (Field::PolicyBody, |found| found.body.verdict_ttl_s = 86_401),
        (Field::Replicas, |found| found.replicas.clear()),
        (Field::Replicas, |found| found.quorum = 1),
        (Field::Replicas, |found| found.quorum = 4),
        (Field::Replicas, |found| found.replicas[1].id = 1),
        (Field::Replicas, |found| found.replicas[1].id = 0),
        (Field::Replicas, |found| {
            found.replicas[1].name = "n1".into();
        }),
        (Field::Replicas, |found| found.replicas[1].site = "A".into()),
        (Field::Replicas, |found| {
            let more: Vec<_> = (4..=8)
                .map(|id| akashi_domain::records::ReplicaInfo {
                    id,
                    name: format!("n{id}"),
                    ..found.replicas[0].clone()
                })
                .collect();
            found.replicas.extend(more);
            found.quorum = 5;
        }),
    ];
    for (field, spoil) in broken {
        let mut world = World::empty();
        let mut command = found();
        spoil(&mut command);
        turned_away(
            &mut world,
            Command::Found(command),
            Rejection::Invalid(field),
        );
    }
}

#[test]
fn names_that_are_taken_or_unknown_are_turned_away() {
    let (mut world, phone) = with_customer();
    let agent = AgentHash::of(TENANT, "a");
    let register = |tenant: &str| {
        Command::RegisterAgent(RegisterAgent {
            tenant: tenant.into(),
            agent,
            certificate: Digest::ZERO,
            supervisor: false,
        })
    };
    let bind = |contact| {
        let contact = ContactId(id16(contact));
        Command::BindAgent(BindAgent {
            tenant: TENANT.into(),
            contact,
            agent,
            agent_tag: Tag::ZERO,
        })
    };
    world.call(phone.subject, 1);
    turned_away(&mut world, bind(1), Rejection::UnknownAgent);
    turned_away(&mut world, bind(2), Rejection::UnknownContact);
    let mut announce = world.announcement(phone.subject, 2);
    announce.agent = Some(agent);
    turned_away(
        &mut world,
        Command::AnnounceContact(announce),
        Rejection::UnknownAgent,
    );
    world.done(register(TENANT));
    turned_away(
        &mut world,
        register(TENANT),
        Rejection::Exists(Field::Agent),
    );
    turned_away(&mut world, register("nobody"), Rejection::UnknownTenant);
    let tenant = |name: &str| {
        Command::CreateTenant(CreateTenant {
            tenant: name.into(),
        })
    };
    turned_away(&mut world, tenant(TENANT), Rejection::Exists(Field::Tenant));
    turned_away(&mut world, tenant("No"), Rejection::Invalid(Field::Tenant));
    let announce = world.announcement(phone.subject, 1);
    let taken = Rejection::Exists(Field::Contact);
    turned_away(&mut world, Command::AnnounceContact(announce), taken);
    let mut announce = world.announcement(phone.subject, 0);
    announce.contact = ContactId::ZERO;
    let zero = Rejection::Invalid(Field::Contact);
    turned_away(&mut world, Command::AnnounceContact(announce), zero);
    let mut announce = world.announcement(phone.subject, 3);
    announce.policy = "other".into();
    turned_away(
        &mut world,
        Command::AnnounceContact(announce),
        Rejection::UnknownPolicy,
    );
    let close = world.close(7);
    turned_away(&mut world, close, Rejection::UnknownContact);
    let nobody = Phone::new("bank/e1/g0", TENANT, "nobody", 9);
    let revoke = world.revoke(nobody.subject);
    turned_away(&mut world, revoke, Rejection::UnknownSubject);
}

#[test]
fn limits_and_policies_out_of_range_are_turned_away() {
    let mut world = World::founded();
    let put = |body: PolicyBody| {
        Command::PutPolicy(PutPolicy {
            tenant: TENANT.into(),
            policy: POLICY.into(),
            body,
        })
    };
    let invalid = Rejection::Invalid(Field::PolicyBody);
    turned_away(
        &mut world,
        put(PolicyBody {
            challenge_ttl_s: 601,
            ..body()
        }),
        invalid,
    );
    turned_away(
        &mut world,
        put(PolicyBody {
            verdict_ttl_s: 59,
            ..body()
        }),
        invalid,
    );
    let policy = Command::PutPolicy(PutPolicy {
        tenant: TENANT.into(),
        policy: "Loud".into(),
        body: body(),
    });
    turned_away(&mut world, policy, Rejection::Invalid(Field::Policy));
    for settings in [
        Settings {
            notices_per_hour: 1_001,
            ..zeros()
        },
        Settings {
            refusals_per_challenge: 21,
            ..zeros()
        },
        Settings {
            pin_failures_soft: 11,
            ..zeros()
        },
        Settings {
            pin_failures_hard: 4,
            ..zeros()
        },
        Settings {
            request_horizon_s: 59,
            ..zeros()
        },
    ] {
        let command = Command::PutSettings(PutSettings { settings });
        turned_away(&mut world, command, Rejection::Invalid(Field::Settings));
    }
}

#[test]
fn enrolments_that_make_no_sense_are_turned_away() {
    let mut world = World::founded();
    let mut phone = Phone::new("bank/e1/g0", TENANT, "customer-1", 1);
    let open = world.open_enrolment(phone.subject, 1);
    world.done(Command::OpenEnrolment(open.clone()));
    let taken = Rejection::Exists(Field::Enrolment);
    turned_away(&mut world, Command::OpenEnrolment(open.clone()), taken);
    let zero = akashi_domain::command::OpenEnrolment {
        enrolment: EnrolmentId::ZERO,
        ..open
    };
    let invalid = Rejection::Invalid(Field::Enrolment);
    turned_away(&mut world, Command::OpenEnrolment(zero), invalid);
    let right = world.complete(&mut phone, 1);
    let spoilt: Vec<(Rejection, Spoil<CompleteEnrolment>)> = vec![
        (Rejection::UnknownTenant, |c| c.tenant = "nobody".into()),
        (Rejection::UnknownEnrolment, |c| {
            c.enrolment = EnrolmentId([9; 16]);
        }),
        (Rejection::UnknownEnrolment, |c| c.token = [8; 32]),
        (Rejection::SuiteNotActive, |c| c.suite = 2),
        (Rejection::Invalid(Field::Key), |c| {
            c.device_key = [0xff; 32];
        }),
        (Rejection::Invalid(Field::Key), |c| c.pin_key = [0; 32]),
        (Rejection::Invalid(Field::Proofs), |c| c.proofs.truncate(1)),
        (Rejection::Invalid(Field::Proofs), |c| c.proofs.reverse()),
        (Rejection::Invalid(Field::Proofs), |c| c.proofs.clear()),
        (Rejection::Invalid(Field::Proofs), |c| c.proofs[1].kind = 3),
        (Rejection::Invalid(Field::Proofs), |c| c.proofs[1].kind = 1),
        (Rejection::Invalid(Field::Proofs), |c| {
            c.proofs[1].proof = vec![0; 5_000];
        }),
        (Rejection::MalformedProof(Reason::Malformed.code()), |c| {
            c.proofs[1].proof.push(0);
        }),
        (
            Rejection::MalformedProof(Reason::NonCanonicalPoint.code()),
            |c| {
                c.proofs[0].proof[..32].copy_from_slice(&[0xff; 32]);
            },
        ),
    ];
    for (rejection, spoil) in spoilt {
        let mut command = right.clone();
        spoil(&mut command);
        turned_away(&mut world, Command::CompleteEnrolment(command), rejection);
    }
    world.done(Command::CompleteEnrolment(right.clone()));
    let again = Command::CompleteEnrolment(right);
    turned_away(&mut world, again, Rejection::EnrolmentClosed);
}

#[test]
fn submissions_that_make_no_sense_are_turned_away_at_the_door() {
    let (mut world, mut phone) = with_customer();
    let challenge = world.call(phone.subject, 1);
    let right = world.answer(&mut phone, challenge, PIN);
    let spoilt: Vec<(Rejection, Spoil<SubmitProof>)> = vec![
        (Rejection::UnknownTenant, |s| s.tenant = "nobody".into()),
        (Rejection::UnknownChallenge, |s| s.challenge.0 = [9; 16]),
        (Rejection::UnknownChallenge, |s| s.token[0] ^= 1),
        (Rejection::SuiteNotActive, |s| s.suite = 0),
        (Rejection::Invalid(Field::Proofs), |s| s.proofs.clear()),
        (Rejection::Invalid(Field::Proofs), |s| {
            drop(s.proofs.remove(0));
        }),
        (Rejection::Invalid(Field::Proofs), |s| s.proofs[0].kind = 7),
        (Rejection::MalformedProof(Reason::Malformed.code()), |s| {
            s.proofs[0].proof.truncate(63);
        }),
        (
            Rejection::MalformedProof(Reason::NonCanonicalScalar.code()),
            |s| {
                s.proofs[0].proof[32..].copy_from_slice(&[0xff; 32]);
            },
        ),
    ];
    for (rejection, spoil) in spoilt {
        let mut command = right.clone();
        spoil(&mut command);
        turned_away(&mut world, Command::SubmitProof(command), rejection);
    }
    let mut opened = world.notice_answer(&phone, challenge, NoticeAnswer::Opened);
    if let Command::AnswerNotice(answer) = &mut opened {
        answer.token = [0; 32];
    }
    turned_away(&mut world, opened, Rejection::UnknownChallenge);
    let late = world.notice_answer(&phone, challenge, NoticeAnswer::Report);
    world.after(CHALLENGE_TTL);
    world.tick();
    turned_away(&mut world, late, Rejection::ChallengeExpired);
}

#[test]
fn locks_deadlines_and_ended_challenges_leave_nothing_either() {
    let (mut world, mut phone) = with_customer();
    let first = world.call(phone.subject, 1);
    let decline = world.notice_answer(&phone, first, NoticeAnswer::Decline);
    for _ in 0..5 {
        world.prove(&mut phone, first, "0000").unwrap();
    }
    turned_away(&mut world, decline, Rejection::ChallengeAnswered);
    let second = world.call(phone.subject, 2);
    let locked = Command::SubmitProof(world.answer(&mut phone, second, PIN));
    let until = world.subject(phone.subject).pin.locked_until;
    turned_away(&mut world, locked, Rejection::PinLocked(until));
    let close = world.close(1);
    world.done(close.clone());
    turned_away(&mut world, close, Rejection::ContactClosed);
    let before = world.state.len();
    let mut late = world.request(Command::CreateTenant(CreateTenant {
        tenant: "late".into(),
    }));
    late.not_after = Stamp(0);
    assert_eq!(world.send(late).result, Err(Rejection::TooLate));
    assert_eq!(world.state.len(), before);
}
