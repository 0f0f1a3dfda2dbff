//! Contacts: announcing, handing to an agent, closing.

use super::binding::Taking;
use super::challenge::{Question, end, end_open, ended_at_once, policy, tag_or, unaskable};
use super::hand_over::{Left, left};
use super::processed::closing;
use super::{Decision, Step, Stop, delegation, founded, tenant};
use crate::answer::{Field, Rejection, Reply};
use crate::command::{AnnounceContact, BindAgent, CloseContact, Initiator};
use crate::event::{ContactAnnounced, ContactBlocked, Event};
use crate::ids::{ChallengeId, ContactId, SubjectHash, Tag};
use crate::kv::{Fault, View};
use crate::outcome::{Outcome, reason};
use crate::policy::PolicyPurpose;
use crate::records::{About, Contact, Subject, Tenant};
use crate::state::Records as _;

pub(super) fn announce<V: View>(
    state: &V,
    step: &Step,
    command: &AnnounceContact,
) -> Result<Decision, Stop> {
    let cluster = founded(state)?;
    let tenant = tenant(state, &command.tenant)?;
    if command.contact == ContactId::ZERO {
        return Err(Rejection::Invalid(Field::Contact).into());
    }
    if state.contact(tenant.number, command.contact)?.is_some() {
        return Err(Rejection::Exists(Field::Contact).into());
    }
    let policy = policy(state, &tenant, &command.policy, PolicyPurpose::CustomerCall)?;
    let bound = match command.agent {
        Some(agent) => {
            let record = state.agent(tenant.number, agent)?;
            let taking = Taking {
                tenant: tenant.number,
                contact: command.contact,
                agent,
                record: &record.ok_or(Rejection::UnknownAgent)?,
                binding: policy.body.agents.binding,
                left: Left::all(command.queue),
            };
            match taking.bound(state, step, command.agent_tag)? {
                Ok(bound) => Some(bound),
                // The customer is not disturbed for an agent who may not take the call.
                Err(refused) => return Ok(refused),
            }
        }
        None => None,
    };
    if command.previous != ContactId::ZERO {
        state
            .contact(tenant.number, command.previous)?
            .ok_or(Rejection::UnknownContact)?;
    }
    let customer = state.subject(tenant.number, command.subject)?;
    let tag = tag_or(command.subject_tag, customer.tag);
    let asked = asked(state, step, &tenant, (command, customer.clone()), tag)?;
    let mut events = vec![Event::ContactAnnounced(ContactAnnounced {
        tenant: tenant.number,
        contact: command.contact,
        subject: command.subject,
        initiator: command.initiator,
        call_reason: command.call_reason,
        tag,
        policy: policy.name.clone(),
        policy_version: policy.version,
        campaign: command.campaign,
        queue: command.queue,
        previous: command.previous,
        delegate: command.delegate,
    })];
    events.extend(bound.map(Event::AgentBound));
    let frozen = command.initiator == Initiator::Centre && customer.frozen_until > step.stamp;
    if frozen {
        events.push(Event::ContactBlocked(ContactBlocked {
            tenant: tenant.number,
            contact: command.contact,
            subject: command.subject,
            frozen_until: customer.frozen_until,
            tag,
        }));
    }
    let refused = match frozen {
        true => Some((Outcome::ReportedByCustomer, reason::REPORTED_BEFORE)),
        false => unaskable(state, step, &asked.record)?,
    };
    if let Some(refused) = refused {
        let what = (command.contact, About::Call);
        let who = (asked.subject, asked.tag);
        let (verdict, reply) = ended_at_once(tenant.number, what, who, &policy, refused);
        events.push(verdict);
        return Ok(Decision { events, reply });
    }
    // One open challenge per subject: the newer contact takes over.
    events.extend(end_open(
        state,
        tenant.number,
        asked.subject,
        Outcome::Superseded,
        reason::NEWER_CONTACT,
    )?);
    let question = Question {
        cluster: &cluster,
        tenant: &tenant,
        challenge: ChallengeId::of(&cluster.origin, &tenant.name, command.contact),
        contact: command.contact,
        order: None,
        login: None,
        subject: asked.subject,
        pin_epoch: asked.record.pin_epoch(),
        step_up: 0,
        initiator: Some(command.initiator),
        call_reason: command.call_reason,
        policy,
        tag: asked.tag,
    };
    let (issued, reply) = question.ask(step)?;
    events.push(issued);
    Ok(Decision { events, reply })
}

