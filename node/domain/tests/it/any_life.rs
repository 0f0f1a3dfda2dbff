//! Any sequence of what customers, agents, desks and processors do, with real proofs: calls, step-ups,
//! orders, logins, sessions, presence, locks. One verdict per challenge, one session per login, an order
//! carried out once at most, and the laws of replay.

use std::collections::BTreeMap;

use akashi_domain::command::{
    BindAgent, Command, EndSession, ExecuteOrder, LockAgent, OpenAgentLogin, OpenOrder,
    OpenSession, PresenceCause, PresenceSummary, ReportPresence, SessionPresence, StepUp,
    UnlockAgent,
};
use akashi_domain::event::Event;
use akashi_domain::ids::{ChallengeId, ContactId, Digest, LoginId, OrderId, SessionId, Stamp, Tag};
use akashi_domain::policy::AgentRule;
use akashi_domain::records::{PresenceState, SessionState};
use akashi_domain::state::Records as _;
use proptest::prelude::*;

use crate::laws::{assert_rebuilds, assert_replays};
use crate::phone::{PIN, Phone};
use crate::sessions::{desk, scene};
use crate::wallet::{ORDER_HASH, ORDER_POLICY, RECIPIENT, agent_tag, consent_body};
use crate::world::{POLICY, SECOND, TENANT, World, id16};

#[derive(Clone, Debug)]
enum Act {
    Announce,
    /// The newest question of the customer is answered.
    Prove {
        right: bool,
    },
    StepUp {
        contact: u64,
    },
    Offer {
        contact: u64,
        order: u8,
    },
    Consent,
    Open {
        contact: u64,
        order: u8,
    },
    Execute {
        contact: u64,
        order: u8,
        as_approved: bool,
    },
    Close {
        contact: u64,
    },
    Login {
        login: u8,
    },
    /// The newest question of the agent is answered.
    LogIn {
        right: bool,
    },
    Session {
        session: u8,
        login: u8,
    },
    Report {
        node: u64,
        session: u8,
        state: PresenceState,
        cause: PresenceCause,
    },
    Summary,
    Bind {
        contact: u64,
    },
    End {
        session: u8,
    },
    Lock(bool),
    Wait {
        seconds: u64,
    },
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let contact = || 1_u64..5;
    let small = || 1_u8..4;
    let state = prop_oneof![
        4 => Just(PresenceState::Present),
        1 => Just(PresenceState::Absent),
        1 => Just(PresenceState::Multiple),
        1 => Just(PresenceState::Other),
        1 => Just(PresenceState::CameraLost)
    ];
    let cause = prop_oneof![
        2 => Just(PresenceCause::Attached),
        3 => Just(PresenceCause::Samples),
        1 => Just(PresenceCause::Lasting)
    ];
    let act = prop_oneof![
        4 => Just(Act::Announce),
        6 => prop::bool::weighted(0.8).prop_map(|right| Act::Prove { right }),
        3 => contact().prop_map(|contact| Act::StepUp { contact }),
        3 => (contact(), small()).prop_map(|(contact, order)| Act::Offer { contact, order }),
        4 => Just(Act::Consent),
        2 => (contact(), small()).prop_map(|(contact, order)| Act::Open { contact, order }),
        3 => (contact(), small(), prop::bool::weighted(0.7))
            .prop_map(|(contact, order, as_approved)| Act::Execute { contact, order, as_approved }),
        1 => contact().prop_map(|contact| Act::Close { contact }),
        4 => small().prop_map(|login| Act::Login { login }),
        5 => prop::bool::weighted(0.8).prop_map(|right| Act::LogIn { right }),
        4 => (small(), small()).prop_map(|(session, login)| Act::Session { session, login }),
        5 => (1_u64..5, small(), state, cause).prop_map(|(node, session, state, cause)| {
            Act::Report { node, session, state, cause }
        }),
        1 => Just(Act::Summary),
        3 => contact().prop_map(|contact| Act::Bind { contact }),
        1 => small().prop_map(|session| Act::End { session }),
        1 => any::<bool>().prop_map(Act::Lock),
        2 => (0_u64..90).prop_map(|seconds| Act::Wait { seconds }),
    ];
    proptest::collection::vec(act, 1..70)
}

struct Play {
    world: World,
    customer: Phone,
    agent: Phone,
    contacts: u64,
}

fn contact(number: u64) -> ContactId {
    ContactId(id16(number))
}

impl Play {
    fn new() -> Self {
        let (mut world, agent) = scene(AgentRule::default());
        world.sealing = true;
        world.put_policy(ORDER_POLICY, consent_body());
        let customer = world.customer(1);
        Self {
            world,
            customer,
            agent,
            contacts: 0,
        }
    }

    /// Whatever comes of it: what makes no sense now is refused and leaves nothing.
    fn send(&mut self, command: Command) {
        let before = self.world.events().len();
        let refused = self.world.run(command).is_err();
        let answered = self.world.applied.last().unwrap();
        assert_eq!(answered.answers.len(), 1);
        if refused {
            let fired = answered.answers[0].placement.first_leaf;
            let leaves = u64::try_from(self.world.events().len()).unwrap();
            assert_eq!(leaves, fired, "a refusal leaves nothing but what was due");
        }
        assert!(self.world.events().len() >= before);
    }

    fn open_question(&self, phone: &Phone) -> Option<ChallengeId> {
        self.world.subject(phone.subject).open
    }

