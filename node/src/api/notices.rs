//! The stream on which a phone waits for notices.
//!
//! The phone names a customer or an agent, answers a session challenge with possession of the enrolled
//! device, and then gets every notice that waits, whatever its purpose, each once its leaf is sealed. A
//! subject that does not exist is given a challenge like any other, and fails like a wrong proof.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use akashi_domain::answer::Rejection;
use akashi_domain::event::Event;
use akashi_domain::ids::{ChallengeId, SubjectHash};
use akashi_domain::keys;
use akashi_domain::kv::{Table, View as _};
use akashi_domain::outcome::Outcome;
use akashi_domain::records::{Cluster, Device, Notice, Tenant};
use akashi_domain::state::Records as _;
use akashi_merkle::SignedHead;
use akashi_proof::{
    AnyStatement, Context, ContextFields, DeviceKey, Possession, Purpose, Suite, check,
    submission_digest,
};
use akashi_proto::v1;
use akashi_proto::v1::watch_notices_request::Step as Ask;
use akashi_proto::v1::watch_notices_response::Step as Say;
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};
use tokio::time::timeout;
use tonic::{Status, Streaming};

use super::front::Front;
use super::own_history::own_history;
use super::replica::Replica;
use super::status::Refusal;
use crate::engine::{AppliedEntry, ReceiptError};
use crate::wire::{self, Malformed};
use crate::{clock, entropy};

/// How long a phone may take to name its subject, and then to prove possession.
const OPENING: Duration = Duration::from_secs(30);
/// Notices of one subject that are looked at: one challenge is open at a time, and few more wait.
const NOTICES_MAX: usize = 16;
/// A key to check against when there is none (the base point of ristretto255): what it says is never
/// used, only the time it takes.
const NOBODY: [u8; 32] = [
    0xe2, 0xf2, 0xae, 0x0a, 0x6a, 0xbc, 0x4e, 0x71, 0xa8, 0x84, 0xa9, 0x61, 0xc5, 0x00, 0x51, 0x5f,
    0x58, 0xe3, 0x0b, 0x6a, 0xa5, 0x82, 0xdd, 0x8d, 0xb6, 0xa6, 0x59, 0x45, 0xe0, 0x8d, 0x2d, 0x76,
];

/// The stream, from the first message on.
pub(super) fn stream<R: Replica>(
    front: Front<R>,
    incoming: Streaming<v1::WatchNoticesRequest>,
) -> BoxStream<'static, Result<v1::WatchNoticesResponse, Status>> {
    let steps = stream::unfold(
        Some((State::Greeting, front, incoming)),
        |state| async move {
            let (state, front, mut incoming) = state?;
            match state.step(&front, &mut incoming).await {
                Ok(Some((say, state))) => Some((Ok(say), Some((state, front, incoming)))),
                Ok(None) => None,
                Err(refusal) => Some((Err(front.refuse(refusal)), None)),
            }
        },
    );
    steps
        .map(|say| say.map(|step| v1::WatchNoticesResponse { step: Some(step) }))
        .boxed()
}

/// How far the stream is.
enum State<R> {
    /// The subject is not named yet.
    Greeting,
    /// The challenge is given.
    Challenged(Box<Session>),
    /// The phone is who it says.
    Open(Box<Waiting<R>>),
}

impl<R: Replica> State<R> {
    async fn step(
        self,
        front: &Front<R>,
        incoming: &mut Streaming<v1::WatchNoticesRequest>,
    ) -> Result<Option<(Say, Self)>, Refusal> {
        match self {
            Self::Greeting => {
                let Some(Ask::Hello(hello)) = next(incoming).await? else {
                    return Err(Malformed { field: "hello" }.into());
                };
                let session = Session::challenge(front, hello)?;
                let say = Say::Challenge(session.say());
                Ok(Some((say, Self::Challenged(Box::new(session)))))
            }
            Self::Challenged(session) => {
                let Some(Ask::Session(proof)) = next(incoming).await? else {
                    return Err(Malformed { field: "session" }.into());
                };
                let waiting = session.open(front, &proof.proof).await?;
                let say = Say::Opened(v1::PhoneSessionOpened {});
                Ok(Some((say, Self::Open(Box::new(waiting)))))
            }
            Self::Open(mut waiting) => {
                let say = waiting.next(incoming).await?;
                Ok(Some((say, Self::Open(waiting))))
            }
        }
    }
}

