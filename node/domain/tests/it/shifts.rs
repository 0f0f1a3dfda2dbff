//! Any sequence of what agents, cameras, platforms and processors do: sessions, presence, locks, hand-overs,
//! step-ups, reports and executions, with real proofs. What must hold is counted from the facts alone and
//! compared with the records.

use std::collections::{BTreeMap, BTreeSet};

use akashi_domain::answer::Reply;
use akashi_domain::command::{
    BindAgent, Command, Desk, EndSession, EnrolmentKind, ExecuteOrder, LockAgent, NoticeAnswer,
    OpenAgentLogin, OpenEnrolment, OpenOrder, OpenSession, Party, PresenceCause, RegisterAgent,
    ReportPresence, RestoreSession, RevokeAgentCertificate, SessionPresence, StepUp, UnlockAgent,
};
use akashi_domain::event::Event;
use akashi_domain::ids::{
    AgentHash, ChallengeId, ContactId, Digest, LoginId, OrderId, SessionId, Tag,
};
use akashi_domain::keys;
use akashi_domain::kv::Table;
use akashi_domain::policy::{AgentBinding, AgentRule, PolicyBody, PolicyPurpose};
use akashi_domain::records::{PresenceState, SessionState};
use akashi_domain::state::Records as _;
use proptest::prelude::*;

use crate::laws::{assert_rebuilds, assert_replays};
use crate::phone::{PIN, Phone};
use crate::wallet::{ORDER_HASH, ORDER_POLICY, RECIPIENT, agent_tag, consent_body};
use crate::world::{ORIGIN, SECOND, TENANT, World, body, id16};

const LOGINS: &str = "logins";
const ATTENDED: &str = "attended";
const OPEN: &str = "open";
const TEXT: &[u8] = b"sealed for the processor";

#[derive(Clone, Debug)]
enum Act {
    Open {
        agent: usize,
    },
    Restore {
        agent: usize,
    },
    End {
        agent: usize,
    },
    Report {
        agent: usize,
        node: u64,
        state: PresenceState,
        cause: PresenceCause,
    },
    Lock {
        agent: usize,
    },
    Unlock {
        agent: usize,
        renew: bool,
    },
    Revoke {
        agent: usize,
    },
    Announce {
        attended: bool,
        agent: Option<usize>,
    },
    Bind {
        agent: usize,
        contact: u64,
    },
    Close {
        contact: u64,
    },
    StepUp {
        contact: u64,
    },
    Prove,
    Say {
        answer: NoticeAnswer,
    },
    Offer {
        contact: u64,
    },
    Approve,
    Fetch {
        contact: u64,
        order: u8,
    },
    Execute {
        contact: u64,
        order: u8,
    },
    Wait {
        seconds: u64,
    },
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let agent = 0_usize..2;
    let contact = 1_u64..7;
    let state = prop_oneof![
        4 => Just(PresenceState::Present),
        1 => proptest::sample::select(PresenceState::ALL.to_vec()),
    ];
    let cause = prop_oneof![
        2 => Just(PresenceCause::Attached),
        5 => Just(PresenceCause::Samples),
        1 => Just(PresenceCause::Lasting),
    ];
    let said = prop_oneof![
        Just(NoticeAnswer::Opened),
        Just(NoticeAnswer::Report),
        Just(NoticeAnswer::NotMe)
    ];
    let act = prop_oneof![
        5 => agent.clone().prop_map(|agent| Act::Open { agent }),
        3 => agent.clone().prop_map(|agent| Act::Restore { agent }),
        1 => agent.clone().prop_map(|agent| Act::End { agent }),
        9 => (agent.clone(), 1_u64..3, state, cause)
            .prop_map(|(agent, node, state, cause)| Act::Report { agent, node, state, cause }),
        1 => agent.clone().prop_map(|agent| Act::Lock { agent }),
        2 => (agent.clone(), any::<bool>()).prop_map(|(agent, renew)| Act::Unlock { agent, renew }),
        1 => agent.clone().prop_map(|agent| Act::Revoke { agent }),
        6 => (any::<bool>(), proptest::option::of(agent.clone()))
            .prop_map(|(attended, agent)| Act::Announce { attended, agent }),
        8 => (agent, contact.clone()).prop_map(|(agent, contact)| Act::Bind { agent, contact }),
        2 => contact.clone().prop_map(|contact| Act::Close { contact }),
        2 => contact.clone().prop_map(|contact| Act::StepUp { contact }),
        6 => Just(Act::Prove),
        1 => said.prop_map(|answer| Act::Say { answer }),
        3 => contact.clone().prop_map(|contact| Act::Offer { contact }),
        3 => Just(Act::Approve),
        3 => (contact.clone(), 0_u8..4).prop_map(|(contact, order)| Act::Fetch { contact, order }),
        4 => (contact, 0_u8..4).prop_map(|(contact, order)| Act::Execute { contact, order }),
        2 => (0_u64..200).prop_map(|seconds| Act::Wait { seconds }),
    ];
    proptest::collection::vec(act, 1..50)
}

