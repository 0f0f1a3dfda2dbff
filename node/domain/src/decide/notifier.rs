//! What a notifier says became of a notice. It says nothing about the customer, and decides nothing.

use super::{Decision, Stop, founded, tenant};
use crate::answer::{Rejection, Reply};
use crate::command::{Delivery, ReportNotice};
use crate::event::{Event, NoticeDelivered, NoticeFailed};
use crate::kv::View;
use crate::limits::NOTICE_FAILURES_RECORDED_MAX;
use crate::state::Records as _;

/// Recorded once if it was delivered, a few times if it was not, and while the challenge is open: a word
/// that comes later or again changes nothing.
pub(super) fn report<V: View>(state: &V, command: &ReportNotice) -> Result<Decision, Stop> {
    founded(state)?;
    let tenant = tenant(state, &command.tenant)?.number;
    let asked = state.challenge(tenant, command.challenge)?;
    let asked = asked.ok_or(Rejection::UnknownChallenge)?;
    let known = state.sent(tenant, command.challenge)?;
    let (news, event) = match command.delivery {
        Delivery::Delivered => (
            !known.delivered,
            Event::NoticeDelivered(NoticeDelivered {
                tenant,
                challenge: command.challenge,
                contact: asked.contact,
                reason: command.reason,
                tag: asked.tag,
            }),
        ),
        Delivery::Failed => (
            known.failures < NOTICE_FAILURES_RECORDED_MAX,
            Event::NoticeFailed(NoticeFailed {
                tenant,
                challenge: command.challenge,
                contact: asked.contact,
                reason: command.reason,
                tag: asked.tag,
            }),
        ),
    };
    if asked.verdict.is_some() || !news {
        return Ok(Decision::nothing(Reply::Done));
    }
    Ok(Decision {
        events: vec![event],
        reply: Reply::Done,
    })
}
