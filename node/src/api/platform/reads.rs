//! What a platform reads: one contact, one order, one login, one agent, each as it stands.

use akashi_domain::answer::Rejection;
use akashi_domain::ids::Digest;
use akashi_domain::state::Records as _;
use akashi_proto::v1;
use tonic::Request;

use super::Platform;
use crate::api::front::Call;
use crate::api::replica::Replica;
use crate::api::status::Refusal;
use crate::wire;

impl<R: Replica> Platform<R> {
    pub(super) async fn contact(
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
        let steps = contact.steps;
        let step_up = (steps.asked > 0)
            .then(|| self.verdict(steps.challenge, Some(id), steps.verdict.as_ref()));
        let refusals = challenge.as_ref().map_or(0, |challenge| {
            u32::from(challenge.refusals)
                .saturating_add(u32::try_from(challenge.strangers.len()).unwrap_or(u32::MAX))
        });
        Ok(v1::GetContactResponse {
            verdict: Some(self.verdict(contact.challenge, Some(id), contact.verdict.as_ref())),
            closed: contact.closed,
            refusals,
            as_of: Some(as_of),
            blocked: contact.blocked,
            scope: contact.scope_shown,
            limits: wire::limits_shown(&contact),
            risk: contact.risk.map(wire::risk),
            leg: wire::leg(contact.leg.state).into(),
            notice: wire::notice_state(challenge.as_ref()).into(),
            queue: contact.queue,
            bound: contact.agent.is_some(),
            step_up,
        })
    }

    pub(super) async fn order(
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
        let executed = order
            .executed
            .and_then(|executed| self.0.replica.receipt(executed.leaf).ok())
            .map(|receipt| receipt.to_text());
        Ok(v1::GetOrderResponse {
            verdict: Some(self.verdict(order.challenge, Some(contact), order.verdict.as_ref())),
            order_hash: order.terms.order_hash.to_vec().into(),
            sealed_digest: match order.sealed_digest {
                Digest::ZERO => bytes::Bytes::new(),
                Digest(digest) => digest.to_vec().into(),
            },
            payload_until_us: order.payload_until.0,
            execution: Some(wire::order_execution(&order, executed)),
            as_of: Some(as_of),
        })
    }

    pub(super) async fn agent_login(
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

    pub(super) async fn agent(
        &self,
        request: Request<v1::GetAgentRequest>,
    ) -> Result<v1::GetAgentResponse, Refusal> {
        let call = Call::of(&request)?;
        let message = request.into_inner();
        let id = wire::agent(&message.tenant, &message.agent)?;
        let look = |view: &R::View, tenant| {
            let Some(agent) = view.agent(tenant, id)? else {
                return Ok(None);
            };
            let session = match agent.session {
                Some(id) => view.session(tenant, id)?.map(|session| (id, session)),
                None => None,
            };
            Ok(Some((agent, session, view.work_rules(tenant)?)))
        };
        let asked = (message.tenant.as_str(), message.read);
        let ((agent, session, rules), as_of) = self
            .read(&call, asked, Rejection::UnknownAgent, look)
            .await?;
        Ok(v1::GetAgentResponse {
            locked: agent.locked,
            supervisor: agent.supervisor,
            session: session.map(|(id, session)| wire::session(id, &session)),
            posture: agent.posture.map_or(0, |posture| posture.bits),
            posture_until_us: agent.posture.map_or(0, |posture| posture.until.0),
            rules_version: rules.map_or(0, |rules| rules.version),
            rules_sha256: rules
                .map(|rules| rules.text.0.to_vec().into())
                .unwrap_or_default(),
            as_of: Some(as_of),
        })
    }
}
