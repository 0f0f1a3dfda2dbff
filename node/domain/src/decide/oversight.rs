//! What needs a second person: listening in, and seeing what is masked.

use super::session::{Denied, at_work, pseudonym, unless};
use super::{Decision, Step, Stop, founded, tenant};
use crate::answer::{Field, Rejection, Reply};
use crate::command::{BreakGlass, DecideUnmask, Desk, ObserveContact, RequestUnmask};
use crate::event::{BindingRefused, Event, SupervisorJoined, UnmaskDecided, UnmaskRequested};
use crate::ids::{ContactId, SessionId, Stamp, Tag, UnmaskId};
use crate::kv::{Fault, View};
use crate::limits::{OBSERVERS_MAX, SECOND_US};
use crate::outcome::reason;
use crate::policy::UnmaskRule;
use crate::records::{Contact, UnmaskState};
use crate::state::Records as _;

pub(super) fn observe<V: View>(
    state: &V,
    step: &Step,
    command: &ObserveContact,
) -> Result<Decision, Stop> {
    let desk = &command.desk;
    let (tenant, contact) = open_contact(state, desk, command.contact)?;
    let agent_tag = pseudonym(state, tenant, desk.agent)?;
    if let Err(denied) = supervises(state, step, tenant, desk, command.session) {
        return Ok(kept_out(
            tenant,
            command.contact,
            agent_tag,
            denied.reason()?,
        ));
    }
    let seen = |id: SessionId| contact.observers.iter().any(|one| one.session == id);
    if seen(command.session) {
        return Ok(Decision::nothing(Reply::Done));
    }
    if contact.observers.len() >= OBSERVERS_MAX {
        return Err(Rejection::Full(Field::Agent).into());
    }
    Ok(Decision::fact(SupervisorJoined {
        tenant,
        contact: command.contact,
        agent: desk.agent,
        session: command.session,
        agent_tag,
    }))
}

pub(super) fn request<V: View>(
    state: &V,
    step: &Step,
    command: &RequestUnmask,
) -> Result<Decision, Stop> {
    ask(state, step, command, false)
}

pub(super) fn break_glass<V: View>(
    state: &V,
    step: &Step,
    command: &BreakGlass,
) -> Result<Decision, Stop> {
    ask(state, step, &command.request, true)
}

/// A request that the policy does not know, or of somebody who does not have the contact, is recorded and
/// denied at once; one that it knows waits for a second person, unless glass is broken.
fn ask<V: View>(
    state: &V,
    step: &Step,
    command: &RequestUnmask,
    break_glass: bool,
) -> Result<Decision, Stop> {
    let desk = &command.desk;
    let (tenant, contact) = open_contact(state, desk, command.contact)?;
    if command.unmask == UnmaskId::ZERO || command.fields == 0 {
        return Err(Rejection::Invalid(Field::Unmask).into());
    }
    if state
        .unmask(tenant, command.contact, command.unmask)?
        .is_some()
    {
        return Err(Rejection::Exists(Field::Unmask).into());
    }
    let agent_tag = pseudonym(state, tenant, desk.agent)?;
    let requested = Event::UnmaskRequested(UnmaskRequested {
        tenant,
        contact: command.contact,
        unmask: command.unmask,
        agent: desk.agent,
        session: command.session,
        agent_tag,
        fields: command.fields,
        reason: command.reason,
        break_glass,
    });
    let decided = UnmaskDecided {
        tenant,
        contact: command.contact,
        subject: contact.subject,
        tag: state.subject(tenant, contact.subject)?.tag,
        unmask: command.unmask,
        decided_by: None,
        agent_tag,
        fields: command.fields,
        until: Stamp::default(),
        reason: reason::NONE,
        break_glass,
    };
    let rule = at_work(state, step, tenant, desk, command.session)
        .and_then(|_session| allowed(state, tenant, &contact, command, break_glass));
    match rule {
        Err(denied) => {
            let why = denied.reason()?;
            let denied = UnmaskDecided {
                reason: why,
                ..decided
            };
            Ok(Decision {
                events: vec![requested, denied.into()],
                reply: Reply::Denied { reason: why },
            })
        }
        Ok(rule) if break_glass => {
            let until = end_of(step, rule);
            let granted = UnmaskDecided { until, ..decided };
            Ok(Decision {
                events: vec![requested, granted.into()],
                reply: Reply::Unmasked { until },
            })
        }
        Ok(_) => Ok(Decision {
            events: vec![requested],
            reply: Reply::Done,
        }),
    }
}

