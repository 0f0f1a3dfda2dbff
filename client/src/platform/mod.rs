//! The contact centre's side: announces contacts, follows verdicts, opens enrolments.
//!
//! The platform never sees a PIN, a key or a proof.

mod accounting;
mod asking;
mod batch;
mod customer;
mod life;
mod staff;

use std::time::Duration;

use akashi_proto::v1;
use akashi_proto::v1::platform_service_client::PlatformServiceClient;
use tokio_stream::StreamExt as _;
use tonic::Streaming;

use crate::answer::{Initiator, Outcome, Stage, Verdict, id16};
use crate::clock::Deadline;
use crate::connection::Connection;
use crate::entropy;
use crate::error::Error;
use crate::request_id::RequestId;
use crate::tag::TagKey;

/// A platform of one tenant.
#[derive(Debug)]
pub struct Platform {
    connection: Connection,
    tenant: String,
    tags: TagKey,
}

/// What to announce.
#[derive(Clone, Debug, Default)]
pub struct Call<'a> {
    /// Handle of the customer.
    pub subject: &'a str,
    /// Who called whom.
    pub initiator: Initiator,
    /// Name of the policy.
    pub policy: &'a str,
    /// Code of the reason shown to the customer.
    pub call_reason: u32,
    /// Handle of the agent who takes the call, if known.
    pub agent: Option<&'a str>,
    /// The tenant's number of the queue; zero if it has none.
    pub queue: u32,
    /// The tenant's number of the campaign; zero if it has none.
    pub campaign: u32,
}

/// What an announcement may say besides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Details<'a> {
    /// The contact that this one continues.
    pub previous: Option<[u8; 16]>,
    /// Handle of who is asked in the customer's place.
    pub delegate: Option<&'a str>,
}

/// An announced contact.
#[derive(Clone, Debug)]
pub struct Announced {
    /// The contact, chosen by the platform.
    pub contact_id: [u8; 16],
    /// Its challenge; zeros if there is none.
    pub challenge_id: [u8; 16],
    /// End of the challenge in cluster time, microseconds since 1970-01-01 UTC.
    pub expires_us: u64,
    /// Set when the contact ended at once.
    pub outcome: Option<Outcome>,
    /// Raft index: reads with at least this index see the contact.
    pub log_index: u64,
    /// Cluster time of the announcement, in microseconds since 1970-01-01 UTC.
    pub stamp_us: u64,
}

impl Announced {
    fn of(contact_id: [u8; 16], answer: &v1::AnnounceContactResponse) -> Result<Self, Error> {
        let outcome = Outcome::from_number(answer.outcome)?;
        let challenge_id = if answer.challenge_id.is_empty() && outcome.is_some() {
            [0; 16]
        } else {
            id16(&answer.challenge_id, "challenge_id")?
        };
        let placement = answer.placement.unwrap_or_default();
        Ok(Self {
            contact_id,
            challenge_id,
            expires_us: answer.expires_us,
            outcome,
            log_index: placement.log_index,
            stamp_us: placement.stamp_us,
        })
    }
}

/// What a phone needs to enrol or to register something, to be handed over by the tenant's own trusted
/// way.
pub struct Invitation {
    /// The enrolment.
    pub enrolment_id: [u8; 16],
    /// The secret token; whoever has it can enrol once.
    pub token: [u8; 32],
}

pub use accounting::Period;
pub use asking::{InvitedTo, Login, OfferedOrder, OrderState, Party};
pub use batch::Refused;
pub use customer::{Fallback, Risk, Standing};
pub use life::{AskedAgain, CallEvent, ContactState, HandOver, LegState, NoticeState};
pub use staff::{AgentView, Attestation, posture_message};

impl Platform {
    /// A platform of `tenant`, with the tenant's key for tags.
    #[must_use]
    pub const fn new(connection: Connection, tenant: String, tags: TagKey) -> Self {
        Self {
            connection,
            tenant,
            tags,
        }
    }

    /// The tenant.
    #[must_use]
    pub fn tenant(&self) -> &str {
        &self.tenant
    }

    /// The connection, for instance to prefer a node.
    #[must_use]
    pub const fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Announces a contact and has the customer's phone notified.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it.
    pub async fn announce(&self, call: &Call<'_>, deadline: Deadline) -> Result<Announced, Error> {
        self.announce_with(call, Details::default(), deadline).await
    }

    /// As [`Platform::announce`], with more to say.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it.
    pub async fn announce_with(
        &self,
        call: &Call<'_>,
        details: Details<'_>,
        deadline: Deadline,
    ) -> Result<Announced, Error> {
        let (contact_id, message) = self.announcement(call, details)?;
        let answer = self
            .connection
            .call(deadline, &message, |channel, request| async move {
                PlatformServiceClient::new(channel)
                    .announce_contact(request)
                    .await
            })
            .await?;
        Announced::of(contact_id, &answer)
    }

