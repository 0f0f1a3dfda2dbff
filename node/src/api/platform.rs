//! `PlatformService`: contact centres announce contacts and follow their verdicts.

mod batch;
mod reads;

use akashi_domain::answer::{Rejection, Reply};
use akashi_domain::command::Command;
use akashi_domain::ids::{ChallengeId, ContactId};
use akashi_domain::kv::Fault;
use akashi_domain::records::Verdict;
use akashi_domain::state::Records as _;
use akashi_proto::v1;
use akashi_proto::v1::platform_service_server::PlatformService;
use tonic::{Request, Response, Status};

use super::contact_watch::{Change, ContactWatch, stream};
use super::front::{Call, Front};
use super::replica::Replica;
use super::session_watch;
use super::statement::Statements;
use super::status::Refusal;
use crate::wire::{self, Malformed};

/// The service.
#[derive(Debug)]
pub(super) struct Platform<R>(pub(super) Front<R>);

impl<R: Replica> Platform<R> {
    /// A command of a platform, of its own tenant only; or of an operator.
    async fn command<T>(
        &self,
        request: Request<T>,
        tenant: impl Fn(&T) -> &str + Send,
        id: impl Fn(&T) -> &[u8] + Send,
        parse: impl Fn(T) -> Result<Command, Malformed> + Send,
    ) -> Result<(v1::Placement, Reply), Status>
    where
        T: Send,
    {
        let answer = async {
            let call = Call::of(&request)?;
            let message = request.into_inner();
            // Whether an operator may call the method at all was decided by the table of methods.
            call.of_tenant_or_operator(tenant(&message))?;
            let id = wire::request_id(id(&message))?;
            let command = parse(message)?;
            let (placement, reply) = self.0.command(&call, id, command).await?;
            Ok((wire::placement(&placement), reply))
        };
        answer.await.map_err(|refusal| self.0.refuse(refusal))
    }

    /// As [`Self::command`], where there is no more to say than the place.
    async fn placed<T>(
        &self,
        request: Request<T>,
        tenant: impl Fn(&T) -> &str + Send,
        id: impl Fn(&T) -> &[u8] + Send,
        parse: impl Fn(T) -> Result<Command, Malformed> + Send,
    ) -> Result<Option<v1::Placement>, Status>
    where
        T: Send,
    {
        let (placement, _done) = self.command(request, tenant, id, parse).await?;
        Ok(Some(placement))
    }

    /// Reads something of the caller's own tenant, as fresh as the caller asks.
    async fn read<T>(
        &self,
        call: &Call,
        (tenant, read): (&str, Option<v1::ReadOptions>),
        unknown: impl Into<Refusal> + Send,
        look: impl Fn(&R::View, u32) -> Result<Option<T>, Fault> + Send,
    ) -> Result<(T, v1::AsOf), Refusal> {
        call.of_tenant(tenant)?;
        let (progress, stale) = self.0.freshen(call, read).await?;
        let view = self.0.replica.view();
        let tenant = view.tenant(tenant)?.ok_or(Rejection::UnknownTenant)?;
        let found = look(&view, tenant.number)?.ok_or_else(|| unknown.into())?;
        Ok((found, wire::as_of(&progress, stale)))
    }

    /// A verdict with its receipt, once that is sealed.
    fn verdict(
        &self,
        challenge: ChallengeId,
        contact: Option<ContactId>,
        found: Option<&Verdict>,
    ) -> v1::Verdict {
        let receipt = found
            .and_then(|verdict| self.0.replica.receipt(verdict.leaf).ok())
            .map(|receipt| receipt.to_text());
        wire::verdict(challenge, contact, found, receipt)
    }

    async fn watch(
        &self,
        request: Request<v1::WatchContactRequest>,
    ) -> Result<ContactWatch<R>, Refusal> {
        let call = Call::of(&request)?;
        let message = request.into_inner();
        call.of_tenant(&message.tenant)?;
        let id = wire::contact_id(&message.contact_id)?;
        let (tenant, sealed) = (&message.tenant, message.wait_sealed);
        let watch = ContactWatch::open(&self.0, tenant, id, sealed, call.deadline).await?;
        Ok(if message.follow {
            watch.until_closed()
        } else {
            watch
        })
    }
}

