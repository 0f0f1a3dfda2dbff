//! `AgentService`: one word per contact, for the agent who has it, and nothing else.

use akashi_domain::answer::Rejection;
use akashi_domain::ids::{AgentHash, Digest};
use akashi_domain::outcome::AgentView;
use akashi_domain::state::Records as _;
use akashi_proto::v1;
use akashi_proto::v1::agent_service_server::AgentService;
use futures::stream::BoxStream;
use tonic::{Request, Response, Status, Streaming};

use super::contact_watch::{Change, ContactWatch, stream};
use super::front::{Call, Front};
use super::presence;
use super::replica::Replica;
use super::status::Refusal;
use crate::net::Identity;
use crate::wire;

/// The service.
#[derive(Debug)]
pub(super) struct Agent<R>(pub(super) Front<R>);

impl<R: Replica> Agent<R> {
    /// A contact that is not this agent's is unknown to this agent, whoever has it.
    async fn watch(
        &self,
        request: Request<v1::WatchVerdictRequest>,
    ) -> Result<ContactWatch<R>, Refusal> {
        let call = Call::of(&request)?;
        let Some(Identity::Agent { tenant, agent }) = &call.peer.identity else {
            return Err(Refusal::RoleNotAllowed);
        };
        let id = wire::contact_id(&request.get_ref().contact_id)?;
        let agent = AgentHash::of(tenant, agent);
        let found = self
            .0
            .find(call.deadline, |view| {
                let Some(tenant) = view.tenant(tenant)? else {
                    return Ok(None);
                };
                let bound = view
                    .contact(tenant.number, id)?
                    .is_some_and(|contact| contact.agent == Some(agent));
                if bound {
                    view.agent(tenant.number, agent)
                } else {
                    Ok(None)
                }
            })
            .await?;
        let registered = found.ok_or(Rejection::UnknownContact)?.certificate;
        if registered != Digest::ZERO && Some(registered.0) != call.peer.certificate_sha256 {
            return Err(Refusal::CertificateOther);
        }
        let watch = ContactWatch::open(&self.0, tenant, id, true, call.deadline).await?;
        Ok(watch.for_agent(agent))
    }
}

#[tonic::async_trait]
impl<R: Replica> AgentService for Agent<R> {
    type WatchVerdictStream = BoxStream<'static, Result<v1::WatchVerdictResponse, Status>>;
    type KeepPresenceStream = BoxStream<'static, Result<v1::KeepPresenceResponse, Status>>;

    async fn watch_verdict(
        &self,
        request: Request<v1::WatchVerdictRequest>,
    ) -> Result<Response<Self::WatchVerdictStream>, Status> {
        let watch = self
            .watch(request)
            .await
            .map_err(|refusal| self.0.refuse(refusal))?;
        Ok(Response::new(stream(watch, screen)))
    }

    async fn keep_presence(
        &self,
        request: Request<Streaming<v1::KeepPresenceRequest>>,
    ) -> Result<Response<Self::KeepPresenceStream>, Status> {
        let call = Call::of(&request).map_err(|refusal| self.0.refuse(refusal))?;
        let incoming = request.into_inner();
        let stream = presence::stream(self.0.clone(), call, incoming);
        Ok(Response::new(stream))
    }
}

/// Everything that a screen may know.
fn screen(change: Change) -> v1::WatchVerdictResponse {
    let Change { contact, receipt } = change;
    let Some(verdict) = contact.verdict else {
        let view = wire::agent_view(AgentView::Pending).into();
        return v1::WatchVerdictResponse {
            view,
            ..v1::WatchVerdictResponse::default()
        };
    };
    let view = verdict.outcome.agent_view();
    let not_after_us = if view == AgentView::Pass {
        verdict.not_after.0
    } else {
        0
    };
    v1::WatchVerdictResponse {
        view: wire::agent_view(view).into(),
        stage: wire::stage(receipt.is_some()).into(),
        not_after_us,
    }
}
