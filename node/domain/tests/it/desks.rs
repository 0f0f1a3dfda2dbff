//! What keeps a desk honest: nothing before somebody is seen, refusals with an end, whose word on a machine
//! counts, and locks that reach every contact.

use akashi_domain::answer::{Field, Rejection, Reply};
use akashi_domain::command::{
    AttestPosture, BindAgent, Command, CreateTenant, PresenceCause, PutSessionSettings,
    RegisterAgent, ReportPresence, SessionPresence,
};
use akashi_domain::event::Event;
use akashi_domain::ids::{AgentHash, ContactId, Digest, SessionId, Stamp};
use akashi_domain::limits::{REST_AFTER_US, STOPPED_PER_STEP_MAX};
use akashi_domain::outcome::reason;
use akashi_domain::policy::{AgentRule, PolicyBody, UnmaskRule};
use akashi_domain::records::{PresenceState, ScreenAction, SessionSettings, SessionState};
use akashi_domain::state::Records as _;

use crate::laws::{assert_rebuilds, assert_replays, zeros};
use crate::phone::Phone;
use crate::sessions::{
    agent, at_work, attestation, bind, contact, denied, lock, log_in, open, opening, record,
    restore, scene, seen, unlock,
};
use crate::wallet::{Desk as Bureau, agent_tag};
use crate::world::{POLICY, SECOND, TENANT, World, body, id16};

fn reports(world: &mut World, number: u8, state: PresenceState, cause: PresenceCause) {
    let line = SessionPresence {
        tenant: 1,
        session: SessionId([number; 16]),
        state,
        cause,
    };
    world.done(Command::ReportPresence(ReportPresence {
        node: 1,
        sessions: vec![line],
    }));
}

#[test]
fn nobody_is_at_a_desk_before_a_camera_says_so() {
    let (mut world, mut phone) = scene(AgentRule::default());
    log_in(&mut world, &mut phone, 1);
    open(&mut world, 1, 1);
    let customer = world.customer(1);
    world.call(customer.subject, 1);
    // Not with the login alone, and not with a desktop that is attached and has shown nobody.
    assert_eq!(bind(&mut world, 1), denied(reason::NOT_SEEN_YET));
    assert_eq!(world.last_kinds(), [39]);
    reports(
        &mut world,
        1,
        PresenceState::Present,
        PresenceCause::Attached,
    );
    assert_eq!(record(&world, 1).presence, PresenceState::Unseen);
    assert_eq!(record(&world, 1).screen(), ScreenAction::Clear);
    assert_eq!(bind(&mut world, 1), denied(reason::NOT_SEEN_YET));
    reports(
        &mut world,
        1,
        PresenceState::Present,
        PresenceCause::Samples,
    );
    assert_eq!(world.last_kinds(), [76]);
    assert_eq!(bind(&mut world, 1), Reply::Done);
    assert_eq!(contact(&world, 1).care.presence, 0);
    assert_replays(&world);
    assert_rebuilds(&world);
}

#[test]
fn a_login_that_only_prolongs_a_session_leaves_what_is_seen() {
    let (mut world, mut phone) = scene(AgentRule::default());
    at_work(&mut world, &mut phone, 1);
    log_in(&mut world, &mut phone, 2);
    world.done(restore(1, 2));
    assert_eq!(record(&world, 1).presence, PresenceState::Present);
    reports(&mut world, 1, PresenceState::Absent, PresenceCause::Grace);
    log_in(&mut world, &mut phone, 3);
    world.done(restore(1, 3));
    // A phone in somebody's pocket does not fill an empty chair.
    let session = record(&world, 1);
    assert_eq!(session.presence, PresenceState::Absent);
    assert_eq!(session.state, SessionState::Active);
    assert_rebuilds(&world);
}

fn limits(refusals_per_hour: u32) -> Command {
    Command::PutSessionSettings(PutSessionSettings {
        settings: zeros(),
        sessions: SessionSettings { refusals_per_hour },
    })
}

