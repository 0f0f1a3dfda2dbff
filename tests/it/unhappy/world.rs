//! A small world for these tests: one replica's state in memory, its log and clock, phones with real keys.
#![allow(
    dead_code,
    clippy::arithmetic_side_effects,
    reason = "every subject takes what it needs of the world, and a test's numbers are its own"
)]

use akashi_domain::answer::{Answer, Rejection, Reply};
use akashi_domain::apply::{Applied, apply};
use akashi_domain::command::{
    AnnounceContact, AnswerNotice, BindAgent, CloseContact, Command, CompleteEnrolment,
    EnrolmentKind, FactorProof, Found, Initiator, NoticeAnswer, OpenEnrolment, Party, PutPolicy,
    RegisterAgent, Request, RevokeDevice, SubmitProof,
};
use akashi_domain::decide::Inline;
use akashi_domain::entry::{Entry, RULE_VERSION};
use akashi_domain::event::Event;
use akashi_domain::ids::{
    AgentHash, ChallengeId, ClientId, ContactId, Digest, EnrolmentId, RequestId, Stamp,
    SubjectHash, Tag,
};
use akashi_domain::kv::{Changes, Table, View};
use akashi_domain::outcome::Outcome;
use akashi_domain::policy::{AgentRule, Grants, PolicyBody, PolicyPurpose};
use akashi_domain::records::{Challenge, Contact, Notice, ReplicaInfo, Subject};
use akashi_domain::state::Records as _;
use akashi_proof::{
    Context, ContextFields, DeviceSecret, Kind, Knowledge, Part, PinKdf, PinSecret, Possession,
    Purpose, RootSecret, Suite, prove, submission_digest,
};

pub(crate) const TENANT: &str = "retail";
pub(crate) const POLICY: &str = "standard";
pub(crate) const ORIGIN: &str = "bank/e1/g0";
pub(crate) const SECOND: u64 = 1_000_000;
/// When these tests begin.
pub(crate) const START: u64 = 1_800_000_000 * SECOND;
pub(crate) const CHALLENGE_TTL: u64 = 120 * SECOND;
/// The PIN that every phone is enrolled with.
pub(crate) const PIN: &str = "4711";

/// Possession and the PIN; any registered agent; everything is granted.
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

pub(crate) fn id16(number: u64) -> [u8; 16] {
    let mut id = [0; 16];
    id[8..].copy_from_slice(&number.to_be_bytes());
    id
}

pub(crate) fn contact_id(number: u64) -> ContactId {
    ContactId(id16(number))
}

pub(crate) fn tag(subject: SubjectHash) -> Tag {
    Tag(subject.0[..16].try_into().unwrap())
}

pub(crate) fn agent(number: u8) -> AgentHash {
    AgentHash::of(TENANT, &format!("agent-{number}"))
}

/// Chance that repeats: the core never sees it.
pub(crate) struct Dice(u64);

impl rand_core::TryRng for Dice {
    type Error = core::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        let [a, b, c, d, ..] = self.try_next_u64()?.to_be_bytes();
        Ok(u32::from_be_bytes([a, b, c, d]))
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        Ok(self.0)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
        for chunk in bytes.chunks_mut(8) {
            let next = self.try_next_u64()?.to_le_bytes();
            chunk.copy_from_slice(&next[..chunk.len()]);
        }
        Ok(())
    }
}

impl rand_core::TryCryptoRng for Dice {}

/// One person's phone.
pub(crate) struct Phone {
    pub(crate) subject: SubjectHash,
    root: [u8; 32],
    device: DeviceSecret,
    dice: Dice,
}

impl Phone {
    /// The phone `number` of the customer `handle`.
    pub(crate) fn new(handle: &str, number: u8) -> Self {
        let root = [number; 32];
        let device = RootSecret::from_bytes(root)
            .device_secret(Suite::V1, ORIGIN.as_bytes(), TENANT.as_bytes(), 0)
            .unwrap();
        Self {
            subject: SubjectHash::of(TENANT, handle),
            root,
            device,
            dice: Dice(u64::from(number)),
        }
    }

    fn pin(&self, pin: &str) -> PinSecret {
        let cheap = PinKdf::with_cost(8, 1).unwrap();
        PinSecret::derive(cheap, pin.as_bytes(), &self.root, &self.subject.0).unwrap()
    }

