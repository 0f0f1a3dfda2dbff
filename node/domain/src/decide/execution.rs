//! Approved orders: who may open one, when it may be carried out, and what orders cost together.
//!
//! A processor is its key: the public key of its certificate is the one that the payload was sealed to,
//! so an order for another processor is no order at all here. What is not as approved is refused by every
//! replica alike, and recorded.

use akashi_proof::{Commitment, CommitmentSum, recipient_digest};

use super::{Decision, Step, Stop, tenant};
use crate::answer::{Rejection, Reply};
use crate::command::{ExecuteOrder, OpenOrder, ProveTotal};
use crate::event::{Event, OrderExecuted, OrderOpened, OrderRefused, Share, TotalProved};
use crate::ids::{ContactId, Digest, OrderId, Stamp};
use crate::kv::{Fault, View};
use crate::limits::{ORDER_REFUSALS_RECORDED_MAX, TOTAL_ORDERS_MIN};
use crate::outcome::{Outcome, reason};
use crate::records::{Contact, Order};
use crate::state::Records as _;

/// Lets the processor have a payload. An act on it cannot be undone, so the approval must be sealed.
pub(super) fn open<V: View>(state: &V, step: &Step, command: &OpenOrder) -> Result<Decision, Stop> {
    let tenant = tenant(state, &command.tenant)?;
    let which = (tenant.number, command.contact, command.order);
    let (order, contact) = found(state, which, &command.recipient)?;
    let approved = order.approved.ok_or(Rejection::NotApproved)?;
    if contact.blocked {
        return Err(Rejection::ContactBlocked.into());
    }
    let waits = state
        .sealed_order(tenant.number, command.contact, command.order)?
        .is_some();
    if order.executed.is_some() || !waits || order.payload_until < step.stamp {
        return Err(Rejection::OrderOver.into());
    }
    if step.sealed.size <= approved {
        return Err(Rejection::NotSealed.into());
    }
    if order.opened.is_some() {
        return Ok(Decision::nothing(Reply::Done));
    }
    Ok(Decision::fact(OrderOpened {
        tenant: tenant.number,
        challenge: order.challenge,
        contact: command.contact,
        order: command.order,
        processor: Digest(recipient_digest(&command.recipient)),
        tag: order.tag,
    }))
}

/// Carries an order out, or refuses it.
pub(super) fn execute<V: View>(
    state: &V,
    step: &Step,
    command: &ExecuteOrder,
) -> Result<Decision, Stop> {
    let tenant = tenant(state, &command.tenant)?;
    let which = (tenant.number, command.contact, command.order);
    let (order, contact) = found(state, which, &command.recipient)?;
    let processor = Digest(recipient_digest(&command.recipient));
    if let Some(why) = obstacle(&order, &contact, command, step.stamp) {
        let refused = OrderRefused {
            tenant: tenant.number,
            challenge: order.challenge,
            contact: command.contact,
            order: command.order,
            order_hash: command.order_hash,
            processor,
            reason: why,
            tag: order.tag,
        };
        let recorded = order.refusals < ORDER_REFUSALS_RECORDED_MAX;
        return Ok(Decision {
            events: recorded
                .then_some(Event::OrderRefused(refused))
                .into_iter()
                .collect(),
            reply: Reply::OrderRefused { reason: why },
        });
    }
    let share = share(state, tenant.number, &contact, &order)?;
    let reply = Reply::OrderExecuted {
        campaign: share.map_or(0, |share| share.campaign),
        number: share.map_or(0, |share| share.number),
    };
    let executed = OrderExecuted {
        tenant: tenant.number,
        challenge: order.challenge,
        contact: command.contact,
        order: command.order,
        order_hash: order.terms.order_hash,
        processor,
        share,
        tag: order.tag,
    };
    Ok(Decision {
        events: vec![executed.into()],
        reply,
    })
}

/// The order, if it is one for this processor.
fn found<V: View>(
    state: &V,
    (tenant, contact, order): (u32, ContactId, OrderId),
    recipient: &[u8; 32],
) -> Result<(Order, Contact), Stop> {
    let found = state
        .order(tenant, contact, order)?
        .filter(|order| order.terms.recipient == *recipient)
        .ok_or(Rejection::UnknownOrder)?;
    let contact = state.contact(tenant, contact)?.ok_or(Fault::Corrupt)?;
    Ok((found, contact))
}

/// Why an order is not carried out. What is not as approved comes first: it is the sign of fraud.
fn obstacle(order: &Order, contact: &Contact, command: &ExecuteOrder, now: Stamp) -> Option<u16> {
    let verified = order
        .verdict
        .is_some_and(|verdict| verdict.outcome == Outcome::Verified);
    let terms = &order.terms;
    if order.approved.is_none() || !verified {
        Some(reason::ORDER_NOT_APPROVED)
    } else if terms.order_hash != command.order_hash || terms.amounts != command.amounts {
        Some(reason::ORDER_DIFFERS)
    } else if order.executed.is_some() {
        Some(reason::ORDER_EXECUTED)
    } else if contact.blocked {
        Some(reason::ORDER_STOPPED)
    } else if order.payload_until < now {
        Some(reason::ORDER_TOO_LATE)
    } else if order.opened.is_none() {
        Some(reason::ORDER_NOT_OPENED)
    } else {
        None
    }
}

/// What the order adds to its campaign's sum: the first amount, which is its total.
fn share<V: View>(
    state: &V,
    tenant: u32,
    contact: &Contact,
    order: &Order,
) -> Result<Option<Share>, Fault> {
    let Some(amount) = order.terms.amounts.first() else {
        return Ok(None);
    };
    // Both were checked when they entered the state.
    let commitment = Commitment::from_bytes(amount).map_err(|_foreign| Fault::Corrupt)?;
    let campaign = state.campaign(tenant, contact.campaign)?;
    let sum = CommitmentSum::from_bytes(&campaign.sum).map_err(|_foreign| Fault::Corrupt)?;
    Ok(Some(Share {
        campaign: contact.campaign,
        number: campaign.orders.checked_add(1).ok_or(Fault::Corrupt)?,
        amount: *amount,
        sum: sum.plus(&commitment).to_bytes(),
    }))
}

/// Holds a total against the sum of its period.
pub(super) fn prove_total<V: View>(state: &V, command: &ProveTotal) -> Result<Decision, Stop> {
    let tenant = tenant(state, &command.tenant)?;
    let campaign = state.campaign(tenant.number, command.campaign)?;
    let orders = command
        .through
        .checked_sub(campaign.proved)
        .ok_or(Rejection::TotalPeriod)?;
    if command.through > campaign.orders || orders < TOTAL_ORDERS_MIN {
        return Err(Rejection::TotalPeriod.into());
    }
    let running = state
        .campaign_sum(tenant.number, command.campaign, command.through)?
        .ok_or(Fault::Corrupt)?;
    let sum_of = |bytes| CommitmentSum::from_bytes(bytes).map_err(|_foreign| Fault::Corrupt);
    let period = sum_of(&running)?.since(&sum_of(&campaign.proved_sum)?);
    if !period.opens_to(command.total, &command.blinding) {
        return Err(Rejection::TotalDiffers.into());
    }
    Ok(Decision::fact(TotalProved {
        tenant: tenant.number,
        campaign: command.campaign,
        first: campaign.proved.saturating_add(1),
        through: command.through,
        sum: period.to_bytes(),
        running,
    }))
}
