//! Agents: who may have a call, who listens in, what a lock does, what ends during a shift, and what
//! nobody sees alone. Rows 20 (who is bound), 22, 26, 27, 28 and 40.

use akashi_domain::answer::Reply;
use akashi_domain::command::{
    BreakGlass, Command, DecideUnmask, Desk, LockAgent, ObserveContact, OpenAgentLogin,
    OpenSession, Party, PresenceCause, RegisterAgent, ReportPresence, RequestUnmask,
    RestoreSession, RevokeAgentCertificate, SessionPresence, UnlockAgent,
};
use akashi_domain::event::Event;
use akashi_domain::ids::{AgentHash, Digest, LoginId, SessionId, Stamp, UnmaskId};
use akashi_domain::outcome::{Outcome, reason};
use akashi_domain::policy::{AgentBinding, AgentRule, PolicyBody, PolicyPurpose, UnmaskRule};
use akashi_domain::records::{
    PresenceState, ScreenAction, Session, SessionState, Unmask, UnmaskState,
};
use akashi_domain::state::Records as _;

use super::world::{PIN, POLICY, Phone, SECOND, TENANT, World, agent, body, contact_id, tag};

const LOGINS: &str = "logins";
/// How long a login, and a session with it, is good.
const SHIFT: u64 = 3_600 * SECOND;

/// An agent with a phone and a desktop.
pub(super) struct Worker {
    pub(super) agent: AgentHash,
    phone: Phone,
    number: u8,
    logins: u8,
}

impl Worker {
    fn desk(&self) -> Desk {
        Desk {
            tenant: TENANT.into(),
            agent: self.agent,
            certificate: Digest([self.number; 32]),
        }
    }

    pub(super) const fn session(&self) -> SessionId {
        SessionId([self.number; 16])
    }

    /// The phone proves who logs in.
    fn log_in(&mut self, world: &mut World) -> LoginId {
        self.logins += 1;
        let mut id = [self.number; 16];
        id[0] = self.logins;
        let login = LoginId(id);
        let open = OpenAgentLogin {
            tenant: TENANT.into(),
            login,
            agent: self.agent,
            policy: LOGINS.into(),
            agent_tag: tag(self.agent.as_subject()),
        };
        let Reply::Announced { challenge, .. } = world.done(Command::OpenAgentLogin(open)) else {
            panic!("nobody was asked");
        };
        world.prove(&mut self.phone, challenge, PIN).unwrap();
        login
    }

    fn open(&self, world: &mut World, login: LoginId) -> Reply {
        world.done(Command::OpenSession(OpenSession {
            desk: self.desk(),
            session: self.session(),
            login,
            rules_version: 0,
        }))
    }

    /// What the node that has the desktop says of it.
    fn report(&self, world: &mut World, state: PresenceState, cause: PresenceCause) -> Vec<u16> {
        let line = SessionPresence {
            tenant: 1,
            session: self.session(),
            state,
            cause,
        };
        let reply = world.done(Command::ReportPresence(ReportPresence {
            node: 1,
            sessions: vec![line],
        }));
        assert_eq!(reply, Reply::Done);
        world.last_kinds()
    }

    /// The desktop is attached to node 1, and its camera sees the agent.
    pub(super) fn is_seen(&self, world: &mut World) {
        self.report(world, PresenceState::Present, PresenceCause::Attached);
        self.report(world, PresenceState::Present, PresenceCause::Samples);
        assert_eq!(self.record(world).presence, PresenceState::Present);
    }

    pub(super) fn restore(&mut self, world: &mut World) -> Reply {
        let login = self.log_in(world);
        world.done(Command::RestoreSession(RestoreSession {
            desk: self.desk(),
            session: self.session(),
            login,
        }))
    }

    pub(super) fn record(&self, world: &World) -> Session {
        let session = world.state.session(1, self.session());
        session.unwrap().unwrap()
    }