/// The phone's next message while the session is being opened.
async fn next(incoming: &mut Streaming<v1::WatchNoticesRequest>) -> Result<Option<Ask>, Refusal> {
    let message = timeout(OPENING, incoming.message())
        .await
        .map_err(|_elapsed| Refusal::Deadline)?;
    // The cause is in the framework's words, with names of fields and of Rust types.
    let message = message.map_err(|_unreadable| Refusal::MessageMalformed)?;
    Ok(message.and_then(|message| message.step))
}

/// A session that is not open yet.
struct Session {
    cluster: Cluster,
    tenant: String,
    subject: SubjectHash,
    id: [u8; 16],
    nonce: [u8; 32],
    not_before_us: u64,
    expires_us: u64,
    until: tokio::time::Instant,
}

impl Session {
    fn challenge<R: Replica>(front: &Front<R>, hello: v1::PhoneHello) -> Result<Self, Refusal> {
        let subject = wire::hello(&hello)?;
        let cluster = front
            .replica
            .view()
            .cluster()?
            .ok_or(Rejection::NotFounded)?;
        let now = front.now();
        Ok(Self {
            cluster,
            tenant: hello.tenant,
            subject,
            id: entropy::bytes()?,
            nonce: entropy::bytes()?,
            not_before_us: now.0,
            expires_us: now
                .after_us(u64::try_from(OPENING.as_micros()).unwrap_or(u64::MAX))
                .0,
            until: clock::runtime() + OPENING,
        })
    }

    fn say(&self) -> v1::PhoneSessionChallenge {
        v1::PhoneSessionChallenge {
            origin: self.cluster.origin.clone(),
            group: u32::from(self.cluster.group),
            epoch: self.cluster.epoch,
            session_id: self.id.to_vec().into(),
            nonce: self.nonce.to_vec().into(),
            not_before_us: self.not_before_us,
            expires_us: self.expires_us,
        }
    }

    /// Opens the session if the proof holds, now or after this node caught up: the phone may have
    /// enrolled a moment ago, at another node.
    async fn open<R: Replica>(self, front: &Front<R>, proof: &[u8]) -> Result<Waiting<R>, Refusal> {
        if clock::runtime() > self.until {
            return Err(Refusal::SessionProof);
        }
        let events = front.replica.subscribe();
        let sealed = front.replica.sealed();
        let opened = front
            .find(self.until, |view| {
                let tenant = view.tenant(&self.tenant)?;
                // Whoever is unknown is checked against a key that nobody has, so that an answer takes
                // as long for a subject that is there as for one that is not.
                let number = tenant.as_ref().map_or(0, |tenant| tenant.number);
                let device = view.subject(number, self.subject)?.device;
                let device = device.filter(|device| !device.revoked);
                let key = device.map_or(NOBODY, |device| device.device_key);
                let holds = self.holds(&key, proof);
                Ok(tenant.zip(device).filter(|_| holds))
            })
            .await?;
        let (tenant, device) = opened.ok_or(Refusal::SessionProof)?;
        Ok(Waiting {
            replica: front.replica.clone(),
            cluster: self.cluster,
            tenant,
            subject: self.subject,
            device,
            sent: BTreeSet::new(),
            told: BTreeSet::new(),
            reminded: BTreeSet::new(),
            ended: VecDeque::new(),
            unsealed: false,
            looked: false,
            half_closed: false,
            events,
            sealed,
        })
    }

    fn holds(&self, device_key: &[u8; 32], proof: &[u8]) -> bool {
        let context = Context::new(ContextFields {
            suite: Suite::V1,
            origin: self.cluster.origin.as_bytes(),
            group: self.cluster.group,
            epoch: self.cluster.epoch,
            tenant: self.tenant.as_bytes(),
            challenge_id: self.id,
            nonce: self.nonce,
            purpose: Purpose::PhoneSession,
            subject: self.subject.0,
            contact_id: &[],
            not_before_us: self.not_before_us,
            expires_us: self.expires_us,
            order_hash: [0; 32],
            policy_digest: [0; 32],
        });
        let (Ok(context), Ok(key)) = (context, DeviceKey::from_bytes(device_key)) else {
            return false;
        };
        let statement: AnyStatement = Possession {
            key,
            submission_digest: submission_digest(&[]),
        }
        .into();
        check(&context, &statement, proof).is_ok()
    }
}

