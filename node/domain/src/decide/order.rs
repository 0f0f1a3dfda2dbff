//! Orders: asking the customer of a verified contact to approve one.
//!
//! Only its salted hash and commitments to its hidden amounts are here. The order itself never passes
//! through the cluster: the tenant's own app brings it to the phone, which shows it and hashes what it shows.

use akashi_proof::Commitment;

use super::challenge::{Question, end, ended_at_once, policy, tag_or, unaskable};
use super::contact::usable;
use super::leg::alive;
use super::{Decision, Step, Stop, founded, tenant};
use crate::answer::{Field, Rejection};
use crate::command::OfferOrder;
use crate::event::{Event, OrderOffered, OrderPayloadExpired};
use crate::ids::{ChallengeId, OrderId};
use crate::kv::{Fault, View};
use crate::limits::ORDER_AMOUNTS_MAX;
use crate::outcome::{Outcome, reason};
use crate::policy::{PolicyBody, PolicyPurpose, PredicateTest};
use crate::records::{About, OrderTerms, Subject};
use crate::state::Records as _;

pub(super) fn offer<V: View>(
    state: &V,
    step: &Step,
    command: &OfferOrder,
) -> Result<Decision, Stop> {
    let cluster = founded(state)?;
    let tenant = tenant(state, &command.tenant)?;
    let contact = state
        .contact(tenant.number, command.contact)?
        .ok_or(Rejection::UnknownContact)?;
    if state
        .order(tenant.number, command.contact, command.order)?
        .is_some()
    {
        return Err(Rejection::Exists(Field::Order).into());
    }
    let policy = policy(state, &tenant, &command.policy, PolicyPurpose::Consent)?;
    let terms = terms(command, &policy.body)?;
    usable(state, tenant.number, command.contact)?;
    alive(&contact)?;
    if !contact.is_verified(step.stamp) {
        return Err(Rejection::NotVerified.into());
    }
    if !contact.covers(policy.body.grants.needs) {
        return Err(Rejection::StepUpRequired.into());
    }
    let asked = contact.asked();
    let subject = state.subject(tenant.number, asked)?;
    let superseded = superseded(state, tenant.number, &subject)?;
    let tag = tag_or(command.subject_tag, subject.tag);
    let mut events = vec![Event::OrderOffered(OrderOffered {
        tenant: tenant.number,
        contact: command.contact,
        subject: asked,
        terms: terms.clone(),
        tag,
    })];
    if let Some(refused) = unaskable(state, step, &subject)? {
        let what = (command.contact, About::Order(command.order));
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
        challenge: ChallengeId::of_order(origin, name, command.contact, command.order),
        contact: command.contact,
        order: Some(terms),
        login: None,
        subject: asked,
        step_up: 0,
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

/// What a consent will be bound to, if it makes an order, and one that the policy can be asked about.
fn terms(command: &OfferOrder, body: &PolicyBody) -> Result<OrderTerms, Rejection> {
    let refuse = Rejection::Invalid(Field::Order);
    let rule = body.consent.ok_or(Rejection::Invalid(Field::Policy))?;
    let amounts = &command.amounts;
    let hidden = amounts
        .iter()
        .all(|amount| Commitment::from_bytes(amount).is_ok());
    let named = command.order != OrderId::ZERO && command.order_hash != [0; 32];
    if !named || !hidden || amounts.len() > ORDER_AMOUNTS_MAX {
        return Err(refuse);
    }
    for rule in &body.predicates {
        match rule.test {
            PredicateTest::CoversAmount { bits: _, amount } => {
                amounts.get(usize::from(amount)).ok_or(refuse)?;
            }
            PredicateTest::AtLeast { .. }
            | PredicateTest::AtMost { .. }
            | PredicateTest::Within { .. }
            | PredicateTest::OneOf { .. }
            | PredicateTest::Equals { .. }
            | PredicateTest::SameAs(_) => {}
        }
    }
    Ok(OrderTerms {
        order: command.order,
        order_hash: command.order_hash,
        amounts: amounts.clone(),
        recipient: rule.recipient,
    })
}

/// The end of an order that waits for its approval; a call that waits is never pushed aside.
fn superseded<V: View>(state: &V, tenant: u32, subject: &Subject) -> Result<Option<Event>, Stop> {
    let Some(open) = subject.open else {
        return Ok(None);
    };
    let asked = state.challenge(tenant, open)?.ok_or(Fault::Corrupt)?;
    match asked.about() {
        About::Order(_) => {
            let (outcome, why) = (Outcome::Superseded, reason::NEWER_ORDER);
            Ok(end(state, tenant, open, outcome, why)?)
        }
        About::Call | About::StepUp(_) | About::Login(_) => Err(Rejection::ChallengeOpen.into()),
    }
}

/// What follows when a sealed payload has waited long enough.
pub(super) fn expire<V: View>(
    state: &V,
    tenant: u32,
    id: ChallengeId,
) -> Result<Option<Event>, Fault> {
    let Some(challenge) = state.challenge(tenant, id)? else {
        return Ok(None);
    };
    let Some(terms) = challenge.order else {
        return Ok(None);
    };
    let waiting = state.sealed_order(tenant, challenge.contact, terms.order)?;
    Ok(waiting.map(|_| {
        Event::OrderPayloadExpired(OrderPayloadExpired {
            tenant,
            challenge: id,
            contact: challenge.contact,
            order: terms.order,
            tag: challenge.tag,
        })
    }))
}
