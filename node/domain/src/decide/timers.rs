//! What follows when time runs out.

use super::enrolment::end_challenge;
use crate::event::Event;
use crate::ids::{ChallengeId, EnrolmentId};
use crate::kv::{Fault, View};
use crate::outcome::{Outcome, reason};
use crate::state::Records as _;

pub(super) fn challenge<V: View>(
    state: &V,
    tenant: u32,
    id: [u8; 16],
) -> Result<Vec<Event>, Fault> {
    let ended = end_challenge(
        state,
        tenant,
        ChallengeId(id),
        Outcome::Expired,
        reason::TIME_RAN_OUT,
    )?;
    Ok(ended.into_iter().collect())
}

pub(super) fn enrolment<V: View>(
    state: &V,
    tenant: u32,
    id: [u8; 16],
) -> Result<Vec<Event>, Fault> {
    let open = state
        .enrolment(tenant, EnrolmentId(id))?
        .filter(|enrolment| !enrolment.closed);
    Ok(open
        .map(|enrolment| Event::EnrolmentExpired {
            tenant,
            enrolment: enrolment.id,
            tag: enrolment.tag,
        })
        .into_iter()
        .collect())
}
