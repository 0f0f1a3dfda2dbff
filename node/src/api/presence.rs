//! The stream on which an agent's desktop says what its sensor sees, and is told what its screen does.

use std::time::Duration;

use akashi_domain::answer::Rejection;
use akashi_domain::ids::{Digest, SessionId, Stamp};
use akashi_domain::keys;
use akashi_domain::kv::Table;
use akashi_domain::records::{Policy, Session, SessionState};
use akashi_domain::state::{Records as _, load};
use akashi_presence::{Key, Refused};
use akashi_proof::{SIGNATURE_BYTES, SensorKey, Sighting};
use akashi_proto::v1;
use akashi_proto::v1::keep_presence_request::Step as Ask;
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use tokio::time::timeout;
use tonic::{Status, Streaming};

use super::desk::desk_of;
use super::front::{Call, Front};
use super::replica::Replica;
use super::status::Refusal;
use crate::clock;
use crate::edge::{NotSeated, Seat};
use crate::wire::{self, Malformed};

/// How long a desktop may take to name its session.
const OPENING: Duration = Duration::from_secs(10);
/// Shortest time between two samples of one stream: whoever sends faster waits.
const SAMPLE_EVERY: Duration = Duration::from_millis(10);
/// How far a sensor's clock may be off, and how old its sample may be.
const CAPTURED_WITHIN_US: u64 = 10_000_000;
/// Lowest assurance of a face from which on every sample must be a sensor's.
const ATTESTED: u8 = 1;

/// The stream, from the first message on.
pub(super) fn stream<R: Replica>(
    front: Front<R>,
    call: Call,
    incoming: Streaming<v1::KeepPresenceRequest>,
) -> BoxStream<'static, Result<v1::KeepPresenceResponse, Status>> {
    let steps = stream::unfold(
        Some((State::Greeting(Box::new(call)), front, incoming)),
        |state| async move {
            let (state, front, mut incoming) = state?;
            match state.step(&front, &mut incoming).await {
                Ok(Some((say, state))) => Some((Ok(say), Some((state, front, incoming)))),
                Ok(None) => None,
                Err(refusal) => Some((Err(front.refuse(refusal)), None)),
            }
        },
    );
    steps.boxed()
}

/// How far the stream is.
enum State {
    /// The session is not named yet.
    Greeting(Box<Call>),
    /// The desktop is seated.
    Seated(Box<Desk>),
}

impl State {
    async fn step<R: Replica>(
        self,
        front: &Front<R>,
        incoming: &mut Streaming<v1::KeepPresenceRequest>,
    ) -> Result<Option<(v1::KeepPresenceResponse, Self)>, Refusal> {
        match self {
            Self::Greeting(call) => {
                let message = timeout(OPENING, incoming.message())
                    .await
                    .map_err(|_elapsed| Refusal::Deadline)?
                    .map_err(|_unreadable| Refusal::MessageMalformed)?;
                let Some(Ask::Hello(hello)) = message.and_then(|message| message.step) else {
                    return Err(Malformed { field: "hello" }.into());
                };
                let desk = Desk::open(front, &call, &hello).await?;
                let say = desk.say(front)?;
                Ok(Some((say, Self::Seated(Box::new(desk)))))
            }
            Self::Seated(mut desk) => {
                let Some(say) = desk.next(front, incoming).await? else {
                    return Ok(None);
                };
                Ok(Some((say, Self::Seated(desk))))
            }
        }
    }
}

/// A sensor whose word every sample must be.
struct Attested {
    origin: String,
    tenant: String,
    certificate: [u8; 32],
    key: SensorKey,
}

/// A desktop that is seated.
struct Desk {
    seat: Seat,
    session: SessionId,
    attested: Option<Attested>,
    sequence: u64,
    captured_us: u64,
    heard: tokio::time::Instant,
}

impl Desk {
    async fn open<R: Replica>(
        front: &Front<R>,
        call: &Call,
        hello: &v1::PresenceHello,
    ) -> Result<Self, Refusal> {
        let akashi_domain::command::Desk {
            tenant,
            agent,
            certificate,
        } = desk_of(call)?;
        let id = wire::session_id(&hello.session_id)?;
        // A session of somebody else is unknown to this agent, whoever has it.
        let found = front
            .find(call.deadline, |view| {
                let Some(tenant) = view.tenant(&tenant)? else {
                    return Ok(None);
                };
                let session = view.session(tenant.number, id)?;
                Ok(session
                    .filter(|session| {
                        session.agent == agent && session.state != SessionState::Ended
                    })
                    .map(|session| (tenant, session)))
            })
            .await?;
        let (tenant, session) = found.ok_or(Rejection::UnknownSession)?;
        if session.certificate != certificate {
            return Err(Refusal::CertificateOther);
        }
        let attested = sensor(front, &tenant.name, tenant.number, &session, hello)?;
        // Nothing is said before a quorum has confirmed that this node may say it.
        if !front.edge.lease().held(call.deadline).await {
            return Err(Refusal::NoLeader);
        }
        let key = Key {
            tenant: tenant.number,
            session: id.0,
        };
        let seat = front
            .edge
            .attach(key, &session, call.deadline)
            .await
            .map_err(|not| match not {
                NotSeated::Proposal(error) => error.into(),
                NotSeated::Entropy => Refusal::Internal,
                NotSeated::Unknown => Rejection::UnknownSession.into(),
            })?;
        Ok(Self {
            seat,
            session: id,
            attested,
            sequence: 0,
            captured_us: 0,
            heard: clock::runtime(),
        })
    }

