//! The deterministic core alone, with customers and real proofs, on a state in memory: what `apply`
//! costs without network, disk, Raft and Merkle tree, and how many bytes a command has.

use akashi_client::entropy::ProofRandom;
use akashi_domain::answer::Reply;
use akashi_domain::apply::{Applied, apply};
use akashi_domain::command::{
    AnnounceContact, Command, CompleteEnrolment, EnrolmentKind, FactorProof, Found, Initiator,
    OpenEnrolment, Party, Request, SubmitProof,
};
use akashi_domain::decide::{Checker, Inline};
use akashi_domain::entry::{Entry, RULE_VERSION};
use akashi_domain::event::{ChallengeIssued, Event};
use akashi_domain::ids::{
    ClientId, ContactId, Digest, EnrolmentId, RequestId, Stamp, SubjectHash, Tag,
};
use akashi_domain::kv::Changes;
use akashi_domain::policy::{AgentRule, Grants, PolicyBody, PolicyPurpose};
use akashi_domain::records::ReplicaInfo;
use akashi_domain::state::Records as _;
use akashi_proof::{
    Context, ContextFields, DeviceSecret, Kind, Knowledge, Part, PinKdf, PinSecret, Possession,
    Purpose, RootSecret, Suite, prove, submission_digest,
};

use crate::Failure;

const CLUSTER: &str = "bench";
const ORIGIN: &str = "bench/e1/g0";
pub(crate) const TENANT: &str = "bench";
pub(crate) const POLICY: &str = "basic";
/// The only tenant's number.
const TENANT_NUMBER: u32 = 1;
/// When this world begins, in microseconds since 1970-01-01 UTC.
pub(crate) const START_US: u64 = 1_800_000_000_000_000;
/// Microseconds between two entries: a busy leader's.
const ENTRY_US: u64 = 1_000;
/// The token of every invitation.
pub(crate) const TOKEN: [u8; 32] = [7; 32];

/// A customer's secrets.
pub(crate) struct Customer {
    pub(crate) subject: SubjectHash,
    pub(crate) device: DeviceSecret,
    pub(crate) pin: PinSecret,
}

impl Customer {
    pub(crate) fn number(number: u32) -> Result<Self, Failure> {
        let subject = SubjectHash::of(TENANT, &format!("bench-{number:06}"));
        let device = RootSecret::from_bytes(subject.0).device_secret(
            Suite::V1,
            ORIGIN.as_bytes(),
            TENANT.as_bytes(),
            0,
        )?;
        let pin = PinSecret::derive(PinKdf::with_cost(8, 1)?, b"4711", &subject.0, &subject.0)?;
        Ok(Self {
            subject,
            device,
            pin,
        })
    }
}

/// The command that founds the cluster of this world.
pub(crate) fn found() -> Command {
    let replica = |id: u8| ReplicaInfo {
        id: u64::from(id),
        name: format!("n{id}"),
        site: "a".to_owned(),
        cosigner: [id; 32],
    };
    Command::Found(Found {
        cluster: CLUSTER.to_owned(),
        replicas: (1..=3).map(replica).collect(),
        quorum: 2,
        tenant: TENANT.to_owned(),
        policy: POLICY.to_owned(),
        body: PolicyBody {
            purpose: PolicyPurpose::CustomerCall,
            predicates: Vec::new(),
            face: None,
            consent: None,
            require_possession: true,
            require_knowledge: true,
            challenge_ttl_s: 600,
            verdict_ttl_s: 3_600,
            grants: Grants::default(),
            agents: AgentRule::registered(),
        },
    })
}

/// The command that announces a contact with a customer.
pub(crate) fn announcement(contact: [u8; 16], subject: SubjectHash) -> Command {
    Command::AnnounceContact(AnnounceContact {
        tenant: TENANT.to_owned(),
        contact: ContactId(contact),
        subject,
        initiator: Initiator::Centre,
        policy: POLICY.to_owned(),
        call_reason: 1,
        agent: None,
        subject_tag: tag(subject),
        agent_tag: Tag::ZERO,
        campaign: 0,
        queue: 0,
        previous: ContactId::ZERO,
        delegate: None,
    })
}

/// The command that invites a customer.
pub(crate) fn invitation(enrolment: EnrolmentId, subject: SubjectHash) -> Command {
    Command::OpenEnrolment(OpenEnrolment {
        tenant: TENANT.to_owned(),
        enrolment,
        kind: EnrolmentKind::Device,
        party: Party::Customer,
        subject,
        token_hash: Digest::of(&TOKEN),
        subject_tag: tag(subject),
    })
}

