//! Agents' sessions: who is let in, and everything that is not; how a session ends, and what stays.

use akashi_domain::answer::{Field, Rejection, Reply};
use akashi_domain::command::{
    AttestPosture, BindAgent, Command, Desk, EndSession, EnrolmentKind, LockAgent, OpenAgentLogin,
    OpenEnrolment, OpenSession, Party, PresenceCause, PublishRules, RegisterAgent, ReportPresence,
    RestoreSession, RevokeAgentCertificate, SessionPresence, UnlockAgent,
};
use akashi_domain::event::Event;
use akashi_domain::ids::{AgentHash, ChallengeId, ContactId, Digest, LoginId, SessionId, Stamp};
use akashi_domain::outcome::reason;
use akashi_domain::policy::{AgentBinding, AgentRule, PolicyBody, PolicyPurpose, PredicateTest};
use akashi_domain::records::{
    Agent, Contact, LoginLevel, PresenceState, ScreenAction, Session, SessionState,
};
use akashi_domain::state::Records as _;
use akashi_proof::Posture;
use ed25519_dalek::Signer as _;

use crate::laws::{assert_rebuilds, assert_replays};
use crate::phone::{PIN, Phone};
use crate::wallet::{Desk as Bureau, agent_tag, rule};
use crate::world::{ORIGIN, POLICY, SECOND, TENANT, World, body, id16};

const LOGINS: &str = "logins";
/// How long a login, and a session with it, is good.
pub(crate) const SHIFT_S: u32 = 3_600;
const CERTIFICATE: Digest = Digest([0xce; 32]);
pub(crate) fn agent() -> AgentHash {
    AgentHash::of(TENANT, "agent-1")
}

pub(crate) fn desk() -> Desk {
    Desk {
        tenant: TENANT.into(),
        agent: agent(),
        certificate: CERTIFICATE,
    }
}

const fn session(number: u8) -> SessionId {
    SessionId([number; 16])
}

/// A registered agent with an enrolled phone, a policy for logins, and calls that want somebody present.
pub(crate) fn scene(rule: AgentRule) -> (World, Phone) {
    let mut world = World::founded();
    world.done(Command::RegisterAgent(RegisterAgent {
        tenant: TENANT.into(),
        agent: agent(),
        certificate: Digest::ZERO,
        supervisor: false,
    }));
    logins_ask(&mut world, rule, Vec::new());
    world.put_policy(
        POLICY,
        PolicyBody {
            agents: AgentRule {
                binding: AgentBinding::Present,
                ..AgentRule::default()
            },
            ..body()
        },
    );
    let mut phone = Phone::new(ORIGIN, TENANT, "agent-1", 9);
    phone.subject = agent().as_subject();
    let invitation = OpenEnrolment {
        kind: EnrolmentKind::Device,
        party: Party::Agent,
        ..world.open_enrolment(phone.subject, 90)
    };
    world.done(Command::OpenEnrolment(invitation));
    let complete = world.complete(&mut phone, 90);
    world.done(Command::CompleteEnrolment(complete));
    (world, phone)
}

pub(crate) fn logins_ask(world: &mut World, agents: AgentRule, tests: Vec<PredicateTest>) {
    let predicates: Vec<_> = tests.into_iter().map(|test| rule(0, test)).collect();
    let body = PolicyBody {
        purpose: PolicyPurpose::AgentLogin,
        require_knowledge: predicates.is_empty(),
        predicates,
        verdict_ttl_s: SHIFT_S,
        agents,
        ..body()
    };
    world.put_policy(LOGINS, body);
}

pub(crate) fn asked(world: &mut World, login: u8) -> ChallengeId {
    let open = OpenAgentLogin {
        tenant: TENANT.into(),
        login: LoginId([login; 16]),
        agent: agent(),
        policy: LOGINS.into(),
        agent_tag: agent_tag(agent()),
    };
    match world.done(Command::OpenAgentLogin(open)) {
        Reply::Announced { challenge, .. } => challenge,
        other => panic!("no challenge: {other:?}"),
    }
}