    /// Waits for a sample, or for news about the session; none once the desktop has closed the stream.
    async fn next<R: Replica>(
        &mut self,
        front: &Front<R>,
        incoming: &mut Streaming<v1::KeepPresenceRequest>,
    ) -> Result<Option<v1::KeepPresenceResponse>, Refusal> {
        tokio::select! {
            message = incoming.message() => match message {
                Ok(None) => return Ok(None),
                Ok(Some(message)) => {
                    let Some(Ask::Sample(sample)) = message.step else {
                        return Err(Malformed { field: "sample" }.into());
                    };
                    tokio::time::sleep_until(self.heard + SAMPLE_EVERY).await;
                    self.heard = clock::runtime();
                    self.take(front, &sample)?;
                }
                Err(_unreadable) => return Err(Refusal::MessageMalformed),
            },
            () = self.seat.woken() => {}
        }
        self.say(front).map(Some)
    }

    fn take<R: Replica>(
        &mut self,
        front: &Front<R>,
        sample: &v1::PresenceSample,
    ) -> Result<(), Refusal> {
        let class = wire::sample_class(sample.class())?;
        if let Some(attested) = &self.attested {
            let signature = wire::array::<SIGNATURE_BYTES>(&sample.signature, "signature")?;
            let sighting = Sighting {
                origin: attested.origin.as_bytes(),
                tenant: attested.tenant.as_bytes(),
                session: self.session.0,
                certificate: attested.certificate,
                sequence: sample.sequence,
                class: class.code(),
                captured_us: sample.captured_us,
            };
            let fresh = sample.captured_us.abs_diff(clock::unix_us()) <= CAPTURED_WITHIN_US
                && sample.captured_us > self.captured_us;
            if !fresh || sighting.verify(&attested.key, &signature).is_err() {
                return Err(Refusal::SampleUnsigned);
            }
            self.captured_us = sample.captured_us;
        }
        match front.edge.sample(&self.seat, sample.sequence, class) {
            Ok(()) => {
                self.sequence = sample.sequence;
                Ok(())
            }
            Err(Refused::Sequence) => Err(Malformed { field: "sequence" }.into()),
            Err(Refused::NotAttached) => Err(Refusal::SessionElsewhere),
        }
    }

    fn say<R: Replica>(&self, front: &Front<R>) -> Result<v1::KeepPresenceResponse, Refusal> {
        let word = front
            .edge
            .word(&self.seat)?
            .ok_or(Refusal::SessionElsewhere)?;
        Ok(v1::KeepPresenceResponse {
            presence: i32::from(word.state.code()),
            action: wire::rule_action(word.action).into(),
            lease_ms: word.lease_ms,
            next_ms: word.next_ms,
            sequence: self.sequence,
            suspended: word.suspended,
        })
    }
}

/// The sensor whose samples count, if the session's policy asks for one.
fn sensor<R: Replica>(
    front: &Front<R>,
    name: &str,
    tenant: u32,
    session: &Session,
    hello: &v1::PresenceHello,
) -> Result<Option<Attested>, Refusal> {
    let view = front.replica.view();
    let key = keys::policy_version(tenant, &session.policy, session.policy_version);
    let policy: Option<Policy> = load(&view, Table::Policy, &key)?;
    let face = policy.and_then(|policy| policy.body.face);
    let Some(face) = face.filter(|face| face.min_level >= ATTESTED) else {
        return Ok(None);
    };
    let certificate = wire::array(&hello.sensor_certificate, "sensor_certificate")?;
    let now = Stamp(clock::unix_us());
    let sensor = view
        .sensor(tenant, Digest(certificate))?
        .filter(|sensor| {
            !sensor.revoked
                && sensor.level >= face.min_level
                && sensor.model_id == face.model_id
                && (sensor.not_before..=sensor.expires).contains(&now)
        })
        .ok_or(Rejection::UnknownSensor)?;
    let cluster = view.cluster()?.ok_or(Rejection::NotFounded)?;
    let key = SensorKey::from_bytes(&sensor.key).map_err(|_foreign| Refusal::Stopping)?;
    Ok(Some(Attested {
        origin: cluster.origin,
        tenant: name.to_owned(),
        certificate,
        key,
    }))
}
