//! An agent's presence: what a sensor sees goes to a node, and what the screen does comes back.
//!
//! [`Desktop::keep`] holds one stream open, at another node when the one it has is gone, and tells the
//! desktop what to do. It tells it to clear by itself when no node has allowed anything for as long as the
//! last one gave leave: a screen never shows longer than some node, under a quorum's word, lets it.
//!
//! ```no_run
//! # async fn example(agent: akashi_client::Connection, session: [u8; 16]) -> Result<(), akashi_client::Error> {
//! use akashi_client::presence::{Class, Desktop};
//!
//! let desktop = Desktop::new(agent, session);
//! desktop.keep(|| Some(Class::Match), |screen| println!("{}", screen.action.name())).await?;
//! # Ok(())
//! # }
//! ```

mod gate;
mod words;

use std::time::Duration;

use akashi_proof::Sighting;
use akashi_proto::v1;
use akashi_proto::v1::agent_service_client::AgentServiceClient;
use akashi_proto::v1::keep_presence_request::Step;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

use crate::agent::{Presence, ScreenAction};
use crate::clock;
use crate::connection::Connection;
use crate::error::Error;
use crate::sensor::SoftwareSensor;

pub use gate::{GateWord, InForce, SessionNews};
pub use words::{Cause, Class};

/// How long a node may take to answer the hello.
const OPENING: Duration = Duration::from_secs(4);
/// Pause before another node is tried.
const REOPEN: Duration = Duration::from_millis(100);
/// Samples on their way to a node.
const SAMPLES_AHEAD: usize = 4;

/// What the screen does from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Screen {
    /// Who sits there, as far as the node says; none while no node says anything.
    pub presence: Option<Presence>,
    /// What to do.
    pub action: ScreenAction,
    /// A fresh login is needed.
    pub suspended: bool,
    /// How long this may go on without another word, in milliseconds.
    pub lease_ms: u32,
}

impl Screen {
    /// No node allows anything.
    const SILENT: Self = Self {
        presence: None,
        action: ScreenAction::Clear,
        suspended: false,
        lease_ms: 0,
    };
}

/// A sensor that signs what it says.
#[derive(Debug)]
struct Signer {
    sensor: SoftwareSensor,
    origin: String,
    tenant: String,
    certificate: [u8; 32],
}

/// The desktop of one session.
#[derive(Debug)]
pub struct Desktop {
    connection: Connection,
    session: [u8; 16],
    signer: Option<Signer>,
    every: Option<Duration>,
}

impl Desktop {
    /// A desktop with the connection of its agent's certificate.
    #[must_use]
    pub const fn new(connection: Connection, session: [u8; 16]) -> Self {
        Self {
            connection,
            session,
            signer: None,
            every: None,
        }
    }

    /// Has every sample signed by a registered sensor, for policies that ask for one.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] if the sensor's profile makes no certificate.
    pub fn signed_by(
        mut self,
        sensor: SoftwareSensor,
        origin: &str,
        tenant: &str,
    ) -> Result<Self, Error> {
        let certificate = sensor.profile().certificate_digest(origin, tenant)?;
        self.signer = Some(Signer {
            sensor,
            origin: origin.to_owned(),
            tenant: tenant.to_owned(),
            certificate,
        });
        Ok(self)
    }

    /// Samples at a pace of its own instead of the one that the node asks for: for tests and loads.
    #[must_use]
    pub const fn every(mut self, pause: Duration) -> Self {
        self.every = Some(pause);
        self
    }

    /// Keeps the presence up until `sensor` has no more to say; `show` sees every word that differs from
    /// the one before, and every renewal of the lease.
    ///
    /// # Errors
    ///
    /// [`Error`] that another node would give as well: the session is over, the certificate is another.
    pub async fn keep(
        &self,
        mut sensor: impl FnMut() -> Option<Class>,
        mut show: impl FnMut(Screen),
    ) -> Result<(), Error> {
        // Numbers must ascend through restarts of this program: time does.
        let mut sequence = clock::unix_us();
        let mut lease = Lease::none();
        let mut due = Instant::now();
        loop {
            match timeout(OPENING, self.open()).await {
                Ok(Ok(mut stream)) => {
                    let course = Course {
                        desktop: self,
                        lease: &mut lease,
                        due: &mut due,
                        sequence: &mut sequence,
                    };
                    match course.run(&mut stream, &mut sensor, &mut show).await {
                        Ok(()) => return Ok(()),
                        Err(error) if !is_elsewhere(&error) => {
                            show(Screen::SILENT);
                            return Err(error);
                        }
                        Err(_broken) => {}
                    }
                }
                Ok(Err(error)) if !is_elsewhere(&error) => {
                    show(Screen::SILENT);
                    return Err(error);
                }
                Ok(Err(_)) | Err(_) => {}
            }
            self.connection.avoid_preferred();
            if lease.is_over() {
                show(Screen::SILENT);
            }
            tokio::time::sleep(REOPEN).await;
        }
    }