    /// Possession and the PIN.
    pub(crate) fn proofs(&mut self, context: &Context, pin: &str) -> Vec<FactorProof> {
        let secret = self.pin(pin);
        let statement = Knowledge {
            device: self.device.public(),
            pin: secret.public(),
        };
        let knowledge = prove(context, &statement, &secret, &mut self.dice).unwrap();
        let knowledge = FactorProof::plain(2, knowledge.to_bytes());
        let digest = submission_digest(&[Part {
            kind: Kind::Knowledge,
            slot: 0,
            credential_serial: [0; 16],
            attribute_index: 0,
            proof: &knowledge.proof,
            sealed_digest: [0; 32],
        }]);
        vec![
            FactorProof::plain(1, self.possession(context, digest)),
            knowledge,
        ]
    }

    /// Possession and no PIN.
    pub(crate) fn possession_only(&mut self, context: &Context) -> Vec<FactorProof> {
        let digest = submission_digest(&[]);
        vec![FactorProof::plain(1, self.possession(context, digest))]
    }

    fn possession(&mut self, context: &Context, submission_digest: [u8; 32]) -> Vec<u8> {
        let statement = Possession {
            key: self.device.public(),
            submission_digest,
        };
        prove(context, &statement, &self.device, &mut self.dice)
            .unwrap()
            .to_bytes()
    }
}

/// State, log and clock.
pub(crate) struct World {
    pub(crate) state: Changes,
    pub(crate) now: u64,
    pub(crate) applied: Vec<Applied>,
    index: u64,
    next_id: u64,
}

impl World {
    /// A founded cluster of three with the policy [`body`].
    pub(crate) fn founded() -> Self {
        let mut world = Self {
            state: Changes::new(),
            now: START,
            applied: Vec::new(),
            index: 0,
            next_id: 0,
        };
        let replica = |id: u64| ReplicaInfo {
            id,
            name: format!("n{id}"),
            site: "a".into(),
            cosigner: [u8::try_from(id).unwrap(); 32],
        };
        let found = Found {
            cluster: "bank".into(),
            replicas: (1..=3).map(replica).collect(),
            quorum: 2,
            tenant: TENANT.into(),
            policy: POLICY.into(),
            body: body(),
        };
        assert_eq!(world.done(Command::Found(found)), Reply::Done);
        world
    }

    /// Lets time pass; nothing follows before the next entry.
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
    pub(crate) fn entry(&mut self, requests: Vec<Request>) -> &Applied {
        self.index += 1;
        let entry = Entry {
            rule_version: RULE_VERSION,
            stamp: Stamp(self.now),
            random: [self.index.to_le_bytes()[0]; 32],
            sealed: None,
            requests,
        };
        let applied = apply(&self.state, self.index, 1, Some(&entry), false, &mut Inline)
            .expect("sound state");
        for (slot, value) in &applied.changes {
            match value {
                Some(value) => drop(self.state.insert(slot.clone(), Some(value.clone()))),
                None => drop(self.state.remove(slot)),
            }
        }
        self.applied.push(applied);
        self.applied.last().unwrap()
    }

