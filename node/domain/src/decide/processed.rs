//! Closing a contact: the last word on it, with its number.

use crate::event::{ContactClosed, ContactProcessed, Event};
use crate::ids::{ContactId, Stamp};
use crate::kv::{Fault, View};
use crate::outcome::{Outcome, limit, reason};
use crate::records::{About, Contact};
use crate::state::Records as _;

/// The two facts that end a contact. `ended` is the verdict that closing brings about, if it does: it
/// is not in the record yet.
///
/// One contact per decision: its number is the next one of the state.
pub(super) fn closing<V: View>(
    state: &V,
    tenant: u32,
    (id, contact): (ContactId, &Contact),
    ended: Option<&Event>,
    disposition: u16,
) -> Result<[Event; 2], Fault> {
    let tally = state.tally(tenant)?;
    let verdict = contact.verdict.as_ref();
    let (outcome, why) = match (verdict, ended) {
        (Some(verdict), _) => (Some(verdict.outcome), verdict.reason),
        (None, Some(event)) => ended_by(event),
        (None, None) => (None, reason::NONE),
    };
    let closed = ContactClosed {
        tenant,
        contact: id,
        disposition,
    };
    let processed = ContactProcessed {
        tenant,
        contact: id,
        number: tally.processed.saturating_add(1),
        announced_count: tally.announced,
        outcome,
        reason: why,
        policy_version: contact.policy_version,
        queue: contact.queue,
        campaign: contact.campaign,
        agent_tag: contact.agent_tag,
        announced: contact.announced,
        verdict_ms: verdict.map(|verdict| milliseconds(contact.announced, verdict.decided)),
        aal: verdict.map_or(0, |verdict| verdict.aal),
        factors: verdict.map_or(0, |verdict| verdict.factors),
        limits: limit::shown(contact.limits),
        scope: contact.scope_shown,
        call_reason: contact.call_reason,
        initiator: contact.initiator,
        disposition,
        care: contact.care,
        blocked: contact.blocked,
    };
    Ok([closed.into(), processed.into()])
}

/// The ending of the call itself that an event is; those of its orders do not count.
fn ended_by(event: &Event) -> (Option<Outcome>, u16) {
    if let Event::VerdictReached(verdict) = event
        && verdict.about == About::Call
    {
        (Some(verdict.outcome), verdict.reason)
    } else {
        (None, reason::NONE)
    }
}

/// Between two stamps, at most 49 days.
fn milliseconds(from: Stamp, to: Stamp) -> u32 {
    let us = to.0.saturating_sub(from.0);
    let ms = us.checked_div(1_000).unwrap_or_default();
    u32::try_from(ms).unwrap_or(u32::MAX).min(u32::MAX - 1)
}