/// Whose phone is asked.
struct Asked {
    subject: SubjectHash,
    record: Subject,
    tag: Tag,
}

/// The customer, or who may act for them.
fn asked<V: View>(
    state: &V,
    step: &Step,
    tenant: &Tenant,
    (command, customer): (&AnnounceContact, Subject),
    tag: Tag,
) -> Result<Asked, Stop> {
    let Some(delegate) = command.delegate else {
        return Ok(Asked {
            subject: command.subject,
            record: customer,
            tag,
        });
    };
    let (tenant, now) = (tenant.number, step.stamp);
    let standing = delegation::standing(state, tenant, command.subject, delegate, now)?;
    let standing = standing.ok_or(Rejection::NoDelegation)?;
    let record = state.subject(tenant, delegate)?;
    Ok(Asked {
        subject: delegate,
        tag: tag_or(standing.delegate_tag, record.tag),
        record,
    })
}

/// A contact with which somebody may go on: known, not closed, not blocked.
pub(super) fn usable<V: View>(state: &V, tenant: u32, id: ContactId) -> Result<Contact, Stop> {
    let contact = state
        .contact(tenant, id)?
        .ok_or(Rejection::UnknownContact)?;
    if contact.closed {
        return Err(Rejection::ContactClosed.into());
    }
    if contact.blocked {
        return Err(Rejection::ContactBlocked.into());
    }
    Ok(contact)
}

pub(super) fn bind<V: View>(state: &V, step: &Step, command: &BindAgent) -> Result<Decision, Stop> {
    founded(state)?;
    let tenant = tenant(state, &command.tenant)?;
    let contact = usable(state, tenant.number, command.contact)?;
    let record = state.agent(tenant.number, command.agent)?;
    let policy = state.policy_version(tenant.number, &contact.policy, contact.policy_version)?;
    let taking = Taking {
        tenant: tenant.number,
        contact: command.contact,
        agent: command.agent,
        record: &record.ok_or(Rejection::UnknownAgent)?,
        binding: policy.ok_or(Fault::Corrupt)?.body.agents.binding,
        left: left(&contact, command, step.stamp)?,
    };
    Ok(match taking.bound(state, step, command.agent_tag)? {
        Ok(bound) => Decision::fact(bound),
        Err(refused) => refused,
    })
}

pub(super) fn close<V: View>(state: &V, command: &CloseContact) -> Result<Decision, Stop> {
    founded(state)?;
    let tenant = tenant(state, &command.tenant)?;
    let contact = state
        .contact(tenant.number, command.contact)?
        .ok_or(Rejection::UnknownContact)?;
    if contact.closed {
        return Err(Rejection::ContactClosed.into());
    }
    let mut events = Vec::new();
    if let Some(open) = open_here(state, tenant.number, command.contact, &contact)? {
        let (outcome, why) = (Outcome::Cancelled, reason::CONTACT_CLOSED);
        events.extend(end(state, tenant.number, open, outcome, why)?);
    }
    let over = (command.contact, &contact);
    let ended = events.first();
    let closing = closing(state, tenant.number, over, ended, command.disposition)?;
    events.extend(closing);
    Ok(Decision {
        events,
        reply: Reply::Done,
    })
}

/// The subject's open challenge, if it belongs to this contact: its own, or that of one of its orders.
pub(super) fn open_here<V: View>(
    state: &V,
    tenant: u32,
    id: ContactId,
    contact: &Contact,
) -> Result<Option<ChallengeId>, Fault> {
    let Some(open) = state.subject(tenant, contact.asked())?.open else {
        return Ok(None);
    };
    let asked = state.challenge(tenant, open)?;
    Ok(asked
        .is_some_and(|challenge| challenge.contact == id)
        .then_some(open))
}
