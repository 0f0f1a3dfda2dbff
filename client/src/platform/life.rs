//! What a platform says of a contact between its announcement and its end: what the telephone system
//! reports, a hand-over, a call that comes back, a question asked again; and the end of what is kept.

use akashi_proto::v1;
use akashi_proto::v1::platform_service_client::PlatformServiceClient;

use super::asking::look_again;
use super::{Party, Platform};
use crate::answer::{Outcome, Verdict, id16};
use crate::clock::Deadline;
use crate::error::Error;
use crate::request_id::RequestId;

/// What a telephone system says of a call: the words of CSTA (ECMA-269), and one of the queue's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CallEvent {
    /// It rings.
    Delivered,
    /// It is answered.
    Established,
    /// It waits on hold.
    Held,
    /// It is taken off hold.
    Retrieved,
    /// It goes on with somebody else.
    Transferred,
    /// Somebody joined it.
    Conferenced,
    /// It goes to another queue before it is answered.
    Diverted,
    /// It is over, or dropped.
    ConnectionCleared,
    /// The caller hung up while nobody had answered yet.
    Abandoned,
}

impl CallEvent {
    /// Every one, in the order of its number.
    pub const ALL: [Self; 9] = [
        Self::Delivered,
        Self::Established,
        Self::Held,
        Self::Retrieved,
        Self::Transferred,
        Self::Conferenced,
        Self::Diverted,
        Self::ConnectionCleared,
        Self::Abandoned,
    ];

    const fn wire(self) -> v1::CallEvent {
        match self {
            Self::Delivered => v1::CallEvent::Delivered,
            Self::Established => v1::CallEvent::Established,
            Self::Held => v1::CallEvent::Held,
            Self::Retrieved => v1::CallEvent::Retrieved,
            Self::Transferred => v1::CallEvent::Transferred,
            Self::Conferenced => v1::CallEvent::Conferenced,
            Self::Diverted => v1::CallEvent::Diverted,
            Self::ConnectionCleared => v1::CallEvent::ConnectionCleared,
            Self::Abandoned => v1::CallEvent::Abandoned,
        }
    }

    /// The stable name for scripts and traces.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Established => "established",
            Self::Held => "held",
            Self::Retrieved => "retrieved",
            Self::Transferred => "transferred",
            Self::Conferenced => "conferenced",
            Self::Diverted => "diverted",
            Self::ConnectionCleared => "cleared",
            Self::Abandoned => "abandoned",
        }
    }

    /// The event with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.name() == name)
    }
}

/// How a call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LegState {
    /// Nothing was reported yet.
    None,
    /// It rings or waits in a queue.
    Ringing,
    /// It is answered.
    Established,
    /// It is on hold.
    Held,
    /// It is over, or dropped.
    Cleared,
}

impl LegState {
    fn from_number(number: i32) -> Result<Self, Error> {
        let known = v1::LegState::try_from(number);
        Ok(
            match known.map_err(|_unknown| Error::Answer { what: "leg" })? {
                v1::LegState::Unspecified => Self::None,
                v1::LegState::Ringing => Self::Ringing,
                v1::LegState::Established => Self::Established,
                v1::LegState::Held => Self::Held,
                v1::LegState::Cleared => Self::Cleared,
            },
        )
    }

    /// The stable name for scripts.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Ringing => "ringing",
            Self::Established => "established",
            Self::Held => "held",
            Self::Cleared => "cleared",
        }
    }
}

/// What became of the notice, as the log knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeState {
    /// Nobody was asked.
    None,
    /// No phone has shown it: it may be off, without a network, or its push did not arrive.
    NotShown,
    /// A phone showed it.
    Shown,
    /// It was answered, or its time is over.
    Ended,
}