    /// Opens a stream at the preferred node and says whose it is.
    async fn open(&self) -> Result<Open, Error> {
        let (send, messages) = mpsc::channel(SAMPLES_AHEAD);
        let certificate = self
            .signer
            .as_ref()
            .map(|signer| signer.certificate.to_vec());
        let hello = v1::PresenceHello {
            session_id: self.session.to_vec().into(),
            sensor_certificate: certificate.unwrap_or_default().into(),
        };
        let hello = v1::KeepPresenceRequest {
            step: Some(Step::Hello(hello)),
        };
        let sent = clock::boottime();
        // The receiver is in this function.
        drop(send.send(hello).await);
        let mut client = AgentServiceClient::new(self.connection.channel()?);
        let answers = client
            .keep_presence(ReceiverStream::new(messages))
            .await
            .map_err(Error::from_status)?
            .into_inner();
        Ok(Open {
            send,
            answers,
            sent,
        })
    }

    fn sample(&self, class: Class, sequence: u64) -> v1::KeepPresenceRequest {
        let captured_us = clock::unix_us();
        let signature = self.signer.as_ref().map(|signer| {
            let sighting = Sighting {
                origin: signer.origin.as_bytes(),
                tenant: signer.tenant.as_bytes(),
                session: self.session,
                certificate: signer.certificate,
                sequence,
                class: class.number(),
                captured_us,
            };
            signer.sensor.sign_sighting(&sighting).to_vec()
        });
        v1::KeepPresenceRequest {
            step: Some(Step::Sample(v1::PresenceSample {
                sequence,
                class: i32::from(class.number()),
                captured_us,
                signature: signature.unwrap_or_default().into(),
            })),
        }
    }
}

/// A stream that is open.
struct Open {
    send: mpsc::Sender<v1::KeepPresenceRequest>,
    answers: Streaming<v1::KeepPresenceResponse>,
    /// When the newest message was sent: leases count from there, also those of words that answer nothing.
    sent: Duration,
}

/// The course of one stream.
struct Course<'a> {
    desktop: &'a Desktop,
    lease: &'a mut Lease,
    due: &'a mut Instant,
    sequence: &'a mut u64,
}

impl Course<'_> {
    async fn run(
        self,
        stream: &mut Open,
        sensor: &mut impl FnMut() -> Option<Class>,
        show: &mut impl FnMut(Screen),
    ) -> Result<(), Error> {
        loop {
            let ends = self.lease.ends();
            tokio::select! {
                answer = stream.answers.message() => {
                    let answer = answer.map_err(Error::from_status)?;
                    let Some(answer) = answer else {
                        return Err(BROKEN);
                    };
                    let screen = words::screen(&answer)?;
                    *self.lease = Lease::new(stream.sent, screen.lease_ms);
                    let pause = self
                        .desktop
                        .every
                        .unwrap_or(Duration::from_millis(u64::from(answer.next_ms)));
                    *self.due = (*self.due).min(Instant::now() + pause);
                    show(screen);
                }
                () = sleep_until(*self.due) => {
                    let Some(class) = sensor() else {
                        return Ok(());
                    };
                    *self.sequence = self.sequence.saturating_add(1);
                    let sample = self.desktop.sample(class, *self.sequence);
                    stream.sent = clock::boottime();
                    if stream.send.send(sample).await.is_err() {
                        return Err(BROKEN);
                    }
                    // Until the node asks for the next one; a lost answer must not stop the sensor.
                    *self.due = Instant::now() + self.desktop.every.unwrap_or(NOMINAL);
                }
                () = ends => {
                    *self.lease = Lease::none();
                    show(Screen::SILENT);
                    return Err(BROKEN);
                }
            }
        }
    }
}

/// The stream is of no more use; another one may be.
const BROKEN: Error = Error::StreamEnded {
    what: "presence of an agent",
};
/// Time between samples if nobody asks for another.
const NOMINAL: Duration = Duration::from_secs(5);

/// Until when the last word counts, on the clock that goes on while the machine sleeps.
#[derive(Clone, Copy, Debug)]
struct Lease(Option<Duration>);

impl Lease {
    const fn none() -> Self {
        Self(None)
    }

    fn new(sent: Duration, lease_ms: u32) -> Self {
        Self(Some(sent + Duration::from_millis(u64::from(lease_ms))))
    }

    fn is_over(self) -> bool {
        self.0.is_none_or(|until| until <= clock::boottime())
    }

    /// Ends with the lease; never, if there is none to end.
    async fn ends(self) {
        /// A machine that slept wakes up past the end of a lease that its timers do not know of.
        const LOOK_EVERY: Duration = Duration::from_millis(250);
        match self.0 {
            None => std::future::pending().await,
            Some(until) => {
                while let Some(left) = until.checked_sub(clock::boottime()) {
                    if left.is_zero() {
                        return;
                    }
                    tokio::time::sleep(left.min(LOOK_EVERY)).await;
                }
            }
        }
    }
}

/// Whether another node may do better.
fn is_elsewhere(error: &Error) -> bool {
    matches!(
        error,
        Error::Unavailable { .. } | Error::DeadlineExceeded | Error::StreamEnded { .. }
    )
}
