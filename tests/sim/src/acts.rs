//! What the acts of a client ask of the cluster, as commands.

use akashi_domain::command::{
    AnnounceContact, AnswerNotice, BindAgent, CloseContact, Command, CompleteEnrolment, Desk,
    EndSession, EnrolmentKind, ExecuteOrder, Initiator, LockAgent, OfferOrder, OpenAgentLogin,
    OpenEnrolment, OpenOrder, OpenSession, Party, PresenceCause, PresenceSummary, PutSettings,
    RegisterAgent, ReportPresence, RevokeDevice, SessionPresence, StepUp, SubmitProof, UnlockAgent,
};
use akashi_domain::ids::{
    AgentHash, ChallengeId, ContactId, Digest, EnrolmentId, LoginId, OrderId, SessionId, Stamp, Tag,
};
use akashi_domain::kv::{Table, View as _};
use akashi_domain::records::{Notice, PresenceState};
use akashi_domain::state::Records as _;
use akashi_proof::{Context, ContextFields, Purpose};
use akashi_replica::machine::StoreView;

use crate::clients::{Act, Client, POLICY, TENANT};
use crate::clock::EPOCH_US;
use crate::founding::{LOGINS, ORDER_HASH, ORDERS, RECIPIENT, context, fields};
use crate::founding::{found, limits, logins, orders};
use crate::phone::Phone;
use crate::plan::MS;
use crate::store::SimStore;
use crate::world::World;

const TOKEN: [u8; 32] = [7; 32];
/// The certificate of the agent's desktop.
const CERTIFICATE: Digest = Digest([0xce; 32]);

pub(crate) fn index(number: u64) -> usize {
    usize::try_from(number).unwrap()
}

pub(crate) fn id16(kind: u8, client: u64, number: u64) -> [u8; 16] {
    let mut id = [0; 16];
    id[0] = kind;
    id[1..8].copy_from_slice(&client.to_be_bytes()[1..]);
    id[8..].copy_from_slice(&number.to_be_bytes());
    id
}

/// The agent of the one desk.
pub(crate) fn agent() -> AgentHash {
    AgentHash::of(TENANT, "agent-1")
}

fn desk() -> Desk {
    Desk {
        tenant: TENANT.into(),
        agent: agent(),
        certificate: CERTIFICATE,
    }
}

fn tag(number: u64) -> Tag {
    Tag([u8::try_from(number).unwrap(); 16])
}

impl Client {
    fn contact(&self, number: u64) -> ContactId {
        ContactId(id16(2, number, self.contacts))
    }

    fn order(&self, number: u64) -> OrderId {
        OrderId(id16(3, number, self.contacts))
    }

    fn login(&self, number: u64) -> LoginId {
        LoginId(id16(4, number, self.logins))
    }

    fn session(&self, number: u64) -> SessionId {
        SessionId(id16(5, number, self.logins))
    }
}

impl World {
    /// What an act sends; `None` if it cannot be known yet, nothing if it has become pointless.
    pub(crate) fn commands(&mut self, number: u64, act: Act) -> Option<Vec<Command>> {
        let command = match act {
            Act::Found => Command::Found(found(self.plan.nodes)),
            Act::Limits => Command::PutSettings(PutSettings { settings: limits() }),
            Act::Logins => Command::PutPolicy(logins()),
            Act::Orders => Command::PutPolicy(orders()),
            Act::Invite => self.invite(number),
            Act::Enrol => return self.enrol(number),
            Act::Announce => self.announce(number),
            Act::Prove { right, twice } => return self.prove(number, right, twice),
            Act::Approve => return self.approve(number),
            Act::Say(answer) => {
                let Some((challenge, token, _)) = self.notice(number)? else {
                    return Some(Vec::new());
                };
                Command::AnswerNotice(AnswerNotice {
                    tenant: TENANT.into(),
                    challenge,
                    token,
                    answer,
                })
            }
            Act::StepUp | Act::Offer | Act::Open | Act::Execute | Act::Close | Act::Revoke => {
                self.of_call(number, act)
            }
            Act::Register
            | Act::Login
            | Act::Session
            | Act::Attach
            | Act::Report(_)
            | Act::Summary
            | Act::Bind
            | Act::EndSession
            | Act::Lock
            | Act::Unlock => self.of_desk(number, act),
            Act::Join | Act::Promote | Act::Leave => return self.of_operator(number, act),
            Act::Rest => return Some(Vec::new()),
        };
        Some(vec![command])
    }