    /// A contact's number, and the message that announces it.
    fn announcement(
        &self,
        call: &Call<'_>,
        details: Details<'_>,
    ) -> Result<([u8; 16], v1::AnnounceContactRequest), Error> {
        let contact_id = entropy::random::<16>()?;
        let message = v1::AnnounceContactRequest {
            request_id: RequestId::fresh()?.to_vec().into(),
            tenant: self.tenant.clone(),
            contact_id: contact_id.to_vec().into(),
            subject: call.subject.to_owned(),
            initiator: call.initiator.number(),
            policy: call.policy.to_owned(),
            call_reason: call.call_reason,
            agent: call.agent.unwrap_or_default().to_owned(),
            subject_tag: self.tags.tag(call.subject).into(),
            agent_tag: call
                .agent
                .map(|agent| self.tags.tag(agent))
                .unwrap_or_default()
                .into(),
            previous_contact_id: details
                .previous
                .map_or_else(Vec::new, |id| id.to_vec())
                .into(),
            delegate: details.delegate.unwrap_or_default().to_owned(),
            queue: call.queue,
            campaign: call.campaign,
        };
        Ok((contact_id, message))
    }

    /// Opens an enrolment of a phone for `subject` and makes the token for it.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it.
    pub async fn open_enrolment(
        &self,
        subject: &str,
        deadline: Deadline,
    ) -> Result<Invitation, Error> {
        self.invite(Party::Customer(subject), InvitedTo::Device, deadline)
            .await
    }

    /// Binds an agent to a contact, with all that it is good for.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it.
    pub async fn bind_agent(
        &self,
        contact_id: &[u8; 16],
        agent: &str,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let to = HandOver {
            agent,
            ..HandOver::default()
        };
        self.hand_over(contact_id, &to, deadline).await
    }

    /// Ends a contact; an open challenge is withdrawn.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it.
    pub async fn close(
        &self,
        contact_id: &[u8; 16],
        disposition: u32,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let message = v1::CloseContactRequest {
            request_id: RequestId::fresh()?.to_vec().into(),
            tenant: self.tenant.clone(),
            contact_id: contact_id.to_vec().into(),
            disposition,
        };
        self.connection
            .call(deadline, &message, |channel, request| async move {
                PlatformServiceClient::new(channel)
                    .close_contact(request)
                    .await
            })
            .await?;
        Ok(())
    }

    /// Reads a contact's verdict as it stands.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it.
    pub async fn contact(
        &self,
        contact_id: &[u8; 16],
        deadline: Deadline,
    ) -> Result<Verdict, Error> {
        let message = v1::GetContactRequest {
            tenant: self.tenant.clone(),
            contact_id: contact_id.to_vec().into(),
            read: None,
        };
        let answer = self
            .connection
            .call(deadline, &message, |channel, request| async move {
                PlatformServiceClient::new(channel)
                    .get_contact(request)
                    .await
            })
            .await?;
        Verdict::from_wire(answer.verdict.ok_or(Error::Answer { what: "verdict" })?)
    }

    /// Waits for a contact's verdict at `stage` or later; `progress` sees every step on the way.
    ///
    /// A stream that breaks is opened again on another node; the first message says where things
    /// stand, so nothing is missed.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it; [`Error::DeadlineExceeded`] if there is no verdict by
    /// the deadline.
    pub async fn wait_verdict(
        &self,
        contact_id: &[u8; 16],
        stage: Stage,
        deadline: Deadline,
        mut progress: impl FnMut(&Verdict),
    ) -> Result<Verdict, Error> {
        let message = v1::WatchContactRequest {
            tenant: self.tenant.clone(),
            contact_id: contact_id.to_vec().into(),
            wait_sealed: stage == Stage::Sealed,
            follow: false,
        };
        loop {
            let mut stream = self
                .connection
                .open(deadline, &message, |channel, request| async move {
                    PlatformServiceClient::new(channel)
                        .watch_contact(request)
                        .await
                })
                .await?;
            while let Heard::Step(step) = next_step(&mut stream, deadline).await? {
                let verdict =
                    Verdict::from_wire(step.verdict.ok_or(Error::Answer { what: "verdict" })?)?;
                progress(&verdict);
                if verdict.outcome.is_some() && verdict.stage >= Some(stage) {
                    return Ok(verdict);
                }
            }
            self.connection.avoid_preferred();
            reopen_pause(deadline).await?;
        }
    }
}

/// What came next on a server stream.
pub(crate) enum Heard<T> {
    /// A message.
    Step(T),
    /// The node ended the stream in good order.
    End,
    /// The stream broke: open it again elsewhere.
    Broken,
}

/// Waits for what comes next on a server stream.
///
/// # Errors
///
/// [`Error::DeadlineExceeded`], or what another node would say as well.
pub(crate) async fn next_step<T>(
    stream: &mut Streaming<T>,
    deadline: Deadline,
) -> Result<Heard<T>, Error> {
    match tokio::time::timeout(deadline.remaining(), stream.next()).await {
        Ok(Some(Ok(step))) => Ok(Heard::Step(step)),
        Ok(None) => Ok(Heard::End),
        Ok(Some(Err(status))) => {
            let error = Error::from_status(status);
            // A node that gives the stream up at the caller's deadline says so a moment early.
            let broken = matches!(error, Error::Unavailable { .. } | Error::DeadlineExceeded);
            if broken {
                Ok(Heard::Broken)
            } else {
                Err(error)
            }
        }
        Err(_elapsed) => Err(Error::DeadlineExceeded),
    }
}

/// Waits a moment before a broken stream is opened again.
pub(crate) async fn reopen_pause(deadline: Deadline) -> Result<(), Error> {
    /// Milliseconds: short beside an election, long beside a refused connection.
    const REOPEN_MS: u64 = 50;
    let pause = Duration::from_millis(REOPEN_MS);
    if deadline.remaining() <= pause {
        return Err(Error::DeadlineExceeded);
    }
    tokio::time::sleep(pause).await;
    Ok(())
}