/// A verified login.
pub(crate) fn log_in(world: &mut World, phone: &mut Phone, login: u8) {
    let challenge = asked(world, login);
    world.prove(phone, challenge, PIN).unwrap();
    assert_eq!(world.last_kinds(), [31, 32, 33]);
}

pub(crate) fn opening(number: u8, login: u8) -> OpenSession {
    OpenSession {
        desk: desk(),
        session: session(number),
        login: LoginId([login; 16]),
        rules_version: 0,
    }
}

pub(crate) fn open(world: &mut World, number: u8, login: u8) -> Reply {
    world.done(Command::OpenSession(opening(number, login)))
}

/// An agent at work, with a session under the number of its login.
pub(crate) fn at_work(world: &mut World, phone: &mut Phone, number: u8) {
    log_in(world, phone, number);
    assert!(matches!(
        open(world, number, number),
        Reply::SessionOpen { .. }
    ));
    seen(world, number);
}

/// The desktop of a session is attached to node 1, and its camera sees the agent.
pub(crate) fn seen(world: &mut World, number: u8) {
    let line = |cause| SessionPresence {
        tenant: 1,
        session: session(number),
        state: PresenceState::Present,
        cause,
    };
    world.done(Command::ReportPresence(ReportPresence {
        node: 1,
        sessions: vec![line(PresenceCause::Attached), line(PresenceCause::Samples)],
    }));
    assert_eq!(record(world, number).presence, PresenceState::Present);
}

pub(crate) fn record(world: &World, number: u8) -> Session {
    world.state.session(1, session(number)).unwrap().unwrap()
}

pub(crate) fn agent_record(world: &World) -> Agent {
    world.state.agent(1, agent()).unwrap().unwrap()
}

pub(crate) fn contact(world: &World, number: u64) -> Contact {
    let contact = world.state.contact(1, ContactId(id16(number)));
    contact.unwrap().unwrap()
}

pub(crate) fn bind(world: &mut World, number: u64) -> Reply {
    world.done(Command::BindAgent(BindAgent {
        tenant: TENANT.into(),
        contact: ContactId(id16(number)),
        agent: agent(),
        agent_tag: agent_tag(agent()),
        scope: 0,
        needs: 0,
        queue: 0,
    }))
}

pub(crate) const fn denied(reason: u16) -> Reply {
    Reply::Denied { reason }
}

/// The last command was refused, that was recorded, and nothing else changed.
#[track_caller]
fn refused(world: &mut World, command: Command, kind: u16, why: u16) {
    let before = (agent_record(world), world.events().len());
    assert_eq!(world.done(command), denied(why));
    assert_eq!(world.last_kinds(), [kind]);
    assert_eq!(agent_record(world), before.0);
    assert_eq!(world.events().len(), before.1 + 1);
}

pub(crate) fn lock() -> Command {
    Command::LockAgent(LockAgent {
        tenant: TENANT.into(),
        agent: agent(),
        reason: 7,
    })
}

pub(crate) fn unlock(certificate: Digest) -> Command {
    Command::UnlockAgent(UnlockAgent {
        tenant: TENANT.into(),
        agent: agent(),
        certificate,
    })
}

fn revoke_certificate(certificate: Digest) -> Command {
    Command::RevokeAgentCertificate(RevokeAgentCertificate {
        tenant: TENANT.into(),
        agent: agent(),
        certificate,
        reason: 7,
    })
}

pub(crate) fn restore(number: u8, login: u8) -> Command {
    Command::RestoreSession(RestoreSession {
        desk: desk(),
        session: session(number),
        login: LoginId([login; 16]),
    })
}

