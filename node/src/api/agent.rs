//! `AgentService`: the session of an agent, one word per contact, and nothing else.

use akashi_domain::answer::{Rejection, Reply};
use akashi_domain::command::{Command, Desk};
use akashi_domain::kv::Fault;
use akashi_domain::outcome::AgentView;
use akashi_domain::records::{SessionState, Tenant};
use akashi_domain::state::Records as _;
use akashi_proto::v1;
use akashi_proto::v1::agent_service_server::AgentService;
use futures::stream::BoxStream;
use tonic::{Request, Response, Status, Streaming};

use super::contact_watch::{Change, ContactWatch, stream};
use super::desk::{Watcher, check_certificate, desk_of};
use super::front::{Call, Front};
use super::presence;
use super::replica::Replica;
use super::status::Refusal;
use crate::wire::{self, Malformed};

/// The service.
#[derive(Debug)]
pub(super) struct Agent<R>(pub(super) Front<R>);

impl<R: Replica> Agent<R> {
    /// A command of a desktop.
    async fn command<T>(
        &self,
        request: Request<T>,
        id: impl Fn(&T) -> &[u8] + Send,
        parse: impl Fn(Desk, &T) -> Result<Command, Malformed> + Send,
    ) -> Result<(Option<v1::Placement>, Reply), Status>
    where
        T: Send,
    {
        let answer = async {
            let call = Call::of(&request)?;
            let message = request.into_inner();
            let id = wire::request_id(id(&message))?;
            let command = parse(desk_of(&call)?, &message)?;
            let (placement, reply) = self.0.command(&call, id, command).await?;
            Ok((Some(wire::placement(&placement)), reply))
        };
        answer.await.map_err(|refusal| self.0.refuse(refusal))
    }

    /// Reads something of the caller's own tenant, as fresh as the caller asks, with a certificate that is
    /// still believed. A locked agent may read: that the session is out is what there is to see.
    async fn read<T>(
        &self,
        call: &Call,
        read: Option<v1::ReadOptions>,
        unknown: Rejection,
        look: impl Fn(&R::View, &Tenant, &Desk) -> Result<Option<T>, Fault> + Send,
    ) -> Result<(T, Option<v1::AsOf>), Refusal> {
        let desk = desk_of(call)?;
        let (progress, stale) = self.0.freshen(call, read).await?;
        let view = self.0.replica.view();
        let tenant = view.tenant(&desk.tenant)?;
        let tenant = tenant.ok_or(Rejection::UnknownTenant)?;
        let agent = view.agent(tenant.number, desk.agent)?;
        check_certificate(&agent.ok_or(unknown)?, desk.certificate)?;
        let found = look(&view, &tenant, &desk)?.ok_or(unknown)?;
        Ok((found, Some(wire::as_of(&progress, stale))))
    }

    /// A contact that is not this agent's is unknown to this agent, whoever has it.
    async fn watch(
        &self,
        request: Request<v1::WatchVerdictRequest>,
    ) -> Result<ContactWatch<R>, Refusal> {
        let call = Call::of(&request)?;
        let desk = desk_of(&call)?;
        let id = wire::contact_id(&request.get_ref().contact_id)?;
        let watcher = Watcher::of(&desk);
        let found = self
            .0
            .find(call.deadline, |view| {
                let Some(tenant) = view.tenant(&desk.tenant)? else {
                    return Ok(None);
                };
                let contact = view.contact(tenant.number, id)?;
                Ok(contact
                    .filter(|contact| watcher.hold(contact).is_some())
                    .map(|contact| (tenant, contact)))
            })
            .await?;
        let (tenant, contact) = found.ok_or(Rejection::UnknownContact)?;
        watcher.check(&self.0.replica.view(), tenant.number, &contact)?;
        let watch = ContactWatch::open(&self.0, &desk.tenant, id, true, call.deadline).await?;
        Ok(watch.for_desk(watcher).until_closed())
    }

    async fn session(
        &self,
        request: Request<v1::GetSessionRequest>,
    ) -> Result<v1::GetSessionResponse, Refusal> {
        let call = Call::of(&request)?;
        let message = request.into_inner();
        let id = wire::session_id(&message.session_id)?;
        let look = |view: &R::View, tenant: &Tenant, desk: &Desk| {
            let session = view.session(tenant.number, id)?;
            Ok(session
                .filter(|session| session.agent == desk.agent)
                .map(|session| (session.certificate == desk.certificate, session)))
        };
        let unknown = Rejection::UnknownSession;
        let ((own, session), as_of) = self.read(&call, message.read, unknown, look).await?;
        // What is over is no desktop's to read, and what is not belongs to the desktop that opened it.
        if session.state == SessionState::Ended {
            return Err(Rejection::SessionEnded.into());
        }
        if !own {
            return Err(Refusal::CertificateOther);
        }
        Ok(v1::GetSessionResponse {
            session: Some(wire::session(id, &session)),
            as_of,
        })
    }

    /// Requests are seen by who asked, and by supervisors.
    async fn unmask(
        &self,
        request: Request<v1::GetUnmaskRequest>,
    ) -> Result<v1::GetUnmaskResponse, Refusal> {
        let call = Call::of(&request)?;
        let message = request.into_inner();
        let contact = wire::contact_id(&message.contact_id)?;
        let id = wire::unmask_id(&message.unmask_id)?;
        let look = |view: &R::View, tenant: &Tenant, desk: &Desk| {
            let agent = view.agent(tenant.number, desk.agent)?;
            let supervises = agent.is_some_and(|agent| agent.supervisor);
            let unmask = view.unmask(tenant.number, contact, id)?;
            Ok(unmask.filter(|unmask| supervises || unmask.agent == desk.agent))
        };
        let unknown = Rejection::UnknownUnmask;
        let (unmask, as_of) = self.read(&call, message.read, unknown, look).await?;
        Ok(v1::GetUnmaskResponse {
            state: wire::unmask_state(unmask.state).into(),
            fields: unmask.fields,
            until_us: unmask.until.0,
            break_glass: unmask.break_glass,
            leaf_index: unmask.leaf,
            as_of,
        })
    }
}

