//! One replica's state in memory, with a log, a clock, and the commands that callers send.

use akashi_domain::answer::{Answer, Rejection, Reply};
use akashi_domain::apply::{Applied, apply};
use akashi_domain::command::{
    AnnounceContact, AnswerNotice, CloseContact, Command, CompleteEnrolment, EnrolmentKind,
    FactorProof, Found, Initiator, NoticeAnswer, OpenEnrolment, Party, Request, RevokeDevice,
    SubmitProof,
};
use akashi_domain::decide::Inline;
use akashi_domain::entry::{Entry, RULE_VERSION};
use akashi_domain::event::Event;
use akashi_domain::ids::{
    ChallengeId, ClientId, ContactId, Digest, EnrolmentId, RequestId, Stamp, SubjectHash, Tag,
};
use akashi_domain::kv::{Changes, Table, View};
use akashi_domain::policy::{AgentRule, Grants, PolicyBody, PolicyPurpose};
use akashi_domain::records::{Challenge, Notice, ReplicaInfo, Subject};
use akashi_domain::state::Records as _;
use akashi_proof::{Context, ContextFields, Purpose, Suite};

use crate::phone::{PIN, Phone};

pub(crate) const TENANT: &str = "retail";
pub(crate) const POLICY: &str = "standard";
pub(crate) const ORIGIN: &str = "bank/e1/g0";
pub(crate) const SECOND: u64 = 1_000_000;
/// When these tests begin.
pub(crate) const START: u64 = 1_800_000_000 * SECOND;
pub(crate) const CHALLENGE_TTL: u64 = 120 * SECOND;

pub(crate) fn body() -> PolicyBody {
    PolicyBody {
        purpose: PolicyPurpose::CustomerCall,
        require_possession: true,
        require_knowledge: true,
        predicates: Vec::new(),
        face: None,
        consent: None,
        challenge_ttl_s: 120,
        verdict_ttl_s: 600,
        grants: Grants::default(),
        agents: AgentRule::registered(),
    }
}

pub(crate) fn found() -> Found {
    let replica = |id: u64| ReplicaInfo {
        id,
        name: format!("n{id}"),
        site: "a".into(),
        cosigner: [u8::try_from(id).unwrap(); 32],
    };
    Found {
        cluster: "bank".into(),
        replicas: (1..=3).map(replica).collect(),
        quorum: 2,
        tenant: TENANT.into(),
        policy: POLICY.into(),
        body: body(),
    }
}

pub(crate) fn tag(subject: SubjectHash) -> Tag {
    Tag(subject.0[..16].try_into().unwrap())
}

pub(crate) fn id16(number: u64) -> [u8; 16] {
    let mut id = [0; 16];
    id[8..].copy_from_slice(&number.to_be_bytes());
    id
}

/// State, log and clock.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) state: Changes,
    pub(crate) now: u64,
    pub(crate) log: Vec<Entry>,
    pub(crate) applied: Vec<Applied>,
    next_id: u64,
}

impl World {
    /// A world in which nothing has happened.
    pub(crate) fn empty() -> Self {
        Self {
            state: Changes::new(),
            now: START,
            log: Vec::new(),
            applied: Vec::new(),
            next_id: 0,
        }
    }

    /// A founded cluster.
    pub(crate) fn founded() -> Self {
        let mut world = Self::empty();
        assert_eq!(world.done(Command::Found(found())), Reply::Done);
        world
    }

    pub(crate) fn after(&mut self, us: u64) -> &mut Self {
        self.now += us;
        self
    }

    /// A request that nobody sent before.
    pub(crate) fn request(&mut self, command: Command) -> Request {
        self.next_id += 1;
        let mut id = [0; 16];
        id[..8].copy_from_slice(&((self.now / 1_000) << 16).to_be_bytes());
        id[8..].copy_from_slice(&self.next_id.to_be_bytes());
        Request {
            id: RequestId(id),
            client: ClientId::of("tests"),
            not_after: Stamp(u64::MAX),
            command,
        }
    }