    fn act(&mut self, act: &Act) {
        let tenant = TENANT.to_owned();
        match *act {
            Act::Announce => {
                self.contacts += 1;
                let subject = self.customer.subject;
                let announce = self.world.announcement(subject, self.contacts);
                self.send(Command::AnnounceContact(announce));
            }
            Act::Prove { right } => {
                if let Some(open) = self.open_question(&self.customer) {
                    let pin = if right { PIN } else { "0000" };
                    let answer = self.world.answer(&mut self.customer, open, pin);
                    self.send(Command::SubmitProof(answer));
                }
            }
            Act::StepUp { contact: number } => self.send(Command::StepUp(StepUp {
                tenant,
                contact: contact(number),
                policy: POLICY.into(),
                subject_tag: Tag::ZERO,
            })),
            Act::Offer {
                contact: number,
                order,
            } => {
                let offer = self.world.offer(number, order, &[]);
                self.send(Command::OfferOrder(offer));
            }
            Act::Consent => {
                let Some(open) = self.open_question(&self.customer) else {
                    return;
                };
                if self.world.challenge(open).body.consent.is_some() {
                    let consent = self.world.consent(&mut self.customer, open, &[], b"sealed");
                    drop(self.world.show(&mut self.customer, open, vec![consent]));
                }
            }
            Act::Open {
                contact: number,
                order,
            } => self.send(Command::OpenOrder(OpenOrder {
                tenant,
                contact: contact(number),
                order: OrderId([order; 16]),
                recipient: RECIPIENT,
            })),
            Act::Execute {
                contact: number,
                order,
                as_approved,
            } => self.send(Command::ExecuteOrder(ExecuteOrder {
                tenant,
                contact: contact(number),
                order: OrderId([order; 16]),
                recipient: RECIPIENT,
                order_hash: if as_approved { ORDER_HASH } else { [0x0b; 32] },
                amounts: Vec::new(),
            })),
            Act::Close { contact } => {
                let close = self.world.close(contact);
                self.send(close);
            }
            _ => self.at_the_desk(act),
        }
    }

    fn at_the_desk(&mut self, act: &Act) {
        let tenant = TENANT.to_owned();
        let session = |number: u8| SessionId([number; 16]);
        let agent = desk().agent;
        match *act {
            Act::Login { login } => self.send(Command::OpenAgentLogin(OpenAgentLogin {
                tenant,
                login: LoginId([login; 16]),
                agent,
                policy: "logins".into(),
                agent_tag: agent_tag(agent),
            })),
            Act::LogIn { right } => {
                if let Some(open) = self.open_question(&self.agent) {
                    let pin = if right { PIN } else { "0000" };
                    let answer = self.world.answer(&mut self.agent, open, pin);
                    self.send(Command::SubmitProof(answer));
                }
            }
            Act::Session {
                session: number,
                login,
            } => self.send(Command::OpenSession(OpenSession {
                desk: desk(),
                session: session(number),
                login: LoginId([login; 16]),
                rules_version: 0,
            })),
            Act::Report {
                node,
                session: number,
                state,
                cause,
            } => self.send(Command::ReportPresence(ReportPresence {
                node,
                sessions: vec![SessionPresence {
                    tenant: 1,
                    session: session(number),
                    state,
                    cause,
                }],
            })),
            Act::Summary => self.send(Command::PresenceSummary(PresenceSummary {
                node: 1,
                from: Stamp(self.world.now - 60 * SECOND),
                until: Stamp(self.world.now),
                sessions: 1,
                heartbeats: 12,
                root: Digest([3; 32]),
            })),
            Act::Bind { contact: number } => self.send(Command::BindAgent(BindAgent {
                tenant,
                contact: contact(number),
                agent,
                agent_tag: agent_tag(agent),
                scope: 0,
                needs: 0,
                queue: 0,
            })),
            Act::End { session: number } => self.send(Command::EndSession(EndSession {
                desk: desk(),
                session: session(number),
            })),
            Act::Lock(true) => self.send(Command::LockAgent(LockAgent {
                tenant,
                agent,
                reason: 1,
            })),
            Act::Lock(false) => self.send(Command::UnlockAgent(UnlockAgent {
                tenant,
                agent,
                certificate: Digest::ZERO,
            })),
            Act::Wait { seconds } => {
                self.world.after(seconds * SECOND).tick();
            }
            _ => {}
        }
    }

    fn check(&self) {
        let mut verdicts: BTreeMap<ChallengeId, usize> = BTreeMap::new();
        let mut executed: BTreeMap<(ContactId, OrderId), usize> = BTreeMap::new();
        for event in self.world.events() {
            match event {
                Event::VerdictReached(verdict) if verdict.challenge != ChallengeId::ZERO => {
                    *verdicts.entry(verdict.challenge).or_default() += 1;
                }
                Event::OrderExecuted(order) => {
                    *executed.entry((order.contact, order.order)).or_default() += 1;
                }
                _ => {}
            }
        }
        assert!(verdicts.values().all(|count| *count == 1), "{verdicts:?}");
        assert!(executed.values().all(|count| *count == 1), "{executed:?}");
        let mut logins: BTreeMap<LoginId, usize> = BTreeMap::new();
        let sessions = (1_u8..4).filter_map(|number| {
            let found = self.world.state.session(1, SessionId([number; 16]));
            found.unwrap()
        });
        for session in sessions {
            *logins.entry(session.login).or_default() += 1;
            let there = session.state == SessionState::Active;
            assert!(!there || session.presence != PresenceState::Other);
        }
        assert!(logins.values().all(|count| *count == 1), "{logins:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_life_gives_each_challenge_one_verdict_and_replays_alike(acts in acts()) {
        let mut play = Play::new();
        for act in acts {
            play.act(&act);
        }
        play.check();
        play.world.after(10_000 * SECOND).tick();
        play.check();
        assert_replays(&play.world);
        assert_rebuilds(&play.world);
    }
}
