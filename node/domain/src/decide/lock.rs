//! Locks and certificates of agents, the rules of their work.

use super::session::{ended, pseudonym, released, suspended};
use super::{Decision, Stop, founded, tenant};
use crate::answer::{Field, Rejection, Reply};
use crate::command::{LockAgent, PublishRules, RevokeAgentCertificate, UnlockAgent};
use crate::event::{
    AgentCertificateRevoked, AgentLocked, AgentReleased, AgentUnlocked, Event, RulesPublished,
};
use crate::ids::{AgentHash, Digest, SessionId};
use crate::keys;
use crate::kv::{Fault, Table, View};
use crate::limits::{CERTIFICATES_REVOKED_MAX, STOPPED_PER_STEP_MAX};
use crate::outcome::reason;
use crate::state::Records as _;

/// The session is suspended and every contact goes back to the queue, at once: those of the session, and
/// those that the agent had without one.
pub(super) fn lock<V: View>(state: &V, command: &LockAgent) -> Result<Decision, Stop> {
    founded(state)?;
    let tenant = tenant(state, &command.tenant)?.number;
    let agent = state.agent(tenant, command.agent)?;
    let agent = agent.ok_or(Rejection::UnknownAgent)?;
    if agent.locked {
        return Ok(Decision::nothing(Reply::Done));
    }
    let mut events = vec![Event::AgentLocked(AgentLocked {
        tenant,
        agent: command.agent,
        agent_tag: pseudonym(state, tenant, command.agent)?,
        reason: command.reason,
    })];
    if let Some(id) = agent.session
        && let Some(session) = state.session(tenant, id)?
    {
        let why = reason::AGENT_LOCKED;
        events.extend(suspended(tenant, id, &session, why));
        events.extend(released(tenant, id, &session, why));
    }
    let beginning = keys::beginning(&command.agent.0);
    let is_locked = |agent| Ok(agent == command.agent);
    events.extend(taken_back(state, tenant, beginning, is_locked)?);
    Ok(Decision {
        events,
        reply: Reply::Done,
    })
}

/// What is left of a lock: contacts that did not fit into the step before.
pub(super) fn go_on<V: View>(state: &V, tenant: u32, agent: [u8; 16]) -> Result<Vec<Event>, Fault> {
    taken_back(state, tenant, agent, |agent| {
        Ok(state
            .agent(tenant, agent)?
            .is_some_and(|agent| agent.locked))
    })
}

/// Contacts that agents have without a session, as far as `locked` says so: they wait for another agent. As
/// many as one step may touch.
fn taken_back<V: View>(
    state: &V,
    tenant: u32,
    agent: [u8; 16],
    locked: impl Fn(AgentHash) -> Result<bool, Fault>,
) -> Result<Vec<Event>, Fault> {
    let (from, to) = keys::held_by(tenant, agent);
    let mut events = Vec::new();
    for (key, _) in state.scan(Table::Agent, &from, &to, STOPPED_PER_STEP_MAX)? {
        let (agent, contact) = keys::held_of(&key).ok_or(Fault::Corrupt)?;
        let record = state.contact(tenant, contact)?.ok_or(Fault::Corrupt)?;
        if locked(agent)? {
            events.push(Event::AgentReleased(AgentReleased {
                tenant,
                contact,
                session: SessionId::ZERO,
                agent_tag: record.agent_tag,
                reason: reason::AGENT_LOCKED,
            }));
        }
    }
    Ok(events)
}

/// Unlocking restores no session: that takes a fresh login.
pub(super) fn unlock<V: View>(state: &V, command: &UnlockAgent) -> Result<Decision, Stop> {
    founded(state)?;
    let tenant = tenant(state, &command.tenant)?.number;
    let agent = state.agent(tenant, command.agent)?;
    let agent = agent.ok_or(Rejection::UnknownAgent)?;
    let certificate = match command.certificate {
        Digest::ZERO => agent.certificate,
        other => other,
    };
    if agent.revoked.contains(&certificate) && command.certificate != Digest::ZERO {
        return Err(Rejection::Invalid(Field::Certificate).into());
    }
    if !agent.locked && certificate == agent.certificate {
        return Ok(Decision::nothing(Reply::Done));
    }
    let mut events = Vec::new();
    // A session under another certificate than the one that serves from now on is over.
    if let Some(id) = agent.session
        && let Some(session) = state.session(tenant, id)?
        && certificate != Digest::ZERO
        && session.certificate != certificate
    {
        events.extend(ended(tenant, id, &session, reason::CERTIFICATE_OTHER));
    }
    events.push(Event::AgentUnlocked(AgentUnlocked {
        tenant,
        agent: command.agent,
        agent_tag: pseudonym(state, tenant, command.agent)?,
        certificate,
    }));
    Ok(Decision {
        events,
        reply: Reply::Done,
    })
}

pub(super) fn revoke_certificate<V: View>(
    state: &V,
    command: &RevokeAgentCertificate,
) -> Result<Decision, Stop> {
    founded(state)?;
    let tenant = tenant(state, &command.tenant)?.number;
    let agent = state.agent(tenant, command.agent)?;
    let agent = agent.ok_or(Rejection::UnknownAgent)?;
    if command.certificate == Digest::ZERO {
        return Err(Rejection::Invalid(Field::Certificate).into());
    }
    if agent.revoked.contains(&command.certificate) {
        return Ok(Decision::nothing(Reply::Done));
    }
    if agent.revoked.len() >= CERTIFICATES_REVOKED_MAX {
        return Err(Rejection::Full(Field::Certificate).into());
    }
    let mut events = vec![Event::AgentCertificateRevoked(AgentCertificateRevoked {
        tenant,
        agent: command.agent,
        agent_tag: pseudonym(state, tenant, command.agent)?,
        certificate: command.certificate,
        reason: command.reason,
    })];
    if let Some(id) = agent.session
        && let Some(session) = state.session(tenant, id)?
        && session.certificate == command.certificate
    {
        let why = reason::CERTIFICATE_REVOKED;
        events.extend(ended(tenant, id, &session, why));
    }
    Ok(Decision {
        events,
        reply: Reply::Done,
    })
}

pub(super) fn publish_rules<V: View>(state: &V, command: &PublishRules) -> Result<Decision, Stop> {
    founded(state)?;
    let tenant = tenant(state, &command.tenant)?.number;
    let current = state.work_rules(tenant)?.map_or(0, |rules| rules.version);
    if command.version <= current || command.text == Digest::ZERO {
        return Err(Rejection::Invalid(Field::Rules).into());
    }
    Ok(Decision::fact(RulesPublished {
        tenant,
        version: command.version,
        text: command.text,
    }))
}
