//! Contacts: announcing, handing to an agent, closing; what a phone says without proving.

use super::challenge::{Question, end, end_open, ended_at_once, known, policy, tag_or, unaskable};
use super::processed::closing;
use super::{Decision, Step, Stop, founded, tenant};
use crate::answer::{Field, Rejection, Reply};
use crate::command::{AnnounceContact, AnswerNotice, BindAgent, CloseContact, NoticeAnswer};
use crate::event::{AgentBound, ContactAnnounced, Event, NoticeOpened};
use crate::ids::{ChallengeId, ContactId};
use crate::kv::{Fault, View};
use crate::outcome::{Outcome, reason};
use crate::policy::PolicyPurpose;
use crate::records::{About, Challenge, Contact, Tenant};
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
    if let Some(agent) = command.agent {
        state
            .agent(tenant.number, agent)?
            .ok_or(Rejection::UnknownAgent)?;
    }
    if command.previous != ContactId::ZERO {
        state
            .contact(tenant.number, command.previous)?
            .ok_or(Rejection::UnknownContact)?;
    }
    if command.delegate.is_some() {
        return Err(Rejection::Invalid(Field::Delegate).into());
    }
    let subject = state.subject(tenant.number, command.subject)?;
    let tag = tag_or(command.subject_tag, subject.tag);
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
    if let Some(agent) = command.agent {
        events.push(Event::AgentBound(AgentBound {
            tenant: tenant.number,
            contact: command.contact,
            agent,
            agent_tag: command.agent_tag,
        }));
    }
    if let Some(refused) = unaskable(state, step, &subject)? {
        let what = (command.contact, About::Call);
        let who = (command.subject, tag);
        let (verdict, reply) = ended_at_once(tenant.number, what, who, &policy, refused);
        events.push(verdict);
        return Ok(Decision { events, reply });
    }
    // One open challenge per subject: the newer contact takes over.
    events.extend(end_open(
        state,
        tenant.number,
        command.subject,
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
        subject: command.subject,
        pin_epoch: subject.pin_epoch(),
        initiator: Some(command.initiator),
        call_reason: command.call_reason,
        policy,
        tag,
    };
    let (issued, reply) = question.ask(step)?;
    events.push(issued);
    Ok(Decision { events, reply })
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

pub(super) fn bind<V: View>(state: &V, command: &BindAgent) -> Result<Decision, Stop> {
    founded(state)?;
    let tenant = tenant(state, &command.tenant)?;
    usable(state, tenant.number, command.contact)?;
    state
        .agent(tenant.number, command.agent)?
        .ok_or(Rejection::UnknownAgent)?;
    let bound = AgentBound {
        tenant: tenant.number,
        contact: command.contact,
        agent: command.agent,
        agent_tag: command.agent_tag,
    };
    Ok(Decision::fact(bound))
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
fn open_here<V: View>(
    state: &V,
    tenant: u32,
    id: ContactId,
    contact: &Contact,
) -> Result<Option<ChallengeId>, Fault> {
    let Some(open) = state.subject(tenant, contact.subject)?.open else {
        return Ok(None);
    };
    let asked = state.challenge(tenant, open)?;
    Ok(asked
        .is_some_and(|challenge| challenge.contact == id)
        .then_some(open))
}

pub(super) fn answer<V: View>(
    state: &V,
    step: &Step,
    command: &AnswerNotice,
) -> Result<Decision, Stop> {
    founded(state)?;
    let tenant = tenant(state, &command.tenant)?;
    let challenge = open_challenge(state, &tenant, command.challenge, &command.token, step)?;
    let (outcome, why) = match command.answer {
        NoticeAnswer::Opened if challenge.opened => {
            return Ok(Decision::nothing(Reply::Done));
        }
        NoticeAnswer::Opened => {
            return Ok(Decision::fact(NoticeOpened {
                tenant: tenant.number,
                challenge: command.challenge,
                contact: challenge.contact,
                tag: challenge.tag,
            }));
        }
        NoticeAnswer::Decline => (Outcome::DeclinedByCustomer, reason::CUSTOMER_DECLINED),
        NoticeAnswer::Report => (Outcome::ReportedByCustomer, reason::CUSTOMER_REPORTED),
    };
    let ended = end(state, tenant.number, command.challenge, outcome, why)?;
    Ok(Decision {
        events: ended.into_iter().collect(),
        reply: Reply::Verdict {
            outcome,
            reason: why,
        },
    })
}

/// The challenge, if the token opens it and it still waits for an answer.
fn open_challenge<V: View>(
    state: &V,
    tenant: &Tenant,
    id: ChallengeId,
    token: &[u8; 32],
    step: &Step,
) -> Result<Challenge, Stop> {
    let challenge = known(state, tenant, id, token)?;
    if let Some(verdict) = challenge.verdict {
        return Err(match verdict.outcome {
            Outcome::Expired => Rejection::ChallengeExpired,
            Outcome::Verified
            | Outcome::NotVerified
            | Outcome::Inconclusive
            | Outcome::NotEnrolled
            | Outcome::OptedOut
            | Outcome::DeclinedByCustomer
            | Outcome::ReportedByCustomer
            | Outcome::Cancelled
            | Outcome::Superseded
            | Outcome::RateLimited
            | Outcome::Error => Rejection::ChallengeAnswered,
        }
        .into());
    }
    if challenge.expires <= step.stamp {
        return Err(Rejection::ChallengeExpired.into());
    }
    Ok(challenge)
}
