//! What the platform says of a customer: signals about the number, weaker ways, the wish not to be asked.

use super::challenge::{end, tag_or};
use super::contact::usable;
use super::{Decision, Step, Stop, founded, tenant, worth};
use crate::answer::{Field, Rejection, Reply};
use crate::command::{AttachRisk, RecordFallback, SetOptOut};
use crate::event::{Event, FallbackUsed, OptOutChanged, RiskAttached, VerdictReached};
use crate::ids::{ChallengeId, ContactId, Stamp};
use crate::kv::View;
use crate::limits::{OPT_OUT_US_MAX, SECOND_US};
use crate::outcome::{Held, Outcome, limit, reason};
use crate::policy::{ATTESTATION_MAX, RISK_FLAGS, SCOPE_ALL, SIM_AGE_MAX};
use crate::records::{About, FallbackKind, LineType, Risk};
use crate::state::Records as _;

pub(super) fn opt_out<V: View>(
    state: &V,
    step: &Step,
    command: &SetOptOut,
) -> Result<Decision, Stop> {
    founded(state)?;
    let tenant = tenant(state, &command.tenant)?;
    let latest = step.stamp.after_us(OPT_OUT_US_MAX);
    let never = command.until == Stamp::default();
    if !never && !(step.stamp..=latest).contains(&command.until) {
        return Err(Rejection::Invalid(Field::OptOut).into());
    }
    let subject = state.subject(tenant.number, command.subject)?;
    Ok(Decision::fact(OptOutChanged {
        tenant: tenant.number,
        contact: ContactId::ZERO,
        subject: command.subject,
        until: command.until,
        tag: tag_or(command.subject_tag, subject.tag),
    }))
}

pub(super) fn risk<V: View>(state: &V, command: &AttachRisk) -> Result<Decision, Stop> {
    founded(state)?;
    let tenant = tenant(state, &command.tenant)?;
    let contact = state
        .contact(tenant.number, command.contact)?
        .ok_or(Rejection::UnknownContact)?;
    if contact.closed {
        return Err(Rejection::ContactClosed.into());
    }
    if !is_in_buckets(command.risk) {
        return Err(Rejection::Invalid(Field::Risk).into());
    }
    let grants = worth::pinned(state, tenant.number, &contact)?.body.grants;
    let (scope, limits) = match grants.risk.broken_by(command.risk) {
        true => (grants.limited, limit::RISK),
        false => (SCOPE_ALL, 0),
    };
    Ok(Decision::fact(RiskAttached {
        tenant: tenant.number,
        contact: command.contact,
        subject: contact.subject,
        risk: command.risk,
        scope,
        limits,
        tag: state.subject(tenant.number, contact.subject)?.tag,
    }))
}

const fn is_in_buckets(risk: Risk) -> bool {
    risk.sim_age <= SIM_AGE_MAX
        && LineType::from_code(risk.line_type).is_some()
        && risk.flags & !RISK_FLAGS == 0
        && risk.attestation <= ATTESTATION_MAX
}

pub(super) fn fallback<V: View>(
    state: &V,
    step: &Step,
    command: &RecordFallback,
) -> Result<Decision, Stop> {
    founded(state)?;
    let tenant = tenant(state, &command.tenant)?;
    let contact = usable(state, tenant.number, command.contact)?;
    let policy = worth::pinned(state, tenant.number, &contact)?;
    let grants = &policy.body.grants;
    if grants.fallbacks & command.kind.bit() == 0 {
        return Err(Rejection::FallbackNotAllowed.into());
    }
    let tag = state.subject(tenant.number, contact.subject)?.tag;
    let mut events = vec![Event::FallbackUsed(FallbackUsed {
        tenant: tenant.number,
        contact: command.contact,
        kind: command.kind,
        passed: command.passed,
        agent_tag: contact.agent_tag,
        tag,
    })];
    let settled = contact.is_verified(step.stamp);
    if !command.passed || settled {
        let reply = Reply::Done;
        return Ok(Decision { events, reply });
    }
    let good = worth::of_fallback(state, step.stamp, (tenant.number, &contact), grants)?
        .ok_or(Rejection::NoDelegation)?;
    // A phone without a connection decided nothing; every other question is withdrawn.
    let ended = match command.kind {
        FallbackKind::OfflineCode => Outcome::Inconclusive,
        FallbackKind::LetterCode
        | FallbackKind::SecurityKeyKiosk
        | FallbackKind::Callback
        | FallbackKind::Branch
        | FallbackKind::Knowledge => Outcome::Cancelled,
    };
    let (asked, why) = (contact.challenge, reason::FALLBACK_TAKEN);
    events.extend(end(state, tenant.number, asked, ended, why)?);
    let ttl_us = u64::from(policy.body.verdict_ttl_s).saturating_mul(SECOND_US);
    let (outcome, why) = (Outcome::Verified, reason::NONE);
    events.push(Event::VerdictReached(VerdictReached {
        tenant: tenant.number,
        challenge: ChallengeId::ZERO,
        contact: command.contact,
        about: About::Call,
        subject: contact.subject,
        outcome,
        reason: why,
        held: Held::NOTHING,
        policy_version: policy.version,
        not_after: step.stamp.after_us(ttl_us),
        good,
        tag,
    }));
    Ok(Decision {
        events,
        reply: Reply::Verdict {
            outcome,
            reason: why,
        },
    })
}
