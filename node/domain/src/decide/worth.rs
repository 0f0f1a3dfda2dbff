//! What a verdict is good for: all that the policy grants, less what speaks against full trust.

use super::delegation;
use crate::ids::Stamp;
use crate::kv::{Fault, View};
use crate::outcome::{Good, aal, limit};
use crate::policy::Grants;
use crate::records::{About, Challenge, Contact, Device, Policy};
use crate::state::Records as _;

/// What a submission that held is good for; none if it was made for somebody for whom one may no longer act.
pub(super) fn of_proof<V: View>(
    state: &V,
    now: Stamp,
    (tenant, challenge): (u32, &Challenge),
    device: Device,
    (factors, match_code): (u32, u32),
) -> Result<Option<Good>, Fault> {
    let cooling = match device.cooling_until > now {
        true => limit::COOLING,
        false => 0,
    };
    let grants = &challenge.body.grants;
    let granted = match challenge.about() {
        About::Login(_) => Some((grants.scope, 0)),
        About::Call | About::StepUp(_) | About::Order(_) => {
            let contact = state
                .contact(tenant, challenge.contact)?
                .ok_or(Fault::Corrupt)?;
            granted(state, now, (tenant, &contact), grants, cooling)?
        }
    };
    Ok(granted.map(|(scope, limits)| Good {
        scope,
        limits,
        aal: aal(factors),
        match_code,
    }))
}

/// What a weaker way is good for; none if nobody may act for the customer any more.
pub(super) fn of_fallback<V: View>(
    state: &V,
    now: Stamp,
    (tenant, contact): (u32, &Contact),
    grants: &Grants,
) -> Result<Option<Good>, Fault> {
    let granted = granted(state, now, (tenant, contact), grants, limit::FALLBACK)?;
    Ok(granted.map(|(scope, limits)| Good {
        scope,
        limits,
        aal: 1,
        match_code: 0,
    }))
}

/// Scope and limits of a verdict of this contact, of which `limits` are known already.
fn granted<V: View>(
    state: &V,
    now: Stamp,
    (tenant, contact): (u32, &Contact),
    grants: &Grants,
    mut limits: u8,
) -> Result<Option<(u32, u8)>, Fault> {
    let broken = contact.risk.is_some_and(|risk| grants.risk.broken_by(risk));
    if broken || state.subject(tenant, contact.asked())?.suspect {
        limits |= limit::RISK;
    }
    let mut scope = grants.scope;
    if let Some(delegate) = contact.delegate {
        let Some(held) = delegation::standing(state, tenant, contact.subject, delegate, now)?
        else {
            return Ok(None);
        };
        limits |= limit::DELEGATE;
        scope &= held.scope;
    }
    if limits != 0 {
        scope &= grants.limited;
    }
    Ok(Some((scope, limits)))
}

/// The policy by which the contact is verified, in its pinned version.
pub(super) fn pinned<V: View>(state: &V, tenant: u32, contact: &Contact) -> Result<Policy, Fault> {
    state
        .policy_version(tenant, &contact.policy, contact.policy_version)?
        .ok_or(Fault::Corrupt)
}