/// What a platform learns of a challenge that it asked for, whatever its purpose.
struct Asked {
    placement: v1::Placement,
    challenge_id: bytes::Bytes,
    expires_us: u64,
    outcome: i32,
}

impl Asked {
    fn announced(self) -> v1::AnnounceContactResponse {
        v1::AnnounceContactResponse {
            placement: Some(self.placement),
            challenge_id: self.challenge_id,
            expires_us: self.expires_us,
            outcome: self.outcome,
        }
    }

    fn of((placement, reply): (v1::Placement, Reply)) -> Result<Self, Status> {
        let Reply::Announced {
            challenge,
            expires,
            outcome,
        } = reply
        else {
            return Err(Refusal::Internal.status());
        };
        Ok(Self {
            placement,
            challenge_id: challenge.0.to_vec().into(),
            expires_us: expires.0,
            outcome: outcome.map(wire::outcome).unwrap_or_default(),
        })
    }
}

#[tonic::async_trait]
impl<R: Replica> PlatformService for Platform<R> {
    type WatchSessionsStream =
        futures::stream::BoxStream<'static, Result<v1::WatchSessionsResponse, Status>>;
    type WatchContactStream =
        futures::stream::BoxStream<'static, Result<v1::WatchContactResponse, Status>>;

    async fn announce_contact(
        &self,
        request: Request<v1::AnnounceContactRequest>,
    ) -> Result<Response<v1::AnnounceContactResponse>, Status> {
        let asked = Asked::of(
            self.command(
                request,
                |m| &m.tenant,
                |m| &m.request_id,
                wire::announce_contact,
            )
            .await?,
        )?;
        Ok(Response::new(asked.announced()))
    }

    async fn announce_contacts(
        &self,
        request: Request<v1::AnnounceContactsRequest>,
    ) -> Result<Response<v1::AnnounceContactsResponse>, Status> {
        let answer = batch::announce(&self.0, request).await;
        answer
            .map(Response::new)
            .map_err(|refusal| self.0.refuse(refusal))
    }

    async fn open_enrolment(
        &self,
        request: Request<v1::OpenEnrolmentRequest>,
    ) -> Result<Response<v1::OpenEnrolmentResponse>, Status> {
        let answer = self
            .command(
                request,
                |m| &m.tenant,
                |m| &m.request_id,
                wire::open_enrolment,
            )
            .await?;
        let (placement, Reply::EnrolmentOpen { expires }) = answer else {
            return Err(Refusal::Internal.status());
        };
        Ok(Response::new(v1::OpenEnrolmentResponse {
            placement: Some(placement),
            expires_us: expires.0,
        }))
    }

    async fn bind_agent(
        &self,
        request: Request<v1::BindAgentRequest>,
    ) -> Result<Response<v1::BindAgentResponse>, Status> {
        let placed = self.placed(request, |m| &m.tenant, |m| &m.request_id, wire::bind_agent);
        let placement = placed.await?;
        Ok(Response::new(v1::BindAgentResponse { placement }))
    }

    async fn report_contact_event(
        &self,
        request: Request<v1::ReportContactEventRequest>,
    ) -> Result<Response<v1::ReportContactEventResponse>, Status> {
        let placed = self.placed(
            request,
            |m| &m.tenant,
            |m| &m.request_id,
            wire::report_contact_event,
        );
        let placement = placed.await?;
        Ok(Response::new(v1::ReportContactEventResponse { placement }))
    }

    async fn resume_contact(
        &self,
        request: Request<v1::ResumeContactRequest>,
    ) -> Result<Response<v1::ResumeContactResponse>, Status> {
        let placed = self.placed(
            request,
            |m| &m.tenant,
            |m| &m.request_id,
            wire::resume_contact,
        );
        let placement = placed.await?;
        Ok(Response::new(v1::ResumeContactResponse { placement }))
    }

