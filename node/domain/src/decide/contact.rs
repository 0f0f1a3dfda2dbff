//! Contacts: announcing, handing to an agent, closing; what a phone says without proving.

use akashi_proof::Purpose;

use super::enrolment::{end_challenge, end_open_challenge, tag_or};
use super::{Binding, Decision, Step, Stop, founded, tenant};
use crate::answer::{Field, Rejection, Reply};
use crate::command::{AnnounceContact, AnswerNotice, BindAgent, CloseContact, NoticeAnswer};
use crate::event::Event;
use crate::ids::{ChallengeId, ContactId, Digest, Stamp, Tag};
use crate::kv::View;
use crate::limits::{NOTICE_WINDOW_US, SECOND_US};
use crate::outcome::{Outcome, reason};
use crate::records::{Challenge, Cluster, Policy, Tenant};
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
    let policy = state
        .policy(tenant.number, &command.policy)?
        .ok_or(Rejection::UnknownPolicy)?;
    if let Some(agent) = command.agent {
        state
            .agent(tenant.number, agent)?
            .ok_or(Rejection::UnknownAgent)?;
    }
    let subject = state.subject(tenant.number, command.subject)?;
    let tag = tag_or(command.subject_tag, subject.tag);
    let mut events = vec![Event::ContactAnnounced {
        tenant: tenant.number,
        contact: command.contact,
        subject: command.subject,
        initiator: command.initiator,
        call_reason: command.call_reason,
        tag,
    }];
    if let Some(agent) = command.agent {
        events.push(Event::AgentBound {
            tenant: tenant.number,
            contact: command.contact,
            agent,
            agent_tag: command.agent_tag,
        });
    }
    let window = step.stamp.before_us(NOTICE_WINDOW_US);
    let recent = subject
        .notices
        .iter()
        .filter(|sent| **sent > window)
        .count();
    let allowed = usize::try_from(state.settings()?.notices_per_hour).unwrap_or(usize::MAX);
    let refused = if subject.device.is_none_or(|device| device.revoked) {
        Some((Outcome::NotEnrolled, reason::NO_DEVICE))
    } else if recent >= allowed {
        Some((Outcome::RateLimited, reason::TOO_MANY_NOTICES))
    } else {
        None
    };
    if let Some((outcome, why)) = refused {
        events.push(Event::VerdictReached {
            tenant: tenant.number,
            challenge: ChallengeId::ZERO,
            contact: command.contact,
            subject: command.subject,
            outcome,
            reason: why,
            factors: 0,
            policy_version: policy.version,
            not_after: Stamp::default(),
            tag,
        });
        return Ok(Decision {
            events,
            reply: ended_at_once(outcome),
        });
    }
    // One open challenge per subject: the newer contact takes over.
    events.extend(end_open_challenge(
        state,
        tenant.number,
        command.subject,
        Outcome::Superseded,
        reason::NEWER_CONTACT,
    )?);
    let (issued, reply) = issue(step, &cluster, &tenant, command, policy, tag)?;
    events.push(issued);
    Ok(Decision { events, reply })
}

/// The challenge that an announcement leads to, and what the platform is told.
fn issue(
    step: &Step,
    cluster: &Cluster,
    tenant: &Tenant,
    command: &AnnounceContact,
    policy: Policy,
    tag: Tag,
) -> Result<(Event, Reply), Stop> {
    let challenge = ChallengeId::of(&cluster.origin, &tenant.name, command.contact);
    let ttl_us = u64::from(policy.body.challenge_ttl_s).saturating_mul(SECOND_US);
    let expires = step.stamp.after_us(ttl_us);
    let nonce = step.nonce(cluster, challenge.0);
    let context = Binding {
        cluster,
        tenant: &tenant.name,
        challenge: challenge.0,
        nonce,
        purpose: Purpose::CustomerCall,
        subject: command.subject,
        contact: &command.contact.0,
        not_before: step.stamp,
        expires,
        policy_digest: policy.digest,
    }
    .context()?;
    let issued = Event::ChallengeIssued {
        tenant: tenant.number,
        challenge,
        contact: command.contact,
        subject: command.subject,
        initiator: command.initiator,
        call_reason: command.call_reason,
        policy: policy.name,
        policy_version: policy.version,
        policy_digest: policy.digest,
        body: policy.body,
        nonce,
        token: step.derived(b"akashi/v1/submit-token", &challenge.0),
        expires,
        context_digest: Digest(context.digest()),
        tag,
    };
    let reply = Reply::Announced {
        challenge,
        expires,
        outcome: None,
    };
    Ok((issued, reply))
}