/// The end of a session that a command opened or restored.
fn expires((placement, reply): (Option<v1::Placement>, Reply)) -> Result<Opened, Status> {
    let Reply::SessionOpen { expires } = reply else {
        return Err(Refusal::Internal.status());
    };
    Ok((placement, expires.0))
}

/// Where a command stands, and until when what it gave is good.
type Opened = (Option<v1::Placement>, u64);

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

    async fn open_session(
        &self,
        request: Request<v1::OpenSessionRequest>,
    ) -> Result<Response<v1::OpenSessionResponse>, Status> {
        let answer = self.command(request, |m| &m.request_id, wire::open_session);
        let (placement, expires_us) = expires(answer.await?)?;
        Ok(Response::new(v1::OpenSessionResponse {
            placement,
            expires_us,
        }))
    }

    async fn end_session(
        &self,
        request: Request<v1::EndSessionRequest>,
    ) -> Result<Response<v1::EndSessionResponse>, Status> {
        let answer = self.command(request, |m| &m.request_id, wire::end_session);
        let (placement, _done) = answer.await?;
        Ok(Response::new(v1::EndSessionResponse { placement }))
    }

    async fn restore_session(
        &self,
        request: Request<v1::RestoreSessionRequest>,
    ) -> Result<Response<v1::RestoreSessionResponse>, Status> {
        let answer = self.command(request, |m| &m.request_id, wire::restore_session);
        let (placement, expires_us) = expires(answer.await?)?;
        Ok(Response::new(v1::RestoreSessionResponse {
            placement,
            expires_us,
        }))
    }

    async fn get_session(
        &self,
        request: Request<v1::GetSessionRequest>,
    ) -> Result<Response<v1::GetSessionResponse>, Status> {
        self.session(request)
            .await
            .map(Response::new)
            .map_err(|refusal| self.0.refuse(refusal))
    }

    async fn observe_contact(
        &self,
        request: Request<v1::ObserveContactRequest>,
    ) -> Result<Response<v1::ObserveContactResponse>, Status> {
        let answer = self.command(request, |m| &m.request_id, wire::observe_contact);
        let (placement, _done) = answer.await?;
        Ok(Response::new(v1::ObserveContactResponse { placement }))
    }

    async fn request_unmask(
        &self,
        request: Request<v1::RequestUnmaskRequest>,
    ) -> Result<Response<v1::RequestUnmaskResponse>, Status> {
        let answer = self.command(request, |m| &m.request_id, wire::request_unmask);
        let (placement, _asked) = answer.await?;
        Ok(Response::new(v1::RequestUnmaskResponse { placement }))
    }

    async fn break_glass(
        &self,
        request: Request<v1::BreakGlassRequest>,
    ) -> Result<Response<v1::BreakGlassResponse>, Status> {
        let answer = self.command(request, |m| &m.request_id, wire::break_glass);
        let (placement, reply) = answer.await?;
        Ok(Response::new(v1::BreakGlassResponse {
            placement,
            until_us: shown_until(&reply),
        }))
    }

    async fn decide_unmask(
        &self,
        request: Request<v1::DecideUnmaskRequest>,
    ) -> Result<Response<v1::DecideUnmaskResponse>, Status> {
        let answer = self.command(request, |m| &m.request_id, wire::decide_unmask);
        let (placement, reply) = answer.await?;
        Ok(Response::new(v1::DecideUnmaskResponse {
            placement,
            until_us: shown_until(&reply),
        }))
    }

    async fn get_unmask(
        &self,
        request: Request<v1::GetUnmaskRequest>,
    ) -> Result<Response<v1::GetUnmaskResponse>, Status> {
        self.unmask(request)
            .await
            .map(Response::new)
            .map_err(|refusal| self.0.refuse(refusal))
    }
}

/// Until when fields may be shown; zero if they may not.
const fn shown_until(reply: &Reply) -> u64 {
    if let Reply::Unmasked { until } = reply {
        until.0
    } else {
        0
    }
}

/// Everything that a screen may know.
fn screen(change: Change) -> v1::WatchVerdictResponse {
    let Change { contact, receipt } = change;
    if contact.blocked {
        return v1::WatchVerdictResponse {
            view: wire::agent_view(AgentView::Fail).into(),
            stop: true,
            ..v1::WatchVerdictResponse::default()
        };
    }
    let Some(verdict) = contact.verdict else {
        let view = wire::agent_view(AgentView::Pending).into();
        return v1::WatchVerdictResponse {
            view,
            ..v1::WatchVerdictResponse::default()
        };
    };
    let view = verdict.outcome.agent_view();
    let said = v1::WatchVerdictResponse {
        view: wire::agent_view(view).into(),
        stage: wire::stage(receipt.is_some()).into(),
        ..v1::WatchVerdictResponse::default()
    };
    if view != AgentView::Pass {
        return said;
    }
    v1::WatchVerdictResponse {
        not_after_us: verdict.not_after.0,
        match_words: wire::match_words(verdict.match_code),
        scope: contact.scope_shown,
        limits: wire::limits_shown(&contact),
        ..said
    }
}
