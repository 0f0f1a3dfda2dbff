//! What a platform says of a customer besides calls: signals, weaker ways, wishes, delegations; and how a
//! contact stands.

use akashi_proto::v1;
use akashi_proto::v1::platform_service_client::PlatformServiceClient;

use super::{Heard, Platform, next_step, reopen_pause};
use crate::answer::{Outcome, Verdict};
use crate::clock::Deadline;
use crate::error::Error;
use crate::request_id::RequestId;

pub use akashi_proto::v1::Risk;

/// A weaker way than a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fallback {
    /// A code word from a letter.
    LetterCode,
    /// A security key at a kiosk.
    SecurityKeyKiosk,
    /// A call back to the registered line.
    Callback,
    /// In person at a branch.
    Branch,
    /// Questions; the weakest.
    Knowledge,
    /// A code that a phone without a connection shows, read out.
    OfflineCode,
}

impl Fallback {
    const fn to_wire(self) -> v1::FallbackKind {
        match self {
            Self::LetterCode => v1::FallbackKind::LetterCode,
            Self::SecurityKeyKiosk => v1::FallbackKind::SecurityKeyKiosk,
            Self::Callback => v1::FallbackKind::Callback,
            Self::Branch => v1::FallbackKind::Branch,
            Self::Knowledge => v1::FallbackKind::Knowledge,
            Self::OfflineCode => v1::FallbackKind::OfflineCode,
        }
    }
}

/// A contact as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its verdict.
    pub verdict: Verdict,
    /// Closed by the platform.
    pub closed: bool,
    /// The customer reported it, or it is not them: nobody may go on.
    pub blocked: bool,
    /// What it is good for now, as bits of the tenant; may be less than the verdict's.
    pub scope: u32,
    /// What speaks against full trust now.
    pub limits: u32,
}

impl Platform {
    /// Attaches signals about the caller's number to a contact; its verdict may lose scope.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it.
    pub async fn attach_risk(
        &self,
        contact_id: &[u8; 16],
        risk: Risk,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let message = v1::AttachRiskRequest {
            request_id: RequestId::fresh()?.to_vec().into(),
            tenant: self.tenant.clone(),
            contact_id: contact_id.to_vec().into(),
            risk: Some(risk),
        };
        self.connection
            .call(deadline, &message, |channel, request| async move {
                PlatformServiceClient::new(channel)
                    .attach_risk(request)
                    .await
            })
            .await?;
        Ok(())
    }

    /// Records what a notifier says became of the notice of a challenge: it reached the phone's network, or
    /// failed for the notifier's own `reason`.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it.
    pub async fn report_notice(
        &self,
        challenge_id: &[u8; 16],
        (delivered, reason): (bool, u16),
        deadline: Deadline,
    ) -> Result<(), Error> {
        let delivery = if delivered {
            v1::NoticeDelivery::Delivered
        } else {
            v1::NoticeDelivery::Failed
        };
        let message = v1::ReportNoticeRequest {
            request_id: RequestId::fresh()?.to_vec().into(),
            tenant: self.tenant.clone(),
            challenge_id: challenge_id.to_vec().into(),
            delivery: delivery.into(),
            reason: reason.into(),
        };
        self.connection
            .call(deadline, &message, |channel, request| async move {
                PlatformServiceClient::new(channel)
                    .report_notice(request)
                    .await
            })
            .await?;
        Ok(())
    }

    /// Records that a weaker way was tried; gives `Verified` if it counted, nothing if it was only recorded.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it.
    pub async fn record_fallback(
        &self,
        contact_id: &[u8; 16],
        (kind, passed): (Fallback, bool),
        deadline: Deadline,
    ) -> Result<Option<Outcome>, Error> {
        let message = v1::RecordFallbackRequest {
            request_id: RequestId::fresh()?.to_vec().into(),
            tenant: self.tenant.clone(),
            contact_id: contact_id.to_vec().into(),
            kind: kind.to_wire().into(),
            passed,
        };
        let answer = self
            .connection
            .call(deadline, &message, |channel, request| async move {
                PlatformServiceClient::new(channel)
                    .record_fallback(request)
                    .await
            })
            .await?;
        Outcome::from_number(answer.outcome)
    }