/// An open session.
struct Waiting<R> {
    replica: R,
    cluster: Cluster,
    tenant: Tenant,
    subject: SubjectHash,
    /// The device that opened the session: another one, or its revocation, ends it.
    device: Device,
    sent: BTreeSet<ChallengeId>,
    /// What it was told already, by leaf.
    told: BTreeSet<u64>,
    /// Sent before, and to be shown once more.
    reminded: BTreeSet<ChallengeId>,
    /// Sent before, and to be taken off the screen.
    ended: VecDeque<v1::NoticeEnded>,
    /// A notice waits for its seal.
    unsealed: bool,
    /// The outbox was looked at since the last event.
    looked: bool,
    /// The phone has closed its side of the stream.
    half_closed: bool,
    events: broadcast::Receiver<Arc<AppliedEntry>>,
    sealed: watch::Receiver<Option<Arc<SignedHead>>>,
}

impl<R: Replica> Waiting<R> {
    /// Waits for the next thing to say. A phone that says nothing more may still listen; one that is gone
    /// drops the stream.
    async fn next(
        &mut self,
        incoming: &mut Streaming<v1::WatchNoticesRequest>,
    ) -> Result<Say, Refusal> {
        loop {
            if let Some(ended) = self.ended.pop_front() {
                return Ok(Say::Ended(ended));
            }
            if !self.looked {
                if let Some(notice) = self.look()? {
                    return Ok(Say::Notice(notice));
                }
                if let Some(told) = self.look_at_told()? {
                    return Ok(Say::Told(told));
                }
                self.looked = true;
                continue;
            }
            tokio::select! {
                entry = self.events.recv() => match entry {
                    Ok(entry) => for recorded in &entry.events {
                        self.hear(&recorded.event);
                    },
                    Err(RecvError::Lagged(_)) => self.looked = false,
                    Err(RecvError::Closed) => return Err(Refusal::Stopping),
                },
                changed = self.sealed.changed(), if self.unsealed => {
                    changed.map_err(|_closed| Refusal::Stopping)?;
                    self.looked = false;
                }
                said = incoming.message(), if !self.half_closed => match said {
                    Ok(None) => self.half_closed = true,
                    Ok(Some(v1::WatchNoticesRequest { step: Some(Ask::History(_)) })) => {
                        let (whose, view) = ((self.tenant.number, self.subject), self.replica.view());
                        let progress = self.replica.progress();
                        let told = own_history(&view, whose, &self.device, &progress)?;
                        return Ok(Say::History(told));
                    }
                    Ok(Some(_)) => return Err(Malformed { field: "step" }.into()),
                    Err(_unreadable) => return Err(Refusal::MessageMalformed),
                },
            }
        }
    }

    /// Takes note of an event.
    fn hear(&mut self, event: &Event) {
        if !self.is_mine(event) {
            return;
        }
        self.looked = false;
        if let Event::NoticeReminded(fact) = event
            && self.sent.remove(&fact.challenge)
        {
            self.reminded.insert(fact.challenge);
        }
    }

    /// Whether an event changes what this phone has to be told.
    fn is_mine(&self, event: &Event) -> bool {
        event.tenant() == self.tenant.number && event.phone() == Some(self.subject)
    }

