//! Platforms and phones: each client is one of both, does one thing after the other, and sends every
//! command again under the same id until it is answered, to whatever node.

use std::collections::{BTreeMap, VecDeque};

use akashi_domain::answer::{Answer, Reply};
use akashi_domain::command::{
    AnnounceContact, AnswerNotice, CloseContact, Command, CompleteEnrolment, EnrolmentKind, Found,
    Initiator, NoticeAnswer, OpenEnrolment, Party, PutSettings, Request, RevokeDevice, SubmitProof,
};
use akashi_domain::ids::{
    ChallengeId, ClientId, ContactId, Digest, EnrolmentId, RequestId, Stamp, Tag,
};
use akashi_domain::kv::{Table, View as _};
use akashi_domain::outcome::Outcome;
use akashi_domain::policy::{AgentRule, Grants, PolicyBody, PolicyPurpose};
use akashi_domain::records::{Notice, ReplicaInfo, Settings};
use akashi_domain::state::Records as _;
use akashi_proof::{Context, ContextFields, Purpose, Suite};
use akashi_replica::machine::StoreView;
use akashi_replica::store::MemStore;

use crate::node::cosigner;
use crate::phone::Phone;
use crate::plan::{MS, Plan};
use crate::rng::Rng;
use crate::world::{EPOCH_US, Event, World};

/// The log that all of this is about.
pub const ORIGIN: &str = "sim/e1/g0";
const TENANT: &str = "retail";
const POLICY: &str = "standard";
const TOKEN: [u8; 32] = [7; 32];

#[derive(Clone, Copy, Debug)]
enum Act {
    Found,
    Limits,
    Invite,
    Enrol,
    Announce,
    /// With the right PIN or a wrong one, once or as two different proofs at once.
    Prove {
        right: bool,
        twice: bool,
    },
    Say(NoticeAnswer),
    Close,
    Revoke,
}

/// One platform with one phone.
#[derive(Debug)]
struct Client {
    phone: Phone,
    enrolments: u64,
    contacts: u64,
    script: VecDeque<Act>,
    /// Requests without an answer.
    waiting: u64,
    challenge: Option<ChallengeId>,
    /// The index of the newest answer: what is read must be at least as new.
    floor: u64,
    /// Whether the proofs under way must not be found to hold.
    wrong: bool,
}

#[derive(Debug)]
struct Ask {
    request: Request,
    client: u64,
    floor: u64,
}

/// All of them.
#[derive(Debug)]
pub struct Clients {
    list: Vec<Client>,
    asks: BTreeMap<RequestId, Ask>,
    founded: bool,
    requests: u64,
}

impl Clients {
    pub(crate) fn new(rng: &mut Rng, plan: &Plan) -> Self {
        let client = |number| Client {
            phone: Phone::new(rng, ORIGIN, TENANT, number, plan.real_proofs),
            enrolments: 0,
            contacts: 0,
            script: if number == 0 {
                VecDeque::from([Act::Found, Act::Limits, Act::Invite, Act::Enrol])
            } else {
                VecDeque::from([Act::Invite, Act::Enrol])
            },
            waiting: 0,
            challenge: None,
            floor: 0,
            wrong: false,
        };
        let list = (0..plan.clients).map(client).collect();
        Self {
            list,
            asks: BTreeMap::new(),
            founded: false,
            requests: 0,
        }
    }

    /// Requests that nobody answered yet.
    #[must_use]
    pub fn unanswered(&self) -> usize {
        self.asks.len()
    }
}

fn index(number: u64) -> usize {
    usize::try_from(number).unwrap()
}

fn id16(kind: u8, client: u64, number: u64) -> [u8; 16] {
    let mut id = [0; 16];
    id[0] = kind;
    id[1..8].copy_from_slice(&client.to_be_bytes()[1..]);
    id[8..].copy_from_slice(&number.to_be_bytes());
    id
}

impl World {
    /// A client looks what to do next.
    pub(crate) fn client(&mut self, number: u64) {
        if self.clients.list[index(number)].waiting > 0 {
            return;
        }
        if number > 0 && !self.clients.founded {
            self.at(50 * MS, Event::Client { number });
            return;
        }
        if self.clients.list[index(number)].script.is_empty() {
            if self.now_us >= self.plan.clients_until_us {
                return;
            }
            let script = self.new_script();
            self.clients.list[index(number)].script = script;
        }
        let Some(act) = self.clients.list[index(number)].script.front().copied() else {
            return;
        };
        let Some(commands) = self.commands(number, act) else {
            // What has to be read first is not there yet.
            self.at(60 * MS, Event::Client { number });
            return;
        };
        let client = &mut self.clients.list[index(number)];
        client.script.pop_front();
        client.wrong = matches!(act, Act::Prove { right: false, .. });
        if commands.is_empty() {
            self.at(MS, Event::Client { number });
        }
        for command in commands {
            self.ask(number, command);
        }
    }