#[test]
fn a_verified_login_and_a_certificate_open_a_session_once() {
    let (mut world, mut phone) = scene(AgentRule::default());
    log_in(&mut world, &mut phone, 1);
    let login = world.state.agent_login(1, LoginId([1; 16]));
    let not_after = login.unwrap().unwrap().verdict.unwrap().not_after;
    let reply = open(&mut world, 1, 1);
    assert_eq!(reply, Reply::SessionOpen { expires: not_after });
    assert_eq!(world.last_kinds(), [71]);
    let session_one = session(1);
    let session = record(&world, 1);
    assert_eq!(session.agent, agent());
    assert_eq!(session.certificate, CERTIFICATE);
    assert_eq!(session.level, LoginLevel::Alternative);
    assert_eq!(
        (session.state, session.presence),
        (SessionState::Active, PresenceState::Unseen)
    );
    assert_eq!(session.posture_until, Stamp(u64::MAX));
    assert!(!session.training && session.contacts.is_empty());
    assert_eq!(session.screen(), ScreenAction::Clear);
    seen(&mut world, 1);
    assert_eq!(record(&world, 1).screen(), ScreenAction::Show);
    assert_eq!(agent_record(&world).session, Some(session_one));
    // The same login opens nothing more.
    let again = Command::OpenSession(opening(2, 1));
    refused(&mut world, again, 72, reason::LOGIN_USED);
    // The id is taken, and zeros are none.
    let taken = world.run(Command::OpenSession(opening(1, 1)));
    assert_eq!(taken, Err(Rejection::Exists(Field::Session)));
    let zeros = world.run(Command::OpenSession(opening(0, 1)));
    assert_eq!(zeros, Err(Rejection::Invalid(Field::Session)));
    assert_replays(&world);
    assert_rebuilds(&world);
}

#[test]
fn a_certificate_without_the_phone_opens_nothing() {
    let (mut world, mut phone) = scene(AgentRule::default());
    let why = reason::LOGIN_NOT_VERIFIED;
    // No login, a login that waits, a login that was refused.
    refused(&mut world, Command::OpenSession(opening(1, 1)), 72, why);
    let challenge = asked(&mut world, 1);
    refused(&mut world, Command::OpenSession(opening(1, 1)), 72, why);
    for _ in 0..5 {
        world.prove(&mut phone, challenge, "0000").unwrap();
    }
    refused(&mut world, Command::OpenSession(opening(1, 1)), 72, why);
    let Some(Event::SessionRefused(fact)) = world.last().pop() else {
        panic!("not recorded");
    };
    assert_eq!(fact.certificate, CERTIFICATE);
    assert_eq!(fact.login, LoginId([1; 16]));
    assert_eq!(fact.agent_tag, agent_tag(agent()));
    // An agent whom nobody registered is unknown, and nothing is recorded of it.
    let stranger = OpenSession {
        desk: Desk {
            agent: AgentHash::of(TENANT, "agent-2"),
            ..desk()
        },
        ..opening(1, 1)
    };
    let stranger = world.run(Command::OpenSession(stranger));
    assert_eq!(stranger, Err(Rejection::UnknownAgent));
    assert!(world.last().is_empty());
    assert_rebuilds(&world);
}

#[test]
fn another_agents_login_is_none_and_a_stale_one_neither() {
    let (mut world, mut phone) = scene(AgentRule::default());
    let other = AgentHash::of(TENANT, "agent-2");
    world.done(Command::RegisterAgent(RegisterAgent {
        tenant: TENANT.into(),
        agent: other,
        certificate: Digest::ZERO,
        supervisor: true,
    }));
    log_in(&mut world, &mut phone, 1);
    let stolen = OpenSession {
        desk: Desk {
            agent: other,
            ..desk()
        },
        ..opening(1, 1)
    };
    let reply = world.done(Command::OpenSession(stolen));
    assert_eq!(reply, denied(reason::LOGIN_NOT_VERIFIED));
    world.after(u64::from(SHIFT_S) * SECOND);
    let late = Command::OpenSession(opening(1, 1));
    refused(&mut world, late, 72, reason::LOGIN_STALE);
}