    pub(super) fn bind(&self, world: &mut World, contact: u64) -> Reply {
        world.bind(contact, self.agent).unwrap()
    }
}

/// A cluster where calls want an agent who is present, and two fields may be unmasked for a minute.
pub(super) fn centre() -> World {
    let mut world = World::founded();
    world.put_policy(
        POLICY,
        PolicyBody {
            agents: AgentRule {
                binding: AgentBinding::Present,
                unmask: Some(UnmaskRule {
                    fields: 0b11,
                    ttl_s: 60,
                    break_glass: true,
                }),
                ..AgentRule::default()
            },
            ..body()
        },
    );
    world.put_policy(
        LOGINS,
        PolicyBody {
            purpose: PolicyPurpose::AgentLogin,
            verdict_ttl_s: 3_600,
            agents: AgentRule::default(),
            ..body()
        },
    );
    world
}

/// A registered agent with an enrolled phone.
fn hire(world: &mut World, number: u8, supervisor: bool) -> Worker {
    let agent = agent(number);
    world.done(Command::RegisterAgent(RegisterAgent {
        tenant: TENANT.into(),
        agent,
        certificate: Digest::ZERO,
        supervisor,
    }));
    let mut phone = Phone::new(&format!("agent-{number}"), 100 + number);
    phone.subject = agent.as_subject();
    world.enrol_as(&mut phone, 1_000 + u64::from(number), Party::Agent);
    Worker {
        agent,
        phone,
        number,
        logins: 0,
    }
}

/// A worker with an open session.
pub(super) fn at_work(world: &mut World, number: u8, supervisor: bool) -> Worker {
    let mut worker = hire(world, number, supervisor);
    let login = worker.log_in(world);
    let reply = worker.open(world, login);
    assert!(matches!(reply, Reply::SessionOpen { .. }), "{reply:?}");
    worker.is_seen(world);
    worker
}

pub(super) const fn denied(reason: u16) -> Reply {
    Reply::Denied { reason }
}

fn lock(worker: &Worker) -> Command {
    Command::LockAgent(LockAgent {
        tenant: TENANT.into(),
        agent: worker.agent,
        reason: 7,
    })
}

#[test]
fn u20_a_call_is_handed_to_a_verified_agent_or_to_nobody() {
    let mut world = centre();
    let first = at_work(&mut world, 1, false);
    let mut second = hire(&mut world, 2, false);
    let mut customer = world.customer(1);
    world.verified(&mut customer, 1);
    assert_eq!(first.bind(&mut world, 1), Reply::Done);
    assert_eq!(world.last_kinds(), [21]);
    // The next agent has proved nothing yet: the call stays where it is, with its verdict.
    assert_eq!(second.bind(&mut world, 1), denied(reason::NO_SESSION));
    assert_eq!(world.last_kinds(), [39]);
    assert_eq!(world.contact(1).agent, Some(first.agent));
    let login = second.log_in(&mut world);
    second.open(&mut world, login);
    // Logged in, and nobody has looked at the desk yet.
    assert_eq!(second.bind(&mut world, 1), denied(reason::NOT_SEEN_YET));
    second.is_seen(&mut world);
    assert_eq!(second.bind(&mut world, 1), Reply::Done);
    let contact = world.contact(1);
    assert_eq!(contact.agent, Some(second.agent));
    assert_eq!(contact.session, Some(second.session()));
    assert_eq!(contact.verdict.unwrap().outcome, Outcome::Verified);
    assert_eq!(contact.care.agents, 2);
    assert!(first.record(&world).contacts.is_empty());
    assert_eq!(second.record(&world).contacts, [contact_id(1)]);
}