/// Trusts every proof: stands for a memo in which every answer is already there, so that what is left
/// is the cost of deciding, evolving and making leaves.
#[derive(Clone, Copy, Debug, Default)]
pub struct Answered;

impl Checker for Answered {
    fn check(&mut self, job: &akashi_domain::factor::Job) -> Result<(), akashi_proof::Reason> {
        // The key is what a memo is asked with, so making it belongs to the cost.
        let key = akashi_proof::memo_key(&job.context, &job.statement, &job.proof);
        std::hint::black_box(key);
        Ok(())
    }
}

/// A state with enrolled customers, and commands to apply to it.
pub struct World {
    state: Changes,
    customers: Vec<Customer>,
    index: u64,
    requests: u64,
}

impl World {
    /// A founded cluster with `customers` enrolled customers.
    ///
    /// # Errors
    ///
    /// If the core refuses any of it.
    pub fn with_customers(customers: u32) -> Result<Self, Failure> {
        let mut world = Self {
            state: Changes::new(),
            customers: Vec::new(),
            index: 0,
            requests: 0,
        };
        world.run(vec![found()])?;
        for number in 0..customers {
            world.enrol(number)?;
        }
        Ok(world)
    }

    /// An entry that announces a contact for each of the first `calls` customers.
    pub fn announcements(&mut self, calls: usize, round: u64) -> Entry {
        let subjects: Vec<SubjectHash> = self
            .customers
            .iter()
            .take(calls)
            .map(|customer| customer.subject)
            .collect();
        let mut commands = Vec::with_capacity(calls);
        for (number, subject) in (1_u64..).zip(subjects) {
            commands.push(announcement(id16(round, number), subject));
        }
        self.entry(commands)
    }

    /// An entry in which each challenge that `applied` issued is answered with valid proofs.
    ///
    /// # Errors
    ///
    /// If a proof cannot be made.
    pub fn submissions(&mut self, applied: &Applied) -> Result<Entry, Failure> {
        let mut commands = Vec::new();
        for recorded in &applied.events {
            if let Event::ChallengeIssued(ChallengeIssued {
                challenge,
                contact,
                subject,
                nonce,
                token,
                expires,
                policy_digest,
                ..
            }) = &recorded.event
            {
                let customer = self
                    .customers
                    .iter()
                    .find(|customer| customer.subject == *subject)
                    .ok_or("a challenge for nobody")?;
                let context = context(ContextFields {
                    purpose: Purpose::CustomerCall,
                    challenge_id: challenge.0,
                    nonce: *nonce,
                    subject: subject.0,
                    contact_id: &contact.0,
                    not_before_us: applied.progress.stamp.0,
                    expires_us: expires.0,
                    policy_digest: policy_digest.0,
                    ..fields()
                })?;
                commands.push(Command::SubmitProof(SubmitProof {
                    tenant: TENANT.to_owned(),
                    challenge: *challenge,
                    token: *token,
                    suite: Suite::V1.code(),
                    proofs: proofs(customer, &context)?,
                    duress: false,
                }));
            }
        }
        Ok(self.entry(commands))
    }

    /// Applies `entry` to the state as it stands and leaves the state alone.
    ///
    /// # Errors
    ///
    /// If the state does not decode.
    pub fn applied<C: Checker>(&self, entry: &Entry, checker: &mut C) -> Result<Applied, Failure> {
        Ok(apply(
            &self.state,
            self.index.saturating_add(1),
            1,
            Some(entry),
            false,
            checker,
        )?)
    }

    /// Takes over what an entry led to.
    pub fn write(&mut self, applied: &Applied) {
        for (slot, value) in &applied.changes {
            match value {
                Some(value) => drop(self.state.insert(slot.clone(), Some(value.clone()))),
                None => drop(self.state.remove(slot)),
            }
        }
        self.index = self.index.saturating_add(1);
    }

    fn run(&mut self, commands: Vec<Command>) -> Result<Applied, Failure> {
        let entry = self.entry(commands);
        let applied = self.applied(&entry, &mut Inline)?;
        if let Some(refused) = applied.answers.iter().find(|answer| answer.result.is_err()) {
            return Err(format!("the core refused: {:?}", refused.result).into());
        }
        self.write(&applied);
        Ok(applied)
    }

    fn entry(&mut self, commands: Vec<Command>) -> Entry {
        let stamp_us = START_US.saturating_add(self.index.saturating_mul(ENTRY_US));
        let requests = commands
            .into_iter()
            .map(|command| self.request(stamp_us, command))
            .collect();
        Entry {
            rule_version: RULE_VERSION,
            stamp: Stamp(stamp_us),
            random: [9; 32],
            sealed: None,
            requests,
        }
    }

