//! Platforms and phones: each client is one of both, and the last one an agent's desk.
//!
//! A client does one thing after the other, and sends every command again under the same id until it is
//! answered, to whatever node.

use std::collections::{BTreeMap, VecDeque};

use akashi_domain::answer::{Answer, Reply};
use akashi_domain::command::{Command, NoticeAnswer, RemoveMember, Request};
use akashi_domain::ids::{ChallengeId, ClientId, ContactId, RequestId, Stamp};
use akashi_domain::outcome::Outcome;
use akashi_domain::records::PresenceState;
use akashi_replica::entry::NodeId;

use crate::acts::index;
use crate::clock::EPOCH_US;
use crate::event::Event;
use crate::phone::Phone;
use crate::plan::{MS, Plan};
use crate::rng::Rng;
use crate::seen::Seen;
use crate::world::World;

/// The log that all of this is about.
pub const ORIGIN: &str = "sim/e1/g0";
pub(crate) const TENANT: &str = "retail";
pub(crate) const POLICY: &str = "standard";

/// One thing that a client does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Found,
    Limits,
    Logins,
    Orders,
    Register,
    Invite,
    Enrol,
    Announce,
    /// With the right PIN or a wrong one, once or as two different proofs at once.
    Prove {
        right: bool,
        twice: bool,
    },
    Say(NoticeAnswer),
    StepUp,
    Offer,
    Approve,
    Open,
    Execute,
    Close,
    Revoke,
    Login,
    Session,
    Attach,
    Report(PresenceState),
    Summary,
    Bind,
    EndSession,
    Lock,
    Unlock,
    /// A replica joins as a learner; becomes a voter; the oldest one or the leader leaves.
    Join,
    Promote,
    Leave,
    /// Nothing for half a second: until what was approved is sealed.
    Rest,
}

/// One platform with one phone.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) phone: Phone,
    pub(crate) enrolments: u64,
    pub(crate) contacts: u64,
    pub(crate) logins: u64,
    pub(crate) script: VecDeque<Act>,
    /// Requests without an answer.
    waiting: u64,
    pub(crate) challenge: Option<ChallengeId>,
    /// The index of the newest answer: what is read must be at least as new.
    pub(crate) floor: u64,
    /// Whether the proofs under way must not be found to hold.
    wrong: bool,
    /// A contact that it was told of.
    known: Option<ContactId>,
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
    pub(crate) list: Vec<Client>,
    asks: BTreeMap<RequestId, Ask>,
    founded: bool,
    requests: u64,
    /// First answers so far.
    pub(crate) answers: u64,
}

impl Clients {
    pub(crate) fn new(rng: &mut Rng, plan: &Plan) -> Self {
        let client = |number| Client {
            phone: Phone::new(rng, TENANT, number, plan),
            enrolments: 0,
            contacts: 0,
            logins: 0,
            script: first_script(number, plan),
            waiting: 0,
            challenge: None,
            floor: 0,
            wrong: false,
            known: None,
        };
        let all = plan.clients + u64::from(plan.churns());
        let list = (0..all).map(client).collect();
        Self {
            list,
            asks: BTreeMap::new(),
            founded: false,
            requests: 0,
            answers: 0,
        }
    }

    /// What the first of them asks.
    #[must_use]
    pub fn hanging(&self) -> String {
        let first = self.asks.values().next();
        first.map_or_else(String::new, |ask| format!("{:?}", ask.request))
    }

    /// Requests that nobody answered yet.
    #[must_use]
    pub fn unanswered(&self) -> usize {
        self.asks.len()
    }
}

fn first_script(number: u64, plan: &Plan) -> VecDeque<Act> {
    let acts: &[Act] = if number == 0 {
        &[
            Act::Found,
            Act::Limits,
            Act::Logins,
            Act::Orders,
            Act::Invite,
            Act::Enrol,
        ]
    } else if plan.is_operator(number) {
        &[Act::Rest]
    } else if plan.is_desk(number) {
        &[Act::Register, Act::Invite, Act::Enrol]
    } else {
        &[Act::Invite, Act::Enrol]
    };
    acts.iter().copied().collect()
}

impl World {
    /// A client looks what to do next.
    pub(crate) fn client(&mut self, number: u64) {
        // Who began something finishes it, within reason: in the end nothing may be open.
        let late = self.now_us >= (self.plan.clients_until_us + self.plan.end_us) / 2;
        if late || self.clients.list[index(number)].waiting > 0 {
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
            let script = self.new_script(number);
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
            let rest = if act == Act::Rest { 500 * MS } else { MS };
            self.at(rest, Event::Client { number });
        }
        for command in commands {
            self.ask(number, command);
        }
    }

