//! `PlatformService`: contact centres announce contacts and follow their verdicts.

use akashi_domain::answer::{Rejection, Reply};
use akashi_domain::command::Command;
use akashi_domain::ids::{ChallengeId, ContactId, Digest};
use akashi_domain::kv::Fault;
use akashi_domain::records::Verdict;
use akashi_domain::state::Records as _;
use akashi_proto::v1;
use akashi_proto::v1::platform_service_server::PlatformService;
use tonic::{Request, Response, Status};

use super::contact_watch::{Change, ContactWatch, stream};
use super::front::{Call, Front};
use super::replica::Replica;
use super::statement::Statements;
use super::status::Refusal;
use crate::wire::{self, Malformed};

/// The service.
#[derive(Debug)]
pub(super) struct Platform<R>(pub(super) Front<R>);

impl<R: Replica> Platform<R> {
    /// A command of a platform: its own tenant only.
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
            call.of_tenant(tenant(&message))?;
            let id = wire::request_id(id(&message))?;
            let command = parse(message)?;
            let (placement, reply) = self.0.command(&call, id, command).await?;
            Ok((wire::placement(&placement), reply))
        };
        answer.await.map_err(|refusal| self.0.refuse(refusal))
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

    async fn contact(
        &self,
        request: Request<v1::GetContactRequest>,
    ) -> Result<v1::GetContactResponse, Refusal> {
        let call = Call::of(&request)?;
        let message = request.into_inner();
        let id = wire::contact_id(&message.contact_id)?;
        let look = |view: &R::View, tenant| {
            let Some(contact) = view.contact(tenant, id)? else {
                return Ok(None);
            };
            let challenge = view.challenge(tenant, contact.challenge)?;
            Ok(Some((contact, challenge)))
        };
        let asked = (message.tenant.as_str(), message.read);
        let ((contact, challenge), as_of) = self
            .read(&call, asked, Rejection::UnknownContact, look)
            .await?;
        let refusals = challenge.map_or(0, |challenge| {
            u32::from(challenge.refusals)
                .saturating_add(u32::try_from(challenge.strangers.len()).unwrap_or(u32::MAX))
        });
        Ok(v1::GetContactResponse {
            verdict: Some(self.verdict(contact.challenge, Some(id), contact.verdict.as_ref())),
            closed: contact.closed,
            refusals,
            as_of: Some(as_of),
        })
    }

    async fn order(
        &self,
        request: Request<v1::GetOrderRequest>,
    ) -> Result<v1::GetOrderResponse, Refusal> {
        let call = Call::of(&request)?;
        let message = request.into_inner();
        let contact = wire::contact_id(&message.contact_id)?;
        let id = wire::order_id(&message.order_id)?;
        let look = |view: &R::View, tenant| view.order(tenant, contact, id);
        let asked = (message.tenant.as_str(), message.read);
        let (order, as_of) = self.read(&call, asked, Refusal::OrderUnknown, look).await?;
        Ok(v1::GetOrderResponse {
            verdict: Some(self.verdict(order.challenge, Some(contact), order.verdict.as_ref())),
            order_hash: order.terms.order_hash.to_vec().into(),
            sealed_digest: match order.sealed_digest {
                Digest::ZERO => bytes::Bytes::new(),
                Digest(digest) => digest.to_vec().into(),
            },
            payload_until_us: order.payload_until.0,
            as_of: Some(as_of),
        })
    }

    async fn agent_login(
        &self,
        request: Request<v1::GetAgentLoginRequest>,
    ) -> Result<v1::GetAgentLoginResponse, Refusal> {
        let call = Call::of(&request)?;
        let message = request.into_inner();
        let id = wire::login_id(&message.login_id)?;
        let look = |view: &R::View, tenant| view.agent_login(tenant, id);
        let asked = (message.tenant.as_str(), message.read);
        let (login, as_of) = self.read(&call, asked, Refusal::LoginUnknown, look).await?;
        Ok(v1::GetAgentLoginResponse {
            verdict: Some(self.verdict(login.challenge, None, login.verdict.as_ref())),
            as_of: Some(as_of),
        })
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
        ContactWatch::open(
            &self.0,
            &message.tenant,
            id,
            message.wait_sealed,
            call.deadline,
        )
        .await
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
        Ok(Response::new(v1::AnnounceContactResponse {
            placement: Some(asked.placement),
            challenge_id: asked.challenge_id,
            expires_us: asked.expires_us,
            outcome: asked.outcome,
        }))
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
        let (placement, _done) = self
            .command(request, |m| &m.tenant, |m| &m.request_id, wire::bind_agent)
            .await?;
        Ok(Response::new(v1::BindAgentResponse {
            placement: Some(placement),
        }))
    }

    async fn close_contact(
        &self,
        request: Request<v1::CloseContactRequest>,
    ) -> Result<Response<v1::CloseContactResponse>, Status> {
        let (placement, _done) = self
            .command(
                request,
                |m| &m.tenant,
                |m| &m.request_id,
                wire::close_contact,
            )
            .await?;
        Ok(Response::new(v1::CloseContactResponse {
            placement: Some(placement),
        }))
    }

    async fn revoke_device(
        &self,
        request: Request<v1::RevokeDeviceRequest>,
    ) -> Result<Response<v1::RevokeDeviceResponse>, Status> {
        let (placement, _done) = self
            .command(
                request,
                |m| &m.tenant,
                |m| &m.request_id,
                wire::revoke_device,
            )
            .await?;
        Ok(Response::new(v1::RevokeDeviceResponse {
            placement: Some(placement),
        }))
    }

    async fn revoke_credential(
        &self,
        request: Request<v1::RevokeCredentialRequest>,
    ) -> Result<Response<v1::RevokeCredentialResponse>, Status> {
        let (placement, _done) = self
            .command(
                request,
                |m| &m.tenant,
                |m| &m.request_id,
                wire::revoke_credential,
            )
            .await?;
        Ok(Response::new(v1::RevokeCredentialResponse {
            placement: Some(placement),
        }))
    }

    async fn revoke_template(
        &self,
        request: Request<v1::RevokeTemplateRequest>,
    ) -> Result<Response<v1::RevokeTemplateResponse>, Status> {
        let (placement, _done) = self
            .command(
                request,
                |m| &m.tenant,
                |m| &m.request_id,
                wire::revoke_template,
            )
            .await?;
        Ok(Response::new(v1::RevokeTemplateResponse {
            placement: Some(placement),
        }))
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

    async fn get_contact(
        &self,
        request: Request<v1::GetContactRequest>,
    ) -> Result<Response<v1::GetContactResponse>, Status> {
        self.contact(request)
            .await
            .map(Response::new)
            .map_err(|refusal| self.0.refuse(refusal))
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
            },
        )))
    }
}