#[test]
fn certificates_locks_and_their_ends_are_looked_at_before_the_login() {
    let (mut world, mut phone) = scene(AgentRule::default());
    log_in(&mut world, &mut phone, 1);
    world.done(revoke_certificate(CERTIFICATE));
    assert_eq!(world.last_kinds(), [80]);
    world.done(revoke_certificate(CERTIFICATE));
    assert!(world.last().is_empty());
    let try_it = || Command::OpenSession(opening(1, 1));
    refused(&mut world, try_it(), 72, reason::CERTIFICATE_REVOKED);
    // A new certificate is named; the old one cannot be, ever again.
    assert_eq!(
        world.run(unlock(CERTIFICATE)),
        Err(Rejection::Invalid(Field::Certificate))
    );
    world.done(unlock(Digest([1; 32])));
    assert_eq!(world.last_kinds(), [79]);
    let other = |certificate| {
        Command::OpenSession(OpenSession {
            desk: Desk {
                certificate,
                ..desk()
            },
            ..opening(1, 1)
        })
    };
    let why = reason::CERTIFICATE_OTHER;
    refused(&mut world, other(Digest([2; 32])), 72, why);
    world.done(lock());
    assert_eq!(world.last_kinds(), [78]);
    let why = reason::AGENT_LOCKED;
    refused(&mut world, other(Digest([1; 32])), 72, why);
    world.done(unlock(Digest::ZERO));
    assert_eq!(agent_record(&world).certificate, Digest([1; 32]));
    let reply = world.done(other(Digest([1; 32])));
    assert!(matches!(reply, Reply::SessionOpen { .. }));
    assert_rebuilds(&world);
}

/// What an issuer signs about the agent's machine.
pub(crate) fn attestation(bureau: &Bureau, bits: u32, (from, until): (u64, u64)) -> AttestPosture {
    let signed = Posture {
        origin: ORIGIN.as_bytes(),
        tenant: TENANT.as_bytes(),
        agent: agent().0,
        bits,
        attested_us: from,
        until_us: until,
    };
    AttestPosture {
        tenant: TENANT.into(),
        agent: agent(),
        bits,
        attested: Stamp(from),
        until: Stamp(until),
        key_id: bureau.key_id(),
        signature: bureau.key.sign(&signed.message()).to_bytes(),
    }
}

#[test]
fn posture_is_believed_from_an_issuer_for_its_time_and_never_backwards() {
    let asked = AgentRule {
        posture: 0b101,
        ..AgentRule::default()
    };
    let (mut world, mut phone) = scene(asked);
    let bureau = Bureau::new("bureau", 0x15);
    let now = world.now;
    let good = |bits| attestation(&bureau, bits, (now, now + 600 * SECOND));
    let unknown = world.run(Command::AttestPosture(good(0b111)));
    assert_eq!(unknown, Err(Rejection::UnknownIssuer));
    world.register_issuer(&bureau);
    log_in(&mut world, &mut phone, 1);
    let try_it = || Command::OpenSession(opening(1, 1));
    refused(&mut world, try_it(), 72, reason::POSTURE_MISSING);
    // Not what was signed, or too old, or from tomorrow.
    let invalid = Err(Rejection::Invalid(Field::Posture));
    let forged = AttestPosture {
        bits: 0b111,
        ..good(0b001)
    };
    assert_eq!(world.run(Command::AttestPosture(forged)), invalid);
    let over = attestation(&bureau, 7, (now - 2, now - 1));
    assert_eq!(world.run(Command::AttestPosture(over)), invalid);
    let ahead = now + 3_600 * SECOND;
    let ahead = attestation(&bureau, 7, (ahead, ahead + 1));
    assert_eq!(world.run(Command::AttestPosture(ahead)), invalid);
    // One point is missing.
    world.done(Command::AttestPosture(good(0b011)));
    assert_eq!(world.last_kinds(), [81]);
    refused(&mut world, try_it(), 72, reason::POSTURE_MISSING);
    // A look that is not newer changes nothing.
    assert_eq!(world.run(Command::AttestPosture(good(0b111))), invalid);
    let newer = attestation(&bureau, 0b101, (now + 1, now + 600 * SECOND));
    world.done(Command::AttestPosture(newer));
    assert!(matches!(open(&mut world, 1, 1), Reply::SessionOpen { .. }));
    assert_eq!(record(&world, 1).posture_until, Stamp(now + 600 * SECOND));
    seen(&mut world, 1);
    // It ends during the shift: no new contact, until it is attested again.
    let customer = world.customer(1);
    world.call(customer.subject, 1);
    assert_eq!(bind(&mut world, 1), Reply::Done);
    assert!(contact(&world, 1).care.posture);
    world.after(601 * SECOND);
    world.call(customer.subject, 2);
    assert_eq!(bind(&mut world, 2), denied(reason::POSTURE_MISSING));
    assert_eq!(contact(&world, 1).agent, Some(agent()));
    let now = world.now;
    let again = attestation(&bureau, 0b101, (now, now + SECOND));
    world.done(Command::AttestPosture(again));
    assert_eq!(bind(&mut world, 2), Reply::Done);
    assert_replays(&world);
    assert_rebuilds(&world);
}