/// One agent: a phone, a certificate, and a number for what comes next.
struct Worker {
    agent: AgentHash,
    phone: Phone,
    certificate: u8,
    session: SessionId,
}

struct Play {
    world: World,
    workers: Vec<Worker>,
    customer: Phone,
    contacts: u64,
    /// Logins and sessions so far: ids are never used twice.
    made: u8,
    orders: u8,
}

impl Play {
    fn new() -> Self {
        let mut world = World::founded();
        world.sealing = true;
        world.put_policy(ORDER_POLICY, consent_body());
        world.put_policy(OPEN, body());
        let rule = AgentRule {
            binding: AgentBinding::Present,
            ..AgentRule::default()
        };
        let attended = PolicyBody {
            agents: rule.clone(),
            ..body()
        };
        world.put_policy(ATTENDED, attended);
        let logins = PolicyBody {
            purpose: PolicyPurpose::AgentLogin,
            verdict_ttl_s: 3_600,
            agents: rule,
            ..body()
        };
        world.put_policy(LOGINS, logins);
        let customer = world.customer(1);
        let workers = (1..=2).map(|number| hire(&mut world, number)).collect();
        Self {
            world,
            workers,
            customer,
            contacts: 0,
            made: 0,
            orders: 0,
        }
    }

    fn desk(&self, agent: usize) -> Desk {
        Desk {
            tenant: TENANT.into(),
            agent: self.workers[agent].agent,
            certificate: Digest([self.workers[agent].certificate; 32]),
        }
    }

    /// A login that the agent's phone proves, if anybody may ask it.
    fn log_in(&mut self, agent: usize) -> LoginId {
        self.made += 1;
        let login = LoginId([self.made; 16]);
        let who = self.workers[agent].agent;
        let asked = self.world.run(Command::OpenAgentLogin(OpenAgentLogin {
            tenant: TENANT.into(),
            login,
            agent: who,
            policy: LOGINS.into(),
            agent_tag: agent_tag(who),
        }));
        if let Ok(Reply::Announced {
            challenge,
            outcome: None,
            ..
        }) = asked
        {
            let phone = &mut self.workers[agent].phone;
            drop(self.world.prove(phone, challenge, PIN));
        }
        login
    }

    /// What the customer is being asked.
    fn asked(&self) -> Option<ChallengeId> {
        self.world.subject(self.customer.subject).open
    }

    fn order(&self, contact: u64, nth: u8) -> (ContactId, OrderId) {
        let number = self.orders.saturating_sub(nth).max(1);
        (ContactId(id16(contact)), OrderId([number; 16]))
    }

    fn run(&mut self, command: Command) {
        // What makes no sense now is turned away; that is no surprise here.
        drop(self.world.run(command));
    }

