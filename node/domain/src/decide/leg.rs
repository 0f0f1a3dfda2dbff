//! The life of a call: what the telephone system says of it, and a call that comes back.

use super::challenge::end;
use super::contact::{open_here, usable};
use super::{Decision, Step, Stop, founded, tenant};
use crate::answer::{Rejection, Reply};
use crate::command::{CallEvent, RecordLeg, ResumeContact};
use crate::event::{ContactResumed, Event, LegChanged};
use crate::kv::View;
use crate::limits::SECOND_US;
use crate::outcome::{Outcome, reason};
use crate::records::{Contact, LegState};
use crate::state::Records as _;

pub(super) fn record<V: View>(state: &V, command: &RecordLeg) -> Result<Decision, Stop> {
    founded(state)?;
    let tenant = tenant(state, &command.tenant)?;
    let contact = state
        .contact(tenant.number, command.contact)?
        .ok_or(Rejection::UnknownContact)?;
    if contact.closed {
        return Err(Rejection::ContactClosed.into());
    }
    if let Some(agent) = command.agent {
        state
            .agent(tenant.number, agent)?
            .ok_or(Rejection::UnknownAgent)?;
    }
    let was = contact.leg.state;
    let next = after(was, command.event).ok_or(Rejection::LegMisplaced)?;
    let queue = queue_or(command.queue, &contact);
    let changed = Event::LegChanged(LegChanged {
        tenant: tenant.number,
        contact: command.contact,
        event: command.event,
        state: next,
        queue,
        agent_tag: command.agent_tag,
    });
    let mut events = vec![changed];
    if command.event == CallEvent::Abandoned
        && let Some(open) = open_here(state, tenant.number, command.contact, &contact)?
    {
        let (outcome, why) = (Outcome::Cancelled, reason::ABANDONED);
        events.extend(end(state, tenant.number, open, outcome, why)?);
    }
    Ok(Decision {
        events,
        reply: Reply::Done,
    })
}

/// How a call stands after an event; `None` where the event cannot happen.
///
/// Systems say things twice and in another order than they happened, so whatever can be understood is
/// accepted: only a call that is over, or was never answered, has things that cannot happen to it.
const fn after(was: LegState, event: CallEvent) -> Option<LegState> {
    match (was, event) {
        (LegState::Cleared, _)
        | (LegState::Established | LegState::Held, CallEvent::Abandoned)
        | (LegState::None | LegState::Ringing, CallEvent::Held | CallEvent::Retrieved) => None,
        (_, CallEvent::Delivered | CallEvent::Diverted) => Some(LegState::Ringing),
        (_, CallEvent::Established | CallEvent::Retrieved) => Some(LegState::Established),
        (_, CallEvent::Held) => Some(LegState::Held),
        (was, CallEvent::Transferred | CallEvent::Conferenced) => Some(was),
        (_, CallEvent::ConnectionCleared | CallEvent::Abandoned) => Some(LegState::Cleared),
    }
}

/// The queue that was named, or the one that the contact is in.
pub(super) const fn queue_or(given: u32, contact: &Contact) -> u32 {
    if given == 0 { contact.queue } else { given }
}

/// Refuses what only a living call can be asked.
pub(super) const fn alive(contact: &Contact) -> Result<(), Rejection> {
    match contact.leg.state {
        LegState::Cleared => Err(Rejection::LegCleared),
        LegState::None | LegState::Ringing | LegState::Established | LegState::Held => Ok(()),
    }
}

/// A call that was cut off joins its contact again, if it comes back in time. The verdict is kept, the
/// agent is not: whoever answers now is bound anew.
pub(super) fn resume<V: View>(
    state: &V,
    step: &Step,
    command: &ResumeContact,
) -> Result<Decision, Stop> {
    founded(state)?;
    let tenant = tenant(state, &command.tenant)?;
    let contact = usable(state, tenant.number, command.contact)?;
    let abandoned = contact
        .verdict
        .is_some_and(|verdict| verdict.reason == reason::ABANDONED);
    if contact.leg.state != LegState::Cleared || abandoned {
        return Err(Rejection::LegMisplaced.into());
    }
    let grace_us = u64::from(state.settings()?.resume_grace_s).saturating_mul(SECOND_US);
    if step.stamp > contact.leg.cleared.after_us(grace_us) {
        return Err(Rejection::ResumeTooLate.into());
    }
    Ok(Decision::fact(ContactResumed {
        tenant: tenant.number,
        contact: command.contact,
        queue: queue_or(command.queue, &contact),
        released: contact.agent,
        agent_tag: contact.agent_tag,
    }))
}