#[test]
fn the_rules_in_force_are_acknowledged_by_their_version() {
    let asked = AgentRule {
        rules: true,
        ..AgentRule::default()
    };
    let (mut world, mut phone) = scene(asked);
    log_in(&mut world, &mut phone, 1);
    let with = |rules_version| {
        Command::OpenSession(OpenSession {
            rules_version,
            ..opening(1, 1)
        })
    };
    let why = reason::RULES_NOT_ACKNOWLEDGED;
    // There are none yet: nothing can be acknowledged, so nobody is let in.
    refused(&mut world, with(0), 72, why);
    refused(&mut world, with(1), 72, why);
    let publish = |version, text| {
        Command::PublishRules(PublishRules {
            tenant: TENANT.into(),
            version,
            text: Digest([text; 32]),
        })
    };
    world.done(publish(1, 1));
    world.done(publish(2, 2));
    assert_eq!(world.last_kinds(), [82]);
    for older in [publish(2, 3), publish(1, 3), publish(3, 0)] {
        let invalid = Err(Rejection::Invalid(Field::Rules));
        assert_eq!(world.run(older), invalid);
    }
    refused(&mut world, with(1), 72, why);
    assert!(matches!(world.done(with(2)), Reply::SessionOpen { .. }));
    assert_eq!(record(&world, 1).rules_version, 2);
    assert_rebuilds(&world);
}

#[test]
fn without_a_session_nobody_takes_a_contact_that_wants_somebody_present() {
    let (mut world, mut phone) = scene(AgentRule::default());
    let customer = world.customer(1);
    // Not when it is announced: the customer is not even disturbed.
    let announce = akashi_domain::command::AnnounceContact {
        agent: Some(agent()),
        agent_tag: agent_tag(agent()),
        ..world.announcement(customer.subject, 1)
    };
    let reply = world.done(Command::AnnounceContact(announce.clone()));
    assert_eq!(reply, denied(reason::NO_SESSION));
    assert_eq!(world.last_kinds(), [39]);
    assert!(
        world
            .state
            .contact(1, ContactId(id16(1)))
            .unwrap()
            .is_none()
    );
    // Nor later.
    world.call(customer.subject, 2);
    assert_eq!(bind(&mut world, 2), denied(reason::NO_SESSION));
    assert_eq!(world.last_kinds(), [39]);
    assert_eq!(contact(&world, 2).agent, None);
    at_work(&mut world, &mut phone, 1);
    assert_eq!(bind(&mut world, 2), Reply::Done);
    let bound = contact(&world, 2);
    assert_eq!(bound.session, Some(session(1)));
    assert_eq!((bound.care.agents, bound.care.level), (1, 1));
    assert_eq!(record(&world, 1).contacts, [ContactId(id16(2))]);
    // Taken again by the same session: one agent, one contact.
    assert_eq!(bind(&mut world, 2), Reply::Done);
    assert_eq!(contact(&world, 2).care.agents, 1);
    assert_eq!(record(&world, 1).contacts.len(), 1);
    let reply = world.done(Command::AnnounceContact(announce));
    assert!(matches!(reply, Reply::Announced { .. }));
    assert_eq!(record(&world, 1).contacts.len(), 2);
    // Closed: the session has room again, and who had it is kept.
    let close = world.close(2);
    world.done(close);
    assert_eq!(record(&world, 1).contacts, [ContactId(id16(1))]);
    assert_eq!(contact(&world, 2).agent, Some(agent()));
    assert_replays(&world);
    assert_rebuilds(&world);
}

