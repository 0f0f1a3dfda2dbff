//! Locks and certificates of agents, the posture of their machines, the rules of their work.

use akashi_proof::Posture as Signed;

use super::exhibit::issuer_key;
use super::session::{ended, pseudonym, released, suspended};
use super::{Decision, Step, Stop, founded, tenant};
use crate::answer::{Field, Rejection, Reply};
use crate::command::{AttestPosture, LockAgent, PublishRules, RevokeAgentCertificate, UnlockAgent};
use crate::event::{
    AgentCertificateRevoked, AgentLocked, AgentUnlocked, Event, PostureAttested, RulesPublished,
};
use crate::ids::Digest;
use crate::kv::View;
use crate::limits::{CERTIFICATES_REVOKED_MAX, REQUEST_ID_AHEAD_US_MAX};
use crate::outcome::reason;
use crate::records::Posture;
use crate::state::Records as _;

/// The session is suspended and every contact goes back to the queue, at once.
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
    Ok(Decision {
        events,
        reply: Reply::Done,
    })
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

/// What an issuer signed about an agent's machine. An older look never replaces a newer one.
pub(super) fn attest<V: View>(
    state: &V,
    step: &Step,
    command: &AttestPosture,
) -> Result<Decision, Stop> {
    let cluster = founded(state)?;
    let tenant = tenant(state, &command.tenant)?;
    let agent = state.agent(tenant.number, command.agent)?;
    let agent = agent.ok_or(Rejection::UnknownAgent)?;
    let issuer = state
        .issuer(tenant.number, command.key_id)?
        .filter(|issuer| issuer.revoked_from.is_none_or(|from| from > step.stamp))
        .ok_or(Rejection::UnknownIssuer)?;
    let signed = Signed {
        origin: cluster.origin.as_bytes(),
        tenant: tenant.name.as_bytes(),
        agent: command.agent.0,
        bits: command.bits,
        attested_us: command.attested.0,
        until_us: command.until.0,
    };
    let ahead = step.stamp.after_us(REQUEST_ID_AHEAD_US_MAX);
    let newer = agent
        .posture
        .is_none_or(|known| known.attested < command.attested);
    let timely = newer && command.attested <= ahead && command.attested < command.until;
    let holds = signed.verify(&issuer_key(&issuer.key)?, &command.signature);
    if !timely || holds.is_err() || command.until <= step.stamp {
        return Err(Rejection::Invalid(Field::Posture).into());
    }
    Ok(Decision::fact(PostureAttested {
        tenant: tenant.number,
        agent: command.agent,
        agent_tag: pseudonym(state, tenant.number, command.agent)?,
        posture: Posture {
            bits: command.bits,
            attested: command.attested,
            until: command.until,
        },
        key_id: command.key_id,
    }))
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