    /// The first notice in the outbox that was not sent and whose leaf is sealed.
    fn look(&mut self) -> Result<Option<v1::Notice>, Refusal> {
        let view = self.replica.view();
        let device = view.subject(self.tenant.number, self.subject)?.device;
        let same =
            device.is_some_and(|now| !now.revoked && now.device_key == self.device.device_key);
        if !same {
            return Err(Refusal::SessionProof);
        }
        let from = keys::notice(self.tenant.number, self.subject, ChallengeId::ZERO);
        let to = keys::notice(self.tenant.number, self.subject, ChallengeId([u8::MAX; 16]));
        let waiting = view.scan(Table::Outbox, &from, &to, NOTICES_MAX)?;
        let waiting = waiting
            .iter()
            .map(|(_, bytes)| borsh::from_slice(bytes))
            .collect::<Result<Vec<Notice>, _>>()
            .map_err(|_foreign| Refusal::Stopping)?;
        self.forget(&view, &waiting)?;
        self.unsealed = false;
        for notice in waiting {
            if self.sent.contains(&notice.challenge) {
                continue;
            }
            let receipt = match self.replica.receipt(notice.leaf) {
                Ok(receipt) => receipt.to_text(),
                Err(ReceiptError::NotSealed) => {
                    self.unsealed = true;
                    continue;
                }
                Err(
                    error @ (ReceiptError::UnknownLeaf
                    | ReceiptError::Incomplete
                    | ReceiptError::Storage),
                ) => {
                    return Err(error.into());
                }
            };
            let Some(challenge) = view.challenge(self.tenant.number, notice.challenge)? else {
                continue;
            };
            // An agent's login is of no contact; everything else is.
            let contact = view.contact(self.tenant.number, challenge.contact)?;
            let template = view.template(self.tenant.number, self.subject)?;
            self.sent.insert(notice.challenge);
            let reminder = self.reminded.remove(&notice.challenge);
            let said = wire::notice(
                &self.cluster,
                &self.tenant.name,
                (notice.challenge, &challenge),
                contact.as_ref(),
                template.as_ref(),
                notice.token,
                receipt,
            );
            return Ok(Some(v1::Notice { reminder, ..said }));
        }
        Ok(None)
    }

    /// The first thing that the customer is told without being asked, was not told on this stream and is
    /// sealed. Called after [`Self::look`], which checked the device.
    fn look_at_told(&mut self) -> Result<Option<v1::Told>, Refusal> {
        let told = self
            .replica
            .view()
            .subject(self.tenant.number, self.subject)?
            .told;
        self.told
            .retain(|leaf| told.iter().any(|one| one.leaf == *leaf));
        for one in told {
            if self.told.contains(&one.leaf) {
                continue;
            }
            match self.replica.receipt(one.leaf) {
                Ok(receipt) => {
                    self.told.insert(one.leaf);
                    return Ok(Some(wire::told(&one, receipt.to_text())));
                }
                Err(ReceiptError::NotSealed) => self.unsealed = true,
                Err(
                    error @ (ReceiptError::UnknownLeaf
                    | ReceiptError::Incomplete
                    | ReceiptError::Storage),
                ) => {
                    return Err(error.into());
                }
            }
        }
        Ok(None)
    }

    /// What no longer waits need not be remembered; what ended without this phone's doing is taken off
    /// its screen.
    fn forget(&mut self, view: &R::View, waiting: &[Notice]) -> Result<(), Refusal> {
        let waits = |id: &ChallengeId| waiting.iter().any(|notice| notice.challenge == *id);
        let gone: Vec<ChallengeId> = self.sent.iter().filter(|id| !waits(id)).copied().collect();
        self.reminded.retain(waits);
        for id in gone {
            self.sent.remove(&id);
            let verdict = view
                .challenge(self.tenant.number, id)?
                .and_then(|challenge| challenge.verdict);
            let Some(outcome) = verdict.map(|verdict| verdict.outcome) else {
                continue;
            };
            match outcome {
                Outcome::Cancelled | Outcome::Superseded | Outcome::Expired => {
                    self.ended.push_back(v1::NoticeEnded {
                        challenge_id: id.0.to_vec().into(),
                        outcome: wire::outcome(outcome),
                    });
                }
                Outcome::Verified
                | Outcome::NotVerified
                | Outcome::Inconclusive
                | Outcome::NotEnrolled
                | Outcome::OptedOut
                | Outcome::DeclinedByCustomer
                | Outcome::ReportedByCustomer
                | Outcome::RateLimited
                | Outcome::Error => {}
            }
        }
        Ok(())
    }
}