    fn new_script(&mut self) -> VecDeque<Act> {
        let prove = |right, twice| Act::Prove { right, twice };
        let acts: &[Act] = match self.rng.below(20) {
            0..8 => &[Act::Announce, prove(true, false), Act::Close],
            8 | 9 => &[
                Act::Announce,
                prove(false, false),
                prove(true, false),
                Act::Close,
            ],
            10 | 11 => &[
                Act::Announce,
                prove(false, true),
                prove(true, true),
                Act::Close,
            ],
            12..15 => &[Act::Announce, prove(true, true), Act::Close],
            15 => &[Act::Announce, Act::Announce, prove(true, false), Act::Close],
            16 => &[Act::Announce, Act::Say(NoticeAnswer::Decline), Act::Close],
            17 => &[
                Act::Announce,
                Act::Say(NoticeAnswer::Opened),
                Act::Say(NoticeAnswer::Report),
                Act::Close,
            ],
            18 => &[Act::Announce, Act::Close],
            _ => &[Act::Announce, Act::Revoke, Act::Invite, Act::Enrol],
        };
        acts.iter().copied().collect()
    }

    /// What an act sends; `None` if it cannot be known yet, nothing if it has become pointless.
    fn commands(&mut self, number: u64, act: Act) -> Option<Vec<Command>> {
        let replicas = self.plan.nodes;
        let real = self.plan.real_proofs;
        let client = &mut self.clients.list[index(number)];
        let subject = client.phone.subject;
        let tenant = || TENANT.to_owned();
        let subject_tag = Tag([u8::try_from(number).unwrap(); 16]);
        let command = match act {
            Act::Found => Command::Found(found(replicas)),
            Act::Limits => Command::PutSettings(PutSettings { settings: limits() }),
            Act::Invite => {
                client.enrolments += 1;
                client.phone = Phone::new(&mut self.rng, ORIGIN, TENANT, number, real);
                Command::OpenEnrolment(OpenEnrolment {
                    tenant: tenant(),
                    enrolment: EnrolmentId(id16(1, number, client.enrolments)),
                    kind: EnrolmentKind::Device,
                    party: Party::Customer,
                    subject,
                    token_hash: Digest::of(&TOKEN),
                    subject_tag,
                })
            }
            Act::Enrol => return self.enrol(number),
            Act::Announce => {
                client.contacts += 1;
                Command::AnnounceContact(AnnounceContact {
                    tenant: tenant(),
                    contact: ContactId(id16(2, number, client.contacts)),
                    subject,
                    initiator: Initiator::Customer,
                    policy: POLICY.into(),
                    call_reason: 1,
                    agent: None,
                    subject_tag,
                    agent_tag: Tag::ZERO,
                    campaign: 0,
                    queue: 0,
                    previous: ContactId::ZERO,
                    delegate: None,
                })
            }
            Act::Prove { right, twice } => return self.prove(number, right, twice),
            Act::Say(answer) => {
                let Some((challenge, token, _)) = self.notice(number)? else {
                    return Some(Vec::new());
                };
                let tenant = tenant();
                Command::AnswerNotice(AnswerNotice {
                    tenant,
                    challenge,
                    token,
                    answer,
                })
            }
            Act::Close => Command::CloseContact(CloseContact {
                tenant: tenant(),
                contact: ContactId(id16(2, number, client.contacts)),
                disposition: 1,
            }),
            Act::Revoke => Command::RevokeDevice(RevokeDevice {
                tenant: tenant(),
                subject,
                reason: 1,
            }),
        };
        Some(vec![command])
    }

