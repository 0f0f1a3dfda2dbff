//! The posture of agents' machines: what issuers sign, and whom of them a policy believes.

use akashi_proof::Posture as Signed;

use super::exhibit::issuer_key;
use super::session::pseudonym;
use super::{Decision, Step, Stop, founded, tenant};
use crate::answer::{Field, Rejection};
use crate::command::AttestPosture;
use crate::event::PostureAttested;
use crate::ids::{AgentHash, Stamp};
use crate::kv::{Fault, View};
use crate::limits::REQUEST_ID_AHEAD_US_MAX;
use crate::policy::AgentRule;
use crate::records::Posture;
use crate::state::Records as _;

/// What an issuer signed about an agent's machine. An older look never replaces a newer one of the same
/// issuer; which issuers count is for the policy of each login to say.
pub(super) fn attest<V: View>(
    state: &V,
    step: &Step,
    command: &AttestPosture,
) -> Result<Decision, Stop> {
    let cluster = founded(state)?;
    let tenant = tenant(state, &command.tenant)?;
    state
        .agent(tenant.number, command.agent)?
        .ok_or(Rejection::UnknownAgent)?;
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
    let known = state.posture_by(tenant.number, command.agent, &issuer.name)?;
    let newer = known.is_none_or(|known| known.attested < command.attested);
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

/// Until when everything that `rule` asks of an agent's machine is attested by whom it believes; the end of
/// time if it asks for nothing, none if something is missing now.
pub(super) fn attested_until<V: View>(
    state: &V,
    now: Stamp,
    (tenant, agent): (u32, AgentHash),
    rule: &AgentRule,
) -> Result<Option<Stamp>, Fault> {
    if rule.posture == 0 {
        return Ok(Some(Stamp(u64::MAX)));
    }
    let believed = state.believed_posture(tenant, agent, rule)?;
    Ok(believed
        .filter(|posture| posture.covers(rule.posture, now))
        .map(|posture| posture.until))
}