impl NoticeState {
    fn from_number(number: i32) -> Result<Self, Error> {
        let known = v1::NoticeState::try_from(number);
        Ok(
            match known.map_err(|_unknown| Error::Answer { what: "notice" })? {
                v1::NoticeState::Unspecified => Self::None,
                v1::NoticeState::NotShown => Self::NotShown,
                v1::NoticeState::Shown => Self::Shown,
                v1::NoticeState::Ended => Self::Ended,
            },
        )
    }

    /// The stable name for scripts.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::NotShown => "not shown",
            Self::Shown => "shown",
            Self::Ended => "ended",
        }
    }
}

/// A contact as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactState {
    /// Its verdict: its own, or that of the newest step-up that held.
    pub verdict: Verdict,
    /// How the call stands.
    pub leg: LegState,
    /// What became of the contact's notice.
    pub notice: NoticeState,
    /// What the contact is good for now.
    pub scope: u32,
    /// The queue that it is in.
    pub queue: u32,
    /// Whether somebody has it.
    pub bound: bool,
    /// The newest step-up, if one was asked.
    pub step_up: Option<Verdict>,
    /// Ended by the platform.
    pub closed: bool,
}

/// To whom a contact goes, and with how much of its verdict.
#[derive(Clone, Copy, Debug, Default)]
pub struct HandOver<'a> {
    /// Handle of the agent who takes it.
    pub agent: &'a str,
    /// What is left of its scope: bits of the tenant's own meaning; zero keeps it.
    pub scope: u32,
    /// What the agent's queue needs it to be good for.
    pub needs: u32,
    /// The queue; zero keeps it.
    pub queue: u32,
}

/// A question asked again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AskedAgain {
    /// Its challenge; zeros if there is none.
    pub challenge_id: [u8; 16],
    /// End of the challenge in cluster time, microseconds since 1970-01-01 UTC.
    pub expires_us: u64,
    /// Set when it ended at once.
    pub outcome: Option<Outcome>,
}

impl Platform {
    /// Tells what the telephone system says of a contact's call. `agent` is whose telephone it is, if it
    /// is an agent's; `queue` where the call is from now on, zero where it was.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it.
    pub async fn report_event(
        &self,
        contact_id: &[u8; 16],
        event: CallEvent,
        queue: u32,
        agent: Option<&str>,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let message = v1::ReportContactEventRequest {
            request_id: RequestId::fresh()?.to_vec().into(),
            tenant: self.tenant.clone(),
            contact_id: contact_id.to_vec().into(),
            event: event.wire().into(),
            queue,
            agent: agent.unwrap_or_default().to_owned(),
            agent_tag: agent
                .map(|agent| self.tags.tag(agent))
                .unwrap_or_default()
                .into(),
        };
        self.connection
            .call(deadline, &message, |channel, request| async move {
                PlatformServiceClient::new(channel)
                    .report_contact_event(request)
                    .await
            })
            .await?;
        Ok(())
    }

    /// Joins a call that came back to its contact; whoever had it has it no more.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it.
    pub async fn resume(
        &self,
        contact_id: &[u8; 16],
        queue: u32,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let message = v1::ResumeContactRequest {
            request_id: RequestId::fresh()?.to_vec().into(),
            tenant: self.tenant.clone(),
            contact_id: contact_id.to_vec().into(),
            queue,
        };
        self.connection
            .call(deadline, &message, |channel, request| async move {
                PlatformServiceClient::new(channel)
                    .resume_contact(request)
                    .await
            })
            .await?;
        Ok(())
    }

