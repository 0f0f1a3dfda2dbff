//! Requests of processors to commands, one function each, and what they are answered with.
//!
//! Nothing is decided here. The processor's key comes from its certificate, never from a message.

use akashi_domain::command::{Command, ExecuteOrder, OpenOrder, ProveTotal};
use akashi_domain::ids::ChallengeId;
use akashi_domain::limits::ORDER_AMOUNTS_MAX;
use akashi_domain::records::{Campaign, Challenge, Cluster, Executed, Order, Progress};
use akashi_proto::v1;

use super::command::commitment;
use super::view::{as_of, order_terms, stage};
use super::{Malformed, array, contact_id, name, order_id};

/// `OpenOrder`.
///
/// # Errors
///
/// [`Malformed`].
pub fn open_order(
    request: v1::OpenOrderRequest,
    recipient: [u8; 32],
) -> Result<OpenOrder, Malformed> {
    Ok(OpenOrder {
        contact: contact_id(&request.contact_id)?,
        order: order_id(&request.order_id)?,
        tenant: name(request.tenant, "tenant")?,
        recipient,
    })
}

/// `ExecuteOrder`.
///
/// # Errors
///
/// [`Malformed`].
pub fn execute_order(
    request: v1::ExecuteOrderRequest,
    recipient: [u8; 32],
) -> Result<Command, Malformed> {
    if request.amounts.len() > ORDER_AMOUNTS_MAX {
        return Err(Malformed { field: "amounts" });
    }
    let amounts = request
        .amounts
        .iter()
        .map(|amount| commitment(amount, "amounts"))
        .collect::<Result<_, _>>()?;
    Ok(Command::ExecuteOrder(ExecuteOrder {
        contact: contact_id(&request.contact_id)?,
        order: order_id(&request.order_id)?,
        order_hash: array(&request.order_hash, "order_hash")?,
        tenant: name(request.tenant, "tenant")?,
        recipient,
        amounts,
    }))
}

/// `ProveTotal`.
///
/// # Errors
///
/// [`Malformed`].
pub fn prove_total(request: v1::ProveTotalRequest) -> Result<Command, Malformed> {
    Ok(Command::ProveTotal(ProveTotal {
        campaign: request.campaign,
        through: request.through,
        total: request.total,
        blinding: array(&request.blinding, "blinding")?,
        tenant: name(request.tenant, "tenant")?,
    }))
}

/// What a processor opens and checks a payload with; `payload` and `receipt` are of the same order.
#[must_use]
pub fn opened_order(
    cluster: Cluster,
    order: &Order,
    challenge: &Challenge,
    payload: Vec<u8>,
) -> v1::OpenOrderResponse {
    let ChallengeId(id) = order.challenge;
    v1::OpenOrderResponse {
        placement: None,
        payload: payload.into(),
        terms: Some(order_terms(&order.terms)),
        context: Some(v1::ConsentContext {
            origin: cluster.origin,
            group: u32::from(cluster.group),
            epoch: cluster.epoch,
            challenge_id: id.to_vec().into(),
            nonce: challenge.nonce.to_vec().into(),
            subject_hash: challenge.subject.0.to_vec().into(),
            policy_digest: challenge.policy_digest.0.to_vec().into(),
            not_before_us: challenge.issued.0,
            expires_us: challenge.expires.0,
        }),
        payload_until_us: order.payload_until.0,
        receipt: String::new(),
    }
}

/// How far an order is on its way; with `receipt` its execution is sealed.
#[must_use]
pub fn order_execution(order: &Order, receipt: Option<String>) -> v1::OrderExecution {
    let started = v1::OrderExecution {
        opened_us: order.opened.map_or(0, |at| at.0),
        refusals: u32::from(order.refusals),
        ..v1::OrderExecution::default()
    };
    let Some(executed) = order.executed else {
        return started;
    };
    let Executed {
        at,
        leaf,
        campaign,
        number,
    } = executed;
    v1::OrderExecution {
        executed_us: at.0,
        leaf_index: leaf,
        campaign,
        number,
        stage: stage(receipt.is_some()).into(),
        receipt: receipt.unwrap_or_default(),
        ..started
    }
}

/// What is known of a campaign's sum.
#[must_use]
pub fn campaign(
    campaign: &Campaign,
    receipt: Option<String>,
    (progress, stale): (&Progress, bool),
) -> v1::GetCampaignResponse {
    v1::GetCampaignResponse {
        orders: campaign.orders,
        sum: campaign.sum.to_vec().into(),
        proved: campaign.proved,
        receipt: receipt.unwrap_or_default(),
        as_of: Some(as_of(progress, stale)),
    }
}