    fn act(&mut self, act: &Act) {
        match *act {
            Act::Open { agent } => {
                let login = self.log_in(agent);
                let session = SessionId([self.made; 16]);
                let opened = self.world.run(Command::OpenSession(OpenSession {
                    desk: self.desk(agent),
                    session,
                    login,
                    rules_version: 0,
                }));
                if let Ok(Reply::SessionOpen { .. }) = opened {
                    self.workers[agent].session = session;
                }
            }
            Act::Restore { agent } => {
                let login = self.log_in(agent);
                self.run(Command::RestoreSession(RestoreSession {
                    desk: self.desk(agent),
                    session: self.workers[agent].session,
                    login,
                }));
            }
            Act::End { agent } => self.run(Command::EndSession(EndSession {
                desk: self.desk(agent),
                session: self.workers[agent].session,
            })),
            Act::Report {
                agent,
                node,
                state,
                cause,
            } => {
                let line = SessionPresence {
                    tenant: 1,
                    session: self.workers[agent].session,
                    state,
                    cause,
                };
                self.run(Command::ReportPresence(ReportPresence {
                    node,
                    sessions: vec![line],
                }));
            }
            Act::Lock { agent } => self.run(Command::LockAgent(LockAgent {
                tenant: TENANT.into(),
                agent: self.workers[agent].agent,
                reason: 7,
            })),
            Act::Unlock { agent, renew } => {
                if renew {
                    self.made += 1;
                    self.workers[agent].certificate = self.made;
                }
                let certificate = if renew {
                    Digest([self.made; 32])
                } else {
                    Digest::ZERO
                };
                self.run(Command::UnlockAgent(UnlockAgent {
                    tenant: TENANT.into(),
                    agent: self.workers[agent].agent,
                    certificate,
                }));
            }
            Act::Revoke { agent } => {
                let desk = self.desk(agent);
                self.run(Command::RevokeAgentCertificate(RevokeAgentCertificate {
                    tenant: TENANT.into(),
                    agent: desk.agent,
                    certificate: desk.certificate,
                    reason: 7,
                }));
            }
            Act::Announce { attended, agent } => {
                self.contacts += 1;
                let policy = if attended { ATTENDED } else { OPEN };
                let agent = agent.map(|agent| self.workers[agent].agent);
                let announce = akashi_domain::command::AnnounceContact {
                    policy: policy.into(),
                    agent,
                    agent_tag: agent.map_or(Tag::ZERO, agent_tag),
                    ..self
                        .world
                        .announcement(self.customer.subject, self.contacts)
                };
                self.run(Command::AnnounceContact(announce));
            }
            Act::Bind { agent, contact } => {
                let agent = self.workers[agent].agent;
                self.run(Command::BindAgent(BindAgent {
                    tenant: TENANT.into(),
                    contact: ContactId(id16(contact)),
                    agent,
                    agent_tag: agent_tag(agent),
                    scope: 0,
                    needs: 0,
                    queue: 0,
                }));
            }
            Act::Close { contact } => {
                let close = self.world.close(contact);
                self.run(close);
            }
            Act::StepUp { contact } => self.run(Command::StepUp(StepUp {
                tenant: TENANT.into(),
                contact: ContactId(id16(contact)),
                policy: OPEN.into(),
                subject_tag: Tag::ZERO,
            })),
            Act::Prove => {
                if let Some(challenge) = self.asked()
                    && self.world.challenge(challenge).order.is_none()
                {
                    drop(self.world.prove(&mut self.customer, challenge, PIN));
                }
            }
            Act::Say { answer } => {
                if let Some(challenge) = self.asked() {
                    let said = self.world.notice_answer(&self.customer, challenge, answer);
                    self.run(said);
                }
            }
            Act::Offer { contact } => {
                self.orders += 1;
                let offer = self.world.offer(contact, self.orders, &[]);
                self.run(Command::OfferOrder(offer));
            }
            Act::Approve => {
                if let Some(challenge) = self.asked()
                    && self.world.challenge(challenge).order.is_some()
                {
                    let phone = &mut self.customer;
                    let consent = self.world.consent(phone, challenge, &[], TEXT);
                    drop(self.world.show(phone, challenge, vec![consent]));
                }
            }
            Act::Fetch { contact, order } => {
                let (contact, order) = self.order(contact, order);
                self.run(Command::OpenOrder(OpenOrder {
                    tenant: TENANT.into(),
                    contact,
                    order,
                    recipient: RECIPIENT,
                }));
            }
            Act::Execute { contact, order } => {
                let (contact, order) = self.order(contact, order);
                self.run(Command::ExecuteOrder(ExecuteOrder {
                    tenant: TENANT.into(),
                    contact,
                    order,
                    recipient: RECIPIENT,
                    order_hash: ORDER_HASH,
                    amounts: Vec::new(),
                }));
            }
            Act::Wait { seconds } => {
                self.world.after(seconds * SECOND);
                self.world.tick();
            }
        }
        self.check();
    }

    /// What the records say of each other, after every act.
    fn check(&self) {
        let state = &self.world.state;
        let mut held = BTreeSet::new();
        for number in 1..=self.contacts {
            let id = ContactId(id16(number));
            let Some(contact) = state.contact(1, id).unwrap() else {
                continue;
            };
            match (contact.agent, contact.session) {
                (Some(agent), Some(session)) => {
                    let record = state.session(1, session).unwrap().unwrap();
                    assert_eq!(record.agent, agent, "the session is that of the agent");
                    let has = record.contacts.contains(&id);
                    assert_eq!(has, !contact.closed, "{number}: session and contact agree");
                    if !contact.closed {
                        assert_ne!(record.state, SessionState::Ended, "{number}");
                    }
                }
                (Some(agent), None) if !contact.closed => {
                    held.insert(keys::held(1, agent, id));
                    let record = state.agent(1, agent).unwrap().unwrap();
                    assert!(!record.locked, "{number}: a lock takes everything back");
                }
                (Some(_), None) | (None, None) => {}
                (None, Some(_)) => panic!("{number}: a session without an agent"),
            }
        }
        let found: BTreeSet<Vec<u8>> = state
            .keys()
            .filter(|(table, key)| *table == Table::Agent && key.first() == Some(&b'h'))
            .map(|(_, key)| key.clone())
            .collect();
        assert_eq!(found, held, "a lock finds what is there and nothing else");
        for worker in &self.workers {
            let agent = state.agent(1, worker.agent).unwrap().unwrap();
            if let Some(session) = agent.session {
                let record = state.session(1, session).unwrap().unwrap();
                assert_ne!(record.state, SessionState::Ended);
                let active = record.state == SessionState::Active;
                assert!(!(agent.locked && active), "no lock leaves a session active");
            }
        }
    }