    /// A replica that has applied what this client was told last.
    fn reader(&self, number: u64) -> Option<StoreView<MemStore>> {
        let floor = self.clients.list[index(number)].floor;
        let honest = self
            .nodes
            .iter()
            .filter(|(id, _)| self.plan.liar != Some(**id));
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
        let context = context(ContextFields {
            challenge_id: challenge.0,
            nonce: record.nonce,
            subject: record.subject.0,
            contact_id: &record.contact.0,
            not_before_us: record.issued.0,
            expires_us: record.expires.0,
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
            let tenant = TENANT.into();
            Command::SubmitProof(SubmitProof {
                tenant,
                challenge,
                token,
                suite: 1,
                proofs,
                duress: false,
            })
        };
        Some((0..times).map(submission).collect())
    }

    fn ask(&mut self, number: u64, command: Command) {
        self.clients.requests += 1;
        let now_us = EPOCH_US + self.now_us;
        let mut id = id16(0, number, self.clients.requests);
        id[..6].copy_from_slice(&(now_us / MS).to_be_bytes()[2..]);
        let request = Request {
            id: RequestId(id),
            client: ClientId::of(&format!("client-{number}")),
            not_after: Stamp(if self.rng.one_in(12) {
                now_us + 3_000 * MS
            } else {
                u64::MAX
            }),
            command,
        };
        let (id, floor) = (request.id, self.oracle.heard);
        self.clients.asks.insert(
            id,
            Ask {
                request,
                client: number,
                floor,
            },
        );
        self.clients.list[index(number)].waiting += 1;
        self.resend(id);
    }

    /// To one node or two, and once more later unless an answer has come.
    pub(crate) fn resend(&mut self, id: RequestId) {
        let Some(ask) = self.clients.asks.get(&id) else {
            return;
        };
        let request = ask.request.clone();
        let copies = if self.rng.one_in(6) { 2 } else { 1 };
        for _ in 0..copies {
            let to = self.rng.between(1, self.plan.nodes);
            self.post(|| Event::Command {
                to,
                from: None,
                request: Box::new(request.clone()),
            });
        }
        let again = self.rng.between(150 * MS, 600 * MS);
        self.at(again, Event::Resend { request: id });
    }

    pub(crate) fn answered(&mut self, id: RequestId, answer: &Answer) {
        let Some(ask) = self.clients.asks.remove(&id) else {
            // A second answer: it must be the first one.
            self.oracle.hears(id, 0, answer);
            return;
        };
        self.oracle.hears(id, ask.floor, answer);
        let client = &mut self.clients.list[index(ask.client)];
        client.waiting -= 1;
        client.floor = client.floor.max(answer.placement.log_index);
        match &answer.result {
            Ok(Reply::Announced {
                challenge, outcome, ..
            }) => {
                client.challenge = outcome.is_none().then_some(*challenge);
            }
            Ok(Reply::Verdict {
                outcome: Outcome::Verified,
                ..
            }) if client.wrong && self.plan.liar.is_none() => {
                self.oracle
                    .broke(format!("{id:?}: a wrong PIN is verified"));
            }
            Ok(_) | Err(_) => {}
        }
        if matches!(ask.request.command, Command::Found(_)) {
            self.clients.founded = answer.result.is_ok();
        }
        if client.waiting == 0 {
            let think = self.rng.between(2 * MS, 250 * MS);
            self.at(think, Event::Client { number: ask.client });
        }
    }
}

fn found(replicas: u64) -> Found {
    let replica = |id: u64| ReplicaInfo {
        id,
        name: format!("n{id}"),
        site: "a".into(),
        cosigner: *cosigner(id).public().public_key(),
    };
    Found {
        cluster: "sim".into(),
        replicas: (1..=replicas).map(replica).collect(),
        quorum: u8::try_from(replicas / 2 + 1).unwrap(),
        tenant: TENANT.into(),
        policy: POLICY.into(),
        body: PolicyBody {
            purpose: PolicyPurpose::CustomerCall,
            predicates: Vec::new(),
            face: None,
            consent: None,
            require_possession: true,
            require_knowledge: true,
            challenge_ttl_s: 60,
            verdict_ttl_s: 600,
            grants: Grants::default(),
            agents: AgentRule::registered(),
        },
    }
}

/// Enough notices for a busy run; everything else as it is.
const fn limits() -> Settings {
    Settings {
        notices_per_hour: 1_000,
        refusals_per_challenge: 0,
        pin_failures_soft: 0,
        pin_failures_hard: 0,
        pin_lock_first_s: 1,
        request_horizon_s: 0,
        enrolment_ttl_s: 0,
        order_ttl_s: 0,
        cooling_s: 0,
        resume_grace_s: 0,
        report_freeze_s: 0,
        session_contacts_max: 0,
    }
}

fn context(fields: ContextFields<'_>) -> Context {
    Context::new(fields).unwrap()
}

const fn fields() -> ContextFields<'static> {
    ContextFields {
        suite: Suite::V1,
        origin: ORIGIN.as_bytes(),
        group: 0,
        epoch: 1,
        tenant: TENANT.as_bytes(),
        challenge_id: [0; 16],
        nonce: [0; 32],
        purpose: Purpose::CustomerCall,
        subject: [0; 32],
        contact_id: &[],
        not_before_us: 0,
        expires_us: 1,
        order_hash: [0; 32],
        policy_digest: [0; 32],
    }
}