    fn invite(&mut self, number: u64) -> Command {
        let is_desk = self.plan.is_desk(number);
        let phone = Phone::new(&mut self.rng, TENANT, number, &self.plan);
        let client = &mut self.clients.list[index(number)];
        client.enrolments += 1;
        client.phone = phone;
        Command::OpenEnrolment(OpenEnrolment {
            tenant: TENANT.into(),
            enrolment: EnrolmentId(id16(1, number, client.enrolments)),
            kind: EnrolmentKind::Device,
            party: if is_desk {
                Party::Agent
            } else {
                Party::Customer
            },
            subject: client.phone.subject,
            token_hash: Digest::of(&TOKEN),
            subject_tag: tag(number),
        })
    }

    fn announce(&mut self, number: u64) -> Command {
        let client = &mut self.clients.list[index(number)];
        client.contacts += 1;
        Command::AnnounceContact(AnnounceContact {
            tenant: TENANT.into(),
            contact: client.contact(number),
            subject: client.phone.subject,
            initiator: Initiator::Customer,
            policy: POLICY.into(),
            call_reason: 1,
            agent: None,
            subject_tag: tag(number),
            agent_tag: Tag::ZERO,
            campaign: 0,
            queue: 0,
            previous: ContactId::ZERO,
            delegate: None,
        })
    }

    /// The acts of a platform about its newest contact.
    fn of_call(&self, number: u64, act: Act) -> Command {
        let client = &self.clients.list[index(number)];
        let tenant = TENANT.to_owned();
        let (contact, order) = (client.contact(number), client.order(number));
        match act {
            Act::StepUp => Command::StepUp(StepUp {
                tenant,
                contact,
                policy: POLICY.into(),
                subject_tag: tag(number),
            }),
            Act::Offer => Command::OfferOrder(OfferOrder {
                tenant,
                contact,
                order,
                policy: ORDERS.into(),
                order_hash: ORDER_HASH,
                amounts: Vec::new(),
                subject_tag: tag(number),
            }),
            Act::Open => Command::OpenOrder(OpenOrder {
                tenant,
                contact,
                order,
                recipient: RECIPIENT,
            }),
            Act::Execute => Command::ExecuteOrder(ExecuteOrder {
                tenant,
                contact,
                order,
                recipient: RECIPIENT,
                order_hash: ORDER_HASH,
                amounts: Vec::new(),
            }),
            Act::Revoke => Command::RevokeDevice(RevokeDevice {
                tenant,
                subject: client.phone.subject,
                reason: 1,
            }),
            _ => Command::CloseContact(CloseContact {
                tenant,
                contact,
                disposition: 1,
            }),
        }
    }

    /// The acts of a desk, and of the node that it is attached to.
    fn of_desk(&mut self, number: u64, act: Act) -> Command {
        if act == Act::Login {
            self.clients.list[index(number)].logins += 1;
        }
        let now = EPOCH_US + self.now_us;
        let client = &self.clients.list[index(number)];
        let node = 1 + client.logins % self.plan.nodes;
        let (login, session) = (client.login(number), client.session(number));
        let tenant = TENANT.to_owned();
        let report = |state, cause| {
            let line = SessionPresence {
                tenant: 1,
                session,
                state,
                cause,
            };
            Command::ReportPresence(ReportPresence {
                node,
                sessions: vec![line],
            })
        };
        match act {
            Act::Register => Command::RegisterAgent(RegisterAgent {
                tenant,
                agent: agent(),
                certificate: Digest::ZERO,
                supervisor: false,
            }),
            Act::Login => Command::OpenAgentLogin(OpenAgentLogin {
                tenant,
                login,
                agent: agent(),
                policy: LOGINS.into(),
                agent_tag: tag(number),
            }),
            Act::Session => Command::OpenSession(OpenSession {
                desk: desk(),
                session,
                login,
                rules_version: 0,
            }),
            Act::Attach => report(PresenceState::Present, PresenceCause::Attached),
            Act::Report(state) => report(state, PresenceCause::Samples),
            Act::Bind => Command::BindAgent(BindAgent {
                tenant,
                contact: self.clients.list[0].contact(0),
                agent: agent(),
                agent_tag: tag(number),
                scope: 0,
                needs: 0,
                queue: 0,
            }),
            Act::EndSession => Command::EndSession(EndSession {
                desk: desk(),
                session,
            }),
            Act::Lock => Command::LockAgent(LockAgent {
                tenant,
                agent: agent(),
                reason: 1,
            }),
            Act::Unlock => Command::UnlockAgent(UnlockAgent {
                tenant,
                agent: agent(),
                certificate: Digest::ZERO,
            }),
            _ => Command::PresenceSummary(PresenceSummary {
                node,
                from: Stamp(now - 60_000 * MS),
                until: Stamp(now),
                sessions: 1,
                heartbeats: 12,
                root: Digest([3; 32]),
            }),
        }
    }