#[test]
fn u22_a_supervisor_listens_in_and_that_is_recorded_and_seen() {
    let mut world = centre();
    let worker = at_work(&mut world, 1, false);
    let customer = world.customer(1);
    world.call(customer.subject, 1);
    worker.bind(&mut world, 1);
    let observe = |worker: &Worker| {
        Command::ObserveContact(ObserveContact {
            desk: worker.desk(),
            session: worker.session(),
            contact: contact_id(1),
        })
    };
    // Not a colleague, and not a supervisor who has not logged in.
    let colleague = at_work(&mut world, 2, false);
    let reply = world.done(observe(&colleague));
    assert_eq!(reply, denied(reason::NOT_SUPERVISOR));
    let mut supervisor = hire(&mut world, 3, true);
    let reply = world.done(observe(&supervisor));
    assert_eq!(reply, denied(reason::NO_SESSION));
    assert_eq!(world.last_kinds(), [39]);
    assert!(world.contact(1).observers.is_empty());
    let login = supervisor.log_in(&mut world);
    supervisor.open(&mut world, login);
    supervisor.is_seen(&mut world);
    assert_eq!(world.done(observe(&supervisor)), Reply::Done);
    assert_eq!(world.last_kinds(), [46]);
    let contact = world.contact(1);
    assert_eq!(contact.observers.len(), 1);
    assert_eq!(
        contact.agent,
        Some(worker.agent),
        "the agent keeps the call"
    );
    // Twice is once.
    world.done(observe(&supervisor));
    assert!(world.last().is_empty());
    assert_eq!(world.contact(1).observers.len(), 1);
}

#[test]
fn u26_a_false_blackout_is_undone_by_a_fresh_login_and_the_call_is_not_lost() {
    let mut world = centre();
    let mut worker = at_work(&mut world, 1, false);
    let mut customer = world.customer(1);
    world.verified(&mut customer, 1);
    worker.bind(&mut world, 1);
    // The camera saw somebody else, as its node reports it; it was the light.
    let kinds = worker.report(&mut world, PresenceState::Other, PresenceCause::Samples);
    assert_eq!(kinds, [76, 74]);
    let Some(Event::SessionSuspended(fact)) = world.last().pop() else {
        panic!("no suspension");
    };
    assert_eq!(fact.reason, reason::ANOTHER_PERSON);
    // Nothing that the camera says afterwards undoes it.
    let kinds = worker.report(&mut world, PresenceState::Present, PresenceCause::Samples);
    assert_eq!(kinds, [0_u16; 0]);
    assert_eq!(worker.record(&world).screen(), ScreenAction::Blackout);
    world.call(customer.subject, 2);
    assert_eq!(
        worker.bind(&mut world, 2),
        denied(reason::SESSION_SUSPENDED)
    );
    assert_eq!(world.contact(1).agent, Some(worker.agent));
    let reply = worker.restore(&mut world);
    assert!(matches!(reply, Reply::SessionOpen { .. }), "{reply:?}");
    assert_eq!(world.last_kinds(), [75]);
    let session = worker.record(&world);
    assert_eq!(session.state, SessionState::Active);
    assert_eq!(session.screen(), ScreenAction::Clear);
    assert_eq!(session.contacts, [contact_id(1)]);
    // Two matches later the screen is back, and so is the next call.
    assert_eq!(worker.bind(&mut world, 2), denied(reason::NOT_SEEN_YET));
    let kinds = worker.report(&mut world, PresenceState::Present, PresenceCause::Samples);
    assert_eq!(kinds, [76]);
    assert_eq!(worker.record(&world).screen(), ScreenAction::Show);
    let contact = world.contact(1);
    assert_eq!(contact.agent, Some(worker.agent));
    assert_eq!(contact.verdict.unwrap().outcome, Outcome::Verified);
    assert_eq!(worker.bind(&mut world, 2), Reply::Done);
}