    /// One entry with these requests.
    pub(crate) fn entry(&mut self, requests: Vec<Request>) -> Applied {
        let index = self.log.len() as u64 + 1;
        let entry = Entry {
            rule_version: RULE_VERSION,
            stamp: Stamp(self.now),
            random: [index as u8; 32],
            sealed: None,
            requests,
        };
        let applied =
            apply(&self.state, index, 1, Some(&entry), false, &mut Inline).expect("sound state");
        write(&mut self.state, &applied.changes);
        self.log.push(entry);
        self.applied.push(applied.clone());
        applied
    }

    pub(crate) fn send(&mut self, request: Request) -> Answer {
        self.entry(vec![request]).answers.remove(0)
    }

    pub(crate) fn run(&mut self, command: Command) -> Result<Reply, Rejection> {
        let request = self.request(command);
        self.send(request).result
    }

    pub(crate) fn done(&mut self, command: Command) -> Reply {
        self.run(command).expect("the command makes sense")
    }

    /// Only time passes.
    pub(crate) fn tick(&mut self) -> Vec<Event> {
        facts(&self.entry(Vec::new()))
    }

    /// Everything that ever happened.
    pub(crate) fn events(&self) -> Vec<Event> {
        self.applied.iter().flat_map(facts).collect()
    }

    /// The events of the last entry.
    pub(crate) fn last(&self) -> Vec<Event> {
        facts(self.applied.last().unwrap())
    }

    /// The kinds of the last entry's events.
    pub(crate) fn last_kinds(&self) -> Vec<u16> {
        self.last().iter().map(Event::kind).collect()
    }

    // ---- customers --------------------------------------------------------------------------

    pub(crate) fn open_enrolment(&mut self, subject: SubjectHash, number: u64) -> OpenEnrolment {
        OpenEnrolment {
            tenant: TENANT.into(),
            enrolment: EnrolmentId(id16(number)),
            kind: EnrolmentKind::Device,
            party: Party::Customer,
            subject,
            token_hash: Digest::of(&[7; 32]),
            subject_tag: tag(subject),
        }
    }

    pub(crate) fn complete(&mut self, phone: &mut Phone, number: u64) -> CompleteEnrolment {
        let enrolment = self
            .state
            .enrolment(1, EnrolmentId(id16(number)))
            .unwrap()
            .unwrap();
        let context = context(ContextFields {
            purpose: Purpose::Enrol,
            challenge_id: enrolment.id.0,
            nonce: enrolment.nonce,
            subject: phone.subject.0,
            contact_id: &[],
            not_before_us: enrolment.opened.0,
            expires_us: enrolment.expires.0,
            policy_digest: [0; 32],
            ..fields()
        });
        CompleteEnrolment {
            tenant: TENANT.into(),
            enrolment: enrolment.id,
            token: [7; 32],
            suite: 1,
            device_key: phone.device_key(),
            pin_key: phone.pin_key(),
            proofs: phone.proofs(&context, PIN),
        }
    }

    /// Enrols `phone` under the invitation `number`.
    pub(crate) fn enrol(&mut self, phone: &mut Phone, number: u64) {
        let open = self.open_enrolment(phone.subject, number);
        self.done(Command::OpenEnrolment(open));
        let complete = self.complete(phone, number);
        assert_eq!(
            self.done(Command::CompleteEnrolment(complete)),
            Reply::Enrolled
        );
    }

    /// A new phone, enrolled.
    pub(crate) fn customer(&mut self, number: u8) -> Phone {
        let mut phone = Phone::new(ORIGIN, TENANT, &format!("customer-{number}"), number);
        self.enrol(&mut phone, u64::from(number));
        phone
    }

    pub(crate) fn announcement(&self, subject: SubjectHash, contact: u64) -> AnnounceContact {
        AnnounceContact {
            tenant: TENANT.into(),
            contact: ContactId(id16(contact)),
            subject,
            initiator: Initiator::Centre,
            policy: POLICY.into(),
            call_reason: 3,
            agent: None,
            subject_tag: tag(subject),
            agent_tag: Tag::ZERO,
            campaign: 0,
            queue: 0,
            previous: ContactId::ZERO,
            delegate: None,
        }
    }

