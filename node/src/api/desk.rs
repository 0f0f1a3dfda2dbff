//! Who acts at an agent's desktop, and whether what a contact shows is still for that desktop.

use akashi_domain::command::Desk;
use akashi_domain::event::Event;
use akashi_domain::ids::{AgentHash, Digest, SessionId};
use akashi_domain::kv::View;
use akashi_domain::records::{Agent, Contact, SessionState};
use akashi_domain::state::Records as _;

use super::front::Call;
use super::status::Refusal;
use crate::net::Identity;

/// The desk of a call: what TLS saw, and nothing that the message says.
pub(super) fn desk_of(call: &Call) -> Result<Desk, Refusal> {
    let Some(Identity::Agent { tenant, agent }) = &call.peer.identity else {
        return Err(Refusal::RoleNotAllowed);
    };
    let certificate = call.peer.certificate_sha256.ok_or(Refusal::Internal)?;
    Ok(Desk {
        tenant: tenant.clone(),
        agent: AgentHash::of(tenant, agent),
        certificate: Digest(certificate),
    })
}

/// Somebody who follows a contact from a desktop: the agent who has it, or a supervisor.
#[derive(Clone, Copy, Debug)]
pub(super) struct Watcher {
    agent: AgentHash,
    certificate: Digest,
}

impl Watcher {
    pub(super) const fn of(desk: &Desk) -> Self {
        Self {
            agent: desk.agent,
            certificate: desk.certificate,
        }
    }

    pub(super) const fn agent(self) -> AgentHash {
        self.agent
    }

    /// The session in which the contact is this agent's; none inside if a registered agent has it
    /// without one, `None` if it is not this agent's at all.
    pub(super) fn hold(self, contact: &Contact) -> Option<Option<SessionId>> {
        if contact.agent == Some(self.agent) {
            return Some(contact.session);
        }
        let observer = contact
            .observers
            .iter()
            .find(|observer| observer.agent == self.agent);
        observer.map(|observer| Some(observer.session))
    }

    /// Whether the contact may be shown at this desktop now.
    pub(super) fn check<V: View>(
        self,
        view: &V,
        tenant: u32,
        contact: &Contact,
    ) -> Result<(), Refusal> {
        let agent = view.agent(tenant, self.agent)?;
        self.check_agent(&agent.ok_or(Refusal::HandedOver)?)?;
        let Some(session) = self.hold(contact).ok_or(Refusal::HandedOver)? else {
            return Ok(());
        };
        let session = view.session(tenant, session)?.ok_or(Refusal::HandedOver)?;
        match session.state {
            SessionState::Active if session.certificate == self.certificate => Ok(()),
            SessionState::Active => Err(Refusal::CertificateOther),
            SessionState::Suspended | SessionState::Ended => Err(Refusal::SessionDark),
        }
    }

    fn check_agent(self, agent: &Agent) -> Result<(), Refusal> {
        check_certificate(agent, self.certificate)?;
        if agent.locked {
            return Err(Refusal::AgentLocked);
        }
        Ok(())
    }
}

/// Whether an agent's certificate is still believed, whatever it is shown for.
pub(super) fn check_certificate(agent: &Agent, certificate: Digest) -> Result<(), Refusal> {
    if agent.revoked.contains(&certificate) {
        return Err(Refusal::CertificateRevoked);
    }
    if agent.certificate != Digest::ZERO && agent.certificate != certificate {
        return Err(Refusal::CertificateOther);
    }
    Ok(())
}

/// Whether an event about no contact may change what a watcher is shown.
pub(super) fn concerns(event: &Event, agent: AgentHash, session: Option<SessionId>) -> bool {
    let about = if let Event::AgentLocked(fact) = event {
        Some(fact.agent)
    } else if let Event::AgentCertificateRevoked(fact) = event {
        Some(fact.agent)
    } else if let Event::AgentUnlocked(fact) = event {
        Some(fact.agent)
    } else {
        None
    };
    about == Some(agent) || (session.is_some() && event.session() == session)
}