    async fn step_up(
        &self,
        request: Request<v1::StepUpRequest>,
    ) -> Result<Response<v1::StepUpResponse>, Status> {
        let asked = Asked::of(
            self.command(request, |m| &m.tenant, |m| &m.request_id, wire::step_up)
                .await?,
        )?;
        Ok(Response::new(v1::StepUpResponse {
            placement: Some(asked.placement),
            challenge_id: asked.challenge_id,
            expires_us: asked.expires_us,
            outcome: asked.outcome,
        }))
    }

    async fn erase_subject(
        &self,
        request: Request<v1::EraseSubjectRequest>,
    ) -> Result<Response<v1::EraseSubjectResponse>, Status> {
        let answer = self
            .command(
                request,
                |m| &m.tenant,
                |m| &m.request_id,
                wire::erase_subject,
            )
            .await?;
        let (placement, Reply::Erased { evidence, complete }) = answer else {
            return Err(Refusal::Internal.status());
        };
        Ok(Response::new(v1::EraseSubjectResponse {
            placement: Some(placement),
            evidence,
            complete,
        }))
    }

    async fn close_contact(
        &self,
        request: Request<v1::CloseContactRequest>,
    ) -> Result<Response<v1::CloseContactResponse>, Status> {
        let placed = self.placed(
            request,
            |m| &m.tenant,
            |m| &m.request_id,
            wire::close_contact,
        );
        let placement = placed.await?;
        Ok(Response::new(v1::CloseContactResponse { placement }))
    }

    async fn revoke_device(
        &self,
        request: Request<v1::RevokeDeviceRequest>,
    ) -> Result<Response<v1::RevokeDeviceResponse>, Status> {
        let placed = self.placed(
            request,
            |m| &m.tenant,
            |m| &m.request_id,
            wire::revoke_device,
        );
        let placement = placed.await?;
        Ok(Response::new(v1::RevokeDeviceResponse { placement }))
    }

    async fn revoke_credential(
        &self,
        request: Request<v1::RevokeCredentialRequest>,
    ) -> Result<Response<v1::RevokeCredentialResponse>, Status> {
        let placed = self.placed(
            request,
            |m| &m.tenant,
            |m| &m.request_id,
            wire::revoke_credential,
        );
        let placement = placed.await?;
        Ok(Response::new(v1::RevokeCredentialResponse { placement }))
    }

    async fn revoke_template(
        &self,
        request: Request<v1::RevokeTemplateRequest>,
    ) -> Result<Response<v1::RevokeTemplateResponse>, Status> {
        let placed = self.placed(
            request,
            |m| &m.tenant,
            |m| &m.request_id,
            wire::revoke_template,
        );
        let placement = placed.await?;
        Ok(Response::new(v1::RevokeTemplateResponse { placement }))
    }

    async fn offer_order(
        &self,
        request: Request<v1::OfferOrderRequest>,
    ) -> Result<Response<v1::OfferOrderResponse>, Status> {
        let asked = Asked::of(
            self.command(request, |m| &m.tenant, |m| &m.request_id, wire::offer_order)
                .await?,
        )?;
        Ok(Response::new(v1::OfferOrderResponse {
            placement: Some(asked.placement),
            challenge_id: asked.challenge_id,
            expires_us: asked.expires_us,
            outcome: asked.outcome,
        }))
    }

    async fn get_order(
        &self,
        request: Request<v1::GetOrderRequest>,
    ) -> Result<Response<v1::GetOrderResponse>, Status> {
        self.order(request)
            .await
            .map(Response::new)
            .map_err(|refusal| self.0.refuse(refusal))
    }

    async fn open_agent_login(
        &self,
        request: Request<v1::OpenAgentLoginRequest>,
    ) -> Result<Response<v1::OpenAgentLoginResponse>, Status> {
        let asked = Asked::of(
            self.command(
                request,
                |m| &m.tenant,
                |m| &m.request_id,
                wire::open_agent_login,
            )
            .await?,
        )?;
        Ok(Response::new(v1::OpenAgentLoginResponse {
            placement: Some(asked.placement),
            challenge_id: asked.challenge_id,
            expires_us: asked.expires_us,
            outcome: asked.outcome,
        }))
    }