    /// What the facts say, counted in their order.
    fn check_facts(&self) {
        let mut attended = BTreeMap::new();
        let mut sessions: BTreeMap<SessionId, (bool, PresenceState)> = BTreeMap::new();
        let (mut logins, mut executed) = (BTreeSet::new(), BTreeSet::new());
        let (mut approved, mut blocked) = (BTreeSet::new(), BTreeSet::new());
        let mut ended = BTreeSet::new();
        let mut steps: BTreeMap<ContactId, u8> = BTreeMap::new();
        for event in self.world.events() {
            match event {
                Event::ContactAnnounced(fact) => {
                    attended.insert(fact.contact, fact.policy == ATTENDED);
                }
                Event::SessionOpened(fact) => {
                    assert!(logins.insert(fact.admission.login), "a login serves once");
                    sessions.insert(fact.session, (true, PresenceState::Unseen));
                }
                Event::SessionRestored(fact) => {
                    assert!(logins.insert(fact.admission.login), "a login serves once");
                    let session = sessions.get_mut(&fact.session).unwrap();
                    if !session.0 {
                        *session = (true, PresenceState::Unseen);
                    }
                }
                Event::SessionSuspended(fact) => sessions.get_mut(&fact.session).unwrap().0 = false,
                Event::SessionEnded(fact) => {
                    sessions.remove(&fact.session).expect("over once");
                }
                Event::PresenceChanged(fact) => {
                    let session = sessions.get_mut(&fact.session).unwrap();
                    assert_eq!(session.1, fact.from);
                    session.1 = fact.to;
                }
                Event::AgentBound(fact) if attended[&fact.contact] => {
                    let session = sessions[&fact.session.expect("in a session")];
                    assert_eq!(session, (true, PresenceState::Present), "seen, and at work");
                    assert!(!blocked.contains(&fact.contact));
                }
                Event::VerdictReached(fact) => {
                    let known = fact.challenge == ChallengeId::ZERO;
                    assert!(known || ended.insert(fact.challenge), "one ending each");
                }
                Event::StepUpAsked(fact) => {
                    let before = steps.insert(fact.contact, fact.step).unwrap_or_default();
                    assert_eq!(fact.step, before + 1, "step-ups are counted without gaps");
                }
                Event::ContactBlocked(fact) => {
                    blocked.insert(fact.contact);
                }
                Event::WrongParty(fact) => {
                    blocked.insert(fact.contact);
                }
                Event::OrderApproved(fact) => {
                    assert!(approved.insert((fact.contact, fact.order)));
                }
                Event::OrderExecuted(fact) => {
                    let order = (fact.contact, fact.order);
                    assert!(approved.contains(&order), "approved before");
                    assert!(!blocked.contains(&fact.contact), "and not reported");
                    assert!(executed.insert(order), "carried out once");
                }
                _ => {}
            }
        }
    }
}

fn hire(world: &mut World, number: u8) -> Worker {
    let handle = format!("agent-{number}");
    let agent = AgentHash::of(TENANT, &handle);
    world.done(Command::RegisterAgent(RegisterAgent {
        tenant: TENANT.into(),
        agent,
        certificate: Digest::ZERO,
        supervisor: false,
    }));
    let mut phone = Phone::new(ORIGIN, TENANT, &handle, 50 + number);
    phone.subject = agent.as_subject();
    let invitation = OpenEnrolment {
        kind: EnrolmentKind::Device,
        party: Party::Agent,
        ..world.open_enrolment(phone.subject, 90 + u64::from(number))
    };
    world.done(Command::OpenEnrolment(invitation));
    let complete = world.complete(&mut phone, 90 + u64::from(number));
    world.done(Command::CompleteEnrolment(complete));
    Worker {
        agent,
        phone,
        certificate: 200 + number,
        session: SessionId([250 + number; 16]),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_shift_keeps_sessions_contacts_and_orders_in_step_and_replays_alike(acts in acts()) {
        let mut play = Play::new();
        for act in acts {
            play.act(&act);
        }
        play.check_facts();
        // Everything that has a time comes to its end.
        play.world.after(100_000 * SECOND);
        play.world.tick();
        play.check();
        assert_replays(&play.world);
        assert_rebuilds(&play.world);
    }
}