    fn new_script(&mut self, number: u64) -> VecDeque<Act> {
        if self.plan.is_desk(number) {
            return self.desk_script();
        }
        if self.plan.is_operator(number) {
            return self.operator_script(number);
        }
        let prove = |right, twice| Act::Prove { right, twice };
        let acts: &[Act] = match self.rng.below(26) {
            0..7 => &[Act::Announce, prove(true, false), Act::Close],
            7..9 => &[
                Act::Announce,
                prove(false, false),
                prove(true, false),
                Act::Close,
            ],
            9..11 => &[
                Act::Announce,
                prove(false, true),
                prove(true, true),
                Act::Close,
            ],
            11..14 => &[Act::Announce, prove(true, true), Act::Close],
            14 => &[Act::Announce, Act::Announce, prove(true, false), Act::Close],
            15 => &[Act::Announce, Act::Say(NoticeAnswer::Decline), Act::Close],
            16 => &[
                Act::Announce,
                Act::Say(NoticeAnswer::Opened),
                Act::Say(NoticeAnswer::Report),
                Act::Close,
            ],
            17 => &[Act::Announce, Act::Close],
            18 => &[Act::Announce, Act::Revoke, Act::Invite, Act::Enrol],
            19..22 => &[
                Act::Announce,
                prove(true, false),
                Act::StepUp,
                prove(true, true),
                Act::Close,
            ],
            // The stand-in for proofs covers consent; the real prover of the simulation does not.
            _ if self.plan.real => &[Act::Announce, prove(true, false), Act::Close],
            _ => &[
                Act::Announce,
                prove(true, false),
                Act::Offer,
                Act::Approve,
                Act::Rest,
                Act::Open,
                Act::Execute,
                Act::Execute,
                Act::Close,
            ],
        };
        acts.iter().copied().collect()
    }

    fn desk_script(&mut self) -> VecDeque<Act> {
        let prove = |right| Act::Prove {
            right,
            twice: false,
        };
        let acts: &[Act] = match self.rng.below(5) {
            0 => &[
                Act::Login,
                prove(false),
                prove(true),
                Act::Session,
                Act::EndSession,
            ],
            1 => &[Act::Lock, Act::Login, Act::Unlock],
            2 => &[Act::Summary],
            _ => &[
                Act::Login,
                prove(true),
                Act::Session,
                Act::Attach,
                Act::Report(PresenceState::Multiple),
                Act::Report(PresenceState::Present),
                Act::Bind,
                Act::Summary,
                Act::Report(PresenceState::Other),
                Act::EndSession,
            ],
        };
        acts.iter().copied().collect()
    }

    fn ask(&mut self, number: u64, command: Command) {
        self.clients.requests += 1;
        let now_us = EPOCH_US + self.now_us;
        let mut id = crate::acts::id16(0, number, self.clients.requests);
        id[..6].copy_from_slice(&(now_us / MS).to_be_bytes()[2..]);
        let hurries = self.clients.founded && self.rng.one_in(12);
        let request = Request {
            id: RequestId(id),
            client: ClientId::of(&format!("client-{number}")),
            not_after: Stamp(if hurries {
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
            let to = self.any_node();
            self.post(|| Event::Command {
                to,
                from: None,
                request: Box::new(request.clone()),
            });
        }
        let again = self.rng.between(150 * MS, 600 * MS);
        self.at(again, Event::Resend { request: id });
    }

    pub(crate) fn answered(&mut self, from: NodeId, id: RequestId, answer: &Answer) {
        let honest = self.plan.is_honest(from);
        self.tally.saw(Seen::Answered);
        let Some(ask) = self.clients.asks.remove(&id) else {
            // A second answer: it must be the first one.
            if honest {
                self.oracle.hears(id, 0, answer);
            }
            return;
        };
        self.clients.answers += 1;
        if honest {
            self.oracle.hears(id, ask.floor, answer);
        }
        let client = &mut self.clients.list[index(ask.client)];
        client.waiting -= 1;
        client.floor = client.floor.max(answer.placement.log_index);
        if let Ok(reply) = &answer.result {
            self.take_in(&ask, reply, honest);
        }
        if answer.result.is_err() {
            self.ask_member_again(&ask.request.command, ask.client);
        }
        match ask.request.command {
            Command::Found(_) if answer.result.is_err() => {
                let client = &mut self.clients.list[index(ask.client)];
                client.script.push_front(Act::Found);
            }
            Command::PutPolicy(_) => self.clients.founded = true,
            _ => {}
        }
        let client = &self.clients.list[index(ask.client)];
        if client.waiting == 0 {
            let known = client.known;
            let think = self.rng.between(5 * MS, 500 * MS);
            self.at(think, Event::Client { number: ask.client });
            if self.rng.one_in(3) && self.now_us < self.plan.clients_until_us {
                self.ask_read(known);
            }
        }
    }

    /// What a client makes of a reply.
    fn take_in(&mut self, ask: &Ask, reply: &Reply, honest: bool) {
        let no_liar = self.plan.liar.is_none() && self.plan.rots.is_none();
        let client = &mut self.clients.list[index(ask.client)];
        match reply {
            Reply::Announced {
                challenge, outcome, ..
            } => {
                client.challenge = outcome.is_none().then_some(*challenge);
                if let Command::AnnounceContact(announced) = &ask.request.command {
                    client.known = honest.then_some(announced.contact).or(client.known);
                }
                if matches!(ask.request.command, Command::StepUp(_)) {
                    self.tally.saw(Seen::SteppedUp);
                }
            }
            Reply::Verdict {
                outcome: Outcome::Verified,
                ..
            } if client.wrong && no_liar => {
                self.oracle
                    .broke(format!("{:?}: a wrong PIN is verified", ask.request.id));
            }
            Reply::SessionOpen { .. } => self.tally.saw(Seen::SessionOpened),
            Reply::OrderExecuted { .. } => self.tally.saw(Seen::OrderExecuted),
            _ => {}
        }
        match ask.request.command {
            Command::ReportPresence(_) => self.tally.saw(Seen::PresenceReported),
            Command::AddMember(_) => self.tally.saw(Seen::MemberAdded),
            Command::PromoteMember(_) => self.tally.saw(Seen::MemberPromoted),
            Command::RemoveMember(RemoveMember { id }) => self.leaves(id),
            _ => {}
        }
    }
}