#[test]
fn a_session_has_room_for_so_many_contacts() {
    let (mut world, mut phone) = scene(AgentRule::default());
    at_work(&mut world, &mut phone, 1);
    for number in 1..=9_u8 {
        let customer = world.customer(number + 20);
        world.call(customer.subject, u64::from(number));
    }
    for number in 1..=8 {
        assert_eq!(bind(&mut world, number), Reply::Done);
    }
    assert_eq!(bind(&mut world, 9), denied(reason::SESSION_FULL));
    let close = world.close(3);
    world.done(close);
    assert_eq!(bind(&mut world, 9), Reply::Done);
}

#[test]
fn a_newer_session_ends_the_older_and_frees_its_contacts() {
    let (mut world, mut phone) = scene(AgentRule::default());
    at_work(&mut world, &mut phone, 1);
    let customer = world.customer(1);
    world.call(customer.subject, 1);
    bind(&mut world, 1);
    log_in(&mut world, &mut phone, 2);
    open(&mut world, 2, 2);
    assert_eq!(world.last_kinds(), [73, 29, 71]);
    let Some(Event::SessionEnded(ended)) = world.last().into_iter().next() else {
        panic!("nothing ended");
    };
    assert_eq!(ended.reason, reason::NEWER_SESSION);
    assert_eq!(record(&world, 1).state, SessionState::Ended);
    assert_eq!(record(&world, 1).screen(), ScreenAction::Blackout);
    assert_eq!(agent_record(&world).session, Some(session(2)));
    let freed = contact(&world, 1);
    assert_eq!((freed.agent, freed.session), (None, None));
    seen(&mut world, 2);
    assert_eq!(bind(&mut world, 1), Reply::Done);
    assert_eq!(contact(&world, 1).care.agents, 2);
    assert_replays(&world);
    assert_rebuilds(&world);
}

#[test]
fn a_session_ends_by_its_agent_or_with_its_login_and_stays_over() {
    let (mut world, mut phone) = scene(AgentRule::default());
    at_work(&mut world, &mut phone, 1);
    let end = |certificate| {
        Command::EndSession(EndSession {
            desk: Desk {
                certificate,
                ..desk()
            },
            session: session(1),
        })
    };
    // Another desktop of the same agent does not know it.
    let other = world.run(end(Digest([9; 32])));
    assert_eq!(other, Err(Rejection::UnknownSession));
    world.done(end(CERTIFICATE));
    assert_eq!(world.last_kinds(), [73]);
    assert_eq!(world.run(end(CERTIFICATE)), Err(Rejection::SessionEnded));
    log_in(&mut world, &mut phone, 2);
    assert_eq!(world.run(restore(1, 2)), Err(Rejection::SessionEnded));
    open(&mut world, 2, 2);
    seen(&mut world, 2);
    let customer = world.customer(1);
    world.call(customer.subject, 1);
    bind(&mut world, 1);
    world.after(u64::from(SHIFT_S) * SECOND);
    let kinds: Vec<u16> = world.tick().iter().map(Event::kind).collect();
    assert_eq!(kinds, [33, 73, 29]);
    assert_eq!(agent_record(&world).session, None);
    assert!(world.tick().is_empty());
    assert_replays(&world);
    assert_rebuilds(&world);
}