    async fn get_agent_login(
        &self,
        request: Request<v1::GetAgentLoginRequest>,
    ) -> Result<Response<v1::GetAgentLoginResponse>, Status> {
        self.agent_login(request)
            .await
            .map(Response::new)
            .map_err(|refusal| self.0.refuse(refusal))
    }

    async fn report_notice(
        &self,
        request: Request<v1::ReportNoticeRequest>,
    ) -> Result<Response<v1::ReportNoticeResponse>, Status> {
        let report = wire::report_notice;
        let placement = self
            .placed(request, |m| &m.tenant, |m| &m.request_id, report)
            .await?;
        Ok(Response::new(v1::ReportNoticeResponse { placement }))
    }

    async fn attach_risk(
        &self,
        request: Request<v1::AttachRiskRequest>,
    ) -> Result<Response<v1::AttachRiskResponse>, Status> {
        let placement = self
            .placed(request, |m| &m.tenant, |m| &m.request_id, wire::attach_risk)
            .await?;
        Ok(Response::new(v1::AttachRiskResponse { placement }))
    }

    async fn record_fallback(
        &self,
        request: Request<v1::RecordFallbackRequest>,
    ) -> Result<Response<v1::RecordFallbackResponse>, Status> {
        let (placement, reply) = self
            .command(
                request,
                |m| &m.tenant,
                |m| &m.request_id,
                wire::record_fallback,
            )
            .await?;
        let outcome = if let Reply::Verdict { outcome, .. } = reply {
            wire::outcome(outcome)
        } else {
            0
        };
        Ok(Response::new(v1::RecordFallbackResponse {
            placement: Some(placement),
            outcome,
        }))
    }

    async fn set_opt_out(
        &self,
        request: Request<v1::SetOptOutRequest>,
    ) -> Result<Response<v1::SetOptOutResponse>, Status> {
        let placement = self
            .placed(request, |m| &m.tenant, |m| &m.request_id, wire::set_opt_out)
            .await?;
        Ok(Response::new(v1::SetOptOutResponse { placement }))
    }

    async fn grant_delegation(
        &self,
        request: Request<v1::GrantDelegationRequest>,
    ) -> Result<Response<v1::GrantDelegationResponse>, Status> {
        let placement = self
            .placed(
                request,
                |m| &m.tenant,
                |m| &m.request_id,
                wire::grant_delegation,
            )
            .await?;
        Ok(Response::new(v1::GrantDelegationResponse { placement }))
    }

    async fn revoke_delegation(
        &self,
        request: Request<v1::RevokeDelegationRequest>,
    ) -> Result<Response<v1::RevokeDelegationResponse>, Status> {
        let placement = self
            .placed(
                request,
                |m| &m.tenant,
                |m| &m.request_id,
                wire::revoke_delegation,
            )
            .await?;
        Ok(Response::new(v1::RevokeDelegationResponse { placement }))
    }

    async fn get_contact(
        &self,
        request: Request<v1::GetContactRequest>,
    ) -> Result<Response<v1::GetContactResponse>, Status> {
        self.contact(request)
            .await
            .map(Response::new)
            .map_err(|refusal| self.0.refuse(refusal))
    }

    async fn watch_sessions(
        &self,
        request: Request<v1::WatchSessionsRequest>,
    ) -> Result<Response<Self::WatchSessionsStream>, Status> {
        let watch = async {
            let call = Call::of(&request)?;
            session_watch::open(&self.0, &call, request.get_ref()).await
        };
        let stream = watch.await.map_err(|refusal| self.0.refuse(refusal))?;
        Ok(Response::new(stream))
    }

