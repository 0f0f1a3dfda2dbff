//! Delegations: who may act for a customer, in what, and until when.

use super::challenge::tag_or;
use super::{Decision, Step, Stop, founded, tenant};
use crate::answer::{Field, Rejection};
use crate::command::{GrantDelegation, RevokeDelegation};
use crate::event::{DelegationGranted, DelegationRevoked};
use crate::ids::{Stamp, SubjectHash};
use crate::kv::{Fault, View};
use crate::limits::{DELEGATION_US_MAX, SECOND_US};
use crate::records::Delegation;
use crate::state::Records as _;

pub(super) fn grant<V: View>(
    state: &V,
    step: &Step,
    command: &GrantDelegation,
) -> Result<Decision, Stop> {
    founded(state)?;
    let tenant = tenant(state, &command.tenant)?;
    let latest = step.stamp.after_us(DELEGATION_US_MAX);
    let timed = command.until >= step.stamp.after_us(SECOND_US) && command.until <= latest;
    if command.principal == command.delegate || command.scope == 0 || !timed {
        return Err(Rejection::Invalid(Field::Delegation).into());
    }
    let principal = state.subject(tenant.number, command.principal)?;
    let delegate = state.subject(tenant.number, command.delegate)?;
    Ok(Decision::fact(DelegationGranted {
        tenant: tenant.number,
        principal: command.principal,
        delegate: command.delegate,
        scope: command.scope,
        until: command.until,
        tag: tag_or(command.principal_tag, principal.tag),
        delegate_tag: tag_or(command.delegate_tag, delegate.tag),
    }))
}

pub(super) fn revoke<V: View>(state: &V, command: &RevokeDelegation) -> Result<Decision, Stop> {
    founded(state)?;
    let tenant = tenant(state, &command.tenant)?;
    let held = state
        .delegation(tenant.number, command.principal, command.delegate)?
        .ok_or(Rejection::NoDelegation)?;
    Ok(Decision::fact(DelegationRevoked {
        tenant: tenant.number,
        principal: command.principal,
        delegate: command.delegate,
        tag: held.tag,
        delegate_tag: held.delegate_tag,
    }))
}

/// The delegation, if it still stands at this time.
pub(super) fn standing<V: View>(
    state: &V,
    tenant: u32,
    principal: SubjectHash,
    delegate: SubjectHash,
    now: Stamp,
) -> Result<Option<Delegation>, Fault> {
    let held = state.delegation(tenant, principal, delegate)?;
    Ok(held.filter(|delegation| delegation.until > now))
}