#[test]
fn refusals_of_a_session_are_recorded_so_often_an_hour_and_then_only_answered() {
    let (mut world, _) = scene(AgentRule::default());
    let before = world.state.settings().unwrap();
    let reply = world.done(limits(3));
    let sessions = SessionSettings {
        refusals_per_hour: 3,
    };
    assert_eq!(
        reply,
        Reply::SessionSettingsActive {
            settings: before,
            sessions
        }
    );
    assert_eq!(world.last_kinds(), [90]);
    let refused = |world: &mut World, kinds: &[u16]| {
        let reply = world.done(Command::OpenSession(opening(1, 1)));
        assert_eq!(reply, denied(reason::LOGIN_NOT_VERIFIED));
        assert_eq!(world.last_kinds(), kinds);
    };
    for _ in 0..3 {
        refused(&mut world, &[72]);
        world.after(SECOND);
    }
    // The answer is the same; the log hears no more of it.
    for _ in 0..5 {
        refused(&mut world, &[]);
    }
    // An hour after the first there is room for one.
    world.after(3_597 * SECOND);
    refused(&mut world, &[72]);
    refused(&mut world, &[]);
    world.done(limits(0));
    assert_eq!(world.state.session_settings().unwrap(), sessions);
    let refused = Err(Rejection::Invalid(Field::Settings));
    assert_eq!(world.run(limits(1_001)), refused);
    assert_replays(&world);
    assert_rebuilds(&world);
}

#[test]
fn one_agents_refusals_do_not_hide_anothers() {
    let (mut world, mut phone) = scene(AgentRule::default());
    world.done(limits(1));
    let other = AgentHash::of(TENANT, "agent-2");
    world.done(Command::RegisterAgent(RegisterAgent {
        tenant: TENANT.into(),
        agent: other,
        certificate: Digest::ZERO,
        supervisor: false,
    }));
    for kinds in [vec![72], vec![]] {
        let mut stranger = opening(1, 1);
        stranger.desk.agent = other;
        world.done(Command::OpenSession(stranger));
        assert_eq!(world.last_kinds(), kinds);
    }
    world.done(Command::OpenSession(opening(1, 1)));
    assert_eq!(world.last_kinds(), [72]);
    // And nobody is kept out by having been refused.
    at_work(&mut world, &mut phone, 2);
}

fn attest(bureau: &Bureau, bits: u32, (from, until): (u64, u64)) -> Command {
    Command::AttestPosture(attestation(bureau, bits, (from, until)))
}

#[test]
fn a_policy_says_whose_word_on_a_machine_it_believes() {
    let asked = AgentRule {
        posture: 0b11,
        posture_issuers: vec!["health".into()],
        ..AgentRule::default()
    };
    let (mut world, mut phone) = scene(asked);
    let (health, bureau) = (Bureau::new("health", 0x15), Bureau::new("bureau", 0x16));
    world.register_issuer(&health);
    world.register_issuer(&bureau);
    let now = world.now;
    let until = now + 3_000 * SECOND;
    // A registered issuer who is not named says that all is well.
    world.done(attest(&bureau, 0b11, (now, until)));
    log_in(&mut world, &mut phone, 1);
    assert_eq!(open(&mut world, 1, 1), denied(reason::POSTURE_MISSING));
    // Who is named said something older, and is believed.
    world.done(attest(&health, 0b11, (now - 5, until)));
    assert!(matches!(open(&mut world, 1, 1), Reply::SessionOpen { .. }));
    assert_eq!(record(&world, 1).posture_until, Stamp(until));
    seen(&mut world, 1);
    let customer = world.customer(1);
    world.call(customer.subject, 1);
    assert_eq!(bind(&mut world, 1), Reply::Done);
    // What somebody else finds wrong changes nothing; what the named one finds does, at once.
    world.done(attest(&bureau, 0b00, (now + 1, until)));
    assert_eq!(record(&world, 1).posture_until, Stamp(until));
    world.done(attest(&health, 0b01, (now + 1, until)));
    assert_eq!(record(&world, 1).posture_until, Stamp(0));
    world.call(customer.subject, 2);
    assert_eq!(bind(&mut world, 2), denied(reason::POSTURE_MISSING));
    // An old look of the same issuer does not come back.
    let invalid = Err(Rejection::Invalid(Field::Posture));
    assert_eq!(world.run(attest(&health, 0b11, (now + 1, until))), invalid);
    assert_replays(&world);
    assert_rebuilds(&world);
}

