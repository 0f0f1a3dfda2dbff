//! Asking the customer of a contact for more, or again.

use super::challenge::{Question, end, ended_at_once, policy, tag_or, unaskable};
use super::contact::usable;
use super::leg::alive;
use super::{Decision, Step, Stop, founded, tenant};
use crate::answer::{Field, Rejection};
use crate::command::StepUp;
use crate::event::{Event, StepUpAsked};
use crate::ids::{ChallengeId, ContactId};
use crate::kv::{Fault, View};
use crate::limits::STEP_UPS_PER_CONTACT_MAX;
use crate::outcome::{Outcome, reason};
use crate::policy::PolicyPurpose;
use crate::records::{About, Contact, Subject};
use crate::state::Records as _;

pub(super) fn ask<V: View>(state: &V, step: &Step, command: &StepUp) -> Result<Decision, Stop> {
    let cluster = founded(state)?;
    let tenant = tenant(state, &command.tenant)?;
    let contact = usable(state, tenant.number, command.contact)?;
    let policy = policy(state, &tenant, &command.policy, PolicyPurpose::CustomerCall)?;
    may_be_asked(&contact)?;
    let number = contact.steps.asked.saturating_add(1);
    if number > STEP_UPS_PER_CONTACT_MAX {
        return Err(Rejection::Full(Field::StepUp).into());
    }
    let asked = contact.asked();
    let subject = state.subject(tenant.number, asked)?;
    let superseded = superseded(state, tenant.number, command.contact, &subject)?;
    let tag = tag_or(command.subject_tag, subject.tag);
    let mut events = vec![Event::StepUpAsked(StepUpAsked {
        tenant: tenant.number,
        contact: command.contact,
        step: number,
        policy: policy.name.clone(),
        policy_version: policy.version,
        tag,
    })];
    if let Some(refused) = unaskable(state, step, &subject)? {
        let what = (command.contact, About::StepUp(number));
        let who = (asked, tag);
        let (verdict, reply) = ended_at_once(tenant.number, what, who, &policy, refused);
        events.push(verdict);
        return Ok(Decision { events, reply });
    }
    events.extend(superseded);
    let (origin, name) = (&cluster.origin, &tenant.name);
    let question = Question {
        cluster: &cluster,
        tenant: &tenant,
        challenge: ChallengeId::of_step_up(origin, name, command.contact, number),
        contact: command.contact,
        order: None,
        login: None,
        step_up: number,
        subject: asked,
        pin_epoch: subject.pin_epoch(),
        initiator: Some(contact.initiator),
        call_reason: contact.call_reason,
        policy,
        tag,
    };
    let (issued, reply) = question.ask(step)?;
    events.push(issued);
    Ok(Decision { events, reply })
}

/// Whoever declined, reported, opted out or used up the attempts is not asked again on the same contact.
fn may_be_asked(contact: &Contact) -> Result<(), Rejection> {
    alive(contact)?;
    let verdict = contact.verdict.ok_or(Rejection::ChallengeOpen)?;
    match verdict.outcome {
        Outcome::Verified
        | Outcome::Inconclusive
        | Outcome::NotEnrolled
        | Outcome::Expired
        | Outcome::Cancelled
        | Outcome::Superseded
        | Outcome::RateLimited
        | Outcome::Error => Ok(()),
        Outcome::NotVerified
        | Outcome::OptedOut
        | Outcome::DeclinedByCustomer
        | Outcome::ReportedByCustomer => Err(Rejection::NotVerified),
    }
}

/// The end of an older question of the same contact; what belongs to another one is never pushed aside.
fn superseded<V: View>(
    state: &V,
    tenant: u32,
    contact: ContactId,
    subject: &Subject,
) -> Result<Option<Event>, Stop> {
    let Some(open) = subject.open else {
        return Ok(None);
    };
    let asked = state.challenge(tenant, open)?.ok_or(Fault::Corrupt)?;
    match asked.about() {
        About::Order(_) | About::StepUp(_) if asked.contact == contact => {
            let (outcome, why) = (Outcome::Superseded, reason::NEWER_STEP_UP);
            Ok(end(state, tenant, open, outcome, why)?)
        }
        About::Call | About::Order(_) | About::StepUp(_) | About::Login(_) => {
            Err(Rejection::ChallengeOpen.into())
        }
    }
}