    /// Gives a contact to an agent, the first or the next, with as much of its scope as `to` leaves.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it.
    pub async fn hand_over(
        &self,
        contact_id: &[u8; 16],
        to: &HandOver<'_>,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let message = v1::BindAgentRequest {
            request_id: RequestId::fresh()?.to_vec().into(),
            tenant: self.tenant.clone(),
            contact_id: contact_id.to_vec().into(),
            agent: to.agent.to_owned(),
            agent_tag: self.tags.tag(to.agent).into(),
            scope: to.scope,
            needs: to.needs,
            queue: to.queue,
        };
        self.connection
            .call(deadline, &message, |channel, request| async move {
                PlatformServiceClient::new(channel)
                    .bind_agent(request)
                    .await
            })
            .await?;
        Ok(())
    }

    /// Asks the customer of a contact for more, or again.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it.
    pub async fn step_up(
        &self,
        contact_id: &[u8; 16],
        policy: &str,
        deadline: Deadline,
    ) -> Result<AskedAgain, Error> {
        let message = v1::StepUpRequest {
            request_id: RequestId::fresh()?.to_vec().into(),
            tenant: self.tenant.clone(),
            contact_id: contact_id.to_vec().into(),
            policy: policy.to_owned(),
            subject_tag: bytes::Bytes::new(),
        };
        let answer = self
            .connection
            .call(deadline, &message, |channel, request| async move {
                PlatformServiceClient::new(channel).step_up(request).await
            })
            .await?;
        let outcome = Outcome::from_number(answer.outcome)?;
        Ok(AskedAgain {
            challenge_id: if answer.challenge_id.is_empty() && outcome.is_some() {
                [0; 16]
            } else {
                id16(&answer.challenge_id, "challenge_id")?
            },
            expires_us: answer.expires_us,
            outcome,
        })
    }

    /// Waits until the newest step-up of a contact has its verdict.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it; [`Error::DeadlineExceeded`] if there is no verdict by
    /// the deadline.
    pub async fn wait_step_up(
        &self,
        contact_id: &[u8; 16],
        deadline: Deadline,
    ) -> Result<Verdict, Error> {
        loop {
            let state = self.contact_state(contact_id, deadline).await?;
            let asked = state.step_up.ok_or(Error::Answer { what: "step_up" })?;
            if asked.outcome.is_some() {
                return Ok(asked);
            }
            look_again(deadline).await?;
        }
    }

    /// Reads everything about a contact as it stands.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it.
    pub async fn contact_state(
        &self,
        contact_id: &[u8; 16],
        deadline: Deadline,
    ) -> Result<ContactState, Error> {
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
        Ok(ContactState {
            verdict: Verdict::from_wire(answer.verdict.ok_or(Error::Answer { what: "verdict" })?)?,
            leg: LegState::from_number(answer.leg)?,
            notice: NoticeState::from_number(answer.notice)?,
            scope: answer.scope,
            queue: answer.queue,
            bound: answer.bound,
            step_up: answer.step_up.map(Verdict::from_wire).transpose()?,
            closed: answer.closed,
        })
    }

    /// Has everything deleted that the cluster keeps of somebody besides the log: keys, credentials,
    /// template, evidence. Gives how many evidence records went.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it. Whatever was deleted before an error stays deleted;
    /// calling it again goes on.
    pub async fn erase(
        &self,
        party: Party<'_>,
        reason: u32,
        deadline: Deadline,
    ) -> Result<u64, Error> {
        let mut deleted = 0_u64;
        loop {
            let (subject, agent) = party.fields();
            let message = v1::EraseSubjectRequest {
                request_id: RequestId::fresh()?.to_vec().into(),
                tenant: self.tenant.clone(),
                subject,
                agent,
                reason,
            };
            let answer = self
                .connection
                .call(deadline, &message, |channel, request| async move {
                    PlatformServiceClient::new(channel)
                        .erase_subject(request)
                        .await
                })
                .await?;
            deleted = deleted.saturating_add(u64::from(answer.evidence));
            if answer.complete {
                return Ok(deleted);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_has_one_name_and_one_number() {
        for (number, event) in (1..).zip(CallEvent::ALL) {
            assert_eq!(CallEvent::from_name(event.name()), Some(event));
            assert_eq!(i32::from(event.wire()), number);
        }
        assert_eq!(CallEvent::from_name("taro"), None);
    }
}