    async fn get_processing_receipt(
        &self,
        request: Request<v1::GetProcessingReceiptRequest>,
    ) -> Result<Response<v1::GetProcessingReceiptResponse>, Status> {
        Statements(&self.0)
            .receipt(request)
            .await
            .map(Response::new)
            .map_err(|refusal| self.0.refuse(refusal))
    }

    async fn find_processed(
        &self,
        request: Request<v1::FindProcessedRequest>,
    ) -> Result<Response<v1::FindProcessedResponse>, Status> {
        Statements(&self.0)
            .find(request)
            .await
            .map(Response::new)
            .map_err(|refusal| self.0.refuse(refusal))
    }

    async fn get_statement_part(
        &self,
        request: Request<v1::GetStatementPartRequest>,
    ) -> Result<Response<v1::GetStatementPartResponse>, Status> {
        Statements(&self.0)
            .part(request)
            .await
            .map(Response::new)
            .map_err(|refusal| self.0.refuse(refusal))
    }

    async fn watch_contact(
        &self,
        request: Request<v1::WatchContactRequest>,
    ) -> Result<Response<Self::WatchContactStream>, Status> {
        let watch = self
            .watch(request)
            .await
            .map_err(|refusal| self.0.refuse(refusal))?;
        let id = watch.contact_id();
        Ok(Response::new(stream(
            watch,
            move |Change { contact, receipt }| v1::WatchContactResponse {
                verdict: Some(wire::verdict(
                    contact.challenge,
                    Some(id),
                    contact.verdict.as_ref(),
                    receipt,
                )),
                blocked: contact.blocked,
                scope: contact.scope_shown,
                limits: wire::limits_shown(&contact),
                closed: contact.closed,
            },
        )))
    }

    async fn lock_agent(
        &self,
        request: Request<v1::LockAgentRequest>,
    ) -> Result<Response<v1::LockAgentResponse>, Status> {
        let placed = self.placed(request, |m| &m.tenant, |m| &m.request_id, wire::lock_agent);
        let placement = placed.await?;
        Ok(Response::new(v1::LockAgentResponse { placement }))
    }

    async fn unlock_agent(
        &self,
        request: Request<v1::UnlockAgentRequest>,
    ) -> Result<Response<v1::UnlockAgentResponse>, Status> {
        let placed = self.placed(
            request,
            |m| &m.tenant,
            |m| &m.request_id,
            wire::unlock_agent,
        );
        let placement = placed.await?;
        Ok(Response::new(v1::UnlockAgentResponse { placement }))
    }

    async fn revoke_agent_certificate(
        &self,
        request: Request<v1::RevokeAgentCertificateRequest>,
    ) -> Result<Response<v1::RevokeAgentCertificateResponse>, Status> {
        let placed = self.placed(
            request,
            |m| &m.tenant,
            |m| &m.request_id,
            wire::revoke_agent_certificate,
        );
        let placement = placed.await?;
        Ok(Response::new(v1::RevokeAgentCertificateResponse {
            placement,
        }))
    }

    async fn attest_posture(
        &self,
        request: Request<v1::AttestPostureRequest>,
    ) -> Result<Response<v1::AttestPostureResponse>, Status> {
        let placed = self.placed(
            request,
            |m| &m.tenant,
            |m| &m.request_id,
            wire::attest_posture,
        );
        let placement = placed.await?;
        Ok(Response::new(v1::AttestPostureResponse { placement }))
    }

    async fn publish_rules(
        &self,
        request: Request<v1::PublishRulesRequest>,
    ) -> Result<Response<v1::PublishRulesResponse>, Status> {
        let placed = self.placed(
            request,
            |m| &m.tenant,
            |m| &m.request_id,
            wire::publish_rules,
        );
        let placement = placed.await?;
        Ok(Response::new(v1::PublishRulesResponse { placement }))
    }

    async fn get_agent(
        &self,
        request: Request<v1::GetAgentRequest>,
    ) -> Result<Response<v1::GetAgentResponse>, Status> {
        self.agent(request)
            .await
            .map(Response::new)
            .map_err(|refusal| self.0.refuse(refusal))
    }
}
