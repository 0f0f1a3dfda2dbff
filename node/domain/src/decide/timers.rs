//! What follows when time runs out.

use super::challenge::end;
use crate::event::{EnrolmentExpired, Event, NoticeReminded};
use crate::ids::{ChallengeId, EnrolmentId, Stamp};
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

/// One reminder, if nobody has shown the notice and there is still time to.
pub(super) fn reminder<V: View>(
    state: &V,
    tenant: u32,
    id: [u8; 16],
    now: Stamp,
) -> Result<Option<Event>, Fault> {
    let waiting = state
        .challenge(tenant, ChallengeId(id))?
        .filter(|asked| asked.verdict.is_none() && !asked.opened && now < asked.expires);
    Ok(waiting.map(|asked| {
        Event::NoticeReminded(NoticeReminded {
            tenant,
            challenge: ChallengeId(id),
            contact: asked.contact,
            subject: asked.subject,
            tag: asked.tag,
        })
    }))
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