#[test]
fn u27_a_stolen_desktop_is_out_at_once_and_its_calls_go_back_with_their_verdicts() {
    let mut world = centre();
    let mut worker = at_work(&mut world, 1, false);
    let other = at_work(&mut world, 2, false);
    let mut customer = world.customer(1);
    let mut waiting = world.customer(2);
    world.verified(&mut customer, 1);
    let challenge = world.call(waiting.subject, 2);
    worker.bind(&mut world, 1);
    worker.bind(&mut world, 2);
    world.done(lock(&worker));
    assert_eq!(world.last_kinds(), [78, 74, 29, 29]);
    for number in [1, 2] {
        let contact = world.contact(number);
        assert_eq!((contact.agent, contact.session), (None, None));
    }
    // What was proved stays proved; what is being proved goes on.
    assert_eq!(world.contact(1).verdict.unwrap().outcome, Outcome::Verified);
    assert_eq!(
        world.prove(&mut waiting, challenge, PIN),
        Ok(super::world::VERIFIED)
    );
    assert_eq!(other.bind(&mut world, 1), Reply::Done);
    // The thief has the certificate and nothing else: every try is refused and recorded.
    let revoke = Command::RevokeAgentCertificate(RevokeAgentCertificate {
        tenant: TENANT.into(),
        agent: worker.agent,
        certificate: worker.desk().certificate,
        reason: 7,
    });
    world.done(revoke);
    assert_eq!(world.last_kinds(), [80, 73]);
    assert_eq!(worker.record(&world).state, SessionState::Ended);
    let made_up = LoginId([0xff; 16]);
    let mut thief = SessionId([0xee; 16]);
    for why in [reason::CERTIFICATE_REVOKED, reason::CERTIFICATE_REVOKED] {
        let reply = world.done(Command::OpenSession(OpenSession {
            desk: worker.desk(),
            session: thief,
            login: made_up,
            rules_version: 0,
        }));
        assert_eq!(reply, denied(why));
        assert_eq!(world.last_kinds(), [72]);
        thief.0[0] += 1;
    }
    // With a new certificate and a fresh login the agent works again.
    world.done(Command::UnlockAgent(UnlockAgent {
        tenant: TENANT.into(),
        agent: worker.agent,
        certificate: Digest([11; 32]),
    }));
    worker.number = 11;
    let login = worker.log_in(&mut world);
    let reply = worker.open(&mut world, login);
    assert!(matches!(reply, Reply::SessionOpen { .. }), "{reply:?}");
}

#[test]
fn u28_a_shift_that_ends_lets_the_call_be_finished_and_no_other_begin() {
    let mut world = centre();
    let mut worker = at_work(&mut world, 1, false);
    let mut customer = world.customer(1);
    world.verified(&mut customer, 1);
    worker.bind(&mut world, 1);
    world.after(60 * SECOND);
    world.put_policy(
        LOGINS,
        PolicyBody {
            purpose: PolicyPurpose::AgentLogin,
            verdict_ttl_s: 3_600,
            agents: AgentRule {
                posture: 1,
                ..AgentRule::default()
            },
            ..body()
        },
    );
    // A login under the new policy lacks the posture: the session stays as it was.
    let reply = worker.restore(&mut world);
    assert_eq!(reply, denied(reason::POSTURE_MISSING));
    assert_eq!(worker.record(&world).state, SessionState::Active);
    assert_eq!(world.contact(1).agent, Some(worker.agent));
    // Then the session's own time is over.
    world.after(SHIFT);
    let kinds: Vec<u16> = world.tick().iter().map(Event::kind).collect();
    assert_eq!(kinds, [73, 29]);
    world.call(customer.subject, 2);
    assert_eq!(worker.bind(&mut world, 2), denied(reason::NO_SESSION));
    assert_eq!(world.last_kinds(), [39]);
}

fn request(worker: &Worker, unmask: u8, fields: u32) -> RequestUnmask {
    RequestUnmask {
        desk: worker.desk(),
        session: worker.session(),
        contact: contact_id(1),
        unmask: UnmaskId([unmask; 16]),
        fields,
        reason: 12,
    }
}

fn decide(worker: &Worker, unmask: u8, grant: bool) -> Command {
    Command::DecideUnmask(DecideUnmask {
        desk: worker.desk(),
        session: worker.session(),
        contact: contact_id(1),
        unmask: UnmaskId([unmask; 16]),
        grant,
    })
}