    fn request(&mut self, stamp_us: u64, command: Command) -> Request {
        self.requests = self.requests.saturating_add(1);
        // A UUIDv7 has the milliseconds in its first six bytes.
        Request {
            id: RequestId(id16((stamp_us / 1_000) << 16, self.requests)),
            client: ClientId::of("bench"),
            not_after: Stamp(u64::MAX),
            command,
        }
    }

    fn enrol(&mut self, number: u32) -> Result<(), Failure> {
        let customer = Customer::number(number)?;
        let subject = customer.subject;
        let enrolment = EnrolmentId(id16(1, u64::from(number)));
        self.run(vec![invitation(enrolment, subject)])?;
        let open = self
            .state
            .enrolment(TENANT_NUMBER, enrolment)?
            .ok_or("no enrolment")?;
        let context = context(ContextFields {
            purpose: Purpose::Enrol,
            challenge_id: enrolment.0,
            nonce: open.nonce,
            subject: subject.0,
            contact_id: &[],
            not_before_us: open.opened.0,
            expires_us: open.expires.0,
            ..fields()
        })?;
        let applied = self.run(vec![Command::CompleteEnrolment(CompleteEnrolment {
            tenant: TENANT.to_owned(),
            enrolment,
            token: TOKEN,
            suite: Suite::V1.code(),
            device_key: customer.device.public().to_bytes(),
            pin_key: customer.pin.public().to_bytes(),
            proofs: proofs(&customer, &context)?,
        })])?;
        let enrolled = applied.answers.first().map(|answer| &answer.result);
        if enrolled != Some(&Ok(Reply::Enrolled)) {
            return Err("the core did not accept an enrolment's proofs".into());
        }
        self.customers.push(customer);
        Ok(())
    }
}

/// Bytes of one submission with possession and PIN, as it stands in the Raft log: what a put of the
/// same size has to write.
///
/// # Errors
///
/// If the core refuses to make one.
pub fn submission_bytes() -> Result<usize, Failure> {
    let mut world = World::with_customers(1)?;
    let entry = world.announcements(1, 1);
    let applied = world.applied(&entry, &mut Inline)?;
    world.write(&applied);
    let entry = world.submissions(&applied)?;
    let request = entry.requests.first().ok_or("no submission was made")?;
    Ok(request.encode().len())
}

pub(crate) fn proofs(customer: &Customer, context: &Context) -> Result<Vec<FactorProof>, Failure> {
    let mut random = ProofRandom::draw()?;
    let (device, pin) = (&customer.device, &customer.pin);
    let statement = Knowledge {
        device: device.public(),
        pin: pin.public(),
    };
    let knowledge = prove(context, &statement, pin, &mut random)?.to_bytes();
    let statement = Possession {
        key: device.public(),
        submission_digest: submission_digest(&[Part::plain(Kind::Knowledge, 0, &knowledge)]),
    };
    let possession = prove(context, &statement, device, &mut random)?.to_bytes();
    Ok(vec![
        FactorProof::plain(Kind::Possession.code(), possession),
        FactorProof::plain(Kind::Knowledge.code(), knowledge),
    ])
}

pub(crate) fn context(fields: ContextFields<'_>) -> Result<Context, Failure> {
    Ok(Context::new(fields)?)
}

/// What every context of this world has in common.
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
        contact_id: &[],
        not_before_us: 0,
        expires_us: 0,
        order_hash: [0; 32],
        policy_digest: [0; 32],
    }
}

fn tag(subject: SubjectHash) -> Tag {
    Tag(subject.0.first_chunk().copied().unwrap_or_default())
}

pub(crate) fn id16(high: u64, low: u64) -> [u8; 16] {
    (u128::from(high) << 64 | u128::from(low)).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn submissions_of_this_world_are_verified() {
        let mut world = World::with_customers(3).unwrap();
        let entry = world.announcements(3, 1);
        let applied = world.applied(&entry, &mut Inline).unwrap();
        world.write(&applied);
        let entry = world.submissions(&applied).unwrap();
        let applied = world.applied(&entry, &mut Inline).unwrap();
        assert_eq!(applied.answers.len(), 3);
        for answer in applied.answers {
            assert!(
                matches!(
                    answer.result,
                    Ok(Reply::Verdict {
                        outcome: akashi_domain::outcome::Outcome::Verified,
                        ..
                    })
                ),
                "{:?}",
                answer.result
            );
        }
    }

    #[test]
    fn a_submission_has_a_few_hundred_bytes() {
        let bytes = submission_bytes().unwrap();
        assert!((200..600).contains(&bytes), "{bytes}");
    }
}