    pub(crate) fn send(&mut self, request: Request) -> Answer {
        self.entry(vec![request]).answers[0].clone()
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
        facts(self.entry(Vec::new()))
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

    // ---- policies and agents ----------------------------------------------------------------

    pub(crate) fn put_policy(&mut self, policy: &str, body: PolicyBody) {
        self.done(Command::PutPolicy(PutPolicy {
            tenant: TENANT.into(),
            policy: policy.into(),
            body,
        }));
    }

    /// A registered agent whose certificate may be any.
    pub(crate) fn agent(&mut self, number: u8) -> AgentHash {
        self.done(Command::RegisterAgent(RegisterAgent {
            tenant: TENANT.into(),
            agent: agent(number),
            certificate: Digest::ZERO,
        }));
        agent(number)
    }

    // ---- customers --------------------------------------------------------------------------

    /// Enrols `phone` under the invitation `number`.
    pub(crate) fn enrol(&mut self, phone: &mut Phone, number: u64) {
        let enrolment = EnrolmentId(id16(number));
        self.done(Command::OpenEnrolment(OpenEnrolment {
            tenant: TENANT.into(),
            enrolment,
            kind: EnrolmentKind::Device,
            party: Party::Customer,
            subject: phone.subject,
            token_hash: Digest::of(&[7; 32]),
            subject_tag: tag(phone.subject),
        }));
        let invited = self.state.enrolment(1, enrolment).unwrap().unwrap();
        let context = context(ContextFields {
            purpose: Purpose::Enrol,
            challenge_id: enrolment.0,
            nonce: invited.nonce,
            subject: phone.subject.0,
            contact_id: &[],
            not_before_us: invited.opened.0,
            expires_us: invited.expires.0,
            policy_digest: [0; 32],
            ..fields()
        });
        let complete = CompleteEnrolment {
            tenant: TENANT.into(),
            enrolment,
            token: [7; 32],
            suite: 1,
            device_key: phone.device.public().to_bytes(),
            pin_key: phone.pin(PIN).public().to_bytes(),
            proofs: phone.proofs(&context, PIN),
        };
        assert_eq!(
            self.done(Command::CompleteEnrolment(complete)),
            Reply::Enrolled
        );
    }

    /// A new customer with an enrolled phone.
    pub(crate) fn customer(&mut self, number: u8) -> Phone {
        let mut phone = Phone::new(&format!("customer-{number}"), number);
        self.enrol(&mut phone, u64::from(number));
        phone
    }

    pub(crate) fn subject(&self, subject: SubjectHash) -> Subject {
        self.state.subject(1, subject).unwrap()
    }

    // ---- calls ------------------------------------------------------------------------------

    pub(crate) fn announcement(subject: SubjectHash, contact: u64) -> AnnounceContact {
        AnnounceContact {
            tenant: TENANT.into(),
            contact: contact_id(contact),
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

    /// How a contact ends at once, if it does; otherwise its challenge.
    pub(crate) fn announce(&mut self, command: AnnounceContact) -> Result<ChallengeId, Outcome> {
        match self.done(Command::AnnounceContact(command)) {
            Reply::Announced {
                outcome: Some(outcome),
                ..
            } => Err(outcome),
            Reply::Announced { challenge, .. } => Ok(challenge),
            other => panic!("not an announcement: {other:?}"),
        }
    }

    /// A contact with an open challenge.
    pub(crate) fn call(&mut self, subject: SubjectHash, contact: u64) -> ChallengeId {
        self.announce(Self::announcement(subject, contact)).unwrap()
    }

    /// A contact that is verified with possession and PIN.
    pub(crate) fn verified(&mut self, phone: &mut Phone, contact: u64) -> ChallengeId {
        let challenge = self.call(phone.subject, contact);
        assert_eq!(self.prove(phone, challenge, PIN), Ok(VERIFIED));
        challenge
    }

    pub(crate) fn contact(&self, number: u64) -> Contact {
        self.state.contact(1, contact_id(number)).unwrap().unwrap()
    }

    pub(crate) fn challenge(&self, challenge: ChallengeId) -> Challenge {
        self.state.challenge(1, challenge).unwrap().unwrap()
    }

    pub(crate) fn bind(&mut self, contact: u64, agent: AgentHash) -> Result<Reply, Rejection> {
        self.run(Command::BindAgent(BindAgent {
            tenant: TENANT.into(),
            contact: contact_id(contact),
            agent,
            agent_tag: Tag([9; 16]),
        }))
    }

    pub(crate) fn close(&mut self, contact: u64) -> Result<Reply, Rejection> {
        self.run(Command::CloseContact(CloseContact {
            tenant: TENANT.into(),
            contact: contact_id(contact),
            disposition: 9,
        }))
    }

    pub(crate) fn revoke(&mut self, subject: SubjectHash) -> Result<Reply, Rejection> {
        self.run(Command::RevokeDevice(RevokeDevice {
            tenant: TENANT.into(),
            subject,
            reason: 4,
        }))
    }

    // ---- phones -----------------------------------------------------------------------------

    /// The submit token from the notice that waits for the phone.
    pub(crate) fn token(&self, challenge: ChallengeId) -> [u8; 32] {
        let subject = self.challenge(challenge).subject;
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

    /// The phone's answer to `challenge` with `pin`.
    pub(crate) fn submission(
        &self,
        phone: &mut Phone,
        challenge: ChallengeId,
        pin: &str,
    ) -> SubmitProof {
        SubmitProof {
            tenant: TENANT.into(),
            challenge,
            token: self.token(challenge),
            suite: 1,
            proofs: phone.proofs(&self.context(challenge), pin),
        }
    }

    pub(crate) fn prove(
        &mut self,
        phone: &mut Phone,
        challenge: ChallengeId,
        pin: &str,
    ) -> Result<Reply, Rejection> {
        let submission = self.submission(phone, challenge, pin);
        self.run(Command::SubmitProof(submission))
    }

    /// What the phone says instead of proving.
    pub(crate) fn say(
        &mut self,
        challenge: ChallengeId,
        answer: NoticeAnswer,
    ) -> Result<Reply, Rejection> {
        let token = self.token(challenge);
        self.run(Command::AnswerNotice(AnswerNotice {
            tenant: TENANT.into(),
            challenge,
            token,
            answer,
        }))
    }
}

/// What the phone hears when everything held.
pub(crate) const VERIFIED: Reply = Reply::Verdict {
    outcome: Outcome::Verified,
    reason: 0,
};

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
