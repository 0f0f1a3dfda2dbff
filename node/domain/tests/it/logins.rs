//! Agents' logins: an agent is enrolled and verified like a customer, under a purpose of its own.

use akashi_domain::answer::{Field, Rejection, Reply};
use akashi_domain::command::{
    Command, EnrolmentKind, OpenAgentLogin, OpenEnrolment, Party, RegisterAgent,
};
use akashi_domain::ids::{AgentHash, ChallengeId, Digest, LoginId};
use akashi_domain::outcome::{Outcome, reason};
use akashi_domain::policy::{PolicyBody, PolicyPurpose};
use akashi_domain::records::AgentLogin;
use akashi_domain::state::Records as _;

use crate::laws::{assert_rebuilds, assert_replays};
use crate::phone::{PIN, Phone};
use crate::wallet::agent_tag;
use crate::world::{ORIGIN, POLICY, TENANT, World, body};

const LOGINS: &str = "logins";

fn agent() -> AgentHash {
    AgentHash::of(TENANT, "agent-1")
}

fn scene() -> (World, Phone) {
    let mut world = World::founded();
    world.done(Command::RegisterAgent(RegisterAgent {
        tenant: TENANT.into(),
        agent: agent(),
        certificate: Digest::ZERO,
        supervisor: false,
    }));
    world.put_policy(
        LOGINS,
        PolicyBody {
            purpose: PolicyPurpose::AgentLogin,
            ..body()
        },
    );
    let mut phone = Phone::new(ORIGIN, TENANT, "agent-1", 9);
    phone.subject = agent().as_subject();
    let invitation = OpenEnrolment {
        kind: EnrolmentKind::Device,
        party: Party::Agent,
        ..world.open_enrolment(phone.subject, 9)
    };
    world.done(Command::OpenEnrolment(invitation));
    let complete = world.complete(&mut phone, 9);
    world.done(Command::CompleteEnrolment(complete));
    (world, phone)
}

fn open(login: u8) -> OpenAgentLogin {
    OpenAgentLogin {
        tenant: TENANT.into(),
        login: LoginId([login; 16]),
        agent: agent(),
        policy: LOGINS.into(),
        agent_tag: agent_tag(agent()),
    }
}

fn opened(world: &mut World, login: u8) -> ChallengeId {
    match world.done(Command::OpenAgentLogin(open(login))) {
        Reply::Announced {
            challenge,
            outcome: None,
            ..
        } => challenge,
        other => panic!("no challenge: {other:?}"),
    }
}

fn record(world: &World, login: u8) -> AgentLogin {
    let record = world.state.agent_login(1, LoginId([login; 16]));
    record.unwrap().unwrap()
}

#[test]
fn an_agent_proves_on_a_phone_of_the_agents_own() {
    let (mut world, mut phone) = scene();
    let challenge = opened(&mut world, 1);
    assert_eq!(world.last_kinds(), [70, 22]);
    assert!(world.last().iter().all(|event| event.contact().is_none()));
    world.prove(&mut phone, challenge, PIN).unwrap();
    assert_eq!(world.last_kinds(), [31, 32, 33]);
    let record = record(&world, 1);
    assert_eq!(record.agent, agent());
    assert_eq!(record.challenge, challenge);
    let verdict = record.verdict.unwrap();
    assert_eq!((verdict.outcome, verdict.factors), (Outcome::Verified, 3));
    assert_replays(&world);
    assert_rebuilds(&world);
}

#[test]
fn a_newer_login_takes_the_place_of_one_that_waits() {
    let (mut world, mut phone) = scene();
    let first = opened(&mut world, 1);
    let second = opened(&mut world, 2);
    let verdict = record(&world, 1).verdict.unwrap();
    assert_eq!(verdict.outcome, Outcome::Superseded);
    assert_eq!(verdict.reason, reason::NEWER_LOGIN);
    // A proof for the first is none for the second.
    let context = world.context(first);
    let proofs = phone.proofs(&context, PIN);
    let submission = world.submission(&phone, second, proofs);
    let reply = world.done(Command::SubmitProof(submission));
    assert!(matches!(reply, Reply::Refused { reason: 0, .. }));
    world.prove(&mut phone, second, PIN).unwrap();
    assert_eq!(
        record(&world, 2).verdict.unwrap().outcome,
        Outcome::Verified
    );
}

#[test]
fn logins_that_make_no_sense_are_turned_away() {
    let (mut world, _) = scene();
    let rejected = |world: &mut World, command, why| {
        assert_eq!(world.run(Command::OpenAgentLogin(command)), Err(why));
        assert!(world.last().is_empty());
    };
    let zero = OpenAgentLogin {
        login: LoginId::ZERO,
        ..open(1)
    };
    rejected(&mut world, zero, Rejection::Invalid(Field::Login));
    let stranger = OpenAgentLogin {
        agent: AgentHash::of(TENANT, "agent-2"),
        ..open(1)
    };
    rejected(&mut world, stranger, Rejection::UnknownAgent);
    let policy = OpenAgentLogin {
        policy: POLICY.into(),
        ..open(1)
    };
    rejected(&mut world, policy, Rejection::Invalid(Field::Policy));
    opened(&mut world, 1);
    rejected(&mut world, open(1), Rejection::Exists(Field::Login));
}

#[test]
fn an_agent_without_a_phone_ends_at_once_and_time_runs_out_for_one_who_does_not_answer() {
    let (mut world, phone) = scene();
    opened(&mut world, 1);
    world.after(crate::world::CHALLENGE_TTL).tick();
    assert_eq!(record(&world, 1).verdict.unwrap().outcome, Outcome::Expired);
    let revoke = world.revoke(phone.subject);
    world.done(revoke);
    let reply = world.done(Command::OpenAgentLogin(open(2)));
    assert!(matches!(
        reply,
        Reply::Announced {
            outcome: Some(Outcome::NotEnrolled),
            ..
        }
    ));
    let verdict = record(&world, 2).verdict.unwrap();
    assert_eq!(verdict.outcome, Outcome::NotEnrolled);
    assert_rebuilds(&world);
}