/// The answer to an announcement that leads to no challenge.
const fn ended_at_once(outcome: Outcome) -> Reply {
    Reply::Announced {
        challenge: ChallengeId::ZERO,
        expires: Stamp(0),
        outcome: Some(outcome),
    }
}

/// What a customer's proofs are bound to.
pub(super) fn binding<'a>(
    cluster: &'a Cluster,
    tenant: &'a Tenant,
    id: ChallengeId,
    challenge: &'a Challenge,
) -> Binding<'a> {
    Binding {
        cluster,
        tenant: &tenant.name,
        challenge: id.0,
        nonce: challenge.nonce,
        purpose: Purpose::CustomerCall,
        subject: challenge.subject,
        contact: &challenge.contact.0,
        not_before: challenge.issued,
        expires: challenge.expires,
        policy_digest: challenge.policy_digest,
    }
}

pub(super) fn bind<V: View>(state: &V, command: &BindAgent) -> Result<Decision, Stop> {
    founded(state)?;
    let tenant = tenant(state, &command.tenant)?;
    let contact = state
        .contact(tenant.number, command.contact)?
        .ok_or(Rejection::UnknownContact)?;
    if contact.closed {
        return Err(Rejection::ContactClosed.into());
    }
    state
        .agent(tenant.number, command.agent)?
        .ok_or(Rejection::UnknownAgent)?;
    Ok(Decision {
        events: vec![Event::AgentBound {
            tenant: tenant.number,
            contact: command.contact,
            agent: command.agent,
            agent_tag: command.agent_tag,
        }],
        reply: Reply::Done,
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
    let mut events: Vec<Event> = end_challenge(
        state,
        tenant.number,
        contact.challenge,
        Outcome::Cancelled,
        reason::CONTACT_CLOSED,
    )?
    .into_iter()
    .collect();
    events.push(Event::ContactClosed {
        tenant: tenant.number,
        contact: command.contact,
        disposition: command.disposition,
    });
    Ok(Decision {
        events,
        reply: Reply::Done,
    })
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
            return Ok(Decision {
                events: Vec::new(),
                reply: Reply::Done,
            });
        }
        NoticeAnswer::Opened => {
            let event = Event::NoticeOpened {
                tenant: tenant.number,
                challenge: command.challenge,
                contact: challenge.contact,
                tag: challenge.tag,
            };
            return Ok(Decision {
                events: vec![event],
                reply: Reply::Done,
            });
        }
        NoticeAnswer::Decline => (Outcome::DeclinedByCustomer, reason::CUSTOMER_DECLINED),
        NoticeAnswer::Report => (Outcome::ReportedByCustomer, reason::CUSTOMER_REPORTED),
    };
    let events = end_challenge(state, tenant.number, command.challenge, outcome, why)?
        .into_iter()
        .collect();
    Ok(Decision {
        events,
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
    let challenge = known_challenge(state, tenant, id, token)?;
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

/// The challenge, if the token opens it; unknown and not opened look the same from outside.
pub(super) fn known_challenge<V: View>(
    state: &V,
    tenant: &Tenant,
    id: ChallengeId,
    token: &[u8; 32],
) -> Result<Challenge, Stop> {
    Ok(state
        .challenge(tenant.number, id)?
        .filter(|challenge| challenge.token_hash == Digest::of(token))
        .ok_or(Rejection::UnknownChallenge)?)
}