/// The contact's rule for unmasking, if it covers what is asked.
fn allowed<V: View>(
    state: &V,
    tenant: u32,
    contact: &Contact,
    command: &RequestUnmask,
    break_glass: bool,
) -> Result<UnmaskRule, Denied> {
    let why = reason::UNMASK_NOT_ALLOWED;
    unless(contact.session == Some(command.session), reason::NOT_BOUND)?;
    unless(!contact.blocked, why)?;
    let rule = rule_of(state, tenant, contact)?.ok_or(Denied::Because(why))?;
    unless(rule.fields & command.fields == command.fields, why)?;
    unless(rule.break_glass || !break_glass, why)?;
    Ok(rule)
}

pub(super) fn decide<V: View>(
    state: &V,
    step: &Step,
    command: &DecideUnmask,
) -> Result<Decision, Stop> {
    let desk = &command.desk;
    let (tenant, contact) = open_contact(state, desk, command.contact)?;
    let asked = state
        .unmask(tenant, command.contact, command.unmask)?
        .ok_or(Rejection::UnknownUnmask)?;
    match asked.state {
        UnmaskState::Asked => {}
        UnmaskState::Granted | UnmaskState::Denied => {
            return Err(Rejection::UnmaskDecided.into());
        }
    }
    let agent_tag = pseudonym(state, tenant, desk.agent)?;
    let decided = UnmaskDecided {
        tenant,
        contact: command.contact,
        subject: contact.subject,
        tag: state.subject(tenant, contact.subject)?.tag,
        unmask: command.unmask,
        decided_by: Some(desk.agent),
        agent_tag,
        fields: asked.fields,
        until: Stamp::default(),
        reason: reason::NONE,
        break_glass: false,
    };
    let denied = |why| UnmaskDecided {
        reason: why,
        ..decided.clone()
    };
    // Nobody lets himself in; trying to ends the request.
    if desk.agent == asked.agent {
        let why = reason::SAME_PERSON;
        return Ok(Decision {
            events: vec![denied(why).into()],
            reply: Reply::Denied { reason: why },
        });
    }
    if let Err(refused) = supervises(state, step, tenant, desk, command.session) {
        return Ok(kept_out(
            tenant,
            command.contact,
            agent_tag,
            refused.reason()?,
        ));
    }
    if !command.grant {
        return Ok(Decision::fact(denied(reason::SUPERVISOR_REFUSED)));
    }
    let rule = rule_of(state, tenant, &contact)?;
    match rule.filter(|_| contact.session == Some(asked.session) && !contact.blocked) {
        Some(rule) => {
            let until = end_of(step, rule);
            Ok(Decision {
                events: vec![UnmaskDecided { until, ..decided }.into()],
                reply: Reply::Unmasked { until },
            })
        }
        // Who asked no longer has the contact.
        None => {
            let why = reason::NOT_BOUND;
            Ok(Decision {
                events: vec![denied(why).into()],
                reply: Reply::Denied { reason: why },
            })
        }
    }
}

fn end_of(step: &Step, rule: UnmaskRule) -> Stamp {
    let us = u64::from(rule.ttl_s).saturating_mul(SECOND_US);
    step.stamp.after_us(us)
}

/// The rule for unmasking of the contact's own policy.
fn rule_of<V: View>(
    state: &V,
    tenant: u32,
    contact: &Contact,
) -> Result<Option<UnmaskRule>, Fault> {
    let policy = state.policy_version(tenant, &contact.policy, contact.policy_version)?;
    Ok(policy.and_then(|policy| policy.body.agents.unmask))
}

/// Whether a desk is a supervisor's, at work.
fn supervises<V: View>(
    state: &V,
    step: &Step,
    tenant: u32,
    desk: &Desk,
    session: SessionId,
) -> Result<(), Denied> {
    let agent = state.agent(tenant, desk.agent)?;
    let supervisor = agent.is_some_and(|agent| agent.supervisor);
    unless(supervisor, reason::NOT_SUPERVISOR)?;
    at_work(state, step, tenant, desk, session)?;
    Ok(())
}

fn kept_out(tenant: u32, contact: ContactId, agent_tag: Tag, why: u16) -> Decision {
    Decision {
        events: vec![Event::BindingRefused(BindingRefused {
            tenant,
            contact,
            agent_tag,
            reason: why,
        })],
        reply: Reply::Denied { reason: why },
    }
}

/// The tenant's number and a contact of it that is not closed.
fn open_contact<V: View>(state: &V, desk: &Desk, id: ContactId) -> Result<(u32, Contact), Stop> {
    founded(state)?;
    let tenant = tenant(state, &desk.tenant)?.number;
    let contact = state
        .contact(tenant, id)?
        .ok_or(Rejection::UnknownContact)?;
    if contact.closed {
        return Err(Rejection::ContactClosed.into());
    }
    Ok((tenant, contact))
}