#[test]
fn a_lock_suspends_the_session_and_only_unlocking_and_a_fresh_login_bring_it_back() {
    let (mut world, mut phone) = scene(AgentRule::default());
    at_work(&mut world, &mut phone, 1);
    let mut customer = world.customer(1);
    let challenge = world.call(customer.subject, 1);
    bind(&mut world, 1);
    world.prove(&mut customer, challenge, PIN).unwrap();
    world.done(lock());
    assert_eq!(world.last_kinds(), [78, 74, 29]);
    let freed = contact(&world, 1);
    assert!(freed.verdict.is_some() && freed.agent.is_none());
    assert_eq!(record(&world, 1).state, SessionState::Suspended);
    assert_eq!(record(&world, 1).screen(), ScreenAction::Blackout);
    assert!(record(&world, 1).contacts.is_empty());
    assert_eq!(bind(&mut world, 1), denied(reason::AGENT_LOCKED));
    world.done(lock());
    assert!(world.last().is_empty());
    // Not even a perfect login helps while the lock stands.
    log_in(&mut world, &mut phone, 2);
    refused(&mut world, restore(1, 2), 72, reason::AGENT_LOCKED);
    world.done(unlock(Digest::ZERO));
    assert_eq!(bind(&mut world, 1), denied(reason::SESSION_SUSPENDED));
    world.after(SECOND);
    let before = record(&world, 1).expires;
    let reply = world.done(restore(1, 2));
    assert!(matches!(reply, Reply::SessionOpen { .. }));
    assert_eq!(world.last_kinds(), [75]);
    assert_eq!(record(&world, 1).state, SessionState::Active);
    // Who was seen before the lock says nothing about who sits there now.
    assert_eq!(bind(&mut world, 1), denied(reason::NOT_SEEN_YET));
    seen(&mut world, 1);
    assert_eq!(bind(&mut world, 1), Reply::Done);
    // The old timer is gone, the new one is there.
    assert_ne!(record(&world, 1).expires, Stamp(0));
    assert!(record(&world, 1).expires >= before);
    refused(&mut world, restore(1, 2), 72, reason::LOGIN_USED);
    assert_replays(&world);
    assert_rebuilds(&world);
}

#[test]
fn a_revoked_certificate_ends_its_session_and_no_other() {
    let (mut world, mut phone) = scene(AgentRule::default());
    at_work(&mut world, &mut phone, 1);
    world.done(revoke_certificate(Digest([1; 32])));
    assert_eq!(world.last_kinds(), [80]);
    assert_eq!(record(&world, 1).state, SessionState::Active);
    world.done(revoke_certificate(CERTIFICATE));
    assert_eq!(world.last_kinds(), [80, 73]);
    assert_eq!(record(&world, 1).state, SessionState::Ended);
    assert_eq!(
        world.run(revoke_certificate(Digest::ZERO)),
        Err(Rejection::Invalid(Field::Certificate))
    );
    for number in 2..=31 {
        world.done(revoke_certificate(Digest([number; 32])));
    }
    assert_eq!(
        world.run(revoke_certificate(Digest([99; 32]))),
        Err(Rejection::Full(Field::Certificate))
    );
    // A certificate of its own ends the session of another one.
    log_in(&mut world, &mut phone, 2);
    let other = Desk {
        certificate: Digest([50; 32]),
        ..desk()
    };
    let opened = world.done(Command::OpenSession(OpenSession {
        desk: other,
        ..opening(2, 2)
    }));
    assert!(matches!(opened, Reply::SessionOpen { .. }));
    world.done(unlock(Digest([60; 32])));
    assert_eq!(world.last_kinds(), [73, 79]);
    assert_rebuilds(&world);
}