    /// Records until when a customer does not wish to be asked, in microseconds since 1970-01-01 UTC; zero:
    /// they may be asked again.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it.
    pub async fn set_opt_out(
        &self,
        subject: &str,
        until_us: u64,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let message = v1::SetOptOutRequest {
            request_id: RequestId::fresh()?.to_vec().into(),
            tenant: self.tenant.clone(),
            subject: subject.to_owned(),
            until_us,
            subject_tag: self.tags.tag(subject).into(),
        };
        self.connection
            .call(deadline, &message, |channel, request| async move {
                PlatformServiceClient::new(channel)
                    .set_opt_out(request)
                    .await
            })
            .await?;
        Ok(())
    }

    /// Lets `delegate` act for `subject`, within `scope` and until `until_us`.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it.
    pub async fn grant_delegation(
        &self,
        (subject, delegate): (&str, &str),
        scope: u32,
        until_us: u64,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let message = v1::GrantDelegationRequest {
            request_id: RequestId::fresh()?.to_vec().into(),
            tenant: self.tenant.clone(),
            subject: subject.to_owned(),
            delegate: delegate.to_owned(),
            scope,
            until_us,
            subject_tag: self.tags.tag(subject).into(),
            delegate_tag: self.tags.tag(delegate).into(),
        };
        self.connection
            .call(deadline, &message, |channel, request| async move {
                PlatformServiceClient::new(channel)
                    .grant_delegation(request)
                    .await
            })
            .await?;
        Ok(())
    }

    /// `delegate` may no longer act for `subject`.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it.
    pub async fn revoke_delegation(
        &self,
        (subject, delegate): (&str, &str),
        deadline: Deadline,
    ) -> Result<(), Error> {
        let message = v1::RevokeDelegationRequest {
            request_id: RequestId::fresh()?.to_vec().into(),
            tenant: self.tenant.clone(),
            subject: subject.to_owned(),
            delegate: delegate.to_owned(),
        };
        self.connection
            .call(deadline, &message, |channel, request| async move {
                PlatformServiceClient::new(channel)
                    .revoke_delegation(request)
                    .await
            })
            .await?;
        Ok(())
    }

    /// Reads how a contact stands.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it.
    pub async fn standing(
        &self,
        contact_id: &[u8; 16],
        deadline: Deadline,
    ) -> Result<Standing, Error> {
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
        let verdict = answer.verdict.ok_or(Error::Answer { what: "verdict" })?;
        Ok(Standing {
            verdict: Verdict::from_wire(verdict)?,
            closed: answer.closed,
            blocked: answer.blocked,
            scope: answer.scope,
            limits: answer.limits,
        })
    }

    /// Follows a contact through every change, until it is closed or `show` has seen enough.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it; [`Error::DeadlineExceeded`] if it is still open then.
    pub async fn follow(
        &self,
        contact_id: &[u8; 16],
        deadline: Deadline,
        mut show: impl FnMut(&Standing) -> bool,
    ) -> Result<Standing, Error> {
        let message = v1::WatchContactRequest {
            tenant: self.tenant.clone(),
            contact_id: contact_id.to_vec().into(),
            wait_sealed: false,
            follow: true,
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
                let verdict = step.verdict.ok_or(Error::Answer { what: "verdict" })?;
                let standing = Standing {
                    verdict: Verdict::from_wire(verdict)?,
                    closed: step.closed,
                    blocked: step.blocked,
                    scope: step.scope,
                    limits: step.limits,
                };
                if show(&standing) || standing.closed {
                    return Ok(standing);
                }
            }
            self.connection.avoid_preferred();
            reopen_pause(deadline).await?;
        }
    }
}