#[test]
fn without_names_the_newest_look_of_anybody_counts() {
    let asked = AgentRule {
        posture: 0b11,
        ..AgentRule::default()
    };
    let (mut world, mut phone) = scene(asked);
    let (health, bureau) = (Bureau::new("health", 0x15), Bureau::new("bureau", 0x16));
    world.register_issuer(&health);
    world.register_issuer(&bureau);
    let now = world.now;
    let until = now + 3_000 * SECOND;
    world.done(attest(&health, 0b00, (now, until)));
    // Good, and older than the bad one.
    world.done(attest(&bureau, 0b11, (now - 5, until)));
    log_in(&mut world, &mut phone, 1);
    assert_eq!(open(&mut world, 1, 1), denied(reason::POSTURE_MISSING));
    world.done(attest(&bureau, 0b11, (now + 1, until)));
    assert!(matches!(open(&mut world, 1, 1), Reply::SessionOpen { .. }));
    assert_rebuilds(&world);
}

#[test]
fn a_rule_that_names_nobody_has_the_bytes_that_it_always_had() {
    let plain = AgentRule {
        posture: 1,
        unmask: Some(UnmaskRule {
            fields: 1,
            ttl_s: 60,
            break_glass: false,
        }),
        ..AgentRule::default()
    };
    let bytes = borsh::to_vec(&plain).unwrap();
    // binding, posture, rules, four fields of presence, and the optional rule to unmask.
    assert_eq!(bytes.len(), 1 + 4 + 1 + 7 + 1 + 9);
    assert_eq!(bytes[13], 1);
    let named = AgentRule {
        posture_issuers: vec!["health".into()],
        ..plain
    };
    for rule in [
        plain,
        named.clone(),
        AgentRule {
            unmask: None,
            ..named
        },
    ] {
        let bytes = borsh::to_vec(&rule).unwrap();
        assert_eq!(borsh::from_slice::<AgentRule>(&bytes).unwrap(), rule);
    }
    // The longer form with nobody named would be a second spelling.
    let mut twice = bytes[..13].to_vec();
    twice.extend_from_slice(&[2, 0, 0, 0, 0, 0]);
    assert!(borsh::from_slice::<AgentRule>(&twice).is_err());
}

#[test]
fn names_of_a_rule_are_few_ascending_and_only_where_a_posture_is_asked() {
    let login = |posture, names: &[&str]| PolicyBody {
        purpose: akashi_domain::policy::PolicyPurpose::AgentLogin,
        agents: AgentRule {
            posture,
            posture_issuers: names.iter().map(|&name| name.to_owned()).collect(),
            ..AgentRule::default()
        },
        ..body()
    };
    assert_eq!(login(1, &["a", "b"]).check(), Ok(()));
    for (posture, names) in [
        (0, vec!["a"]),
        (1, vec!["b", "a"]),
        (1, vec!["a", "a"]),
        (1, vec!["A"]),
        (1, vec!["a", "b", "c", "d", "e", "f", "g", "h", "i"]),
    ] {
        assert_eq!(
            login(posture, &names).check(),
            Err(Field::AgentRule),
            "{names:?}"
        );
    }
}

/// Calls that any registered agent may have, and so many of them with the agent.
fn without_sessions(contacts: u64) -> (World, Phone) {
    let (mut world, phone) = scene(AgentRule::default());
    world.put_policy(POLICY, body());
    let customer = world.customer(1);
    for number in 1..=contacts {
        let announce = akashi_domain::command::AnnounceContact {
            agent: Some(agent()),
            agent_tag: agent_tag(agent()),
            ..world.announcement(customer.subject, number)
        };
        world.done(Command::AnnounceContact(announce));
    }
    (world, phone)
}

#[test]
fn a_lock_takes_contacts_back_that_an_agent_has_without_a_session() {
    let (mut world, _) = without_sessions(3);
    let close = world.close(2);
    world.done(close);
    world.done(lock());
    // The closed one keeps who had it.
    assert_eq!(world.last_kinds(), [78, 29, 29]);
    for number in [1, 3] {
        let freed = contact(&world, number);
        assert_eq!((freed.agent, freed.session), (None, None));
    }
    assert_eq!(contact(&world, 2).agent, Some(agent()));
    let Some(Event::AgentReleased(fact)) = world.last().pop() else {
        panic!("not taken back");
    };
    assert_eq!(fact.session, SessionId::ZERO);
    assert_eq!(fact.reason, reason::AGENT_LOCKED);
    assert_eq!(fact.agent_tag, agent_tag(agent()));
    assert_eq!(Event::from(fact).session(), None);
    // Nothing is left over, and another agent takes one.
    world.after(2 * REST_AFTER_US);
    assert!(world.tick().iter().all(|event| event.kind() != 29));
    assert_eq!(bind(&mut world, 1), denied(reason::AGENT_LOCKED));
    world.done(unlock(Digest::ZERO));
    assert_eq!(bind(&mut world, 1), Reply::Done);
    assert_replays(&world);
    assert_rebuilds(&world);
}