    /// A replica that has applied what this client was told last.
    fn reader(&self, number: u64) -> Option<StoreView<SimStore>> {
        let floor = self.clients.list[index(number)].floor;
        let honest = self
            .nodes
            .iter()
            .filter(|(id, _)| self.plan.is_honest(**id));
        let mut live = honest.filter_map(|(_, node)| node.live.as_ref());
        let fresh = live.find(|live| live.machine.progress().log_index >= floor)?;
        Some(fresh.machine.view().clone())
    }

    fn enrol(&mut self, number: u64) -> Option<Vec<Command>> {
        let view = self.reader(number)?;
        let client = &self.clients.list[index(number)];
        let id = EnrolmentId(id16(1, number, client.enrolments));
        let Some(record) = view.enrolment(1, id).unwrap() else {
            return Some(Vec::new());
        };
        let context = context(ContextFields {
            challenge_id: id.0,
            nonce: record.nonce,
            purpose: Purpose::Enrol,
            subject: record.subject.0,
            contact_id: &[],
            not_before_us: record.opened.0,
            expires_us: record.expires.0,
            policy_digest: [0; 32],
            ..fields()
        });
        let proofs = client.phone.proofs(&mut self.rng, &context, true);
        Some(vec![Command::CompleteEnrolment(CompleteEnrolment {
            tenant: TENANT.into(),
            enrolment: id,
            token: TOKEN,
            suite: 1,
            device_key: client.phone.device_key(),
            pin_key: client.phone.pin_key(),
            proofs,
        })])
    }

    /// The notice of the client's challenge, with the context that proofs must be bound to; the inner
    /// `None` if the challenge is over.
    fn notice(&self, number: u64) -> Option<Option<(ChallengeId, [u8; 32], Context)>> {
        let view = self.reader(number)?;
        let client = &self.clients.list[index(number)];
        let Some(challenge) = client.challenge else {
            return Some(None);
        };
        let key = akashi_domain::keys::notice(1, client.phone.subject, challenge);
        let Some(notice) = view.get(Table::Outbox, &key).unwrap() else {
            return Some(None);
        };
        let token = borsh::from_slice::<Notice>(&notice).unwrap().token;
        let record = view.challenge(1, challenge).unwrap()?;
        let contact: &[u8] = if record.login.is_some() {
            &[]
        } else {
            &record.contact.0
        };
        let context = context(ContextFields {
            challenge_id: challenge.0,
            nonce: record.nonce,
            purpose: record.body.purpose.of_context(),
            subject: record.subject.0,
            contact_id: contact,
            not_before_us: record.issued.0,
            expires_us: record.expires.0,
            order_hash: record.order_hash(),
            policy_digest: record.policy_digest.0,
            ..fields()
        });
        Some(Some((challenge, token, context)))
    }

    fn prove(&mut self, number: u64, right: bool, twice: bool) -> Option<Vec<Command>> {
        let Some((challenge, token, context)) = self.notice(number)? else {
            return Some(Vec::new());
        };
        let times = if twice { 2 } else { 1 };
        let phone = &self.clients.list[index(number)].phone;
        let submission = |_| {
            let proofs = phone.proofs(&mut self.rng, &context, right);
            submit(challenge, token, proofs)
        };
        Some((0..times).map(submission).collect())
    }

    fn approve(&mut self, number: u64) -> Option<Vec<Command>> {
        let Some((challenge, token, context)) = self.notice(number)? else {
            return Some(Vec::new());
        };
        let phone = &self.clients.list[index(number)].phone;
        let proofs = phone.consent(&mut self.rng, &context);
        Some(vec![submit(challenge, token, proofs)])
    }
}

fn submit(
    challenge: ChallengeId,
    token: [u8; 32],
    proofs: Vec<akashi_domain::command::FactorProof>,
) -> Command {
    Command::SubmitProof(SubmitProof {
        tenant: TENANT.into(),
        challenge,
        token,
        suite: 1,
        proofs,
        duress: false,
    })
}
