//! What a binding leaves of a contact: a hand-over can only take away.

use super::leg::{alive, queue_or};
use crate::answer::Rejection;
use crate::command::BindAgent;
use crate::ids::Stamp;
use crate::records::Contact;

/// What a binding leaves.
pub(super) struct Left {
    /// What it leaves of any scope; all ones keep it.
    pub(super) keeps: u32,
    /// What is left of this contact's scope as it is shown, or of a verdict that is still to come.
    pub(super) scope: u32,
    /// Whether that is less than before.
    pub(super) shrank: bool,
    /// The queue that the contact is in.
    pub(super) queue: u32,
}

impl Left {
    /// Everything is left: nobody had it before.
    pub(super) const fn all(queue: u32) -> Self {
        Self {
            keeps: u32::MAX,
            scope: u32::MAX,
            shrank: false,
            queue,
        }
    }
}

/// What `command` leaves of `contact`, if the call is there and the contact good enough for the queue.
pub(super) fn left(contact: &Contact, command: &BindAgent, now: Stamp) -> Result<Left, Rejection> {
    alive(contact)?;
    let keeps = match command.scope {
        0 => u32::MAX,
        scope => scope,
    };
    let covered = contact.scope & keeps & command.needs == command.needs;
    if command.needs != 0 && !(covered && contact.is_verified(now)) {
        return Err(Rejection::StepUpRequired);
    }
    let (before, shrank) = match contact.verdict {
        Some(_) => (contact.scope_shown, contact.scope_shown & !keeps != 0),
        None => (contact.reach, false),
    };
    Ok(Left {
        keeps,
        scope: before & keeps,
        shrank,
        queue: queue_or(command.queue, contact),
    })
}