fn unmask(world: &World, number: u8) -> Unmask {
    let id = UnmaskId([number; 16]);
    world.state.unmask(1, contact_id(1), id).unwrap().unwrap()
}

#[test]
fn u40_what_is_masked_takes_a_reason_a_second_person_and_an_end_and_the_customer_is_told() {
    let mut world = centre();
    let worker = at_work(&mut world, 1, false);
    let supervisor = at_work(&mut world, 2, true);
    let customer = world.customer(1);
    world.call(customer.subject, 1);
    // Who does not have the call sees nothing of it.
    let ask =
        |worker: &Worker, number, fields| Command::RequestUnmask(request(worker, number, fields));
    let reply = world.done(ask(&worker, 1, 0b01));
    assert_eq!(reply, denied(reason::NOT_BOUND));
    assert_eq!(world.last_kinds(), [47, 48]);
    assert_eq!(unmask(&world, 1).state, UnmaskState::Denied);
    worker.bind(&mut world, 1);
    // Fields that the policy does not know.
    let reply = world.done(ask(&worker, 2, 0b100));
    assert_eq!(reply, denied(reason::UNMASK_NOT_ALLOWED));
    // Nobody lets himself in; that ends the request.
    assert_eq!(world.done(ask(&worker, 3, 0b01)), Reply::Done);
    assert_eq!(world.last_kinds(), [47]);
    assert_eq!(unmask(&world, 3).state, UnmaskState::Asked);
    assert_eq!(unmask(&world, 3).until, Stamp(0));
    let reply = world.done(decide(&worker, 3, true));
    assert_eq!(reply, denied(reason::SAME_PERSON));
    assert_eq!(unmask(&world, 3).state, UnmaskState::Denied);
    // A colleague cannot decide; a supervisor can say no, and yes.
    let colleague = at_work(&mut world, 3, false);
    world.done(ask(&worker, 4, 0b01));
    let reply = world.done(decide(&colleague, 4, true));
    assert_eq!(reply, denied(reason::NOT_SUPERVISOR));
    assert_eq!(unmask(&world, 4).state, UnmaskState::Asked);
    world.done(decide(&supervisor, 4, false));
    assert_eq!(unmask(&world, 4).state, UnmaskState::Denied);
    assert!(world.subject(customer.subject).told.is_empty());
    world.done(ask(&worker, 5, 0b11));
    let until = Stamp(world.now + 60 * SECOND);
    let reply = world.done(decide(&supervisor, 5, true));
    assert_eq!(reply, Reply::Unmasked { until });
    assert_eq!(world.last_kinds(), [48]);
    let granted = unmask(&world, 5);
    assert_eq!(
        (granted.state, granted.until),
        (UnmaskState::Granted, until)
    );
    assert_eq!(granted.decided_by, Some(supervisor.agent));
    // The customer is told, and the contact remembers it.
    let told = world.subject(customer.subject).told;
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].fields, told[0].break_glass), (0b11, false));
    assert_eq!(told[0].leaf, granted.leaf);
    assert_eq!(world.contact(1).care.unmasked, 1);
    // Broken glass is loud.
    let reply = world.done(Command::BreakGlass(BreakGlass {
        request: request(&worker, 6, 0b10),
    }));
    assert_eq!(reply, Reply::Unmasked { until });
    assert_eq!(world.last_kinds(), [47, 48]);
    assert!(unmask(&world, 6).break_glass);
    assert!(world.subject(customer.subject).told[1].break_glass);
    assert_eq!(world.contact(1).care.unmasked, 2);
    // A request that is open when the call is handed on is worth nothing.
    world.done(ask(&worker, 7, 0b01));
    colleague.bind(&mut world, 1);
    let reply = world.done(decide(&supervisor, 7, true));
    assert_eq!(reply, denied(reason::NOT_BOUND));
    assert_eq!(world.contact(1).care.unmasked, 2);
}