    /// A contact with an open challenge.
    pub(crate) fn call(&mut self, subject: SubjectHash, contact: u64) -> ChallengeId {
        let announce = self.announcement(subject, contact);
        match self.done(Command::AnnounceContact(announce)) {
            Reply::Announced {
                challenge,
                outcome: None,
                ..
            } => challenge,
            other => panic!("no challenge: {other:?}"),
        }
    }

    pub(crate) fn challenge(&self, challenge: ChallengeId) -> Challenge {
        self.state.challenge(1, challenge).unwrap().unwrap()
    }

    pub(crate) fn subject(&self, subject: SubjectHash) -> Subject {
        self.state.subject(1, subject).unwrap()
    }

    /// The submit token from the notice that waits for the phone.
    pub(crate) fn token(&self, subject: SubjectHash, challenge: ChallengeId) -> [u8; 32] {
        let key = akashi_domain::keys::notice(1, subject, challenge);
        let notice = View::get(&self.state, Table::Outbox, &key)
            .unwrap()
            .expect("a notice waits");
        borsh::from_slice::<Notice>(&notice).unwrap().token
    }

    /// The context that proofs of `challenge` are bound to.
    pub(crate) fn context(&self, challenge: ChallengeId) -> Context {
        let record = self.challenge(challenge);
        let contact: &[u8] = match record.login {
            Some(_) => &[],
            None => &record.contact.0,
        };
        context(ContextFields {
            challenge_id: challenge.0,
            nonce: record.nonce,
            purpose: record.body.purpose.of_context(),
            subject: record.subject.0,
            contact_id: contact,
            order_hash: record.order_hash(),
            not_before_us: record.issued.0,
            expires_us: record.expires.0,
            policy_digest: record.policy_digest.0,
            ..fields()
        })
    }

    pub(crate) fn submission(
        &self,
        phone: &Phone,
        challenge: ChallengeId,
        proofs: Vec<FactorProof>,
    ) -> SubmitProof {
        SubmitProof {
            tenant: TENANT.into(),
            challenge,
            token: self.token(phone.subject, challenge),
            suite: 1,
            proofs,
        }
    }

    /// The phone's answer to `challenge` with `pin`.
    pub(crate) fn answer(
        &self,
        phone: &mut Phone,
        challenge: ChallengeId,
        pin: &str,
    ) -> SubmitProof {
        let proofs = phone.proofs(&self.context(challenge), pin);
        self.submission(phone, challenge, proofs)
    }

    pub(crate) fn prove(
        &mut self,
        phone: &mut Phone,
        challenge: ChallengeId,
        pin: &str,
    ) -> Result<Reply, Rejection> {
        let submission = self.answer(phone, challenge, pin);
        self.run(Command::SubmitProof(submission))
    }

    pub(crate) fn notice_answer(
        &self,
        phone: &Phone,
        challenge: ChallengeId,
        answer: NoticeAnswer,
    ) -> Command {
        Command::AnswerNotice(AnswerNotice {
            tenant: TENANT.into(),
            challenge,
            token: self.token(phone.subject, challenge),
            answer,
        })
    }

    pub(crate) fn close(&self, contact: u64) -> Command {
        Command::CloseContact(CloseContact {
            tenant: TENANT.into(),
            contact: ContactId(id16(contact)),
            disposition: 9,
        })
    }

    pub(crate) fn revoke(&self, subject: SubjectHash) -> Command {
        Command::RevokeDevice(RevokeDevice {
            tenant: TENANT.into(),
            subject,
            reason: 4,
        })
    }
}

/// Writes changes as a store does: removed keys are gone.
pub(crate) fn write(state: &mut Changes, changes: &Changes) {
    for (slot, value) in changes {
        match value {
            Some(value) => drop(state.insert(slot.clone(), Some(value.clone()))),
            None => drop(state.remove(slot)),
        }
    }
}

pub(crate) fn facts(applied: &Applied) -> Vec<Event> {
    applied
        .events
        .iter()
        .map(|recorded| recorded.event.clone())
        .collect()
}

pub(crate) fn context(fields: ContextFields<'_>) -> Context {
    Context::new(fields).unwrap()
}

pub(crate) const fn fields() -> ContextFields<'static> {
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
        contact_id: &[0; 16],
        not_before_us: 0,
        expires_us: 1,
        order_hash: [0; 32],
        policy_digest: [0; 32],
    }
}