#[test]
fn a_lock_of_an_agent_with_more_contacts_than_one_step_may_touch_goes_on() {
    let many = u64::try_from(STOPPED_PER_STEP_MAX).unwrap() + 3;
    let (mut world, _) = without_sessions(many);
    world.done(lock());
    assert_eq!(world.last_kinds().len(), 1 + STOPPED_PER_STEP_MAX);
    // One of the rest is closed before its turn.
    let last = (1..=many)
        .rev()
        .find(|number| contact(&world, *number).agent.is_some())
        .unwrap();
    let close = world.close(last);
    let request = world.request(close);
    world.entry(vec![request]);
    world.after(REST_AFTER_US);
    let mut released = world.tick();
    released.retain(|event| event.kind() == 29);
    assert_eq!(released.len(), 2);
    let held = (1..=many).filter(|number| contact(&world, *number).agent.is_some());
    assert_eq!(held.collect::<Vec<_>>(), [last]);
    world.after(2 * REST_AFTER_US);
    assert!(world.tick().iter().all(|event| event.kind() != 29));
    assert_replays(&world);
    assert_rebuilds(&world);
}

#[test]
fn an_agent_who_is_unlocked_before_the_rest_is_taken_back_keeps_the_rest() {
    let many = u64::try_from(STOPPED_PER_STEP_MAX).unwrap() + 2;
    let (mut world, _) = without_sessions(many);
    world.done(lock());
    world.done(unlock(Digest::ZERO));
    world.after(2 * REST_AFTER_US);
    assert!(world.tick().iter().all(|event| event.kind() != 29));
    let held = (1..=many).filter(|number| contact(&world, *number).agent.is_some());
    assert_eq!(held.count(), 2);
    assert_rebuilds(&world);
}

#[test]
fn a_contact_that_is_handed_on_is_not_taken_back_from_who_has_it_now() {
    let (mut world, mut phone) = without_sessions(2);
    let other = AgentHash::of(TENANT, "agent-2");
    world.done(Command::RegisterAgent(RegisterAgent {
        tenant: TENANT.into(),
        agent: other,
        certificate: Digest::ZERO,
        supervisor: false,
    }));
    world.done(Command::BindAgent(BindAgent {
        tenant: TENANT.into(),
        contact: ContactId(id16(1)),
        agent: other,
        agent_tag: agent_tag(other),
        scope: 0,
        needs: 0,
        queue: 0,
    }));
    // The other one is in a session now.
    at_work(&mut world, &mut phone, 1);
    assert_eq!(bind(&mut world, 2), Reply::Done);
    assert_eq!(contact(&world, 2).session, Some(SessionId([1; 16])));
    world.done(lock());
    assert_eq!(world.last_kinds(), [78, 74, 29]);
    assert_eq!(contact(&world, 1).agent, Some(other));
    assert_eq!(contact(&world, 2).agent, None);
    assert_rebuilds(&world);
}

/// Another tenant's things are never meant.
#[test]
fn a_lock_stays_within_its_tenant() {
    let (mut world, _) = without_sessions(1);
    world.done(Command::CreateTenant(CreateTenant {
        tenant: "second".into(),
    }));
    let Command::LockAgent(mut command) = lock() else {
        panic!("a lock");
    };
    command.tenant = "second".into();
    let unknown = world.run(Command::LockAgent(command));
    assert_eq!(unknown, Err(Rejection::UnknownAgent));
    assert_eq!(contact(&world, 1).agent, Some(agent()));
}

#[test]
fn a_posture_of_an_unknown_agent_is_turned_away() {
    let (mut world, _) = scene(AgentRule::default());
    let bureau = Bureau::new("health", 0x15);
    world.register_issuer(&bureau);
    let attested = AttestPosture {
        agent: AgentHash::of(TENANT, "nobody"),
        ..attestation(&bureau, 1, (world.now, world.now + SECOND))
    };
    let unknown = world.run(Command::AttestPosture(attested));
    assert_eq!(unknown, Err(Rejection::UnknownAgent));
}
