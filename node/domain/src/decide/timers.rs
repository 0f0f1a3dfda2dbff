//! What follows when time runs out.

use super::challenge::end;
use crate::event::{EnrolmentExpired, Event};
use crate::ids::{ChallengeId, EnrolmentId};
use crate::kv::{Fault, View};
use crate::outcome::{Outcome, reason};
use crate::state::Records as _;

pub(super) fn challenge<V: View>(
    state: &V,
    tenant: u32,
    id: [u8; 16],
) -> Result<Option<Event>, Fault> {
    let (outcome, why) = (Outcome::Expired, reason::TIME_RAN_OUT);
    end(state, tenant, ChallengeId(id), outcome, why)
}

pub(super) fn enrolment<V: View>(
    state: &V,
    tenant: u32,
    id: [u8; 16],
) -> Result<Option<Event>, Fault> {
    let open = state
        .enrolment(tenant, EnrolmentId(id))?
        .filter(|enrolment| !enrolment.closed);
    Ok(open.map(|enrolment| {
        Event::EnrolmentExpired(EnrolmentExpired {
            tenant,
            enrolment: enrolment.id,
            tag: enrolment.tag,
        })
    }))
}
